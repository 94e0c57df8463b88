// SPDX-License-Identifier: Apache-2.0
#include "backends/reference_spectrum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <Eigen/Core>
#include <boost/math/quadrature/tanh_sinh.hpp>

#include "backends/reference_detail.hpp"

namespace nuscan {

using namespace reference;

namespace {

using Eigen::ArrayXd;
using Body = ReferenceSpectrum::Body;

constexpr double pi = constants::pi;
constexpr double m_e = constants::electron_mass; // MeV

//! Where a Gaussian is cut, in standard deviations: e^{−9²/2} = 2.6e-18
constexpr double gaussian_reach = 9;

void sort_unique(std::vector<double>& x) {
    std::sort(x.begin(), x.end());
    x.erase(std::unique(x.begin(), x.end()), x.end());
}

// ---------------------------------------------------------------------------------------------------------------------
// Response

bool of_visible_energy(const EnergyResponse& response) {
    return response.efficiency_of == EnergyResponse::EfficiencyOf::visible;
}

//! \p x is the visible energy, or in the variable of the bins: energy, or photoelectrons
double efficiency(const EnergyResponse& response, double x) {
    return response.efficiency.empty() ? 1 : interpolate(response.efficiency, x);
}

double resolution(const EnergyResponse& response, double E) {
    const double a = response.sqrt_term, b = response.constant_term, c = response.linear_term;
    return response.in_quadrature ? std::sqrt(a * a * E + b * b + c * c * E * E) : a * std::sqrt(E) + b + c * E;
}

//! Visible energy in the variable of the bins
double in_bin_variable(const EnergyResponse& response, double E) {
    return response.light_yield > 0 ? response.light_yield * E : E;
}

//! Probability that a visible energy E is reconstructed between low and high, × the efficiency there
double gaussian_acceptance(const EnergyResponse& response, double E, double low, double high) {
    const double scale = in_bin_variable(response, 1);
    const double centre = scale * E, sigma = scale * resolution(response, E);
    const auto efficiency_at = [&](double x) { return of_visible_energy(response) ? 1 : efficiency(response, x); };
    if (sigma == 0) {
        return centre >= low && centre < high ? efficiency_at(centre) : 0;
    }
    // In z = (x − E)/σ, which keeps its digits where σ is small
    const auto in_sigmas = [&](double x) { return (x - centre) / sigma; };
    const double z_low = std::max(in_sigmas(low), -gaussian_reach);
    const double z_high = std::min(in_sigmas(high), gaussian_reach);
    if (!(z_low < z_high)) {
        return 0;
    }
    std::vector<double> kinks{-6.5, -4.5, -2.5, -1.0, 1.0, 2.5, 4.5, 6.5};
    if (!of_visible_energy(response)) {
        const std::vector<double>& knots = response.efficiency.x;
        std::transform(std::lower_bound(knots.begin(), knots.end(), centre + z_low * sigma),
                       std::upper_bound(knots.begin(), knots.end(), centre + z_high * sigma), std::back_inserter(kinks),
                       in_sigmas);
        sort_unique(kinks);
    }
    const auto integrand = [&](double z) {
        return efficiency_at(centre + z * sigma) * std::exp(-z * z / 2) / std::sqrt(2 * pi);
    };
    return integral(integrand, z_low, z_high, kinks);
}

//! Σ over integers low ≤ n < high of μ^n e^{−μ}/n! × the efficiency at n
double poisson_acceptance(const EnergyResponse& response, double E, double low, double high) {
    const double mean = response.light_yield * E;
    double sum = 0;
    for (double n = std::max(std::ceil(low), 0.0); n < high; ++n) {
        const double probability = std::exp(n * std::log(mean) - mean - std::lgamma(n + 1));
        sum += probability * (of_visible_energy(response) ? 1 : efficiency(response, n));
        if (n > mean && probability < 1e-30) {
            break;
        }
    }
    return sum;
}

//! ∫ of x^{k−1} e^{−x/θ}/(Γ(k) θ^k) × the efficiency at x, with k = 1 + gamma_shape × E, kθ = light_yield × E
double gamma_acceptance(const EnergyResponse& response, double E, double low, double high) {
    low = std::max(low, 0.0);
    const double k = 1 + response.gamma_shape * E, theta = response.light_yield * E / k;
    const double mean = k * theta, sigma = std::sqrt(k) * theta;
    // Far out the density falls like e^{−x/θ}.
    const double reach = mean + gaussian_reach * sigma + 60 * theta;
    high = std::min(high, reach);
    if (!(low < high)) {
        return 0;
    }
    const double log_gamma = std::lgamma(k);
    const auto integrand = [&](double x) {
        const double density = std::exp((k - 1) * std::log(x / theta) - x / theta - log_gamma) / theta;
        return density * (of_visible_energy(response) ? 1 : efficiency(response, x));
    };
    std::vector<double> kinks;
    for (const double z : {-6.5, -4.5, -2.5, -1.0, 0.0, 1.0, 2.5, 4.5, 6.5, 9.0}) {
        kinks.push_back(mean + z * sigma);
    }
    for (double x = mean; x < reach; x += 10 * theta) {
        kinks.push_back(x);
    }
    if (!of_visible_energy(response)) {
        const std::vector<double>& knots = response.efficiency.x;
        kinks.insert(kinks.end(), std::lower_bound(knots.begin(), knots.end(), low),
                     std::upper_bound(knots.begin(), knots.end(), high));
    }
    sort_unique(kinks);
    if (low > 0) {
        return integral(integrand, low, high, kinks);
    }
    // x^{k−1} has no derivatives at 0.
    const auto first = std::upper_bound(kinks.begin(), kinks.end(), 0.0);
    const double end = first == kinks.end() ? high : std::min(*first, high);
    boost::math::quadrature::tanh_sinh<double> from_zero;
    return from_zero.integrate([&](double x) { return x > 0 ? integrand(x) : 0; }, 0.0, end, 1e-13) +
           integral(integrand, end, high, kinks);
}

//! Tabulated probability of energy bin b, linear between visible energies
double matrix_probability(const EnergyResponse& response, double E, int b, int n_energy_bins) {
    const std::vector<double>& x = response.matrix_x;
    if (x.size() < 2) {
        return 0;
    }
    const auto above = std::upper_bound(x.begin() + 1, x.end() - 1, E) - x.begin();
    Table rows; // the two about E
    for (const auto i : {static_cast<std::size_t>(above - 1), static_cast<std::size_t>(above)}) {
        rows.x.push_back(x[i]);
        rows.y.push_back(response.matrix[i * static_cast<std::size_t>(n_energy_bins) + static_cast<std::size_t>(b)]);
    }
    return interpolate(rows, E);
}

// ---------------------------------------------------------------------------------------------------------------------
// Recoil energies

//! Recoils are counted from here on [MeV]: where electrons can be freed, or photons be absorbed
double lowest_recoil(const Experiment& experiment, const Body& body) {
    if (body.nuclide != nullptr || body.channel->atomic == AtomicModel::free_electrons) {
        return min_recoil;
    }
    double low = std::numeric_limits<double>::infinity();
    for (const Shell& shell : experiment.target.shells) {
        low = std::min(low, shell.binding_energy);
    }
    if (body.channel->atomic == AtomicModel::equivalent_photon && !body.channel->photoabsorption.empty()) {
        low = std::min(low, body.channel->photoabsorption.x.front());
    }
    return std::max(low, min_recoil);
}

//! Whether the larger of stepping and equivalent photons is taken
bool has_photons(const Body& body) {
    return body.nuclide == nullptr && body.channel->atomic == AtomicModel::equivalent_photon;
}

/// Where the value of \p f changes, between neighbours of a grid: the upper ends of intervals that cannot be halved.
template <class F>
std::vector<double> changes(const std::vector<double>& grid, const F& f) {
    constexpr int most = 8; // between two neighbours: three or four, and rounding where f is next to changing
    std::vector<double> found;
    for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
        double low = grid[i];
        auto first = f(low);
        const auto last = f(grid[i + 1]);
        for (int n = 0; n < most && first != last; ++n) {
            double below = low, above = grid[i + 1];
            for (double middle = (below + above) / 2; below < middle && middle < above; middle = (below + above) / 2) {
                (f(middle) == first ? below : above) = middle;
            }
            found.push_back(above);
            low = above;
            first = f(low);
        }
    }
    return found;
}

//! Neutrino energies at which equivalent photons take over from stepping, or the other way round
std::vector<double> photon_kinks(const Experiment& experiment, const Body& body, const Source& source, double T) {
    if (source.spectrum.empty()) {
        return {};
    }
    const double low = std::max(smallest_energy(T, m_e), source.spectrum.x.front()), high = source.spectrum.x.back();
    if (!(low < high)) {
        return {};
    }
    std::vector<double> grid;
    constexpr int n_steps = 300;
    for (int i = 0; i <= n_steps; ++i) {
        grid.push_back(i == n_steps ? high : low * std::pow(high / low, static_cast<double>(i) / n_steps));
    }
    const CrossSection excess = photon_excess(experiment.target, *body.channel, T);
    return changes(grid, [&](double E) { return excess(E) > 0; });
}

//! ∫ dE flux(E) dσ/dT(E, T) of a source [MeV^-1 s^-1] per body, whose dσ/dT has \p kinks in E
double rate(const Source& source, const SpectrumIntegral& over_spectrum, const CrossSection& dsigma_dT, double M,
            double T, const std::vector<double>& kinks) {
    double sum = 0;
    for (const SpectralLine& line : source.lines) {
        if (T <= largest_recoil(line.energy, M)) {
            sum += source.flux * line.fraction * dsigma_dT(line.energy);
        }
    }
    if (!source.spectrum.empty()) {
        const double low = std::max(smallest_energy(T, M), source.spectrum.x.front());
        const double high = source.spectrum.x.back();
        if (low < high) {
            sum += source.flux * over_spectrum(dsigma_dT, low, high, kinks, 1e-10);
        }
    }
    return sum;
}

/// Recoil energies from which a steep R_b(T) rises: where the visible energy is at the edge of a bin, or some standard
/// deviations beside it.
std::vector<double> visible_landmarks(const Experiment& experiment) {
    const EnergyResponse& response = experiment.response;
    const double scale = in_bin_variable(response, 1);
    std::vector<double> landmarks = response.matrix_x;
    const auto width = [&](double x) { // of the distribution of the bins' variable about x
        switch (response.smearing) {
        case EnergyResponse::Smearing::gaussian:
            return scale * resolution(response, std::max(x / scale, 0.0));
        case EnergyResponse::Smearing::poisson:
            return std::sqrt(std::max(x, 1.0));
        case EnergyResponse::Smearing::gamma:
            return x / std::sqrt(1 + response.gamma_shape * std::max(x / scale, 0.0));
        case EnergyResponse::Smearing::matrix:
            break;
        }
        return 0.0;
    };
    if (response.smearing != EnergyResponse::Smearing::matrix) {
        for (const double edge : experiment.bin_edges) {
            const double sigma = width(edge);
            for (const double x : {edge - gaussian_reach * sigma, edge, edge + gaussian_reach * sigma}) {
                landmarks.push_back(x / scale);
            }
        }
    }
    // A kink of the efficiency is smoothed away unless it applies to the visible energy itself or the resolution is
    // finer than its table.
    const std::vector<double>& knots = response.efficiency.x;
    for (std::size_t i = 0; i < knots.size(); ++i) {
        const double spacing = i + 1 < knots.size() ? knots[i + 1] - knots[i] : std::numeric_limits<double>::infinity();
        if (of_visible_energy(response)) {
            landmarks.push_back(knots[i]);
        } else if (width(knots[i]) < spacing / 4) {
            landmarks.push_back(knots[i] / scale);
        }
    }
    return landmarks;
}

/// Knots of a spectrum at which it bends strongly: its ends, a step, the sides of a peak. A rule across one may be far
/// out without a sign of it. At the other knots it bends no more than a smooth function does that is tabulated finely.
std::vector<double> strong_bends(const Table& spectrum) {
    const std::vector<double>&x = spectrum.x, &y = spectrum.y;
    if (spectrum.empty()) {
        return {};
    }
    double sum = 0;
    for (std::size_t i = 1; i < x.size(); ++i) {
        sum += (y[i - 1] + y[i]) / 2 * (x[i] - x[i - 1]);
    }
    const double negligible = 1e-4 * sum / (x.back() - x.front());
    std::vector<double> strong{x.front(), x.back()};
    for (std::size_t i = 1; i + 1 < x.size(); ++i) {
        const double left = x[i] - x[i - 1], right = x[i + 1] - x[i];
        const double bend = (y[i + 1] - y[i]) / right - (y[i] - y[i - 1]) / left;
        if (!(std::abs(bend) * std::max(left, right) < negligible)) { // at a step it is infinite
            strong.push_back(x[i]);
        }
    }
    return strong;
}

/// Recoil energies at which the integrand of a source's counts is not smooth, both ascending.
struct RecoilLimits {
    std::vector<double> ends;  //!< jumps and kinks, from the lowest recoil to the highest; empty where there is none
    std::vector<double> knots; //!< where the least neutrino energy is at a knot of the spectrum: a weak kink
};

RecoilLimits recoil_limits(const Experiment& experiment, const Body& body, const Source& source) {
    const Channel& channel = *body.channel;
    std::vector<double> limits, knots;
    for (const SpectralLine& line : source.lines) {
        limits.push_back(largest_recoil(line.energy, body.mass()));
    }
    for (const double E : source.spectrum.x) {
        knots.push_back(largest_recoil(E, body.mass()));
    }
    double high = 0;
    for (const std::vector<double>& all : {limits, knots}) {
        high = all.empty() ? high : std::max(high, *std::max_element(all.begin(), all.end()));
    }
    const double low = lowest_recoil(experiment, body);
    if (!(low < high)) {
        return {};
    }
    limits.insert(limits.end(), {low, high});
    for (const double E : strong_bends(source.spectrum)) {
        limits.push_back(largest_recoil(E, body.mass()));
    }
    const auto add_knots = [&](const Table& table) { limits.insert(limits.end(), table.x.begin(), table.x.end()); };
    add_knots(channel.efficiency);
    add_knots(channel.quenching.factor);
    if (body.nuclide == nullptr) {
        for (const Shell& shell : experiment.target.shells) {
            limits.push_back(shell.binding_energy);
        }
        add_knots(channel.photoabsorption);
        add_knots(channel.weak_correction);
        const Table& weak = channel.weak_correction; // the interference has its root where it is above 1
        for (std::size_t i = 0; i + 1 < weak.x.size(); ++i) {
            if ((weak.y[i] < 1) != (weak.y[i + 1] < 1)) {
                limits.push_back(weak.x[i] +
                                 (1 - weak.y[i]) * (weak.x[i + 1] - weak.x[i]) / (weak.y[i + 1] - weak.y[i]));
            }
        }
        add_knots(channel.magnetic_correction);
    }
    const auto leave_inside = [&](std::vector<double>& energies) {
        std::erase_if(energies, [&](double T) { return !(T >= low && T <= high); });
        sort_unique(energies);
    };
    leave_inside(limits);
    leave_inside(knots);

    // Recoil energies of the landmarks in visible energy: where E(T) crosses them, searched for on a fine grid.
    const auto visible = [&](double T) { return reference_visible_energy(channel.quenching, body.nuclide, T); };
    std::vector<double> grid = limits;
    grid.insert(grid.end(), knots.begin(), knots.end());
    constexpr int n_steps = 600;
    for (int i = 1; i < n_steps; ++i) {
        grid.push_back(low * std::pow(high / low, static_cast<double>(i) / n_steps));
    }
    sort_unique(grid);
    std::vector<double> E;
    std::transform(grid.begin(), grid.end(), std::back_inserter(E), visible);
    std::vector<double> landmarks = visible_landmarks(experiment);
    sort_unique(landmarks);
    for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
        const auto [lower, higher] = std::minmax(E[i], E[i + 1]);
        const bool rising = E[i] < E[i + 1];
        for (auto at = std::upper_bound(landmarks.begin(), landmarks.end(), lower);
             at != landmarks.end() && *at <= higher; ++at) {
            double below = grid[i], above = grid[i + 1];
            for (double middle = (below + above) / 2; below < middle && middle < above; middle = (below + above) / 2) {
                ((visible(middle) < *at) == rising ? below : above) = middle;
            }
            limits.push_back(above);
        }
    }

