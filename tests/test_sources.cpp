// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <ostream>
#include <sstream>

#include <gtest/gtest.h>

#include "experiments/experiment_file.hpp"
#include "experiments/source_reader.hpp"
#include "nuscan/constants.hpp"
#include "nuscan/mixing.hpp"
#include "sources/arrival.hpp"
#include "sources/electron_capture.hpp"
#include "sources/fission.hpp"
#include "sources/pion_decay.hpp"
#include "sources/solar.hpp"
#include "sources/tabulated.hpp"
#include "temporary_folder.hpp"

namespace nuscan {
namespace {

constexpr double us = 1e-6;

//! ∫ f dx by Simpson's rule
double simpson(const std::function<double(double)>& f, double low, double high, int n = 20000) {
    double sum = f(low) + f(high);
    for (int i = 1; i < n; ++i) {
        sum += (i % 2 ? 4 : 2) * f(low + (high - low) * i / n);
    }
    return sum * (high - low) / n / 3;
}

//! ∫ x y dx of a table, exactly
double first_moment(const Table& table) {
    double sum = 0;
    for (std::size_t i = 1; i < table.x.size(); ++i) {
        const double a = table.x[i - 1], b = table.x[i];
        sum += (b - a) * (a * (2 * table.y[i - 1] + table.y[i]) + b * (table.y[i - 1] + 2 * table.y[i])) / 6;
    }
    return sum;
}

//! Largest distance of a table from a function, over the function's largest value
double largest_error(const Table& table, const std::function<double(double)>& f) {
    double error = 0, peak = 0;
    for (std::size_t i = 1; i < table.x.size(); ++i) {
        for (const double t : {0.0, 0.13, 0.5, 0.79, 1.0}) {
            const double x = table.x[i - 1] + t * (table.x[i] - table.x[i - 1]);
            peak = std::max(peak, f(x));
            error = std::max(error, std::abs(f(x) - value_at(table, x)));
        }
    }
    return error / peak;
}

class Sources : public ::testing::Test {
protected:
    //! Reads the text of `[[source]]` tables, under an exposure of a day on line 2
    std::vector<Source> read(const std::string& text) const {
        const std::string path = folder_ / "toy.toml";
        const std::string all = "[exposure]\nlive_time = \"1 d\"\n" + text;
        const toml::table toml = parse_toml(all, path);
        const TomlTable root(toml, path);
        ExperimentTables tables(path, all);
        notes_.clear();
        return read_sources(root, tables, notes_);
    }
    Source read_one(const std::string& text) const {
        const std::vector<Source> sources = read(text);
        EXPECT_EQ(sources.size(), 1u);
        return sources.at(0);
    }
    std::string error(const std::string& text) const {
        return folder_.error_of([&] { read(text); });
    }
    //! That \p source holds one neutrino in all, energies increase and nothing is negative
    static void expect_sound(const Source& source) {
        double total = integral(source.spectrum);
        for (const SpectralLine& line : source.lines) {
            total += line.fraction;
            EXPECT_GT(line.energy, 0);
        }
        EXPECT_NEAR(total, 1, 1e-12) << source.name;
        EXPECT_GT(source.flux, 0);
        for (const Table& table : {source.spectrum, source.arrival}) {
            for (std::size_t i = 0; i < table.x.size(); ++i) {
                EXPECT_GE(table.y[i], 0) << source.name;
                EXPECT_TRUE(i == 0 || table.x[i] > table.x[i - 1]) << source.name << " " << table.x[i];
            }
        }
    }

