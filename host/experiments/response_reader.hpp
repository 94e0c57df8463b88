// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "experiments/bins_reader.hpp"
#include "experiments/experiment_tables.hpp"

namespace nuscan {

/// Reads `[response]`, but for an efficiency over the recoil energy. \throws InputError with file and line.
EnergyResponse read_response(const TomlTable& experiment, const std::vector<BinAxis>& axes,
                             const std::vector<Source>& sources, ExperimentTables& tables);

/// The efficiency of `[response]` where it is over the recoil energy (`efficiency_in = "recoil"` or `"true"`): it then
/// belongs to every channel.
std::optional<TabulatedFunction> read_recoil_efficiency(const TomlTable& experiment, ExperimentTables& tables);

//! Visible energies [MeV] that are reconstructed in the bins of the fit, but for the smearing
Range visible_range(const BinAxis& energy, const EnergyResponse& response);

//! The highest energy [MeV] of a neutrino; no recoil and nothing visible has more
double highest_neutrino_energy(const std::vector<Source>& sources);

} // namespace nuscan
