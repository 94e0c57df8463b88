// SPDX-License-Identifier: Apache-2.0
#include <omp.h>

#include <algorithm>
#include <optional>

#include "backends/batch.hpp"
#include "backends/cpu_worker.hpp"
#include "backends/kept_ratios.hpp"
#include "nuscan/collapsed_signals.hpp"

namespace nuscan {

namespace {

/// One thread's share of a unit: scratch memory, and where its results go.
class Worker {
public:
    //! Results go to \p winners where something is profiled, else straight to \p result
    Worker(const PlanView& plan, const UnitView& unit, bool collapsed, Winner* winners, UnitResult& result)
        : plan_(plan), unit_(unit), winners_(winners), result_(result),
          features_(size(plan.n_features * n_plane_coefficients)), plane_(size(plan.n_columns * n_plane_coefficients)),
          row_(size(plan.n_columns * 3)), rates_(size(max_recoil_nodes(plan))), ratios_(size(plan.n_columns)),
          n_signals_(n_pulled_signals(plan)) {
        for (int e = 0; e < plan.n_experiments; ++e) {
            gaussian_ = gaussian_ && plan.experiments[e].is_gaussian() && !plan.experiments[e].has_signal_column();
        }
        if (collapsed) {
            collapsed_.resize(size(n_plane_numbers(plan)));
        }
        if (gaussian_ || collapsed) {
            tabulate_line();
        }
    }

    //! Features, then predictions, of a plane
    void start_plane(std::int64_t plane) {
        plane_features(plan_, unit_, plane, features_.data());
        for (int i = 0; i < n_plane_coefficients; ++i) {
            for (int c = 0; c < plan_.n_columns; ++c) {
                plane_[size(i * plan_.n_columns + c)] = column_coefficient(plan_, features_.data(), c, i);
            }
        }
        if (!collapsed_.empty()) {
            for (int c = 0; c < plan_.n_columns; ++c) {
                centre_column(plan_, plane_.data(), c);
            }
            for (int b = 0; n_signals_ > 0 && b < plan_.n_bins; ++b) {
                move_bin(plan_, plane_.data(), b);
            }
            for (std::size_t i = 0; i < collapsed_.size(); ++i) {
                collapsed_[i] = plane_number(plan_, plane_.data(), static_cast<int>(i));
            }
        }
    }

    void evaluate_row(std::int64_t plane, std::int64_t row) {
        if (!collapsed_.empty()) {
            if (axis_shape(plan_, plan_.layout.line_axis) == AxisShape::linear) {
                evaluate_row_without_bins<AxisShape::linear>(plane, row);
            } else {
                evaluate_row_without_bins<AxisShape::circular>(plane, row);
            }
            return;
        }
        const AxisFactors factors = axis_factors(plan_, unit_, plan_.layout.row_axis, row);
        stage_row(factors);
        const double penalty = row_penalty(plan_, unit_, plane, row);
        const PointAddress at = row_address(unit_, plan_.layout, plane, row);
        if (gaussian_) {
            evaluate_gaussian_row(at, penalty);
            return;
        }
        std::int64_t i = 0;
        for (; i + lanes <= unit_.row_length; i += lanes) {
            evaluate_batch(i, at, penalty);
        }
        for (; i < unit_.row_length; ++i) {
            gather(i, at, penalty);
        }
    }

    //! What waits for more points to fill the lanes
    void finish() {
        if (gathered_.n == 0) {
            return;
        }
        for (int i = gathered_.n; i < lanes; ++i) { // lanes beyond repeat the last point
            gathered_.penalty[i] = gathered_.penalty[gathered_.n - 1];
            for (int c = 0; c < plan_.n_columns; ++c) {
                double* column = gathered_.columns.data() + c * lanes;
                column[i] = column[gathered_.n - 1];
            }
        }
        const GatheredPoints<Batch> points{gathered_.columns.data(), plan_.n_columns};
        evaluate_lanes(points, gathered_.penalty, gathered_.n, [&](int i) { return gathered_.at[i]; });
        gathered_.n = 0;
    }

