// SPDX-License-Identifier: Apache-2.0
#include "backends/reference_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <Eigen/Dense>
#include <boost/math/special_functions/log1p.hpp>
#include <boost/math/tools/roots.hpp>

#include "backends/reference_systematics.hpp"

namespace nuscan {
namespace {

constexpr double pi = constants::pi;

//! NuFIT 6.0 values of the ordering, as quoted
Mixing nominal_mixing(bool inverted_ordering) {
    constexpr double degree = pi / 180;
    Mixing mixing;
    mixing.theta12 = 33.68 * degree;
    mixing.dm21 = 7.49e-5;
    if (inverted_ordering) {
        mixing.theta13 = 8.59 * degree;
        mixing.theta23 = 47.9 * degree;
        mixing.delta = 274 * degree;
        mixing.dm31 = -2.484e-3 + mixing.dm21; // Δm²31 = Δm²32 + Δm²21
    } else {
        mixing.theta13 = 8.56 * degree;
        mixing.theta23 = 43.3 * degree;
        mixing.delta = 212 * degree;
        mixing.dm31 = 2.513e-3;
    }
    return mixing;
}

// ---------------------------------------------------------------------------------------------------------------------
// χ²

//! 2 (N − n + n ln(n/N)), by x − ln(1 + x) of x = N/n − 1 where both are large and nearly the same
double baker_cousins(double N, double n) {
    if (!(n > 0)) {
        return 2 * N;
    }
    return N > 0.1 * n ? -2 * n * boost::math::log1pmx((N - n) / n) : 2 * (N - n + n * std::log(n / N));
}

using Eigen::MatrixXd;
using Eigen::VectorXd;

struct Counts {
    const std::vector<double>& observed;
    const std::vector<double>& fixed;
    const std::vector<std::vector<double>>& templates;
    const std::vector<double>& sigmas;

    double prediction(const VectorXd& y, std::size_t b) const {
        double N = fixed[b];
        for (std::size_t k = 0; k < templates.size(); ++k) {
            N += y[static_cast<Eigen::Index>(k)] * templates[k][b];
        }
        return N;
    }

