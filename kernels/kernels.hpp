// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <climits>
#include <cstdint>
#include <cstring>

#include "nuscan/collapsed_signals.hpp"
#include "nuscan/prediction.hpp"
#include "several.hpp"

/// The bodies of the kernels. Each takes the place of its thread as arguments, so that the host runs the same code:
/// kernels.cu launches them.
///
/// A unit is evaluated some planes at a time, a batch. Where axes are profiled a row leaves as little as it can in
/// **slots**: the winner of each of its segments where the line axis is profiled, else its points. Slots of a batch are
/// merged into the winners of the kept points before the next batch takes their place.
namespace nuscan::kernels {

//! Points of a row that one team takes, at most: longer rows are cut, so that a few of them fill a device too
inline constexpr int segment_points = 1024;

/// Winners in memory: those of slots or of kept points.
struct WinnerArrays {
    double* chi2;
    std::int64_t* profile; //!< null where nothing is profiled
    unsigned char* status;

    NUSCAN_HOST_DEVICE void store(std::int64_t i, const Winner& winner) const {
        chi2[i] = winner.minimum.chi2;
        status[i] = static_cast<unsigned char>(winner.status);
        if (profile != nullptr) {
            profile[i] = winner.minimum.index;
        }
    }
    NUSCAN_HOST_DEVICE Winner load(std::int64_t i) const {
        return {{chi2[i], profile[i]}, static_cast<PointStatus>(status[i])};
    }
};

/// How the rows of a unit lie, worked out once.
struct RowLayout {
    bool line_profiled;
    int n_segments;                   //!< of a row
    std::int64_t slots_per_row;       //!< where something is profiled
    PointAddress row_step, line_step; //!< from a row, or point, to the next
};
NUSCAN_HOST_DEVICE constexpr RowLayout row_layout(const PlaneLayout& layout, const UnitView& unit) {
    RowLayout rows{layout.line_axis >= 0 && unit.ranges[layout.line_axis].kept_stride == 0,
                   static_cast<int>((unit.row_length + segment_points - 1) / segment_points),
                   unit.row_length,
                   {0, 0},
                   {0, 0}};
    if (rows.line_profiled) {
        rows.slots_per_row = rows.n_segments;
    }
    if (layout.row_axis >= 0) {
        rows.row_step = {unit.ranges[layout.row_axis].kept_stride, unit.ranges[layout.row_axis].profile_stride};
    }
    if (layout.line_axis >= 0) {
        rows.line_step = {unit.ranges[layout.line_axis].kept_stride, unit.ranges[layout.line_axis].profile_stride};
    }
    return rows;
}

//! What the points of a plane share: the address of the first, and what the axes that no plane spans add to χ²
struct PlanePlace {
    PointAddress first;
    double penalty;
};
NUSCAN_HOST_DEVICE constexpr PlanePlace plane_place(const PlanView& plan, const UnitView& unit, std::int64_t plane) {
    PlanePlace place{row_address(unit, plan.layout, plane, 0), 0};
    for (int axis = 0; axis < unit.n_axes; ++axis) {
        if (!plan.layout.spans(axis)) {
            place.penalty += plan.parameters.axes[axis].penalty[outer_index(unit, axis, plane)];
        }
    }
    return place;
}

/// A row of a batch, or a segment of it: first ≤ i < end.
struct Row {
    std::int64_t plane; //!< in the batch
    std::int64_t row;   //!< in the plane
    int segment;
    std::int64_t first, end;
    PointAddress at; //!< of the row's first point
    double penalty;  //!< of all axes but the line axis
    std::int64_t slot;
};

//! Row \p r of a batch, counted through its planes, of whose places \p places tells
NUSCAN_HOST_DEVICE constexpr Row row_of(const PlanView& plan, const UnitView& unit, const RowLayout& rows,
                                        const PlanePlace* places, std::uint32_t r, int segment) {
    // 64-bit divisions take a hundred instructions; a batch has fewer than 2^31 segments.
    const std::uint32_t n_rows = static_cast<std::uint32_t>(unit.n_rows), plane = r / n_rows;
    const std::int64_t row = r - plane * n_rows, first = static_cast<std::int64_t>(segment) * segment_points;
    const PlanePlace& place = places[plane];
    const int axis = plan.layout.row_axis;
    const double penalty = axis < 0 ? 0 : plan.parameters.axes[axis].penalty[unit.ranges[axis].begin + row];
    return {plane,
            row,
            segment,
            first,
            first + segment_points < unit.row_length ? first + segment_points : unit.row_length,
            {place.first.kept + row * rows.row_step.kept, place.first.profile + row * rows.row_step.profile},
            place.penalty + penalty,
            r * rows.slots_per_row};
}

//! Stores point \p i of a row where its line axis is kept
NUSCAN_HOST_DEVICE inline void store_point(const UnitView& unit, const RowLayout& rows, const Row& row, std::int64_t i,
                                           const Chi2& chi2, const WinnerArrays& out) {
    out.store(unit.profiled ? row.slot + i : row.at.kept + i * rows.line_step.kept,
              {{chi2.value, row.at.profile + i * rows.line_step.profile}, chi2.status});
}

//! Stores the best point of a segment where its line axis is profiled; its index is that on the row
NUSCAN_HOST_DEVICE inline void store_segment(const RowLayout& rows, const Row& row, Winner best,
                                             const WinnerArrays& slots) {
    best.minimum.index = row.at.profile + best.minimum.index * rows.line_step.profile;
    slots.store(row.slot + row.segment, best);
}

/// One plane coefficient: number \p i of 9 × n_columns of a plane, from its features.
///
/// As a matrix product this is M (n_bins × n_features) by features (n_features × 9 × planes). With 40 bins and 21
/// features it takes 7560 multiply-adds a plane; a plane of 401 × 401 collapsed points takes 643 000. Tensor cores
/// would not be noticed but where planes have few points.
NUSCAN_HOST_DEVICE inline double plane_coefficient(const PlanView& plan, const double* features, int i) {
    return column_coefficient(plan, features, i % plan.n_columns, i / plan.n_columns);
}

//! χ² from bins that are all Gaussian, without a pull on a signal: one experiment's follow the other's, and their
//! coefficients lie equally far apart
struct GaussianBins {
    using Real = Several<8>;
    NUSCAN_HOST_DEVICE static PoissonFit<Real> fit(const PlanView& plan, const double* row, const Real& u,
                                                   const Real& v, const Real& penalty) {
        Real chi2 = penalty;
        add_squares<1>(row, plan.n_bins, plan.n_bins, &u, &v, &chi2);
        return {chi2, Real(0) < Real(1)};
    }
};

//! χ² from bins with at most one pull an experiment, on a background
struct OnePullBins {
    using Real = Several<4>;
    NUSCAN_HOST_DEVICE static PoissonFit<Real> fit(const PlanView& plan, const double* row, const Real& u,
                                                   const Real& v, const Real& penalty) {
        return row_fit<PullCount::one>(plan, row, u, v, penalty);
    }
};

//! χ² from bins with any number of pulls, each on an experiment of its own
struct ManyPullsBins {
    using Real = double;
    NUSCAN_HOST_DEVICE static PoissonFit<Real> fit(const PlanView& plan, const double* row, Real u, Real v,
                                                   Real penalty) {
        return row_fit<PullCount::several>(plan, row, u, v, penalty);
    }
};

//! χ² from bins of which some have pulls that act together
struct SystematicsBins {
    using Real = double;
    NUSCAN_HOST_DEVICE static PoissonFit<Real> fit(const PlanView& plan, const double* row, Real u, Real v,
                                                   Real penalty) {
        return row_fit<PullCount::any>(plan, row, u, v, penalty);
    }
};

/// Which of these a plan needs: the kernel of a scan with few pulls has no registers to spare for many, nor one without
/// systematics a stack for them.
enum class BinsKind { gaussian, one_pull, many_pulls, systematics };
NUSCAN_HOST_DEVICE constexpr BinsKind bins_kind(const PlanView& plan) {
    if (plan.n_systematics > 0) {
        return BinsKind::systematics;
    }
    BinsKind kind = BinsKind::gaussian;
    for (int e = 0; e < plan.n_experiments; ++e) {
        const ExperimentView& experiment = plan.experiments[e];
        if (experiment.has_signal_column() || (!experiment.is_gaussian() && experiment.statistic.in_counts)) {
            return BinsKind::many_pulls;
        }
        kind = experiment.is_gaussian() ? kind : BinsKind::one_pull;
    }
    return kind;
}

/// A team of threads on a segment: all stage its row's coefficients, wait for each other, then share its points.
template <class Bins>
struct RowTeam {
    const PlanView& plan;
    const UnitView& unit;
    const RowLayout& rows;
    const Row& row;
    int thread, n_threads;    //!< place in the team, and its size
    double* row_coefficients; //!< 3 × n_columns, shared by the team

