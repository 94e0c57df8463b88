// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment.hpp"
#include "nuscan/features.hpp"

namespace nuscan {

/// What a channel scatters on (an atom's electrons, or one nuclide), on quadrature nodes in recoil energy that serve
/// all sources.
///
/// Nodes are Gauss-Legendre points between all places where the integrand has a kink or a step (knots of tables, shell
/// edges, kinematic limits of lines, where equivalent photons take over from stepping), close enough for 1e-8 of every
/// bin.
struct Scatterer {
    std::size_t channel = 0;          //!< place in the experiment
    int nuclide = -1;                 //!< place in the target's nuclides; −1 for electrons
    std::vector<double> recoil;       //!< T_i [MeV]
    std::vector<double> weight;       //!< n_recoils × n_energy_bins [s MeV], see ContributionView
    std::vector<BoundElectrons> atom; //!< n_recoils, of electrons
};

/// One source on one scatterer:
///
///     N_b = share_b Σ_i weight_ib Σ_j flux_ij dσ/dT(E_ij, T_i)
struct Contribution {
    std::size_t source = 0, scatterer = 0; //!< places in the experiment, and in the response
    std::size_t n_recoils = 0;             //!< those of the scatterer that the source reaches, its first ones
    std::vector<double> share;             //!< n_bins, see ContributionView
};

/// What of an experiment's signal no slow parameter changes: made once for all their values, and most of the work.
struct Response {
    std::vector<Scatterer> scatterers;       //!< channel by channel, nuclide by nuclide
    std::vector<Contribution> contributions; //!< source by source, scatterer by scatterer
};

//! Phases [rad] beyond which exact propagation is refused: resolving them would take that many nodes
inline constexpr double max_phase = 2e4;

/// The response of an experiment, whose slow parameters, and those of \p mixing, have their largest values: where
/// phases and form factors vary most, nodes are close enough for all others.
///
/// Recoils count from min_recoil or the lowest shell edge on (with equivalent photons, from the start of their table),
/// up to where nothing is visible any more; a contribution of which nothing is ever visible has no nodes. The same
/// experiment and mixing give the same bits on any number of threads.
/// \throws InputError where phases cannot be resolved: for a source with exact propagation, the largest |Δm²| L/2E of
/// its continuous spectrum, at the smallest neutrino energy that gives a visible recoil, is above max_phase. Lines need
/// no integral and may have any phase.
Response make_response(const Experiment& experiment, const Mixing& mixing);

} // namespace nuscan
