// SPDX-License-Identifier: Apache-2.0
// Properties that hold for any neutrino: rapidcheck draws mixings, complex matrices, energies, and shrinks what fails.
// It draws the same ones in each run; RC_PARAMS="seed=N" in the environment asks for others.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <cstdlib>

#include "config/quantity.hpp"
#include "nuscan/features.hpp"
#include "nuscan/nuclear_scattering.hpp"

namespace nuscan {
namespace {

[[maybe_unused]] const int seeded = ::setenv("RC_PARAMS", "seed=2022", 0); // before rapidcheck reads it

rc::Gen<double> between(double low, double high) {
    constexpr int steps = 1 << 30;
    return rc::gen::map(rc::gen::inRange(0, steps + 1),
                        [=](int i) { return low + (high - low) * (static_cast<double>(i) / steps); });
}

double draw(double low, double high) { return *between(low, high); }

Mixing draw_mixing() {
    Mixing m;
    m.theta12 = draw(0.05, 1.5);
    m.theta13 = draw(0.05, 1.5);
    m.theta23 = draw(0.05, 1.5);
    m.delta = draw(-3, 3);
    m.alpha21 = draw(-3, 3);
    m.alpha31 = draw(-3, 3);
    return m;
}

Matrix3 draw_hermitian(double scale) {
    Matrix3 m{};
    for (int j = 0; j < 3; ++j) {
        m(j, j) = draw(-scale, scale);
        for (int k = j + 1; k < 3; ++k) {
            m(j, k) = {draw(-scale, scale), draw(-scale, scale)};
            m(k, j) = conj(m(j, k));
        }
    }
    return m;
}

//! Sizes at which every term is felt at keV recoils
FormFactors draw_form_factors() {
    return {draw_hermitian(1e-12), draw_hermitian(3e-31), draw_hermitian(1e-31), draw_hermitian(5e-11),
            draw_hermitian(5e-11)};
}

constexpr ProductionZone zones[] = {{92.5, 0.6}, {50, 0.4}};

struct Neutrino {
    Mixing mixing = draw_mixing();
    FormFactors form_factors = draw_form_factors();
    CouplingScheme scheme = static_cast<CouplingScheme>(*rc::gen::inRange(0, 3));
    Beam beam;
    double T = std::exp(draw(std::log(1e-4), std::log(1)));
    double E = min_neutrino_energy(T, constants::electron_mass) * (1 + draw(1e-6, 20));

    Neutrino() {
        beam.propagation = static_cast<Propagation>(*rc::gen::inRange(0, 4));
        if (beam.propagation == Propagation::solar) {
            beam.flavour = Flavour::e;
            beam.antineutrino = false;
            beam.zones = zones;
            beam.n_zones = 2;
        } else {
            beam.flavour = static_cast<Flavour>(*rc::gen::inRange(0, 3));
            beam.antineutrino = *rc::gen::arbitrary<bool>();
            beam.baseline = draw(10, 60000);
        }
    }

    Matrix3 U() const { return mixing_matrix(mixing); }
    Matrix3 rho() const { return density_matrix(U(), mixing, beam, E); }
    Couplings couplings_of(Target target) const {
        const Couplings c = couplings({target, scheme}, form_factors, U(), constants::sin2_theta_w);
        return beam.antineutrino ? antineutrino_couplings(c) : c;
    }
    ScatteringCoefficients coefficients(double r = 1) const {
        return scattering_coefficients(rho(), couplings_of(Target::electron), T, r);
    }
    double s() const { return beam.antineutrino ? -1 : 1; }
};

//! Electrons as any atomic model may have them: free, stepping, equivalent photons, corrections below and above 1
BoundElectrons draw_atom() {
    BoundElectrons atom{draw(0, 1) < 0.1 ? 0 : draw(1, 50)};
    atom.weak = draw(0, 1) < 0.5 ? draw(0, 1) : draw(1, 20);
    atom.magnetic = draw(0, 2);
    atom.interference = draw(0, 1) < 0.8 ? largest_interference(atom.weak) : 0;
    atom.photon_area = draw(0, 1) < 0.6 ? std::exp(draw(std::log(1e-26), std::log(1e-17))) : 0;
    return atom;
}

//! ρ ≥ 0 of unit trace, of any rank
Matrix3 draw_density() {
    Matrix3 root{};
    for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 3; ++k) {
            root(j, k) = {draw(-1, 1), draw(-1, 1)};
        }
    }
    root(0, 0).re += 1.1;              // not the zero matrix
    if (*rc::gen::arbitrary<bool>()) { // a pure state
        for (int j = 0; j < 3; ++j) {
            root(j, 1) = root(j, 2) = {};
        }
    }
    const Matrix3 rho = root * adjoint(root);
    return Complex(1 / trace(rho).re) * rho;
}

