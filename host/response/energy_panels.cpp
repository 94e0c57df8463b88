// SPDX-License-Identifier: Apache-2.0
#include "response/energy_panels.hpp"

#include <algorithm>
#include <cmath>

#include "nuscan/kinematics.hpp"

namespace nuscan {

double phase_rate(const Source& source, const Mixing& mixing) {
    if (source.propagation != Propagation::exact) {
        return 0;
    }
    const double splitting =
        std::max({std::abs(mixing.dm21), std::abs(mixing.dm31), std::abs(mixing.dm31 - mixing.dm21)});
    return propagation_phase(splitting, source.baseline, 1);
}

EnergyPanels::EnergyPanels(const Source& source, const Mixing& mixing) {
    const double rate = phase_rate(source, mixing);
    double resonance = constants::infinity; // distance of the Sun's weights' branch points from the real axis [MeV]
    if (source.propagation == Propagation::solar) {
        for (const ProductionZone& zone : source.zones) {
            const double c13_squared = std::cos(mixing.theta13) * std::cos(mixing.theta13);
            const double per_energy = constants::solar_matter * zone.electron_density * c13_squared / mixing.dm21;
            resonance = std::min(resonance, std::abs(std::sin(2 * mixing.theta12) / per_energy));
        }
    }
    const auto smoothness = [&](double E) {
        Smoothness s;
        s.origin = E;
        s.pole = resonance;
        s.wave = rate / (E * E);
        return s;
    };
    // No recoil asks for energies below this, where a spectrum that begins at 0 would need endless panels.
    const double lowest = min_neutrino_energy(min_recoil, constants::electron_mass);
    const Table& spectrum = source.spectrum;
    for (std::size_t i = 0; i + 1 < spectrum.x.size(); ++i) {
        const double low = spectrum.x[i], high = spectrum.x[i + 1];
        if (!(low < high && lowest < high) || (spectrum.y[i] == 0 && spectrum.y[i + 1] == 0)) {
            continue;
        }
        const std::size_t first = panels_.size();
        append_panels(std::max(low, lowest), high, smoothness, panel_tolerance, panels_);
        const double slope = source.flux * (spectrum.y[i + 1] - spectrum.y[i]) / (high - low);
        for (std::size_t p = first; p < panels_.size(); ++p) {
            flux_.push_back(source.flux * spectrum.y[i] + slope * (panels_[p].low - low));
            slope_.push_back(slope);
        }
    }
    std::vector<Node> points;
    for (std::size_t p = 0; p < panels_.size(); ++p) {
        ends_.push_back(panels_[p].high);
        first_node_.push_back(nodes_.size());
        points.clear();
        append_nodes(panels_[p], points);
        for (const Node& point : points) {
            nodes_.push_back(node(p, point));
        }
    }
    first_node_.push_back(nodes_.size());
}

EnergyPanels::EnergyNode EnergyPanels::node(std::size_t panel, const Node& at) const {
    return {at.x, (flux_[panel] + slope_[panel] * (at.x - panels_[panel].low)) * at.weight};
}

std::size_t EnergyPanels::from(double energy, std::vector<EnergyNode>& partial) const {
    partial.clear();
    const auto p = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), energy) - ends_.begin());
    if (p == panels_.size() || energy <= panels_[p].low) {
        return p;
    }
    const Panel& panel = panels_[p];
    const double h = panel.high - energy; // what the whole panel needs is enough for a part
    for (const Node& point : gauss_legendre(panel.order)) {
        partial.push_back(node(p, {energy + h * (1 + point.x) / 2, point.weight * h / 2}));
    }
    return p + 1;
}

} // namespace nuscan
