// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace nuscan {

/// Makes a change of a file's head and length atomic: `<path>.undo` holds both as they were.
///
/// Save, change the file, bring it to disk, discard. Whoever opens the file later restores first, which does nothing
/// where no change was under way.

//! Saves the length of the file at \p path and its first \p n_bytes, and brings them to disk
void save_undo(const std::string& path, std::uint64_t n_bytes);
//! Takes back a change that did not come to its end. \throws InputError where another process is at it.
void restore_undo(const std::string& path);
void discard_undo(const std::string& path);

} // namespace nuscan
