// SPDX-License-Identifier: Apache-2.0
#include "scan/systematic_tables.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace nuscan {

namespace {

//! What a background, the signal (then nothing) or a systematic of an experiment is
struct Named {
    int systematic = -1;
    std::size_t background = 0;
    double sigma = 0, low = 0, high = constants::infinity;
};

Named find(const Experiment& experiment, const std::string& name) {
    const double least = experiment.statistic == Statistic::poisson ? -1 : -constants::infinity;
    for (std::size_t i = 0; i < experiment.systematics.size(); ++i) {
        const Systematic& s = experiment.systematics[i];
        if (s.name == name) {
            const bool normalisation = s.kind == Systematic::Kind::normalisation;
            return {static_cast<int>(i), 0, s.sigma, normalisation ? std::max(s.low, -1.) : s.low, s.high};
        }
    }
    for (std::size_t k = 0; k < experiment.backgrounds.size(); ++k) {
        if (experiment.backgrounds[k].name == name) {
            return {-1, k, experiment.backgrounds[k].sigma, least, constants::infinity};
        }
    }
    return {-1, experiment.backgrounds.size(), experiment.signal_sigma, least, constants::infinity};
}

bool is_named(const ScanConfig& config, Parameter::Kind kind, const std::string& name) {
    const auto is_it = [&](const auto& x) { return x.parameter.kind == kind && x.parameter.name == name; };
    return std::any_of(config.axes.begin(), config.axes.end(), is_it) ||
           std::any_of(config.fixed.begin(), config.fixed.end(), is_it);
}

const SharedSystematic* share_of(const ScanConfig& config, std::size_t experiment, const std::string& name) {
    for (const SharedSystematic& shared : config.shared) {
        for (const SharedSystematic::Member& member : shared.members) {
            if (member.experiment == experiment && member.name == name) {
                return &shared;
            }
        }
    }
    return nullptr;
}

//! Whether an axis or a fixed parameter has it
bool is_given(const Scalar& value) { return value.axis >= 0 || !std::isnan(value.fixed); }

//! Pulls of an experiment that it shares with none
void add_own_pulls(const ScanConfig& config, std::size_t e, std::vector<Pull>& pulls) {
    const Experiment& experiment = config.experiments[e];
    std::vector<std::string> normalisations;
    for (const Background& background : experiment.backgrounds) {
        normalisations.push_back(background.name);
    }
    normalisations.emplace_back(Experiment::signal);
    for (const std::string& name : normalisations) {
        const Named x = find(experiment, name);
        const std::string full_name = experiment.name + "." + name;
        if (x.sigma > 0 && share_of(config, e, name) == nullptr &&
            !is_named(config, Parameter::Kind::normalisation, full_name)) {
            pulls.push_back({full_name, x.sigma, x.low, x.high, {{e, -1, x.background, 1}}});
        }
    }
    for (const Systematic& systematic : experiment.systematics) {
        const Named x = find(experiment, systematic.name);
        const std::string full_name = experiment.name + "." + systematic.name;
        if (share_of(config, e, systematic.name) == nullptr &&
            (x.sigma > 0 || is_named(config, Parameter::Kind::systematic, full_name))) {
            pulls.push_back({full_name, x.sigma, x.low, x.high, {{e, x.systematic, 0, 1}}});
        }
    }
}

Pull shared_pull(const ScanConfig& config, const SharedSystematic& shared) {
    Pull pull{shared.name, 1, -constants::infinity, constants::infinity, {}};
    for (const SharedSystematic::Member& member : shared.members) {
        const Named x = find(config.experiments[member.experiment], member.name);
        const bool free = std::isinf(x.sigma);
        const double scale = free ? 1 : x.sigma;
        pull.sigma = free ? constants::infinity : 1;
        pull.low = std::max(pull.low, x.low / scale);
        pull.high = std::min(pull.high, x.high / scale);
        pull.effects.push_back({member.experiment, x.systematic, x.background, scale});
    }
    return pull;
}

} // namespace

