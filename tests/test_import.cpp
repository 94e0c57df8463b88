// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <sstream>

#include <fmt/format.h>

#include "config/toml_reader.hpp"
#include "experiments/experiment_file.hpp"
#include "import/import.hpp"
#include "import/release.hpp"
#include "scan/point.hpp"
#include "temporary_folder.hpp"

namespace nuscan {
namespace {

namespace fs = std::filesystem;

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.); }

// ---- reading a release ----------------------------------------------------------------------------------------------

class ReleaseOfAFile : public ::testing::Test {
protected:
    const ReleaseFile file_{"grid.txt", {{"the energy", 5, 10, 2}, {"F90", 0.25, 0.5, 2}}, {10}};
    const std::string text_ = "# energy F90 counts\n5 0.25 1\n5 0.75 2\n15 0.25 3\n15 0.75 4"; // no line end

    //! The message for the file \p text
    std::string error(const std::string& text) const { return error(text, file_); }
    std::string error(const std::string& text, const ReleaseFile& file) const {
        folder_.write(file.name, text);
        return folder_.error_of([&] { Release(folder_.path().string(), "the archive").read(file); });
    }

    test::TemporaryFolder folder_;
};

TEST_F(ReleaseOfAFile, is_read_by_column) {
    folder_.write("grid.txt", text_ + "\n\n");
    Release release(folder_.path().string(), "the archive");
    const auto columns = release.read(file_);
    ASSERT_EQ(columns.size(), 1u);
    EXPECT_EQ(columns[0], (std::vector<double>{1, 2, 3, 4}));
    EXPECT_EQ(release.checks(), "| `grid.txt` | 4 | 10 |\n");
}

TEST_F(ReleaseOfAFile, may_have_a_header_and_carriage_returns) {
    folder_.write("list.txt", "Energy (keV) Counts\r\n1 2\r\n3 4\r\n");
    Release release(folder_.path().string(), "the archive");
    const auto columns = release.read({.name = "list.txt", .sums = {4, 6}, .n_rows = 2, .header = true});
    EXPECT_EQ(columns, (std::vector<std::vector<double>>{{1, 3}, {2, 4}}));
}

TEST_F(ReleaseOfAFile, that_is_not_the_one_published_is_refused) {
    EXPECT_EQ(error(text_), "");
    EXPECT_EQ(error("5 0.25 1\n5 0.75 2\n15 0.25 3\n"),
              "grid.txt: the file has 3 rows (the release has 4) take the file anew from the archive?");
    EXPECT_EQ(error(text_ + "\n25 0.25 0\n"),
              "grid.txt: the file has 5 rows (the release has 4) take the file anew from the archive?");
    EXPECT_EQ(error("5 0.25 1\n5 0.75\n"),
              "grid.txt:2: the row has 2 numbers (the release has 3) take the file anew from the archive?");
    EXPECT_EQ(error("5 0.25 1\n5 0.25 2\n15 0.25 3\n15 0.75 4\n"),
              "grid.txt:2: F90 = 0.25 is not the centre of the row's bin (in the release it is 0.75)");
    EXPECT_EQ(error("5 0.25 1\n15 0.75 2\n5 0.25 3\n15 0.75 4\n"),
              "grid.txt:2: the energy = 15 is not the centre of the row's bin (in the release it is 5)");
    EXPECT_EQ(error("5 0.25 1\n5 0.75 2\n15 0.25 3\n15 0.75 4.00001\n"),
              "grid.txt: column 3 adds up to 10.00001 (in the release to 10) take the file anew from the archive?");
    EXPECT_EQ(error("5 0.25 one\n"), "grid.txt:1: \"one\" is not a number");
    EXPECT_EQ(error("5 0.25 nan\n"), "grid.txt:1: \"nan\" is not finite");
    EXPECT_EQ(error("5 0.25 1,2\n"), "grid.txt:1: \"1,2\" is not a number");
    EXPECT_EQ(error("", file_),
              "grid.txt: the file has 0 rows (the release has 4) take the file anew from the archive?");
}

TEST_F(ReleaseOfAFile, that_is_missing_is_named) {
    EXPECT_EQ(folder_.error_of([&] { Release(folder_.path().string(), "the archive").read(file_); }),
              "grid.txt: the file is missing (the release has it) take it from the archive?");
    EXPECT_EQ(folder_.error_of([&] { Release(folder_ / "nowhere", "the archive"); }),
              "nowhere: there is no such folder (expected that of the release, the archive)");
}

