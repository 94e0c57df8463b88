// SPDX-License-Identifier: Apache-2.0
#include "backends/reference_spectrum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <Eigen/Core>
#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <boost/math/quadrature/tanh_sinh.hpp>

#include "backends/reference_detail.hpp"

namespace nuscan {

using namespace reference;

namespace {

using Eigen::ArrayXd;

constexpr double pi = constants::pi;
constexpr double m_e = constants::electron_mass; // MeV

//! Where a Gaussian is cut, in standard deviations: e^{−9²/2} = 2.6e-18
constexpr double gaussian_reach = 9;

// ---------------------------------------------------------------------------------------------------------------------
// Integrals

//! Value and error of an integral of one function, or of many at once
template <class Array>
struct Estimate {
    Array value, error;
};

//! One Gauss-Kronrod rule of 2n + 1 points on [a, b]; the error is the difference from the n-point Gauss rule inside it
template <unsigned n, class Array, class F>
Estimate<Array> gauss_kronrod(const F& f, double a, double b) {
    using Kronrod = boost::math::quadrature::gauss_kronrod<double, 2 * n + 1>;
    using Gauss = boost::math::quadrature::gauss<double, n>;
    static_assert(n % 2 == 1, "both rules have the middle");
    const double middle = (a + b) / 2, half = (b - a) / 2;
    const Array centre = f(middle);
    Array kronrod = centre * Kronrod::weights()[0];
    Array gauss = centre * Gauss::weights()[0];
    for (std::size_t i = 1; i < Kronrod::abscissa().size(); ++i) {
        const double x = half * Kronrod::abscissa()[i];
        const Array pair = f(middle - x) + f(middle + x);
        kronrod += pair * Kronrod::weights()[i];
        if (i % 2 == 0) {
            gauss += pair * Gauss::weights()[i / 2];
        }
    }
    return {half * kronrod, half * (kronrod - gauss).abs()};
}

//! Halves [a, b] until no error exceeds what is \p allowed, or rounding
template <unsigned n, class Array, class F>
Array refine(const F& f, double a, double b, const Estimate<Array>& whole, const Array& allowed, int depth) {
    if (depth == 0 || (whole.error <= allowed.max(1e-14 * whole.value.abs())).all()) {
        return whole.value;
    }
    const double middle = (a + b) / 2;
    return refine<n>(f, a, middle, gauss_kronrod<n, Array>(f, a, middle), allowed, depth - 1) +
           refine<n>(f, middle, b, gauss_kronrod<n, Array>(f, middle, b), allowed, depth - 1);
}

/// Adaptive integral between consecutive \p limits, which f is smooth between; to \p tolerance relative to the sum.
template <unsigned n, class Array, class F>
Array integrals(const F& f, const std::vector<double>& limits, Eigen::Index n_functions, double tolerance) {
    std::vector<Estimate<Array>> first;
    Array sum = Array::Zero(n_functions);
    for (std::size_t i = 0; i + 1 < limits.size(); ++i) {
        first.push_back(gauss_kronrod<n, Array>(f, limits[i], limits[i + 1]));
        sum += first.back().value;
    }
    // A function that is next to nothing beside the others need not be known to its last digits.
    const Array allowed = tolerance * sum.abs().max(1e-12 * sum.abs().sum());
    Array result = Array::Zero(n_functions);
    for (std::size_t i = 0; i < first.size(); ++i) {
        result += refine<n>(f, limits[i], limits[i + 1], first[i], allowed, 30);
    }
    return result;
}

/// ∫_a^b f dx of one function that is smooth between the \p kinks only, to \p tolerance of the estimated error: that of
/// the lesser rule, by far the larger one.
template <unsigned n = 7, class F>
double integral(const F& f, double a, double b, const std::vector<double>& kinks, double tolerance = 1e-13) {
    if (!(a < b)) {
        return 0;
    }
    std::vector<double> limits{a};
    limits.insert(limits.end(), std::upper_bound(kinks.begin(), kinks.end(), a),
                  std::lower_bound(kinks.begin(), kinks.end(), b));
    limits.push_back(b);
    using Number = Eigen::Array<double, 1, 1>;
    return integrals<n, Number>([&](double x) { return Number(f(x)); }, limits, 1, tolerance)[0];
}

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
    const auto integrand = [&](double x) {
        const double density = std::exp((k - 1) * std::log(x / theta) - x / theta - std::lgamma(k)) / theta;
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

//! What neutrinos scatter on in one channel: the electrons of a formula unit, or one nuclide
struct Body {
    const Channel* channel;
    const Nuclide* nuclide; //!< null for electrons
    double number;          //!< per formula unit; 1 for electrons, whose cross-section is per formula unit

    double mass() const { return nuclide == nullptr ? m_e : nuclide->mass; }
};

std::vector<Body> bodies(const Experiment& experiment) {
    std::vector<Body> all;
    for (const Channel& channel : experiment.channels) {
        if (channel.target == Target::electron) {
            all.push_back({&channel, nullptr, 1});
            continue;
        }
        for (const TargetNuclide& x : experiment.target.nuclides) {
            all.push_back({&channel, &x.nuclide, x.number});
        }
    }
    return all;
}

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

//! ∫ dE flux(E) dσ/dT(E, T) of a source [MeV^-1 s^-1] per body
double rate(const Source& source, const CrossSection& dsigma_dT, double M, double T) {
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
            const auto integrand = [&](double E) { return interpolate(source.spectrum, E) * dsigma_dT(E); };
            sum += source.flux * integral<3>(integrand, low, high, source.spectrum.x, 1e-10);
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

/// Limits of the intervals in recoil energy between which the integrand is smooth, in order; empty where there is none.
std::vector<double> recoil_limits(const Experiment& experiment, const Body& body, const Source& source) {
    const Channel& channel = *body.channel;
    std::vector<double> limits;
    for (const SpectralLine& line : source.lines) {
        limits.push_back(largest_recoil(line.energy, body.mass()));
    }
    for (const double E : source.spectrum.x) {
        limits.push_back(largest_recoil(E, body.mass()));
    }
    const double low = lowest_recoil(experiment, body);
    const double high = limits.empty() ? 0 : *std::max_element(limits.begin(), limits.end());
    if (!(low < high)) {
        return {};
    }
    limits.push_back(low);
    const auto add_knots = [&](const Table& table) { limits.insert(limits.end(), table.x.begin(), table.x.end()); };
    add_knots(channel.efficiency);
    add_knots(channel.quenching.factor);
    if (body.nuclide == nullptr) {
        for (const Shell& shell : experiment.target.shells) {
            limits.push_back(shell.binding_energy);
        }
        add_knots(channel.photoabsorption);
        add_knots(channel.weak_correction);
        add_knots(channel.magnetic_correction);
    }
    const auto leave_inside = [&] {
        std::erase_if(limits, [&](double T) { return !(T >= low && T <= high); });
        sort_unique(limits);
    };
    leave_inside();

    // Recoil energies of the landmarks in visible energy: where E(T) crosses them, searched for on a fine grid.
    const auto visible = [&](double T) { return reference_visible_energy(channel.quenching, body.nuclide, T); };
    std::vector<double> grid = limits;
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
    leave_inside();
    return limits;
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
                share *= time_share(experiment, source, variable, bin);
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

std::vector<double> reference_signal(const Experiment& given, const ReferencePoint& point, AcceptanceMemory* memory,
                                     double tolerance) {
    const Experiment experiment = reference_experiment(given, point);
    const CouplingScheme scheme = point.scheme(experiment);
    const int n_energy_bins = experiment.n_energy_bins();
    const std::vector<Body> recoiling = bodies(experiment);
    std::vector<double> signal(static_cast<std::size_t>(experiment.n_bins()), 0.0);
    for (const Source& source : experiment.sources) {
        for (std::size_t i = 0; i < recoiling.size(); ++i) {
            const Body& body = recoiling[i];
            const auto acceptances = [&](double T) {
                ArrayXd accepted(n_energy_bins);
                for (int b = 0; b < n_energy_bins; ++b) {
                    accepted[b] = reference_acceptance(experiment, *body.channel, body.nuclide, T, b);
                }
                return accepted;
            };
            // In x = ln T, as the charge term goes with 1/T²: dT = T dx. All energy bins at once.
            const auto integrand = [&](double x) -> ArrayXd {
                const double T = std::exp(x);
                const ArrayXd accepted =
                    memory != nullptr ? (*memory)(i, T, [&] { return acceptances(T); }) : acceptances(T);
                if ((accepted < 1e-30).all()) {
                    return ArrayXd::Zero(n_energy_bins);
                }
                const CrossSection dsigma_dT =
                    body.nuclide == nullptr
                        ? electron_cross_section_at(point, scheme, source.beam(), experiment.target, *body.channel, T)
                        : nuclear_cross_section_at(point, scheme, source.beam(), *body.nuclide, *body.channel, T);
                return accepted * (T * rate(source, dsigma_dT, body.mass(), T));
            };
            std::vector<double> limits = recoil_limits(experiment, body, source);
            for (double& limit : limits) {
                limit = std::log(limit);
            }
            sort_unique(limits);
            const ArrayXd counts = experiment.target.units * body.number * experiment.live_time *
                                   integrals<7, ArrayXd>(integrand, limits, n_energy_bins, tolerance);
            const std::vector<double> shares = reference_shares(experiment, *body.channel, source);
            for (std::size_t b = 0; b < signal.size(); ++b) {
                signal[b] += shares[b] * counts[static_cast<Eigen::Index>(b) / experiment.n_inner_bins()];
            }
        }
    }
    return signal;
}

} // namespace nuscan
