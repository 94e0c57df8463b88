// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "backends/backend.hpp"

namespace nuscan {

//! One monoenergetic source of each flavour on free electrons: seven features each
inline Experiment three_flavours() {
    Experiment x;
    x.name = "flavours";
    x.statistic = Statistic::gaussian;
    for (const Flavour flavour : {Flavour::e, Flavour::mu, Flavour::tau}) {
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
    Background flat{"flat", {}, false, 0.1};
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

//! χ² of n × n points, 21 features and 40 bins; the line axis is profiled or kept
inline ScanConfig gaussian_map(int n, bool profiled) {
    ScanConfig config;
    config.experiments = {three_flavours()};
    const auto axis = [n](const char* name, double size, bool profile) {
        Axis a{find_parameter(name, {}, {}), {}, profile, Axis::Spacing::linear};
        for (int i = 0; i < n; ++i) {
            a.values.push_back(size * (2. * i / (n - 1) - 1));
        }
        return a;
    };
    config.axes = {axis("charge_radius.mumu", 1e-30, false), axis("charge.ee", 2e-12, profiled)};
    return config;
}

} // namespace nuscan
