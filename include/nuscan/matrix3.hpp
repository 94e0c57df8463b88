// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/complex.hpp"

namespace nuscan {

/// A complex 3×3 matrix in row-major order; rows and columns are flavours (e, μ, τ) or mass states (1, 2, 3).
struct Matrix3 {
    Complex element[3][3];

    NUSCAN_HOST_DEVICE constexpr Complex& operator()(int row, int column) { return element[row][column]; }
    NUSCAN_HOST_DEVICE constexpr const Complex& operator()(int row, int column) const { return element[row][column]; }

    NUSCAN_HOST_DEVICE constexpr Matrix3& operator+=(const Matrix3& other) {
        for (int j = 0; j < 3; ++j) {
            for (int k = 0; k < 3; ++k) {
                element[j][k] += other.element[j][k];
            }
        }
        return *this;
    }
};

//! s × the unit matrix
NUSCAN_HOST_DEVICE constexpr Matrix3 scalar_matrix(Complex s) {
    Matrix3 m{};
    for (int j = 0; j < 3; ++j) {
        m(j, j) = s;
    }
    return m;
}

NUSCAN_HOST_DEVICE constexpr Matrix3 operator+(Matrix3 a, const Matrix3& b) { return a += b; }

NUSCAN_HOST_DEVICE constexpr Matrix3 operator*(Complex s, const Matrix3& a) {
    Matrix3 m{};
    for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 3; ++k) {
            m(j, k) = s * a(j, k);
        }
    }
    return m;
}

NUSCAN_HOST_DEVICE constexpr Matrix3 operator*(const Matrix3& a, const Matrix3& b) {
    Matrix3 m{};
    for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 3; ++k) {
            for (int l = 0; l < 3; ++l) {
                m(j, k) += a(j, l) * b(l, k);
            }
        }
    }
    return m;
}

//! a†
NUSCAN_HOST_DEVICE constexpr Matrix3 adjoint(const Matrix3& a) {
    Matrix3 m{};
    for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 3; ++k) {
            m(j, k) = conj(a(k, j));
        }
    }
    return m;
}

//! a*, element by element
NUSCAN_HOST_DEVICE constexpr Matrix3 conj(const Matrix3& a) {
    Matrix3 m{};
    for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 3; ++k) {
            m(j, k) = conj(a(j, k));
        }
    }
    return m;
}

NUSCAN_HOST_DEVICE constexpr Complex trace(const Matrix3& a) { return a(0, 0) + a(1, 1) + a(2, 2); }

} // namespace nuscan
