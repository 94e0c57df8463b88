// SPDX-License-Identifier: Apache-2.0
#include "scan/polish.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "config/first_exception.hpp"
#include "scan/chi2_surface.hpp"

namespace nuscan {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// What is minimised over: what the table of an axis has, in units of \p scale.
struct Unknown {
    int axis;
    double low, high;
    double scale;
    Prior prior;
    double period; //!< of an argument or a phase [rad]; 0 of others

    //! Whether the axis goes all the way round
    bool is_cyclic() const { return period > 0 && high - low > period * (1 - 1e-12); }
    double wrapped(double z) const { return period > 0 ? z - period * std::floor((z - low) / period) : z; }
};

//! That of U, in which Majorana phases are halved
double period_of(Parameter::MixingName name) {
    switch (name) {
    case Parameter::MixingName::delta:
        return 2 * constants::pi;
    case Parameter::MixingName::alpha21:
    case Parameter::MixingName::alpha31:
        return 4 * constants::pi;
    default:
        return 0;
    }
}
double period_of(const Parameter& parameter) {
    switch (parameter.kind) {
    case Parameter::Kind::element:
    case Parameter::Kind::majorana_moment:
        return parameter.part == Parameter::Part::arg ? 2 * constants::pi : 0;
    case Parameter::Kind::mixing:
        return period_of(parameter.mixing);
    default:
        return 0;
    }
}

/// A coordinate of the χ² surface: an unknown, or the real or imaginary part of an element whose argument is one.
struct Coordinate {
    enum class Part { whole, real, imaginary };
    int axis;         //!< of the surface
    int modulus;      //!< unknown; −1 where it is fixed
    Scalar fixed;     //!< the modulus then
    int argument = 0; //!< unknown, of parts
    Part part = Part::whole;
    bool fast = true; //!< predictions are quadratic in it
};

/// Axes of a plan as unknowns, and its terms as a surface needs them.
struct Model {
    std::vector<Unknown> unknowns;
    std::vector<Coordinate> coordinates;                               //!< a real part comes before its imaginary part
    std::vector<std::pair<std::size_t, Parameter::MixingName>> angles; //!< unknowns that are mixing angles and phases
    std::vector<Term> terms;
    std::size_t n_axes; //!< of the plan, and one for each part of an element

    Model(const Plan& plan, const std::vector<int>& axes) : n_axes(plan.config().axes.size()) {
        const ParameterView& parameters = plan.parameters();
        for (const int a : axes) {
            const Parameter& parameter = plan.config().axes[static_cast<std::size_t>(a)].parameter;
            const AxisView& axis = parameters.axes[a];
            const double low = axis.value[0], high = axis.value[axis.size - 1], period = period_of(parameter);
            const bool is_angle = period > 0 || parameter.kind == Parameter::Kind::mixing;
            const double largest = std::max(std::abs(low), std::abs(high));
            const double scale = is_angle || largest == 0 ? 1 : largest;
            unknowns.push_back({a, low / scale, high / scale, scale, prior_of(parameter, plan.config()), period});
        }
        for (int i = 0; i < parameters.n_terms; ++i) {
            add_term(parameters.terms[i]);
        }
        for (std::size_t i = 0; i < unknowns.size(); ++i) {
            const Parameter& parameter = plan.config().axes[static_cast<std::size_t>(unknowns[i].axis)].parameter;
            if (parameter.kind == Parameter::Kind::mixing) {
                angles.emplace_back(i, parameter.mixing);
            }
            if (parameter.kind == Parameter::Kind::mixing || parameter.kind == Parameter::Kind::normalisation ||
                parameter.kind == Parameter::Kind::systematic) { // others have terms
                coordinates.push_back(
                    {unknowns[i].axis, static_cast<int>(i), {}, 0, Coordinate::Part::whole, is_fast(parameter)});
            }
        }
    }

