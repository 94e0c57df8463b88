// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment_tables.hpp"

namespace nuscan {

/// Reads the `[[source]]` tables of an experiment file: none where backgrounds alone are fitted.
/// \throws InputError with file and line.
std::vector<Source> read_sources(const TomlTable& experiment, ExperimentTables& tables,
                                 std::vector<std::string>& notes);

} // namespace nuscan
