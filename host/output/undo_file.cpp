// SPDX-License-Identifier: Apache-2.0
#include "output/undo_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "config/error.hpp"
#include "output/crc32c.hpp"
#include "output/durable.hpp"

namespace nuscan {

namespace {

std::string undo_path(const std::string& path) { return path + ".undo"; }

void write_at(int file, std::uint64_t offset, const char* bytes, std::size_t size, const std::string& path) {
    while (size > 0) {
        const ssize_t n = ::pwrite(file, bytes, size, static_cast<off_t>(offset));
        if (n < 0 && errno != EINTR) {
            throw_errno(path, "write the file");
        }
        if (n > 0) {
            bytes += n;
            offset += static_cast<std::uint64_t>(n);
            size -= static_cast<std::size_t>(n);
        }
    }
}

std::vector<char> slurp(const std::string& path, std::uint64_t n_bytes) {
    std::vector<char> bytes(n_bytes);
    std::ifstream stream(path, std::ios::binary);
    stream.read(bytes.data(), static_cast<std::streamsize>(n_bytes));
    bytes.resize(static_cast<std::size_t>(stream.gcount()));
    return bytes;
}

} // namespace

void save_undo(const std::string& path, std::uint64_t n_bytes) {
    // The head, then the length of the whole file, then a checksum of both: a torn undo file is one of no change.
    const std::uint64_t size = std::filesystem::file_size(path);
    std::vector<char> bytes = slurp(path, std::min(n_bytes, size));
    const auto* first = reinterpret_cast<const char*>(&size);
    bytes.insert(bytes.end(), first, first + sizeof size);
    const std::uint32_t checksum = crc32c(bytes.data(), bytes.size());
    first = reinterpret_cast<const char*>(&checksum);
    bytes.insert(bytes.end(), first, first + sizeof checksum);

    const std::string undo = undo_path(path);
    const Descriptor out(::open(undo.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (out < 0) {
        throw_errno(undo, "create the file");
    }
    write_at(out, 0, bytes.data(), bytes.size(), undo);
    if (::fsync(out) != 0) {
        throw_errno(undo, "bring the file to disk");
    }
    sync_folder_of(undo);
}

void restore_undo(const std::string& path) {
    const std::string undo = undo_path(path);
    if (!std::filesystem::exists(undo)) {
        return;
    }
    // HDF5 holds this lock on files it writes.
    const Descriptor out(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (out < 0) {
        throw_errno(path, "open the file");
    }
    if (::flock(out, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        throw InputError({path, 0}, "cannot open the unfinished result", "another scan is finishing it",
                         "wait for that scan to end?");
    }
    const std::vector<char> bytes = slurp(undo, std::filesystem::file_size(undo));
    std::uint64_t size = 0;
    std::uint32_t checksum = 0;
    if (bytes.size() >= sizeof size + sizeof checksum) {
        const std::size_t n_checked = bytes.size() - sizeof checksum, n_head = n_checked - sizeof size;
        std::memcpy(&checksum, bytes.data() + n_checked, sizeof checksum);
        if (crc32c(bytes.data(), n_checked) == checksum) {
            std::memcpy(&size, bytes.data() + n_head, sizeof size);
            write_at(out, 0, bytes.data(), n_head, path);
            if (::ftruncate(out, static_cast<off_t>(size)) != 0 || ::fsync(out) != 0) {
                throw_errno(path, "take back a change of the file");
            }
        }
    }
    discard_undo(path);
}

void discard_undo(const std::string& path) { std::remove(undo_path(path).c_str()); }

} // namespace nuscan
