// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "config/scan_config.hpp"
#include "nuscan/prediction.hpp"
#include "response/moments.hpp"
#include "scan/statistic_tables.hpp"
#include "scan/systematic_tables.hpp"
#include "scan/whitening.hpp"

namespace nuscan {

/// Experiments at one value of every slow parameter, and what their moments are made from.
struct Setting {
    std::vector<Experiment> experiments;
    std::vector<std::shared_ptr<const MomentInputs>> inputs;
};

/// The signal of an experiment: moments of its contributions, summed over those that share features.
struct SignalTables {
    std::vector<FeatureGroup> groups;
    std::vector<std::size_t> group_of; //!< the group of each contribution
    std::vector<double> moments;       //!< n_features × n_bins, group by group
};

/// Interactions of all channels of all experiments, each once.
std::vector<Interaction> interactions_of(const ScanConfig& config);

SignalTables make_signal(const Experiment& experiment, const MomentInputs& inputs, ChargeRadiusMode mode,
                         const std::vector<Interaction>& interactions);

/// Standard-model counts per bin: no form factors but those of the SM, nominal mixing and sin²θ_W.
std::vector<double> standard_signal(const Experiment& experiment, const SignalTables& at_nominal_mixing,
                                    bool inverted_ordering, const std::vector<Interaction>& interactions);

/// What back ends need of a scan, as plain numbers: made for one value of every slow parameter.
class Tables {
public:
    /// \param signals of the setting's experiments
    /// \param nodes of their contributions, experiment by experiment; empty but for the direct method
    /// \param standard_signals of the experiments that have a background which includes it; else empty
    /// \param normalisations of all backgrounds, then of the signal; NaN where nothing fixes one, so that a pull may
    /// move it
    /// \param groups of experiments whose pulls act together
    /// \param pins values of their pulls where something fixes them, else NaN: groups × pulls
    Tables(std::shared_ptr<const Setting> setting, std::vector<SignalTables> signals,
           std::vector<std::vector<DirectNodes>> nodes, const std::vector<std::vector<double>>& standard_signals,
           const std::vector<std::vector<Scalar>>& normalisations, const std::vector<PullGroup>& groups,
           const std::vector<std::vector<Scalar>>& pins, const ParameterView& parameters, const PlaneLayout& layout);
    Tables(const Tables&) = delete;
    Tables& operator=(const Tables&) = delete;

    const PlanView& view() const { return view_; }
    const Experiment& experiment(std::size_t e) const { return setting_->experiments[e]; }
    const MomentInputs& inputs(std::size_t e) const { return *setting_->inputs[e]; }
    const SignalTables& signal(std::size_t e) const { return tables_[e].signal; }
    //! Of experiments whose pulls act together, in the order of PlanView::systematics
    const std::vector<SystematicTables>& groups() const { return groups_; }
    //! Backgrounds of an experiment that are profiled by a pull, in the order of their templates
    const std::vector<int>& pulls(std::size_t e) const { return tables_[e].pulls; }
    //! The pulls that minimise χ² of an experiment, its prediction being \p nominal without them, of which \p signal is
    //! signal; and that χ². A pull on the signal comes after those on backgrounds.
    Chi2 fit(std::size_t e, const std::vector<double>& nominal, const std::vector<double>& signal,
             std::vector<double>& xi) const;

private:
    struct ExperimentTables {
        SignalTables signal;
        std::vector<DirectNodes> nodes; // of the contributions
        std::vector<ContributionView> contributions;
        std::vector<Scalar> normalisations;
        StatisticTables statistic;
        std::vector<int> pulls;                // background of each pull
        std::vector<double> templates, sigmas; // and the rest of a Gaussian experiment
        Whitening whitening;
        std::vector<double> whitened_moments, residuals;
        std::vector<double> ones; // units of bins whose pulls act with others
    };

    //! Signals that pulls act on, and what groups need
    void add_columns();

    std::shared_ptr<const Setting> setting_;
    std::vector<ExperimentTables> tables_;
    std::vector<ExperimentView> views_;
    std::vector<SystematicTables> groups_;
    std::vector<SystematicsView> group_views_;
    std::vector<ColumnView> columns_;
    std::vector<Scalar> pins_;
    PlanView view_{};
};

} // namespace nuscan
