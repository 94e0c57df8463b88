// SPDX-License-Identifier: Apache-2.0
// Takes the place of CUDA's header where the host's compiler compiles kernels for the emulator: what kernels/ and
// benchmarks/ use, and no more. to_host.cmake rewrites what is not C++.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "thread.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)

#define threadIdx (::emulator::here().thread)
#define blockIdx (::emulator::here().block)
#define blockDim (::emulator::here().block_size)
#define gridDim (::emulator::here().grid_size)

// The defaults tell where a call stands.
#define EMULATOR_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(EMULATOR_CALLER) { emulator::sync_block(false, {file, line}); }
inline int __syncthreads_or(int vote, EMULATOR_CALLER) {
    return emulator::sync_block(vote != 0, {file, line}).n_true > 0;
}
inline int __syncthreads_and(int vote, EMULATOR_CALLER) {
    const emulator::Votes votes = emulator::sync_block(vote != 0, {file, line});
    return votes.n_true == votes.n_threads;
}
inline int __syncthreads_count(int vote, EMULATOR_CALLER) {
    return emulator::sync_block(vote != 0, {file, line}).n_true;
}
inline void __syncwarp(unsigned int mask = ~0u, EMULATOR_CALLER) { emulator::sync_warp(mask, {file, line}); }
inline unsigned int __ballot_sync(unsigned int mask, int vote, EMULATOR_CALLER) {
    return emulator::ballot(mask, vote != 0, {file, line});
}
inline int __any_sync(unsigned int mask, int vote, EMULATOR_CALLER) {
    return emulator::ballot(mask, vote != 0, {file, line}) != 0;
}
inline int __all_sync(unsigned int mask, int vote, EMULATOR_CALLER) {
    return emulator::ballot(mask, vote != 0, {file, line}) == mask;
}
template <class T>
T __shfl_sync(unsigned int mask, T mine, int source, EMULATOR_CALLER) {
    T theirs;
    emulator::shuffle(mask, &mine, &theirs, sizeof(T), source & 31, {file, line});
    return theirs;
}
template <class T>
T __shfl_down_sync(unsigned int mask, T mine, unsigned int offset, EMULATOR_CALLER) {
    const int lane = emulator::here().lane, source = lane + static_cast<int>(offset);
    return __shfl_sync(mask, mine, source < 32 ? source : lane, file, line);
}
template <class T>
T __shfl_up_sync(unsigned int mask, T mine, unsigned int offset, EMULATOR_CALLER) {
    const int lane = emulator::here().lane, source = lane - static_cast<int>(offset);
    return __shfl_sync(mask, mine, source < 0 ? lane : source, file, line);
}
template <class T>
T __shfl_xor_sync(unsigned int mask, T mine, int flipped, EMULATOR_CALLER) {
    return __shfl_sync(mask, mine, emulator::here().lane ^ flipped, file, line);
}

struct dim3 {
    unsigned int x, y, z;
    dim3(unsigned int x_ = 1, unsigned int y_ = 1, unsigned int z_ = 1) : x(x_), y(y_), z(z_) {}
};

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorDevicesUnavailable = 46,
    cudaErrorInvalidDeviceFunction = 98,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorNoKernelImageForDevice = 209,
    cudaErrorInvalidResourceHandle = 400,
    cudaErrorNotReady = 600,
    cudaErrorLaunchFailure = 719
};
const char* cudaGetErrorName(cudaError_t error);
//! Of a failed launch, what the kernel did wrong
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();

struct cudaDeviceProp {
    char name[256];
};
enum cudaDeviceAttr {
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76,
    cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetPCIBusId(char* address, int size, int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);

struct CUstream_st;
using cudaStream_t = CUstream_st*;
constexpr unsigned int cudaStreamNonBlocking = 1;
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);

struct CUevent_st;
using cudaEvent_t = CUevent_st*;
cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
//! Of the host's clock; not ready before the streams have been waited for
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to);

enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
cudaError_t cudaMalloc(void** memory, std::size_t size);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMallocHost(void** memory, std::size_t size);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t size, cudaMemcpyKind kind, cudaStream_t stream);
template <class T>
cudaError_t cudaMalloc(T** memory, std::size_t size) {
    return cudaMalloc(reinterpret_cast<void**>(memory), size);
}
template <class T>
cudaError_t cudaMallocHost(T** memory, std::size_t size) {
    return cudaMallocHost(reinterpret_cast<void**>(memory), size);
}

struct cudaFuncAttributes {};
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel);
template <class... P>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void (*kernel)(P...)) {
    return cudaFuncGetAttributes(attributes, reinterpret_cast<const void*>(kernel));
}
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value);
template <class... P>
cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute attribute, int value) {
    return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}

namespace emulator {

//! What stands between <<< and >>>
struct Configuration {
    dim3 grid, block;
    std::size_t shared_memory = 0;
    cudaStream_t stream = nullptr;
};

/// A kernel with its arguments, on its way into a stream.
struct Launch {
    std::string name;
    Configuration configuration;
    const void* kernel;
    std::size_t argument_bytes = 0;
    std::string host_pointer; //!< what is wrong with the arguments, if they point to the host
    std::function<void()> thread;
};
//! Checks it as the driver does, then queues it
void enqueue(Launch launch);
//! Whether a word of these bytes points to memory of the host; which one, or nothing
std::string find_host_pointer(const void* bytes, std::size_t size);

/// What a launch is rewritten to, before its arguments.
template <class... P>
struct Launcher {
    const char* name;
    Configuration configuration;
    void (*kernel)(P...);

    template <class... A>
    void operator()(A&&... a) const {
        using Arguments = std::tuple<std::decay_t<P>...>;
        const auto arguments = std::make_shared<const Arguments>(std::forward<A>(a)...);
        Launch launch{
            name, configuration, reinterpret_cast<const void*>(kernel), (std::size_t{0} + ... + sizeof(P)), {}, {}};
        int number = 0;
        const auto look = [&](const auto& argument) {
            const std::string found = find_host_pointer(&argument, sizeof argument);
            if (launch.host_pointer.empty() && !found.empty()) {
                launch.host_pointer = "argument " + std::to_string(number) + " " + found;
            }
            ++number;
        };
        std::apply([&](const auto&... argument) { (look(argument), ...); }, *arguments);
        launch.thread = [arguments, run = kernel] { std::apply(run, *arguments); };
        enqueue(std::move(launch));
    }
};
template <class... P>
Launcher<P...> launcher(const char* name, const Configuration& configuration, void (*kernel)(P...)) {
    return {name, configuration, kernel};
}

} // namespace emulator
