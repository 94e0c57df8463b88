// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "accuracy.hpp"
#include "experiments/experiment_file.hpp"
#include "response/recoil_nodes.hpp"
#include "temporary_folder.hpp"

/// Predictions from moments against the literal reference for every source and target that is shipped, in experiment
/// files as users write them: 1e-8 of every bin.
///
/// All pairs would take an hour. Every source is seen on a light and a heavy nucleus and on the electrons of a light
/// and a heavy atom; every target by the hardest neutrinos of the Sun on its nuclei and by lines on its electrons, with
/// stepping and with equivalent photons. test_accuracy.cpp has the responses, form factors and couplings. Builds with
/// sanitizers, ten times slower, leave out the sources on which the reference takes seconds.
namespace nuscan::testing {
namespace {

constexpr double keV = 1e-3;

#ifdef NUSCAN_SANITIZED
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

struct Case {
    std::string name;
    std::string source; //!< its [[source]]
    std::string target; //!< the keys of [target]
    std::string channel;
    std::string more = ""; //!< further variables of the bins
    bool fine = false;     //!< the spectrum has so many knots, or phases, that the reference takes seconds
};

// ---- what users write -------------------------------------------------------------------------------------------

std::string solar(const std::string& component) {
    return fmt::format("[[source]]\ntype = \"solar\"\ncomponents = {}\n", component);
}

std::string reactor(const std::string& low_energy, const std::string& keys) {
    return fmt::format("[[source]]\ntype = \"reactor\"\nname = \"core\"\nspectrum = \"huber-mueller\"\n"
                       "low_energy = \"{}\"\n{}\n",
                       low_energy, keys);
}

std::string electron_capture(const std::string& isotope) {
    return fmt::format("[[source]]\ntype = \"electron-capture\"\nname = \"lines\"\nisotope = \"{}\"\n"
                       "activity = \"3 MCi\"\nbaseline = \"1 m\"\n",
                       isotope);
}

const char* const pion_decay = R"([[source]]
type = "pion-decay-at-rest"
name = "beam"
protons_on_target = 1.4e23
neutrinos_per_proton = 0.09
baseline = "27.5 m"
pulse = { sigma = "0.15 us", onset = "0.55 us" }
)";

const char* const time_bins = "[[bins.further]]\nname = \"time\"\nedges = [0, \"0.5 us\", \"1.2 us\", \"6 us\"]\n";

const char* const nucleus = "scattering = \"nucleus\"\nquenching = { model = \"lindhard\" }\n";
const char* const stepping = "scattering = \"electron\"\n";
const char* const equivalent_photon = "scattering = \"electron\"\natomic = \"epa\"\n";

std::string nuclide(const std::string& name) { return fmt::format("nuclide = \"{}\"", name); }
std::string element(const std::string& symbol) { return fmt::format("element = \"{}\"", symbol); }
std::string formula(const std::string& compound) { return fmt::format("formula = \"{}\"", compound); }

// ---- bins -------------------------------------------------------------------------------------------------------

//! The largest visible energy [MeV]
double highest_visible(const Experiment& x) {
    double highest = 0;
    for (const Source& source : x.sources) {
        if (x.channels[0].target == Target::electron) {
            highest = std::max(highest, largest_recoil(source, constants::electron_mass));
        }
        for (const TargetNuclide& t : x.target.nuclides) {
            if (x.channels[0].target == Target::nucleus) {
                const double T = largest_recoil(source, t.nuclide.mass);
                highest = std::max(highest, reference_visible_energy(x.channels[0].quenching, &t.nuclide, T));
            }
        }
    }
    return highest;
}

std::string quoted_energies(const std::vector<double>& energies) {
    std::vector<std::string> words;
    for (const double E : energies) {
        words.push_back(fmt::format("\"{} MeV\"", E));
    }
    return fmt::format("[{}]", fmt::join(words, ", "));
}

class Shipped : public ::testing::TestWithParam<Case> {
protected:
    /// Edges of energy bins [MeV] with all inside that is sharp: the recoil from which electrons or nuclei count,
    /// shells, and the largest recoils of lines and spectra.
    static std::vector<double> edges_of(const Experiment& x) {
        const double highest = highest_visible(x);
        if (x.channels[0].target == Target::nucleus) {
            return {0, 0.07 * highest, 0.23 * highest, 0.7 * highest, 1.3 * highest};
        }
        // Photoabsorption ends at 30 keV. Between 40 keV and the end of a fine spectrum there is nothing but its knots.
        const bool whole = x.channels[0].atomic == AtomicModel::stepping && !GetParam().fine;
        return {0.3 * keV, 3 * keV, 8 * keV, 40 * keV, whole ? 1.2 * highest : 60 * keV};
    }

