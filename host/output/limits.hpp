// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "output/result_file.hpp"

namespace nuscan {

/// A range of an axis where Δχ² is at most the threshold.
struct Interval {
    double low, high;
    bool low_open, high_open;                   //!< the interval reaches the end of the axis, and may go on beyond it
    bool low_rough = false, high_rough = false; //!< the grid is too coarse to say where this end is
};

/// One kept axis, with every other one minimised over.
struct AxisLimits {
    Variable axis; //!< with values
    double best_fit;
    std::vector<double> delta_chi2;  //!< profile over all other axes, one per axis value; NaN where no χ² is a number
    std::vector<Interval> intervals; //!< where Δχ² <= threshold; several where disconnected
};

/// Contour of Δχ² = threshold (2 d.o.f.) in the plane of two kept axes: polylines of (x, y), x on the first kept axis
/// and y on the second. Closed lines end with their first point; open ones end at the rim of the grid (or at a NaN).
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
    std::vector<Contour> contours; //!< of scans with two kept axes: 68.27, 90, 95.45 % and the confidence level
};

/// Δχ² threshold of a confidence level for 1 or 2 degrees of freedom (2.71 and 4.61 at 90 %): the χ² quantile.
/// \throws InputError unless 0 < confidence_level < 1.
double delta_chi2_threshold(double confidence_level, int degrees_of_freedom);

/// Best fit, intervals and contours.
///
/// Δχ² is relative to the smallest χ² on the grid, that is in the region that was scanned; of equal ones the first
/// counts. Where the true minimum lies between grid points Δχ² is too small everywhere by the difference, at most about
/// the curvature × step² / 8.
///
/// An edge is where the cubic through the four nearest grid points crosses the threshold: exact for parabolas, and to
/// 1e-3 of a step for quartics that ten steps or more resolve. Where it differs from a straight line between the
/// nearest two by more than 5 % of the interval, as it does where this is less than two or three steps wide, the end is
/// called rough. Regions narrower than a step are not seen. Where χ² is +inf on one side (a prediction without counts),
/// the edge is the last point with a finite one; a NaN ends a region in the same way. \throws InputError where no χ² is
/// finite.
Limits compute_limits(const Result& result, double confidence_level);

//! As text for a terminal
std::string limits_text(const Limits& limits, const Result& result);

/// As JSON: what is infinite or NaN is null, numbers have all their digits.
///
///     {"file": "lz.h5", "title": "…",
///      "chi2_min": 17.9, "minimum": "grid", "flagged_points": 0, "points": 160801,
///      "best_fit": {"charge.universal": {"value": 1e-13, "unit": "e"}, …},
///      "pulls": {"lz-2022.background": {"value": 1.02, "error": 0.05, "status": "fitted", "unit": "1"}, …},
///      "degenerate_pulls": "…",
///      "confidence_level": 0.9, "degrees_of_freedom": 1, "delta_chi2": 2.7055…,
///      "axes": [{"name": "charge.universal", "unit": "e", "best_fit": 1e-13,
///                "intervals": [{"low": -2e-13, "high": 3e-13, "low_open": false, "high_open": false,
///                               "low_rough": false, "high_rough": false}, …],
///                "values": […], "delta_chi2_profile": […]}, …],
///      "contours": [{"confidence_level": 0.9, "degrees_of_freedom": 2, "delta_chi2": 4.6…,
///                    "x": "magnetic_moment.universal", "y": "charge.universal",
///                    "lines": [[[x, y], …], …]}, …]}
std::string limits_json(const Limits& limits, const Result& result);

} // namespace nuscan
