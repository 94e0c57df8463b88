// SPDX-License-Identifier: Apache-2.0
#include "output/limits.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include <boost/math/distributions/chi_squared.hpp>
#include <fmt/format.h>

#include "config/error.hpp"

namespace nuscan {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// ---- crossings -------------------------------------------------------------------------------------------------

/// Of an interval, what the simplest interpolation may be off before its end counts as rough
constexpr double rough = 0.05;

struct Crossing {
    double at, uncertainty;
};

/// Where Δχ² crosses \p threshold between grid points k and k + 1 of a line, of which one is above and one is not.
///
/// \p x and \p d give the n points of the line. Interpolates by the cubic through the nearest four (fewer at the rim
/// and beside values that are not finite), whose root in the cell is bracketed by the two points themselves. The
/// uncertainty is the distance from where a straight line between these two crosses.
template <class X, class D>
Crossing crossing(const X& x, const D& d, std::ptrdiff_t n, std::ptrdiff_t k, double threshold) {
    const bool low_finite = std::isfinite(d(k)), high_finite = std::isfinite(d(k + 1));
    if (!low_finite || !high_finite) {
        return {low_finite ? x(k) : x(k + 1), x(k + 1) - x(k)};
    }
    std::ptrdiff_t first = k, last = k + 1;
    const auto usable = [&](std::ptrdiff_t i) { return i >= 0 && i < n && std::isfinite(d(i)); };
    // One neighbour on each side, or two on one side where the other has none.
    for (int round = 0; round < 2 && last - first < 3; ++round) {
        if (usable(first - 1) && (k - first < 1 || round == 1)) {
            --first;
        }
        if (last - first < 3 && usable(last + 1) && (last - k < 2 || round == 1)) {
            ++last;
        }
    }
    // The Lagrange polynomial in units of the cell, so that products of small steps do not underflow.
    const double x0 = x(k), step = x(k + 1) - x(k);
    const auto polynomial = [&](double s) {
        double sum = 0;
        for (std::ptrdiff_t i = first; i <= last; ++i) {
            double weight = 1;
            const double si = (x(i) - x0) / step;
            for (std::ptrdiff_t j = first; j <= last; ++j) {
                if (j != i) {
                    const double sj = (x(j) - x0) / step;
                    weight *= (s - sj) / (si - sj);
                }
            }
            sum += weight * (d(i) - threshold);
        }
        return sum;
    };
    const double at_low = d(k) - threshold;
    double low = 0, high = 1;
    for (int halving = 0; halving < 52; ++halving) {
        const double middle = (low + high) / 2;
        (((polynomial(middle) > 0) == (at_low > 0)) ? low : high) = middle;
    }
    const double at = (low + high) / 2, on_a_line = -at_low / (d(k + 1) - d(k));
    return {x0 + at * step, std::abs(on_a_line - at) * step};
}

std::vector<Interval> find_intervals(const std::vector<double>& x, const std::vector<double>& d, double threshold) {
    const auto n = static_cast<std::ptrdiff_t>(x.size());
    const auto x_at = [&](std::ptrdiff_t i) { return x[static_cast<std::size_t>(i)]; };
    const auto d_at = [&](std::ptrdiff_t i) { return d[static_cast<std::size_t>(i)]; };
    std::vector<Interval> intervals;
    for (std::ptrdiff_t k = 0; k < n; ++k) {
        if (!(d_at(k) <= threshold)) {
            continue;
        }
        Interval interval{x_at(0), x_at(n - 1), k == 0, true};
        double low_uncertainty = 0, high_uncertainty = 0;
        if (k > 0) {
            const Crossing low = crossing(x_at, d_at, n, k - 1, threshold);
            interval.low = low.at;
            low_uncertainty = low.uncertainty;
        }
        while (k + 1 < n && d_at(k + 1) <= threshold) {
            ++k;
        }
        if (k + 1 < n) {
            const Crossing high = crossing(x_at, d_at, n, k, threshold);
            interval.high = high.at;
            interval.high_open = false;
            high_uncertainty = high.uncertainty;
        }
        const double allowed = rough * (interval.high - interval.low);
        interval.low_rough = low_uncertainty > allowed;
        interval.high_rough = high_uncertainty > allowed;
        intervals.push_back(interval);
    }
    return intervals;
}

// ---- contours --------------------------------------------------------------------------------------------------

/// Marching squares on a grid of nx × ny values of Δχ², row-major.
class MarchingSquares {
public:
    using Point = std::pair<double, double>;
    using Line = std::vector<Point>;

