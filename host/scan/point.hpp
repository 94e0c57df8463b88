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
    enum class Status {
        fitted,
        held,           //!< the scan gives its value
        at_bound,       //!< χ² still falls where its range ends, or has a kink there, where a bin without counts is
                        //!< predicted to have none: there is no curvature to take an error from
        not_determined, //!< χ² is flat along some direction in which it moves; what is reported is one value of many
    };
    std::string name; //!< of a background, a systematic, "signal", or what several experiments share
    Kind kind;
    double value;
    //! Standard deviation from the curvature of χ² there, all other pulls free; 0 where it is held, NaN where it is at
    //! a bound or not determined
    double error;
    Status status = Status::fitted;
};

//! "fitted", "held", "at its bound", "not determined"
const char* status_name(PulledValue::Status status);

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
    //! What is said of pulls that are not determined: "toy.a and toy.b are degenerate: only 2 toy.a + toy.b is
    //! determined"
    std::vector<std::string> degeneracies;
    int flat_directions = 0; //!< by how many the parameters that they name are more than what is determined of them

    //! The pull that scan files call \p name, "EXPERIMENT.NAME" or that of a shared one; null where there is none
    PulledValue* find(const std::string& name);
    const PulledValue* find(const std::string& name) const;
};

/// The scan with its axes fixed at \p values, one for each of them.
ScanConfig at_point(ScanConfig config, const std::vector<double>& values);

/// Evaluates the point of \p config, whose axes must be empty, from moments.
PointReport evaluate_point(const ScanConfig& config);

/// The same where the axes of \p config have the given values, which are fitted too: a pull is not determined either
/// where predictions stay as they are if it moves together with some of the axes, as those of a free signal do with
/// the only moment there is. Errors are those with the axes held.
PointReport evaluate_best_fit(const ScanConfig& config, const std::vector<double>& values);

} // namespace nuscan