    //! All that the axes have
    Box whole_box() const {
        std::vector<Span> spans;
        for (const Unknown& v : unknowns) {
            spans.push_back({v.low, v.high});
        }
        return box(spans);
    }

    //! Unknowns between given ends. On the whole circle a modulus may go through zero, where polar coordinates would
    //! end.
    Box box(const std::vector<Span>& spans) const {
        const auto n = static_cast<Index>(unknowns.size());
        Box box{VectorXd(n), VectorXd(n)};
        for (Index i = 0; i < n; ++i) {
            const Unknown& v = unknowns[static_cast<std::size_t>(i)];
            const Span& span = spans[static_cast<std::size_t>(i)];
            const bool is_free = v.is_cyclic() && span.low == v.low && span.high == v.high;
            box.low[i] = is_free ? -constants::infinity : span.low;
            box.high[i] = is_free ? constants::infinity : span.high;
        }
        for (const Coordinate& c : coordinates) {
            if (c.part == Coordinate::Part::real && c.modulus >= 0 && box.low[c.modulus] == 0 &&
                std::isinf(box.low[c.argument])) {
                box.low[c.modulus] = -box.high[c.modulus];
            }
        }
        return box;
    }

    //! The same point with moduli not negative and arguments in their range
    VectorXd canonical(VectorXd z) const {
        for (const Coordinate& c : coordinates) {
            if (c.part == Coordinate::Part::real && c.modulus >= 0 && z[c.modulus] < 0) {
                z[c.modulus] = -z[c.modulus];
                z[c.argument] += constants::pi;
            }
        }
        for (std::size_t i = 0; i < unknowns.size(); ++i) {
            double& value = z[static_cast<Index>(i)];
            value = value < unknowns[i].low || value > unknowns[i].high ? unknowns[i].wrapped(value) : value;
        }
        return z;
    }

private:
    int unknown_of(int axis) const {
        for (std::size_t i = 0; i < unknowns.size(); ++i) {
            if (axis >= 0 && unknowns[i].axis == axis) {
                return static_cast<int>(i);
            }
        }
        return -1;
    }

    void add_term(const Term& term) {
        const int value = unknown_of(term.value.axis), argument = unknown_of(term.argument.axis);
        if (argument < 0) {
            terms.push_back(term);
            if (value >= 0) {
                coordinates.push_back({term.value.axis, value, {}});
            }
            return;
        }
        for (const bool real : {true, false}) { // r e^{iα} = r cos α + i r sin α
            const auto axis = static_cast<int>(n_axes++);
            Term part = term;
            part.part = real ? Part::real : Part::imaginary;
            part.value = {0, axis};
            part.argument = {};
            terms.push_back(part);
            coordinates.push_back(
                {axis, value, term.value, argument, real ? Coordinate::Part::real : Coordinate::Part::imaginary});
        }
    }
};

/// χ² as a function of the unknowns, where the other axes stand at a point of the grid.
class Objective {
public:
    //! \param indices of a point of the grid; those of the unknowns do not matter
    Objective(const Model& model, const PlanView& plan, const std::vector<std::int64_t>& indices)
        : model_(model), values_(model.n_axes), axes_(model.n_axes), ranges_(model.n_axes, AxisRange{0, 1, 1, 0, 0}),
          surface_(make_surface(plan, indices)) {}

