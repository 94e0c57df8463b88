// SPDX-License-Identifier: Apache-2.0
#include "experiments/background_reader.hpp"

#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "experiments/background_functions.hpp"
#include "experiments/bins_reader.hpp"
#include "experiments/uncertainty.hpp"
#include "nuscan/constants.hpp"

namespace nuscan {
namespace {

//! Knots of a fitted scale from one end of its range to the other; a further one lies beyond each end
constexpr int knots_in_range = 48;

//! Fewer counts of a background in a bin are none.
constexpr double least_counts = 1e-100;

//! Refuses keys of another function, and those of functions where there are counts
void check_keys(const TomlTable& table, const std::string& function) {
    const struct {
        const char* key;
        const char* of;
    } owners[] = {{"scale", "exponential"}, {"scale_range", "exponential"}, {"peaks", "peaks"}, {"width", "peaks"}};
    for (const auto& owner : owners) {
        if (table.has(owner.key) && function != owner.of) {
            throw InputError(
                table.where(owner.key), fmt::format("\"{}\" belongs to function = \"{}\"", owner.key, owner.of),
                function.empty() ? "the background has no function" : fmt::format("function is \"{}\"", function));
        }
    }
    if (table.has("total") && function.empty()) {
        throw InputError(table.where("total"), "\"total\" belongs to a function", "counts have a total of their own");
    }
    if (table.has("counts") && !function.empty()) {
        throw InputError(table.where("counts"), "\"counts\" does not go with \"function\"",
                         "a background is given by counts or by a function");
    }
}

/// What a function has in all bins: its integrals over those in energy, normalised to \p total and shared out evenly
/// over the bins of further variables.
std::vector<double> over_bins(const std::vector<double>& integrals, const std::vector<BinAxis>& axes, double total) {
    const double sum = std::accumulate(integrals.begin(), integrals.end(), 0.);
    std::vector<double> counts;
    for (const double integral : integrals) {
        counts.push_back(total * (integral / sum));
    }
    for (std::size_t a = 1; a < axes.size(); ++a) {
        const std::vector<double>& edges = axes[a].edges;
        std::vector<double> shared;
        for (const double count : counts) {
            for (const double width : constant_integrals(edges)) {
                shared.push_back(count * width / (edges.back() - edges.front()));
            }
        }
        counts = std::move(shared);
    }
    return counts;
}

std::vector<double> read_peaks(const TomlTable& table, const BinAxis& energy, const EnergyResponse& response) {
    std::vector<Peak> peaks;
    for (const TomlTable& entry : table.tables("peaks")) {
        entry.allow_only({"energy", "area"});
        Peak peak{positive(entry, "energy", Dimension::energy), 0, positive(entry, "area", Dimension::dimensionless)};
        peak.width =
            table.has("width") ? positive(table, "width", Dimension::energy) : response.gaussian_sigma(peak.energy);
        if (!(peak.width > 0)) {
            throw InputError(entry.where(), fmt::format("the peak at {} MeV has no width", peak.energy),
                             "[response] has no Gaussian resolution", "add width = \"75 eV\" to the background?");
        }
        peaks.push_back(peak);
    }
    if (peaks.empty()) {
        throw InputError(table.where("peaks"), "there are no peaks", "function = \"peaks\" needs them",
                         "add peaks = [ { energy = \"1.3 keV\", area = 1 } ]?");
    }
    std::vector<double> integrals = peak_integrals(energy.edges, peaks);
    if (!(std::accumulate(integrals.begin(), integrals.end(), 0.) > 0)) {
        throw InputError(table.where("peaks"), "the peaks are zero in every bin",
                         fmt::format("the bins are from {} to {} MeV", energy.edges.front(), energy.edges.back()));
    }
    return integrals;
}

//! The scale of an exponential, fitted within its range
Systematic read_scale_range(const TomlTable& table, const std::vector<BinAxis>& axes, double nominal, double total,
                            const Experiment& experiment, const Background& background) {
    const InputLocation where = table.where("scale_range");
    const std::vector<double> range = table.quantities("scale_range", Dimension::energy);
    if (range.size() != 2) {
        throw InputError(where, fmt::format("scale_range has {} entries", range.size()),
                         "a range has a low and a high end");
    }
    if (!(range[0] > 0)) {
        throw InputError(where, fmt::format("scale_range[0] = {} is not positive", range[0]));
    }
    if (!(range[0] < range[1] && range[0] <= nominal && nominal <= range[1])) {
        throw InputError(where, fmt::format("scale = {} MeV is not between {} and {} MeV", nominal, range[0], range[1]),
                         "the fit starts from it");
    }
    Systematic scale;
    scale.name = scale_name(background.name);
    scale.kind = Systematic::Kind::parameter;
    scale.sigma = constants::infinity;
    scale.low = std::log(range[0] / nominal);
    scale.high = std::log(range[1] / nominal);
    scale.nominal = nominal;
    scale.knot_spacing = (scale.high - scale.low) / (knots_in_range - 1);
    scale.first_knot = scale.low - scale.knot_spacing;
    scale.n_knots = knots_in_range + 2;
    SystematicEffect effect;
    effect.component = experiment.backgrounds.size();
    for (int k = 0; k < scale.n_knots; ++k) {
        const double value = nominal * std::exp(scale.first_knot + k * scale.knot_spacing);
        const std::vector<double> counts = over_bins(exponential_integrals(axes[0].edges, value), axes, total);
        for (std::size_t b = 0; b < counts.size(); ++b) {
            effect.added.push_back(counts[b] - background.counts[b]);
        }
    }
    scale.effects = {effect};
    return scale;
}

void read_function(const TomlTable& table, const std::vector<BinAxis>& axes, Background& background,
                   Experiment& experiment) {
    const std::string function = table.choice("function", {"constant", "exponential", "peaks"});
    check_keys(table, function);
    if (function != "constant" && axes[0].dimension != Dimension::energy) {
        throw InputError(table.where("function"), fmt::format("function = \"{}\" is of the energy", function),
                         fmt::format("the bins are in {}", axes[0].name));
    }
    const double total = positive(table, "total", Dimension::dimensionless);
    check_count(total, "total", table.where("total"));
    background.sigma = table.has("uncertainty") ? read_uncertainty(table, "uncertainty") : constants::infinity;
    if (function == "constant") {
        background.counts = over_bins(constant_integrals(axes[0].edges), axes, total);
    } else if (function == "peaks") {
        background.counts = over_bins(read_peaks(table, axes[0], experiment.response), axes, total);
    } else {
        const double scale = positive(table, "scale", Dimension::energy);
        background.counts = over_bins(exponential_integrals(axes[0].edges, scale), axes, total);
        if (table.has("scale_range")) {
            experiment.systematics.push_back(read_scale_range(table, axes, scale, total, experiment, background));
        }
    }
}

Background read_background(const TomlTable& table, const std::vector<BinAxis>& axes, ExperimentTables& tables,
                           Experiment& experiment) {
    table.allow_only({"name", "counts", "function", "total", "scale", "scale_range", "peaks", "width", "includes_solar",
                      "uncertainty"});
    Background background;
    background.name = identifier(table, "name");
    if (background.name == Experiment::signal) {
        throw InputError(table.where("name"), "a background is called \"signal\"",
                         "EXPERIMENT.signal is the normalisation of what neutrinos add", "rename it?");
    }
    for (const Background& other : experiment.backgrounds) {
        if (other.name == background.name) {
            throw InputError(table.where("name"), fmt::format("there are two backgrounds \"{}\"", other.name));
        }
    }
    background.includes_solar = table.boolean("includes_solar", false);
    if (background.includes_solar && experiment.sources.empty()) {
        throw InputError(table.where("includes_solar"), "\"includes_solar\" does not go without a [[source]]",
                         "solar neutrinos are taken out to come back as signal");
    }
    if (table.has("function")) {
        read_function(table, axes, background, experiment);
        return background;
    }
    check_keys(table, "");
    background.counts = read_per_bin(table, "counts", fmt::format("background \"{}\"", background.name), axes, tables);
    background.sigma = read_uncertainty(table, "uncertainty");
    return background;
}

} // namespace

std::string scale_name(const std::string& background) { return background + "-scale"; }

void read_backgrounds(const TomlTable& file, const std::vector<BinAxis>& axes, ExperimentTables& tables,
                      Experiment& experiment) {
    const std::vector<TomlTable> backgrounds = file.tables("background");
    for (const TomlTable& table : backgrounds) {
        experiment.backgrounds.push_back(read_background(table, axes, tables, experiment));
        // The far tail of a line, say; χ² need not tell it from nothing, nor could it divide by it.
        for (double& counts : experiment.backgrounds.back().counts) {
            counts = counts < least_counts ? 0 : counts;
        }
        experiment.backgrounds.back().where = table.where("uncertainty");
    }
    for (const Systematic& scale : experiment.systematics) {
        for (const TomlTable& table : backgrounds) {
            if (table.string("name") == scale.name) {
                throw InputError(table.where("name"), fmt::format("a background is called \"{}\"", scale.name),
                                 "that is the fitted scale of another one", "rename it?");
            }
        }
    }
}

} // namespace nuscan