    NUSCAN_HOST_DEVICE void stage(const double* plane_coefficients) const {
        const AxisFactors factors = axis_factors(plan, unit, plan.layout.row_axis, row.row);
        for (int i = 0; i < 3; ++i) {
            for (int c = thread; c < plan.n_columns; c += n_threads) {
                row_coefficients[i * plan.n_columns + c] =
                    row_coefficient(plane_coefficients, plan.n_columns, i, c, factors);
            }
        }
    }

    //! The best of the thread's points, where the line axis is profiled; else stores them
    NUSCAN_HOST_DEVICE Winner evaluate(const WinnerArrays& out) const {
        using Real = typename Bins::Real;
        constexpr int n = n_points_of<Real>;
        Winner best;
        for (std::int64_t start = row.first + thread; start < row.end; start += n * n_threads) {
            Real u, v, penalty;
            for (int k = 0; k < n; ++k) { // places beyond the end repeat the last point
                const std::int64_t i = start + k * n_threads < row.end ? start + k * n_threads : row.end - 1;
                const AxisFactors line = axis_factors(plan, unit, plan.layout.line_axis, i);
                point_of(u, k) = line.u;
                point_of(v, k) = line.v;
                point_of(penalty, k) = row.penalty + line_penalty(plan, unit, i);
            }
            PoissonFit<Real> fit = Bins::fit(plan, row_coefficients, u, v, penalty);
            for (int k = 0; k < n; ++k) {
                const std::int64_t i = start + k * n_threads;
                const Chi2 chi2 = with_status(point_of(fit.chi2, k), point_of(fit.converged, k));
                if (i < row.end && rows.line_profiled) {
                    best.offer({{chi2.value, i}, chi2.status});
                } else if (i < row.end) {
                    store_point(unit, rows, row, i, chi2, out);
                }
            }
        }
        return best;
    }
};

//! A row of a collapsed plane, and what its points need where the form is not precise
struct CollapsedLine {
    const PlanView& plan;
    const UnitView& unit;
    const double* plane_coefficients; //!< centred
    const Row& row;
    const CollapsedRow& form;

