// SPDX-License-Identifier: Apache-2.0
#include "scan/point.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include <Eigen/Dense>

#include "experiments/uncertainty.hpp"
#include "scan/degeneracy.hpp"

namespace nuscan {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Half of the gradient and of the Hessian of χ² by pulls that are fitted together, and where these stand.
struct PullCurvature {
    struct Pull {
        std::string name; //!< in combinations
        PulledValue* value;
        double unit;                //!< of the value's error, by the pull
        bool held, at_low, at_high; //!< at the ends of its range
    };
    std::vector<Pull> pulls;
    VectorXd gradient;
    MatrixXd hessian;
    MatrixXd kinks;            //!< ∂N_b by the pulls, a row for each bin in whose kink at N_b = 0 the minimum may be
    VectorXd gradient_of_rest; //!< without these bins

    //! Whether χ² falls beyond the bound at which a pull stands, by more than rounding
    bool is_pressed(std::size_t k) const {
        constexpr double gain = 1e-6; // of χ², without the bound
        const double g = gradient[static_cast<Index>(k)], h = hessian(static_cast<Index>(k), static_cast<Index>(k));
        const bool outwards = (pulls[k].at_low && g > 0) || (pulls[k].at_high && g < 0);
        return outwards && g * g > gain * std::max(h, gain);
    }

    /// The Hessian by the \p free pulls with χ² as steep across its kinks as it is elsewhere: enough to tell what they
    /// determine.
    ///
    /// Only those count that the rest of χ² presses the pulls into: its slopes −Σ t_b ∂N_b have 0 < t_b < 1, between
    /// those of max(0, N_b) on both sides.
    MatrixXd with_kinks(const std::vector<Index>& free) const {
        MatrixXd H = hessian(free, free);
        if (kinks.rows() == 0 || free.empty()) {
            return H;
        }
        constexpr double margin = 1e-3;
        const MatrixXd D = kinks(Eigen::all, free);
        const VectorXd t = D.transpose().completeOrthogonalDecomposition().solve(-gradient_of_rest(free));
        for (Index b = 0; b < D.rows(); ++b) {
            if (!(t[b] > margin && t[b] < 1 - margin)) {
                continue;
            }
            const VectorXd squares = D.row(b).array().square();
            double weight = std::numeric_limits<double>::infinity();
            for (Index k = 0; k < squares.size(); ++k) {
                if (squares[k] > 0 && H(k, k) > 0) {
                    weight = std::min(weight, H(k, k) / squares[k]);
                }
            }
            H += (std::isfinite(weight) ? weight : 1 / squares.maxCoeff()) * D.row(b).transpose() * D.row(b);
        }
        return H;
    }

    //! Gives the pulls their errors and statuses, and \p report what there is to say of those that are not determined
    void judge(PointReport& report) const {
        std::vector<Index> free;
        std::vector<std::string> names;
        for (std::size_t k = 0; k < pulls.size(); ++k) {
            PulledValue& value = *pulls[k].value;
            value.status = pulls[k].held   ? PulledValue::Status::held
                           : is_pressed(k) ? PulledValue::Status::at_bound
                                           : PulledValue::Status::fitted;
            value.error = value.status == PulledValue::Status::held ? 0 : std::numeric_limits<double>::quiet_NaN();
            if (value.status == PulledValue::Status::fitted) {
                free.push_back(static_cast<Index>(k));
                names.push_back(pulls[k].name);
            }
        }
        const Curvature smooth = curvature_of(hessian(free, free));
        const Curvature whole = curvature_of(with_kinks(free));
        for (std::size_t i = 0; i < free.size(); ++i) {
            const auto k = static_cast<Index>(i);
            const Pull& pull = pulls[static_cast<std::size_t>(free[i])];
            pull.value->error = smooth.errors[k] * pull.unit;
            pull.value->status = !std::isnan(smooth.errors[k])  ? PulledValue::Status::fitted
                                 : !std::isnan(whole.errors[k]) ? PulledValue::Status::at_bound
                                                                : PulledValue::Status::not_determined;
        }
        for (const Degeneracy& degeneracy : whole.degeneracies) {
            report.degeneracies.push_back(describe(degeneracy, names));
            report.flat_directions += degeneracy.n_flat();
        }
    }
};

void add(std::vector<double>& counts, const std::vector<double>& more) {
    std::transform(counts.begin(), counts.end(), more.begin(), counts.begin(), std::plus<>());
}

//! Before the name of an energy, whose pull is its logarithm
constexpr const char* logarithm_of = "ln ";

/// Values of all pulls.
struct Pulls {
    std::vector<std::vector<double>> alone;    // ξ of each experiment whose pulls are its own
    std::vector<std::vector<double>> together; // z of each group
};

/// A pull that is fitted, or an axis that is.
struct Coordinate {
    std::string name;
    double value, step, prior; //!< for derivatives; 1/σ²
    int pull;                  //!< its place in its experiment or group; −1 for an axis
    std::size_t owner;         //!< the experiment or group, or the axis
    bool together = false;
};

double prior_weight(double sigma) { return sigma > 0 ? 1 / (sigma * sigma) : 0; }

//! \param called the pull's name in combinations
PulledValue& find_pull(PointReport& report, const std::string& called) {
    return *report.find(called.substr(called.starts_with(logarithm_of) ? std::string(logarithm_of).size() : 0));
}

/// A plan of a single point, and what its experiments predict while no pull moves anything.
class Point {
public:
    explicit Point(const ScanConfig& config)
        : plan_(config, Method::moments), work_(plan_.point_unit({})), tables_(plan_.tables(work_)),
          view_(tables_->view()), couplings_(plane_couplings(plan_.parameters(), plan_.layout(), work_.view(), 0)) {
        for (std::size_t e = 0; e < config.experiments.size(); ++e) {
            predict(e);
        }
        pulls_.alone.resize(config.experiments.size());
    }

