// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "scan/plan.hpp"

namespace nuscan::benchmarks {

/// A scan whose points the CUDA back end is timed on, and what that is held against.
struct Row {
    std::string name; //!< for --only and profilers
    std::string what; //!< for a table
    ScanConfig config;
    Method method;
    double goal = 0;      //!< points/s on an H200 at least; zero where none is set
    double fp64_goal = 0; //!< or what part of the multiply-adds that the device does
};

//! All of them; none has more than so many points an axis
std::vector<Row> rows(int most_points);

} // namespace nuscan::benchmarks
