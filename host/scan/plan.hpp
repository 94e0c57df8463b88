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

//! Points of a work unit, at most: large enough to fill a GPU, small enough for a journal entry every few seconds on a
//! CPU
constexpr std::int64_t default_unit_points(Method method) {
    return method == Method::direct ? std::int64_t{1} << 10 : std::int64_t{1} << 22;
}

/// A work unit: a box of indices, a tile of the kept axes × a slice of the profiled ones.
struct WorkUnit {
    std::uint64_t number = 0;
    std::vector<AxisRange> ranges; //!< one per axis
    PlaneLayout layout;            //!< how the box splits into planes

    //! Points into this unit
    UnitView view() const;
    std::uint64_t n_points() const;
};

/// A scan, ready to run: the tables and views that back ends upload, and its division into work units.
///
/// Fixed by the scan file and the method alone, never by the device, the number of threads or the shard.
class Plan {
public:
    Plan(ScanConfig config, Method method) : Plan(std::move(config), method, default_unit_points(method)) {}
    Plan(ScanConfig config, Method method, std::int64_t unit_points);
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    const ScanConfig& config() const { return config_; }
    Method method() const { return method_; }
    const PlanView& view() const { return view_; }
    const std::string& hash() const { return hash_; } //!< of everything that decides the results

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
    const Response& response(std::size_t experiment) const { return tables_[experiment].response; }
    //! Backgrounds of an experiment that are profiled by a pull, in the order of its StatisticView
    const std::vector<int>& pulls(std::size_t experiment) const { return tables_[experiment].pulls; }

private:
    void make_axes();
    void make_terms();
    void make_experiments();
    void choose_layout();
    void choose_units();
    WorkUnit make_unit(std::uint64_t number, const std::vector<std::int64_t>& begin,
                       const std::vector<std::int64_t>& count) const;
    Scalar scalar(Parameter::Kind kind, const std::string& name, double otherwise) const;

    struct AxisTable {
        std::vector<double> value, u, v, penalty;
    };
    struct ExperimentTables {
        Response response;
        std::vector<FeatureGroup> groups;
        std::vector<double> moments;
        std::vector<Scalar> normalisations;
        std::vector<double> templates, sigmas;
        std::vector<int> pulls; // background of each pull
        std::vector<SourceView> sources;
    };

    ScanConfig config_;
    Method method_;
    std::int64_t unit_points_;
    std::vector<AxisTable> axis_tables_;
    std::vector<AxisView> axis_views_;
    std::vector<Term> terms_;
    std::vector<ExperimentTables> tables_;
    std::vector<ExperimentView> experiment_views_;
    PlanView view_{};

    std::vector<int> kept_, profiled_;
    std::vector<std::int64_t> tile_, slice_; // shapes, on the kept and on the profiled axes
    std::uint64_t n_points_ = 0, n_units_ = 0, n_slices_ = 1;
    std::string hash_;
};

} // namespace nuscan
