// SPDX-License-Identifier: Apache-2.0
#include "experiments/csv_table.hpp"

#include <charconv>
#include <cmath>
#include <sstream>

#include <fmt/format.h>

#include "config/quantity.hpp"
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

std::vector<double> energy_column(const CsvTable& table) {
    const std::string prefix = "energy_";
    const std::string& name = table.columns[0];
    const auto factor =
        name.starts_with(prefix) ? find_unit(name.substr(prefix.size()), Dimension::energy) : std::nullopt;
    if (!factor) {
        throw InputError({table.path, table.header_line}, fmt::format("the first column is \"{}\"", name),
                         "expected the energy with its unit", "write \"energy_keV\", \"energy_MeV\" or \"energy_eV\"?");
    }
    check_not_negative(table, 0);
    std::vector<double> energies;
    for (std::size_t row = 0; row < table.n_rows(); ++row) {
        const double x = table.values[0][row];
        if (row > 0 && !(x > table.values[0][row - 1])) {
            throw InputError(table.where(row),
                             fmt::format("{} = {} is not above {}", name, x, table.values[0][row - 1]),
                             "energies must increase");
        }
        energies.push_back((*factor)(x));
    }
    return energies;
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
