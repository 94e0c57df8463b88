// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "nuscan/collapsed.hpp"
#include "nuscan/prediction.hpp"

/// The bodies of the kernels. Each takes the place of its thread as arguments, so that the host runs the same code:
/// kernels.cu launches them, and the tests walk through the same blocks and threads under sanitizers.
namespace nuscan::kernels {

/// Where the results of a unit's points go: to their kept point where nothing is profiled, else to their place in the
/// unit (plane by plane, row by row), for the minimisation to pick from.
struct PointOutput {
    double* chi2;
    unsigned char* status;
};

//! Place of the first point of a row in PointOutput, and the distance to the next
struct RowPlace {
    std::int64_t first, stride;
};
NUSCAN_HOST_DEVICE constexpr RowPlace row_place(const PlanView& plan, const UnitView& unit, std::int64_t plane,
                                                std::int64_t row) {
    if (unit.profiled) {
        return {(plane * unit.n_rows + row) * unit.row_length, 1};
    }
    const int axis = plan.layout.line_axis;
    return {row_address(unit, plan.layout, plane, row).kept, axis < 0 ? 0 : unit.ranges[axis].kept_stride};
}

/// One plane coefficient: number \p i of 9 × n_columns of a plane, from its features.
NUSCAN_HOST_DEVICE inline double plane_coefficient(const PlanView& plan, const double* features, int i) {
    return column_coefficient(plan, features, i % plan.n_columns, i / plan.n_columns);
}

/// A team of threads on one row: all stage its coefficients, wait for each other, then share its points.
struct RowTeam {
    const PlanView& plan;
    const UnitView& unit;
    std::int64_t plane, row;
    int thread, n_threads;    //!< place in the team, and its size
    double* row_coefficients; //!< 3 × n_columns, shared by the team

    NUSCAN_HOST_DEVICE void stage(const double* plane_coefficients) const {
        const AxisFactors factors = axis_factors(plan, unit, plan.layout.row_axis, row);
        for (int i = thread; i < 3 * plan.n_columns; i += n_threads) {
            row_coefficients[i] =
                row_coefficient(plane_coefficients, plan.n_columns, i / plan.n_columns, i % plan.n_columns, factors);
        }
    }

    NUSCAN_HOST_DEVICE void evaluate(const PointOutput& output) const {
        const double penalty = row_penalty(plan, unit, plane, row);
        const RowPlace place = row_place(plan, unit, plane, row);
        for (std::int64_t i = thread; i < unit.row_length; i += n_threads) {
            const AxisFactors line = axis_factors(plan, unit, plan.layout.line_axis, i);
            const PoissonFit<double> fit =
                row_fit(plan, row_coefficients, line.u, line.v, penalty + line_penalty(plan, unit, i));
            const Chi2 chi2 = with_status(fit.chi2, fit.converged);
            output.chi2[place.first + i * place.stride] = chi2.value;
            output.status[place.first + i * place.stride] = static_cast<unsigned char>(chi2.status);
        }
    }
};

/// A team of threads on one row of a collapsed plane: its nine numbers are staged, and then its points shared.
struct CollapsedTeam {
    const PlanView& plan;
    const UnitView& unit;
    std::int64_t plane, row;
    int thread, n_threads;
    double* row_numbers;              //!< n_products + 3, shared by the team
    const double* plane_coefficients; //!< centred; of points at which the form is not precise

    NUSCAN_HOST_DEVICE void stage(const double* plane_numbers) const {
        const AxisFactors factors = centred_factors(plan, unit, plan.layout.row_axis, row);
        for (int i = thread; i < n_products + 3; i += n_threads) {
            row_numbers[i] = collapsed_row_number(plane_numbers, factors, i);
        }
    }

    NUSCAN_HOST_DEVICE void evaluate(const PointOutput& output) const {
        if (axis_shape(plan, plan.layout.line_axis) == AxisShape::linear) {
            evaluate_points<AxisShape::linear>(output);
        } else {
            evaluate_points<AxisShape::circular>(output);
        }
    }

