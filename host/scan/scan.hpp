// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backends/backend.hpp"
#include "output/result_file.hpp"
#include "scan/parity.hpp"
#include "scan/plan.hpp"

namespace nuscan {

struct ScanProgress {
    std::uint64_t points_done = 0; //!< of this run and of the runs it resumes; the last ones are still being written
    std::uint64_t points_total = 0;
    std::uint64_t points_now = 0; //!< evaluated by this run
    double seconds = 0;           //!< this run has spent evaluating and writing
};

struct ScanOptions {
    std::string output;     //!< path of the result
    bool overwrite = false; //!< replace a finished result, and drop an unfinished one instead of resuming it
    std::function<void(const ScanProgress&)> progress; //!< called after every unit
    std::function<void(const std::string&)> stage; //!< called before what takes time beside evaluation, with its name
    const std::atomic<bool>* stop = nullptr;       //!< set by a signal: stop after the unit in hand
    std::vector<std::uint64_t> order;              //!< of units; ascending where empty
    int parity_points = 16;                        //!< random points to compare with the reference
    double parity_share = 0.05;                    //!< of the scan's time that more than a few of them may take
};

struct ScanOutcome {
    bool finished = false; //!< false where it was stopped; the unfinished result can be resumed
    ScanProgress progress;
    double chi2_min = 0;
    std::uint64_t flagged = 0; //!< kept points whose status is not ok
    Parity parity;
    std::string verdict; //!< of a finished scan on its result: see nuscan::verdict
};

/// What a result file says of the point where χ² is smallest: χ² of each experiment, all pulls there and bins with few
/// counts. \p values are those of the axes; empty where no χ² is finite, and so are the attributes then.
Attributes attributes_of_best_fit(const Plan& plan, const std::vector<double>& values);

/// Runs a scan: evaluates the work units that the journal does not have, streams tiles to the result file, compares
/// random points and the best fit with the reference and finishes the file, whose attribute `verdict` keeps what came
/// of that. All but the last goes on side by side.
///
/// Memory does not grow with the grid: a few tiles are held, and what the journal has of tiles whose profiled axes span
/// several units. After a crash or a stop the same call goes on where the last unit ended.
/// \throws InputError where the output exists already, or belongs to another scan.
ScanOutcome run_scan(const Plan& plan, Backend& backend, const ScanOptions& options);

} // namespace nuscan
