// SPDX-License-Identifier: Apache-2.0
#include "experiments/uncertainty.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "experiments/background_reader.hpp"

namespace nuscan {
namespace {

//! Of what is pulled; 1/σ² of both has digits beside the information of the data
constexpr double least_sigma = 1e-9, most_sigma = 1e9;
//! Fewer counts of a background would have a normalisation without any sense
constexpr double least_pulled_counts = 1e-9;

bool any_nonzero(const std::vector<double>& values) {
    return std::any_of(values.begin(), values.end(), [](double value) { return value != 0; });
}

std::string expected(Systematic::Kind kind) {
    switch (kind) {
    case Systematic::Kind::normalisation:
        break;
    case Systematic::Kind::shape:
        return "expected \"fixed\", \"free\" or a number of its standard deviations like 1";
    case Systematic::Kind::parameter:
        return "expected \"fixed\" or \"free\", which is within its range";
    }
    return "expected \"fixed\", \"free\" or a relative standard deviation like 0.13";
}

//! Where an experiment file declares a systematic: in a table of its own, or by the range of a function's scale
InputLocation place_of(const Systematic& systematic, const TomlTable& file) {
    for (const TomlTable& table : file.tables("background")) {
        if (scale_name(table.string("name")) == systematic.name) {
            return table.where("scale_range");
        }
    }
    for (const TomlTable& table : file.tables("systematic")) {
        if (table.string("name") == systematic.name) {
            return table.where();
        }
    }
    return file.where();
}

} // namespace

double read_uncertainty(const TomlTable& table, const std::string& key, Systematic::Kind kind) {
    const toml::node* node = table.raw().get(key);
    if (node && node->is_string()) {
        const std::string word = node->as_string()->get();
        if (word == "fixed") {
            return 0;
        }
        if (word == "free") {
            return std::numeric_limits<double>::infinity();
        }
        throw InputError(table.where(key), fmt::format("{} = \"{}\" is unknown", key, word), expected(kind),
                         did_you_mean(word, {"fixed", "free"}));
    }
    const double sigma = table.quantity(key, Dimension::dimensionless);
    if (kind == Systematic::Kind::parameter) {
        throw InputError(table.where(key), fmt::format("{} = {} is a number", key, sigma), expected(kind));
    }
    if (!(sigma > 0)) {
        throw InputError(table.where(key), fmt::format("{} = {} is not positive", key, sigma), expected(kind),
                         sigma == 0 ? "did you mean \"fixed\"?" : "");
    }
    if (!(sigma >= least_sigma && sigma <= most_sigma)) {
        throw InputError(table.where(key),
                         fmt::format("{} = {} is too {}", key, sigma, sigma < least_sigma ? "small" : "large"),
                         fmt::format("standard deviations reach from {} to {}, beyond which chi2 cannot be told from "
                                     "that of a fixed or a free systematic",
                                     least_sigma, most_sigma),
                         fmt::format("write \"{}\"?", sigma < least_sigma ? "fixed" : "free"));
    }
    return sigma;
}

std::vector<std::string> names_of_systematics(const Experiment& experiment) {
    std::vector<std::string> names;
    for (const Background& background : experiment.backgrounds) {
        names.push_back(background.name);
    }
    for (const Systematic& systematic : experiment.systematics) {
        names.push_back(systematic.name);
    }
    if (!experiment.sources.empty()) {
        names.emplace_back(Experiment::signal);
    }
    return names;
}

void check_name_of_systematic(const Experiment& experiment, const std::string& name, const InputLocation& where) {
    const std::vector<std::string> names = names_of_systematics(experiment);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
        throw InputError(where, fmt::format("{} has no systematic \"{}\"", experiment.name, name),
                         names.empty() ? "it has none" : "it has " + quoted_list(names), did_you_mean(name, names));
    }
}

const Systematic* find_systematic(const Experiment& experiment, const std::string& name) {
    const auto found = std::find_if(experiment.systematics.begin(), experiment.systematics.end(),
                                    [&](const Systematic& systematic) { return systematic.name == name; });
    return found == experiment.systematics.end() ? nullptr : &*found;
}

