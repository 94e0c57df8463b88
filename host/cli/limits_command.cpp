// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "cli/commands.hpp"
#include "cli/waiting.hpp"
#include "config/error.hpp"
#include "output/limits.hpp"
#include "scan/between_points.hpp"
#include "scan/scan.hpp"

namespace nuscan::cli {

namespace {

struct Arguments {
    std::string file, folder;
    double confidence_level = 0.9;
    bool json = false;
};

void run(const Arguments& arguments) {
    Waiting waiting;
    waiting.at("reading " + arguments.file);
    Result result = read_result(arguments.file);
    const std::string folder =
        arguments.folder.empty() ? std::filesystem::path(arguments.file).parent_path().string() : arguments.folder;
    waiting.at("working out limits between the points of the grid");
    BetweenPoints between;
    std::string why_grid;
    try {
        between = between_points(result, folder);
    } catch (const InputError& error) {
        why_grid = error.what();
    }
    const Limits limits = compute_limits(result, arguments.confidence_level, between.minimiser);
    if (between.plan) { // what the file has of experiments and pulls is that of the best point of the grid
        std::vector<double> best;
        for (const auto& [name, value] : limits.best_fit) {
            best.push_back(value);
        }
        for (const auto& [name, value] : attributes_of_best_fit(*between.plan, between.in_scan_order(best))) {
            result.attributes[name] = value;
        }
    }
    waiting.end();
    fmt::print("{}", arguments.json ? limits_json(limits, result) : limits_text(limits, result, why_grid));
}

} // namespace

void add_limits_command(CLI::App& app) {
    auto* command = app.add_subcommand("limits", "Best fit, intervals and contours of a result");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("file", arguments->file, "Result file")->required();
    command->add_option("--cl", arguments->confidence_level, "Confidence level, e.g. 0.9")
        ->check(CLI::Range(0.01, 0.999999));
    command->add_flag("--json", arguments->json, "Print JSON");
    command->add_option("--folder", arguments->folder,
                        "Where the scan file was, if it names files of experiments (default: that of the result)");
    command->callback([arguments] { run(*arguments); });
}

} // namespace nuscan::cli
