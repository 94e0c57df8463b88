// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "nuscan/moments.hpp"
#include "response/energy_panels.hpp"
#include "response/response.hpp"

namespace nuscan {

/// What the moments of an experiment are made from, at one value of every slow parameter: beside the response, which
/// all values share, little.
class MomentInputs {
public:
    //! Refers to \p experiment, whose slow parameters are set
    MomentInputs(const Experiment& experiment, const Mixing& mixing, std::shared_ptr<const Response> response);
    MomentInputs(const MomentInputs&) = delete;
    MomentInputs& operator=(const MomentInputs&) = delete;

    const Response& response() const { return *response_; }
    const std::vector<SpectrumView>& spectra() const { return spectra_; }        //!< of the sources, without integrals
    const std::vector<ScattererView>& scatterers() const { return scatterers_; } //!< without nuclei at recoil nodes
    //! Without rates, each as if it had a group of its own
    const std::vector<MomentsView>& contributions() const { return contributions_; }

private:
    std::shared_ptr<const Response> response_;
    std::vector<EnergyPanels> panels_;
    std::vector<SpectrumView> spectra_;
    std::vector<ScattererView> scatterers_;
    std::vector<MomentsView> contributions_;
};

/// Moments of each contribution: (7 matrices × components) × n_bins numbers, in the order of the features of its group.
/// The same bits on any number of threads.
std::vector<std::vector<double>> contribution_moments(const MomentInputs& inputs);

/// Nodes of a contribution as the direct method asks for them: in neutrino energy at every recoil energy, which can be
/// many.
struct DirectNodes {
    std::vector<NucleusAtRecoil> nucleus; //!< n_recoils, of a nuclide
    std::vector<int> first_node;          //!< n_recoils + 1
    std::vector<double> energy;           //!< E [MeV]
    std::vector<double> flux;             //!< flux × quadrature weight [cm^-2 s^-1]
};
DirectNodes direct_nodes(const MomentsView& contribution);

} // namespace nuscan