    Derivatives operator()(const VectorXd& z, double softness = 0) const {
        const VectorXd y = coordinates(z);
        const Derivatives f = surface_(y, softness);
        MatrixXd slopes = MatrixXd::Zero(y.size(), z.size());
        MatrixXd hessian = MatrixXd::Zero(z.size(), z.size());
        for (Index i = 0; i < y.size(); ++i) {
            const Coordinate& c = model_.coordinates[static_cast<std::size_t>(i)];
            const double scale = c.modulus >= 0 ? unknown(c.modulus).scale : 0;
            if (c.part == Coordinate::Part::whole) {
                slopes(i, c.modulus) = scale;
                continue;
            }
            const double factor = part_of(c, z), turned = slope_of_part(c, z), r = modulus(c, z);
            slopes(i, c.argument) = r * turned;
            hessian(c.argument, c.argument) -= f.gradient[i] * r * factor;
            if (c.modulus >= 0) {
                slopes(i, c.modulus) = scale * factor;
                hessian(c.argument, c.modulus) += f.gradient[i] * scale * turned;
                hessian(c.modulus, c.argument) += f.gradient[i] * scale * turned;
            }
        }
        hessian += slopes.transpose() * f.hessian * slopes;
        Derivatives out{f.value + penalty_, f.converged, slopes.transpose() * f.gradient, std::move(hessian)};
        for (Index i = 0; i < z.size(); ++i) {
            const Unknown& v = unknown(static_cast<int>(i));
            const double t = z[i] * v.scale;
            out.value += v.prior(t);
            out.gradient[i] += 2 * v.prior.weight * (t - v.prior.centre) * v.scale;
            out.hessian(i, i) += 2 * v.prior.weight * v.scale * v.scale;
        }
        return out;
    }

    //! Whether shapes may take a prediction to zero
    bool has_kinks() const { return surface_.has_kinks(); }

    /// Points from which another minimum may be found: with the sign of a fast coordinate turned, or of the amplitude
    /// that it moves, or of all fast coordinates, or with a mixing angle in the other octant, or a phase conjugated or
    /// with the opposite sign of what it belongs to; as far as they may go.
    std::vector<VectorXd> mirrored(const VectorXd& z, const Box& box) const {
        const VectorXd y = coordinates(z);
        const VectorXd steps = surface_.other_roots(y);
        std::vector<VectorXd> points;
        const auto add = [&](const VectorXd& at) {
            points.push_back(unknowns(z, at).cwiseMax(box.low).cwiseMin(box.high));
        };
        VectorXd turned = y;
        for (Index i = 0; i < y.size(); ++i) {
            if (!model_.coordinates[static_cast<std::size_t>(i)].fast) {
                continue;
            }
            turned[i] = -y[i];
            for (const double step : {steps[i], -2 * y[i]}) {
                if (step != 0) {
                    VectorXd at = y;
                    at[i] += step;
                    add(at);
                }
            }
        }
        if (turned != y) {
            add(turned);
        }
        for (const auto& [i, name] : model_.angles) {
            const auto unknown = static_cast<Index>(i);
            for (const double angle : other_angles(name, z[unknown])) {
                VectorXd at = z;
                at[unknown] = angle;
                points.push_back(model_.canonical(at).cwiseMax(box.low).cwiseMin(box.high));
            }
        }
        return points;
    }

private:
    const Unknown& unknown(int i) const { return model_.unknowns[static_cast<std::size_t>(i)]; }

    Chi2Surface make_surface(const PlanView& plan, const std::vector<std::int64_t>& indices) {
        const AxisView* grid = plan.parameters.axes;
        for (std::size_t a = 0; a < indices.size(); ++a) {
            values_[a] = grid[a].value[indices[a]];
            penalty_ += grid[a].penalty[indices[a]];
        }
        for (const Unknown& v : model_.unknowns) {
            const auto a = static_cast<std::size_t>(v.axis);
            values_[a] = 0;
            penalty_ -= grid[a].penalty[indices[a]];
        }
        for (std::size_t a = 0; a < axes_.size(); ++a) {
            axes_[a] = {&values_[a], nullptr, nullptr, nullptr, 1, AxisShape::linear};
        }
        PlanView at = plan;
        at.parameters.axes = axes_.data();
        at.parameters.n_axes = static_cast<int>(axes_.size());
        at.parameters.terms = model_.terms.data();
        at.parameters.n_terms = static_cast<int>(model_.terms.size());
        std::vector<int> axes;
        for (const Coordinate& c : model_.coordinates) {
            axes.push_back(c.axis);
        }
        return {at, {ranges_.data(), static_cast<int>(ranges_.size()), 1, 1, 1, 1, false}, axes};
    }

