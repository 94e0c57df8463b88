// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <type_traits>

/// What the code of a kernel asks of the emulator: where its thread is, memory of its block, and waiting for others.
namespace emulator {

//! A line of a source, where a barrier stands
struct Site {
    const char* file = "";
    int line = 0;
};

struct Index {
    unsigned int x, y, z;
};
struct Place {
    Index thread, block, block_size, grid_size;
    int lane; //!< in the warp
};
const Place& here();

struct Votes {
    int n_true, n_threads; //!< of those that have not left the kernel
};
//! Waits for all threads of the block that have not left the kernel; how they voted
Votes sync_block(bool vote, Site site);
//! Waits for the lanes of \p mask, all of which have to come
void sync_warp(unsigned int mask, Site site);
//! The same; the votes of the lanes, as bits
unsigned int ballot(unsigned int mask, bool vote, Site site);
//! The same; each lane gives \p size bytes and takes those of lane \p source, which are nonsense where it is not in the
//! mask
void shuffle(unsigned int mask, const void* mine, void* theirs, std::size_t size, int source, Site site);

//! Memory of the block, as much as the launch asked for
void* dynamic_shared_memory();
//! Memory of the block for the variable that \p key stands for; made when the first thread gets there
void* static_shared_memory(const void* key, std::size_t size);

template <class T>
T* dynamic_shared() {
    return static_cast<T*>(dynamic_shared_memory());
}
//! \p Declaration is a type of its own for each declaration, and for each instance of a template that it stands in
template <class T, class Declaration>
T& static_shared(Declaration) {
    static_assert(std::is_trivially_default_constructible_v<T> && alignof(T) <= alignof(std::max_align_t));
    static const char key = 0;
    return *static_cast<T*>(static_shared_memory(&key, sizeof(T)));
}

} // namespace emulator