    PointReport report() {
        PointReport report;
        for (std::size_t e = 0; e < points_.size(); ++e) {
            if (!view_.experiments[e].pulled_with_others) {
                fit_alone(e, report);
            }
        }
        for (const SystematicTables& group : tables_->groups()) {
            fit_together(group, report);
        }
        for (ExperimentPoint& point : points_) {
            point.predicted.assign(point.observed.size(), 0);
            for (const Component& component : point.components) {
                add(point.predicted, component.counts);
            }
            report.chi2 += point.chi2.value;
        }
        report.experiments = std::move(points_);
        return report;
    }

    //! Where report() has found χ² smallest
    const Pulls& pulls() const { return pulls_; }
    //! Those of them that are fitted, and determined
    const std::vector<Coordinate>& fitted() const { return fitted_; }
    //! Whether the data alone determine one of them
    bool has_free_pulls() const { return has_free_pulls_; }

    //! N_b of all experiments, with pulls at \p pulls; only of points without a report
    VectorXd predictions(const Pulls& pulls) const {
        VectorXd N(view_.n_bins);
        for (std::size_t e = 0; e < nominal_.size(); ++e) {
            const std::vector<double>& xi = pulls.alone[e];
            auto bins = N.segment(view_.experiments[e].first_bin, view_.experiments[e].n_bins);
            bins = in_bins(nominal_[e]);
            for (std::size_t i = 0; i < xi.size(); ++i) {
                const bool is_signal = i >= tables_->pulls(e).size();
                bins += xi[i] * in_bins(is_signal ? signals_[e] : background(e, i));
            }
        }
        const std::vector<double> columns = this->columns();
        const TabulatedPoint at{columns.data()};
        for (std::size_t g = 0; g < pulls.together.size(); ++g) {
            const SystematicsView& view = tables_->groups()[g].view();
            std::vector<double> z = pulls.together[g];
            for (std::size_t k = 0; k < z.size(); ++k) {
                z[k] = view.pins[k] >= 0 ? at(view.pins[k]) : z[k];
            }
            detail::ShapeWeights<double> shapes;
            detail::all_shape_weights(view, z.data(), shapes);
            for (int i = 0; i < view.n_experiments; ++i) {
                const PulledExperiment& x = view.experiments[i];
                const detail::PulledCounts<OneBin<double>, TabulatedPoint> pulled{x, at, z.data(), shapes};
                for (int b = 0; b < x.n_bins; ++b) {
                    N[x.first_bin + b] = pulled.counts(b);
                }
            }
        }
        return N;
    }

