// SPDX-License-Identifier: Apache-2.0
#include "scan/result_scan.hpp"

#include <iterator>
#include <sstream>

#include <fmt/format.h>

#include "config/error.hpp"

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

void refuse_other_axes(const ScanConfig& config, const Result& result) {
    std::size_t kept = 0, profiled = 0;
    for (const Axis& axis : config.axes) {
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

} // namespace

ScanConfig scan_of(const Result& result, const std::string& folder) {
    ScanConfig config = read_scan_text(text_attribute(result, "scan"), result.path, folder);
    refuse_other_experiments(config, result);
    refuse_other_axes(config, result);
    return config;
}

std::vector<double> axis_values(const ScanConfig& config, const Result& result, std::size_t point) {
    std::vector<double> values(config.axes.size());
    std::size_t rest = point, profiled = result.profiled.size();
    for (std::size_t a = config.axes.size(); a-- > 0;) {
        const std::vector<double>& on_axis = config.axes[a].values;
        if (config.axes[a].profile) {
            values[a] = result.profiled_at[--profiled][point];
        } else {
            values[a] = on_axis[rest % on_axis.size()];
            rest /= on_axis.size();
        }
    }
    return values;
}

} // namespace nuscan