    MarchingSquares(const std::vector<double>& x, const std::vector<double>& y, const std::vector<double>& d,
                    double threshold)
        : x_(x), y_(y), d_(d), threshold_(threshold) {
        for (std::size_t i = 0; i + 1 < x.size(); ++i) {
            for (std::size_t j = 0; j + 1 < y.size(); ++j) {
                add_cell(i, j);
            }
        }
    }

    //! The segments of all cells, joined at the grid edges they share
    std::vector<Line> lines() {
        std::vector<Line> lines;
        // Open lines begin at an edge that only one cell crosses; what is left after them is closed.
        for (const bool open : {true, false}) {
            for (const auto& [edge, neighbours] : links_) {
                if (!visited_.contains(edge) && (!open || neighbours.size() == 1)) {
                    lines.push_back(follow(edge, !open));
                }
            }
        }
        return lines;
    }

private:
    //! A grid edge: its lower point (flat index) and its direction, 0 along x and 1 along y
    using Edge = std::pair<std::size_t, int>;

    double at(std::size_t i, std::size_t j) const { return d_[i * y_.size() + j]; }

    void add_cell(std::size_t i, std::size_t j) {
        // Corners and edges counter-clockwise: edge e joins corners e and e + 1.
        const std::array<double, 4> corner = {at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)};
        const std::size_t flat = i * y_.size() + j;
        const std::array<Edge, 4> edge = {Edge{flat, 0}, {flat + y_.size(), 1}, {flat + 1, 0}, {flat, 1}};
        std::vector<int> crossed;
        double sum = 0;
        for (int e = 0; e < 4; ++e) {
            const double here = corner[static_cast<std::size_t>(e)];
            if (std::isnan(here)) {
                return;
            }
            sum += here;
            if ((here <= threshold_) != (corner[static_cast<std::size_t>((e + 1) % 4)] <= threshold_)) {
                crossed.push_back(e);
            }
        }
        if (crossed.size() == 4) {
            // A saddle: where the centre is on the side of corner 0, segments cut off corners 1 and 3, else 0 and 2.
            const bool with_first = (sum / 4 <= threshold_) == (corner[0] <= threshold_);
            crossed = with_first ? std::vector<int>{0, 1, 2, 3} : std::vector<int>{3, 0, 1, 2};
        }
        for (std::size_t s = 0; s + 1 < crossed.size(); s += 2) {
            const Edge& a = edge[static_cast<std::size_t>(crossed[s])];
            const Edge& b = edge[static_cast<std::size_t>(crossed[s + 1])];
            links_[a].push_back(b);
            links_[b].push_back(a);
        }
    }

    Line follow(Edge edge, bool closed) {
        Line line;
        for (std::optional<Edge> next = edge; next;) {
            edge = *next;
            visited_.insert(edge);
            line.push_back(point(edge));
            next.reset();
            for (const Edge& neighbour : links_.at(edge)) {
                if (!next && !visited_.contains(neighbour)) {
                    next = neighbour;
                }
            }
        }
        if (closed) {
            line.push_back(line.front());
        }
        return line;
    }

    Point point(const Edge& edge) const {
        const std::size_t i = edge.first / y_.size(), j = edge.first % y_.size();
        const auto index = [](std::ptrdiff_t k) { return static_cast<std::size_t>(k); };
        if (edge.second == 0) {
            return {crossing([&](std::ptrdiff_t k) { return x_[index(k)]; },
                             [&](std::ptrdiff_t k) { return at(index(k), j); }, static_cast<std::ptrdiff_t>(x_.size()),
                             static_cast<std::ptrdiff_t>(i), threshold_)
                        .at,
                    y_[j]};
        }
        return {x_[i], crossing([&](std::ptrdiff_t k) { return y_[index(k)]; },
                                [&](std::ptrdiff_t k) { return at(i, index(k)); },
                                static_cast<std::ptrdiff_t>(y_.size()), static_cast<std::ptrdiff_t>(j), threshold_)
                           .at};
    }

    const std::vector<double>&x_, &y_, &d_;
    double threshold_;
    std::map<Edge, std::vector<Edge>> links_;
    std::set<Edge> visited_;
};

//! Number of points whose status is not "ok"
std::size_t flagged_points(const Result& result) {
    return result.status.size() -
           static_cast<std::size_t>(std::count(result.status.begin(), result.status.end(), std::uint8_t{0}));
}

const std::string& unit_of(const Result& result, const std::string& name) {
    static const std::string none = "1";
    for (const auto* axes : {&result.kept, &result.profiled}) {
        for (const Variable& axis : *axes) {
            if (axis.name == name) {
                return axis.unit;
            }
        }
    }
    return none;
}

} // namespace

