// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

namespace nuscan {

class Backend;
class Plan;

/// What bounds the launches of a unit, and no result. With small numbers a few points take every path that a large unit
/// takes on a device.
struct CudaLimits {
    //! Device memory for what batches of planes need; a unit that needs more goes through it in several
    std::size_t batch_bytes = std::size_t{512} << 20;
    //! Blocks of a kernel that strides over the rest
    unsigned int blocks = 1u << 20;
    //! Blocks whose rows are staged in global memory: enough for any device, few enough for its memory
    unsigned int staging_blocks = 256;
    //! Shared memory of a block for the rows of its warps, if the device has as much; longer rows are staged in global
    //! memory
    std::size_t shared_memory = std::numeric_limits<std::size_t>::max();
    //! Warps that the planes of a unit's kept points are divided over, at least
    std::int64_t winner_warps = 4096;
};

/// The shared bodies on the CUDA device that choose_cuda_device() finds; null, with the reason in \p why_not, where
/// there is none, or one without memory enough.
std::unique_ptr<Backend> make_cuda_backend(const Plan& plan, std::string& why_not, std::optional<int> device = {},
                                           const CudaLimits& limits = {});

} // namespace nuscan
