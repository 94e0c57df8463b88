// SPDX-License-Identifier: Apache-2.0
#include "experiments/table_ends.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "experiments/quenching.hpp"
#include "experiments/response_reader.hpp"
#include "nuscan/kinematics.hpp"
#include "nuscan/nuclear_form_factor.hpp"
#include "response/acceptance.hpp"

namespace nuscan {
namespace {

using Smearing = EnergyResponse::Smearing;

constexpr double keV = 1e-3;
constexpr double negligible = 1e-3; // part of the signal; probability, of which matrices from simulations know no less

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

// ---- what part of the signal lies beyond the end of a table --------------------------------------------------------

/// Flux of the sources above an energy, weighed by the standard model's electron or nuclear scattering at tree level,
/// as neutrinos were produced: good enough to tell what matters.
class StandardRate {
public:
    explicit StandardRate(const std::vector<Source>& sources) {
        for (const Source& source : sources) {
            const double own = source.flavour == Flavour::e ? 0.5 : -0.5, s2 = constants::sin2_theta_w;
            Beam beam{source.antineutrino ? s2 : own + s2, source.antineutrino ? own + s2 : s2, {}};
            const auto add = [&](double E, double flux) { beam.above.push_back({E, {flux, flux / E, flux / E / E}}); };
            const Table& spectrum = source.spectrum;
            for (std::size_t i = 0; i + 1 < spectrum.x.size(); ++i) {
                const double width = spectrum.x[i + 1] - spectrum.x[i];
                add((spectrum.x[i] + spectrum.x[i + 1]) / 2,
                    source.flux * width * (spectrum.y[i] + spectrum.y[i + 1]) / 2);
            }
            for (const SpectralLine& line : source.lines) {
                add(line.energy, source.flux * line.fraction);
            }
            std::sort(beam.above.begin(), beam.above.end(), [](const At& a, const At& b) { return a.E > b.E; });
            for (std::size_t i = 1; i < beam.above.size(); ++i) {
                for (std::size_t n = 0; n < 3; ++n) {
                    beam.above[i].flux[n] += beam.above[i - 1].flux[n];
                }
            }
            beams_.push_back(std::move(beam));
        }
    }

    //! Of one electron, in units of 2 G_F² m_e/π
    double electron(double T) const {
        constexpr double m = constants::electron_mass;
        double sum = 0;
        for (const Beam& beam : beams_) {
            const auto [flux, by_E, by_E2] = beam.flux(min_neutrino_energy(T, m));
            sum += beam.left * beam.left * flux + beam.right * beam.right * (flux - 2 * T * by_E + T * T * by_E2) -
                   beam.left * beam.right * m * T * by_E2;
        }
        return sum;
    }
    //! Of one nucleus, in the same units
    double nucleus(const Nuclide& nuclide, NuclearFormFactor shape, double T) const {
        const double M = nuclide.mass, q = std::sqrt(2 * M * T);
        const double charge = (1 - 4 * constants::sin2_theta_w) * nuclide.Z - (nuclide.A - nuclide.Z);
        const double F = form_factor(shape, q, nuclide.neutron_radius);
        double sum = 0;
        for (const Beam& beam : beams_) {
            const auto [flux, by_E, by_E2] = beam.flux(min_neutrino_energy(T, M));
            sum += flux - M * T / 2 * by_E2;
        }
        return M / (8 * constants::electron_mass) * charge * charge * F * F * sum;
    }

private:
    using Moments = std::array<double, 3>; // of 1, 1/E and 1/E²
    struct At {
        double E;
        Moments flux; // from there on
    };
    struct Beam {
        double left, right;
        std::vector<At> above; // falling energies
        Moments flux(double E) const {
            const auto end = std::partition_point(above.begin(), above.end(), [&](const At& a) { return a.E >= E; });
            return end == above.begin() ? Moments{} : (end - 1)->flux;
        }
    };
    std::vector<Beam> beams_;
};

/// Counts in the bins, up to a factor, of recoils that \p is_lost says are lost, and of all, where \p x is an
/// experiment whose table goes on beyond its end.
struct Shares {
    double lost = 0, all = 0;

    template <class IsLost>
    Shares(const Experiment& x, const IsLost& is_lost) {
        const EnergyAcceptance bins(x);
        const StandardRate rate(x.sources);
        std::vector<double> row(static_cast<std::size_t>(x.n_energy_bins()));
        for (const Channel& channel : x.channels) {
            const auto add = [&](const Nuclide* nuclide, double highest, const auto& rate_at) {
                constexpr int n_steps = 3000; // in ln T
                const double step = std::log(highest / min_recoil) / n_steps;
                for (int i = 0; i < n_steps; ++i) {
                    const double T = min_recoil * std::exp((i + 0.5) * step);
                    acceptance(x, bins, channel, nuclide, T, row.data());
                    const double counts = T * rate_at(T) * std::accumulate(row.begin(), row.end(), 0.);
                    all += counts;
                    lost += is_lost(channel, nuclide, T) ? counts : 0;
                }
            };
            const double energy = highest_neutrino_energy(x.sources);
            if (channel.target == Target::electron) {
                add(nullptr, max_recoil(energy, constants::electron_mass),
                    [&](double T) { return x.target.n_electrons * rate.electron(T); });
                continue;
            }
            for (const TargetNuclide& isotope : x.target.nuclides) {
                add(&isotope.nuclide, max_recoil(energy, isotope.nuclide.mass),
                    [&](double T) { return isotope.number * rate.nucleus(isotope.nuclide, channel.form_factor, T); });
            }
        }
    }

