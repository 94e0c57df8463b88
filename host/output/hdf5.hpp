// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <hdf5.h>

/// A thin layer over the C API of HDF5: handles that close themselves, calls that throw.
namespace nuscan::hdf5 {

/// Owns an HDF5 identifier.
class Handle {
public:
    using Closer = herr_t (*)(hid_t);

    Handle() = default;
    Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
    Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(other.closer_) {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(id_, other.id_);
        std::swap(closer_, other.closer_);
        return *this;
    }
    ~Handle() { close(); }

    operator hid_t() const { return id_; }

    //! Closes now, for callers that must know whether it worked
    herr_t close() {
        const hid_t id = std::exchange(id_, H5I_INVALID_HID);
        return id >= 0 ? closer_(id) : 0;
    }

private:
    hid_t id_ = H5I_INVALID_HID;
    Closer closer_ = nullptr;
};

/// To be called before anything else of HDF5, in every thread: errors are thrown instead of printed, and nothing is
/// cleaned up at exit. Handles close everything; what they could not (a file on a full disk) crashes HDF5 at exit.
void initialise();

//! What HDF5 says about the last failure: the innermost and the outermost entry of its error stack
std::string error_text();

/// Passes on what an HDF5 call returned. \throws std::runtime_error "path: cannot ACTION (text of HDF5)" where
/// negative.
template <class Status>
Status check(Status status, const std::string& path, std::string_view action) {
    if (status < 0) {
        throw std::runtime_error(path + ": cannot " + std::string(action) + " (" + error_text() + ")");
    }
    return status;
}

} // namespace nuscan::hdf5