    template <AxisShape shape>
    NUSCAN_HOST_DEVICE Chi2 chi2(const AxisFactors& at, double prior) const {
        double value = collapsed_chi2<shape>(form, at.u, at.v) + prior;
        if (!is_precise(form, at.u, at.v, value)) {
            const AxisFactors factors = centred_factors(plan, unit, plan.layout.row_axis, row.row);
            value = row.penalty + prior + uncollapsed_chi2(plan, plane_coefficients, factors, at);
        }
        return with_status(not_negative(value), true);
    }
};

/// A team of threads on a segment of a collapsed plane whose points are kept: nine numbers are staged, then the points
/// shared.
struct CollapsedTeam {
    const PlanView& plan;
    const UnitView& unit;
    const RowLayout& rows;
    const Row& row;
    int thread, n_threads;
    double* row_numbers; //!< n_row_numbers, shared by the team

    NUSCAN_HOST_DEVICE void stage(const double* plane_numbers) const {
        const AxisFactors factors = centred_factors(plan, unit, plan.layout.row_axis, row.row);
        for (int i = thread; i < n_row_numbers; i += n_threads) {
            row_numbers[i] = collapsed_row_number(plane_numbers, factors, i);
        }
    }

    template <AxisShape shape>
    NUSCAN_HOST_DEVICE void evaluate(const double* plane_coefficients, const WinnerArrays& out) const {
        const CollapsedRow form = collapsed_row(plan, row_numbers, row.penalty);
        const CollapsedLine line{plan, unit, plane_coefficients, row, form};
        for (std::int64_t i = row.first + thread; i < row.end; i += n_threads) {
            const AxisFactors at = centred_factors(plan, unit, plan.layout.line_axis, i);
            store_point(unit, rows, row, i, line.chi2<shape>(at, line_penalty(plan, unit, i)), out);
        }
    }
};

//! The upper half of a number's bits. Of two numbers that are not negative, the smaller has no larger one.
NUSCAN_HOST_DEVICE inline std::int32_t upper_half(double x) {
    std::int64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return static_cast<std::int32_t>(bits >> 32);
}

/// A segment of a profiled line axis, staged once for many rows: u, v and prior of its points in blocks, of which the
/// last is filled up with the last point.
template <AxisShape shape>
struct LineSegment {
    static constexpr int block_points = 8;
    static constexpr int n_v = shape == AxisShape::linear ? 1 : segment_points; // else u²
    double u[segment_points], v[n_v], prior[segment_points];
    double extent[segment_points / block_points]; //!< largest |u| of a block

