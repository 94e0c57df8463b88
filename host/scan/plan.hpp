// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/scan_config.hpp"
#include "nuscan/prediction.hpp"
#include "response/response.hpp"

namespace nuscan {

enum class Method { direct, moments };

/// A work unit: a box of indices, a tile of the kept axes × a slice of the profiled ones.
struct WorkUnit {
    std::uint64_t number;
    std::vector<AxisRange> ranges; //!< one per axis
    UnitView view;                 //!< of these ranges, for the plane layout of the plan's method
};

/// A scan, ready to run: the tables and views that back ends upload, and its division into work units.
///
/// Fixed by the scan file and the method alone, never by the device, the number of threads or the shard.
class Plan {
public:
    Plan(ScanConfig config, Method method);
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    const ScanConfig& config() const { return config_; }
    Method method() const { return method_; }
    const PlanView& view() const { return view_; }
    const std::vector<Response>& responses() const { return responses_; } //!< one per experiment
    const std::string& hash() const { return hash_; }                     //!< of everything that decides the results

    std::uint64_t n_points() const { return n_points_; }
    std::uint64_t n_units() const { return n_units_; }
    WorkUnit unit(std::uint64_t number) const;
    //! A unit of the single point with these indices, one per axis
    WorkUnit point_unit(const std::vector<std::int64_t>& indices) const;

    const std::vector<int>& kept_axes() const { return kept_; }
    const std::vector<int>& profiled_axes() const { return profiled_; }
    const std::vector<std::int64_t>& tile_shape() const { return tile_; } //!< on the kept axes
    std::uint64_t n_slices() const { return n_slices_; }                  //!< units per tile
    //! Values of the profiled parameters at a flat profile index
    std::vector<double> profiled_values(std::int64_t profile_index) const;

private:
    WorkUnit make_unit(std::uint64_t number, std::vector<AxisRange> ranges) const;

    struct AxisTable {
        std::vector<double> value, u, v, penalty;
    };
    struct ExperimentTables {
        std::vector<FeatureGroup> groups;
        std::vector<double> moments;
        std::vector<Scalar> normalisations;
        std::vector<double> templates, sigmas;
        std::vector<SourceView> sources;
    };

    ScanConfig config_;
    Method method_;
    std::vector<AxisTable> axis_tables_;
    std::vector<AxisView> axis_views_;
    std::vector<Term> terms_;
    std::vector<Response> responses_;
    std::vector<ExperimentTables> tables_;
    std::vector<ExperimentView> experiment_views_;
    PlanView view_{};

    std::vector<int> kept_, profiled_;
    std::vector<std::int64_t> tile_, slice_;
    std::uint64_t n_points_ = 0, n_units_ = 0, n_slices_ = 1;
    std::string hash_;
};

} // namespace nuscan
