// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/quantity.hpp"
#include "experiments/experiment.hpp"
#include "nuscan/features.hpp"

namespace nuscan {

/// The five form factors, as users name them: charge, charge_radius, anapole, magnetic_moment, electric_moment.
enum class FormFactor { charge, charge_radius, anapole, magnetic_moment, electric_moment };

/// What a parameter of a scan is.
struct Parameter {
    enum class Kind {
        element,         //!< a form-factor element
        majorana_moment, //!< Λ_l of (μ − iε)_jk = ε_jkl Λ_l, l = row + 1
        sin2_theta_w,
        mixing,        //!< an angle, phase or splitting
        normalisation, //!< of an experiment's background or signal, relative to nominal (1)
        //! Of an experiment, or a shared one (then \p experiment is empty): of a normalisation relative to nominal (1),
        //! of a shape in standard deviations (0), of a background function's parameter its value [MeV]; of a shared one
        //! in standard deviations (0), of free ones the relative deviation
        systematic,
        baseline,       //!< of all sources of an experiment that have one [m]
        proton_radius,  //!< of a nuclide, rms [fm]
        neutron_radius, //!< of a nuclide, rms [fm]
    };
    enum class Part { universal, diagonal, re, im, abs, arg };
    enum class MixingName { theta12, theta13, theta23, delta, alpha21, alpha31, dm21, dm31 };

    Kind kind = Kind::element;
    std::string name; //!< as in the scan file, e.g. "charge.emu.re"
    Dimension dimension = Dimension::dimensionless;

    FormFactor form_factor = FormFactor::charge; //!< of elements
    Part part = Part::universal;                 //!< of elements and Majorana moments
    int row = 0, column = 0;                     //!< row <= column
    MixingName mixing = MixingName::theta12;     //!< of mixing parameters
    std::string experiment, background;          //!< of normalisations, systematics (their name) and baselines
    std::string nuclide;                         //!< of radii, e.g. "Cs133"
};

/// What decides which names are valid in a scan.
struct ParameterScope {
    Basis basis = Basis::flavour;
    bool majorana = false;
    std::vector<std::string> normalisations; //!< `experiment.background` and `experiment.signal`
    std::vector<Parameter> systematics;      //!< those of experiments, and shared ones
    std::vector<std::string> baselines;      //!< experiments that have a source with a baseline
    std::vector<std::string> nuclides;       //!< of the targets of nuclear channels
};

//! The scope of a scan with these experiments
ParameterScope parameter_scope(Basis basis, bool majorana, const std::vector<Experiment>& experiments);

//! All parameters that a scan may name
std::vector<Parameter> all_parameters(const ParameterScope& scope);

/// Looks up a parameter by the name a user wrote.
///
/// \throws InputError for an unknown name (with the nearest valid one), a name of the other basis, a bare off-diagonal
/// element without .re, .im, .abs or .arg, and what Majorana neutrinos cannot have (with the reason): in the mass basis
/// e, ⟨r²⟩, μ and ε are antisymmetric, which leaves the .im of off-diagonal elements, and a is symmetric, which leaves
/// diagonal elements, .re and universal; in the flavour basis only the effective charge_radius and anapole are free.
/// `majorana_moment.1|2|3` (× .re .im .abs .arg) exists for Majorana neutrinos in the mass basis alone, and does not go
/// together with elements of magnetic_moment or electric_moment.
Parameter find_parameter(const std::string& name, const ParameterScope& scope, const InputLocation& where);

//! The member of \p mixing that a mixing parameter names
double& mixing_value(Mixing& mixing, Parameter::MixingName name);

/// Whether moments of the experiment depend on the parameter, so that each of its values needs them anew: baselines,
/// nuclear radii, and the mixing parameters that exact or solar propagation of some source brings into the energy
/// dependence.
bool is_slow(const Parameter& parameter, const Experiment& experiment);

/// Why no value of the parameter changes any prediction of the experiments, whatever the others are; "" where it may.
std::string why_without_effect(const Parameter& parameter, Basis basis, const std::vector<Experiment>& experiments);

/// Sets a slow parameter in the experiments and the mixing parameters that moments are made of.
///
/// A baseline scales the fluxes that follow it by (L0/L)², L0 being the one that \p experiments have: so that rounding
/// does not depend on what was set before, each value is to be set in a copy of the experiments as they were read.
void set_slow(const Parameter& parameter, double value, std::vector<Experiment>& experiments, Mixing& mixing);

} // namespace nuscan
