// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/backend.hpp"
#include "output/result_file.hpp"
#include "scan/plan.hpp"

namespace nuscan {

/// Refines the minima of a tile over the fast profiled axes, so that a profile is not biased by its grid.
///
/// From the winner of each kept point χ² is minimised by Newton's method with exact derivatives, continuously between
/// the ends of the plan's polished axes, all others staying at the winner's values; then from points where amplitudes
/// have the other sign, as rates are squares of amplitudes and χ² has several minima. The lowest is kept, at least
/// 1e-10 (1 + χ²) below the one found first where it is another, and the winner itself where none is lower. Points
/// without a finite χ² stay as they are. A point depends on its own winner alone: not on threads, or on what else is in
/// the tile.
///
/// \param winners of \p unit over all profiled points
/// \param tile with what the grid says of them; receives χ², status and values of the polished parameters
void polish(const Plan& plan, const WorkUnit& unit, const UnitResult& winners, ResultTile& tile);

} // namespace nuscan
