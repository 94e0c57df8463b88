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
        sum = sum + half_poisson_term(N, n);
    }
    double chi2 = 2 * BinLanes::total(sum);
    for (int k = 0; k < s.pulls.n_pulls; ++k) {
        chi2 += std::pow(xi[k] / s.pulls.sigmas[k], 2);
    }
    return {chi2, converged};
}

} // namespace

Chi2Surface::Chi2Surface(const PlanView& plan, const UnitView& unit, const std::vector<int>& coordinates)
    : plan_(plan), d_(static_cast<Index>(coordinates.size())), expansion_(plan, unit, coordinates) {
    const bool quadratic = expansion_.is_quadratic();
    if (quadratic) {
        features_ = expansion_(VectorXd::Zero(d_));
    }
    for (int e = 0; e < plan.n_experiments; ++e) {
        const ExperimentView& experiment = plan.experiments[e];
        const bool gaussian = experiment.is_gaussian();
        const double* moments = gaussian ? experiment.gaussian.moments : experiment.moments;
        const Index n_bins = experiment.n_bins, n_features = experiment.n_features;
        const Index n_signal = n_features - experiment.n_backgrounds;
        const auto coefficients = [&](Index n) {
            const Matrix M(moments, n_bins, n);
            if (!quadratic) {
                return M;
            }
            // Products written out: Eigen's larger ones depend on the machine's caches.
            products_.emplace_back(M.lazyProduct(features_.middleRows(experiment.first_feature, n)));
            return Matrix(products_.back().data(), n_bins, features_.cols());
        };
        bins_.push_back({&experiment, quadratic ? 0 : experiment.first_feature, coefficients(n_signal),
                         coefficients(n_features), VectorXd::Zero(n_bins)});
        if (gaussian) {
            bins_.back().residuals = Matrix(experiment.gaussian.residuals, n_bins, 1);
        }
    }
}

MatrixXd Chi2Surface::expansions(const VectorXd& y) const {
    if (!expansion_.is_quadratic()) {
        return expansion_(y);
    }
    const Index n = product(0, d_);
    MatrixXd c = MatrixXd::Zero(n, n);
    c(0, 0) = 1;
    for (Index j = 0; j < d_; ++j) {
        c(1 + j, 0) = y[j];
        c(1 + j, 1 + j) = 1;
        for (Index i = 0; i <= j; ++i) {
            const Index t = product(i, j);
            c(t, 0) = y[i] * y[j];
            c(t, 1 + i) += y[j];
            c(t, 1 + j) += y[i];
            c(t, t) = 1;
        }
    }
    return c;
}

