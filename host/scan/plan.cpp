// SPDX-License-Identifier: Apache-2.0
#include "scan/plan.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "config/sha256.hpp"

namespace nuscan {

namespace {

//! Kept points of a tile, at most: chunks of 2 MiB
constexpr std::int64_t tile_points = 1 << 18;

//! Changes whenever the same plan would give other numbers or other units than before
constexpr int plan_format = 1;

struct Effect {
    Coupling coupling;
    Complex weight;
};

//! What a form factor adds to the couplings (KS17 Eqs. 20, 21, 27; see ElectronCouplings)
Effect effect_of(FormFactor form_factor) {
    switch (form_factor) {
    case FormFactor::charge:
        return {Coupling::V1, -constants::charge_coupling};
    case FormFactor::charge_radius:
        return {Coupling::V0, constants::radius_coupling};
    case FormFactor::anapole:
        return {Coupling::V0, -6 * constants::radius_coupling};
    case FormFactor::magnetic_moment:
        return {Coupling::M, 1};
    case FormFactor::electric_moment:
        return {Coupling::M, Complex(0, -1)};
    }
    return {};
}

Pattern pattern_of(Parameter::Part part) {
    switch (part) {
    case Parameter::Part::universal:
        return Pattern::universal;
    case Parameter::Part::diagonal:
    case Parameter::Part::re:
        return Pattern::real;
    case Parameter::Part::im:
        return Pattern::imaginary;
    case Parameter::Part::abs:
    case Parameter::Part::arg:
        return Pattern::polar;
    }
    return Pattern::real;
}

bool same_element(const Parameter& a, const Parameter& b) {
    return a.kind == Parameter::Kind::element && b.kind == Parameter::Kind::element && a.form_factor == b.form_factor &&
           a.row == b.row && a.column == b.column;
}

//! Fast axes can span a plane: predictions are quadratic in their u and v
bool is_fast(const Parameter& parameter) { return parameter.kind != Parameter::Kind::mixing; }

//! Standard-model signal of an experiment, from its moments: no form factors, default parameters
std::vector<double> standard_signal(const std::vector<FeatureGroup>& groups, const std::vector<double>& moments,
                                    std::size_t n_bins, const Mixing& mixing) {
    PlaneCouplings couplings{};
    couplings.U = mixing_matrix(mixing);
    couplings.base = electron_couplings(FormFactors{}, couplings.U, constants::sin2_theta_w);
    std::vector<double> signal(n_bins);
    std::size_t feature = 0;
    for (const FeatureGroup& group : groups) {
        const auto components = static_cast<std::size_t>(n_components(group.propagation));
        for (int m = 0; m < n_feature_matrices; ++m) {
            std::vector<double> c(components * n_plane_coefficients);
            feature_coefficients(couplings, group, m, AxisShape::linear, AxisShape::linear, c.data());
            for (std::size_t i = 0; i < components; ++i, ++feature) {
                for (std::size_t b = 0; b < n_bins; ++b) {
                    signal[b] += moments[feature * n_bins + b] * c[i * n_plane_coefficients];
                }
            }
        }
    }
    return signal;
}

/// Feeds numbers to the plan's hash, bit for bit.
class HashInput {
public:
    void add(const std::string& text) {
        add(static_cast<double>(text.size()));
        bytes_ += text;
    }
    void add(double value) {
        const auto bits = std::bit_cast<std::uint64_t>(value);
        for (int shift = 0; shift < 64; shift += 8) {
            bytes_ += static_cast<char>(bits >> shift & 0xff);
        }
    }
    void add(const std::vector<double>& values) {
        add(static_cast<double>(values.size()));
        for (const double value : values) {
            add(value);
        }
    }
    std::string digest() const { return sha256_hex(bytes_); }

private:
    std::string bytes_;
};

std::string hash_of(const ScanConfig& config, Method method, std::int64_t unit_points) {
    HashInput hash;
    hash.add(plan_format);
    hash.add(static_cast<double>(method));
    hash.add(static_cast<double>(unit_points));
    const NeutrinoConfig& neutrino = config.neutrino;
    const Mixing& m = neutrino.mixing;
    hash.add(static_cast<double>(neutrino.basis));
    for (const double value : {m.theta12, m.theta13, m.theta23, m.delta, m.alpha21, m.alpha31, m.dm21, m.dm31}) {
        hash.add(value);
    }
    hash.add(neutrino.sin2_theta_w);
    hash.add(neutrino.inverted_ordering);
    for (const FixedParameter& fixed : config.fixed) {
        hash.add(fixed.parameter.name);
        hash.add(fixed.value);
    }
    for (const Axis& axis : config.axes) {
        hash.add(axis.parameter.name);
        hash.add(axis.profile);
        hash.add(axis.values);
    }
    for (const Experiment& experiment : config.experiments) {
        hash.add(experiment.name);
        hash.add(experiment.digest);
        for (const Background& background : experiment.backgrounds) {
            hash.add(background.sigma);
        }
    }
    return hash.digest();
}

//! Shrinks \p shape, outermost dimension first, until its volume is at most \p limit; parts come out even
void cut(std::vector<std::int64_t>& shape, std::int64_t limit) {
    limit = std::max<std::int64_t>(limit, 1);
    std::int64_t inner = 1;
    for (const std::int64_t n : shape) {
        inner *= n;
    }
    for (std::int64_t& n : shape) {
        inner /= n;
        const std::int64_t most = std::clamp<std::int64_t>(limit / inner, 1, n);
        const std::int64_t parts = (n + most - 1) / most;
        n = (n + parts - 1) / parts;
        if (most > 1) {
            break; // this dimension took what was left of the limit; the inner ones stay whole
        }
    }
}

std::int64_t volume(const std::vector<std::int64_t>& shape) {
    std::int64_t product = 1;
    for (const std::int64_t n : shape) {
        product *= n;
    }
    return product;
}

} // namespace

UnitView WorkUnit::view() const {
    UnitView v{ranges.data(), static_cast<int>(ranges.size()), 1, 1, 1, 1, false};
    for (int axis = 0; axis < v.n_axes; ++axis) {
        const AxisRange& range = ranges[static_cast<std::size_t>(axis)];
        if (axis == layout.line_axis) {
            v.row_length = range.count;
        } else if (axis == layout.row_axis) {
            v.n_rows = range.count;
        } else {
            v.n_planes *= range.count;
        }
        if (range.kept_stride > 0) {
            v.n_kept *= range.count;
        } else {
            v.profiled = true;
        }
    }
    return v;
}

std::uint64_t WorkUnit::n_points() const {
    const UnitView v = view();
    return static_cast<std::uint64_t>(v.n_planes * v.n_rows * v.row_length);
}

Plan::Plan(ScanConfig config, Method method, std::int64_t unit_points)
    : config_(std::move(config)), method_(method), unit_points_(unit_points) {
    make_axes();
    make_terms();
    make_experiments();
    choose_layout();
    choose_units();
    hash_ = hash_of(config_, method_, unit_points_);
}

Scalar Plan::scalar(Parameter::Kind kind, const std::string& name, double otherwise) const {
    for (std::size_t i = 0; i < config_.axes.size(); ++i) {
        if (config_.axes[i].parameter.kind == kind && config_.axes[i].parameter.name == name) {
            return {0, static_cast<int>(i)};
        }
    }
    for (const FixedParameter& fixed : config_.fixed) {
        if (fixed.parameter.kind == kind && fixed.parameter.name == name) {
            return {fixed.value, -1};
        }
    }
    return {otherwise, -1};
}

void Plan::make_axes() {
    for (const Axis& axis : config_.axes) {
        if (axis.parameter.kind == Parameter::Kind::mixing && (axis.parameter.mixing == Parameter::MixingName::dm21 ||
                                                               axis.parameter.mixing == Parameter::MixingName::dm31)) {
            throw std::invalid_argument("axis " + axis.parameter.name + ": moments are made for one mass splitting");
        }
        const bool circular =
            axis.parameter.kind == Parameter::Kind::element && axis.parameter.part == Parameter::Part::arg;
        // Form factors are zero at the physical reference, the standard model; sin²θ_W is not.
        const double reference =
            axis.parameter.kind == Parameter::Kind::sin2_theta_w ? config_.neutrino.sin2_theta_w : 0;
        double prior = 0;
        for (const Experiment& experiment : config_.experiments) {
            for (const Background& background : experiment.backgrounds) {
                if (axis.parameter.kind == Parameter::Kind::normalisation &&
                    axis.parameter.experiment == experiment.name && axis.parameter.background == background.name &&
                    background.sigma > 0) {
                    prior = 1 / (background.sigma * background.sigma);
                }
            }
        }
        AxisTable table;
        for (const double value : axis.values) {
            const double t = value - reference;
            table.value.push_back(t);
            table.u.push_back(circular ? std::cos(t) : t);
            table.v.push_back(circular ? std::sin(t) : t * t);
            table.penalty.push_back(prior * (value - 1) * (value - 1));
        }
        axis_tables_.push_back(std::move(table));
        axis_views_.push_back({nullptr, nullptr, nullptr, nullptr, static_cast<std::int64_t>(axis.values.size()),
                               circular ? AxisShape::circular : AxisShape::linear});
    }
    for (std::size_t i = 0; i < axis_tables_.size(); ++i) {
        AxisView& view = axis_views_[i];
        const AxisTable& table = axis_tables_[i];
        view.value = table.value.data();
        view.u = table.u.data();
        view.v = table.v.data();
        view.penalty = table.penalty.data();
    }
}

void Plan::make_terms() {
    const auto add = [this](const Parameter& parameter, Scalar value, Scalar argument) {
        const Effect effect = effect_of(parameter.form_factor);
        terms_.push_back({effect.coupling, effect.weight, pattern_of(parameter.part), parameter.row, parameter.column,
                          value, argument});
    };
    // An argument has no term of its own: it belongs to the modulus of its element.
    const auto argument_of = [this](const Parameter& modulus) {
        const auto matches = [&](const Parameter& p) {
            return p.part == Parameter::Part::arg && same_element(p, modulus);
        };
        for (std::size_t i = 0; i < config_.axes.size(); ++i) {
            if (matches(config_.axes[i].parameter)) {
                return Scalar{0, static_cast<int>(i)};
            }
        }
        for (const FixedParameter& fixed : config_.fixed) {
            if (matches(fixed.parameter)) {
                return Scalar{fixed.value, -1};
            }
        }
        return Scalar{};
    };
    const auto add_element = [&](const Parameter& parameter, Scalar value) {
        if (parameter.kind == Parameter::Kind::element && parameter.part != Parameter::Part::arg) {
            add(parameter, value, parameter.part == Parameter::Part::abs ? argument_of(parameter) : Scalar{});
        }
    };
    for (const FixedParameter& fixed : config_.fixed) {
        add_element(fixed.parameter, {fixed.value, -1});
    }
    for (std::size_t i = 0; i < config_.axes.size(); ++i) {
        const Parameter& parameter = config_.axes[i].parameter;
        const Scalar value{0, static_cast<int>(i)};
        add_element(parameter, value);
        if (parameter.kind == Parameter::Kind::sin2_theta_w) { // g_V = 2 sin²θ_W − 1/2, from its reference
            terms_.push_back({Coupling::V0, 2, Pattern::universal, 0, 0, value, {}});
        }
    }

    const Mixing& m = config_.neutrino.mixing;
    constexpr auto mixing = Parameter::Kind::mixing;
    view_.parameters = {axis_views_.data(),
                        static_cast<int>(axis_views_.size()),
                        {scalar(mixing, "theta12", m.theta12), scalar(mixing, "theta13", m.theta13),
                         scalar(mixing, "theta23", m.theta23), scalar(mixing, "delta", m.delta),
                         scalar(mixing, "alpha21", m.alpha21), scalar(mixing, "alpha31", m.alpha31),
                         scalar(mixing, "dm21", m.dm21), scalar(mixing, "dm31", m.dm31)},
                        config_.neutrino.basis,
                        config_.neutrino.sin2_theta_w,
                        terms_.data(),
                        static_cast<int>(terms_.size())};
}

void Plan::make_experiments() {
    const Mixing& mixing = config_.neutrino.mixing;
    const Mixing standard = default_mixing(config_.neutrino.inverted_ordering);

    tables_.resize(config_.experiments.size());
    for (std::size_t e = 0; e < tables_.size(); ++e) {
        const Experiment& experiment = config_.experiments[e];
        ExperimentTables& tables = tables_[e];
        const auto n_bins = static_cast<std::size_t>(experiment.n_bins());
        tables.response = make_response(experiment, mixing);

        // Sources of one flavour and one kind of propagation share features; their moments add up.
        std::vector<std::vector<double>> group_moments;
        for (std::size_t s = 0; s < experiment.sources.size(); ++s) {
            const Source& source = experiment.sources[s];
            const auto same = [&](const FeatureGroup& g) {
                return g.flavour == source.flavour && g.propagation == source.propagation;
            };
            const auto found = std::find_if(tables.groups.begin(), tables.groups.end(), same);
            const auto g = static_cast<std::size_t>(found - tables.groups.begin());
            const std::vector<double> moments = source_moments(experiment, tables.response, s, mixing);
            if (found == tables.groups.end()) {
                tables.groups.push_back({source.flavour, source.propagation});
                group_moments.push_back(moments);
            } else {
                for (std::size_t i = 0; i < moments.size(); ++i) {
                    group_moments[g][i] += moments[i];
                }
            }
        }
        for (const std::vector<double>& moments : group_moments) {
            tables.moments.insert(tables.moments.end(), moments.begin(), moments.end());
        }

        std::optional<std::vector<double>> solar;
        for (std::size_t k = 0; k < experiment.backgrounds.size(); ++k) {
            const Background& background = experiment.backgrounds[k];
            std::vector<double> counts = background.counts;
            if (background.includes_solar) {
                if (!solar) {
                    solar = standard_signal(tables.groups, tables.moments, n_bins, standard);
                }
                for (std::size_t b = 0; b < n_bins; ++b) {
                    counts[b] = std::max(counts[b] - (*solar)[b], 0.);
                }
            }
            // NaN where neither an axis nor a fixed parameter names it: then a pull may move it from nominal.
            Scalar normalisation = scalar(Parameter::Kind::normalisation, experiment.name + "." + background.name,
                                          constants::not_a_number);
            const bool named = normalisation.axis >= 0 || !std::isnan(normalisation.fixed);
            normalisation.fixed = named ? normalisation.fixed : 1;
            tables.normalisations.push_back(normalisation);
            tables.moments.insert(tables.moments.end(), counts.begin(), counts.end());
            if (background.sigma > 0 && !named) {
                tables.pulls.push_back(static_cast<int>(k));
                tables.sigmas.push_back(background.sigma);
                tables.templates.insert(tables.templates.end(), counts.begin(), counts.end());
            }
        }
        for (std::size_t s = 0; s < experiment.sources.size(); ++s) {
            const Source& source = experiment.sources[s];
            const SourceNodes& nodes = tables.response.sources[s];
            tables.sources.push_back({source.flavour, source.antineutrino, source.propagation, source.baseline,
                                      nodes.first_node.data(), nodes.energy.data(), nodes.flux.data()});
        }
    }

    for (std::size_t e = 0; e < tables_.size(); ++e) {
        const Experiment& experiment = config_.experiments[e];
        const ExperimentTables& tables = tables_[e];
        ExperimentView view{};
        view.first_bin = view_.n_bins;
        view.n_bins = experiment.n_bins();
        view.first_feature = view_.n_features;
        view.n_features = static_cast<int>(tables.moments.size()) / experiment.n_bins();
        view.groups = tables.groups.data();
        view.n_groups = static_cast<int>(tables.groups.size());
        view.moments = tables.moments.data();
        view.normalisations = tables.normalisations.data();
        view.n_backgrounds = static_cast<int>(tables.normalisations.size());
        view.response = {static_cast<int>(tables.response.recoil.size()), tables.response.recoil.data(),
                         tables.response.weight.data(), tables.sources.data(), static_cast<int>(tables.sources.size())};
        view.statistic = {experiment.n_bins(), experiment.counts.data(), static_cast<int>(tables.sigmas.size()),
                          tables.templates.data(), tables.sigmas.data()};
        view_.n_bins += view.n_bins;
        view_.n_features += view.n_features;
        experiment_views_.push_back(view);
    }
    view_.experiments = experiment_views_.data();
    view_.n_experiments = static_cast<int>(experiment_views_.size());
}

void Plan::choose_layout() {
    if (method_ == Method::direct) {
        return; // every point is a plane of its own
    }
    for (std::size_t i = config_.axes.size(); i-- > 0;) {
        if (!is_fast(config_.axes[i].parameter)) {
            continue;
        }
        (view_.layout.line_axis < 0 ? view_.layout.line_axis : view_.layout.row_axis) = static_cast<int>(i);
        if (view_.layout.row_axis >= 0) {
            break;
        }
    }
}

void Plan::choose_units() {
    n_points_ = 1;
    for (std::size_t i = 0; i < config_.axes.size(); ++i) {
        const Axis& axis = config_.axes[i];
        (axis.profile ? profiled_ : kept_).push_back(static_cast<int>(i));
        (axis.profile ? slice_ : tile_).push_back(static_cast<std::int64_t>(axis.values.size()));
        n_points_ *= axis.values.size();
    }
    // Tiles are cut before slices: as long as a unit holds all profiled points of its tile, nothing is left to merge.
    const std::vector<std::int64_t> whole_tile = tile_, whole_slice = slice_;
    const std::int64_t profile_points = volume(slice_);
    cut(tile_, std::min(tile_points, unit_points_ / std::min(profile_points, unit_points_)));
    cut(slice_, unit_points_ / volume(tile_));
    n_units_ = 1;
    for (std::size_t i = 0; i < tile_.size(); ++i) {
        n_units_ *= static_cast<std::uint64_t>((whole_tile[i] + tile_[i] - 1) / tile_[i]);
    }
    n_slices_ = 1;
    for (std::size_t i = 0; i < slice_.size(); ++i) {
        n_slices_ *= static_cast<std::uint64_t>((whole_slice[i] + slice_[i] - 1) / slice_[i]);
    }
    n_units_ *= n_slices_;
}

WorkUnit Plan::make_unit(std::uint64_t number, const std::vector<std::int64_t>& begin,
                         const std::vector<std::int64_t>& count) const {
    WorkUnit unit;
    unit.number = number;
    unit.layout = view_.layout;
    unit.ranges.resize(config_.axes.size());
    std::int64_t plane_stride = 1, kept_stride = 1, profile_stride = 1;
    for (std::size_t i = unit.ranges.size(); i-- > 0;) {
        AxisRange& range = unit.ranges[i];
        range = {begin[i], count[i], 0, 0, 0};
        if (!view_.layout.spans(static_cast<int>(i))) {
            range.plane_stride = plane_stride;
            plane_stride *= count[i];
        }
        if (config_.axes[i].profile) {
            range.profile_stride = profile_stride;
            profile_stride *= static_cast<std::int64_t>(config_.axes[i].values.size());
        } else {
            range.kept_stride = kept_stride;
            kept_stride *= count[i];
        }
    }
    return unit;
}

WorkUnit Plan::unit(std::uint64_t number) const {
    std::vector<std::int64_t> begin(config_.axes.size()), count(config_.axes.size());
    std::uint64_t rest = number; // slices run fastest, then the tiles in row-major order
    const auto place = [&](const std::vector<int>& axes, const std::vector<std::int64_t>& shape) {
        for (std::size_t i = axes.size(); i-- > 0;) {
            const auto axis = static_cast<std::size_t>(axes[i]);
            const auto size = static_cast<std::int64_t>(config_.axes[axis].values.size());
            const auto parts = static_cast<std::uint64_t>((size + shape[i] - 1) / shape[i]);
            begin[axis] = static_cast<std::int64_t>(rest % parts) * shape[i];
            count[axis] = std::min(shape[i], size - begin[axis]);
            rest /= parts;
        }
    };
    place(profiled_, slice_);
    place(kept_, tile_);
    return make_unit(number, begin, count);
}

WorkUnit Plan::point_unit(const std::vector<std::int64_t>& indices) const {
    return make_unit(0, indices, std::vector<std::int64_t>(indices.size(), 1));
}

std::vector<double> Plan::profiled_values(std::int64_t profile_index) const {
    std::vector<double> values(profiled_.size());
    for (std::size_t i = profiled_.size(); i-- > 0;) {
        const std::vector<double>& axis = config_.axes[static_cast<std::size_t>(profiled_[i])].values;
        const auto size = static_cast<std::int64_t>(axis.size());
        values[i] = axis[static_cast<std::size_t>(profile_index % size)];
        profile_index /= size;
    }
    return values;
}

} // namespace nuscan