    static std::vector<double> other_angles(Parameter::MixingName name, double angle) {
        const double period = period_of(name);
        return period > 0 ? std::vector{-angle, angle + period / 2} : std::vector{constants::pi / 2 - angle};
    }

    double modulus(const Coordinate& c, const VectorXd& z) const {
        if (c.modulus >= 0) {
            return z[c.modulus] * unknown(c.modulus).scale;
        }
        return c.fixed.axis >= 0 ? values_[static_cast<std::size_t>(c.fixed.axis)] : c.fixed.fixed;
    }
    static double part_of(const Coordinate& c, const VectorXd& z) {
        const double a = z[c.argument];
        return c.part == Coordinate::Part::real ? std::cos(a) : std::sin(a);
    }
    static double slope_of_part(const Coordinate& c, const VectorXd& z) {
        const double a = z[c.argument];
        return c.part == Coordinate::Part::real ? -std::sin(a) : std::cos(a);
    }

    VectorXd coordinates(const VectorXd& z) const {
        VectorXd y(static_cast<Index>(model_.coordinates.size()));
        for (Index i = 0; i < y.size(); ++i) {
            const Coordinate& c = model_.coordinates[static_cast<std::size_t>(i)];
            y[i] = modulus(c, z) * (c.part == Coordinate::Part::whole ? 1 : part_of(c, z));
        }
        return y;
    }

    //! The unknowns that have these coordinates, or the same argument where the modulus is fixed
    VectorXd unknowns(VectorXd z, const VectorXd& y) const {
        for (Index i = 0; i < y.size(); ++i) {
            const Coordinate& c = model_.coordinates[static_cast<std::size_t>(i)];
            if (c.part == Coordinate::Part::whole) {
                z[c.modulus] = y[i] / unknown(c.modulus).scale;
            } else if (c.part == Coordinate::Part::real) {
                z[c.argument] = std::atan2(y[i + 1], y[i]);
                if (c.modulus >= 0) {
                    z[c.modulus] = std::hypot(y[i], y[i + 1]) / unknown(c.modulus).scale;
                }
            }
        }
        return model_.canonical(z);
    }

    const Model& model_;
    std::vector<double> values_; //!< at which axes stand
    std::vector<AxisView> axes_;
    std::vector<AxisRange> ranges_;
    double penalty_ = 0; //!< of axes that stay
    Chi2Surface surface_;
};

/// The minimum in a kink of χ², where an unknown itself is the pull that takes a prediction to zero: a path on which
/// counts are softened less and less leads there, and no step of Newton's method. From a minimum that was not found.
BoxMinimum into_kink(const Objective& f, const Box& box, const BoxMinimum& near) {
    if (near.converged || !f.has_kinks() || !std::isfinite(near.f.value)) {
        return near;
    }
    constexpr double least = 1e-10; // from which nothing is extrapolated
    BoxMinimum soft = near;
    for (double softness = 1; softness > 0.5 * least; softness /= 10) {
        soft = minimise_in_box([&](const VectorXd& z) { return f(z, softness); }, box, soft.at);
    }
    soft.f = f(soft.at);
    return soft.f.value <= near.f.value + 1e-9 + 1e-12 * near.f.value ? soft : near;
}

/// The lowest minimum that is found from \p start, from its mirror images and from those of the minima they lead to.
BoxMinimum lowest_minimum(const Objective& f, const Model& model, const Box& box, const VectorXd& start) {
    constexpr std::size_t most = 16; // of those, equal ones counted once
    std::vector<BoxMinimum> minima = {minimise_in_box(f, box, start)};
    std::size_t lowest = 0;
    for (std::size_t i = 0; i < std::min(minima.size(), most); ++i) {
        for (const VectorXd& other_start : f.mirrored(minima[i].at, box)) {
            BoxMinimum other = minimise_in_box(f, box, other_start);
            const double value = other.f.value, tolerance = 1e-10 * (1 + value);
            const bool is_known = std::any_of(minima.begin(), minima.end(), [&](const BoxMinimum& known) {
                return std::abs(known.f.value - value) <= tolerance;
            });
            if (!is_known && std::isfinite(value)) {
                minima.push_back(std::move(other));
                lowest = value < minima[lowest].f.value ? minima.size() - 1 : lowest;
            }
        }
    }
    BoxMinimum best = into_kink(f, box, minima[lowest]);
    best.at = model.canonical(best.at);
    best.f = f(best.at);
    return best;
}

} // namespace

