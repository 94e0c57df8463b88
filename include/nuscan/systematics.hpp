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

/// A component that pulls move, and which of its experiment's effects do.
struct ComponentView {
    const double* counts; //!< T_cb of a background; null for the signal, whose columns have it
    int first_column;     //!< of the signal
    int factor_column;    //!< y_c, where an axis has it; else −1
    double factor;        //!< y_c
    int first_normalisation, n_normalisations;
    int first_shape, n_shapes;
};

//! a_c of a component grows by scale × pull
struct NormalisationEffect {
    int pull; //!< place among the experiment's
    double scale;
};

/// A shape of one component: D_b = Σ_j w_j(x) A_jb, x = scale × pull.
///
/// Between templates at x = ±1, the A_jb are their odd and even part, (A₊ ∓ A₋)/2, with w = x and a polynomial of sixth
/// order that joins |x| at ±1 with two derivatives: linear beyond, smooth at zero (L. Heinrich et al., pyhf, J. Open
/// Source Softw. 6, 2823 (2021), interpolation code 4p). Between templates at many evenly spaced knots, w are the
/// weights of cubic convolution (R. Keys, IEEE Trans. ASSP 29, 1153 (1981)).
struct ShapeEffect {
    int pull; //!< place among the experiment's
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
    int n_pulls;
    const int* pulls; //!< those that move it, by their places among all that act together, which increase
    int n_components;
    const ComponentView* components;
    int n_normalisations;
    const NormalisationEffect* normalisations; //!< component by component, as shapes
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
    bool several_minima = false; //!< whether shapes are so large that χ² may have more than one
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

/// An experiment at pulls z of one point or several. \p at gives columns of the point.
template <class Lanes, class Columns>
struct PulledCounts {
    using Point = typename Lanes::Point;
    using Bin = typename Lanes::Bin;
    const PulledExperiment& x;
    const Columns& at;
    const Point* z; //!< of all that act together
    const ShapeWeights<Point>& shapes;

