// SPDX-License-Identifier: Apache-2.0
#include "scan/between_points.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "config/error.hpp"
#include "scan/polish.hpp"
#include "scan/result_scan.hpp"

namespace nuscan {

namespace {

//! Place in the scan of each axis of the result: kept ones, then profiled ones
std::vector<std::size_t> order_of(const Plan& plan) {
    std::vector<std::size_t> order;
    for (const auto* axes : {&plan.kept_axes(), &plan.profiled_axes()}) {
        for (const int axis : *axes) {
            order.push_back(static_cast<std::size_t>(axis));
        }
    }
    return order;
}

void refuse_grids(const Plan& plan, const Result& result) {
    if (!plan.config().polish && !plan.profiled_axes().empty()) {
        throw InputError({result.path, 0}, "minima are those of the grid", "the scan file has polish = false");
    }
    for (const int a : plan.slow_axes()) {
        const Axis& axis = plan.config().axes[static_cast<std::size_t>(a)];
        if (axis.values.size() > 1) {
            throw InputError({result.path, 0}, fmt::format("{} is known at its grid points alone", axis.parameter.name),
                             "moments depend on it");
        }
    }
}

//! Another version of the program may have other physics.
void refuse_another_chi2(const Plan& plan, const AxesFit& fit, const Result& result) {
    const auto finite_less = [](double a, double b) { return a < b || (a == a && b != b); }; // NaN is last
    const auto least = std::min_element(result.chi2.begin(), result.chi2.end(), finite_less);
    const std::vector<double> values =
        axis_values(plan.config(), result, static_cast<std::size_t>(least - result.chi2.begin()));
    std::vector<Span> here;
    for (const double value : values) {
        here.push_back({value, value});
    }
    const double chi2 = fit.minimum(here, values).chi2;
    constexpr double tolerance = 1e-6;
    if (!(std::abs(chi2 - *least) <= tolerance * (1 + std::abs(*least)))) {
        throw InputError({result.path, 0}, fmt::format("chi2 of its best point is {:.8g}, not {:.8g}", chi2, *least),
                         "another version wrote it?");
    }
}

} // namespace

std::vector<double> BetweenPoints::in_scan_order(const std::vector<double>& values) const {
    const std::vector<std::size_t> order = order_of(*plan);
    std::vector<double> sorted(values.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        sorted[order[i]] = values[i];
    }
    return sorted;
}

BetweenPoints between_points(const Result& result, const std::string& folder) {
    const auto plan = std::make_shared<const Plan>(scan_of(result, folder), Method::moments);
    refuse_grids(*plan, result);
    const auto fit =
        std::make_shared<const AxesFit>(*plan, std::vector<std::int64_t>(plan->config().axes.size())); // none is slow
    refuse_another_chi2(*plan, *fit, result);
    const std::vector<std::size_t> order = order_of(*plan);
    const auto minimise = [plan, fit, order](const std::vector<Span>& spans, const std::vector<double>& start) {
        std::vector<Span> in_scan(spans.size());
        std::vector<double> from(start.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            in_scan[order[i]] = spans[i];
            from[order[i]] = start[i];
        }
        const AxesMinimum found = fit->minimum(in_scan, from);
        AxesMinimum minimum = found;
        for (std::size_t i = 0; i < order.size(); ++i) {
            minimum.values[i] = found.values[order[i]];
            minimum.slopes[i] = found.slopes[order[i]];
        }
        return minimum;
    };
    return {plan, minimise};
}

} // namespace nuscan
