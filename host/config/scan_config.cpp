// SPDX-License-Identifier: Apache-2.0
#include "config/scan_config.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "config/shared_reader.hpp"
#include "config/toml_reader.hpp"
#include "experiments/experiment_file.hpp"
#include "experiments/statistic_reader.hpp"
#include "experiments/uncertainty.hpp"
#include "nuscan/systematics.hpp"

namespace nuscan {
namespace {

//! In internal units, in which those of interest are far smaller
constexpr double largest_form_factor = 1e6;

const std::vector<std::string> top_level_keys = {"title",      "neutrino", "experiment", "shared",
                                                 "parameters", "axis",     "output"};
const std::vector<std::string> mixing_keys = {"theta12", "theta13", "theta23", "delta",
                                              "alpha21", "alpha31", "dm21",    "dm31"};
constexpr std::int64_t max_axis_points = 10'000'000;
constexpr double max_nuclear_radius = 20; // [fm]: beyond is a slip, nuclei reach 6

// ---- --set -----------------------------------------------------------------------------------------------------

//! VALUE of `--set` as TOML reads it, or as a string where it is not TOML (unquoted words and quantities)
toml::table value_table(const std::string& value) {
    try {
        toml::table table = toml::parse("value = " + value);
        if (table.size() == 1) {
            return table;
        }
    } catch (const toml::parse_error&) {
    }
    return toml::table{{"value", value}};
}

//! Copies the value in, which drops its position: errors about it are then reported against the command line.
void insert_value(toml::table& table, const std::string& key, const std::string& value) {
    const toml::table parsed = value_table(value);
    parsed.get("value")->visit([&](const auto& node) { table.insert_or_assign(key, node); });
}

//! Removes a parameter from a table of them, whether its name is quoted or spelled as nested tables
void erase_parameter(toml::table& table, const std::string& name) {
    table.erase(name);
    for (auto&& [key, node] : table) {
        const std::string head = std::string(key.str()) + ".";
        if (node.is_table() && name.starts_with(head)) {
            erase_parameter(*node.as_table(), name.substr(head.size()));
        }
    }
}

toml::table& table_in(toml::table& parent, const std::string& key) {
    if (!parent.contains(key)) {
        parent.insert(key, toml::table());
    }
    toml::table* table = parent.get(key)->as_table();
    if (!table) {
        throw InputError({"command line", 0}, fmt::format("\"{}\" is not a table", key));
    }
    return *table;
}

void set_parameter(toml::table& root, const std::string& name, const std::string& value) {
    // A mixing parameter has a second place where it may stand.
    if (toml::table* neutrino = root["neutrino"].as_table()) {
        if (name == "sin2_theta_w") {
            neutrino->erase(name);
        }
        if (toml::table* mixing = (*neutrino)["mixing"].as_table()) {
            mixing->erase(name);
        }
    }
    toml::table& parameters = table_in(root, "parameters");
    erase_parameter(parameters, name);
    insert_value(parameters, name, value);
}

void apply_override(toml::table& root, const Override& override) {
    const auto& [key, value] = override;
    const InputLocation where{"command line", 0};
    std::vector<std::string> parts;
    std::istringstream in(key);
    for (std::string part; std::getline(in, part, '.');) {
        parts.push_back(part);
    }
    if (parts.empty()) {
        throw InputError(where, "--set has no key", "expected KEY=VALUE");
    }
    if (std::find(top_level_keys.begin(), top_level_keys.end(), parts[0]) == top_level_keys.end()) {
        return set_parameter(root, key, value);
    }
    if (parts[0] == "parameters" && parts.size() > 1) {
        return set_parameter(root, key.substr(key.find('.') + 1), value);
    }
    toml::table* table = &root;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        toml::array* array = table->get(parts[i]) ? table->get(parts[i])->as_array() : nullptr;
        if (!array) {
            table = &table_in(*table, parts[i]);
            continue;
        }
        ++i;
        std::size_t index = 0;
        const char* const last = parts[i].data() + parts[i].size();
        const auto [end, error] = std::from_chars(parts[i].data(), last, index);
        if (error != std::errc() || end != last || index >= array->size() || i + 1 == parts.size() ||
            !array->get(index)->is_table()) {
            throw InputError(where, fmt::format("\"{}\" is no key of the scan file", key),
                             array->empty()
                                 ? fmt::format("{} is empty", parts[i - 1])
                                 : fmt::format("{} is counted from 0 to {}", parts[i - 1], array->size() - 1),
                             fmt::format("write {}.0.KEY=VALUE?", parts[i - 1]));
        }
        table = array->get(index)->as_table();
    }
    insert_value(*table, parts.back(), value);
}

// ---- the scan file ----------------------------------------------------------------------------------------------

/// An axis as written, before its values are made.
struct AxisSpec {
    Axis axis;
    double min = 0, max = 0;
    std::int64_t points = 0;
    InputLocation where;
};

class ScanReader {
public:
    //! \p folder: of the experiments that are given by `file`
    ScanReader(const std::string& path, const std::filesystem::path& folder, const toml::table& table)
        : path_(path), folder_(folder), root_(table, path) {}