    test::TemporaryFolder folder_;
    mutable std::vector<std::string> notes_; //!< of the last that was read
};

// ---- tables -----------------------------------------------------------------------------------------------------

TEST(Tabulated, values_and_integrals) {
    const Table table = {{1, 2, 4}, {0, 4, 2}};
    EXPECT_EQ(value_at(table, 0.9), 0);
    EXPECT_EQ(value_at(table, 1.5), 2);
    EXPECT_EQ(value_at(table, 3), 3);
    EXPECT_EQ(value_at(table, 4), 2);
    EXPECT_EQ(value_at(table, 4.1), 0);
    EXPECT_EQ(integral(table), 8);
    EXPECT_EQ(value_at({}, 1), 0);
}

TEST(Tabulated, functions_are_followed_to_the_tolerance) {
    const auto f = [](double x) { return std::exp(-x) * std::sin(20 * x) * std::sin(20 * x); };
    for (const double tolerance : {1e-3, 1e-6}) {
        const Table table = tabulate(f, {0, 1, 5}, tolerance);
        EXPECT_LT(largest_error(table, f), 1.2 * tolerance);
        EXPECT_LT(table.x.size(), 4 / std::sqrt(tolerance) * 20);
    }
}

TEST(Tabulated, sums_keep_jumps) {
    const Table sum = weighted_sum({2, 1}, {{{0, 4}, {1, 1}}, {{1, 2}, {3, 3}}});
    EXPECT_NEAR(integral(sum), 2 * 4 + 3, 1e-7);
    EXPECT_EQ(value_at(sum, 0.99), 2);
    EXPECT_EQ(value_at(sum, 1.5), 5);
    EXPECT_EQ(value_at(sum, 2.01), 2);
}

// ---- the Sun ----------------------------------------------------------------------------------------------------

TEST_F(Sources, the_whole_sun) {
    const std::vector<Source> sources = read("[[source]]\ntype = \"solar\"\ncomponents = \"all\"\n");
    ASSERT_EQ(sources.size(), 8u);
    double flux = 0;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const Source& source = sources[i];
        EXPECT_EQ(source.name, solar_components()[i].name);
        EXPECT_EQ(source.propagation, Propagation::solar);
        EXPECT_EQ(source.flavour, Flavour::e);
        EXPECT_FALSE(source.antineutrino);
        EXPECT_FALSE(source.flux_follows_baseline);
        EXPECT_TRUE(source.arrival.empty());
        ASSERT_EQ(source.zones.size(), 1u);
        EXPECT_EQ(source.zones[0].fraction, 1);
        expect_sound(source);
        flux += source.flux;
    }
    EXPECT_NEAR(flux, 6.537e10, 1e7); // Σ of B16-GS98
}

//! Published means and endpoints [MeV]
TEST_F(Sources, solar_spectra) {
    struct Case {
        const char* name;
        double mean, endpoint;
    };
    for (const Case& c : {Case{"pp", 0.2667, 0.42341},
                          {"hep", 9.628, 18.784},
                          {"8B", 6.735, 16.36},
                          {"13N", 0.7063, 1.199},
                          {"15O", 0.9964, 1.732},
                          {"17F", 0.9977, 1.74}}) {
        const Source source = read_one(std::string("[[source]]\ntype = \"solar\"\nname = \"") + c.name + "\"\n");
        EXPECT_NEAR(first_moment(source.spectrum), c.mean, 3e-3 * c.mean) << c.name;
        EXPECT_EQ(source.spectrum.x.front(), 0);
        EXPECT_EQ(source.spectrum.y.front(), 0);
        EXPECT_EQ(source.spectrum.y.back(), 0);
        EXPECT_EQ(source.spectrum.x.back(), c.endpoint);
    }
    const Source beryllium = read_one("[[source]]\ntype = \"solar\"\nname = \"7Be\"\n");
    ASSERT_EQ(beryllium.lines.size(), 2u);
    EXPECT_EQ(beryllium.lines[0].energy, 0.8613);
    EXPECT_EQ(beryllium.lines[1].fraction, 0.104);
    EXPECT_TRUE(beryllium.spectrum.empty());
    EXPECT_EQ(read_one("[[source]]\ntype = \"solar\"\nname = \"pep\"\n").lines[0].energy, 1.442);
}

//! The shape of an allowed β⁺ decay, E² p_e E_e F(−Z, E_e), is followed by the thinned tables too
TEST_F(Sources, beta_spectra_have_the_allowed_shape) {
    // ¹³N: a Fermi function of order 2παZE/p suffices for Z = 6 to a per cent.
    const Source source = read_one("[[source]]\ntype = \"solar\"\nname = \"13N\"\n");
    const double end = source.spectrum.x.back(), m = constants::electron_mass;
    const auto allowed = [&](double E) {
        const double W = end - E + m, p = std::sqrt(W * W - m * m);
        const double eta = 2 * constants::pi * constants::alpha * -6 * W / p;
        return p > 0 ? E * E * p * W * (-eta / (std::exp(-eta) - 1)) * -1 : 0;
    };
    const double scale = allowed(0.7) / value_at(source.spectrum, 0.7);
    for (const double E : {0.2, 0.4, 0.6, 0.8, 1.0, 1.1}) {
        EXPECT_NEAR(allowed(E) / value_at(source.spectrum, E) / scale, 1, 0.01) << E;
    }
}

TEST_F(Sources, listed_components_and_overrides) {
    const std::vector<Source> two =
        read("[[source]]\ntype = \"solar\"\ncomponents = [\"8B\", \"pp\"]\npropagation = \"decohered\"\n");
    ASSERT_EQ(two.size(), 2u);
    EXPECT_EQ(two[0].name, "8B");
    EXPECT_EQ(two[1].name, "pp");
    EXPECT_EQ(two[1].propagation, Propagation::decohered);
    EXPECT_TRUE(two[1].zones.empty());
    const Source one = read_one("[[source]]\ntype = \"solar\"\nname = \"8B\"\nflux = \"5.16e6 cm^-2 s^-1\"\n"
                                "electron_density = \"93 mol/cm^3\"\n");
    EXPECT_EQ(one.flux, 5.16e6);
    EXPECT_EQ(one.zones.at(0).electron_density, 93);
}

//! P_ee = Σ_k P_k |U_ek|²
double survival(const Source& source, double E) {
    const Mixing mixing;
    const MassProbabilities weights = solar_weights(mixing, source.beam(), E);
    const Matrix3 U = mixing_matrix(mixing);
    EXPECT_NEAR(weights.P[0] + weights.P[1] + weights.P[2], 1, 1e-15);
    return weights.P[0] * norm(U(0, 0)) + weights.P[1] * norm(U(0, 1)) + weights.P[2] * norm(U(0, 2));
}

TEST_F(Sources, electron_neutrinos_survive_the_sun_as_measured) {
    const Source boron = read_one("[[source]]\ntype = \"solar\"\nname = \"8B\"\n");
    const Source pp = read_one("[[source]]\ntype = \"solar\"\nname = \"pp\"\n");
    EXPECT_GT(survival(boron, 10), 0.31);
    EXPECT_LT(survival(boron, 10), 0.34);
    EXPECT_GT(survival(pp, 0.267), 0.54);
    EXPECT_LT(survival(pp, 0.267), 0.555);
    EXPECT_GT(survival(boron, 3), survival(boron, 10)); // the upturn
}

TEST_F(Sources, vacuum_is_the_limit_of_no_electrons) {
    const Source source = read_one("[[source]]\ntype = \"solar\"\nname = \"8B\"\nelectron_density = 0\n");
    const Mixing mixing;
    const MassProbabilities weights = solar_weights(mixing, source.beam(), 10);
    const Matrix3 U = mixing_matrix(mixing);
    for (int k = 0; k < 3; ++k) {
        EXPECT_NEAR(weights.P[k], norm(U(0, k)), 1e-15);
    }
}

TEST_F(Sources, production_profiles_become_zones) {
    // Uniform between 0 and 0.2, n_e straight: the mean is that in the middle.
    const Table production = {{0, 0.2}, {3, 3}};
    const Table electrons = {{0, 0.5}, {100, 0}};
    double mean_density = 0;
    for (const ProductionZone& zone : production_zones(production, electrons)) {
        mean_density += zone.fraction * zone.electron_density;
        EXPECT_LT(zone.fraction, 0.07);
    }
    EXPECT_NEAR(mean_density, 80, 1e-12);

    // n_e falls exponentially, and production peaks at 0.05: the mean over zones is that of the integral.
    const auto n_e = [](double r) { return 245 * std::exp(-10.54 * r); };
    const auto made = [](double r) { return r * r * std::exp(-r / 0.02); };
    std::string profile = "r_over_R,production\n", density = "r_over_R,electrons_mol_per_cm3\n";
    for (int i = 0; i <= 300; ++i) {
        const double r = 0.001 * i;
        profile += std::to_string(r) + "," + std::to_string(1e6 * made(r)) + "\n";
        density += std::to_string(r) + "," + std::to_string(n_e(r)) + "\n";
    }
    folder_.write("made.csv", profile);
    folder_.write("electrons.csv", density);
    const Source source = read_one("[[source]]\ntype = \"solar\"\nname = \"8B\"\nproduction_profile = \"made.csv\"\n"
                                   "electron_density_profile = \"electrons.csv\"\n");
    EXPECT_GT(source.zones.size(), 30u);
    EXPECT_LE(source.zones.size(), 64u);
    double sum = 0;
    for (const ProductionZone& zone : source.zones) {
        sum += zone.fraction;
    }
    EXPECT_NEAR(sum, 1, 1e-14);
    for (const double E : {0.5, 3.0, 10.0}) {
        double mean = 0, total = 0;
        for (int i = 0; i < 3000; ++i) {
            const double r = 0.3 * (i + 0.5) / 3000;
            Source here;
            here.propagation = Propagation::solar;
            here.zones = {{n_e(r), 1}};
            mean += made(r) * survival(here, E);
            total += made(r);
        }
        EXPECT_NEAR(survival(source, E), mean / total, 5e-5) << E;
    }
}

TEST_F(Sources, spectra_of_the_user_through_the_sun) {
    const Source source = read_one("[[source]]\nname = \"dark\"\nflavour = \"e\"\nneutrino = \"neutrino\"\n"
                                   "propagation = \"solar\"\nelectron_density = \"100 mol/cm^3\"\n"
                                   "flux = \"1 cm^-2 s^-1\"\nlines = [{ energy = \"1 MeV\", fraction = 1 }]\n");
    EXPECT_EQ(source.propagation, Propagation::solar);
    EXPECT_EQ(source.zones.at(0).electron_density, 100);
}

// ---- reactors ---------------------------------------------------------------------------------------------------

TEST(Fission, huber_mueller_where_it_is_published) {
    EXPECT_NEAR(huber_mueller(FissionIsotope::U235, 2), 1.32, 0.01); // Table II: 1.32
    EXPECT_NEAR(huber_mueller(FissionIsotope::U235, 4), 0.294, 0.003);
    EXPECT_NEAR(huber_mueller(FissionIsotope::Pu239, 6), 0.0192, 0.0003);
    for (const FissionIsotope isotope : fission_isotopes) {
        EXPECT_EQ(huber_mueller(isotope, 1.999), 0);
        EXPECT_EQ(huber_mueller(isotope, 8.001), 0);
        EXPECT_GT(huber_mueller(isotope, 2), 1);
        EXPECT_LT(largest_error(huber_mueller_table(isotope), [&](double E) { return huber_mueller(isotope, E); }),
                  1.2e-5);
    }
}

TEST(Fission, huber_mueller_against_the_coefficients_of_the_publications) {
    const char* data = std::getenv("NUSCAN_TEST_DATA");
    std::ifstream file(data ? std::string(data) + "/huber_mueller/huber_mueller_coefficients.txt" : "");
    if (!file) {
        GTEST_SKIP() << "set NUSCAN_TEST_DATA to the folder that holds huber_mueller/huber_mueller_coefficients.txt";
    }
    int found = 0;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string isotope_name;
        words >> isotope_name;
        for (const FissionIsotope isotope : fission_isotopes) {
            if (isotope_name != name(isotope)) {
                continue;
            }
            ++found;
            double alpha[6];
            for (double& a : alpha) {
                ASSERT_TRUE(words >> a);
            }
            for (const double E : {2.0, 4.0, 6.0, 8.0}) {
                double exponent = 0;
                for (int p = 0; p < 6; ++p) {
                    exponent += alpha[p] * std::pow(E, p);
                }
                EXPECT_NEAR(huber_mueller(isotope, E) / std::exp(exponent), 1, 1e-12) << isotope_name << " " << E;
            }
        }
    }
    EXPECT_EQ(found, 4);
}

