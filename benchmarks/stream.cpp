// SPDX-License-Identifier: Apache-2.0
// A dense map to disk: bytes per second of a whole scan, without start-up and comparison with the reference, beside
// those of write(2) of the same bytes. In the folder that NUSCAN_BENCHMARK_FOLDER names, or else the current one.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "gaussian_map.hpp"
#include "scan/scan.hpp"

namespace nuscan {
namespace {

std::string file_in_folder(const std::string& name) {
    const char* folder = std::getenv("NUSCAN_BENCHMARK_FOLDER");
    return std::string(folder ? folder : ".") + "/" + name;
}

constexpr std::int64_t bytes_per_point = sizeof(double) + 1; // χ² and status

void scan_to_file(benchmark::State& state) {
    const Plan plan(gaussian_map(static_cast<int>(state.range(0)), false), Method::collapsed);
    const auto backend = make_cpu_backend(plan);
    ScanOptions options;
    options.output = file_in_folder("nuscan-benchmark.h5");
    options.overwrite = true;
    options.parity_points = 0;
    for ([[maybe_unused]] auto _ : state) {
        run_scan(plan, *backend, options);
    }
    std::filesystem::remove(options.output);
    state.SetBytesProcessed(state.iterations() * bytes_per_point * static_cast<std::int64_t>(plan.n_points()));
}

//! In pieces of a chunk, with one fdatasync at the end
void raw_writes(benchmark::State& state) {
    const std::vector<char> chunk(std::size_t{1} << 22, 'x');
    const std::string path = file_in_folder("nuscan-benchmark.raw");
    const std::int64_t size = state.range(0) * state.range(0) * bytes_per_point;
    for ([[maybe_unused]] auto _ : state) {
        const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0666);
        std::int64_t left = size;
        while (left > 0) {
            const ssize_t n = ::write(file, chunk.data(), std::min(chunk.size(), static_cast<std::size_t>(left)));
            if (n <= 0) {
                state.SkipWithError("cannot write");
                break;
            }
            left -= n;
        }
        ::fdatasync(file);
        ::close(file);
    }
    std::filesystem::remove(path);
    state.SetBytesProcessed(state.iterations() * size);
}

BENCHMARK(scan_to_file)->Arg(801)->Arg(16384)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(raw_writes)->Arg(801)->Arg(16384)->UseRealTime()->Unit(benchmark::kMillisecond);

} // namespace
} // namespace nuscan
