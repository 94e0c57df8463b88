// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "nuscan/features.hpp"
#include "nuscan/gaussian_statistic.hpp"
#include "nuscan/statistic.hpp"
#include "nuscan/systematics.hpp"

/// Binned predictions of a point, by the two routes that must agree: from features and moments, and directly from
/// C1, C2, C3 at every node of the response.
namespace nuscan {

/// One source seen through one channel on one kind of target (an atom's electrons, or one nuclide), as the direct
/// method sees it: quadrature nodes T_i in recoil energy, and in neutrino energy for each of them.
struct ContributionView {
    Beam beam;
    int interaction; //!< place in ParameterView::interactions
    int n_recoils;
    const double* recoil;       //!< T_i [MeV]
    const double* weight;       //!< n_recoils × (n_bins / n_inner_bins): R of the energy bins, × targets × live time
                                //!< × quadrature weight [s MeV]
    const BoundElectrons* atom; //!< n_recoils, of the electron target
    const NucleusAtRecoil* nucleus; //!< n_recoils, of the nuclear target
    const int* first_node;          //!< n_recoils + 1 offsets into the two arrays below
    const double* energy;           //!< E [MeV]
    const double* flux;             //!< flux × quadrature weight [cm^-2 s^-1]
    const double* share;            //!< n_bins: what part of the energy bin's counts falls into the bin (time, …)
};

/// An experiment: its features are those of its groups, in order, then one per background (its normalisation).
///
/// Bins are counted with the energy outermost: bin b belongs to energy bin b / n_inner_bins.
struct ExperimentView {
    int first_bin; //!< in the concatenated bins of all experiments
    int n_bins;
    int first_signal = -1;           //!< column of its first bin's signal, where pulls act on that; else −1
    bool pulled_with_others = false; //!< its χ² is that of PlanView::systematics, and StatisticView holds no pulls
    int n_inner_bins;                //!< bins in time and further variables within an energy bin
    int first_feature;               //!< in the concatenated features of all experiments
    int n_features;
    const FeatureGroup* groups;
    int n_groups;
    const double* moments;        //!< M_bf: n_features × n_bins
    Scalar signal_normalisation;  //!< 1, or the value of an axis, which is on no plane; 1 if pulled with others
    const Scalar* normalisations; //!< of backgrounds: 1, or the value of an axis
    int n_backgrounds;
    const ContributionView* contributions;
    int n_contributions;
    StatisticView statistic; //!< Poisson's; of a Gaussian experiment the counts alone
    GaussianView gaussian;