TEST_F(ReleaseOfAFile, with_parameters) {
    const auto error_of = [&](const std::string& text) {
        folder_.write("p.yaml", text);
        return folder_.error_of([&] {
            Release(folder_.path().string(), "the archive")
                .check_parameters("p.yaml", {{"mass", 24.4}, {"qf", 1}, {"qf", 2}});
        });
    };
    EXPECT_EQ(
        error_of("mass:\n  value: 24.4\n  comment: |\n    value, not uncertainty\n\nqf:\n  parameters:\n   - name: a\n"
                 "     value: 1\n     uncertainty: 3\n   - name: b\n     value: 2\n"),
        "");
    EXPECT_EQ(error_of("mass:\n  value: 24.5\n"),
              "p.yaml:2: mass = 24.5 (in the release it is 24.4) take the file anew from the archive?");
    EXPECT_EQ(error_of("mass:\n  value: 24.4\nqf:\n  value: 1\n"),
              "p.yaml: qf has no value (in the release it is 2) take the file anew from the archive?");
}

// ---- writing folders ------------------------------------------------------------------------------------------------

TEST(ExperimentFolders, tables_have_nine_digits) {
    EXPECT_EQ(csv_text("two\nlines", {{"energy_keV", {1, 0.1 + 0.2}}, {"counts", {2, 1. / 3}}}),
              "# two\n# lines\nenergy_keV,counts\n1,2\n0.3,0.333333333\n");
}

TEST(ExperimentFolders, are_all_written_or_none) {
    const test::TemporaryFolder folder;
    const std::string parent = folder / "new";
    folder.write("new/a.partial/left.csv", "of a run that was killed");
    write_folders({{"a", {{"experiment.toml", "1\n"}}}, {"b", {{"experiment.toml", "2\n"}}}}, parent);
    EXPECT_EQ(read_text_file(parent + "/a/experiment.toml"), "1\n");
    EXPECT_EQ(read_text_file(parent + "/b/experiment.toml"), "2\n");
    EXPECT_FALSE(fs::exists(parent + "/a/left.csv"));
    EXPECT_FALSE(fs::exists(parent + "/a.partial"));

    const auto again = [&] { write_folders({{"c", {{"x", "3"}}}, {"b", {{"x", "3"}}}}, parent); };
    EXPECT_EQ(folder.error_of(again),
              "new/b: it exists already (an import replaces nothing) move it away, or choose another place with -o?");
    EXPECT_FALSE(fs::exists(parent + "/c"));
    EXPECT_FALSE(fs::exists(parent + "/c.partial"));
    EXPECT_EQ(read_text_file(parent + "/b/experiment.toml"), "2\n");
}

// ---- the releases themselves ----------------------------------------------------------------------------------------

using Import = std::vector<ExperimentFolder> (*)(const std::string& folder);

/// In the folders coherent_lar_2020, coherent_csi_2021 and dresden_ii_2022 of NUSCAN_TEST_DATA
class ImportedRelease : public ::testing::Test {
protected:
    //! Imports a release to the test's folder, or skips the test
    void import(Import function, const std::string& name) {
        const char* data = std::getenv("NUSCAN_TEST_DATA");
        release_ = data ? std::string(data) + "/" + name : "";
        if (!fs::is_directory(release_)) {
            GTEST_SKIP() << "needs the data release in the folder " << name << " of NUSCAN_TEST_DATA";
        }
        function_ = function;
        write_folders(function(release_), folder_.path().string());
    }

    Experiment experiment(const std::string& name) const {
        return read_experiment(folder_ / name + "/experiment.toml");
    }

    static std::vector<std::string> systematics(const Experiment& x) {
        std::vector<std::string> names;
        for (const Systematic& systematic : x.systematics) {
            names.push_back(systematic.name);
        }
        return names;
    }

    //! The Standard Model, fitted with all shapes at nominal. \param keys further ones of the scan's [[experiment]]
    ExperimentPoint fit(const std::string& file, const std::string& keys = "") const {
        std::string text = fmt::format("[[experiment]]\nfile = \"{}\"\n{}\n", folder_ / file, keys);
        for (const std::string& name : systematics(read_experiment(folder_ / file))) {
            text += fmt::format("systematics.{} = \"fixed\"\n", name);
        }
        return evaluate_point(read_point_config(folder_.write("scan.toml", text), {}, true)).experiments[0];
    }

