// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "accuracy.hpp"
#include "experiments/experiment_file.hpp"
#include "experiments/quenching.hpp"
#include "temporary_folder.hpp"

/// Predictions from moments and by the direct method against the literal reference: 1e-8 of every bin, over kinds of
/// sources × targets × responses, with thresholds, edges and lines inside the bins.
namespace nuscan::testing {
namespace {

constexpr double keV = 1e-3;

// ---------------------------------------------------------------------------------------------------------------------
// Building blocks of small experiments

enum class SourceKind { lines, continuous, solar, exact, decohered };
enum class TargetKind { stepping, free_electrons, equivalent_photon, one_nuclide, mixture, klein_nystrand };
using Smearing = EnergyResponse::Smearing;

bool is_nuclear(TargetKind kind) {
    return kind == TargetKind::one_nuclide || kind == TargetKind::mixture || kind == TargetKind::klein_nystrand;
}

//! A spectrum of a few knots, with a kink inside and a step at its beginning, from 0 to \p highest
Table spectrum(double highest) {
    Table t{{0.02 * highest, 0.15 * highest, 0.4 * highest, 0.7 * highest, highest}, {0.5, 1, 0.7, 0.2, 0}};
    double sum = 0;
    for (std::size_t i = 0; i + 1 < t.x.size(); ++i) {
        sum += (t.x[i + 1] - t.x[i]) * (t.y[i] + t.y[i + 1]) / 2;
    }
    for (double& y : t.y) {
        y /= sum;
    }
    return t;
}

//! Energies that suit the target: MeV for electrons, tens of MeV for nuclei
Source source(SourceKind kind, bool nuclear) {
    const double E = nuclear ? 53 : 4;
    Source s;
    s.name = "source";
    s.flux = 1e12;
    switch (kind) {
    case SourceKind::lines: // the second one ends in the middle of a bin
        s.flavour = Flavour::mu;
        s.lines = nuclear ? std::vector<SpectralLine>{{29.79, 0.7}, {17, 0.3}}
                          : std::vector<SpectralLine>{{0.862, 0.9}, {0.06, 0.1}};
        break;
    case SourceKind::continuous:
        s.antineutrino = true;
        s.spectrum = spectrum(E);
        break;
    case SourceKind::solar:
        s.propagation = Propagation::solar;
        s.spectrum = spectrum(nuclear ? 30 : 4);
        s.zones = {{92.5, 0.7}, {40, 0.3}};
        break;
    case SourceKind::exact: // phases of some turns, with a line beside the continuous part
        s.flavour = Flavour::mu;
        s.antineutrino = true;
        s.propagation = Propagation::exact;
        s.baseline = nuclear ? 2e4 : 900;
        s.spectrum = spectrum(E);
        for (double& y : s.spectrum.y) {
            y *= 0.6;
        }
        s.lines = {{0.37 * E, 0.4}};
        break;
    case SourceKind::decohered:
        s.flavour = Flavour::tau;
        s.propagation = Propagation::decohered;
        s.spectrum = spectrum(E);
        break;
    }
    return s;
}

const Nuclide caesium{"Cs133", 55, 133, 123801.6, 1, 3.5, 4.821, 5.09, ""};
const Nuclide iodine{"I127", 53, 127, 118183.7, 1, 2.5, 4.766, 5.03, ""};

Experiment experiment(SourceKind kind, TargetKind target) {
    const bool nuclear = is_nuclear(target);
    Experiment x;
    x.name = "small";
    x.sources = {source(kind, nuclear)};
    x.live_time = 1e7;
    x.target.units = 1e27;
    Channel channel;
    if (nuclear) {
        channel = nuclear_channel(target == TargetKind::one_nuclide ? NuclearFormFactor::helm
                                  : target == TargetKind::mixture   ? NuclearFormFactor::symmetrised_fermi
                                                                    : NuclearFormFactor::klein_nystrand,
                                  true);
        x.target.nuclides = {{iodine, 1}};
        if (target == TargetKind::mixture) {
            x.target.nuclides.push_back({caesium, 1});
            x.couplings = CouplingScheme::radiative;
        }
    } else {
        x.target.shells = {{2, 5.1 * keV}, {8, 1.2 * keV}, {18, 0.05 * keV}};
        x.target.n_electrons = 28;
        channel.name = "electron";
        if (target == TargetKind::free_electrons) {
            channel.atomic = AtomicModel::free_electrons;
            x.couplings = CouplingScheme::radiative;
        } else if (target == TargetKind::equivalent_photon) {
            channel.atomic = AtomicModel::equivalent_photon;
            channel.photoabsorption = {{0.02 * keV, 1.2 * keV, 1.20001 * keV, 5.1 * keV, 5.10001 * keV, 14 * keV},
                                       {1e-17, 3e-19, 6e-19, 2e-20, 9e-20, 5e-21}};
            channel.weak_correction = {{1 * keV, 3 * keV, 9 * keV}, {0.7, 1.6, 1}};
            channel.magnetic_correction = {{0.5 * keV, 7 * keV}, {0.8, 1}};
        }
    }
    x.channels = {channel};
    // Half open to zero; the last bin reaches beyond the end of some spectra.
    x.bin_edges = nuclear ? std::vector<double>{0.5 * keV, 3 * keV, 8 * keV, 25 * keV, 60 * keV}
                          : std::vector<double>{0.5 * keV, 2 * keV, 4.9 * keV, 11 * keV, 30 * keV};
    x.counts.assign(4, 1);
    return x;
}

void set_smearing(Experiment& x, Smearing smearing, bool none) {
    EnergyResponse& r = x.response;
    r.smearing = smearing;
    const double last = x.bin_edges.back();
    switch (smearing) {
    case Smearing::gaussian:
        r.efficiency = {{0.4 * keV, 0.2 * last, 0.5 * last, 0.9 * last}, {0.1, 0.8, 0.9, 0.7}};
        if (!none) {
            r.sqrt_term = 0.2 * std::sqrt(keV);
            r.constant_term = 0.05 * keV;
            r.linear_term = 0.02;
            r.in_quadrature = is_nuclear(TargetKind::one_nuclide) == (x.channels[0].target == Target::nucleus);
        }
        return;
    case Smearing::poisson:
    case Smearing::gamma:
        r.light_yield = 5 / keV;
        r.gamma_shape = smearing == Smearing::gamma ? 0.7 / keV : 0;
        for (double& edge : x.bin_edges) {
            edge = std::round(2 * edge * r.light_yield) / 2; // some of them between two integers
        }
        r.efficiency = {{3, 12, 60, 5 * last / keV}, {0, 0.6, 0.9, 0.9}};
        return;
    case Smearing::matrix:
        r.matrix_x = {0.3 * keV, 1 * keV, 3 * keV, 10 * keV, 25 * keV, 70 * keV};
        r.matrix = {0.2, 0, 0, 0, 0.6, 0.1, 0, 0, 0.2, 0.6, 0.1, 0, 0, 0.1, 0.8, 0, 0, 0, 0.2, 0.7, 0, 0, 0, 0.1};
        r.efficiency = {{0.2 * keV, 2 * keV, 80 * keV}, {0.3, 0.8, 1}};
        r.efficiency_of = EnergyResponse::EfficiencyOf::visible;
        return;
    }
}

//! Model \p i of quenching, with bins moved along so that they hold counts
void set_quenching(Experiment& x, int i) {
    Quenching& q = x.channels[0].quenching;
    if (i == 0 || x.channels[0].target == Target::electron) {
        return;
    }
    if (i == 1) {
        q.model = Quenching::Model::lindhard;
    } else if (i == 2) {
        q.model = Quenching::Model::polynomial;
        q.coefficients = {0.055, 4.3, -20};
    } else if (i == 3) {
        q.model = Quenching::Model::table;
        q.factor = {{0, 4 * keV, 30 * keV, 60}, {0.08, 0.15, 0.2, 0.25}};
    } else {
        q.model = Quenching::Model::table; // falls between 4 and 6 keV, through an edge
        q.factor = {{0, 4 * keV, 6 * keV, 30 * keV, 60}, {0.08, 0.2, 0.08, 0.2, 0.25}};
    }
    for (double& edge : x.bin_edges) {
        edge *= 0.2;
    }
}

//! A point at which charge, radius and moments are felt in an experiment's bins
ReferencePoint point(Random& random, const Experiment& x) {
    const bool nuclear = x.channels[0].target == Target::nucleus;
    return nuclear ? random_nuclear_point(random, 10 * keV, iodine.mass) : random_point(random, 3 * keV);
}

// ---------------------------------------------------------------------------------------------------------------------

class Accuracy : public ::testing::TestWithParam<std::tuple<SourceKind, TargetKind>> {
protected:
    void TearDown() override { RecordProperty("largest_deviation", std::to_string(worst_ * 1e9) + "e-9"); }