    //! \p columns, one a parameter, in units of the errors of \p N, those of counts being Poisson's
    void divide_by_errors(const VectorXd& N, MatrixXd& columns) const {
        for (std::size_t e = 0; e < nominal_.size(); ++e) {
            const Experiment& x = experiment(e);
            const Index first = view_.experiments[e].first_bin, n = view_.experiments[e].n_bins;
            auto rows = columns.middleRows(first, n);
            if (!x.covariance.empty()) {
                rows = Eigen::Map<const MatrixXd>(x.covariance.data(), n, n).llt().matrixL().solve(MatrixXd(rows));
                continue;
            }
            const bool gaussian = x.statistic == Statistic::gaussian;
            constexpr double least = 1e-10; // counts
            const VectorXd errors =
                gaussian ? VectorXd(in_bins(x.errors())) : VectorXd(N.segment(first, n).cwiseMax(least).cwiseSqrt());
            rows = errors.cwiseInverse().asDiagonal() * MatrixXd(rows);
        }
    }

private:
    static Eigen::Map<const VectorXd> in_bins(const std::vector<double>& counts) {
        return {counts.data(), static_cast<Index>(counts.size())};
    }
    //! Counts of the i-th background that has a pull
    const std::vector<double>& background(std::size_t e, std::size_t i) const {
        return points_[e].components[n_sources_[e] + static_cast<std::size_t>(tables_->pulls(e)[i])].counts;
    }

    const Experiment& experiment(std::size_t e) const { return tables_->experiment(e); }

    //! The sources' components, then the backgrounds'
    void predict(std::size_t e) {
        const Experiment& x = experiment(e);
        const ExperimentView& view = view_.experiments[e];
        const auto n_bins = static_cast<std::size_t>(x.n_bins());
        points_.push_back({x.name, x.bin_edges, x.response.light_yield > 0, x.further, x.counts, {}, {}, {}, {}});
        std::vector<Component>& components = points_.back().components;
        std::vector<double> signal(n_bins);
        const Response& response = tables_->inputs(e).response();
        const std::vector<std::vector<double>> moments = contribution_moments(tables_->inputs(e));
        for (std::size_t i = 0; i < moments.size(); ++i) {
            const Contribution& contribution = response.contributions[i];
            std::string name = x.sources[contribution.source].name;
            if (x.channels.size() > 1) {
                name += " (" + x.channels[response.scatterers[contribution.scatterer].channel].name + ")";
            }
            std::vector<double> counts = counts_of(e, i, moments[i]);
            add(signal, counts);
            if (!components.empty() && components.back().name == name) { // the next nuclide
                add(components.back().counts, counts);
            } else {
                components.push_back({name, std::move(counts)});
            }
        }
        n_sources_.push_back(components.size());
        std::vector<double> nominal = signal;
        for (std::size_t k = 0; k < x.backgrounds.size(); ++k) {
            const auto n_signal = static_cast<std::size_t>(view.n_features - view.n_backgrounds);
            const double* counts = view.moments + (n_signal + k) * n_bins;
            std::vector<double> scaled(counts, counts + n_bins);
            for (double& count : scaled) {
                count *= view.normalisations[k].fixed;
            }
            add(nominal, scaled);
            components.push_back({x.backgrounds[k].name, std::move(scaled)});
        }
        signals_.push_back(std::move(signal));
        nominal_.push_back(std::move(nominal));
    }

    //! Of a source through a channel on a nuclide
    std::vector<double> counts_of(std::size_t e, std::size_t i, const std::vector<double>& moments) const {
        const SignalTables& signal = tables_->signal(e);
        const FeatureGroup& group = signal.groups[signal.group_of[i]];
        const auto components = static_cast<std::size_t>(n_components(group.propagation));
        const double normalisation = view_.experiments[e].signal_normalisation.fixed;
        std::vector<double> counts(static_cast<std::size_t>(experiment(e).n_bins()));
        for (std::size_t m = 0; m < n_feature_matrices; ++m) {
            std::vector<double> features(components * n_plane_coefficients);
            feature_coefficients(plan_.parameters(), couplings_, group, static_cast<int>(m), AxisShape::linear,
                                 AxisShape::linear, features.data());
            for (std::size_t c = 0; c < components; ++c) {
                for (std::size_t b = 0; b < counts.size(); ++b) {
                    counts[b] += normalisation * moments[(m * components + c) * counts.size() + b] *
                                 features[c * n_plane_coefficients];
                }
            }
        }
        return counts;
    }

    //! The part that the signal takes of its nominal counts, bin by bin, goes to all its sources
    template <class Factor>
    void scale_sources(std::size_t e, const Factor& factor) {
        for (std::size_t i = 0; i < n_sources_[e]; ++i) {
            std::vector<double>& counts = points_[e].components[i].counts;
            for (std::size_t b = 0; b < counts.size(); ++b) {
                counts[b] *= factor(b);
            }
        }
    }