    void evaluate_directly(std::int64_t point) {
        const PlaneCouplings couplings = plane_couplings(plan_.parameters, plan_.layout, unit_, point);
        const Mixing mixing = mixing_of(plan_.parameters, unit_, point);
        for (int e = 0; e < plan_.n_experiments; ++e) {
            const ExperimentView& experiment = plan_.experiments[e];
            double* N = row_.data() + experiment.first_bin;
            double* S = experiment.has_signal_column() ? row_.data() + experiment.first_signal : N;
            std::fill_n(S, experiment.n_bins, 0.);
            for (int c = 0; c < experiment.n_contributions; ++c) {
                const ContributionView& contribution = experiment.contributions[c];
                const Target target = plan_.parameters.interactions[contribution.interaction].target;
                for (int i = 0; i < contribution.n_recoils; ++i) {
                    rates_[size(i)] = direct_rate(contribution, target, couplings.U, mixing,
                                                  couplings.base[contribution.interaction], i);
                }
                for (int b = 0; b < experiment.n_bins; ++b) {
                    S[b] += direct_counts(experiment, contribution, rates_.data(), b);
                }
            }
            const double normalisation = value_of(experiment.signal_normalisation, plan_.parameters, unit_, point);
            for (int b = 0; b < experiment.n_bins; ++b) {
                S[b] *= normalisation;
                N[b] = S[b] + direct_backgrounds(plan_, experiment, unit_, point, b);
            }
        }
        for (int c = plan_.n_bins + plan_.n_signal_columns; c < plan_.n_columns; ++c) {
            row_[size(c)] = value_of(plan_.columns[c - plan_.n_bins].value, plan_.parameters, unit_, point);
        }
        const Chi2 chi2 = total_chi2(plan_, TabulatedPoint{row_.data()}, row_penalty(plan_, unit_, point, 0));
        const PointAddress at = row_address(unit_, plan_.layout, point, 0);
        offer(at, chi2);
    }

private:
    static constexpr std::int64_t lanes = Batch::size;

    //! The point at an offset on the row that begins at \p row
    PointAddress address(const PointAddress& row, std::int64_t offset) const {
        const int axis = plan_.layout.line_axis;
        const AxisRange line = axis < 0 ? AxisRange{} : unit_.ranges[axis];
        return {row.kept + offset * line.kept_stride, row.profile + offset * line.profile_stride};
    }

    //! A point a lane; the first \p n of them are offered, by their addresses at(lane)
    template <class Points, class At>
    void evaluate_lanes(const Points& points, const double* penalty, int n, const At& at) {
        const KeptPoints<Batch, Points> kept{points, ratios_.data()};
        const PoissonFit<Batch> fit = total_fit(plan_, kept, Batch::load(penalty));
        double chi2[lanes], converged[lanes];
        fit.chi2.store(chi2);
        select(fit.converged, Batch(1), Batch(0)).store(converged);
        for (int i = 0; i < n; ++i) {
            offer(at(i), with_status(chi2[i], converged[i] > 0));
        }
    }

    //! As many points of a row as there are lanes
    void evaluate_batch(std::int64_t first, const PointAddress& row, double row_penalty) {
        double u[lanes], v[lanes], penalty[lanes];
        for (std::int64_t i = 0; i < lanes; ++i) {
            const AxisFactors x = axis_factors(plan_, unit_, plan_.layout.line_axis, first + i);
            u[i] = x.u;
            v[i] = x.v;
            penalty[i] = row_penalty + line_penalty(plan_, unit_, first + i);
        }
        const Batch batch_u = Batch::load(u), batch_v = Batch::load(v);
        const RowPoint<Batch> points{row_.data(), plan_.n_columns, batch_u, batch_v};
        evaluate_lanes(points, penalty, static_cast<int>(lanes), [&](int i) { return address(row, first + i); });
    }

