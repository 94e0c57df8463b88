// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/moments.hpp"

/// The bodies of the kernels that make moments for another value of a slow parameter: as those of kernels.hpp, they
/// take the place of their thread as arguments. Launches follow each other as their bodies do here.
namespace nuscan::kernels {

/// Signals of several experiments.
struct SignalsView {
    int n_spectra;
    const SpectrumView* spectra;
    int n_scatterers;
    const ScattererView* scatterers;
    int n_contributions;
    const MomentsView* contributions; //!< of all signals
    const SignalView* signals;
    int n_features;   //!< of all signals
    int most_recoils; //!< of a scatterer
};

/// A block of threads on the flux of a source. All integrate panels, wait for each other, then add up.
struct SpectrumTeam {
    const SpectrumView& spectrum;
    int thread, n_threads;

    NUSCAN_HOST_DEVICE void integrate() const {
        for (int p = thread; p <= spectrum.n_panels; p += n_threads) {
            integrate_panel(spectrum, p);
        }
    }
    NUSCAN_HOST_DEVICE void add_up() const {
        const int n = n_components(spectrum.beam.propagation) * EnergyBasis::size;
        for (int i = thread; i < n; i += n_threads) {
            add_panels_above(spectrum, i / EnergyBasis::size, i % EnergyBasis::size);
        }
    }
};

//! A thread to each recoil energy of each nuclide
NUSCAN_HOST_DEVICE inline void evaluate_nuclei(const SignalsView& signals, int scatterer, int i) {
    const ScattererView& x = signals.scatterers[scatterer];
    if (x.atom == nullptr && i < x.n_recoils) {
        evaluate_nucleus(x, i);
    }
}

//! A thread to each recoil energy of each contribution
NUSCAN_HOST_DEVICE inline void evaluate_rates(const SignalsView& signals, int contribution, int i) {
    if (i < signals.contributions[contribution].n_recoils) {
        nuscan::evaluate_rates(signals.contributions[contribution], i);
    }
}

/// A block of threads on a feature. All sum the moments of bins, and the first whitens them when the
/// others are done.
struct FeatureTeam {
    const SignalsView& signals;
    int feature; //!< among those of all signals
    int thread, n_threads;

    NUSCAN_HOST_DEVICE void sum_bins() const {
        const Place at = place();
        for (int b = thread; b < at.signal.n_bins; b += n_threads) {
            at.signal.moments[static_cast<std::ptrdiff_t>(at.feature) * at.signal.n_bins + b] =
                moment(at.signal, at.feature, b);
        }
    }
    NUSCAN_HOST_DEVICE void whiten() const {
        if (thread == 0) {
            const Place at = place();
            whiten_moments(at.signal, at.feature);
        }
    }

private:
    struct Place {
        const SignalView& signal;
        int feature; // among its own
    };
    NUSCAN_HOST_DEVICE Place place() const {
        const SignalView* signal = signals.signals;
        int f = feature;
        for (; f >= signal->n_features; ++signal) {
            f -= signal->n_features;
        }
        return {*signal, f};
    }
};

} // namespace nuscan::kernels
