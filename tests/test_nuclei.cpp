// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <boost/math/quadrature/gauss_kronrod.hpp>

#include "random_physics.hpp"

/// Coherent scattering on nuclei: the core against the literal reference, against closed forms, and against figures of
/// the literature. KLS21 = K. Kouzakov, F. Lazarev, A. Studenikin, PoS EPS-HEP2021.
namespace nuscan::testing {
namespace {

namespace c = constants;

constexpr double L = 20; // m; × 1e3 below, where phases of order 1 are wanted at 30 MeV

constexpr NuclearFormFactor all_shapes[] = {NuclearFormFactor::helm, NuclearFormFactor::symmetrised_fermi,
                                            NuclearFormFactor::klein_nystrand, NuclearFormFactor::unity};

Nuclide argon() { return {"Ar40", 18, 40, 37215.5, 0.996, 0, 3.448, 3.55, ""}; }
Nuclide germanium() { return {"Ge74", 32, 74, 68857.4, 0.365, 0, 4.05, 4.10, ""}; }

TEST(NuclearScattering, coefficients_agree_with_the_reference) {
    Random random(31);
    const Nuclide x = test_nuclide();
    for (int i = 0; i < 40; ++i) {
        const double E = std::exp(random.uniform(std::log(1.0), std::log(60.0)));
        const double T = max_recoil(E, x.mass) * std::exp(random.uniform(-7, 0));
        const ReferencePoint p = random_nuclear_point(random, T, x.mass);
        const Channel channel = nuclear_channel(all_shapes[i % 4], i % 3 != 0);
        for (const Beam& beam : all_beams(1e3 * L)) {
            SCOPED_TRACE(describe(beam));
            const double tolerance = 3e-11 + phase_tolerance(p.mixing, beam, E);
            for (const CouplingScheme scheme :
                 {CouplingScheme::tree, CouplingScheme::radiative, CouplingScheme::flavour_blind}) {
                const NuclearCoefficients core = core_nuclear_coefficients(p, beam, x, channel, E, T, scheme);
                const ReferenceNuclearCoefficients reference =
                    reference_nuclear_coefficients(p, scheme, beam, x, channel, E, T);
                expect_close(core.C_V, reference.C_V, reference.C_V, tolerance, "C_V");
                expect_close(core.mu2, reference.mu2, reference.mu2, tolerance, "mu2");
                const double sigma = reference_nuclear_cross_section(p, scheme, beam, x, channel, E, T);
                expect_close(nuclear_cross_section(core_nucleus(x, channel, T), core, E, T), sigma, sigma, tolerance);
                EXPECT_GE(sigma, 0);
            }
        }
    }
}

/// Short baseline: C_V = Σ_ℓ' |F_1 δ_ℓ'ℓ − Z F_p Q_ℓ'ℓ|², with −F_1 and −Q* for antineutrinos.
TEST(NuclearScattering, closed_form_at_short_baseline) {
    Random random(32);
    const Nuclide x = argon();
    const double Z = 18, N = 22;
    for (int i = 0; i < 30; ++i) {
        const double E = random.uniform(5, 50), T = max_recoil(E, x.mass) * random.uniform(0.01, 0.9);
        const ReferencePoint p = random_nuclear_point(random, T, x.mass);
        const Channel channel = nuclear_channel(NuclearFormFactor::helm);
        const NucleusAtRecoil at = core_nucleus(x, channel, T);
        const double F_p = at.proton / Z, F_n = at.neutron / N;
        const double kappa = 2 * std::sqrt(2) * c::pi * c::alpha / c::fermi;
        const Matrix3cd r2 = p.charge_radius - 6 * p.anapole;
        const Matrix3cd Q_mass = kappa * (p.charge / (-2 * x.mass * T) + r2 / (6 * c::hbar_c * c::hbar_c));
        const Matrix3cd Q = p.U * Q_mass * p.U.adjoint();
        const double g_p[] = {0.0382, 0.0300, 0.0256};
        for (int l = 0; l < 3; ++l) {
            const double shift = -2 * (p.sin2_theta_w - 0.23863);
            const double F_1 = Z * (g_p[l] + shift) * F_p + N * -0.5117 * F_n;
            double C_V = 0;
            for (int other = 0; other < 3; ++other) {
                C_V += std::norm((other == l ? F_1 : 0) - Z * F_p * Q(other, l));
            }
            for (const bool antineutrino : {false, true}) {
                const Beam beam{static_cast<Flavour>(l), antineutrino, Propagation::short_baseline};
                const double core = core_nuclear_coefficients(p, beam, x, channel, E, T, CouplingScheme::radiative).C_V;
                expect_close(core, C_V, C_V, 1e-12);
            }
        }
    }
}

//! In the flavour basis, where F_1 is diagonal and U stands in ρ alone
TEST(NuclearScattering, is_the_same_in_either_basis) {
    Random random(33);
    const Nuclide x = argon();
    for (int i = 0; i < 20; ++i) {
        const double E = random.uniform(5, 50), T = max_recoil(E, x.mass) * random.uniform(0.01, 0.9);
        const ReferencePoint p = random_nuclear_point(random, T, x.mass);
        const Channel channel = nuclear_channel(NuclearFormFactor::klein_nystrand);
        const NucleusAtRecoil at = core_nucleus(x, channel, T);
        const double g_p[] = {0.0382, 0.0300, 0.0256};
        for (const Beam& beam : all_beams(1e3 * L)) {
            if (beam.antineutrino) {
                continue;
            }
            SCOPED_TRACE(describe(beam));
            const Matrix3cd rho = p.U * to_eigen(density_matrix(from_eigen(p.U), p.mixing, beam, E)) * p.U.adjoint();
            const Matrix3cd Q = c::radius_coupling * (p.charge_radius - 6 * p.anapole) -
                                c::charge_coupling * c::electron_mass / (x.mass * T) * p.charge;
            Matrix3cd W = -at.proton * p.U * Q * p.U.adjoint();
            for (int l = 0; l < 3; ++l) {
                W(l, l) += at.proton * (g_p[l] - 2 * (p.sin2_theta_w - 0.23863)) - 0.5117 * at.neutron;
            }
            const double C_V = (rho * W.adjoint() * W).trace().real();
            expect_close(core_nuclear_coefficients(p, beam, x, channel, E, T, CouplingScheme::radiative).C_V, C_V, C_V,
                         1e-12);
        }
    }
}

TEST(NuclearScattering, a_radius_acts_alike_for_neutrinos_and_antineutrinos_and_so_does_everything_else) {
    Random random(34);
    const Nuclide x = argon();
    const double E = 30, T = 0.02;
    const Channel channel = nuclear_channel();
    for (int i = 0; i < 20; ++i) {
        const ReferencePoint p = random_nuclear_point(random, T, x.mass);
        for (const Propagation propagation : {Propagation::short_baseline, Propagation::decohered}) {
            for (const Flavour flavour : {Flavour::e, Flavour::mu, Flavour::tau}) {
                const double neutrino = reference_nuclear_cross_section(
                    p, CouplingScheme::radiative, {flavour, false, propagation}, x, channel, E, T);
                const NuclearCoefficients anti = core_nuclear_coefficients(p, {flavour, true, propagation}, x, channel,
                                                                           E, T, CouplingScheme::radiative);
                expect_close(nuclear_cross_section(core_nucleus(x, channel, T), anti, E, T), neutrino, neutrino, 1e-12);
            }
        }
    }
}

//! A positive radius and a positive charge: which way V goes on an electron, and the other way on a nucleus
TEST(NuclearScattering, photon_exchange_has_the_opposite_sign_of_that_on_electrons) {
    const Matrix3 U = mixing_matrix(Mixing{});
    FormFactors f{};
    f.charge = scalar_matrix(1e-12);
    f.charge_radius = scalar_matrix(1e-32);
    const Couplings electron = couplings(tree_electrons, f, U, 0.23), nucleus = couplings(tree_nuclei, f, U, 0.23);
    const double g_V = 2 * 0.23 - 0.5, g_p = 0.5 - 2 * 0.23;
    // The muon flavour, so that there is no charged current
    const auto muon = [&](const Matrix3& X) { return to_flavour_basis(X, U)(1, 1).re; };
    EXPECT_NEAR(muon(electron.V0) - g_V, 2.37956e-2, 1e-6);
    EXPECT_NEAR(muon(nucleus.V0) - g_p, -2.37956e-2, 1e-6);
    EXPECT_NEAR(muon(electron.V1), -5.44e-3, 5e-6);
    EXPECT_NEAR(muon(nucleus.V1), 5.44e-3, 5e-6);
    // A negative total radius (that of the SM) raises the rate: |W| = |N g_n + …| grows with W → W + Z K r².
    const Nuclide x = argon();
    ReferencePoint with = reference_point(NeutrinoConfig{}, {}, {}), without = with;
    with.charge_radius = 5e-33 * Matrix3cd::Identity();
    const Beam beam{Flavour::mu, false, Propagation::short_baseline};
    const Channel channel = nuclear_channel();
    const auto sigma = [&](const ReferencePoint& p) {
        return reference_nuclear_cross_section(p, CouplingScheme::tree, beam, x, channel, 30, 0.01);
    };
    EXPECT_GT(sigma(with), sigma(without));
    with.charge_radius = -with.charge_radius;
    EXPECT_LT(sigma(with), sigma(without));
}

TEST(NuclearScattering, standard_model_in_the_textbook_form) {
    // dσ/dT = G_F² M/(4π) Q_w² (1 − T/E − MT/2E²) F², Q_w = N − (1 − 4 s²) Z
    const Nuclide x = argon();
    const ReferencePoint sm = reference_point(NeutrinoConfig{}, {}, {});
    const double E = 30, T = 0.01, Q_w = 22 - (1 - 4 * sm.sin2_theta_w) * 18;
    const double textbook =
        std::pow(c::fermi * c::hbar_c * Q_w, 2) * x.mass / (4 * c::pi) * (1 - T / E - x.mass * T / (2 * E * E));
    const Channel point_like = nuclear_channel(NuclearFormFactor::unity);
    for (const Beam& beam : all_beams(L)) {
        const NuclearCoefficients C = core_nuclear_coefficients(sm, beam, x, point_like, E, T);
        EXPECT_NEAR(nuclear_cross_section(core_nucleus(x, point_like, T), C, E, T) / textbook, 1, 1e-13);
    }
    // G_F² M/π (1 − …) vanishes at the end of the spectrum
    const double T_max = max_recoil(E, x.mass);
    EXPECT_NEAR(nuclear_kernels(E, T_max, x.mass).C_V / nuclear_kernels(E, 0.01 * T_max, x.mass).C_V, 0, 1e-12);
}

//! Total cross-section of a point-like nucleus, heavy beside E: G_F² Q_w² E²/4π
TEST(NuclearScattering, total_cross_section) {
    const Nuclide x = argon();
    const ReferencePoint sm = reference_point(NeutrinoConfig{}, {}, {});
    const double E = 5, Q_w = 22 - (1 - 4 * sm.sin2_theta_w) * 18;
    const Channel point_like = nuclear_channel(NuclearFormFactor::unity);
    const double total = boost::math::quadrature::gauss_kronrod<double, 31>::integrate(
        [&](double T) {
            return 1e45 * reference_nuclear_cross_section(sm, CouplingScheme::tree,
                                                          {Flavour::e, false, Propagation::short_baseline}, x,
                                                          point_like, E, T);
        },
        0.0, max_recoil(E, x.mass), 5, 1e-12);
    EXPECT_NEAR(1e-45 * total / (std::pow(c::fermi * c::hbar_c * Q_w * E, 2) / (4 * c::pi)), 1, 4e-4); // 2E/M
    // = 4.2e-45 Q_w² (E/MeV)² cm²/… (D. Z. Freedman, Phys. Rev. D 9, 1389 (1974))
    EXPECT_NEAR(std::pow(c::fermi * c::hbar_c, 2) / (4 * c::pi), 4.2e-45, 0.05e-45);
}

/// KLS21 Fig. 1: ⁴⁰Ar, E = 50 MeV, e = ±1.5e-12: interference ∝ 1/T first, 1/T² later.
TEST(NuclearScattering, millicharge_on_argon_as_published) {
    const Nuclide x = argon();
    const ReferencePoint sm = reference_point(NeutrinoConfig{}, {}, {});
    const Channel channel = nuclear_channel();
    const auto ratio = [&](double e, double T) {
        ReferencePoint p = sm;
        p.charge = e * Matrix3cd::Identity();
        const Beam beam{Flavour::mu, false, Propagation::short_baseline};
        const auto sigma = [&](const ReferencePoint& at) {
            return nuclear_cross_section(core_nucleus(x, channel, T),
                                         core_nuclear_coefficients(at, beam, x, channel, 50, T), 50, T);
        };
        return sigma(p) / sigma(sm) - 1;
    };
    EXPECT_NEAR(std::abs(ratio(1.5e-12, 1e-3)), 4e-4, 0.6e-4);
    EXPECT_NEAR(std::abs(ratio(-1.5e-12, 1e-3)), 4e-4, 0.6e-4);
    EXPECT_NEAR(std::abs(ratio(1.5e-12, 1e-4)), 4e-3, 0.6e-3);
    EXPECT_NEAR(std::abs(ratio(-1.5e-12, 1e-4)), 4e-3, 0.6e-3);
    const double down = std::min(ratio(1.5e-12, 1e-6), ratio(-1.5e-12, 1e-6));
    const double up = std::max(ratio(1.5e-12, 1e-6), ratio(-1.5e-12, 1e-6));
    EXPECT_NEAR(down, -0.34, 0.01);
    EXPECT_NEAR(up, 0.42, 0.01);
    EXPECT_LT(ratio(1.5e-12, 1e-6), 0); // a positive charge is repelled … and interferes against F_1 < 0
}

/// Terms that printed formulas leave out: −T/E beside −MT/2E² where KS15 (8) has half, −1/E + T/4E² where KLS21 (6) has
/// 1/T alone. 0.1-0.4 % at the energies of pions decaying at rest.
TEST(NuclearScattering, kinematic_corrections_are_of_a_few_permille) {
    const double E = 30, T = 0.02, M = germanium().mass; // recoils of COHERENT
    const NuclearKernels k = nuclear_kernels(E, T, M);
    const double x = M * T / (2 * E * E);
    EXPECT_LT(x, 1);
    const double without = c::coherent_cross_section * M * (1 - x);
    EXPECT_NEAR(1 - k.C_V / without, T / E / (1 - x), 1e-12);
    const double magnetic = c::magnetic_cross_section / T;
    EXPECT_NEAR(1 - k.mu2 / magnetic, T / E, T / E * 1e-3);
    const double correction = T / E;
    EXPECT_GT(correction, 1e-4);
    EXPECT_LT(correction, 4e-3);
}

TEST(NuclearScattering, magnitudes) {
    // A charge of 1e-12 e on germanium at 1 keV: |Q| = 4e-5
    const double M = germanium().mass;
    EXPECT_NEAR(c::charge_coupling * 1e-12 * c::electron_mass / (M * 1e-3), 4e-5, 0.1e-5);
    // q = √(2MT): 50 keV on argon
    const NucleusAtRecoil at = core_nucleus(argon(), nuclear_channel(), 0.05);
    EXPECT_NEAR(at.proton / 18, 0.825, 0.002);
    EXPECT_LT(at.neutron / 22, at.proton / 18);
    EXPECT_NEAR(c::coherent_cross_section / (c::fermi * c::fermi * c::hbar_c * c::hbar_c / c::pi), 1, 1e-15);
}

// ---------------------------------------------------------------------------------------------------------------------
// Axial term

TEST(NuclearScattering, axial_structure_of_nuclei_with_spin) {
    EXPECT_EQ(reference_axial_structure(argon()), 0);
    // (J+1)/(3J) = 1 for J = 1/2: [1.2754 × 0.480]²
    EXPECT_NEAR(reference_axial_structure(test_nuclide()), std::pow(1.2754 * 0.480, 2), 1e-12);
    const Nuclide iodine{"I127", 53, 127, 118183.7, 1, 2.5, 4.766, 5.03, ""};
    EXPECT_NEAR(reference_axial_structure(iodine), 3.5 / 7.5 * std::pow(1.2754 * 0.311, 2), 1e-12);
    const Nuclide no_spin{"F19", 9, 19, 17692.3, 1, 0, 2.9, 2.95, ""};
    EXPECT_EQ(reference_axial_structure(no_spin), 0);
}

TEST(NuclearScattering, axial_term_adds_whatever_the_form_factors_are) {
    Random random(35);
    const Nuclide x = test_nuclide();
    const double E = 30, T = 0.03;
    const Channel with = nuclear_channel(NuclearFormFactor::helm, true),
                  without = nuclear_channel(NuclearFormFactor::helm, false);
    const double F_p = core_nucleus(x, with, T).proton / x.Z;
    const double expected = std::pow(c::fermi * c::hbar_c, 2) * x.mass / (2 * c::pi) * (2 + x.mass * T / (E * E)) *
                            std::pow(1.2754 * 0.480 * F_p, 2);
    for (const Beam& beam : all_beams(L)) {
        const ReferencePoint p = random_nuclear_point(random, T, x.mass);
        const auto sigma = [&](const Channel& channel) {
            return reference_nuclear_cross_section(p, CouplingScheme::tree, beam, x, channel, E, T);
        };
        expect_close(sigma(with) - sigma(without), expected, sigma(with), 1e-14);
        EXPECT_GT(sigma(with), sigma(without));
    }
    // Against the standard signal: of the order of the percent for fluorine
    const ReferencePoint sm = reference_point(NeutrinoConfig{}, {}, {});
    const Beam beam{Flavour::mu, false, Propagation::short_baseline};
    const double part = reference_nuclear_cross_section(sm, CouplingScheme::tree, beam, x, with, E, T) /
                            reference_nuclear_cross_section(sm, CouplingScheme::tree, beam, x, without, E, T) -
                        1;
    EXPECT_GT(part, 5e-3);
    EXPECT_LT(part, 0.1);
}

// ---------------------------------------------------------------------------------------------------------------------
// Form factors

TEST(NuclearFormFactors, agree_with_the_reference_over_all_momenta) {
    for (const NuclearFormFactor shape : all_shapes) {
        for (const double radius : {2.9, 4.05, 4.821}) {
            for (double q = 0.05; q < 500; q *= 1.1) { // from 0.03 eV on argon
                EXPECT_NEAR(form_factor(shape, q, radius), reference_form_factor(shape, q, radius), 2e-10)
                    << static_cast<int>(shape) << " " << q;
            }
        }
    }
}

TEST(NuclearFormFactors, are_one_at_rest_and_fall_with_the_rms_radius) {
    for (const NuclearFormFactor shape : all_shapes) {
        for (const double radius : {2.9, 3.448, 5.03}) {
            EXPECT_NEAR(form_factor(shape, 1e-9, radius), 1, 1e-15);
            EXPECT_NEAR(reference_form_factor(shape, 0.01, radius), 1, 1e-7);
            const double q = 1, k = q / (c::hbar_c * 1e13); // MeV, fm^-1
            const double slope = (form_factor(shape, q, radius) - 1) / (k * k);
            EXPECT_NEAR(slope / (radius * radius), shape == NuclearFormFactor::unity ? 0 : -1.0 / 6, 3e-5)
                << static_cast<int>(shape);
        }
    }
}

TEST(NuclearFormFactors, need_a_radius_larger_than_their_surface) {
    EXPECT_NEAR(min_radius(NuclearFormFactor::helm), 1.5588, 1e-4);
    EXPECT_NEAR(min_radius(NuclearFormFactor::symmetrised_fermi), 1.9441, 1e-4);
    EXPECT_NEAR(min_radius(NuclearFormFactor::klein_nystrand), 1.7146, 1e-4);
    EXPECT_EQ(min_radius(NuclearFormFactor::unity), 0);
    for (const NuclearFormFactor shape : all_shapes) {
        EXPECT_TRUE(std::isfinite(form_factor(shape, 30, min_radius(shape) + 1e-3)));
    }
}

template <class F>
double radial_integral(const F& f, const std::vector<double>& limits) {
    double sum = 0;
    for (std::size_t i = 0; i + 1 < limits.size(); ++i) {
        sum += boost::math::quadrature::gauss_kronrod<double, 61>::integrate(f, limits[i], limits[i + 1], 8, 1e-13);
    }
    return sum;
}

//! ∫ ρ(r) sin(kr)/(kr) 4πr² dr / ∫ ρ(r) 4πr² dr of a density, with limits between which it is smooth
template <class Density>
double fourier_bessel(const Density& density, double k, const std::vector<double>& limits) {
    const double charge = radial_integral([&](double r) { return density(r) * r * r; }, limits);
    return radial_integral([&](double r) { return density(r) * r * std::sin(k * r) / k; }, limits) / charge;
}

/// Each closed form against the numerical Fourier-Bessel transform of the density that it stands for.
TEST(NuclearFormFactors, are_transforms_of_their_densities) {
    const double hbar_c = 197.3269804; // MeV fm
    for (const double radius : {3.448, 4.821}) {
        // A uniform sphere folded with a Gaussian of width s = 0.9 fm, integrated over angles
        const double s = 0.9, R0 = std::sqrt(5.0 / 3 * (radius * radius - 3 * s * s));
        const auto helm = [&](double r) {
            const auto gaussian = [&](double x) { return std::exp(-x * x / (2 * s * s)); };
            const double a = (r + R0) / (s * std::sqrt(2)), b = (r - R0) / (s * std::sqrt(2));
            return (std::erf(a) - std::erf(b)) / 2 +
                   s / (std::sqrt(2 * c::pi) * r) * (gaussian(r + R0) - gaussian(r - R0));
        };
        // ρ ∝ sinh(R/a)/(cosh(r/a) + cosh(R/a)), a = 0.523 fm
        const double a = 0.523, R = std::sqrt(5.0 / 3 * radius * radius - 7.0 / 3 * std::pow(c::pi * a, 2));
        const auto fermi = [&](double r) { return std::sinh(R / a) / (std::cosh(r / a) + std::cosh(R / a)); };
        // A uniform sphere folded with a Yukawa potential e^{−r/a}/(4πa²r), a = 0.7 fm
        const double y = 0.7, R_A = std::sqrt(5.0 / 3 * (radius * radius - 6 * y * y));
        const auto yukawa = [&](double r) {
            if (r < R_A) {
                return 1 - (1 + R_A / y) * std::exp(-R_A / y) * y / r * std::sinh(r / y);
            }
            return y / r * std::exp(-r / y) * (R_A / y * std::cosh(R_A / y) - std::sinh(R_A / y));
        };
        for (const double q : {5.0, 30.0, 70.0, 120.0, 200.0}) {
            const double k = q / hbar_c;
            const std::vector<double> smooth{1e-9, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15};
            const std::vector<double> kinked{1e-9, 1, 2, 3, R_A, 6.5, 8, 10, 14, 20, 30};
            EXPECT_NEAR(reference_form_factor(NuclearFormFactor::helm, q, radius), fourier_bessel(helm, k, smooth),
                        1e-9);
            std::vector<double> wide = smooth;
            wide.insert(wide.end(), {20, 25});
            EXPECT_NEAR(reference_form_factor(NuclearFormFactor::symmetrised_fermi, q, radius),
                        fourier_bessel(fermi, k, wide), 1e-9);
            EXPECT_NEAR(reference_form_factor(NuclearFormFactor::klein_nystrand, q, radius),
                        fourier_bessel(yukawa, k, kinked), 1e-9);
        }
        // The densities have the rms radius that is asked for.
        const auto rms = [&](const auto& density, const std::vector<double>& limits) {
            return std::sqrt(radial_integral([&](double r) { return density(r) * std::pow(r, 4); }, limits) /
                             radial_integral([&](double r) { return density(r) * r * r; }, limits));
        };
        EXPECT_NEAR(rms(helm, {1e-9, 2, 4, 6, 8, 10, 15}), radius, 1e-9);
        EXPECT_NEAR(rms(fermi, {1e-9, 2, 4, 6, 8, 10, 15, 20, 30}), radius, 1e-9);
        EXPECT_NEAR(rms(yukawa, {1e-9, 2, R_A, 7, 10, 15, 20, 30}), radius, 1e-9);
    }
}

} // namespace
} // namespace nuscan::testing