    // Equivalent photons take over from stepping at the energy of a line; for a spectrum, at one more or one less of
    // its energies, or two: those come up at once, and what stepping gives beyond then rises as a root.
    if (has_photons(body)) {
        const auto add_changes = [&](const auto& f) {
            const std::vector<double> found = changes(grid, f);
            limits.insert(limits.end(), found.begin(), found.end());
        };
        for (const SpectralLine& line : source.lines) {
            add_changes([&](double T) { return photon_excess(experiment.target, channel, T)(line.energy) > 0; });
        }
        add_changes([&](double T) { return photon_kinks(experiment, body, source, T).size(); });
    }
    leave_inside(limits);
    return {limits, knots};
}

//! ∫_a^b p(t) ε(t) dt of the arrival time
double time_share(const Experiment& experiment, const Source& source, const BinVariable& time, std::size_t bin) {
    const double a = time.edges[bin], b = time.edges[bin + 1];
    const double window = time.edges.back() - time.edges.front();
    const Table& efficiency_of_time = experiment.response.time_efficiency;
    const auto integrand = [&](double t) {
        const double density = source.arrival.empty() ? 1 / window : interpolate(source.arrival, t);
        return density * (efficiency_of_time.empty() ? 1 : interpolate(efficiency_of_time, t));
    };
    std::vector<double> kinks;
    for (const Table* table : {&source.arrival, &efficiency_of_time}) {
        const std::vector<double>& knots = table->x;
        kinks.insert(kinks.end(), std::upper_bound(knots.begin(), knots.end(), a),
                     std::lower_bound(knots.begin(), knots.end(), b));
    }
    sort_unique(kinks);
    return integral(integrand, a, b, kinks);
}

} // namespace

