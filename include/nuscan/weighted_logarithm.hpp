// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "nuscan/lanes.hpp"

/// Σ_b n_b ln y_b with one logarithm, where the n_b are whole numbers.
namespace nuscan {

/// The weights n_b > 0 of the sum, sorted out once for many evaluations. Whole numbers are split into bits; others take
/// a logarithm each.
struct WeightedLogarithmView {
    const double* weights; //!< n_b, by bin

    int n_fractional;
    const int* fractional; //!< bins whose n_b is no whole number, or huge

    int n_whole;
    const int* whole; //!< the other bins

    int n_levels;         //!< bits of the largest whole n_b
    const int* first_bin; //!< n_levels + 1 offsets into the array below, from the highest bit down
    const int* bins;      //!< level by level, bins whose n_b has this bit
};

namespace detail {

//! Σ n_b ln y_b over some bins, as it stands
template <class Real, class Ratios>
NUSCAN_HOST_DEVICE Real plain_logarithms(const Ratios& y, const double* weights, const int* bins, int n) {
    using std::fma;
    using std::log;
    Real sum(0);
    for (int i = 0; i < n; ++i) {
        sum = fma(Real(weights[bins[i]]), log(y(bins[i])), sum);
    }
    return sum;
}

} // namespace detail

/// Σ_b n_b ln y_b = ln Π_b y_b^n_b, the powers worked out together by squaring (E. Straus, Am. Math. Mon. 71, 806
/// (1964)): P ← P² Π_{b: bit j of n_b} y_b from the highest bit j down, with the exponent of P kept apart.
///
/// As exact as the sum: rounding adds Σ n_b ε. −inf where y_b = 0; NaN may go unseen.
template <class Real, class Ratios>
NUSCAN_HOST_DEVICE Real weighted_logarithm(const Ratios& y, const WeightedLogarithmView& w) {
    using std::fma;
    using std::log;
    const Real fractional = detail::plain_logarithms<Real>(y, w.weights, w.fractional, w.n_fractional);
    if (w.n_whole == 0) {
        return fractional;
    }
    // So many factors between these limits neither overflow nor underflow.
    constexpr int most_factors = 14;
    constexpr double limit = 1ull << 60;
    Real least(1), greatest(1);
    for (int i = 0; i < w.n_whole; ++i) {
        const Real yb = y(w.whole[i]);
        least = min(least, yb);
        greatest = max(greatest, yb);
    }
    const Mask<Real> in_range = least > Real(1 / limit) && greatest < Real(limit);

    Real mantissa(1), exponent(0);
    for (int level = 0; level < w.n_levels; ++level) {
        mantissa = mantissa * mantissa;
        exponent = exponent + exponent;
        const int end = w.first_bin[level + 1];
        int i = w.first_bin[level];
        do {
            const int stop = end - i > most_factors ? i + most_factors : end;
            Real product(1);
            for (; i < stop; ++i) {
                product = product * y(w.bins[i]);
            }
            mantissa = mantissa * product;
            exponent = exponent + take_exponent(mantissa);
        } while (i < end);
    }
    constexpr double ln2 = 0.6931471805599453;
    Real whole = fma(exponent, Real(ln2), log(mantissa));
    if (!all(in_range)) {
        whole = select(in_range, whole, detail::plain_logarithms<Real>(y, w.weights, w.whole, w.n_whole));
    }
    return fractional + whole;
}

} // namespace nuscan
