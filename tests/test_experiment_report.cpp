// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <numeric>

#include <fmt/format.h>

#include "experiments/experiment_file.hpp"
#include "scan/experiment_report.hpp"
#include "temporary_folder.hpp"

/// What a report says of experiment files that are in order and yet hardly meant.
namespace nuscan {
namespace {

//! Two bins of electrons that chromium hits: 0.072 counts together in the standard model
class Report : public ::testing::Test {
protected:
    std::string keys = "", mass = "1 kg", live_time = "10 d", baseline = "1 m";
    std::string bins = "edges = [\"1 keV\", \"20 keV\", \"40 keV\"]\ncounts = [13, 14]";
    std::string background = "counts = [10, 10]\nuncertainty = \"fixed\"";
    std::string response = "";
    std::string source = "";

    Experiment read() const {
        folder_.write("blind.csv", "energy_keV,efficiency\n0,0\n20,0\n40,0.9\n");
        folder_.write("nothing.csv", "energy_keV,efficiency\n0,0\n600,0\n");
        folder_.write("percent.csv", "energy_keV,efficiency\n0,0.0001\n600,0.0095\n");
        return read_experiment(folder_.write(
            "experiment.toml",
            fmt::format("name = \"toy\"\ntitle = \"Toy\"\ncitation = \"none\"\n{}\n[exposure]\nmass = \"{}\"\n"
                        "live_time = \"{}\"\n[target]\nelement = \"Xe\"\n[response]\n{}\n[bins]\n{}\n[[background]]\n"
                        "name = \"flat\"\n{}\n[[source]]\ntype = \"electron-capture\"\nname = \"chromium\"\n"
                        "isotope = \"51Cr\"\nactivity = \"3 MCi\"\nbaseline = \"{}\"\n{}",
                        keys, mass, live_time, response, bins, background, baseline, source)));
    }
    //! Without the folder that the file is in
    std::vector<std::string> warnings() const {
        std::vector<std::string> warnings = report_experiment(read()).warnings;
        const std::string folder = folder_ / "";
        for (std::string& warning : warnings) {
            warning = warning.starts_with(folder) ? warning.substr(folder.size()) : warning;
        }
        return warnings;
    }

    test::TemporaryFolder folder_;
};

using Warnings = std::vector<std::string>;

TEST_F(Report, splits_the_prediction) {
    background = "counts = [10, 10]\nuncertainty = 0.5";
    const ExperimentReport report = report_experiment(read());
    ASSERT_EQ(report.n_signal, 1u);
    ASSERT_EQ(report.nominal.components.size(), 2u);
    EXPECT_EQ(report.nominal.components[1].counts, (std::vector<double>{10, 10}));
    EXPECT_NE(report.fit.components[1].counts[0], 10);
    EXPECT_LT(report.fit.chi2.value, report.nominal.chi2.value);
    EXPECT_EQ(report.signal(), report.nominal.components[0].counts);
    EXPECT_EQ(report.warnings, Warnings());
}

TEST_F(Report, of_nothing_that_is_seen) {
    bins = "edges = [\"800 keV\", \"900 keV\", \"1000 keV\"]\ncounts = [10, 10]";
    EXPECT_EQ(warnings(), Warnings{"experiment.toml:5: no neutrino is seen in any bin (recoils make up to 561.3 keV "
                                   "visible, the bins begin at 800 keV) check mass, flux, baseline and the unit of the "
                                   "bins?"});
    bins = "edges = [\"1 keV\", \"20 keV\"]\ncounts = [10]";
    background = "counts = [10]\nuncertainty = \"fixed\"";
    response = "efficiency = \"nothing.csv\"\nefficiency_in = \"recoil\"";
    const Warnings found = warnings();
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0], "experiment.toml:5: no neutrino is seen in any bin (threshold, quenching or efficiency leave "
                        "nothing) check mass, flux, baseline and the unit of the bins?");
}

TEST_F(Report, of_uncertainties_that_are_not_relative) {
    background = "counts = [10, 10]\nuncertainty = 4";
    EXPECT_EQ(warnings(), Warnings{"experiment.toml:18: the uncertainty of background \"flat\" is 4 times its size "
                                   "(uncertainties are relative to nominal) write 0.2 for 4 counts, 0.04 for 4 %, or "
                                   "\"free\"?"});
    background = "counts = [10, 10]\nuncertainty = 2";
    EXPECT_EQ(warnings(), Warnings());
    source = "[signal]\nuncertainty = 13\n[[systematic]]\nname = \"flux\"\nof = \"flat\"\nuncertainty = 5\n"
             "[[systematic]]\nname = \"bend\"\nof = \"flat\"\nplus = [11, 9]\nuncertainty = 3\n";
    EXPECT_EQ(warnings(), (Warnings{"experiment.toml:26: the uncertainty of the signal is 13 times its size "
                                    "(uncertainties are relative to nominal) write 0.13 for 13 %, or \"free\"?",
                                    "experiment.toml:30: the uncertainty of systematic \"flux\" is 5 times its size "
                                    "(uncertainties are relative to nominal) write 0.05 for 5 %, or \"free\"?"}));
}

