// SPDX-License-Identifier: Apache-2.0
#include "response/quadrature.hpp"

#include <array>
#include <boost/math/special_functions/legendre.hpp>

namespace nuscan {

namespace {

void append_rule(int n, std::vector<Node>& rules) {
    const auto first = static_cast<std::ptrdiff_t>(rules.size());
    for (const double x : boost::math::legendre_p_zeros<double>(n)) { // the non-negative ones
        const double slope = boost::math::legendre_p_prime(n, x);
        const double weight = 2 / ((1 - x * x) * slope * slope);
        rules.push_back({x, weight});
        if (x > 0) {
            rules.push_back({-x, weight});
        }
    }
    std::sort(rules.begin() + first, rules.end(), [](const Node& a, const Node& b) { return a.x < b.x; });
}

//! An ellipse of Trefethen's theorem
struct Ellipse {
    double log_rho;
    double major, minor; //!< semi-axes of the one about [−1, 1]
};

Ellipse ellipse(double rho) { return {std::log(rho), (rho + 1 / rho) / 2, (rho - 1 / rho) / 2}; }

const auto& ellipses() {
    static const auto all = [] {
        std::array<Ellipse, 64> table;
        double rho = 1.2;
        for (Ellipse& e : table) {
            e = ellipse(rho);
            rho *= 1.15;
        }
        return table;
    }();
    return all;
}

} // namespace

const std::vector<Node>& gauss_legendre_rules() {
    static const auto rules = [] {
        std::vector<Node> all;
        for (int n = 1; n <= max_order; ++n) {
            append_rule(n, all);
        }
        return all;
    }();
    return rules;
}

std::span<const Node> gauss_legendre(int n) {
    return std::span(gauss_legendre_rules())
        .subspan(static_cast<std::size_t>(first_of_rule(n)), static_cast<std::size_t>(n));
}

int quadrature_order(double h, const Smoothness& smoothness, double tolerance) {
    const double a = h / 2; // the interval is [−a, a]
    const double digits = -std::log(tolerance);
    const double wave = smoothness.wave * a, width = a / smoothness.width;
    double least = constants::infinity;
    for (const Ellipse& e : ellipses()) {
        // Near a singularity the integrand is large: keep well off.
        if (a * e.minor > 0.6 * smoothness.pole || a * (e.major - 1) > 0.6 * smoothness.origin) {
            break;
        }
        const double growth = wave * e.minor + width * width * e.minor * e.minor / 2;
        least = std::min(least, (digits + growth) / (2 * e.log_rho));
    }
    return least < 1e6 ? std::max(2, static_cast<int>(std::ceil(least))) : 1000000;
}

} // namespace nuscan
