// SPDX-License-Identifier: Apache-2.0
#include "scan/experiment_report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include <boost/math/special_functions/gamma.hpp>
#include <fmt/format.h>

#include "response/interpolation.hpp"
#include "scan/suspicions.hpp"

namespace nuscan {
namespace {

constexpr double suspicious = 5; //!< standard deviations

//! Whether counts so far out, or further, are rarer in any of \p n_bins bins than \ref suspicious standard deviations
//! of a Gaussian. \param tail their probability in one bin, on both sides
bool is_improbable(double tail, int n_bins) { return n_bins * tail < std::erfc(suspicious / constants::sqrt2); }

//! Twice P(N ≥ n), or P(N ≤ n) where n is below the mean
double poisson_tail(double n, double mean) {
    if (!(mean > 0 && mean < constants::infinity)) {
        return n > 0 ? 0 : 1;
    }
    return 2 * (n > mean ? boost::math::gamma_p(n, mean) : boost::math::gamma_q(n + 1, mean));
}

double gaussian_tail(double deviation, double sigma) {
    return std::erfc(std::abs(deviation) / (constants::sqrt2 * sigma));
}

double sum(const std::vector<double>& counts) { return std::accumulate(counts.begin(), counts.end(), 0.); }

bool is_zero(const std::vector<double>& counts) {
    return std::all_of(counts.begin(), counts.end(), [](double count) { return count == 0; });
}

//! The experiment with every systematic held at its nominal value
Experiment without_systematics(Experiment experiment) {
    experiment.signal_sigma = 0;
    experiment.systematics.clear();
    for (Background& background : experiment.backgrounds) {
        background.sigma = 0;
    }
    return experiment;
}

ExperimentPoint standard_model(const Experiment& experiment) {
    ScanConfig config = read_point_config("", {}, false);
    config.experiments = {experiment};
    return evaluate_point(config).experiments.front();
}

//! "bin 3 (0.002 to 0.003 MeV)", by energy where there are further variables
std::string name_of_bin(const Experiment& x, std::size_t b) {
    const std::size_t e = b / static_cast<std::size_t>(x.n_inner_bins());
    const bool photoelectrons = x.response.light_yield > 0;
    const double scale = photoelectrons ? 1 : 1e3;
    return fmt::format("bin {} ({:.4g} to {:.4g} {})", b + 1, scale * x.bin_edges[e], scale * x.bin_edges[e + 1],
                       photoelectrons ? "PE" : "keV");
}

//! "in 3 of 20 bins, the first of which is bin 1 (…)", or "" where \p wrong is true of none
std::string bins_where(const Experiment& x, const std::function<bool(std::size_t)>& wrong) {
    std::size_t number = 0, first = 0;
    for (auto b = static_cast<std::size_t>(x.n_bins()); b-- > 0;) {
        if (wrong(b)) {
            ++number;
            first = b;
        }
    }
    if (number == 0) {
        return "";
    }
    const std::string name = name_of_bin(x, first);
    return number == 1 ? "in " + name : fmt::format("in {} of {} bins, the first is {}", number, x.n_bins(), name);
}

//! Whether nothing that is reconstructed in a bin is accepted
bool is_blind(const Experiment& x, std::size_t b) {
    const EnergyResponse& response = x.response;
    if (response.efficiency.empty() || response.efficiency_of != EnergyResponse::EfficiencyOf::reconstructed) {
        return false;
    }
    const std::size_t e = b / static_cast<std::size_t>(x.n_inner_bins());
    const double low = x.bin_edges[e], high = x.bin_edges[e + 1];
    bool accepts = interpolate(response.efficiency, low) > 0 || interpolate(response.efficiency, high) > 0;
    const std::vector<double>& knots = response.efficiency.x;
    const auto first = std::upper_bound(knots.begin(), knots.end(), low);
    for (auto knot = first; !accepts && knot != knots.end() && *knot < high; ++knot) {
        accepts = response.efficiency.y[static_cast<std::size_t>(knot - knots.begin())] > 0;
    }
    return !accepts;
}

//! What makes no sense of the signal: sources and bins that it does not reach
void check_signal(const Experiment& x, const ExperimentReport& report, std::vector<std::string>& warnings) {
    const std::vector<double> signal = report.signal();
    if (is_zero(signal)) {
        return; // said already
    }
    for (const Source& source : x.sources) {
        bool seen = false;
        for (std::size_t i = 0; i < report.n_signal; ++i) {
            const Component& component = report.nominal.components[i];
            seen = seen ||
                   (component.name.substr(0, component.name.find(' ')) == source.name && !is_zero(component.counts));
        }
        if (!seen) {
            warnings.push_back(
                fmt::format("source \"{}\" adds nothing to any bin (its recoils are below them)", source.name));
        }
    }
    const std::string blind = bins_where(x, [&](std::size_t b) { return is_blind(x, b); });
    if (!blind.empty()) {
        warnings.push_back(fmt::format("the efficiency is zero {} (fit_min and fit_max leave bins out)", blind));
    }
    const std::string none = bins_where(x, [&](std::size_t b) { return signal[b] == 0 && !is_blind(x, b); });
    if (!x.sources.empty() && !none.empty()) {
        warnings.push_back(fmt::format("no neutrino is seen {}", none));
    }
}

//! What makes no sense of the counts beside the prediction
void check_counts(const Experiment& x, const ExperimentReport& report, std::vector<std::string>& warnings) {
    const std::vector<double> errors = x.errors();
    std::vector<double> background = report.nominal.predicted;
    const std::vector<double> signal = report.signal();
    std::transform(background.begin(), background.end(), signal.begin(), background.begin(), std::minus<>());
    // Poisson counts scatter about the prediction; those of the Gaussian statistic have errors of their own.
    const auto is_unlike = [&](std::size_t b, double prediction) {
        return is_improbable(x.statistic == Statistic::gaussian ? gaussian_tail(x.counts[b] - prediction, errors[b])
                                                                : poisson_tail(x.counts[b], prediction),
                             x.n_bins());
    };
    const std::string too_many =
        bins_where(x, [&](std::size_t b) { return background[b] > x.counts[b] && is_unlike(b, background[b]); });
    if (!too_many.empty()) {
        warnings.push_back(fmt::format("the nominal background alone is more than {} standard deviations above the "
                                       "counts {}",
                                       suspicious, too_many));
    }
    for (std::size_t k = 0; k < x.backgrounds.size(); ++k) {
        const std::vector<double>& left = report.nominal.components[report.n_signal + k].counts;
        const std::string empty =
            bins_where(x, [&](std::size_t b) { return x.backgrounds[k].counts[b] > 0 && left[b] == 0; });
        if (x.backgrounds[k].includes_solar && !empty.empty()) {
            warnings.push_back(fmt::format("background \"{}\" is smaller than the solar neutrinos that it includes {}",
                                           x.backgrounds[k].name, empty));
        }
    }
    const std::vector<double>& fitted = report.fit.predicted;
    const std::string unlike = bins_where(x, [&](std::size_t b) { return is_unlike(b, fitted[b]); });
    if (!unlike.empty()) {
        warnings.push_back(
            fmt::format("the counts are more than {} standard deviations from the best fit {}", suspicious, unlike));
    }
    const std::string impossible = bins_where(
        x, [&](std::size_t b) { return x.statistic == Statistic::poisson && fitted[b] <= 0 && x.counts[b] > 0; });
    if (!impossible.empty()) {
        warnings.push_back(fmt::format("there are counts, but nothing is predicted {}", impossible));
    }
    if (x.statistic == Statistic::gaussian && x.sigma.empty() && x.covariance.empty()) {
        const std::string few = bins_where(x, [&](std::size_t b) { return x.counts[b] < 10; });
        if (!few.empty()) {
            warnings.push_back(
                fmt::format("there are fewer than 10 counts {} (their root is a poor error: with it, bins "
                            "that fluctuated down weigh more; \"poisson\" has no such bias)",
                            few));
        }
    }
    const double total = sum(fitted);
    const double penalty = report.fit.chi2.value;
    if (std::isfinite(penalty) && x.n_bins() > 1 && penalty > x.n_bins() + suspicious * std::sqrt(2. * x.n_bins())) {
        warnings.push_back(fmt::format("chi2 of the best fit is {:.1f} with {} bins and {:.0f} counts predicted (the "
                                       "model does not describe the counts)",
                                       penalty, x.n_bins(), total));
    }
}

} // namespace

std::vector<double> ExperimentReport::signal() const {
    std::vector<double> counts(nominal.predicted.size());
    for (std::size_t i = 0; i < n_signal; ++i) {
        const std::vector<double>& component = nominal.components[i].counts;
        std::transform(counts.begin(), counts.end(), component.begin(), counts.begin(), std::plus<>());
    }
    return counts;
}

ExperimentReport report_experiment(const Experiment& experiment) {
    ExperimentReport report;
    report.nominal = standard_model(without_systematics(experiment));
    report.fit = standard_model(experiment);
    report.n_signal = report.nominal.components.size() - experiment.backgrounds.size();
    report.warnings = suspicions(experiment);
    const std::vector<std::string> of_counts = suspicions(experiment, report.signal());
    report.warnings.insert(report.warnings.end(), of_counts.begin(), of_counts.end());
    check_signal(experiment, report, report.warnings);
    check_counts(experiment, report, report.warnings);
    return report;
}

} // namespace nuscan
