// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "backends/reference_model.hpp"
#include "backends/reference_systematics.hpp"
#include "random_physics.hpp"
#include "statistic_sample.hpp"

/// Fits with systematics against closed forms, limits and themselves.
namespace nuscan::testing {
namespace {

constexpr double inf = constants::infinity;

using Numbers = std::vector<double>;

//! No sources: what there is are backgrounds, and signals that a test gives
Experiment counting(const std::string& name, Statistic statistic, Numbers counts, std::vector<Background> backgrounds) {
    Experiment x;
    x.name = name;
    x.statistic = statistic;
    x.counts = std::move(counts);
    for (int b = 0; b <= x.n_bins(); ++b) {
        x.bin_edges.push_back(b);
    }
    x.backgrounds = std::move(backgrounds);
    return x;
}

Systematic normalisation(const std::string& name, double sigma, std::vector<std::size_t> components) {
    Systematic s;
    s.name = name;
    s.sigma = sigma;
    for (const std::size_t c : components) {
        s.effects.push_back({c, {}});
    }
    return s;
}

Systematic shape(const std::string& name, std::size_t component, Numbers plus, const Numbers& minus, double sigma = 1) {
    Systematic s;
    s.name = name;
    s.kind = Systematic::Kind::shape;
    s.sigma = sigma;
    s.n_knots = 2;
    plus.insert(plus.end(), minus.begin(), minus.end());
    s.effects = {{component, plus}};
    return s;
}

Numbers negative(Numbers x) {
    for (double& value : x) {
        value = -value;
    }
    return x;
}

//! A function f(b, x) tabulated at knots from \p low to \p high, and one beyond each
template <class F>
Systematic parameter(const std::string& name, std::size_t component, double low, double high, int n_bins, const F& f,
                     int n = 48) {
    Systematic s;
    s.name = name;
    s.kind = Systematic::Kind::parameter;
    s.sigma = inf;
    s.nominal = 0.2;
    s.low = low;
    s.high = high;
    s.knot_spacing = (high - low) / (n - 1);
    s.first_knot = low - s.knot_spacing;
    s.n_knots = n + 2;
    s.effects = {{component, {}}};
    for (int j = 0; j < s.n_knots; ++j) {
        for (int b = 0; b < n_bins; ++b) {
            s.effects[0].added.push_back(f(b, s.first_knot + j * s.knot_spacing));
        }
    }
    return s;
}

ScanConfig scan(std::vector<Experiment> experiments, std::vector<SharedSystematic> shared = {}) {
    ScanConfig config;
    config.experiments = std::move(experiments);
    config.shared = std::move(shared);
    return config;
}

ReferenceResult fit(const ScanConfig& config) { return ReferenceModel(config)({}); }

Parameter systematic_parameter(const std::string& experiment, const std::string& name) {
    Parameter p;
    p.kind = Parameter::Kind::systematic;
    p.experiment = experiment;
    p.background = name;
    return p;
}

//! The scan with one more axis, at \p value
double at(ScanConfig config, const Parameter& p, double value) {
    config.axes = {{p, {value}, false, Axis::Spacing::list}};
    return ReferenceModel(config)({value}).chi2;
}

//! Baker-Cousins summed over bins
double poisson_chi2_of(const Numbers& N, const Numbers& n) {
    double chi2 = 0;
    for (std::size_t b = 0; b < n.size(); ++b) {
        chi2 += poisson_term(N[b], n[b]);
    }
    return chi2;
}

// ---------------------------------------------------------------------------------------------------------------------
// Interpolation

TEST(ReferenceSystematics, shapes_pass_through_their_knots_and_are_linear_beyond) {
    const Systematic s = shape("", 0, {3}, {-1});
    const auto weights = [&](double x) {
        const Eigen::VectorXd w = reference_knot_weights(s, x).value;
        return std::pair(w[0], w[1]);
    };
    EXPECT_EQ(weights(0), std::pair(0., 0.));
    EXPECT_EQ(weights(1), std::pair(1., 0.));
    EXPECT_EQ(weights(-1), std::pair(0., 1.));
    EXPECT_EQ(weights(2.5), std::pair(2.5, 0.));
    EXPECT_EQ(weights(-3), std::pair(0., 3.));
    // h(1/2) = (15/4 − 10/16 + 3/64)/8
    EXPECT_NEAR(weights(0.5).first, (0.396484375 + 0.5) / 2, 1e-15);
    EXPECT_NEAR(weights(-0.5).first, (0.396484375 - 0.5) / 2, 1e-15);
}

TEST(ReferenceSystematics, weights_have_the_derivatives_they_say) {
    const Systematic kinds[] = {shape("", 0, {3}, {-1}), parameter(
                                                             "", 0, -1.2, 2, 1, [](int, double) { return 0; }, 9)};
    const double d = 1e-5;
    for (const Systematic& s : kinds) {
        for (double x = -1.13; x < 2; x += 0.171) {
            const auto below = reference_knot_weights(s, x - d), here = reference_knot_weights(s, x),
                       above = reference_knot_weights(s, x + d);
            EXPECT_LE((here.slope - (above.value - below.value) / (2 * d)).cwiseAbs().maxCoeff(), 1e-8) << x;
            EXPECT_LE((here.curvature - (above.slope - below.slope) / (2 * d)).cwiseAbs().maxCoeff(), 1e-7) << x;
        }
    }
}

TEST(ReferenceSystematics, parameters_are_cubic_between_their_knots) {
    const auto interpolated = [](const Systematic& s, double x) {
        const Eigen::Map<const Eigen::VectorXd> added(s.effects[0].added.data(), s.n_knots);
        return reference_knot_weights(s, x).value.dot(added);
    };
    // Keys' kernel reproduces parabolas, and misses others by the third power of the spacing.
    const Systematic parabola = parameter(
        "", 0, -1, 3, 1, [](int, double x) { return 2 + x * (3 - 0.7 * x); }, 9);
    for (const double x : {-1., -0.3, 0., 0.77, 1.5, 2.99, 3.}) {
        EXPECT_NEAR(interpolated(parabola, x), 2 + x * (3 - 0.7 * x), 1e-13);
    }
    double error[2];
    for (const int halved : {0, 1}) {
        const auto f = [](int, double x) { return std::exp(x); };
        const Systematic s = parameter("", 0, -1, 3, 1, f, halved ? 161 : 81);
        error[halved] = 0;
        for (double x = 0.9; x < 1.1; x += 1e-3) {
            error[halved] = std::max(error[halved], std::abs(interpolated(s, x) - std::exp(x)));
        }
    }
    EXPECT_GT(error[0], 1e-6);
    EXPECT_NEAR(error[0] / error[1], 8, 0.8);
}

// ---------------------------------------------------------------------------------------------------------------------
// Closed forms

//! A shape that is linear in x is one more direction of the covariance: rᵀ (D + a aᵀ)⁻¹ r
TEST(ReferenceSystematics, a_linear_Gaussian_shape) {
    const Numbers a{3, -2, 0.5};
    Experiment x = counting("x", Statistic::gaussian, {12, 9, 30}, {{"b", {10, 14, 25}, false, 0}});
    x.sigma = {1.5, 2, 4};
    for (const double sigma : {0.3, 1., 2.}) {
        x.systematics = {shape("tilt", 0, a, negative(a), sigma)};
        const Eigen::Vector3d r(-2, 5, -5), A = sigma * Eigen::Vector3d(3, -2, 0.5);
        const Eigen::Matrix3d D = Eigen::Vector3d(1.5, 2, 4).cwiseAbs2().asDiagonal();
        const ReferenceResult result = fit(scan({x}));
        EXPECT_NEAR(result.chi2, r.dot((D + A * A.transpose()).inverse() * r), 1e-11);
        const double z = -A.dot(D.inverse() * r) / (1 + A.dot(D.inverse() * A));
        EXPECT_NEAR(result.systematics[0][0], sigma * z, 1e-7);
    }
}

TEST(ReferenceSystematics, a_one_sided_shape) {
    // N = 10 + 2 |x| beyond ±1, and 20 are wanted: the linear problem, to either side
    const double r = -10, a = 2, variance = 0.25;
    Experiment x = counting("x", Statistic::gaussian, {20}, {{"b", {10}, false, 0}});
    x.sigma = {0.5};
    x.systematics = {shape("bend", 0, {a}, {a})};
    ReferenceResult result = fit(scan({x}));
    EXPECT_NEAR(result.chi2, r * r / (variance + a * a), 1e-10);
    EXPECT_NEAR(std::abs(result.systematics[0][0]), -a * r / (variance + a * a), 1e-7);
    // The side that adds more is better, and found however small the difference is.
    for (const double more : {2.01, 2.5}) {
        for (const bool above : {false, true}) {
            x.systematics = {above ? shape("bend", 0, {more}, {a}) : shape("bend", 0, {a}, {more})};
            result = fit(scan({x}));
            EXPECT_NEAR(result.chi2, r * r / (variance + more * more), 1e-10);
            EXPECT_EQ(result.systematics[0][0] > 0, above);
        }
    }
    // Nothing on one side: where the data want less than nominal, x goes no further than it helps.
    x.systematics = {shape("bend", 0, {a}, {0})};
    x.counts = {9};
    result = fit(scan({x}));
    const double best = result.systematics[0][0];
    EXPECT_LT(result.chi2, 4); // of x = 0
    for (double at_x = -3; at_x < 3; at_x += 0.01) {
        const double h = std::abs(at_x) < 1
                             ? (15 * std::pow(at_x, 2) - 10 * std::pow(at_x, 4) + 3 * std::pow(at_x, 6)) / 8
                             : std::abs(at_x);
        EXPECT_GE(std::pow(1 + a * (at_x + h) / 2, 2) / variance + at_x * at_x, result.chi2);
    }
    EXPECT_NEAR(at(scan({x}), systematic_parameter("x", "bend"), best), result.chi2, 1e-10);
}

//! N_i = B_i (1 + σ_i z): one linear equation for z
TEST(ReferenceSystematics, a_normalisation_shared_by_two_Gaussian_experiments) {
    struct {
        double n, B, error, sigma;
    } const of[] = {{12, 10, 2, 0.3}, {35, 40, 3, 0.1}};
    std::vector<Experiment> experiments;
    for (const auto& e : of) {
        experiments.push_back(
            counting(experiments.empty() ? "a" : "b", Statistic::gaussian, {e.n}, {{"flux", {e.B}, false, e.sigma}}));
        experiments.back().sigma = {e.error};
    }
    const SharedSystematic shared{"flux", {{0, "flux"}, {1, "flux"}}};
    double rr = 0, ra = 0, aa = 1;
    for (const auto& e : of) {
        const double r = (e.B - e.n) / e.error, a = e.B * e.sigma / e.error;
        rr += r * r;
        ra += r * a;
        aa += a * a;
    }
    ReferenceResult result = fit(scan(experiments, {shared}));
    EXPECT_NEAR(result.chi2, rr - ra * ra / aa, 1e-12);
    EXPECT_NEAR(result.normalisations[0][0], 1 - of[0].sigma * ra / aa, 1e-8);
    EXPECT_NEAR(result.normalisations[1][0], 1 - of[1].sigma * ra / aa, 1e-8);
    EXPECT_LT(fit(scan(experiments)).chi2, result.chi2 - 0.1); // each by its own fits better

    // Free, they move by the same part of their counts, and nothing is added for it.
    ra = aa = 0;
    for (std::size_t e = 0; e < 2; ++e) {
        experiments[e].backgrounds[0].sigma = inf;
        ra += (of[e].B - of[e].n) * of[e].B / std::pow(of[e].error, 2);
        aa += std::pow(of[e].B / of[e].error, 2);
    }
    result = fit(scan(experiments, {shared}));
    EXPECT_NEAR(result.chi2, rr - ra * ra / aa, 1e-12);
    EXPECT_NEAR(result.normalisations[0][0], 1 - ra / aa, 1e-8);
    EXPECT_NEAR(result.normalisations[1][0], 1 - ra / aa, 1e-8);
}

//! max(0, N) of an empty bin has its minimum at the kink: nothing there is differentiable
TEST(ReferenceSystematics, predictions_below_zero_count_as_zero) {
    Experiment x = counting("x", Statistic::poisson, {9, 0}, {{"b", {5, 2}, false, 0}});
    x.systematics = {shape("tilt", 0, {5, -2}, {-5, 2}, inf)};
    ReferenceResult result = fit(scan({x}));
    EXPECT_NEAR(result.chi2, poisson_term(10, 9), 1e-11);
    EXPECT_NEAR(result.systematics[0][0], 1, 1e-9);
    x.counts = {15, 0}; // beyond it the empty bin does not matter
    result = fit(scan({x}));
    EXPECT_NEAR(result.chi2, 0, 1e-11);
    EXPECT_NEAR(result.systematics[0][0], 2, 1e-5);
    EXPECT_EQ(result.status, PointStatus::ok);
}

TEST(ReferenceSystematics, bounds) {
    // What a component's own normalisation may do hangs on the statistic; a declared one stops at nothing.
    const std::vector<Background> backgrounds{{"b", {10}, false, 0}, {"fixed", {5}, false, 0}};
    for (const bool gaussian : {false, true}) {
        Experiment x = counting("x", gaussian ? Statistic::gaussian : Statistic::poisson, {0}, backgrounds);
        x.sigma = {0.1};
        x.systematics = {normalisation("declared", inf, {0})};
        EXPECT_NEAR(fit(scan({x})).chi2, gaussian ? 2500 : 10, 1e-9);
        EXPECT_NEAR(fit(scan({x})).systematics[0][0], -1, 1e-10);
        x.systematics[0].sigma = 0;
        x.backgrounds[0].sigma = inf;
        EXPECT_NEAR(fit(scan({x})).chi2, gaussian ? 0 : 10, 1e-9);
        EXPECT_NEAR(fit(scan({x})).normalisations[0][0], gaussian ? -0.5 : 0, 1e-7);
    }
    // A parameter stops at its range: N = 10 e^x, wanted 100
    Experiment x = counting("x", Statistic::poisson, {100}, {{"b", {10}, false, 0}});
    x.systematics = {parameter("b-scale", 0, -1, 1.5, 1, [](int, double u) { return 10 * std::expm1(u); })};
    EXPECT_NEAR(fit(scan({x})).systematics[0][0], 1.5, 1e-10);
    EXPECT_NEAR(fit(scan({x})).chi2, poisson_term(10 * std::exp(1.5), 100), 1e-10);
    x.counts = {20};
    EXPECT_NEAR(fit(scan({x})).systematics[0][0], std::log(2), 1e-5); // what the knots allow
    EXPECT_NEAR(fit(scan({x})).chi2, 0, 1e-11);
}

TEST(ReferenceSystematics, effects_on_the_signal_are_factors) {
    Experiment signal = counting("x", Statistic::poisson, {12, 3, 7}, {{"b", {2, 3, 4}, false, 0.3}});
    Experiment background = signal;
    const Numbers S{9, 2, 5}, plus{0.2, -0.1, 0.05}, minus{-0.15, 0.2, 0};
    signal.systematics = {shape("form", 1, plus, minus), normalisation("flux", 0.1, {0, 1})};
    Numbers plus_counts, minus_counts;
    for (std::size_t b = 0; b < 3; ++b) {
        plus_counts.push_back(plus[b] * S[b]);
        minus_counts.push_back(minus[b] * S[b]);
    }
    background.backgrounds.push_back({"like-signal", S, false, 0});
    background.systematics = {shape("form", 1, plus_counts, minus_counts), normalisation("flux", 0.1, {0, 1})};
    const ScanConfig a = scan({signal}), b = scan({background});
    const ReferencePoint point = reference_point(NeutrinoConfig{}, {}, {});
    const ReferenceResult of_signal = ReferenceModel(a).fit(point, {S});
    const ReferenceResult of_background = ReferenceModel(b).fit(point, {{0, 0, 0}});
    EXPECT_NEAR(of_signal.chi2, of_background.chi2, 1e-11);
    EXPECT_NEAR(of_signal.systematics[0][0], of_background.systematics[0][0], 1e-7);
    EXPECT_GT(std::abs(of_signal.systematics[0][0]), 1e-2);
    EXPECT_GT(ReferenceModel(a).fit(point, {{9, 2, 6}}).chi2, of_signal.chi2 + 1e-3);
}

TEST(ReferenceSystematics, impossible_points_say_so) {
    Experiment x = counting("x", Statistic::poisson, {3, 1}, {{"b", {2, 0}, false, 0.3}});
    x.systematics = {normalisation("n", 0.1, {0, 1})};
    EXPECT_EQ(fit(scan({x})).status, PointStatus::empty_prediction);
    EXPECT_EQ(fit(scan({x})).chi2, inf);
    const ScanConfig config = scan({x});
    const ReferencePoint point = reference_point(NeutrinoConfig{}, {}, {});
    EXPECT_EQ(ReferenceModel(config).fit(point, {{std::nan(""), 1}}).status, PointStatus::not_a_number);
    EXPECT_EQ(ReferenceModel(config).fit(point, {{0, 1}}).status, PointStatus::ok);
}

// ---------------------------------------------------------------------------------------------------------------------
// Limits and symmetries

TEST(ReferenceSystematics, a_systematic_of_no_size_is_fixed) {
    Experiment x = counting("x", Statistic::poisson, {12, 3, 7}, {{"b", {10, 4, 3}, false, 0.3}});
    const double without = fit(scan({x})).chi2;
    for (const double sigma : {0., 1e-7}) {
        x.systematics = {shape("tilt", 0, {2, -1, 1}, {-1, 2, 0}, sigma), normalisation("n", sigma, {0})};
        EXPECT_NEAR(fit(scan({x})).chi2, without, 1e-10) << sigma;
    }
    x.systematics[0].sigma = 1;
    EXPECT_LT(fit(scan({x})).chi2, without - 1e-2);
}

//! Declared normalisations against the routes for those that components have of their own
TEST(ReferenceSystematics, normalisations_are_those_of_backgrounds) {
    Random random(70);
    for (int i = 0; i < 40; ++i) {
        SCOPED_TRACE(i);
        const bool gaussian = i % 2 == 1;
        const int n_bins = random.integer(2, 12), n_backgrounds = random.integer(1, 4);
        Experiment own = counting("x", gaussian ? Statistic::gaussian : Statistic::poisson, {}, {});
        for (int k = 0; k < n_backgrounds; ++k) {
            own.backgrounds.push_back({std::to_string(k), {}, false, random.uniform(0.05, 2)});
            if (random.integer(0, 3) == 0) {
                own.backgrounds.back().sigma = inf;
            }
        }
        for (int b = 0; b < n_bins; ++b) {
            for (Background& background : own.backgrounds) {
                background.counts.push_back(random.uniform(0.5, 30));
            }
            own.counts.push_back(random.integer(5, 60));
            own.sigma.push_back(random.uniform(1, 8));
        }
        Experiment declared = own;
        for (std::size_t k = 0; k < own.backgrounds.size(); ++k) {
            declared.backgrounds[k].sigma = 0;
            declared.systematics.push_back(
                normalisation(std::to_string(n_backgrounds + static_cast<int>(k)), own.backgrounds[k].sigma, {k}));
        }
        const ReferenceResult a = fit(scan({own})), b = fit(scan({declared}));
        const bool inside = *std::min_element(a.normalisations[0].begin(), a.normalisations[0].end()) >= 0;
        if (!inside) { // a Gaussian background may be negative, a declared normalisation not
            EXPECT_GT(b.chi2, a.chi2);
            continue;
        }
        EXPECT_NEAR(b.chi2, a.chi2, 1e-10 * (1 + a.chi2));
        EXPECT_EQ(b.status, PointStatus::ok);
        for (std::size_t k = 0; k < own.backgrounds.size(); ++k) {
            EXPECT_NEAR(1 + b.systematics[0][k], a.normalisations[0][k], 1e-5);
        }
    }
}

//! Two normalisations of a component are one with the sum of their variances
TEST(ReferenceSystematics, normalisations_add_in_quadrature) {
    Experiment one = counting("x", Statistic::gaussian, {12, 9, 30}, {{"b", {10, 14, 25}, false, 0.5}});
    Experiment two = one;
    two.backgrounds[0].sigma = 0.3;
    two.systematics = {normalisation("n", 0.4, {0})};
    EXPECT_NEAR(fit(scan({two})).chi2, fit(scan({one})).chi2, 1e-11);
    const ReferenceResult result = fit(scan({two}));
    EXPECT_NEAR(result.normalisations[0][0] + result.systematics[0][0], fit(scan({one})).normalisations[0][0], 1e-8);
    EXPECT_NEAR(result.systematics[0][0] / (result.normalisations[0][0] - 1), 0.16 / 0.09, 1e-6);
}

struct Crowd {
    std::vector<Experiment> experiments;
    std::vector<SharedSystematic> shared;
};

//! Three experiments of both statistics, two with a shared normalisation, everything on
Crowd crowd() {
    Crowd all;
    Experiment a = counting("a", Statistic::poisson, {6, 10, 5, 4},
                            {{"flat", {4, 4, 4, 4}, false, 0.3}, {"peak", {1, 6, 1, 0.2}, false, inf}});
    a.systematics = {normalisation("flux", 0.1, {0, 1}), shape("tilt", 0, {1, 0.5, -0.5, -1}, {-2, -0.3, 0.7, 1}),
                     parameter(
                         "slope", 1, -1, 1, 4, [](int b, double u) { return (2 - b) * std::sin(u); }, 12)};
    Experiment b = counting("b", Statistic::gaussian, {25, 18, 9}, {{"flat", {10, 12, 14}, false, 0.2}});
    b.sigma = {3, 4, 2.5};
    b.systematics = {normalisation("flux", 0.2, {0}), shape("bend", 0, {2, 0, 1}, {1, -1, 0})};
    Experiment c = counting("c", Statistic::poisson, {2, 4}, {{"flat", {3, 3}, false, 0.5}});
    c.systematics = {shape("tilt", 0, {1, -1}, {-1, 1})};
    all.experiments = {a, b, c};
    all.shared = {{"beam", {{0, "flux"}, {1, "flux"}}}};
    return all;
}

TEST(ReferenceSystematics, experiments_may_come_in_any_order) {
    const Crowd in_order = crowd();
    const ReferenceResult expected = fit(scan(in_order.experiments, in_order.shared));
    std::vector<std::size_t> order{0, 1, 2};
    do {
        Crowd other = in_order;
        std::vector<std::size_t> place(3);
        for (std::size_t i = 0; i < 3; ++i) {
            other.experiments[i] = in_order.experiments[order[i]];
            place[order[i]] = i;
        }
        for (SharedSystematic::Member& member : other.shared[0].members) {
            member.experiment = place[member.experiment];
        }
        std::reverse(other.shared[0].members.begin(), other.shared[0].members.end());
        const ReferenceResult result = fit(scan(other.experiments, other.shared));
        EXPECT_NEAR(result.chi2, expected.chi2, 1e-10);
        for (std::size_t i = 0; i < 3; ++i) {
            for (std::size_t m = 0; m < expected.systematics[order[i]].size(); ++m) {
                EXPECT_NEAR(result.systematics[i][m], expected.systematics[order[i]][m], 1e-5);
            }
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(ReferenceSystematics, groups_are_what_shared_systematics_connect) {
    const Experiment plain = counting("x", Statistic::poisson, {1}, {{"b", {1}, false, 0.1}});
    Experiment shaped = plain;
    shaped.systematics = {normalisation("n", 0.1, {0})};
    const auto groups = [&](std::vector<SharedSystematic> shared) {
        return reference_groups(scan({plain, shaped, plain, shaped, plain}, std::move(shared)));
    };
    using Groups = std::vector<std::vector<std::size_t>>;
    EXPECT_EQ(groups({}), (Groups{{1}, {3}}));
    EXPECT_EQ(groups({{"s", {{4, "b"}, {1, "n"}}}}), (Groups{{1, 4}, {3}}));
    EXPECT_EQ(groups({{"s", {{4, "b"}, {1, "n"}}}, {"t", {{0, "b"}, {4, "b"}}}}), (Groups{{0, 1, 4}, {3}}));
    EXPECT_EQ(groups({{"s", {{4, "b"}, {2, "b"}}}, {"t", {{1, "n"}, {3, "n"}}}, {"u", {{3, "b"}, {2, "b"}}}}),
              (Groups{{1, 2, 3, 4}}));
}

// ---------------------------------------------------------------------------------------------------------------------
// Given values

//! At the value that minimises χ² an axis gives the minimum, prior included, and more beside it
TEST(ReferenceSystematics, axes_pin_systematics) {
    const Crowd all = crowd();
    const ScanConfig config = scan(all.experiments, all.shared);
    const ReferenceResult best = fit(config);
    const double beam = best.systematics[0][0] / 0.1;
    EXPECT_NEAR(best.systematics[1][0], 0.2 * beam, 1e-12);
    const struct {
        Parameter parameter;
        double value, step;
        bool has_prior;
    } pinned[] = {{systematic_parameter("", "beam"), beam, 0.1, true},
                  {systematic_parameter("a", "tilt"), best.systematics[0][1], 0.1, true},
                  {systematic_parameter("a", "slope"), 0.2 * std::exp(best.systematics[0][2]), 0.01, false},
                  {systematic_parameter("b", "bend"), best.systematics[1][1], 0.1, true}};
    for (const auto& p : pinned) {
        SCOPED_TRACE(p.parameter.background + " = " + std::to_string(p.value));
        EXPECT_NEAR(at(config, p.parameter, p.value), best.chi2, 1e-10);
        EXPECT_GT(at(config, p.parameter, p.value + p.step), best.chi2 + 1e-4);
        EXPECT_GT(at(config, p.parameter, p.value - p.step), best.chi2 + 1e-4);
        // A value that the scan file fixes has no prior.
        ScanConfig fixed = config;
        fixed.fixed = {{p.parameter, p.value}};
        const double x = p.parameter.background == "slope" ? 0 : p.value;
        EXPECT_NEAR(fit(fixed).chi2, best.chi2 - (p.has_prior ? x * x : 0), 1e-10);
    }
    // Of a normalisation the value is relative to nominal
    ScanConfig alone = scan({all.experiments[0]});
    alone.experiments[0].systematics.resize(1);
    const ReferenceResult result = fit(alone);
    EXPECT_NEAR(at(alone, systematic_parameter("a", "flux"), 1 + result.systematics[0][0]), result.chi2, 1e-10);
    Parameter own = systematic_parameter("a", "flat");
    own.kind = Parameter::Kind::normalisation;
    EXPECT_NEAR(at(alone, own, result.normalisations[0][0]), result.chi2, 1e-10);
    EXPECT_GT(at(alone, own, result.normalisations[0][0] + 0.05), result.chi2 + 1e-4);
    // Shared and free, it is the relative deviation
    ScanConfig free = config;
    free.experiments[0].systematics[0].sigma = free.experiments[1].systematics[0].sigma = inf;
    const ReferenceResult unbound = fit(free);
    EXPECT_NEAR(unbound.systematics[0][0], unbound.systematics[1][0], 1e-12);
    EXPECT_NEAR(at(free, systematic_parameter("", "beam"), unbound.systematics[0][0]), unbound.chi2, 1e-10);
}

//! χ² written out at the reported x is the reported χ²
TEST(ReferenceSystematics, the_minimum_is_where_it_says) {
    Experiment a = crowd().experiments[0];
    a.systematics.pop_back();
    const ReferenceResult result = fit(scan({a}));
    const double flux = result.systematics[0][0], tilt = result.systematics[0][1];
    const double flat = result.normalisations[0][0], peak = result.normalisations[0][1];
    ASSERT_LT(std::abs(tilt), 1);
    const double h = (15 * std::pow(tilt, 2) - 10 * std::pow(tilt, 4) + 3 * std::pow(tilt, 6)) / 8;
    Numbers N;
    for (std::size_t b = 0; b < 4; ++b) {
        const double plus = a.systematics[1].effects[0].added[b], minus = a.systematics[1].effects[0].added[4 + b];
        N.push_back((flat + flux) * (4 + tilt * (plus - minus) / 2 + h * (plus + minus) / 2) +
                    (peak + flux) * a.backgrounds[1].counts[b]);
    }
    EXPECT_NEAR(result.chi2,
                poisson_chi2_of(N, a.counts) + std::pow(flux / 0.1, 2) + tilt * tilt + std::pow((flat - 1) / 0.3, 2),
                1e-10);
}

} // namespace
} // namespace nuscan::testing
