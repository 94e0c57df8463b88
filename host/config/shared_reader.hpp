// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/scan_config.hpp"
#include "config/toml_reader.hpp"

namespace nuscan {

/// Reads the `[[shared]]` tables of a scan file: systematics, backgrounds and signals of several experiments that are
/// one. From then on they stand in \p scope for their members.
/// \param reserved names that a shared systematic cannot have
/// \throws InputError with file and line.
std::vector<SharedSystematic> read_shared(const TomlTable& scan, const std::vector<Experiment>& experiments,
                                          const std::vector<std::string>& reserved, ParameterScope& scope);

} // namespace nuscan
