// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "nuscan/constants.hpp"
#include "nuscan/flux_integrals.hpp"

namespace nuscan {

inline constexpr int max_order = 32;
//! The Gauss-Legendre rules on [−1, 1] of 1, 2, … max_order points, one after the other
const std::vector<Node>& gauss_legendre_rules();
//! That of n points, 1 <= n <= max_order
std::span<const Node> gauss_legendre(int n);

/// How fast an integrand varies at a place, in the units of its argument: what its size grows to in the complex plane.
struct Smoothness {
    double pole = constants::infinity;   //!< no singularity is nearer than this
    double origin = constants::infinity; //!< nor, on the real axis to the left, than this
    double wave = 0;                     //!< grows like e^{wave |Im x|}: of cos(wave x)
    double width = constants::infinity;  //!< grows like e^{(Im x)²/2 width²}: of a Gaussian of that σ
    double reach = constants::infinity;  //!< all this holds for so far to the right
};

/// Points that Gauss-Legendre quadrature needs on an interval of length h for a relative \p tolerance.
///
/// An integrand that is analytic inside the ellipse about the interval's ends with semi-axes (h/4)(ρ ± 1/ρ), and there
/// grows to G times its size on the interval, leaves an n-point rule an error of order G ρ^(−2n) (L. N. Trefethen, SIAM
/// Rev. 50, 67 (2008), Theorem 4.5). n is the smallest over all ρ; it may exceed max_order.
int quadrature_order(double h, const Smoothness& smoothness, double tolerance);

//! An interval with the number of points to put on it
struct Panel {
    double low, high;
    int order;
};

/// Cuts [low, high] into panels on which at most max_order points reach a relative \p tolerance, in increasing order.
/// \param smoothness callable x → Smoothness, asked for the left ends of panels: where things vary over scales that
/// shrink to the right, bound it by its reach. Panels are appended to \p panels.
template <class Function>
void append_panels(double low, double high, const Function& smoothness, double tolerance, std::vector<Panel>& panels);

//! Appends the points of a panel, with weights for ∫ dx
inline void append_nodes(const Panel& panel, std::vector<Node>& nodes) {
    const double h = panel.high - panel.low;
    for (const Node& node : gauss_legendre(panel.order)) {
        nodes.push_back({panel.low + h * (1 + node.x) / 2, node.weight * h / 2});
    }
}

} // namespace nuscan

#include <algorithm>
#include <cmath>

template <class Function>
void nuscan::append_panels(double low, double high, const Function& smoothness, double tolerance,
                           std::vector<Panel>& panels) {
    // Longer panels gain little: what a point covers no longer grows.
    constexpr double poles = 2, origins = 2, widths = 6, phases = 50;
    while (low < high) {
        const Smoothness s = smoothness(low);
        double h =
            std::min({high - low, poles * s.pole, origins * s.origin, widths * s.width, phases / s.wave, s.reach});
        if (!(low + h > low)) {
            h = high - low; // cannot be told apart from its left end: nothing to resolve
        }
        int order = quadrature_order(h, s, tolerance);
        while (order > max_order && h > 1e-12 * (high - low)) {
            h /= 2;
            order = quadrature_order(h, s, tolerance);
        }
        double end = low + h;
        if (high - end < 1e-9 * h) {
            end = high;
        } else if (end + h / 2 > high) {
            end = (low + high) / 2; // two even panels instead of a long one and a short one
        }
        if (end - low != h) {
            order = quadrature_order(end - low, s, tolerance);
        }
        panels.push_back({low, end, std::min(order, max_order)});
        low = end;
    }
}
