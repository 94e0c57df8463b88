// SPDX-License-Identifier: Apache-2.0
#include "experiments/table_ends.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "experiments/quenching.hpp"
#include "experiments/response_reader.hpp"
#include "nuscan/kinematics.hpp"

namespace nuscan {
namespace {

using Smearing = EnergyResponse::Smearing;

constexpr double keV = 1e-3;
constexpr double negligible = 1e-3; // probability, of which matrices from simulations know no less

//! σ [MeV] of what is reconstructed from a visible energy
double smearing_at(const EnergyResponse& response, double visible) {
    switch (response.smearing) {
    case Smearing::gaussian:
        return response.gaussian_sigma(visible);
    case Smearing::poisson:
        return std::sqrt(visible / response.light_yield);
    case Smearing::gamma:
        return visible / std::sqrt(1 + response.gamma_shape * visible);
    default:
        return 0;
    }
}

//! What part of a visible energy a matrix reconstructs in the bins: that of its first row from there on
double reconstructed(const Experiment& x, double visible) {
    const std::vector<double>& E = x.response.matrix_x;
    const auto row =
        std::min(std::lower_bound(E.begin(), E.end(), visible) - E.begin(), static_cast<std::ptrdiff_t>(E.size()) - 1);
    const auto first = x.response.matrix.begin() + row * x.n_energy_bins();
    return std::accumulate(first, first + x.n_energy_bins(), 0.);
}

//! Whether something of a visible energy beyond the bins is reconstructed in them
bool reaches_bins(const Experiment& x, double visible) {
    if (x.response.smearing == Smearing::matrix) {
        return reconstructed(x, visible) > negligible;
    }
    const double end = x.bin_edges.back() / (x.response.light_yield > 0 ? x.response.light_yield : 1);
    const double sigma = smearing_at(x.response, visible);
    return sigma > 0 && visible - 5 * sigma < end;
}

//! The highest energy [MeV] that a channel sees of recoils up to \p recoil [MeV]
double highest_visible(const Experiment& x, const Channel& channel, double recoil) {
    if (channel.quenching.model == Quenching::Model::none) {
        return recoil;
    }
    if (channel.target == Target::electron) {
        return VisibleEnergy(channel.quenching, nullptr, min_recoil, recoil).largest();
    }
    double highest = 0;
    for (const TargetNuclide& isotope : x.target.nuclides) {
        const VisibleEnergy visible(channel.quenching, &isotope.nuclide, min_recoil, recoil);
        highest = std::max(highest, visible.empty() ? 0 : visible.largest());
    }
    return highest;
}

//! The highest recoil energy [MeV] that the sources give in a channel
double highest_recoil(const Experiment& x, const Channel& channel) {
    const double energy = highest_neutrino_energy(x.sources);
    if (channel.target == Target::electron) {
        return max_recoil(energy, constants::electron_mass);
    }
    double highest = 0;
    for (const TargetNuclide& isotope : x.target.nuclides) {
        highest = std::max(highest, max_recoil(energy, isotope.nuclide.mass));
    }
    return highest;
}

bool is_beyond(double energy, double end) { return energy > end * (1 + 1e-9); }

std::string note_on_efficiency(const InputLocation& where, const Table& efficiency, const std::string& what,
                               double highest) {
    return input_message(where,
                         fmt::format("the efficiency ends with {:.4g} at {:.6g} keV, {} reach {:.6g} keV",
                                     efficiency.y.back(), efficiency.x.back() / keV, what, highest / keV),
                         "smearing would bring some from beyond into the bins, and they are lost",
                         "extend it by 5 standard deviations, or give it extrapolate = true?");
}

} // namespace

std::vector<std::string> notes_on_table_ends(const TomlTable& file, const Experiment& x) {
    std::vector<std::string> notes;
    const TomlTable response = file.table("response");
    const std::vector<TomlTable> tables = file.tables("channel");
    double highest = 0; // visible energy
    for (std::size_t c = 0; c < x.channels.size(); ++c) {
        const Channel& channel = x.channels[c];
        const Table& efficiency = channel.efficiency;
        const double recoil = highest_recoil(x, channel);
        highest = std::max(highest, highest_visible(x, channel, recoil));
        if (!efficiency.empty() && efficiency.y.back() > 0 && is_beyond(recoil, efficiency.x.back()) &&
            reaches_bins(x, highest_visible(x, channel, efficiency.x.back()))) {
            const bool own = c < tables.size() && tables[c].has("efficiency");
            notes.push_back(
                note_on_efficiency((own ? tables[c] : response).where("efficiency"), efficiency, "recoils", recoil));
        }
    }
    const Table& efficiency = x.response.efficiency;
    const bool of_visible = x.response.efficiency_of == EnergyResponse::EfficiencyOf::visible;
    if (of_visible && efficiency.y.back() > 0 && is_beyond(highest, efficiency.x.back()) &&
        reaches_bins(x, efficiency.x.back())) {
        notes.push_back(note_on_efficiency(response.where("efficiency"), efficiency, "visible energies", highest));
    }
    if (x.response.smearing == Smearing::matrix && is_beyond(highest, x.response.matrix_x.back()) &&
        reaches_bins(x, x.response.matrix_x.back())) {
        const double end = x.response.matrix_x.back();
        notes.push_back(input_message(
            response.where("matrix"),
            fmt::format("the matrix ends at {:.6g} keV, where {:.2g} is reconstructed in the bins", end / keV,
                        reconstructed(x, end)),
            fmt::format("visible energies reach {:.6g} keV, and those beyond the last row are lost", highest / keV),
            "add rows until nothing is?"));
    }
    return notes;
}

} // namespace nuscan