    Experiment read(const std::vector<double>& edges) const {
        const Case& c = GetParam();
        // A threshold and a knee, in the middle of bins
        folder_.write("efficiency.csv",
                      fmt::format("energy_MeV,efficiency\n{},0\n{},0.8\n{},0.9\n", (edges[0] + edges[1]) / 2,
                                  (edges[1] + edges[2]) / 2, edges.back()));
        std::vector<int> counts((edges.size() - 1) * (c.more.empty() ? 1 : 3), 1);
        const double sigma = 0.1 * std::sqrt(edges.back()); // a tenth at the end of the bins
        return read_experiment(folder_.write(
            "experiment.toml",
            fmt::format("name = \"shipped\"\ntitle = \"\"\ncitation = \"\"\n[exposure]\nmass = \"10 kg\"\n"
                        "live_time = \"1 yr\"\n[target]\n{}\n[[channel]]\n{}\n[response]\n"
                        "resolution = {{ sqrt = \"{} MeV^1/2\", constant = \"{} MeV\" }}\n"
                        "efficiency = \"efficiency.csv\"\nefficiency_in = \"reconstructed\"\n"
                        "[bins]\nedges = {}\ncounts = [{}]\n{}\n{}",
                        c.target, c.channel, sigma, 0.01 * edges[1], quoted_energies(edges), fmt::join(counts, ", "),
                        c.more, c.source)));
    }

    test::TemporaryFolder folder_;
};

TEST_P(Shipped, is_predicted_to_1e_8_of_every_bin) {
    const Experiment x = read(edges_of(read({0, 1 * keV, 2 * keV})));
    Random random(61);
    const ReferencePoint p = x.channels[0].target == Target::nucleus
                                 ? random_nuclear_point(random, x.bin_edges[2], x.target.nuclides[0].nuclide.mass)
                                 : random_point(random, 3 * keV);
    const double largest = expect_accurate(x, p, EnergyNodes::left_out);
    RecordProperty("largest_deviation", fmt::format("{:.1e}", largest));
}

std::string name_of(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

std::vector<Case> sources() {
    struct SourceOf {
        const char* name;
        std::string text;
        bool fine = false;
    };
    const char* exact = "power = \"2.96 GW\"\npropagation = \"exact\"\nbaseline = ";
    const SourceOf all[] = {
        {"pp", solar("[\"pp\"]")},
        {"pep", solar("[\"pep\"]")},
        {"hep", solar("[\"hep\"]")},
        {"Be7", solar("[\"7Be\"]")},
        {"B8", solar("[\"8B\"]")},
        {"N13", solar("[\"13N\"]")},
        {"O15", solar("[\"15O\"]")},
        {"F17", solar("[\"17F\"]")},
        {"reactor_vogel_engel", reactor("vogel-engel", "power = \"2.96 GW\"\nbaseline = \"20 m\"")},
        {"reactor_kopeikin", reactor("kopeikin", "flux = \"4.8e13 cm^-2 s^-1\"")},
        {"reactor_above_2_MeV", reactor("none", "flux = \"1e13 cm^-2 s^-1\"")},
        {"reactor_exact_50_m", reactor("vogel-engel", exact + std::string("\"50 m\"")), true},
        {"reactor_exact_1_km", reactor("vogel-engel", exact + std::string("\"1 km\"")), true},
        {"pion_decay", pion_decay, true},
        {"Cr51", electron_capture("51Cr")},
        {"Ar37", electron_capture("37Ar")},
    };
    std::vector<Case> cases;
    for (const auto& [name, source, fine] : all) {
        if (fine && sanitized) {
            continue;
        }
        const std::string more = source == pion_decay ? time_bins : "";
        const auto add = [&](const char* on, const std::string& target, const char* channel) {
            cases.push_back({fmt::format("{}_on_{}", name, on), source, target, channel, more, fine});
        };
        add("F19", nuclide("F19"), nucleus);
        add("I127", nuclide("I127"), nucleus);
        add("electrons_of_Ar", element("Ar"), stepping);
        add("electrons_of_Xe", element("Xe"), stepping);
    }
    return cases;
}

INSTANTIATE_TEST_SUITE_P(Sources, Shipped, ::testing::ValuesIn(sources()), name_of);

std::vector<Case> targets() {
    std::vector<Case> cases;
    for (const char* symbol :
         {"C", "O", "F", "Na", "Al", "Si", "Ar", "Ca", "Zn", "Ge", "Te", "I", "Cs", "Xe", "W", "Pb", "CsI", "CaWO4"}) {
        const std::string target = formula(symbol);
        cases.push_back({std::string(symbol) + "_nuclei", solar("[\"hep\"]"), target, nucleus});
        cases.push_back({std::string(symbol) + "_electrons", electron_capture("51Cr"), target, stepping});
        cases.push_back({std::string(symbol) + "_epa", electron_capture("51Cr"), target, equivalent_photon});
    }
    return cases;
}

INSTANTIATE_TEST_SUITE_P(Targets, Shipped, ::testing::ValuesIn(targets()), name_of);

} // namespace
} // namespace nuscan::testing
