// SPDX-License-Identifier: Apache-2.0
#include "config/parameters.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "experiments/uncertainty.hpp"

namespace nuscan {
namespace {

struct FormFactorName {
    const char* name;
    const char* words;
    FormFactor form_factor;
    Dimension dimension;
};

constexpr std::array<FormFactorName, 5> form_factors = {{
    {"charge", "charge", FormFactor::charge, Dimension::charge},
    {"charge_radius", "charge radius", FormFactor::charge_radius, Dimension::area},
    {"anapole", "anapole", FormFactor::anapole, Dimension::area},
    {"magnetic_moment", "magnetic moment", FormFactor::magnetic_moment, Dimension::magnetic_moment},
    {"electric_moment", "electric moment", FormFactor::electric_moment, Dimension::magnetic_moment},
}};

struct PartName {
    const char* name;
    Parameter::Part part;
};

constexpr std::array<PartName, 4> complex_parts = {{
    {"re", Parameter::Part::re},
    {"im", Parameter::Part::im},
    {"abs", Parameter::Part::abs},
    {"arg", Parameter::Part::arg},
}};

struct MixingParameterName {
    const char* name;
    Parameter::MixingName mixing;
    Dimension dimension;
};

constexpr std::array<MixingParameterName, 8> mixing_parameters = {{
    {"theta12", Parameter::MixingName::theta12, Dimension::angle},
    {"theta13", Parameter::MixingName::theta13, Dimension::angle},
    {"theta23", Parameter::MixingName::theta23, Dimension::angle},
    {"delta", Parameter::MixingName::delta, Dimension::angle},
    {"alpha21", Parameter::MixingName::alpha21, Dimension::angle},
    {"alpha31", Parameter::MixingName::alpha31, Dimension::angle},
    {"dm21", Parameter::MixingName::dm21, Dimension::mass_splitting},
    {"dm31", Parameter::MixingName::dm31, Dimension::mass_splitting},
}};

//! "ee", "emu", … or "11", "12", …
std::string element_name(Basis basis, int row, int column) {
    static constexpr std::array<const char*, 3> flavours = {"e", "mu", "tau"};
    return basis == Basis::flavour ? std::string(flavours[row]) + flavours[column]
                                   : std::to_string(row + 1) + std::to_string(column + 1);
}

const char* basis_name(Basis basis) { return basis == Basis::flavour ? "flavour" : "mass"; }

constexpr const char* majorana_moment = "majorana_moment";
constexpr const char* baseline_suffix = ".baseline";
constexpr const char* proton_radius_prefix = "proton_radius.";
constexpr const char* neutron_radius_prefix = "neutron_radius.";

bool is_moment(FormFactor form_factor) {
    return form_factor == FormFactor::magnetic_moment || form_factor == FormFactor::electric_moment;
}

/// Whether Majorana neutrinos leave anything of a form factor free in a basis: in that of flavour, where no matrix has
/// the symmetry that it has in the mass basis, it is the effective ⟨r²⟩ − 6a alone.
bool majorana_has(FormFactor form_factor, Basis basis) {
    return basis == Basis::mass || form_factor == FormFactor::charge_radius || form_factor == FormFactor::anapole;
}

//! Whether Majorana neutrinos leave an element free: in the mass basis e, ⟨r²⟩, μ, ε are imaginary and antisymmetric,
//! and a is real and symmetric
bool majorana_has(FormFactor form_factor, Parameter::Part part, Basis basis) {
    if (basis == Basis::flavour) {
        return majorana_has(form_factor, basis);
    }
    const bool symmetric = form_factor == FormFactor::anapole;
    switch (part) {
    case Parameter::Part::universal:
    case Parameter::Part::diagonal:
    case Parameter::Part::re:
        return symmetric;
    case Parameter::Part::im:
        return !symmetric;
    case Parameter::Part::abs:
    case Parameter::Part::arg:
        break;
    }
    return false;
}

void add_complex_parts(std::vector<Parameter>& out, const Parameter& whole) {
    for (const PartName& part : complex_parts) {
        Parameter p = whole;
        p.name = whole.name + "." + part.name;
        p.part = part.part;
        p.dimension = part.part == Parameter::Part::arg ? Dimension::angle : whole.dimension;
        out.push_back(p);
    }
}

//! Of Dirac neutrinos: all elements of Hermitian matrices
std::vector<Parameter> dirac_elements(Basis basis) {
    std::vector<Parameter> out;
    for (const FormFactorName& form_factor : form_factors) {
        Parameter p;
        p.kind = Parameter::Kind::element;
        p.form_factor = form_factor.form_factor;
        p.dimension = form_factor.dimension;
        p.name = std::string(form_factor.name) + ".universal";
        p.part = Parameter::Part::universal;
        out.push_back(p);
        for (int row = 0; row < 3; ++row) {
            for (int column = row; column < 3; ++column) {
                p.row = row;
                p.column = column;
                p.name = std::string(form_factor.name) + "." + element_name(basis, row, column);
                if (row == column) {
                    p.part = Parameter::Part::diagonal;
                    out.push_back(p);
                } else {
                    add_complex_parts(out, p);
                }
            }
        }
    }
    return out;
}

std::vector<Parameter> element_parameters(const ParameterScope& scope) {
    std::vector<Parameter> out = dirac_elements(scope.basis);
    if (!scope.majorana) {
        return out;
    }
    std::erase_if(out, [&](const Parameter& p) { return !majorana_has(p.form_factor, p.part, scope.basis); });
    if (scope.basis == Basis::mass) {
        for (int l = 0; l < 3; ++l) {
            Parameter p;
            p.kind = Parameter::Kind::majorana_moment;
            p.dimension = Dimension::magnetic_moment;
            p.row = p.column = l;
            p.name = fmt::format("{}.{}", majorana_moment, l + 1);
            add_complex_parts(out, p);
        }
    }
    return out;
}

std::string unknown(const std::string& name) { return fmt::format("unknown parameter \"{}\"", name); }

// ---- why a name is not valid ------------------------------------------------------------------------------------

/// A name that begins like an element, taken apart: FORM_FACTOR.ELEMENT or FORM_FACTOR.ELEMENT.PART
struct ElementName {
    std::string name;
    const FormFactorName& form_factor;
    std::string element, part; //!< empty where there is none

