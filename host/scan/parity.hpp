// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <vector>

#include "backends/backend.hpp"

namespace nuscan {

class ReferenceModel;

/// How far a scan is from the reference at random points of its grid and at its best fit.
struct Parity {
    int points = 0;        //!< random points that were compared
    int left = 0;          //!< random points that were asked for and not compared
    bool best_fit = false; //!< whether the best fit was compared
    bool stopped = false;  //!< before all was compared that always is
    double largest = 0;    //!< largest |χ² − χ²_reference| / (1 + χ²_reference) of all of them
};

//! Quadrature is good to 1e-8 of every bin, which χ² magnifies far outside the allowed region: more than this is
//! neither that nor rounding.
inline constexpr double largest_explained_deviation = 1e-6;

//! |χ² − χ²_reference| / (1 + χ²_reference): zero for the same infinities, +inf where it is NaN
double deviation_from_reference(double chi2, double reference);

/// Deviations of points given by a value for every axis, on all threads.
std::vector<double> deviations_from_reference(const ScanConfig& config, const std::vector<std::vector<double>>& points,
                                              const std::vector<double>& chi2);

/// The comparison of a scan with the reference, which begins beside it.
///
/// Random points of the grid are drawn by a generator seeded with the plan's hash, so that they are known before the
/// scan; a thread of its own works them out while the scan evaluates, if there is more than one thread. Some are always
/// compared, and the best fit; further ones while the time that the reference takes stays below a share of the scan's.
///
///     ReferenceCheck check(plan, 16, 0.05, &stop);
///     // evaluate
///     const Parity parity = check.finish(backend, best_fit, chi2_min, seconds);
class ReferenceCheck {
public:
    //! Random points that are always compared, if as many are asked for
    static constexpr std::size_t least = 4;

    /// \param n_points random points at most; 0: nothing is compared
    /// \param share of the scan's time that more than \ref least points may take, of one core
    /// \param stop (may be null) no further point is begun once it is set
    ReferenceCheck(const Plan& plan, int n_points, double share, const std::atomic<bool>* stop);
    ReferenceCheck(const ReferenceCheck&) = delete;
    ReferenceCheck& operator=(const ReferenceCheck&) = delete;
    ~ReferenceCheck();

    //! Whether a point is being worked out now
    bool is_busy() const;

    /// Works out what is left, on all threads, and compares. The scan took \p seconds and has its smallest χ², \p
    /// chi2_min, at \p best_fit: a value for every axis, empty where no χ² is finite.
    /// \throws what the reference threw, or the back end
    Parity finish(Backend& backend, const std::vector<double>& best_fit, double chi2_min, double seconds);

private:
    using Clock = std::chrono::steady_clock;
    struct Point {
        std::vector<std::int64_t> indices; //!< empty at the best fit, which is between the points of the grid
        std::vector<double> values;        //!< of the axes
        double reference = 0;              //!< χ²
        bool done = false;
    };

    //! Works out one point after the other, until there is none left
    void work();
    //! The same, on a thread that was made for it
    void work_alone();
    //! The next point, begun; waits while it is not known whether there is time for one. Null where there is none left.
    Point* next();
    double seconds_of_scan() const;

    const Plan& plan_;
    double share_;
    const std::atomic<bool>* stop_;
    const Clock::time_point start_ = Clock::now();
    std::once_flag made_;
    std::unique_ptr<ReferenceModel> reference_; // made by the first thread that asks
    mutable std::mutex mutex_;                  // of all that follows
    std::condition_variable changed_;
    std::vector<Point> random_;
    std::size_t n_begun_ = 0; // of them
    Point best_;
    bool best_is_due_ = false;
    double scan_seconds_ = 0; // once it has ended
    double spent_ = 0;        // [s] on points that are done
    std::size_t n_done_ = 0, n_in_hand_ = 0;
    bool scan_ended_ = false, closed_ = false;
    std::future<void> beside_; // the last member: it uses the others
};

} // namespace nuscan
