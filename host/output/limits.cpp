// SPDX-License-Identifier: Apache-2.0
#include "output/limits.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/error.hpp"
#include "config/first_exception.hpp"
#include "nuscan/statistic.hpp"
#include "output/crossing.hpp"

namespace nuscan {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

//! Of the length of an axis, by which rounding may part two places that are one
constexpr double rounding = 1e-9;

/// Profile of an axis at one of its values: χ² minimised over all other axes.
struct Node {
    double t, chi2;
    AxesMinimum minimum; //!< values and slopes of all axes there
};

//! An end as the grid or a root has it, with how far off it may be
struct Located {
    End end;
    double uncertainty = 0;
};

bool is_allowed(const Node& node, double level) { return node.chi2 <= level; }

/// Ranges of nodes at or below \p level. \p locate(k) gives the end between nodes k and k + 1.
template <class Locate>
std::vector<Interval> find_intervals(const std::vector<Node>& nodes, double level, const End& first, const End& last,
                                     const Locate& locate) {
    std::vector<Interval> intervals;
    for (std::size_t k = 0; k < nodes.size(); ++k) {
        if (!is_allowed(nodes[k], level)) {
            continue;
        }
        const Located low = k == 0 ? Located{first} : locate(k - 1);
        while (k + 1 < nodes.size() && is_allowed(nodes[k + 1], level)) {
            ++k;
        }
        const Located high = k + 1 == nodes.size() ? Located{last} : locate(k);
        Interval interval{low.end, high.end};
        const double allowed = rough_share * (high.end.at - low.end.at);
        interval.low.at = low.uncertainty > allowed ? not_a_number : low.end.at;
        interval.high.at = high.uncertainty > allowed ? not_a_number : high.end.at;
        intervals.push_back(interval);
    }
    return intervals;
}

std::string with_unit(double value, const std::string& unit) {
    return fmt::format("{:.3g}{}", value, unit == "1" ? "" : " " + unit);
}

/// Standard deviations of a normal distribution with the p-value, two-sided, of Δχ² with \p dof degrees of freedom.
///
/// Where the p-value underflows, from the leading terms of ln Q(dof/2, Δχ²/2) and of ln erfc(z/√2).
double significance_of(double delta_chi2, int dof) {
    constexpr double representable = 1e-290;
    if (!std::isfinite(delta_chi2)) {
        return infinity;
    }
    const double p = boost::math::cdf(boost::math::complement(boost::math::chi_squared(dof), std::max(delta_chi2, 0.)));
    if (p > representable) {
        return std::sqrt(boost::math::quantile(boost::math::complement(boost::math::chi_squared(1), p)));
    }
    const double half = 0.5 * dof;
    const double log_p = -0.5 * delta_chi2 + (half - 1) * std::log(0.5 * delta_chi2) - std::lgamma(half);
    double z = std::sqrt(-2 * log_p);
    for (int round = 0; round < 4; ++round) { // p = √(2/π) e^(−z²/2)/z
        z = std::sqrt(-2 * (log_p + std::log(z) - 0.5 * std::log(2 / constants::pi)));
    }
    return z;
}

class Computation {
public:
    Computation(const Result& result, double confidence_level, const AxesMinimiser& minimiser)
        : result_(result), minimiser_(minimiser), threshold_(delta_chi2_threshold(confidence_level, 1)) {
        limits_.confidence_level = confidence_level;
        limits_.threshold = threshold_;
        limits_.is_exact = static_cast<bool>(minimiser);
        for (const auto* axes : {&result.kept, &result.profiled}) {
            variables_.insert(variables_.end(), axes->begin(), axes->end());
        }
        for (const Variable& axis : variables_) {
            ranges_.push_back(!axis.values.empty() ? Span{axis.values.front(), axis.values.back()}
                                                   : axis.scanned.value_or(Span{-infinity, infinity}));
        }
    }

    Limits limits() {
        find_grid_minimum();
        refuse_missing_numbers();
        for (std::size_t a = 0; a < result_.kept.size(); ++a) {
            profiles_.push_back(grid_profile(a));
            if (minimiser_) {
                refine(a, profiles_.back());
            }
        }
        if (minimiser_) {
            find_minimum();
        }
        limits_.chi2_min = best_.chi2;
        for (std::size_t i = 0; i < variables_.size(); ++i) {
            limits_.best_fit.emplace_back(variables_[i].name, best_.values[i]);
        }
        note_pinned(best_, std::nullopt);
        for (std::size_t a = 0; a < result_.kept.size(); ++a) {
            limits_.axes.push_back(axis_limits(a));
        }
        find_contours();
        find_null();
        assess_fit();
        warn();
        return std::move(limits_);
    }

private:
    // ---- the grid ----------------------------------------------------------------------------------------------

