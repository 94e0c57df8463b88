// SPDX-License-Identifier: Apache-2.0
// Moments of a contribution. At a recoil energy every kernel is a sum over 1, 1/E, 1/E² and ln E (KernelExpansion), so
// the integrals over the neutrino energy are sums over whole panels that are done once, plus a part of one panel.
#include <algorithm>

#include "response/energy_panels.hpp"
#include "response/kernel_expansion.hpp"
#include "response/recoil_nodes.hpp"
#include "response/response.hpp"

namespace nuscan {

namespace {

//! ∫ dE flux(E) w_c(E) basis_i(E) for the components c of a group [cm^-2 s^-1 × the unit of the basis]
struct FluxIntegrals {
    double value[max_components][EnergyBasis::size] = {};

    void add(const Mixing& mixing, const Beam& beam, int components, double E, double flux) {
        const ComponentWeights w = component_weights(mixing, beam, E);
        const EnergyBasis basis = energy_basis(E);
        for (int c = 0; c < components; ++c) {
            for (int i = 0; i < EnergyBasis::size; ++i) {
                value[c][i] += flux * w.value[c] * basis.value[i];
            }
        }
    }
};

} // namespace

std::vector<double> contribution_moments(const Experiment& experiment, const Contribution& contribution,
                                         const Mixing& mixing) {
    const Source& source = experiment.sources[contribution.source];
    const Beam beam = source.beam();
    const int components = n_components(source.propagation);
    const auto n_bins = static_cast<std::size_t>(experiment.n_bins());
    const auto n_energy_bins = static_cast<std::size_t>(experiment.n_energy_bins());
    const std::size_t n_inner_bins = n_bins / n_energy_bins;
    const auto n_features = std::size_t{n_feature_matrices} * static_cast<std::size_t>(components);
    const double neutron_coupling = neutron_vector_coupling(experiment.couplings);
    const double s = source.antineutrino ? -1 : 1;
    const double mass = target_mass(
        contribution.nuclide < 0 ? nullptr
                                 : &experiment.target.nuclides[static_cast<std::size_t>(contribution.nuclide)].nuclide);
    std::vector<double> moments(n_features * n_bins);
    const std::size_t n_recoils = contribution.recoil.size();
    if (n_recoils == 0) {
        return moments;
    }

    // From each panel to the end of the spectrum, added from above; the integral is largest where it is used most.
    const EnergyPanels panels(source, mixing);
    std::vector<FluxIntegrals> from_panel(panels.size() + 1);
    for (std::size_t p = panels.size(); p-- > 0;) {
        from_panel[p] = from_panel[p + 1];
        for (std::size_t j = panels.first_node()[p]; j < panels.first_node()[p + 1]; ++j) {
            from_panel[p].add(mixing, beam, components, panels.nodes()[j].energy, panels.nodes()[j].flux);
        }
    }

    std::vector<double> rates(n_features * n_recoils); // of a feature at all recoil energies, after one another
    const auto n = static_cast<std::ptrdiff_t>(n_recoils);
#pragma omp parallel if (n > 64)
    {
        std::vector<EnergyPanels::EnergyNode> partial;
#pragma omp for schedule(static)
        for (std::ptrdiff_t k = 0; k < n; ++k) {
            const auto i = static_cast<std::size_t>(k);
            const double T = contribution.recoil[i];
            FluxIntegrals integrals = from_panel[panels.from(min_neutrino_energy(T, mass), partial)];
            for (const EnergyPanels::EnergyNode& node : partial) {
                integrals.add(mixing, beam, components, node.energy, node.flux);
            }
            for (const SpectralLine& line : source.lines) {
                if (T <= max_recoil(line.energy, mass)) {
                    integrals.add(mixing, beam, components, line.energy, source.flux * line.fraction);
                }
            }
            const KernelExpansion kernels = contribution.nuclide < 0
                                                ? kernel_expansion(contribution.atom[i], T, s)
                                                : kernel_expansion(contribution.nucleus[i], T, neutron_coupling);
            for (int m = 0; m < n_feature_matrices; ++m) {
                for (int c = 0; c < components; ++c) {
                    double rate = 0;
                    for (int j = 0; j < EnergyBasis::size; ++j) {
                        rate += kernels.c[m][j] * integrals.value[c][j];
                    }
                    rates[static_cast<std::size_t>(m * components + c) * n_recoils + i] = rate;
                }
            }
        }
    }

    // Each thread sums features of its own, in the order of the recoils: the sums do not depend on their number.
    const auto n_sums = static_cast<std::ptrdiff_t>(n_features);
#pragma omp parallel for schedule(static) if (n > 64)
    for (std::ptrdiff_t k = 0; k < n_sums; ++k) {
        const auto f = static_cast<std::size_t>(k);
        std::vector<double> sum(n_energy_bins);
        for (std::size_t i = 0; i < n_recoils; ++i) {
            const double rate = rates[f * n_recoils + i];
            const double* weight = contribution.weight.data() + i * n_energy_bins;
            for (std::size_t b = 0; b < n_energy_bins; ++b) {
                sum[b] += weight[b] * rate;
            }
        }
        for (std::size_t b = 0; b < n_bins; ++b) {
            moments[f * n_bins + b] = contribution.share[b] * sum[b / n_inner_bins];
        }
    }
    return moments;
}

} // namespace nuscan
