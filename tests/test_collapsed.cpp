// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "backends/backend.hpp"
#include "nuscan/collapsed.hpp"
#include "random_physics.hpp"
#include "toy_experiment.hpp"

/// χ² without bins against the sum of squares, where that is easy and where it is not.
namespace nuscan::testing {
namespace {

ScanConfig gaussian_scan(std::vector<Axis> axes) {
    ScanConfig config = toy_scan(std::move(axes));
    config.experiments = {gaussian(toy_experiment())};
    return config;
}

UnitResult evaluate(const ScanConfig& config, Method method) {
    const Plan plan(config, method);
    UnitResult result;
    make_cpu_backend(plan)->evaluate(plan.unit(0), result);
    return result;
}

//! The contract between methods, without its part for large predictions
void expect_within_tolerance(double ours, double theirs) {
    EXPECT_NEAR(ours, theirs, 1e-9 + 1e-12 * theirs) << "relative " << ours / theirs - 1;
}

//! A plane's χ² in long double is the arbiter of the form's rounding.
struct RandomPlane {
    int n_bins;
    std::vector<double> coefficients; // 9 × n_bins
    PlanView plan{};
    std::vector<AxisView> axes{2};

    RandomPlane(Random& random, int bins, AxisShape shape) : n_bins(bins) {
        for (int i = 0; i < n_plane_coefficients * bins; ++i) {
            coefficients.push_back(random.uniform(-1, 1));
        }
        axes[0].shape = AxisShape::linear;
        axes[1].shape = shape;
        plan.parameters.axes = axes.data();
        plan.n_bins = plan.n_columns = bins;
        plan.layout.line_axis = 1;
        plan.layout.row_axis = 0;
    }

