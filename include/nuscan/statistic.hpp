// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <type_traits>

#include "nuscan/constants.hpp"
#include "nuscan/lanes.hpp"
#include "nuscan/weighted_logarithm.hpp"

/// χ² of binned counts, minimised over the normalisations of backgrounds.
namespace nuscan {

//! Backgrounds of one experiment whose normalisation is profiled, at most
inline constexpr int max_pulls = 8;

/// What happened at a point; stored beside χ².
enum class PointStatus : unsigned char {
    ok = 0,
    empty_prediction = 1, //!< N = 0 in a bin with counts: χ² = +inf
    not_converged = 2,    //!< the minimisation over pulls or profiled axes stopped early: χ² is an upper bound
    not_a_number = 3,     //!< a prediction was NaN: so is χ²
};

/// Counts of an experiment and the pulls on its backgrounds: N_b = N0_b + Σ_k ξ_k B_kb, with (ξ_k/σ_k)² added to χ².
///
/// With one pull or none χ² needs no more than predictions in the bins' own units, y_b = N_b/U_b: U_b = B_b where the
/// pull acts, so that y_b(ξ) = y_b + ξ, and n_b elsewhere (1 without counts, or with several pulls).
struct StatisticView {
    int n_bins;
    const double* counts; //!< n_b
    int n_pulls;
    const double* templates; //!< B_kb, n_pulls × n_bins: the nominal backgrounds, already inside N0
    const double* sigmas;    //!< σ_k, relative; +inf for a free normalisation