TEST_F(Report, of_a_signal_that_is_too_small_or_too_large) {
    const std::string check = " check mass, flux, baseline and the unit of the bins?";
    mass = "1 g"; // 1 kg gives 0.072 counts
    EXPECT_EQ(warnings(),
              Warnings{"experiment.toml:5: the standard model gives 7.2e-05 counts of neutrinos in all bins "
                       "(fewer than 0.01)" +
                       check});
    mass = "200 g";
    EXPECT_EQ(warnings(), Warnings());
    mass = "1 kg";
    baseline = "1 km";
    EXPECT_EQ(warnings(),
              Warnings{"experiment.toml:5: the standard model gives 7.2e-08 counts of neutrinos in all bins "
                       "(fewer than 0.01)" +
                       check});
    baseline = "3 m"; // 0.008 counts, which is nothing to say of rates
    keys = "statistic = \"gaussian\"";
    EXPECT_EQ(warnings(), Warnings());
    bins = "edges = [\"1 keV\", \"20 keV\", \"40 keV\"]\ncounts = [100, 100]";
    background = "counts = [100, 100]\nuncertainty = \"fixed\"";
    EXPECT_EQ(warnings(), Warnings{"experiment.toml:5: the standard model gives 0.008 counts of neutrinos in all bins "
                                   "(less than 0.0001 of the 200 of the backgrounds)" +
                                   check});
    mass = "10 kg";
    EXPECT_EQ(warnings(), Warnings());
    keys = "";
    mass = "100 t";
    baseline = "1 m";
    const Warnings found = warnings();
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0], "experiment.toml:5: the standard model gives 7.2e+03 counts of neutrinos in all bins (36 times "
                        "the 200 observed)" +
                            check);
}

TEST_F(Report, of_units_of_the_response) {
    live_time = "1000 s";
    mass = "1 t";
    response = "resolution = { constant = \"41 keV\" }";
    EXPECT_EQ(warnings(),
              (Warnings{"experiment.toml:5: the live time is 1000 s (less than an hour) check its unit?",
                        "experiment.toml:10: the resolution is 41 keV at 20.5 keV (all bins together span 39 "
                        "keV) check its units?"}));
    live_time = "10 d";
    mass = "10 t";
    response = "efficiency = \"percent.csv\"\nefficiency_in = \"recoil\"";
    EXPECT_EQ(warnings(), Warnings{"experiment.toml:8: the efficiency over the recoil energy is at most 0.0095 (1 is "
                                   "where everything is seen) is the table in another unit?"});
    response = "efficiency = \"percent.csv\"\nefficiency_in = \"visible\"";
    const Warnings found = warnings();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].starts_with("experiment.toml:10: the efficiency is at most 0.0095")) << found[0];
}

TEST_F(Report, of_quenching_in_percent) {
    keys = "[[channel]]\nscattering = \"nucleus\"\nquenching = { coefficients = [15] }";
    mass = "10 kg";
    bins = "edges = [\"0.1 keV\", \"0.2 keV\", \"0.4 keV\"]\ncounts = [13, 14]";
    const Warnings found = warnings();
    ASSERT_FALSE(found.empty());
    EXPECT_TRUE(found[0].starts_with("experiment.toml:6: the quenching factor is 15 at ")) << found[0];
    EXPECT_TRUE(found[0].ends_with("(more would be visible than there is) divide by 100 where it is in per cent?"));
}

TEST_F(Report, of_energies_of_neutrinos) {
    source = "[[source]]\nname = \"beam\"\nflavour = \"mu\"\nneutrino = \"neutrino\"\npropagation = \"short\"\n"
             "flux = \"1 cm^-2 s^-1\"\nlines = [ { energy = \"2000 MeV\", fraction = 1 } ]\n";
    EXPECT_EQ(warnings(), Warnings{"experiment.toml:25: the neutrinos of \"beam\" reach 2000 MeV (scattering on whole "
                                   "nuclei and atoms ends far below) is the table in another unit?"});
}

