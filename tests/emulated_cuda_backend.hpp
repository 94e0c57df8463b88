// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "backends/backend.hpp"
#include "kernels.hpp"

namespace nuscan::testing {

/// The bodies of the CUDA kernels, walked through on the host: the launches, blocks and threads of kernels.cu as loops,
/// every barrier as the end of a loop over threads. Runs under sanitizers; says nothing about timing.
class EmulatedCudaBackend final : public Backend {
public:
    explicit EmulatedCudaBackend(const Plan& plan) : plan_(plan) {}

    std::string name() const override { return "emulated cuda"; }
    std::string device() const override { return "host"; }

    void evaluate(const WorkUnit& work, UnitResult& result) override {
        const std::shared_ptr<const Tables> tables = plan_.tables(work);
        const PlanView& plan = tables->view();
        const UnitView unit = work.view();
        const auto n_points = static_cast<std::size_t>(work.n_points());
        std::vector<double> chi2(n_points, -1);
        std::vector<unsigned char> status(n_points, 255);
        const kernels::PointOutput output{chi2.data(), status.data()};
        if (plan_.method() == Method::direct) {
            run_direct(plan, unit, output);
        } else {
            run_rows(plan, unit, output, plan_.method() == Method::collapsed);
        }
        const auto n_kept = static_cast<std::size_t>(unit.n_kept);
        result.chi2.assign(n_kept, 0);
        result.status.assign(n_kept, 0);
        result.profile_index.assign(n_kept, 0);
        for (std::size_t kept = 0; kept < n_kept; ++kept) {
            if (!unit.profiled) {
                result.chi2[kept] = chi2[kept];
                result.status[kept] = status[kept];
                continue;
            }
            Winner best;
            for (int thread = 0; thread < block_size; ++thread) {
                best.offer(
                    kernels::best_candidate(plan, unit, output, static_cast<std::int64_t>(kept), thread, block_size));
            }
            result.chi2[kept] = best.minimum.chi2;
            result.profile_index[kept] = best.minimum.index;
            result.status[kept] = static_cast<std::uint8_t>(best.status);
        }
    }

private:
    static constexpr int block_size = 32;
    static constexpr std::int64_t batch = 3; // planes at a time, fewer than there are

    static void run_rows(const PlanView& plan, const UnitView& unit, const kernels::PointOutput& output,
                         bool collapsed) {
        const int n_features = plan.n_features * n_plane_coefficients;
        const int n_coefficients = plan.n_columns * n_plane_coefficients;
        std::vector<double> features(static_cast<std::size_t>(batch * n_features));
        std::vector<double> coefficients(static_cast<std::size_t>(batch * n_coefficients));
        std::vector<double> shared(static_cast<std::size_t>(3 * plan.n_columns));
        for (std::int64_t first = 0; first < unit.n_planes; first += batch) {
            const std::int64_t n = std::min(batch, unit.n_planes - first);
            for (std::int64_t p = 0; p < n; ++p) {
                plane_features(plan, unit, first + p, features.data() + p * n_features);
                for (int i = 0; i < n_coefficients; ++i) {
                    coefficients[static_cast<std::size_t>(p * n_coefficients + i)] =
                        kernels::plane_coefficient(plan, features.data() + p * n_features, i);
                }
            }
            if (collapsed) {
                run_collapsed_rows(plan, unit, first, n, coefficients, output);
                continue;
            }
            for (std::int64_t r = 0; r < n * unit.n_rows; ++r) {
                const std::int64_t p = r / unit.n_rows;
                const auto each_thread = [&](const auto& step) {
                    for (int thread = 0; thread < block_size; ++thread) {
                        step(kernels::RowTeam{plan, unit, first + p, r - p * unit.n_rows, thread, block_size,
                                              shared.data()});
                    }
                };
                each_thread([&](const auto& team) { team.stage(coefficients.data() + p * n_coefficients); });
                each_thread([&](const auto& team) { team.evaluate(output); });
            }
        }
    }

    static void run_collapsed_rows(const PlanView& plan, const UnitView& unit, std::int64_t first,
                                   std::int64_t n_planes, std::vector<double>& coefficients,
                                   const kernels::PointOutput& output) {
        std::vector<double> shared(n_products + 3), collapsed(n_collapsed);
        for (std::int64_t p = 0; p < n_planes; ++p) {
            double* plane = coefficients.data() + p * n_plane_coefficients * plan.n_columns;
            for (int b = 0; b < plan.n_bins; ++b) {
                centre_bin(plan, plane, b);
            }
            for (int i = 0; i < n_collapsed; ++i) {
                collapsed[static_cast<std::size_t>(i)] = collapsed_number(plan, plane, i);
            }
            for (std::int64_t row = 0; row < unit.n_rows; ++row) {
                const auto each_thread = [&](const auto& step) {
                    for (int thread = 0; thread < block_size; ++thread) {
                        step(kernels::CollapsedTeam{plan, unit, first + p, row, thread, block_size, shared.data(),
                                                    plane});
                    }
                };
                each_thread([&](const auto& team) { team.stage(collapsed.data()); });
                each_thread([&](const auto& team) { team.evaluate(output); });
            }
        }
    }

    static void run_direct(const PlanView& plan, const UnitView& unit, const kernels::PointOutput& output) {
        std::vector<double> rates(static_cast<std::size_t>(max_recoil_nodes(plan)));
        std::vector<double> columns(static_cast<std::size_t>(plan.n_columns));
        PlaneCouplings couplings{};
        for (std::int64_t point = 0; point < unit.n_planes; ++point) {
            const auto each_thread = [&](const auto& step) {
                for (int thread = 0; thread < block_size; ++thread) {
                    step(kernels::DirectTeam{plan, unit, point, thread, block_size, couplings, rates.data(),
                                             columns.data()});
                }
            };
            each_thread([](const auto& team) { team.stage_couplings(); });
            for (int e = 0; e < plan.n_experiments; ++e) {
                const ExperimentView& experiment = plan.experiments[e];
                each_thread([&](const auto& team) { team.start_bins(experiment); });
                for (int c = 0; c < experiment.n_contributions; ++c) {
                    each_thread([&](const auto& team) { team.evaluate_rates(experiment.contributions[c]); });
                    each_thread([&](const auto& team) { team.add_bins(experiment, experiment.contributions[c]); });
                }
                each_thread([&](const auto& team) { team.finish_bins(experiment); });
            }
            each_thread([&](const auto& team) { team.evaluate_chi2(output); });
        }
    }

    const Plan& plan_;
};

} // namespace nuscan::testing
