// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <omp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/machine.hpp"
#include "cli/text.hpp"
#include "cli/waiting.hpp"
#include "experiments/experiment_file.hpp"
#include "nuscan/version.hpp"
#include "scan/operations.hpp"
#include "scan/scan.hpp"

namespace nuscan::cli {

namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
    std::string file, json;
    BackendArguments backend;
    std::string method = "auto";
    double seconds = 0.5;
    std::vector<std::string> set;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

//! Magnetic moment × charge of LZ 2022: what is measured where no scan file is given
ScanConfig default_scan() {
    ScanConfig config;
    config.title = "LZ 2022: magnetic moment against millicharge";
    config.experiments = {read_experiment(find_experiment("lz-2022", {"bench", 0}))};
    const auto axis = [](const char* name, double low, double high) {
        constexpr int n = 2048;
        Axis a{find_parameter(name, {}, {}), {}, false, Axis::Spacing::linear};
        for (int i = 0; i < n; ++i) {
            a.values.push_back(low + (high - low) * i / (n - 1));
        }
        return a;
    };
    config.axes = {axis("magnetic_moment.universal", 0, 2.4e-11), axis("charge.universal", -8e-13, 1.2e-12)};
    return config;
}

//! Points a second on so many threads
struct Rate {
    int threads;
    double points_per_second;
};

//! A call of the back end with so many points
struct Batch {
    std::uint64_t points;
    std::vector<Rate> rates;
};

struct Report {
    std::string title, backend, device, instruction_set, method;
    int bins, features, pulls;
    double points;
    Operations operations;
    double result_bytes;
    double reading, moments, first_point; //!< [s]
    std::vector<std::pair<int, MachineRates>> machine;
    std::vector<Batch> batches;
    std::optional<double> end_to_end; //!< points/s
    double peak_bytes;
    double load, clock; //!< tasks that were running before; highest [MHz] after

    const MachineRates* rates_of(int threads) const {
        for (const auto& [n, rates] : machine) {
            if (n == threads) {
                return &rates;
            }
        }
        return nullptr;
    }

    //! Points a second at most: by instructions, dividers working beside the others. Zero where nothing was measured
    double limit(int threads) const {
        const MachineRates* rates = rates_of(threads);
        if (rates == nullptr) {
            return 0;
        }
        const double instructions = operations.arithmetic + operations.logarithms;
        return 1 / std::max(instructions / rates->multiply_adds, operations.divisions / rates->divisions);
    }
};

//! The best of as many calls as fit into the time: two at least, as memory comes with the first
double points_per_second(Backend& backend, const WorkUnit& unit, double seconds) {
    UnitResult result;
    double best = constants::infinity;
    const auto start = Clock::now();
    for (int call = 0; call < 2 || seconds_since(start) < seconds; ++call) {
        const auto before = Clock::now();
        backend.evaluate(unit, result);
        best = std::min(best, seconds_since(before));
    }
    return static_cast<double>(unit.n_points()) / best;
}

//! Until a batch takes longer than the time for it
std::vector<Batch> measure_batches(const Plan& scan, const BackendRequest& request, const std::vector<int>& threads,
                                   double seconds) {
    std::vector<Batch> batches;
    const std::int64_t most = default_unit_points(scan.method(), scan.n_points());
    for (std::int64_t points = 1;; points = std::min(16 * points, most)) {
        const Plan plan(scan.config(), scan.method(), points);
        std::string notice;
        const std::unique_ptr<Backend> backend = make_backend(request, plan, notice);
        const WorkUnit unit = plan.unit(plan.n_units() / 2); // in the middle, where χ² is that of no corner
        Batch batch{unit.n_points(), {}};
        bool too_long = false;
        if (batches.empty() || batch.points > batches.back().points) {
            for (const int n : threads) {
                omp_set_num_threads(n);
                batch.rates.push_back({n, points_per_second(*backend, unit, seconds)});
                too_long =
                    too_long || static_cast<double>(batch.points) > seconds * batch.rates.back().points_per_second;
            }
            batches.push_back(std::move(batch));
        }
        if (too_long || points == most || plan.n_units() == 1) {
            return batches;
        }
    }
}

/// Points a second of a scan with its result file, or of as much of it as \p seconds allow. Nothing where the file
/// would be above a gibibyte.
std::optional<double> measure_scan(const Plan& plan, Backend& backend, double seconds) {
    namespace fs = std::filesystem;
    if (result_bytes_per_point(plan) * static_cast<double>(plan.n_points()) > 0x1p30) {
        return std::nullopt;
    }
    struct Folder {
        fs::path path = fs::temp_directory_path() / fmt::format("nuscan-bench-{}", getpid());
        Folder() { fs::create_directory(path); }
        ~Folder() {
            std::error_code ignored;
            fs::remove_all(path, ignored);
        }
    } folder;
    std::atomic<bool> stop{false};
    ScanOptions options;
    options.output = folder.path / "scan.h5";
    options.parity_points = 0;
    options.stop = &stop;
    options.progress = [&](const ScanProgress& progress) { stop = progress.seconds > seconds; };
    const auto start = Clock::now();
    const ScanOutcome outcome = run_scan(plan, backend, options);
    return static_cast<double>(outcome.progress.points_now) / seconds_since(start);
}

//! The highest of the cores' [MHz]; zero where the system does not say
double clock_rate() {
    double highest = 0;
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.rfind("cpu MHz", 0) == 0) {
            highest = std::max(highest, std::stod(line.substr(line.find(':') + 1)));
        }
    }
    return highest;
}