std::vector<PullGroup> pull_groups(const ScanConfig& config) {
    // Experiments that share something get the lowest number among them.
    std::vector<std::size_t> root(config.experiments.size());
    std::iota(root.begin(), root.end(), std::size_t{0});
    std::vector<bool> grouped(root.size());
    for (std::size_t e = 0; e < root.size(); ++e) {
        const Experiment& experiment = config.experiments[e];
        grouped[e] = std::any_of(experiment.systematics.begin(), experiment.systematics.end(), [&](const auto& s) {
            return s.sigma > 0 || is_named(config, Parameter::Kind::systematic, experiment.name + "." + s.name);
        });
    }
    for (const SharedSystematic& shared : config.shared) {
        for (const SharedSystematic::Member& member : shared.members) {
            const std::size_t from = root[member.experiment], to = root[shared.members[0].experiment];
            std::replace(root.begin(), root.end(), std::max(from, to), std::min(from, to));
            grouped[member.experiment] = true;
        }
    }
    std::vector<PullGroup> groups;
    for (std::size_t r = 0; r < root.size(); ++r) {
        PullGroup group;
        for (std::size_t e = 0; e < root.size(); ++e) {
            if (root[e] == r && grouped[e]) {
                group.experiments.push_back(e);
                add_own_pulls(config, e, group.pulls);
            }
        }
        for (const SharedSystematic& shared : config.shared) {
            if (root[shared.members[0].experiment] == r) {
                group.pulls.push_back(shared_pull(config, shared));
            }
        }
        if (!group.experiments.empty()) {
            groups.push_back(std::move(group));
        }
    }
    return groups;
}

bool is_pulled_with_others(const std::vector<PullGroup>& groups, std::size_t experiment) {
    return std::any_of(groups.begin(), groups.end(), [&](const PullGroup& group) {
        return std::count(group.experiments.begin(), group.experiments.end(), experiment) > 0;
    });
}

//! Nothing of a shared one
static const Systematic* systematic_of(const Parameter& parameter, const ScanConfig& config) {
    for (const Experiment& experiment : config.experiments) {
        for (const Systematic& systematic : experiment.systematics) {
            if (experiment.name == parameter.experiment && systematic.name == parameter.background) {
                return &systematic;
            }
        }
    }
    return nullptr;
}

double pull_at_value(const Parameter& parameter, double value, const ScanConfig& config) {
    const Systematic* systematic = systematic_of(parameter, config);
    if (systematic == nullptr) {
        return value;
    }
    switch (systematic->kind) {
    case Systematic::Kind::normalisation:
        return value - 1;
    case Systematic::Kind::shape:
        break;
    case Systematic::Kind::parameter:
        return std::log(value / systematic->nominal);
    }
    return value;
}

static double value_of_pull(const Systematic& systematic, double z) {
    switch (systematic.kind) {
    case Systematic::Kind::normalisation:
        return 1 + z;
    case Systematic::Kind::shape:
        break;
    case Systematic::Kind::parameter:
        return systematic.nominal * std::exp(z);
    }
    return z;
}

double value_of_pull(const Parameter& parameter, double z, const ScanConfig& config) {
    const Systematic* systematic = systematic_of(parameter, config);
    return systematic == nullptr ? z : value_of_pull(*systematic, z);
}

double value_of_pull(const Pull& pull, double z, const std::vector<Experiment>& experiments) {
    if (pull.is_shared()) {
        return z;
    }
    const Pull::Effect& effect = pull.effects[0];
    if (effect.systematic < 0) {
        return 1 + z;
    }
    return value_of_pull(experiments[effect.experiment].systematics[static_cast<std::size_t>(effect.systematic)], z);
}

SystematicTables::SystematicTables(const PullGroup& group, const std::vector<Experiment>& experiments,
                                   const std::vector<std::vector<std::vector<double>>>& backgrounds,
                                   const std::vector<std::vector<Scalar>>& normalisations,
                                   const std::vector<Scalar>& pins)
    : group_(group), pin_values_(pins) {
    int n_templates = 0;
    for (const std::size_t e : group_.experiments) {
        const Experiment& experiment = experiments[e];
        Part part{e, experiment.counts, {}, std::vector<double>(experiment.counts.size()), {}, {}, {}, {}, {}};
        for (const std::vector<double>& counts : backgrounds[e]) {
            std::transform(counts.begin(), counts.end(), part.backgrounds.begin(), part.backgrounds.begin(),
                           std::plus<>());
        }
        if (experiment.statistic == Statistic::gaussian) {
            for (const double sigma : experiment.errors()) {
                part.weights.push_back(1 / (sigma * sigma));
            }
        }
        const auto component = [&](std::size_t background) -> Component& {
            return component_of(part, background, backgrounds[e], normalisations[e]);
        };
        for (std::size_t k = 0; k < group_.pulls.size(); ++k) {
            const auto pull = static_cast<int>(part.pulls.size());
            for (const Pull::Effect& effect : group_.pulls[k].effects) {
                if (effect.experiment != e) {
                    continue;
                }
                if (part.pulls.empty() || part.pulls.back() != static_cast<int>(k)) {
                    part.pulls.push_back(static_cast<int>(k));
                }
                if (effect.systematic < 0) {
                    component(effect.background).normalisations.push_back({pull, effect.scale});
                    continue;
                }
                const Systematic& systematic = experiment.systematics[static_cast<std::size_t>(effect.systematic)];
                for (const SystematicEffect& on : systematic.effects) {
                    if (systematic.kind == Systematic::Kind::normalisation) {
                        component(on.component).normalisations.push_back({pull, effect.scale});
                        continue;
                    }
                    const bool relative = on.component == experiment.backgrounds.size();
                    const int n = systematic.kind == Systematic::Kind::shape ? 2 : systematic.n_knots;
                    component(on.component)
                        .shapes.push_back(make_shape(systematic, on.added,
                                                     {pull, effect.scale, relative, n, n_templates, 0, 0, nullptr}));
                    n_templates += n;
                }
            }
        }
        if (is_given(normalisations[e].back())) {
            component(experiment.backgrounds.size());
        }
        parts_.push_back(std::move(part));
    }
    if (n_templates > max_shape_templates || group_.pulls.size() > static_cast<std::size_t>(max_systematics)) {
        throw InputError({experiments[group_.experiments[0]].name, 0},
                         "there are " + std::to_string(group_.pulls.size()) + " pulls with " +
                             std::to_string(n_templates) + " templates that act together",
                         "there may be " + std::to_string(max_systematics) + " with " +
                             std::to_string(max_shape_templates),
                         "set systematics.NAME = \"fixed\" for some");
    }
    for (std::size_t k = 0; k < group_.pulls.size(); ++k) {
        const Pull& pull = group_.pulls[k];
        prior_weights_.push_back(is_given(pins[k]) || std::isinf(pull.sigma) ? 0 : 1 / (pull.sigma * pull.sigma));
        low_.push_back(pull.low);
        high_.push_back(pull.high);
        pins_.push_back(-1);
    }
}

