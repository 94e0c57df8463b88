// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "nuscan/macros.hpp"

namespace nuscan {

/// A complex number that means the same on the host and on the device.
///
/// std::complex is not usable in device code (its operators are host functions under C++20), so the core has its own:
/// plain products without the NaN recovery of Annex G, which costs a branch per product.
struct Complex {
    double re = 0;
    double im = 0;

    Complex() = default;
    NUSCAN_HOST_DEVICE constexpr Complex(double real, double imaginary = 0) : re(real), im(imaginary) {}

    NUSCAN_HOST_DEVICE constexpr Complex& operator+=(Complex z) {
        re += z.re;
        im += z.im;
        return *this;
    }
};

NUSCAN_HOST_DEVICE constexpr Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
NUSCAN_HOST_DEVICE constexpr Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
NUSCAN_HOST_DEVICE constexpr Complex operator-(Complex a) { return {-a.re, -a.im}; }
NUSCAN_HOST_DEVICE constexpr Complex operator*(Complex a, Complex b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
NUSCAN_HOST_DEVICE constexpr Complex operator*(double s, Complex a) { return {s * a.re, s * a.im}; }
NUSCAN_HOST_DEVICE constexpr bool operator==(Complex a, Complex b) { return a.re == b.re && a.im == b.im; }

NUSCAN_HOST_DEVICE constexpr Complex conj(Complex a) { return {a.re, -a.im}; }
//! |a|²
NUSCAN_HOST_DEVICE constexpr double norm(Complex a) { return a.re * a.re + a.im * a.im; }
//! Re(a* b)
NUSCAN_HOST_DEVICE constexpr double real_inner(Complex a, Complex b) { return a.re * b.re + a.im * b.im; }
//! r e^{iφ}, φ in rad
NUSCAN_HOST_DEVICE inline Complex polar(double r, double phi) { return {r * std::cos(phi), r * std::sin(phi)}; }

} // namespace nuscan
