// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/error.hpp"

namespace nuscan {

/// A table of numbers: lines of comma-separated cells, `#` comments, and a header row that names the columns with
/// their units (`energy_keV,efficiency`).
struct CsvTable {
    std::string path;
    int header_line = 0;
    std::vector<std::string> columns;
    std::vector<std::vector<double>> values; //!< one vector per column
    std::vector<int> lines;                  //!< line of each row

    std::size_t n_rows() const { return lines.size(); }
    InputLocation where(std::size_t row) const { return {path, lines[row]}; }
};

/// Reads a table. \throws InputError with file and line for a missing header, a cell that is no finite number, a row of
/// another length, and a table without rows.
CsvTable read_csv_table(const std::string& text, const std::string& path);

/// The first column, which is the energy: in MeV, converted from the unit in its name.
/// \throws InputError where it is not one, is negative or does not increase strictly.
std::vector<double> energy_column(const CsvTable& table);

/// A column by name, none of it negative. \throws InputError with the nearest name.
const std::vector<double>& column(const CsvTable& table, const std::string& name, const InputLocation& where);

} // namespace nuscan