double reference_visible_energy(const Quenching& quenching, const Nuclide* nuclide, double T) {
    switch (quenching.model) {
    case Quenching::Model::none:
        break;
    case Quenching::Model::lindhard: {
        const double Z = nuclide->Z, A = nuclide->A;
        const double k = quenching.lindhard_k > 0 ? quenching.lindhard_k : 0.133 * std::cbrt(Z * Z) / std::sqrt(A);
        const double epsilon = 11.5 * std::pow(Z, -7.0 / 3) * (T / 1e-3);
        const double g = 3 * std::pow(epsilon, 0.15) + 0.7 * std::pow(epsilon, 0.6) + epsilon;
        return T * k * g / (1 + k * g);
    }
    case Quenching::Model::polynomial: {
        double E = 0;
        for (std::size_t n = 1; n <= quenching.coefficients.size(); ++n) {
            E += quenching.coefficients[n - 1] * std::pow(T, static_cast<double>(n));
        }
        return std::max(E, 0.0);
    }
    case Quenching::Model::table:
        return T * interpolate(quenching.factor, T);
    }
    return T;
}

double reference_acceptance(const Experiment& experiment, const Channel& channel, const Nuclide* nuclide, double T,
                            int b) {
    const EnergyResponse& response = experiment.response;
    const double E = reference_visible_energy(channel.quenching, nuclide, T);
    const double low = experiment.bin_edges[static_cast<std::size_t>(b)];
    const double high = experiment.bin_edges[static_cast<std::size_t>(b) + 1];
    double accepted = channel.efficiency.empty() ? 1 : interpolate(channel.efficiency, T);
    if (of_visible_energy(response)) {
        accepted *= efficiency(response, E);
    }
    if (accepted == 0 || E == 0) { // what gives no visible energy is not seen
        return 0;
    }
    switch (response.smearing) {
    case EnergyResponse::Smearing::gaussian:
        return accepted * gaussian_acceptance(response, E, low, high);
    case EnergyResponse::Smearing::poisson:
        return accepted * poisson_acceptance(response, E, low, high);
    case EnergyResponse::Smearing::gamma:
        return accepted * gamma_acceptance(response, E, low, high);
    case EnergyResponse::Smearing::matrix:
        break;
    }
    return accepted * matrix_probability(response, E, b, experiment.n_energy_bins());
}

