// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <Eigen/Core>

namespace nuscan {

/// Parameters of which χ² determines combinations at most.
struct Degeneracy {
    std::vector<int> parameters; //!< none of them is determined alone
    //! Coefficients of the combinations that are determined, one for each of the parameters; none where nothing is
    std::vector<std::vector<double>> combinations;

    //! Directions in which χ² is flat
    int n_flat() const { return static_cast<int>(parameters.size() - combinations.size()); }
};

/// What the curvature of χ² at its minimum says of parameters.
struct Curvature {
    //! √(H⁻¹)_kk, standard deviations with all other parameters free; NaN where a parameter is not determined
    Eigen::VectorXd errors;
    std::vector<Degeneracy> degeneracies;
};

/// The curvature from \p hessian, half of that of χ², priors included.
///
/// H is scaled to a diagonal of one, so that units do not matter. Along eigenvectors whose eigenvalue is below 1e-8, χ²
/// is flat: a parameter with a component along them is not determined. A component is what makes its error more than
/// ten times that with all others held; what is smaller is part of the error.
Curvature curvature_of(const Eigen::MatrixXd& hessian);

/// "a and b are degenerate: only 2 a + b is determined", or "nothing depends on a". \param names of all parameters
std::string describe(const Degeneracy& degeneracy, const std::vector<std::string>& names);

//! "a", "a and b", "a, b and c"
std::string enumerate(const std::vector<std::string>& items);

} // namespace nuscan
