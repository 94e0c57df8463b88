// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "cli/waiting.hpp"
#include "scan/scan.hpp"
#include "scan/shards.hpp"

namespace nuscan::cli {

namespace {

std::atomic<bool> stop_requested{false};

//! The first signal stops after the unit in hand, a second one at once: what is in the journal survives that as well.
extern "C" void request_stop(int signal) {
    stop_requested = true;
    std::signal(signal, SIG_DFL);
}

/// Tells on stderr how far a scan is: a bar on a terminal, a line a minute in a log.
class ProgressLine {
public:
    void operator()(const ScanProgress& p) {
        const auto now = std::chrono::steady_clock::now();
        const bool done = p.points_done == p.points_total;
        if (now - last_ < (terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(60000)) &&
            !(done && terminal_)) {
            return;
        }
        last_ = now;
        const double fraction = static_cast<double>(p.points_done) / static_cast<double>(p.points_total);
        const double rate = p.seconds > 0 ? static_cast<double>(p.points_now) / p.seconds : 0;
        const double left = rate > 0 ? static_cast<double>(p.points_total - p.points_done) / rate : 0;
        std::string text = fmt::format("{:3.0f} %  {} of {} points  {} points/s", 100 * fraction,
                                       scaled(static_cast<double>(p.points_done)),
                                       scaled(static_cast<double>(p.points_total)), scaled(rate));
        text += done ? "" : "  " + duration(left) + " left";
        if (terminal_) {
            const int width = 30, filled = static_cast<int>(fraction * width);
            text = "\r[" + std::string(static_cast<std::size_t>(filled), '#') +
                   std::string(static_cast<std::size_t>(width - filled), '.') + "] " + text + "\033[K";
            open_ = true;
        } else {
            text += "\n";
        }
        fmt::print(stderr, "{}", text);
        std::fflush(stderr);
    }