constexpr const char* reactor = "[[source]]\ntype = \"reactor\"\nname = \"core\"\nspectrum = \"huber-mueller\"\n";

TEST_F(Sources, reactor_by_power) {
    const std::string strength = "power = \"2.96 GW\"\nbaseline = \"10.39 m\"\n";
    const Source source = read_one(reactor + strength + "low_energy = \"vogel-engel\"\n");
    expect_sound(source);
    EXPECT_TRUE(source.antineutrino);
    EXPECT_EQ(source.flavour, Flavour::e);
    EXPECT_EQ(source.propagation, Propagation::short_baseline);
    EXPECT_TRUE(source.flux_follows_baseline);
    EXPECT_EQ(source.baseline, 10.39);
    EXPECT_EQ(source.spectrum.x.front(), 0);
    EXPECT_EQ(source.spectrum.x.back(), 8);
    // Σ f_i E_i = 205.67 MeV; ν per fission
    const double energy = 0.58 * 202.36 + 0.08 * 205.99 + 0.29 * 211.12 + 0.05 * 214.26;
    const double fissions = 2.96e9 / (energy * 1.602176634e-13);
    const double sphere = 4 * constants::pi * 1039 * 1039;
    const double per_fission = source.flux * sphere / fissions;
    EXPECT_GT(per_fission, 6);
    EXPECT_LT(per_fission, 7);
    // Each capture brings two more.
    const Source without = read_one(reactor + strength + "low_energy = \"vogel-engel\"\ncapture = 0\n");
    EXPECT_NEAR(per_fission - without.flux * sphere / fissions, 1.2, 1e-9);
    // Above 2 MeV it is Huber-Mueller, per fission.
    for (const double E : {2.0, 3.3, 5.0, 7.7}) {
        const double expected =
            0.58 * huber_mueller(FissionIsotope::U235, E) + 0.08 * huber_mueller(FissionIsotope::U238, E) +
            0.29 * huber_mueller(FissionIsotope::Pu239, E) + 0.05 * huber_mueller(FissionIsotope::Pu241, E);
        EXPECT_NEAR(value_at(source.spectrum, E) * per_fission, expected, 2e-5) << E;
    }
    // Below, a point of the table.
    EXPECT_NEAR(value_at(without.spectrum, 0.5) * without.flux * sphere / fissions,
                0.58 * 2.66 + 0.08 * 2.91 + 0.29 * 2.63 + 0.05 * 2.82, 1e-9);
    // The same with Kopeikin's sum, which holds the captures.
    const Source kopeikin = read_one(reactor + strength + "low_energy = \"kopeikin\"\n");
    EXPECT_NEAR(kopeikin.flux / source.flux, 1, 0.04);
    EXPECT_NEAR(value_at(kopeikin.spectrum, 0.9) * kopeikin.flux * sphere / fissions, 3.23, 1e-9);
}

