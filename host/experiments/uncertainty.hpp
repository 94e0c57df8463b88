// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "config/toml_reader.hpp"
#include "experiments/experiment.hpp"

namespace nuscan {

/// The uncertainty of a background as experiment and scan files write it: "fixed" (0), "free" (+inf) or a relative
/// standard deviation.
double read_uncertainty(const TomlTable& table, const std::string& key);

//! Refuses a pull on a background that is zero in every bin
void check_uncertainty(const Background& background, const InputLocation& where);

} // namespace nuscan
