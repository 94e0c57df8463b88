// SPDX-License-Identifier: Apache-2.0
#include "output/contours.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "output/crossing.hpp"

namespace nuscan {

namespace {

using Index = std::ptrdiff_t;

//! Of the length of an axis, by which rounding may part two places that are one
constexpr double rounding = 1e-9;

/// One of the two axes: its points, with one more where a region ends beyond its first or last one.
class GridAxis {
public:
    explicit GridAxis(const Variable& axis) : values_(axis.values) {
        const auto n = static_cast<Index>(values_.size());
        const double length = values_.back() - values_.front();
        // Of more than one turn the plain grid is drawn.
        if (is_full_circle(axis) && length < axis.domain.period * (1 + rounding)) {
            period_ = axis.domain.period;
        }
        first_ = !is_circle() && begins_at_its_end(axis) ? -1 : 0;
        last_ = !is_circle() && ends_at_its_end(axis) ? n : n - 1;
    }

    Index first() const { return first_; }
    Index last() const { return last_; }
    bool is_circle() const { return period_ > 0; }
    double period() const { return period_; }

    //! The point of the grid that a point is; nothing for those beyond
    std::optional<std::size_t> on_grid(Index i) const {
        const auto n = static_cast<Index>(values_.size());
        if (is_circle()) { // the last point is the first one
            const Index turn = n - 1;
            return static_cast<std::size_t>(((i % turn) + turn) % turn);
        }
        return i < 0 || i >= n ? std::nullopt : std::optional(static_cast<std::size_t>(i));
    }
    double value(Index i) const {
        const auto n = static_cast<Index>(values_.size());
        if (is_circle()) {
            const auto at = static_cast<Index>(*on_grid(i));
            return values_[static_cast<std::size_t>(at)] +
                   period_ * std::round(static_cast<double>(i - at) / static_cast<double>(n - 1));
        }
        return values_[static_cast<std::size_t>(std::clamp<Index>(i, 0, n - 1))];
    }
    //! Where neighbours for interpolation begin and end
    Index begin() const { return is_circle() ? -static_cast<Index>(values_.size()) : first_; }
    Index end() const { return is_circle() ? 2 * static_cast<Index>(values_.size()) : last_ + 1; }

    //! The value nearest to another one that is the same place
    double near(double value, double other) const {
        return is_circle() ? value + period_ * std::round((other - value) / period_) : value;
    }

private:
    const std::vector<double>& values_;
    double period_ = 0;
    Index first_, last_;
};

class MarchingSquares {
public:
    using Point = ContourLine::Point;

    MarchingSquares(const Variable& x, const Variable& y, const std::vector<double>& d, double threshold)
        : x_(x), y_(y), n_y_(y.values.size()), d_(d), threshold_(threshold) {
        for (Index i = x_.first(); i < x_.last(); ++i) {
            for (Index j = y_.first(); j < y_.last(); ++j) {
                add_cell(i, j);
            }
        }
    }

    //! The segments of all cells, joined at the grid edges they share
    ContourLines lines() {
        ContourLines found;
        // Open lines begin at an edge that only one cell crosses; what is left after them is closed.
        for (const bool open : {true, false}) {
            for (const auto& [edge, neighbours] : links_) {
                if (!visited_.contains(edge) && (!open || neighbours.size() == 1)) {
                    found.lines.push_back(follow(edge, !open));
                }
            }
        }
        found.is_rough = is_rough(found.lines);
        return found;
    }

private:
    //! A grid edge: its lower point and its direction, 0 along x and 1 along y
    struct Edge {
        Index i, j;
        int direction;
        auto operator<=>(const Edge&) const = default; // NOLINT(modernize-use-nullptr): clang-tidy 14 sees one in it
    };

    double at(Index i, Index j) const {
        const std::optional<std::size_t> on_x = x_.on_grid(i), on_y = y_.on_grid(j);
        return on_x && on_y ? d_[*on_x * n_y_ + *on_y] : std::numeric_limits<double>::infinity();
    }

    //! Edges at both ends of a circle are the same
    Edge edge(Index i, Index j, int direction) const {
        return {x_.is_circle() ? static_cast<Index>(*x_.on_grid(i)) : i,
                y_.is_circle() ? static_cast<Index>(*y_.on_grid(j)) : j, direction};
    }

