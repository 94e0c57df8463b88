// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

namespace nuscan {

class Backend;
class Plan;

/// The shared bodies on the first CUDA device; null, with the driver's reason in \p why_not, where there is none.
std::unique_ptr<Backend> make_cuda_backend(const Plan& plan, std::string& why_not);

} // namespace nuscan