    std::vector<double> values_at(std::size_t point) const {
        std::vector<double> values(variables_.size());
        std::size_t rest = point;
        for (std::size_t a = result_.kept.size(); a-- > 0;) {
            const std::vector<double>& on_axis = result_.kept[a].values;
            values[a] = on_axis[rest % on_axis.size()];
            rest /= on_axis.size();
        }
        for (std::size_t p = 0; p < result_.profiled.size(); ++p) {
            values[result_.kept.size() + p] = result_.profiled_at[p][point];
        }
        return values;
    }

    AxesMinimum minimum_at(std::size_t point) const {
        return {result_.chi2[point], true, values_at(point), std::vector<double>(variables_.size(), not_a_number)};
    }

    void find_grid_minimum() {
        double least = infinity;
        std::size_t best = 0;
        for (std::size_t i = 0; i < result_.chi2.size(); ++i) {
            if (result_.chi2[i] < least) {
                least = result_.chi2[i];
                best = i;
            }
        }
        if (!std::isfinite(least)) {
            throw InputError({result_.path, 0}, "no limits", "no point has a finite chi2",
                             "do the fixed parameters describe the data at all?");
        }
        best_ = minimum_at(best);
    }

    //! Whether χ² of a point is neither a number nor infinite by design, as without a prediction in a bin with counts
    bool has_no_number(std::size_t point) const {
        const double chi2 = result_.chi2[point];
        const auto status = static_cast<PointStatus>(result_.status[point]);
        return std::isnan(chi2) ||
               (std::isinf(chi2) && status != PointStatus::ok && status != PointStatus::empty_prediction);
    }

    //! Where a point without a number borders what is allowed, nobody knows how far that goes.
    void refuse_missing_numbers() const {
        const bool has_contours = result_.kept.size() == 2;
        const double level =
            best_.chi2 +
            (has_contours ? delta_chi2_threshold(std::max(0.9545, limits_.confidence_level), 2) : threshold_);
        std::size_t n = 0, stride = result_.chi2.size();
        std::set<int> kinds;
        for (const Variable& axis : result_.kept) {
            const std::size_t size = axis.values.size();
            stride /= size;
            for (std::size_t i = 0; i < result_.chi2.size(); ++i) {
                if (!has_no_number(i)) {
                    continue;
                }
                const std::size_t on_axis = i / stride % size;
                if ((on_axis > 0 && result_.chi2[i - stride] <= level) ||
                    (on_axis + 1 < size && result_.chi2[i + stride] <= level)) {
                    ++n;
                    kinds.insert(result_.status[i]);
                }
            }
        }
        if (n > 0) {
            throw InputError({result_.path, 0}, "no limits",
                             fmt::format("chi2 is no number at {} point{} beside the allowed region, status {}", n,
                                         n == 1 ? "" : "s", fmt::join(kinds, ", ")),
                             "scan a region without them, or look for what overflows there?");
        }
    }

    std::vector<Node> grid_profile(std::size_t a) const {
        const std::vector<double>& values = result_.kept[a].values;
        std::size_t stride = 1;
        for (std::size_t i = a + 1; i < result_.kept.size(); ++i) {
            stride *= result_.kept[i].values.size();
        }
        std::vector<double> least(values.size(), not_a_number);
        std::vector<std::size_t> where(values.size());
        for (std::size_t i = 0; i < result_.chi2.size(); ++i) {
            const std::size_t k = i / stride % values.size();
            if (!std::isnan(result_.chi2[i]) && !(least[k] <= result_.chi2[i])) {
                least[k] = result_.chi2[i];
                where[k] = i;
            }
        }
        std::vector<Node> nodes;
        for (std::size_t k = 0; k < values.size(); ++k) {
            nodes.push_back({values[k], least[k], minimum_at(where[k])});
        }
        return nodes;
    }

    //! Of profiled axes there are no values, but their range
    bool is_circle(std::size_t a) const {
        const double period = variables_[a].domain.period;
        return period > 0 && ranges_[a].high - ranges_[a].low > period * (1 - rounding);
    }

