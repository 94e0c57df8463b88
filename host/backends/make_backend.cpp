// SPDX-License-Identifier: Apache-2.0
#include "backends/backend.hpp"
#include "config/error.hpp"

#ifdef NUSCAN_HAVE_CUDA
#include "cuda_backend.hpp"
#endif

namespace nuscan {

std::string Backend::instruction_set() const { return NUSCAN_INSTRUCTION_SET; }

std::unique_ptr<Backend> make_backend(const BackendRequest& request, const Plan& plan, std::string& notice) {
    notice.clear();
    const bool on_host = request.choice == BackendChoice::cpu || request.choice == BackendChoice::reference;
    if (on_host && request.device) {
        throw InputError({"--device", 0}, "it does not go with --backend cpu or reference", "it chooses a CUDA device",
                         "leave out one of the two?");
    }
    if (request.choice == BackendChoice::reference) {
        return make_reference_backend(plan);
    }
    if (!on_host) {
#ifdef NUSCAN_HAVE_CUDA
        std::string why_not;
        if (auto backend = make_cuda_backend(plan, why_not, request.device)) {
            return backend;
        }
        notice = "no GPU to run on (" + why_not + "): using the CPU";
#else
        const std::string why_not = "this build has no CUDA back end";
#endif
        if (request.device) {
            throw InputError({"--device", 0}, std::to_string(*request.device) + " cannot be used", why_not,
                             "leave it out?");
        }
        if (request.choice == BackendChoice::cuda) {
            throw InputError({"--backend", 0}, "cuda is not available", why_not, "use --backend cpu?");
        }
    }
    return make_cpu_backend(plan);
}

} // namespace nuscan
