// SPDX-License-Identifier: Apache-2.0
#include "experiments/response_reader.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace nuscan {
namespace {

using Smearing = EnergyResponse::Smearing;

TomlTable response_of(const TomlTable& experiment) {
    const TomlTable table = experiment.table("response");
    table.allow_only({"smearing", "resolution", "light_yield", "gamma_shape", "matrix", "efficiency", "efficiency_in",
                      "time_efficiency"});
    return table;
}

Smearing read_smearing(const TomlTable& table) {
    const std::string word = table.choice("smearing", {"gaussian", "poisson", "gamma", "matrix"}, "gaussian");
    return word == "gaussian"
               ? Smearing::gaussian
               : (word == "poisson" ? Smearing::poisson : (word == "gamma" ? Smearing::gamma : Smearing::matrix));
}

//! Refuses keys of another smearing, and a light yield without photoelectrons or photoelectrons without one
void check_keys(const TomlTable& table, Smearing smearing, const BinAxis& energy) {
    const struct {
        const char* key;
        Smearing of;
        const char* name;
    } owners[] = {{"resolution", Smearing::gaussian, "gaussian"},
                  {"gamma_shape", Smearing::gamma, "gamma"},
                  {"matrix", Smearing::matrix, "matrix"}};
    for (const auto& owner : owners) {
        if (table.has(owner.key) && smearing != owner.of) {
            throw InputError(table.where(owner.key),
                             fmt::format("\"{}\" belongs to smearing = \"{}\"", owner.key, owner.name),
                             fmt::format("smearing is \"{}\"", table.string("smearing", "gaussian")));
        }
    }
    const bool photoelectrons = energy.name == "photoelectrons";
    if (table.has("light_yield") && !photoelectrons) {
        throw InputError(table.where("light_yield"), "there is a \"light_yield\", but the bins are in energy",
                         "it turns energy into photoelectrons", "write variable = \"photoelectrons\" in [bins]?");
    }
    if (!table.has("light_yield") && photoelectrons) {
        throw InputError(table.where(), "[response] has no \"light_yield\"", "the bins are in photoelectrons",
                         "add one, like light_yield = \"13.35 keV^-1\"?");
    }
    if (!photoelectrons && (smearing == Smearing::poisson || smearing == Smearing::gamma)) {
        throw InputError(table.where("smearing"),
                         fmt::format("smearing = \"{}\" is of photoelectrons", table.string("smearing")),
                         "the bins are in energy", "write variable = \"photoelectrons\" in [bins]?");
    }
}

void read_resolution(const TomlTable& table, EnergyResponse& response) {
    if (table.has("resolution") && table.raw().get("resolution")->is_string()) {
        throw InputError(table.where("resolution"), "resolution is a string", "expected a table of its terms",
                         "write, e.g., resolution = { sqrt = \"0.3 keV^1/2\", linear = 0.004 }?");
    }
    const TomlTable resolution = table.table("resolution");
    resolution.allow_only({"sqrt", "constant", "linear", "in_quadrature"});
    response.sqrt_term = not_negative(resolution, "sqrt", Dimension::root_energy);
    response.constant_term = not_negative(resolution, "constant", Dimension::energy);
    response.linear_term = not_negative(resolution, "linear", Dimension::dimensionless);
    response.in_quadrature = resolution.boolean("in_quadrature", false);
}

//! Reads the table of the probabilities of each energy bin: the visible energy, then one column per bin
void read_matrix(const TomlTable& table, const BinAxis& energy, const Range& visible, double highest,
                 EnergyResponse& response, ExperimentTables& tables) {
    const TableReference reference = read_table_reference(table, "matrix", {.column = false, .extrapolate = true});
    const CsvTable& rows = tables.csv(reference.file, reference.where);
    const InputLocation header{rows.path, rows.header_line};
    if (rows.columns.size() != energy.n_bins() + 1) {
        throw InputError(header, fmt::format("the table has {} columns", rows.columns.size()),
                         fmt::format("expected the visible energy and {} bins", energy.n_bins()));
    }
    if (rows.n_rows() < 2) {
        throw InputError(rows.where(0), "the table has a single row", "a function needs two");
    }
    const std::vector<double> x = energy_column(rows);
    const std::vector<double> probabilities = rows_of_probabilities(rows, "the probabilities");
    const auto row = [&](std::size_t i) { return probabilities.begin() + static_cast<long>(i * energy.n_bins()); };
    Table sums;
    sums.x = x;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double sum = std::accumulate(row(i), row(i + 1), 0.);
        const double negligible = 1e-6;
        sums.y.push_back(sum > negligible ? sum : 0);
    }
    const TabulatedFunction total{sums, "matrix", reference.where, reference.extrapolate};
    response.matrix_x = total.over(visible, {0, highest}, "the bins", " MeV").x;
    // Where the table was continued, its first or last row holds.
    for (const double E : response.matrix_x) {
        const auto at = std::lower_bound(x.begin(), x.end() - 1, E);
        const auto i = static_cast<std::size_t>(at - x.begin());
        response.matrix.insert(response.matrix.end(), row(i), row(i + 1));
    }
}

