// SPDX-License-Identifier: Apache-2.0
// One suite for every back end: each evaluates the same scans by the same units and must agree.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <future>
#include <map>
#include <tuple>

#include "backend_suite.hpp"
#include "config/error.hpp"
#include "sanitized.hpp"
#include "toy_experiment.hpp"

namespace nuscan {
namespace {

using testing::axis;
using testing::config_for;
using testing::Implementation;
using testing::make_baseline;
using testing::range;
using testing::Scan;
using testing::scans;
using testing::toy_scan;

} // namespace

std::vector<Scan> testing::scans() {
    constexpr auto mass = Basis::mass;
    const double pi = constants::pi;
    std::vector<Scan> all;
    all.push_back({"modulus and argument of one element span a plane",
                   toy_scan({axis("charge.emu.abs", range(0, 2e-12, 4)), axis("charge.emu.arg", range(-pi, 2.8, 5))})});
    all.push_back({"argument outside its modulus' plane, mixing phase outside both",
                   toy_scan({axis("magnetic_moment.emu.arg", range(0.3, 5, 3)), axis("delta", range(0.4, 4, 2)),
                             axis("magnetic_moment.emu.abs", range(0, 6e-11, 3)),
                             axis("charge_radius.emu.im", range(-4e-31, 4e-31, 4))})});
    all.push_back(
        {"mass basis, profiled line", toy_scan({axis("charge_radius.13.im", range(-3e-31, 5e-31, 4), false, mass),
                                                axis("theta23", range(0.6, 0.9, 2), true, mass),
                                                axis("charge.12.re", range(-1e-12, 1e-12, 5), true, mass)},
                                               mass)});
    all.push_back(
        {"profiled row and plane, kept line", toy_scan({axis("anapole.ee", range(-3e-32, 5e-32, 3), true),
                                                        axis("electric_moment.mutau.re", range(-2e-11, 2e-11, 3), true),
                                                        axis("charge.universal", range(-1e-12, 1e-12, 32))})});
    all.push_back({"weak mixing angle against a background's normalisation",
                   toy_scan({axis("sin2_theta_w", range(0.18, 0.29, 4)), axis("toy.flat", range(0, 2.5, 5))})});
    all.push_back({"no fast axis", toy_scan({axis("theta12", range(0.4, 0.8, 3)), axis("theta13", range(0, 0.3, 3))})});
    all.push_back({"everything profiled", toy_scan({axis("charge.tautau", range(-1e-12, 1e-12, 4), true),
                                                    axis("magnetic_moment.mumu", range(0, 5e-11, 4), true)})});
    all.push_back({"far outside the allowed region",
                   toy_scan({axis("charge.ee", range(-3e-10, 3e-10, 5)), axis("toy.steep", range(0, 9, 3))})});
    Scan two{"two experiments, Majorana phases as axes",
             toy_scan({axis("alpha21", range(-1, 2, 2), false, mass), axis("alpha31", range(0.2, 3, 2), false, mass),
                       axis("charge.12.im", range(-1e-12, 1e-12, 3), false, mass)},
                      mass)};
    two.config.experiments.push_back(testing::toy_experiment("other"));
    two.config.experiments[1].sources.pop_back();
    two.config.experiments[1].backgrounds.pop_back();
    all.push_back(two);

    all.push_back(
        {"nuclei: charge against radius", testing::pulsed_scan({axis("charge.emu.arg", range(-3, 2, 3)),
                                                                axis("charge_radius.mumu", range(-5e-31, 4e-31, 4)),
                                                                axis("charge.mumu", range(-4e-10, 3e-10, 4))})});
    all.push_back({"weak mixing angle with radiative couplings, solar angle as an outer axis",
                   testing::pulsed_scan({axis("theta12", range(0.5, 0.7, 2)),
                                         axis("magnetic_moment.etau.re", range(-3e-10, 4e-10, 3), true),
                                         axis("sin2_theta_w", range(0.2, 0.28, 3))})});
    all.push_back({"slow axes: splitting kept, neutron radius profiled",
                   testing::pulsed_scan({axis("charge.ee", range(-1e-10, 3e-10, 3)), axis("dm31", {2.4e-3, 2.6e-3}),
                                         axis("neutron_radius.Y133", {4.9, 5.1}, true)})});
    all.push_back({"slow axes alone", testing::pulsed_scan({axis("pulsed.baseline", {2e4, 3e4}),
                                                            axis("proton_radius.X40", {3.3, 3.5}, true)})});
    Scan far{"slow axis: splitting, of a far source",
             toy_scan({axis("dm31", {2.4e-3, 2.6e-3}), axis("magnetic_moment.emu.arg", range(-2, 3, 3)),
                       axis("charge.emu.abs", range(0, 1e-12, 3), true)})};
    far.config.experiments[0].sources[1].baseline = 3000;
    all.push_back(far);
    Scan whitened{"slow axis of a Gaussian experiment with pulls, beside another that it leaves alone",
                  testing::pulsed_scan({axis("theta12", {0.5, 0.7}, true), axis("charge.ee", range(-1e-10, 3e-10, 3)),
                                        axis("charge_radius.mumu", range(-5e-31, 4e-31, 4))})};
    whitened.config.experiments = {testing::gaussian(testing::pulsed_experiment()), testing::toy_experiment()};
    whitened.config.experiments[0].backgrounds[0].sigma = 0.3;
    all.push_back(whitened);
    Scan total{"total charge radius", testing::pulsed_scan({axis("charge_radius.ee", range(-4e-32, 1e-32, 3)),
                                                            axis("charge_radius.tautau", range(-2e-32, 1e-32, 3))})};
    total.config.neutrino.charge_radius_mode = ChargeRadiusMode::total;
    all.push_back(total);
    all.push_back({"Majorana moments and phases",
                   testing::majorana_scan({axis("alpha21", {0.4, 2}, false, mass, true),
                                           axis("majorana_moment.2.abs", range(0, 5e-10, 3), false, mass, true),
                                           axis("majorana_moment.2.arg", range(0.3, 5, 3), true, mass, true)})});
    Scan both{
        "an experiment with tree, one with radiative couplings",
        toy_scan({axis("charge_radius.mumu", range(-3e-31, 3e-31, 3)), axis("charge.etau.im", range(0, 1e-12, 3))})};
    both.config.experiments.push_back(testing::pulsed_experiment());
    all.push_back(both);

    Scan pulled{"pull on the signal beside two on backgrounds", all[0].config};
    pulled.config.experiments[0].signal_sigma = 0.134;
    all.push_back(pulled);
    pulled = {"free signal, and an axis for a background", all[7].config};
    pulled.config.experiments[0].signal_sigma = constants::infinity;
    all.push_back(pulled);
    pulled = {"pull on the signal of one experiment of two", both.config};
    pulled.config.experiments[1].signal_sigma = 0.3;
    pulled.config.experiments[1].backgrounds[0].sigma = 0;
    all.push_back(pulled);
    pulled = {"the signal's normalisation as an axis, with its prior",
              toy_scan({axis("charge.ee", range(-1e-12, 1e-12, 9)), axis("toy.signal", {0, 0.5, 1.25}, true)})};
    pulled.config.experiments[0].signal_sigma = 0.2;
    all.push_back(pulled);

    Scan gaussian{"Gaussian: modulus and argument of one element", all[0].config};
    gaussian.config.experiments[0] = testing::gaussian(testing::toy_experiment());
    all.push_back(gaussian);
    gaussian = {"Gaussian: profiled row and plane, errors from the counts", all[3].config};
    gaussian.config.experiments[0].statistic = Statistic::gaussian;
    all.push_back(gaussian);
    gaussian = {"Gaussian: weak mixing angle against a background's normalisation", all[4].config};
    gaussian.config.experiments[0].statistic = Statistic::gaussian;
    all.push_back(gaussian);
    gaussian = {"Gaussian, far outside the allowed region", all[7].config};
    gaussian.config.experiments[0].statistic = Statistic::gaussian;
    all.push_back(gaussian);
    gaussian = {"one experiment Gaussian, one Poisson", both.config};
    gaussian.config.experiments[0].statistic = Statistic::gaussian;
    all.push_back(gaussian);
    gaussian = {"two Gaussian experiments, more points than lanes",
                toy_scan({axis("charge_radius.mumu", range(-3e-31, 3e-31, 3), true),
                          axis("charge.etau.im", range(0, 1e-12, 37))})};
    gaussian.config.experiments = {testing::gaussian(testing::toy_experiment()),
                                   testing::gaussian(testing::pulsed_experiment())};
    all.push_back(gaussian);
    gaussian = {"Gaussian, with a pull on the signal of one experiment of two", gaussian.config};
    gaussian.config.experiments[0].signal_sigma = 0.134;
    all.push_back(gaussian);
    gaussian = {"Gaussian and Poisson, free signals, far outside the allowed region", both.config};
    gaussian.config.axes[0].values = range(-3e-29, 3e-29, 3);
    gaussian.config.experiments[0].statistic = Statistic::gaussian;
    gaussian.config.experiments[0].signal_sigma = constants::infinity;
    gaussian.config.experiments[1].signal_sigma = constants::infinity;
    all.push_back(gaussian);
    for (const bool profiled : {false, true}) {
        gaussian = {profiled ? "Gaussian, profiled row longer than a block" : "Gaussian, kept row longer than a block",
                    toy_scan({axis("charge_radius.mumu", range(-3e-31, 3e-31, 2)),
                              axis("charge.ee", range(-1e-12, 1e-12, 150), profiled)})};
        gaussian.config.experiments = {testing::gaussian(testing::toy_experiment())};
        all.push_back(gaussian);
    }
    gaussian = {"Gaussian with correlated errors", all[0].config};
    gaussian.config.experiments[0] = testing::correlated(testing::toy_experiment());
    all.push_back(gaussian);
    gaussian = {"correlated errors with a pull on the signal, and Poisson", both.config};
    gaussian.config.experiments[0] = testing::correlated(testing::toy_experiment());
    gaussian.config.experiments[0].signal_sigma = 0.134;
    all.push_back(gaussian);
    for (const bool profiled : {false, true}) {
        for (const double sigma : {1e-3, constants::infinity}) {
            gaussian = {std::string(sigma < 1 ? "tight" : "free") + " Gaussian signal, " +
                            (profiled ? "profiled" : "kept") + " row longer than a block, from nothing to far outside",
                        toy_scan({axis("charge_radius.emu.im", {-3e-31, 1e-29, 4e-28}),
                                  axis("charge.emu.abs", range(0, 1e-9, 150), profiled)})};
            gaussian.config.experiments = {testing::gaussian(testing::toy_experiment())};
            gaussian.config.experiments[0].signal_sigma = sigma;
            all.push_back(gaussian);
        }
    }
    gaussian = {"a million Gaussian counts a bin with a pull on the signal, argument along the line",
                toy_scan({axis("charge.emu.abs", {0, 1e-12, 1e-10}), axis("charge.emu.arg", range(-pi, 2.8, 70))})};
    gaussian.config.experiments[0].signal_sigma = 0.2;
    gaussian.config.experiments[0].statistic = Statistic::gaussian;
    gaussian.config.experiments[0].live_time *= 2e4;
    gaussian.config.experiments[0].counts = {1.1e6, 9e5, 1.3e6, 2e6};
    all.push_back(gaussian);
    gaussian = {
        "pulls on the signals of four Gaussian experiments of five, a background along the line",
        toy_scan({axis("magnetic_moment.emu.arg", range(-pi, 2.8, 9)), axis("toy.flat", range(0, 2.5, 35), true)})};
    gaussian.config.experiments = {testing::gaussian(testing::toy_experiment())};
    for (const double sigma : {0., 0.05, 0.4, constants::infinity}) {
        gaussian.config.experiments.push_back(testing::gaussian(testing::pulsed_experiment()));
        gaussian.config.experiments.back().name = "with sigma " + std::to_string(sigma);
        gaussian.config.experiments.back().signal_sigma = sigma;
    }
    gaussian.config.experiments[0].signal_sigma = 0.134;
    all.push_back(gaussian);
    gaussian = {"no signal, but free Gaussian normalisation", all[7].config};
    gaussian.config.experiments[0].statistic = Statistic::gaussian;
    gaussian.config.experiments[0].signal_sigma = constants::infinity;
    for (Source& source : gaussian.config.experiments[0].sources) {
        source.flux = 0;
    }
    all.push_back(gaussian);
    gaussian = {"Gaussian without a fast axis", all[5].config};
    gaussian.config.experiments[0] = testing::gaussian(testing::toy_experiment());
    all.push_back(gaussian);

    Scan shapes{"systematics of every kind", all[0].config};
    shapes.config.experiments[0] = testing::with_systematics(testing::toy_experiment());
    all.push_back(shapes);
    shapes = {"systematics, a background's normalisation and a profiled axis", all[4].config};
    shapes.config.experiments[0] = testing::with_systematics(testing::toy_experiment());
    shapes.config.experiments[0].signal_sigma = 0.3;
    shapes.config.axes[0].profile = true;
    all.push_back(shapes);
    shapes = {"systematics of components whose own normalisations are given",
              toy_scan({axis("toy.signal", {0, 0.6, 1.4}), axis("toy.flat", range(0, 2, 3), true),
                        axis("charge.ee", range(-1e-12, 1e-12, 3))})};
    shapes.config.experiments[0] = testing::with_systematics(testing::toy_experiment());
    shapes.config.experiments[0].signal_sigma = 0.3;
    all.push_back(shapes);
    shapes.name = "the same, fixed";
    shapes.config.axes = {axis("charge.ee", range(-1e-12, 1e-12, 3))};
    shapes.config.fixed.push_back(testing::fix("toy.signal", 1.4));
    shapes.config.fixed.push_back(testing::fix("toy.flat", 0.7));
    all.push_back(shapes);
    shapes = {"Gaussian, systematics of every kind", all[3].config};
    shapes.config.experiments[0] = testing::with_systematics(testing::gaussian(testing::toy_experiment()));
    all.push_back(shapes);
    shapes = {"systematics as axes and fixed",
              toy_scan({axis("toy.bend", {-1.5, 0, 0.4}), axis("charge.ee", range(-3e-13, 1e-12, 4)),
                        axis("toy.scale", {1.4e-3, 2e-3, 3.1e-3}, true)})};
    shapes.config.experiments[0] = testing::with_systematics(testing::toy_experiment());
    shapes.config.fixed.push_back(testing::fix("toy.flux", 1.1));
    all.push_back(shapes);
    shapes.name = "a shape that takes predictions below zero";
    shapes.config.experiments[0] = testing::with_deep_shape(testing::toy_experiment());
    shapes.config.fixed.pop_back();
    all.push_back(shapes);
    shapes = {"systematics that two experiments share, one of them Gaussian", both.config};
    shapes.config.experiments[0] = testing::with_systematics(testing::toy_experiment());
    shapes.config.experiments[1] = testing::gaussian(shapes.config.experiments[1]);
    shapes.config.experiments[1].signal_sigma = 0.25;
    shapes.config.shared = {{"both", {{0, "flux"}, {1, Experiment::signal}}}};
    all.push_back(shapes);
    shapes.name = "a shared systematic as an axis";
    shapes.config.axes[0] = axis("both", {-1, 0.5, 2});
    all.push_back(shapes);
    return all;
}

ScanConfig testing::config_for(const Scan& scan, Method method) {
    ScanConfig config = scan.config;
    for (Experiment& experiment : config.experiments) {
        if (method == Method::collapsed) {
            experiment.statistic = Statistic::gaussian;
            experiment.systematics.clear();
            if (experiment.sigma.empty() && experiment.covariance.empty()) { // the root of no counts is no error
                for (const double n : experiment.counts) {
                    experiment.sigma.push_back(std::sqrt(std::max(1., n)));
                }
            }
        }
    }
    if (method == Method::collapsed) {
        config.shared.clear();
        const auto is_systematic = [](const auto& x) { return x.parameter.kind == Parameter::Kind::systematic; };
        std::erase_if(config.axes, is_systematic);
        std::erase_if(config.fixed, is_systematic);
    }
    return config;
}

namespace {

class Backends : public ::testing::TestWithParam<Implementation> {
protected:
    void SetUp() override {
        const Plan plan(config_for({"", toy_scan({axis("charge.ee", {0, 1})})}, GetParam().method), GetParam().method);
        if (!GetParam().make(plan)) {
            GTEST_SKIP() << "needs " << GetParam().needs;
        }
    }
};

//! The tolerance between back ends and methods: 1e-9 + 1e-12 (χ² + √χ² S), S bounded by the counts that can appear
double tolerance(double chi2, const ScanConfig& config) {
    double counts = 0;
    for (const Experiment& experiment : config.experiments) {
        for (const double n : experiment.counts) {
            counts += n;
        }
    }
    return 1e-9 + 1e-12 * (chi2 + std::sqrt(chi2) * (counts + chi2));
}

TEST_P(Backends, AgreeWithMomentsOnOneThread) {
    for (const Scan& scan : scans()) {
        SCOPED_TRACE(scan.name);
        const Plan plan(config_for(scan, GetParam().method), GetParam().method);
        const auto backend = GetParam().make(plan);
        const Plan baseline_plan(config_for(scan, GetParam().method), Method::moments);
        if (GetParam().method == Method::direct && plan.n_points() > (testing::sanitized ? 40 : 200)) {
            continue; // it takes points one by one, and its time: long rows are for the others
        }
        const auto baseline = make_baseline(baseline_plan);
        ASSERT_EQ(plan.n_units(), baseline_plan.n_units());
        for (std::uint64_t u = 0; u < plan.n_units(); ++u) {
            UnitResult ours, theirs;
            backend->evaluate(plan.unit(u), ours);
            baseline->evaluate(baseline_plan.unit(u), theirs);
            ASSERT_EQ(ours.chi2.size(), theirs.chi2.size());
            for (std::size_t i = 0; i < ours.chi2.size(); ++i) {
                EXPECT_NEAR(ours.chi2[i], theirs.chi2[i], tolerance(theirs.chi2[i], scan.config)) << "kept point " << i;
                EXPECT_EQ(ours.status[i], theirs.status[i]);
            }
            EXPECT_EQ(ours.profile_index, theirs.profile_index);
            EXPECT_EQ(ours.profile_index.size(), plan.profiled_axes().empty() ? 0 : ours.chi2.size());
        }
    }
}

//! χ² of the reference, which takes its time: a point is worked out once, for all implementations that a process tests
double reference_chi2(const Scan& scan, const Plan& plan, const std::vector<std::int64_t>& indices) {
    static std::map<std::tuple<std::string, bool, std::vector<std::int64_t>>, double> known;
    const auto [at, is_new] = known.try_emplace({scan.name, plan.method() == Method::collapsed, indices}, 0.);
    if (is_new) {
        UnitResult result;
        make_reference_backend(plan)->evaluate(plan.point_unit(indices), result);
        at->second = result.chi2[0];
    }
    return at->second;
}

TEST_P(Backends, AgreeWithTheReference) {
    for (const Scan& scan : scans()) {
        SCOPED_TRACE(scan.name);
        const Plan plan(config_for(scan, GetParam().method), GetParam().method);
        const auto backend = GetParam().make(plan);
        // Corners and a few points inside
        constexpr int first = testing::sanitized ? 2 : 0, end = testing::sanitized ? 3 : 4;
        const auto& axes = plan.config().axes;
        for (int sample = first; sample < end; ++sample) {
            std::vector<std::int64_t> indices;
            for (std::size_t a = 0; a < axes.size(); ++a) {
                const auto size = static_cast<std::int64_t>(axes[a].values.size());
                indices.push_back(sample == 0 ? 0 : (sample == 1 ? size - 1 : (sample + static_cast<int>(a)) % size));
            }
            UnitResult ours;
            backend->evaluate(plan.point_unit(indices), ours);
            // Quadrature is good to 1e-8 of every bin, which χ² magnifies where it is steep.
            const double chi2 = reference_chi2(scan, plan, indices);
            EXPECT_NEAR(ours.chi2[0], chi2, 1e-8 * (1 + chi2 + std::sqrt(chi2) * 30)) << "sample " << sample;
        }
    }
}

TEST_P(Backends, GiveAPointTheSameBytesAloneAndInItsUnit) {
    const Scan scan = scans()[1];
    const Plan plan(config_for(scan, GetParam().method), GetParam().method);
    const auto backend = GetParam().make(plan);
    UnitResult whole;
    backend->evaluate(plan.unit(0), whole);
    ASSERT_EQ(whole.chi2.size(), 3u * 2 * 3 * 4);
    for (std::int64_t i = 0; i < 3 * 2 * 3 * 4; ++i) {
        UnitResult alone;
        backend->evaluate(plan.point_unit({i / 24, i / 12 % 2, i / 4 % 3, i % 4}), alone);
        EXPECT_EQ(alone.chi2[0], whole.chi2[static_cast<std::size_t>(i)]) << i;
    }
}

TEST_P(Backends, GiveAUnitTheSameBytesWhateverCameBefore) {
    const std::vector<Scan> all = scans();
    const auto scan = std::find_if(all.begin(), all.end(), [](const Scan& x) { return x.name == "slow axes alone"; });
    const Plan plan(config_for(*scan, GetParam().method), GetParam().method);
    const auto forwards = GetParam().make(plan), backwards = GetParam().make(plan);
    std::vector<UnitResult> first(plan.n_units()), second(plan.n_units());
    for (std::uint64_t u = 0; u < plan.n_units(); ++u) {
        forwards->evaluate(plan.unit(u), first[u]);
        const std::uint64_t v = plan.n_units() - 1 - u;
        backwards->evaluate(plan.unit(v), second[v]);
    }
    for (std::uint64_t u = 0; u < plan.n_units(); ++u) {
        EXPECT_EQ(first[u].chi2, second[u].chi2) << "unit " << u;
        EXPECT_NE(first[u].chi2, first[(u + 1) % plan.n_units()].chi2);
    }
}

TEST_P(Backends, FlagAnEmptyPrediction) {
    if (GetParam().method == Method::collapsed) {
        GTEST_SKIP() << "is of Poisson";
    }
    ScanConfig config = toy_scan({axis("toy.flat", {0, 1})});
    Experiment& experiment = config.experiments[0];
    experiment.sources[0].flux = experiment.sources[1].flux = experiment.sources[2].flux = 0;
    experiment.backgrounds.pop_back();
    const Plan plan(std::move(config), GetParam().method);
    const auto backend = GetParam().make(plan);
    UnitResult result;
    backend->evaluate(plan.unit(0), result);
    EXPECT_EQ(result.chi2[0], constants::infinity);
    EXPECT_EQ(result.status[0], static_cast<std::uint8_t>(PointStatus::empty_prediction));
    EXPECT_TRUE(std::isfinite(result.chi2[1]));
    EXPECT_EQ(result.status[1], static_cast<std::uint8_t>(PointStatus::ok));
}

//! More points than a team takes at once; of a collapsed row some blocks are within reach of the form, others not
TEST_P(Backends, FindTheMinimumOfALongRow) {
    if (GetParam().method == Method::direct) {
        GTEST_SKIP() << "has no rows";
    }
    const std::vector<double> kept = range(-3e-31, 3e-31, 3);
    const std::vector<Axis> lines = {
        axis("toy.steep", range(0, 9, 1100), true), axis("charge.ee", range(-3e-11, 1e-11, 2050), true),
        axis("charge.ee", range(-3e-10, 1e-8, 1100), true), axis("magnetic_moment.emu.arg", range(-3, 3, 1031), true),
        // Neighbours differ in the lower half of χ² alone; the last is the smallest.
        axis("charge.mumu", range(-1e-16, 1e-16, 1100), true)};
    for (std::size_t l = 0; l < 2 * lines.size(); ++l) {
        const Axis& line = lines[l % lines.size()];
        SCOPED_TRACE(line.parameter.name);
        ScanConfig config = config_for({"", toy_scan({axis("charge_radius.mumu", kept), line})}, GetParam().method);
        if (l >= lines.size()) { // again, with a pull on the signal
            config.experiments[0].statistic = Statistic::gaussian;
            config.experiments[0].signal_sigma = 0.134;
        }
        const Plan plan(config, GetParam().method), baseline_plan(config, Method::moments);
        UnitResult ours, theirs;
        GetParam().make(plan)->evaluate(plan.unit(0), ours);
        make_cpu_backend(baseline_plan)->evaluate(baseline_plan.unit(0), theirs);
        ASSERT_EQ(ours.chi2.size(), kept.size());
        for (std::size_t i = 0; i < kept.size(); ++i) {
            EXPECT_NEAR(ours.chi2[i], theirs.chi2[i], tolerance(theirs.chi2[i], config));
            EXPECT_EQ(ours.status[i], theirs.status[i]);
            // Neighbours may differ by less than rounding.
            EXPECT_NEAR(static_cast<double>(ours.profile_index[i]), static_cast<double>(theirs.profile_index[i]), 1);
        }
    }
}

//! Two charges cancel at one end of a long row, where the form is not precise; it is at the other end, next to its
//! origin, so that only one end tells that some points are beyond its reach.
TEST_P(Backends, FindAMinimumBeyondReach) {
    if (GetParam().method == Method::direct) {
        GTEST_SKIP() << "has no rows";
    }
    const double q = 1e-10;
    for (const bool at_first : {true, false}) {
        SCOPED_TRACE(at_first ? "first block" : "last block");
        const Axis line = axis("charge.ee", at_first ? range(-1.005 * q, 0, 1000) : range(0, 0.945 * q, 1000), true);
        ScanConfig config = config_for({"", toy_scan({line})}, Method::collapsed);
        config.fixed.push_back(testing::fix("charge.universal", at_first ? q : -q));
        config.experiments[0].sources.resize(1); // of electron neutrinos
        const Plan plan(config, GetParam().method), baseline_plan(config, Method::moments);
        UnitResult ours, theirs, end;
        GetParam().make(plan)->evaluate(plan.unit(0), ours);
        const auto baseline = make_cpu_backend(baseline_plan);
        baseline->evaluate(baseline_plan.unit(0), theirs);
        baseline->evaluate(baseline_plan.point_unit({at_first ? 999 : 0}), end);
        EXPECT_NEAR(ours.chi2[0], theirs.chi2[0], tolerance(theirs.chi2[0], config));
        EXPECT_NEAR(static_cast<double>(ours.profile_index[0]), at_first ? 3.5 : 995.5, 4);
        // The form's terms are some four times as large in the minimum as at this end, where χ² is the largest of them.
        EXPECT_GT(end.chi2[0], 1e5);
        EXPECT_LT(end.chi2[0], 5e5);
    }
}

//! Every point ties: the first wins, wherever threads, segments and batches of planes begin
TEST_P(Backends, OfEqualPointsTheFirstWins) {
    const std::int64_t n = GetParam().method == Method::direct ? 3 : 1100;
    for (const double signal_sigma : {0., 0.134}) {
        ScanConfig config = toy_scan({axis("theta23", range(0.6, 0.9, 7), true), axis("charge.mumu", {0, 1e-13}, true),
                                      axis("charge.ee", {0, 1e-13}), axis("charge.tautau", range(0, 1e-12, n), true)});
        config = config_for({"", config}, GetParam().method);
        config.experiments[0].signal_sigma = signal_sigma;
        for (Source& source : config.experiments[0].sources) {
            source.flux = 0;
        }
        const Plan plan(config, GetParam().method);
        UnitResult result;
        GetParam().make(plan)->evaluate(plan.unit(0), result);
        EXPECT_EQ(result.profile_index, (std::vector<std::int64_t>{0, 0}));
        EXPECT_EQ(result.chi2[0], result.chi2[1]);
    }
}

TEST_P(Backends, WhereAllIsNaNTheFirstPointSaysSo) {
    for (const double signal_sigma : {0., 0.134}) {
        ScanConfig config = toy_scan({axis("charge.ee", {0, 1e-13}), axis("charge.mumu", range(0, 1e-12, 40), true)});
        config = config_for({"", config}, GetParam().method);
        config.experiments[0].signal_sigma = signal_sigma;
        config.fixed.push_back(testing::fix("magnetic_moment.tautau", constants::not_a_number));
        const Plan plan(config, GetParam().method);
        UnitResult result;
        GetParam().make(plan)->evaluate(plan.unit(0), result);
        for (std::size_t i = 0; i < 2; ++i) {
            EXPECT_NE(result.chi2[i], result.chi2[i]);
            EXPECT_EQ(result.profile_index[i], 0);
            EXPECT_EQ(result.status[i], static_cast<std::uint8_t>(PointStatus::not_a_number));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, Backends, ::testing::ValuesIn(testing::implementations()),
                         [](const auto& instance) { return instance.param.name; });

TEST(InstructionSets, TheFirstIsTakenUnlessTheEnvironmentNamesOne) {
    const Plan plan(toy_scan({axis("charge.ee", {0, 1})}), Method::moments);
    const std::vector<std::string> sets = cpu_instruction_sets();
    const char* set_by_user = std::getenv("NUSCAN_INSTRUCTION_SET");
    EXPECT_EQ(make_cpu_backend(plan)->instruction_set(), set_by_user ? set_by_user : sets.front());
    for (const std::string& name : sets) {
        EXPECT_EQ(make_cpu_backend(plan, name)->instruction_set(), name);
    }
    try {
        make_cpu_backend(plan, "avx1024");
        FAIL() << "an unknown instruction set was taken";
    } catch (const InputError& error) {
        const std::string list = sets.size() > 1 ? sets[0] + " and " + sets[1] : sets[0];
        EXPECT_EQ(error.what(), "$NUSCAN_INSTRUCTION_SET: no instruction set \"avx1024\" (this build has " + list +
                                    " for this processor) leave it unset for the fastest?");
    }
}

TEST(Plan, MakesTablesOnceHoweverManyAskForThem) {
    const Plan plan(testing::pulsed_scan({axis("pulsed.baseline", range(2e4, 3e4, 4)), axis("charge.ee", {0, 1e-12})}),
                    Method::moments);
    ASSERT_EQ(plan.n_units(), 4u);
    std::vector<std::future<std::shared_ptr<const Tables>>> asked;
    for (std::uint64_t i = 0; i < 16; ++i) {
        asked.push_back(std::async(std::launch::async, [&plan, i] { return plan.tables(plan.unit(i % 4)); }));
    }
    for (std::uint64_t i = 0; i < 16; ++i) {
        const std::shared_ptr<const Tables> tables = asked[i].get();
        EXPECT_EQ(tables, plan.tables(plan.unit(i % 4)));
        EXPECT_NE(tables, plan.tables(plan.unit((i + 1) % 4)));
    }
}

TEST(Plan, UnitsCoverEveryPointOnce) {
    // Large enough for several tiles and slices.
    const Plan plan(toy_scan({axis("charge.ee", range(0, 1, 3)), axis("charge.mumu", range(0, 1, 700), true),
                              axis("theta12", range(0.1, 1, 90), true), axis("charge.tautau", range(0, 1, 211), true)}),
                    Method::moments);
    EXPECT_EQ(plan.n_points(), 3u * 700 * 90 * 211);
    EXPECT_GT(plan.n_slices(), 1u);
    std::uint64_t covered = 0;
    for (std::uint64_t u = 0; u < plan.n_units(); ++u) {
        covered += plan.unit(u).n_points();
        EXPECT_LE(plan.unit(u).n_points(), plan.unit(0).n_points());
    }
    EXPECT_EQ(covered, plan.n_points());
}

TEST(Plan, LargeScansHaveUnitsForShardsToShare) {
    ScanConfig config =
        toy_scan({axis("charge_radius.emu.re", range(-3e-31, 3e-31, 11)), axis("theta23", range(0.6, 0.9, 1000), true),
                  axis("charge_radius.mumu", range(-3e-31, 3e-31, 1000), true),
                  axis("charge_radius.emu.im", range(-3e-31, 3e-31, 1000), true)});
    config.experiments[0] = testing::gaussian(testing::toy_experiment());
    const Plan plan(config, Method::collapsed);
    EXPECT_GE(plan.n_units(), 256u);
    EXPECT_LT(plan.n_units(), 512u);
}

TEST(Plan, LongAxesSpanPlanes) {
    const auto layout = [](std::int64_t n, bool profile, const std::vector<int>& order, Method method) {
        const std::vector<Axis> axes = {axis("charge.ee", range(0, 1, n), profile),
                                        axis("charge.mumu", range(0, 1, 3), profile),
                                        axis("charge.tautau", range(0, 1, 50))};
        std::vector<Axis> ordered;
        for (const int i : order) {
            ordered.push_back(axes[static_cast<std::size_t>(i)]);
        }
        ScanConfig config = toy_scan(ordered);
        config.experiments[0] = testing::gaussian(config.experiments[0]);
        const PlaneLayout found = Plan(std::move(config), method).layout();
        return std::pair(order[static_cast<std::size_t>(found.line_axis)],
                         order[static_cast<std::size_t>(found.row_axis)]);
    };
    for (const Method method : {Method::moments, Method::collapsed}) { // whatever the order in the file
        for (const std::vector<int>& order :
             std::vector<std::vector<int>>{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {2, 1, 0}}) {
            // Of a profiled row one minimum is left.
            EXPECT_EQ(layout(64, true, order, method), std::pair(0, 2));
            EXPECT_EQ(layout(2, true, order, method), std::pair(2, 1));
        }
        // Of kept axes the line is the innermost, whose points lie side by side, unless it is short.
        EXPECT_EQ(layout(64, false, {0, 1, 2}, method), std::pair(2, 0));
        EXPECT_EQ(layout(64, false, {2, 0, 1}, method), std::pair(0, 2));
        EXPECT_EQ(layout(2, false, {2, 1, 0}, method), std::pair(2, 1));
    }
}

TEST(Plan, AUnitHoldsOneValueOfASlowParameter) {
    const Plan plan(testing::pulsed_scan({axis("charge.ee", range(0, 1, 5)), axis("dm21", {7e-5, 8e-5, 9e-5}),
                                          axis("neutron_radius.X40", {3.4, 3.6}, true)}),
                    Method::moments);
    EXPECT_EQ(plan.n_units(), 3u * 2);
    EXPECT_EQ(plan.n_slices(), 2u);
    for (std::uint64_t u = 0; u < plan.n_units(); ++u) {
        EXPECT_EQ(plan.unit(u).ranges[1].count, 1);
        EXPECT_EQ(plan.unit(u).ranges[2].count, 1);
    }
    // Without a source whose phases or weights depend on it, a splitting is an axis like another.
    ScanConfig config = testing::pulsed_scan({axis("charge.ee", range(0, 1, 5)), axis("dm31", {2e-3, 3e-3})});
    config.experiments[0].sources.erase(config.experiments[0].sources.begin() + 1);
    EXPECT_EQ(Plan(std::move(config), Method::moments).n_units(), 1u);
}

TEST(Plan, OnlyTheDirectMethodHasNodesInItsTables) {
    const auto contributions = [](Method method) {
        const Plan plan(toy_scan({axis("charge.ee", {0, 1e-12})}), method);
        return plan.tables(plan.unit(0))->view().experiments[0].n_contributions;
    };
    EXPECT_GT(contributions(Method::direct), 0);
    EXPECT_EQ(contributions(Method::moments), 0);
}

TEST(Plan, TablesAreMadeOncePerValueOfASlowParameter) {
    const Plan plan(testing::pulsed_scan({axis("pulsed.baseline", {2e4, 3e4}), axis("charge.ee", range(0, 1, 5))}),
                    Method::moments);
    const auto near = plan.tables(plan.point_unit({0, 0})), far = plan.tables(plan.point_unit({1, 0}));
    EXPECT_NE(near, far);
    EXPECT_EQ(near, plan.tables(plan.point_unit({0, 3})));
    EXPECT_EQ(near->experiment(0).sources[1].baseline, 2e4);
    EXPECT_EQ(far->experiment(0).sources[1].baseline, 3e4);
}

TEST(Plan, HashDependsOnWhatDecidesTheResults) {
    const auto hash = [](const std::function<void(ScanConfig&)>& change) {
        ScanConfig config = toy_scan({axis("charge.ee", range(0, 1e-12, 3))});
        change(config);
        return Plan(std::move(config), Method::moments).hash();
    };
    const std::string original = hash([](ScanConfig&) {});
    EXPECT_EQ(original, hash([](ScanConfig& c) { c.title = "another title"; }));
    EXPECT_NE(original, hash([](ScanConfig& c) { c.axes[0].values[1] *= 1.0000000001; }));
    EXPECT_NE(original, hash([](ScanConfig& c) { c.axes[0].profile = true; }));
    EXPECT_NE(original, hash([](ScanConfig& c) { c.fixed[0].value *= 2; }));
    EXPECT_NE(original, hash([](ScanConfig& c) { c.neutrino.mixing.delta += 1e-9; }));
    EXPECT_NE(original, hash([](ScanConfig& c) { c.experiments[0].digest = "other tables"; }));
    EXPECT_NE(original, hash([](ScanConfig& c) { c.experiments[0].backgrounds[0].sigma = 0.3; }));
    EXPECT_NE(original, hash([](ScanConfig& c) { c.experiments[0].couplings = CouplingScheme::radiative; }));
    EXPECT_NE(original, hash([](ScanConfig& c) { c.experiments[0].sources[1].baseline *= 2; }));
    EXPECT_NE(original, hash([](ScanConfig& c) { c.neutrino.majorana = true; }));
    EXPECT_NE(original, hash([](ScanConfig& c) { c.experiments[0].statistic = Statistic::gaussian; }));
}

} // namespace
} // namespace nuscan
