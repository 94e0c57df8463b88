// SPDX-License-Identifier: Apache-2.0
#include "cli/machine.hpp"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>
#include <xsimd/xsimd.hpp>
#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace nuscan::cli {

namespace {

using Vector = xsimd::batch<double>;

constexpr int turns = 2000;        // tens of microseconds
constexpr int n_side_by_side = 12; // as many as hide each other's latency

// Each does `turns` times something to independent numbers and returns how many results that makes. What is done stays
// finite and cannot be left out: the numbers come and go through `seed`.
double multiply_adds(double& seed) {
    Vector x[n_side_by_side];
    std::fill(x, x + n_side_by_side, Vector(seed));
    const Vector a(seed), b(1e-7);
    for (int turn = 0; turn < turns; ++turn) {
        for (Vector& value : x) {
            value = xsimd::fma(value, a, b);
        }
    }
    for (const Vector& value : x) {
        seed = std::min(seed, value.get(0));
    }
    return double(turns) * n_side_by_side * double(Vector::size);
}

double divisions(double& seed) {
    Vector x[n_side_by_side];
    std::fill(x, x + n_side_by_side, Vector(seed));
    const Vector a(seed);
    for (int turn = 0; turn < turns; ++turn) {
        for (Vector& value : x) {
            value = a / value;
        }
    }
    for (const Vector& value : x) {
        seed = std::min(seed, value.get(0));
    }
    return double(turns) * n_side_by_side * double(Vector::size);
}

#ifdef __x86_64__
[[gnu::target("avx512f")]] double multiply_adds_512(double& seed) {
    __m512d x[n_side_by_side];
    std::fill(x, x + n_side_by_side, _mm512_set1_pd(seed));
    const __m512d a = _mm512_set1_pd(seed), b = _mm512_set1_pd(1e-7);
    for (int turn = 0; turn < turns; ++turn) {
        for (__m512d& value : x) {
            value = _mm512_fmadd_pd(value, a, b);
        }
    }
    for (const __m512d& value : x) {
        seed = std::min(seed, _mm512_cvtsd_f64(value));
    }
    return double(turns) * n_side_by_side * 8;
}
#endif

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// What all threads together do a second where they share nothing: the best of many short calls of each, as long ones
/// would count what other programs take.
double best_of_calls(int threads, double seconds, double (*kernel)(double&)) {
    double sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
    {
        const auto start = Clock::now();
        double best = 0;
        do {
            volatile double one = 0.999999; // which the compiler does not know
            double seed = one;
            const auto before = Clock::now();
            const double done = kernel(seed);
            best = std::max(best, done / seconds_since(before));
            one = seed;
        } while (seconds_since(start) < seconds);
        sum += best;
    }
    return sum;
}

//! Bytes a second that all threads together read and write: the best of five rounds
double copy_rate(int threads) {
    constexpr std::size_t n = std::size_t{1} << 28;
    const std::vector<char> from(n, 1);
    std::vector<char> to(n, 0);
    const std::size_t share = n / static_cast<std::size_t>(threads);
    double best = 0;
    for (int round = 0; round < 5; ++round) {
        const auto start = Clock::now();
#pragma omp parallel num_threads(threads)
        {
            const std::size_t first = share * static_cast<std::size_t>(omp_get_thread_num());
            std::memcpy(to.data() + first, from.data() + first, share);
        }
        best = std::max(best, 2. * static_cast<double>(share) * threads / seconds_since(start));
    }
    return best;
}

} // namespace

MachineRates measure_machine(int threads, double seconds) {
    MachineRates rates{};
    rates.multiply_adds = best_of_calls(threads, seconds, multiply_adds);
    rates.divisions = best_of_calls(threads, seconds, divisions);
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) {
        rates.multiply_adds = std::max(rates.multiply_adds, best_of_calls(threads, seconds, multiply_adds_512));
    }
#endif
    rates.copied_bytes = copy_rate(threads);
    return rates;
}

} // namespace nuscan::cli
