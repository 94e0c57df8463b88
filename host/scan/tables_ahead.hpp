// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <future>

#include "scan/plan.hpp"

namespace nuscan {

/// Makes the tables of the next unit while a back end evaluates this one: with slow axes they take a processor as long
/// as a GPU may need for the unit.
class TablesAhead {
public:
    explicit TablesAhead(const Plan& plan) : plan_(plan) {}

    //! Begins with those of a unit. What goes wrong is thrown when the unit asks for them itself.
    void begin(std::uint64_t unit) {
        if (!plan_.slow_axes().empty()) {
            next_ = std::async(std::launch::async, [this, unit] { plan_.tables(plan_.unit(unit)); });
        }
    }

private:
    const Plan& plan_;
    std::future<void> next_; // waits for the thread when it is replaced or destroyed
};

} // namespace nuscan
