// SPDX-License-Identifier: Apache-2.0
#include <omp.h>

#include <algorithm>
#include <fstream>

#include "backends/backend.hpp"
#include "backends/batch.hpp"

namespace nuscan {

namespace {

std::string processor_name() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.rfind("model name", 0) == 0) {
            return line.substr(line.find(':') + 2);
        }
    }
    return "CPU";
}

void store(UnitResult& result, std::size_t kept, const Winner& winner) {
    result.chi2[kept] = winner.minimum.chi2;
    result.profile_index[kept] = winner.minimum.index;
    result.status[kept] = static_cast<std::uint8_t>(winner.status);
}

/// The ratios of a batch of points, worked out once: each is read again for every step of the pull.
struct BatchRatios {
    Batch* y; //!< n_bins
    Batch operator()(int b) const { return y[b]; }
};
BatchRatios pulled_ratios(const BatchRatios& ratios, const StatisticView& s, const Batch& xi) {
    for (int b = 0; b < s.n_bins; ++b) {
        ratios.y[b] = max(Batch(0), fma(Batch(s.pulled[b]), xi, ratios.y[b]));
    }
    return ratios; // of no further use without the pull
}

/// One thread's share of a unit: scratch memory, and where its results go.
class Worker {
public:
    //! Results go to \p winners where something is profiled, else straight to \p result
    Worker(const PlanView& plan, const UnitView& unit, Winner* winners, UnitResult& result)
        : plan_(plan), unit_(unit), winners_(winners), result_(result),
          features_(size(plan.n_features * n_plane_coefficients)), plane_(size(plan.n_bins * n_plane_coefficients)),
          row_(size(plan.n_bins * 3)), rates_(size(max_recoil_nodes(plan))), ratios_(size(plan.n_bins)) {
        for (int e = 0; e < plan.n_experiments; ++e) {
            one_pull_ = one_pull_ && plan.experiments[e].statistic.n_pulls <= 1;
        }
    }

    //! Features, then predictions, of a plane
    void start_plane(std::int64_t plane) {
        plane_features(plan_, unit_, plane, features_.data());
        for (int e = 0; e < plan_.n_experiments; ++e) {
            const ExperimentView& experiment = plan_.experiments[e];
            for (int i = 0; i < n_plane_coefficients; ++i) {
                for (int b = 0; b < experiment.n_bins; ++b) {
                    plane_[size(i * plan_.n_bins + experiment.first_bin + b)] =
                        prediction_coefficient(experiment, features_.data(), b, i);
                }
            }
        }
    }

    void evaluate_row(std::int64_t plane, std::int64_t row) {
        const AxisFactors factors = axis_factors(plan_, unit_, plan_.layout.row_axis, row);
        for (int i = 0; i < 3; ++i) {
            for (int b = 0; b < plan_.n_bins; ++b) {
                row_[size(i * plan_.n_bins + b)] = row_coefficient(plane_.data(), plan_.n_bins, i, b, factors);
            }
        }
        const double penalty = row_penalty(plan_, unit_, plane, row);
        PointAddress at = row_address(unit_, plan_.layout, plane, row);
        const int axis = plan_.layout.line_axis;
        const AxisRange line = axis < 0 ? AxisRange{} : unit_.ranges[axis];
        const auto offer_next = [&](double value, bool converged) {
            offer(at, with_status(value, converged));
            at.kept += line.kept_stride;
            at.profile += line.profile_stride;
        };
        if (one_pull_) {
            for (std::int64_t i = 0; i < unit_.row_length; i += lanes) {
                const std::int64_t n = std::min<std::int64_t>(lanes, unit_.row_length - i);
                evaluate_batch(i, n, penalty, offer_next);
            }
            return;
        }
        for (std::int64_t i = 0; i < unit_.row_length; ++i) {
            const AxisFactors x = axis_factors(plan_, unit_, axis, i);
            const PoissonFit<double> fit =
                row_fit(plan_, row_.data(), x.u, x.v, penalty + line_penalty(plan_, unit_, i));
            offer_next(fit.chi2, fit.converged);
        }
    }

    void evaluate_directly(std::int64_t point) {
        const PlaneCouplings couplings = plane_couplings(plan_.parameters, plan_.layout, unit_, point);
        const Mixing mixing = mixing_of(plan_.parameters, unit_, point);
        for (int e = 0; e < plan_.n_experiments; ++e) {
            const ExperimentView& experiment = plan_.experiments[e];
            double* N = row_.data() + experiment.first_bin;
            for (int b = 0; b < experiment.n_bins; ++b) {
                N[b] = direct_backgrounds(plan_, experiment, unit_, point, b);
            }
            for (int c = 0; c < experiment.n_contributions; ++c) {
                const ContributionView& contribution = experiment.contributions[c];
                const Target target = plan_.parameters.interactions[contribution.interaction].target;
                for (int i = 0; i < contribution.n_recoils; ++i) {
                    rates_[size(i)] = direct_rate(contribution, target, couplings.U, mixing,
                                                  couplings.base[contribution.interaction], i);
                }
                for (int b = 0; b < experiment.n_bins; ++b) {
                    N[b] += direct_counts(experiment, contribution, rates_.data(), b);
                }
            }
        }
        const auto ratios = [this](const ExperimentView& experiment) {
            return TabulatedRatios{row_.data() + experiment.first_bin, experiment.statistic.inverse_units};
        };
        const Chi2 chi2 = total_chi2(plan_, ratios, row_penalty(plan_, unit_, point, 0));
        const PointAddress at = row_address(unit_, plan_.layout, point, 0);
        offer(at, chi2);
    }

private:
    static constexpr std::int64_t lanes = Batch::size;

