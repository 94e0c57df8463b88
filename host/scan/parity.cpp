// SPDX-License-Identifier: Apache-2.0
#include "scan/parity.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace nuscan {

Parity check_parity(const Plan& plan, Backend& backend, int n_points) {
    const auto reference = make_reference_backend(plan);
    std::mt19937_64 random(std::stoull(plan.hash().substr(0, 16), nullptr, 16));
    Parity parity;
    const auto& axes = plan.config().axes;
    for (; parity.points < n_points; ++parity.points) {
        std::vector<std::int64_t> indices;
        for (const Axis& axis : axes) {
            indices.push_back(static_cast<std::int64_t>(random() % axis.values.size()));
        }
        const WorkUnit unit = plan.point_unit(indices);
        UnitResult ours, theirs;
        backend.evaluate(unit, ours);
        reference->evaluate(unit, theirs);
        const double chi2 = ours.chi2[0], arbiter = theirs.chi2[0];
        if (chi2 != arbiter) { // equal infinities agree
            const double deviation = std::abs(chi2 - arbiter) / (1 + arbiter);
            parity.largest = std::max(parity.largest, std::isnan(deviation) ? constants::infinity : deviation);
        }
    }
    return parity;
}

} // namespace nuscan
