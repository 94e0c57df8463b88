// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "nuscan/constants.hpp"
#include "nuscan/lanes.hpp"
#include "nuscan/pulls.hpp"
#include "nuscan/weighted_logarithm.hpp"

/// χ² of binned counts, minimised over normalisations.
namespace nuscan {

/// What happened at a point; stored beside χ².
enum class PointStatus : unsigned char {
    ok = 0,
    empty_prediction = 1, //!< N = 0 in a bin with counts: χ² = +inf
    not_converged = 2,    //!< the minimisation over pulls or profiled axes stopped early: χ² is an upper bound
    not_a_number = 3,     //!< a prediction was NaN: so is χ²
};

/// Counts of an experiment and its pulls.
///
/// With one pull on a background, or none, χ² needs no more than predictions in the bins' own units, y_b = N_b/U_b:
/// U_b = B_b where there are counts and the pull acts, so that y_b(ξ) = y_b + ξ, and n_b where it does not (1 without
/// counts, and where χ² is worked out in counts).
struct StatisticView {
    int n_bins;
    const double* counts; //!< n_b
    PullsView pulls;

    const double* units;           //!< U_b
    const double* inverse_units;   //!< 1/U_b
    const double* pulled;          //!< 1 where the one pull acts on a bin with counts, else 0
    const double* pulled_counts;   //!< n_b there, else 0
    double template_sum;           //!< Σ_b B_b of the one pull
    double prior_weight;           //!< 1/σ² of the one pull
    double last_step;              //!< squared, in standard deviations: no step follows a smaller one
    double saturated;              //!< 2 Σ_b [n_b ln(n_b/U_b) − n_b]
    WeightedLogarithmView log_sum; //!< Σ_b n_b ln y_b

    bool in_counts; //!< U_b = 1: of several pulls, of one on the signal, or by_terms
    bool by_terms;  //!< bin by bin, as sums of so many counts would be rounded to more than 1e-9
};

//! What code is made for: at most one pull an experiment, on a background, needs no memory for others; several, each on
//! an experiment of its own, need some; any, those that act on experiments together (systematics.hpp), most
enum class PullCount { one, several, any };

/// χ² of one point (Real = double) or of several.
template <class Real>
struct PoissonFit {
    Real chi2;
    Mask<Real> converged;
};

//! χ² of a point, with its status
struct Chi2 {
    double value = 0;
    PointStatus status = PointStatus::ok;
};

NUSCAN_HOST_DEVICE constexpr Chi2 with_status(double chi2, bool converged) {
    const PointStatus status = chi2 != chi2                  ? PointStatus::not_a_number
                               : chi2 == constants::infinity ? PointStatus::empty_prediction
                               : converged                   ? PointStatus::ok
                                                             : PointStatus::not_converged;
    return {chi2, status};
}

/// Half of what a bin adds to Poisson's χ²: N − n + n ln(n/N); N where n = 0, +inf where N = 0 < n.
///
/// As n (x − ln(1 + x)) with x = N/n − 1 it is right to rounding of itself, or nearly. N − n ln N is so to rounding of
/// n ln n, of which millions of counts leave 1e-9: more than the last steps towards a minimum gain.
template <class Bin>
NUSCAN_HOST_DEVICE Bin half_poisson_term(const Bin& N, const Bin& n) {
    using std::fma;
    using std::log1p;
    const Bin more = N - n;
    if (!any(n > Bin(0))) {
        return more;
    }
    return fma(-n, log1p(more / select(n > Bin(0), n, Bin(1))), more);
}

namespace detail {

//! Σ_b n_b/(y_b + ξ)^k for k = 1, 2, 3, over the bins in which the pull acts
template <class Real>
struct PullSums {
    Real first, second, third;

