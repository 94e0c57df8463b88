// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/toml_reader.hpp"
#include "experiments/csv_table.hpp"
#include "experiments/experiment.hpp"

namespace nuscan {

//! From low to high, in the internal unit of what it is a range of
struct Range {
    double low, high;
};

/// A table as an experiment file names it: `key = "file.csv"`, or
/// `key = { table = "file.csv", column = "name", extrapolate = true }`.
struct TableReference {
    std::string key;
    InputLocation where;
    std::string file;
    std::string column;       //!< "" where none is named
    bool extrapolate = false; //!< constant continuation at both ends
};

//! Keys that a reference may have beside `table`
struct ReferenceKeys {
    bool column = true;
    bool extrapolate = false;
};

TableReference read_table_reference(const TomlTable& table, const std::string& key, const ReferenceKeys& keys);

/// A tabulated function and what its file says about the region beyond it.
struct TabulatedFunction {
    Table table;
    std::string name; //!< as error messages call it: "efficiency"
    InputLocation where;
    bool extrapolate = false;

    /// The table, which must cover the range \p needed or end in the value that it has \p outside (0, or 1 for a
    /// correction) anyhow; one to be extrapolated is continued over the range \p possible.
    /// \param of what the range is of, in error messages ("the bins")
    /// \throws InputError where it is neither
    Table over(const Range& needed, const Range& possible, const std::string& of, const std::string& unit,
               double outside = 0) const;
};

/// The tables beside an experiment file, each read once; collects what goes into the experiment's digest.
class ExperimentTables {
public:
    ExperimentTables(const std::string& experiment_path, const std::string& experiment_text) : path_(experiment_path) {
        add_to_digest(experiment_text);
    }

    const CsvTable& csv(const std::string& file, const InputLocation& where);

    /// A function of one variable, from the table that a key names: its first column and one other, which is not
    /// negative.
    TabulatedFunction function(const TomlTable& table, const std::string& key, const std::string& variable = "energy",
                               Dimension dimension = Dimension::energy);
    //! The same for what is never above 1
    TabulatedFunction probability(const TomlTable& table, const std::string& key,
                                  const std::string& variable = "energy", Dimension dimension = Dimension::energy);
    //! A function of energy [MeV] that vanishes outside its table
    Table energy_table(const TomlTable& table, const std::string& key);

    std::string digest() const; //!< SHA-256 of all that was read, hex

private:
    void add_to_digest(const std::string& text);
    Table two_columns(const TableReference& reference, const std::string& variable, Dimension dimension,
                      double largest);

    std::string path_;
    std::map<std::string, CsvTable> tables_;
    std::string digest_input_;
};

/// What a table holds beside its first column: rows × (columns − 1) numbers, none negative, that add up to at most 1 in
/// each row, or to what rounding to the table's digits makes of it. \param what they are, in error messages ("the
/// shares"). \throws InputError
std::vector<double> rows_of_probabilities(const CsvTable& table, const std::string& what);

//! A name of letters, digits, - and _: they end up in parameter names (`experiment.background`) and on the command line
std::string identifier(const TomlTable& table, const std::string& key);

double positive(const TomlTable& table, const std::string& key, Dimension dimension);
//! Zero where the key is absent
double not_negative(const TomlTable& table, const std::string& key, Dimension dimension);

//! " MeV", or "" for what has no unit: to stand behind a number
std::string unit_suffix(Dimension dimension);

} // namespace nuscan
