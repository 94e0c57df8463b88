// SPDX-License-Identifier: Apache-2.0
// The CUDA back end on the emulated device: what does not change its results, what every kernel needs, and whole scans.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

#include "backend_suite.hpp"
#include "config/error.hpp"
#include "emulated_scans.hpp"
#include "emulator.hpp"
#include "output/result_file.hpp"
#include "sanitized.hpp"
#include "scan/shards.hpp"
#include "temporary_folder.hpp"

namespace nuscan {
namespace {

using emulator::Order;
using testing::axis;
using testing::EmulatedScan;
using testing::evaluate_all;
using testing::range;
using testing::toy_scan;

class EmulatedCuda : public ::testing::Test {
protected:
    void TearDown() override {
        emulator::settings() = {};
        unsetenv("SLURM_LOCALID");
    }

    test::TemporaryFolder folder_;
};

//! Bits, as NaN is not equal to itself
std::vector<std::uint64_t> bits_of(const std::vector<double>& x) {
    std::vector<std::uint64_t> bits(x.size());
    std::memcpy(bits.data(), x.data(), x.size() * sizeof(double));
    return bits;
}

bool are_the_same(const UnitResult& a, const UnitResult& b) {
    return bits_of(a.chi2) == bits_of(b.chi2) && a.status == b.status && a.profile_index == b.profile_index;
}

TEST_F(EmulatedCuda, has_the_same_bytes_however_threads_and_launches_are_cut) {
    const CudaLimits small{.batch_bytes = 9000, .blocks = 2, .winner_warps = 7};
    const CudaLimits staged{.batch_bytes = 70000, .blocks = 3, .staging_blocks = 1, .shared_memory = 0};
    const std::vector<testing::Scan> scans = testing::scans();
    for (std::size_t i = 0; i < scans.size(); i += testing::sanitized ? 7 : 2) {
        SCOPED_TRACE(scans[i].name);
        for (const Method method : {Method::moments, Method::direct, Method::collapsed}) {
            const Plan plan(testing::config_for(scans[i], method), method);
            if (method == Method::direct && plan.n_points() > 20) {
                continue;
            }
            emulator::settings().order = Order::forwards;
            const UnitResult expected = evaluate_all(plan, {});
            emulator::settings().order = Order::backwards;
            EXPECT_TRUE(are_the_same(expected, evaluate_all(plan, small))) << method_name(method);
            emulator::settings().order = Order::shuffled;
            EXPECT_TRUE(are_the_same(expected, evaluate_all(plan, staged))) << method_name(method);
        }
    }
}

//! Kernels by what launches them; a template's instances together
std::set<std::string> kernels_in_source() {
    std::set<std::string> all;
    std::ifstream file(NUSCAN_TEST_SOURCE_DIR "/kernels/kernels.cu");
    for (std::string line; std::getline(file, line);) {
        const std::size_t end = line.find("_kernel(");
        if (end != std::string::npos && line.find("const auto") == std::string::npos) {
            all.insert(line.substr(line.rfind(' ', end) + 1, end + 7 - line.rfind(' ', end) - 1));
        }
    }
    return all;
}

//! Several blocks, batches of planes and chunks of winners, at the limits of a device
TEST_F(EmulatedCuda, runs_every_kernel_in_several_blocks) {
    const ScanConfig large =
        toy_scan({axis("theta23", range(0.6, 0.9, 150), true), axis("charge.ee", range(0, 1e-12, 2)),
                  axis("charge_radius.mumu", range(-3e-31, 3e-31, 5))});
    ScanConfig rows = toy_scan({axis("theta23", {0.7, 0.8}), axis("charge.ee", range(0, 1e-12, 70)),
                                axis("charge_radius.emu.im", range(-3e-31, 3e-31, 70), true)});
    ScanConfig gaussian = large, pulled = rows;
    gaussian.experiments[0] = testing::gaussian(testing::toy_experiment());
    rows.experiments = pulled.experiments = gaussian.experiments;
    pulled.experiments[0].signal_sigma = 0.134;
    rows.axes[0].values = range(0.6, 0.9, 4);
    ScanConfig points = toy_scan({axis("charge.ee", range(0, 1e-12, 130), true)});
    ScanConfig slow = testing::pulsed_scan({axis("theta12", {0.5, 0.7}), axis("charge.ee", {0, 1e-10})});
    const CudaLimits staged{.shared_memory = 0};
    evaluate_all(Plan(large, Method::moments), {});
    evaluate_all(Plan(large, Method::moments), staged);
    evaluate_all(Plan(gaussian, Method::collapsed), {});
    evaluate_all(Plan(rows, Method::collapsed), {});
    evaluate_all(Plan(pulled, Method::collapsed), {});
    evaluate_all(Plan(slow, Method::moments), {});
    if (!testing::sanitized) {
        evaluate_all(Plan(points, Method::direct), {});
    }
    std::set<std::string> seen;
    for (const auto& [name, record] : emulator::kernels()) {
        EXPECT_GT(record.most_blocks, 1u) << name;
        seen.insert(name.substr(0, name.find('<')));
    }
    std::set<std::string> expected = kernels_in_source();
    EXPECT_GT(expected.size(), 12u);
    for (const char* chosen : {"collapse_kernel", "direct_chi2_kernel"}) { // when they are launched
        expected.erase(chosen);
    }
    expected.insert({"kernel", "chi2_kernel"});
    if (!testing::sanitized) {
        EXPECT_EQ(seen, expected);
    }
    EXPECT_EQ(emulator::kernels().count("rows_kernel<Bins, false>"), 1u);
}

//! Lines of the kernels at which threads wait
std::set<std::string> barriers_in_source() {
    std::set<std::string> all;
    std::ifstream file(NUSCAN_TEST_SOURCE_DIR "/kernels/kernels.cu");
    int number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        if (line.find("__sync") != std::string::npos) {
            all.insert("kernels/kernels.cu:" + std::to_string(number));
        }
    }
    return all;
}

TEST_F(EmulatedCuda, is_wrong_without_any_of_its_barriers) {
    if (testing::sanitized) {
        GTEST_SKIP() << "is of results";
    }
    std::set<std::string> needed;
    for (const EmulatedScan& scan : testing::emulated_scans()) {
        SCOPED_TRACE(scan.name);
        const Plan plan(scan.config, scan.method);
        const auto before = emulator::barriers();
        emulator::settings() = {};
        const UnitResult expected = evaluate_all(plan, scan.limits);
        const auto after = emulator::barriers();
        for (const auto& [name, count] : after) {
            if (before.count(name) > 0 && before.at(name) == count) {
                continue;
            }
            for (const Order order : {Order::forwards, Order::backwards, Order::shuffled}) {
                emulator::settings().missing.clear();
                emulator::settings().order = order;
                EXPECT_TRUE(are_the_same(expected, evaluate_all(plan, scan.limits))) << name;
                emulator::settings().missing = name;
                if (!are_the_same(expected, evaluate_all(plan, scan.limits))) {
                    needed.insert(name);
                    break;
                }
            }
        }
    }
    EXPECT_GE(needed.size(), 13u);
    EXPECT_EQ(needed, barriers_in_source());
}

//! Kept 5 × 6, profiled 4 × 3, of which the argument is polished, and a slow axis that moves moments
ScanConfig whole_scan(bool with_slow_axis) {
    std::vector<Axis> axes = {axis("charge.emu.abs", range(0, 2e-12, 5)), axis("charge.emu.arg", range(-3, 3, 4), true),
                              axis("theta23", range(0.6, 0.9, 3), true),
                              axis("magnetic_moment.mumu", range(0, 5e-11, 6))};
    if (with_slow_axis) {
        axes[2] = axis("dm31", {2.4e-3, 2.6e-3}, true);
    }
    ScanConfig config = toy_scan(axes);
    config.experiments[0].sources[1].baseline = 3000;
    return config;
}

TEST_F(EmulatedCuda, makes_the_file_that_the_cpu_makes) {
    for (const bool with_slow_axis : {false, true}) {
        const auto run = [&](const std::string& name, std::int64_t unit_points, auto&& make) {
            const Plan plan(whole_scan(with_slow_axis), Method::moments, unit_points);
            const auto backend = make(plan);
            ScanOptions options;
            options.output = folder_ / name;
            options.overwrite = true;
            options.parity_points = 0;
            EXPECT_TRUE(run_scan(plan, *backend, options).finished);
            return read_result(options.output);
        };
        const auto emulated = [](const CudaLimits& limits) {
            return [limits](const Plan& plan) {
                std::string why_not;
                return make_cuda_backend(plan, why_not, {}, limits);
            };
        };
        const Result cpu = run("cpu.h5", 1 << 20, [](const Plan& plan) { return make_cpu_backend(plan); });
        const Result gpu = run("gpu.h5", 1 << 20, emulated({}));
        emulator::settings().order = Order::shuffled;
        const Result cut = run("cut.h5", 24, emulated({.batch_bytes = 5000, .blocks = 1, .winner_warps = 3}));
        ASSERT_EQ(gpu.chi2.size(), 30u);
        for (std::size_t i = 0; i < gpu.chi2.size(); ++i) {
            EXPECT_NEAR(gpu.chi2[i], cpu.chi2[i], 1e-9 * (1 + cpu.chi2[i])) << i;
        }
        EXPECT_EQ(gpu.status, cpu.status);
        EXPECT_EQ(gpu.chi2, cut.chi2);
        EXPECT_EQ(gpu.status, cut.status);
        EXPECT_EQ(gpu.profiled_at, cut.profiled_at);
        EXPECT_EQ(std::get<std::string>(gpu.attributes.at("backend")), "cuda");
        EXPECT_EQ(std::get<std::string>(gpu.attributes.at("device")), "emulated on the host, PCI 0000:00:00.0");
    }
}

TEST_F(EmulatedCuda, shards_merged_are_the_bytes_of_one_scan) {
    for (const std::int64_t unit_points : {24, 6}) { // tiles, or slices of them
        const Plan plan(whole_scan(false), Method::moments, unit_points);
        std::string why_not;
        const auto backend = make_cuda_backend(plan, why_not, {}, {.batch_bytes = 5000, .blocks = 1});
        ScanOptions options;
        options.output = folder_ / "out.h5";
        options.overwrite = true;
        options.parity_points = 0;
        for (std::uint64_t number = 1; number <= 3; ++number) {
            EXPECT_TRUE(run_shard(plan, *backend, {number, 3}, options).finished);
        }
        MergedShards shards(plan, options.output, *backend);
        EXPECT_TRUE(run_scan(plan, shards, options).finished);
        shards.remove();
        const Result merged = read_result(options.output);
        options.output = folder_ / "whole.h5";
        EXPECT_TRUE(run_scan(plan, *backend, options).finished);
        const Result whole = read_result(options.output);
        EXPECT_EQ(merged.chi2, whole.chi2);
        EXPECT_EQ(merged.status, whole.status);
        EXPECT_EQ(merged.profiled_at, whole.profiled_at);
    }
}

//! The device that is chosen, or why none is
std::string chosen_device(std::optional<int> number = {}, const CudaLimits& limits = {}) {
    const Plan plan(toy_scan({axis("charge.ee", {0, 1e-12})}), Method::moments);
    std::string why_not;
    const auto backend = make_cuda_backend(plan, why_not, number, limits);
    return backend ? backend->device() : why_not;
}

TEST_F(EmulatedCuda, runs_on_the_device_that_is_asked_for) {
    emulator::settings().n_devices = 4;
    EXPECT_EQ(chosen_device(), "emulated on the host, PCI 0000:00:00.0");
    EXPECT_EQ(chosen_device(3), "emulated on the host, PCI 0000:03:00.0");
    EXPECT_EQ(chosen_device(4),
              "the visible CUDA devices are 0: emulated on the host, PCI 0000:00:00.0; 1: emulated on the host, PCI "
              "0000:01:00.0; 2: emulated on the host, PCI 0000:02:00.0; 3: emulated on the host, PCI 0000:03:00.0");
    setenv("SLURM_LOCALID", "6", 1); // more tasks than devices
    EXPECT_EQ(chosen_device(), "emulated on the host, PCI 0000:02:00.0");
    EXPECT_EQ(chosen_device(1), "emulated on the host, PCI 0000:01:00.0");
    setenv("SLURM_LOCALID", "second", 1);
    EXPECT_EQ(chosen_device(1), "emulated on the host, PCI 0000:01:00.0");
    try {
        chosen_device();
        FAIL() << "no error";
    } catch (const InputError& error) {
        EXPECT_STREQ(error.what(),
                     "$SLURM_LOCALID: \"second\" is no number of a task (it decides which CUDA device this "
                     "process uses) unset it, or choose one with --device?");
    }
    emulator::settings().n_devices = 0;
    EXPECT_EQ(chosen_device(), "no CUDA-capable device is detected");
}

TEST_F(EmulatedCuda, passes_devices_over_that_do_not_suit) {
    emulator::settings().n_devices = 3;
    emulator::settings().without_code = {0};
    emulator::settings().busy = {1};
    EXPECT_EQ(chosen_device(), "emulated on the host, PCI 0000:02:00.0");
    EXPECT_EQ(chosen_device(0), "emulated on the host, PCI 0000:00:00.0: has compute capability 9.0, and this build's "
                                "kernels are for the host");
    EXPECT_EQ(chosen_device(1),
              "emulated on the host, PCI 0000:01:00.0: CUDA-capable device(s) is/are busy or unavailable");
    emulator::settings().n_devices = 2;
    EXPECT_EQ(chosen_device(), "emulated on the host, PCI 0000:00:00.0: has compute capability 9.0, and this build's "
                               "kernels are for the host; emulated on the host, PCI 0000:01:00.0: CUDA-capable "
                               "device(s) is/are busy or unavailable");
    emulator::settings() = {};
    emulator::settings().memory = 2000;
    EXPECT_EQ(chosen_device(), "emulated on the host, PCI 0000:00:00.0: out of memory");
    emulator::settings() = {};
    EXPECT_EQ(chosen_device(), "emulated on the host, PCI 0000:00:00.0"); // nothing is left of the failure
}

//! Every thread starts with the first device as its own.
TEST_F(EmulatedCuda, stays_on_its_device_whatever_thread_asks) {
    const Plan plan(whole_scan(true), Method::moments);
    const UnitResult expected = evaluate_all(plan, {});
    emulator::settings().n_devices = 2;
    std::string why_not;
    const auto backend = make_cuda_backend(plan, why_not, 1);
    UnitResult first, second;
    backend->evaluate(plan.unit(0), first);
    std::thread([&] { backend->evaluate(plan.unit(1), second); }).join();
    first.chi2.insert(first.chi2.end(), second.chi2.begin(), second.chi2.end());
    EXPECT_EQ(bits_of(first.chi2), bits_of(expected.chi2));
}

} // namespace
} // namespace nuscan
