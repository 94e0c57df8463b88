// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <vector>
#include <xsimd/xsimd.hpp>

#include "nuscan/macros.hpp"

/// Several points in SIMD lanes, as a Real of the shared bodies: two vectors, so that one is worked on while the other
/// waits for a division, and both share what is read for a bin.
namespace nuscan {
inline namespace NUSCAN_TARGET {

using Vector = xsimd::batch<double>;
//! Aligned for a Vector: a type of its own for every width, as all here is
using Numbers = std::vector<double, xsimd::default_allocator<double>>;

//! Truth values of a Batch
struct BatchMask {
    Vector::batch_bool_type first, second;

    friend BatchMask operator!(const BatchMask& x) { return {!x.first, !x.second}; }
    friend BatchMask operator&&(const BatchMask& x, const BatchMask& y) {
        return {x.first && y.first, x.second && y.second};
    }
    friend BatchMask operator||(const BatchMask& x, const BatchMask& y) {
        return {x.first || y.first, x.second || y.second};
    }
    friend bool any(const BatchMask& x) { return xsimd::any(x.first || x.second); }
    friend bool all(const BatchMask& x) { return xsimd::all(x.first && x.second); }
};

struct Batch {
    static constexpr std::int64_t size = 2 * Vector::size;
    Vector first, second;

    Batch() = default;
    explicit Batch(double x) : first(x), second(x) {}
    Batch(const Vector& x, const Vector& y) : first(x), second(y) {}
    // Written out, or gcc copies 16 bytes at a time and then waits for all of them to read a vector back.
    Batch(const Batch& x) : first(x.first), second(x.second) {}
    Batch& operator=(const Batch& x) {
        first = x.first;
        second = x.second;
        return *this;
    }

    static Batch load(const double* x) { return {Vector::load_unaligned(x), Vector::load_unaligned(x + Vector::size)}; }
    void store(double* x) const {
        first.store_unaligned(x);
        second.store_unaligned(x + Vector::size);
    }

    friend Batch operator-(const Batch& x) { return {-x.first, -x.second}; }
    friend Batch operator+(const Batch& x, const Batch& y) { return {x.first + y.first, x.second + y.second}; }
    friend Batch operator-(const Batch& x, const Batch& y) { return {x.first - y.first, x.second - y.second}; }
    friend Batch operator*(const Batch& x, const Batch& y) { return {x.first * y.first, x.second * y.second}; }
    friend Batch operator/(const Batch& x, const Batch& y) { return {x.first / y.first, x.second / y.second}; }
    friend BatchMask operator<(const Batch& x, const Batch& y) { return {x.first < y.first, x.second < y.second}; }
    friend BatchMask operator>(const Batch& x, const Batch& y) { return {x.first > y.first, x.second > y.second}; }
    friend BatchMask operator<=(const Batch& x, const Batch& y) { return {x.first <= y.first, x.second <= y.second}; }
    friend BatchMask operator>=(const Batch& x, const Batch& y) { return {x.first >= y.first, x.second >= y.second}; }

    friend Batch fma(const Batch& x, const Batch& y, const Batch& z) {
        return {xsimd::fma(x.first, y.first, z.first), xsimd::fma(x.second, y.second, z.second)};
    }
    friend Batch sqrt(const Batch& x) { return {xsimd::sqrt(x.first), xsimd::sqrt(x.second)}; }
    friend Batch log(const Batch& x) { return {xsimd::log(x.first), xsimd::log(x.second)}; }
    //! The second where either is NaN
    friend Batch min(const Batch& x, const Batch& y) {
        return {xsimd::min(x.first, y.first), xsimd::min(x.second, y.second)};
    }
    friend Batch max(const Batch& x, const Batch& y) {
        return {xsimd::max(x.first, y.first), xsimd::max(x.second, y.second)};
    }
    friend Batch select(const BatchMask& condition, const Batch& yes, const Batch& no) {
        return {xsimd::select(condition.first, yes.first, no.first),
                xsimd::select(condition.second, yes.second, no.second)};
    }

    //! As that of a number, for those that are positive and normal; nonsense for others
    friend Batch take_exponent(Batch& x) {
        const auto split = [](Vector& m) {
            using Bits = xsimd::batch<std::uint64_t>;
            const auto bits = std::bit_cast<Bits>(m);
            m = std::bit_cast<Vector>((bits & Bits(0x000f'ffff'ffff'ffff)) | Bits(0x3fe0'0000'0000'0000));
            // The biased exponent in the last bits of 2^52 is 2^52 more than itself.
            return std::bit_cast<Vector>((bits >> 52) | Bits(0x4330'0000'0000'0000)) - Vector(0x1p52 + 1022);
        };
        const Vector first = split(x.first);
        return {first, split(x.second)};
    }
};

} // namespace NUSCAN_TARGET
} // namespace nuscan
