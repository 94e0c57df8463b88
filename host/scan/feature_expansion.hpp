// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <Eigen/Core>

#include "nuscan/prediction.hpp"

namespace nuscan {

/// Features of a plan as functions of a few coordinates: their exact expansions to second order.
///
/// Coordinates are axes: of fast ones couplings and backgrounds are linear functions, others are mixing angles and
/// phases, normalisations of signals and pulls that an axis gives. All is products of 3×3 matrices, φ = Re tr(ρ X†Y),
/// whose factors are linear in fast coordinates and polynomials in U; and U is linear in the cosine and the sine of
/// each angle, so that its own derivatives follow from U at angles shifted by π/2 (M. Riesz' interpolation formula),
/// with no step to be chosen.
class FeatureExpansion {
public:
    /// \param coordinates axes of \p plan, which are linear; each fast one is the value of one term or background
    /// \param unit of one point, at whose indices the other axes stand
    FeatureExpansion(const PlanView& plan, const UnitView& unit, const std::vector<int>& coordinates);

    //! Whether features are quadratic in all coordinates together: one expansion then has them everywhere
    bool is_quadratic() const { return is_quadratic_; }

    //! Place of t_i t_j, i <= j, among the monomials 1, t_0 … t_{d−1}, t_0², t_0 t_1, t_1², … of steps t
    static Eigen::Index product(Eigen::Index d, Eigen::Index i, Eigen::Index j) { return 1 + d + j * (j + 1) / 2 + i; }

    //! n_features × monomials: coefficients of the expansion about \p x
    Eigen::MatrixXd operator()(const Eigen::VectorXd& x) const;

private:
    PlanView plan_;
    UnitView unit_;
    std::vector<int> coordinates_; // of each axis; −1 where it is none
    Eigen::Index d_;
    bool is_quadratic_;
};

} // namespace nuscan
