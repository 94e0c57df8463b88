// SPDX-License-Identifier: Apache-2.0
// A scan from plan to file: the same bytes whatever the threads, the order and the interruptions.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <stdexcept>

#include <fmt/format.h>

#include "config/error.hpp"
#include "output/limits.hpp"
#include "output/result_file.hpp"
#include "scan/point.hpp"
#include "scan/scan.hpp"
#include "statistic_sample.hpp"
#include "temporary_folder.hpp"
#include "toy_experiment.hpp"

namespace nuscan {
namespace {

using testing::axis;
using testing::range;
using testing::toy_scan;

//! Kept 5 × 6, profiled 4 × 3, of which the argument is polished; both on planes and off them
ScanConfig config() {
    return toy_scan({axis("charge.emu.abs", range(0, 2e-12, 5)), axis("charge.emu.arg", range(-3, 3, 4), true),
                     axis("theta23", range(0.6, 0.9, 3), true), axis("magnetic_moment.mumu", range(0, 5e-11, 6))});
}

void expect_same_bytes(const Result& a, const Result& b) {
    EXPECT_EQ(a.chi2, b.chi2);
    EXPECT_EQ(a.status, b.status);
    EXPECT_EQ(a.profiled_at, b.profiled_at);
    ASSERT_EQ(a.kept.size(), b.kept.size());
    for (std::size_t i = 0; i < a.kept.size(); ++i) {
        EXPECT_EQ(a.kept[i].values, b.kept[i].values);
    }
}

//! The reference takes its time, most of all under sanitizers
ScanOptions no_parity() {
    ScanOptions options;
    options.parity_points = 0;
    return options;
}

class Scan : public ::testing::Test {
protected:
    //! Runs a scan with units of at most \p unit_points and returns what the file holds
    Result run(const std::string& name, std::int64_t unit_points, const std::vector<std::uint64_t>& order = {}) {
        return run(name, unit_points, order, config(), 0);
    }
    Result run(const std::string& name, std::int64_t unit_points, const std::vector<std::uint64_t>& order,
               const ScanConfig& scan, int parity_points) {
        const Plan plan(scan, Method::moments, unit_points);
        const auto backend = make_cpu_backend(plan);
        ScanOptions options;
        options.output = folder_ / name;
        options.order = order;
        options.parity_points = parity_points;
        options.parity_share = constants::infinity; // however short the scan
        outcome_ = run_scan(plan, *backend, options);
        EXPECT_TRUE(outcome_.finished);
        return read_result(options.output);
    }