    // ---- between the points ------------------------------------------------------------------------------------

    //! The lowest minimum with axis \p a in a span, from several starts; a span of no length holds it
    AxesMinimum minimum(std::size_t a, Span span, const std::vector<const Node*>& starts) const {
        std::vector<Span> spans = ranges_;
        if (is_circle(a)) { // the span may be beyond the seam, but never on both sides
            const double period = variables_[a].domain.period;
            const double middle = (span.low + span.high) / 2;
            const double turns = std::max(0., std::floor((middle - ranges_[a].low) / period - rounding));
            span = {span.low - turns * period, span.high - turns * period};
        }
        spans[a] = span;
        AxesMinimum best{infinity, true, {}, {}};
        for (const Node* start : starts) {
            std::vector<double> from = start->minimum.values;
            from[a] = std::clamp(from[a], span.low, span.high);
            const AxesMinimum found = minimiser_(spans, from);
            if (best.values.empty() || found.chi2 < best.chi2) {
                best = found;
            }
        }
        return best;
    }

    Node node(std::size_t a, double t, const std::vector<const Node*>& starts) const {
        AxesMinimum found = minimum(a, {t, t}, starts);
        return {t, found.chi2, std::move(found)};
    }

    //! Minimises at the grid's own values over what the grid has of the other axes. Of a long axis some are enough:
    //! where the grid shows minima and crossings, and others at a distance.
    void refine(std::size_t a, std::vector<Node>& nodes) const {
        constexpr std::size_t many = 256;
        const std::size_t n = nodes.size(), stride = (n + many - 1) / many;
        const auto chi2 = [&](std::size_t k) { return nodes[k].chi2; };
        const double level = best_.chi2 + threshold_;
        std::vector<std::size_t> chosen;
        for (std::size_t k = 0; k < n; ++k) {
            const bool is_lowest = (k == 0 || chi2(k) <= chi2(k - 1)) && (k + 1 == n || chi2(k) <= chi2(k + 1));
            const bool is_beside = (k > 0 && is_allowed(nodes[k], level) != is_allowed(nodes[k - 1], level)) ||
                                   (k + 1 < n && is_allowed(nodes[k], level) != is_allowed(nodes[k + 1], level));
            if (k % stride == 0 || k + 1 == n || (is_lowest && !is_flat(nodes, k)) || is_beside) {
                chosen.push_back(k);
            }
        }
        const bool has_others = variables_.size() > 1;
        const std::vector<Node> grid = nodes;
        const auto improve = [&](std::size_t k, const std::vector<const Node*>& starts) {
            Node found = node(a, grid[k].t, starts);
            if (found.chi2 <= nodes[k].chi2 || std::isnan(nodes[k].chi2) || std::isnan(nodes[k].minimum.slopes[a])) {
                found.chi2 = std::fmin(found.chi2, grid[k].chi2); // at worst what the grid has
                nodes[k] = std::move(found);
            }
        };
        FirstException failure;
#pragma omp parallel for schedule(dynamic, 4) if (chosen.size() > 32)
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            failure.guard([&] {
                if (std::isfinite(grid[chosen[i]].chi2)) {
                    improve(chosen[i], {&grid[chosen[i]]});
                }
            });
        }
        failure.rethrow();
        std::vector<Node> some;
        for (const std::size_t k : chosen) {
            some.push_back(nodes[k]);
        }
        if (has_others && chosen.size() <= 64) { // neighbours may have found a lower valley
            std::vector<Node> again = some;
#pragma omp parallel for schedule(dynamic, 4) if (chosen.size() > 32)
            for (std::size_t i = 0; i < some.size(); ++i) {
                failure.guard([&] {
                    for (const std::size_t j : {i - 1, i + 1}) {
                        if (j < some.size() && std::isfinite(some[j].chi2)) {
                            Node found = node(a, some[i].t, {&some[j]});
                            if (found.chi2 < again[i].chi2) {
                                again[i] = std::move(found);
                            }
                        }
                    }
                });
            }
            failure.rethrow();
            some = std::move(again);
        }
        nodes = std::move(some);
    }

    static bool is_flat(const std::vector<Node>& nodes, std::size_t k) {
        return k > 0 && k + 1 < nodes.size() && nodes[k].chi2 == nodes[k - 1].chi2 &&
               nodes[k].chi2 == nodes[k + 1].chi2;
    }

