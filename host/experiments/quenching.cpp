// SPDX-License-Identifier: Apache-2.0
#include "experiments/quenching.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "response/interpolation.hpp"

namespace nuscan {

namespace {

double lindhard_factor(double k, const Nuclide* nuclide, double T) {
    if (nuclide == nullptr) {
        throw std::invalid_argument("Lindhard quenching of something that is no nuclide");
    }
    const double Z = nuclide->Z, A = nuclide->A;
    if (!(k > 0)) {
        k = 0.133 * std::pow(Z, 2. / 3) / std::sqrt(A);
    }
    const double epsilon = 11.5 * std::pow(Z, -7. / 3) * T * 1e3; // T in keV
    const double g = 3 * std::pow(epsilon, 0.15) + 0.7 * std::pow(epsilon, 0.6) + epsilon;
    return k * g / (1 + k * g);
}

//! The first T in [a, b] that does not come before something, to rounding
template <class Predicate>
double bisect(double a, double b, const Predicate& before) {
    while (true) {
        const double middle = a + (b - a) / 2;
        if (!(middle > a && middle < b)) {
            return b;
        }
        (before(middle) ? a : b) = middle;
    }
}

//! A table between two knots, where the visible energy f T is quadratic
struct Segment {
    double begin, end, factor, slope; //!< f = factor + slope (T − begin)

    Segment(const Table& f, std::size_t i)
        : begin(f.x[i]), end(f.x[i + 1]), factor(f.y[i]), slope((f.y[i + 1] - f.y[i]) / (end - begin)) {}

    double rise(double T) const { return factor + slope * (2 * T - begin); } //!< d(f T)/dT
};

std::size_t segment_at(const Table& f, double T) {
    const auto next = std::upper_bound(f.x.begin() + 1, f.x.end() - 1, T);
    return static_cast<std::size_t>(next - f.x.begin()) - 1;
}

//! Recoil energies inside (low, high) at which f T stops rising or falling: inside of a segment, or at a knot
void append_turns(const Table& f, double low, double high, std::vector<double>& turns) {
    const auto append = [&](double T) {
        if (T > low && T < high) {
            turns.push_back(T);
        }
    };
    double before = 0; // the last slope that was not zero
    const auto turns_to = [&](double rise) {
        const bool turn = rise * before < 0;
        before = rise != 0 ? rise : before;
        return turn;
    };
    for (std::size_t i = 0; i + 1 < f.x.size(); ++i) {
        const Segment s(f, i);
        if (turns_to(s.rise(s.begin))) {
            append(s.begin);
        }
        if (turns_to(s.rise(s.end))) {
            append((s.begin - s.factor / s.slope) / 2);
        }
    }
}

//! The same of Σ_n c_n T^n, n >= 1; turns closer than a part in a thousand may go unnoticed
void append_turns(const std::vector<double>& c, double low, double high, std::vector<double>& turns) {
    const auto rises = [&](double T) {
        double sum = 0;
        for (std::size_t n = c.size(); n > 0; --n) {
            sum = sum * T + static_cast<double>(n) * c[n - 1];
        }
        return sum >= 0;
    };
    constexpr int n_steps = 20000;
    double a = low;
    for (int i = 1; i <= n_steps; ++i) {
        const double b = low + (high - low) * i / n_steps;
        if (rises(a) != rises(b)) {
            turns.push_back(bisect(a, b, [&](double T) { return rises(T) == rises(a); }));
        }
        a = b;
    }
}

} // namespace

double visible_energy(const Quenching& quenching, const Nuclide* nuclide, double T) {
    switch (quenching.model) {
    case Quenching::Model::none:
        break;
    case Quenching::Model::lindhard:
        return lindhard_factor(quenching.lindhard_k, nuclide, T) * T;
    case Quenching::Model::polynomial: {
        double sum = 0;
        for (auto c = quenching.coefficients.rbegin(); c != quenching.coefficients.rend(); ++c) {
            sum = (sum + *c) * T;
        }
        return sum;
    }
    case Quenching::Model::table:
        return interpolate(quenching.factor, T) * T;
    }
    return T;
}

VisibleEnergy::VisibleEnergy(const Quenching& quenching, const Nuclide* nuclide, double low, double high)
    : quenching_(quenching), nuclide_(nuclide) {
    if (quenching.model == Quenching::Model::table) {
        low = std::max(low, quenching.factor.x.front());
        high = std::min(high, quenching.factor.x.back());
    }
    turns_ = {low};
    if (quenching.model == Quenching::Model::table) {
        append_turns(quenching.factor, low, high, turns_);
    } else if (quenching.model == Quenching::Model::polynomial) {
        append_turns(quenching.coefficients, low, high, turns_);
    } // the others rise
    turns_.push_back(high);
    for (const double T : turns_) {
        visible_.push_back((*this)(T));
    }
}

double VisibleEnergy::largest() const { return *std::max_element(visible_.begin(), visible_.end()); }

//! In [a, b] without a turn
double VisibleEnergy::crossing(double a, double b, double visible) const {
    if (quenching_.model == Quenching::Model::none) {
        return visible;
    }
    const bool rises = (*this)(a) < (*this)(b);
    const auto before = [&](double T) { return ((*this)(T) < visible) == rises; };
    return bisect(a, b, before);
}

std::vector<double> VisibleEnergy::crossings(double visible) const {
    std::vector<double> all;
    for (std::size_t i = 0; i + 1 < turns_.size(); ++i) {
        if ((visible_[i] < visible) != (visible_[i + 1] < visible)) {
            all.push_back(crossing(turns_[i], turns_[i + 1], visible));
        }
    }
    return all;
}

std::vector<double> VisibleEnergy::crossings(const std::vector<double>& visible, std::size_t most) const {
    std::vector<double> all;
    for (std::size_t i = 0; i + 1 < turns_.size(); ++i) {
        const auto [low, high] = std::minmax(visible_[i], visible_[i + 1]);
        auto at = std::upper_bound(visible.begin(), visible.end(), low);
        for (; at != visible.end() && *at <= high && all.size() < most; ++at) {
            all.push_back(crossing(turns_[i], turns_[i + 1], *at));
        }
    }
    return all;
}

double VisibleEnergy::stays_until(double T, double low, double high, double end) const {
    const auto next = std::upper_bound(turns_.begin(), turns_.end(), T);
    for (auto i = static_cast<std::size_t>(next - turns_.begin()); i < turns_.size() && turns_[i - 1] < end; ++i) {
        const double a = std::max(T, turns_[i - 1]);
        if (visible_[i] > high) {
            return crossing(a, turns_[i], high);
        }
        if (visible_[i] < low) {
            return crossing(a, turns_[i], low);
        }
    }
    return std::min(end, turns_.back());
}

double VisibleEnergy::slope(double T) const {
    if (quenching_.model == Quenching::Model::table) {
        const Segment f(quenching_.factor, segment_at(quenching_.factor, T));
        return std::max(std::abs(f.rise(T)), std::abs(f.rise(f.end)));
    }
    const double step = 1e-3 * T, v = (*this)(T);
    return std::max(std::abs((*this)(T + step) - v) / step, v / T); // steeper than the chord, if any
}

} // namespace nuscan
