// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "nuscan/constants.hpp"
#include "nuscan/macros.hpp"

namespace nuscan {

/// Parametrisations of the form factor F(q) of a nucleon distribution with a given rms radius; F(0) = 1.
enum class NuclearFormFactor : int {
    helm, //!< 3 j_1(qR_0)/(qR_0) e^{−q²s²/2}, s = 0.9 fm, R_0² = (5/3)(R² − 3s²) (R. H. Helm, 1956)
    symmetrised_fermi, //!< symmetrised Fermi, a = 0.523 fm (D. W. L. Sprung, J. Martorell, 1997)
    klein_nystrand,    //!< 3 j_1(qR_A)/(qR_A) / (1 + q²a²), a = 0.7 fm (S. Klein, J. Nystrand, 1999)
    unity,             //!< 1: a point
};

namespace constants {
inline constexpr double helm_skin = 0.9;           //!< s [fm]
inline constexpr double fermi_diffuseness = 0.523; //!< a [fm]
inline constexpr double yukawa_range = 0.7;        //!< a of Klein and Nystrand [fm]
inline constexpr double hbar_c_fm = hbar_c * 1e13; //!< ħc [MeV fm]
} // namespace constants

//! 3 j_1(x)/x = 3 (sin x − x cos x)/x³, by its series where that cancels
NUSCAN_HOST_DEVICE inline double uniform_sphere_form_factor(double x) {
    if (x < 0.3) {
        const double y = x * x;
        return 1 - y / 10 * (1 - y / 28 * (1 - y / 54 * (1 - y / 88 * (1 - y / 130))));
    }
    return 3 * (std::sin(x) - x * std::cos(x)) / (x * x * x);
}

//! Smallest rms radius [fm] that a parametrisation can describe: its surface alone has that much
NUSCAN_HOST_DEVICE inline double min_radius(NuclearFormFactor shape) {
    switch (shape) {
    case NuclearFormFactor::helm:
        return std::sqrt(3.) * constants::helm_skin;
    case NuclearFormFactor::symmetrised_fermi:
        return std::sqrt(7. / 5) * constants::pi * constants::fermi_diffuseness;
    case NuclearFormFactor::klein_nystrand:
        return std::sqrt(6.) * constants::yukawa_range;
    case NuclearFormFactor::unity:
        break;
    }
    return 0;
}

/// F(q). \param q momentum transfer [MeV]; \param radius rms radius [fm], above min_radius().
NUSCAN_HOST_DEVICE inline double form_factor(NuclearFormFactor shape, double q, double radius) {
    const double k = q / constants::hbar_c_fm; // fm^-1
    switch (shape) {
    case NuclearFormFactor::helm: {
        constexpr double s = constants::helm_skin;
        const double R0 = std::sqrt(5. / 3 * (radius * radius - 3 * s * s));
        return uniform_sphere_form_factor(k * R0) * std::exp(-k * k * s * s / 2);
    }
    case NuclearFormFactor::symmetrised_fermi: {
        // R² = 3c²/5 + 7π²a²/5
        const double pi_a = constants::pi * constants::fermi_diffuseness;
        const double c = std::sqrt(5. / 3 * (radius * radius - 7. / 5 * pi_a * pi_a));
        const double x = k * c, y = k * pi_a;
        if (x * x + y * y < 1e-4) { // the closed form is 0/0 at q = 0
            return 1 - k * k * radius * radius / 6;
        }
        return 3 / (x * (x * x + y * y)) * (y / std::sinh(y)) * (y * std::sin(x) / std::tanh(y) - x * std::cos(x));
    }
    case NuclearFormFactor::klein_nystrand: {
        constexpr double a = constants::yukawa_range; // R² = 3R_A²/5 + 6a²
        const double R_A = std::sqrt(5. / 3 * (radius * radius - 6 * a * a));
        return uniform_sphere_form_factor(k * R_A) / (1 + k * k * a * a);
    }
    case NuclearFormFactor::unity:
        break;
    }
    return 1;
}

} // namespace nuscan
