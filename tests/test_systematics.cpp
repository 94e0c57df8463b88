// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <deque>
#include <random>

#include "backends/reference_model.hpp"
#include "nuscan/prediction.hpp"
#include "scan/bin_lanes.hpp"
#include "scan/plan.hpp"

namespace nuscan::testing {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double inf = constants::infinity;

/// Experiments with a signal and a background, both of which a point gives or the tables hold, and pulls on them.
struct Toy {
    static constexpr int n_bins = 11, n_experiments = 2; // more than lanes, and not a multiple of them
    struct Experiment {
        std::vector<double> counts, weights, signal, background, templates;
    };
    std::vector<Experiment> x{n_experiments};
    std::vector<double> prior{1 / (0.2 * 0.2), 0, 1, 1, 1 / (0.1 * 0.1)}, low, high;
    std::vector<int> pins;
    std::vector<double> columns; // predictions, then signals
    ComponentView components[n_experiments][2];
    std::vector<int> pulls[n_experiments];
    std::vector<NormalisationEffect> normalisations[n_experiments];
    std::vector<ShapeEffect> shapes[n_experiments];
    std::vector<PulledExperiment> views;

    Toy(const Toy&) = delete;
    Toy& operator=(const Toy&) = delete;

    //! Pulls: 0 background of both (shared), 1 signal of the first (free), 2 shape of the background of the first, 3
    //! shape of the signal of the second, 4 signal of both
    //! \p size multiplies the counts, which differ from predictions by as many standard deviations for all
    explicit Toy(unsigned seed, bool gaussian, double size = 1) : low(5, -inf), high(5, inf), pins(5, -1) {
        std::mt19937 generator(seed);
        std::uniform_real_distribution<double> uniform(0, 1);
        std::vector<double> signals;
        for (int e = 0; e < n_experiments; ++e) {
            Experiment& y = x[static_cast<std::size_t>(e)];
            for (int b = 0; b < n_bins; ++b) {
                y.signal.push_back(size * (10 + 30 * uniform(generator)));
                y.background.push_back(size * (20 + 40 * uniform(generator)));
                const double N = y.signal.back() + y.background.back();
                y.counts.push_back(std::floor(N * (1 + 0.6 * (uniform(generator) - 0.5) / std::sqrt(size))));
                y.weights.push_back(1 / y.counts.back());
                columns.push_back(N);
                signals.push_back(y.signal.back());
            }
            for (int b = 0; b < n_bins; ++b) { // odd, then even part: of the background counts, of the signal factors
                y.templates.push_back((e == 0 ? 6 * size : 0.2) * (uniform(generator) - 0.5));
            }
            for (int b = 0; b < n_bins; ++b) {
                y.templates.push_back((e == 0 ? 3 * size : 0.1) * (uniform(generator) - 0.5));
            }
        }
        columns.insert(columns.end(), signals.begin(), signals.end());
        low[0] = low[1] = low[4] = -1;
        pulls[0] = {0, 1, 2, 4};
        pulls[1] = {0, 3, 4};
        normalisations[0] = {{0, 1}, {1, 1}, {3, 1}}; // of the background, then two of the signal
        normalisations[1] = {{0, 0.5}, {2, 1.5}};
        for (int e = 0; e < n_experiments; ++e) {
            Experiment& y = x[static_cast<std::size_t>(e)];
            components[e][0] = {y.background.data(), -1, -1, 1, 0, 1, 0, e == 0 ? 1 : 0};
            components[e][1] = {nullptr, (n_experiments + e) * n_bins, -1, 1, 1, e == 0 ? 2 : 1, 0, e == 1 ? 1 : 0};
            shapes[e] = {{e == 0 ? 2 : 1, 1, e == 1, 2, 2 * e, 0, 0, y.templates.data()}};
            views.push_back({e, e * n_bins, n_bins, y.counts.data(), gaussian ? y.weights.data() : nullptr,
                             static_cast<int>(pulls[e].size()), pulls[e].data(), 2, components[e],
                             static_cast<int>(normalisations[e].size()), normalisations[e].data(), 1,
                             shapes[e].data()});
        }
    }