TEST_F(Sources, reactor_by_flux) {
    const Source source = read_one(std::string(reactor) + "low_energy = \"none\"\nflux = \"4.8e13 cm^-2 s^-1\"\n"
                                                          "fission_fractions = { U235 = 1 }\n");
    expect_sound(source);
    EXPECT_EQ(source.flux, 4.8e13);
    EXPECT_FALSE(source.flux_follows_baseline);
    EXPECT_EQ(source.spectrum.x.front(), 2);
    EXPECT_NEAR(value_at(source.spectrum, 4) / value_at(source.spectrum, 2),
                huber_mueller(FissionIsotope::U235, 4) / huber_mueller(FissionIsotope::U235, 2), 1e-4);
}

TEST_F(Sources, reactor_by_tables) {
    folder_.write("u.csv", "energy_MeV,per_fission_MeV\n0,0\n2,3\n4,0\n");           // 6
    folder_.write("pu.csv", "energy_keV,per_fission_keV\n0,0\n2000,1e-3\n4000,0\n"); // 2
    folder_.write("capture.csv", "energy_MeV,per_capture_MeV\n0,0\n0.5,2\n1,0\n");   // 1
    const Source source = read_one("[[source]]\ntype = \"reactor\"\nname = \"core\"\n"
                                   "spectra = { U235 = \"u.csv\", Pu239 = \"pu.csv\" }\n"
                                   "fission_fractions = { U235 = 0.75, Pu239 = 0.25 }\n"
                                   "capture = 0.6\ncapture_spectrum = \"capture.csv\"\nflux = \"5.6 cm^-2 s^-1\"\n");
    expect_sound(source);
    EXPECT_NEAR(value_at(source.spectrum, 2) * 5.6, 0.75 * 3 + 0.25, 1e-12);
    EXPECT_NEAR(value_at(source.spectrum, 0.5) * 5.6, 2.5 / 4 + 0.6 * 2, 1e-12);
}

//! Two antineutrinos follow a capture; a table of others, such as one that is normalised to 1, is remarked upon.
TEST_F(Sources, capture_tables_of_two_antineutrinos) {
    folder_.write("u.csv", "energy_MeV,per_fission_MeV\n0,0\n2,3\n4,0\n");
    const auto notes = [&](const std::string& peak, const std::string& capture) {
        folder_.write("capture.csv", "energy_MeV,per_capture_MeV\n0,0\n0.5," + peak + "\n1,0\n");
        read_one("[[source]]\ntype = \"reactor\"\nname = \"core\"\nspectra = { U235 = \"u.csv\" }\n"
                 "fission_fractions = { U235 = 1 }\ncapture = " +
                 capture + "\ncapture_spectrum = \"capture.csv\"\nflux = \"5.6 cm^-2 s^-1\"\n");
        return notes_;
    };
    const auto expected = [&](const std::string& antineutrinos) {
        return std::vector<std::string>{(folder_ / "toy.toml") + ":9: capture_spectrum has " + antineutrinos +
                                        " antineutrinos a capture (239U and 239Np give one each: 2) multiply its "
                                        "figures up to that?"};
    };
    EXPECT_TRUE(notes("4", "0.6").empty());
    EXPECT_TRUE(notes("4.03", "0.6").empty()); // digitised
    EXPECT_EQ(notes("2.0286", "0.6"), expected("1.014"));
    EXPECT_EQ(notes("2", "0.6"), expected("1"));
    EXPECT_EQ(notes("5", "0.6"), expected("2.5"));
    EXPECT_TRUE(notes("2", "0").empty());
}

//! The capture chain: 2 × 0.6 of the antineutrinos, all below 1.275 MeV
TEST_F(Sources, captures_end_below_threshold) {
    const std::string base = std::string(reactor) + "low_energy = \"vogel-engel\"\nflux = \"1 cm^-2 s^-1\"\n";
    const Source with = read_one(base), without = read_one(base + "capture = 0\n");
    const double ratio = value_at(with.spectrum, 3) / value_at(without.spectrum, 3);
    for (const double E : {1.3, 1.7, 5.0}) {
        EXPECT_NEAR(value_at(with.spectrum, E) / value_at(without.spectrum, E), ratio, 1e-9);
    }
    EXPECT_GT(value_at(with.spectrum, 0.3) / value_at(without.spectrum, 0.3), 2 * ratio);
}

// ---- stopped pions ----------------------------------------------------------------------------------------------

TEST(PionDecay, michel_spectra) {
    const double end = constants::muon_mass / 2;
    EXPECT_NEAR(simpson(michel_muon_antineutrino, 0, end), 1, 1e-12);
    EXPECT_NEAR(simpson(michel_electron_neutrino, 0, end), 1, 1e-12);
    EXPECT_NEAR(simpson([](double E) { return E * michel_muon_antineutrino(E); }, 0, end), 0.35 * constants::muon_mass,
                1e-9);
    EXPECT_NEAR(simpson([](double E) { return E * michel_electron_neutrino(E); }, 0, end), 0.3 * constants::muon_mass,
                1e-9);
    EXPECT_NEAR(pion_neutrino_energy, 29.79, 0.005);
    EXPECT_EQ(michel_muon_antineutrino(end * 1.0001), 0);
    EXPECT_EQ(michel_electron_neutrino(-1), 0);
}

constexpr const char* spallation =
    "[[source]]\ntype = \"pion-decay-at-rest\"\nname = \"sns\"\nprotons_on_target = 3.198e23\n"
    "neutrinos_per_proton = 0.0848\nbaseline = \"19.3 m\"\n";

TEST_F(Sources, stopped_pions) {
    const std::vector<Source> sources = read(spallation);
    ASSERT_EQ(sources.size(), 3u);
    EXPECT_EQ(sources[0].name, "sns-numu");
    EXPECT_EQ(sources[1].name, "sns-numubar");
    EXPECT_EQ(sources[2].name, "sns-nue");
    const double flux = 0.0848 * 3.198e23 / (4 * constants::pi * 1930 * 1930 * 86400.0);
    for (const Source& source : sources) {
        expect_sound(source);
        EXPECT_NEAR(source.flux / flux, 1, 1e-14);
        EXPECT_TRUE(source.flux_follows_baseline);
        EXPECT_TRUE(source.arrival.empty());
        EXPECT_EQ(source.antineutrino, &source == &sources[1]);
        EXPECT_EQ(source.flavour, &source == &sources[2] ? Flavour::e : Flavour::mu);
    }
    EXPECT_EQ(sources[0].lines.at(0).energy, pion_neutrino_energy);
    EXPECT_LT(largest_error(sources[1].spectrum, michel_muon_antineutrino), 2 * michel_tolerance);
    EXPECT_LT(largest_error(sources[2].spectrum, michel_electron_neutrino), 2 * michel_tolerance);
    EXPECT_NEAR(first_moment(sources[1].spectrum), 0.35 * constants::muon_mass, 1e-4);
}

