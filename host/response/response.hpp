// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment.hpp"
#include "nuscan/features.hpp"

namespace nuscan {

/// Energy nodes of one source for every recoil node, flattened.
struct SourceNodes {
    std::vector<int> first_node; //!< n_recoils + 1
    std::vector<double> energy;  //!< E [MeV]
    std::vector<double> flux;    //!< flux × quadrature weight [cm^-2 s^-1]
};

/// An experiment on quadrature nodes: N_b = Σ_i weight_ib Σ_s Σ_j flux_sj dσ/dT(E_sj, T_i).
///
/// Nodes are Gauss-Legendre points between all places where the integrand has a kink or a step (knots of tables,
/// shell edges, kinematic limits of lines), close enough for 1e-8 of every bin.
struct Response {
    std::vector<double> recoil; //!< T_i [MeV]
    std::vector<double> weight; //!< n_recoils × n_bins [s MeV], see ResponseView
    std::vector<SourceNodes> sources;
};

/// \param mixing sets how fast phases turn, for sources with exact propagation
Response make_response(const Experiment& experiment, const Mixing& mixing);

/// R_b(T): probability that a recoil of energy T is reconstructed between \p low and \p high [MeV] and accepted.
///
/// ∫ dE ε(E) Gauss(E − T; σ(T)) in closed form, ε being linear between its knots.
double acceptance(const EnergyResponse& response, double T, double low, double high);

/// Moments of one source: (7 matrices × components) × n_bins numbers, in the order of the features of its group.
std::vector<double> source_moments(const Experiment& experiment, const Response& response, std::size_t source,
                                   const Mixing& mixing);

} // namespace nuscan
