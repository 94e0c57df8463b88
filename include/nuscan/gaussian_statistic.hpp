// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>

#include "nuscan/statistic.hpp"

/// χ² of counts with Gaussian errors, minimised over the normalisations of backgrounds.
///
/// With pulls N_b = N0_b + Σ_k ξ_k B_kb, minimising Σ_b ((N_b − n_b)/σ_b)² + Σ_k (ξ_k/σ_k)² over all real ξ gives
///
///     χ² = rᵀ V⁻¹ r,   r_b = N0_b − n_b,   V = diag(σ_b²) + Σ_k σ_k² B_k B_kᵀ,
///
/// so that no pull is left to a point. A free normalisation is the limit σ_k → ∞, in which V⁻¹ no longer sees B_k.
/// Where errors are correlated their covariance stands in place of diag(σ_b²).
///
/// The normalisation of the signal belongs to the point: with s = W S, WᵀW = V⁻¹, the best ξ of the whitened residuals
/// r + ξ s and the prior (ξ/σ)² is −r·s/(s·s + 1/σ²).
namespace nuscan {

/// The whitening matrix W of an experiment, WᵀW = V⁻¹, and what it has been applied to.
///
/// W = (1 − Σ_j c_j q_j q_jᵀ) R with R = diag(1/σ_b), or the inverse of Cholesky's factor of the covariance. The
/// orthonormal q_j span the backgrounds that pulls move, in units of the errors, R B_k, so that independent errors need
/// n_bins × n_directions numbers and not n_bins². c_j = 1 takes a direction out altogether.
struct GaussianView {
    int n_bins; //!< zero where the experiment's statistic is another
    const double* counts;
    int root_width;           //!< how many numbers of R a row has, up to the diagonal: 1, or n_bins with a covariance
    const double* root;       //!< n_bins × root_width, zero where the row has fewer
    int n_directions;         //!< max_pulls at most
    const double* directions; //!< q_jb, n_directions × n_bins
    const double* shrinkages; //!< c_j
    const double* moments;    //!< W M_f: n_features × n_bins
    const double* residuals;  //!< −W n: whitened residuals of no prediction at all
    double signal_weight;     //!< 1/σ² of the pull on the signal; +inf where there is none
    double signal_origin = 1; //!< normalisation of that signal about which a collapsed χ² is expanded: 0 or 1
};

//! (R x)_b: in units of the errors
template <class X>
NUSCAN_HOST_DEVICE double in_errors(const GaussianView& s, const X& x, int b) {
    const int first = b + 1 - s.root_width;
    const double* row = s.root + static_cast<std::ptrdiff_t>(b) * s.root_width;
    double sum = 0;
    for (int c = first > 0 ? first : 0; c <= b; ++c) {
        sum = std::fma(row[c - first], x(c), sum);
    }
    return sum;
}

//! x ← W x
NUSCAN_HOST_DEVICE inline void whiten(const GaussianView& s, double* x) {
    const auto at = [x](int b) { return x[b]; };
    for (int b = s.n_bins; b-- > 0;) { // R is triangular: no row needs what has been replaced
        x[b] = in_errors(s, at, b);
    }
    for (int j = 0; j < s.n_directions; ++j) {
        const double* q = s.directions + static_cast<std::ptrdiff_t>(j) * s.n_bins;
        double along = 0;
        for (int b = 0; b < s.n_bins; ++b) {
            along = std::fma(q[b], x[b], along);
        }
        for (int b = 0; b < s.n_bins; ++b) {
            x[b] = std::fma(-s.shrinkages[j] * along, q[b], x[b]);
        }
    }
}

//! Sums of whitened vectors over bins, b by b, without a place to keep them
template <class X>
struct Whitened {
    const GaussianView& s;
    const X& x; //!< b → x_b
    double along[max_pulls] = {};