    SystematicsView view() const {
        return {5, n_experiments, prior.data(), low.data(), high.data(), pins.data(), views.data()};
    }

    //! The formula, written out
    double chi2(const VectorXd& z) const {
        const auto even = [](double t) {
            return std::abs(t) >= 1 ? std::abs(t) : (15 * t * t - 10 * std::pow(t, 4) + 3 * std::pow(t, 6)) / 8;
        };
        double sum = 0;
        for (int k = 0; k < 5; ++k) {
            sum += prior[static_cast<std::size_t>(k)] * z[k] * z[k];
        }
        for (std::size_t e = 0; e < n_experiments; ++e) {
            const Experiment& y = x[e];
            const double a_B = 1 + (e == 0 ? z[0] : 0.5 * z[0]), a_S = 1 + (e == 0 ? z[1] + z[4] : 1.5 * z[4]);
            const double t = e == 0 ? z[2] : z[3];
            for (std::size_t b = 0; b < n_bins; ++b) {
                const double D = t * y.templates[b] + even(t) * y.templates[n_bins + b];
                const double B = a_B * (y.background[b] + (e == 0 ? D : 0));
                const double S = a_S * y.signal[b] * (1 + (e == 1 ? D : 0));
                const long double N = S + B, n = y.counts[b]; // N − n may be far smaller than both
                sum += static_cast<double>(views[0].weights != nullptr ? (N - n) * (N - n) * y.weights[b]
                                                                       : 2 * (N - n + n * std::log(n / N)));
            }
        }
        return sum;
    }

    //! The lowest of what Newton's method finds from nominal and from both sides of the shapes
    VectorXd minimum() const {
        VectorXd best = minimum_from(VectorXd::Zero(5));
        for (const int sides : {0, 1, 2, 3}) {
            VectorXd start = VectorXd::Zero(5);
            start[2] = sides % 2 == 0 ? 1 : -1;
            start[3] = sides < 2 ? 1 : -1;
            const VectorXd other = minimum_from(start);
            best = chi2(other) < chi2(best) ? other : best;
        }
        return best;
    }