    ScanConfig read(bool needs_experiment, bool needs_axis) {
        root_.allow_only(top_level_keys);
        config_.title = root_.string("title", std::filesystem::path(path_).stem().string());
        read_neutrino();
        read_experiments(needs_experiment);
        config_.shared = read_shared(root_, config_.experiments, top_level_keys, scope_);
        read_fixed(root_.table("parameters"), "");
        read_axes(needs_axis);
        check_complex_elements();
        check_majorana_moments();
        follow_ordering();
        check_free_normalisations();
        check_pulls();
        const TomlTable output = root_.table("output");
        output.allow_only({"file", "polish"});
        config_.output_file = output.string("file", "");
        config_.polish = output.boolean("polish", true);
        if (output.has("file") && config_.output_file.empty()) {
            throw InputError(output.where("file"), "file is empty");
        }
        return std::move(config_);
    }

private:
    struct Claim {
        Parameter parameter;
        InputLocation where;
        bool is_axis;
    };

    //! Every parameter has one place where its value comes from.
    void claim(const Parameter& parameter, const InputLocation& where, bool is_axis) {
        const auto [other, is_new] = claims_.emplace(parameter.name, Claim{parameter, where, is_axis});
        if (!is_new) {
            const InputLocation& there = other->second.where;
            throw InputError(where, fmt::format("{} is given twice", parameter.name),
                             fmt::format("it is {} at {}", other->second.is_axis ? "an axis" : "fixed",
                                         there.line > 0 ? fmt::format("{}:{}", there.file, there.line) : there.file));
        }
    }

    static std::string with_unit(double value, Dimension dimension) {
        return dimension == Dimension::dimensionless ? fmt::format("{}", value)
                                                     : fmt::format("{} {}", value, unit_name(dimension));
    }

    //! Refuses values that make no sense for a parameter; \p what names the value, as the parameter or a key of an
    //! axis.
    void check_value(const Parameter& parameter, double value, const InputLocation& where,
                     const std::string& what) const {
        const std::string subject = what + " = " + with_unit(value, parameter.dimension);
        // A bare number above 2π is most likely meant in degrees.
        const std::string degrees = value > 2 * constants::pi ? fmt::format("write \"{} deg\"?", value) : "";
        switch (parameter.kind) {
        case Parameter::Kind::element:
        case Parameter::Kind::majorana_moment:
            if (parameter.part == Parameter::Part::abs && value < 0) {
                throw InputError(where, subject + " is negative", parameter.name + " is a modulus");
            }
            if (parameter.part == Parameter::Part::arg && std::abs(value) > 2 * constants::pi) {
                throw InputError(where, subject + " is out of range", "phases lie between -2 pi and 2 pi", degrees);
            }
            if (std::abs(value) > largest_form_factor) { // of whatever dimension: squares and their squares follow
                throw InputError(
                    where, subject + " is out of range",
                    fmt::format("form factors reach to {} {}", largest_form_factor, unit_name(parameter.dimension)));
            }
            break;
        case Parameter::Kind::normalisation:
            if (value < 0) {
                const bool is_signal = parameter.background == Experiment::signal;
                throw InputError(where, subject + " is negative",
                                 fmt::format("{} is relative to the nominal {}, 1", parameter.name,
                                             is_signal ? "signal" : "background"));
            }
            break;
        case Parameter::Kind::systematic:
            check_systematic(parameter, value, where, subject);
            break;
        case Parameter::Kind::sin2_theta_w:
            if (value < 0 || value > 1) {
                throw InputError(where, subject + " is out of range", "it is a squared sine");
            }
            break;
        case Parameter::Kind::mixing:
            check_mixing_value(parameter, value, where, what, degrees);
            break;
        case Parameter::Kind::baseline:
            if (!(value > 0)) {
                throw InputError(where, subject + " is not positive", parameter.name + " is a distance");
            }
            break;
        case Parameter::Kind::proton_radius:
        case Parameter::Kind::neutron_radius:
            check_radius(parameter, value, where, subject);
            break;
        }
    }

