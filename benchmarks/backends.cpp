// SPDX-License-Identifier: Apache-2.0
// Points per second of back ends and methods on the map of LZ 2022 (magnetic moment × millicharge), work unit by work
// unit: no start-up, no files. Google Benchmark prints the table; --benchmark_out=FILE writes JSON.
#include <benchmark/benchmark.h>
#include <omp.h>

#include "backends/backend.hpp"
#include "config/error.hpp"
#include "experiments/experiment_file.hpp"

namespace nuscan {
namespace {

//! A map of n × n points around the standard model
ScanConfig lz_map(int n) {
    ScanConfig config;
    config.experiments = {read_experiment(find_experiment("lz-2022", {}))};
    const auto axis = [n](const char* name, double low, double high) {
        Axis a{find_parameter(name, {}, {}), {}, false, Axis::Spacing::linear};
        for (int i = 0; i < n; ++i) {
            a.values.push_back(n == 1 ? low : low + (high - low) * i / (n - 1));
        }
        return a;
    };
    config.axes = {axis("magnetic_moment.universal", 0, 2.4e-11), axis("charge.universal", -8e-13, 1.2e-12)};
    return config;
}

void evaluate(benchmark::State& state, BackendChoice choice, Method method) {
    omp_set_num_threads(static_cast<int>(state.range(1)));
    const Plan plan(lz_map(static_cast<int>(state.range(0))), method);
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
    state.SetLabel(backend->device());
}

void with_threads(benchmark::internal::Benchmark* b, std::initializer_list<int> sides) {
    b->ArgNames({"side", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
    for (const int side : sides) {
        b->Args({side, 1});
        if (omp_get_num_procs() > 1) {
            b->Args({side, omp_get_num_procs()});
        }
    }
}

BENCHMARK_CAPTURE(evaluate, cpu_moments, BackendChoice::cpu, Method::moments)->Apply([](auto* b) {
    with_threads(b, {1, 30, 801});
});
BENCHMARK_CAPTURE(evaluate, cpu_direct, BackendChoice::cpu, Method::direct)->Apply([](auto* b) {
    with_threads(b, {4});
});
BENCHMARK_CAPTURE(evaluate, reference, BackendChoice::reference, Method::direct)->Apply([](auto* b) {
    b->ArgNames({"side", "threads"})->Args({2, 1})->UseRealTime()->Unit(benchmark::kMillisecond);
});
BENCHMARK_CAPTURE(evaluate, cuda_moments, BackendChoice::cuda, Method::moments)->Apply([](auto* b) {
    b->ArgNames({"side", "threads"})->Args({801, 1})->Args({8001, 1})->UseRealTime()->Unit(benchmark::kMillisecond);
});
BENCHMARK_CAPTURE(evaluate, cuda_direct, BackendChoice::cuda, Method::direct)->Apply([](auto* b) {
    b->ArgNames({"side", "threads"})->Args({100, 1})->UseRealTime()->Unit(benchmark::kMillisecond);
});

} // namespace
} // namespace nuscan

BENCHMARK_MAIN();
