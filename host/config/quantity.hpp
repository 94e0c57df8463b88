// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "config/error.hpp"

namespace nuscan {

/// What a number measures; each has one internal unit, which is also the one written to result files.
enum class Dimension {
    dimensionless,
    angle,           //!< rad
    charge,          //!< e
    area,            //!< cm^2 (charge radius, anapole)
    magnetic_moment, //!< mu_B
    mass_splitting,  //!< eV^2
    energy,          //!< MeV
    length,          //!< m
    mass,            //!< kg
    time,            //!< s
    flux,            //!< cm^-2 s^-1
    root_energy,     //!< MeV^1/2 (the statistical term of an energy resolution)
    nuclear_radius,  //!< fm
    inverse_energy,  //!< MeV^-1 (a light yield); with the next three, coefficients of polynomials in energy
    inverse_energy_2,
    inverse_energy_3,
    inverse_energy_4, //!< MeV^-4
    power,            //!< W (thermal power of a reactor)
    activity,         //!< Bq
    amount_density,   //!< mol/cm^3 (electrons in the Sun)
};

//! Dimension of energy^(−power), \p power from 0 to 4
Dimension inverse_energy(int power);

//! Name of the internal unit, e.g. "mu_B"; "1" where dimensionless
const char* unit_name(Dimension dimension);

/// Reads "3e-11 mu_B" into the internal unit of \p dimension.
///
/// A number without a unit is accepted where it is zero, dimensionless or an angle in rad. \p what names the quantity
/// in the error message ("max"), and \p measured what the unit belongs to where that is something else
/// ("magnetic_moment.universal").
/// \throws InputError for an unreadable number, a missing unit or a unit of another dimension.
double parse_quantity(const std::string& text, Dimension dimension, const InputLocation& where, const std::string& what,
                      const std::string& measured = "");

//! The same for a number that stands without a unit
double check_bare_number(double value, Dimension dimension, const InputLocation& where, const std::string& what,
                         const std::string& measured = "");

/// Factor from a unit to the internal one, as a ratio so that "861.3 keV" is exactly 0.8613 MeV.
struct UnitFactor {
    double numerator, denominator;
    double operator()(double value) const { return value * numerator / denominator; }
};

//! The factor of a unit of \p dimension, or nothing where \p unit is not one
std::optional<UnitFactor> find_unit(const std::string& unit, Dimension dimension);

} // namespace nuscan
