// SPDX-License-Identifier: Apache-2.0
#include "scan/parity.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

namespace nuscan {

Parity check_parity(const Plan& plan, Backend& backend, int n_points, double patience, const std::atomic<bool>* stop) {
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

    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto is_time_to_end = [&](std::size_t i) {
        const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
        return (stop != nullptr && *stop) || (i > 0 && elapsed >= patience);
    };
    Parity parity;
    if (units.empty()) {
        return parity; // what the reference prepares takes time too
    }
#pragma omp parallel
    {
        const auto reference = make_reference_backend(plan); // a thread's own: it remembers what points share
        UnitResult result;
#pragma omp for schedule(dynamic)
        for (std::size_t i = 0; i < units.size(); ++i) {
            if (is_time_to_end(i)) {
                continue;
            }
            reference->evaluate(units[i], result);
            const double arbiter = result.chi2[0];
            double deviation = ours[i] == arbiter ? 0 : std::abs(ours[i] - arbiter) / (1 + arbiter); // infinities agree
            deviation = std::isnan(deviation) ? constants::infinity : deviation;
#pragma omp critical
            {
                ++parity.points;
                parity.largest = std::max(parity.largest, deviation);
            }
        }
    }
    return parity;
}

} // namespace nuscan
