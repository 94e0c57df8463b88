// SPDX-License-Identifier: Apache-2.0
#include "import/release.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/error.hpp"
#include "config/toml_reader.hpp"

namespace nuscan {
namespace {

double number(const std::string& word, const InputLocation& where) {
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) {
        throw InputError(where, fmt::format("\"{}\" is not a number", word));
    }
    if (!std::isfinite(value)) {
        throw InputError(where, fmt::format("\"{}\" is not finite", word));
    }
    return value;
}

std::vector<double> numbers(const std::string& line, const InputLocation& where) {
    std::istringstream words(line);
    std::vector<double> row;
    for (std::string word; words >> word;) {
        row.push_back(number(word, where));
    }
    return row;
}

//! Whether the first numbers of a row are the centres of the bin that is the row's
void check_centres(const std::vector<double>& values, const std::vector<BinCentres>& bins, std::size_t row,
                   const InputLocation& where) {
    for (std::size_t a = bins.size(); a-- > 0; row /= bins[a].n) {
        const double expected = bins[a](row % bins[a].n);
        if (std::abs(values[a] - expected) > 1e-6 * bins[a].step) {
            throw InputError(where, fmt::format("{} = {} is not the centre of the row's bin", bins[a].name, values[a]),
                             fmt::format("in the release it is {:.6g}", expected));
        }
    }
}

} // namespace

Release::Release(std::string folder, std::string origin) : folder_(std::move(folder)), origin_(std::move(origin)) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder_, ignored)) {
        throw InputError({folder_, 0}, "there is no such folder", "expected that of the release, " + origin_);
    }
}

std::string Release::path(const std::string& name) const { return (std::filesystem::path(folder_) / name).string(); }

std::string Release::anew() const { return fmt::format("take the file anew from {}?", origin_); }

std::string Release::text(const std::string& name) const {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path(name), ignored)) {
        throw InputError({path(name), 0}, "the file is missing", "the release has it",
                         fmt::format("take it from {}?", origin_));
    }
    return read_text_file(path(name));
}

std::vector<std::vector<double>> Release::read(const ReleaseFile& file) {
    const InputLocation whole{path(file.name), 0};
    std::size_t n_rows = file.n_rows;
    if (!file.bins.empty()) {
        n_rows = 1;
        for (const BinCentres& bins : file.bins) {
            n_rows *= bins.n;
        }
    }
    const std::size_t n_columns = file.bins.size() + file.sums.size();

    std::vector<std::vector<double>> columns(file.sums.size());
    std::istringstream in(text(file.name));
    std::string line;
    std::size_t row = 0;
    for (int at = 1; std::getline(in, line); ++at) {
        const std::size_t first = line.find_first_not_of(" \t\r");
        if (first == std::string::npos || line[first] == '#' || (file.header && at == 1)) {
            continue;
        }
        const InputLocation where{whole.file, at};
        const std::vector<double> values = numbers(line, where);
        if (values.size() != n_columns) {
            throw InputError(where, fmt::format("the row has {} numbers", values.size()),
                             fmt::format("the release has {}", n_columns), anew());
        }
        if (row < n_rows) {
            check_centres(values, file.bins, row, where);
        }
        for (std::size_t i = 0; i < columns.size(); ++i) {
            columns[i].push_back(values[file.bins.size() + i]);
        }
        ++row;
    }
    if (row != n_rows) {
        throw InputError(whole, fmt::format("the file has {} rows", row), fmt::format("the release has {}", n_rows),
                         anew());
    }
    std::vector<double> sums;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        double sum = 0, magnitude = 0;
        for (const double value : columns[i]) {
            sum += value;
            magnitude += std::abs(value);
        }
        if (!(std::abs(sum - file.sums[i]) <= 1e-9 * magnitude)) {
            throw InputError(whole, fmt::format("column {} adds up to {:.12g}", file.bins.size() + i + 1, sum),
                             fmt::format("in the release to {:.12g}", file.sums[i]), anew());
        }
        sums.push_back(sum);
    }
    checks_ += fmt::format("| `{}` | {} | {:.9g} |\n", file.name, n_rows, fmt::join(sums, ", "));
    return columns;
}

void Release::check_parameters(const std::string& name, const std::vector<std::pair<std::string, double>>& expected) {
    const std::string file = path(name);
    std::map<std::string, std::vector<std::pair<double, int>>> values; // with their lines
    std::istringstream in(text(name));
    std::string line, key;
    for (int at = 1; std::getline(in, line); ++at) {
        std::istringstream words(line);
        std::string word;
        if (!(words >> word)) {
            continue;
        }
        if (line[0] != ' ' && word.back() == ':') {
            key = word.substr(0, word.size() - 1);
        } else if (word == "value:" && words >> word) {
            values[key].emplace_back(number(word, {file, at}), at);
        }
    }
    std::map<std::string, std::size_t> used;
    for (const auto& [parameter, value] : expected) {
        const auto& found = values[parameter];
        const std::size_t i = used[parameter]++;
        if (i >= found.size()) {
            throw InputError({file, 0}, fmt::format("{} has no value", parameter),
                             fmt::format("in the release it is {}", value), anew());
        }
        if (found[i].first != value) {
            throw InputError({file, found[i].second}, fmt::format("{} = {}", parameter, found[i].first),
                             fmt::format("in the release it is {}", value), anew());
        }
    }
    checks_ += fmt::format("| `{}` | | its {} parameters that are used |\n", name, expected.size());
}

} // namespace nuscan
