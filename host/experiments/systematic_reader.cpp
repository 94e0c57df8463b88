// SPDX-License-Identifier: Apache-2.0
#include "experiments/systematic_reader.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "experiments/uncertainty.hpp"

namespace nuscan {
namespace {

double sum_of(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.); }

//! Parameters of a scan go by EXPERIMENT.NAME, whatever they are.
void check_name(const TomlTable& table, const std::string& name, const Experiment& experiment) {
    const auto taken_by = [&](const std::string& what) {
        throw InputError(table.where("name"), fmt::format("a systematic is called \"{}\"", name), what, "rename it?");
    };
    if (name == Experiment::signal) {
        taken_by("EXPERIMENT.signal is the normalisation of what neutrinos add");
    }
    if (name == "baseline") {
        taken_by("EXPERIMENT.baseline is the distance to the sources");
    }
    for (const Background& background : experiment.backgrounds) {
        if (background.name == name) {
            taken_by("a background has that name");
        }
    }
    for (const Systematic& other : experiment.systematics) {
        if (other.name == name) {
            throw InputError(table.where("name"), fmt::format("there are two systematics \"{}\"", name));
        }
    }
}

//! Places of the components that `of` names, as in SystematicEffect
std::vector<std::size_t> read_components(const TomlTable& table, const Experiment& experiment) {
    std::vector<std::string> names;
    for (const Background& background : experiment.backgrounds) {
        names.push_back(background.name);
    }
    if (!experiment.sources.empty()) {
        names.emplace_back(Experiment::signal);
    }
    std::vector<std::size_t> components;
    for (const std::string& name : table.strings("of")) {
        const auto found = std::find(names.begin(), names.end(), name);
        const auto component = static_cast<std::size_t>(found - names.begin());
        if (found == names.end()) {
            throw InputError(table.where("of"), fmt::format("there is no component \"{}\"", name),
                             names.empty() ? "the file has no [[source]] and no [[background]]"
                                           : "components are " + quoted_list(names),
                             did_you_mean(name, names));
        }
        if (std::find(components.begin(), components.end(), component) != components.end()) {
            throw InputError(table.where("of"), fmt::format("\"{}\" is there twice", name));
        }
        components.push_back(component);
    }
    if (components.empty()) {
        throw InputError(table.where("of"), "of is empty", "a systematic moves a component",
                         "components are " + quoted_list(names));
    }
    return components;
}

/// The templates of a shape.
class ShapeReader {
public:
    ShapeReader(const TomlTable& table, const std::string& name, const std::vector<BinAxis>& axes,
                ExperimentTables& tables)
        : table_(table), owner_(fmt::format("systematic \"{}\"", name)), axes_(axes), tables_(tables),
          rate_(table.boolean("rate", false)) {}

    //! What it adds to a background, or to the signal, which has no nominal counts but those of the shape's own
    SystematicEffect read(std::size_t component, const Experiment& experiment) {
        const bool of_signal = component == experiment.backgrounds.size();
        if (table_.has("nominal") && !of_signal) {
            throw InputError(table_.where("nominal"), "\"nominal\" does not go with a background",
                             "its own counts are nominal", "leave it out?");
        }
        const std::vector<double> nominal = of_signal ? read("nominal") : experiment.backgrounds[component].counts;
        if (!(sum_of(nominal) > 0)) {
            throw InputError(table_.where("of"),
                             fmt::format("background \"{}\" is zero in every bin", table_.strings("of")[0]),
                             "it has no shape");
        }
        const std::vector<double> plus = scaled("plus", sum_of(nominal));
        const std::vector<double> minus =
            table_.has("minus") ? scaled("minus", sum_of(nominal)) : mirror_image(plus, nominal);
        check_change(plus, minus, nominal);
        SystematicEffect effect{component, {}};
        for (const std::vector<double>* knot : {&plus, &minus}) {
            for (std::size_t b = 0; b < nominal.size(); ++b) {
                const double added = (*knot)[b] - nominal[b];
                effect.added.push_back(!of_signal ? added : (nominal[b] > 0 ? added / nominal[b] : 0));
            }
        }
        return effect;
    }

private:
    std::vector<double> read(const std::string& key) {
        std::vector<double> values = read_per_bin(table_, key, owner_, axes_, tables_);
        if (!(sum_of(values) > 0)) {
            throw InputError(table_.where(key), fmt::format("{} of {} is zero in every bin", key, owner_));
        }
        return values;
    }