    //! Nominal counts of the neutrinos in each bin. \param channel "" for all
    std::vector<double> signal(const std::string& file, const std::string& channel = "") const {
        const Experiment x = read_experiment(folder_ / file);
        std::vector<double> counts(x.counts.size());
        for (const Component& component : fit(file, "systematics.signal = \"fixed\"").components) {
            const bool background = std::any_of(x.backgrounds.begin(), x.backgrounds.end(),
                                                [&](const Background& b) { return b.name == component.name; });
            if (!background && component.name.ends_with(channel)) {
                std::transform(counts.begin(), counts.end(), component.counts.begin(), counts.begin(), std::plus<>());
            }
        }
        return counts;
    }

    //! The message for a copy of the release in which the text of a file is changed, or taken away where it is ""
    std::string error_of_copy(const std::string& file, const std::string& text) const {
        const test::TemporaryFolder copy;
        fs::copy(release_, copy / "release");
        fs::remove(copy / "release/" + file);
        if (!text.empty()) {
            copy.write("release/" + file, text);
        }
        return copy.error_of([&] { function_(copy / "release"); });
    }
    std::string text_of(const std::string& file) const { return read_text_file(release_ + "/" + file); }
    static std::string without_last_line(std::string text) {
        text.erase(text.find_last_of('\n', text.size() - 2) + 1);
        return text;
    }
    static std::string replaced(std::string text, const std::string& from, const std::string& to) {
        EXPECT_NE(text.find(from), std::string::npos);
        return text.replace(text.find(from), from.size(), to);
    }

    std::string release_;
    Import function_ = nullptr;
    test::TemporaryFolder folder_;
};

class CoherentLarRelease : public ImportedRelease {
protected:
    void SetUp() override { import(import_coherent_lar, "coherent_lar_2020"); }
};

TEST_F(CoherentLarRelease, has_the_counts_of_the_release) {
    for (const char* name : {"coherent-lar-2020", "coherent-lar-2020-templates"}) {
        const Experiment x = experiment(name);
        EXPECT_EQ(x.n_bins(), 960);
        EXPECT_EQ(sum(x.counts), 3752);
        EXPECT_EQ(x.counts[1], 44);
        EXPECT_NEAR(x.further[1].edges.front(), -0.1e-6, 1e-15);
        EXPECT_NEAR(x.further[1].edges.back(), 4.9e-6, 1e-15);
        std::map<std::string, double> sums;
        for (const Background& background : x.backgrounds) {
            sums[background.name] = sum(background.counts);
        }
        EXPECT_NEAR(sums["brn"], 497, 1e-4);
        EXPECT_NEAR(sums["brn-delayed"], 33, 1e-4);
        EXPECT_NEAR(sums["steady-state"], 3154, 1e-4);
        EXPECT_EQ(sums.count("cevns"), x.sources.empty());
        EXPECT_EQ(systematics(x),
                  (std::vector<std::string>{"cevns-f90", "cevns-timing", "brn-energy", "brn-timing", "brn-width"}));
    }
    const Experiment energy = experiment("coherent-lar-2020-energy");
    EXPECT_EQ(energy.n_bins(), 12);
    EXPECT_EQ(energy.counts[0], 180.88);
    EXPECT_EQ(energy.sigma[0], 37.3714);
    EXPECT_NEAR(sum(energy.backgrounds[0].counts), 497, 1e-4);
    EXPECT_EQ(systematics(energy), (std::vector<std::string>{"cevns-f90", "brn-energy"}));
}

/// Against a separate integration in numpy of the same figures: 50 recoils a keV, steps of 0.05 keV in the
/// efficiency, the spectra and times of decay at rest in closed form. The release has 128 ± 17.
TEST_F(CoherentLarRelease, predicts_coherent_scattering) {
    const std::vector<double> counts = signal("coherent-lar-2020/experiment.toml");
    EXPECT_NEAR(sum(counts), 120.776, 0.03);
    const double of_energy[] = {84.80521, 37.49645, 9.58014, 2.36906, 0.40122, 0.02498};
    const double of_time[] = {0.09618, 0.30768, 0.14519, 0.11521, 0.09176, 0.07308, 0.05821, 0.04636, 0.03692, 0.02941};
    std::vector<double> f90(8), time(10);
    for (std::size_t b = 0; b < counts.size(); ++b) {
        f90[b / 10 % 8] += counts[b];
        time[b % 10] += counts[b];
    }
    for (std::size_t t = 0; t < 10; ++t) {
        EXPECT_NEAR(time[t] / sum(counts), of_time[t], 2e-5) << t;
    }
    EXPECT_NEAR(f90[3] / sum(counts), 28.176 / 128, 0.003); // the release's own, of its prediction
    EXPECT_NEAR(f90[0] / sum(counts), 12.937 / 128, 0.01);

    EXPECT_NEAR(sum(signal("coherent-lar-2020-energy/experiment.toml")), 120.776, 0.03);
    const std::string all_times = replaced(read_text_file(folder_ / "coherent-lar-2020-energy/experiment.toml"),
                                           "\"-0.1 us\", \"4.9 us\"", "\"-1 us\", \"60 us\"");
    folder_.write("coherent-lar-2020-energy/all-times.toml", all_times);
    const std::vector<double> all = signal("coherent-lar-2020-energy/all-times.toml");
    EXPECT_NEAR(sum(all), 134.677, 0.03);
    for (std::size_t e = 0; e < 6; ++e) {
        EXPECT_NEAR(all[e], of_energy[e], 1e-3 * of_energy[e] + 1e-3) << e;
    }
}

