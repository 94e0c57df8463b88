// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "scan/operations.hpp"
#include "toy_experiment.hpp"

/// Operations counted by running the bodies, against those counted by hand from the formulas.
namespace nuscan::testing {
namespace {

//! A map whose rows and planes are so large that what their points share is next to nothing
ScanConfig wide_map(Experiment experiment, const std::string& line) {
    ScanConfig config =
        toy_scan({axis("charge_radius.mumu", range(-1e-31, 1e-31, 3000)), axis(line, range(0, 3, 3000))});
    config.experiments = {std::move(experiment)};
    config.fixed = {fix("magnetic_moment.emu.abs", 1e-11)};
    return config;
}

TEST(Operations, a_gaussian_bin_takes_three_and_a_collapsed_point_four_or_five_and_a_comparison) {
    const auto count = [](const std::string& line, Method method) {
        return operations_per_point(Plan(wide_map(gaussian(toy_experiment()), line), method));
    };
    const std::string linear = "sin2_theta_w", circular = "magnetic_moment.emu.arg";
    EXPECT_NEAR(count(linear, Method::moments).arithmetic, 3 * 4, 0.1);
    EXPECT_NEAR(count(circular, Method::moments).arithmetic, 3 * 4, 0.1);
    EXPECT_NEAR(count(linear, Method::collapsed).arithmetic, 4 + 1, 0.1);
    EXPECT_NEAR(count(circular, Method::collapsed).arithmetic, 5 + 1, 0.1);
    EXPECT_EQ(count(linear, Method::moments).divisions, 0);
    EXPECT_EQ(count(linear, Method::moments).logarithms, 0);
}

TEST(Operations, short_rows_bear_what_their_points_share) {
    ScanConfig config = wide_map(gaussian(toy_experiment()), "sin2_theta_w");
    config.axes[1].values = {0.2, 0.3};
    const double rows = 3 * 2 * 4 / 2.; // three coefficients a bin, each of two multiply-adds, for two points
    EXPECT_NEAR(operations_per_point(Plan(config, Method::moments)).arithmetic, 3 * 4 + rows, 0.5);
}

TEST(Operations, a_poisson_pull_divides_once_for_two_bins_in_every_step) {
    Experiment experiment = toy_experiment();
    experiment.backgrounds.pop_back();
    const Operations pulled = operations_per_point(Plan(wide_map(experiment, "sin2_theta_w"), Method::moments));
    experiment.backgrounds[0].sigma = 0;
    const Operations fixed = operations_per_point(Plan(wide_map(experiment, "sin2_theta_w"), Method::moments));
    EXPECT_EQ(fixed.divisions, 0);
    EXPECT_EQ(fixed.logarithms, 1);
    EXPECT_EQ(pulled.logarithms, 1);
    // A step also divides once, and takes one root, for its length.
    EXPECT_GE(pulled.divisions, 1 * (2 + 2));
    EXPECT_LE(pulled.divisions, 8 * (2 + 2));
    EXPECT_GT(pulled.arithmetic, fixed.arithmetic + 4 * 5);
}

TEST(Operations, the_direct_method_goes_with_its_nodes) {
    Experiment experiment = toy_experiment();
    const double all = operations_per_point(Plan(wide_map(experiment, "sin2_theta_w"), Method::direct)).arithmetic;
    double sum = 0;
    for (const Source& source : toy_experiment().sources) {
        experiment.sources = {source};
        sum += operations_per_point(Plan(wide_map(experiment, "sin2_theta_w"), Method::direct)).arithmetic;
    }
    EXPECT_GT(all, 1e5);
    EXPECT_DOUBLE_EQ(all, sum);
}

TEST(Operations, a_result_holds_nine_bytes_a_kept_point_and_eight_more_for_each_profiled_axis) {
    ScanConfig config = wide_map(toy_experiment(), "sin2_theta_w");
    EXPECT_EQ(result_bytes_per_point(Plan(config, Method::moments)), 9);
    config.axes[1].profile = true;
    EXPECT_DOUBLE_EQ(result_bytes_per_point(Plan(config, Method::moments)), 17 / 3000.);
}

} // namespace
} // namespace nuscan::testing