    //! Points left over from a row wait for those of others: one alone would take as long as all lanes do.
    void gather(std::int64_t offset, const PointAddress& row, double row_penalty) {
        if (gathered_.columns.empty()) {
            gathered_.columns.resize(size(plan_.n_columns) * lanes);
        }
        const AxisFactors x = axis_factors(plan_, unit_, plan_.layout.line_axis, offset);
        const RowPoint<double> point{row_.data(), plan_.n_columns, x.u, x.v};
        for (int c = 0; c < plan_.n_columns; ++c) {
            gathered_.columns[size(c) * lanes + size(gathered_.n)] = point(c);
        }
        gathered_.at[gathered_.n] = address(row, offset);
        gathered_.penalty[gathered_.n] = row_penalty + line_penalty(plan_, unit_, offset);
        if (++gathered_.n == lanes) {
            finish();
        }
    }

    void stage_row(const AxisFactors& factors) {
        for (int i = 0; i < 3; ++i) {
            for (int c = 0; c < plan_.n_columns; ++c) {
                row_[size(i * plan_.n_columns + c)] = row_coefficient(plane_.data(), plan_.n_columns, i, c, factors);
            }
        }
    }

    // Points of a row where all experiments are Gaussian come in blocks of several vectors: one alone would wait
    // for its sums, and read a coefficient for every multiply-add.
    static constexpr std::int64_t vector_lanes = Vector::size;
    static constexpr int n_vectors = 8;
    static constexpr std::int64_t block_points = n_vectors * vector_lanes;
    struct Block {
        Vector chi2[n_vectors];
    };

    //! u, v and prior of the line axis, from its origin where collapsed; the last point fills up its block
    void tabulate_line() {
        const std::int64_t n = (unit_.row_length + block_points - 1) / block_points * block_points;
        for (std::int64_t i = 0; i < n; ++i) {
            const std::int64_t offset = std::min(i, unit_.row_length - 1);
            const AxisFactors x = collapsed_.empty() ? axis_factors(plan_, unit_, plan_.layout.line_axis, offset)
                                                     : centred_factors(plan_, unit_, plan_.layout.line_axis, offset);
            line_u_.push_back(x.u);
            line_v_.push_back(x.v);
            line_penalty_.push_back(line_penalty(plan_, unit_, offset));
            has_line_penalty_ = has_line_penalty_ || line_penalty_.back() != 0;
        }
    }

    static Vector load(const Numbers& values, std::int64_t first, int k) {
        return Vector::load_unaligned(values.data() + first + k * vector_lanes);
    }

    //! χ² of a block from bins; kept out of the loops over rows without bins, whose registers it would take
    [[gnu::noinline]] void sum_squares(std::int64_t first, double row_penalty, Block& block) const {
        constexpr int n_side_by_side = vector_lanes == 8 ? 8 : 4; // as many as the registers hold
        for (int k = 0; k < n_vectors; k += n_side_by_side) {
            Vector u[n_side_by_side], v[n_side_by_side], chi2[n_side_by_side];
            for (int i = 0; i < n_side_by_side; ++i) {
                u[i] = load(line_u_, first, k + i);
                v[i] = load(line_v_, first, k + i);
                chi2[i] = Vector(row_penalty) + load(line_penalty_, first, k + i);
            }
            // One experiment's bins follow the other's, and coefficients of all lie equally far apart.
            add_squares<n_side_by_side>(row_.data(), plan_.n_bins, plan_.n_bins, u, v, chi2);
            std::copy(chi2, chi2 + n_side_by_side, block.chi2 + k);
        }
    }

    void evaluate_gaussian_row(const PointAddress& at, double penalty) {
        double sum = penalty;
        for (int i = 0; i < 3 * plan_.n_bins; ++i) {
            sum += std::abs(row_[size(i)]);
        }
        evaluate_blocks(at, sum < constants::infinity,
                        [&](std::int64_t first, Block& block) { sum_squares(first, penalty, block); });
    }

