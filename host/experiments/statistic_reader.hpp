// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/toml_reader.hpp"
#include "experiments/experiment.hpp"

namespace nuscan {

/// `statistic` as experiment and scan files write it: "poisson" or "gaussian".
Statistic read_statistic(const TomlTable& table, Statistic otherwise);

/// Refuses a statistic that does not go with the fitted counts of an experiment: Poisson with those that are negative
/// or not whole, Gaussian with those that have no error. \param where a scan file asks for it
void check_statistic(const Experiment& experiment, const InputLocation& where);

} // namespace nuscan
