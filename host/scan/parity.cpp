// SPDX-License-Identifier: Apache-2.0
#include "scan/parity.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include "backends/reference_model.hpp"

namespace nuscan {

Parity check_parity(const Plan& plan, Backend& backend, int n_points, double patience, const std::atomic<bool>* stop) {
    std::mt19937_64 random(std::stoull(plan.hash().substr(0, 16), nullptr, 16));
    std::vector<std::vector<double>> points; // values of the axes
    std::vector<double> ours;
    while (static_cast<int>(points.size()) < n_points) {
        std::vector<std::int64_t> indices;
        std::vector<double> values;
        for (const Axis& axis : plan.config().axes) {
            indices.push_back(static_cast<std::int64_t>(random() % axis.values.size()));
            values.push_back(axis.values[static_cast<std::size_t>(indices.back())]);
        }
        UnitResult result;
        backend.evaluate(plan.point_unit(indices), result);
        ours.push_back(result.chi2[0]);
        points.push_back(std::move(values));
    }

    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto is_time_to_end = [&](std::size_t i) {
        const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
        return (stop != nullptr && *stop) || (i > 0 && elapsed >= patience);
    };
    Parity parity;
    if (points.empty()) {
        return parity; // what the reference prepares takes time too
    }
    const ReferenceModel reference(plan.config());
#pragma omp parallel for schedule(dynamic)
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (is_time_to_end(i)) {
            continue;
        }
        const double arbiter = reference(points[i]).chi2;
        double deviation = ours[i] == arbiter ? 0 : std::abs(ours[i] - arbiter) / (1 + arbiter); // infinities agree
        deviation = std::isnan(deviation) ? constants::infinity : deviation;
#pragma omp critical
        {
            ++parity.points;
            parity.largest = std::max(parity.largest, deviation);
        }
    }
    return parity;
}

} // namespace nuscan
