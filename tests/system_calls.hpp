// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

/// System calls of this program that a test can cut short or look into. The program's own definitions take the place of
/// those of the C library, for shared libraries too.
namespace nuscan::test {

/// Ends the process with SIGKILL at its n-th change of a file from now on (write, pwrite, ftruncate, rename, remove),
/// counted from 1; 0: never.
/// \param half of a write comes before the end, instead of nothing
void kill_at_change(std::uint64_t n, bool half);

enum class Call { lock, rename };

//! Calls \p action once, before the next flock() or rename(): what another process does just then
void before_next(Call call, std::function<void()> action);

} // namespace nuscan::test
