// SPDX-License-Identifier: Apache-2.0
#include "response/recoil_nodes.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "config/error.hpp"
#include "config/first_exception.hpp"
#include "experiments/axial_structure.hpp"
#include "experiments/quenching.hpp"
#include "response/energy_panels.hpp"
#include "response/interpolation.hpp"
#include "response/photon_ranges.hpp"
#include "response/quadrature.hpp"

namespace nuscan {

namespace {

//! Rows of which no bin gets more than this are left out
constexpr double negligible = 1e-17;

//! Numbers that the response of one nuclide or of the electrons may have, a row of bins for each recoil energy: 2 GB
constexpr std::size_t most_numbers = 250'000'000;

void check_size(const Experiment& experiment, std::size_t n_recoils) {
    const auto n_bins = static_cast<std::size_t>(experiment.n_energy_bins());
    if (n_recoils > most_numbers / n_bins) {
        throw InputError(
            {experiment.name, 0},
            fmt::format("the response of {} energy bins needs {} recoil energies or more", n_bins, n_recoils),
            fmt::format("with so many bins at most {}", most_numbers / n_bins),
            "fewer bins, or fewer rows in the tables of quenching, efficiency and spectra?");
    }
}

double lowest_edge(const TargetMaterial& target) {
    double lowest = constants::infinity;
    for (const Shell& shell : target.shells) {
        lowest = std::min(lowest, shell.binding_energy);
    }
    return lowest;
}

//! Recoil energy [MeV] from which a channel counts
double recoil_begin(const TargetMaterial& target, const Channel& channel) {
    if (channel.target == Target::nucleus || channel.atomic == AtomicModel::free_electrons) {
        return min_recoil;
    }
    double begin = lowest_edge(target);
    if (channel.atomic == AtomicModel::equivalent_photon && !channel.photoabsorption.empty()) {
        begin = std::min(begin, channel.photoabsorption.x.front());
    }
    return std::max(begin, min_recoil);
}

//! Where a table is 1 between its knots
std::vector<double> crossings_of_one(const Table& table) {
    std::vector<double> crossings;
    for (std::size_t i = 0; i + 1 < table.x.size(); ++i) {
        const double before = table.y[i] - 1, after = table.y[i + 1] - 1;
        if (before * after < 0) {
            crossings.push_back(table.x[i] + (table.x[i + 1] - table.x[i]) * (before / (before - after)));
        }
    }
    return crossings;
}

bool has_flux(const Table& spectrum, std::size_t knot) {
    return spectrum.y[knot] != 0 || (knot > 0 && spectrum.y[knot - 1] != 0) ||
           (knot + 1 < spectrum.y.size() && spectrum.y[knot + 1] != 0);
}

/// How fast F(q)² varies with the recoil energy: with q = √(2MT) it grows no faster than e^{2R |Im q|} of a sphere of
/// the nucleus's radius R, and e^{2 s² M |Im T|} of its surface.
double form_factor_wave(const Nuclide& nuclide, double T) {
    constexpr double sphere = 1.2909944487358056; // of the radius of a uniform sphere over its rms radius
    const double R = sphere * std::max(nuclide.proton_radius, nuclide.neutron_radius) / constants::hbar_c_fm;
    const double s = 1 / constants::hbar_c_fm; // 1 fm
    return R * std::sqrt(2 * nuclide.mass / T) + 2 * nuclide.mass * s * s;
}

} // namespace

const Nuclide* nuclide_of(const TargetMaterial& target, int nuclide) {
    return nuclide < 0 ? nullptr : &target.nuclides[static_cast<std::size_t>(nuclide)].nuclide;
}

double target_mass(const Nuclide* nuclide) { return nuclide == nullptr ? constants::electron_mass : nuclide->mass; }

double largest_recoil(const Source& source, double mass) {
    double E = 0;
    for (const SpectralLine& line : source.lines) {
        E = std::max(E, line.energy);
    }
    for (std::size_t i = 0; i < source.spectrum.x.size(); ++i) {
        if (has_flux(source.spectrum, i)) {
            E = std::max(E, source.spectrum.x[i]);
        }
    }
    return max_recoil(E, mass);
}

RecoilNodes make_recoil_nodes(const Experiment& experiment, const EnergyAcceptance& energy, const Channel& channel,
                              const Nuclide* nuclide, const Mixing& mixing) {
    const double mass = target_mass(nuclide);
    const double begin = recoil_begin(experiment.target, channel);
    double kinematic_end = 0;
    for (const Source& source : experiment.sources) {
        kinematic_end = std::max(kinematic_end, largest_recoil(source, mass));
    }
    if (!(begin < kinematic_end)) {
        return {};
    }
    const VisibleEnergy visible(channel.quenching, nuclide, begin, kinematic_end);
    if (visible.empty()) {
        return {};
    }
    const EnergyAcceptance::Range range = energy.visible_range(visible.largest());
    if (!(range.low < range.high)) {
        return {};
    }

    std::vector<double> kinks = visible.turns();
    const auto add_all = [&](const std::vector<double>& x) { kinks.insert(kinks.end(), x.begin(), x.end()); };
    for (const Source& source : experiment.sources) {
        for (std::size_t i = 0; i < source.spectrum.x.size(); ++i) {
            if (has_flux(source.spectrum, i)) {
                kinks.push_back(max_recoil(source.spectrum.x[i], mass));
            }
        }
        for (const SpectralLine& line : source.lines) {
            kinks.push_back(max_recoil(line.energy, mass));
        }
    }
    add_all(channel.efficiency.x);
    if (channel.quenching.model == Quenching::Model::table) {
        add_all(channel.quenching.factor.x);
    }
    if (channel.target == Target::electron) {
        if (channel.atomic != AtomicModel::free_electrons) {
            for (const Shell& shell : experiment.target.shells) {
                kinks.push_back(shell.binding_energy);
            }
        }
        if (channel.atomic == AtomicModel::equivalent_photon) {
            add_all(channel.photoabsorption.x);
        }
        add_all(channel.weak_correction.x);
        add_all(crossings_of_one(channel.weak_correction)); // the interference has its root above
        add_all(channel.magnetic_correction.x);
    }
    add_all(visible.crossings(range.low));
    add_all(visible.crossings(range.high));
    std::vector<double> kinks_seen = energy.kinks();
    std::erase_if(kinks_seen, [&](double v) { return !(v > range.low && v < range.high); });
    std::sort(kinks_seen.begin(), kinks_seen.end());
    const auto most_kinks = most_numbers / static_cast<std::size_t>(experiment.n_energy_bins());
    add_all(visible.crossings(kinks_seen, most_kinks + 1));
    const double low = visible.turns().front(), high = visible.turns().back();
    std::erase_if(kinks, [&](double T) { return !(T >= low && T <= high); });
    const auto order = [&] {
        std::sort(kinks.begin(), kinks.end());
        kinks.erase(std::unique(kinks.begin(), kinks.end()), kinks.end());
    };
    order();
    std::vector<double> branches;
    if (channel.target == Target::electron && channel.atomic == AtomicModel::equivalent_photon) {
        add_all(photon_kinks(experiment.target, channel, experiment.sources, kinks, branches));
        order();
    }

    check_size(experiment, kinks.size());

    double last_kink = 0, next_kink = 0; // about the panel that is being laid out
    const auto smoothness = [&](double T) {
        Smoothness s;
        s.origin = T; // 1/T, 1/T², √T of the kinematics, T^0.15 of Lindhard's formula
        const double near = 1e-3 * std::min(T, next_kink - last_kink); // a root is negligible there
        for (const double branch : branches) {
            s.pole = std::min(s.pole, std::max(std::abs(T - branch), near));
        }
        const double v = visible(T);
        const EnergyAcceptance::Scale scale = energy.scale(v);
        // Where the visible energy falls, so does the resolution: at most to a half on a panel.
        s.width = scale.width / visible.slope(T);
        s.reach = visible.stays_until(T, v - std::min(scale.below, v / 2), v + scale.above, next_kink) - T;
        if (nuclide != nullptr && channel.form_factor != NuclearFormFactor::unity) {
            s.wave = form_factor_wave(*nuclide, T);
        }
        // Phases at the smallest energy that gives T, where the integral over the energy begins
        const double E = min_neutrino_energy(T, mass);
        const double dE_dT = (1 + (T + mass) / std::sqrt(T * T + 2 * mass * T)) / 2;
        for (const Source& source : experiment.sources) {
            // A panel that begins where E comes to the spectrum's first knot is in it, rounding or not.
            if (!source.spectrum.empty() && E >= source.spectrum.x.front() * (1 - 1e-9) &&
                E <= source.spectrum.x.back()) {
                s.wave = std::max(s.wave, phase_rate(source, mixing) / (E * E) * dE_dT);
                bound_by_resonances(resonances(source, mixing), E, 1 / dE_dT, s);
            }
        }
        return s;
    };
    std::vector<Panel> panels;
    std::vector<Node> nodes;
    for (std::size_t i = 0; i + 1 < kinks.size(); ++i) {
        const double v = visible(kinks[i] + (kinks[i + 1] - kinks[i]) / 2);
        if (!(v >= range.low && v <= range.high)) {
            continue;
        }
        panels.clear();
        last_kink = kinks[i];
        next_kink = kinks[i + 1];
        append_panels(kinks[i], kinks[i + 1], smoothness, panel_tolerance, panels);
        for (const Panel& panel : panels) {
            append_nodes(panel, nodes);
        }
    }

    const auto n_bins = static_cast<std::size_t>(experiment.n_energy_bins());
    check_size(experiment, nodes.size());
    std::vector<double> rows(nodes.size() * n_bins);
    const auto n = static_cast<std::ptrdiff_t>(nodes.size());
    FirstException failure;
#pragma omp parallel for schedule(static) if (n > 64)
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        failure.guard([&] {
            acceptance(experiment, energy, channel, nuclide, nodes[static_cast<std::size_t>(i)].x,
                       rows.data() + static_cast<std::size_t>(i) * n_bins);
        });
    }
    failure.rethrow();
    RecoilNodes out;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const double* row = rows.data() + i * n_bins;
        if (*std::max_element(row, row + n_bins) <= negligible) {
            continue;
        }
        out.recoil.push_back(nodes[i].x);
        for (std::size_t b = 0; b < n_bins; ++b) {
            out.acceptance.push_back(row[b] * nodes[i].weight);
        }
    }
    return out;
}