Chi2Surface::Pulls Chi2Surface::fit_alone(const Bins& bins, const MatrixXd& c) const {
    const ExperimentView& experiment = *bins.experiment;
    const StatisticView& s = experiment.statistic;
    const VectorXd S = bins.signals(c), N = bins.predictions(c);
    Pulls out;
    double xi[max_pulls] = {};
    if (!experiment.is_gaussian()) {
        out.fit = s.in_counts ? fit_several_pulls({N, S}, s, xi)
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

Chi2Surface::Response Chi2Surface::response(const Bins& bins, const MatrixXd& c, const Pulls& pulls) const {
    const ExperimentView& experiment = *bins.experiment;
    const Index n_bins = bins.all.rows(), n_pulls = pulls.value.size(), last = d_ + n_pulls - 1;
    const bool signal_pull = experiment.has_signal_column();
    const VectorXd S = bins.signals(c);
    VectorXd N = bins.predictions(c);
    Response out{&bins,
                 {},
                 {},
                 MatrixXd(n_bins, d_ + n_pulls),
                 VectorXd::Constant(n_bins, signal_pull ? 1 + pulls.value[n_pulls - 1] : 1),
                 MatrixXd::Zero(d_ + n_pulls, d_ + n_pulls)};
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
    if (experiment.is_gaussian()) {
        out.first = 2 * N;
        out.second.setConstant(n_bins, 2);
    } else {
        std::tie(out.first, out.second) = poisson_derivatives(experiment.statistic.counts, N);
    }
    out.slopes.leftCols(d_) = bins.slopes(c, d_);
    if (signal_pull) {
        const MatrixXd signal_slopes = bins.signal_slopes(c, d_);
        out.slopes.leftCols(d_) += pulls.value[n_pulls - 1] * signal_slopes;
        const VectorXd mixed = signal_slopes.transpose().lazyProduct(out.first);
        out.curvature.col(last).head(d_) = mixed;
        out.curvature.row(last).head(d_) = mixed.transpose();
    }
    add_curvature_of_signal(c, out);
    return out;
}

void Chi2Surface::add_curvature_of_signal(const MatrixXd& c, Response& r) const {
    const Bins& bins = *r.bins;
    const VectorXd weighted = r.signal.cwiseProduct(r.first);
    const VectorXd by_number = bins.signal.transpose().lazyProduct(weighted);
    const Index linear = 1 + d_;
    const VectorXd by_product =
        c.block(bins.first, linear, by_number.size(), c.cols() - linear).transpose().lazyProduct(by_number);
    for (Index j = 0; j < d_; ++j) {
        for (Index i = 0; i <= j; ++i) {
            r.curvature(i, j) += by_product[product(i, j) - linear];
            r.curvature(j, i) += by_product[product(i, j) - linear]; // so the diagonal has it twice
        }
    }
}

Eigen::RowVectorXd Chi2Surface::column(int column, const MatrixXd& c) const {
    const Index feature = plan_.columns[column - plan_.n_bins].first_feature;
    if (expansion_.is_quadratic()) {
        return features_.row(feature).lazyProduct(c);
    }
    return c.row(feature);
}

std::vector<double> Chi2Surface::columns(const MatrixXd& c) const {
    std::vector<double> columns(static_cast<std::size_t>(plan_.n_columns));
    for (const Bins& bins : bins_) {
        const ExperimentView& x = *bins.experiment;
        const VectorXd S = bins.signals(c), N = bins.predictions(c);
        std::copy(N.begin(), N.end(), columns.begin() + x.first_bin);
        if (x.has_signal_column()) {
            std::copy(S.begin(), S.end(), columns.begin() + x.first_signal);
        }
    }
    for (int i = plan_.n_bins + plan_.n_signal_columns; i < plan_.n_columns; ++i) {
        columns[static_cast<std::size_t>(i)] = column(i, c)[0];
    }
    return columns;
}

Chi2Surface::Pulls Chi2Surface::fit_together(const SystematicsView& view, const std::vector<double>& columns,
                                             const MatrixXd& c, double softness) const {
    double z[max_systematics];
    Pulls out;
    const TabulatedPoint at{columns.data()};
    const PulledFit<double> fit = systematics_fit<BinLanes>(view, at, z);
    out.fit = {fit.chi2, fit.converged};
    out.softness = std::max(softness, fit.at_kink ? least_softness : 0); // a kink has no derivatives
    if (out.softness > 0) {
        const PoissonFit<double> soft = detail::descend<BinLanes>(view, at, out.softness, false, z).fit;
        out.fit = softness > 0 ? soft : out.fit;
    }
    out.value = Eigen::Map<const VectorXd>(z, view.n_pulls);
    out.weights = Eigen::Map<const VectorXd>(view.prior_weights, view.n_pulls);
    out.slopes = MatrixXd::Zero(view.n_pulls, d_);
    for (int k = 0; k < view.n_pulls; ++k) {
        const bool given = view.pins[k] >= 0;
        out.held.push_back(given || z[k] <= view.low[k] || z[k] >= view.high[k]);
        if (given) {
            out.slopes.row(k) = column(view.pins[k], c).segment(1, d_);
        }
    }
    return out;
}

Chi2Surface::Response Chi2Surface::response(const PulledExperiment& x, const std::vector<double>& columns,
                                            const MatrixXd& c, const Pulls& pulls) const {
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
                 MatrixXd::Zero(d_ + K, d_ + K)};
    // By the coordinates: what a component adds is linear in its counts T_cb, which they move if it is the signal, and
    // in y_c. `added` is what a unit of these adds, `turned` the slopes of that by the pulls.
    struct Mover {
        const ComponentView* component;
        bool is_factor;          // y_c, not T_cb
        MatrixXd by_coordinates; // bins × d
    };
    std::vector<Mover> movers;
    const MatrixXd signal_slopes = bins.signal_slopes(c, d_);
    for (int i = 0; i < x.n_components; ++i) {
        const ComponentView& component = x.components[i];
        if (component.counts == nullptr) {
            movers.push_back({&component, false, signal_slopes});
        }
        if (component.factor_column >= 0) {
            const Eigen::RowVectorXd slopes = column(component.factor_column, c).segment(1, d_);
            movers.push_back({&component, true, VectorXd::Ones(n_bins) * slopes});
        }
    }
    const auto n_movers = static_cast<Index>(movers.size());
    out.slopes.leftCols(d_) = bins.slopes(c, d_);
    MatrixXd added(n_bins, n_movers), turned = MatrixXd::Zero(n_bins, K * n_movers);
    VectorXd shape_of_signal(n_bins);
    detail::PullMatrix<Batch, max_systematics> curved;
    std::fill_n(curved.entries, x.n_pulls * (x.n_pulls + 1) / 2, Batch(0));
    for (int b = 0; b < x.n_bins; b += BinLanes::width) {
        const int left = x.n_bins - b;
        const detail::BinDerivatives<Batch> chi2 = detail::bin_derivatives(pulled, pulled.counts(b), b, pulls.softness);
        BinLanes::store(Batch(2) * chi2.first, out.first.data() + b, left);
        BinLanes::store(Batch(2) * chi2.second, out.second.data() + b, left);
        Batch slopes[max_systematics];
        std::fill_n(slopes, x.n_pulls, Batch(0));
        for (int i = 0; i < x.n_components; ++i) {
            const ComponentView& component = x.components[i];
            pulled.differentiate(component, pulled.nominal(component, b), b, slopes,
                                 [&](int k, int l, const Batch& d2N) {
                                     Batch& entry = curved(std::max(k, l), std::min(k, l));
                                     entry = fma(Batch(2) * chi2.first, d2N, entry);
                                 });
        }
        for (int i = 0; i < x.n_pulls; ++i) {
            BinLanes::store(slopes[i], &out.slopes(b, d_ + x.pulls[i]), left);
        }
        for (Index m = 0; m < n_movers; ++m) {
            const Mover& mover = movers[static_cast<std::size_t>(m)];
            const ComponentView& component = *mover.component;
            Batch of_added[max_systematics];
            std::fill_n(of_added, x.n_pulls, Batch(0));
            if (mover.is_factor) {
                const Batch T = pulled.nominal(component, b), there = component.counts == nullptr ? Batch(0) : T;
                BinLanes::store(pulled.shaped(component, T, b) - there, &added(b, m), left);
                for (int i = 0; i < component.n_shapes; ++i) {
                    const ShapeEffect& s = x.shapes[component.first_shape + i];
                    of_added[s.pull] = of_added[s.pull] + pulled.shape(s, shapes.slope, T, b);
                }
            } else {
                const Batch one(1), shape = pulled.shaped(component, one, b);
                BinLanes::store(shape, &shape_of_signal[b], left);
                BinLanes::store(Batch(pulled.normalisation(component)) * shape - one, &added(b, m), left);
                pulled.differentiate(component, one, b, of_added, [](int, int, const Batch&) {});
            }
            for (int i = 0; i < x.n_pulls; ++i) {
                BinLanes::store(of_added[i], &turned(b, m * K + x.pulls[i]), left);
            }
        }
    }
    for (int i = 0; i < x.n_pulls; ++i) {
        for (int j = 0; j <= i; ++j) {
            const Index k = d_ + x.pulls[i], l = d_ + x.pulls[j];
            out.curvature(k, l) = out.curvature(l, k) = BinLanes::total(curved(i, j));
        }
    }
    for (Index m = 0; m < n_movers; ++m) {
        const Mover& mover = movers[static_cast<std::size_t>(m)];
        out.slopes.leftCols(d_) += added.col(m).asDiagonal() * mover.by_coordinates;
        const MatrixXd weighted = out.first.asDiagonal() * mover.by_coordinates;
        const MatrixXd mixed = weighted.transpose().lazyProduct(turned.middleCols(m * K, K));
        out.curvature.topRightCorner(d_, K) += mixed;
        out.curvature.bottomLeftCorner(K, d_) += mixed.transpose();
        if (!mover.is_factor) {
            out.signal += added.col(m);
        } else if (mover.component->counts == nullptr) { // y_c multiplies what they move
            const MatrixXd both = weighted.transpose().lazyProduct(shape_of_signal.asDiagonal() * signal_slopes);
            out.curvature.topLeftCorner(d_, d_) += both + both.transpose();
        }
    }
    add_curvature_of_signal(c, out);
    return out;
}

void Chi2Surface::add(const Response& r, VectorXd& gradient, MatrixXd& hessian) {
    gradient += r.slopes.transpose().lazyProduct(r.first);
    const MatrixXd weighted_slopes = r.second.asDiagonal() * r.slopes;
    for (Index j = 0; j < r.slopes.cols(); ++j) {
        for (Index i = 0; i <= j; ++i) {
            const double product = weighted_slopes.col(i).dot(r.slopes.col(j));
            hessian(i, j) += product;
            hessian(j, i) += i == j ? 0 : product;
        }
    }
    hessian += r.curvature;
}

void Chi2Surface::add_minimum(const Pulls& pulls, VectorXd& gradient, MatrixXd& hessian, Derivatives& total) const {
    for (Index k = 0; k < pulls.value.size(); ++k) {
        const double weight = 2 * pulls.weights[k];
        gradient[d_ + k] += weight * pulls.value[k];
        hessian(d_ + k, d_ + k) += weight;
    }
    for (Index k = 0; k < pulls.slopes.rows(); ++k) { // a pull that moves with coordinates
        const VectorXd slopes = pulls.slopes.row(k);
        gradient.head(d_) += slopes * gradient[d_ + k];
        hessian.topRows(d_) += slopes * hessian.row(d_ + k);
        hessian.leftCols(d_) += hessian.col(d_ + k) * slopes.transpose();
    }
    for (Index k = 0; k < pulls.value.size(); ++k) {
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

std::vector<Chi2Surface::Fit> Chi2Surface::fits(const MatrixXd& c, double softness) const {
    std::vector<Fit> out;
    for (const Bins& bins : bins_) {
        if (!bins.experiment->pulled_with_others) {
            const Pulls pulls = fit_alone(bins, c);
            out.push_back({pulls, {response(bins, c, pulls)}});
        }
    }
    const std::vector<double> at = columns(c);
    for (int g = 0; g < plan_.n_systematics; ++g) {
        const SystematicsView& view = plan_.systematics[g];
        Fit fit{fit_together(view, at, c, softness), {}};
        for (int e = 0; e < view.n_experiments; ++e) {
            fit.responses.push_back(response(view.experiments[e], at, c, fit.pulls));
        }
        out.push_back(std::move(fit));
    }
    return out;
}

Derivatives Chi2Surface::operator()(const VectorXd& y, double softness) const {
    Derivatives total{0, true, VectorXd::Zero(d_), MatrixXd::Zero(d_, d_)};
    for (const Fit& fit : fits(expansions(y), softness)) {
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
    const MatrixXd c = expansions(y);
    for (const Fit& fit : fits(c, 0)) {
        for (const Response& r : fit.responses) {
            for (Index i = 0; i < d_; ++i) {
                const Bins& bins = *r.bins;
                const VectorXd curved =
                    bins.signal.lazyProduct(c.col(product(i, i)).segment(bins.first, bins.signal.cols()));
                const auto a = r.signal.array() * curved.array();
                along[i] += (r.second.array() * a * r.slopes.col(i).array()).sum();
                square[i] += (r.second.array() * a.square()).sum();
            }
        }
    }
    return (square.array() > 0).select(-along.array() / square.array(), 0);
}

} // namespace nuscan
