// SPDX-License-Identifier: Apache-2.0
// Properties that hold for any neutrino: rapidcheck draws mixings, complex matrices, energies, and shrinks what fails.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>

#include "config/quantity.hpp"
#include "nuscan/features.hpp"

namespace nuscan {
namespace {

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

struct Neutrino {
    Mixing mixing = draw_mixing();
    FormFactors form_factors = draw_form_factors();
    Flavour flavour = static_cast<Flavour>(*rc::gen::inRange(0, 3));
    bool antineutrino = *rc::gen::arbitrary<bool>();
    Propagation propagation = static_cast<Propagation>(*rc::gen::inRange(0, 3));
    double baseline = draw(10, 60000);
    double T = std::exp(draw(std::log(1e-4), std::log(1)));
    double E = min_neutrino_energy(T) * (1 + draw(1e-6, 20));

    Matrix3 U() const { return mixing_matrix(mixing); }
    Matrix3 rho() const { return density_matrix(U(), mixing, flavour, antineutrino, propagation, baseline, E); }
    ElectronCouplings couplings(const FormFactors& f) const {
        const ElectronCouplings c = electron_couplings(f, U(), constants::sin2_theta_w);
        return antineutrino ? antineutrino_couplings(c) : c;
    }
    ScatteringCoefficients coefficients() const { return scattering_coefficients(rho(), couplings(form_factors), T); }
    double s() const { return antineutrino ? -1 : 1; }
};

template <class Property>
void hold(const std::string& description, const Property& property) {
    EXPECT_TRUE(rc::check(description, [&] { property(Neutrino()); }));
}

void assert_close(double a, double b, double scale, double tolerance) {
    if (!(std::abs(a - b) <= tolerance * scale)) {
        RC_FAIL("differ: " + std::to_string(a / scale) + " and " + std::to_string(b / scale) + " of their scale");
    }
}

TEST(Properties, of_the_density_matrix) {
    hold("rho is Hermitian, of unit trace, and pure unless it decohered", [](const Neutrino& n) {
        const Matrix3 rho = n.rho();
        assert_close(trace(rho).re, 1, 1, 1e-14);
        for (int j = 0; j < 3; ++j) {
            for (int k = 0; k < 3; ++k) {
                assert_close(norm(rho(j, k) - conj(rho(k, j))), 0, 1, 1e-30);
            }
        }
        const double purity = trace(rho * rho).re;
        if (n.propagation == Propagation::decohered) {
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
    hold("CP: C_i of antineutrinos with U, X are those of neutrinos with U*, X* and eps -> -eps*", [](Neutrino n) {
        n.antineutrino = true;
        const ScatteringCoefficients anti = n.coefficients();
        Neutrino mirror = n;
        mirror.antineutrino = false;
        mirror.mixing.delta = -n.mixing.delta;
        mirror.mixing.alpha21 = -n.mixing.alpha21;
        mirror.mixing.alpha31 = -n.mixing.alpha31;
        const FormFactors& f = n.form_factors;
        mirror.form_factors = {conj(f.charge), conj(f.charge_radius), conj(f.anapole), conj(f.magnetic),
                               Complex(-1) * conj(f.electric)};
        const ScatteringCoefficients c = mirror.coefficients();
        assert_close(anti.C1, c.C1, c.C1 + 1, 1e-12);
        assert_close(anti.C2, c.C2, 1, 1e-12);
        assert_close(anti.C3.re, c.C3.re, c.C1 + c.C2, 1e-12);
        assert_close(anti.C3.im, c.C3.im, c.C1 + c.C2, 1e-12);
        assert_close(anti.mu2, c.mu2, c.mu2, 1e-12);
    });
}

TEST(Properties, of_the_factorisation) {
    hold("features times kernels are dsigma/dT", [](const Neutrino& n) {
        PlaneCouplings point{};
        point.U = n.U();
        point.base = electron_couplings(n.form_factors, point.U, constants::sin2_theta_w);
        const FeatureGroup group{n.flavour, n.propagation};
        const ElectronKernels kernels = electron_kernels(n.E, n.T, n.s());
        double sum = 0, size = 0;
        for (int m = 0; m < n_feature_matrices; ++m) {
            double c[7 * n_plane_coefficients] = {};
            feature_coefficients(point, group, m, AxisShape::linear, AxisShape::linear, c);
            for (int i = 0; i < n_components(n.propagation); ++i) {
                const double term = c[i * n_plane_coefficients] * feature_kernel(m, kernels, n.T) *
                                    component_phase(i, n.mixing, n.antineutrino, n.baseline, n.E);
                sum += term;
                size += std::abs(term);
            }
        }
        const double turns = std::abs(propagation_phase(n.mixing.dm31, n.baseline, n.E));
        assert_close(sum, electron_cross_section(n.coefficients(), n.E, n.T, n.s()), size, 1e-12 + 1e-15 * turns);
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
