// SPDX-License-Identifier: Apache-2.0
#include "response/quenching.hpp"

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

double recoil_energy(const Quenching& quenching, const Nuclide* nuclide, double visible, double low, double high) {
    if (quenching.model == Quenching::Model::none) {
        return std::clamp(visible, low, high);
    }
    if (visible_energy(quenching, nuclide, low) >= visible) {
        return low;
    }
    if (quenching.model == Quenching::Model::table) {
        high = std::min(high, quenching.factor.x.back());
    }
    while (true) {
        const double middle = low + (high - low) / 2;
        if (!(middle > low && middle < high)) {
            return high;
        }
        (visible_energy(quenching, nuclide, middle) < visible ? low : high) = middle;
    }
}

double quenching_turns(const Quenching& quenching, const Nuclide* nuclide, double low, double high) {
    if (quenching.model == Quenching::Model::none) {
        return constants::not_a_number;
    }
    if (quenching.model == Quenching::Model::table) {
        const Table& f = quenching.factor;
        for (std::size_t i = 0; i + 1 < f.x.size(); ++i) {
            const double a = std::max(low, f.x[i]), b = std::min(high, f.x[i + 1]);
            if (!(a < b)) {
                continue;
            }
            // f T is quadratic here: it rises throughout if it does at both ends.
            const double slope = (f.y[i + 1] - f.y[i]) / (f.x[i + 1] - f.x[i]);
            const auto rise = [&](double T) { return f.y[i] + slope * (2 * T - f.x[i]); };
            if (!(rise(a) > 0 || (rise(a) == 0 && rise(b) > 0))) {
                return a;
            }
            if (!(rise(b) > 0 || rise(b) == 0)) {
                return b;
            }
        }
        return constants::not_a_number;
    }
    constexpr int n = 2000;
    double last = 0;
    for (int i = 0; i <= n; ++i) {
        const double T = low * std::pow(high / low, static_cast<double>(i) / n);
        const double visible = visible_energy(quenching, nuclide, T);
        if (!(visible > last)) {
            return T;
        }
        last = visible;
    }
    return constants::not_a_number;
}

} // namespace nuscan