//! What the neutrino hits, drawn apart: a nucleus whose kinematics let it recoil with T, on which charge and moment
//! are felt only if they are stronger
struct Scattering : Neutrino {
    NucleusAtRecoil nucleus{draw(5e3, 2e5), draw(5, 50), draw(5, 80), draw(0, 1)};

    Scattering() {
        T *= 1e-2;
        E = min_neutrino_energy(T, nucleus.mass) * (1 + draw(1e-6, 5));
        form_factors.charge = Complex(1e3) * form_factors.charge;
    }
    NuclearCoefficients nuclear() const {
        return nuclear_coefficients(rho(), couplings_of(Target::nucleus), nucleus, T);
    }
};

template <class Property>
void hold(const std::string& description, const Property& property) {
    EXPECT_TRUE(rc::check(description, [&] { property(Neutrino()); }));
}

template <class Property>
void hold_on_nuclei(const std::string& description, const Property& property) {
    EXPECT_TRUE(rc::check(description, [&] { property(Scattering()); }));
}

void assert_close(double a, double b, double scale, double tolerance) {
    if (!(std::abs(a - b) <= tolerance * scale)) {
        RC_FAIL("differ: " + std::to_string(a / scale) + " and " + std::to_string(b / scale) + " of their scale");
    }
}

TEST(Properties, of_the_density_matrix) {
    hold("rho is Hermitian, of unit trace, and pure unless it decohered or comes from the Sun", [](const Neutrino& n) {
        const Matrix3 rho = n.rho();
        assert_close(trace(rho).re, 1, 1, 1e-14);
        for (int j = 0; j < 3; ++j) {
            for (int k = 0; k < 3; ++k) {
                assert_close(norm(rho(j, k) - conj(rho(k, j))), 0, 1, 1e-30);
            }
        }
        const double purity = trace(rho * rho).re;
        if (n.beam.propagation == Propagation::decohered || n.beam.propagation == Propagation::solar) {
            RC_ASSERT(purity <= 1 + 1e-14);
        } else {
            assert_close(purity, 1, 1, 1e-14);
        }
    });
}

TEST(Properties, of_the_coefficients) {
    hold("C1, C2 and mu2 are not negative, and |C3|^2 <= C1 C2", [](const Neutrino& n) {
        const ScatteringCoefficients c = n.coefficients();
        RC_ASSERT(c.C1 >= 0);
        RC_ASSERT(c.C2 >= 0);
        RC_ASSERT(c.mu2 >= 0);
        RC_ASSERT(norm(c.C3) <= c.C1 * c.C2 * (1 + 1e-12));
    });
    hold("|C3|^2 = C1 C2 for a pure state whose vectors are aligned: universal form factors at short baseline",
         [](Neutrino n) {
             n.beam.propagation = Propagation::short_baseline;
             const double r2 = draw(-3e-31, 3e-31), e = draw(-1e-12, 1e-12);
             n.form_factors.charge_radius = scalar_matrix(r2);
             n.form_factors.anapole = scalar_matrix(r2 / 10);
             n.form_factors.charge = scalar_matrix(e);
             const ScatteringCoefficients c = n.coefficients();
             assert_close(norm(c.C3), c.C1 * c.C2, (c.C1 + 1) * c.C2, 1e-12);
         });
    hold("dsigma/dT is not negative", [](const Neutrino& n) {
        const ScatteringCoefficients c = n.coefficients();
        const double scale = constants::weak_cross_section * (c.C1 + c.C2);
        RC_ASSERT(electron_cross_section(c, n.E, n.T, n.s()) >= -1e-12 * scale);
    });
}

