// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>

/// Physical constants, CODATA 2018 and PDG 2022. Energies in MeV, lengths in cm, angles in rad.
namespace nuscan::constants {

// Named here because device code may not call the functions of std::numeric_limits.
inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

inline constexpr double pi = 3.141592653589793;
inline constexpr double sqrt2 = 1.4142135623730951;

inline constexpr double alpha = 1 / 137.035999084;  //!< fine-structure constant
inline constexpr double fermi = 1.1663788e-11;      //!< G_F [MeV^-2]
inline constexpr double hbar_c = 197.3269804e-13;   //!< ħc [MeV cm]
inline constexpr double electron_mass = 0.51099895; //!< m_e [MeV]
inline constexpr double muon_mass = 105.6583755;    //!< m_μ [MeV]
inline constexpr double tau_mass = 1776.86;         //!< m_τ [MeV]
inline constexpr double w_mass = 80377;             //!< m_W [MeV]
inline constexpr double pion_mass = 139.57039;      //!< m_π± [MeV]
inline constexpr double sin2_theta_w = 0.23863;     //!< sin²θ_W at zero momentum transfer
inline constexpr double avogadro = 6.02214076e23;   //!< [mol^-1]
inline constexpr double seconds_per_day = 86400;

//! G_F (ħc)² [cm²], = 4.54164e-33: turns G_F × (an inverse area in natural units) into a length squared
inline constexpr double fermi_area = fermi * hbar_c * hbar_c;

//! Δm² L / 2E in rad for Δm² in eV², L in m, E in MeV: 1e-12 MeV²/eV² · 100 cm/m / (2 ħc)
inline constexpr double oscillation_phase = 1e-12 * 100 / (2 * hbar_c);

//! 2√2 G_F n_e E in eV² for n_e in mol/cm³ and E in MeV, = 1.526e-7: the matter term of neutrinos in the Sun
inline constexpr double solar_matter = 2 * sqrt2 * fermi * avogadro * hbar_c * hbar_c * hbar_c * 1e12;

//! K = κ/6 = √2 π α / (3 G_F) [cm^-2], = 2.37956e30: a charge radius ⟨r²⟩ shifts g_V of the electron by K⟨r²⟩
inline constexpr double radius_coupling = sqrt2 * pi * alpha / (3 * fermi_area);

//! κ / 2m_e = √2 π α / (G_F m_e) [MeV]: a charge e (in units of e) adds −(κ/2m_e) e / T to the vector coupling
inline constexpr double charge_coupling = sqrt2 * pi * alpha / (fermi * electron_mass);

//! G_F² m_e / 2π (ħc)² [cm²/MeV]
inline constexpr double weak_cross_section = fermi * fermi_area * electron_mass / (2 * pi);

//! G_F² / π (ħc)² [cm²/MeV²]: × the mass of a nucleus gives the scale of its dσ/dT
inline constexpr double coherent_cross_section = fermi * fermi_area / pi;

//! π α² / m_e² (ħc)² [cm²], = 2.49467e-25
inline constexpr double magnetic_cross_section = pi * alpha * alpha * hbar_c * hbar_c / (electron_mass * electron_mass);

} // namespace nuscan::constants
