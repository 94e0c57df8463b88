// SPDX-License-Identifier: Apache-2.0
#include "output/limits.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "config/error.hpp"

namespace nuscan {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double q90 = 2.705543454095404; // chi-squared quantile, 1 d.o.f.

std::vector<double> linear(double min, double max, std::size_t n) {
    std::vector<double> values(n);
    for (std::size_t i = 0; i < n; ++i) {
        values[i] = min + (max - min) * static_cast<double>(i) / static_cast<double>(n - 1);
    }
    return values;
}

Result scan_1d(const std::vector<double>& x, const std::function<double(double)>& chi2) {
    Result result;
    result.path = "scan.h5";
    result.kept = {{"charge.universal", "e", "electric charge", x}};
    for (const double value : x) {
        result.chi2.push_back(chi2(value));
    }
    result.status.assign(x.size(), 0);
    return result;
}

Result scan_2d(const std::vector<double>& x, const std::vector<double>& y,
               const std::function<double(double, double)>& chi2) {
    Result result;
    result.path = "scan.h5";
    result.kept = {{"magnetic_moment.universal", "mu_B", "magnetic moment", x},
                   {"charge.universal", "e", "electric charge", y}};
    for (const double xi : x) {
        for (const double yj : y) {
            result.chi2.push_back(chi2(xi, yj));
        }
    }
    result.status.assign(result.chi2.size(), 0);
    return result;
}

//! The axis of a modulus, which ends at zero
Result ends_at_zero(Result result) {
    result.kept[0].domain = {0, inf, 0};
    return result;
}

using Kind = End::Kind;

//! Kinds of both ends
std::pair<Kind, Kind> kinds(const Interval& interval) { return {interval.low.kind, interval.high.kind}; }

constexpr std::pair<Kind, Kind> crossings = {Kind::crossing, Kind::crossing};

TEST(Limits, ThresholdsAreQuantilesOfChiSquared) {
    EXPECT_NEAR(delta_chi2_threshold(0.9, 1), q90, 1e-12);
    EXPECT_NEAR(delta_chi2_threshold(0.9, 2), -2 * std::log(0.1), 1e-12);
    EXPECT_NEAR(delta_chi2_threshold(0.6826894921370859, 1), 1, 1e-12);
    EXPECT_NEAR(delta_chi2_threshold(0.9, 3), 6.251388631170325, 1e-12);
    EXPECT_NEAR(delta_chi2_threshold(0.95, 4), 9.487729036781154, 1e-12);
    EXPECT_THROW(delta_chi2_threshold(0.9, 0), InputError);
    EXPECT_THROW(delta_chi2_threshold(90, 1), InputError);
    EXPECT_THROW(delta_chi2_threshold(nan, 1), InputError);
}

TEST(Limits, EdgesOfAParabolaAreExact) {
    // The minimum is on a grid point; units as small as those of charges.
    const auto x = linear(-5e-13, 5e-13, 41);
    const double x0 = x[23], sigma = 1.3e-13;
    const Limits limits =
        compute_limits(scan_1d(x, [&](double v) { return 17.5 + (v - x0) * (v - x0) / (sigma * sigma); }), 0.9);
    EXPECT_DOUBLE_EQ(limits.chi2_min, 17.5);
    ASSERT_EQ(limits.axes.size(), 1u);
    EXPECT_EQ(limits.axes[0].best_fit, x0);
    ASSERT_EQ(limits.axes[0].intervals.size(), 1u);
    const Interval interval = limits.axes[0].intervals[0];
    EXPECT_NEAR(interval.low.at, x0 - sigma * std::sqrt(q90), 1e-11 * sigma);
    EXPECT_NEAR(interval.high.at, x0 + sigma * std::sqrt(q90), 1e-11 * sigma);
    EXPECT_EQ(kinds(interval), crossings);
}

TEST(Limits, EdgesOfQuarticsAreGoodToAThousandthOfAStep) {
    // χ² of a magnetic moment: (μ² − μ0²)² has its minimum off the grid's end, the limit ten steps up and more.
    // Edges a little off the grid points, by an odd part of a step.
    const auto quartic = [](double edge) { return [edge](double v) { return q90 * std::pow(v / edge, 4); }; };
    for (const std::size_t n : {21, 31, 81, 401}) {
        const auto x = linear(0, 2, n);
        for (const double part : {0.2, 0.37, 0.5, 0.81}) {
            const double edge = 1 + part * x[1];
            const Limits limits = compute_limits(scan_1d(x, quartic(edge)), 0.9);
            ASSERT_EQ(limits.axes[0].intervals.size(), 1u);
            EXPECT_NEAR(limits.axes[0].intervals[0].high.at, edge, 1e-3 * x[1]) << n << " points";
        }
    }
    // In the last step of the axis all other points are on one side.
    const auto x = linear(0, 1, 11);
    EXPECT_NEAR(compute_limits(scan_1d(x, quartic(0.96)), 0.9).axes[0].intervals[0].high.at, 0.96, 1e-3 * x[1]);
}

TEST(Limits, InterpolatesOnUnevenAxes) {
    std::vector<double> x;
    for (double value = 0.01; value < 100; value *= 1.2) {
        x.push_back(value);
    }
    const Limits limits = compute_limits(scan_1d(x, [](double v) { return (v - 0.01) * (v - 0.01); }), 0.9);
    EXPECT_NEAR(limits.axes[0].intervals[0].high.at, 0.01 + std::sqrt(q90), 1e-10);
}

TEST(Limits, FindsDisconnectedIntervals) {
    // Two minima, as charge radii have them: (x² − 9)² / 4 is at most q90 for |x| between sqrt(9 ± 2 sqrt(q90)).
    const Limits limits =
        compute_limits(scan_1d(linear(-6, 6, 241), [](double v) { return (v * v - 9) * (v * v - 9) / 4; }), 0.9);
    const double inner = std::sqrt(9 - 2 * std::sqrt(q90)), outer = std::sqrt(9 + 2 * std::sqrt(q90));
    const auto& intervals = limits.axes[0].intervals;
    ASSERT_EQ(intervals.size(), 2u);
    EXPECT_NEAR(intervals[0].low.at, -outer, 5e-5);
    EXPECT_NEAR(intervals[0].high.at, -inner, 5e-5);
    EXPECT_NEAR(intervals[1].low.at, inner, 5e-5);
    EXPECT_NEAR(intervals[1].high.at, outer, 5e-5);
    EXPECT_EQ(limits.axes[0].best_fit, -3) << "of equal minima the first";
}

TEST(Limits, SaysWhyAnIntervalEnds) {
    const auto interval = [](double min, double max) {
        return compute_limits(scan_1d(linear(min, max, 31), [](double v) { return v * v; }), 0.9)
            .axes[0]
            .intervals.at(0);
    };
    EXPECT_EQ(kinds(interval(-1, 5)), std::make_pair(Kind::range, Kind::crossing));
    EXPECT_EQ(interval(-1, 5).low.at, -1);
    EXPECT_EQ(kinds(interval(-5, 1)), std::make_pair(Kind::crossing, Kind::range));
    EXPECT_EQ(kinds(interval(-1, 1)), std::make_pair(Kind::range, Kind::range));
    EXPECT_EQ(kinds(interval(0, 5)), std::make_pair(Kind::range, Kind::crossing)) << "charges may be negative";
    // A squared sine ends at both.
    Result sine = scan_1d(linear(0, 1, 31), [](double v) { return v; });
    sine.kept[0].domain = {0, 1, 0};
    EXPECT_EQ(kinds(compute_limits(sine, 0.9).axes[0].intervals.at(0)), std::make_pair(Kind::physical, Kind::physical));
    sine = scan_1d(linear(0.5, 1, 31), [](double v) { return 100 * (1 - v); });
    sine.kept[0].domain = {0, 1, 0};
    const Interval upper = compute_limits(sine, 0.9).axes[0].intervals.at(0);
    EXPECT_EQ(kinds(upper), std::make_pair(Kind::crossing, Kind::physical));
    EXPECT_EQ(upper.high.at, 1);
}

TEST(Limits, AnAxisThatBeginsAboveZeroMayAllowZero) {
    std::vector<double> x;
    for (double value = 1e-13; value < 1e-10; value *= 1.1) {
        x.push_back(value);
    }
    const auto interval = [&](const std::vector<double>& values, double edge, double zero = 0) {
        const auto chi2 = [&](double v) {
            return q90 * std::pow((v * v - zero * zero) / (edge * edge - zero * zero), 2);
        };
        return compute_limits(ends_at_zero(scan_1d(values, chi2)), 0.9).axes[0].intervals.at(0);
    };
    EXPECT_EQ(kinds(interval(x, 2e-11)), std::make_pair(Kind::physical, Kind::crossing));
    EXPECT_EQ(interval(x, 2e-11).low.at, 0);
    EXPECT_NEAR(interval(x, 2e-11).high.at, 2e-11, 1e-14);
    // On a linear axis, and where the best fit is elsewhere
    EXPECT_EQ(interval(linear(1e-13, 1e-10, 801), 2e-11).low.kind, Kind::physical);
    EXPECT_EQ(interval(x, 3e-11, 2e-11).low.kind, Kind::physical) << "Δχ² at zero is 2.4";
    EXPECT_EQ(interval(x, 2.5e-11, 2e-11).low.kind, Kind::crossing) << "and here 19";
    // From the middle of what is allowed nothing follows for zero.
    EXPECT_EQ(interval(linear(1e-11, 1e-10, 91), 2e-11).low.kind, Kind::range);
    // Negative values that end before zero
    std::vector<double> negative(x.rbegin(), x.rend());
    for (double& value : negative) {
        value = -value;
    }
    Result result = scan_1d(negative, [](double v) { return q90 * std::pow(v / 2e-11, 4); });
    result.kept[0].domain = {-inf, 0, 0};
    EXPECT_EQ(kinds(compute_limits(result, 0.9).axes[0].intervals.at(0)),
              std::make_pair(Kind::crossing, Kind::physical));
}

TEST(Limits, APlaceThatTheGridIsTooCoarseForIsABracket) {
    const auto interval = [](std::size_t n, double power) {
        const auto chi2 = [&](double v) { return q90 * std::pow(v / 1.1, power); };
        return compute_limits(ends_at_zero(scan_1d(linear(0, 10, n), chi2)), 0.9).axes[0].intervals.at(0);
    };
    for (const double power : {1., 2., 4.}) {
        EXPECT_FALSE(interval(41, power).high.is_bracket()) << "four steps wide, power " << power;
    }
    EXPECT_TRUE(interval(11, 4).high.is_bracket());
    const Interval rough = interval(6, 4); // two units a step: far from the edge at 1.1
    EXPECT_TRUE(rough.high.is_bracket());
    EXPECT_EQ(rough.high.between.low, 0);
    EXPECT_EQ(rough.high.between.high, 2);
    EXPECT_FALSE(rough.low.is_bracket());
    const Result result = ends_at_zero(scan_1d(linear(0, 10, 6), [](double v) { return q90 * std::pow(v, 4); }));
    EXPECT_NE(limits_text(compute_limits(result, 0.9), result)
                  .find("  < between 0 and 2 e (grid too coarse: more points, or a shorter axis?)\n"),
              std::string::npos)
        << limits_text(compute_limits(result, 0.9), result);
    const std::string json = limits_json(compute_limits(result, 0.9), result);
    EXPECT_NE(
        json.find(R"("low": 0, "high": null, "low_end": "physical", "high_end": "crossing", "low_between": null, )"
                  R"("high_between": [0, 2]})"),
        std::string::npos)
        << json;
}

TEST(Limits, EndsRegionsAtInfiniteChi2) {
    const auto x = linear(-3, 3, 61);
    Result result = scan_1d(x, [](double v) { return v > 1.05 ? inf : v * v; });
    const Interval interval = compute_limits(result, 0.9).axes[0].intervals.at(0);
    EXPECT_DOUBLE_EQ(interval.high.at, 1.0); // somewhere in a step of 0.1
    EXPECT_NEAR(interval.low.at, -std::sqrt(q90), 1e-9);
    EXPECT_EQ(kinds(interval), crossings);
    // Of each other kind nothing is known.
    result.status[41] = 3;
    EXPECT_THROW(compute_limits(result, 0.9), InputError);
}

TEST(Limits, RefusesWhatBordersPointsWithoutANumber) {
    const auto x = linear(-3, 3, 61);
    Result result = scan_1d(x, [](double v) { return std::abs(v - 0.5) < 0.01 ? nan : v * v; });
    result.status[35] = 3;
    try {
        compute_limits(result, 0.9);
        FAIL();
    } catch (const InputError& error) {
        EXPECT_STREQ(error.what(), "scan.h5: no limits (chi2 is no number at 1 point beside the allowed region, "
                                   "status 3) scan a region without them, or look for what overflows there?");
    }
    result = scan_1d(x, [](double v) { return std::abs(v) > 2.5 ? nan : v * v; }); // far from what is allowed
    EXPECT_NEAR(compute_limits(result, 0.9).axes[0].intervals.at(0).high.at, std::sqrt(q90), 1e-9);
    result = scan_1d(x, [](double v) { return v < 0 ? inf : nan; });
    EXPECT_THROW(compute_limits(result, 0.9), InputError);
    // Beside a contour, though not beside an interval
    Result map = scan_2d(x, x, [](double u, double v) { return u * u + v * v; });
    map.chi2[30 * 61 + 50] = nan; // (0, 2)
    EXPECT_THROW(compute_limits(map, 0.9), InputError);
}

// ---- circles ----------------------------------------------------------------------------------------------------

constexpr double pi = std::numbers::pi;

Result on_circle(const std::vector<double>& x, const std::function<double(double)>& chi2, double period = 2 * pi) {
    Result result = scan_1d(x, chi2);
    result.kept[0] = {"charge.emu.arg", "rad", "argument", x, {-inf, inf, period}};
    return result;
}

TEST(Circle, AnIntervalThroughTheSeamIsOne) {
    // χ² = 20 (1 − cos(t − t0)) is at the threshold where t − t0 = ± acos(1 − q90/20).
    const double half = std::acos(1 - q90 / 20);
    for (const double t0 : {pi, 3., -3., 0.2, -pi}) {
        for (const double begin : {-pi, 0., 1.}) {
            const Result result =
                on_circle(linear(begin, begin + 2 * pi, 181), [&](double t) { return 20 * (1 - std::cos(t - t0)); });
            const Limits limits = compute_limits(result, 0.9);
            ASSERT_EQ(limits.axes[0].intervals.size(), 1u) << t0;
            const Interval interval = limits.axes[0].intervals[0];
            EXPECT_EQ(kinds(interval), crossings);
            EXPECT_NEAR(interval.high.at - interval.low.at, 2 * half, 1e-3) << "the minimum is between points";
            EXPECT_NEAR(std::cos((interval.low.at + interval.high.at) / 2 - t0), 1, 1e-6);
            EXPECT_GE(interval.low.at, begin);
            EXPECT_LT(interval.low.at, begin + 2 * pi);
            const std::string text = limits_text(limits, result);
            EXPECT_EQ(text.find("go on"), std::string::npos) << text;
            EXPECT_EQ(text.find("warning"), std::string::npos) << text;
        }
    }
}

TEST(Circle, SaysHowItGoesThroughTheSeam) {
    const Result result = on_circle(linear(-pi, pi, 181), [&](double t) { return 20 * (1 - std::cos(t - pi)); });
    EXPECT_NE(limits_text(compute_limits(result, 0.9), result)
                  .find("[2.62, 3.67] rad (through 3.14, which is -3.14: the upper end is -2.62)\n"),
              std::string::npos)
        << limits_text(compute_limits(result, 0.9), result);
    EXPECT_NE(limits_json(compute_limits(result, 0.9), result).find("\"period\": 6.28318"), std::string::npos);
}

TEST(Circle, HasNoEnds) {
    const Result flat = on_circle(linear(0, 2 * pi, 61), [](double t) { return 1 - std::cos(t); });
    const Limits limits = compute_limits(flat, 0.9);
    ASSERT_EQ(limits.axes[0].intervals.size(), 1u);
    EXPECT_EQ(kinds(limits.axes[0].intervals[0]), std::make_pair(Kind::none, Kind::none));
    EXPECT_NE(limits_text(limits, flat).find("no limit on [0, 6.28] rad (the whole circle is allowed)\n"),
              std::string::npos)
        << limits_text(limits, flat);
    EXPECT_NE(limits_json(limits, flat).find(R"("low_end": null, "high_end": null)"), std::string::npos);
    // Part of one has ends, and Majorana phases close after 4π.
    const auto chi2 = [](double t) { return 1 - std::cos(t); };
    EXPECT_EQ(compute_limits(on_circle(linear(0, 6, 61), chi2), 0.9).axes[0].intervals.at(0).low.kind, Kind::range);
    EXPECT_EQ(compute_limits(on_circle(linear(0, 2 * pi, 61), chi2, 4 * pi), 0.9).axes[0].intervals.at(0).low.kind,
              Kind::range);
}

TEST(Circle, KeepsDisconnectedIntervals) {
    const Result result =
        on_circle(linear(-pi, pi, 241), [](double t) { return 10 * (1 - std::cos(2 * t)); }); // minima at 0 and π
    const auto intervals = compute_limits(result, 0.9).axes[0].intervals;
    ASSERT_EQ(intervals.size(), 2u);
    const double half = std::acos(1 - q90 / 10) / 2;
    EXPECT_NEAR(intervals[0].low.at, -half, 1e-5);
    EXPECT_NEAR(intervals[0].high.at, half, 1e-5);
    EXPECT_NEAR(intervals[1].low.at, pi - half, 1e-5);
    EXPECT_NEAR(intervals[1].high.at, pi + half, 1e-5);
}

// ---- between the points -----------------------------------------------------------------------------------------

/// Minimises a function of one or two variables by brute force, in a way of its own.
class BruteForce {
public:
    explicit BruteForce(std::function<double(const std::vector<double>&)> chi2) : chi2_(std::move(chi2)) {}

