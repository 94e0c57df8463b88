// SPDX-License-Identifier: Apache-2.0
#include "response/response.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "config/error.hpp"
#include "response/energy_panels.hpp"
#include "response/recoil_nodes.hpp"

namespace nuscan {

namespace {

//! What a channel scatters on: electrons, or one of the target's nuclides
struct Scatterer {
    std::size_t channel;
    int nuclide; //!< −1 for electrons
};

const Nuclide* nuclide_of(const Experiment& experiment, int nuclide) {
    return nuclide < 0 ? nullptr : &experiment.target.nuclides[static_cast<std::size_t>(nuclide)].nuclide;
}

void check_phases(const Experiment& experiment, const Source& source, const EnergyPanels& panels, double first_recoil,
                  double mass, const Mixing& mixing) {
    if (panels.size() == 0) {
        return;
    }
    const double E = std::max(panels.lowest(), min_neutrino_energy(first_recoil, mass));
    const double phase = phase_rate(source, mixing) / E;
    if (E < source.spectrum.x.back() && phase > max_phase) {
        throw InputError(
            source.where.file.empty() ? InputLocation{experiment.name, 0} : source.where,
            fmt::format("source \"{}\": over {:.6g} m a phase of {:.4g} rad cannot be resolved (at {:.4g} MeV)",
                        source.name, source.baseline, phase, E),
            fmt::format("the largest is {:.0f} rad", max_phase), "set propagation = \"decohered\"?");
    }
}

void list_energies(const Source& source, const EnergyPanels& panels, double mass, Contribution& out) {
    std::vector<EnergyPanels::EnergyNode> partial;
    for (const double T : out.recoil) {
        out.first_node.push_back(static_cast<int>(out.energy.size()));
        const std::size_t whole = panels.from(min_neutrino_energy(T, mass), partial);
        for (const EnergyPanels::EnergyNode& node : partial) {
            out.energy.push_back(node.energy);
            out.flux.push_back(node.flux);
        }
        for (std::size_t j = panels.first_node()[whole]; j < panels.nodes().size(); ++j) {
            out.energy.push_back(panels.nodes()[j].energy);
            out.flux.push_back(panels.nodes()[j].flux);
        }
        for (const SpectralLine& line : source.lines) {
            if (T <= max_recoil(line.energy, mass)) {
                out.energy.push_back(line.energy);
                out.flux.push_back(source.flux * line.fraction);
            }
        }
    }
    out.first_node.push_back(static_cast<int>(out.energy.size()));
}

} // namespace

std::vector<Contribution> make_contributions(const Experiment& experiment, const Mixing& mixing,
                                             EnergyNodes energy_nodes) {
    const EnergyAcceptance energy(experiment);
    std::vector<Scatterer> scatterers;
    for (std::size_t c = 0; c < experiment.channels.size(); ++c) {
        if (experiment.channels[c].target == Target::electron) {
            scatterers.push_back({c, -1});
            continue;
        }
        for (std::size_t i = 0; i < experiment.target.nuclides.size(); ++i) {
            scatterers.push_back({c, static_cast<int>(i)});
        }
    }
    std::vector<RecoilNodes> recoils;
    for (const Scatterer& x : scatterers) {
        recoils.push_back(make_recoil_nodes(experiment, energy, experiment.channels[x.channel],
                                            nuclide_of(experiment, x.nuclide), mixing));
    }

    const auto n_bins = static_cast<std::size_t>(experiment.n_energy_bins());
    std::vector<Contribution> contributions;
    for (std::size_t s = 0; s < experiment.sources.size(); ++s) {
        const Source& source = experiment.sources[s];
        const EnergyPanels panels(source, mixing);
        for (std::size_t x = 0; x < scatterers.size(); ++x) {
            const Channel& channel = experiment.channels[scatterers[x].channel];
            const Nuclide* nuclide = nuclide_of(experiment, scatterers[x].nuclide);
            const RecoilNodes& all = recoils[x];
            Contribution out;
            out.source = s;
            out.channel = scatterers[x].channel;
            out.nuclide = scatterers[x].nuclide;
            out.share = bin_shares(experiment, channel, source);
            const double mass = target_mass(nuclide);
            const auto end = std::lower_bound(all.recoil.begin(), all.recoil.end(), largest_recoil(source, mass));
            out.recoil.assign(all.recoil.begin(), end);
            const double targets =
                experiment.target.units *
                (nuclide == nullptr ? 1 : experiment.target.nuclides[static_cast<std::size_t>(out.nuclide)].number);
            const double exposure = targets * experiment.live_time;
            out.weight.resize(out.recoil.size() * n_bins);
            std::transform(all.acceptance.begin(),
                           all.acceptance.begin() + static_cast<std::ptrdiff_t>(out.weight.size()), out.weight.begin(),
                           [&](double R) { return exposure * R; });
            for (const double T : out.recoil) {
                if (nuclide == nullptr) {
                    out.atom.push_back(bound_electrons(experiment.target, channel, T));
                } else {
                    out.nucleus.push_back(nucleus_at_recoil(*nuclide, channel, T));
                }
            }
            if (!out.recoil.empty()) {
                check_phases(experiment, source, panels, out.recoil.front(), mass, mixing);
            }
            if (energy_nodes == EnergyNodes::listed) {
                list_energies(source, panels, mass, out);
            }
            contributions.push_back(std::move(out));
        }
    }
    return contributions;
}

} // namespace nuscan
