// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "cli/waiting.hpp"
#include "nuscan/collapsed_signals.hpp"
#include "scan/polish.hpp"
#include "scan/scan.hpp"

namespace nuscan::cli {

namespace {

struct Arguments {
    std::string file;
    BackendArguments backend;
    std::string method = "auto";
    std::vector<std::string> set;
};

bool contains(const std::vector<int>& axes, std::size_t axis) {
    return std::count(axes.begin(), axes.end(), static_cast<int>(axis)) > 0;
}

//! What a step along an axis costs
const char* tier(const Plan& plan, std::size_t axis) {
    const PlaneLayout& layout = plan.layout();
    const auto i = static_cast<int>(axis);
    if (contains(plan.slow_axes(), axis)) {
        return "slow: new moments";
    }
    if (plan.method() != Method::direct && i == layout.line_axis) {
        return "fast: along the lines";
    }
    if (plan.method() != Method::direct && i == layout.row_axis) {
        return "fast: line by line";
    }
    return is_fast(plan.config().axes[axis].parameter) ? "fast: plane by plane" : "medium: plane by plane";
}

void print_experiments(const Plan& plan) {
    fmt::print("experiments\n");
    for (const Experiment& x : plan.config().experiments) {
        fmt::print("  {}: {}\n", x.name, x.title);
        std::string channels;
        for (const Channel& channel : x.channels) {
            channels += (channels.empty() ? "" : ", ") +
                        std::string(channel.target == Target::electron ? "electrons" : "nuclei");
        }
        fmt::print("    bins: {}; sources: {}{}; backgrounds: {}\n", x.n_bins(), x.sources.size(),
                   channels.empty() ? "" : "; scattering on " + channels, x.backgrounds.size());
    }
}

void print_axes(const Plan& plan) {
    std::size_t width = 0;
    for (const Axis& axis : plan.config().axes) {
        width = std::max(width, axis.parameter.name.size());
    }
    fmt::print("axes\n");
    for (std::size_t i = 0; i < plan.config().axes.size(); ++i) {
        const Axis& axis = plan.config().axes[i];
        fmt::print("  {:<{}}  {:>6} values  {:<9} {:<22} {:.4g} to {:.4g} {}\n", axis.parameter.name, width,
                   axis.values.size(), axis.profile ? "minimised" : "kept", tier(plan, i), axis.values.front(),
                   axis.values.back(), unit_name(axis.parameter.dimension));
    }
}

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Seconds for the whole scan, from one of its units.
///
/// Moments are made once per value of the slow axes and set of units that lie together; the rest goes by points.
struct Estimate {
    double tables, points; //!< [s]
    double rate;           //!< points/s
};

Estimate measure(const Plan& plan, Backend& backend) {
    const WorkUnit unit = plan.unit(plan.n_units() / 2); // neither the first nor the last: their tables are there
    const auto start = Clock::now();
    plan.tables(unit);
    const double tables = seconds_since(start);
    UnitResult result;
    backend.evaluate(unit, result); // memory comes with the first
    const auto again = Clock::now();
    backend.evaluate(unit, result);
    const double rate = static_cast<double>(unit.n_points()) / seconds_since(again);

    std::uint64_t n_tables = 1; // slow axes run outside of the tiles that are cut from the others
    for (const int axis : plan.slow_axes()) {
        n_tables *= plan.config().axes[static_cast<std::size_t>(axis)].values.size();
    }
    return {n_tables > 1 ? tables * static_cast<double>(n_tables) : 0, static_cast<double>(plan.n_points()) / rate,
            rate};
}

//! Seconds on one core to polish the minimum of a kept point, from the point in the middle of the grid
double measure_polish(const Plan& plan, Backend& backend) {
    std::vector<std::int64_t> middle;
    for (const Axis& axis : plan.config().axes) {
        middle.push_back(static_cast<std::int64_t>(axis.values.size()) / 2);
    }
    const WorkUnit unit = plan.point_unit(middle);
    UnitResult result;
    backend.evaluate(unit, result);
    const std::vector<std::vector<double>> profiled(plan.profiled_axes().size(), {0});
    ResultTile tile{{}, {}, result.chi2, result.status, profiled};
    double least = constants::infinity;
    for (int repeat = 0; repeat < 20; ++repeat) { // the first makes tables and wakes threads
        const auto start = Clock::now();
        polish(plan, unit, result.profile_index, tile);
        least = std::min(least, seconds_since(start));
    }
    return least;
}

void run(const Arguments& arguments) {
    const BackendRequest request = arguments.backend.request();
    Waiting waiting;
    waiting.at("reading " + arguments.file + " and its experiments");
    ScanConfig config = read_scan_config(arguments.file, split_overrides(arguments.set));
    const Method method = choose_method(arguments.method, config);
    waiting.end();
    print_notes(config);
    waiting.at("working out the response of the experiments");
    const Plan plan(std::move(config), method);
    print_suspicions(plan);
    std::string notice;
    const std::unique_ptr<Backend> backend = make_backend(request, plan, notice);

    waiting.end();
    fmt::print("{}\n\n", plan.config().title);
    print_experiments(plan);
    print_axes(plan);

    std::uint64_t n_kept = 1;
    for (const int axis : plan.kept_axes()) {
        n_kept *= plan.config().axes[static_cast<std::size_t>(axis)].values.size();
    }
    const PlanView& view = plan.tables(plan.unit(0))->view();
    fmt::print("work\n  {} points, {}\n", scaled(double(plan.n_points())),
               n_kept == plan.n_points()
                   ? "all kept"
                   : fmt::format("of which {} are kept, each the best of {}", scaled(double(n_kept)),
                                 scaled(double(plan.n_points()) / double(n_kept))));
    const int n_signals = n_pulled_signals(view);
    fmt::print("  method {}: {} features of {} bins{}\n", method_name(plan.method()), view.n_features, view.n_bins,
               n_signals > 0 ? fmt::format("; signals that pulls move: {}", n_signals) : "");
    fmt::print("  work units: {}, of at most {} points\n", scaled(double(plan.n_units())),
               scaled(double(plan.unit(0).n_points())));
    const double bytes = double(n_kept) * (8 + 1 + 8 * double(plan.profiled_axes().size()));
    fmt::print("  result of {}B\n", scaled(bytes));

    waiting.at("measuring how long a unit takes");
    const Estimate estimate = measure(plan, *backend);
    waiting.end();
    fmt::print("time\n  {} at {} points/s, measured on one unit: {}, {}\n", duration(estimate.points),
               scaled(estimate.rate), backend->name(), backend->device());
    if (estimate.tables > 0) {
        fmt::print("  {} for the moments of all values of the slow axes\n", duration(estimate.tables));
    }
    if (!plan.polished_axes().empty()) {
        waiting.at("measuring how long a minimum takes to polish");
        const double each = measure_polish(plan, *backend);
        waiting.end();
        fmt::print("  about {} to polish the minima of kept points, at {:.2g} ms each on a core\n",
                   duration(double(n_kept) * each / omp_get_max_threads()), 1e3 * each);
    }
    fmt::print("  and, beside it, the comparison with the reference: {} random points and the best fit, more of them "
               "within {:.0f} % of the time\n",
               ReferenceCheck::least, 100 * ScanOptions{}.parity_share);
}

} // namespace

void add_explain_command(CLI::App& app) {
    auto* command = app.add_subcommand("explain", "What a scan would do: its axes, size, method and time");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("file", arguments->file, "Scan file (TOML)")->required();
    arguments->backend.add_to(*command);
    command->add_option("--method", arguments->method, "auto (default), collapsed, moments or direct");
    command->add_option("--set", arguments->set, "KEY=VALUE: a parameter or a key of the scan file; repeatable")
        ->allow_extra_args(false);
    command->callback([arguments] { run(*arguments); });
}

} // namespace nuscan::cli
