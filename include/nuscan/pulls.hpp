// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "nuscan/constants.hpp"
#include "nuscan/lanes.hpp"

/// Several pulls of one experiment at once: the minimum of Poisson's χ² over them.
namespace nuscan {

//! Normalisations of one experiment that are profiled, at most
inline constexpr int max_pulls = 16;

/// What is profiled at every point: N_b(ξ) = N0_b + Σ_k ξ_k (B_kb + w_kb S_b), with (ξ_k/σ_k)² added to χ².
///
/// B_kb is a background, nominal and already inside N0; S_b the signal of the point itself, so that a pull with w = 1
/// is that of its normalisation. All ξ_k >= −1.
struct PullsView {
    int n_pulls;
    int n_signal_pulls;           //!< the last ones, which have weights w
    const double* templates;      //!< B_kb, n_pulls × n_bins
    const double* signal_weights; //!< w_kb, n_signal_pulls × n_bins
    const double* sigmas;         //!< σ_k, relative; +inf for a free normalisation
};

namespace detail {

//! A symmetric matrix of the pulls by its lower triangle, row by row
template <class Real, int size = max_pulls>
struct PullMatrix {
    Real entries[size * (size + 1) / 2];

    NUSCAN_HOST_DEVICE Real& operator()(int k, int l) { return entries[k * (k + 1) / 2 + l]; }
    NUSCAN_HOST_DEVICE const Real& operator()(int k, int l) const { return entries[k * (k + 1) / 2 + l]; }
};

/// An experiment at one point or several, as its pulls see it.
///
/// \p N0(b) gives the prediction of bin b with all pulls at zero, \p N0.signal(b) the part of it that is signal.
template <class Lanes, class Prediction>
struct PulledBins {
    using Point = typename Lanes::Point;
    using Bin = typename Lanes::Bin;
    const Prediction& N0;
    const PullsView& pulls;
    int n_bins;

