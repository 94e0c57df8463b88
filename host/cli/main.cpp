// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "cli/commands.hpp"
#include "config/error.hpp"
#include "nuscan/version.hpp"

int main(int argc, char** argv) {
    using namespace nuscan;
    CLI::App app{"nuscan scans neutrino electromagnetic form factors against recoil spectra", "nuscan"};
    app.set_version_flag("--version", fmt::format("nuscan {} ({})", version, commit));
    app.require_subcommand(1);
    int status = 0;
    cli::add_scan_command(app, status);
    cli::add_point_command(app);
    cli::add_limits_command(app);
    cli::add_cross_section_command(app);
    try {
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
