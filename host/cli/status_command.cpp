// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "config/error.hpp"
#include "output/journal.hpp"
#include "output/result_file.hpp"
#include "scan/shards.hpp"

namespace nuscan::cli {

namespace {

//! "41 of 64 units, 64 %, written 12.0 s ago"
std::string progress(std::uint64_t done, std::uint64_t n_units, double age) {
    if (n_units == 0) {
        return "no unit yet";
    }
    const double percent = 100 * static_cast<double>(done) / static_cast<double>(n_units);
    return fmt::format("{} of {} units, {:.0f} %, written {} ago", done, n_units, percent, duration(age));
}

//! A line a shard, of every division that has one
void print_shards(const std::vector<Shard>& shards, const std::string& output) {
    for (auto next = shards.begin(); next != shards.end();) {
        for (Shard shard{1, next->count}; shard.number <= shard.count; ++shard.number) {
            if (next == shards.end() || next->number != shard.number || next->count != shard.count) {
                fmt::print("shard {}/{}: not begun\n", shard.number, shard.count);
                continue;
            }
            const JournalState state = journal_state(shard.journal_path(output));
            fmt::print("shard {}/{}: {}\n", shard.number, shard.count,
                       progress(state.done, shard.n_units(state.n_units), state.age));
            ++next;
        }
    }
}

void run(const std::string& output) {
    const std::string journal = Journal::path_beside(output);
    const std::vector<Shard> shards = shards_beside(output);
    if (std::filesystem::exists(output)) {
        const Result result = read_result(output);
        fmt::print("finished: {}\n{} points kept; method {}, back end {} ({})\n", text_attribute(result, "title"),
                   result.chi2.size(), text_attribute(result, "method"), text_attribute(result, "backend"),
                   text_attribute(result, "device"));
        if (const std::string warning = warning_of(verdict(result)); !warning.empty()) {
            fmt::print("{}\n", warning);
        }
    } else if (std::filesystem::exists(journal)) {
        const JournalState state = journal_state(journal);
        fmt::print("not finished: {}; the same \"nuscan scan\" goes on where it stopped\n",
                   progress(state.done, state.n_units, state.age));
    } else if (shards.empty()) {
        throw InputError({output, 0}, "no such file", "no scan has begun to write it");
    }
    print_shards(shards, output);
}

} // namespace

void add_status_command(CLI::App& app) {
    auto* command = app.add_subcommand("status", "How far a scan is, or its shards are");
    auto file = std::make_shared<std::string>();
    command->add_option("file", *file, "Result file, also one that is not there yet")->required();
    command->callback([file] { run(*file); });
}

} // namespace nuscan::cli