    double chi2(const VectorXd& y) const {
        double sum = 0;
        for (std::size_t b = 0; b < observed.size(); ++b) {
            sum += baker_cousins(prediction(y, b), observed[b]);
        }
        for (std::size_t k = 0; k < sigmas.size(); ++k) {
            sum += std::pow((y[static_cast<Eigen::Index>(k)] - 1) / sigmas[k], 2);
        }
        return sum;
    }
};

//! Root of the derivative of χ² in one normalisation, which rises everywhere; zero where it is positive there
double fit_one(const Counts& c) {
    const auto derivative = [&](double y) {
        double slope = 2 * (y - 1) / (c.sigmas[0] * c.sigmas[0]);
        for (std::size_t b = 0; b < c.observed.size(); ++b) {
            const double B = c.templates[0][b];
            const double N = c.fixed[b] + y * B;
            if (B != 0) {
                slope += 2 * B - (c.observed[b] > 0 ? 2 * B * c.observed[b] / N : 0);
            }
        }
        return slope;
    };
    if (derivative(0) >= 0) { // −inf where a bin with counts is empty at y = 0
        return 0;
    }
    double low = 0, high = 1;
    while (derivative(high) < 0 && high < 1e200) {
        low = high;
        high *= 2;
    }
    while (low == 0 && derivative(high / 2) > 0 && high > 1e-200) {
        high /= 2;
    }
    low = std::max(low, high / 2);
    if (derivative(low) >= 0) {
        return low;
    }
    std::uintmax_t iterations = 300;
    const auto bracket = boost::math::tools::toms748_solve(
        derivative, low, high, [](double a, double b) { return std::abs(a - b) <= 4e-16 * std::abs(b); }, iterations);
    return (bracket.first + bracket.second) / 2;
}

/// χ² − t Σ ln y_k along t → 0. Both parts are self-concordant, so that Newton's method converges from anywhere inside,
/// and the minimum of χ² is less than K t below.
VectorXd fit_many(const Counts& c) {
    const auto K = static_cast<Eigen::Index>(c.templates.size());
    VectorXd y = VectorXd::Ones(K);
    const auto objective = [&](const VectorXd& at, double t) { return c.chi2(at) - t * at.array().log().sum(); };
    for (double t = 1; t > 1e-14; t /= 4) {
        for (int iteration = 0; iteration < 200; ++iteration) {
            VectorXd gradient = -t * y.cwiseInverse();
            MatrixXd hessian = (t * y.array().square().inverse()).matrix().asDiagonal();
            for (Eigen::Index k = 0; k < K; ++k) {
                const double weight = 2 / (c.sigmas[k] * c.sigmas[k]);
                gradient[k] += weight * (y[k] - 1);
                hessian(k, k) += weight;
            }
            for (std::size_t b = 0; b < c.observed.size(); ++b) {
                VectorXd B(K);
                for (Eigen::Index k = 0; k < K; ++k) {
                    B[k] = c.templates[k][b];
                }
                const double N = c.prediction(y, b), n = c.observed[b];
                gradient += n > 0 ? VectorXd(2 * (1 - n / N) * B) : VectorXd(2 * B);
                if (n > 0) {
                    hessian += 2 * n / (N * N) * B * B.transpose();
                }
            }
            // In units of y, where all pivots are of the size of t or larger
            const VectorXd step =
                -(y.asDiagonal() *
                  (MatrixXd(y.asDiagonal() * hessian * y.asDiagonal()).ldlt().solve(y.asDiagonal() * gradient)));
            const double decrement = -gradient.dot(step);
            double length = 1;
            while ((y + length * step).minCoeff() <= 0) {
                length /= 2;
            }
            const double before = objective(y, t);
            for (int halving = 0; halving < 60; ++halving, length /= 2) {
                const double after = objective(y + length * step, t);
                if (after <= before - 0.1 * length * decrement + 1e-15 * std::abs(before)) {
                    break;
                }
            }
            y += length * step;
            if (!(decrement > 1e-3 * t)) {
                break;
            }
        }
    }
    return y;
}

} // namespace

ReferenceFit reference_fit(const std::vector<double>& counts, const std::vector<double>& fixed,
                           const std::vector<std::vector<double>>& templates, const std::vector<double>& sigmas) {
    ReferenceFit fit;
    for (std::size_t b = 0; b < counts.size(); ++b) {
        double possible = fixed[b];
        for (const std::vector<double>& B : templates) {
            possible += B[b];
        }
        if (std::isnan(possible)) {
            fit.status = PointStatus::not_a_number;
        } else if (!(possible > 0) && counts[b] > 0 && fit.status != PointStatus::not_a_number) {
            fit.status = PointStatus::empty_prediction;
        }
    }
    fit.normalisations.assign(templates.size(), 1);
    if (fit.status != PointStatus::ok) {
        fit.chi2 = fit.status == PointStatus::not_a_number ? std::numeric_limits<double>::quiet_NaN()
                                                           : std::numeric_limits<double>::infinity();
        return fit;
    }
    const Counts c{counts, fixed, templates, sigmas};
    VectorXd y = VectorXd::Ones(static_cast<Eigen::Index>(templates.size()));
    if (templates.size() == 1) {
        y[0] = fit_one(c);
    } else if (templates.size() > 1) {
        y = fit_many(c);
    }
    fit.chi2 = c.chi2(y);
    fit.normalisations.assign(y.begin(), y.end());
    return fit;
}

ReferenceFit reference_gaussian_fit(const std::vector<double>& counts, const std::vector<double>& errors,
                                    const std::vector<double>& fixed, const std::vector<std::vector<double>>& templates,
                                    const std::vector<double>& sigmas, const std::vector<double>& covariance) {
    const auto n = static_cast<Eigen::Index>(counts.size()), K = static_cast<Eigen::Index>(templates.size());
    const auto vector = [](const std::vector<double>& x) {
        return Eigen::Map<const VectorXd>(x.data(), static_cast<Eigen::Index>(x.size()));
    };
    Eigen::LDLT<MatrixXd> C;
    if (!covariance.empty()) {
        C.compute(Eigen::Map<const MatrixXd>(covariance.data(), n, n));
    }
    const auto weighted = [&](const MatrixXd& x) -> MatrixXd { // C⁻¹ x
        if (x.cols() == 0) {
            return x; // Eigen refers to the first element of what it solves for
        }
        return covariance.empty() ? MatrixXd(vector(errors).cwiseAbs2().cwiseInverse().asDiagonal() * x) : C.solve(x);
    };
    MatrixXd B(n, K);
    for (Eigen::Index k = 0; k < K; ++k) {
        B.col(k) = vector(templates[static_cast<std::size_t>(k)]);
    }
    const VectorXd at_zero = vector(fixed) - vector(counts), prior = vector(sigmas).cwiseAbs2().cwiseInverse();
    const MatrixXd hessian = B.transpose() * weighted(B) + MatrixXd(prior.asDiagonal()); // half of χ²'s
    const VectorXd gradient = B.transpose() * weighted(at_zero) - prior;                 // half of it, at y = 0
    // In units in which all templates count alike: a signal far outside would hide backgrounds, as if they were zero
    const VectorXd unit = (hessian.diagonal().array() > 0).select(hessian.diagonal().cwiseSqrt().cwiseInverse(), 1);
    const MatrixXd scaled = unit.asDiagonal() * hessian * unit.asDiagonal();
    const VectorXd y = K > 0 ? VectorXd(unit.cwiseProduct(scaled.completeOrthogonalDecomposition().solve(
                                   VectorXd(-unit.cwiseProduct(gradient)))))
                             : VectorXd();
    const VectorXd residual = at_zero + B * y;
    ReferenceFit fit;
    fit.chi2 = residual.dot(weighted(residual).col(0)) + prior.dot((y.array() - 1).square().matrix());
    fit.status = std::isnan(fit.chi2) ? PointStatus::not_a_number : PointStatus::ok;
    fit.normalisations.assign(y.begin(), y.end());
    return fit;
}

ReferenceModel::ReferenceModel(const ScanConfig& config) : config_(config), groups_(reference_groups(config)) {
    // Default mixing, and the couplings of each experiment with no form factors beyond the SM
    NeutrinoConfig standard;
    standard.mixing = nominal_mixing(config.neutrino.inverted_ordering);
    const ReferencePoint standard_model = reference_point(standard, {}, {});
    for (std::size_t e = 0; e < config.experiments.size(); ++e) {
        const Experiment& experiment = config.experiments[e];
        spectra_.emplace_back(experiment);
        std::vector<std::vector<double>> counts;
        std::vector<double> solar;
        for (const Background& background : experiment.backgrounds) {
            counts.push_back(background.counts);
            if (background.includes_solar) {
                if (solar.empty()) {
                    solar = spectra_[e](standard_model);
                }
                for (std::size_t b = 0; b < solar.size(); ++b) {
                    // A published background below the solar signal leaves nothing, not less than nothing.
                    counts.back()[b] = std::max(counts.back()[b] - solar[b], 0.0);
                }
            }
        }
        backgrounds_.push_back(std::move(counts));
    }
}

ReferencePoint ReferenceModel::point(const std::vector<double>& axis_values) const {
    std::vector<std::pair<Parameter, double>> values;
    for (std::size_t i = 0; i < config_.axes.size(); ++i) {
        values.emplace_back(config_.axes[i].parameter, axis_values.at(i));
    }
    return reference_point(config_.neutrino, config_.fixed, values);
}

std::vector<std::vector<double>> ReferenceModel::signals(const ReferencePoint& point) const {
    std::vector<std::vector<double>> signals;
    for (const ReferenceSpectrum& spectrum : spectra_) {
        signals.push_back(spectrum(point));
    }
    return signals;
}

ReferenceResult ReferenceModel::fit(const ReferencePoint& point, std::vector<std::vector<double>> signals) const {
    const std::size_t n = config_.experiments.size();
    ReferenceResult result{0, PointStatus::ok, std::move(signals), {}, {}};
    result.normalisations.resize(n);
    result.systematics.resize(n);
    std::set<std::size_t> alone;
    for (std::size_t e = 0; e < n; ++e) {
        alone.insert(e);
    }
    for (const std::vector<std::size_t>& group : groups_) {
        std::vector<std::vector<std::vector<double>>> components;
        for (const std::size_t e : group) {
            components.push_back(backgrounds_[e]);
            components.back().push_back(result.signal[e]);
            alone.erase(e);
        }
        const ReferenceJointFit fit = reference_joint_fit(config_, point, group, components);
        result.chi2 += fit.chi2;
        result.status = std::max(result.status, fit.status);
        for (std::size_t i = 0; i < group.size(); ++i) {
            const std::size_t n_systematics = config_.experiments[group[i]].systematics.size();
            for (std::size_t m = 0; m < fit.x[i].size(); ++m) {
                if (m < n_systematics) {
                    result.systematics[group[i]].push_back(fit.x[i][m]);
                } else {
                    result.normalisations[group[i]].push_back(1 + fit.x[i][m]);
                }
            }
        }
    }
    for (const std::size_t e : alone) {
        fit_alone(e, point, result);
    }
    return result;
}

void ReferenceModel::fit_alone(std::size_t e, const ReferencePoint& point, ReferenceResult& result) const {
    const Experiment& experiment = config_.experiments[e];
    std::vector<double>& signal = result.signal[e];
    // The signal is scaled like a background: by what is given, else by what fits best.
    const ReferencePoint::BackgroundName signal_name{experiment.name, Experiment::signal};
    const auto given_signal = point.normalisations.find(signal_name);
    const bool signal_is_given = given_signal != point.normalisations.end();
    const double signal_sigma = experiment.signal_sigma;
    if (signal_is_given) {
        for (double& counts : signal) {
            counts *= given_signal->second;
        }
        if (point.scanned.count(signal_name) && signal_sigma > 0 && std::isfinite(signal_sigma)) {
            result.chi2 += std::pow((given_signal->second - 1) / signal_sigma, 2);
        }
    }
    const bool signal_is_fitted = !signal_is_given && signal_sigma > 0;
    std::vector<double> fixed = signal_is_fitted ? std::vector<double>(signal.size()) : signal;
    std::vector<std::vector<double>> templates;
    std::vector<double> sigmas;
    std::vector<std::size_t> fitted; // which background each template is
    std::vector<double>& normalisations = result.normalisations[e];
    for (std::size_t k = 0; k < experiment.backgrounds.size(); ++k) {
        const Background& background = experiment.backgrounds[k];
        const ReferencePoint::BackgroundName name{experiment.name, background.name};
        const auto given = point.normalisations.find(name);
        const double y = given == point.normalisations.end() ? 1 : given->second;
        normalisations.push_back(y);
        if (given == point.normalisations.end() && background.sigma > 0) {
            templates.push_back(backgrounds_[e][k]);
            sigmas.push_back(background.sigma);
            fitted.push_back(k);
            continue;
        }
        for (std::size_t b = 0; b < fixed.size(); ++b) {
            fixed[b] += y * backgrounds_[e][k][b];
        }
        if (point.scanned.count(name) && background.sigma > 0 && std::isfinite(background.sigma)) {
            result.chi2 += std::pow((y - 1) / background.sigma, 2);
        }
    }
    if (signal_is_fitted) {
        templates.push_back(signal);
        sigmas.push_back(signal_sigma);
    }
    const ReferenceFit fit = experiment.statistic == Statistic::gaussian
                                 ? reference_gaussian_fit(experiment.counts, experiment.errors(), fixed, templates,
                                                          sigmas, experiment.covariance)
                                 : reference_fit(experiment.counts, fixed, templates, sigmas);
    for (std::size_t k = 0; k < fitted.size(); ++k) {
        normalisations[fitted[k]] = fit.normalisations[k];
    }
    normalisations.push_back(signal_is_fitted ? fit.normalisations.back() : 1);
    result.chi2 += fit.chi2;
    result.status = std::max(result.status, fit.status);
}

ReferenceResult ReferenceModel::operator()(const std::vector<double>& axis_values) const {
    const ReferencePoint at = point(axis_values);
    return fit(at, remembered_signals(axis_values, at));
}

std::vector<std::vector<double>> ReferenceModel::remembered_signals(const std::vector<double>& axis_values,
                                                                    const ReferencePoint& point) const {
    std::vector<double> values;
    for (std::size_t i = 0; i < axis_values.size(); ++i) {
        const Parameter::Kind kind = config_.axes[i].parameter.kind;
        if (kind != Parameter::Kind::normalisation && kind != Parameter::Kind::systematic) {
            values.push_back(axis_values[i]);
        }
    }
    {
        const std::lock_guard lock(mutex_);
        if (!signals_.empty() && values == signal_values_) {
            return signals_;
        }
    }
    std::vector<std::vector<double>> made = signals(point);
    const std::lock_guard lock(mutex_);
    signal_values_ = std::move(values);
    signals_ = made;
    return made;
}

} // namespace nuscan
