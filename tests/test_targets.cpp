// SPDX-License-Identifier: Apache-2.0
// What targets are made of: isotopes, compounds, photoabsorption.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "experiments/atomic_shells.hpp"
#include "experiments/chemical_formula.hpp"
#include "experiments/nuclides.hpp"
#include "experiments/photoabsorption.hpp"
#include "nuscan/constants.hpp"

namespace nuscan {
namespace {

using namespace constants;

// ---- isotopes ---------------------------------------------------------------------------------------------------

constexpr double atomic_mass_unit = 931.49410242; // [MeV]

Nuclide nuclide(const std::string& name) {
    const auto found = find_nuclide(name);
    if (!found) {
        throw std::runtime_error("no nuclide " + name);
    }
    return *found;
}

TEST(Nuclides, masses_of_the_lightest_are_those_of_codata) {
    EXPECT_NEAR(nuclide("H1").mass, 938.27208816, 2e-5);
    EXPECT_NEAR(nuclide("H2").mass, 1875.61294257, 2e-5);
    EXPECT_NEAR(nuclide("He3").mass, 2808.39160743, 2e-5);
    EXPECT_NEAR(nuclide("He4").mass, 3727.3794066, 2e-5);
}

TEST(Nuclides, masses_follow_from_nuclear_and_electronic_binding) {
    // Z m_p + N m_n − B + B_e with B of AME2020, to the keV; B_e = 14.4, 34.8 and 568 keV
    EXPECT_NEAR(nuclide("Ar40").mass, 18 * 938.27208816 + 22 * 939.56542052 - 343.8104 + 0.0144, 2e-3);
    EXPECT_NEAR(nuclide("Fe56").mass, 26 * 938.27208816 + 30 * 939.56542052 - 492.2598 + 0.0348, 2e-3);
    EXPECT_NEAR(nuclide("Pb208").mass, 82 * 938.27208816 + 126 * 939.56542052 - 1636.4302 + 0.568, 8e-3);
}

/// A nucleus is heavier than its atom less the electrons' masses, by what binds them: AME2020's atomic masses come back
/// to 1e-9, which without B_e they do to 3e-6.
TEST(Nuclides, masses_carry_the_binding_of_the_electrons) {
    const std::map<std::string, double> atomic_masses = {{"Ar40", 39.9623831220},  {"Ge74", 73.921177761},
                                                         {"I127", 126.904472592},  {"Xe132", 131.904155086},
                                                         {"Cs133", 132.905451958}, {"U238", 238.050786936}};
    for (const auto& [name, mass] : atomic_masses) {
        const Nuclide x = nuclide(name);
        const double nucleus = mass * atomic_mass_unit - x.Z * electron_mass + electron_binding(x.Z);
        EXPECT_NEAR(atomic_mass(x) / (mass * atomic_mass_unit), 1, 1e-9) << name;
        EXPECT_NEAR(x.mass, nucleus, 1e-4) << name;
    }
    // From ionisation energies: 13.6 eV of hydrogen, 79.0 eV of helium; 14.4 keV of argon, 568 keV of lead
    EXPECT_NEAR(electron_binding(1), 13.6e-6, 1e-6);
    EXPECT_NEAR(electron_binding(2), 79.0e-6, 4e-6);
    EXPECT_NEAR(electron_binding(18), 14.4e-3, 0.1e-3);
    EXPECT_NEAR(electron_binding(82), 0.568, 0.003);
    EXPECT_NEAR(electron_binding(92) / nuclide("U238").mass, 3.4e-6, 0.2e-6);
}

TEST(Nuclides, isotopes_average_to_the_atomic_weights) {
    int n_elements = 0;
    for (const std::string& symbol : element_symbols()) {
        const std::vector<Nuclide> isotopes = natural_isotopes(symbol);
        if (isotopes.empty()) {
            continue;
        }
        ++n_elements;
        const Element element = *find_element(symbol);
        double mean = 0, sum = 0, tabulated = 0;
        for (const Nuclide& isotope : isotopes) {
            EXPECT_EQ(isotope.Z, element.Z);
            mean += isotope.abundance * atomic_mass(isotope) / atomic_mass_unit;
            sum += isotope.abundance;
            tabulated += nuclide(isotope.name).abundance;
        }
        EXPECT_NEAR(sum, 1, 1e-14) << symbol;
        EXPECT_NEAR(tabulated, 1, 1e-5) << symbol;
        EXPECT_NEAR(mean / element.atomic_weight, 1, 1e-3) << symbol;
    }
    EXPECT_EQ(n_elements, 84); // Z = 1 to 92 less Tc, Pm and the eight from Po to Ac, with Th, Pa and U
    EXPECT_TRUE(natural_isotopes("Tc").empty());
    EXPECT_TRUE(natural_isotopes("Xx").empty());
    EXPECT_TRUE(natural_isotopes("").empty());
    EXPECT_TRUE(natural_isotopes("Ar40").empty());
    EXPECT_FALSE(find_nuclide("Ar"));
    EXPECT_FALSE(find_nuclide("ar40"));
}

TEST(Nuclides, isotopes_of_detectors) {
    const std::map<std::string, std::vector<int>> mass_numbers = {
        {"C", {12, 13}},
        {"O", {16, 17, 18}},
        {"F", {19}},
        {"Na", {23}},
        {"Al", {27}},
        {"Si", {28, 29, 30}},
        {"Ar", {36, 38, 40}},
        {"Ca", {40, 42, 43, 44, 46, 48}},
        {"Zn", {64, 66, 67, 68, 70}},
        {"Ge", {70, 72, 73, 74, 76}},
        {"Te", {120, 122, 123, 124, 125, 126, 128, 130}},
        {"I", {127}},
        {"Cs", {133}},
        {"Xe", {124, 126, 128, 129, 130, 131, 132, 134, 136}},
        {"W", {180, 182, 183, 184, 186}},
        {"Pb", {204, 206, 207, 208}},
        {"U", {234, 235, 238}},
    };
    for (const auto& [symbol, expected] : mass_numbers) {
        std::vector<int> found;
        for (const Nuclide& isotope : natural_isotopes(symbol)) {
            found.push_back(isotope.A);
            EXPECT_EQ(isotope.name, symbol + std::to_string(isotope.A));
        }
        EXPECT_EQ(found, expected) << symbol;
    }
    EXPECT_NEAR(nuclide("Ar40").abundance, 0.99603, 1e-5);
    EXPECT_NEAR(nuclide("Ge74").abundance, 0.3652, 1e-4);
    EXPECT_NEAR(nuclide("Xe129").abundance, 0.26401, 1e-5);
    EXPECT_NEAR(nuclide("Xe136").abundance, 0.08857, 1e-5);
}

TEST(Nuclides, spins) {
    const std::map<std::string, double> spins = {
        {"H1", 0.5},    {"H2", 1},      {"Li7", 1.5},   {"C13", 0.5},   {"N14", 1},     {"O17", 2.5},   {"F19", 0.5},
        {"Na23", 1.5},  {"Al27", 2.5},  {"Si29", 0.5},  {"K40", 4},     {"Ca43", 3.5},  {"Zn67", 2.5},  {"Ge73", 4.5},
        {"Se77", 0.5},  {"Te123", 0.5}, {"Te125", 0.5}, {"I127", 2.5},  {"Xe129", 0.5}, {"Cs133", 3.5}, {"Xe131", 1.5},
        {"Hf177", 3.5}, {"W183", 0.5},  {"Hg199", 0.5}, {"Pb207", 0.5}, {"Bi209", 4.5}, {"U235", 3.5},
    };
    for (const auto& [name, spin] : spins) {
        EXPECT_EQ(nuclide(name).spin, spin) << name;
    }
    for (const std::string& name : nuclide_names()) {
        const Nuclide n = nuclide(name);
        if (n.Z % 2 == 0 && n.A % 2 == 0) {
            EXPECT_EQ(n.spin, 0) << name;
        } else {
            EXPECT_GT(n.spin, 0) << name;
            EXPECT_EQ(std::fmod(2 * n.spin, 2), n.A % 2) << name;
        }
    }
}

TEST(Nuclides, published_radii_are_kept) {
    EXPECT_EQ(nuclide("Cs133").proton_radius, 4.821);
    EXPECT_EQ(nuclide("Cs133").neutron_radius, 5.09);
    EXPECT_EQ(nuclide("I127").proton_radius, 4.766);
    EXPECT_EQ(nuclide("I127").neutron_radius, 5.03);
    EXPECT_EQ(nuclide("Ar40").proton_radius, 3.448);
    EXPECT_EQ(nuclide("Ar40").neutron_radius, 3.55);
    EXPECT_NE(nuclide("Ar40").radius_source, nuclide("Ar36").radius_source);
}

// R_p² = R_ch² − (N/Z) r_n²
double proton_radius_of(double charge_radius, int Z, int A) {
    return std::sqrt(charge_radius * charge_radius + 0.1161 * (A - Z) / Z);
}

TEST(Nuclides, radii_follow_from_charge_radii) {
    // The rule gives the published R_p, too.
    EXPECT_NEAR(proton_radius_of(4.8041, 55, 133), nuclide("Cs133").proton_radius, 1e-3);
    EXPECT_NEAR(proton_radius_of(4.7500, 53, 127), nuclide("I127").proton_radius, 1.1e-3);
    EXPECT_NEAR(proton_radius_of(3.4274, 18, 40), nuclide("Ar40").proton_radius, 1e-3);
    // Angeli and Marinova's charge radii
    EXPECT_NEAR(nuclide("Ge74").proton_radius, proton_radius_of(4.0742, 32, 74), 1e-4);
    EXPECT_NEAR(nuclide("Xe132").proton_radius, proton_radius_of(4.7859, 54, 132), 1e-4);
    EXPECT_NEAR(nuclide("Pb208").proton_radius, proton_radius_of(5.5012, 82, 208), 1e-4);
    EXPECT_NEAR(nuclide("Si28").proton_radius, proton_radius_of(3.1224, 14, 28), 1e-4);
    EXPECT_NEAR(nuclide("Na23").proton_radius, proton_radius_of(2.9936, 11, 23), 1e-4);
    EXPECT_NEAR(nuclide("H1").proton_radius, 0.8409, 1e-9);
    // Skins of antiprotonic atoms: point radii differ by the trend. 208Pb: −0.04 + 1.01 × 44/208 = 0.174 fm
    const auto point_radius = [](double radius) { return std::sqrt(radius * radius - 0.8409 * 0.8409 - 0.0331); };
    const Nuclide lead = nuclide("Pb208"), calcium = nuclide("Ca40");
    EXPECT_NEAR(point_radius(lead.neutron_radius) - point_radius(lead.proton_radius), 0.1737, 2e-4);
    EXPECT_NEAR(point_radius(calcium.neutron_radius) - point_radius(calcium.proton_radius), -0.04, 2e-4);
    // Natural germanium and xenon: what the literature takes for all isotopes
    EXPECT_NEAR(nuclide("Ge72").proton_radius, 4.05, 0.03);
    EXPECT_NEAR(nuclide("Ge72").neutron_radius, 4.10, 0.05);
    EXPECT_NEAR(nuclide("Xe132").proton_radius, 4.81, 0.01);
    EXPECT_NEAR(nuclide("Xe132").neutron_radius, 4.90, 0.05);
}

TEST(Nuclides, radii_grow_with_the_nucleus) {
    for (const std::string& name : nuclide_names()) {
        const Nuclide n = nuclide(name);
        EXPECT_FALSE(n.radius_source.empty());
        if (n.A < 12) {
            EXPECT_GT(n.proton_radius, 0.8) << name;
            EXPECT_LT(n.proton_radius, 2.7) << name;
        } else {
            EXPECT_NEAR(n.proton_radius / (0.836 * std::cbrt(n.A) + 0.570), 1, 0.07) << name;
        }
        EXPECT_GT(n.neutron_radius, n.proton_radius - 0.35) << name;
        EXPECT_LT(n.neutron_radius, n.proton_radius + 0.3) << name;
        if (n.A - n.Z > 1.1 * n.Z) {
            EXPECT_GT(n.neutron_radius, n.proton_radius) << name;
        }
    }
    double last = 0;
    for (const char* name : {"He4", "C12", "O16", "Si28", "Ar40", "Ge74", "Xe132", "W184", "Pb208", "U238"}) {
        EXPECT_GT(nuclide(name).neutron_radius, last) << name;
        last = nuclide(name).neutron_radius;
    }
}

// ---- chemical formulas ------------------------------------------------------------------------------------------

std::string written(const std::string& formula) {
    std::string out;
    for (const FormulaPart& part : parse_formula(formula, {"exp.toml", 7})) {
        std::ostringstream count;
        count << part.count;
        out += (out.empty() ? "" : " ") + part.element.symbol + ":" + count.str();
    }
    return out;
}

TEST(ChemicalFormula, compounds) {
    EXPECT_EQ(written("Xe"), "Xe:1");
    EXPECT_EQ(written("CsI"), "Cs:1 I:1");
    EXPECT_EQ(written("CaWO4"), "Ca:1 W:1 O:4");
    EXPECT_EQ(written("TeO2"), "Te:1 O:2");
    EXPECT_EQ(written("Al2O3"), "Al:2 O:3");
    EXPECT_EQ(written("C2H6"), "C:2 H:6");
    EXPECT_EQ(written("C100H200"), "C:100 H:200");
    EXPECT_EQ(written("Si0.9Ge0.1"), "Si:0.9 Ge:0.1");
}

TEST(ChemicalFormula, brackets_multiply_and_repeated_elements_merge) {
    EXPECT_EQ(written("CH3CH3"), "C:2 H:6");
    EXPECT_EQ(written("(NH4)2SO4"), "N:2 H:8 S:1 O:4");
    EXPECT_EQ(written("Ca(Al(OH)4)2"), "Ca:1 Al:2 O:8 H:8");
    EXPECT_EQ(written("((Xe)2)3"), "Xe:6");
    EXPECT_EQ(written("C(C)1C"), "C:3");
    EXPECT_EQ(written("Ca(OH)2"), "Ca:1 O:2 H:2");
    EXPECT_EQ(written("NaI(Tl)0.001"), "Na:1 I:1 Tl:0.001");
}

TEST(ChemicalFormula, weights) {
    const auto weight = [](const std::string& formula) { return formula_weight(parse_formula(formula, {})); };
    EXPECT_EQ(weight("Xe"), 131.293);
    EXPECT_NEAR(weight("CsI"), 259.81, 0.01);
    EXPECT_NEAR(weight("CaWO4"), 287.91, 0.01);
    EXPECT_NEAR(weight("Al2O3"), 101.96, 0.01);
    EXPECT_NEAR(weight("(NH4)2SO4"), 132.13, 0.01);
}

std::string formula_error(const std::string& formula) {
    try {
        parse_formula(formula, {"exp.toml", 7});
    } catch (const InputError& error) {
        return error.what();
    }
    return "no error";
}

TEST(ChemicalFormula, errors_name_the_element_that_may_be_meant) {
    EXPECT_EQ(formula_error("CsJ"),
              "exp.toml:7: \"CsJ\" is no chemical formula (there is no element \"J\") write it like \"Xe\", "
              "\"CaWO4\" or \"(NH4)2SO4\"");
    EXPECT_EQ(formula_error("Xf"),
              "exp.toml:7: \"Xf\" is no chemical formula (there is no element \"Xf\") did you mean \"Xe\"?");
    EXPECT_EQ(formula_error("xe"), "exp.toml:7: \"xe\" is no chemical formula (symbols begin with a capital letter, "
                                   "\"xe\" does not) did you mean \"Xe\"?");
    EXPECT_EQ(formula_error("Xeo2"), "exp.toml:7: \"Xeo2\" is no chemical formula (there is no element \"Xeo\") did "
                                     "you mean \"Xe\"?");
}

TEST(ChemicalFormula, what_cannot_be_read_is_refused) {
    const std::string how = " write it like \"Xe\", \"CaWO4\" or \"(NH4)2SO4\"";
    const auto expect = [&](const std::string& formula, const std::string& why) {
        EXPECT_EQ(formula_error(formula), "exp.toml:7: \"" + formula + "\" is no chemical formula (" + why + ")" + how);
    };
    expect("", "it is empty");
    expect("()", "there is nothing between two brackets");
    expect("Ca(OH", "a bracket is never closed");
    expect("CaOH)2", "a bracket closes that was never opened");
    expect("Cs I", "\" I\" begins with neither a symbol nor a bracket");
    expect("H₂O", "\"₂O\" begins with neither a symbol nor a bracket");
    expect("Xe0", "the count 0 is not positive");
    expect("Xe0.0", "the count 0.0 is not positive");
    expect("Xe-1", "\"-1\" begins with neither a symbol nor a bracket");
    expect("Xe2000000", "the count 2000000 is above 1000000");
    expect("((Xe1000)1000)1000", "it has more than 1000000 atoms of Xe");
    EXPECT_NE(formula_error("2H2O").find("(the number in \"2H2O\" counts nothing)"), std::string::npos);
    EXPECT_NE(formula_error("Xe" + std::string(400, '9')).find("is above 1000000"), std::string::npos);
    EXPECT_NE(formula_error(std::string(100000, '(')).find("a bracket is never closed"), std::string::npos);
}

TEST(ChemicalFormula, dopants_are_no_part_of_a_compound) {
    EXPECT_EQ(formula_error("CsI(Tl)"), "exp.toml:7: \"CsI(Tl)\" is no chemical formula (\"(Tl)\" has no number, and a "
                                        "dopant is not one per formula unit) write \"CsI\"?");
    EXPECT_EQ(formula_error("(Na)I"), "exp.toml:7: \"(Na)I\" is no chemical formula (\"(Na)\" has no number) write "
                                      "\"NaI\"?");
    EXPECT_EQ(formula_error("NaI:Tl"), "exp.toml:7: \"NaI:Tl\" is no chemical formula (\":Tl\" is not one per formula "
                                       "unit, as dopants are not) write \"NaI\"?");
    EXPECT_EQ(formula_error("(NH4)Cl"),
              "exp.toml:7: \"(NH4)Cl\" is no chemical formula (\"(NH4)\" has no number) write \"NH4Cl\"?");
    EXPECT_EQ(formula_error("(Xe)"), "exp.toml:7: \"(Xe)\" is no chemical formula (\"(Xe)\" has no number) write "
                                     "\"Xe\"?");
    EXPECT_EQ(formula_error("40Ar"), "exp.toml:7: \"40Ar\" is no chemical formula (the number in \"40Ar\" counts "
                                     "nothing) write nuclide = \"Ar40\"?");
}

// ---- photoabsorption --------------------------------------------------------------------------------------------

constexpr double eV = 1e-6;
constexpr double barn = 1e-24;

PhotoabsorptionTable table_of(const std::string& symbol) {
    const auto table = photoabsorption(symbol);
    if (!table) {
        throw std::runtime_error("no table of " + symbol);
    }
    return *table;
}

// The value at x of a Table
double linear(const Table& table, double x) {
    const auto above = std::upper_bound(table.x.begin(), table.x.end(), x);
    if (above == table.x.begin() || above == table.x.end()) {
        return x == table.x.back() ? table.y.back() : 0;
    }
    const std::size_t i = static_cast<std::size_t>(above - table.x.begin());
    return table.y[i - 1] + (table.y[i] - table.y[i - 1]) * (x - table.x[i - 1]) / (table.x[i] - table.x[i - 1]);
}

TEST(Photoabsorption, every_element_up_to_uranium_has_a_table) {
    int n_tables = 0;
    for (const std::string& symbol : element_symbols()) {
        const auto table = photoabsorption(symbol);
        EXPECT_EQ(table.has_value(), find_element(symbol)->Z <= 92) << symbol;
        if (!table) {
            continue;
        }
        ++n_tables;
        ASSERT_EQ(table->energy.size(), table->cross_section.size());
        ASSERT_GE(table->energy.size(), 20u) << symbol;
        EXPECT_GE(table->energy.front(), 10 * eV) << symbol;
        EXPECT_LT(table->energy.front(), 25 * eV) << symbol; // helium is ionised from 24.6 eV on
        EXPECT_NEAR(table->energy.back(), 0.030, 1e-12) << symbol;
        for (std::size_t i = 0; i < table->energy.size(); ++i) {
            EXPECT_GT(table->cross_section[i], 0) << symbol;
            if (i > 0) {
                EXPECT_GT(table->energy[i], table->energy[i - 1]) << symbol;
            }
        }
    }
    EXPECT_EQ(n_tables, 92);
    EXPECT_FALSE(photoabsorption("Xx"));
}

TEST(Photoabsorption, edges_of_germanium) {
    const PhotoabsorptionTable germanium = table_of("Ge");
    const auto jump = [&](double E) { return germanium.at((E + 0.15) * eV) / germanium.at((E - 0.15) * eV); };
    EXPECT_NEAR(jump(11103.1), 7.6, 0.1);
    EXPECT_NEAR(jump(1217.0), 6.7, 0.1);
    EXPECT_NEAR(jump(1248.1), 1, 1e-3); // L2 and L1 have no steps of their own: the table has all three in L3's
    EXPECT_NEAR(jump(1414.6), 1, 1e-3);
    EXPECT_NEAR(jump(5000), 1, 1e-3);
}

// K edges of all elements against those of xraylib: a factor of 5 to 20 within 1 %
TEST(Photoabsorption, K_edges_are_where_the_shells_have_them) {
    int n_edges = 0;
    for (const std::string& symbol : element_symbols()) {
        const double edge = find_element(symbol)->shells[0].binding_energy;
        if (edge < 1000 * eV || edge > 29000 * eV || !photoabsorption(symbol)) {
            continue;
        }
        ++n_edges;
        const PhotoabsorptionTable table = table_of(symbol);
        EXPECT_GT(table.at(1.01 * edge) / table.at(0.99 * edge), 5) << symbol;
        EXPECT_LT(table.at(1.01 * edge) / table.at(0.99 * edge), 20) << symbol;
        EXPECT_LT(table.at(0.99 * edge) / table.at(0.97 * edge), 1) << symbol;
    }
    EXPECT_EQ(n_edges, 39);
}

// Away from edges, xraylib 4's CSb_Photo, which comes from another compilation (Elam, Ravel, Sieber 2002), agrees.
TEST(Photoabsorption, agrees_with_another_compilation) {
    EXPECT_NEAR(table_of("Ge").at(1000 * eV) / (227502 * barn), 1, 0.02);
    EXPECT_NEAR(table_of("Ge").at(10000 * eV) / (4306 * barn), 1, 0.02);
    EXPECT_NEAR(table_of("Xe").at(1000 * eV) / (1.939e6 * barn), 1, 0.1);
    EXPECT_NEAR(table_of("Xe").at(10000 * eV) / (36233 * barn), 1, 0.06);
    EXPECT_NEAR(table_of("Ar").at(1000 * eV) / (210959 * barn), 1, 0.06);
    EXPECT_NEAR(table_of("Ar").at(10000 * eV) / (4133 * barn), 1, 0.06);
    EXPECT_NEAR(table_of("W").at(10000 * eV) / (28221 * barn), 1, 0.06);
}

TEST(Photoabsorption, is_a_power_law_between_points_and_zero_outside) {
    const PhotoabsorptionTable table{{1, 4}, {8, 2}};
    EXPECT_DOUBLE_EQ(table.at(1), 8);
    EXPECT_DOUBLE_EQ(table.at(2), 4);
    EXPECT_DOUBLE_EQ(table.at(4), 2);
    EXPECT_EQ(table.at(0.999), 0);
    EXPECT_EQ(table.at(4.001), 0);
    EXPECT_EQ(table.at(not_a_number), 0);
    const PhotoabsorptionTable argon = table_of("Ar");
    EXPECT_EQ(argon.at(15.6 * eV), 0); // argon is ionised from 15.76 eV on
    EXPECT_GT(argon.at(16 * eV), 30e6 * barn);
}

// The tables that the generator thinned out: NUSCAN_TEST_DATA/photoabsorption/ge.nff, with E [eV], f1, f2.
TEST(Photoabsorption, gives_back_the_published_tables) {
    const char* data = std::getenv("NUSCAN_TEST_DATA");
    if (data == nullptr || !std::filesystem::is_directory(std::filesystem::path(data) / "photoabsorption")) {
        GTEST_SKIP() << "needs the tables of Henke et al. in the folder photoabsorption of NUSCAN_TEST_DATA";
    }
    for (const auto& [file, symbol] : std::map<std::string, std::string>{
             {"ar", "Ar"}, {"cs", "Cs"}, {"ge", "Ge"}, {"i", "I"}, {"na", "Na"}, {"si", "Si"}, {"xe", "Xe"}}) {
        std::ifstream in(std::filesystem::path(data) / "photoabsorption" / (file + ".nff"));
        ASSERT_TRUE(in) << file;
        const PhotoabsorptionTable table = table_of(symbol);
        std::string header;
        std::getline(in, header);
        double E = 0, f1 = 0, f2 = 0, worst = 0;
        int n_points = 0;
        while (in >> E >> f1 >> f2) {
            const bool misplaced =
                symbol == "Si" && std::abs(E - 1838.95) < 0.06; // its edge goes up, down, up in energy
            if (f2 < 1e-3 || misplaced) {
                continue;
            }
            const double lambda = 2 * pi * hbar_c / (E * eV); // [cm]
            const double published = 2 * 2.8179403262e-13 * lambda * f2;
            const double error = std::abs(table.at(E * eV) / published - 1);
            EXPECT_LT(error, 1.1e-3) << symbol << " at " << E << " eV";
            worst = std::max(worst, error);
            ++n_points;
        }
        EXPECT_GT(n_points, 470) << symbol;
        EXPECT_GT(worst, 1e-5) << symbol; // digits are rounded
    }
}

TEST(Photoabsorption, of_an_element_is_linear_between_points_to_1e_4) {
    for (const char* symbol : {"Ge", "Xe", "Ar", "H"}) {
        const PhotoabsorptionTable exact = table_of(symbol);
        const Table table = photoabsorption_of(parse_formula(symbol, {}), {});
        EXPECT_EQ(table.x.front(), exact.energy.front());
        EXPECT_EQ(table.x.back(), exact.energy.back());
        EXPECT_TRUE(std::is_sorted(table.x.begin(), table.x.end()));
        EXPECT_EQ(std::adjacent_find(table.x.begin(), table.x.end()), table.x.end());
        EXPECT_LT(table.x.size(), 3000u) << symbol;
        const double log_range = std::log(exact.energy.back() / exact.energy.front());
        for (int i = 0; i <= 20000; ++i) {
            const double E =
                std::min(exact.energy.back(), exact.energy.front() * std::exp(log_range * i / 20000 + 1e-15));
            EXPECT_NEAR(linear(table, E) / exact.at(E), 1, 1.001e-4) << symbol << " at " << E / eV << " eV";
        }
    }
}

TEST(Photoabsorption, of_a_compound_is_the_sum_over_its_atoms) {
    const PhotoabsorptionTable calcium = table_of("Ca"), tungsten = table_of("W"), oxygen = table_of("O");
    const Table table = photoabsorption_of(parse_formula("CaWO4", {}), {});
    for (const double E :
         {12.0, 29.3, 100.0, 531.9, 543.1, 1000.0, 2300.0, 4038.4, 4039.0, 10206.9, 10300.0, 29999.0}) {
        const double sum = calcium.at(E * eV) + tungsten.at(E * eV) + 4 * oxygen.at(E * eV);
        EXPECT_NEAR(linear(table, E * eV) / sum, 1, 1.001e-4) << E << " eV";
    }
    for (const double E : oxygen.energy) {
        EXPECT_EQ(std::count(table.x.begin(), table.x.end(), E), 1);
    }
    // An element that begins above the other does not leak below its threshold: hydrogen's table begins at 16.7 eV.
    const PhotoabsorptionTable hydrogen = table_of("H"), carbon = table_of("C");
    const Table methane = photoabsorption_of(parse_formula("CH4", {}), {});
    const double threshold = hydrogen.energy.front();
    for (const double E : {threshold * (1 - 1e-8), threshold * 0.995, threshold * 0.9}) {
        EXPECT_NEAR(linear(methane, E) / carbon.at(E), 1, 1.001e-4);
    }
    EXPECT_EQ(std::count_if(methane.x.begin(), methane.x.end(),
                            [&](double E) { return E > threshold * 0.999 && E < threshold; }),
              1); // the step is one pair of points
    EXPECT_NEAR(linear(methane, threshold) / (carbon.at(threshold) + 4 * hydrogen.at(threshold)), 1, 1e-12);
}

TEST(Photoabsorption, of_what_has_no_table_is_an_error) {
    const std::vector<FormulaPart> parts = parse_formula("NpO2", {});
    try {
        photoabsorption_of(parts, {"exp.toml", 7});
        FAIL();
    } catch (const InputError& error) {
        EXPECT_STREQ(error.what(),
                     "exp.toml:7: there is no photoabsorption table of Np (elements up to uranium have one)");
    }
    EXPECT_TRUE(photoabsorption_of({}, {}).x.empty());
}

} // namespace
} // namespace nuscan
