// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include "config/scan_config.hpp"
#include "nuscan/statistic.hpp"

/// The literal implementation that every other one is compared with.
///
/// It is written from the papers with Eigen and std::complex and shares no physics with include/nuscan: the mixing
/// matrix is a product of rotations, cross-sections are sums of squared amplitudes, spectra are adaptive integrals, and
/// χ² is minimised by other methods. Slow, and meant to be read beside the papers.
///
/// Sources: KS17 = K. Kouzakov, A. Studenikin, Phys. Rev. D 95, 055013 (2017) with erratum Phys. Rev. D 96, 099904.
namespace nuscan {

/// One point of a scan: every parameter with its value.
struct ReferencePoint {
    Mixing mixing;
    double sin2_theta_w = 0;
    Eigen::Matrix3cd U; //!< rows e, μ, τ; columns 1, 2, 3
    // Hermitian, in the mass basis (KS17 Eqs. 5-8)
    Eigen::Matrix3cd charge;        //!< e_jk [e]
    Eigen::Matrix3cd charge_radius; //!< ⟨r²⟩_jk [cm²]
    Eigen::Matrix3cd anapole;       //!< a_jk [cm²]
    Eigen::Matrix3cd magnetic;      //!< μ_jk [μ_B]
    Eigen::Matrix3cd electric;      //!< ε_jk [μ_B]

    using BackgroundName = std::pair<std::string, std::string>; //!< experiment, background
    std::map<BackgroundName, double> normalisations;            //!< given ones, relative to nominal
    std::set<BackgroundName> scanned;                           //!< those given by an axis: their priors count
};

/// U = R23 · diag(1, 1, e^{iδ}) R13 diag(1, 1, e^{−iδ}) · R12 · diag(1, e^{iα21/2}, e^{iα31/2}) (PDG, Eq. 14.33).
Eigen::Matrix3cd reference_mixing_matrix(const Mixing& mixing);

/// The point with the fixed parameters of a scan and one value per axis.
ReferencePoint reference_point(const NeutrinoConfig& neutrino, const std::vector<FixedParameter>& fixed,
                               const std::vector<std::pair<Parameter, double>>& axis_values);

/// C1, C2, C3 and |μ_ν|² (KS17 Eqs. 23-25, 27).
struct ReferenceCoefficients {
    double C1 = 0, C2 = 0;
    std::complex<double> C3;
    double mu2 = 0; //!< [μ_B²]
};

//! How a neutrino came to the detector
struct ReferenceBeam {
    Flavour flavour;
    bool antineutrino;
    Propagation propagation;
    double baseline; //!< L [m]
};

/// Coefficients at neutrino energy \p E and electron recoil energy \p T [MeV].
ReferenceCoefficients reference_coefficients(const ReferencePoint& point, const ReferenceBeam& beam, double E,
                                             double T);

/// dσ/dT [cm²/MeV] on a free electron at rest; zero outside 0 < T <= 2E²/(m_e + 2E) (KS17 Eqs. 22, 26, erratum).
double reference_cross_section(const ReferencePoint& point, const ReferenceBeam& beam, double E, double T);

/// R_b(T): probability that a recoil of energy \p T is reconstructed between \p low and \p high [MeV] and accepted.
double reference_acceptance(const EnergyResponse& response, double T, double low, double high);

/// Expected signal counts per bin:
///
///     N_b = atoms × live time × ∫ dT Σ_shells n θ(T − ε) R_b(T) Σ_sources ∫ dE flux(E) dσ/dT(E, T)
///
/// \p tolerance is relative, on each of the intervals that the T integral is split into.
std::vector<double> reference_signal(const Experiment& experiment, const ReferencePoint& point,
                                     double tolerance = 1e-12);

/// χ² of one experiment minimised over the normalisations y_k >= 0 of its backgrounds.
struct ReferenceFit {
    double chi2 = 0;
    PointStatus status = PointStatus::ok;
    std::vector<double> normalisations; //!< y_k at the minimum
};

/// Poisson χ² = 2 Σ_b [N_b − n_b + n_b ln(n_b/N_b)] + Σ_k ((y_k − 1)/σ_k)² with N_b = fixed_b + Σ_k y_k B_kb.
///
/// One normalisation: the root of the derivative by bracketing. Several: Newton's method along the central path of a
/// logarithmic barrier. \p sigmas are positive or +inf.
ReferenceFit reference_fit(const std::vector<double>& counts, const std::vector<double>& fixed,
                           const std::vector<std::vector<double>>& templates, const std::vector<double>& sigmas);

struct ReferenceResult {
    double chi2 = 0; //!< of all experiments, with the priors of axes
    PointStatus status = PointStatus::ok;
    std::vector<std::vector<double>> signal;         //!< experiments × bins
    std::vector<std::vector<double>> normalisations; //!< experiments × backgrounds, at the minimum
};

/// Evaluates points of a scan. Keeps what does not depend on the point: backgrounds freed of their solar part.
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
    const ScanConfig& config_;
    std::vector<std::vector<std::vector<double>>> backgrounds_;
};

} // namespace nuscan
