// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include "nuscan/prediction.hpp"

namespace nuscan {

/// The ratios of one point or several, worked out once from \p Ratios: each is read again for every step of the
/// pulls.
template <class Real, class Ratios>
struct KeptRatios {
    Real* y; //!< n_bins
    Real* s; //!< signals, n_bins, where a pull acts on them
    Ratios from;
    Real operator()(int b) const { return y[b]; }
    Real signal(int b) const { return s[b]; }
};

template <class Real, class Ratios>
Real gaussian_term(const ExperimentView& experiment, const KeptRatios<Real, Ratios>& ratios) {
    return gaussian_term(experiment, ratios.from);
}

//! Those after the one pull, in their place: of no further use without it
template <class Real, class Ratios>
KeptRatios<Real, Ratios> pulled_ratios(const KeptRatios<Real, Ratios>& ratios, const StatisticView& s, const Real& xi) {
    for (int b = 0; b < s.n_bins; ++b) {
        ratios.y[b] = max(Real(0), fma(Real(s.pulled[b]), xi, ratios.y[b]));
    }
    return ratios;
}

//! The same after several pulls
template <class Real, class Ratios>
KeptRatios<Real, Ratios> pulled_prediction(const KeptRatios<Real, Ratios>& ratios, const StatisticView& s,
                                           const Real* xi) {
    const detail::PulledBins<OneBin<Real>, KeptRatios<Real, Ratios>> bins{ratios, s.pulls, s.n_bins};
    for (int b = 0; b < s.n_bins; ++b) {
        ratios.y[b] = bins.at(b, xi);
    }
    return ratios;
}

/// Points from different rows, whose columns are there already: one lane each.
template <class Real>
struct GatheredPoints {
    const double* values; //!< n_columns × lanes
    int n_columns;

    struct Ratios {
        const GatheredPoints& at;
        int first_bin, first_signal;
        Real operator()(int b) const { return max(Real(0), at(first_bin + b)); }
        Real signal(int b) const { return at(first_signal + b); }
        Real residual(int b) const { return at(first_bin + b); }
    };
    Ratios operator()(const ExperimentView& experiment) const {
        return {*this, experiment.first_bin, experiment.first_signal};
    }
    Real operator()(int column) const { return Real::load(values + column * Real::size); }

    friend Real gaussian_term(const ExperimentView& experiment, const Ratios& at) {
        if (experiment.has_signal_column()) {
            return signal_pulled_chi2<Real>(at, experiment.n_bins, experiment.gaussian.signal_weight);
        }
        Real chi2(0);
        for (int b = 0; b < experiment.n_bins; ++b) {
            chi2 = fma(at.residual(b), at.residual(b), chi2);
        }
        return chi2;
    }
};

/// Columns of points that are worked out once from those of \p Points, into \p kept (n_columns).
template <class Real, class Points>
struct KeptPoints {
    Points points;
    Real* kept;

    auto operator()(const ExperimentView& experiment) const {
        const auto ratios = points(experiment);
        Real *y = kept, *s = y + experiment.n_bins;
        for (int b = 0; !experiment.is_gaussian() && b < experiment.n_bins; ++b) {
            y[b] = ratios(b);
        }
        for (int b = 0; !experiment.is_gaussian() && experiment.has_signal_column() && b < experiment.n_bins; ++b) {
            s[b] = ratios.signal(b);
        }
        return KeptRatios<Real, std::decay_t<decltype(ratios)>>{y, s, ratios};
    }

    struct Columns {
        const Real* kept;
        const Real& operator()(int column) const { return kept[column]; }
    };
    Columns columns() const {
        for (int c = 0; c < points.n_columns; ++c) {
            kept[c] = points(c);
        }
        return {kept};
    }
};

} // namespace nuscan
