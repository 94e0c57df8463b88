// SPDX-License-Identifier: Apache-2.0
#include "response/photon_ranges.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <boost/math/tools/roots.hpp>

#include "response/recoil_nodes.hpp"

namespace nuscan {

namespace {

//! No neutrino has more energy [MeV]
constexpr double highest_energy = 1e9;

//! Equivalent photons less stepping, of the factor of |charge|²
double excess(const BoundElectrons& atom, double T, double E) {
    return equivalent_photon_kernel(E, T, atom.photon_area) - atom.electrons * electron_kernels(E, T, 1).C1;
}

/// Energies between which the excess is monotonic: with u = 1/E it is −A ln u − n(2 − 2Tu + (T² − m_e T)u²) + const, of
/// slope zero where 2n(T² − m_e T)u² − 2nTu + A = 0.
std::vector<double> monotonic_limits(const BoundElectrons& atom, double T) {
    const double lowest = min_neutrino_energy(T, constants::electron_mass);
    std::vector<double> limits{lowest, highest_energy};
    const double A = equivalent_photon_kernel(std::exp(1.) * 1e-6, T, atom.photon_area);
    const double n = atom.electrons * constants::weak_cross_section;
    const double curvature = 2 * n * T * (T - constants::electron_mass);
    const double discriminant = n * n * T * T - curvature * A;
    if (discriminant > 0) {
        const double s = n * T + std::sqrt(discriminant);
        for (const double E : {s / A, curvature / s}) { // 1/u
            if (E > lowest && E < highest_energy) {
                limits.push_back(E);
            }
        }
    }
    std::sort(limits.begin(), limits.end());
    return limits;
}

} // namespace

void set_photon_ranges(BoundElectrons& atom, double T) {
    std::fill(std::begin(atom.photons), std::end(atom.photons), EnergyRange{});
    if (!(atom.photon_area > 0)) {
        return;
    }
    if (atom.electrons == 0) {
        atom.photons[0].from = 0;
        return;
    }
    const auto more = [&](double ln_E) { return excess(atom, T, std::exp(ln_E)); };
    const std::vector<double> limits = monotonic_limits(atom, T);
    // From and to, in turns
    std::vector<double> ends;
    if (excess(atom, T, limits.front()) > 0) {
        ends.push_back(0);
    }
    for (std::size_t i = 0; i + 1 < limits.size(); ++i) {
        const double a = std::log(limits[i]), b = std::log(limits[i + 1]), at_a = more(a), at_b = more(b);
        if ((at_a > 0) == (at_b > 0)) {
            continue;
        }
        double E = limits[i];
        if (at_a != 0 && at_b != 0) {
            std::uintmax_t steps = 100;
            const auto bracket = boost::math::tools::toms748_solve(
                more, a, b, at_a, at_b, boost::math::tools::eps_tolerance<double>(52), steps);
            E = std::exp((bracket.first + bracket.second) / 2);
        } else if (at_b == 0) {
            E = limits[i + 1];
        }
        ends.push_back(E);
    }
    for (std::size_t i = 0; i < ends.size(); ++i) {
        EnergyRange& range = atom.photons[i / 2];
        (i % 2 == 0 ? range.from : range.to) = ends[i];
    }
}

namespace {

/// Neutrino energies at which equivalent photons and stepping give the same, followed over recoil energies.
class Crossings {
public:
    Crossings(const TargetMaterial& target, const Channel& channel, const std::vector<Source>& sources)
        : target_(target), channel_(channel) {
        for (const Source& source : sources) {
            for (const SpectralLine& line : source.lines) {
                energies_.push_back(line.energy);
            }
            energies_.insert(energies_.end(), source.spectrum.x.begin(), source.spectrum.x.end());
        }
        std::sort(energies_.begin(), energies_.end());
        energies_.erase(std::unique(energies_.begin(), energies_.end()), energies_.end());
    }

    //! Adds kinks between two recoil energies that no step is between
    void search(double a, double b, std::vector<double>& kinks, std::vector<double>& branches) const {
        search(a, at(a), b, at(b), kinks, branches, 4);
    }

private:
    bool more_photons(double T, double E) const { return excess(electrons_at_recoil(target_, channel_, T), T, E) > 0; }

    //! Those that some neutrino has
    std::vector<double> at(double T) const {
        std::vector<double> crossings;
        for (const EnergyRange& range : bound_electrons(target_, channel_, T).photons) {
            for (const double E : {range.from, range.to}) {
                if (E > 0 && E < energies_.back()) {
                    crossings.push_back(E);
                }
            }
        }
        return crossings;
    }

    //! The recoil energy between two at which \p is_first changes
    template <class Predicate>
    static std::pair<double, double> bisect(double a, double b, const Predicate& is_first) {
        for (double middle = a + (b - a) / 2; a < middle && middle < b; middle = a + (b - a) / 2) {
            (is_first(middle) ? a : b) = middle;
        }
        return {a, b};
    }

    void search(double a, const std::vector<double>& at_a, double b, const std::vector<double>& at_b,
                std::vector<double>& kinks, std::vector<double>& branches, int depth) const {
        if (at_a.size() != at_b.size()) { // one sets in or is left behind, or two do
            const auto [before, after] = bisect(a, b, [&](double T) { return at(T).size() == at_a.size(); });
            kinks.push_back(after);
            branches.push_back(after);
            search(a, at_a, before, at(before), kinks, branches, depth);
            if (depth > 0) {
                search(after, at(after), b, at_b, kinks, branches, depth - 1);
            }
            return;
        }
        for (std::size_t i = 0; i < at_a.size(); ++i) {
            const auto [low, high] = std::minmax({at_a[i], at_b[i]});
            for (auto E = std::upper_bound(energies_.begin(), energies_.end(), low); E < energies_.end() && *E < high;
                 ++E) {
                const bool before = more_photons(a, *E);
                if (more_photons(b, *E) != before) {
                    kinks.push_back(bisect(a, b, [&](double T) { return more_photons(T, *E) == before; }).second);
                }
            }
        }
    }

    const TargetMaterial& target_;
    const Channel& channel_;
    std::vector<double> energies_; //!< lines and knots of spectra, increasing
};

} // namespace

std::vector<double> photon_kinks(const TargetMaterial& target, const Channel& channel,
                                 const std::vector<Source>& sources, const std::vector<double>& steps,
                                 std::vector<double>& branches) {
    const Crossings crossings(target, channel, sources);
    std::vector<double> kinks;
    for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
        // Inside the steps, and not so far apart that a crossing comes and goes in between
        const double width = steps[i + 1] - steps[i], a = steps[i] + 1e-9 * width, b = steps[i + 1] - 1e-9 * width;
        const int n = std::max(1, static_cast<int>(std::ceil(std::log(b / a) / 0.1)));
        const auto between = [&](int k) { return k == n ? b : a * std::pow(b / a, static_cast<double>(k) / n); };
        for (int k = 0; k < n; ++k) {
            crossings.search(between(k), between(k + 1), kinks, branches);
        }
    }
    return kinks;
}

} // namespace nuscan