void polish(const Plan& plan, const WorkUnit& unit, const std::vector<std::int64_t>& profile_index, ResultTile& tile) {
    if (plan.polished_axes().empty()) {
        return;
    }
    const Model model(plan, plan.polished_axes());
    const Box box = model.whole_box();
    const std::vector<Axis>& axes = plan.config().axes;
    const auto indices_of = [&](std::size_t kept) {
        std::vector<std::int64_t> indices(axes.size());
        for (const int a : plan.kept_axes()) {
            const AxisRange& range = unit.ranges[static_cast<std::size_t>(a)];
            indices[static_cast<std::size_t>(a)] =
                range.begin + static_cast<std::int64_t>(kept) / range.kept_stride % range.count;
        }
        const std::vector<std::int64_t> profiled = plan.profiled_indices(profile_index[kept]);
        for (std::size_t i = 0; i < profiled.size(); ++i) {
            indices[static_cast<std::size_t>(plan.profiled_axes()[i])] = profiled[i];
        }
        return indices;
    };
    const auto polish_point = [&](const PlanView& view, std::size_t kept) {
        const std::vector<std::int64_t> indices = indices_of(kept);
        const Objective f(model, view, indices);
        VectorXd start(static_cast<Index>(model.unknowns.size()));
        for (Index i = 0; i < start.size(); ++i) {
            const Unknown& v = model.unknowns[static_cast<std::size_t>(i)];
            const auto a = static_cast<std::size_t>(v.axis);
            start[i] = view.parameters.axes[a].value[indices[a]] / v.scale;
        }
        const BoxMinimum minimum = lowest_minimum(f, model, box, start);
        if (!(minimum.f.value <= tile.chi2[kept])) {
            return;
        }
        tile.chi2[kept] = minimum.f.value;
        tile.status[kept] =
            static_cast<std::uint8_t>(with_status(minimum.f.value, minimum.f.converged && minimum.converged).status);
        for (std::size_t p = 0, i = 0; p < plan.profiled_axes().size() && i < model.unknowns.size(); ++p) {
            const Unknown& v = model.unknowns[i];
            if (plan.profiled_axes()[p] == v.axis) {
                const std::vector<double>& values = axes[static_cast<std::size_t>(v.axis)].values;
                const double t = minimum.at[static_cast<Index>(i++)] * v.scale;
                const double value =
                    value_of_tabulated(axes[static_cast<std::size_t>(v.axis)].parameter, t, plan.config());
                tile.profiled[p][kept] = std::clamp(value, values.front(), values.back());
            }
        }
    };

    // Winners may have different values of slow axes: points that share moments go together.
    std::map<std::vector<std::int64_t>, std::vector<std::size_t>> groups;
    for (std::size_t kept = 0; kept < tile.chi2.size(); ++kept) {
        if (!std::isfinite(tile.chi2[kept])) {
            continue;
        }
        const std::vector<std::int64_t> indices = indices_of(kept);
        std::vector<std::int64_t> slow(axes.size());
        for (const int a : plan.slow_axes()) {
            slow[static_cast<std::size_t>(a)] = indices[static_cast<std::size_t>(a)];
        }
        groups[slow].push_back(kept);
    }
    for (const auto& group : groups) { // no structured binding: clang keeps those out of parallel regions
        const std::vector<std::size_t>& points = group.second;
        const std::shared_ptr<const Tables> tables = plan.tables(plan.point_unit(group.first));
        FirstException failure;
#pragma omp parallel for schedule(dynamic, 8)
        for (std::size_t i = 0; i < points.size(); ++i) {
            failure.guard([&] { polish_point(tables->view(), points[i]); });
        }
        failure.rethrow();
    }
}

