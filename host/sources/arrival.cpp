// SPDX-License-Identifier: Apache-2.0
#include "sources/arrival.hpp"

#include <algorithm>
#include <cmath>

#include "nuscan/constants.hpp"
#include "sources/tabulated.hpp"

namespace nuscan {
namespace {

// Straight lines across a convex tail lie above it: a tighter table keeps the norm and the mean from drifting.
constexpr double table_tolerance = arrival_tolerance / 5;
constexpr double tail_lifetimes = 21;   // exp(−21) = 8e-10
constexpr double gaussian_sigmas = 6.5; // beyond, the Gaussian is below 7e-10 of its peak

//! exp(z²) erfc(z) for z ≥ 0
double scaled_erfc(double z) {
    const double asymptotic_from = 20; // from here the series below is good to 1e-15
    if (z < asymptotic_from) {
        return std::exp(z * z) * std::erfc(z);
    }
    const double u = 1 / (2 * z * z);
    return (1 - u * (1 - 3 * u * (1 - 5 * u * (1 - 7 * u)))) / (z * std::sqrt(constants::pi));
}

/// A linear piece of a pulse with what comes before it: in s = t − begin,
///
///     pulse            p = a + b s
///     after τ_1        y = A e^(−s/τ_1) + a − b τ_1 + b s
///     after τ_2 too    z = B e^(−s/τ_2) + A τ_1/(τ_1 − τ_2) e^(−s/τ_1) + a − b (τ_1 + τ_2) + b s
///
/// which solve y' = (p − y)/τ_1 and z' = (y − z)/τ_2.
struct Piece {
    double begin, a, b, A, B;
};

class DelayedPulse {
public:
    DelayedPulse(const Table& pulse, double lifetime_1, double lifetime_2) : tau_1_(lifetime_1), tau_2_(lifetime_2) {
        double y = 0, z = 0;
        for (std::size_t i = 0; i < pulse.x.size(); ++i) {
            const bool behind = i + 1 == pulse.x.size();
            const double a = behind ? 0 : pulse.y[i];
            const double b = behind ? 0 : (pulse.y[i + 1] - pulse.y[i]) / (pulse.x[i + 1] - pulse.x[i]);
            const double A = y - (a - b * tau_1_);
            const double B = two() ? z - (a - b * (tau_1_ + tau_2_)) - A * mixed() : 0;
            pieces_.push_back({pulse.x[i], a, b, A, B});
            if (!behind) {
                y = once(pieces_.back(), pulse.x[i + 1]);
                z = two() ? twice(pieces_.back(), pulse.x[i + 1]) : 0;
            }
        }
    }

    double operator()(double t) const {
        const auto after = std::upper_bound(pieces_.begin(), pieces_.end(), t,
                                            [](double time, const Piece& piece) { return time < piece.begin; });
        if (after == pieces_.begin()) {
            return 0;
        }
        return std::max(0.0, two() ? twice(*(after - 1), t) : once(*(after - 1), t));
    }

private:
    bool two() const { return tau_2_ > 0; }
    double mixed() const { return tau_1_ / (tau_1_ - tau_2_); }
    double once(const Piece& p, double t) const {
        const double s = t - p.begin;
        return p.A * std::exp(-s / tau_1_) + p.a - p.b * tau_1_ + p.b * s;
    }
    double twice(const Piece& p, double t) const {
        const double s = t - p.begin;
        return p.B * std::exp(-s / tau_2_) + p.A * mixed() * std::exp(-s / tau_1_) + p.a - p.b * (tau_1_ + tau_2_) +
               p.b * s;
    }

    double tau_1_, tau_2_;
    std::vector<Piece> pieces_;
};

} // namespace

double delayed_gaussian(double t, double mean, double sigma, double lifetime) {
    const double x = (t - mean) / sigma, ratio = sigma / lifetime;
    const double z = (ratio - x) / constants::sqrt2;
    if (z > 0) {
        return std::exp(-x * x / 2) * scaled_erfc(z) / (2 * lifetime);
    }
    return std::exp(ratio * (ratio / 2 - x)) * std::erfc(z) / (2 * lifetime);
}

double delayed_gaussian(double t, double mean, double sigma, double lifetime_1, double lifetime_2) {
    const double difference = lifetime_2 * delayed_gaussian(t, mean, sigma, lifetime_2) -
                              lifetime_1 * delayed_gaussian(t, mean, sigma, lifetime_1);
    return std::max(0.0, difference / (lifetime_2 - lifetime_1)); // rounding far ahead of the pulse
}

Table gaussian_arrival(double mean, double sigma, double lifetime) {
    const double low = mean - gaussian_sigmas * sigma, high = mean + gaussian_sigmas * sigma;
    Table table = tabulate([=](double t) { return delayed_gaussian(t, mean, sigma, lifetime); },
                           {low, high, high + tail_lifetimes * lifetime}, table_tolerance);
    normalise(table);
    return table;
}

Table gaussian_arrival(double mean, double sigma, double lifetime_1, double lifetime_2) {
    const double low = mean - gaussian_sigmas * sigma, high = mean + gaussian_sigmas * sigma;
    Table table = tabulate([=](double t) { return delayed_gaussian(t, mean, sigma, lifetime_1, lifetime_2); },
                           {low, high, high + tail_lifetimes * std::max(lifetime_1, lifetime_2)}, table_tolerance);
    normalise(table);
    return table;
}

Table pulse_arrival(const Table& pulse, double lifetime_1, double lifetime_2) {
    std::vector<double> edges = pulse.x;
    edges.push_back(pulse.x.back() + tail_lifetimes * std::max(lifetime_1, lifetime_2));
    Table table = tabulate(DelayedPulse(pulse, lifetime_1, lifetime_2), edges, table_tolerance);
    normalise(table);
    return table;
}

} // namespace nuscan
