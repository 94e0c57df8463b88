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

//! Each of x·x, x·s and s·s as a collapsed point; a division, the square that it takes off; what rounding may be
TEST(Operations, a_collapsed_pull_takes_two_more_forms_and_a_division) {
    const auto count = [](int n_pulls, const std::string& line) {
        ScanConfig config = wide_map(gaussian(toy_experiment()), line);
        config.experiments.push_back(gaussian(pulsed_experiment()));
        for (int i = 0; i < n_pulls; ++i) {
            config.experiments[static_cast<std::size_t>(i)].signal_sigma = 0.1;
        }
        return operations_per_point(Plan(config, Method::collapsed));
    };
    const Operations none = count(0, "sin2_theta_w"), one = count(1, "sin2_theta_w"), two = count(2, "sin2_theta_w");
    const double of_size = 2, of_check = 4; // |x| and |s| each; once a point
    EXPECT_EQ(one.divisions, 1);
    EXPECT_EQ(two.divisions, 2);
    EXPECT_NEAR(one.arithmetic - none.arithmetic, 2 * 4 + 1 + 2 * of_size + 1 + 2 + of_check, 1);
    EXPECT_NEAR(two.arithmetic - one.arithmetic, 2 * 4 + 1 + of_size + 1 + 2, 1);
    EXPECT_NEAR(count(1, "magnetic_moment.emu.arg").arithmetic - one.arithmetic, 3, 0.1);
}

TEST(Operations, short_rows_bear_what_their_points_share) {
    const auto count = [](int points_of_row, int rows_of_plane) {
        ScanConfig config = wide_map(gaussian(toy_experiment()), "sin2_theta_w");
        config.axes[0].values = range(-1e-31, 1e-31, rows_of_plane);
        config.axes[1].values = range(0.2, 0.3, points_of_row);
        return operations_per_point(Plan(config, Method::moments)).arithmetic;
    };
    const double row = 3 * 2 * 4; // three coefficients a bin, each of two multiply-adds
    EXPECT_NEAR(count(8, 8) - count(16, 4), row / 8 - row / 16, 1e-9); // planes of as many points
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