    //! The form factors of all channels that see the nuclide must be able to describe the radius.
    void check_radius(const Parameter& parameter, double value, const InputLocation& where,
                      const std::string& subject) const {
        if (!(value > 0)) {
            throw InputError(where, subject + " is not positive", parameter.name + " is an rms radius");
        }
        if (value > max_nuclear_radius) {
            throw InputError(where, subject + " is too large",
                             fmt::format("nuclei are smaller than {} fm", max_nuclear_radius));
        }
        for (const Experiment& experiment : config_.experiments) {
            const auto& nuclides = experiment.target.nuclides;
            if (std::none_of(nuclides.begin(), nuclides.end(),
                             [&](const TargetNuclide& target) { return target.nuclide.name == parameter.nuclide; })) {
                continue;
            }
            for (const Channel& channel : experiment.channels) {
                if (channel.target == Target::nucleus && value < min_radius(channel.form_factor)) {
                    throw InputError(
                        where, subject + " is too small",
                        fmt::format("the surface alone of the form factor that channel \"{}\" of {} takes has an rms "
                                    "radius of {:.4g} fm",
                                    channel.name, experiment.name, min_radius(channel.form_factor)));
                }
            }
        }
    }

    void check_systematic(const Parameter& parameter, double value, const InputLocation& where,
                          const std::string& subject) const {
        for (std::size_t e = 0; e < config_.experiments.size(); ++e) {
            if (config_.experiments[e].name == parameter.experiment) {
                const Uncertainty own = uncertainty_of(config_.experiments[e], parameter.background);
                const bool is_parameter = own.kind == Systematic::Kind::parameter;
                const bool is_relative = own.kind == Systematic::Kind::normalisation;
                check_deviation(own, is_parameter ? std::log(value / own.nominal) : value - (is_relative ? 1 : 0),
                                parameter.name, where, subject);
            }
        }
        for (const SharedSystematic& shared : config_.shared) {
            for (const SharedSystematic::Member& member : shared.members) {
                if (shared.name == parameter.name) {
                    const Uncertainty own = uncertainty_of(config_.experiments[member.experiment], member.name);
                    check_deviation(own, std::isinf(own.sigma) ? value : value * own.sigma, name_of(member), where,
                                    subject);
                }
            }
        }
    }

    //! Refuses an x, as in Systematic, that makes a normalisation negative or leaves the range of a parameter
    static void check_deviation(const Uncertainty& uncertainty, double x, const std::string& of,
                                const InputLocation& where, const std::string& subject) {
        if (uncertainty.kind == Systematic::Kind::normalisation && x < -1) {
            throw InputError(where, fmt::format("{} makes {} negative", subject, of), "a normalisation is 0 or more");
        }
        const double rounding = 1e-12; // the ends themselves are in the range
        if (!(x >= uncertainty.low - rounding && x <= uncertainty.high + rounding)) {
            throw InputError(where, subject + " is out of range",
                             fmt::format("{} lies between {:.6g} and {:.6g} MeV", of,
                                         uncertainty.nominal * std::exp(uncertainty.low),
                                         uncertainty.nominal * std::exp(uncertainty.high)));
        }
    }

    std::string name_of(const SharedSystematic::Member& member) const {
        return config_.experiments[member.experiment].name + "." + member.name;
    }

    void check_mixing_value(const Parameter& parameter, double value, const InputLocation& where,
                            const std::string& what, const std::string& degrees) const {
        const std::string subject = what + " = " + with_unit(value, parameter.dimension);
        using Name = Parameter::MixingName;
        switch (parameter.mixing) {
        case Name::theta12:
        case Name::theta13:
        case Name::theta23:
            if (value < 0 || value > constants::pi / 2) {
                throw InputError(where, subject + " is out of range", "mixing angles lie between 0 and pi/2", degrees);
            }
            break;
        case Name::delta:
        case Name::alpha21:
        case Name::alpha31:
            if (std::abs(value) > 2 * constants::pi) {
                throw InputError(where, subject + " is out of range", "phases lie between -2 pi and 2 pi", degrees);
            }
            break;
        case Name::dm21:
            if (!(value > 0)) {
                throw InputError(where, subject + " is not positive", "the second mass is above the first");
            }
            break;
        case Name::dm31:
            check_ordering(value, where, subject, what == parameter.name);
            break;
        }
    }

