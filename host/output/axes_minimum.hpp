// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "output/result_file.hpp"

namespace nuscan {

/// A minimum of χ² between the points of a grid.
struct AxesMinimum {
    double chi2;
    bool converged;             //!< else χ² is an upper bound
    std::vector<double> values; //!< of every axis
    std::vector<double> slopes; //!< of χ² by every axis, times the length of its range; 0 where that is not known
};

/// Minimises χ² over all axes and pulls, continuously, each axis within its span, from a start; a span of no length
/// holds its axis. Any thread may ask.
using AxesMinimiser = std::function<AxesMinimum(const std::vector<Span>& spans, const std::vector<double>& start)>;

} // namespace nuscan
