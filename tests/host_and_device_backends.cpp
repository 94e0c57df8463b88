// SPDX-License-Identifier: Apache-2.0
// The back ends of this machine, its GPU among them where it has one.
#include "backend_suite.hpp"
#include "toy_experiment.hpp"

namespace nuscan::testing {

namespace {

std::unique_ptr<Backend> make_avx512(const Plan& plan) {
    const std::vector<std::string> sets = cpu_instruction_sets();
    return sets.front() == "x86-64-v4" ? make_cpu_backend(plan, sets.front()) : nullptr;
}

std::unique_ptr<Backend> make_cuda(const Plan& plan) {
    std::string notice;
    auto backend = make_backend({}, plan, notice);
    return backend->name() == "cuda" ? std::move(backend) : nullptr;
}

} // namespace

std::vector<Implementation> implementations() {
    const bool has_gpu = make_cuda(Plan(toy_scan({axis("charge.ee", {0, 1})}), Method::moments)) != nullptr;
    std::vector<Implementation> all;
    for (const Method method : {Method::moments, Method::direct, Method::collapsed}) {
        const std::string name = method_name(method);
        all.push_back({"cpu_" + name, method, make_baseline, ""});
        all.push_back({"cpu_avx512_" + name, method, make_avx512, "a processor and a build with AVX-512"});
        if (has_gpu) {
            all.push_back({"cuda_" + name, method, make_cuda, ""});
        }
    }
    return all;
}

} // namespace nuscan::testing
