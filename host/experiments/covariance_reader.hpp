// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment_tables.hpp"

namespace nuscan {

/// The covariance of the counts that a key names: a CSV table with the column `bin` (1, 2, … in order), then a column
/// for each bin in their order. n_bins × n_bins numbers.
/// \throws InputError where it has another size, is not symmetric (to 1e-9 of the errors) or not positive definite.
std::vector<double> read_covariance(const TomlTable& table, const std::string& key, std::size_t n_bins,
                                    ExperimentTables& tables);

} // namespace nuscan
