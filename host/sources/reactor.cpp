// SPDX-License-Identifier: Apache-2.0
#include "sources/reactor.hpp"

#include <cmath>

#include <fmt/format.h>

#include "nuscan/constants.hpp"
#include "sources/source_keys.hpp"
#include "sources/tabulated.hpp"

namespace nuscan {
namespace {

constexpr double joule_per_MeV = 1.602176634e-13;

std::vector<std::string> isotope_names() {
    std::vector<std::string> names;
    for (const FissionIsotope isotope : fission_isotopes) {
        names.emplace_back(name(isotope));
    }
    return names;
}

using Fractions = std::array<double, fission_isotopes.size()>;

Fractions read_fractions(const TomlTable& table) {
    const std::string key = "fission_fractions";
    if (!table.has(key)) {
        return {0.58, 0.08, 0.29, 0.05}; // of a power reactor in the middle of its cycle
    }
    const double rounding = 1e-6;
    const TomlTable given = table.table(key);
    given.allow_only(isotope_names());
    Fractions fractions{};
    double sum = 0;
    for (const FissionIsotope isotope : fission_isotopes) {
        double& fraction = fractions[static_cast<std::size_t>(isotope)];
        fraction = not_negative(given, name(isotope), Dimension::dimensionless);
        sum += fraction;
    }
    if (std::abs(sum - 1) > rounding) {
        throw InputError(table.where(key), fmt::format("the fission fractions add up to {}", sum),
                         "every fission is of one of the isotopes: 1");
    }
    return fractions;
}

//! A column of a shipped table, with (0, 0) in front
Table shipped_spectrum(const std::string& file, const std::string& column_name, ExperimentTables& tables,
                       const InputLocation& where) {
    const CsvTable& rows = tables.csv(shipped_table(file, where), where);
    Table spectrum = {energy_column(rows), column(rows, column_name, {rows.path, rows.header_line})};
    if (spectrum.x.front() > 0) {
        spectrum.x.insert(spectrum.x.begin(), 0);
        spectrum.y.insert(spectrum.y.begin(), 0);
    }
    return spectrum;
}

//! A table that ends below the beginning of the next, and that one
Table joined(Table low, const Table& high) {
    low.x.insert(low.x.end(), high.x.begin(), high.x.end());
    low.y.insert(low.y.end(), high.y.begin(), high.y.end());
    return low;
}

/// What the fissions of a mixture give, in ν̄/MeV/fission.
struct FissionPart {
    Table spectrum;
    bool holds_captures = false; //!< measured or summed with the captures in it
    bool above_2_MeV = false;    //!< nothing below
};

FissionPart read_users_spectra(const TomlTable& table, ExperimentTables& tables, const Fractions& fractions) {
    for (const char* key : {"spectrum", "low_energy"}) {
        refuse_together(table, key, "spectra", "the tables are the whole spectra of fission");
    }
    const TomlTable files = table.table("spectra");
    files.allow_only(isotope_names());
    std::vector<double> weights;
    std::vector<Table> spectra;
    for (const FissionIsotope isotope : fission_isotopes) {
        const double fraction = fractions[static_cast<std::size_t>(isotope)];
        const std::string key = name(isotope);
        if (fraction > 0 && !files.has(key)) {
            throw InputError(table.where("spectra"), fmt::format("spectra has no \"{}\"", key),
                             fmt::format("its fission fraction is {}", fraction),
                             fmt::format("add {} = \"...csv\"?", key));
        }
        if (files.has(key)) {
            weights.push_back(fraction);
            spectra.push_back(absolute_spectrum(files, key, tables, "per_fission_"));
        }
    }
    return {weighted_sum(weights, spectra), false, false};
}

FissionPart read_huber_mueller(const TomlTable& table, ExperimentTables& tables, const Fractions& fractions) {
    if (!table.has("low_energy")) {
        throw InputError(table.where("spectrum"), "Huber-Mueller spectra begin at 2 MeV",
                         "most antineutrinos of a reactor have less, and extrapolated polynomials mean nothing",
                         "add low_energy = \"vogel-engel\" or \"kopeikin\", or \"none\" where the flux is that above "
                         "2 MeV?");
    }
    const std::string low = table.choice("low_energy", {"vogel-engel", "kopeikin", "none"});
    std::vector<double> weights;
    std::vector<Table> spectra;
    for (const FissionIsotope isotope : fission_isotopes) {
        Table spectrum = huber_mueller_table(isotope);
        if (low == "vogel-engel") {
            spectrum =
                joined(shipped_spectrum("reactor/vogel-engel.csv", name(isotope), tables, table.where("low_energy")),
                       spectrum);
        }
        weights.push_back(fractions[static_cast<std::size_t>(isotope)]);
        spectra.push_back(std::move(spectrum));
    }
    Table sum = weighted_sum(weights, spectra);
    if (low == "kopeikin") {
        sum =
            joined(shipped_spectrum("reactor/kopeikin.csv", "per_fission_MeV", tables, table.where("low_energy")), sum);
    }
    return {sum, low == "kopeikin", low == "none"};
}

/// A capture on ²³⁸U gives the antineutrinos of ²³⁹U and of ²³⁹Np. A table of fewer is most often that of one of them,
/// or a shape.
void note_antineutrinos(const Table& capture, const InputLocation& where, std::vector<std::string>& notes) {
    constexpr double expected = 2, rounding = 0.01;
    const double antineutrinos = integral(capture);
    if (std::abs(antineutrinos - expected) > rounding * expected) {
        notes.push_back(input_message(where,
                                      fmt::format("capture_spectrum has {:.4g} antineutrinos a capture", antineutrinos),
                                      "239U and 239Np give one each: 2", "multiply its figures up to that?"));
    }
}

//! Adds `capture` captures per fission to the spectrum of the fissions
Table with_captures(const TomlTable& table, ExperimentTables& tables, const FissionPart& fission,
                    std::vector<std::string>& notes) {
    if (fission.holds_captures || fission.above_2_MeV) {
        for (const char* key : {"capture", "capture_spectrum"}) {
            if (table.has(key)) {
                throw InputError(table.where(key),
                                 fmt::format("\"{}\" does not go with low_energy = \"{}\"", key,
                                             fission.holds_captures ? "kopeikin" : "none"),
                                 fission.holds_captures ? "that table holds the captures already"
                                                        : "captures give antineutrinos below 1.27 MeV");
            }
        }
        return fission.spectrum;
    }
    const double captures =
        table.has("capture") ? not_negative(table, "capture", Dimension::dimensionless) : default_captures;
    if (table.has("capture_spectrum")) {
        const Table capture = absolute_spectrum(table, "capture_spectrum", tables, "per_capture_");
        if (captures > 0) {
            note_antineutrinos(capture, table.where("capture_spectrum"), notes);
        }
        return weighted_sum({1, captures}, {fission.spectrum, capture});
    }
    if (captures == 0) {
        return fission.spectrum;
    }
    Table uranium = shipped_spectrum("reactor/capture.csv", "U239", tables, table.where());
    Table neptunium = shipped_spectrum("reactor/capture.csv", "Np239", tables, table.where());
    normalise(uranium);
    normalise(neptunium);
    return weighted_sum({1, captures, captures}, {fission.spectrum, uranium, neptunium});
}

} // namespace

Source read_reactor(const TomlTable& table, ExperimentTables& tables, std::vector<std::string>& notes) {
    table.allow_only({"type", "name", "propagation", "baseline", "spectrum", "low_energy", "spectra",
                      "fission_fractions", "capture", "capture_spectrum", "flux", "power"});
    Source source;
    source.name = identifier(table, "name");
    source.flavour = Flavour::e;
    source.antineutrino = true;
    read_propagation(table, source, Propagation::short_baseline);
    const Fractions fractions = read_fractions(table);
    FissionPart fission;
    if (table.has("spectra")) {
        fission = read_users_spectra(table, tables, fractions);
    } else if (table.has("spectrum")) {
        table.choice("spectrum", {"huber-mueller"});
        fission = read_huber_mueller(table, tables, fractions);
    } else {
        throw InputError(table.where(), fmt::format("source \"{}\" has no spectrum", source.name),
                         "expected a model or a table of each isotope",
                         "add spectrum = \"huber-mueller\" or spectra = { U235 = \"...csv\", ... }?");
    }
    source.spectrum = with_captures(table, tables, fission, notes);
    const double per_fission = integral(source.spectrum);
    normalise(source.spectrum);

    refuse_together(table, "power", "flux", "the flux is given, or follows from the power");
    if (table.has("power")) {
        double energy = 0; // [MeV] of a mean fission
        for (const FissionIsotope isotope : fission_isotopes) {
            energy += fractions[static_cast<std::size_t>(isotope)] * energy_per_fission(isotope);
        }
        const double fissions = positive(table, "power", Dimension::power) / (energy * joule_per_MeV); // [1/s]
        require_baseline(table, source, "the flux follows from the power");
        source.flux = fissions * per_fission / sphere(source.baseline);
        source.flux_follows_baseline = true;
    } else if (table.has("flux")) {
        source.flux = positive(table, "flux", Dimension::flux);
    } else {
        throw InputError(table.where(), fmt::format("source \"{}\" has no \"flux\"", source.name),
                         "the flux is given, or follows from the power", "add flux, or power and baseline?");
    }
    return source;
}

} // namespace nuscan
