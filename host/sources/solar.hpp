// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "experiments/experiment_tables.hpp"

namespace nuscan {

/// One of the reactions that make neutrinos in the Sun.
struct SolarComponent {
    std::string name;        //!< "pp", "7Be", …
    double flux;             //!< at 1 au [cm^-2 s^-1]
    double electron_density; //!< mean over the region where they are made [mol/cm³]
    std::string spectrum;    //!< shipped table, or "" where there are only lines
    std::vector<SpectralLine> lines;
};

/// The eight components of the standard solar model.
///
/// Fluxes: B16-GS98, N. Vinyoles et al., Astrophys. J. 835, 202 (2017). Mean electron densities: rounded figures as
/// analyses of solar neutrinos quote them. Lines of ⁷Be: electron capture to the ground state and to the 478-keV state
/// of ⁷Li.
const std::vector<SolarComponent>& solar_components();

/// Zones in which a fraction of the neutrinos is made at one electron density.
///
/// \param production the probability density of production over r/R (any normalisation); \param electrons n_e [mol/cm³]
/// over r/R, which must reach across all of it. Both are linear in between. Each zone is a shell with its mean n_e;
/// shells are joined until each holds at least 1/64 of the neutrinos, which changes P_ee by less than 1e-4.
std::vector<ProductionZone> production_zones(const Table& production, const Table& electrons);

/// Reads how neutrinos come out of the Sun: `electron_density`, or `production_profile` and
/// `electron_density_profile`. Nothing where the table has none of these keys.
/// \throws InputError for one profile without the other, or both profiles and a density
std::vector<ProductionZone> read_zones(const TomlTable& table, ExperimentTables& tables);

//! Reads a `[[source]]` with type = "solar": one source for each component it names
std::vector<Source> read_solar(const TomlTable& table, ExperimentTables& tables);

} // namespace nuscan