    //! The lowest of the minima that lead on from those of the profiles, all axes free
    void find_minimum() {
        constexpr std::size_t most = 32;
        std::vector<const Node*> starts;
        for (const std::vector<Node>& nodes : profiles_) {
            for (std::size_t k = 0; k < nodes.size(); ++k) {
                const bool is_lowest = (k == 0 || nodes[k].chi2 <= nodes[k - 1].chi2) &&
                                       (k + 1 == nodes.size() || nodes[k].chi2 <= nodes[k + 1].chi2);
                if (std::isfinite(nodes[k].chi2) && is_lowest && !is_flat(nodes, k)) {
                    starts.push_back(&nodes[k]);
                }
            }
        }
        std::sort(starts.begin(), starts.end(), [](const Node* x, const Node* y) { return x->chi2 < y->chi2; });
        starts.resize(std::min(starts.size(), most));
        const Node grid{0, best_.chi2, best_};
        starts.insert(starts.begin(), &grid);
        AxesMinimum best{infinity, true, {}, {}};
        for (const Node* start : starts) {
            const AxesMinimum found = minimiser_(ranges_, start->minimum.values);
            // Rounding does not choose between equal ones: the grid's own comes first.
            if (best.values.empty() || found.chi2 < best.chi2 - 1e-9 * (1 + best.chi2)) {
                best = found;
            }
        }
        if (best.chi2 <= best_.chi2) {
            best_ = best;
        } else { // the method stopped early
            best_.slopes = best.slopes;
        }
    }

    //! Looks between the nodes for regions and gaps that none of them is in.
    std::vector<Node> with_extremes(std::size_t a, const std::vector<Node>& nodes, double level) const {
        constexpr std::size_t few = 64;
        std::vector<Node> found;
        for (std::size_t k = 0; k < nodes.size(); ++k) {
            found.push_back(nodes[k]);
            if (k + 1 == nodes.size() || !std::isfinite(nodes[k].chi2) || !std::isfinite(nodes[k + 1].chi2)) {
                continue;
            }
            const Node &low = nodes[k], &high = nodes[k + 1];
            const double at_low = low.minimum.slopes[a], at_high = high.minimum.slopes[a];
            constexpr double flat = 0.05; // of χ², across the axis
            const bool may_fall = at_low < flat && at_high > -flat, may_rise = at_low > -flat && at_high < flat;
            const bool low_in = is_allowed(low, level), high_in = is_allowed(high, level);
            if (!low_in && !high_in && (may_fall || nodes.size() <= few)) {
                AxesMinimum inside = minimum(a, {low.t, high.t}, {&low, &high});
                const double period = variables_[a].domain.period, middle = (low.t + high.t) / 2;
                const double t =
                    inside.values[a] + (is_circle(a) ? period * std::round((middle - inside.values[a]) / period) : 0);
                if (inside.chi2 <= level && t > low.t && t < high.t) {
                    found.push_back({t, inside.chi2, std::move(inside)});
                }
            } else if (low_in && high_in && may_rise) {
                Node top = highest(a, low, high, level);
                if (!is_allowed(top, level)) {
                    found.push_back(std::move(top));
                }
            }
        }
        return found;
    }

    //! A point above \p level between two nodes, or about the highest one, by golden sections
    Node highest(std::size_t a, const Node& low, const Node& high, double level) const {
        const double golden = (std::sqrt(5.) - 1) / 2;
        const auto at = [&](double t) { return node(a, t, {&low, &high}); };
        double left = low.t, right = high.t;
        Node inner = at(right - golden * (right - left)), outer = at(left + golden * (right - left));
        const double base = std::max(low.chi2, high.chi2);
        for (int i = 0; i < 24 && is_allowed(inner, level) && is_allowed(outer, level); ++i) {
            constexpr double little = 1e-2; // a rise that leads nowhere
            if (std::max(inner.chi2, outer.chi2) - base < little * (level - base)) {
                break;
            }
            if (inner.chi2 > outer.chi2) {
                right = outer.t;
                outer = std::move(inner);
                inner = at(right - golden * (right - left));
            } else {
                left = inner.t;
                inner = std::move(outer);
                outer = at(left + golden * (right - left));
            }
        }
        return inner.chi2 > outer.chi2 ? inner : outer;
    }

