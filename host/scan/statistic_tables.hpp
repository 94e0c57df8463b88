// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "nuscan/statistic.hpp"

namespace nuscan {

/// The counts and pulls of an experiment, sorted out once for the χ² of many points.
class StatisticTables {
public:
    StatisticTables() = default;
    /// \param counts n_b, not negative where χ² is that of Poisson
    /// \param templates B_kb, pull by pull, not negative
    /// \param sigmas of the pulls, relative; +inf for a free normalisation
    /// \param signal_sigma of a pull on the signal, which comes last; 0 for none
    /// \param floor counts that every prediction has beside what pulls act on; none if empty
    StatisticTables(std::vector<double> counts, std::vector<double> templates, std::vector<double> sigmas,
                    double signal_sigma = 0, const std::vector<double>& floor = {});

    //! Points into this object; stays valid when it is moved.
    StatisticView view() const;

private:
    //! With the one pull's background where \p pulled
    void choose_units(const std::vector<bool>& pulled);
    void split_counts();

    std::vector<double> counts_, templates_, signal_weights_, sigmas_, units_, inverse_units_, pulled_, pulled_counts_;
    std::vector<int> fractional_, whole_, first_bin_{0}, bins_; // of the weighted logarithm
    double template_sum_ = 0, prior_weight_ = 0, last_step_ = 0, saturated_ = 0;
    bool in_counts_ = false, by_terms_ = false;
};

} // namespace nuscan