TEST(Properties, of_bases_and_phases) {
    hold("matrices survive the way to the flavour basis and back", [](const Neutrino& n) {
        const Matrix3& X = n.form_factors.charge;
        const Matrix3 back = to_mass_basis(to_flavour_basis(X, n.U()), n.U());
        for (int j = 0; j < 3; ++j) {
            for (int k = 0; k < 3; ++k) {
                assert_close(std::sqrt(norm(back(j, k) - X(j, k))), 0, 1e-12, 1e-13);
            }
        }
    });
    hold("Majorana phases drop out of what flavour-basis elements do", [](const Neutrino& n) {
        const auto coefficients = [&](Neutrino other) {
            const auto mass = [&](const Matrix3& X) { return to_mass_basis(X, other.U()); };
            const FormFactors& f = n.form_factors;
            other.form_factors = {mass(f.charge), mass(f.charge_radius), mass(f.anapole), mass(f.magnetic),
                                  mass(f.electric)};
            return other.coefficients();
        };
        Neutrino without = n;
        without.mixing.alpha21 = without.mixing.alpha31 = 0;
        const ScatteringCoefficients a = coefficients(n), b = coefficients(without);
        assert_close(a.C1, b.C1, a.C1 + 1, 1e-11);
        assert_close(a.C3.re, b.C3.re, a.C1 + a.C2 + 1, 1e-11);
        assert_close(a.mu2, b.mu2, a.mu2, 1e-11);
    });
    hold("a change of the basis in which form factors are given changes nothing", [](const Neutrino& n) {
        // In the flavour basis: ρ, V and A as U X U†, weak couplings on the diagonal
        const Matrix3 U = n.U();
        const FormFactors& f = n.form_factors;
        if (n.beam.antineutrino) {
            return; // by CP, below
        }
        const Interaction interaction{Target::electron, n.scheme};
        Matrix3 V = to_flavour_basis(Complex(constants::radius_coupling) * effective_charge_radius(f) +
                                         Complex(-constants::charge_coupling / n.T) * f.charge,
                                     U);
        Matrix3 A{};
        for (int l = 0; l < 3; ++l) {
            const FlavourCouplings g = flavour_couplings(interaction, static_cast<Flavour>(l), constants::sin2_theta_w);
            V(l, l) += g.V;
            A(l, l) += g.A;
        }
        const Matrix3 rho = to_flavour_basis(n.rho(), U), M = to_flavour_basis(effective_moment(f), U);
        const ScatteringCoefficients c = n.coefficients();
        assert_close(c.C1, trace(rho * (adjoint(V) * V)).re, c.C1 + 1, 1e-12);
        assert_close(c.C2, trace(rho * (adjoint(A) * A)).re, 1, 1e-12);
        assert_close(c.C3.re, trace(rho * (adjoint(A) * V)).re, c.C1 + 1, 1e-12);
        assert_close(c.C3.im, trace(rho * (adjoint(A) * V)).im, c.C1 + 1, 1e-12);
        assert_close(c.mu2, trace(rho * (adjoint(M) * M)).re, c.mu2, 1e-12);
    });
}

//! U → U*, X → X*, ε → −ε*, ν̄ → ν
template <class N>
N CP_mirror(N n) {
    n.beam.antineutrino = false;
    n.mixing.delta = -n.mixing.delta;
    n.mixing.alpha21 = -n.mixing.alpha21;
    n.mixing.alpha31 = -n.mixing.alpha31;
    const FormFactors f = n.form_factors;
    n.form_factors = {conj(f.charge), conj(f.charge_radius), conj(f.anapole), conj(f.magnetic),
                      Complex(-1) * conj(f.electric)};
    return n;
}

void assert_same(const ScatteringCoefficients& a, const ScatteringCoefficients& b) {
    assert_close(a.C1, b.C1, b.C1 + 1, 1e-12);
    assert_close(a.C2, b.C2, 1, 1e-12);
    assert_close(a.C3.re, b.C3.re, b.C1 + b.C2, 1e-12);
    assert_close(a.C3.im, b.C3.im, b.C1 + b.C2, 1e-12);
    assert_close(a.mu2, b.mu2, b.mu2, 1e-12);
    assert_close(a.charge2, b.charge2, b.C1 + b.charge2, 1e-12);
}

