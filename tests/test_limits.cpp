// SPDX-License-Identifier: Apache-2.0
#include "output/limits.hpp"

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

TEST(Limits, ThresholdsAreQuantilesOfChiSquared) {
    EXPECT_NEAR(delta_chi2_threshold(0.9, 1), q90, 1e-12);
    EXPECT_NEAR(delta_chi2_threshold(0.9, 2), -2 * std::log(0.1), 1e-12);
    EXPECT_NEAR(delta_chi2_threshold(0.6826894921370859, 1), 1, 1e-12);
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
    EXPECT_NEAR(interval.low, x0 - sigma * std::sqrt(q90), 1e-11 * sigma);
    EXPECT_NEAR(interval.high, x0 + sigma * std::sqrt(q90), 1e-11 * sigma);
    EXPECT_FALSE(interval.low_open || interval.high_open);
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
            EXPECT_NEAR(limits.axes[0].intervals[0].high, edge, 1e-3 * x[1]) << n << " points";
        }
    }
    // In the last step of the axis all other points are on one side.
    const auto x = linear(0, 1, 11);
    EXPECT_NEAR(compute_limits(scan_1d(x, quartic(0.96)), 0.9).axes[0].intervals[0].high, 0.96, 1e-3 * x[1]);
}

TEST(Limits, InterpolatesOnUnevenAxes) {
    std::vector<double> x;
    for (double value = 0.01; value < 100; value *= 1.2) {
        x.push_back(value);
    }
    const Limits limits = compute_limits(scan_1d(x, [](double v) { return (v - 0.01) * (v - 0.01); }), 0.9);
    EXPECT_NEAR(limits.axes[0].intervals[0].high, 0.01 + std::sqrt(q90), 1e-10);
}

TEST(Limits, FindsDisconnectedIntervals) {
    // Two minima, as charge radii have them: (x² − 9)² / 4 is at most q90 for |x| between sqrt(9 ± 2 sqrt(q90)).
    const Limits limits =
        compute_limits(scan_1d(linear(-6, 6, 241), [](double v) { return (v * v - 9) * (v * v - 9) / 4; }), 0.9);
    const double inner = std::sqrt(9 - 2 * std::sqrt(q90)), outer = std::sqrt(9 + 2 * std::sqrt(q90));
    const auto& intervals = limits.axes[0].intervals;
    ASSERT_EQ(intervals.size(), 2u);
    EXPECT_NEAR(intervals[0].low, -outer, 5e-5);
    EXPECT_NEAR(intervals[0].high, -inner, 5e-5);
    EXPECT_NEAR(intervals[1].low, inner, 5e-5);
    EXPECT_NEAR(intervals[1].high, outer, 5e-5);
    EXPECT_EQ(limits.axes[0].best_fit, -3) << "of equal minima the first";
}

TEST(Limits, SaysWhereAnIntervalIsOpen) {
    const auto interval = [](double min, double max) {
        return compute_limits(scan_1d(linear(min, max, 31), [](double v) { return v * v; }), 0.9)
            .axes[0]
            .intervals.at(0);
    };
    EXPECT_TRUE(interval(-1, 5).low_open);
    EXPECT_EQ(interval(-1, 5).low, -1);
    EXPECT_FALSE(interval(-1, 5).high_open);
    EXPECT_TRUE(interval(-5, 1).high_open);
    EXPECT_FALSE(interval(-5, 1).low_open);
    EXPECT_TRUE(interval(-1, 1).low_open && interval(-1, 1).high_open);
}

TEST(Limits, SaysWhereTheGridIsTooCoarse) {
    const auto interval = [](std::size_t n, double power) {
        const auto chi2 = [&](double v) { return q90 * std::pow(v / 1.1, power); };
        return compute_limits(scan_1d(linear(0, 10, n), chi2), 0.9).axes[0].intervals.at(0);
    };
    for (const double power : {1., 2., 4.}) {
        EXPECT_FALSE(interval(41, power).high_rough) << "four steps wide, power " << power;
    }
    EXPECT_TRUE(interval(11, 4).high_rough);
    const Interval rough = interval(6, 4); // two units a step: far from the edge at 1.1
    EXPECT_LT(rough.high, 0.5);
    EXPECT_TRUE(rough.high_rough);
    EXPECT_FALSE(rough.low_rough);
    const Result result = scan_1d(linear(0, 10, 6), [](double v) { return q90 * std::pow(v, 4); });
    EXPECT_NE(limits_text(compute_limits(result, 0.9), result)
                  .find(" e (rough: the grid is too coarse to place it; more points, or a shorter axis?)\n"),
              std::string::npos);
}

