// SPDX-License-Identifier: Apache-2.0
#include "sources/solar.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sources/source_keys.hpp"
#include "sources/tabulated.hpp"

namespace nuscan {
namespace {

std::vector<std::string> component_names() {
    std::vector<std::string> names;
    for (const SolarComponent& component : solar_components()) {
        names.push_back(component.name);
    }
    return names;
}

const SolarComponent& find_component(const std::string& name, const std::string& key, const InputLocation& where) {
    for (const SolarComponent& component : solar_components()) {
        if (component.name == name) {
            return component;
        }
    }
    const std::vector<std::string> names = component_names();
    throw InputError(where, fmt::format("{} = \"{}\" is not made in the Sun", key, name),
                     "expected " + quoted_list(names), did_you_mean(name, names));
}

//! The components of `components`: "all", or a list of names
std::vector<SolarComponent> listed_components(const TomlTable& table) {
    const std::string key = "components";
    const toml::node& node = *table.raw().get(key);
    if (node.is_string()) {
        table.choice(key, {"all"});
        return solar_components();
    }
    const toml::array* array = node.as_array();
    std::vector<SolarComponent> components;
    for (std::size_t i = 0; array && i < array->size(); ++i) {
        const toml::node& entry = *array->get(i);
        if (!entry.is_string()) {
            array = nullptr;
            break;
        }
        const std::string called = fmt::format("{}[{}]", key, i);
        components.push_back(find_component(entry.as_string()->get(), called, table.where(entry)));
        for (std::size_t j = 0; j < i; ++j) {
            if (components[j].name == components[i].name) {
                throw InputError(table.where(entry),
                                 fmt::format("{} = \"{}\" is there twice", called, components[i].name));
            }
        }
    }
    if (!array) {
        throw InputError(table.where(key), "components is neither \"all\" nor a list of names", "",
                         "write, e.g., components = [\"pp\", \"7Be\"]?");
    }
    if (components.empty()) {
        throw InputError(table.where(key), "components is empty", "", "write components = \"all\"?");
    }
    return components;
}

Table radial_profile(const TomlTable& table, const std::string& key, ExperimentTables& tables,
                     const std::string& column_name) {
    const CsvTable& rows = two_columns(table, key, tables, "r_over_R and " + column_name);
    const InputLocation header{rows.path, rows.header_line};
    if (rows.columns[0] != "r_over_R") {
        throw InputError(header, fmt::format("the first column is \"{}\"", rows.columns[0]),
                         "expected the radius in units of the Sun's", "write \"r_over_R\"?");
    }
    column(rows, "r_over_R", header); // not negative
    Table profile = {increasing_column(rows, 0), column(rows, column_name, header)};
    if (!(integral(profile) > 0)) {
        throw InputError(table.where(key), fmt::format("{} is zero everywhere", key));
    }
    return profile;
}

} // namespace

const std::vector<SolarComponent>& solar_components() {
    static const std::vector<SolarComponent> components = {
        {"pp", 5.98e10, 67.9, "solar/pp.csv", {}},  {"pep", 1.44e8, 73.8, "", {{1.442, 1}}},
        {"hep", 7.98e3, 70, "solar/hep.csv", {}},   {"7Be", 4.93e9, 81.5, "", {{0.8613, 0.896}, {0.3843, 0.104}}},
        {"8B", 5.46e6, 92.5, "solar/8B.csv", {}},   {"13N", 2.78e8, 61.7, "solar/13N.csv", {}},
        {"15O", 2.05e8, 67.0, "solar/15O.csv", {}}, {"17F", 5.29e6, 67.3, "solar/17F.csv", {}},
    };
    return components;
}

std::vector<ProductionZone> production_zones(const Table& production, const Table& electrons) {
    const double smallest_fraction = 1.0 / 64;
    std::vector<double> radii = production.x;
    for (const double r : electrons.x) {
        if (r > production.x.front() && r < production.x.back()) {
            radii.push_back(r);
        }
    }
    std::sort(radii.begin(), radii.end());
    radii.erase(std::unique(radii.begin(), radii.end()), radii.end());
    const int parts = 16; // of each interval, so that coarse tables do not make coarse zones
    std::vector<double> edges = {radii.front()};
    for (std::size_t i = 1; i < radii.size(); ++i) {
        for (int j = 1; j <= parts; ++j) {
            edges.push_back(j == parts ? radii[i] : radii[i - 1] + (radii[i] - radii[i - 1]) * j / parts);
        }
    }
    const double total = integral(production);
    std::vector<ProductionZone> zones;
    double fraction = 0, electron_sum = 0;
    for (std::size_t i = 1; i < edges.size(); ++i) {
        // The product of two straight lines: Simpson's rule is exact.
        const double low = edges[i - 1], high = edges[i], middle = (low + high) / 2;
        const double f[] = {value_at(production, low), value_at(production, middle), value_at(production, high)};
        const double n[] = {value_at(electrons, low), value_at(electrons, middle), value_at(electrons, high)};
        fraction += (high - low) * f[1] / total;
        electron_sum += (high - low) * (f[0] * n[0] + 4 * f[1] * n[1] + f[2] * n[2]) / 6 / total;
        const bool last = i + 1 == edges.size();
        if (fraction >= smallest_fraction || (last && fraction > 0)) {
            zones.push_back({electron_sum / fraction, fraction});
            fraction = electron_sum = 0;
        }
    }
    double sum = 0;
    for (const ProductionZone& zone : zones) {
        sum += zone.fraction;
    }
    for (ProductionZone& zone : zones) {
        zone.fraction /= sum;
    }
    return zones;
}

std::vector<ProductionZone> read_zones(const TomlTable& table, ExperimentTables& tables) {
    const std::string production = "production_profile", electrons = "electron_density_profile";
    for (const std::string& key : {production, electrons}) {
        refuse_together(table, key, "electron_density",
                        "the profiles give the electron density where neutrinos are made");
        const std::string& partner = key == production ? electrons : production;
        if (table.has(key) && !table.has(partner)) {
            throw InputError(table.where(key), fmt::format("\"{}\" needs \"{}\"", key, partner),
                             "the weights are averaged over where the neutrinos are made",
                             fmt::format("add {} = \"...csv\"?", partner));
        }
    }
    if (table.has(production)) {
        const Table made = radial_profile(table, production, tables, "production");
        const Table n_e = radial_profile(table, electrons, tables, "electrons_mol_per_cm3");
        if (n_e.x.front() > made.x.front() || n_e.x.back() < made.x.back()) {
            throw InputError(table.where(electrons),
                             fmt::format("the electron density reaches from {} to {} R, the production from {} to {} R",
                                         n_e.x.front(), n_e.x.back(), made.x.front(), made.x.back()),
                             "outside its table it is zero", "extend the table");
        }
        return production_zones(made, n_e);
    }
    if (table.has("electron_density")) {
        return {{not_negative(table, "electron_density", Dimension::amount_density), 1}};
    }
    return {};
}

std::vector<Source> read_solar(const TomlTable& table, ExperimentTables& tables) {
    const std::vector<std::string> of_one = {"flux", "electron_density", "production_profile",
                                             "electron_density_profile"};
    table.allow_only({"type", "name", "components", "propagation", of_one[0], of_one[1], of_one[2], of_one[3]});
    std::vector<SolarComponent> components;
    if (table.has("components")) {
        refuse_together(table, "name", "components", "a source is one component, or a list of them");
        for (const std::string& key : of_one) {
            refuse_together(table, key, "components", "it belongs to one component: give that a [[source]] of its own");
        }
        components = listed_components(table);
    } else if (table.has("name")) {
        components = {find_component(table.string("name"), "name", table.where("name"))};
    } else {
        throw InputError(table.where(), "solar source has no \"name\"", "expected " + quoted_list(component_names()),
                         "add one, or components = \"all\"?");
    }
    const bool solar = table.choice("propagation", {"solar", "decohered"}, "solar") == "solar";
    std::vector<ProductionZone> zones = read_zones(table, tables);
    if (!solar && !zones.empty()) {
        const auto key = std::find_if(of_one.begin() + 1, of_one.end(), [&](const auto& k) { return table.has(k); });
        throw InputError(table.where(*key), fmt::format("\"{}\" does not go with propagation = \"decohered\"", *key),
                         "without matter the weights are |U_ek|²");
    }
    std::vector<Source> sources;
    for (const SolarComponent& component : components) {
        Source source;
        source.name = component.name;
        source.propagation = solar ? Propagation::solar : Propagation::decohered;
        source.flux = table.has("flux") ? positive(table, "flux", Dimension::flux) : component.flux;
        source.lines = component.lines;
        if (!component.spectrum.empty()) {
            const CsvTable& rows = tables.csv(shipped_table(component.spectrum, table.where()), table.where());
            source.spectrum = {energy_column(rows), column(rows, "per_MeV", {rows.path, rows.header_line})};
            normalise(source.spectrum);
        }
        if (solar) {
            source.zones = zones.empty() ? std::vector<ProductionZone>{{component.electron_density, 1}} : zones;
        }
        sources.push_back(std::move(source));
    }
    return sources;
}

} // namespace nuscan
