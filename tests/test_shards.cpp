// SPDX-License-Identifier: Apache-2.0
// Scans that are shared out over shards and merged: the bytes of a scan in one piece, or a word on what is missing.
#include <gtest/gtest.h>

#include <filesystem>

#include "config/error.hpp"
#include "output/result_file.hpp"
#include "scan/shards.hpp"
#include "temporary_folder.hpp"
#include "toy_experiment.hpp"

namespace nuscan {
namespace {

using testing::axis;
using testing::range;
using testing::toy_scan;
namespace fs = std::filesystem;

class Shards : public ::testing::Test {
protected:
    //! Kept 5 × 6, profiled 4 × 3, of which the argument is polished; in units of at most \p unit_points
    explicit Shards(std::int64_t unit_points = 24)
        : plan_(toy_scan({axis("charge.emu.abs", range(0, 2e-12, 5)), axis("charge.emu.arg", range(-3, 3, 4), true),
                          axis("theta23", range(0.6, 0.9, 3), true), axis("magnetic_moment.mumu", range(0, 5e-11, 6))}),
                Method::moments, unit_points),
          backend_(make_cpu_backend(plan_)) {
        options_.output = folder_ / "out.h5";
        options_.parity_points = 0;
    }

    ScanOutcome run(std::uint64_t number, std::uint64_t count) {
        return run_shard(plan_, *backend_, {number, count}, options_);
    }
    Result merge() {
        MergedShards shards(plan_, options_.output, *backend_);
        EXPECT_TRUE(run_scan(plan_, shards, options_).finished);
        shards.remove();
        return read_result(options_.output);
    }
    std::string merge_error() {
        return folder_.error_of([this] { MergedShards(plan_, options_.output, *backend_); });
    }

    test::TemporaryFolder folder_;
    Plan plan_;
    std::unique_ptr<Backend> backend_;
    ScanOptions options_;
};

//! Units that are slices of a tile
class ShardsOfSlices : public Shards {
protected:
    ShardsOfSlices() : Shards(6) {}
};

void expect_the_bytes_of_one_scan(const Plan& plan, Backend& backend, const ScanOptions& options,
                                  const Result& merged) {
    ScanOptions whole = options;
    whole.output += ".whole";
    EXPECT_TRUE(run_scan(plan, backend, whole).finished);
    const Result expected = read_result(whole.output);
    EXPECT_EQ(merged.chi2, expected.chi2);
    EXPECT_EQ(merged.status, expected.status);
    EXPECT_EQ(merged.profiled_at, expected.profiled_at);
    for (const char* name : {"backend", "device", "instruction_set"}) {
        EXPECT_EQ(std::get<std::string>(merged.attributes.at(name)),
                  std::get<std::string>(expected.attributes.at(name)));
    }
}

TEST_F(Shards, merged_are_the_bytes_of_one_scan) {
    ASSERT_EQ(plan_.n_slices(), 1u);
    ASSERT_GT(plan_.n_units(), 3u);
    std::uint64_t points = 0;
    for (std::uint64_t number = 1; number <= 3; ++number) {
        const ScanOutcome outcome = run(number, 3);
        EXPECT_TRUE(outcome.finished);
        EXPECT_EQ(outcome.progress.points_now, outcome.progress.points_total);
        points += outcome.progress.points_now;
    }
    EXPECT_EQ(points, plan_.n_points());
    expect_the_bytes_of_one_scan(plan_, *backend_, options_, merge());
    for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(options_.output).parent_path())) {
        EXPECT_EQ(entry.path().string().find("shard"), std::string::npos) << entry.path();
    }
}

TEST_F(ShardsOfSlices, merged_are_the_bytes_of_one_scan) {
    ASSERT_GT(plan_.n_slices(), 1u);
    run(2, 2);
    run(1, 2);
    expect_the_bytes_of_one_scan(plan_, *backend_, options_, merge());
}

TEST_F(Shards, more_than_there_are_units_are_not_too_many) {
    const std::uint64_t count = plan_.n_units() + 2;
    for (std::uint64_t number = 1; number <= count; ++number) {
        EXPECT_TRUE(run(number, count).finished);
    }
    expect_the_bytes_of_one_scan(plan_, *backend_, options_, merge());
}

TEST_F(Shards, go_on_where_they_were_stopped) {
    std::atomic<bool> stop{false};
    options_.stop = &stop;
    options_.progress = [&](const ScanProgress&) { stop = true; };
    const ScanOutcome first = run(1, 2);
    EXPECT_FALSE(first.finished);
    EXPECT_LT(first.progress.points_done, first.progress.points_total);
    EXPECT_EQ(merge_error(), "out.h5.shard-2-of-2: shard 2 of 2 is missing run scan --shard 2/2");
    stop = false;
    options_.progress = nullptr;
    run(2, 2);
    const std::string units = std::to_string((plan_.n_units() + 1) / 2);
    EXPECT_EQ(merge_error(), "out.h5.shard-1-of-2: shard 1 of 2 is not finished (it has 1 of " + units +
                                 " units) run scan --shard 1/2 again");
    const ScanOutcome second = run(1, 2);
    EXPECT_TRUE(second.finished);
    EXPECT_EQ(second.progress.points_now + first.progress.points_now, second.progress.points_total);
    expect_the_bytes_of_one_scan(plan_, *backend_, options_, merge());
}

TEST_F(Shards, say_what_does_not_go_together) {
    EXPECT_EQ(merge_error(), "out.h5: there are no shards to merge (none is called out.h5.shard-K-of-N) run scan "
                             "--shard K/N first?");
    run(1, 2);
    run(1, 3);
    EXPECT_EQ(merge_error(),
              "out.h5: its shards are of several divisions (into 2 and into 3) remove those that do not belong");
    fs::remove(options_.output + ".shard-1-of-3");
    run(2, 2);
    const Plan other(toy_scan({axis("charge.ee", {0, 1e-13})}), Method::moments);
    EXPECT_EQ(
        folder_.error_of([&] { MergedShards(other, options_.output, *backend_); }),
        "out.h5.shard-1-of-2: the journal belongs to another scan (its plan differs: the scan file, its data, the "
        "method or the version of nuscan changed) remove the journal to start over, or use another output file");
    merge();
    EXPECT_EQ(folder_.error_of([&] { run(1, 2); }), "out.h5: there already (a finished result is not replaced unasked) "
                                                    "use --overwrite, or -o with another name?");
}

TEST(Shard, is_a_number_of_a_count) {
    const Shard shard = parse_shard("2/8");
    EXPECT_EQ(shard.number, 2u);
    EXPECT_EQ(shard.count, 8u);
    for (const std::string text : {"0/8", "9/8", "2", "2/", "/8", "2/8x", "-1/8", "a/b", ""}) {
        try {
            parse_shard(text);
            ADD_FAILURE() << text;
        } catch (const InputError& error) {
            EXPECT_EQ(error.what(), "--shard: \"" + text + "\" is no shard (expected K/N with 1 <= K <= N, like 2/8)");
        }
    }
}

} // namespace
} // namespace nuscan
