// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment_tables.hpp"
#include "nuscan/constants.hpp"

/// Neutrinos of stopped pions, π⁺ → μ⁺ ν_μ and μ⁺ → e⁺ ν_e ν̄_μ, as at a spallation source.
namespace nuscan {

inline constexpr double pion_lifetime = 26.033e-9;    //!< [s] (PDG 2022)
inline constexpr double muon_lifetime = 2.1969811e-6; //!< [s] (PDG 2022)

//! Energy of the ν_μ, (m_π² − m_μ²)/2m_π = 29.79 MeV
inline constexpr double pion_neutrino_energy =
    (constants::pion_mass * constants::pion_mass - constants::muon_mass * constants::muon_mass) /
    (2 * constants::pion_mass);

//! Largest error of a tabulated Michel spectrum between its points, relative to its peak
inline constexpr double michel_tolerance = 1e-6;

/// Spectra [1/MeV] of μ⁺ decay at rest, zero above m_μ/2 (without m_e²/m_μ² and radiative corrections):
///
///     ν̄_μ: (64/m_μ) x² (3/4 − x),   ν_e: (192/m_μ) x² (1/2 − x),   x = E/m_μ
///
/// L. Michel, Proc. Phys. Soc. A 63, 514 (1950); mean energies 7/20 m_μ and 3/10 m_μ. \param E [MeV]
double michel_muon_antineutrino(double E);
double michel_electron_neutrino(double E);

/// Reads a `[[source]]` with type = "pion-decay-at-rest": NAME-numu, NAME-numubar and NAME-nue.
/// \param live_time of the exposure [s], in which the protons came
std::vector<Source> read_pion_decay(const TomlTable& table, ExperimentTables& tables, double live_time);

} // namespace nuscan
