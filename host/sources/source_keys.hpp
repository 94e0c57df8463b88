// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/experiment_tables.hpp"

/// Keys that sources of several types have in common.
namespace nuscan {

inline constexpr double cm_per_m = 100;

//! 4π L² [cm²] of a baseline [m]
double sphere(double baseline);

/// Reads `propagation`, "exact", "short" or "decohered" (\p otherwise where absent), and `baseline`.
/// \throws InputError for exact propagation without a baseline
void read_propagation(const TomlTable& table, Source& source, Propagation otherwise);

//! Reads `baseline`, which \p because (e.g. "the flux follows from the power") must be there
void require_baseline(const TomlTable& table, Source& source, const std::string& because);

//! Refuses \p key where \p other is given too
void refuse_together(const TomlTable& table, const std::string& key, const std::string& other, const std::string& why);

} // namespace nuscan
