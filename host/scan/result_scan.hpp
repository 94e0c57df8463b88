// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/scan_config.hpp"
#include "output/result_file.hpp"

namespace nuscan {

/// The scan that made a result, from the scan file that the result has kept.
///
/// \param folder where experiments given by `file` are looked for, relative to which the scan file named them
/// \throws InputError where the scan or an experiment is not what it was when the scan ran.
ScanConfig scan_of(const Result& result, const std::string& folder);

//! Values of the axes of \p config, in its order, at a point of its result
std::vector<double> axis_values(const ScanConfig& config, const Result& result, std::size_t point);

} // namespace nuscan
