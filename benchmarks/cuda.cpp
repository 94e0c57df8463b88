// SPDX-License-Identifier: Apache-2.0
// Points per second of the CUDA back end, each group of kernels by itself, for scripts/gpu-check: profilers run one
// benchmark at a time, and repetitions show the scatter. `nuscan bench` measures whole scans, on any back end.
#include <benchmark/benchmark.h>

#include <cmath>

#include "backends/backend.hpp"
#include "config/error.hpp"
#include "experiments/experiment_file.hpp"

namespace nuscan {
namespace {

Axis linear_axis(const char* name, double low, double high, int n, bool profile = false) {
    Axis axis{find_parameter(name, {}, {}), {}, profile, Axis::Spacing::linear};
    for (int i = 0; i < n; ++i) {
        axis.values.push_back(low + (high - low) * i / (n - 1));
    }
    return axis;
}

//! LZ 2022, a map of n × n points around the standard model: Poisson, one pull, 19 bins
ScanConfig lz_map(int n) {
    ScanConfig config;
    config.experiments = {read_experiment(find_experiment("lz-2022", {}))};
    config.axes = {linear_axis("magnetic_moment.universal", 0, 2.4e-11, n),
                   linear_axis("charge.universal", -8e-13, 1.2e-12, n)};
    return config;
}

//! LZ 2022 at n values of a mixing angle that moves its solar flux, with two points each: moments made anew, little
//! else
ScanConfig lz_moments(int n) {
    ScanConfig config = lz_map(2);
    config.axes[1] = linear_axis("theta12", 0.5, 0.7, n);
    return config;
}

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

//! χ² of n × n points, 21 features and 40 bins; the line axis is profiled or kept
ScanConfig gaussian_map(int n, bool profiled) {
    ScanConfig config;
    config.experiments = {three_flavours()};
    config.axes = {linear_axis("charge_radius.mumu", -1e-30, 1e-30, n),
                   linear_axis("charge.ee", -2e-12, 2e-12, n, profiled)};
    return config;
}

void evaluate(benchmark::State& state, const ScanConfig& config, Method method) {
    const Plan plan(config, method);
    std::unique_ptr<Backend> backend;
    try {
        std::string notice;
        backend = make_backend({BackendChoice::cuda}, plan, notice);
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
    state.SetLabel(backend->device());
}

void cuda_lz(benchmark::State& state, Method method) { evaluate(state, lz_map(int(state.range(0))), method); }
void cuda_slow(benchmark::State& state) { evaluate(state, lz_moments(int(state.range(0))), Method::moments); }
void cuda_gaussian(benchmark::State& state, Method method, bool profiled) {
    evaluate(state, gaussian_map(int(state.range(0)), profiled), method);
}

BENCHMARK_CAPTURE(cuda_lz, moments, Method::moments)->Arg(801)->Arg(8001)->UseRealTime();
BENCHMARK_CAPTURE(cuda_lz, direct, Method::direct)->Arg(100)->UseRealTime();
BENCHMARK(cuda_slow)->Arg(101)->UseRealTime();
// A collapsed unit has 2^30 points: the last fills one, the others show what launching kernels costs.
BENCHMARK_CAPTURE(cuda_gaussian, collapsed_profiled, Method::collapsed, true)
    ->Arg(401)
    ->Arg(4001)
    ->Arg(32001)
    ->UseRealTime();
BENCHMARK_CAPTURE(cuda_gaussian, collapsed_kept, Method::collapsed, false)->Arg(4001)->UseRealTime();
BENCHMARK_CAPTURE(cuda_gaussian, bins_profiled, Method::moments, true)->Arg(401)->Arg(4001)->UseRealTime();

} // namespace
} // namespace nuscan

BENCHMARK_MAIN();