    std::vector<double> scaled(const std::string& key, double nominal_sum) {
        std::vector<double> values = read(key);
        const double factor = rate_ ? 1 : nominal_sum / sum_of(values);
        for (double& value : values) {
            value *= factor;
        }
        return values;
    }

    std::vector<double> mirror_image(const std::vector<double>& plus, const std::vector<double>& nominal) const {
        std::vector<double> minus;
        for (std::size_t b = 0; b < plus.size(); ++b) {
            minus.push_back(2 * nominal[b] - plus[b]);
            if (minus[b] < 0) {
                throw InputError(table_.where("plus"),
                                 fmt::format("the mirror image of plus of {} is negative in bin {}", owner_, b + 1),
                                 fmt::format("nominal are {:.6g}, plus {:.6g}", nominal[b], plus[b]), "add minus?");
            }
        }
        return minus;
    }

    void check_change(const std::vector<double>& plus, const std::vector<double>& minus,
                      const std::vector<double>& nominal) const {
        const double rounding = 1e-12 * *std::max_element(nominal.begin(), nominal.end());
        const auto is_nominal = [&](const std::vector<double>& values) {
            return std::equal(values.begin(), values.end(), nominal.begin(),
                              [&](double a, double b) { return std::abs(a - b) <= rounding; });
        };
        if (is_nominal(plus) && is_nominal(minus)) {
            throw InputError(table_.where("plus"), fmt::format("{} changes nothing", owner_),
                             rate_ ? "plus and minus are nominal"
                                   : "scaled to the nominal sum, plus and minus are nominal",
                             rate_ ? "" : "write rate = true where they change the sum?");
        }
    }

    const TomlTable& table_;
    std::string owner_; //!< as error messages call it
    const std::vector<BinAxis>& axes_;
    ExperimentTables& tables_;
    bool rate_;
};

Systematic read_systematic(const TomlTable& table, const std::vector<BinAxis>& axes, ExperimentTables& tables,
                           const Experiment& experiment) {
    table.allow_only({"name", "of", "uncertainty", "nominal", "plus", "minus", "rate"});
    Systematic systematic;
    systematic.name = identifier(table, "name");
    check_name(table, systematic.name, experiment);
    const std::vector<std::size_t> components = read_components(table, experiment);
    if (!table.has("plus")) {
        for (const char* key : {"nominal", "minus", "rate"}) {
            if (table.has(key)) {
                throw InputError(table.where(key), fmt::format("\"{}\" does not go without \"plus\"", key),
                                 "a systematic without templates is a normalisation");
            }
        }
        for (const std::size_t component : components) {
            systematic.effects.push_back({component, {}});
        }
        systematic.sigma = read_uncertainty(table, "uncertainty");
        return systematic;
    }
    if (components.size() > 1) {
        throw InputError(table.where("of"), fmt::format("a shape is of {} components", components.size()),
                         "its templates are those of one", "write a [[systematic]] for each?");
    }
    systematic.kind = Systematic::Kind::shape;
    systematic.n_knots = 2;
    systematic.sigma = table.has("uncertainty") ? read_uncertainty(table, "uncertainty", systematic.kind) : 1;
    systematic.effects = {ShapeReader(table, systematic.name, axes, tables).read(components[0], experiment)};
    return systematic;
}

} // namespace

void read_systematics(const TomlTable& file, const std::vector<BinAxis>& axes, ExperimentTables& tables,
                      Experiment& experiment) {
    for (const TomlTable& table : file.tables("systematic")) {
        experiment.systematics.push_back(read_systematic(table, axes, tables, experiment));
        experiment.systematics.back().where = table.where("uncertainty");
    }
}

} // namespace nuscan
