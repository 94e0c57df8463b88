// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/error.hpp"
#include "config/quantity.hpp"

namespace nuscan {

/// A table of numbers: lines of cells, `#` comments, and a header row that names the columns with their units
/// (`energy_keV,efficiency`). Cells are separated by commas, semicolons or tabs, as those of the header are; they may
/// have blanks around them, and quotes.
struct CsvTable {
    std::string path;
    int header_line = 0;
    std::vector<std::string> columns;
    std::vector<std::vector<double>> values; //!< one vector per column
    std::vector<int> lines;                  //!< line of each row

    std::size_t n_rows() const { return lines.size(); }
    InputLocation where(std::size_t row) const { return {path, lines[row]}; }
};

/// Reads a table from UTF-8, with a mark of byte order or without. \throws InputError with file and line for another
/// encoding, a missing header, a cell that is no finite number, a row of another length, and a table without rows.
CsvTable read_csv_table(const std::string& text, const std::string& path);

/// The first column, which is the variable \p name: in internal units, converted from the unit in its name
/// (`energy_keV`, `time_us`; `photoelectrons` where it has none). \throws InputError where it is another, does not
/// increase strictly, or is negative where it cannot be: only time and what has no fixed meaning can.
std::vector<double> first_column(const CsvTable& table, const std::string& name, Dimension dimension);

//! The first column, which is the energy [MeV]
inline std::vector<double> energy_column(const CsvTable& table) {
    return first_column(table, "energy", Dimension::energy);
}
//! The first column, which is the time [s]
inline std::vector<double> time_column(const CsvTable& table) { return first_column(table, "time", Dimension::time); }

/// A variable's column, wherever it stands and in whatever order its values are: in internal units, as first_column().
/// \param index set to its place. \throws InputError where there is none.
std::vector<double> variable_column(const CsvTable& table, const std::string& name, Dimension dimension,
                                    std::size_t& index);

/// A column by name. \throws InputError with the nearest name.
const std::vector<double>& signed_column(const CsvTable& table, const std::string& name, const InputLocation& where);

//! A column of which no number may be negative
const std::vector<double>& column(const CsvTable& table, const std::string& name, const InputLocation& where);
//! The same by its place
const std::vector<double>& column(const CsvTable& table, std::size_t index);

} // namespace nuscan
