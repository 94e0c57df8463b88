// SPDX-License-Identifier: Apache-2.0
#include "scan/degeneracy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <Eigen/Eigenvalues>
#include <fmt/format.h>

namespace nuscan {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double flat = 1e-8;            //!< eigenvalues below this are those of directions that are not determined
constexpr double rounding = 1e-15;       //!< of eigenvalues
constexpr double largest_variance = 100; //!< along flat directions, of what is still determined
constexpr double component = 1e-6;       //!< of unit vectors; less is rounding

/// Row echelon form of \p rows, with every pivot one and alone in its column, and the columns of the pivots.
std::vector<Index> reduce(MatrixXd& rows) {
    std::vector<Index> pivots;
    for (Index column = 0; column < rows.cols() && std::ssize(pivots) < rows.rows(); ++column) {
        const auto row = static_cast<Index>(pivots.size());
        Index best = 0;
        if (!(rows.col(column).tail(rows.rows() - row).cwiseAbs().maxCoeff(&best) > component)) {
            continue;
        }
        rows.row(row).swap(rows.row(row + best));
        rows.row(row) /= rows(row, column);
        for (Index other = 0; other < rows.rows(); ++other) {
            if (other != row) {
                rows.row(other) -= rows(other, column) * rows.row(row);
            }
        }
        pivots.push_back(column);
    }
    return pivots;
}

/// Parameters that flat directions tie together. \param scale of a parameter over its unit-diagonal coordinate
std::vector<Degeneracy> degeneracies_of(MatrixXd directions, const VectorXd& scale) {
    const std::vector<Index> pivots = reduce(directions);
    const auto n = static_cast<std::size_t>(directions.cols());
    const auto touches = [&](std::size_t row, std::size_t k) {
        return std::abs(directions(static_cast<Index>(row), static_cast<Index>(k))) > component;
    };
    std::vector<std::size_t> group(n); // the lowest parameter that is tied to it
    std::iota(group.begin(), group.end(), std::size_t{0});
    for (std::size_t row = 0; row < pivots.size(); ++row) {
        for (std::size_t k = 0; k < n; ++k) {
            if (touches(row, k)) {
                const std::size_t from = group[k], to = group[static_cast<std::size_t>(pivots[row])];
                std::replace(group.begin(), group.end(), std::max(from, to), std::min(from, to));
            }
        }
    }
    std::vector<Degeneracy> out;
    for (std::size_t first = 0; first < n; ++first) {
        Degeneracy found;
        for (std::size_t k = 0; k < n; ++k) {
            bool moves = false;
            for (std::size_t row = 0; row < pivots.size(); ++row) {
                moves = moves || touches(row, k);
            }
            if (group[k] == first && moves) {
                found.parameters.push_back(static_cast<int>(k));
            }
        }
        // w·v = 0 of all flat directions v: one parameter that is no pivot, and what of the pivots makes up for it
        for (const int free : found.parameters) {
            if (std::count(pivots.begin(), pivots.end(), free) > 0) {
                continue;
            }
            std::vector<double> coefficients;
            double smallest = std::numeric_limits<double>::infinity(), sign = 0;
            for (const int k : found.parameters) {
                const auto pivot = std::find(pivots.begin(), pivots.end(), k);
                const double w = k == free ? 1 : pivot == pivots.end() ? 0 : -directions(pivot - pivots.begin(), free);
                coefficients.push_back(std::abs(w) > component ? w / scale[k] : 0);
                const double c = coefficients.back();
                smallest = c != 0 ? std::min(smallest, std::abs(c)) : smallest;
                sign = sign == 0 && c != 0 ? std::copysign(1, c) : sign;
            }
            for (double& c : coefficients) {
                c *= sign / smallest;
            }
            found.combinations.push_back(std::move(coefficients));
        }
        if (!found.parameters.empty()) {
            out.push_back(std::move(found));
        }
    }
    return out;
}

std::string describe(const std::vector<double>& coefficients, const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const double c = coefficients[i];
        if (c == 0) {
            continue;
        }
        text += text.empty() ? (c < 0 ? "-" : "") : (c < 0 ? " - " : " + ");
        const std::string number = fmt::format("{:.4g}", std::abs(c));
        text += number == "1" ? names[i] : number + " " + names[i];
    }
    return text;
}

} // namespace

Curvature curvature_of(const MatrixXd& hessian) {
    const Index n = hessian.rows();
    Curvature out{VectorXd::Constant(n, std::numeric_limits<double>::quiet_NaN()), {}};
    if (n == 0 || !hessian.allFinite()) {
        return out;
    }
    const VectorXd diagonal = hessian.diagonal().cwiseAbs();
    const VectorXd scale = (diagonal.array() > 0).select(diagonal.cwiseSqrt().cwiseInverse(), 1);
    const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(scale.asDiagonal() * hessian * scale.asDiagonal());
    const VectorXd& eigenvalues = solver.eigenvalues(); // increasing
    const auto n_flat = std::count_if(eigenvalues.begin(), eigenvalues.end(), [](double e) { return !(e >= flat); });
    MatrixXd directions = solver.eigenvectors().leftCols(n_flat).transpose();
    for (Index k = 0; k < n; ++k) { // variances in units of those with all other parameters held
        const VectorXd parts =
            solver.eigenvectors().row(k).transpose().array().square() / eigenvalues.array().max(rounding);
        if (n_flat > 0 && parts.head(n_flat).sum() > largest_variance) {
            continue;
        }
        directions.col(k).setZero();
        out.errors[k] = scale[k] * std::sqrt(parts.sum());
    }
    if (n_flat > 0) {
        out.degeneracies = degeneracies_of(directions, scale);
    }
    return out;
}

std::string enumerate(const std::vector<std::string>& items) {
    std::string text;
    for (std::size_t i = 0; i < items.size(); ++i) {
        text += (i == 0 ? "" : i + 1 < items.size() ? ", " : " and ") + items[i];
    }
    return text;
}

std::string describe(const Degeneracy& degeneracy, const std::vector<std::string>& names) {
    std::vector<std::string> own, combinations;
    for (const int k : degeneracy.parameters) {
        own.push_back(names[static_cast<std::size_t>(k)]);
    }
    if (degeneracy.combinations.empty()) {
        return "nothing depends on " + enumerate(own);
    }
    for (const std::vector<double>& coefficients : degeneracy.combinations) {
        combinations.push_back(describe(coefficients, own));
    }
    return fmt::format("{} are degenerate: only {} {} determined", enumerate(own), enumerate(combinations),
                       combinations.size() == 1 ? "is" : "are");
}

} // namespace nuscan
