// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/couplings.hpp"
#include "nuscan/kinematics.hpp"

/// Coherent elastic neutrino-nucleus scattering (CEvNS) with electromagnetic form factors (KLS21 Eqs. 1-7, with the
/// kinematics exact for spin 0; signs and corrections in docs/physics.md).
namespace nuscan {

/// A nucleus at one recoil energy.
struct NucleusAtRecoil {
    double mass;    //!< M [MeV]
    double proton;  //!< Z F_p(q) = Z F_ch(q), q² = 2MT
    double neutron; //!< N F_n(q)
    //! Structure of the axial current, F_A(q)/4 = (2π/(2J+1)) [a_0² S_00 + a_0 a_1 S_01 + a_1² S_11]; zero for spin 0
    //! and wherever the axial term is left out
    double axial = 0;
};

/// The factors of C_V, the axial structure [cm²/MeV] and Z²F²|μ_ν|² [cm²/MeV/μ_B²] in dσ/dT.
struct NuclearKernels {
    double C_V, axial, mu2;
};

/// Kernels at neutrino energy E and recoil energy T [MeV] on a nucleus of mass M [MeV], the same for ν and ν̄.
///
///     dσ/dT = (G_F² M/π) (1 − T/E − M T/2E²) C_V + (G_F² M/2π) (2 + M T/E²) × axial
///             + (π α²/m_e²) |μ_ν|² Z² F_ch² (1/T − 1/E + T/4E²)
///
/// Valid for 0 < T ≤ max_recoil(E, M); the caller sees to that.
NUSCAN_HOST_DEVICE constexpr NuclearKernels nuclear_kernels(double E, double T, double M) {
    const double weak = constants::coherent_cross_section * M;
    const double x = M * T / (2 * E * E);
    return {weak * (1 - T / E - x), weak * (1 + x),
            constants::magnetic_cross_section * (1 / T - 1 / E + T / (4 * E * E))};
}

/// What a recoil spectrum of nuclei needs to know of a point.
struct NuclearCoefficients {
    double C_V = 0; //!< tr(ρ W†W), W = Z F_p [V0 + (m_e/M) V1/T] + N F_n A
    double mu2 = 0; //!< |μ_ν|² = tr(ρ M†M) [μ_B²]
};

//! C_V and |μ_ν|² from their definitions as traces; couplings are those of the nucleus
NUSCAN_HOST_DEVICE constexpr NuclearCoefficients nuclear_coefficients(const Matrix3& rho, const Couplings& c,
                                                                      const NucleusAtRecoil& nucleus, double T) {
    const Matrix3 V = c.V0 + Complex(constants::electron_mass / (nucleus.mass * T)) * c.V1;
    const Matrix3 W = Complex(nucleus.proton) * V + Complex(nucleus.neutron) * c.A;
    return {trace(rho * (adjoint(W) * W)).re, trace(rho * (adjoint(c.M) * c.M)).re};
}

//! dσ/dT [cm²/MeV] per nucleus at rest
NUSCAN_HOST_DEVICE constexpr double nuclear_cross_section(const NucleusAtRecoil& nucleus, const NuclearCoefficients& c,
                                                          double E, double T) {
    const NuclearKernels k = nuclear_kernels(E, T, nucleus.mass);
    return k.C_V * c.C_V + k.axial * nucleus.axial + k.mu2 * nucleus.proton * nucleus.proton * c.mu2;
}

} // namespace nuscan
