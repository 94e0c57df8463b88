// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scan/plan.hpp"

namespace nuscan {

/// A component of an experiment's prediction: a source's signal in a channel, or a background.
struct Component {
    std::string name;
    std::vector<double> counts; //!< per bin; backgrounds at the normalisation that minimises χ²
};

struct ExperimentPoint {
    std::string name;
    std::vector<double> bin_edges;    //!< reconstructed energy [MeV], or photoelectrons
    bool photoelectrons;              //!< what bin_edges are in
    std::vector<BinVariable> further; //!< bins are counted with the energy outermost
    std::vector<double> observed;
    std::vector<double> predicted; //!< sum of the components
    std::vector<Component> components;
    std::vector<std::pair<std::string, double>>
        pulls; //!< background or "signal", normalisation that minimises χ² relative to nominal
    Chi2 chi2;
};

/// Everything about one point: a scan file's fixed parameters, with its axes left out.
struct PointReport {
    double chi2 = 0;
    std::vector<ExperimentPoint> experiments;
};

/// Evaluates the point of \p config, whose axes must be empty, from moments.
PointReport evaluate_point(const ScanConfig& config);

} // namespace nuscan
