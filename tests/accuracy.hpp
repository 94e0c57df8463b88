// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "backends/reference_spectrum.hpp"
#include "nuscan/prediction.hpp"
#include "random_physics.hpp"
#include "response/moments.hpp"

/// An experiment's predictions from moments and by the direct method, held against the literal reference.
namespace nuscan::testing {

/// Signal in each bin at a point.
struct Prediction {
    std::vector<double> moments; //!< from moments and features
    std::vector<double> size;    //!< Σ_f |M_bf φ_f|: rounding is relative to this
    std::vector<double> direct;  //!< by the direct method, where it is asked for
};

inline Prediction predict(const Experiment& x, const ReferencePoint& p, bool directly) {
    const MomentInputs inputs(x, p.mixing, std::make_shared<const Response>(make_response(x, p.mixing)));
    const std::vector<std::vector<double>> moments = contribution_moments(inputs);
    const auto n_bins = static_cast<std::size_t>(x.n_bins());
    Prediction N{std::vector<double>(n_bins), std::vector<double>(n_bins), std::vector<double>(n_bins)};
    for (std::size_t i = 0; i < moments.size(); ++i) {
        const Contribution& contribution = inputs.response().contributions[i];
        const Source& s = x.sources[contribution.source];
        const Scatterer& scatterer = inputs.response().scatterers[contribution.scatterer];
        const Interaction interaction{x.channels[scatterer.channel].target, p.scheme(x)};
        ParameterView view{};
        view.interactions[0] = interaction;
        view.n_interactions = 1;
        PlaneCouplings plane{};
        plane.U = mixing_matrix(p.mixing);
        plane.base[0] = core_couplings(p, interaction, false);
        const FeatureGroup group{s.flavour, s.propagation, 0};
        const auto components = static_cast<std::size_t>(n_components(s.propagation));
        const std::vector<double>& M = moments[i];
        EXPECT_EQ(M.size(), n_feature_matrices * components * n_bins);
        for (std::size_t m = 0; m < n_feature_matrices; ++m) {
            double phi[max_components * n_plane_coefficients] = {};
            feature_coefficients(view, plane, group, static_cast<int>(m), AxisShape::linear, AxisShape::linear, phi);
            for (std::size_t k = 0; k < components; ++k) {
                for (std::size_t b = 0; b < n_bins; ++b) {
                    const double term = M[(m * components + k) * n_bins + b] * phi[k * n_plane_coefficients];
                    N.moments[b] += term;
                    N.size[b] += std::abs(term);
                }
            }
        }
        if (!directly) {
            continue;
        }
        const MomentsView& view_of_moments = inputs.contributions()[i];
        const DirectNodes nodes = direct_nodes(view_of_moments);
        ContributionView direct{};
        direct.beam = s.beam();
        direct.n_recoils = view_of_moments.n_recoils;
        direct.recoil = scatterer.recoil.data();
        direct.weight = scatterer.weight.data();
        direct.atom = scatterer.atom.data();
        direct.nucleus = nodes.nucleus.data();
        direct.first_node = nodes.first_node.data();
        direct.energy = nodes.energy.data();
        direct.flux = nodes.flux.data();
        direct.share = view_of_moments.share;
        ExperimentView view_of_bins{};
        view_of_bins.n_bins = x.n_bins();
        view_of_bins.n_inner_bins = x.n_inner_bins();
        std::vector<double> rates;
        for (int k = 0; k < direct.n_recoils; ++k) {
            rates.push_back(direct_rate(direct, interaction.target, plane.U, p.mixing, plane.base[0], k));
        }
        for (int b = 0; b < x.n_bins(); ++b) {
            N.direct[static_cast<std::size_t>(b)] += direct_counts(view_of_bins, direct, rates.data(), b);
        }
    }
    return N;
}

/// Expects moments to agree with the reference to \p tolerance of every bin, and with the direct method, for which
/// nodes can be many, to rounding. \returns the largest relative deviation of a bin with at least 1e-6 of all counts
inline double expect_accurate(const Experiment& x, const ReferencePoint& p, bool directly = true,
                              double tolerance = 1e-8) {
    const std::vector<double> reference = reference_signal(x, p, 1e-11);
    const Prediction N = predict(x, p, directly);
    // Bins that hold next to nothing beside the others (tails of a Gaussian) have fewer digits.
    const double negligible = 1e-12 * std::accumulate(reference.begin(), reference.end(), 0.0);
    double largest = 0;
    for (std::size_t b = 0; b < reference.size(); ++b) {
        const double deviation = std::max(std::abs(N.moments[b] - reference[b]) - negligible, 0.0);
        EXPECT_LE(deviation, tolerance * reference[b]) << "bin " << b << ": " << N.moments[b] << " " << reference[b];
        if (directly) {
            EXPECT_NEAR(N.direct[b], N.moments[b], 1e-12 * N.size[b] + negligible) << "bin " << b;
        }
        if (reference[b] > 1e6 * negligible) {
            largest = std::max(largest, std::abs(N.moments[b] / reference[b] - 1));
        }
    }
    EXPECT_GT(reference[1], 0) << "a bin with counts";
    return largest;
}

} // namespace nuscan::testing
