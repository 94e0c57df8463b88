// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "experiments/experiment.hpp"
#include "scan/plan.hpp"

namespace nuscan {

/// What is no error in an experiment file, but hardly meant: most of the time a number in another unit than its key's.
/// All rules of that kind stand here. Each gives a note with file and line:
///
/// | number | suspicious |
/// |---|---|
/// | relative uncertainty | above 2 |
/// | live time, Poisson's statistic | below an hour |
/// | efficiency | nowhere above 0.01 |
/// | quenching factor | above 1.5 |
/// | σ of the resolution, in the middle of the bins | more than all the bins span |
/// | highest energy of a source | below 10 keV or above 1 GeV |
std::vector<std::string> suspicions(const Experiment& experiment);

/// The same of what the experiment expects, \p signal being the counts of neutrinos in the standard model, by bin:
///
/// | counts of neutrinos in all bins | suspicious |
/// |---|---|
/// | none | always |
/// | with Poisson's statistic | below 0.01 |
/// | over those of the backgrounds | below 1e-4 |
/// | over those observed | above 10 |
std::vector<std::string> suspicions(const Experiment& experiment, const std::vector<double>& signal);

/// Both, of all experiments of a scan. What baselines on an axis do to the signal is not judged.
std::vector<std::string> suspicions(const Plan& plan);

} // namespace nuscan
