// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace nuscan {

/// Hands items to a function that runs on a thread of its own, in the order in which they come.
///
///     BackgroundQueue<Tile> queue([&](Tile& tile) { writer.write(tile); });
///     for (Tile tile; more(); tile = queue.push(std::move(tile))) { // fills the memory of one that is written
///         make(tile);                                               // while the last ones are being written
///     }
///     queue.finish();
template <class Item>
class BackgroundQueue {
public:
    //! \param most_waiting items, beside the one that the function has
    explicit BackgroundQueue(std::function<void(Item&)> function, std::size_t most_waiting = 2)
        : function_(std::move(function)), most_waiting_(most_waiting), thread_([this] { run(); }) {}
    BackgroundQueue(const BackgroundQueue&) = delete;
    BackgroundQueue& operator=(const BackgroundQueue&) = delete;
    ~BackgroundQueue() { close(); }

    /// Takes an item, as soon as there is room. Returns one that the function has had, so that its memory need not be
    /// asked for again, or a new one. \throws what the function threw at an earlier one.
    Item push(Item item) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_.size() < most_waiting_ || error_; });
        rethrow();
        waiting_.push_back(std::move(item));
        changed_.notify_all();
        if (handled_.empty()) {
            return {};
        }
        Item handled = std::move(handled_.back());
        handled_.pop_back();
        return handled;
    }

    //! Whether there are items that the function has not been through
    bool is_busy() const {
        const std::lock_guard lock(mutex_);
        return !waiting_.empty() || in_hand_;
    }

    //! Waits until the function has had all items; none may follow. \throws what it threw.
    void finish() {
        close();
        rethrow();
    }

private:
    void run() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return !waiting_.empty() || closed_; });
            if (waiting_.empty()) {
                return;
            }
            Item item = std::move(waiting_.front());
            waiting_.pop_front();
            in_hand_ = true;
            changed_.notify_all();
            lock.unlock();
            std::exception_ptr error;
            try {
                function_(item);
            } catch (...) {
                error = std::current_exception();
            }
            lock.lock();
            in_hand_ = false;
            if (error) { // those that wait are dropped: what comes after a failure must not stand without it
                error_ = error;
                waiting_.clear();
                changed_.notify_all();
                return;
            }
            handled_.push_back(std::move(item));
        }
    }

    void close() {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
            changed_.notify_all();
        }
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    void rethrow() {
        if (error_) {
            std::rethrow_exception(error_);
        }
    }

    std::function<void(Item&)> function_;
    std::size_t most_waiting_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Item> waiting_;
    std::vector<Item> handled_; // no more than wait and are in hand
    std::exception_ptr error_;
    bool in_hand_ = false, closed_ = false;
    std::thread thread_; // the last member: it uses the others
};

} // namespace nuscan
