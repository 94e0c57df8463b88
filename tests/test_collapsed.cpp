// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <boost/multiprecision/cpp_bin_float.hpp>

#include "backends/backend.hpp"
#include "nuscan/collapsed_signals.hpp"
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

//! The contract between methods, without its part for large predictions but for what \p residuals may be off by
void expect_within_tolerance(double ours, double theirs, double residuals = 0) {
    const double of_bins = residuals * (2 * std::sqrt(theirs) + residuals);
    EXPECT_NEAR(ours, theirs, 1e-9 + 1e-12 * theirs + of_bins) << "relative " << ours / theirs - 1;
}

ScanConfig fixed_signal(ScanConfig config) {
    config.experiments[0].signal_sigma = 0;
    return config;
}

//! The arbiter of rounding: a pull takes up terms of 1e34 until nothing of a long double is left
using Quad = boost::multiprecision::cpp_bin_float_quad;

/// A plane of random coefficients, all of their bins in one experiment.
struct RandomPlane {
    int n_bins;
    std::vector<double> coefficients; // 9 × columns: of residuals, and of signals where a pull acts on them
    ExperimentView experiment{};
    PlanView plan{};
    std::vector<AxisView> axes{2};

    RandomPlane(Random& random, int bins, AxisShape shape, bool pulled = false) : n_bins(bins) {
        plan.n_bins = bins;
        plan.n_columns = pulled ? 2 * bins : bins;
        for (int i = 0; i < n_plane_coefficients * plan.n_columns; ++i) {
            coefficients.push_back(random.uniform(-1, 1));
        }
        axes[0].shape = AxisShape::linear;
        axes[1].shape = shape;
        plan.parameters.axes = axes.data();
        plan.layout.line_axis = 1;
        plan.layout.row_axis = 0;
        experiment.n_bins = experiment.gaussian.n_bins = bins;
        experiment.first_signal = pulled ? bins : -1;
        plan.n_experiments = 1;
    }

    double& coefficient(int i, int column) {
        return coefficients[static_cast<std::size_t>(i * plan.n_columns + column)];
    }
    //! Gives column b the value \p to at a point, by its constant
    void fix(int column, const AxisFactors& row, const AxisFactors& line, double to) {
        coefficient(0, column) += to - static_cast<double>(value(column, row, line));
    }
    Quad value(int column, const AxisFactors& row, const AxisFactors& line) const {
        const Quad L[] = {1, line.u, line.v}, R[] = {1, row.u, row.v};
        Quad sum = 0;
        for (int i = 0; i < n_plane_coefficients; ++i) {
            sum += coefficients[static_cast<std::size_t>(i * plan.n_columns + column)] * L[i / 3] * R[i % 3];
        }
        return sum;
    }

