// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>
#include <ostream>
#include <stdexcept>

#include <gtest/gtest.h>

#include "backends/backend.hpp"
#include "experiments/atomic_shells.hpp"
#include "experiments/experiment_file.hpp"
#include "experiments/nuclides.hpp"
#include "nuscan/constants.hpp"
#include "nuscan/kinematics.hpp"
#include "scan/point.hpp"
#include "temporary_folder.hpp"

namespace nuscan {
namespace {

// ---- atomic shells ----------------------------------------------------------------------------------------------

double electrons_of(const Element& element) {
    return std::accumulate(element.shells.begin(), element.shells.end(), 0.0,
                           [](double sum, const Shell& shell) { return sum + shell.electrons; });
}

TEST(AtomicShells, populations_add_up_to_Z) {
    const std::vector<std::string> symbols = element_symbols();
    ASSERT_GE(symbols.size(), 98u);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        const auto element = find_element(symbols[i]);
        ASSERT_TRUE(element);
        EXPECT_EQ(element->Z, static_cast<int>(i) + 1);
        EXPECT_NEAR(electrons_of(*element), element->Z, 1e-13) << symbols[i];
        EXPECT_GT(element->atomic_weight, element->Z) << symbols[i];
        EXPECT_GT(element->shells[0].binding_energy, 0) << symbols[i];
        for (const Shell& shell : element->shells) {
            EXPECT_GT(shell.electrons, 0);
            EXPECT_GE(shell.binding_energy, 0);
            EXPECT_LE(shell.binding_energy, element->shells[0].binding_energy) << symbols[i];
        }
    }
    EXPECT_FALSE(find_element("Xx"));
    EXPECT_FALSE(find_element("xe"));
}

TEST(AtomicShells, edges_of_xenon_and_germanium) {
    const double eV = 1e-6;
    const Element xenon = *find_element("Xe");
    EXPECT_EQ(electrons_of(xenon), 54);
    EXPECT_EQ(xenon.shells.size(), 17u);
    EXPECT_NEAR(xenon.shells[0].binding_energy, 34.56e-3, 5 * eV);
    EXPECT_EQ(xenon.atomic_weight, 131.293);
    const Element germanium = *find_element("Ge");
    const double edges[] = {11103, 1414.6, 1248.1, 1217.0}; // K, L1, L2, L3; tables differ by fractions of an eV
    for (int i = 0; i < 4; ++i) {
        EXPECT_NEAR(germanium.shells[i].binding_energy, edges[i] * eV, 0.5 * eV);
    }
    EXPECT_EQ(germanium.atomic_weight, 72.63);
    EXPECT_EQ(find_element("Cs")->shells.back().binding_energy, 0); // 6s has no edge
}

TEST(AtomicShells, atomic_weights) {
    EXPECT_EQ(find_element("H")->atomic_weight, 1.008);
    EXPECT_EQ(find_element("Ar")->atomic_weight, 39.95);
    EXPECT_EQ(find_element("Si")->atomic_weight, 28.085);
    EXPECT_EQ(find_element("W")->atomic_weight, 183.84);
    EXPECT_EQ(find_element("Pb")->atomic_weight, 207.2);
}

// ---- experiment files -------------------------------------------------------------------------------------------

constexpr const char* valid = R"(name = "toy"
title = "Toy"
citation = "None"
[exposure]
mass = "2 kg"
live_time = "1 d"
[target]
element = "Ge"
[response]
resolution = { sqrt = "0.1 keV^1/2", constant = "10 eV", linear = 0.01 }
efficiency = "efficiency.csv"
efficiency_in = "true"
[bins]
edges = ["0 keV", "1 keV", "3 keV"]
counts = { table = "counts.csv", column = "observed" }
[[source]]
name = "reactor"
flavour = "mu"
neutrino = "antineutrino"
propagation = "exact"
baseline = "1 km"
flux = "1e13 cm^-2 s^-1"
spectrum = "spectrum.csv"
lines = [ { energy = "2 MeV", fraction = 0.25 } ]
[[background]]
name = "flat"
counts = [2, 4.5]
uncertainty = "free"
)";

class ExperimentFile : public ::testing::Test {
protected:
    ExperimentFile() { write_tables(); }

    void write_tables() const {
        folder_.write("efficiency.csv", "# comment\nenergy_keV,efficiency\n0,0\n1,0.5\n3,0.9\n");
        folder_.write("counts.csv", "energy_keV, observed, fit\n0.5, 3, 2.5\n2, 7, 6\n");
        folder_.write("spectrum.csv", "energy_MeV,per_MeV\n1,0\n2,4\n4,0\n");
    }

    Experiment read(const std::string& text) const { return read_experiment(folder_.write("toy.toml", text)); }
    std::string error(const std::string& text) const {
        return folder_.error_of([&] { read(text); });
    }
    std::vector<std::string> notes(const std::string& text) const {
        std::vector<std::string> notes = read(text).notes;
        for (std::string& note : notes) {
            note = note.substr(note.find("toy.toml"));
        }
        return notes;
    }
    static std::string replaced(std::string text, const std::string& from, const std::string& to) {
        const std::size_t at = text.find(from);
        if (at == std::string::npos) {
            throw std::logic_error("not in the valid file: " + from);
        }
        return text.replace(at, from.size(), to);
    }
    static std::string with(const std::string& from, const std::string& to) { return replaced(valid, from, to); }

    //! Line of \p text in the valid file
    static int line_of(const std::string& text) {
        const std::string all = valid;
        return 1 + static_cast<int>(std::count(all.begin(), all.begin() + static_cast<long>(all.find(text)), '\n'));
    }

    test::TemporaryFolder folder_;
};

TEST_F(ExperimentFile, everything) {
    const Experiment e = read(valid);
    EXPECT_EQ(e.name, "toy");
    EXPECT_EQ(e.title, "Toy");
    EXPECT_EQ(e.citation, "None");
    EXPECT_EQ(e.live_time, 86400);
    EXPECT_DOUBLE_EQ(e.target.units, 2000 / 72.63 * constants::avogadro);
    EXPECT_EQ(e.target.formula, "Ge");
    EXPECT_EQ(e.target.n_electrons, 32);
    EXPECT_EQ(e.target.shells.size(), find_element("Ge")->shells.size());
    EXPECT_EQ(e.target.nuclides.size(), 5u);
    EXPECT_DOUBLE_EQ(e.response.sqrt_term, 0.1 * std::sqrt(1e-3));
    EXPECT_EQ(e.response.constant_term, 1e-5);
    EXPECT_EQ(e.response.linear_term, 0.01);
    ASSERT_EQ(e.channels.size(), 1u);
    const Channel& channel = e.channels[0];
    EXPECT_EQ(channel.name, "electron");
    EXPECT_EQ(channel.target, Target::electron);
    EXPECT_EQ(channel.atomic, AtomicModel::stepping);
    EXPECT_EQ(channel.quenching.model, Quenching::Model::none);
    EXPECT_EQ(channel.efficiency.x, (std::vector<double>{0, 1e-3, 3e-3}));
    EXPECT_EQ(channel.efficiency.y, (std::vector<double>{0, 0.5, 0.9}));
    EXPECT_TRUE(e.response.efficiency.empty());
    EXPECT_EQ(e.response.smearing, EnergyResponse::Smearing::gaussian);
    EXPECT_FALSE(e.response.in_quadrature);
    EXPECT_EQ(e.couplings, CouplingScheme::tree);
    EXPECT_EQ(e.bin_edges, (std::vector<double>{0, 1e-3, 3e-3}));
    EXPECT_EQ(e.counts, (std::vector<double>{3, 7}));
    ASSERT_EQ(e.sources.size(), 1u);
    const Source& source = e.sources[0];
    EXPECT_EQ(source.flavour, Flavour::mu);
    EXPECT_TRUE(source.antineutrino);
    EXPECT_EQ(source.propagation, Propagation::exact);
    EXPECT_EQ(source.baseline, 1000);
    EXPECT_EQ(source.flux, 1e13);
    ASSERT_EQ(source.lines.size(), 1u);
    EXPECT_EQ(source.lines[0].energy, 2);
    EXPECT_EQ(source.lines[0].fraction, 0.25);
    // The triangle's area is 6, the lines take a quarter.
    EXPECT_EQ(source.spectrum.x, (std::vector<double>{1, 2, 4}));
    EXPECT_EQ(source.spectrum.y, (std::vector<double>{0, 4 * 0.75 / 6, 0}));
    ASSERT_EQ(e.backgrounds.size(), 1u);
    EXPECT_EQ(e.backgrounds[0].counts, (std::vector<double>{2, 4.5}));
    EXPECT_EQ(e.backgrounds[0].sigma, std::numeric_limits<double>::infinity());
    EXPECT_FALSE(e.backgrounds[0].includes_solar);
}

TEST_F(ExperimentFile, free_electrons_and_uniform_bins) {
    std::string text = with("element = \"Ge\"", "element = \"Ge\"\natomic = \"free\"");
    text.replace(text.find("edges"), text.find("counts") - text.find("edges"),
                 "min = 0\nmax = \"0.9 keV\"\nnumber = 3\n");
    text.replace(text.find("{ table = \"counts.csv\", column = \"observed\" }"), 45, "[1, 2, 3]");
    text.replace(text.find("[2, 4.5]"), 8, "[1, 2, 3]");
    const Experiment e = read(text);
    EXPECT_EQ(e.channels[0].atomic, AtomicModel::free_electrons);
    EXPECT_EQ(e.target.n_electrons, 32);
    ASSERT_EQ(e.bin_edges.size(), 4u);
    EXPECT_EQ(e.bin_edges.front(), 0);
    EXPECT_DOUBLE_EQ(e.bin_edges[1], 3e-4);
    EXPECT_EQ(e.bin_edges.back(), 9e-4);
}

TEST_F(ExperimentFile, fit_range_takes_whole_bins) {
    const Experiment e = read(with("[bins]", "[bins]\nfit_min = \"1 keV\""));
    EXPECT_EQ(e.bin_edges, (std::vector<double>{1e-3, 3e-3}));
    EXPECT_EQ(e.counts, (std::vector<double>{7}));
    for (const Background& background : e.backgrounds) {
        EXPECT_EQ(background.counts.size(), 1u);
    }
    EXPECT_EQ(error(with("[bins]", "[bins]\nfit_min = \"2 keV\"")),
              "toy.toml:" + std::to_string(line_of("[bins]") + 1) +
                  ": fit_min = 0.002 MeV is no edge of a bin (the fit takes or leaves whole bins)");
    EXPECT_EQ(error(with("[bins]", "[bins]\nfit_max = 0")),
              "toy.toml:" + std::to_string(line_of("[bins]") + 1) +
                  ": no bin is left to fit (fit_min must be below fit_max)");
}

TEST_F(ExperimentFile, gaussian_statistic_takes_errors_from_the_counts_or_from_a_column) {
    EXPECT_EQ(read(valid).statistic, Statistic::poisson);
    const std::string gaussian = replaced(with("[exposure]", "statistic = \"gaussian\"\n[exposure]"), "\"observed\" }",
                                          "\"fit\" }"); // counts need not be whole
    const Experiment e = read(gaussian);
    EXPECT_EQ(e.statistic, Statistic::gaussian);
    EXPECT_EQ(e.counts, (std::vector<double>{2.5, 6}));
    EXPECT_TRUE(e.sigma.empty());
    EXPECT_EQ(e.errors(), (std::vector<double>{std::sqrt(2.5), std::sqrt(6)}));

    folder_.write("counts.csv", "energy_keV, observed, fit, sigma\n0.5, 3, 0, 1.5\n2, 7, 6, 2\n");
    const int line = line_of("edges =") + 1; // one more than in the valid file
    const std::string counts = "toy.toml:" + std::to_string(line + 1) + ": ";
    const std::string no_error =
        "counts[0] = 0 has no error (the Gaussian statistic takes the root of the counts where "
        "the file gives no sigma) add sigma to [bins], or write statistic = \"poisson\"?";
    EXPECT_EQ(error(gaussian), counts + no_error);
    EXPECT_EQ(read(replaced(gaussian, "edges =", "fit_min = \"1 keV\"\nedges =")).errors(),
              (std::vector<double>{std::sqrt(6)}));
    const auto with_sigma = [&](const std::string& sigma) {
        return replaced(gaussian, "edges =", "sigma = " + sigma + "\nedges =");
    };
    const std::string column = "{ table = \"counts.csv\", column = \"sigma\" }";
    EXPECT_EQ(read(with_sigma(column)).errors(), (std::vector<double>{1.5, 2}));
    EXPECT_EQ(read(replaced(with_sigma(column), "[bins]", "[bins]\nfit_min = \"1 keV\"")).errors(),
              (std::vector<double>{2}));
    const std::string sigma = "toy.toml:" + std::to_string(line) + ": ";
    EXPECT_EQ(error(with_sigma("[1, 0]")), sigma + "sigma[1] = 0 is not positive");
    EXPECT_EQ(error(with_sigma("[1, -2]")), sigma + "sigma[1] = -2 is negative");
    folder_.write("counts.csv", "energy_keV,fit,sigma\n0.5,-2.5,1.5\n2,6,2\n");
    EXPECT_EQ(error(gaussian), counts + "counts[0] = -2.5 has no error (the Gaussian statistic takes the root of the "
                                        "counts where the file gives no sigma) add sigma to [bins]?");
    EXPECT_EQ(read(with_sigma(column)).counts, (std::vector<double>{-2.5, 6}));
    EXPECT_EQ(error(replaced(with_sigma(column), "[2, 4.5]", "{ table = \"counts.csv\", column = \"fit\" }")),
              "counts.csv:2: fit = -2.5 is negative"); // a background is no difference
    EXPECT_EQ(error(with_sigma("[1]")), sigma + "sigma of bins has 1 entries (there are 2 bins)");
}

TEST_F(ExperimentFile, tables_that_end_below_what_smearing_brings_in) {
    const std::string lost = " (smearing would bring some from beyond into the bins: 5 % of the signal is lost) extend "
                             "it by 5 standard deviations, or give it extrapolate = true?";
    using Notes = std::vector<std::string>;
    const std::string visible = with("\"true\"", "\"visible\"");
    EXPECT_EQ(notes(valid),
              Notes{"toy.toml:11: the efficiency ends with 0.9 at 3 keV, recoils reach 3759.84 keV" + lost});
    EXPECT_EQ(notes(visible),
              Notes{"toy.toml:11: the efficiency ends with 0.9 at 3 keV, visible energies reach 3759.84 keV" + lost});
    const std::string resolution = "resolution = { sqrt = \"0.1 keV^1/2\", constant = \"10 eV\", linear = 0.01 }";
    for (const std::string& text : {std::string(valid), visible}) {
        EXPECT_EQ(notes(replaced(text, resolution, "")), Notes());
        EXPECT_EQ(notes(replaced(text, "\"efficiency.csv\"", "{ table = \"efficiency.csv\", extrapolate = true }")),
                  Notes());
        // σ is 0.22 keV at 3.3 keV, 0.25 keV at 4 keV and 0.28 keV at 5 keV: at four of them next to nothing is lost.
        folder_.write("efficiency.csv", "energy_keV,efficiency\n0,0\n3.3,0.9\n");
        EXPECT_EQ(notes(text).size(), 1u);
        folder_.write("efficiency.csv", "energy_keV,efficiency\n0,0\n4,0.9\n");
        EXPECT_EQ(notes(text), Notes());
        folder_.write("efficiency.csv", "energy_keV,efficiency\n0,0\n5,0.9\n");
        EXPECT_EQ(notes(text), Notes());
        const std::string broad = replaced(text, "linear = 0.01", "linear = 1");
        EXPECT_EQ(notes(broad).size(), 1u);
        folder_.write("efficiency.csv", "energy_keV,efficiency\n0,0\n3760,0.9\n"); // no recoil is beyond
        EXPECT_EQ(notes(broad), Notes());
        folder_.write("efficiency.csv", "energy_keV,efficiency\n0,0\n1,0.9\n3,0\n");
        EXPECT_EQ(notes(text), Notes());
        write_tables();
    }
    const std::string matrix = replaced(with(resolution, "smearing = \"matrix\"\nmatrix = \"matrix.csv\""),
                                        "efficiency = \"efficiency.csv\"\nefficiency_in = \"true\"\n", "");
    folder_.write("matrix.csv", "energy_keV,1,2\n0,1,0\n3,0.1,0.5\n");
    EXPECT_EQ(notes(matrix), Notes{"toy.toml:11: the matrix ends at 3 keV, where 0.6 is reconstructed in the bins "
                                   "(visible energies reach 3759.84 keV: 100 % of the signal is lost if as much is "
                                   "there too) add rows until nothing is?"});
    folder_.write("matrix.csv", "energy_keV,1,2\n0,1,0\n3,0.1,0.5\n5,0,1e-4\n");
    EXPECT_EQ(notes(matrix), Notes());
}