double delta_chi2_threshold(double confidence_level, int degrees_of_freedom) {
    if (!(confidence_level > 0 && confidence_level < 1)) {
        throw InputError({"command line", 0}, fmt::format("confidence level {}", confidence_level),
                         "must be between 0 and 1", "0.9?");
    }
    return boost::math::quantile(boost::math::chi_squared(degrees_of_freedom), confidence_level);
}

Limits compute_limits(const Result& result, double confidence_level) {
    Limits limits{confidence_level, delta_chi2_threshold(confidence_level, 1), infinity, {}, {}, {}};
    std::size_t best = 0;
    for (std::size_t i = 0; i < result.chi2.size(); ++i) {
        if (result.chi2[i] < limits.chi2_min) {
            limits.chi2_min = result.chi2[i];
            best = i;
        }
    }
    if (!std::isfinite(limits.chi2_min)) {
        throw InputError({result.path, 0}, "no limits", "no point has a finite chi2",
                         "do the fixed parameters describe the data at all?");
    }

    std::size_t stride = result.chi2.size();
    for (const Variable& axis : result.kept) {
        const std::size_t size = axis.values.size();
        stride /= size;
        AxisLimits found{axis, axis.values[best / stride % size], std::vector<double>(size, not_a_number), {}};
        for (std::size_t i = 0; i < result.chi2.size(); ++i) {
            double& minimum = found.delta_chi2[i / stride % size];
            // fmin skips NaN
            minimum = std::fmin(minimum, result.chi2[i] - limits.chi2_min);
        }
        found.intervals = find_intervals(axis.values, found.delta_chi2, limits.threshold);
        limits.best_fit.emplace_back(axis.name, found.best_fit);
        limits.axes.push_back(std::move(found));
    }
    for (std::size_t p = 0; p < result.profiled.size(); ++p) {
        limits.best_fit.emplace_back(result.profiled[p].name, result.profiled_at[p][best]);
    }

    if (result.kept.size() == 2) {
        std::vector<double> delta_chi2 = result.chi2;
        for (double& value : delta_chi2) {
            value -= limits.chi2_min;
        }
        for (const double level : std::set<double>{0.6827, 0.9, 0.9545, confidence_level}) {
            const double threshold = delta_chi2_threshold(level, 2);
            MarchingSquares squares(result.kept[0].values, result.kept[1].values, delta_chi2, threshold);
            limits.contours.push_back({level, threshold, squares.lines()});
        }
    }
    return limits;
}

// ---- text ------------------------------------------------------------------------------------------------------

namespace {

std::string with_unit(const std::string& number, const std::string& unit) {
    return unit == "1" ? number : number + " " + unit;
}

//! Intervals in the terms of physicists: one-sided where both the interval and the axis begin at zero
std::string intervals_text(const AxisLimits& found) {
    std::string text;
    bool low_end = false, high_end = false, is_rough = false;
    for (const Interval& interval : found.intervals) {
        is_rough = is_rough || interval.low_rough || interval.high_rough;
        const bool from_zero = interval.low_open && interval.low == 0;
        const bool to_zero = interval.high_open && interval.high == 0;
        low_end = low_end || (interval.low_open && !from_zero);
        high_end = high_end || (interval.high_open && !to_zero);
        text += text.empty() ? "" : " ∪ ";
        if (from_zero && !interval.high_open) {
            text += fmt::format("< {:.3g}", interval.high);
        } else if (to_zero && !interval.low_open) {
            text += fmt::format("> {:.3g}", interval.low);
        } else {
            text += fmt::format("[{:.3g}, {:.3g}]", interval.low, interval.high);
        }
    }
    const bool no_limit = found.intervals.size() == 1 && found.intervals[0].low_open && found.intervals[0].high_open;
    text = with_unit(fmt::format("{}{}", no_limit ? "no limit on " : "", text), found.axis.unit);
    if (!no_limit && (low_end || high_end)) {
        text += fmt::format(" (may go on beyond {} of the axis)", low_end && high_end ? "both ends"
                                                                  : low_end           ? "the lower end"
                                                                                      : "the upper end");
    }
    if (is_rough) {
        text += " (rough: the grid is too coarse to place it; more points, or a shorter axis?)";
    }
    return text;
}

//! What the result says of experiments and pulls at its minimum
std::string of_experiments(const Result& result) {
    const std::string chi2 = "chi2_min.", pull = "pull.";
    std::string shares, pulls, degeneracies;
    const auto text_of = [&](const std::string& name) { // none in files of older versions
        const auto found = result.attributes.find(name);
        return found == result.attributes.end() ? "" : std::get<std::string>(found->second);
    };
    for (const auto& [name, value] : result.attributes) {
        if (name.rfind(chi2, 0) == 0) {
            shares += fmt::format("{}{} {:.2f}", shares.empty() ? "" : ", ", name.substr(chi2.size()),
                                  std::get<double>(value));
        } else if (name.rfind(pull, 0) == 0) {
            const std::string pulled = name.substr(pull.size());
            pulls += fmt::format("{}{} ", pulls.empty() ? "" : ", ", pulled);
            const std::string status = text_of("pull_status." + pulled);
            if (status == "not determined") { // one value of many
                pulls += status;
                continue;
            }
            const auto error = result.attributes.find("pull_error." + pulled);
            pulls += fmt::format("{:.4g}", std::get<double>(value));
            if (error != result.attributes.end() && std::get<double>(error->second) > 0) {
                pulls += fmt::format(" ± {:.2g}", std::get<double>(error->second));
            }
            const std::string unit = text_of("pull_unit." + pulled);
            pulls += (unit.empty() ? "" : " " + unit) + (status == "at its bound" ? " (" + status + ")" : "");
        }
    }
    degeneracies = text_of("degenerate_pulls");
    return (shares.empty() ? "" : "\nof which  " + shares) + (pulls.empty() ? "" : "\npulls     " + pulls) +
           (degeneracies.empty() ? "" : "\nnote      " + degeneracies);
}

} // namespace

