// SPDX-License-Identifier: Apache-2.0
#include "response/response.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "response/quadrature.hpp"

namespace nuscan {

namespace {

//! Relative accuracy asked of each panel; errors of panels average down in a bin
constexpr double panel_tolerance = 1e-10;
//! A Gaussian is cut this many σ from its centre: its tail beyond is 1e-18
constexpr double gaussian_reach = 9;

double resolution(const EnergyResponse& response, double T) {
    return response.sqrt_term * std::sqrt(T) + response.constant_term + response.linear_term * T;
}

double interpolate(const Table& table, double x) {
    if (x < table.x.front() || x > table.x.back()) {
        return 0;
    }
    const auto next = std::upper_bound(table.x.begin() + 1, table.x.end() - 1, x) - table.x.begin();
    const auto i = static_cast<std::size_t>(next - 1);
    const double fraction = (x - table.x[i]) / (table.x[i + 1] - table.x[i]);
    return table.y[i] + fraction * (table.y[i + 1] - table.y[i]);
}

//! ∫_{z1}^{z2} of the unit Gaussian, without cancellation in the tails
double gaussian_probability(double z1, double z2) {
    const double a = z1 / constants::sqrt2, b = z2 / constants::sqrt2;
    if (a > 0) {
        return (std::erfc(a) - std::erfc(b)) / 2;
    }
    return b < 0 ? (std::erfc(-b) - std::erfc(-a)) / 2 : (std::erf(b) - std::erf(a)) / 2;
}

double gaussian_density(double z) { return std::exp(-z * z / 2) / std::sqrt(2 * constants::pi); }

//! Reconstructed energies at which acceptance as a function of the true energy turns: bin edges and efficiency knots
std::vector<double> reconstruction_knots(const Experiment& experiment) {
    std::vector<double> knots = experiment.bin_edges;
    if (!experiment.response.efficiency_of_true_energy) {
        knots.insert(knots.end(), experiment.response.efficiency.x.begin(), experiment.response.efficiency.x.end());
    }
    std::sort(knots.begin(), knots.end());
    return knots;
}

//! Recoil energies between which the integrand is smooth
std::vector<double> recoil_breakpoints(const Experiment& experiment, const std::vector<double>& knots) {
    const EnergyResponse& response = experiment.response;
    double lowest = std::numeric_limits<double>::infinity();
    for (const Shell& shell : experiment.target.shells) {
        lowest = std::min(lowest, shell.binding_energy);
    }
    const double begin = std::max(min_recoil, lowest);

    // The highest recoil energy that is still reconstructed in the last bin: T − 9 σ(T) = its upper edge.
    double end = experiment.bin_edges.back();
    for (int iteration = 0; iteration < 200; ++iteration) {
        end = experiment.bin_edges.back() + gaussian_reach * resolution(response, end);
        if (!(end < 1e3 * experiment.bin_edges.back())) {
            break;
        }
    }
    double kinematic_end = 0;
    std::vector<double> points{begin};
    const auto add_neutrino_energy = [&](double E) {
        points.push_back(max_electron_recoil(E));
        kinematic_end = std::max(kinematic_end, points.back());
    };
    for (const Source& source : experiment.sources) {
        for (const double E : source.spectrum.x) {
            add_neutrino_energy(E);
        }
        for (const SpectralLine& line : source.lines) {
            add_neutrino_energy(line.energy);
        }
    }
    end = std::min(end, kinematic_end);
    for (const Shell& shell : experiment.target.shells) {
        points.push_back(shell.binding_energy);
    }
    if (response.efficiency_of_true_energy) {
        points.insert(points.end(), response.efficiency.x.begin(), response.efficiency.x.end());
    }
    if (resolution(response, begin) == 0 || resolution(response, end) == 0) {
        points.insert(points.end(), knots.begin(), knots.end());
    }
    points.push_back(end);
    std::sort(points.begin(), points.end());
    points.erase(std::unique(points.begin(), points.end()), points.end());
    std::erase_if(points, [&](double T) { return T < begin || T > end; });
    return points;
}

//! Largest Δm² L [rad MeV] of a source: its phases turn by this over E²
double phase_rate(const Source& source, const Mixing& mixing) {
    if (source.propagation != Propagation::exact) {
        return 0;
    }
    const double splitting =
        std::max({std::abs(mixing.dm21), std::abs(mixing.dm31), std::abs(mixing.dm31 - mixing.dm21)});
    return propagation_phase(splitting, source.baseline, 1);
}

SourceNodes energy_nodes(const Source& source, const std::vector<double>& recoil, const Mixing& mixing) {
    const double rate = phase_rate(source, mixing);
    const auto scale = [rate](double E) { return 1 / std::max(1 / E, rate / (E * E)); };
    const Table& spectrum = source.spectrum;
    SourceNodes out;
    std::vector<Node> nodes;
    for (const double T : recoil) {
        out.first_node.push_back(static_cast<int>(out.energy.size()));
        const double lowest = min_neutrino_energy(T);
        nodes.clear();
        for (std::size_t i = 0; i + 1 < spectrum.x.size(); ++i) {
            const double low = std::max(lowest, spectrum.x[i]), high = spectrum.x[i + 1];
            if (low < high && (spectrum.y[i] > 0 || spectrum.y[i + 1] > 0)) {
                append_nodes(low, high, scale, panel_tolerance, nodes);
            }
        }
        for (const Node& node : nodes) {
            out.energy.push_back(node.x);
            out.flux.push_back(source.flux * interpolate(spectrum, node.x) * node.weight);
        }
        for (const SpectralLine& line : source.lines) {
            if (T <= max_electron_recoil(line.energy)) {
                out.energy.push_back(line.energy);
                out.flux.push_back(source.flux * line.fraction);
            }
        }
    }
    out.first_node.push_back(static_cast<int>(out.energy.size()));
    return out;
}

} // namespace

double acceptance(const EnergyResponse& response, double T, double low, double high) {
    const double sigma = resolution(response, T);
    const auto probability = [&](double a, double b) {
        return sigma > 0 ? gaussian_probability((a - T) / sigma, (b - T) / sigma) : (T >= a && T < b ? 1. : 0.);
    };
    const Table& efficiency = response.efficiency;
    if (efficiency.x.empty()) {
        return probability(low, high);
    }
    if (response.efficiency_of_true_energy) {
        return interpolate(efficiency, T) * probability(low, high);
    }
    double sum = 0;
    for (std::size_t i = 0; i + 1 < efficiency.x.size(); ++i) {
        const double a = std::max(low, efficiency.x[i]), b = std::min(high, efficiency.x[i + 1]);
        if (!(a < b)) {
            continue;
        }
        // ε(E) = ε(T) + slope (E − T), with ε(T) extrapolated along this piece
        const double slope = (efficiency.y[i + 1] - efficiency.y[i]) / (efficiency.x[i + 1] - efficiency.x[i]);
        sum += (efficiency.y[i] + slope * (T - efficiency.x[i])) * probability(a, b);
        if (sigma > 0) {
            sum += slope * sigma * (gaussian_density((a - T) / sigma) - gaussian_density((b - T) / sigma));
        }
    }
    return std::max(sum, 0.);
}

Response make_response(const Experiment& experiment, const Mixing& mixing) {
    const std::vector<double> knots = reconstruction_knots(experiment);
    const std::vector<double> breakpoints = recoil_breakpoints(experiment, knots);

    // Near a knot the acceptance varies over σ; away from all of them only the cross section does, over T.
    const auto scale = [&](double T) {
        const double sigma = resolution(experiment.response, T);
        if (sigma == 0) {
            return T;
        }
        const auto above = std::lower_bound(knots.begin(), knots.end(), T);
        double distance = std::numeric_limits<double>::infinity();
        if (above != knots.end()) {
            distance = *above - T;
        }
        if (above != knots.begin()) {
            distance = std::min(distance, T - *(above - 1));
        }
        return std::min(T, std::max(sigma, (distance - gaussian_reach * sigma) / 2));
    };
    std::vector<Node> nodes;
    for (std::size_t i = 0; i + 1 < breakpoints.size(); ++i) {
        append_nodes(breakpoints[i], breakpoints[i + 1], scale, panel_tolerance, nodes);
    }

    Response out;
    const auto n_bins = static_cast<std::size_t>(experiment.n_bins());
    for (const Node& node : nodes) {
        double electrons = 0;
        for (const Shell& shell : experiment.target.shells) {
            electrons += node.x > shell.binding_energy ? shell.electrons : 0;
        }
        const double exposure = experiment.target.atoms * electrons * experiment.live_time * node.weight;
        std::vector<double> row(n_bins);
        double largest = 0;
        for (std::size_t b = 0; b < n_bins; ++b) {
            row[b] = acceptance(experiment.response, node.x, experiment.bin_edges[b], experiment.bin_edges[b + 1]);
            largest = std::max(largest, row[b]);
            row[b] *= exposure;
        }
        if (largest > 1e-17) { // nothing of this recoil energy is ever seen below that
            out.recoil.push_back(node.x);
            out.weight.insert(out.weight.end(), row.begin(), row.end());
        }
    }
    for (const Source& source : experiment.sources) {
        out.sources.push_back(energy_nodes(source, out.recoil, mixing));
    }
    return out;
}

std::vector<double> source_moments(const Experiment& experiment, const Response& response, std::size_t source,
                                   const Mixing& mixing) {
    const Source& s = experiment.sources[source];
    const SourceNodes& nodes = response.sources[source];
    const auto n_bins = static_cast<std::size_t>(experiment.n_bins());
    const auto components = static_cast<std::size_t>(n_components(s.propagation));
    const std::size_t n_features = n_feature_matrices * components;
    std::vector<double> moments(n_features * n_bins);
    std::vector<double> rate(n_features);
    for (std::size_t i = 0; i < response.recoil.size(); ++i) {
        const double T = response.recoil[i];
        std::fill(rate.begin(), rate.end(), 0.);
        for (int j = nodes.first_node[i]; j < nodes.first_node[i + 1]; ++j) {
            const double E = nodes.energy[static_cast<std::size_t>(j)];
            const ElectronKernels kernels = electron_kernels(E, T, s.antineutrino ? -1 : 1);
            for (std::size_t c = 0; c < components; ++c) {
                const double phase = component_phase(static_cast<int>(c), mixing, s.antineutrino, s.baseline, E);
                for (std::size_t m = 0; m < n_feature_matrices; ++m) {
                    rate[m * components + c] += nodes.flux[static_cast<std::size_t>(j)] * phase *
                                                feature_kernel(static_cast<int>(m), kernels, T);
                }
            }
        }
        for (std::size_t f = 0; f < n_features; ++f) {
            for (std::size_t b = 0; b < n_bins; ++b) {
                moments[f * n_bins + b] += response.weight[i * n_bins + b] * rate[f];
            }
        }
    }
    return moments;
}

} // namespace nuscan