/// 2 counts where 0.13 are expected have a tail of 0.8 %: 5 "standard deviations" of 0.36, and nothing in 81 bins.
TEST_F(Report, of_counts_by_their_own_tails) {
    std::string counts = "2", flat = "0.13";
    for (int b = 1; b < 81; ++b) {
        counts += ", 1";
        flat += ", 1";
    }
    bins = "min = \"1 keV\"\nmax = \"40 keV\"\nnumber = 81\ncounts = [" + counts + "]";
    background = "counts = [" + flat + "]\nuncertainty = \"fixed\"";
    EXPECT_EQ(warnings(), Warnings());
    // P(n >= 8 | 0.13) = 1.9e-12, 81 times that of both tails 3e-10; 6 have 81 x 2 x 6e-9 = 1e-6, above 5.7e-7
    bins = "min = \"1 keV\"\nmax = \"40 keV\"\nnumber = 81\ncounts = [8" + counts.substr(1) + "]";
    const Warnings found = warnings();
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0], "the counts are more than 5 standard deviations from the best fit in bin 1 (1 to 1.481 keV)");
    bins = "min = \"1 keV\"\nmax = \"40 keV\"\nnumber = 81\ncounts = [6" + counts.substr(1) + "]";
    for (const std::string& warning : warnings()) {
        EXPECT_FALSE(warning.starts_with("the counts")) << warning;
    }
}

TEST_F(Report, of_a_source_that_is_not_seen) {
    source = "[[source]]\ntype = \"solar\"\nname = \"pp\"\n";
    bins = "edges = [\"300 keV\", \"400 keV\", \"500 keV\"]\ncounts = [10, 10]";
    EXPECT_EQ(warnings(), Warnings{"source \"pp\" adds nothing to any bin (its recoils are below them)"});
}

TEST_F(Report, of_bins_without_neutrinos) {
    bins = "edges = [\"500 keV\", \"600 keV\", \"700 keV\"]\ncounts = [11, 10]";
    EXPECT_EQ(warnings(), Warnings{"no neutrino is seen in bin 2 (600 to 700 keV)"});
}

TEST_F(Report, of_an_efficiency_that_is_zero) {
    response = "efficiency = \"blind.csv\"\nefficiency_in = \"reconstructed\"";
    EXPECT_EQ(warnings(),
              Warnings{"the efficiency is zero in bin 1 (1 to 20 keV) (fit_min and fit_max leave bins out)"});
}

TEST_F(Report, of_a_background_above_the_counts) {
    background = "counts = [100, 10]\nuncertainty = \"free\"";
    const Warnings found = warnings();
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0],
              "the nominal background alone is more than 5 standard deviations above the counts in bin 1 (1 to "
              "20 keV)");
}

TEST_F(Report, of_counts_that_nothing_explains) {
    bins = "edges = [\"600 keV\", \"700 keV\", \"800 keV\"]\ncounts = [7, 0]";
    background = "counts = [0, 1]\nuncertainty = \"fixed\"";
    const Warnings found = warnings();
    EXPECT_NE(
        std::find(found.begin(), found.end(), "there are counts, but nothing is predicted in bin 1 (600 to 700 keV)"),
        found.end());
}

TEST_F(Report, of_a_model_that_does_not_fit) {
    bins = "edges = [\"1 keV\", \"20 keV\", \"40 keV\"]\ncounts = [60, 60]";
    const Warnings found = warnings();
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(
        found[0],
        "the counts are more than 5 standard deviations from the best fit in 2 of 2 bins, the first is bin 1 (1 to 20 "
        "keV)");
    EXPECT_TRUE(found[1].starts_with("chi2 of the best fit is ")) << found[1];
}

TEST_F(Report, of_few_counts_with_roots_as_errors) {
    keys = "statistic = \"gaussian\"";
    bins = "edges = [\"1 keV\", \"20 keV\", \"40 keV\"]\ncounts = [12, 9]";
    EXPECT_EQ(warnings(),
              Warnings{"there are fewer than 10 counts in bin 2 (20 to 40 keV) (their root is a poor error: with "
                       "it, bins that fluctuated down weigh more; \"poisson\" has no such bias)"});
    bins += "\nsigma = [3.5, 3]";
    EXPECT_EQ(warnings(), Warnings());
    // Differences fluctuate below zero, and above where nothing is predicted.
    bins = "edges = [\"1 keV\", \"20 keV\", \"40 keV\"]\ncounts = [12, -2]\nsigma = [3.5, 9]";
    EXPECT_EQ(warnings(), Warnings());
    bins = "edges = [\"20 keV\", \"600 keV\", \"700 keV\"]\ncounts = [-2, 1]\nsigma = [9, 1]";
    background = "counts = [1, 0]\nuncertainty = \"fixed\"";
    EXPECT_EQ(warnings(), Warnings{"no neutrino is seen in bin 2 (600 to 700 keV)"});
}

TEST_F(Report, of_a_background_smaller_than_the_sun) {
    source = "[[source]]\ntype = \"solar\"\nname = \"pp\"\nflux = \"1e16 cm^-2 s^-1\"\n";
    background = "counts = [1, 1]\nuncertainty = \"fixed\"\nincludes_solar = true";
    const Warnings found = warnings();
    ASSERT_GT(found.size(), 1u);
    EXPECT_EQ(found[1], // after a signal far above the counts
              "background \"flat\" is smaller than the solar neutrinos that it includes in 2 of 2 bins, the first is "
              "bin 1 (1 to 20 keV)");
}

} // namespace
} // namespace nuscan
