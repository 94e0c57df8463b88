// SPDX-License-Identifier: Apache-2.0
#include "output/durable.hpp"

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nuscan {

Descriptor::~Descriptor() {
    if (file_ >= 0) {
        ::close(file_);
    }
}

bool has_name(int file, const std::string& path) {
    struct stat open {
    }, named{};
    return ::fstat(file, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
           open.st_ino == named.st_ino;
}

void throw_errno(const std::string& path, const std::string& action) {
    throw std::runtime_error(path + ": cannot " + action + " (" + std::generic_category().message(errno) + ")");
}

void sync_folder_of(const std::string& path) {
    const std::string parent = std::filesystem::path(path).parent_path().string();
    const std::string folder = parent.empty() ? std::string(".") : parent;
    const Descriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (file < 0) {
        throw_errno(folder, "open the folder");
    }
    // Some network file systems cannot sync folders and say EINVAL: nothing more can be done there.
    if (::fsync(file) != 0 && errno != EINVAL) {
        throw_errno(folder, "sync the folder");
    }
}

} // namespace nuscan
