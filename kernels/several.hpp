// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "nuscan/lanes.hpp"

/// Several points in the registers of one thread, as a Real of the shared bodies: what is read for a bin serves all of
/// them, and while one waits for a result the others go on.
namespace nuscan::kernels {

//! Truth values of Several
template <int n>
struct SeveralTruths {
    bool at[n];

    NUSCAN_HOST_DEVICE friend SeveralTruths operator!(const SeveralTruths& x) {
        SeveralTruths out;
        for (int i = 0; i < n; ++i) {
            out.at[i] = !x.at[i];
        }
        return out;
    }
    NUSCAN_HOST_DEVICE friend SeveralTruths operator&&(const SeveralTruths& x, const SeveralTruths& y) {
        SeveralTruths out;
        for (int i = 0; i < n; ++i) {
            out.at[i] = x.at[i] && y.at[i];
        }
        return out;
    }
    NUSCAN_HOST_DEVICE friend SeveralTruths operator||(const SeveralTruths& x, const SeveralTruths& y) {
        return !(!x && !y);
    }
    NUSCAN_HOST_DEVICE friend bool all(const SeveralTruths& x) {
        bool out = true;
        for (int i = 0; i < n; ++i) {
            out = out && x.at[i];
        }
        return out;
    }
    NUSCAN_HOST_DEVICE friend bool any(const SeveralTruths& x) { return !all(!x); }
};

template <int n>
struct Several {
    static constexpr int size = n;
    double at[n];

    Several() = default;
    NUSCAN_HOST_DEVICE explicit Several(double x) {
        for (int i = 0; i < n; ++i) {
            at[i] = x;
        }
    }

    //! f of each point
    template <class F, class... X>
    NUSCAN_HOST_DEVICE static Several each(const F& f, const X&... x) {
        Several out;
        for (int i = 0; i < n; ++i) {
            out.at[i] = f(x.at[i]...);
        }
        return out;
    }
    template <class F>
    NUSCAN_HOST_DEVICE static SeveralTruths<n> compare(const F& f, const Several& x, const Several& y) {
        SeveralTruths<n> out;
        for (int i = 0; i < n; ++i) {
            out.at[i] = f(x.at[i], y.at[i]);
        }
        return out;
    }

    NUSCAN_HOST_DEVICE friend Several operator-(const Several& x) {
        return each([](double a) { return -a; }, x);
    }
    NUSCAN_HOST_DEVICE friend Several operator+(const Several& x, const Several& y) {
        return each([](double a, double b) { return a + b; }, x, y);
    }
    NUSCAN_HOST_DEVICE friend Several operator-(const Several& x, const Several& y) {
        return each([](double a, double b) { return a - b; }, x, y);
    }
    NUSCAN_HOST_DEVICE friend Several operator*(const Several& x, const Several& y) {
        return each([](double a, double b) { return a * b; }, x, y);
    }
    NUSCAN_HOST_DEVICE friend Several operator/(const Several& x, const Several& y) {
        return each([](double a, double b) { return a / b; }, x, y);
    }
    NUSCAN_HOST_DEVICE friend SeveralTruths<n> operator<(const Several& x, const Several& y) {
        return compare([](double a, double b) { return a < b; }, x, y);
    }
    NUSCAN_HOST_DEVICE friend SeveralTruths<n> operator<=(const Several& x, const Several& y) {
        return compare([](double a, double b) { return a <= b; }, x, y);
    }
    NUSCAN_HOST_DEVICE friend SeveralTruths<n> operator>(const Several& x, const Several& y) { return y < x; }
    NUSCAN_HOST_DEVICE friend SeveralTruths<n> operator>=(const Several& x, const Several& y) { return y <= x; }

    NUSCAN_HOST_DEVICE friend Several fma(const Several& x, const Several& y, const Several& z) {
        return each([](double a, double b, double c) { return std::fma(a, b, c); }, x, y, z);
    }
    NUSCAN_HOST_DEVICE friend Several fabs(const Several& x) {
        return each([](double a) { return std::fabs(a); }, x);
    }
    NUSCAN_HOST_DEVICE friend Several sqrt(const Several& x) {
        return each([](double a) { return std::sqrt(a); }, x);
    }
    NUSCAN_HOST_DEVICE friend Several log(const Several& x) {
        return each([](double a) { return std::log(a); }, x);
    }
    NUSCAN_HOST_DEVICE friend Several log1p(const Several& x) {
        return each([](double a) { return std::log1p(a); }, x);
    }
    NUSCAN_HOST_DEVICE friend Several min(const Several& x, const Several& y) {
        return each([](double a, double b) { return nuscan::min(a, b); }, x, y);
    }
    NUSCAN_HOST_DEVICE friend Several max(const Several& x, const Several& y) {
        return each([](double a, double b) { return nuscan::max(a, b); }, x, y);
    }
    NUSCAN_HOST_DEVICE friend Several select(const SeveralTruths<n>& condition, const Several& yes, const Several& no) {
        Several out;
        for (int i = 0; i < n; ++i) {
            out.at[i] = condition.at[i] ? yes.at[i] : no.at[i];
        }
        return out;
    }
    //! As that of a number, for those that are positive and normal; nonsense for others
    NUSCAN_HOST_DEVICE friend Several take_exponent(Several& x) {
        Several exponent;
        for (int i = 0; i < n; ++i) {
            // The biased exponent in the last bits of 2^52 is 2^52 more than itself.
            std::uint64_t bits;
            std::memcpy(&bits, &x.at[i], sizeof bits);
            const std::uint64_t shifted = (bits >> 52) | 0x4330'0000'0000'0000;
            bits = (bits & 0x000f'ffff'ffff'ffff) | 0x3fe0'0000'0000'0000;
            std::memcpy(&x.at[i], &bits, sizeof bits);
            std::memcpy(&exponent.at[i], &shifted, sizeof shifted);
            exponent.at[i] -= 0x1p52 + 1022;
        }
        return exponent;
    }
};

//! How many points a Real holds, and access to one of them
template <class Real>
inline constexpr int n_points_of = 1;
template <int n>
inline constexpr int n_points_of<Several<n>> = n;

NUSCAN_HOST_DEVICE inline double& point_of(double& x, int) { return x; }
NUSCAN_HOST_DEVICE inline bool point_of(bool x, int) { return x; }
template <int n>
NUSCAN_HOST_DEVICE double& point_of(Several<n>& x, int i) {
    return x.at[i];
}
template <int n>
NUSCAN_HOST_DEVICE bool point_of(const SeveralTruths<n>& x, int i) {
    return x.at[i];
}

} // namespace nuscan::kernels