    //! Newton's method with differences of the formula
    VectorXd minimum_from(VectorXd z) const {
        const double h = 1e-4;
        for (int iteration = 0; iteration < 30; ++iteration) {
            VectorXd g = VectorXd::Zero(5);
            MatrixXd H = MatrixXd::Identity(5, 5);
            const auto at = [&](int k, double dk, int l, double dl) {
                VectorXd y = z;
                y[k] += dk;
                y[l] += dl;
                return chi2(y);
            };
            for (int k = 0; k < 5; ++k) {
                for (int l = 0; l < 5; ++l) {
                    H(k, l) = (at(k, h, l, h) - at(k, h, l, -h) - at(k, -h, l, h) + at(k, -h, l, -h)) / (4 * h * h);
                    g[k] = (at(k, h, k, 0) - at(k, -h, k, 0)) / (2 * h);
                }
            }
            const Eigen::SelfAdjointEigenSolver<MatrixXd> modes(H); // downhill along all of them
            const MatrixXd& Q = modes.eigenvectors();
            VectorXd step = -Q * (Q.transpose() * g).cwiseQuotient(modes.eigenvalues().cwiseAbs());
            for (int halving = 0; halving < 40 && !(chi2(z + step) < chi2(z)); ++halving) {
                step /= 2;
            }
            z += chi2(z + step) < chi2(z) ? step : VectorXd::Zero(5);
        }
        return z;
    }
};

class Systematics : public ::testing::TestWithParam<bool> {};

TEST_P(Systematics, reach_the_minimum_of_the_formula) {
    for (unsigned seed = 1; seed < 20; ++seed) {
        const Toy toy(seed, GetParam());
        double z[max_systematics];
        const PoissonFit<double> fit =
            systematics_fit<OneBin<double>>(toy.view(), TabulatedPoint{toy.columns.data()}, z);
        const VectorXd expected = toy.minimum();
        EXPECT_TRUE(fit.converged) << seed;
        EXPECT_NEAR(fit.chi2, toy.chi2(expected), 1e-8) << seed;
        EXPECT_NEAR(fit.chi2, toy.chi2(VectorXd(Eigen::Map<VectorXd>(z, 5))), 1e-10) << seed;
        for (int k = 0; k < 5; ++k) {
            EXPECT_NEAR(z[k], expected[k], 1e-4) << seed << ' ' << k;
        }
    }
}

TEST_P(Systematics, converge_on_millions_of_counts) {
    for (unsigned seed = 1; seed < 20; ++seed) {
        const Toy toy(seed, GetParam(), 1e6);
        double z[max_systematics];
        const PoissonFit<double> fit =
            systematics_fit<OneBin<double>>(toy.view(), TabulatedPoint{toy.columns.data()}, z);
        EXPECT_TRUE(fit.converged) << seed;
        EXPECT_NEAR(fit.chi2, toy.chi2(VectorXd(Eigen::Map<VectorXd>(z, 5))), 1e-9) << seed;
    }
}

TEST_P(Systematics, hold_pulls_that_are_given) {
    Toy toy(3, GetParam());
    toy.pins[2] = static_cast<int>(toy.columns.size());
    toy.columns.push_back(0.7);
    toy.prior[2] = 0;
    double z[max_systematics];
    const PoissonFit<double> fit = systematics_fit<OneBin<double>>(toy.view(), TabulatedPoint{toy.columns.data()}, z);
    EXPECT_EQ(z[2], 0.7);
    double best = inf; // of a scan around
    VectorXd y = Eigen::Map<VectorXd>(z, 5);
    for (const int k : {0, 1, 3, 4}) {
        for (const double d : {-1e-3, 1e-3}) {
            VectorXd near = y;
            near[k] += d;
            best = std::min(best, toy.chi2(near));
        }
    }
    EXPECT_GT(best, fit.chi2);
    EXPECT_NEAR(fit.chi2, toy.chi2(y), 1e-10);
}

TEST_P(Systematics, stop_at_their_bounds) {
    Toy toy(5, GetParam());
    const VectorXd open = toy.minimum();
    toy.high[4] = open[4] - 0.02;
    toy.low[2] = open[2] + 0.1;
    double z[max_systematics];
    const PoissonFit<double> fit = systematics_fit<OneBin<double>>(toy.view(), TabulatedPoint{toy.columns.data()}, z);
    EXPECT_TRUE(fit.converged);
    EXPECT_EQ(z[4], toy.high[4]);
    EXPECT_EQ(z[2], toy.low[2]);
    EXPECT_GT(fit.chi2, toy.chi2(open));
}

TEST_P(Systematics, are_the_same_in_lanes) {
    std::deque<Toy> toys; // whose views point into themselves
    for (unsigned seed = 0; seed < Batch::size; ++seed) {
        toys.emplace_back(7, GetParam());
        for (std::size_t c = 0; c < toys[0].columns.size(); ++c) { // as points of one scan: signals differ
            const double extra = 0.02 * seed * toys[0].x[c / Toy::n_bins % 2].signal[c % Toy::n_bins];
            toys.back().columns[c] = toys[0].columns[c] + extra;
        }
    }
    const auto column = [&](int c) {
        double values[Batch::size];
        for (std::size_t i = 0; i < toys.size(); ++i) {
            values[i] = toys[i].columns[static_cast<std::size_t>(c)];
        }
        return Batch::load(values);
    };
    Batch z[max_systematics];
    const PoissonFit<Batch> fit = systematics_fit<OneBin<Batch>>(toys[0].view(), column, z);
    double chi2[Batch::size];
    fit.chi2.store(chi2);
    EXPECT_TRUE(all(fit.converged));
    for (std::size_t i = 0; i < toys.size(); ++i) {
        double alone[max_systematics];
        const PoissonFit<double> expected =
            systematics_fit<OneBin<double>>(toys[0].view(), TabulatedPoint{toys[i].columns.data()}, alone);
        EXPECT_NEAR(chi2[i], expected.chi2, 1e-9) << i;
    }
}

TEST_P(Systematics, are_the_same_with_bins_in_lanes) {
    for (unsigned seed = 1; seed < 10; ++seed) {
        Toy toy(seed, GetParam());
        toy.x[0].counts[9] = toy.x[1].counts[2] = 0;
        if (seed % 2 == 0) {
            toy.pins[2] = static_cast<int>(toy.columns.size());
            toy.columns.push_back(0.7);
        }
        const TabulatedPoint at{toy.columns.data()};
        double z[max_systematics], expected_z[max_systematics];
        const PoissonFit<double> fit = systematics_fit<BinLanes>(toy.view(), at, z);
        const PoissonFit<double> expected = systematics_fit<OneBin<double>>(toy.view(), at, expected_z);
        EXPECT_TRUE(fit.converged);
        EXPECT_NEAR(fit.chi2, expected.chi2, 1e-11 * (1 + expected.chi2)) << seed;
        for (int k = 0; k < 5; ++k) {
            EXPECT_NEAR(z[k], expected_z[k], 1e-6) << seed << ' ' << k; // rounding chooses between descents
        }
    }
}

/// A background with a shape that takes it below zero, and perhaps a normalisation: few bins, many without counts.
class DeepShape {
public:
    explicit DeepShape(unsigned seed, bool gaussian = false) : random_(seed) {
        const double size = std::pow(10., uniform(-1, 2));
        const auto n_bins = static_cast<int>(uniform(2, 8));
        for (int b = 0; b < n_bins; ++b) {
            experiment_.bin_edges.push_back(b);
            background_.push_back(size * uniform(0, 1));
            signal_.push_back(uniform(0, 1) < 0.5 ? 0 : 0.2 * size * uniform(0, 1));
            counts_.push_back(uniform(0, 1) < 0.5 ? 0 : std::floor(1.5 * uniform(0, 1) * N0(background_.size() - 1)));
        }
        experiment_.bin_edges.push_back(n_bins);
        Systematic bend;
        bend.name = "bend";
        bend.kind = Systematic::Kind::shape;
        bend.sigma = uniform(0.5, 2);
        bend.n_knots = 2;
        bend.effects = {{0, {}}};
        for (int i = 0; i < 2 * n_bins; ++i) { // at +1, then mostly with the other sign at −1
            const auto b = static_cast<std::size_t>(i % n_bins);
            const double added = 1.5 * background_[b] * uniform(-1, 1);
            bend.effects[0].added.push_back(i >= n_bins && uniform(0, 1) < 0.7 ? -bend.effects[0].added[b] : added);
        }
        experiment_.name = "deep";
        experiment_.counts = counts_;
        experiment_.backgrounds = {{"flat", N0(), false, uniform(0, 1) < 0.5 ? 0 : 0.2}}; // fixed signals belong to it
        experiment_.systematics = {bend};
        if (gaussian) {
            experiment_.statistic = Statistic::gaussian;
            for (const double n : counts_) {
                experiment_.sigma.push_back(uniform(0.3, 1) * std::sqrt(n + 1));
            }
        }
    }