Report measure(const Arguments& arguments) {
    Report report{};
    const auto start = Clock::now();
    getloadavg(&report.load, 1);
    const BackendRequest request = arguments.backend.request();
    if (arguments.file.empty() && !arguments.set.empty()) {
        throw InputError({"command line", 0}, "--set without a scan file", "it changes what the file says",
                         "name one: nuscan bench FILE --set …?");
    }
    const ScanConfig config =
        arguments.file.empty() ? default_scan() : read_scan_config(arguments.file, split_overrides(arguments.set));
    const Method method = choose_method(arguments.method, config);
    print_notes(config);
    report.reading = seconds_since(start);
    const Plan plan(config, method);
    std::string notice;
    const std::unique_ptr<Backend> backend = make_backend(request, plan, notice);
    if (!notice.empty()) {
        fmt::print(stderr, "{}\n", notice);
    }
    report.moments = seconds_since(start) - report.reading;
    UnitResult result;
    backend->evaluate(plan.point_unit(std::vector<std::int64_t>(config.axes.size(), 0)), result);
    report.first_point = seconds_since(start);

    report.title = config.title;
    report.backend = backend->name();
    report.device = backend->device();
    report.instruction_set = backend->instruction_set();
    report.method = method_name(method);
    const PlanView& view = plan.tables(plan.unit(0))->view();
    report.bins = view.n_bins;
    report.features = view.n_features;
    for (int e = 0; e < view.n_experiments; ++e) {
        const ExperimentView& x = view.experiments[e];
        report.pulls +=
            x.is_gaussian() ? x.gaussian.n_directions + (x.has_signal_column() ? 1 : 0) : x.statistic.pulls.n_pulls;
    }
    report.points = static_cast<double>(plan.n_points());
    report.operations = operations_per_point(plan);
    report.result_bytes = result_bytes_per_point(plan);

    const int all = omp_get_max_threads();
    std::vector<int> threads{all};
    if (report.backend == "cpu" && all > 1) {
        threads = {1, all};
    }
    report.batches = measure_batches(plan, request, threads, arguments.seconds);
    omp_set_num_threads(all);
    const double unit_seconds = static_cast<double>(plan.unit(0).n_points()) /
                                report.batches.back().rates.back().points_per_second; // a scan stops after a unit
    if (unit_seconds < 10 * arguments.seconds) {
        report.end_to_end = measure_scan(plan, *backend, 10 * arguments.seconds);
    }
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    report.peak_bytes = 1024. * static_cast<double>(usage.ru_maxrss);
    if (report.backend == "cpu") { // the limit of another device is not this processor's
        for (const int n : threads) {
            report.machine.emplace_back(n, measure_machine(n, 0.1));
        }
    }
    report.clock = clock_rate();
    return report;
}

std::string part_of(double value, double limit) {
    return limit > 0 ? fmt::format("{:.0f} %", 100 * value / limit) : "";
}

void print_table(const Report& report) {
    fmt::print("{}\n  {} points, method {}: {} features of {} bins, pulls: {}\n", report.title, scaled(report.points),
               report.method, report.features, report.bins, report.pulls);
    fmt::print("  {}: {}; {:.0f} MHz; load before: {:.2f}\n  nuscan {} ({}), g++ {}, {}\n", report.backend,
               report.device, report.clock, report.load, version, commit, __VERSION__, report.instruction_set);
    for (const auto& [threads, rates] : report.machine) {
        fmt::print("this machine, threads: {}\n  {} multiply-adds/s, {} divisions/s, {}B/s copied\n", threads,
                   scaled(rates.multiply_adds), scaled(rates.divisions), scaled(rates.copied_bytes));
    }
    fmt::print("a point\n  {:.4g} instructions, {:.3g} divisions, {:.3g} logarithms; {:.3g} B of the result\n",
               report.operations.arithmetic, report.operations.divisions, report.operations.logarithms,
               report.result_bytes);
    fmt::print("throughput, points/s, and as a part of what these operations allow\n  {:>12}", "points a call");
    for (const Rate& rate : report.batches.front().rates) {
        const bool is_cpu = report.backend == "cpu";
        fmt::print("  {:>18}", is_cpu ? fmt::format("{} thread{}", rate.threads, rate.threads > 1 ? "s" : "") : "");
    }
    for (const Batch& batch : report.batches) {
        fmt::print("\n  {:>13}", batch.points);
        for (const Rate& rate : batch.rates) {
            fmt::print("  {:>11} {:>6}", scaled(rate.points_per_second),
                       part_of(rate.points_per_second, report.limit(rate.threads)));
        }
    }
    fmt::print("\n");
    if (report.end_to_end) {
        fmt::print("whole scan with its file\n  {} points/s\n", scaled(*report.end_to_end));
    }
    fmt::print("first point\n  {:.3f} s: reading {:.3f} s, moments {:.3f} s\nmemory\n  {}B at most\n",
               report.first_point, report.reading, report.moments, scaled(report.peak_bytes));
}

