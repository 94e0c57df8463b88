// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "scan/plan.hpp"

namespace nuscan {

/// A component of an experiment's prediction: a source's signal in a channel, or a background.
struct Component {
    std::string name;
    std::vector<double> counts; //!< per bin; backgrounds at the normalisation that minimises χ²
};

/// What a pull is at the minimum of χ², or where the scan holds it.
struct PulledValue {
    enum class Kind {
        normalisation, //!< relative to nominal: 1
        deviations,    //!< standard deviations: 0
        energy,        //!< of a background function [MeV]
        deviation,     //!< relative, from nominal: 0
    };
    std::string name; //!< of a background, a systematic, "signal", or what several experiments share
    Kind kind;
    double value;
    double error; //!< standard deviation from the curvature of χ² there, all other pulls free; 0 where it is held
};

struct ExperimentPoint {
    std::string name;
    std::vector<double> bin_edges;    //!< reconstructed energy [MeV], or photoelectrons
    bool photoelectrons;              //!< what bin_edges are in
    std::vector<BinVariable> further; //!< bins are counted with the energy outermost
    std::vector<double> observed;
    std::vector<double> predicted; //!< sum of the components
    std::vector<Component> components;
    std::vector<PulledValue> pulls;
    Chi2 chi2; //!< with the priors of its own pulls
};

/// Everything about one point: a scan file's fixed parameters, with its axes left out.
struct PointReport {
    double chi2 = 0; //!< of all experiments, and the priors of shared pulls
    std::vector<ExperimentPoint> experiments;
    std::vector<PulledValue> shared; //!< pulls of several experiments
};

/// The scan with its axes fixed at \p values, one for each of them.
ScanConfig at_point(ScanConfig config, const std::vector<double>& values);

/// Evaluates the point of \p config, whose axes must be empty, from moments.
PointReport evaluate_point(const ScanConfig& config);

} // namespace nuscan
