// SPDX-License-Identifier: Apache-2.0
#include "output/locked_file.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>

#include "config/error.hpp"

namespace nuscan {

namespace {

/// "process 4711 on node12", or "another process" where the kernel does not list the lock: a holder on another machine,
/// or in another container.
std::string holder_of(int file) {
    struct stat status {};
    char host[256] = "";
    if (::fstat(file, &status) == 0 && ::gethostname(host, sizeof host - 1) == 0) {
        // 1: FLOCK  ADVISORY  WRITE 4711 fd:01:525123 0 EOF
        const std::string wanted =
            fmt::format("{:02x}:{:02x}:{}", major(status.st_dev), minor(status.st_dev), status.st_ino);
        std::ifstream locks("/proc/locks");
        for (std::string line; std::getline(locks, line);) {
            std::istringstream words(line);
            std::string number, kind, strictness, access, place;
            long process = 0;
            if (words >> number >> kind >> strictness >> access >> process >> place && kind == "FLOCK" &&
                place == wanted && process > 0) {
                return fmt::format("process {} on {}", process, host);
            }
        }
    }
    return "another process";
}

} // namespace

LockedFile::LockedFile(const std::string& path, bool create) : path_(path) {
    constexpr int patience = 100; // turns of other processes
    for (int turn = 0; turn < patience; ++turn) {
        file_ = Descriptor(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | (create ? O_CREAT : 0), 0666));
        if (file_ < 0) {
            throw InputError({path, 0}, "cannot open the file", std::generic_category().message(errno),
                             "use another output file?");
        }
        if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            const std::string holder = holder_of(file_);
            file_ = Descriptor(); // not held: it is not ours to remove
            throw InputError({path, 0}, "in use", holder + " is writing it",
                             "wait for it to end, or use another output file");
        }
        if (has_name(file_, path)) {
            return;
        }
    }
    throw InputError({path, 0}, "in use", "other processes keep replacing it", "use another output file?");
}

LockedFile::~LockedFile() {
    struct stat status {};
    if (file_ >= 0 && ::fstat(file_, &status) == 0 && status.st_size == 0 && has_name(file_, path_)) {
        ::unlink(path_.c_str());
    }
}

void LockedFile::remove() const {
    if (has_name(file_, path_) && ::unlink(path_.c_str()) != 0) {
        throw_errno(path_, "remove the file");
    }
}

} // namespace nuscan
