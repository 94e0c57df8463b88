// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device_memory.hpp"
#include "packed_plan.hpp"

namespace nuscan {

/// A copy of a plan's tables in device memory, and the view of it that kernels take.
class DevicePlan {
public:
    //! Replaces what was there; nothing on the device may be using it
    void assign(const PlanView& host) {
        packed_.pack(host, memory_.data());
        if (packed_.bytes().size() > memory_.size()) {
            memory_ = DeviceArray<std::byte>(packed_.bytes().size());
            packed_.pack(host, memory_.data());
        }
        NUSCAN_CUDA_CHECK(
            cudaMemcpy(memory_.data(), packed_.bytes().data(), packed_.bytes().size(), cudaMemcpyHostToDevice));
    }

    const PlanView& view() const { return packed_.view(); }

private:
    PackedPlan packed_;
    DeviceArray<std::byte> memory_;
};

} // namespace nuscan