    AxesMinimum operator()(const std::vector<Span>& spans, const std::vector<double>& start) const {
        AxesMinimum best{chi2_(start), true, start, std::vector<double>(start.size())};
        for (int zoom = 0; zoom < 12; ++zoom) {
            const std::vector<double> centre = best.values;
            for (int i = 0; i < 41; ++i) {
                for (int j = 0; j < (start.size() > 1 ? 41 : 1); ++j) {
                    std::vector<double> at = centre;
                    for (std::size_t a = 0; a < at.size(); ++a) {
                        const Span& span = spans[a];
                        const double step = (a == 0 ? i : j) / 20. - 1;
                        at[a] = std::clamp(zoom == 0 ? (span.low + span.high + step * (span.high - span.low)) / 2
                                                     : centre[a] + step * (span.high - span.low) * std::pow(0.1, zoom),
                                           span.low, span.high);
                    }
                    const double value = chi2_(at);
                    if (value < best.chi2 - 1e-13) {
                        best.chi2 = value;
                        best.values = at;
                    }
                }
            }
        }
        for (std::size_t a = 0; a < start.size(); ++a) {
            std::vector<double> low = best.values, high = best.values;
            low[a] -= 1e-6;
            high[a] += 1e-6;
            best.slopes[a] = (chi2_(high) - chi2_(low)) / 2e-6 * 10;
        }
        return best;
    }

private:
    std::function<double(const std::vector<double>&)> chi2_;
};

TEST(BetweenPoints, ACoarseGridHasTheSameEnds) {
    const auto quartic = [](double v) { return 3 + q90 * std::pow(v / 1.1, 4); };
    const BruteForce exact([&](const std::vector<double>& at) { return quartic(at[0]); });
    for (const std::size_t n : {3, 6, 11}) {
        const Result result = ends_at_zero(scan_1d(linear(0, 10, n), quartic));
        const Limits limits = compute_limits(result, 0.9, exact);
        ASSERT_EQ(limits.axes[0].intervals.size(), 1u);
        EXPECT_NEAR(limits.axes[0].intervals[0].high.at, 1.1, 1e-5) << n;
        EXPECT_NE(limits_text(limits, result).find("  < 1.1 e\n"), std::string::npos) << limits_text(limits, result);
    }
}

TEST(BetweenPoints, FindsRegionsNarrowerThanAStep) {
    // Of two minima at ±3, between points of a grid, neither is near one: half-widths are 0.1.
    const auto chi2 = [](double v) { return q90 * std::pow((v * v - 9) / 0.6, 2); };
    const BruteForce exact([&](const std::vector<double>& at) { return chi2(at[0]); });
    const Result result = scan_1d(linear(-10, 10, 6), chi2); // -10, -6, -2, 2, 6, 10
    const auto intervals = compute_limits(result, 0.9, exact).axes[0].intervals;
    ASSERT_EQ(intervals.size(), 2u);
    EXPECT_NEAR(intervals[0].low.at, -std::sqrt(9.6), 1e-4);
    EXPECT_NEAR(intervals[0].high.at, -std::sqrt(8.4), 1e-4);
    EXPECT_NEAR(intervals[1].low.at, std::sqrt(8.4), 1e-4);
    EXPECT_NEAR(intervals[1].high.at, std::sqrt(9.6), 1e-4);
}

TEST(BetweenPoints, FindsGapsNarrowerThanAStep) {
    const auto chi2 = [](double v) { return q90 * std::pow((v * v - 0.25) / 0.24, 2) + 1e-3 * v; }; // gap about 0
    const BruteForce exact([&](const std::vector<double>& at) { return chi2(at[0]); });
    const auto intervals = compute_limits(scan_1d({-5, -0.5, 0.5, 5}, chi2), 0.9, exact).axes[0].intervals;
    ASSERT_EQ(intervals.size(), 2u);
    EXPECT_NEAR(intervals[0].high.at, -0.1, 3e-3);
    EXPECT_NEAR(intervals[1].low.at, 0.1, 3e-3);
}

TEST(BetweenPoints, MinimisesOverTheOtherAxesToo) {
    // Δχ² = 3/4 u² along v = u/2, which no point of the grid is on.
    const auto chi2 = [](double u, double v) { return u * u + v * v - u * v; };
    const BruteForce exact([&](const std::vector<double>& at) { return 7 + chi2(at[0] - 0.3, at[1] - 0.1); });
    const Result result =
        scan_2d(linear(-4, 4, 5), linear(-4, 4, 6), [&](double u, double v) { return 7 + chi2(u - 0.3, v - 0.1); });
    const Limits limits = compute_limits(result, 0.9, exact);
    EXPECT_NEAR(limits.chi2_min, 7, 1e-9);
    const double half = std::sqrt(q90 / 0.75);
    for (const auto& [axis, centre] : {std::pair{0, 0.3}, {1, 0.1}}) {
        const Interval interval = limits.axes[static_cast<std::size_t>(axis)].intervals.at(0);
        EXPECT_NEAR(interval.low.at, centre - half, 1e-4);
        EXPECT_NEAR(interval.high.at, centre + half, 1e-4);
    }
}

TEST(BetweenPoints, EndsAtInfiniteChi2) {
    const auto chi2 = [](double v) { return v > 1.05 ? inf : v * v; };
    const BruteForce exact([&](const std::vector<double>& at) { return chi2(at[0]); });
    const Interval interval = compute_limits(scan_1d(linear(-3, 3, 7), chi2), 0.9, exact).axes[0].intervals.at(0);
    EXPECT_NEAR(interval.high.at, 1.05, 1e-5);
    EXPECT_NEAR(interval.low.at, -std::sqrt(q90), 1e-5);
}

TEST(BetweenPoints, ACircleIsClosedThereToo) {
    for (const double t0 : {3.1, -3.1, pi, 0.5}) {
        const auto chi2 = [&](double t) { return 200 * (1 - std::cos(t - t0)); };
        const BruteForce exact([&](const std::vector<double>& at) { return chi2(at[0]); });
        const Limits limits = compute_limits(on_circle(linear(-pi, pi, 6), chi2), 0.9, exact);
        ASSERT_EQ(limits.axes[0].intervals.size(), 1u) << t0;
        const Interval interval = limits.axes[0].intervals[0];
        EXPECT_NEAR(interval.high.at - interval.low.at, 2 * std::acos(1 - q90 / 200), 1e-4);
        EXPECT_NEAR(std::cos((interval.low.at + interval.high.at) / 2 - t0), 1, 1e-7);
    }
}

TEST(BetweenPoints, AnAxisAboveZeroIsFollowedToZero) {
    const auto chi2 = [](double v) { return q90 * std::pow(v / 2, 4); };
    const BruteForce exact([&](const std::vector<double>& at) { return chi2(at[0]); });
    const Limits allowed = compute_limits(ends_at_zero(scan_1d({0.9, 1.5, 3, 6}, chi2)), 0.9, exact);
    EXPECT_EQ(kinds(allowed.axes[0].intervals.at(0)), std::make_pair(Kind::physical, Kind::crossing));
    EXPECT_EQ(allowed.axes[0].intervals[0].low.at, 0);
    EXPECT_TRUE(allowed.warnings.empty()) << allowed.warnings[0];
    const auto second = [](double v) { return q90 * std::pow((v - 2) / 1.5, 2); }; // zero is not allowed
    const BruteForce other([&](const std::vector<double>& at) { return second(at[0]); });
    EXPECT_EQ(compute_limits(ends_at_zero(scan_1d({0.9, 1.5, 3, 6}, second)), 0.9, other).axes[0].intervals[0].low.kind,
              Kind::range);
}

TEST(Limits, MinimisesOverTheOtherAxes) {
    // Correlated: the profile of x² + y² − 2ρxy over y is (1 − ρ²) x², with the minimum at y = ρx on the grid.
    const auto x = linear(-4, 4, 81), y = linear(-4, 4, 161);
    Result result = scan_2d(x, y, [](double u, double v) { return 3 + u * u + v * v - u * v; });
    result.profiled = {{"theta23", "rad", "", {}}};
    result.profiled_at = {std::vector<double>(result.chi2.size(), 0)};
    result.profiled_at[0][40 * 161 + 80] = 0.75;
    const Limits limits = compute_limits(result, 0.9);
    ASSERT_EQ(limits.axes.size(), 2u);
    EXPECT_NEAR(limits.axes[0].intervals.at(0).high.at, std::sqrt(q90 / 0.75), 1e-9);
    EXPECT_NEAR(limits.axes[1].intervals.at(0).low.at, -std::sqrt(q90 / 0.75), 2e-3);
    EXPECT_EQ(limits.best_fit.size(), 3u);
    EXPECT_EQ(limits.best_fit[2], std::make_pair(std::string("theta23"), 0.75));
}

TEST(Limits, AProfilePassesOverNaN) {
    const auto x = linear(-4, 4, 81);
    Result result = scan_2d(x, x, [](double u, double v) { return u * u + v * v; });
    for (std::size_t i = 0; i < 81; ++i) {
        result.chi2[i * 81] = nan;
    }
    EXPECT_NEAR(compute_limits(result, 0.9).axes[0].intervals.at(0).high.at, std::sqrt(q90), 1e-9);
}

using Line = std::vector<std::pair<double, double>>;

//! Area inside a closed line (shoelace)
double area(const Line& line) {
    double twice = 0;
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
        twice += line[i].first * line[i + 1].second - line[i + 1].first * line[i].second;
    }
    return std::abs(twice) / 2;
}