    double worst_ = 0;
};

//! Each source on each target, under every response, with the models of quenching in turn
TEST_P(Accuracy, of_every_response) {
    const auto [kind, target] = GetParam();
    Random random(51);
    int turn = static_cast<int>(kind) + static_cast<int>(target);
    const std::pair<Smearing, bool> smearings[] = {{Smearing::gaussian, true},
                                                   {Smearing::gaussian, false},
                                                   {Smearing::poisson, false},
                                                   {Smearing::gamma, false},
                                                   {Smearing::matrix, false}};
    for (const auto& [smearing, none] : smearings) {
        Experiment x = experiment(kind, target);
        const int quenching = turn++ % 5;
        set_quenching(x, quenching);
        set_smearing(x, smearing, none);
        SCOPED_TRACE("smearing " + std::to_string(static_cast<int>(smearing)) + (none ? " none" : "") + " quenching " +
                     std::to_string(quenching));
        for (const ReferencePoint& p : {point(random, x), reference_point(NeutrinoConfig{}, {}, {})}) {
            worst_ = std::max(worst_, expect_accurate(x, p));
        }
    }
}

std::string name_of(const ::testing::TestParamInfo<std::tuple<SourceKind, TargetKind>>& info) {
    const char* sources[] = {"lines", "continuous", "solar", "exact", "decohered"};
    const char* targets[] = {"stepping",    "free_electrons", "equivalent_photon",
                             "one_nuclide", "mixture",        "klein_nystrand"};
    return std::string(sources[static_cast<int>(std::get<0>(info.param))]) + "_on_" +
           targets[static_cast<int>(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(Small, Accuracy,
                         ::testing::Combine(::testing::Values(SourceKind::lines, SourceKind::continuous,
                                                              SourceKind::solar, SourceKind::exact,
                                                              SourceKind::decohered),
                                            ::testing::Values(TargetKind::stepping, TargetKind::free_electrons,
                                                              TargetKind::equivalent_photon, TargetKind::one_nuclide,
                                                              TargetKind::mixture, TargetKind::klein_nystrand)),
                         name_of);

//! Both channels, several sources, bins in time and in a shape variable, total radii: all that adds
TEST(AccuracyOfAll, together) {
    Random random(52);
    Experiment x = experiment(SourceKind::lines, TargetKind::mixture);
    x.channels.push_back(experiment(SourceKind::lines, TargetKind::stepping).channels[0]);
    x.target.shells = {{2, 5.1 * keV}, {8, 1.2 * keV}};
    x.channels[0].quenching.model = Quenching::Model::lindhard;
    x.channels[0].efficiency = {{0, 20 * keV, 60}, {0, 0.9, 0.9}};
    x.sources.push_back(source(SourceKind::continuous, true));
    x.sources.push_back(source(SourceKind::decohered, true));
    set_smearing(x, Smearing::gaussian, false);
    x.further = {{"time", {0, 1e-6, 2.5e-6, 6e-6}}, {"F90", {0, 0.5, 1}}};
    x.counts.assign(24, 1);
    x.sources[0].arrival = {{0.2e-6, 0.6e-6, 1.4e-6}, {0, 1.6667e6, 0}};
    x.sources[1].arrival = {{0, 0.5e-6, 9e-6}, {0, 4e5, 0}};
    x.response.time_efficiency = {{0, 5e-6}, {1, 0.4}};
    x.channels[0].shares = {{}, {0.1, 0.9, 0.2, 0.8, 0.25, 0.7, 0.3, 0.7}};
    expect_accurate(x, point(random, x));

    NeutrinoConfig total;
    total.charge_radius_mode = ChargeRadiusMode::total;
    expect_accurate(x, reference_point(total, {}, {}));
}

//! Charges so large that 1/T² rules the first bin, which is open to zero
TEST(AccuracyOfAll, where_the_spectrum_diverges) {
    for (const TargetKind target :
         {TargetKind::stepping, TargetKind::free_electrons, TargetKind::equivalent_photon, TargetKind::one_nuclide}) {
        for (const bool none : {true, false}) {
            Experiment x = experiment(SourceKind::decohered, target);
            set_smearing(x, Smearing::gaussian, none);
            x.response.efficiency = {};
            x.bin_edges[0] = 0;
            Random random(53);
            ReferencePoint p = point(random, x);
            p.charge *= 100;
            expect_accurate(x, p);
        }
    }
}

/// Photoabsorption that crosses stepping at neutrino energies inside the spectra: from one side, from the other, at two
/// energies that meet, and at those of lines
TEST(AccuracyOfAll, where_equivalent_photons_take_over) {
    Random random(54);
    // In units of the one that gives as much as stepping does, all shells being open, where ln(E/m_ν) is 14 and T ≪ E
    for (const auto& [first, last] : {std::pair(1.6, 0.8), {0.8, 1.6}, {1.02, 0.98}, {0.9, 1.02}, {1.05, 1.04}}) {
        for (const SourceKind kind :
             {SourceKind::lines, SourceKind::continuous, SourceKind::exact, SourceKind::solar}) {
            SCOPED_TRACE("from " + std::to_string(first) + " to " + std::to_string(last) + " with source " +
                         std::to_string(static_cast<int>(kind)));
            Experiment x = experiment(kind, TargetKind::equivalent_photon);
            x.channels[0].photoabsorption = {};
            const auto add = [&](double T, double share) {
                const double n = T > 5.1 * keV ? 28 : (T > 1.2 * keV ? 26 : 18);
                const double equal =
                    n * electron_kernels(1e3, 1e-9, 1).C1 / equivalent_photon_kernel(std::exp(14) * 1e-6, T, 1);
                x.channels[0].photoabsorption.x.push_back(T);
                x.channels[0].photoabsorption.y.push_back(share * equal);
            };
            for (const double T : {0.06, 0.5, 1.199, 1.2001, 2.2, 3.1, 5.099, 5.1001, 6.3, 8.0, 11.0, 14.0}) {
                add(T * keV, first + (last - first) * T / 14);
            }
            set_smearing(x, Smearing::gaussian, false);
            ReferencePoint p = point(random, x);
            p.charge *= 10; // the term that matters
            expect_accurate(x, p);
        }
    }
}

/// Two energies at which equivalent photons and stepping give the same come up at once: at 5.089 keV, of 3 to 5.2 keV
/// that have no other kink below the shell at 5.1 keV.
///
/// Expected is a separate integration in numpy: the crossings by bisection, 40 Gauss-Legendre points in each quarter of
/// the neutrino energies between them, 8 on each of up to 700 equal panels in recoil energy, divided at 5.08 keV.
TEST(AccuracyOfAll, where_stepping_sets_in_inside_a_wide_panel) {
    Experiment x = experiment(SourceKind::decohered, TargetKind::equivalent_photon);
    x.sources[0].propagation = Propagation::short_baseline;
    x.channels[0].magnetic_correction = {};
    set_smearing(x, Smearing::matrix, false);
    x.response.efficiency = {{3 * keV, 5.2 * keV}, {1, 1}};
    ReferencePoint p = reference_point(NeutrinoConfig{}, {}, {});
    p.charge = Eigen::Matrix3cd::Identity() * 6e-12;
    const std::vector<double> expected{429.36717151, 1311.8340726, 404.54404999, 0};
    const std::vector<double> reference = reference_signal(x, p, 1e-11), moments = predict(x, p, false).moments;
    for (std::size_t b = 0; b < expected.size(); ++b) {
        EXPECT_NEAR(reference[b], expected[b], 1e-10 * expected[b]) << b;
        EXPECT_NEAR(moments[b], expected[b], 1e-10 * expected[b]) << b;
    }
}

//! The whole of a bin in the ramp of a shell's edge, 1e-5 keV wide, in which stepping is left behind
TEST(AccuracyOfAll, of_an_edge_alone) {
    for (const SourceKind kind : {SourceKind::continuous, SourceKind::exact, SourceKind::solar}) {
        Experiment x = experiment(kind, TargetKind::equivalent_photon);
        set_smearing(x, Smearing::matrix, false);
        x.response.efficiency = {{5.1 * keV, 5.10001 * keV}, {1, 1}};
        Random random(57);
        ReferencePoint p = point(random, x);
        p.charge *= 10;
        expect_accurate(x, p, true, 1e-9);
    }
}

/// Between two rows T σ_γ has its largest value, or its least, where equivalent photons and stepping come to give the
/// same: at recoil energies on both sides, however little they go beyond.
TEST(AccuracyOfAll, where_equivalent_photons_come_and_go_between_rows) {
    const double T0 = 3.7 * keV,
                 equal = 26 * electron_kernels(1e3, 1e-9, 1).C1 / equivalent_photon_kernel(std::exp(14) * 1e-6, T0, 1);
    for (const double beyond : {1e-5, 1e-3, 1e-2, 0.1}) {
        for (const SourceKind kind : {SourceKind::lines, SourceKind::continuous, SourceKind::solar}) {
            SCOPED_TRACE("beyond by " + std::to_string(beyond) + " with source " +
                         std::to_string(static_cast<int>(kind)));
            Experiment x = experiment(kind, TargetKind::equivalent_photon);
            // σ_γ = σ_0 (2 − T/T_0) has T σ_γ largest at T_0. At lines the logarithm is another.
            const double logarithm = kind == SourceKind::lines ? std::log(0.862e6) : std::log(4e6);
            const double sigma = equal * 14 / logarithm * (1 + beyond);
            x.channels[0].photoabsorption = {{1.3 * keV, 5 * keV},
                                             {sigma * (2 - 1.3 * keV / T0), sigma * (2 - 5 * keV / T0)}};
            set_smearing(x, Smearing::matrix, false);
            Random random(58);
            ReferencePoint p = point(random, x);
            p.charge *= 10;
            expect_accurate(x, p);
        }
    }
}

//! Published quenching factors may fall faster than 1/T: bin edges that are crossed three times, the extremes of the
//! visible energy inside bins, a table that ends in zero
TEST(AccuracyOfAll, where_the_visible_energy_falls) {
    const Table tables[] = {{{0, 5 * keV, 9 * keV, 20 * keV, 60}, {0.1, 0.35, 0.12, 0.16, 0.2}},
                            {{0, 2 * keV, 5 * keV, 5.3 * keV, 20 * keV, 30 * keV}, {0.5, 0.4, 0.35, 0.15, 0.2, 0}},
                            {{1 * keV, 2 * keV, 15 * keV}, {0.8, 0.5, 0.01}}};
    const std::pair<Smearing, bool> smearings[] = {{Smearing::gaussian, true},
                                                   {Smearing::gaussian, false},
                                                   {Smearing::poisson, false},
                                                   {Smearing::gamma, false},
                                                   {Smearing::matrix, false}};
    Random random(55);
    for (std::size_t i = 0; i < std::size(tables); ++i) {
        for (const auto& [smearing, none] : smearings) {
            for (const double lowest : {0., 0.1}) {
                Experiment x = experiment(i == 1 ? SourceKind::lines : SourceKind::continuous, TargetKind::mixture);
                x.channels[0].quenching = {Quenching::Model::table, 0, {}, tables[i]};
                x.bin_edges = {lowest * keV, 0.9 * keV, 1.2 * keV, 1.6 * keV, 7 * keV};
                set_smearing(x, smearing, none);
                SCOPED_TRACE("table " + std::to_string(i) + " smearing " + std::to_string(static_cast<int>(smearing)) +
                             (none ? " none" : ""));
                expect_accurate(x, point(random, x));
            }
        }
    }
}

//! The same, where the resolution is far finer than the fall, and far coarser
TEST(AccuracyOfAll, of_extreme_resolutions_where_the_visible_energy_falls) {
    for (const double sigma : {1e-6, 1e-4, 1e-2, 1.0, 20.0}) {
        Experiment x = experiment(SourceKind::continuous, TargetKind::one_nuclide);
        x.channels[0].quenching = {
            Quenching::Model::table, 0, {}, {{0, 5 * keV, 9 * keV, 20 * keV, 60}, {0.1, 0.35, 0.12, 0.16, 0.2}}};
        x.bin_edges = {0.5 * keV, 1.2 * keV, 1.6 * keV, 3 * keV, 6 * keV};
        x.response.constant_term = sigma * keV;
        Random random(56);
        SCOPED_TRACE(std::to_string(sigma) + " keV");
        expect_accurate(x, point(random, x));
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Dresden-II: the release with J. Colaresi et al., Phys. Rev. Lett. 129, 211802 (2022), arXiv:2202.09672, in the folder
// dresden_ii_2022 of NUSCAN_TEST_DATA

class DresdenII : public ::testing::Test {
protected:
    void SetUp() override {
        const char* data = std::getenv("NUSCAN_TEST_DATA");
        release_ = data ? std::string(data) + "/dresden_ii_2022/" : "";
        if (!std::ifstream(release_ + "QF_Fef_YBe.txt")) {
            GTEST_SKIP() << "needs the data release of Dresden-II in the folder dresden_ii_2022 of NUSCAN_TEST_DATA";
        }
        table("quenching", "QF_Fef_YBe", "energy_keV,iron_filter,photo_neutron");
        for (const char* isotope : {"U235", "U238", "Pu239", "Pu241"}) {
            table(isotope, std::string("spectraMeV") + isotope, "energy_MeV,per_fission_MeV");
        }
        table("capture", "spectraMeVU238Ncapture", "energy_MeV,per_capture_MeV");
    }

    //! The first ten bins: 0.20 to 0.30 keV
    Experiment experiment(const std::string& quenching) const {
        return read_experiment(folder_.write("dresden.toml", R"(name = "dresden-ii"
title = "Dresden-II"
citation = "arXiv:2202.09672"
[exposure]
mass = "2.924 kg"
live_time = "1 d"
[target]
element = "Ge"
[[channel]]
scattering = "nucleus"
form_factor = "unity"
quenching = )" + quenching + R"(
[response]
resolution = { constant = "68.5 eV", sqrt = "0.018044389 keV^1/2", in_quadrature = true } # 0.11 × 2.96 eV
[bins]
min = "0.2 keV"
max = "0.3 keV"
number = 10
counts = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
[[source]]
type = "reactor"
name = "core"
spectra = { U235 = "U235.csv", U238 = "U238.csv", Pu239 = "Pu239.csv", Pu241 = "Pu241.csv" }
capture = 1.183083 # 0.6, and 2/1.014299 as the table holds half of the chain
capture_spectrum = "capture.csv"
flux = "4.8e13 cm^-2 s^-1"
)"));
    }

    double first_bin(const std::string& quenching) const {
        return predict(experiment(quenching), reference_point(NeutrinoConfig{}, {}, {}), false).moments[0];
    }

    static constexpr const char* iron_filter =
        R"({ table = "quenching.csv", column = "iron_filter", extrapolate = true })";
    static constexpr const char* photo_neutron =
        R"({ table = "quenching.csv", column = "photo_neutron", extrapolate = true })";
    static constexpr const char* lindhard = R"({ model = "lindhard", k = 0.157 })";

private:
    //! The rows of a file of the release in order (the digitised captures are in none), with commas
    void table(const std::string& name, const std::string& file, const std::string& header) const {
        std::ifstream in(release_ + file + ".txt");
        std::map<double, std::string> rows;
        for (std::string line; std::getline(in, line);) {
            std::istringstream words(line);
            std::string row;
            for (std::string word; words >> word;) {
                row += (row.empty() ? "" : ",") + word;
            }
            rows[std::stod(row)] = row + "\n";
        }
        std::string text = header + "\n";
        for (const auto& [x, row] : rows) {
            text += row;
        }
        folder_.write(name + ".csv", text);
    }

    std::string release_;
    test::TemporaryFolder folder_;
};

//! The visible energy of the measurement with filtered iron falls between 1.14 and 1.34 keV.
TEST_F(DresdenII, quenching_that_falls) {
    const Experiment x = experiment(iron_filter);
    const Nuclide& germanium = x.target.nuclides[0].nuclide;
    const VisibleEnergy visible(x.channels[0].quenching, &germanium, min_recoil, 4 * keV);
    ASSERT_EQ(visible.turns().size(), 4u);
    EXPECT_NEAR(visible.turns()[1], 1.14 * keV, 0.01 * keV);
    EXPECT_NEAR(visible.turns()[2], 1.34 * keV, 0.01 * keV);
    Experiment one = x;
    one.target.nuclides = {{germanium, 1}};
    one.bin_edges = {0.2 * keV, 0.21 * keV, 0.242 * keV, 0.245 * keV, 0.3 * keV}; // it falls from 0.2475 to 0.2395 keV
    one.counts.assign(4, 0);
    expect_accurate(one, reference_point(NeutrinoConfig{}, {}, {}));
    one.response.constant_term = one.response.sqrt_term = 0;
    expect_accurate(one, reference_point(NeutrinoConfig{}, {}, {}));
}

/// Counts in 0.20-0.21 keV a day: the Standard Model at tree level, the release's spectra linear between their points,
/// fissions and 1.2 antineutrinos of captures normalised together to 4.8e13 /cm²/s, no form factor, recoils from 1 eV
/// on.
///
/// Expected is a separate integration of the same inputs in numpy, 60000 neutrino × 6000 recoil energies.
TEST_F(DresdenII, standard_model_in_the_first_bin) {
    EXPECT_NEAR(first_bin(iron_filter), 17.012, 0.02);
    EXPECT_NEAR(first_bin(photo_neutron), 11.186, 0.015);
    EXPECT_NEAR(first_bin(lindhard), 4.925, 0.01);
}

//! The Sun's weights change within a narrow range of energies where θ12 is small: at zero they are a step
TEST(AccuracyOfAll, where_the_suns_resonance_is_narrow) {
    for (const TargetKind target : {TargetKind::stepping, TargetKind::one_nuclide}) {
        for (const double theta12 : {0.0, 1e-6, 0.01, 0.05, 0.2, 1.5, constants::pi / 2}) {
            for (const double dm21 : {1e-9, 2e-5, 7.5e-5}) { // resonances below, in and above the spectrum
                const Experiment x = experiment(SourceKind::solar, target);
                Random random(55);
                ReferencePoint p = point(random, x);
                p.mixing.theta12 = theta12;
                p.mixing.dm21 = dm21;
                p.U = reference_mixing_matrix(p.mixing);
                SCOPED_TRACE(fmt::format("theta12 {}, dm21 {}", theta12, dm21));
                expect_accurate(x, p, false);
            }
        }
    }
}

//! Resolution far finer than the bins, and coarser than all of them
TEST(AccuracyOfAll, of_extreme_resolutions) {
    for (const TargetKind target : {TargetKind::stepping, TargetKind::one_nuclide}) {
        for (const double sigma : {1e-6, 1e-4, 1e-2, 1.0, 20.0}) {
            Experiment x = experiment(SourceKind::continuous, target);
            x.response.constant_term = sigma * keV;
            Random random(54);
            SCOPED_TRACE(std::to_string(sigma) + " keV");
            expect_accurate(x, point(random, x));
        }
    }
}

} // namespace
} // namespace nuscan::testing
