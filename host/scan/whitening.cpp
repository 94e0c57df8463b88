// SPDX-License-Identifier: Apache-2.0
#include "scan/whitening.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>

namespace nuscan {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

//! Of free backgrounds, what their combinations must have relative to the largest to count as independent
constexpr double least_singular = 1e-12;

//! R: of independent errors their inverse, of a covariance that of Cholesky's factor, each row ending on the diagonal
std::vector<double> inverse_root(const std::vector<double>& errors, const std::vector<double>& covariance) {
    std::vector<double> root(std::max(errors.size(), covariance.size()));
    if (covariance.empty()) {
        std::transform(errors.begin(), errors.end(), root.begin(), [](double sigma) { return 1 / sigma; });
        return root;
    }
    const auto n = static_cast<Index>(errors.size());
    const Eigen::Map<const MatrixXd> C(covariance.data(), n, n);
    const MatrixXd R = C.llt().matrixL().solve(MatrixXd::Identity(n, n));
    for (Index b = 0; b < n; ++b) {
        for (Index c = 0; c <= b; ++c) {
            root[static_cast<std::size_t>(b * n + n - 1 - (b - c))] = R(b, c);
        }
    }
    return root;
}

//! R times column k of several, one after the other
VectorXd in_errors(const Whitening& whitening, const std::vector<double>& columns, std::size_t n, std::size_t k = 0) {
    const std::vector<double> x(columns.begin() + static_cast<std::ptrdiff_t>(k * n),
                                columns.begin() + static_cast<std::ptrdiff_t>((k + 1) * n));
    const GaussianView view = whitening.view(x);
    const auto at = [&x](int b) { return x[static_cast<std::size_t>(b)]; };
    VectorXd out(view.n_bins);
    for (int b = 0; b < view.n_bins; ++b) {
        out[b] = in_errors(view, at, b);
    }
    return out;
}

void append(MatrixXd& columns, const VectorXd& column) {
    columns.conservativeResize(column.size(), columns.cols() + 1);
    columns.rightCols(1) = column;
}

} // namespace

GaussianView Whitening::view(const std::vector<double>& counts) const {
    return {static_cast<int>(counts.size()),
            counts.data(),
            counts.empty() ? 0 : static_cast<int>(root.size() / counts.size()),
            root.data(),
            static_cast<int>(shrinkages.size()),
            directions.data(),
            shrinkages.data(),
            nullptr,
            nullptr,
            constants::infinity};
}

Whitening make_whitening(const std::vector<double>& errors, const std::vector<double>& templates,
                         const std::vector<double>& sigmas, const std::vector<double>& covariance) {
    Whitening w{inverse_root(errors, covariance), {}, {}};
    const auto add = [&w](const VectorXd& direction, double shrinkage) {
        w.directions.insert(w.directions.end(), direction.begin(), direction.end());
        w.shrinkages.push_back(shrinkage);
    };
    const auto n = static_cast<Index>(errors.size());
    MatrixXd free(n, 0), pulled(n, 0);
    for (std::size_t k = 0; k < sigmas.size(); ++k) {
        const VectorXd B = in_errors(w, templates, errors.size(), k);
        if (B.norm() == 0) {
            continue; // without its solar part there may be nothing left of a background
        }
        if (std::isinf(sigmas[k])) {
            append(free, B / B.norm());
        } else {
            append(pulled, sigmas[k] * B);
        }
    }
    if (free.cols() > 0) {
        const Eigen::JacobiSVD<MatrixXd> svd(free, Eigen::ComputeThinU);
        const VectorXd& s = svd.singularValues();
        for (Index j = 0; j < s.size() && s[j] > least_singular * s[0]; ++j) {
            const VectorXd q = svd.matrixU().col(j);
            add(q, 1);
            pulled -= q * (q.transpose() * pulled);
        }
    }
    if (pulled.cols() > 0) {
        const Eigen::JacobiSVD<MatrixXd> svd(pulled, Eigen::ComputeThinU);
        for (Index j = 0; j < svd.singularValues().size(); ++j) {
            const double root = std::hypot(1, svd.singularValues()[j]);
            add(svd.matrixU().col(j), (svd.singularValues()[j] / root) * (svd.singularValues()[j] / (1 + root)));
        }
    }
    return w;
}

std::vector<double> gaussian_pulls(const std::vector<double>& counts, const Whitening& whitening,
                                   const std::vector<double>& nominal, const std::vector<double>& templates,
                                   const std::vector<double>& sigmas) {
    // Least squares in ξ_k/σ_k, or ξ_k where it is free: a row for each bin, then one for each prior
    const auto n = static_cast<Index>(counts.size()), K = static_cast<Index>(sigmas.size());
    if (K == 0) {
        return {};
    }
    MatrixXd A = MatrixXd::Zero(n + K, K);
    VectorXd scale(K), y = VectorXd::Zero(n + K);
    y.head(n) = in_errors(whitening, counts, counts.size()) - in_errors(whitening, nominal, counts.size());
    for (Index k = 0; k < K; ++k) {
        const VectorXd B = in_errors(whitening, templates, counts.size(), static_cast<std::size_t>(k));
        const double sigma = sigmas[static_cast<std::size_t>(k)];
        scale[k] = std::isinf(sigma) && B.norm() > 0 ? 1 / B.norm() : sigma;
        scale[k] = std::isinf(scale[k]) ? 1 : scale[k];
        A.col(k).head(n) = scale[k] * B;
        A(n + k, k) = std::isinf(sigma) ? 0 : 1;
    }
    const VectorXd xi = scale.cwiseProduct(A.completeOrthogonalDecomposition().solve(y));
    return {xi.begin(), xi.end()};
}

} // namespace nuscan
