// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <mutex>

namespace nuscan {

/// Keeps the first exception of a parallel region, which none may leave, until the region has ended.
///
///     FirstException failure;
///     #pragma omp parallel for
///     for (int i = 0; i < n; ++i) {
///         failure.guard([&] { make(i); });
///     }
///     failure.rethrow();
class FirstException {
public:
    //! Keeps the exception that is being handled, if it is the first
    void keep() noexcept;
    //! \throws what has been kept
    void rethrow() const;

    template <class F>
    void guard(const F& f) noexcept {
        try {
            f();
        } catch (...) {
            keep();
        }
    }

private:
    std::mutex mutex_;
    std::exception_ptr exception_;
};

} // namespace nuscan
