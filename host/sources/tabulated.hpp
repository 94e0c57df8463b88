// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "experiments/experiment_tables.hpp"

/// Tables as functions: linear in between their points, zero outside.
namespace nuscan {

//! y at \p x
double value_at(const Table& table, double x);

//! ∫ y dx
double integral(const Table& table);

//! Scales a table whose integral is positive so that it becomes \p to
void normalise(Table& table, double to = 1);

/// Tabulates \p function so finely that linear interpolation is good to \p tolerance × its largest value.
///
/// Starts from the intervals between \p edges (increasing; kinks of the function belong here) and halves each until it
/// is straight, as seen at its quarters.
Table tabulate(const std::function<double(double)>& function, const std::vector<double>& edges, double tolerance);

/// Σ_i weights[i] × tables[i], exactly: on the union of their points, with a point just outside each jump to zero.
Table weighted_sum(const std::vector<double>& weights, const std::vector<Table>& tables);

// ---- reading ----------------------------------------------------------------------------------------------------

//! A column by position. \throws InputError where it does not increase strictly
std::vector<double> increasing_column(const CsvTable& table, std::size_t index);

//! The table that a key names, with exactly two columns and two rows at least; \p what are its columns in errors
const CsvTable& two_columns(const TomlTable& table, const std::string& key, ExperimentTables& tables,
                            const std::string& what);

/// A spectrum in absolute units, per MeV: the table of two columns that a key names.
///
/// The second column's name is \p prefix and the unit of energy, e.g. "per_fission_MeV" or "per_fission_keV".
/// \throws InputError with file and line
Table absolute_spectrum(const TomlTable& table, const std::string& key, ExperimentTables& tables,
                        const std::string& prefix);

/// A density over time [1/s], normalised to 1: the table of two columns that a key names. The first is `time_s`,
/// `time_us` or the like; only the shape of the second counts. \throws InputError with file and line
Table time_density(const TomlTable& table, const std::string& key, ExperimentTables& tables);

/// Path of a table that is shipped with the experiments, e.g. "solar/pp.csv": the first in experiment_folders().
/// \throws InputError at \p where if none of them has it.
std::string shipped_table(const std::string& name, const InputLocation& where);

} // namespace nuscan
