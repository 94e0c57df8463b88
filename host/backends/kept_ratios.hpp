// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/prediction.hpp"

namespace nuscan {

/// The ratios of one point or several, worked out once: each is read again for every step of the pulls.
template <class Real>
struct KeptRatios {
    Real* y; //!< n_bins
    Real* s; //!< signals, n_bins, where a pull acts on them
    RowRatios<Real> row;
    Real operator()(int b) const { return y[b]; }
    Real signal(int b) const { return s[b]; }
};

template <class Real>
Real gaussian_term(const ExperimentView& experiment, const KeptRatios<Real>& ratios) {
    return gaussian_term(experiment, ratios.row);
}

//! Those after the one pull, in their place: of no further use without it
template <class Real>
KeptRatios<Real> pulled_ratios(const KeptRatios<Real>& ratios, const StatisticView& s, const Real& xi) {
    for (int b = 0; b < s.n_bins; ++b) {
        ratios.y[b] = max(Real(0), fma(Real(s.pulled[b]), xi, ratios.y[b]));
    }
    return ratios;
}

//! The same after several pulls
template <class Real>
KeptRatios<Real> pulled_prediction(const KeptRatios<Real>& ratios, const StatisticView& s, const Real* xi) {
    const detail::PulledBins<OneBin<Real>, KeptRatios<Real>> bins{ratios, s.pulls, s.n_bins};
    for (int b = 0; b < s.n_bins; ++b) {
        ratios.y[b] = bins.at(b, xi);
    }
    return ratios;
}

/// Columns of points on a row that are worked out once, into \p kept (n_columns).
template <class Real>
struct KeptPoint {
    RowPoint<Real> row;
    Real* kept;

    KeptRatios<Real> operator()(const ExperimentView& experiment) const {
        const RowRatios<Real> ratios = row(experiment);
        Real *y = kept, *s = y + experiment.n_bins;
        for (int b = 0; !experiment.is_gaussian() && b < experiment.n_bins; ++b) {
            y[b] = ratios(b);
        }
        for (int b = 0; !experiment.is_gaussian() && experiment.has_signal_column() && b < experiment.n_bins; ++b) {
            s[b] = ratios.signal(b);
        }
        return {y, s, ratios};
    }

    struct Columns {
        const Real* kept;
        const Real& operator()(int column) const { return kept[column]; }
    };
    Columns columns() const {
        for (int c = 0; c < row.n_columns; ++c) {
            kept[c] = row(c);
        }
        return {kept};
    }
};

} // namespace nuscan
