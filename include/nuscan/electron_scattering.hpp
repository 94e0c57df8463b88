// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/constants.hpp"
#include "nuscan/form_factors.hpp"

namespace nuscan {

/// Elastic neutrino-electron scattering with electromagnetic form factors (KS17 Eqs. 20-27; signs as in the erratum).
///
/// In the mass basis, with the recoil energy T [MeV] and q² = −2 m_e T,
///
///     V(T) = g'_V + κ [ e/q² + ⟨r²_ν⟩/6 ] = V0 + V1/T,     A = g'_A,     (g'_{V,A})_jk = g_{V,A} δ_jk + U*_ej U_ek
///
/// V0 and A are dimensionless, V1 is in MeV, and M = μ − iε is in μ_B.
struct ElectronCouplings {
    Matrix3 V0; //!< g'_V + K ⟨r²_ν⟩
    Matrix3 V1; //!< −(κ/2m_e) e [MeV]
    Matrix3 A;  //!< g'_A
    Matrix3 M;  //!< μ − iε [μ_B]
};

/// What an energy spectrum needs to know of a point (KS17 Eqs. 23-25, 27).
struct ScatteringCoefficients {
    double C1 = 0;  //!< tr(ρ V†V)
    double C2 = 0;  //!< tr(ρ A†A)
    Complex C3;     //!< tr(ρ A†V)
    double mu2 = 0; //!< |μ_ν|² = tr(ρ M†M) [μ_B²]
};

//! Tree-level g_A of the electron; g_V = 2 sin²θ_W − 1/2
inline constexpr double electron_axial_coupling = -0.5;

NUSCAN_HOST_DEVICE constexpr double electron_vector_coupling(double sin2_theta_w) { return 2 * sin2_theta_w - 0.5; }

//! g δ_jk + U*_ej U_ek: the weak coupling matrix in the mass basis; the second term is the charged current
NUSCAN_HOST_DEVICE constexpr Matrix3 weak_coupling(double g, const Matrix3& U) {
    Matrix3 m = scalar_matrix(g);
    for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 3; ++k) {
            m(j, k) += conj(U(0, j)) * U(0, k);
        }
    }
    return m;
}

/// Couplings of neutrinos from form factors \p f in the mass basis, at tree level.
NUSCAN_HOST_DEVICE constexpr ElectronCouplings electron_couplings(const FormFactors& f, const Matrix3& U,
                                                                  double sin2_theta_w) {
    return {weak_coupling(electron_vector_coupling(sin2_theta_w), U) +
                Complex(constants::radius_coupling) * effective_charge_radius(f),
            Complex(-constants::charge_coupling) * f.charge, weak_coupling(electron_axial_coupling, U),
            effective_moment(f)};
}

/// Couplings of antineutrinos from those of neutrinos: g' → −g'*, e → −e^T, ⟨r²_ν⟩ → −⟨r²_ν⟩^T, μ_ν → −μ_ν*.
///
/// All matrices but M are Hermitian, so each rule is X → −X*. To be used with ρ of the antineutrino and s = −1.
NUSCAN_HOST_DEVICE constexpr ElectronCouplings antineutrino_couplings(const ElectronCouplings& c) {
    return {Complex(-1) * conj(c.V0), Complex(-1) * conj(c.V1), Complex(-1) * conj(c.A), Complex(-1) * conj(c.M)};
}

//! C1, C2, C3 and |μ_ν|² from their definitions as traces, at recoil energy T [MeV]
NUSCAN_HOST_DEVICE constexpr ScatteringCoefficients scattering_coefficients(const Matrix3& rho,
                                                                            const ElectronCouplings& c, double T) {
    const Matrix3 V = c.V0 + Complex(1 / T) * c.V1;
    const Matrix3 A_dagger = adjoint(c.A);
    return {trace(rho * (adjoint(V) * V)).re, trace(rho * (A_dagger * c.A)).re, trace(rho * (A_dagger * V)),
            trace(rho * (adjoint(c.M) * c.M)).re};
}

//! Largest recoil energy [MeV] of an electron at rest: T_max = 2E²/(m_e + 2E)
NUSCAN_HOST_DEVICE constexpr double max_electron_recoil(double E) {
    return 2 * E * E / (constants::electron_mass + 2 * E);
}

//! Smallest neutrino energy [MeV] that gives an electron the recoil energy T: (T + √(T² + 2 m_e T)) / 2
NUSCAN_HOST_DEVICE inline double min_neutrino_energy(double T) {
    return (T + std::sqrt(T * T + 2 * constants::electron_mass * T)) / 2;
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
/// Valid for 0 < T ≤ max_electron_recoil(E); the caller sees to that.
NUSCAN_HOST_DEVICE constexpr ElectronKernels electron_kernels(double E, double T, double s) {
    const double backward = (1 - T / E) * (1 - T / E);
    const double helicity_flip = constants::electron_mass * T / (E * E);
    return {constants::weak_cross_section * (1 + backward - helicity_flip),
            constants::weak_cross_section * (1 + backward + helicity_flip),
            constants::weak_cross_section * 2 * s * (1 - backward),
            constants::magnetic_cross_section * (1 / T - 1 / E)};
}

//! dσ/dT [cm²/MeV] per free electron at rest, from the coefficients at the same T
NUSCAN_HOST_DEVICE constexpr double electron_cross_section(const ScatteringCoefficients& c, double E, double T,
                                                           double s) {
    const ElectronKernels k = electron_kernels(E, T, s);
    return k.C1 * c.C1 + k.C2 * c.C2 + k.C3 * c.C3.re + k.mu2 * c.mu2;
}

} // namespace nuscan
