// SPDX-License-Identifier: Apache-2.0
#include "config/first_exception.hpp"

namespace nuscan {

void FirstException::keep() noexcept {
    const std::lock_guard lock(mutex_);
    if (!exception_) {
        exception_ = std::current_exception();
    }
}

void FirstException::rethrow() const {
    if (exception_) {
        std::rethrow_exception(exception_);
    }
}

} // namespace nuscan
