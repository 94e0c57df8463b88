// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/first_exception.hpp"
#include "scan/background_queue.hpp"

namespace nuscan {
namespace {

TEST(BackgroundQueue, HandlesAllItemsInOrder) {
    std::vector<int> seen;
    BackgroundQueue<int> queue([&](int& item) { seen.push_back(item); });
    std::vector<int> expected;
    for (int i = 0; i < 1000; ++i) {
        queue.push(i);
        expected.push_back(i);
    }
    queue.finish();
    EXPECT_EQ(seen, expected);
}

TEST(BackgroundQueue, LetsNoMoreThanItsNumberWait) {
    std::atomic<int> pushed{0}, handled{0}, most{0};
    BackgroundQueue<int> queue(
        [&](int&) {
            most = std::max(most.load(), pushed - handled);
            ++handled;
        },
        2);
    for (int i = 0; i < 1000; ++i) {
        queue.push(i);
        ++pushed;
    }
    queue.finish();
    EXPECT_EQ(handled, 1000);
    EXPECT_LE(most, 3) << "two that wait and the one in hand";
}

TEST(BackgroundQueue, PassesAFailureOnAndHandlesNothingAfterIt) {
    int handled = 0;
    BackgroundQueue<int> queue([&](int& item) {
        if (item == 2) {
            throw std::runtime_error("the disk is full");
        }
        ++handled;
    });
    std::string error;
    try {
        for (int i = 0;; ++i) { // ends when the failure is known
            queue.push(i);
        }
    } catch (const std::runtime_error& e) {
        error = e.what();
    }
    EXPECT_EQ(error, "the disk is full");
    EXPECT_THROW(queue.finish(), std::runtime_error);
    EXPECT_EQ(handled, 2);
}

TEST(BackgroundQueue, GivesItemsBackForTheirMemory) {
    int handled = 0, allocations = 0;
    BackgroundQueue<std::vector<int>> queue(
        [&](std::vector<int>& item) { EXPECT_EQ(item, std::vector<int>(100, handled++)); });
    std::vector<int> next;
    for (int i = 0; i < 1000; ++i) {
        allocations += next.capacity() == 0;
        next.assign(100, i);
        next = queue.push(std::move(next));
    }
    queue.finish();
    EXPECT_EQ(handled, 1000);
    EXPECT_LE(allocations, 4) << "two that wait, one in hand and one being made";
}

TEST(BackgroundQueue, SaysWhetherItIsBusy) {
    std::promise<void> begun, may_end;
    std::atomic<bool> is_over{false};
    BackgroundQueue<int> queue([&](int& item) {
        if (item == 0) {
            begun.set_value();
            may_end.get_future().wait();
        }
        is_over = item == 1;
    });
    EXPECT_FALSE(queue.is_busy());
    queue.push(0);
    EXPECT_TRUE(queue.is_busy()) << "an item waits, or is in hand";
    begun.get_future().wait();
    EXPECT_TRUE(queue.is_busy()) << "it is in hand";
    may_end.set_value();
    queue.push(1);
    queue.finish();
    EXPECT_TRUE(is_over);
    EXPECT_FALSE(queue.is_busy());
}

TEST(BackgroundQueue, FinishesWhatItHasWhenItIsLeft) {
    int handled = 0;
    {
        BackgroundQueue<int> queue([&](int&) { ++handled; });
        queue.push(1);
        queue.push(2);
    }
    EXPECT_EQ(handled, 2);
}

TEST(FirstException, waits_for_the_end_of_a_parallel_region) {
    for (const int threads : {1, 4}) {
        FirstException failure;
        std::atomic<int> done = 0;
#pragma omp parallel for num_threads(threads)
        for (int i = 0; i < 100; ++i) {
            failure.guard([&] {
                ++done;
                if (i % 10 == 3) {
                    throw std::runtime_error("three");
                }
            });
        }
        EXPECT_EQ(done, 100);
        EXPECT_THROW(failure.rethrow(), std::runtime_error);
    }
    EXPECT_NO_THROW(FirstException().rethrow());
}

} // namespace
} // namespace nuscan
