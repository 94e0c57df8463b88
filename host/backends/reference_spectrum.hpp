// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "backends/reference_physics.hpp"

/// Binned spectra of the literal implementation: adaptive integrals over neutrino, recoil and reconstructed energy.
namespace nuscan {

/// Visible energy [MeV] of a recoil of energy \p T [MeV]; \p nuclide is null for electrons.
double reference_visible_energy(const Quenching& quenching, const Nuclide* nuclide, double T);

/// R_b(T): probability that a recoil of energy \p T is reconstructed in energy bin \p b and accepted.
double reference_acceptance(const Experiment& experiment, const Channel& channel, const Nuclide* nuclide, double T,
                            int b);

/// What part of the counts of an energy bin falls into each of the bins that belong to it: n_bins numbers.
std::vector<double> reference_shares(const Experiment& experiment, const Channel& channel, const Source& source);

/// Expected signal counts per bin: the sum over sources and channels, and for a nuclear one over nuclides, of
///
///     N_b = targets × live time × share_b × ∫ dT R_b(T) ∫ dE flux(E) dσ/dT(E, T)
///
/// \p tolerance is that of the integral over T, relative to the counts.
std::vector<double> reference_signal(const Experiment& experiment, const ReferencePoint& point,
                                     double tolerance = 1e-12);

/// The experiment with the baselines and radii of a point.
Experiment reference_experiment(const Experiment& experiment, const ReferencePoint& point);

} // namespace nuscan