    NUSCAN_HOST_DEVICE constexpr bool is_gaussian() const { return gaussian.n_bins > 0; }
    NUSCAN_HOST_DEVICE constexpr bool has_signal_column() const { return first_signal >= 0; }
};

/// What is worked out at every point beside predictions: the signal of a bin, or the normalisation of a background or
/// the value of a pull that an axis or the scan gives.
struct ColumnView {
    int experiment;                //!< −1 but for a signal: the feature alone
    std::ptrdiff_t first_moment;   //!< of the bin, among the experiment's
    int first_feature, n_features; //!< among those of all experiments
    Scalar value;                  //!< of a feature alone
};

/// Everything a back end needs to evaluate points: plain numbers and pointers, on the host or on the device.
struct PlanView {
    ParameterView parameters;
    PlaneLayout layout;
    const ExperimentView* experiments;
    int n_experiments;
    int n_bins;                //!< of all experiments
    int n_columns;             //!< bins of all experiments, then signals, then what `columns` has beside them
    int n_signal_columns;      //!< the first of them
    const ColumnView* columns; //!< n_columns − n_bins
    int n_features;            //!< of all experiments, then of pulls that are not fitted
    int n_pins;                //!< these
    const Scalar* pins;        //!< their values
    int n_systematics;
    const SystematicsView* systematics; //!< of experiments whose pulls act together
};

//! Recoil nodes of the contribution that has most
NUSCAN_HOST_DEVICE constexpr int max_recoil_nodes(const PlanView& plan) {
    int most = 0;
    for (int e = 0; e < plan.n_experiments; ++e) {
        for (int c = 0; c < plan.experiments[e].n_contributions; ++c) {
            const int n = plan.experiments[e].contributions[c].n_recoils;
            most = n > most ? n : most;
        }
    }
    return most;
}

//! The experiment of a bin of all
NUSCAN_HOST_DEVICE constexpr const ExperimentView& experiment_of(const PlanView& plan, int bin) {
    const ExperimentView* x = plan.experiments;
    while (bin >= x->first_bin + x->n_bins) {
        ++x;
    }
    return *x;
}

NUSCAN_HOST_DEVICE constexpr AxisShape axis_shape(const PlanView& plan, int axis) {
    return axis < 0 ? AxisShape::linear : plan.parameters.axes[axis].shape;
}

/// Plane coefficients of all features: n_features × 9 numbers to \p out.
NUSCAN_HOST_DEVICE inline void plane_features(const PlanView& plan, const UnitView& unit, std::int64_t plane,
                                              double* out) {
    const PlaneLayout& layout = plan.layout;
    for (int i = 0; i < plan.n_features * n_plane_coefficients; ++i) {
        out[i] = 0;
    }
    const PlaneCouplings couplings = plane_couplings(plan.parameters, layout, unit, plane);
    const AxisShape line_shape = axis_shape(plan, layout.line_axis);
    const AxisShape row_shape = axis_shape(plan, layout.row_axis);
    for (int e = 0; e < plan.n_experiments; ++e) {
        const ExperimentView& experiment = plan.experiments[e];
        int feature = experiment.first_feature;
        const double signal = value_of(experiment.signal_normalisation, plan.parameters, unit, plane);
        for (int g = 0; g < experiment.n_groups; ++g) {
            const FeatureGroup& group = experiment.groups[g];
            for (int m = 0; m < n_feature_matrices; ++m) {
                feature_coefficients(plan.parameters, couplings, group, m, line_shape, row_shape,
                                     out + feature * n_plane_coefficients);
                feature += n_components(group.propagation);
            }
        }
        for (int i = experiment.first_feature * n_plane_coefficients; i < feature * n_plane_coefficients; ++i) {
            out[i] *= signal;
        }
        for (int k = 0; k < experiment.n_backgrounds; ++k, ++feature) {
            const Scalar& normalisation = experiment.normalisations[k];
            double* c = out + feature * n_plane_coefficients;
            if (!layout.spans(normalisation.axis)) {
                c[0] = value_of(normalisation, plan.parameters, unit, plane);
            } else if (normalisation.axis == layout.line_axis) {
                c[3] = 1;
            } else {
                c[1] = 1;
            }
        }
    }
    for (int i = 0; i < plan.n_pins; ++i) { // on no plane
        out[(plan.n_features - plan.n_pins + i) * n_plane_coefficients] =
            value_of(plan.pins[i], plan.parameters, unit, plane);
    }
}

namespace detail {

/// start + Σ_f M_bf c_fi over \p n features, the first of which is \p feature; \p moments are those of bin b, an
/// experiment's bins apart.
NUSCAN_HOST_DEVICE inline double sum_features(const double* moments, int n_bins, const double* features, int feature,
                                              int n, int i, double start) {
    double sum = start;
    for (int f = 0; f < n; ++f) {
        sum = std::fma(moments[static_cast<std::size_t>(f) * n_bins],
                       features[(feature + f) * n_plane_coefficients + i], sum);
    }
    return sum;
}

} // namespace detail

/// Plane coefficient i of bin b of an experiment: Σ_f M_bf c_fi, in the order of the features, in the bin's unit.
///
/// Of a Gaussian experiment it is that of the whitened residual, from W M and −W n: the sums begin with the difference
/// to the data, and near the best fit lose nothing.
NUSCAN_HOST_DEVICE inline double prediction_coefficient(const ExperimentView& x, const double* features, int b, int i) {
    const bool gaussian = x.is_gaussian();
    const double start = gaussian && i == 0 ? x.gaussian.residuals[b] : 0;
    const double* moments = (gaussian ? x.gaussian.moments : x.moments) + b;
    const double sum = detail::sum_features(moments, x.n_bins, features, x.first_feature, x.n_features, i, start);
    return gaussian ? sum : sum * x.statistic.inverse_units[b];
}

/// Plane coefficient i of a column: of a bin's prediction, or of a column beside them, in counts (of a Gaussian
/// experiment whitened).
NUSCAN_HOST_DEVICE inline double column_coefficient(const PlanView& plan, const double* features, int column, int i) {
    if (column < plan.n_bins) {
        const ExperimentView& x = experiment_of(plan, column);
        return prediction_coefficient(x, features, column - x.first_bin, i);
    }
    const ColumnView& c = plan.columns[column - plan.n_bins];
    if (c.experiment < 0) {
        return features[c.first_feature * n_plane_coefficients + i];
    }
    const ExperimentView& x = plan.experiments[c.experiment];
    const double* moments = (x.is_gaussian() ? x.gaussian.moments : x.moments) + c.first_moment;
    return detail::sum_features(moments, x.n_bins, features, c.first_feature, c.n_features, i, 0);
}

//! u and v of an index on an axis, \p offset into the unit; zero where there is no axis
struct AxisFactors {
    double u = 0, v = 0;
};
NUSCAN_HOST_DEVICE constexpr AxisFactors axis_factors(const PlanView& plan, const UnitView& unit, int axis,
                                                      std::int64_t offset) {
    if (axis < 0) {
        return {};
    }
    const AxisView& table = plan.parameters.axes[axis];
    const std::int64_t index = unit.ranges[axis].begin + offset;
    return {table.u[index], table.v[index]};
}

/// Coefficient i (0, 1, 2 for 1, u, v of the line axis) of a column on a row, from the plane's: c_i0 + c_i1 u + c_i2 v.
///
/// \p plane holds 9 × n_columns numbers, coefficient by coefficient.
NUSCAN_HOST_DEVICE inline double row_coefficient(const double* plane, int n_columns, int i, int column,
                                                 const AxisFactors& row) {
    const double* c = plane + static_cast<std::ptrdiff_t>(3 * i) * n_columns + column;
    return std::fma(c[2 * static_cast<std::ptrdiff_t>(n_columns)], row.v, std::fma(c[n_columns], row.u, c[0]));
}

/// Predictions on a row in the bins' units: a_b + b_b u + c_b v, never below zero; two multiply-adds a bin and point.
template <class Real>
struct RowRatios {
    const double* row; //!< 3 × n_columns numbers
    std::ptrdiff_t n_columns;
    int first_bin, first_signal; //!< the experiment's columns
    Real u, v;                   //!< of the line axis

