// SPDX-License-Identifier: Apache-2.0
#include "scan/feature_expansion.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace nuscan {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// t_i t_j of the steps, i <= j; −1 stands for 1, and comes first.
struct Powers {
    int i = -1, j = -1;

    int degree() const { return (i >= 0) + (j >= 0); }
    //! Of the product, whose degree is two at most
    friend Powers operator*(const Powers& a, const Powers& b) {
        if (a.degree() == 1 && b.degree() == 1) {
            return {std::min(a.j, b.j), std::max(a.j, b.j)};
        }
        return a.degree() > 0 ? a : b;
    }
    friend bool operator==(const Powers&, const Powers&) = default;
};

/// A 3×3 matrix as a polynomial in the steps, up to second order: the terms that it has, lower ones first.
class Polynomial {
public:
    struct Part {
        Powers powers;
        Matrix3 factor;
    };

    Polynomial() = default;
    Polynomial(const Matrix3& constant) : parts_{{{}, constant}} {}

    void add(const Powers& powers, const Matrix3& factor) {
        for (Part& part : parts_) {
            if (part.powers == powers) {
                part.factor += factor;
                return;
            }
        }
        const auto higher = [](int degree, const Part& part) { return degree < part.powers.degree(); };
        parts_.insert(std::upper_bound(parts_.begin(), parts_.end(), powers.degree(), higher), {powers, factor});
    }
    const std::vector<Part>& parts() const { return parts_; }

    //! f of all factors
    template <class F>
    Polynomial transformed(const F& f) const {
        Polynomial out;
        for (const Part& part : parts_) {
            out.parts_.push_back({part.powers, f(part.factor)});
        }
        return out;
    }
    friend Polynomial adjoint(const Polynomial& a) {
        return a.transformed([](const Matrix3& m) { return adjoint(m); });
    }
    friend Polynomial operator*(double s, const Polynomial& a) {
        return a.transformed([s](const Matrix3& m) { return Complex(s) * m; });
    }
    friend Polynomial operator+(Polynomial a, const Polynomial& b) {
        for (const Part& part : b.parts_) {
            a.add(part.powers, part.factor);
        }
        return a;
    }
    friend Polynomial operator*(const Polynomial& a, const Polynomial& b) {
        Polynomial out;
        for (const Part& x : a.parts_) {
            for (const Part& y : b.parts_) {
                if (x.powers.degree() + y.powers.degree() > 2) {
                    break;
                }
                out.add(x.powers * y.powers, x.factor * y.factor);
            }
        }
        return out;
    }

private:
    std::vector<Part> parts_;
};

//! E_jk
Matrix3 unit_matrix(int j, int k) {
    Matrix3 m{};
    m(j, k) = 1;
    return m;
}

/// Where an expansion is about: coordinates stand at x, what else there is at the indices of the unit.
struct Centre {
    const ParameterView& parameters;
    const UnitView& unit;
    const std::vector<int>& coordinates; //!< of each axis; −1 where it is none
    const VectorXd& x;

    int coordinate_of(const Scalar& s) const { return s.axis < 0 ? -1 : coordinates[static_cast<std::size_t>(s.axis)]; }
    double value(const Scalar& s) const {
        const int i = coordinate_of(s);
        return i < 0 ? value_of(s, parameters, unit, 0) : x[i];
    }
};

/// U: f(θ) = a + b cos ωθ + c sin ωθ has the derivatives ω (f₊ − f₋)/2 and ω² ((f₊ + f₋)/2 − f), f± being taken where
/// ωθ is larger, or smaller, by π/2.
Polynomial expanded_mixing_matrix(const Centre& at) {
    struct Angle {
        double Mixing::*member;
        const Scalar& scalar;
        double frequency; // of cosine and sine in U
    };
    const MixingScalars& s = at.parameters.mixing;
    const Angle angles[] = {{&Mixing::theta12, s.theta12, 1},   {&Mixing::theta13, s.theta13, 1},
                            {&Mixing::theta23, s.theta23, 1},   {&Mixing::delta, s.delta, 1},
                            {&Mixing::alpha21, s.alpha21, 0.5}, {&Mixing::alpha31, s.alpha31, 0.5}};
    Mixing mixing{};
    for (const Angle& a : angles) {
        mixing.*a.member = at.value(a.scalar);
    }
    const auto shifted = [](Mixing m, const Angle& a, int quarters) {
        m.*a.member += quarters * constants::pi / (2 * a.frequency);
        return m;
    };
    const Matrix3 U = mixing_matrix(mixing);
    Polynomial out(U);
    for (const Angle& a : angles) {
        const int i = at.coordinate_of(a.scalar);
        if (i < 0) {
            continue;
        }
        const Mixing above = shifted(mixing, a, 1), below = shifted(mixing, a, -1);
        const Matrix3 up = mixing_matrix(above), down = mixing_matrix(below);
        const double w = a.frequency;
        out.add({-1, i}, Complex(w / 2) * (up + Complex(-1) * down));
        out.add({i, i}, Complex(w * w / 4) * (up + down + Complex(-2) * U));
        for (const Angle* b = angles; b != &a; ++b) {
            const int j = at.coordinate_of(b->scalar);
            if (j >= 0) {
                const Matrix3 even = mixing_matrix(shifted(above, *b, 1)) + mixing_matrix(shifted(below, *b, -1));
                const Matrix3 odd = mixing_matrix(shifted(above, *b, -1)) + mixing_matrix(shifted(below, *b, 1));
                out.add(Powers{-1, i} * Powers{-1, j}, Complex(w * b->frequency / 4) * (even + Complex(-1) * odd));
            }
        }
    }
    return out;
}