    NUSCAN_HOST_DEVICE AxisFactors at(int i) const { return {u[i], shape == AxisShape::linear ? u[i] * u[i] : v[i]}; }

    //! A thread's share of the staging; whether any of its points has a prior
    NUSCAN_HOST_DEVICE bool stage(const PlanView& plan, const UnitView& unit, std::int64_t first, int thread,
                                  int n_threads) {
        const std::int64_t last = unit.row_length - 1 - first;
        bool has_prior = false;
        for (int i = thread; i < segment_points; i += n_threads) {
            const std::int64_t offset = first + (i < last ? i : last);
            const AxisFactors factors = centred_factors(plan, unit, plan.layout.line_axis, offset);
            u[i] = factors.u;
            if (shape != AxisShape::linear) {
                v[i] = factors.v;
            }
            prior[i] = line_penalty(plan, unit, offset);
            has_prior = has_prior || prior[i] != 0;
        }
        return has_prior;
    }
    //! After a barrier. Values of linear axes increase; on a circular one the form's reach is all or nothing.
    NUSCAN_HOST_DEVICE void stage_extents(int thread, int n_threads) {
        for (int b = thread; b < segment_points / block_points; b += n_threads) {
            extent[b] = std::fmax(std::fabs(u[b * block_points]), std::fabs(u[b * block_points + block_points - 1]));
        }
    }
};

/// One thread on a segment of several collapsed rows whose line axis is profiled: a row to a thread needs neither a
/// reduction nor a second thread to share its set-up, and all threads read the same u.
///
/// A point takes the form's multiply-adds and one integer minimum, of the upper half of χ². The blocks between the
/// first and the last that have the least upper half hold the smallest χ², and are gone through once more. Blocks in
/// which rounding may matter, or NaN has no upper half to go by, are left out, and done point by point.
template <AxisShape shape>
struct CollapsedMinima {
    static constexpr int n_rows = 2; //!< of a thread: u is read once for both
    static constexpr int block_points = LineSegment<shape>::block_points;

    const PlanView& plan;
    const UnitView& unit;
    const LineSegment<shape>& line;
    bool has_prior;

    //! What the search along a row needs in registers
    struct Search {
        CollapsedRow form;
        std::int32_t lowest = INT32_MAX;      //!< upper half of χ²
        int first_block = 0, last_block = -1; //!< the second is before the first where no block is within reach

        NUSCAN_HOST_DEVICE void offer(std::int32_t upper, int block) {
            first_block = upper < lowest ? block : first_block;
            last_block = upper <= lowest ? block : last_block;
            lowest = upper < lowest ? upper : lowest;
        }
    };

