// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/scan_config.hpp"
#include "nuscan/prediction.hpp"

namespace nuscan {

/// A pull of a group: a normalisation or a systematic of one experiment, or one that several share.
struct Pull {
    struct Effect {
        std::size_t experiment;
        int systematic; //!< place among the experiment's; −1 for the normalisation of a background or the signal
        std::size_t background; //!< then; their number for the signal
        double scale;           //!< of x, by the pull
    };
    std::string name; //!< "lz-2022.background", or that of the shared one
    double sigma;     //!< of the pull: 1 where it is shared, +inf where it is free
    double low, high;
    std::vector<Effect> effects;

    bool is_shared() const { return name.find('.') == std::string::npos; }
};

/// Experiments whose pulls act together, as systematics of shape or shared ones ask for, with all their pulls.
struct PullGroup {
    std::vector<std::size_t> experiments;
    std::vector<Pull> pulls;
};

/// The groups of a scan; experiments that are in none have pulls on backgrounds and on the signal alone.
std::vector<PullGroup> pull_groups(const ScanConfig& config);

//! Whether an experiment is in one of them
bool is_pulled_with_others(const std::vector<PullGroup>& groups, std::size_t experiment);

/// The pull z of a systematic at the value that a scan gives it (Parameter::Kind::systematic).
double pull_at_value(const Parameter& parameter, double value, const ScanConfig& config);
//! The other way round
double value_of_pull(const Parameter& parameter, double z, const ScanConfig& config);
//! The same for reports: of a pull of a group
double value_of_pull(const Pull& pull, double z, const std::vector<Experiment>& experiments);

/// Tables of a group for one value of every slow parameter.
class SystematicTables {
public:
    /// \param backgrounds nominal counts, experiments × backgrounds, without the solar part
    /// \param normalisations as in Tables: NaN where a pull may move one
    /// \param pins values of the group's pulls where something fixes them, else NaN
    SystematicTables(const PullGroup& group, const std::vector<Experiment>& experiments,
                     const std::vector<std::vector<std::vector<double>>>& backgrounds,
                     const std::vector<std::vector<Scalar>>& normalisations, const std::vector<Scalar>& pins);

    //! Whether pulls act on the signal of an experiment
    bool moves_signal(std::size_t experiment) const;
    /// Appends the columns that the group needs beside predictions and signals, which have their places in \p views.
    /// \param n_bins of all experiments, to which \p columns are added
    /// \param pins values of all pulls that are not fitted, features after the first \p n_features
    void add_columns(const std::vector<ExperimentView>& views, int n_bins, int n_features,
                     std::vector<ColumnView>& columns, std::vector<Scalar>& pins);

    const PullGroup& group() const { return group_; }
    const SystematicsView& view() const { return view_; }
    //! Background of a component of the i-th experiment of the group; their number for the signal
    std::size_t background(std::size_t i, int component) const {
        return parts_[i].components[static_cast<std::size_t>(component)].background;
    }

private:
    struct Shape {
        ShapeEffect effect;
        std::vector<double> templates;
    };
    struct Component {
        std::size_t background;     // their number for the signal
        std::vector<double> counts; // empty for the signal
        Scalar normalisation;
        std::vector<NormalisationEffect> normalisations;
        std::vector<Shape> shapes;
    };
    struct Part {
        std::size_t experiment;
        std::vector<double> observed, weights, backgrounds; // the last one nominal, all together
        std::vector<int> pulls;                             // those of the group that move it
        std::vector<Component> components;
        // What views point to
        std::vector<ComponentView> views;
        std::vector<NormalisationEffect> normalisations;
        std::vector<ShapeEffect> shapes;
    };
    //! A component, which is added where it is not there yet
    static Component& component_of(Part& part, std::size_t background, const std::vector<std::vector<double>>& counts,
                                   const std::vector<Scalar>& normalisations);
    //! Whether shapes are so large, within two standard deviations, that χ² may have more than one minimum
    bool may_have_several_minima() const;
    static Shape make_shape(const Systematic& systematic, const std::vector<double>& added, ShapeEffect effect);

    PullGroup group_;
    std::vector<Part> parts_;
    std::vector<Scalar> pin_values_;
    std::vector<double> prior_weights_, low_, high_;
    std::vector<int> pins_;
    std::vector<PulledExperiment> experiments_;
    SystematicsView view_{};
};

} // namespace nuscan