TEST(Contours, TraceAnEllipse) {
    const Limits limits = compute_limits(
        scan_2d(linear(-5, 5, 51), linear(-9, 9, 61), [](double u, double v) { return u * u + v * v / 4; }), 0.99);
    ASSERT_EQ(limits.contours.size(), 4u);
    const double levels[] = {0.6827, 0.9, 0.9545, 0.99};
    for (std::size_t i = 0; i < 4; ++i) {
        const Contour& contour = limits.contours[i];
        EXPECT_EQ(contour.confidence_level, levels[i]);
        EXPECT_DOUBLE_EQ(contour.threshold, -2 * std::log(1 - levels[i]));
        ASSERT_EQ(contour.contours.lines.size(), 1u);
        EXPECT_TRUE(contour.contours.lines[0].is_closed);
        EXPECT_FALSE(contour.contours.is_rough);
        EXPECT_EQ(contour.contours.lines[0].points.front(), contour.contours.lines[0].points.back());
        for (const auto& [u, v] : contour.contours.lines[0].points) {
            EXPECT_NEAR(u * u + v * v / 4, contour.threshold, 1e-9) << "every vertex is on the ellipse";
        }
        EXPECT_NEAR(area(contour.contours.lines[0].points), 2 * std::numbers::pi * contour.threshold,
                    0.01 * 2 * contour.threshold * 3);
    }
}

