// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "experiments/bins_reader.hpp"

namespace nuscan {

/// Reads the `[[background]]` tables of an experiment file into \p experiment, whose response is there: counts, or a
/// function of the energy, for all bins of \p axes. A fitted scale of a function becomes a systematic.
/// \throws InputError with file and line.
void read_backgrounds(const TomlTable& file, const std::vector<BinAxis>& axes, ExperimentTables& tables,
                      Experiment& experiment);

//! Name of the systematic that is the fitted scale of a background's function
std::string scale_name(const std::string& background);

} // namespace nuscan
