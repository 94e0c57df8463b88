// SPDX-License-Identifier: Apache-2.0
#include "sources/tabulated.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "experiments/experiment_file.hpp"
#include "nuscan/constants.hpp"

namespace nuscan {
namespace {

/// One interval that tabulate() still has to look at.
struct Interval {
    double x0, y0, x1, y1;
};

//! The suffix of a column's name after \p prefix, or ""
std::string unit_after(const std::string& prefix, const std::string& name) {
    return name.starts_with(prefix) ? name.substr(prefix.size()) : "";
}

} // namespace

double value_at(const Table& table, double x) {
    const std::vector<double>& xs = table.x;
    if (xs.empty() || !(x >= xs.front() && x <= xs.back())) {
        return 0;
    }
    const auto upper = std::upper_bound(xs.begin(), xs.end(), x);
    if (upper == xs.end()) {
        return table.y.back();
    }
    const std::size_t i = static_cast<std::size_t>(upper - xs.begin());
    const double t = (x - xs[i - 1]) / (xs[i] - xs[i - 1]);
    return table.y[i - 1] + t * (table.y[i] - table.y[i - 1]);
}

double integral(const Table& table) {
    double sum = 0;
    for (std::size_t i = 1; i < table.x.size(); ++i) {
        sum += (table.x[i] - table.x[i - 1]) * (table.y[i] + table.y[i - 1]) / 2;
    }
    return sum;
}

void normalise(Table& table, double to) {
    const double sum = integral(table);
    for (double& y : table.y) {
        y *= to / sum;
    }
}

Table tabulate(const std::function<double(double)>& function, const std::vector<double>& edges, double tolerance) {
    const int first_intervals = 32; // between two edges, so that no feature between them goes unseen
    Table coarse;
    double peak = 0;
    for (std::size_t e = 0; e + 1 < edges.size(); ++e) {
        for (int i = 0; i < first_intervals; ++i) {
            coarse.x.push_back(edges[e] + (edges[e + 1] - edges[e]) * i / first_intervals);
        }
    }
    coarse.x.push_back(edges.back());
    for (const double x : coarse.x) {
        coarse.y.push_back(function(x));
        peak = std::max(peak, std::abs(coarse.y.back()));
    }
    const double narrowest = (edges.back() - edges.front()) * 1e-9;
    Table table = {{coarse.x.front()}, {coarse.y.front()}};
    std::vector<Interval> open; // the next one last
    for (std::size_t i = coarse.x.size() - 1; i > 0; --i) {
        open.push_back({coarse.x[i - 1], coarse.y[i - 1], coarse.x[i], coarse.y[i]});
    }
    while (!open.empty()) {
        const Interval interval = open.back();
        open.pop_back();
        const double width = interval.x1 - interval.x0;
        double middle = 0;
        bool straight = true;
        for (const double t : {0.25, 0.5, 0.75}) {
            const double y = function(interval.x0 + t * width);
            straight = straight && std::abs(y - (interval.y0 + t * (interval.y1 - interval.y0))) <= tolerance * peak;
            middle = t == 0.5 ? y : middle;
        }
        if (straight || width < narrowest) {
            table.x.push_back(interval.x1);
            table.y.push_back(interval.y1);
        } else {
            const double x = interval.x0 + width / 2;
            open.push_back({x, middle, interval.x1, interval.y1});
            open.push_back({interval.x0, interval.y0, x, middle});
        }
    }
    return table;
}

Table weighted_sum(const std::vector<double>& weights, const std::vector<Table>& tables) {
    const double step = 1e-9; // relative width of a jump
    Table sum;
    double lowest = constants::infinity, highest = 0;
    for (const Table& table : tables) {
        lowest = std::min(lowest, table.x.front());
        highest = std::max(highest, table.x.back());
    }
    for (const Table& table : tables) {
        sum.x.insert(sum.x.end(), table.x.begin(), table.x.end());
        if (table.y.front() != 0 && table.x.front() > lowest) {
            sum.x.push_back(table.x.front() * (1 - step));
        }
        if (table.y.back() != 0 && table.x.back() < highest) {
            sum.x.push_back(table.x.back() * (1 + step));
        }
    }
    std::sort(sum.x.begin(), sum.x.end());
    sum.x.erase(std::unique(sum.x.begin(), sum.x.end()), sum.x.end());
    for (const double x : sum.x) {
        double y = 0;
        for (std::size_t i = 0; i < tables.size(); ++i) {
            y += weights[i] * value_at(tables[i], x);
        }
        sum.y.push_back(y);
    }
    return sum;
}

std::vector<double> increasing_column(const CsvTable& table, std::size_t index) {
    const std::vector<double>& values = table.values[index];
    for (std::size_t row = 1; row < values.size(); ++row) {
        if (!(values[row] > values[row - 1])) {
            throw InputError(table.where(row),
                             fmt::format("{} = {} is not above {}", table.columns[index], values[row], values[row - 1]),
                             "it must increase from row to row");
        }
    }
    return values;
}

const CsvTable& two_columns(const TomlTable& table, const std::string& key, ExperimentTables& tables,
                            const std::string& what) {
    const CsvTable& rows = tables.csv(table.string(key), table.where(key));
    if (rows.columns.size() != 2) {
        throw InputError({rows.path, rows.header_line}, fmt::format("the table has {} columns", rows.columns.size()),
                         "expected two: " + what);
    }
    if (rows.n_rows() < 2) {
        throw InputError(rows.where(0), "the table has a single row", "a function needs two");
    }
    return rows;
}

Table absolute_spectrum(const TomlTable& table, const std::string& key, ExperimentTables& tables,
                        const std::string& prefix) {
    const CsvTable& rows = two_columns(table, key, tables, fmt::format("the energy and {}MeV", prefix));
    const InputLocation header{rows.path, rows.header_line};
    const std::string& name = rows.columns[1];
    const auto unit = find_unit(unit_after(prefix, name), Dimension::energy);
    if (!unit) {
        throw InputError(header, fmt::format("the second column is \"{}\"", name),
                         "its name says per what the spectrum is",
                         fmt::format("write \"{0}MeV\", \"{0}keV\" or \"{0}eV\"?", prefix));
    }
    Table spectrum = {energy_column(rows), column(rows, name, header)};
    for (double& y : spectrum.y) {
        y = y * unit->denominator / unit->numerator;
    }
    if (!(integral(spectrum) > 0)) {
        throw InputError(table.where(key), fmt::format("{} is zero everywhere", key));
    }
    return spectrum;
}

Table time_density(const TomlTable& table, const std::string& key, ExperimentTables& tables) {
    const CsvTable& rows = two_columns(table, key, tables, "the time and the density");
    const InputLocation header{rows.path, rows.header_line};
    const auto unit = find_unit(unit_after("time_", rows.columns[0]), Dimension::time);
    if (!unit) {
        throw InputError(header, fmt::format("the first column is \"{}\"", rows.columns[0]),
                         "expected the time with its unit", "write \"time_us\", \"time_ns\" or \"time_s\"?");
    }
    Table density = {increasing_column(rows, 0), column(rows, rows.columns[1], header)};
    for (double& t : density.x) {
        t = (*unit)(t);
    }
    if (!(integral(density) > 0)) {
        throw InputError(table.where(key), fmt::format("{} is zero everywhere", key));
    }
    normalise(density);
    return density;
}

std::string shipped_table(const std::string& name, const InputLocation& where) {
    const std::vector<std::string> folders = experiment_folders();
    for (const std::string& folder : folders) {
        const std::filesystem::path path = std::filesystem::path(folder) / name;
        if (std::filesystem::is_regular_file(path)) {
            return std::filesystem::absolute(path).lexically_normal().string();
        }
    }
    throw InputError(where, fmt::format("the shipped table \"{}\" is missing", name),
                     folders.empty() ? "there is no folder of experiments"
                                     : fmt::format("searched were {}", fmt::join(folders, ", ")),
                     "set NUSCAN_EXPERIMENTS to the folder that holds the experiments");
}

} // namespace nuscan
