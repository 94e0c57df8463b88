// SPDX-License-Identifier: Apache-2.0
// The CUDA back end on the emulated device.
#include "backend_suite.hpp"
#include "cuda_backend.hpp"
#include "emulator.hpp"

namespace nuscan::testing {

namespace {

std::unique_ptr<Backend> make(const Plan& plan, const CudaLimits& limits, emulator::Order order) {
    emulator::settings().order = order;
    std::string why_not;
    return make_cuda_backend(plan, why_not, {}, limits);
}

std::unique_ptr<Backend> make_emulated(const Plan& plan) { return make(plan, {}, emulator::Order::forwards); }

//! Kernels that stride, and several batches
std::unique_ptr<Backend> make_small(const Plan& plan) {
    return make(plan, {.batch_bytes = 20000, .blocks = 2, .winner_warps = 12}, emulator::Order::backwards);
}

//! Rows that no shared memory holds
std::unique_ptr<Backend> make_staged(const Plan& plan) {
    return make(plan, {.batch_bytes = 40000, .blocks = 3, .staging_blocks = 2, .shared_memory = 0, .winner_warps = 40},
                emulator::Order::shuffled);
}

} // namespace

std::vector<Implementation> implementations() {
    std::vector<Implementation> all;
    for (const Method method : {Method::moments, Method::direct, Method::collapsed}) {
        const std::string name = method_name(method);
        all.push_back({"emulated_" + name, method, make_emulated, ""});
        all.push_back({"emulated_small_" + name, method, make_small, ""});
    }
    all.push_back({"emulated_staged_moments", Method::moments, make_staged, ""});
    return all;
}

} // namespace nuscan::testing
