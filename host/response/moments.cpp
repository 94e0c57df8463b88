// SPDX-License-Identifier: Apache-2.0
#include "response/moments.hpp"

#include <algorithm>

#include "response/recoil_nodes.hpp"

namespace nuscan {

MomentInputs::MomentInputs(const Experiment& experiment, const Mixing& mixing, std::shared_ptr<const Response> response)
    : response_(std::move(response)) {
    for (const Source& source : experiment.sources) {
        panels_.emplace_back(source, mixing);
        spectra_.push_back(panels_.back().view());
    }
    for (const Scatterer& scatterer : response_->scatterers) {
        nuclei_.emplace_back();
        if (const Nuclide* nuclide = nuclide_of(experiment.target, scatterer.nuclide)) {
            for (const double T : scatterer.recoil) {
                nuclei_.back().push_back(nucleus_at_recoil(*nuclide, experiment.channels[scatterer.channel], T));
            }
        }
    }
    for (const Contribution& c : response_->contributions) {
        const Scatterer& scatterer = response_->scatterers[c.scatterer];
        const bool electrons = scatterer.nuclide < 0;
        contributions_.push_back({&spectra_[c.source], target_mass(nuclide_of(experiment.target, scatterer.nuclide)),
                                  neutron_vector_coupling(experiment.couplings), static_cast<int>(c.n_recoils),
                                  experiment.n_energy_bins(), scatterer.recoil.data(), scatterer.weight.data(),
                                  electrons ? scatterer.atom.data() : nullptr,
                                  electrons ? nullptr : nuclei_[c.scatterer].data(), c.share.data(), nullptr, 0,
                                  n_feature_matrices * n_components(experiment.sources[c.source].propagation)});
    }
}

namespace {

//! From each panel of a source to the end of its spectrum
std::vector<FluxIntegrals> integrate(SpectrumView spectrum) {
    std::vector<FluxIntegrals> from_panel(static_cast<std::size_t>(spectrum.n_panels) + 1);
    spectrum.from_panel = from_panel.data();
#pragma omp parallel for schedule(static) if (spectrum.n_panels > 64)
    for (int p = 0; p <= spectrum.n_panels; ++p) {
        integrate_panel(spectrum, p);
    }
    for (int c = 0; c < n_components(spectrum.beam.propagation); ++c) {
        for (int i = 0; i < EnergyBasis::size; ++i) {
            add_panels_above(spectrum, c, i);
        }
    }
    return from_panel;
}

std::vector<double> moments_of(MomentsView x, const std::vector<double>& share) {
    const std::size_t n_bins = share.size(), n_inner_bins = n_bins / static_cast<std::size_t>(x.n_energy_bins);
    std::vector<double> rates(static_cast<std::size_t>(x.n_features) * static_cast<std::size_t>(x.n_recoils));
    x.rates = rates.data();
#pragma omp parallel for schedule(static) if (x.n_recoils > 64)
    for (int i = 0; i < x.n_recoils; ++i) {
        evaluate_rates(x, i);
    }
    // Each thread sums features of its own, in the order of the recoils: the sums do not depend on their number.
    std::vector<double> moments(static_cast<std::size_t>(x.n_features) * n_bins);
#pragma omp parallel for schedule(static) if (x.n_recoils > 64)
    for (int f = 0; f < x.n_features; ++f) {
        std::vector<double> sums(static_cast<std::size_t>(x.n_energy_bins));
        sum_recoils(x, f, 0, x.n_energy_bins, sums.data());
        for (std::size_t b = 0; b < n_bins; ++b) {
            moments[static_cast<std::size_t>(f) * n_bins + b] = share[b] * sums[b / n_inner_bins];
        }
    }
    return moments;
}

} // namespace

std::vector<std::vector<double>> contribution_moments(const MomentInputs& inputs) {
    std::vector<SpectrumView> spectra = inputs.spectra();
    std::vector<std::vector<FluxIntegrals>> integrals;
    for (SpectrumView& spectrum : spectra) {
        integrals.push_back(integrate(spectrum));
        spectrum.from_panel = integrals.back().data();
    }
    std::vector<std::vector<double>> moments;
    for (std::size_t i = 0; i < inputs.contributions().size(); ++i) {
        const Contribution& contribution = inputs.response().contributions[i];
        MomentsView view = inputs.contributions()[i];
        view.spectrum = &spectra[contribution.source];
        moments.push_back(moments_of(view, contribution.share));
    }
    return moments;
}

EnergyNodes list_energies(const MomentsView& contribution) {
    EnergyNodes out;
    const SpectrumView& spectrum = *contribution.spectrum;
    const auto append = [&](const EnergyNode& node) {
        out.energy.push_back(node.energy);
        out.flux.push_back(node.flux);
    };
    for (int i = 0; i < contribution.n_recoils; ++i) {
        const double T = contribution.recoil[i], lowest = min_neutrino_energy(T, contribution.mass);
        out.first_node.push_back(static_cast<int>(out.energy.size()));
        for (int p = panel_at(spectrum, lowest); p < spectrum.n_panels; ++p) {
            const EnergyPanel& panel = spectrum.panels[p];
            for (int k = 0; k < panel.order; ++k) {
                append(energy_node(panel, spectrum.rules, std::max(panel.low, lowest), k));
            }
        }
        for (int j = 0; j < spectrum.n_lines; ++j) {
            if (T <= max_recoil(spectrum.lines[j].energy, contribution.mass)) {
                append(spectrum.lines[j]);
            }
        }
    }
    out.first_node.push_back(static_cast<int>(out.energy.size()));
    return out;
}

} // namespace nuscan
