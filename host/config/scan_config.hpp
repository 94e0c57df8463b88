// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/parameters.hpp"
#include "experiments/experiment.hpp"

namespace nuscan {

//! A parameter held at a value
struct FixedParameter {
    Parameter parameter;
    double value; //!< in the unit of the parameter's dimension
};

/// One axis of a scan.
struct Axis {
    Parameter parameter;
    std::vector<double> values; //!< strictly increasing
    bool profile = false;       //!< minimised away
    enum class Spacing { linear, log, list } spacing = Spacing::linear;
};

/// Which charge radius the parameters mean.
enum class ChargeRadiusMode {
    beyond_sm, //!< the shift beyond the SM: the matrix starts at zero, couplings are complete
    total,     //!< the whole: the diagonal starts at the SM values in the flavour basis, couplings are flavour-blind
};

/// The [neutrino] table of a scan file.
struct NeutrinoConfig {
    Basis basis = Basis::flavour;
    bool majorana = false;
    ChargeRadiusMode charge_radius_mode = ChargeRadiusMode::beyond_sm; //!< total takes radiative couplings
    bool inverted_ordering = false;
    Mixing mixing;
    double sin2_theta_w = constants::sin2_theta_w;
};

/// Systematics of several experiments that are one: `[[shared]]` of a scan file. They move together, each by the same
/// number z of its own standard deviations; where all are free, by the same x.
struct SharedSystematic {
    struct Member {
        std::size_t experiment; //!< place in ScanConfig::experiments
        std::string name;       //!< of a systematic, of a background (its normalisation), or Experiment::signal
    };
    std::string name;
    std::vector<Member> members;
};

/// A scan file, read and checked: what to compute, with nothing left open.
struct ScanConfig {
    std::string title;
    std::string text; //!< the TOML as run, after `--set`; stored in the result
    NeutrinoConfig neutrino;
    std::vector<Experiment> experiments; //!< with the scan file's overrides and fixed baselines and radii applied
    std::vector<SharedSystematic> shared;
    std::vector<FixedParameter> fixed; //!< elements, Majorana moments and normalisations
    std::vector<Axis> axes;
    std::string output_file; //!< of [output]; empty if not given
    bool polish = true;      //!< whether profiled axes, but slow ones, are minimised over between their values
};

//! A `--set KEY=VALUE` of the command line: KEY is a parameter name, or a dotted key of the scan file
using Override = std::pair<std::string, std::string>;

/// Reads a scan file.
///
/// \p needs_experiment and \p needs_axis: whether `[[experiment]]` and `[[axis]]` may not be absent.
/// \throws InputError with file and line for anything unknown, of a bad unit, or inconsistent.
ScanConfig read_scan_config(const std::string& path, const std::vector<Override>& overrides = {},
                            bool needs_experiment = true, bool needs_axis = true);

/// Reads the text of a scan file that a result has kept.
///
/// \p path: the result, where errors say that it stands; \p folder: where experiments given by `file` are looked for.
ScanConfig read_scan_text(const std::string& text, const std::string& path, const std::string& folder);

/// Reads a scan file as a single point: its axes are left out, so that \p overrides may fix their parameters. Without a
/// file, \p path empty, all has its default.
ScanConfig read_point_config(const std::string& path, const std::vector<Override>& overrides, bool needs_experiment);

} // namespace nuscan
