// SPDX-License-Identifier: Apache-2.0
// Limits between the points of a grid: those of a coarse scan are those of a fine one.
#include <gtest/gtest.h>

#include <cmath>

#include "backends/backend.hpp"
#include "output/limits.hpp"
#include "scan/domain.hpp"
#include "scan/point.hpp"
#include "scan/polish.hpp"
#include "scan/scan.hpp"
#include "statistic_sample.hpp"
#include "temporary_folder.hpp"
#include "toy_experiment.hpp"

namespace nuscan {
namespace {

using testing::axis;
using testing::range;
using testing::toy_scan;

constexpr double pi = constants::pi;

Result scanned(const Plan& plan, const std::string& path) {
    ScanOptions options;
    options.output = path;
    options.parity_points = 0;
    run_scan(plan, *make_cpu_backend(plan), options);
    return read_result(path);
}

//! Limits between the points; kept axes come before profiled ones in \p config
Limits exact_limits(const ScanConfig& config, const std::string& path) {
    const Plan plan(config, Method::moments);
    const AxesFit fit(plan, std::vector<std::int64_t>(config.axes.size()));
    return compute_limits(
        scanned(plan, path), 0.9,
        [&](const std::vector<Span>& spans, const std::vector<double>& start) { return fit.minimum(spans, start); });
}

TEST(AxesFit, ChiSquaredOfAHeldPointIsThatOfThePoint) {
    ScanConfig config = toy_scan({axis("charge.emu.abs", range(0, 2e-12, 3)), axis("charge.emu.arg", range(-pi, pi, 3)),
                                  axis("theta23", range(0.6, 0.9, 3)), axis("magnetic_moment.mumu", range(0, 5e-11, 3)),
                                  axis("toy.bend", range(-2, 2, 3))});
    config.experiments[0] = testing::with_systematics(testing::toy_experiment());
    const Plan plan(config, Method::moments);
    const AxesFit fit(plan, std::vector<std::int64_t>(config.axes.size()));
    for (const std::vector<double>& values :
         {std::vector<double>{7e-13, 0.7, 0.71, 2.2e-11, 0.4}, {0, -3, 0.6, 0, -1.1}, {2e-12, pi, 0.9, 5e-11, 2}}) {
        std::vector<Span> here;
        for (const double value : values) {
            here.push_back({value, value});
        }
        const AxesMinimum found = fit.minimum(here, values);
        const PointReport point = evaluate_point(at_point(config, values));
        const double prior = values[4] * values[4]; // of the systematic, which the point has fixed without one
        EXPECT_NEAR(found.chi2, point.chi2 + prior, 1e-7 * (1 + point.chi2));
        EXPECT_EQ(found.values, values);
    }
}

class CoarseScans : public ::testing::Test {
protected:
    //! Compares intervals of a coarse scan with those that the grid of a fine one shows
    void expect_same_ends(ScanConfig coarse, const std::vector<std::vector<double>>& fine_values) {
        const Limits between = exact_limits(coarse, folder_ / "coarse.h5");
        for (std::size_t i = 0; i < fine_values.size(); ++i) {
            coarse.axes[i].values = fine_values[i];
        }
        const Limits fine = compute_limits(scanned(Plan(coarse, Method::moments), folder_ / "fine.h5"), 0.9);
        EXPECT_NEAR(between.chi2_min, fine.chi2_min, 2e-3);
        EXPECT_LT(between.chi2_min, fine.chi2_min + 1e-9);
        ASSERT_EQ(between.axes.size(), fine.axes.size());
        for (std::size_t a = 0; a < fine.axes.size(); ++a) {
            const auto &found = between.axes[a].intervals, &expected = fine.axes[a].intervals;
            const double length = fine.axes[a].axis.values.back() - fine.axes[a].axis.values.front();
            ASSERT_EQ(found.size(), expected.size()) << fine.axes[a].axis.name;
            for (std::size_t i = 0; i < found.size(); ++i) {
                EXPECT_EQ(found[i].low.kind, expected[i].low.kind);
                EXPECT_EQ(found[i].high.kind, expected[i].high.kind);
                EXPECT_NEAR(found[i].low.at, expected[i].low.at, 1e-3 * length) << fine.axes[a].axis.name;
                EXPECT_NEAR(found[i].high.at, expected[i].high.at, 1e-3 * length) << fine.axes[a].axis.name;
            }
        }
    }

