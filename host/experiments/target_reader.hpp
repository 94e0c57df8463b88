// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/chemical_formula.hpp"
#include "experiments/experiment_tables.hpp"

namespace nuscan {

/// The target of an experiment file, with what other parts of the file need to know of its material.
struct TargetInput {
    TargetMaterial material;
    std::vector<FormulaPart> parts; //!< the elements of a formula unit
};

/// Reads `[target]` and the mass of `[exposure]`. \throws InputError with file and line.
TargetInput read_target(const TomlTable& experiment);

//! The live time of `[exposure]` [s]
double read_live_time(const TomlTable& experiment);

} // namespace nuscan
