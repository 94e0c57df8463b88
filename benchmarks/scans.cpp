// SPDX-License-Identifier: Apache-2.0
#include "scans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "experiments/experiment_file.hpp"

namespace nuscan::benchmarks {

namespace {

constexpr auto infinity = constants::infinity;

Parameter parameter(const char* name, Basis basis) {
    ParameterScope scope;
    scope.basis = basis;
    return find_parameter(name, scope, {});
}

Axis axis(const char* name, double low, double high, int n, bool profile = false) {
    Axis axis{parameter(name, Basis::flavour), {}, profile, Axis::Spacing::linear};
    for (int i = 0; i < n; ++i) {
        axis.values.push_back(n == 1 ? low : low + (high - low) * i / (n - 1));
    }
    return axis;
}

//! A source of seven features for each flavour on the electrons of germanium; 40 bins of 1 keV, over one background
//! without uncertainty
Experiment germanium(const std::vector<Flavour>& flavours, Statistic statistic) {
    Experiment x;
    x.name = "germanium";
    x.statistic = statistic;
    for (const Flavour flavour : flavours) {
        Source source;
        source.name = std::string("source") + "emt"[static_cast<int>(flavour)];
        source.flavour = flavour;
        source.flux = 1e12;
        source.lines = {{0.9, 1}};
        x.sources.push_back(source);
    }
    x.target.units = 4e26;
    x.target.shells = {{8, 1e-4}};
    x.target.n_electrons = 8;
    x.channels.emplace_back();
    x.channels[0].name = "electron";
    x.live_time = 3e6;
    x.response.constant_term = 1e-3;
    Background flat{"flat", {}, false, 0};
    for (int b = 0; b <= 40; ++b) {
        x.bin_edges.push_back(1e-3 * (1 + b));
    }
    for (int b = 0; b < 40; ++b) {
        x.counts.push_back(std::floor(130 + 30 * std::sin(b)));
        flat.counts.push_back(40);
    }
    x.backgrounds = {flat};
    return x;
}

Experiment one_flavour(Statistic statistic) { return germanium({Flavour::e}, statistic); }
Experiment three_flavours() { return germanium({Flavour::e, Flavour::mu, Flavour::tau}, Statistic::gaussian); }

Experiment with_signal_pull(Experiment x) {
    x.signal_sigma = 0.1;
    return x;
}

//! A shape of the background and a normalisation of both, besides their own
Experiment with_systematics(Experiment x) {
    Systematic shape{"bend", Systematic::Kind::shape, 1, -infinity, infinity, 0, 0, 0, 2, {{0, {}}}};
    for (const double side : {1., -0.7}) {
        for (int b = 0; b < x.n_bins(); ++b) {
            shape.effects[0].added.push_back(side * 4 * std::sin(0.2 * b));
        }
    }
    x.systematics = {shape,
                     {"flux", Systematic::Kind::normalisation, 0.15, -1, infinity, 0, 0, 0, 0, {{0, {}}, {1, {}}}}};
    return x;
}

//! 100 neutrino energies at each recoil, of which the resolution asks for about 160
Experiment hundred_energies() {
    Experiment x = one_flavour(Statistic::gaussian);
    x.sources[0].lines.clear();
    for (int i = 0; i < 100; ++i) {
        x.sources[0].lines.push_back({0.5 + 0.01 * i, 0.01});
    }
    return x;
}

ScanConfig scan_of(Experiment experiment, std::vector<Axis> axes) {
    ScanConfig config;
    config.experiments = {std::move(experiment)};
    config.axes = std::move(axes);
    return config;
}

//! n × n points; the line axis is kept or profiled
ScanConfig map_of(Experiment experiment, int n, bool profiled = false) {
    return scan_of(std::move(experiment),
                   {axis("charge_radius.mumu", -1e-30, 1e-30, n), axis("charge.ee", -2e-12, 2e-12, n, profiled)});
}

Experiment lz() {
    Experiment x = read_experiment(find_experiment("lz-2022", {}));
    x.backgrounds[0].sigma = 0.13;
    return x;
}

//! n × n points around the standard model
ScanConfig lz_map(int n) {
    return scan_of(lz(),
                   {axis("magnetic_moment.universal", 0, 2.4e-11, n), axis("charge.universal", -8e-13, 1.2e-12, n)});
}

//! n values of an angle that moves the solar flux, and two points at each: moments made anew, and little else
ScanConfig lz_moments(int n) {
    return scan_of(lz(), {axis("magnetic_moment.universal", 0, 2.4e-11, 2), axis("theta12", 0.5, 0.7, n)});
}

//! Angles and a phase: each plane is a point
ScanConfig without_fast_axis(int n) {
    ScanConfig config = scan_of(one_flavour(Statistic::poisson),
                                {axis("theta23", 0.6, 0.9, n), axis("delta", 0, 6, n), axis("theta12", 0.5, 0.7, n)});
    config.neutrino.basis = Basis::mass;
    for (const auto& [name, value] : {std::pair{"charge.12.re", 3e-13}, {"magnetic_moment.13.im", 1e-11}}) {
        config.fixed.push_back({parameter(name, Basis::mass), value});
    }
    return config;
}

//! Planes with hardly anything on them
ScanConfig many_planes(int n) {
    return scan_of(three_flavours(),
                   {axis("charge.emu.abs", 0, 2e-13, n), axis("charge.emu.arg", -3, 3, n),
                    axis("magnetic_moment.ee", 0, 2e-11, n), axis("charge.etau.re", -2e-13, 2e-13, n),
                    axis("charge_radius.mumu", -1e-30, 1e-30, 8), axis("charge.ee", -2e-12, 2e-12, 8, true)});
}

} // namespace

std::vector<Row> rows(int most_points) {
    const auto size = [=](int n) { return std::min(n, most_points); };
    const auto maps = [&](const char* name, const char* what, const Experiment& experiment, Method method,
                          bool profiled, const std::vector<int>& sizes, double goal) {
        std::vector<Row> some;
        for (const int n : sizes) {
            some.push_back({fmt::format("{}-{}", name, n), fmt::format("{}, {} × {}", what, n, n),
                            map_of(experiment, size(n), profiled), method, goal});
        }
        return some;
    };
    const Experiment poisson = one_flavour(Statistic::poisson), gaussian = one_flavour(Statistic::gaussian);
    std::vector<Row> all;
    const auto add = [&](std::vector<Row> some) { std::move(some.begin(), some.end(), std::back_inserter(all)); };
    const std::vector<int> profiles{401, 4001, 32001}; // the last fills a unit, the others show what launches take
    add(maps("collapsed", "collapsed, row profiled", three_flavours(), Method::collapsed, true, profiles, 2e12));
    add(maps("collapsed-kept", "collapsed, all kept", three_flavours(), Method::collapsed, false, {4001}, 0));
    add(maps("collapsed-pull", "collapsed, signal pull, row profiled", with_signal_pull(three_flavours()),
             Method::collapsed, true, profiles, 5.8e11));
    add(maps("gaussian", "Gaussian, 40 bins, row profiled", gaussian, Method::moments, true, {401, 8001}, 8e10));
    add(maps("gaussian-kept", "Gaussian, 40 bins, all kept", gaussian, Method::moments, false, {8001}, 0));
    add(maps("poisson", "Poisson, 40 bins, row profiled", poisson, Method::moments, true, {401, 8001}, 2.5e10));
    add(maps("poisson-kept", "Poisson, 40 bins, all kept", poisson, Method::moments, false, {8001}, 0));
    for (const int n : {801, 8001}) {
        all.push_back({fmt::format("lz-{}", n), fmt::format("LZ 2022, Poisson, 19 bins, one pull, {} × {}", n, n),
                       lz_map(size(n)), Method::moments, 2.5e10});
    }
    all.push_back({"medium-axes", "Poisson, 7 features × 40 bins, no fast axis", without_fast_axis(size(161)),
                   Method::moments, 2.6e10});
    add(maps("systematics", "Poisson, 40 bins, a shape and two normalisations", with_systematics(poisson),
             Method::moments, false, {401}, 0));
    all.push_back({"planes", "collapsed, planes of 8 × 8", many_planes(size(13)), Method::collapsed, 0});
    all.push_back(
        {"slow-axis", "LZ 2022, moments made anew for two points", lz_moments(size(101)), Method::moments, 0});
    add(maps("direct", "direct, 100 E × 160 T", hundred_energies(), Method::direct, false, {101}, 0));
    all.back().fp64_goal = 0.6;
    return all;
}

} // namespace nuscan::benchmarks
