// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "device_memory.hpp"
#include "nuscan/prediction.hpp"

namespace nuscan {

/// A copy of a plan's tables in device memory, and the view of it that kernels take.
class DevicePlan {
public:
    explicit DevicePlan(const PlanView& host);

    const PlanView& view() const { return view_; }

private:
    template <class T>
    const T* upload(const T* host, std::size_t size);

    std::vector<DeviceArray<std::byte>> arrays_;
    PlanView view_;
};

} // namespace nuscan
