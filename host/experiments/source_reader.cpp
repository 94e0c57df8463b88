// SPDX-License-Identifier: Apache-2.0
#include "experiments/source_reader.hpp"

#include <cmath>

#include <fmt/format.h>

#include "sources/electron_capture.hpp"
#include "sources/pion_decay.hpp"
#include "sources/reactor.hpp"
#include "sources/solar.hpp"
#include "sources/source_keys.hpp"
#include "sources/tabulated.hpp"

namespace nuscan {
namespace {

const double rounding = 1e-9; // of sums of fractions

//! Neutrinos out of the Sun with a spectrum of the user's
void read_solar_propagation(const TomlTable& table, ExperimentTables& tables, Source& source) {
    source.propagation = Propagation::solar;
    if (source.flavour != Flavour::e || source.antineutrino) {
        throw InputError(table.where("propagation"), "propagation = \"solar\" is for electron neutrinos",
                         "the Sun makes no others", "write flavour = \"e\", neutrino = \"neutrino\"?");
    }
    if (table.has("baseline")) {
        throw InputError(table.where("baseline"), "\"baseline\" does not go with propagation = \"solar\"",
                         "the weights of the mass states are those at the surface of the Sun");
    }
    source.zones = read_zones(table, tables);
    if (source.zones.empty()) {
        throw InputError(table.where("propagation"), "source has no \"electron_density\"",
                         "solar propagation needs that where the neutrinos are made",
                         "add one, like electron_density = \"92.5 mol/cm^3\"?");
    }
}

//! Reads `lines`, whose strengths are under \p strength; returns their sum
double read_lines(const TomlTable& table, const std::string& strength, Dimension dimension, Source& source) {
    double sum = 0;
    for (const TomlTable& entry : table.tables("lines")) {
        entry.allow_only({"energy", strength});
        const SpectralLine line = {positive(entry, "energy", Dimension::energy), positive(entry, strength, dimension)};
        sum += line.fraction;
        source.lines.push_back(line);
    }
    return sum;
}

//! Spectrum and lines that carry their own flux
void read_absolute(const TomlTable& table, ExperimentTables& tables, Source& source) {
    refuse_together(table, "flux", "absolute", "the spectrum and the lines carry the flux");
    const double in_lines = read_lines(table, "flux", Dimension::flux, source);
    if (table.has("spectrum")) {
        source.spectrum = absolute_spectrum(table, "spectrum", tables, "per_cm2_s_");
    }
    source.flux = in_lines + integral(source.spectrum);
    if (!(source.flux > 0)) {
        throw InputError(table.where("lines"), "there are no lines", "without a spectrum they are the whole flux");
    }
    for (double& y : source.spectrum.y) {
        y /= source.flux;
    }
    for (SpectralLine& line : source.lines) {
        line.fraction /= source.flux;
    }
}

//! Spectrum and lines that share out the source's flux
void read_shape(const TomlTable& table, ExperimentTables& tables, Source& source) {
    const double in_lines = read_lines(table, "fraction", Dimension::dimensionless, source);
    if (!table.has("spectrum")) {
        if (std::abs(in_lines - 1) > rounding) {
            throw InputError(table.where("lines"), fmt::format("the fractions of the lines add up to {}", in_lines),
                             "without a spectrum they are the whole flux: 1");
        }
        return;
    }
    if (in_lines > 1 - rounding) {
        throw InputError(table.where("lines"), fmt::format("the fractions of the lines add up to {}", in_lines),
                         "nothing is left for the spectrum");
    }
    source.spectrum = tables.energy_table(table, "spectrum");
    if (!(integral(source.spectrum) > 0)) {
        throw InputError(table.where("spectrum"), "the spectrum is zero everywhere");
    }
    normalise(source.spectrum, 1 - in_lines);
}

Source read_tabulated(const TomlTable& table, ExperimentTables& tables) {
    table.allow_only({"type", "name", "flavour", "neutrino", "propagation", "baseline", "flux", "spectrum", "lines",
                      "absolute", "arrival", "electron_density", "production_profile", "electron_density_profile"});
    Source source;
    source.name = identifier(table, "name");
    const std::string flavour = table.choice("flavour", {"e", "mu", "tau"});
    source.flavour = flavour == "e" ? Flavour::e : (flavour == "mu" ? Flavour::mu : Flavour::tau);
    source.antineutrino = table.choice("neutrino", {"neutrino", "antineutrino"}) == "antineutrino";
    if (table.string("propagation") == "solar") {
        read_solar_propagation(table, tables, source);
    } else {
        read_propagation(table, source, Propagation::short_baseline);
        for (const char* key : {"electron_density", "production_profile", "electron_density_profile"}) {
            if (table.has(key)) {
                throw InputError(table.where(key), fmt::format("\"{}\" needs propagation = \"solar\"", key),
                                 "it says where in the Sun the neutrinos are made");
            }
        }
    }
    const bool absolute = table.boolean("absolute", false);
    if (!absolute) {
        if (!table.has("flux")) {
            throw InputError(table.where(), fmt::format("source \"{}\" has no \"flux\"", source.name),
                             "the spectrum gives only the shape",
                             "add one, or absolute = true where the spectrum is in cm^-2 s^-1 MeV^-1?");
        }
        source.flux = positive(table, "flux", Dimension::flux);
    }
    if (!table.has("spectrum") && !table.has("lines")) {
        throw InputError(table.where(), fmt::format("source \"{}\" has no spectrum", source.name),
                         "expected a table, lines, or both", "add spectrum = \"...csv\" or lines = [...]?");
    }
    if (absolute) {
        read_absolute(table, tables, source);
    } else {
        read_shape(table, tables, source);
    }
    if (table.has("arrival")) {
        source.arrival = time_density(table, "arrival", tables);
    }
    return source;
}

//! The sources of one `[[source]]`
std::vector<Source> read_source(const TomlTable& table, ExperimentTables& tables, const TomlTable& experiment,
                                std::vector<std::string>& notes) {
    const std::string type =
        table.choice("type", {"tabulated", "solar", "reactor", "pion-decay-at-rest", "electron-capture"}, "tabulated");
    if (type == "solar") {
        return read_solar(table, tables);
    }
    if (type == "reactor") {
        return {read_reactor(table, tables, notes)};
    }
    if (type == "pion-decay-at-rest") {
        const double live_time = positive(experiment.table("exposure"), "live_time", Dimension::time);
        return read_pion_decay(table, tables, live_time);
    }
    if (type == "electron-capture") {
        return {read_electron_capture(table, tables)};
    }
    return {read_tabulated(table, tables)};
}

} // namespace

std::vector<Source> read_sources(const TomlTable& experiment, ExperimentTables& tables,
                                 std::vector<std::string>& notes) {
    std::vector<Source> sources;
    for (const TomlTable& table : experiment.tables("source")) {
        for (Source& source : read_source(table, tables, experiment, notes)) {
            for (const Source& other : sources) {
                if (other.name == source.name) {
                    throw InputError(table.where(table.has("components") ? "components" : "name"),
                                     fmt::format("there are two sources \"{}\"", source.name));
                }
            }
            source.where = table.where();
            sources.push_back(std::move(source));
        }
    }
    if (sources.empty() && !experiment.has("background")) {
        throw InputError(experiment.where(), "the file has no [[source]] and no [[background]]",
                         "there is nothing to fit");
    }
    return sources;
}

} // namespace nuscan
