// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/constants.hpp"
#include "nuscan/form_factors.hpp"
#include "nuscan/mixing.hpp"

namespace nuscan {

enum class Target : int { electron, nucleus };

/// Which weak couplings a prediction is made with.
enum class CouplingScheme : int {
    tree,         //!< tree level
    radiative,    //!< with radiative corrections, by flavour: they contain the SM charge radii
    flavour_blind //!< radiative ones with the SM charge radii taken out, for fits of the total radius
};

/// What neutrinos scatter on, and with which weak couplings.
struct Interaction {
    Target target;
    CouplingScheme scheme;
};

//! Different ones in a scan, at most: flavour-blind couplings do not go together with others
inline constexpr int max_interactions = 4;

/// The couplings of neutrinos to a target, 3×3 in the mass basis. Both targets have an amplitude V(T) = V0 + V1/T that
/// carries the electromagnetic form factors and interferes with a second one, A, that does not.
///
/// | | electron (KS17 Eqs. 20-27) | nucleus (docs/physics.md, "Nuclear target") |
/// |---|---|---|
/// | V0 | g'_V + K⟨r²_ν⟩ | g_V^p − K⟨r²_ν⟩: couples to Z F_p(q) |
/// | V1 [MeV] | −(κ/2m_e) e | +(κ/2m_e) e, to be scaled by m_e/M |
/// | A | g'_A | g_V^n: couples to N F_n(q) |
/// | M [μ_B] | μ − iε | μ − iε |
///
/// The nucleus has the opposite charge, so charge and radius enter with the opposite sign.
struct Couplings {
    Matrix3 V0, V1, A, M;
};

//! Sign with which charge, charge radius and 2 δsin²θ_W enter V: of the target's charge, turned round
NUSCAN_HOST_DEVICE constexpr double vector_sign(Target target) { return target == Target::electron ? 1 : -1; }

//! Tree-level g_A of the electron; g_V = 2 sin²θ_W − 1/2
inline constexpr double electron_axial_coupling = -0.5;
NUSCAN_HOST_DEVICE constexpr double electron_vector_coupling(double sin2_theta_w) { return 2 * sin2_theta_w - 0.5; }
//! Tree-level g_V of the proton, 1/2 − 2 sin²θ_W, and of the neutron
NUSCAN_HOST_DEVICE constexpr double proton_vector_coupling(double sin2_theta_w) { return 0.5 - 2 * sin2_theta_w; }

//! g_V of the neutron: the same for all flavours
NUSCAN_HOST_DEVICE constexpr double neutron_vector_coupling(CouplingScheme scheme) {
    return scheme == CouplingScheme::tree ? -0.5 : -0.5117;
}

/// The charge radius of the SM [cm²]: ⟨r²⟩_ℓ = −(G_F/2√2π²) [3 − 2 ln(m_ℓ²/m_W²)]
/// = −8.275, −4.805, −2.969 × 10⁻³³ cm² (J. Bernabéu, J. Papavassiliou, J. Vidal, Nucl. Phys. B 680, 450 (2004)).
NUSCAN_HOST_DEVICE inline double standard_charge_radius(Flavour flavour) {
    const double mass = flavour == Flavour::e ? constants::electron_mass
                                              : (flavour == Flavour::mu ? constants::muon_mass : constants::tau_mass);
    const double ratio = mass / constants::w_mass;
    return -constants::fermi_area / (2 * constants::sqrt2 * constants::pi * constants::pi) *
           (3 - 2 * std::log(ratio * ratio));
}

/// Diagonal weak couplings of one flavour.
struct FlavourCouplings {
    double V, A; //!< g_V and g_A of the electron; or g_V of the proton and of the neutron
};

/// Weak couplings of a flavour, charged current included.
///
/// Radiative ones: P. A. Zyla et al. (PDG), at sin²θ_W = 0.23863 (docs/physics.md, "Couplings"); another value shifts
/// g_V of the electron by 2 δsin²θ_W and that of the proton by −2 δsin²θ_W.
NUSCAN_HOST_DEVICE inline FlavourCouplings flavour_couplings(const Interaction& interaction, Flavour flavour,
                                                             double sin2_theta_w) {
    const bool electron = interaction.target == Target::electron;
    const double charged_current = electron && flavour == Flavour::e ? 1 : 0;
    if (interaction.scheme == CouplingScheme::tree) {
        return electron ? FlavourCouplings{electron_vector_coupling(sin2_theta_w) + charged_current,
                                           electron_axial_coupling + charged_current}
                        : FlavourCouplings{proton_vector_coupling(sin2_theta_w),
                                           neutron_vector_coupling(CouplingScheme::tree)};
    }
    FlavourCouplings g{};
    switch (flavour) {
    case Flavour::e:
        g = electron ? FlavourCouplings{0.9521, 0.4938} : FlavourCouplings{0.0382, 0};
        break;
    case Flavour::mu:
        g = electron ? FlavourCouplings{-0.0397, -0.5062} : FlavourCouplings{0.0300, 0};
        break;
    case Flavour::tau:
        g = electron ? FlavourCouplings{-0.0353, -0.5062} : FlavourCouplings{0.0256, 0};
        break;
    }
    if (!electron) {
        g.A = neutron_vector_coupling(interaction.scheme);
    }
    const double sign = vector_sign(interaction.target);
    g.V += sign * 2 * (sin2_theta_w - constants::sin2_theta_w);
    if (interaction.scheme == CouplingScheme::flavour_blind) {
        g.V -= sign * constants::radius_coupling * standard_charge_radius(flavour);
    }
    return g;
}

/// Couplings of neutrinos without form factors, in the mass basis: U† diag(g_ℓ) U.
NUSCAN_HOST_DEVICE inline Couplings weak_couplings(const Interaction& interaction, const Matrix3& U,
                                                   double sin2_theta_w) {
    Couplings c{};
    for (int l = 0; l < 3; ++l) {
        const FlavourCouplings g = flavour_couplings(interaction, static_cast<Flavour>(l), sin2_theta_w);
        for (int j = 0; j < 3; ++j) {
            for (int k = 0; k < 3; ++k) {
                const Complex projector = conj(U(l, j)) * U(l, k);
                c.V0(j, k) += g.V * projector;
                c.A(j, k) += g.A * projector;
            }
        }
    }
    return c;
}

/// Couplings of neutrinos with form factors \p f in the mass basis.
NUSCAN_HOST_DEVICE inline Couplings couplings(const Interaction& interaction, const FormFactors& f, const Matrix3& U,
                                              double sin2_theta_w) {
    const double sign = vector_sign(interaction.target);
    Couplings c = weak_couplings(interaction, U, sin2_theta_w);
    c.V0 += Complex(sign * constants::radius_coupling) * effective_charge_radius(f);
    c.V1 = Complex(-sign * constants::charge_coupling) * f.charge;
    c.M = effective_moment(f);
    return c;
}

/// Couplings of antineutrinos from those of neutrinos: g → −g*, e → −e^T, ⟨r²_ν⟩ → −⟨r²_ν⟩^T, μ_ν → −μ_ν*.
///
/// All matrices but M are Hermitian, so each rule is X → −X*. To be used with ρ of the antineutrino and, for electrons,
/// s = −1.
NUSCAN_HOST_DEVICE constexpr Couplings antineutrino_couplings(const Couplings& c) {
    return {Complex(-1) * conj(c.V0), Complex(-1) * conj(c.V1), Complex(-1) * conj(c.A), Complex(-1) * conj(c.M)};
}

} // namespace nuscan