//! In quotes, with what JSON wants escaped
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < ' ') {
            out += fmt::format("\\u{:04x}", static_cast<int>(c));
            continue;
        }
        out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    }
    return out + '"';
}

std::string json_of(const Report& report) {
    std::string machine, batches;
    for (const auto& [threads, rates] : report.machine) {
        machine += fmt::format("{}\n    {{\"threads\": {}, \"multiply_adds_per_second\": {:.6g}, "
                               "\"divisions_per_second\": {:.6g}, "
                               "\"copied_bytes_per_second\": {:.6g}, \"limit_points_per_second\": {:.6g}}}",
                               machine.empty() ? "" : ",", threads, rates.multiply_adds, rates.divisions,
                               rates.copied_bytes, report.limit(threads));
    }
    for (const Batch& batch : report.batches) {
        for (const Rate& rate : batch.rates) {
            batches += fmt::format("{}\n    {{\"points\": {}, \"threads\": {}, \"points_per_second\": {:.6g}}}",
                                   batches.empty() ? "" : ",", batch.points, rate.threads, rate.points_per_second);
        }
    }
    return fmt::format(R"({{
  "title": {},
  "points": {:.0f},
  "backend": {},
  "device": {},
  "clock_MHz": {:.0f},
  "load_before": {:.2f},
  "nuscan_version": {},
  "nuscan_commit": {},
  "compiler": {},
  "instruction_set": {},
  "method": {},
  "bins": {},
  "features": {},
  "pulls": {},
  "operations_per_point": {{"instructions": {:.6g}, "divisions": {:.6g}, "logarithms": {:.6g}}},
  "result_bytes_per_point": {:.6g},
  "machine": [{}
  ],
  "throughput": [{}
  ],
  "end_to_end_points_per_second": {},
  "first_point_seconds": {{"reading": {:.6g}, "moments": {:.6g}, "total": {:.6g}}},
  "peak_memory_bytes": {:.0f}
}}
)",
                       quoted(report.title), report.points, quoted(report.backend), quoted(report.device), report.clock,
                       report.load, quoted(version), quoted(commit), quoted("g++ " __VERSION__),
                       quoted(report.instruction_set), quoted(report.method), report.bins, report.features,
                       report.pulls, report.operations.arithmetic, report.operations.divisions,
                       report.operations.logarithms, report.result_bytes, machine, batches,
                       report.end_to_end ? fmt::format("{:.6g}", *report.end_to_end) : "null", report.reading,
                       report.moments, report.first_point, report.peak_bytes);
}

void run(const Arguments& arguments) {
    namespace fs = std::filesystem;
    if (!arguments.json.empty() && !fs::is_directory(fs::absolute(arguments.json).parent_path())) {
        throw InputError({"--json", 0}, "no such folder: " + fs::absolute(arguments.json).parent_path().string(),
                         "the numbers are written there", "make it first?");
    }
    Waiting waiting;
    waiting.at("measuring");
    const Report report = measure(arguments);
    waiting.end();
    print_table(report);
    if (!arguments.json.empty()) {
        std::ofstream json(arguments.json);
        json << json_of(report);
        json.close();
        if (!json) {
            throw std::runtime_error("cannot write " + arguments.json);
        }
    }
}

} // namespace

void add_bench_command(CLI::App& app) {
    auto* command = app.add_subcommand("bench", "What a scan gets out of this machine, and what it could at most");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("file", arguments->file, "Scan file (default: magnetic moment × charge of LZ 2022)");
    arguments->backend.add_to(*command);
    command->add_option("--method", arguments->method, "auto (default), collapsed, moments or direct");
    command->add_option("--seconds", arguments->seconds, "Time for each measurement (default: 0.5)")
        ->check(CLI::Range(0.001, 3600.));
    command->add_option("--json", arguments->json, "File to write all of it to, beside the table");
    command->add_option("--set", arguments->set, "KEY=VALUE: a parameter or a key of the scan file; repeatable")
        ->allow_extra_args(false);
    command->callback([arguments] { run(*arguments); });
}

} // namespace nuscan::cli