TEST_F(ExperimentFile, digest_covers_file_and_tables) {
    const std::string first = read(valid).digest;
    EXPECT_EQ(first.size(), 64u);
    EXPECT_EQ(read(valid).digest, first);
    EXPECT_NE(read(with("\"Toy\"", "\"Boy\"")).digest, first);
    folder_.write("spectrum.csv", "energy_MeV,per_MeV\n1,0\n2,5\n4,0\n");
    EXPECT_NE(read(valid).digest, first);
}

// The ways out of counts that are not whole
#define WAYS_OUT                                                                                                       \
    "round counts that were digitised, multiply a rate up to counts, or write statistic = \"gaussian\", with sigma "   \
    "in "                                                                                                              \
    "[bins]?"

struct BrokenExperiment {
    const char* name;
    const char* from; //!< in the valid file
    const char* to;
    const char* message;
};

void PrintTo(const BrokenExperiment& broken, std::ostream* out) { *out << broken.from << " -> " << broken.to; }

class BrokenExperimentFile : public ExperimentFile, public ::testing::WithParamInterface<BrokenExperiment> {};

TEST_P(BrokenExperimentFile, is_refused) { EXPECT_EQ(error(with(GetParam().from, GetParam().to)), GetParam().message); }

const BrokenExperiment broken_experiments[] = {
    {"top_level_key", "[target]", "[targets]",
     "toy.toml:7: unknown key \"targets\" in the file did you mean \"target\"?"},
    {"no_name", "name = \"toy\"", "", "toy.toml: the file has no \"name\""},
    {"bad_name", "name = \"toy\"", "name = \"toy.2\"",
     "toy.toml:1: name = \"toy.2\" is not a valid name (letters, digits, - and _)"},
    {"statistic", "[exposure]", "statistic = \"gausian\"\n[exposure]",
     "toy.toml:4: statistic = \"gausian\" is unknown (expected \"poisson\" or \"gaussian\") did you mean "
     "\"gaussian\"?"},
    {"sigma_of_poisson", "edges =", "sigma = [1, 2]\nedges =",
     "toy.toml:14: \"sigma\" does not go with statistic = \"poisson\" (the errors of Poisson counts follow from the "
     "prediction) write statistic = \"gaussian\"?"},
    {"couplings", "[exposure]", "couplings = \"radiation\"\n[exposure]",
     "toy.toml:4: couplings = \"radiation\" is unknown (expected \"tree\" or \"radiative\") did you mean "
     "\"radiative\"?"},
    {"no_mass", "mass = \"2 kg\"", "", "toy.toml:4: [exposure] has no \"mass\""},
    {"no_bins", "[bins]", "[response.bins]",
     "toy.toml: the table [bins] is missing (it holds the bins and what was counted)"},
    {"mass_huge", "\"2 kg\"", "\"1e40 kg\"", "toy.toml:5: mass = 1e+40 kg is too large (the Sun has 2e+30 kg)"},
    {"live_time_huge", "\"1 d\"", "\"1e20 s\"",
     "toy.toml:6: live_time = 1e+20 s is too large (the universe is 4.4e+17 s old)"},
    {"resolution_as_file", "{ sqrt = \"0.1 keV^1/2\", constant = \"10 eV\", linear = 0.01 }", "\"r.csv\"",
     "toy.toml:10: resolution is a string (expected a table of its terms) write, e.g., resolution = { sqrt = \"0.3 "
     "keV^1/2\", linear = 0.004 }?"},
    {"counts_as_file", "{ table = \"counts.csv\", column = \"observed\" }", "\"counts.csv\"",
     "toy.toml:15: counts is a string (expected an array, or a table and its column) write counts = { table = "
     "\"counts.csv\", column = \"...\" }?"},
    {"mass_unit", "mass = \"2 kg\"", "mass = 2",
     "toy.toml:5: mass = 2 has no unit (mass is measured in kg) write \"2 kg\"?"},
    {"mass_zero", "mass = \"2 kg\"", "mass = 0", "toy.toml:5: mass = 0 is not positive"},
    {"element", "element = \"Ge\"", "element = \"Gee\"",
     "toy.toml:8: element = \"Gee\" is unknown (expected a symbol) did you mean \"Ge\"?"},
    {"atomic", "element = \"Ge\"", "element = \"Ge\"\natomic = \"bound\"",
     "toy.toml:9: atomic = \"bound\" is unknown (expected \"stepping\", \"free\" or \"epa\")"},
    {"resolution_key", "linear = 0.01", "lineal = 0.01",
     "toy.toml:10: unknown key \"lineal\" in [response.resolution] did you mean \"linear\"?"},
    {"resolution_unit", "\"0.1 keV^1/2\"", "\"0.1 keV\"",
     "toy.toml:10: sqrt = \"0.1 keV\" is in keV (sqrt is measured in MeV^1/2)"},
    {"resolution_negative", "\"10 eV\"", "\"-10 eV\"", "toy.toml:10: constant = -1e-05 is negative"},
    {"efficiency_in", "efficiency_in = \"true\"", "", "toy.toml:9: [response] has no \"efficiency_in\""},
    {"efficiency_alone", "efficiency = \"efficiency.csv\"", "",
     "toy.toml:12: there is no \"efficiency\" (efficiency_in says in which energy it is given)"},
    {"efficiency_short", "\"true\"\n[bins]\nedges = [\"0 keV\", \"1 keV\", \"3 keV\"]",
     "\"reconstructed\"\n[bins]\nedges = [\"0 keV\", \"1 keV\", \"4 keV\"]",
     "toy.toml:11: the efficiency reaches from 0 to 0.003 MeV, the bins from 0 to 0.004 MeV (outside its table it is "
     "zero) extend the table, end it with a zero, or give it extrapolate = true"},
    {"efficiency_of_recoil_short", "\"1 keV\", \"3 keV\"", "\"1 keV\", \"4 keV\"",
     "toy.toml:11: the efficiency reaches from 0 to 0.003 MeV, recoils in the bins from 1e-06 to 0.004 MeV (outside "
     "its "
     "table it is zero) extend the table, end it with a zero, or give it extrapolate = true"},
    {"efficiency_missing", "\"efficiency.csv\"", "\"gone.csv\"",
     "toy.toml:11: cannot read \"gone.csv\" (No such file or directory)"},
    {"variable", "edges =", "variable = \"time\"\nedges =",
     "toy.toml:14: variable = \"time\" is unknown (expected \"energy\" or \"photoelectrons\")"},
    {"edges_and_number", "edges =", "number = 3\nedges =",
     "toy.toml:14: \"number\" does not go with \"edges\" (bins are given by edges, or by min, max and number)"},
    {"edges_order", "\"3 keV\"", "\"0.5 keV\"",
     "toy.toml:14: edges[2] = 0.0005 MeV is out of order (edges increase, from zero or above)"},
    {"edges_one", "[\"0 keV\", \"1 keV\", \"3 keV\"]", "[0]", "toy.toml:14: there are 1 edges (a bin has two)"},
    {"counts_key",
     "column =", "colum =", "toy.toml:15: unknown key \"colum\" in [bins.counts] did you mean \"column\"?"},
    {"counts_column", "\"observed\"", "\"obserwed\"",
     "toy.toml:15: \"counts.csv\" has no column \"obserwed\" (its columns are \"energy_keV\", \"observed\" or \"fit\") "
     "did you mean \"observed\"?"},
    {"counts_not_whole", "\"observed\"", "\"fit\"",
     "counts.csv:2: fit = 2.5 is not a whole number (the statistic is Poisson) " WAYS_OUT},
    {"counts_size", "{ table = \"counts.csv\", column = \"observed\" }", "[1, 2, 3]",
     "toy.toml:15: counts of bins has 3 entries (there are 2 bins)"},
    {"counts_negative", "{ table = \"counts.csv\", column = \"observed\" }", "[1, -2]",
     "toy.toml:15: counts[1] = -2 is negative (the statistic is Poisson) write statistic = \"gaussian\", with sigma in "
     "[bins]?"},
    {"counts_list_not_whole", "{ table = \"counts.csv\", column = \"observed\" }", "[1, 2.5]",
     "toy.toml:15: counts[1] = 2.5 is not a whole number (the statistic is Poisson) " WAYS_OUT},
    {"edges_equal", "\"3 keV\"", "\"1 keV\"",
     "toy.toml:14: edges[2] = 0.001 MeV is out of order (edges increase, from zero or above)"},
    {"edges_of_windows", "[\"0 keV\", \"1 keV\", \"3 keV\"]", "[[0, \"2 keV\"], [\"1 keV\", \"3 keV\"]]",
     "toy.toml:14: edges[0] is an array (expected a number with a unit, like \"1.5 MeV\")"},
    {"counts_outside_bins", "\"1 keV\", \"3 keV\"", "\"0.2 keV\", \"3 keV\"",
     "counts.csv:2: energy_keV = 0.5 is not in bin 1 (which is 0 to 0.0002 MeV)"},
    {"flavour", "flavour = \"mu\"", "flavour = \"m\"",
     "toy.toml:18: flavour = \"m\" is unknown (expected \"e\", \"mu\" or \"tau\") did you mean \"mu\"?"},
    {"neutrino", "\"antineutrino\"", "\"anti\"",
     "toy.toml:19: neutrino = \"anti\" is unknown (expected \"neutrino\" or \"antineutrino\")"},
    {"propagation", "\"exact\"", "\"exactly\"",
     "toy.toml:20: propagation = \"exactly\" is unknown (expected \"exact\", \"short\" or \"decohered\") did you mean "
     "\"exact\"?"},
    {"baseline", "baseline = \"1 km\"", "",
     "toy.toml:20: source has no \"baseline\" (exact propagation needs one) add one, like baseline = \"12 m\"?"},
    {"flux", "cm^-2 s^-1", "cm^-2",
     "toy.toml:22: flux = \"1e13 cm^-2\" has the unknown unit \"cm^-2\" (flux is measured in cm^-2 s^-1)"},
    {"flux_negative", "1e13 cm^-2", "-1e13 cm^-2", "toy.toml:22: flux = -10000000000000 is not positive"},
    {"lines_only", "spectrum = \"spectrum.csv\"", "",
     "toy.toml:24: the fractions of the lines add up to 0.25 (without a spectrum they are the whole flux: 1)"},
    {"lines_all", "fraction = 0.25", "fraction = 1",
     "toy.toml:24: the fractions of the lines add up to 1 (nothing is left for the spectrum)"},
    {"lines_negative", "fraction = 0.25", "fraction = -1", "toy.toml:24: fraction = -1 is not positive"},
    {"no_spectrum", "spectrum = \"spectrum.csv\"\nlines = [ { energy = \"2 MeV\", fraction = 0.25 } ]", "",
     "toy.toml:16: source \"reactor\" has no spectrum (expected a table, lines, or both) add spectrum = \"...csv\" or "
     "lines = [...]?"},
    {"two_sources", "[[background]]",
     "[[source]]\nname = \"reactor\"\nflavour = \"e\"\nneutrino = \"neutrino\"\npropagation = \"short\"\nflux = \"1 "
     "cm^-2 s^-1\"\nspectrum = \"spectrum.csv\"\n[[background]]",
     "toy.toml:26: there are two sources \"reactor\""},
    {"two_backgrounds", "[[background]]",
     "[[background]]\nname = \"flat\"\ncounts = [1, 1]\nuncertainty = \"fixed\"\n[[background]]",
     "toy.toml:30: there are two backgrounds \"flat\""},
    {"background_called_signal", "name = \"flat\"", "name = \"signal\"",
     "toy.toml:26: a background is called \"signal\" (EXPERIMENT.signal is the normalisation of what neutrinos add) "
     "rename it?"},
    {"signal_key", "[[background]]", "[signal]\nsigma = 0.1\n[[background]]",
     "toy.toml:26: unknown key \"sigma\" in [signal] (its keys are \"uncertainty\")"},
    {"signal_uncertainty", "[[background]]", "[signal]\nuncertainty = -0.1\n[[background]]",
     "toy.toml:26: uncertainty = -0.1 is not positive (expected \"fixed\", \"free\" or a relative standard deviation "
     "like 0.13)"},
    {"background_size", "[2, 4.5]", "[2]",
     "toy.toml:27: counts of background \"flat\" has 1 entries (there are 2 bins)"},
    {"background_empty", "[2, 4.5]", "[0, 0]",
     "toy.toml:28: background \"flat\" is zero in every bin (its normalisation has nothing to scale) write \"fixed\"?"},
    {"uncertainty", "\"free\"", "\"fixd\"",
     "toy.toml:28: uncertainty = \"fixd\" is unknown (expected \"fixed\", \"free\" or a relative standard deviation "
     "like 0.13) did you mean \"fixed\"?"},
    {"no_uncertainty", "uncertainty = \"free\"", "", "toy.toml:25: [[background]] has no \"uncertainty\""},
};

