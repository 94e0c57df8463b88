// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "backends/backend.hpp"
#include "config/scan_config.hpp"
#include "scan/suspicions.hpp"

namespace nuscan::cli {

//! Splits `--set KEY=VALUE` arguments. \throws InputError where one has no '='
inline std::vector<Override> split_overrides(const std::vector<std::string>& arguments) {
    std::vector<Override> overrides;
    for (const std::string& argument : arguments) {
        const std::size_t equals = argument.find('=');
        if (equals == std::string::npos || equals == 0) {
            throw InputError({"command line", 0}, "--set " + argument + " has no value", "it reads KEY=VALUE",
                             "write --set '" + argument + "=…'?");
        }
        overrides.emplace_back(argument.substr(0, equals), argument.substr(equals + 1));
    }
    return overrides;
}

//! Tells on stderr what the experiment files are worth a note for
inline void print_notes(const ScanConfig& config) {
    for (const Experiment& experiment : config.experiments) {
        for (const std::string& note : experiment.notes) {
            fmt::print(stderr, "{}\n", note);
        }
    }
}

//! Tells on stderr what is suspicious in the experiment files of a scan
inline void print_suspicions(const Plan& plan) {
    for (const std::string& note : suspicions(plan)) {
        fmt::print(stderr, "{}\n", note);
    }
}

/// The value a word stands for. \throws InputError with the nearest word for one that is not there
template <class T>
T choose(const std::string& flag, const std::string& word, const std::map<std::string, T>& choices) {
    const auto found = choices.find(word);
    if (found != choices.end()) {
        return found->second;
    }
    std::vector<std::string> words;
    std::string list;
    for (const auto& choice : choices) {
        words.push_back(choice.first);
        list += (list.empty() ? "" : ", ") + choice.first;
    }
    const std::string nearest = nearest_name(word, words);
    throw InputError({flag, 0}, "unknown value \"" + word + "\"", "it is one of " + list,
                     nearest.empty() ? "" : "did you mean \"" + nearest + "\"?");
}

/// `--backend` and `--device`
struct BackendArguments {
    std::string backend = "auto";
    std::optional<int> device;

    void add_to(CLI::App& command) {
        command.add_option("--backend", backend, "auto (default), cpu, cuda or reference");
        command
            .add_option(
                "--device", device,
                "CUDA device, by its number among those that CUDA_VISIBLE_DEVICES leaves (default: the first, or "
                "under Slurm that of SLURM_LOCALID)")
            ->check(CLI::NonNegativeNumber);
    }
    //! \throws InputError with the nearest word for a back end that is none
    BackendRequest request() const {
        return {choose<BackendChoice>("--backend", backend,
                                      {{"auto", BackendChoice::automatic},
                                       {"cpu", BackendChoice::cpu},
                                       {"cuda", BackendChoice::cuda},
                                       {"reference", BackendChoice::reference}}),
                device};
    }
};

//! Of `--method`, for a scan
inline Method choose_method(const std::string& word, const ScanConfig& config) {
    return choose<Method>("--method", word,
                          {{"auto", automatic_method(config)},
                           {"collapsed", Method::collapsed},
                           {"moments", Method::moments},
                           {"direct", Method::direct}});
}

} // namespace nuscan::cli
