// SPDX-License-Identifier: Apache-2.0
#include "scan/domain.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "nuscan/couplings.hpp"
#include "nuscan/nuclear_form_factor.hpp"
#include "scan/plan.hpp"
#include "scan/systematic_tables.hpp"

namespace nuscan {

namespace {

bool is_moment(const Parameter& parameter) {
    return parameter.kind == Parameter::Kind::majorana_moment ||
           (parameter.kind == Parameter::Kind::element && (parameter.form_factor == FormFactor::magnetic_moment ||
                                                           parameter.form_factor == FormFactor::electric_moment));
}

//! Whether no other moment is in the scan, with which the sign of this one would be seen
bool is_only_moment(const Parameter& parameter, const ScanConfig& config) {
    return is_moment(parameter) &&
           std::none_of(config.fixed.begin(), config.fixed.end(),
                        [](const FixedParameter& fixed) { return is_moment(fixed.parameter) && fixed.value != 0; }) &&
           std::none_of(config.axes.begin(), config.axes.end(), [&](const Axis& axis) {
               return is_moment(axis.parameter) && axis.parameter.name != parameter.name;
           });
}

Domain domain_of_radius(const Parameter& parameter, const ScanConfig& config) {
    Domain domain{0, constants::infinity, 0};
    for (const Experiment& experiment : config.experiments) {
        for (const Channel& channel : experiment.channels) {
            for (const TargetNuclide& target : experiment.target.nuclides) {
                if (channel.target == Target::nucleus && target.nuclide.name == parameter.nuclide) {
                    domain.low = std::max(domain.low, min_radius(channel.form_factor));
                }
            }
        }
    }
    return domain;
}

Domain domain_of_systematic(const Parameter& parameter, const ScanConfig& config) {
    for (const PullGroup& group : pull_groups(config)) {
        for (const Pull& pull : group.pulls) {
            if (pull.name == parameter.name) {
                return {value_of_pull(parameter, pull.low, config), value_of_pull(parameter, pull.high, config), 0};
            }
        }
    }
    return {};
}

Domain domain_of_mixing(Parameter::MixingName name) {
    using Name = Parameter::MixingName;
    switch (name) {
    case Name::theta12:
    case Name::theta13:
    case Name::theta23:
        return {0, constants::pi / 2, 0};
    case Name::delta:
        return {-constants::infinity, constants::infinity, 2 * constants::pi};
    case Name::alpha21:
    case Name::alpha31:
        return {-constants::infinity, constants::infinity, 4 * constants::pi};
    case Name::dm21:
        return {0, constants::infinity, 0};
    case Name::dm31: // of either sign, which the ordering fixes
        break;
    }
    return {};
}

} // namespace

Domain domain_of(const Axis& axis, const ScanConfig& config) {
    const Parameter& parameter = axis.parameter;
    const Domain not_negative{0, constants::infinity, 0};
    switch (parameter.kind) {
    case Parameter::Kind::element:
    case Parameter::Kind::majorana_moment:
        if (parameter.part == Parameter::Part::arg) {
            return {-constants::infinity, constants::infinity, 2 * constants::pi};
        }
        if (parameter.part == Parameter::Part::abs) {
            return not_negative;
        }
        if (is_only_moment(parameter, config) && axis.values.front() >= 0) {
            return not_negative;
        }
        if (is_only_moment(parameter, config) && axis.values.back() <= 0) {
            return {-constants::infinity, 0, 0};
        }
        break;
    case Parameter::Kind::sin2_theta_w:
        return {0, 1, 0};
    case Parameter::Kind::mixing:
        return domain_of_mixing(parameter.mixing);
    case Parameter::Kind::normalisation:
    case Parameter::Kind::baseline:
        return not_negative;
    case Parameter::Kind::systematic:
        return domain_of_systematic(parameter, config);
    case Parameter::Kind::proton_radius:
    case Parameter::Kind::neutron_radius:
        return domain_of_radius(parameter, config);
    }
    return {};
}

std::optional<double> null_value_of(const Parameter& parameter, const ScanConfig& config) {
    switch (parameter.kind) {
    case Parameter::Kind::element:
        if (parameter.part == Parameter::Part::arg) {
            return {};
        }
        if (parameter.form_factor == FormFactor::charge_radius && parameter.part == Parameter::Part::diagonal &&
            config.neutrino.charge_radius_mode == ChargeRadiusMode::total) {
            return standard_charge_radius(static_cast<Flavour>(parameter.row));
        }
        return 0;
    case Parameter::Kind::majorana_moment:
        return parameter.part == Parameter::Part::arg ? std::nullopt : std::optional<double>(0);
    case Parameter::Kind::sin2_theta_w:
        return constants::sin2_theta_w;
    case Parameter::Kind::mixing:
    case Parameter::Kind::normalisation:
    case Parameter::Kind::systematic:
    case Parameter::Kind::baseline:
    case Parameter::Kind::proton_radius:
    case Parameter::Kind::neutron_radius:
        break;
    }
    return {};
}

std::vector<std::string> fitted_parameters(const ScanConfig& config) {
    std::vector<std::string> fitted;
    for (const Axis& axis : config.axes) {
        if (axis.values.size() > 1 && prior_of(axis.parameter, config).weight == 0) {
            fitted.push_back(axis.parameter.name);
        }
    }
    const auto is_named = [&](const std::string& name) {
        const auto is_it = [&](const auto& x) { return x.parameter.name == name; };
        return std::any_of(config.axes.begin(), config.axes.end(), is_it) ||
               std::any_of(config.fixed.begin(), config.fixed.end(), is_it);
    };
    const auto add = [&](double sigma, const std::string& name) {
        if (std::isinf(sigma) && !is_named(name)) {
            fitted.push_back(name);
        }
    };
    const std::vector<PullGroup> groups = pull_groups(config);
    for (const PullGroup& group : groups) {
        for (const Pull& pull : group.pulls) {
            add(pull.sigma, pull.name);
        }
    }
    for (std::size_t e = 0; e < config.experiments.size(); ++e) {
        const Experiment& experiment = config.experiments[e];
        if (!is_pulled_with_others(groups, e)) {
            for (const Background& background : experiment.backgrounds) {
                add(background.sigma, experiment.name + "." + background.name);
            }
            add(experiment.signal_sigma, experiment.name + "." + Experiment::signal);
        }
    }
    return fitted;
}

} // namespace nuscan