TEST(Contours, AreOpenAtTheEdgeOfTheGrid) {
    const Limits limits = compute_limits(
        scan_2d(linear(0, 5, 51), linear(-9, 9, 61), [](double u, double v) { return u * u + v * v / 4; }), 0.9);
    ASSERT_EQ(limits.contours.size(), 3u) << "90 % is not given twice";
    for (const Contour& contour : limits.contours) {
        ASSERT_EQ(contour.contours.lines.size(), 1u);
        const ContourLine& line = contour.contours.lines[0];
        EXPECT_FALSE(line.is_closed);
        EXPECT_EQ(line.points.front().first, 0);
        EXPECT_EQ(line.points.back().first, 0);
    }
}

TEST(Contours, CloseWhereAParameterEnds) {
    const auto chi2 = [](double u, double v) { return u * u + v * v / 4; };
    Result result = ends_at_zero(scan_2d(linear(0, 5, 51), linear(-9, 9, 61), chi2));
    for (const Contour& contour : compute_limits(result, 0.9).contours) {
        ASSERT_EQ(contour.contours.lines.size(), 1u);
        EXPECT_TRUE(contour.contours.lines[0].is_closed);
        EXPECT_NEAR(area(contour.contours.lines[0].points), pi * contour.threshold, 0.03 * contour.threshold)
            << "half an ellipse";
        for (const auto& [u, v] : contour.contours.lines[0].points) {
            EXPECT_GE(u, 0);
        }
    }
    // At both ends of an axis, and in a corner
    result = scan_2d(linear(0, 1, 51), linear(0, 9, 61), [](double, double v) { return v * v; });
    result.kept[0].domain = {0, 1, 0};
    result.kept[1].domain = {0, inf, 0};
    for (const Contour& contour : compute_limits(result, 0.9).contours) {
        ASSERT_EQ(contour.contours.lines.size(), 1u);
        EXPECT_TRUE(contour.contours.lines[0].is_closed);
        EXPECT_NEAR(area(contour.contours.lines[0].points), std::sqrt(contour.threshold), 1e-6);
    }
}

