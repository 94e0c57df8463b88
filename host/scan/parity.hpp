// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <vector>

#include "backends/backend.hpp"

namespace nuscan {

/// How far a back end is from the reference at random points of a scan.
struct Parity {
    int points = 0;     //!< compared
    double largest = 0; //!< largest |χ² − χ²_reference| / (1 + χ²_reference)
};

//! Quadrature is good to 1e-8 of every bin, which χ² magnifies far outside the allowed region: more than this is
//! neither that nor rounding.
inline constexpr double largest_explained_deviation = 1e-6;

/// |χ² − χ²_reference| / (1 + χ²_reference) of points given by a value for every axis; +inf where it is NaN.
///
/// The literal reference integrates afresh at every point: after \p patience [s] no further point is begun but the
/// first, and none at all once \p stop (may be null) is set. Points that were not come as NaN.
std::vector<double> deviations_from_reference(const ScanConfig& config, const std::vector<std::vector<double>>& points,
                                              const std::vector<double>& chi2, double patience,
                                              const std::atomic<bool>* stop = nullptr);

/// Compares \p n_points random points of the grid, drawn by a generator seeded with the plan's hash, or those for which
/// \ref deviations_from_reference has time.
Parity check_parity(const Plan& plan, Backend& backend, int n_points, double patience = 20,
                    const std::atomic<bool>* stop = nullptr);

} // namespace nuscan