/// With nominal shapes a separate fit finds 159.7 ± 42.6 events, 552.1 and 10.5 neutrons and 3133.2 of the steady-state
/// background; the release has 159 ± 43, 553, 10 and 3131.
TEST_F(CoherentLarRelease, is_fitted_as_the_release_is) {
    const ExperimentPoint point = fit("coherent-lar-2020-templates/experiment.toml");
    const struct {
        const char* name;
        double nominal, counts;
    } expected[] = {
        {"cevns", 128, 159.7}, {"brn", 497, 552.1}, {"brn-delayed", 33, 10.5}, {"steady-state", 3154, 3133.2}};
    ASSERT_GE(point.pulls.size(), 4u);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(point.pulls[i].name, expected[i].name);
        EXPECT_NEAR(point.pulls[i].value * expected[i].nominal, expected[i].counts, 0.1);
    }
    EXPECT_NEAR(point.pulls[0].error * 128, 42.6, 0.1);
}

TEST_F(CoherentLarRelease, refuses_an_altered_release) {
    const std::string brn = text_of("brnpdf.txt");
    const std::string anew = " take the file anew from https://doi.org/10.5281/zenodo.3903810?";
    EXPECT_EQ(error_of_copy("brnpdf.txt", brn), "");
    EXPECT_EQ(error_of_copy("brnpdf.txt", ""), "release/brnpdf.txt: the file is missing (the release has it) take it "
                                               "from https://doi.org/10.5281/zenodo.3903810?");
    EXPECT_EQ(error_of_copy("brnpdf.txt", without_last_line(brn)),
              "release/brnpdf.txt: the file has 959 rows (the release has 960)" + anew);
    EXPECT_EQ(error_of_copy("brnpdf.txt", replaced(brn, "9.47177", "9.57177")),
              "release/brnpdf.txt: column 4 adds up to 497.09999307 (in the release to 496.99999307)" + anew);
    EXPECT_EQ(
        error_of_copy("brnpdf.txt", replaced(brn, "5 0.525 0.65", "5 0.525 0.15")),
        "release/brnpdf.txt:2: the time [us] = 0.15 is not the centre of the row's bin (in the release it is 0.65)");
    EXPECT_EQ(error_of_copy("LArParametersAnlA.yaml", replaced(text_of("LArParametersAnlA.yaml"), "13.8", "14.8")),
              "release/LArParametersAnlA.yaml:3: beamExposure = 14.8 (in the release it is 13.8)" + anew);
}

class CoherentCsiRelease : public ImportedRelease {
protected:
    void SetUp() override { import(import_coherent_csi, "coherent_csi_2021"); }
};

TEST_F(CoherentCsiRelease, has_the_events_of_the_release) {
    const Experiment x = experiment("coherent-csi-2021");
    EXPECT_EQ(x.n_bins(), 13 * 17);
    EXPECT_EQ(sum(x.counts), 1567);
    ASSERT_EQ(x.backgrounds.size(), 3u);
    EXPECT_NEAR(sum(x.backgrounds[0].counts), 1291, 1e-4);
    EXPECT_NEAR(sum(x.backgrounds[1].counts), 18.26, 0.02); // 18.4 and 5.6 without the efficiency in time
    EXPECT_NEAR(sum(x.backgrounds[2].counts), 5.165, 0.02);
    for (const double expected : x.backgrounds[0].counts) {
        EXPECT_GT(expected, 0);
    }
}

/// Against a separate integration in numpy of the same figures: 124 recoils a keV, efficiency in steps of 0.1, the
/// incomplete gamma function, times in closed form. The publication has 341 ± 42 events.
TEST_F(CoherentCsiRelease, predicts_coherent_scattering) {
    EXPECT_NEAR(sum(signal("coherent-csi-2021/experiment.toml")), 316.09, 0.15);
    const ExperimentPoint point = fit("coherent-csi-2021/experiment.toml", "systematics.signal = \"free\"");
    ASSERT_EQ(point.pulls.back().name, "signal");
    EXPECT_NEAR(point.pulls.back().value * 316.09, 302.04, 0.1); // a separate minimisation; published are 306 ± 20
}

