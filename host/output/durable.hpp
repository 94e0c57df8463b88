// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace nuscan {

/// Throws std::runtime_error "path: cannot ACTION (text of errno)".
[[noreturn]] void throw_errno(const std::string& path, const std::string& action);

/// Brings the folder entry of \p path to disk, so that a file created or renamed is still there after a power cut.
void sync_folder_of(const std::string& path);

} // namespace nuscan
