// SPDX-License-Identifier: Apache-2.0
#include "scan/statistic_tables.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace nuscan {

StatisticTables::StatisticTables(std::vector<double> counts, std::vector<double> templates, std::vector<double> sigmas,
                                 double signal_sigma)
    : counts_(std::move(counts)), templates_(std::move(templates)), sigmas_(std::move(sigmas)) {
    if (signal_sigma > 0) {
        templates_.resize(templates_.size() + counts_.size(), 0);
        signal_weights_.assign(counts_.size(), 1);
        sigmas_.push_back(signal_sigma);
    }
    const bool one_pull = sigmas_.size() == 1 && signal_weights_.empty();
    const bool several = !sigmas_.empty() && !one_pull;
    double least_count = 1;
    for (std::size_t b = 0; b < counts_.size(); ++b) {
        const double n = counts_[b];
        const double B = one_pull ? templates_[b] : 0;
        const double unit = B > 0 ? B : (n > 0 && !several ? n : 1);
        units_.push_back(unit);
        inverse_units_.push_back(1 / unit);
        pulled_.push_back(B > 0 ? 1 : 0);
        pulled_counts_.push_back(B > 0 ? n : 0);
        template_sum_ += B;
        if (n > 0) {
            saturated_ += 2 * n * (std::log(n / unit) - 1);
            least_count = std::min(least_count, n);
        }
    }
    if (one_pull) {
        prior_weight_ = 1 / (sigmas_[0] * sigmas_[0]);
        // What a cubic step leaves, 3e-7 standard deviations, changes χ² by its square.
        last_step_ = std::pow(3e-7 * least_count, 2. / 3);
    }
    split_counts();
}

void StatisticTables::split_counts() {
    constexpr double most = 1 << 24; // more bits than that cost more than a few logarithms
    std::uint32_t all_bits = 0;
    for (std::size_t b = 0; b < counts_.size(); ++b) {
        const double n = counts_[b];
        if (n > 0) {
            const bool whole = n < most && n == std::floor(n);
            (whole ? whole_ : fractional_).push_back(static_cast<int>(b));
            all_bits |= whole ? static_cast<std::uint32_t>(n) : 0;
        }
    }
    for (std::uint32_t bit = 1u << 31; bit > 0; bit >>= 1) {
        if (bit > all_bits) {
            continue;
        }
        for (const int b : whole_) {
            if (static_cast<std::uint32_t>(counts_[static_cast<std::size_t>(b)]) & bit) {
                bins_.push_back(b);
            }
        }
        first_bin_.push_back(static_cast<int>(bins_.size()));
    }
}

StatisticView StatisticTables::view() const {
    return {static_cast<int>(counts_.size()),
            counts_.data(),
            {static_cast<int>(sigmas_.size()), signal_weights_.empty() ? 0 : 1, templates_.data(),
             signal_weights_.data(), sigmas_.data()},
            units_.data(),
            inverse_units_.data(),
            pulled_.data(),
            pulled_counts_.data(),
            template_sum_,
            prior_weight_,
            last_step_,
            saturated_,
            {counts_.data(), static_cast<int>(fractional_.size()), fractional_.data(), static_cast<int>(whole_.size()),
             whole_.data(), static_cast<int>(first_bin_.size()) - 1, first_bin_.data(), bins_.data()}};
}

} // namespace nuscan