    NUSCAN_HOST_DEVICE Whitened(const GaussianView& view, const X& of) : s(view), x(of) {
        for (int b = 0; b < s.n_bins; ++b) {
            const double x_b = s.n_directions > 0 ? in_errors(s, x, b) : 0;
            for (int j = 0; j < s.n_directions; ++j) {
                along[j] = std::fma(s.directions[static_cast<std::ptrdiff_t>(j) * s.n_bins + b], x_b, along[j]);
            }
        }
    }
    NUSCAN_HOST_DEVICE double operator()(int b) const {
        double w = in_errors(s, x, b);
        for (int j = 0; j < s.n_directions; ++j) {
            const double q = s.directions[static_cast<std::ptrdiff_t>(j) * s.n_bins + b];
            w = std::fma(-s.shrinkages[j] * along[j], q, w);
        }
        return w;
    }
};

/// The smallest Σ_b (r_b + ξ s_b)² + w ξ² over all real ξ, from whitened residuals and signals, and that ξ.
///
/// Summed twice, as r·r − (r·s)²/(s·s + w) would lose what a pull takes up.
template <class Real, class Residual, class Signal>
NUSCAN_HOST_DEVICE Real signal_pulled_sum(const Residual& r, const Signal& s, int n_bins, double weight, Real& xi) {
    using std::fma;
    Real rs(0), ss(weight);
    for (int b = 0; b < n_bins; ++b) {
        const Real s_b = s(b);
        rs = fma(r(b), s_b, rs);
        ss = fma(s_b, s_b, ss);
    }
    xi = select(ss > Real(0), -rs / select(ss > Real(0), ss, Real(1)), Real(0)); // 0/0: no signal and no prior
    Real chi2 = Real(weight) * xi * xi;
    for (int b = 0; b < n_bins; ++b) {
        const Real pulled = fma(xi, s(b), r(b));
        chi2 = fma(pulled, pulled, chi2);
    }
    return chi2;
}

/// χ² of predictions that are not whitened. \p N0(b) gives those of bin b, all normalisations nominal; \p signals of
/// them is null where no pull acts on it. \p signal_xi receives that pull.
template <class Prediction>
NUSCAN_HOST_DEVICE double gaussian_chi2(const Prediction& N0, const double* signals, const GaussianView& s,
                                        double* signal_xi = nullptr) {
    const auto residual = [&](int b) { return N0(b) - s.counts[b]; };
    const Whitened r(s, residual);
    if (signals == nullptr) {
        double chi2 = 0;
        for (int b = 0; b < s.n_bins; ++b) {
            const double r_b = r(b);
            chi2 = std::fma(r_b, r_b, chi2);
        }
        return chi2;
    }
    const auto signal = [&](int b) { return signals[b]; };
    double xi;
    const double chi2 = signal_pulled_sum(r, Whitened(s, signal), s.n_bins, s.signal_weight, xi);
    if (signal_xi != nullptr) {
        *signal_xi = xi;
    }
    return chi2;
}

//! χ² at points of a row whose columns are whitened: \p at.residual(b) and \p at.signal(b)
template <class Real, class Row>
NUSCAN_HOST_DEVICE Real signal_pulled_chi2(const Row& at, int n_bins, double weight) {
    Real xi;
    return signal_pulled_sum([&](int b) { return at.residual(b); }, [&](int b) { return at.signal(b); }, n_bins, weight,
                             xi);
}

/// Whitened residuals of a bin along a row: a_b + b_b u + c_b v. Adds their squares to χ² of \p n points at a time, so
/// that coefficients are read once for all of them and their sums run side by side.
///
/// \p row points to a_b of the first bin, coefficients of one kind lying \p stride apart.
template <int n, class Real>
NUSCAN_HOST_DEVICE void add_squares(const double* row, std::ptrdiff_t stride, int n_bins, const Real* u, const Real* v,
                                    Real* chi2) {
    using std::fma;
    for (int b = 0; b < n_bins; ++b) {
        const Real a(row[b]), by_u(row[stride + b]), by_v(row[2 * stride + b]);
        for (int i = 0; i < n; ++i) {
            const Real r = fma(by_v, v[i], fma(by_u, u[i], a));
            chi2[i] = fma(r, r, chi2[i]);
        }
    }
}

} // namespace nuscan
