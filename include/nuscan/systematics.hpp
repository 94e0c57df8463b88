// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>

#include "nuscan/constants.hpp"
#include "nuscan/lanes.hpp"
#include "nuscan/statistic.hpp"

/// χ² of experiments with systematics of shape, or that they share, minimised over all of these together.
///
/// Component c of an experiment, its signal or a background, has T_cb counts in bin b. With pulls z
///
///     N_b(z) = Σ_c a_c (T_cb + Σ_s D_sb(z_s)),   a_c = y_c + Σ_k l_ck z_k,   χ²(z) = Σ_e χ²_e(N(z)) + Σ_k (z_k/σ_k)²
///
/// with shapes s that interpolate between templates, and normalisations k. y_c is 1, or what the scan gives as the
/// component's own normalisation. χ²_e is Poisson's or Gaussian.
namespace nuscan {

//! Pulls that act together, and templates of their shapes, at most
inline constexpr int max_systematics = 24;
inline constexpr int max_shape_templates = 128;

/// A component that pulls move.
struct ComponentView {
    const double* counts; //!< T_cb of a background; null for the signal, whose columns have it
    int first_column;     //!< of the signal
    int factor_column;    //!< y_c, where an axis has it; else −1
    double factor;        //!< y_c
};

//! a_c of a component grows by scale × pull
struct NormalisationEffect {
    int component, pull;
    double scale;
};

/// A shape of one component: D_b = Σ_j w_j(x) A_jb, x = scale × pull.
///
/// Between templates at x = ±1, the A_jb are their odd and even part, (A₊ ∓ A₋)/2, with w = x and a polynomial of sixth
/// order that joins |x| at ±1 with two derivatives: linear beyond, smooth at zero (L. Heinrich et al., pyhf, J. Open
/// Source Softw. 6, 2823 (2021), interpolation code 4p). Between templates at many evenly spaced knots, w are the
/// weights of cubic convolution (R. Keys, IEEE Trans. ASSP 29, 1153 (1981)).
struct ShapeEffect {
    int component, pull;
    double scale;
    bool relative;                   //!< A_jb are factors on T_cb, else they are added to it
    int n_templates, first_template; //!< among those of all shapes that act together
    double first_knot, knot_spacing; //!< 0 and 0: templates at ±1
    const double* templates;         //!< A_jb, n_templates × n_bins
};

/// An experiment among those whose pulls act together.
struct PulledExperiment {
    int experiment; //!< its place in the plan
    int first_bin;  //!< column of its first prediction, with all pulls zero and y_c = 1 of the signal
    int n_bins;
    const double* counts;  //!< n_b
    const double* weights; //!< 1/σ_b²; null where the statistic is Poisson's
    double saturated;      //!< 2 Σ_b [n_b ln n_b − n_b] of Poisson's
    int n_components;
    const ComponentView* components;
    int n_normalisations;
    const NormalisationEffect* normalisations;
    int n_shapes;
    const ShapeEffect* shapes;
};

/// Experiments whose pulls act together, and these pulls.
struct SystematicsView {
    int n_pulls, n_experiments;
    const double* prior_weights; //!< 1/σ_k²; 0 for a free one, and for one that is pinned
    const double *low, *high;    //!< z_k stays between these
    const int* pins;             //!< column of the value of a pull that is not fitted; −1 for others
    const PulledExperiment* experiments;
};

namespace detail {

//! Weights of the templates of all shapes, with their first and second derivatives by the pull
template <class Real>
struct ShapeWeights {
    Real w[max_shape_templates], slope[max_shape_templates], curvature[max_shape_templates];
    bool used[max_shape_templates]; //!< of many knots those near the pull of any point
};

//! |x| beyond 1, a polynomial within
template <class Real>
NUSCAN_HOST_DEVICE void even_weight(const Real& x, Real& w, Real& slope, Real& curvature) {
    using std::fma;
    const Real xx = x * x, zero(0), sign = select(x < zero, Real(-1), Real(1));
    const Mask<Real> beyond = xx > Real(1);
    w = select(beyond, sign * x, xx * fma(xx, fma(xx, Real(3. / 8), Real(-10. / 8)), Real(15. / 8)));
    slope = select(beyond, sign, x * fma(xx, fma(xx, Real(18. / 8), Real(-40. / 8)), Real(30. / 8)));
    curvature = select(beyond, zero, fma(xx, fma(xx, Real(90. / 8), Real(-120. / 8)), Real(30. / 8)));
}

//! Cubic convolution with a = −1/2, at \p t knots from the knot
template <class Real>
NUSCAN_HOST_DEVICE void cubic_weight(const Real& t, Real& w, Real& slope, Real& curvature) {
    using std::fma;
    const Real zero(0), sign = select(t < zero, Real(-1), Real(1)), a = sign * t;
    const Mask<Real> near = a < Real(1), far = !near && a < Real(2);
    const Real near_w = fma(a * a, fma(Real(1.5), a, Real(-2.5)), Real(1));
    const Real far_w = fma(a, fma(a, fma(Real(-0.5), a, Real(2.5)), Real(-4)), Real(2));
    w = select(near, near_w, select(far, far_w, zero));
    const Real near_slope = a * fma(Real(4.5), a, Real(-5));
    const Real far_slope = fma(a, fma(Real(-1.5), a, Real(5)), Real(-4));
    slope = sign * select(near, near_slope, select(far, far_slope, zero));
    curvature = select(near, fma(Real(9), a, Real(-5)), select(far, fma(Real(-3), a, Real(5)), zero));
}

template <class Real>
NUSCAN_HOST_DEVICE void shape_weights(const ShapeEffect& s, const Real& z, ShapeWeights<Real>& out) {
    Real* w = out.w + s.first_template;
    Real* slope = out.slope + s.first_template;
    Real* curvature = out.curvature + s.first_template;
    const Real x = Real(s.scale) * z;
    double per_knot = 1;
    if (s.knot_spacing > 0) {
        per_knot = 1 / s.knot_spacing;
        for (int j = 0; j < s.n_templates; ++j) {
            const Real t = (x - Real(s.first_knot + j * s.knot_spacing)) * Real(per_knot);
            cubic_weight(t, w[j], slope[j], curvature[j]);
            out.used[s.first_template + j] = any(t * t < Real(4));
        }
    } else {
        w[0] = x;
        slope[0] = Real(1);
        curvature[0] = Real(0);
        even_weight(x, w[1], slope[1], curvature[1]);
        out.used[s.first_template] = out.used[s.first_template + 1] = true;
    }
    for (int j = 0; j < s.n_templates; ++j) { // by the pull, not by x
        slope[j] = Real(s.scale * per_knot) * slope[j];
        curvature[j] = Real(s.scale * per_knot * (s.scale * per_knot)) * curvature[j];
    }
}

//! Σ_j w_j A_jb
template <class Real>
NUSCAN_HOST_DEVICE Real mixed_templates(const ShapeEffect& s, int n_bins, const Real* w, const bool* used, int b) {
    using std::fma;
    Real sum(0);
    for (int j = 0; j < s.n_templates; ++j) {
        if (used[s.first_template + j]) {
            sum = fma(w[s.first_template + j], Real(s.templates[static_cast<std::ptrdiff_t>(j) * n_bins + b]), sum);
        }
    }
    return sum;
}

/// An experiment at pulls z of one point (Real = double) or several. \p at(column) gives a column of the point.
template <class Real, class Columns>
struct PulledCounts {
    const PulledExperiment& x;
    const Columns& at;
    const Real* z;
    const ShapeWeights<Real>& shapes;