INSTANTIATE_TEST_SUITE_P(ExperimentFiles, BrokenExperimentFile, ::testing::ValuesIn(broken_experiments),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(ExperimentFile, tables_are_refused_at_the_line) {
    struct Case {
        const char* file;
        const char* text;
        const char* message;
    };
    for (const Case& c : {
             Case{"efficiency.csv", "0,0\n1,1\n",
                  "efficiency.csv:1: the table has no header row (the first row names the columns with their units) "
                  "write \"energy_keV,...\" above?"},
             {"efficiency.csv", "# only a comment\n", "efficiency.csv: the table has no rows"},
             {"efficiency.csv", "energy_keV,efficiency\n", "efficiency.csv: the table has no rows"},
             {"efficiency.csv", "energy_keV,efficiency\n1,1\n",
              "efficiency.csv:2: the table has a single row (a function needs two)"},
             {"efficiency.csv", "\nE,efficiency\n0,0\n1,1\n",
              "efficiency.csv:2: the first column is \"E\" (expected the energy with its unit) write \"energy_keV\", "
              "\"energy_MeV\" or \"energy_eV\"?"},
             {"efficiency.csv", "energy_keV,efficiency,error\n0,0,0\n1,1,1\n",
              "efficiency.csv:1: the table has 3 columns (expected two: the energy and the efficiency) write "
              "efficiency = { table = \"efficiency.csv\", column = \"efficiency\" }?"},
             {"efficiency.csv", "energy_keV,efficiency,efficiency\n0,0,0\n1,1,1\n",
              "efficiency.csv:1: two columns are called \"efficiency\""},
             {"efficiency.csv", "energy_keV,efficiency\n0,0\n# more\n1,1,1\n",
              "efficiency.csv:4: the row has 3 cells (the header names 2 columns)"},
             {"efficiency.csv", "energy_keV,efficiency\n0,0\n1,high\n",
              "efficiency.csv:3: efficiency = \"high\" is not a number"},
             {"efficiency.csv", "energy_keV,efficiency\n0,0\n1,0.5x\n",
              "efficiency.csv:3: efficiency = \"0.5x\" is not a number"},
             {"efficiency.csv", "energy_keV,efficiency\n0,0\n1,\n",
              "efficiency.csv:3: efficiency = \"\" is not a number"},
             {"efficiency.csv", "energy_keV,efficiency\n0,0\n1,+-1\n",
              "efficiency.csv:3: efficiency = \"+-1\" is not a number"},
             {"efficiency.csv", "energy_keV;efficiency\n0;0\n1;0,5\n",
              "efficiency.csv:3: efficiency = \"0,5\" is not a number (numbers have a decimal point) write 0.5?"},
             {"efficiency.csv", "energy_keV;efficiency\n0;0\n1,1\n",
              "efficiency.csv:3: the row has 1 cells (the header names 2 columns)"},
             {"efficiency.csv", "energy_keV\tefficiency\n0\t0\n1\t\n",
              "efficiency.csv:3: efficiency = \"\" is not a number"},
             {"efficiency.csv", "\"energy_keV,efficiency\n0,0\n1,1\n", "efficiency.csv:1: a quote is never closed"},
             {"efficiency.csv", "energy_keV  efficiency\n0  0\n1  1\n",
              "efficiency.csv:1: the header names the single column \"energy_keV  efficiency\" (columns are separated "
              "by "
              "commas, semicolons or tabs)"},
             {"efficiency.csv",
              "\xff\xfe"
              "e",
              "efficiency.csv:1: the table is in UTF-16 (expected UTF-8) save it as CSV in UTF-8?"},
             {"efficiency.csv", "energy_keV,efficiency\n0,0\n1,1\xb5\n",
              "efficiency.csv:3: the line is not in UTF-8 (Latin-1 or Windows-1252, it seems) save the table as CSV in "
              "UTF-8?"},
             {"efficiency.csv", "energy_keV,efficiency\n0,nan\n1,1\n",
              "efficiency.csv:2: efficiency = nan is not finite"},
             {"efficiency.csv", "energy_keV,efficiency\n1,0\n1,1\n",
              "efficiency.csv:3: energy_keV = 1 is not above 1 (energies must increase)"},
             {"efficiency.csv", "energy_keV,efficiency\n-1,0\n1,1\n", "efficiency.csv:2: energy_keV = -1 is negative"},
             {"efficiency.csv", "energy_keV,efficiency\n0,-0.1\n1,1\n",
              "efficiency.csv:2: efficiency = -0.1 is negative"},
             {"spectrum.csv", "energy_MeV,per_MeV\n1,0\n2,-4\n4,0\n", "spectrum.csv:3: per_MeV = -4 is negative"},
             {"efficiency.csv", "energy_keV,efficiency\n0,0.1\n1,1.01\n",
              "efficiency.csv:3: efficiency = 1.01 is above 1"},
             {"spectrum.csv", "energy_MeV,per_MeV\n0,0\n1,0\n", "toy.toml:23: the spectrum is zero everywhere"},
             {"counts.csv", "energy_keV,observed\n0.5,3\n2,-7\n",
              "counts.csv:3: observed = -7 is negative (the statistic is Poisson) write statistic = \"gaussian\", with "
              "sigma in [bins]?"},
             {"counts.csv", "energy_keV,observed\n0.5,3\n2,7.25\n",
              "counts.csv:3: observed = 7.25 is not a whole number (the statistic is Poisson) " WAYS_OUT},
             {"counts.csv", "energy_keV,observed\n0.5,3\n2,7\n2.5,1\n",
              "toy.toml:15: \"counts.csv\" of bins has 3 entries (there are 2 bins)"},
         }) {
        write_tables();
        folder_.write(c.file, c.text);
        EXPECT_EQ(error(valid), c.message);
    }
}

TEST_F(ExperimentFile, tables_may_have_windows_line_ends_and_spaces) {
    folder_.write("efficiency.csv", "energy_eV , efficiency\r\n 0 , 0 \r\n\r\n3000,1\r\n");
    const Experiment e = read(valid);
    EXPECT_EQ(e.channels[0].efficiency.x, (std::vector<double>{0, 3e-3}));
    EXPECT_EQ(e.channels[0].efficiency.y, (std::vector<double>{0, 1}));
}

TEST_F(ExperimentFile, tables_of_spreadsheets) {
    for (const char* text : {
             "\xef\xbb\xbf"
             "energy_eV,efficiency\n0,0\n3000,0.5\n", // a mark of byte order
             "energy_eV;efficiency\r\n0;0\r\n3000;0.5\r\n", "energy_eV\tefficiency\n0\t0\n3000\t0.5\n",
             "energy_eV ;\tefficiency\n0 ; 0\n 3000;\t0.5\n", // tabs are blanks beside other separators
             "energy_eV,\tefficiency\n0,\t0\n3000,\t0.5\n", "\"energy_eV\" , \"efficiency\"\n\"0\",\"0\"\n3000,0.5\n",
             "energy_eV,efficiency\n+0,-0\n+3e+3,+0.5\n",
             "# d\xe9"
             "tecteur\nenergy_eV,efficiency\n0,0\n3000,0.5\n", // comments may be in anything
         }) {
        folder_.write("efficiency.csv", text);
        const Experiment e = read(valid);
        EXPECT_EQ(e.channels[0].efficiency.x, (std::vector<double>{0, 3e-3})) << text;
        EXPECT_EQ(e.channels[0].efficiency.y, (std::vector<double>{0, 0.5})) << text;
    }
    // What separates others may be in quotes, and in names beside a semicolon.
    folder_.write("counts.csv", "energy_keV,\"observed, all; \u03b3\",observed\n0.5,3,3\n2,6,7\n");
    EXPECT_EQ(read(valid).counts, (std::vector<double>{3, 7}));
    EXPECT_EQ(read(with("\"observed\"", "\"observed, all; \u03b3\"")).counts, (std::vector<double>{3, 6}));
}

// ---- systematics ------------------------------------------------------------------------------------------------

class SystematicsOfFile : public ExperimentFile {
protected:
    SystematicsOfFile() {
        folder_.write("flat.csv", "energy_keV,plus,minus,same,twice,third\n0.5,3,1,2,4,1\n2,3.5,5.5,4.5,9,2.25\n");
    }
    //! The valid file with a [[systematic]] behind
    static std::string with_systematic(const std::string& keys) {
        return std::string(valid) + "[[systematic]]\nname = \"shape\"\n" + keys;
    }
    Systematic systematic(const std::string& keys) const { return read(with_systematic(keys)).systematics.at(0); }
    static std::string column(const std::string& key, const std::string& name) {
        return key + " = { table = \"flat.csv\", column = \"" + name + "\" }\n";
    }
};

TEST_F(SystematicsOfFile, normalisations_of_components) {
    EXPECT_TRUE(read(valid).systematics.empty());
    const Systematic one = systematic("of = \"signal\"\nuncertainty = 0.1\n");
    EXPECT_EQ(one.name, "shape");
    EXPECT_EQ(one.kind, Systematic::Kind::normalisation);
    EXPECT_EQ(one.sigma, 0.1);
    EXPECT_EQ(one.n_knots, 0);
    ASSERT_EQ(one.effects.size(), 1u);
    EXPECT_EQ(one.effects[0].component, 1u); // behind the single background
    EXPECT_TRUE(one.effects[0].added.empty());
    const Systematic both = systematic("of = [\"signal\", \"flat\"]\nuncertainty = \"free\"\n");
    EXPECT_EQ(both.sigma, std::numeric_limits<double>::infinity());
    ASSERT_EQ(both.effects.size(), 2u);
    EXPECT_EQ(both.effects[0].component, 1u);
    EXPECT_EQ(both.effects[1].component, 0u);
    EXPECT_EQ(systematic("of = \"flat\"\nuncertainty = \"fixed\"\n").sigma, 0);
}

TEST_F(SystematicsOfFile, shape_of_a_background_keeps_its_sum) {
    const Systematic shape = systematic("of = \"flat\"\n" + column("plus", "plus") + column("minus", "twice"));
    EXPECT_EQ(shape.kind, Systematic::Kind::shape);
    EXPECT_EQ(shape.sigma, 1);
    EXPECT_EQ(shape.n_knots, 2);
    ASSERT_EQ(shape.effects.size(), 1u);
    EXPECT_EQ(shape.effects[0].component, 0u);
    // plus has the sum of the nominal [2, 4.5]; the other is twice as much of the same shape.
    EXPECT_EQ(shape.effects[0].added, (std::vector<double>{1, -1, 0, 0}));
    const Systematic mirrored = systematic("of = \"flat\"\nuncertainty = 0.5\n" + column("plus", "plus"));
    EXPECT_EQ(mirrored.sigma, 0.5);
    EXPECT_EQ(mirrored.effects[0].added, (std::vector<double>{1, -1, -1, 1}));
}

TEST_F(SystematicsOfFile, rate_leaves_templates_as_they_are) {
    const Systematic shape =
        systematic("of = \"flat\"\nrate = true\n" + column("plus", "twice") + "minus = [1, 2.25]\n");
    EXPECT_EQ(shape.effects[0].added, (std::vector<double>{2, 4.5, -1, -2.25}));
}

TEST_F(SystematicsOfFile, shape_of_the_signal_is_relative_to_its_nominal) {
    const Systematic shape = systematic("of = \"signal\"\nnominal = [4, 0]\nplus = [6, 2]\nminus = [3, 1]\n");
    EXPECT_EQ(shape.effects[0].component, 1u);
    EXPECT_EQ(shape.effects[0].added, (std::vector<double>{-0.25, 0, -0.25, 0})); // scaled to 4: [3, 1] both
    const Systematic rate =
        systematic("of = \"signal\"\nrate = true\nnominal = [4, 8]\nplus = [6, 8]\nminus = [3, 6]\n");
    EXPECT_EQ(rate.effects[0].added, (std::vector<double>{0.5, 0, -0.25, -0.25}));
}

TEST_F(SystematicsOfFile, templates_are_scaled_over_all_bins_and_then_cut) {
    const std::string text = with_systematic("of = \"flat\"\n" + column("plus", "minus") + "minus = [8, 5]\n");
    const Experiment e = read(replaced(text, "[bins]", "[bins]\nfit_min = \"1 keV\""));
    EXPECT_EQ(e.systematics[0].effects[0].added, (std::vector<double>{1, 2.5 - 4.5}));
}

TEST_F(SystematicsOfFile, what_changes_no_fitted_bin_must_be_fixed) {
    const std::string shape = "of = \"flat\"\nplus = [3, 4.5]\nminus = [1, 4.5]\nrate = true\n";
    const auto late = [&](const std::string& keys) {
        return replaced(with_systematic(keys), "[bins]", "[bins]\nfit_min = \"1 keV\"");
    };
    EXPECT_EQ(error(late(shape)),
              "toy.toml:30: systematic \"shape\" changes no bin (the fit cannot tell what it is) write \"fixed\"?");
    EXPECT_EQ(error(late(shape + "uncertainty = \"fixed\"\n")), "");
    const std::string normalisation = "of = \"flat\"\nuncertainty = 0.1\n";
    EXPECT_EQ(error(replaced(replaced(with_systematic(normalisation), "[2, 4.5]", "[0, 0]"), "\"free\"", "\"fixed\"")),
              "toy.toml:29: systematic \"shape\" changes no bin (the fit cannot tell what it is) write \"fixed\"?");
}

class BrokenSystematic : public SystematicsOfFile, public ::testing::WithParamInterface<BrokenExperiment> {};

//! What a systematic gets behind its name, from line 31; the first text is in place of the name
TEST_P(BrokenSystematic, is_refused) {
    const BrokenExperiment& broken = GetParam();
    EXPECT_EQ(error(std::string(valid) + "[[systematic]]\nname = \"" + broken.from + "\"\n" + broken.to),
              broken.message);
}

const BrokenExperiment broken_systematics[] = {
    {"name", "a b", "", "toy.toml:30: name = \"a b\" is not a valid name (letters, digits, - and _)"},
    {"called_signal", "signal", "",
     "toy.toml:30: a systematic is called \"signal\" (EXPERIMENT.signal is the normalisation of what neutrinos add) "
     "rename it?"},
    {"called_baseline", "baseline", "",
     "toy.toml:30: a systematic is called \"baseline\" (EXPERIMENT.baseline is the distance to the sources) rename "
     "it?"},
    {"called_like_a_background", "flat", "",
     "toy.toml:30: a systematic is called \"flat\" (a background has that name) rename it?"},
    {"two", "x", "of = \"flat\"\nuncertainty = 0.1\n[[systematic]]\nname = \"x\"\n",
     "toy.toml:34: there are two systematics \"x\""},
    {"key", "x", "of = \"flat\"\nuncertainties = 0.1\n",
     "toy.toml:32: unknown key \"uncertainties\" in [[systematic]] did you mean \"uncertainty\"?"},
    {"no_component", "x", "uncertainty = 0.1\n", "toy.toml:29: [[systematic]] has no \"of\""},
    {"component_unknown", "x", "of = \"flt\"\nuncertainty = 0.1\n",
     "toy.toml:31: there is no component \"flt\" (components are \"flat\" or \"signal\") did you mean \"flat\"?"},
    {"component_twice", "x", "of = [\"flat\", \"flat\"]\nuncertainty = 0.1\n", "toy.toml:31: \"flat\" is there twice"},
    {"component_none", "x", "of = []\nuncertainty = 0.1\n",
     "toy.toml:31: of is empty (a systematic moves a component) components are \"flat\" or \"signal\""},
    {"component_type", "x", "of = [\"flat\", 1]\n", "toy.toml:31: of[1] is an integer (expected a string)"},
    {"components_type", "x", "of = 1\n", "toy.toml:31: of is an integer (expected a string)"},
    {"no_uncertainty", "x", "of = \"flat\"\n", "toy.toml:29: [[systematic]] has no \"uncertainty\""},
    {"uncertainty", "x", "of = \"flat\"\nuncertainty = \"freee\"\n",
     "toy.toml:32: uncertainty = \"freee\" is unknown (expected \"fixed\", \"free\" or a relative standard deviation "
     "like 0.13) did you mean \"free\"?"},
    {"uncertainty_of_shape", "x", "of = \"flat\"\nplus = [1, 2]\nuncertainty = 0\n",
     "toy.toml:33: uncertainty = 0 is not positive (expected \"fixed\", \"free\" or a number of its standard "
     "deviations "
     "like 1) did you mean \"fixed\"?"},
    {"minus_alone", "x", "of = \"flat\"\nminus = [1, 2]\n",
     "toy.toml:32: \"minus\" does not go without \"plus\" (a systematic without templates is a normalisation)"},
    {"rate_alone", "x", "of = \"flat\"\nrate = true\n",
     "toy.toml:32: \"rate\" does not go without \"plus\" (a systematic without templates is a normalisation)"},
    {"shape_of_two", "x", "of = [\"flat\", \"signal\"]\nplus = [1, 2]\n",
     "toy.toml:31: a shape is of 2 components (its templates are those of one) write a [[systematic]] for each?"},
    {"nominal_of_background", "x", "of = \"flat\"\nnominal = [1, 2]\nplus = [1, 2]\n",
     "toy.toml:32: \"nominal\" does not go with a background (its own counts are nominal) leave it out?"},
    {"no_nominal_of_signal", "x", "of = \"signal\"\nplus = [1, 2]\n", "toy.toml:29: [[systematic]] has no \"nominal\""},
    {"nominal_of_nothing", "x", "of = \"signal\"\nnominal = [0, 0]\nplus = [1, 2]\n",
     "toy.toml:32: nominal of systematic \"x\" is zero in every bin"},
    {"plus_of_nothing", "x", "of = \"flat\"\nplus = [0, 0]\n",
     "toy.toml:32: plus of systematic \"x\" is zero in every bin"},
    {"minus_of_nothing", "x", "of = \"flat\"\nplus = [1, 1]\nminus = [0, 0]\n",
     "toy.toml:33: minus of systematic \"x\" is zero in every bin"},
    {"plus_negative", "x", "of = \"flat\"\nplus = [1, -0.5]\n", "toy.toml:32: plus[1] = -0.5 is negative"},
    {"plus_size", "x", "of = \"flat\"\nplus = [1, 0.5, 2]\n",
     "toy.toml:32: plus of systematic \"x\" has 3 entries (there are 2 bins)"},
    {"mirror_negative", "x", "of = \"flat\"\nplus = [5, 1.5]\n",
     "toy.toml:32: the mirror image of plus of systematic \"x\" is negative in bin 1 (nominal are 2, plus 5) add "
     "minus?"},
    {"no_effect", "x", "of = \"flat\"\nrate = true\nplus = [2, 4.5]\n",
     "toy.toml:33: systematic \"x\" changes nothing (plus and minus are nominal)"},
    {"no_effect_of_rate", "x", "of = \"flat\"\nplus = [2.2, 4.95]\nminus = [0.2, 0.45]\n",
     "toy.toml:32: systematic \"x\" changes nothing (scaled to the nominal sum, plus and minus are nominal) write rate "
     "= true where they change the sum?"},
    {"column", "x", "of = \"flat\"\nplus = { table = \"flat.csv\", column = \"minis\" }\n",
     "toy.toml:32: \"flat.csv\" has no column \"minis\" (its columns are \"energy_keV\", \"plus\", \"minus\", "
     "\"same\", \"twice\" or \"third\") did you mean \"minus\"?"},
};

INSTANTIATE_TEST_SUITE_P(ExperimentFiles, BrokenSystematic, ::testing::ValuesIn(broken_systematics),
                         [](const auto& test) { return std::string(test.param.name); });

// ---- functions of backgrounds -----------------------------------------------------------------------------------

class BackgroundFunction : public ExperimentFile {
protected:
    //! The valid file with a background of a function in place of counts
    static std::string text(const std::string& keys) {
        const std::string all = valid;
        return all.substr(0, all.find("counts = [2, 4.5]")) + keys;
    }
    Background background(const std::string& keys) const { return read(text(keys)).backgrounds.at(0); }
};

TEST_F(BackgroundFunction, constant_goes_by_the_width_of_bins) {
    const Background flat = background("function = \"constant\"\ntotal = 60\n");
    EXPECT_EQ(flat.name, "flat");
    EXPECT_EQ(flat.counts, (std::vector<double>{20, 40}));
    EXPECT_EQ(flat.sigma, std::numeric_limits<double>::infinity());
    EXPECT_EQ(background("function = \"constant\"\ntotal = 60\nuncertainty = 0.2\n").sigma, 0.2);
    // The total is that of all bins, whichever are fitted.
    const std::string late =
        replaced(text("function = \"constant\"\ntotal = 60\n"), "[bins]", "[bins]\nfit_min = \"1 keV\"");
    EXPECT_EQ(read(late).backgrounds[0].counts, (std::vector<double>{40}));
}

TEST_F(BackgroundFunction, exponential_is_integrated_over_bins) {
    const Experiment e = read(text("function = \"exponential\"\ntotal = 100\nscale = \"0.5 keV\"\n"));
    const double first = 1 - std::exp(-2), second = std::exp(-2) - std::exp(-6);
    const std::vector<double>& counts = e.backgrounds[0].counts;
    EXPECT_NEAR(counts[0], 100 * first / (first + second), 1e-12);
    EXPECT_NEAR(counts[1], 100 * second / (first + second), 1e-12);
    EXPECT_TRUE(e.systematics.empty());
    // A scale far below the bins' width leaves all in the first one.
    EXPECT_EQ(background("function = \"exponential\"\ntotal = 100\nscale = \"0.001 keV\"\n").counts[0], 100);
}

TEST_F(BackgroundFunction, fitted_scale_is_a_systematic) {
    const Experiment e = read(text(
        "function = \"exponential\"\ntotal = 100\nscale = \"0.5 keV\"\nscale_range = [\"0.25 keV\", \"2 keV\"]\n"));
    ASSERT_EQ(e.systematics.size(), 1u);
    const Systematic& scale = e.systematics[0];
    EXPECT_EQ(scale.name, "flat-scale");
    EXPECT_EQ(scale.kind, Systematic::Kind::parameter);
    EXPECT_EQ(scale.sigma, std::numeric_limits<double>::infinity());
    EXPECT_EQ(scale.nominal, 5e-4);
    EXPECT_NEAR(scale.low, -std::log(2), 1e-15);
    EXPECT_NEAR(scale.high, std::log(4), 1e-15);
    EXPECT_EQ(scale.n_knots, 50);
    EXPECT_NEAR(scale.knot_spacing, std::log(8) / 47, 1e-15);
    EXPECT_NEAR(scale.first_knot, scale.low - scale.knot_spacing, 1e-15);
    ASSERT_EQ(scale.effects.size(), 1u);
    EXPECT_EQ(scale.effects[0].component, 0u);
    ASSERT_EQ(scale.effects[0].added.size(), 100u);
    for (int k = 0; k < 50; ++k) {
        const double s = 5e-4 * std::exp(scale.first_knot + k * scale.knot_spacing);
        const double expected = 100 * (1 - std::exp(-1e-3 / s)) / (1 - std::exp(-3e-3 / s));
        const double* added = scale.effects[0].added.data() + 2 * k;
        EXPECT_NEAR(e.backgrounds[0].counts[0] + added[0], expected, 1e-12) << k;
        EXPECT_NEAR(added[0] + added[1], 0, 1e-12) << k; // the total stays
    }
}

TEST_F(BackgroundFunction, peaks_take_their_width_from_the_resolution) {
    const std::string two =
        "function = \"peaks\"\ntotal = 10\npeaks = [ { energy = \"0.9 keV\", area = 3 }, { energy = "
        "\"2 keV\", area = 1 } ]\n";
    const auto phi = [](double z) { return std::erfc(-z / std::sqrt(2.)) / 2; };
    const auto first_part = [&](double width_1, double width_2) { // energies and widths in keV
        const double in_1 = 3 * (phi(0.1 / width_1) - phi(-0.9 / width_1)) + (phi(-1 / width_2) - phi(-2 / width_2));
        const double in_2 = 3 * (phi(2.1 / width_1) - phi(0.1 / width_1)) + (phi(1 / width_2) - phi(-1 / width_2));
        return in_1 / (in_1 + in_2);
    };
    const std::vector<double> given = background(two + "width = \"0.2 keV\"\n").counts;
    EXPECT_NEAR(given[0], 10 * first_part(0.2, 0.2), 1e-12);
    EXPECT_NEAR(given[0] + given[1], 10, 1e-12);
    const auto sigma = [](double E) { return 0.1 * std::sqrt(E) + 0.01 + 0.01 * E; };
    EXPECT_NEAR(background(two).counts[0], 10 * first_part(sigma(0.9), sigma(2)), 1e-12);
    std::string in_quadrature = replaced(text(two), "linear = 0.01", "linear = 0.01, in_quadrature = true");
    const auto root = [](double E) { return std::sqrt(0.01 * E + 1e-4 + 1e-4 * E * E); };
    EXPECT_NEAR(read(in_quadrature).backgrounds[0].counts[0], 10 * first_part(root(0.9), root(2)), 1e-12);
    // Far above the bins the tail of a peak still has a shape.
    const std::vector<double> tail =
        background("function = \"peaks\"\ntotal = 10\nwidth = \"0.2 keV\"\npeaks = [ { energy = \"5 keV\", area = 1 } "
                   "]\n")
            .counts;
    EXPECT_NEAR(tail[1], 10, 1e-12);
    EXPECT_GT(tail[0], 0);
}

TEST_F(BackgroundFunction, is_shared_out_over_further_variables) {
    std::string further = replaced(text("function = \"constant\"\ntotal = 60\n"), "[[source]]",
                                   "[[bins.further]]\nname = \"time\"\nedges = [0, \"1 s\", \"4 s\"]\n[[source]]");
    further = replaced(further, "{ table = \"counts.csv\", column = \"observed\" }", "[1, 2, 3, 4]");
    const std::vector<double> counts = read(further).backgrounds[0].counts;
    ASSERT_EQ(counts.size(), 4u);
    const double expected[] = {5, 15, 10, 30};
    for (int b = 0; b < 4; ++b) {
        EXPECT_NEAR(counts[static_cast<std::size_t>(b)], expected[b], 1e-13) << b;
    }
}

class BrokenFunction : public BackgroundFunction, public ::testing::WithParamInterface<BrokenExperiment> {};

//! The keys of the background stand from line 27 on.
TEST_P(BrokenFunction, is_refused) { EXPECT_EQ(error(text(GetParam().to)), GetParam().message); }

#define EXPONENTIAL "function = \"exponential\"\ntotal = 10\n"
#define PEAKS "function = \"peaks\"\ntotal = 10\n"

const BrokenExperiment broken_functions[] = {
    {"unknown", "", "function = \"exponental\"\n",
     "toy.toml:27: function = \"exponental\" is unknown (expected \"constant\", \"exponential\" or \"peaks\") did you "
     "mean \"exponential\"?"},
    {"and_counts", "", "function = \"constant\"\ntotal = 1\ncounts = [1, 2]\n",
     "toy.toml:29: \"counts\" does not go with \"function\" (a background is given by counts or by a function)"},
    {"total_of_counts", "", "counts = [1, 2]\nuncertainty = 0.1\ntotal = 3\n",
     "toy.toml:29: \"total\" belongs to a function (counts have a total of their own)"},
    {"no_total", "", "function = \"constant\"\n", "toy.toml:25: [[background]] has no \"total\""},
    {"total", "", "function = \"constant\"\ntotal = 0\n", "toy.toml:28: total = 0 is not positive"},
    {"scale_of_constant", "", "function = \"constant\"\ntotal = 1\nscale = \"1 keV\"\n",
     "toy.toml:29: \"scale\" belongs to function = \"exponential\" (function is \"constant\")"},
    {"width_of_counts", "", "counts = [1, 2]\nuncertainty = 0.1\nwidth = \"1 keV\"\n",
     "toy.toml:29: \"width\" belongs to function = \"peaks\" (the background has no function)"},
    {"scale_unit", "", EXPONENTIAL "scale = 0.2\n",
     "toy.toml:29: scale = 0.2 has no unit (scale is measured in MeV) write \"0.2 MeV\"?"},
    {"scale_negative", "", EXPONENTIAL "scale = \"-1 keV\"\n", "toy.toml:29: scale = -0.001 is not positive"},
    {"range_size", "", EXPONENTIAL "scale = \"1 keV\"\nscale_range = [\"1 keV\"]\n",
     "toy.toml:30: scale_range has 1 entries (a range has a low and a high end)"},
    {"range_zero", "", EXPONENTIAL "scale = \"1 keV\"\nscale_range = [0, \"2 keV\"]\n",
     "toy.toml:30: scale_range[0] = 0 is not positive"},
    {"range_elsewhere", "", EXPONENTIAL "scale = \"1 keV\"\nscale_range = [\"2 keV\", \"3 keV\"]\n",
     "toy.toml:30: scale = 0.001 MeV is not between 0.002 and 0.003 MeV (the fit starts from it)"},
    {"range_reversed", "", EXPONENTIAL "scale = \"1 keV\"\nscale_range = [\"3 keV\", \"0.5 keV\"]\n",
     "toy.toml:30: scale = 0.001 MeV is not between 0.003 and 0.0005 MeV (the fit starts from it)"},
    {"no_peaks", "", PEAKS "peaks = []\n",
     "toy.toml:29: there are no peaks (function = \"peaks\" needs them) add peaks = [ { energy = \"1.3 keV\", area = 1 "
     "} ]?"},
    {"peak_key", "", PEAKS "peaks = [ { energy = \"1 keV\", aera = 1 } ]\n",
     "toy.toml:29: unknown key \"aera\" in [[peaks]] did you mean \"area\"?"},
    {"peak_area", "", PEAKS "peaks = [ { energy = \"1 keV\", area = 0 } ]\n", "toy.toml:29: area = 0 is not positive"},
    {"peak_far_away", "", PEAKS "width = \"1 eV\"\npeaks = [ { energy = \"9 keV\", area = 1 } ]\n",
     "toy.toml:30: the peaks are zero in every bin (the bins are from 0 to 0.003 MeV)"},
    {"uncertainty_of_counts", "", "counts = [1, 2]\nuncertainty = \"fre\"\n",
     "toy.toml:28: uncertainty = \"fre\" is unknown (expected \"fixed\", \"free\" or a relative standard deviation "
     "like "
     "0.13) did you mean \"free\"?"},
    {"called_like_a_scale", "",
     EXPONENTIAL "scale = \"1 keV\"\nscale_range = [\"0.5 keV\", \"3 keV\"]\n[[background]]\nname = "
                 "\"flat-scale\"\ncounts = [1, 2]\nuncertainty = 0.1\n",
     "toy.toml:32: a background is called \"flat-scale\" (that is the fitted scale of another one) rename it?"},
    {"systematic_called_like_a_scale", "",
     EXPONENTIAL "scale = \"1 keV\"\nscale_range = [\"0.5 keV\", \"3 keV\"]\n[[systematic]]\nname = "
                 "\"flat-scale\"\nof = \"flat\"\nuncertainty = 0.1\n",
     "toy.toml:32: there are two systematics \"flat-scale\""},
};

INSTANTIATE_TEST_SUITE_P(ExperimentFiles, BrokenFunction, ::testing::ValuesIn(broken_functions),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(BackgroundFunction, needs_energy_and_width) {
    const std::string peaks = text(PEAKS "peaks = [ { energy = \"1 keV\", area = 1 } ]\n");
    const std::string resolution = "resolution = { sqrt = \"0.1 keV^1/2\", constant = \"10 eV\", linear = 0.01 }\n";
    EXPECT_EQ(
        error(replaced(peaks, resolution, "\n")),
        "toy.toml:29: the peak at 0.001 MeV has no width ([response] has no Gaussian resolution) add width = \"75 "
        "eV\" to the background?");
    std::string photoelectrons = replaced(peaks, "edges = [\"0 keV\", \"1 keV\", \"3 keV\"]",
                                          "variable = \"photoelectrons\"\nedges = [0, 1, 3]");
    photoelectrons = replaced(photoelectrons, resolution, "light_yield = \"1 keV^-1\"\n");
    photoelectrons = replaced(photoelectrons, "{ table = \"counts.csv\", column = \"observed\" }", "[1, 2]");
    EXPECT_EQ(error(photoelectrons),
              "toy.toml:28: function = \"peaks\" is of the energy (the bins are in photoelectrons)");
    // A single bin has no shape that a scale could change.
    const std::string scale = text(EXPONENTIAL "scale = \"1 keV\"\nscale_range = [\"0.5 keV\", \"3 keV\"]\n");
    EXPECT_EQ(
        error(replaced(replaced(scale, "\"1 keV\", \"3 keV\"]\ncounts", "\"3 keV\"]\ncounts"),
                       "{ table = \"counts.csv\", column = \"observed\" }", "[1]")),
        "toy.toml:30: systematic \"flat-scale\" changes no bin (the fit cannot tell what it is) write \"fixed\"?");
}

// ---- backgrounds alone ------------------------------------------------------------------------------------------

constexpr const char* backgrounds_alone = R"(name = "alone"
title = "Two backgrounds"
citation = "None"
[bins]
edges = ["0 keV", "1 keV", "3 keV"]
counts = [3, 7]
[[background]]
name = "flat"
counts = [2, 4.5]
uncertainty = "free"
)";

TEST_F(ExperimentFile, without_sources_there_are_backgrounds_alone) {
    const Experiment e = read(backgrounds_alone);
    EXPECT_TRUE(e.sources.empty());
    EXPECT_TRUE(e.channels.empty());
    EXPECT_TRUE(e.notes.empty());
    EXPECT_EQ(e.counts, (std::vector<double>{3, 7}));
    EXPECT_EQ(e.backgrounds.size(), 1u);
    const std::string alone = backgrounds_alone;
    EXPECT_EQ(
        notes(replaced(alone, "[bins]", "[target]\nelement = \"Xe\"\n[bins]")),
        std::vector<std::string>{"toy.toml:4: \"target\" is not used (there is no [[source]], so that backgrounds "
                                 "alone are fitted)"});
    EXPECT_EQ(error(replaced(alone, "[bins]", "[signal]\nuncertainty = 0.1\n[bins]")),
              "toy.toml:4: there is a [signal], but no [[source]] (neutrinos add nothing)");
    EXPECT_EQ(error(alone + "includes_solar = true\n"),
              "toy.toml:11: \"includes_solar\" does not go without a [[source]] (solar neutrinos are taken out to come "
              "back as signal)");
    EXPECT_EQ(error(alone + "[[systematic]]\nname = \"x\"\nof = \"signal\"\nuncertainty = 0.1\n"),
              "toy.toml:13: there is no component \"signal\" (components are \"flat\")");
    EXPECT_EQ(error(alone.substr(0, alone.find("[[background]]"))),
              "toy.toml: the file has no [[source]] and no [[background]] (there is nothing to fit)");
}

TEST_F(ExperimentFile, backgrounds_alone_are_fitted) {
    folder_.write("alone.toml", backgrounds_alone);
    const std::string file = folder_.write("scan.toml", "[[experiment]]\nfile = \"alone.toml\"\n");
    const double N = 10 / 6.5; // a free normalisation makes the sums equal
    const double at_minimum = 2 * (3 * std::log(3 / (2 * N)) + 7 * std::log(7 / (4.5 * N)));
    const PointReport minimum = evaluate_point(read_point_config(file, {}, true));
    EXPECT_NEAR(minimum.chi2, at_minimum, 1e-9);
    ASSERT_EQ(minimum.experiments[0].pulls.size(), 1u);
    EXPECT_NEAR(minimum.experiments[0].pulls[0].value, N, 1e-6);
    const double at_nominal = 2 * (6.5 - 10 + 3 * std::log(3 / 2.) + 7 * std::log(7 / 4.5));
    EXPECT_NEAR(evaluate_point(read_point_config(file, {{"alone.flat", "1"}}, true)).chi2, at_nominal, 1e-9);
}

TEST_F(ExperimentFile, backgrounds_alone_are_scanned) {
    folder_.write("alone.toml", backgrounds_alone);
    const std::string file = folder_.write(
        "scan.toml",
        "[[experiment]]\nfile = \"alone.toml\"\n[[axis]]\nparameter = \"alone.flat\"\nvalues = [0.5, 1, 2]\n");
    for (const std::string statistic : {"poisson", "gaussian"}) {
        const ScanConfig config = read_scan_config(file, {{"experiment.0.statistic", statistic}});
        for (const Method method : {Method::moments, Method::direct, Method::collapsed}) {
            if (method == Method::collapsed && statistic == "poisson") {
                continue;
            }
            const Plan plan(config, method);
            for (const BackendChoice choice : {BackendChoice::cpu, BackendChoice::reference}) {
                std::string notice;
                UnitResult result;
                make_backend({choice}, plan, notice)->evaluate(plan.unit(0), result);
                ASSERT_EQ(result.chi2.size(), 3u);
                for (std::size_t i = 0; i < 3; ++i) {
                    const double t = config.axes[0].values[i], a = 2 * t, b = 4.5 * t;
                    const double chi2 = statistic == "poisson"
                                            ? 2 * (a + b - 10 + 3 * std::log(3 / a) + 7 * std::log(7 / b))
                                            : (a - 3) * (a - 3) / 3 + (b - 7) * (b - 7) / 7;
                    EXPECT_NEAR(result.chi2[i], chi2, 1e-9) << statistic << method_name(method) << t;
                }
            }
        }
    }
}

TEST_F(ExperimentFile, differences_of_counts_are_scanned) {
    const double T[] = {2, 4.5}, n[] = {-3, 7}, sigma[] = {2, 3}, weight = 1 / (0.1 * 0.1);
    std::string text = replaced(backgrounds_alone, "counts = [3, 7]", "counts = [-3, 7]\nsigma = [2, 3]");
    text = replaced(text, "[bins]", "statistic = \"gaussian\"\n[bins]");
    const std::string file = folder_.write(
        "scan.toml",
        "[[experiment]]\nfile = \"alone.toml\"\n[[axis]]\nparameter = \"alone.flat\"\nvalues = [0.5, 1, 2]\n");
    for (const bool pulled : {false, true}) {
        folder_.write("alone.toml", text + (pulled ? "[[systematic]]\nname = \"all\"\nof = \"flat\"\n"
                                                     "uncertainty = 0.1\n"
                                                   : ""));
        const ScanConfig config = read_scan_config(file);
        const Plan plan(config, automatic_method(config));
        for (const BackendChoice choice : {BackendChoice::cpu, BackendChoice::reference}) {
            std::string notice;
            UnitResult result;
            make_backend({choice}, plan, notice)->evaluate(plan.unit(0), result);
            ASSERT_EQ(result.chi2.size(), 3u);
            for (std::size_t i = 0; i < 3; ++i) {
                double rr = 0, rs = 0, ss = 0; // of residuals, and of what the pull adds to them
                for (const int b : {0, 1}) {
                    const double r = (config.axes[0].values[i] * T[b] - n[b]) / sigma[b], s = T[b] / sigma[b];
                    rr += r * r;
                    rs += r * s;
                    ss += s * s;
                }
                EXPECT_NEAR(result.chi2[i], pulled ? rr - rs * rs / (ss + weight) : rr, 1e-9) << pulled << i;
            }
        }
    }
}

// ---- covariance -------------------------------------------------------------------------------------------------

class CovarianceOfFile : public ExperimentFile {
protected:
    static std::string text() {
        std::string gaussian = with("[exposure]", "statistic = \"gaussian\"\n[exposure]");
        return replaced(gaussian, "edges =", "covariance = \"covariance.csv\"\nedges =");
    }
    std::string covariance_error(const std::string& table) const {
        folder_.write("covariance.csv", table);
        return error(text());
    }
};

TEST_F(CovarianceOfFile, is_read_and_cut) {
    folder_.write("covariance.csv", "bin,1,2\n1,4,-1\n2,-1,9\n");
    const Experiment e = read(text());
    EXPECT_EQ(e.covariance, (std::vector<double>{4, -1, -1, 9}));
    EXPECT_EQ(e.errors(), (std::vector<double>{2, 3}));
    const Experiment late = read(replaced(text(), "[bins]", "[bins]\nfit_min = \"1 keV\""));
    EXPECT_EQ(late.covariance, (std::vector<double>{9}));
    // A bin without counts has an error now.
    EXPECT_EQ(error(replaced(text(), "{ table = \"counts.csv\", column = \"observed\" }", "[3, 0]")), "");
}

TEST_F(CovarianceOfFile, is_cut_by_energy_alone) {
    std::string text =
        replaced(this->text(), "[[source]]", "[[bins.further]]\nname = \"x\"\nedges = [0, 1, 2]\n[[source]]");
    text = replaced(text, "{ table = \"counts.csv\", column = \"observed\" }", "[1, 2, 3, 4]");
    text = replaced(text, "[2, 4.5]", "[1, 1, 1, 1]");
    folder_.write("covariance.csv", "bin,a,b,c,d\n1,9,1,2,3\n2,1,8,4,5\n3,2,4,17,6\n4,3,5,6,16\n");
    EXPECT_EQ(read(text).covariance.size(), 16u);
    EXPECT_EQ(read(replaced(text, "[bins]", "[bins]\nfit_min = \"1 keV\"")).covariance,
              (std::vector<double>{17, 6, 6, 16}));
    EXPECT_EQ(read(replaced(text, "[bins]", "[bins]\nfit_max = \"1 keV\"")).covariance,
              (std::vector<double>{9, 1, 1, 8}));
}

TEST_F(CovarianceOfFile, is_refused_at_the_entry) {
    EXPECT_EQ(covariance_error("bin,1,2\n1,4,1\n2,1.0001,9\n"),
              "covariance.csv:3: the covariance of bins 2 and 1 is 1.0001, that of bins 1 and 2 is 1 (a covariance is "
              "symmetric)");
    EXPECT_EQ(covariance_error("bin,1,2\n1,4,1\n2,1.000000001,9\n"), "");
    EXPECT_EQ(
        covariance_error("bin,1,2\n1,4,7\n2,7,9\n"),
        "covariance.csv:3: the covariance is not positive definite at bin 2 (given the bins before, its variance is "
        "-3.25 of 9)");
    EXPECT_EQ(
        covariance_error("bin,1,2\n1,4,6\n2,6,9\n"),
        "covariance.csv:3: the covariance is not positive definite at bin 2 (given the bins before, its variance is "
        "0 of 9)");
    EXPECT_EQ(covariance_error("bin,1,2\n1,-4,6\n2,6,9\n"),
              "covariance.csv:2: the variance of bin 1 is -4 (it is the square of an error, and positive)");
    EXPECT_EQ(covariance_error("bin,1,2,3\n1,4,1,0\n2,1,9,0\n3,0,0,1\n"),
              "covariance.csv:1: the covariance has 3 columns beside \"bin\" (there are 2 bins)");
    EXPECT_EQ(covariance_error("bin,1,2\n1,4,1\n"), "covariance.csv: the covariance has 1 rows (there are 2 bins)");
    EXPECT_EQ(covariance_error("bin,1,2\n1,4,1\n3,1,9\n"),
              "covariance.csv:3: bin = 3 (rows are in the order of the bins: expected 2)");
    EXPECT_EQ(covariance_error("energy_keV,1,2\n1,4,1\n2,1,9\n"),
              "covariance.csv:1: the first column is \"energy_keV\" (expected the number of the bin) write \"bin\"?");
}

TEST_F(CovarianceOfFile, does_not_go_with_other_errors) {
    folder_.write("covariance.csv", "bin,1,2\n1,4,-1\n2,-1,9\n");
    EXPECT_EQ(
        error(replaced(text(), "\"gaussian\"", "\"poisson\"")),
        "toy.toml:15: \"covariance\" does not go with statistic = \"poisson\" (the errors of Poisson counts follow "
        "from the prediction) write statistic = \"gaussian\"?");
    EXPECT_EQ(
        error(replaced(text(), "edges =", "sigma = [2, 3]\nedges =")),
        "toy.toml:15: \"covariance\" does not go with \"sigma\" (its diagonal holds the squares of the errors) leave "
        "sigma out?");
    EXPECT_EQ(
        error(text() + "[[systematic]]\nname = \"x\"\nof = \"flat\"\nuncertainty = 0.1\n"),
        "toy.toml:15: \"covariance\" does not go with systematic \"x\" (what is uncertain beyond normalisations is "
        "in the covariance)");
}

// ---- nuclei, photoelectrons, several variables ------------------------------------------------------------------

constexpr const char* nuclear = R"(name = "csi"
title = "Nuclei and electrons of caesium iodide"
citation = "None"
couplings = "radiative"
[exposure]
mass = "14.6 kg"
live_time = "1 d"
[target]
formula = "CsI"
proton_radius = { Cs133 = "4.821 fm" }
neutron_radius = { I127 = "5.03 fm" }
[[channel]]
scattering = "nucleus"
form_factor = "klein-nystrand"
axial = true
quenching = { coefficients = [0.05, "4 MeV^-1", "1e-5 keV^-2"] }
share = { F90 = "share.csv" }
[[channel]]
scattering = "electron"
name = "atoms"
atomic = "free"
efficiency = { table = "recoil.csv", extrapolate = true }
correction = { weak = "correction.csv", magnetic = { table = "correction.csv", extrapolate = true } }
[response]
smearing = "gamma"
light_yield = "13.35 keV^-1"
gamma_shape = "9.56 keV^-1"
efficiency = "efficiency.csv"
efficiency_in = "reconstructed"
time_efficiency = { table = "time.csv", column = "efficiency", extrapolate = true }
[bins]
variable = "photoelectrons"
edges = [8, 20, 60]
counts = { table = "counts.csv", column = "observed" }
[[bins.further]]
name = "time"
edges = [0, "500 ns", "6 us"]
[[bins.further]]
name = "F90"
min = 0.5
max = 0.9
number = 2
[[source]]
name = "pi-dar"
flavour = "mu"
neutrino = "neutrino"
propagation = "short"
flux = "1e7 cm^-2 s^-1"
lines = [ { energy = "29.79 MeV", fraction = 1 } ]
[[background]]
name = "flat"
counts = [1, 1, 1, 1, 2, 2, 2, 2]
uncertainty = 0.25
)";