TEST(Properties, of_antineutrinos) {
    hold("CP: C_i of antineutrinos with U, X are those of neutrinos with U*, X* and eps -> -eps*", [](Neutrino n) {
        if (n.beam.propagation != Propagation::solar) {
            n.beam.antineutrino = true;
            const ScatteringCoefficients anti = n.coefficients(), mirror = CP_mirror(n).coefficients();
            assert_same(anti, mirror);
            // dσ/dT differs by s, and by it alone
            const double sigma = electron_cross_section(anti, n.E, n.T, -1);
            assert_close(electron_cross_section(mirror, n.E, n.T, -1), sigma, sigma, 1e-11);
            const double difference = electron_cross_section(mirror, n.E, n.T, 1) - sigma;
            const double y = n.T / n.E;
            assert_close(difference, 4 * constants::weak_cross_section * anti.C3.re * (1 - (1 - y) * (1 - y)),
                         std::abs(difference) + sigma, 1e-11);
        }
    });
    hold("CPT: an antineutrino is a neutrino with its phases reversed and C3 -> C3*", [](Neutrino n) {
        if (n.beam.propagation != Propagation::solar) {
            n.beam.antineutrino = true;
            const ScatteringCoefficients anti = n.coefficients();
            n.beam.antineutrino = false;
            n.beam.baseline = -n.beam.baseline;
            ScatteringCoefficients reversed = n.coefficients();
            reversed.C3 = conj(reversed.C3);
            assert_same(anti, reversed);
        }
    });
    hold_on_nuclei("CP and CPT on a nucleus", [](Scattering n) {
        if (n.beam.propagation != Propagation::solar) {
            n.beam.antineutrino = true;
            const NuclearCoefficients anti = n.nuclear(), mirror = CP_mirror(n).nuclear();
            n.beam.antineutrino = false;
            n.beam.baseline = -n.beam.baseline;
            const NuclearCoefficients reversed = n.nuclear();
            assert_close(anti.C_V, mirror.C_V, anti.C_V, 1e-11);
            assert_close(anti.mu2, mirror.mu2, anti.mu2, 1e-12);
            assert_close(anti.C_V, reversed.C_V, anti.C_V, 1e-11);
            assert_close(anti.mu2, reversed.mu2, anti.mu2, 1e-12);
        }
    });
}

TEST(Properties, of_nuclei) {
    hold_on_nuclei("C_V, mu2 and dsigma/dT are not negative", [](const Scattering& n) {
        const NuclearCoefficients c = n.nuclear();
        RC_ASSERT(c.C_V >= 0);
        RC_ASSERT(c.mu2 >= 0);
        RC_ASSERT(nuclear_cross_section(n.nucleus, c, n.E, n.T) >= 0);
    });
    hold_on_nuclei("form factors may be given in either basis", [](const Scattering& n) {
        if (n.beam.antineutrino) {
            return;
        }
        const Matrix3 U = n.U();
        const double Z = n.nucleus.proton;
        Matrix3 W = to_flavour_basis(
            Complex(-Z * constants::radius_coupling) * effective_charge_radius(n.form_factors) +
                Complex(Z * constants::charge_coupling * constants::electron_mass / (n.nucleus.mass * n.T)) *
                    n.form_factors.charge,
            U);
        for (int l = 0; l < 3; ++l) {
            const FlavourCouplings g =
                flavour_couplings({Target::nucleus, n.scheme}, static_cast<Flavour>(l), constants::sin2_theta_w);
            W(l, l) += Z * g.V + n.nucleus.neutron * g.A;
        }
        const double C_V = trace(to_flavour_basis(n.rho(), U) * (adjoint(W) * W)).re;
        assert_close(n.nuclear().C_V, C_V, C_V, 1e-11);
    });
}

//! Σ over features and components of feature × kernel × weight, with the size of its terms
struct Factorised {
    double sum = 0, size = 0;

