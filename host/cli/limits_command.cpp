// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "output/limits.hpp"

namespace nuscan::cli {

namespace {

struct Arguments {
    std::string file;
    double confidence_level = 0.9;
    bool json = false;
};

} // namespace

void add_limits_command(CLI::App& app) {
    auto* command = app.add_subcommand("limits", "Best fit, intervals and contours of a result");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("file", arguments->file, "Result file")->required();
    command->add_option("--cl", arguments->confidence_level, "Confidence level, e.g. 0.9")
        ->check(CLI::Range(0.01, 0.999999));
    command->add_flag("--json", arguments->json, "Print JSON");
    command->callback([arguments] {
        const Result result = read_result(arguments->file);
        const Limits limits = compute_limits(result, arguments->confidence_level);
        fmt::print("{}", arguments->json ? limits_json(limits, result) : limits_text(limits, result));
    });
}

} // namespace nuscan::cli
