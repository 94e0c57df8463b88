// SPDX-License-Identifier: Apache-2.0
#include "scan/point.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace nuscan {

PointReport evaluate_point(const ScanConfig& config) {
    const Plan plan(config, Method::moments);
    const WorkUnit work = plan.point_unit({});
    const std::shared_ptr<const Tables> tables = plan.tables(work);
    const PlanView& view = tables->view();
    const PlaneCouplings couplings = plane_couplings(plan.parameters(), plan.layout(), work.view(), 0);
    const Mixing& mixing = config.neutrino.mixing; // no axes: these are the point's

    PointReport report;
    for (std::size_t e = 0; e < config.experiments.size(); ++e) {
        const Experiment& experiment = config.experiments[e];
        const ExperimentView& experiment_view = view.experiments[e];
        const auto n_bins = static_cast<std::size_t>(experiment.n_bins());
        ExperimentPoint point{experiment.name,
                              experiment.bin_edges,
                              experiment.response.light_yield > 0,
                              experiment.further,
                              experiment.counts,
                              std::vector<double>(n_bins),
                              {},
                              {},
                              {}};
        std::vector<double> nominal(n_bins), signal_counts(n_bins);
        const auto add = [&](const std::string& name, std::vector<double> counts) {
            for (std::size_t b = 0; b < n_bins; ++b) {
                nominal[b] += counts[b];
            }
            if (!point.components.empty() && point.components.back().name == name) { // the next nuclide
                std::transform(counts.begin(), counts.end(), point.components.back().counts.begin(),
                               point.components.back().counts.begin(), std::plus<>());
                return;
            }
            point.components.push_back({name, std::move(counts)});
        };

        const SignalTables& signal = tables->signal(e);
        for (std::size_t i = 0; i < signal.contributions.size(); ++i) {
            const Contribution& contribution = signal.contributions[i];
            const FeatureGroup& group = signal.groups[signal.group_of[i]];
            const std::vector<double> moments = contribution_moments(experiment, contribution, mixing);
            const auto components = static_cast<std::size_t>(n_components(group.propagation));
            std::vector<double> counts(n_bins);
            const double normalisation = experiment_view.signal_normalisation.fixed;
            for (std::size_t m = 0; m < n_feature_matrices; ++m) {
                std::vector<double> features(components * n_plane_coefficients);
                feature_coefficients(plan.parameters(), couplings, group, static_cast<int>(m), AxisShape::linear,
                                     AxisShape::linear, features.data());
                for (std::size_t c = 0; c < components; ++c) {
                    for (std::size_t b = 0; b < n_bins; ++b) {
                        counts[b] += normalisation * moments[(m * components + c) * n_bins + b] *
                                     features[c * n_plane_coefficients];
                    }
                }
            }
            std::string name = experiment.sources[contribution.source].name;
            if (experiment.channels.size() > 1) {
                name += " (" + experiment.channels[contribution.channel].name + ")";
            }
            std::transform(counts.begin(), counts.end(), signal_counts.begin(), signal_counts.begin(), std::plus<>());
            add(name, std::move(counts));
        }
        const std::size_t n_sources = point.components.size();
        const std::size_t n_signal =
            static_cast<std::size_t>(experiment_view.n_features - experiment_view.n_backgrounds);
        for (std::size_t k = 0; k < experiment.backgrounds.size(); ++k) {
            const double* counts = experiment_view.moments + (n_signal + k) * n_bins;
            std::vector<double> scaled(counts, counts + n_bins);
            for (double& count : scaled) {
                count *= experiment_view.normalisations[k].fixed;
            }
            add(experiment.backgrounds[k].name, std::move(scaled));
        }

        std::vector<double> xi;
        point.chi2 = tables->fit(e, nominal, signal_counts, xi);
        const std::vector<int>& pulls = tables->pulls(e);
        for (std::size_t i = 0; i < pulls.size(); ++i) {
            const auto k = static_cast<std::size_t>(pulls[i]);
            point.pulls.emplace_back(experiment.backgrounds[k].name, 1 + xi[i]);
            for (double& count : point.components[n_sources + k].counts) {
                count *= 1 + xi[i];
            }
        }
        if (experiment_view.has_signal_pull()) {
            point.pulls.emplace_back(Experiment::signal, 1 + xi.back());
            for (std::size_t i = 0; i < n_sources; ++i) {
                for (double& count : point.components[i].counts) {
                    count *= 1 + xi.back();
                }
            }
        }
        for (const Component& component : point.components) {
            for (std::size_t b = 0; b < n_bins; ++b) {
                point.predicted[b] += component.counts[b];
            }
        }
        report.chi2 += point.chi2.value;
        report.experiments.push_back(std::move(point));
    }
    return report;
}

} // namespace nuscan