TEST_F(CoherentCsiRelease, refuses_an_altered_release) {
    const std::string anew = " take the file anew from https://arxiv.org/src/2110.07730/anc?";
    EXPECT_EQ(error_of_copy("dataBeamOnC.txt", without_last_line(text_of("dataBeamOnC.txt"))),
              "release/dataBeamOnC.txt: the file has 5141 rows (the release has 5142)" + anew);
    EXPECT_EQ(error_of_copy("effCoefficients.txt", replaced(text_of("effCoefficients.txt"), "1.32045", "1.33045")),
              "release/effCoefficients.txt: column 1 adds up to 3.97135 (in the release to 3.96135)" + anew);
    EXPECT_EQ(error_of_copy("ninTrec.txt", replaced(text_of("ninTrec.txt"), "-0.235 ", "-0.225 ")),
              "release/ninTrec.txt:2: the time [us] = -0.225 is not the centre of the row's bin (in the release it is "
              "-0.235)");
}

class DresdenRelease : public ImportedRelease {
protected:
    void SetUp() override { import(import_dresden_ii, "dresden_ii_2022"); }
};

/// The first bin, of a day: by a separate integration in numpy, with 40000 recoil energies and rates of each from the
/// spectra's own integrals, with F = 1, with Helm's form factor, and with that and the radiative couplings of ν_e. 1.2
/// antineutrinos a fission come from captures.
TEST_F(DresdenRelease, predicts_coherent_scattering) {
    const struct {
        const char* name;
        double unity, helm, radiative;
    } expected[] = {{"dresden-ii-fef", 17.011, 16.888, 16.857},
                    {"dresden-ii-ybe", 11.185, 11.1016, 11.081},
                    {"dresden-ii-lindhard", 4.9245, 4.8833, 4.8742}};
    for (const auto& [name, unity, helm, radiative] : expected) {
        const Experiment x = experiment(name);
        EXPECT_EQ(x.n_bins(), 130);
        EXPECT_NEAR(x.counts[0], 92.851 * 96.4 * 2.924 / 3, 1e-4);
        EXPECT_NEAR(x.sigma[0], 15.057 * 96.4 * 2.924 / 3, 1e-4);
        EXPECT_EQ(x.channels.size(), 2u);
        ASSERT_EQ(x.backgrounds.size(), 3u);
        EXPECT_NEAR(sum(x.backgrounds[0].counts) + sum(x.backgrounds[1].counts) + sum(x.backgrounds[2].counts),
                    171300 + 155700 + 145300, 1);
        EXPECT_EQ(systematics(x), std::vector<std::string>{"epithermal-scale"});
        const std::string file = std::string(name) + "/experiment.toml";
        const auto first_bin = [&](const std::string& from, const std::string& to) {
            const std::string other = std::string(name) + "/other.toml";
            folder_.write(other, replaced(read_text_file(folder_ / file), from, to));
            return signal(other, "(nucleus)")[0] / 96.4;
        };
        EXPECT_NEAR(first_bin("\"nucleus\"\n", "\"nucleus\"\nform_factor = \"unity\"\n"), unity, 3e-4 * unity) << name;
        EXPECT_NEAR(signal(file, "(nucleus)")[0] / 96.4, helm, 3e-4 * helm) << name;
        EXPECT_NEAR(first_bin("statistic = ", "couplings = \"radiative\"\nstatistic = "), radiative, 3e-4 * radiative)
            << name;
        EXPECT_TRUE(x.notes.empty()) << x.notes[0];
        EXPECT_GT(sum(signal(file, "(electron)")), 0);
    }
}

TEST_F(DresdenRelease, refuses_an_altered_release) {
    const std::string anew = " take the file anew from https://arxiv.org/src/2202.09672/anc?";
    EXPECT_EQ(error_of_copy("data_release.txt", replaced(text_of("data_release.txt"), "92.851", "92.850")),
              "release/data_release.txt: column 2 adds up to 5106.252 (in the release to 5106.253)" + anew);
    EXPECT_EQ(error_of_copy("spectraMeVU238Ncapture.txt", ""),
              "release/spectraMeVU238Ncapture.txt: the file is missing (the release has it) take it from "
              "https://arxiv.org/src/2202.09672/anc?");
}

} // namespace
} // namespace nuscan
