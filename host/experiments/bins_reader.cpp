// SPDX-License-Identifier: Apache-2.0
#include "experiments/bins_reader.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "experiments/covariance_reader.hpp"
#include "nuscan/constants.hpp"

namespace nuscan {
namespace {

constexpr std::int64_t max_bins = 1000000;

//! Time can be counted from any moment, and a variable of the file's own may mean anything
bool may_be_negative(const BinAxis& axis) { return axis.name != "energy" && axis.name != "photoelectrons"; }

std::vector<double> read_edges(const TomlTable& table, const BinAxis& axis) {
    for (const char* key : {"min", "max", "number"}) {
        if (table.has(key)) {
            throw InputError(table.where(key), fmt::format("\"{}\" does not go with \"edges\"", key),
                             "bins are given by edges, or by min, max and number");
        }
    }
    std::vector<double> edges = table.quantities("edges", axis.dimension);
    if (edges.size() < 2) {
        throw InputError(table.where("edges"), fmt::format("there are {} edges", edges.size()), "a bin has two");
    }
    for (std::size_t i = 0; i < edges.size(); ++i) {
        if (i == 0 ? edges[i] < 0 && !may_be_negative(axis) : !(edges[i] > edges[i - 1])) {
            throw InputError(table.where("edges"),
                             fmt::format("edges[{}] = {}{} is out of order", i, edges[i], unit_suffix(axis.dimension)),
                             may_be_negative(axis) ? "edges increase" : "edges increase, from zero or above");
        }
    }
    return edges;
}

std::vector<double> read_uniform_edges(const TomlTable& table, const BinAxis& axis) {
    const std::string unit = unit_suffix(axis.dimension);
    const double min =
        may_be_negative(axis) ? table.quantity("min", axis.dimension, 0.0) : not_negative(table, "min", axis.dimension);
    const double max = table.quantity("max", axis.dimension);
    const std::int64_t number = table.integer("number");
    if (!(max > min)) {
        throw InputError(table.where("max"), fmt::format("max = {}{} is not above min = {}{}", max, unit, min, unit));
    }
    if (number < 1 || number > max_bins) {
        throw InputError(table.where("number"), fmt::format("number = {} is not a number of bins", number),
                         fmt::format("from 1 to {}", max_bins));
    }
    std::vector<double> edges;
    for (std::int64_t i = 0; i <= number; ++i) {
        edges.push_back((min * static_cast<double>(number - i) + max * static_cast<double>(i)) /
                        static_cast<double>(number));
    }
    edges.back() = max;
    return edges;
}

void read_edges_into(BinAxis& axis, const TomlTable& table) {
    axis.edges = table.has("edges") ? read_edges(table, axis) : read_uniform_edges(table, axis);
    axis.end_fitted = axis.n_bins();
}

//! Which bins lie in fit_min … fit_max; the analysis leaves the others out
void read_fitted(const TomlTable& table, BinAxis& axis) {
    const auto edge = [&](const char* key, std::size_t otherwise) {
        if (!table.has(key)) {
            return otherwise;
        }
        const double value = table.quantity(key, axis.dimension);
        for (std::size_t i = 0; i < axis.edges.size(); ++i) {
            if (std::abs(axis.edges[i] - value) <= 1e-12 * axis.edges.back()) {
                return i;
            }
        }
        throw InputError(table.where(key),
                         fmt::format("{} = {}{} is no edge of a bin", key, value, unit_suffix(axis.dimension)),
                         "the fit takes or leaves whole bins");
    };
    axis.first_fitted = edge("fit_min", 0);
    axis.end_fitted = edge("fit_max", axis.n_bins());
    if (!(axis.first_fitted < axis.end_fitted)) {
        throw InputError(table.where(table.has("fit_max") ? "fit_max" : "fit_min"), "no bin is left to fit",
                         "fit_min must be below fit_max");
    }
}

std::string range_of(const BinAxis& axis, std::size_t bin) {
    return fmt::format("{} to {}{}", axis.edges[bin], axis.edges[bin + 1], unit_suffix(axis.dimension));
}

//! "energy 0 to 0.001 MeV, time 0 to 1e-06 s"
std::string describe(std::size_t bin, const std::vector<BinAxis>& axes) {
    std::string text;
    for (std::size_t a = axes.size(); a-- > 0; bin /= axes[a].n_bins()) {
        const std::string range = fmt::format("{} {}", axes[a].name, range_of(axes[a], bin % axes[a].n_bins()));
        text = text.empty() ? range : range + ", " + text;
    }
    return text;
}

std::vector<std::size_t> rows_in_order(const CsvTable& rows, const BinAxis& axis) {
    const std::vector<double> centres = first_column(rows, axis.name, axis.dimension);
    std::vector<std::size_t> bins;
    for (std::size_t b = 0; b < centres.size(); ++b) {
        if (b < axis.n_bins() && (centres[b] < axis.edges[b] || centres[b] > axis.edges[b + 1])) {
            throw InputError(rows.where(b),
                             fmt::format("{} = {} is not in bin {}", rows.columns[0], rows.values[0][b], b + 1),
                             "which is " + range_of(axis, b));
        }
        bins.push_back(b);
    }
    return bins;
}

//! The bin of an axis in which a value lies, one for each row of a table
std::vector<std::size_t> bins_on_axis(const CsvTable& rows, const BinAxis& axis) {
    std::size_t index = 0;
    const std::vector<double> centres = variable_column(rows, axis.name, axis.dimension, index);
    const double rounding = 1e-9 * (axis.edges.back() - axis.edges.front());
    std::vector<std::size_t> bins;
    for (std::size_t row = 0; row < rows.n_rows(); ++row) {
        const double x = centres[row];
        const std::string value = fmt::format("{} = {}", rows.columns[index], rows.values[index][row]);
        const auto above = std::upper_bound(axis.edges.begin(), axis.edges.end(), x);
        const double to_next = above == axis.edges.end() ? constants::infinity : *above - x;
        const double to_last = above == axis.edges.begin() ? constants::infinity : x - *(above - 1);
        if (std::min(to_next, to_last) <= rounding) {
            throw InputError(rows.where(row), value + " is an edge of a bin", "expected the centre of one");
        }
        if (above == axis.edges.begin() || above == axis.edges.end()) {
            throw InputError(rows.where(row), value + " is in no bin",
                             fmt::format("the bins in {} are from {} to {}{}", axis.name, axis.edges.front(),
                                         axis.edges.back(), unit_suffix(axis.dimension)));
        }
        bins.push_back(static_cast<std::size_t>(above - axis.edges.begin()) - 1);
    }
    return bins;
}

std::vector<std::size_t> rows_in_any_order(const CsvTable& rows, const std::vector<BinAxis>& axes,
                                           const InputLocation& where, const std::string& owner) {
    std::vector<std::size_t> bins(rows.n_rows());
    for (const BinAxis& axis : axes) {
        const std::vector<std::size_t> on_axis = bins_on_axis(rows, axis);
        for (std::size_t row = 0; row < bins.size(); ++row) {
            bins[row] = bins[row] * axis.n_bins() + on_axis[row];
        }
    }
    constexpr std::size_t none = static_cast<std::size_t>(-1);
    std::vector<std::size_t> row_of(number_of_bins(axes), none);
    for (std::size_t row = 0; row < bins.size(); ++row) {
        std::size_t& first = row_of[bins[row]];
        if (first != none) {
            throw InputError(rows.where(row),
                             fmt::format("the row is in the same bin as that of line {}", rows.lines[first]),
                             describe(bins[row], axes));
        }
        first = row;
    }
    const auto empty = std::find(row_of.begin(), row_of.end(), none);
    if (empty != row_of.end()) {
        throw InputError(where, fmt::format("\"{}\" of {} has no row for a bin", rows.path, owner),
                         describe(static_cast<std::size_t>(empty - row_of.begin()), axes));
    }
    return bins;
}

//! Counts of a bin, of data, backgrounds and templates: a double tells larger ones no longer apart, nor does χ².
constexpr double most_counts = 1e15;
//! Errors of counts
constexpr double least_error = 1e-30;

void check_number(double value, BinNumbers allowed, const std::string& what, const InputLocation& where) {
    check_count(value, what, where);
    if (value < 0 && allowed == BinNumbers::whole) {
        throw InputError(where, fmt::format("{} = {} is negative", what, value), "the statistic is Poisson",
                         "write statistic = \"gaussian\", with sigma in [bins]?");
    }
    if (value < 0 && allowed == BinNumbers::not_negative) {
        throw InputError(where, fmt::format("{} = {} is negative", what, value));
    }
    if (value != std::floor(value) && allowed == BinNumbers::whole) {
        throw InputError(where, fmt::format("{} = {} is not a whole number", what, value), "the statistic is Poisson",
                         "round counts that were digitised, multiply a rate up to counts, or write statistic = "
                         "\"gaussian\", with sigma in [bins]?");
    }
}

//! Errors whose squares χ² cannot divide by, or so small beside the counts that their rounding shows
void check_error(double n, double sigma, const std::string& key, std::size_t b, const InputLocation& where) {
    const double most_precise = std::sqrt(most_counts);
    if (sigma < least_error) {
        throw InputError(where, fmt::format("{}: the error of bin {} is {:.3g}", key, b + 1, sigma),
                         fmt::format("errors reach down to {}", least_error));
    }
    if (std::abs(n) > most_precise * sigma) {
        throw InputError(where, fmt::format("{}: the error of bin {} is {:.3g} of {:.6g} counts", key, b + 1, sigma, n),
                         fmt::format("chi2 has its precision down to a part in {:.2g}", most_precise));
    }
}

//! Of n_outer × n_energy × … numbers those of the energy bins that the fit takes
std::vector<double> fitted_part(const std::vector<double>& values, const BinAxis& energy, std::size_t n_outer = 1) {
    if (values.empty()) {
        return {};
    }
    std::vector<double> out;
    const std::size_t n_rows = std::max<std::size_t>(n_outer, 1) * energy.n_bins(), n = values.size() / n_rows;
    for (std::size_t row = 0; row < n_rows; ++row) {
        const std::size_t bin = row % energy.n_bins();
        if (bin >= energy.first_fitted && bin < energy.end_fitted) {
            const auto first = values.begin() + static_cast<long>(row * n);
            out.insert(out.end(), first, first + static_cast<long>(n));
        }
    }
    return out;
}

} // namespace

std::size_t number_of_bins(const std::vector<BinAxis>& axes) {
    std::size_t n = 1;
    for (const BinAxis& axis : axes) {
        n *= axis.n_bins();
    }
    return n;
}

std::vector<BinAxis> read_bin_axes(const TomlTable& experiment) {
    if (!experiment.has("bins")) {
        throw InputError(experiment.where(), "the table [bins] is missing", "it holds the bins and what was counted");
    }
    const TomlTable table = experiment.table("bins");
    table.allow_only({"variable", "edges", "min", "max", "number", "counts", "sigma", "covariance", "fit_min",
                      "fit_max", "further"});
    BinAxis energy;
    energy.name = table.choice("variable", {"energy", "photoelectrons"}, "energy");
    energy.dimension = energy.name == "energy" ? Dimension::energy : Dimension::dimensionless;
    read_edges_into(energy, table);
    read_fitted(table, energy);
    std::vector<BinAxis> axes{energy};
    for (const TomlTable& further : table.tables("further")) {
        further.allow_only({"name", "edges", "min", "max", "number"});
        BinAxis axis;
        axis.name = identifier(further, "name");
        for (const std::string reserved : {"energy", "photoelectrons"}) {
            if (axis.name == reserved) {
                throw InputError(further.where("name"), fmt::format("\"{}\" is no further variable", reserved),
                                 "[bins] itself holds the bins in energy or photoelectrons");
            }
        }
        for (const BinAxis& other : axes) {
            if (other.name == axis.name) {
                throw InputError(further.where("name"), fmt::format("there are two variables \"{}\"", axis.name));
            }
        }
        axis.dimension = axis.name == "time" ? Dimension::time : Dimension::dimensionless;
        read_edges_into(axis, further);
        axes.push_back(axis);
        if (number_of_bins(axes) > static_cast<std::size_t>(max_bins)) {
            throw InputError(further.where(), fmt::format("there are {} bins", number_of_bins(axes)),
                             fmt::format("at most {}", max_bins));
        }
    }
    return axes;
}

std::vector<std::size_t> bins_of_rows(const CsvTable& rows, const std::vector<BinAxis>& axes,
                                      const InputLocation& where, const std::string& owner) {
    if (axes.size() > 1) {
        return rows_in_any_order(rows, axes, where, owner);
    }
    const std::vector<std::size_t> bins = rows_in_order(rows, axes[0]);
    if (bins.size() != axes[0].n_bins()) {
        throw InputError(where, fmt::format("\"{}\" of {} has {} entries", rows.path, owner, bins.size()),
                         fmt::format("there are {} bins", axes[0].n_bins()));
    }
    return bins;
}

void check_count(double value, const std::string& what, const InputLocation& where) {
    if (!(std::abs(value) <= most_counts)) {
        throw InputError(where, fmt::format("{} = {} is too large", what, value),
                         fmt::format("chi2 has its precision up to {} counts in a bin", most_counts));
    }
}

std::vector<double> read_per_bin(const TomlTable& table, const std::string& key, const std::string& owner,
                                 const std::vector<BinAxis>& axes, ExperimentTables& tables, BinNumbers allowed) {
    const std::size_t n_bins = number_of_bins(axes);
    const toml::node* node = table.raw().get(key);
    std::vector<double> counts;
    if (node && node->is_table()) {
        const TomlTable reference = table.table(key);
        reference.allow_only({"table", "column"});
        const CsvTable& rows = tables.csv(reference.string("table"), reference.where("table"));
        const std::string name = reference.string("column");
        const std::vector<double>& values = signed_column(rows, name, reference.where("column"));
        const std::vector<std::size_t> bins = bins_of_rows(rows, axes, table.where(key), owner);
        counts.resize(n_bins);
        for (std::size_t row = 0; row < bins.size(); ++row) {
            check_number(values[row], allowed, name, rows.where(row));
            counts[bins[row]] = values[row];
        }
        return counts;
    }
    if (node && node->is_string()) {
        throw InputError(
            table.where(key), key + " is a string", "expected an array, or a table and its column",
            fmt::format("write {} = {{ table = \"{}\", column = \"...\" }}?", key, node->as_string()->get()));
    }
    counts = table.quantities(key, Dimension::dimensionless);
    for (std::size_t b = 0; b < counts.size(); ++b) {
        check_number(counts[b], allowed, fmt::format("{}[{}]", key, b), table.where(key));
    }
    if (counts.size() != n_bins) {
        throw InputError(table.where(key), fmt::format("{} of {} has {} entries", key, owner, counts.size()),
                         fmt::format("there are {} bins", n_bins));
    }
    return counts;
}

void read_observed(const TomlTable& experiment, const std::vector<BinAxis>& axes, ExperimentTables& tables,
                   Experiment& observed) {
    const TomlTable table = experiment.table("bins");
    const bool gaussian = observed.statistic == Statistic::gaussian;
    observed.counts =
        read_per_bin(table, "counts", "bins", axes, tables, gaussian ? BinNumbers::signed_ : BinNumbers::whole);
    for (const char* key : {"sigma", "covariance"}) {
        if (table.has(key) && !gaussian) {
            throw InputError(table.where(key), fmt::format("\"{}\" does not go with statistic = \"poisson\"", key),
                             "the errors of Poisson counts follow from the prediction",
                             "write statistic = \"gaussian\"?");
        }
    }
    if (table.has("sigma")) {
        observed.sigma = read_per_bin(table, "sigma", "bins", axes, tables);
    }
    if (table.has("covariance")) {
        if (table.has("sigma")) {
            throw InputError(table.where("covariance"), "\"covariance\" does not go with \"sigma\"",
                             "its diagonal holds the squares of the errors", "leave sigma out?");
        }
        observed.covariance = read_covariance(table, "covariance", observed.counts.size(), tables);
    }
    const std::vector<double> errors = gaussian ? observed.errors() : std::vector<double>();
    const std::size_t n_inner = observed.counts.size() / axes[0].n_bins(); // bins that the fit leaves out may be empty
    for (std::size_t b = 0; b < observed.counts.size(); ++b) {
        const double n = observed.counts[b];
        const bool fitted = b / n_inner >= axes[0].first_fitted && b / n_inner < axes[0].end_fitted;
        if (gaussian && fitted && observed.sigma.empty() && observed.covariance.empty() && !(n > 0)) {
            throw InputError(table.where("counts"), fmt::format("counts[{}] = {} has no error", b, n),
                             "the Gaussian statistic takes the root of the counts where the file gives no sigma",
                             n < 0 ? "add sigma to [bins]?" : "add sigma to [bins], or write statistic = \"poisson\"?");
        }
        if (gaussian && fitted && !observed.sigma.empty() && observed.sigma[b] == 0) {
            throw InputError(table.where("sigma"), fmt::format("sigma[{}] = 0 is not positive", b));
        }
        if (gaussian && fitted) {
            const std::string key = observed.covariance.empty() ? "sigma" : "covariance";
            check_error(n, errors[b], key, b, table.where(table.has(key) ? key : "counts"));
        }
    }
}

void keep_fitted_bins(const BinAxis& energy, Experiment& experiment) {
    const auto first = energy.edges.begin() + static_cast<long>(energy.first_fitted);
    const auto last = energy.edges.begin() + static_cast<long>(energy.end_fitted);
    const std::size_t n_bins = experiment.counts.size();
    experiment.bin_edges = {first, last + 1};
    experiment.counts = fitted_part(experiment.counts, energy);
    experiment.sigma = fitted_part(experiment.sigma, energy);
    experiment.covariance = fitted_part(fitted_part(experiment.covariance, energy, n_bins), energy);
    for (Background& background : experiment.backgrounds) {
        background.counts = fitted_part(background.counts, energy);
    }
    for (Systematic& systematic : experiment.systematics) {
        for (SystematicEffect& effect : systematic.effects) {
            effect.added = fitted_part(effect.added, energy, static_cast<std::size_t>(systematic.n_knots));
        }
    }
    for (Channel& channel : experiment.channels) {
        for (std::vector<double>& share : channel.shares) {
            share = fitted_part(share, energy);
        }
    }
    experiment.response.matrix = fitted_part(experiment.response.matrix, energy, experiment.response.matrix_x.size());
}

} // namespace nuscan