std::string limits_text(const Limits& limits, const Result& result) {
    std::string text = fmt::format("best fit  chi2 = {:.2f}", limits.chi2_min);
    const char* separator = "  at  ";
    for (const auto& [name, value] : limits.best_fit) {
        text +=
            fmt::format("{}{} = {}", separator, name, with_unit(fmt::format("{:.3g}", value), unit_of(result, name)));
        separator = ", ";
    }
    text += of_experiments(result);
    text += fmt::format("\nminimum   smallest chi2 on the scanned grid of {} points", result.chi2.size());
    if (const std::size_t n = flagged_points(result); n > 0) {
        text += fmt::format("; {} of them flagged (status is not 0)", n);
    }
    for (const AxisLimits& found : limits.axes) {
        const double first = found.axis.values.front(), last = found.axis.values.back();
        if (found.axis.values.size() > 1 && ((found.best_fit == first && first != 0) || found.best_fit == last)) {
            text +=
                fmt::format("\nwarning   the best fit lies at the end of the axis {}: scan further", found.axis.name);
        }
    }
    if (!limits.axes.empty()) {
        const bool several = limits.best_fit.size() > 1;
        text += fmt::format("\n\n{:.6g}% CL (Δχ² = {:.2f}, 1 d.o.f.{}):\n", 100 * limits.confidence_level,
                            limits.threshold, several ? ", other axes minimised over" : "");
    }
    std::size_t width = 0;
    for (const AxisLimits& found : limits.axes) {
        width = std::max(width, found.axis.name.size());
    }
    for (const AxisLimits& found : limits.axes) {
        text += fmt::format("  {:<{}}  {}\n", found.axis.name, width, intervals_text(found));
    }
    if (!limits.contours.empty()) {
        text += fmt::format("\ncontours (2 d.o.f.) of {} against {}:\n", result.kept[1].name, result.kept[0].name);
    }
    for (const Contour& contour : limits.contours) {
        std::size_t n_closed = 0;
        for (const auto& line : contour.lines) {
            n_closed += line.size() > 2 && line.front() == line.back() ? 1 : 0;
        }
        std::string lines = "outside the grid";
        if (!contour.lines.empty()) {
            lines = fmt::format("{} closed", n_closed);
            if (const std::size_t n_open = contour.lines.size() - n_closed; n_open > 0) {
                lines = fmt::format("{}{} open at the rim of the grid", n_closed > 0 ? lines + ", " : "", n_open);
            }
        }
        text +=
            fmt::format("  {:>7.6g}%  Δχ² = {:5.2f}  {}\n", 100 * contour.confidence_level, contour.threshold, lines);
    }
    return text;
}

// ---- JSON ------------------------------------------------------------------------------------------------------