    std::vector<double> N0() const {
        std::vector<double> all;
        for (std::size_t b = 0; b < background_.size(); ++b) {
            all.push_back(N0(b));
        }
        return all;
    }
    ScanConfig config() const {
        ScanConfig config;
        config.experiments = {experiment_};
        return config;
    }

    //! The formula, at pull \p z of the shape and ξ of the background
    double chi2(double z, double xi) const {
        const std::vector<double>& added = experiment_.systematics[0].effects[0].added;
        const double even =
            std::abs(z) >= 1 ? std::abs(z) : (15 * z * z - 10 * std::pow(z, 4) + 3 * std::pow(z, 6)) / 8;
        const double sigma = experiment_.backgrounds[0].sigma;
        double sum = std::pow(z / experiment_.systematics[0].sigma, 2) + (sigma > 0 ? std::pow(xi / sigma, 2) : 0);
        for (std::size_t b = 0; b < counts_.size(); ++b) {
            const double plus = added[b], minus = added[counts_.size() + b];
            double N = (1 + xi) * (N0(b) + z * (plus - minus) / 2 + even * (plus + minus) / 2);
            if (!experiment_.sigma.empty()) {
                sum += std::pow((N - counts_[b]) / experiment_.sigma[b], 2);
                continue;
            }
            N = std::max(0., N);
            sum += 2 * (N - counts_[b]) + (counts_[b] > 0 ? 2 * counts_[b] * std::log(counts_[b] / N) : 0);
        }
        return sum;
    }
    //! The lowest that a scan over both finds; convex in ξ
    double lowest() const {
        const auto at = [&](double z) {
            double low = experiment_.sigma.empty() ? -1 : -3, high = 3;
            for (int i = 0; i < 60 && experiment_.backgrounds[0].sigma > 0; ++i) { // golden section
                const double d = 0.381966 * (high - low);
                (chi2(z, low + d) < chi2(z, high - d) ? high : low) =
                    chi2(z, low + d) < chi2(z, high - d) ? high - d : low + d;
            }
            return chi2(z, experiment_.backgrounds[0].sigma > 0 ? (low + high) / 2 : 0);
        };
        constexpr double range = 8, step = 2e-2;
        double best = inf, best_z = 0;
        for (double z = -range; z <= range; z += step) {
            best_z = at(z) < best ? z : best_z;
            best = std::min(best, at(z));
        }
        for (double h = step / 2; h > 1e-13; h /= 2) {
            for (const double z : {best_z - h, best_z + h}) {
                best_z = at(z) < best ? z : best_z;
                best = std::min(best, at(z));
            }
        }
        return best;
    }

private:
    double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
    double N0(std::size_t b) const { return background_[b] + signal_[b]; }

