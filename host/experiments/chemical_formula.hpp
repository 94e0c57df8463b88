// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/error.hpp"
#include "experiments/atomic_shells.hpp"

namespace nuscan {

//! An element of a compound
struct FormulaPart {
    Element element;
    double count; //!< atoms per formula unit; may be fractional in an alloy
};

/// Reads a chemical formula: "Xe", "CaWO4", "Al2O3", "(NH4)2SO4", "Si0.9Ge0.1".
///
/// Each element comes once, in the order in which it is first written. A number stands behind each bracket, so that a
/// dopant ("CsI(Tl)") is not taken for a part of the compound. \throws InputError for what is no formula and
/// for symbols that are no element, with the nearest one that is.
std::vector<FormulaPart> parse_formula(const std::string& formula, const InputLocation& where);

//! Weight of the formula unit [g/mol]
double formula_weight(const std::vector<FormulaPart>& parts);

} // namespace nuscan