class NuclearExperimentFile : public ExperimentFile {
protected:
    NuclearExperimentFile() {
        folder_.write("share.csv", "photoelectrons,low,high\n14,0.25,0.75\n40,0.5,0.25\n");
        folder_.write("recoil.csv", "energy_keV,efficiency\n0.1,0.5\n2,1\n");
        folder_.write("dark.csv", "energy_keV,factor\n0,0\n1,0.1\n2,0\n20,0.2\n");
        folder_.write("darkest.csv", "energy_keV,factor\n0,0\n20,0\n");
        folder_.write("negative.csv", "energy_keV,factor\n0,0.1\n20,-0.1\n");
        folder_.write("late.csv", "energy_keV,factor\n1,0.9\n2,1\n");
        folder_.write("matrix.csv", "energy_keV,first,second\n0.5,0,0\n1,0.5,0.125\n2,0.25,0.75\n9,0,0\n");
        folder_.write("correction.csv", "energy_keV,factor\n0.2,0.8\n1,1.25\n4,1\n");
        folder_.write("efficiency.csv", "photoelectrons,efficiency\n0,0\n20,0.8\n60,0.8\n");
        folder_.write("time.csv", "time_us,error,efficiency\n0,0,1\n0.52,0,1\n3,1,0.9\n");
        // In no order, with the variables in none either
        folder_.write("counts.csv", "F90,observed,photoelectrons,time_us\n"
                                    "0.8,2,14,0.25\n0.6,1,14,0.25\n0.6,3,14,3.25\n0.8,4,14,3.25\n"
                                    "0.6,5,40,0.25\n0.8,6,40,0.25\n0.6,7,40,3.25\n0.8,8,40,3.25\n");
    }

