// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "output/axes_minimum.hpp"
#include "output/contours.hpp"
#include "output/result_file.hpp"

namespace nuscan {

/// An end of an interval, and why the interval ends there.
struct End {
    enum class Kind {
        crossing, //!< Δχ² crosses the threshold
        physical, //!< the parameter ends there: a modulus at 0, a squared sine at 0 or 1
        range,    //!< the axis ends there; the region may go on
        none,     //!< nowhere: a full circle is allowed
    };
    Kind kind;
    double at;    //!< NaN where the grid is too coarse to say
    Span between; //!< of a crossing: values of which one is allowed and one is not

    bool is_bracket() const { return kind == Kind::crossing && at != at; }
};

/// A range of an axis where Δχ² is at most the threshold.
///
/// On a circle low is on the axis and high may be beyond its end, by less than a period: an interval through ±π is one.
/// A full circle is [first value, first value + period], with ends of kind none.
struct Interval {
    End low, high;
};

/// One kept axis, with every other one minimised over.
struct AxisLimits {
    Variable axis; //!< with values
    double best_fit;
    std::vector<double> delta_chi2;  //!< profile over all other axes, one per axis value; NaN where no χ² is a number
    std::vector<Interval> intervals; //!< where Δχ² <= threshold; several where disconnected
    bool excludes_null = false;      //!< the value without new physics was scanned, and is in none of them
};

/// Contours of Δχ² = threshold (2 d.o.f.) in the plane of two kept axes.
struct Contour {
    double confidence_level, threshold;
    ContourLines contours;
};

/// The fit without new physics: all form factors on axes at the standard model's values, everything else minimised
/// over.
struct NullPoint {
    double delta_chi2;
    int degrees_of_freedom; //!< axes that it takes away
    double significance;    //!< standard deviations of a normal distribution with the same p-value, two-sided
    bool is_excluded;       //!< at the confidence level
};

/// χ² at the minimum as a measure of the fit.
struct GoodnessOfFit {
    int bins;
    std::optional<int> degrees_of_freedom; //!< bins − fitted parameters without a prior, if the file says how many
    std::optional<double> p_value;         //!< asymptotic
    int bins_with_few_counts = 0;          //!< in which fewer than 5 are predicted: the asymptotic p-value is not right
};

struct Limits {
    double confidence_level; //!< of the intervals
    double threshold;        //!< Δχ², 1 d.o.f.
    double chi2_min;
    std::vector<std::pair<std::string, double>> best_fit; //!< every axis, kept and profiled
    std::vector<AxisLimits> axes;
    std::vector<Contour> contours; //!< of scans with two kept axes: 68.27, 90, 95.45 % and the confidence level
    bool is_exact = false;         //!< minimum and ends of intervals are those of χ² between the grid points
    std::optional<NullPoint> null; //!< where there are form factors on axes, and the file or experiments tell
    std::optional<GoodnessOfFit> goodness;
    std::string verdict; //!< what the scan said of itself: see nuscan::verdict
    std::vector<std::string> warnings;
};

/// Δχ² threshold of a confidence level: the χ² quantile (2.71, 4.61 and 6.25 at 90 % for 1, 2 and 3 d.o.f.).
/// \throws InputError unless 0 < confidence_level < 1, and where there are no degrees of freedom.
double delta_chi2_threshold(double confidence_level, int degrees_of_freedom);

/// Best fit, intervals and contours.
///
/// Δχ² is relative to the smallest χ² in the region that was scanned. With \p chi2, whose axes are in the order of the
/// result (kept ones, then profiled ones), that minimum and the ends of intervals are found between the grid points, to
/// 1e-5 of their value, starting from what the grid shows; where Δχ² has a minimum within a step, or a maximum, regions
/// are looked for there. Without it they are those of the grid: an end is where the cubic through the four nearest
/// grid points crosses the threshold, and a bracket where this differs from a straight line between the nearest two by
/// more than 5 % of the interval, as it does where an interval is less than two or three steps wide. Contours are
/// always interpolated.
///
/// Where χ² is +inf on one side (a prediction without counts) a region ends there. \throws InputError where no χ² is
/// finite, and where a point without a number borders what is allowed: nothing is known of it.
Limits compute_limits(const Result& result, double confidence_level, const AxesMinimiser& chi2 = {});

//! As text for a terminal. \p why_grid: why limits are not exact; may be empty
std::string limits_text(const Limits& limits, const Result& result, const std::string& why_grid = "");

/// As JSON: what is infinite or NaN is null, numbers have all their digits.
///
///     {"file": "lz.h5", "title": "…", "verdict": "ok",
///      "warnings": ["…", …],
///      "chi2_min": 17.9, "minimum": "exact", "flagged_points": 0, "points": 160801,
///      "goodness_of_fit": {"bins": 20, "degrees_of_freedom": 18, "p_value": 0.46, "bins_with_few_counts": 2},
///      "null": {"delta_chi2": 0.3, "degrees_of_freedom": 2, "significance": 0.2, "excluded": false},
///      "best_fit": {"charge.universal": {"value": 1e-13, "unit": "e"}, …},
///      "pulls": {"lz-2022.background": {"value": 1.02, "error": 0.05, "status": "fitted", "unit": "1"}, …},
///      "degenerate_pulls": "…",
///      "confidence_level": 0.9, "degrees_of_freedom": 1, "delta_chi2": 2.7055…,
///      "axes": [{"name": "charge.universal", "unit": "e", "period": null, "best_fit": 1e-13, "excludes_null": false,
///                "intervals": [{"low": 0, "high": 3e-13, "low_end": "physical", "high_end": "crossing",
///                               "low_between": null, "high_between": null}, …],
///                "values": […], "delta_chi2_profile": […]}, …],
///      "contours": [{"confidence_level": 0.9, "degrees_of_freedom": 2, "delta_chi2": 4.6…, "rough": false,
///                    "x": "magnetic_moment.universal", "y": "charge.universal",
///                    "lines": [[[x, y], …], …], "closed": [true, …]}, …]}
///
/// "minimum" is "exact", or "grid" where ends of intervals and χ² are those of the grid. "low_end" and "high_end" are
/// "crossing", "physical" (the parameter ends there), "range" (the axis ends there, the region may go on), or null on a
/// full circle that is allowed all round; there high − low is the period, and on any circle high may be above the last
/// value: subtract the period. An end that the grid cannot place is null, and "low_between" or "high_between" are the
/// two values between which it lies. "null" and "goodness_of_fit" are null where the file does not say enough.
std::string limits_json(const Limits& limits, const Result& result);

} // namespace nuscan
