// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/backend.hpp"

namespace nuscan {

/// How far a back end is from the reference at random points of a scan.
struct Parity {
    int points = 0;
    double largest = 0; //!< largest |χ² − χ²_reference| / (1 + χ²_reference)
};

/// Compares \p n_points random points of the grid, drawn by a generator seeded with the plan's hash.
Parity check_parity(const Plan& plan, Backend& backend, int n_points);

} // namespace nuscan