    static std::string with(const std::string& from, const std::string& to) { return replaced(nuclear, from, to); }
};

TEST_F(NuclearExperimentFile, target) {
    const TargetMaterial target = read(nuclear).target;
    EXPECT_EQ(target.formula, "CsI");
    const double weight = find_element("Cs")->atomic_weight + find_element("I")->atomic_weight;
    EXPECT_DOUBLE_EQ(target.units, 14600 / weight * constants::avogadro);
    EXPECT_EQ(target.n_electrons, 55 + 53);
    EXPECT_EQ(target.shells.size(), find_element("Cs")->shells.size() + find_element("I")->shells.size());
    ASSERT_EQ(target.nuclides.size(), 2u);
    EXPECT_EQ(target.nuclides[0].nuclide.name, "Cs133");
    EXPECT_EQ(target.nuclides[0].number, 1);
    EXPECT_EQ(target.nuclides[0].nuclide.proton_radius, 4.821);
    EXPECT_EQ(target.nuclides[0].nuclide.neutron_radius, find_nuclide("Cs133")->neutron_radius);
    EXPECT_EQ(target.nuclides[1].nuclide.neutron_radius, 5.03);
}

TEST_F(NuclearExperimentFile, channels) {
    const Experiment e = read(nuclear);
    EXPECT_EQ(e.couplings, CouplingScheme::radiative);
    ASSERT_EQ(e.channels.size(), 2u);
    const Channel& nucleus = e.channels[0];
    EXPECT_EQ(nucleus.name, "nucleus");
    EXPECT_EQ(nucleus.target, Target::nucleus);
    EXPECT_EQ(nucleus.form_factor, NuclearFormFactor::klein_nystrand);
    EXPECT_TRUE(nucleus.axial);
    EXPECT_EQ(nucleus.quenching.model, Quenching::Model::polynomial);
    ASSERT_EQ(nucleus.quenching.coefficients.size(), 3u); // of T, T², T³
    EXPECT_EQ(nucleus.quenching.coefficients[0], 0.05);
    EXPECT_EQ(nucleus.quenching.coefficients[1], 4);
    EXPECT_DOUBLE_EQ(nucleus.quenching.coefficients[2], 10);
    EXPECT_TRUE(nucleus.efficiency.empty());
    ASSERT_EQ(nucleus.shares.size(), 2u);
    EXPECT_TRUE(nucleus.shares[0].empty()); // time is the sources'
    EXPECT_EQ(nucleus.shares[1], (std::vector<double>{0.25, 0.75, 0.5, 0.25}));

    const Channel& atoms = e.channels[1];
    EXPECT_EQ(atoms.name, "atoms");
    EXPECT_EQ(atoms.target, Target::electron);
    EXPECT_EQ(atoms.atomic, AtomicModel::free_electrons);
    const double highest = max_recoil(29.79, constants::electron_mass);
    EXPECT_EQ(atoms.efficiency.x, (std::vector<double>{0, 1e-4, 2e-3, highest}));
    EXPECT_EQ(atoms.efficiency.y, (std::vector<double>{0.5, 0.5, 1, 1}));
    EXPECT_EQ(atoms.weak_correction.x, (std::vector<double>{2e-4, 1e-3, 4e-3})); // 1 outside
    EXPECT_EQ(atoms.magnetic_correction.x, (std::vector<double>{0, 2e-4, 1e-3, 4e-3, highest}));
    EXPECT_EQ(atoms.magnetic_correction.y, (std::vector<double>{0.8, 0.8, 1.25, 1, 1}));
}

