// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "backends/reference_physics.hpp"

/// What the parts of the literal implementation share among themselves.
namespace nuscan::reference {

//! Linear between the knots, zero outside and where there is no table
double interpolate(const Table& table, double x);
//! Whether x is within the range of a table
bool covers(const Table& table, double x);

//! T_max = 2E²/(M + 2E)
double largest_recoil(double E, double M);
//! The smallest E with T_max = T
double smallest_energy(double T, double M);

//! dσ/dT [cm²/MeV] at a recoil energy, as a function of the neutrino energy [MeV]. Refers to what it was made of.
using CrossSection = std::function<double(double)>;

//! On the electrons of a formula unit
CrossSection electron_cross_section_at(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam,
                                       const TargetMaterial& target, const Channel& channel, double T);
/// What equivalent photons give beyond stepping in dσ/dT of a unit charge: the larger of both is taken, so that dσ/dT
/// has a kink where this is zero.
CrossSection photon_excess(const TargetMaterial& target, const Channel& channel, double T);
/// Neutrino energies [MeV], ascending, between which the weights of solar neutrinos are smooth: the resonance of each
/// zone where it is narrow, and some of its widths beside it, further apart with the distance. At θ12 = 0 and 90° the
/// width is zero, and the weights have a step.
std::vector<double> solar_landmarks(const Mixing& mixing, const Beam& beam);
//! On a nucleus
CrossSection nuclear_cross_section_at(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam,
                                      const Nuclide& nuclide, const Channel& channel, double T);

} // namespace nuscan::reference
