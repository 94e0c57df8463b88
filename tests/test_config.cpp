// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <map>
#include <ostream>
#include <set>

#include <gtest/gtest.h>

#include "config/error.hpp"
#include "config/parameters.hpp"
#include "config/quantity.hpp"
#include "config/scan_config.hpp"
#include "config/sha256.hpp"
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
                          {"12 m", Dimension::length, 12},
                          {"180 km", Dimension::length, 180000},
                          {"30 cm", Dimension::length, 0.3},
                          {"3 kg", Dimension::mass, 3},
                          {"250 g", Dimension::mass, 0.25},
                          {"5.5 t", Dimension::mass, 5500},
                          {"7 s", Dimension::time, 7},
                          {"2 min", Dimension::time, 120},
                          {"2 h", Dimension::time, 7200},
                          {"60 d", Dimension::time, 5184000},
                          {"1 yr", Dimension::time, 31557600},
                          {"5.98e10 cm^-2 s^-1", Dimension::flux, 5.98e10},
                          {"2 MeV^1/2", Dimension::root_energy, 2},
                          {"1 eV^1/2", Dimension::root_energy, 1e-3},
                          {"0", Dimension::charge, 0},
                          {"  +1e-12\t e ", Dimension::charge, 1e-12},
                          {"1 cm^-2   s^-1", Dimension::flux, 1}}) {
        EXPECT_EQ(parse_quantity(c.text, c.dimension, here, "x"), c.value) << c.text;
    }
    EXPECT_DOUBLE_EQ(parse_quantity("0.33 keV^1/2", Dimension::root_energy, here, "x"), 0.33 * std::sqrt(1e-3));
    EXPECT_EQ(parse_quantity("33.68 deg", Dimension::angle, here, "x"), Mixing{}.theta12);
}

