// SPDX-License-Identifier: Apache-2.0
#include "config/parameters.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace nuscan {
namespace {

struct FormFactorName {
    const char* name;
    FormFactor form_factor;
    Dimension dimension;
};

constexpr std::array<FormFactorName, 5> form_factors = {{
    {"charge", FormFactor::charge, Dimension::charge},
    {"charge_radius", FormFactor::charge_radius, Dimension::area},
    {"anapole", FormFactor::anapole, Dimension::area},
    {"magnetic_moment", FormFactor::magnetic_moment, Dimension::magnetic_moment},
    {"electric_moment", FormFactor::electric_moment, Dimension::magnetic_moment},
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

std::vector<Parameter> element_parameters(Basis basis) {
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
                const std::string name = std::string(form_factor.name) + "." + element_name(basis, row, column);
                if (row == column) {
                    p.name = name;
                    p.part = Parameter::Part::diagonal;
                    out.push_back(p);
                    continue;
                }
                for (const PartName& part : complex_parts) {
                    Parameter q = p;
                    q.name = name + "." + part.name;
                    q.part = part.part;
                    q.dimension = part.part == Parameter::Part::arg ? Dimension::angle : p.dimension;
                    out.push_back(q);
                }
            }
        }
    }
    return out;
}

//! Refuses names that are nearly right with a word on why; returns where there is nothing special to say.
void explain_element_name(const std::string& name, Basis basis, const InputLocation& where) {
    const std::size_t dot = name.find('.');
    const std::string head = name.substr(0, dot);
    bool is_form_factor = false;
    for (const FormFactorName& form_factor : form_factors) {
        is_form_factor = is_form_factor || head == form_factor.name;
    }
    if (!is_form_factor) {
        return;
    }
    if (dot == std::string::npos) {
        throw InputError(
            where, name + " is a 3x3 matrix", "a parameter is one of its elements",
            fmt::format("write \"{0}.universal\" or, e.g., \"{0}.{1}\"?", name, element_name(basis, 0, 0)));
    }
    const std::size_t second_dot = name.find('.', dot + 1);
    const std::string element =
        name.substr(dot + 1, second_dot == std::string::npos ? second_dot : second_dot - dot - 1);
    const std::string part = second_dot == std::string::npos ? "" : name.substr(second_dot);
    const Basis other = basis == Basis::flavour ? Basis::mass : Basis::flavour;
    for (int row = 0; row < 3; ++row) {
        for (int column = 0; column < 3; ++column) {
            if (element == element_name(other, row, column)) {
                throw InputError(where, fmt::format("{} is an element in the {} basis", name, basis_name(other)),
                                 fmt::format("this scan is in the {} basis", basis_name(basis)),
                                 fmt::format("set basis = \"{}\" in [neutrino]?", basis_name(other)));
            }
            if (element != element_name(basis, row, column)) {
                continue;
            }
            const std::string right = element_name(basis, std::min(row, column), std::max(row, column));
            const std::string full = head + "." + right;
            if (row > column) {
                throw InputError(
                    where, fmt::format("unknown parameter \"{}\"", name),
                    fmt::format("the matrices are Hermitian: {} is the complex conjugate of {}", element, right),
                    fmt::format("did you mean \"{}{}\"?", full, part.empty() ? ".re" : part));
            }
            if (row == column) {
                throw InputError(where, fmt::format("unknown parameter \"{}\"", name), "diagonal elements are real",
                                 fmt::format("did you mean \"{}\"?", full));
            }
            if (part.empty()) {
                throw InputError(where, name + " is complex", "an off-diagonal element is given by its parts",
                                 fmt::format("write \"{0}.re\" and \"{0}.im\", or \"{0}.abs\" and \"{0}.arg\"?", full));
            }
        }
    }
}

} // namespace

std::vector<Parameter> all_parameters(Basis basis, const std::vector<std::string>& normalisations) {
    std::vector<Parameter> out = element_parameters(basis);
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
    for (const std::string& name : normalisations) {
        Parameter p;
        p.kind = Parameter::Kind::normalisation;
        p.name = name;
        p.experiment = name.substr(0, name.find('.'));
        p.background = name.substr(name.find('.') + 1);
        out.push_back(p);
    }
    return out;
}

Parameter find_parameter(const std::string& name, Basis basis, const std::vector<std::string>& normalisations,
                         const InputLocation& where) {
    std::vector<std::string> names;
    for (const Parameter& parameter : all_parameters(basis, normalisations)) {
        if (parameter.name == name) {
            return parameter;
        }
        names.push_back(parameter.name);
    }
    explain_element_name(name, basis, where);
    const std::string nearest = nearest_name(name, names);
    throw InputError(where, fmt::format("unknown parameter \"{}\"", name), "",
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

} // namespace nuscan