    double part() const { return all > 0 ? lost / all : 0; }
};

void extend(Table& table, double to) {
    table.x.push_back(to);
    table.y.push_back(table.y.back());
}

std::string percent(double part) {
    return (part < 0.1 ? fmt::format("{:.2g}", 100 * part) : fmt::format("{:.0f}", 100 * part)) + " % of the signal";
}

std::string note_on_efficiency(const InputLocation& where, const Table& efficiency, const std::string& what,
                               double highest, double lost) {
    return input_message(where,
                         fmt::format("the efficiency ends with {:.4g} at {:.6g} keV, {} reach {:.6g} keV",
                                     efficiency.y.back(), efficiency.x.back() / keV, what, highest / keV),
                         fmt::format("smearing would bring some from beyond into the bins: {} is lost", percent(lost)),
                         "extend it by 5 standard deviations, or give it extrapolate = true?");
}

} // namespace

double highest_visible_energy(const Experiment& x) {
    double highest = 0;
    for (const Channel& channel : x.channels) {
        highest = std::max(highest, highest_visible(x, channel, highest_recoil(x, channel)));
    }
    return highest;
}

std::vector<std::string> notes_on_table_ends(const TomlTable& file, const Experiment& x) {
    std::vector<std::string> notes;
    const TomlTable response = file.table("response");
    const std::vector<TomlTable> tables = file.tables("channel");
    const double highest = highest_visible_energy(x);
    for (std::size_t c = 0; c < x.channels.size(); ++c) {
        const Channel& channel = x.channels[c];
        const Table& efficiency = channel.efficiency;
        const double recoil = highest_recoil(x, channel);
        if (!efficiency.empty() && efficiency.y.back() > 0 && is_beyond(recoil, efficiency.x.back()) &&
            reaches_bins(x, highest_visible(x, channel, efficiency.x.back()))) {
            Experiment extended = x;
            extend(extended.channels[c].efficiency, recoil);
            const double end = efficiency.x.back();
            const double lost = Shares(extended, [&](const Channel& other, const Nuclide*, double T) {
                                    return &other == &extended.channels[c] && T > end;
                                }).part();
            const bool own = c < tables.size() && tables[c].has("efficiency");
            if (lost > negligible) {
                notes.push_back(note_on_efficiency((own ? tables[c] : response).where("efficiency"), efficiency,
                                                   "recoils", recoil, lost));
            }
        }
    }
    const auto part_above = [](const Experiment& extended, double end) {
        return Shares(extended, [&](const Channel& channel, const Nuclide* nuclide,
                                    double T) { return visible_energy(channel.quenching, nuclide, T) > end; })
            .part();
    };
    const Table& efficiency = x.response.efficiency;
    const bool of_visible = x.response.efficiency_of == EnergyResponse::EfficiencyOf::visible;
    if (of_visible && efficiency.y.back() > 0 && is_beyond(highest, efficiency.x.back()) &&
        reaches_bins(x, efficiency.x.back())) {
        Experiment extended = x;
        extend(extended.response.efficiency, highest);
        const double lost = part_above(extended, efficiency.x.back());
        if (lost > negligible) {
            notes.push_back(
                note_on_efficiency(response.where("efficiency"), efficiency, "visible energies", highest, lost));
        }
    }
    if (x.response.smearing == Smearing::matrix && is_beyond(highest, x.response.matrix_x.back()) &&
        reaches_bins(x, x.response.matrix_x.back())) {
        const double end = x.response.matrix_x.back();
        Experiment extended = x;
        std::vector<double>& rows = extended.response.matrix;
        extended.response.matrix_x.push_back(highest);
        const std::vector<double> last(rows.end() - x.n_energy_bins(), rows.end());
        rows.insert(rows.end(), last.begin(), last.end());
        const double lost = part_above(extended, end);
        if (lost > negligible) {
            notes.push_back(
                input_message(response.where("matrix"),
                              fmt::format("the matrix ends at {:.6g} keV, where {:.2g} is reconstructed in the bins",
                                          end / keV, reconstructed(x, end)),
                              fmt::format("visible energies reach {:.6g} keV: {} is lost if as much is there too",
                                          highest / keV, percent(lost)),
                              "add rows until nothing is?"));
        }
    }
    return notes;
}

} // namespace nuscan