//! What the terms add to V0, V1 and M, in the basis of the scan, where it does not depend on U
std::array<Polynomial, 3> added_couplings(const Centre& at) {
    std::array<Polynomial, 3> out;
    for (int i = 0; i < at.parameters.n_terms; ++i) {
        const Term& term = at.parameters.terms[i];
        const Complex z = term.part == Part::real
                              ? Complex(1)
                              : (term.part == Part::imaginary ? Complex(0, 1) : polar(1, at.value(term.argument)));
        const Matrix3 slope = pattern_matrix(term, z, {}, Basis::mass); // as it stands, in whichever basis
        Polynomial& coupling = out[static_cast<std::size_t>(term.coupling)];
        coupling.add({}, Complex(at.value(term.value)) * slope);
        const int c = at.coordinate_of(term.value);
        if (c >= 0) {
            coupling.add({-1, c}, slope);
        }
    }
    return out;
}

/// ρ of a group, component by component, in the mass basis: what contract() weighs X†Y with.
std::vector<Polynomial> mass_components(const FeatureGroup& group, const Polynomial& U) {
    const int l = static_cast<int>(group.flavour);
    if (group.propagation == Propagation::solar) {
        return {unit_matrix(0, 0), unit_matrix(1, 1), unit_matrix(2, 2)};
    }
    const Polynomial pure = adjoint(U) * (unit_matrix(l, l) * U); // U*_{ℓk} U_{ℓk'}
    if (group.propagation == Propagation::short_baseline) {
        return {pure};
    }
    std::vector<Polynomial> out = {pure.transformed([](const Matrix3& m) {
        Matrix3 diagonal{};
        for (int k = 0; k < 3; ++k) {
            diagonal(k, k) = m(k, k);
        }
        return diagonal;
    })};
    for (int p = 0; p < 3 && group.propagation == Propagation::exact; ++p) {
        const auto [k, k_prime] = state_pair(p);
        for (const Complex phase : {Complex(1), Complex(0, -1)}) { // with cosΔ and sinΔ
            out.push_back(pure.transformed([phase, k = k, k_prime = k_prime](const Matrix3& m) {
                Matrix3 pair{};
                pair(k, k_prime) = phase * m(k, k_prime);
                pair(k_prime, k) = conj(pair(k, k_prime));
                return pair;
            }));
        }
    }
    return out;
}

/// The Hermitian part of a matrix as nine real numbers: products of these are tr(ab).
struct Hermitian {
    Powers powers;
    Eigen::Matrix<double, 9, 1> numbers;
};
std::vector<Hermitian> hermitian(const Polynomial& a) {
    std::vector<Hermitian> out;
    for (const auto& [powers, m] : a.parts()) {
        Eigen::Matrix<double, 9, 1> numbers;
        for (int p = 0; p < 3; ++p) {
            const auto [j, k] = state_pair(p);
            const Complex twice = m(j, k) + conj(m(k, j)); // of each pair there are two elements
            numbers.segment<3>(3 * p) << m(p, p).re, twice.re / constants::sqrt2, twice.im / constants::sqrt2;
        }
        out.push_back({powers, numbers});
    }
    return out;
}

//! ρ of a group in the basis of the scan
std::vector<std::vector<Hermitian>> densities(const FeatureGroup& group, const Polynomial& U, Basis basis) {
    const int l = static_cast<int>(group.flavour);
    if (basis == Basis::flavour && group.propagation == Propagation::short_baseline) {
        return {hermitian(unit_matrix(l, l))};
    }
    std::vector<std::vector<Hermitian>> out;
    for (const Polynomial& rho : mass_components(group, U)) {
        out.push_back(hermitian(basis == Basis::flavour ? U * (rho * adjoint(U)) : rho));
    }
    return out;
}

