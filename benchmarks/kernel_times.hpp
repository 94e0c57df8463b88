// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

namespace nuscan::benchmarks {

struct KernelTime {
    int launches = 0;
    double seconds = 0; //!< on the device, of all launches
};

/// Times each kernel that the program launches while this exists, by two events around it. The linker leads launches
/// through here (--wrap, benchmarks/CMakeLists.txt), so that what launches them knows nothing of it. The events take
/// some microseconds of a launch, and of a stream that has nothing else to do the way from host to device is counted
/// too: an empty kernel says how much that is.
class KernelTimes {
public:
    KernelTimes();
    KernelTimes(const KernelTimes&) = delete;
    KernelTimes& operator=(const KernelTimes&) = delete;
    ~KernelTimes();

    //! By the names of kernels, of launches until now; their streams have been waited for
    std::map<std::string, KernelTime> by_name() const;
};

//! Of all kernels together [s]
double total(const std::map<std::string, KernelTime>& times);

} // namespace nuscan::benchmarks
