// SPDX-License-Identifier: Apache-2.0
#include "scan/chi2_surface.hpp"

#include <tuple>
#include <utility>

#include "scan/bin_lanes.hpp"

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

//! First and second derivatives of Poisson's χ² by N_b
std::pair<VectorXd, VectorXd> poisson_derivatives(const double* counts, const VectorXd& N) {
    VectorXd first(N.size()), second(N.size());
    for (Index b = 0; b < N.size(); ++b) {
        const double n = counts[b];
        first[b] = n > 0 ? 2 * (1 - n / N[b]) : 2;
        second[b] = n > 0 ? 2 * n / (N[b] * N[b]) : 0;
    }
    return {first, second};
}

//! What predictions and signals are to minimise_pulls()
struct BinsOfPoint {
    const VectorXd &N, &S;

    Batch operator()(int b) const { return max(Batch(0), in_lanes(N, b)); }
    Batch signal(int b) const { return in_lanes(S, b); }
    static Batch in_lanes(const VectorXd& x, int b) {
        return BinLanes::load(x.data() + b, static_cast<int>(x.size()) - b);
    }
};

//! poisson_fit() of several pulls
PoissonFit<double> fit_several_pulls(const BinsOfPoint& bins, const StatisticView& s, double* xi) {
    const bool converged = detail::minimise_pulls<BinLanes>(bins, s.counts, s.n_bins, s.pulls, xi);
    const detail::PulledBins<BinLanes, BinsOfPoint> pulled{bins, s.pulls, s.n_bins};
    Batch sum(0);
    for (int b = 0; b < s.n_bins; b += BinLanes::width) {
        const Batch N = pulled.at(b, xi), n = BinLanes::load(s.counts + b, s.n_bins - b);
        sum = sum + select(n > Batch(0), N - n * log(N), N);
    }
    double chi2 = 2 * BinLanes::total(sum) + s.saturated;
    for (int k = 0; k < s.pulls.n_pulls; ++k) {
        chi2 += std::pow(xi[k] / s.pulls.sigmas[k], 2);
    }
    return {chi2, converged};
}

} // namespace