    //! Where χ² crosses \p level between two nodes of which one is allowed, with all axes there
    Node root(std::size_t a, const Node& low, const Node& high, double level) const {
        const bool low_in = is_allowed(low, level);
        Node inside = low_in ? low : high, outside = low_in ? high : low;
        const double cell = std::abs(high.t - low.t);
        const auto is_close = [&](double x, double y) {
            return std::abs(x - y) <= std::max(1e-6 * std::min(std::abs(x), std::abs(y)), 1e-9 * cell);
        };
        const auto at = [&](double t) {
            std::vector<const Node*> starts = {&inside};
            if (std::isfinite(outside.chi2)) {
                starts.push_back(&outside);
            }
            return node(a, t, starts);
        };
        // Where χ² is infinite outside there is nothing to interpolate.
        while (!std::isfinite(outside.chi2) && !is_close(inside.t, outside.t)) {
            Node middle = at((inside.t + outside.t) / 2);
            (is_allowed(middle, level) ? inside : outside) = std::move(middle);
        }
        if (!std::isfinite(outside.chi2) || inside.chi2 == level) {
            return inside;
        }
        const Node &left = inside.t < outside.t ? inside : outside, &right = inside.t < outside.t ? outside : inside;
        std::uintmax_t evaluations = 60;
        const auto [x, y] = boost::math::tools::toms748_solve(
            [&](double t) {
                const double above = at(t).chi2 - level;
                return std::isfinite(above) ? above : threshold_;
            },
            left.t, right.t, left.chi2 - level, right.chi2 - level, is_close, evaluations);
        return at((x + y) / 2);
    }

    // ---- intervals ---------------------------------------------------------------------------------------------

