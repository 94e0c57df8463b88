// SPDX-License-Identifier: Apache-2.0
#include "experiments/csv_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
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

//! Where the next \p separator stands outside of quotes, or the end of the line
std::size_t end_of_cell(const std::string& line, std::size_t begin, char separator) {
    bool quoted = false;
    for (; begin < line.size() && (quoted || line[begin] != separator); ++begin) {
        quoted ^= line[begin] == '"';
    }
    return begin;
}

//! What stands in a cell, without the quotes around it
std::string unquoted(const std::string& cell) {
    const bool quoted = cell.size() > 1 && cell.front() == '"' && cell.back() == '"';
    return quoted ? trimmed(cell.substr(1, cell.size() - 2)) : cell;
}

std::vector<std::string> split_cells(const std::string& line, char separator) {
    std::vector<std::string> cells;
    for (std::size_t begin = 0; begin <= line.size();) {
        const std::size_t end = end_of_cell(line, begin, separator);
        cells.push_back(unquoted(trimmed(line.substr(begin, end - begin))));
        begin = end + 1;
    }
    return cells;
}

//! What separates the columns that a header row names: a semicolon or else a comma where it has one, or tabs
char separator_of(const std::string& header) {
    for (const char separator : {';', ','}) {
        if (end_of_cell(header, 0, separator) < header.size()) {
            return separator;
        }
    }
    return '\t';
}

bool is_number(const std::string& cell, double& value) {
    // from_chars takes no plus sign; a second sign after one would slip through as a negative number.
    const bool plus = cell.size() > 1 && cell[0] == '+' && cell[1] != '-';
    const auto [end, error] = std::from_chars(cell.data() + (plus ? 1 : 0), cell.data() + cell.size(), value);
    return error == std::errc() && end == cell.data() + cell.size();
}

[[noreturn]] void refuse_cell(const std::string& column, const std::string& cell, const InputLocation& where) {
    const std::string problem = fmt::format("{} = \"{}\" is not a number", column, cell);
    std::string with_point = cell;
    std::replace(with_point.begin(), with_point.end(), ',', '.');
    double value = 0;
    if (with_point != cell && is_number(with_point, value)) {
        throw InputError(where, problem, "numbers have a decimal point", fmt::format("write {}?", with_point));
    }
    throw InputError(where, problem);
}

//! Whether a line is UTF-8, of which every character beyond ASCII begins with a byte that tells how many follow
bool is_utf8(const std::string& line) {
    int following = 0;
    for (const char c : line) {
        const auto byte = static_cast<unsigned char>(c);
        if ((following > 0) != ((byte & 0xc0) == 0x80)) {
            return false;
        }
        const int announced = byte < 0xc0 ? 0 : (byte < 0xe0 ? 1 : (byte < 0xf0 ? 2 : 3));
        following = following > 0 ? following - 1 : announced;
    }
    return following == 0;
}

//! The text without its mark of byte order
std::string without_mark(const std::string& text, const std::string& path) {
    for (const char* mark : {"\xff\xfe", "\xfe\xff"}) {
        if (text.starts_with(mark)) {
            throw InputError({path, 1}, "the table is in UTF-16", "expected UTF-8", "save it as CSV in UTF-8?");
        }
    }
    const std::string utf8 = "\xef\xbb\xbf";
    return text.starts_with(utf8) ? text.substr(utf8.size()) : text;
}

void check_encoding(const std::string& line, const InputLocation& where) {
    if (line.find('\0') != std::string::npos) {
        throw InputError(where, "the line holds a zero byte", "text in UTF-16 does, UTF-8 is expected",
                         "save the table as CSV in UTF-8?");
    }
    if (!is_utf8(line)) {
        throw InputError(where, "the line is not in UTF-8", "Latin-1 or Windows-1252, it seems",
                         "save the table as CSV in UTF-8?");
    }
}

void check_not_negative(const CsvTable& table, const std::string& name, const std::vector<double>& values) {
    for (std::size_t row = 0; row < table.n_rows(); ++row) {
        if (values[row] < 0) {
            throw InputError(table.where(row), fmt::format("{} = {} is negative", name, values[row]));
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
    std::istringstream in(without_mark(text, path));
    std::string line;
    char separator = ',';
    for (int number = 1; std::getline(in, line); ++number) {
        const std::string content = trimmed(line);
        if (content.empty() || content[0] == '#') {
            continue;
        }
        const InputLocation where{path, number};
        check_encoding(content, where);
        if (std::count(content.begin(), content.end(), '"') % 2 != 0) {
            throw InputError(where, "a quote is never closed");
        }
        if (table.columns.empty()) {
            separator = separator_of(content);
        }
        // Of tabs those at the ends separate cells too.
        const std::vector<std::string> cells = split_cells(separator == '\t' ? line : content, separator);
        double value = 0;
        if (table.columns.empty()) {
            if (is_number(cells[0], value)) {
                throw InputError(where, "the table has no header row",
                                 "the first row names the columns with their units", "write \"energy_keV,...\" above?");
            }
            if (cells.size() == 1 && cells[0].find(' ') != std::string::npos) {
                throw InputError(where, fmt::format("the header names the single column \"{}\"", cells[0]),
                                 "columns are separated by commas, semicolons or tabs");
            }
            std::set<std::string> names;
            for (const std::string& cell : cells) {
                if (!names.insert(cell).second) {
                    throw InputError(where, fmt::format("two columns are called \"{}\"", cell));
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
                refuse_cell(table.columns[i], cells[i], where);
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
        check_not_negative(table, header, values);
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

const std::vector<double>& signed_column(const CsvTable& table, const std::string& name, const InputLocation& where) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (table.columns[i] == name) {
            return table.values[i];
        }
    }
    throw InputError(where, fmt::format("\"{}\" has no column \"{}\"", table.path, name),
                     "its columns are " + quoted_list(table.columns), did_you_mean(name, table.columns));
}

const std::vector<double>& column(const CsvTable& table, const std::string& name, const InputLocation& where) {
    const std::vector<double>& values = signed_column(table, name, where);
    check_not_negative(table, name, values);
    return values;
}

const std::vector<double>& column(const CsvTable& table, std::size_t index) {
    check_not_negative(table, table.columns[index], table.values[index]);
    return table.values[index];
}

} // namespace nuscan
