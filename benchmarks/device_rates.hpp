// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

/// What the device can do at most, measured.
namespace nuscan::benchmarks {

struct DeviceRates {
    std::string device;
    double fp64;                                 //!< fused multiply-adds of doubles a second, independent ones
    double copy_on_device;                       //!< bytes a second, each read and written
    double to_device, to_host;                   //!< bytes a second, from and to pinned memory
    double pageable_to_device, pageable_to_host; //!< as of memory that is not
    double launch_seconds;                       //!< of the host, for a launch among many
    double empty_kernel_seconds, launch_and_return_seconds; //!< between the events of KernelTimes; of the host
};

//! The best of several, on whole arrays of \p bytes; with \p n_turns of a thread's loop
DeviceRates measure_device(std::size_t bytes, int n_blocks, int n_turns);

//! Launches a kernel that does nothing, and waits for it: whether a profiler or a sanitizer works here
void launch_nothing();

} // namespace nuscan::benchmarks
