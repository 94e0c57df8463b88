// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

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

TEST(BackgroundQueue, FinishesWhatItHasWhenItIsLeft) {
    int handled = 0;
    {
        BackgroundQueue<int> queue([&](int&) { ++handled; });
        queue.push(1);
        queue.push(2);
    }
    EXPECT_EQ(handled, 2);
}

} // namespace
} // namespace nuscan