    Factorised(const Neutrino& n, Target target, const FeatureKernels& kernels) {
        const Interaction interaction{target, n.scheme};
        ParameterView view{};
        view.interactions[0] = interaction;
        view.n_interactions = 1;
        PlaneCouplings point{};
        point.U = n.U();
        point.base[0] = couplings(interaction, n.form_factors, point.U, constants::sin2_theta_w);
        const FeatureGroup group{n.beam.flavour, n.beam.propagation, 0};
        const ComponentWeights weights = component_weights(n.mixing, n.beam, n.E);
        for (int m = 0; m < n_feature_matrices; ++m) {
            double c[max_components * n_plane_coefficients] = {};
            feature_coefficients(view, point, group, m, AxisShape::linear, AxisShape::linear, c);
            for (int i = 0; i < n_components(n.beam.propagation); ++i) {
                const double term = c[i * n_plane_coefficients] * kernels.value[m] * weights.value[i];
                sum += term;
                size += std::abs(term);
            }
        }
    }
    //! Digits lost in phases of many turns count
    double tolerance(const Neutrino& n) const {
        const bool exact = n.beam.propagation == Propagation::exact;
        return 1e-12 + (exact ? 1e-15 * std::abs(propagation_phase(n.mixing.dm31, n.beam.baseline, n.E)) : 0);
    }
};

/// No matrices and no state make dσ/dT negative on any atom. The sum of the feature kernels shows it: it is not
/// clamped, as the cross-section is.
TEST(Properties, of_cross_sections_on_atoms) {
    hold("dsigma/dT is not negative", [](const Neutrino& n) {
        const BoundElectrons atom = draw_atom();
        const Matrix3 rho = draw_density();
        FormFactors f = draw_form_factors();
        f.charge = Complex(std::pow(10, draw(-3, 3))) * f.charge;
        Couplings c = couplings({Target::electron, n.scheme}, f, n.U(), constants::sin2_theta_w);
        if (*rc::gen::arbitrary<bool>()) { // a charge that undoes the weak amplitude
            c.V1 = Complex(-n.T * draw(0, 2)) * c.V0;
        }
        if (n.beam.antineutrino) {
            c = antineutrino_couplings(c);
        }
        const auto inner = [&](const Matrix3& X, const Matrix3& Y) { return trace(rho * (adjoint(X) * Y)).re; };
        const double features[] = {inner(c.V0, c.V0), 2 * inner(c.V0, c.V1), inner(c.V1, c.V1), inner(c.A, c.A),
                                   inner(c.A, c.V0),  inner(c.A, c.V1),      inner(c.M, c.M)};
        const FeatureKernels kernels = feature_kernels(atom, n.E, n.T, n.s());
        double sum = 0, size = 0;
        for (int m = 0; m < n_feature_matrices; ++m) {
            sum += features[m] * kernels.value[m];
            size += std::abs(features[m] * kernels.value[m]);
        }
        RC_ASSERT(sum >= -1e-13 * size);
        const double value =
            atomic_cross_section(atom, scattering_coefficients(rho, c, n.T, atom.interference), n.E, n.T, n.s());
        RC_ASSERT(value >= 0);
        assert_close(value, sum, size, 1e-12);
    });
}

TEST(Properties, of_the_factorisation) {
    hold("features times kernels are dsigma/dT of atoms", [](const Neutrino& n) {
        const BoundElectrons atom = draw_atom();
        const Factorised f(n, Target::electron, feature_kernels(atom, n.E, n.T, n.s()));
        const double direct = atomic_cross_section(atom, n.coefficients(atom.interference), n.E, n.T, n.s());
        assert_close(f.sum, direct, f.size, f.tolerance(n));
    });
    hold_on_nuclei("features times kernels are dsigma/dT of nuclei", [](const Scattering& n) {
        const double g_n = neutron_vector_coupling(n.scheme);
        const Factorised f(n, Target::nucleus, feature_kernels(n.nucleus, n.E, n.T, g_n));
        assert_close(f.sum, nuclear_cross_section(n.nucleus, n.nuclear(), n.E, n.T), f.size, f.tolerance(n));
    });
}

TEST(Properties, of_quantities) {
    EXPECT_TRUE(rc::check("a number written with its unit is read back", [] {
        const double value = draw(-1, 1) * std::pow(10, *rc::gen::inRange(-30, 30));
        char text[64];
        std::snprintf(text, sizeof text, "%.17g mu_B", value);
        RC_ASSERT(parse_quantity(text, Dimension::magnetic_moment, {"test", 1}, "value") == value);
    }));
}

} // namespace
} // namespace nuscan
