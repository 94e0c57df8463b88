// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace nuscan {

/// Places for arrays one after the other, in memory that begins at an address that need not be of this machine.
class Places {
public:
    Places() = default;
    explicit Places(const void* base) : base_(reinterpret_cast<std::uintptr_t>(base)) {}

    //! A place for \p size of them
    template <class T>
    T* next(std::size_t size) {
        constexpr std::size_t alignment = 256;
        const std::size_t offset = (size_ + alignment - 1) / alignment * alignment;
        size_ = offset + size * sizeof(T);
        return reinterpret_cast<T*>(base_ + offset);
    }

    std::size_t size() const { return size_; } //!< of all, in bytes
    std::uintptr_t base() const { return base_; }

private:
    std::uintptr_t base_ = 0;
    std::size_t size_ = 0;
};

/// Arrays in one piece, to be copied to other memory at once. Arrays of the same sizes take their places without an
/// allocation.
class Packed {
public:
    //! Forgets what was there, for memory that begins at \p base
    void begin(const void* base) {
        places_ = Places(base);
        bytes_.clear();
    }

    //! Adds an array; where it will be
    template <class T>
    const T* place(const T* host, std::size_t size) {
        const T* const there = places_.next<T>(size);
        bytes_.resize(places_.size());
        if (size > 0) {
            std::memcpy(bytes_.data() + (reinterpret_cast<std::uintptr_t>(there) - places_.base()), host,
                        size * sizeof(T));
        }
        return there;
    }

    const std::vector<std::byte>& bytes() const { return bytes_; }

private:
    Places places_;
    std::vector<std::byte> bytes_;
};

} // namespace nuscan