SystematicTables::Component& SystematicTables::component_of(Part& part, std::size_t background,
                                                            const std::vector<std::vector<double>>& counts,
                                                            const std::vector<Scalar>& normalisations) {
    for (Component& component : part.components) {
        if (component.background == background) {
            return component;
        }
    }
    Component component{background, {}, normalisations[background], {}, {}};
    Scalar& normalisation = component.normalisation;
    normalisation.fixed = std::isnan(normalisation.fixed) ? 1 : normalisation.fixed;
    if (background < counts.size()) {
        component.counts = counts[background];
    }
    part.components.push_back(std::move(component));
    return part.components.back();
}

SystematicTables::Shape SystematicTables::make_shape(const Systematic& systematic, const std::vector<double>& added,
                                                     ShapeEffect effect) {
    std::vector<double> templates = added;
    if (systematic.kind == Systematic::Kind::shape) { // odd and even part
        const std::size_t n_bins = added.size() / 2;
        for (std::size_t b = 0; b < n_bins; ++b) {
            templates[b] = (added[b] - added[n_bins + b]) / 2;
            templates[n_bins + b] = (added[b] + added[n_bins + b]) / 2;
        }
    } else {
        effect.first_knot = systematic.first_knot;
        effect.knot_spacing = systematic.knot_spacing;
    }
    return {effect, std::move(templates)};
}

bool SystematicTables::moves_signal(std::size_t experiment) const {
    return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
        return part.experiment == experiment && std::any_of(part.components.begin(), part.components.end(),
                                                            [](const Component& c) { return c.counts.empty(); });
    });
}

void SystematicTables::add_columns(const std::vector<ExperimentView>& views, int n_bins, int n_features,
                                   std::vector<ColumnView>& columns, std::vector<Scalar>& pins) {
    const auto next_column = [&] { return n_bins + static_cast<int>(columns.size()); };
    experiments_.clear();
    for (Part& part : parts_) {
        const ExperimentView& x = views[part.experiment];
        for (const Component& component : part.components) {
            const bool is_signal = component.counts.empty();
            const Scalar& y = component.normalisation;
            const int axis_column = y.axis >= 0 ? next_column() : -1;
            if (axis_column >= 0 && is_signal) { // on no plane, as pulls that are not fitted
                columns.push_back({-1, 0, n_features + static_cast<int>(pins.size()), 1, y});
                pins.push_back(y);
            } else if (axis_column >= 0) {
                const int feature = x.first_feature + x.n_features - x.n_backgrounds;
                columns.push_back({-1, 0, feature + static_cast<int>(component.background), 1, y});
            }
            part.views.push_back({is_signal ? nullptr : component.counts.data(), x.first_signal, axis_column, y.fixed,
                                  static_cast<int>(part.normalisations.size()),
                                  static_cast<int>(component.normalisations.size()),
                                  static_cast<int>(part.shapes.size()), static_cast<int>(component.shapes.size())});
            part.normalisations.insert(part.normalisations.end(), component.normalisations.begin(),
                                       component.normalisations.end());
            for (const Shape& shape : component.shapes) {
                part.shapes.push_back(shape.effect);
                part.shapes.back().templates = shape.templates.data();
            }
        }
        experiments_.push_back({static_cast<int>(part.experiment), x.first_bin, x.n_bins, part.observed.data(),
                                part.weights.empty() ? nullptr : part.weights.data(),
                                static_cast<int>(part.pulls.size()), part.pulls.data(),
                                static_cast<int>(part.views.size()), part.views.data(),
                                static_cast<int>(part.normalisations.size()), part.normalisations.data(),
                                static_cast<int>(part.shapes.size()), part.shapes.data()});
    }
    for (std::size_t k = 0; k < pins_.size(); ++k) {
        if (is_given(pin_values_[k])) {
            pins_[k] = next_column();
            columns.push_back({-1, 0, n_features + static_cast<int>(pins.size()), 1, pin_values_[k]});
            pins.push_back(pin_values_[k]);
        }
    }
    view_ = {static_cast<int>(pins_.size()),
             static_cast<int>(experiments_.size()),
             prior_weights_.data(),
             low_.data(),
             high_.data(),
             pins_.data(),
             experiments_.data(),
             may_have_several_minima()};
}