TEST(Quantity, internal_units_convert_to_themselves) {
    for (int i = 0; i <= static_cast<int>(Dimension::root_energy); ++i) {
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
    for (const Case& c :
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
           "scan.toml:12: max = \"1e308 km\" is out of range (numbers reach from 1e-307 to 1e308)"},
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

TEST(Parameters, catalogue_of_both_bases) {
    const std::vector<std::string> normalisations = {"lz-2022.background"};
    for (const Basis basis : {Basis::flavour, Basis::mass}) {
        const std::vector<std::string> elements =
            basis == Basis::flavour
                ? std::vector<std::string>{"universal", "ee",       "mumu",      "tautau",   "emu.re",   "emu.im",
                                           "emu.abs",   "emu.arg",  "etau.re",   "etau.im",  "etau.abs", "etau.arg",
                                           "mutau.re",  "mutau.im", "mutau.abs", "mutau.arg"}
                : std::vector<std::string>{"universal", "11",     "22",     "33",    "12.re",  "12.im",
                                           "12.abs",    "12.arg", "13.re",  "13.im", "13.abs", "13.arg",
                                           "23.re",     "23.im",  "23.abs", "23.arg"};
        std::set<std::string> expected = {"sin2_theta_w", "theta12", "theta13", "theta23", "delta",
                                          "alpha21",      "alpha31", "dm21",    "dm31",    "lz-2022.background"};
        for (const char* form_factor : {"charge", "charge_radius", "anapole", "magnetic_moment", "electric_moment"}) {
            for (const std::string& element : elements) {
                expected.insert(std::string(form_factor) + "." + element);
            }
        }
        std::set<std::string> names;
        for (const Parameter& parameter : all_parameters(basis, normalisations)) {
            EXPECT_TRUE(names.insert(parameter.name).second) << parameter.name;
            EXPECT_EQ(find_parameter(parameter.name, basis, normalisations, here).name, parameter.name);
        }
        EXPECT_EQ(names, expected);
    }
}

TEST(Parameters, know_what_they_are) {
    const Parameter a = find_parameter("magnetic_moment.mutau.abs", Basis::flavour, {}, here);
    EXPECT_EQ(a.kind, Parameter::Kind::element);
    EXPECT_EQ(a.form_factor, FormFactor::magnetic_moment);
    EXPECT_EQ(a.part, Parameter::Part::abs);
    EXPECT_EQ(a.row, 1);
    EXPECT_EQ(a.column, 2);
    EXPECT_EQ(a.dimension, Dimension::magnetic_moment);

    const Parameter b = find_parameter("anapole.13.arg", Basis::mass, {}, here);
    EXPECT_EQ(b.form_factor, FormFactor::anapole);
    EXPECT_EQ(b.part, Parameter::Part::arg);
    EXPECT_EQ(b.row, 0);
    EXPECT_EQ(b.column, 2);
    EXPECT_EQ(b.dimension, Dimension::angle);

    const Parameter c = find_parameter("charge_radius.tautau", Basis::flavour, {}, here);
    EXPECT_EQ(c.form_factor, FormFactor::charge_radius);
    EXPECT_EQ(c.part, Parameter::Part::diagonal);
    EXPECT_EQ(c.row, 2);
    EXPECT_EQ(c.column, 2);
    EXPECT_EQ(c.dimension, Dimension::area);

    EXPECT_EQ(find_parameter("electric_moment.universal", Basis::mass, {}, here).part, Parameter::Part::universal);
    EXPECT_EQ(find_parameter("charge.22", Basis::mass, {}, here).dimension, Dimension::charge);
    EXPECT_EQ(find_parameter("sin2_theta_w", Basis::mass, {}, here).kind, Parameter::Kind::sin2_theta_w);

    const Parameter d = find_parameter("lz-2022.background", Basis::mass, {"lz-2022.background"}, here);
    EXPECT_EQ(d.kind, Parameter::Kind::normalisation);
    EXPECT_EQ(d.experiment, "lz-2022");
    EXPECT_EQ(d.background, "background");
    EXPECT_EQ(d.dimension, Dimension::dimensionless);
}

TEST(Parameters, mixing_names_reach_their_members) {
    Mixing mixing;
    double value = 1;
    for (const char* name : {"theta12", "theta13", "theta23", "delta", "alpha21", "alpha31", "dm21", "dm31"}) {
        const Parameter parameter = find_parameter(name, Basis::flavour, {}, here);
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

TEST(Parameters, refuses_names_with_a_reason) {
    struct Case {
        const char* name;
        Basis basis;
        const char* message;
    };
    const test::TemporaryFolder folder;
    for (const Case& c :
         {Case{"charge.eee", Basis::flavour, "unknown parameter \"charge.eee\" did you mean \"charge.ee\"?"},
          {"charge.mue.re", Basis::flavour,
           "unknown parameter \"charge.mue.re\" (the matrices are Hermitian: mue is the complex conjugate of emu) did "
           "you mean \"charge.emu.re\"?"},
          {"charge.taumu", Basis::flavour,
           "unknown parameter \"charge.taumu\" (the matrices are Hermitian: taumu is the complex conjugate of mutau) "
           "did you mean \"charge.mutau.re\"?"},
          {"charge.emu", Basis::flavour,
           "charge.emu is complex (an off-diagonal element is given by its parts) write \"charge.emu.re\" and "
           "\"charge.emu.im\", or \"charge.emu.abs\" and \"charge.emu.arg\"?"},
          {"charge.emu.real", Basis::flavour, "unknown parameter \"charge.emu.real\" did you mean \"charge.emu.re\"?"},
          {"charge.ee.re", Basis::flavour,
           "unknown parameter \"charge.ee.re\" (diagonal elements are real) did you mean \"charge.ee\"?"},
          {"charge.11", Basis::flavour,
           "charge.11 is an element in the mass basis (this scan is in the flavour basis) set basis = \"mass\" in "
           "[neutrino]?"},
          {"anapole.emu.re", Basis::mass,
           "anapole.emu.re is an element in the flavour basis (this scan is in the mass basis) set basis = "
           "\"flavour\" in [neutrino]?"},
          {"magnetic_moment", Basis::mass,
           "magnetic_moment is a 3x3 matrix (a parameter is one of its elements) write \"magnetic_moment.universal\" "
           "or, e.g., \"magnetic_moment.11\"?"},
          {"lz-2022.backgruond", Basis::mass,
           "unknown parameter \"lz-2022.backgruond\" did you mean \"lz-2022.background\"?"},
          {"sin2thetaw", Basis::mass, "unknown parameter \"sin2thetaw\" did you mean \"sin2_theta_w\"?"},
          {"temperature", Basis::mass, "unknown parameter \"temperature\""}}) {
        EXPECT_EQ(folder.error_of([&] { find_parameter(c.name, c.basis, {"lz-2022.background"}, here); }),
                  std::string("scan.toml:12: ") + c.message);
    }
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

class ScanFile : public ::testing::Test {
protected:
    ScanFile() { folder_.write("toy.toml", experiment_text); }

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
    EXPECT_FALSE(config.neutrino.inverted_ordering);
    EXPECT_EQ(config.neutrino.sin2_theta_w, constants::sin2_theta_w);
    EXPECT_EQ(config.neutrino.mixing.theta12, 33.68 * constants::pi / 180);
    EXPECT_EQ(config.neutrino.mixing.theta23, 43.3 * constants::pi / 180);
    EXPECT_EQ(config.neutrino.mixing.dm31, 2.513e-3);
    EXPECT_TRUE(config.experiments.empty());
    EXPECT_TRUE(config.fixed.empty());
    EXPECT_TRUE(config.axes.empty());
    EXPECT_EQ(config.output_file, "");
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
    EXPECT_EQ(config.experiments[0].backgrounds[0].sigma, std::numeric_limits<double>::infinity());
    EXPECT_EQ(config.output_file, "out.h5");
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

TEST_F(ScanFile, a_folder_of_experiments) {
    std::string other = experiment_text;
    other.replace(other.find("toy"), 3, "other");
    folder_.write("mine/other/experiment.toml", other);
    setenv("NUSCAN_EXPERIMENTS", (folder_.path() / "mine").c_str(), 1);
    const ScanConfig config = read("[[experiment]]\nuse = \"other\"\n[[experiment]]\nfile = \"toy.toml\"");
    const std::string unknown = error("\n[[experiment]]\nuse = \"othr\"");
    setenv("NUSCAN_EXPERIMENTS", (folder_.path() / "gone").c_str(), 1);
    const std::string gone = error("[[experiment]]\nuse = \"other\"");
    unsetenv("NUSCAN_EXPERIMENTS");
    ASSERT_EQ(config.experiments.size(), 2u);
    EXPECT_EQ(config.experiments[0].name, "other");
    EXPECT_EQ(unknown, "scan.toml:3: unknown experiment \"othr\" (known are lz-2022, other) did you mean \"other\"?");
    EXPECT_EQ(gone, "$NUSCAN_EXPERIMENTS: there is no folder \"gone\" (folders are separated by colons)");
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

const BrokenScan broken_scans[] = {
    // syntax, keys and types
    {"syntax", "title = \"x\"\n[neutrino\n",
     "scan.toml:2: not valid TOML (Error while parsing table header: expected ']', saw '\\n')"},
    {"top_level_key", "title = \"x\"\n[parameter]\n",
     "scan.toml:2: unknown key \"parameter\" in the file did you mean "
     "\"parameters\"?"},
    {"top_level_key_far", "whatever = 1\n",
     "scan.toml:1: unknown key \"whatever\" in the file (its keys are \"title\", \"neutrino\", \"experiment\", "
     "\"parameters\", \"axis\" or \"output\")"},
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
    {"output_empty", "[output]\nfile = \"\"", "scan.toml:2: file is empty"},
    {"single_axis_table", "[axis]\nparameter = \"charge.ee\"",
     "scan.toml:1: axis is a single table (there may be several of them) write [[axis]]?"},
    {"axis_array", "axis = [1]", "scan.toml:1: axis[0] is an integer (expected a table)"},
    {"axis_number", "\naxis = 1", "scan.toml:2: axis is an integer (expected an array of tables)"},
    {"title_type", "title = 5", "scan.toml:1: title is an integer (expected a string)"},
    {"neutrino_type", "neutrino = \"dirac\"", "scan.toml:1: neutrino is a string (expected a table)"},
    // neutrino
    {"majorana", "[neutrino]\nnature = \"majorana\"",
     "scan.toml:2: nature = \"majorana\" is not supported (this version handles Dirac neutrinos only)"},
    {"nature", "[neutrino]\nnature = \"Dirac\"",
     "scan.toml:2: nature = \"Dirac\" is unknown (expected \"dirac\" or \"majorana\") did you mean \"dirac\"?"},
    {"total_radius", "[neutrino]\ncharge_radius_mode = \"total\"",
     "scan.toml:2: charge_radius_mode = \"total\" is not supported (it needs radiative couplings: tree couplings hold "
     "no standard-model radius inside)"},
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
     "scan.toml:5: points is a number (expected an integer)"},
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
    {"axis_dm31", "[[axis]]\nparameter = \"dm31\"",
     "scan.toml:2: dm31 cannot be an axis (each of its values needs the moments rebuilt) fix it in "
     "[neutrino.mixing]"},
    {"axis_dm21", "[[axis]]\nparameter = \"dm21\"",
     "scan.toml:2: dm21 cannot be an axis (each of its values needs the moments rebuilt) fix it in "
     "[neutrino.mixing]"},
    {"axis_normalisation", TOY "[[axis]]\nparameter = \"toy.flat\"\nmin = -1\nmax = 1\npoints = 3",
     "scan.toml:5: min = -1 is negative (toy.flat is relative to the nominal background, 1)"},
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
    {"experiment_unknown", "[[experiment]]\nuse = \"lz-2023\"",
     "scan.toml:2: unknown experiment \"lz-2023\" (known are lz-2022) did you mean \"lz-2022\"?"},
    {"experiment_missing_file", "[[experiment]]\nfile = \"gone.toml\"",
     "scan.toml:2: cannot read \"gone.toml\" (No such file or directory)"},
    {"experiment_twice", TOY TOY, "scan.toml:3: experiment \"toy\" is there twice"},
    {"experiment_statistic", TOY "statistic = \"gaussian\"",
     "scan.toml:3: statistic = \"gaussian\" is unknown (expected \"poisson\")"},
    {"experiment_couplings", TOY "couplings = \"radiative\"",
     "scan.toml:3: couplings = \"radiative\" is unknown (expected \"tree\")"},
    {"systematics_unknown", TOY "systematics.flta = 0.1",
     "scan.toml:3: toy has no background \"flta\" (it has \"flat\" or \"none\") did you mean \"flat\"?"},
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

TEST_F(ScanFile, at_most_eight_pulls) {
    std::string many = experiment_text;
    for (int i = 0; i < 8; ++i) {
        many += "[[background]]\nname = \"b" + std::to_string(i) + "\"\ncounts = [1, 1]\nuncertainty = 0.1\n";
    }
    folder_.write("many.toml", many);
    const std::string use = "[[experiment]]\nfile = \"many.toml\"\n";
    EXPECT_EQ(error(use), "scan.toml:1: toy has 9 backgrounds to profile (there may be 8) set systematics.NAME = "
                          "\"fixed\" for some");
    EXPECT_EQ(error(use + "systematics.b3 = \"fixed\""), "");
    // One that an axis names is not profiled.
    EXPECT_EQ(error(use + "[[axis]]\nparameter = \"toy.b5\"\nmin = 0\nmax = 2\npoints = 3"), "");
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
    EXPECT_EQ(two.axes[1].values[400], 0);
    const ScanConfig four = read_scan_config(folder + "lz-transition-moments.toml");
    ASSERT_EQ(four.axes.size(), 4u);
    EXPECT_TRUE(four.axes[3].profile);
    ASSERT_EQ(four.fixed.size(), 1u);
    EXPECT_EQ(four.fixed[0].value, -1e-33);
}

} // namespace
} // namespace nuscan
