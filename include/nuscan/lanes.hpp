// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "nuscan/macros.hpp"

/// What a body needs so that it can be written once for one point and for several at a time.
///
/// Bodies that take a type Real are called with double, on the host and on the device, and on the host also with a
/// batch of an SIMD library, whose comparisons give one truth value per lane. These are the scalar versions of the
/// batch's operations; a batch brings its own, found by argument-dependent lookup.
namespace nuscan {

NUSCAN_HOST_DEVICE constexpr double select(bool condition, double yes, double no) { return condition ? yes : no; }
NUSCAN_HOST_DEVICE constexpr bool any(bool condition) { return condition; }
NUSCAN_HOST_DEVICE constexpr bool all(bool condition) { return condition; }

//! The smaller or larger of both; the second where either is NaN
NUSCAN_HOST_DEVICE constexpr double min(double a, double b) { return a < b ? a : b; }
NUSCAN_HOST_DEVICE constexpr double max(double a, double b) { return a > b ? a : b; }

//! Splits x = m 2^e with m in [1/2, 1): leaves m in \p x, returns e
NUSCAN_HOST_DEVICE inline double take_exponent(double& x) {
    int exponent = 0;
    x = std::frexp(x, &exponent);
    return exponent;
}

//! The truth values of comparisons between Reals
template <class Real>
using Mask = decltype(Real(0) < Real(0));

//! N, or zero where rounding made it negative; NaN stays
template <class Real>
NUSCAN_HOST_DEVICE constexpr Real not_negative(Real N) {
    return select(N < Real(0), Real(0), N);
}

/// How a body that sums over bins goes through them: one by one, and its Reals are points, one or several. The other
/// way is one point and several bins at a time (BinLanes).
template <class Real>
struct OneBin {
    using Point = Real; //!< a number of the point
    using Bin = Real;   //!< a number of a bin, or of as many as go together
    static constexpr int width = 1;

    //! Numbers of bins, of which there are \p left; those beyond are zero
    NUSCAN_HOST_DEVICE static Bin load(const double* x, int left) {
        static_cast<void>(left);
        return Bin(*x);
    }
    //! The same from columns of the point
    template <class Columns>
    NUSCAN_HOST_DEVICE static Bin column(const Columns& at, int column, int left) {
        static_cast<void>(left);
        return Bin(at(column));
    }
    //! What a sum over bins begins with
    NUSCAN_HOST_DEVICE static Bin first(const Point& x) { return x; }
    NUSCAN_HOST_DEVICE static Point total(const Bin& sum) { return sum; }
    NUSCAN_HOST_DEVICE static Point largest(const Bin& x) { return x; }
};

} // namespace nuscan
