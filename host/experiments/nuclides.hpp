// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nuscan {

/// An isotope as a target of coherent scattering: the bare nucleus, without its electrons.
///
/// Its mass is m_atom − Z m_e + B_e, with the binding energy B_e of the electrons: 4e-7 (Ar) to 3.5e-6 (U) of it.
///
/// The radii are those of form factors: rms radii of the distributions of the protons' electric and the neutrons' weak
/// charge, with the nucleon's own size inside (M. Cadeddu et al., Phys. Rev. D 102, 015030 (2020)), so that
/// Z g_V^p F(q; R_p) + N g_V^n F(q; R_n) needs no form factor of the nucleon. From the charge radius R_ch (I. Angeli,
/// K. P. Marinova, At. Data Nucl. Data Tables 99, 69 (2013)):
///
///     R_p² = R_ch² − (N/Z) r_n²                                      r_n² = −0.1161 fm²
///     R_n² = (√(R_p² − r²) + Δ)² + r²                                r² = r_p² + 3/(4 m_N²), r_p = 0.8409 fm
///     Δ = −0.04 + 1.01 (N − Z)/A fm                                  neutron skin
///
/// The skin is the trend of antiprotonic atoms from 40Ca to 238U, good to 0.03 ⊕ 0.15 (N − Z)/A fm (A. Trzcinska et
/// al., Phys. Rev. Lett. 87, 082501 (2001)), and an extrapolation for lighter nuclei. 40Ar, 127I and 133Cs instead have
/// the radii with which COHERENT's data are fitted (M. Atzori Corona et al., JHEP 09, 164 (2022)), whose R_n come from
/// the nuclear shell model and are 0.05 to 0.14 fm larger.
struct Nuclide {
    std::string name; //!< "Ar40"
    int Z, A;
    double mass;           //!< of the nucleus [MeV], from AME2020; electron_binding() taken into account
    double abundance;      //!< natural atom fraction, as CIAAW's tables have it; 0 for an isotope that has none
    double spin;           //!< of the ground state; of Ta180 the isomer's, which is what nature has
    double proton_radius;  //!< R_p [fm]
    double neutron_radius; //!< R_n [fm]; R_p for 1H, which has no neutron
    std::string radius_source = ""; //!< where the radii come from, in a few words
};

/// Binding energy of the electrons of a neutral atom [MeV]: B_e = 14.4381 Z^2.39 + 1.55468e-6 Z^5.35 eV (D. Lunney, J.
/// M. Pearson, C. Thibault, Rev. Mod. Phys. 75, 1021 (2003), Eq. A4). What it takes to strip the atom, so that the bare
/// nucleus and its electrons are heavier than the atom.
double electron_binding(int Z);

//! Mass of the neutral atom [MeV]: m_nucleus + Z m_e − B_e
double atomic_mass(const Nuclide& nuclide);

/// The isotope of that name ("Ar40"), or nothing. Those that occur in nature are known.
std::optional<Nuclide> find_nuclide(const std::string& name);

/// How nuclides are called here where others write "76Ge" or "Ge-76": "Ge76". Other names come back as they are.
std::string symbol_first(const std::string& name);

/// The natural isotopes of an element ("Xe") in order of A, abundances normalised to a sum of 1; empty for a symbol
/// that is none and for an element that nature has not (Tc, Pm).
std::vector<Nuclide> natural_isotopes(const std::string& symbol);

//! Names of all isotopes in the table, in order of Z and A
std::vector<std::string> nuclide_names();

} // namespace nuscan
