// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "backends/reference_physics.hpp"
#include "nuscan/statistic.hpp"

/// Fits of the literal implementation in which systematics act, and experiments that share them.
namespace nuscan {

/// Weights w_j(x) of a systematic's knots in what it adds, Σ_j w_j(x) added_j, and their derivatives.
///
/// Shapes: x (plus − minus)/2 + h(x) (plus + minus)/2 with h = (15x² − 10x⁴ + 3x⁶)/8 for |x| < 1 and |x| beyond, the
/// polynomial interpolation of HistFactory (code 4p of pyhf, arXiv:2211.15838). Parameters: the cubic convolution of
/// R. Keys, IEEE Trans. ASSP 29, 1153 (1981), with a = −1/2.
struct ReferenceKnotWeights {
    Eigen::VectorXd value, slope, curvature;
};
ReferenceKnotWeights reference_knot_weights(const Systematic& systematic, double x);

/// Which experiments are fitted together: those that `[[shared]]` connects, or one that has systematics. Ascending;
/// experiments with no pulls but normalisations of their own are in none.
std::vector<std::vector<std::size_t>> reference_groups(const ScanConfig& config);

struct ReferenceJointFit {
    double chi2 = 0; //!< of the group, with the priors of what axes set
    PointStatus status = PointStatus::ok;
    //! At the minimum: experiments of the group × (their systematics, then normalisations of their components)
    std::vector<std::vector<double>> x;
};

/// χ² of a group of experiments, minimised over all their pulls: systematics, normalisations of backgrounds and of the
/// signal. \p components are the nominal counts, experiments of the group × (backgrounds, signal) × bins.
///
/// A component has (1 + Σ x) (T + Σ added(x)) counts. Where their sum is below zero, Poisson's χ² takes it for zero;
/// its own normalisations are x ≥ −1, as are declared ones, those of Gaussian experiments any number.
///
/// Minima are found by Newton's method with the moduli of the Hessian's eigenvalues, along a path on which barriers at
/// the bounds and softened terms of bins near N = 0 fade out together: each bound and each empty bin adds 1e-13 of a
/// bin's counts at most. With shapes there may be several. The lowest is taken of those that are reached from nominal,
/// from one and three standard deviations along each shape, from pairs of them, and from 64 of Halton's points.
ReferenceJointFit reference_joint_fit(const ScanConfig& config, const ReferencePoint& point,
                                      const std::vector<std::size_t>& group,
                                      const std::vector<std::vector<std::vector<double>>>& components);

} // namespace nuscan
