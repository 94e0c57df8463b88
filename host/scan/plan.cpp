// SPDX-License-Identifier: Apache-2.0
#include "scan/plan.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "config/sha256.hpp"
#include "nuscan/collapsed_signals.hpp"

namespace nuscan {

namespace {

//! Kept points of a tile, at most: chunks of 4 MiB, which disks like better than smaller ones
constexpr std::int64_t tile_points = 1 << 19;

//! Changes whenever the same plan would give other numbers or other units than before
constexpr int plan_format = 5;

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

Part part_of(Parameter::Part part) {
    switch (part) {
    case Parameter::Part::universal:
    case Parameter::Part::diagonal:
    case Parameter::Part::re:
        return Part::real;
    case Parameter::Part::im:
        return Part::imaginary;
    case Parameter::Part::abs:
    case Parameter::Part::arg:
        return Part::polar;
    }
    return Part::real;
}

//! Whether the parameter is (a part of) a number in a matrix of form factors
bool is_element(const Parameter& p) {
    return p.kind == Parameter::Kind::element || p.kind == Parameter::Kind::majorana_moment;
}

bool same_element(const Parameter& a, const Parameter& b) {
    return is_element(a) && a.kind == b.kind && a.form_factor == b.form_factor && a.row == b.row &&
           a.column == b.column;
}

//! The term of an element, without its value
Term term_of(const Parameter& p) {
    if (p.kind == Parameter::Kind::majorana_moment) { // (μ − iε)_jk = ε_jkl Λ_l
        return {Coupling::M, 1, Pattern::antisymmetric, part_of(p.part), (p.row + 1) % 3, (p.row + 2) % 3, {}, {}};
    }
    const Effect effect = effect_of(p.form_factor);
    const Pattern pattern = p.part == Parameter::Part::universal ? Pattern::universal : Pattern::hermitian;
    return {effect.coupling, effect.weight, pattern, part_of(p.part), p.row, p.column, {}, {}};
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
    hash.add(neutrino.majorana);
    hash.add(static_cast<double>(neutrino.charge_radius_mode));
    for (const FixedParameter& fixed : config.fixed) {
        hash.add(fixed.parameter.name);
        hash.add(fixed.value);
    }
    hash.add(config.polish);
    for (const Axis& axis : config.axes) {
        hash.add(axis.parameter.name);
        hash.add(axis.profile);
        hash.add(axis.values);
    }
    for (const Experiment& experiment : config.experiments) {
        hash.add(experiment.name);
        hash.add(experiment.digest);
        hash.add(static_cast<double>(experiment.couplings));
        hash.add(static_cast<double>(experiment.statistic));
        for (const Source& source : experiment.sources) { // which fixed parameters may have moved
            hash.add(source.baseline);
            hash.add(source.flux);
        }
        for (const TargetNuclide& target : experiment.target.nuclides) {
            hash.add(target.nuclide.proton_radius);
            hash.add(target.nuclide.neutron_radius);
        }
        hash.add(experiment.signal_sigma);
        for (const Background& background : experiment.backgrounds) {
            hash.add(background.sigma);
        }
        for (const Systematic& systematic : experiment.systematics) {
            hash.add(systematic.sigma);
        }
    }
    for (const SharedSystematic& shared : config.shared) {
        hash.add(shared.name);
        for (const SharedSystematic::Member& member : shared.members) {
            hash.add(static_cast<double>(member.experiment));
            hash.add(member.name);
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

const char* method_name(Method method) {
    switch (method) {
    case Method::direct:
        return "direct";
    case Method::moments:
        return "moments";
    case Method::collapsed:
        return "collapsed";
    }
    return "";
}

//! Whether the normalisation of an experiment's signal is left to every point
static bool has_signal_pull(const Experiment& experiment, const ScanConfig& config) {
    const std::string name = experiment.name + "." + Experiment::signal;
    return experiment.signal_sigma > 0 &&
           std::none_of(config.axes.begin(), config.axes.end(),
                        [&](const Axis& axis) { return axis.parameter.name == name; }) &&
           std::none_of(config.fixed.begin(), config.fixed.end(),
                        [&](const FixedParameter& fixed) { return fixed.parameter.name == name; });
}

Method automatic_method(const ScanConfig& config) {
    const bool gaussian = pull_groups(config).empty() &&
                          std::all_of(config.experiments.begin(), config.experiments.end(),
                                      [](const Experiment& e) { return e.statistic == Statistic::gaussian; }) &&
                          std::count_if(config.experiments.begin(), config.experiments.end(), [&](const Experiment& e) {
                              return has_signal_pull(e, config);
                          }) <= max_collapsed_signals;
    const bool fast =
        std::any_of(config.axes.begin(), config.axes.end(), [](const Axis& axis) { return is_fast(axis.parameter); });
    return gaussian && fast ? Method::collapsed : Method::moments;
}

bool is_fast(const Parameter& parameter) {
    switch (parameter.kind) {
    case Parameter::Kind::element:
    case Parameter::Kind::majorana_moment:
    case Parameter::Kind::sin2_theta_w:
        return true;
    case Parameter::Kind::normalisation: // that of a signal multiplies what the other axes say
        return parameter.background != Experiment::signal;
    case Parameter::Kind::systematic: // shapes are not quadratic in it
    case Parameter::Kind::mixing:
    case Parameter::Kind::baseline:
    case Parameter::Kind::proton_radius:
    case Parameter::Kind::neutron_radius:
        break;
    }
    return false;
}

//! What form factors have in the standard model, as far as axes are concerned, and sin²θ_W
static double standard_value(const Parameter& parameter, const ScanConfig& config) {
    return parameter.kind == Parameter::Kind::sin2_theta_w ? config.neutrino.sin2_theta_w : 0;
}

double tabulated(const Parameter& parameter, double value, const ScanConfig& config) {
    return parameter.kind == Parameter::Kind::systematic ? pull_at_value(parameter, value, config)
                                                         : value - standard_value(parameter, config);
}

double value_of_tabulated(const Parameter& parameter, double t, const ScanConfig& config) {
    return parameter.kind == Parameter::Kind::systematic ? value_of_pull(parameter, t, config)
                                                         : standard_value(parameter, config) + t;
}

Prior prior_of(const Parameter& parameter, const ScanConfig& config) {
    double sigma = 0;
    for (const Experiment& experiment : config.experiments) {
        if (parameter.kind != Parameter::Kind::normalisation || parameter.experiment != experiment.name) {
            continue;
        }
        sigma = parameter.background == Experiment::signal ? experiment.signal_sigma : sigma;
        for (const Background& background : experiment.backgrounds) {
            sigma = parameter.background == background.name ? background.sigma : sigma;
        }
    }
    for (const PullGroup& group : pull_groups(config)) {
        for (const Pull& pull : group.pulls) {
            sigma = parameter.kind == Parameter::Kind::systematic && pull.name == parameter.name ? pull.sigma : sigma;
        }
    }
    return {sigma > 0 ? 1 / (sigma * sigma) : 0, parameter.kind == Parameter::Kind::normalisation ? 1. : 0.};
}

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

Plan::Plan(ScanConfig config, Method method, std::optional<std::int64_t> unit_points)
    : config_(std::move(config)), method_(method) {
    n_points_ = 1;
    for (const Axis& axis : config_.axes) {
        n_points_ *= axis.values.size();
    }
    unit_points_ = unit_points.value_or(default_unit_points(method_, n_points_));
    for (std::size_t i = 0; i < config_.axes.size(); ++i) {
        if (std::any_of(config_.experiments.begin(), config_.experiments.end(),
                        [&](const Experiment& x) { return is_slow(config_.axes[i].parameter, x); })) {
            slow_.push_back(static_cast<int>(i));
        }
    }
    groups_ = pull_groups(config_);
    int n_signal_pulls = 0;
    for (std::size_t e = 0; e < config_.experiments.size() && method_ == Method::collapsed; ++e) {
        const Experiment& experiment = config_.experiments[e];
        if (is_pulled_with_others(groups_, e)) {
            throw InputError({"--method", 0}, "\"collapsed\" does not go with " + experiment.name,
                             "its systematics are minimised over together, which needs every bin", "use \"moments\"?");
        }
        if (experiment.statistic != Statistic::gaussian) {
            throw InputError({"--method", 0}, "\"collapsed\" does not go with " + experiment.name,
                             "its statistic is Poisson, which needs every bin", "use \"moments\"?");
        }
        n_signal_pulls += has_signal_pull(experiment, config_) ? 1 : 0;
        if (n_signal_pulls > max_collapsed_signals) {
            throw InputError({"--method", 0}, "\"collapsed\" does not go with " + experiment.name,
                             "the normalisation of its signal is minimised over, as are those of " +
                                 std::to_string(max_collapsed_signals) + " others, the most there can be",
                             "use \"moments\"?");
        }
    }
    interactions_ = interactions_of(config_);
    make_axes();
    make_terms();
    make_responses();
    make_backgrounds();
    make_pins();
    choose_units();
    choose_layout();
    // What is wrong with the moments of a slow axis shows at one of its ends, and should before hours have passed.
    tables(unit(0));
    tables(unit(n_units_ - 1));
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
        const bool circular = is_element(axis.parameter) && axis.parameter.part == Parameter::Part::arg;
        const Prior prior = prior_of(axis.parameter, config_);
        AxisTable table;
        for (const double value : axis.values) {
            const double t = tabulated(axis.parameter, value, config_);
            table.value.push_back(t);
            table.u.push_back(circular ? std::cos(t) : t);
            table.v.push_back(circular ? std::sin(t) : t * t);
            table.penalty.push_back(prior(t));
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
        if (is_element(parameter) && parameter.part != Parameter::Part::arg) {
            Term term = term_of(parameter);
            term.value = value;
            term.argument = parameter.part == Parameter::Part::abs ? argument_of(parameter) : Scalar{};
            terms_.push_back(term);
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
            terms_.push_back({Coupling::V0, 2, Pattern::universal, Part::real, 0, 0, value, {}});
        }
    }
    if (config_.neutrino.charge_radius_mode == ChargeRadiusMode::total) {
        add_standard_radii();
    }

    const Mixing& m = config_.neutrino.mixing;
    constexpr auto mixing = Parameter::Kind::mixing;
    parameters_ = {axis_views_.data(),
                   static_cast<int>(axis_views_.size()),
                   {scalar(mixing, "theta12", m.theta12), scalar(mixing, "theta13", m.theta13),
                    scalar(mixing, "theta23", m.theta23), scalar(mixing, "delta", m.delta),
                    scalar(mixing, "alpha21", m.alpha21), scalar(mixing, "alpha31", m.alpha31),
                    scalar(mixing, "dm21", m.dm21), scalar(mixing, "dm31", m.dm31)},
                   config_.neutrino.basis,
                   config_.neutrino.sin2_theta_w,
                   {},
                   static_cast<int>(interactions_.size()),
                   terms_.data(),
                   static_cast<int>(terms_.size())};
    std::copy(interactions_.begin(), interactions_.end(), parameters_.interactions);
}

//! The total radius of a flavour starts at the SM value, unless the scan names it
void Plan::add_standard_radii() {
    for (int l = 0; l < 3; ++l) {
        const auto is_this = [l](const Parameter& p) {
            return p.kind == Parameter::Kind::element && p.form_factor == FormFactor::charge_radius &&
                   p.part == Parameter::Part::diagonal && p.row == l;
        };
        const bool named = std::any_of(config_.fixed.begin(), config_.fixed.end(),
                                       [&](const FixedParameter& fixed) { return is_this(fixed.parameter); }) ||
                           std::any_of(config_.axes.begin(), config_.axes.end(),
                                       [&](const Axis& axis) { return is_this(axis.parameter); });
        if (!named) {
            const double radius = standard_charge_radius(static_cast<Flavour>(l));
            terms_.push_back({Coupling::V0,
                              constants::radius_coupling,
                              Pattern::hermitian,
                              Part::real,
                              l,
                              l,
                              Scalar{radius, -1},
                              {}});
        }
    }
}

void Plan::make_backgrounds() {
    for (const Experiment& experiment : config_.experiments) {
        bool includes_solar = false;
        std::vector<Scalar> normalisations;
        for (const Background& background : experiment.backgrounds) {
            includes_solar = includes_solar || background.includes_solar;
            // NaN where neither an axis nor a fixed parameter names it: then a pull may move it from nominal.
            normalisations.push_back(scalar(Parameter::Kind::normalisation, experiment.name + "." + background.name,
                                            constants::not_a_number));
        }
        normalisations.push_back(scalar(Parameter::Kind::normalisation, experiment.name + "." + Experiment::signal,
                                        constants::not_a_number));
        normalisations_.push_back(std::move(normalisations));
        standard_signals_.emplace_back();
        if (includes_solar) {
            const bool inverted = config_.neutrino.inverted_ordering;
            const Mixing mixing = default_mixing(inverted);
            const MomentInputs inputs(experiment, mixing,
                                      std::make_shared<const Response>(make_response(experiment, mixing)));
            const SignalTables signal =
                make_signal(experiment, inputs, config_.neutrino.charge_radius_mode, interactions_);
            standard_signals_.back() = standard_signal(experiment, signal, inverted, interactions_);
        }
    }
}

//! Pulls that an axis or a fixed parameter names
void Plan::make_pins() {
    for (const PullGroup& group : groups_) {
        std::vector<Scalar> pins;
        for (const Pull& pull : group.pulls) {
            Scalar pin = scalar(Parameter::Kind::systematic, pull.name, constants::not_a_number);
            if (pin.axis < 0 && !std::isnan(pin.fixed)) {
                const auto named = std::find_if(config_.fixed.begin(), config_.fixed.end(),
                                                [&](const auto& fixed) { return fixed.parameter.name == pull.name; });
                pin.fixed = pull_at_value(named->parameter, pin.fixed, config_);
            }
            pins.push_back(pin);
        }
        pins_.push_back(std::move(pins));
    }
}

//! Once, for all values of the slow axes
void Plan::make_responses() {
    // Nodes that resolve phases and form factors where they vary most, at the largest values, do so at all others;
    // those of the Sun's resonance do at the smallest θ12, which makes it narrowest.
    std::vector<Experiment> experiments = config_.experiments;
    Mixing mixing = config_.neutrino.mixing;
    for (const int axis : slow_) {
        const Axis& slow = config_.axes[static_cast<std::size_t>(axis)];
        const auto smaller = [](double a, double b) { return std::abs(a) < std::abs(b); };
        const auto [least, largest] = std::minmax_element(slow.values.begin(), slow.values.end(), smaller);
        const bool is_theta12 =
            slow.parameter.kind == Parameter::Kind::mixing && slow.parameter.mixing == Parameter::MixingName::theta12;
        set_slow(slow.parameter, is_theta12 ? *least : *largest, experiments, mixing);
    }
    for (std::size_t e = 0; e < experiments.size(); ++e) {
        const Experiment& experiment = config_.experiments[e];
        Constant constant{std::make_shared<const Response>(make_response(experiments[e], mixing)), nullptr, nullptr};
        const bool moves = std::any_of(slow_.begin(), slow_.end(), [&](int axis) {
            return is_slow(config_.axes[static_cast<std::size_t>(axis)].parameter, experiment);
        });
        if (!moves) {
            constant.inputs =
                std::make_shared<const MomentInputs>(experiment, config_.neutrino.mixing, constant.response);
            constant.signal = std::make_shared<const SignalTables>(
                make_signal(experiment, *constant.inputs, config_.neutrino.charge_radius_mode, interactions_));
        }
        constant_.push_back(std::move(constant));
    }
}

std::vector<double> Plan::slow_values(const WorkUnit& unit) const {
    std::vector<double> values;
    for (const int axis : slow_) {
        const auto i = static_cast<std::size_t>(axis);
        values.push_back(config_.axes[i].values[static_cast<std::size_t>(unit.ranges[i].begin)]);
    }
    return values;
}

std::shared_ptr<const Setting> Plan::setting(const std::vector<double>& slow_values) const {
    return settings_.get(slow_values, [this](const std::vector<double>& values) {
        auto setting = std::make_shared<Setting>();
        setting->experiments = config_.experiments;
        Mixing mixing = config_.neutrino.mixing;
        for (std::size_t i = 0; i < slow_.size(); ++i) {
            const Parameter& parameter = config_.axes[static_cast<std::size_t>(slow_[i])].parameter;
            set_slow(parameter, values[i], setting->experiments, mixing);
        }
        for (std::size_t e = 0; e < constant_.size(); ++e) {
            setting->inputs.push_back(is_constant(e) ? constant_[e].inputs
                                                     : std::make_shared<const MomentInputs>(
                                                           setting->experiments[e], mixing, constant_[e].response));
        }
        return setting;
    });
}

std::shared_ptr<const Tables> Plan::make_tables(const std::vector<double>& slow_values) const {
    const std::shared_ptr<const Setting> setting = this->setting(slow_values);
    std::vector<SignalTables> signals;
    std::vector<std::vector<DirectNodes>> nodes;
    for (std::size_t e = 0; e < constant_.size(); ++e) {
        const MomentInputs& inputs = *setting->inputs[e];
        signals.push_back(is_constant(e) ? *constant_[e].signal
                                         : make_signal(setting->experiments[e], inputs,
                                                       config_.neutrino.charge_radius_mode, interactions_));
        if (method_ == Method::direct) {
            nodes.emplace_back();
            for (const MomentsView& contribution : inputs.contributions()) {
                nodes.back().push_back(direct_nodes(contribution));
            }
        }
    }
    return std::make_shared<const Tables>(setting, std::move(signals), std::move(nodes), standard_signals_,
                                          normalisations_, groups_, pins_, parameters_, layout_);
}

std::shared_ptr<const Tables> Plan::tables(const WorkUnit& unit) const {
    return tables_.get(slow_values(unit), [this](const std::vector<double>& values) { return make_tables(values); });
}

double Plan::cost_of_layout(int line, int row) const {
    const WorkUnit largest = unit(0);
    const auto points = [&](int axis) {
        return static_cast<double>(largest.ranges[static_cast<std::size_t>(axis)].count);
    };
    double bins = 0, moments = 0;
    for (const Experiment& experiment : config_.experiments) {
        const std::size_t features = n_feature_matrices * experiment.sources.size() + experiment.backgrounds.size();
        bins += experiment.n_bins();
        moments += experiment.n_bins() * static_cast<double>(features);
    }
    const bool collapsed = method_ == Method::collapsed;
    const double of_plane = n_plane_coefficients * moments + (collapsed ? n_products * n_plane_coefficients * bins : 0);
    const double of_row = collapsed ? 100 : 100 + 6 * bins;
    double of_point = collapsed ? 5 : 3 * bins;
    if (!config_.axes[static_cast<std::size_t>(line)].profile) { // kept side by side, or one by one
        of_point += profiled_.empty() && line == kept_.back() ? 5 : 50;
    }
    constexpr double together = 32; // points, of a warp or a block of vectors
    const double filled = points(line) / (together * std::ceil(points(line) / together));
    return of_point / filled + (of_row + of_plane / (line == row ? 1 : points(row))) / points(line);
}

void Plan::choose_layout() {
    if (method_ == Method::direct) {
        return; // every point is a plane of its own
    }
    std::vector<int> fast; // innermost first
    for (std::size_t i = config_.axes.size(); i-- > 0;) {
        if (is_fast(config_.axes[i].parameter)) {
            fast.push_back(static_cast<int>(i));
        }
    }
    double least = constants::infinity; // and of equal ones the innermost axes
    for (const int line : fast) {
        for (const int row : fast) {
            if (line != row || fast.size() == 1) {
                const double cost = cost_of_layout(line, row);
                if (cost < least) {
                    least = cost;
                    layout_.line_axis = line;
                    layout_.row_axis = line == row ? -1 : row;
                }
            }
        }
    }
    const auto origin = [this](int axis) {
        const auto i = static_cast<std::size_t>(axis);
        if (axis < 0 || axis_views_[i].shape == AxisShape::circular) {
            return 0.;
        }
        const std::vector<double>& t = axis_tables_[i].value;
        const double standard = config_.axes[i].parameter.kind == Parameter::Kind::normalisation ? 1 : 0;
        return std::clamp(standard, t.front(), t.back());
    };
    layout_.line_origin = origin(layout_.line_axis);
    layout_.row_origin = origin(layout_.row_axis);
}

void Plan::choose_units() {
    for (std::size_t i = 0; i < config_.axes.size(); ++i) {
        const Axis& axis = config_.axes[i];
        (axis.profile ? profiled_ : kept_).push_back(static_cast<int>(i));
        (axis.profile ? slice_ : tile_).push_back(static_cast<std::int64_t>(axis.values.size()));
        if (axis.profile && config_.polish && std::count(slow_.begin(), slow_.end(), static_cast<int>(i)) == 0) {
            polished_.push_back(static_cast<int>(i));
        }
    }
    const std::vector<std::int64_t> whole_tile = tile_, whole_slice = slice_;
    // A unit holds one value of every slow axis.
    const auto is_slow_axis = [this](int axis) { return std::count(slow_.begin(), slow_.end(), axis) > 0; };
    for (std::size_t i = 0; i < tile_.size(); ++i) {
        tile_[i] = is_slow_axis(kept_[i]) ? 1 : tile_[i];
    }
    for (std::size_t i = 0; i < slice_.size(); ++i) {
        slice_[i] = is_slow_axis(profiled_[i]) ? 1 : slice_[i];
    }
    // Tiles are cut before slices: as long as a unit holds all profiled points of its tile, nothing is left to merge.
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
    unit.layout = layout_;
    unit.ranges.resize(config_.axes.size());
    std::int64_t plane_stride = 1, kept_stride = 1, profile_stride = 1;
    for (std::size_t i = unit.ranges.size(); i-- > 0;) {
        AxisRange& range = unit.ranges[i];
        range = {begin[i], count[i], 0, 0, 0};
        if (!layout_.spans(static_cast<int>(i))) {
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

std::vector<std::int64_t> Plan::profiled_indices(std::int64_t profile_index) const {
    std::vector<std::int64_t> indices(profiled_.size());
    for (std::size_t i = profiled_.size(); i-- > 0;) {
        const auto size = static_cast<std::int64_t>(config_.axes[static_cast<std::size_t>(profiled_[i])].values.size());
        indices[i] = profile_index % size;
        profile_index /= size;
    }
    return indices;
}

std::vector<std::vector<double>> Plan::profiled_values(const std::vector<std::int64_t>& profile_index) const {
    if (profiled_.empty()) {
        return {}; // without a copy of the indices
    }
    std::vector<std::int64_t> rest = profile_index;
    std::vector<std::vector<double>> values(profiled_.size(), std::vector<double>(rest.size()));
    for (std::size_t k = profiled_.size(); k-- > 0;) {
        const std::vector<double>& axis = config_.axes[static_cast<std::size_t>(profiled_[k])].values;
        const auto size = static_cast<std::int64_t>(axis.size());
        for (std::size_t i = 0; i < rest.size(); ++i) {
            values[k][i] = axis[static_cast<std::size_t>(rest[i] % size)];
            rest[i] /= size;
        }
    }
    return values;
}

} // namespace nuscan
