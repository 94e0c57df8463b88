// SPDX-License-Identifier: Apache-2.0
// Profiles polished by Newton's method: against finer grids, the reference and searches that know no derivatives.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "backends/reference_model.hpp"
#include "output/result_file.hpp"
#include "random_physics.hpp"
#include "sanitized.hpp"
#include "scan/chi2_surface.hpp"
#include "scan/point.hpp"
#include "scan/scan.hpp"
#include "temporary_folder.hpp"
#include "toy_experiment.hpp"

namespace nuscan::testing {
namespace {

using Eigen::VectorXd;

constexpr double pi = constants::pi;
constexpr double inf = constants::infinity;

// ---- Newton's method --------------------------------------------------------------------------------------------

VectorXd vector(double x, double y) { return Eigen::Vector2d(x, y); }
Box box(double low, double high) { return {vector(low, low), vector(high, high)}; }

//! (1 − x)² + 100 (y − x²)²: one minimum, at (1, 1), behind a curved valley
Derivatives rosenbrock(const VectorXd& at) {
    const double x = at[0], y = at[1], d = y - x * x;
    Derivatives f{(1 - x) * (1 - x) + 100 * d * d, true, vector(2 * (x - 1) - 400 * x * d, 200 * d), {}};
    f.hessian = Eigen::Matrix2d{{2 - 400 * d + 800 * x * x, -400 * x}, {-400 * x, 200}};
    return f;
}

//! (x² − 0.09)² + y²: minima at x = ±0.3, a saddle between them
Derivatives two_wells(const VectorXd& at) {
    const double x = at[0], d = x * x - 0.09;
    Derivatives f{d * d + at[1] * at[1], true, vector(4 * x * d, 2 * at[1]), {}};
    f.hessian = Eigen::Matrix2d{{12 * x * x - 0.36, 0}, {0, 2}};
    return f;
}

TEST(Newton, follows_a_curved_valley) {
    const BoxMinimum m = minimise_in_box(rosenbrock, box(-3, 3), vector(-1.2, 1));
    EXPECT_TRUE(m.converged);
    EXPECT_LT(m.f.value, 1e-13);
    EXPECT_NEAR(m.at[0], 1, 1e-6);
    EXPECT_NEAR(m.at[1], 1, 1e-6);
}

TEST(Newton, ends_on_the_bound_that_stands_in_its_way) {
    Box bounds = box(-3, 3);
    bounds.high[0] = 0.5; // there the least is at y = 1/4
    const BoxMinimum m = minimise_in_box(rosenbrock, bounds, vector(-1.2, 1));
    EXPECT_TRUE(m.converged);
    EXPECT_EQ(m.at[0], 0.5);
    EXPECT_NEAR(m.at[1], 0.25, 1e-8);
    EXPECT_NEAR(m.f.value, 0.25, 1e-13);
    const BoxMinimum corner = minimise_in_box(rosenbrock, {vector(-3, -3), vector(-2, -2)}, vector(-2.5, -2.5));
    EXPECT_TRUE(corner.converged);
    EXPECT_EQ(corner.at, vector(-2, -2));
}

TEST(Newton, leaves_a_saddle) {
    for (const double x : {0., 1e-9, -1e-9}) {
        const BoxMinimum m = minimise_in_box(two_wells, box(-1, 1), vector(x, 0.5));
        EXPECT_TRUE(m.converged);
        EXPECT_NEAR(std::abs(m.at[0]), 0.3, 1e-6);
        EXPECT_GE(m.at[0] * x, 0);
        EXPECT_LT(m.f.value, 1e-13);
    }
}

TEST(Newton, leaves_a_saddle_by_the_side_that_is_open) {
    for (const double side : {-1., 1.}) {
        const Box half{vector(std::min(side, 0.), -1), vector(std::max(side, 0.), 1)};
        const BoxMinimum m = minimise_in_box(two_wells, half, vector(0, 0.5));
        EXPECT_TRUE(m.converged);
        EXPECT_NEAR(m.at[0], 0.3 * side, 1e-6);
    }
}

//! x⁴ + y⁴ − xy is at rest where x = y = 0, a corner of the box, but for rounding, and goes down inside.
TEST(Newton, leaves_a_corner_by_its_middle) {
    const auto valley = [](const VectorXd& at) {
        const double x = at[0], y = at[1], rounding = 1e-17;
        Derivatives f{std::pow(x, 4) + std::pow(y, 4) - x * y, true, {}, {}};
        f.gradient = vector(4 * x * x * x - y + rounding, 4 * y * y * y - x + rounding);
        f.hessian = Eigen::Matrix2d{{12 * x * x, -1}, {-1, 12 * y * y}};
        return f;
    };
    const BoxMinimum minimum = minimise_in_box(valley, box(0, 1), vector(0, 0));
    EXPECT_TRUE(minimum.converged);
    EXPECT_NEAR(minimum.f.value, -1. / 8, 1e-13);
    EXPECT_NEAR(minimum.at[0], 0.5, 1e-6);
}

//! f depends on x alone; what y and z seem to do is rounding.
TEST(Newton, converges_where_variables_do_nothing) {
    const double rounding = 3e-15;
    const auto valley = [&](const VectorXd& x) {
        const double sign = std::sin(1e6 * x[1] + 1e5 * x[2]);
        Derivatives f;
        f.value = 40 + std::pow(x[0] - 0.3, 2) + rounding * sign;
        f.gradient = Eigen::Vector3d(2 * (x[0] - 0.3), rounding * sign, -rounding);
        f.hessian = Eigen::MatrixXd::Zero(3, 3);
        f.hessian(0, 0) = 2;
        f.hessian(1, 1) = -1e-3 * rounding;
        f.hessian(2, 2) = 1e-6 * rounding;
        return f;
    };
    Box box{VectorXd::Constant(3, -1), VectorXd::Constant(3, 1)};
    for (const bool open : {false, true}) {
        if (open) {
            box.low[1] = -inf;
            box.high[1] = inf;
        }
        const BoxMinimum minimum = minimise_in_box(valley, box, VectorXd::Constant(3, 0.5));
        EXPECT_TRUE(minimum.converged) << open;
        EXPECT_NEAR(minimum.at[0], 0.3, 1e-6);
    }
    const auto nothing = [&](const VectorXd& x) {
        Derivatives f = valley(x);
        f.gradient[0] = f.hessian(0, 0) = 0;
        return f;
    };
    EXPECT_TRUE(minimise_in_box(nothing, box, VectorXd::Constant(3, 0.5)).converged);
}

TEST(Newton, says_where_it_finds_nothing) {
    const auto nowhere = [](const VectorXd& x) {
        return Derivatives{inf, true, VectorXd::Zero(x.size()), Eigen::MatrixXd::Zero(x.size(), x.size())};
    };
    EXPECT_FALSE(minimise_in_box(nowhere, box(-1, 1), vector(0, 0)).converged);
    // A gradient of the wrong sign: no step lowers the value.
    const auto wrong = [](const VectorXd& x) {
        Derivatives f = rosenbrock(x);
        f.gradient = -f.gradient;
        return f;
    };
    EXPECT_FALSE(minimise_in_box(wrong, box(-3, 3), vector(-1.2, 0.7)).converged);
}

// ---- scans ------------------------------------------------------------------------------------------------------

struct Case {
    const char* name;
    ScanConfig (*config)(int points); //!< of each polished axis
    int finest = 401;                 //!< grid to compare with
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

//! Nothing but neutrinos from the Sun
ScanConfig solar_scan(std::vector<Axis> axes) {
    ScanConfig config = pulsed_scan(std::move(axes));
    Experiment& experiment = config.experiments[0];
    experiment.sources.erase(experiment.sources.begin(), experiment.sources.begin() + 2);
    return config;
}

const std::vector<Case> cases = {
    {"two_elements_of_two_kinds",
     [](int n) {
         return toy_scan({axis("magnetic_moment.mumu", range(0, 5e-11, 3)),
                          axis("charge.ee", range(-1.5e-12, 1.5e-12, n), true),
                          axis("charge_radius.emu.im", range(-4e-31, 5e-31, n), true)});
     }},
    {"modulus_and_argument",
     [](int n) {
         return toy_scan({axis("charge.emu.abs", range(0, 2e-12, n), true),
                          axis("charge.emu.arg", range(-pi, pi, n), true), axis("charge.ee", range(-1e-12, 1e-12, 3))});
     }},
    {"argument_of_a_kept_modulus",
     [](int n) {
         return toy_scan({axis("charge.emu.arg", range(0, 2 * pi, n), true), axis("charge.emu.abs", range(0, 2e-12, 4)),
                          axis("charge.ee", range(-1e-12, 1e-12, n), true)});
     }},
    {"modulus_of_a_kept_argument",
     [](int n) {
         return toy_scan({axis("charge.emu.arg", range(-2, 3, 3)), axis("charge.emu.abs", range(0, 2e-12, n), true)});
     }},
    {"part_of_the_circle",
     [](int n) {
         return toy_scan({axis("charge.emu.abs", range(1e-13, 2e-12, n), true),
                          axis("charge.emu.arg", range(-2, 1.5, n), true),
                          axis("magnetic_moment.mumu", range(0, 5e-11, 2))});
     }},
    {"gaussian",
     [](int n) {
         ScanConfig config = toy_scan({axis("charge_radius.mumu", range(-4e-31, 5e-31, 3)),
                                       axis("charge.ee", range(-1.5e-12, 1.5e-12, n), true),
                                       axis("magnetic_moment.emu.re", range(-5e-11, 4e-11, n), true)});
         std::erase_if(config.fixed,
                       [](const FixedParameter& f) { return f.parameter.name.starts_with("magnetic_moment.emu"); });
         config.experiments = {gaussian(toy_experiment())};
         return config;
     }},
    {"weak_mixing_angle_and_background",
     [](int n) {
         return toy_scan({axis("sin2_theta_w", range(0.18, 0.29, n), true), axis("charge.ee", range(-1e-12, 1e-12, 3)),
                          axis("toy.flat", range(0, 2.5, n), true)});
     }},
    {"nuclei_and_electrons",
     [](int n) {
         return pulsed_scan({axis("charge_radius.mumu", range(-5e-31, 4e-31, n), true),
                             axis("charge.mumu", range(-4e-10, 3e-10, 3)),
                             axis("pulsed.steady", range(0, 2, n), true)});
     }},
    {"majorana",
     [](int n) {
         return majorana_scan({axis("majorana_moment.2.abs", range(0, 2e-10, n), true, Basis::mass, true),
                               axis("majorana_moment.2.arg", range(-pi, pi, n), true, Basis::mass, true),
                               axis("charge_radius.13.im", range(-3e-31, 3e-31, 2), false, Basis::mass, true)});
     }},
    {"angle_of_the_mass_basis",
     [](int n) {
         return toy_scan({axis("theta23", range(0.6, 0.9, n), true, Basis::mass),
                          axis("charge.12.re", range(-1e-12, 1e-12, n), true, Basis::mass),
                          axis("charge_radius.13.im", range(-3e-31, 5e-31, 3), false, Basis::mass)},
                         Basis::mass);
     },
     201},
    {"angle_and_phase",
     [](int n) {
         return toy_scan({axis("theta23", range(0.5, 1.1, n), true), axis("delta", range(-pi, pi, n), true),
                          axis("charge.ee", range(-1e-12, 1e-12, 3))});
     },
     201},
    {"solar_angle_and_phase",
     [](int n) {
         return solar_scan({axis("charge.mutau.im", {-4e-11, 3e-11}), axis("theta23", range(0.5, 1.1, n), true),
                            axis("delta", range(0, 2 * pi, n), true)});
     },
     101},
    {"phase_and_elements",
     [](int n) {
         return toy_scan({axis("delta", range(0.5, 4, n), true),
                          axis("charge_radius.emu.abs", range(0, 5e-31, n), true),
                          axis("charge_radius.emu.arg", range(-pi, pi, n), true),
                          axis("magnetic_moment.mumu", range(0, 5e-11, 2))});
     },
     61},
    {"majorana_phases",
     [](int n) {
         return majorana_scan({axis("alpha21", range(-2 * pi, 2 * pi, n), true, Basis::mass, true),
                               axis("majorana_moment.2.abs", range(0, 2e-10, 3), false, Basis::mass, true),
                               axis("alpha31", range(-pi, pi, n), true, Basis::mass, true)});
     },
     101},
    {"mixing_at_a_short_baseline",
     [](int n) {
         ScanConfig config = toy_scan({axis("theta12", range(0.4, 0.8, n), true, Basis::mass),
                                       axis("theta13", range(0.05, 0.3, n), true, Basis::mass),
                                       axis("charge.12.abs", range(0, 1e-12, 2), false, Basis::mass)},
                                      Basis::mass);
         config.experiments[0].sources.resize(1);
         return config;
     },
     101},
    {"signal",
     [](int n) {
         ScanConfig config =
             toy_scan({axis("toy.signal", range(0.4, 1.6, n), true), axis("delta", range(-pi, pi, n), true),
                       axis("magnetic_moment.mumu", range(0, 5e-11, 2))});
         config.experiments[0].signal_sigma = 0.2;
         return config;
     },
     201},
    {"signal_with_systematics",
     [](int n) {
         ScanConfig config = toy_scan(
             {axis("toy.signal", range(0.4, 1.6, n), true), axis("charge.ee", range(-1.5e-12, 1.5e-12, n), true)});
         config.experiments = {with_systematics(toy_experiment())};
         config.experiments[0].signal_sigma = 0.3;
         return config;
     },
     201},
    {"systematics_of_axes",
     [](int n) {
         ScanConfig config =
             toy_scan({axis("toy.bend", range(-2, 2, n), true), axis("toy.scale", range(1.3e-3, 3.5e-3, n), true),
                       axis("charge.ee", range(-1e-12, 1e-12, 2))});
         config.experiments = {with_systematics(toy_experiment())};
         return config;
     },
     201},
    {"shape_that_empties_a_bin",
     [](int n) {
         ScanConfig config = toy_scan(
             {axis("charge.ee", range(-6e-13, 6e-13, n), true), axis("charge_radius.mumu", range(-4e-31, 5e-31, 3))});
         config.experiments = {with_deep_shape(toy_experiment())};
         return config;
     }},
    {"axis_of_a_shape_that_empties_a_bin",
     [](int n) {
         ScanConfig config =
             toy_scan({axis("toy.bend", range(-3, 1.5, n), true), axis("charge_radius.mumu", range(-4e-31, 5e-31, 3))});
         config.experiments = {with_deep_shape(toy_experiment())};
         return config;
     }},
    {"shared_systematic_of_an_axis",
     [](int n) {
         ScanConfig config = toy_scan({axis("both", range(-2, 2, n), true), axis("theta23", range(0.5, 1.1, n), true)});
         config.experiments = {with_systematics(toy_experiment()), gaussian(pulsed_experiment())};
         config.shared = {{"both", {{0, "flux"}, {1, Experiment::signal}}}};
         config.experiments[1].signal_sigma = 0.25;
         return config;
     },
     101},
    {"slow_axis_beside",
     [](int n) {
         return pulsed_scan({axis("charge_radius.emu.re", range(-4e-31, 4e-31, n), true),
                             axis("pulsed.baseline", {2e4, 2.7e4, 3.2e4}, true),
                             axis("charge.mumu", range(-4e-10, 3e-10, 3))});
     }},
    {"systematics",
     [](int n) {
         ScanConfig config =
             toy_scan({axis("charge.ee", range(-1.5e-12, 1.5e-12, n), true), axis("toy.bend", {-0.8, 0.5})});
         config.experiments = {with_systematics(toy_experiment())};
         return config;
     }},
    {"background_with_systematics",
     [](int n) {
         ScanConfig config =
             toy_scan({axis("toy.flat", range(0, 2.5, n), true), axis("magnetic_moment.mumu", range(0, 5e-11, 2))});
         config.experiments = {with_systematics(gaussian(toy_experiment()))};
         return config;
     }},
    {"shared_systematics",
     [](int n) {
         ScanConfig config =
             toy_scan({axis("charge_radius.emu.im", range(-4e-31, 5e-31, n), true), axis("toy.signal", {0.6, 1.2})});
         config.experiments = {with_systematics(toy_experiment()), pulsed_experiment()};
         config.shared = {{"both", {{0, "flux"}, {1, Experiment::signal}}}};
         config.experiments[1].signal_sigma = 0.25;
         return config;
     }},
    {"pull_on_a_signal",
     [](int n) {
         ScanConfig config = toy_scan({axis("charge.emu.abs", range(0, 3e-12, n), true),
                                       axis("charge.emu.arg", range(-pi, pi, n), true),
                                       axis("magnetic_moment.mumu", range(0, 5e-11, 2))});
         config.experiments = {gaussian(toy_experiment()), gaussian(pulsed_experiment())};
         config.experiments[0].signal_sigma = 0.134;
         return config;
     }},
    {"two_experiments",
     [](int n) {
         ScanConfig config = toy_scan(
             {axis("charge.ee", range(-1e-12, 1e-12, n), true), axis("anapole.mumu", range(-2e-31, 2e-31, n), true)});
         config.experiments.push_back(gaussian(toy_experiment("other")));
         config.experiments.push_back(pulsed_experiment());
         return config;
     }},
};

bool is_polished(const Axis& axis, const ScanConfig& config) {
    return axis.profile && std::none_of(config.experiments.begin(), config.experiments.end(),
                                        [&](const Experiment& e) { return is_slow(axis.parameter, e); });
}

ScanConfig without_polish(ScanConfig config) {
    config.polish = false;
    return config;
}

class Polish : public ::testing::Test {
protected:
    Result run(const ScanConfig& config, std::int64_t unit_points = 1 << 20) {
        const Plan plan(config, automatic_method(config), unit_points);
        const auto backend = make_cpu_backend(plan);
        ScanOptions options;
        options.output = folder_ / "a.h5";
        options.overwrite = true;
        options.parity_points = 0;
        EXPECT_TRUE(run_scan(plan, *backend, options).finished);
        return read_result(options.output);
    }

