// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <boost/math/quadrature/gauss.hpp>

#include "backends/reference_model.hpp"
#include "random_physics.hpp"

/// The reference's spectra against closed forms that can be checked by hand.
namespace nuscan::testing {
namespace {

namespace c = constants;

//! ∫_a^b T^n dT for n = −2 … 2
double power_integral(int n, double a, double b) {
    return n == -1 ? std::log(b / a) : (std::pow(b, n + 1) - std::pow(a, n + 1)) / (n + 1);
}

/// A point whose spectrum integrates in closed form: at short baseline C1 = (v0 + v1/T)², C2 = a², C3 = a (v0 + v1/T),
/// for elements that are proportional to the unit matrix.
struct ClosedForm {
    double v0, v1, a, mu2;

    ClosedForm(Flavour flavour, double charge, double radius, double moment) {
        const double delta = flavour == Flavour::e ? 1 : 0;
        v0 = 2 * c::sin2_theta_w - 0.5 + delta + 2.37956e30 * radius;
        v1 = -std::sqrt(2.0) * c::pi * c::alpha / (c::fermi * c::electron_mass) * charge; // MeV
        a = -0.5 + delta;
        mu2 = moment * moment;
    }

    //! ∫_low^high dσ/dT dT [cm²], the upper limit cut at T_max
    double integral(double E, double s, double low, double high) const {
        high = std::min(high, 2 * E * E / (c::electron_mass + 2 * E));
        if (high <= low) {
            return 0;
        }
        // dσ/dT = G_F² m/2π Σ_p T^p Σ_q …: coefficients of 1, T, T² in the kernels
        const double m = c::electron_mass;
        const double k1[3] = {2, -2 / E - m / (E * E), 1 / (E * E)}; // of C1: 1 + (1 − T/E)² − m T/E²
        const double k2[3] = {2, -2 / E + m / (E * E), 1 / (E * E)}; // of C2
        const double k3[3] = {0, 2 * s * 2 / E, -2 * s / (E * E)};   // of C3: 2s (1 − (1 − T/E)²)
        double weak = 0;
        for (int p = 0; p < 3; ++p) {
            weak += k1[p] * (v0 * v0 * power_integral(p, low, high) + 2 * v0 * v1 * power_integral(p - 1, low, high) +
                             v1 * v1 * power_integral(p - 2, low, high));
            weak += k2[p] * a * a * power_integral(p, low, high);
            weak += k3[p] * a * (v0 * power_integral(p, low, high) + v1 * power_integral(p - 1, low, high));
        }
        const double magnetic = power_integral(-1, low, high) - (high - low) / E;
        return std::pow(c::fermi * c::hbar_c, 2) * m / (2 * c::pi) * weak + 2.494674e-25 * mu2 * magnetic;
    }
};

Parameter universal(FormFactor form_factor) {
    Parameter p;
    p.form_factor = form_factor;
    p.part = Parameter::Part::universal;
    return p;
}

struct Universal {
    double charge = 0, radius = 0, moment = 0;
};

ReferencePoint point(const Universal& u) {
    return reference_point(NeutrinoConfig{},
                           {{universal(FormFactor::charge), u.charge},
                            {universal(FormFactor::charge_radius), u.radius},
                            {universal(FormFactor::magnetic_moment), u.moment}},
                           {});
}

//! One line, free electrons, every recoil seen
Experiment line_experiment(double E, Flavour flavour, bool antineutrino) {
    Experiment x;
    x.name = "line";
    Source source;
    source.flavour = flavour;
    source.antineutrino = antineutrino;
    source.flux = 1e13;
    source.lines = {{E, 1}};
    x.sources = {source};
    x.target.units = 1e28;
    x.target.n_electrons = 2;
    Channel channel;
    channel.name = "electron";
    channel.atomic = AtomicModel::free_electrons;
    x.channels = {channel};
    x.live_time = 1e7;
    x.bin_edges = {0.01, 0.1, 0.3, 0.6, 5};
    x.counts = {1, 2, 3, 4};
    return x;
}

//! Flux × electrons × time × ∫ dσ/dT over a bin
double expected(const Experiment& x, const ClosedForm& form, double E, int b) {
    const Source& source = x.sources[0];
    double electrons = 0;
    const std::vector<Shell> free{{x.target.n_electrons, 0}};
    for (const Shell& shell : x.channels[0].atomic == AtomicModel::free_electrons ? free : x.target.shells) {
        const double low = std::max(x.bin_edges[static_cast<std::size_t>(b)], shell.binding_energy);
        electrons += shell.electrons *
                     form.integral(E, source.antineutrino ? -1 : 1, low, x.bin_edges[static_cast<std::size_t>(b) + 1]);
    }
    return source.flux * x.target.units * x.live_time * electrons;
}

constexpr Universal strong{-3e-12, 4e-32, 2e-11}; // at 0.1 MeV all three matter

TEST(Reference, a_line_on_free_electrons_with_perfect_resolution) {
    for (const Flavour flavour : {Flavour::e, Flavour::mu}) {
        for (const bool antineutrino : {false, true}) {
            const double E = 0.9;
            const Experiment x = line_experiment(E, flavour, antineutrino);
            for (const Universal& u : {Universal{}, strong}) {
                const std::vector<double> N = reference_signal(x, point(u));
                for (int b = 0; b < 4; ++b) {
                    const double closed = expected(x, ClosedForm(flavour, u.charge, u.radius, u.moment), E, b);
                    // The literal constants above have six digits.
                    EXPECT_NEAR(N[static_cast<std::size_t>(b)] / closed, 1, u.charge == 0 ? 1e-10 : 3e-6) << b;
                }
            }
        }
    }
}

TEST(Reference, a_resolution_that_goes_to_nothing) {
    Experiment x = line_experiment(0.9, Flavour::e, false);
    const std::vector<double> sharp = reference_signal(x, point(strong));
    for (const double sigma : {1e-5, 1e-7, 1e-9}) {
        x.response.constant_term = sigma;
        const std::vector<double> N = reference_signal(x, point(strong));
        for (std::size_t b = 0; b < 4; ++b) {
            EXPECT_NEAR(N[b] / sharp[b], 1, 1e-10 + 1e5 * sigma * sigma) << sigma << " bin " << b;
        }
    }
}

TEST(Reference, resolution_moves_events_between_bins_and_loses_none) {
    Experiment x = line_experiment(0.9, Flavour::e, false);
    x.bin_edges = {-3, 0.1, 0.3, 0.6, 5};
    const auto total = [](const std::vector<double>& N) { return N[0] + N[1] + N[2] + N[3]; };
    const std::vector<double> sharp = reference_signal(x, point(strong));
    x.response.sqrt_term = 0.05;
    x.response.constant_term = 0.01;
    x.response.linear_term = 0.02;
    const std::vector<double> smeared = reference_signal(x, point(strong));
    EXPECT_NEAR(total(smeared) / total(sharp), 1, 1e-10);
    EXPECT_GT(std::abs(smeared[2] / sharp[2] - 1), 1e-3);
}

TEST(Reference, counts_step_at_the_binding_energies) {
    const double E = 0.9;
    Experiment x = line_experiment(E, Flavour::mu, false);
    x.channels[0].atomic = AtomicModel::stepping;
    x.target.shells = {{2, 0.2}, {6, 0.05}, {1.5, 0.003}};
    const ClosedForm form(Flavour::mu, 0, 0, 2e-11);
    const std::vector<double> N = reference_signal(x, point({0, 0, 2e-11}));
    for (int b = 0; b < 4; ++b) {
        EXPECT_NEAR(N[static_cast<std::size_t>(b)] / expected(x, form, E, b), 1, 1e-6);
    }
    // Nothing below the lowest binding energy, even where a bin is open to 0.
    x.bin_edges = {0, 0.003, 0.3, 0.6, 5};
    EXPECT_EQ(reference_signal(x, point(strong))[0], 0);
}

TEST(Reference, free_electrons_count_from_one_electronvolt) {
    Experiment x = line_experiment(0.9, Flavour::mu, false);
    x.bin_edges = {0, 0.1, 0.3, 0.6, 5};
    const ClosedForm form(Flavour::mu, 0, 0, 2e-11);
    const double closed = 2 * x.sources[0].flux * x.target.units * x.live_time * form.integral(0.9, 1, 1e-6, 0.1);
    EXPECT_NEAR(reference_signal(x, point({0, 0, 2e-11}))[0] / closed, 1, 1e-6);
}

TEST(Reference, a_flat_spectrum) {
    Experiment x = line_experiment(1, Flavour::e, true);
    x.sources[0].lines.clear();
    // A flat part and a falling one: φ = 1.25 on [0.5, 1], falling to 0 at 1.6; the integral is 1.
    x.sources[0].spectrum = {{0.5, 1, 1.6}, {1.25, 1.25, 0}};
    const ClosedForm form(Flavour::e, 0, 0, 0);
    const std::vector<double> N = reference_signal(x, point({}));
    for (int b = 0; b < 4; ++b) {
        // The energies at which the end of the recoil spectrum crosses the edges of the bin are kinks.
        std::vector<double> kinks{0.5, 1, 1.6};
        for (const double T :
             {x.bin_edges[static_cast<std::size_t>(b)], x.bin_edges[static_cast<std::size_t>(b) + 1]}) {
            const double E = (T + std::sqrt(T * T + 2 * T * c::electron_mass)) / 2;
            if (E > 0.5 && E < 1.6) {
                kinks.push_back(E);
            }
        }
        std::sort(kinks.begin(), kinks.end());
        double sum = 0;
        for (std::size_t i = 0; i + 1 < kinks.size(); ++i) {
            sum += boost::math::quadrature::gauss<double, 30>::integrate(
                [&](double E) { return (E < 1 ? 1.25 : 1.25 * (1.6 - E) / 0.6) * 1e28 * expected(x, form, E, b); },
                kinks[i], kinks[i + 1]);
        }
        EXPECT_NEAR(N[static_cast<std::size_t>(b)] / (sum / 1e28), 1, 1e-10) << b;
    }
}

TEST(Reference, sources_add_and_lines_share_the_flux) {
    Experiment x = line_experiment(0.9, Flavour::e, false);
    Experiment second = line_experiment(0.7, Flavour::mu, true);
    const std::vector<double> a = reference_signal(x, point(strong)), b = reference_signal(second, point(strong));
    x.sources.push_back(second.sources[0]);
    x.sources[1].flux *= 2;
    const std::vector<double> sum = reference_signal(x, point(strong));
    Experiment shared = line_experiment(0.9, Flavour::e, false);
    shared.sources[0].lines = {{0.9, 0.25}, {0.7, 0.75}};
    Experiment third = line_experiment(0.7, Flavour::e, false);
    const std::vector<double> d = reference_signal(third, point(strong)),
                              mixed = reference_signal(shared, point(strong));
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(sum[i] / (a[i] + 2 * b[i]), 1, 1e-10);
        EXPECT_NEAR(mixed[i] / (0.25 * a[i] + 0.75 * d[i]), 1, 1e-10);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Propagation

TEST(Reference, propagation_decides_the_state) {
    ReferencePoint p = point({});
    const auto signal = [&](Propagation propagation, double baseline) {
        Experiment x = line_experiment(0.9, Flavour::e, false);
        x.sources[0].propagation = propagation;
        x.sources[0].baseline = baseline;
        return reference_signal(x, p)[1];
    };
    // At no distance exact phases are none; over all distances they average to decoherence.
    EXPECT_NEAR(signal(Propagation::exact, 0) / signal(Propagation::short_baseline, 1e5), 1, 1e-12);
    p.mixing.theta13 = 0;
    p.U = reference_mixing_matrix(p.mixing);
    const double period = 4 * c::pi * 0.9 * c::hbar_c / (p.mixing.dm21 * 1e-10); // m: phase 2π
    double mean = 0;
    for (int i = 0; i < 8; ++i) {
        mean += signal(Propagation::exact, period * i / 8) / 8;
    }
    EXPECT_NEAR(mean / signal(Propagation::decohered, 0), 1, 1e-10);
    // A probability, with the cross-sections of ν_e and of the others: sin²2θ12 of the full swing at half the period
    Experiment mu = line_experiment(0.9, Flavour::mu, false);
    const double sigma_e = signal(Propagation::short_baseline, 0), sigma_mu = reference_signal(mu, p)[1];
    const double P = 1 - std::pow(std::sin(2 * p.mixing.theta12), 2);
    EXPECT_NEAR(signal(Propagation::exact, period / 2) / (P * sigma_e + (1 - P) * sigma_mu), 1, 1e-10);
}

// ---------------------------------------------------------------------------------------------------------------------
// Response

//! R(T) of an experiment with a single energy bin
double acceptance_of(const EnergyResponse& response, double T, double low, double high) {
    Experiment x = line_experiment(0.9, Flavour::e, false);
    x.response = response;
    x.bin_edges = {low, high};
    x.counts = {0};
    return reference_acceptance(x, x.channels[0], nullptr, T, 0);
}

TEST(Reference, acceptance_without_efficiency_is_an_error_function) {
    EnergyResponse response;
    response.sqrt_term = 0.01;
    response.constant_term = 0.0005;
    response.linear_term = 0.002;
    for (const bool in_quadrature : {false, true}) {
        response.in_quadrature = in_quadrature;
        for (const double T : {1e-4, 1e-3, 5e-3, 0.02}) {
            const double parts[] = {0.01 * std::sqrt(T), 0.0005, 0.002 * T};
            const double sigma = in_quadrature
                                     ? std::sqrt(parts[0] * parts[0] + parts[1] * parts[1] + parts[2] * parts[2])
                                     : parts[0] + parts[1] + parts[2];
            for (const auto& [low, high] : {std::pair(0.0, 1e-3), {1e-3, 2e-3}, {4e-3, 6e-3}, {0.0, 0.1}}) {
                const double exact =
                    (std::erf((high - T) / (std::sqrt(2) * sigma)) - std::erf((low - T) / (std::sqrt(2) * sigma))) / 2;
                EXPECT_NEAR(acceptance_of(response, T, low, high), exact, 1e-14) << T << " " << low;
                // The same in photoelectrons, with σ in energy
                EnergyResponse scaled = response;
                scaled.light_yield = 2e3;
                EXPECT_NEAR(acceptance_of(scaled, T, 2e3 * low, 2e3 * high), exact, 1e-13);
            }
        }
    }
}

TEST(Reference, efficiency_of_reconstructed_energy_goes_inside) {
    // A linear efficiency under a Gaussian well inside its table gives its value at the mean.
    EnergyResponse response;
    response.constant_term = 1e-3;
    response.efficiency = {{0, 0.1}, {0.2, 0.9}};
    EXPECT_NEAR(acceptance_of(response, 0.04, 0, 0.1), 0.2 + 0.7 * 0.4, 1e-13);
    EXPECT_NEAR(acceptance_of(response, 0.04, 0.04, 0.1), 0.5 * 0.48 + 7 * 1e-3 / std::sqrt(2 * c::pi),
                1e-13); // half, and the mean of the upper half
    response.efficiency_of = EnergyResponse::EfficiencyOf::visible;
    EXPECT_NEAR(acceptance_of(response, 0.04, 0.04, 0.1), 0.5 * 0.48, 1e-13);
    // Zero outside the table
    EXPECT_EQ(acceptance_of(response, 0.11, 0, 0.2), 0);
    response.efficiency_of = EnergyResponse::EfficiencyOf::reconstructed;
    EXPECT_NEAR(acceptance_of(response, 0.1, 0, 1), 0.5 * 0.9 - 7 * 1e-3 / std::sqrt(2 * c::pi), 1e-13);
}

//! An efficiency over the visible energy is in MeV where the bins are in photoelectrons, too
TEST(Reference, efficiency_of_visible_energy_and_of_photoelectrons) {
    EnergyResponse response;
    response.smearing = EnergyResponse::Smearing::poisson;
    response.light_yield = 1000; // per MeV
    response.efficiency = {{0, 0.1}, {0, 1}};
    response.efficiency_of = EnergyResponse::EfficiencyOf::visible;
    EXPECT_NEAR(acceptance_of(response, 0.02, 0, 1000), 0.2, 1e-13);
    response.efficiency_of = EnergyResponse::EfficiencyOf::reconstructed;
    response.efficiency = {{0, 100}, {0, 1}};
    EXPECT_NEAR(acceptance_of(response, 0.02, 0, 100.5), 0.2, 1e-13); // ⟨n⟩/100
}

TEST(Reference, poisson_bins_hold_the_integers_in_them) {
    EnergyResponse response;
    response.smearing = EnergyResponse::Smearing::poisson;
    response.light_yield = 1000;
    const double mu = 3.7;
    const auto P = [&](int n) { return std::pow(mu, n) * std::exp(-mu) / std::tgamma(n + 1); };
    EXPECT_NEAR(acceptance_of(response, mu / 1000, 3, 5), P(3) + P(4), 1e-15);
    EXPECT_NEAR(acceptance_of(response, mu / 1000, 2.5, 4.5), P(3) + P(4), 1e-15);
    EXPECT_NEAR(acceptance_of(response, mu / 1000, 3.1, 4), 0, 1e-15);
    EXPECT_NEAR(acceptance_of(response, mu / 1000, 0, 1), P(0), 1e-15);
    EXPECT_NEAR(acceptance_of(response, mu / 1000, 0, 1000), 1, 1e-14);
    response.efficiency = {{2, 4}, {0, 1}};
    EXPECT_NEAR(acceptance_of(response, mu / 1000, 0, 1000), 0.5 * P(3) + P(4), 1e-15);
}

//! P(x) = (a(1+b))^(1+b)/Γ(1+b) x^b e^{−a(1+b)x}, as COHERENT prints it: a = 1/mean, b ∝ energy
TEST(Reference, gamma_distribution_of_photoelectrons) {
    EnergyResponse response;
    response.smearing = EnergyResponse::Smearing::gamma;
    response.light_yield = 13350;
    response.gamma_shape = 716;
    for (const double E : {1e-4, 5e-4, 2e-3}) {
        const double a = 1 / (13350 * E), b = 716 * E;
        const auto density = [&](double x) {
            return std::pow(a * (1 + b), 1 + b) / std::tgamma(1 + b) * std::pow(x, b) * std::exp(-a * (1 + b) * x);
        };
        const double exact = boost::math::quadrature::gauss<double, 60>::integrate(density, 6.0, 11.0);
        EXPECT_NEAR(acceptance_of(response, E, 6, 11), exact, 1e-13) << E;
        EXPECT_NEAR(acceptance_of(response, E, 0, 1e4), 1, 1e-12);
        // A linear efficiency gives the mean.
        EnergyResponse linear = response;
        linear.efficiency = {{0, 1e5}, {0, 1}};
        EXPECT_NEAR(acceptance_of(linear, E, 0, 1e4) * 1e5 * a, 1, 1e-12);
    }
}

TEST(Reference, response_matrix_is_linear_between_visible_energies) {
    Experiment x = line_experiment(0.9, Flavour::e, false);
    x.response.smearing = EnergyResponse::Smearing::matrix;
    x.response.matrix_x = {0.1, 0.2, 0.4};
    x.response.matrix = {0.1, 0.2, 0.3, 0.4, 0.5, 0.1, 0, 0, 0, 0, 0.2, 0.8};
    const auto R = [&](double T, int b) { return reference_acceptance(x, x.channels[0], nullptr, T, b); };
    EXPECT_NEAR(R(0.1, 2), 0.3, 1e-15);
    EXPECT_NEAR(R(0.125, 0), 0.2, 1e-15);
    EXPECT_NEAR(R(0.35, 3), 0.6, 1e-15);
    EXPECT_EQ(R(0.41, 3), 0);
    EXPECT_EQ(R(0.09, 0), 0);
    x.response.efficiency = {{0, 1}, {0, 1}};
    x.response.efficiency_of = EnergyResponse::EfficiencyOf::visible;
    EXPECT_NEAR(R(0.125, 0), 0.2 * 0.125, 1e-15);
    x.channels[0].efficiency = {{0, 1}, {1, 0}};
    EXPECT_NEAR(R(0.125, 0), 0.2 * 0.125 * 0.875, 1e-15);
}

TEST(Reference, efficiency_in_the_spectrum) {
    // Efficiency ∝ T over flat bins: with C3 and kinks switched off by E → ∞ the magnetic term ∝ 1/T becomes flat.
    Experiment x = line_experiment(1e6, Flavour::mu, false);
    x.response.efficiency = {{0, 0.01, 0.3, 10}, {0, 0, 0.29, 0.29}};
    x.response.efficiency_of = EnergyResponse::EfficiencyOf::visible;
    const std::vector<double> with = reference_signal(x, point({0, 0, 1e-6})); // a moment that dwarfs all else
    const double scale = 2 * 1e13 * 1e28 * 1e7 * 2.494674e-25 * 1e-12;
    // ∫ (T − 0.01)/T dT on [0.01, 0.1] and [0.1, 0.3]; 0.29 ln 2 on [0.3, 0.6]
    EXPECT_NEAR(with[0] / scale / (0.09 - 0.01 * std::log(10.0)), 1, 2e-6);
    EXPECT_NEAR(with[1] / scale / (0.2 - 0.01 * std::log(3.0)), 1, 2e-6);
    EXPECT_NEAR(with[2] / scale / (0.29 * std::log(2.0)), 1, 2e-6);
    x.response.efficiency_of = EnergyResponse::EfficiencyOf::reconstructed; // the same with perfect resolution
    const std::vector<double> reconstructed = reference_signal(x, point({0, 0, 1e-6}));
    for (std::size_t b = 0; b < 4; ++b) {
        EXPECT_NEAR(reconstructed[b] / with[b], 1, 1e-12);
    }
}

TEST(Reference, quadrature_has_converged) {
    Experiment x = line_experiment(0.42, Flavour::e, false);
    x.sources[0].propagation = Propagation::decohered;
    x.sources[0].lines = {{0.3843, 0.1}};
    Table& spectrum = x.sources[0].spectrum;
    for (int i = 0; i <= 84; ++i) {
        const double E = 0.005 * i;
        spectrum.x.push_back(E);
        spectrum.y.push_back(E * E * std::sqrt(std::max(0.0, 0.42 - E)));
    }
    x.target.shells = {{2, 0.0346}, {2, 0.0055}, {6, 0.0048}, {18, 0.0009}, {18, 0.0001}, {8, 1.2e-5}};
    x.channels[0].atomic = AtomicModel::stepping;
    x.response.sqrt_term = 0.33 * std::sqrt(1e-3);
    x.response.efficiency = {{0, 0.001, 0.005, 0.02}, {0, 0.1, 0.9, 0.95}};
    x.bin_edges.clear();
    for (int i = 0; i <= 20; ++i) {
        x.bin_edges.push_back(1e-3 * i);
    }
    x.counts.assign(20, 1);
    const ReferencePoint p = point({2e-13, 1e-32, 1e-11});
    const std::vector<double> usual = reference_signal(x, p), finer = reference_signal(x, p, 1e-14);
    for (std::size_t b = 0; b < 20; ++b) {
        EXPECT_NEAR(usual[b] / finer[b], 1, 1e-11) << b;
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Bound electrons

TEST(Reference, equivalent_photons_replace_the_charge_term_within_their_table) {
    const double E = 0.9;
    Experiment x = line_experiment(E, Flavour::mu, false);
    x.channels[0].atomic = AtomicModel::stepping;
    x.target.shells = {{2, 0.02}, {6, 0.005}};
    x.bin_edges = {0.01, 0.03, 0.06, 0.1, 0.2};
    const Universal charged{2e-12, 1e-32, 1e-11};
    const std::vector<double> stepping = reference_signal(x, point(charged));
    x.channels[0].atomic = AtomicModel::equivalent_photon;
    x.channels[0].photoabsorption = {{0.03, 0.1}, {3e-19, 3e-19}};
    const std::vector<double> photons = reference_signal(x, point(charged));
    EXPECT_NEAR(photons[0] / stepping[0], 1, 1e-10);
    EXPECT_NEAR(photons[3] / stepping[3], 1, 1e-10);
    const double scale = x.sources[0].flux * x.target.units * x.live_time;
    for (int b = 1; b < 3; ++b) {
        const double low = x.bin_edges[static_cast<std::size_t>(b)],
                     high = x.bin_edges[static_cast<std::size_t>(b) + 1];
        // (2α/π) σ_γ ln(E/1 eV) e² ∫ dT/T in place of G_F² m/2π × 8 (κ e/2m)² …/T²
        const double photon = 2 * c::alpha / c::pi * 3e-19 * std::log(E / 1e-6) * 4e-24 * std::log(high / low);
        ClosedForm only(Flavour::mu, 2e-12, 0, 0);
        only.v0 = only.a = 0;
        const double charge = 8 * only.integral(E, 1, low, high);
        EXPECT_NEAR((photons[static_cast<std::size_t>(b)] - stepping[static_cast<std::size_t>(b)]) /
                        (scale * (photon - charge)),
                    1, 1e-9);
    }
}

//! Photons that are absorbed less than charges scatter on free electrons change nothing
TEST(Reference, equivalent_photons_stand_where_they_give_more) {
    Experiment x = line_experiment(0.9, Flavour::mu, false);
    x.channels[0].atomic = AtomicModel::stepping;
    x.target.shells = {{8, 0.005}};
    x.bin_edges = {0.03, 0.05, 0.1};
    x.counts.assign(2, 1);
    const ReferencePoint p = point({2e-12, 1e-32, 1e-11});
    const std::vector<double> stepping = reference_signal(x, p);
    x.channels[0].atomic = AtomicModel::equivalent_photon;
    x.channels[0].photoabsorption = {{0.03, 0.05, 0.0500001, 0.1}, {2e-23, 2e-23, 3e-19, 3e-19}};
    const std::vector<double> photons = reference_signal(x, p);
    EXPECT_NEAR(photons[0] / stepping[0], 1, 1e-12);
    EXPECT_GT(photons[1], 1.5 * stepping[1]);
}

TEST(Reference, the_interference_may_be_left_out) {
    Experiment x = line_experiment(0.9, Flavour::mu, false);
    const auto signal = [&](const Universal& u) { return reference_signal(x, point(u))[1]; };
    const double weak = signal({0, 1e-32, 0}), plus = signal({1e-11, 1e-32, 0}), minus = signal({-1e-11, 1e-32, 0});
    EXPECT_GT(std::abs(plus - minus), 0.1 * weak);
    x.channels[0].charge_interferes = false;
    EXPECT_NEAR(signal({1e-11, 1e-32, 0}) / ((plus + minus) / 2), 1, 1e-10);
    EXPECT_NEAR(signal({-1e-11, 1e-32, 0}) / ((plus + minus) / 2), 1, 1e-10);
    EXPECT_NEAR(signal({0, 1e-32, 0}) / weak, 1, 1e-12);
}

//! A correction above 1 has its root on the interference: the geometric mean with |charge|², which it does not touch
TEST(Reference, corrections_above_1_bound_the_interference) {
    Experiment x = line_experiment(0.9, Flavour::mu, false);
    const auto signal = [&](const Universal& u) { return reference_signal(x, point(u))[1]; };
    const double weak = signal({}), plus = signal({1e-11, 0, 0}), minus = signal({-1e-11, 0, 0});
    const double interference = (plus - minus) / 2, square = (plus + minus) / 2 - weak;
    x.channels[0].weak_correction = {{0.05, 0.5}, {9, 9}};
    EXPECT_NEAR(signal({1e-11, 0, 0}) / (9 * weak + 3 * interference + square), 1, 1e-9);
}

TEST(Reference, corrections_scale_the_weak_and_the_magnetic_term) {
    Experiment x = line_experiment(0.9, Flavour::mu, false);
    const auto signal = [&](const Universal& u) { return reference_signal(x, point(u))[1]; };
    const double weak = signal({}), both = signal({0, 0, 1e-10}), charge = signal({-1e-11, 0, 0});
    x.channels[0].weak_correction = {{0.05, 0.5}, {0.4, 0.4}};
    EXPECT_NEAR(signal({}) / weak, 0.4, 1e-10);
    EXPECT_NEAR(signal({0, 0, 1e-10}) / (both - 0.6 * weak), 1, 1e-10);
    // The interference, ∝ e, is scaled with the weak term, and the term ∝ e² is not.
    const double opposite = reference_signal(line_experiment(0.9, Flavour::mu, false), point({1e-11, 0, 0}))[1];
    const double interference = (charge - opposite) / 2, square = (charge + opposite) / 2 - weak;
    EXPECT_NEAR(signal({-1e-11, 0, 0}) / (0.4 * (weak + interference) + square), 1, 1e-9);
    x.channels[0].magnetic_correction = {{0.05, 0.5}, {0.7, 0.7}};
    EXPECT_NEAR(signal({0, 0, 1e-10}) / (0.4 * weak + 0.7 * (both - weak)), 1, 1e-10);
}

// ---------------------------------------------------------------------------------------------------------------------
// Nuclei

//! A line on one point-like nuclide, every recoil seen
Experiment nuclear_experiment(double E, Flavour flavour, bool antineutrino) {
    Experiment x = line_experiment(E, flavour, antineutrino);
    x.channels = {nuclear_channel(NuclearFormFactor::unity, false)};
    x.target.nuclides = {{{"Ar40", 18, 40, 37215.5, 1, 0, 3.448, 3.55, ""}, 1}};
    x.bin_edges = {1e-3, 5e-3, 0.02, 0.04, 1};
    return x;
}

//! ∫_low^high dσ/dT dT on a point-like nucleus with form factors ∝ 1: C_V = (w0 + w1/T)²
double nuclear_integral(const Nuclide& nuclide, const Universal& u, double E, double low, double high) {
    const double M = nuclide.mass, Z = nuclide.Z, N = nuclide.A - Z;
    high = std::min(high, 2 * E * E / (M + 2 * E));
    if (high <= low) {
        return 0;
    }
    const double kappa = 2 * std::sqrt(2.0) * c::pi * c::alpha / c::fermi;
    const double w0 = Z * (0.5 - 2 * c::sin2_theta_w - kappa * u.radius / (6 * c::hbar_c * c::hbar_c)) - N / 2;
    const double w1 = Z * kappa * u.charge / (2 * M);
    const double kernel[2] = {1, -1 / E - M / (2 * E * E)};
    double weak = 0;
    for (int p = 0; p < 2; ++p) {
        weak += kernel[p] * (w0 * w0 * power_integral(p, low, high) + 2 * w0 * w1 * power_integral(p - 1, low, high) +
                             w1 * w1 * power_integral(p - 2, low, high));
    }
    const double magnetic =
        power_integral(-1, low, high) - (high - low) / E + power_integral(1, low, high) / (4 * E * E);
    return std::pow(c::fermi * c::hbar_c, 2) * M / c::pi * weak +
           c::magnetic_cross_section * u.moment * u.moment * Z * Z * magnetic;
}

constexpr Universal strong_on_nuclei{3e-9, -4e-32, 2e-9}; // at 10 keV all three matter

TEST(Reference, a_line_on_a_point_like_nucleus) {
    for (const bool antineutrino : {false, true}) {
        for (const Universal& u : {Universal{}, strong_on_nuclei}) {
            const double E = 30;
            const Experiment x = nuclear_experiment(E, Flavour::mu, antineutrino);
            const std::vector<double> N = reference_signal(x, point(u));
            for (std::size_t b = 0; b < 4; ++b) {
                const double closed =
                    x.sources[0].flux * x.target.units * x.live_time *
                    nuclear_integral(x.target.nuclides[0].nuclide, u, E, x.bin_edges[b], x.bin_edges[b + 1]);
                EXPECT_NEAR(N[b] / closed, 1, 1e-10) << b;
            }
        }
    }
}

TEST(Reference, mixtures_add_and_channels_do) {
    Experiment x = nuclear_experiment(30, Flavour::e, false);
    x.channels[0].form_factor = NuclearFormFactor::helm;
    const std::vector<double> argon = reference_signal(x, point(strong_on_nuclei));
    const TargetNuclide caesium{{"Cs133", 55, 133, 123801.6, 1, 3.5, 4.821, 5.09, ""}, 1};
    Experiment other = x;
    other.target.nuclides = {caesium};
    const std::vector<double> heavy = reference_signal(other, point(strong_on_nuclei));
    Experiment mixture = x;
    mixture.target.nuclides = {x.target.nuclides[0], caesium};
    mixture.target.nuclides[0].number = 0.25;
    mixture.target.nuclides[1].number = 2;
    mixture.channels.push_back(line_experiment(30, Flavour::e, false).channels[0]);
    Experiment electrons = line_experiment(30, Flavour::e, false);
    electrons.bin_edges = x.bin_edges;
    const std::vector<double> light = reference_signal(electrons, point(strong_on_nuclei)),
                              sum = reference_signal(mixture, point(strong_on_nuclei));
    for (std::size_t b = 0; b < 4; ++b) {
        EXPECT_NEAR(sum[b] / (0.25 * argon[b] + 2 * heavy[b] + light[b]), 1, 1e-10);
    }
    EXPECT_GT(argon[2], 0);
}

TEST(Reference, nuclei_count_from_one_electronvolt) {
    Experiment x = nuclear_experiment(30, Flavour::e, false);
    x.bin_edges[0] = 0;
    const double closed = x.sources[0].flux * x.target.units * x.live_time *
                          nuclear_integral(x.target.nuclides[0].nuclide, strong_on_nuclei, 30, 1e-6, 5e-3);
    EXPECT_NEAR(reference_signal(x, point(strong_on_nuclei))[0] / closed, 1, 1e-10);
}

//! Bins in visible energy whose edges are those of bins in recoil energy hold the same counts.
TEST(Reference, quenching_moves_the_edges_of_bins) {
    Experiment x = nuclear_experiment(30, Flavour::mu, false);
    const std::vector<double> recoil_edges = x.bin_edges;
    const std::vector<double> N = reference_signal(x, point(strong_on_nuclei));
    std::vector<Quenching> all(4);
    all[0].model = all[1].model = Quenching::Model::lindhard;
    all[1].lindhard_k = 0.157;
    all[2].model = Quenching::Model::polynomial;
    all[2].coefficients = {0.05, 3, -20};
    all[3].model = Quenching::Model::table;
    all[3].factor = {{0, 2e-3, 0.03, 2}, {0.1, 0.15, 0.25, 0.3}};
    for (const Quenching& quenching : all) {
        x.channels[0].quenching = quenching;
        const Nuclide& nuclide = x.target.nuclides[0].nuclide;
        for (std::size_t b = 0; b < 5; ++b) {
            x.bin_edges[b] = reference_visible_energy(quenching, &nuclide, std::min(recoil_edges[b], 0.06));
        }
        const std::vector<double> quenched = reference_signal(x, point(strong_on_nuclei));
        for (std::size_t b = 0; b < 4; ++b) {
            EXPECT_NEAR(quenched[b] / N[b], 1, 1e-9) << b << " model " << static_cast<int>(quenching.model);
        }
    }
}

TEST(Reference, quenching_models) {
    const Nuclide germanium{"Ge73", 32, 73, 67926.4, 1, 4.5, 4.05, 4.10, ""};
    Quenching q;
    EXPECT_EQ(reference_visible_energy(q, nullptr, 0.3), 0.3);
    q.model = Quenching::Model::lindhard;
    // k = 0.133 Z^(2/3) A^(−1/2) = 0.157; 17 % at 1 keV
    const double own = reference_visible_energy(q, &germanium, 1e-3);
    q.lindhard_k = 0.157;
    EXPECT_NEAR(own / reference_visible_energy(q, &germanium, 1e-3), 1, 3e-3);
    EXPECT_NEAR(own, 0.171e-3, 0.001e-3);
    q.model = Quenching::Model::polynomial;
    q.coefficients = {0.0554628, 4.30681, -111.707, 840.384}; // CsI of COHERENT 2021, c_n T^n from n = 1
    EXPECT_NEAR(reference_visible_energy(q, nullptr, 0.02),
                0.0554628 * 0.02 + 4.30681 * 4e-4 - 111.707 * 8e-6 + 840.384 * 16e-8, 1e-15);
    q.model = Quenching::Model::table;
    q.factor = {{1e-3, 3e-3}, {0.1, 0.3}};
    EXPECT_NEAR(reference_visible_energy(q, nullptr, 2e-3), 0.4e-3, 1e-18);
    EXPECT_EQ(reference_visible_energy(q, nullptr, 4e-3), 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// Time and further variables

//! Pulsed from 1 to 4 µs, rising then flat: ∫ = 1
Table pulse() { return {{1e-6, 2e-6, 4e-6}, {0, 0.4e6, 0.4e6}}; }

TEST(Reference, counts_are_shared_out_in_time) {
    Experiment x = line_experiment(0.9, Flavour::e, false);
    const std::vector<double> total = reference_signal(x, point(strong));
    x.further = {{"time", {0, 1.5e-6, 3e-6, 6e-6}}};
    x.counts.assign(12, 1);
    x.sources[0].arrival = pulse();
    const double shares[] = {0.05, 0.55, 0.4};
    std::vector<double> N = reference_signal(x, point(strong));
    for (std::size_t b = 0; b < 12; ++b) {
        EXPECT_NEAR(N[b] / (total[b / 3] * shares[b % 3]), 1, 1e-12);
    }
    // An efficiency over time: linear, 1 − t/6 µs; ∫ 0.4 (t − 1)(1 − t/6) over [1, 1.5] and so on
    x.response.time_efficiency = {{0, 6e-6}, {1, 0}};
    const auto rising = [](double t) { return 0.4 * (-t + 7.0 / 12 * t * t - t * t * t / 18); };
    const auto flat = [](double t) { return 0.4 * (t - t * t / 12); };
    const double seen[] = {rising(1.5) - rising(1), rising(2) - rising(1.5) + flat(3) - flat(2), flat(4) - flat(3)};
    N = reference_signal(x, point(strong));
    for (std::size_t b = 0; b < 12; ++b) {
        EXPECT_NEAR(N[b] / (total[b / 3] * seen[b % 3]), 1, 1e-12);
    }
    // Not pulsed: evenly over the window
    x.sources[0].arrival = {};
    x.response.time_efficiency = {};
    N = reference_signal(x, point(strong));
    const double even[] = {0.25, 0.25, 0.5};
    for (std::size_t b = 0; b < 12; ++b) {
        EXPECT_NEAR(N[b] / (total[b / 3] * even[b % 3]), 1, 1e-12);
    }
}

TEST(Reference, further_variables_have_shares_by_energy_bin) {
    Experiment x = line_experiment(0.9, Flavour::e, false);
    const std::vector<double> total = reference_signal(x, point(strong));
    x.further = {{"time", {0, 2e-6, 6e-6}}, {"F90", {0.5, 0.6, 0.8, 1}}};
    x.counts.assign(24, 1);
    x.sources[0].arrival = pulse();
    const double in_time[] = {0.2, 0.8};
    x.channels[0].shares = {{}, {0.1, 0.2, 0.7, 0.3, 0.3, 0.3, 0, 0.5, 0.4, 1, 0, 0}};
    std::vector<double> N = reference_signal(x, point(strong));
    for (std::size_t b = 0; b < 24; ++b) {
        const std::size_t e = b / 6, t = b / 3 % 2, f = b % 3;
        EXPECT_NEAR(N[b], total[e] * in_time[t] * x.channels[0].shares[1][3 * e + f], 1e-12 * total[e]);
    }
    x.channels[0].shares.clear();
    const double even[] = {0.2, 0.4, 0.4};
    N = reference_signal(x, point(strong));
    for (std::size_t b = 0; b < 24; ++b) {
        EXPECT_NEAR(N[b], total[b / 6] * in_time[b / 3 % 2] * even[b % 3], 1e-12 * total[b / 6]);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Slow parameters

TEST(Reference, the_Sun_without_electrons_is_decoherence) {
    Experiment x = line_experiment(0.9, Flavour::e, false);
    x.sources[0].propagation = Propagation::decohered;
    const std::vector<double> decohered = reference_signal(x, point(strong));
    x.sources[0].propagation = Propagation::solar;
    x.sources[0].zones = {{0, 0.3}, {0, 0.7}};
    const std::vector<double> vacuum = reference_signal(x, point(strong));
    x.sources[0].zones = {{90, 1}};
    const std::vector<double> sun = reference_signal(x, point(strong));
    for (std::size_t b = 0; b < 4; ++b) {
        EXPECT_NEAR(vacuum[b] / decohered[b], 1, 1e-12);
    }
    EXPECT_GT(std::abs(sun[2] / vacuum[2] - 1), 1e-3);
}

TEST(Reference, baselines_and_radii_of_a_point) {
    Parameter baseline, R_p, R_n;
    baseline.kind = Parameter::Kind::baseline;
    baseline.experiment = "line";
    R_p.kind = Parameter::Kind::proton_radius;
    R_n.kind = Parameter::Kind::neutron_radius;
    R_p.nuclide = R_n.nuclide = "Ar40";
    Experiment x = nuclear_experiment(30, Flavour::mu, false);
    x.channels[0].form_factor = NuclearFormFactor::helm;
    x.sources.push_back(x.sources[0]);
    x.sources[0].propagation = Propagation::exact;
    x.sources[0].baseline = 2e3;
    x.sources[0].flux_follows_baseline = true;
    const auto at = [](const std::vector<FixedParameter>& given) {
        return reference_point(NeutrinoConfig{}, given, {});
    };
    Experiment set = x;
    set.sources[0].baseline = 8e3;
    set.sources[0].flux /= 16;
    set.target.nuclides[0].nuclide.proton_radius = 3.3;
    set.target.nuclides[0].nuclide.neutron_radius = 3.7;
    const std::vector<double> N = reference_signal(x, at({{baseline, 8e3}, {R_p, 3.3}, {R_n, 3.7}})),
                              expected = reference_signal(set, at({})), before = reference_signal(x, at({}));
    for (std::size_t b = 0; b < 3; ++b) {
        EXPECT_EQ(N[b], expected[b]);
        EXPECT_GT(std::abs(N[b] / before[b] - 1), 1e-3);
    }
    // The second source has no baseline, another experiment its own.
    EXPECT_EQ(reference_experiment(x, at({{baseline, 8e3}})).sources[1].flux, x.sources[1].flux);
    x.name = "another";
    EXPECT_EQ(reference_experiment(x, at({{baseline, 8e3}})).sources[0].baseline, 2e3);
    // As the scan sets them
    std::vector<Experiment> experiments{line_experiment(30, Flavour::mu, false)};
    experiments[0].sources[0] = set.sources[0];
    EXPECT_EQ(reference_experiment(experiments[0], at({{baseline, 5e3}})).sources[0].flux,
              set.sources[0].flux * std::pow(8.0 / 5, 2));
}

// ---------------------------------------------------------------------------------------------------------------------
// Parameters

TEST(Reference, parameters_fill_Hermitian_matrices) {
    const auto element = [](FormFactor form_factor, Parameter::Part part, int row, int column) {
        Parameter p;
        p.form_factor = form_factor;
        p.part = part;
        p.row = row;
        p.column = column;
        return p;
    };
    using Part = Parameter::Part;
    NeutrinoConfig neutrino;
    neutrino.basis = Basis::mass;
    const std::vector<FixedParameter> fixed{{element(FormFactor::anapole, Part::abs, 0, 2), 2e-33},
                                            {element(FormFactor::anapole, Part::diagonal, 1, 1), 5e-33}};
    const ReferencePoint p = reference_point(neutrino, fixed,
                                             {{universal(FormFactor::charge), 1e-12},
                                              {element(FormFactor::charge, Part::re, 0, 1), 2e-12},
                                              {element(FormFactor::charge, Part::im, 0, 1), 3e-12},
                                              {element(FormFactor::anapole, Part::arg, 0, 2), 0.5}});
    Matrix3cd charge = 1e-12 * Matrix3cd::Identity();
    charge(0, 1) = {2e-12, 3e-12};
    charge(1, 0) = {2e-12, -3e-12};
    EXPECT_LE((p.charge - charge).norm(), 1e-26);
    Matrix3cd anapole = Matrix3cd::Zero();
    anapole(1, 1) = 5e-33;
    anapole(0, 2) = std::polar(2e-33, 0.5);
    anapole(2, 0) = std::polar(2e-33, -0.5);
    EXPECT_LE((p.anapole - anapole).norm(), 1e-47);
    EXPECT_EQ(p.charge_radius.norm() + p.magnetic.norm() + p.electric.norm(), 0);

    neutrino.basis = Basis::flavour;
    const ReferencePoint q = reference_point(neutrino, {{element(FormFactor::charge, Part::re, 0, 1), 1}}, {});
    const Matrix3cd flavour = q.U * q.charge * q.U.adjoint();
    EXPECT_NEAR(flavour(0, 1).real(), 1, 1e-14);
    EXPECT_NEAR(flavour.norm(), std::sqrt(2.0), 1e-14);

    Parameter theta23, sin2;
    theta23.kind = Parameter::Kind::mixing;
    theta23.mixing = Parameter::MixingName::theta23;
    sin2.kind = Parameter::Kind::sin2_theta_w;
    const ReferencePoint r = reference_point(neutrino, {{theta23, 0.1}}, {{theta23, 0.6}, {sin2, 0.25}});
    EXPECT_EQ(r.mixing.theta23, 0.6);
    EXPECT_EQ(r.sin2_theta_w, 0.25);
    EXPECT_LE((r.U - reference_mixing_matrix(r.mixing)).norm(), 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// χ²

//! A scan of one background's normalisation in the line experiment
ScanConfig background_scan(double sigma, bool includes_solar) {
    ScanConfig config;
    Experiment x = line_experiment(0.9, Flavour::e, false);
    x.sources[0].flux = 3e9; // tens of counts
    x.sources[0].propagation = Propagation::solar;
    x.sources[0].zones = {{81.5, 1}};
    x.counts = {20, 31, 9, 0};
    x.backgrounds = {{"flat", {30, 30, 30, 5}, includes_solar, sigma}, {"fixed", {1, 2, 3, 1}, false, 0}};
    config.experiments = {x};
    return config;
}

double baker_cousins(const std::vector<double>& N, const std::vector<double>& n) {
    double chi2 = 0;
    for (std::size_t b = 0; b < n.size(); ++b) {
        chi2 += 2 * (N[b] - n[b] + (n[b] > 0 ? n[b] * std::log(n[b] / N[b]) : 0));
    }
    return chi2;
}

TEST(ReferenceModel, the_solar_part_is_in_the_background_only_once) {
    ScanConfig config = background_scan(0, true);
    const ReferenceResult result = ReferenceModel(config)({});
    EXPECT_NEAR(result.chi2, baker_cousins({31, 32, 33, 6}, config.experiments[0].counts), 1e-9);
    // Where the background is smaller than that signal nothing is left, not less.
    config.experiments[0].backgrounds[0].counts[1] = 1e-3;
    EXPECT_EQ(ReferenceModel(config).backgrounds()[0][0][1], 0);
    EXPECT_GT(ReferenceModel(config).backgrounds()[0][0][0], 0);
    config = background_scan(0, true);
    // What is taken out is the standard signal whatever the scan's own mixing and sin²θ_W are.
    config.neutrino.mixing.theta12 = 0.3;
    config.neutrino.sin2_theta_w = 0.2;
    const ReferenceModel other(config);
    const ReferenceModel standard(background_scan(0, true));
    EXPECT_EQ(other.backgrounds()[0][0], standard.backgrounds()[0][0]);
    EXPECT_GT(std::abs(other({}).chi2 - result.chi2), 1e-3);
    // Inverted ordering has a default mixing of its own.
    config = background_scan(0, true);
    config.neutrino.inverted_ordering = true;
    EXPECT_NE(ReferenceModel(config).backgrounds()[0][0][0], standard.backgrounds()[0][0][0]);
}

//! What is taken out has the couplings of the experiment, in either charge-radius mode
TEST(ReferenceModel, the_solar_part_has_the_couplings_of_the_experiment) {
    ScanConfig tree = background_scan(0, true), radiative = tree;
    radiative.experiments[0].couplings = CouplingScheme::radiative;
    ScanConfig total = radiative;
    total.neutrino.charge_radius_mode = ChargeRadiusMode::total;
    const ReferenceModel a(tree), b(radiative), d(total);
    EXPECT_NE(a.backgrounds()[0][0], b.backgrounds()[0][0]);
    EXPECT_EQ(b.backgrounds()[0][0], d.backgrounds()[0][0]);
    for (const ReferenceModel* model : {&a, &b, &d}) { // and so the standard prediction is the published background
        EXPECT_NEAR((*model)({}).chi2, baker_cousins({31, 32, 33, 6}, tree.experiments[0].counts), 1e-9);
    }
}

TEST(ReferenceModel, pulls_are_profiled_and_axes_scale_backgrounds) {
    const ScanConfig fitted = background_scan(0.2, false);
    const ReferenceModel model(fitted);
    const ReferenceResult best = model({});
    const double y = best.normalisations[0][0];
    EXPECT_NE(y, 1);
    EXPECT_EQ(best.normalisations[0][1], 1);
    std::vector<double> N = best.signal[0];
    for (std::size_t b = 0; b < 4; ++b) {
        N[b] += y * fitted.experiments[0].backgrounds[0].counts[b] + fitted.experiments[0].backgrounds[1].counts[b];
    }
    const double chi2 = baker_cousins(N, fitted.experiments[0].counts) + std::pow((y - 1) / 0.2, 2);
    EXPECT_NEAR(best.chi2, chi2, 1e-10);

    // The same normalisation by an axis: equal at the minimum, prior included, and larger beside it.
    ScanConfig scanned = background_scan(0.2, false);
    Axis axis;
    axis.parameter.kind = Parameter::Kind::normalisation;
    axis.parameter.experiment = "line";
    axis.parameter.background = "flat";
    axis.values = {y};
    scanned.axes = {axis};
    const ReferenceModel by_axis(scanned);
    EXPECT_NEAR(by_axis({y}).chi2, chi2, 1e-10);
    EXPECT_GT(by_axis({y + 0.01}).chi2, chi2);
    EXPECT_GT(by_axis({y - 0.01}).chi2, chi2);
    // One that the scan file fixes has none: it is not a parameter of the fit.
    ScanConfig given = background_scan(0.2, false);
    given.fixed = {{axis.parameter, y}};
    EXPECT_NEAR(ReferenceModel(given)({}).chi2, baker_cousins(N, fitted.experiments[0].counts), 1e-10);
    // A free normalisation has none, either.
    scanned.experiments[0].backgrounds[0].sigma = std::numeric_limits<double>::infinity();
    EXPECT_NEAR(ReferenceModel(scanned)({y}).chi2, baker_cousins(N, fitted.experiments[0].counts), 1e-10);
}

TEST(ReferenceModel, normalisation_at_its_bound) {
    ScanConfig config = background_scan(10, false);
    config.experiments[0].sources[0].flux *= 100;
    const ReferenceResult result = ReferenceModel(config)({});
    EXPECT_EQ(result.normalisations[0][0], 0);
    EXPECT_EQ(result.status, PointStatus::ok);
}

} // namespace
} // namespace nuscan::testing
