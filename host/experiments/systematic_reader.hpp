// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/bins_reader.hpp"

namespace nuscan {

/// Reads the `[[systematic]]` tables of an experiment file into \p experiment, whose sources and backgrounds are there,
/// with templates for all bins of \p axes.
///
/// A systematic with a template `plus` is a shape of one component, one without a normalisation of one or several.
/// Unless it says `rate = true`, templates are first scaled to the nominal sum over all these bins: what the fit leaves
/// out has a part in it, as in published templates.
/// \throws InputError with file and line.
void read_systematics(const TomlTable& file, const std::vector<BinAxis>& axes, ExperimentTables& tables,
                      Experiment& experiment);

} // namespace nuscan
