// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "config/scan_config.hpp"
#include "output/result_file.hpp"

namespace nuscan {

/// Where the parameter of an axis ends by its nature, or closes to a circle.
///
/// Moduli and normalisations end at 0, angles, squared sines and ranges of systematics where they do. A magnetic or
/// electric moment that nothing else interferes with is known by its modulus alone: an axis of it that begins (or ends)
/// at zero ends there by nature. Arguments and δ close after 2π, Majorana phases, of which U has half, after 4π.
Domain domain_of(const Axis& axis, const ScanConfig& config);

/// The value of a parameter without new physics: that of the standard model. Nothing for arguments, mixing parameters
/// and what belongs to experiments.
std::optional<double> null_value_of(const Parameter& parameter, const ScanConfig& config);

/// Names of the parameters that a fit has and no prior constrains: axes, and free pulls that no axis or fixed parameter
/// names. Bins minus these are its degrees of freedom; a constrained parameter brings a measurement of its own.
std::vector<std::string> fitted_parameters(const ScanConfig& config);

} // namespace nuscan