    //! Takes the bar away
    void close() {
        if (open_) {
            fmt::print(stderr, "\r\033[K");
            open_ = false;
        }
    }

private:
    bool terminal_ = isatty(STDERR_FILENO) != 0;
    bool open_ = false;
    std::chrono::steady_clock::time_point last_ =
        terminal_ ? std::chrono::steady_clock::time_point{} : std::chrono::steady_clock::now();
};

struct Arguments {
    std::string file, output;
    BackendArguments backend;
    std::string method = "auto", shard;
    int threads = 0;
    int parity_points = ScanOptions().parity_points;
    bool overwrite = false;
    std::vector<std::string> set;
};

std::string output_path(const Arguments& arguments, const ScanConfig& config) {
    if (!arguments.output.empty()) {
        return arguments.output;
    }
    if (!config.output_file.empty()) {
        return config.output_file;
    }
    return std::filesystem::path(arguments.file).stem().string() + ".h5";
}

//! What a shard says in the end
int report_shard(const Shard& shard, const ScanOutcome& outcome, const Arguments& arguments,
                 const std::string& output) {
    const ScanProgress& p = outcome.progress;
    if (!outcome.finished) {
        fmt::print(stderr, "stopped after {} of {} points of shard {}/{}; the same command goes on from there\n",
                   scaled(static_cast<double>(p.points_done)), scaled(static_cast<double>(p.points_total)),
                   shard.number, shard.count);
        return stopped;
    }
    fmt::print(stderr, "shard {}/{}: {} points, {} of them now; nuscan merge {} -o {} once all shards are there\n",
               shard.number, shard.count, scaled(static_cast<double>(p.points_done)),
               scaled(static_cast<double>(p.points_now)), arguments.file, output);
    return 0;
}

//! How many points were compared with the reference, and how far from it they are
void report_parity(const Parity& parity, const std::string& output) {
    const std::string best_fit = parity.best_fit ? " and the best fit" : "";
    fmt::print(stderr, "parity: {} random points{} agree with the reference to {:.1e} in chi2/(1 + chi2)\n",
               parity.points, best_fit, parity.largest);
    if (parity.left > 0) {
        fmt::print(stderr, "  {} more were left out, to stay below {:.0f} % of the scan's time; nuscan verify {}\n",
                   parity.left, 100 * ScanOptions().parity_share, output);
    }
}

enum class Task { scan, merge };

int run(const Arguments& arguments, Task task) {
    if (arguments.threads > 0) {
        omp_set_num_threads(arguments.threads);
    }
    const BackendRequest request = arguments.backend.request();
    Waiting waiting;
    waiting.at("reading " + arguments.file + " and its experiments");
    ScanConfig config = read_scan_config(arguments.file, split_overrides(arguments.set));
    const Method method = choose_method(arguments.method, config);
    waiting.end();
    print_notes(config);
    const Shard shard = arguments.shard.empty() ? Shard{} : parse_shard(arguments.shard);
    ScanOptions options;
    options.output = output_path(arguments, config);
    options.overwrite = arguments.overwrite;
    options.stop = &stop_requested;
    options.parity_points = arguments.parity_points;
    waiting.at("planning, with the response of the experiments");
    const Plan plan(std::move(config), method);
    print_suspicions(plan);
    std::string notice;
    const std::unique_ptr<Backend> backend = make_backend(request, plan, notice);
    waiting.end();
    if (!notice.empty()) {
        fmt::print(stderr, "{}\n", notice);
    }
    fmt::print(stderr, "{}\n{} points, method {}, back end {} ({})\n", plan.config().title,
               scaled(static_cast<double>(plan.n_points())), method_name(plan.method()), backend->name(),
               backend->device());

    std::signal(SIGXFSZ, SIG_IGN); // a limit on the size of files is an error, as a full disk is
    std::signal(SIGINT, request_stop);
    std::signal(SIGTERM, request_stop);
    ProgressLine line;
    options.progress = [&](const ScanProgress& progress) {
        waiting.end();
        line(progress);
    };
    options.stage = [&](const std::string& what) {
        line.close();
        waiting.at(what);
    };
    waiting.at("evaluating");
    if (!arguments.shard.empty()) {
        const ScanOutcome outcome = run_shard(plan, *backend, shard, options);
        waiting.end();
        line.close();
        return report_shard(shard, outcome, arguments, options.output);
    }
    std::unique_ptr<MergedShards> shards;
    if (task == Task::merge) {
        shards = std::make_unique<MergedShards>(plan, options.output, *backend);
    }
    const ScanOutcome outcome = run_scan(plan, shards ? *shards : *backend, options);
    waiting.end();
    line.close();
    if (shards && outcome.finished) {
        shards->remove();
    }

    const ScanProgress& p = outcome.progress;
    if (!outcome.finished) {
        fmt::print(stderr, "stopped after {} of {} points; the same command goes on from there\n",
                   scaled(static_cast<double>(p.points_done)), scaled(static_cast<double>(p.points_total)));
        return stopped;
    }
    if (p.points_now < p.points_done) {
        fmt::print(stderr, "resumed: {} of {} points were there already\n",
                   scaled(static_cast<double>(p.points_done - p.points_now)),
                   scaled(static_cast<double>(p.points_total)));
    }
    fmt::print(stderr, "{} points in {}: {} points/s\n", scaled(static_cast<double>(p.points_now)), duration(p.seconds),
               scaled(static_cast<double>(p.points_now) / p.seconds));
    if (arguments.parity_points == 0) {
        fmt::print(stderr, "not checked: nothing was compared with the reference (--parity-points 0)\n");
    } else {
        report_parity(outcome.parity, options.output);
    }
    if (outcome.flagged > 0) {
        fmt::print(stderr, "{} points are flagged (see the variable `status`)\n", outcome.flagged);
    }
    if (outcome.chi2_min < constants::infinity) {
        fmt::print(stderr, "smallest chi2 {:.6g}; written to {}\n", outcome.chi2_min, options.output);
    } else {
        fmt::print(stderr, "no point has a finite chi2; written to {}\n", options.output);
    }
    if (outcome.verdict != "ok" && outcome.verdict != verdict_of_no_check) { // that was asked for
        fmt::print(stderr, "warning: {}\n", warning_of(outcome.verdict));
        return failed;
    }
    return 0;
}

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::shared_ptr<Arguments>& arguments) {
    auto* command = app.add_subcommand(name, description);
    command->add_option("file", arguments->file, "Scan file (TOML)")->required();
    command->add_option("-o,--output", arguments->output, "Result file (default: [output] file, or NAME.h5)");
    arguments->backend.add_to(*command);
    command->add_option("--method", arguments->method, "auto (default), collapsed, moments or direct");
    command->add_option("--threads", arguments->threads, "CPU threads (default: all cores)")
        ->check(CLI::Range(1, 65536));
    command->add_option("--set", arguments->set, "KEY=VALUE: a parameter or a key of the scan file; repeatable")
        ->allow_extra_args(false);
    command
        ->add_option("--parity-points", arguments->parity_points,
                     "Random points to compare with the reference, beside the best fit: four always, more while they "
                     "take less than 5 % of the scan's time; 0 compares nothing (default: 16)")
        ->check(CLI::NonNegativeNumber);
    command->add_flag("--overwrite", arguments->overwrite,
                      "Replace a result that is there, finished or not, unless a scan is writing it");
    return command;
}

} // namespace

void add_scan_command(CLI::App& app, int& status) {
    auto arguments = std::make_shared<Arguments>();
    auto* command = add_command(app, "scan", "Evaluate a scan file's grid and write the result to HDF5", arguments);
    command->add_option("--shard", arguments->shard,
                        "K/N: one share of N of the grid, for processes that each have a GPU or node of their own");
    command->callback([arguments, &status] { status = run(*arguments, Task::scan); });
}

void add_merge_command(CLI::App& app, int& status) {
    auto arguments = std::make_shared<Arguments>();
    auto* command = add_command(app, "merge", "Make one result of the shards of a scan; same arguments", arguments);
    command->callback([arguments, &status] { status = run(*arguments, Task::merge); });
}

} // namespace nuscan::cli
