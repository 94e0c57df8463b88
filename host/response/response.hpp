// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment.hpp"
#include "nuscan/features.hpp"
#include "response/acceptance.hpp"
#include "response/bin_shares.hpp"
#include "response/quenching.hpp"

namespace nuscan {

/// One source seen through one channel on one kind of target (an atom's electrons, or one nuclide), on quadrature
/// nodes:
///
///     N_b = share_b Σ_i weight_ib Σ_j flux_ij dσ/dT(E_ij, T_i)
///
/// Nodes are Gauss-Legendre points between all places where the integrand has a kink or a step (knots of tables, shell
/// edges, kinematic limits of lines), close enough for 1e-8 of every bin.
struct Contribution {
    std::size_t source = 0, channel = 0;  //!< places in the experiment
    int nuclide = -1;                     //!< place in the target's nuclides; −1 for electrons
    std::vector<double> recoil;           //!< T_i [MeV]
    std::vector<double> weight;           //!< n_recoils × n_energy_bins [s MeV], see ContributionView
    std::vector<BoundElectrons> atom;     //!< n_recoils, of electrons
    std::vector<NucleusAtRecoil> nucleus; //!< n_recoils, of a nuclide
    std::vector<int> first_node;          //!< n_recoils + 1
    std::vector<double> energy;           //!< E [MeV]
    std::vector<double> flux;             //!< flux × quadrature weight [cm^-2 s^-1]
    std::vector<double> share;            //!< n_bins
};

//! Phases [rad] beyond which exact propagation is refused: resolving them would take that many nodes
inline constexpr double max_phase = 2e4;

//! Whether contributions hold their nodes in neutrino energy (first_node, energy, flux): only the direct method asks
//! for them, and they can be many
enum class EnergyNodes { listed, left_out };

/// Contributions of an experiment: source by source, channel by channel, nuclide by nuclide.
///
/// Recoils count from min_recoil or the lowest shell edge on (with equivalent photons, from the start of their table),
/// up to where nothing is visible any more; a contribution of which nothing is ever visible has no nodes. The same
/// experiment and mixing give the same bits on any number of threads.
/// \param mixing sets how fast phases turn, for sources with exact propagation
/// \throws InputError where phases cannot be resolved: for a source with exact propagation, the largest |Δm²| L/2E of
/// its continuous spectrum, at the smallest neutrino energy that gives a visible recoil, is above max_phase. Lines need
/// no integral and may have any phase.
std::vector<Contribution> make_contributions(const Experiment& experiment, const Mixing& mixing,
                                             EnergyNodes energy_nodes = EnergyNodes::listed);

/// Moments of a contribution: (7 matrices × components) × n_bins numbers, in the order of the features of its group.
///
/// Needs no nodes in neutrino energy. The same bits on any number of threads.
std::vector<double> contribution_moments(const Experiment& experiment, const Contribution& contribution,
                                         const Mixing& mixing);

} // namespace nuscan
