// SPDX-License-Identifier: Apache-2.0
#include "experiments/target_reader.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "nuscan/constants.hpp"

namespace nuscan {
namespace {

constexpr double atomic_mass_unit = 931.49410242; // [MeV]
constexpr double max_radius = 20;                 // [fm]: the heaviest nuclei have less than 6
constexpr double mass_of_sun = 2e30;              // [kg]
constexpr double age_of_universe = 4.4e17;        // [s]

Nuclide nuclide_called(const std::string& name, const InputLocation& where) {
    const auto nuclide = find_nuclide(name);
    if (!nuclide) {
        const std::string suggestion = did_you_mean(symbol_first(name), nuclide_names());
        throw InputError(where, fmt::format("there is no nuclide \"{}\"", name), "expected one that occurs in nature",
                         suggestion.empty() ? "write, e.g., \"Ar40\"?" : suggestion);
    }
    return *nuclide;
}

//! Symbol of a nuclide's element
std::string symbol_of(const Nuclide& nuclide) {
    return nuclide.name.substr(0, nuclide.name.find_first_of("0123456789"));
}

//! Of the neutral atom [g/mol]; the binding energy of electrons is left out
double atomic_weight(const Nuclide& nuclide) { return atomic_mass(nuclide) / atomic_mass_unit; }

Element element_called(const std::string& symbol, const InputLocation& where) {
    const auto element = find_element(symbol);
    if (!element) {
        const std::string nuclide = symbol_first(symbol);
        const std::string suggestion = find_nuclide(nuclide) ? fmt::format("write nuclide = \"{}\"?", nuclide)
                                                             : did_you_mean(symbol, element_symbols());
        throw InputError(where, fmt::format("element = \"{}\" is unknown", symbol), "expected a symbol",
                         suggestion.empty() ? "write, e.g., \"Xe\"?" : suggestion);
    }
    return *element;
}

/// An element with the isotopes it is made of.
struct Ingredient {
    Element element;
    double count;                        //!< per formula unit
    double weight;                       //!< [g/mol]
    std::vector<TargetNuclide> isotopes; //!< number: atom fraction
};

Ingredient natural(const FormulaPart& part) {
    Ingredient out{part.element, part.count, part.element.atomic_weight, {}};
    for (const Nuclide& nuclide : natural_isotopes(part.element.symbol)) {
        out.isotopes.push_back({nuclide, nuclide.abundance});
    }
    return out;
}

//! Gives elements the isotopes of `nuclides = { Xe136 = 0.9, … }` in place of the natural ones
void enrich(const TomlTable& fractions, std::vector<Ingredient>& ingredients) {
    std::vector<std::string> symbols;
    std::vector<std::vector<TargetNuclide>> enriched(ingredients.size());
    for (const Ingredient& ingredient : ingredients) {
        symbols.push_back(ingredient.element.symbol);
    }
    for (const std::string& name : fractions.keys()) {
        const Nuclide nuclide = nuclide_called(name, fractions.where(name));
        const auto at = std::find(symbols.begin(), symbols.end(), symbol_of(nuclide));
        if (at == symbols.end()) {
            throw InputError(fractions.where(name), fmt::format("the target has no {}", name),
                             fmt::format("its elements are {}", quoted_list(symbols)));
        }
        enriched[static_cast<std::size_t>(at - symbols.begin())].push_back(
            {nuclide, positive(fractions, name, Dimension::dimensionless)});
    }
    for (std::size_t i = 0; i < ingredients.size(); ++i) {
        if (enriched[i].empty()) {
            continue;
        }
        double sum = 0;
        for (const TargetNuclide& isotope : enriched[i]) {
            sum += isotope.number;
        }
        const double rounding = 1e-6;
        if (std::abs(sum - 1) > rounding) {
            throw InputError(fractions.where(), fmt::format("the atom fractions of {} add up to {}", symbols[i], sum),
                             "expected 1");
        }
        ingredients[i].weight = 0;
        for (TargetNuclide& isotope : enriched[i]) {
            isotope.number /= sum;
            ingredients[i].weight += isotope.number * atomic_weight(isotope.nuclide);
        }
        std::sort(enriched[i].begin(), enriched[i].end(),
                  [](const TargetNuclide& a, const TargetNuclide& b) { return a.nuclide.A < b.nuclide.A; });
        ingredients[i].isotopes = enriched[i];
    }
}

//! Reads what the target is made of, and what the file calls it
std::vector<Ingredient> read_ingredients(const TomlTable& table, std::string& formula) {
    std::string kind;
    for (const char* key : {"element", "formula", "nuclide"}) {
        if (table.has(key) && !kind.empty()) {
            throw InputError(table.where(key), fmt::format("\"{}\" does not go with \"{}\"", key, kind),
                             "a target is an element, a compound or a single nuclide");
        }
        kind = table.has(key) ? key : kind;
    }
    if (kind.empty()) {
        throw InputError(table.where(), "[target] does not say what it is made of", "",
                         "add element = \"Xe\", formula = \"CsI\" or nuclide = \"Ar40\"?");
    }
    formula = table.string(kind);
    if (kind == "nuclide") {
        const Nuclide nuclide = nuclide_called(formula, table.where("nuclide"));
        if (table.has("nuclides")) {
            throw InputError(table.where("nuclides"), "\"nuclides\" does not go with \"nuclide\"",
                             fmt::format("all of the target is {}", nuclide.name));
        }
        return {{*find_element(symbol_of(nuclide)), 1, atomic_weight(nuclide), {{nuclide, 1}}}};
    }
    std::vector<Ingredient> ingredients;
    if (kind == "element") {
        ingredients.push_back(natural({element_called(formula, table.where("element")), 1}));
    } else {
        for (const FormulaPart& part : parse_formula(formula, table.where("formula"))) {
            ingredients.push_back(natural(part));
        }
    }
    if (table.has("nuclides")) {
        enrich(table.table("nuclides"), ingredients);
    }
    return ingredients;
}

//! Puts the radii of `proton_radius = { Cs133 = "4.821 fm" }` in place of the tabulated ones
void read_radii(const TomlTable& table, const std::string& key, double Nuclide::*radius,
                std::vector<TargetNuclide>& nuclides) {
    const TomlTable radii = table.table(key);
    for (const std::string& name : radii.keys()) {
        const auto nuclide = std::find_if(nuclides.begin(), nuclides.end(),
                                          [&](const TargetNuclide& known) { return known.nuclide.name == name; });
        if (nuclide == nuclides.end()) {
            std::vector<std::string> names;
            for (const TargetNuclide& known : nuclides) {
                names.push_back(known.nuclide.name);
            }
            throw InputError(radii.where(name), fmt::format("the target has no nuclide \"{}\"", name),
                             names.empty() ? "it has none at all" : "its nuclides are " + quoted_list(names),
                             did_you_mean(symbol_first(name), names));
        }
        const std::string what = fmt::format("{} of {}", key, name);
        const double value = radii.quantity_called(what, name, Dimension::nuclear_radius);
        if (!(value > 0)) {
            throw InputError(radii.where(name), fmt::format("{} = {} fm is not positive", what, value));
        }
        if (value > max_radius) {
            throw InputError(radii.where(name), fmt::format("{} = {} fm is above {} fm", what, value, max_radius),
                             "no nucleus is that large");
        }
        nuclide->nuclide.*radius = value;
        nuclide->nuclide.radius_source = "the experiment file";
    }
}

TomlTable exposure_of(const TomlTable& experiment) {
    const TomlTable table = experiment.table("exposure");
    table.allow_only({"mass", "live_time"});
    return table;
}

//! A positive number of `[exposure]`; beyond what there is, counts would soon be infinite
double exposure(const TomlTable& experiment, const std::string& key, Dimension dimension, double most,
                const std::string& why) {
    const TomlTable table = exposure_of(experiment);
    const double value = positive(table, key, dimension);
    if (value > most) {
        throw InputError(table.where(key), fmt::format("{} = {}{} is too large", key, value, unit_suffix(dimension)),
                         why);
    }
    return value;
}

} // namespace

TargetInput read_target(const TomlTable& experiment) {
    const TomlTable table = experiment.table("target");
    table.allow_only(
        {"element", "formula", "nuclide", "nuclides", "proton_radius", "neutron_radius", "atomic", "interference"});
    TargetInput out;
    TargetMaterial& material = out.material;
    double weight = 0; // [g/mol]
    for (const Ingredient& ingredient : read_ingredients(table, material.formula)) {
        out.parts.push_back({ingredient.element, ingredient.count});
        weight += ingredient.count * ingredient.weight;
        for (const Shell& shell : ingredient.element.shells) {
            material.shells.push_back({ingredient.count * shell.electrons, shell.binding_energy});
        }
        material.n_electrons += ingredient.count * ingredient.element.Z;
        for (const TargetNuclide& isotope : ingredient.isotopes) {
            material.nuclides.push_back({isotope.nuclide, ingredient.count * isotope.number});
        }
    }
    read_radii(table, "proton_radius", &Nuclide::proton_radius, material.nuclides);
    read_radii(table, "neutron_radius", &Nuclide::neutron_radius, material.nuclides);
    material.units = exposure(experiment, "mass", Dimension::mass, mass_of_sun, "the Sun has 2e+30 kg") * 1e3 / weight *
                     constants::avogadro;
    return out;
}

double read_live_time(const TomlTable& experiment) {
    return exposure(experiment, "live_time", Dimension::time, age_of_universe, "the universe is 4.4e+17 s old");
}

} // namespace nuscan
