// SPDX-License-Identifier: Apache-2.0
#include "response/bin_shares.hpp"

#include <algorithm>

#include "response/interpolation.hpp"

namespace nuscan {

namespace {

//! ∫_low^high p(t) ε(t) dt; both are linear between knots, so that Simpson's rule is exact there
double time_share(const Source& source, const Table& efficiency, double low, double high, double window) {
    std::vector<double> knots{low, high};
    for (const Table* table : {&source.arrival, &efficiency}) {
        const std::vector<double>& times = table->x;
        const auto first = std::upper_bound(times.begin(), times.end(), low);
        knots.insert(knots.end(), first, std::lower_bound(first, times.end(), high));
    }
    std::sort(knots.begin(), knots.end());
    // Tables may begin and end with a step: between two knots a line is told by two points inside.
    const auto density = [&](double t) { return source.arrival.empty() ? 1 / window : interpolate(source.arrival, t); };
    const auto accepted = [&](double t) { return efficiency.empty() ? 1 : interpolate(efficiency, t); };
    double sum = 0;
    for (std::size_t i = 0; i + 1 < knots.size(); ++i) {
        const double h = knots[i + 1] - knots[i];
        // Gauss's two points: exact for the product of two lines, and inside
        for (const double x : {0.5 - 0.28867513459481287, 0.5 + 0.28867513459481287}) {
            const double t = knots[i] + x * h;
            sum += h / 2 * density(t) * accepted(t);
        }
    }
    return sum;
}

} // namespace

std::vector<double> bin_shares(const Experiment& experiment, const Channel& channel, const Source& source) {
    const auto n_energy = static_cast<std::size_t>(experiment.n_energy_bins());
    std::vector<double> shares(n_energy, 1.);
    for (std::size_t v = 0; v < experiment.further.size(); ++v) {
        const BinVariable& variable = experiment.further[v];
        const std::vector<double>& edges = variable.edges;
        const std::size_t n = edges.size() - 1, n_outer = shares.size() / n_energy;
        const double range = edges.back() - edges.front();
        const bool tabulated = v < channel.shares.size() && !channel.shares[v].empty();
        std::vector<double> finer;
        finer.reserve(shares.size() * n);
        std::vector<double> of_bin(n); // where they are the same for all energies
        for (std::size_t i = 0; i < n; ++i) {
            of_bin[i] = variable.name == "time"
                            ? time_share(source, experiment.response.time_efficiency, edges[i], edges[i + 1], range)
                            : (edges[i + 1] - edges[i]) / range;
        }
        for (std::size_t outer = 0; outer < shares.size(); ++outer) {
            for (std::size_t i = 0; i < n; ++i) {
                const bool use_table = tabulated && variable.name != "time";
                finer.push_back(shares[outer] * (use_table ? channel.shares[v][outer / n_outer * n + i] : of_bin[i]));
            }
        }
        shares = std::move(finer);
    }
    return shares;
}

} // namespace nuscan