    void add_cell(Index i, Index j) {
        // Corners and edges counter-clockwise: edge e joins corners e and e + 1.
        const std::array<double, 4> corner = {at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)};
        const std::array<Edge, 4> edges = {edge(i, j, 0), edge(i + 1, j, 1), edge(i, j + 1, 0), edge(i, j, 1)};
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
            const Edge& a = edges[static_cast<std::size_t>(crossed[s])];
            const Edge& b = edges[static_cast<std::size_t>(crossed[s + 1])];
            links_[a].push_back(b);
            links_[b].push_back(a);
        }
    }

    ContourLine follow(Edge edge, bool closed) {
        ContourLine line{{}, closed};
        const auto add = [&](Point point) {
            if (!line.points.empty()) {
                const Point& before = line.points.back();
                point = {x_.near(point.first, before.first), y_.near(point.second, before.second)};
            }
            line.points.push_back(point);
        };
        for (std::optional<Edge> next = edge; next;) {
            edge = *next;
            visited_.insert(edge);
            add(point(edge));
            next.reset();
            for (const Edge& neighbour : links_.at(edge)) {
                if (!next && !visited_.contains(neighbour)) {
                    next = neighbour;
                }
            }
        }
        if (closed) {
            add(line.points.front());
        }
        return line;
    }

    Crossing crossing_at(const Edge& edge) const {
        if (edge.direction == 0) {
            return crossing([&](Index k) { return x_.value(k); }, [&](Index k) { return at(k, edge.j); }, x_.begin(),
                            x_.end(), edge.i, threshold_);
        }
        return crossing([&](Index k) { return y_.value(k); }, [&](Index k) { return at(edge.i, k); }, y_.begin(),
                        y_.end(), edge.j, threshold_);
    }

    Point point(const Edge& edge) const {
        const double at = crossing_at(edge).at;
        return edge.direction == 0 ? Point{at, y_.value(edge.j)} : Point{x_.value(edge.i), at};
    }

    //! Whether interpolation between two points and between four differ by a visible part of what the lines enclose
    bool is_rough(const std::vector<ContourLine>& lines) const {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        Span x{infinity, -infinity}, y{infinity, -infinity};
        for (const ContourLine& line : lines) {
            for (const Point& point : line.points) {
                x = {std::min(x.low, point.first), std::max(x.high, point.first)};
                y = {std::min(y.low, point.second), std::max(y.high, point.second)};
            }
        }
        return std::any_of(links_.begin(), links_.end(), [&](const auto& link) {
            const Edge& edge = link.first;
            const bool along_x = edge.direction == 0;
            const double low = at(edge.i, edge.j), high = along_x ? at(edge.i + 1, edge.j) : at(edge.i, edge.j + 1);
            if (std::isinf(low) || std::isinf(high)) {
                return false; // ends there by nature, or somewhere in the step
            }
            return crossing_at(edge).uncertainty > rough_share * (along_x ? x.high - x.low : y.high - y.low);
        });
    }

    GridAxis x_, y_;
    std::size_t n_y_;
    const std::vector<double>& d_;
    double threshold_;
    std::map<Edge, std::vector<Edge>> links_;
    std::set<Edge> visited_;
};

//! Whether two places on an axis are one but for rounding
bool is_same(double a, double b, const Variable& axis) {
    return std::abs(a - b) <= rounding * (axis.values.back() - axis.values.front());
}

} // namespace

bool is_full_circle(const Variable& axis) {
    const double length = axis.values.back() - axis.values.front();
    return axis.domain.period > 0 && length > axis.domain.period * (1 - rounding);
}

bool begins_at_its_end(const Variable& axis) { return is_same(axis.values.front(), axis.domain.low, axis); }

bool ends_at_its_end(const Variable& axis) { return is_same(axis.values.back(), axis.domain.high, axis); }

ContourLines find_contours(const Variable& x, const Variable& y, const std::vector<double>& delta_chi2,
                           double threshold) {
    return MarchingSquares(x, y, delta_chi2, threshold).lines();
}

} // namespace nuscan
