// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/error.hpp"
#include "experiments/experiment.hpp"

namespace nuscan {

/// Folders that hold shipped experiments, in the order they are searched: $NUSCAN_EXPERIMENTS (colon-separated), the
/// install prefix's share/nuscan/experiments relative to the running program, the source tree's experiments/.
/// \throws InputError where a folder of $NUSCAN_EXPERIMENTS does not exist.
std::vector<std::string> experiment_folders();

//! Names of the experiments in those folders (`<folder>/<name>/experiment.toml`), sorted
std::vector<std::string> experiment_names();

/// Path of the experiment file of a shipped experiment. \throws InputError at \p where, with the nearest name.
std::string find_experiment(const std::string& name, const InputLocation& where);

/// Reads an experiment file and the tables it names (relative to its folder).
/// \throws InputError with file and line.
Experiment read_experiment(const std::string& path);

} // namespace nuscan