    //! Numbers of a row, in \p plane the centred coefficients
    std::vector<double> numbers(const AxisFactors& at, std::vector<double>& plane) {
        plan.experiments = &experiment;
        plane = coefficients;
        for (int b = 0; b < n_bins; ++b) {
            move_bin(plan, plane.data(), b);
        }
        std::vector<double> of_plane, out;
        for (int i = 0; i < n_plane_numbers(plan); ++i) {
            of_plane.push_back(plane_number(plan, plane.data(), i));
        }
        for (int i = 0; i < n_row_numbers; ++i) {
            out.push_back(collapsed_row_number(of_plane.data(), at, i));
        }
        for (int i = 0; i < n_pulled_signals(plan) * n_row_signal; ++i) {
            out.push_back(signal_row_number(plan, of_plane.data(), at, i));
        }
        return out;
    }
    CollapsedRow row(const AxisFactors& at) {
        std::vector<double> plane;
        return collapsed_row(plan, numbers(at, plane).data(), 0);
    }
    //! \p pull receives ξ
    double exact(const AxisFactors& row, const AxisFactors& line, double* pull = nullptr) const {
        const bool pulled = experiment.has_signal_column();
        const Quad w = pulled ? experiment.gaussian.signal_weight : 0;
        std::vector<Quad> r, s;
        Quad rs = 0, ss = w;
        for (int b = 0; b < n_bins; ++b) {
            r.push_back(value(b, row, line));
            s.push_back(pulled ? value(n_bins + b, row, line) : Quad(0));
            rs += r.back() * s.back();
            ss += s.back() * s.back();
        }
        const Quad xi = ss > 0 ? Quad(-rs / ss) : Quad(0);
        if (pull != nullptr) {
            *pull = static_cast<double>(xi);
        }
        Quad chi2 = w * xi * xi;
        for (std::size_t b = 0; b < r.size(); ++b) {
            chi2 += (r[b] + xi * s[b]) * (r[b] + xi * s[b]);
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
                plane.fix(b, row, line, 0);
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

/// The same with a pull: free, loose and tight ones, either origin, signals that are as large as residuals, far larger
/// than these, next to zero where their terms cancel, or along the residuals, so that the pull takes all of them up.
TEST(Collapsed, forms_with_a_pull_are_precise_where_they_say_so) {
    Random random(72);
    int precise[2] = {0, 0}, imprecise = 0, missed = 0;
    for (int i = 0; i < 3000; ++i) {
        const AxisShape shape = i % 2 ? AxisShape::linear : AxisShape::circular;
        RandomPlane plane(random, random.integer(1, 40), shape, true);
        const double weights[] = {0, 1, 55.7, 1e6, 1e10};
        const int origin = random.integer(0, 1);
        plane.experiment.gaussian.signal_weight = weights[random.integer(0, 4)];
        plane.experiment.gaussian.signal_origin = origin;
        const double y = random.uniform(-3, 3), x = std::pow(10, random.uniform(-3, 6)) * random.uniform(-1, 1);
        const double phi = random.uniform(-3, 3), size = std::pow(10, random.uniform(-2, 4));
        const AxisFactors row{y, y * y};
        const AxisFactors line =
            shape == AxisShape::linear ? AxisFactors{x, x * x} : AxisFactors{std::cos(phi), std::sin(phi)};
        const double cancelled = std::pow(10, random.uniform(-12, 1)), along = random.uniform(-1, 1);
        for (int b = 0; b < plane.n_bins; ++b) {
            const int s = plane.n_bins + b;
            for (int k = 0; k < n_plane_coefficients; ++k) {
                plane.coefficient(k, s) *= size;
            }
            if (i % 3 == 0) {
                plane.fix(s, row, line, cancelled * random.uniform(0.5, 1));
            }
            for (int k = 0; k < n_plane_coefficients; ++k) { // residuals are signals, and what none of the axes moves
                plane.coefficient(k, b) = plane.coefficient(k, s) + (k == 0 ? 30 * plane.coefficient(k, b) : 0);
            }
            if (i % 5 == 0) {
                plane.fix(b, row, line, along * static_cast<double>(plane.value(s, row, line)));
            }
        }
        std::vector<double> centred;
        const std::vector<double> numbers = plane.numbers(row, centred);
        const PulledRow form = pulled_row(plane.plan, numbers.data(), 0);
        ASSERT_TRUE(form.bins.finite);
        const PulledChi2<double> chi2 = shape == AxisShape::linear
                                            ? pulled_chi2<AxisShape::linear>(form, line.u, line.v)
                                            : pulled_chi2<AxisShape::circular>(form, line.u, line.v);
        double xi;
        const double exact = plane.exact(row, line, &xi);
        double terms = 0; // of residuals and signals, which round off in the bins too
        for (int b = 0; b < plane.n_bins; ++b) {
            for (int k = 0; k < n_plane_coefficients; ++k) {
                const double L[] = {1, line.u, line.v}, R[] = {1, row.u, row.v};
                terms += std::pow(plane.coefficient(k, plane.n_bins + b) * L[k / 3] * R[k % 3], 2);
            }
        }
        const double tolerance = 1e-9 + 1e-12 * exact, of_bins = 4e-15 * (1 + std::abs(xi)) * std::sqrt(terms);
        if (chi2.precise) {
            ++precise[origin];
            EXPECT_NEAR(chi2.value, exact, tolerance) << i << " at " << line.u;
        } else {
            ++imprecise;
            missed += !(std::abs(chi2.value - exact) <= tolerance);
        }
        const auto column = [&](int c) {
            const auto k = [&](int j) { return row_coefficient(centred.data(), plane.plan.n_columns, j, c, row); };
            return std::fma(k(2), line.v, std::fma(k(1), line.u, k(0)));
        };
        EXPECT_NEAR(uncollapsed_pulled_chi2<double>(plane.plan, column), exact,
                    tolerance + of_bins * (2 * std::sqrt(exact) + of_bins))
            << i;
    }
    EXPECT_GT(precise[0], 700);
    EXPECT_GT(precise[1], 400);
    EXPECT_GT(imprecise, 400);
    EXPECT_GT(missed, 100) << "the bound is never needed";
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
    for (const double signal_sigma : {0., 1e-3, 0.2, constants::infinity}) {
        for (const double size : {1e-13, 1e-11, 1e-9, 1e-7}) {
            SCOPED_TRACE(::testing::Message() << "pull of " << signal_sigma << " at " << size);
            ScanConfig config = gaussian_scan({axis("charge_radius.ee", range(-size * 1e21, size * 0.7e21, 9)),
                                               axis("charge.ee", range(-size, size, 131))});
            config.experiments[0].signal_sigma = signal_sigma;
            const UnitResult collapsed = evaluate(config, Method::collapsed),
                             moments = evaluate(config, Method::moments);
            ASSERT_EQ(collapsed.chi2.size(), 9u * 131);
            // What a pull takes up of the largest signal rounds off in the bins, as √χ² S of the contract allows.
            const double S = signal_sigma > 0 ? std::sqrt(evaluate(fixed_signal(config), Method::moments).chi2[0]) : 0;
            for (std::size_t i = 0; i < moments.chi2.size(); ++i) {
                expect_within_tolerance(collapsed.chi2[i], moments.chi2[i], 4e-15 * S);
            }
        }
    }
}

ScanConfig pulled_scan(double counts, double signal_sigma) {
    ScanConfig config = gaussian_scan({axis("charge.ee", range(-1e-12, 1e-12, 5)), axis("toy.baseline", {500, 900})});
    Experiment& x = config.experiments[0];
    x.signal_sigma = signal_sigma;
    x.live_time *= counts / x.counts[0];
    for (Background& background : x.backgrounds) {
        for (double& n : background.counts) {
            n *= counts / x.counts[0];
        }
    }
    for (std::size_t b = x.counts.size(); b-- > 0;) {
        x.counts[b] *= counts / x.counts[0];
        x.sigma[b] = std::sqrt(x.counts[b]);
    }
    return config;
}

TEST(Collapsed, a_million_counts_a_bin) {
    for (const double signal_sigma : {1e-3, 0.134, constants::infinity}) {
        SCOPED_TRACE(signal_sigma);
        ScanConfig config = pulled_scan(1e6, signal_sigma);
        config.axes[0].values = range(-3e-12, 3e-12, 131);
        config.axes[1] = axis("charge.emu.arg", range(-2, 3, 5));
        double S = 0; // of the contract, with counts for predictions
        for (const double n : config.experiments[0].counts) {
            S = std::hypot(S, std::sqrt(n));
        }
        const UnitResult collapsed = evaluate(config, Method::collapsed), moments = evaluate(config, Method::moments);
        ASSERT_EQ(collapsed.chi2.size(), 131u * 5);
        for (std::size_t i = 0; i < moments.chi2.size(); ++i) {
            expect_within_tolerance(collapsed.chi2[i], moments.chi2[i], 0.5e-12 * S);
        }
    }
}

//! About no signal, unless what the pull and the data make of that is so large that its rounding would show
TEST(Collapsed, the_origin_of_a_signal_is_where_terms_are_bounded) {
    const auto origin = [](double counts, double signal_sigma) {
        const Plan plan(pulled_scan(counts, signal_sigma), Method::collapsed);
        EXPECT_EQ(plan.n_units(), 2u);
        const double first = plan.tables(plan.unit(0))->view().experiments[0].gaussian.signal_origin;
        EXPECT_EQ(plan.tables(plan.unit(1))->view().experiments[0].gaussian.signal_origin, first);
        return first;
    };
    EXPECT_EQ(origin(30, constants::infinity), 0);
    EXPECT_EQ(origin(30, 0.134), 0);
    EXPECT_EQ(origin(30, 1e-3), 1);
    EXPECT_EQ(origin(1e6, 0.134), 1);
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
            ScanConfig config =
                gaussian_scan({axis("magnetic_moment.mumu", range(0, 5e-11, 3)), axis("charge.ee", values, true)});
            config.experiments[0].signal_sigma = n % 2 == 0 ? 0 : 0.2;
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
    config.fixed.push_back(fix("magnetic_moment.tautau", constants::not_a_number));
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
    const auto refusal = [](const ScanConfig& refused) -> std::string {
        EXPECT_EQ(automatic_method(refused), Method::moments);
        try {
            const Plan plan(refused, Method::collapsed);
        } catch (const InputError& error) {
            return error.what();
        }
        return "";
    };
    ScanConfig other = config;
    other.experiments.push_back(pulsed_experiment());
    EXPECT_EQ(refusal(other), "--method: \"collapsed\" does not go with pulsed (its statistic is Poisson, which needs "
                              "every bin) use \"moments\"?");
    config.experiments[0].signal_sigma = 0.1;
    for (const char* name : {"second", "third", "fourth", "fifth"}) {
        EXPECT_EQ(automatic_method(config), Method::collapsed);
        EXPECT_NO_THROW(Plan(config, Method::collapsed));
        config.experiments.push_back(config.experiments[0]);
        config.experiments.back().name = name;
    }
    EXPECT_EQ(refusal(config), "--method: \"collapsed\" does not go with fifth (the normalisation of its signal is "
                               "minimised over, as are those of 4 others, the most there can be) use \"moments\"?");
    config.experiments[2].signal_sigma = 0;
    EXPECT_EQ(automatic_method(config), Method::collapsed);
    config.experiments[2] = with_systematics(config.experiments[2]);
    EXPECT_EQ(refusal(config), "--method: \"collapsed\" does not go with third (its systematics are minimised over "
                               "together, which needs every bin) use \"moments\"?");
}

} // namespace
} // namespace nuscan::testing
