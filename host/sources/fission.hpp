// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "experiments/experiment.hpp"

/// Antineutrinos of the isotopes that fission in a reactor.
namespace nuscan {

enum class FissionIsotope : int { U235, U238, Pu239, Pu241 };
inline constexpr std::array<FissionIsotope, 4> fission_isotopes = {FissionIsotope::U235, FissionIsotope::U238,
                                                                   FissionIsotope::Pu239, FissionIsotope::Pu241};

//! "U235", …
const char* name(FissionIsotope isotope);

/// Energy per fission that stays in the reactor, in MeV: X. B. Ma et al., Phys. Rev. C 88, 014605 (2013).
double energy_per_fission(FissionIsotope isotope);

//! Range of the Huber-Mueller spectra [MeV]: that of the published tables and fits
inline constexpr double huber_mueller_lowest = 2, huber_mueller_highest = 8;

/// Antineutrinos per MeV and fission at \p E [MeV]: exp(Σ_p α_p E^(p−1)), p = 1…6, and zero outside 2 to 8 MeV.
///
/// α_p: ²³⁵U, ²³⁹Pu, ²⁴¹Pu from P. Huber, Phys. Rev. C 84, 024617 (2011), Table III; ²³⁸U from Th. A. Mueller et al.,
/// Phys. Rev. C 83, 054615 (2011), Table VI. Below 2 MeV the polynomials mean nothing.
double huber_mueller(FissionIsotope isotope, double E);

//! The same as a table, good to 1e-5 of its largest value
Table huber_mueller_table(FissionIsotope isotope);

} // namespace nuscan