Uncertainty uncertainty_of(const Experiment& experiment, const std::string& name) {
    if (const Systematic* systematic = find_systematic(experiment, name)) {
        return {systematic->kind, systematic->sigma, systematic->nominal, systematic->low, systematic->high};
    }
    Uncertainty out;
    out.sigma = experiment.signal_sigma;
    for (const Background& background : experiment.backgrounds) {
        out.sigma = background.name == name ? background.sigma : out.sigma;
    }
    return out;
}

std::vector<double> scaled_components(const Experiment& experiment, const std::string& name) {
    std::vector<double> scaled(experiment.backgrounds.size() + 1);
    for (std::size_t k = 0; k < experiment.backgrounds.size(); ++k) {
        scaled[k] = experiment.backgrounds[k].name == name ? 1 : 0;
    }
    scaled.back() = name == Experiment::signal ? 1 : 0;
    if (const Systematic* systematic = find_systematic(experiment, name)) {
        for (const SystematicEffect& effect : systematic->effects) {
            scaled[effect.component] = 1;
        }
    }
    return scaled;
}

void override_uncertainties(const TomlTable& values, Experiment& experiment) {
    for (const std::string& key : values.keys()) {
        check_name_of_systematic(experiment, key, values.where(key));
        if (key == Experiment::signal) {
            experiment.signal_sigma = read_uncertainty(values, key);
            experiment.where.signal = values.where(key);
        }
        for (Background& background : experiment.backgrounds) {
            if (background.name == key) {
                background.sigma = read_uncertainty(values, key);
                background.where = values.where(key);
                check_uncertainty(background, values.where(key));
            }
        }
        for (Systematic& systematic : experiment.systematics) {
            if (systematic.name == key) {
                systematic.sigma = read_uncertainty(values, key, systematic.kind);
                systematic.where = values.where(key);
                check_uncertainty(systematic, experiment, values.where(key));
            }
        }
    }
}

bool has_effect(const Background& background) { return any_nonzero(background.counts); }

bool has_effect(const Systematic& systematic, const Experiment& experiment) {
    return std::any_of(systematic.effects.begin(), systematic.effects.end(), [&](const SystematicEffect& effect) {
        return systematic.kind == Systematic::Kind::normalisation
                   ? effect.component == experiment.backgrounds.size() ||
                         has_effect(experiment.backgrounds[effect.component])
                   : any_nonzero(effect.added);
    });
}

void check_uncertainty(const Background& background, const InputLocation& where) {
    if (background.sigma != 0 && !has_effect(background)) {
        throw InputError(where, fmt::format("background \"{}\" is zero in every bin", background.name),
                         "its normalisation has nothing to scale", "write \"fixed\"?");
    }
    const double sum = std::accumulate(background.counts.begin(), background.counts.end(), 0.);
    if (background.sigma != 0 && sum < least_pulled_counts) {
        throw InputError(where, fmt::format("background \"{}\" has {:.3g} counts in all bins", background.name, sum),
                         fmt::format("the normalisation of fewer than {} is not fitted", least_pulled_counts),
                         "write \"fixed\"?");
    }
}

void check_uncertainty(const Systematic& systematic, const Experiment& experiment, const InputLocation& where) {
    if (systematic.sigma != 0 && !has_effect(systematic, experiment)) {
        throw InputError(where, fmt::format("systematic \"{}\" changes no bin", systematic.name),
                         "the fit cannot tell what it is", "write \"fixed\"?");
    }
}

void check_uncertainties(const TomlTable& file, const Experiment& experiment) {
    const std::vector<TomlTable> backgrounds = file.tables("background");
    for (std::size_t i = 0; i < backgrounds.size(); ++i) {
        check_uncertainty(experiment.backgrounds[i], backgrounds[i].where("uncertainty"));
    }
    for (const Systematic& systematic : experiment.systematics) {
        check_uncertainty(systematic, experiment, place_of(systematic, file));
    }
}

} // namespace nuscan
