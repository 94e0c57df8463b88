// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "output/limits.hpp"

namespace nuscan {

namespace {

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

// ---- text ------------------------------------------------------------------------------------------------------

std::string with_unit(const std::string& number, const std::string& unit) {
    return unit == "1" ? number : number + " " + unit;
}

std::string end_text(const End& end) {
    return end.is_bracket() ? fmt::format("between {:.3g} and {:.3g}", end.between.low, end.between.high)
                            : fmt::format("{:.3g}", end.at);
}

//! Intervals in the terms of physicists: one-sided where the parameter itself ends
std::string intervals_text(const AxisLimits& found) {
    using Kind = End::Kind;
    const Variable& axis = found.axis;
    const std::vector<Interval>& intervals = found.intervals;
    const auto is_everywhere = [](const Interval& i) {
        return i.low.kind != Kind::crossing && i.high.kind != Kind::crossing;
    };
    if (intervals.empty()) {
        return "nothing is allowed at the points of the grid (grid too coarse)";
    }
    std::string text;
    std::vector<std::string> notes;
    const auto note = [&](const std::string& what) {
        if (std::count(notes.begin(), notes.end(), what) == 0) {
            notes.push_back(what);
        }
    };
    for (const Interval& interval : intervals) {
        const End &low = interval.low, &high = interval.high;
        text += text.empty() ? "" : " ∪ ";
        if (low.kind == Kind::physical && high.kind == Kind::crossing && intervals.size() == 1) {
            text += "< " + end_text(high);
        } else if (high.kind == Kind::physical && low.kind == Kind::crossing && intervals.size() == 1) {
            text += "> " + end_text(low);
        } else {
            text += fmt::format("[{}, {}]", end_text(low), end_text(high));
        }
        if (low.kind == Kind::none) {
            note("the whole circle is allowed");
        } else if (axis.domain.period > 0 && high.at > axis.values.back()) {
            note(fmt::format("through {:.3g}, which is {:.3g}: the upper end is {:.3g}", axis.values.back(),
                             axis.values.back() - axis.domain.period, high.at - axis.domain.period));
        }
        if (low.kind == Kind::physical && low.at < axis.values.front()) {
            note(fmt::format("{:.3g} is allowed as the lower end of the axis is", low.at));
        }
        if (high.kind == Kind::physical && high.at > axis.values.back()) {
            note(fmt::format("{:.3g} is allowed as the upper end of the axis is", high.at));
        }
        if (low.is_bracket() || high.is_bracket()) {
            note("grid too coarse: more points, or a shorter axis?");
        }
    }
    const bool no_limit = intervals.size() == 1 && is_everywhere(intervals[0]);
    const bool low_end = intervals.front().low.kind == Kind::range,
               high_end = intervals.back().high.kind == Kind::range;
    if (!no_limit && (low_end || high_end)) {
        note(fmt::format("may go on beyond {} of the axis", low_end && high_end ? "both ends"
                                                            : low_end           ? "the lower end"
                                                                                : "the upper end"));
    }
    text = with_unit((no_limit ? "no limit on " : "") + text, axis.unit);
    for (const std::string& what : notes) {
        text += " (" + what + ")";
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

std::string goodness_text(const Limits& limits) {
    if (!limits.goodness) {
        return "";
    }
    const GoodnessOfFit& fit = *limits.goodness;
    std::string text = fmt::format("\ngoodness  chi2 = {:.2f} for {} bins", limits.chi2_min, fit.bins);
    if (!fit.degrees_of_freedom) {
        return text;
    }
    const int fitted = fit.bins - *fit.degrees_of_freedom;
    text += fmt::format(" and {} fitted parameter{}, {} degree{} of freedom", fitted, fitted == 1 ? "" : "s",
                        *fit.degrees_of_freedom, *fit.degrees_of_freedom == 1 ? "" : "s");
    if (fit.p_value) {
        text += fmt::format(": p-value {:.2g}", *fit.p_value);
        if (fit.bins_with_few_counts > 0) {
            text += fmt::format(" (asymptotic: fewer than 5 counts are expected in {} bin{}, where it is not right)",
                                fit.bins_with_few_counts, fit.bins_with_few_counts == 1 ? "" : "s");
        }
    }
    return text;
}

std::string contour_text(const ContourLines& contours, bool is_exact) {
    if (contours.lines.empty()) {
        return is_exact ? "between the points of the grid, or outside" : "outside the grid";
    }
    const auto n_closed = static_cast<std::size_t>(std::count_if(
        contours.lines.begin(), contours.lines.end(), [](const ContourLine& line) { return line.is_closed; }));
    const std::size_t n_open = contours.lines.size() - n_closed;
    std::string text = n_closed > 0 ? fmt::format("{} closed", n_closed) : "";
    if (n_open > 0) {
        text += fmt::format("{}{} {} the edge of the grid", n_closed > 0 ? ", " : "", n_open,
                            n_open == 1 ? "reaches" : "reach");
    }
    return text + (contours.is_rough ? " (grid too coarse: only roughly there)" : "");
}

} // namespace

std::string limits_text(const Limits& limits, const Result& result, const std::string& why_grid) {
    std::string text = fmt::format("best fit  chi2 = {:.2f}", limits.chi2_min);
    const char* separator = "  at  ";
    for (const auto& [name, value] : limits.best_fit) {
        text +=
            fmt::format("{}{} = {}", separator, name, with_unit(fmt::format("{:.3g}", value), unit_of(result, name)));
        separator = ", ";
    }
    text += of_experiments(result);
    text += goodness_text(limits);
    text += limits.is_exact ? fmt::format("\nminimum   smallest chi2 in the scanned region, found from a grid of {} "
                                          "points; ends of intervals are exact",
                                          result.chi2.size())
                            : fmt::format("\nminimum   smallest chi2 on the scanned grid of {} points{}",
                                          result.chi2.size(), why_grid.empty() ? "" : "; so are ends of intervals");
    if (const std::size_t n = flagged_points(result); n > 0) {
        text += fmt::format("; {} of them flagged (status is not 0)", n);
    }
    if (!why_grid.empty()) {
        text += "\n          " + why_grid;
    }
    for (const std::string& warning : limits.warnings) {
        text += "\nwarning   " + warning;
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
        text += fmt::format("  {:>7.6g}%  Δχ² = {:5.2f}  {}\n", 100 * contour.confidence_level, contour.threshold,
                            contour_text(contour.contours, limits.is_exact));
    }
    return limits.axes.empty() ? text + "\n" : text;
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

std::string interval_json(const Interval& interval) {
    const auto kind = [](const End& end) -> std::string {
        switch (end.kind) {
        case End::Kind::crossing:
            return "\"crossing\"";
        case End::Kind::physical:
            return "\"physical\"";
        case End::Kind::range:
            return "\"range\"";
        case End::Kind::none:
            break;
        }
        return "null";
    };
    const auto between = [](const End& end) {
        return end.is_bracket() ? fmt::format("[{}, {}]", json_number(end.between.low), json_number(end.between.high))
                                : "null";
    };
    return fmt::format("{{\"low\": {}, \"high\": {}, \"low_end\": {}, \"high_end\": {}, \"low_between\": {}, "
                       "\"high_between\": {}}}",
                       json_number(interval.low.at), json_number(interval.high.at), kind(interval.low),
                       kind(interval.high), between(interval.low), between(interval.high));
}

std::string goodness_json(const std::optional<GoodnessOfFit>& fit) {
    return !fit ? "null"
                : fmt::format("{{\"bins\": {}, \"degrees_of_freedom\": {}, \"p_value\": {}, "
                              "\"bins_with_few_counts\": {}}}",
                              fit->bins, fit->degrees_of_freedom ? std::to_string(*fit->degrees_of_freedom) : "null",
                              fit->p_value ? json_number(*fit->p_value) : "null", fit->bins_with_few_counts);
}

std::string null_json(const std::optional<NullPoint>& null) {
    return !null ? "null"
                 : fmt::format("{{\"delta_chi2\": {}, \"degrees_of_freedom\": {}, \"significance\": {}, "
                               "\"excluded\": {}}}",
                               json_number(null->delta_chi2), null->degrees_of_freedom, json_number(null->significance),
                               null->is_excluded);
}

//! Pulls at the minimum: {"toy.flat": {"value": 0.93, "error": 0.1, "status": "fitted", "unit": "1"}, …}
std::string json_pulls(const Result& result) {
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

} // namespace

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
    const auto axis = [&](const AxisLimits& found) {
        return fmt::format("\n    {{\"name\": {}, \"unit\": {}, \"period\": {}, \"best_fit\": {}, "
                           "\"excludes_null\": {},\n     \"intervals\": {},\n"
                           "     \"values\": {},\n     \"delta_chi2_profile\": {}}}",
                           json_text(found.axis.name), json_text(found.axis.unit),
                           found.axis.domain.period > 0 ? json_number(found.axis.domain.period) : "null",
                           json_number(found.best_fit), found.excludes_null, json_array(found.intervals, interval_json),
                           json_array(found.axis.values, json_number), json_array(found.delta_chi2, json_number));
    };
    const auto line = [](const ContourLine& contour) {
        return json_array(contour.points, [](const ContourLine::Point& point) {
            return fmt::format("[{}, {}]", json_number(point.first), json_number(point.second));
        });
    };
    const auto closed = [](const ContourLine& contour) { return contour.is_closed ? "true" : "false"; };
    const auto contour = [&](const Contour& c) {
        return fmt::format(
            "\n    {{\"confidence_level\": {}, \"degrees_of_freedom\": 2, \"delta_chi2\": {}, \"rough\": {}, "
            "\"x\": {}, \"y\": {},\n     \"lines\": {},\n     \"closed\": {}}}",
            json_number(c.confidence_level), json_number(c.threshold), c.contours.is_rough,
            json_text(result.kept[0].name), json_text(result.kept[1].name), json_array(c.contours.lines, line),
            json_array(c.contours.lines, closed));
    };
    return fmt::format(
        "{{\n  \"file\": {},\n  \"title\": {},\n  \"statistic\": {},\n  \"verdict\": {},\n  \"warnings\": {},\n"
        "  \"chi2_min\": {},\n  \"minimum\": \"{}\",\n"
        "  \"points\": {},\n  \"flagged_points\": {},\n  \"goodness_of_fit\": {},\n  \"null\": {},\n"
        "  \"best_fit\": {{{}}},\n  \"pulls\": {},\n"
        "  \"confidence_level\": {},\n  \"degrees_of_freedom\": 1,\n  \"delta_chi2\": {},\n"
        "  \"axes\": {},\n  \"contours\": {}\n}}\n",
        json_text(result.path), text("title"), text("statistic"), text("verdict"),
        json_array(limits.warnings, json_text), json_number(limits.chi2_min), limits.is_exact ? "exact" : "grid",
        result.chi2.size(), flagged_points(result), goodness_json(limits.goodness), null_json(limits.null), best_fit,
        json_pulls(result), json_number(limits.confidence_level), json_number(limits.threshold),
        json_array(limits.axes, axis), json_array(limits.contours, contour));
}

} // namespace nuscan
