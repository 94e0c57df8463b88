// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>

/// CUDA devices on the host, for the kernels as they are.
///
/// Every thread of a block is a fibre that runs until it waits for others; who goes on is a choice of the tests'
/// (Order). Nothing in a stream is done before somebody waits for it. Device memory is not the host's: it is out of
/// reach but while kernels and copies run, ends before a page that nothing may touch, and what nobody has written is
/// NaN; so is a block's shared memory. What a kernel does wrong ends it: the stream's next synchronisation then fails,
/// and the error's text says what happened in which thread. As on a device, no call succeeds after that. So does a
/// race, where kernels are compiled for ThreadSanitizer.
///
/// Not shown: fused products that nvcc makes by itself, registers, time, and what a weak order of memory does where
/// barriers are there.
namespace emulator {

//! Limits of a device of compute capability 9.0
struct Limits {
    std::uint64_t grid_x = 0x7fffffff, grid_yz = 65535;
    unsigned int block_xy = 1024, block_z = 64, block_threads = 1024;
    std::size_t shared_memory = 48 << 10;         //!< of a block, unless a kernel asks for more
    std::size_t shared_memory_opt_in = 227 << 10; //!< at most
    std::size_t argument_bytes = 32764;
};
inline constexpr Limits limits;

//! Which of the threads that can go on does: the first, the last, or any; blocks likewise
enum class Order { forwards, backwards, shuffled };

struct Settings {
    Order order = Order::forwards;
    std::uint32_t seed = 1; //!< of a shuffled order
    std::string missing;    //!< name in barriers() of a barrier that threads pass as if it were not there
    int n_devices = 1;
    std::set<int> without_code;                                   //!< devices that kernels were not compiled for
    std::set<int> busy;                                           //!< devices that somebody has for himself
    std::size_t memory = std::numeric_limits<std::size_t>::max(); //!< bytes of all devices together
};
Settings& settings();

//! What a kernel did wrong; empty if none did
std::string fault();
//! Makes a fault forgotten, as a new process would
void forget_fault();

struct KernelRecord {
    std::uint64_t launches = 0, most_blocks = 0;
};
//! Kernels that have run, by the names of their launches
const std::map<std::string, KernelRecord>& kernels();
//! Barriers that threads have waited at, as FILE:LINE, and how often one did
const std::map<std::string, std::uint64_t>& barriers();

} // namespace emulator
