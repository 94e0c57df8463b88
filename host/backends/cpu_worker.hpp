// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "backends/backend.hpp"
#include "config/first_exception.hpp"

namespace nuscan {

/// The part of the CPU back end that is compiled once for every instruction set: evaluates a unit on
/// omp_get_max_threads() threads. Results go to \p result, whose arrays have the size of the tile, or, where something
/// is profiled, to \p winners: each thread offers to n_kept of its own. What fails is left in \p failure.
using EvaluateUnit = void(const PlanView& plan, const UnitView& unit, Method method, Winner* winners,
                          UnitResult& result, FirstException& failure);

inline namespace baseline { // NUSCAN_ARCH, as all else
EvaluateUnit evaluate_unit;
}
inline namespace x86_64_v4 { // AVX-512
EvaluateUnit evaluate_unit;
}

} // namespace nuscan
