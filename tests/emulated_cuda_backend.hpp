// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "backends/backend.hpp"
#include "kernels.hpp"
#include "packed_signals.hpp"

namespace nuscan::testing {

/// The bodies of the CUDA kernels, walked through on the host: the launches, blocks and threads of kernels.cu as loops,
/// every barrier as the end of a loop over threads. Runs under sanitizers; says nothing about timing.
class EmulatedCudaBackend final : public Backend {
public:
    explicit EmulatedCudaBackend(const Plan& plan) : plan_(plan) { upload(*plan.tables(plan.unit(0))); }

    std::string name() const override { return "emulated cuda"; }
    std::string device() const override { return "host"; }

    void evaluate(const WorkUnit& work, UnitResult& result) override {
        use_tables(work);
        const UnitView unit = work.view();
        const Launch x{packed_.view(), unit, kernels::row_layout(packed_.view().layout, unit)};
        const auto n_kept = static_cast<std::size_t>(unit.n_kept);
        result.chi2.assign(n_kept, -1);
        result.status.assign(n_kept, 255);
        result.profile_index.assign(unit.profiled ? n_kept : 0, 0);
        const kernels::WinnerArrays kept{result.chi2.data(), unit.profiled ? result.profile_index.data() : nullptr,
                                         result.status.data()};
        const bool direct = plan_.method() == Method::direct, collapsed = plan_.method() == Method::collapsed;
        const std::int64_t most = direct ? unit.n_planes : 3; // planes of a batch: fewer than there are
        Slots slots(unit.profiled ? most * unit.n_rows * x.rows.slots_per_row : 0);
        for (std::int64_t first = 0; first < unit.n_planes; first += most) {
            const kernels::PlaneBatch batch{first, std::min(most, unit.n_planes - first), slots.arrays()};
            const kernels::WinnerArrays& out = unit.profiled ? batch.slots : kept;
            if (direct) {
                run_direct(x, out);
            } else {
                run_planes(x, batch, out, collapsed);
            }
            if (unit.profiled) {
                run_winners(x, batch, kept);
            }
        }
    }

    //! Has the tables of a unit's slow parameters in memory
    void use_tables(const WorkUnit& work) {
        if (plan_.slow_axes().empty()) {
            return;
        }
        if (plan_.method() == Method::direct) {
            upload(*plan_.tables(work));
        } else {
            run_signals(*plan_.setting(work));
        }
    }

    //! Moments, and where they are whitened these, of an experiment in memory
    const ExperimentView& experiment(std::size_t e) const { return packed_.view().experiments[e]; }

private:
    static constexpr int n_threads = 32;

    //! Memory of its own for what is packed, in which pointers are first as on another machine
    template <class Pack>
    static void place(std::vector<std::byte>& memory, const Packed& packed, const Pack& pack) {
        pack(nullptr);
        memory.assign(packed.bytes().size(), std::byte{});
        pack(memory.data());
        std::copy(packed.bytes().begin(), packed.bytes().end(), memory.begin());
    }

    void upload(const Tables& tables) {
        place(memory_, packed_.packed(), [&](void* base) { packed_.pack(tables.view(), base); });
        place(response_, signals_.response(),
              [&](void* base) { signals_.pack_response(plan_, tables, packed_, base); });
    }

    //! The launches that make moments
    void run_signals(const Setting& setting) {
        signals_.pack_inputs(setting, nullptr, nullptr);
        std::vector<double> scratch(signals_.scratch_size() / sizeof(double) + 1, constants::not_a_number);
        std::vector<std::byte> inputs;
        place(inputs, signals_.inputs(), [&](void* base) { signals_.pack_inputs(setting, base, scratch.data()); });
        const kernels::SignalsView& x = signals_.view();
        for (int s = 0; s < x.n_spectra; ++s) {
            each_thread([&](int thread) { kernels::SpectrumTeam{x.spectra[s], thread, n_threads}.integrate(); });
            each_thread([&](int thread) { kernels::SpectrumTeam{x.spectra[s], thread, n_threads}.add_up(); });
        }
        const int n_places = (x.most_recoils + n_threads - 1) / n_threads * n_threads; // of whole blocks
        for (int i = 0; i < n_places; ++i) {
            for (int s = 0; s < x.n_scatterers; ++s) {
                kernels::evaluate_nuclei(x, s, i);
            }
        }
        for (int i = 0; i < n_places; ++i) {
            for (int c = 0; c < x.n_contributions; ++c) {
                kernels::evaluate_rates(x, c, i);
            }
        }
        for (int f = 0; f < x.n_features; ++f) {
            each_thread([&](int thread) { kernels::FeatureTeam{x, f, thread, n_threads}.sum_bins(); });
            each_thread([&](int thread) { kernels::FeatureTeam{x, f, thread, n_threads}.whiten(); });
        }
    }