    /// Evaluates a row by \p evaluate(first, block), which gives χ² of points first … first + block_points − 1, below
    /// zero perhaps by rounding; \p finite is whether none of them is NaN.
    template <class Evaluate>
    void evaluate_blocks(const PointAddress& at, bool finite, const Evaluate& evaluate) {
        const int axis = plan_.layout.line_axis;
        const AxisRange line = axis < 0 ? AxisRange{} : unit_.ranges[axis];
        if (finite && axis >= 0 && line.kept_stride == 0) {
            const RowMinimum best = best_of_row(evaluate);
            offer({at.kept, at.profile + best.point * line.profile_stride}, with_status(best.chi2, true));
            return;
        }
        for (std::int64_t first = 0; first < unit_.row_length; first += block_points) {
            Block block;
            evaluate(first, block);
            if (line.kept_stride == 1 && store_block(at.kept + first, first, block)) {
                continue;
            }
            for_points(first, block, [&](std::int64_t i, double value) {
                const PointAddress point{at.kept + i * line.kept_stride, at.profile + i * line.profile_stride};
                offer(point, with_status(not_negative(value), true));
            });
        }
    }

    //! Stores a whole block of points without other candidates, if all are ordinary; else returns false
    bool store_block(std::int64_t kept, std::int64_t first, const Block& block) {
        Mask<Vector> ordinary = block.chi2[0] < Vector(constants::infinity);
        for (int k = 1; k < n_vectors; ++k) {
            ordinary = ordinary && block.chi2[k] < Vector(constants::infinity);
        }
        if (winners_ != nullptr || first + block_points > unit_.row_length || !all(ordinary)) {
            return false;
        }
        for (int k = 0; k < n_vectors; ++k) {
            not_negative(block.chi2[k]).store_unaligned(result_.chi2.data() + kept + k * vector_lanes);
        }
        std::fill_n(result_.status.data() + kept, block_points, static_cast<std::uint8_t>(PointStatus::ok));
        return true;
    }

    //! Calls f(offset on the row, χ²) for the points of a block that are on the row
    template <class F>
    void for_points(std::int64_t first, const Block& block, const F& f) const {
        double chi2[block_points];
        for (int k = 0; k < n_vectors; ++k) {
            block.chi2[k].store_unaligned(chi2 + k * vector_lanes);
        }
        const std::int64_t n = std::min(block_points, unit_.row_length - first);
        for (std::int64_t i = 0; i < n; ++i) {
            f(first + i, chi2[i]);
        }
    }

    //! A row that is being evaluated without its bins
    template <class Form>
    struct Row {
        Form form;
        AxisFactors factors;
        double penalty;
        bool staged; // its bins, for points where the form is not precise
    };

    template <AxisShape shape>
    void evaluate_collapsed_block(Row<CollapsedRow>& row, std::int64_t first, Block& block) {
        const auto v_of = [&](const Vector& u, int k) { // v of a linear axis is not used by the form
            return shape == AxisShape::linear ? u * u : load(line_v_, first, k);
        };
        for (int k = 0; k < n_vectors; ++k) {
            const Vector u = load(line_u_, first, k);
            block.chi2[k] = collapsed_chi2<shape>(row.form, u, v_of(u, k));
        }
        if (has_line_penalty_) {
            for (int k = 0; k < n_vectors; ++k) {
                block.chi2[k] = block.chi2[k] + load(line_penalty_, first, k);
            }
        }
        const double* u = line_u_.data() + first; // values of linear axes increase
        if (std::max(std::abs(u[0]), std::abs(u[block_points - 1])) <= row.form.reach) {
            return;
        }
        Mask<Vector> precise[n_vectors], all_precise = Vector(0) < Vector(1);
        for (int k = 0; k < n_vectors; ++k) {
            const Vector at = load(line_u_, first, k);
            precise[k] = is_precise(row.form, at, v_of(at, k), block.chi2[k]);
            all_precise = all_precise && precise[k];
        }
        if (all(all_precise)) {
            return;
        }
        if (!row.staged) {
            stage_row(row.factors);
            row.staged = true;
        }
        Block by_bins;
        sum_squares(first, row.penalty, by_bins);
        for (int k = 0; k < n_vectors; ++k) {
            block.chi2[k] = select(precise[k], block.chi2[k], by_bins.chi2[k]);
        }
    }

    template <AxisShape shape>
    void evaluate_row_without_bins(std::int64_t plane, std::int64_t row) {
        if (gaussian_) {
            evaluate_collapsed_row<shape>(plane, row);
        } else {
            evaluate_pulled_row<shape>(plane, row);
        }
    }

