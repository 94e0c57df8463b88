// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <vector>

#include "backends/reference_physics.hpp"
#include "backends/reference_spectrum.hpp"
#include "nuscan/statistic.hpp"

/// Fits and scans of the literal implementation: χ² is minimised by other methods than those of include/nuscan.
namespace nuscan {

/// χ² of one experiment minimised over the normalisations y_k of its backgrounds.
struct ReferenceFit {
    double chi2 = 0;
    PointStatus status = PointStatus::ok;
    std::vector<double> normalisations; //!< y_k at the minimum
};

/// Poisson χ² = 2 Σ_b [N_b − n_b + n_b ln(n_b/N_b)] + Σ_k ((y_k − 1)/σ_k)² with N_b = fixed_b + Σ_k y_k B_kb, y_k >= 0.
///
/// One normalisation: the root of the derivative by bracketing. Several: Newton's method along the central path of a
/// logarithmic barrier. \p sigmas are positive or +inf.
ReferenceFit reference_fit(const std::vector<double>& counts, const std::vector<double>& fixed,
                           const std::vector<std::vector<double>>& templates, const std::vector<double>& sigmas);

/// Gaussian χ² = (N − n)ᵀ C⁻¹ (N − n) + Σ_k ((y_k − 1)/σ_k)², minimised over all real y_k by its normal equations. C is
/// the \p covariance, n_bins × n_bins, or diag(σ_b²) where there is none.
ReferenceFit reference_gaussian_fit(const std::vector<double>& counts, const std::vector<double>& errors,
                                    const std::vector<double>& fixed, const std::vector<std::vector<double>>& templates,
                                    const std::vector<double>& sigmas, const std::vector<double>& covariance = {});

struct ReferenceResult {
    double chi2 = 0; //!< of all experiments, with the priors of axes
    PointStatus status = PointStatus::ok;
    std::vector<std::vector<double>> signal;         //!< experiments × bins
    std::vector<std::vector<double>> normalisations; //!< experiments × (backgrounds, signal), at the minimum
    std::vector<std::vector<double>> systematics;    //!< experiments × x of their systematics, at the minimum
};

/// Evaluates points of a scan. Keeps what does not depend on the point, backgrounds freed of their solar part and what
/// is accepted of recoils, and the signals of the last point. Threads may share it.
class ReferenceModel {
public:
    explicit ReferenceModel(const ScanConfig& config);

    //! χ² at one value per axis, in the order of the axes
    ReferenceResult operator()(const std::vector<double>& axis_values) const;

    ReferencePoint point(const std::vector<double>& axis_values) const;
    //! Signals of all experiments; independent of background normalisations
    std::vector<std::vector<double>> signals(const ReferencePoint& point) const;
    ReferenceResult fit(const ReferencePoint& point, std::vector<std::vector<double>> signals) const;

    //! Nominal counts of backgrounds without the standard solar signal: experiments × backgrounds × bins
    const std::vector<std::vector<std::vector<double>>>& backgrounds() const { return backgrounds_; }

private:
    //! An experiment whose pulls are normalisations of its own: adds to \p result
    void fit_alone(std::size_t e, const ReferencePoint& point, ReferenceResult& result) const;

    //! Signals depend on all axes but normalisations and systematics: where only these move, the last ones serve.
    std::vector<std::vector<double>> remembered_signals(const std::vector<double>& axis_values,
                                                        const ReferencePoint& point) const;

    const ScanConfig& config_;
    std::vector<std::vector<std::vector<double>>> backgrounds_;
    std::vector<std::vector<std::size_t>> groups_; // experiments that systematics act in
    std::deque<ReferenceSpectrum> spectra_;
    mutable std::mutex mutex_; // of the last point's
    mutable std::vector<double> signal_values_;
    mutable std::vector<std::vector<double>> signals_;
};

} // namespace nuscan
