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
    //! Of an experiment: its place in the plan, and its contributions, of which inputs, integrals and rates are missing
    struct Signal {
        std::size_t experiment;
        SignalView view;
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
        signals_.push_back({e,
                            {x.n_bins, x.n_inner_bins, x.n_features - x.n_backgrounds, 0, nullptr, x.gaussian,
                             const_cast<double*>(x.moments), const_cast<double*>(x.gaussian.moments)},
                            tables.inputs(e).contributions()});
        const Response& response = tables.inputs(e).response();
        const SignalTables& signal = tables.signal(e);
        std::vector<int> first_feature;
        int n_features = 0;
        for (const FeatureGroup& group : signal.groups) {
            first_feature.push_back(n_features);
            n_features += n_feature_matrices * n_components(group.propagation);
        }
        struct Arrays {
            const double *recoil, *weight;
            const BoundElectrons* atom;
        };
        std::vector<Arrays> arrays;
        for (const Scatterer& s : response.scatterers) {
            arrays.push_back({response_.place(s.recoil.data(), s.recoil.size()),
                              response_.place(s.weight.data(), s.weight.size()),
                              response_.place(s.atom.data(), s.atom.size())});
        }
        for (std::size_t i = 0; i < response.contributions.size(); ++i) {
            const Contribution& contribution = response.contributions[i];
            const Arrays& there = arrays[contribution.scatterer];
            MomentsView& c = signals_.back().contributions[i];
            c.recoil = there.recoil;
            c.weight = there.weight;
            c.atom = c.atom == nullptr ? nullptr : there.atom;
            c.share = response_.place(contribution.share.data(), contribution.share.size());
            c.first_feature = first_feature[signal.group_of[i]];
        }
    }
}

inline void PackedSignals::pack_inputs(const Setting& setting, const void* base, const void* scratch) {
    inputs_.begin(base);
    scratch_ = Places(scratch);
    view_ = {};
    const auto size = [](auto n) { return static_cast<std::size_t>(n); };

    std::vector<SpectrumView> spectra;
    std::vector<std::size_t> first_spectrum; // of each signal
    for (const Signal& signal : signals_) {
        first_spectrum.push_back(spectra.size());
        for (SpectrumView s : setting.inputs[signal.experiment]->spectra()) {
            s.beam.zones = inputs_.place(s.beam.zones, size(s.beam.n_zones));
            s.panels = inputs_.place(s.panels, size(s.n_panels));
            s.lines = inputs_.place(s.lines, size(s.n_lines));
            s.rules = rules_;
            s.from_panel = scratch_.next<FluxIntegrals>(size(s.n_panels) + 1);
            spectra.push_back(s);
        }
    }
    view_.n_spectra = static_cast<int>(spectra.size());
    view_.spectra = inputs_.place(spectra.data(), spectra.size());

    std::vector<MomentsView> contributions;
    std::vector<SignalView> signals;
    for (std::size_t k = 0; k < signals_.size(); ++k) {
        const MomentInputs& inputs = *setting.inputs[signals_[k].experiment];
        std::vector<const NucleusAtRecoil*> nuclei;
        for (const std::vector<NucleusAtRecoil>& nucleus : inputs.nuclei()) {
            nuclei.push_back(inputs_.place(nucleus.data(), nucleus.size()));
        }
        for (std::size_t i = 0; i < signals_[k].contributions.size(); ++i) {
            const Contribution& contribution = inputs.response().contributions[i];
            MomentsView c = signals_[k].contributions[i];
            c.spectrum = view_.spectra + first_spectrum[k] + contribution.source;
            c.nucleus = c.atom == nullptr ? nuclei[contribution.scatterer] : nullptr;
            c.rates = scratch_.next<double>(size(c.n_features) * size(c.n_recoils));
            view_.most_recoils = std::max(view_.most_recoils, c.n_recoils);
            contributions.push_back(c);
        }
        signals.push_back(signals_[k].view);
        signals.back().n_contributions = static_cast<int>(signals_[k].contributions.size());
        view_.n_features += signals.back().n_features;
    }
    view_.n_contributions = static_cast<int>(contributions.size());
    view_.contributions = inputs_.place(contributions.data(), contributions.size());
    const MomentsView* of_signal = view_.contributions;
    for (SignalView& signal : signals) {
        signal.contributions = of_signal;
        of_signal += signal.n_contributions;
    }
    view_.signals = inputs_.place(signals.data(), signals.size());
}

} // namespace nuscan
