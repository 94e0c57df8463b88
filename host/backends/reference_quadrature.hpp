// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <Eigen/Core>
#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>

#include "experiments/experiment.hpp"

/// Adaptive quadrature of the literal implementation.
namespace nuscan::reference {

//! Value and error of an integral of one function, or of many at once
template <class Array>
struct Estimate {
    Array value, error;
};

//! One number in the form that the templates here take
using Number = Eigen::Array<double, 1, 1>;

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

/// An interval with the knots inside it, at which the integrand may have weak kinks: it is divided at these first.
template <unsigned n>
struct Interval {
    double low, high;
    std::span<const double> knots = {}; //!< low < knot < high, ascending

    template <class Array, class F>
    Estimate<Array> estimate(const F& f) const {
        return gauss_kronrod<n, Array>(f, low, high);
    }
    std::pair<Interval, Interval> halves() const {
        if (knots.empty()) {
            const double middle = (low + high) / 2;
            return {{low, middle}, {middle, high}};
        }
        const std::size_t i = knots.size() / 2;
        return {{low, knots[i], knots.first(i)}, {knots[i], high, knots.subspan(i + 1)}};
    }
};

//! Halves a part of an integral until no error exceeds what is \p allowed, or rounding
template <class Array, class F, class Part>
Array refine(const F& f, const Part& part, const Estimate<Array>& whole, const Array& allowed, int depth = 40) {
    if (depth == 0 || (whole.error <= allowed.max(1e-14 * whole.value.abs())).all()) {
        return whole.value;
    }
    const auto [left, right] = part.halves();
    return refine(f, left, left.template estimate<Array>(f), allowed, depth - 1) +
           refine(f, right, right.template estimate<Array>(f), allowed, depth - 1);
}

/// Adaptive integral of \p n_functions over \p parts; to \p tolerance relative to the sum.
template <class Array, class F, class Part>
Array integrals(const F& f, const std::vector<Part>& parts, Eigen::Index n_functions, double tolerance) {
    std::vector<Estimate<Array>> first;
    Array sum = Array::Zero(n_functions);
    for (const Part& part : parts) {
        first.push_back(part.template estimate<Array>(f));
        sum += first.back().value;
    }
    // A function that is next to nothing beside the others need not be known to its last digits.
    const Array allowed = tolerance * sum.abs().max(1e-12 * sum.abs().sum());
    Array result = Array::Zero(n_functions);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        result += refine(f, parts[i], first[i], allowed);
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
    std::vector<Interval<n>> parts;
    double low = a;
    const auto end = std::lower_bound(kinks.begin(), kinks.end(), b);
    for (auto kink = std::upper_bound(kinks.begin(), kinks.end(), a); kink < end; ++kink) {
        parts.push_back({low, *kink});
        low = *kink;
    }
    parts.push_back({low, b});
    return integrals<Number>([&](double x) { return Number(f(x)); }, parts, 1, tolerance)[0];
}

/// ∫ S(E) f(E) dE over a spectrum S that is linear between the knots of its table.
///
/// Neutrino energies enter cross-sections as 1, 1/E and 1/E², and phases as 1/E: in 1/E a function f is smooth from a
/// knot to one far away, where S is not. So S is the weight of the rules here. A group of consecutive pieces of the
/// table has the rule that is exact for polynomials of eighth degree in 1/E, and the one of fourth degree inside it,
/// whose difference is the error; groups are halved down to single pieces, and these by Gauss-Kronrod rules of S f. The
/// weights ∫ S(E) L_j(1/E) dE depend on the table alone, and serve all recoil energies and all points of a scan.
class SpectrumIntegral {
public:
    explicit SpectrumIntegral(const Table& spectrum);

    //! \param kinks of f, ascending
    template <class F>
    double operator()(const F& f, double low, double high, const std::vector<double>& kinks, double tolerance) const {
        std::vector<Part> parts;
        for (const double kink : kinks) {
            if (kink > low && kink < high) {
                cover(0, low, kink, parts);
                low = kink;
            }
        }
        cover(0, low, high, parts);
        return integrals<Number>([&](double E) { return Number(f(E)); }, parts, 1, tolerance)[0];
    }

private:
    static constexpr int n_nodes = 9, n_coarse = 5; // extrema of Chebyshev polynomials: every other one is coarse

    struct Piece {
        double low, high; //!< [MeV]
        double at_low, slope;
        double operator()(double E) const { return at_low + slope * (E - low); }
    };
    //! Consecutive pieces, from `first` on, and the halves of it
    struct Group {
        std::size_t first, size;
        std::size_t left = 0, right = 0;
        double low, high;
        std::array<double, n_nodes> E, weights;
        std::array<double, n_coarse> coarse_weights;
    };
    //! A group, or an interval inside a piece
    struct Part {
        const SpectrumIntegral* of;
        std::size_t number; //!< of the group, or of the piece
        bool is_group;
        Interval<3> interval;

        template <class Array, class F>
        Estimate<Array> estimate(const F& f) const {
            if (!is_group) {
                const Piece& S = of->pieces_[number];
                return interval.estimate<Array>([&](double E) { return Array(S(E) * f(E)); });
            }
            const Group& group = of->groups_[number];
            Array fine = Array::Zero(), coarse = Array::Zero();
            for (std::size_t j = 0; j < n_nodes; ++j) {
                const Array value = f(group.E[j]);
                fine += group.weights[j] * value;
                if (j % 2 == 0) {
                    coarse += group.coarse_weights[j / 2] * value;
                }
            }
            return {fine, (fine - coarse).abs()};
        }
        std::pair<Part, Part> halves() const;
    };

    std::size_t add_group(std::size_t first, std::size_t size);
    void add_weights(Group& group) const;
    //! The parts of a group that are inside an interval
    void cover(std::size_t group, double low, double high, std::vector<Part>& parts) const;

    std::vector<Piece> pieces_;
    std::vector<Group> groups_; // the first one is all
};

} // namespace nuscan::reference
