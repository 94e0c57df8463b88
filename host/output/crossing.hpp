// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>

namespace nuscan {

/// Of an interval or a contour, what the simplest interpolation may be off before a crossing counts as rough
inline constexpr double rough_share = 0.05;

struct Crossing {
    double at, uncertainty;
};

/// Where Δχ² crosses \p threshold between grid points k and k + 1 of a line, of which one is above and one is not.
///
/// x(i) and d(i) give the points of the line, \p begin <= i < \p end. Interpolates by the cubic through the nearest
/// four (fewer at the ends and beside values that are not finite), whose root in the cell is bracketed by the two
/// points themselves. The uncertainty is the distance from where a straight line between these two crosses. Where one
/// of the two is not finite it is the other that counts.
template <class X, class D>
Crossing crossing(const X& x, const D& d, std::ptrdiff_t begin, std::ptrdiff_t end, std::ptrdiff_t k,
                  double threshold) {
    const bool low_finite = std::isfinite(d(k)), high_finite = std::isfinite(d(k + 1));
    if (!low_finite || !high_finite) {
        return {low_finite ? x(k) : x(k + 1), x(k + 1) - x(k)};
    }
    std::ptrdiff_t first = k, last = k + 1;
    const auto usable = [&](std::ptrdiff_t i) { return i >= begin && i < end && std::isfinite(d(i)); };
    // One neighbour on each side, or two on one side where the other has none.
    for (int round = 0; round < 2 && last - first < 3; ++round) {
        if (usable(first - 1) && (k - first < 1 || round == 1)) {
            --first;
        }
        if (last - first < 3 && usable(last + 1) && (last - k < 2 || round == 1)) {
            ++last;
        }
    }
    // The Lagrange polynomial in units of the cell, so that products of small steps do not underflow.
    const double x0 = x(k), step = x(k + 1) - x(k);
    const auto polynomial = [&](double s) {
        double sum = 0;
        for (std::ptrdiff_t i = first; i <= last; ++i) {
            double weight = 1;
            const double si = (x(i) - x0) / step;
            for (std::ptrdiff_t j = first; j <= last; ++j) {
                if (j != i) {
                    const double sj = (x(j) - x0) / step;
                    weight *= (s - sj) / (si - sj);
                }
            }
            sum += weight * (d(i) - threshold);
        }
        return sum;
    };
    const double at_low = d(k) - threshold;
    double low = 0, high = 1;
    for (int halving = 0; halving < 52; ++halving) {
        const double middle = (low + high) / 2;
        (((polynomial(middle) > 0) == (at_low > 0)) ? low : high) = middle;
    }
    const double at = (low + high) / 2, on_a_line = -at_low / (d(k + 1) - d(k));
    return {x0 + at * step, std::abs(on_a_line - at) * step};
}

} // namespace nuscan