//! χ² in a plane of a modulus and an argument
Result polar(const std::function<double(double, double)>& chi2) {
    Result result = scan_2d(linear(0, 5, 51), linear(-pi, pi, 121), chi2);
    result.kept[0].domain = {0, inf, 0};
    result.kept[1] = {"charge.emu.arg", "rad", "argument", result.kept[1].values, {-inf, inf, 2 * pi}};
    return result;
}

TEST(Contours, JoinAcrossTheSeamOfACircle) {
    const auto chi2 = [](double u, double t) { return 4 * (u - 2.5) * (u - 2.5) + 20 * (1 + std::cos(t)); };
    for (const Contour& contour : compute_limits(polar(chi2), 0.9).contours) {
        ASSERT_EQ(contour.contours.lines.size(), 1u);
        const ContourLine& line = contour.contours.lines[0];
        EXPECT_TRUE(line.is_closed);
        double low = inf, high = -inf;
        for (std::size_t i = 0; i + 1 < line.points.size(); ++i) {
            EXPECT_LT(std::abs(line.points[i + 1].second - line.points[i].second), 0.2) << "no jump at the seam";
            low = std::min(low, line.points[i].second);
            high = std::max(high, line.points[i].second);
        }
        EXPECT_NEAR(high - low, 2 * std::acos(1 - contour.threshold / 20), 1e-2);
        EXPECT_NEAR(std::cos((low + high) / 2), -1, 1e-3);
    }
}

