// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include <Eigen/Dense>

#include "backends/reference_model.hpp"
#include "nuscan/prediction.hpp"
#include "scan/degeneracy.hpp"
#include "scan/point.hpp"
#include "scan/statistic_tables.hpp"
#include "temporary_folder.hpp"
#include "toy_experiment.hpp"

/// Nuisance parameters that the data determine in combinations only.
namespace nuscan {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Status = PulledValue::Status;
using Said = std::vector<std::string>;

//! What is said of templates, one a column, in bins whose errors are 1, with priors of weight \p priors
Said said_of(const MatrixXd& templates, const VectorXd& priors, const std::vector<std::string>& names) {
    MatrixXd hessian = templates.transpose() * templates;
    hessian.diagonal() += priors;
    Said said;
    for (const Degeneracy& degeneracy : curvature_of(hessian).degeneracies) {
        said.push_back(describe(degeneracy, names));
    }
    return said;
}

TEST(Curvature, errors_are_those_of_the_inverse) {
    MatrixXd hessian(3, 3);
    hessian << 4e10, 3e3, 1e5, 3e3, 5e-4, 1e-2, 1e5, 1e-2, 7;
    const Curvature curvature = curvature_of(hessian);
    EXPECT_TRUE(curvature.degeneracies.empty());
    const MatrixXd inverse = hessian.inverse();
    for (int k = 0; k < 3; ++k) {
        EXPECT_NEAR(curvature.errors[k], std::sqrt(inverse(k, k)), 1e-10 * curvature.errors[k]);
    }
    EXPECT_EQ(curvature_of(MatrixXd(0, 0)).errors.size(), 0);
}

TEST(Curvature, names_the_combinations) {
    MatrixXd templates(4, 5);
    templates << 20, 10, 0, 3, 1, 20, 10, 0, 1, 2, 20, 10, 0, 4, 3, 20, 10, 0, 1, 5;
    const std::vector<std::string> names{"a", "b", "c", "d", "e"};
    const VectorXd none = VectorXd::Zero(5);
    EXPECT_EQ(said_of(templates, none, names),
              (Said{"a and b are degenerate: only 2 a + b is determined", "nothing depends on c"}));
    MatrixXd H = templates.transpose() * templates;
    const Curvature curvature = curvature_of(H);
    for (const int k : {0, 1, 2}) {
        EXPECT_TRUE(std::isnan(curvature.errors[k])) << k;
    }
    // d and e beside any one of a and b
    MatrixXd others(4, 3);
    others << templates.col(0), templates.rightCols(2);
    const MatrixXd inverse = (others.transpose() * others).inverse();
    EXPECT_NEAR(curvature.errors[3], std::sqrt(inverse(1, 1)), 1e-12);
    EXPECT_NEAR(curvature.errors[4], std::sqrt(inverse(2, 2)), 1e-12);

    templates.col(2) = templates.col(0) - 2 * templates.col(3); // c moves what a and d do
    EXPECT_EQ(said_of(templates, none, names),
              Said{"a, b, c and d are degenerate: only 2 a + b + 2 c and 2 a + b + d are determined"});
    VectorXd priors = none;
    priors[0] = 1; // a measurement of its own
    EXPECT_EQ(said_of(templates, priors, names),
              Said{"b, c and d are degenerate: only b + 2 c and b + d are determined"});
    priors[0] = 1e-20; // and one that says nothing
    EXPECT_EQ(said_of(templates, priors, names),
              Said{"a, b, c and d are degenerate: only 2 a + b + 2 c and 2 a + b + d are determined"});
}

TEST(Curvature, three_of_a_shape_and_two_pairs) {
    MatrixXd templates(4, 5);
    templates << 1, 1, 1, 2, -4, 2, 2, 2, 1, -2, 3, 3, 3, 7, -14, 4, 4, 4, 0, 0;
    EXPECT_EQ(said_of(templates, VectorXd::Zero(5), {"a", "b", "c", "d", "e"}),
              (Said{"a, b and c are degenerate: only a + b + c is determined",
                    "d and e are degenerate: only d - 2 e is determined"}));
}

//! Eigenvalues of two templates whose cosine is 1 − x are x and 2 − x.
TEST(Curvature, the_threshold) {
    const auto is_determined = [](double x) {
        MatrixXd hessian(2, 2);
        hessian << 1e4, 1e2 * (1 - x), 1e2 * (1 - x), 1; // units of one are a hundred times those of the other
        return !std::isnan(curvature_of(hessian).errors[1]);
    };
    EXPECT_TRUE(is_determined(1.01e-8));
    EXPECT_FALSE(is_determined(0.99e-8));
    EXPECT_FALSE(is_determined(0));
}

// ---- points -----------------------------------------------------------------------------------------------------

//! A toy experiment with two backgrounds of one shape, the second half of the first
Experiment twins(Experiment x) {
    x.backgrounds[1] = x.backgrounds[0];
    x.backgrounds[1].name = "steep";
    for (double& counts : x.backgrounds[1].counts) {
        counts /= 2;
    }
    x.backgrounds[0].sigma = x.backgrounds[1].sigma = constants::infinity;
    return x;
}

const Said twins_said{"toy.flat and toy.steep are degenerate: only 2 toy.flat + toy.steep is determined"};

void expect_not_determined(const PulledValue& pull) {
    EXPECT_EQ(pull.status, Status::not_determined) << pull.name;
    EXPECT_TRUE(std::isnan(pull.error)) << pull.name;
}

TEST(Degeneracy, two_backgrounds_of_a_shape) {
    for (const int kind : {0, 1, 2, 3}) {
        SCOPED_TRACE(kind);
        ScanConfig config = testing::toy_scan({});
        Experiment& x = config.experiments[0];
        x = twins(x);
        x.signal_sigma = 0.1;
        if (kind == 1) {
            x = testing::gaussian(x);
        } else if (kind == 2) {
            x = testing::correlated(x);
        } else if (kind == 3) { // what acts together
            x = testing::toy_experiment();
            x.systematics = {testing::with_systematics(x).systematics[0]};
            x.backgrounds.push_back(x.backgrounds[1]);
            x.backgrounds.back().name = "third";
        }
        const PointReport report = evaluate_point(config);
        if (kind == 3) {
            EXPECT_EQ(report.degeneracies,
                      Said{"toy.steep and toy.third are degenerate: only toy.steep + toy.third is determined"});
            EXPECT_EQ(report.experiments[0].pulls[0].status, Status::fitted);
            expect_not_determined(report.experiments[0].pulls[1]);
            expect_not_determined(report.experiments[0].pulls[2]);
            continue;
        }
        EXPECT_EQ(report.degeneracies, twins_said);
        const std::vector<PulledValue>& pulls = report.experiments[0].pulls;
        ASSERT_EQ(pulls.size(), 3u);
        expect_not_determined(pulls[0]);
        expect_not_determined(pulls[1]);
        EXPECT_EQ(pulls[2].status, Status::fitted);
        // One of the two is enough, and gives the same χ² and the same error of the signal.
        x.backgrounds[1].sigma = 0;
        for (double& counts : x.backgrounds[1].counts) {
            counts = 0;
        }
        const PointReport one = evaluate_point(config);
        EXPECT_TRUE(one.degeneracies.empty());
        EXPECT_NEAR(one.chi2, report.chi2, 1e-9 * (1 + one.chi2));
        EXPECT_NEAR(one.experiments[0].pulls[1].error, pulls[2].error, 1e-9);
        EXPECT_NEAR(2 * one.experiments[0].pulls[0].value, 2 * pulls[0].value + pulls[1].value, 1e-6);
    }
}

//! Each alone has a background of its own; shared and free, they have one together.
TEST(Degeneracy, shapes_that_experiments_share) {
    ScanConfig config = testing::toy_scan({});
    config.experiments = {twins(testing::toy_experiment("toy")), twins(testing::toy_experiment("other"))};
    config.experiments[0].backgrounds[1].sigma = 0.3;
    config.shared = {{"both", {{0, "flat"}, {1, "flat"}}}};
    const PointReport report = evaluate_point(config);
    EXPECT_TRUE(report.degeneracies.empty()) << "toy.steep is known, and so is the shared one, and other.steep by that";
    config.experiments[0].backgrounds[1].sigma = constants::infinity;
    EXPECT_EQ(
        evaluate_point(config).degeneracies,
        Said{"toy.steep, other.steep and both are degenerate: only toy.steep - other.steep and toy.steep + 2 both "
             "are determined"});
    const PointReport shared = evaluate_point(config);
    ASSERT_EQ(shared.shared.size(), 1u);
    expect_not_determined(shared.shared[0]);
    expect_not_determined(shared.experiments[1].pulls[0]);
}

TEST(Degeneracy, a_pull_at_its_bound_is_not_degenerate) {
    ScanConfig config = testing::toy_scan({});
    Experiment& x = config.experiments[0];
    x.counts = {0, 0, 0, 0}; // χ² = 2 Σ N falls all the way to no background at all
    x.backgrounds[0].sigma = constants::infinity;
    PointReport report = evaluate_point(config);
    EXPECT_TRUE(report.degeneracies.empty());
    for (const PulledValue& pull : report.experiments[0].pulls) {
        EXPECT_EQ(pull.value, 0) << pull.name;
        EXPECT_EQ(pull.status, Status::at_bound) << pull.name;
        EXPECT_TRUE(std::isnan(pull.error)) << pull.name;
    }
    // The other one then has the error that it has alone.
    x = testing::toy_experiment();
    x.backgrounds[1].counts = {5, 1, 1, 40};
    x.counts = {31, 28, 45, 10};
    report = evaluate_point(config);
    ASSERT_EQ(report.experiments[0].pulls[1].status, Status::at_bound);
    x.backgrounds[1] = {"steep", {0, 0, 0, 0}, false, 0};
    EXPECT_NEAR(evaluate_point(config).experiments[0].pulls[0].error, report.experiments[0].pulls[0].error, 1e-12);
}

//! A free shape of the first background: counts at +1, and as much less at −1
Systematic free_shape(const std::string& name, const std::vector<double>& added) {
    Systematic s;
    s.name = name;
    s.kind = Systematic::Kind::shape;
    s.sigma = constants::infinity;
    s.n_knots = 2;
    s.effects = {{0, added}};
    for (const double count : added) {
        s.effects[0].added.push_back(-count);
    }
    return s;
}

/// Bins without counts, χ² = 2 Σ max(0, N_b), have no curvature: it falls with 5 − 3z until it rises with 2 + 4z too.
TEST(Degeneracy, a_shape_that_a_kink_holds) {
    ScanConfig config = testing::toy_scan({});
    Experiment& x = config.experiments[0];
    x.sources.clear();
    x.counts = {0, 0, 30, 10};
    x.backgrounds = {{"known", {5, 2, 30, 10}, false, 0}};
    x.systematics = {free_shape("tilt", {-3, 4, 0, 0})};
    const auto pull = [](const PointReport& report, std::size_t i) { return report.experiments[0].pulls[i]; };
    PointReport report = evaluate_point(config);
    EXPECT_NEAR(report.chi2, 13, 1e-8);
    EXPECT_NEAR(pull(report, 0).value, -0.5, 1e-8);
    EXPECT_EQ(pull(report, 0).status, Status::at_bound);
    EXPECT_TRUE(std::isnan(pull(report, 0).error));
    EXPECT_TRUE(report.degeneracies.empty());

    // Beside one that other bins determine
    x.systematics.push_back(free_shape("other", {0, 1, 3, 1}));
    report = evaluate_point(config);
    EXPECT_EQ(pull(report, 0).status, Status::at_bound);
    EXPECT_EQ(pull(report, 1).status, Status::fitted);
    EXPECT_GT(pull(report, 1).error, 0);
    EXPECT_TRUE(report.degeneracies.empty());

    // Beside one that moves the same bins: a combination is open.
    x.systematics[1] = free_shape("other", {-6, 8, 0, 0});
    report = evaluate_point(config);
    EXPECT_EQ(report.degeneracies,
              Said{"toy.tilt and toy.other are degenerate: only toy.tilt + 2 toy.other is determined"});
    expect_not_determined(pull(report, 0));
    expect_not_determined(pull(report, 1));

    // Where χ² stays least on one side of the kink, nothing holds it.
    x.systematics = {free_shape("tilt", {0, 4, 0, 0})};
    report = evaluate_point(config);
    expect_not_determined(pull(report, 0));
}

TEST(Degeneracy, a_free_signal_that_is_zero) {
    ScanConfig config = testing::toy_scan({});
    config.experiments[0].signal_sigma = constants::infinity;
    config.experiments[0].sources.clear();
    const PointReport report = evaluate_point(config);
    EXPECT_EQ(report.degeneracies, Said{"nothing depends on toy.signal"});
    EXPECT_EQ(report.experiments[0].pulls[0].status, Status::fitted);
}

// ---- with axes --------------------------------------------------------------------------------------------------

//! Nuclear recoils on one nuclide, whose rate goes with the square of the weak charge, at all energies alike
ScanConfig one_nuclide(const std::string& uncertainty, const std::string& background) {
    const test::TemporaryFolder folder;
    folder.write("experiment.toml",
                 "name = \"toy\"\ntitle = \"toy\"\ncitation = \"none\"\n[exposure]\nmass = \"300 kg\"\n"
                 "live_time = \"200 d\"\n[target]\nnuclide = \"Ar40\"\n[[channel]]\nscattering = "
                 "\"nucleus\"\n[bins]\nmin = \"1 keV\"\nmax = \"2 keV\"\nnumber = 3\ncounts = [90, 50, "
                 "40]\n[[source]]\ntype = \"reactor\"\nname = \"core\"\nspectrum = \"huber-mueller\"\n"
                 "low_energy = \"vogel-engel\"\npower = \"3 GW\"\nbaseline = \"60 m\"\n[signal]\n"
                 "uncertainty = " +
                     uncertainty + "\n[[background]]\nname = \"flat\"\ncounts = [20, 20, 20]\n" +
                     "uncertainty = " + background + "\n");
    return read_scan_config(folder.write("scan.toml", "title = \"t\"\n[[experiment]]\nfile = \"experiment.toml\"\n"
                                                      "[[axis]]\nparameter = \"sin2_theta_w\"\nmin = 0.1\nmax = 0.4\n"
                                                      "points = 31\n"));
}

TEST(Degeneracy, a_free_signal_and_the_weak_mixing_angle) {
    const ScanConfig config = one_nuclide("\"free\"", "0.1");
    const PointReport held = evaluate_point(at_point(config, {0.25}));
    EXPECT_TRUE(held.degeneracies.empty());
    EXPECT_EQ(held.experiments[0].pulls[1].status, Status::fitted);
    const PointReport fitted = evaluate_best_fit(config, {0.25});
    EXPECT_EQ(fitted.degeneracies,
              Said{"toy.signal and sin2_theta_w are degenerate: no more than combinations are determined"});
    expect_not_determined(fitted.experiments[0].pulls[1]);
    EXPECT_EQ(fitted.experiments[0].pulls[0].error, held.experiments[0].pulls[0].error);
    EXPECT_EQ(fitted.chi2, held.chi2);
}

TEST(Degeneracy, a_free_signal_and_the_distance) {
    ScanConfig config = one_nuclide("\"free\"", "\"free\"");
    config.axes[0].parameter.kind = Parameter::Kind::baseline;
    config.axes[0].parameter.name = "toy.baseline";
    config.axes[0].parameter.experiment = "toy";
    config.axes[0].values = {30, 60, 90};
    EXPECT_EQ(evaluate_best_fit(config, {60}).degeneracies,
              Said{"toy.signal and toy.baseline are degenerate: no more than combinations are determined"});
}

TEST(Degeneracy, none_where_the_data_tell) {
    EXPECT_TRUE(evaluate_best_fit(one_nuclide("0.1", "\"free\""), {0.25}).degeneracies.empty());
    ScanConfig config = one_nuclide("\"free\"", "0.1"); // a moment's recoils have a spectrum of their own
    Parameter moment;
    moment.name = "magnetic_moment.ee";
    moment.form_factor = FormFactor::magnetic_moment;
    moment.part = Parameter::Part::diagonal;
    config.axes[0].parameter = moment;
    config.axes[0].values = {0, 1e-9};
    EXPECT_TRUE(evaluate_best_fit(config, {5e-10}).degeneracies.empty());
    EXPECT_TRUE(evaluate_best_fit(config, {0}).degeneracies.empty())
        << "where rates do not depend on it to first order";
}

// ---- the fit itself ---------------------------------------------------------------------------------------------

/// However degenerate the templates, and however large the counts: the minimum is that of the reference.
TEST(Degeneracy, the_minimum_is_found) {
    std::mt19937_64 random(20);
    const auto uniform = [&](double low, double high) {
        return std::uniform_real_distribution<double>(low, high)(random);
    };
    for (int repeat = 0; repeat < 400; ++repeat) {
        const std::size_t n_bins = 1 + random() % 6, n_pulls = 2 + random() % 4;
        const double size = std::pow(10., uniform(-1, 9));
        std::vector<std::vector<double>> templates(n_pulls, std::vector<double>(n_bins));
        std::vector<double> sigmas, fixed(n_bins), counts(n_bins), all;
        for (std::size_t k = 0; k < n_pulls; ++k) {
            for (std::size_t b = 0; b < n_bins; ++b) {
                templates[k][b] = size * uniform(0.1, 1);
            }
            if (k > 0 && random() % 4 != 0) { // a multiple of another, or the sum of two
                const std::vector<double>& one = templates[random() % k];
                const std::vector<double>& two = templates[random() % k];
                const double a = uniform(0.1, 3), c = random() % 2 == 0 ? 0 : uniform(0.1, 3);
                for (std::size_t b = 0; b < n_bins; ++b) {
                    templates[k][b] = a * one[b] + c * two[b];
                }
            }
            sigmas.push_back(random() % 4 == 0 ? std::pow(10., uniform(-2, 4)) : constants::infinity);
            all.insert(all.end(), templates[k].begin(), templates[k].end());
        }
        for (std::size_t b = 0; b < n_bins; ++b) {
            fixed[b] = random() % 2 == 0 ? size * uniform(0, 1) : 0;
            counts[b] = std::round(size * uniform(0, 3));
        }
        const StatisticTables tables(counts, all, sigmas);
        const StatisticView view = tables.view();
        std::vector<double> nominal = fixed, xi(max_pulls);
        for (std::size_t b = 0; b < n_bins; ++b) {
            for (std::size_t k = 0; k < n_pulls; ++k) {
                nominal[b] += templates[k][b];
            }
        }
        const Chi2 chi2 = poisson_chi2(TabulatedRatios{nominal.data(), view.inverse_units, nullptr}, view, xi.data());
        const ReferenceFit reference = reference_fit(counts, fixed, templates, sigmas);
        ASSERT_EQ(chi2.status, reference.status) << repeat;
        // what rounding of n ln n leaves
        const double rounding = 1e-14 * size * static_cast<double>(n_bins) * std::log(2 + size);
        ASSERT_NEAR(chi2.value, reference.chi2, 1e-8 * (1 + reference.chi2) + rounding) << repeat << ", size " << size;
    }
}

} // namespace
} // namespace nuscan
