// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <ostream>
#include <set>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "config/error.hpp"
#include "config/parameters.hpp"
#include "config/quantity.hpp"
#include "config/scan_config.hpp"
#include "config/sha256.hpp"
#include "experiments/experiment_file.hpp"
#include "temporary_folder.hpp"

namespace nuscan {
namespace {

const InputLocation here{"scan.toml", 12};

// ---- errors -----------------------------------------------------------------------------------------------------

TEST(InputErrorTest, leaves_out_what_is_empty) {
    EXPECT_STREQ(InputError({"a.toml", 3}, "x is bad", "y", "z?").what(), "a.toml:3: x is bad (y) z?");
    EXPECT_STREQ(InputError({"a.toml", 0}, "x is bad", "", "z?").what(), "a.toml: x is bad z?");
    EXPECT_STREQ(InputError({"command line", 0}, "x is bad", "y").what(), "command line: x is bad (y)");
    EXPECT_STREQ(InputError({"a.toml", 3}, "x is bad").what(), "a.toml:3: x is bad");
    EXPECT_STREQ(InputError({}, "x is bad").what(), "x is bad");
}

TEST(NearestName, finds_slips_of_the_finger) {
    const std::vector<std::string> known = {"charge.ee", "charge.emu.re", "ordering", "dm21", "dm31"};
    EXPECT_EQ(nearest_name("charge.e", known), "charge.ee");
    EXPECT_EQ(nearest_name("cahrge.ee", known), "charge.ee");
    EXPECT_EQ(nearest_name("ordring", known), "ordering");
    EXPECT_EQ(nearest_name("dm12", known), "dm21"); // a swap is one edit: a third of four letters
    EXPECT_EQ(nearest_name("ordering", known), "ordering");
    EXPECT_EQ(nearest_name("flux", known), "");
    EXPECT_EQ(nearest_name("", known), "");
    EXPECT_EQ(nearest_name("x", {"y"}), "");
}

TEST(Sha256, known_answers_of_fips_180) {
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(sha256_hex(std::string(1000000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    // 55 bytes are the most that fit into one block, 64 fill it.
    EXPECT_EQ(sha256_hex(std::string(55, 'a')), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    EXPECT_EQ(sha256_hex(std::string(64, 'a')), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

// ---- quantities -------------------------------------------------------------------------------------------------

TEST(Quantity, converts_every_unit) {
    struct Case {
        const char* text;
        Dimension dimension;
        double value;
    };
    for (const Case& c : {Case{"0.5", Dimension::dimensionless, 0.5},
                          {"1.5 rad", Dimension::angle, 1.5},
                          {"1.5", Dimension::angle, 1.5},
                          {"180 deg", Dimension::angle, constants::pi},
                          {"-6e-13 e", Dimension::charge, -6e-13},
                          {"3e-33 cm^2", Dimension::area, 3e-33},
                          {"1 fm^2", Dimension::area, 1e-26},
                          {"3e-11 mu_B", Dimension::magnetic_moment, 3e-11},
                          {"7.49e-5 eV^2", Dimension::mass_splitting, 7.49e-5},
                          {"2 MeV", Dimension::energy, 2},
                          {"861.3 keV", Dimension::energy, 0.8613},
                          {"100 eV", Dimension::energy, 1e-4},
                          {"3 GeV", Dimension::energy, 3000},
                          {"12 m", Dimension::length, 12},
                          {"180 km", Dimension::length, 180000},
                          {"30 cm", Dimension::length, 0.3},
                          {"3 kg", Dimension::mass, 3},
                          {"250 g", Dimension::mass, 0.25},
                          {"5.5 t", Dimension::mass, 5500},
                          {"20 kt", Dimension::mass, 2e7},
                          {"500 mg", Dimension::mass, 5e-4},
                          {"7 s", Dimension::time, 7},
                          {"2 min", Dimension::time, 120},
                          {"2 h", Dimension::time, 7200},
                          {"60 d", Dimension::time, 5184000},
                          {"1 yr", Dimension::time, 31557600},
                          {"5.98e10 cm^-2 s^-1", Dimension::flux, 5.98e10},
                          {"2 MeV^1/2", Dimension::root_energy, 2},
                          {"1 eV^1/2", Dimension::root_energy, 1e-3},
                          {"5.09 fm", Dimension::nuclear_radius, 5.09},
                          {"2 ms", Dimension::time, 2e-3},
                          {"2 us", Dimension::time, 2e-6},
                          {"2 ns", Dimension::time, 2e-9},
                          {"2 MeV^-1", Dimension::inverse_energy, 2},
                          {"2 keV^-1", Dimension::inverse_energy, 2e3},
                          {"2 keV^-4", Dimension::inverse_energy_4, 2e12},
                          {"2 GeV^-1", Dimension::inverse_energy, 2e-3},
                          {"2.9 GW", Dimension::power, 2.9e9},
                          {"2 MW", Dimension::power, 2e6},
                          {"2 kW", Dimension::power, 2e3},
                          {"2 TBq", Dimension::activity, 2e12},
                          {"2 MCi", Dimension::activity, 7.4e16},
                          {"92.5 mol/cm^3", Dimension::amount_density, 92.5},
                          {"0", Dimension::charge, 0},
                          {"  +1e-12\t e ", Dimension::charge, 1e-12},
                          {"1 cm^-2   s^-1", Dimension::flux, 1}}) {
        EXPECT_EQ(parse_quantity(c.text, c.dimension, here, "x"), c.value) << c.text;
    }
    EXPECT_DOUBLE_EQ(parse_quantity("0.33 keV^1/2", Dimension::root_energy, here, "x"), 0.33 * std::sqrt(1e-3));
    EXPECT_DOUBLE_EQ(parse_quantity("2 GeV^1/2", Dimension::root_energy, here, "x"), 2 * std::sqrt(1e3));
    EXPECT_EQ(parse_quantity("33.68 deg", Dimension::angle, here, "x"), Mixing{}.theta12);
}

TEST(Quantity, internal_units_convert_to_themselves) {
    for (int i = 0; i <= static_cast<int>(Dimension::amount_density); ++i) {
        const auto dimension = static_cast<Dimension>(i);
        const auto factor = find_unit(unit_name(dimension), dimension);
        ASSERT_TRUE(factor) << unit_name(dimension);
        EXPECT_EQ((*factor)(1.2345678901234567), 1.2345678901234567) << unit_name(dimension);
    }
    EXPECT_STREQ(unit_name(Dimension::dimensionless), "1");
    EXPECT_STREQ(unit_name(Dimension::magnetic_moment), "mu_B");
}

TEST(Quantity, refuses_with_the_expected_unit) {
    struct Case {
        const char* text;
        Dimension dimension;
        const char* message;
    };
    const test::TemporaryFolder folder;
    for (
        const Case& c :
        {Case{"3e-11", Dimension::magnetic_moment,
              "scan.toml:12: max = 3e-11 has no unit (magnetic_moment.universal is measured in mu_B) write \"3e-11 "
              "mu_B\"?"},
         {"3e-11mu_B", Dimension::magnetic_moment,
          "scan.toml:12: max = \"3e-11mu_B\" has no space before its unit (magnetic_moment.universal is measured in "
          "mu_B) write \"3e-11 mu_B\"?"},
         {"3e-11 cm^2", Dimension::magnetic_moment,
          "scan.toml:12: max = \"3e-11 cm^2\" is in cm^2 (magnetic_moment.universal is measured in mu_B)"},
         {"3e-11 muB", Dimension::magnetic_moment,
          "scan.toml:12: max = \"3e-11 muB\" has the unknown unit \"muB\" (magnetic_moment.universal is measured in "
          "mu_B) did you mean \"mu_B\"?"},
         {"3e-11 parsec", Dimension::magnetic_moment,
          "scan.toml:12: max = \"3e-11 parsec\" has the unknown unit \"parsec\" (magnetic_moment.universal is "
          "measured in mu_B)"},
         {"12 days", Dimension::time,
          "scan.toml:12: max = \"12 days\" has the unknown unit \"days\" (magnetic_moment.universal is measured in s) "
          "did you mean \"d\"?"},
         {"1 hours", Dimension::time,
          "scan.toml:12: max = \"1 hours\" has the unknown unit \"hours\" (magnetic_moment.universal is measured in s) "
          "did you mean \"h\"?"},
         {"2 years", Dimension::time,
          "scan.toml:12: max = \"2 years\" has the unknown unit \"years\" (magnetic_moment.universal is measured in s) "
          "did you mean \"yr\"?"},
         {"2 years", Dimension::length,
          "scan.toml:12: max = \"2 years\" has the unknown unit \"years\" (magnetic_moment.universal is measured in "
          "m)"},
         {"5.5 tonnes", Dimension::mass,
          "scan.toml:12: max = \"5.5 tonnes\" has the unknown unit \"tonnes\" (magnetic_moment.universal is measured "
          "in "
          "kg) did you mean \"t\"?"},
         {"nan", Dimension::magnetic_moment,
          "scan.toml:12: max = \"nan\" is not finite (magnetic_moment.universal is measured in mu_B) write a number "
          "and a unit like \"1.5 mu_B\""},
         {"inf mu_B", Dimension::magnetic_moment,
          "scan.toml:12: max = \"inf mu_B\" is not finite (magnetic_moment.universal is measured in mu_B) write a "
          "number and a unit like \"1.5 mu_B\""},
         {"0x10 mu_B", Dimension::magnetic_moment,
          "scan.toml:12: max = \"0x10 mu_B\" is not a number (\"x10\" follows it) write a number and a unit like "
          "\"1.5 mu_B\""},
         {"1e-11.5 mu_B", Dimension::magnetic_moment,
          "scan.toml:12: max = \"1e-11.5 mu_B\" is not a number (\".5\" follows it) write a number and a unit like "
          "\"1.5 mu_B\""},
         {"1e-11 mu_B or so", Dimension::magnetic_moment,
          "scan.toml:12: max = \"1e-11 mu_B or so\" has the unknown unit \"mu_B or so\" (magnetic_moment.universal is "
          "measured in mu_B)"},
         {"1e999 mu_B", Dimension::magnetic_moment,
          "scan.toml:12: max = \"1e999 mu_B\" is out of range (numbers reach from 1e-307 to 1e308)"},
         {"1e308 km", Dimension::length,
          "scan.toml:12: max = \"1e308 km\" is out of range (quantities reach from 1e-60 to 1e60)"},
         {"", Dimension::magnetic_moment,
          "scan.toml:12: max = \"\" is not a number (magnetic_moment.universal is measured in mu_B) write a number "
          "and a unit like \"1.5 mu_B\""},
         {"+-1 mu_B", Dimension::magnetic_moment,
          "scan.toml:12: max = \"+-1 mu_B\" is not a number (magnetic_moment.universal is measured in mu_B) write a "
          "number and a unit like \"1.5 mu_B\""},
         {"0.2 e", Dimension::dimensionless,
          "scan.toml:12: max = \"0.2 e\" is in e (magnetic_moment.universal has no unit)"},
         {"much", Dimension::dimensionless,
          "scan.toml:12: max = \"much\" is not a number (magnetic_moment.universal has no unit) write a number like "
          "0.5"}}) {
        EXPECT_EQ(
            folder.error_of([&] { parse_quantity(c.text, c.dimension, here, "max", "magnetic_moment.universal"); }),
            c.message);
    }
    EXPECT_EQ(folder.error_of([] { check_bare_number(1e-12, Dimension::charge, here, "charge.ee"); }),
              "scan.toml:12: charge.ee = 1e-12 has no unit (charge.ee is measured in e) write \"1e-12 e\"?");
    EXPECT_EQ(folder.error_of(
                  [] { check_bare_number(std::numeric_limits<double>::infinity(), Dimension::angle, here, "delta"); }),
              "scan.toml:12: delta = inf is not finite (delta is measured in rad)");
    EXPECT_EQ(check_bare_number(0, Dimension::charge, here, "x"), 0);
    EXPECT_EQ(check_bare_number(0.3, Dimension::dimensionless, here, "x"), 0.3);
    EXPECT_EQ(check_bare_number(0.3, Dimension::angle, here, "x"), 0.3);
}

// ---- parameters -------------------------------------------------------------------------------------------------

ParameterScope scope_of(Basis basis, bool majorana = false) {
    return {basis, majorana, {"lz-2022.background"}, {}, {"reactor"}, {"Cs133", "I127"}};
}

std::set<std::string> names_in(const ParameterScope& scope) {
    std::set<std::string> names;
    for (const Parameter& parameter : all_parameters(scope)) {
        EXPECT_TRUE(names.insert(parameter.name).second) << parameter.name;
        EXPECT_EQ(find_parameter(parameter.name, scope, here).name, parameter.name);
    }
    return names;
}

//! Parameters that do not depend on basis and nature
const std::set<std::string> other_names = {"sin2_theta_w",
                                           "theta12",
                                           "theta13",
                                           "theta23",
                                           "delta",
                                           "alpha21",
                                           "alpha31",
                                           "dm21",
                                           "dm31",
                                           "reactor.baseline",
                                           "lz-2022.background",
                                           "proton_radius.Cs133",
                                           "neutron_radius.Cs133",
                                           "proton_radius.I127",
                                           "neutron_radius.I127"};

std::vector<std::string> all_elements(Basis basis) {
    return basis == Basis::flavour
               ? std::vector<std::string>{"universal", "ee",       "mumu",      "tautau",   "emu.re",   "emu.im",
                                          "emu.abs",   "emu.arg",  "etau.re",   "etau.im",  "etau.abs", "etau.arg",
                                          "mutau.re",  "mutau.im", "mutau.abs", "mutau.arg"}
               : std::vector<std::string>{"universal", "11",     "22",     "33",    "12.re",  "12.im",
                                          "12.abs",    "12.arg", "13.re",  "13.im", "13.abs", "13.arg",
                                          "23.re",     "23.im",  "23.abs", "23.arg"};
}

const std::vector<std::string> form_factors = {"charge", "charge_radius", "anapole", "magnetic_moment",
                                               "electric_moment"};

TEST(Parameters, of_dirac_neutrinos) {
    for (const Basis basis : {Basis::flavour, Basis::mass}) {
        std::set<std::string> expected = other_names;
        for (const std::string& form_factor : form_factors) {
            for (const std::string& element : all_elements(basis)) {
                expected.insert(form_factor + "." + element);
            }
        }
        EXPECT_EQ(names_in(scope_of(basis)), expected);
    }
}

TEST(Parameters, of_majorana_neutrinos) {
    std::set<std::string> flavour = other_names;
    for (const std::string& element : all_elements(Basis::flavour)) {
        flavour.insert("charge_radius." + element);
        flavour.insert("anapole." + element);
    }
    EXPECT_EQ(names_in(scope_of(Basis::flavour, true)), flavour);

    std::set<std::string> mass = other_names;
    for (const char* antisymmetric : {"charge", "charge_radius", "magnetic_moment", "electric_moment"}) {
        for (const char* element : {".12.im", ".13.im", ".23.im"}) {
            mass.insert(std::string(antisymmetric) + element);
        }
    }
    for (const char* element : {"universal", "11", "22", "33", "12.re", "13.re", "23.re"}) {
        mass.insert(std::string("anapole.") + element);
    }
    for (const char* component : {"1", "2", "3"}) {
        for (const char* part : {".re", ".im", ".abs", ".arg"}) {
            mass.insert(std::string("majorana_moment.") + component + part);
        }
    }
    EXPECT_EQ(names_in(scope_of(Basis::mass, true)), mass);

    // Whatever else a Dirac neutrino has is refused with the reason, not as a name that is unknown.
    const test::TemporaryFolder folder;
    for (const Basis basis : {Basis::flavour, Basis::mass}) {
        for (const std::string& name : names_in(scope_of(basis))) {
            if ((basis == Basis::flavour ? flavour : mass).contains(name)) {
                continue;
            }
            const std::string error = folder.error_of([&] { find_parameter(name, scope_of(basis, true), here); });
            EXPECT_NE(error.find("a Majorana neutrino"), std::string::npos) << name << ": " << error;
            EXPECT_NE(error.find("symmetric"), std::string::npos) << error;
        }
    }
}

//! The names in quotes of an error message that are meant to be parameters
std::vector<std::string> suggested_parameters(const std::string& error) {
    std::vector<std::string> out;
    for (std::size_t begin = error.find('"'); begin != std::string::npos;) {
        const std::size_t end = error.find('"', begin + 1);
        const std::string word = error.substr(begin + 1, end - begin - 1);
        if (word.find('.') != std::string::npos && error.find("unknown parameter \"" + word) == std::string::npos) {
            out.push_back(word);
        }
        begin = error.find('"', end + 1);
    }
    return out;
}

TEST(Parameters, suggestions_are_valid) {
    std::set<std::string> tried = {"majorana_moment", "majorana_moment.1", "majorana_moment.2.re", "majorana_moment.4"};
    for (const std::string& form_factor : form_factors) {
        tried.insert(form_factor);
        for (const char* element : {"e", "mue", "taue", "taumu", "21", "31.re", "32.abs", "12", "23", "emu", "etau",
                                    "1", "ee.re", "11.im", "emu.real", "universal.re"}) {
            tried.insert(form_factor + "." + element);
        }
        for (const Basis basis : {Basis::flavour, Basis::mass}) {
            for (const std::string& element : all_elements(basis)) {
                tried.insert(form_factor + "." + element);
            }
        }
    }
    const test::TemporaryFolder folder;
    int n_suggestions = 0;
    for (const Basis basis : {Basis::flavour, Basis::mass}) {
        for (const bool majorana : {false, true}) {
            for (const std::string& name : tried) {
                const std::string error =
                    folder.error_of([&] { find_parameter(name, scope_of(basis, majorana), here); });
                // Where another basis or nature is suggested, it must go on from there.
                ParameterScope scope = scope_of(basis, majorana);
                bool changes = false;
                for (const Basis other : {Basis::flavour, Basis::mass}) {
                    if (error.find(other == Basis::mass ? "set basis = \"mass\"" : "set basis = \"flavour\"") !=
                        std::string::npos) {
                        scope.basis = other;
                        changes = true;
                    }
                }
                if (error.find("set nature = \"majorana\"") != std::string::npos) {
                    scope.majorana = true;
                    changes = true;
                }
                for (const std::string& suggestion : suggested_parameters(error)) {
                    EXPECT_EQ(find_parameter(suggestion, scope, here).name, suggestion) << error;
                    ++n_suggestions;
                }
                if (changes && suggested_parameters(error).empty()) {
                    const std::string next = folder.error_of([&] { find_parameter(name, scope, here); });
                    EXPECT_EQ(next.find("set basis = \"" + std::string(basis == Basis::mass ? "mass" : "flavour")),
                              std::string::npos)
                        << error << '\n'
                        << next;
                }
            }
        }
    }
    EXPECT_GT(n_suggestions, 100);
}

TEST(Parameters, know_what_they_are) {
    const Parameter a = find_parameter("magnetic_moment.mutau.abs", scope_of(Basis::flavour), here);
    EXPECT_EQ(a.kind, Parameter::Kind::element);
    EXPECT_EQ(a.form_factor, FormFactor::magnetic_moment);
    EXPECT_EQ(a.part, Parameter::Part::abs);
    EXPECT_EQ(a.row, 1);
    EXPECT_EQ(a.column, 2);
    EXPECT_EQ(a.dimension, Dimension::magnetic_moment);

    const Parameter b = find_parameter("anapole.13.arg", scope_of(Basis::mass), here);
    EXPECT_EQ(b.form_factor, FormFactor::anapole);
    EXPECT_EQ(b.part, Parameter::Part::arg);
    EXPECT_EQ(b.row, 0);
    EXPECT_EQ(b.column, 2);
    EXPECT_EQ(b.dimension, Dimension::angle);

    const Parameter c = find_parameter("charge_radius.tautau", scope_of(Basis::flavour), here);
    EXPECT_EQ(c.form_factor, FormFactor::charge_radius);
    EXPECT_EQ(c.part, Parameter::Part::diagonal);
    EXPECT_EQ(c.row, 2);
    EXPECT_EQ(c.column, 2);
    EXPECT_EQ(c.dimension, Dimension::area);

    const ParameterScope mass = scope_of(Basis::mass);
    EXPECT_EQ(find_parameter("electric_moment.universal", mass, here).part, Parameter::Part::universal);
    EXPECT_EQ(find_parameter("charge.22", mass, here).dimension, Dimension::charge);
    EXPECT_EQ(find_parameter("sin2_theta_w", mass, here).kind, Parameter::Kind::sin2_theta_w);

    const Parameter d = find_parameter("lz-2022.background", mass, here);
    EXPECT_EQ(d.kind, Parameter::Kind::normalisation);
    EXPECT_EQ(d.experiment, "lz-2022");
    EXPECT_EQ(d.background, "background");
    EXPECT_EQ(d.dimension, Dimension::dimensionless);

    const Parameter e = find_parameter("reactor.baseline", mass, here);
    EXPECT_EQ(e.kind, Parameter::Kind::baseline);
    EXPECT_EQ(e.experiment, "reactor");
    EXPECT_EQ(e.dimension, Dimension::length);

    const Parameter f = find_parameter("proton_radius.I127", mass, here);
    EXPECT_EQ(f.kind, Parameter::Kind::proton_radius);
    EXPECT_EQ(f.nuclide, "I127");
    EXPECT_EQ(f.dimension, Dimension::nuclear_radius);
    EXPECT_EQ(find_parameter("neutron_radius.Cs133", mass, here).kind, Parameter::Kind::neutron_radius);

    const Parameter g = find_parameter("majorana_moment.3.arg", scope_of(Basis::mass, true), here);
    EXPECT_EQ(g.kind, Parameter::Kind::majorana_moment);
    EXPECT_EQ(g.row, 2);
    EXPECT_EQ(g.part, Parameter::Part::arg);
    EXPECT_EQ(g.dimension, Dimension::angle);
    EXPECT_EQ(find_parameter("majorana_moment.1.im", scope_of(Basis::mass, true), here).dimension,
              Dimension::magnetic_moment);
    EXPECT_EQ(find_parameter("charge.23.im", scope_of(Basis::mass, true), here).part, Parameter::Part::im);
}

TEST(Parameters, mixing_names_reach_their_members) {
    Mixing mixing;
    double value = 1;
    for (const char* name : {"theta12", "theta13", "theta23", "delta", "alpha21", "alpha31", "dm21", "dm31"}) {
        const Parameter parameter = find_parameter(name, {}, here);
        EXPECT_EQ(parameter.kind, Parameter::Kind::mixing);
        EXPECT_EQ(parameter.dimension, name[0] == 'd' && name[1] == 'm' ? Dimension::mass_splitting : Dimension::angle);
        mixing_value(mixing, parameter.mixing) = value++;
    }
    EXPECT_EQ(mixing.theta12, 1);
    EXPECT_EQ(mixing.theta13, 2);
    EXPECT_EQ(mixing.theta23, 3);
    EXPECT_EQ(mixing.delta, 4);
    EXPECT_EQ(mixing.alpha21, 5);
    EXPECT_EQ(mixing.alpha31, 6);
    EXPECT_EQ(mixing.dm21, 7);
    EXPECT_EQ(mixing.dm31, 8);
}

struct RefusedName {
    const char* name;
    const char* message;
};

void expect_refused(const ParameterScope& scope, const std::vector<RefusedName>& names) {
    const test::TemporaryFolder folder;
    for (const RefusedName& refused : names) {
        EXPECT_EQ(folder.error_of([&] { find_parameter(refused.name, scope, here); }),
                  std::string("scan.toml:12: ") + refused.message);
    }
}

TEST(Parameters, refuses_names_with_a_reason) {
    expect_refused(
        scope_of(Basis::flavour),
        {{"charge.eee", "unknown parameter \"charge.eee\" did you mean \"charge.ee\"?"},
         {"charge.mue.re",
          "unknown parameter \"charge.mue.re\" (the matrices are Hermitian: mue is the complex conjugate of emu) did "
          "you mean \"charge.emu.re\"?"},
         {"charge.taumu",
          "unknown parameter \"charge.taumu\" (the matrices are Hermitian: taumu is the complex conjugate of mutau) "
          "did you mean \"charge.mutau.re\"?"},
         {"charge.emu",
          "charge.emu is complex (an off-diagonal element is given by its parts) write \"charge.emu.re\" and "
          "\"charge.emu.im\", or \"charge.emu.abs\" and \"charge.emu.arg\"?"},
         {"charge.emu.real", "unknown parameter \"charge.emu.real\" did you mean \"charge.emu.re\"?"},
         {"charge.ee.re",
          "unknown parameter \"charge.ee.re\" (diagonal elements are real) did you mean \"charge.ee\"?"},
         {"charge.11",
          "charge.11 is an element in the mass basis (this scan is in the flavour basis) set basis = \"mass\" in "
          "[neutrino]?"},
         {"majorana_moment.1.abs",
          "majorana_moment.1.abs is a moment of Majorana neutrinos (this scan has Dirac neutrinos) set nature = "
          "\"majorana\" in [neutrino]?"}});
    expect_refused(
        scope_of(Basis::mass),
        {{"anapole.emu.re",
          "anapole.emu.re is an element in the flavour basis (this scan is in the mass basis) set basis = "
          "\"flavour\" in [neutrino]?"},
         {"magnetic_moment",
          "magnetic_moment is a 3x3 matrix (a parameter is one of its elements) write \"magnetic_moment.universal\" "
          "or, e.g., \"magnetic_moment.11\"?"},
         {"majorana_moment",
          "majorana_moment is a moment of Majorana neutrinos (this scan has Dirac neutrinos) set nature = "
          "\"majorana\" in [neutrino]?"},
         {"lz-2022.backgruond", "unknown parameter \"lz-2022.backgruond\" did you mean \"lz-2022.background\"?"},
         {"sin2thetaw", "unknown parameter \"sin2thetaw\" did you mean \"sin2_theta_w\"?"},
         {"temperature", "unknown parameter \"temperature\""},
         {"lz-2022.baseline", "unknown parameter \"lz-2022.baseline\" (experiments that have a baseline are reactor)"},
         {"reacotr.baseline",
          "unknown parameter \"reacotr.baseline\" (experiments that have a baseline are reactor) did you mean "
          "\"reactor.baseline\"?"},
         {"neutron_radius.Cs", "unknown parameter \"neutron_radius.Cs\" (nuclides are Cs133, I127) did you mean "
                               "\"neutron_radius.Cs133\"?"},
         {"proton_radius.Xe132", "unknown parameter \"proton_radius.Xe132\" (nuclides are Cs133, I127) did you mean "
                                 "\"proton_radius.Cs133\"?"}});
    expect_refused({}, {{"toy.baseline", "unknown parameter \"toy.baseline\" (no experiment has a source with a "
                                         "baseline)"},
                        {"neutron_radius.Cs133", "unknown parameter \"neutron_radius.Cs133\" (no experiment sees "
                                                 "scattering on nuclei)"}});
}

TEST(Parameters, refuses_what_majorana_neutrinos_do_not_have) {
    expect_refused(
        scope_of(Basis::mass, true),
        {{"charge.11", "charge.11: a Majorana neutrino has no diagonal charge (the matrix is antisymmetric in the mass "
                       "basis) write, e.g., \"charge.12.im\"?"},
         {"charge.universal",
          "charge.universal: a Majorana neutrino has no universal charge (a multiple of the unit matrix is diagonal, "
          "and the matrix is antisymmetric in the mass basis) write, e.g., \"charge.12.im\"?"},
         {"charge.13.re", "charge.13.re: the charge of a Majorana neutrino is imaginary (the matrix is Hermitian, and "
                          "antisymmetric in the mass basis) did you mean \"charge.13.im\"?"},
         {"charge.23", "charge.23: the charge of a Majorana neutrino is imaginary (the matrix is Hermitian, and "
                       "antisymmetric in the mass basis) did you mean \"charge.23.im\"?"},
         {"charge.12.abs",
          "charge.12.abs: the charge of a Majorana neutrino is imaginary (the matrix is Hermitian, and antisymmetric "
          "in the mass basis) did you mean \"charge.12.im\"?"},
         {"charge.21.re", "unknown parameter \"charge.21.re\" (the matrices are Hermitian: 21 is the complex conjugate "
                          "of 12) did you mean \"charge.12.im\"?"},
         {"charge.ee", "charge.ee is an element in the flavour basis (this scan is in the mass basis) write, e.g., "
                       "\"charge.12.im\"?"},
         {"charge", "charge is a 3x3 matrix (a parameter is one of its elements) write, e.g., \"charge.12.im\"?"},
         {"charge_radius.22",
          "charge_radius.22: a Majorana neutrino has no diagonal charge radius (the matrix is antisymmetric in the "
          "mass basis) write \"anapole.22\", which scatters like <r^2> = -6 a?"},
         {"charge_radius.universal",
          "charge_radius.universal: a Majorana neutrino has no universal charge radius (a multiple of the unit matrix "
          "is diagonal, and the matrix is antisymmetric in the mass basis) write \"anapole.universal\", which scatters "
          "like <r^2> = -6 a?"},
         {"charge_radius.emu.re",
          "charge_radius.emu.re is an element in the flavour basis (this scan is in the mass basis) set basis = "
          "\"flavour\" in [neutrino]?"},
         {"charge_radius", "charge_radius is a 3x3 matrix (a parameter is one of its elements) write, e.g., "
                           "\"charge_radius.12.im\"?"},
         {"anapole.12.im",
          "anapole.12.im: the anapole of a Majorana neutrino is real (the matrix is Hermitian, and symmetric in the "
          "mass basis) did you mean \"anapole.12.re\"?"},
         {"anapole.13", "anapole.13: the anapole of a Majorana neutrino is real (the matrix is Hermitian, and "
                        "symmetric in the mass basis) did you mean \"anapole.13.re\"?"},
         {"anapole.32.abs",
          "unknown parameter \"anapole.32.abs\" (the matrices are Hermitian: 32 is the complex conjugate of 23) did "
          "you mean \"anapole.23.re\"?"},
         {"anapole.22.re",
          "unknown parameter \"anapole.22.re\" (diagonal elements are real) did you mean \"anapole.22\"?"},
         {"anapole", "anapole is a 3x3 matrix (a parameter is one of its elements) write \"anapole.universal\" or, "
                     "e.g., \"anapole.11\"?"},
         {"magnetic_moment.33",
          "magnetic_moment.33: a Majorana neutrino has no diagonal magnetic moment (the matrix is antisymmetric in the "
          "mass basis) write, e.g., \"majorana_moment.1.abs\" or \"magnetic_moment.12.im\"?"},
         {"electric_moment.universal",
          "electric_moment.universal: a Majorana neutrino has no universal electric moment (a multiple of the unit "
          "matrix is diagonal, and the matrix is antisymmetric in the mass basis) write, e.g., "
          "\"majorana_moment.1.abs\" or \"electric_moment.12.im\"?"},
         {"magnetic_moment.23.arg",
          "magnetic_moment.23.arg: the magnetic moment of a Majorana neutrino is imaginary (the matrix is Hermitian, "
          "and antisymmetric in the mass basis) did you mean \"magnetic_moment.23.im\"?"},
         {"magnetic_moment.mutau.abs",
          "magnetic_moment.mutau.abs is an element in the flavour basis (this scan is in the mass basis) write, e.g., "
          "\"majorana_moment.1.abs\"?"},
         {"majorana_moment", "majorana_moment has three components ((mu - i epsilon)_jk = epsilon_jkl Lambda_l) write, "
                             "e.g., \"majorana_moment.1.abs\"?"},
         {"majorana_moment.2",
          "majorana_moment.2 is complex (it is given by its parts) write \"majorana_moment.2.re\" and "
          "\"majorana_moment.2.im\", or \"majorana_moment.2.abs\" and \"majorana_moment.2.arg\"?"},
         {"majorana_moment.4.re",
          "unknown parameter \"majorana_moment.4.re\" did you mean \"majorana_moment.1.re\"?"}});
    expect_refused(
        scope_of(Basis::flavour, true),
        {{"charge.ee", "charge.ee: a Majorana neutrino's charge is given in the mass basis (antisymmetric there, it is "
                       "no free matrix in the flavour basis) set basis = \"mass\" in [neutrino] and write, e.g., "
                       "\"charge.12.im\"?"},
         {"magnetic_moment.universal",
          "magnetic_moment.universal: a Majorana neutrino's magnetic moment is given in the mass basis (antisymmetric "
          "there, it is no free matrix in the flavour basis) set basis = \"mass\" in [neutrino] and write, e.g., "
          "\"majorana_moment.1.abs\"?"},
         {"electric_moment",
          "electric_moment: a Majorana neutrino's electric moment is given in the mass basis (antisymmetric there, it "
          "is no free matrix in the flavour basis) set basis = \"mass\" in [neutrino] and write, e.g., "
          "\"majorana_moment.1.abs\"?"},
         {"majorana_moment.1.abs", "majorana_moment.1.abs is a moment in the mass basis (this scan is in the flavour "
                                   "basis) set basis = \"mass\" in [neutrino]?"},
         {"charge_radius.emu",
          "charge_radius.emu is complex (an off-diagonal element is given by its parts) write \"charge_radius.emu.re\" "
          "and \"charge_radius.emu.im\", or \"charge_radius.emu.abs\" and \"charge_radius.emu.arg\"?"},
         {"anapole.11", "anapole.11 is an element in the mass basis (this scan is in the flavour basis) set basis = "
                        "\"mass\" in [neutrino]?"}});
}

// ---- slow parameters --------------------------------------------------------------------------------------------

Source source_of(const char* name, Propagation propagation, double baseline, bool flux_follows_baseline = false) {
    Source source;
    source.name = name;
    source.propagation = propagation;
    source.baseline = baseline;
    source.flux = 8e12;
    source.flux_follows_baseline = flux_follows_baseline;
    return source;
}

TargetNuclide nuclide_of(const char* name, double proton_radius, double neutron_radius) {
    TargetNuclide target{};
    target.nuclide.name = name;
    target.nuclide.Z = 40;
    target.nuclide.A = 100;
    target.nuclide.proton_radius = proton_radius;
    target.nuclide.neutron_radius = neutron_radius;
    target.number = 1;
    return target;
}

Channel channel_of(Target target) {
    Channel channel;
    channel.name = target == Target::electron ? "electron" : "nucleus";
    channel.target = target;
    return channel;
}

Experiment experiment_of(const char* name, std::vector<Source> sources) {
    Experiment experiment;
    experiment.name = name;
    experiment.sources = std::move(sources);
    experiment.channels = {channel_of(Target::electron)};
    return experiment;
}

//! An experiment at a reactor with three sources, and two that see nuclei
std::vector<Experiment> some_experiments() {
    Experiment reactor = experiment_of("reactor", {source_of("near", Propagation::short_baseline, 10, true),
                                                   source_of("far", Propagation::exact, 100),
                                                   source_of("sun", Propagation::decohered, 0, true)});
    reactor.target.nuclides = {nuclide_of("Ge74", 4.07, 4.1)}; // not seen: its channel is of electrons
    reactor.backgrounds = {{"flat", {1}, false, 0.1}};
    Experiment csi = experiment_of("csi", {source_of("beam", Propagation::short_baseline, 0)});
    csi.target.nuclides = {nuclide_of("Cs133", 4.821, 5.09), nuclide_of("I127", 4.766, 5.03)};
    csi.channels = {channel_of(Target::electron), channel_of(Target::nucleus)};
    Experiment caesium = experiment_of("caesium", {source_of("beam", Propagation::short_baseline, 19.3, true)});
    caesium.target.nuclides = {nuclide_of("Cs133", 4.821, 5.09)};
    caesium.channels = {channel_of(Target::nucleus)};
    return {reactor, csi, caesium};
}

TEST(ParameterScope, follows_from_experiments) {
    const ParameterScope scope = parameter_scope(Basis::mass, true, some_experiments());
    EXPECT_EQ(scope.basis, Basis::mass);
    EXPECT_TRUE(scope.majorana);
    EXPECT_EQ(scope.normalisations,
              (std::vector<std::string>{"reactor.flat", "reactor.signal", "csi.signal", "caesium.signal"}));
    EXPECT_EQ(scope.baselines, (std::vector<std::string>{"reactor", "caesium"}));
    EXPECT_EQ(scope.nuclides, (std::vector<std::string>{"Cs133", "I127"}));
}

std::set<std::string> slow_among(const std::vector<Experiment>& experiments) {
    std::set<std::string> out;
    for (const Basis basis : {Basis::flavour, Basis::mass}) {
        for (const bool majorana : {false, true}) {
            std::set<std::string> slow;
            for (const Parameter& parameter : all_parameters(parameter_scope(basis, majorana, experiments))) {
                if (std::any_of(experiments.begin(), experiments.end(),
                                [&](const Experiment& x) { return is_slow(parameter, x); })) {
                    slow.insert(parameter.name);
                }
            }
            EXPECT_TRUE(out.empty() || slow == out);
            out = slow;
        }
    }
    return out;
}

TEST(SlowParameters, are_what_moments_depend_on) {
    using Names = std::set<std::string>;
    const auto with = [](Propagation propagation, double baseline) {
        return std::vector{experiment_of("one", {source_of("a", Propagation::decohered, 0)}),
                           experiment_of("two", {source_of("b", Propagation::short_baseline, 0),
                                                 source_of("c", propagation, baseline)})};
    };
    EXPECT_EQ(slow_among({}), Names());
    EXPECT_EQ(slow_among(with(Propagation::short_baseline, 0)), Names());
    EXPECT_EQ(slow_among(with(Propagation::decohered, 0)), Names());
    EXPECT_EQ(slow_among(with(Propagation::short_baseline, 20)), Names{"two.baseline"});
    EXPECT_EQ(slow_among(with(Propagation::solar, 0)), (Names{"theta12", "theta13", "dm21"}));
    EXPECT_EQ(slow_among(with(Propagation::exact, 20)), (Names{"dm21", "dm31", "two.baseline"}));
    std::vector<Experiment> both = with(Propagation::exact, 20);
    both.push_back(experiment_of("three", {source_of("d", Propagation::solar, 0)}));
    EXPECT_EQ(slow_among(both), (Names{"theta12", "theta13", "dm21", "dm31", "two.baseline"}));
    EXPECT_EQ(slow_among(some_experiments()),
              (Names{"dm21", "dm31", "reactor.baseline", "caesium.baseline", "proton_radius.Cs133",
                     "neutron_radius.Cs133", "proton_radius.I127", "neutron_radius.I127"}));
}

//! Sets one parameter in experiments and mixing
void set(const char* name, double value, std::vector<Experiment>& experiments, Mixing& mixing) {
    const ParameterScope scope = parameter_scope(Basis::flavour, false, experiments);
    set_slow(find_parameter(name, scope, here), value, experiments, mixing);
}

TEST(SlowParameters, baseline_moves_all_sources_that_have_one) {
    std::vector<Experiment> experiments = some_experiments();
    Mixing mixing;
    set("reactor.baseline", 20, experiments, mixing);
    const std::vector<Source>& sources = experiments[0].sources;
    EXPECT_EQ(sources[0].baseline, 20);
    EXPECT_EQ(sources[0].flux, 2e12); // follows, at twice the distance
    EXPECT_EQ(sources[1].baseline, 20);
    EXPECT_EQ(sources[1].flux, 8e12); // was given at the detector
    EXPECT_EQ(sources[2].baseline, 0);
    EXPECT_EQ(sources[2].flux, 8e12);
    EXPECT_EQ(experiments[2].sources[0].baseline, 19.3);
    EXPECT_EQ(experiments[2].sources[0].flux, 8e12);
}

TEST(SlowParameters, baseline_of_the_file_changes_nothing) {
    std::vector<Experiment> experiments = some_experiments();
    Mixing mixing;
    set("caesium.baseline", 19.3, experiments, mixing);
    EXPECT_EQ(experiments[2].sources[0].baseline, 19.3);
    EXPECT_EQ(experiments[2].sources[0].flux, 8e12);
}

TEST(SlowParameters, radii_are_those_of_a_nuclide_wherever_it_is) {
    std::vector<Experiment> experiments = some_experiments();
    Mixing mixing;
    set("neutron_radius.Cs133", 5.2, experiments, mixing);
    set("proton_radius.I127", 4.7, experiments, mixing);
    const auto radii = [&](std::size_t e, std::size_t i) {
        const Nuclide& nuclide = experiments[e].target.nuclides[i].nuclide;
        return std::pair(nuclide.proton_radius, nuclide.neutron_radius);
    };
    EXPECT_EQ(radii(0, 0), std::pair(4.07, 4.1));
    EXPECT_EQ(radii(1, 0), std::pair(4.821, 5.2));
    EXPECT_EQ(radii(1, 1), std::pair(4.7, 5.03));
    EXPECT_EQ(radii(2, 0), std::pair(4.821, 5.2));
}

TEST(SlowParameters, mixing) {
    std::vector<Experiment> experiments = some_experiments();
    Mixing mixing;
    set("dm31", 2.6e-3, experiments, mixing);
    set("theta12", 0.6, experiments, mixing);
    EXPECT_EQ(mixing.dm31, 2.6e-3);
    EXPECT_EQ(mixing.theta12, 0.6);
    EXPECT_EQ(mixing.dm21, Mixing{}.dm21);
    EXPECT_THROW(set("charge.ee", 1e-12, experiments, mixing), std::logic_error);
    EXPECT_THROW(set("sin2_theta_w", 0.23, experiments, mixing), std::logic_error);
    EXPECT_THROW(set("reactor.flat", 1.1, experiments, mixing), std::logic_error);
}

// ---- parameters without effect ----------------------------------------------------------------------------------

std::set<std::string> without_effect(const std::vector<Experiment>& experiments, Basis basis = Basis::flavour) {
    std::set<std::string> names;
    for (const Parameter& parameter : all_parameters(parameter_scope(basis, false, experiments))) {
        if (!why_without_effect(parameter, basis, experiments).empty()) {
            names.insert(parameter.name);
        }
    }
    return names;
}

//! Those of a list that are no element
std::set<std::string> no_elements(std::set<std::string> names) {
    std::erase_if(names, [](const std::string& name) {
        return std::any_of(form_factors.begin(), form_factors.end(),
                           [&](const std::string& form_factor) { return name.starts_with(form_factor + "."); });
    });
    return names;
}

TEST(WithoutEffect, depends_on_propagation_and_basis) {
    using Names = std::set<std::string>;
    const auto one = [](Propagation propagation) {
        return std::vector{experiment_of("one", {source_of("a", propagation, 20)})};
    };
    const Names angles{"theta12", "theta13", "theta23", "delta", "alpha21", "alpha31", "dm21", "dm31", "one.baseline"};
    EXPECT_EQ(no_elements(without_effect(one(Propagation::short_baseline))), angles);
    EXPECT_EQ(without_effect(one(Propagation::short_baseline), Basis::mass), (Names{"dm21", "dm31", "one.baseline"}));
    EXPECT_EQ(without_effect(one(Propagation::exact)), (Names{"alpha21", "alpha31"}));
    EXPECT_EQ(without_effect(one(Propagation::exact), Basis::mass), Names{});
    EXPECT_EQ(without_effect(one(Propagation::decohered)),
              (Names{"alpha21", "alpha31", "dm21", "dm31", "one.baseline"}));
    EXPECT_EQ(without_effect(one(Propagation::solar)), (Names{"alpha21", "alpha31", "dm31", "one.baseline"}));
    // A flux that was worked out for the baseline follows it.
    EXPECT_FALSE(without_effect({experiment_of("one", {source_of("a", Propagation::short_baseline, 20, true)})})
                     .contains("one.baseline"));
}

TEST(WithoutEffect, elements_of_flavours_that_never_arrive) {
    std::vector<Experiment> experiments{experiment_of("one", {source_of("a", Propagation::short_baseline, 0)})};
    const auto charges = [&] {
        std::set<std::string> names;
        for (const std::string& name : without_effect(experiments)) {
            if (name.starts_with("charge.") && !name.ends_with(".im") && !name.ends_with(".abs") &&
                !name.ends_with(".arg")) {
                names.insert(name);
            }
        }
        return names;
    };
    EXPECT_EQ(charges(), (std::set<std::string>{"charge.mumu", "charge.mutau.re", "charge.tautau"}));
    experiments[0].sources[0].flavour = Flavour::tau;
    EXPECT_EQ(charges(), (std::set<std::string>{"charge.ee", "charge.emu.re", "charge.mumu"}));
    experiments.push_back(experiment_of("two", {source_of("b", Propagation::short_baseline, 0)}));
    EXPECT_EQ(charges(), std::set<std::string>{"charge.mumu"});
    experiments[1].sources[0].propagation = Propagation::decohered;
    EXPECT_EQ(charges(), std::set<std::string>{});
}

TEST(WithoutEffect, radii_where_no_form_factor_has_them) {
    std::vector<Experiment> experiments = some_experiments();
    const auto radii = [&] {
        std::set<std::string> names = without_effect(experiments);
        std::erase_if(names, [](const std::string& name) { return name.find("_radius.") == std::string::npos; });
        std::erase_if(names, [](const std::string& name) { return name.starts_with("charge_radius."); });
        return names;
    };
    EXPECT_EQ(radii(), std::set<std::string>{});
    experiments[1].channels[1].form_factor = NuclearFormFactor::unity;
    EXPECT_EQ(radii(), (std::set<std::string>{"proton_radius.I127", "neutron_radius.I127"})); // Cs133 is elsewhere too
    experiments[2].channels[0].form_factor = NuclearFormFactor::unity;
    EXPECT_EQ(radii().size(), 4u);
    experiments[2].channels[0].form_factor = NuclearFormFactor::symmetrised_fermi;
    experiments[2].target.nuclides[0].nuclide.Z = 1;
    experiments[2].target.nuclides[0].nuclide.A = 1;
    EXPECT_TRUE(radii().contains("neutron_radius.Cs133"));
    EXPECT_FALSE(radii().contains("proton_radius.Cs133"));
}

// ---- scan files -------------------------------------------------------------------------------------------------

constexpr const char* experiment_text = R"(name = "toy"
title = "Toy"
citation = "None"
[exposure]
mass = "1 kg"
live_time = "1 d"
[target]
element = "Xe"
[bins]
edges = ["0 keV", "1 keV", "3 keV"]
counts = [4, 2]
[[source]]
name = "reactor"
flavour = "e"
neutrino = "antineutrino"
propagation = "short"
flux = "1e13 cm^-2 s^-1"
lines = [ { energy = "2 MeV", fraction = 1 } ]
[[background]]
name = "flat"
counts = [2, 4]
uncertainty = 0.2
[[background]]
name = "none"
counts = [0, 0]
uncertainty = "fixed"
)";

//! An experiment with nuclei and an exact source 20 m away
constexpr const char* nuclear_text = R"(name = "caesium"
title = "Caesium"
citation = "None"
couplings = "radiative"
[exposure]
mass = "1 kg"
live_time = "1 d"
[target]
element = "Cs"
[bins]
edges = ["1 keV", "3 keV"]
counts = [4]
[[channel]]
scattering = "nucleus"
[[source]]
name = "source"
flavour = "e"
neutrino = "neutrino"
propagation = "exact"
baseline = "20 m"
flux = "1e13 cm^-2 s^-1"
lines = [ { energy = "20 MeV", fraction = 1 } ]
)";

class ScanFile : public ::testing::Test {
protected:
    ScanFile() {
        folder_.write("toy.toml", experiment_text);
        folder_.write("caesium.toml", nuclear_text);
    }

    ScanConfig read(const std::string& text, const std::vector<Override>& overrides = {}, bool needed = false) const {
        return read_scan_config(folder_.write("scan.toml", text), overrides, needed, needed);
    }
    std::string error(const std::string& text, const std::vector<Override>& overrides = {}, bool needed = false) const {
        return folder_.error_of([&] { read(text, overrides, needed); });
    }

    test::TemporaryFolder folder_;
};

TEST_F(ScanFile, defaults) {
    const ScanConfig config = read("");
    EXPECT_EQ(config.title, "scan");
    EXPECT_EQ(config.text, "");
    EXPECT_EQ(config.neutrino.basis, Basis::flavour);
    EXPECT_FALSE(config.neutrino.majorana);
    EXPECT_EQ(config.neutrino.charge_radius_mode, ChargeRadiusMode::beyond_sm);
    EXPECT_FALSE(config.neutrino.inverted_ordering);
    EXPECT_EQ(config.neutrino.sin2_theta_w, constants::sin2_theta_w);
    EXPECT_EQ(config.neutrino.mixing.theta12, 33.68 * constants::pi / 180);
    EXPECT_EQ(config.neutrino.mixing.theta23, 43.3 * constants::pi / 180);
    EXPECT_EQ(config.neutrino.mixing.dm31, 2.513e-3);
    EXPECT_TRUE(config.experiments.empty());
    EXPECT_TRUE(config.fixed.empty());
    EXPECT_TRUE(config.axes.empty());
    EXPECT_EQ(config.output_file, "");
    EXPECT_TRUE(config.polish);
}

TEST_F(ScanFile, axes_have_zero_where_they_pass_through_it) {
    const ScanConfig config = read(R"(title = "Zero, where rounding would leave 3e-47"
[[axis]]
parameter = "charge_radius.mumu"
min = "-80e-32 cm^2"
max = "30e-32 cm^2"
points = 111
)");
    const std::vector<double>& values = config.axes[0].values;
    EXPECT_EQ(values[80], 0);
    EXPECT_EQ(values.front(), -8e-31);
    EXPECT_NEAR(values[81], 1e-32, 1e-46);
}

TEST_F(ScanFile, everything) {
    const std::string text = R"(title = "A scan" # with a comment
[neutrino]
nature = "dirac"
ordering = "inverted"
basis = "mass"
charge_radius_mode = "beyond_sm"
sin2_theta_w = 0.24
mixing = { theta12 = "33 deg", theta13 = 0.15, delta = "-90 deg", dm21 = "7.5e-5 eV^2", alpha21 = 1 }
[parameters]
"anapole.11" = "1e-33 cm^2"
charge.12.abs = "1e-13 e"
theta23 = "45 deg"
[[axis]]
parameter = "toy.flat"
min = 0
max = 2
points = 3
[[axis]]
parameter = "magnetic_moment.13.re"
values = [0, "1e-12 mu_B", "5e-12 mu_B"]
profile = true
[[axis]]
parameter = "charge.12.arg"
min = "-180 deg"
max = "180 deg"
points = 5
[[axis]]
parameter = "charge_radius.universal"
min = "1e-34 cm^2"
max = "1e-6 fm^2"
points = 3
spacing = "log"
[[experiment]]
file = "toy.toml"
statistic = "poisson"
couplings = "tree"
systematics.flat = "free"
[output]
file = "out.h5"
polish = false
)";
    const ScanConfig config = read(text, {}, true);
    EXPECT_EQ(config.title, "A scan");
    EXPECT_EQ(config.text, text);
    EXPECT_EQ(config.neutrino.basis, Basis::mass);
    EXPECT_TRUE(config.neutrino.inverted_ordering);
    EXPECT_EQ(config.neutrino.sin2_theta_w, 0.24);
    const Mixing& mixing = config.neutrino.mixing;
    EXPECT_EQ(mixing.theta12, 33 * constants::pi / 180);
    EXPECT_EQ(mixing.theta13, 0.15);
    EXPECT_EQ(mixing.theta23, 45 * constants::pi / 180);
    EXPECT_EQ(mixing.delta, -90 * constants::pi / 180);
    EXPECT_EQ(mixing.alpha21, 1);
    EXPECT_EQ(mixing.alpha31, 0);
    EXPECT_EQ(mixing.dm21, 7.5e-5);
    EXPECT_EQ(mixing.dm31, -2.484e-3 + 7.5e-5);

    ASSERT_EQ(config.fixed.size(), 2u);
    EXPECT_EQ(config.fixed[0].parameter.name, "anapole.11");
    EXPECT_EQ(config.fixed[0].value, 1e-33);
    EXPECT_EQ(config.fixed[1].parameter.name, "charge.12.abs");
    EXPECT_EQ(config.fixed[1].value, 1e-13);

    ASSERT_EQ(config.axes.size(), 4u);
    EXPECT_EQ(config.axes[0].parameter.kind, Parameter::Kind::normalisation);
    EXPECT_EQ(config.axes[0].values, (std::vector<double>{0, 1, 2}));
    EXPECT_FALSE(config.axes[0].profile);
    EXPECT_EQ(config.axes[1].values, (std::vector<double>{0, 1e-12, 5e-12}));
    EXPECT_EQ(config.axes[1].spacing, Axis::Spacing::list);
    EXPECT_TRUE(config.axes[1].profile);
    EXPECT_EQ(config.axes[2].values,
              (std::vector<double>{-constants::pi, -constants::pi / 2, 0, constants::pi / 2, constants::pi}));
    EXPECT_EQ(config.axes[2].spacing, Axis::Spacing::linear);
    EXPECT_EQ(config.axes[3].spacing, Axis::Spacing::log);
    EXPECT_EQ(config.axes[3].values.front(), 1e-34);
    EXPECT_DOUBLE_EQ(config.axes[3].values[1], 1e-33);
    EXPECT_EQ(config.axes[3].values.back(), 1e-6 * 1e-26);

    ASSERT_EQ(config.experiments.size(), 1u);
    EXPECT_EQ(config.experiments[0].name, "toy");
    EXPECT_EQ(config.experiments[0].couplings, CouplingScheme::tree);
    EXPECT_EQ(config.experiments[0].backgrounds[0].sigma, std::numeric_limits<double>::infinity());
    EXPECT_EQ(config.output_file, "out.h5");
    EXPECT_FALSE(config.polish);
}

TEST_F(ScanFile, inverted_ordering_defaults) {
    const Mixing mixing = read("neutrino.ordering = \"inverted\"").neutrino.mixing;
    EXPECT_EQ(mixing.theta12, 33.68 * constants::pi / 180);
    EXPECT_EQ(mixing.theta13, 8.59 * constants::pi / 180);
    EXPECT_EQ(mixing.theta23, 47.9 * constants::pi / 180);
    EXPECT_EQ(mixing.delta, 274 * constants::pi / 180);
    EXPECT_EQ(mixing.dm31, -2.484e-3 + 7.49e-5);
    EXPECT_EQ(read("neutrino = { ordering = \"inverted\", mixing.dm31 = \"-2.4e-3 eV^2\" }").neutrino.mixing.dm31,
              -2.4e-3);
}

TEST_F(ScanFile, axis_ends_are_exact_and_symmetric_axes_symmetric) {
    const std::vector<double> values =
        read("[[axis]]\nparameter = \"charge.ee\"\nmin = \"-6.7e-13 e\"\nmax = \"6.7e-13 e\"\npoints = 401")
            .axes[0]
            .values;
    ASSERT_EQ(values.size(), 401u);
    EXPECT_EQ(values.front(), -6.7e-13);
    EXPECT_EQ(values.back(), 6.7e-13);
    EXPECT_EQ(values[200], 0);
    for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(values[i], -values[400 - i]);
        EXPECT_TRUE(i == 0 || values[i] > values[i - 1]);
        EXPECT_NEAR(values[i], -6.7e-13 + 1.34e-12 * static_cast<double>(i) / 400, 1e-27);
    }
    const std::vector<double> decades = read("[[axis]]\nparameter = \"charge.ee\"\nmin = \"1.1e-15 e\"\nmax = "
                                             "\"1.1e-9 e\"\npoints = 7\nspacing = \"log\"")
                                            .axes[0]
                                            .values;
    EXPECT_EQ(decades.front(), 1.1e-15);
    EXPECT_EQ(decades.back(), 1.1e-9);
    for (std::size_t i = 0; i < decades.size(); ++i) {
        EXPECT_NEAR(decades[i] / (1.1e-15 * std::pow(10, static_cast<double>(i))), 1, 1e-13);
    }
}

TEST_F(ScanFile, systematics_override_the_experiment) {
    const auto sigma = [&](const std::string& value) {
        return read("[[experiment]]\nfile = \"toy.toml\"\nsystematics.flat = " + value)
            .experiments[0]
            .backgrounds[0]
            .sigma;
    };
    EXPECT_EQ(sigma("\"fixed\""), 0);
    EXPECT_EQ(sigma("0.35"), 0.35);
    EXPECT_EQ(read("[[experiment]]\nfile = \"toy.toml\"").experiments[0].backgrounds[0].sigma, 0.2);
}

TEST_F(ScanFile, statistic_overrides_the_experiment) {
    const std::string toy = "[[experiment]]\nfile = \"toy.toml\"\n";
    EXPECT_EQ(read(toy).experiments[0].statistic, Statistic::poisson);
    EXPECT_EQ(read(toy + "statistic = \"gaussian\"").experiments[0].statistic, Statistic::gaussian);

    std::string text = experiment_text;
    text.replace(text.find("[4, 2]"), 6, "[4, 0]");
    folder_.write("toy.toml", text);
    EXPECT_EQ(error(toy + "statistic = \"gaussian\""),
              "scan.toml:3: statistic = \"gaussian\" does not go with toy (its fitted bin 2 has 0 counts, whose "
              "root is no error) write \"poisson\", or add sigma to its [bins]?");
    text.replace(text.find("[4, 0]"), 6, "[4, 0.5]\nsigma = [2, 1]");
    text.replace(text.find("[exposure]"), 10, "statistic = \"gaussian\"\n[exposure]");
    folder_.write("toy.toml", text);
    EXPECT_EQ(read(toy).experiments[0].errors(), (std::vector<double>{2, 1}));
    EXPECT_EQ(
        error(toy + "statistic = \"poisson\""),
        "scan.toml:3: statistic = \"poisson\" does not go with toy (its fitted bin 2 has 0.5 counts, which is not "
        "a whole number) leave it \"gaussian\"?");
    text.replace(text.find("0.5]"), 4, "-1]");
    folder_.write("toy.toml", text);
    EXPECT_EQ(error(toy + "statistic = \"poisson\""),
              "scan.toml:3: statistic = \"poisson\" does not go with toy (its fitted bin 2 has -1 counts, which is "
              "negative) leave it \"gaussian\"?");
}

TEST_F(ScanFile, a_folder_of_experiments) {
    std::string other = experiment_text;
    other.replace(other.find("toy"), 3, "other");
    folder_.write("mine/other/experiment.toml", other);
    setenv("NUSCAN_EXPERIMENTS", (folder_.path() / "mine").c_str(), 1);
    const ScanConfig config = read("[[experiment]]\nuse = \"other\"\n[[experiment]]\nfile = \"toy.toml\"");
    const std::string unknown = error("\n[[experiment]]\nuse = \"othr\"");
    const std::vector<std::string> known = experiment_names();
    setenv("NUSCAN_EXPERIMENTS", (folder_.path() / "gone").c_str(), 1);
    const std::string gone = error("[[experiment]]\nuse = \"other\"");
    unsetenv("NUSCAN_EXPERIMENTS");
    ASSERT_EQ(config.experiments.size(), 2u);
    EXPECT_EQ(config.experiments[0].name, "other");
    EXPECT_EQ(unknown, "scan.toml:3: unknown experiment \"othr\" (known are " +
                           fmt::format("{}", fmt::join(known, ", ")) + ") did you mean \"other\"?");
    EXPECT_EQ(gone, "$NUSCAN_EXPERIMENTS: there is no folder \"gone\" (folders are separated by colons)");
}

TEST_F(ScanFile, majorana_neutrinos) {
    const ScanConfig config = read(R"([neutrino]
nature = "majorana"
basis = "mass"
mixing.alpha21 = "90 deg"
[parameters]
charge.12.im = "1e-13 e"
anapole.11 = "1e-33 cm^2"
majorana_moment.1.abs = "1e-11 mu_B"
[[axis]]
parameter = "majorana_moment.1.arg"
min = 0
max = "360 deg"
points = 3
[[axis]]
parameter = "majorana_moment.3.im"
min = "-1e-11 mu_B"
max = "1e-11 mu_B"
points = 3
)");
    EXPECT_TRUE(config.neutrino.majorana);
    EXPECT_EQ(config.neutrino.mixing.alpha21, constants::pi / 2);
    ASSERT_EQ(config.fixed.size(), 3u);
    EXPECT_EQ(config.fixed[2].parameter.kind, Parameter::Kind::majorana_moment);
    EXPECT_EQ(config.fixed[2].value, 1e-11);
    ASSERT_EQ(config.axes.size(), 2u);
    EXPECT_EQ(config.axes[0].values.back(), 2 * constants::pi);
    // Nature may change from the command line, and what is not valid then is refused.
    EXPECT_EQ(error("[parameters]\ncharge.ee = 0", {{"neutrino.nature", "majorana"}}),
              "scan.toml:2: charge.ee: a Majorana neutrino's charge is given in the mass basis (antisymmetric there, "
              "it is no free matrix in the flavour basis) set basis = \"mass\" in [neutrino] and write, e.g., "
              "\"charge.12.im\"?");
}

constexpr const char* caesium = "[[experiment]]\nfile = \"caesium.toml\"\n";

TEST_F(ScanFile, couplings_and_charge_radius_mode) {
    const std::string toy = "[[experiment]]\nfile = \"toy.toml\"\n";
    EXPECT_EQ(read(toy).experiments[0].couplings, CouplingScheme::tree);
    EXPECT_EQ(read(toy + "couplings = \"radiative\"").experiments[0].couplings, CouplingScheme::radiative);
    EXPECT_EQ(read(caesium).experiments[0].couplings, CouplingScheme::radiative);
    EXPECT_EQ(read(std::string(caesium) + "couplings = \"tree\"").experiments[0].couplings, CouplingScheme::tree);

    const std::string total = "neutrino.charge_radius_mode = \"total\"\n";
    EXPECT_EQ(read(total).neutrino.charge_radius_mode, ChargeRadiusMode::total);
    EXPECT_EQ(read(total + caesium).neutrino.charge_radius_mode, ChargeRadiusMode::total);
    EXPECT_EQ(read(total + caesium + toy + "couplings = \"radiative\"").neutrino.charge_radius_mode,
              ChargeRadiusMode::total);
    EXPECT_EQ(error(caesium + toy, {{"neutrino.charge_radius_mode", "total"}}),
              "command line: charge_radius_mode = \"total\" does not go with the couplings of toy (they are at tree "
              "level, and hold no radius of the standard model that could be taken out) set couplings = \"radiative\" "
              "in its [[experiment]]?");
}

TEST_F(ScanFile, slow_parameters_fixed) {
    const ScanConfig config = read(std::string("parameters = { caesium.baseline = \"30 m\", neutron_radius.Cs133 = "
                                               "\"5.2 fm\", dm31 = \"2.6e-3 eV^2\" }\n") +
                                   caesium);
    EXPECT_TRUE(config.fixed.empty());
    EXPECT_EQ(config.experiments[0].sources[0].baseline, 30);
    ASSERT_EQ(config.experiments[0].target.nuclides.size(), 1u);
    EXPECT_EQ(config.experiments[0].target.nuclides[0].nuclide.neutron_radius, 5.2);
    EXPECT_EQ(config.neutrino.mixing.dm31, 2.6e-3);
    // The same from the command line
    const ScanConfig again = read(caesium, {{"caesium.baseline", "30 m"}, {"proton_radius.Cs133", "4.7 fm"}});
    EXPECT_EQ(again.experiments[0].sources[0].baseline, 30);
    EXPECT_EQ(again.experiments[0].target.nuclides[0].nuclide.proton_radius, 4.7);
    EXPECT_EQ(read(again.text).experiments[0].sources[0].baseline, 30);
}

TEST_F(ScanFile, slow_axes) {
    const ScanConfig config = read(std::string(caesium) + R"([[axis]]
parameter = "caesium.baseline"
min = "10 m"
max = "1 km"
points = 3
spacing = "log"
[[axis]]
parameter = "neutron_radius.Cs133"
min = "4 fm"
max = "6 fm"
points = 3
[[axis]]
parameter = "dm31"
min = "2e-3 eV^2"
max = "3e-3 eV^2"
points = 2
[[axis]]
parameter = "dm21"
values = ["7e-5 eV^2", "8e-5 eV^2"]
)");
    ASSERT_EQ(config.axes.size(), 4u);
    EXPECT_NEAR(config.axes[0].values[1], 100, 1e-12);
    EXPECT_EQ(config.axes[1].values, (std::vector<double>{4, 5, 6}));
    EXPECT_EQ(config.axes[2].values, (std::vector<double>{2e-3, 3e-3}));
    EXPECT_EQ(config.axes[3].values, (std::vector<double>{7e-5, 8e-5}));
    EXPECT_EQ(config.experiments[0].sources[0].baseline, 20); // axes leave the experiments as they were read
    for (const Axis& axis : config.axes) {
        EXPECT_TRUE(is_slow(axis.parameter, config.experiments[0])) << axis.parameter.name;
    }
    const char* inverted = "neutrino.ordering = \"inverted\"\n[[axis]]\nparameter = \"dm31\"\nmin = \"-3e-3 eV^2\"\n"
                           "max = \"-2e-3 eV^2\"\npoints = 2";
    EXPECT_EQ(read(inverted).axes[0].values, (std::vector<double>{-3e-3, -2e-3}));
}

TEST_F(ScanFile, every_form_factor_must_allow_a_radius) {
    const auto radius = [&](const char* value) {
        return error(std::string("parameters.neutron_radius.Cs133 = ") + value + "\n" + caesium);
    };
    EXPECT_EQ(radius("\"5.09 fm\""), "");
    EXPECT_EQ(radius("\"1.6 fm\""), "");
    EXPECT_EQ(radius("\"20 fm\""), "");
    EXPECT_EQ(radius("\"1.5 fm\""),
              "scan.toml:1: neutron_radius.Cs133 = 1.5 fm is too small (the surface alone of the form factor that "
              "channel \"nucleus\" of caesium takes has an rms radius of 1.559 fm)");
    EXPECT_EQ(radius("0"), "scan.toml:1: neutron_radius.Cs133 = 0 fm is not positive (neutron_radius.Cs133 is an rms "
                           "radius)");
    EXPECT_EQ(radius("\"21 fm\""), "scan.toml:1: neutron_radius.Cs133 = 21 fm is too large (nuclei are smaller than "
                                   "20 fm)");
    EXPECT_EQ(radius("5.09"), "scan.toml:1: neutron_radius.Cs133 = 5.09 has no unit (neutron_radius.Cs133 is measured "
                              "in fm) write \"5.09 fm\"?");
}

TEST_F(ScanFile, axes_that_change_nothing_in_an_experiment) {
    const auto write = [&](const char* from, const char* to) {
        std::string text = nuclear_text;
        text.replace(text.find(from), std::string(from).size(), to);
        folder_.write("caesium.toml", text);
    };
    const auto axis = [&](const char* name) {
        return error(std::string(caesium) + "[[axis]]\nparameter = \"" + name + "\"");
    };
    write("\"exact\"", "\"short\"");
    EXPECT_EQ(
        axis("caesium.baseline"),
        "scan.toml:4: an axis of caesium.baseline changes no prediction (the fluxes are given at the detector, and "
        "no source has exact propagation) leave it out?");
    write("scattering = \"nucleus\"", "scattering = \"nucleus\"\nform_factor = \"unity\"");
    EXPECT_EQ(
        axis("proton_radius.Cs133"),
        "scan.toml:4: an axis of proton_radius.Cs133 changes no prediction (the form factor is unity wherever it is "
        "seen) leave it out?");
    // A parameter that is fixed may have no effect: it says what holds.
    EXPECT_EQ(error(std::string(caesium) + "[parameters]\nproton_radius.Cs133 = \"4.8 fm\""), "");
}

TEST_F(ScanFile, a_background_called_baseline) {
    std::string text = experiment_text;
    text.replace(text.find("flat"), 4, "baseline");
    folder_.write("flat.toml", text);
    EXPECT_EQ(error("[[experiment]]\nfile = \"flat.toml\""), ""); // a normalisation: toy has no distance
    text.replace(text.find("propagation"), 0, "baseline = \"12 m\"\n");
    folder_.write("far.toml", text);
    EXPECT_EQ(error("\n[[experiment]]\nfile = \"far.toml\""),
              "scan.toml:2: toy has a background called \"baseline\" (toy.baseline is the distance to its sources) "
              "rename the background");
}

struct BrokenScan {
    const char* name;
    const char* text;
    const char* message;
};

void PrintTo(const BrokenScan& broken, std::ostream* out) { *out << broken.text; }

class BrokenScanFile : public ScanFile, public ::testing::WithParamInterface<BrokenScan> {};

TEST_P(BrokenScanFile, is_refused) { EXPECT_EQ(error(GetParam().text), GetParam().message); }

#define AXIS(rest) "[[axis]]\nparameter = \"charge.ee\"\n" rest
#define TOY "[[experiment]]\nfile = \"toy.toml\"\n"
#define CAESIUM "[[experiment]]\nfile = \"caesium.toml\"\n"

const BrokenScan broken_scans[] = {
    // syntax, keys and types
    {"syntax", "title = \"x\"\n[neutrino\n",
     "scan.toml:2: not valid TOML (Error while parsing table header: expected ']', saw '\\n')"},
    {"top_level_key", "title = \"x\"\n[parameter]\n",
     "scan.toml:2: unknown key \"parameter\" in the file did you mean "
     "\"parameters\"?"},
    {"top_level_key_far", "whatever = 1\n",
     "scan.toml:1: unknown key \"whatever\" in the file (its keys are \"title\", \"neutrino\", \"experiment\", "
     "\"shared\", \"parameters\", \"axis\" or \"output\")"},
    {"neutrino_key", "[neutrino]\nordring = \"normal\"",
     "scan.toml:2: unknown key \"ordring\" in [neutrino] did you mean \"ordering\"?"},
    {"mixing_key", "[neutrino.mixing]\ndm32 = \"1 eV^2\"",
     "scan.toml:2: unknown key \"dm32\" in [neutrino.mixing] did you mean \"dm31\"?"},
    {"axis_key", AXIS("min = 0\nmaximum = 1\n"),
     "scan.toml:4: unknown key \"maximum\" in [[axis]] (its keys are \"parameter\", \"min\", \"max\", \"points\", "
     "\"spacing\", \"values\" or \"profile\")"},
    {"experiment_key", "[[experiment]]\nuses = \"lz-2022\"",
     "scan.toml:2: unknown key \"uses\" in [[experiment]] did you mean \"use\"?"},
    {"output_key", "[output]\nfiles = \"a.h5\"",
     "scan.toml:2: unknown key \"files\" in [output] did you mean \"file\"?"},
    {"output_polish_key", "[output]\npolished = false",
     "scan.toml:2: unknown key \"polished\" in [output] did you mean \"polish\"?"},
    {"output_polish", "[output]\npolish = 0", "scan.toml:2: polish is an integer (expected true or false)"},
    {"output_empty", "[output]\nfile = \"\"", "scan.toml:2: file is empty"},
    {"single_axis_table", "[axis]\nparameter = \"charge.ee\"",
     "scan.toml:1: axis is a single table (there may be several of them) write [[axis]]?"},
    {"axis_array", "axis = [1]", "scan.toml:1: axis[0] is an integer (expected a table)"},
    {"axis_number", "\naxis = 1", "scan.toml:2: axis is an integer (expected an array of tables)"},
    {"title_type", "title = 5", "scan.toml:1: title is an integer (expected a string)"},
    {"neutrino_type", "neutrino = \"dirac\"", "scan.toml:1: neutrino is a string (expected a table)"},
    // neutrino
    {"nature", "[neutrino]\nnature = \"Dirac\"",
     "scan.toml:2: nature = \"Dirac\" is unknown (expected \"dirac\" or \"majorana\") did you mean \"dirac\"?"},
    {"total_radius", "[neutrino]\ncharge_radius_mode = \"total\"\n" TOY,
     "scan.toml:2: charge_radius_mode = \"total\" does not go with the couplings of toy (they are at tree level, and "
     "hold no radius of the standard model that could be taken out) set couplings = \"radiative\" in its "
     "[[experiment]]?"},
    {"total_radius_mass_basis", "[neutrino]\ncharge_radius_mode = \"total\"\nbasis = \"mass\"",
     "scan.toml:2: charge_radius_mode = \"total\" does not go with basis = \"mass\" (the radii of the standard model, "
     "which the total ones contain, are diagonal in the flavour basis) set basis = \"flavour\", or scan the shift with "
     "\"beyond_sm\"?"},
    {"charge_radius_mode", "[neutrino]\ncharge_radius_mode = \"totl\"",
     "scan.toml:2: charge_radius_mode = \"totl\" is unknown (expected \"beyond_sm\" or \"total\") did you mean "
     "\"total\"?"},
    {"majorana_and_elements",
     "[neutrino]\nnature = \"majorana\"\nbasis = \"mass\"\n[parameters]\nmagnetic_moment.12.im = "
     "0\n[[axis]]\nparameter "
     "= \"majorana_moment.2.re\"\nvalues = [0, \"1 mu_B\"]",
     "scan.toml:5: magnetic_moment.12.im does not go with majorana_moment.2.re (majorana_moment is the whole of mu - i "
     "epsilon)"},
    {"majorana_and_electric_axis",
     "[neutrino]\nnature = \"majorana\"\nbasis = \"mass\"\n[parameters]\nmajorana_moment.2.re = 0\n[[axis]]\nparameter "
     "= \"electric_moment.23.im\"\nvalues = [0, \"1 mu_B\"]",
     "scan.toml:7: electric_moment.23.im does not go with majorana_moment.2.re (majorana_moment is the whole of mu - i "
     "epsilon)"},
    {"majorana_polar_and_cartesian",
     "[neutrino]\nnature = \"majorana\"\nbasis = \"mass\"\n[parameters]\nmajorana_moment.1.re = 0\n"
     "majorana_moment.1.abs = 0",
     "scan.toml:6: majorana_moment.1.abs does not go with majorana_moment.1.re (an element is given by re and im, or "
     "by "
     "abs and arg)"},
    {"majorana_arg_alone",
     "[neutrino]\nnature = \"majorana\"\nbasis = \"mass\"\n[parameters]\nmajorana_moment.1.arg = 0\n"
     "majorana_moment.2.abs = 0",
     "scan.toml:5: majorana_moment.1.arg has no majorana_moment.1.abs (an argument alone leaves the element zero) give "
     "\"majorana_moment.1.abs\" in [parameters] or as an axis"},
    {"majorana_abs_negative",
     "[neutrino]\nnature = \"majorana\"\nbasis = \"mass\"\n[parameters]\nmajorana_moment.1.abs = \"-1 mu_B\"",
     "scan.toml:5: majorana_moment.1.abs = -1 mu_B is negative (majorana_moment.1.abs is a modulus)"},
    {"majorana_arg_range",
     "[neutrino]\nnature = \"majorana\"\nbasis = \"mass\"\n[parameters]\nmajorana_moment.1.abs = 0\n"
     "majorana_moment.1.arg = 90",
     "scan.toml:6: majorana_moment.1.arg = 90 rad is out of range (phases lie between -2 pi and 2 pi) write \"90 "
     "deg\"?"},
    {"majorana_diagonal",
     "[neutrino]\nnature = \"majorana\"\nbasis = \"mass\"\n[[axis]]\nparameter = \"magnetic_moment.11\"",
     "scan.toml:5: magnetic_moment.11: a Majorana neutrino has no diagonal magnetic moment (the matrix is "
     "antisymmetric "
     "in the mass basis) write, e.g., \"majorana_moment.1.abs\" or \"magnetic_moment.12.im\"?"},
    {"ordering", "[neutrino]\nordering = \"up\"",
     "scan.toml:2: ordering = \"up\" is unknown (expected \"normal\" or \"inverted\")"},
    {"dm31_sign_normal", "[neutrino.mixing]\ndm31 = \"-2.5e-3 eV^2\"",
     "scan.toml:2: dm31 = -0.0025 eV^2 has the wrong sign (it is positive in normal ordering) write \"0.0025 eV^2\" or "
     "set ordering = \"inverted\"?"},
    {"dm31_zero", "[neutrino.mixing]\ndm31 = 0",
     "scan.toml:2: dm31 = 0 eV^2 has no sign (it is positive in normal ordering)"},
    {"dm31_sign_inverted", "[neutrino]\nordering = \"inverted\"\n[neutrino.mixing]\ndm31 = \"2.5e-3 eV^2\"",
     "scan.toml:4: dm31 = 0.0025 eV^2 has the wrong sign (it is negative in inverted ordering) write \"-0.0025 eV^2\" "
     "or set ordering = \"normal\"?"},
    {"dm21_sign", "[neutrino.mixing]\ndm21 = \"-7e-5 eV^2\"",
     "scan.toml:2: dm21 = -7e-05 eV^2 is not positive (the second mass is above the first)"},
    {"dm21_unit", "[neutrino.mixing]\ndm21 = 7.5e-5",
     "scan.toml:2: dm21 = 7.5e-05 has no unit (dm21 is measured in eV^2) write \"7.5e-05 eV^2\"?"},
    {"theta_in_degrees", "[neutrino.mixing]\ntheta12 = 33.68",
     "scan.toml:2: theta12 = 33.68 rad is out of range (mixing angles lie between 0 and pi/2) write \"33.68 deg\"?"},
    {"theta_negative", "[neutrino.mixing]\ntheta12 = -0.1",
     "scan.toml:2: theta12 = -0.1 rad is out of range (mixing angles lie between 0 and pi/2)"},
    {"delta_in_degrees", "[neutrino.mixing]\ndelta = 212",
     "scan.toml:2: delta = 212 rad is out of range (phases lie between -2 pi and 2 pi) write \"212 deg\"?"},
    {"sin2_theta_w", "[neutrino]\nsin2_theta_w = 2.3",
     "scan.toml:2: sin2_theta_w = 2.3 is out of range (it is a squared sine)"},
    {"mixing_type", "[neutrino.mixing]\ntheta12 = true",
     "scan.toml:2: theta12 is a boolean (expected a number with a unit, like \"1.5 rad\")"},
    // parameters
    {"parameter_unknown", "[parameters]\n\"charge.e\" = 0",
     "scan.toml:2: unknown parameter \"charge.e\" did you mean \"charge.ee\"?"},
    {"parameter_unit", "[parameters]\ncharge.ee = 1e-12",
     "scan.toml:2: charge.ee = 1e-12 has no unit (charge.ee is measured in e) write \"1e-12 e\"?"},
    {"parameter_of_other_basis", "[neutrino]\nbasis = \"mass\"\n[parameters]\ncharge.ee = 0",
     "scan.toml:4: charge.ee is an element in the flavour basis (this scan is in the mass basis) set basis = "
     "\"flavour\" in [neutrino]?"},
    {"parameter_nan", "[parameters]\ncharge.ee = nan",
     "scan.toml:2: charge.ee = nan is not finite (charge.ee is measured in e)"},
    {"parameter_twice", "[parameters]\ncharge.ee = 0\n\"charge.ee\" = 0",
     "scan.toml:3: charge.ee is given twice (it is fixed at scan.toml:2)"},
    {"parameter_and_axis", "[parameters]\ncharge.ee = 0\n" AXIS("min = 0\nmax = \"1 e\"\npoints = 2"),
     "scan.toml:4: charge.ee is given twice (it is fixed at scan.toml:2)"},
    {"mixing_and_parameter", "[neutrino.mixing]\ntheta12 = 0.5\n[parameters]\ntheta12 = 0.5",
     "scan.toml:4: theta12 is given twice (it is fixed at scan.toml:2)"},
    {"mixing_and_axis",
     "[neutrino.mixing]\ntheta12 = 0.5\n[[axis]]\nparameter = \"theta12\"\nmin = 0\nmax = 1\npoints = 2",
     "scan.toml:4: theta12 is given twice (it is fixed at scan.toml:2)"},
    {"axis_twice", AXIS("min = 0\nmax = \"1 e\"\npoints = 2\n") AXIS("min = 0\nmax = \"1 e\"\npoints = 2"),
     "scan.toml:7: charge.ee is given twice (it is an axis at scan.toml:2)"},
    {"polar_and_cartesian", "[parameters]\ncharge.emu.re = 0\ncharge.emu.abs = \"1 e\"",
     "scan.toml:3: charge.emu.abs does not go with charge.emu.re (an element is given by re and im, or by abs and "
     "arg)"},
    {"polar_axis_and_cartesian",
     "[parameters]\ncharge.emu.im = 0\ncharge.emu.abs = \"1 e\"\n[[axis]]\nparameter = \"charge.emu.arg\"\nmin = "
     "0\nmax = 1\npoints = 2",
     "scan.toml:3: charge.emu.abs does not go with charge.emu.im (an element is given by re and im, or by abs and "
     "arg)"},
    {"arg_alone", "[parameters]\ncharge.emu.arg = 1",
     "scan.toml:2: charge.emu.arg has no charge.emu.abs (an argument alone leaves the element zero) give "
     "\"charge.emu.abs\" in [parameters] or as an axis"},
    {"arg_axis_alone", "[[axis]]\nparameter = \"charge.emu.arg\"\nmin = 0\nmax = 1\npoints = 2",
     "scan.toml:2: charge.emu.arg has no charge.emu.abs (an argument alone leaves the element zero) give "
     "\"charge.emu.abs\" in [parameters] or as an axis"},
    {"abs_negative", "[parameters]\ncharge.emu.abs = \"-1e-12 e\"",
     "scan.toml:2: charge.emu.abs = -1e-12 e is negative (charge.emu.abs is a modulus)"},
    {"abs_axis_negative", "[[axis]]\nparameter = \"charge.emu.abs\"\nmin = \"-1 e\"\nmax = 0\npoints = 3",
     "scan.toml:3: min = -1 e is negative (charge.emu.abs is a modulus)"},
    {"arg_in_degrees", "[parameters]\ncharge.emu.abs = 0\ncharge.emu.arg = 90",
     "scan.toml:3: charge.emu.arg = 90 rad is out of range (phases lie between -2 pi and 2 pi) write \"90 deg\"?"},
    // axes
    {"axis_without_parameter", "\n[[axis]]\nmin = 0", "scan.toml:2: [[axis]] has no \"parameter\""},
    {"axis_without_max", AXIS("min = 0"), "scan.toml:1: [[axis]] has no \"max\""},
    {"axis_without_points", AXIS("min = 0\nmax = \"1 e\""), "scan.toml:1: [[axis]] has no \"points\""},
    {"axis_unit", "[[axis]]\nparameter = \"magnetic_moment.universal\"\nmin = 0\nmax = 3e-11",
     "scan.toml:4: max = 3e-11 has no unit (magnetic_moment.universal is measured in mu_B) write \"3e-11 mu_B\"?"},
    {"axis_unit_wrong", AXIS("min = 0\nmax = \"1 mu_B\""),
     "scan.toml:4: max = \"1 mu_B\" is in mu_B (charge.ee is measured in e)"},
    {"axis_points_one", AXIS("min = 0\nmax = \"1 e\"\npoints = 1"),
     "scan.toml:5: points = 1 is too few (an axis has at least 2) fix the parameter in [parameters]?"},
    {"axis_points_many", AXIS("min = 0\nmax = \"1 e\"\npoints = 10000001"),
     "scan.toml:5: points = 10000001 is too many (an axis has at most 10000000)"},
    {"axis_points_real", AXIS("min = 0\nmax = \"1 e\"\npoints = 1e3"),
     "scan.toml:5: points = 1000.0 is not an integer write 1000?"},
    {"axis_points_fraction", AXIS("min = 0\nmax = \"1 e\"\npoints = 6.5"),
     "scan.toml:5: points = 6.5 is not an integer"},
    {"axis_points_text", AXIS("min = 0\nmax = \"1 e\"\npoints = \"6\""),
     "scan.toml:5: points is a string (expected an integer)"},
    {"axis_order", AXIS("min = \"2 e\"\nmax = \"1 e\"\npoints = 3"), "scan.toml:4: max = 1 e is not above min = 2 e"},
    {"axis_log", AXIS("min = 0\nmax = \"1 e\"\npoints = 3\nspacing = \"log\""),
     "scan.toml:3: min = 0 e is not positive (a logarithmic axis starts above zero)"},
    {"axis_spacing", AXIS("min = 0\nmax = \"1 e\"\npoints = 3\nspacing = \"lin\""),
     "scan.toml:6: spacing = \"lin\" is unknown (expected \"linear\" or \"log\")"},
    {"axis_close", AXIS("min = \"1 e\"\nmax = \"1.0000000000000002 e\"\npoints = 3"),
     "scan.toml:1: the points of charge.ee are too close (neighbours are the same number in double precision) take "
     "fewer"},
    {"axis_values_and_min", AXIS("values = [0]\nmin = 0"),
     "scan.toml:4: \"min\" does not go with \"values\" (an axis is given by values, or by min, max and points)"},
    {"axis_values_unsorted", AXIS("values = [0, \"2 e\", \"1 e\"]"),
     "scan.toml:3: values[2] = 1 e is not above 2 e (the values of an axis increase)"},
    {"axis_values_unit", AXIS("values = [0, 2]"),
     "scan.toml:3: values[1] = 2 has no unit (charge.ee is measured in e) write \"2 e\"?"},
    {"axis_values_one", AXIS("values = [0]"),
     "scan.toml:3: values has 1 entries (an axis has at least 2) fix the parameter in [parameters]?"},
    {"axis_values_type", AXIS("values = 3"), "scan.toml:3: values is an integer (expected an array)"},
    {"axis_profile", AXIS("profile = \"yes\""), "scan.toml:3: profile is a string (expected true or false)"},
    {"axis_dm31", "[[axis]]\nparameter = \"dm31\"\nmin = \"-1e-3 eV^2\"\nmax = \"2e-3 eV^2\"\npoints = 3",
     "scan.toml:3: min = -0.001 eV^2 has the wrong sign (dm31 is positive in normal ordering) scan one ordering at a "
     "time?"},
    {"axis_dm31_zero", "[[axis]]\nparameter = \"dm31\"\nmin = 0\nmax = \"2e-3 eV^2\"\npoints = 3",
     "scan.toml:3: min = 0 eV^2 has no sign (dm31 is positive in normal ordering) scan one ordering at a time?"},
    {"axis_dm31_inverted",
     "neutrino.ordering = \"inverted\"\n[[axis]]\nparameter = \"dm31\"\nmin = \"-2e-3 eV^2\"\nmax = \"1e-3 "
     "eV^2\"\npoints = 3",
     "scan.toml:5: max = 0.001 eV^2 has the wrong sign (dm31 is negative in inverted ordering) scan one ordering at a "
     "time?"},
    {"axis_dm31_values", "[[axis]]\nparameter = \"dm31\"\nvalues = [\"-2e-3 eV^2\", \"2e-3 eV^2\"]",
     "scan.toml:3: values[0] = -0.002 eV^2 has the wrong sign (dm31 is positive in normal ordering) scan one ordering "
     "at a time?"},
    {"axis_dm21", "[[axis]]\nparameter = \"dm21\"\nmin = 0\nmax = \"8e-5 eV^2\"\npoints = 2",
     "scan.toml:3: min = 0 eV^2 is not positive (the second mass is above the first)"},
    {"axis_baseline", CAESIUM "[[axis]]\nparameter = \"caesium.baseline\"\nmin = 0\nmax = \"20 m\"\npoints = 2",
     "scan.toml:5: min = 0 m is not positive (caesium.baseline is a distance)"},
    {"axis_baseline_values", CAESIUM "[[axis]]\nparameter = \"caesium.baseline\"\nvalues = [\"-1 m\", \"1 m\"]",
     "scan.toml:5: values[0] = -1 m is not positive (caesium.baseline is a distance)"},
    {"axis_baseline_none", TOY "[[axis]]\nparameter = \"toy.baseline\"",
     "scan.toml:4: unknown parameter \"toy.baseline\" (no experiment has a source with a baseline)"},
    {"fixed_baseline", CAESIUM "[parameters]\ncaesium.baseline = \"-20 m\"",
     "scan.toml:4: caesium.baseline = -20 m is not positive (caesium.baseline is a distance)"},
    {"baseline_twice", CAESIUM "[parameters]\ncaesium.baseline = \"20 m\"\n[[axis]]\nparameter = \"caesium.baseline\"",
     "scan.toml:6: caesium.baseline is given twice (it is fixed at scan.toml:4)"},
    {"axis_radius", CAESIUM "[[axis]]\nparameter = \"proton_radius.Cs133\"\nmin = \"1 fm\"\nmax = \"6 fm\"\npoints = 2",
     "scan.toml:5: min = 1 fm is too small (the surface alone of the form factor that channel \"nucleus\" of caesium "
     "takes has an rms radius of 1.559 fm)"},
    {"axis_radius_large",
     CAESIUM "[[axis]]\nparameter = \"proton_radius.Cs133\"\nmin = \"4 fm\"\nmax = \"25 fm\"\npoints = 2",
     "scan.toml:6: max = 25 fm is too large (nuclei are smaller than 20 fm)"},
    {"axis_radius_negative", CAESIUM "[[axis]]\nparameter = \"neutron_radius.Cs133\"\nvalues = [\"-5 fm\", \"5 fm\"]",
     "scan.toml:5: values[0] = -5 fm is not positive (neutron_radius.Cs133 is an rms radius)"},
    {"axis_radius_of_electrons", TOY "[[axis]]\nparameter = \"neutron_radius.Xe132\"",
     "scan.toml:4: unknown parameter \"neutron_radius.Xe132\" (no experiment sees scattering on nuclei)"},
    {"axis_normalisation", TOY "[[axis]]\nparameter = \"toy.flat\"\nmin = -1\nmax = 1\npoints = 3",
     "scan.toml:5: min = -1 is negative (toy.flat is relative to the nominal background, 1)"},
    // axes that change nothing: toy has antineutrinos of electron flavour at a short baseline
    {"axis_dm31_without_phases", TOY "[[axis]]\nparameter = \"dm31\"",
     "scan.toml:4: an axis of dm31 changes no prediction (only sources with exact propagation have phases) leave it "
     "out?"},
    {"axis_dm21_without_oscillation", TOY "[[axis]]\nparameter = \"dm21\"\nprofile = true",
     "scan.toml:4: an axis of dm21 changes no prediction (it is in exact and solar propagation alone) leave it out?"},
    {"axis_theta12_without_oscillation", TOY "[[axis]]\nparameter = \"theta12\"",
     "scan.toml:4: an axis of theta12 changes no prediction (no source oscillates, and elements are of the flavour "
     "basis) leave it out?"},
    {"axis_majorana_phase", CAESIUM "[[axis]]\nparameter = \"alpha31\"",
     "scan.toml:4: an axis of alpha31 changes no prediction (Majorana phases belong to elements of the mass basis) "
     "leave it out?"},
    {"axis_of_another_flavour", TOY "[[axis]]\nparameter = \"charge.tautau\"",
     "scan.toml:4: an axis of charge.tautau changes no prediction (no source is of its flavour, and none oscillates) "
     "leave it out?"},
    {"axis_between_other_flavours", TOY "[[axis]]\nparameter = \"charge.mutau.re\"",
     "scan.toml:4: an axis of charge.mutau.re changes no prediction (no source is of one of its flavours, and none "
     "oscillates) leave it out?"},
    {"axis_background_of_nothing", TOY "[[axis]]\nparameter = \"toy.none\"",
     "scan.toml:4: an axis of toy.none changes no prediction (the background is zero in every bin) leave it out?"},
    {"axis_normalisation_without_experiment", "[[axis]]\nparameter = \"toy.flat\"",
     "scan.toml:2: unknown parameter \"toy.flat\""},
    {"grid_overflow",
     "[[axis]]\nparameter = \"charge.ee\"\nmin = 0\nmax = \"1 e\"\npoints = 10000000\n"
     "[[axis]]\nparameter = \"charge.mumu\"\nmin = 0\nmax = \"1 e\"\npoints = 10000000\n"
     "[[axis]]\nparameter = \"charge.tautau\"\nmin = 0\nmax = \"1 e\"\npoints = 10000000\n",
     "scan.toml:11: the grid has too many points (charge.ee 10000000 x charge.mumu 10000000 x charge.tautau 10000000 "
     "is more than 9223372036854775807)"},
    // experiments
    {"experiment_neither", "\n[[experiment]]\nsystematics.flat = 0.1",
     "scan.toml:2: [[experiment]] has neither \"use\" nor \"file\" (use names a shipped experiment, file is the path "
     "of another)"},
    {"experiment_both", TOY "use = \"lz-2022\"",
     "scan.toml:1: [[experiment]] has both \"use\" and \"file\" (use names a shipped experiment, file is the path of "
     "another)"},
    {"experiment_missing_file", "[[experiment]]\nfile = \"gone.toml\"",
     "scan.toml:2: cannot read \"gone.toml\" (No such file or directory)"},
    {"experiment_twice", TOY TOY, "scan.toml:3: experiment \"toy\" is there twice"},
    {"experiment_statistic", TOY "statistic = \"normal\"",
     "scan.toml:3: statistic = \"normal\" is unknown (expected \"poisson\" or \"gaussian\")"},
    {"experiment_couplings", TOY "couplings = \"radiativ\"",
     "scan.toml:3: couplings = \"radiativ\" is unknown (expected \"tree\" or \"radiative\") did you mean "
     "\"radiative\"?"},
    {"systematics_unknown", TOY "systematics.flta = 0.1",
     "scan.toml:3: toy has no systematic \"flta\" (it has \"flat\", \"none\" or \"signal\") did you mean \"flat\"?"},
    {"systematics_signal", TOY "systematics.sinal = 0.1",
     "scan.toml:3: toy has no systematic \"sinal\" (it has \"flat\", \"none\" or \"signal\") did you mean \"signal\"?"},
    {"systematics_word", TOY "systematics.flat = \"fre\"",
     "scan.toml:3: flat = \"fre\" is unknown (expected \"fixed\", \"free\" or a relative standard deviation like "
     "0.13) did you mean \"free\"?"},
    {"systematics_zero", TOY "systematics.flat = 0",
     "scan.toml:3: flat = 0 is not positive (expected \"fixed\", \"free\" or a relative standard deviation like 0.13) "
     "did you mean \"fixed\"?"},
    {"systematics_negative", TOY "systematics.flat = -0.1",
     "scan.toml:3: flat = -0.1 is not positive (expected \"fixed\", \"free\" or a relative standard deviation like "
     "0.13)"},
    {"systematics_empty_template", TOY "systematics.none = \"free\"",
     "scan.toml:3: background \"none\" is zero in every bin (its normalisation has nothing to scale) write "
     "\"fixed\"?"},
};

INSTANTIATE_TEST_SUITE_P(ScanFiles, BrokenScanFile, ::testing::ValuesIn(broken_scans),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(ScanFile, needs_experiments_and_axes_where_told) {
    EXPECT_EQ(error("", {}, true), "scan.toml: the file has no [[experiment]] add one, like use = \"lz-2022\"; `nuscan "
                                   "experiments` lists them");
    EXPECT_EQ(error(TOY, {}, true), "scan.toml: the file has no [[axis]] add the parameter to scan");
    EXPECT_EQ(error(""), "");
}

TEST_F(ScanFile, missing_files_and_folders) {
    EXPECT_EQ(folder_.error_of([&] { read_scan_config((folder_.path() / "gone.toml").string()); }),
              "gone.toml: cannot be read (No such file or directory)");
    std::filesystem::create_directory(folder_.path() / "sub");
    EXPECT_EQ(folder_.error_of([&] { read_scan_config((folder_.path() / "sub").string()); }),
              "sub: cannot be read (it is a folder)");
}

TEST_F(ScanFile, at_most_sixteen_pulls) {
    std::string many = experiment_text;
    for (int i = 0; i < 16; ++i) {
        many += "[[background]]\nname = \"b" + std::to_string(i) + "\"\ncounts = [1, 1]\nuncertainty = 0.1\n";
    }
    folder_.write("many.toml", many);
    const std::string use = "[[experiment]]\nfile = \"many.toml\"\n";
    EXPECT_EQ(error(use), "scan.toml:1: toy has 17 normalisations to profile (there may be 16) set systematics.NAME = "
                          "\"fixed\" for some");
    EXPECT_EQ(error(use + "systematics.b3 = \"fixed\""), "");
    // One that an axis names is not profiled.
    EXPECT_EQ(error(use + "[[axis]]\nparameter = \"toy.b5\"\nmin = 0\nmax = 2\npoints = 3"), "");
}

// ---- systematics and shared ones --------------------------------------------------------------------------------

//! The experiment "one" or "two": a background with a fitted scale, a normalisation of signal and background, a shape
std::string experiment_with_systematics(const std::string& name) {
    std::string text = experiment_text;
    text.replace(text.find("toy"), 3, name);
    return text + R"([[background]]
name = "falling"
function = "exponential"
total = 20
scale = "0.5 keV"
scale_range = ["0.25 keV", "2 keV"]
[[systematic]]
name = "flux"
of = ["signal", "flat"]
uncertainty = 0.1
[[systematic]]
name = "tilt"
of = "flat"
plus = [3, 3]
)";
}

class SystematicsOfScan : public ScanFile {
protected:
    SystematicsOfScan() {
        folder_.write("one.toml", experiment_with_systematics("one"));
        folder_.write("two.toml", experiment_with_systematics("two"));
    }
    //! Both experiments, with the text that overrides systematics of each, and what comes behind
    static std::string both(const std::string& rest, const std::string& of_one = "", const std::string& of_two = "") {
        return "[[experiment]]\nfile = \"one.toml\"\n" + of_one + "\n[[experiment]]\nfile = \"two.toml\"\n" + of_two +
               "\n" + rest;
    }
    static std::string shared(const std::string& members, const std::string& name = "all") {
        return "[[shared]]\nname = \"" + name + "\"\nsystematics = [" + members + "]\n";
    }
};

TEST_F(SystematicsOfScan, overrides) {
    const auto systematics = [&](const std::string& overrides) {
        return read(both("", overrides)).experiments[0].systematics;
    };
    const auto sigma = [&](const std::string& overrides, std::size_t i) { return systematics(overrides)[i].sigma; };
    const double infinity = std::numeric_limits<double>::infinity();
    const std::vector<Systematic> given = systematics("");
    ASSERT_EQ(given.size(), 3u);
    EXPECT_EQ(given[0].name, "falling-scale");
    EXPECT_EQ(given[0].sigma, infinity);
    EXPECT_EQ(given[1].sigma, 0.1);
    EXPECT_EQ(given[2].sigma, 1);
    EXPECT_EQ(sigma("systematics.falling-scale = \"fixed\"", 0), 0);
    EXPECT_EQ(sigma("systematics.falling-scale = \"free\"", 0), infinity);
    EXPECT_EQ(sigma("systematics.flux = 0.25", 1), 0.25);
    EXPECT_EQ(sigma("systematics.tilt = \"fixed\"", 2), 0);
    EXPECT_EQ(sigma("systematics.tilt = 2", 2), 2);
    EXPECT_EQ(read(both("", "systematics.falling = 0.3")).experiments[0].backgrounds[2].sigma, 0.3);
    EXPECT_EQ(
        error(both("", "systematics.falling-scale = 0.1")),
        "scan.toml:3: falling-scale = 0.1 is a number (expected \"fixed\" or \"free\", which is within its range)");
    EXPECT_EQ(
        error(both("", "systematics.tilt = 0")),
        "scan.toml:3: tilt = 0 is not positive (expected \"fixed\", \"free\" or a number of its standard deviations "
        "like 1) did you mean \"fixed\"?");
    EXPECT_EQ(error(both("", "systematics.tlit = 1")),
              "scan.toml:3: one has no systematic \"tlit\" (it has \"flat\", \"none\", \"falling\", \"falling-scale\", "
              "\"flux\", \"tilt\" or \"signal\") did you mean \"tilt\"?");
}

TEST_F(SystematicsOfScan, are_parameters) {
    const ScanConfig config = read(both("[parameters]\none.flux = 1.1\none.tilt = -2\n[[axis]]\nparameter = "
                                        "\"two.falling-scale\"\nmin = \"0.25 keV\"\nmax = \"2 keV\"\npoints = 5\n"));
    ASSERT_EQ(config.fixed.size(), 2u);
    EXPECT_EQ(config.fixed[0].parameter.kind, Parameter::Kind::systematic);
    EXPECT_EQ(config.fixed[0].parameter.experiment, "one");
    EXPECT_EQ(config.fixed[0].parameter.background, "flux");
    EXPECT_EQ(config.fixed[0].parameter.dimension, Dimension::dimensionless);
    EXPECT_EQ(config.fixed[0].value, 1.1);
    EXPECT_EQ(config.fixed[1].value, -2);
    ASSERT_EQ(config.axes.size(), 1u);
    EXPECT_EQ(config.axes[0].parameter.dimension, Dimension::energy);
    EXPECT_EQ(config.axes[0].values.front(), 2.5e-4); // the ends of the range belong to it
    EXPECT_EQ(config.axes[0].values.back(), 2e-3);
    const auto fixed = [&](const std::string& what) { return error(both("[parameters]\n" + what)); };
    EXPECT_EQ(fixed("one.flux = -0.1"),
              "scan.toml:8: one.flux = -0.1 makes one.flux negative (a normalisation is 0 or more)");
    EXPECT_EQ(fixed("one.falling-scale = \"2.5 keV\""),
              "scan.toml:8: one.falling-scale = 0.0025 MeV is out of range (one.falling-scale lies between 0.00025 and "
              "0.002 MeV)");
    EXPECT_EQ(
        fixed("one.falling-scale = 0"),
        "scan.toml:8: one.falling-scale = 0 MeV is out of range (one.falling-scale lies between 0.00025 and 0.002 "
        "MeV)");
    EXPECT_EQ(fixed("one.falling-scale = 0.5"),
              "scan.toml:8: one.falling-scale = 0.5 has no unit (one.falling-scale is measured in MeV) write \"0.5 "
              "MeV\"?");
    EXPECT_EQ(fixed("one.fux = 1"), "scan.toml:8: unknown parameter \"one.fux\" did you mean \"one.flux\"?");
    EXPECT_EQ(error(both("[[axis]]\nparameter = \"one.flux\"\nvalues = [-1, 1]")),
              "scan.toml:9: values[0] = -1 makes one.flux negative (a normalisation is 0 or more)");
}

TEST_F(SystematicsOfScan, an_axis_of_one_that_does_nothing) {
    folder_.write("one.toml", std::string(experiment_text) +
                                  "[[systematic]]\nname = \"empty\"\nof = \"none\"\nuncertainty = \"fixed\"\n");
    EXPECT_EQ(error("[[experiment]]\nfile = \"one.toml\"\n[[axis]]\nparameter = \"toy.empty\"\nvalues = [0, 1]"),
              "scan.toml:4: an axis of toy.empty changes no prediction (it moves nothing in any bin) leave it out?");
}

TEST_F(SystematicsOfScan, shared_ones_stand_for_their_members) {
    const ScanConfig config = read(both(shared("\"one.flux\", \"two.flux\", \"two.flat\"") +
                                        "[[axis]]\nparameter = \"all\"\nmin = -2\nmax = 2\npoints = 5\n"));
    ASSERT_EQ(config.shared.size(), 1u);
    const SharedSystematic& all = config.shared[0];
    EXPECT_EQ(all.name, "all");
    ASSERT_EQ(all.members.size(), 3u);
    EXPECT_EQ(all.members[0].experiment, 0u);
    EXPECT_EQ(all.members[0].name, "flux");
    EXPECT_EQ(all.members[2].experiment, 1u);
    EXPECT_EQ(all.members[2].name, "flat");
    const Parameter& parameter = config.axes[0].parameter;
    EXPECT_EQ(parameter.kind, Parameter::Kind::systematic);
    EXPECT_EQ(parameter.experiment, "");
    EXPECT_EQ(parameter.dimension, Dimension::dimensionless);
    const auto fixed = [&](const std::string& what) {
        return error(both(shared("\"one.flux\", \"two.flux\"") + "[parameters]\n" + what));
    };
    EXPECT_EQ(fixed("one.flux = 1"), "scan.toml:11: one.flux is part of all (the systematics of a [[shared]] move "
                                     "together) write \"all\"?");
    EXPECT_EQ(fixed("all = -10"), ""); // ten times 0.1 below 1
    EXPECT_EQ(fixed("all = -10.5"), "scan.toml:11: all = -10.5 makes one.flux negative (a normalisation is 0 or more)");
    // Signals can be shared as well, and what is free moves by the same factor.
    const std::string free = "systematics.signal = \"free\"";
    const std::string signals = shared("\"one.signal\", \"two.signal\"");
    EXPECT_EQ(error(both(signals + "[parameters]\nall = -1", free, free)), "");
    EXPECT_EQ(error(both(signals + "[parameters]\nall = -1.5", free, free)),
              "scan.toml:11: all = -1.5 makes one.signal negative (a normalisation is 0 or more)");
    EXPECT_EQ(error(both(shared("\"one.falling-scale\", \"two.falling-scale\"") + "[parameters]\nall = 1.4")),
              "scan.toml:11: all = 1.4 is out of range (one.falling-scale lies between 0.00025 and 0.002 MeV)");
}

TEST_F(SystematicsOfScan, shared_ones_that_do_not_go_together) {
    const auto of = [&](const std::string& members, const std::string& name = "all") {
        return error(both(shared(members, name)));
    };
    EXPECT_EQ(of("\"one.flux\", \"two.flx\""),
              "scan.toml:9: two has no systematic \"flx\" (it has \"flat\", \"none\", \"falling\", "
              "\"falling-scale\", \"flux\", \"tilt\" or \"signal\") did you mean \"flux\"?");
    EXPECT_EQ(
        of("\"one.flux\", \"tow.flux\""),
        "scan.toml:9: there is no systematic \"tow.flux\" (a systematic is EXPERIMENT.NAME, of an experiment of the "
        "scan) did you mean \"two.flux\"?");
    EXPECT_EQ(of("\"one\", \"two\""),
              "scan.toml:9: there is no systematic \"one\" (a systematic is EXPERIMENT.NAME, of "
              "an experiment of the scan)");
    EXPECT_EQ(of(""), "scan.toml:9: all has 0 members (two systematics or more can be one)");
    EXPECT_EQ(of("\"one.flux\""), "scan.toml:9: all has 1 member (two systematics or more can be one)");
    EXPECT_EQ(of("\"one.flux\", \"one.flux\""), "scan.toml:9: one.flux is there twice");
    EXPECT_EQ(of("\"one.flux\", 2"), "scan.toml:9: systematics[1] is an integer (expected a string)");
    EXPECT_EQ(error(both(shared("\"one.flux\", \"two.flux\"") + shared("\"one.flat\", \"one.flux\"", "more"))),
              "scan.toml:12: one.flux is part of all already");
    EXPECT_EQ(
        of("\"one.flux\", \"two.none\""),
        "scan.toml:9: two.none is fixed (it does not move with the others) leave it out, or set systematics.none in "
        "its [[experiment]]");
    EXPECT_EQ(of("\"one.flux\", \"two.falling\""),
              "scan.toml:9: two.falling does not go with one.flux (two.falling is free, and the other has a standard "
              "deviation) make both free, or give both one?");
    EXPECT_EQ(of("\"one.falling\", \"two.flux\""),
              "scan.toml:9: two.flux does not go with one.falling (one.falling is free, and the other has a standard "
              "deviation) make both free, or give both one?");
    EXPECT_EQ(
        of("\"one.falling\", \"two.falling-scale\""),
        "scan.toml:9: two.falling-scale does not go with one.falling (both are free, but of two kinds, which have no "
        "unit in common)");
    EXPECT_EQ(of("\"one.flux\", \"two.tilt\""), ""); // each by its standard deviations
    EXPECT_EQ(of("\"one.falling-scale\", \"two.falling-scale\""), "");
    for (const auto& [name, owner] :
         std::vector<std::pair<std::string, std::string>>{{"theta12", "parameter theta12"},
                                                          {"charge", "parameter charge.universal"},
                                                          {"one", "parameter one.flat"},
                                                          {"axis", "a table of the file"}}) {
        EXPECT_EQ(of("\"one.flux\", \"two.flux\"", name), "scan.toml:8: a shared systematic is called \"" + name +
                                                              "\" (" + owner + " has that name) rename it?");
    }
    EXPECT_EQ(of("\"one.flux\", \"two.flux\"", "a.b"),
              "scan.toml:8: name = \"a.b\" is not a valid name (letters, digits, - and _)");
    EXPECT_EQ(error(both(shared("\"one.flux\", \"two.flux\"") + shared("\"one.flat\", \"two.flat\""))),
              "scan.toml:11: a shared systematic is called \"all\" (parameter all has that name) rename it?");
    std::string other = experiment_with_systematics("two");
    other.replace(other.find("\"0.5 keV\""), 9, "\"0.6 keV\"");
    folder_.write("two.toml", other);
    EXPECT_EQ(
        of("\"one.falling-scale\", \"two.falling-scale\""),
        "scan.toml:9: two.falling-scale does not go with one.falling-scale (their scales are 0.0006 and 0.0005 MeV) "
        "start both from the same?");
}

TEST_F(SystematicsOfScan, covariance_is_not_shared_nor_poisson) {
    std::string text = experiment_text;
    text.replace(text.find("toy"), 3, "two");
    text.replace(text.find("[exposure]"), 10, "statistic = \"gaussian\"\n[exposure]");
    text.replace(text.find("counts"), 0, "covariance = \"covariance.csv\"\n");
    folder_.write("two.toml", text);
    folder_.write("covariance.csv", "bin,1,2\n1,4,-1\n2,-1,9\n");
    EXPECT_EQ(error(both("")), "");
    EXPECT_EQ(error(both(shared("\"one.flux\", \"two.flat\""))),
              "scan.toml:9: two.flat cannot be shared (the counts of its experiment have a covariance)");
    EXPECT_EQ(
        error(both("", "", "statistic = \"poisson\"")),
        "scan.toml:6: statistic = \"poisson\" does not go with two (its [bins] give a covariance, of which Poisson "
        "counts know nothing)");
}

TEST_F(SystematicsOfScan, at_most_24_pulls_together) {
    // one and two have flat, falling, its scale, flux and tilt each.
    const auto with_backgrounds = [](const std::string& name, int n) {
        std::string text = experiment_with_systematics(name);
        for (int i = 0; i < n; ++i) {
            text += "[[background]]\nname = \"b" + std::to_string(i) + "\"\ncounts = [1, 1]\nuncertainty = 0.1\n";
        }
        return text;
    };
    folder_.write("one.toml", with_backgrounds("one", 19));
    EXPECT_EQ(error(both("")), "");
    folder_.write("one.toml", with_backgrounds("one", 20));
    EXPECT_EQ(error(both("")),
              "scan.toml:1: one has 25 systematics to profile (there may be 24) set systematics.NAME = "
              "\"fixed\" for some");
    EXPECT_EQ(error(both("", "systematics.tilt = \"fixed\"")), "");
    EXPECT_EQ(error(both("[parameters]\none.tilt = 1")), "");
    // Shared, they act together: 5 + 16 and 5, of which two are one.
    folder_.write("one.toml", with_backgrounds("one", 16));
    EXPECT_EQ(error(both("")), "");
    const std::string flux = shared("\"one.flux\", \"two.flux\"");
    EXPECT_EQ(error(both(flux)), "scan.toml:1: one, two have 25 systematics to profile (there may be 24) set "
                                 "systematics.NAME = \"fixed\" for some");
    EXPECT_EQ(error(both(flux + "[parameters]\nall = 0.5")), ""); // a value that is given connects nothing
    EXPECT_EQ(error(both(flux + shared("\"one.tilt\", \"two.tilt\"", "tilt"))), "");
    EXPECT_EQ(error(both(shared("\"one.flux\", \"one.flat\""))), ""); // within one experiment
}

TEST_F(SystematicsOfScan, free_normalisations_must_be_told_apart) {
    const std::string free_flat = "systematics.flat = \"free\"\n", free_flux = "systematics.flux = \"free\"\n",
                      free_signal = "systematics.signal = \"free\"\n";
    const std::string refused = "scan.toml:1: one.signal scales only what is free already (the fit cannot tell these "
                                "normalisations apart) set systematics.signal = \"fixed\", or to a standard deviation";
    EXPECT_EQ(error(both("", free_flat + free_flux)), ""); // flux is also of the signal
    EXPECT_EQ(error(both("", free_flux + free_signal)), "");
    EXPECT_EQ(error(both("", free_flat + free_flux + free_signal)), refused);
    EXPECT_EQ(error(both("[parameters]\none.flat = 1\n", free_flat + free_flux + free_signal)), "");
    EXPECT_EQ(error(both(shared("\"one.flux\", \"two.flux\""), free_flat + free_flux + free_signal, free_flux)), "");
    folder_.write("one.toml", experiment_with_systematics("one") +
                                  "[[systematic]]\nname = \"rate\"\nof = \"falling\"\nuncertainty = \"free\"\n");
    EXPECT_EQ(error(both("")), "scan.toml:1: one.rate scales only what is free already (the fit cannot tell these "
                               "normalisations apart) set systematics.rate = \"fixed\", or to a standard deviation");
    EXPECT_EQ(error(both("", "systematics.rate = 0.1")), "");
}

TEST_F(SystematicsOfScan, without_sources_no_parameter_of_neutrinos_is_an_axis) {
    folder_.write("alone.toml", "name = \"alone\"\ntitle = \"Alone\"\ncitation = \"None\"\n[bins]\nedges = [0, \"1 "
                                "keV\"]\ncounts = [4]\n[[background]]\nname = \"flat\"\ncounts = [3]\nuncertainty = "
                                "0.2\n");
    const std::string alone = "[[experiment]]\nfile = \"alone.toml\"\n";
    for (const std::string name : {"charge.universal", "sin2_theta_w", "charge.ee", "theta12"}) {
        EXPECT_EQ(error(alone + "[[axis]]\nparameter = \"" + name + "\"\n"),
                  "scan.toml:4: an axis of " + name +
                      " changes no prediction (no experiment has a source) leave it out?");
    }
    EXPECT_EQ(error(alone + "[[axis]]\nparameter = \"alone.flat\"\nvalues = [0, 1]"), "");
    EXPECT_EQ(error(alone + "[[axis]]\nparameter = \"alone.signal\"\nvalues = [0, 1]"),
              "scan.toml:4: unknown parameter \"alone.signal\"");
    EXPECT_EQ(error("[neutrino]\ncharge_radius_mode = \"total\"\n" + alone),
              ""); // no couplings that it could not go with
    EXPECT_EQ(error(alone + "systematics.signal = 0.1"),
              "scan.toml:3: alone has no systematic \"signal\" (it has \"flat\")");
}

// ---- --set ------------------------------------------------------------------------------------------------------

constexpr const char* two_axes = R"([parameters]
"charge.mumu" = "1e-13 e"
charge.tautau = "2e-13 e"
[[experiment]]
file = "toy.toml"
[[axis]]
parameter = "charge.ee"
min = 0
max = "1e-12 e"
points = 3
[[axis]]
parameter = "magnetic_moment.ee"
min = 0
max = "1e-11 mu_B"
points = 3
)";

TEST_F(ScanFile, set_fixes_parameters) {
    const ScanConfig config = read(two_axes, {{"charge.mumu", "3e-13 e"},
                                              {"charge.tautau", "0"},
                                              {"anapole.ee", "\"1e-33 cm^2\""},
                                              {"parameters.charge_radius.ee", "2e-33 cm^2"},
                                              {"theta12", "30 deg"},
                                              {"toy.flat", "1.1"}});
    std::map<std::string, double> fixed;
    for (const FixedParameter& f : config.fixed) {
        fixed[f.parameter.name] = f.value;
    }
    EXPECT_EQ(fixed, (std::map<std::string, double>{{"charge.mumu", 3e-13},
                                                    {"charge.tautau", 0},
                                                    {"anapole.ee", 1e-33},
                                                    {"charge_radius.ee", 2e-33},
                                                    {"toy.flat", 1.1}}));
    EXPECT_EQ(config.neutrino.mixing.theta12, 30 * constants::pi / 180);
}

TEST_F(ScanFile, set_replaces_mixing_wherever_it_stands) {
    const std::string text = "[neutrino]\nsin2_theta_w = 0.23\nmixing.theta12 = 0.5\n";
    const ScanConfig config = read(text, {{"theta12", "0.6"}, {"sin2_theta_w", "0.24"}});
    EXPECT_EQ(config.neutrino.mixing.theta12, 0.6);
    EXPECT_EQ(config.neutrino.sin2_theta_w, 0.24);
    EXPECT_EQ(read(text, {{"neutrino.mixing.theta12", "0.7"}}).neutrino.mixing.theta12, 0.7);
}

TEST_F(ScanFile, set_reaches_every_key) {
    const ScanConfig config = read(two_axes, {{"title", "Other"},
                                              {"neutrino.ordering", "inverted"},
                                              {"axis.0.points", "11"},
                                              {"axis.1.max", "5e-11 mu_B"},
                                              {"axis.1.profile", "true"},
                                              {"experiment.0.systematics.flat", "free"},
                                              {"output.file", "other.h5"}});
    EXPECT_EQ(config.title, "Other");
    EXPECT_TRUE(config.neutrino.inverted_ordering);
    EXPECT_EQ(config.axes[0].values.size(), 11u);
    EXPECT_EQ(config.axes[1].values.back(), 5e-11);
    EXPECT_TRUE(config.axes[1].profile);
    EXPECT_EQ(config.experiments[0].backgrounds[0].sigma, std::numeric_limits<double>::infinity());
    EXPECT_EQ(config.output_file, "other.h5");
}

TEST_F(ScanFile, text_as_run_reads_back_to_the_same) {
    const ScanConfig first =
        read(two_axes, {{"charge.mumu", "3.0000000000000004e-13 e"}, {"theta12", "0.5876543210987654"}});
    const ScanConfig again = read(first.text);
    EXPECT_NE(first.text, two_axes);
    EXPECT_EQ(again.text, first.text);
    EXPECT_EQ(again.neutrino.mixing.theta12, 0.5876543210987654);
    ASSERT_EQ(again.fixed.size(), first.fixed.size());
    for (std::size_t i = 0; i < first.fixed.size(); ++i) {
        EXPECT_EQ(again.fixed[i].parameter.name, first.fixed[i].parameter.name);
        EXPECT_EQ(again.fixed[i].value, first.fixed[i].value);
    }
    ASSERT_EQ(again.axes.size(), 2u);
    EXPECT_EQ(again.axes[1].values, first.axes[1].values);
}

TEST_F(ScanFile, set_is_checked_like_the_file) {
    EXPECT_EQ(error(two_axes, {{"charge.ee", "1e-13 e"}}),
              "scan.toml:7: charge.ee is given twice (it is fixed at command line)");
    EXPECT_EQ(error(two_axes, {{"charge.mumu", "1e-13"}}),
              "command line: charge.mumu = 1e-13 has no unit (charge.mumu is measured in e) write \"1e-13 e\"?");
    EXPECT_EQ(error(two_axes, {{"charge.mmu", "0"}}),
              "command line: unknown parameter \"charge.mmu\" did you mean \"charge.mumu\"?");
    EXPECT_EQ(error(two_axes, {{"neutrino.ordering", "upside-down"}}),
              "command line: ordering = \"upside-down\" is unknown (expected \"normal\" or \"inverted\")");
    EXPECT_EQ(error(two_axes, {{"axis.0.ponts", "3"}}),
              "command line: unknown key \"ponts\" in [[axis]] did you mean \"points\"?");
    EXPECT_EQ(error(two_axes, {{"axis.2.points", "3"}}),
              "command line: \"axis.2.points\" is no key of the scan file (axis is counted from 0 to 1) write "
              "axis.0.KEY=VALUE?");
    EXPECT_EQ(error(two_axes, {{"axis.points", "3"}}),
              "command line: \"axis.points\" is no key of the scan file (axis is counted from 0 to 1) write "
              "axis.0.KEY=VALUE?");
    EXPECT_EQ(error(two_axes, {{"axis.0", "3"}}),
              "command line: \"axis.0\" is no key of the scan file (axis is counted from 0 to 1) write "
              "axis.0.KEY=VALUE?");
    EXPECT_EQ(error("title = \"x\"", {{"output.polish", "no"}}),
              "command line: polish is a string (expected true or false)");
    EXPECT_EQ(error("title = \"x\"", {{"title.sub", "3"}}), "command line: \"title\" is not a table");
    EXPECT_EQ(error(two_axes, {{"", "3"}}), "command line: --set has no key (expected KEY=VALUE)");
    // What stands in the file is still reported there.
    EXPECT_EQ(error("[output]\nfile = 3", {{"title", "x"}}), "scan.toml:2: file is an integer (expected a string)");
}

// ---- examples ---------------------------------------------------------------------------------------------------

TEST(Examples, are_read) {
    const std::string folder = NUSCAN_TEST_SOURCE_DIR "/examples/";
    const ScanConfig one = read_scan_config(folder + "lz-magnetic-moment.toml");
    ASSERT_EQ(one.axes.size(), 1u);
    EXPECT_EQ(one.axes[0].values.size(), 601u);
    EXPECT_EQ(one.axes[0].values.back(), 3e-11);
    EXPECT_EQ(one.experiments[0].backgrounds[0].sigma, 0.13);
    const ScanConfig two = read_scan_config(folder + "lz-magnetic-moment-charge.toml");
    ASSERT_EQ(two.axes.size(), 2u);
    EXPECT_EQ(two.axes[0].values.size() * two.axes[1].values.size(), 801u * 801u);
    EXPECT_NEAR(two.axes[1].values[320], 0, 1e-27);
    const ScanConfig four = read_scan_config(folder + "lz-transition-moments.toml");
    ASSERT_EQ(four.axes.size(), 4u);
    EXPECT_TRUE(four.axes[3].profile);
    ASSERT_EQ(four.fixed.size(), 1u);
    EXPECT_EQ(four.fixed[0].value, -1e-33);
}

//! The TOML of a page
std::vector<std::string> toml_blocks(const std::string& page) {
    std::ifstream in(NUSCAN_TEST_SOURCE_DIR "/docs/" + page);
    std::vector<std::string> blocks;
    bool in_block = false;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("```")) {
            in_block = line == "```toml";
            blocks.resize(blocks.size() + (in_block ? 1 : 0));
        } else if (in_block) {
            blocks.back() += line + "\n";
        }
    }
    return blocks;
}

TEST(Documentation, its_scan_files_are_read) {
    const test::TemporaryFolder folder;
    std::string csi = nuclear_text;
    csi.replace(csi.find("caesium"), 7, "csi");
    folder.write("csi.toml", csi);
    for (const std::string name : {"near", "far"}) {
        std::string text = experiment_with_systematics(name);
        text.replace(text.find("flavour = \"e\""), 13, "flavour = \"mu\"");
        text.replace(text.find("falling"), 7, "neutrons");
        folder.write(name + ".toml", text);
    }
    std::map<std::string, std::size_t> axes; // by the first parameter
    for (const std::string& text : toml_blocks("parameters.md")) {
        EXPECT_EQ(folder.error_of([&] {
            const ScanConfig config = read_scan_config(folder.write("scan.toml", text));
            axes[config.axes[0].parameter.name] = config.axes.size();
        }),
                  "")
            << text;
    }
    EXPECT_EQ(axes, (std::map<std::string, std::size_t>{{"magnetic_moment.mumu", 2},
                                                        {"neutron_radius.Cs133", 2},
                                                        {"majorana_moment.1.abs", 3},
                                                        {"charge_radius.mumu", 1},
                                                        {"charge_radius.ee", 1}}));
}

TEST(Documentation, its_worked_example_is_read) {
    const test::TemporaryFolder folder;
    const std::vector<std::string> blocks = toml_blocks("experiments.md");
    const auto example = std::find_if(blocks.begin(), blocks.end(), [](const std::string& block) {
        return block.starts_with("name = \"germanium\"");
    });
    ASSERT_LT(example - blocks.begin(), static_cast<long>(blocks.size()) - 1);
    folder.write("germanium/experiment.toml", *example);
    const ScanConfig config = read_scan_config(folder.write("scan.toml", *(example + 1)));
    ASSERT_EQ(config.experiments.size(), 1u);
    const Experiment& germanium = config.experiments[0];
    EXPECT_EQ(germanium.n_bins(), 6);
    EXPECT_EQ(germanium.backgrounds.size(), 3u);
    EXPECT_GT(germanium.backgrounds[1].counts[5], 40); // the X-ray line lies in the last bin
    ASSERT_EQ(germanium.systematics.size(), 1u);
    EXPECT_EQ(germanium.systematics[0].sigma, 0.5);
    EXPECT_EQ(germanium.signal_sigma, 0.05);
}

} // namespace
} // namespace nuscan
