// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>

#include <csignal>
#include <omp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/error.hpp"

namespace nuscan::test {

//! Whether a child may have threads of its own: ThreadSanitizer ends a forked process that starts one
#if defined(__SANITIZE_THREAD__)
inline constexpr bool children_have_threads = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool children_have_threads = false;
#else
inline constexpr bool children_have_threads = true;
#endif
#else
inline constexpr bool children_have_threads = true;
#endif

/// A process of its own that runs a function, and at which the test can look at places of its choice.
///
///     Child child([](const Child::Gate& gate) { first(); gate.pass(); second(); return 0; });
///     ASSERT_TRUE(child.is_at_gate()); // first() is over, second() has not begun
///     child.let_on();
///     EXPECT_EQ(child.wait(), 0);
class Child {
public:
    //! The child's side of a gate
    class Gate {
    public:
        explicit Gate(int channel) : channel_(channel) {}
        //! Says that the child is there, and waits until it is let on
        void pass() const {
            char byte = 0;
            if (::send(channel_, &byte, 1, MSG_NOSIGNAL) != 1 || ::recv(channel_, &byte, 1, 0) != 1) {
                ::_exit(98);
            }
        }

    private:
        int channel_;
    };

    explicit Child(const std::function<int(const Gate&)>& action) {
        int channels[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, channels) != 0 || (pid_ = ::fork()) < 0) {
            throw std::runtime_error("no process");
        }
        if (pid_ == 0) {
            constexpr unsigned most_seconds = 900; // for a child that would never end
            ::alarm(most_seconds);
            omp_set_num_threads(1); // the parent's other threads are not here
            ::close(channels[0]);
            int status = 99;
            try {
                status = action(Gate(channels[1]));
            } catch (const InputError& error) {
                std::fprintf(stderr, "child: %s\n", error.what());
                status = 2;
            } catch (const std::exception& error) {
                std::fprintf(stderr, "child: %s\n", error.what());
                status = 1;
            }
            ::_exit(status);
        }
        ::close(channels[1]);
        channel_ = channels[0];
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            wait();
        }
        ::close(channel_);
    }

    pid_t pid() const { return pid_; }
    //! Waits until the child is at its gate; false where it has ended
    bool is_at_gate() const {
        char byte = 0;
        return ::recv(channel_, &byte, 1, 0) == 1;
    }
    void let_on() const {
        const char byte = 0;
        ::send(channel_, &byte, 1, MSG_NOSIGNAL);
    }
    //! Waits for the end of the child: what its function returned, 2 for an InputError, 1 for another exception, or
    //! minus the signal that ended it
    int wait() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

private:
    pid_t pid_ = -1;
    int channel_ = -1;
};

} // namespace nuscan::test