    //! Δm²31 has the sign of the ordering, at every value of an axis.
    void check_ordering(double value, const InputLocation& where, const std::string& subject, bool is_fixed) const {
        const bool inverted = config_.neutrino.inverted_ordering;
        if (value != 0 && (value < 0) == inverted) {
            return;
        }
        const char* other = inverted ? "normal" : "inverted";
        std::string suggestion;
        if (!is_fixed) {
            suggestion = "scan one ordering at a time?";
        } else if (value != 0) {
            suggestion = fmt::format("write \"{} eV^2\" or set ordering = \"{}\"?", -value, other);
        }
        throw InputError(where, fmt::format("{} has {} sign", subject, value == 0 ? "no" : "the wrong"),
                         fmt::format("{} is {} in {} ordering", is_fixed ? "it" : "dm31",
                                     inverted ? "negative" : "positive", inverted ? "inverted" : "normal"),
                         suggestion);
    }

    Parameter find(const std::string& name, const InputLocation& where) const {
        for (const SharedSystematic& shared : config_.shared) {
            for (const SharedSystematic::Member& member : shared.members) {
                if (name_of(member) == name) {
                    throw InputError(where, fmt::format("{} is part of {}", name, shared.name),
                                     "the systematics of a [[shared]] move together",
                                     fmt::format("write \"{}\"?", shared.name));
                }
            }
        }
        return find_parameter(name, scope_, where);
    }

    void read_neutrino() {
        NeutrinoConfig& neutrino = config_.neutrino;
        const TomlTable table = root_.table("neutrino");
        table.allow_only({"nature", "ordering", "basis", "charge_radius_mode", "sin2_theta_w", "mixing"});
        neutrino.majorana = table.choice("nature", {"dirac", "majorana"}, "dirac") == "majorana";
        neutrino.basis = table.choice("basis", {"flavour", "mass"}, "flavour") == "mass" ? Basis::mass : Basis::flavour;
        if (table.choice("charge_radius_mode", {"beyond_sm", "total"}, "beyond_sm") == "total") {
            neutrino.charge_radius_mode = ChargeRadiusMode::total;
            charge_radius_mode_place_ = table.where("charge_radius_mode");
            if (neutrino.basis == Basis::mass) {
                throw InputError(charge_radius_mode_place_,
                                 "charge_radius_mode = \"total\" does not go with basis = \"mass\"",
                                 "the radii of the standard model, which the total ones contain, are diagonal in the "
                                 "flavour basis",
                                 "set basis = \"flavour\", or scan the shift with \"beyond_sm\"?");
            }
        }
        scope_ = parameter_scope(neutrino.basis, neutrino.majorana, {});
        neutrino.inverted_ordering = table.choice("ordering", {"normal", "inverted"}, "normal") == "inverted";
        neutrino.mixing = default_mixing(neutrino.inverted_ordering);
        if (table.has("sin2_theta_w")) {
            set_fixed(find("sin2_theta_w", table.where("sin2_theta_w")), table, "sin2_theta_w");
        }
        const TomlTable mixing = table.table("mixing");
        mixing.allow_only(mixing_keys);
        for (const std::string& key : mixing.keys()) {
            set_fixed(find(key, mixing.where(key)), mixing, key);
        }
    }

    //! Fixes a parameter at the value of a key
    void set_fixed(const Parameter& parameter, const TomlTable& table, const std::string& key) {
        const InputLocation where = table.where(key);
        const double value = table.quantity_called(parameter.name, key, parameter.dimension);
        check_value(parameter, value, where, parameter.name);
        claim(parameter, where, false);
        switch (parameter.kind) {
        case Parameter::Kind::mixing:
        case Parameter::Kind::baseline:
        case Parameter::Kind::proton_radius:
        case Parameter::Kind::neutron_radius:
            set_slow(parameter, value, config_.experiments, config_.neutrino.mixing);
            break;
        case Parameter::Kind::sin2_theta_w:
            config_.neutrino.sin2_theta_w = value;
            break;
        case Parameter::Kind::element:
        case Parameter::Kind::majorana_moment:
        case Parameter::Kind::normalisation:
        case Parameter::Kind::systematic:
            config_.fixed.push_back({parameter, value});
            break;
        }
    }

