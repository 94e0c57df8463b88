// SPDX-License-Identifier: Apache-2.0
#include "scan/statistic_tables.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace nuscan {

namespace {

//! What rounding may leave of χ², whose tolerance where it is zero is 1e-9
constexpr double largest_rounding = 5e-10;

double sum_of(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.); }

/// In which bins with counts a pull on one background acts. Where others predict far more, what it can add is lost in
/// rounding: the minimum has 1 + ξ ≤ Σ n/Σ B or ξ ≤ 0, so that χ² changes by no more than 2 n B max(1, Σ n/Σ B)/floor.
/// Left out, the far tail of a line need not be the unit of its bins.
std::vector<bool> pulled_bins(const std::vector<double>& n, const std::vector<double>& B,
                              const std::vector<double>& floor) {
    constexpr double negligible = 1e-17;
    const double reach = std::max(1., sum_of(n) / sum_of(B));
    std::vector<bool> pulled;
    for (std::size_t b = 0; b < n.size(); ++b) {
        const double beside = floor.empty() ? 0 : floor[b];
        pulled.push_back(n[b] > 0 && B[b] > 0 && n[b] * reach * B[b] > negligible * beside);
    }
    return pulled;
}

} // namespace

StatisticTables::StatisticTables(std::vector<double> counts, std::vector<double> templates, std::vector<double> sigmas,
                                 double signal_sigma, const std::vector<double>& floor)
    : counts_(std::move(counts)), templates_(std::move(templates)), sigmas_(std::move(sigmas)) {
    if (signal_sigma > 0) {
        templates_.resize(templates_.size() + counts_.size(), 0);
        signal_weights_.assign(counts_.size(), 1);
        sigmas_.push_back(signal_sigma);
    }
    const bool one_pull = sigmas_.size() == 1 && signal_weights_.empty();
    in_counts_ = !sigmas_.empty() && !one_pull;
    choose_units(one_pull ? pulled_bins(counts_, templates_, floor) : std::vector<bool>(counts_.size()));
    // Sums of the predictions and logarithms have so many units in the last place.
    double size = sum_of(templates_);
    for (std::size_t b = 0; b < counts_.size(); ++b) {
        size += counts_[b] > 0 ? counts_[b] * (1 + std::abs(std::log(counts_[b]) - std::log(units_[b]))) : 0;
    }
    if (2 * 1.1e-16 * size > largest_rounding) {
        by_terms_ = in_counts_ = true;
        choose_units(std::vector<bool>(counts_.size()));
    }
    if (one_pull) {
        const auto least = [](double a, double n) { return n > 0 ? std::min(a, n) : a; };
        const double least_count = std::accumulate(counts_.begin(), counts_.end(), 1., least);
        template_sum_ = sum_of(templates_);
        prior_weight_ = 1 / (sigmas_[0] * sigmas_[0]);
        // What a cubic step leaves, 3e-7 standard deviations, changes χ² by its square.
        last_step_ = std::pow(3e-7 * least_count, 2. / 3);
    }
    split_counts();
}

void StatisticTables::choose_units(const std::vector<bool>& pulled) {
    for (std::vector<double>* numbers : {&units_, &inverse_units_, &pulled_, &pulled_counts_}) {
        numbers->clear();
    }
    saturated_ = 0;
    for (std::size_t b = 0; b < counts_.size(); ++b) {
        const double n = counts_[b];
        const double unit = pulled[b] ? templates_[b] : (n > 0 && !in_counts_ ? n : 1);
        units_.push_back(unit);
        inverse_units_.push_back(1 / unit);
        pulled_.push_back(pulled[b] ? 1 : 0);
        pulled_counts_.push_back(pulled[b] ? n : 0);
        saturated_ += n > 0 ? 2 * n * (std::log(n / unit) - 1) : 0;
    }
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
             whole_.data(), static_cast<int>(first_bin_.size()) - 1, first_bin_.data(), bins_.data()},
            in_counts_,
            by_terms_};
}

} // namespace nuscan
