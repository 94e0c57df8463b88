// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "random_physics.hpp"

/// Weak couplings by scheme, the SM charge radius inside them, Majorana moments, and what the literature makes of
/// magnetic moments and charges.
namespace nuscan::testing {
namespace {

namespace c = constants;

constexpr Flavour flavours[] = {Flavour::e, Flavour::mu, Flavour::tau};

Parameter element(FormFactor form_factor, Parameter::Part part, int row = 0, int column = 0) {
    Parameter p;
    p.form_factor = form_factor;
    p.part = part;
    p.row = row;
    p.column = column;
    return p;
}

Parameter majorana(Parameter::Part part, int l) {
    Parameter p;
    p.kind = Parameter::Kind::majorana_moment;
    p.part = part;
    p.row = l;
    return p;
}

using Part = Parameter::Part;

// ---------------------------------------------------------------------------------------------------------------------
// The standard charge radius

TEST(Couplings, standard_charge_radii) {
    const double published[] = {-8.275e-33, -4.805e-33, -2.969e-33};
    for (const Flavour l : flavours) {
        EXPECT_NEAR(standard_charge_radius(l) / published[static_cast<int>(l)], 1, 3e-4);
        EXPECT_NEAR(reference_standard_radius(l) / standard_charge_radius(l), 1, 1e-14);
    }
}

TEST(Couplings, radiative_ones_differ_by_the_standard_radii) {
    const double K = c::radius_coupling;
    const double by_radii = -K * (standard_charge_radius(Flavour::e) - standard_charge_radius(Flavour::mu));
    EXPECT_NEAR(by_radii, 0.00826, 1e-5);
    EXPECT_NEAR(by_radii, 0.0382 - 0.0300, 1e-4);
    EXPECT_NEAR(-K * (standard_charge_radius(Flavour::mu) - standard_charge_radius(Flavour::tau)), 0.0300 - 0.0256,
                1e-4);
}

TEST(Couplings, flavour_blind_ones_are_nearly_so) {
    for (const Flavour l : flavours) {
        const double delta = l == Flavour::e ? 1 : 0;
        const FlavourCouplings proton =
            flavour_couplings({Target::nucleus, CouplingScheme::flavour_blind}, l, c::sin2_theta_w);
        EXPECT_NEAR(proton.V, 0.0185, 2e-4);
        EXPECT_EQ(proton.A, -0.5117);
        const FlavourCouplings electron =
            flavour_couplings({Target::electron, CouplingScheme::flavour_blind}, l, c::sin2_theta_w);
        EXPECT_NEAR(electron.V, -0.028 + delta, 5e-4);
    }
}

TEST(Couplings, numbers_of_each_scheme) {
    const double s2 = 0.24;
    const auto g = [&](Target target, CouplingScheme scheme, Flavour l) {
        return flavour_couplings({target, scheme}, l, s2);
    };
    const double shift = 2 * (s2 - 0.23863);
    EXPECT_NEAR(g(Target::electron, CouplingScheme::tree, Flavour::e).V, 0.98, 1e-15);
    EXPECT_NEAR(g(Target::electron, CouplingScheme::tree, Flavour::mu).V, -0.02, 1e-15);
    EXPECT_EQ(g(Target::electron, CouplingScheme::tree, Flavour::e).A, 0.5);
    EXPECT_EQ(g(Target::electron, CouplingScheme::tree, Flavour::tau).A, -0.5);
    EXPECT_NEAR(g(Target::nucleus, CouplingScheme::tree, Flavour::tau).V, 0.02, 1e-15);
    EXPECT_EQ(g(Target::nucleus, CouplingScheme::tree, Flavour::tau).A, -0.5);
    const double g_V[] = {0.9521, -0.0397, -0.0353}, g_A[] = {0.4938, -0.5062, -0.5062};
    const double g_p[] = {0.0382, 0.0300, 0.0256};
    for (const Flavour l : flavours) {
        const int i = static_cast<int>(l);
        EXPECT_NEAR(g(Target::electron, CouplingScheme::radiative, l).V, g_V[i] + shift, 1e-15);
        EXPECT_EQ(g(Target::electron, CouplingScheme::radiative, l).A, g_A[i]);
        EXPECT_NEAR(g(Target::nucleus, CouplingScheme::radiative, l).V, g_p[i] - shift, 1e-15);
        EXPECT_EQ(g(Target::nucleus, CouplingScheme::radiative, l).A, -0.5117);
    }
    // Radiative couplings differ from tree-level ones by percents, not more.
    for (const Flavour l : flavours) {
        EXPECT_NEAR(g(Target::electron, CouplingScheme::radiative, l).V, g(Target::electron, CouplingScheme::tree, l).V,
                    0.03);
        EXPECT_NEAR(g(Target::nucleus, CouplingScheme::radiative, l).V, g(Target::nucleus, CouplingScheme::tree, l).V,
                    0.02);
    }
}

//! U† diag(g) U of the core is that of the reference, in a basis that mixes all
TEST(Couplings, weak_matrices_are_diagonal_in_the_flavour_basis) {
    Random random(41);
    for (const Interaction& interaction : all_interactions()) {
        const Matrix3 U = mixing_matrix(random.mixing());
        const Couplings weak = weak_couplings(interaction, U, 0.21);
        const Matrix3 V = to_flavour_basis(weak.V0, U), A = to_flavour_basis(weak.A, U);
        for (int j = 0; j < 3; ++j) {
            for (int k = 0; k < 3; ++k) {
                const FlavourCouplings g = flavour_couplings(interaction, static_cast<Flavour>(j), 0.21);
                EXPECT_NEAR(V(j, k).re, j == k ? g.V : 0, 1e-15) << describe(interaction);
                EXPECT_NEAR(A(j, k).re, j == k ? g.A : 0, 1e-15);
                EXPECT_NEAR(V(j, k).im, 0, 1e-15);
                EXPECT_NEAR(A(j, k).im, 0, 1e-15);
                EXPECT_EQ(weak.V1(j, k).re, 0);
                EXPECT_EQ(weak.M(j, k).re, 0);
            }
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Total radius, or beyond the SM

Experiment radiative_experiment() {
    Experiment x;
    x.couplings = CouplingScheme::radiative;
    return x;
}

//! A fit of the total radius and one of the shift differ by exactly ⟨r²⟩_SM, whatever else there is
TEST(ChargeRadius, total_is_the_shift_plus_the_standard_one) {
    Random random(42);
    NeutrinoConfig shift, total;
    total.charge_radius_mode = ChargeRadiusMode::total;
    const Experiment x = radiative_experiment();
    const Nuclide nuclide = test_nuclide();
    const Channel channel = nuclear_channel();
    for (int i = 0; i < 10; ++i) {
        std::vector<FixedParameter> beyond{{element(FormFactor::charge_radius, Part::re, 0, 1), 3e-32},
                                           {element(FormFactor::charge_radius, Part::im, 0, 1), -2e-32},
                                           {element(FormFactor::anapole, Part::diagonal, 1, 1), 1e-33},
                                           {element(FormFactor::charge, Part::im, 1, 2), 1e-12}};
        std::vector<FixedParameter> whole = beyond;
        shift.mixing = total.mixing = random.mixing();
        for (const Flavour l : flavours) {
            const int row = static_cast<int>(l);
            const double r2 = random.uniform(-4e-32, 4e-32);
            const Parameter p = element(FormFactor::charge_radius, Part::diagonal, row, row);
            beyond.push_back({p, r2});
            whole.push_back({p, r2 + standard_charge_radius(l)});
        }
        const ReferencePoint a = reference_point(shift, beyond, {}), b = reference_point(total, whole, {});
        EXPECT_EQ(a.scheme(x), CouplingScheme::radiative);
        EXPECT_EQ(b.scheme(x), CouplingScheme::flavour_blind);
        EXPECT_GT((a.charge_radius - b.charge_radius).norm(), 1e-33);
        for (const Beam& beam : all_beams(3e4)) {
            SCOPED_TRACE(describe(beam));
            const double e = reference_cross_section(a, a.scheme(x), beam, 2, 0.1);
            expect_close(reference_cross_section(b, b.scheme(x), beam, 2, 0.1), e, e, 1e-12);
            expect_same(core_coefficients(b, beam, 2, 0.1, b.scheme(x)),
                        reference_coefficients(a, a.scheme(x), beam, 2, 0.1), 1e-12);
            const double N = reference_nuclear_cross_section(a, a.scheme(x), beam, nuclide, channel, 30, 0.03);
            expect_close(reference_nuclear_cross_section(b, b.scheme(x), beam, nuclide, channel, 30, 0.03), N, N,
                         1e-12);
            const NuclearCoefficients core =
                core_nuclear_coefficients(b, beam, nuclide, channel, 30, 0.03, b.scheme(x));
            expect_close(nuclear_cross_section(core_nucleus(nuclide, channel, 0.03), core, 30, 0.03), N, N, 1e-11);
        }
    }
}

TEST(ChargeRadius, total_starts_at_the_standard_model) {
    NeutrinoConfig total;
    total.charge_radius_mode = ChargeRadiusMode::total;
    const auto flavour_matrix = [](const ReferencePoint& p) -> Matrix3cd {
        return p.U * p.charge_radius * p.U.adjoint();
    };
    const ReferencePoint start = reference_point(total, {}, {});
    const ReferencePoint sm = reference_point(NeutrinoConfig{}, {}, {});
    const Experiment x = radiative_experiment();
    for (const Beam& beam : all_beams(3e4)) {
        const double sigma = reference_cross_section(sm, sm.scheme(x), beam, 2, 0.1);
        expect_close(reference_cross_section(start, start.scheme(x), beam, 2, 0.1), sigma, sigma, 1e-12);
    }
    EXPECT_EQ(sm.charge_radius.norm(), 0);
    for (int l = 0; l < 3; ++l) {
        EXPECT_NEAR(flavour_matrix(start)(l, l).real(), standard_charge_radius(static_cast<Flavour>(l)), 1e-46);
    }
    // An element that is given replaces that of the SM, fixed or scanned; `universal` adds.
    const ReferencePoint given =
        reference_point(total, {{element(FormFactor::charge_radius, Part::diagonal, 1, 1), 7e-33}},
                        {{element(FormFactor::charge_radius, Part::universal), 1e-33},
                         {element(FormFactor::charge_radius, Part::diagonal, 2, 2), 0}});
    EXPECT_NEAR(flavour_matrix(given)(0, 0).real(), standard_charge_radius(Flavour::e) + 1e-33, 1e-46);
    EXPECT_NEAR(flavour_matrix(given)(1, 1).real(), 8e-33, 1e-46);
    EXPECT_NEAR(flavour_matrix(given)(2, 2).real(), 1e-33, 1e-46);
    // Another form factor's diagonal does not.
    const ReferencePoint other =
        reference_point(total, {{element(FormFactor::anapole, Part::diagonal, 1, 1), 7e-33}}, {});
    EXPECT_NEAR(flavour_matrix(other)(1, 1).real(), standard_charge_radius(Flavour::mu), 1e-46);
    // In the mass basis the SM part is U† diag U.
    total.basis = Basis::mass;
    EXPECT_LE((reference_point(total, {}, {}).charge_radius - start.charge_radius).norm(), 1e-46);
}

// ---------------------------------------------------------------------------------------------------------------------
// Majorana neutrinos

TEST(Majorana, moments_make_antisymmetric_matrices) {
    NeutrinoConfig neutrino;
    neutrino.majorana = true;
    neutrino.basis = Basis::mass;
    neutrino.mixing.alpha21 = 0.7;
    neutrino.mixing.alpha31 = 2.1;
    const Complexd Lambda[] = {{1e-11, -2e-11}, std::polar(3e-11, 0.9), {0, 4e-11}};
    const ReferencePoint p = reference_point(neutrino,
                                             {{majorana(Part::re, 0), 1e-11},
                                              {majorana(Part::im, 0), -2e-11},
                                              {majorana(Part::abs, 1), 3e-11},
                                              {majorana(Part::im, 2), 4e-11}},
                                             {{majorana(Part::arg, 1), 0.9}});
    const Matrix3cd M = p.magnetic - Complexd(0, 1) * p.electric;
    EXPECT_LE((M + M.transpose()).norm(), 1e-26);
    EXPECT_LE(std::abs(M(1, 2) - Lambda[0]), 1e-26); // ε_231
    EXPECT_LE(std::abs(M(2, 0) - Lambda[1]), 1e-26);
    EXPECT_LE(std::abs(M(0, 1) - Lambda[2]), 1e-26);
    for (const Matrix3cd& X : {p.magnetic, p.electric}) {
        EXPECT_LE((X - X.adjoint()).norm(), 1e-26) << "Hermitian";
        EXPECT_LE((X + X.transpose()).norm(), 1e-26) << "antisymmetric";
        EXPECT_LE(X.real().norm(), 1e-26) << "and so imaginary";
        EXPECT_GT(X.norm(), 1e-12);
    }
    EXPECT_LE((to_eigen(effective_moment(form_factors(p))) - M).norm(), 1e-26);
}

/// What a mass state shows: |μ_k|² = Σ_j |M_jk|² = |Λ|² − |Λ_k|²; so what the Sun's neutrinos show follows from P_k.
TEST(Majorana, moment_of_a_mass_state_and_of_solar_neutrinos) {
    Random random(43);
    for (int i = 0; i < 10; ++i) {
        NeutrinoConfig neutrino;
        neutrino.majorana = true;
        neutrino.basis = Basis::mass;
        neutrino.mixing = random.mixing();
        std::vector<FixedParameter> fixed;
        double lambda2[3], total = 0;
        for (int l = 0; l < 3; ++l) {
            const Complexd z = random.complex(1e-11);
            fixed.push_back({majorana(Part::re, l), z.real()});
            fixed.push_back({majorana(Part::im, l), z.imag()});
            lambda2[l] = std::norm(z);
            total += lambda2[l];
        }
        const ReferencePoint p = reference_point(neutrino, fixed, {});
        const double E = random.uniform(0.3, 10);
        const Eigen::Vector3d P = reference_solar_weights(p.mixing, solar_beam(), E);
        double expected = total;
        for (int k = 0; k < 3; ++k) {
            expected -= P[k] * lambda2[k];
        }
        expect_close(core_coefficients(p, solar_beam(), E, 0.01).mu2, expected, total, 1e-14);
        const Beam decohered{Flavour::mu, true, Propagation::decohered};
        expected = total;
        for (int k = 0; k < 3; ++k) {
            expected -= std::norm(p.U(1, k)) * lambda2[k];
        }
        expect_close(core_coefficients(p, decohered, E, 0.01).mu2, expected, total, 1e-14);
        // Antisymmetry is a property of the mass basis with the Majorana phases in U: it does not survive U M U†.
        const Matrix3cd M = p.magnetic - Complexd(0, 1) * p.electric;
        const Matrix3cd flavour = p.U * M * p.U.adjoint();
        EXPECT_GT(flavour.diagonal().norm(), 1e-2 * flavour.norm());
        EXPECT_GT((flavour + flavour.transpose()).norm(), 1e-2 * flavour.norm());
    }
}

//! Elements that Majorana neutrinos may have: .im off the diagonal is antisymmetric, .re of the anapole symmetric
TEST(Majorana, elements_of_the_mass_basis) {
    NeutrinoConfig neutrino;
    neutrino.majorana = true;
    neutrino.basis = Basis::mass;
    const ReferencePoint p = reference_point(neutrino,
                                             {{element(FormFactor::charge_radius, Part::im, 0, 2), 1e-32},
                                              {element(FormFactor::anapole, Part::re, 0, 1), 2e-33},
                                              {element(FormFactor::anapole, Part::diagonal, 2, 2), 3e-33}},
                                             {});
    EXPECT_EQ((p.charge_radius + p.charge_radius.transpose()).norm(), 0);
    EXPECT_EQ((p.anapole - p.anapole.transpose()).norm(), 0);
    EXPECT_GT(p.charge_radius.norm(), 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// Figures of the literature

//! μ_kk = 3 e G_F m_k/(8√2 π²) = 3.2e-19 μ_B per eV (KS17 9; K. Fujikawa, R. Shrock, Phys. Rev. Lett. 45, 963 (1980))
TEST(Literature, diagonal_moment_of_a_Dirac_neutrino) {
    const double eV = 1e-6; // MeV; in units of μ_B = e/2m_e
    EXPECT_NEAR(3 * c::fermi * eV / (8 * c::sqrt2 * c::pi * c::pi) * 2 * c::electron_mass, 3.2e-19, 0.01e-19);
}

/// Charge and moment whose terms are equal at a recoil energy: e = μ √(T/2m_e) (A. Studenikin, EPL 107, 21001 (2014)).
TEST(Literature, charge_limits_by_equating_terms) {
    const auto equal = [](double mu, double T) {
        // 2α²π e²/(m_e T²) against πα²μ²/(m_e² T): from the cross-sections themselves, at a neutrino energy far above
        ReferencePoint p = reference_point(NeutrinoConfig{}, {}, {}), q = p;
        const Beam beam{Flavour::e, true, Propagation::short_baseline};
        const auto sigma = [&](const ReferencePoint& at) {
            const ReferenceCoefficients C = reference_coefficients(at, CouplingScheme::tree, beam, 1e6, T);
            ScatteringCoefficients only{}; // without the weak part and its interference
            only.C1 = std::pow(c::charge_coupling / T, 2) * C.e2;
            only.mu2 = C.mu2;
            return electron_cross_section(only, 1e6, T, -1);
        };
        p.magnetic = mu * Matrix3cd::Identity();
        q.charge = 1e-12 * Matrix3cd::Identity();
        return 1e-12 * std::sqrt(sigma(p) / sigma(q));
    };
    EXPECT_NEAR(equal(2.9e-11, 2.8e-3), 1.52e-12, 0.005e-12); // GEMMA
    EXPECT_NEAR(equal(2.9e-11, 2.8e-3), 2.9e-11 * std::sqrt(2.8e-3 / (2 * c::electron_mass)), 1e-17);
    EXPECT_NEAR(equal(8e-12, 200e-6), 1.1e-13, 0.02e-13);
    EXPECT_LT(equal(0.7e-12, 200e-6), 0.11e-13); // what was printed beside it is ten times too small
}

} // namespace
} // namespace nuscan::testing