    void read_experiments(bool needed) {
        const std::vector<TomlTable> tables = root_.tables("experiment");
        if (needed && tables.empty()) {
            throw InputError(root_.where(), "the file has no [[experiment]]", "",
                             "add one, like use = \"lz-2022\"; `nuscan experiments` lists them");
        }
        for (const TomlTable& table : tables) {
            table.allow_only({"use", "file", "systematics", "statistic", "couplings"});
            if (table.has("use") == table.has("file")) {
                throw InputError(table.where(),
                                 table.has("use") ? "[[experiment]] has both \"use\" and \"file\""
                                                  : "[[experiment]] has neither \"use\" nor \"file\"",
                                 "use names a shipped experiment, file is the path of another");
            }
            Experiment experiment = read_experiment(experiment_path(table));
            for (const Experiment& other : config_.experiments) {
                if (other.name == experiment.name) {
                    throw InputError(table.where(), fmt::format("experiment \"{}\" is there twice", other.name));
                }
            }
            if (table.has("couplings")) {
                experiment.couplings = table.choice("couplings", {"tree", "radiative"}) == "tree"
                                           ? CouplingScheme::tree
                                           : CouplingScheme::radiative;
            }
            experiment.statistic = read_statistic(table, experiment.statistic);
            check_statistic(experiment, table.where("statistic"));
            check_charge_radius_mode(experiment);
            override_uncertainties(table.table("systematics"), experiment);
            experiment_places_.push_back(table.where());
            config_.experiments.push_back(std::move(experiment));
        }
        scope_ = parameter_scope(config_.neutrino.basis, config_.neutrino.majorana, config_.experiments);
        check_names_of_backgrounds();
    }

    void check_charge_radius_mode(const Experiment& experiment) const {
        if (config_.neutrino.charge_radius_mode == ChargeRadiusMode::total && !experiment.sources.empty() &&
            experiment.couplings == CouplingScheme::tree) {
            throw InputError(
                charge_radius_mode_place_,
                fmt::format("charge_radius_mode = \"total\" does not go with the couplings of {}", experiment.name),
                "they are at tree level, and hold no radius of the standard model that could be taken out",
                "set couplings = \"radiative\" in its [[experiment]]?");
        }
    }

    //! EXPERIMENT.baseline cannot be both a distance and the normalisation of a background.
    void check_names_of_backgrounds() const {
        for (const std::string& experiment : scope_.baselines) {
            const std::string name = experiment + ".baseline";
            if (std::find(scope_.normalisations.begin(), scope_.normalisations.end(), name) !=
                scope_.normalisations.end()) {
                const auto position = std::find_if(config_.experiments.begin(), config_.experiments.end(),
                                                   [&](const Experiment& e) { return e.name == experiment; });
                throw InputError(experiment_places_[static_cast<std::size_t>(position - config_.experiments.begin())],
                                 fmt::format("{} has a background called \"baseline\"", experiment),
                                 fmt::format("{} is the distance to its sources", name), "rename the background");
            }
        }
    }

    std::string experiment_path(const TomlTable& table) const {
        if (table.has("use")) {
            return find_experiment(table.string("use"), table.where("use"));
        }
        const std::string file = table.string("file");
        const std::string path = (folder_ / file).lexically_normal().string();
        read_text_file(path, table.where("file")); // so that a missing file is reported where it is named
        return path;
    }

    //! Names may be quoted ("charge.ee" = …) or spelled as tables (charge.ee = …).
    void read_fixed(const TomlTable& table, const std::string& prefix) {
        for (const std::string& key : table.keys()) {
            if (table.raw().get(key)->is_table()) {
                read_fixed(table.table(key), prefix + key + ".");
            } else {
                set_fixed(find(prefix + key, table.where(key)), table, key);
            }
        }
    }

    void read_axes(bool needed) {
        const std::vector<TomlTable> tables = root_.tables("axis");
        if (needed && tables.empty()) {
            throw InputError(root_.where(), "the file has no [[axis]]", "", "add the parameter to scan");
        }
        std::vector<AxisSpec> specs;
        std::int64_t n_points = 1;
        std::string product;
        for (const TomlTable& table : tables) {
            specs.push_back(read_axis(table));
            const AxisSpec& spec = specs.back();
            product += fmt::format("{}{} {}", product.empty() ? "" : " x ", spec.axis.parameter.name, spec.points);
            if (__builtin_mul_overflow(n_points, spec.points, &n_points)) {
                throw InputError(spec.where, "the grid has too many points",
                                 fmt::format("{} is more than {}", product, std::numeric_limits<std::int64_t>::max()));
            }
        }
        for (AxisSpec& spec : specs) {
            make_values(spec);
            config_.axes.push_back(std::move(spec.axis));
        }
    }

