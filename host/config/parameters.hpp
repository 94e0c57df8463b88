// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/quantity.hpp"
#include "nuscan/features.hpp"

namespace nuscan {

/// The five form factors, as users name them: charge, charge_radius, anapole, magnetic_moment, electric_moment.
enum class FormFactor { charge, charge_radius, anapole, magnetic_moment, electric_moment };

/// What a parameter of a scan is.
struct Parameter {
    enum class Kind {
        element,       //!< a form-factor element: fast
        sin2_theta_w,  //!< fast
        mixing,        //!< an angle, phase or splitting: medium
        normalisation, //!< of an experiment's background, relative to nominal (1): fast
    };
    enum class Part { universal, diagonal, re, im, abs, arg };
    enum class MixingName { theta12, theta13, theta23, delta, alpha21, alpha31, dm21, dm31 };

    Kind kind = Kind::element;
    std::string name; //!< as in the scan file, e.g. "charge.emu.re"
    Dimension dimension = Dimension::dimensionless;

    FormFactor form_factor = FormFactor::charge; //!< of elements
    Part part = Part::universal;
    int row = 0, column = 0;                 //!< row <= column
    MixingName mixing = MixingName::theta12; //!< of mixing parameters
    std::string experiment, background;      //!< of normalisations
};

//! All parameters that a scan in this basis, with these `experiment.background` normalisations, may name
std::vector<Parameter> all_parameters(Basis basis, const std::vector<std::string>& normalisations);

/// Looks up a parameter by the name a user wrote.
///
/// \p basis decides which element names are valid (ee, emu, … or 11, 12, …); \p normalisations lists the valid
/// `experiment.background` names. \throws InputError for an unknown name (with the nearest valid one), a name of the
/// other basis, and a bare off-diagonal element without .re, .im, .abs or .arg.
Parameter find_parameter(const std::string& name, Basis basis, const std::vector<std::string>& normalisations,
                         const InputLocation& where);

//! The member of \p mixing that a mixing parameter names
double& mixing_value(Mixing& mixing, Parameter::MixingName name);

} // namespace nuscan
