// SPDX-License-Identifier: Apache-2.0
// Several processes that want one output, and scans that are cut short: no file passes for another, and none is lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <regex>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child_process.hpp"
#include "output/result_file.hpp"
#include "sanitized.hpp"
#include "scan/shards.hpp"
#include "system_calls.hpp"
#include "temporary_folder.hpp"
#include "toy_experiment.hpp"

namespace nuscan {
namespace {

using test::Child;
using testing::axis;
using testing::range;
namespace fs = std::filesystem;

// ---- LockedFile ------------------------------------------------------------------------------------------------

class LockedFiles : public ::testing::Test {
protected:
    std::string error() {
        return folder_.error_of([this] { LockedFile second(path_); });
    }

    test::TemporaryFolder folder_;
    std::string path_ = folder_ / "out.h5.journal";
};

TEST_F(LockedFiles, are_held_by_one_at_a_time) {
    auto first = std::make_unique<LockedFile>(path_);
    const std::regex in_use(
        R"(out\.h5\.journal: in use \((process )" + std::to_string(::getpid()) +
        R"( on \S+|another process) is writing it\) wait for it to end, or use another output file)");
    EXPECT_TRUE(std::regex_match(error(), in_use)) << error();
    EXPECT_TRUE(fs::exists(path_)) << "who does not get it leaves it alone";
    first.reset();
    EXPECT_FALSE(fs::exists(path_)) << "nothing has come of it";
    EXPECT_EQ(error(), "");

    folder_.write("out.h5.journal", "something");
    { const LockedFile full(path_); }
    EXPECT_TRUE(fs::exists(path_));
    { LockedFile(path_).remove(); }
    EXPECT_FALSE(fs::exists(path_));
    EXPECT_EQ(folder_.error_of([this] { LockedFile(path_, false); }),
              "out.h5.journal: cannot open the file (No such file or directory) use another output file?");
    fs::create_directory(path_);
    EXPECT_EQ(error(), "out.h5.journal: cannot open the file (Is a directory) use another output file?");
}

//! One that opened the file before its holder removed it gets a lock on a file without a name, and takes the name anew.
TEST_F(LockedFiles, are_not_held_under_a_name_that_is_gone) {
    auto first = std::make_unique<LockedFile>(path_);
    test::before_next(test::Call::lock, [&] {
        first->remove();
        first.reset();
    });
    const LockedFile second(path_);
    EXPECT_TRUE(fs::exists(path_));
    EXPECT_NE(error(), "");
}

TEST_F(LockedFiles, are_held_by_one_of_three) {
    auto first = std::make_unique<LockedFile>(path_);
    std::unique_ptr<LockedFile> third;
    test::before_next(test::Call::lock, [&] {
        first->remove();
        first.reset();
        third = std::make_unique<LockedFile>(path_);
    });
    EXPECT_NE(error(), "");
    EXPECT_TRUE(has_name(*third, path_));
}

// ---- scans -----------------------------------------------------------------------------------------------------

//! Kept 5 × 6, profiled 4 × 3; \p factor of a fixed element tells scans of one shape apart
ScanConfig config(double factor) {
    ScanConfig config = testing::toy_scan(
        {axis("charge.emu.abs", range(0, 2e-12, 5)), axis("charge.emu.arg", range(-3, 3, 4), true),
         axis("theta23", range(0.6, 0.9, 3), true), axis("magnetic_moment.mumu", range(0, 5e-11, 6))});
    config.fixed[0].value *= factor;
    return config;
}

enum class Task { scan, overwrite, merge };
using Order = std::array<Task, 3>;

class Writers : public ::testing::Test {
protected:
    void SetUp() override {
        if (!test::children_have_threads) {
            GTEST_SKIP() << "ThreadSanitizer ends a forked process that starts a thread";
        }
    }