    CollapsedRow row(const AxisFactors& at) const {
        double numbers[n_products + 3], plane[n_collapsed];
        for (int i = 0; i < n_collapsed; ++i) {
            plane[i] = collapsed_number(plan, coefficients.data(), i);
        }
        for (int i = 0; i < n_products + 3; ++i) {
            numbers[i] = collapsed_row_number(plane, at, i);
        }
        return collapsed_row(plan, numbers, 0);
    }
    double exact(const AxisFactors& row, const AxisFactors& line) const {
        const long double L[] = {1, line.u, line.v}, R[] = {1, row.u, row.v};
        long double chi2 = 0;
        for (int b = 0; b < n_bins; ++b) {
            long double r = 0;
            for (int i = 0; i < n_plane_coefficients; ++i) {
                r += coefficients[static_cast<std::size_t>(i * n_bins + b)] * L[i / 3] * R[i % 3];
            }
            chi2 += r * r;
        }
        return static_cast<double>(chi2);
    }
};

TEST(Collapsed, a_form_is_precise_where_it_says_so) {
    Random random(70);
    int precise = 0, imprecise = 0, missed = 0;
    for (int i = 0; i < 2000; ++i) {
        const AxisShape shape = i % 2 ? AxisShape::linear : AxisShape::circular;
        RandomPlane plane(random, random.integer(1, 40), shape);
        const double y = random.uniform(-3, 3), x = std::pow(10, random.uniform(-3, 6)) * random.uniform(-1, 1);
        const double phi = random.uniform(-3, 3);
        const AxisFactors row{y, y * y};
        const AxisFactors line =
            shape == AxisShape::linear ? AxisFactors{x, x * x} : AxisFactors{std::cos(phi), std::sin(phi)};
        if (i % 3 == 0) { // a residual that vanishes far from the origin, where the form loses most
            for (int b = 0; b < plane.n_bins; ++b) {
                double r = 0;
                const double L[] = {1, line.u, line.v}, R[] = {1, row.u, row.v};
                for (int k = 1; k < n_plane_coefficients; ++k) {
                    r += plane.coefficients[static_cast<std::size_t>(k * plane.n_bins + b)] * L[k / 3] * R[k % 3];
                }
                plane.coefficients[static_cast<std::size_t>(b)] = -r;
            }
        }
        const CollapsedRow form = plane.row(row);
        const double chi2 = shape == AxisShape::linear ? collapsed_chi2<AxisShape::linear>(form, line.u, line.v)
                                                       : collapsed_chi2<AxisShape::circular>(form, line.u, line.v);
        const double exact = plane.exact(row, line);
        const bool within = std::abs(chi2 - exact) <= 1e-9 + 1e-12 * exact;
        if (is_precise(form, line.u, line.v, chi2)) {
            ++precise;
            EXPECT_TRUE(within) << chi2 << " against " << exact << " at " << line.u;
        } else {
            ++imprecise;
            missed += !within;
        }
        if (std::abs(line.u) <= form.reach) {
            EXPECT_TRUE(is_precise(form, line.u, line.v, chi2)) << form.reach;
        }
    }
    EXPECT_GT(precise, 1000);
    EXPECT_GT(imprecise, 100);
    EXPECT_GT(missed, 20) << "the bound is never needed";
}

TEST(Collapsed, a_row_with_a_number_that_is_not_finite_reaches_nowhere) {
    Random random(71);
    for (const AxisShape shape : {AxisShape::linear, AxisShape::circular}) {
        const RandomPlane plane(random, 4, shape);
        const double numbers[n_products + 3] = {5, -1, 2, -3, 1, 4, 3, 2, 1};
        const CollapsedRow row = collapsed_row(plane.plan, numbers, 1);
        EXPECT_TRUE(row.finite);
        EXPECT_GT(row.reach, 1);
        const double constant[n_products + 3] = {5, 0, 0, 0, 0, 0, 3, 0, 0};
        EXPECT_EQ(collapsed_row(plane.plan, constant, 1).reach, constants::infinity);
        for (const double bad : {constants::not_a_number, constants::infinity}) {
            for (int i = 0; i < n_products + 3; ++i) {
                SCOPED_TRACE(i);
                double spoilt[n_products + 3];
                std::copy(std::begin(numbers), std::end(numbers), spoilt);
                spoilt[i] = bad;
                EXPECT_FALSE(collapsed_row(plane.plan, spoilt, 1).finite);
                EXPECT_EQ(collapsed_row(plane.plan, spoilt, 1).reach, -1);
            }
            EXPECT_EQ(collapsed_row(plane.plan, numbers, bad).reach, -1);
        }
    }
}

TEST(Collapsed, origins_are_the_standard_model_or_next_to_it) {
    const auto layout = [](std::vector<double> row, std::vector<double> line) {
        return Plan(gaussian_scan({axis("toy.flat", std::move(row)), axis("charge.ee", std::move(line))}),
                    Method::collapsed)
            .layout();
    };
    EXPECT_EQ(layout({0.2, 3}, {-1, 2}).row_origin, 1);
    EXPECT_EQ(layout({0.2, 3}, {-1, 2}).line_origin, 0);
    EXPECT_EQ(layout({2, 3}, {1, 2}).row_origin, 2);
    EXPECT_EQ(layout({0.2, 0.3}, {-2, -1}).row_origin, 0.3);
    EXPECT_EQ(layout({0.2, 0.3}, {-2, -1}).line_origin, -1);
}

TEST(Collapsed, from_the_allowed_region_to_far_outside) {
    for (const double size : {1e-13, 1e-11, 1e-9, 1e-7}) {
        SCOPED_TRACE(size);
        const ScanConfig config = gaussian_scan({axis("charge_radius.ee", range(-size * 1e21, size * 0.7e21, 9)),
                                                 axis("charge.ee", range(-size, size, 131))});
        const UnitResult collapsed = evaluate(config, Method::collapsed), moments = evaluate(config, Method::moments);
        ASSERT_EQ(collapsed.chi2.size(), 9u * 131);
        for (std::size_t i = 0; i < moments.chi2.size(); ++i) {
            expect_within_tolerance(collapsed.chi2[i], moments.chi2[i]);
        }
    }
}

//! Where terms of 1e14 cancel to the χ² of the standard model: the form has nothing left, the bins nearly all of it.
TEST(Collapsed, a_minimum_far_from_the_origin) {
    const double t = 1e-8; // two charges of opposite sign, and a source that sees their sum
    std::vector<double> row = range(-t * 1.01, -t * 0.99, 5), line = range(t * 0.98, t * 1.02, 41);
    row.push_back(0); // the origin
    line.insert(line.begin(), 0);
    ScanConfig config = gaussian_scan({axis("charge.universal", row), axis("charge.ee", line)});
    config.fixed.clear();
    config.experiments[0].sources.resize(1);
    const UnitResult collapsed = evaluate(config, Method::collapsed), moments = evaluate(config, Method::moments);
    const double largest = *std::max_element(moments.chi2.begin(), moments.chi2.end());
    const double least = *std::min_element(moments.chi2.begin(), moments.chi2.end());
    EXPECT_LT(least, 100);
    EXPECT_GT(largest, 1e12);
    for (std::size_t i = 0; i < moments.chi2.size(); ++i) {
        // Rounding of the residuals, which both methods have: that of the predictions that cancel in them
        const double residuals = 4e-15 * std::sqrt(moments.chi2[i] * largest);
        EXPECT_NEAR(collapsed.chi2[i], moments.chi2[i], 1e-9 + 1e-12 * moments.chi2[i] + residuals);
    }
}

//! Rows are minimised in blocks: whatever the length and wherever the minimum, it is the first smallest point.
TEST(Collapsed, profiles_find_the_first_smallest_point) {
    for (const int n : {1, 2, 7, 31, 32, 33, 64, 65, 200}) {
        for (const double centre : {-1.0, -0.3, 0.0, 0.8}) {
            SCOPED_TRACE(n);
            std::vector<double> values = range((centre - 1) * 1e-12, (centre + 1) * 1e-12, n);
            const ScanConfig config =
                gaussian_scan({axis("magnetic_moment.mumu", range(0, 5e-11, 3)), axis("charge.ee", values, true)});
            const UnitResult collapsed = evaluate(config, Method::collapsed),
                             moments = evaluate(config, Method::moments);
            for (std::size_t i = 0; i < 3; ++i) {
                expect_within_tolerance(collapsed.chi2[i], moments.chi2[i]);
                EXPECT_EQ(collapsed.profile_index[i], moments.profile_index[i]);
            }
        }
    }
    // Predictions do not depend on the charge at all: every point ties.
    ScanConfig config = gaussian_scan({axis("charge.ee", range(0, 1e-12, 300), true)});
    for (Source& source : config.experiments[0].sources) {
        source.flux = 0;
    }
    EXPECT_EQ(evaluate(config, Method::collapsed).profile_index[0], 0);
}

TEST(Collapsed, NaN_never_wins) {
    ScanConfig config = gaussian_scan({axis("charge.ee", range(0, 1e-12, 40), true), axis("charge.mumu", {0, 1e-13})});
    config.experiments[0].sources[0].flux = constants::not_a_number;
    const UnitResult result = evaluate(config, Method::collapsed);
    EXPECT_NE(result.chi2[0], result.chi2[0]);
    EXPECT_EQ(result.status[0], static_cast<std::uint8_t>(PointStatus::not_a_number));
    config.axes[1].profile = true;
    EXPECT_EQ(evaluate(config, Method::collapsed).profile_index[0], 0);
    config.axes[0].profile = config.axes[1].profile = false;
    EXPECT_EQ(evaluate(config, Method::collapsed).status[5], static_cast<std::uint8_t>(PointStatus::not_a_number));
}

TEST(Collapsed, is_chosen_where_all_experiments_are_gaussian) {
    ScanConfig config = gaussian_scan({axis("charge.ee", range(0, 1, 3))});
    EXPECT_EQ(automatic_method(config), Method::collapsed);
    config.axes = {axis("theta12", {0.5, 0.6})};
    EXPECT_EQ(automatic_method(config), Method::moments);
    config.axes = {axis("charge.ee", range(0, 1, 3))};
    config.experiments.push_back(pulsed_experiment());
    EXPECT_EQ(automatic_method(config), Method::moments);
    try {
        const Plan plan(config, Method::collapsed);
        FAIL();
    } catch (const InputError& error) {
        EXPECT_STREQ(error.what(), "--method: \"collapsed\" does not go with pulsed (its statistic is Poisson, which "
                                   "needs every bin) use \"moments\"?");
    }
}

} // namespace
} // namespace nuscan::testing