    //! Of the two that χ² has on an axis, from a grid with points near the higher one alone
    void expect_the_lower_minimum(const std::string& name, double low, double high) {
        const auto scan = [&](std::vector<double> values, bool profile) {
            return toy_scan({axis(name, std::move(values), profile)});
        };
        const std::vector<double> fine = range(low, high, 6001);
        const double step = fine[1] - fine[0];
        const std::vector<double> chi2 = run(scan(fine, false)).chi2;
        std::vector<std::size_t> minima;
        for (std::size_t i = 1; i + 1 < chi2.size(); ++i) {
            if (chi2[i] < chi2[i - 1] && chi2[i] < chi2[i + 1]) {
                minima.push_back(i);
            }
        }
        ASSERT_EQ(minima.size(), 2u) << name;
        const auto [lower, higher] =
            chi2[minima[0]] < chi2[minima[1]] ? std::pair(minima[0], minima[1]) : std::pair(minima[1], minima[0]);
        ASSERT_GT(chi2[higher], chi2[lower] + 0.01);
        const ScanConfig config = scan({low, fine[higher] - step / 2, fine[higher], high}, true);
        ASSERT_EQ(run(without_polish(config)).profiled_at[0][0], fine[higher]);
        const Result result = run(config);
        EXPECT_NEAR(result.profiled_at[0][0], fine[lower], step);
        EXPECT_LE(result.chi2[0], chi2[lower]);
    }

