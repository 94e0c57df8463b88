// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/error.hpp"
#include "experiments/chemical_formula.hpp"
#include "experiments/experiment.hpp"

namespace nuscan {

/// Photoabsorption cross-section σ_γ of an atom, from 10 eV, or the ionisation energy of a gas, to 30 keV.
///
/// A power law between points, to 1e-3 of the tables of B. L. Henke, E. M. Gullikson, J. C. Davis, At. Data Nucl. Data
/// Tables 54, 181 (1993), with their later updates (σ_γ = 2 r_e λ f2). An absorption edge is a pair of points 0.2 eV
/// apart; neighbouring edges may be one (all of germanium's L edges are at L3's 1217 eV). The tables are for atoms of
/// the pure element: within some 10 eV of an edge, and below 50 eV, it matters what they are bound in.
struct PhotoabsorptionTable {
    std::vector<double> energy;        //!< [MeV], increasing
    std::vector<double> cross_section; //!< [cm^2 per atom]

    //! σ_γ [cm^2] at an energy [MeV]; 0 outside the table
    double at(double E) const;
};

/// The table of the element of that symbol, or nothing: elements up to uranium have one.
std::optional<PhotoabsorptionTable> photoabsorption(const std::string& symbol);

/// Photoabsorption of a compound as the sum over its atoms: [cm^2 per formula unit] against energy [MeV].
///
/// Holds all points of its elements and as many between them as make linear interpolation agree with their power laws
/// to 1e-4. Where the table of an element begins above that of another, the sum steps within 1e-9 of that energy.
/// \throws InputError for an element without a table.
Table photoabsorption_of(const std::vector<FormulaPart>& parts, const InputLocation& where);

} // namespace nuscan
