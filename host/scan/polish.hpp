// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "output/axes_minimum.hpp"
#include "output/result_file.hpp"
#include "scan/plan.hpp"

namespace nuscan {

/// Refines the minima of a tile over the profiled axes that leave moments alone, so that a profile is not biased by its
/// grid.
///
/// From the winner of each kept point χ² is minimised by Newton's method with exact derivatives, continuously between
/// the ends of the plan's polished axes, slow ones staying at the winner's values. As rates are squares of amplitudes,
/// χ² has several minima: those that are mirror images of the ones found are looked for too, and the lowest is kept, or
/// the winner where none is lower. Points without a finite χ² stay as they are, and those where the method stopped
/// early are not_converged. A point depends on its own winner alone: not on threads, or what else is in the tile.
///
/// \param profile_index of the winners of \p unit over all profiled points
/// \param tile with what the grid says of them; receives χ², status and values of the polished parameters
void polish(const Plan& plan, const WorkUnit& unit, const std::vector<std::int64_t>& profile_index, ResultTile& tile);

/// χ² of a scan as a continuous function of its axes: minimised over them within given spans.
///
/// Slow axes stay at a point of the grid. Any thread may ask.
class AxesFit {
public:
    //! \param indices of that point, one for each axis; \p plan must outlive this
    AxesFit(const Plan& plan, const std::vector<std::int64_t>& indices);
    ~AxesFit();

    /// The lowest minimum that is found from \p start and its mirror images, as \ref polish does; all have one element
    /// for each axis, in the order of the scan. A span of no length holds its axis. Not finite where χ² at the start is
    /// not.
    AxesMinimum minimum(const std::vector<Span>& spans, const std::vector<double>& start) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace nuscan
