// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

namespace nuscan {

/// The folder of an experiment that is still to be written: an experiment file and all that belongs to it.
struct ExperimentFolder {
    std::string name;
    std::map<std::string, std::string> files; //!< texts by name
};

struct CsvColumn {
    std::string name; //!< with its unit: "energy_keV"
    std::vector<double> values;
};

/// A table as experiment files take it, numbers to nine digits. \param comment its lines, without the #
std::string csv_text(const std::string& comment, const std::vector<CsvColumn>& columns);

/// Writes all folders into \p parent, or none: each as FOLDER.partial, which is renamed once all are complete. What an
/// earlier run left under that name is replaced. \throws InputError where a folder exists already, std::runtime_error
/// where writing fails
void write_folders(const std::vector<ExperimentFolder>& folders, const std::string& parent);

} // namespace nuscan