    test::TemporaryFolder folder_;
};

class PolishedScan : public Polish, public ::testing::WithParamInterface<Case> {};
INSTANTIATE_TEST_SUITE_P(All, PolishedScan, ::testing::ValuesIn(cases), [](const auto& c) { return c.param.name; });

//! The values of all axes at a kept point, in the order of the axes
std::vector<double> values_at(const Result& result, const ScanConfig& config, std::size_t kept) {
    std::vector<double> values(config.axes.size());
    std::size_t p = result.profiled.size(), k = result.kept.size(), rest = kept;
    for (std::size_t a = config.axes.size(); a-- > 0;) {
        if (config.axes[a].profile) {
            values[a] = result.profiled_at[--p][kept];
        } else {
            const std::vector<double>& axis_values = result.kept[--k].values;
            values[a] = axis_values[rest % axis_values.size()];
            rest /= axis_values.size();
        }
    }
    return values;
}

TEST_P(PolishedScan, is_below_every_grid_and_the_same_from_each) {
    const auto config = [](int n) {
        ScanConfig c = GetParam().config(n);
        for (Axis& a : c.axes) { // these would take other values from other grids
            a.profile = is_polished(a, c);
        }
        return c;
    };
    const Result coarse = run(config(3)), fine = run(config(14));
    const Result grid = run(without_polish(config(14))), finest = run(without_polish(config(GetParam().finest)));
    double gain = 0;
    for (std::size_t i = 0; i < coarse.chi2.size(); ++i) {
        EXPECT_NEAR(coarse.chi2[i], fine.chi2[i], 1e-9 * (1 + fine.chi2[i])) << i;
        EXPECT_LE(fine.chi2[i], grid.chi2[i]);
        EXPECT_LE(coarse.chi2[i], finest.chi2[i] + 1e-9);
        EXPECT_NEAR(coarse.chi2[i], finest.chi2[i], 0.1);
        EXPECT_EQ(coarse.status[i], 0);
        EXPECT_EQ(fine.status[i], 0);
        gain = std::max(gain, grid.chi2[i] - fine.chi2[i]);
    }
    EXPECT_GT(gain, 1e-6) << "nothing to polish";
}

//! The reference has χ² where the polished one says it is, and nothing lower around it.
TEST_P(PolishedScan, is_a_minimum_of_the_reference) {
    const ScanConfig config = GetParam().config(5);
    const Result result = run(config);
    const ReferenceModel reference(config);
    Random random(7);
    std::vector<std::size_t> kept = {0};
    if (!sanitized) {
        kept.push_back(result.chi2.size() - 1);
    }
    for (const std::size_t i : kept) {
        const std::vector<double> at = values_at(result, config, i);
        const double tolerance = 1e-8 * (1 + result.chi2[i]);
        EXPECT_NEAR(reference(at).chi2, result.chi2[i], tolerance);
        double prior = 0; // of axes, which a point does not have
        for (std::size_t a = 0; a < at.size(); ++a) {
            const Parameter& parameter = config.axes[a].parameter;
            prior += prior_of(parameter, config)(tabulated(parameter, at[a], config));
            EXPECT_GE(at[a], config.axes[a].values.front());
            EXPECT_LE(at[a], config.axes[a].values.back());
        }
        EXPECT_NEAR(evaluate_point(at_point(config, at)).chi2 + prior, result.chi2[i], tolerance);
        for (const double step : {0.1, 0.1, 1e-2, 1e-3}) {
            std::vector<double> near = at;
            for (std::size_t a = 0; a < at.size(); ++a) {
                const std::vector<double>& values = config.axes[a].values;
                if (is_polished(config.axes[a], config)) {
                    const double distance = step * random.uniform(-1, 1) * (values.back() - values.front());
                    near[a] = std::clamp(at[a] + distance, values.front(), values.back());
                }
            }
            EXPECT_GT(reference(near).chi2, result.chi2[i] - tolerance);
        }
    }
}

TEST_P(PolishedScan, leaves_slow_axes_at_their_grid_value) {
    const ScanConfig config = GetParam().config(5);
    const Result result = run(config);
    for (std::size_t p = 0, a = 0; a < config.axes.size(); ++a) {
        if (!config.axes[a].profile || is_polished(config.axes[a], config)) {
            p += config.axes[a].profile;
            continue;
        }
        for (const double value : config.axes[a].values) {
            ScanConfig held = config;
            held.axes[a].values = {value};
            const Result at_value = run(held);
            for (std::size_t i = 0; i < result.chi2.size(); ++i) {
                if (result.profiled_at[p][i] == value) {
                    EXPECT_NEAR(result.chi2[i], at_value.chi2[i], 1e-9 * (1 + result.chi2[i]));
                }
            }
        }
        EXPECT_TRUE(std::get<std::string>(result.attributes.at("profile"))
                        .ends_with(", grid minimum over " + config.axes[a].parameter.name));
        ++p;
    }
}

TEST_F(Polish, says_what_it_minimised_over) {
    const ScanConfig config = cases[0].config(5);
    EXPECT_EQ(std::get<std::string>(run(config).attributes.at("profile")),
              "polished minimum over charge.ee charge_radius.emu.im");
    const Result grid = run(without_polish(config));
    EXPECT_EQ(std::get<std::string>(grid.attributes.at("profile")), "grid minimum");
    for (std::size_t p = 0; p < 2; ++p) {
        const std::vector<double>& values = config.axes[1 + p].values;
        for (const double value : grid.profiled_at[p]) {
            EXPECT_EQ(std::count(values.begin(), values.end(), value), 1);
        }
    }
    EXPECT_NE(Plan(config, Method::moments).hash(), Plan(without_polish(config), Method::moments).hash())
        << "or one would go on with the journal of the other";
}

TEST_F(Polish, stays_between_the_ends_of_an_axis) {
    const auto scan = [](double low, double high) {
        return toy_scan({axis("magnetic_moment.mumu", range(0, 5e-11, 3)), axis("charge.ee", range(low, high, 5), true),
                         axis("toy.flat", range(0.5, 2, 5), true)});
    };
    const Result free = run(scan(-2e-12, 2e-12));
    for (std::size_t i = 0; i < free.chi2.size(); ++i) {
        const double best = free.profiled_at[0][i];
        ASSERT_GT(std::abs(best), 1e-13);
        ASSERT_LT(std::abs(best), 1.9e-12);
        const Result beside = run(scan(best + 1e-14, best + 6e-14));
        EXPECT_EQ(beside.profiled_at[0][i], best + 1e-14);
        EXPECT_GT(beside.chi2[i], free.chi2[i]);
        ScanConfig at_end = scan(best + 1e-14, best + 6e-14);
        at_end.axes[1].values = {best + 1e-14};
        EXPECT_NEAR(beside.chi2[i], run(at_end).chi2[i], 1e-10) << "the other axis is free to follow";
    }
}

TEST_F(Polish, ends_where_the_axis_of_an_angle_does) {
    const auto scan = [](std::vector<double> angles) {
        return toy_scan({axis("theta23", std::move(angles), true), axis("delta", range(-pi, pi, 5), true),
                         axis("toy.signal", range(0.2, 2, 5), true)});
    };
    double last = inf;
    for (const double end : {0.5, 0.4, 0.3}) { // the best is below
        const Result result = run(scan({end, 0.6, 0.7}));
        EXPECT_EQ(result.profiled_at[0][0], end);
        EXPECT_EQ(result.status[0], 0);
        EXPECT_NEAR(result.chi2[0], run(scan({end})).chi2[0], 1e-9) << "the other axes are free to follow";
        EXPECT_LT(result.chi2[0], last);
        last = result.chi2[0];
    }
}

//! A short baseline knows nothing of mixing, in the flavour basis.
TEST_F(Polish, stays_where_nothing_changes) {
    ScanConfig config =
        toy_scan({axis("charge.ee", range(-1e-12, 1e-12, 3), true), axis("theta23", range(0.6, 0.9, 3), true),
                  axis("delta", range(-pi, pi, 3), true), axis("alpha21", range(-2 * pi, 2 * pi, 3), true)});
    config.experiments[0].sources.resize(1);
    const Result result = run(config);
    EXPECT_EQ(result.status[0], 0);
    const Result grid = run(without_polish(config));
    for (const std::size_t p : {1, 2, 3}) {
        EXPECT_EQ(result.profiled_at[p], grid.profiled_at[p]);
    }
    config.axes.resize(1);
    EXPECT_NEAR(result.chi2[0], run(config).chi2[0], 1e-10);
}

TEST_F(Polish, finds_the_minimum_of_the_other_sign) { expect_the_lower_minimum("anapole.ee", -5e-31, 5e-31); }

TEST_F(Polish, finds_the_minimum_in_the_other_octant) { expect_the_lower_minimum("theta23", 0, pi / 2); }

TEST_F(Polish, gives_the_same_bytes_on_any_number_of_threads_and_in_any_units) {
    const int threads = omp_get_max_threads();
    for (std::size_t i = 1; i < cases.size(); i += 3) {
        const Case& c = cases[i];
        omp_set_num_threads(1);
        const Result whole = run(c.config(4));
        for (const int n : {1, 2}) {
            for (const std::int64_t unit_points : {1 << 20, 16, 6}) { // the latter cut slices
                omp_set_num_threads(n);
                const Result result = run(c.config(4), unit_points);
                omp_set_num_threads(threads);
                EXPECT_EQ(result.chi2, whole.chi2) << c.name;
                EXPECT_EQ(result.status, whole.status);
                EXPECT_EQ(result.profiled_at, whole.profiled_at);
            }
        }
    }
}

//! Winners by other methods polish to the same minima.
TEST_F(Polish, goes_with_every_method) {
    const ScanConfig config = cases[0].config(3);
    const Result moments = run(config);
    const Plan plan(config, Method::direct);
    ScanOptions options;
    options.output = folder_ / "direct.h5";
    options.parity_points = 0;
    EXPECT_TRUE(run_scan(plan, *make_cpu_backend(plan), options).finished);
    const Result direct = read_result(options.output);
    for (std::size_t i = 0; i < direct.chi2.size(); ++i) {
        EXPECT_NEAR(direct.chi2[i], moments.chi2[i], 1e-9 * (1 + moments.chi2[i]));
    }
}

TEST_F(Polish, leaves_alone_what_has_no_finite_chi2) {
    ScanConfig config = cases[0].config(3);
    config.experiments[0].backgrounds.clear();
    config.experiments[0].target.units = 0; // nothing is predicted, but there are counts
    const Result result = run(config);
    EXPECT_EQ(result.chi2, std::vector<double>(3, inf));
    EXPECT_EQ(result.status, std::vector<std::uint8_t>(3, static_cast<std::uint8_t>(PointStatus::empty_prediction)));
    EXPECT_EQ(result.profiled_at, run(without_polish(config)).profiled_at);
}

// ---- the surface ------------------------------------------------------------------------------------------------

/// χ² of a scan over its axes, all of them linear; the values of fast ones are to be {0}.
class SurfaceOf {
public:
    explicit SurfaceOf(const ScanConfig& config)
        : plan_(config, Method::moments), unit_(plan_.point_unit(std::vector<std::int64_t>(config.axes.size()))),
          tables_(plan_.tables(unit_)) {
        std::vector<int> coordinates(config.axes.size());
        std::iota(coordinates.begin(), coordinates.end(), 0);
        for (AxisRange& axis_range : unit_.ranges) {
            axis_range.plane_stride = 1;
        }
        surface_ = std::make_unique<Chi2Surface>(tables_->view(), unit_.view(), coordinates);
    }
    const Chi2Surface& operator*() const { return *surface_; }

private:
    Plan plan_;
    WorkUnit unit_;
    std::shared_ptr<const Tables> tables_; // the surface refers to them
    std::unique_ptr<Chi2Surface> surface_;
};

struct SurfaceCase {
    ScanConfig config;
    std::vector<double> low, high; //!< of what its axes are to take
};

//! Mixing, signals and systematics beside an element, in all bases and propagations
std::vector<SurfaceCase> medium_surfaces() {
    std::vector<SurfaceCase> all;
    const auto add = [&](ScanConfig config, const std::vector<double>& low, const std::vector<double>& high) {
        all.push_back({config, low, high});
        for (Experiment& experiment : config.experiments) {
            experiment = gaussian(experiment);
        }
        all.push_back({std::move(config), low, high});
    };
    const std::vector<double> zeros = {0, 0.1, 0.1, 0.1, -3, -6, -6}, ends = {1e-12, 1.4, 1.4, 1.4, 3, 6, 6};
    for (const Basis basis : {Basis::flavour, Basis::mass}) {
        const bool flavour = basis == Basis::flavour;
        std::vector<Axis> axes = {axis(flavour ? "charge.ee" : "charge.11", {0}, false, basis)};
        for (const char* name : {"theta12", "theta13", "theta23", "delta", "alpha21", "alpha31"}) {
            axes.push_back(axis(name, {0.5}, false, basis));
        }
        add(toy_scan(axes, basis), zeros, ends); // exact, decohered, and at a short baseline
        axes.erase(axes.begin() + 1, axes.begin() + 3);
        add(pulsed_scan(axes, basis), {-1e-11, 0.1, -3, -6, -6}, {1e-11, 1.4, 3, 6, 6}); // and solar
    }
    std::vector<Axis> axes = {axis("charge.ee", {0}), axis("delta", {0.5}), axis("toy.signal", {1})};
    const std::vector<double> low = {-1e-12, -3, 0.4, 0.4, -1.5, -0.4}, high = {1e-12, 3, 1.6, 1.6, 1.5, 0.6};
    ScanConfig config = toy_scan(axes);
    config.experiments[0].signal_sigma = 0.2;
    add(config, low, high);
    axes.insert(axes.end(), {axis("toy.flux", {1}), axis("toy.bend", {0}), axis("toy.scale", {2e-3})});
    config.axes = axes;
    config.experiments = {with_systematics(toy_experiment())};
    add(config, low, high);
    config.axes = {axes[0], axes[1], axis("both", {0})};
    config.experiments.push_back(pulsed_experiment());
    config.experiments[1].signal_sigma = 0.25;
    config.shared = {{"both", {{0, "flux"}, {1, Experiment::signal}}}};
    add(config, {-1e-12, -3, -2}, {1e-12, 3, 2});
    return all;
}

/// Three elements and a background at once, both statistics, pulls: one, two, at their bound, on signals, of shapes,
/// and shared
std::vector<ScanConfig> surfaces() {
    ScanConfig config = toy_scan({axis("charge.ee", {0}), axis("magnetic_moment.mumu", {0}),
                                  axis("charge_radius.emu.im", {0}), axis("toy.flat", {0})});
    ScanConfig two_pulls = config, at_bound = config, both = config;
    two_pulls.axes.pop_back();
    at_bound.experiments[0].backgrounds.push_back({"much", {400, 3, 2, 100}, false, inf});
    both.experiments[0] = gaussian(both.experiments[0]);
    both.experiments.push_back(pulsed_experiment());
    std::vector<ScanConfig> all = {config, two_pulls, at_bound, both};
    for (ScanConfig signal_pull : {two_pulls, both}) {
        for (Experiment& experiment : signal_pull.experiments) {
            experiment.signal_sigma = 0.134;
        }
        all.push_back(signal_pull);
    }
    for (ScanConfig shapes : {config, two_pulls, both}) {
        for (Experiment& experiment : shapes.experiments) {
            experiment = with_systematics(experiment);
        }
        all.push_back(shapes);
    }
    ScanConfig& pinned = all[all.size() - 2];
    pinned.fixed.push_back(fix("toy.bend", 0.4));
    pinned.experiments[0].signal_sigma = 0.134;
    ScanConfig shared = all.back();
    shared.shared = {{"both", {{0, "flux"}, {1, "flux"}}}};
    all.push_back(shared);
    return all;
}

TEST(Surface, has_the_values_of_a_scan) {
    std::vector<SurfaceCase> all = medium_surfaces();
    const std::vector<double> y = {-4e-13, 2e-11, 1.2e-31, 1.3};
    for (ScanConfig& config : surfaces()) {
        all.push_back({std::move(config), y, y});
    }
    Random random(5);
    for (auto& [config, low, high] : all) {
        const SurfaceOf surface(config);
        VectorXd at(config.axes.size());
        double prior = 0;
        for (std::size_t i = 0; i < config.axes.size(); ++i) {
            const Parameter& parameter = config.axes[i].parameter;
            const double t = random.uniform(low[i], high[i]);
            config.axes[i].values = {value_of_tabulated(parameter, t, config)};
            at[static_cast<Eigen::Index>(i)] = t;
            prior += prior_of(parameter, config)(t);
        }
        const Plan plan(config, Method::moments);
        UnitResult result;
        make_cpu_backend(plan)->evaluate(plan.unit(0), result);
        EXPECT_NEAR((*surface)(at).value + prior, result.chi2[0], 1e-10 * (1 + result.chi2[0]));
    }
}

TEST(Surface, has_the_derivatives_of_its_values) {
    std::vector<SurfaceCase> all = medium_surfaces();
    for (ScanConfig& config : surfaces()) {
        all.push_back({std::move(config), {-5e-13, -5e-11, -5e-31, 0}, {5e-13, 5e-11, 5e-31, 1}});
    }
    Random random(11);
    for (const auto& [config, low, high] : all) {
        const SurfaceOf surface(config);
        const auto d = static_cast<Eigen::Index>(config.axes.size());
        std::vector<double> unit;
        for (std::size_t i = 0; i < low.size(); ++i) {
            unit.push_back(0.1 * (high[i] - low[i]));
        }
        for (int repeat = 0; repeat < 5; ++repeat) {
            VectorXd y(d);
            for (Eigen::Index i = 0; i < d; ++i) {
                y[i] = random.uniform(low[static_cast<std::size_t>(i)], high[static_cast<std::size_t>(i)]);
            }
            const Derivatives f = (*surface)(y);
            for (Eigen::Index i = 0; i < d; ++i) {
                const double u = unit[static_cast<std::size_t>(i)], h = 1e-4 * u;
                VectorXd step = VectorXd::Zero(d);
                step[i] = h;
                const Derivatives up = (*surface)(y + step), down = (*surface)(y - step);
                const double scale = std::abs(f.gradient[i] * u) + std::abs(f.hessian(i, i) * u * u) + 1;
                EXPECT_NEAR((up.value - down.value) / (2 * h) * u, f.gradient[i] * u, 1e-5 * scale);
                for (Eigen::Index j = 0; j < d; ++j) {
                    const double v = unit[static_cast<std::size_t>(j)];
                    EXPECT_NEAR((up.gradient[j] - down.gradient[j]) / (2 * h) * u * v, f.hessian(i, j) * u * v,
                                1e-5 * (std::abs(f.hessian(i, i) * u * u) + std::abs(f.hessian(j, j) * v * v) + 1));
                }
            }
        }
    }
}

//! A lone moment enters squared.
TEST(Surface, other_root_turns_the_sign_of_an_amplitude) {
    ScanConfig config = toy_scan({axis("magnetic_moment.ee", {0}), axis("toy.flat", {0})});
    std::erase_if(config.fixed,
                  [](const FixedParameter& f) { return f.parameter.name.find("moment") != f.parameter.name.npos; });
    for (const bool is_gaussian : {false, true}) {
        if (is_gaussian) {
            config.experiments = {gaussian(toy_experiment())};
        }
        const VectorXd steps = (*SurfaceOf(config)).other_roots(vector(3e-11, 1.2));
        EXPECT_NEAR(steps[0], -6e-11, 1e-20);
        EXPECT_EQ(steps[1], 0);
    }
}

} // namespace
} // namespace nuscan::testing
