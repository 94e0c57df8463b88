// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "nuscan/flux_integrals.hpp"
#include "nuscan/gaussian_statistic.hpp"
#include "nuscan/nuclear_target.hpp"

/// The moments M_bf of a signal, from fluxes, targets and response on quadrature nodes: integrals of the flux
/// (flux_integrals.hpp) and form factors, then rates of all features at every recoil energy, then sums over these, bin
/// by bin. Each step needs what those before have left, and every sum has one order, whoever works it out.
namespace nuscan {

/// What a channel scatters on (an atom's electrons, or one nuclide), on nodes T_i in recoil energy.
struct ScattererView {
    double mass; //!< of what recoils [MeV]
    int n_recoils, n_energy_bins;
    const double* recoil;       //!< T_i [MeV]
    const double* weight;       //!< n_recoils × n_energy_bins, see ContributionView
    const BoundElectrons* atom; //!< n_recoils, of electrons; else null
    NuclearTarget nuclide;      //!< where it is one
    double neutron_coupling;    //!< g_V^n
    NucleusAtRecoil* nucleus;   //!< n_recoils, of a nuclide, once they have been worked out
};

//! Form factors at recoil node \p i
NUSCAN_HOST_DEVICE inline void evaluate_nucleus(const ScattererView& x, int i) {
    x.nucleus[i] = nucleus_at_recoil(x.nuclide, x.recoil[i]);
}

/// One source on one scatterer:
///
///     M_bf = share_b Σ_i weight_ib rate_f(T_i)
struct MomentsView {
    const SpectrumView* spectrum;
    const ScattererView* scatterer;
    int n_recoils;       //!< those of the scatterer that the source reaches, its first ones
    const double* share; //!< n_bins
    double* rates;       //!< n_features × n_recoils, once they have been worked out [MeV^-1 s^-1]
    int first_feature;   //!< of the group it belongs to, among the experiment's
    int n_features;      //!< matrices × components
};

//! Rates of all features at recoil node \p i. Where the atom has equivalent photons they are more than stepping in its
//! ranges of neutrino energy.
NUSCAN_HOST_DEVICE inline void evaluate_rates(const MomentsView& x, int i) {
    const ScattererView& on = *x.scatterer;
    const double T = on.recoil[i];
    const FluxIntegrals integrals = flux_integrals(*x.spectrum, T, on.mass);
    const KernelExpansion kernels = on.atom != nullptr
                                        ? kernel_expansion(on.atom[i], T, x.spectrum->beam.antineutrino ? -1 : 1)
                                        : kernel_expansion(on.nucleus[i], T, on.neutron_coupling);
    const int components = x.n_features / n_feature_matrices;
    for (int m = 0; m < n_feature_matrices; ++m) {
        for (int c = 0; c < components; ++c) {
            double rate = 0;
            for (int j = 0; j < EnergyBasis::size; ++j) {
                rate = std::fma(kernels.c[m][j], integrals.value[c][j], rate);
            }
            x.rates[static_cast<std::ptrdiff_t>(m * components + c) * x.n_recoils + i] = rate;
        }
    }
    if (on.atom != nullptr && on.atom[i].photon_area > 0) {
        FluxIntegrals photons;
        add_photon_integrals(*x.spectrum, on.atom[i], T, photons);
        for (int c = 0; c < components; ++c) {
            double& rate =
                x.rates[static_cast<std::ptrdiff_t>(KernelExpansion::charge2 * components + c) * x.n_recoils + i];
            for (int j = 0; j < EnergyBasis::size; ++j) {
                const double more = kernels.photons[j] - kernels.c[KernelExpansion::charge2][j];
                rate = std::fma(more, photons.value[c][j], rate);
            }
        }
    }
}

//! Σ_i weight_ib rate_f(T_i) of feature \p f, for \p n energy bins from \p first on
NUSCAN_HOST_DEVICE inline void sum_recoils(const MomentsView& x, int f, int first, int n, double* sums) {
    for (int b = 0; b < n; ++b) {
        sums[b] = 0;
    }
    const double* rates = x.rates + static_cast<std::ptrdiff_t>(f) * x.n_recoils;
    for (int i = 0; i < x.n_recoils; ++i) {
        const double* weight =
            x.scatterer->weight + static_cast<std::ptrdiff_t>(i) * x.scatterer->n_energy_bins + first;
        for (int b = 0; b < n; ++b) {
            sums[b] = std::fma(weight[b], rates[i], sums[b]);
        }
    }
}

/// The signal of an experiment: what its moments come from, and where they go.
struct SignalView {
    int n_bins, n_inner_bins;
    int n_features;
    int n_contributions;
    const MomentsView* contributions;
    GaussianView gaussian; //!< no bins where the statistic is another
    double* moments;       //!< M_bf: n_features × n_bins
    double* whitened;      //!< W M_f, of Gaussian statistic
};

//! M_bf: contributions that share feature \p f add up
NUSCAN_HOST_DEVICE inline double moment(const SignalView& x, int f, int b) {
    double M = 0;
    for (int i = 0; i < x.n_contributions; ++i) {
        const MomentsView& c = x.contributions[i];
        const int own = f - c.first_feature;
        if (own >= 0 && own < c.n_features) {
            double sum;
            sum_recoils(c, own, b / x.n_inner_bins, 1, &sum);
            M += c.share[b] * sum;
        }
    }
    return M;
}

//! Of feature \p f, from its moments in all bins
NUSCAN_HOST_DEVICE inline void whiten_moments(const SignalView& x, int f) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(f) * x.n_bins;
    for (int b = 0; b < x.gaussian.n_bins; ++b) {
        x.whitened[first + b] = x.moments[first + b];
    }
    if (x.gaussian.n_bins > 0) {
        whiten(x.gaussian, x.whitened + first);
    }
}

} // namespace nuscan