    //! \p plane_numbers and \p plane_coefficients of the first plane of the batch; the winners' indices are on the row
    NUSCAN_HOST_DEVICE void evaluate(const Row (&rows)[n_rows], const double* plane_numbers,
                                     const double* plane_coefficients, Winner (&winners)[n_rows]) const {
        Search searches[n_rows];
        for (int r = 0; r < n_rows; ++r) {
            searches[r].form = form_of(rows[r], plane_numbers);
        }
        const int n_blocks = (static_cast<int>(rows[0].end - rows[0].first) + block_points - 1) / block_points;
        for (int block = 0; block < n_blocks; ++block) {
            search_block(block, searches);
        }
        for (int r = 0; r < n_rows; ++r) {
            winners[r] = best_of_blocks(searches[r], rows[r]);
            if (line.extent[0] > searches[r].form.reach || line.extent[n_blocks - 1] > searches[r].form.reach) {
                winners[r].offer(best_of_points(rows[r], n_blocks, plane_numbers, plane_coefficients));
            }
        }
    }

private:
    NUSCAN_HOST_DEVICE void search_block(int block, Search (&searches)[n_rows]) const {
        double u[block_points], v[block_points];
        for (int i = 0; i < block_points; ++i) {
            u[i] = line.u[block * block_points + i];
            v[i] = shape == AxisShape::linear ? 0 : line.v[block * block_points + i]; // the form knows v = u²
        }
        for (int r = 0; r < n_rows; ++r) {
            std::int32_t upper = INT32_MAX;
            if (line.extent[block] <= searches[r].form.reach) {
                double chi2[block_points];
                for (int i = 0; i < block_points; ++i) {
                    chi2[i] = collapsed_chi2<shape>(searches[r].form, u[i], v[i]);
                }
                if (has_prior) {
                    for (int i = 0; i < block_points; ++i) {
                        chi2[i] += line.prior[block * block_points + i];
                    }
                }
                for (int i = 0; i < block_points; ++i) {
                    upper = upper_half(chi2[i]) < upper ? upper_half(chi2[i]) : upper;
                }
                upper = upper > 0 ? upper : 0; // what rounding made negative is zero
            }
            searches[r].offer(upper, block);
        }
    }

    NUSCAN_HOST_DEVICE Winner best_of_blocks(const Search& search, const Row& row) const {
        double lowest = constants::infinity; // none of the points is NaN
        int found = -1;
        const int points = static_cast<int>(row.end - row.first);
        for (int block = search.first_block; block <= search.last_block; ++block) {
            if (!(line.extent[block] <= search.form.reach)) {
                continue;
            }
            for (int i = block * block_points; i < (block + 1) * block_points; ++i) {
                const AxisFactors at = line.at(i);
                const double chi2 = not_negative(collapsed_chi2<shape>(search.form, at.u, at.v) + line.prior[i]);
                const bool better = chi2 < lowest && i < points;
                lowest = better ? chi2 : lowest;
                found = better ? i : found;
            }
        }
        return found < 0 ? Winner{} : Winner{{lowest, row.first + found}, PointStatus::ok};
    }

    //! The best in the blocks that are not within reach
    NUSCAN_HOST_DEVICE_NOINLINE Winner best_of_points(const Row& row, int n_blocks, const double* plane_numbers,
                                                      const double* plane_coefficients) const {
        const CollapsedRow form = form_of(row, plane_numbers);
        const double* coefficients = plane_coefficients + row.plane * n_plane_coefficients * plan.n_columns;
        const CollapsedLine points{plan, unit, coefficients, row, form};
        Winner best;
        for (int i = 0; i < n_blocks * block_points && row.first + i < row.end; ++i) {
            if (!(line.extent[i / block_points] <= form.reach)) {
                const Chi2 chi2 = points.chi2<shape>(line.at(i), line.prior[i]);
                best.offer({{chi2.value, row.first + i}, chi2.status});
            }
        }
        return best;
    }

    NUSCAN_HOST_DEVICE CollapsedRow form_of(const Row& row, const double* plane_numbers) const {
        const AxisFactors factors = centred_factors(plan, unit, plan.layout.row_axis, row.row);
        double numbers[n_row_numbers];
        for (int i = 0; i < n_row_numbers; ++i) {
            numbers[i] = collapsed_row_number(plane_numbers + row.plane * n_collapsed, factors, i);
        }
        return collapsed_row(plan, numbers, row.penalty);
    }
};

/// A team of threads on a segment of a collapsed plane with signals that pulls act on, whether its points are kept or
/// not: numbers of its row are staged, then the points shared. Each has a division, and its own bound on rounding, so
/// that blocks of points and upper halves would save little.
struct PulledTeam {
    const PlanView& plan;
    const UnitView& unit;
    const RowLayout& rows;
    const Row& row;
    int thread, n_threads;
    double* row_numbers; //!< n_numbers at most, shared by the team
    static constexpr int n_numbers = n_row_numbers + max_collapsed_signals * n_row_signal;

