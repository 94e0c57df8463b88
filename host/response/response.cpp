// SPDX-License-Identifier: Apache-2.0
#include "response/response.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "config/error.hpp"
#include "nuscan/kinematics.hpp"
#include "response/acceptance.hpp"
#include "response/bin_shares.hpp"
#include "response/energy_panels.hpp"
#include "response/recoil_nodes.hpp"

namespace nuscan {

namespace {

void check_phases(const Experiment& experiment, const Source& source, double first_recoil, double mass,
                  const Mixing& mixing) {
    const double E = std::max(lowest_energy(source), min_neutrino_energy(first_recoil, mass));
    const double phase = phase_rate(source, mixing) / E;
    if (!source.spectrum.empty() && E < source.spectrum.x.back() && phase > max_phase) {
        throw InputError(
            source.where.file.empty() ? InputLocation{experiment.name, 0} : source.where,
            fmt::format("source \"{}\": over {:.6g} m a phase of {:.4g} rad cannot be resolved (at {:.4g} MeV)",
                        source.name, source.baseline, phase, E),
            fmt::format("the largest is {:.0f} rad", max_phase), "set propagation = \"decohered\"?");
    }
}

Scatterer make_scatterer(const Experiment& experiment, const EnergyAcceptance& energy, std::size_t channel, int nuclide,
                         const Mixing& mixing) {
    const Channel& through = experiment.channels[channel];
    const Nuclide* const body = nuclide_of(experiment.target, nuclide);
    RecoilNodes nodes = make_recoil_nodes(experiment, energy, through, body, mixing);
    Scatterer out{channel, nuclide, std::move(nodes.recoil), std::move(nodes.acceptance), {}};
    const double targets = experiment.target.units *
                           (body == nullptr ? 1 : experiment.target.nuclides[static_cast<std::size_t>(nuclide)].number);
    const double exposure = targets * experiment.live_time;
    for (double& weight : out.weight) {
        weight *= exposure;
    }
    for (std::size_t i = 0; body == nullptr && i < out.recoil.size(); ++i) {
        out.atom.push_back(bound_electrons(experiment.target, through, out.recoil[i]));
    }
    return out;
}

} // namespace

Response make_response(const Experiment& experiment, const Mixing& mixing) {
    const EnergyAcceptance energy(experiment);
    Response out;
    for (std::size_t c = 0; c < experiment.channels.size(); ++c) {
        const auto n_nuclides = static_cast<int>(experiment.target.nuclides.size());
        const bool electrons = experiment.channels[c].target == Target::electron;
        for (int i = electrons ? -1 : 0; i < (electrons ? 0 : n_nuclides); ++i) {
            out.scatterers.push_back(make_scatterer(experiment, energy, c, i, mixing));
        }
    }
    for (std::size_t s = 0; s < experiment.sources.size(); ++s) {
        const Source& source = experiment.sources[s];
        for (std::size_t x = 0; x < out.scatterers.size(); ++x) {
            const Scatterer& scatterer = out.scatterers[x];
            const std::vector<double>& recoil = scatterer.recoil;
            const double mass = target_mass(nuclide_of(experiment.target, scatterer.nuclide));
            const auto end = std::lower_bound(recoil.begin(), recoil.end(), largest_recoil(source, mass));
            const auto n_recoils = static_cast<std::size_t>(end - recoil.begin());
            if (n_recoils > 0) {
                check_phases(experiment, source, recoil.front(), mass, mixing);
            }
            out.contributions.push_back(
                {s, x, n_recoils, bin_shares(experiment, experiment.channels[scatterer.channel], source)});
        }
    }
    return out;
}

} // namespace nuscan