    NUSCAN_HOST_DEVICE Real operator()(int b) const { return max(Real(0), column(first_bin + b)); }
    //! Counts of the signal; of a Gaussian experiment whitened
    NUSCAN_HOST_DEVICE Real signal(int b) const { return column(first_signal + b); }
    //! Whitened residual of a Gaussian experiment, with all normalisations nominal
    NUSCAN_HOST_DEVICE Real residual(int b) const { return column(first_bin + b); }

    NUSCAN_HOST_DEVICE Real column(std::ptrdiff_t c) const {
        using std::fma;
        return fma(Real(row[2 * n_columns + c]), v, fma(Real(row[n_columns + c]), u, Real(row[c])));
    }
};

//! Predictions that are there already
struct TabulatedPrediction {
    const double* counts;
    NUSCAN_HOST_DEVICE double operator()(int b) const { return not_negative(counts[b]); }
};

//! The same in the bins' units
struct TabulatedRatios {
    const double* predictions; //!< N_b
    const double* inverse_units;
    const double* signals = nullptr; //!< S_b, where a pull acts on them
    NUSCAN_HOST_DEVICE double operator()(int b) const { return max(0., predictions[b]) * inverse_units[b]; }
    NUSCAN_HOST_DEVICE double signal(int b) const { return signals[b]; }
};

/// The best point of several, with its status. Starts as one that every point beats.
struct Winner {
    Minimum minimum{constants::not_a_number, INT64_MAX};
    PointStatus status = PointStatus::ok;

