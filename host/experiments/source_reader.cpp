// SPDX-License-Identifier: Apache-2.0
#include "experiments/source_reader.hpp"

#include <cmath>

#include <fmt/format.h>

namespace nuscan {
namespace {

Source read_source(const TomlTable& table, ExperimentTables& tables) {
    table.allow_only({"name", "flavour", "neutrino", "propagation", "baseline", "flux", "spectrum", "lines"});
    Source source;
    source.name = identifier(table, "name");
    const std::string flavour = table.choice("flavour", {"e", "mu", "tau"});
    source.flavour = flavour == "e" ? Flavour::e : (flavour == "mu" ? Flavour::mu : Flavour::tau);
    source.antineutrino = table.choice("neutrino", {"neutrino", "antineutrino"}) == "antineutrino";
    const std::string propagation = table.choice("propagation", {"exact", "short", "decohered"});
    source.propagation = propagation == "exact"
                             ? Propagation::exact
                             : (propagation == "short" ? Propagation::short_baseline : Propagation::decohered);
    if (table.has("baseline")) {
        source.baseline = positive(table, "baseline", Dimension::length);
    } else if (source.propagation == Propagation::exact) {
        throw InputError(table.where("propagation"), "source has no \"baseline\"", "exact propagation needs one",
                         "add one, like baseline = \"12 m\"?");
    }
    source.flux = positive(table, "flux", Dimension::flux);
    if (!table.has("spectrum") && !table.has("lines")) {
        throw InputError(table.where(), fmt::format("source \"{}\" has no spectrum", source.name),
                         "expected a table, lines, or both", "add spectrum = \"...csv\" or lines = [...]?");
    }
    double in_lines = 0;
    for (const TomlTable& entry : table.tables("lines")) {
        entry.allow_only({"energy", "fraction"});
        const SpectralLine line = {positive(entry, "energy", Dimension::energy),
                                   positive(entry, "fraction", Dimension::dimensionless)};
        in_lines += line.fraction;
        source.lines.push_back(line);
    }
    const double rounding = 1e-9;
    if (!table.has("spectrum")) {
        if (std::abs(in_lines - 1) > rounding) {
            throw InputError(table.where("lines"), fmt::format("the fractions of the lines add up to {}", in_lines),
                             "without a spectrum they are the whole flux: 1");
        }
        return source;
    }
    if (in_lines > 1 - rounding) {
        throw InputError(table.where("lines"), fmt::format("the fractions of the lines add up to {}", in_lines),
                         "nothing is left for the spectrum");
    }
    source.spectrum = tables.energy_table(table, "spectrum");
    std::vector<double>& y = source.spectrum.y;
    const std::vector<double>& x = source.spectrum.x;
    double integral = 0;
    for (std::size_t i = 1; i < x.size(); ++i) {
        integral += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2;
    }
    if (!(integral > 0)) {
        throw InputError(table.where("spectrum"), "the spectrum is zero everywhere");
    }
    for (double& value : y) {
        value *= (1 - in_lines) / integral;
    }
    return source;
}

} // namespace

std::vector<Source> read_sources(const TomlTable& experiment, ExperimentTables& tables) {
    std::vector<Source> sources;
    for (const TomlTable& table : experiment.tables("source")) {
        Source source = read_source(table, tables);
        for (const Source& other : sources) {
            if (other.name == source.name) {
                throw InputError(table.where("name"), fmt::format("there are two sources \"{}\"", source.name));
            }
        }
        sources.push_back(std::move(source));
    }
    if (sources.empty()) {
        throw InputError(experiment.where(), "the file has no [[source]]");
    }
    return sources;
}

} // namespace nuscan
