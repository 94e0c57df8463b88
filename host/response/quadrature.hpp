// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace nuscan {

//! A point of a quadrature rule
struct Node {
    double x, weight;
};

/// Gauss-Legendre nodes on [low, high] for an integrand that varies on the scale \p scale.
///
/// An integrand analytic within a distance s of the interval leaves an n-point rule an error of order (h/4s)^2n, h
/// being the interval's length. The interval is cut into panels of at most 1.5 s, with n for \p tolerance on each.
/// \param scale gives s at the left end of a panel. Nodes are appended to \p nodes in increasing order.
template <class Scale>
void append_nodes(double low, double high, const Scale& scale, double tolerance, std::vector<Node>& nodes);

//! The n-point Gauss-Legendre rule on [−1, 1], 1 <= n <= 32
const std::vector<Node>& gauss_legendre(int n);

} // namespace nuscan

#include <algorithm>
#include <cmath>

template <class Scale>
void nuscan::append_nodes(double low, double high, const Scale& scale, double tolerance, std::vector<Node>& nodes) {
    while (low < high) {
        const double s = scale(low);
        double end = low + 1.5 * s;
        if (!(end < high) || high - end < 1e-3 * s) {
            end = high;
        } else if (end + 0.75 * s > high) {
            end = (low + high) / 2; // two even panels instead of a long one and a short one
        }
        const double h = end - low;
        const int n = std::clamp(static_cast<int>(std::ceil(std::log(tolerance) / (2 * std::log(h / (4 * s))))), 2, 32);
        for (const Node& node : gauss_legendre(n)) {
            nodes.push_back({low + h * (1 + node.x) / 2, node.weight * h / 2});
        }
        low = end;
    }
}