    AxisSpec read_axis(const TomlTable& table) {
        table.allow_only({"parameter", "min", "max", "points", "spacing", "values", "profile"});
        AxisSpec spec;
        spec.where = table.where();
        const std::string name = table.string("parameter");
        const Parameter parameter = find(name, table.where("parameter"));
        claim(parameter, table.where("parameter"), true);
        check_effect(parameter, table.where("parameter"));
        spec.axis.parameter = parameter;
        spec.axis.profile = table.boolean("profile", false);
        if (table.has("values")) {
            read_list(table, spec);
            return spec;
        }
        spec.min = table.quantity("min", parameter.dimension, name);
        spec.max = table.quantity("max", parameter.dimension, name);
        check_value(parameter, spec.min, table.where("min"), "min");
        check_value(parameter, spec.max, table.where("max"), "max");
        const std::string min_text = with_unit(spec.min, parameter.dimension);
        if (!(spec.max > spec.min)) {
            throw InputError(table.where("max"), fmt::format("max = {} is not above min = {}",
                                                             with_unit(spec.max, parameter.dimension), min_text));
        }
        spec.points = table.integer("points");
        if (spec.points < 2) {
            throw InputError(table.where("points"), fmt::format("points = {} is too few", spec.points),
                             "an axis has at least 2", "fix the parameter in [parameters]?");
        }
        if (spec.points > max_axis_points) {
            throw InputError(table.where("points"), fmt::format("points = {} is too many", spec.points),
                             fmt::format("an axis has at most {}", max_axis_points));
        }
        if (table.choice("spacing", {"linear", "log"}, "linear") == "log") {
            spec.axis.spacing = Axis::Spacing::log;
            if (!(spec.min > 0)) {
                throw InputError(table.where("min"), fmt::format("min = {} is not positive", min_text),
                                 "a logarithmic axis starts above zero");
            }
        }
        return spec;
    }

    //! A flat direction costs as much as any other, and is taken for a result.
    void check_effect(const Parameter& parameter, const InputLocation& where) const {
        if (config_.experiments.empty()) {
            return;
        }
        const std::string why = why_without_effect(parameter, config_.neutrino.basis, config_.experiments);
        if (!why.empty()) {
            throw InputError(where, fmt::format("an axis of {} changes no prediction", parameter.name), why,
                             "leave it out?");
        }
    }

    void read_list(const TomlTable& table, AxisSpec& spec) const {
        for (const char* key : {"min", "max", "points", "spacing"}) {
            if (table.has(key)) {
                throw InputError(table.where(key), fmt::format("\"{}\" does not go with \"values\"", key),
                                 "an axis is given by values, or by min, max and points");
            }
        }
        const Parameter& parameter = spec.axis.parameter;
        spec.axis.spacing = Axis::Spacing::list;
        spec.axis.values = table.quantities("values", parameter.dimension, parameter.name);
        const std::vector<double>& values = spec.axis.values;
        for (std::size_t i = 0; i < values.size(); ++i) {
            check_value(parameter, values[i], table.where("values"), fmt::format("values[{}]", i));
            if (i > 0 && !(values[i] > values[i - 1])) {
                throw InputError(table.where("values"),
                                 fmt::format("values[{}] = {} is not above {}", i,
                                             with_unit(values[i], parameter.dimension),
                                             with_unit(values[i - 1], parameter.dimension)),
                                 "the values of an axis increase");
            }
        }
        spec.points = static_cast<std::int64_t>(values.size());
        if (spec.points < 2) {
            throw InputError(table.where("values"), fmt::format("values has {} entries", spec.points),
                             "an axis has at least 2", "fix the parameter in [parameters]?");
        }
        if (spec.points > max_axis_points) {
            throw InputError(table.where("values"), fmt::format("values has {} entries", spec.points),
                             fmt::format("an axis has at most {}", max_axis_points));
        }
    }

    //! Both ends exact, a symmetric axis symmetric to the bit, and zero where only rounding keeps a point from it.
    static void make_values(AxisSpec& spec) {
        std::vector<double>& values = spec.axis.values;
        if (spec.axis.spacing == Axis::Spacing::list) {
            return;
        }
        const auto n = static_cast<double>(spec.points - 1);
        values.reserve(static_cast<std::size_t>(spec.points));
        for (std::int64_t i = 0; i < spec.points; ++i) {
            const auto t = static_cast<double>(i);
            if (spec.axis.spacing == Axis::Spacing::log) {
                values.push_back(spec.min * std::pow(spec.max / spec.min, t / n));
                continue;
            }
            const double value = (spec.min * (n - t) + spec.max * t) / n;
            values.push_back(std::abs(value) > 1e-15 * (spec.max - spec.min) ? value : 0);
        }
        values.front() = spec.min;
        values.back() = spec.max;
        for (std::size_t i = 1; i < values.size(); ++i) {
            if (!(values[i] > values[i - 1])) {
                throw InputError(spec.where, fmt::format("the points of {} are too close", spec.axis.parameter.name),
                                 "neighbours are the same number in double precision", "take fewer");
            }
        }
    }