TEST(Contours, WindRoundACircle) {
    // A ring: two lines go all the way round.
    const auto chi2 = [](double u, double) { return 4 * (u - 2.5) * (u - 2.5); };
    for (const Contour& contour : compute_limits(polar(chi2), 0.9).contours) {
        ASSERT_EQ(contour.contours.lines.size(), 2u);
        for (const ContourLine& line : contour.contours.lines) {
            EXPECT_TRUE(line.is_closed);
            EXPECT_NEAR(std::abs(line.points.back().second - line.points.front().second), 2 * pi, 1e-9);
        }
    }
}

TEST(Contours, SayWhereTheGridIsTooCoarse) {
    const auto chi2 = [](double u, double v) { return std::pow(u / 0.8, 4) + v * v / 4; };
    const Result coarse = scan_2d(linear(-5, 5, 11), linear(-9, 9, 61), chi2);
    EXPECT_TRUE(compute_limits(coarse, 0.9).contours[0].contours.is_rough);
    EXPECT_NE(limits_text(compute_limits(coarse, 0.9), coarse).find("1 closed (grid too coarse"), std::string::npos);
    const Result fine = scan_2d(linear(-5, 5, 201), linear(-9, 9, 61), chi2);
    EXPECT_FALSE(compute_limits(fine, 0.9).contours[0].contours.is_rough);
}

TEST(Contours, KeepIslandsApart) {
    const auto chi2 = [](double u, double v) { return (u * u - 9) * (u * u - 9) + 20 * v * v; };
    const Limits limits = compute_limits(scan_2d(linear(-5, 5, 201), linear(-2, 2, 81), chi2), 0.9);
    for (const Contour& contour : limits.contours) {
        ASSERT_EQ(contour.contours.lines.size(), 2u);
        EXPECT_TRUE(contour.contours.lines[0].is_closed && contour.contours.lines[1].is_closed);
        EXPECT_LT(contour.contours.lines[0].points[0].first * contour.contours.lines[1].points[0].first, 0);
    }
}

TEST(Contours, DecideSaddlesByTheCentre) {
    // One cell with low corners on a diagonal (both minima) and high ones on the other.
    const auto saddle = [](double high) {
        Result result = scan_2d({0, 1}, {0, 1}, [&](double u, double v) { return u == v ? 0 : high; });
        return compute_limits(result, 0.9).contours[1]; // threshold 4.61
    };
    // Centre 3 <= 4.61: the low corners are connected, so each line cuts off a high corner, (1, 0) or (0, 1).
    for (const auto& [line, is_closed] : saddle(6).contours.lines) {
        ASSERT_EQ(line.size(), 2u);
        const double u = (line[0].first + line[1].first) / 2, v = (line[0].second + line[1].second) / 2;
        EXPECT_GT(std::abs(u - v), 0.5);
    }
    // Centre 10 > 4.61: the low corners are separate.
    for (const auto& [line, is_closed] : saddle(20).contours.lines) {
        ASSERT_EQ(line.size(), 2u);
        const double u = (line[0].first + line[1].first) / 2, v = (line[0].second + line[1].second) / 2;
        EXPECT_LT(std::abs(u - v), 0.5);
    }
    EXPECT_EQ(saddle(6).contours.lines.size(), 2u);
    EXPECT_EQ(saddle(20).contours.lines.size(), 2u);
}

TEST(Contours, StandInfiniteAndMissingChi2) {
    const auto x = linear(-4, 4, 41);
    Result result = scan_2d(x, x, [](double u, double v) { return v > 1.1 ? inf : u * u + v * v; });
    const ContourLine line = compute_limits(result, 0.9).contours[1].contours.lines.at(0);
    EXPECT_TRUE(line.is_closed);
    for (const auto& [u, v] : line.points) {
        EXPECT_TRUE(std::isfinite(u) && std::isfinite(v));
        EXPECT_LE(v, 1.1);
    }
    result.chi2[3 * 41 + 3] = nan; // far from what is allowed
    EXPECT_EQ(compute_limits(result, 0.9).contours[1].contours.lines.at(0).points, line.points);
}

