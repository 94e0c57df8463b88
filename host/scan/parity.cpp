// SPDX-License-Identifier: Apache-2.0
#include "scan/parity.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace nuscan {

Parity check_parity(const Plan& plan, Backend& backend, int n_points) {
    std::mt19937_64 random(std::stoull(plan.hash().substr(0, 16), nullptr, 16));
    std::vector<WorkUnit> units;
    std::vector<double> ours;
    while (static_cast<int>(units.size()) < n_points) {
        std::vector<std::int64_t> indices;
        for (const Axis& axis : plan.config().axes) {
            indices.push_back(static_cast<std::int64_t>(random() % axis.values.size()));
        }
        units.push_back(plan.point_unit(indices));
        UnitResult result;
        backend.evaluate(units.back(), result);
        ours.push_back(result.chi2[0]);
    }

    std::vector<double> deviations(units.size());
#pragma omp parallel
    {
        const auto reference = make_reference_backend(plan); // a thread's own: it remembers what points share
        UnitResult result;
#pragma omp for schedule(dynamic)
        for (std::size_t i = 0; i < units.size(); ++i) {
            reference->evaluate(units[i], result);
            const double arbiter = result.chi2[0];
            if (ours[i] != arbiter) { // equal infinities agree
                const double deviation = std::abs(ours[i] - arbiter) / (1 + arbiter);
                deviations[i] = std::isnan(deviation) ? constants::infinity : deviation;
            }
        }
    }
    return {n_points, n_points > 0 ? *std::max_element(deviations.begin(), deviations.end()) : 0};
}

} // namespace nuscan