TEST_F(Sources, stopped_pions_arrive_after_their_pulse) {
    const std::vector<Source> sources =
        read(std::string(spallation) + "pulse = { sigma = \"0.15 us\", onset = \"0.55 us\" }\n");
    for (const Source& source : sources) {
        expect_sound(source);
        EXPECT_NEAR(integral(source.arrival), 1, 1e-12);
    }
    EXPECT_NEAR(first_moment(sources[0].arrival), 0.55 * us + pion_lifetime, 1e-5 * us);
    EXPECT_NEAR(first_moment(sources[1].arrival), 0.55 * us + pion_lifetime + muon_lifetime, 1e-4 * us);
    EXPECT_EQ(sources[1].arrival.y, sources[2].arrival.y);
    EXPECT_LT(largest_error(sources[0].arrival,
                            [](double t) { return delayed_gaussian(t, 0.55 * us, 0.15 * us, pion_lifetime); }),
              2 * arrival_tolerance);
    EXPECT_LT(
        largest_error(sources[1].arrival,
                      [](double t) { return delayed_gaussian(t, 0.55 * us, 0.15 * us, pion_lifetime, muon_lifetime); }),
        2 * arrival_tolerance);
}

//! Closed forms against the convolution done numerically
TEST(Arrival, gaussian_pulses) {
    for (const double sigma : {0.01, 0.15, 2.0}) {
        const double mean = 0.5, tau_1 = 0.026, tau_2 = 2.2;
        const auto pulse = [&](double t) {
            return std::exp(-(t - mean) * (t - mean) / (2 * sigma * sigma)) / (sigma * std::sqrt(2 * constants::pi));
        };
        for (const double t : {mean - 3 * sigma, mean, mean + sigma, mean + 4 * sigma, mean + 5 * sigma + 1}) {
            for (const double tau : {tau_1, tau_2}) {
                const double low = std::max(mean - 9 * sigma, t - 40 * tau);
                const double numerical =
                    simpson([&](double s) { return pulse(s) * std::exp(-(t - s) / tau) / tau; }, low, t);
                EXPECT_NEAR(delayed_gaussian(t, mean, sigma, tau), numerical, 1e-9 * (1 + numerical))
                    << sigma << " " << t;
            }
            const double twice = simpson(
                [&](double s) { return delayed_gaussian(s, mean, sigma, tau_1) * std::exp(-(t - s) / tau_2) / tau_2; },
                mean - 9 * sigma, t);
            EXPECT_NEAR(delayed_gaussian(t, mean, sigma, tau_1, tau_2), twice, 1e-9) << sigma << " " << t;
        }
    }
    // Far ahead of and behind the pulse, and for lifetimes far below its width, nothing overflows.
    EXPECT_EQ(delayed_gaussian(-100, 0, 1, 0.01), 0);
    EXPECT_EQ(delayed_gaussian(-100, 0, 1, 0.01, 2), 0);
    EXPECT_GT(delayed_gaussian(30, 0, 1, 2.2), 0);
    EXPECT_NEAR(delayed_gaussian(0.7, 0, 1, 1e-6), std::exp(-0.245) / std::sqrt(2 * constants::pi), 1e-6);
    EXPECT_NEAR(delayed_gaussian(0.1, 0, 1, 0.0353), delayed_gaussian(0.1, 0, 1, 0.0354), 1e-4); // across the series
}

TEST(Arrival, tabulated_pulses) {
    // A fine table of a Gaussian gives what the closed form of the Gaussian does.
    Table pulse;
    for (int i = 0; i <= 2000; ++i) {
        const double t = -1 + 0.001 * i;
        pulse.x.push_back(t);
        pulse.y.push_back(std::exp(-t * t / (2 * 0.15 * 0.15)));
    }
    normalise(pulse);
    const Table prompt = pulse_arrival(pulse, 0.026), delayed = pulse_arrival(pulse, 0.026, 2.2);
    EXPECT_NEAR(integral(prompt), 1, 1e-12);
    EXPECT_NEAR(first_moment(prompt), 0.026, 1e-5);
    EXPECT_NEAR(first_moment(delayed), 2.226, 1e-4);
    for (const double t : {-0.3, 0.0, 0.2, 0.9, 3.0}) {
        EXPECT_NEAR(value_at(prompt, t), delayed_gaussian(t, 0, 0.15, 0.026), 5e-5) << t;
        EXPECT_NEAR(value_at(delayed, t), delayed_gaussian(t, 0, 0.15, 0.026, 2.2), 1e-5) << t;
    }
    // A box: 1 − exp(−t/τ) within, and the decay of that behind.
    const Table box = pulse_arrival({{0, 1}, {1, 1}}, 0.5);
    EXPECT_NEAR(value_at(box, 0.7), 1 - std::exp(-1.4), 2e-5);
    EXPECT_NEAR(value_at(box, 2), (1 - std::exp(-2)) * std::exp(-2), 2e-5);
}

TEST_F(Sources, arrival_tables) {
    folder_.write("pulse.csv", "time_ns,protons\n-100,0\n0,5\n100,0\n");
    const std::vector<Source> pions = read(std::string(spallation) + "pulse = { table = \"pulse.csv\" }\n");
    EXPECT_NEAR(first_moment(pions[0].arrival), pion_lifetime, 1e-5 * us);
    EXPECT_NEAR(first_moment(pions[2].arrival), pion_lifetime + muon_lifetime, 1e-4 * us);
    const Source chromium = read_one("[[source]]\ntype = \"electron-capture\"\nname = \"cr\"\nisotope = \"51Cr\"\n"
                                     "flux = \"1 cm^-2 s^-1\"\narrival = \"pulse.csv\"\n");
    EXPECT_EQ(chromium.arrival.x, (std::vector<double>{-1e-7, 0, 1e-7}));
    EXPECT_DOUBLE_EQ(chromium.arrival.y[1], 1e7);
}

// ---- electron capture -------------------------------------------------------------------------------------------