    template <AxisShape shape>
    NUSCAN_HOST_DEVICE void evaluate_points(const PointOutput& output) const {
        const double penalty = row_penalty(plan, unit, plane, row);
        const CollapsedRow form = collapsed_row(plan, row_numbers, penalty);
        const RowPlace place = row_place(plan, unit, plane, row);
        for (std::int64_t i = thread; i < unit.row_length; i += n_threads) {
            const AxisFactors at = centred_factors(plan, unit, plan.layout.line_axis, i);
            const double prior = line_penalty(plan, unit, i);
            double value = collapsed_chi2<shape>(form, at.u, at.v) + prior;
            if (!is_precise(form, at.u, at.v, value)) {
                const AxisFactors factors = centred_factors(plan, unit, plan.layout.row_axis, row);
                value = penalty + prior + uncollapsed_chi2(plan, plane_coefficients, factors, at);
            }
            const Chi2 chi2 = with_status(not_negative(value), true);
            output.chi2[place.first + i * place.stride] = chi2.value;
            output.status[place.first + i * place.stride] = static_cast<unsigned char>(chi2.status);
        }
    }
};

/// A block of threads on one point of the direct method, step by step with a barrier after each.
struct DirectTeam {
    const PlanView& plan;
    const UnitView& unit;
    std::int64_t point;
    int thread, n_threads;
    PlaneCouplings& couplings; //!< shared by the team
    double* rates;             //!< one per recoil node of the largest contribution
    double* columns;           //!< n_columns: predictions, and signals that a pull acts on

    NUSCAN_HOST_DEVICE void stage_couplings() const {
        if (thread == 0) {
            couplings = plane_couplings(plan.parameters, plan.layout, unit, point);
        }
    }
    NUSCAN_HOST_DEVICE double* signals(const ExperimentView& experiment) const {
        return columns + (experiment.has_signal_pull() ? experiment.first_signal : experiment.first_bin);
    }
    NUSCAN_HOST_DEVICE void start_bins(const ExperimentView& experiment) const {
        for (int b = thread; b < experiment.n_bins; b += n_threads) {
            signals(experiment)[b] = 0;
        }
    }
    NUSCAN_HOST_DEVICE void evaluate_rates(const ContributionView& contribution) const {
        const Mixing mixing = mixing_of(plan.parameters, unit, point);
        const Target target = plan.parameters.interactions[contribution.interaction].target;
        for (int i = thread; i < contribution.n_recoils; i += n_threads) {
            rates[i] =
                direct_rate(contribution, target, couplings.U, mixing, couplings.base[contribution.interaction], i);
        }
    }
    NUSCAN_HOST_DEVICE void add_bins(const ExperimentView& experiment, const ContributionView& contribution) const {
        for (int b = thread; b < experiment.n_bins; b += n_threads) {
            signals(experiment)[b] += direct_counts(experiment, contribution, rates, b);
        }
    }
    NUSCAN_HOST_DEVICE void finish_bins(const ExperimentView& experiment) const {
        const double normalisation = value_of(experiment.signal_normalisation, plan.parameters, unit, point);
        for (int b = thread; b < experiment.n_bins; b += n_threads) {
            double& S = signals(experiment)[b];
            S *= normalisation;
            columns[experiment.first_bin + b] = S + direct_backgrounds(plan, experiment, unit, point, b);
        }
    }
    NUSCAN_HOST_DEVICE void evaluate_chi2(const PointOutput& output) const {
        if (thread != 0) {
            return;
        }
        const auto ratios = [this](const ExperimentView& experiment) {
            return TabulatedRatios{columns + experiment.first_bin, experiment.statistic.inverse_units,
                                   experiment.has_signal_pull() ? signals(experiment) : nullptr};
        };
        const Chi2 chi2 = total_chi2(plan, ratios, row_penalty(plan, unit, point, 0));
        const RowPlace place = row_place(plan, unit, point, 0);
        output.chi2[place.first] = chi2.value;
        output.status[place.first] = static_cast<unsigned char>(chi2.status);
    }
};

/// One thread's best among the candidates of a kept point; the team's winners are then compared.
NUSCAN_HOST_DEVICE inline Winner best_candidate(const PlanView& plan, const UnitView& unit, const PointOutput& points,
                                                std::int64_t kept, int thread, int n_threads) {
    const int axis = plan.layout.line_axis;
    const bool line_profiled = axis >= 0 && unit.ranges[axis].kept_stride == 0;
    const std::int64_t length = line_profiled ? unit.row_length : 1;
    const std::int64_t profile_stride = line_profiled ? unit.ranges[axis].profile_stride : 0;
    const std::int64_t n_rows = n_profiled_rows(unit, plan.layout);
    Winner best;
    // Threads run along the line axis where it is profiled (neighbours in memory), over rows where it is not.
    const std::int64_t first_row = line_profiled ? 0 : thread, row_step = line_profiled ? 1 : n_threads;
    const std::int64_t first = line_profiled ? thread : 0;
    for (std::int64_t row = first_row; row < n_rows; row += row_step) {
        const Candidate at = candidate(unit, plan.layout, kept, row);
        for (std::int64_t i = first; i < length; i += n_threads) {
            best.offer({{points.chi2[at.point + i], at.profile + i * profile_stride},
                        static_cast<PointStatus>(points.status[at.point + i])});
        }
    }
    return best;
}

} // namespace nuscan::kernels