    NUSCAN_HOST_DEVICE void stage(const double* plane_numbers) const {
        const AxisFactors factors = centred_factors(plan, unit, plan.layout.row_axis, row.row);
        const int n = n_row_numbers + n_pulled_signals(plan) * n_row_signal;
        for (int i = thread; i < n; i += n_threads) {
            row_numbers[i] = i < n_row_numbers ? collapsed_row_number(plane_numbers, factors, i)
                                               : signal_row_number(plan, plane_numbers, factors, i - n_row_numbers);
        }
    }

    //! The best of the thread's points, where the line axis is profiled; else stores them
    template <AxisShape shape>
    NUSCAN_HOST_DEVICE Winner evaluate(const double* plane_coefficients, const WinnerArrays& out) const {
        using Real = Several<4>;
        const PulledRow form = pulled_row(plan, row_numbers, row.penalty);
        Winner best;
        for (std::int64_t start = row.first + thread; start < row.end; start += Real::size * n_threads) {
            Real u, v;
            for (int k = 0; k < Real::size; ++k) { // places beyond the end repeat the last point
                const AxisFactors at = factors(start + k * n_threads);
                u.at[k] = at.u;
                v.at[k] = at.v;
            }
            const PulledChi2<Real> chi2 = pulled_chi2<shape>(form, u, v);
            for (int k = 0; k < Real::size && start + k * n_threads < row.end; ++k) {
                const std::int64_t i = start + k * n_threads;
                const double value =
                    chi2.precise.at[k] ? chi2.value.at[k] : row.penalty + by_bins(plane_coefficients, factors(i));
                const Chi2 total = with_status(not_negative(value + line_penalty(plan, unit, i)), true);
                if (rows.line_profiled) {
                    best.offer({{total.value, i}, total.status});
                } else {
                    store_point(unit, rows, row, i, total, out);
                }
            }
        }
        return best;
    }

private:
    //! Of point \p i, or the last
    NUSCAN_HOST_DEVICE AxisFactors factors(std::int64_t i) const {
        return centred_factors(plan, unit, plan.layout.line_axis, i < row.end ? i : row.end - 1);
    }

    NUSCAN_HOST_DEVICE_NOINLINE double by_bins(const double* plane_coefficients, const AxisFactors& line) const {
        const AxisFactors at = centred_factors(plan, unit, plan.layout.row_axis, row.row);
        return uncollapsed_pulled_chi2<double>(plan, [&](int column) {
            const auto c = [&](int i) { return row_coefficient(plane_coefficients, plan.n_columns, i, column, at); };
            return std::fma(c(2), line.v, std::fma(c(1), line.u, c(0)));
        });
    }
};

/// A block of threads on the predictions of one point of the direct method, step by step with a barrier after each.
struct DirectTeam {
    const PlanView& plan;
    const UnitView& unit;
    std::int64_t point;
    int thread, n_threads;
    const PlaneCouplings& couplings;
    int n_rates;     //!< recoil nodes of a part: a contribution with more is done part by part
    double* rates;   //!< of a part, shared by the team
    double* columns; //!< n_columns: predictions, and signals that a pull acts on

