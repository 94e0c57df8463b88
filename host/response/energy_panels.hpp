// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment.hpp"
#include "nuscan/flux_integrals.hpp"
#include "response/quadrature.hpp"

namespace nuscan {

//! Relative accuracy asked of each panel, in neutrino and in recoil energy; errors of panels average down in a bin
inline constexpr double panel_tolerance = 1e-11;

/// Largest |Δm²| L/2E × E [rad MeV] of a source with exact propagation: its phases turn by this over E². Else 0.
double phase_rate(const Source& source, const Mixing& mixing);

/// Smallest energy [MeV] of a source's continuous spectrum that a recoil may ask for; +inf where there is none
double lowest_energy(const Source& source);

/// Where a source's neutrinos meet the resonance of the Sun's matter: the weights P_k(E) have branch points at
/// energy ± i width [MeV], and turn into steps as θ12 goes to zero.
struct Resonance {
    double energy, width;
};

//! One for each zone of a source with solar propagation; none of others, and none in vacuum
std::vector<Resonance> resonances(const Source& source, const Mixing& mixing);

/// What the resonances leave of smoothness from \p E to the right, where the argument changes by \p slope per energy.
void bound_by_resonances(const std::vector<Resonance>& resonances, double E, double slope, Smoothness& smoothness);

/// The spectrum of a source on Gauss-Legendre panels in neutrino energy, and its lines.
///
/// Between knots of the spectrum the integrands are a line × 1, 1/E, 1/E² or ln E × phases or the Sun's weights.
class EnergyPanels {
public:
    //! Refers to \p source
    EnergyPanels(const Source& source, const Mixing& mixing);

    //! Without integrals
    SpectrumView view() const;

private:
    Beam beam_;
    Mixing mixing_;
    std::vector<EnergyPanel> panels_;
    std::vector<EnergyNode> lines_;
};

} // namespace nuscan
