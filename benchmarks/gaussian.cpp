// SPDX-License-Identifier: Apache-2.0
// Points per second with the Gaussian statistic, 21 features and 40 bins: collapsed rows against rows of bins, with the
// line axis profiled (a minimum with its place is all that is kept) and kept (every χ² is). Beside them the fused
// multiply-adds that the processor can do, of which a collapsed point needs four and a point of bins 3 × 40.
#include <benchmark/benchmark.h>
#include <omp.h>

#include <cmath>
#include <xsimd/xsimd.hpp>

#include "backends/backend.hpp"
#include "config/error.hpp"

namespace nuscan {
namespace {

//! One monoenergetic source of each flavour on free electrons: seven features each
Experiment three_flavours() {
    Experiment x;
    x.name = "flavours";
    x.statistic = Statistic::gaussian;
    for (const Flavour flavour : {Flavour::e, Flavour::mu, Flavour::tau}) {
        Source source;
        source.name = std::string("source") + "emt"[static_cast<int>(flavour)];
        source.flavour = flavour;
        source.flux = 1e12;
        source.lines = {{0.9, 1}};
        x.sources.push_back(source);
    }
    x.target.units = 4e26;
    x.target.shells = {{8, 1e-4}};
    x.target.n_electrons = 8;
    x.channels.emplace_back();
    x.channels[0].name = "electron";
    x.live_time = 3e6;
    x.response.constant_term = 1e-3;
    Background flat{"flat", {}, false, 0.1};
    for (int b = 0; b <= 40; ++b) {
        x.bin_edges.push_back(1e-3 * (1 + b));
    }
    for (int b = 0; b < 40; ++b) {
        x.counts.push_back(std::floor(130 + 30 * std::sin(b)));
        flat.counts.push_back(40);
    }
    x.backgrounds = {flat};
    return x;
}

ScanConfig map_of(int n, bool profiled) {
    ScanConfig config;
    config.experiments = {three_flavours()};
    const auto axis = [n](const char* name, double size, bool profile) {
        Axis a{find_parameter(name, {}, {}), {}, profile, Axis::Spacing::linear};
        for (int i = 0; i < n; ++i) {
            a.values.push_back(size * (2. * i / (n - 1) - 1));
        }
        return a;
    };
    config.axes = {axis("charge_radius.mumu", 1e-30, false), axis("charge.ee", 2e-12, profiled)};
    return config;
}

void gaussian(benchmark::State& state, BackendChoice choice, Method method, bool profiled) {
    omp_set_num_threads(1);
    const Plan plan(map_of(static_cast<int>(state.range(0)), profiled), method);
    std::unique_ptr<Backend> backend;
    try {
        std::string notice;
        backend = make_backend(choice, plan, notice);
    } catch (const InputError& error) {
        state.SkipWithError(error.what());
        return;
    }
    UnitResult result;
    for ([[maybe_unused]] auto _ : state) {
        for (std::uint64_t u = 0; u < plan.n_units(); ++u) {
            backend->evaluate(plan.unit(u), result);
            benchmark::DoNotOptimize(result.chi2.data());
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(plan.n_points()));
}

constexpr auto cpu = BackendChoice::cpu, cuda = BackendChoice::cuda;
BENCHMARK_CAPTURE(gaussian, collapsed_profiled, cpu, Method::collapsed, true)->Arg(401)->Arg(2001);
BENCHMARK_CAPTURE(gaussian, collapsed_kept, cpu, Method::collapsed, false)->Arg(401)->Arg(2001);
BENCHMARK_CAPTURE(gaussian, bins_profiled, cpu, Method::moments, true)->Arg(401)->Arg(2001);
BENCHMARK_CAPTURE(gaussian, bins_kept, cpu, Method::moments, false)->Arg(401)->Arg(2001);
// A collapsed unit has 2^30 points: the last fills one, the others show what launching kernels costs.
BENCHMARK_CAPTURE(gaussian, cuda_collapsed_profiled, cuda, Method::collapsed, true)
    ->Arg(401)
    ->Arg(4001)
    ->Arg(32001)
    ->UseRealTime();
BENCHMARK_CAPTURE(gaussian, cuda_collapsed_kept, cuda, Method::collapsed, false)->Arg(4001)->UseRealTime();
BENCHMARK_CAPTURE(gaussian, cuda_bins_profiled, cuda, Method::moments, true)->Arg(401)->Arg(4001)->UseRealTime();

//! Fused multiply-adds of one core: independent ones, as many as hide each other's latency
void multiply_adds(benchmark::State& state) {
    using Batch = xsimd::batch<double>;
    constexpr int n = 12;
    Batch x[n];
    for (int i = 0; i < n; ++i) {
        x[i] = Batch(1e-3 * i);
    }
    Batch a(0.999999), b(1e-7);
    benchmark::DoNotOptimize(a);
    benchmark::DoNotOptimize(b);
    constexpr int turns = 10000;
    for ([[maybe_unused]] auto _ : state) {
        for (int turn = 0; turn < turns; ++turn) {
            for (int i = 0; i < n; ++i) {
                x[i] = xsimd::fma(x[i], a, b);
            }
        }
        for (int i = 0; i < n; ++i) {
            benchmark::DoNotOptimize(x[i]);
        }
    }
    state.SetItemsProcessed(state.iterations() * turns * n * static_cast<std::int64_t>(Batch::size));
}
BENCHMARK(multiply_adds);

} // namespace
} // namespace nuscan
