// SPDX-License-Identifier: Apache-2.0
#include "scan/parity.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "backends/reference_model.hpp"
#include "config/first_exception.hpp"

namespace nuscan {

double deviation_from_reference(double chi2, double reference) {
    const double deviation = chi2 == reference ? 0 : std::abs(chi2 - reference) / (1 + reference);
    return std::isnan(deviation) ? constants::infinity : deviation;
}

std::vector<double> deviations_from_reference(const ScanConfig& config, const std::vector<std::vector<double>>& points,
                                              const std::vector<double>& chi2) {
    std::vector<double> deviations(points.size());
    const ReferenceModel reference(config);
    FirstException failure;
#pragma omp parallel for schedule(dynamic)
    for (std::size_t i = 0; i < points.size(); ++i) {
        failure.guard([&] { deviations[i] = deviation_from_reference(chi2[i], reference(points[i]).chi2); });
    }
    failure.rethrow();
    return deviations;
}

ReferenceCheck::ReferenceCheck(const Plan& plan, int n_points, double share, const std::atomic<bool>* stop)
    : plan_(plan), share_(share), stop_(stop) {
    std::mt19937_64 random(std::stoull(plan.hash().substr(0, 16), nullptr, 16));
    for (int i = 0; i < n_points; ++i) {
        Point point;
        for (const Axis& axis : plan.config().axes) {
            point.indices.push_back(static_cast<std::int64_t>(random() % axis.values.size()));
            point.values.push_back(axis.values[static_cast<std::size_t>(point.indices.back())]);
        }
        random_.push_back(std::move(point));
    }
    if (n_points > 0 && omp_get_max_threads() > 1) {
        beside_ = std::async(std::launch::async, [this] { work_alone(); });
    }
}

ReferenceCheck::~ReferenceCheck() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    changed_.notify_all();
    if (beside_.valid()) {
        beside_.wait();
    }
}

bool ReferenceCheck::is_busy() const {
    const std::lock_guard lock(mutex_);
    return n_in_hand_ > 0;
}

double ReferenceCheck::seconds_of_scan() const {
    return scan_ended_ ? scan_seconds_ : std::chrono::duration<double>(Clock::now() - start_).count();
}

ReferenceCheck::Point* ReferenceCheck::next() {
    std::unique_lock lock(mutex_);
    while (!closed_ && !(stop_ != nullptr && *stop_)) {
        const bool is_due = n_begun_ < std::min(least, random_.size());
        if (!is_due && best_is_due_) {
            best_is_due_ = false;
            ++n_in_hand_;
            return &best_;
        }
        if (n_begun_ == random_.size()) {
            return nullptr;
        }
        // Those in hand, and the one that would be begun, take what the others took.
        const double each = n_done_ > 0 ? spent_ / static_cast<double>(n_done_) : constants::infinity;
        const double seconds = (spent_ + each * static_cast<double>(n_in_hand_ + 1)) / share_; // of the scan
        const double missing = seconds - seconds_of_scan();
        if (is_due || missing <= 0) {
            ++n_in_hand_;
            return &random_[n_begun_++];
        }
        if (scan_ended_) {
            return nullptr;
        }
        changed_.wait_for(lock, std::chrono::duration<double>(missing < 1 ? missing : 1)); // nobody tells of a stop
    }
    return nullptr;
}

void ReferenceCheck::work() {
    while (Point* point = next()) {
        const auto begin = Clock::now();
        std::call_once(made_, [this] { reference_ = std::make_unique<ReferenceModel>(plan_.config()); });
        point->reference = (*reference_)(point->values).chi2;
        const std::lock_guard lock(mutex_);
        spent_ += std::chrono::duration<double>(Clock::now() - begin).count();
        point->done = true;
        ++n_done_;
        --n_in_hand_;
    }
}

void ReferenceCheck::work_alone() {
    omp_set_num_threads(1); // for linear algebra: the cores have work
    work();
}

Parity ReferenceCheck::finish(Backend& backend, const std::vector<double>& best_fit, double chi2_min, double seconds) {
    const bool has_best = !random_.empty() && !best_fit.empty();
    {
        const std::lock_guard lock(mutex_);
        scan_ended_ = true;
        scan_seconds_ = seconds;
        best_.values = best_fit;
        best_is_due_ = has_best;
    }
    changed_.notify_all();
    std::vector<std::future<void>> workers;
    for (int i = beside_.valid() ? 2 : 1; i < omp_get_max_threads() && i <= static_cast<int>(random_.size()); ++i) {
        workers.push_back(std::async(std::launch::async, [this] { work_alone(); }));
    }
    work();
    if (beside_.valid()) {
        beside_.get();
    }
    for (std::future<void>& worker : workers) {
        worker.get();
    }
    Parity parity;
    for (const Point& point : random_) {
        if (!point.done) {
            ++parity.left;
            continue;
        }
        UnitResult result;
        backend.evaluate(plan_.point_unit(point.indices), result);
        ++parity.points;
        parity.largest = std::max(parity.largest, deviation_from_reference(result.chi2[0], point.reference));
    }
    if (best_.done) {
        parity.best_fit = true;
        parity.largest = std::max(parity.largest, deviation_from_reference(chi2_min, best_.reference));
    }
    parity.stopped = parity.points < static_cast<int>(std::min(least, random_.size())) || parity.best_fit != has_best;
    return parity;
}

} // namespace nuscan