    void fit_alone(std::size_t e, PointReport& report) {
        ExperimentPoint& point = points_[e];
        const Experiment& x = experiment(e);
        std::vector<double> xi;
        point.chi2 = tables_->fit(e, nominal_[e], signals_[e], xi);
        std::vector<const std::vector<double>*> templates;
        std::vector<double> sigmas;
        for (const int k : tables_->pulls(e)) {
            const auto background = static_cast<std::size_t>(k);
            point.pulls.push_back({x.backgrounds[background].name, PulledValue::Kind::normalisation, 0, 0});
            templates.push_back(&point.components[n_sources_[e] + background].counts);
            sigmas.push_back(x.backgrounds[background].sigma);
        }
        if (view_.experiments[e].has_signal_column()) {
            point.pulls.push_back({Experiment::signal, PulledValue::Kind::normalisation, 0, 0});
            templates.push_back(&signals_[e]);
            sigmas.push_back(x.signal_sigma);
        }
        PullCurvature curvature = curvature_alone(x, nominal_[e], templates, sigmas, xi);
        for (std::size_t i = 0; i < xi.size(); ++i) {
            PulledValue& pull = point.pulls[i];
            pull.value = 1 + xi[i];
            const bool at_bound = x.statistic == Statistic::poisson && xi[i] <= -1;
            curvature.pulls.push_back({x.name + "." + pull.name, &pull, 1, false, at_bound, false});
        }
        curvature.judge(report);
        pulls_.alone[e] = xi;
        for (std::size_t i = 0; i < xi.size(); ++i) {
            add_coordinate(curvature, i, xi[i], prior_weight(sigmas[i]), e, false);
        }
        for (std::size_t i = 0; i < tables_->pulls(e).size(); ++i) {
            const auto k = static_cast<std::size_t>(tables_->pulls(e)[i]);
            for (double& count : point.components[n_sources_[e] + k].counts) {
                count *= 1 + xi[i];
            }
        }
        if (view_.experiments[e].has_signal_column()) {
            scale_sources(e, [&](std::size_t) { return 1 + xi.back(); });
        }
    }

    void add_coordinate(const PullCurvature& curvature, std::size_t k, double value, double prior, std::size_t owner,
                        bool together) {
        const PullCurvature::Pull& pull = curvature.pulls[k];
        if (pull.value->status != PulledValue::Status::fitted) {
            return;
        }
        constexpr double step = 1e-4, negligible = 1e-8;
        fitted_.push_back({pull.name, value, step, prior, static_cast<int>(k), owner, together});
        const auto i = static_cast<Index>(k);
        has_free_pulls_ = has_free_pulls_ || prior < negligible * curvature.hessian(i, i);
    }

    //! Of pulls ξ on templates: H = Bᵀ V⁻¹ B + diag(1/σ_k²), V being diagonal with N_b²/n_b, or the errors' own
    static PullCurvature curvature_alone(const Experiment& x, const std::vector<double>& nominal,
                                         const std::vector<const std::vector<double>*>& templates,
                                         const std::vector<double>& sigmas, const std::vector<double>& xi) {
        const auto K = static_cast<Index>(xi.size()), n_bins = static_cast<Index>(nominal.size());
        const bool gaussian = x.statistic == Statistic::gaussian;
        MatrixXd B(n_bins, K);
        VectorXd N = Eigen::Map<const VectorXd>(nominal.data(), n_bins), prior(K);
        for (Index k = 0; k < K; ++k) {
            const auto i = static_cast<std::size_t>(k);
            B.col(k) = Eigen::Map<const VectorXd>(templates[i]->data(), n_bins);
            N += xi[i] * B.col(k);
            prior[k] = 1 / (sigmas[i] * sigmas[i]);
        }
        PullCurvature out;
        out.gradient = prior.cwiseProduct(Eigen::Map<const VectorXd>(xi.data(), K));
        for (Index b = 0; b < n_bins && !gaussian; ++b) { // those of Gaussian statistic have no bounds
            const double n = x.counts[static_cast<std::size_t>(b)];
            out.gradient += (n > 0 ? 1 - n / N[b] : 1) * B.row(b).transpose();
        }
        if (!x.covariance.empty()) {
            const Eigen::Map<const MatrixXd> V(x.covariance.data(), n_bins, n_bins);
            B = V.llt().matrixL().solve(B);
        } else {
            const std::vector<double> bin_errors = x.errors();
            for (Index b = 0; b < n_bins; ++b) {
                const auto i = static_cast<std::size_t>(b);
                B.row(b) *= gaussian ? 1 / bin_errors[i] : (N[b] > 0 ? std::sqrt(x.counts[i]) / N[b] : 0);
            }
        }
        out.hessian = B.transpose() * B;
        out.hessian.diagonal() += prior;
        return out;
    }

