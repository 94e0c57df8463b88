// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <ostream>
#include <stdexcept>

#include <gtest/gtest.h>

#include "experiments/atomic_shells.hpp"
#include "experiments/experiment_file.hpp"
#include "nuscan/constants.hpp"
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
    static std::string with(const std::string& from, const std::string& to) {
        std::string text = valid;
        const std::size_t at = text.find(from);
        if (at == std::string::npos) {
            throw std::logic_error("not in the valid file: " + from);
        }
        return text.replace(at, from.size(), to);
    }

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

TEST_F(ExperimentFile, digest_covers_file_and_tables) {
    const std::string first = read(valid).digest;
    EXPECT_EQ(first.size(), 64u);
    EXPECT_EQ(read(valid).digest, first);
    EXPECT_NE(read(with("\"Toy\"", "\"Boy\"")).digest, first);
    folder_.write("spectrum.csv", "energy_MeV,per_MeV\n1,0\n2,5\n4,0\n");
    EXPECT_NE(read(valid).digest, first);
}

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
    {"statistic", "[exposure]", "statistic = \"gaussian\"\n[exposure]",
     "toy.toml:4: statistic = \"gaussian\" is unknown (expected \"poisson\")"},
    {"couplings", "[exposure]", "couplings = \"radiation\"\n[exposure]",
     "toy.toml:4: couplings = \"radiation\" is unknown (expected \"tree\" or \"radiative\") did you mean "
     "\"radiative\"?"},
    {"no_mass", "mass = \"2 kg\"", "", "toy.toml:4: [exposure] has no \"mass\""},
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
     "toy.toml:15: counts[0] = 2.5 is not a whole number (the statistic is Poisson)"},
    {"counts_size", "{ table = \"counts.csv\", column = \"observed\" }", "[1, 2, 3]",
     "toy.toml:15: counts of bins has 3 entries (there are 2 bins)"},
    {"counts_negative", "{ table = \"counts.csv\", column = \"observed\" }", "[1, -2]",
     "toy.toml:15: counts[1] = -2 is negative"},
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
    {"lines_only", "spectrum = \"spectrum.csv\"", "",
     "toy.toml:24: the fractions of the lines add up to 0.25 (without a spectrum they are the whole flux: 1)"},
    {"lines_all", "fraction = 0.25", "fraction = 1",
     "toy.toml:24: the fractions of the lines add up to 1 (nothing is left for the spectrum)"},
    {"lines_negative", "fraction = 0.25", "fraction = -1", "toy.toml:24: fraction = -1 is not positive"},
    {"no_spectrum", "spectrum = \"spectrum.csv\"\nlines = [ { energy = \"2 MeV\", fraction = 0.25 } ]", "",
     "toy.toml:16: source \"reactor\" has no spectrum (expected a table, lines, or both) add spectrum = \"...csv\" or "
     "lines = [...]?"},
    {"no_source", "[[source]]\nname = \"reactor\"", "[[background]]\nname = \"reactor\"",
     "toy.toml: the file has no [[source]]"},
    {"two_sources", "[[background]]",
     "[[source]]\nname = \"reactor\"\nflavour = \"e\"\nneutrino = \"neutrino\"\npropagation = \"short\"\nflux = \"1 "
     "cm^-2 s^-1\"\nspectrum = \"spectrum.csv\"\n[[background]]",
     "toy.toml:26: there are two sources \"reactor\""},
    {"two_backgrounds", "[[background]]",
     "[[background]]\nname = \"flat\"\ncounts = [1, 1]\nuncertainty = \"fixed\"\n[[background]]",
     "toy.toml:30: there are two backgrounds \"flat\""},
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
             {"efficiency.csv", "energy_keV,efficiency\n0,0\n# more\n1,1,1\n",
              "efficiency.csv:4: the row has 3 cells (the header names 2 columns)"},
             {"efficiency.csv", "energy_keV,efficiency\n0,0\n1,high\n",
              "efficiency.csv:3: efficiency = \"high\" is not a number"},
             {"efficiency.csv", "energy_keV,efficiency\n0,0\n1,0.5x\n",
              "efficiency.csv:3: efficiency = \"0.5x\" is not a number"},
             {"efficiency.csv", "energy_keV,efficiency\n0,0\n1,\n",
              "efficiency.csv:3: efficiency = \"\" is not a number"},
             {"efficiency.csv", "energy_keV,efficiency\n0,nan\n1,1\n",
              "efficiency.csv:2: efficiency = nan is not finite"},
             {"efficiency.csv", "energy_keV,efficiency\n1,0\n1,1\n",
              "efficiency.csv:3: energy_keV = 1 is not above 1 (energies must increase)"},
             {"efficiency.csv", "energy_keV,efficiency\n-1,0\n1,1\n", "efficiency.csv:2: energy_keV = -1 is negative"},
             {"efficiency.csv", "energy_keV,efficiency\n0,-0.1\n1,1\n",
              "efficiency.csv:2: efficiency = -0.1 is negative"},
             {"efficiency.csv", "energy_keV,efficiency\n0,0.1\n1,1.01\n",
              "efficiency.csv:3: efficiency = 1.01 is above 1"},
             {"spectrum.csv", "energy_MeV,per_MeV\n0,0\n1,0\n", "toy.toml:23: the spectrum is zero everywhere"},
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
    ASSERT_EQ(e.sources.size(), 2u);
    EXPECT_EQ(e.sources[0].flux, 5.98e10);
    EXPECT_NEAR(e.sources[0].spectrum.x.back(), 0.42341, 1e-12);
    EXPECT_EQ(e.sources[1].lines[0].energy, 0.8613);
    EXPECT_EQ(e.sources[1].propagation, Propagation::decohered);
    EXPECT_EQ(e.backgrounds[0].name, "background");
}

} // namespace
} // namespace nuscan