TEST(LimitsText, ReadsLikeAPaper) {
    const auto x = linear(0, 3e-11, 61), y = linear(-5e-13, 5e-13, 101);
    Result result = scan_2d(x, y, [](double u, double v) {
        const double a = (u * u - 6.4e-23) / 5e-23, b = v / 1e-13;
        return 17.93 + a * a + b * b;
    });
    result.status[5] = 2;
    result.kept[0].domain = {0, inf, 0};
    EXPECT_EQ(limits_text(compute_limits(result, 0.9), result),
              "best fit  chi2 = 17.93  at  magnetic_moment.universal = 8e-12 mu_B, charge.universal = 0 e\n"
              "minimum   smallest chi2 on the scanned grid of 6161 points; 1 of them flagged (status is not 0)\n"
              "\n"
              "90% CL (Δχ² = 2.71, 1 d.o.f., other axes minimised over):\n"
              "  magnetic_moment.universal  < 1.21e-11 mu_B\n"
              "  charge.universal           [-1.64e-13, 1.64e-13] e\n"
              "\n"
              "contours (2 d.o.f.) of charge.universal against magnetic_moment.universal:\n"
              "    68.27%  Δχ² =  2.30  1 closed\n"
              "       90%  Δχ² =  4.61  1 closed\n"
              "    95.45%  Δχ² =  6.18  1 closed\n");
}

TEST(LimitsText, SaysWhatIsOpen) {
    const auto text = [](double min, double max, double x0, Domain domain = {}) {
        Result result = scan_1d(linear(min, max, 61), [&](double v) { return (v - x0) * (v - x0); });
        result.kept[0].domain = domain;
        return limits_text(compute_limits(result, 0.9), result);
    };
    const Domain from_zero{0, inf, 0}, to_zero{-inf, 0, 0};
    EXPECT_NE(text(-1, 5, 0).find("charge.universal  [-1, 1.64] e (may go on beyond the lower end of the axis)"),
              std::string::npos);
    EXPECT_NE(text(0, 5, 0).find("charge.universal  [0, 1.64] e (may go on beyond the lower end of the axis)"),
              std::string::npos);
    EXPECT_NE(text(0, 5, 0, from_zero).find("charge.universal  < 1.64 e\n"), std::string::npos);
    EXPECT_NE(text(0, 1, 0).find("no limit on [0, 1] e"), std::string::npos);
    EXPECT_NE(text(-5, 0, 0, to_zero).find("charge.universal  > -1.64 e\n"), std::string::npos);
    // From where the parameter ends to where the axis ends there is no limit.
    EXPECT_NE(text(0, 1, 0, from_zero).find("charge.universal  no limit on [0, 1] e\n"), std::string::npos);
    EXPECT_NE(text(-1, 0, 0, to_zero).find("charge.universal  no limit on [-1, 0] e\n"), std::string::npos);
    EXPECT_NE(text(0.01, 1, 0, from_zero).find("no limit on [0, 1] e (0 is allowed as the lower end of the axis is)\n"),
              std::string::npos)
        << text(0.01, 1, 0, from_zero);
    EXPECT_NE(text(0, 5, 7).find("the best fit lies at the end of the axis charge.universal"), std::string::npos);
    EXPECT_NE(text(0, 5, -1).find("the best fit lies at the end of the axis charge.universal"), std::string::npos);
    EXPECT_EQ(text(0, 5, 0, from_zero).find("warning"), std::string::npos);
    EXPECT_NE(text(0.01, 5, 0, from_zero).find("  < 1.64 e (0 is allowed as the lower end of the axis is)\n"),
              std::string::npos)
        << text(0.01, 5, 0, from_zero);
    EXPECT_EQ(text(0.01, 5, 0, from_zero).find("warning"), std::string::npos);
    const Result two = scan_1d(linear(-6, 6, 241), [](double v) { return (v * v - 9) * (v * v - 9) / 4; });
    EXPECT_NE(limits_text(compute_limits(two, 0.9), two).find("[-3.51, -2.39] ∪ [2.39, 3.51] e"), std::string::npos);
}

