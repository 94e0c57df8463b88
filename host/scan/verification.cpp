// SPDX-License-Identifier: Apache-2.0
#include "scan/verification.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "config/error.hpp"
#include "config/scan_config.hpp"
#include "scan/parity.hpp"

namespace nuscan {

namespace {

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

void refuse_other_experiments(const ScanConfig& config, const Result& result) {
    const std::vector<std::string> names = words_of(text_attribute(result, "experiments"));
    const std::vector<std::string> digests = words_of(text_attribute(result, "experiment_digests"));
    for (std::size_t e = 0; e < config.experiments.size(); ++e) {
        const Experiment& experiment = config.experiments[e];
        if (e >= names.size() || e >= digests.size() || names[e] != experiment.name) {
            throw InputError({result.path, 0}, "its experiments are not those of its scan file", "",
                             "was the file changed?");
        }
        if (digests[e] != experiment.digest) {
            throw InputError({result.path, 0}, fmt::format("{} is not what it was", experiment.name),
                             "its file or its tables have changed since the scan ran",
                             "scan again, or take the version of then?");
        }
    }
}

/// Where the result has the values of the axes of its scan file.
class Places {
public:
    Places(const ScanConfig& config, const Result& result) : axes_(config.axes), result_(result) {
        std::size_t kept = 0, profiled = 0;
        for (const Axis& axis : axes_) {
            const std::vector<Variable>& variables = axis.profile ? result.profiled : result.kept;
            const std::size_t at = axis.profile ? profiled++ : kept++;
            if (at >= variables.size() || variables[at].name != axis.parameter.name ||
                (!axis.profile && variables[at].values != axis.values)) {
                throw InputError({result.path, 0},
                                 fmt::format("its axis {} is not that of its scan file", axis.parameter.name), "",
                                 "was the file changed, or written by another version?");
            }
        }
    }

    //! Of every axis, at a point of the result
    std::vector<double> values(std::size_t point) const {
        std::vector<double> values(axes_.size());
        std::size_t rest = point, profiled = result_.profiled.size();
        for (std::size_t a = axes_.size(); a-- > 0;) {
            const std::vector<double>& on_axis = axes_[a].values;
            if (axes_[a].profile) {
                values[a] = result_.profiled_at[--profiled][point];
            } else {
                values[a] = on_axis[rest % on_axis.size()];
                rest /= on_axis.size();
            }
        }
        return values;
    }

    std::vector<std::string> described(const std::vector<double>& values) const {
        std::vector<std::string> parameters;
        for (std::size_t a = 0; a < axes_.size(); ++a) {
            const Parameter& parameter = axes_[a].parameter;
            const bool bare = parameter.dimension == Dimension::dimensionless;
            parameters.push_back(fmt::format("{} = {:.6g}{}", parameter.name, values[a],
                                             bare ? "" : std::string(" ") + unit_name(parameter.dimension)));
        }
        return parameters;
    }

private:
    const std::vector<Axis>& axes_;
    const Result& result_;
};

/// The best fit, then random points, each once; \p near of them have a Δχ² below \ref near_best_fit.
std::vector<std::size_t> choose_points(const std::vector<double>& chi2, std::size_t n_points, std::uint64_t seed,
                                       std::size_t& near) {
    const auto is_less = [](double a, double b) { return a < b || (a == a && b != b); }; // NaN is last
    const auto best = static_cast<std::size_t>(std::min_element(chi2.begin(), chi2.end(), is_less) - chi2.begin());
    const auto is_near = [&](std::size_t i) { return chi2[i] - chi2[best] < near_best_fit; };
    std::vector<std::size_t> near_ones;
    for (std::size_t i = 0; i < chi2.size(); ++i) {
        if (is_near(i)) {
            near_ones.push_back(i);
        }
    }
    n_points = std::min(n_points, chi2.size());
    std::mt19937_64 random(seed);
    std::vector<std::size_t> chosen = {best};
    std::set<std::size_t> known = {best};
    const auto add = [&](std::size_t i) {
        if (known.insert(i).second) {
            chosen.push_back(i);
        }
    };
    while (chosen.size() < std::min((n_points + 1) / 2, near_ones.size())) {
        add(near_ones[random() % near_ones.size()]);
    }
    while (chosen.size() < n_points) {
        add(random() % chi2.size());
    }
    near = static_cast<std::size_t>(std::count_if(chosen.begin(), chosen.end(), is_near));
    return chosen;
}

} // namespace

Verification verify(const Result& result, std::size_t n_points, std::uint64_t seed, const std::string& folder) {
    const ScanConfig config = read_scan_text(text_attribute(result, "scan"), result.path, folder);
    refuse_other_experiments(config, result);
    const Places places(config, result);
    Verification verification{config.title, {}, 0};
    std::vector<std::vector<double>> points;
    std::vector<double> chi2;
    for (const std::size_t i : choose_points(result.chi2, n_points, seed, verification.near)) {
        points.push_back(places.values(i));
        chi2.push_back(result.chi2[i]);
    }
    const std::vector<double> deviations = deviations_from_reference(config, points, chi2, constants::infinity);
    for (std::size_t i = 0; i < points.size(); ++i) {
        verification.points.push_back({places.described(points[i]), deviations[i]});
    }
    return verification;
}

} // namespace nuscan