    std::string with(const std::string& rest) const { return fmt::format("{}.{}", form_factor.name, rest); }
};

//! Refuses what Majorana neutrinos do not have in the mass basis; an off-diagonal \p element may have no part.
[[noreturn]] void refuse_majorana_element(const ElementName& name, Parameter::Part part, const std::string& element,
                                          const InputLocation& where) {
    const FormFactor form_factor = name.form_factor.form_factor;
    const char* words = name.form_factor.words;
    const bool symmetric = form_factor == FormFactor::anapole;
    if (part != Parameter::Part::universal && part != Parameter::Part::diagonal) {
        throw InputError(
            where,
            fmt::format("{}: the {} of a Majorana neutrino is {}", name.name, words, symmetric ? "real" : "imaginary"),
            fmt::format("the matrix is Hermitian, and {} in the mass basis", symmetric ? "symmetric" : "antisymmetric"),
            fmt::format("did you mean \"{}.{}\"?", name.with(element), symmetric ? "re" : "im"));
    }
    std::string suggestion = fmt::format("write, e.g., \"{}\"?", name.with("12.im"));
    if (form_factor == FormFactor::charge_radius) {
        suggestion = fmt::format("write \"anapole.{}\", which scatters like <r^2> = -6 a?", element);
    } else if (is_moment(form_factor)) {
        suggestion = fmt::format("write, e.g., \"{}.1.abs\" or \"{}\"?", majorana_moment, name.with("12.im"));
    }
    const bool universal = part == Parameter::Part::universal;
    throw InputError(
        where,
        fmt::format("{}: a Majorana neutrino has no {} {}", name.name, universal ? "universal" : "diagonal", words),
        universal ? "a multiple of the unit matrix is diagonal, and the matrix is antisymmetric in the "
                    "mass basis"
                  : "the matrix is antisymmetric in the mass basis",
        suggestion);
}

//! Refuses an element that stands in the matrix at \p row and \p column, but is not to be named so.
void explain_element(const ElementName& name, int row, int column, const ParameterScope& scope,
                     const InputLocation& where) {
    const bool majorana = scope.majorana && scope.basis == Basis::mass;
    const bool symmetric = name.form_factor.form_factor == FormFactor::anapole;
    const std::string right = element_name(scope.basis, std::min(row, column), std::max(row, column));
    const std::string full = name.with(right);
    if (row > column) {
        const std::string part = majorana ? (symmetric ? ".re" : ".im") : (name.part.empty() ? ".re" : "." + name.part);
        throw InputError(
            where, unknown(name.name),
            fmt::format("the matrices are Hermitian: {} is the complex conjugate of {}", name.element, right),
            fmt::format("did you mean \"{}{}\"?", full, part));
    }
    if (row == column) {
        if (majorana && !symmetric) {
            refuse_majorana_element(name, Parameter::Part::diagonal, right, where);
        }
        throw InputError(where, unknown(name.name), "diagonal elements are real",
                         fmt::format("did you mean \"{}\"?", full));
    }
    if (majorana) {
        if (name.part.empty()) {
            refuse_majorana_element(name, Parameter::Part::abs, right, where);
        }
        for (const PartName& part : complex_parts) {
            if (name.part == part.name) {
                refuse_majorana_element(name, part.part, right, where);
            }
        }
    }
    if (name.part.empty()) {
        throw InputError(where, name.name + " is complex", "an off-diagonal element is given by its parts",
                         fmt::format("write \"{0}.re\" and \"{0}.im\", or \"{0}.abs\" and \"{0}.arg\"?", full));
    }
}

//! Refuses names of elements that are nearly right with a word on why; returns where there is nothing special to say.
void explain_element_name(const std::string& text, const ParameterScope& scope, const InputLocation& where) {
    const std::size_t dot = text.find('.');
    const auto form_factor = std::find_if(form_factors.begin(), form_factors.end(),
                                          [&](const FormFactorName& f) { return text.substr(0, dot) == f.name; });
    if (form_factor == form_factors.end()) {
        return;
    }
    const bool in_mass_basis_only = scope.majorana && !majorana_has(form_factor->form_factor, Basis::flavour);
    const std::string majorana_example = is_moment(form_factor->form_factor)
                                             ? fmt::format("{}.1.abs", majorana_moment)
                                             : fmt::format("{}.12.im", form_factor->name);
    if (in_mass_basis_only && scope.basis == Basis::flavour) {
        throw InputError(
            where, fmt::format("{}: a Majorana neutrino's {} is given in the mass basis", text, form_factor->words),
            "antisymmetric there, it is no free matrix in the flavour basis",
            fmt::format("set basis = \"mass\" in [neutrino] and write, e.g., \"{}\"?", majorana_example));
    }
    if (dot == std::string::npos) {
        throw InputError(
            where, text + " is a 3x3 matrix", "a parameter is one of its elements",
            in_mass_basis_only ||
                    (scope.majorana && !majorana_has(form_factor->form_factor, Parameter::Part::universal, scope.basis))
                ? fmt::format("write, e.g., \"{}.12.im\"?", text)
                : fmt::format("write \"{0}.universal\" or, e.g., \"{0}.{1}\"?", text, element_name(scope.basis, 0, 0)));
    }
    const std::size_t second_dot = text.find('.', dot + 1);
    ElementName name{text, *form_factor, text.substr(dot + 1, second_dot - dot - 1), ""};
    if (second_dot != std::string::npos) {
        name.part = text.substr(second_dot + 1);
    }
    if (name.element == "universal" && name.part.empty()) { // else it would have been found
        refuse_majorana_element(name, Parameter::Part::universal, name.element, where);
    }
    const Basis other = scope.basis == Basis::flavour ? Basis::mass : Basis::flavour;
    for (int row = 0; row < 3; ++row) {
        for (int column = 0; column < 3; ++column) {
            if (name.element == element_name(other, row, column)) {
                throw InputError(where, fmt::format("{} is an element in the {} basis", text, basis_name(other)),
                                 fmt::format("this scan is in the {} basis", basis_name(scope.basis)),
                                 in_mass_basis_only
                                     ? fmt::format("write, e.g., \"{}\"?", majorana_example)
                                     : fmt::format("set basis = \"{}\" in [neutrino]?", basis_name(other)));
            }
            if (name.element == element_name(scope.basis, row, column)) {
                explain_element(name, row, column, scope, where);
            }
        }
    }
}

void explain_majorana_moment(const std::string& name, const ParameterScope& scope, const InputLocation& where) {
    if (name.substr(0, name.find('.')) != majorana_moment) {
        return;
    }
    if (!scope.majorana) {
        throw InputError(where, name + " is a moment of Majorana neutrinos", "this scan has Dirac neutrinos",
                         "set nature = \"majorana\" in [neutrino]?");
    }
    if (scope.basis != Basis::mass) {
        throw InputError(where, name + " is a moment in the mass basis", "this scan is in the flavour basis",
                         "set basis = \"mass\" in [neutrino]?");
    }
    if (name == majorana_moment) {
        throw InputError(where, name + " has three components", "(mu - i epsilon)_jk = epsilon_jkl Lambda_l",
                         fmt::format("write, e.g., \"{}.1.abs\"?", name));
    }
    for (int l = 1; l <= 3; ++l) {
        if (name == fmt::format("{}.{}", majorana_moment, l)) {
            throw InputError(where, name + " is complex", "it is given by its parts",
                             fmt::format("write \"{0}.re\" and \"{0}.im\", or \"{0}.abs\" and \"{0}.arg\"?", name));
        }
    }
}

//! Why a baseline or a radius is not known, or "" for other names
std::string explain_slow_name(const std::string& name, const ParameterScope& scope) {
    if (name.ends_with(baseline_suffix)) {
        return scope.baselines.empty()
                   ? "no experiment has a source with a baseline"
                   : fmt::format("experiments that have a baseline are {}", fmt::join(scope.baselines, ", "));
    }
    if (name.starts_with(proton_radius_prefix) || name.starts_with(neutron_radius_prefix)) {
        return scope.nuclides.empty() ? "no experiment sees scattering on nuclei"
                                      : fmt::format("nuclides are {}", fmt::join(scope.nuclides, ", "));
    }
    return "";
}

bool any_source(const std::vector<Experiment>& experiments, const std::function<bool(const Source&)>& is_such) {
    return std::any_of(experiments.begin(), experiments.end(), [&](const Experiment& experiment) {
        return std::any_of(experiment.sources.begin(), experiment.sources.end(), is_such);
    });
}

bool any_source(const std::vector<Experiment>& experiments, Propagation propagation) {
    return any_source(experiments, [&](const Source& source) { return source.propagation == propagation; });
}

// ---- parameters without effect ----------------------------------------------------------------------------------

//! At short baselines a flavour ℓ meets column ℓ of the matrices alone
std::string why_element_without_effect(const Parameter& parameter, Basis basis,
                                       const std::vector<Experiment>& experiments) {
    if (basis == Basis::mass || parameter.part == Parameter::Part::universal ||
        any_source(experiments, [&](const Source& source) {
            const int flavour = static_cast<int>(source.flavour);
            return source.propagation != Propagation::short_baseline || flavour == parameter.row ||
                   flavour == parameter.column;
        })) {
        return "";
    }
    return parameter.row == parameter.column ? "no source is of its flavour, and none oscillates"
                                             : "no source is of one of its flavours, and none oscillates";
}

std::string why_mixing_without_effect(Parameter::MixingName name, Basis basis,
                                      const std::vector<Experiment>& experiments) {
    using Name = Parameter::MixingName;
    const bool exact = any_source(experiments, Propagation::exact);
    const bool solar = any_source(experiments, Propagation::solar);
    switch (name) {
    case Name::dm31:
        return exact ? "" : "only sources with exact propagation have phases";
    case Name::dm21:
        return exact || solar ? "" : "it is in exact and solar propagation alone";
    case Name::alpha21:
    case Name::alpha31: // phases of mass states, of which traces of matrices in the flavour basis know nothing
        return basis == Basis::mass ? "" : "Majorana phases belong to elements of the mass basis";
    case Name::theta12:
    case Name::theta13:
    case Name::theta23:
    case Name::delta:
        break;
    }
    const bool oscillates =
        any_source(experiments, [](const Source& source) { return source.propagation != Propagation::short_baseline; });
    return basis == Basis::mass || oscillates ? "" : "no source oscillates, and elements are of the flavour basis";
}

std::string why_normalisation_without_effect(const Parameter& parameter, const std::vector<Experiment>& experiments) {
    if (parameter.background == Experiment::signal) {
        return ""; // whatever the point
    }
    for (const Experiment& experiment : experiments) {
        for (const Background& background : experiment.backgrounds) {
            if (experiment.name == parameter.experiment && background.name == parameter.background &&
                has_effect(background)) {
                return "";
            }
        }
    }
    return "the background is zero in every bin";
}

std::string why_systematic_without_effect(const Parameter& parameter, const std::vector<Experiment>& experiments) {
    if (parameter.experiment.empty()) {
        return ""; // its members are uncertain, and so have an effect
    }
    for (const Experiment& experiment : experiments) {
        for (const Systematic& systematic : experiment.systematics) {
            if (experiment.name == parameter.experiment && systematic.name == parameter.background &&
                has_effect(systematic, experiment)) {
                return "";
            }
        }
    }
    return "it moves nothing in any bin";
}

std::string why_baseline_without_effect(const Parameter& parameter, const std::vector<Experiment>& experiments) {
    for (const Experiment& experiment : experiments) {
        for (const Source& source : experiment.sources) {
            if (experiment.name == parameter.experiment && source.baseline > 0 &&
                (source.flux_follows_baseline || source.propagation == Propagation::exact)) {
                return "";
            }
        }
    }
    return "the fluxes are given at the detector, and no source has exact propagation";
}

std::string why_radius_without_effect(const Parameter& parameter, const std::vector<Experiment>& experiments) {
    for (const Experiment& experiment : experiments) {
        for (const TargetNuclide& target : experiment.target.nuclides) {
            if (target.nuclide.name != parameter.nuclide) {
                continue;
            }
            if (parameter.kind == Parameter::Kind::neutron_radius && target.nuclide.A == target.nuclide.Z) {
                return "it has no neutrons";
            }
            if (std::any_of(experiment.channels.begin(), experiment.channels.end(), [](const Channel& channel) {
                    return channel.target == Target::nucleus && channel.form_factor != NuclearFormFactor::unity;
                })) {
                return "";
            }
        }
    }
    return "the form factor is unity wherever it is seen";
}

} // namespace

ParameterScope parameter_scope(Basis basis, bool majorana, const std::vector<Experiment>& experiments) {
    ParameterScope scope;
    scope.basis = basis;
    scope.majorana = majorana;
    for (const Experiment& experiment : experiments) {
        for (const Background& background : experiment.backgrounds) {
            scope.normalisations.push_back(experiment.name + "." + background.name);
        }
        if (!experiment.sources.empty()) {
            scope.normalisations.push_back(experiment.name + "." + Experiment::signal);
        }
        for (const Systematic& systematic : experiment.systematics) {
            Parameter p;
            p.kind = Parameter::Kind::systematic;
            p.name = experiment.name + "." + systematic.name;
            p.dimension = systematic.kind == Systematic::Kind::parameter ? Dimension::energy : Dimension::dimensionless;
            p.experiment = experiment.name;
            p.background = systematic.name;
            scope.systematics.push_back(p);
        }
        if (std::any_of(experiment.sources.begin(), experiment.sources.end(),
                        [](const Source& source) { return source.baseline > 0; })) {
            scope.baselines.push_back(experiment.name);
        }
        if (std::none_of(experiment.channels.begin(), experiment.channels.end(),
                         [](const Channel& channel) { return channel.target == Target::nucleus; })) {
            continue;
        }
        for (const TargetNuclide& target : experiment.target.nuclides) {
            const std::string& name = target.nuclide.name;
            if (std::find(scope.nuclides.begin(), scope.nuclides.end(), name) == scope.nuclides.end()) {
                scope.nuclides.push_back(name);
            }
        }
    }
    return scope;
}

std::vector<Parameter> all_parameters(const ParameterScope& scope) {
    std::vector<Parameter> out = element_parameters(scope);
    Parameter sin2_theta_w;
    sin2_theta_w.kind = Parameter::Kind::sin2_theta_w;
    sin2_theta_w.name = "sin2_theta_w";
    out.push_back(sin2_theta_w);
    for (const MixingParameterName& m : mixing_parameters) {
        Parameter p;
        p.kind = Parameter::Kind::mixing;
        p.name = m.name;
        p.dimension = m.dimension;
        p.mixing = m.mixing;
        out.push_back(p);
    }
    for (const std::string& name : scope.normalisations) {
        Parameter p;
        p.kind = Parameter::Kind::normalisation;
        p.name = name;
        p.experiment = name.substr(0, name.find('.'));
        p.background = name.substr(name.find('.') + 1);
        out.push_back(p);
    }
    out.insert(out.end(), scope.systematics.begin(), scope.systematics.end());
    for (const std::string& experiment : scope.baselines) {
        Parameter p;
        p.kind = Parameter::Kind::baseline;
        p.name = experiment + baseline_suffix;
        p.dimension = Dimension::length;
        p.experiment = experiment;
        out.push_back(p);
    }
    for (const std::string& nuclide : scope.nuclides) {
        Parameter p;
        p.dimension = Dimension::nuclear_radius;
        p.nuclide = nuclide;
        p.kind = Parameter::Kind::proton_radius;
        p.name = proton_radius_prefix + nuclide;
        out.push_back(p);
        p.kind = Parameter::Kind::neutron_radius;
        p.name = neutron_radius_prefix + nuclide;
        out.push_back(p);
    }
    return out;
}

Parameter find_parameter(const std::string& name, const ParameterScope& scope, const InputLocation& where) {
    std::vector<std::string> names;
    for (const Parameter& parameter : all_parameters(scope)) {
        if (parameter.name == name) {
            return parameter;
        }
        names.push_back(parameter.name);
    }
    explain_element_name(name, scope, where);
    explain_majorana_moment(name, scope, where);
    const std::string nearest = nearest_name(name, names);
    throw InputError(where, unknown(name), explain_slow_name(name, scope),
                     nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest));
}