TEST_F(NuclearExperimentFile, response_and_bins) {
    const Experiment e = read(nuclear);
    EXPECT_EQ(e.response.smearing, EnergyResponse::Smearing::gamma);
    EXPECT_DOUBLE_EQ(e.response.light_yield, 13350);
    EXPECT_DOUBLE_EQ(e.response.gamma_shape, 9560);
    EXPECT_EQ(e.response.efficiency.x, (std::vector<double>{0, 20, 60}));
    EXPECT_EQ(e.response.efficiency_of, EnergyResponse::EfficiencyOf::reconstructed);
    EXPECT_EQ(e.response.time_efficiency.x, (std::vector<double>{0, 0.52e-6, 3e-6, 6e-6}));
    EXPECT_EQ(e.response.time_efficiency.y, (std::vector<double>{1, 1, 0.9, 0.9}));
    EXPECT_EQ(e.bin_edges, (std::vector<double>{8, 20, 60}));
    ASSERT_EQ(e.further.size(), 2u);
    EXPECT_EQ(e.further[0].name, "time");
    EXPECT_EQ(e.further[0].edges, (std::vector<double>{0, 5e-7, 6e-6}));
    EXPECT_EQ(e.further[1].name, "F90");
    EXPECT_EQ(e.n_energy_bins(), 2);
    EXPECT_EQ(e.n_inner_bins(), 4);
    EXPECT_EQ(e.counts, (std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(e.backgrounds[0].counts, (std::vector<double>{1, 1, 1, 1, 2, 2, 2, 2}));
}

TEST_F(NuclearExperimentFile, fit_range_drops_all_that_belongs_to_a_bin) {
    const Experiment e = read(with("edges = [8", "fit_min = 20\nedges = [8"));
    EXPECT_EQ(e.bin_edges, (std::vector<double>{20, 60}));
    EXPECT_EQ(e.counts, (std::vector<double>{5, 6, 7, 8}));
    EXPECT_EQ(e.backgrounds[0].counts, (std::vector<double>{2, 2, 2, 2}));
    EXPECT_EQ(e.channels[0].shares[1], (std::vector<double>{0.5, 0.25}));
    EXPECT_EQ(error(replaced(with("edges = [8", "fit_min = 20\nedges = [8"), "[1, 1, 1, 1, 2, 2, 2, 2]",
                             "[1, 1, 1, 1, 0, 0, 0, 0]")),
              "toy.toml:54: background \"flat\" is zero in every bin (its normalisation has nothing to scale) write "
              "\"fixed\"?");
}

TEST_F(ExperimentFile, one_channel_and_no_response) {
    std::string text = with("[exposure]", "[[channel]]\nscattering = \"nucleus\"\n[exposure]");
    const std::size_t begin = text.find("[response]"), end = text.find("[bins]");
    const Experiment e = read(text.erase(begin, end - begin));
    ASSERT_EQ(e.channels.size(), 1u);
    EXPECT_EQ(e.channels[0].form_factor, NuclearFormFactor::helm);
    EXPECT_FALSE(e.channels[0].axial);
    EXPECT_TRUE(e.channels[0].shares.empty());
    EXPECT_EQ(e.response.sqrt_term, 0);
    EXPECT_TRUE(e.response.efficiency.empty());
    EXPECT_EQ(error(with("[exposure]", "[channel]\nscattering = \"nucleus\"\n[exposure]")),
              "toy.toml:4: channel is a single table (there may be several of them) write [[channel]]?");
}

TEST_F(NuclearExperimentFile, photoelectrons_alone) {
    folder_.write("pe.csv", "photoelectrons,observed\n14,3\n40,5\n");
    std::string text = nuclear;
    const std::size_t begin = text.find("[[bins.further]]"), end = text.find("[[source]]");
    text.erase(begin, end - begin);
    text = replaced(text, "\"counts.csv\"", "\"pe.csv\"");
    text = replaced(text, "share = { F90 = \"share.csv\" }\n", "");
    text =
        replaced(text, "time_efficiency = { table = \"time.csv\", column = \"efficiency\", extrapolate = true }\n", "");
    text = replaced(text, "[1, 1, 1, 1, 2, 2, 2, 2]", "[1, 2]");
    const Experiment e = read(text);
    EXPECT_EQ(e.counts, (std::vector<double>{3, 5}));
    EXPECT_TRUE(e.further.empty());
    EXPECT_EQ(e.n_inner_bins(), 1);
}

TEST_F(NuclearExperimentFile, enriched_and_pure_targets) {
    const std::string target = "formula = \"CsI\"\nproton_radius = { Cs133 = \"4.821 fm\" }\nneutron_radius = { I127 = "
                               "\"5.03 fm\" }\n";
    const std::string text = with("axial = true\n", ""); // not all have spin
    const TargetMaterial enriched =
        read(replaced(text, target, "element = \"Xe\"\nnuclides = { Xe136 = 0.9, Xe134 = 0.1 }\n")).target;
    ASSERT_EQ(enriched.nuclides.size(), 2u);
    EXPECT_EQ(enriched.nuclides[0].nuclide.name, "Xe134");
    EXPECT_EQ(enriched.nuclides[0].number, 0.1);
    EXPECT_EQ(enriched.nuclides[1].number, 0.9);
    EXPECT_EQ(enriched.n_electrons, 54);
    // AME2020: 133.905393 and 135.907214 u
    EXPECT_NEAR(enriched.units, 14600 / (0.1 * 133.905393 + 0.9 * 135.907214) * constants::avogadro,
                5e-6 * enriched.units);

    const TargetMaterial pure = read(replaced(text, target, "nuclide = \"Ar40\"\n")).target;
    ASSERT_EQ(pure.nuclides.size(), 1u);
    EXPECT_EQ(pure.nuclides[0].nuclide.name, "Ar40");
    EXPECT_EQ(pure.nuclides[0].number, 1);
    EXPECT_EQ(pure.n_electrons, 18);
    EXPECT_EQ(pure.shells.size(), find_element("Ar")->shells.size());
    EXPECT_NEAR(pure.units, 14600 / 39.962383 * constants::avogadro, 5e-6 * pure.units);

    const TargetMaterial compound = read(replaced(text, target, "formula = \"CaWO4\"\n")).target;
    double oxygen = 0, all = 0;
    for (const TargetNuclide& isotope : compound.nuclides) {
        oxygen += isotope.nuclide.Z == 8 ? isotope.number : 0;
        all += isotope.number;
    }
    EXPECT_NEAR(oxygen, 4, 1e-12);
    EXPECT_NEAR(all, 6, 1e-12);
    EXPECT_EQ(compound.n_electrons, 20 + 74 + 4 * 8);
    double electrons = 0;
    for (const Shell& shell : compound.shells) {
        electrons += shell.electrons;
    }
    EXPECT_NEAR(electrons, compound.n_electrons, 1e-10);
}

TEST_F(NuclearExperimentFile, other_ways_of_quenching) {
    const std::string polynomial = "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }";
    const auto quenching = [&](const std::string& text) { return read(with(polynomial, text)).channels[0].quenching; };
    EXPECT_EQ(quenching("{ model = \"none\" }").model, Quenching::Model::none);
    EXPECT_EQ(quenching("{ model = \"lindhard\" }").model, Quenching::Model::lindhard);
    EXPECT_EQ(quenching("{ model = \"lindhard\" }").lindhard_k, 0);
    EXPECT_EQ(quenching("{ model = \"lindhard\", k = 0.157 }").lindhard_k, 0.157);
    folder_.write("qf.csv", "energy_keV,iron,beryllium\n0,0.2,0.1\n5,0.3,0.25\n");
    const Quenching table = quenching("{ table = \"qf.csv\", column = \"beryllium\", extrapolate = true }");
    EXPECT_EQ(table.model, Quenching::Model::table);
    EXPECT_EQ(table.factor.x, (std::vector<double>{0, 5e-3, max_recoil(29.79, find_nuclide("I127")->mass)}));
    EXPECT_EQ(table.factor.y, (std::vector<double>{0.1, 0.25, 0.25}));
    // Electrons may be quenched too, but not as Lindhard's nuclei are.
    const std::string weak = "correction = { weak = \"correction.csv\", ";
    const Experiment e =
        read(replaced(with("atomic = \"free\"", "quenching = { coefficients = [0.9] }"), weak, "correction = { "));
    EXPECT_EQ(e.channels[1].quenching.coefficients, std::vector<double>{0.9});
}

TEST_F(NuclearExperimentFile, equivalent_photons) {
    const Channel shipped = read(with("atomic = \"free\"", "atomic = \"epa\"")).channels[1];
    EXPECT_EQ(shipped.atomic, AtomicModel::equivalent_photon);
    EXPECT_NEAR(shipped.photoabsorption.x.back(), 0.03, 1e-12);
    folder_.write("sigma.csv", "energy_eV,cm2\n10,1e-17\n6000,2e-20\n");
    const Channel own =
        read(with("atomic = \"free\"", "atomic = \"epa\"\nphotoabsorption = \"sigma.csv\"")).channels[1];
    EXPECT_EQ(own.photoabsorption.y, (std::vector<double>{1e-17, 2e-20}));
    folder_.write("sigma.csv", "energy_eV,cm2\n10,1e-17\n3000,2e-20\n");
    const auto with_table = [&](const char* table) {
        return replaced(with("axial = true\n", ""), "atomic = \"free\"",
                        std::string("atomic = \"epa\"\nphotoabsorption = ") + table);
    };
    EXPECT_EQ(notes(with_table("\"sigma.csv\"")),
              std::vector<std::string>{"toy.toml:21: no equivalent photons above 3 keV: stepping there (the "
                                       "photoabsorption ends, recoils in the bins reach 4.49438 keV)"});
    const std::string extrapolated = with_table("{ table = \"sigma.csv\", extrapolate = true }");
    EXPECT_TRUE(notes(extrapolated).empty());
    const Table table = read(extrapolated).channels[1].photoabsorption;
    EXPECT_EQ(table.x.front(), 1e-5); // not below
    EXPECT_EQ(table.x.back(), max_recoil(29.79, constants::electron_mass));
    EXPECT_EQ(table.y, (std::vector<double>{1e-17, 2e-20, 2e-20}));
}

TEST_F(NuclearExperimentFile, notes) {
    const std::string caesium = "toy.toml:15: no axial term of Cs133 (its spin structure is not known)";
    EXPECT_EQ(notes(nuclear), std::vector<std::string>{caesium}); // iodine's is
    EXPECT_TRUE(notes(with("axial = true\n", "")).empty());
    const std::string radii = "proton_radius = { Cs133 = \"4.821 fm\" }\nneutron_radius = { I127 = \"5.03 fm\" }\n";
    EXPECT_EQ(
        notes(replaced(with("formula = \"CsI\"", "formula = \"CaWO4\""), radii, "")),
        std::vector<std::string>{"toy.toml:13: no axial term of Ca43, W183, O17 (their spin structure is not known)"});
    // Above the shipped tables of photoabsorption there is stepping, which is told once, not once a bin.
    const std::string photons = replaced(with("axial = true\n", ""), "atomic = \"free\"", "atomic = \"epa\"");
    EXPECT_TRUE(notes(photons).empty());
    EXPECT_EQ(notes(replaced(photons, "light_yield = \"13.35 keV^-1\"", "light_yield = \"1 keV^-1\"")),
              std::vector<std::string>{"toy.toml:20: no equivalent photons above 30 keV: stepping there (the "
                                       "photoabsorption of CsI ends, recoils in the bins reach 60 keV)"});
}

TEST_F(NuclearExperimentFile, other_responses) {
    const std::string gamma = "smearing = \"gamma\"\nlight_yield = \"13.35 keV^-1\"\ngamma_shape = \"9.56 keV^-1\"\n"
                              "efficiency = \"efficiency.csv\"\nefficiency_in = \"reconstructed\"\n";
    EnergyResponse response = read(with(gamma, "smearing = \"poisson\"\nlight_yield = \"13.35 keV^-1\"\n")).response;
    EXPECT_EQ(response.smearing, EnergyResponse::Smearing::poisson);
    EXPECT_TRUE(response.efficiency.empty());

    response = read(with(gamma, "light_yield = \"13.35 keV^-1\"\nresolution = { sqrt = \"0.1 keV^1/2\", "
                                "in_quadrature = true }\nefficiency = { table = \"recoil.csv\", extrapolate = true }\n"
                                "efficiency_in = \"visible\"\n"))
                   .response;
    EXPECT_EQ(response.smearing, EnergyResponse::Smearing::gaussian);
    EXPECT_TRUE(response.in_quadrature);
    EXPECT_EQ(response.efficiency_of, EnergyResponse::EfficiencyOf::visible);
    EXPECT_EQ(response.efficiency.x, (std::vector<double>{0, 1e-4, 2e-3, 29.79}));

    folder_.write("matrix.csv", "energy_keV,first,second\n0.5,0,0\n1,0.5,0.125\n2,0.25,0.75\n");
    const std::string matrix =
        with(gamma, "smearing = \"matrix\"\nlight_yield = \"13.35 keV^-1\"\nmatrix = { table = \"matrix.csv\", "
                    "extrapolate = true }\n");
    response = read(matrix).response;
    EXPECT_EQ(response.smearing, EnergyResponse::Smearing::matrix);
    EXPECT_EQ(response.matrix_x, (std::vector<double>{0, 5e-4, 1e-3, 2e-3, 29.79}));
    EXPECT_EQ(response.matrix, (std::vector<double>{0, 0, 0, 0, 0.5, 0.125, 0.25, 0.75, 0.25, 0.75}));
    response = read(replaced(matrix, "edges = [8", "fit_max = 20\nedges = [8")).response;
    EXPECT_EQ(response.matrix, (std::vector<double>{0, 0, 0.5, 0.25, 0.25}));
    EXPECT_EQ(error(replaced(matrix, "\"matrix.csv\", extrapolate = true", "\"matrix.csv\"")),
              "toy.toml:27: the matrix reaches from 0.0005 to 0.002 MeV, the bins from 0.000599251 to "
              "0.00449438 MeV (outside its table it is zero) extend the table, end it with a zero, or give it "
              "extrapolate = true");
    folder_.write("matrix.csv", "energy_keV,first,second\n0.5,0,0\n1,0.5,0.75\n");
    EXPECT_EQ(error(matrix), "matrix.csv:3: the probabilities add up to 1.25 (at most 1)");
}

/// Rows that add up to 1 but for the rounding of their digits: six decimals, six significant digits, three decimals
TEST_F(NuclearExperimentFile, matrices_may_be_rounded) {
    const std::string gamma = "smearing = \"gamma\"\nlight_yield = \"13.35 keV^-1\"\ngamma_shape = \"9.56 keV^-1\"\n"
                              "efficiency = \"efficiency.csv\"\nefficiency_in = \"reconstructed\"\n";
    const auto rows = [&](const std::string& numbers) {
        folder_.write("matrix.csv", "energy_keV,first,second\n0.5,0,0\n1," + numbers + "\n2,0,0\n");
        return with(gamma, "smearing = \"matrix\"\nlight_yield = \"13.35 keV^-1\"\nmatrix = { table = \"matrix.csv\", "
                           "extrapolate = true }\n");
    };
    for (const char* rounded : {"0.654322,0.345679", "0.999988,1.25e-05", "0.9543215,0.0456786", "0.655,0.346",
                                "0.5000003,0.4999998", "0.66,0.35"}) {
        EXPECT_NO_THROW(read(rows(rounded))) << rounded;
    }
    const std::pair<const char*, const char*> wrong[] = {{"0.654322,0.345681", "1.000003"},
                                                         {"0.655,0.347", "1.002"},
                                                         {"0.5,0.6", "1.1"},
                                                         {"1,1", "2"},
                                                         {"0.50000000001,0.500002", "1.00000200001"}};
    for (const auto& [numbers, sum] : wrong) {
        EXPECT_EQ(error(rows(numbers)),
                  std::string("matrix.csv:3: the probabilities add up to ") + sum + " (at most 1)");
    }
}

TEST_F(ExperimentFile, the_documented_one_is_read) {
    std::ifstream in(NUSCAN_TEST_SOURCE_DIR "/docs/experiments.md");
    const std::string page{std::istreambuf_iterator<char>(in), {}};
    const auto block = [&](const std::string& first_line) {
        const std::string open = "```toml\n";
        const std::size_t begin = page.find(open + first_line) + open.size();
        return page.substr(begin, page.find("```", begin) - begin);
    };
    folder_.write("efficiency.csv", "energy_keV,efficiency\n0.25,0\n40,0.96\n");
    std::string counts = "time_us,energy_keV,observed,neutrons\n",
                neutrons = "time_us,energy_keV,energy_plus,energy_minus\n",
                signal = "time_us,energy_keV,nominal,quenching_plus,quenching_minus\n";
    for (int t = 0; t < 10; ++t) {
        for (int e = 0; e < 12; ++e) {
            const std::string bin = std::to_string(t / 2. + 0.25) + "," + std::to_string(10 * e + 5) + ",";
            counts += bin + std::to_string(t) + "," + std::to_string(e) + "\n";
            neutrons += bin + std::to_string(e + 1) + "," + std::to_string(e * e) + "\n";
            signal += bin + "2," + std::to_string(e + 1) + ",1\n";
        }
    }
    folder_.write("counts.csv", counts);
    folder_.write("neutrons.csv", neutrons);
    folder_.write("signal.csv", signal);
    const Experiment e = read(block("name = \"lar\"") + block("[[background]]\nname = \"epithermal\"") +
                              block("[[systematic]]\nname = \"flux\""));
    EXPECT_EQ(e.name, "lar");
    EXPECT_EQ(e.sources.size(), 3u);
    EXPECT_EQ(e.n_bins(), 120);
    EXPECT_EQ(e.counts[11], 1); // second bin in energy and time
    EXPECT_EQ(e.target.nuclides[0].nuclide.name, "Ar40");
    ASSERT_EQ(e.backgrounds.size(), 3u); // neutrons and the two functions
    EXPECT_EQ(e.backgrounds[0].counts[11], 1);
    EXPECT_EQ(e.backgrounds[0].counts[9], 0);
    EXPECT_NEAR(std::accumulate(e.backgrounds[2].counts.begin(), e.backgrounds[2].counts.end(), 0.), 100, 1e-12);
    ASSERT_EQ(e.systematics.size(), 4u);
    EXPECT_EQ(e.systematics[0].name, "epithermal-scale");
    EXPECT_EQ(e.systematics[1].effects[0].component, 3u);
    EXPECT_EQ(e.systematics[1].effects[1].component, 0u);
    // In the second bin in energy and time plus are 2 of 10 × 78, where nominal are 1 of 10 × 66.
    EXPECT_NEAR(e.systematics[2].effects[0].added[11], 2 * 66. / 78 - 1, 1e-14);
    EXPECT_EQ(e.systematics[3].effects[0].added[120 + 11], -0.5);
}

class BrokenNuclearExperimentFile : public NuclearExperimentFile,
                                    public ::testing::WithParamInterface<BrokenExperiment> {};

TEST_P(BrokenNuclearExperimentFile, is_refused) {
    EXPECT_EQ(error(with(GetParam().from, GetParam().to)), GetParam().message);
}

const BrokenExperiment broken_nuclear_experiments[] = {
    {"no_material", "formula = \"CsI\"\n", "",
     "toy.toml:8: [target] does not say what it is made of add element = \"Xe\", formula = \"CsI\" or nuclide = "
     "\"Ar40\"?"},
    {"two_materials", "formula = \"CsI\"", "formula = \"CsI\"\nelement = \"Xe\"",
     "toy.toml:9: \"formula\" does not go with \"element\" (a target is an element, a compound or a single nuclide)"},
    {"formula", "\"CsI\"", "\"Csl\"",
     "toy.toml:9: \"Csl\" is no chemical formula (there is no element \"Csl\") did you mean \"Cl\"?"},
    {"formula_count", "\"CsI\"", "\"Cs0I\"",
     "toy.toml:9: \"Cs0I\" is no chemical formula (the count 0 is not positive) write it like \"Xe\", \"CaWO4\" or "
     "\"(NH4)2SO4\""},
    {"nuclide", "formula = \"CsI\"", "nuclide = \"Ar41\"",
     "toy.toml:9: there is no nuclide \"Ar41\" (expected one that occurs in nature) did you mean \"Ar40\"?"},
    {"nuclide_with_A_first", "formula = \"CsI\"", "nuclide = \"76Ge\"",
     "toy.toml:9: there is no nuclide \"76Ge\" (expected one that occurs in nature) did you mean \"Ge76\"?"},
    {"nuclide_with_dash", "formula = \"CsI\"", "nuclide = \"Ge-76\"",
     "toy.toml:9: there is no nuclide \"Ge-76\" (expected one that occurs in nature) did you mean \"Ge76\"?"},
    {"nuclide_as_element", "formula = \"CsI\"", "element = \"76Ge\"",
     "toy.toml:9: element = \"76Ge\" is unknown (expected a symbol) write nuclide = \"Ge76\"?"},
    {"dopant", "formula = \"CsI\"", "formula = \"CsI(Na)\"",
     "toy.toml:9: \"CsI(Na)\" is no chemical formula (\"(Na)\" has no number, and a dopant is not one per formula "
     "unit) write \"CsI\"?"},
    {"nuclide_and_nuclides", "formula = \"CsI\"", "nuclide = \"Ar40\"\nnuclides = { Ar40 = 1 }",
     "toy.toml:10: \"nuclides\" does not go with \"nuclide\" (all of the target is Ar40)"},
    {"enriched_unknown", "formula = \"CsI\"", "element = \"Xe\"\nnuclides = { Xe137 = 1 }",
     "toy.toml:10: there is no nuclide \"Xe137\" (expected one that occurs in nature) did you mean \"Xe130\"?"},
    {"enriched_other_element", "formula = \"CsI\"", "element = \"Xe\"\nnuclides = { Ar40 = 1 }",
     "toy.toml:10: the target has no Ar40 (its elements are \"Xe\")"},
    {"enriched_sum", "formula = \"CsI\"", "element = \"Xe\"\nnuclides = { Xe136 = 0.9 }",
     "toy.toml:10: the atom fractions of Xe add up to 0.9 (expected 1)"},
    {"enriched_negative", "formula = \"CsI\"", "element = \"Xe\"\nnuclides = { Xe136 = -0.9 }",
     "toy.toml:10: Xe136 = -0.9 is not positive"},
    {"radius_of_stranger", "Cs133", "Cs134",
     "toy.toml:10: the target has no nuclide \"Cs134\" (its nuclides are \"Cs133\" or \"I127\") did you mean "
     "\"Cs133\"?"},
    {"radius_with_A_first", "Cs133", "133Cs",
     "toy.toml:10: the target has no nuclide \"133Cs\" (its nuclides are \"Cs133\" or \"I127\") did you mean "
     "\"Cs133\"?"},
    {"radius_zero", "\"4.821 fm\"", "0", "toy.toml:10: proton_radius of Cs133 = 0 fm is not positive"},
    {"radius_negative", "\"4.821 fm\"", "\"-4.8 fm\"", "toy.toml:10: proton_radius of Cs133 = -4.8 fm is not positive"},
    {"radius_unit", "\"4.821 fm\"", "\"4.821 m\"",
     "toy.toml:10: proton_radius of Cs133 = \"4.821 m\" is in m (proton_radius of Cs133 is measured in fm)"},
    {"radius_large", "\"4.821 fm\"", "\"48.21 fm\"",
     "toy.toml:10: proton_radius of Cs133 = 48.21 fm is above 20 fm (no nucleus is that large)"},
    {"radius_small", "\"4.821 fm\"", "\"1.5 fm\"",
     "toy.toml:14: the form factor \"klein-nystrand\" cannot describe Cs133 (the proton radius is 1.5 fm, its surface "
     "alone makes 1.715 fm) use another form_factor, or give proton_radius in [target]"},
    {"two_channels", "name = \"atoms\"", "name = \"nucleus\"", "toy.toml:20: there are two channels \"nucleus\""},
    {"scattering", "scattering = \"nucleus\"", "scattering = \"nuclear\"",
     "toy.toml:13: scattering = \"nuclear\" is unknown (expected \"electron\" or \"nucleus\") did you mean "
     "\"nucleus\"?"},
    {"quenching_as_file", "quenching = { coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }",
     "quenching = \"q.csv\"",
     "toy.toml:16: quenching is a string (expected a table) write quenching = { table = \"q.csv\" }?"},
    {"no_scattering", "scattering = \"nucleus\"\n", "", "toy.toml:12: [[channel]] has no \"scattering\""},
    {"key_of_electrons", "axial = true", "atomic = \"free\"",
     "toy.toml:15: \"atomic\" is a key of electron channels (scattering is \"nucleus\")"},
    {"key_of_nuclei", "atomic = \"free\"", "form_factor = \"helm\"",
     "toy.toml:21: \"form_factor\" is a key of nucleus channels (scattering is \"electron\")"},
    {"channel_key", "atomic = \"free\"", "atom = \"free\"",
     "toy.toml:21: unknown key \"atom\" in [[channel]] (its keys are \"name\", \"scattering\", \"quenching\", "
     "\"efficiency\", \"share\", \"atomic\", \"photoabsorption\", \"interference\" or \"correction\")"},
    {"atomic_in_target", "formula = \"CsI\"", "formula = \"CsI\"\natomic = \"free\"",
     "toy.toml:10: \"atomic\" stands in [target], but the file has channels (it is a key of electron channels) move it "
     "to their [[channel]]?"},
    {"form_factor", "\"klein-nystrand\"", "\"klein\"",
     "toy.toml:14: form_factor = \"klein\" is unknown (expected \"helm\", \"symmetrised-fermi\", \"klein-nystrand\" or "
     "\"unity\")"},
    {"interference", "atomic = \"free\"", "atomic = \"free\"\ninterference = \"off\"",
     "toy.toml:22: interference = \"off\" is unknown (expected \"full\" or \"none\")"},
    {"interference_in_target", "formula = \"CsI\"", "formula = \"CsI\"\ninterference = \"none\"",
     "toy.toml:10: \"interference\" stands in [target], but the file has channels (it is a key of electron channels) "
     "move it to their [[channel]]?"},
    {"photoabsorption_without_epa", "atomic = \"free\"", "atomic = \"free\"\nphotoabsorption = \"sigma.csv\"",
     "toy.toml:22: \"photoabsorption\" belongs to atomic = \"epa\" (atomic is \"free\")"},
    {"quenching_word", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "\"lindhard\"",
     "toy.toml:16: quenching is a string (expected a table) write quenching = { model = \"lindhard\" }?"},
    {"quenching_empty", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{}",
     "toy.toml:16: quenching has none of its keys (expected one of \"model\", \"coefficients\" and \"table\")"},
    {"quenching_two", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }",
     "{ model = \"lindhard\", coefficients = [1] }",
     "toy.toml:16: quenching has several of its keys (expected one of \"model\", \"coefficients\" and \"table\")"},
    {"quenching_model", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ model = \"linhard\" }",
     "toy.toml:16: model = \"linhard\" is unknown (expected \"none\" or \"lindhard\") did you mean \"lindhard\"?"},
    {"quenching_k", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ model = \"none\", k = 0.1 }",
     "toy.toml:16: \"k\" belongs to model = \"lindhard\""},
    {"quenching_k_zero", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ model = \"lindhard\", k = 0 }",
     "toy.toml:16: k = 0 is not positive"},
    {"quenching_of_electrons", "atomic = \"free\"", "quenching = { model = \"lindhard\" }",
     "toy.toml:21: electrons have no Lindhard quenching (it is that of nuclei slowing down)"},
    {"quenching_column", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }",
     "{ model = \"lindhard\", column = \"k\" }", "toy.toml:16: \"column\" belongs to a \"table\""},
    {"coefficients_none", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ coefficients = [] }",
     "toy.toml:16: there are 0 coefficients (from 1 to 5)"},
    {"coefficients_number", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ coefficients = 0.2 }",
     "toy.toml:16: coefficients is no array (expected those of 1, T, T^2, ... in the quenching factor) write, e.g., "
     "[0.246, \"0.00078 keV^-1\"]?"},
    {"coefficients_unit", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }",
     "{ coefficients = [0.2, \"4 keV^-2\"] }",
     "toy.toml:16: coefficients[1] = \"4 keV^-2\" is in keV^-2 (coefficients[1] is measured in MeV^-1)"},
    {"coefficients_bare", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ coefficients = [0.2, 4] }",
     "toy.toml:16: coefficients[1] = 4 has no unit (coefficients[1] is measured in MeV^-1) write \"4 MeV^-1\"?"},
    {"coefficients_type", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ coefficients = [true] }",
     "toy.toml:16: coefficients[0] is not a number (expected those of 1, T, T^2, ... in the quenching factor) write, "
     "e.g., [0.246, \"0.00078 keV^-1\"]?"},
    {"coefficients_negative", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ coefficients = [-0.05] }",
     "toy.toml:16: the visible energy does not rise at a recoil energy of 0.001501 keV (recoils reach 15.01 keV, and "
     "beyond what it was fitted to a polynomial means nothing) check the units, or give a table?"},
    {"coefficients_turning", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }",
     "{ coefficients = [0.05, \"-0.0025 keV^-1\"] }", // 0.05 = 2 × 0.0025 × 10
     "toy.toml:16: the visible energy does not rise at a recoil energy of 10 keV (recoils reach 15.01 keV, and beyond "
     "what it was fitted to a polynomial means nothing) check the units, or give a table?"},
    {"share_of_stranger", "F90 = \"share.csv\"", "F9 = \"share.csv\"",
     "toy.toml:17: there is no further variable \"F9\" (there are \"time\" or \"F90\") did you mean \"F90\"?"},
    {"share_of_time", "F90 = \"share.csv\"", "time = \"share.csv\"",
     "toy.toml:17: time has no shares (arrival times belong to the sources and time_efficiency to [response])"},
    {"share_columns", "F90 = \"share.csv\"", "F90 = \"efficiency.csv\"",
     "efficiency.csv:1: the table has 2 columns (expected the photoelectrons and 2 bins of F90)"},
    {"smearing", "\"gamma\"", "\"gama\"",
     "toy.toml:25: smearing = \"gama\" is unknown (expected \"gaussian\", \"poisson\", \"gamma\" or \"matrix\") did "
     "you mean \"gamma\"?"},
    {"smearing_key", "smearing = \"gamma\"", "smearing = \"poisson\"",
     "toy.toml:27: \"gamma_shape\" belongs to smearing = \"gamma\" (smearing is \"poisson\")"},
    {"resolution_of_gamma", "smearing = \"gamma\"", "smearing = \"gamma\"\nresolution = { linear = 0.1 }",
     "toy.toml:26: \"resolution\" belongs to smearing = \"gaussian\" (smearing is \"gamma\")"},
    {"no_light_yield", "light_yield = \"13.35 keV^-1\"\n", "",
     "toy.toml:24: [response] has no \"light_yield\" (the bins are in photoelectrons) add one, like light_yield = "
     "\"13.35 keV^-1\"?"},
    {"light_yield_unit", "light_yield = \"13.35 keV^-1\"", "light_yield = 13.35",
     "toy.toml:26: light_yield = 13.35 has no unit (light_yield is measured in MeV^-1) write \"13.35 MeV^-1\"?"},
    {"light_yield_of_energy", "variable = \"photoelectrons\"\nedges = [8, 20, 60]", "edges = [0, \"2 keV\", \"5 keV\"]",
     "toy.toml:26: there is a \"light_yield\", but the bins are in energy (it turns energy into photoelectrons) write "
     "variable = \"photoelectrons\" in [bins]?"},
    {"no_gamma_shape", "gamma_shape = \"9.56 keV^-1\"\n", "", "toy.toml:24: [response] has no \"gamma_shape\""},
    {"efficiency_twice", "efficiency = \"efficiency.csv\"\nefficiency_in = \"reconstructed\"",
     "efficiency = { table = \"recoil.csv\", extrapolate = true }\nefficiency_in = \"recoil\"",
     "toy.toml:22: there are two efficiencies over the recoil energy ([response] has one for all channels)"},
    {"efficiency_variable", "efficiency = \"efficiency.csv\"", "efficiency = \"recoil.csv\"",
     "recoil.csv:1: the first column is \"energy_keV\" (expected the photoelectrons) write \"photoelectrons\"?"},
    {"efficiency_column", "efficiency = \"efficiency.csv\"",
     "efficiency = { table = \"efficiency.csv\", column = \"eficiency\" }",
     "toy.toml:28: \"efficiency.csv\" has no column \"eficiency\" (its columns are \"photoelectrons\" or "
     "\"efficiency\") did you mean \"efficiency\"?"},
    {"reference_key", "extrapolate = true }", "extrapolat = true }",
     "toy.toml:22: unknown key \"extrapolat\" in [efficiency] did you mean \"extrapolate\"?"},
    {"efficiency_not_covering", "efficiency = { table = \"recoil.csv\", extrapolate = true }",
     "efficiency = \"recoil.csv\"",
     "toy.toml:22: the efficiency reaches from 0.0001 to 0.002 MeV, recoils in the bins from 0.000599251 to 0.00449438 "
     "MeV (outside its table it is zero) extend the table, end it with a zero, or give it extrapolate = true"},
    {"correction_not_covering", "weak = \"correction.csv\"", "weak = \"late.csv\"",
     "toy.toml:23: the weak correction reaches from 0.001 to 0.002 MeV, recoils in the bins from 0.000599251 to "
     "0.00449438 MeV (outside its table it is 1) extend the table, end it with a 1, or give it extrapolate = true"},
    {"time_efficiency_not_covering", "column = \"efficiency\", extrapolate = true }\n", "column = \"efficiency\" }\n",
     "toy.toml:30: the time_efficiency reaches from 0 to 3e-06 s, the bins from 0 to 6e-06 s (outside its table it is "
     "zero) extend the table, end it with a zero, or give it extrapolate = true"},
    {"further_reserved", "name = \"time\"", "name = \"energy\"",
     "toy.toml:36: \"energy\" is no further variable ([bins] itself holds the bins in energy or photoelectrons)"},
    {"further_twice", "name = \"F90\"", "name = \"time\"", "toy.toml:39: there are two variables \"time\""},
    {"further_unit", "\"6 us\"", "\"6 keV\"",
     "toy.toml:37: edges[2] = \"6 keV\" is in keV (edges[2] is measured in s)"},
    {"further_order", "\"6 us\"", "\"400 ns\"", "toy.toml:37: edges[2] = 4e-07 s is out of order (edges increase)"},
    {"further_range", "max = 0.9", "max = 0.4", "toy.toml:41: max = 0.4 is not above min = 0.5"},
    {"further_number", "number = 2", "number = 2000000",
     "toy.toml:42: number = 2000000 is not a number of bins (from 1 to 1000000)"},
    {"no_time", "name = \"time\"\nedges = [0, \"500 ns\", \"6 us\"]", "name = \"S2\"\nedges = [0, 1, 2]",
     "toy.toml:30: there is a \"time_efficiency\", but no bins in time (it acts on [[bins.further]] of that name)"},
    {"counts_not_enough", "counts = { table = \"counts.csv\", column = \"observed\" }", "counts = [1, 2, 3, 4]",
     "toy.toml:34: counts of bins has 4 entries (there are 8 bins)"},
    {"counts_in_no_bin", "\"6 us\"", "\"3 us\"",
     "counts.csv:4: time_us = 3.25 is in no bin (the bins in time are from 0 to 3e-06 s)"},
    {"counts_on_edge", "edges = [8, 20, 60]", "edges = [8, 14, 60]",
     "counts.csv:2: photoelectrons = 14 is an edge of a bin (expected the centre of one)"},
    {"counts_same_bin", "\"500 ns\", \"6 us\"", "\"6 us\"",
     "counts.csv:4: the row is in the same bin as that of line 3 (photoelectrons 8 to 20, time 0 to 6e-06 s, F90 0.5 "
     "to 0.7)"},
    {"counts_missing_bin", "\"500 ns\", \"6 us\"", "\"500 ns\", \"1 us\", \"6 us\"",
     "toy.toml:34: \"counts.csv\" of bins has no row for a bin (photoelectrons 8 to 20, time 5e-07 to 1e-06 s, F90 0.5 "
     "to 0.7)"},
    {"counts_without_variable", "\"counts.csv\", column = \"observed\"", "\"share.csv\", column = \"low\"",
     "share.csv:1: the table has no column \"time\" (with its unit) add \"time_us\", \"time_ns\" or \"time_s\"?"},
    {"further_many", "number = 2", "number = 900000", "toy.toml:38: there are 3600000 bins (at most 1000000)"},
    {"quenching_not_covering", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ table = \"recoil.csv\" }",
     "toy.toml:16: the quenching factor reaches from 0.0001 to 0.002 MeV, recoils from 1e-06 to 0.0150105 MeV (outside "
     "its table it is zero) extend the table, end it with a zero, or give it extrapolate = true"},
    {"quenching_zero", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ table = \"dark.csv\" }",
     "dark.csv:4: the quenching factor is 0 at 2 keV (recoils between the ends of the table must give something "
     "visible) begin or end the table there?"},
    {"quenching_zeros", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ table = \"darkest.csv\" }",
     "darkest.csv:3: the quenching factor is 0 at 20 keV (recoils between the ends of the table must give something "
     "visible) begin or end the table there?"},
    {"quenching_below_zero", "{ coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }", "{ table = \"negative.csv\" }",
     "negative.csv:3: factor = -0.1 is negative"},
    {"no_axial", "formula = \"CsI\"\nproton_radius = { Cs133 = \"4.821 fm\" }\nneutron_radius = { I127 = \"5.03 fm\" }",
     "nuclide = \"Ar40\"", "toy.toml:13: Ar40 has no axial term (none of its nuclides has spin)"},
    {"hydrogen", "formula = \"CsI\"\nproton_radius = { Cs133 = \"4.821 fm\" }\nneutron_radius = { I127 = \"5.03 fm\" }",
     "formula = \"C8H8\"",
     "toy.toml:12: the form factor \"klein-nystrand\" cannot describe H1 (the proton radius is 0.8409 fm, its surface "
     "alone makes 1.715 fm) use another form_factor, or give proton_radius in [target]"},
    {"no_isotopes",
     "formula = \"CsI\"\nproton_radius = { Cs133 = \"4.821 fm\" }\nneutron_radius = { I127 = \"5.03 fm\" }",
     "element = \"Tc\"", "toy.toml:11: Tc has no nuclides (no isotope occurs in nature)"},
    {"share_edges", "edges = [8, 20, 60]", "edges = [8, 10, 60]",
     "share.csv:2: photoelectrons = 14 is not in bin 1 (which is 8 to 10)"},
    {"no_photoabsorption",
     "formula = \"CsI\"\nproton_radius = { Cs133 = \"4.821 fm\" }\nneutron_radius = { I127 = \"5.03 fm\" "
     "}\n[[channel]]\nscattering = \"nucleus\"\nform_factor = \"klein-nystrand\"\naxial = true\nquenching = { "
     "coefficients = [0.05, \"4 MeV^-1\", \"1e-5 keV^-2\"] }\nshare = { F90 = \"share.csv\" }\n[[channel]]\nscattering "
     "= \"electron\"\nname = \"atoms\"\natomic = \"free\"",
     "element = \"Np\"\n[[channel]]\nscattering = \"electron\"\nname = \"atoms\"\natomic = \"epa\"",
     "toy.toml:13: there is no photoabsorption table of Np (elements up to uranium have one)"},
    {"matrix_columns", "smearing = \"gamma\"\nlight_yield = \"13.35 keV^-1\"\ngamma_shape = \"9.56 keV^-1\"",
     "smearing = \"matrix\"\nlight_yield = \"13.35 keV^-1\"\nmatrix = \"recoil.csv\"",
     "recoil.csv:1: the table has 2 columns (expected the visible energy and 2 bins)"},
    {"matrix_and_reconstructed", "smearing = \"gamma\"\nlight_yield = \"13.35 keV^-1\"\ngamma_shape = \"9.56 keV^-1\"",
     "smearing = \"matrix\"\nlight_yield = \"13.35 keV^-1\"\nmatrix = \"matrix.csv\"",
     "toy.toml:29: the efficiency cannot be of the reconstructed energy (the matrix holds probabilities of whole bins) "
     "multiply the columns of the matrix with it"},
    {"poisson_of_energy",
     "smearing = \"gamma\"\nlight_yield = \"13.35 keV^-1\"\ngamma_shape = \"9.56 keV^-1\"\nefficiency = "
     "\"efficiency.csv\"\nefficiency_in = \"reconstructed\"\ntime_efficiency = { table = \"time.csv\", column = "
     "\"efficiency\", extrapolate = true }\n[bins]\nvariable = \"photoelectrons\"\nedges = [8, 20, 60]",
     "smearing = \"poisson\"\n[bins]\nedges = [\"0 keV\", \"1 keV\", \"2 keV\"]",
     "toy.toml:25: smearing = \"poisson\" is of photoelectrons (the bins are in energy) write variable = "
     "\"photoelectrons\" in [bins]?"},
    {"counts_whole", "counts = { table = \"counts.csv\", column = \"observed\" }",
     "counts = [1, 2, 3, 4.5, 5, 6, 7, 8]",
     "toy.toml:34: counts[3] = 4.5 is not a whole number (the statistic is Poisson) " WAYS_OUT},
};

