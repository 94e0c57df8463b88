// SPDX-License-Identifier: Apache-2.0
#include "response/acceptance.hpp"

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "config/error.hpp"
#include "experiments/quenching.hpp"
#include "response/interpolation.hpp"

namespace nuscan {

namespace {

using Smearing = EnergyResponse::Smearing;

//! Probabilities below this are never seen: with 1/T² from 1 eV on they come to 1e-11 of a bin
constexpr double invisible = 1e-18;
//! A Gaussian is constant to 1e-18 this many σ from an edge
constexpr double gaussian_reach = 9;
//! and this far out its density and its tail are zero in double precision
constexpr double gaussian_end = 39;

//! Promotion to long double costs a factor of ten and gains nothing below 1e-14
using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;

//! P(a, x). Where x is next to nothing, Boost 1.74 divides by Γ(a + 1), which overflows; P is far below 1e-300 there.
double lower_gamma(double a, double x) { return a > 100 && x < 1e-6 ? 0 : boost::math::gamma_p(a, x, Policy()); }

bool is_sharp(const EnergyResponse& r) {
    return r.smearing == Smearing::gaussian && r.sqrt_term == 0 && r.constant_term == 0 && r.linear_term == 0;
}

bool has_reconstructed_efficiency(const EnergyResponse& r) {
    return !r.efficiency.empty() && r.efficiency_of == EnergyResponse::EfficiencyOf::reconstructed;
}

bool has_visible_efficiency(const EnergyResponse& r) {
    return !r.efficiency.empty() && r.efficiency_of == EnergyResponse::EfficiencyOf::visible;
}

} // namespace

EnergyAcceptance::EnergyAcceptance(const Experiment& experiment)
    : experiment_(experiment), per_energy_(experiment.response.light_yield > 0 ? experiment.response.light_yield : 1) {
    const EnergyResponse& r = experiment.response;
    const std::vector<double>& edges = experiment.bin_edges;
    const bool efficient = !has_reconstructed_efficiency(r);
    if (r.smearing == Smearing::matrix) {
        if (!efficient) {
            throw InputError({experiment.name, 0}, "an efficiency over the reconstructed energy with a response matrix",
                             "the matrix says nothing of where in a bin an event is",
                             "multiply the matrix by the efficiency, or give the efficiency of the visible energy?");
        }
        kinks_ = r.matrix_x;
        if (has_visible_efficiency(r)) {
            kinks_.insert(kinks_.end(), r.efficiency.x.begin(), r.efficiency.x.end());
        }
        return;
    }
    knots_ = edges;
    if (!efficient) {
        for (const double x : r.efficiency.x) {
            if (x > edges.front() && x < edges.back()) {
                knots_.push_back(x);
            }
        }
        // A table includes its end, which counts where photoelectrons are counted: a piece for that integer alone.
        const double last = r.efficiency.x.back();
        if (r.smearing == Smearing::poisson && last < edges.back() && last == std::floor(last)) {
            knots_.push_back(std::min(last + 0.5, edges.back()));
        }
        std::sort(knots_.begin(), knots_.end());
        knots_.erase(std::unique(knots_.begin(), knots_.end()), knots_.end());
    }
    std::size_t bin = 0;
    for (std::size_t i = 0; i + 1 < knots_.size(); ++i) {
        while (bin + 2 < edges.size() && edges[bin + 1] <= knots_[i]) {
            ++bin;
        }
        if (efficient) {
            pieces_.push_back({i, bin, 0, 1, 0});
            continue;
        }
        const Table& e = r.efficiency;
        if (knots_[i] >= e.x.front() && knots_[i] < e.x.back()) {
            const auto next = std::upper_bound(e.x.begin(), e.x.end(), knots_[i]) - e.x.begin();
            const auto k = static_cast<std::size_t>(next - 1);
            const double slope = (e.y[k + 1] - e.y[k]) / (e.x[k + 1] - e.x[k]);
            if (e.y[k] != 0 || e.y[k + 1] != 0) {
                pieces_.push_back({i, bin, e.x[k], e.y[k], slope});
            }
        } else if (r.smearing == Smearing::poisson && knots_[i] == e.x.back()) {
            pieces_.push_back({i, bin, 0, e.y.back(), 0});
        }
    }
    if (is_sharp(r)) {
        for (const double x : knots_) {
            kinks_.push_back(x / per_energy_);
        }
    }
    if (has_visible_efficiency(r)) {
        kinks_.insert(kinks_.end(), r.efficiency.x.begin(), r.efficiency.x.end());
    }
}

double EnergyAcceptance::sigma(double visible) const {
    const EnergyResponse& r = experiment_.response;
    switch (r.smearing) {
    case Smearing::gaussian:
        return r.gaussian_sigma(visible);
    case Smearing::poisson:
        return std::sqrt(std::max(visible * per_energy_, 1.)) / per_energy_;
    case Smearing::gamma:
        return visible / std::sqrt(1 + r.gamma_shape * visible);
    case Smearing::matrix:
        break;
    }
    return constants::infinity;
}

EnergyAcceptance::Tail EnergyAcceptance::tail(double x, double visible) const {
    const EnergyResponse& r = experiment_.response;
    const double mean = per_energy_ * visible;
    if (r.smearing == Smearing::gaussian) {
        const double s = per_energy_ * sigma(visible);
        if (s == 0) {
            return {x > mean ? 1. : 0., true, 0};
        }
        const double z = (x - mean) / s;
        return {std::erfc(std::abs(z) / constants::sqrt2) / 2, z < 0,
                s * std::exp(-z * z / 2) / std::sqrt(2 * constants::pi)};
    }
    if (x <= 0) {
        return {0, true, 0};
    }
    if (r.smearing == Smearing::gamma) {
        const double shape = 1 + r.gamma_shape * visible, y = x * shape / mean;
        const double moment = mean * boost::math::gamma_p_derivative(shape + 1, y, Policy());
        return y < shape ? Tail{lower_gamma(shape, y), true, moment}
                         : Tail{boost::math::gamma_q(shape, y, Policy()), false, moment};
    }
    const double n = std::ceil(x);
    const double moment = mean * boost::math::gamma_p_derivative(n, mean, Policy());
    return mean > n ? Tail{boost::math::gamma_q(n, mean, Policy()), true, moment}
                    : Tail{lower_gamma(n, mean), false, moment};
}

std::span<const EnergyAcceptance::Piece> EnergyAcceptance::pieces_near(double visible) const {
    const std::span<const Piece> all(pieces_);
    if (experiment_.response.smearing != Smearing::gaussian) {
        return all; // their tails reach further than double precision
    }
    const double mean = per_energy_ * visible, reach = gaussian_end * per_energy_ * sigma(visible);
    const auto ends_below = [&](const Piece& piece, double x) { return knots_[piece.first + 1] < x; };
    const auto begins_above = [&](double x, const Piece& piece) { return x < knots_[piece.first]; };
    const auto first = std::lower_bound(all.begin(), all.end(), mean - reach, ends_below);
    return {first, std::upper_bound(first, all.end(), mean + reach, begins_above)};
}

void EnergyAcceptance::evaluate(double visible, double* row) const {
    const EnergyResponse& r = experiment_.response;
    const auto n_bins = static_cast<std::size_t>(experiment_.n_energy_bins());
    std::fill(row, row + n_bins, 0.);
    if (!(visible > 0)) {
        return;
    }
    const double accepted = has_visible_efficiency(r) ? interpolate(r.efficiency, visible) : 1;
    if (accepted == 0) {
        return;
    }
    if (r.smearing == Smearing::matrix) {
        const std::vector<double>& x = r.matrix_x;
        if (x.size() < 2 || visible < x.front() || visible > x.back()) {
            return;
        }
        const auto next = std::upper_bound(x.begin() + 1, x.end() - 1, visible) - x.begin();
        const auto i = static_cast<std::size_t>(next - 1);
        const double fraction = (visible - x[i]) / (x[i + 1] - x[i]);
        for (std::size_t b = 0; b < n_bins; ++b) {
            const double low = r.matrix[i * n_bins + b], high = r.matrix[(i + 1) * n_bins + b];
            row[b] = accepted * (low + fraction * (high - low));
        }
        return;
    }
    const double mean = per_energy_ * visible;
    std::size_t at = knots_.size(); // of the knot whose tail is in `right`
    Tail left{}, right{};
    for (const Piece& piece : pieces_near(visible)) {
        left = at == piece.first ? right : tail(knots_[piece.first], visible);
        right = tail(knots_[piece.first + 1], visible);
        at = piece.first + 1;
        // The difference of two small numbers where there is a choice
        const double probability = left.below && right.below     ? right.probability - left.probability
                                   : !left.below && !right.below ? left.probability - right.probability
                                                                 : 1 - left.probability - right.probability;
        row[piece.bin] += (piece.efficiency + piece.slope * (mean - piece.origin)) * probability +
                          piece.slope * (left.moment - right.moment);
    }
    for (std::size_t b = 0; b < n_bins; ++b) {
        row[b] = std::max(accepted * row[b], 0.);
    }
}

double EnergyAcceptance::below(double x, double visible) const {
    const Tail t = tail(x, visible);
    return t.below ? t.probability : 1 - t.probability;
}

EnergyAcceptance::Range EnergyAcceptance::visible_range(double highest) const {
    const EnergyResponse& r = experiment_.response;
    Range range{0, highest};
    if (has_visible_efficiency(r)) {
        range = {std::max(0., r.efficiency.x.front()), std::min(highest, r.efficiency.x.back())};
    }
    if (r.smearing == Smearing::matrix) {
        return r.matrix_x.empty()
                   ? Range{0, 0}
                   : Range{std::max(range.low, r.matrix_x.front()), std::min(range.high, r.matrix_x.back())};
    }
    if (pieces_.empty() || !(range.low < range.high)) {
        return {0, 0};
    }
    // What is seen of the lowest edge from below, and of the highest from above, falls with the distance.
    const double bottom = knots_[pieces_.front().first], top = knots_[pieces_.back().first + 1];
    const auto reaches_bottom = [&](double v) {
        const Tail t = tail(bottom, v);
        return (t.below ? 1 - t.probability : t.probability) > invisible;
    };
    const auto reaches_top = [&](double v) { return below(top, v) > invisible; };
    const auto bisect = [](double low, double high, const auto& is_low) {
        for (int i = 0; i < 60; ++i) {
            const double middle = low > 0 && high > 4 * low ? std::sqrt(low * high) : (low + high) / 2;
            (is_low(middle) ? low : high) = middle;
        }
        return std::pair{low, high};
    };
    const double least = std::max(range.low, 1e-12 * range.high);
    if (!reaches_bottom(range.high) || !reaches_top(least)) {
        return {0, 0};
    }
    if (!reaches_bottom(least)) {
        range.low = bisect(least, range.high, [&](double v) { return !reaches_bottom(v); }).first;
    }
    if (!reaches_top(range.high)) {
        range.high = bisect(least, range.high, reaches_top).second;
    }
    return range;
}

EnergyAcceptance::Scale EnergyAcceptance::scale(double visible) const {
    const EnergyResponse& r = experiment_.response;
    constexpr double anywhere = constants::infinity;
    if (r.smearing == Smearing::matrix || is_sharp(r)) {
        return {constants::infinity, anywhere, anywhere};
    }
    const double s = sigma(visible);
    const Scale varies{s, anywhere, anywhere};
    if (r.smearing != Smearing::gaussian) {
        return varies; // tails that fall more slowly than a Gaussian's reach far
    }
    // Between knots R_b is constant, or linear with an efficiency; a panel must not run into the next one's σ.
    const auto next = std::lower_bound(knots_.begin(), knots_.end(), per_energy_ * visible);
    Scale constant{constants::infinity, anywhere, anywhere};
    if (next != knots_.begin()) {
        constant.below = visible - *(next - 1) / per_energy_ - gaussian_reach * s;
    }
    if (next != knots_.end()) {
        const double knot = *next / per_energy_;
        constant.above = knot - visible - gaussian_reach * std::max(s, sigma(knot));
    }
    return std::min(constant.below, constant.above) > 1e-3 * s ? constant : varies;
}

void acceptance(const Experiment& experiment, const EnergyAcceptance& energy, const Channel& channel,
                const Nuclide* nuclide, double T, double* row) {
    const auto n_bins = static_cast<std::size_t>(experiment.n_energy_bins());
    const double accepted = channel.efficiency.empty() ? 1 : interpolate(channel.efficiency, T);
    if (accepted == 0) {
        std::fill(row, row + n_bins, 0.);
        return;
    }
    energy.evaluate(visible_energy(channel.quenching, nuclide, T), row);
    for (std::size_t b = 0; b < n_bins; ++b) {
        row[b] *= accepted;
    }
}

std::vector<double> acceptance(const Experiment& experiment, const Channel& channel, const Nuclide* nuclide, double T) {
    std::vector<double> row(static_cast<std::size_t>(experiment.n_energy_bins()));
    acceptance(experiment, EnergyAcceptance(experiment), channel, nuclide, T, row.data());
    return row;
}

} // namespace nuscan
