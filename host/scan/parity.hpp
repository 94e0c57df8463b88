// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "backends/backend.hpp"

namespace nuscan {

/// How far a back end is from the reference at random points of a scan.
struct Parity {
    int points = 0;     //!< compared
    double largest = 0; //!< largest |χ² − χ²_reference| / (1 + χ²_reference)
};

/// Compares \p n_points random points of the grid, drawn by a generator seeded with the plan's hash.
///
/// The literal reference integrates afresh at every point: after \p patience [s] no further point is begun but the
/// first, and none at all once \p stop (may be null) is set.
Parity check_parity(const Plan& plan, Backend& backend, int n_points, double patience = 20,
                    const std::atomic<bool>* stop = nullptr);

} // namespace nuscan
