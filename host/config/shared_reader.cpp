// SPDX-License-Identifier: Apache-2.0
#include "config/shared_reader.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "experiments/experiment_tables.hpp"
#include "experiments/uncertainty.hpp"

namespace nuscan {
namespace {

using Member = SharedSystematic::Member;

bool same(const Member& a, const Member& b) { return a.experiment == b.experiment && a.name == b.name; }

bool contains(const SharedSystematic& shared, const Member& member) {
    return std::any_of(shared.members.begin(), shared.members.end(),
                       [&](const Member& other) { return same(other, member); });
}

//! Names of parameters with dots are tables of TOML to whoever does not quote them.
void check_name(const TomlTable& table, const std::string& name, const std::vector<std::string>& reserved,
                const ParameterScope& scope) {
    std::string owner =
        std::find(reserved.begin(), reserved.end(), name) == reserved.end() ? "" : "a table of the file";
    for (const Parameter& parameter : all_parameters(scope)) {
        if (parameter.name == name || parameter.name.starts_with(name + ".")) {
            owner = "parameter " + parameter.name;
            break;
        }
    }
    if (!owner.empty()) {
        throw InputError(table.where("name"), fmt::format("a shared systematic is called \"{}\"", name),
                         owner + " has that name", "rename it?");
    }
}

Member find_member(const std::string& name, const std::vector<Experiment>& experiments, const InputLocation& where) {
    const std::size_t dot = name.find('.');
    std::vector<std::string> names;
    for (std::size_t e = 0; e < experiments.size(); ++e) {
        if (dot != std::string::npos && experiments[e].name == name.substr(0, dot)) {
            check_name_of_systematic(experiments[e], name.substr(dot + 1), where);
            return {e, name.substr(dot + 1)};
        }
        for (const std::string& own : names_of_systematics(experiments[e])) {
            names.push_back(experiments[e].name + "." + own);
        }
    }
    throw InputError(where, fmt::format("there is no systematic \"{}\"", name),
                     "a systematic is EXPERIMENT.NAME, of an experiment of the scan", did_you_mean(name, names));
}

//! Refuses members that cannot move together
void check_alike(const std::string& name, const Uncertainty& own, const std::string& first, const Uncertainty& other,
                 const InputLocation& where) {
    const std::string problem = fmt::format("{} does not go with {}", name, first);
    if (std::isinf(own.sigma) != std::isinf(other.sigma)) {
        throw InputError(
            where, problem,
            fmt::format("{} is free, and the other has a standard deviation", std::isinf(own.sigma) ? name : first),
            "make both free, or give both one?");
    }
    if (std::isinf(own.sigma) && own.kind != other.kind) {
        throw InputError(where, problem, "both are free, but of two kinds, which have no unit in common");
    }
    if (own.kind == Systematic::Kind::parameter && own.nominal != other.nominal) {
        throw InputError(where, problem, fmt::format("their scales are {} and {} MeV", own.nominal, other.nominal),
                         "start both from the same?");
    }
}

SharedSystematic read_one(const TomlTable& table, const std::vector<Experiment>& experiments,
                          const std::vector<SharedSystematic>& others) {
    table.allow_only({"name", "systematics"});
    SharedSystematic shared;
    shared.name = identifier(table, "name");
    const InputLocation where = table.where("systematics");
    std::string first;
    for (const std::string& name : table.strings("systematics")) {
        const Member member = find_member(name, experiments, where);
        const Experiment& experiment = experiments[member.experiment];
        for (const SharedSystematic& other : others) {
            if (contains(other, member)) {
                throw InputError(where, fmt::format("{} is part of {} already", name, other.name));
            }
        }
        if (contains(shared, member)) {
            throw InputError(where, fmt::format("{} is there twice", name));
        }
        if (!experiment.covariance.empty()) {
            throw InputError(where, fmt::format("{} cannot be shared", name),
                             "the counts of its experiment have a covariance");
        }
        const Uncertainty own = uncertainty_of(experiment, member.name);
        if (own.sigma == 0) {
            throw InputError(where, fmt::format("{} is fixed", name), "it does not move with the others",
                             fmt::format("leave it out, or set systematics.{} in its [[experiment]]", member.name));
        }
        if (!shared.members.empty()) {
            const Member& leader = shared.members[0];
            check_alike(name, own, first, uncertainty_of(experiments[leader.experiment], leader.name), where);
        }
        first = first.empty() ? name : first;
        shared.members.push_back(member);
    }
    if (shared.members.size() < 2) {
        throw InputError(where,
                         fmt::format("{} has {} member{}", shared.name, shared.members.size(),
                                     shared.members.size() == 1 ? "" : "s"),
                         "two systematics or more can be one");
    }
    return shared;
}

} // namespace

std::vector<SharedSystematic> read_shared(const TomlTable& scan, const std::vector<Experiment>& experiments,
                                          const std::vector<std::string>& reserved, ParameterScope& scope) {
    std::vector<SharedSystematic> out;
    for (const TomlTable& table : scan.tables("shared")) {
        out.push_back(read_one(table, experiments, out));
        const SharedSystematic& shared = out.back();
        check_name(table, shared.name, reserved, scope);
        for (const Member& member : shared.members) {
            const std::string name = experiments[member.experiment].name + "." + member.name;
            std::erase(scope.normalisations, name);
            std::erase_if(scope.systematics, [&](const Parameter& p) { return p.name == name; });
        }
        Parameter parameter;
        parameter.kind = Parameter::Kind::systematic;
        parameter.name = parameter.background = shared.name;
        scope.systematics.push_back(parameter);
    }
    return out;
}

} // namespace nuscan
