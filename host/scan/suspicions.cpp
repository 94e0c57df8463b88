// SPDX-License-Identifier: Apache-2.0
#include "scan/suspicions.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "experiments/quenching.hpp"
#include "experiments/response_reader.hpp"
#include "experiments/table_ends.hpp"
#include "nuscan/kinematics.hpp"
#include "scan/tables.hpp"

namespace nuscan {
namespace {

constexpr double keV = 1e-3;  // [MeV]
constexpr double hour = 3600; // [s]

constexpr double largest_uncertainty = 2;
constexpr double least_live_time = hour;
constexpr double least_efficiency = 0.01;
constexpr double largest_quenching = 1.5; // of electrons, scintillators give a little more than their nominal light
constexpr double least_energy = 10 * keV, largest_energy = 1e3; // of neutrinos [MeV]
constexpr double least_signal = 0.01, least_over_background = 1e-4, largest_over_counts = 10;

using Notes = std::vector<std::string>;

double sum(const std::vector<double>& counts) { return std::accumulate(counts.begin(), counts.end(), 0.); }

bool in_photoelectrons(const Experiment& x) { return x.response.light_yield > 0; }

//! \param counts that the uncertainty is relative to; 0 where they are not known
void check_uncertainty(double sigma, const std::string& of, double counts, const InputLocation& where, Notes& notes) {
    if (!(sigma > largest_uncertainty) || std::isinf(sigma)) {
        return;
    }
    const std::string as_counts =
        counts > 0 ? fmt::format("write {:.3g} for {:g} counts, ", sigma / counts, sigma) : "write ";
    notes.push_back(input_message(where, fmt::format("the uncertainty of {} is {:g} times its size", of, sigma),
                                  "uncertainties are relative to nominal",
                                  fmt::format("{}{:g} for {:g} %, or \"free\"?", as_counts, sigma / 100, sigma)));
}

void check_uncertainties(const Experiment& x, Notes& notes) {
    for (const Background& background : x.backgrounds) {
        check_uncertainty(background.sigma, fmt::format("background \"{}\"", background.name), sum(background.counts),
                          background.where, notes);
    }
    check_uncertainty(x.signal_sigma, "the signal", 0, x.where.signal, notes);
    for (const Systematic& systematic : x.systematics) {
        if (systematic.kind == Systematic::Kind::normalisation) {
            check_uncertainty(systematic.sigma, fmt::format("systematic \"{}\"", systematic.name), 0, systematic.where,
                              notes);
        }
    }
}

void check_efficiency(const Table& efficiency, const std::string& name, const InputLocation& where, Notes& notes) {
    const double most = efficiency.empty() ? 1 : *std::max_element(efficiency.y.begin(), efficiency.y.end());
    if (most > 0 && most < least_efficiency) {
        notes.push_back(input_message(where, fmt::format("{} is at most {:.3g}", name, most),
                                      "1 is where everything is seen", "is the table in another unit?"));
    }
}

void check_quenching(const Experiment& x, const Channel& channel, Notes& notes) {
    constexpr int n_steps = 200; // in ln T
    const auto check = [&](const Nuclide* nuclide, double mass) {
        const double highest = max_recoil(highest_neutrino_energy(x.sources), mass);
        double factor = 0, at = 0;
        for (int i = 0; i <= n_steps && highest > min_recoil; ++i) {
            const double T = min_recoil * std::pow(highest / min_recoil, static_cast<double>(i) / n_steps);
            const double f = visible_energy(channel.quenching, nuclide, T) / T;
            at = f > factor ? T : at;
            factor = std::max(f, factor);
        }
        if (factor > largest_quenching) {
            notes.push_back(input_message(
                channel.where, fmt::format("the quenching factor is {:.3g} at {:.4g} keV", factor, at / keV),
                "more would be visible than there is", "divide by 100 where it is in per cent?"));
        }
        return factor > largest_quenching;
    };
    if (channel.target == Target::electron) {
        check(nullptr, constants::electron_mass);
        return;
    }
    for (const TargetNuclide& isotope : x.target.nuclides) {
        if (check(&isotope.nuclide, isotope.nuclide.mass)) {
            return; // of one nuclide it is said for all
        }
    }
}

void check_resolution(const Experiment& x, Notes& notes) {
    if (x.response.smearing != EnergyResponse::Smearing::gaussian) {
        return;
    }
    const double per_energy = in_photoelectrons(x) ? x.response.light_yield : 1;
    const double low = x.bin_edges.front() / per_energy, high = x.bin_edges.back() / per_energy;
    const double middle = (low + high) / 2, sigma = x.response.gaussian_sigma(middle);
    if (sigma > high - low) {
        notes.push_back(input_message(
            x.where.response, fmt::format("the resolution is {:.3g} keV at {:.4g} keV", sigma / keV, middle / keV),
            fmt::format("all bins together span {:.4g} keV", (high - low) / keV), "check its units?"));
    }
}

void check_energies(const Experiment& x, Notes& notes) {
    for (const Source& source : x.sources) {
        const double highest = highest_neutrino_energy({source});
        if (highest < least_energy || highest > largest_energy) {
            notes.push_back(input_message(
                source.where, fmt::format("the neutrinos of \"{}\" reach {:.4g} MeV", source.name, highest),
                highest > largest_energy ? "scattering on whole nuclei and atoms ends far below"
                                         : "their recoils are below an eV",
                "is the table in another unit?"));
        }
    }
}

//! Whether a baseline on an axis moves the flux of an experiment
bool has_baseline_axis(const ScanConfig& config, const Experiment& x) {
    return std::any_of(config.axes.begin(), config.axes.end(), [&](const Axis& axis) {
        return axis.parameter.kind == Parameter::Kind::baseline && axis.parameter.experiment == x.name;
    });
}

} // namespace

Notes suspicions(const Experiment& x) {
    Notes notes;
    check_uncertainties(x, notes);
    if (x.sources.empty()) {
        return notes;
    }
    if (x.statistic == Statistic::poisson && x.live_time < least_live_time) { // rates have one of their own
        notes.push_back(input_message(x.where.exposure, fmt::format("the live time is {:.4g} s", x.live_time),
                                      "less than an hour", "check its unit?"));
    }
    check_efficiency(x.response.efficiency, "the efficiency", x.where.response, notes);
    check_efficiency(x.response.time_efficiency, "the efficiency over time", x.where.response, notes);
    for (const Channel& channel : x.channels) {
        check_efficiency(channel.efficiency, "the efficiency over the recoil energy", channel.where, notes);
        check_quenching(x, channel, notes);
    }
    check_resolution(x, notes);
    check_energies(x, notes);
    return notes;
}

Notes suspicions(const Experiment& x, const std::vector<double>& signal) {
    Notes notes;
    const double expected = sum(signal);
    if (x.sources.empty() || !std::isfinite(expected)) {
        return notes;
    }
    const std::string check = "check mass, flux, baseline and the unit of the bins?";
    const auto add = [&](const std::string& problem, const std::string& why) {
        notes.push_back(input_message(x.where.exposure, problem, why, check));
    };
    const std::string in_all = fmt::format("the standard model gives {:.3g} counts of neutrinos in all bins", expected);
    if (expected <= 0) {
        const double highest = highest_visible_energy(x) * (in_photoelectrons(x) ? x.response.light_yield : 1);
        const double unit = in_photoelectrons(x) ? 1 : keV;
        const char* name = in_photoelectrons(x) ? "PE" : "keV";
        add("no neutrino is seen in any bin",
            highest < x.bin_edges.front()
                ? fmt::format("recoils make up to {:.4g} {} visible, the bins begin at {:.4g} {}", highest / unit, name,
                              x.bin_edges.front() / unit, name)
                : "threshold, quenching or efficiency leave nothing");
        return notes;
    }
    double background = 0, observed = 0;
    for (const Background& component : x.backgrounds) {
        background += sum(component.counts);
    }
    for (const double n : x.counts) { // differences may be negative
        observed += std::abs(n);
    }
    if (expected < least_signal && x.statistic == Statistic::poisson) {
        add(in_all, fmt::format("fewer than {:g}", least_signal));
    } else if (expected < least_over_background * background) {
        add(in_all, fmt::format("less than {:g} of the {:.4g} of the backgrounds", least_over_background, background));
    } else if (expected > largest_over_counts * std::max(observed, 1.)) {
        add(in_all, fmt::format("{:.3g} times the {:.4g} observed", expected / std::max(observed, 1.), observed));
    }
    return notes;
}

Notes suspicions(const Plan& plan) {
    Notes notes;
    const ScanConfig& config = plan.config();
    const std::vector<Interaction> interactions = interactions_of(config);
    const std::shared_ptr<const Tables> tables = plan.tables(plan.unit(0));
    for (std::size_t e = 0; e < config.experiments.size(); ++e) {
        const Experiment& x = config.experiments[e];
        const Notes of_file = suspicions(x);
        notes.insert(notes.end(), of_file.begin(), of_file.end());
        if (!has_baseline_axis(config, x)) {
            const Notes of_counts =
                suspicions(x, standard_signal(x, tables->signal(e), config.neutrino.inverted_ordering, interactions));
            notes.insert(notes.end(), of_counts.begin(), of_counts.end());
        }
    }
    return notes;
}

} // namespace nuscan