std::vector<double> reference_shares(const Experiment& experiment, const Channel& channel, const Source& source) {
    std::vector<std::vector<double>> of_time(experiment.further.size());
    for (std::size_t v = 0; v < experiment.further.size(); ++v) {
        const BinVariable& variable = experiment.further[v];
        for (std::size_t bin = 0; variable.name == "time" && bin + 1 < variable.edges.size(); ++bin) {
            of_time[v].push_back(time_share(experiment, source, variable, bin));
        }
    }
    std::vector<double> shares;
    const std::size_t n_inner = static_cast<std::size_t>(experiment.n_inner_bins());
    for (std::size_t b = 0; b < static_cast<std::size_t>(experiment.n_bins()); ++b) {
        const std::size_t energy_bin = b / n_inner;
        double share = 1;
        // Bins are counted with the first of the further variables outermost.
        std::size_t rest = b % n_inner, stride = n_inner;
        for (std::size_t v = 0; v < experiment.further.size(); ++v) {
            const BinVariable& variable = experiment.further[v];
            const std::size_t n = variable.edges.size() - 1;
            stride /= n;
            const std::size_t bin = rest / stride;
            rest %= stride;
            const bool given = v < channel.shares.size() && !channel.shares[v].empty();
            if (variable.name == "time") {
                share *= of_time[v][bin];
            } else if (given) {
                share *= channel.shares[v][energy_bin * n + bin];
            } else {
                share *=
                    (variable.edges[bin + 1] - variable.edges[bin]) / (variable.edges.back() - variable.edges.front());
            }
        }
        shares.push_back(share);
    }
    return shares;
}