TEST_F(Sources, electron_capture) {
    for (const ElectronCaptureIsotope& isotope : electron_capture_isotopes()) {
        double sum = 0;
        for (const SpectralLine& line : isotope.lines) {
            sum += line.fraction;
        }
        EXPECT_NEAR(sum, 1, 1e-12) << isotope.name;
    }
    const Source source = read_one("[[source]]\ntype = \"electron-capture\"\nname = \"cr\"\nisotope = \"51Cr\"\n"
                                   "activity = \"3 MCi\"\nbaseline = \"1 m\"\n");
    expect_sound(source);
    EXPECT_FALSE(source.antineutrino);
    EXPECT_TRUE(source.flux_follows_baseline);
    EXPECT_NEAR(source.flux, 3e6 * 3.7e10 / (4 * constants::pi * 1e4), 1e3);
}

// ---- tabulated fluxes -------------------------------------------------------------------------------------------

constexpr const char* absolute = "[[source]]\nname = \"geo\"\nflavour = \"e\"\nneutrino = \"antineutrino\"\n"
                                 "propagation = \"decohered\"\nabsolute = true\n";

TEST_F(Sources, absolute_spectra_carry_the_flux) {
    folder_.write("mev.csv", "energy_MeV,per_cm2_s_MeV\n1,0\n2,4\n4,0\n");              // 6
    folder_.write("kev.csv", "energy_keV,per_cm2_s_keV\n1000,0\n2000,0.004\n4000,0\n"); // the same
    for (const char* file : {"mev.csv", "kev.csv"}) {
        const Source source = read_one(std::string(absolute) + "spectrum = \"" + file +
                                       "\"\nlines = [{ energy = \"3 MeV\", flux = \"2 cm^-2 s^-1\" }]\n");
        expect_sound(source);
        EXPECT_NEAR(source.flux, 8, 1e-12);
        EXPECT_NEAR(source.lines.at(0).fraction, 0.25, 1e-15);
        EXPECT_NEAR(value_at(source.spectrum, 2) * source.flux, 4, 1e-12);
    }
}

// ---- errors -----------------------------------------------------------------------------------------------------

struct Broken {
    const char* name;
    std::string text; //!< from line 3 on
    const char* message;
};

void PrintTo(const Broken& broken, std::ostream* out) { *out << broken.name; }

class BrokenSource : public Sources, public ::testing::WithParamInterface<Broken> {
protected:
    BrokenSource() {
        folder_.write("made.csv", "r_over_R,production\n0,0\n0.1,1\n0.3,0\n");
        folder_.write("short.csv", "r_over_R,electrons_mol_per_cm3\n0,100\n0.2,20\n");
        folder_.write("radius.csv", "radius,production\n0,0\n0.1,1\n");
        folder_.write("back.csv", "r_over_R,production\n0,0\n0.1,1\n0.1,2\n");
        folder_.write("shape.csv", "energy_MeV,per_MeV\n0,0\n1,1\n2,0\n");
        folder_.write("zero.csv", "time_us,density\n0,0\n1,0\n");
        folder_.write("unit.csv", "time_h2,density\n0,0\n1,0\n");
    }
};

TEST_P(BrokenSource, is_refused) { EXPECT_EQ(error(GetParam().text), GetParam().message); }

const std::string solar_8b = "[[source]]\ntype = \"solar\"\nname = \"8B\"\n";
const std::string core = reactor;
const std::string pions = spallation;
const std::string generic = "[[source]]\nname = \"s\"\nflavour = \"mu\"\nneutrino = \"neutrino\"\n";

