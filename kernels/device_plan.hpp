// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device_memory.hpp"
#include "packed_signals.hpp"

namespace nuscan {

//! Copies what is packed, ahead of all that comes after it in the stream
inline void upload(const Packed& packed, const DeviceArray<std::byte>& memory, cudaStream_t stream) {
    NUSCAN_CUDA_CHECK(
        cudaMemcpyAsync(memory.data(), packed.bytes().data(), packed.bytes().size(), cudaMemcpyHostToDevice, stream));
}

/// A copy of a plan's tables in device memory, and the view of it that kernels take.
class DevicePlan {
public:
    //! Replaces what was there; nothing on the device may be using it
    void assign(const PlanView& host, cudaStream_t stream) {
        packed_.pack(host, memory_.data());
        if (packed_.packed().bytes().size() > memory_.size()) {
            memory_ = DeviceArray<std::byte>(packed_.packed().bytes().size());
            packed_.pack(host, memory_.data());
        }
        upload(packed_.packed(), memory_, stream);
    }

    const PlanView& view() const { return packed_.view(); }
    const PackedPlan& packed() const { return packed_; }

private:
    PackedPlan packed_;
    DeviceArray<std::byte> memory_;
};

/// What the device makes moments from where slow axes move them.
class DeviceSignals {
public:
    //! Takes the response there. Moments go to \p device_plan, which is on the device and stays where it is.
    DeviceSignals(const Plan& plan, const DevicePlan& device_plan, cudaStream_t stream) {
        const std::uint64_t ends[] = {0, plan.n_units() - 1};
        const std::shared_ptr<const Tables> tables = plan.tables(plan.unit(0));
        packed_.pack_response(plan, *tables, device_plan.packed(), nullptr);
        response_ = DeviceArray<std::byte>(packed_.response().bytes().size());
        packed_.pack_response(plan, *tables, device_plan.packed(), response_.data());
        upload(packed_.response(), response_, stream);
        // Memory for the inputs at both ends of the axes: those in between hardly ever need more.
        for (const std::uint64_t unit : ends) {
            reserve(*plan.setting(plan.unit(unit)));
        }
    }

    //! Sends the inputs for other values of the slow parameters; what may have been there is no longer in use
    const kernels::SignalsView& update(const Setting& setting, cudaStream_t stream) {
        reserve(setting);
        upload(packed_.inputs(), inputs_, stream);
        return packed_.view();
    }

private:
    //! Packs, and sees to it that there is memory for what has been packed
    void reserve(const Setting& setting) {
        packed_.pack_inputs(setting, inputs_.data(), scratch_.data());
        const std::size_t size = packed_.inputs().bytes().size(), scratch_size = packed_.scratch_size();
        if (size > inputs_.size() || scratch_size > scratch_.size()) {
            inputs_ = DeviceArray<std::byte>(std::max(size, inputs_.size()));
            scratch_ = DeviceArray<std::byte>(std::max(scratch_size, scratch_.size()));
            packed_.pack_inputs(setting, inputs_.data(), scratch_.data());
        }
    }

    PackedSignals packed_;
    DeviceArray<std::byte> response_, inputs_, scratch_;
};

} // namespace nuscan