    //! Points first … first + n − 1 of a row, one per lane; lanes beyond repeat the last point
    template <class Next>
    void evaluate_batch(std::int64_t first, std::int64_t n, double row_penalty, const Next& next) {
        double u[lanes], v[lanes], penalty[lanes], chi2[lanes], converged[lanes];
        for (std::int64_t i = 0; i < lanes; ++i) {
            const std::int64_t offset = first + std::min(i, n - 1);
            const AxisFactors x = axis_factors(plan_, unit_, plan_.layout.line_axis, offset);
            u[i] = x.u;
            v[i] = x.v;
            penalty[i] = row_penalty + line_penalty(plan_, unit_, offset);
        }
        const Batch batch_u = Batch::load(u), batch_v = Batch::load(v);
        const auto ratios = [&](const ExperimentView& experiment) {
            const RowRatios<Batch> y{row_.data() + experiment.first_bin, plan_.n_bins, batch_u, batch_v};
            for (int b = 0; b < experiment.n_bins; ++b) {
                ratios_[size(b)] = y(b);
            }
            return BatchRatios{ratios_.data()};
        };
        const PoissonFit<Batch> fit = total_fit(plan_, ratios, Batch::load(penalty));
        fit.chi2.store(chi2);
        select(fit.converged, Batch(1), Batch(0)).store(converged);
        for (std::int64_t i = 0; i < n; ++i) {
            next(chi2[i], converged[i] > 0);
        }
    }

    void offer(const PointAddress& at, const Chi2& chi2) {
        const auto kept = static_cast<std::size_t>(at.kept);
        if (winners_ != nullptr) {
            winners_[kept].offer({{chi2.value, at.profile}, chi2.status});
        } else {
            store(result_, kept, {{chi2.value, at.profile}, chi2.status});
        }
    }

    static std::size_t size(int n) { return static_cast<std::size_t>(n); }

    const PlanView& plan_;
    const UnitView& unit_;
    Winner* winners_;
    UnitResult& result_;
    std::vector<double> features_, plane_, row_, rates_;
    std::vector<Batch> ratios_;
    bool one_pull_ = true; // at most one an experiment: points of a row are evaluated a batch at a time
};

class CpuBackend final : public Backend {
public:
    explicit CpuBackend(const Plan& plan) : plan_(plan) {}

    std::string name() const override { return "cpu"; }
    std::string device() const override {
        return processor_name() + ", " + std::to_string(omp_get_max_threads()) + " threads";
    }

    void evaluate(const WorkUnit& work, UnitResult& result) override {
        const std::shared_ptr<const Tables> tables = plan_.tables(work);
        const PlanView& plan = tables->view();
        const UnitView unit = work.view();
        const int n_threads = omp_get_max_threads();
        const auto n_kept = static_cast<std::size_t>(unit.n_kept);
        result.chi2.resize(n_kept);
        result.profile_index.resize(n_kept);
        result.status.resize(n_kept);
        // Kept points that are not profiled belong to one thread each; only profiled ones need a copy per thread.
        std::vector<std::vector<Winner>> winners(unit.profiled ? static_cast<std::size_t>(n_threads) : 0,
                                                 std::vector<Winner>(unit.profiled ? n_kept : 0));
        const bool direct = plan_.method() == Method::direct;
#pragma omp parallel num_threads(n_threads)
        {
            const auto thread = static_cast<std::size_t>(omp_get_thread_num());
            Worker worker(plan, unit, unit.profiled ? winners[thread].data() : nullptr, result);
            if (direct) {
#pragma omp for schedule(dynamic)
                for (std::int64_t point = 0; point < unit.n_planes; ++point) {
                    worker.evaluate_directly(point);
                }
            } else if (unit.n_planes >= 4 * n_threads) {
#pragma omp for schedule(dynamic)
                for (std::int64_t plane = 0; plane < unit.n_planes; ++plane) {
                    worker.start_plane(plane);
                    for (std::int64_t row = 0; row < unit.n_rows; ++row) {
                        worker.evaluate_row(plane, row);
                    }
                }
            } else { // few planes: share the rows of each
                for (std::int64_t plane = 0; plane < unit.n_planes; ++plane) {
                    worker.start_plane(plane);
#pragma omp for schedule(static) nowait
                    for (std::int64_t row = 0; row < unit.n_rows; ++row) {
                        worker.evaluate_row(plane, row);
                    }
                }
            }
        }
        for (std::size_t i = 0; unit.profiled && i < n_kept; ++i) {
            Winner best;
            for (const std::vector<Winner>& copy : winners) {
                best.offer(copy[i]);
            }
            store(result, i, best);
        }
    }

private:
    const Plan& plan_;
};

} // namespace

std::unique_ptr<Backend> make_cpu_backend(const Plan& plan) { return std::make_unique<CpuBackend>(plan); }

} // namespace nuscan