    //! What runs in each process: a scan, another scan with --overwrite, a merge of the shards of the first one
    ScanOutcome run(Task task, std::function<void(const ScanProgress&)> progress = {}) {
        const Plan& plan = task == Task::overwrite ? second_ : first_;
        const auto backend = make_cpu_backend(plan);
        ScanOptions options;
        options.output = output_;
        options.overwrite = task == Task::overwrite;
        options.parity_points = 0;
        options.progress = std::move(progress);
        if (task != Task::merge) {
            return run_scan(plan, *backend, options);
        }
        MergedShards shards(plan, output_, *backend);
        const ScanOutcome outcome = run_scan(plan, shards, options);
        shards.remove();
        return outcome;
    }

    void run_shard_of_two(std::uint64_t number, bool overwrite = false) {
        ScanOptions options;
        options.output = output_;
        options.overwrite = overwrite;
        EXPECT_TRUE(run_shard(first_, *make_cpu_backend(first_), {number, 2}, options).finished);
    }

    //! χ² of a scan that nothing has disturbed
    std::vector<double> undisturbed(const Plan& plan) {
        const test::TemporaryFolder folder;
        ScanOptions options;
        options.output = folder / "whole.h5";
        options.parity_points = 0;
        EXPECT_TRUE(run_scan(plan, *make_cpu_backend(plan), options).finished);
        return read_result(options.output).chi2;
    }

    std::set<std::string> files() const {
        std::set<std::string> names;
        for (const fs::directory_entry& entry : fs::directory_iterator(folder_.path())) {
            names.insert(entry.path().filename().string());
        }
        return names;
    }

    void empty_folder() const {
        for (const std::string& name : files()) {
            fs::remove(folder_ / name);
        }
    }