    void fit_together(const SystematicTables& tables, PointReport& report) {
        const SystematicsView& view = tables.view();
        const std::vector<double> columns = this->columns();
        const TabulatedPoint at{columns.data()};
        double z[max_systematics] = {};
        const PulledFit<double> fit = systematics_fit<OneBin<double>>(view, at, z);
        detail::ShapeWeights<double> shapes;
        detail::all_shape_weights(view, z, shapes);

        pulls_.together.emplace_back(z, z + view.n_pulls);
        for (std::size_t i = 0; i < tables.group().experiments.size(); ++i) {
            const std::size_t e = tables.group().experiments[i];
            const PulledExperiment& x = view.experiments[i];
            const detail::PulledCounts<OneBin<double>, TabulatedPoint> pulled{x, at, z, shapes};
            points_[e].chi2 = with_status(detail::pulled_chi2(pulled), fit.converged);
            for (int c = 0; c < x.n_components; ++c) {
                const std::size_t background = tables.background(i, c);
                if (background < experiment(e).backgrounds.size()) {
                    std::vector<double>& counts = points_[e].components[n_sources_[e] + background].counts;
                    for (std::size_t b = 0; b < counts.size(); ++b) {
                        counts[b] = pulled.component(x.components[c], static_cast<int>(b));
                    }
                } else {
                    scale_sources(e, [&](std::size_t b) {
                        const double S = signals_[e][b];
                        return S != 0 ? pulled.component(x.components[c], static_cast<int>(b)) / S : 1;
                    });
                }
            }
        }
        std::vector<PulledValue> values;
        for (std::size_t k = 0; k < tables.group().pulls.size(); ++k) {
            values.push_back(value_at(tables.group().pulls[k], z[k]));
        }
        const PullCurvature curvature = curvature_together(tables, at, z, shapes, values);
        curvature.judge(report);
        for (std::size_t k = 0; k < values.size(); ++k) {
            add_coordinate(curvature, k, z[k], view.prior_weights[k], pulls_.together.size() - 1, true);
        }
        for (std::size_t k = 0; k < values.size(); ++k) {
            const Pull& pull = tables.group().pulls[k];
            const double prior = view.prior_weights[k] * z[k] * z[k];
            if (pull.is_shared()) {
                report.shared.push_back(std::move(values[k]));
                report.chi2 += prior;
            } else {
                ExperimentPoint& point = points_[pull.effects[0].experiment];
                point.pulls.push_back(std::move(values[k]));
                point.chi2.value += prior;
            }
        }
    }

    //! Predictions without pulls, signals that these act on, and what else groups ask for
    std::vector<double> columns() const {
        std::vector<double> columns;
        for (const std::vector<double>& counts : nominal_) {
            columns.insert(columns.end(), counts.begin(), counts.end());
        }
        for (std::size_t e = 0; e < signals_.size(); ++e) {
            if (view_.experiments[e].has_signal_column()) {
                columns.insert(columns.end(), signals_[e].begin(), signals_[e].end());
            }
        }
        for (int c = view_.n_bins + view_.n_signal_columns; c < view_.n_columns; ++c) {
            columns.push_back(view_.columns[c - view_.n_bins].value.fixed);
        }
        return columns;
    }

    PulledValue value_at(const Pull& pull, double z) const {
        using Kind = PulledValue::Kind;
        const Pull::Effect& effect = pull.effects[0];
        Kind kind = Kind::normalisation, of_shared = Kind::deviation;
        if (effect.systematic >= 0) {
            switch (experiment(effect.experiment).systematics[static_cast<std::size_t>(effect.systematic)].kind) {
            case Systematic::Kind::normalisation:
                break;
            case Systematic::Kind::shape:
                kind = of_shared = Kind::deviations;
                break;
            case Systematic::Kind::parameter:
                kind = Kind::energy;
                break;
            }
        }
        if (pull.is_shared()) {
            kind = std::isinf(pull.sigma) ? of_shared : Kind::deviations;
        }
        return {pull.name.substr(pull.name.find('.') + 1), kind, value_of_pull(pull, z, plan_.config().experiments), 0};
    }

