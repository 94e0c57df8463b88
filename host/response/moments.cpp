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
        const Nuclide* const nuclide = nuclide_of(experiment.target, scatterer.nuclide);
        const Channel& channel = experiment.channels[scatterer.channel];
        scatterers_.push_back({target_mass(nuclide), static_cast<int>(scatterer.recoil.size()),
                               experiment.n_energy_bins(), scatterer.recoil.data(), scatterer.weight.data(),
                               nuclide == nullptr ? scatterer.atom.data() : nullptr,
                               nuclide == nullptr ? NuclearTarget{} : nuclear_target(*nuclide, channel),
                               neutron_vector_coupling(experiment.couplings), nullptr});
    }
    for (const Contribution& c : response_->contributions) {
        contributions_.push_back({&spectra_[c.source], &scatterers_[c.scatterer], static_cast<int>(c.n_recoils),
                                  c.share.data(), nullptr, 0,
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

//! A nuclide at all recoil nodes; nothing of electrons
std::vector<NucleusAtRecoil> at_recoils(ScattererView scatterer) {
    const int n = scatterer.atom == nullptr ? scatterer.n_recoils : 0;
    std::vector<NucleusAtRecoil> nucleus(static_cast<std::size_t>(n));
    scatterer.nucleus = nucleus.data();
#pragma omp parallel for schedule(static) if (n > 64)
    for (int i = 0; i < n; ++i) {
        evaluate_nucleus(scatterer, i);
    }
    return nucleus;
}

std::vector<double> moments_of(MomentsView x, const std::vector<double>& share) {
    const auto n_energy_bins = static_cast<std::size_t>(x.scatterer->n_energy_bins);
    const std::size_t n_bins = share.size(), n_inner_bins = n_bins / n_energy_bins;
    std::vector<double> rates(static_cast<std::size_t>(x.n_features) * static_cast<std::size_t>(x.n_recoils));
    x.rates = rates.data();
#pragma omp parallel for schedule(static) if (x.n_recoils > 64)
    for (int i = 0; i < x.n_recoils; ++i) {
        evaluate_rates(x, i);
    }
    // Each thread sums features of its own, in the order of the recoils: the sums do not depend on their number.
    std::vector<double> moments(static_cast<std::size_t>(x.n_features) * n_bins);
    std::vector<double> all_sums(static_cast<std::size_t>(x.n_features) * n_energy_bins);
#pragma omp parallel for schedule(static) if (x.n_recoils > 64)
    for (int f = 0; f < x.n_features; ++f) {
        double* sums = all_sums.data() + static_cast<std::size_t>(f) * n_energy_bins;
        sum_recoils(x, f, 0, x.scatterer->n_energy_bins, sums);
        for (std::size_t b = 0; b < n_bins; ++b) {
            moments[static_cast<std::size_t>(f) * n_bins + b] = share[b] * sums[b / n_inner_bins];
        }
    }
    return moments;
}

//! Neutrino energies at which equivalent photons take over from stepping, or the other way round, in order
std::vector<double> charge_kinks(const ScattererView& scatterer, int recoil) {
    std::vector<double> kinks;
    if (scatterer.atom != nullptr) {
        for (const EnergyRange& range : scatterer.atom[recoil].photons) {
            kinks.insert(kinks.end(), {range.from, range.to});
        }
    }
    return kinks;
}

} // namespace

std::vector<std::vector<double>> contribution_moments(const MomentInputs& inputs) {
    std::vector<SpectrumView> spectra = inputs.spectra();
    std::vector<std::vector<FluxIntegrals>> integrals;
    for (SpectrumView& spectrum : spectra) {
        integrals.push_back(integrate(spectrum));
        spectrum.from_panel = integrals.back().data();
    }
    std::vector<ScattererView> scatterers = inputs.scatterers();
    std::vector<std::vector<NucleusAtRecoil>> nuclei;
    for (ScattererView& scatterer : scatterers) {
        nuclei.push_back(at_recoils(scatterer));
        scatterer.nucleus = nuclei.back().data();
    }
    std::vector<std::vector<double>> moments;
    for (std::size_t i = 0; i < inputs.contributions().size(); ++i) {
        const Contribution& contribution = inputs.response().contributions[i];
        MomentsView view = inputs.contributions()[i];
        view.spectrum = &spectra[contribution.source];
        view.scatterer = &scatterers[contribution.scatterer];
        moments.push_back(moments_of(view, contribution.share));
    }
    return moments;
}

DirectNodes direct_nodes(const MomentsView& contribution) {
    const SpectrumView& spectrum = *contribution.spectrum;
    const ScattererView& scatterer = *contribution.scatterer;
    DirectNodes out{at_recoils(scatterer), {}, {}, {}};
    const auto append = [&](const EnergyNode& node) {
        out.energy.push_back(node.energy);
        out.flux.push_back(node.flux);
    };
    for (int i = 0; i < contribution.n_recoils; ++i) {
        const double T = scatterer.recoil[i], lowest = min_neutrino_energy(T, scatterer.mass);
        out.first_node.push_back(static_cast<int>(out.energy.size()));
        for (int p = panel_at(spectrum, lowest); p < spectrum.n_panels; ++p) {
            EnergyPanel part = spectrum.panels[p];
            const double low = std::max(part.low, lowest), high = part.high;
            std::vector<double> limits{low};
            for (const double E : charge_kinks(scatterer, i)) {
                if (E > low && E < high) {
                    limits.push_back(E);
                }
            }
            limits.push_back(high);
            for (std::size_t l = 0; l + 1 < limits.size(); ++l) {
                part.high = limits[l + 1];
                for (int k = 0; k < part.order; ++k) {
                    append(energy_node(part, spectrum.rules, limits[l], k));
                }
            }
        }
        for (int j = 0; j < spectrum.n_lines; ++j) {
            if (T <= max_recoil(spectrum.lines[j].energy, scatterer.mass)) {
                append(spectrum.lines[j]);
            }
        }
    }
    out.first_node.push_back(static_cast<int>(out.energy.size()));
    return out;
}

} // namespace nuscan
