// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>

#include "nuscan/prediction.hpp"

/// χ² of Gaussian experiments without their bins.
///
/// On a plane every whitened residual is r_b = Σ_ij c_bij L_i R_j with L = (1, u, v) of the line axis and R that of the
/// row axis. χ² = Σ_b r_b² is therefore a quadratic form in the nine L_i R_j, found once a plane; on a row it has six
/// coefficients, of 1, u, v, u², uv, v², and with v = u² it is a quartic in u.
///
/// The form's terms can be far larger than χ². Origins of linear axes lie at the standard model, where residuals are
/// small, or as near to it as the axis comes; and what rounding may have cost is known at every point from the norms of
/// the nine vectors c_ij (Cauchy and Schwarz), so that a point where it is too much is done from its bins.
namespace nuscan {

//! Products L_i L_k with i <= k: 1, u, v, u², uv, v²
inline constexpr int n_products = 6;
//! Numbers of a form: products of the line × those of the row
inline constexpr int n_form = n_products * n_products;
//! What a plane leaves of its bins: the form, and the norms of the c_ij
inline constexpr int n_collapsed = n_form + n_plane_coefficients;

//! Rounding of the form, as a part of (Σ_ij |c_ij| |L_i R_j|)²: a few roundings of half a unit in the last place, and
//! those of sums over bins, which add up like errors of either sign
NUSCAN_HOST_DEVICE inline double collapsed_rounding(int n_bins) { return 1.1e-16 * (8 + std::sqrt(double(n_bins))); }
//! What the form may miss χ² by: absolutely, and relative to it
inline constexpr double collapsed_tolerance = 1e-9, collapsed_relative_tolerance = 1e-12;

//! Coefficients of 1, x, x² about another origin, from those of 1, u, u²: u = origin + x
NUSCAN_HOST_DEVICE constexpr void move_origin(double& c0, double& c1, const double& c2, double origin) {
    c0 += origin * (c1 + origin * c2);
    c1 += 2 * origin * c2;
}

/// Moves the origins of a column's nine coefficients to those of the axes; \p plane as in row_coefficient().
NUSCAN_HOST_DEVICE inline void centre_column(const PlanView& plan, double* plane, int column) {
    double* c[3][3];
    for (int i = 0; i < n_plane_coefficients; ++i) {
        c[i / 3][i % 3] = plane + static_cast<std::ptrdiff_t>(i) * plan.n_columns + column;
    }
    for (int i = 0; i < 3; ++i) { // zero where there is no axis, or a circular one
        move_origin(*c[i][0], *c[i][1], *c[i][2], plan.layout.row_origin);
    }
    for (int j = 0; j < 3; ++j) {
        move_origin(*c[0][j], *c[1][j], *c[2][j], plan.layout.line_origin);
    }
}

//! u and v of an index on an axis from its origin
NUSCAN_HOST_DEVICE constexpr AxisFactors centred_factors(const PlanView& plan, const UnitView& unit, int axis,
                                                         std::int64_t offset) {
    const AxisFactors at = axis_factors(plan, unit, axis, offset);
    if (axis_shape(plan, axis) == AxisShape::circular || axis < 0) {
        return at;
    }
    const double x = at.u - (axis == plan.layout.line_axis ? plan.layout.line_origin : plan.layout.row_origin);
    return {x, x * x};
}

//! i and k of a product L_i L_k
struct Product {
    int i, k;
};
NUSCAN_HOST_DEVICE constexpr Product product(int number) {
    return number < 3 ? Product{0, number} : number == 3 ? Product{1, 1} : number == 4 ? Product{1, 2} : Product{2, 2};
}

//! Σ_b a_b b_b
NUSCAN_HOST_DEVICE inline double sum_products(const double* a, const double* b, int n_bins) {
    double sum = 0;
    for (int bin = 0; bin < n_bins; ++bin) {
        sum = std::fma(a[bin], b[bin], sum);
    }
    return sum;
}

/// Number \p i of a form and the norms that follow it, from dot(p, q), symmetric, of the vectors of coefficients p, q.
template <class Dot>
NUSCAN_HOST_DEVICE double form_number(const Dot& dot, int i) {
    if (i >= n_form) {
        return std::sqrt(dot(i - n_form, i - n_form));
    }
    const Product line = product(i / n_products), row = product(i % n_products);
    double sum = dot(3 * line.i + row.i, 3 * line.k + row.k);
    if (line.i != line.k && row.i != row.k) { // the same product, paired the other way
        sum += dot(3 * line.i + row.k, 3 * line.k + row.i);
    }
    return line.i == line.k && row.i == row.k ? sum : 2 * sum;
}

/// Number \p i of the n_collapsed of a plane, from its centred coefficients.
NUSCAN_HOST_DEVICE inline double collapsed_number(const PlanView& plan, const double* plane, int i) {
    const auto dot = [&](int p, int q) {
        return sum_products(plane + static_cast<std::ptrdiff_t>(p) * plan.n_columns,
                            plane + static_cast<std::ptrdiff_t>(q) * plan.n_columns, plan.n_bins);
    };
    return form_number(dot, i);
}

/// χ² along a row, and how far it can be trusted.
struct CollapsedRow {
    AxisShape shape;      //!< of the line axis
    double k[n_products]; //!< of 1, u, v, u², uv, v²; where v = u² of 1, u, u², u³, u⁴
    double norm[3];       //!< Σ_j |c_ij| |R_j|
    double rounding;      //!< as a part of the square of the norms' sum
    double reach;         //!< rounding does not matter where |u| (circular: always, or never) is at most this
    bool finite;          //!< no point of it is NaN; else the reach is negative
};

//! What a row needs of these: six coefficients and three norms
inline constexpr int n_row_numbers = n_products + 3;

//! Number \p i of a row's, from the numbers of its plane
NUSCAN_HOST_DEVICE inline double collapsed_row_number(const double* plane, const AxisFactors& row, int i) {
    if (i < n_products) {
        const double* form = plane + i * n_products;
        const double constant = std::fma(row.v, form[2], std::fma(row.u, form[1], form[0]));
        const double by_u = std::fma(row.v, form[4], row.u * form[3]);
        return std::fma(row.v, row.v * form[5], std::fma(row.u, by_u, constant));
    }
    const double* norms = plane + n_form + 3 * (i - n_products);
    return std::fma(norms[2], std::fabs(row.v), std::fma(norms[1], std::fabs(row.u), norms[0]));
}

//! \p numbers as above; \p penalty is added to χ²
NUSCAN_HOST_DEVICE inline CollapsedRow collapsed_row(const PlanView& plan, const double* numbers, double penalty) {
    const AxisShape shape = axis_shape(plan, plan.layout.line_axis);
    CollapsedRow row{shape, {}, {}, collapsed_rounding(plan.n_bins), -1, false};
    double size = 0;
    for (int i = 0; i < n_products; ++i) {
        row.k[i] = i == 0 ? numbers[i] + penalty : numbers[i];
        size += std::fabs(row.k[i]);
    }
    for (int i = 0; i < 3; ++i) {
        row.norm[i] = numbers[n_products + i];
        size += row.norm[i];
    }
    row.finite = size < constants::infinity;
    // Largest Σ |c| |L R| at which rounding stays below the tolerance; where it does, so it does below
    const double most = std::sqrt(collapsed_tolerance / row.rounding) - row.norm[0];
    if (shape == AxisShape::circular) {
        row.reach = row.finite && row.norm[1] + row.norm[2] <= most ? constants::infinity : -1;
        return row;
    }
    row.k[2] += row.k[3]; // u²
    row.k[3] = row.k[4];
    row.k[4] = row.k[5];
    if (row.finite && most > 0) { // norm_1 x + norm_2 x² = most; infinite where nothing depends on u
        const double root = std::sqrt(std::fma(row.norm[1], row.norm[1], 4 * row.norm[2] * most));
        row.reach = 2 * most / (row.norm[1] + root);
    }
    return row;
}

//! A form at a point of a row, from its coefficients there: four multiply-adds, or five on a circular axis
template <AxisShape shape, class Real>
NUSCAN_HOST_DEVICE Real form_at(const double* coefficients, const Real& u, const Real& v) {
    using std::fma;
    const auto k = [&](int i) { return Real(coefficients[i]); };
    if (shape == AxisShape::linear) {
        return fma(u, fma(u, fma(u, fma(u, k(4), k(3)), k(2)), k(1)), k(0));
    }
    const Real by_u = fma(v, k(4), fma(u, k(3), k(1)));
    return fma(v, fma(v, k(5), k(2)), fma(u, by_u, k(0)));
}

//! Σ_ij |c_ij| |L_i R_j| at a point of a row
template <class Real>
NUSCAN_HOST_DEVICE Real size_at(const double* norm, const Real& u, const Real& v) {
    using std::fabs, std::fma;
    return fma(Real(norm[2]), fabs(v), fma(Real(norm[1]), fabs(u), Real(norm[0])));
}

//! χ² at a point of a row by the form
template <AxisShape shape, class Real>
NUSCAN_HOST_DEVICE Real collapsed_chi2(const CollapsedRow& row, const Real& u, const Real& v) {
    return form_at<shape>(row.k, u, v);
}

//! Whether rounding has left χ² at a point within the tolerance
template <class Real>
NUSCAN_HOST_DEVICE Mask<Real> is_precise(const CollapsedRow& row, const Real& u, const Real& v, const Real& chi2) {
    using std::fma;
    const Real size = size_at(row.norm, u, v);
    return Real(row.rounding) * size * size <= fma(Real(collapsed_relative_tolerance), chi2, Real(collapsed_tolerance));
}

//! χ² of a point from the bins of its plane, where the form is not precise
NUSCAN_HOST_DEVICE inline double uncollapsed_chi2(const PlanView& plan, const double* plane, const AxisFactors& row,
                                                  const AxisFactors& line) {
    double chi2 = 0;
    for (int b = 0; b < plan.n_bins; ++b) {
        const auto c = [&](int i) { return row_coefficient(plane, plan.n_columns, i, b, row); };
        const double r = std::fma(c(2), line.v, std::fma(c(1), line.u, c(0)));
        chi2 = std::fma(r, r, chi2);
    }
    return chi2;
}

} // namespace nuscan
