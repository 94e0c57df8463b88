// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "nuscan/gaussian_statistic.hpp"

namespace nuscan {

/// The whitening matrix of an experiment, as GaussianView describes it.
struct Whitening {
    std::vector<double> root, directions, shrinkages;

    //! With the observed counts, but nothing that W has been applied to; refers to both
    GaussianView view(const std::vector<double>& counts) const;
};

/// W of errors σ_b > 0, or of a \p covariance (n_bins × n_bins, positive definite) in their place, and of backgrounds
/// that pulls move: \p templates B_kb, one after the other, and \p sigmas σ_k, +inf for free ones.
///
/// Free backgrounds are projected out first. What is left of the others has, in units of the errors and of σ_k, the
/// singular values s_j and directions q_j, and (1 + Σ s_j² q_j q_jᵀ)^(−1/2) = 1 − Σ (1 − 1/√(1 + s_j²)) q_j q_jᵀ.
Whitening make_whitening(const std::vector<double>& errors, const std::vector<double>& templates,
                         const std::vector<double>& sigmas, const std::vector<double>& covariance = {});

/// The pulls ξ_k that minimise χ², of a prediction that is \p nominal at ξ = 0; the smallest ones where backgrounds are
/// not independent. Of \p whitening the errors alone are used.
std::vector<double> gaussian_pulls(const std::vector<double>& counts, const Whitening& whitening,
                                   const std::vector<double>& nominal, const std::vector<double>& templates,
                                   const std::vector<double>& sigmas);

} // namespace nuscan