    struct Launch {
        const PlanView& plan;
        const UnitView& unit;
        kernels::RowLayout rows;
    };

    struct Slots {
        std::vector<double> chi2;
        std::vector<std::int64_t> profile;
        std::vector<unsigned char> status;
        explicit Slots(std::int64_t n)
            : chi2(static_cast<std::size_t>(n), -1), profile(static_cast<std::size_t>(n), -1),
              status(static_cast<std::size_t>(n), 255) {}
        kernels::WinnerArrays arrays() { return {chi2.data(), profile.data(), status.data()}; }
    };

    template <class Step>
    static void each_thread(const Step& step) {
        for (int thread = 0; thread < n_threads; ++thread) {
            step(thread);
        }
    }

    static void run_planes(const Launch& x, const kernels::PlaneBatch& batch, const kernels::WinnerArrays& out,
                           bool collapsed) {
        const int n_features = x.plan.n_features * n_plane_coefficients;
        const int n_coefficients = x.plan.n_columns * n_plane_coefficients;
        std::vector<double> features(static_cast<std::size_t>(n_features));
        std::vector<double> coefficients(static_cast<std::size_t>(batch.n_planes * n_coefficients));
        std::vector<kernels::PlanePlace> places;
        for (std::int64_t p = 0; p < batch.n_planes; ++p) {
            plane_features(x.plan, x.unit, batch.first_plane + p, features.data());
            places.push_back(kernels::plane_place(x.plan, x.unit, batch.first_plane + p));
            for (int i = 0; i < n_coefficients; ++i) {
                coefficients[static_cast<std::size_t>(p * n_coefficients + i)] =
                    kernels::plane_coefficient(x.plan, features.data(), i);
            }
        }
        if (collapsed && axis_shape(x.plan, x.plan.layout.line_axis) == AxisShape::linear) {
            run_collapsed_rows<AxisShape::linear>(x, batch, places.data(), coefficients, out);
        } else if (collapsed) {
            run_collapsed_rows<AxisShape::circular>(x, batch, places.data(), coefficients, out);
        } else {
            switch (kernels::bins_kind(x.plan)) {
            case kernels::BinsKind::gaussian:
                return run_rows<kernels::GaussianBins>(x, batch, places.data(), coefficients.data(), out);
            case kernels::BinsKind::one_pull:
                return run_rows<kernels::OnePullBins>(x, batch, places.data(), coefficients.data(), out);
            case kernels::BinsKind::many_pulls:
                return run_rows<kernels::ManyPullsBins>(x, batch, places.data(), coefficients.data(), out);
            case kernels::BinsKind::systematics:
                return run_rows<kernels::SystematicsBins>(x, batch, places.data(), coefficients.data(), out);
            }
        }
    }

    template <class Work>
    static void each_segment(const Launch& x, const kernels::PlaneBatch& batch, const kernels::PlanePlace* places,
                             const Work& work) {
        const auto n_rows = static_cast<std::uint32_t>(batch.n_planes * x.unit.n_rows);
        for (std::uint32_t r = 0; r < n_rows; ++r) {
            for (int segment = 0; segment < x.rows.n_segments; ++segment) {
                work(kernels::row_of(x.plan, x.unit, x.rows, places, r, segment));
            }
        }
    }