    std::mt19937 random_;
    std::vector<double> background_, signal_, counts_;
    Experiment experiment_;
};

/// Random shapes that cross zero: the reference finds what a scan over the pulls finds, and so do every back end's
/// bodies but for one, a kink beside a smooth minimum into which Newton's steps jump across it.
TEST(DeepShapes, have_the_minimum_of_a_scan_over_their_pulls) {
    int kinks = 0, missed = 0;
    for (unsigned seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        const bool gaussian = seed > 150;
        const DeepShape toy(seed, gaussian);
        const ScanConfig config = toy.config();
        const Plan plan(config, Method::moments);
        const auto tables = plan.tables(plan.point_unit({}));
        const PlanView& view = tables->view();
        const std::vector<double> columns = toy.N0();
        const TabulatedPoint at{columns.data()};
        double z[max_systematics];
        const PulledFit<double> fit = systematics_fit<OneBin<double>>(view.systematics[0], at, z);
        const PulledFit<double> in_lanes = systematics_fit<BinLanes>(view.systematics[0], at, z);
        Batch z_of_batch[max_systematics];
        const auto column = [&](int c) { return Batch(columns[static_cast<std::size_t>(c)]); };
        const PulledFit<Batch> of_batch = systematics_fit<OneBin<Batch>>(view.systematics[0], column, z_of_batch);
        double chi2[Batch::size];
        of_batch.chi2.store(chi2);
        const double lowest = toy.lowest();
        EXPECT_TRUE(fit.converged && in_lanes.converged && all(of_batch.converged));
        EXPECT_GT(fit.chi2, lowest - 1e-8 * (1 + lowest));
        missed += fit.chi2 < lowest + 1e-8 * (1 + lowest) ? 0 : 1;
        EXPECT_NEAR(in_lanes.chi2, fit.chi2, 1e-9 * (1 + lowest));
        EXPECT_NEAR(chi2[0], fit.chi2, 1e-9 * (1 + lowest));
        const ReferenceResult reference = ReferenceModel(config)({});
        EXPECT_EQ(reference.status, PointStatus::ok);
        EXPECT_NEAR(reference.chi2, lowest, 1e-8 * (1 + lowest));
        kinks += fit.at_kink ? 1 : 0;
    }
    EXPECT_GT(kinks, 50);
    EXPECT_LE(missed, 1);
}

/// One shape, whose pull alone is fitted.
struct OneShape {
    std::vector<double> counts, background, plus, minus, errors;