Experiment reference_experiment(const Experiment& experiment, const ReferencePoint& point) {
    Experiment x = experiment;
    const auto baseline = point.baselines.find(x.name);
    if (baseline != point.baselines.end()) {
        for (Source& source : x.sources) {
            if (source.baseline > 0) {
                if (source.flux_follows_baseline) {
                    source.flux *= std::pow(source.baseline / baseline->second, 2);
                }
                source.baseline = baseline->second;
            }
        }
    }
    for (TargetNuclide& t : x.target.nuclides) {
        const auto proton = point.proton_radii.find(t.nuclide.name);
        if (proton != point.proton_radii.end()) {
            t.nuclide.proton_radius = proton->second;
        }
        const auto neutron = point.neutron_radii.find(t.nuclide.name);
        if (neutron != point.neutron_radii.end()) {
            t.nuclide.neutron_radius = neutron->second;
        }
    }
    return x;
}

double ReferenceSpectrum::Body::mass() const { return nuclide == nullptr ? m_e : nuclide->mass; }

ReferenceSpectrum::ReferenceSpectrum(const Experiment& experiment) : experiment_(experiment) {
    for (const Channel& channel : experiment.channels) {
        if (channel.target == Target::electron) {
            bodies_.push_back({&channel, nullptr, 0, 1});
            continue;
        }
        for (std::size_t i = 0; i < experiment.target.nuclides.size(); ++i) {
            const TargetNuclide& x = experiment.target.nuclides[i];
            bodies_.push_back({&channel, &x.nuclide, i, x.number});
        }
    }
    acceptances_.resize(bodies_.size());
    photon_.resize(experiment.sources.size() * bodies_.size());
    for (const Source& source : experiment.sources) {
        spectra_.emplace_back(source.spectrum);
        for (const Body& body : bodies_) {
            RecoilLimits limits = recoil_limits(experiment, body, source);
            for (std::vector<double>* energies : {&limits.ends, &limits.knots}) {
                std::transform(energies->begin(), energies->end(), energies->begin(),
                               [](double T) { return std::log(T); });
                sort_unique(*energies);
            }
            std::vector<Part> parts = parts_between(limits.ends, limits.knots);
            recoils_.push_back({std::move(limits.ends), std::move(limits.knots), std::move(parts),
                                reference_shares(experiment, *body.channel, source)});
        }
    }
}