    template <class Bins>
    static void run_rows(const Launch& x, const kernels::PlaneBatch& batch, const kernels::PlanePlace* places,
                         const double* coefficients, const kernels::WinnerArrays& out) {
        std::vector<double> shared(static_cast<std::size_t>(3 * x.plan.n_columns));
        each_segment(x, batch, places, [&](const kernels::Row& row) {
            const auto team = [&](int thread) {
                return kernels::RowTeam<Bins>{x.plan, x.unit, x.rows, row, thread, n_threads, shared.data()};
            };
            each_thread([&](int thread) {
                team(thread).stage(coefficients + row.plane * n_plane_coefficients * x.plan.n_columns);
            });
            Winner best;
            each_thread([&](int thread) { best.offer(team(thread).evaluate(out)); });
            if (x.rows.line_profiled) {
                kernels::store_segment(x.rows, row, best, out);
            }
        });
    }

    template <AxisShape shape>
    static void run_collapsed_rows(const Launch& x, const kernels::PlaneBatch& batch, const kernels::PlanePlace* places,
                                   std::vector<double>& coefficients, const kernels::WinnerArrays& out) {
        const int n_numbers = n_plane_numbers(x.plan);
        std::vector<double> shared(n_row_numbers), collapsed(static_cast<std::size_t>(batch.n_planes * n_numbers));
        const std::int64_t n_coefficients = n_plane_coefficients * x.plan.n_columns;
        for (std::int64_t p = 0; p < batch.n_planes; ++p) {
            double* plane = coefficients.data() + p * n_coefficients;
            for (int c = 0; c < x.plan.n_columns; ++c) {
                centre_column(x.plan, plane, c);
            }
            for (int b = 0; b < x.plan.n_bins; ++b) {
                move_bin(x.plan, plane, b);
            }
            for (int i = 0; i < n_numbers; ++i) {
                collapsed[static_cast<std::size_t>(p * n_numbers + i)] = plane_number(x.plan, plane, i);
            }
        }
        if (n_pulled_signals(x.plan) > 0) {
            return run_pulled_rows<shape>(x, batch, places, coefficients.data(), collapsed.data(), out);
        }
        if (x.rows.line_profiled) {
            return run_collapsed_minima<shape>(x, batch, places, coefficients.data(), collapsed.data(), out);
        }
        each_segment(x, batch, places, [&](const kernels::Row& row) {
            const auto team = [&](int thread) {
                return kernels::CollapsedTeam{x.plan, x.unit, x.rows, row, thread, n_threads, shared.data()};
            };
            each_thread([&](int thread) { team(thread).stage(collapsed.data() + row.plane * n_collapsed); });
            each_thread([&](int thread) {
                team(thread).template evaluate<shape>(coefficients.data() + row.plane * n_coefficients, out);
            });
        });
    }

    template <AxisShape shape>
    static void run_pulled_rows(const Launch& x, const kernels::PlaneBatch& batch, const kernels::PlanePlace* places,
                                const double* coefficients, const double* collapsed, const kernels::WinnerArrays& out) {
        std::vector<double> shared(kernels::PulledTeam::n_numbers);
        each_segment(x, batch, places, [&](const kernels::Row& row) {
            const auto team = [&](int thread) {
                return kernels::PulledTeam{x.plan, x.unit, x.rows, row, thread, n_threads, shared.data()};
            };
            each_thread([&](int thread) { team(thread).stage(collapsed + row.plane * n_plane_numbers(x.plan)); });
            Winner best;
            each_thread([&](int thread) {
                best.offer(team(thread).template evaluate<shape>(
                    coefficients + row.plane * n_plane_coefficients * x.plan.n_columns, out));
            });
            if (x.rows.line_profiled) {
                kernels::store_segment(x.rows, row, best, out);
            }
        });
    }

