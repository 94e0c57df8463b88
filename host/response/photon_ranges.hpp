// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment.hpp"
#include "nuscan/electron_scattering.hpp"

namespace nuscan {

/// Fills in the ranges of neutrino energy at which an atom's equivalent photons give more than stepping in the
/// |charge|² term, at recoil energy \p T [MeV].
///
/// Both sides are sums of 1, 1/E, 1/E² and ln E: their difference has at most two extremes and so three zeros, each
/// found between extremes.
void set_photon_ranges(BoundElectrons& atom, double T);

/// Recoil energies [MeV] at which the integral over the neutrino energy has a kink because equivalent photons take over
/// from stepping: where that happens at a knot or a line of a spectrum, or at an end of the range of energies, or sets
/// in.
/// \param branches gets those at which two such energies meet, or one sets in: as a root of the distance they move
/// there \param steps increasing; between them, shells and photoabsorption have no steps and kinks
std::vector<double> photon_kinks(const TargetMaterial& target, const Channel& channel,
                                 const std::vector<Source>& sources, const std::vector<double>& steps,
                                 std::vector<double>& branches);

} // namespace nuscan
