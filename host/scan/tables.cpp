// SPDX-License-Identifier: Apache-2.0
#include "scan/tables.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "nuscan/collapsed_signals.hpp"

namespace nuscan {

namespace {

CouplingScheme scheme_of(const Experiment& experiment, ChargeRadiusMode mode) {
    return mode == ChargeRadiusMode::total ? CouplingScheme::flavour_blind : experiment.couplings;
}

//! Place of an interaction among \p interactions, or their number where it is not there
int find_interaction(const Interaction& wanted, const std::vector<Interaction>& interactions) {
    const auto found = std::find_if(interactions.begin(), interactions.end(), [&](const Interaction& other) {
        return other.target == wanted.target && other.scheme == wanted.scheme;
    });
    return static_cast<int>(found - interactions.begin());
}

/// The origin η₀ of a signal that a pull acts on (collapsed_signals.hpp): 0 wherever that is safe, else 1.
///
/// About 0 x is what is left without signal, W (B − n), which no form factor moves. So however far away a point is, |x|
/// is the root of χ² without signal, w + |W (B − n)|², and |ζ||s| at most κ times that, if the norms in |s| add up to κ
/// times the signal: 1, and up to some 3 where interference makes it smaller. χ² then keeps the tolerance everywhere if
/// 16 ρ (w + |W (B − n)|²) does. With more counts, or a tighter prior, it would miss it next to the best fit too: about
/// 1, |x| is as small as residuals are there, and it is points far away that are left to their bins.
///
/// Of the data and backgrounds alone: the same for all values of the slow parameters.
double signal_origin(const ExperimentView& x) {
    const GaussianView& g = x.gaussian;
    double without_signal = g.signal_weight;
    for (int b = 0; b < g.n_bins; ++b) {
        double r = g.residuals[b];
        for (int k = 0; k < x.n_backgrounds; ++k) {
            const int feature = x.n_features - x.n_backgrounds + k;
            const double nominal = x.normalisations[k].axis < 0 ? x.normalisations[k].fixed : 1;
            r = std::fma(nominal, g.moments[static_cast<std::ptrdiff_t>(feature) * g.n_bins + b], r);
        }
        without_signal = std::fma(r, r, without_signal);
    }
    return 16 * pulled_rounding(g.n_bins) * without_signal <= collapsed_tolerance ? 0 : 1;
}

/// Refuses a signal whose squares χ² could not hold, with the largest form factors of a scan.
void check_size(const Experiment& experiment, const std::vector<double>& moments) {
    constexpr double most = 1e60;
    for (const double M : moments) {
        if (!(std::abs(M) <= most)) {
            throw InputError({experiment.name, 0},
                             std::isfinite(M)
                                 ? fmt::format("the signal of a unit coupling is {:.1e} counts", std::abs(M))
                                 : "the signal is not a finite number of counts",
                             "chi2 cannot be computed", "are exposure, fluxes and distances right?");
        }
    }
}

} // namespace

std::vector<Interaction> interactions_of(const ScanConfig& config) {
    std::vector<Interaction> interactions;
    for (const Experiment& experiment : config.experiments) {
        for (const Channel& channel : experiment.channels) {
            const Interaction wanted{channel.target, scheme_of(experiment, config.neutrino.charge_radius_mode)};
            if (find_interaction(wanted, interactions) == static_cast<int>(interactions.size())) {
                interactions.push_back(wanted);
            }
        }
    }
    return interactions;
}

SignalTables make_signal(const Experiment& experiment, const MomentInputs& inputs, ChargeRadiusMode mode,
                         const std::vector<Interaction>& interactions) {
    SignalTables out;
    // Sources of one flavour and one kind of propagation share features in a channel; their moments add up.
    std::vector<std::vector<double>> all_moments = contribution_moments(inputs), group_moments;
    for (std::size_t c = 0; c < all_moments.size(); ++c) {
        const Contribution& contribution = inputs.response().contributions[c];
        const Source& source = experiment.sources[contribution.source];
        const Channel& channel = experiment.channels[inputs.response().scatterers[contribution.scatterer].channel];
        const int interaction = find_interaction({channel.target, scheme_of(experiment, mode)}, interactions);
        const auto matches = [&](const FeatureGroup& g) {
            return g.flavour == source.flavour && g.propagation == source.propagation && g.interaction == interaction;
        };
        const auto found = std::find_if(out.groups.begin(), out.groups.end(), matches);
        const auto g = static_cast<std::size_t>(found - out.groups.begin());
        out.group_of.push_back(g);
        if (found == out.groups.end()) {
            out.groups.push_back({source.flavour, source.propagation, interaction});
            group_moments.push_back(std::move(all_moments[c]));
        } else {
            for (std::size_t i = 0; i < all_moments[c].size(); ++i) {
                group_moments[g][i] += all_moments[c][i];
            }
        }
    }
    for (const std::vector<double>& moments : group_moments) {
        out.moments.insert(out.moments.end(), moments.begin(), moments.end());
    }
    return out;
}

std::vector<double> standard_signal(const Experiment& experiment, const SignalTables& at_nominal_mixing,
                                    bool inverted_ordering, const std::vector<Interaction>& interactions) {
    const Mixing mixing = default_mixing(inverted_ordering);
    ParameterView parameters{};
    PlaneCouplings couplings{};
    couplings.U = mixing_matrix(mixing);
    for (std::size_t i = 0; i < interactions.size(); ++i) {
        parameters.interactions[i] = {interactions[i].target, experiment.couplings};
        couplings.base[i] = weak_couplings(parameters.interactions[i], couplings.U, constants::sin2_theta_w);
    }
    const auto n_bins = static_cast<std::size_t>(experiment.n_bins());
    std::vector<double> signal(n_bins);
    std::size_t feature = 0;
    for (const FeatureGroup& group : at_nominal_mixing.groups) {
        const auto components = static_cast<std::size_t>(n_components(group.propagation));
        for (int m = 0; m < n_feature_matrices; ++m) {
            std::vector<double> c(components * n_plane_coefficients);
            feature_coefficients(parameters, couplings, group, m, AxisShape::linear, AxisShape::linear, c.data());
            for (std::size_t i = 0; i < components; ++i, ++feature) {
                for (std::size_t b = 0; b < n_bins; ++b) {
                    signal[b] += at_nominal_mixing.moments[feature * n_bins + b] * c[i * n_plane_coefficients];
                }
            }
        }
    }
    return signal;
}

Tables::Tables(std::shared_ptr<const Setting> setting, std::vector<SignalTables> signals,
               std::vector<std::vector<DirectNodes>> nodes, const std::vector<std::vector<double>>& standard_signals,
               const std::vector<std::vector<Scalar>>& normalisations, const std::vector<PullGroup>& groups,
               const std::vector<std::vector<Scalar>>& pins, const ParameterView& parameters, const PlaneLayout& layout)
    : setting_(std::move(setting)), tables_(setting_->experiments.size()) {
    view_.parameters = parameters;
    view_.layout = layout;
    std::vector<std::vector<std::vector<double>>> backgrounds(tables_.size()); // without the solar part
    for (std::size_t e = 0; e < tables_.size(); ++e) {
        const Experiment& experiment = this->experiment(e);
        ExperimentTables& tables = tables_[e];
        tables.signal = std::move(signals[e]);
        std::vector<double>& moments = tables.signal.moments;
        check_size(experiment, moments);
        const auto n_bins = static_cast<std::size_t>(experiment.n_bins());
        const bool together = is_pulled_with_others(groups, e);
        // What nothing fixes is nominal, and may have a pull.
        const auto normalisation = [&](std::size_t k, double sigma, double& pull_sigma) {
            Scalar value = normalisations[e][k];
            const bool named = value.axis >= 0 || !std::isnan(value.fixed);
            value.fixed = named ? value.fixed : 1;
            pull_sigma = named ? 0 : sigma;
            return value;
        };
        std::vector<double> templates, sigmas, floor(n_bins); // counts of backgrounds that nothing moves
        double sigma = 0;
        for (std::size_t k = 0; k < experiment.backgrounds.size(); ++k) {
            const Background& background = experiment.backgrounds[k];
            std::vector<double> counts = background.counts;
            if (background.includes_solar) {
                for (std::size_t b = 0; b < n_bins; ++b) {
                    counts[b] = std::max(counts[b] - standard_signals[e][b], 0.);
                }
            }
            tables.normalisations.push_back(normalisation(k, background.sigma, sigma));
            moments.insert(moments.end(), counts.begin(), counts.end());
            backgrounds[e].push_back(counts);
            const Scalar& value = tables.normalisations.back();
            for (std::size_t b = 0; b < n_bins && sigma == 0 && value.axis < 0; ++b) {
                floor[b] += value.fixed * counts[b];
            }
            if (sigma > 0 && !together) {
                tables.pulls.push_back(static_cast<int>(k));
                sigmas.push_back(sigma);
                templates.insert(templates.end(), counts.begin(), counts.end());
            }
        }
        const Scalar signal_normalisation =
            normalisation(experiment.backgrounds.size(), experiment.signal_sigma, sigma);
        const double signal_sigma = together ? 0 : sigma;
        if (together) {
            tables.statistic = StatisticTables(experiment.counts, {}, {});
            tables.ones.assign(n_bins, 1);
        } else if (experiment.statistic == Statistic::gaussian) {
            tables.whitening = make_whitening(experiment.errors(), templates, sigmas, experiment.covariance);
            tables.templates = std::move(templates);
            tables.sigmas = std::move(sigmas);
            tables.statistic = StatisticTables(experiment.counts, {}, {});
        } else {
            tables.statistic =
                StatisticTables(experiment.counts, std::move(templates), std::move(sigmas), signal_sigma, floor);
        }
        tables.nodes = nodes.empty() ? std::vector<DirectNodes>() : std::move(nodes[e]);
        for (std::size_t i = 0; i < tables.nodes.size(); ++i) {
            const MomentsView& c = inputs(e).contributions()[i];
            const DirectNodes& n = tables.nodes[i];
            tables.contributions.push_back(
                {c.spectrum->beam, tables.signal.groups[tables.signal.group_of[i]].interaction, c.n_recoils,
                 c.scatterer->recoil, c.scatterer->weight, c.scatterer->atom, n.nucleus.data(), n.first_node.data(),
                 n.energy.data(), n.flux.data(), c.share});
        }
        ExperimentView view{};
        view.first_bin = view_.n_bins;
        view.n_bins = experiment.n_bins();
        view.first_signal = signal_sigma > 0 ? 0 : -1; // its place follows once all bins are counted
        view.signal_normalisation = together ? Scalar{1, -1} : signal_normalisation; // the group has it
        view.n_inner_bins = experiment.n_inner_bins();
        view.first_feature = view_.n_features;
        view.n_features = static_cast<int>(moments.size()) / experiment.n_bins();
        view.groups = tables.signal.groups.data();
        view.n_groups = static_cast<int>(tables.signal.groups.size());
        view.moments = moments.data();
        view.normalisations = tables.normalisations.data();
        view.n_backgrounds = static_cast<int>(tables.normalisations.size());
        view.contributions = tables.contributions.data();
        view.n_contributions = static_cast<int>(tables.contributions.size());
        view.statistic = tables.statistic.view();
        view.pulled_with_others = together;
        if (together) {
            view.statistic.units = view.statistic.inverse_units = tables.ones.data();
        } else if (experiment.statistic == Statistic::gaussian) {
            view.gaussian = tables.whitening.view(experiment.counts);
            view.gaussian.signal_weight = 1 / (signal_sigma * signal_sigma);
            tables.whitened_moments = moments;
            for (int f = 0; f < view.n_features; ++f) {
                whiten(view.gaussian, tables.whitened_moments.data() + static_cast<std::size_t>(f) * n_bins);
            }
            for (const double n : experiment.counts) {
                tables.residuals.push_back(-n);
            }
            whiten(view.gaussian, tables.residuals.data());
            view.gaussian.moments = tables.whitened_moments.data();
            view.gaussian.residuals = tables.residuals.data();
            view.gaussian.signal_origin = signal_origin(view);
        }
        view_.n_bins += view.n_bins;
        view_.n_features += view.n_features;
        views_.push_back(view);
    }
    for (std::size_t g = 0; g < groups.size(); ++g) {
        groups_.emplace_back(groups[g], setting_->experiments, backgrounds, normalisations, pins[g]);
    }
    add_columns();
    view_.experiments = views_.data();
    view_.n_experiments = static_cast<int>(views_.size());
}

void Tables::add_columns() {
    for (std::size_t e = 0; e < views_.size(); ++e) {
        ExperimentView& view = views_[e];
        const bool moved = std::any_of(groups_.begin(), groups_.end(),
                                       [e](const SystematicTables& group) { return group.moves_signal(e); });
        if (moved || view.has_signal_column()) {
            view.first_signal = view_.n_bins + static_cast<int>(columns_.size());
            for (int b = 0; b < view.n_bins; ++b) {
                columns_.push_back(
                    {static_cast<int>(e), b, view.first_feature, view.n_features - view.n_backgrounds, {}});
            }
        }
    }
    view_.n_signal_columns = static_cast<int>(columns_.size());
    for (SystematicTables& group : groups_) {
        group.add_columns(views_, view_.n_bins, view_.n_features, columns_, pins_);
        group_views_.push_back(group.view());
    }
    view_.n_pins = static_cast<int>(pins_.size());
    view_.n_features += view_.n_pins;
    view_.n_columns = view_.n_bins + static_cast<int>(columns_.size());
    view_.columns = columns_.data();
    view_.pins = pins_.data();
    view_.n_systematics = static_cast<int>(group_views_.size());
    view_.systematics = group_views_.data();
}

Chi2 Tables::fit(std::size_t e, const std::vector<double>& nominal, const std::vector<double>& signal,
                 std::vector<double>& xi) const {
    const ExperimentTables& tables = tables_[e];
    const ExperimentView& view = views_[e];
    if (view.is_gaussian()) {
        const double* pulled_signal = view.has_signal_column() ? signal.data() : nullptr;
        double signal_xi = 0;
        const double chi2 =
            gaussian_chi2(TabulatedPrediction{nominal.data()}, pulled_signal, view.gaussian, &signal_xi);
        std::vector<double> at_signal_xi = nominal;
        for (std::size_t b = 0; b < nominal.size(); ++b) {
            at_signal_xi[b] += signal_xi * signal[b];
        }
        xi = gaussian_pulls(experiment(e).counts, tables.whitening, at_signal_xi, tables.templates, tables.sigmas);
        if (view.has_signal_column()) {
            xi.push_back(signal_xi);
        }
        return with_status(chi2, true);
    }
    const StatisticView& statistic = view.statistic;
    xi.assign(max_pulls, 0);
    const Chi2 chi2 =
        poisson_chi2(TabulatedRatios{nominal.data(), statistic.inverse_units, signal.data()}, statistic, xi.data());
    xi.resize(static_cast<std::size_t>(statistic.pulls.n_pulls));
    return chi2;
}

} // namespace nuscan
