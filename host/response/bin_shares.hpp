// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment.hpp"

namespace nuscan {

/// What part of the counts of each energy bin falls into each bin, for a source seen through a channel: n_bins numbers,
/// energy outermost, then the further variables in the order of Experiment::further.
///
/// "time": ∫ p(t) ε(t) dt over the bin, p being the source's density of arrival times, or even over the experiment's
/// window for a source that is not pulsed, and ε the efficiency in time. Other variables: Channel::shares, or evenly
/// over the variable's range. Without further variables the one share is 1.
std::vector<double> bin_shares(const Experiment& experiment, const Channel& channel, const Source& source);

} // namespace nuscan
