// SPDX-License-Identifier: Apache-2.0
#include "scan/chi2_surface.hpp"

namespace nuscan {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Leaves of a function's derivatives those of its minimum over variables \p n and above, to second order.
///
/// Variables without curvature of their own are combinations of others: they move nothing.
void minimise_over_the_rest(VectorXd& gradient, MatrixXd& hessian, Index n) {
    const VectorXd diagonal = hessian.diagonal();
    for (Index k = gradient.size() - 1; k >= n; --k) {
        const double pivot = hessian(k, k);
        if (pivot > 1e-12 * diagonal[k]) {
            const VectorXd column = hessian.col(k).head(k);
            gradient.head(k) -= column * (gradient[k] / pivot);
            hessian.topLeftCorner(k, k) -= column * column.transpose() / pivot;
        }
    }
    gradient.conservativeResize(n);
    hessian.conservativeResize(n, n);
}

} // namespace

Chi2Surface::Chi2Surface(PlanView plan, const UnitView& unit, const std::vector<int>& coordinates)
    : d_(static_cast<Index>(coordinates.size())) {
    // Features are polynomials first: n_features × monomials
    MatrixXd features = MatrixXd::Zero(plan.n_features, product(0, d_));
    MatrixXd plane(n_plane_coefficients, plan.n_features); // column by column as plane_features writes it
    constexpr int one = 0, line = 3, line_squared = 6, line_and_row = 4;
    for (Index j = 0; j < d_; ++j) {
        for (Index i = 0; i <= j; ++i) {
            plan.layout = PlaneLayout{coordinates[static_cast<std::size_t>(i)],
                                      i == j ? -1 : coordinates[static_cast<std::size_t>(j)]};
            plane_features(plan, unit, 0, plane.data());
            if (i == j) {
                features.col(0) = plane.row(one);
                features.col(1 + i) = plane.row(line);
            }
            features.col(product(i, j)) = plane.row(i == j ? line_squared : line_and_row);
        }
    }
    for (int e = 0; e < plan.n_experiments; ++e) {
        const ExperimentView& experiment = plan.experiments[e];
        const double* moments = experiment.is_gaussian() ? experiment.gaussian.moments : experiment.moments;
        const Eigen::Map<const MatrixXd> M(moments, experiment.n_bins, experiment.n_features);
        const auto phi = features.middleRows(experiment.first_feature, experiment.n_features);
        const Index n_backgrounds = experiment.n_backgrounds, n_signal = experiment.n_features - n_backgrounds;
        // Products written out: Eigen's larger ones depend on the machine's caches.
        Bins bins{&experiment, M.leftCols(n_signal).lazyProduct(phi.topRows(n_signal)),
                  M.rightCols(n_backgrounds).lazyProduct(phi.bottomRows(n_backgrounds).leftCols(1 + d_))};
        if (experiment.is_gaussian()) {
            bins.background.col(0) += Eigen::Map<const VectorXd>(experiment.gaussian.residuals, experiment.n_bins);
        }
        bins_.push_back(std::move(bins));
    }
}

Chi2Surface::Monomials Chi2Surface::monomials(const VectorXd& y) const {
    Monomials m{VectorXd(product(0, d_)), MatrixXd::Zero(product(0, d_), d_)};
    m.value[0] = 1;
    for (Index j = 0; j < d_; ++j) {
        m.value[1 + j] = y[j];
        m.slopes(1 + j, j) = 1;
        for (Index i = 0; i <= j; ++i) {
            m.value[product(i, j)] = y[i] * y[j];
            m.slopes(product(i, j), i) += y[j];
            m.slopes(product(i, j), j) += y[i];
        }
    }
    return m;
}

Chi2Surface::Response Chi2Surface::response(const Bins& bins, const Monomials& m) const {
    const Index n_bins = bins.signal.rows(), n_linear = 1 + d_;
    VectorXd N = bins.signal.lazyProduct(m.value) + bins.background.lazyProduct(m.value.head(n_linear));
    Response out;
    const auto set_slopes = [&](Index n_pulls) {
        out.slopes.resize(n_bins, d_ + n_pulls);
        out.slopes.leftCols(d_) =
            bins.signal.lazyProduct(m.slopes) + bins.background.lazyProduct(m.slopes.topRows(n_linear));
    };
    if (bins.experiment->is_gaussian()) {
        set_slopes(0);
        out.fit = {N.squaredNorm(), true};
        out.first = 2 * N;
        out.second.setConstant(n_bins, 2);
        return out;
    }
    const StatisticView& s = bins.experiment->statistic;
    double xi[max_pulls] = {};
    out.fit = poisson_fit(TabulatedRatios{N.data(), s.inverse_units}, s, xi);
    out.pulls = Eigen::Map<const VectorXd>(xi, s.n_pulls);
    set_slopes(s.n_pulls);
    out.slopes.rightCols(s.n_pulls) = Eigen::Map<const MatrixXd>(s.templates, n_bins, s.n_pulls);
    N += out.slopes.rightCols(s.n_pulls).lazyProduct(out.pulls);
    out.first.resize(n_bins);
    out.second.resize(n_bins);
    for (Index b = 0; b < n_bins; ++b) {
        const double n = s.counts[b];
        out.first[b] = n > 0 ? 2 * (1 - n / N[b]) : 2;
        out.second[b] = n > 0 ? 2 * n / (N[b] * N[b]) : 0;
    }
    return out;
}

Derivatives Chi2Surface::operator()(const VectorXd& y) const {
    const Monomials m = monomials(y);
    Derivatives total{0, true, VectorXd::Zero(d_), MatrixXd::Zero(d_, d_)};
    for (const Bins& bins : bins_) {
        const Response r = response(bins, m);
        VectorXd gradient = r.slopes.transpose().lazyProduct(r.first);
        MatrixXd hessian = r.slopes.transpose().lazyProduct(r.second.asDiagonal() * r.slopes);
        const VectorXd by_coefficient = bins.signal.transpose().lazyProduct(r.first);
        for (Index j = 0; j < d_; ++j) {
            for (Index i = 0; i <= j; ++i) {
                hessian(i, j) += by_coefficient[product(i, j)];
                hessian(j, i) += by_coefficient[product(i, j)]; // so the diagonal has it twice
            }
        }
        for (Index k = 0; k < r.pulls.size(); ++k) {
            const double weight = 2 / std::pow(bins.experiment->statistic.sigmas[k], 2);
            gradient[d_ + k] += weight * r.pulls[k];
            hessian(d_ + k, d_ + k) += weight;
            if (r.pulls[k] <= -1) { // stays where it is
                hessian.col(d_ + k).setZero();
                hessian.row(d_ + k).setZero();
            }
        }
        minimise_over_the_rest(gradient, hessian, d_);
        total.value += r.fit.chi2;
        total.converged = total.converged && r.fit.converged;
        total.gradient += gradient;
        total.hessian += hessian;
    }
    return total;
}

VectorXd Chi2Surface::other_roots(const VectorXd& y) const {
    const Monomials m = monomials(y);
    VectorXd along = VectorXd::Zero(d_), square = VectorXd::Zero(d_);
    for (const Bins& bins : bins_) {
        const Response r = response(bins, m);
        for (Index i = 0; i < d_; ++i) {
            const auto c = bins.signal.col(product(i, i)).array();
            along[i] += (r.second.array() * c * r.slopes.col(i).array()).sum();
            square[i] += (r.second.array() * c.square()).sum();
        }
    }
    return (square.array() > 0).select(-along.array() / square.array(), 0);
}

} // namespace nuscan
