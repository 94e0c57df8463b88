// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/constants.hpp"
#include "nuscan/matrix3.hpp"

namespace nuscan {

enum class Flavour : int { e = 0, mu = 1, tau = 2 };

/// How the neutrino propagates from source to detector.
enum class Propagation : int {
    exact,          //!< phases kept, ρ from ψ_k = U*_{ℓk} exp(−i m_k² L / 2E)
    short_baseline, //!< phases 1
    decohered,      //!< off-diagonal ρ = 0, ρ_kk = |U_{ℓk}|²
    solar,          //!< off-diagonal ρ = 0, ρ_kk = P_k(E): ν_e through the matter of the Sun, see solar_weights()
};

/// Where in the Sun a part of the neutrinos is made.
struct ProductionZone {
    double electron_density; //!< n_e [mol/cm³]
    double fraction;         //!< of the source's neutrinos
};

/// How a neutrino came to the detector.
struct Beam {
    Flavour flavour; //!< at the source
    bool antineutrino;
    Propagation propagation;
    double baseline = 0;                   //!< L [m], of exact propagation
    const ProductionZone* zones = nullptr; //!< of solar propagation
    int n_zones = 0;
};

/// Mixing angles and phases [rad] and mass splittings [eV²]. Defaults: NuFIT 6.0 values for normal ordering, as quoted.
struct Mixing {
    double theta12 = 33.68 * constants::pi / 180;
    double theta13 = 8.56 * constants::pi / 180;
    double theta23 = 43.3 * constants::pi / 180;
    double delta = 212 * constants::pi / 180;
    double alpha21 = 0;
    double alpha31 = 0;
    double dm21 = 7.49e-5;  //!< m_2² − m_1² [eV²]
    double dm31 = 2.513e-3; //!< m_3² − m_1² [eV²], negative for inverted ordering
};

//! NuFIT 6.0 values, as quoted, for either mass ordering (inverted: Δm²31 = Δm²32 + Δm²21 < 0)
NUSCAN_HOST_DEVICE constexpr Mixing default_mixing(bool inverted_ordering) {
    Mixing m;
    if (inverted_ordering) {
        m.theta23 = 47.9 * constants::pi / 180;
        m.theta13 = 8.59 * constants::pi / 180;
        m.delta = 274 * constants::pi / 180;
        m.dm31 = -2.484e-3 + m.dm21;
    }
    return m;
}

/// The lepton mixing matrix U_{ℓk}: PDG parametrisation × diag(1, e^{iα21/2}, e^{iα31/2}).
///
/// Rows are flavours, columns mass states; unitary. Source: PDG review of neutrino masses and mixing, Eq. 14.33.
NUSCAN_HOST_DEVICE inline Matrix3 mixing_matrix(const Mixing& m) {
    const double s12 = std::sin(m.theta12), c12 = std::cos(m.theta12);
    const double s13 = std::sin(m.theta13), c13 = std::cos(m.theta13);
    const double s23 = std::sin(m.theta23), c23 = std::cos(m.theta23);
    const Complex cp = polar(1, m.delta);
    Matrix3 U{};
    U(0, 0) = c12 * c13;
    U(0, 1) = s12 * c13;
    U(0, 2) = s13 * conj(cp);
    U(1, 0) = Complex(-s12 * c23) - (c12 * s23 * s13) * cp;
    U(1, 1) = Complex(c12 * c23) - (s12 * s23 * s13) * cp;
    U(1, 2) = s23 * c13;
    U(2, 0) = Complex(s12 * s23) - (c12 * c23 * s13) * cp;
    U(2, 1) = Complex(-c12 * s23) - (s12 * c23 * s13) * cp;
    U(2, 2) = c23 * c13;
    const Complex majorana[3] = {1, polar(1, m.alpha21 / 2), polar(1, m.alpha31 / 2)};
    for (int l = 0; l < 3; ++l) {
        for (int k = 1; k < 3; ++k) {
            U(l, k) = U(l, k) * majorana[k];
        }
    }
    return U;
}

//! m_k² − m_1² [eV²] for k = 0, 1, 2
NUSCAN_HOST_DEVICE constexpr double mass_squared(const Mixing& m, int k) {
    return k == 0 ? 0 : (k == 1 ? m.dm21 : m.dm31);
}

//! Phase m² L / 2E [rad]: \p mass_squared in eV², \p baseline in m, \p energy in MeV.
NUSCAN_HOST_DEVICE constexpr double propagation_phase(double mass_squared, double baseline, double energy) {
    return constants::oscillation_phase * mass_squared * baseline / energy;
}

/// Probabilities P_k with which a ν_e that was made in the Sun arrives as mass state k.
///
///     P_1 = c13² cos²θ12^m,   P_2 = c13² sin²θ12^m,   P_3 = s13²,
///     cos2θ12^m = (cos2θ12 − β)/√((cos2θ12 − β)² + sin²2θ12),   β = 2√2 G_F c13² n_e E/Δm²21,
///
/// averaged over the zones: adiabatic conversion (S. J. Parke, Phys. Rev. Lett. 57, 1275 (1986)), for energies at which
/// matter does not touch θ13. \param E [MeV].
struct MassProbabilities {
    double P[3];
};
NUSCAN_HOST_DEVICE inline MassProbabilities solar_weights(const Mixing& m, const Beam& beam, double E) {
    const double s13_squared = std::sin(m.theta13) * std::sin(m.theta13), c13_squared = 1 - s13_squared;
    const double cos_2theta = std::cos(2 * m.theta12), sin_2theta = std::sin(2 * m.theta12);
    double cos_2theta_m = 0; // mean over the zones
    for (int i = 0; i < beam.n_zones; ++i) {
        const double beta = constants::solar_matter * beam.zones[i].electron_density * c13_squared * E / m.dm21;
        const double x = cos_2theta - beta;
        cos_2theta_m += beam.zones[i].fraction * x / std::sqrt(x * x + sin_2theta * sin_2theta);
    }
    return {{c13_squared * (1 + cos_2theta_m) / 2, c13_squared * (1 - cos_2theta_m) / 2, s13_squared}};
}

/// Density matrix ρ_kk' of a neutrino at the detector, in the mass basis.
///
/// ψ_k = U*_{ℓk} exp(−i m_k² L / 2E), ρ_kk' = ψ_k ψ*_k' (KS17 Eq. 13), with the phases or the coherences dropped, or
/// the weights of the Sun, as the propagation says. For antineutrinos U → U* (ψ̄_k = U_{ℓk} exp(−i m_k² L / 2E)).
/// \param E [MeV] (unused at short baseline and decohered).
NUSCAN_HOST_DEVICE inline Matrix3 density_matrix(const Matrix3& U, const Mixing& mixing, const Beam& beam, double E) {
    const int l = static_cast<int>(beam.flavour);
    Matrix3 rho{};
    if (beam.propagation == Propagation::solar) {
        const MassProbabilities weights = solar_weights(mixing, beam, E);
        for (int k = 0; k < 3; ++k) {
            rho(k, k) = weights.P[k];
        }
        return rho;
    }
    if (beam.propagation == Propagation::decohered) {
        for (int k = 0; k < 3; ++k) {
            rho(k, k) = norm(U(l, k));
        }
        return rho;
    }
    Complex psi[3];
    for (int k = 0; k < 3; ++k) {
        psi[k] = beam.antineutrino ? U(l, k) : conj(U(l, k));
        if (beam.propagation == Propagation::exact) {
            psi[k] = psi[k] * polar(1, -propagation_phase(mass_squared(mixing, k), beam.baseline, E));
        }
    }
    for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 3; ++k) {
            rho(j, k) = psi[j] * conj(psi[k]);
        }
    }
    return rho;
}

} // namespace nuscan
