// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace nuscan::cli {

/// Says on stderr what the program is at where that takes longer than a second: on a terminal a line that goes away
/// again, in a log one line, and another each minute. NUSCAN_PROGRESS=off in the environment leaves these lines out.
///
///     Waiting waiting;
///     waiting.at("reading lz.toml");
///     ...
///     waiting.end(); // before anything is printed
class Waiting {
public:
    Waiting();
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    //! Takes the line away
    ~Waiting();

    void at(const std::string& what);
    void end() { at(""); }

private:
    using Clock = std::chrono::steady_clock;
    void run();
    void take_line_away();

    const bool terminal_, silent_;
    std::mutex mutex_; // of all that follows
    std::condition_variable changed_;
    std::string what_; // empty: nothing that takes time
    Clock::time_point since_, next_;
    bool line_is_there_ = false, closed_ = false;
    std::thread thread_; // the last member: it uses the others
};

} // namespace nuscan::cli
