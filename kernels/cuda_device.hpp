// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace nuscan {

/// A CUDA device that this build has kernels for.
struct CudaDevice {
    int number = 0;   //!< among those that CUDA_VISIBLE_DEVICES leaves
    std::string name; //!< with its PCI address
};

/// Chooses a device and makes it that of the calling thread. Without a number, the first that runs this build's kernels
/// is taken; under Slurm the tasks of a node start to look at different ones, as SLURM_LOCALID counts them.
/// Nothing, with the reason in \p why_not, where none can be used.
/// \throws InputError where SLURM_LOCALID is no number of a task
std::optional<CudaDevice> choose_cuda_device(std::optional<int> number, std::string& why_not);

} // namespace nuscan