    AxisLimits axis_limits(std::size_t a) {
        const Variable& axis = result_.kept[a];
        AxisLimits found{axis, best_.values[a], {}, {}, false};
        std::vector<Node> nodes = profiles_[a];
        const double level = best_.chi2 + threshold_;
        const std::vector<Node> grid = grid_profile(a);
        for (const Node& point : grid) {
            const auto refined =
                std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) { return node.t == point.t; });
            found.delta_chi2.push_back((refined == nodes.end() ? point.chi2 : refined->chi2) - best_.chi2);
        }
        if (minimiser_) { // where χ² is smallest is a node whatever the grid
            const auto at = std::lower_bound(nodes.begin(), nodes.end(), best_.values[a],
                                             [](const Node& node, double t) { return node.t < t; });
            if (at == nodes.end() || at->t != best_.values[a]) {
                nodes.insert(at, {best_.values[a], best_.chi2, best_});
            } else {
                at->chi2 = std::min(at->chi2, best_.chi2);
            }
        }
        found.intervals = is_circle(a) ? on_circle(a, nodes, level) : on_line(a, std::move(nodes), level);
        if (axis.null_value && !is_circle(a)) {
            found.excludes_null = excludes(found.intervals, *axis.null_value, ranges_[a]);
        }
        return found;
    }

    std::vector<Interval> between_ends(std::size_t a, std::vector<Node> nodes, double level, const End& first,
                                       const End& last) {
        if (minimiser_) {
            nodes = with_extremes(a, nodes, level);
        }
        return find_intervals(nodes, level, first, last, [&](std::size_t k) {
            const Span cell{nodes[k].t, nodes[k + 1].t};
            if (minimiser_) {
                const Node at = root(a, nodes[k], nodes[k + 1], level);
                note_pinned(at.minimum, a);
                return Located{{End::Kind::crossing, at.t, cell}};
            }
            note_pinned(nodes[is_allowed(nodes[k], level) ? k : k + 1].minimum, a);
            const auto index = [](std::ptrdiff_t i) { return static_cast<std::size_t>(i); };
            const Crossing at =
                crossing([&](std::ptrdiff_t i) { return nodes[index(i)].t; },
                         [&](std::ptrdiff_t i) { return nodes[index(i)].chi2 - best_.chi2; }, 0,
                         static_cast<std::ptrdiff_t>(nodes.size()), static_cast<std::ptrdiff_t>(k), threshold_);
            return Located{{End::Kind::crossing, at.at, cell}, at.uncertainty};
        });
    }

    std::vector<Interval> on_line(std::size_t a, std::vector<Node> nodes, double level) {
        const Variable& axis = variables_[a];
        End first{End::Kind::range, ranges_[a].low, {}}, last{End::Kind::range, ranges_[a].high, {}};
        if (begins_at_its_end(axis)) {
            first = {End::Kind::physical, axis.domain.low, {}};
        } else if (reaches(a, nodes, axis.domain.low, level)) {
            first = {End::Kind::physical, axis.domain.low, {}};
        }
        std::vector<Node> reversed(nodes.rbegin(), nodes.rend());
        if (ends_at_its_end(axis) || reaches(a, reversed, axis.domain.high, level)) {
            last = {End::Kind::physical, axis.domain.high, {}};
        }
        return between_ends(a, std::move(nodes), level, first, last);
    }

    /// Whether what is allowed at the end of an axis, the first of \p nodes, is allowed up to where the parameter ends
    /// beyond it: as zero is for the modulus on a logarithmic axis. A range within two ends, of an angle or of
    /// sin²θ_W, is the user's choice and stays one.
    bool reaches(std::size_t a, const std::vector<Node>& nodes, double end, double level) const {
        const Node& first = nodes.front();
        const Domain& domain = variables_[a].domain;
        const bool is_between_two = std::isfinite(domain.low) && std::isfinite(domain.high);
        if (!std::isfinite(end) || is_between_two || !is_allowed(first, level) || nodes.size() < 2) {
            return false;
        }
        if (minimiser_) {
            constexpr int steps = 8;
            for (int i = 0; i < steps; ++i) {
                if (!is_allowed(node(a, end + (first.t - end) * i / steps, {&first}), level)) {
                    return false;
                }
            }
            return true;
        }
        // Predictions are smooth: what changes by little from the first point to the next does so on to a near end.
        const double slope = (nodes[1].chi2 - first.chi2) / (nodes[1].t - first.t);
        const double change = slope * (end - first.t);
        constexpr double little = 0.1;
        return std::abs(change) < little * threshold_ && first.chi2 + change <= level;
    }

    std::vector<Interval> on_circle(std::size_t a, std::vector<Node> nodes, double level) {
        const double begin = ranges_[a].low, period = variables_[a].domain.period;
        // The last value is the first one again.
        std::erase_if(nodes, [&](const Node& node) { return node.t > begin + period * (1 - rounding); });
        const auto outside =
            std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) { return !is_allowed(node, level); });
        const auto turned = [&](std::vector<Node>::difference_type from) {
            std::rotate(nodes.begin(), nodes.begin() + from, nodes.end());
            for (auto node = nodes.end() - from; node != nodes.end(); ++node) {
                node->t += period;
            }
            nodes.push_back(nodes.front());
            nodes.back().t += period;
        };
        turned(outside == nodes.end() ? 0 : outside - nodes.begin());
        const End first{End::Kind::none, nodes.front().t, {}}, last{End::Kind::none, nodes.back().t, {}};
        std::vector<Interval> intervals = between_ends(a, nodes, level, first, last);
        if (intervals.size() > 1 && intervals.front().low.kind == End::Kind::none) { // a gap between two nodes
            intervals.back().high = intervals.front().high;
            intervals.back().high.at += period;
            intervals.back().high.between.low += period;
            intervals.back().high.between.high += period;
            intervals.erase(intervals.begin());
        }
        for (Interval& interval : intervals) {
            const double low = interval.low.is_bracket() ? interval.low.between.high : interval.low.at;
            const double back = low >= begin + period * (1 - rounding) ? period : 0;
            for (End* end : {&interval.low, &interval.high}) {
                end->at -= back;
                end->between = {end->between.low - back, end->between.high - back};
            }
        }
        std::sort(intervals.begin(), intervals.end(),
                  [](const Interval& x, const Interval& y) { return x.low.between.low < y.low.between.low; });
        return intervals;
    }

    //! Whether a value that was scanned is in none of the intervals; one within a bracket may be
    static bool excludes(const std::vector<Interval>& intervals, double value, const Span& range) {
        if (value < range.low || value > range.high) {
            return false;
        }
        return std::none_of(intervals.begin(), intervals.end(), [&](const Interval& interval) {
            const double low = interval.low.is_bracket() ? interval.low.between.low : interval.low.at;
            const double high = interval.high.is_bracket() ? interval.high.between.high : interval.high.at;
            return value >= low && value <= high;
        });
    }

    // ---- axes at the ends of their ranges ----------------------------------------------------------------------

    /// Takes down the axes that stand at an end of their range where χ² is smallest, or at an end of the interval of
    /// axis \p of, and would go further.
    void note_pinned(const AxesMinimum& minimum, std::optional<std::size_t> of) {
        for (std::size_t i = 0; i < variables_.size(); ++i) {
            const Variable& axis = variables_[i];
            const Span& range = ranges_[i];
            const double length = range.high - range.low;
            if ((of && *of == i) || is_circle(i) || !(length > 0) || !std::isfinite(length)) {
                continue;
            }
            for (const bool upper : {false, true}) {
                const double end = upper ? range.high : range.low;
                const double room = std::abs((upper ? axis.domain.high : axis.domain.low) - end);
                const bool is_there = std::abs(minimum.values[i] - end) <= rounding * length;
                // What χ² would gain: without slopes it may be anything.
                const double gain = (upper ? -1 : 1) * minimum.slopes[i] * std::min(room / length, 1.);
                constexpr double negligible = 0.01;
                if (is_there && room > rounding * length && !(gain < negligible)) {
                    pinned_[{i, upper}].insert(of ? result_.kept[*of].name : "");
                }
            }
        }
    }

    void warn_of_pinned() {
        for (const auto& [place, where] : pinned_) {
            const auto& [i, upper] = place;
            const Variable& axis = variables_[i];
            const double end = upper ? ranges_[i].high : ranges_[i].low;
            const bool at_best = where.contains("");
            if (at_best && i < result_.kept.size() && reaches_its_end(i, upper)) {
                continue; // zero is as good
            }
            std::vector<std::string> others;
            std::copy_if(where.begin(), where.end(), std::back_inserter(others),
                         [](const std::string& name) { return !name.empty(); });
            std::string text;
            if (at_best && i < result_.kept.size()) {
                text = fmt::format("the best fit lies at the end of the axis {}: scan further", axis.name);
            } else {
                text = fmt::format("{} is at the {} end of its range, {}, ", axis.name, upper ? "upper" : "lower",
                                   with_unit(end, axis.unit));
                text += at_best ? "at the best fit" : "";
                if (!others.empty()) {
                    text += fmt::format("{}where the interval of {} ends", at_best ? " and " : "",
                                        fmt::join(others, " and of "));
                }
                text += " (what is allowed may be too narrow) scan it further?";
            }
            limits_.warnings.push_back(std::move(text));
        }
    }

    //! Whether an interval of a kept axis goes on beyond an end of the axis, to where the parameter ends
    bool reaches_its_end(std::size_t a, bool upper) const {
        const std::vector<Interval>& intervals = limits_.axes[a].intervals;
        return !intervals.empty() &&
               (upper ? intervals.back().high : intervals.front().low).kind == End::Kind::physical;
    }

    // ---- the rest ----------------------------------------------------------------------------------------------

    void find_contours() {
        if (result_.kept.size() != 2) {
            return;
        }
        std::vector<double> delta_chi2 = result_.chi2;
        for (double& value : delta_chi2) {
            value -= best_.chi2;
        }
        Variable axes[] = {result_.kept[0], result_.kept[1]};
        for (std::size_t a = 0; a < 2; ++a) { // a region that goes on to the end of the parameter is closed there
            axes[a].domain.low = reaches_its_end(a, false) ? axes[a].values.front() : axes[a].domain.low;
            axes[a].domain.high = reaches_its_end(a, true) ? axes[a].values.back() : axes[a].domain.high;
        }
        for (const double level : std::set<double>{0.6827, 0.9, 0.9545, limits_.confidence_level}) {
            const double threshold = delta_chi2_threshold(level, 2);
            limits_.contours.push_back(
                {level, threshold, nuscan::find_contours(axes[0], axes[1], delta_chi2, threshold)});
        }
    }

    //! From the experiments, or where the grid has the point, or from the file
    void find_null() {
        std::vector<std::size_t> axes;
        for (std::size_t i = 0; i < variables_.size(); ++i) {
            if (variables_[i].null_value) {
                axes.push_back(i);
            }
        }
        const auto is_there = [&](const std::string& name) {
            return std::any_of(variables_.begin(), variables_.end(), [&](const Variable& x) { return x.name == name; });
        };
        // The argument of a modulus that is zero is none.
        auto dof = static_cast<int>(axes.size());
        for (const Variable& axis : variables_) {
            const std::size_t dot = axis.name.rfind('.');
            dof += dot != std::string::npos && axis.name.substr(dot) == ".arg" &&
                           is_there(axis.name.substr(0, dot) + ".abs")
                       ? 1
                       : 0;
        }
        if (axes.empty()) {
            return;
        }
        double chi2 = infinity;
        bool is_known = false;
        if (minimiser_) {
            std::vector<Span> spans = ranges_;
            std::vector<double> from = best_.values;
            for (const std::size_t i : axes) {
                from[i] = *variables_[i].null_value;
                spans[i] = {from[i], from[i]};
            }
            chi2 = minimiser_(spans, from).chi2;
            is_known = std::isfinite(chi2);
        } else {
            for (std::size_t point = 0; point < result_.chi2.size(); ++point) {
                const std::vector<double> values = values_at(point);
                if (std::all_of(axes.begin(), axes.end(), [&](std::size_t i) {
                        return i < result_.kept.size() && values[i] == *variables_[i].null_value;
                    })) {
                    chi2 = std::fmin(chi2, result_.chi2[point]);
                    is_known = true;
                }
            }
        }
        if (!is_known) {
            return;
        }
        const double delta_chi2 = chi2 - best_.chi2;
        limits_.null = NullPoint{delta_chi2, dof, significance_of(delta_chi2, dof),
                                 delta_chi2 > delta_chi2_threshold(limits_.confidence_level, dof)};
    }

    void assess_fit() {
        const std::optional<double> bins = number_attribute(result_, "bins");
        if (!bins) {
            return;
        }
        GoodnessOfFit fit{static_cast<int>(*bins), {}, {}, 0};
        fit.bins_with_few_counts = static_cast<int>(number_attribute(result_, "bins_with_few_counts").value_or(0));
        if (const std::optional<double> fitted = number_attribute(result_, "fitted_parameters")) {
            const double flat = number_attribute(result_, "flat_directions").value_or(0); // parameters that fit nothing
            fit.degrees_of_freedom = fit.bins - static_cast<int>(*fitted - flat);
            if (*fit.degrees_of_freedom > 0) {
                const boost::math::chi_squared distribution(*fit.degrees_of_freedom);
                fit.p_value = boost::math::cdf(boost::math::complement(distribution, std::max(best_.chi2, 0.)));
            }
        }
        limits_.goodness = fit;
    }

    void warn() {
        limits_.verdict = verdict(result_);
        if (const std::string warning = warning_of(limits_.verdict); !warning.empty()) {
            limits_.warnings.push_back(warning);
        }
        warn_of_pinned();
        const std::string at = fmt::format("at {:.6g}% CL", 100 * limits_.confidence_level);
        for (const AxisLimits& found : limits_.axes) {
            if (found.excludes_null) {
                limits_.warnings.push_back(fmt::format("{} = {} is excluded {}: this is no upper limit",
                                                       found.axis.name,
                                                       with_unit(*found.axis.null_value, found.axis.unit), at));
            }
        }
        if (limits_.null && limits_.null->is_excluded) {
            const NullPoint& null = *limits_.null;
            const std::string how = std::isfinite(null.delta_chi2)
                                        ? fmt::format("Δχ² = {:.2f}, {} d.o.f., {:.1f} standard deviations",
                                                      null.delta_chi2, null.degrees_of_freedom, null.significance)
                                        : "a bin with counts has no prediction there";
            limits_.warnings.push_back(fmt::format("all axes at their standard values are excluded {} ({})", at, how));
        }
    }

    const Result& result_;
    const AxesMinimiser& minimiser_;
    double threshold_;
    std::vector<Variable> variables_; // of all axes: kept ones, then profiled ones
    std::vector<Span> ranges_;
    AxesMinimum best_;
    std::vector<std::vector<Node>> profiles_; // of the kept axes
    std::map<std::pair<std::size_t, bool>, std::set<std::string>> pinned_;
    Limits limits_{};
};

} // namespace

double delta_chi2_threshold(double confidence_level, int degrees_of_freedom) {
    if (!(confidence_level > 0 && confidence_level < 1)) {
        throw InputError({"command line", 0}, fmt::format("confidence level {}", confidence_level),
                         "must be between 0 and 1", "0.9?");
    }
    if (degrees_of_freedom < 1) {
        throw InputError({"command line", 0}, fmt::format("{} degrees of freedom", degrees_of_freedom),
                         "at least one is needed");
    }
    return boost::math::quantile(boost::math::chi_squared(degrees_of_freedom), confidence_level);
}

Limits compute_limits(const Result& result, double confidence_level, const AxesMinimiser& chi2) {
    return Computation(result, confidence_level, chi2).limits();
}

} // namespace nuscan
