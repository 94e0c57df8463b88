// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <Eigen/Core>

#include "backends/reference_physics.hpp"

/// Binned spectra of the literal implementation: adaptive integrals over neutrino, recoil and reconstructed energy.
namespace nuscan {

/// Visible energy [MeV] of a recoil of energy \p T [MeV]; \p nuclide is null for electrons.
double reference_visible_energy(const Quenching& quenching, const Nuclide* nuclide, double T);

/// R_b(T): probability that a recoil of energy \p T is reconstructed in energy bin \p b and accepted.
double reference_acceptance(const Experiment& experiment, const Channel& channel, const Nuclide* nuclide, double T,
                            int b);

/// What part of the counts of an energy bin falls into each of the bins that belong to it: n_bins numbers.
std::vector<double> reference_shares(const Experiment& experiment, const Channel& channel, const Source& source);

/// R_b(T) of an experiment's energy bins at recoil energies where they have been worked out. Parameters do not change
/// them, and adaptive integrals ask for the same energies at one point after another. Threads may share it.
class AcceptanceMemory {
public:
    //! Those that \p work_out gives, for one of the bodies that recoil
    template <class F>
    Eigen::ArrayXd operator()(std::size_t body, double T, const F& work_out) {
        {
            const std::lock_guard lock(mutex_);
            const auto found = bodies_[body].find(T);
            if (found != bodies_[body].end()) {
                return found->second;
            }
        }
        Eigen::ArrayXd accepted = work_out();
        const std::lock_guard lock(mutex_);
        if (size_ < most) {
            size_ += accepted.size();
            bodies_[body].emplace(T, accepted);
        }
        return accepted;
    }

private:
    static constexpr Eigen::Index most = 1 << 25; // numbers
    std::mutex mutex_;
    std::unordered_map<std::size_t, std::unordered_map<double, Eigen::ArrayXd>> bodies_;
    Eigen::Index size_ = 0;
};

/// Expected signal counts per bin: the sum over sources and channels, and for a nuclear one over nuclides, of
///
///     N_b = targets × live time × share_b × ∫ dT R_b(T) ∫ dE flux(E) dσ/dT(E, T)
///
/// \p tolerance is that of the integral over T, relative to the counts. \p memory, if any, is the experiment's own.
std::vector<double> reference_signal(const Experiment& experiment, const ReferencePoint& point,
                                     AcceptanceMemory* memory = nullptr, double tolerance = 1e-12);

/// The experiment with the baselines and radii of a point.
Experiment reference_experiment(const Experiment& experiment, const ReferencePoint& point);

} // namespace nuscan
