// SPDX-License-Identifier: Apache-2.0
#include "experiments/experiment_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "experiments/background_reader.hpp"
#include "experiments/bins_reader.hpp"
#include "experiments/channel_reader.hpp"
#include "experiments/response_reader.hpp"
#include "experiments/source_reader.hpp"
#include "experiments/statistic_reader.hpp"
#include "experiments/systematic_reader.hpp"
#include "experiments/table_ends.hpp"
#include "experiments/target_reader.hpp"
#include "experiments/uncertainty.hpp"

namespace nuscan {
namespace {

namespace fs = std::filesystem;

fs::path program_folder() {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    return error ? fs::path() : program.parent_path();
}

//! What neutrinos scatter on, and how that is seen
void read_signal(const TomlTable& file, const std::vector<BinAxis>& axes, ExperimentTables& tables,
                 Experiment& experiment) {
    experiment.live_time = read_live_time(file);
    const TargetInput target = read_target(file);
    experiment.target = target.material;
    experiment.channels =
        read_channels(file, target, experiment.sources, axes, experiment.response, tables, experiment.notes);
    const TomlTable signal = file.table("signal");
    signal.allow_only({"uncertainty"});
    experiment.where = {file.where("exposure"), file.where("response"), signal.where("uncertainty")};
    experiment.signal_sigma = signal.has("uncertainty") ? read_uncertainty(signal, "uncertainty") : 0;
}

//! Without sources there are backgrounds alone.
void refuse_signal(const TomlTable& file, Experiment& experiment) {
    if (file.has("signal")) {
        throw InputError(file.where("signal"), "there is a [signal], but no [[source]]", "neutrinos add nothing");
    }
    for (const char* key : {"target", "exposure", "channel"}) {
        if (file.has(key)) {
            experiment.notes.push_back(input_message(file.where(key), fmt::format("\"{}\" is not used", key),
                                                     "there is no [[source]], so that backgrounds alone are fitted"));
        }
    }
}

} // namespace

std::vector<std::string> experiment_folders() {
    std::vector<std::string> folders;
    if (const char* variable = std::getenv("NUSCAN_EXPERIMENTS")) {
        const std::string list = variable;
        for (std::size_t begin = 0; begin <= list.size();) {
            const std::size_t end = std::min(list.find(':', begin), list.size());
            const std::string folder = list.substr(begin, end - begin);
            if (!folder.empty()) {
                if (!fs::is_directory(folder)) {
                    throw InputError({"$NUSCAN_EXPERIMENTS", 0}, fmt::format("there is no folder \"{}\"", folder),
                                     "folders are separated by colons");
                }
                folders.push_back(folder);
            }
            begin = end + 1;
        }
    }
    const fs::path program = program_folder();
    if (!program.empty()) {
        const fs::path installed = (program / "../share/nuscan/experiments").lexically_normal();
        if (fs::is_directory(installed)) {
            folders.push_back(installed.string());
        }
    }
    if (fs::is_directory(NUSCAN_SOURCE_EXPERIMENTS)) {
        folders.push_back(NUSCAN_SOURCE_EXPERIMENTS);
    }
    return folders;
}

std::vector<std::string> experiment_names() {
    std::vector<std::string> names;
    for (const std::string& folder : experiment_folders()) {
        for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
            if (fs::is_regular_file(entry.path() / "experiment.toml")) {
                names.push_back(entry.path().filename().string());
            }
        }
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::string find_experiment(const std::string& name, const InputLocation& where) {
    const std::vector<std::string> names = experiment_names();
    if (std::find(names.begin(), names.end(), name) != names.end()) {
        for (const std::string& folder : experiment_folders()) {
            const fs::path path = fs::path(folder) / name / "experiment.toml";
            if (fs::is_regular_file(path)) {
                return path.string();
            }
        }
    }
    const std::string suggestion = did_you_mean(name, names);
    throw InputError(where, fmt::format("unknown experiment \"{}\"", name),
                     names.empty() ? "there are none: set NUSCAN_EXPERIMENTS to the folder that holds them"
                                   : "known are " + fmt::format("{}", fmt::join(names, ", ")),
                     suggestion);
}

Experiment read_experiment(const std::string& path) {
    const std::string text = read_text_file(path);
    const toml::table toml = parse_toml(text, path);
    const TomlTable file(toml, path);
    ExperimentTables tables(path, text);
    file.allow_only({"name", "title", "citation", "statistic", "couplings", "source", "target", "exposure", "channel",
                     "response", "bins", "signal", "background", "systematic"});
    Experiment experiment;
    experiment.name = identifier(file, "name");
    experiment.title = file.string("title");
    experiment.citation = file.string("citation");
    experiment.statistic = read_statistic(file, Statistic::poisson);
    experiment.couplings = file.choice("couplings", {"tree", "radiative"}, "tree") == "tree"
                               ? CouplingScheme::tree
                               : CouplingScheme::radiative;
    experiment.sources = read_sources(file, tables, experiment.notes);
    const std::vector<BinAxis> axes = read_bin_axes(file);
    for (std::size_t i = 1; i < axes.size(); ++i) {
        experiment.further.push_back({axes[i].name, axes[i].edges});
    }
    experiment.response = read_response(file, axes, experiment.sources, tables);
    if (!experiment.sources.empty()) {
        read_signal(file, axes, tables, experiment);
    } else {
        refuse_signal(file, experiment);
    }
    read_observed(file, axes, tables, experiment);
    read_backgrounds(file, axes, tables, experiment);
    read_systematics(file, axes, tables, experiment);
    if (!experiment.covariance.empty() && !experiment.systematics.empty()) {
        throw InputError(
            file.table("bins").where("covariance"),
            fmt::format("\"covariance\" does not go with systematic \"{}\"", experiment.systematics[0].name),
            "what is uncertain beyond normalisations is in the covariance");
    }
    keep_fitted_bins(axes[0], experiment);
    if (!experiment.sources.empty()) {
        for (const std::string& note : notes_on_table_ends(file, experiment)) {
            experiment.notes.push_back(note);
        }
    }
    check_uncertainties(file, experiment);
    experiment.digest = tables.digest();
    return experiment;
}

} // namespace nuscan