bool efficiency_is_of_recoil(const TomlTable& table) {
    if (!table.has("efficiency")) {
        if (table.has("efficiency_in")) {
            throw InputError(table.where("efficiency_in"), "there is no \"efficiency\"",
                             "efficiency_in says in which energy it is given");
        }
        return false;
    }
    const std::string in = table.choice("efficiency_in", {"reconstructed", "visible", "recoil", "true"});
    return in == "recoil" || in == "true";
}

void read_efficiency(const TomlTable& table, const BinAxis& energy, const Range& visible, double highest,
                     EnergyResponse& response, ExperimentTables& tables) {
    if (table.string("efficiency_in") == "visible") {
        response.efficiency_of = EnergyResponse::EfficiencyOf::visible;
        response.efficiency = tables.probability(table, "efficiency").over(visible, {0, highest}, "the bins", " MeV");
        return;
    }
    if (response.smearing == Smearing::matrix) {
        throw InputError(table.where("efficiency_in"), "the efficiency cannot be of the reconstructed energy",
                         "the matrix holds probabilities of whole bins", "multiply the columns of the matrix with it");
    }
    response.efficiency_of = EnergyResponse::EfficiencyOf::reconstructed;
    response.efficiency = tables.probability(table, "efficiency", energy.name, energy.dimension)
                              .over(energy.fitted(), energy.fitted(), "the bins", unit_suffix(energy.dimension));
}

//! Arrival times of the bins [s]
Range time_range(const std::vector<BinAxis>& axes, const InputLocation& where) {
    for (const BinAxis& axis : axes) {
        if (axis.name == "time") {
            return axis.fitted();
        }
    }
    throw InputError(where, "there is a \"time_efficiency\", but no bins in time",
                     "it acts on [[bins.further]] of that name");
}

} // namespace

Range visible_range(const BinAxis& energy, const EnergyResponse& response) {
    const double per_energy = response.light_yield > 0 ? response.light_yield : 1;
    return {energy.fitted().low / per_energy, energy.fitted().high / per_energy};
}

double highest_neutrino_energy(const std::vector<Source>& sources) {
    double highest = 0;
    for (const Source& source : sources) {
        if (!source.spectrum.empty()) {
            highest = std::max(highest, source.spectrum.x.back());
        }
        for (const SpectralLine& line : source.lines) {
            highest = std::max(highest, line.energy);
        }
    }
    return highest;
}

EnergyResponse read_response(const TomlTable& experiment, const std::vector<BinAxis>& axes,
                             const std::vector<Source>& sources, ExperimentTables& tables) {
    const TomlTable table = response_of(experiment);
    const BinAxis& energy = axes[0];
    EnergyResponse response;
    response.smearing = read_smearing(table);
    check_keys(table, response.smearing, energy);
    if (table.has("light_yield")) {
        response.light_yield = positive(table, "light_yield", Dimension::inverse_energy);
    }
    const Range visible = visible_range(energy, response);
    const double highest = highest_neutrino_energy(sources);
    switch (response.smearing) {
    case Smearing::gaussian:
        read_resolution(table, response);
        break;
    case Smearing::poisson:
        break;
    case Smearing::gamma:
        response.gamma_shape = positive(table, "gamma_shape", Dimension::inverse_energy);
        break;
    case Smearing::matrix:
        read_matrix(table, energy, visible, highest, response, tables);
        break;
    }
    const bool of_recoil = efficiency_is_of_recoil(table);
    if (table.has("efficiency") && !of_recoil) {
        read_efficiency(table, energy, visible, highest, response, tables);
    }
    if (table.has("time_efficiency")) {
        const Range times = time_range(axes, table.where("time_efficiency"));
        response.time_efficiency = tables.probability(table, "time_efficiency", "time", Dimension::time)
                                       .over(times, times, "the bins", unit_suffix(Dimension::time));
    }
    return response;
}

std::optional<TabulatedFunction> read_recoil_efficiency(const TomlTable& experiment, ExperimentTables& tables) {
    const TomlTable table = response_of(experiment);
    if (!efficiency_is_of_recoil(table)) {
        return {};
    }
    return tables.probability(table, "efficiency");
}

} // namespace nuscan