double& mixing_value(Mixing& mixing, Parameter::MixingName name) {
    switch (name) {
    case Parameter::MixingName::theta12:
        return mixing.theta12;
    case Parameter::MixingName::theta13:
        return mixing.theta13;
    case Parameter::MixingName::theta23:
        return mixing.theta23;
    case Parameter::MixingName::delta:
        return mixing.delta;
    case Parameter::MixingName::alpha21:
        return mixing.alpha21;
    case Parameter::MixingName::alpha31:
        return mixing.alpha31;
    case Parameter::MixingName::dm21:
        return mixing.dm21;
    case Parameter::MixingName::dm31:
        break;
    }
    return mixing.dm31;
}

bool is_slow(const Parameter& parameter, const Experiment& experiment) {
    const std::vector<TargetNuclide>& nuclides = experiment.target.nuclides;
    switch (parameter.kind) {
    case Parameter::Kind::baseline:
        return parameter.experiment == experiment.name;
    case Parameter::Kind::proton_radius:
    case Parameter::Kind::neutron_radius:
        return std::any_of(nuclides.begin(), nuclides.end(),
                           [&](const TargetNuclide& x) { return x.nuclide.name == parameter.nuclide; });
    case Parameter::Kind::mixing:
        break;
    case Parameter::Kind::element:
    case Parameter::Kind::majorana_moment:
    case Parameter::Kind::sin2_theta_w:
    case Parameter::Kind::normalisation:
    case Parameter::Kind::systematic:
        return false;
    }
    const auto propagates = [&](Propagation how) {
        return std::any_of(experiment.sources.begin(), experiment.sources.end(),
                           [&](const Source& source) { return source.propagation == how; });
    };
    using Name = Parameter::MixingName;
    switch (parameter.mixing) {
    case Name::theta12: // P_k(E) of the Sun has these
    case Name::theta13:
        return propagates(Propagation::solar);
    case Name::dm21:
        return propagates(Propagation::solar) || propagates(Propagation::exact);
    case Name::dm31:
        return propagates(Propagation::exact);
    case Name::theta23:
    case Name::delta:
    case Name::alpha21:
    case Name::alpha31:
        break;
    }
    return false;
}