const Broken broken_sources[] = {
    {"type", "[[source]]\ntype = \"sollar\"\n",
     "toy.toml:4: type = \"sollar\" is unknown (expected \"tabulated\", \"solar\", \"reactor\", \"pion-decay-at-rest\" "
     "or "
     "\"electron-capture\") did you mean \"solar\"?"},
    {"component", "[[source]]\ntype = \"solar\"\nname = \"14N\"\n",
     "toy.toml:5: name = \"14N\" is not made in the Sun (expected \"pp\", \"pep\", \"hep\", \"7Be\", \"8B\", \"13N\", "
     "\"15O\" or \"17F\") did you mean \"13N\"?"},
    {"components", "[[source]]\ntype = \"solar\"\ncomponents = [\"pp\", \"7be\"]\n",
     "toy.toml:5: components[1] = \"7be\" is not made in the Sun (expected \"pp\", \"pep\", \"hep\", \"7Be\", \"8B\", "
     "\"13N\", \"15O\" or \"17F\") did you mean \"7Be\"?"},
    {"components_twice", "[[source]]\ntype = \"solar\"\ncomponents = [\"pp\", \"pp\"]\n",
     "toy.toml:5: components[1] = \"pp\" is there twice"},
    {"components_word", "[[source]]\ntype = \"solar\"\ncomponents = \"al\"\n",
     "toy.toml:5: components = \"al\" is unknown (expected \"all\") did you mean \"all\"?"},
    {"components_numbers", "[[source]]\ntype = \"solar\"\ncomponents = [8]\n",
     "toy.toml:5: components is neither \"all\" nor a list of names write, e.g., components = [\"pp\", \"7Be\"]?"},
    {"components_empty", "[[source]]\ntype = \"solar\"\ncomponents = []\n",
     "toy.toml:5: components is empty write components = \"all\"?"},
    {"components_flux", "[[source]]\ntype = \"solar\"\ncomponents = \"all\"\nflux = \"1 cm^-2 s^-1\"\n",
     "toy.toml:6: \"flux\" does not go with \"components\" (it belongs to one component: give that a [[source]] of its "
     "own)"},
    {"no_component", "[[source]]\ntype = \"solar\"\n",
     "toy.toml:3: solar source has no \"name\" (expected \"pp\", \"pep\", \"hep\", \"7Be\", \"8B\", \"13N\", \"15O\" "
     "or "
     "\"17F\") add one, or components = \"all\"?"},
    {"components_and_name", solar_8b + "[[source]]\ntype = \"solar\"\ncomponents = \"all\"\n",
     "toy.toml:8: there are two sources \"8B\""},
    {"solar_flux", solar_8b + "flux = \"-1 cm^-2 s^-1\"\n", "toy.toml:6: flux = -1 is not positive"},
    {"solar_density_unit", solar_8b + "electron_density = \"90 g\"\n",
     "toy.toml:6: electron_density = \"90 g\" is in g (electron_density is measured in mol/cm^3)"},
    {"solar_density_negative", solar_8b + "electron_density = \"-1 mol/cm^3\"\n",
     "toy.toml:6: electron_density = -1 is negative"},
    {"solar_key", solar_8b + "flavor = \"mu\"\n",
     "toy.toml:6: unknown key \"flavor\" in [[source]] (its keys are \"type\", \"name\", \"components\", "
     "\"propagation\", "
     "\"flux\", \"electron_density\", \"production_profile\" or \"electron_density_profile\")"},
    {"solar_short", solar_8b + "propagation = \"short\"\n",
     "toy.toml:6: propagation = \"short\" is unknown (expected \"solar\" or \"decohered\")"},
    {"solar_decohered_density", solar_8b + "propagation = \"decohered\"\nelectron_density = \"90 mol/cm^3\"\n",
     "toy.toml:7: \"electron_density\" does not go with propagation = \"decohered\" (without matter the weights are "
     "|U_ek|²)"},
    {"production_alone", solar_8b + "production_profile = \"made.csv\"\n",
     "toy.toml:6: \"production_profile\" needs \"electron_density_profile\" (the weights are averaged over where the "
     "neutrinos are made) add electron_density_profile = \"...csv\"?"},
    {"electrons_alone", solar_8b + "electron_density_profile = \"short.csv\"\n",
     "toy.toml:6: \"electron_density_profile\" needs \"production_profile\" (the weights are averaged over where the "
     "neutrinos are made) add production_profile = \"...csv\"?"},
    {"profiles_and_density",
     solar_8b + "electron_density = 0\nproduction_profile = \"made.csv\"\nelectron_density_profile = \"short.csv\"\n",
     "toy.toml:7: \"production_profile\" does not go with \"electron_density\" (the profiles give the electron density "
     "where neutrinos are made)"},
    {"profile_too_short", solar_8b + "production_profile = \"made.csv\"\nelectron_density_profile = \"short.csv\"\n",
     "toy.toml:7: the electron density reaches from 0 to 0.2 R, the production from 0 to 0.3 R (outside its table it "
     "is "
     "zero) extend the table"},
    {"profile_radius", solar_8b + "production_profile = \"radius.csv\"\nelectron_density_profile = \"short.csv\"\n",
     "radius.csv:1: the first column is \"radius\" (expected the radius in units of the Sun's) write \"r_over_R\"?"},
    {"profile_order", solar_8b + "production_profile = \"back.csv\"\nelectron_density_profile = \"short.csv\"\n",
     "back.csv:4: r_over_R = 0.1 is not above 0.1 (it must increase from row to row)"},
    {"solar_flavour", generic + "propagation = \"solar\"\n",
     "toy.toml:7: propagation = \"solar\" is for electron neutrinos (the Sun makes no others) write flavour = \"e\", "
     "neutrino = \"neutrino\"?"},
    {"solar_no_density",
     "[[source]]\nname = \"s\"\nflavour = \"e\"\nneutrino = \"neutrino\"\npropagation = \"solar\"\n",
     "toy.toml:7: source has no \"electron_density\" (solar propagation needs that where the neutrinos are made) add "
     "one, "
     "like electron_density = \"92.5 mol/cm^3\"?"},
    {"density_not_solar", generic + "propagation = \"short\"\nelectron_density = \"1 mol/cm^3\"\n",
     "toy.toml:8: \"electron_density\" needs propagation = \"solar\" (it says where in the Sun the neutrinos are "
     "made)"},
    {"reactor_low_energy", core + "flux = \"1 cm^-2 s^-1\"\n",
     "toy.toml:6: Huber-Mueller spectra begin at 2 MeV (most antineutrinos of a reactor have less, and extrapolated "
     "polynomials mean nothing) add low_energy = \"vogel-engel\" or \"kopeikin\", or \"none\" where the flux is that "
     "above 2 MeV?"},
    {"reactor_low_energy_name", core + "low_energy = \"vogel\"\n",
     "toy.toml:7: low_energy = \"vogel\" is unknown (expected \"vogel-engel\", \"kopeikin\" or \"none\")"},
    {"reactor_model", "[[source]]\ntype = \"reactor\"\nname = \"core\"\nspectrum = \"huber\"\n",
     "toy.toml:6: spectrum = \"huber\" is unknown (expected \"huber-mueller\")"},
    {"reactor_no_spectrum", "[[source]]\ntype = \"reactor\"\nname = \"core\"\n",
     "toy.toml:3: source \"core\" has no spectrum (expected a model or a table of each isotope) add spectrum = "
     "\"huber-mueller\" or spectra = { U235 = \"...csv\", ... }?"},
    {"reactor_fractions", core + "fission_fractions = { U235 = 0.5, Pu239 = 0.25 }\n",
     "toy.toml:7: the fission fractions add up to 0.75 (every fission is of one of the isotopes: 1)"},
    {"reactor_fraction_negative", core + "fission_fractions = { U235 = 1.1, Pu239 = -0.1 }\n",
     "toy.toml:7: Pu239 = -0.1 is negative"},
    {"reactor_isotope", core + "fission_fractions = { U236 = 1 }\n",
     "toy.toml:7: unknown key \"U236\" in [fission_fractions] did you mean \"U235\"?"},
    {"reactor_capture", core + "low_energy = \"kopeikin\"\ncapture = 0.6\n",
     "toy.toml:8: \"capture\" does not go with low_energy = \"kopeikin\" (that table holds the captures already)"},
    {"reactor_capture_none", core + "low_energy = \"none\"\ncapture = 0.6\n",
     "toy.toml:8: \"capture\" does not go with low_energy = \"none\" (captures give antineutrinos below 1.27 MeV)"},
    {"reactor_capture_negative", core + "low_energy = \"vogel-engel\"\ncapture = -1\n",
     "toy.toml:8: capture = -1 is negative"},
    {"reactor_no_flux", core + "low_energy = \"vogel-engel\"\n",
     "toy.toml:3: source \"core\" has no \"flux\" (the flux is given, or follows from the power) add flux, or power "
     "and "
     "baseline?"},
    {"reactor_flux_and_power", core + "low_energy = \"vogel-engel\"\nflux = \"1 cm^-2 s^-1\"\npower = \"1 GW\"\n",
     "toy.toml:9: \"power\" does not go with \"flux\" (the flux is given, or follows from the power)"},
    {"reactor_flux_negative", core + "low_energy = \"vogel-engel\"\nflux = \"-1 cm^-2 s^-1\"\n",
     "toy.toml:8: flux = -1 is not positive"},
    {"reactor_power_unit", core + "low_energy = \"vogel-engel\"\npower = \"1 Gw\"\n",
     "toy.toml:8: power = \"1 Gw\" has the unknown unit \"Gw\" (power is measured in W) did you mean \"GW\"?"},
    {"reactor_baseline", core + "low_energy = \"vogel-engel\"\npower = \"1 GW\"\n",
     "toy.toml:3: source \"core\" has no \"baseline\" (the flux follows from the power) add one, like baseline = \"12 "
     "m\"?"},
    {"reactor_spectra_missing",
     "[[source]]\ntype = \"reactor\"\nname = \"core\"\nspectra = { U235 = \"shape.csv\" }\nfission_fractions = { U235 "
     "= "
     "0.7, Pu239 = 0.3 }\n",
     "shape.csv:1: the second column is \"per_MeV\" (its name says per what the spectrum is) write "
     "\"per_fission_MeV\", "
     "\"per_fission_keV\" or \"per_fission_eV\"?"},
    {"reactor_spectra_isotope",
     "[[source]]\ntype = \"reactor\"\nname = \"core\"\nspectra = { U238 = \"shape.csv\" }\nfission_fractions = { U235 "
     "= 1 }\n",
     "toy.toml:6: spectra has no \"U235\" (its fission fraction is 1) add U235 = \"...csv\"?"},
    {"reactor_spectra_and_model", core + "spectra = { U235 = \"shape.csv\" }\n",
     "toy.toml:6: \"spectrum\" does not go with \"spectra\" (the tables are the whole spectra of fission)"},
    {"pions_no_protons", "[[source]]\ntype = \"pion-decay-at-rest\"\nname = \"sns\"\n",
     "toy.toml:3: source \"sns\" has no \"protons_on_target\" (the flux is given, or follows from the protons) add "
     "protons_on_target, neutrinos_per_proton and baseline, or flux?"},
    {"pions_baseline",
     "[[source]]\ntype = \"pion-decay-at-rest\"\nname = \"sns\"\nprotons_on_target = 1e23\nneutrinos_per_proton = "
     "0.08\n",
     "toy.toml:3: source \"sns\" has no \"baseline\" (the flux follows from the protons) add one, like baseline = \"12 "
     "m\"?"},
    {"pions_negative", "[[source]]\ntype = \"pion-decay-at-rest\"\nname = \"sns\"\nprotons_on_target = -1\n",
     "toy.toml:6: protons_on_target = -1 is not positive"},
    {"pions_flux_and_protons", pions + "flux = \"1 cm^-2 s^-1\"\n",
     "toy.toml:6: \"protons_on_target\" does not go with \"flux\" (the flux is given, or follows from the protons)"},
    {"pulse_sigma", pions + "pulse = { sigma = 0, onset = 0 }\n", "toy.toml:9: sigma = 0 is not positive"},
    {"pulse_onset", pions + "pulse = { sigma = \"1 us\" }\n", "toy.toml:9: [pulse] has no \"onset\""},
    {"pulse_both", pions + "pulse = { sigma = \"1 us\", table = \"zero.csv\" }\n",
     "toy.toml:9: \"sigma\" does not go with \"table\" (the pulse is a Gaussian or a table)"},
    {"pulse_zero", pions + "pulse = { table = \"zero.csv\" }\n", "toy.toml:9: table is zero everywhere"},
    {"pulse_unit", pions + "pulse = { table = \"unit.csv\" }\n",
     "unit.csv:1: the first column is \"time_h2\" (expected the time with its unit) write \"time_us\", \"time_ns\" or "
     "\"time_s\"?"},
    {"capture_isotope", "[[source]]\ntype = \"electron-capture\"\nname = \"cr\"\nisotope = \"Cr51\"\n",
     "toy.toml:6: isotope = \"Cr51\" is unknown (expected \"51Cr\" or \"37Ar\")"},
    {"capture_activity", "[[source]]\ntype = \"electron-capture\"\nname = \"cr\"\nisotope = \"51Cr\"\n",
     "toy.toml:3: source \"cr\" has no \"activity\" (the flux is given, or follows from the activity) add activity and "
     "baseline, or flux?"},
    {"no_flux", generic + "propagation = \"short\"\nspectrum = \"shape.csv\"\n",
     "toy.toml:3: source \"s\" has no \"flux\" (the spectrum gives only the shape) add one, or absolute = true where "
     "the "
     "spectrum is in cm^-2 s^-1 MeV^-1?"},
    {"absolute_flux", std::string(absolute) + "flux = \"1 cm^-2 s^-1\"\nspectrum = \"shape.csv\"\n",
     "toy.toml:9: \"flux\" does not go with \"absolute\" (the spectrum and the lines carry the flux)"},
    {"absolute_column", std::string(absolute) + "spectrum = \"shape.csv\"\n",
     "shape.csv:1: the second column is \"per_MeV\" (its name says per what the spectrum is) write \"per_cm2_s_MeV\", "
     "\"per_cm2_s_keV\" or \"per_cm2_s_eV\"?"},
    {"absolute_nothing", std::string(absolute) + "lines = []\n",
     "toy.toml:9: there are no lines (without a spectrum they are the whole flux)"},
};

