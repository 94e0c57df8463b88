// SPDX-License-Identifier: Apache-2.0
#include "output/durable.hpp"

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace nuscan {

void throw_errno(const std::string& path, const std::string& action) {
    throw std::runtime_error(path + ": cannot " + action + " (" + std::generic_category().message(errno) + ")");
}

void sync_folder_of(const std::string& path) {
    const std::string parent = std::filesystem::path(path).parent_path().string();
    const std::string folder = parent.empty() ? std::string(".") : parent;
    const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) {
        throw_errno(folder, "open the folder");
    }
    // Some network file systems cannot sync folders and say EINVAL: nothing more can be done there.
    const bool failed = ::fsync(file) != 0 && errno != EINVAL;
    const int error = errno;
    ::close(file);
    if (failed) {
        errno = error;
        throw_errno(folder, "sync the folder");
    }
}

} // namespace nuscan
