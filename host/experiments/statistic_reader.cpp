// SPDX-License-Identifier: Apache-2.0
#include "experiments/statistic_reader.hpp"

#include <cmath>

#include <fmt/format.h>

namespace nuscan {

Statistic read_statistic(const TomlTable& table, Statistic otherwise) {
    return table.choice("statistic", {"poisson", "gaussian"},
                        otherwise == Statistic::poisson ? "poisson" : "gaussian") == "poisson"
               ? Statistic::poisson
               : Statistic::gaussian;
}

void check_statistic(const Experiment& experiment, const InputLocation& where) {
    if (experiment.statistic == Statistic::poisson && !experiment.covariance.empty()) {
        throw InputError(where, fmt::format("statistic = \"poisson\" does not go with {}", experiment.name),
                         "its [bins] give a covariance, of which Poisson counts know nothing");
    }
    const bool root_of_counts = experiment.sigma.empty() && experiment.covariance.empty();
    for (std::size_t b = 0; b < experiment.counts.size(); ++b) {
        const double n = experiment.counts[b];
        if (experiment.statistic == Statistic::gaussian && root_of_counts && !(n > 0)) {
            throw InputError(where, fmt::format("statistic = \"gaussian\" does not go with {}", experiment.name),
                             fmt::format("its fitted bin {} has {} counts, whose root is no error", b + 1, n),
                             "write \"poisson\", or add sigma to its [bins]?");
        }
        if (experiment.statistic == Statistic::poisson && (n < 0 || n != std::floor(n))) {
            throw InputError(where, fmt::format("statistic = \"poisson\" does not go with {}", experiment.name),
                             fmt::format("its fitted bin {} has {} counts, which is {}", b + 1, n,
                                         n < 0 ? "negative" : "not a whole number"),
                             "leave it \"gaussian\"?");
        }
    }
}

} // namespace nuscan