BoundElectrons electrons_at_recoil(const TargetMaterial& target, const Channel& channel, double T) {
    BoundElectrons atom{0};
    if (channel.atomic == AtomicModel::free_electrons) {
        atom.electrons = target.n_electrons;
    } else {
        for (const Shell& shell : target.shells) {
            atom.electrons += T > shell.binding_energy ? shell.electrons : 0;
        }
    }
    atom.weak = interpolate(channel.weak_correction, T, 1);
    atom.magnetic = interpolate(channel.magnetic_correction, T, 1);
    atom.interference = channel.charge_interferes ? largest_interference(atom.weak) : 0;
    if (channel.atomic == AtomicModel::equivalent_photon) {
        atom.photon_area = interpolate(channel.photoabsorption, T);
    }
    return atom;
}

BoundElectrons bound_electrons(const TargetMaterial& target, const Channel& channel, double T) {
    BoundElectrons atom = electrons_at_recoil(target, channel, T);
    set_photon_ranges(atom, T);
    return atom;
}

NuclearTarget nuclear_target(const Nuclide& nuclide, const Channel& channel) {
    return {nuclide.mass,
            static_cast<double>(nuclide.Z),
            static_cast<double>(nuclide.A - nuclide.Z),
            channel.form_factor,
            nuclide.proton_radius,
            nuclide.neutron_radius,
            channel.axial ? axial_structure(nuclide) : 0};
}

} // namespace nuscan