    NUSCAN_HOST_DEVICE constexpr void offer(const Winner& other) {
        if (other.minimum.beats(minimum)) {
            *this = other;
        }
    }
};

//! χ² of a Gaussian experiment, from its predictions
NUSCAN_HOST_DEVICE inline double gaussian_term(const ExperimentView& experiment, const TabulatedRatios& at) {
    return gaussian_chi2(TabulatedPrediction{at.predictions}, at.signals, experiment.gaussian);
}

//! The same on a row, whose coefficients are those of whitened residuals
template <class Real>
NUSCAN_HOST_DEVICE Real gaussian_term(const ExperimentView& experiment, const RowRatios<Real>& at) {
    if (experiment.has_signal_column()) {
        return signal_pulled_chi2<Real>(at, experiment.n_bins, experiment.gaussian.signal_weight);
    }
    Real chi2(0);
    add_squares<1>(at.row + at.first_bin, at.n_columns, experiment.n_bins, &at.u, &at.v, &chi2);
    return chi2;
}

/// χ² summed over experiments, plus what the axes add.
///
/// \p at(experiment) gives a callable b → N_b/U_b, \p at.columns() one that gives a column.
template <PullCount count = PullCount::any, class Real, class Point>
NUSCAN_HOST_DEVICE PoissonFit<Real> total_fit(const PlanView& plan, const Point& at, const Real& penalty) {
    PoissonFit<Real> total{penalty, Real(0) < Real(1)};
    const auto add = [&](const PoissonFit<Real>& fit) {
        total.chi2 = total.chi2 + fit.chi2;
        total.converged = total.converged && fit.converged;
    };
    for (int e = 0; e < plan.n_experiments; ++e) {
        const ExperimentView& experiment = plan.experiments[e];
        if (experiment.pulled_with_others) {
            continue;
        }
        if (experiment.is_gaussian()) {
            total.chi2 = total.chi2 + gaussian_term(experiment, at(experiment));
            continue;
        }
        Real xi[count == PullCount::one ? 1 : max_pulls];
        add(poisson_fit<count>(at(experiment), experiment.statistic, xi));
    }
    if constexpr (count == PullCount::any) {
        for (int i = 0; i < plan.n_systematics; ++i) {
            Real z[max_systematics];
            add(systematics_fit<OneBin<Real>>(plan.systematics[i], at.columns(), z));
        }
    }
    return total;
}

//! The same for one point, with its status
template <PullCount count = PullCount::any, class Point>
NUSCAN_HOST_DEVICE Chi2 total_chi2(const PlanView& plan, const Point& at, double penalty) {
    const PoissonFit<double> fit = total_fit<count>(plan, at, penalty);
    return with_status(fit.chi2, fit.converged);
}

//! Columns of points on a row
template <class Real>
struct RowPoint {
    const double* row; //!< 3 × n_columns numbers
    std::ptrdiff_t n_columns;
    const Real &u, &v; //!< of the line axis

    NUSCAN_HOST_DEVICE RowRatios<Real> operator()(const ExperimentView& experiment) const {
        return {row, n_columns, experiment.first_bin, experiment.first_signal, u, v};
    }
    NUSCAN_HOST_DEVICE const RowPoint& columns() const { return *this; }
    NUSCAN_HOST_DEVICE Real operator()(int column) const {
        using std::fma;
        return fma(Real(row[2 * n_columns + column]), v, fma(Real(row[n_columns + column]), u, Real(row[column])));
    }
};

//! Columns of a point that are there already
struct TabulatedPoint {
    const double* values; //!< n_columns, predictions in counts

