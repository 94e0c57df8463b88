// SPDX-License-Identifier: Apache-2.0
#include "experiments/experiment_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "experiments/bins_reader.hpp"
#include "experiments/channel_reader.hpp"
#include "experiments/response_reader.hpp"
#include "experiments/source_reader.hpp"
#include "experiments/statistic_reader.hpp"
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

} // namespace

double read_uncertainty(const TomlTable& table, const std::string& key) {
    const toml::node* node = table.raw().get(key);
    if (node && node->is_string()) {
        const std::string word = node->as_string()->get();
        if (word == "fixed") {
            return 0;
        }
        if (word == "free") {
            return std::numeric_limits<double>::infinity();
        }
        throw InputError(table.where(key), fmt::format("{} = \"{}\" is unknown", key, word),
                         "expected \"fixed\", \"free\" or a relative standard deviation like 0.13",
                         did_you_mean(word, {"fixed", "free"}));
    }
    const double sigma = table.quantity(key, Dimension::dimensionless);
    if (!(sigma > 0)) {
        throw InputError(table.where(key), fmt::format("{} = {} is not positive", key, sigma),
                         "expected \"fixed\", \"free\" or a relative standard deviation like 0.13",
                         sigma == 0 ? "did you mean \"fixed\"?" : "");
    }
    return sigma;
}

void check_uncertainty(const Background& background, const InputLocation& where) {
    const bool empty =
        std::all_of(background.counts.begin(), background.counts.end(), [](double count) { return count == 0; });
    if (empty && background.sigma != 0) {
        throw InputError(where, fmt::format("background \"{}\" is zero in every bin", background.name),
                         "its normalisation has nothing to scale", "write \"fixed\"?");
    }
}

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
                     "response", "bins", "signal", "background"});
    Experiment experiment;
    experiment.name = identifier(file, "name");
    experiment.title = file.string("title");
    experiment.citation = file.string("citation");
    experiment.statistic = read_statistic(file, Statistic::poisson);
    experiment.couplings = file.choice("couplings", {"tree", "radiative"}, "tree") == "tree"
                               ? CouplingScheme::tree
                               : CouplingScheme::radiative;
    experiment.sources = read_sources(file, tables);
    experiment.live_time = read_live_time(file);
    const TargetInput target = read_target(file);
    experiment.target = target.material;
    const std::vector<BinAxis> axes = read_bin_axes(file);
    for (std::size_t i = 1; i < axes.size(); ++i) {
        experiment.further.push_back({axes[i].name, axes[i].edges});
    }
    experiment.response = read_response(file, axes, experiment.sources, tables);
    experiment.channels =
        read_channels(file, target, experiment.sources, axes, experiment.response, tables, experiment.notes);
    read_observed(file, axes, tables, experiment);
    const TomlTable signal = file.table("signal");
    signal.allow_only({"uncertainty"});
    experiment.signal_sigma = signal.has("uncertainty") ? read_uncertainty(signal, "uncertainty") : 0;
    experiment.backgrounds = read_backgrounds(file, axes, tables);
    keep_fitted_bins(file, axes[0], experiment);
    experiment.digest = tables.digest();
    return experiment;
}

} // namespace nuscan