    NUSCAN_HOST_DEVICE double* signals(const ExperimentView& experiment) const {
        return columns + (experiment.has_signal_column() ? experiment.first_signal : experiment.first_bin);
    }
    NUSCAN_HOST_DEVICE void start_bins(const ExperimentView& experiment) const {
        for (int b = thread; b < experiment.n_bins; b += n_threads) {
            signals(experiment)[b] = 0;
        }
    }
    //! Of the part that begins with recoil node \p first
    NUSCAN_HOST_DEVICE void evaluate_rates(const ContributionView& x, int first) const {
        const Mixing mixing = mixing_of(plan.parameters, unit, point);
        const Target target = plan.parameters.interactions[x.interaction].target;
        for (int i = thread; i < n_rates && first + i < x.n_recoils; i += n_threads) {
            rates[i] = direct_rate(x, target, couplings.U, mixing, couplings.base[x.interaction], first + i);
        }
    }
    NUSCAN_HOST_DEVICE void add_bins(const ExperimentView& experiment, const ContributionView& x, int first) const {
        ContributionView part = x;
        part.n_recoils = x.n_recoils - first < n_rates ? x.n_recoils - first : n_rates;
        part.weight += static_cast<std::ptrdiff_t>(first) * (experiment.n_bins / experiment.n_inner_bins);
        for (int b = thread; b < experiment.n_bins; b += n_threads) {
            signals(experiment)[b] += direct_counts(experiment, part, rates, b);
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
    //! Those beside predictions and signals
    NUSCAN_HOST_DEVICE void evaluate_columns() const {
        for (int c = plan.n_bins + plan.n_signal_columns + thread; c < plan.n_columns; c += n_threads) {
            columns[c] = value_of(plan.columns[c - plan.n_bins].value, plan.parameters, unit, point);
        }
    }
};

//! χ² of a point of the direct method from its columns
template <PullCount count>
NUSCAN_HOST_DEVICE Chi2 direct_chi2(const PlanView& plan, const double* columns, double penalty) {
    return total_chi2<count>(plan, TabulatedPoint{columns}, penalty);
}

/// The planes of a batch, and the slots they left.
struct PlaneBatch {
    std::int64_t first_plane, n_planes;
    WinnerArrays slots;
};

//! Of each kept point, the planes of the unit that have slots of it, one for each value of the profiled outer axes
NUSCAN_HOST_DEVICE constexpr std::int64_t n_profiled_planes(const UnitView& unit, const PlaneLayout& layout) {
    std::int64_t n = 1;
    for (int axis = 0; axis < unit.n_axes; ++axis) {
        n *= unit.ranges[axis].kept_stride == 0 && !layout.spans(axis) ? unit.ranges[axis].count : 1;
    }
    return n;
}

/// The slots of a kept point on one of its planes: \p count of them, \p stride apart.
struct SlotRun {
    std::int64_t plane, first, count, stride; //!< in the unit; in the plane
};
NUSCAN_HOST_DEVICE constexpr SlotRun slot_run(const UnitView& unit, const PlaneLayout& layout, const RowLayout& rows,
                                              std::int64_t kept, std::int64_t profiled_plane) {
    SlotRun run{0, 0, rows.line_profiled ? rows.n_segments : 1, rows.line_profiled ? 1 : rows.slots_per_row};
    for (int axis = unit.n_axes - 1; axis >= 0; --axis) {
        const AxisRange& range = unit.ranges[axis];
        const bool kept_axis = range.kept_stride > 0;
        const std::int64_t offset = kept_axis ? kept / range.kept_stride % range.count : 0;
        if (axis == layout.line_axis) {
            run.first += offset;
        } else if (axis == layout.row_axis) {
            run.first += offset * rows.slots_per_row;
            run.count *= kept_axis ? 1 : range.count;
        } else if (kept_axis) {
            run.plane += offset * range.plane_stride;
        } else {
            run.plane += profiled_plane % range.count * range.plane_stride;
            profiled_plane /= range.count;
        }
    }
    return run;
}

/// One thread's best among the slots that a batch has of a kept point, on every n_chunks-th of its planes; the winners
/// of the team and of the chunks are then compared.
NUSCAN_HOST_DEVICE inline Winner best_slot(const PlanView& plan, const UnitView& unit, const RowLayout& rows,
                                           const PlaneBatch& batch, std::int64_t kept, std::int64_t chunk,
                                           std::int64_t n_chunks, int thread, int n_threads) {
    const std::int64_t n_planes = n_profiled_planes(unit, plan.layout);
    // Threads run along a plane where that has enough for all of them, over planes where it does not.
    const bool along = slot_run(unit, plan.layout, rows, kept, 0).count >= n_threads;
    Winner best;
    for (std::int64_t p = chunk + (along ? 0 : thread * n_chunks); p < n_planes;
         p += along ? n_chunks : n_chunks * n_threads) {
        const SlotRun run = slot_run(unit, plan.layout, rows, kept, p);
        const std::int64_t plane = run.plane - batch.first_plane;
        if (plane < 0 || plane >= batch.n_planes) {
            continue;
        }
        const std::int64_t first = plane * unit.n_rows * rows.slots_per_row + run.first;
        for (std::int64_t i = along ? thread : 0; i < run.count; i += along ? n_threads : 1) {
            best.offer(batch.slots.load(first + i * run.stride));
        }
    }
    return best;
}

} // namespace nuscan::kernels
