// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/features.hpp"
#include "nuscan/kernel_expansion.hpp"

/// Integrals of a source's flux over the neutrino energy.
///
/// A recoil of energy T needs ∫ from min_neutrino_energy(T) on. Its kernels are sums over the EnergyBasis, so that all
/// recoils share integrals over whole panels, which are done once, and each adds a part of one panel.
namespace nuscan {

//! A point of a quadrature rule
struct Node {
    double x, weight;
};

//! A neutrino energy [MeV] with flux × quadrature weight, or the flux of a line [cm^-2 s^-1]
struct EnergyNode {
    double energy, flux;
};

/// An interval of neutrino energy on which the flux per energy is a line, and quadrature of the panel's order precise.
struct EnergyPanel {
    double low, high;   //!< [MeV]
    double flux, slope; //!< of the flux per energy, at the lower end
    int order;          //!< points that the whole panel takes, and so any part of it
};

//! Place of the rule of \p order points on [−1, 1] among Gauss-Legendre rules of 1, 2, … points
NUSCAN_HOST_DEVICE constexpr int first_of_rule(int order) { return order * (order - 1) / 2; }

//! Point \p k of the part of a panel from energy \p from on
NUSCAN_HOST_DEVICE inline EnergyNode energy_node(const EnergyPanel& panel, const Node* rules, double from, int k) {
    const Node& at = rules[first_of_rule(panel.order) + k];
    const double h = panel.high - from, E = from + h * (1 + at.x) / 2;
    return {E, (panel.flux + panel.slope * (E - panel.low)) * (at.weight * h / 2)};
}

/// ∫ dE flux(E) w_c(E) basis_i(E) for the components c of a group [cm^-2 s^-1 × the unit of the basis]
struct FluxIntegrals {
    double value[max_components][EnergyBasis::size] = {};

    NUSCAN_HOST_DEVICE void add(const Mixing& mixing, const Beam& beam, const EnergyNode& node) {
        const ComponentWeights w = component_weights(mixing, beam, node.energy);
        const EnergyBasis basis = energy_basis(node.energy);
        for (int c = 0; c < n_components(beam.propagation); ++c) {
            for (int i = 0; i < EnergyBasis::size; ++i) {
                value[c][i] = std::fma(node.flux * w.value[c], basis.value[i], value[c][i]);
            }
        }
    }
};

/// What a source sends, as the moments see it: its continuous spectrum on panels, and its lines.
struct SpectrumView {
    Beam beam;
    Mixing mixing;
    int n_panels;
    const EnergyPanel* panels; //!< in order of energy; they need not touch
    int n_lines;
    const EnergyNode* lines;
    const Node* rules;         //!< see first_of_rule()
    FluxIntegrals* from_panel; //!< n_panels + 1: from each panel to the end, once they have been worked out
};

//! Adds the part of a panel from energy \p from on
NUSCAN_HOST_DEVICE inline void add_panel(const SpectrumView& s, int panel, double from, FluxIntegrals& sum) {
    for (int k = 0; k < s.panels[panel].order; ++k) {
        sum.add(s.mixing, s.beam, energy_node(s.panels[panel], s.rules, from, k));
    }
}

//! First step of `from_panel`: a panel by itself, or nothing, which comes after the last
NUSCAN_HOST_DEVICE inline void integrate_panel(const SpectrumView& s, int panel) {
    FluxIntegrals sum;
    if (panel < s.n_panels) {
        add_panel(s, panel, s.panels[panel].low, sum);
    }
    s.from_panel[panel] = sum;
}

//! Second step: adds those above, from the end on, of component \p c and function \p i of the basis
NUSCAN_HOST_DEVICE inline void add_panels_above(const SpectrumView& s, int c, int i) {
    for (int p = s.n_panels; p-- > 0;) {
        s.from_panel[p].value[c][i] += s.from_panel[p + 1].value[c][i];
    }
}

//! The first panel that ends above an energy; n_panels where none does
NUSCAN_HOST_DEVICE inline int panel_at(const SpectrumView& s, double energy) {
    int first = 0;
    for (int n = s.n_panels; n > 0;) {
        const int half = n / 2;
        if (s.panels[first + half].high <= energy) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return first;
}

//! Of the continuous spectrum from an energy [MeV] on; needs `from_panel`
NUSCAN_HOST_DEVICE inline FluxIntegrals spectrum_integrals(const SpectrumView& s, double lowest) {
    const int panel = panel_at(s, lowest);
    const bool in_part = panel < s.n_panels && lowest > s.panels[panel].low;
    FluxIntegrals sum = s.from_panel[panel + (in_part ? 1 : 0)];
    if (in_part) {
        add_panel(s, panel, lowest, sum);
    }
    return sum;
}

/// Of the whole source, for recoils of energy \p T [MeV] of a body of mass \p mass [MeV]; needs `from_panel`.
NUSCAN_HOST_DEVICE inline FluxIntegrals flux_integrals(const SpectrumView& s, double T, double mass) {
    FluxIntegrals sum = spectrum_integrals(s, min_neutrino_energy(T, mass));
    for (int i = 0; i < s.n_lines; ++i) {
        if (T <= max_recoil(s.lines[i].energy, mass)) {
            sum.add(s.mixing, s.beam, s.lines[i]);
        }
    }
    return sum;
}

/// The part of flux_integrals() for which equivalent photons give more than stepping, added to \p sum: that of
/// neutrino energies in the atom's ranges.
NUSCAN_HOST_DEVICE inline void add_photon_integrals(const SpectrumView& s, const BoundElectrons& atom, double T,
                                                    FluxIntegrals& sum) {
    const double lowest = min_neutrino_energy(T, constants::electron_mass);
    for (const EnergyRange& range : atom.photons) {
        if (!(range.from < range.to)) {
            continue;
        }
        const FluxIntegrals from = spectrum_integrals(s, range.from > lowest ? range.from : lowest);
        const FluxIntegrals to = spectrum_integrals(s, range.to);
        for (int c = 0; c < n_components(s.beam.propagation); ++c) {
            for (int i = 0; i < EnergyBasis::size; ++i) {
                sum.value[c][i] += from.value[c][i] - to.value[c][i];
            }
        }
        for (int i = 0; i < s.n_lines; ++i) {
            const double E = s.lines[i].energy;
            if (E >= range.from && E < range.to && T <= max_recoil(E, constants::electron_mass)) {
                sum.add(s.mixing, s.beam, s.lines[i]);
            }
        }
    }
}

} // namespace nuscan
