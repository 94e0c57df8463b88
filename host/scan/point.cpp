// SPDX-License-Identifier: Apache-2.0
#include "scan/point.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include <Eigen/Dense>

namespace nuscan {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

//! √ of the diagonal of H⁻¹, H being half the Hessian of χ²; infinite where χ² is flat
VectorXd errors_from(const MatrixXd& hessian) {
    if (hessian.size() == 0) { // Eigen would read beyond it
        return {};
    }
    const MatrixXd inverse = hessian.completeOrthogonalDecomposition().pseudoInverse();
    return inverse.diagonal().cwiseMax(0).cwiseSqrt();
}

void add(std::vector<double>& counts, const std::vector<double>& more) {
    std::transform(counts.begin(), counts.end(), more.begin(), counts.begin(), std::plus<>());
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
    }

    PointReport report() {
        PointReport report;
        for (std::size_t e = 0; e < points_.size(); ++e) {
            if (!view_.experiments[e].pulled_with_others) {
                fit_alone(e);
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

private:
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

    void fit_alone(std::size_t e) {
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
        const VectorXd errors = errors_of(x, nominal_[e], templates, sigmas, xi);
        for (std::size_t i = 0; i < xi.size(); ++i) {
            point.pulls[i].value = 1 + xi[i];
            point.pulls[i].error = errors[static_cast<Index>(i)];
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

    //! Of pulls ξ on templates, from H = Bᵀ V⁻¹ B + diag(1/σ_k²), V being diagonal with N_b²/n_b, or the errors' own
    static VectorXd errors_of(const Experiment& x, const std::vector<double>& nominal,
                              const std::vector<const std::vector<double>*>& templates,
                              const std::vector<double>& sigmas, const std::vector<double>& xi) {
        const auto K = static_cast<Index>(xi.size()), n_bins = static_cast<Index>(nominal.size());
        MatrixXd B(n_bins, K);
        VectorXd N = Eigen::Map<const VectorXd>(nominal.data(), n_bins), prior(K);
        for (Index k = 0; k < K; ++k) {
            const auto i = static_cast<std::size_t>(k);
            B.col(k) = Eigen::Map<const VectorXd>(templates[i]->data(), n_bins);
            N += xi[i] * B.col(k);
            prior[k] = 1 / (sigmas[i] * sigmas[i]);
        }
        if (!x.covariance.empty()) {
            const Eigen::Map<const MatrixXd> V(x.covariance.data(), n_bins, n_bins);
            B = V.llt().matrixL().solve(B);
        } else {
            const std::vector<double> bin_errors = x.errors();
            for (Index b = 0; b < n_bins; ++b) {
                const auto i = static_cast<std::size_t>(b);
                const bool gaussian = x.statistic == Statistic::gaussian;
                B.row(b) *= gaussian ? 1 / bin_errors[i] : (N[b] > 0 ? std::sqrt(x.counts[i]) / N[b] : 0);
            }
        }
        MatrixXd H = B.transpose() * B;
        H.diagonal() += prior;
        return errors_from(H);
    }

    void fit_together(const SystematicTables& tables, PointReport& report) {
        const SystematicsView& view = tables.view();
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
        const TabulatedPoint at{columns.data()};
        double z[max_systematics] = {};
        const PoissonFit<double> fit = systematics_fit<OneBin<double>>(view, at, z);
        detail::ShapeWeights<double> shapes;
        detail::all_shape_weights(view, z, shapes);

        const std::vector<double> errors = errors_together(view, at, z, shapes);
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
        for (std::size_t k = 0; k < tables.group().pulls.size(); ++k) {
            const Pull& pull = tables.group().pulls[k];
            PulledValue value = value_at(pull, z[k]);
            value.error = errors[k] * (value.kind == PulledValue::Kind::energy ? value.value : 1);
            const double prior = view.prior_weights[k] * z[k] * z[k];
            if (pull.is_shared()) {
                report.shared.push_back(std::move(value));
                report.chi2 += prior;
            } else {
                ExperimentPoint& point = points_[pull.effects[0].experiment];
                point.pulls.push_back(std::move(value));
                point.chi2.value += prior;
            }
        }
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

    static std::vector<double> errors_together(const SystematicsView& view, const TabulatedPoint& at, const double* z,
                                               const detail::ShapeWeights<double>& shapes) {
        detail::PulledDerivatives<double> derivatives;
        detail::pulled_derivatives<OneBin<double>>(view, at, z, shapes, derivatives);
        std::vector<int> fitted;
        for (int k = 0; k < view.n_pulls; ++k) {
            if (view.pins[k] < 0) {
                fitted.push_back(k);
            }
        }
        const auto K = static_cast<Index>(fitted.size());
        MatrixXd H(K, K);
        for (Index i = 0; i < K; ++i) {
            for (Index j = 0; j <= i; ++j) {
                const int k = fitted[static_cast<std::size_t>(i)], l = fitted[static_cast<std::size_t>(j)];
                H(i, j) = H(j, i) = derivatives.squares(k, l) + derivatives.second(k, l);
            }
        }
        const VectorXd of_fitted = errors_from(H);
        std::vector<double> errors(static_cast<std::size_t>(view.n_pulls));
        for (Index i = 0; i < K; ++i) {
            errors[static_cast<std::size_t>(fitted[static_cast<std::size_t>(i)])] = of_fitted[i];
        }
        return errors;
    }

    Plan plan_;
    WorkUnit work_;
    std::shared_ptr<const Tables> tables_;
    const PlanView& view_;
    PlaneCouplings couplings_;
    std::vector<ExperimentPoint> points_;
    std::vector<std::size_t> n_sources_;
    std::vector<std::vector<double>> signals_, nominal_;
};

} // namespace

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

} // namespace nuscan