INSTANTIATE_TEST_SUITE_P(Sources, BrokenSource, ::testing::ValuesIn(broken_sources),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Pions, need_a_live_time) {
    const toml::table toml = parse_toml(spallation, "toy.toml");
    ExperimentTables tables("toy.toml", spallation);
    try {
        std::vector<std::string> notes;
        read_sources(TomlTable(toml, "toy.toml"), tables, notes);
        FAIL();
    } catch (const InputError& error) {
        EXPECT_STREQ(error.what(), "toy.toml: the table [exposure] is missing (it holds \"live_time\")");
    }
}

// ---- shipped experiments ----------------------------------------------------------------------------------------

TEST(ShippedSources, lz_2022_sees_the_whole_sun) {
    const std::string path = find_experiment("lz-2022", {});
    const std::string text = read_text_file(path);
    const toml::table toml = parse_toml(text, path);
    ExperimentTables tables(path, text);
    const std::string before = tables.digest();
    std::vector<std::string> notes;
    const std::vector<Source> sources = read_sources(TomlTable(toml, path), tables, notes);
    EXPECT_TRUE(notes.empty());
    ASSERT_EQ(sources.size(), 8u);
    EXPECT_NE(tables.digest(), before); // the spectra are part of the experiment
    for (const Source& source : sources) {
        EXPECT_EQ(source.propagation, Propagation::solar);
    }
}

} // namespace
} // namespace nuscan
