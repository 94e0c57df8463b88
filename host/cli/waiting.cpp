// SPDX-License-Identifier: Apache-2.0
#include "cli/waiting.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "cli/text.hpp"

namespace nuscan::cli {

namespace {

bool is_off() {
    const char* progress = std::getenv("NUSCAN_PROGRESS");
    return progress != nullptr && std::string_view(progress) == "off";
}

} // namespace

Waiting::Waiting() : terminal_(isatty(STDERR_FILENO) != 0), silent_(is_off()) {
    if (!silent_) {
        thread_ = std::thread([this] { run(); });
    }
}

Waiting::~Waiting() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        take_line_away();
    }
    changed_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Waiting::at(const std::string& what) {
    if (silent_) {
        return;
    }
    const std::lock_guard lock(mutex_);
    if (what == what_) {
        return;
    }
    take_line_away();
    what_ = what;
    since_ = Clock::now();
    next_ = since_ + std::chrono::seconds(1);
    changed_.notify_all();
}

void Waiting::take_line_away() {
    if (line_is_there_) {
        fmt::print(stderr, "\r\033[K");
        std::fflush(stderr);
        line_is_there_ = false;
    }
}

void Waiting::run() {
    std::unique_lock lock(mutex_);
    while (!closed_) {
        if (what_.empty()) {
            changed_.wait(lock, [this] { return closed_ || !what_.empty(); });
            continue;
        }
        if (Clock::now() < next_) {
            changed_.wait_until(lock, next_);
            continue;
        }
        const double seconds = std::chrono::duration<double>(Clock::now() - since_).count();
        fmt::print(stderr, "{}{} ... {}{}", terminal_ ? "\r" : "", what_, duration(seconds),
                   terminal_ ? "\033[K" : "\n");
        std::fflush(stderr);
        line_is_there_ = terminal_;
        next_ += terminal_ ? std::chrono::seconds(1) : std::chrono::seconds(60);
    }
}

} // namespace nuscan::cli
