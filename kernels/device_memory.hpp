// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

/// Memory and errors of the CUDA runtime, held by objects.
namespace nuscan {

/// What a call of the CUDA runtime failed with.
class CudaError : public std::runtime_error {
public:
    CudaError(cudaError_t status, const std::string& place)
        : std::runtime_error(place + ": " + cudaGetErrorName(status) + " (" + cudaGetErrorString(status) + ")"),
          status_(status) {}
    cudaError_t status() const { return status_; }

private:
    cudaError_t status_;
};

//! Throws CudaError, with the call's place, unless \p status is success
inline void check_cuda(cudaError_t status, const char* call, const char* file, int line) {
    if (status != cudaSuccess) {
        throw CudaError(status, std::string(file) + ":" + std::to_string(line) + ": " + call);
    }
}
#define NUSCAN_CUDA_CHECK(call) ::nuscan::check_cuda((call), #call, __FILE__, __LINE__)

/// An array on the device.
template <class T>
class DeviceArray {
public:
    DeviceArray() = default;
    explicit DeviceArray(std::size_t size) : size_(size) {
        if (size > 0) {
            NUSCAN_CUDA_CHECK(cudaMalloc(&data_, size * sizeof(T)));
        }
    }
    DeviceArray(DeviceArray&& other) noexcept : data_(other.data_), size_(other.size_) {
        other.data_ = nullptr;
        other.size_ = 0;
    }
    DeviceArray& operator=(DeviceArray&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~DeviceArray() { cudaFree(data_); }

    T* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

/// An array of the host that the device reads and writes without a copy in between.
template <class T>
class PinnedArray {
public:
    PinnedArray() = default;
    explicit PinnedArray(std::size_t size) {
        if (size > 0) {
            NUSCAN_CUDA_CHECK(cudaMallocHost(&data_, size * sizeof(T)));
        }
    }
    PinnedArray(PinnedArray&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
    PinnedArray& operator=(PinnedArray&& other) noexcept {
        std::swap(data_, other.data_);
        return *this;
    }
    ~PinnedArray() { cudaFreeHost(data_); }

    T* data() const { return data_; }

private:
    T* data_ = nullptr;
};

/// A stream of its own for one back end.
class Stream {
public:
    Stream() { NUSCAN_CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() { cudaStreamDestroy(stream_); }

    operator cudaStream_t() const { return stream_; }
    void synchronize() const { NUSCAN_CUDA_CHECK(cudaStreamSynchronize(stream_)); }

private:
    cudaStream_t stream_ = nullptr;
};

} // namespace nuscan
