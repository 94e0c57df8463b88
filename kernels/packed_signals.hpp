// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "packed_plan.hpp"
#include "response/quadrature.hpp"
#include "scan/plan.hpp"
#include "signals.hpp"

namespace nuscan {

/// The signals whose moments slow axes move, for a machine that works these out by itself: their response, which goes
/// there once, and for each value of the slow parameters its inputs, some kilobytes.
class PackedSignals {
public:
    /// Packs the response for memory that begins at \p base.
    /// \param packed tables of any unit, in memory there; moments will go where its view has them
    void pack_response(const Plan& plan, const Tables& tables, const PackedPlan& packed, const void* base);

    //! Packs inputs for memory at \p base, and has places of what is worked out from them begin at \p scratch
    void pack_inputs(const Setting& setting, const void* base, const void* scratch);

    const Packed& response() const { return response_; }
    const Packed& inputs() const { return inputs_; }
    std::size_t scratch_size() const { return scratch_.size(); } //!< in bytes
    const kernels::SignalsView& view() const { return view_; }

private:
    //! Of an experiment: its place in the plan, what is there of it, and what inputs are still missing from
    struct Signal {
        std::size_t experiment;
        SignalView view;
        std::vector<ScattererView> scatterers;
        std::vector<MomentsView> contributions;
    };

    Packed response_, inputs_;
    Places scratch_;
    const Node* rules_ = nullptr;
    std::vector<Signal> signals_;
    kernels::SignalsView view_{};
};

inline void PackedSignals::pack_response(const Plan& plan, const Tables& tables, const PackedPlan& packed,
                                         const void* base) {
    response_.begin(base);
    rules_ = response_.place(gauss_legendre_rules().data(), gauss_legendre_rules().size());
    signals_.clear();
    for (std::size_t e = 0; e < packed.experiments().size(); ++e) {
        if (plan.is_constant(e)) {
            continue;
        }
        const ExperimentView& x = packed.experiments()[e];
        // The packed tables are this object's to change, though those who evaluate points only read them.
        Signal signal{e,
                      {x.n_bins, x.n_inner_bins, 0, 0, nullptr, x.gaussian, const_cast<double*>(x.moments),
                       const_cast<double*>(x.gaussian.moments)},
                      tables.inputs(e).scatterers(),
                      tables.inputs(e).contributions()};
        const Response& response = tables.inputs(e).response();
        for (std::size_t s = 0; s < response.scatterers.size(); ++s) {
            const Scatterer& host = response.scatterers[s];
            ScattererView& there = signal.scatterers[s];
            there.recoil = response_.place(host.recoil.data(), host.recoil.size());
            there.weight = response_.place(host.weight.data(), host.weight.size());
            there.atom = there.atom == nullptr ? nullptr : response_.place(host.atom.data(), host.atom.size());
        }
        std::vector<int> first_feature;
        for (const FeatureGroup& group : tables.signal(e).groups) {
            first_feature.push_back(signal.view.n_features);
            signal.view.n_features += n_feature_matrices * n_components(group.propagation);
        }
        for (std::size_t i = 0; i < response.contributions.size(); ++i) {
            const std::vector<double>& share = response.contributions[i].share;
            signal.contributions[i].share = response_.place(share.data(), share.size());
            signal.contributions[i].first_feature = first_feature[tables.signal(e).group_of[i]];
        }
        signal.view.n_contributions = static_cast<int>(signal.contributions.size());
        signals_.push_back(std::move(signal));
    }
}

inline void PackedSignals::pack_inputs(const Setting& setting, const void* base, const void* scratch) {
    inputs_.begin(base);
    scratch_ = Places(scratch);
    view_ = {};
    const auto size = [](auto n) { return static_cast<std::size_t>(n); };

    std::vector<SpectrumView> spectra;
    std::vector<ScattererView> scatterers;
    for (const Signal& signal : signals_) {
        const MomentInputs& inputs = *setting.inputs[signal.experiment];
        for (SpectrumView s : inputs.spectra()) {
            s.beam.zones = inputs_.place(s.beam.zones, size(s.beam.n_zones));
            s.panels = inputs_.place(s.panels, size(s.n_panels));
            s.lines = inputs_.place(s.lines, size(s.n_lines));
            s.rules = rules_;
            s.from_panel = scratch_.next<FluxIntegrals>(size(s.n_panels) + 1);
            spectra.push_back(s);
        }
        for (std::size_t i = 0; i < signal.scatterers.size(); ++i) {
            ScattererView s = signal.scatterers[i];
            s.nuclide = inputs.scatterers()[i].nuclide;
            s.nucleus = scratch_.next<NucleusAtRecoil>(s.atom == nullptr ? size(s.n_recoils) : 0);
            view_.most_recoils = std::max(view_.most_recoils, s.n_recoils);
            scatterers.push_back(s);
        }
    }
    view_.n_spectra = static_cast<int>(spectra.size());
    view_.spectra = inputs_.place(spectra.data(), spectra.size());
    view_.n_scatterers = static_cast<int>(scatterers.size());
    view_.scatterers = inputs_.place(scatterers.data(), scatterers.size());

    std::vector<MomentsView> contributions;
    const SpectrumView* of_spectra = view_.spectra; // of an experiment
    const ScattererView* of_scatterers = view_.scatterers;
    for (const Signal& signal : signals_) {
        const MomentInputs& inputs = *setting.inputs[signal.experiment];
        for (std::size_t i = 0; i < signal.contributions.size(); ++i) {
            const Contribution& contribution = inputs.response().contributions[i];
            MomentsView c = signal.contributions[i];
            c.spectrum = of_spectra + contribution.source;
            c.scatterer = of_scatterers + contribution.scatterer;
            c.rates = scratch_.next<double>(size(c.n_features) * size(c.n_recoils));
            contributions.push_back(c);
        }
        of_spectra += inputs.spectra().size();
        of_scatterers += signal.scatterers.size();
    }
    view_.n_contributions = static_cast<int>(contributions.size());
    view_.contributions = inputs_.place(contributions.data(), contributions.size());

    std::vector<SignalView> signals;
    const MomentsView* of_contributions = view_.contributions;
    for (const Signal& signal : signals_) {
        signals.push_back(signal.view);
        signals.back().contributions = of_contributions;
        of_contributions += signal.view.n_contributions;
        view_.n_features += signal.view.n_features;
    }
    view_.signals = inputs_.place(signals.data(), signals.size());
}

} // namespace nuscan
