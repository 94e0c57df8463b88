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

//! Softness of counts with which a minimum in a kink is found, before it is extrapolated to none
inline constexpr double least_softness = 1e-7;

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

/// Half of what a bin adds to χ², with derivatives by N, softened so that it has two at any N.
///
/// Without counts it is max(0, N), which becomes (N + √(N² + ε²))/2, between 0 and ε/2 more. With n of them it is the
/// parabola that continues N − n + n ln(n/N) below ε, and nothing else above. ε is \p softness in units of n, or of
/// the counts without pulls, \p N0, one at least, where there is none.
template <class Bin>
struct SoftTerm {
    Bin value, first, second;
};
template <class Bin>
NUSCAN_HOST_DEVICE SoftTerm<Bin> soft_term(const Bin& N, const Bin& n, const Bin& N0, double softness) {
    using std::fma;
    using std::sqrt;
    const Mask<Bin> counted = n > Bin(0);
    const Bin from = max(select(counted, Bin(softness) * n, Bin(1)), N), below = N - from, inverse = Bin(1) / from;
    const Bin second = n * inverse * inverse, first = fma(-n, inverse, Bin(1));
    const Bin value = half_poisson_term(from, n) + below * fma(Bin(0.5) * second, below, first);
    const Bin width = Bin(softness) * max(Bin(1), max(N0, -N0)), square = width * width;
    const Bin root = sqrt(fma(N, N, square)), by_root = Bin(1) / root;
    const Mask<Bin> positive = N > Bin(0); // below zero the sum would lose its digits
    const Bin p = Bin(0.5) * select(positive, N + root, square / select(positive, root, root - N));
    return {select(counted, value, p), select(counted, fma(second, below, first), p * by_root),
            select(counted, second, Bin(0.5) * square * by_root * by_root * by_root)};
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
            sum = fma(Bin(2), soft_term(N_b, n, Lanes::column(N.at, x.first_bin + b, left), softness).value, sum);
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
template <class Lanes, class Columns>
NUSCAN_HOST_DEVICE BinDerivatives<typename Lanes::Bin>
bin_derivatives(const PulledCounts<Lanes, Columns>& pulled, const typename Lanes::Bin& N, int b, double softness) {
    using std::fma;
    using Bin = typename Lanes::Bin;
    const PulledExperiment& x = pulled.x;
    const int left = x.n_bins - b;
    const Bin n = Lanes::load(x.counts + b, left);
    if (x.weights != nullptr) {
        const Bin weight = Lanes::load(x.weights + b, left);
        return {weight * (N - n), weight};
    }
    const Mask<Bin> counted = n > Bin(0);
    if (softness > 0) {
        const SoftTerm<Bin> term = soft_term(N, n, Lanes::column(pulled.at, x.first_bin + b, left), softness);
        return {term.first, term.second};
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
        const BinDerivatives<Bin> chi2 = bin_derivatives(N, N_b, b, softness);
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

/// Newton's step \p d, with the whole Hessian where this is positive, else with as much of the second derivatives of N,
/// a half, a quarter …, as leaves it so; the decrement.
template <class Real>
NUSCAN_HOST_DEVICE Real pulled_step(int K, const PulledDerivatives<Real>& at, const Mask<Real>* free, Real* d,
                                    Mask<Real>& is_convex) {
    using std::fma;
    constexpr double least_pivot = 1e-6, least_share = 1. / 128; // of that of the squares; of second derivatives
    PullMatrix<Real, max_systematics> H = at.squares;
    Real decrement = newton_step(K, H, at.gradient, free, d), pivots[max_systematics], step[max_systematics];
    for (int k = 0; k < K; ++k) {
        pivots[k] = Real(least_pivot) * H(k, k) * H(k, k);
    }
    Mask<Real> found = Real(1) < Real(0);
    for (double share = 1; share >= least_share && !all(found); share *= 0.5) {
        for (int k = 0; k < K; ++k) {
            for (int l = 0; l <= k; ++l) {
                H(k, l) = fma(Real(share), at.second(k, l), at.squares(k, l));
            }
        }
        const Real of_share = newton_step(K, H, at.gradient, free, step);
        Mask<Real> positive = of_share > Real(0);
        for (int k = 0; k < K; ++k) {
            positive = positive && H(k, k) * H(k, k) > pivots[k];
        }
        const Mask<Real> taken = positive && !found;
        for (int k = 0; k < K; ++k) {
            d[k] = select(taken, step[k], d[k]);
        }
        decrement = select(taken, of_share, decrement);
        found = found || positive;
        is_convex = share < 1 ? is_convex : positive;
    }
    return decrement;
}

/// A descent of χ² from pulls \p z, which it moves: by projected Newton steps. Pulls at a bound that χ² presses them
/// against stand still, the others step, are cut at their bounds, and the step is shortened until it lowers χ²: such a
/// step may not lower it at all, so that one that ends where the first pull meets its bound is among those tried. Lanes
/// of points that are \p done stand still. With \p softness, χ² is that of softened counts, and what it may be above
/// its minimum is a part of that.
template <class Real>
struct Descent {
    PoissonFit<Real> fit;
    Mask<Real> below_zero; //!< whether a prediction is
    Mask<Real> is_convex;
};
template <class Lanes, class Columns>
NUSCAN_HOST_DEVICE Descent<typename Lanes::Point> descend(const SystematicsView& s, const Columns& at, double softness,
                                                          Mask<typename Lanes::Point> done, typename Lanes::Point* z) {
    using std::fma;
    using Real = typename Lanes::Point;
    constexpr double rounding = 1e-10; // of a count
    const double last = softness > 1e3 * least_softness ? 1e-3 * softness : 1e-11;
    const int K = s.n_pulls;
    ShapeWeights<Real> shapes;
    PulledDerivatives<Real> derivatives;
    derivatives.lowest = Real(0);
    const Mask<Real> yes = Real(0) < Real(1);
    Real chi2 = pulled_total<Lanes>(s, at, z, shapes, softness);
    Mask<Real> converged = !(chi2 < Real(constants::infinity)); // +inf and NaN have no minimum
    done = done || converged;
    Mask<Real> all_convex = yes;
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
        Mask<Real> convex;
        const Real decrement = pulled_step(K, derivatives, free, d, convex);
        all_convex = all_convex && (done || convex);
        // What is left to gain is about the decrement; below that rounding decides whether a step lowers χ².
        const Mask<Real> settled = !(decrement > fma(Real(1e-13), chi2, Real(last)));
        converged = converged || (settled && !done);
        done = done || settled;
        Mask<Real> waiting = !done;
        // The bound that a pull moves to, and the part of the step after which it is there: below zero if it does not
        // move
        const auto bound = [&](int k) { return select(d[k] > Real(0), Real(s.high[k]), Real(s.low[k])); };
        const auto part_to_bound = [&](int k) { return (bound(k) - z[k]) / d[k]; };
        Real length(1), reach(constants::infinity); // to the first bound
        for (int k = 0; k < K; ++k) {
            const Real part = part_to_bound(k);
            reach = select(free[k] && part > Real(0), min(reach, part), reach);
        }
        for (int cut = 0; cut < 12 && any(waiting); ++cut) {
            Real next[max_systematics];
            for (int k = 0; k < K; ++k) {
                const Real part = part_to_bound(k);
                const Mask<Real> is_cut = part >= Real(0) && Real(1 + 1e-15) * length >= part;
                next[k] = select(waiting && free[k], select(is_cut, bound(k), fma(length, d[k], z[k])), z[k]);
            }
            const Real there = pulled_total<Lanes>(s, at, next, shapes, softness);
            // Where pulls are next to a bound rounding may hide that the way there lowers χ².
            const Real rounded =
                select(length >= reach && length <= reach, fma(Real(1e-15), chi2 + Real(1), chi2), chi2);
            const Mask<Real> lower = waiting && there < rounded;
            for (int k = 0; k < K; ++k) {
                z[k] = select(lower, next[k], z[k]);
            }
            chi2 = select(lower, there, chi2);
            waiting = waiting && !lower;
            const Real shorter = Real(0.25) * length;
            length = select(waiting, select(reach < length, min(reach, shorter), shorter), length);
        }
        converged = converged || (waiting && decrement < fma(Real(1e-12), chi2, Real(1e-9)));
        done = done || waiting;
    }
    return {{chi2, converged}, derivatives.lowest < Real(-rounding), all_convex};
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

namespace detail {

/// The lowest of the minima found so far, by lanes.
template <class Lanes, class Columns>
struct LowestMinimum {
    using Real = typename Lanes::Point;
    const SystematicsView& s;
    const Columns& at;
    Real* z; //!< where it is
    PulledFit<Real> best;

    /// Descends from \p here, of lanes that are \p searching, which have \p lower after it; \p is_convex is whether χ²
    /// was all the way, as far as a Hessian tells.
    ///
    /// Where that ends in a kink, at N = 0 of a bin without counts, or begins with too few for a bin that has some, it
    /// goes on along softer counts. From a softness of 1 these lose sight of where they came from, from less they stay
    /// near.
    NUSCAN_HOST_DEVICE void descend_from(Real* here, double first_softness, const Mask<Real>& searching,
                                         Mask<Real>& lower, Mask<Real>& is_convex) {
        using std::fma;
        const Real before = best.chi2;
        const Descent<Real> found = descend<Lanes>(s, at, 0., !searching, here);
        take(here, found.fit.chi2, found.fit.converged, searching);
        is_convex = found.is_convex;
        const Mask<Real> is_infinite = found.fit.chi2 >= Real(constants::infinity);
        const Mask<Real> rough = searching && (!found.fit.converged || found.below_zero || is_infinite);
        best.at_kink = best.at_kink || rough;
        if (any(rough)) {
            follow(here, first_softness, found.fit.chi2, rough);
        }
        lower = searching && best.chi2 < fma(Real(-1e-9), before, before) - Real(1e-8);
    }

    //! Keeps what is lower. What is lower by rounding alone does not change whether it is known to be a minimum.
    NUSCAN_HOST_DEVICE void take(const Real* there, const Real& chi2, const Mask<Real>& converged,
                                 const Mask<Real>& searching) {
        using std::fma;
        const Real rounding = fma(Real(1e-12), best.chi2, Real(1e-9));
        const Mask<Real> lower = searching && !(chi2 >= best.chi2);
        const Mask<Real> clearly_lower = searching && !(chi2 >= best.chi2 - rounding);
        const Mask<Real> as_low = searching && chi2 <= best.chi2 + rounding;
        best.converged = (best.converged && !clearly_lower) || (converged && as_low);
        best.chi2 = select(lower, chi2, best.chi2);
        for (int k = 0; k < s.n_pulls; ++k) {
            z[k] = select(lower, there[k], z[k]);
        }
    }

private:
    static constexpr double fading = 0.1; // of softness, step by step

    /// Along minima of softer counts of bins that have none, and on to a softness of zero: pulls are smooth functions
    /// of it, a line or a parabola through the last ones. \p hard is χ² where the path begins.
    NUSCAN_HOST_DEVICE void follow(Real* here, double first_softness, const Real& hard, const Mask<Real>& followed) {
        using std::fma;
        Real last[2][max_systematics], beyond[max_systematics], chi2(0);
        Mask<Real> converged = Real(1) < Real(0);
        for (int k = 0; k < s.n_pulls; ++k) {
            last[1][k] = here[k];
        }
        for (double softness = first_softness; softness > 0.5 * least_softness; softness *= fading) {
            for (int k = 0; k < s.n_pulls; ++k) {
                last[0][k] = last[1][k];
                last[1][k] = here[k];
            }
            const PoissonFit<Real> soft = descend<Lanes>(s, at, softness, !followed, here).fit;
            converged = soft.converged;
            chi2 = soft.chi2;
        }
        // What Newton's steps could not leave is the minimum if that of softened counts is no lower.
        best.converged = best.converged || (followed && converged && best.chi2 >= hard && hard <= chi2 &&
                                            chi2 - hard < fma(Real(1e-5), hard, Real(1e-5)));
        ShapeWeights<Real> shapes;
        take(here, pulled_total<Lanes>(s, at, here, shapes), converged, followed);
        for (const bool is_parabola : {false, true}) {
            for (int k = 0; k < s.n_pulls; ++k) {
                const Real line = fma(Real(1. / 9), here[k] - last[1][k], here[k]);
                const Real line_before = fma(Real(1. / 9), last[1][k] - last[0][k], last[1][k]);
                const Real there = is_parabola ? fma(Real(1. / 99), line - line_before, line) : line;
                beyond[k] = s.pins[k] >= 0 ? here[k] : min(Real(s.high[k]), max(Real(s.low[k]), there));
            }
            take(beyond, pulled_total<Lanes>(s, at, beyond, shapes), converged, followed);
        }
    }
};

//! Thirty-two bits that any change of \p i or \p k changes half of
NUSCAN_HOST_DEVICE constexpr unsigned scattered_bits(unsigned i, unsigned k) {
    unsigned bits = (i + 1) * 0x9E3779B1u + (k + 1) * 0x62B6B1DBu;
    bits = (bits ^ (bits >> 15)) * 0x85EBCA77u;
    bits = (bits ^ (bits >> 13)) * 0xC2B2AE3Du;
    return bits ^ (bits >> 16);
}

/// Place \p i of pull \p k among those scattered over where χ² may have another minimum, in standard deviations: as a
/// minimum there has a prior of less than the \p chi2 of the one that is known, it is nearer than √χ².
template <class Real>
NUSCAN_HOST_DEVICE Real scattered_place(int i, int k, bool is_shape, const Real& chi2) {
    using std::sqrt;
    constexpr double normalisation = 1.5, near = 4, far = 12, most = 1e4;
    const unsigned bits = scattered_bits(static_cast<unsigned>(i), static_cast<unsigned>(k));
    const double part = (bits >> 16) * (2. / 65536) - 1; // −1 to 1
    if (!is_shape || bits % 4 == 0) {
        return Real(normalisation * part);
    }
    if (bits % 4 < 3) {
        return Real((bits % 4 == 1 ? near : far) * part);
    }
    return Real(part) * min(Real(most), max(Real(far), Real(0.5) * sqrt(chi2)));
}

} // namespace detail

/// The smallest χ² over the pulls, which \p z receives.
///
/// χ² is convex in normalisations, in which predictions are linear, kinks of max(0, N) included, and what is found is
/// the minimum that descends from nominal. Shapes that are not linear, or are those of a component whose normalisation
/// is pulled too, may make several. Where they can (SystematicsView), and at points whose descent shows it, which ends
/// in a kink, at a bound, without a component, with a shape more than three standard deviations away or at a χ² above
/// 20 plus 5 a bin, descents follow from twenty scattered places, then from the lowest minimum with one shape at −3,
/// −1, 1 or 3 standard deviations, until none of these leads to a lower one. A descent that merely meets a Hessian that
/// is not positive is followed by those from −1 and 1.
template <class Lanes, class Columns>
NUSCAN_HOST_DEVICE PulledFit<typename Lanes::Point> systematics_fit(const SystematicsView& s, const Columns& at,
                                                                    typename Lanes::Point* z) {
    using Real = typename Lanes::Point;
    constexpr int n_scattered = 20, n_rounds = 4, n_sides = 4;
    constexpr double far = 3, nearby = 1e-2; // standard deviations; softness
    constexpr double gone = -0.9;            // of a component, which then has no shape either
    const int K = s.n_pulls;
    const Mask<Real> none = Real(1) < Real(0);
    const auto within = [&](int k, const Real& value) { return min(Real(s.high[k]), max(Real(s.low[k]), value)); };
    const auto sigma = [&](int k) { return s.prior_weights[k] > 0 ? 1 / std::sqrt(s.prior_weights[k]) : 1; };
    double large_chi2 = 20;
    for (int e = 0; e < s.n_experiments; ++e) {
        large_chi2 += 5 * s.experiments[e].n_bins;
    }
    Real here[max_systematics] = {};
    int shape_pulls[max_systematics] = {}, n_shapes = 0, n_fitted = 0;
    for (int k = 0; k < K; ++k) {
        const bool is_fitted = s.pins[k] < 0;
        here[k] = z[k] = is_fitted ? within(k, Real(0)) : Real(at(s.pins[k]));
        n_fitted += is_fitted ? 1 : 0;
        if (is_fitted && detail::is_shape(s, k)) {
            shape_pulls[n_shapes++] = k;
        }
    }
    detail::LowestMinimum<Lanes, Columns> lowest{s, at, z, {{Real(constants::infinity), none}, none}};
    if (n_fitted == 0) {
        detail::ShapeWeights<Real> shapes;
        lowest.take(here, detail::pulled_total<Lanes>(s, at, here, shapes), !none, !none);
        return lowest.best;
    }
    const int n_moves = n_sides * n_shapes, n_starts = n_shapes > 0 ? 1 + n_scattered + n_rounds * n_moves : 1;
    Mask<Real> wide = !none, near = none, is_lower = none, lower, is_convex; // who searches
    for (int start = 0; start < n_starts && any(wide || near); ++start) {
        const int move = start - 1 - n_scattered, side = move % n_sides;
        if (move > 0 && move % n_moves == 0) {
            wide = wide && is_lower;
            near = near && is_lower;
            is_lower = none;
        }
        const Mask<Real> searching = move >= 0 && side < 2 ? wide || near : wide;
        if (!any(searching)) {
            continue;
        }
        for (int k = 0; k < K && start > 0; ++k) {
            here[k] = z[k];
            if (move < 0 && s.pins[k] < 0) {
                here[k] = within(k, Real(sigma(k)) *
                                        detail::scattered_place(start, k, detail::is_shape(s, k), lowest.best.chi2));
            }
        }
        if (move >= 0) {
            const int k = shape_pulls[move % n_moves / n_sides];
            here[k] = within(k, Real((side < 2 ? 1 : 3) * (side % 2 == 0 ? sigma(k) : -sigma(k))));
        }
        lowest.descend_from(here, start == 0 ? 1 : nearby, searching, lower, is_convex);
        if (move >= 0) {
            is_lower = is_lower || lower;
        }
        if (start == 0 && !s.several_minima) {
            wide = lowest.best.at_kink || lowest.best.chi2 > Real(large_chi2);
            for (int k = 0; k < K; ++k) {
                const bool is_shape = detail::is_shape(s, k);
                const Mask<Real> is_far = Real(is_shape ? s.prior_weights[k] : 0) * z[k] * z[k] > Real(far * far);
                const Mask<Real> is_gone = z[k] <= (is_shape ? Real(s.low[k]) : max(Real(gone), Real(s.low[k])));
                wide = s.pins[k] < 0 ? wide || is_far || is_gone || z[k] >= Real(s.high[k]) : wide;
            }
            near = !is_convex;
        }
    }
    return lowest.best;
}

} // namespace nuscan