//! X†Y of the feature matrices of an interaction, in the basis of the scan
std::vector<std::vector<Hermitian>> products(const Interaction& interaction, const std::array<Polynomial, 3>& added,
                                             const Polynomial& U, const ParameterView& p) {
    const Couplings weak = weak_couplings(interaction, scalar_matrix(1), p.sin2_theta_w); // diagonal in flavour
    const auto in_basis = [&](const Matrix3& m) {
        return p.basis == Basis::flavour ? Polynomial(m) : adjoint(U) * (m * U);
    };
    const double sign = vector_sign(interaction.target);
    const Polynomial V0 = in_basis(weak.V0) + sign * added[0], V1 = sign * added[1], A = in_basis(weak.A);
    const Polynomial& M = added[2];
    const Polynomial V0_adjoint = adjoint(V0), A_adjoint = adjoint(A);
    return {hermitian(V0_adjoint * V0), hermitian(2 * (V0_adjoint * V1)), hermitian(adjoint(V1) * V1),
            hermitian(A_adjoint * A),   hermitian(A_adjoint * V0),        hermitian(A_adjoint * V1),
            hermitian(adjoint(M) * M)};
}

//! The row of an expansion that is a number itself
template <class Row>
void expand(const Centre& at, const Scalar& s, Row row) {
    const int i = at.coordinate_of(s);
    row[0] = at.value(s);
    if (i >= 0) {
        row[1 + i] = 1;
    }
}

//! Multiplies an expansion by a number that it does not depend on
template <class Rows>
void scale(const Centre& at, const Scalar& s, Rows rows) {
    const int i = at.coordinate_of(s);
    if (i < 0) {
        rows *= at.value(s);
        return;
    }
    const MatrixXd slopes = rows;
    const Index d = at.x.size();
    rows *= at.value(s);
    rows.col(1 + i) += slopes.col(0);
    for (int j = 0; j < d; ++j) {
        rows.col(FeatureExpansion::product(d, std::min(i, j), std::max(i, j))) += slopes.col(1 + j);
    }
}

} // namespace

FeatureExpansion::FeatureExpansion(const PlanView& plan, const UnitView& unit, const std::vector<int>& coordinates)
    : plan_(plan), unit_(unit), coordinates_(static_cast<std::size_t>(plan.parameters.n_axes), -1),
      d_(static_cast<Index>(coordinates.size())) {
    for (std::size_t i = 0; i < coordinates.size(); ++i) {
        coordinates_[static_cast<std::size_t>(coordinates[i])] = static_cast<int>(i);
    }
    const MixingScalars& m = plan.parameters.mixing;
    std::vector<Scalar> medium = {m.theta12, m.theta13, m.theta23, m.delta, m.alpha21, m.alpha31};
    for (int e = 0; e < plan.n_experiments; ++e) {
        medium.push_back(plan.experiments[e].signal_normalisation);
    }
    is_quadratic_ = std::none_of(medium.begin(), medium.end(), [&](const Scalar& s) {
        return std::count(coordinates.begin(), coordinates.end(), s.axis) > 0;
    });
}

MatrixXd FeatureExpansion::operator()(const VectorXd& x) const {
    const ParameterView& p = plan_.parameters;
    const Centre at{p, unit_, coordinates_, x};
    const Polynomial U = expanded_mixing_matrix(at);
    const std::array<Polynomial, 3> added = added_couplings(at);
    std::vector<std::vector<std::vector<Hermitian>>> of_interactions;
    for (int i = 0; i < p.n_interactions; ++i) {
        of_interactions.push_back(products(p.interactions[i], added, U, p));
    }
    std::map<std::pair<Flavour, Propagation>, std::vector<std::vector<Hermitian>>> of_neutrinos;

    MatrixXd out = MatrixXd::Zero(plan_.n_features, product(d_, 0, d_));
    for (int e = 0; e < plan_.n_experiments; ++e) {
        const ExperimentView& experiment = plan_.experiments[e];
        Index row = experiment.first_feature;
        for (int g = 0; g < experiment.n_groups; ++g) {
            const FeatureGroup& group = experiment.groups[g];
            std::vector<std::vector<Hermitian>>& components = of_neutrinos[{group.flavour, group.propagation}];
            if (components.empty()) {
                components = densities(group, U, p.basis);
            }
            for (const std::vector<Hermitian>& H : of_interactions[static_cast<std::size_t>(group.interaction)]) {
                for (const std::vector<Hermitian>& rho : components) {
                    for (const Hermitian& a : rho) {
                        for (const Hermitian& b : H) {
                            if (a.powers.degree() + b.powers.degree() > 2) {
                                break;
                            }
                            const auto [i, j] = a.powers * b.powers;
                            out(row, i < 0 ? 1 + j : product(d_, i, j)) += a.numbers.dot(b.numbers);
                        }
                    }
                    ++row;
                }
            }
        }
        scale(at, experiment.signal_normalisation,
              out.middleRows(experiment.first_feature, row - experiment.first_feature));
        for (int k = 0; k < experiment.n_backgrounds; ++k, ++row) {
            expand(at, experiment.normalisations[k], out.row(row));
        }
    }
    for (int i = 0; i < plan_.n_pins; ++i) {
        expand(at, plan_.pins[i], out.row(plan_.n_features - plan_.n_pins + i));
    }
    return out;
}

} // namespace nuscan
