// SPDX-License-Identifier: Apache-2.0
#include "import/experiment_folder.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "config/error.hpp"
#include "output/durable.hpp"

namespace nuscan {

namespace fs = std::filesystem;

std::string csv_text(const std::string& comment, const std::vector<CsvColumn>& columns) {
    std::string text;
    std::istringstream lines(comment);
    for (std::string line; std::getline(lines, line);) {
        text += "# " + line + "\n";
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
        text += (i ? "," : "") + columns[i].name;
    }
    for (std::size_t row = 0; row < columns[0].values.size(); ++row) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            text += fmt::format("{}{:.9g}", i ? "," : "\n", columns[i].values[row]);
        }
    }
    return text + "\n";
}

void write_folders(const std::vector<ExperimentFolder>& folders, const std::string& parent) {
    const auto path = [&](const ExperimentFolder& folder) { return fs::path(parent) / folder.name; };
    const auto partial = [&](const ExperimentFolder& folder) { return path(folder).string() + ".partial"; };
    for (const ExperimentFolder& folder : folders) {
        if (fs::exists(fs::symlink_status(path(folder)))) {
            throw InputError({path(folder).string(), 0}, "it exists already", "an import replaces nothing",
                             "move it away, or choose another place with -o?");
        }
    }
    for (const ExperimentFolder& folder : folders) {
        fs::remove_all(partial(folder));
        fs::create_directories(partial(folder));
        for (const auto& [name, text] : folder.files) {
            const std::string file = (fs::path(partial(folder)) / name).string();
            std::ofstream out(file, std::ios::binary);
            if (!out.write(text.data(), static_cast<std::streamsize>(text.size())).flush()) {
                throw_errno(file, "write");
            }
        }
    }
    for (const ExperimentFolder& folder : folders) {
        fs::rename(partial(folder), path(folder));
    }
}

} // namespace nuscan