    //! y_c
    NUSCAN_HOST_DEVICE Point factor(const ComponentView& c) const {
        return c.factor_column < 0 ? Point(c.factor) : Point(at(c.factor_column));
    }
    //! T_cb
    NUSCAN_HOST_DEVICE Bin nominal(const ComponentView& c, int b) const {
        return c.counts == nullptr ? Lanes::column(at, c.first_column + b, x.n_bins - b)
                                   : Lanes::load(c.counts + b, x.n_bins - b);
    }
    //! a_c
    NUSCAN_HOST_DEVICE Point normalisation(const ComponentView& c) const {
        using std::fma;
        Point a = factor(c);
        for (int i = 0; i < c.n_normalisations; ++i) {
            const NormalisationEffect& n = x.normalisations[c.first_normalisation + i];
            a = fma(Point(n.scale), z[x.pulls[n.pull]], a);
        }
        return a;
    }
    //! D_sb of a component's \p T counts, from weights or their derivatives
    NUSCAN_HOST_DEVICE Bin shape(const ShapeEffect& s, const Point* w, const Bin& T, int b) const {
        using std::fma;
        Bin D(0);
        for (int j = 0; j < s.n_templates; ++j) {
            if (shapes.used[s.first_template + j]) {
                const double* A = s.templates + static_cast<std::ptrdiff_t>(j) * x.n_bins + b;
                D = fma(Bin(w[s.first_template + j]), Lanes::load(A, x.n_bins - b), D);
            }
        }
        return s.relative ? D * T : D;
    }
    //! T_cb + Σ_s D_sb
    NUSCAN_HOST_DEVICE Bin shaped(const ComponentView& c, const Bin& T, int b) const {
        Bin sum = T;
        for (int i = 0; i < c.n_shapes; ++i) {
            sum = sum + shape(x.shapes[c.first_shape + i], shapes.w, T, b);
        }
        return sum;
    }
    //! Counts of a component alone
    NUSCAN_HOST_DEVICE Bin component(const ComponentView& c, int b) const {
        return Bin(normalisation(c)) * shaped(c, nominal(c, b), b);
    }
    //! N_b
    NUSCAN_HOST_DEVICE Bin counts(int b) const {
        using std::fma;
        Bin N = Lanes::column(at, x.first_bin + b, x.n_bins - b);
        for (int i = 0; i < x.n_components; ++i) {
            const ComponentView& c = x.components[i];
            const Bin T = nominal(c, b);
            const Bin there = c.counts == nullptr ? T : Bin(factor(c)) * T; // what the columns have of it
            N = N + fma(Bin(normalisation(c)), shaped(c, T, b), -there);
        }
        return N;
    }
    /// Adds the derivatives of a component's counts by the experiment's pulls to \p slopes, \p T being nominal, and
    /// gives the second ones, of each pair of pulls once, to second(k, l, value).
    template <class SecondDerivative>
    NUSCAN_HOST_DEVICE void differentiate(const ComponentView& c, const Bin& T, int b, Bin* slopes,
                                          const SecondDerivative& second) const {
        using std::fma;
        if (c.n_normalisations > 0) {
            const Bin with_shapes = shaped(c, T, b);
            for (int i = 0; i < c.n_normalisations; ++i) {
                const NormalisationEffect& n = x.normalisations[c.first_normalisation + i];
                slopes[n.pull] = fma(Bin(n.scale), with_shapes, slopes[n.pull]);
            }
        }
        for (int i = 0; i < c.n_shapes; ++i) {
            const ShapeEffect& s = x.shapes[c.first_shape + i];
            const Bin a(normalisation(c)), slope = shape(s, shapes.slope, T, b);
            slopes[s.pull] = fma(a, slope, slopes[s.pull]);
            second(s.pull, s.pull, a * shape(s, shapes.curvature, T, b));
            for (int j = 0; j < c.n_normalisations; ++j) {
                const NormalisationEffect& n = x.normalisations[c.first_normalisation + j];
                // both orders, where the pulls are one
                second(s.pull, n.pull, Bin(n.pull == s.pull ? 2 * n.scale : n.scale) * slope);
            }
        }
    }
};

template <class Real>
NUSCAN_HOST_DEVICE void all_shape_weights(const SystematicsView& s, const Real* z, ShapeWeights<Real>& out) {
    for (int e = 0; e < s.n_experiments; ++e) {
        for (int i = 0; i < s.experiments[e].n_shapes; ++i) {
            const PulledExperiment& x = s.experiments[e];
            shape_weights(x.shapes[i], z[x.pulls[x.shapes[i].pull]], out);
        }
    }
}

/// max(0, N), softened to p = (N + √(N² + ε²))/2, which is between 0 and ε/2 more, with its derivatives by N.
template <class Bin>
struct SoftCount {
    Bin value, slope, curvature;
};
template <class Bin>
NUSCAN_HOST_DEVICE SoftCount<Bin> soft_count(const Bin& N, double softness) {
    using std::fma;
    using std::sqrt;
    const Bin square(softness * softness), root = sqrt(fma(N, N, square)), inverse = Bin(1) / root;
    const Mask<Bin> positive = N > Bin(0); // below zero the sum would lose its digits
    const Bin value = Bin(0.5) * select(positive, N + root, square / select(positive, root, root - N));
    return {value, value * inverse, Bin(0.5) * square * inverse * inverse * inverse};
}

//! χ²_e of an experiment, without priors; with counts softened where \p softness is not zero
template <class Lanes, class Columns>
NUSCAN_HOST_DEVICE typename Lanes::Point pulled_chi2(const PulledCounts<Lanes, Columns>& N, double softness = 0) {
    using std::fma;
    using Bin = typename Lanes::Bin;
    const PulledExperiment& x = N.x;
    Bin sum(0);
    for (int b = 0; b < x.n_bins; b += Lanes::width) {
        const int left = x.n_bins - b;
        const Bin N_b = N.counts(b), n = Lanes::load(x.counts + b, left);
        if (x.weights != nullptr) {
            const Bin r = N_b - n;
            sum = fma(Lanes::load(x.weights + b, left) * r, r, sum);
        } else if (softness > 0) {
            sum = fma(Bin(2), half_poisson_term(soft_count(N_b, softness).value, n), sum);
        } else {
            sum = fma(Bin(2), half_poisson_term(not_negative(N_b), n), sum);
        }
    }
    return Lanes::total(sum);
}

//! χ² at \p z, of all experiments and priors
template <class Lanes, class Columns>
NUSCAN_HOST_DEVICE typename Lanes::Point
pulled_total(const SystematicsView& s, const Columns& at, const typename Lanes::Point* z,
             ShapeWeights<typename Lanes::Point>& shapes, double softness = 0) {
    using std::fma;
    using Point = typename Lanes::Point;
    all_shape_weights(s, z, shapes);
    Point chi2(0);
    for (int k = 0; k < s.n_pulls; ++k) {
        chi2 = fma(Point(s.prior_weights[k]) * z[k], z[k], chi2);
    }
    for (int e = 0; e < s.n_experiments; ++e) {
        chi2 = chi2 + pulled_chi2(PulledCounts<Lanes, Columns>{s.experiments[e], at, z, shapes}, softness);
    }
    return chi2;
}

/// Half of the gradient of χ²; half of its Hessian without second derivatives of N, which is never negative, and these
/// by themselves.
template <class Real>
struct PulledDerivatives {
    Real gradient[max_systematics];
    PullMatrix<Real, max_systematics> squares, second;
    Real lowest; //!< N_b of the bins with Poisson's χ², or zero if that is lower
};

/// First and second derivative of half of χ²_e by N_b, the second never negative.
///
/// A bin without counts that is predicted to have fewer than none adds nothing: χ² has a kink at N_b = 0, and there
/// softened counts alone have a second derivative.
template <class Bin>
struct BinDerivatives {
    Bin first, second;
};
template <class Lanes>
NUSCAN_HOST_DEVICE BinDerivatives<typename Lanes::Bin>
bin_derivatives(const PulledExperiment& x, const typename Lanes::Bin& N, int b, double softness = 0) {
    using std::fma;
    using Bin = typename Lanes::Bin;
    const int left = x.n_bins - b;
    const Bin n = Lanes::load(x.counts + b, left);
    if (x.weights != nullptr) {
        const Bin weight = Lanes::load(x.weights + b, left);
        return {weight * (N - n), weight};
    }
    const Mask<Bin> counted = n > Bin(0);
    if (softness > 0) {
        const SoftCount<Bin> p = soft_count(N, softness);
        const Bin part = n / p.value, by_p = Bin(1) - part, ratio = p.slope / p.value;
        return {by_p * p.slope, fma(max(Bin(0), by_p), p.curvature, n * ratio * ratio)};
    }
    if (!any(counted)) {
        return {select(N < Bin(0), Bin(0), Bin(1)), Bin(0)};
    }
    const Bin inverse = Bin(1) / max(Bin(least_prediction), N);
    return {select(counted || !(N < Bin(0)), fma(-n, inverse, Bin(1)), Bin(0)), n * inverse * inverse};
}

template <class Lanes, class Columns>
NUSCAN_HOST_DEVICE void add_derivatives(const PulledCounts<Lanes, Columns>& N,
                                        PulledDerivatives<typename Lanes::Bin>& out, double softness) {
    using std::fma;
    using Bin = typename Lanes::Bin;
    const PulledExperiment& x = N.x;
    for (int b = 0; b < x.n_bins; b += Lanes::width) {
        const Bin N_b = N.counts(b);
        if (x.weights == nullptr) {
            out.lowest = min(out.lowest, N_b);
        }
        const BinDerivatives<Bin> chi2 = bin_derivatives<Lanes>(x, N_b, b, softness);
        Bin slopes[max_systematics];
        for (int i = 0; i < x.n_pulls; ++i) {
            slopes[i] = Bin(0);
        }
        for (int c = 0; c < x.n_components; ++c) {
            const ComponentView& component = x.components[c];
            N.differentiate(component, N.nominal(component, b), b, slopes, [&](int i, int j, const Bin& d2N) {
                Bin& entry = out.second(x.pulls[i > j ? i : j], x.pulls[i > j ? j : i]);
                entry = fma(chi2.first, d2N, entry);
            });
        }
        for (int i = 0; i < x.n_pulls; ++i) {
            const int k = x.pulls[i];
            out.gradient[k] = fma(chi2.first, slopes[i], out.gradient[k]);
            const Bin weighted = chi2.second * slopes[i];
            for (int j = 0; j <= i; ++j) {
                Bin& entry = out.squares(k, x.pulls[j]);
                entry = fma(weighted, slopes[j], entry);
            }
        }
    }
}

//! At \p z, whose weights \p shapes are; sums over bins stay in their lanes
template <class Lanes, class Columns>
NUSCAN_HOST_DEVICE void pulled_derivatives(const SystematicsView& s, const Columns& at, const typename Lanes::Point* z,
                                           const ShapeWeights<typename Lanes::Point>& shapes,
                                           PulledDerivatives<typename Lanes::Bin>& out, double softness = 0) {
    using Bin = typename Lanes::Bin;
    out.lowest = Bin(0);
    for (int k = 0; k < s.n_pulls; ++k) {
        out.gradient[k] = Lanes::first(typename Lanes::Point(s.prior_weights[k]) * z[k]);
        for (int l = 0; l <= k; ++l) {
            out.squares(k, l) = Lanes::first(typename Lanes::Point(k == l ? s.prior_weights[k] : 0));
            out.second(k, l) = Bin(0);
        }
    }
    for (int e = 0; e < s.n_experiments; ++e) {
        add_derivatives(PulledCounts<Lanes, Columns>{s.experiments[e], at, z, shapes}, out, softness);
    }
}

//! The same, added up
template <class Lanes, class Columns>
NUSCAN_HOST_DEVICE void total_derivatives(const SystematicsView& s, const Columns& at, const typename Lanes::Point* z,
                                          const ShapeWeights<typename Lanes::Point>& shapes,
                                          PulledDerivatives<typename Lanes::Point>& out, double softness) {
    if constexpr (Lanes::width == 1) {
        pulled_derivatives<Lanes>(s, at, z, shapes, out, softness);
    } else {
        PulledDerivatives<typename Lanes::Bin> sums;
        pulled_derivatives<Lanes>(s, at, z, shapes, sums, softness);
        out.lowest = -Lanes::largest(-sums.lowest);
        for (int k = 0; k < s.n_pulls; ++k) {
            out.gradient[k] = Lanes::total(sums.gradient[k]);
            for (int l = 0; l <= k; ++l) {
                out.squares(k, l) = Lanes::total(sums.squares(k, l));
                out.second(k, l) = Lanes::total(sums.second(k, l));
            }
        }
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

/// A descent of χ² from pulls \p z, which it moves: by projected Newton steps. Pulls at a bound that χ² presses them
/// against stand still, the others step, are cut at their bounds, and the step is shortened until it lowers χ². Lanes
/// of points that are \p done stand still. With \p softness, χ² is that of softened counts.
template <class Real>
struct Descent {
    PoissonFit<Real> fit;
    Mask<Real> below_zero; //!< whether a prediction is
};
template <class Lanes, class Columns>
NUSCAN_HOST_DEVICE Descent<typename Lanes::Point> descend(const SystematicsView& s, const Columns& at, double softness,
                                                          Mask<typename Lanes::Point> done, typename Lanes::Point* z) {
    using std::fma;
    using Real = typename Lanes::Point;
    constexpr double rounding = 1e-10; // of a count
    const int K = s.n_pulls;
    ShapeWeights<Real> shapes;
    PulledDerivatives<Real> derivatives;
    derivatives.lowest = Real(0);
    const Mask<Real> yes = Real(0) < Real(1);
    Real chi2 = pulled_total<Lanes>(s, at, z, shapes, softness);
    Mask<Real> converged = !(chi2 < Real(constants::infinity)); // +inf and NaN have no minimum
    done = done || converged;
    for (int iteration = 0; iteration < 100 && !all(done); ++iteration) {
        all_shape_weights(s, z, shapes);
        total_derivatives<Lanes>(s, at, z, shapes, derivatives, softness);
        Mask<Real> free[max_systematics];
        for (int k = 0; k < K; ++k) {
            const Real& g = derivatives.gradient[k];
            const Mask<Real> pressed =
                (z[k] <= Real(s.low[k]) && g > Real(0)) || (z[k] >= Real(s.high[k]) && g < Real(0));
            free[k] = s.pins[k] >= 0 ? !yes : !pressed;
        }
        Real d[max_systematics];
        const Real decrement = pulled_step(K, derivatives, free, d);
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
            const Real there = pulled_total<Lanes>(s, at, next, shapes, softness);
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
    return {{chi2, converged}, derivatives.lowest < Real(-rounding)};
}

//! Whether a shape depends on pull \p k of those that act together
NUSCAN_HOST_DEVICE inline bool is_shape(const SystematicsView& s, int k) {
    for (int e = 0; e < s.n_experiments; ++e) {
        const PulledExperiment& x = s.experiments[e];
        for (int i = 0; i < x.n_shapes; ++i) {
            if (x.pulls[x.shapes[i].pull] == k) {
                return true;
            }
        }
    }
    return false;
}

} // namespace detail

//! The minimum of χ² over pulls that act together
template <class Real>
struct PulledFit : PoissonFit<Real> {
    Mask<Real> at_kink; //!< whether it was sought with softened counts: a bin's prediction may be zero
};

//! Softness with which a minimum in a kink is found, in counts: χ² is above it by no more for each bin that has one
inline constexpr double least_softness = 1e-10;

/// The smallest χ² over the pulls, which \p z receives.
///
/// χ² is convex in normalisations. With shapes it is so near the data, and what is found is the minimum that descends
/// from nominal. Where shapes take predictions below zero, Poisson's χ² has a kink, max(0, N), and minima on either
/// side of it or in it, where Newton's steps fail. Such points, and those that predict nothing for a bin with counts,
/// descend again along a path on which max(0, N) is softened less and less. They, and all points if the shapes are such
/// that there may be several minima, do so from a standard deviation to either side along each shape as well, and the
/// lowest minimum is taken. Where χ² has yet another minimum, it may be one that none of these starts leads to.
template <class Lanes, class Columns>
NUSCAN_HOST_DEVICE PulledFit<typename Lanes::Point> systematics_fit(const SystematicsView& s, const Columns& at,
                                                                    typename Lanes::Point* z) {
    using std::fma;
    using Real = typename Lanes::Point;
    constexpr double first_softness = 1, fading = 0.1;
    const int K = s.n_pulls;
    const Mask<Real> yes = Real(0) < Real(1);
    const auto within = [&](int k, double value) { return min(Real(s.high[k]), max(Real(s.low[k]), Real(value))); };
    bool is_fitted = false;
    for (int k = 0; k < K; ++k) {
        is_fitted = is_fitted || s.pins[k] < 0;
    }
    PulledFit<Real> best{{Real(constants::infinity), !yes}, !yes};
    Mask<Real> searching = yes;
    for (int start = 0; start <= 2 * K && any(searching); ++start) {
        const int moved = (start - 1) / 2;
        if (start > 0 && (s.pins[moved] >= 0 || !detail::is_shape(s, moved))) {
            continue;
        }
        Real here[max_systematics] = {};
        for (int k = 0; k < K; ++k) {
            here[k] = s.pins[k] >= 0 ? Real(at(s.pins[k])) : within(k, 0);
        }
        if (start > 0) {
            const double w = s.prior_weights[moved], sigma = w > 0 ? 1 / std::sqrt(w) : 1;
            here[moved] = within(moved, start % 2 == 0 ? sigma : -sigma);
        }
        const detail::Descent<Real> found = detail::descend<Lanes>(s, at, 0, !searching, here);
        Mask<Real> lower = searching && (start == 0 ? yes : found.fit.chi2 < best.chi2);
        best.chi2 = select(lower, found.fit.chi2, best.chi2);
        best.converged = (lower && found.fit.converged) || (!lower && best.converged);
        for (int k = 0; k < K; ++k) {
            z[k] = select(lower, here[k], z[k]);
        }
        const Mask<Real> is_empty = found.fit.chi2 >= Real(constants::infinity);
        const Mask<Real> rough = searching && (!found.fit.converged || found.below_zero || is_empty);
        if (is_fitted && any(rough)) {
            Mask<Real> converged = !yes;
            for (double softness = first_softness; softness > 0.5 * least_softness; softness *= fading) {
                converged = detail::descend<Lanes>(s, at, softness, !rough, here).fit.converged;
            }
            detail::ShapeWeights<Real> shapes;
            const Real chi2 = detail::pulled_total<Lanes>(s, at, here, shapes);
            lower = rough && chi2 < best.chi2;
            const Mask<Real> as_low = rough && chi2 <= best.chi2 + fma(Real(1e-12), best.chi2, Real(1e-9));
            best.chi2 = select(lower, chi2, best.chi2);
            best.converged = (best.converged && !lower) || (converged && as_low);
            best.at_kink = best.at_kink || rough;
            for (int k = 0; k < K; ++k) {
                z[k] = select(lower, here[k], z[k]);
            }
        }
        searching = is_fitted ? (s.several_minima ? yes : best.at_kink) : !yes;
    }
    return best;
}

} // namespace nuscan
