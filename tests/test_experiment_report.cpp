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

//! Two bins of electrons that chromium hits: 2.9 and 2.8 counts in the standard model
class Report : public ::testing::Test {
protected:
    std::string keys = "";
    std::string bins = "edges = [\"1 keV\", \"20 keV\", \"40 keV\"]\ncounts = [13, 14]";
    std::string background = "counts = [10, 10]\nuncertainty = \"fixed\"";
    std::string response = "";
    std::string source = "";

    Experiment read() const {
        folder_.write("blind.csv", "energy_keV,efficiency\n0,0\n20,0\n40,0.9\n");
        return read_experiment(folder_.write(
            "experiment.toml",
            fmt::format("name = \"toy\"\ntitle = \"Toy\"\ncitation = \"none\"\n{}\n[exposure]\nmass = \"1 kg\"\n"
                        "live_time = \"10 d\"\n[target]\nelement = \"Xe\"\n[response]\n{}\n[bins]\n{}\n[[background]]\n"
                        "name = \"flat\"\n{}\n[[source]]\ntype = \"electron-capture\"\nname = \"chromium\"\n"
                        "isotope = \"51Cr\"\nactivity = \"3 MCi\"\nbaseline = \"1 m\"\n{}",
                        keys, response, bins, background, source)));
    }
    std::vector<std::string> warnings() const { return report_experiment(read()).warnings; }

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
    EXPECT_EQ(warnings(),
              Warnings{"no neutrino is seen in any bin (threshold, quenching or efficiency leave nothing)"});
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

TEST_F(Report, of_counts_that_are_not_finite) {
    source = "[[source]]\nname = \"pp\"\nflavour = \"e\"\nneutrino = \"neutrino\"\npropagation = \"short\"\n"
             "flux = \"1e307 cm^-2 s^-1\"\nlines = [ { energy = \"0.4 MeV\", fraction = 1 } ]\n";
    const Warnings found = warnings();
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0], "the counts of neutrinos are not finite in 2 of 2 bins, the first is bin 1 (1 to 20 keV) (a "
                        "flux is too large)");
}

TEST_F(Report, of_a_background_smaller_than_the_sun) {
    source = "[[source]]\ntype = \"solar\"\nname = \"pp\"\nflux = \"1e16 cm^-2 s^-1\"\n";
    background = "counts = [1, 1]\nuncertainty = \"fixed\"\nincludes_solar = true";
    const Warnings found = warnings();
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0],
              "background \"flat\" is smaller than the solar neutrinos that it includes in 2 of 2 bins, the first is "
              "bin 1 (1 to 20 keV)");
}

} // namespace
} // namespace nuscan
