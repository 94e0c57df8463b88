// SPDX-License-Identifier: Apache-2.0
#include "backends/backend.hpp"
#include "config/error.hpp"

#ifdef NUSCAN_HAVE_CUDA
#include "cuda_backend.hpp"
#endif

namespace nuscan {

std::string Backend::instruction_set() const { return NUSCAN_INSTRUCTION_SET; }

std::unique_ptr<Backend> make_backend(BackendChoice choice, const Plan& plan, std::string& notice) {
    notice.clear();
    if (choice == BackendChoice::reference) {
        return make_reference_backend(plan);
    }
    if (choice != BackendChoice::cpu) {
#ifdef NUSCAN_HAVE_CUDA
        std::string why_not;
        if (auto backend = make_cuda_backend(plan, why_not)) {
            return backend;
        }
        notice = "no GPU to run on (" + why_not + "): using the CPU";
#else
        const std::string why_not = "this build has no CUDA back end";
#endif
        if (choice == BackendChoice::cuda) {
            throw InputError({"--backend", 0}, "cuda is not available", why_not, "use --backend cpu?");
        }
    }
    return make_cpu_backend(plan);
}

} // namespace nuscan