INSTANTIATE_TEST_SUITE_P(ExperimentFiles, BrokenNuclearExperimentFile, ::testing::ValuesIn(broken_nuclear_experiments),
                         [](const auto& test) { return std::string(test.param.name); });

// ---- shipped experiments ----------------------------------------------------------------------------------------

TEST(ShippedExperiments, carry_the_name_of_their_folder) {
    const std::vector<std::string> names = experiment_names();
    ASSERT_FALSE(names.empty());
    for (const std::string& name : names) {
        const Experiment e = read_experiment(find_experiment(name, {}));
        EXPECT_EQ(e.name, name);
        for (const Source& source : e.sources) {
            double total = 0;
            for (const SpectralLine& line : source.lines) {
                total += line.fraction;
            }
            for (std::size_t i = 1; i < source.spectrum.x.size(); ++i) {
                total += (source.spectrum.x[i] - source.spectrum.x[i - 1]) *
                         (source.spectrum.y[i] + source.spectrum.y[i - 1]) / 2;
            }
            EXPECT_NEAR(total, 1, 1e-9) << source.name;
        }
    }
}

TEST(ShippedExperiments, lz_2022) {
    const Experiment e = read_experiment(find_experiment("lz-2022", {}));
    EXPECT_EQ(e.n_bins(), 19); // without the first keV
    EXPECT_EQ(e.bin_edges.front(), 1e-3);
    EXPECT_EQ(e.bin_edges.back(), 0.02);
    EXPECT_EQ(std::accumulate(e.counts.begin(), e.counts.end(), 0.0), 471);
    EXPECT_NEAR(std::accumulate(e.backgrounds[0].counts.begin(), e.backgrounds[0].counts.end(), 0.0), 463.263, 1e-3);
    EXPECT_TRUE(e.backgrounds[0].includes_solar);
    EXPECT_EQ(e.backgrounds[0].sigma, 0.13);
    EXPECT_DOUBLE_EQ(e.target.units, 5.5e6 / 131.293 * constants::avogadro);
    EXPECT_EQ(e.live_time, 60 * 86400);
    EXPECT_EQ(e.response.efficiency_of, EnergyResponse::EfficiencyOf::reconstructed);
    EXPECT_TRUE(e.channels[0].efficiency.empty());
    EXPECT_NEAR(e.response.sqrt_term * std::sqrt(0.01), 0.33 * std::sqrt(10) * 1e-3, 1e-15);
    ASSERT_EQ(e.sources.size(), 8u);
    EXPECT_EQ(e.sources[0].flux, 5.98e10);
    EXPECT_NEAR(e.sources[0].spectrum.x.back(), 0.42341, 1e-12);
    EXPECT_EQ(e.backgrounds[0].name, "background");
}

} // namespace
} // namespace nuscan
