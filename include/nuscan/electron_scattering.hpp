// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/couplings.hpp"
#include "nuscan/kinematics.hpp"

/// Elastic neutrino-electron scattering with electromagnetic form factors (KS17 Eqs. 20-27; signs as in the erratum).
namespace nuscan {

/// What an energy spectrum needs to know of a point (KS17 Eqs. 23-25, 27), with V = V0 + r V1/T: r = 1, or less where
/// atoms weaken the interference of charge and weak amplitudes.
struct ScatteringCoefficients {
    double C1 = 0;      //!< tr(ρ V†V)
    double C2 = 0;      //!< tr(ρ A†A)
    Complex C3;         //!< tr(ρ A†V)
    double mu2 = 0;     //!< |μ_ν|² = tr(ρ M†M) [μ_B²]
    double charge2 = 0; //!< tr(ρ V1†V1)/T², whatever r: the part of C1 at r = 1 that is quadratic in the charge
};

//! C1, C2, C3 and |μ_ν|² from their definitions as traces, at recoil energy T [MeV] and \p r
NUSCAN_HOST_DEVICE constexpr ScatteringCoefficients scattering_coefficients(const Matrix3& rho, const Couplings& c,
                                                                            double T, double r = 1) {
    const Matrix3 V = c.V0 + Complex(r / T) * c.V1;
    const Matrix3 A_dagger = adjoint(c.A);
    return {trace(rho * (adjoint(V) * V)).re, trace(rho * (A_dagger * c.A)).re, trace(rho * (A_dagger * V)),
            trace(rho * (adjoint(c.M) * c.M)).re, trace(rho * (adjoint(c.V1) * c.V1)).re / (T * T)};
}

/// The factors of C1, C2, Re C3 [cm²/MeV] and |μ_ν|² [cm²/MeV/μ_B²] in dσ/dT (KS17 Eqs. 22, 26, erratum).
struct ElectronKernels {
    double C1, C2, C3, mu2;
};

/// Kernels at neutrino energy E and recoil energy T [MeV]; s = +1 for neutrinos, −1 for antineutrinos.
///
///     dσ/dT = (G_F² m_e/2π) [ C1 + C2 + 2s ReC3 + (C1 + C2 − 2s ReC3)(1 − T/E)² + (C2 − C1) m_e T/E² ]
///             + (π α²/m_e²) |μ_ν|² (1/T − 1/E)
///
/// Valid for 0 < T ≤ max_recoil(E, m_e); the caller sees to that.
NUSCAN_HOST_DEVICE constexpr ElectronKernels electron_kernels(double E, double T, double s) {
    const double backward = (1 - T / E) * (1 - T / E);
    const double helicity_flip = constants::electron_mass * T / (E * E);
    return {constants::weak_cross_section * (1 + backward - helicity_flip),
            constants::weak_cross_section * (1 + backward + helicity_flip),
            constants::weak_cross_section * 2 * s * (1 - backward),
            constants::magnetic_cross_section * (1 / T - 1 / E)};
}

namespace detail {
//! A sum that is not negative but for rounding
NUSCAN_HOST_DEVICE constexpr double without_rounding_below_zero(double sum) { return sum < 0 ? 0 : sum; }
} // namespace detail

//! dσ/dT [cm²/MeV] per free electron at rest, from the coefficients at the same T
NUSCAN_HOST_DEVICE constexpr double electron_cross_section(const ScatteringCoefficients& c, double E, double T,
                                                           double s) {
    const ElectronKernels k = electron_kernels(E, T, s);
    return detail::without_rounding_below_zero(k.C1 * c.C1 + k.C2 * c.C2 + k.C3 * c.C3.re + k.mu2 * c.mu2);
}

//! A range of neutrino energies [MeV]
struct EnergyRange {
    double from = constants::infinity, to = constants::infinity;
};

/// The electrons of an atom, or of a formula unit of a compound, at one recoil energy.
struct BoundElectrons {
    double electrons;    //!< Σ_β n_β θ(T − ε_β): those that T can free (stepping, KS17 Eq. 34)
    double weak = 1;     //!< factor on the weak terms, from a tabulated correction
    double magnetic = 1; //!< factor on the magnetic term, from a tabulated correction
    //! r: the terms in which the charge interferes with weak amplitudes and the radius have the factor r × weak
    double interference = 1;
    //! σ_γ(T) [cm²] of equivalent photons, which take the place of stepping in the |charge|² term where they give more;
    //! 0: there are none
    double photon_area = 0;
    static constexpr int max_photon_ranges = 2;
    EnergyRange photons[max_photon_ranges] = {}; //!< where in neutrino energy they do, in order; empty ones are last
};

/// The factor r that leaves dσ/dT ≥ 0 for any matrices: with a factor `weak` on the weak terms and one on |charge|²
/// that is at least 1, stepping's, the interference takes at most their geometric mean, as Cauchy and Schwarz ask.
NUSCAN_HOST_DEVICE inline double largest_interference(double weak) { return weak > 1 ? 1 / std::sqrt(weak) : 1; }

/// Equivalent-photon dσ/dT per atom over C1's part tr(ρ V1†V1)/T² [cm²/MeV]:
///
///     dσ/dT = (2α/π)(σ_γ(T)/T) ln(E/m_ν) |e_ν|²,   m_ν = 1 eV
///
/// (docs/physics.md, "Bound electrons"; J.-W. Chen et al., Phys. Rev. D 90, 011301 (2014)).
/// tr(ρ V1†V1) = (κ/2m_e)² |e_ν|². Not negative; 0 below m_ν.
NUSCAN_HOST_DEVICE inline double equivalent_photon_kernel(double E, double T, double photon_area) {
    constexpr double neutrino_mass = 1e-6; // MeV
    constexpr double charge2 = constants::charge_coupling * constants::charge_coupling;
    const double logarithm = E > neutrino_mass ? std::log(E / neutrino_mass) : 0;
    return 2 * constants::alpha / constants::pi * photon_area * T * logarithm / charge2;
}

/// Factor of tr(ρ V1†V1)/T² in dσ/dT per atom [cm²/MeV]: stepping's or equivalent photons', whichever is larger.
/// \param free ElectronKernels::C1
NUSCAN_HOST_DEVICE inline double charge_kernel(const BoundElectrons& atom, double free, double E, double T) {
    const double stepping = atom.electrons * free;
    const double photons = atom.photon_area > 0 ? equivalent_photon_kernel(E, T, atom.photon_area) : 0;
    return photons > stepping ? photons : stepping;
}

/// dσ/dT [cm²/MeV] per atom, from coefficients with the atom's r: the free electron's with the charge scaled by r, × n
/// × weak, and what that leaves of |charge|². Neither is negative.
NUSCAN_HOST_DEVICE inline double atomic_cross_section(const BoundElectrons& atom, const ScatteringCoefficients& c,
                                                      double E, double T, double s) {
    const ElectronKernels k = electron_kernels(E, T, s);
    const double weak = k.C1 * c.C1 + k.C2 * c.C2 + k.C3 * c.C3.re;
    const double interfering = atom.electrons * atom.weak * atom.interference * atom.interference * k.C1;
    const double rest = charge_kernel(atom, k.C1, E, T) - interfering;
    return detail::without_rounding_below_zero(atom.electrons * (atom.weak * weak + atom.magnetic * k.mu2 * c.mu2) +
                                               rest * c.charge2);
}

} // namespace nuscan