    //! B_kb + w_kb S_b of all pulls to \p B
    NUSCAN_HOST_DEVICE void templates(int b, Bin* B) const {
        using std::fma;
        const int first_signal = pulls.n_pulls - pulls.n_signal_pulls;
        for (int k = 0; k < pulls.n_pulls; ++k) {
            B[k] = row_of(pulls.templates, k, b);
        }
        if (pulls.n_signal_pulls > 0) {
            const Bin S = N0.signal(b);
            for (int j = 0; j < pulls.n_signal_pulls; ++j) {
                Bin& B_j = B[first_signal + j];
                B_j = fma(row_of(pulls.signal_weights, j, b), S, B_j);
            }
        }
    }
    //! Σ_k x_k B_k, added to \p N
    NUSCAN_HOST_DEVICE Bin moved(Bin N, const Bin* B, const Point* x) const {
        using std::fma;
        for (int k = 0; k < pulls.n_pulls; ++k) {
            N = fma(Bin(x[k]), B[k], N);
        }
        return N;
    }
    //! N_b(ξ), never below zero
    NUSCAN_HOST_DEVICE Bin at(int b, const Point* xi) const {
        Bin B[max_pulls];
        templates(b, B);
        return max(Bin(0), moved(N0(b), B, xi));
    }

private:
    //! Of numbers by pull and bin
    NUSCAN_HOST_DEVICE Bin row_of(const double* numbers, int k, int b) const {
        return Lanes::load(numbers + static_cast<std::ptrdiff_t>(k) * n_bins + b, n_bins - b);
    }
};

//! Predictions are not divided by less.
inline constexpr double least_prediction = 1e-100;

/// Half of the gradient and of the Hessian of χ² at \p xi; sums over bins stay in their lanes.
template <class Lanes, class Prediction>
NUSCAN_HOST_DEVICE void pull_derivatives(const PulledBins<Lanes, Prediction>& bins, const double* counts,
                                         const typename Lanes::Point* xi, typename Lanes::Bin* g,
                                         PullMatrix<typename Lanes::Bin>& H) {
    using std::fma;
    using Bin = typename Lanes::Bin;
    const int K = bins.pulls.n_pulls;
    for (int k = 0; k < K; ++k) {
        const typename Lanes::Point weight(1 / (bins.pulls.sigmas[k] * bins.pulls.sigmas[k]));
        g[k] = Lanes::first(weight * xi[k]);
        for (int l = 0; l <= k; ++l) {
            H(k, l) = k == l ? Lanes::first(weight) : Bin(0);
        }
    }
    for (int b = 0; b < bins.n_bins; b += Lanes::width) {
        Bin B[max_pulls];
        bins.templates(b, B);
        const Bin n = Lanes::load(counts + b, bins.n_bins - b);
        if (!any(n > Bin(0))) {
            for (int k = 0; k < K; ++k) {
                g[k] = g[k] + B[k];
            }
            continue;
        }
        const Bin inverse = Bin(1) / max(Bin(least_prediction), bins.moved(bins.N0(b), B, xi));
        // Rounding of the residual is the same for all pulls: it moves bins, which data hold fast, and no combination
        // of pulls that these do not tell apart, which the priors alone do.
        const Bin residual = fma(-n, inverse, Bin(1));
        Bin part[max_pulls]; // of the prediction
        for (int k = 0; k < K; ++k) {
            part[k] = B[k] * inverse;
            const Bin weighted = n * part[k];
            g[k] = fma(B[k], residual, g[k]);
            for (int l = 0; l <= k; ++l) {
                H(k, l) = fma(weighted, part[l], H(k, l));
            }
        }
    }
}

//! The same, added up
template <class Lanes, class Prediction>
NUSCAN_HOST_DEVICE void total_derivatives(const PulledBins<Lanes, Prediction>& bins, const double* counts,
                                          const typename Lanes::Point* xi, typename Lanes::Point* g,
                                          PullMatrix<typename Lanes::Point>& H) {
    if constexpr (Lanes::width == 1) {
        pull_derivatives(bins, counts, xi, g, H);
    } else {
        typename Lanes::Bin sums_of_g[max_pulls];
        PullMatrix<typename Lanes::Bin> sums_of_H;
        pull_derivatives(bins, counts, xi, sums_of_g, sums_of_H);
        for (int k = 0; k < bins.pulls.n_pulls; ++k) {
            g[k] = Lanes::total(sums_of_g[k]);
            for (int l = 0; l <= k; ++l) {
                H(k, l) = Lanes::total(sums_of_H(k, l));
            }
        }
    }
}

//! The largest parts of its prediction that a bin with counts would lose, and gain, by a step; zero where none does
template <class Real>
struct LargestChange {
    Real loss{0}, gain{0};
};
template <class Lanes, class Prediction>
NUSCAN_HOST_DEVICE LargestChange<typename Lanes::Point>
largest_change(const PulledBins<Lanes, Prediction>& bins, const double* counts, const typename Lanes::Point* xi,
               const typename Lanes::Point* d) {
    using Bin = typename Lanes::Bin;
    LargestChange<Bin> change;
    for (int b = 0; b < bins.n_bins; b += Lanes::width) {
        const Bin n = Lanes::load(counts + b, bins.n_bins - b);
        if (any(n > Bin(0))) {
            Bin B[max_pulls];
            bins.templates(b, B);
            const Bin N = max(Bin(least_prediction), bins.moved(bins.N0(b), B, xi));
            const Bin part = select(n > Bin(0), bins.moved(Bin(0), B, d) / N, Bin(0));
            change.loss = max(change.loss, -part);
            change.gain = max(change.gain, part);
        }
    }
    return {Lanes::largest(change.loss), Lanes::largest(change.gain)};
}

/// d ← −H⁻¹ g of the pulls that are free, by Cholesky's decomposition in place of \p H; zero of the others. Returns the
/// square of the Newton decrement, −g·d.
template <class Real, int size>
NUSCAN_HOST_DEVICE Real newton_step(int K, PullMatrix<Real, size>& H, const Real* g, const Mask<Real>* free, Real* d) {
    using std::fma;
    using std::sqrt;
    // Rows and columns of pulls that are not free are those of the unit matrix. Where the data do not tell combinations
    // of templates apart, pivots stay above rounding; a template without counts and prior steps as far as it can.
    for (int k = 0; k < K; ++k) {
        const Real least = max(Real(1e-13) * H(k, k), Real(1e-30));
        for (int l = 0; l <= k; ++l) {
            Real sum = select(free[k] && free[l], H(k, l), Real(k == l ? 1 : 0));
            for (int m = 0; m < l; ++m) {
                sum = fma(-H(k, m), H(l, m), sum);
            }
            H(k, l) = k == l ? sqrt(max(least, sum)) : sum / H(l, l);
        }
    }
    for (int k = 0; k < K; ++k) {
        d[k] = select(free[k], -g[k], Real(0));
        for (int m = 0; m < k; ++m) {
            d[k] = fma(-H(k, m), d[m], d[k]);
        }
        d[k] = d[k] / H(k, k);
    }
    Real decrement(0);
    for (int k = K; k-- > 0;) {
        for (int m = k + 1; m < K; ++m) {
            d[k] = fma(-H(m, k), d[m], d[k]);
        }
        d[k] = select(free[k], d[k] / H(k, k), Real(0));
        decrement = fma(-g[k], d[k], decrement);
    }
    return decrement;
}

/// Minimises Poisson's χ² over ξ_k >= −1, from ξ = 0, by damped Newton steps in the pulls that are free to move.
///
/// χ² is convex in ξ. Along a step d no bin with counts loses more than the part ρ of its prediction, and so the
/// curvature at t d is at most 1/(1 − tρ)² of that at its beginning: the step of length t = 1/(1 + ρ) minimises the
/// parabola that this allows, stays at N > 0, always lowers χ², and near the minimum is Newton's own. A pull that
/// reaches the bound stops the step and stays there; once the others are at their minimum, the pull that is pressed
/// most against its gradient is let go. A step leaves of the decrement about the square of the largest part that a bin
/// gains or loses. Lanes that are done stand still.
template <class Lanes, class Prediction>
NUSCAN_HOST_DEVICE Mask<typename Lanes::Point> minimise_pulls(const Prediction& N0, const double* counts, int n_bins,
                                                              const PullsView& pulls, typename Lanes::Point* xi) {
    using std::fma;
    using Real = typename Lanes::Point;
    const Real bound(-1), zero(0);
    const PulledBins<Lanes, Prediction> bins{N0, pulls, n_bins};
    const int K = pulls.n_pulls;
    Mask<Real> free[max_pulls], done = Real(K == 0 ? 0 : 1) <= zero;
    for (int k = 0; k < K; ++k) {
        xi[k] = zero;
        free[k] = !done;
    }
    for (int iteration = 0; iteration < 300 && !all(done); ++iteration) {
        Real g[max_pulls], d[max_pulls], curvature[max_pulls];
        PullMatrix<Real> H;
        total_derivatives(bins, counts, xi, g, H);
        for (int k = 0; k < K; ++k) {
            curvature[k] = H(k, k);
        }
        const Real decrement = newton_step(K, H, g, free, d);
        const LargestChange<Real> change = largest_change(bins, counts, xi, d);
        Real length = Real(1) / (Real(1) + change.loss);
        Mask<Real> hits = Real(1) < zero;
        Real reach[max_pulls]; // how much of the step there is to the bound
        for (int k = 0; k < K; ++k) {
            const Mask<Real> falls = free[k] && d[k] < zero;
            reach[k] = select(falls, (bound - xi[k]) / select(falls, d[k], Real(-1)), Real(constants::infinity));
            hits = hits || reach[k] <= length;
            length = min(reach[k], length);
        }
        // NaN has no minimum: any ξ leaves χ² NaN.
        const Mask<Real> hopeless =
            !(decrement < Real(constants::infinity)) || !(change.loss < Real(constants::infinity));
        const Mask<Real> still = done || hopeless;
        const Real part = max(change.loss, change.gain);
        const Mask<Real> settled = !hits && (decrement < Real(1e-13) || decrement * part * part < Real(1e-15));
        Real press(1e-15); // what letting go would gain
        for (int k = 0; k < K; ++k) {
            const Real moved = max(bound, fma(length, d[k], xi[k]));
            const Mask<Real> stops = free[k] && reach[k] <= length;
            xi[k] = select(still, xi[k], select(stops, bound, moved));
            const Real gain = select(!free[k] && g[k] < zero, g[k] * g[k] / max(curvature[k], Real(1e-30)), zero);
            press = max(press, gain);
            reach[k] = gain;
            free[k] = free[k] && !stops;
        }
        Mask<Real> released = Real(1) < zero;
        for (int k = 0; k < K; ++k) {
            const Mask<Real> leaves = settled && !released && reach[k] >= press;
            free[k] = free[k] || leaves;
            released = released || leaves;
        }
        done = done || hopeless || (settled && !released);
    }
    return done;
}

} // namespace detail
} // namespace nuscan
