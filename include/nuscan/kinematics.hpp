// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "nuscan/macros.hpp"

/// A neutrino hits a body of mass M at rest. All in MeV.
namespace nuscan {

//! Largest recoil energy: T_max = 2E²/(M + 2E)
NUSCAN_HOST_DEVICE constexpr double max_recoil(double E, double M) { return 2 * E * E / (M + 2 * E); }

//! Smallest neutrino energy that gives the recoil energy T: (T + √(T² + 2MT)) / 2
NUSCAN_HOST_DEVICE inline double min_neutrino_energy(double T, double M) {
    return (T + std::sqrt(T * T + 2 * M * T)) / 2;
}

} // namespace nuscan