    NUSCAN_HOST_DEVICE void add(const Real& n, const Real& r) {
        using std::fma;
        const Real nr = n * r, nrr = nr * r;
        first = first + nr;
        second = second + nrr;
        third = fma(nrr, r, third);
    }
};

template <class Real, class Ratios>
NUSCAN_HOST_DEVICE PullSums<Real> pull_sums(const Ratios& y, const StatisticView& s, const Real& xi) {
    // Divisions limit the speed: two bins share one. The least ratio keeps their product above zero.
    const Real least(1e-150);
    PullSums<Real> sums{Real(0), Real(0), Real(0)};
    int b = 0;
    for (; b + 1 < s.n_bins; b += 2) {
        const Real y1 = max(least, y(b) + xi), y2 = max(least, y(b + 1) + xi);
        const Real inverse = Real(1) / (y1 * y2);
        sums.add(Real(s.pulled_counts[b]), inverse * y2);
        sums.add(Real(s.pulled_counts[b + 1]), inverse * y1);
    }
    if (b < s.n_bins) {
        sums.add(Real(s.pulled_counts[b]), Real(1) / max(least, y(b) + xi));
    }
    return sums;
}

/// The root of w d + c + K/(1 + t d), with c, K and t such that value \p g, slope w + Σ n/y² and curvature of half the
/// derivative of χ² are met: the bins pulled together into one.
template <class Real>
NUSCAN_HOST_DEVICE Real cubic_step(const Real& g, const Real& w, const PullSums<Real>& sums) {
    using std::fma;
    using std::sqrt;
    const Real second = sums.second + Real(1e-100); // no bin need have counts
    const Real slope = w + second;
    const Real h = fma(g, sums.third, slope * second);
    const Real root = sqrt(max(Real(0), fma(Real(-4) * w * second, g * sums.third, h * h)));
    const Real denominator = h + root;
    // Far left of the root the one bin may have none: no more than four of Newton's steps at a time.
    const Real least = Real(0.5) * slope * second;
    return Real(-2) * g * second / max(least, denominator);
}

/// One pull: the root of g(ξ) = Σ B + ξ/σ² − Σ n/(y + ξ), half the derivative of χ², on ξ ≥ −1, from ξ = 0.
///
/// A step takes the bins for one with the same value, slope and curvature of g: exact where all have the same y, cubic
/// elsewhere. Its error is at most the step's third power over the least n_b (both in standard deviations), so that two
/// or three are enough. Should they not be, Newton's steps follow: g rises and is concave, left of its root they end
/// short of it, and from there on converge without care. A step too far left is cut to half the way to −1. If g(−1) >=
/// 0 the root would be a negative background, and ξ = −1 is the answer. Lanes that are done stand still, so that a
/// point does not depend on its neighbours.
template <class Real, class Ratios>
NUSCAN_HOST_DEVICE Mask<Real> minimise_one_pull(const Ratios& y, const StatisticView& s, Real& xi) {
    using std::fma;
    constexpr int n_cubic_steps = 8;
    const Real w(s.prior_weight);
    const auto slope = [&](const Real& x, const PullSums<Real>& sums) {
        return fma(w, x, Real(s.template_sum)) - sums.first;
    };
    Mask<Real> done = Real(1) < Real(0);
    for (int iteration = 0; iteration < 100; ++iteration) {
        const PullSums<Real> sums = pull_sums(y, s, xi);
        const Real g = slope(xi, sums);
        const Real curvature = w + sums.second;
        const bool cubic = iteration < n_cubic_steps;
        const Real step = cubic ? cubic_step(g, w, sums) : -g / curvature;
        const double last_step = cubic ? s.last_step : 1e-14; // Newton's error is quadratic in the step
        Real next = xi + step;
        Mask<Real> last = step * step * curvature < Real(last_step);
        const Mask<Real> too_far = !done && next <= Real(-1);
        if (any(too_far)) {
            const Real bound(-1);
            const Mask<Real> at_bound = too_far && slope(bound, pull_sums(y, s, bound)) >= Real(0);
            next = select(too_far, select(at_bound, bound, (xi - Real(1)) * Real(0.5)), next);
            last = (last && !too_far) || at_bound;
        }
        // NaN has no root: any ξ leaves χ² NaN.
        const Mask<Real> hopeless = !(next < Real(constants::infinity));
        xi = select(done || hopeless, xi, next);
        done = done || last || hopeless;
        if (all(done)) {
            break;
        }
    }
    return done;
}

//! Ratios after the one pull
template <class Real, class Ratios>
struct PulledRatios {
    const Ratios& y;
    const StatisticView& s;
    const Real& xi;

