// SPDX-License-Identifier: Apache-2.0
#include "device_plan.hpp"

namespace nuscan {

template <class T>
const T* DevicePlan::upload(const T* host, std::size_t size) {
    arrays_.emplace_back(reinterpret_cast<const std::byte*>(host), size * sizeof(T));
    return reinterpret_cast<const T*>(arrays_.back().data());
}

DevicePlan::DevicePlan(const PlanView& host) : view_(host) {
    const auto size = [](auto n) { return static_cast<std::size_t>(n); };

    ParameterView& parameters = view_.parameters;
    std::vector<AxisView> axes(parameters.axes, parameters.axes + parameters.n_axes);
    for (AxisView& axis : axes) {
        axis.value = upload(axis.value, size(axis.size));
        axis.u = upload(axis.u, size(axis.size));
        axis.v = upload(axis.v, size(axis.size));
        axis.penalty = upload(axis.penalty, size(axis.size));
    }
    parameters.axes = upload(axes.data(), axes.size());
    parameters.terms = upload(parameters.terms, size(parameters.n_terms));

    std::vector<ExperimentView> experiments(host.experiments, host.experiments + host.n_experiments);
    for (ExperimentView& e : experiments) {
        ResponseView& response = e.response;
        std::vector<SourceView> sources(response.sources, response.sources + response.n_sources);
        for (SourceView& source : sources) {
            const std::size_t n_nodes = size(source.first_node[response.n_recoils]);
            source.first_node = upload(source.first_node, size(response.n_recoils) + 1);
            source.energy = upload(source.energy, n_nodes);
            source.flux = upload(source.flux, n_nodes);
        }
        response.sources = upload(sources.data(), sources.size());
        response.recoil = upload(response.recoil, size(response.n_recoils));
        response.weight = upload(response.weight, size(response.n_recoils) * size(e.n_bins));
        e.groups = upload(e.groups, size(e.n_groups));
        e.moments = upload(e.moments, size(e.n_features) * size(e.n_bins));
        e.normalisations = upload(e.normalisations, size(e.n_backgrounds));
        e.statistic.counts = upload(e.statistic.counts, size(e.n_bins));
        e.statistic.templates = upload(e.statistic.templates, size(e.statistic.n_pulls) * size(e.n_bins));
        e.statistic.sigmas = upload(e.statistic.sigmas, size(e.statistic.n_pulls));
    }
    view_.experiments = upload(experiments.data(), experiments.size());
}

} // namespace nuscan
