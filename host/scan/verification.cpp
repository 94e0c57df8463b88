// SPDX-License-Identifier: Apache-2.0
#include "scan/verification.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>

#include <fmt/format.h>

#include "scan/parity.hpp"
#include "scan/result_scan.hpp"

namespace nuscan {

namespace {

//! "charge.universal = 1e-13 e"
std::vector<std::string> described(const ScanConfig& config, const std::vector<double>& values) {
    std::vector<std::string> parameters;
    for (std::size_t a = 0; a < config.axes.size(); ++a) {
        const Parameter& parameter = config.axes[a].parameter;
        const bool bare = parameter.dimension == Dimension::dimensionless;
        parameters.push_back(fmt::format("{} = {:.6g}{}", parameter.name, values[a],
                                         bare ? "" : std::string(" ") + unit_name(parameter.dimension)));
    }
    return parameters;
}

/// The best fit, then random points, each once; \p near of them have a Δχ² below \ref near_best_fit.
std::vector<std::size_t> choose_points(const std::vector<double>& chi2, std::size_t n_points, std::uint64_t seed,
                                       std::size_t& near) {
    const auto is_less = [](double a, double b) { return a < b || (a == a && b != b); }; // NaN is last
    const auto best = static_cast<std::size_t>(std::min_element(chi2.begin(), chi2.end(), is_less) - chi2.begin());
    const auto is_near = [&](std::size_t i) { return chi2[i] - chi2[best] < near_best_fit; };
    std::vector<std::size_t> near_ones;
    for (std::size_t i = 0; i < chi2.size(); ++i) {
        if (is_near(i)) {
            near_ones.push_back(i);
        }
    }
    n_points = std::min(n_points, chi2.size());
    std::mt19937_64 random(seed);
    std::vector<std::size_t> chosen = {best};
    std::set<std::size_t> known = {best};
    const auto add = [&](std::size_t i) {
        if (known.insert(i).second) {
            chosen.push_back(i);
        }
    };
    while (chosen.size() < std::min((n_points + 1) / 2, near_ones.size())) {
        add(near_ones[random() % near_ones.size()]);
    }
    while (chosen.size() < n_points) {
        add(random() % chi2.size());
    }
    near = static_cast<std::size_t>(std::count_if(chosen.begin(), chosen.end(), is_near));
    return chosen;
}

} // namespace

Verification verify(const Result& result, std::size_t n_points, std::uint64_t seed, const std::string& folder) {
    const ScanConfig config = scan_of(result, folder);
    Verification verification{config.title, {}, 0};
    std::vector<std::vector<double>> points;
    std::vector<double> chi2;
    for (const std::size_t i : choose_points(result.chi2, n_points, seed, verification.near)) {
        points.push_back(axis_values(config, result, i));
        chi2.push_back(result.chi2[i]);
    }
    const std::vector<double> deviations = deviations_from_reference(config, points, chi2);
    for (std::size_t i = 0; i < points.size(); ++i) {
        verification.points.push_back({described(config, points[i]), deviations[i]});
    }
    return verification;
}

} // namespace nuscan
