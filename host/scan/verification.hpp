// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "output/result_file.hpp"

namespace nuscan {

/// A point of a result beside the reference.
struct VerifiedPoint {
    std::vector<std::string> parameters; //!< "charge.universal = 1e-13 e", kept and profiled
    double deviation;                    //!< |χ² − χ²_reference| / (1 + χ²_reference)
};

struct Verification {
    std::string title;
    std::vector<VerifiedPoint> points; //!< the best fit first
    std::size_t near = 0;              //!< of them, those whose Δχ² is below \ref near_best_fit
};

//! Δχ² of five standard deviations: limits come from below
inline constexpr double near_best_fit = 25;

/// Works out points of a finished result anew with the literal reference, from the scan file that the result has kept:
/// its smallest χ², and random ones, half of them where Δχ² < \ref near_best_fit if there are as many.
///
/// Profiled parameters take the values that the result has for them: what is checked is χ² there, not that none is
/// smaller. \p folder: where experiments given by `file` are looked for, relative to which the scan file named them.
/// \throws InputError where the scan or an experiment is not what it was when the scan ran.
Verification verify(const Result& result, std::size_t n_points, std::uint64_t seed, const std::string& folder);

} // namespace nuscan
