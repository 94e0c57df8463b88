// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "scan/point.hpp"

namespace nuscan {

/// What an experiment file means in numbers, in the standard model with default mixing.
struct ExperimentReport {
    ExperimentPoint nominal;           //!< every systematic at its nominal value
    ExperimentPoint fit;               //!< systematics where χ² is smallest
    std::size_t n_signal = 0;          //!< components that neutrinos make; backgrounds follow
    std::vector<std::string> warnings; //!< what is no error, but hardly meant

    //! Counts of the neutrinos, for each bin
    std::vector<double> signal() const;
};

ExperimentReport report_experiment(const Experiment& experiment);

} // namespace nuscan