    template <AxisShape shape>
    void evaluate_collapsed_row(std::int64_t plane, std::int64_t r) {
        Row<CollapsedRow> row{
            {}, centred_factors(plan_, unit_, plan_.layout.row_axis, r), row_penalty(plan_, unit_, plane, r), false};
        double numbers[n_row_numbers];
        for (int i = 0; i < n_row_numbers; ++i) {
            numbers[i] = collapsed_row_number(collapsed_.data(), row.factors, i);
        }
        row.form = collapsed_row(plan_, numbers, row.penalty);
        evaluate_blocks(row_address(unit_, plan_.layout, plane, r), row.form.finite,
                        [&](std::int64_t first, Block& block) { evaluate_collapsed_block<shape>(row, first, block); });
    }

    //! χ² of a block from bins, where pulls act on signals
    [[gnu::noinline]] void sum_pulled_bins(std::int64_t first, double row_penalty, Block& block) const {
        for (int k = 0; k < n_vectors; ++k) {
            const Vector u = load(line_u_, first, k), v = load(line_v_, first, k);
            const RowPoint<Vector> columns{row_.data(), plan_.n_columns, u, v};
            block.chi2[k] = Vector(row_penalty) + uncollapsed_pulled_chi2<Vector>(plan_, columns);
        }
    }

    template <AxisShape shape>
    void evaluate_pulled_block(Row<PulledRow>& row, std::int64_t first, Block& block) {
        Mask<Vector> precise[n_vectors], all_precise = Vector(0) < Vector(1);
        for (int k = 0; k < n_vectors; ++k) {
            const Vector u = load(line_u_, first, k);
            const Vector v = shape == AxisShape::linear ? u * u : load(line_v_, first, k);
            const PulledChi2<Vector> at = pulled_chi2<shape>(row.form, u, v);
            block.chi2[k] = at.value;
            precise[k] = at.precise;
            all_precise = all_precise && at.precise;
        }
        if (!all(all_precise)) {
            if (!row.staged) {
                stage_row(row.factors);
                row.staged = true;
            }
            Block by_bins;
            sum_pulled_bins(first, row.penalty, by_bins);
            for (int k = 0; k < n_vectors; ++k) {
                block.chi2[k] = select(precise[k], block.chi2[k], by_bins.chi2[k]);
            }
        }
        for (int k = 0; has_line_penalty_ && k < n_vectors; ++k) {
            block.chi2[k] = block.chi2[k] + load(line_penalty_, first, k);
        }
    }

    template <AxisShape shape>
    void evaluate_pulled_row(std::int64_t plane, std::int64_t r) {
        const AxisFactors factors = centred_factors(plan_, unit_, plan_.layout.row_axis, r);
        const double penalty = row_penalty(plan_, unit_, plane, r);
        double numbers[n_row_numbers + max_collapsed_signals * n_row_signal];
        for (int i = 0; i < n_row_numbers; ++i) {
            numbers[i] = collapsed_row_number(collapsed_.data(), factors, i);
        }
        for (int i = 0; i < n_signals_ * n_row_signal; ++i) {
            numbers[n_row_numbers + i] = signal_row_number(plan_, collapsed_.data(), factors, i);
        }
        Row<PulledRow> row{pulled_row(plan_, numbers, penalty), factors, penalty, false};
        evaluate_blocks(row_address(unit_, plan_.layout, plane, r), row.form.bins.finite,
                        [&](std::int64_t first, Block& block) { evaluate_pulled_block<shape>(row, first, block); });
    }

    struct RowMinimum {
        double chi2;
        std::int64_t point;
    };

