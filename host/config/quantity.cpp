// SPDX-License-Identifier: Apache-2.0
#include "config/quantity.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "nuscan/constants.hpp"

namespace nuscan {
namespace {

struct Unit {
    std::string name;
    Dimension dimension;
    UnitFactor factor;
};

void append_inverse_energies(std::vector<Unit>& table) {
    for (int power = 1; power <= 4; ++power) {
        double factor = 1; // MeV^-power in the unit
        for (const char* energy : {"MeV", "keV", "eV"}) {
            table.push_back({fmt::format("{}^-{}", energy, power), inverse_energy(power), {factor, 1}});
            factor *= std::pow(10., 3 * power);
        }
        table.push_back({fmt::format("GeV^-{}", power), inverse_energy(power), {1, std::pow(10., 3 * power)}});
    }
}

// The internal unit of each dimension comes first.
const std::vector<Unit>& units() {
    static const std::vector<Unit> table = [] {
        std::vector<Unit> rows = {
            {"1", Dimension::dimensionless, {1, 1}},
            {"rad", Dimension::angle, {1, 1}},
            {"deg", Dimension::angle, {constants::pi, 180}},
            {"e", Dimension::charge, {1, 1}},
            {"cm^2", Dimension::area, {1, 1}},
            {"fm^2", Dimension::area, {1e-26, 1}},
            {"mu_B", Dimension::magnetic_moment, {1, 1}},
            {"eV^2", Dimension::mass_splitting, {1, 1}},
            {"MeV", Dimension::energy, {1, 1}},
            {"GeV", Dimension::energy, {1e3, 1}},
            {"keV", Dimension::energy, {1, 1e3}},
            {"eV", Dimension::energy, {1, 1e6}},
            {"m", Dimension::length, {1, 1}},
            {"km", Dimension::length, {1e3, 1}},
            {"cm", Dimension::length, {1, 100}},
            {"kg", Dimension::mass, {1, 1}},
            {"mg", Dimension::mass, {1, 1e6}},
            {"g", Dimension::mass, {1, 1e3}},
            {"t", Dimension::mass, {1e3, 1}},
            {"kt", Dimension::mass, {1e6, 1}},
            {"s", Dimension::time, {1, 1}},
            {"ms", Dimension::time, {1, 1e3}},
            {"us", Dimension::time, {1, 1e6}},
            {"ns", Dimension::time, {1, 1e9}},
            {"min", Dimension::time, {60, 1}},
            {"h", Dimension::time, {3600, 1}},
            {"d", Dimension::time, {constants::seconds_per_day, 1}},
            {"yr", Dimension::time, {365.25 * constants::seconds_per_day, 1}}, // Julian year
            {"cm^-2 s^-1", Dimension::flux, {1, 1}},
            {"MeV^1/2", Dimension::root_energy, {1, 1}},
            {"GeV^1/2", Dimension::root_energy, {31.622776601683793, 1}}, // √1000
            {"keV^1/2", Dimension::root_energy, {1, 31.622776601683793}},
            {"eV^1/2", Dimension::root_energy, {1, 1e3}},
            {"fm", Dimension::nuclear_radius, {1, 1}},
            {"W", Dimension::power, {1, 1}},
            {"kW", Dimension::power, {1e3, 1}},
            {"MW", Dimension::power, {1e6, 1}},
            {"GW", Dimension::power, {1e9, 1}},
            {"Bq", Dimension::activity, {1, 1}},
            {"MBq", Dimension::activity, {1e6, 1}},
            {"GBq", Dimension::activity, {1e9, 1}},
            {"TBq", Dimension::activity, {1e12, 1}},
            {"PBq", Dimension::activity, {1e15, 1}},
            {"Ci", Dimension::activity, {3.7e10, 1}},
            {"kCi", Dimension::activity, {3.7e13, 1}},
            {"MCi", Dimension::activity, {3.7e16, 1}},
            {"mol/cm^3", Dimension::amount_density, {1, 1}},
        };
        append_inverse_energies(rows);
        return rows;
    }();
    return table;
}

//! The unit of \p dimension that a word stands for ("days"), or else the one that is written most alike; "" for none
std::string unit_meant_by(const std::string& word, Dimension dimension) {
    static const std::map<std::string, std::vector<std::string>> words = {
        {"s", {"sec", "second", "seconds"}},
        {"min", {"minute", "minutes"}},
        {"h", {"hr", "hour", "hours"}},
        {"d", {"day", "days"}},
        {"yr", {"a", "y", "year", "years"}},
        {"t", {"ton", "tons", "tonne", "tonnes"}},
        {"kt", {"kton", "ktons", "ktonne", "ktonnes", "kiloton", "kilotons", "kilotonne", "kilotonnes"}},
    };
    for (const auto& [unit, names] : words) {
        if (find_unit(unit, dimension) && std::find(names.begin(), names.end(), word) != names.end()) {
            return unit;
        }
    }
    std::vector<std::string> names;
    for (const Unit& unit : units()) {
        if (unit.dimension == dimension) {
            names.push_back(unit.name);
        }
    }
    return nearest_name(word, names);
}

const char* spaces = " \t";

//! Without spaces at the ends, and with single ones inside
std::string tidy(const std::string& text) {
    std::string out;
    for (std::size_t i = text.find_first_not_of(spaces); i != std::string::npos;) {
        const std::size_t end = text.find_first_of(spaces, i);
        out.append(out.empty() ? "" : " ").append(text, i, end == std::string::npos ? end : end - i);
        i = text.find_first_not_of(spaces, end);
    }
    return out;
}

bool may_be_bare(double value, Dimension dimension) {
    return value == 0 || dimension == Dimension::dimensionless || dimension == Dimension::angle;
}

//! Powers and products of larger and smaller numbers would not fit a double.
void check_range(double value, const InputLocation& where, const std::string& what) {
    constexpr double least = 1e-60, most = 1e60;
    if (value != 0 && !(std::abs(value) >= least && std::abs(value) <= most)) {
        throw InputError(where, what + " is out of range", "quantities reach from 1e-60 to 1e60");
    }
}

std::string measured_in(const std::string& measured, Dimension dimension) {
    return dimension == Dimension::dimensionless ? measured + " has no unit"
                                                 : measured + " is measured in " + unit_name(dimension);
}

} // namespace

const char* unit_name(Dimension dimension) {
    for (const Unit& unit : units()) {
        if (unit.dimension == dimension) {
            return unit.name.c_str();
        }
    }
    return "1";
}

Dimension inverse_energy(int power) {
    constexpr Dimension dimensions[] = {Dimension::dimensionless, Dimension::inverse_energy,
                                        Dimension::inverse_energy_2, Dimension::inverse_energy_3,
                                        Dimension::inverse_energy_4};
    return dimensions[power];
}

std::optional<UnitFactor> find_unit(const std::string& unit, Dimension dimension) {
    for (const Unit& u : units()) {
        if (u.dimension == dimension && unit == u.name) {
            return u.factor;
        }
    }
    return {};
}

double parse_quantity(const std::string& text, Dimension dimension, const InputLocation& where, const std::string& what,
                      const std::string& measured) {
    const std::string& subject = measured.empty() ? what : measured;
    const std::string quoted = fmt::format("{} = \"{}\"", what, text);
    const std::string example = dimension == Dimension::dimensionless
                                    ? "write a number like 0.5"
                                    : fmt::format("write a number and a unit like \"1.5 {}\"", unit_name(dimension));
    const std::string tidied = tidy(text);
    const std::size_t end_of_number = tidied.find(' ');
    const std::string number = tidied.substr(0, end_of_number);
    const std::string unit = end_of_number == std::string::npos ? "" : tidied.substr(end_of_number + 1);

    // from_chars takes no plus sign; a second sign after one would slip through as a negative number.
    const bool plus = number.size() > 1 && number[0] == '+' && number[1] != '-';
    const char* const first = number.data() + (plus ? 1 : 0);
    const char* const last = number.data() + number.size();
    double value = 0;
    const auto [end, error] = std::from_chars(first, last, value);
    if (error == std::errc::result_out_of_range) {
        throw InputError(where, quoted + " is out of range", "numbers reach from 1e-307 to 1e308");
    }
    if (error != std::errc()) {
        throw InputError(where, quoted + " is not a number", measured_in(subject, dimension), example);
    }
    if (!std::isfinite(value)) {
        throw InputError(where, quoted + " is not finite", measured_in(subject, dimension), example);
    }
    if (end != last) {
        const std::string junk(end, last);
        if (find_unit(junk + (unit.empty() ? "" : " " + unit), dimension)) {
            throw InputError(where, quoted + " has no space before its unit", measured_in(subject, dimension),
                             fmt::format("write \"{} {}\"?", std::string(number.data(), end),
                                         tidied.substr(static_cast<std::size_t>(end - number.data()))));
        }
        throw InputError(where, quoted + " is not a number", fmt::format("\"{}\" follows it", junk), example);
    }
    if (unit.empty()) {
        return check_bare_number(value, dimension, where, what, measured);
    }
    const std::optional<UnitFactor> factor = find_unit(unit, dimension);
    if (!factor) {
        for (const Unit& u : units()) {
            if (unit == u.name) {
                throw InputError(where, fmt::format("{} is in {}", quoted, unit), measured_in(subject, dimension));
            }
        }
        const std::string meant = unit_meant_by(unit, dimension);
        throw InputError(where, fmt::format("{} has the unknown unit \"{}\"", quoted, unit),
                         measured_in(subject, dimension),
                         meant.empty() ? "" : fmt::format("did you mean \"{}\"?", meant));
    }
    const double converted = (*factor)(value);
    check_range(converted, where, quoted);
    return converted;
}

double check_bare_number(double value, Dimension dimension, const InputLocation& where, const std::string& what,
                         const std::string& measured) {
    const std::string& subject = measured.empty() ? what : measured;
    if (!std::isfinite(value)) {
        throw InputError(where, fmt::format("{} = {} is not finite", what, value), measured_in(subject, dimension));
    }
    if (!may_be_bare(value, dimension)) {
        throw InputError(where, fmt::format("{} = {} has no unit", what, value), measured_in(subject, dimension),
                         fmt::format("write \"{} {}\"?", value, unit_name(dimension)));
    }
    check_range(value, where, fmt::format("{} = {}", what, value));
    return value;
}

} // namespace nuscan
