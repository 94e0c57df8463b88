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
namespace nuscan {

/// The whitening matrix W of an experiment, WᵀW = V⁻¹, and what it has been applied to.
///
/// W = (1 − Σ_j c_j q_j q_jᵀ) diag(1/σ_b): the orthonormal q_j span the backgrounds that pulls move, in units of the
/// errors, so that W needs n_bins × n_directions numbers and not n_bins². c_j = 1 takes a direction out altogether.
struct GaussianView {
    int n_bins; //!< zero where the experiment's statistic is another
    const double* counts;
    const double* inverse_errors; //!< 1/σ_b
    int n_directions;             //!< max_pulls at most
    const double* directions;     //!< q_jb, n_directions × n_bins
    const double* shrinkages;     //!< c_j
    const double* moments;        //!< W M_f: n_features × n_bins
    const double* residuals;      //!< −W n: whitened residuals of no prediction at all
};

//! x ← W x
NUSCAN_HOST_DEVICE inline void whiten(const GaussianView& s, double* x) {
    for (int b = 0; b < s.n_bins; ++b) {
        x[b] *= s.inverse_errors[b];
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

/// |W (N0 − n)|² of predictions that are not whitened. \p N0(b) gives those of bin b, all backgrounds nominal.
template <class Prediction>
NUSCAN_HOST_DEVICE double gaussian_chi2(const Prediction& N0, const GaussianView& s) {
    const auto residual = [&](int b) { return (N0(b) - s.counts[b]) * s.inverse_errors[b]; };
    double along[max_pulls] = {};
    for (int b = 0; b < s.n_bins; ++b) {
        for (int j = 0; j < s.n_directions; ++j) {
            along[j] = std::fma(s.directions[static_cast<std::ptrdiff_t>(j) * s.n_bins + b], residual(b), along[j]);
        }
    }
    double chi2 = 0;
    for (int b = 0; b < s.n_bins; ++b) {
        double r = residual(b);
        for (int j = 0; j < s.n_directions; ++j) {
            const double q = s.directions[static_cast<std::ptrdiff_t>(j) * s.n_bins + b];
            r = std::fma(-s.shrinkages[j] * along[j], q, r);
        }
        chi2 = std::fma(r, r, chi2);
    }
    return chi2;
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
