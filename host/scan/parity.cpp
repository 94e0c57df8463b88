// SPDX-License-Identifier: Apache-2.0
#include "scan/parity.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>

#include "backends/reference_model.hpp"
#include "config/first_exception.hpp"

namespace nuscan {

std::vector<double> deviations_from_reference(const ScanConfig& config, const std::vector<std::vector<double>>& points,
                                              const std::vector<double>& chi2, double patience,
                                              const std::atomic<bool>* stop) {
    std::vector<double> deviations(points.size(), std::numeric_limits<double>::quiet_NaN());
    if (points.empty()) {
        return deviations; // what the reference prepares takes time too
    }
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto is_time_to_end = [&](std::size_t i) {
        const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
        return (stop != nullptr && *stop) || (i > 0 && elapsed >= patience);
    };
    const ReferenceModel reference(config);
    const auto compare = [&](std::size_t i) {
        if (is_time_to_end(i)) {
            return;
        }
        const double arbiter = reference(points[i]).chi2;
        const double deviation =
            chi2[i] == arbiter ? 0 : std::abs(chi2[i] - arbiter) / (1 + arbiter); // infinities agree
        deviations[i] = std::isnan(deviation) ? constants::infinity : deviation;
    };
    FirstException failure;
#pragma omp parallel for schedule(dynamic)
    for (std::size_t i = 0; i < points.size(); ++i) {
        failure.guard([&] { compare(i); });
    }
    failure.rethrow();
    return deviations;
}

Parity check_parity(const Plan& plan, Backend& backend, int n_points, double patience, const std::atomic<bool>* stop) {
    std::mt19937_64 random(std::stoull(plan.hash().substr(0, 16), nullptr, 16));
    std::vector<std::vector<double>> points; // values of the axes
    std::vector<double> chi2;
    while (static_cast<int>(points.size()) < n_points) {
        std::vector<std::int64_t> indices;
        std::vector<double> values;
        for (const Axis& axis : plan.config().axes) {
            indices.push_back(static_cast<std::int64_t>(random() % axis.values.size()));
            values.push_back(axis.values[static_cast<std::size_t>(indices.back())]);
        }
        UnitResult result;
        backend.evaluate(plan.point_unit(indices), result);
        chi2.push_back(result.chi2[0]);
        points.push_back(std::move(values));
    }
    Parity parity;
    for (const double deviation : deviations_from_reference(plan.config(), points, chi2, patience, stop)) {
        if (!std::isnan(deviation)) {
            ++parity.points;
            parity.largest = std::max(parity.largest, deviation);
        }
    }
    return parity;
}

} // namespace nuscan