std::string why_without_effect(const Parameter& parameter, Basis basis, const std::vector<Experiment>& experiments) {
    if (parameter.kind != Parameter::Kind::normalisation && parameter.kind != Parameter::Kind::systematic &&
        !any_source(experiments, [](const Source&) { return true; })) {
        return "no experiment has a source";
    }
    switch (parameter.kind) {
    case Parameter::Kind::element:
        return why_element_without_effect(parameter, basis, experiments);
    case Parameter::Kind::mixing:
        return why_mixing_without_effect(parameter.mixing, basis, experiments);
    case Parameter::Kind::normalisation:
        return why_normalisation_without_effect(parameter, experiments);
    case Parameter::Kind::systematic:
        return why_systematic_without_effect(parameter, experiments);
    case Parameter::Kind::baseline:
        return why_baseline_without_effect(parameter, experiments);
    case Parameter::Kind::proton_radius:
    case Parameter::Kind::neutron_radius:
        return why_radius_without_effect(parameter, experiments);
    case Parameter::Kind::majorana_moment:
    case Parameter::Kind::sin2_theta_w:
        break;
    }
    return "";
}

void set_slow(const Parameter& parameter, double value, std::vector<Experiment>& experiments, Mixing& mixing) {
    switch (parameter.kind) {
    case Parameter::Kind::mixing:
        mixing_value(mixing, parameter.mixing) = value;
        return;
    case Parameter::Kind::baseline:
        for (Experiment& experiment : experiments) {
            for (Source& source : experiment.sources) {
                if (experiment.name != parameter.experiment || !(source.baseline > 0)) {
                    continue;
                }
                if (source.flux_follows_baseline) {
                    const double ratio = source.baseline / value;
                    source.flux *= ratio * ratio;
                }
                source.baseline = value;
            }
        }
        return;
    case Parameter::Kind::proton_radius:
    case Parameter::Kind::neutron_radius:
        for (Experiment& experiment : experiments) {
            for (TargetNuclide& target : experiment.target.nuclides) {
                if (target.nuclide.name == parameter.nuclide) {
                    (parameter.kind == Parameter::Kind::proton_radius ? target.nuclide.proton_radius
                                                                      : target.nuclide.neutron_radius) = value;
                }
            }
        }
        return;
    case Parameter::Kind::element:
    case Parameter::Kind::majorana_moment:
    case Parameter::Kind::sin2_theta_w:
    case Parameter::Kind::normalisation:
    case Parameter::Kind::systematic:
        break;
    }
    throw std::logic_error(parameter.name + " is not a slow parameter");
}

} // namespace nuscan
