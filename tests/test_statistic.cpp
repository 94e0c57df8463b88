// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backends/batch.hpp"
#include "backends/reference_model.hpp"
#include "nuscan/prediction.hpp"
#include "nuscan/statistic.hpp"
#include "random_physics.hpp"
#include "scan/statistic_tables.hpp"
#include "statistic_sample.hpp"

/// χ² with pulls against brute force and against the reference's minimisers.
namespace nuscan::testing {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Fit {
    Chi2 chi2;
    std::vector<double> xi;
};

Fit core_fit(const Sample& s) {
    const std::vector<double> N = s.nominal();
    const StatisticTables tables(s.counts, s.flat_templates(), s.sigmas, s.signal_sigma);
    const StatisticView view = tables.view();
    Fit fit;
    fit.xi.assign(max_pulls, 0);
    fit.chi2 = poisson_chi2(TabulatedRatios{N.data(), view.inverse_units, s.signal.data()}, view, fit.xi.data());
    fit.xi.resize(static_cast<std::size_t>(view.pulls.n_pulls));
    return fit;
}

//! The signal is one more template to the reference.
ReferenceFit reference_fit(const Sample& s) {
    std::vector<std::vector<double>> templates = s.templates;
    std::vector<double> sigmas = s.sigmas, fixed = s.signal;
    if (s.signal_sigma > 0) {
        templates.push_back(s.signal);
        sigmas.push_back(s.signal_sigma);
        fixed.assign(fixed.size(), 0);
    }
    return nuscan::reference_fit(s.counts, fixed, templates, sigmas);
}

//! χ² at given pulls, written out
double chi2_at(const Sample& s, const std::vector<double>& xi) {
    double chi2 = 0;
    for (std::size_t b = 0; b < s.counts.size(); ++b) {
        double N = s.signal[b];
        for (std::size_t k = 0; k < s.templates.size(); ++k) {
            N += (1 + xi[k]) * s.templates[k][b];
        }
        if (s.signal_sigma > 0) {
            N += xi.back() * s.signal[b];
        }
        const double n = s.counts[b];
        chi2 += 2 * (N - n);
        if (n > 0) {
            chi2 += 2 * n * std::log(n / N);
        }
    }
    for (std::size_t k = 0; k < xi.size(); ++k) {
        chi2 += std::pow(xi[k] / (k < s.sigmas.size() ? s.sigmas[k] : s.signal_sigma), 2);
    }
    return chi2;
}

//! What rounding leaves of χ²: differences of numbers as large as the counts
double rounding_size(const Sample& s, double chi2) {
    double size = 1 + std::abs(chi2);
    for (const double n : s.counts) {
        size += n;
    }
    return size;
}

void expect_agreement(const Sample& s) {
    const Fit fit = core_fit(s);
    const ReferenceFit reference = reference_fit(s);
    ASSERT_EQ(fit.chi2.status, reference.status);
    ASSERT_EQ(fit.chi2.status, PointStatus::ok);
    expect_close(fit.chi2.value, reference.chi2, rounding_size(s, reference.chi2), 1e-12, "chi2");
    for (const double xi : fit.xi) {
        EXPECT_GE(xi, -1);
    }
    // χ² belongs to the pulls that are returned, and no neighbour is better.
    expect_close(chi2_at(s, fit.xi), fit.chi2.value, rounding_size(s, fit.chi2.value), 1e-12, "chi2 at the pulls");
    for (std::size_t k = 0; k < fit.xi.size(); ++k) {
        for (const double step : {-1e-3, 1e-3, -0.3, 0.3}) {
            std::vector<double> neighbour = fit.xi;
            neighbour[k] = std::max(-1.0, neighbour[k] + step);
            const double chi2 = chi2_at(s, neighbour);
            EXPECT_GE(chi2, fit.chi2.value - 1e-12 * rounding_size(s, fit.chi2.value)) << "pull " << k;
        }
    }
}

//! Integer counts near \p expected, some of them zero where few are expected
double draw(Random& random, double expected) {
    if (expected > 50) {
        return std::floor(std::max(0.0, expected + std::sqrt(3 * expected) * random.uniform(-1, 1)));
    }
    double product = random.uniform(0, 1), n = 0; // Knuth's way to a Poisson number
    for (const double limit = std::exp(-expected); product > limit; ++n) {
        product *= random.uniform(0, 1);
    }
    return n;
}

Sample random_sample(Random& random, int n_bins, int n_pulls, double background, double signal) {
    Sample s;
    s.templates.resize(static_cast<std::size_t>(n_pulls));
    for (int k = 0; k < n_pulls; ++k) {
        const double slope = random.uniform(-3, 3);
        for (int b = 0; b < n_bins; ++b) {
            s.templates[static_cast<std::size_t>(k)].push_back(background * random.uniform(0.5, 1.5) *
                                                               std::exp(slope * b / n_bins) / n_pulls);
        }
        const double sigmas[] = {0.05, 0.13, 0.5, 2, inf};
        s.sigmas.push_back(sigmas[random.integer(0, 4)]);
    }
    for (int b = 0; b < n_bins; ++b) {
        s.signal.push_back(signal * random.uniform(0, 1));
    }
    const std::vector<double> N = s.nominal();
    for (const double x : N) {
        s.counts.push_back(draw(random, x * random.uniform(0.5, 1.5)));
    }
    return s;
}

// ---------------------------------------------------------------------------------------------------------------------

TEST(Statistic, a_bin_by_hand) {
    const auto chi2 = [](double N, double n) { return core_fit({{n}, {N}, {}, {}}).chi2.value; };
    EXPECT_DOUBLE_EQ(chi2(3, 0), 6);
    EXPECT_NEAR(chi2(3, 3), 0, 1e-15);
    EXPECT_NEAR(chi2(2, 4), 2 * (2 - 4 + 4 * std::log(2.0)), 1e-15);
    EXPECT_EQ(chi2(0, 0), 0);
}

TEST(Statistic, no_pull_is_the_sum_of_the_bins) {
    Random random(31);
    for (int i = 0; i < 20; ++i) {
        expect_agreement(random_sample(random, 20, 0, 0, 10));
    }
}

class Pulls : public ::testing::TestWithParam<int> {};

TEST_P(Pulls, near_the_data) {
    Random random(32);
    for (int i = 0; i < 200; ++i) {
        SCOPED_TRACE(i);
        const double background = std::exp(random.uniform(std::log(0.05), std::log(1e4)));
        expect_agreement(random_sample(random, 20, GetParam(), background, background * random.uniform(0, 0.5)));
        if (HasFatalFailure() || HasFailure()) {
            return;
        }
    }
}

TEST_P(Pulls, signal_far_above_the_data) {
    Random random(33);
    for (int i = 0; i < 100; ++i) {
        SCOPED_TRACE(i);
        Sample s = random_sample(random, 20, GetParam(), 20, 1);
        for (double& x : s.signal) {
            x = (1 + x) * std::pow(10, random.uniform(4, 6));
        }
        expect_agreement(s);
        s.sigmas.assign(s.sigmas.size(), inf);
        expect_agreement(s);
        for (const double xi : core_fit(s).xi) {
            EXPECT_EQ(xi, -1) << "a free background vanishes under too much signal";
        }
        if (HasFatalFailure() || HasFailure()) {
            return;
        }
    }
}

TEST_P(Pulls, data_far_above_the_prediction) {
    Random random(34);
    for (int i = 0; i < 100; ++i) {
        SCOPED_TRACE(i);
        Sample s = random_sample(random, 20, GetParam(), 1, 1);
        for (double& n : s.counts) {
            n = std::floor((n + 1) * std::pow(10, random.uniform(0, 4)));
        }
        expect_agreement(s);
        s.sigmas.assign(s.sigmas.size(), inf);
        expect_agreement(s);
        if (HasFatalFailure() || HasFailure()) {
            return;
        }
    }
}

TEST_P(Pulls, fractions_of_counts) {
    Random random(43);
    for (int i = 0; i < 100; ++i) {
        SCOPED_TRACE(i);
        Sample s = random_sample(random, 20, GetParam(), 20, 1);
        for (double& n : s.counts) {
            n = n < 15 ? std::pow(10, random.uniform(-6, 0)) : n + random.uniform(0, 1);
        }
        expect_agreement(s);
        s.sigmas.assign(s.sigmas.size(), inf);
        expect_agreement(s);
        for (double& n : s.counts) {
            n *= 1e-4;
        }
        expect_agreement(s);
        if (HasFatalFailure() || HasFailure()) {
            return;
        }
    }
}

TEST_P(Pulls, hardly_any_background_in_some_bins) {
    Random random(44);
    for (int i = 0; i < 100; ++i) {
        SCOPED_TRACE(i);
        Sample s = random_sample(random, 20, GetParam(), 20, 1);
        for (std::vector<double>& B : s.templates) {
            for (std::size_t b = 0; b < B.size(); b += 3) {
                B[b] *= std::pow(10, random.uniform(-30, -3));
            }
        }
        expect_agreement(s);
        s.sigmas.assign(s.sigmas.size(), inf);
        expect_agreement(s);
        if (HasFatalFailure() || HasFailure()) {
            return;
        }
    }
}

//! The formula in long double, at given pulls
long double exact_chi2(const Sample& s, const std::vector<double>& xi) {
    long double chi2 = 0;
    for (std::size_t k = 0; k < xi.size(); ++k) {
        chi2 += std::pow(static_cast<long double>(xi[k]) / s.sigmas[k], 2);
    }
    for (std::size_t b = 0; b < s.counts.size(); ++b) {
        long double N = s.signal[b];
        for (std::size_t k = 0; k < xi.size(); ++k) {
            N += (1 + static_cast<long double>(xi[k])) * s.templates[k][b];
        }
        const long double n = s.counts[b], x = N / n - 1;
        chi2 += 2 * n * (x - std::log1p(x));
    }
    return chi2;
}

//! 1e-9 + 1e-12 (χ² + √χ² S), S² = Σ (N/σ)², up to the most counts that a bin may have
TEST_P(Pulls, keep_the_promised_precision_at_any_counts) {
    Random random(52);
    for (int i = 0; i < 200; ++i) {
        SCOPED_TRACE(i);
        const double background = std::pow(10, random.uniform(2, 14.9));
        Sample s = random_sample(random, 5, GetParam(), background, background * random.uniform(0, 0.1));
        double S2 = 0;
        const std::vector<double> N = s.nominal();
        for (std::size_t b = 0; b < s.counts.size(); ++b) { // within errors, or next to them
            s.counts[b] =
                std::max(1., std::round(N[b] + std::sqrt(N[b]) * (i % 2 == 0 ? random.uniform(-1, 1) : 1e-3)));
            S2 += N[b] * N[b] / s.counts[b];
        }
        const Fit fit = core_fit(s);
        const double exact = static_cast<double>(exact_chi2(s, fit.xi));
        const double promised = 1e-9 + 1e-12 * (exact + std::sqrt(exact * S2));
        ASSERT_EQ(fit.chi2.status, PointStatus::ok);
        EXPECT_NEAR(fit.chi2.value, exact, promised);
        EXPECT_NEAR(fit.chi2.value, reference_fit(s).chi2, promised);
    }
}

//! A line's tail far below what else is in a bin is not its unit, and alone in a bin it is.
TEST(StatisticTables, stand_the_far_tail_of_a_line) {
    Random random(53);
    for (const bool floor : {true, false}) {
        for (int i = 0; i < 100; ++i) {
            SCOPED_TRACE(i);
            Sample s;
            const double width = random.uniform(0.3, 3);
            s.templates.resize(1);
            for (int b = 0; b < 40; ++b) {
                const double tail = 300 * std::exp(-0.5 * std::pow((b - 5) / width, 2));
                s.templates[0].push_back(tail < 1e-100 ? 0 : tail);
                s.signal.push_back(random.uniform(8, 12));
                s.counts.push_back(draw(random, s.signal.back() + tail));
            }
            for (const double sigma : {0.2, 1e-9, 1e9, inf}) {
                s.sigmas = {sigma};
                const std::vector<double> N = s.nominal();
                const StatisticTables tables(s.counts, s.flat_templates(), s.sigmas, 0,
                                             floor ? s.signal : std::vector<double>());
                const StatisticView view = tables.view();
                double xi = 0;
                const Chi2 chi2 = poisson_chi2(TabulatedRatios{N.data(), view.inverse_units}, view, &xi);
                const ReferenceFit reference = reference_fit(s);
                EXPECT_EQ(chi2.status, PointStatus::ok);
                EXPECT_NEAR(chi2.value, reference.chi2, 1e-9 + 1e-12 * rounding_size(s, reference.chi2));
            }
        }
    }
}

TEST_P(Pulls, without_signal) {
    Random random(35);
    for (int i = 0; i < 100; ++i) {
        SCOPED_TRACE(i);
        Sample s = random_sample(random, 20, GetParam(), 5, 0);
        expect_agreement(s);
        if (HasFatalFailure() || HasFailure()) {
            return;
        }
    }
}

TEST_P(Pulls, tiny_backgrounds) {
    Random random(36);
    for (int i = 0; i < 100; ++i) {
        SCOPED_TRACE(i);
        Sample s = random_sample(random, 10, GetParam(), 1e-7, 3);
        expect_agreement(s);
        if (HasFatalFailure() || HasFailure()) {
            return;
        }
    }
}

//! S_b of the point itself is the template of its own pull
TEST_P(Pulls, with_one_on_the_signal) {
    Random random(46);
    const int n_backgrounds = std::min(GetParam(), max_pulls - 1);
    for (int i = 0; i < 200; ++i) {
        SCOPED_TRACE(i);
        const double background = std::exp(random.uniform(std::log(0.05), std::log(1e4)));
        Sample s = random_sample(random, 20, n_backgrounds, background, background * random.uniform(0.01, 30));
        for (const double sigma : {0.02, 0.134, 3., inf}) {
            s.signal_sigma = sigma;
            expect_agreement(s);
        }
        if (HasFatalFailure() || HasFailure()) {
            return;
        }
    }
}

TEST_P(Pulls, templates_that_are_empty_in_some_bins) {
    Random random(37);
    for (int i = 0; i < 100; ++i) {
        SCOPED_TRACE(i);
        Sample s = random_sample(random, 12, GetParam(), 30, 2);
        for (std::vector<double>& B : s.templates) {
            const int first = random.integer(0, 11), last = random.integer(0, 11);
            for (int b = std::min(first, last); b < std::max(first, last); ++b) {
                B[static_cast<std::size_t>(b)] = 0;
            }
        }
        expect_agreement(s);
        if (HasFatalFailure() || HasFailure()) {
            return;
        }
    }
}

TEST_P(Pulls, no_counts_at_all) {
    Random random(38);
    for (int i = 0; i < 20; ++i) {
        SCOPED_TRACE(i);
        Sample s = random_sample(random, 12, GetParam(), 3, 2);
        s.counts.assign(12, 0);
        expect_agreement(s);
        s.sigmas.assign(s.sigmas.size(), inf);
        expect_agreement(s);
    }
}

TEST_P(Pulls, an_empty_prediction_is_infinite) {
    Random random(39);
    for (const double signal : {0.0, -1e-17}) { // below zero by rounding counts as zero
        Sample s = random_sample(random, 6, GetParam(), 3, 2);
        s.counts[3] = 2;
        s.signal[3] = signal;
        for (std::vector<double>& B : s.templates) {
            B[3] = 0;
        }
        const Fit fit = core_fit(s);
        EXPECT_EQ(fit.chi2.status, PointStatus::empty_prediction);
        EXPECT_EQ(fit.chi2.value, inf);
        EXPECT_EQ(reference_fit(s).status, PointStatus::empty_prediction);
        s.counts[3] = 0; // nothing seen where nothing is expected
        s.signal[3] = 0;
        expect_agreement(s);
    }
}

TEST_P(Pulls, NaN_says_so) {
    Random random(40);
    for (const std::size_t bin : {std::size_t{0}, std::size_t{5}}) {
        Sample s = random_sample(random, 6, GetParam(), 3, 2);
        s.signal[bin] = nan;
        const Fit fit = core_fit(s);
        EXPECT_EQ(fit.chi2.status, PointStatus::not_a_number);
        EXPECT_NE(fit.chi2.value, fit.chi2.value);
        EXPECT_EQ(reference_fit(s).status, PointStatus::not_a_number);
    }
}

INSTANTIATE_TEST_SUITE_P(Statistic, Pulls, ::testing::Values(0, 1, 2, 3, max_pulls));

// ---------------------------------------------------------------------------------------------------------------------
// One pull, closed forms and brute force

TEST(OnePull, scaled_background_without_signal) {
    // Σ B (1 − n/((1+ξ)B)) = 0: the total is matched.
    const Sample s{{3, 0, 8, 5}, {0, 0, 0, 0}, {{2, 1, 5, 2.5}}, {inf}};
    const Fit fit = core_fit(s);
    EXPECT_NEAR(fit.xi[0], 16 / 10.5 - 1, 1e-12);
    EXPECT_NEAR(reference_fit(s).normalisations[0], 16 / 10.5, 1e-12);
}

TEST(OnePull, one_bin_in_closed_form) {
    // 1 − n/N + ξ/(σ²B) = 0 with N = N0 + ξB: a quadratic in ξ
    for (const double n : {0.0, 3.0, 40.0}) {
        for (const double sigma : {0.1, 1.0}) {
            const double signal = 2, B = 7, N0 = signal + B, w = 1 / (sigma * sigma);
            const double b = B * B + N0 * w, c = B * N0 - B * n, a = B * w;
            const double expected = std::max(-1.0, (-b + std::sqrt(b * b - 4 * a * c)) / (2 * a));
            const Fit fit = core_fit({{n}, {signal}, {{B}}, {sigma}});
            EXPECT_NEAR(fit.xi[0], expected, 1e-11) << n << " " << sigma;
        }
    }
}

TEST(OnePull, brute_force) {
    Random random(41);
    for (int i = 0; i < 20; ++i) {
        const Sample s = random_sample(random, 8, 1, 5, 5);
        const Fit fit = core_fit(s);
        double best = inf;
        for (double xi = -1; xi < 20; xi += 1e-3) {
            best = std::min(best, chi2_at(s, {xi}));
        }
        EXPECT_LE(fit.chi2.value, best + 1e-12);
        EXPECT_GE(fit.chi2.value, best - 1e-2);
    }
}

TEST(OnePull, the_prior_holds_the_background) {
    const Sample loose{{40}, {0}, {{10}}, {10}}, tight{{40}, {0}, {{10}}, {1e-3}};
    EXPECT_NEAR(core_fit(loose).xi[0], 3, 0.02);
    EXPECT_NEAR(core_fit(tight).xi[0], 0, 1e-4);
    EXPECT_NEAR(core_fit(tight).chi2.value, chi2_at(tight, {0}), 1e-2);
}

TEST(ManyPulls, brute_force) {
    Random random(42);
    for (int i = 0; i < 5; ++i) {
        const Sample s = random_sample(random, 8, 2, 10, 5);
        const Fit fit = core_fit(s);
        double best = inf;
        for (double x = -1; x < 4; x += 0.02) {
            for (double y = -1; y < 4; y += 0.02) {
                best = std::min(best, chi2_at(s, {x, y}));
            }
        }
        EXPECT_LE(fit.chi2.value, best + 1e-12);
        EXPECT_GE(fit.chi2.value, best - 1);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Several points at a time

//! Predictions of several points, one per lane; lanes beyond repeat the last
struct BatchPrediction {
    const std::vector<Sample>& samples;
    const StatisticView& view;

    template <class F>
    Batch each(const F& f) const {
        double lanes[Batch::size];
        for (std::size_t i = 0; i < Batch::size; ++i) {
            lanes[i] = f(samples[std::min(i, samples.size() - 1)]);
        }
        return Batch::load(lanes);
    }
    Batch operator()(int b) const {
        return each([&](const Sample& s) { return TabulatedRatios{s.nominal().data(), view.inverse_units}(b); });
    }
    Batch signal(int b) const {
        return each([&](const Sample& s) { return s.signal[static_cast<std::size_t>(b)]; });
    }
};

//! χ² of several signals over one background
std::vector<double> batch_fit(const StatisticView& view, const std::vector<Sample>& samples) {
    Batch xi[max_pulls];
    const PoissonFit<Batch> fit = poisson_fit(BatchPrediction{samples, view}, view, xi);
    EXPECT_TRUE(all(fit.converged));
    std::vector<double> chi2(Batch::size);
    fit.chi2.store(chi2.data());
    return chi2;
}

class Batches : public ::testing::TestWithParam<int> {};

TEST_P(Batches, a_point_does_not_depend_on_its_neighbours) {
    Random random(45);
    for (int i = 0; i < 50; ++i) {
        SCOPED_TRACE(i);
        Sample s = random_sample(random, 19, GetParam(), 20, 5);
        s.counts[4] = 3;
        const bool signal_pull = i % 2 == 1;
        s.signal_sigma = signal_pull ? 0.2 : 0;
        const StatisticTables tables(s.counts, s.flat_templates(), s.sigmas, s.signal_sigma);
        std::vector<Sample> lanes;
        // Of a signal that is more than 1e16 times the counts, no double near −1 is the pull.
        for (const double scale : {0., 1., 1e-3, 1e3, 1e12, signal_pull ? 1e9 : 1e25, nan}) {
            lanes.push_back(s);
            for (double& signal : lanes.back().signal) {
                signal *= scale;
            }
        }
        if (GetParam() == 1 && !signal_pull) { // no prediction where there are counts
            lanes.push_back(s);
            lanes.back().signal[4] -= s.nominal()[4];
        }
        const std::vector<double> together = batch_fit(tables.view(), lanes);
        for (std::size_t lane = 0; lane < together.size() && lane < lanes.size(); ++lane) {
            SCOPED_TRACE(lane);
            const double by_itself = batch_fit(tables.view(), {lanes[lane]})[0];
            if (lane == 6) {
                EXPECT_NE(together[lane], together[lane]);
                continue;
            }
            EXPECT_EQ(together[lane], by_itself);
            const double alone = core_fit(lanes[lane]).chi2.value;
            if (std::isinf(alone)) {
                EXPECT_EQ(together[lane], alone);
            } else {
                expect_close(together[lane], alone, rounding_size(s, alone), 1e-13, "chi2");
            }
        }
    }
}
INSTANTIATE_TEST_SUITE_P(Pulls, Batches, ::testing::Values(1, 2, 5));

// ---------------------------------------------------------------------------------------------------------------------

class Logarithms : public ::testing::TestWithParam<std::vector<double>> {};

TEST_P(Logarithms, are_the_plain_sum) {
    Random random(46);
    for (const double decades : {0.1, 3., 17., 150.}) {
        SCOPED_TRACE(decades);
        const std::vector<double>& n = GetParam();
        const StatisticTables tables(n, {}, {});
        std::vector<double> y;
        long double expected = 0, size = 0;
        for (const double weight : n) {
            y.push_back(std::pow(10, random.uniform(-decades, decades)));
            expected += weight > 0 ? weight * std::log(static_cast<long double>(y.back())) : 0;
            size += weight * (1 + std::abs(std::log(y.back())));
        }
        const WeightedLogarithmView view = tables.view().log_sum;
        const double one = weighted_logarithm<double>([&](int b) { return y[static_cast<std::size_t>(b)]; }, view);
        EXPECT_NEAR(one, static_cast<double>(expected), 4e-16 * static_cast<double>(size));
        double lanes[Batch::size];
        weighted_logarithm<Batch>([&](int b) { return Batch(y[static_cast<std::size_t>(b)]); }, view).store(lanes);
        EXPECT_NEAR(lanes[0], static_cast<double>(expected), 4e-16 * static_cast<double>(size));
    }
}

//! \p n numbers of counts of up to 2^20
std::vector<double> many(std::size_t n) {
    Random random(47);
    std::vector<double> counts;
    for (std::size_t i = 0; i < n; ++i) {
        counts.push_back(std::floor(std::exp2(random.uniform(0, 20))));
    }
    return counts;
}

INSTANTIATE_TEST_SUITE_P(Statistic, Logarithms,
                         ::testing::Values(std::vector<double>{0}, std::vector<double>{1}, std::vector<double>{1 << 20},
                                           std::vector<double>{0, 1, 2, 3, 1 << 20, (1 << 20) - 1, 0},
                                           std::vector<double>{0.5, 2.25, 7, 1e-9}, std::vector<double>{3e15, 1e20, 5},
                                           many(40), many(1000)));

TEST(Logarithms, of_nothing_are_minus_infinity) {
    for (const double n : {1., 12., 2.5}) {
        const StatisticTables tables({4, n, 9}, {}, {});
        const double y[] = {2, 0, 3};
        EXPECT_EQ(weighted_logarithm<double>([&](int b) { return y[b]; }, tables.view().log_sum), -inf);
        double lanes[Batch::size];
        weighted_logarithm<Batch>([&](int b) { return Batch(y[b]); }, tables.view().log_sum).store(lanes);
        EXPECT_EQ(lanes[0], -inf);
    }
}

//! Two equal templates without priors: only their sum is determined, χ² all the same
TEST(ManyPulls, degenerate_templates) {
    const Sample one{{12, 9, 20}, {1, 2, 3}, {{8, 6, 14}}, {inf}};
    const Sample two{{12, 9, 20}, {1, 2, 3}, {{4, 3, 7}, {4, 3, 7}}, {inf, inf}};
    const Fit fit = core_fit(two);
    EXPECT_EQ(fit.chi2.status, PointStatus::ok);
    EXPECT_NEAR(fit.chi2.value, core_fit(one).chi2.value, 1e-10);
}

TEST(TotalChi2, adds_experiments_and_priors_and_keeps_the_worst_status) {
    const StatisticTables statistic({3, 4}, {}, {});
    ExperimentView experiments[2] = {};
    for (ExperimentView& e : experiments) {
        e.n_bins = 2;
        e.statistic = statistic.view();
    }
    experiments[1].first_bin = 2;
    PlanView plan{};
    plan.experiments = experiments;
    plan.n_experiments = 2;
    const auto total = [&](const std::vector<double>& N) { return total_chi2(plan, TabulatedPoint{N.data()}, 0.25); };
    EXPECT_DOUBLE_EQ(total({3, 4, 3, 4}).value, 0.25);
    EXPECT_NEAR(total({3, 4, 5, 4}).value, 0.25 + poisson_term(5, 3), 1e-14);
    EXPECT_EQ(total({0, 4, 3, 4}).status, PointStatus::empty_prediction);
    EXPECT_EQ(total({3, 4, nan, 4}).status, PointStatus::not_a_number);
    EXPECT_EQ(total({nan, 4, 0, 4}).status, PointStatus::not_a_number);
    EXPECT_NE(total({0, 4, nan, 4}).value, total({0, 4, nan, 4}).value);
}

} // namespace
} // namespace nuscan::testing
