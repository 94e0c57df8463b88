// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "output/result_file.hpp"

namespace nuscan {

struct Interval {
    double low, high;
    bool low_open, high_open; //!< the interval runs beyond the end of the axis
};

/// One kept axis, with every other one minimised over.
struct AxisLimits {
    Variable axis; //!< with values
    double best_fit;
    std::vector<double> delta_chi2;  //!< profile over all other axes, one per axis value
    std::vector<Interval> intervals; //!< where Δχ² <= threshold; several where disconnected
};

/// Contour of Δχ² = threshold (2 d.o.f.) in the plane of two kept axes: closed or open polylines of (x, y).
struct Contour {
    double confidence_level, threshold;
    std::vector<std::vector<std::pair<double, double>>> lines;
};

struct Limits {
    double confidence_level; //!< of the intervals
    double threshold;        //!< Δχ², 1 d.o.f.
    double chi2_min;
    std::vector<std::pair<std::string, double>> best_fit; //!< every axis, kept and profiled
    std::vector<AxisLimits> axes;
    std::vector<Contour> contours; //!< of scans with two kept axes
};

/// Δχ² threshold of a confidence level for 1 or 2 degrees of freedom (2.71 and 4.61 at 90 %).
double delta_chi2_threshold(double confidence_level, int degrees_of_freedom);

/// Best fit, intervals and contours, relative to the smallest χ² on the grid (the physical region that was scanned).
///
/// Crossings are found by interpolation of √Δχ² between grid points, which is exact for a parabola.
Limits compute_limits(const Result& result, double confidence_level);

//! As text for a terminal, and as JSON
std::string limits_text(const Limits& limits, const Result& result);
std::string limits_json(const Limits& limits, const Result& result);

} // namespace nuscan