    test::TemporaryFolder folder_;
    ScanOutcome outcome_;
};

TEST_F(Scan, minimises_the_profiled_axes_away) {
    ScanConfig on_the_grid = config();
    on_the_grid.polish = false;
    const Result result = run("a.h5", 1 << 20, {}, on_the_grid, 16);
    ASSERT_EQ(result.chi2.size(), 30u);
    // Every point by itself, from a plan without profiled axes.
    ScanConfig full = config();
    for (Axis& a : full.axes) {
        a.profile = false;
    }
    const Plan plan(full, Method::moments);
    const auto backend = make_cpu_backend(plan);
    UnitResult all;
    backend->evaluate(plan.unit(0), all);
    for (std::size_t i = 0; i < 5; ++i) {
        for (std::size_t l = 0; l < 6; ++l) {
            double best = constants::infinity;
            std::size_t best_j = 0, best_k = 0;
            for (std::size_t j = 0; j < 4; ++j) {
                for (std::size_t k = 0; k < 3; ++k) {
                    const double chi2 = all.chi2[((i * 4 + j) * 3 + k) * 6 + l];
                    if (chi2 < best) {
                        best = chi2;
                        best_j = j;
                        best_k = k;
                    }
                }
            }
            EXPECT_NEAR(result.chi2[i * 6 + l], best, 1e-9 * (1 + best));
            if (i > 0) { // a vanishing modulus leaves the argument to rounding
                EXPECT_EQ(result.profiled_at[0][i * 6 + l], full.axes[1].values[best_j]);
                EXPECT_EQ(result.profiled_at[1][i * 6 + l], full.axes[2].values[best_k]);
            }
        }
    }
    EXPECT_EQ(outcome_.parity.points, 16);
    EXPECT_EQ(outcome_.parity.left, 0);
    EXPECT_TRUE(outcome_.parity.best_fit);
    EXPECT_LT(outcome_.parity.largest, 1e-8);
    EXPECT_EQ(std::get<std::int64_t>(result.attributes.at("points")), 5 * 4 * 3 * 6);
    EXPECT_EQ(std::get<double>(result.attributes.at("chi2_min")),
              *std::min_element(result.chi2.begin(), result.chi2.end()));
}

//! With systematics, a mixing angle and polished elements: the file tells each experiment's part of its smallest χ².
TEST_F(Scan, says_what_experiments_and_pulls_make_of_the_minimum) {
    ScanConfig config = toy_scan({axis("charge_radius.mumu", range(-3e-31, 3e-31, 5)), axis("theta23", {0.7, 0.8}),
                                  axis("charge.ee", range(-1e-12, 1e-12, 3), true)});
    config.experiments[0] = testing::with_systematics(testing::toy_experiment());
    config.experiments.push_back(testing::gaussian(testing::pulsed_experiment()));
    config.experiments[1].signal_sigma = 0.25;
    config.shared = {{"both", {{0, "flux"}, {1, Experiment::signal}}}};
    const Result result = run("a.h5", 1 << 20, {}, config, 0);
    const auto attribute = [&](const std::string& name) { return std::get<double>(result.attributes.at(name)); };
    const double shared = attribute("pull.both");
    EXPECT_NE(shared, 0);
    EXPECT_NEAR(attribute("chi2_min.toy") + attribute("chi2_min.pulsed") + shared * shared, attribute("chi2_min"),
                1e-7);
    EXPECT_GT(attribute("pull_error.toy.bend"), 0);
    const std::string text = limits_text(compute_limits(result, 0.9), result);
    EXPECT_NE(text.find("\nof which  pulsed "), std::string::npos) << text;
    EXPECT_NE(text.find("both "), std::string::npos) << text;
    const std::size_t scale = text.find("toy.scale 0.00"); // of a background function: an energy
    ASSERT_NE(scale, std::string::npos) << text;
    EXPECT_NE(text.substr(scale, text.find_first_of(",\n", scale) - scale).find(" MeV (at its bound)"),
              std::string::npos)
        << text;
    EXPECT_EQ(result.attributes.count("pull_error.toy.scale"), 0u);
}

//! A free background that the data press to zero fits nothing: bins less parameters are the degrees of freedom.
TEST_F(Scan, counts_parameters_that_fit) {
    ScanConfig config = toy_scan({axis("charge_radius.mumu", range(-3e-31, 3e-31, 5))});
    Experiment& x = config.experiments[0];
    x.counts = {31, 28, 45, 10};
    for (Background& background : x.backgrounds) {
        background.sigma = constants::infinity;
    }
    const auto n_fitted = [&](const std::string& name) {
        const Result result = run(name, 1 << 20, {}, config, 0);
        EXPECT_EQ(*compute_limits(result, 0.9).goodness->degrees_of_freedom,
                  4 - *number_attribute(result, "fitted_parameters"));
        return *number_attribute(result, "fitted_parameters");
    };
    EXPECT_EQ(n_fitted("free.h5"), 3);
    x.backgrounds[1].counts = {5, 1, 1, 40};
    EXPECT_EQ(n_fitted("at_bound.h5"), 2);
    // The same where pulls are fitted together
    Systematic known;
    known.name = "known";
    known.sigma = 0.1;
    known.effects = {{0, {}}};
    x.systematics = {known};
    EXPECT_EQ(n_fitted("together.h5"), 2);
}

TEST_F(Scan, gives_the_same_bytes_on_any_number_of_threads_and_in_any_order) {
    const Result whole = run("whole.h5", 1 << 20);
    const int threads = omp_get_max_threads();
    for (const int n : {1, 2, 3}) {
        omp_set_num_threads(n);
        expect_same_bytes(whole, run("threads" + std::to_string(n) + ".h5", 1 << 20));
    }
    omp_set_num_threads(threads);
    // Units of 36 points are tiles; of 5 points they are slices too, merged at the end.
    for (const std::int64_t unit_points : {36, 5}) {
        const std::uint64_t n_units = Plan(config(), Method::moments, unit_points).n_units();
        EXPECT_GT(n_units, 9u);
        std::vector<std::uint64_t> order(n_units);
        std::iota(order.begin(), order.end(), std::uint64_t{0});
        expect_same_bytes(whole, run("ascending" + std::to_string(unit_points) + ".h5", unit_points, order));
        std::reverse(order.begin(), order.end());
        std::rotate(order.begin(), order.begin() + 3, order.end());
        expect_same_bytes(whole, run("shuffled" + std::to_string(unit_points) + ".h5", unit_points, order));
    }
}

TEST_F(Scan, stops_cleanly_and_goes_on_where_it_stopped) {
    for (const std::int64_t unit_points : {36, 5}) {
        const Result whole = run("whole" + std::to_string(unit_points) + ".h5", 1 << 20);
        const Plan plan(config(), Method::moments, unit_points);
        const auto backend = make_cpu_backend(plan);
        std::atomic<bool> stop{false};
        ScanOptions options = no_parity();
        options.output = folder_ / ("stopped" + std::to_string(unit_points) + ".h5");
        options.stop = &stop;
        std::uint64_t units = 0;
        options.progress = [&](const ScanProgress&) { stop = ++units == 4; };
        const ScanOutcome first = run_scan(plan, *backend, options);
        EXPECT_FALSE(first.finished);
        EXPECT_FALSE(std::filesystem::exists(options.output));
        EXPECT_GT(first.progress.points_done, 0u);

        stop = false;
        const ScanOutcome second = run_scan(plan, *backend, options);
        EXPECT_TRUE(second.finished);
        EXPECT_EQ(second.progress.points_done, plan.n_points());
        EXPECT_EQ(second.progress.points_now, plan.n_points() - first.progress.points_done) << "only what was missing";
        expect_same_bytes(whole, read_result(options.output));
        EXPECT_FALSE(std::filesystem::exists(options.output + ".journal"));
        EXPECT_FALSE(std::filesystem::exists(options.output + ".partial"));
    }
}

//! Fails at one unit, as a device might
class FailingBackend final : public Backend {
public:
    FailingBackend(const Plan& plan, std::uint64_t unit) : cpu_(make_cpu_backend(plan)), unit_(unit) {}
    std::string name() const override { return cpu_->name(); }
    std::string device() const override { return cpu_->device(); }
    void evaluate(const WorkUnit& unit, UnitResult& result) override {
        if (unit.number == unit_) {
            throw std::runtime_error("the device is gone");
        }
        cpu_->evaluate(unit, result);
    }

private:
    std::unique_ptr<Backend> cpu_;
    std::uint64_t unit_;
};

//! Changes what another back end finds, for the worse
class SpoiltBackend final : public Backend {
public:
    using Spoil = std::function<void(UnitResult&)>;
    SpoiltBackend(const Plan& plan, Spoil spoil) : cpu_(make_cpu_backend(plan)), spoil_(std::move(spoil)) {}
    std::string name() const override { return cpu_->name(); }
    std::string device() const override { return cpu_->device(); }
    void evaluate(const WorkUnit& unit, UnitResult& result) override {
        cpu_->evaluate(unit, result);
        spoil_(result);
    }

private:
    std::unique_ptr<Backend> cpu_;
    Spoil spoil_;
};

//! What a scan finds wrong with its result stands in the file, and readers of the file repeat it.
TEST_F(Scan, passes_a_verdict_that_stays_with_the_result) {
    ScanConfig scan = config();
    scan.axes[1].profile = scan.axes[2].profile = false; // 360 points
    const Plan plan(scan, Method::moments);
    const auto verdict_where = [&](const SpoiltBackend::Spoil& spoil, int parity_points) {
        SpoiltBackend backend(plan, spoil);
        ScanOptions options;
        options.output = folder_ / "a.h5";
        options.overwrite = true;
        options.parity_points = parity_points;
        options.parity_share = constants::infinity;
        outcome_ = run_scan(plan, backend, options);
        EXPECT_TRUE(outcome_.finished);
        const Result result = read_result(options.output);
        EXPECT_EQ(verdict(result), outcome_.verdict);
        EXPECT_EQ(text_attribute(result, "verdict"), outcome_.verdict);
        if (std::any_of(result.chi2.begin(), result.chi2.end(), [](double chi2) { return std::isnan(chi2); })) {
            return outcome_.verdict; // there may be no limits at all
        }
        const Limits limits = compute_limits(result, 0.9);
        const bool is_bad = outcome_.verdict != "ok" && outcome_.verdict != verdict_of_no_check;
        const std::string warning =
            std::string("\nwarning   ") + (is_bad ? "do not trust this result: " : "") + outcome_.verdict + "\n";
        EXPECT_EQ(limits_text(limits, result).find(warning) != std::string::npos, outcome_.verdict != "ok");
        EXPECT_NE(limits_json(limits, result).find("\"verdict\": \"" + outcome_.verdict + "\""), std::string::npos);
        return outcome_.verdict;
    };
    const auto flag = [](std::size_t n, PointStatus status, double chi2) {
        return [=](UnitResult& result) {
            for (std::size_t i = 0; i < std::min(n, result.chi2.size()); ++i) {
                result.status[i] = static_cast<std::uint8_t>(status);
                result.chi2[i] = chi2;
            }
        };
    };
    const double far = 1e4;
    const std::string not_checked = "not checked: nothing was compared with the reference";
    EXPECT_EQ(verdict_where([](UnitResult&) {}, 1), "ok");
    EXPECT_EQ(verdict_where(flag(100, PointStatus::empty_prediction, constants::infinity), 0), not_checked)
        << "by definition";
    EXPECT_EQ(verdict_where(flag(3, PointStatus::not_converged, far), 0), not_checked)
        << "few, and far from the minimum";
    EXPECT_EQ(verdict_where(flag(4, PointStatus::not_converged, far), 0),
              "4 of 360 points failed (see the variable status)");
    EXPECT_EQ(verdict_where(flag(5, PointStatus::not_a_number, constants::not_a_number), 0),
              "5 of 360 points failed (see the variable status)");
    EXPECT_EQ(verdict_where(flag(1, PointStatus::not_converged, 1e-3), 0),
              "1 of 360 points failed (see the variable status), one of them only 0 above the smallest chi2");
    const std::string wrong = verdict_where([](UnitResult& result) { result.chi2[0] *= 1.01; }, 1);
    EXPECT_EQ(wrong, fmt::format("chi2 differs from the reference by {:.1e} of 1 + chi2, where rounding and quadrature "
                                 "explain 1e-06",
                                 outcome_.parity.largest));
    EXPECT_GT(outcome_.parity.largest, 1e-3);
}

TEST_F(Scan, keeps_what_was_evaluated_before_a_failure) {
    const Result whole = run("whole.h5", 1 << 20);
    for (const std::int64_t unit_points : {36, 5}) {
        const Plan plan(config(), Method::moments, unit_points);
        FailingBackend failing(plan, 5);
        ScanOptions options = no_parity();
        options.output = folder_ / ("failed" + std::to_string(unit_points) + ".h5");
        EXPECT_THROW(run_scan(plan, failing, options), std::runtime_error);
        std::uint64_t there = 0;
        for (std::uint64_t unit = 0; unit < 5; ++unit) {
            there += plan.unit(unit).n_points();
        }
        const ScanOutcome outcome = run_scan(plan, *make_cpu_backend(plan), options);
        EXPECT_TRUE(outcome.finished);
        EXPECT_EQ(outcome.progress.points_now, plan.n_points() - there);
        expect_same_bytes(whole, read_result(options.output));
    }
}

TEST_F(Scan, does_a_tile_anew_whose_bytes_are_not_those_of_the_journal) {
    const Result whole = run("whole.h5", 1 << 20);
    const Plan plan(config(), Method::moments, 36);
    const auto backend = make_cpu_backend(plan);
    std::atomic<bool> stop{false};
    ScanOptions options = no_parity();
    options.output = folder_ / "damaged.h5";
    options.stop = &stop;
    options.progress = [&](const ScanProgress&) { stop = true; };
    EXPECT_FALSE(run_scan(plan, *backend, options).finished);
    // Put a wrong number into the first tile, as a disk might.
    std::string bytes;
    {
        std::ifstream in(options.output + ".partial", std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    const std::string wanted(reinterpret_cast<const char*>(whole.chi2.data()), sizeof(double));
    const std::size_t at = bytes.find(wanted);
    ASSERT_NE(at, std::string::npos);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    std::ofstream(options.output + ".partial", std::ios::binary) << bytes;

    stop = false;
    options.progress = {};
    const ScanOutcome outcome = run_scan(plan, *backend, options);
    EXPECT_EQ(outcome.progress.points_now, plan.n_points());
    expect_same_bytes(whole, read_result(options.output));
}

TEST_F(Scan, starts_again_where_the_unfinished_file_is_gone) {
    const Result whole = run("whole.h5", 1 << 20);
    for (const char* lost : {".partial", ".journal"}) {
        for (const std::int64_t unit_points : {36, 5}) {
            const Plan plan(config(), Method::moments, unit_points);
            const auto backend = make_cpu_backend(plan);
            std::atomic<bool> stop{false};
            ScanOptions options = no_parity();
            options.output = folder_ / ("lost" + std::to_string(unit_points) + lost + ".h5");
            options.stop = &stop;
            options.progress = [&](const ScanProgress&) { stop = true; };
            EXPECT_FALSE(run_scan(plan, *backend, options).finished);
            EXPECT_TRUE(std::filesystem::remove(options.output + lost));
            stop = false;
            options.progress = {};
            EXPECT_TRUE(run_scan(plan, *backend, options).finished);
            expect_same_bytes(whole, read_result(options.output));
        }
    }
}

TEST_F(Scan, refuses_what_would_lose_something) {
    run("there.h5", 1 << 20);
    const Plan plan(config(), Method::moments);
    const auto backend = make_cpu_backend(plan);
    ScanOptions options = no_parity();
    options.output = folder_ / "there.h5";
    EXPECT_EQ(folder_.error_of([&] { run_scan(plan, *backend, options); }),
              "there.h5: there already (a finished result is not replaced unasked) use --overwrite, or -o with another "
              "name?");
    options.overwrite = true;
    EXPECT_TRUE(run_scan(plan, *backend, options).finished);

    options.output = folder_ / "nowhere/a.h5";
    EXPECT_EQ(folder_.error_of([&] { run_scan(plan, *backend, options); }),
              "nowhere/a.h5: no such folder: nowhere (the result is written there) make it first?");

    // What is there in place of a result is not replaced even where this is asked for.
    options.output = folder_.write("table.csv", "energy,counts\n");
    EXPECT_EQ(folder_.error_of([&] { run_scan(plan, *backend, options); }),
              "table.csv: not a result (only results are replaced) -o with another name?");

    // Nothing is left of a scan for which there is no space.
    ScanConfig vast = config();
    vast.axes = {axis("charge_radius.mumu", range(-3e-31, 3e-31, 1'000'000)),
                 axis("charge.ee", range(-1e-12, 1e-12, 1'000'000)),
                 axis("magnetic_moment.mumu", range(0, 5e-11, 1'000'000))}; // more than any file system holds
    const Plan vast_plan(vast, Method::moments);
    options = no_parity();
    options.output = folder_ / "vast.h5";
    const std::string no_space = folder_.error_of([&] { run_scan(vast_plan, *backend, options); });
    EXPECT_EQ(no_space.rfind("vast.h5: the result takes 9e+09 GB (", 0), 0u) << no_space;
    EXPECT_NE(no_space.find(" GB are free there) fewer points, or profile = true for some axes?"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(options.output + ".journal"));

    // An unfinished scan of something else is neither resumed nor overwritten.
    std::atomic<bool> stop{true};
    options = no_parity();
    options.output = folder_ / "other.h5";
    options.stop = &stop;
    EXPECT_FALSE(run_scan(plan, *backend, options).finished);
    ScanConfig changed = config();
    changed.fixed[0].value *= 2;
    const Plan other(changed, Method::moments);
    stop = false;
    const std::string error = folder_.error_of([&] { run_scan(other, *make_cpu_backend(other), options); });
    EXPECT_NE(error.find("other.h5.journal"), std::string::npos) << error;
    EXPECT_TRUE(run_scan(plan, *backend, options).finished);
}

//! A stop that comes while points are compared leaves everything but that comparison to the next run.
TEST_F(Scan, is_not_held_up_by_the_reference) {
    const Plan plan(config(), Method::moments, 40);
    const auto backend = make_cpu_backend(plan);
    ScanOptions options;
    options.output = folder_ / "a.h5";
    std::atomic<bool> stop{false};
    options.stop = &stop;
    options.progress = [&](const ScanProgress& p) { stop = p.points_done == p.points_total; };
    ScanOutcome outcome = run_scan(plan, *backend, options);
    EXPECT_FALSE(outcome.finished);
    EXPECT_EQ(outcome.progress.points_done, outcome.progress.points_total);

    options.progress = {};
    options.parity_share = 0;
    stop = false;
    outcome = run_scan(plan, *backend, options);
    EXPECT_TRUE(outcome.finished);
    EXPECT_EQ(outcome.progress.points_now, 0u);
    EXPECT_EQ(outcome.parity.points, 4);
    EXPECT_EQ(outcome.parity.left, 12);
    EXPECT_TRUE(outcome.parity.best_fit);
}

//! Four points and the best fit are compared however short the scan, on one thread or several; no more than are asked.
TEST_F(Scan, compares_what_is_asked_with_the_reference) {
    const int all_threads = omp_get_max_threads();
    for (const int threads : {1, 3}) {
        omp_set_num_threads(threads);
        for (const auto& [asked, compared] : {std::pair{0, 0}, {2, 2}, {4, 4}, {7, 4}}) {
            const Plan plan(config(), Method::moments, 40);
            const auto backend = make_cpu_backend(plan);
            ScanOptions options;
            options.output = folder_ / fmt::format("{}-{}.h5", threads, asked);
            options.parity_points = asked;
            options.parity_share = 0;
            const Parity parity = run_scan(plan, *backend, options).parity;
            EXPECT_EQ(parity.points, compared);
            EXPECT_EQ(parity.left, asked - compared);
            EXPECT_EQ(parity.best_fit, asked > 0);
            EXPECT_LT(parity.largest, 1e-8);
            const Attributes attributes = read_result(options.output).attributes;
            EXPECT_EQ(std::get<std::int64_t>(attributes.at("parity_points")), compared);
            EXPECT_EQ(std::get<std::int64_t>(attributes.at("parity_points_left")), asked - compared);
            EXPECT_EQ(std::get<std::int64_t>(attributes.at("parity_best_fit")), asked > 0);
        }
    }
    omp_set_num_threads(all_threads);
}

//! What a back end says where \p is_wrong is 1e-4 too small; it throws from its \p last unit on.
class WrongBackend : public Backend {
public:
    WrongBackend(Backend& right, std::function<bool(double)> is_wrong, int last = 1000)
        : right_(right), is_wrong_(std::move(is_wrong)), last_(last) {}
    std::string name() const override { return right_.name(); }
    std::string device() const override { return right_.device(); }
    void evaluate(const WorkUnit& unit, UnitResult& result) override {
        if (--last_ < 0) {
            throw std::runtime_error("out of memory");
        }
        right_.evaluate(unit, result);
        for (double& chi2 : result.chi2) {
            chi2 -= is_wrong_(chi2) ? 1e-4 * (1 + chi2) : 0;
        }
    }

private:
    Backend& right_;
    std::function<bool(double)> is_wrong_;
    int last_;
};

TEST_F(Scan, sees_that_it_is_wrong_at_the_best_fit_or_elsewhere) {
    ScanConfig on_the_grid = config();
    on_the_grid.polish = false;
    const Plan plan(on_the_grid, Method::moments, 40);
    const auto right = make_cpu_backend(plan);
    ScanOptions options;
    options.output = folder_ / "right.h5";
    const double least = run_scan(plan, *right, options).chi2_min;
    options.output = folder_ / "best.h5";
    WrongBackend at_best(*right, [&](double chi2) { return chi2 < least + 1e-9; });
    EXPECT_NEAR(run_scan(plan, at_best, options).parity.largest, 1e-4, 1e-6);
    options.output = folder_ / "elsewhere.h5";
    WrongBackend elsewhere(*right, [&](double chi2) { return chi2 > least + 1e-9; });
    EXPECT_NEAR(run_scan(plan, elsewhere, options).parity.largest, 1e-4, 1e-6);
}

//! Whatever is thrown comes out, and the thread of the reference ends first.
TEST_F(Scan, may_fail_while_the_reference_is_at_work) {
    const Plan plan(config(), Method::moments, 40);
    const auto backend = make_cpu_backend(plan);
    for (const int last : {0, 3, static_cast<int>(plan.n_units())}) { // the last one: where points are compared
        ScanOptions options;
        options.output = folder_ / fmt::format("{}.h5", last);
        WrongBackend failing(
            *backend, [](double) { return false; }, last);
        EXPECT_THROW(run_scan(plan, failing, options), std::runtime_error) << last;
        EXPECT_TRUE(run_scan(plan, *backend, options).finished) << last;
    }
}

TEST(Point, components_add_up_and_chi2_is_that_of_the_scan) {
    ScanConfig point = toy_scan({axis("charge.ee", {3e-13})});
    const Plan plan(point, Method::direct);
    UnitResult result;
    make_cpu_backend(plan)->evaluate(plan.unit(0), result);
    point.fixed.push_back(testing::fix("charge.ee", 3e-13));
    point.axes.clear();
    const PointReport report = evaluate_point(point);
    EXPECT_NEAR(report.chi2, result.chi2[0], 1e-9 * (1 + result.chi2[0]));
    ASSERT_EQ(report.experiments.size(), 1u);
    const ExperimentPoint& x = report.experiments[0];
    ASSERT_EQ(x.components.size(), 5u); // three sources, two backgrounds
    ASSERT_EQ(x.pulls.size(), 2u);
    double chi2 = 0;
    for (std::size_t b = 0; b < x.observed.size(); ++b) {
        double sum = 0;
        for (const Component& component : x.components) {
            sum += component.counts[b];
        }
        EXPECT_DOUBLE_EQ(sum, x.predicted[b]);
        chi2 += testing::poisson_term(x.predicted[b], x.observed[b]);
    }
    EXPECT_EQ(x.pulls[0].name, "flat");
    chi2 += std::pow((x.pulls[0].value - 1) / 0.2, 2);
    EXPECT_NEAR(chi2, x.chi2.value, 1e-9);
}

TEST(Point, a_pull_on_the_signal_scales_its_components) {
    for (const Statistic statistic : {Statistic::poisson, Statistic::gaussian}) {
        ScanConfig point = toy_scan({});
        Experiment& experiment = point.experiments[0];
        experiment.signal_sigma = 0.134;
        if (statistic == Statistic::gaussian) {
            experiment = testing::gaussian(experiment);
        }
        const PointReport report = evaluate_point(point);
        const ExperimentPoint& x = report.experiments[0];
        ASSERT_EQ(x.pulls.size(), 3u);
        EXPECT_EQ(x.pulls[2].name, "signal");
        EXPECT_GT(std::abs(x.pulls[2].value - 1), 1e-3);
        const Plan plan(point, Method::moments);
        UnitResult result;
        make_reference_backend(plan)->evaluate(plan.point_unit({}), result);
        EXPECT_NEAR(report.chi2, result.chi2[0], 1e-7 * (1 + result.chi2[0]));
        double chi2 = std::pow((x.pulls[0].value - 1) / 0.2, 2) + std::pow((x.pulls[2].value - 1) / 0.134, 2);
        for (std::size_t b = 0; b < x.observed.size(); ++b) {
            double sum = 0;
            for (const Component& component : x.components) {
                sum += component.counts[b];
            }
            EXPECT_DOUBLE_EQ(sum, x.predicted[b]);
            chi2 += statistic == Statistic::poisson ? testing::poisson_term(sum, x.observed[b])
                                                    : std::pow((sum - x.observed[b]) / experiment.sigma[b], 2);
        }
        EXPECT_NEAR(chi2, x.chi2.value, 1e-9 * (1 + chi2));
        // Given its normalisation there is no pull, and where that is the best one no other χ² but for the prior.
        const double best = x.pulls[2].value;
        point.fixed.push_back(testing::fix("toy.signal", best));
        const PointReport given = evaluate_point(point);
        ASSERT_EQ(given.experiments[0].pulls.size(), 2u);
        EXPECT_NEAR(given.chi2, report.chi2 - std::pow((best - 1) / 0.134, 2), 1e-9 * (1 + chi2));
    }
}

TEST(Point, gaussian_chi2_belongs_to_the_pulls_it_reports) {
    ScanConfig point = toy_scan({});
    point.experiments = {testing::gaussian(testing::toy_experiment())};
    point.experiments.push_back(testing::pulsed_experiment()); // Poisson
    const PointReport report = evaluate_point(point);
    const Plan plan(point, Method::moments);
    UnitResult result;
    make_reference_backend(plan)->evaluate(plan.point_unit({}), result);
    EXPECT_NEAR(report.chi2, result.chi2[0], 1e-7 * (1 + result.chi2[0]));
    const ExperimentPoint& x = report.experiments[0];
    ASSERT_EQ(x.pulls.size(), 2u);
    double chi2 = std::pow((x.pulls[0].value - 1) / 0.2, 2); // the other one is free
    for (std::size_t b = 0; b < x.observed.size(); ++b) {
        chi2 += std::pow((x.predicted[b] - x.observed[b]) / point.experiments[0].sigma[b], 2);
    }
    EXPECT_NEAR(chi2, x.chi2.value, 1e-9 * (1 + chi2));
}

//! χ² of a pull that is held ±1 error away is higher by 1: Gaussian ones are parabolas, with correlated errors too.
TEST(Point, errors_of_pulls_are_those_of_chi2) {
    for (const bool correlated : {false, true}) {
        ScanConfig config = toy_scan({});
        config.experiments[0] =
            correlated ? testing::correlated(testing::toy_experiment()) : testing::gaussian(testing::toy_experiment());
        const PointReport best = evaluate_point(config);
        const PulledValue pull = best.experiments[0].pulls[0];
        config.fixed.push_back(testing::fix("toy.flat", pull.value + pull.error));
        // The prior of what is held does not count: it is added here.
        const double prior = std::pow((pull.value + pull.error - 1) / config.experiments[0].backgrounds[0].sigma, 2);
        EXPECT_NEAR(evaluate_point(config).chi2 + prior, best.chi2 + 1, 1e-8) << correlated;
    }
}

} // namespace
} // namespace nuscan
