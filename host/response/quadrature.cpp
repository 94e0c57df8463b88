// SPDX-License-Identifier: Apache-2.0
#include "response/quadrature.hpp"

#include <array>
#include <boost/math/special_functions/legendre.hpp>

namespace nuscan {

namespace {

std::vector<Node> make_rule(int n) {
    std::vector<Node> rule;
    for (const double x : boost::math::legendre_p_zeros<double>(n)) { // the non-negative ones
        const double slope = boost::math::legendre_p_prime(n, x);
        const double weight = 2 / ((1 - x * x) * slope * slope);
        rule.push_back({x, weight});
        if (x > 0) {
            rule.push_back({-x, weight});
        }
    }
    std::sort(rule.begin(), rule.end(), [](const Node& a, const Node& b) { return a.x < b.x; });
    return rule;
}

} // namespace

const std::vector<Node>& gauss_legendre(int n) {
    static const auto rules = [] {
        std::array<std::vector<Node>, 33> all;
        for (int i = 1; i <= 32; ++i) {
            all[static_cast<std::size_t>(i)] = make_rule(i);
        }
        return all;
    }();
    return rules.at(static_cast<std::size_t>(n));
}

} // namespace nuscan
