// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/scan_config.hpp"
#include "nuscan/prediction.hpp"
#include "scan/recently_made.hpp"
#include "scan/tables.hpp"

namespace nuscan {

enum class Method {
    direct,
    moments,
    collapsed, //!< moments without bins, where all experiments are Gaussian
};

const char* method_name(Method method);
//! The fastest one that a scan can use
Method automatic_method(const ScanConfig& config);

//! Fast axes can span a plane: predictions are quadratic in their u and v
bool is_fast(const Parameter& parameter);
//! What an axis table has for a value: its distance from that of the standard model, or the pull of a systematic
double tabulated(const Parameter& parameter, double value, const ScanConfig& config);
//! The other way round
double value_of_tabulated(const Parameter& parameter, double t, const ScanConfig& config);

/// What the axis of a normalisation or a systematic adds to χ² at t, which is what its table has there.
struct Prior {
    double weight = 0; //!< 1/σ²; zero where there is none
    double centre = 0;

    double operator()(double t) const { return weight * (t - centre) * (t - centre); }
};
Prior prior_of(const Parameter& parameter, const ScanConfig& config);

//! Points of a work unit in a scan of \p n_points, at most: so many that launching kernels and writing a journal take
//! little beside them on a GPU, so few that a CPU makes an entry every few seconds and that shards of a large scan have
//! 256 units to share
constexpr std::int64_t default_unit_points(Method method, std::uint64_t n_points) {
    switch (method) {
    case Method::direct:
        return std::int64_t{1} << 10;
    case Method::moments:
        return std::int64_t{1} << 22;
    default:
        return std::clamp(static_cast<std::int64_t>(n_points / 256), std::int64_t{1} << 22, std::int64_t{1} << 30);
    }
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
/// Fixed by the scan file and the method alone, never by the device, the number of threads or the shard. A unit holds
/// one value of every slow parameter: baselines, nuclear radii and those mixing parameters that moments depend on.
class Plan {
public:
    //! \throws InputError where the method does not go with the statistic of an experiment
    Plan(ScanConfig config, Method method, std::optional<std::int64_t> unit_points = {});
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    const ScanConfig& config() const { return config_; }
    Method method() const { return method_; }
    //! Parameters of a point: what decides the couplings, but no experiments
    const ParameterView& parameters() const { return parameters_; }
    const PlaneLayout& layout() const { return layout_; }
    //! The tables for the slow parameters of a unit, made anew where they are not among those of the last few units;
    //! any thread may ask
    std::shared_ptr<const Tables> tables(const WorkUnit& unit) const;
    //! What the moments in these tables are made from, by itself: little work
    std::shared_ptr<const Setting> setting(const WorkUnit& unit) const { return setting(slow_values(unit)); }
    //! Whether a slow axis moves the moments of an experiment
    bool is_constant(std::size_t e) const { return constant_[e].inputs != nullptr; }
    const std::string& hash() const { return hash_; } //!< of everything that decides the results

    std::uint64_t n_points() const { return n_points_; }
    std::uint64_t n_units() const { return n_units_; }
    WorkUnit unit(std::uint64_t number) const;
    //! A unit of the single point with these indices, one per axis
    WorkUnit point_unit(const std::vector<std::int64_t>& indices) const;

    const std::vector<int>& kept_axes() const { return kept_; }
    const std::vector<int>& profiled_axes() const { return profiled_; }
    const std::vector<int>& polished_axes() const { return polished_; } //!< those of them that are not left to the grid
    const std::vector<int>& slow_axes() const { return slow_; }         //!< those that moments depend on
    const std::vector<std::int64_t>& tile_shape() const { return tile_; } //!< on the kept axes
    std::uint64_t n_slices() const { return n_slices_; }                  //!< units per tile
    //! Indices on the profiled axes at a flat profile index
    std::vector<std::int64_t> profiled_indices(std::int64_t profile_index) const;
    //! Values of each profiled axis at flat profile indices
    std::vector<std::vector<double>> profiled_values(const std::vector<std::int64_t>& profile_index) const;

private:
    void make_axes();
    void make_terms();
    void add_standard_radii();
    void make_responses();
    void make_backgrounds();
    void make_pins();
    void choose_units();
    void choose_layout();
    //! About how many multiply-adds a point takes where rows run along an axis, planes along another; or both the same
    double cost_of_layout(int line, int row) const;
    WorkUnit make_unit(std::uint64_t number, const std::vector<std::int64_t>& begin,
                       const std::vector<std::int64_t>& count) const;
    Scalar scalar(Parameter::Kind kind, const std::string& name, double otherwise) const;

    struct AxisTable {
        std::vector<double> value, u, v, penalty;
    };
    /// What is made once of an experiment.
    struct Constant {
        std::shared_ptr<const Response> response;
        std::shared_ptr<const MomentInputs> inputs; // these two where no slow axis moves its moments, else null
        std::shared_ptr<const SignalTables> signal;
    };
    std::vector<double> slow_values(const WorkUnit& unit) const;
    std::shared_ptr<const Setting> setting(const std::vector<double>& slow_values) const;
    std::shared_ptr<const Tables> make_tables(const std::vector<double>& slow_values) const;

    ScanConfig config_;
    Method method_;
    std::int64_t unit_points_ = 0;
    std::vector<AxisTable> axis_tables_;
    std::vector<AxisView> axis_views_;
    std::vector<Term> terms_;
    std::vector<Interaction> interactions_;
    std::vector<std::vector<double>> standard_signals_; // of experiments that need it
    std::vector<std::vector<Scalar>> normalisations_;   // experiments × (backgrounds, signal)
    std::vector<PullGroup> groups_;
    std::vector<std::vector<Scalar>> pins_; // groups × pulls
    std::vector<int> slow_;                 // axes that moments depend on
    ParameterView parameters_{};
    PlaneLayout layout_;

    std::vector<Constant> constant_;                              // of each experiment
    mutable RecentlyMade<std::vector<double>, Setting> settings_; // by values of the slow axes
    mutable RecentlyMade<std::vector<double>, Tables> tables_;

    std::vector<int> kept_, profiled_, polished_;
    std::vector<std::int64_t> tile_, slice_; // shapes, on the kept and on the profiled axes
    std::uint64_t n_points_ = 0, n_units_ = 0, n_slices_ = 1;
    std::string hash_;
};

} // namespace nuscan
