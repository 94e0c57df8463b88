// SPDX-License-Identifier: Apache-2.0
#include "experiments/experiment_tables.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "config/sha256.hpp"
#include "nuscan/constants.hpp"

namespace nuscan {

//! With its length in front, so that text cannot move from one file to the next unnoticed
void ExperimentTables::add_to_digest(const std::string& text) {
    digest_input_ += fmt::format("{}\n{}", text.size(), text);
}

std::string ExperimentTables::digest() const { return sha256_hex(digest_input_); }

std::string identifier(const TomlTable& table, const std::string& key) {
    const std::string name = table.string(key);
    const bool valid = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '-' || c == '_';
    });
    if (!valid) {
        throw InputError(table.where(key), fmt::format("{} = \"{}\" is not a valid name", key, name),
                         "letters, digits, - and _");
    }
    return name;
}

double positive(const TomlTable& table, const std::string& key, Dimension dimension) {
    const double value = table.quantity(key, dimension);
    if (!(value > 0)) {
        throw InputError(table.where(key), fmt::format("{} = {} is not positive", key, value));
    }
    return value;
}

double not_negative(const TomlTable& table, const std::string& key, Dimension dimension) {
    const double value = table.quantity(key, dimension, 0.0);
    if (value < 0) {
        throw InputError(table.where(key), fmt::format("{} = {} is negative", key, value));
    }
    return value;
}

std::string unit_suffix(Dimension dimension) {
    return dimension == Dimension::dimensionless ? "" : fmt::format(" {}", unit_name(dimension));
}

const CsvTable& ExperimentTables::csv(const std::string& file, const InputLocation& where) {
    const auto known = tables_.find(file);
    if (known != tables_.end()) {
        return known->second;
    }
    const std::string full = (std::filesystem::path(path_).parent_path() / file).lexically_normal().string();
    const std::string text = read_text_file(full, where);
    add_to_digest(text);
    return tables_.emplace(file, read_csv_table(text, full)).first->second;
}

TableReference read_table_reference(const TomlTable& table, const std::string& key, const ReferenceKeys& keys) {
    TableReference reference{key, table.where(key), "", "", false};
    const toml::node* node = table.raw().get(key);
    if (!node || !node->is_table()) {
        reference.file = table.string(key);
        return reference;
    }
    const TomlTable inner = table.table(key);
    std::vector<std::string> known{"table"};
    if (keys.column) {
        known.emplace_back("column");
    }
    if (keys.extrapolate) {
        known.emplace_back("extrapolate");
    }
    inner.allow_only(known);
    reference.file = inner.string("table");
    reference.column = inner.string("column", "");
    reference.extrapolate = inner.boolean("extrapolate", false);
    return reference;
}

Table ExperimentTables::two_columns(const TableReference& reference, const std::string& variable, Dimension dimension,
                                    double largest) {
    const CsvTable& rows = csv(reference.file, reference.where);
    if (reference.column.empty() && rows.columns.size() != 2) {
        throw InputError({rows.path, rows.header_line}, fmt::format("the table has {} columns", rows.columns.size()),
                         fmt::format("expected two: the {} and the {}", variable, reference.key),
                         rows.columns.size() > 2 ? fmt::format("write {} = {{ table = \"{}\", column = \"{}\" }}?",
                                                               reference.key, reference.file, rows.columns[1])
                                                 : "");
    }
    if (rows.n_rows() < 2) {
        throw InputError(rows.where(0), "the table has a single row", "a function needs two");
    }
    const std::string name = reference.column.empty() ? rows.columns[1] : reference.column;
    Table table = {first_column(rows, variable, dimension), column(rows, name, reference.where)};
    for (std::size_t i = 0; i < table.y.size(); ++i) {
        if (table.y[i] > largest) {
            throw InputError(rows.where(i), fmt::format("{} = {} is above {}", name, table.y[i], largest));
        }
    }
    return table;
}

TabulatedFunction ExperimentTables::function(const TomlTable& table, const std::string& key,
                                             const std::string& variable, Dimension dimension) {
    const TableReference reference = read_table_reference(table, key, {.column = true, .extrapolate = true});
    return {two_columns(reference, variable, dimension, constants::infinity), key, reference.where,
            reference.extrapolate};
}

