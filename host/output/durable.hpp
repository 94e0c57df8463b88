// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

namespace nuscan {

/// Owns a file descriptor: closes it on every way out.
class Descriptor {
public:
    explicit Descriptor(int file = -1) : file_(file) {}
    Descriptor(Descriptor&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(file_, other.file_);
        return *this;
    }
    ~Descriptor();

    operator int() const { return file_; }

private:
    int file_;
};

//! Whether \p path names the file that is open, and not another one or none
bool has_name(int file, const std::string& path);

/// Throws std::runtime_error "path: cannot ACTION (text of errno)".
[[noreturn]] void throw_errno(const std::string& path, const std::string& action);

/// Brings the folder entry of \p path to disk, so that a file created or renamed is still there after a power cut.
void sync_folder_of(const std::string& path);

} // namespace nuscan
