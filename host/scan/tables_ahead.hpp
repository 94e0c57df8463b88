// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <future>

#include "backends/backend.hpp"

namespace nuscan {

/// Has a back end prepare the next unit while it evaluates this one: with slow axes that takes a processor as long as a
/// GPU may need for the unit.
class TablesAhead {
public:
    TablesAhead(const Plan& plan, const Backend& backend) : plan_(plan), backend_(backend) {}

    //! Begins with those of a unit. What goes wrong is thrown when the unit asks for them itself.
    void begin(std::uint64_t unit) {
        if (!plan_.slow_axes().empty()) {
            next_ = std::async(std::launch::async, [this, unit] { backend_.prepare(plan_.unit(unit)); });
        }
    }

private:
    const Plan& plan_;
    const Backend& backend_;
    std::future<void> next_; // waits for the thread when it is replaced or destroyed
};

} // namespace nuscan
