// SPDX-License-Identifier: Apache-2.0
#include "experiments/background_functions.hpp"

#include <cmath>
#include <numbers>

namespace nuscan {
namespace {

//! ∫_a^b of a standard normal distribution, without loss of digits in its tails
double normal_integral(double a, double b) {
    if (a + b < 0) {
        return normal_integral(-b, -a);
    }
    return (std::erfc(a / std::numbers::sqrt2) - std::erfc(b / std::numbers::sqrt2)) / 2;
}

} // namespace

std::vector<double> constant_integrals(const std::vector<double>& edges) {
    std::vector<double> out;
    for (std::size_t b = 1; b < edges.size(); ++b) {
        out.push_back(edges[b] - edges[b - 1]);
    }
    return out;
}

std::vector<double> exponential_integrals(const std::vector<double>& edges, double scale) {
    std::vector<double> out; // relative to the density at the first edge, so that not all of them underflow
    for (std::size_t b = 1; b < edges.size(); ++b) {
        out.push_back(-scale * std::exp((edges[0] - edges[b - 1]) / scale) *
                      std::expm1((edges[b - 1] - edges[b]) / scale));
    }
    return out;
}

std::vector<double> peak_integrals(const std::vector<double>& edges, const std::vector<Peak>& peaks) {
    std::vector<double> out(edges.size() - 1);
    for (const Peak& peak : peaks) {
        const auto z = [&](std::size_t edge) { return (edges[edge] - peak.energy) / peak.width; };
        for (std::size_t b = 0; b < out.size(); ++b) {
            out[b] += peak.area * normal_integral(z(b), z(b + 1));
        }
    }
    return out;
}

} // namespace nuscan
