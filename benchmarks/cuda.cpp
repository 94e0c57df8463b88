// SPDX-License-Identifier: Apache-2.0
// What the CUDA back end gets out of a GPU, and what that could do at most, for scripts/gpu-check. Each row is a line
// of JSON, written when it is measured. `nuscan bench` measures whole scans, on any back end.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <stdexcept>
#include <utility>

#include "backends/backend.hpp"
#include "cuda_backend.hpp"
#include "device_rates.hpp"
#include "kernel_times.hpp"
#include "nuscan/version.hpp"
#include "scan/operations.hpp"
#include "scans.hpp"

namespace nuscan::benchmarks {

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Options {
    std::vector<std::string> only; // names begin with one of these; all but variants where there is none
    double seconds = 0.3;          // for each measurement
    int most_points = 100'000;     // of an axis
    bool emulated = false;
    bool once = false; // a unit of each row and nothing else, for profilers

    bool chosen(const std::string& name) const {
        return only.empty() ||
               std::any_of(only.begin(), only.end(), [&](const auto& x) { return name.rfind(x, 0) == 0; });
    }
};

std::unique_ptr<Backend> make_cuda(const Plan& plan, const CudaLimits& limits = {}) {
    std::string why_not;
    auto backend = make_cuda_backend(plan, why_not, {}, limits);
    if (!backend) {
        throw std::runtime_error(why_not);
    }
    return backend;
}

//! The largest |Δχ²| / (1 + χ²) between CPU and GPU, over a small unit from the middle of the scan
double difference_from_cpu(const Row& row) {
    const Plan plan(row.config, row.method, row.method == Method::direct ? 16 : 2048);
    const WorkUnit unit = plan.unit(plan.n_units() / 2);
    UnitResult cpu, cuda;
    make_cpu_backend(plan)->evaluate(unit, cpu);
    make_cuda(plan)->evaluate(unit, cuda);
    double largest = 0;
    for (std::size_t i = 0; i < cpu.chi2.size(); ++i) {
        const double difference = std::abs(cuda.chi2[i] - cpu.chi2[i]) / (1 + std::abs(cpu.chi2[i]));
        largest = std::max(largest, std::isnan(difference) ? HUGE_VAL : difference);
    }
    return largest;
}

/// Of one unit after another.
struct Speed {
    double points_per_second = 0, best_points_per_second = 0; //!< of the host's clock: the median of units, the best
    int n_units = 0;
    double kernel_points = 0; //!< evaluated while kernels were timed
    std::map<std::string, KernelTime> kernels;
};

Speed measure(const Plan& plan, Backend& backend, double seconds) {
    std::uint64_t next = plan.n_units() / 2; // where χ² is that of no corner
    UnitResult result;
    const auto evaluate_next = [&] {
        const WorkUnit unit = plan.unit(next++ % plan.n_units());
        backend.evaluate(unit, result);
        return static_cast<double>(unit.n_points());
    };
    evaluate_next(); // memory comes with the first
    std::vector<double> rates;
    for (const auto start = Clock::now(); rates.size() < 3 || seconds_since(start) < seconds;) {
        const auto before = Clock::now();
        const double points = evaluate_next();
        rates.push_back(points / seconds_since(before));
    }
    std::sort(rates.begin(), rates.end());
    Speed speed;
    speed.points_per_second = rates[rates.size() / 2];
    speed.best_points_per_second = rates.back();
    speed.n_units = static_cast<int>(rates.size());
    const KernelTimes times;
    for (const auto start = Clock::now(); speed.kernel_points == 0 || seconds_since(start) < seconds / 3;) {
        speed.kernel_points += evaluate_next();
    }
    speed.kernels = times.by_name();
    return speed;
}

std::string quoted(const std::string& text) { return '"' + text + '"'; } // of names, in which nothing is to be escaped

//! JSON has no numbers that are not finite
std::string number(double x) { return std::isfinite(x) ? fmt::format("{:.5g}", x) : "null"; }

std::string json_of(const Speed& speed) {
    std::string kernels;
    for (const auto& [name, time] : speed.kernels) {
        kernels += fmt::format(R"({}{}: {{"launches": {}, "seconds": {}}})", kernels.empty() ? "" : ", ", quoted(name),
                               time.launches, number(time.seconds));
    }
    return fmt::format(R"("wall_points_per_second": {}, "best_wall_points_per_second": {}, "units": {}, )"
                       R"("kernel_points_per_second": {}, "kernels": {{{}}})",
                       number(speed.points_per_second), number(speed.best_points_per_second), speed.n_units,
                       number(speed.kernel_points / total(speed.kernels)), kernels);
}

void print(const std::string& json) {
    fmt::print("{{{}}}\n", json);
    std::fflush(stdout);
}

void print_device(const Options& options) {
    const DeviceRates rates =
        options.emulated ? measure_device(1 << 16, 2, 8) : measure_device(std::size_t{1} << 29, 1 << 14, 1 << 12);
    print(fmt::format(
        R"("row": "device", "device": {}, "nuscan": {}, "commit": {}, "fp64_multiply_adds_per_second": {:.5g}, )"
        R"("bytes_per_second": {{"pinned to device": {:.4g}, "device to pinned": {:.4g}, "pageable to device": {:.4g}, )"
        R"("device to pageable": {:.4g}, "device to device, read and written": {:.4g}}}, )"
        R"("launch_seconds": {:.3g}, "launch_and_return_seconds": {:.3g}, "empty_kernel_seconds": {:.3g})",
        quoted(rates.device), quoted(version), quoted(commit), rates.fp64, rates.to_device, rates.to_host,
        rates.pageable_to_device, rates.pageable_to_host, rates.copy_on_device, rates.launch_seconds,
        rates.launch_and_return_seconds, rates.empty_kernel_seconds));
}

//! Energies × recoils of the direct method, of all contributions
double n_nodes(const Plan& plan) {
    const std::shared_ptr<const Tables> tables = plan.tables(plan.unit(0));
    double n = 0;
    for (int e = 0; e < tables->view().n_experiments; ++e) {
        const ExperimentView& x = tables->view().experiments[e];
        for (int c = 0; c < x.n_contributions; ++c) {
            n += x.contributions[c].first_node[x.contributions[c].n_recoils];
        }
    }
    return n;
}

//! In units as large as those of the largest scans
Plan plan_of(const Row& row) {
    return {row.config, row.method, default_unit_points(row.method, std::numeric_limits<std::uint64_t>::max())};
}

void print_row(const Row& row, const Options& options) {
    const Plan plan = plan_of(row);
    if (options.once) {
        UnitResult result;
        make_cuda(plan)->evaluate(plan.unit(plan.n_units() / 2), result);
        return;
    }
    std::string json = fmt::format(
        R"("row": {}, "what": {}, "method": {}, "points": {}, "unit_points": {}, "goal_points_per_second": {}, )"
        R"("goal_of_fp64": {}, "multiply_adds_per_point": {}, "chi2_difference": {}, )",
        quoted(row.name), quoted(row.what), quoted(method_name(row.method)), plan.n_points(), plan.unit(0).n_points(),
        number(row.goal), number(row.fp64_goal), number(operations_per_point(plan).arithmetic),
        number(difference_from_cpu(row)));
    if (row.method == Method::direct) {
        json += fmt::format(R"("nodes": {}, )", n_nodes(plan));
    }
    const auto backend = make_cuda(plan);
    print(json + json_of(measure(plan, *backend, options.seconds)));
}

//! Throughput of a row against points a unit: what a launch costs, and how large a unit should be
void print_unit_sizes(const Row& row, const Options& options) {
    std::uint64_t last = 0;
    for (int power = 10; power <= 30; power += 2) {
        const Plan plan(row.config, row.method, std::int64_t{1} << power);
        if (std::exchange(last, plan.unit(0).n_points()) == plan.unit(0).n_points()) {
            break; // a tile of kept points is no larger
        }
        const auto backend = make_cuda(plan);
        print(fmt::format(R"("row": "unit-sizes", "of": {}, "unit_points": {}, )", quoted(row.name),
                          plan.unit(0).n_points()) +
              json_of(measure(plan, *backend, options.seconds)));
    }
}

//! Throughput of a row against what bounds launches
void print_limits(const Row& row, const Options& options) {
    const Plan plan = plan_of(row);
    const auto print_with = [&](const char* name, auto CudaLimits::*limit, std::size_t value) {
        CudaLimits limits;
        limits.*limit = static_cast<std::remove_reference_t<decltype(limits.*limit)>>(value);
        const auto backend = make_cuda(plan, limits);
        print(fmt::format(R"("row": "limits", "of": {}, "limit": {}, "value": {}, )", quoted(row.name), quoted(name),
                          value) +
              json_of(measure(plan, *backend, options.seconds)));
    };
    for (const std::size_t mebibytes : {32, 128, 512, 2048}) {
        print_with("batch_bytes", &CudaLimits::batch_bytes, mebibytes << 20);
    }
    for (const std::size_t blocks : {264, 1056, 4224, 16896, 1 << 20}) { // of 132 multiprocessors
        print_with("blocks", &CudaLimits::blocks, blocks);
    }
    for (const std::size_t warps : {1024, 4096, 16384}) {
        print_with("winner_warps", &CudaLimits::winner_warps, warps);
    }
}

//! False where something failed; the rest is measured nevertheless
bool run(const Options& options) {
    bool is_fine = true;
    const auto chosen = [&](const std::string& name, const auto& measure_it) {
        try {
            if (options.chosen(name)) {
                measure_it();
            }
        } catch (const std::exception& error) {
            fmt::print(stderr, "{}: {}\n", name, error.what());
            is_fine = false;
        }
    };
    chosen("device", [&] { print_device(options); });
    const std::vector<Row> all = rows(options.most_points);
    for (const Row& row : all) {
        chosen(row.name, [&] { print_row(row, options); });
    }
    const auto with = [&](const char* what, const std::vector<std::string>& names, const auto& print_variants) {
        for (const Row& row : all) {
            if (!options.only.empty() && std::find(names.begin(), names.end(), row.name) != names.end()) {
                chosen(what, [&] { print_variants(row, options); });
            }
        }
    };
    with("unit-sizes", {"collapsed-32001", "gaussian-8001", "poisson-8001", "lz-8001"}, print_unit_sizes);
    with("limits", {"collapsed-32001", "lz-8001"}, print_limits);
    return is_fine;
}

} // namespace
} // namespace nuscan::benchmarks

int main(int argc, char** argv) {
    using namespace nuscan::benchmarks;
    Options options;
    bool probe = false;
    CLI::App app("Points per second of the CUDA back end, as lines of JSON");
    app.add_option("--only", options.only,
                   "What begins so: device, rows of scans.cpp (default: these), and variants: unit-sizes, limits");
    app.add_option("--seconds", options.seconds, "Time for each measurement (default: 0.3)");
    app.add_option("--most-points", options.most_points, "Of each axis");
    app.add_flag("--emulated", options.emulated, "Measures the device with hardly any work");
    app.add_flag("--once", options.once, "Evaluates a unit of each row and measures nothing");
    app.add_flag("--probe", probe, "Launches an empty kernel, and that is all");
    CLI11_PARSE(app, argc, argv);
    try {
        if (probe) {
            launch_nothing();
            return 0;
        }
        return run(options) ? 0 : 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