std::vector<ReferenceSpectrum::Part> ReferenceSpectrum::parts_between(const std::vector<double>& ends,
                                                                      const std::vector<double>& knots) {
    constexpr std::ptrdiff_t most = 32;
    std::vector<Part> parts;
    for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
        double low = ends[i];
        auto first = std::upper_bound(knots.begin(), knots.end(), low);
        const auto last = std::lower_bound(knots.begin(), knots.end(), ends[i + 1]);
        for (; last - first > most; first += most) {
            const double next = *(first + most - 1);
            parts.push_back({{low, next, {first, first + most - 1}}});
            low = next;
        }
        parts.push_back({{low, ends[i + 1], {first, std::max(first, last)}}});
    }
    return parts;
}

template <class Make>
ArrayXd ReferenceSpectrum::kept(ByRecoil& known, double T, const Make& make) const {
    {
        const std::lock_guard lock(mutex_);
        const auto found = known.find(T);
        if (found != known.end()) {
            return found->second;
        }
    }
    const ArrayXd made = make();
    const std::lock_guard lock(mutex_);
    if (n_kept_ < most_kept) {
        n_kept_ += made.size() + 1;
        known.emplace(T, made);
    }
    return made;
}

ArrayXd ReferenceSpectrum::acceptance(std::size_t body, double T) const {
    return kept(acceptances_[body], T, [&] {
        ArrayXd accepted(experiment_.n_energy_bins());
        for (int b = 0; b < experiment_.n_energy_bins(); ++b) {
            accepted[b] = reference_acceptance(experiment_, *bodies_[body].channel, bodies_[body].nuclide, T, b);
        }
        return accepted;
    });
}