    const double* units;           //!< U_b
    const double* inverse_units;   //!< 1/U_b
    const double* pulled;          //!< 1 where the one pull acts, else 0
    const double* pulled_counts;   //!< n_b there, else 0
    double template_sum;           //!< Σ_b B_b of the one pull
    double prior_weight;           //!< 1/σ² of the one pull
    double last_step;              //!< squared, in standard deviations: no step follows a smaller one
    double saturated;              //!< 2 Σ_b [n_b ln(n_b/U_b) − n_b]
    WeightedLogarithmView log_sum; //!< Σ_b n_b ln y_b
};

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

//! Baker-Cousins term of a bin: 2 [N − n + n ln(n/N)] (Nucl. Instrum. Meth. 221, 437 (1984)); 2N for n = 0, and +inf
//! for N = 0 < n
template <class Real>
NUSCAN_HOST_DEVICE Real poisson_term(Real N, double n) {
    using std::log;
    return n > 0 ? Real(2) * (N - Real(n) - Real(n) * log(N * Real(1 / n))) : Real(2) * N;
}

namespace detail {

//! N0_b + Σ ξ_k B_kb, never below zero
template <class Real, class Prediction>
NUSCAN_HOST_DEVICE Real pulled(const Prediction& N0, const StatisticView& s, const Real* xi, int b) {
    using std::fma;
    Real N = N0(b);
    for (int k = 0; k < s.n_pulls; ++k) {
        N = fma(xi[k], Real(s.templates[k * s.n_bins + b]), N);
    }
    return not_negative(N);
}

template <class Real, class Prediction>
NUSCAN_HOST_DEVICE Real poisson_chi2_at(const Prediction& N0, const StatisticView& s, const Real* xi) {
    Real chi2(0);
    for (int b = 0; b < s.n_bins; ++b) {
        chi2 = chi2 + poisson_term(pulled(N0, s, xi, b), s.counts[b]);
    }
    for (int k = 0; k < s.n_pulls; ++k) {
        const Real pull = xi[k] * Real(1 / s.sigmas[k]);
        chi2 = chi2 + pull * pull;
    }
    return chi2;
}

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
    xi = Real(0);
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
    if (s.n_pulls == 1) {
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

/// d ← −(H + damping · diag H)⁻¹ g on the pulls that are not active, by Cholesky; d of active pulls stays.
///
/// \p H holds the lower triangle. Returns −g·d of the free pulls: twice the fall that the quadratic model promises.
NUSCAN_HOST_DEVICE inline double damped_newton_step(int K, const double (&H)[max_pulls][max_pulls], const double* g,
                                                    const bool* active, double damping, double* d) {
    double L[max_pulls][max_pulls] = {}; // rows and columns of active pulls are those of the unit matrix
    for (int k = 0; k < K; ++k) {
        for (int l = 0; l <= k; ++l) {
            double sum = active[k] || active[l] ? 0 : H[k][l];
            if (k == l) {
                sum = active[k] || !(sum > 0) ? 1 : sum + damping * sum;
            }
            for (int m = 0; m < l; ++m) {
                sum -= L[k][m] * L[l][m];
            }
            // Combinations of templates that the data do not tell apart: pivots stay above rounding.
            const double least = 1e-14 * H[k][k];
            L[k][l] = k == l ? std::sqrt(sum > least ? sum : least) : sum / L[l][l];
        }
    }
    double x[max_pulls];
    for (int k = 0; k < K; ++k) {
        x[k] = active[k] ? 0 : -g[k];
        for (int m = 0; m < k; ++m) {
            x[k] -= L[k][m] * x[m];
        }
        x[k] /= L[k][k];
    }
    double decrement = 0;
    for (int k = K - 1; k >= 0; --k) {
        for (int m = k + 1; m < K; ++m) {
            x[k] -= L[m][k] * x[m];
        }
        x[k] /= L[k][k];
        if (!active[k]) {
            d[k] = x[k];
            decrement -= g[k] * d[k];
        }
    }
    return decrement;
}

/// Several pulls: Newton's method cut off at the bounds ξ_k >= −1 (D. Bertsekas, SIAM J. Control Optim. 20, 221
/// (1982)), damped where that does not lower χ² (Levenberg and Marquardt).
///
/// Pulls that stand at the bound and are pressed against it stay out of the joint step. Cutting off a pull just above
/// the bound can turn the step uphill, and where free templates outnumber the bins with counts it has no scale at all.
/// Damping bends the step towards the gradient, of which enough always lowers χ²; halving it would not do.
template <class Prediction>
NUSCAN_HOST_DEVICE bool minimise_pulls(const Prediction& N0, const StatisticView& s, double* xi) {
    constexpr double least_damping = 1e-12;
    const int K = s.n_pulls;
    for (int k = 0; k < K; ++k) {
        xi[k] = 0;
    }
    double best = poisson_chi2_at(N0, s, xi);
    double damping = least_damping;
    for (int iteration = 0; iteration < 200; ++iteration) {
        // Half of the gradient and of the Hessian of χ²
        double g[max_pulls] = {}, H[max_pulls][max_pulls] = {};
        for (int k = 0; k < K; ++k) {
            const double weight = 1 / (s.sigmas[k] * s.sigmas[k]);
            g[k] = xi[k] * weight;
            for (int l = 0; l <= k; ++l) {
                H[k][l] = k == l ? weight : 0;
            }
        }
        for (int b = 0; b < s.n_bins; ++b) {
            const double N = pulled(N0, s, xi, b);
            const double n = s.counts[b];
            for (int k = 0; k < K; ++k) {
                const double B = s.templates[k * s.n_bins + b];
                g[k] += n > 0 ? B * (1 - n / N) : B;
                for (int l = 0; l <= k && n > 0; ++l) {
                    H[k][l] += n * (B / N) * (s.templates[l * s.n_bins + b] / N);
                }
            }
        }
        // A template without curvature has no counts under it and no prior: it goes to the bound in one step.
        bool active[max_pulls] = {};
        double d[max_pulls] = {}, active_decrement = 0;
        for (int k = 0; k < K; ++k) {
            active[k] = g[k] > 0 && (xi[k] <= -1 || !(H[k][k] > 0));
            d[k] = -(1 + xi[k]);
            active_decrement -= active[k] ? g[k] * d[k] : 0;
        }
        double decrement = 0;
        const bool damped = damping > 1e-5; // so that the decrement says little
        bool improved = false;
        for (int trial = 0; trial < 30 && !improved; ++trial) {
            const double free_decrement = damped_newton_step(K, H, g, active, damping, d);
            decrement = trial == 0 ? active_decrement + free_decrement : decrement;
            double moved[max_pulls];
            for (int k = 0; k < K; ++k) {
                const double x = xi[k] + d[k];
                moved[k] = x > -1 ? x : -1;
            }
            const double chi2 = poisson_chi2_at(N0, s, moved);
            improved = chi2 < best;
            if (improved) {
                best = chi2;
                for (int k = 0; k < K; ++k) {
                    xi[k] = moved[k];
                }
                damping = std::fmax(damping / 64, least_damping);
            } else if (decrement < 1e-11 && !damped) {
                return true; // what is left is rounding
            } else {
                damping = std::fmax(damping * 16, 1e-6);
            }
        }
        // The decrement is the distance to the minimum in χ² to second order, or twice that to first.
        if (!improved) {
            return decrement < 1e-8 * (1 + best);
        }
        if (decrement < 1e-12 && !damped) {
            return true;
        }
    }
    return false;
}

} // namespace detail

/// Poisson χ² minimised over the pulls; \p xi (n_pulls numbers) receives the minimising ξ_k ≥ −1.
///
/// \p y(b) gives the prediction of bin b in its unit, N_b/U_b, with all backgrounds at their nominal normalisation.
/// With Real other than double there may be one pull at most.
template <class Real, class Ratios>
NUSCAN_HOST_DEVICE PoissonFit<Real> poisson_fit(const Ratios& y, const StatisticView& s, Real* xi) {
    if constexpr (std::is_same_v<Real, double>) {
        if (s.n_pulls > 1) {
            const bool converged = detail::minimise_pulls(y, s, xi);
            return {detail::poisson_chi2_at(y, s, xi), converged};
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