TEST(Limits, EndsRegionsAtInfiniteAndMissingChi2) {
    const auto x = linear(-3, 3, 61);
    Result result = scan_1d(x, [](double v) { return v > 1.05 ? inf : v * v; });
    Interval interval = compute_limits(result, 0.9).axes[0].intervals.at(0);
    EXPECT_DOUBLE_EQ(interval.high, 1.0); // somewhere in a step of 0.1
    EXPECT_FALSE(interval.high_rough);
    EXPECT_NEAR(interval.low, -std::sqrt(q90), 1e-9);
    EXPECT_FALSE(interval.high_open);

    result = scan_1d(x, [](double v) { return std::abs(v - 0.5) < 0.01 ? nan : v * v; });
    const auto intervals = compute_limits(result, 0.9).axes[0].intervals;
    ASSERT_EQ(intervals.size(), 2u);
    EXPECT_NEAR(intervals[0].high, 0.4, 1e-12);
    EXPECT_NEAR(intervals[1].low, 0.6, 1e-12);

    result = scan_1d(x, [](double v) { return v < 0 ? inf : nan; });
    EXPECT_THROW(compute_limits(result, 0.9), InputError);
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
    EXPECT_NEAR(limits.axes[0].intervals.at(0).high, std::sqrt(q90 / 0.75), 1e-9);
    EXPECT_NEAR(limits.axes[1].intervals.at(0).low, -std::sqrt(q90 / 0.75), 2e-3);
    EXPECT_EQ(limits.best_fit.size(), 3u);
    EXPECT_EQ(limits.best_fit[2], std::make_pair(std::string("theta23"), 0.75));
}

TEST(Limits, AProfilePassesOverNaN) {
    const auto x = linear(-4, 4, 81);
    Result result = scan_2d(x, x, [](double u, double v) { return u * u + v * v; });
    for (std::size_t i = 0; i < 81; ++i) {
        result.chi2[i * 81] = nan;
    }
    EXPECT_NEAR(compute_limits(result, 0.9).axes[0].intervals.at(0).high, std::sqrt(q90), 1e-9);
}

using Line = std::vector<std::pair<double, double>>;

bool closed(const Line& line) { return line.size() > 2 && line.front() == line.back(); }

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
        ASSERT_EQ(contour.lines.size(), 1u);
        EXPECT_TRUE(closed(contour.lines[0]));
        for (const auto& [u, v] : contour.lines[0]) {
            EXPECT_NEAR(u * u + v * v / 4, contour.threshold, 1e-9) << "every vertex is on the ellipse";
        }
        EXPECT_NEAR(area(contour.lines[0]), 2 * std::numbers::pi * contour.threshold, 0.01 * 2 * contour.threshold * 3);
    }
}

TEST(Contours, AreOpenAtTheRimOfTheGrid) {
    const Limits limits = compute_limits(
        scan_2d(linear(0, 5, 51), linear(-9, 9, 61), [](double u, double v) { return u * u + v * v / 4; }), 0.9);
    ASSERT_EQ(limits.contours.size(), 3u) << "90 % is not given twice";
    for (const Contour& contour : limits.contours) {
        ASSERT_EQ(contour.lines.size(), 1u);
        const Line& line = contour.lines[0];
        EXPECT_FALSE(closed(line));
        EXPECT_EQ(line.front().first, 0);
        EXPECT_EQ(line.back().first, 0);
    }
}

TEST(Contours, KeepIslandsApart) {
    const auto chi2 = [](double u, double v) { return (u * u - 9) * (u * u - 9) + 20 * v * v; };
    const Limits limits = compute_limits(scan_2d(linear(-5, 5, 201), linear(-2, 2, 81), chi2), 0.9);
    for (const Contour& contour : limits.contours) {
        ASSERT_EQ(contour.lines.size(), 2u);
        EXPECT_TRUE(closed(contour.lines[0]) && closed(contour.lines[1]));
        EXPECT_LT(contour.lines[0][0].first * contour.lines[1][0].first, 0);
    }
}