    test::TemporaryFolder folder_;
};

TEST_F(CoarseScans, OfAMoment) {
    expect_same_ends(toy_scan({axis("magnetic_moment.mumu", range(0, 1e-9, 5))}), {range(0, 1e-9, 4001)});
}

TEST_F(CoarseScans, OfAChargeAndAPhase) {
    expect_same_ends(
        toy_scan({axis("charge.mumu", range(-8e-12, 8e-12, 7)), axis("charge.emu.arg", range(-pi, pi, 9))}),
        {range(-8e-12, 8e-12, 401), range(-pi, pi, 201)});
}

TEST_F(CoarseScans, OfARadiusWithAnotherProfiled) {
    expect_same_ends(toy_scan({axis("charge_radius.mumu", range(-9e-31, 9e-31, 6)),
                               axis("charge_radius.ee", range(-2e-31, 2e-31, 4), true)}),
                     {range(-9e-31, 9e-31, 801)});
}

TEST_F(CoarseScans, OfAGaussianExperiment) {
    ScanConfig config =
        toy_scan({axis("charge.ee", range(-5e-12, 5e-12, 6)), axis("sin2_theta_w", range(0.1, 0.4, 5))});
    config.experiments[0] = testing::gaussian(testing::toy_experiment());
    expect_same_ends(config, {range(-5e-12, 5e-12, 501), range(0.1, 0.4, 301)});
}

TEST(Domains, AreThoseOfTheParameter) {
    const ScanConfig config = toy_scan({});
    const auto domain = [&](const Axis& of, const ScanConfig& in) {
        const Domain found = domain_of(of, in);
        return std::vector<double>{found.low, found.high, found.period};
    };
    constexpr double inf = constants::infinity;
    EXPECT_EQ(domain(axis("charge.emu.abs", {0, 1}), config), (std::vector<double>{0, inf, 0}));
    EXPECT_EQ(domain(axis("charge.emu.arg", {0, 1}), config), (std::vector<double>{-inf, inf, 2 * pi}));
    EXPECT_EQ(domain(axis("charge.ee", {0, 1}), config), (std::vector<double>{-inf, inf, 0}));
    EXPECT_EQ(domain(axis("sin2_theta_w", {0, 1}), config), (std::vector<double>{0, 1, 0}));
    EXPECT_EQ(domain(axis("theta23", {0, 1}), config), (std::vector<double>{0, pi / 2, 0}));
    EXPECT_EQ(domain(axis("alpha21", {0, 1}), config), (std::vector<double>{-inf, inf, 4 * pi}));
    EXPECT_EQ(domain(axis("toy.flat", {0, 1}), config), (std::vector<double>{0, inf, 0}));
    // The sign of a moment shows beside another one alone.
    EXPECT_EQ(domain(axis("magnetic_moment.ee", {0, 1}), config), (std::vector<double>{-inf, inf, 0}));
    ScanConfig alone = config;
    alone.fixed.clear();
    EXPECT_EQ(domain(axis("magnetic_moment.ee", {0, 1}), alone), (std::vector<double>{0, inf, 0}));
    EXPECT_EQ(domain(axis("magnetic_moment.ee", {-1, 0}), alone), (std::vector<double>{-inf, 0, 0}));
    EXPECT_EQ(domain(axis("magnetic_moment.ee", {-1, 1}), alone), (std::vector<double>{-inf, inf, 0}));
}

TEST(Domains, ValuesWithoutNewPhysics) {
    ScanConfig config = toy_scan({});
    const auto null_value = [&](const std::string& name) {
        return null_value_of(axis(name, {0, 1}).parameter, config);
    };
    EXPECT_EQ(null_value("charge_radius.ee"), 0);
    EXPECT_EQ(null_value("charge.emu.abs"), 0);
    EXPECT_FALSE(null_value("charge.emu.arg"));
    EXPECT_FALSE(null_value("theta23"));
    EXPECT_EQ(null_value("sin2_theta_w"), constants::sin2_theta_w);
    config.neutrino.charge_radius_mode = ChargeRadiusMode::total;
    EXPECT_NEAR(*null_value("charge_radius.mumu"), -4.8e-33, 1e-34);
    EXPECT_EQ(null_value("charge.ee"), 0);
}

TEST(Domains, FittedParametersAreThoseWithoutAPrior) {
    ScanConfig config =
        toy_scan({axis("charge.ee", {0, 1e-12}), axis("theta23", {0.7}), axis("charge.mumu", {0, 1e-12}, true)});
    for (Background& background : config.experiments[0].backgrounds) {
        background.sigma = 0;
    }
    config.experiments[0].signal_sigma = 0;
    EXPECT_EQ(fitted_parameters(config), (std::vector<std::string>{"charge.ee", "charge.mumu"}))
        << "one value of an axis fits nothing";
    config.experiments[0].backgrounds[0].sigma = 0.1;
    EXPECT_EQ(fitted_parameters(config).size(), 2u) << "a constrained one brings a measurement";
    config.experiments[0].backgrounds[0].sigma = constants::infinity;
    EXPECT_EQ(fitted_parameters(config).size(), 3u);
    config.fixed.push_back(testing::fix("toy." + config.experiments[0].backgrounds[0].name, 1.1));
    EXPECT_EQ(fitted_parameters(config).size(), 2u) << "what is fixed is not free";
    config.experiments[0].signal_sigma = constants::infinity;
    EXPECT_EQ(fitted_parameters(config).size(), 3u);
}

} // namespace
} // namespace nuscan
