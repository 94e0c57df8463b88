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
    const ExperimentView& experiment = *bins.experiment;
    const StatisticView& s = experiment.statistic;
    const Index n_bins = bins.signal.rows(), n_linear = 1 + d_;
    const bool gaussian = experiment.is_gaussian(), signal_pull = experiment.has_signal_pull();
    const VectorXd S = bins.signal.lazyProduct(m.value);
    VectorXd N = S + bins.background.lazyProduct(m.value.head(n_linear));
    Response out;
    double xi[max_pulls] = {};
    const Index n_pulls = gaussian ? (signal_pull ? 1 : 0) : s.pulls.n_pulls;
    out.slopes.resize(n_bins, d_ + n_pulls);
    auto templates = out.slopes.rightCols(n_pulls);
    out.weights.resize(n_pulls);
    if (gaussian && signal_pull) {
        out.fit.chi2 = signal_pulled_sum([&](int b) { return N[b]; }, [&](int b) { return S[b]; }, experiment.n_bins,
                                         experiment.gaussian.signal_weight, xi[0]);
        out.weights[0] = experiment.gaussian.signal_weight;
        templates.col(0) = S;
    } else if (gaussian) {
        out.fit.chi2 = N.squaredNorm();
    } else {
        out.fit = poisson_fit(TabulatedRatios{N.data(), s.inverse_units, S.data()}, s, xi);
        templates = Eigen::Map<const MatrixXd>(s.pulls.templates, n_bins, n_pulls);
        if (signal_pull) {
            templates.col(n_pulls - 1) += S;
        }
        for (Index k = 0; k < n_pulls; ++k) {
            out.weights[k] = 1 / (s.pulls.sigmas[k] * s.pulls.sigmas[k]);
        }
    }
    out.fit.converged = gaussian || out.fit.converged;
    out.pulls = Eigen::Map<const VectorXd>(xi, n_pulls);
    N += templates.lazyProduct(out.pulls);
    const MatrixXd signal_slopes = bins.signal.lazyProduct(m.slopes);
    if (signal_pull) {
        out.signal += out.pulls[n_pulls - 1];
        out.mixed = signal_slopes;
    }
    out.slopes.leftCols(d_) = out.signal * signal_slopes + bins.background.lazyProduct(m.slopes.topRows(n_linear));
    if (gaussian) {
        out.first = 2 * N;
        out.second.setConstant(n_bins, 2);
        return out;
    }
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
        const VectorXd by_coefficient = r.signal * bins.signal.transpose().lazyProduct(r.first);
        for (Index j = 0; j < d_; ++j) {
            for (Index i = 0; i <= j; ++i) {
                hessian(i, j) += by_coefficient[product(i, j)];
                hessian(j, i) += by_coefficient[product(i, j)]; // so the diagonal has it twice
            }
        }
        if (r.mixed.size() > 0) {
            const VectorXd mixed = r.mixed.transpose().lazyProduct(r.first);
            hessian.topRightCorner(d_, 1) += mixed;
            hessian.bottomLeftCorner(1, d_) += mixed.transpose();
        }
        for (Index k = 0; k < r.pulls.size(); ++k) {
            const double weight = 2 * r.weights[k];
            gradient[d_ + k] += weight * r.pulls[k];
            hessian(d_ + k, d_ + k) += weight;
            if (!bins.experiment->is_gaussian() && r.pulls[k] <= -1) { // stays where it is
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
            const auto c = r.signal * bins.signal.col(product(i, i)).array();
            along[i] += (r.second.array() * c * r.slopes.col(i).array()).sum();
            square[i] += (r.second.array() * c.square()).sum();
        }
    }
    return (square.array() > 0).select(-along.array() / square.array(), 0);
}

} // namespace nuscan