    ScanConfig config() const {
        Experiment x;
        for (std::size_t b = 0; b <= counts.size(); ++b) {
            x.bin_edges.push_back(static_cast<double>(b));
        }
        Systematic bend;
        bend.name = "bend";
        bend.kind = Systematic::Kind::shape;
        bend.sigma = 1;
        bend.n_knots = 2;
        bend.effects = {{0, plus}};
        bend.effects[0].added.insert(bend.effects[0].added.end(), minus.begin(), minus.end());
        x.name = "one";
        x.counts = counts;
        x.sigma = errors;
        x.statistic = errors.empty() ? Statistic::poisson : Statistic::gaussian;
        x.backgrounds = {{"flat", background, false, 0}};
        x.systematics = {bend};
        ScanConfig config;
        config.experiments = {x};
        return config;
    }
    double chi2(double z) const {
        const double even =
            std::abs(z) >= 1 ? std::abs(z) : (15 * z * z - 10 * std::pow(z, 4) + 3 * std::pow(z, 6)) / 8;
        double sum = z * z;
        for (std::size_t b = 0; b < counts.size(); ++b) {
            const double N = background[b] + z * (plus[b] - minus[b]) / 2 + even * (plus[b] + minus[b]) / 2;
            if (!errors.empty()) {
                sum += std::pow((N - counts[b]) / errors[b], 2);
                continue;
            }
            sum += 2 * (std::max(0., N) - counts[b]);
            sum += counts[b] > 0 ? 2 * counts[b] * std::log(counts[b] / std::max(0., N)) : 0;
        }
        return sum;
    }
    double lowest() const {
        double best = 0, step = 1e-3;
        for (int i = -30000; i <= 30000; ++i) {
            best = chi2(step * i) < chi2(best) || std::isnan(chi2(best)) ? step * i : best;
        }
        for (; step > 1e-15; step /= 2) {
            for (const double z : {best - step, best + step}) {
                best = chi2(z) < chi2(best) ? z : best;
            }
        }
        return chi2(best);
    }
};

/// χ² is infinite where a bin with counts predicts none: at nominal, and but for a window or two.
TEST(DeepShapes, are_finite_where_any_pull_makes_them_so) {
    const OneShape cases[] = {
        // nominal is in one of two windows, the lower minimum in the other
        {{202, 27, 78, 1, 1, 50, 61},
         {2022.81, 191.42, 760.518, 1.56028, 2.08865, 511.658, 945.558},
         {-1746.22, -65.8668, -275.374, 1.28701, 0.50962, 198.618, -49.3284},
         {-401.541, -106.13, -278.435, 0.903983, 1.50286, -95.5608, -725.62},
         {}},
        {{5, 4}, {0, 10}, {3, -4}, {-3, 4}, {}},           // nothing at nominal; from 0 to 2.5
        {{5, 4}, {-6, 10}, {3, -1}, {-3, 1}, {}},          // from 2 to 10
        {{3, 2, 0}, {0, 0, 5}, {2, 2, -4}, {3, 3, 4}, {}}, // on both sides, with a kink
        {{40, 2}, {1e-3, 30}, {8, -4.5}, {-1, 2}, {}},
    };
    for (const OneShape& x : cases) {
        const ScanConfig config = x.config();
        const Plan plan(config, Method::moments);
        const auto tables = plan.tables(plan.point_unit({}));
        double z[max_systematics];
        const PulledFit<double> fit =
            systematics_fit<BinLanes>(tables->view().systematics[0], TabulatedPoint{x.background.data()}, z);
        const double lowest = x.lowest();
        ASSERT_TRUE(std::isfinite(lowest));
        EXPECT_TRUE(fit.converged);
        EXPECT_NEAR(fit.chi2, lowest, 1e-8 * (1 + lowest));
        const ReferenceResult reference = ReferenceModel(config)({});
        EXPECT_EQ(reference.status, PointStatus::ok);
        EXPECT_NEAR(reference.chi2, lowest, 1e-8 * (1 + lowest));
    }
}

/// A χ² of millions is rounded to more than steps gain; that is no failure to converge.
TEST(DeepShapes, converge_where_chi2_is_large) {
    for (const bool gaussian : {false, true}) {
        for (const double far : {1e2, 1e4, 1e6}) {
            const std::vector<double> errors = gaussian ? std::vector<double>{2, 3, 1} : std::vector<double>{};
            const OneShape x{{3, 7, 1},
                             {3 * far, 5 * far, far},
                             {-0.3 * far, 0.1 * far, 0.2 * far},
                             {0.2 * far, -0.3 * far, 0.1 * far},
                             errors};
            const ScanConfig config = x.config();
            const double lowest = x.lowest();
            const Plan plan(config, Method::moments);
            const auto tables = plan.tables(plan.point_unit({}));
            double z[max_systematics];
            const PulledFit<double> fit =
                systematics_fit<BinLanes>(tables->view().systematics[0], TabulatedPoint{x.background.data()}, z);
            EXPECT_TRUE(fit.converged);
            EXPECT_NEAR(fit.chi2, lowest, 1e-9 * (1 + lowest)) << far;
            const ReferenceResult reference = ReferenceModel(config)({});
            EXPECT_EQ(reference.status, PointStatus::ok) << far;
            EXPECT_NEAR(reference.chi2, lowest, 1e-9 * (1 + lowest)) << far;
        }
    }
}

TEST_P(Systematics, flag_an_empty_prediction_and_nan) {
    Toy toy(1, GetParam());
    toy.columns[3] = std::nan("");
    double z[max_systematics];
    const PoissonFit<double> fit = systematics_fit<OneBin<double>>(toy.view(), TabulatedPoint{toy.columns.data()}, z);
    EXPECT_EQ(with_status(fit.chi2, fit.converged).status, PointStatus::not_a_number);
    if (!GetParam()) {
        toy.columns[3] = 0;
        toy.x[0].background[3] = 0;
        toy.x[0].templates[3] = toy.x[0].templates[Toy::n_bins + 3] = 0;
        toy.columns[2 * Toy::n_bins + 3] = 0;
        const PoissonFit<double> empty =
            systematics_fit<OneBin<double>>(toy.view(), TabulatedPoint{toy.columns.data()}, z);
        EXPECT_EQ(with_status(empty.chi2, empty.converged).status, PointStatus::empty_prediction);
    }
}

INSTANTIATE_TEST_SUITE_P(All, Systematics, ::testing::Values(false, true),
                         [](const auto& test) { return test.param ? "gaussian" : "poisson"; });

//! Weights of knots reproduce what they interpolate: the knots themselves, and every parabola
TEST(ShapeWeights, of_knots_reproduce_parabolas) {
    ShapeEffect s{};
    s.scale = 1;
    s.n_templates = 12;
    s.first_knot = -0.5;
    s.knot_spacing = 0.1;
    const auto f = [](double x) { return 2 - 3 * x + 5 * x * x; };
    for (const double x : {-0.4, -0.31, 0., 0.02, 0.287, 0.5}) {
        detail::ShapeWeights<double> w;
        detail::shape_weights(s, x, w);
        double value = 0, slope = 0;
        for (int j = 0; j < s.n_templates; ++j) {
            value += w.w[j] * f(s.first_knot + j * s.knot_spacing);
            slope += w.slope[j] * f(s.first_knot + j * s.knot_spacing);
        }
        EXPECT_NEAR(value, f(x), 1e-13) << x;
        EXPECT_NEAR(slope, -3 + 10 * x, 1e-11) << x;
    }
}

//! The even weight joins |x| with two derivatives
TEST(ShapeWeights, are_smooth) {
    double w, slope, curvature, near, near_slope, near_curvature;
    for (const double x : {-1.7, -1., -0.4, 0., 0.3, 1., 1.2}) {
        detail::even_weight(x, w, slope, curvature);
        const double h = 1e-5;
        detail::even_weight(x + h, near, near_slope, near_curvature);
        EXPECT_NEAR((near - w) / h, (slope + near_slope) / 2, 1e-8) << x;
        EXPECT_NEAR((near_slope - slope) / h, (curvature + near_curvature) / 2, 1e-4) << x;
    }
    detail::even_weight(1., w, slope, curvature);
    EXPECT_DOUBLE_EQ(w, 1);
    EXPECT_DOUBLE_EQ(slope, 1);
    EXPECT_NEAR(curvature, 0, 1e-14);
}

} // namespace
} // namespace nuscan::testing
