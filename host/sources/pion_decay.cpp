// SPDX-License-Identifier: Apache-2.0
#include "sources/pion_decay.hpp"

#include <fmt/format.h>

#include "sources/arrival.hpp"
#include "sources/source_keys.hpp"
#include "sources/tabulated.hpp"

namespace nuscan {
namespace {

/// When the ν_μ of pions and the ν̄_μ and ν_e of muons arrive.
struct PionDecayArrival {
    Table prompt, delayed;
};

PionDecayArrival read_pulse(const TomlTable& table, ExperimentTables& tables) {
    if (!table.has("pulse")) {
        return {};
    }
    const TomlTable pulse = table.table("pulse");
    pulse.allow_only({"sigma", "onset", "table"});
    if (pulse.has("table")) {
        for (const char* key : {"sigma", "onset"}) {
            refuse_together(pulse, key, "table", "the pulse is a Gaussian or a table");
        }
        const Table protons = time_density(pulse, "table", tables);
        return {pulse_arrival(protons, pion_lifetime), pulse_arrival(protons, pion_lifetime, muon_lifetime)};
    }
    const double sigma = positive(pulse, "sigma", Dimension::time);
    const double onset = pulse.quantity("onset", Dimension::time);
    return {gaussian_arrival(onset, sigma, pion_lifetime),
            gaussian_arrival(onset, sigma, pion_lifetime, muon_lifetime)};
}

Table michel_table(double (*spectrum)(double)) {
    Table table = tabulate(spectrum, {0, constants::muon_mass / 2}, michel_tolerance);
    normalise(table);
    return table;
}

} // namespace

double michel_muon_antineutrino(double E) {
    const double x = E / constants::muon_mass;
    return x < 0 || x > 0.5 ? 0 : 64 / constants::muon_mass * x * x * (0.75 - x);
}

double michel_electron_neutrino(double E) {
    const double x = E / constants::muon_mass;
    return x < 0 || x > 0.5 ? 0 : 192 / constants::muon_mass * x * x * (0.5 - x);
}

std::vector<Source> read_pion_decay(const TomlTable& table, ExperimentTables& tables, double live_time) {
    table.allow_only(
        {"type", "name", "propagation", "baseline", "flux", "protons_on_target", "neutrinos_per_proton", "pulse"});
    Source source;
    const std::string name = source.name = identifier(table, "name");
    read_propagation(table, source, Propagation::short_baseline);
    if (table.has("flux")) {
        for (const char* key : {"protons_on_target", "neutrinos_per_proton"}) {
            refuse_together(table, key, "flux", "the flux is given, or follows from the protons");
        }
        source.flux = positive(table, "flux", Dimension::flux);
    } else {
        if (!table.has("protons_on_target")) {
            throw InputError(table.where(), fmt::format("source \"{}\" has no \"protons_on_target\"", name),
                             "the flux is given, or follows from the protons",
                             "add protons_on_target, neutrinos_per_proton and baseline, or flux?");
        }
        const double protons = positive(table, "protons_on_target", Dimension::dimensionless);
        const double per_proton = positive(table, "neutrinos_per_proton", Dimension::dimensionless);
        require_baseline(table, source, "the flux follows from the protons");
        source.flux = per_proton * protons / (sphere(source.baseline) * live_time);
        source.flux_follows_baseline = true;
    }
    const PionDecayArrival arrival = read_pulse(table, tables);

    std::vector<Source> sources(3, source);
    sources[0].name = name + "-numu";
    sources[0].flavour = Flavour::mu;
    sources[0].lines = {{pion_neutrino_energy, 1}};
    sources[0].arrival = arrival.prompt;
    sources[1].name = name + "-numubar";
    sources[1].flavour = Flavour::mu;
    sources[1].antineutrino = true;
    sources[1].spectrum = michel_table(michel_muon_antineutrino);
    sources[1].arrival = arrival.delayed;
    sources[2].name = name + "-nue";
    sources[2].flavour = Flavour::e;
    sources[2].spectrum = michel_table(michel_electron_neutrino);
    sources[2].arrival = arrival.delayed;
    return sources;
}

} // namespace nuscan
