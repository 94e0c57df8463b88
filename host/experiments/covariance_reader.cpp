// SPDX-License-Identifier: Apache-2.0
#include "experiments/covariance_reader.hpp"

#include <cmath>

#include <fmt/format.h>

namespace nuscan {
namespace {

void check_size(const CsvTable& rows, std::size_t n_bins) {
    const InputLocation header{rows.path, rows.header_line};
    if (rows.columns[0] != "bin") {
        throw InputError(header, fmt::format("the first column is \"{}\"", rows.columns[0]),
                         "expected the number of the bin", "write \"bin\"?");
    }
    if (rows.columns.size() != n_bins + 1) {
        throw InputError(header, fmt::format("the covariance has {} columns beside \"bin\"", rows.columns.size() - 1),
                         fmt::format("there are {} bins", n_bins));
    }
    for (std::size_t row = 0; row < rows.n_rows(); ++row) {
        if (rows.values[0][row] != static_cast<double>(row + 1)) {
            throw InputError(rows.where(row), fmt::format("bin = {}", rows.values[0][row]),
                             fmt::format("rows are in the order of the bins: expected {}", row + 1));
        }
    }
    if (rows.n_rows() != n_bins) {
        throw InputError({rows.path, 0}, fmt::format("the covariance has {} rows", rows.n_rows()),
                         fmt::format("there are {} bins", n_bins));
    }
}

void check_symmetric(const CsvTable& rows, std::vector<double>& C) {
    const std::size_t n = rows.n_rows();
    for (std::size_t i = 0; i < n; ++i) {
        if (!(C[i * n + i] > 0)) {
            throw InputError(rows.where(i), fmt::format("the variance of bin {} is {}", i + 1, C[i * n + i]),
                             "it is the square of an error, and positive");
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const double above = C[j * n + i], below = C[i * n + j];
            if (std::abs(above - below) > 1e-9 * std::sqrt(C[i * n + i] * C[j * n + j])) {
                throw InputError(rows.where(i),
                                 fmt::format("the covariance of bins {} and {} is {}, that of bins {} and {} is {}",
                                             i + 1, j + 1, below, j + 1, i + 1, above),
                                 "a covariance is symmetric");
            }
            C[j * n + i] = C[i * n + j] = (above + below) / 2;
        }
    }
}

//! By Cholesky's decomposition: each bin must have a variance of its own, beyond what earlier bins say of it.
void check_positive_definite(const CsvTable& rows, const std::vector<double>& C) {
    const std::size_t n = rows.n_rows();
    std::vector<double> L(n * n);
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j <= i; ++j) {
            double rest = C[i * n + j];
            for (std::size_t k = 0; k < j; ++k) {
                rest -= L[i * n + k] * L[j * n + k];
            }
            if (j < i) {
                L[i * n + j] = rest / L[j * n + j];
                continue;
            }
            const double rounding = 1e-12 * C[i * n + i];
            if (!(rest > rounding)) {
                throw InputError(rows.where(i), fmt::format("the covariance is not positive definite at bin {}", i + 1),
                                 fmt::format("given the bins before, its variance is {:.3g} of {:.3g}",
                                             std::abs(rest) > rounding ? rest : 0, C[i * n + i]));
            }
            L[i * n + i] = std::sqrt(rest);
        }
    }
}

} // namespace

std::vector<double> read_covariance(const TomlTable& table, const std::string& key, std::size_t n_bins,
                                    ExperimentTables& tables) {
    const TableReference reference = read_table_reference(table, key, {.column = false});
    const CsvTable& rows = tables.csv(reference.file, reference.where);
    check_size(rows, n_bins);
    std::vector<double> C(n_bins * n_bins);
    for (std::size_t i = 0; i < n_bins; ++i) {
        for (std::size_t j = 0; j < n_bins; ++j) {
            C[i * n_bins + j] = rows.values[j + 1][i];
        }
    }
    check_symmetric(rows, C);
    check_positive_definite(rows, C);
    return C;
}

} // namespace nuscan
