// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/bins_reader.hpp"
#include "experiments/target_reader.hpp"

namespace nuscan {

/// Reads the `[[channel]]` tables of an experiment file, or without any the electron channel that `[target]` describes.
///
/// An efficiency over the recoil energy in `[response]` goes into every channel.
/// \param[out] notes gets what is no error, but a user should be told once
/// \throws InputError with file and line.
std::vector<Channel> read_channels(const TomlTable& experiment, const TargetInput& target,
                                   const std::vector<Source>& sources, const std::vector<BinAxis>& axes,
                                   const EnergyResponse& response, ExperimentTables& tables,
                                   std::vector<std::string>& notes);

} // namespace nuscan
