// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/collapsed.hpp"

/// χ² of Gaussian experiments without their bins, where pulls act on signals.
///
/// The normalisation η of such a signal is eliminated at the point. Its prior w (η − 1)² is the square of one more
/// bin's residual: about an origin η₀ of its own, with the whitened signal s and the residuals r at η = 1,
///
///     χ² = min_ζ |x + ζ s|² = x·x − (x·s)²/s·s,   x = (r − (1 − η₀) s, −(1 − η₀) √w),   s = (s, √w),   η = η₀ + ζ.
///
/// x·x of all experiments, pulled or not, is the one form as before; x·s and s·s of each pulled signal are two more.
///
/// What is lost: |x| and |s| standing for sums of norms as there and ρ for the rounding, x·s is off by δ <= ρ|x||s| and
/// s·s by δ' <= ρ|s|², hence (x·s)²/s·s by no more than (2|ζ|δ + ζ²δ' + δ²/s·s)/(1 − δ'/s·s). Where 16 ρ|s|² <= s·s,
/// that and what x·x is off by make no more than 16/15 ρ (|x| + Σ |ζ||s|)².
namespace nuscan {

//! Signals with a pull that a collapsed χ² can have: there is memory for their numbers of a row
inline constexpr int max_collapsed_signals = 4;
//! What a plane leaves of each, after what it leaves of the bins: the form x·s, the form s·s and the norms of the s_ij
inline constexpr int n_collapsed_signal = n_form + n_collapsed;
//! What a row needs of each: coefficients of x·s, those of s·s, and norms
inline constexpr int n_row_signal = n_products + n_row_numbers;

//! Rounding of χ², as a part of (|x| + Σ |ζ||s|)²: six roundings more, for the division, the square and the differences
NUSCAN_HOST_DEVICE inline double pulled_rounding(int n_bins) {
    return 16. / 15 * (collapsed_rounding(n_bins) + 6.6e-16);
}
//! Norms of a row with signals are in this unit, in which 16 ρ|s|² <= s·s is |s|² <= s·s
NUSCAN_HOST_DEVICE inline double pulled_size_unit(int n_bins) { return 4 * std::sqrt(pulled_rounding(n_bins)); }

//! How many signals pulls act on
NUSCAN_HOST_DEVICE constexpr int n_pulled_signals(const PlanView& plan) {
    int n = 0;
    for (int e = 0; e < plan.n_experiments; ++e) {
        n += plan.experiments[e].has_signal_column() ? 1 : 0;
    }
    return n;
}

//! The experiment of pulled signal \p i
NUSCAN_HOST_DEVICE constexpr const ExperimentView& pulled_experiment(const PlanView& plan, int i) {
    const ExperimentView* x = plan.experiments;
    while (!x->has_signal_column() || i-- > 0) {
        ++x;
    }
    return *x;
}

//! All numbers that a plane leaves
NUSCAN_HOST_DEVICE constexpr int n_plane_numbers(const PlanView& plan) {
    return n_collapsed + n_pulled_signals(plan) * n_collapsed_signal;
}

/// Where a pull acts on the signal of bin \p b leaves x in place of r, both columns being centred.
NUSCAN_HOST_DEVICE inline void move_bin(const PlanView& plan, double* plane, int b) {
    const ExperimentView& x = experiment_of(plan, b);
    for (int i = 0; x.has_signal_column() && i < n_plane_coefficients; ++i) {
        double* c = plane + static_cast<std::ptrdiff_t>(i) * plan.n_columns;
        c[b] = std::fma(x.gaussian.signal_origin - 1, c[x.first_signal + b - x.first_bin], c[b]);
    }
}

/// Number \p i of those of a plane's signals, in turn. What priors add to the constants is left to the rows.
NUSCAN_HOST_DEVICE inline double signal_number(const PlanView& plan, const double* plane, int i) {
    const ExperimentView& e = pulled_experiment(plan, i / n_collapsed_signal);
    const int k = i % n_collapsed_signal;
    const auto dot = [&](int p, int first_p, int q, int first_q) {
        return sum_products(plane + static_cast<std::ptrdiff_t>(p) * plan.n_columns + first_p,
                            plane + static_cast<std::ptrdiff_t>(q) * plan.n_columns + first_q, e.n_bins);
    };
    if (k < n_form) {
        const auto along = [&](int p, int q) {
            return 0.5 * (dot(p, e.first_bin, q, e.first_signal) + dot(q, e.first_bin, p, e.first_signal));
        };
        return form_number(along, k);
    }
    const auto square = [&](int p, int q) { return dot(p, e.first_signal, q, e.first_signal); };
    return form_number(square, k - n_form);
}

//! Number \p i of all that a plane leaves
NUSCAN_HOST_DEVICE inline double plane_number(const PlanView& plan, const double* plane, int i) {
    return i < n_collapsed ? collapsed_number(plan, plane, i) : signal_number(plan, plane, i - n_collapsed);
}

//! Number \p i of those of a row's signals, in turn, from the numbers of its plane; norms are in their unit
NUSCAN_HOST_DEVICE inline double signal_row_number(const PlanView& plan, const double* plane, const AxisFactors& row,
                                                   int i) {
    const GaussianView& g = pulled_experiment(plan, i / n_row_signal).gaussian;
    const double* along = plane + n_collapsed + i / n_row_signal * n_collapsed_signal;
    const double *square = along + n_form, w = g.signal_weight;
    const bool linear = axis_shape(plan, plan.layout.line_axis) == AxisShape::linear;
    const auto number = [&](const double* form, int k) { // with v = u² on a linear axis, as in collapsed_row()
        const bool merged = linear && k == 2, moved = linear && k > 2 && k + 1 < n_products;
        const double first = collapsed_row_number(form, row, moved ? k + 1 : k);
        return merged ? first + collapsed_row_number(form, row, 3) : first;
    };
    const int k = i % n_row_signal;
    if (k < n_products) {
        return number(along, k) + (k == 0 ? w * (g.signal_origin - 1) : 0);
    }
    if (k < 2 * n_products) {
        return number(square, k - n_products) + (k == n_products ? w : 0);
    }
    const double norm = collapsed_row_number(square, row, k - n_products);
    return pulled_size_unit(plan.n_bins) * (norm + (k == 2 * n_products ? std::sqrt(w) : 0));
}

/// χ² along a row with signals that pulls act on.
struct PulledRow {
    CollapsedRow bins;     //!< of x·x; it reaches nowhere, as ζ is each point's own
    const double* signals; //!< n_row_signal numbers each
    int n_signals;
};

//! \p numbers are those of all bins, then of the signals; they stay where they are
NUSCAN_HOST_DEVICE inline PulledRow pulled_row(const PlanView& plan, const double* numbers, double penalty) {
    double priors = 0, size = 0;
    for (int e = 0; e < plan.n_experiments; ++e) {
        const GaussianView& g = plan.experiments[e].gaussian;
        const double from_nominal = 1 - g.signal_origin;
        priors += plan.experiments[e].has_signal_column() ? g.signal_weight * from_nominal * from_nominal : 0;
    }
    PulledRow row{collapsed_row(plan, numbers, penalty + priors), numbers + n_row_numbers, n_pulled_signals(plan)};
    row.bins.norm[0] += std::sqrt(priors);
    row.bins.reach = -1;
    for (double& norm : row.bins.norm) {
        norm *= pulled_size_unit(plan.n_bins);
    }
    for (int i = 0; i < row.n_signals * n_row_signal; ++i) {
        size += std::fabs(row.signals[i]);
    }
    row.bins.finite = row.bins.finite && size < constants::infinity;
    return row;
}

template <class Real>
struct PulledChi2 {
    Real value;
    Mask<Real> precise; //!< else the point is to be done from its bins
};

//! χ² at a point of a row by its forms. Without signal and prior it is 0/0, and left to the bins.
template <AxisShape shape, class Real>
NUSCAN_HOST_DEVICE PulledChi2<Real> pulled_chi2(const PulledRow& row, const Real& u, const Real& v) {
    using std::fabs, std::fma;
    PulledChi2<Real> chi2{form_at<shape>(row.bins.k, u, v), Real(0) < Real(1)};
    Real size = size_at(row.bins.norm, u, v);
    for (int i = 0; i < row.n_signals; ++i) {
        const double* signal = row.signals + static_cast<std::ptrdiff_t>(i) * n_row_signal;
        const Real along = form_at<shape>(signal, u, v), square = form_at<shape>(signal + n_products, u, v);
        const Real size_of_signal = size_at(signal + 2 * n_products, u, v);
        const Real shift = along / square; // −ζ
        chi2.value = fma(-shift, along, chi2.value);
        size = fma(fabs(shift), size_of_signal, size);
        chi2.precise = chi2.precise && size_of_signal * size_of_signal <= square;
    }
    const Real most = fma(Real(16 * collapsed_relative_tolerance), chi2.value, Real(16 * collapsed_tolerance));
    chi2.precise = chi2.precise && size * size <= most;
    return chi2;
}

/// The same from its bins; \p column(c) are the point's own, of a plane that is centred.
template <class Real, class Column>
NUSCAN_HOST_DEVICE Real uncollapsed_pulled_chi2(const PlanView& plan, const Column& column) {
    using std::fma;
    Real chi2(0);
    for (int e = 0; e < plan.n_experiments; ++e) {
        const ExperimentView& x = plan.experiments[e];
        if (x.has_signal_column()) {
            const auto s = [&](int b) { return column(x.first_signal + b); };
            const auto r = [&](int b) {
                return fma(Real(1 - x.gaussian.signal_origin), s(b), column(x.first_bin + b));
            };
            Real xi;
            chi2 = chi2 + signal_pulled_sum(r, s, x.n_bins, x.gaussian.signal_weight, xi);
            continue;
        }
        for (int b = 0; b < x.n_bins; ++b) {
            const Real r = column(x.first_bin + b);
            chi2 = fma(r, r, chi2);
        }
    }
    return chi2;
}

} // namespace nuscan