    template <AxisShape shape>
    static void run_collapsed_minima(const Launch& x, const kernels::PlaneBatch& batch,
                                     const kernels::PlanePlace* places, const double* coefficients,
                                     const double* collapsed, const kernels::WinnerArrays& out) {
        using Minima = kernels::CollapsedMinima<shape>;
        const auto n = static_cast<std::uint32_t>(batch.n_planes * x.unit.n_rows);
        for (int segment = 0; segment < x.rows.n_segments; ++segment) {
            const auto line = std::make_unique<kernels::LineSegment<shape>>();
            bool has_prior = false;
            each_thread([&](int thread) {
                const std::int64_t first = static_cast<std::int64_t>(segment) * kernels::segment_points;
                has_prior = line->stage(x.plan, x.unit, first, thread, n_threads) || has_prior;
            });
            each_thread([&](int thread) { line->stage_extents(thread, n_threads); });
            for (std::uint32_t r = 0; r < n; r += Minima::n_rows) {
                kernels::Row rows[Minima::n_rows];
                Winner winners[Minima::n_rows];
                for (std::uint32_t k = 0; k < Minima::n_rows; ++k) {
                    rows[k] = kernels::row_of(x.plan, x.unit, x.rows, places, std::min(r + k, n - 1), segment);
                }
                Minima{x.plan, x.unit, *line, has_prior}.evaluate(rows, collapsed, coefficients, winners);
                for (int k = 0; k < Minima::n_rows; ++k) {
                    kernels::store_segment(x.rows, rows[k], winners[k], out);
                }
            }
        }
    }

    static void run_direct(const Launch& x, const kernels::WinnerArrays& out) {
        constexpr int n_rates = 50; // fewer than most contributions have
        std::vector<double> rates(n_rates);
        std::vector<double> columns(static_cast<std::size_t>(x.plan.n_columns));
        for (std::int64_t point = 0; point < x.unit.n_planes; ++point) {
            const PlaneCouplings couplings = plane_couplings(x.plan.parameters, x.plan.layout, x.unit, point);
            const kernels::PlanePlace place = kernels::plane_place(x.plan, x.unit, point);
            const auto team = [&](int thread) {
                return kernels::DirectTeam{x.plan,    x.unit,  point,        thread,        n_threads,
                                           couplings, n_rates, rates.data(), columns.data()};
            };
            for (int e = 0; e < x.plan.n_experiments; ++e) {
                const ExperimentView& experiment = x.plan.experiments[e];
                each_thread([&](int thread) { team(thread).start_bins(experiment); });
                for (int c = 0; c < experiment.n_contributions; ++c) {
                    const ContributionView& contribution = experiment.contributions[c];
                    for (int first = 0; first < contribution.n_recoils; first += n_rates) {
                        each_thread([&](int thread) { team(thread).evaluate_rates(contribution, first); });
                        each_thread([&](int thread) { team(thread).add_bins(experiment, contribution, first); });
                    }
                }
                each_thread([&](int thread) { team(thread).finish_bins(experiment); });
            }
            each_thread([&](int thread) { team(thread).evaluate_columns(); });
            kernels::Row row = kernels::row_of(x.plan, x.unit, x.rows, &place, 0, 0);
            row.slot = point;
            const Chi2 chi2 = x.plan.n_systematics > 0
                                  ? kernels::direct_chi2<PullCount::any>(x.plan, columns.data(), row.penalty)
                                  : kernels::direct_chi2<PullCount::several>(x.plan, columns.data(), row.penalty);
            kernels::store_point(x.unit, x.rows, row, 0, chi2, out);
        }
    }

    static void run_winners(const Launch& x, const kernels::PlaneBatch& batch, const kernels::WinnerArrays& kept) {
        constexpr std::int64_t n_chunks = 2;
        for (std::int64_t i = 0; i < x.unit.n_kept; ++i) {
            Winner best;
            for (std::int64_t chunk = 0; chunk < n_chunks; ++chunk) {
                each_thread([&](int thread) {
                    best.offer(
                        kernels::best_slot(x.plan, x.unit, x.rows, batch, i, chunk, n_chunks, thread, n_threads));
                });
            }
            if (batch.first_plane > 0) {
                best.offer(kept.load(i));
            }
            kept.store(i, best);
        }
    }

    const Plan& plan_;
    PackedPlan packed_;
    PackedSignals signals_;
    std::vector<std::byte> memory_, response_;
};

} // namespace nuscan::testing