/// Unknowns are all axes but slow ones.
struct AxesFit::Impl {
    static std::vector<int> unknown_axes(const Plan& plan) {
        std::vector<int> axes;
        for (int a = 0; a < static_cast<int>(plan.config().axes.size()); ++a) {
            if (std::count(plan.slow_axes().begin(), plan.slow_axes().end(), a) == 0) {
                axes.push_back(a);
            }
        }
        return axes;
    }

    Impl(const Plan& p, const std::vector<std::int64_t>& indices)
        : plan(p), model(p, unknown_axes(p)), tables(p.tables(p.point_unit(indices))),
          objective(model, tables->view(), indices) {
        for (std::size_t a = 0; a < indices.size(); ++a) {
            at_indices.push_back(p.config().axes[a].values[static_cast<std::size_t>(indices[a])]);
        }
    }

    const Axis& axis(const Unknown& v) const { return plan.config().axes[static_cast<std::size_t>(v.axis)]; }
    double scaled(const Unknown& v, double value) const {
        return tabulated(axis(v).parameter, value, plan.config()) / v.scale;
    }

    const Plan& plan;
    Model model;
    std::shared_ptr<const Tables> tables;
    Objective objective;
    std::vector<double> at_indices; // values of all axes there
};

AxesFit::AxesFit(const Plan& plan, const std::vector<std::int64_t>& indices)
    : impl_(std::make_unique<Impl>(plan, indices)) {}
AxesFit::~AxesFit() = default;

AxesMinimum AxesFit::minimum(const std::vector<Span>& spans, const std::vector<double>& start) const {
    const Model& model = impl_->model;
    std::vector<Span> scaled;
    VectorXd z(static_cast<Index>(model.unknowns.size()));
    for (Index i = 0; i < z.size(); ++i) {
        const Unknown& v = model.unknowns[static_cast<std::size_t>(i)];
        const auto a = static_cast<std::size_t>(v.axis);
        const std::vector<double>& values = impl_->axis(v).values;
        // The ends of the axis themselves come as the table has them.
        scaled.push_back({spans[a].low == values.front() ? v.low : impl_->scaled(v, spans[a].low),
                          spans[a].high == values.back() ? v.high : impl_->scaled(v, spans[a].high)});
        z[i] = std::clamp(impl_->scaled(v, start[a]), scaled.back().low, scaled.back().high);
    }
    const BoxMinimum found = lowest_minimum(impl_->objective, model, model.box(scaled), z);
    AxesMinimum minimum{found.f.value, found.converged && found.f.converged, impl_->at_indices,
                        std::vector<double>(start.size())};
    for (Index i = 0; i < z.size(); ++i) {
        const Unknown& v = model.unknowns[static_cast<std::size_t>(i)];
        const auto a = static_cast<std::size_t>(v.axis);
        const double value = value_of_tabulated(impl_->axis(v).parameter, found.at[i] * v.scale, impl_->plan.config());
        minimum.values[a] = std::clamp(value, spans[a].low, spans[a].high); // but for rounding it is there
        minimum.slopes[a] = std::isfinite(found.f.value) ? found.f.gradient[i] * (v.high - v.low) : 0;
    }
    return minimum;
}

} // namespace nuscan
