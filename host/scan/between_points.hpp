// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "output/axes_minimum.hpp"
#include "scan/plan.hpp"

namespace nuscan {

/// χ² between the points of a result's grid, from its scan file and experiments.
struct BetweenPoints {
    std::shared_ptr<const Plan> plan;
    AxesMinimiser minimiser; //!< axes in the order of the result: kept ones, then profiled ones

    //! Values of the axes in the order of the scan, from those in that of the result
    std::vector<double> in_scan_order(const std::vector<double>& values) const;
};

/// \param folder as of scan_of()
/// \throws InputError where the scan or an experiment is not what it was when the scan ran, where an axis is slow or
/// the scan leaves minima to the grid, and where χ² at the best point is not the one that the result has.
BetweenPoints between_points(const Result& result, const std::string& folder);

} // namespace nuscan