    //! Notes the slopes of bins without counts that are predicted to have none
    static void add_kinks(const SystematicsView& view, const TabulatedPoint& at, const double* z,
                          const detail::ShapeWeights<double>& shapes, PullCurvature& curvature) {
        constexpr double none = 1e-8; // counts: what the fit's softest ones leave, and rounding
        curvature.gradient_of_rest = curvature.gradient;
        for (int e = 0; e < view.n_experiments; ++e) {
            const PulledExperiment& x = view.experiments[e];
            const detail::PulledCounts<OneBin<double>, TabulatedPoint> pulled{x, at, z, shapes};
            for (int b = 0; b < x.n_bins; ++b) {
                const double N = pulled.counts(b);
                if (x.weights != nullptr || x.counts[b] > 0 || !(std::abs(N) < none)) {
                    continue;
                }
                double slopes[max_systematics] = {};
                for (int c = 0; c < x.n_components; ++c) {
                    const ComponentView& component = x.components[c];
                    pulled.differentiate(component, pulled.nominal(component, b), b, slopes, [](int, int, double) {});
                }
                VectorXd row = VectorXd::Zero(view.n_pulls);
                for (int i = 0; i < x.n_pulls; ++i) {
                    row[x.pulls[i]] += slopes[i];
                }
                if (!(N < 0)) {
                    curvature.gradient_of_rest -= row;
                }
                curvature.kinks.conservativeResize(curvature.kinks.rows() + 1, view.n_pulls);
                curvature.kinks.bottomRows(1) = row.transpose();
            }
        }
    }

    static PullCurvature curvature_together(const SystematicTables& tables, const TabulatedPoint& at, const double* z,
                                            const detail::ShapeWeights<double>& shapes,
                                            std::vector<PulledValue>& values) {
        const SystematicsView& view = tables.view();
        detail::PulledDerivatives<double> derivatives;
        detail::pulled_derivatives<OneBin<double>>(view, at, z, shapes, derivatives);
        const Index K = view.n_pulls;
        PullCurvature out{{}, Eigen::Map<const VectorXd>(derivatives.gradient, K), MatrixXd(K, K), {}, {}};
        for (int k = 0; k < view.n_pulls; ++k) {
            for (int l = 0; l <= k; ++l) {
                out.hessian(k, l) = out.hessian(l, k) = derivatives.squares(k, l) + derivatives.second(k, l);
            }
            PulledValue& value = values[static_cast<std::size_t>(k)];
            const std::string& name = tables.group().pulls[static_cast<std::size_t>(k)].name;
            const bool energy = value.kind == PulledValue::Kind::energy; // the pull is its logarithm
            out.pulls.push_back({energy ? logarithm_of + name : name, &value, energy ? value.value : 1,
                                 view.pins[k] >= 0, z[k] <= view.low[k], z[k] >= view.high[k]});
        }
        add_kinks(view, at, z, shapes, out);
        return out;
    }