Chi2Surface::Chi2Surface(PlanView plan, const UnitView& unit, const std::vector<int>& coordinates)
    : plan_(plan), d_(static_cast<Index>(coordinates.size())) {
    MatrixXd& features = features_;
    features = MatrixXd::Zero(plan.n_features, product(0, d_));
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

Chi2Surface::Pulls Chi2Surface::fit_alone(const Bins& bins, const Monomials& m) const {
    const ExperimentView& experiment = *bins.experiment;
    const StatisticView& s = experiment.statistic;
    const VectorXd S = bins.signals(m), N = bins.predictions(m);
    Pulls out;
    double xi[max_pulls] = {};
    if (!experiment.is_gaussian()) {
        out.fit = s.has_several_pulls()
                      ? fit_several_pulls({N, S}, s, xi)
                      : poisson_fit<PullCount::one>(TabulatedRatios{N.data(), s.inverse_units}, s, xi);
        out.weights.resize(s.pulls.n_pulls);
        for (Index k = 0; k < out.weights.size(); ++k) {
            out.weights[k] = 1 / (s.pulls.sigmas[k] * s.pulls.sigmas[k]);
            out.held.push_back(xi[k] <= -1);
        }
    } else if (experiment.has_signal_column()) {
        out.fit = {signal_pulled_sum([&](int b) { return N[b]; }, [&](int b) { return S[b]; }, experiment.n_bins,
                                     experiment.gaussian.signal_weight, xi[0]),
                   true};
        out.weights = VectorXd::Constant(1, experiment.gaussian.signal_weight);
        out.held = {false};
    } else {
        out.fit = {N.squaredNorm(), true};
    }
    out.value = Eigen::Map<const VectorXd>(xi, out.weights.size());
    return out;
}

Chi2Surface::Response Chi2Surface::response(const Bins& bins, const Monomials& m, const Pulls& pulls) const {
    const ExperimentView& experiment = *bins.experiment;
    const Index n_bins = bins.signal.rows(), n_pulls = pulls.value.size();
    const bool signal_pull = experiment.has_signal_column();
    const VectorXd S = bins.signals(m);
    VectorXd N = bins.predictions(m);
    Response out{&bins, {}, {}, {}, {}, {}, {}};
    out.slopes.resize(n_bins, d_ + n_pulls);
    auto templates = out.slopes.rightCols(n_pulls);
    if (!experiment.is_gaussian()) {
        templates = Eigen::Map<const MatrixXd>(experiment.statistic.pulls.templates, n_bins, n_pulls);
        if (signal_pull) {
            templates.col(n_pulls - 1) += S;
        }
    } else if (signal_pull) {
        templates.col(0) = S;
    }
    N += templates.lazyProduct(pulls.value);
    out.signal = VectorXd::Constant(n_bins, signal_pull ? 1 + pulls.value[n_pulls - 1] : 1);
    const MatrixXd signal_slopes = bins.signal.lazyProduct(m.slopes);
    out.slopes.leftCols(d_) =
        out.signal.asDiagonal() * signal_slopes + bins.background.lazyProduct(m.slopes.topRows(1 + d_));
    if (experiment.is_gaussian()) {
        out.first = 2 * N;
        out.second.setConstant(n_bins, 2);
    } else {
        std::tie(out.first, out.second) = poisson_derivatives(experiment.statistic.counts, N);
    }
    out.mixed = MatrixXd::Zero(d_, n_pulls);
    out.curved = MatrixXd::Zero(n_pulls, n_pulls);
    if (signal_pull) {
        out.mixed.col(n_pulls - 1) = signal_slopes.transpose().lazyProduct(out.first);
    }
    return out;
}

std::vector<double> Chi2Surface::columns(const Monomials& m) const {
    std::vector<double> columns(static_cast<std::size_t>(plan_.n_columns));
    for (const Bins& bins : bins_) {
        const ExperimentView& x = *bins.experiment;
        const VectorXd S = bins.signals(m), N = bins.predictions(m);
        std::copy(N.begin(), N.end(), columns.begin() + x.first_bin);
        if (x.has_signal_column()) {
            std::copy(S.begin(), S.end(), columns.begin() + x.first_signal);
        }
    }
    for (int c = plan_.n_bins + plan_.n_signal_columns; c < plan_.n_columns; ++c) {
        columns[static_cast<std::size_t>(c)] =
            features_.row(plan_.columns[c - plan_.n_bins].first_feature).dot(m.value.transpose());
    }
    return columns;
}

Chi2Surface::Pulls Chi2Surface::fit_together(const SystematicsView& view, const std::vector<double>& columns) const {
    double z[max_systematics];
    Pulls out;
    out.fit = systematics_fit<BinLanes>(view, TabulatedPoint{columns.data()}, z);
    out.value = Eigen::Map<const VectorXd>(z, view.n_pulls);
    out.weights = Eigen::Map<const VectorXd>(view.prior_weights, view.n_pulls);
    for (int k = 0; k < view.n_pulls; ++k) {
        out.held.push_back(view.pins[k] >= 0 || z[k] <= view.low[k] || z[k] >= view.high[k]);
    }
    return out;
}

Chi2Surface::Response Chi2Surface::response(const PulledExperiment& x, const std::vector<double>& columns,
                                            const Monomials& m, const Pulls& pulls) const {
    const Bins& bins = bins_[static_cast<std::size_t>(x.experiment)];
    const Index n_bins = x.n_bins, K = pulls.value.size();
    const TabulatedPoint point{columns.data()};
    detail::ShapeWeights<double> shapes;
    for (int i = 0; i < x.n_shapes; ++i) {
        detail::shape_weights(x.shapes[i], pulls.value[x.pulls[x.shapes[i].pull]], shapes);
    }
    const detail::PulledCounts<BinLanes, TabulatedPoint> pulled{x, point, pulls.value.data(), shapes};
    Response out{&bins,
                 VectorXd(n_bins),
                 VectorXd(n_bins),
                 MatrixXd::Zero(n_bins, d_ + K),
                 VectorXd::Ones(n_bins),
                 MatrixXd::Zero(d_, K),
                 MatrixXd::Zero(K, K)};
    // By the coordinates: what a component adds is linear in its counts T_cb, which they move if it is the signal, and
    // in y_c. `added` is what a unit of these adds, `turned` the slopes of that by the pulls.
    const MatrixXd signal_slopes = bins.signal.lazyProduct(m.slopes);
    out.slopes.leftCols(d_) = signal_slopes + bins.background.lazyProduct(m.slopes.topRows(1 + d_));
    MatrixXd added(n_bins, x.n_components), turned = MatrixXd::Zero(n_bins, K * x.n_components);
    detail::PullMatrix<Batch, max_systematics> curved;
    std::fill_n(curved.entries, x.n_pulls * (x.n_pulls + 1) / 2, Batch(0));
    for (int b = 0; b < x.n_bins; b += BinLanes::width) {
        const int left = x.n_bins - b;
        const detail::BinDerivatives<Batch> chi2 = detail::bin_derivatives<BinLanes>(x, pulled.counts(b), b);
        BinLanes::store(Batch(2) * chi2.first, out.first.data() + b, left);
        BinLanes::store(Batch(2) * chi2.second, out.second.data() + b, left);
        Batch slopes[max_systematics];
        std::fill_n(slopes, x.n_pulls, Batch(0));
        for (int c = 0; c < x.n_components; ++c) {
            const ComponentView& component = x.components[c];
            const Batch T = pulled.nominal(component, b);
            pulled.differentiate(component, T, b, slopes, [&](int i, int j, const Batch& d2N) {
                Batch& entry = curved(std::max(i, j), std::min(i, j));
                entry = fma(Batch(2) * chi2.first, d2N, entry);
            });
            Batch of_added[max_systematics];
            std::fill_n(of_added, x.n_pulls, Batch(0));
            if (component.counts == nullptr) {
                const Batch one(1);
                BinLanes::store(Batch(pulled.normalisation(component)) * pulled.shaped(component, one, b) - one,
                                &added(b, c), left);
                pulled.differentiate(component, one, b, of_added, [](int, int, const Batch&) {});
            } else {
                BinLanes::store(pulled.shaped(component, T, b) - T, &added(b, c), left);
                for (int i = 0; i < component.n_shapes; ++i) {
                    const ShapeEffect& s = x.shapes[component.first_shape + i];
                    of_added[s.pull] = of_added[s.pull] + pulled.shape(s, shapes.slope, T, b);
                }
            }
            for (int i = 0; i < x.n_pulls; ++i) {
                BinLanes::store(of_added[i], &turned(b, c * K + x.pulls[i]), left);
            }
        }
        for (int i = 0; i < x.n_pulls; ++i) {
            BinLanes::store(slopes[i], &out.slopes(b, d_ + x.pulls[i]), left);
        }
    }
    for (int i = 0; i < x.n_pulls; ++i) {
        for (int j = 0; j <= i; ++j) {
            const Index k = x.pulls[i], l = x.pulls[j];
            out.curved(k, l) = out.curved(l, k) = BinLanes::total(curved(i, j));
        }
    }
    for (int c = 0; c < x.n_components; ++c) {
        const ComponentView& component = x.components[c];
        MatrixXd by_coordinates; // of T_cb or y_c
        if (component.counts == nullptr) {
            by_coordinates = signal_slopes;
            out.signal += added.col(c);
        } else if (component.factor_column >= 0) {
            const int feature = plan_.columns[component.factor_column - plan_.n_bins].first_feature;
            by_coordinates = VectorXd::Ones(n_bins) * (features_.row(feature) * m.slopes);
        } else {
            continue;
        }
        out.slopes.leftCols(d_) += added.col(c).asDiagonal() * by_coordinates;
        const MatrixXd weighted = out.first.asDiagonal() * by_coordinates;
        out.mixed += weighted.transpose().lazyProduct(turned.middleCols(c * K, K));
    }
    return out;
}

void Chi2Surface::add(const Response& r, VectorXd& gradient, MatrixXd& hessian) const {
    const Index n_pulls = r.curved.rows();
    gradient += r.slopes.transpose().lazyProduct(r.first);
    const MatrixXd weighted_slopes = r.second.asDiagonal() * r.slopes;
    for (Index j = 0; j < r.slopes.cols(); ++j) {
        for (Index i = 0; i <= j; ++i) {
            const double product = weighted_slopes.col(i).dot(r.slopes.col(j));
            hessian(i, j) += product;
            hessian(j, i) += i == j ? 0 : product;
        }
    }
    const VectorXd weighted = r.signal.cwiseProduct(r.first);
    const VectorXd by_coefficient = r.bins->signal.transpose().lazyProduct(weighted);
    for (Index j = 0; j < d_; ++j) {
        for (Index i = 0; i <= j; ++i) {
            hessian(i, j) += by_coefficient[product(i, j)];
            hessian(j, i) += by_coefficient[product(i, j)]; // so the diagonal has it twice
        }
    }
    hessian.topRightCorner(d_, n_pulls) += r.mixed;
    hessian.bottomLeftCorner(n_pulls, d_) += r.mixed.transpose();
    hessian.bottomRightCorner(n_pulls, n_pulls) += r.curved;
}

void Chi2Surface::add_minimum(const Pulls& pulls, VectorXd& gradient, MatrixXd& hessian, Derivatives& total) const {
    for (Index k = 0; k < pulls.value.size(); ++k) {
        const double weight = 2 * pulls.weights[k];
        gradient[d_ + k] += weight * pulls.value[k];
        hessian(d_ + k, d_ + k) += weight;
        if (pulls.held[static_cast<std::size_t>(k)]) {
            hessian.col(d_ + k).setZero();
            hessian.row(d_ + k).setZero();
        }
    }
    minimise_over_the_rest(gradient, hessian, d_);
    total.value += pulls.fit.chi2;
    total.converged = total.converged && pulls.fit.converged;
    total.gradient += gradient;
    total.hessian += hessian;
}

std::vector<Chi2Surface::Fit> Chi2Surface::fits(const Monomials& m) const {
    std::vector<Fit> out;
    for (const Bins& bins : bins_) {
        if (!bins.experiment->pulled_with_others) {
            const Pulls pulls = fit_alone(bins, m);
            out.push_back({pulls, {response(bins, m, pulls)}});
        }
    }
    const std::vector<double> at = columns(m);
    for (int g = 0; g < plan_.n_systematics; ++g) {
        const SystematicsView& view = plan_.systematics[g];
        Fit fit{fit_together(view, at), {}};
        for (int e = 0; e < view.n_experiments; ++e) {
            fit.responses.push_back(response(view.experiments[e], at, m, fit.pulls));
        }
        out.push_back(std::move(fit));
    }
    return out;
}

Derivatives Chi2Surface::operator()(const VectorXd& y) const {
    Derivatives total{0, true, VectorXd::Zero(d_), MatrixXd::Zero(d_, d_)};
    for (const Fit& fit : fits(monomials(y))) {
        const Index n = d_ + fit.pulls.value.size();
        VectorXd gradient = VectorXd::Zero(n);
        MatrixXd hessian = MatrixXd::Zero(n, n);
        for (const Response& r : fit.responses) {
            add(r, gradient, hessian);
        }
        add_minimum(fit.pulls, gradient, hessian, total);
    }
    return total;
}

VectorXd Chi2Surface::other_roots(const VectorXd& y) const {
    VectorXd along = VectorXd::Zero(d_), square = VectorXd::Zero(d_);
    for (const Fit& fit : fits(monomials(y))) {
        for (const Response& r : fit.responses) {
            for (Index i = 0; i < d_; ++i) {
                const auto c = r.signal.array() * r.bins->signal.col(product(i, i)).array();
                along[i] += (r.second.array() * c * r.slopes.col(i).array()).sum();
                square[i] += (r.second.array() * c.square()).sum();
            }
        }
    }
    return (square.array() > 0).select(-along.array() / square.array(), 0);
}

} // namespace nuscan
