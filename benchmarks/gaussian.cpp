// SPDX-License-Identifier: Apache-2.0
// Points per second with the Gaussian statistic, 21 features and 40 bins: collapsed rows against rows of bins, with the
// line axis profiled (a minimum with its place is all that is kept) and kept (every χ² is). Beside them the fused
// multiply-adds that the processor can do, of which a collapsed point needs four and a point of bins 3 × 40.
#include <benchmark/benchmark.h>
#include <omp.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif
#include <xsimd/xsimd.hpp>

#include "backends/backend.hpp"
#include "config/error.hpp"
#include "gaussian_map.hpp"

namespace nuscan {
namespace {

void gaussian(benchmark::State& state, BackendChoice choice, Method method, bool profiled) {
    omp_set_num_threads(1);
    const Plan plan(gaussian_map(static_cast<int>(state.range(0)), profiled), method);
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

//! Fused multiply-adds of one core, with AVX2: independent ones, as many as hide each other's latency
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

#ifdef __x86_64__
//! The same with AVX-512, for which nothing else here is compiled
[[gnu::target("avx512f")]] void multiply_adds_avx512(benchmark::State& state) {
    if (!__builtin_cpu_supports("avx512f")) {
        state.SkipWithError("this processor has no AVX-512");
        return;
    }
    constexpr int n = 12, turns = 10000;
    __m512d x[n], a = _mm512_set1_pd(0.999999), b = _mm512_set1_pd(1e-7);
    for (int i = 0; i < n; ++i) {
        x[i] = _mm512_set1_pd(1e-3 * i);
    }
    benchmark::DoNotOptimize(a);
    benchmark::DoNotOptimize(b);
    for ([[maybe_unused]] auto _ : state) {
        for (int turn = 0; turn < turns; ++turn) {
            for (int i = 0; i < n; ++i) {
                x[i] = _mm512_fmadd_pd(x[i], a, b);
            }
        }
        for (int i = 0; i < n; ++i) {
            benchmark::DoNotOptimize(x[i]);
        }
    }
    state.SetItemsProcessed(state.iterations() * turns * n * 8);
}
BENCHMARK(multiply_adds_avx512);
#endif

} // namespace
} // namespace nuscan
