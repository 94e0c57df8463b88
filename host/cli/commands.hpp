// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

/// The commands of the program: each adds itself to the command line, with what it does when it is called.
namespace nuscan::cli {

//! Exit statuses beside 0
inline constexpr int bad_input = 2;
inline constexpr int failed = 1;
inline constexpr int stopped = 75; //!< by a signal, cleanly: the same command resumes (EX_TEMPFAIL)

/// \param status receives the exit status where it is not 0
void add_scan_command(CLI::App& app, int& status);
void add_merge_command(CLI::App& app, int& status);
void add_explain_command(CLI::App& app);
void add_point_command(CLI::App& app);
void add_status_command(CLI::App& app);
void add_limits_command(CLI::App& app);
void add_verify_command(CLI::App& app, int& status);
void add_cross_section_command(CLI::App& app);
void add_bench_command(CLI::App& app);
void add_import_command(CLI::App& app);
void add_experiments_command(CLI::App& app);

} // namespace nuscan::cli
