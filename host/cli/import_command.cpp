// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <fmt/format.h>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/waiting.hpp"
#include "import/import.hpp"

namespace nuscan::cli {

namespace {

using Import = std::vector<ExperimentFolder> (*)(const std::string& folder);

struct Arguments {
    std::string release, folder, parent = ".";
};

} // namespace

void add_import_command(CLI::App& app) {
    auto* command = app.add_subcommand("import", "Experiment folders from an experiment's data release");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("release", arguments->release, "coherent-lar, coherent-csi or dresden-ii")->required();
    command->add_option("folder", arguments->folder, "Folder with the files of the release")->required();
    command->add_option("-o", arguments->parent, "Folder in which those of the experiments are made")
        ->capture_default_str();
    command->callback([arguments] {
        const Import import = choose<Import>("import", arguments->release,
                                             {{"coherent-lar", import_coherent_lar},
                                              {"coherent-csi", import_coherent_csi},
                                              {"dresden-ii", import_dresden_ii}});
        Waiting waiting;
        waiting.at("reading " + arguments->folder + " and writing folders of experiments");
        const std::vector<ExperimentFolder> folders = import(arguments->folder);
        write_folders(folders, arguments->parent);
        waiting.end();
        for (const ExperimentFolder& folder : folders) {
            fmt::print("{}\n", (std::filesystem::path(arguments->parent) / folder.name).string());
        }
        fmt::print("Their README.md says where each figure comes from. For use = \"{}\" in a scan file:\n"
                   "export NUSCAN_EXPERIMENTS={}\n",
                   folders[0].name, std::filesystem::absolute(arguments->parent).lexically_normal().string());
    });
}

} // namespace nuscan::cli