    NUSCAN_HOST_DEVICE Real operator()(int b) const {
        using std::fma;
        return max(Real(0), fma(Real(s.pulled[b]), xi, y(b)));
    }
};

//! A prediction that keeps its ratios may have an overload that works these out once.
template <class Real, class Ratios>
NUSCAN_HOST_DEVICE PulledRatios<Real, Ratios> pulled_ratios(const Ratios& y, const StatisticView& s, const Real& xi) {
    return {y, s, xi};
}

//! One pull or none: χ² = 2 Σ [N − n ln(N/U)] + 2 Σ [n ln(n/U) − n] + ξ²/σ²
template <class Real, class Ratios>
NUSCAN_HOST_DEVICE PoissonFit<Real> fit_one_pull(const Ratios& y, const StatisticView& s, Real& xi) {
    using std::fma;
    Mask<Real> converged = Real(0) < Real(1);
    xi = Real(0); // and stays so without a pull
    if (s.pulls.n_pulls == 1) {
        converged = minimise_one_pull(y, s, xi);
    }
    Real N(0);
    for (int b = 0; b < s.n_bins; ++b) {
        N = fma(Real(s.units[b]), y(b), N);
    }
    N = fma(Real(s.template_sum), xi, N);
    const Real logarithms = weighted_logarithm<Real>(pulled_ratios(y, s, xi), s.log_sum);
    const Real chi2 = fma(Real(2), N - logarithms, Real(s.saturated));
    return {fma(Real(s.prior_weight) * xi, xi, chi2), converged};
}

//! Predictions after several pulls
template <class Real, class Prediction>
struct PulledPrediction {
    PulledBins<OneBin<Real>, Prediction> bins;
    const Real* xi;

    NUSCAN_HOST_DEVICE Real operator()(int b) const { return bins.at(b, xi); }
};

//! A prediction that keeps its numbers may have an overload that works these out once.
template <class Real, class Prediction>
NUSCAN_HOST_DEVICE PulledPrediction<Real, Prediction> pulled_prediction(const Prediction& N0, const StatisticView& s,
                                                                        const Real* xi) {
    return {{N0, s.pulls, s.n_bins}, xi};
}

//! χ² of predictions without pulls, 2 Σ [N − n ln N] + 2 Σ [n ln n − n]
template <class Real, class Prediction>
NUSCAN_HOST_DEVICE Real chi2_in_counts(const Prediction& N, const StatisticView& s) {
    using std::fma;
    Real sum(0);
    if (s.by_terms) {
        for (int b = 0; b < s.n_bins; ++b) {
            sum = sum + half_poisson_term(N(b), Real(s.counts[b]));
        }
        return Real(2) * sum;
    }
    for (int b = 0; b < s.n_bins; ++b) {
        sum = sum + N(b);
    }
    return fma(Real(2), sum - weighted_logarithm<Real>(N, s.log_sum), Real(s.saturated));
}

//! Several pulls: Σ ξ²/σ² is added
template <class Real, class Prediction>
NUSCAN_HOST_DEVICE PoissonFit<Real> fit_several_pulls(const Prediction& N0, const StatisticView& s, Real* xi) {
    using std::fma;
    const Mask<Real> converged = minimise_pulls<OneBin<Real>>(N0, s.counts, s.n_bins, s.pulls, xi);
    Real chi2 = chi2_in_counts<Real>(pulled_prediction(N0, s, xi), s);
    for (int k = 0; k < s.pulls.n_pulls; ++k) {
        const Real pull = xi[k] * Real(1 / s.pulls.sigmas[k]);
        chi2 = fma(pull, pull, chi2);
    }
    return {chi2, converged};
}

} // namespace detail

/// Poisson χ² = 2 Σ_b [N_b − n_b + n_b ln(n_b/N_b)] (S. Baker and R. Cousins, Nucl. Instrum. Meth. 221, 437 (1984))
/// plus Σ_k (ξ_k/σ_k)², minimised over the pulls; \p xi (n_pulls numbers) receives the minimising ξ_k ≥ −1. A bin
/// without counts adds 2 N_b; N_b = 0 < n_b makes it +inf.
///
/// \p y(b) gives the prediction of bin b in its unit, N_b/U_b, with all normalisations at their nominal value, and
/// \p y.signal(b) the counts of its signal, where a pull acts on this.
template <PullCount count = PullCount::any, class Real, class Ratios>
NUSCAN_HOST_DEVICE PoissonFit<Real> poisson_fit(const Ratios& y, const StatisticView& s, Real* xi) {
    if constexpr (count != PullCount::one) {
        if (s.in_counts) {
            return detail::fit_several_pulls(y, s, xi);
        }
    }
    return detail::fit_one_pull(y, s, xi[0]);
}

//! The same for one point, with its status
template <class Ratios>
NUSCAN_HOST_DEVICE Chi2 poisson_chi2(const Ratios& y, const StatisticView& s, double* xi) {
    const PoissonFit<double> fit = poisson_fit(y, s, xi);
    return with_status(fit.chi2, fit.converged);
}

} // namespace nuscan