    //! The smallest χ² of a row without NaN, and the first point that has it
    template <class Evaluate>
    RowMinimum best_of_row(const Evaluate& evaluate) {
        Vector best(constants::infinity), best_block(0.);
        for (std::int64_t first = 0; first < unit_.row_length; first += block_points) {
            Block block;
            evaluate(first, block);
            Vector lowest = block.chi2[0];
            for (int k = 1; k < n_vectors; ++k) {
                lowest = min(lowest, block.chi2[k]);
            }
            lowest = max(lowest, Vector(0));
            const auto better = lowest < best;
            best = select(better, lowest, best);
            best_block = select(better, Vector(static_cast<double>(first)), best_block);
        }
        double chi2[vector_lanes], first[vector_lanes];
        best.store_unaligned(chi2);
        best_block.store_unaligned(first);
        RowMinimum found{constants::infinity, 0};
        for (std::int64_t i = 0; i < vector_lanes; ++i) { // the first of the blocks that have it
            const auto block = static_cast<std::int64_t>(first[i]);
            if (chi2[i] < found.chi2 || (chi2[i] == found.chi2 && block < found.point)) {
                found = {chi2[i], block};
            }
        }
        Block block;
        evaluate(found.point, block);
        std::int64_t point = -1;
        for_points(found.point, block, [&](std::int64_t i, double value) {
            point = point < 0 && not_negative(value) == found.chi2 ? i : point;
        });
        return {found.chi2, point < 0 ? found.point : point};
    }

    void offer(const PointAddress& at, const Chi2& chi2) {
        const auto kept = static_cast<std::size_t>(at.kept);
        if (winners_ != nullptr) {
            if (!(chi2.value > winners_[kept].minimum.chi2)) { // most are not worth more than a look
                winners_[kept].offer({{chi2.value, at.profile}, chi2.status});
            }
        } else {
            result_.chi2[kept] = chi2.value;
            result_.status[kept] = static_cast<std::uint8_t>(chi2.status);
        }
    }

    static std::size_t size(int n) { return static_cast<std::size_t>(n); }

    const PlanView& plan_;
    const UnitView& unit_;
    Winner* winners_;
    UnitResult& result_;
    Numbers features_, plane_, row_, rates_;
    std::vector<Batch> ratios_;
    struct {
        Numbers columns; // n_columns × lanes
        PointAddress at[lanes];
        double penalty[lanes];
        int n = 0;
    } gathered_;
    Numbers collapsed_; // numbers of the plane; empty where the method is another
    int n_signals_;     // that pulls act on
    Numbers line_u_, line_v_, line_penalty_;
    bool has_line_penalty_ = false;
    bool gaussian_ = true; // all experiments, and without a pull that is left to the point
};

} // namespace

inline namespace NUSCAN_TARGET {

void evaluate_unit(const PlanView& plan, const UnitView& unit, Method method, Winner* winners, UnitResult& result,
                   FirstException& failure) {
    const int n_threads = omp_get_max_threads();
#pragma omp parallel num_threads(n_threads)
    {
        // No exception may leave the region, nor keep a thread from a loop that the others share.
        const auto guard = [&](const auto& f) {
            try {
                f();
            } catch (...) {
                failure.keep();
            }
        };
        std::optional<Worker> worker;
        guard([&] {
            worker.emplace(plan, unit, method == Method::collapsed,
                           unit.profiled ? winners + omp_get_thread_num() * unit.n_kept : nullptr, result);
        });
        const auto work = [&](const auto& f) {
            if (worker) {
                guard([&] { f(*worker); });
            }
        };
        if (method == Method::direct) {
#pragma omp for schedule(dynamic)
            for (std::int64_t point = 0; point < unit.n_planes; ++point) {
                work([&](Worker& w) { w.evaluate_directly(point); });
            }
        } else if (unit.n_planes >= 4 * n_threads) {
#pragma omp for schedule(dynamic)
            for (std::int64_t plane = 0; plane < unit.n_planes; ++plane) {
                work([&](Worker& w) {
                    w.start_plane(plane);
                    for (std::int64_t row = 0; row < unit.n_rows; ++row) {
                        w.evaluate_row(plane, row);
                    }
                });
            }
        } else { // few planes: share the rows of each
            for (std::int64_t plane = 0; plane < unit.n_planes; ++plane) {
                work([&](Worker& w) { w.start_plane(plane); });
#pragma omp for schedule(static) nowait
                for (std::int64_t row = 0; row < unit.n_rows; ++row) {
                    work([&](Worker& w) { w.evaluate_row(plane, row); });
                }
            }
        }
        work([](Worker& w) { w.finish(); });
    }
}

} // namespace NUSCAN_TARGET

} // namespace nuscan
