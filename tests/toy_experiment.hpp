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
    x.target.atoms = 4e26;
    x.target.shells = {{2, 5.1e-3}, {6, 2e-4}};
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

inline std::vector<std::string> toy_normalisations() { return {"toy.flat", "toy.steep", "other.flat", "other.steep"}; }

inline FixedParameter fix(const std::string& name, double value, Basis basis = Basis::flavour) {
    return {find_parameter(name, basis, toy_normalisations(), {"test", 0}), value};
}

inline Axis axis(const std::string& name, std::vector<double> values, bool profile = false,
                 Basis basis = Basis::flavour) {
    return {find_parameter(name, basis, toy_normalisations(), {"test", 0}), std::move(values), profile,
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

} // namespace nuscan::testing
