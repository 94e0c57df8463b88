// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "config/scan_config.hpp"

/// Small experiments and scans in which everything is on: both signs of s, all propagations, edges, pulls.
namespace nuscan::testing {

/// A detector of light atoms that sees a line, a continuous reactor-like antineutrino flux at an exact baseline, and a
/// decohered muon flavour; four bins, one shell edge inside, two backgrounds.
inline Experiment toy_experiment(const std::string& name = "toy") {
    Experiment x;
    x.name = name;
    x.title = "toy";
    Source line;
    line.name = "line";
    line.flavour = Flavour::e;
    line.propagation = Propagation::short_baseline;
    line.flux = 3e12;
    line.lines = {{0.75, 0.9}, {0.43, 0.1}};
    Source reactor;
    reactor.name = "reactor";
    reactor.flavour = Flavour::e;
    reactor.antineutrino = true;
    reactor.propagation = Propagation::exact;
    reactor.baseline = 900;
    reactor.flux = 5e12;
    reactor.spectrum.x = {0.2, 1, 2.5, 5, 8};
    reactor.spectrum.y = {0.3, 0.35, 0.2, 0.04, 0};
    double norm = 0;
    for (std::size_t i = 0; i + 1 < reactor.spectrum.x.size(); ++i) {
        norm += (reactor.spectrum.x[i + 1] - reactor.spectrum.x[i]) *
                (reactor.spectrum.y[i] + reactor.spectrum.y[i + 1]) / 2;
    }
    for (double& y : reactor.spectrum.y) {
        y /= norm;
    }
    Source muon;
    muon.name = "muon";
    muon.flavour = Flavour::mu;
    muon.propagation = Propagation::decohered;
    muon.flux = 2e12;
    muon.lines = {{1.1, 1}};
    x.sources = {line, reactor, muon};
    x.target.formula = "toy";
    x.target.units = 4e26;
    x.target.shells = {{2, 5.1e-3}, {6, 2e-4}};
    x.target.n_electrons = 8;
    x.channels.emplace_back();
    x.channels[0].name = "electron";
    x.live_time = 3e6;
    x.response.sqrt_term = 0.3 * std::sqrt(1e-3);
    x.response.constant_term = 1e-4;
    x.response.efficiency = {{5e-4, 2e-3, 20e-3, 40e-3}, {0, 0.7, 0.95, 0.9}};
    x.bin_edges = {1e-3, 3e-3, 6e-3, 11e-3, 19e-3};
    x.counts = {31, 28, 45, 60};
    x.backgrounds = {{"flat", {9, 14, 20, 31}, false, 0.2}, {"steep", {12, 6, 2, 0.5}, false, constants::infinity}};
    x.digest = "toy";
    return x;
}

/// A scintillator of two nuclides that sees a pulsed source and solar neutrinos on nuclei and electrons, each with its
/// own quenching, with radiative couplings; three bins in energy × two in time, an unconstrained background.
inline Experiment pulsed_experiment(const std::string& name = "pulsed") {
    Experiment x;
    x.name = name;
    x.title = "pulsed";
    x.couplings = CouplingScheme::radiative;
    Source prompt;
    prompt.name = "prompt";
    prompt.flavour = Flavour::mu;
    prompt.flux = 2e7;
    prompt.lines = {{29.8, 1}};
    prompt.arrival = {{0, 3e-7, 1e-6}, {0, 2e6, 0}};
    Source delayed = prompt;
    delayed.name = "delayed";
    delayed.antineutrino = true;
    delayed.propagation = Propagation::exact;
    delayed.baseline = 27000;
    delayed.lines = {};
    delayed.spectrum = {{10, 30, 52}, {0, 1. / 31, 1. / 31}};
    delayed.arrival = {{0, 1e-6, 6e-6}, {0, 2e6 / 6, 0}};
    Source sun;
    sun.name = "sun";
    sun.propagation = Propagation::solar;
    sun.flux = 6e8;
    sun.spectrum = {{1, 7, 15}, {0, 1. / 7, 0}};
    sun.zones = {{95, 0.7}, {40, 0.3}};
    x.sources = {prompt, delayed, sun};
    x.target.formula = "toy";
    x.target.units = 3e25;
    x.target.shells = {{4, 3e-2}, {20, 1e-3}};
    x.target.n_electrons = 24;
    x.target.nuclides = {{{"X40", 18, 40, 37215, 1, 0, 3.4, 3.5, "toy"}, 0.8},
                         {{"Y133", 55, 133, 123801, 1, 3.5, 4.8, 5.0, "toy"}, 1}};
    Channel nucleus;
    nucleus.name = "nucleus";
    nucleus.target = Target::nucleus;
    nucleus.quenching.model = Quenching::Model::polynomial;
    nucleus.quenching.coefficients = {0.12, 3};
    Channel electron;
    electron.name = "electron";
    x.channels = {nucleus, electron};
    x.live_time = 4e7;
    x.response.sqrt_term = 0.4 * std::sqrt(1e-3);
    x.response.efficiency = {{4e-4, 2e-3, 9e-3}, {0, 0.6, 0.8}};
    x.bin_edges = {5e-4, 1.5e-3, 3e-3, 8e-3};
    x.further = {{"time", {0, 5e-7, 6e-6}}};
    x.counts = {40, 90, 25, 50, 12, 21};
    x.backgrounds = {{"steady", {4, 40, 3, 30, 2, 16}, false, constants::infinity}};
    x.digest = "pulsed";
    return x;
}

/// The experiment with Gaussian statistic: errors of its own in some bins' places, counts that are not whole.
inline Experiment gaussian(Experiment x) {
    x.statistic = Statistic::gaussian;
    for (std::size_t b = 0; b < x.counts.size(); ++b) {
        x.counts[b] += 0.25 * static_cast<double>(b);
        x.sigma.push_back(std::sqrt(x.counts[b]) * (1 + 0.1 * static_cast<double>(b)));
    }
    return x;
}

/// The same with correlations that fall off from bin to bin.
inline Experiment correlated(Experiment x) {
    x = gaussian(std::move(x));
    for (std::size_t b = 0; b < x.counts.size(); ++b) {
        for (std::size_t c = 0; c < x.counts.size(); ++c) {
            x.covariance.push_back(x.sigma[b] * x.sigma[c] * std::pow(-0.6, std::abs(double(b) - double(c))));
        }
    }
    x.sigma.clear();
    return x;
}

/// An experiment with systematics of every kind: a shape of its first background and one of its signal, neither of them
/// symmetric, a normalisation of both, and a parameter of its last background.
inline Experiment with_systematics(Experiment x) {
    const std::size_t n = x.counts.size(), last = x.backgrounds.size() - 1, signal = x.backgrounds.size();
    const auto wave = [](std::size_t i, double phase) { return std::sin(1.7 * static_cast<double>(i) + phase); };
    constexpr auto infinity = constants::infinity;
    Systematic shape{"bend", Systematic::Kind::shape, 1, -infinity, infinity, 0, 0, 0, 2, {{0, {}}}};
    Systematic drift{"drift", Systematic::Kind::shape, 1, -infinity, infinity, 0, 0, 0, 2, {{signal, {}}}};
    for (std::size_t b = 0; b < n; ++b) {
        shape.effects[0].added.push_back(0.15 * x.backgrounds[0].counts[b] * wave(b, 0.3));
        drift.effects[0].added.push_back(0.2 * wave(b, 1.1));
    }
    for (std::size_t b = 0; b < n; ++b) {
        shape.effects[0].added.push_back(-0.1 * x.backgrounds[0].counts[b] * wave(b, 0.5));
        drift.effects[0].added.push_back(-0.12 * wave(b, 0.9));
    }
    Systematic flux{"flux", Systematic::Kind::normalisation, 0.15, -1, infinity, 0, 0, 0, 0, {{0, {}}, {signal, {}}}};
    Systematic scale{"scale", Systematic::Kind::parameter, infinity, -0.5, 0.7, 2e-3, -0.6, 0.1, 15, {{last, {}}}};
    for (int j = 0; j < scale.n_knots; ++j) {
        const double by = std::exp(scale.first_knot + j * scale.knot_spacing) - 1;
        for (std::size_t b = 0; b < n; ++b) {
            scale.effects[0].added.push_back(0.4 * x.backgrounds[last].counts[b] * by / (1 + static_cast<double>(b)));
        }
    }
    x.systematics = {shape, drift, flux, scale};
    return x;
}

/// The toy experiment with hardly anything in its upper bins, and a shape that takes its background there below zero
/// within two standard deviations.
inline Experiment with_deep_shape(Experiment x) {
    x.counts = {35, 30, 3, 0};
    x.backgrounds[0].counts = {40, 60, 80, 90};
    x.backgrounds[0].sigma = 0.1;
    x.backgrounds[1].sigma = 0.3;
    constexpr auto infinity = constants::infinity;
    x.systematics = {{"bend", Systematic::Kind::shape, 1, -infinity, infinity, 0, 0, 0, 2, {{0, {}}}}};
    for (const double relative : {0.1, 0.3, 0.5, 0.8, -0.15, -0.35, -0.55, -0.9}) {
        std::vector<double>& added = x.systematics[0].effects[0].added;
        added.push_back(relative * x.backgrounds[0].counts[added.size() % 4]);
    }
    return x;
}

//! Names that scans of toy and pulsed experiments may use
inline ParameterScope toy_scope(Basis basis = Basis::flavour, bool majorana = false) {
    const auto systematic = [](const std::string& experiment, const std::string& name) {
        Parameter p;
        p.kind = Parameter::Kind::systematic;
        p.name = experiment.empty() ? name : experiment + "." + name;
        p.experiment = experiment;
        p.background = name;
        return p;
    };
    return {basis,
            majorana,
            {"toy.flat", "toy.steep", "toy.signal", "other.flat", "other.steep", "pulsed.steady", "pulsed.signal"},
            {systematic("toy", "bend"), systematic("toy", "flux"), systematic("toy", "scale"), systematic("", "both")},
            {"toy", "pulsed"},
            {"X40", "Y133"}};
}

inline FixedParameter fix(const std::string& name, double value, Basis basis = Basis::flavour, bool majorana = false) {
    return {find_parameter(name, toy_scope(basis, majorana), {"test", 0}), value};
}

inline Axis axis(const std::string& name, std::vector<double> values, bool profile = false,
                 Basis basis = Basis::flavour, bool majorana = false) {
    return {find_parameter(name, toy_scope(basis, majorana), {"test", 0}), std::move(values), profile,
            Axis::Spacing::list};
}

inline std::vector<double> range(double low, double high, int n) {
    std::vector<double> values;
    for (int i = 0; i < n; ++i) {
        values.push_back(n == 1 ? low : low + (high - low) * i / (n - 1));
    }
    return values;
}

//! A scan of the toy experiment around a point where no form factor and no phase is zero
inline ScanConfig toy_scan(std::vector<Axis> axes, Basis basis = Basis::flavour) {
    ScanConfig config;
    config.title = "toy";
    config.text = "toy";
    config.neutrino.basis = basis;
    config.neutrino.mixing.alpha21 = 0.7;
    config.neutrino.mixing.alpha31 = -1.9;
    config.experiments = {toy_experiment()};
    const bool flavour = basis == Basis::flavour;
    const auto add = [&](const std::string& name, double value) {
        for (const Axis& a : axes) {
            if (a.parameter.name == name) {
                return;
            }
        }
        config.fixed.push_back(fix(name, value, basis));
    };
    add("magnetic_moment.universal", 1e-11);
    add(flavour ? "magnetic_moment.emu.abs" : "magnetic_moment.12.abs", 2e-11);
    add(flavour ? "magnetic_moment.emu.arg" : "magnetic_moment.12.arg", 0.9);
    add(flavour ? "electric_moment.etau.re" : "electric_moment.13.re", -1e-11);
    add(flavour ? "electric_moment.etau.im" : "electric_moment.13.im", 0.7e-11);
    add(flavour ? "charge.ee" : "charge.11", 3e-13);
    add(flavour ? "charge.mutau.re" : "charge.23.re", -2e-13);
    add(flavour ? "charge.mutau.im" : "charge.23.im", 4e-13);
    add(flavour ? "charge.emu.abs" : "charge.12.abs", 5e-13);
    add(flavour ? "charge.emu.arg" : "charge.12.arg", -2.1);
    add(flavour ? "charge_radius.emu.re" : "charge_radius.12.re", 1.1e-31);
    add(flavour ? "charge_radius.emu.im" : "charge_radius.12.im", -0.8e-31);
    add(flavour ? "anapole.mumu" : "anapole.22", 2e-32);
    config.axes = std::move(axes);
    return config;
}

//! The same with nuclei, time bins, solar weights and radiative couplings
inline ScanConfig pulsed_scan(std::vector<Axis> axes, Basis basis = Basis::flavour) {
    ScanConfig config = toy_scan(std::move(axes), basis);
    config.experiments = {pulsed_experiment()};
    return config;
}

//! A Majorana neutrino in the mass basis: no element given but Λ_1 and imaginary and real transition elements
inline ScanConfig majorana_scan(std::vector<Axis> axes) {
    ScanConfig config = pulsed_scan({}, Basis::mass);
    config.neutrino.majorana = true;
    config.fixed = {fix("majorana_moment.1.re", 2e-11, Basis::mass, true),
                    fix("majorana_moment.1.im", -1e-11, Basis::mass, true),
                    fix("charge.23.im", 4e-13, Basis::mass, true), fix("charge_radius.12.im", 2e-31, Basis::mass, true),
                    fix("anapole.13.re", -3e-32, Basis::mass, true)};
    config.axes = std::move(axes);
    return config;
}

} // namespace nuscan::testing
