// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "nuscan/macros.hpp"

/// The grid of a scan: axis tables, the part of it that a work unit covers, and how a unit splits into planes,
/// rows and points.
///
/// Every real coordinate t enters a prediction as a + b·u(t) + c·v(t). The host tabulates u and v once per axis value,
/// so nothing below knows what an axis means. The two axes a plane is made of (the line axis, innermost, and the row
/// axis) are fast ones: form-factor elements, sin²θ_W, background normalisations. All others are fixed on a plane.
namespace nuscan {

enum class AxisShape : int {
    linear,   //!< u = t − t_ref, v = u²
    circular, //!< u = cos t, v = sin t: the argument of a complex element
};

/// One axis: \p size values with their u and v, and what each value adds to χ² (a prior; usually zero).
struct AxisView {
    const double* value;
    const double* u;
    const double* v;
    const double* penalty;
    std::int64_t size;
    AxisShape shape;
};

/// A number that is fixed, or read from the table of an axis.
struct Scalar {
    double fixed = 0;
    int axis = -1;
};

/// The axes that a plane spans; −1 where there is none (a plane is then one row, or one point).
struct PlaneLayout {
    int line_axis = -1;
    int row_axis = -1;
    //! u of what a collapsed χ² is expanded about, on linear axes: the standard model, or as near as the axis comes
    double line_origin = 0, row_origin = 0;

    NUSCAN_HOST_DEVICE constexpr bool spans(int axis) const {
        return axis >= 0 && (axis == line_axis || axis == row_axis);
    }
};

/// What a work unit covers of one axis, and how far apart neighbours lie.
struct AxisRange {
    std::int64_t begin;          //!< first index
    std::int64_t count;          //!< number of indices
    std::int64_t plane_stride;   //!< in plane numbers of the unit; 0 on the axes that a plane spans
    std::int64_t kept_stride;    //!< in the unit's tile of kept points; 0 on profiled axes
    std::int64_t profile_stride; //!< in the flat index over all profiled axes of the scan; 0 on kept axes
};

/// A work unit: a tile of the kept axes × a slice of the profiled ones, as a box of index ranges.
struct UnitView {
    const AxisRange* ranges; //!< one per axis, in the user's order
    int n_axes;
    std::int64_t n_planes;
    std::int64_t n_rows;     //!< of each plane
    std::int64_t row_length; //!< points of each row
    std::int64_t n_kept;     //!< kept points in the tile
    bool profiled;           //!< whether any axis is minimised away
};

//! Index on \p axis of plane \p plane, for an axis that the plane does not span
NUSCAN_HOST_DEVICE constexpr std::int64_t outer_index(const UnitView& unit, int axis, std::int64_t plane) {
    const AxisRange& range = unit.ranges[axis];
    return range.begin + plane / range.plane_stride % range.count;
}

/// Where a point of a unit goes: its place in the tile, and its flat index over the profiled axes.
struct PointAddress {
    std::int64_t kept;
    std::int64_t profile;
};

//! Address of the first point of a row
NUSCAN_HOST_DEVICE constexpr PointAddress row_address(const UnitView& unit, const PlaneLayout& layout,
                                                      std::int64_t plane, std::int64_t row) {
    PointAddress at{0, 0};
    for (int axis = 0; axis < unit.n_axes; ++axis) {
        const AxisRange& range = unit.ranges[axis];
        std::int64_t index = range.begin;
        if (axis == layout.row_axis) {
            index += row;
        } else if (axis != layout.line_axis) {
            index = outer_index(unit, axis, plane);
        }
        at.kept += (index - range.begin) * range.kept_stride;
        at.profile += index * range.profile_stride;
    }
    return at;
}

/// A minimum over profiled points: ordered by (χ², flat index). NaN loses against every number.
struct Minimum {
    double chi2;
    std::int64_t index;

    NUSCAN_HOST_DEVICE constexpr bool beats(const Minimum& other) const {
        const bool nan = chi2 != chi2, other_nan = other.chi2 != other.chi2;
        if (nan || other_nan) {
            return nan == other_nan ? index < other.index : other_nan;
        }
        return chi2 < other.chi2 || (chi2 == other.chi2 && index < other.index);
    }
};

} // namespace nuscan
