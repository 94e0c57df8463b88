// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <Eigen/Eigenvalues>

/// Newton's method in a box, for functions of a few variables that need not be convex.
namespace nuscan {

/// A function's value at a point, with its exact derivatives.
struct Derivatives {
    double value = 0;
    bool converged = true; //!< whether the value is exact, where the function is a minimum over other variables itself
    Eigen::VectorXd gradient;
    Eigen::MatrixXd hessian; //!< symmetric
};

//! Closed intervals; ±inf where a variable is free
struct Box {
    Eigen::VectorXd low, high;
};

struct BoxMinimum {
    Eigen::VectorXd at;
    Derivatives f;
    bool converged = false; //!< else the method stopped early: the value is an upper bound
};

/// A local minimum of \p f in the box, from \p x in it; f(x) gives Derivatives. Where f is not finite at \p x there is
/// none.
///
/// Newton's steps are cut off at the bounds, as in minimise_pulls: variables that stand at a bound and are pressed
/// against it stay out. Curvatures count by their magnitude, so that a step leads away from a saddle, and where it
/// stands on one to either side. Nothing moves along what f does not depend on but by rounding. Where a step does not
/// lower f, damping bends it towards the gradient (Levenberg and Marquardt), of which enough always does.
template <class F>
BoxMinimum minimise_in_box(const F& f, const Box& box, const Eigen::VectorXd& x) {
    using Eigen::ArrayXd;
    using Eigen::Index;
    using Eigen::VectorXd;
    constexpr double rounding = 1e-11;  // of curvatures, relative to the largest
    constexpr double kick = 0.05;       // what leaves a saddle, in units of the variables
    constexpr double precision = 1e-13; // of the value
    constexpr double farthest = 10;     // across a box without ends, in units of the variables
    BoxMinimum best{x, f(x)};
    double damping = 0;
    for (int iteration = 0; iteration < 1000 && std::isfinite(best.f.value); ++iteration) {
        const VectorXd& g = best.f.gradient;
        const double reach = std::min((box.high - box.low).norm(), farthest);
        const double negligible = 1e-11 * (1 + std::abs(best.f.value)); // for a change all across the box
        std::vector<Index> free;
        for (Index i = 0; i < x.size(); ++i) {
            // What does not press may still go down together with others.
            if (box.low[i] < box.high[i] &&
                ((g[i] > 0 && best.at[i] > box.low[i]) || (g[i] < 0 && best.at[i] < box.high[i]) ||
                 std::abs(g[i]) * reach < negligible)) {
                free.push_back(i);
            }
        }
        if (free.empty()) {
            best.converged = true;
            return best;
        }
        const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(best.f.hessian(free, free));
        const ArrayXd& curvature = eigen.eigenvalues();
        const double largest = curvature.abs().maxCoeff();
        const ArrayXd stiffness = curvature.abs().max(rounding * largest) + 1e-300;
        const double softest = stiffness.minCoeff();
        ArrayXd slope = eigen.eigenvectors().transpose() * g(free);
        const auto is_flat = [&](Index k) {
            return std::abs(slope[k]) * reach + std::abs(curvature[k]) * reach * reach < negligible;
        };
        for (Index k = 0; k < slope.size(); ++k) {
            slope[k] = is_flat(k) ? 0 : slope[k];
        }
        const double decrement = (slope.square() / stiffness).sum(); // twice the distance to the minimum
        std::vector<Index> saddle;                                   // directions in which it stands on one
        for (Index k = 0; k < slope.size(); ++k) {
            if (curvature[k] < -1e-7 * largest && !is_flat(k) && std::abs(slope[k]) < kick * stiffness[k]) {
                saddle.push_back(k);
                slope[k] = std::copysign(kick * stiffness[k], slope[k]);
            }
        }
        if (saddle.empty() && decrement < precision) {
            best.converged = true;
            return best;
        }
        bool improved = false;
        for (int trial = 0; trial < 40 && !improved; ++trial) {
            const VectorXd step = eigen.eigenvectors() * (slope / (stiffness + damping)).matrix();
            VectorXd next = best.at;
            next(free) -= step;
            next = next.cwiseMax(box.low).cwiseMin(box.high);
            Derivatives there = f(next);
            improved = there.value < best.f.value;
            if (improved) {
                best = {std::move(next), std::move(there)};
                damping = damping > softest ? damping / 64 : 0;
            } else if (saddle.empty() && decrement < 1e-11 * (1 + best.f.value)) {
                break; // what is left is rounding
            } else {
                damping = std::max(16 * damping, softest);
                for (const Index k : saddle) { // a bound may be on this side
                    slope[k] = -slope[k];
                }
            }
        }
        if (!improved) {
            best.converged = decrement < 1e-11 * (1 + best.f.value);
            return best;
        }
    }
    return best;
}

} // namespace nuscan
