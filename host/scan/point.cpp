// SPDX-License-Identifier: Apache-2.0
#include "scan/point.hpp"

#include <cmath>

namespace nuscan {

PointReport evaluate_point(const ScanConfig& config) {
    const Plan plan(config, Method::moments);
    const PlanView& view = plan.view();
    const WorkUnit work = plan.point_unit({});
    const UnitView unit = work.view();
    const PlaneCouplings couplings = plane_couplings(view.parameters, view.layout, unit, 0);
    const Mixing mixing = mixing_of(view.parameters, unit, 0);

    PointReport report;
    for (std::size_t e = 0; e < config.experiments.size(); ++e) {
        const Experiment& experiment = config.experiments[e];
        const ExperimentView& tables = view.experiments[e];
        const auto n_bins = static_cast<std::size_t>(experiment.n_bins());
        ExperimentPoint point{
            experiment.name, experiment.bin_edges, experiment.counts, std::vector<double>(n_bins), {}, {}, {}};
        std::vector<double> nominal(n_bins);
        const auto add = [&](const std::string& name, std::vector<double> counts) {
            for (std::size_t b = 0; b < n_bins; ++b) {
                nominal[b] += counts[b];
            }
            point.components.push_back({name, std::move(counts)});
        };

        for (std::size_t s = 0; s < experiment.sources.size(); ++s) {
            const Source& source = experiment.sources[s];
            const std::vector<double> moments = source_moments(experiment, plan.response(e), s, mixing);
            const auto components = static_cast<std::size_t>(n_components(source.propagation));
            std::vector<double> counts(n_bins);
            for (std::size_t m = 0; m < n_feature_matrices; ++m) {
                std::vector<double> features(components * n_plane_coefficients);
                feature_coefficients(couplings, {source.flavour, source.propagation}, static_cast<int>(m),
                                     AxisShape::linear, AxisShape::linear, features.data());
                for (std::size_t c = 0; c < components; ++c) {
                    for (std::size_t b = 0; b < n_bins; ++b) {
                        counts[b] += moments[(m * components + c) * n_bins + b] * features[c * n_plane_coefficients];
                    }
                }
            }
            add(source.name, std::move(counts));
        }
        const std::size_t n_sources = point.components.size();
        const std::size_t n_signal = static_cast<std::size_t>(tables.n_features - tables.n_backgrounds);
        for (std::size_t k = 0; k < experiment.backgrounds.size(); ++k) {
            const double* counts = tables.moments + (n_signal + k) * n_bins;
            std::vector<double> scaled(counts, counts + n_bins);
            for (double& count : scaled) {
                count *= tables.normalisations[k].fixed;
            }
            add(experiment.backgrounds[k].name, std::move(scaled));
        }

        double xi[max_pulls] = {};
        point.chi2 = poisson_chi2(TabulatedPrediction{nominal.data()}, tables.statistic, xi);
        const std::vector<int>& pulls = plan.pulls(e);
        for (std::size_t i = 0; i < pulls.size(); ++i) {
            const auto k = static_cast<std::size_t>(pulls[i]);
            point.pulls.emplace_back(experiment.backgrounds[k].name, 1 + xi[i]);
            for (double& count : point.components[n_sources + k].counts) {
                count *= 1 + xi[i];
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
