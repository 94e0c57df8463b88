// SPDX-License-Identifier: Apache-2.0
#include "experiments/experiment_tables.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>

#include "config/sha256.hpp"

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

Table ExperimentTables::energy_table(const TomlTable& table, const std::string& key) {
    const CsvTable& rows = csv(table.string(key), table.where(key));
    if (rows.columns.size() != 2) {
        throw InputError({rows.path, rows.header_line}, fmt::format("the table has {} columns", rows.columns.size()),
                         "expected two: the energy and the " + key);
    }
    if (rows.n_rows() < 2) {
        throw InputError(rows.where(0), "the table has a single row", "a function needs two");
    }
    return {energy_column(rows), column(rows, rows.columns[1], {rows.path, rows.header_line})};
}

} // namespace nuscan