    //! y_c
    NUSCAN_HOST_DEVICE Real factor(int c) const {
        const ComponentView& component = x.components[c];
        return component.factor_column < 0 ? Real(component.factor) : at(component.factor_column);
    }
    //! T_cb
    NUSCAN_HOST_DEVICE Real nominal(int c, int b) const {
        const ComponentView& component = x.components[c];
        return component.counts == nullptr ? Real(at(component.first_column + b)) : Real(component.counts[b]);
    }
    //! a_c
    NUSCAN_HOST_DEVICE Real normalisation(int c, const Real& y) const {
        using std::fma;
        Real a = y;
        for (int i = 0; i < x.n_normalisations; ++i) {
            if (x.normalisations[i].component == c) {
                a = fma(Real(x.normalisations[i].scale), z[x.normalisations[i].pull], a);
            }
        }
        return a;
    }
    //! D_sb of a component, from weights or their derivatives
    NUSCAN_HOST_DEVICE Real shape(const ShapeEffect& s, const Real* w, const Real& T, int b) const {
        const Real D = mixed_templates(s, x.n_bins, w, shapes.used, b);
        return s.relative ? D * T : D;
    }
    //! T_cb + Σ_s D_sb
    NUSCAN_HOST_DEVICE Real shaped(int c, const Real& T, int b) const {
        Real sum = T;
        for (int i = 0; i < x.n_shapes; ++i) {
            if (x.shapes[i].component == c) {
                sum = sum + shape(x.shapes[i], shapes.w, T, b);
            }
        }
        return sum;
    }
    /// What a component adds to the experiment's columns: a_c (T + Σ_s D_sb), less what these have of it. Adds its
    /// derivatives by z_k to \p slopes, which may be null, and the second ones by second(k, l, value).
    template <class SecondDerivative>
    NUSCAN_HOST_DEVICE Real moved(int c, const Real& T, const Real& y, int b, Real* slopes,
                                  const SecondDerivative& second) const {
        using std::fma;
        const Real a = normalisation(c, y), with_shapes = shaped(c, T, b);
        for (int i = 0; slopes != nullptr && i < x.n_normalisations; ++i) {
            const NormalisationEffect& n = x.normalisations[i];
            if (n.component == c) {
                slopes[n.pull] = fma(Real(n.scale), with_shapes, slopes[n.pull]);
            }
        }
        for (int i = 0; slopes != nullptr && i < x.n_shapes; ++i) {
            const ShapeEffect& s = x.shapes[i];
            if (s.component != c) {
                continue;
            }
            const Real slope = shape(s, shapes.slope, T, b);
            slopes[s.pull] = fma(a, slope, slopes[s.pull]);
            second(s.pull, s.pull, a * shape(s, shapes.curvature, T, b));
            for (int j = 0; j < x.n_normalisations; ++j) {
                const NormalisationEffect& n = x.normalisations[j];
                if (n.component == c) { // both orders, where the pulls are one
                    second(s.pull, n.pull, Real(n.pull == s.pull ? 2 * n.scale : n.scale) * slope);
                }
            }
        }
        return fma(a, with_shapes, x.components[c].counts == nullptr ? -T : -y * T);
    }
    //! N_b, with derivatives as moved()
    template <class SecondDerivative>
    NUSCAN_HOST_DEVICE Real counts(int b, Real* slopes, const SecondDerivative& second) const {
        Real N = at(x.first_bin + b);
        for (int c = 0; c < x.n_components; ++c) {
            N = N + moved(c, nominal(c, b), factor(c), b, slopes, second);
        }
        return N;
    }
    NUSCAN_HOST_DEVICE Real counts(int b) const {
        return counts(b, nullptr, [](int, int, const Real&) {});
    }
    //! Counts of a component alone
    NUSCAN_HOST_DEVICE Real component(int c, int b) const {
        return normalisation(c, factor(c)) * shaped(c, nominal(c, b), b);
    }
};

template <class Real>
NUSCAN_HOST_DEVICE void all_shape_weights(const SystematicsView& s, const Real* z, ShapeWeights<Real>& out) {
    for (int e = 0; e < s.n_experiments; ++e) {
        for (int i = 0; i < s.experiments[e].n_shapes; ++i) {
            shape_weights(s.experiments[e].shapes[i], z[s.experiments[e].shapes[i].pull], out);
        }
    }
}

//! χ²_e of an experiment, without priors
template <class Real, class Columns>
NUSCAN_HOST_DEVICE Real pulled_chi2(const PulledCounts<Real, Columns>& N) {
    using std::fma;
    using std::log;
    const PulledExperiment& x = N.x;
    Real sum(0);
    for (int b = 0; b < x.n_bins; ++b) {
        const Real N_b = N.counts(b), n(x.counts[b]);
        if (x.weights != nullptr) {
            const Real r = N_b - n;
            sum = fma(Real(x.weights[b]) * r, r, sum);
        } else {
            const Real positive = not_negative(N_b);
            sum = fma(Real(2), positive, sum);
            if (x.counts[b] > 0) {
                sum = fma(Real(-2) * n, log(positive), sum);
            }
        }
    }
    return x.weights != nullptr ? sum : sum + Real(x.saturated);
}

//! χ² at \p z, of all experiments and priors
template <class Real, class Columns>
NUSCAN_HOST_DEVICE Real pulled_total(const SystematicsView& s, const Columns& at, const Real* z,
                                     ShapeWeights<Real>& shapes) {
    using std::fma;
    all_shape_weights(s, z, shapes);
    Real chi2(0);
    for (int k = 0; k < s.n_pulls; ++k) {
        chi2 = fma(Real(s.prior_weights[k]) * z[k], z[k], chi2);
    }
    for (int e = 0; e < s.n_experiments; ++e) {
        chi2 = chi2 + pulled_chi2(PulledCounts<Real, Columns>{s.experiments[e], at, z, shapes});
    }
    return chi2;
}

/// Half of the gradient of χ²; half of its Hessian without second derivatives of N, which is never negative, and these
/// by themselves.
template <class Real>
struct PulledDerivatives {
    Real gradient[max_systematics];
    PullMatrix<Real, max_systematics> squares, second;
};

template <class Real, class Columns>
NUSCAN_HOST_DEVICE void add_derivatives(const PulledCounts<Real, Columns>& N, int K, PulledDerivatives<Real>& out) {
    using std::fma;
    const PulledExperiment& x = N.x;
    for (int b = 0; b < x.n_bins; ++b) {
        Real slopes[max_systematics];
        for (int k = 0; k < K; ++k) {
            slopes[k] = Real(0);
        }
        Real first(1), curvature(0); // of half of χ²_e by N_b
        const Real n(x.counts[b]);
        const Real N_b = N.counts(b);
        if (x.weights != nullptr) {
            curvature = Real(x.weights[b]);
            first = curvature * (N_b - n);
        } else if (x.counts[b] > 0) {
            const Real inverse = Real(1) / max(Real(least_prediction), N_b);
            first = fma(-n, inverse, Real(1));
            curvature = n * inverse * inverse;
        }
        N.counts(b, slopes, [&](int k, int l, const Real& d2N) {
            Real& entry = out.second(k > l ? k : l, k > l ? l : k);
            entry = fma(first, d2N, entry);
        });
        for (int k = 0; k < K; ++k) {
            out.gradient[k] = fma(first, slopes[k], out.gradient[k]);
            const Real weighted = curvature * slopes[k];
            for (int l = 0; l <= k; ++l) {
                out.squares(k, l) = fma(weighted, slopes[l], out.squares(k, l));
            }
        }
    }
}

//! At \p z, whose weights \p shapes are
template <class Real, class Columns>
NUSCAN_HOST_DEVICE void pulled_derivatives(const SystematicsView& s, const Columns& at, const Real* z,
                                           const ShapeWeights<Real>& shapes, PulledDerivatives<Real>& out) {
    for (int k = 0; k < s.n_pulls; ++k) {
        out.gradient[k] = Real(s.prior_weights[k]) * z[k];
        for (int l = 0; l <= k; ++l) {
            out.squares(k, l) = Real(k == l ? s.prior_weights[k] : 0);
            out.second(k, l) = Real(0);
        }
    }
    for (int e = 0; e < s.n_experiments; ++e) {
        add_derivatives(PulledCounts<Real, Columns>{s.experiments[e], at, z, shapes}, s.n_pulls, out);
    }
}

/// Newton's step \p d, with the whole Hessian where this is positive, else with squares alone; the decrement.
template <class Real>
NUSCAN_HOST_DEVICE Real pulled_step(int K, const PulledDerivatives<Real>& at, const Mask<Real>* free, Real* d) {
    PullMatrix<Real, max_systematics> H = at.squares;
    const Real decrement_of_squares = newton_step(K, H, at.gradient, free, d);
    Mask<Real> positive = Real(0) < Real(1);
    Real whole[max_systematics];
    for (int k = 0; k < K; ++k) {
        for (int l = 0; l <= k; ++l) {
            H(k, l) = at.squares(k, l) + at.second(k, l);
        }
        positive = positive && H(k, k) > Real(0.1) * at.squares(k, k);
    }
    const Real decrement = newton_step(K, H, at.gradient, free, whole);
    // A pivot far below that of the squares, which are rounded up to be positive, takes the step far away.
    positive = positive && decrement > Real(0) && decrement < Real(4) * decrement_of_squares;
    for (int k = 0; k < K; ++k) {
        d[k] = select(positive, whole[k], d[k]);
    }
    return select(positive, decrement, decrement_of_squares);
}

} // namespace detail

/// The smallest χ² over the pulls from z = 0, which \p z receives, by projected Newton steps: pulls at a bound that χ²
/// presses them against stand still, the others step, are cut at their bounds, and the step is shortened until it
/// lowers χ². Lanes that are done stand still.
///
/// χ² is convex in normalisations; with shapes it is so near the data, and what is found is the minimum that descends
/// from nominal.
template <class Real, class Columns>
NUSCAN_HOST_DEVICE PoissonFit<Real> systematics_fit(const SystematicsView& s, const Columns& at, Real* z) {
    using std::fma;
    const int K = s.n_pulls;
    detail::ShapeWeights<Real> shapes;
    detail::PulledDerivatives<Real> derivatives;
    for (int k = 0; k < K; ++k) {
        z[k] = s.pins[k] >= 0 ? at(s.pins[k]) : min(Real(s.high[k]), max(Real(s.low[k]), Real(0)));
    }
    Real chi2 = detail::pulled_total(s, at, z, shapes);
    const Mask<Real> yes = Real(0) < Real(1);
    Mask<Real> done = !(chi2 < Real(constants::infinity)), converged = done; // +inf and NaN have no minimum
    for (int iteration = 0; iteration < 100 && !all(done); ++iteration) {
        detail::all_shape_weights(s, z, shapes);
        detail::pulled_derivatives(s, at, z, shapes, derivatives);
        Mask<Real> free[max_systematics];
        for (int k = 0; k < K; ++k) {
            const Real& g = derivatives.gradient[k];
            const Mask<Real> pressed =
                (z[k] <= Real(s.low[k]) && g > Real(0)) || (z[k] >= Real(s.high[k]) && g < Real(0));
            free[k] = s.pins[k] >= 0 ? !yes : !pressed;
        }
        Real d[max_systematics];
        const Real decrement = detail::pulled_step(K, derivatives, free, d);
        // What is left to gain is about the decrement; below that rounding decides whether a step lowers χ².
        const Mask<Real> settled = !(decrement > fma(Real(1e-13), chi2, Real(1e-11)));
        converged = converged || (settled && !done);
        done = done || settled;
        Mask<Real> waiting = !done;
        Real length(1);
        for (int cut = 0; cut < 12 && any(waiting); ++cut) {
            Real next[max_systematics];
            for (int k = 0; k < K; ++k) {
                const Real moved = min(Real(s.high[k]), max(Real(s.low[k]), fma(length, d[k], z[k])));
                next[k] = select(waiting && free[k], moved, z[k]);
            }
            const Real there = detail::pulled_total(s, at, next, shapes);
            const Mask<Real> lower = waiting && there < chi2;
            for (int k = 0; k < K; ++k) {
                z[k] = select(lower, next[k], z[k]);
            }
            chi2 = select(lower, there, chi2);
            waiting = waiting && !lower;
            length = select(waiting, Real(0.25) * length, length);
        }
        converged = converged || (waiting && decrement < fma(Real(1e-12), chi2, Real(1e-9)));
        done = done || waiting;
    }
    return {chi2, converged};
}

} // namespace nuscan
