// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "output/durable.hpp"

namespace nuscan {

/// A file that one process at a time holds: opened, or created where there is none, and locked as long as the object
/// lives.
///
/// The lock (flock) ends with the process, whatever ends it. Whoever holds the file may remove it: a process that has
/// opened it before, and gets the lock after, finds that its file has lost its name, and takes the one that has it now.
/// Of any number of processes one holds the name. File systems without locks (some cluster mounts) let all pass.
class LockedFile {
public:
    /// \throws InputError where the file cannot be opened, or another process holds it, which is named where the system
    /// tells.
    explicit LockedFile(const std::string& path, bool create = true);
    LockedFile(LockedFile&&) noexcept = default;
    LockedFile& operator=(LockedFile&&) = delete;
    //! Releases the file; one that is empty is removed, as nothing has come of it
    ~LockedFile();

    const std::string& path() const { return path_; }
    operator int() const { return file_; }
    //! Removes the file while it is still held
    void remove() const;

private:
    std::string path_;
    Descriptor file_;
};

} // namespace nuscan
