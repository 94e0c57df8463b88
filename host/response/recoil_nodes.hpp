// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment.hpp"
#include "nuscan/electron_scattering.hpp"
#include "nuscan/nuclear_target.hpp"
#include "response/acceptance.hpp"

namespace nuscan {

//! A nuclide of the target by its place; null for −1, which stands for electrons
const Nuclide* nuclide_of(const TargetMaterial& target, int nuclide);

//! Mass [MeV] of what a channel scatters on; \p nuclide is null for electrons
double target_mass(const Nuclide* nuclide);

//! Largest recoil energy [MeV] that a source can give a body of that mass; 0 for a source without spectrum and lines
double largest_recoil(const Source& source, double mass);

/// Recoil energies of a channel on one kind of target, with what does not depend on the source: the same nodes serve
/// all sources.
struct RecoilNodes {
    std::vector<double> recoil;     //!< T_i [MeV]
    std::vector<double> acceptance; //!< n_recoils × n_energy_bins: R_b(T_i) × quadrature weight [MeV]
};

/// Nodes between all kinks of the integrand of any source, as far apart as it is smooth.
/// \param nuclide null for electrons
RecoilNodes make_recoil_nodes(const Experiment& experiment, const EnergyAcceptance& energy, const Channel& channel,
                              const Nuclide* nuclide, const Mixing& mixing);

//! The electrons of a formula unit at recoil energy \p T [MeV], without the ranges of equivalent photons
BoundElectrons electrons_at_recoil(const TargetMaterial& target, const Channel& channel, double T);

//! The same with these ranges
BoundElectrons bound_electrons(const TargetMaterial& target, const Channel& channel, double T);

//! A nuclide as a channel sees it
NuclearTarget nuclear_target(const Nuclide& nuclide, const Channel& channel);

} // namespace nuscan
