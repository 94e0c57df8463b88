// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <random>

#include <gtest/gtest.h>

#include "backends/reference_model.hpp"
#include "nuscan/electron_scattering.hpp"
#include "nuscan/mixing.hpp"
#include "nuscan/nuclear_form_factor.hpp"
#include "nuscan/nuclear_scattering.hpp"

/// Random points of full generality, for the core and for the reference at once.
namespace nuscan::testing {

using Complexd = std::complex<double>;
using Eigen::Matrix3cd;

inline Complexd to_std(Complex z) { return {z.re, z.im}; }
inline Complex from_std(Complexd z) { return {z.real(), z.imag()}; }

inline Matrix3cd to_eigen(const Matrix3& m) {
    Matrix3cd out;
    for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 3; ++k) {
            out(j, k) = to_std(m(j, k));
        }
    }
    return out;
}

inline Matrix3 from_eigen(const Matrix3cd& m) {
    Matrix3 out{};
    for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 3; ++k) {
            out(j, k) = from_std(m(j, k));
        }
    }
    return out;
}

//! Uniform and complex numbers that are the same with every standard library
class Random {
public:
    explicit Random(unsigned seed) : engine_(seed) {}

    double uniform(double low, double high) {
        return low + (high - low) * (static_cast<double>(engine_() >> 11) * 0x1p-53);
    }
    int integer(int low, int high) { return low + static_cast<int>(uniform(0, 1) * (high - low + 1)); } // inclusive
    Complexd complex(double size) { return {uniform(-size, size), uniform(-size, size)}; }

    Matrix3cd matrix(double size) {
        Matrix3cd m;
        for (int j = 0; j < 3; ++j) {
            for (int k = 0; k < 3; ++k) {
                m(j, k) = complex(size);
            }
        }
        return m;
    }
    Matrix3cd hermitian(double size) {
        const Matrix3cd m = matrix(size);
        return (m + m.adjoint()) / 2;
    }
    //! All angles and phases away from zero, Majorana phases included
    Mixing mixing() {
        Mixing m;
        m.theta12 = uniform(0.2, 1.3);
        m.theta13 = uniform(0.1, 1.3);
        m.theta23 = uniform(0.2, 1.3);
        m.delta = uniform(0.3, 6);
        m.alpha21 = uniform(0.3, 6);
        m.alpha31 = uniform(0.3, 6);
        m.dm21 = uniform(5e-5, 1e-4);
        m.dm31 = uniform(2e-3, 3e-3) * (uniform(0, 1) < 0.5 ? -1 : 1);
        return m;
    }

private:
    std::mt19937_64 engine_;
};

/// Form factors as large as the weak couplings, so that no term hides behind another.
///
/// At T = 1 keV a charge of 1e-13 e, a radius of 2e-31 cm² and a moment of 4e-12 μ_B each compare with the weak part.
inline ReferencePoint random_point(Random& random, double T) {
    ReferencePoint p;
    p.mixing = random.mixing();
    p.sin2_theta_w = random.uniform(0.15, 0.35);
    p.U = reference_mixing_matrix(p.mixing);
    p.charge = random.hermitian(1e-13 * T / 1e-3);
    p.charge_radius = random.hermitian(2e-31);
    p.anapole = random.hermitian(4e-32);
    p.magnetic = random.hermitian(4e-12 * std::sqrt(T / 1e-3));
    p.electric = random.hermitian(4e-12 * std::sqrt(T / 1e-3));
    return p;
}

inline FormFactors form_factors(const ReferencePoint& p) {
    return {from_eigen(p.charge), from_eigen(p.charge_radius), from_eigen(p.anapole), from_eigen(p.magnetic),
            from_eigen(p.electric)};
}

inline constexpr Interaction tree_electrons{Target::electron, CouplingScheme::tree};
inline constexpr Interaction tree_nuclei{Target::nucleus, CouplingScheme::tree};

//! Every pair of target and scheme
inline std::vector<Interaction> all_interactions() {
    std::vector<Interaction> all;
    for (const Target target : {Target::electron, Target::nucleus}) {
        for (const CouplingScheme scheme :
             {CouplingScheme::tree, CouplingScheme::radiative, CouplingScheme::flavour_blind}) {
            all.push_back({target, scheme});
        }
    }
    return all;
}

//! Couplings of the core at a point
inline Couplings core_couplings(const ReferencePoint& p, const Interaction& interaction, bool antineutrino) {
    const Couplings c = couplings(interaction, form_factors(p), mixing_matrix(p.mixing), p.sin2_theta_w);
    return antineutrino ? antineutrino_couplings(c) : c;
}

//! Coefficients of the core at a point, of electrons
inline ScatteringCoefficients core_coefficients(const ReferencePoint& p, const Beam& beam, double E, double T,
                                                CouplingScheme scheme = CouplingScheme::tree, double r = 1) {
    const Matrix3 rho = density_matrix(mixing_matrix(p.mixing), p.mixing, beam, E);
    return scattering_coefficients(rho, core_couplings(p, {Target::electron, scheme}, beam.antineutrino), T, r);
}

