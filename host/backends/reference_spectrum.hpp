// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <Eigen/Core>

#include "backends/reference_physics.hpp"
#include "backends/reference_quadrature.hpp"

/// Binned spectra of the literal implementation: adaptive integrals over neutrino, recoil and reconstructed energy.
namespace nuscan {

/// Visible energy [MeV] of a recoil of energy \p T [MeV]; \p nuclide is null for electrons.
double reference_visible_energy(const Quenching& quenching, const Nuclide* nuclide, double T);

/// R_b(T): probability that a recoil of energy \p T is reconstructed in energy bin \p b and accepted.
double reference_acceptance(const Experiment& experiment, const Channel& channel, const Nuclide* nuclide, double T,
                            int b);

/// What part of the counts of an energy bin falls into each of the bins that belong to it: n_bins numbers.
std::vector<double> reference_shares(const Experiment& experiment, const Channel& channel, const Source& source);

/// Expected signal counts per bin: the sum over sources and channels, and for a nuclear one over nuclides, of
///
///     N_b = targets × live time × share_b × ∫ dT R_b(T) ∫ dE flux(E) dσ/dT(E, T)
///
/// The cross-section is worked out literally at every (E, T) of every point. Kept is what no parameter changes and
/// adaptive integrals ask for at one point after another: the rules for integrals over the spectra, and, at recoil
/// energies where these have been worked out, R_b and the kinks of equivalent photons. Threads may share it.
class ReferenceSpectrum {
public:
    //! Refers to \p experiment
    explicit ReferenceSpectrum(const Experiment& experiment);

    //! n_bins numbers; \p tolerance is that of the integral over T, relative to the counts.
    std::vector<double> operator()(const ReferencePoint& point, double tolerance = 1e-12) const;

    //! What neutrinos scatter on in one channel: the electrons of a formula unit, or one nuclide
    struct Body {
        const Channel* channel;
        const Nuclide* nuclide;     //!< null for electrons
        std::size_t nuclide_number; //!< in the target
        double number;              //!< per formula unit; 1 for electrons, whose cross-section is per formula unit

        double mass() const; //!< [MeV]
    };

private:
    using ByRecoil = std::unordered_map<double, Eigen::ArrayXd>;

    //! What \p make gives at T, or gave before
    template <class Make>
    Eigen::ArrayXd kept(ByRecoil& known, double T, const Make& make) const;
    //! R_b(T) of all energy bins
    Eigen::ArrayXd acceptance(std::size_t body, double T) const;
    //! Of one source and body in the energy bins; \p at_point is the experiment at the point
    Eigen::ArrayXd counts(const Experiment& at_point, const ReferencePoint& point, std::size_t source, std::size_t body,
                          double tolerance) const;

    /// Of ln T. A narrow one, between rows of a table, needs no more than the lesser rule.
    struct Part : reference::Interval<7> {
        template <class Array, class F>
        reference::Estimate<Array> estimate(const F& f) const {
            constexpr double narrow = 0.02;
            return high - low < narrow ? reference::gauss_kronrod<3, Array>(f, low, high)
                                       : reference::Interval<7>::estimate<Array>(f);
        }
        std::pair<Part, Part> halves() const {
            const auto [left, right] = reference::Interval<7>::halves();
            return {{left}, {right}};
        }
    };
    //! Parts between the ends, each with no more knots than a few rules can follow; they refer to \p knots.
    static std::vector<Part> parts_between(const std::vector<double>& ends, const std::vector<double>& knots);

    //! What a source does to a body
    struct Recoil {
        std::vector<double> ends, knots; //!< ln T
        std::vector<Part> parts;         //!< of the integral over ln T
        std::vector<double> shares;      //!< n_bins
    };

    static constexpr Eigen::Index most_kept = 1 << 25; // numbers
    const Experiment& experiment_;
    std::vector<Body> bodies_;
    std::vector<reference::SpectrumIntegral> spectra_;   // of the sources
    std::vector<Recoil> recoils_;                        // sources × bodies
    mutable std::mutex mutex_;                           // of what is kept
    mutable std::vector<ByRecoil> acceptances_, photon_; // of the bodies; kinks, sources × bodies
    mutable Eigen::Index n_kept_ = 0;
};

//! Those of a single point
inline std::vector<double> reference_signal(const Experiment& experiment, const ReferencePoint& point,
                                            double tolerance = 1e-12) {
    return ReferenceSpectrum(experiment)(point, tolerance);
}

/// The experiment with the baselines and radii of a point.
Experiment reference_experiment(const Experiment& experiment, const ReferencePoint& point);

} // namespace nuscan
