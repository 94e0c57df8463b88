// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "experiments/experiment.hpp"
#include "nuscan/mixing.hpp"
#include "response/quadrature.hpp"

namespace nuscan {

//! Relative accuracy asked of each panel, in neutrino and in recoil energy; errors of panels average down in a bin
inline constexpr double panel_tolerance = 1e-11;

/// Largest |Δm²| L/2E × E [rad MeV] of a source with exact propagation: its phases turn by this over E². Else 0.
double phase_rate(const Source& source, const Mixing& mixing);

/// The continuous part of a source's spectrum on Gauss-Legendre panels in neutrino energy.
///
/// A recoil of energy T needs ∫ from min_neutrino_energy(T) on: whole panels, which are the same for all T, and the
/// upper part of one. Between knots of the spectrum the integrands are a line × 1, 1/E, 1/E² or ln E × phases or the
/// Sun's weights.
class EnergyPanels {
public:
    EnergyPanels(const Source& source, const Mixing& mixing);

    //! A point in neutrino energy [MeV] with flux × quadrature weight [cm^-2 s^-1]
    struct EnergyNode {
        double energy, flux;
    };

    std::size_t size() const { return panels_.size(); }
    double lowest() const { return panels_.front().low; } //!< energy with flux [MeV]; size() > 0
    //! Points of all panels, panel by panel in order of energy, and where each panel's begin; size() + 1 offsets
    const std::vector<EnergyNode>& nodes() const { return nodes_; }
    const std::vector<std::size_t>& first_node() const { return first_node_; }

    /// The panels from \p energy on: first is the first that lies above it as a whole; the points of the part above it
    /// of the panel it lies in go to \p partial, replacing what was there.
    std::size_t from(double energy, std::vector<EnergyNode>& partial) const;

private:
    EnergyNode node(std::size_t panel, const Node& at) const;

    std::vector<Panel> panels_;
    std::vector<double> ends_;         //!< of the panels
    std::vector<double> flux_, slope_; //!< of the flux per energy in a panel, at its lower end
    std::vector<EnergyNode> nodes_;
    std::vector<std::size_t> first_node_;
};

} // namespace nuscan