namespace {

std::string json_text(const std::string& text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += {'\\', c};
        } else if (static_cast<unsigned char>(c) < 0x20) {
            quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

//! The shortest digits that give the number back
std::string json_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

template <class Range, class ToText>
std::string json_array(const Range& range, const ToText& to_text) {
    std::string text = "[";
    for (const auto& item : range) {
        text += text.size() > 1 ? ", " : "";
        text += to_text(item);
    }
    return text + "]";
}

} // namespace

//! Pulls at the minimum: {"toy.flat": {"value": 0.93, "error": 0.1, "status": "fitted", "unit": "1"}, …}
static std::string json_pulls(const Result& result) {
    std::string pulls;
    const auto text_of = [&](const std::string& name, const char* otherwise) {
        const auto found = result.attributes.find(name);
        return json_text(found == result.attributes.end() ? otherwise : std::get<std::string>(found->second));
    };
    const std::string pull = "pull.";
    for (const auto& [name, value] : result.attributes) {
        if (name.rfind(pull, 0) == 0) {
            const std::string pulled = name.substr(pull.size());
            const auto error = result.attributes.find("pull_error." + pulled);
            pulls +=
                fmt::format("{}{}: {{\"value\": {}, \"error\": {}, \"status\": {}, \"unit\": {}}}",
                            pulls.empty() ? "" : ", ", json_text(pulled), json_number(std::get<double>(value)),
                            error == result.attributes.end() ? "null" : json_number(std::get<double>(error->second)),
                            text_of("pull_status." + pulled, ""), text_of("pull_unit." + pulled, "1"));
        }
    }
    return fmt::format("{{{}}}, \"degenerate_pulls\": {}", pulls, text_of("degenerate_pulls", ""));
}

std::string limits_json(const Limits& limits, const Result& result) {
    const auto text = [&](const char* name) -> std::string { // null in files of others
        const auto found = result.attributes.find(name);
        const bool there = found != result.attributes.end() && std::holds_alternative<std::string>(found->second);
        return there ? json_text(std::get<std::string>(found->second)) : "null";
    };
    std::string best_fit;
    for (const auto& [name, value] : limits.best_fit) {
        best_fit += fmt::format("{}{}: {{\"value\": {}, \"unit\": {}}}", best_fit.empty() ? "" : ", ", json_text(name),
                                json_number(value), json_text(unit_of(result, name)));
    }
    const auto interval = [](const Interval& i) {
        return fmt::format("{{\"low\": {}, \"high\": {}, \"low_open\": {}, \"high_open\": {}, \"low_rough\": {}, "
                           "\"high_rough\": {}}}",
                           json_number(i.low), json_number(i.high), i.low_open, i.high_open, i.low_rough, i.high_rough);
    };
    const auto axis = [&](const AxisLimits& found) {
        return fmt::format("\n    {{\"name\": {}, \"unit\": {}, \"best_fit\": {}, \"intervals\": {},\n"
                           "     \"values\": {},\n     \"delta_chi2_profile\": {}}}",
                           json_text(found.axis.name), json_text(found.axis.unit), json_number(found.best_fit),
                           json_array(found.intervals, interval), json_array(found.axis.values, json_number),
                           json_array(found.delta_chi2, json_number));
    };
    const auto line = [](const std::vector<std::pair<double, double>>& points) {
        return json_array(points, [](const std::pair<double, double>& point) {
            return fmt::format("[{}, {}]", json_number(point.first), json_number(point.second));
        });
    };
    const auto contour = [&](const Contour& c) {
        return fmt::format(
            "\n    {{\"confidence_level\": {}, \"degrees_of_freedom\": 2, \"delta_chi2\": {}, \"x\": {}, "
            "\"y\": {},\n     \"lines\": {}}}",
            json_number(c.confidence_level), json_number(c.threshold), json_text(result.kept[0].name),
            json_text(result.kept[1].name), json_array(c.lines, line));
    };
    return fmt::format(
        "{{\n  \"file\": {},\n  \"title\": {},\n  \"statistic\": {},\n  \"chi2_min\": {},\n  \"minimum\": \"grid\",\n"
        "  \"points\": {},\n  \"flagged_points\": {},\n  \"best_fit\": {{{}}},\n  \"pulls\": {},\n"
        "  \"confidence_level\": {},\n  \"degrees_of_freedom\": 1,\n  \"delta_chi2\": {},\n"
        "  \"axes\": {},\n  \"contours\": {}\n}}\n",
        json_text(result.path), text("title"), text("statistic"), json_number(limits.chi2_min), result.chi2.size(),
        flagged_points(result), best_fit, json_pulls(result), json_number(limits.confidence_level),
        json_number(limits.threshold), json_array(limits.axes, axis), json_array(limits.contours, contour));
}

} // namespace nuscan