ArrayXd ReferenceSpectrum::counts(const Experiment& at_point, const ReferencePoint& point, std::size_t source_number,
                                  std::size_t body_number, double tolerance) const {
    const Body& body = bodies_[body_number];
    const Source& source = at_point.sources[source_number];
    const CouplingScheme scheme = point.scheme(experiment_);
    const Recoil& recoil = recoils_[source_number * bodies_.size() + body_number];
    const std::vector<double> of_sun = solar_landmarks(point.mixing, source.beam());
    std::vector<Part> parts = recoil.parts;
    if (!of_sun.empty() && !recoil.ends.empty()) {
        std::vector<double> ends = recoil.ends;
        for (const double E : of_sun) {
            const double x = std::log(largest_recoil(E, body.mass()));
            if (x > recoil.ends.front() && x < recoil.ends.back()) {
                ends.push_back(x);
            }
        }
        sort_unique(ends);
        parts = parts_between(ends, recoil.knots);
    }
    // In x = ln T, as the charge term goes with 1/T²: dT = T dx. All energy bins at once.
    const auto integrand = [&](double x) -> ArrayXd {
        const double T = std::exp(x);
        const ArrayXd accepted = acceptance(body_number, T);
        if ((accepted < 1e-30).all()) {
            return ArrayXd::Zero(accepted.size());
        }
        const CrossSection dsigma_dT =
            body.nuclide == nullptr
                ? electron_cross_section_at(point, scheme, source.beam(), experiment_.target, *body.channel, T)
                : nuclear_cross_section_at(point, scheme, source.beam(),
                                           at_point.target.nuclides[body.nuclide_number].nuclide, *body.channel, T);
        std::vector<double> kinks;
        if (has_photons(body)) {
            const ArrayXd of_photons = kept(photon_[source_number * bodies_.size() + body_number], T, [&]() -> ArrayXd {
                const std::vector<double> found = photon_kinks(experiment_, body, source, T);
                return Eigen::Map<const ArrayXd>(found.data(), static_cast<Eigen::Index>(found.size()));
            });
            kinks.assign(of_photons.begin(), of_photons.end());
        }
        kinks.insert(kinks.end(), of_sun.begin(), of_sun.end());
        std::sort(kinks.begin(), kinks.end());
        return accepted * (T * rate(source, spectra_[source_number], dsigma_dT, body.mass(), T, kinks));
    };
    return at_point.target.units * body.number * at_point.live_time *
           integrals<ArrayXd>(integrand, parts, experiment_.n_energy_bins(), tolerance);
}

std::vector<double> ReferenceSpectrum::operator()(const ReferencePoint& point, double tolerance) const {
    const Experiment at_point = reference_experiment(experiment_, point);
    std::vector<double> signal(static_cast<std::size_t>(experiment_.n_bins()), 0.0);
    for (std::size_t s = 0; s < at_point.sources.size(); ++s) {
        for (std::size_t i = 0; i < bodies_.size(); ++i) {
            const ArrayXd in_energy_bins = counts(at_point, point, s, i, tolerance);
            const std::vector<double>& shares = recoils_[s * bodies_.size() + i].shares;
            for (std::size_t b = 0; b < signal.size(); ++b) {
                signal[b] += shares[b] * in_energy_bins[static_cast<Eigen::Index>(b) / experiment_.n_inner_bins()];
            }
        }
    }
    return signal;
}

} // namespace nuscan