    //! A complex element is given by re and im or by abs and arg, and an argument needs a modulus.
    void check_complex_elements() const {
        const auto find_part = [&](const std::string& element, const char* part) -> const Claim* {
            const auto position = claims_.find(element + "." + part);
            return position == claims_.end() ? nullptr : &position->second;
        };
        for (const auto& [name, claim] : claims_) {
            const Parameter& parameter = claim.parameter;
            const bool is_polar = parameter.part == Parameter::Part::abs || parameter.part == Parameter::Part::arg;
            if ((parameter.kind != Parameter::Kind::element && parameter.kind != Parameter::Kind::majorana_moment) ||
                !is_polar) {
                continue;
            }
            const std::string element = name.substr(0, name.rfind('.'));
            for (const char* part : {"re", "im"}) {
                if (const Claim* other = find_part(element, part)) {
                    throw InputError(claim.where, fmt::format("{} does not go with {}", name, other->parameter.name),
                                     "an element is given by re and im, or by abs and arg");
                }
            }
            if (parameter.part == Parameter::Part::arg && !find_part(element, "abs")) {
                throw InputError(claim.where, fmt::format("{} has no {}.abs", name, element),
                                 "an argument alone leaves the element zero",
                                 fmt::format("give \"{}.abs\" in [parameters] or as an axis", element));
            }
        }
    }

    //! Λ_l are the whole of μ − iε.
    void check_majorana_moments() const {
        const auto moment = std::find_if(claims_.begin(), claims_.end(), [](const auto& claim) {
            return claim.second.parameter.kind == Parameter::Kind::majorana_moment;
        });
        if (moment == claims_.end()) {
            return;
        }
        for (const auto& [name, claim] : claims_) {
            const Parameter& parameter = claim.parameter;
            if (parameter.kind == Parameter::Kind::element && (parameter.form_factor == FormFactor::magnetic_moment ||
                                                               parameter.form_factor == FormFactor::electric_moment)) {
                throw InputError(claim.where, fmt::format("{} does not go with {}", name, moment->first),
                                 "majorana_moment is the whole of mu - i epsilon");
            }
        }
    }

    //! What is measured in inverted ordering is Δm²32: where Δm²31 is not given, it follows a given Δm²21.
    void follow_ordering() {
        Mixing& mixing = config_.neutrino.mixing;
        if (config_.neutrino.inverted_ordering && !claims_.contains("dm31")) {
            const Mixing standard = default_mixing(true);
            mixing.dm31 = standard.dm31 - standard.dm21 + mixing.dm21;
        }
    }

    //! Systematics that are one with those of other experiments; none of their names is a parameter
    bool is_shared(std::size_t e, const std::string& name) const {
        return std::any_of(config_.shared.begin(), config_.shared.end(), [&](const SharedSystematic& shared) {
            return std::any_of(shared.members.begin(), shared.members.end(),
                               [&](const auto& member) { return member.experiment == e && member.name == name; });
        });
    }

    //! Whether something of an experiment is minimised over by itself, at every point
    bool is_pull(std::size_t e, const std::string& name) const {
        const Experiment& experiment = config_.experiments[e];
        return uncertainty_of(experiment, name).sigma > 0 && !is_shared(e, name) &&
               !claims_.contains(experiment.name + "." + name);
    }

    //! Free normalisations of which one scales what others do leave a direction along which χ² is flat.
    void check_free_normalisations() const {
        for (std::size_t e = 0; e < config_.experiments.size(); ++e) {
            const Experiment& experiment = config_.experiments[e];
            std::vector<std::vector<double>> independent; // factors on the components, in echelon form
            for (const std::string& name : names_of_systematics(experiment)) {
                const Uncertainty own = uncertainty_of(experiment, name);
                if (own.kind != Systematic::Kind::normalisation || !std::isinf(own.sigma) || !is_pull(e, name)) {
                    continue;
                }
                std::vector<double> row = scaled_components(experiment, name);
                const auto leads = [](double factor) { return std::abs(factor) > 1e-9; };
                for (const std::vector<double>& other : independent) {
                    const auto lead = std::find_if(other.begin(), other.end(), leads);
                    const double factor = row[static_cast<std::size_t>(lead - other.begin())] / *lead;
                    for (std::size_t k = 0; k < row.size(); ++k) {
                        row[k] -= factor * other[k];
                    }
                }
                if (std::none_of(row.begin(), row.end(), leads)) {
                    throw InputError(experiment_places_[e],
                                     fmt::format("{}.{} scales only what is free already", experiment.name, name),
                                     "the fit cannot tell these normalisations apart",
                                     fmt::format("set systematics.{} = \"fixed\", or to a standard deviation", name));
                }
                independent.push_back(row);
            }
        }
    }

