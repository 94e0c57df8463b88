// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cuda_runtime.h"

/// Parts of the emulator that its files share.
namespace emulator {

//! Runs all blocks of a launch, one after the other, or up to the first fault
void run_grid(const Launch& launch);
//! Remembers what the running thread did wrong, with its place
void record_fault(const std::string& what);
//! The same, and takes the thread out of its kernel if one runs
void fail(const std::string& what);

/// Memory that nobody has written, between two stretches that nobody may write. AddressSanitizer knows where it ends.
class GuardedMemory {
public:
    static constexpr std::size_t guard = 64;
    //! Of memory at \p begin: guard, then \p size bytes, then \p behind
    static void fill(std::byte* begin, std::size_t size, std::size_t behind = guard);
    //! Whether the stretches are as they were
    static bool is_intact(const std::byte* begin, std::size_t size, std::size_t behind = guard);
    //! To be used for something else
    static void release(std::byte* begin, std::size_t size, std::size_t behind = guard);
};
//! What fills memory that nobody has written: NaN, or −1
inline constexpr int unwritten = 0xff;

} // namespace emulator
