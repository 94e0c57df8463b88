// SPDX-License-Identifier: Apache-2.0
#include "system_calls.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace nuscan::test {

namespace {

std::atomic<std::uint64_t> changes_left{0};
bool writes_half = false;
std::function<void()> lock_action, rename_action;

//! \p write_half makes half of the change
template <class WriteHalf>
void count_change(const WriteHalf& write_half) {
    if (changes_left > 0 && --changes_left == 0) {
        if (writes_half) {
            write_half();
        }
        std::raise(SIGKILL);
    }
}

void count_change() {
    count_change([] {});
}

void run(std::function<void()>& action) {
    if (action) {
        std::exchange(action, nullptr)();
    }
}

} // namespace

void kill_at_change(std::uint64_t n, bool half) {
    writes_half = half;
    changes_left = n;
}

void before_next(Call call, std::function<void()> action) {
    (call == Call::lock ? lock_action : rename_action) = std::move(action);
}

} // namespace nuscan::test

extern "C" {

ssize_t write(int file, const void* bytes, size_t n) {
    nuscan::test::count_change([&] { syscall(SYS_write, file, bytes, n / 2); });
    return syscall(SYS_write, file, bytes, n);
}

ssize_t pwrite(int file, const void* bytes, size_t n, off_t offset) {
    nuscan::test::count_change([&] { syscall(SYS_pwrite64, file, bytes, n / 2, offset); });
    return syscall(SYS_pwrite64, file, bytes, n, offset);
}

int ftruncate(int file, off_t length) noexcept {
    nuscan::test::count_change();
    return static_cast<int>(syscall(SYS_ftruncate, file, length));
}

int rename(const char* from, const char* to) noexcept {
    nuscan::test::run(nuscan::test::rename_action);
    nuscan::test::count_change();
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char* path) noexcept {
    nuscan::test::count_change();
    return unlinkat(AT_FDCWD, path, 0);
}

int remove(const char* path) noexcept {
    nuscan::test::count_change();
    const int failed = unlinkat(AT_FDCWD, path, 0);
    return failed != 0 && errno == EISDIR ? unlinkat(AT_FDCWD, path, AT_REMOVEDIR) : failed;
}

int flock(int file, int operation) noexcept {
    nuscan::test::run(nuscan::test::lock_action);
    return static_cast<int>(syscall(SYS_flock, file, operation));
}

} // extern "C"
