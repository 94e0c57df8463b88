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
        const int n_energy_bins = e.n_bins / e.n_inner_bins;
        std::vector<ContributionView> contributions(e.contributions, e.contributions + e.n_contributions);
        for (ContributionView& c : contributions) {
            const std::size_t n_recoils = size(c.n_recoils), n_nodes = size(c.first_node[c.n_recoils]);
            c.beam.zones = upload(c.beam.zones, size(c.beam.n_zones));
            c.recoil = upload(c.recoil, n_recoils);
            c.weight = upload(c.weight, n_recoils * size(n_energy_bins));
            const bool electron = host.parameters.interactions[c.interaction].target == Target::electron;
            c.atom = upload(c.atom, electron ? n_recoils : 0);
            c.nucleus = upload(c.nucleus, electron ? 0 : n_recoils);
            c.first_node = upload(c.first_node, n_recoils + 1);
            c.energy = upload(c.energy, n_nodes);
            c.flux = upload(c.flux, n_nodes);
            c.share = upload(c.share, size(e.n_bins));
        }
        e.contributions = upload(contributions.data(), contributions.size());
        e.groups = upload(e.groups, size(e.n_groups));
        e.moments = upload(e.moments, size(e.n_features) * size(e.n_bins));
        e.normalisations = upload(e.normalisations, size(e.n_backgrounds));
        StatisticView& s = e.statistic;
        const std::size_t n_bins = size(s.n_bins);
        s.counts = upload(s.counts, n_bins);
        PullsView& p = s.pulls;
        p.templates = upload(p.templates, size(p.n_pulls) * n_bins);
        p.signal_weights = upload(p.signal_weights, size(p.n_signal_pulls) * n_bins);
        p.sigmas = upload(p.sigmas, size(p.n_pulls));
        s.units = upload(s.units, n_bins);
        s.inverse_units = upload(s.inverse_units, n_bins);
        s.pulled = upload(s.pulled, n_bins);
        s.pulled_counts = upload(s.pulled_counts, n_bins);
        WeightedLogarithmView& w = s.log_sum;
        w.bins = upload(w.bins, size(w.first_bin[w.n_levels]));
        w.first_bin = upload(w.first_bin, size(w.n_levels) + 1);
        w.weights = s.counts;
        w.fractional = upload(w.fractional, size(w.n_fractional));
        w.whole = upload(w.whole, size(w.n_whole));
        GaussianView& g = e.gaussian; // all sizes are zero where the statistic is another
        g.counts = upload(g.counts, size(g.n_bins));
        g.inverse_errors = upload(g.inverse_errors, size(g.n_bins));
        g.directions = upload(g.directions, size(g.n_directions) * size(g.n_bins));
        g.shrinkages = upload(g.shrinkages, size(g.n_directions));
        g.moments = upload(g.moments, size(e.n_features) * size(g.n_bins));
        g.residuals = upload(g.residuals, size(g.n_bins));
    }
    view_.experiments = upload(experiments.data(), experiments.size());
}

} // namespace nuscan
