// SPDX-License-Identifier: Apache-2.0
#include "cuda_device.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "config/error.hpp"
#include "device_memory.hpp"
#include "kernels.cuh"

namespace nuscan {

namespace {

//! Number of this process among those of a job on this node
int local_task() {
    const char* text = std::getenv("SLURM_LOCALID");
    if (text == nullptr || *text == '\0') {
        return 0;
    }
    int task = 0;
    const char* end = text + std::strlen(text);
    const auto [rest, error] = std::from_chars(text, end, task);
    if (error != std::errc{} || rest != end || task < 0) {
        throw InputError({"$SLURM_LOCALID", 0}, "\"" + std::string(text) + "\" is no number of a task",
                         "it decides which CUDA device this process uses", "unset it, or choose one with --device?");
    }
    return task;
}

std::string name_of(int number) {
    cudaDeviceProp properties{};
    char address[32] = "";
    NUSCAN_CUDA_CHECK(cudaGetDeviceProperties(&properties, number));
    NUSCAN_CUDA_CHECK(cudaDeviceGetPCIBusId(address, sizeof address, number));
    return std::string(properties.name) + ", PCI " + address;
}

std::string compute_capability(int number) {
    int major = 0, minor = 0;
    NUSCAN_CUDA_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, number));
    NUSCAN_CUDA_CHECK(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, number));
    return std::to_string(major) + "." + std::to_string(minor);
}

//! Why a device cannot be used; empty if it can, and then it is the calling thread's
std::string why_unusable(int number) {
    cudaError_t status = cudaSetDevice(number);
    if (status == cudaSuccess) {
        status = kernels::find_code();
    }
    if (status == cudaSuccess) {
        return "";
    }
    cudaGetLastError(); // forget it: the program goes on without this device
    if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction) {
        return "has compute capability " + compute_capability(number) + ", and this build's kernels are for " +
               NUSCAN_CUDA_ARCHITECTURES;
    }
    return cudaGetErrorString(status);
}

} // namespace

std::optional<CudaDevice> choose_cuda_device(std::optional<int> number, std::string& why_not) {
    int n_devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&n_devices);
    if (status != cudaSuccess || n_devices == 0) {
        cudaGetLastError();
        why_not = status == cudaSuccess ? "no CUDA device" : cudaGetErrorString(status);
        return std::nullopt;
    }
    if (number && *number >= n_devices) {
        why_not = "the visible CUDA devices are";
        for (int i = 0; i < n_devices; ++i) {
            why_not += (i > 0 ? "; " : " ") + std::to_string(i) + ": " + name_of(i);
        }
        return std::nullopt;
    }
    const int first = number ? *number : local_task() % n_devices, last = number ? first : first + n_devices - 1;
    why_not.clear();
    for (int i = first; i <= last; ++i) {
        const int candidate = i % n_devices;
        const std::string name = name_of(candidate), reason = why_unusable(candidate);
        if (reason.empty()) {
            return CudaDevice{candidate, name};
        }
        why_not += (why_not.empty() ? "" : "; ") + name + ": " + reason;
    }
    return std::nullopt;
}

} // namespace nuscan