    //! For each experiment the first of those with which a shared systematic connects it, directly or by way of others
    std::vector<std::size_t> connected_experiments() const {
        std::vector<std::size_t> group(config_.experiments.size());
        std::iota(group.begin(), group.end(), std::size_t{0});
        for (const SharedSystematic& shared : config_.shared) {
            for (std::size_t i = 1; i < shared.members.size() && !claims_.contains(shared.name); ++i) {
                const std::size_t a = group[shared.members[0].experiment], b = group[shared.members[i].experiment];
                std::replace(group.begin(), group.end(), std::max(a, b), std::min(a, b));
            }
        }
        return group;
    }

    //! Pulls of connected experiments are minimised over together.
    void check_pulls() const {
        struct Group {
            std::string experiments;
            int n_pulls = 0;
            bool normalisations_alone = true;
        };
        const std::vector<std::size_t> group = connected_experiments();
        std::vector<Group> groups(group.size());
        for (std::size_t e = 0; e < group.size(); ++e) {
            const Experiment& experiment = config_.experiments[e];
            Group& its = groups[group[e]];
            its.experiments += (its.experiments.empty() ? "" : ", ") + experiment.name;
            for (const std::string& name : names_of_systematics(experiment)) {
                if (is_pull(e, name)) {
                    ++its.n_pulls;
                    its.normalisations_alone = its.normalisations_alone && !find_systematic(experiment, name);
                }
            }
        }
        for (const SharedSystematic& shared : config_.shared) {
            if (!claims_.contains(shared.name)) {
                Group& its = groups[group[shared.members[0].experiment]];
                ++its.n_pulls;
                its.normalisations_alone = false;
            }
        }
        for (std::size_t e = 0; e < groups.size(); ++e) {
            const Group& its = groups[e];
            const int most = its.normalisations_alone ? max_pulls : max_systematics;
            if (its.n_pulls > most) {
                throw InputError(experiment_places_[e],
                                 fmt::format("{} {} {} {} to profile", its.experiments,
                                             its.experiments.find(',') == std::string::npos ? "has" : "have",
                                             its.n_pulls, its.normalisations_alone ? "normalisations" : "systematics"),
                                 fmt::format("there may be {}", most), "set systematics.NAME = \"fixed\" for some");
            }
        }
    }

    std::string path_;
    std::filesystem::path folder_;
    TomlTable root_;
    ScanConfig config_;
    ParameterScope scope_; //!< without what belongs to experiments until these are read
    InputLocation charge_radius_mode_place_;
    std::vector<InputLocation> experiment_places_;
    std::map<std::string, Claim> claims_;
};

} // namespace

namespace {

ScanConfig read_config(const std::string& path, const std::vector<Override>& overrides, bool with_axes,
                       bool needs_experiment, bool needs_axis) {
    std::string text = path.empty() ? "" : read_text_file(path);
    toml::table table = parse_toml(text, path);
    for (const Override& override : overrides) {
        apply_override(table, override);
    }
    if (!with_axes) {
        table.erase("axis");
    }
    if (!overrides.empty() || !with_axes) {
        std::ostringstream out;
        out << table << '\n';
        text = out.str();
    }
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    ScanConfig config = ScanReader(path, folder, table).read(needs_experiment, needs_axis);
    config.text = text;
    return config;
}

} // namespace

ScanConfig read_scan_config(const std::string& path, const std::vector<Override>& overrides, bool needs_experiment,
                            bool needs_axis) {
    return read_config(path, overrides, true, needs_experiment, needs_axis);
}

ScanConfig read_scan_text(const std::string& text, const std::string& path, const std::string& folder) {
    ScanConfig config = ScanReader(path, folder, parse_toml(text, path)).read(true, true);
    config.text = text;
    return config;
}

ScanConfig read_point_config(const std::string& path, const std::vector<Override>& overrides, bool needs_experiment) {
    return read_config(path, overrides, false, needs_experiment, false);
}

} // namespace nuscan
