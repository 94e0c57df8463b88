// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "nuscan/moments.hpp"
#include "response/energy_panels.hpp"
#include "response/response.hpp"

namespace nuscan {

/// What the moments of an experiment are made from, at one value of every slow parameter: beside the response, which
/// all values share, a few thousand numbers.
class MomentInputs {
public:
    //! Refers to \p experiment, whose slow parameters are set
    MomentInputs(const Experiment& experiment, const Mixing& mixing, std::shared_ptr<const Response> response);

    const Response& response() const { return *response_; }
    const std::vector<SpectrumView>& spectra() const { return spectra_; } //!< of the sources, without integrals
    //! Of each scatterer at its recoil nodes; none of electrons
    const std::vector<std::vector<NucleusAtRecoil>>& nuclei() const { return nuclei_; }
    //! Of each contribution, without rates, and as if it had a group of its own
    const std::vector<MomentsView>& contributions() const { return contributions_; }

private:
    std::shared_ptr<const Response> response_;
    std::vector<EnergyPanels> panels_;
    std::vector<SpectrumView> spectra_;
    std::vector<std::vector<NucleusAtRecoil>> nuclei_;
    std::vector<MomentsView> contributions_;
};

/// Moments of each contribution: (7 matrices × components) × n_bins numbers, in the order of the features of its group.
/// The same bits on any number of threads.
std::vector<std::vector<double>> contribution_moments(const MomentInputs& inputs);

/// Nodes in neutrino energy of a contribution, for the direct method, which asks for them at every recoil energy: they
/// can be many.
struct EnergyNodes {
    std::vector<int> first_node; //!< n_recoils + 1
    std::vector<double> energy;  //!< E [MeV]
    std::vector<double> flux;    //!< flux × quadrature weight [cm^-2 s^-1]
};
EnergyNodes list_energies(const MomentsView& contribution);

} // namespace nuscan
