// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/commands.hpp"
#include "cli/waiting.hpp"
#include "scan/parity.hpp"
#include "scan/verification.hpp"

namespace nuscan::cli {

namespace {

struct Arguments {
    std::string file, folder;
    std::size_t points = 16;
    std::uint64_t seed = 1;
};

int run(const Arguments& arguments) {
    Waiting waiting;
    waiting.at("reading " + arguments.file);
    const Result result = read_result(arguments.file);
    const std::string folder =
        arguments.folder.empty() ? std::filesystem::path(arguments.file).parent_path().string() : arguments.folder;
    waiting.at("comparing points with the reference");
    const Verification verification = verify(result, arguments.points, arguments.seed, folder);
    waiting.end();
    fmt::print("{}\n{} of {} points compared with the reference, {} of them within delta chi2 = {} of the best fit\n",
               verification.title, verification.points.size(), result.chi2.size(), verification.near, near_best_fit);
    const auto less = [](const VerifiedPoint& a, const VerifiedPoint& b) { return a.deviation < b.deviation; };
    const auto worst = std::max_element(verification.points.begin(), verification.points.end(), less);
    fmt::print("largest difference {:.1e} in chi2/(1 + chi2), at\n", worst->deviation);
    for (const std::string& parameter : worst->parameters) {
        fmt::print("  {}\n", parameter);
    }
    const auto is_wrong = [](const VerifiedPoint& p) { return !(p.deviation < largest_explained_deviation); };
    const auto n_wrong = std::count_if(verification.points.begin(), verification.points.end(), is_wrong);
    const std::string found_then = verdict(result);
    const bool was_wrong = found_then != "ok" && found_then != verdict_of_no_check; // which is made up for now
    if (was_wrong) {
        fmt::print(stderr, "{}: {}\n", arguments.file, warning_of(found_then));
    }
    if (n_wrong > 0) {
        fmt::print(stderr,
                   "{}: chi2 of {} points is not that of the reference (rounding and quadrature explain {:.0e}) do not "
                   "trust this result\n",
                   arguments.file, n_wrong, largest_explained_deviation);
    }
    return n_wrong > 0 || was_wrong ? failed : 0;
}

} // namespace

void add_verify_command(CLI::App& app, int& status) {
    auto arguments = std::make_shared<Arguments>();
    auto* command = app.add_subcommand("verify", "Work out points of a result anew with the reference");
    command->add_option("file", arguments->file, "Result file")->required();
    command
        ->add_option("--points", arguments->points,
                     "How many: the best fit and random ones, half of them near it (default: 16)")
        ->check(CLI::PositiveNumber);
    command->add_option("--seed", arguments->seed, "Of the random points (default: 1)");
    command->add_option("--folder", arguments->folder,
                        "Where the scan file was, if it names files of experiments (default: that of the result)");
    command->callback([arguments, &status] { status = run(*arguments); });
}

} // namespace nuscan::cli
