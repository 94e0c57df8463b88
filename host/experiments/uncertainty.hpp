// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "config/toml_reader.hpp"
#include "experiments/experiment.hpp"

namespace nuscan {

/// An uncertainty as experiment and scan files write it: "fixed" (0), "free" (+inf), or a standard deviation: a
/// relative one of normalisations, of shapes in units of their templates' own. Parameters of functions have none but
/// their range.
double read_uncertainty(const TomlTable& table, const std::string& key,
                        Systematic::Kind kind = Systematic::Kind::normalisation);

/// What a systematic, a background or the signal of an experiment may do.
struct Uncertainty {
    Systematic::Kind kind = Systematic::Kind::normalisation;
    double sigma = 0;
    double nominal = 0; //!< of a parameter [MeV]
    double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity(); //!< of x
};

//! All of an experiment that has an uncertainty: backgrounds, systematics, and the signal if there are sources
std::vector<std::string> names_of_systematics(const Experiment& experiment);
//! Refuses other names, with the nearest
void check_name_of_systematic(const Experiment& experiment, const std::string& name, const InputLocation& where);
//! The systematic of that name, which may be null: backgrounds and the signal are none
const Systematic* find_systematic(const Experiment& experiment, const std::string& name);
Uncertainty uncertainty_of(const Experiment& experiment, const std::string& name);
//! 1 for each component that a normalisation scales, 0 for the others: backgrounds, then the signal
std::vector<double> scaled_components(const Experiment& experiment, const std::string& name);

//! Gives uncertainties the values that a scan file has for them by name
void override_uncertainties(const TomlTable& values, Experiment& experiment);

//! Whether there is a bin that the normalisation of a background can change
bool has_effect(const Background& background);
//! Whether there is a bin of the experiment that a systematic can change
bool has_effect(const Systematic& systematic, const Experiment& experiment);

//! Refuses what is uncertain, but changes no bin
void check_uncertainty(const Background& background, const InputLocation& where);
void check_uncertainty(const Systematic& systematic, const Experiment& experiment, const InputLocation& where);
//! The same for all that an experiment file declares, in the bins that the fit takes
void check_uncertainties(const TomlTable& file, const Experiment& experiment);

} // namespace nuscan
