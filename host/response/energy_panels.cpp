// SPDX-License-Identifier: Apache-2.0
#include "response/energy_panels.hpp"

#include <algorithm>
#include <cmath>

#include "nuscan/kinematics.hpp"
#include "response/quadrature.hpp"

namespace nuscan {

namespace {

//! No recoil asks for energies below this [MeV], where a spectrum that begins at 0 would need endless panels
double least_energy() { return min_neutrino_energy(min_recoil, constants::electron_mass); }

//! Whether a recoil may ask for what is between a knot and the next
bool is_used(const Table& spectrum, std::size_t knot) {
    return spectrum.x[knot] < spectrum.x[knot + 1] && least_energy() < spectrum.x[knot + 1] &&
           (spectrum.y[knot] != 0 || spectrum.y[knot + 1] != 0);
}

//! Widths of resonances are resolved down to this, relative to the energy: narrower ones are steps
constexpr double least_resonance = 1e-10;

} // namespace

double phase_rate(const Source& source, const Mixing& mixing) {
    if (source.propagation != Propagation::exact) {
        return 0;
    }
    const double splitting =
        std::max({std::abs(mixing.dm21), std::abs(mixing.dm31), std::abs(mixing.dm31 - mixing.dm21)});
    return propagation_phase(splitting, source.baseline, 1);
}

double lowest_energy(const Source& source) {
    for (std::size_t i = 0; i + 1 < source.spectrum.x.size(); ++i) {
        if (is_used(source.spectrum, i)) {
            return std::max(source.spectrum.x[i], least_energy());
        }
    }
    return constants::infinity;
}

std::vector<Resonance> resonances(const Source& source, const Mixing& mixing) {
    std::vector<Resonance> all;
    if (source.propagation == Propagation::solar) {
        for (const ProductionZone& zone : source.zones) {
            const double c13_squared = std::cos(mixing.theta13) * std::cos(mixing.theta13);
            const double per_energy = constants::solar_matter * zone.electron_density * c13_squared / mixing.dm21;
            if (per_energy > 0) {
                all.push_back(
                    {std::cos(2 * mixing.theta12) / per_energy, std::abs(std::sin(2 * mixing.theta12)) / per_energy});
            }
        }
    }
    return all;
}

void bound_by_resonances(const std::vector<Resonance>& resonances, double E, double slope, Smoothness& smoothness) {
    for (const Resonance& resonance : resonances) {
        // Half of the way to a resonance on the right, no point is nearer to it than the other half.
        const double left = resonance.energy - E, distance = left > 0 ? left / 2 : -left;
        const double width = std::max(resonance.width, least_resonance * E);
        smoothness.pole = std::min(smoothness.pole, slope * std::hypot(distance, width));
        if (left > 0) {
            smoothness.reach = std::min(smoothness.reach, slope * std::max(distance, width));
        }
    }
}

EnergyPanels::EnergyPanels(const Source& source, const Mixing& mixing) : beam_(source.beam()), mixing_(mixing) {
    const double rate = phase_rate(source, mixing);
    const std::vector<Resonance> of_sun = resonances(source, mixing);
    const auto smoothness = [&](double E) {
        Smoothness s;
        s.origin = E;
        s.wave = rate / (E * E);
        bound_by_resonances(of_sun, E, 1, s);
        return s;
    };
    const Table& spectrum = source.spectrum;
    std::vector<Panel> panels;
    for (std::size_t i = 0; i + 1 < spectrum.x.size(); ++i) {
        if (!is_used(spectrum, i)) {
            continue;
        }
        const double low = spectrum.x[i], high = spectrum.x[i + 1];
        panels.clear();
        append_panels(std::max(low, least_energy()), high, smoothness, panel_tolerance, panels);
        const double slope = source.flux * (spectrum.y[i + 1] - spectrum.y[i]) / (high - low);
        for (const Panel& panel : panels) {
            const double flux = source.flux * spectrum.y[i] + slope * (panel.low - low);
            panels_.push_back({panel.low, panel.high, flux, slope, panel.order});
        }
    }
    for (const SpectralLine& line : source.lines) {
        lines_.push_back({line.energy, source.flux * line.fraction});
    }
}

SpectrumView EnergyPanels::view() const {
    return {beam_,
            mixing_,
            static_cast<int>(panels_.size()),
            panels_.data(),
            static_cast<int>(lines_.size()),
            lines_.data(),
            gauss_legendre_rules().data(),
            nullptr};
}

} // namespace nuscan
