// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment.hpp"
#include "nuscan/features.hpp"

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

/// Contributions of an experiment: source by source, channel by channel, nuclide by nuclide.
/// \param mixing sets how fast phases turn, for sources with exact propagation
std::vector<Contribution> make_contributions(const Experiment& experiment, const Mixing& mixing);

/// Moments of a contribution: (7 matrices × components) × n_bins numbers, in the order of the features of its group.
std::vector<double> contribution_moments(const Experiment& experiment, const Contribution& contribution,
                                         const Mixing& mixing);

/// Visible energy [MeV] of a recoil of energy \p T; \p nuclide may be null where the model does not ask for it.
double visible_energy(const Quenching& quenching, const Nuclide* nuclide, double T);

/// R_b(T): probability that a recoil of energy T on the target of a channel is reconstructed in energy bin b and
/// accepted, for all energy bins.
std::vector<double> acceptance(const Experiment& experiment, const Channel& channel, const Nuclide* nuclide, double T);

/// What part of the counts of each energy bin falls into each bin, for a source seen through a channel: n_bins numbers.
///
/// Time: ∫ p(t) ε(t) dt over the bin. Further variables: Channel::shares.
std::vector<double> bin_shares(const Experiment& experiment, const Channel& channel, const Source& source);

} // namespace nuscan