TEST(LimitsText, NamesAxesAtTheEndOfTheirRange) {
    // χ² falls with a profiled radius up to the end of its range.
    Result result = scan_1d(linear(-5, 5, 61), [](double v) { return v * v; });
    result.profiled = {{"charge_radius.ee", "cm^2", "", {}, {}, Span{-1, 1}}};
    result.profiled_at = {std::vector<double>(61, 1)};
    EXPECT_NE(
        limits_text(compute_limits(result, 0.9), result)
            .find("warning   charge_radius.ee is at the upper end of its range, 1 cm^2, at the best fit and where "
                  "the interval of charge.universal ends"),
        std::string::npos)
        << limits_text(compute_limits(result, 0.9), result);
    EXPECT_NE(limits_json(compute_limits(result, 0.9), result).find(R"("warnings": ["charge_radius.ee is at)"),
              std::string::npos);
    // At the ends of the interval alone
    for (std::size_t i = 0; i < 61; ++i) {
        result.profiled_at[0][i] = std::clamp(result.kept[0].values[i], -1., 1.);
    }
    const std::string text = limits_text(compute_limits(result, 0.9), result);
    EXPECT_NE(text.find("charge_radius.ee is at the lower end of its range, -1 cm^2, where the interval of"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("charge_radius.ee is at the upper end"), std::string::npos);
    // Not where the parameter ends by itself, nor on a circle, nor far from what is printed
    result.profiled[0].domain = {-1, 1, 0};
    EXPECT_TRUE(compute_limits(result, 0.9).warnings.empty());
    result.profiled[0].domain = {-inf, inf, 2};
    result.profiled[0].values = {};
    EXPECT_TRUE(compute_limits(result, 0.9).warnings.empty());
    result.profiled[0].domain = {};
    for (std::size_t i = 0; i < 61; ++i) {
        result.profiled_at[0][i] = std::clamp(result.kept[0].values[i] / 3, -1., 1.);
    }
    EXPECT_TRUE(compute_limits(result, 0.9).warnings.empty());
}

TEST(LimitsText, SaysHowGoodTheFitIs) {
    Result result = ends_at_zero(scan_1d(linear(0, 5, 61), [](double v) { return 25.3 + v * v; }));
    result.attributes["bins"] = std::int64_t{17};
    EXPECT_NE(limits_text(compute_limits(result, 0.9), result).find("\ngoodness  chi2 = 25.30 for 17 bins\n"),
              std::string::npos);
    result.attributes["fitted_parameters"] = std::int64_t{3};
    const std::string text = limits_text(compute_limits(result, 0.9), result);
    // P(χ² > 25.3, 14 d.o.f.) = exp(−x) Σ_k<7 x^k/k! at x = 25.3/2
    double sum = 0, term = std::exp(-25.3 / 2);
    for (int k = 0; k < 7; ++k) {
        sum += term;
        term *= 25.3 / 2 / (k + 1);
    }
    const Limits limits = compute_limits(result, 0.9);
    EXPECT_NEAR(*limits.goodness->p_value, sum, 1e-12);
    EXPECT_NE(text.find("\ngoodness  chi2 = 25.30 for 17 bins and 3 fitted parameters, 14 degrees of freedom: p-value "
                        "0.032\n"),
              std::string::npos)
        << text;
    result.attributes["bins_with_few_counts"] = std::int64_t{4};
    EXPECT_NE(limits_text(compute_limits(result, 0.9), result)
                  .find("0.032 (asymptotic: fewer than 5 counts are expected in 4 bins, where it is not right)\n"),
              std::string::npos);
    EXPECT_NE(limits_json(compute_limits(result, 0.9), result)
                  .find(R"("goodness_of_fit": {"bins": 17, "degrees_of_freedom": 14, "p_value": 0.03)"),
              std::string::npos);
    result.attributes["fitted_parameters"] = std::int64_t{17};
    EXPECT_FALSE(compute_limits(result, 0.9).goodness->p_value);
}

TEST(LimitsText, SaysWhereZeroIsExcluded) {
    const auto limits = [](double x0, double sigma) {
        Result result =
            ends_at_zero(scan_1d(linear(0, 5, 101), [&](double v) { return (v - x0) * (v - x0) / (sigma * sigma); }));
        result.kept[0].null_value = 0;
        return std::pair(compute_limits(result, 0.9), result);
    };
    const auto [artefact, result] = limits(2.5, 1);
    EXPECT_TRUE(artefact.axes[0].excludes_null);
    ASSERT_TRUE(artefact.null);
    EXPECT_NEAR(artefact.null->delta_chi2, 6.25, 1e-12);
    EXPECT_NEAR(artefact.null->significance, 2.5, 1e-9);
    EXPECT_TRUE(artefact.null->is_excluded);
    const std::string text = limits_text(artefact, result);
    EXPECT_NE(text.find("warning   charge.universal = 0 e is excluded at 90% CL: this is no upper limit\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("(Δχ² = 6.25, 1 d.o.f., 2.5 standard deviations)"), std::string::npos) << text;
    EXPECT_NE(limits_json(artefact, result).find(R"("null": {"delta_chi2": 6.25, "degrees_of_freedom": 1,)"),
              std::string::npos);
    EXPECT_FALSE(limits(1, 1).first.axes[0].excludes_null);
    EXPECT_FALSE(limits(1, 1).first.null->is_excluded);
    for (const double sigma : {0.07, 0.06, 0.01}) { // p-values of 1e-279, and of 1e-379 and less, which are no numbers
        EXPECT_NEAR(limits(2.5, sigma).first.null->significance, 2.5 / sigma, 1e-3);
    }
    Result empty = result; // no prediction at zero
    empty.chi2[0] = inf;
    const std::string excluded = limits_text(compute_limits(empty, 0.9), empty);
    EXPECT_NE(excluded.find("are excluded at 90% CL (a bin with counts has no prediction there)"), std::string::npos)
        << excluded;
    // Of two axes each alone is allowed to be zero, but not both: Δχ² = 5 against 4.61.
    Result both = scan_2d(linear(-5, 5, 101), linear(-5, 5, 101), [](double u, double v) {
        return (u + v - 2) * (u + v - 2) * 1.25 + 1e-3 * (u - v) * (u - v);
    });
    both.kept[0].null_value = both.kept[1].null_value = 0;
    const Limits joint = compute_limits(both, 0.9);
    EXPECT_FALSE(joint.axes[0].excludes_null || joint.axes[1].excludes_null);
    EXPECT_TRUE(joint.null->is_excluded);
    EXPECT_EQ(joint.null->degrees_of_freedom, 2);
}

TEST(LimitsText, RepeatsTheVerdictOfTheScan) {
    Result result = ends_at_zero(scan_1d(linear(0, 5, 61), [](double v) { return v * v; }));
    result.attributes["verdict"] = std::string("ok");
    EXPECT_EQ(limits_text(compute_limits(result, 0.9), result).find("warning"), std::string::npos);
    EXPECT_NE(limits_json(compute_limits(result, 0.9), result).find(R"("verdict": "ok")"), std::string::npos);
    result.attributes["verdict"] = std::string("9 of 10 points failed");
    EXPECT_NE(limits_text(compute_limits(result, 0.9), result)
                  .find("\nwarning   do not trust this result: 9 of 10 points failed\n"),
              std::string::npos);
    EXPECT_NE(limits_json(compute_limits(result, 0.9), result).find(R"("verdict": "9 of 10 points failed")"),
              std::string::npos);
}

TEST(LimitsJson, KeepsAllDigitsAndHasNoInfinities) {
    Result result = scan_1d({0, 1, 2, 3}, [](double v) { return v == 3 ? inf : 0.5 + v * v; });
    result.path = "a \"b\\c\"\n.h5";
    result.attributes["title"] = std::string("µ\t1");
    const std::string json = limits_json(compute_limits(result, 0.9), result);
    EXPECT_NE(json.find(R"("file": "a \"b\\c\"\u000a.h5")"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("title": "µ\u00091")"), std::string::npos);
    EXPECT_NE(json.find(R"("delta_chi2": 2.70554345409541)"), std::string::npos);
    EXPECT_NE(json.find("4, null]"), std::string::npos);
    EXPECT_EQ(json.find("inf"), std::string::npos);
    EXPECT_EQ(json.find("nan"), std::string::npos);
    EXPECT_NE(json.find(R"({"low": 0, "high": 1.6448536)"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("low_end": "range", "high_end": "crossing", "low_between": null, "high_between": null})"),
              std::string::npos)
        << json;
}

} // namespace
} // namespace nuscan
