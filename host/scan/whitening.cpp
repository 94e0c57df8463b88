// SPDX-License-Identifier: Apache-2.0
#include "scan/whitening.hpp"

#include <cmath>

#include <Eigen/Dense>

namespace nuscan {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using ConstMap = Eigen::Map<const VectorXd>;

//! Of free backgrounds, what their combinations must have relative to the largest to count as independent
constexpr double least_singular = 1e-12;

ConstMap map(const std::vector<double>& x) { return {x.data(), static_cast<Index>(x.size())}; }

//! Background k in units of the errors
VectorXd in_errors(const std::vector<double>& templates, std::size_t k, const std::vector<double>& errors) {
    const ConstMap sigma = map(errors);
    return ConstMap(templates.data() + k * errors.size(), sigma.size()).cwiseQuotient(sigma);
}

void append(MatrixXd& columns, const VectorXd& column) {
    columns.conservativeResize(column.size(), columns.cols() + 1);
    columns.rightCols(1) = column;
}

} // namespace

GaussianView Whitening::view(const std::vector<double>& counts) const {
    return {static_cast<int>(counts.size()),
            counts.data(),
            inverse_errors.data(),
            static_cast<int>(shrinkages.size()),
            directions.data(),
            shrinkages.data(),
            nullptr,
            nullptr,
            constants::infinity};
}

Whitening make_whitening(const std::vector<double>& errors, const std::vector<double>& templates,
                         const std::vector<double>& sigmas) {
    Whitening w;
    for (const double sigma : errors) {
        w.inverse_errors.push_back(1 / sigma);
    }
    const auto add = [&w](const VectorXd& direction, double shrinkage) {
        w.directions.insert(w.directions.end(), direction.begin(), direction.end());
        w.shrinkages.push_back(shrinkage);
    };
    const auto n = static_cast<Index>(errors.size());
    MatrixXd free(n, 0), pulled(n, 0);
    for (std::size_t k = 0; k < sigmas.size(); ++k) {
        const VectorXd B = in_errors(templates, k, errors);
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

std::vector<double> gaussian_pulls(const std::vector<double>& counts, const std::vector<double>& errors,
                                   const std::vector<double>& nominal, const std::vector<double>& templates,
                                   const std::vector<double>& sigmas) {
    // Least squares in ξ_k/σ_k, or ξ_k where it is free: a row for each bin, then one for each prior
    const auto n = static_cast<Index>(errors.size()), K = static_cast<Index>(sigmas.size());
    if (K == 0) {
        return {};
    }
    MatrixXd A = MatrixXd::Zero(n + K, K);
    VectorXd scale(K), y = VectorXd::Zero(n + K);
    y.head(n) = (map(counts) - map(nominal)).cwiseQuotient(map(errors));
    for (Index k = 0; k < K; ++k) {
        const VectorXd B = in_errors(templates, static_cast<std::size_t>(k), errors);
        const double sigma = sigmas[static_cast<std::size_t>(k)];
        scale[k] = std::isinf(sigma) ? 1 / B.norm() : sigma;
        A.col(k).head(n) = scale[k] * B;
        A(n + k, k) = std::isinf(sigma) ? 0 : 1;
    }
    const VectorXd xi = scale.cwiseProduct(A.completeOrthogonalDecomposition().solve(y));
    return {xi.begin(), xi.end()};
}

} // namespace nuscan
