// SPDX-License-Identifier: Apache-2.0
#include "device_rates.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "cuda_device.hpp"
#include "device_memory.hpp"
#include "kernel_times.hpp"

namespace nuscan::benchmarks {

namespace {

constexpr int block_size = 256;
constexpr int n_side_by_side = 8; // as many as hide each other's latency, with all the threads that a device holds

__global__ void __launch_bounds__(block_size) multiply_adds_kernel(double a, double b, int n_turns, double* out) {
    double x[n_side_by_side];
    for (int k = 0; k < n_side_by_side; ++k) {
        x[k] = a + k + threadIdx.x;
    }
    for (int turn = 0; turn < n_turns; ++turn) {
        for (int k = 0; k < n_side_by_side; ++k) {
            x[k] = std::fma(x[k], a, b);
        }
    }
    double sum = 0;
    for (int k = 0; k < n_side_by_side; ++k) {
        sum += x[k];
    }
    if (sum == 0) { // never, but the compiler does not know that
        out[blockIdx.x] = sum;
    }
}

__global__ void empty_kernel() {}

using Clock = std::chrono::steady_clock;
constexpr int n_repetitions = 5;

//! The least seconds of the host until the device is done
template <class Work>
double least_seconds(const Stream& stream, const Work& work) {
    double least = HUGE_VAL;
    for (int i = 0; i <= n_repetitions; ++i) { // the first also makes what is needed
        const auto start = Clock::now();
        work();
        stream.synchronize();
        least = std::min(least, std::chrono::duration<double>(Clock::now() - start).count());
    }
    return least;
}

double multiply_adds(const Stream& stream, int n_blocks, int n_turns) {
    const DeviceArray<double> out(static_cast<std::size_t>(n_blocks));
    double least = HUGE_VAL;
    for (int i = 0; i < n_repetitions; ++i) {
        const KernelTimes times;
        multiply_adds_kernel<<<static_cast<unsigned int>(n_blocks), block_size, 0, stream>>>(0.999, 1e-3, n_turns,
                                                                                             out.data());
        NUSCAN_CUDA_CHECK(cudaGetLastError());
        stream.synchronize();
        least = std::min(least, total(times.by_name()));
    }
    return double(n_blocks) * block_size * n_side_by_side * n_turns / least;
}

} // namespace

DeviceRates measure_device(std::size_t bytes, int n_blocks, int n_turns) {
    std::string why_not;
    const std::optional<CudaDevice> chosen = choose_cuda_device({}, why_not);
    if (!chosen) {
        throw std::runtime_error(why_not);
    }
    DeviceRates rates{};
    rates.device = chosen->name;
    const Stream stream;
    rates.fp64 = multiply_adds(stream, n_blocks, n_turns);

    const DeviceArray<char> on_device(bytes), other(bytes);
    const PinnedArray<char> pinned(bytes);
    std::vector<char> pageable(bytes, 1);
    std::memset(pinned.data(), 1, bytes);
    const auto bytes_per_second = [&](void* to, const void* from, cudaMemcpyKind kind) {
        return static_cast<double>(bytes) /
               least_seconds(stream, [&] { NUSCAN_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, kind, stream)); });
    };
    rates.to_device = bytes_per_second(on_device.data(), pinned.data(), cudaMemcpyHostToDevice);
    rates.copy_on_device = bytes_per_second(other.data(), on_device.data(), cudaMemcpyDeviceToDevice);
    rates.to_host = bytes_per_second(pinned.data(), on_device.data(), cudaMemcpyDeviceToHost);
    rates.pageable_to_device = bytes_per_second(on_device.data(), pageable.data(), cudaMemcpyHostToDevice);
    rates.pageable_to_host = bytes_per_second(pageable.data(), on_device.data(), cudaMemcpyDeviceToHost);

    constexpr int n_launches = 1000;
    rates.launch_seconds = least_seconds(stream,
                                         [&] {
                                             for (int i = 0; i < n_launches; ++i) {
                                                 empty_kernel<<<1, 1, 0, stream>>>();
                                             }
                                         }) /
                           n_launches;
    rates.launch_and_return_seconds = least_seconds(stream, [&] { empty_kernel<<<1, 1, 0, stream>>>(); });
    const KernelTimes times;
    for (int i = 0; i < n_launches; ++i) {
        empty_kernel<<<1, 1, 0, stream>>>();
    }
    NUSCAN_CUDA_CHECK(cudaGetLastError());
    stream.synchronize();
    rates.empty_kernel_seconds = total(times.by_name()) / n_launches;
    return rates;
}

void launch_nothing() {
    const Stream stream;
    empty_kernel<<<1, 1, 0, stream>>>();
    NUSCAN_CUDA_CHECK(cudaGetLastError());
    stream.synchronize();
}

} // namespace nuscan::benchmarks