TabulatedFunction ExperimentTables::probability(const TomlTable& table, const std::string& key,
                                                const std::string& variable, Dimension dimension) {
    const TableReference reference = read_table_reference(table, key, {.column = true, .extrapolate = true});
    return {two_columns(reference, variable, dimension, 1), key, reference.where, reference.extrapolate};
}

Table ExperimentTables::energy_table(const TomlTable& table, const std::string& key) {
    return two_columns(read_table_reference(table, key, {}), "energy", Dimension::energy, constants::infinity);
}

namespace {

/// Half a unit in the last place of each number as its table prints it, the longest saying how many digits that are:
/// fixed decimals, or significant digits. A number's shortest form has the digits that were printed but for zeros at
/// the end. At least two decimals and three digits are taken for printed.
class PrintedRounding {
public:
    explicit PrintedRounding(const std::vector<double>& printed) {
        for (const double value : printed) {
            const Digits of = digits(value);
            significant_ = std::max(significant_, of.significant);
            decimals_ = std::max(decimals_, of.significant - 1 - of.exponent);
        }
    }

    //! A zero takes nothing away from others
    double operator()(double value) const {
        return value == 0 ? 0 : 0.5 * std::pow(10, std::max(-decimals_, digits(value).exponent - significant_ + 1));
    }

private:
    struct Digits {
        int significant = 0, exponent = 0;
    };
    static Digits digits(double value) {
        if (value == 0) {
            return {};
        }
        char shortest[32];
        const auto end = std::to_chars(shortest, shortest + sizeof shortest, value, std::chars_format::scientific).ptr;
        const auto e = std::find(shortest, end, 'e');
        return {static_cast<int>(e - shortest) - (e - shortest > 1 ? 1 : 0), std::stoi(std::string(e + 1, end))};
    }

    int decimals_ = 2, significant_ = 3;
};

} // namespace

std::vector<double> rows_of_probabilities(const CsvTable& table, const std::string& what) {
    const std::size_t n_columns = table.columns.size() - 1;
    std::vector<double> out(table.n_rows() * n_columns);
    for (std::size_t i = 0; i < n_columns; ++i) {
        const std::vector<double>& values = column(table, i + 1);
        for (std::size_t row = 0; row < values.size(); ++row) {
            out[row * n_columns + i] = values[row];
        }
    }
    const PrintedRounding rounding(out);
    for (std::size_t row = 0; row < table.n_rows(); ++row) {
        const auto first = out.begin() + static_cast<long>(row * n_columns);
        double sum = 0, allowed = 0;
        for (auto value = first; value != first + static_cast<long>(n_columns); ++value) {
            sum += *value;
            allowed += rounding(*value);
        }
        constexpr double least = 1e-6;
        if (sum > 1 + std::max(least, allowed * (1 + 1e-6))) {
            throw InputError(table.where(row), fmt::format("{} add up to {:.12g}", what, sum), "at most 1");
        }
    }
    return out;
}

Table TabulatedFunction::over(const Range& needed, const Range& possible, const std::string& of,
                              const std::string& unit, double outside) const {
    Table out = table;
    const double low = table.x.front(), high = table.x.back();
    if (extrapolate) {
        if (possible.low < low) {
            out.x.insert(out.x.begin(), possible.low);
            out.y.insert(out.y.begin(), table.y.front());
        }
        if (possible.high > high) {
            out.x.push_back(possible.high);
            out.y.push_back(table.y.back());
        }
        return out;
    }
    const double rounding = 1e-12;
    // A table that breaks off inside the range would go unnoticed.
    const bool breaks_off = table.y.back() != outside && high < needed.high * (1 - rounding);
    const bool sets_in = table.y.front() != outside && low > needed.low + rounding * std::abs(needed.low);
    if (breaks_off || sets_in) {
        throw InputError(where,
                         fmt::format("the {} reaches from {:.6g} to {:.6g}{}, {} from {:.6g} to {:.6g}{}", name, low,
                                     high, unit, of, needed.low, needed.high, unit),
                         fmt::format("outside its table it is {}", outside == 0 ? "zero" : "1"),
                         fmt::format("extend the table, end it with a {}, or give it extrapolate = true",
                                     outside == 0 ? "zero" : "1"));
    }
    return out;
}

} // namespace nuscan
