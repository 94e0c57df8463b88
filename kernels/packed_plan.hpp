// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "nuscan/prediction.hpp"
#include "packed.hpp"

namespace nuscan {

/// A plan's tables in one piece, to be copied to other memory at once, and the view of them there. Tables of another
/// value of a slow parameter then take one copy and, where they are of the same size, no allocation.
class PackedPlan {
public:
    //! Packs tables for memory that begins at \p base, which only packed() may tell how much it must be
    void pack(const PlanView& host, const void* base);

    const Packed& packed() const { return packed_; }
    const PlanView& view() const { return view_; }
    //! Those that the view points to, for whom cannot read them there
    const std::vector<ExperimentView>& experiments() const { return experiments_; }

private:
    Packed packed_;
    std::vector<ExperimentView> experiments_;
    PlanView view_{};
};

inline void PackedPlan::pack(const PlanView& host, const void* base) {
    packed_.begin(base);
    view_ = host;
    const auto place = [this](const auto* array, std::size_t size) { return packed_.place(array, size); };
    const auto size = [](auto n) { return static_cast<std::size_t>(n); };

    ParameterView& parameters = view_.parameters;
    std::vector<AxisView> axes(parameters.axes, parameters.axes + parameters.n_axes);
    for (AxisView& axis : axes) {
        axis.value = place(axis.value, size(axis.size));
        axis.u = place(axis.u, size(axis.size));
        axis.v = place(axis.v, size(axis.size));
        axis.penalty = place(axis.penalty, size(axis.size));
    }
    parameters.axes = place(axes.data(), axes.size());
    parameters.terms = place(parameters.terms, size(parameters.n_terms));

    experiments_.assign(host.experiments, host.experiments + host.n_experiments);
    for (ExperimentView& e : experiments_) {
        const int n_energy_bins = e.n_bins / e.n_inner_bins;
        std::vector<ContributionView> contributions(e.contributions, e.contributions + e.n_contributions);
        for (ContributionView& c : contributions) {
            const std::size_t n_recoils = size(c.n_recoils), n_nodes = size(c.first_node[c.n_recoils]);
            c.beam.zones = place(c.beam.zones, size(c.beam.n_zones));
            c.recoil = place(c.recoil, n_recoils);
            c.weight = place(c.weight, n_recoils * size(n_energy_bins));
            const bool electron = host.parameters.interactions[c.interaction].target == Target::electron;
            c.atom = place(c.atom, electron ? n_recoils : 0);
            c.nucleus = place(c.nucleus, electron ? 0 : n_recoils);
            c.first_node = place(c.first_node, n_recoils + 1);
            c.energy = place(c.energy, n_nodes);
            c.flux = place(c.flux, n_nodes);
            c.share = place(c.share, size(e.n_bins));
        }
        e.contributions = place(contributions.data(), contributions.size());
        e.groups = place(e.groups, size(e.n_groups));
        e.moments = place(e.moments, size(e.n_features) * size(e.n_bins));
        e.normalisations = place(e.normalisations, size(e.n_backgrounds));
        StatisticView& s = e.statistic;
        const std::size_t n_bins = size(s.n_bins);
        s.counts = place(s.counts, n_bins);
        PullsView& p = s.pulls;
        p.templates = place(p.templates, size(p.n_pulls) * n_bins);
        p.signal_weights = place(p.signal_weights, size(p.n_signal_pulls) * n_bins);
        p.sigmas = place(p.sigmas, size(p.n_pulls));
        s.units = place(s.units, n_bins);
        s.inverse_units = place(s.inverse_units, n_bins);
        s.pulled = place(s.pulled, n_bins);
        s.pulled_counts = place(s.pulled_counts, n_bins);
        WeightedLogarithmView& w = s.log_sum;
        w.bins = place(w.bins, size(w.first_bin[w.n_levels]));
        w.first_bin = place(w.first_bin, size(w.n_levels) + 1);
        w.weights = s.counts;
        w.fractional = place(w.fractional, size(w.n_fractional));
        w.whole = place(w.whole, size(w.n_whole));
        GaussianView& g = e.gaussian; // all sizes are zero where the statistic is another
        g.counts = place(g.counts, size(g.n_bins));
        g.root = place(g.root, size(g.n_bins) * size(g.root_width));
        g.directions = place(g.directions, size(g.n_directions) * size(g.n_bins));
        g.shrinkages = place(g.shrinkages, size(g.n_directions));
        g.moments = place(g.moments, size(e.n_features) * size(g.n_bins));
        g.residuals = place(g.residuals, size(g.n_bins));
    }
    view_.experiments = place(experiments_.data(), experiments_.size());
    view_.columns = place(view_.columns, size(view_.n_columns - view_.n_bins));
    view_.pins = place(view_.pins, size(view_.n_pins));

    std::vector<SystematicsView> systematics(host.systematics, host.systematics + host.n_systematics);
    for (SystematicsView& s : systematics) {
        s.prior_weights = place(s.prior_weights, size(s.n_pulls));
        s.low = place(s.low, size(s.n_pulls));
        s.high = place(s.high, size(s.n_pulls));
        s.pins = place(s.pins, size(s.n_pulls));
        std::vector<PulledExperiment> pulled(s.experiments, s.experiments + s.n_experiments);
        for (PulledExperiment& x : pulled) {
            const std::size_t n_bins = size(x.n_bins);
            x.counts = place(x.counts, n_bins);
            x.weights = x.weights == nullptr ? nullptr : place(x.weights, n_bins);
            x.pulls = place(x.pulls, size(x.n_pulls));
            std::vector<ComponentView> components(x.components, x.components + x.n_components);
            for (ComponentView& c : components) {
                c.counts = c.counts == nullptr ? nullptr : place(c.counts, n_bins);
            }
            x.components = place(components.data(), components.size());
            x.normalisations = place(x.normalisations, size(x.n_normalisations));
            std::vector<ShapeEffect> shapes(x.shapes, x.shapes + x.n_shapes);
            for (ShapeEffect& shape : shapes) {
                shape.templates = place(shape.templates, size(shape.n_templates) * n_bins);
            }
            x.shapes = place(shapes.data(), shapes.size());
        }
        s.experiments = place(pulled.data(), pulled.size());
    }
    view_.systematics = place(systematics.data(), systematics.size());
}

} // namespace nuscan
