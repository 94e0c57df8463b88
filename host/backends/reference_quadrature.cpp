// SPDX-License-Identifier: Apache-2.0
#include "backends/reference_quadrature.hpp"

#include <algorithm>
#include <cmath>

#include "nuscan/constants.hpp"

namespace nuscan::reference {

namespace {

/// Polynomials L_j of degree \p n − 1 that are 1 at the j-th extremum of a Chebyshev polynomial and 0 at all others.
///
/// J.-P. Berrut, L. N. Trefethen, SIAM Rev. 46, 501 (2004), Eqs. (4.2) and (5.4).
template <std::size_t n>
std::array<double, n> lagrange_polynomials(const std::array<double, n>& nodes, double u) {
    std::array<double, n> L{};
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) {
        if (u == nodes[j]) {
            L.fill(0);
            L[j] = 1;
            return L;
        }
        const double weight = (j % 2 == 0 ? 1 : -1) * (j == 0 || j + 1 == n ? 0.5 : 1);
        L[j] = weight / (u - nodes[j]);
        sum += L[j];
    }
    for (double& value : L) {
        value /= sum;
    }
    return L;
}

template <std::size_t n>
std::array<double, n> inverse(const std::array<double, n>& x) {
    std::array<double, n> y;
    std::transform(x.begin(), x.end(), y.begin(), [](double value) { return 1 / value; });
    return y;
}

} // namespace

SpectrumIntegral::SpectrumIntegral(const Table& spectrum) {
    const std::vector<double>&x = spectrum.x, &y = spectrum.y;
    for (std::size_t i = 0; i + 1 < x.size(); ++i) {
        if (x[i] < x[i + 1] && (y[i] != 0 || y[i + 1] != 0)) {
            pieces_.push_back({x[i], x[i + 1], y[i], (y[i + 1] - y[i]) / (x[i + 1] - x[i])});
        }
    }
    if (!pieces_.empty()) {
        add_group(0, pieces_.size());
    }
}

std::size_t SpectrumIntegral::add_group(std::size_t first, std::size_t size) {
    const std::size_t number = groups_.size();
    groups_.emplace_back();
    Group group;
    group.first = first;
    group.size = size;
    group.low = pieces_[first].low;
    group.high = pieces_[first + size - 1].high;
    if (size > 1) {
        group.left = add_group(first, size / 2);
        group.right = add_group(first + size / 2, size - size / 2);
    }
    if (group.low > 0) { // from 0 on no recoil asks for all of it
        add_weights(group);
    }
    groups_[number] = group;
    return number;
}

void SpectrumIntegral::add_weights(Group& group) const {
    const double middle = (1 / group.low + 1 / group.high) / 2, half = (1 / group.low - 1 / group.high) / 2;
    for (std::size_t j = 0; j < n_nodes; ++j) {
        const double u = middle - half * std::cos(constants::pi * static_cast<double>(j) / (n_nodes - 1));
        group.E[j] = std::clamp(1 / u, group.low, group.high);
    }
    const std::array<double, n_nodes> u = inverse(group.E);
    Eigen::Array<double, n_nodes, 1> weights = Eigen::Array<double, n_nodes, 1>::Zero();
    const auto polynomials = [&](double at) {
        const std::array<double, n_nodes> L = lagrange_polynomials(u, at);
        return Eigen::Array<double, n_nodes, 1>(Eigen::Map<const Eigen::Array<double, n_nodes, 1>>(L.data()));
    };
    if (group.size == 1) {
        // In steps that are short beside the distance from E = 0, so that one rule of 15 points has all digits
        const Piece& S = pieces_[group.first];
        const int n = static_cast<int>(std::ceil(std::log(group.high / group.low) / std::log(1.5)));
        const double ratio = std::pow(group.high / group.low, 1. / n);
        double low = group.low;
        for (int i = 1; i <= n; ++i) {
            const double high = i == n ? group.high : low * ratio;
            weights +=
                gauss_kronrod<7, Eigen::Array<double, n_nodes, 1>>(
                    [&](double E) { return Eigen::Array<double, n_nodes, 1>(S(E) * polynomials(1 / E)); }, low, high)
                    .value;
            low = high;
        }
    } else {
        // The polynomials are of the degree that the halves are exact for.
        for (const std::size_t part : {group.left, group.right}) {
            for (std::size_t i = 0; i < n_nodes; ++i) {
                weights += groups_[part].weights[i] * polynomials(1 / groups_[part].E[i]);
            }
        }
    }
    std::array<double, n_coarse> coarse;
    for (std::size_t j = 0; j < n_coarse; ++j) {
        coarse[j] = u[2 * j];
    }
    group.coarse_weights.fill(0);
    for (std::size_t i = 0; i < n_nodes; ++i) {
        group.weights[i] = weights[static_cast<Eigen::Index>(i)];
        const std::array<double, n_coarse> L = lagrange_polynomials(coarse, u[i]);
        for (std::size_t j = 0; j < n_coarse; ++j) {
            group.coarse_weights[j] += group.weights[i] * L[j];
        }
    }
}

void SpectrumIntegral::cover(std::size_t number, double low, double high, std::vector<Part>& parts) const {
    if (groups_.empty()) {
        return;
    }
    const Group& group = groups_[number];
    if (!(low < group.high && group.low < high)) {
        return;
    }
    if (low <= group.low && group.high <= high && group.low > 0) {
        parts.push_back({this, number, true, {}});
    } else if (group.size == 1) {
        parts.push_back({this, group.first, false, {std::max(low, group.low), std::min(high, group.high)}});
    } else {
        cover(group.left, low, high, parts);
        cover(group.right, low, high, parts);
    }
}

std::pair<SpectrumIntegral::Part, SpectrumIntegral::Part> SpectrumIntegral::Part::halves() const {
    if (is_group) {
        const Group& group = of->groups_[number];
        if (group.size > 1) {
            return {{of, group.left, true, {}}, {of, group.right, true, {}}};
        }
    }
    const Interval<3> whole = is_group ? Interval<3>{of->groups_[number].low, of->groups_[number].high} : interval;
    const std::size_t piece = is_group ? of->groups_[number].first : number;
    const auto [left, right] = whole.halves();
    return {{of, piece, false, left}, {of, piece, false, right}};
}

} // namespace nuscan::reference
