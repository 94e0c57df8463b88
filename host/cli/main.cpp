// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "cli/commands.hpp"
#include "config/error.hpp"
#include "nuscan/version.hpp"

namespace {

//! CLI11 would only say that a command is missing
void check_command(const CLI::App& app, const std::string& name) {
    std::vector<std::string> known;
    for (const CLI::App* command : app.get_subcommands(nullptr)) {
        known.push_back(command->get_name());
    }
    if (std::find(known.begin(), known.end(), name) == known.end()) {
        const std::string nearest = nuscan::nearest_name(name, known);
        throw nuscan::InputError({"nuscan", 0}, "unknown command \"" + name + "\"", "",
                                 nearest.empty() ? "see nuscan --help" : "did you mean \"" + nearest + "\"?");
    }
}

} // namespace

int main(int argc, char** argv) {
    using namespace nuscan;
    CLI::App app{"nuscan scans neutrino electromagnetic form factors against recoil spectra", "nuscan"};
    app.set_version_flag("--version", fmt::format("nuscan {} ({})", version, commit));
    app.require_subcommand(1);
    int status = 0;
    cli::add_scan_command(app, status);
    cli::add_merge_command(app, status);
    cli::add_explain_command(app);
    cli::add_point_command(app);
    cli::add_status_command(app);
    cli::add_limits_command(app);
    cli::add_verify_command(app, status);
    cli::add_cross_section_command(app);
    cli::add_bench_command(app);
    cli::add_import_command(app);
    cli::add_experiments_command(app);
    try {
        if (argc > 1 && argv[1][0] != '-') {
            check_command(app, argv[1]);
        }
        app.parse(argc, argv);
        return status;
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : cli::bad_input;
    } catch (const InputError& error) {
        fmt::print(stderr, "{}\n", error.what());
        return cli::bad_input;
    } catch (const std::exception& error) {
        fmt::print(stderr, "nuscan: {}\n", error.what());
        return cli::failed;
    }
}