//! Two zones of the Sun, dense and less so, at which MeV neutrinos are neither in vacuum nor fully converted
inline constexpr ProductionZone solar_zones[] = {{92.5, 0.7}, {55, 0.3}};

//! A ν_e from the Sun
inline Beam solar_beam() {
    Beam beam{Flavour::e, false, Propagation::solar};
    beam.zones = solar_zones;
    beam.n_zones = 2;
    return beam;
}

//! Every flavour, neutrino and antineutrino, every propagation; phases of order 1 at \p baseline for MeV energies
inline std::vector<Beam> all_beams(double baseline) {
    std::vector<Beam> beams{solar_beam()};
    for (const Flavour flavour : {Flavour::e, Flavour::mu, Flavour::tau}) {
        for (const bool antineutrino : {false, true}) {
            for (const Propagation propagation :
                 {Propagation::exact, Propagation::short_baseline, Propagation::decohered}) {
                beams.push_back({flavour, antineutrino, propagation, baseline});
            }
        }
    }
    return beams;
}

inline std::string describe(const Beam& beam) {
    return "flavour " + std::to_string(static_cast<int>(beam.flavour)) + (beam.antineutrino ? " antineutrino" : "") +
           " propagation " + std::to_string(static_cast<int>(beam.propagation));
}

inline std::string describe(const Interaction& interaction) {
    return std::string(interaction.target == Target::electron ? "electrons" : "nuclei") + " scheme " +
           std::to_string(static_cast<int>(interaction.scheme));
}

//! Digits that a propagation phase of many turns has lost
inline double phase_tolerance(const Mixing& mixing, const Beam& beam, double E) {
    return beam.propagation == Propagation::exact ? 1e-15 * std::abs(propagation_phase(mixing.dm31, beam.baseline, E))
                                                  : 0;
}

//! A nuclide of argon's size with spin, so that nothing is switched off
inline Nuclide test_nuclide() { return {"F19", 9, 19, 17692.3, 1, 0.5, 2.9, 2.95, ""}; }

//! A channel that sees nuclei, with the axial term
inline Channel nuclear_channel(NuclearFormFactor shape = NuclearFormFactor::helm, bool axial = true) {
    Channel channel;
    channel.name = "nucleus";
    channel.target = Target::nucleus;
    channel.form_factor = shape;
    channel.axial = axial;
    return channel;
}

//! The nuclide at a recoil energy as the core wants it
inline NucleusAtRecoil core_nucleus(const Nuclide& nuclide, const Channel& channel, double T) {
    const double q = std::sqrt(2 * nuclide.mass * T);
    const double F_p = form_factor(channel.form_factor, q, nuclide.proton_radius);
    return {nuclide.mass, nuclide.Z * F_p,
            (nuclide.A - nuclide.Z) * form_factor(channel.form_factor, q, nuclide.neutron_radius),
            channel.axial ? reference_axial_structure(nuclide) * F_p * F_p : 0};
}

//! Form factors as large as the weak couplings of a nucleus of mass \p M: its g_V^p is 1/10 of an electron's g_V
inline ReferencePoint random_nuclear_point(Random& random, double T, double M) {
    ReferencePoint p = random_point(random, T);
    p.charge *= M / constants::electron_mass;
    p.magnetic *= std::sqrt(M / constants::electron_mass);
    p.electric *= std::sqrt(M / constants::electron_mass);
    return p;
}

//! Coefficients of the core at a point, of a nucleus
inline NuclearCoefficients core_nuclear_coefficients(const ReferencePoint& p, const Beam& beam, const Nuclide& nuclide,
                                                     const Channel& channel, double E, double T,
                                                     CouplingScheme scheme = CouplingScheme::tree) {
    const Matrix3 rho = density_matrix(mixing_matrix(p.mixing), p.mixing, beam, E);
    return nuclear_coefficients(rho, core_couplings(p, {Target::nucleus, scheme}, beam.antineutrino),
                                core_nucleus(nuclide, channel, T), T);
}

//! |a − b| <= tolerance × scale
inline void expect_close(double a, double b, double scale, double tolerance, const char* what = "") {
    EXPECT_LE(std::abs(a - b), tolerance * scale) << what << ": " << a << " against " << b;
}
inline void expect_close(Complexd a, Complexd b, double scale, double tolerance, const char* what = "") {
    EXPECT_LE(std::abs(a - b), tolerance * scale) << what << ": " << a << " against " << b;
}

inline void expect_same(const ScatteringCoefficients& core, const ReferenceCoefficients& reference,
                        double tolerance = 1e-12) {
    const double scale = reference.C1 + reference.C2;
    expect_close(core.C1, reference.C1, scale, tolerance, "C1");
    expect_close(core.C2, reference.C2, scale, tolerance, "C2");
    expect_close(to_std(core.C3), reference.C3, scale, tolerance, "C3");
    expect_close(core.mu2, reference.mu2, reference.mu2, tolerance, "mu2");
}

} // namespace nuscan::testing
