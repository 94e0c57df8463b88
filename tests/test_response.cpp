// SPDX-License-Identifier: Apache-2.0
// Quadrature nodes, quenching, acceptance, shares and moments against closed forms and adaptive quadrature.
#include <gtest/gtest.h>
#include <omp.h>

#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <functional>
#include <numeric>

#include "config/error.hpp"
#include "experiments/axial_structure.hpp"
#include "experiments/quenching.hpp"
#include "nuscan/kernel_expansion.hpp"
#include "nuscan/prediction.hpp"
#include "response/acceptance.hpp"
#include "response/bin_shares.hpp"
#include "response/energy_panels.hpp"
#include "response/moments.hpp"
#include "response/quadrature.hpp"
#include "response/recoil_nodes.hpp"
#include "sanitized.hpp"
#include "toy_experiment.hpp"

namespace nuscan {
namespace {

using testing::toy_experiment;
using Smearing = EnergyResponse::Smearing;

// ---- targets, channels and experiments ---------------------------------------------------------------------------

Nuclide nuclide(const std::string& name, int Z, int A, double spin = 0, double R_p = 0, double R_n = 0) {
    Nuclide x{};
    x.name = name;
    x.Z = Z;
    x.A = A;
    x.mass = 931.494 * A - 0.511 * Z - 8 * A;
    x.abundance = 1;
    x.spin = spin;
    x.proton_radius = R_p > 0 ? R_p : 1.2 * std::cbrt(A) * std::sqrt(0.6) + 0.3;
    x.neutron_radius = R_n > 0 ? R_n : x.proton_radius + 0.1;
    return x;
}

Channel nuclear_channel() {
    Channel c;
    c.name = "nucleus";
    c.target = Target::nucleus;
    return c;
}

//! A spectrum of \p n knots with the shape f between two energies [MeV]
Source continuous(const std::string& name, double low, double high, int n, double flux,
                  const std::function<double(double)>& f) {
    Source s;
    s.name = name;
    s.flux = flux;
    for (int i = 0; i < n; ++i) {
        s.spectrum.x.push_back(low + (high - low) * i / (n - 1));
        s.spectrum.y.push_back(f(s.spectrum.x.back()));
    }
    return s;
}

//! Neutrinos of pions at rest: a line and two continua
std::vector<Source> stopped_pions() {
    const double m = constants::muon_mass;
    Source prompt;
    prompt.name = "prompt";
    prompt.flavour = Flavour::mu;
    prompt.flux = 4e7;
    prompt.lines = {{29.79, 1}};
    Source electron =
        continuous("e", 0, m / 2, 9, 4e7, [&](double E) { return 192 / m * E * E / (m * m) * (0.5 - E / m); });
    Source muon =
        continuous("mu-bar", 0, m / 2, 9, 4e7, [&](double E) { return 64 / m * E * E / (m * m) * (0.75 - E / m); });
    muon.flavour = Flavour::mu;
    muon.antineutrino = true;
    return {prompt, electron, muon};
}

Experiment bare_experiment(const std::string& name, std::vector<Source> sources, std::vector<TargetNuclide> nuclides,
                           std::vector<double> edges) {
    Experiment x;
    x.name = name;
    x.sources = std::move(sources);
    x.target.units = 1e26;
    x.target.nuclides = std::move(nuclides);
    x.channels = {nuclear_channel()};
    x.live_time = 1e7;
    x.bin_edges = std::move(edges);
    x.counts.assign(x.bin_edges.size() - 1, 0);
    return x;
}

//! Photoelectrons with a gamma distribution, a polynomial quenching and an efficiency over photoelectrons
Experiment caesium_iodide() {
    Experiment x = bare_experiment(
        "CsI", stopped_pions(),
        {{nuclide("Cs133", 55, 133, 3.5, 4.821, 5.09), 1}, {nuclide("I127", 53, 127, 2.5, 4.766, 5.03), 1}},
        {8, 12, 20, 32, 60});
    x.channels[0].quenching = {Quenching::Model::polynomial, 0, {0.0554628, 4.30681, -111.707, 840.384}, {}};
    x.channels[0].axial = true;
    x.response.smearing = Smearing::gamma;
    x.response.light_yield = 13350;
    x.response.gamma_shape = 9560;
    x.response.efficiency = {{6, 9.5, 14, 30, 60}, {0.02, 0.2, 0.4, 0.6, 0.62}};
    return x;
}

Experiment poisson_xenon() {
    const auto boron = [](double E) { return E * E * std::pow(15.5 - E, 2) * (1 + 0.1 * E); };
    Source solar = continuous("8B", 0.1, 15.5, 8, 5e6, boron);
    static const std::vector<ProductionZone> zones{{92.5, 0.7}, {70, 0.3}};
    solar.propagation = Propagation::solar;
    solar.zones = zones;
    Experiment x = bare_experiment("Xe", {solar}, {{nuclide("Xe132", 54, 132), 1}}, {1, 2, 3.5, 5, 20});
    x.channels[0].quenching.model = Quenching::Model::lindhard;
    x.response.smearing = Smearing::poisson;
    x.response.light_yield = 5e3;
    x.response.efficiency = {{1, 2.5, 6}, {0.1, 0.5, 0.9}};
    return x;
}

Experiment germanium() {
    const auto huber = [](double E) { return std::exp(1.2 - 0.7 * E - 0.05 * E * E); };
    Source reactor = continuous("reactor", 1.5, 9, 7, 4.8e13, huber);
    reactor.antineutrino = true;
    Experiment x = bare_experiment("Ge", {reactor}, {{nuclide("Ge74", 32, 74), 1}}, {2e-4, 3e-4, 4e-4, 9e-4});
    x.channels[0].quenching.model = Quenching::Model::lindhard;
    x.channels[0].quenching.lindhard_k = 0.162;
    x.channels[0].form_factor = NuclearFormFactor::klein_nystrand;
    x.channels[0].efficiency = {{0, 1e-3, 4e-3}, {0.5, 0.9, 1}};
    x.response.constant_term = 68.5e-6;
    x.response.sqrt_term = std::sqrt(0.11 * 2.96e-6);
    x.response.in_quadrature = true;
    return x;
}

//! Energies in keVee with a tabulated quenching factor
Experiment argon() {
    Experiment x = bare_experiment("Ar", stopped_pions(), {{nuclide("Ar40", 18, 40, 0, 3.448, 3.55), 1}},
                                   {0, 5e-3, 10e-3, 20e-3, 40e-3});
    x.channels[0].quenching.model = Quenching::Model::table;
    x.channels[0].quenching.factor = {{0, 0.02, 0.06, 0.2}, {0.22, 0.26, 0.29, 0.4}};
    x.channels[0].form_factor = NuclearFormFactor::symmetrised_fermi;
    x.response.sqrt_term = 0.58 * std::sqrt(1e-3);
    x.response.efficiency = {{0, 3e-3, 9e-3, 40e-3}, {0, 0.1, 0.7, 0.9}};
    return x;
}

Experiment equivalent_photons() {
    Experiment x = toy_experiment();
    Channel& c = x.channels[0];
    c.atomic = AtomicModel::equivalent_photon;
    c.photoabsorption = {{4e-5, 2e-4, 2.001e-4, 5.1e-3, 5.101e-3, 15e-3}, {3e-18, 2e-19, 9e-19, 1e-21, 8e-21, 4e-22}};
    c.weak_correction = {{1e-3, 4e-3, 12e-3}, {0.7, 1.4, 0.95}};
    c.magnetic_correction = {{5e-4, 6e-3}, {0.8, 0.95}};
    x.bin_edges = {1e-4, 1e-3, 3e-3, 6e-3, 19e-3};
    x.response.efficiency = {};
    return x;
}

// ---- an integral that shares no node with the code ---------------------------------------------------------------

//! ∫ between the first and the last limit, to a relative tolerance of ∫ |f|
double adaptive(const std::function<double(double)>& f, std::vector<double> limits, double tolerance) {
    using Rule = boost::math::quadrature::gauss_kronrod<double, 31>;
    std::sort(limits.begin(), limits.end());
    double allowed = 0; // error, all intervals together
    for (std::size_t i = 0; i + 1 < limits.size(); ++i) {
        double size = 0;
        Rule::integrate(f, limits[i], limits[i + 1], 0, 0., nullptr, &size);
        allowed += tolerance * size;
    }
    const std::function<double(double, double, int)> halve = [&](double a, double b, int depth) {
        double error = 0;
        const double estimate = Rule::integrate(f, a, b, 0, 0., &error);
        const double middle = (a + b) / 2;
        return depth == 0 || error <= allowed ? estimate : halve(a, middle, depth - 1) + halve(middle, b, depth - 1);
    };
    double sum = 0;
    for (std::size_t i = 0; i + 1 < limits.size(); ++i) {
        sum += limits[i] < limits[i + 1] ? halve(limits[i], limits[i + 1], 15) : 0;
    }
    return sum;
}

/// Moment of feature m, component c of a contribution in an energy bin, by nested adaptive quadrature.
double adaptive_moment(const Experiment& experiment, std::size_t from, const Scatterer& which, const Mixing& mixing,
                       int m, int c, std::size_t bin) {
    const Source& source = experiment.sources[from];
    const Channel& channel = experiment.channels[which.channel];
    const TargetNuclide* target =
        which.nuclide < 0 ? nullptr : &experiment.target.nuclides[static_cast<std::size_t>(which.nuclide)];
    const Nuclide* body = target == nullptr ? nullptr : &target->nuclide;
    const double M = body == nullptr ? constants::electron_mass : body->mass;
    const double s = source.antineutrino ? -1 : 1;
    const double g_n = neutron_vector_coupling(experiment.couplings);

    const auto kernel = [&](double T) -> std::function<double(double)> {
        if (body == nullptr) {
            BoundElectrons atom{0};
            for (const Shell& shell : experiment.target.shells) {
                atom.electrons += T > shell.binding_energy ? shell.electrons : 0;
            }
            const auto read = [&](const Table& t, double outside) {
                for (std::size_t i = 0; i + 1 < t.x.size(); ++i) {
                    if (T >= t.x[i] && T <= t.x[i + 1]) {
                        return t.y[i] + (t.y[i + 1] - t.y[i]) * (T - t.x[i]) / (t.x[i + 1] - t.x[i]);
                    }
                }
                return outside;
            };
            atom.electrons =
                channel.atomic == AtomicModel::free_electrons ? experiment.target.n_electrons : atom.electrons;
            atom.weak = read(channel.weak_correction, 1);
            atom.magnetic = read(channel.magnetic_correction, 1);
            atom.interference = channel.charge_interferes ? std::min(1., 1 / std::sqrt(atom.weak)) : 0;
            atom.photon_area = channel.atomic == AtomicModel::equivalent_photon ? read(channel.photoabsorption, 0) : 0;
            return [=](double E) { return feature_kernels(atom, E, T, s).value[m]; };
        }
        const double q = std::sqrt(2 * M * T);
        const double F_p = form_factor(channel.form_factor, q, body->proton_radius);
        const NucleusAtRecoil nucleus{M, body->Z * F_p,
                                      (body->A - body->Z) * form_factor(channel.form_factor, q, body->neutron_radius),
                                      channel.axial ? axial_structure(*body) * F_p * F_p : 0};
        return [=](double E) { return feature_kernels(nucleus, E, T, g_n).value[m]; };
    };
    const auto rate = [&](double T) {
        const auto dsigma = kernel(T);
        const auto weighted = [&](double E) {
            return component_weights(mixing, source.beam(), E).value[c] * dsigma(E);
        };
        double sum = 0;
        for (const SpectralLine& line : source.lines) {
            sum += T <= max_recoil(line.energy, M) ? source.flux * line.fraction * weighted(line.energy) : 0;
        }
        const Table& f = source.spectrum;
        const double lowest = min_neutrino_energy(T, M);
        for (std::size_t i = 0; i + 1 < f.x.size(); ++i) {
            const auto integrand = [&](double E) {
                return (f.y[i] + (f.y[i + 1] - f.y[i]) * (E - f.x[i]) / (f.x[i + 1] - f.x[i])) * weighted(E);
            };
            if (f.x[i + 1] > lowest) {
                sum += source.flux * adaptive(integrand, {std::max(lowest, f.x[i]), f.x[i + 1]}, 1e-11);
            }
        }
        return sum;
    };

    // Everything at which the integrand turns, and places about the edges of the bin
    double end = 0;
    std::vector<double> limits{min_recoil};
    for (const SpectralLine& line : source.lines) {
        limits.push_back(max_recoil(line.energy, M));
    }
    for (const double E : source.spectrum.x) {
        limits.push_back(max_recoil(E, M));
    }
    end = *std::max_element(limits.begin(), limits.end());
    for (const Shell& shell : experiment.target.shells) {
        limits.push_back(shell.binding_energy);
    }
    for (const Table* t : {&channel.efficiency, &channel.photoabsorption, &channel.weak_correction,
                           &channel.magnetic_correction, &channel.quenching.factor}) {
        limits.insert(limits.end(), t->x.begin(), t->x.end());
    }
    const double per_energy = experiment.response.light_yield > 0 ? experiment.response.light_yield : 1;
    std::vector<double> visible = experiment.response.matrix_x;
    for (const double x : experiment.response.efficiency.x) {
        visible.push_back(experiment.response.efficiency_of == EnergyResponse::EfficiencyOf::visible ? x
                                                                                                     : x / per_energy);
    }
    for (const double x : {experiment.bin_edges[bin], experiment.bin_edges[bin + 1]}) {
        for (const double factor : {0.3, 0.7, 0.99, 1., 1.01, 1.4, 3.}) {
            visible.push_back(factor * x / per_energy);
        }
    }
    for (const double v : visible) {
        double low = min_recoil, high = end;
        for (int i = 0; i < 80; ++i) {
            const double middle = (low + high) / 2;
            (visible_energy(channel.quenching, body, middle) < v ? low : high) = middle;
        }
        limits.push_back(high);
    }
    std::erase_if(limits, [&](double T) { return T < min_recoil || T > end; });
    for (double& limit : limits) {
        limit = std::log(limit);
    }
    const auto integrand = [&](double log_T) {
        const double T = std::exp(log_T);
        const double R = acceptance(experiment, channel, body, T)[bin];
        return R > 0 ? T * R * rate(T) : 0;
    };
    const double number = target == nullptr ? 1 : target->number;
    return experiment.target.units * number * experiment.live_time * adaptive(integrand, limits, 2e-10);
}

MomentInputs inputs_of(const Experiment& experiment, const Mixing& mixing = {}) {
    return {experiment, mixing, std::make_shared<const Response>(make_response(experiment, mixing))};
}

//! Moments of all contributions in the first and the last bin; to 1e-8 of the size of the feature's first component
void expect_moments(const Experiment& experiment, const std::vector<int>& features) {
    const Mixing mixing;
    const MomentInputs inputs = inputs_of(experiment, mixing);
    const std::vector<std::vector<double>> all = contribution_moments(inputs);
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Contribution& x = inputs.response().contributions[i];
        const Scatterer& scatterer = inputs.response().scatterers[x.scatterer];
        const std::vector<double>& moments = all[i];
        const int components = n_components(experiment.sources[x.source].propagation);
        const auto n_bins = static_cast<std::size_t>(experiment.n_bins());
        for (const int m : features) {
            double size = 0;
            for (const std::size_t b : {std::size_t{0}, n_bins - 1}) {
                for (int c = 0; c < components; ++c) {
                    const double ours = moments[static_cast<std::size_t>(m * components + c) * n_bins + b];
                    const double arbiter = adaptive_moment(experiment, x.source, scatterer, mixing, m, c, b);
                    size = components == 7 && c > 0 ? size : std::abs(arbiter);
                    EXPECT_NEAR(ours, arbiter, 1e-8 * size)
                        << experiment.name << ", source " << x.source << ", nuclide " << scatterer.nuclide
                        << ", feature " << m << ", component " << c << ", bin " << b;
                }
            }
        }
    }
}

// ---- quadrature --------------------------------------------------------------------------------------------------

TEST(Quadrature, is_exact_for_polynomials) {
    for (int n = 1; n <= max_order; ++n) {
        for (int power = 0; power < 2 * n; ++power) {
            double sum = 0;
            for (const Node& node : gauss_legendre(n)) {
                sum += node.weight * std::pow(node.x, power);
            }
            EXPECT_NEAR(sum, power % 2 ? 0 : 2. / (power + 1), 1e-13) << n << " points, x^" << power;
        }
    }
}

template <class Function>
std::vector<Node> nodes_on(double low, double high, const Function& smoothness, double tolerance) {
    std::vector<Panel> panels;
    append_panels(low, high, smoothness, tolerance, panels);
    std::vector<Node> nodes;
    for (const Panel& panel : panels) {
        append_nodes(panel, nodes);
    }
    for (std::size_t i = 1; i < nodes.size(); ++i) {
        EXPECT_GT(nodes[i].x, nodes[i - 1].x);
    }
    return nodes;
}

double sum_over(const std::vector<Node>& nodes, const std::function<double(double)>& f) {
    double sum = 0;
    for (const Node& node : nodes) {
        sum += node.weight * f(node.x);
    }
    return sum;
}

TEST(Quadrature, places_nodes_for_the_asked_tolerance) {
    for (const double tolerance : {1e-4, 1e-7, 1e-10}) {
        const auto beside_zero = [](double x) {
            Smoothness s;
            s.origin = x;
            return s;
        };
        const std::vector<Node> poles = nodes_on(1e-4, 1, beside_zero, tolerance);
        EXPECT_NEAR(sum_over(poles, [](double x) { return 1 / (x * x); }), 9999, 9999 * tolerance);
        EXPECT_LT(poles.size(), 150u);

        const auto wave = [](double) {
            Smoothness s;
            s.wave = 500;
            return s;
        };
        const std::vector<Node> waves = nodes_on(0, 2, wave, tolerance);
        EXPECT_NEAR(sum_over(waves, [](double x) { return std::cos(500 * x); }), std::sin(1000.) / 500, 2 * tolerance);
        EXPECT_LT(waves.size(), 1000u); // at most one a radian

        const auto gaussian = [](double) {
            Smoothness s;
            s.width = 0.01;
            return s;
        };
        const std::vector<Node> step = nodes_on(0, 1, gaussian, tolerance);
        EXPECT_NEAR(sum_over(step, [](double x) { return std::erf((x - 0.3) / 0.01 / constants::sqrt2); }), 0.4,
                    tolerance);

        const auto off_axis = [](double) {
            Smoothness s;
            s.pole = 0.05;
            return s;
        };
        const std::vector<Node> lorentzian = nodes_on(-1, 1, off_axis, tolerance);
        EXPECT_NEAR(sum_over(lorentzian, [](double x) { return 0.05 / (x * x + 0.0025); }), 2 * std::atan(20.),
                    4 * tolerance);
    }
}

// ---- quenching ---------------------------------------------------------------------------------------------------

TEST(Quenching, follows_its_formulas) {
    const Nuclide germanium_74 = nuclide("Ge74", 32, 74);
    EXPECT_EQ(visible_energy({}, nullptr, 3e-3), 3e-3);

    Quenching lindhard;
    lindhard.model = Quenching::Model::lindhard;
    const double epsilon = 11.5 * std::pow(32., -7. / 3) * 2; // 2 keV
    const double g = 3 * std::pow(epsilon, 0.15) + 0.7 * std::pow(epsilon, 0.6) + epsilon;
    double k = 0.133 * std::pow(32., 2. / 3) / std::sqrt(74.);
    EXPECT_NEAR(visible_energy(lindhard, &germanium_74, 2e-3), 2e-3 * k * g / (1 + k * g), 1e-17);
    EXPECT_NEAR(k, 0.1558, 1e-4);
    lindhard.lindhard_k = k = 0.2;
    EXPECT_NEAR(visible_energy(lindhard, &germanium_74, 2e-3), 2e-3 * k * g / (1 + k * g), 1e-17);
    EXPECT_THROW(visible_energy(lindhard, nullptr, 2e-3), std::invalid_argument);

    const Quenching polynomial{Quenching::Model::polynomial, 0, {0.246, 0.78}, {}};
    EXPECT_NEAR(visible_energy(polynomial, nullptr, 0.05), 0.246 * 0.05 + 0.78 * 0.0025, 1e-17);

    const Quenching table{Quenching::Model::table, 0, {}, {{1e-3, 3e-3}, {0.2, 0.4}}};
    EXPECT_DOUBLE_EQ(visible_energy(table, nullptr, 2e-3), 0.3 * 2e-3);
    EXPECT_EQ(visible_energy(table, nullptr, 0.99e-3), 0);
    EXPECT_EQ(visible_energy(table, nullptr, 3.01e-3), 0);
}

TEST(Quenching, is_inverted) {
    const Nuclide xenon = nuclide("Xe132", 54, 132);
    const Quenching lindhard{Quenching::Model::lindhard, 0, {}, {}};
    const Quenching polynomial{Quenching::Model::polynomial, 0, {0.06, 4, -100, 800}, {}};
    const Quenching table{Quenching::Model::table, 0, {}, {{1e-3, 3e-3, 2e-2}, {0.2, 0.4, 0.3}}};
    for (const Quenching& quenching : {Quenching{}, lindhard, polynomial, table}) {
        const VisibleEnergy visible(quenching, &xenon, 1e-6, 2e-2);
        EXPECT_EQ(visible.turns().size(), 2u);
        EXPECT_EQ(visible.largest(), visible(2e-2));
        for (const double T : {1.1e-3, 2.9e-3, 3e-3, 1.7e-2}) {
            const std::vector<double> found = visible.crossings(visible(T));
            ASSERT_EQ(found.size(), 1u);
            EXPECT_NEAR(found[0], T, 1e-14);
            EXPECT_NEAR(visible.stays_until(1.05e-3, 0, visible(T)), T, 1e-14);
        }
        EXPECT_TRUE(visible.crossings(5).empty());
        EXPECT_EQ(visible.stays_until(1.05e-3, 0, 5), 2e-2);
    }
    const VisibleEnergy visible(table, nullptr, 1e-6, 1);
    EXPECT_EQ(visible.turns(), (std::vector<double>{1e-3, 2e-2})); // where the table says something
    EXPECT_TRUE(visible.crossings(1e-7).empty());
    EXPECT_TRUE(VisibleEnergy(table, nullptr, 1e-6, 5e-4).empty());
}

//! f T between the knots: 0.2 → 0.9 → 0.4 → 1 → 0 keV, by f = 0.2 + 0.05 (T − 1), 0.3 − 0.1 (T − 3), 0.1 + …, 0.125 − …
TEST(Quenching, that_turns_is_inverted_on_every_piece) {
    const Quenching table{Quenching::Model::table, 0, {}, {{1e-3, 3e-3, 5e-3, 8e-3, 10e-3}, {0.2, 0.3, 0.1, 0.125, 0}}};
    const VisibleEnergy visible(table, nullptr, 1e-6, 1);
    // f T = (0.6 − 0.1 T) T turns at 3 keV, the knot; 0.1 T + (T − 5) T/120 and (0.625 − T/16) T at their knots
    const std::vector<double> turns{1e-3, 3e-3, 5e-3, 8e-3, 10e-3};
    ASSERT_EQ(visible.turns().size(), turns.size());
    for (std::size_t i = 0; i < turns.size(); ++i) {
        EXPECT_NEAR(visible.turns()[i], turns[i], 1e-17);
    }
    EXPECT_NEAR(visible.largest(), 1e-3, 1e-17);
    const auto expect_crossings = [&](double v, std::size_t number) {
        const std::vector<double> found = visible.crossings(v);
        EXPECT_EQ(found.size(), number) << v;
        EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
        for (const double T : found) {
            EXPECT_NEAR(visible(T), v, 1e-17);
        }
    };
    expect_crossings(0.1e-3, 1);
    expect_crossings(0.3e-3, 2);
    expect_crossings(0.7e-3, 4);
    expect_crossings(0.95e-3, 2);
    expect_crossings(1.1e-3, 0);
    // (0.6 − 0.1 T) T = 0.7 keV at T = 3 + √2 keV
    EXPECT_NEAR(visible.crossings(0.7e-3)[1], (3 + std::sqrt(2.)) * 1e-3, 1e-16);
    EXPECT_NEAR(visible.stays_until(3e-3, 0.7e-3, 2e-3), (3 + std::sqrt(2.)) * 1e-3, 1e-16);
    EXPECT_EQ(visible.stays_until(3e-3, 0, 2e-3), 10e-3);
    EXPECT_GE(visible.stays_until(3e-3, 0.4e-3, 0.95e-3), 5e-3); // through the turn

    // Inside of a piece: (0.7 − 0.1 T) T turns at 3.5 keV. And a polynomial of the same form
    const Quenching inside{Quenching::Model::table, 0, {}, {{1e-3, 6e-3}, {0.6, 0.1}}};
    const Quenching polynomial{Quenching::Model::polynomial, 0, {0.7, -100}, {}};
    for (const Quenching& quenching : {inside, polynomial}) {
        const VisibleEnergy one(quenching, nullptr, 1e-3, 6e-3);
        ASSERT_EQ(one.turns().size(), 3u);
        EXPECT_NEAR(one.turns()[1], 3.5e-3, 1e-12);
        const std::vector<double> found = one.crossings(1e-3);
        ASSERT_EQ(found.size(), 2u);
        EXPECT_NEAR(found[0], 2e-3, 1e-14);
        EXPECT_NEAR(found[1], 5e-3, 1e-14);
    }
}

// ---- acceptance --------------------------------------------------------------------------------------------------

double read_table(const Table& t, double x) {
    for (std::size_t i = 0; i + 1 < t.x.size(); ++i) {
        if (x >= t.x[i] && x <= t.x[i + 1]) {
            return t.y[i] + (t.y[i + 1] - t.y[i]) * (x - t.x[i]) / (t.x[i + 1] - t.x[i]);
        }
    }
    return 0;
}

//! ∫ of a density × the experiment's efficiency over its bin
double smeared(const Experiment& x, std::size_t bin, const std::function<double(double)>& density,
               std::vector<double> limits) {
    const double low = x.bin_edges[bin], high = x.bin_edges[bin + 1];
    limits.insert(limits.end(), x.response.efficiency.x.begin(), x.response.efficiency.x.end());
    std::erase_if(limits, [&](double r) { return r <= low || r >= high; });
    limits.push_back(low);
    limits.push_back(high);
    return adaptive([&](double r) { return read_table(x.response.efficiency, r) * density(r); }, limits, 1e-13);
}

TEST(Acceptance, is_the_integral_of_efficiency_times_gaussian) {
    for (const double light_yield : {0., 2500.}) {
        for (const bool in_quadrature : {false, true}) {
            Experiment x = toy_experiment();
            x.response.linear_term = 0.02;
            x.response.in_quadrature = in_quadrature;
            const double unit = light_yield > 0 ? light_yield : 1; // bins and efficiency are in photoelectrons
            x.response.light_yield = light_yield;
            for (double& e : x.bin_edges) {
                e *= unit;
            }
            for (double& e : x.response.efficiency.x) {
                e *= unit;
            }
            for (const double T : {3e-4, 1e-3, 2.1e-3, 7e-3, 1.9e-2}) {
                const double a = x.response.sqrt_term * std::sqrt(T), b = x.response.constant_term, c = 0.02 * T;
                const double sigma = unit * (in_quadrature ? std::sqrt(a * a + b * b + c * c) : a + b + c);
                const std::vector<double> R = acceptance(x, x.channels[0], nullptr, T);
                ASSERT_EQ(R.size(), 4u);
                for (std::size_t bin = 0; bin < 4; ++bin) {
                    const auto density = [&](double r) {
                        return std::exp(-0.5 * std::pow((r - unit * T) / sigma, 2)) /
                               (sigma * std::sqrt(2 * constants::pi));
                    };
                    const double mean = unit * T;
                    EXPECT_NEAR(R[bin], smeared(x, bin, density, {mean - 3 * sigma, mean, mean + 3 * sigma}), 1e-12)
                        << T << " in bin " << bin;
                }
            }
        }
    }
}

TEST(Acceptance, of_gamma_distributed_photoelectrons) {
    const Experiment x = caesium_iodide();
    Channel unquenched = nuclear_channel();
    for (const double v : {1e-5, 3e-4, 9e-4, 2e-3, 6e-3}) {
        const double k = 1 + 9560 * v, theta = 13350 * v / k;
        const auto density = [&](double r) {
            return std::exp((k - 1) * std::log(r / theta) - r / theta - std::lgamma(k)) / theta;
        };
        const std::vector<double> R = acceptance(x, unquenched, nullptr, v);
        for (std::size_t bin = 0; bin < 4; ++bin) {
            EXPECT_NEAR(R[bin], smeared(x, bin, density, {k * theta, k * theta + 3 * theta}), 1e-12)
                << v << ", " << bin;
        }
    }
    // One wide bin and ε = x/1000: the mean
    Experiment mean = x;
    mean.bin_edges = {0, 1e4};
    mean.response.efficiency = {{0, 1e4}, {0, 10}};
    EXPECT_NEAR(acceptance(mean, unquenched, nullptr, 2e-3)[0], 13350 * 2e-3 / 1000, 1e-13);
    mean.response.efficiency = {};
    EXPECT_NEAR(acceptance(mean, unquenched, nullptr, 2e-3)[0], 1, 1e-14);
}

TEST(Acceptance, of_poisson_photoelectrons_counts_integers) {
    Experiment x = poisson_xenon();
    const Channel unquenched = nuclear_channel();
    for (const double v : {2e-5, 4e-4, 1e-3, 3e-3}) {
        const double mean = 5e3 * v;
        const std::vector<double> R = acceptance(x, unquenched, nullptr, v);
        for (std::size_t bin = 0; bin < 4; ++bin) {
            double sum = 0;
            for (int n = 0; n < 200; ++n) { // a bin holds a ≤ n < b
                if (n >= x.bin_edges[bin] && n < x.bin_edges[bin + 1]) {
                    sum +=
                        read_table(x.response.efficiency, n) * std::exp(n * std::log(mean) - mean - std::lgamma(n + 1));
                }
            }
            EXPECT_NEAR(R[bin], sum, 1e-14) << v << " in bin " << bin;
        }
    }
    x.response.efficiency = {};
    x.bin_edges = {0, 1, 7, 7.5, 1000};
    const std::vector<double> all = acceptance(x, unquenched, nullptr, 1e-3);
    EXPECT_NEAR(std::accumulate(all.begin(), all.end(), 0.), 1, 1e-14);
    EXPECT_NEAR(all[0], std::exp(-5.), 1e-16);
    EXPECT_NEAR(all[2], std::exp(-5.) * std::pow(5, 7) / 5040, 1e-15); // 7 alone
}

TEST(Acceptance, without_resolution_is_a_step) {
    Experiment x = toy_experiment();
    x.response = {};
    x.bin_edges = {1e-3, 2e-3};
    x.counts = {0};
    const auto R = [&](double T) { return acceptance(x, x.channels[0], nullptr, T)[0]; };
    EXPECT_EQ(R(1e-3), 1);
    EXPECT_EQ(R(1.5e-3), 1);
    EXPECT_EQ(R(2e-3), 0);
    x.bin_edges = {0, 4e-3};
    x.response.efficiency = {{0, 4e-3}, {0, 1}};
    EXPECT_DOUBLE_EQ(R(1e-3), 0.25);
    x.response.efficiency_of = EnergyResponse::EfficiencyOf::visible;
    EXPECT_DOUBLE_EQ(R(3e-3), 0.75);
    x.bin_edges = {0, 9e-3};
    EXPECT_EQ(R(5e-3), 0);
}

TEST(Acceptance, has_efficiencies_of_recoil_and_visible_energy) {
    Experiment x = germanium();
    x.response.efficiency_of = EnergyResponse::EfficiencyOf::visible;
    const Channel& c = x.channels[0];
    Channel perfect = c;
    perfect.efficiency = {};
    const Nuclide* body = &x.target.nuclides[0].nuclide;
    const double T = 2e-3, v = visible_energy(c.quenching, body, T);
    const std::vector<double> bare = acceptance(x, perfect, body, T);
    EXPECT_GT(bare[2], 0.1);
    EXPECT_NEAR(acceptance(x, c, body, T)[2], read_table(c.efficiency, T) * bare[2], 1e-15);
    x.response.efficiency = {{1e-4, 2e-3}, {0.3, 0.8}};
    EXPECT_NEAR(acceptance(x, perfect, body, T)[2], read_table(x.response.efficiency, v) * bare[2], 1e-15);

    x.response.light_yield = 1000; // the efficiency of the visible energy stays one of energies
    for (double& edge : x.bin_edges) {
        edge *= 1000;
    }
    EXPECT_NEAR(acceptance(x, perfect, body, T)[2], read_table(x.response.efficiency, v) * bare[2], 1e-14);
}

//! The toy's acceptance as a matrix
Experiment with_matrix(int n) {
    Experiment x = toy_experiment();
    const Experiment smeared = x;
    x.response = {};
    x.response.smearing = Smearing::matrix;
    for (int i = 0; i < n; ++i) {
        x.response.matrix_x.push_back(2e-4 * std::pow(200., i / (n - 1.)));
        const std::vector<double> row = acceptance(smeared, x.channels[0], nullptr, x.response.matrix_x.back());
        x.response.matrix.insert(x.response.matrix.end(), row.begin(), row.end());
    }
    return x;
}

TEST(Acceptance, of_a_fine_matrix_is_that_of_a_gaussian) {
    const Experiment gaussian = toy_experiment(), matrix = with_matrix(2000);
    for (const double T : {3e-4, 1.2e-3, 2.9e-3, 8e-3, 2e-2}) {
        const std::vector<double> exact = acceptance(gaussian, gaussian.channels[0], nullptr, T);
        const std::vector<double> read = acceptance(matrix, matrix.channels[0], nullptr, T);
        for (std::size_t b = 0; b < 4; ++b) {
            EXPECT_NEAR(read[b], exact[b], 1e-4);
        }
    }
    EXPECT_EQ(acceptance(matrix, matrix.channels[0], nullptr, 1e-4), std::vector<double>(4, 0.));
    EXPECT_EQ(acceptance(matrix, matrix.channels[0], nullptr, 5e-2), std::vector<double>(4, 0.));
    Experiment both = matrix;
    both.response.efficiency = {{0, 1}, {1, 1}};
    EXPECT_THROW(make_response(both, Mixing{}), InputError);
}

TEST(Acceptance, says_where_something_is_visible) {
    for (Experiment x : {toy_experiment(), caesium_iodide(), poisson_xenon(), germanium(), with_matrix(50)}) {
        const EnergyAcceptance energy(x);
        const auto range = energy.visible_range(1);
        ASSERT_LT(range.low, range.high);
        const auto seen = [&](double v) {
            std::vector<double> row(static_cast<std::size_t>(x.n_energy_bins()));
            energy.evaluate(v, row.data());
            return std::accumulate(row.begin(), row.end(), 0.);
        };
        for (const double factor : {1e-3, 0.1, 0.5, 0.99, 0.999999}) {
            EXPECT_LT(seen(range.low * factor), 1e-16) << x.name;
            EXPECT_LT(seen(range.high / factor), 1e-16) << x.name;
        }
        EXPECT_GT(seen(1.5 * range.low) + seen(0.9 * range.high), 1e-17) << x.name;
        EXPECT_LT(range.high, 0.1) << x.name; // no farther than need be
    }
}

// ---- shares ------------------------------------------------------------------------------------------------------

TEST(BinShares, are_integrals_over_the_arrival_time) {
    Experiment x = toy_experiment();
    EXPECT_EQ(bin_shares(x, x.channels[0], x.sources[0]), std::vector<double>(4, 1.));

    x.further = {{"time", {0, 1e-6, 2.5e-6, 6e-6}}};
    x.counts.assign(12, 0);
    Source pulsed = x.sources[0];
    pulsed.arrival = {{2e-7, 8e-7, 3e-6}, {0, 1e6, 0}}; // a triangle of area 1.4
    std::vector<double> shares = bin_shares(x, x.channels[0], pulsed);
    ASSERT_EQ(shares.size(), 12u);
    EXPECT_NEAR(shares[0] + shares[1] + shares[2], 1.4, 1e-14);
    EXPECT_NEAR(shares[0], 0.3 + 0.2 * (1 + 2 / 2.2) / 2, 1e-14);
    EXPECT_EQ(shares[9], shares[0]);

    // An efficiency that is a step and a line; ∫ of products of lines by adaptive quadrature
    x.response.time_efficiency = {{5e-7, 2e-6, 6e-6}, {0.9, 0.7, 0.1}};
    shares = bin_shares(x, x.channels[0], pulsed);
    for (std::size_t i = 0; i < 3; ++i) {
        const double a = x.further[0].edges[i], b = x.further[0].edges[i + 1];
        std::vector<double> limits{a, b};
        for (const double t : {2e-7, 5e-7, 8e-7, 2e-6, 3e-6}) {
            if (t > a && t < b) {
                limits.push_back(t);
            }
        }
        const double exact = adaptive(
            [&](double t) { return read_table(pulsed.arrival, t) * read_table(x.response.time_efficiency, t); }, limits,
            1e-13);
        EXPECT_NEAR(shares[i], exact, 1e-13);
    }

    x.response.time_efficiency = {};
    shares = bin_shares(x, x.channels[0], x.sources[0]); // not pulsed
    EXPECT_NEAR(shares[0], 1. / 6, 1e-15);
    EXPECT_NEAR(shares[2], 3.5 / 6, 1e-15);
}

TEST(BinShares, of_further_variables_are_tabulated_by_energy_or_even) {
    Experiment x = toy_experiment();
    x.further = {{"time", {0, 1, 4}}, {"pulse shape", {0.5, 0.6, 0.9}}};
    x.counts.assign(16, 0);
    std::vector<double> shares = bin_shares(x, x.channels[0], x.sources[0]);
    EXPECT_NEAR(shares[0], 0.25 * 0.25, 1e-15);
    EXPECT_NEAR(shares[1], 0.25 * 0.75, 1e-15); // the last variable innermost
    EXPECT_NEAR(shares[2], 0.75 * 0.25, 1e-15);
    x.channels[0].shares = {{}, {0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.5}};
    shares = bin_shares(x, x.channels[0], x.sources[0]);
    for (std::size_t e = 0; e < 4; ++e) {
        EXPECT_NEAR(shares[4 * e], 0.25 * x.channels[0].shares[1][2 * e], 1e-15);
        EXPECT_NEAR(shares[4 * e + 3], 0.75 * x.channels[0].shares[1][2 * e + 1], 1e-15);
        const double sum = std::accumulate(shares.begin() + static_cast<std::ptrdiff_t>(4 * e),
                                           shares.begin() + static_cast<std::ptrdiff_t>(4 * e + 4), 0.);
        EXPECT_NEAR(sum, e == 3 ? 0.9 : 1, 1e-15);
    }
}

// ---- nodes -------------------------------------------------------------------------------------------------------

TEST(AxialStructure, of_a_proton_is_that_of_the_free_nucleon) {
    const Nuclide proton = nuclide("H1", 1, 1, 0.5, 0.84, 0.84);
    EXPECT_NEAR(axial_structure(proton), 1.2754 * 1.2754 / 4, 1e-15);
    EXPECT_EQ(axial_structure(nuclide("Ar40", 18, 40)), 0);
    EXPECT_EQ(axial_structure(nuclide("Cs133", 55, 133, 3.5)), 0); // not in the table
    const Nuclide xenon = nuclide("Xe131", 54, 131, 1.5);
    const double at_rest = 2.5 / 4.5 * std::pow(1.2754 * (-0.009 + 0.272), 2);
    EXPECT_NEAR(axial_structure(xenon), at_rest, 1e-15);
    Channel channel;
    channel.axial = true;
    const double T = 40. * 40 / (2 * xenon.mass), F = form_factor(NuclearFormFactor::helm, 40, xenon.proton_radius);
    EXPECT_NEAR(nucleus_at_recoil(nuclear_target(xenon, channel), T).axial, at_rest * F * F, 1e-15);
}

TEST(KernelExpansion, adds_up_to_the_kernels) {
    // The kernels take differences of numbers near 1, which the expansion does not: C3's is small where T is.
    const auto expect = [](const KernelExpansion& k, const FeatureKernels& kernels, double E, double T, bool photons) {
        const EnergyBasis basis = energy_basis(E);
        for (int m = 0; m < n_feature_matrices; ++m) {
            const double* c = photons && m == KernelExpansion::charge2 ? k.photons : k.c[m];
            double sum = 0, size = 0;
            for (int i = 0; i < EnergyBasis::size; ++i) {
                sum += c[i] * basis.value[i];
                size += std::abs(c[i] * basis.value[i]);
            }
            const double rounding = 1e-15 * 10 * constants::weak_cross_section * (m == 5 ? 1 / T : 1);
            EXPECT_NEAR(sum, kernels.value[m], 1e-14 * size + rounding) << "feature " << m;
            EXPECT_NE(kernels.value[m], 0);
        }
    };
    for (const double E : {0.3, 1.7, 14.}) {
        for (const double T : {2e-5, 3e-3, 0.1}) {
            for (const double s : {-1., 1.}) {
                for (const double weak : {0.8, 1.3}) {
                    for (const double photon_area : {0., 3e-24 / T, 3e-21 / T}) {
                        const BoundElectrons atom{7, weak, 1.1, largest_interference(weak), photon_area};
                        const bool photons =
                            equivalent_photon_kernel(E, T, photon_area) > 7 * electron_kernels(E, T, s).C1;
                        EXPECT_EQ(photons, photon_area * T > 1e-22);
                        expect(kernel_expansion(atom, T, s), feature_kernels(atom, E, T, s), E, T, photons);
                    }
                }
            }
            const NucleusAtRecoil nucleus{37000, 17, 20, 0.3};
            expect(kernel_expansion(nucleus, T, -0.51), feature_kernels(nucleus, E, T, -0.51), E, T, false);
        }
    }
}

TEST(Contributions, come_by_source_channel_and_nuclide) {
    Experiment x = caesium_iodide();
    x.channels.push_back(x.channels[0]);
    x.channels[0] = Channel{};
    x.channels[0].name = "electron";
    x.target.shells = {{108, 1e-5}};
    const MomentInputs inputs = inputs_of(x);
    const Response& all = inputs.response();
    ASSERT_EQ(all.scatterers.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
        const Scatterer& scatterer = all.scatterers[i];
        EXPECT_EQ(scatterer.channel, i == 0 ? 0u : 1u);
        EXPECT_EQ(scatterer.nuclide, static_cast<int>(i) - 1);
        EXPECT_EQ(scatterer.weight.size(), scatterer.recoil.size() * 4);
        EXPECT_EQ(scatterer.atom.size(), i == 0 ? scatterer.recoil.size() : 0);
        EXPECT_EQ(inputs.scatterers()[i].atom == nullptr, i > 0);
    }
    ASSERT_EQ(all.contributions.size(), 9u);
    for (std::size_t i = 0; i < 9; ++i) {
        const Contribution& contribution = all.contributions[i];
        EXPECT_EQ(contribution.source, i / 3);
        EXPECT_EQ(contribution.scatterer, i % 3);
        EXPECT_GT(contribution.n_recoils, 0u);
        EXPECT_LE(contribution.n_recoils, all.scatterers[i % 3].recoil.size());
        const DirectNodes nodes = direct_nodes(inputs.contributions()[i]);
        EXPECT_EQ(nodes.nucleus.size(), i % 3 == 0 ? 0 : all.scatterers[i % 3].recoil.size());
        EXPECT_EQ(nodes.first_node.size(), contribution.n_recoils + 1);
        EXPECT_EQ(static_cast<std::size_t>(nodes.first_node.back()), nodes.energy.size());
    }
}

TEST(Contributions, list_the_energies_that_the_moments_integrate) {
    for (const Experiment& x : {toy_experiment(), poisson_xenon(), equivalent_photons(), caesium_iodide()}) {
        const Mixing mixing;
        const MomentInputs inputs = inputs_of(x, mixing);
        const std::vector<std::vector<double>> all = contribution_moments(inputs);
        for (std::size_t contribution = 0; contribution < all.size(); ++contribution) {
            const MomentsView& c = inputs.contributions()[contribution];
            const DirectNodes nodes = direct_nodes(c);
            const Scatterer& scatterer = inputs.response().scatterers[contribution % inputs.scatterers().size()];
            const Source& source = x.sources[inputs.response().contributions[contribution].source];
            const int components = n_components(source.propagation);
            const std::vector<double>& moments = all[contribution];
            const auto n_bins = static_cast<std::size_t>(x.n_bins());
            for (int m = 0; m < n_feature_matrices; ++m) {
                for (int k = 0; k < components; ++k) {
                    for (std::size_t b = 0; b < n_bins; ++b) {
                        double sum = 0, size = 0;
                        for (std::size_t i = 0; i + 1 < nodes.first_node.size(); ++i) {
                            for (int j = nodes.first_node[i]; j < nodes.first_node[i + 1]; ++j) {
                                const double E = nodes.energy[static_cast<std::size_t>(j)], T = scatterer.recoil[i];
                                const FeatureKernels kernels =
                                    scatterer.nuclide < 0
                                        ? feature_kernels(scatterer.atom[i], E, T, source.antineutrino ? -1 : 1)
                                        : feature_kernels(nodes.nucleus[i], E, T, neutron_vector_coupling(x.couplings));
                                const double term =
                                    scatterer.weight[i * n_bins + b] * nodes.flux[static_cast<std::size_t>(j)] *
                                    component_weights(mixing, source.beam(), E).value[k] * kernels.value[m];
                                sum += term;
                                size += std::abs(term);
                            }
                        }
                        EXPECT_NEAR(moments[static_cast<std::size_t>(m * components + k) * n_bins + b], sum,
                                    1e-12 * size)
                            << x.name << ", feature " << m << ", bin " << b;
                    }
                }
            }
        }
    }
}

TEST(Contributions, have_nodes_between_edges_and_limits_only) {
    const Experiment x = toy_experiment();
    const double first_line = max_recoil(0.43, constants::electron_mass);
    EXPECT_GT(first_line, x.bin_edges.back());
    Experiment low = x;
    low.sources = {x.sources[0]};
    low.sources[0].lines = {{0.02, 1}, {0.06, 1}}; // recoils up to 1.45 and 11.4 keV
    const Scatterer atom = make_response(low, Mixing{}).scatterers[0];
    const std::vector<double>& T = atom.recoil;
    EXPECT_TRUE(std::is_sorted(T.begin(), T.end()));
    EXPECT_GT(T.front(), 2e-4); // the lowest edge
    EXPECT_LT(T.back(), max_recoil(0.06, constants::electron_mass));
    const auto electrons = [&](double at) {
        return atom.atom[static_cast<std::size_t>(std::lower_bound(T.begin(), T.end(), at) - T.begin())].electrons;
    };
    EXPECT_EQ(electrons(5e-3), 6);
    EXPECT_EQ(electrons(5.1001e-3), 8);

    low.sources[0].lines = {{0.003, 1}}; // too low to be seen
    const MomentInputs dark = inputs_of(low);
    EXPECT_TRUE(dark.response().scatterers[0].recoil.empty());
    EXPECT_EQ(direct_nodes(dark.contributions()[0]).first_node, std::vector<int>{0});
    EXPECT_EQ(contribution_moments(dark)[0], std::vector<double>(28, 0.));
}

TEST(Contributions, start_where_the_atomic_model_says) {
    Experiment x = toy_experiment();
    x.response = {};
    x.bin_edges = {0, 1e-2};
    x.counts = {0};
    const auto begin = [&] { return make_response(x, Mixing{}).scatterers[0].recoil.front(); };
    EXPECT_NEAR(begin(), 2e-4, 2e-5);
    EXPECT_GT(begin(), 2e-4);
    x.channels[0].atomic = AtomicModel::equivalent_photon;
    x.channels[0].photoabsorption = {{1e-5, 1e-3}, {1e-18, 1e-20}};
    EXPECT_NEAR(begin(), 1e-5, 1e-6);
    EXPECT_GT(begin(), 1e-5);
    x.channels[0].atomic = AtomicModel::free_electrons;
    EXPECT_NEAR(begin(), min_recoil, 1e-7);
    EXPECT_EQ(make_response(x, Mixing{}).scatterers[0].atom[0].electrons, 8);
}

TEST(Contributions, refuse_phases_that_cannot_be_resolved) {
    Experiment x = toy_experiment();
    x.sources = {x.sources[1]};
    const double rate = phase_rate(x.sources[0], Mixing{});
    EXPECT_NEAR(rate, 1.267 * 2 * 2.513e-3 * 900, 0.01); // Δm²31 L/2E = 2 × 1.267 Δm²[eV²] L[m] / E[MeV]
    // The smallest energy that gives a visible recoil is the spectrum's 0.2 MeV.
    x.sources[0].baseline = 900 * 0.99 * max_phase / (rate / 0.2);
    EXPECT_NO_THROW(make_response(x, Mixing{}));
    x.sources[0].baseline = 900 * 1.01 * max_phase / (rate / 0.2);
    try {
        make_response(x, Mixing{});
        FAIL() << "not refused";
    } catch (const InputError& error) {
        const std::string what = error.what();
        EXPECT_NE(what.find("\"reactor\""), std::string::npos) << what;
        EXPECT_NE(what.find("the largest is 20000 rad"), std::string::npos) << what;
        EXPECT_NE(what.find("decohered"), std::string::npos) << what;
    }
    x.sources[0].where = {"toy.toml", 12};
    try {
        make_response(x, Mixing{});
        FAIL() << "not refused";
    } catch (const InputError& error) {
        EXPECT_TRUE(std::string(error.what()).starts_with("toy.toml:12: source \"reactor\": over ")) << error.what();
    }
    x.sources[0].lines = {{0.9, 1}};
    x.sources[0].spectrum = {};
    EXPECT_NO_THROW(make_response(x, Mixing{})); // lines are no integral
}

TEST(Contributions, are_the_same_bits_on_any_number_of_threads) {
    const int before = omp_get_max_threads();
    for (const Experiment& x : {toy_experiment(), caesium_iodide(), poisson_xenon()}) {
        std::vector<std::vector<double>> bits[2];
        for (const int threads : {1, 2}) {
            omp_set_num_threads(threads);
            const MomentInputs inputs = inputs_of(x);
            bits[threads - 1] = contribution_moments(inputs);
            for (const Scatterer& scatterer : inputs.response().scatterers) {
                bits[threads - 1].push_back(scatterer.weight);
            }
        }
        EXPECT_EQ(bits[0], bits[1]);
    }
    omp_set_num_threads(before);
}

// ---- moments -----------------------------------------------------------------------------------------------------

TEST(Moments, of_electrons_reach_1e_8) {
    expect_moments(toy_experiment(), {2, 4});
    Experiment sharp = toy_experiment("sharp"); // steps at the bin edges
    sharp.response.sqrt_term = sharp.response.constant_term = 0;
    expect_moments(sharp, {2});
    Experiment narrow = toy_experiment("narrow"); // far narrower than a bin: panels must find the edges
    narrow.response.sqrt_term = 0;
    narrow.response.constant_term = 2e-6;
    narrow.sources.erase(narrow.sources.begin() + 1);
    expect_moments(narrow, {2});
    Experiment free_electrons = toy_experiment("free");
    free_electrons.channels[0].atomic = AtomicModel::free_electrons;
    free_electrons.response.efficiency_of = EnergyResponse::EfficiencyOf::visible;
    free_electrons.bin_edges[0] = 0;
    expect_moments(free_electrons, {2, 6});
    expect_moments(with_matrix(12), {2, 6});
}

TEST(Moments, of_equivalent_photons_reach_1e_8) { expect_moments(equivalent_photons(), {1, 2, 6}); }

TEST(Moments, of_nuclei_reach_1e_8) {
    Experiment iodine = caesium_iodide();
    iodine.target.nuclides.erase(iodine.target.nuclides.begin());
    iodine.channels[0].efficiency = {{0, 5e-3, 0.1}, {0.5, 1, 0.8}};
    expect_moments(iodine, {3});
    expect_moments(germanium(), {0, 6});
    expect_moments(argon(), {0});
    expect_moments(poisson_xenon(), {2});
}

TEST(Moments, of_a_mixture_are_those_of_its_nuclides) {
    Experiment mixture = poisson_xenon();
    mixture.target.nuclides = {{nuclide("Xe129", 54, 129, 0.5), 0.4}, {nuclide("Xe136", 54, 136), 0.6}};
    mixture.channels[0].axial = true;
    const MomentInputs both = inputs_of(mixture);
    const std::vector<std::vector<double>> moments = contribution_moments(both);
    ASSERT_EQ(moments.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
        Experiment pure = mixture;
        pure.target.nuclides = {mixture.target.nuclides[i]};
        pure.target.nuclides[0].number = 1;
        pure.target.units *= mixture.target.nuclides[i].number;
        const std::vector<double> alone = contribution_moments(inputs_of(pure))[0];
        const std::vector<double>& mixed = moments[i];
        for (std::size_t k = 0; k < alone.size(); ++k) {
            EXPECT_NEAR(mixed[k], alone[k], 1e-13 * std::abs(alone[k]));
        }
        EXPECT_EQ(both.scatterers()[i].nuclide.axial > 0, i == 0);
    }
}

TEST(Moments, of_shares_split_the_energy_bins) {
    Experiment x = caesium_iodide();
    x.sources[0].arrival = {{0, 1e-6}, {1e6, 1e6}};
    Experiment timed = x;
    timed.further = {{"time", {0, 2.5e-7, 1e-6}}};
    timed.counts.assign(8, 0);
    const std::vector<double> whole = contribution_moments(inputs_of(x))[0];
    const std::vector<double> split = contribution_moments(inputs_of(timed))[0];
    ASSERT_EQ(split.size(), 2 * whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
        EXPECT_NEAR(split[2 * i], 0.25 * whole[i], 1e-14 * whole[i]);
        EXPECT_NEAR(split[2 * i + 1], 0.75 * whole[i], 1e-14 * whole[i]);
    }
}

TEST(Moments, of_far_sources_resolve_the_phases) {
    Experiment far = toy_experiment("far");
    far.sources = {far.sources[1]};
    const double nearer = testing::sanitized ? 0.1 : 1;
    far.sources[0].baseline = nearer * 10000; // 320 rad at 0.2 MeV
    far.bin_edges = {3e-3, 19e-3};
    far.counts = {0};
    expect_moments(far, {0});
    // At energies whose limits lie in the bins, so that the integral over the recoil energy sees phases too
    Experiment low = far;
    low.name = "low";
    low.sources[0].spectrum = {{0.04, 0.09, 0.3}, {1, 2, 0}};
    low.sources[0].baseline = nearer * 5000;
    expect_moments(low, {0});
}

} // namespace
} // namespace nuscan