TEST(Contours, DecideSaddlesByTheCentre) {
    // One cell with low corners on a diagonal (both minima) and high ones on the other.
    const auto saddle = [](double high) {
        Result result = scan_2d({0, 1}, {0, 1}, [&](double u, double v) { return u == v ? 0 : high; });
        return compute_limits(result, 0.9).contours[1]; // threshold 4.61
    };
    // Centre 3 <= 4.61: the low corners are connected, so each line cuts off a high corner, (1, 0) or (0, 1).
    for (const Line& line : saddle(6).lines) {
        ASSERT_EQ(line.size(), 2u);
        const double u = (line[0].first + line[1].first) / 2, v = (line[0].second + line[1].second) / 2;
        EXPECT_GT(std::abs(u - v), 0.5);
    }
    // Centre 10 > 4.61: the low corners are separate.
    for (const Line& line : saddle(20).lines) {
        ASSERT_EQ(line.size(), 2u);
        const double u = (line[0].first + line[1].first) / 2, v = (line[0].second + line[1].second) / 2;
        EXPECT_LT(std::abs(u - v), 0.5);
    }
    EXPECT_EQ(saddle(6).lines.size(), 2u);
    EXPECT_EQ(saddle(20).lines.size(), 2u);
}

TEST(Contours, StandInfiniteAndMissingChi2) {
    const auto x = linear(-4, 4, 41);
    Result result = scan_2d(x, x, [](double u, double v) { return v > 1.1 ? inf : u * u + v * v; });
    const Line line = compute_limits(result, 0.9).contours[1].lines.at(0);
    EXPECT_TRUE(closed(line));
    for (const auto& [u, v] : line) {
        EXPECT_TRUE(std::isfinite(u) && std::isfinite(v));
        EXPECT_LE(v, 1.1);
    }
    result.chi2[20 * 41 + 12] = nan; // on the contour, near (0, −1.6)
    for (const Contour& contour : compute_limits(result, 0.9).contours) {
        for (const Line& part : contour.lines) {
            for (const auto& [u, v] : part) {
                EXPECT_TRUE(std::isfinite(u) && std::isfinite(v));
            }
        }
    }
}

TEST(LimitsText, ReadsLikeAPaper) {
    const auto x = linear(0, 3e-11, 61), y = linear(-5e-13, 5e-13, 101);
    Result result = scan_2d(x, y, [](double u, double v) {
        const double a = (u * u - 6.4e-23) / 5e-23, b = v / 1e-13;
        return 17.93 + a * a + b * b;
    });
    result.status[5] = 2;
    EXPECT_EQ(limits_text(compute_limits(result, 0.9), result),
              "best fit  chi2 = 17.93  at  magnetic_moment.universal = 8e-12 mu_B, charge.universal = 0 e\n"
              "minimum   smallest chi2 on the scanned grid of 6161 points; 1 of them flagged (status is not 0)\n"
              "\n"
              "90% CL (Δχ² = 2.71, 1 d.o.f., other axes minimised over):\n"
              "  magnetic_moment.universal  < 1.21e-11 mu_B\n"
              "  charge.universal           [-1.64e-13, 1.64e-13] e\n"
              "\n"
              "contours (2 d.o.f.) of charge.universal against magnetic_moment.universal:\n"
              "    68.27%  Δχ² =  2.30  1 open at the rim of the grid\n"
              "       90%  Δχ² =  4.61  1 open at the rim of the grid\n"
              "    95.45%  Δχ² =  6.18  1 open at the rim of the grid\n");
}

TEST(LimitsText, SaysWhatIsOpen) {
    const auto text = [](double min, double max, double x0) {
        const Result result = scan_1d(linear(min, max, 61), [&](double v) { return (v - x0) * (v - x0); });
        return limits_text(compute_limits(result, 0.9), result);
    };
    EXPECT_NE(text(-1, 5, 0).find("charge.universal  [-1, 1.64] e (may go on beyond the lower end of the axis)"),
              std::string::npos);
    EXPECT_NE(text(0, 1, 0).find("no limit on [0, 1] e"), std::string::npos);
    EXPECT_NE(text(-5, 0, 0).find("charge.universal  > -1.64 e\n"), std::string::npos);
    EXPECT_NE(text(0, 5, 7).find("the best fit lies at the end of the axis charge.universal"), std::string::npos);
    EXPECT_EQ(text(0, 5, 0).find("the best fit lies"), std::string::npos);
    const Result two = scan_1d(linear(-6, 6, 241), [](double v) { return (v * v - 9) * (v * v - 9) / 4; });
    EXPECT_NE(limits_text(compute_limits(two, 0.9), two).find("[-3.51, -2.39] ∪ [2.39, 3.51] e"), std::string::npos);
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
    EXPECT_NE(json.find(R"("low_open": true, "high_open": false, "low_rough": false, "high_rough": false})"),
              std::string::npos)
        << json;
}

} // namespace
} // namespace nuscan