    NUSCAN_HOST_DEVICE TabulatedRatios operator()(const ExperimentView& experiment) const {
        return {values + experiment.first_bin, experiment.statistic.inverse_units,
                experiment.has_signal_column() ? values + experiment.first_signal : nullptr};
    }
    NUSCAN_HOST_DEVICE const TabulatedPoint& columns() const { return *this; }
    NUSCAN_HOST_DEVICE double operator()(int column) const { return values[column]; }
};

//! χ² of points on a row; \p u, \p v and \p penalty are theirs
template <PullCount count = PullCount::any, class Real>
NUSCAN_HOST_DEVICE PoissonFit<Real> row_fit(const PlanView& plan, const double* row, const Real& u, const Real& v,
                                            const Real& penalty) {
    return total_fit<count>(plan, RowPoint<Real>{row, plan.n_columns, u, v}, penalty);
}

//! What the priors of all axes but the line axis add to χ² on a row
NUSCAN_HOST_DEVICE constexpr double row_penalty(const PlanView& plan, const UnitView& unit, std::int64_t plane,
                                                std::int64_t row) {
    double sum = 0;
    for (int axis = 0; axis < unit.n_axes; ++axis) {
        if (axis != plan.layout.line_axis) {
            const std::int64_t index =
                axis == plan.layout.row_axis ? unit.ranges[axis].begin + row : outer_index(unit, axis, plane);
            sum += plan.parameters.axes[axis].penalty[index];
        }
    }
    return sum;
}

//! What the prior of the line axis adds to χ² at an offset on a row
NUSCAN_HOST_DEVICE constexpr double line_penalty(const PlanView& plan, const UnitView& unit, std::int64_t offset) {
    const int axis = plan.layout.line_axis;
    return axis < 0 ? 0 : plan.parameters.axes[axis].penalty[unit.ranges[axis].begin + offset];
}

/// Direct method: Σ_j flux_j dσ/dT(E_j, T_i) [MeV^-1 s^-1] per atom or nucleus at recoil node i of a contribution.
///
/// ρ, C1, C2, C3, C_V and |μ_ν|² are worked out anew at every node, as the literature writes them.
NUSCAN_HOST_DEVICE inline double direct_rate(const ContributionView& x, Target target, const Matrix3& U,
                                             const Mixing& mixing, const Couplings& neutrino, int i) {
    const double T = x.recoil[i];
    const Couplings c = x.beam.antineutrino ? antineutrino_couplings(neutrino) : neutrino;
    double rate = 0;
    for (int j = x.first_node[i]; j < x.first_node[i + 1]; ++j) {
        const double E = x.energy[j];
        const Matrix3 rho = density_matrix(U, mixing, x.beam, E);
        const double dsigma =
            target == Target::electron
                ? atomic_cross_section(x.atom[i], scattering_coefficients(rho, c, T, x.atom[i].interference), E, T,
                                       x.beam.antineutrino ? -1 : 1)
                : nuclear_cross_section(x.nucleus[i], nuclear_coefficients(rho, c, x.nucleus[i], T), E, T);
        rate = std::fma(x.flux[j], dsigma, rate);
    }
    return rate;
}

//! Direct method: counts of a contribution in bin b, from the rates at all its recoil nodes
NUSCAN_HOST_DEVICE inline double direct_counts(const ExperimentView& experiment, const ContributionView& x,
                                               const double* rates, int b) {
    const int n_energy_bins = experiment.n_bins / experiment.n_inner_bins;
    const int energy_bin = b / experiment.n_inner_bins;
    double N = 0;
    for (int i = 0; i < x.n_recoils; ++i) {
        N = std::fma(x.weight[static_cast<std::ptrdiff_t>(i) * n_energy_bins + energy_bin], rates[i], N);
    }
    return x.share[b] * N;
}

//! Direct method: counts of the backgrounds in bin b
NUSCAN_HOST_DEVICE inline double direct_backgrounds(const PlanView& plan, const ExperimentView& experiment,
                                                    const UnitView& unit, std::int64_t point, int b) {
    double N = 0;
    const int n_signal = experiment.n_features - experiment.n_backgrounds;
    for (int k = 0; k < experiment.n_backgrounds; ++k) {
        N = std::fma(experiment.moments[static_cast<std::ptrdiff_t>(n_signal + k) * experiment.n_bins + b],
                     value_of(experiment.normalisations[k], plan.parameters, unit, point), N);
    }
    return N;
}

} // namespace nuscan
