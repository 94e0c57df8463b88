// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>
#include <vector>

#include "output/result_file.hpp"

namespace nuscan {

//! Whether an axis goes all the way round: its last value is its first one, or beyond it
bool is_full_circle(const Variable& axis);
//! Whether an axis begins (ends) where its parameter does
bool begins_at_its_end(const Variable& axis);
bool ends_at_its_end(const Variable& axis);

/// A contour of Δχ² in the plane of two axes.
struct ContourLine {
    using Point = std::pair<double, double>;

    /// A closed line ends with its first point, or a period from it where it winds round a circle; an open one at the
    /// edge of the grid. On a circle it goes on beyond ±π rather than jump.
    std::vector<Point> points;
    bool is_closed = false;
};

struct ContourLines {
    std::vector<ContourLine> lines;
    bool is_rough = false; //!< the grid is too coarse to place them
};

/// Contours by marching squares: x is along the first axis and y along the second, \p delta_chi2 row-major.
///
/// Vertices are on the edges of the grid, where the cubic through four neighbours crosses the threshold. Where a
/// parameter ends by its nature a region ends too, and its contour follows that boundary; the two ends of a full circle
/// are one place. Cells with a NaN have no contour.
ContourLines find_contours(const Variable& x, const Variable& y, const std::vector<double>& delta_chi2,
                           double threshold);

} // namespace nuscan
