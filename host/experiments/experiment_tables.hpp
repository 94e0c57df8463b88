// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "config/toml_reader.hpp"
#include "experiments/csv_table.hpp"
#include "experiments/experiment.hpp"

namespace nuscan {

/// The tables beside an experiment file, each read once; collects what goes into the experiment's digest.
class ExperimentTables {
public:
    ExperimentTables(const std::string& experiment_path, const std::string& experiment_text) : path_(experiment_path) {
        add_to_digest(experiment_text);
    }

    const CsvTable& csv(const std::string& file, const InputLocation& where);
    //! A function of energy [MeV]: the table of two columns that a key names
    Table energy_table(const TomlTable& table, const std::string& key);

    std::string digest() const; //!< SHA-256 of all that was read, hex

private:
    void add_to_digest(const std::string& text);

    std::string path_;
    std::map<std::string, CsvTable> tables_;
    std::string digest_input_;
};

//! A name of letters, digits, - and _: they end up in parameter names (`experiment.background`) and on the command line
std::string identifier(const TomlTable& table, const std::string& key);

double positive(const TomlTable& table, const std::string& key, Dimension dimension);
//! Zero where the key is absent
double not_negative(const TomlTable& table, const std::string& key, Dimension dimension);

} // namespace nuscan
