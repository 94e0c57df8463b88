// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include "config/scan_config.hpp"

/// Points and cross-sections of the literal implementation that every other one is compared with.
///
/// It is written from the papers with Eigen and std::complex and shares no physics with include/nuscan: the mixing
/// matrix is a product of rotations, cross-sections are sums of squared amplitudes. Slow, and meant to be read beside
/// the papers.
///
/// Sources: KS17 = K. Kouzakov, A. Studenikin, Phys. Rev. D 95, 055013 (2017) with erratum Phys. Rev. D 96, 099904;
/// KLS21 = K. Kouzakov, F. Lazarev, A. Studenikin, PoS EPS-HEP2021.
namespace nuscan {

/// One point of a scan: every parameter with its value.
struct ReferencePoint {
    Mixing mixing;
    double sin2_theta_w = 0;
    ChargeRadiusMode charge_radius_mode = ChargeRadiusMode::beyond_sm;
    Eigen::Matrix3cd U; //!< rows e, μ, τ; columns 1, 2, 3
    // Hermitian, in the mass basis (KS17 Eqs. 5-8)
    Eigen::Matrix3cd charge;        //!< e_jk [e]
    Eigen::Matrix3cd charge_radius; //!< ⟨r²⟩_jk [cm²]
    Eigen::Matrix3cd anapole;       //!< a_jk [cm²]
    Eigen::Matrix3cd magnetic;      //!< μ_jk [μ_B]
    Eigen::Matrix3cd electric;      //!< ε_jk [μ_B]

    std::map<std::string, double> baselines;                    //!< given ones, by experiment [m]
    std::map<std::string, double> proton_radii, neutron_radii;  //!< given ones, by nuclide [fm]
    using BackgroundName = std::pair<std::string, std::string>; //!< experiment, background
    std::map<BackgroundName, double> normalisations;            //!< given ones, relative to nominal
    std::map<BackgroundName, double> systematics;               //!< given ones; of shared ones the experiment is ""
    std::set<BackgroundName> scanned;                           //!< those given by an axis: their priors count

    //! Couplings that an experiment is predicted with at this point
    CouplingScheme scheme(const Experiment& experiment) const;
};

/// U = R23 · diag(1, 1, e^{iδ}) R13 diag(1, 1, e^{−iδ}) · R12 · diag(1, e^{iα21/2}, e^{iα31/2}) (PDG, Eq. 14.33).
Eigen::Matrix3cd reference_mixing_matrix(const Mixing& mixing);

/// ⟨r²⟩_SM(ℓ) = −(G_F/2√2π²) [3 − 2 ln(m_ℓ²/m_W²)] [cm²].
double reference_standard_radius(Flavour flavour);

/// The point with the fixed parameters of a scan and one value per axis.
ReferencePoint reference_point(const NeutrinoConfig& neutrino, const std::vector<FixedParameter>& fixed,
                               const std::vector<std::pair<Parameter, double>>& axis_values);

/// P_k, the probabilities with which a ν_e from the Sun arrives as mass state k: adiabatic conversion, averaged over
/// the zones. \param E [MeV].
Eigen::Vector3d reference_solar_weights(const Mixing& mixing, const Beam& beam, double E);

// ---- electrons ----------------------------------------------------------------------------------------------------

/// C1, C2, C3 and |μ_ν|² (KS17 Eqs. 23-25, 27), and the effective charge.
struct ReferenceCoefficients {
    double C1 = 0, C2 = 0;
    std::complex<double> C3;
    double mu2 = 0;             //!< [μ_B²]
    double e2 = 0;              //!< |e_ν|² = tr(ρ e†e) [e²]
    double C1_interference = 0; //!< what is linear in the charge in C1, and in C3
    std::complex<double> C3_interference = 0;
};

/// Coefficients at neutrino energy \p E and electron recoil energy \p T [MeV].
ReferenceCoefficients reference_coefficients(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam,
                                             double E, double T);

/// dσ/dT [cm²/MeV] on a free electron at rest; zero outside 0 < T <= 2E²/(m_e + 2E) (KS17 Eqs. 22, 26, erratum).
double reference_cross_section(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam, double E,
                               double T);

/// dσ/dT [cm²/MeV] on the electrons of a formula unit, as the channel treats them; zero above the kinematic limit.
double reference_atomic_cross_section(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam,
                                      const TargetMaterial& target, const Channel& channel, double E, double T);

// ---- nuclei -------------------------------------------------------------------------------------------------------

/// F(q) of a nucleon distribution of rms radius \p radius [fm]; \p q [MeV].
double reference_form_factor(NuclearFormFactor shape, double q, double radius);

/// (J+1)/(3J) [g_A (S_p − S_n)]², the axial structure at q = 0; 0 where the spin is zero or its structure unknown.
///
/// Spin expectation values: 1/2 of the proton; P. Klos, J. Menéndez, D. Gazit, A. Schwenk, Phys. Rev. D 88, 083516
/// (2013); g_A = 1.2754.
double reference_axial_structure(const Nuclide& nuclide);

/// C_V = tr(ρ W†W) and |μ_ν|² at neutrino energy \p E and nuclear recoil energy \p T [MeV].
struct ReferenceNuclearCoefficients {
    double C_V = 0;
    double mu2 = 0; //!< [μ_B²]
};
ReferenceNuclearCoefficients reference_nuclear_coefficients(const ReferencePoint& point, CouplingScheme scheme,
                                                            const Beam& beam, const Nuclide& nuclide,
                                                            const Channel& channel, double E, double T);

/// dσ/dT [cm²/MeV] on a nucleus at rest; zero outside 0 < T <= 2E²/(M + 2E) (KLS21, corrected).
double reference_nuclear_cross_section(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam,
                                       const Nuclide& nuclide, const Channel& channel, double E, double T);

} // namespace nuscan