    Plan plan_;
    WorkUnit work_;
    std::shared_ptr<const Tables> tables_;
    const PlanView& view_;
    PlaneCouplings couplings_;
    std::vector<ExperimentPoint> points_;
    std::vector<std::size_t> n_sources_;
    std::vector<std::vector<double>> signals_, nominal_;
    Pulls pulls_;
    std::vector<Coordinate> fitted_;
    bool has_free_pulls_ = false;
};

/// Finds pulls that are determined with the axes held, but not where these are fitted too.
///
/// From derivatives of all N_b by pulls and axes, taken as differences: what they err by, 1e-8 of the slope or less,
/// enters the eigenvalues squared.
void find_degeneracies_with_axes(const ScanConfig& config, const std::vector<double>& values, const Point& best,
                                 PointReport& report) {
    std::vector<Coordinate> coordinates = best.fitted();
    const std::size_t n_pulls = coordinates.size();
    for (std::size_t a = 0; a < config.axes.size(); ++a) {
        const Axis& axis = config.axes[a];
        const double range = axis.values.back() - axis.values.front();
        const double step = 1e-4 * std::max(std::abs(values[a]), 1e-3 * range);
        if (step > 0) {
            coordinates.push_back(
                {axis.parameter.name, values[a], step, prior_of(axis.parameter, config).weight, -1, a});
        }
    }
    const Point point(at_point(config, values));
    const VectorXd N = point.predictions(best.pulls());
    MatrixXd slopes(N.size(), static_cast<Index>(coordinates.size()));
    const auto moved = [&](const Coordinate& x, double step) -> VectorXd {
        if (x.pull >= 0) {
            Pulls pulls = best.pulls();
            (x.together ? pulls.together : pulls.alone)[x.owner][static_cast<std::size_t>(x.pull)] += step;
            return point.predictions(pulls);
        }
        std::vector<double> there = values;
        there[x.owner] += step;
        return Point(at_point(config, there)).predictions(best.pulls());
    };
    for (std::size_t i = 0; i < coordinates.size(); ++i) {
        const Coordinate& x = coordinates[i];
        slopes.col(static_cast<Index>(i)) = (moved(x, x.step) - moved(x, -x.step)) / (2 * x.step);
    }
    point.divide_by_errors(N, slopes);
    MatrixXd hessian = slopes.transpose() * slopes;
    for (std::size_t i = 0; i < coordinates.size(); ++i) {
        hessian(static_cast<Index>(i), static_cast<Index>(i)) += coordinates[i].prior;
    }
    for (const Degeneracy& degeneracy : curvature_of(hessian).degeneracies) {
        std::vector<std::string> names;
        bool with_axis = false;
        for (const int k : degeneracy.parameters) {
            names.push_back(coordinates[static_cast<std::size_t>(k)].name);
            with_axis = with_axis || static_cast<std::size_t>(k) >= n_pulls;
        }
        if (!with_axis || static_cast<std::size_t>(degeneracy.parameters.front()) >= n_pulls) {
            continue;
        }
        for (const int k : degeneracy.parameters) {
            if (static_cast<std::size_t>(k) < n_pulls) {
                PulledValue& pull = find_pull(report, coordinates[static_cast<std::size_t>(k)].name);
                pull.status = PulledValue::Status::not_determined;
                pull.error = std::numeric_limits<double>::quiet_NaN();
            }
        }
        report.degeneracies.push_back(enumerate(names) + " are degenerate: no more than combinations are determined");
        report.flat_directions += degeneracy.n_flat();
    }
}

} // namespace

const PulledValue* PointReport::find(const std::string& name) const {
    for (const ExperimentPoint& experiment : experiments) {
        for (const PulledValue& pull : experiment.pulls) {
            if (experiment.name + "." + pull.name == name) {
                return &pull;
            }
        }
    }
    const auto found =
        std::find_if(shared.begin(), shared.end(), [&](const PulledValue& pull) { return pull.name == name; });
    return found == shared.end() ? nullptr : &*found;
}

PulledValue* PointReport::find(const std::string& name) {
    return const_cast<PulledValue*>(std::as_const(*this).find(name)); // what is found is of this report
}

const char* status_name(PulledValue::Status status) {
    static constexpr const char* names[] = {"fitted", "held", "at its bound", "not determined"};
    return names[static_cast<int>(status)];
}

ScanConfig at_point(ScanConfig config, const std::vector<double>& values) {
    for (std::size_t i = 0; i < config.axes.size(); ++i) {
        const Parameter& parameter = config.axes[i].parameter;
        switch (parameter.kind) {
        case Parameter::Kind::sin2_theta_w:
            config.neutrino.sin2_theta_w = values[i];
            break;
        case Parameter::Kind::mixing:
        case Parameter::Kind::baseline:
        case Parameter::Kind::proton_radius:
        case Parameter::Kind::neutron_radius:
            set_slow(parameter, values[i], config.experiments, config.neutrino.mixing);
            break;
        case Parameter::Kind::element:
        case Parameter::Kind::majorana_moment:
        case Parameter::Kind::normalisation:
        case Parameter::Kind::systematic:
            config.fixed.push_back({parameter, values[i]});
            break;
        }
    }
    config.axes.clear();
    return config;
}

PointReport evaluate_point(const ScanConfig& config) { return Point(config).report(); }

PointReport evaluate_best_fit(const ScanConfig& config, const std::vector<double>& values) {
    Point point(at_point(config, values));
    PointReport report = point.report();
    if (!values.empty() && point.has_free_pulls()) {
        find_degeneracies_with_axes(config, values, point, report);
    }
    return report;
}

} // namespace nuscan
