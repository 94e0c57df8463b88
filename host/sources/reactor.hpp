// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/experiment_tables.hpp"
#include "sources/fission.hpp"

namespace nuscan {

/// Captures of a neutron on ²³⁸U per fission in a power reactor; each gives two antineutrinos below 1.27 MeV.
inline constexpr double default_captures = 0.6;

/// Reads a `[[source]]` with type = "reactor": the ν̄_e of a reactor.
///
/// The spectrum per fission is Σ_i f_i S_i(E) + captures × S_c(E): Huber-Mueller from 2 to 8 MeV and a table below
/// (`low_energy`), or the user's tables of each isotope; the flux follows from the thermal power,
/// (P/Σ_i f_i E_i) ν̄_per_fission/(4πL²), or is given as the total at the detector.
/// \throws InputError with file and line
Source read_reactor(const TomlTable& table, ExperimentTables& tables, std::vector<std::string>& notes);

} // namespace nuscan