    test::TemporaryFolder folder_;
    std::string output_ = folder_ / "out.h5";
    Plan first_{config(1), Method::moments, 36}, second_{config(2), Method::moments, 36};
};

//! One is somewhere in its run, the others come: they are refused, and find nothing to spoil. Later they come again.
TEST_F(Writers, come_in_every_order) {
    const std::vector<double> of_first = undisturbed(first_), of_second = undisturbed(second_);
    ASSERT_NE(of_first, of_second);
    Order order = {Task::scan, Task::overwrite, Task::merge};
    do {
        for (const bool at_the_end : {false, true}) {
            SCOPED_TRACE(fmt::format("order {}{}{}, {}", static_cast<int>(order[0]), static_cast<int>(order[1]),
                                     static_cast<int>(order[2]), at_the_end ? "at the end" : "amid"));
            empty_folder();
            run_shard_of_two(1);
            run_shard_of_two(2);
            Child child([&](const Child::Gate& gate) {
                bool waited = false;
                run(order[0], [&](const ScanProgress& progress) {
                    if (!at_the_end && !waited) {
                        gate.pass();
                        waited = true;
                    } else if (at_the_end && progress.points_done == progress.points_total) {
                        test::before_next(test::Call::rename, [&] { gate.pass(); });
                    }
                });
                return 0;
            });
            ASSERT_TRUE(child.is_at_gate());
            const std::set<std::string> before = files();
            for (const Task task : {order[1], order[2], order[0]}) {
                const std::string error = folder_.error_of([&] { run(task); });
                const bool of_shards = order[0] == Task::merge && task == Task::merge;
                EXPECT_EQ(error.rfind(of_shards ? "out.h5.shard-1-of-2: in use (" : "out.h5.journal: in use (", 0), 0u)
                    << error;
            }
            if (order[0] == Task::merge) {
                const std::string error = folder_.error_of([&] { run_shard_of_two(2, true); });
                EXPECT_EQ(error.rfind("out.h5.shard-2-of-2: in use (", 0), 0u) << error;
            }
            EXPECT_EQ(files(), before);
            child.let_on();
            ASSERT_EQ(child.wait(), 0);
            const bool merged = order[0] == Task::merge;
            const std::vector<double>* expected = order[0] == Task::overwrite ? &of_second : &of_first;
            EXPECT_EQ(read_result(output_).chi2, *expected);
            for (const Task task : {order[1], order[2]}) {
                if (task == Task::overwrite) {
                    EXPECT_TRUE(run(task).finished);
                    expected = &of_second;
                } else {
                    const std::string error = folder_.error_of([&] { run(task); });
                    EXPECT_EQ(error.rfind("out.h5: there", 0), 0u) << error;
                }
                EXPECT_EQ(read_result(output_).chi2, *expected);
            }
            EXPECT_EQ(files(), merged
                                   ? (std::set<std::string>{"out.h5"})
                                   : (std::set<std::string>{"out.h5", "out.h5.shard-1-of-2", "out.h5.shard-2-of-2"}));
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(Writers, share_no_shard) {
    ScanOptions options;
    options.output = output_;
    Child child([&](const Child::Gate& gate) {
        options.progress = [&](const ScanProgress& progress) {
            if (progress.points_done == progress.points_total) {
                gate.pass();
            }
        };
        run_shard(first_, *make_cpu_backend(first_), {1, 2}, options);
        return 0;
    });
    ASSERT_TRUE(child.is_at_gate());
    const auto refused = [](const std::string& error) { return error.rfind("out.h5.shard-1-of-2: in use (", 0) == 0; };
    for (const bool overwrite : {false, true}) {
        EXPECT_TRUE(refused(folder_.error_of([&] { run_shard_of_two(1, overwrite); })));
    }
    run_shard_of_two(2);
    EXPECT_TRUE(refused(folder_.error_of([&] { run(Task::merge); })));
    child.let_on();
    ASSERT_EQ(child.wait(), 0);
    EXPECT_TRUE(run(Task::merge).finished);
    EXPECT_EQ(files(), std::set<std::string>{"out.h5"});
    EXPECT_EQ(read_result(output_).chi2, undisturbed(first_));
}

//! However three race, each ends well or is refused, and the result is one of theirs, whole.
TEST_F(Writers, race) {
    const std::vector<double> of_first = undisturbed(first_), of_second = undisturbed(second_);
    for (int round = 0; round < 5; ++round) {
        empty_folder();
        run_shard_of_two(1);
        run_shard_of_two(2);
        std::vector<std::unique_ptr<Child>> children;
        for (const Task task : {Task::scan, Task::overwrite, Task::merge}) {
            children.push_back(std::make_unique<Child>([&, task](const Child::Gate& gate) {
                gate.pass();
                run(task);
                return 0;
            }));
        }
        for (const auto& child : children) {
            ASSERT_TRUE(child->is_at_gate());
        }
        for (const auto& child : children) {
            child->let_on();
        }
        int n_finished = 0;
        for (const auto& child : children) {
            const int status = child->wait();
            EXPECT_TRUE(status == 0 || status == 2) << status;
            n_finished += status == 0 ? 1 : 0;
        }
        EXPECT_GT(n_finished, 0);
        const std::vector<double> chi2 = read_result(output_).chi2;
        EXPECT_TRUE(chi2 == of_first || chi2 == of_second);
        for (const char* left : {".journal", ".partial", ".partial.new", ".partial.undo"}) {
            EXPECT_FALSE(fs::exists(output_ + left)) << left;
        }
    }
}

//! Whoever removes the journal of a running scan lets another one in: the first then finds its file replaced.
TEST_F(Writers, do_not_finish_what_another_has_written) {
    const std::vector<double> of_second = undisturbed(second_);
    for (const bool is_over : {true, false}) { // the second one, when the first goes on
        empty_folder();
        const auto stops_once = [](const Child::Gate& gate) {
            return [&gate, waited = false](const ScanProgress&) mutable {
                if (!std::exchange(waited, true)) {
                    gate.pass();
                }
            };
        };
        Child first([&](const Child::Gate& gate) {
            run(Task::scan, stops_once(gate));
            return 0;
        });
        ASSERT_TRUE(first.is_at_gate());
        fs::remove(output_ + ".journal");
        Child second([&](const Child::Gate& gate) {
            run(Task::overwrite, stops_once(gate));
            return 0;
        });
        ASSERT_TRUE(second.is_at_gate());
        if (is_over) {
            second.let_on();
            ASSERT_EQ(second.wait(), 0);
        }
        first.let_on();
        EXPECT_EQ(first.wait(), 1);
        EXPECT_EQ(fs::exists(output_), is_over);
        if (!is_over) {
            second.let_on();
            ASSERT_EQ(second.wait(), 0);
        }
        EXPECT_EQ(read_result(output_).chi2, of_second);
        EXPECT_EQ(files(), std::set<std::string>{"out.h5"});
    }
}

//! An unfinished file whose journal is gone may be that of another scan with axes of the same values.
TEST_F(Writers, do_not_go_on_with_the_file_of_another_scan) {
    const Plan &first = first_, &second = second_;
    std::atomic<bool> stop{false};
    ScanOptions options;
    options.output = output_;
    options.parity_points = 0;
    options.stop = &stop;
    options.progress = [&](const ScanProgress&) { stop = true; };
    EXPECT_FALSE(run_scan(first, *make_cpu_backend(first), options).finished);
    fs::remove(output_ + ".journal");
    options.stop = nullptr;
    EXPECT_TRUE(run_scan(second, *make_cpu_backend(second), options).finished);
    EXPECT_EQ(text_attribute(read_result(output_), "plan_hash"), second.hash());
    EXPECT_EQ(read_result(output_).chi2, undisturbed(second));
}

// ---- ends of all kinds -----------------------------------------------------------------------------------------

//! Kills a scan at changes of its files all over its run: the same command goes on to the same bytes.
TEST_F(Writers, goes_on_after_a_kill_anywhere) {
    const std::vector<double> expected = undisturbed(first_);
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);                          // as in the child: faster where there is little to do
    for (const std::int64_t unit_points : {36, 5}) { // tiles, and slices of them
        const Plan plan(config(1), Method::moments, unit_points);
        const auto backend = make_cpu_backend(plan);
        ScanOptions options;
        options.output = output_;
        options.parity_points = 0;
        int status = -SIGKILL;
        std::set<std::uint64_t> points_kept;
        for (std::uint64_t change = 1; status != 0; change += testing::sanitized ? 49 : 19) {
            SCOPED_TRACE(fmt::format("units of {}, change {}", unit_points, change));
            empty_folder();
            Child child([&](const Child::Gate&) {
                test::kill_at_change(change, change % 2 == 0);
                run_scan(plan, *backend, options);
                return 0;
            });
            status = child.wait();
            ASSERT_TRUE(status == 0 || status == -SIGKILL) << status;
            if (!fs::exists(output_)) {
                const ScanOutcome outcome = run_scan(plan, *backend, options);
                EXPECT_TRUE(outcome.finished);
                EXPECT_EQ(files(), std::set<std::string>{"out.h5"});
                points_kept.insert(plan.n_points() - outcome.progress.points_now);
            }
            EXPECT_EQ(read_result(output_).chi2, expected);
        }
        EXPECT_GE(points_kept.size(), testing::sanitized ? 2u : 3u) << "some kills come after some units";
    }
    omp_set_num_threads(threads);
}

//! Between the result's name and the end of its journal: the result is there, and nothing else is kept.
TEST_F(Writers, leaves_nothing_after_a_kill_at_the_very_end) {
    const Plan plan(config(1), Method::moments, 36);
    const auto backend = make_cpu_backend(plan);
    ScanOptions options;
    options.output = output_;
    options.parity_points = 0;
    const auto ends_at = [&](std::uint64_t change) {
        empty_folder();
        Child child([&](const Child::Gate&) {
            omp_set_num_threads(1);
            test::kill_at_change(change, false);
            run_scan(plan, *backend, options);
            return 0;
        });
        return child.wait() != 0;
    };
    std::uint64_t killed = 0, whole = 1;
    while (ends_at(whole)) {
        killed = whole;
        whole *= 2;
    }
    while (whole - killed > 1) {
        const std::uint64_t middle = (killed + whole) / 2;
        (ends_at(middle) ? killed : whole) = middle;
    }
    int n_left_over = 0;
    for (std::uint64_t change = killed; ends_at(change) && fs::exists(output_); --change) {
        n_left_over += files().contains("out.h5.journal") ? 1 : 0;
        EXPECT_EQ(read_result(output_).chi2, undisturbed(first_));
        EXPECT_EQ(
            folder_.error_of([&] { run_scan(plan, *backend, options); }),
            "out.h5: there already (a finished result is not replaced unasked) use --overwrite, or -o with another "
            "name?");
        EXPECT_EQ(files(), std::set<std::string>{"out.h5"}) << "killed at change " << change;
    }
    EXPECT_GT(n_left_over, 0);
}

//! No file of this process may grow beyond \p size from now on: a full disk
void limit_files(std::uint64_t size) {
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size;
    std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
}

TEST_F(Writers, leave_nothing_where_the_disk_is_full_at_once) {
    Child child([&](const Child::Gate&) {
        limit_files(2000); // the journal has its header, the result no place
        run(Task::scan);
        return 0;
    });
    EXPECT_EQ(child.wait(), 1);
    EXPECT_EQ(files(), std::set<std::string>{});
    EXPECT_TRUE(run(Task::scan).finished);
}

TEST_F(Writers, keep_what_a_full_disk_has_taken) {
    const Plan plan(config(1), Method::moments, 5); // the journal grows beyond the result
    const auto backend = make_cpu_backend(plan);
    ScanOptions options;
    options.output = output_;
    options.parity_points = 0;
    for (const bool is_shard : {false, true}) {
        empty_folder();
        Child child([&](const Child::Gate&) {
            ScanOptions limited = options;
            limited.progress = [&](const ScanProgress& progress) {
                if (progress.points_now < 40) {
                    limit_files(is_shard ? 3000 : fs::file_size(output_ + ".partial"));
                }
            };
            is_shard ? run_shard(plan, *backend, {1, 1}, limited) : run_scan(plan, *backend, limited);
            return 0;
        });
        EXPECT_EQ(child.wait(), 1);
        EXPECT_FALSE(fs::exists(output_));
        const ScanOutcome outcome =
            is_shard ? run_shard(plan, *backend, {1, 1}, options) : run_scan(plan, *backend, options);
        EXPECT_TRUE(outcome.finished);
        EXPECT_LT(outcome.progress.points_now, plan.n_points()) << "what was there is not done again";
        EXPECT_EQ(outcome.progress.points_now > 0, is_shard) << "the scan failed at its end";
        if (is_shard) {
            MergedShards shards(plan, output_, *backend);
            EXPECT_TRUE(run_scan(plan, shards, options).finished);
            shards.remove();
        }
        EXPECT_EQ(read_result(output_).chi2, undisturbed(first_));
        EXPECT_EQ(files(), std::set<std::string>{"out.h5"});
    }
}

TEST_F(Writers, leave_a_file_that_is_no_journal) {
    for (const Task task : {Task::scan, Task::overwrite}) {
        const std::string text = "title = \"a scan file, by mistake\"\n";
        folder_.write("out.h5.journal", text);
        EXPECT_EQ(folder_.error_of([&] { run(task); }),
                  "out.h5.journal: not a journal (the file begins differently) remove the file, or use another output "
                  "file");
        EXPECT_EQ(fs::file_size(output_ + ".journal"), text.size());
        EXPECT_EQ(files(), std::set<std::string>{"out.h5.journal"});
    }
    fs::remove(output_ + ".journal");
    fs::create_directory(output_ + ".journal");
    EXPECT_EQ(folder_.error_of([&] { run(Task::overwrite); }),
              "out.h5.journal: cannot open the file (Is a directory) use another output file?");
}

} // namespace
} // namespace nuscan