namespace {

//! The least D_sb that a shape adds between two values of its pull, bin by bin
std::vector<double> lowest_addition(const ShapeEffect& s, int n_bins, double low, double high) {
    constexpr int n_steps = 16;
    std::vector<double> lowest(static_cast<std::size_t>(n_bins));
    detail::ShapeWeights<double> weights;
    for (int step = 0; step <= n_steps; ++step) {
        detail::shape_weights(s, low + (high - low) * step / n_steps, weights);
        for (int b = 0; b < n_bins; ++b) {
            double D = 0;
            for (int j = 0; j < s.n_templates; ++j) {
                D += weights.w[s.first_template + j] * s.templates[static_cast<std::ptrdiff_t>(j) * n_bins + b];
            }
            lowest[static_cast<std::size_t>(b)] = std::min(lowest[static_cast<std::size_t>(b)], D);
        }
    }
    return lowest;
}

/// Whether templates at ±1 are more even than odd, so that either side of nominal may fit: Σ (even² − odd²)/σ² > 0,
/// σ² being \p T of Poisson's counts where there are no \p weights
bool is_folded(const ShapeEffect& s, const double* T, const double* weights, int n_bins) {
    double balance = 0;
    for (int b = 0; b < n_bins && s.knot_spacing == 0; ++b) {
        const double odd = s.templates[b], even = s.templates[b + n_bins];
        const double weight = weights != nullptr ? weights[b] : T == nullptr || T[b] <= 0 ? 1 : 1 / T[b];
        balance += (even * even - odd * odd) * weight;
    }
    return balance > 0;
}

} // namespace

/// Whether a shape is folded, or a bin's predicted backgrounds are below zero somewhere within two standard deviations,
/// shapes added in quadrature; where there are none, the signal's. Of points with a large signal their descents tell.
bool SystematicTables::may_have_several_minima() const {
    constexpr double reach = 2; // standard deviations
    for (std::size_t e = 0; e < experiments_.size(); ++e) {
        const PulledExperiment& x = experiments_[e];
        const auto n_bins = static_cast<std::size_t>(x.n_bins);
        const std::vector<double>& backgrounds = parts_[e].backgrounds;
        std::vector<double> of_backgrounds(n_bins), of_signal(n_bins); // what shapes take off, squared
        for (int i = 0; i < x.n_components; ++i) {
            const ComponentView& c = x.components[i];
            std::vector<double>& sum = c.counts == nullptr ? of_signal : of_backgrounds;
            for (int j = c.first_shape; j < c.first_shape + c.n_shapes; ++j) {
                const ShapeEffect& s = x.shapes[j];
                const auto k = static_cast<std::size_t>(x.pulls[s.pull]);
                const double sigma = prior_weights_[k] > 0 ? 1 / std::sqrt(prior_weights_[k]) : 1;
                const std::vector<double> added =
                    lowest_addition(s, x.n_bins, std::max(low_[k], -reach * sigma), std::min(high_[k], reach * sigma));
                std::transform(sum.begin(), sum.end(), added.begin(), sum.begin(),
                               [](double all, double D) { return all + D * D; });
                if (is_folded(s, c.counts, x.weights, x.n_bins)) {
                    return true;
                }
            }
        }
        for (std::size_t b = 0; b < n_bins && x.weights == nullptr; ++b) {
            if (backgrounds[b] > 0 ? backgrounds[b] * backgrounds[b] < of_backgrounds[b] : of_signal[b] > 1) {
                return true;
            }
        }
    }
    return false;
}

} // namespace nuscan
