// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "experiments/experiment.hpp"

namespace nuscan {

/// A table's value at x: linear in between, \p outside beyond its ends and where it is empty.
inline double interpolate(const Table& table, double x, double outside = 0) {
    if (table.empty() || !(x >= table.x.front() && x <= table.x.back())) {
        return outside;
    }
    if (table.x.size() == 1) {
        return table.y.front();
    }
    const auto next = std::upper_bound(table.x.begin() + 1, table.x.end() - 1, x) - table.x.begin();
    const auto i = static_cast<std::size_t>(next - 1);
    const double fraction = (x - table.x[i]) / (table.x[i + 1] - table.x[i]);
    return table.y[i] + fraction * (table.y[i + 1] - table.y[i]);
}

} // namespace nuscan
