// SPDX-License-Identifier: Apache-2.0
#include "experiments/csv_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "config/toml_reader.hpp"

namespace nuscan {
namespace {

std::string trimmed(const std::string& text) {
    const char* blanks = " \t\r";
    const std::size_t first = text.find_first_not_of(blanks);
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string> split_cells(const std::string& line) {
    std::vector<std::string> cells;
    std::size_t begin = 0;
    for (std::size_t comma; (comma = line.find(',', begin)) != std::string::npos; begin = comma + 1) {
        cells.push_back(trimmed(line.substr(begin, comma - begin)));
    }
    cells.push_back(trimmed(line.substr(begin)));
    return cells;
}

bool is_number(const std::string& cell, double& value) {
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    return error == std::errc() && end == cell.data() + cell.size();
}

void check_not_negative(const CsvTable& table, std::size_t column_index) {
    for (std::size_t row = 0; row < table.n_rows(); ++row) {
        if (table.values[column_index][row] < 0) {
            throw InputError(table.where(row), fmt::format("{} = {} is negative", table.columns[column_index],
                                                           table.values[column_index][row]));
        }
    }
}

//! Factor to the internal unit of a column that holds the variable, e.g. of "energy_keV"; nothing where it is another
std::optional<UnitFactor> factor_of(const std::string& column, const std::string& name, Dimension dimension) {
    if (dimension == Dimension::dimensionless) {
        return column == name ? std::optional<UnitFactor>({1, 1}) : std::nullopt;
    }
    const std::string prefix = name + "_";
    return column.starts_with(prefix) ? find_unit(column.substr(prefix.size()), dimension) : std::nullopt;
}

std::string names_of_column(const std::string& name, Dimension dimension) {
    switch (dimension) {
    case Dimension::energy:
        return quoted_list({name + "_keV", name + "_MeV", name + "_eV"});
    case Dimension::time:
        return quoted_list({name + "_us", name + "_ns", name + "_s"});
    default:
        return quoted_list({name});
    }
}

std::string with_unit(const std::string& name, Dimension dimension) {
    return dimension == Dimension::dimensionless ? name : name + " with its unit";
}

std::vector<double> converted(const std::vector<double>& values, const UnitFactor& factor) {
    std::vector<double> out;
    for (const double value : values) {
        out.push_back(factor(value));
    }
    return out;
}

} // namespace

CsvTable read_csv_table(const std::string& text, const std::string& path) {
    CsvTable table;
    table.path = path;
    std::istringstream in(text);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const std::string content = trimmed(line);
        if (content.empty() || content[0] == '#') {
            continue;
        }
        const InputLocation where{path, number};
        const std::vector<std::string> cells = split_cells(content);
        double value = 0;
        if (table.columns.empty()) {
            if (is_number(cells[0], value)) {
                throw InputError(where, "the table has no header row",
                                 "the first row names the columns with their units", "write \"energy_keV,...\" above?");
            }
            for (std::size_t i = 0; i < cells.size(); ++i) {
                if (std::find(cells.begin(), cells.begin() + static_cast<long>(i), cells[i]) !=
                    cells.begin() + static_cast<long>(i)) {
                    throw InputError(where, fmt::format("two columns are called \"{}\"", cells[i]));
                }
            }
            table.header_line = number;
            table.columns = cells;
            table.values.resize(cells.size());
            continue;
        }
        if (cells.size() != table.columns.size()) {
            throw InputError(where, fmt::format("the row has {} cells", cells.size()),
                             fmt::format("the header names {} columns", table.columns.size()));
        }
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (!is_number(cells[i], value)) {
                throw InputError(where, fmt::format("{} = \"{}\" is not a number", table.columns[i], cells[i]));
            }
            if (!std::isfinite(value)) {
                throw InputError(where, fmt::format("{} = {} is not finite", table.columns[i], value));
            }
            table.values[i].push_back(value);
        }
        table.lines.push_back(number);
    }
    if (table.n_rows() == 0) {
        throw InputError({path, 0}, "the table has no rows");
    }
    return table;
}

std::vector<double> first_column(const CsvTable& table, const std::string& name, Dimension dimension) {
    const std::string& header = table.columns[0];
    const auto factor = factor_of(header, name, dimension);
    if (!factor) {
        throw InputError({table.path, table.header_line}, fmt::format("the first column is \"{}\"", header),
                         "expected the " + with_unit(name, dimension),
                         fmt::format("write {}?", names_of_column(name, dimension)));
    }
    const std::vector<double>& values = table.values[0];
    if (dimension == Dimension::energy || name == "photoelectrons") {
        check_not_negative(table, 0);
    }
    for (std::size_t row = 1; row < table.n_rows(); ++row) {
        if (!(values[row] > values[row - 1])) {
            throw InputError(table.where(row),
                             fmt::format("{} = {} is not above {}", header, values[row], values[row - 1]),
                             (dimension == Dimension::energy ? "energies" : header) + " must increase");
        }
    }
    return converted(values, *factor);
}

std::vector<double> variable_column(const CsvTable& table, const std::string& name, Dimension dimension,
                                    std::size_t& index) {
    for (index = 0; index < table.columns.size(); ++index) {
        if (const auto factor = factor_of(table.columns[index], name, dimension)) {
            return converted(table.values[index], *factor);
        }
    }
    throw InputError({table.path, table.header_line}, fmt::format("the table has no column \"{}\"", name),
                     dimension == Dimension::dimensionless ? "" : "with its unit",
                     fmt::format("add {}?", names_of_column(name, dimension)));
}

const std::vector<double>& column(const CsvTable& table, const std::string& name, const InputLocation& where) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (table.columns[i] == name) {
            check_not_negative(table, i);
            return table.values[i];
        }
    }
    throw InputError(where, fmt::format("\"{}\" has no column \"{}\"", table.path, name),
                     "its columns are " + quoted_list(table.columns), did_you_mean(name, table.columns));
}

} // namespace nuscan
