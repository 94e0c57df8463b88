// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "import/import.hpp"
#include "import/release.hpp"

namespace nuscan {
namespace {

using Values = std::vector<double>; // 960, or fewer where summed: energy outermost, then F90, then time

const std::string origin = "https://doi.org/10.5281/zenodo.3903810";

const BinCentres energy{"the energy [keVee]", 5, 10, 12};
const BinCentres f90{"F90", 0.525, 0.05, 8};
const BinCentres time_us{"the time [us]", 0.15, 0.5, 10};
const std::size_t n_bins = energy.n * f90.n * time_us.n;

double sum_of(const Values& values) { return std::accumulate(values.begin(), values.end(), 0.); }

Values scaled(Values values, double to) {
    const double factor = to / sum_of(values);
    for (double& value : values) {
        value *= factor;
    }
    return values;
}

//! Sums over n bins of the innermost variable
Values projected(const Values& values, std::size_t n) {
    Values sums(values.size() / n);
    for (std::size_t i = 0; i < values.size(); ++i) {
        sums[i / n] += values[i];
    }
    return sums;
}

Values onto_energy(const Values& values) { return projected(values, f90.n * time_us.n); }

/// What of the release the experiments are made of: counts of 6.12 GWh in each bin.
struct LarRelease {
    Values observed, steady_state, brn, delayed_brn, cevns;
    //! Templates with one thing changed; their sums differ where events move out of the bins
    Values cevns_f90_plus, cevns_f90_minus, cevns_timing;
    Values brn_energy_plus, brn_energy_minus, brn_timing_plus, brn_timing_minus, brn_width;
    std::vector<Values> energy_projection; //!< data without steady-state background, their errors, …
    std::vector<Values> efficiency;        //!< keVee, keV of nuclear recoils, efficiency
    std::string checks;
};

LarRelease read_release(const std::string& folder) {
    Release release(folder, origin);
    const auto counts = [&](const std::string& name, double sum) {
        return release.read({name + ".txt", {energy, f90, time_us}, {sum}}).front();
    };
    LarRelease r;
    r.observed = counts("datanobkgsub", 3752);
    r.steady_state = counts("bkgpdf", 3152.00016);
    r.brn = counts("brnpdf", 496.99999307);
    r.delayed_brn = counts("delbrnpdf", 33.00001642);
    r.cevns = counts("cevnspdf", 128.000005266712);
    r.cevns_f90_plus = counts("cevnspdf+1sigF90", 128.000003955137);
    r.cevns_f90_minus = counts("cevnspdf-1sigF90", 128.00001368976);
    r.cevns_timing = counts("cevnspdfCEvNSTimingMeanSyst", 127.999995294329);
    r.brn_energy_plus = counts("brnpdf+1sigEnergy", 496.99996336);
    r.brn_energy_minus = counts("brnpdf-1sigEnergy", 497.000205);
    r.brn_timing_plus = counts("brnpdf+1sigBRNTimingMean", 523.67132264);
    r.brn_timing_minus = counts("brnpdf-1sigBRNTimingMean", 497.00023303);
    r.brn_width = counts("brnpdfBRNTimingWidthSyst", 496.99994312);
    r.energy_projection =
        release.read({.name = "energydata1d.txt",
                      .bins = {energy},
                      .sums = {620.24642, 209.064, 159.50646039369, 563.5261, 723.0318, 674.9706, 748.3081},
                      .header = true});
    r.efficiency =
        release.read({.name = "CENNS10AnlAEfficiency.txt", .sums = {1600, 5155.98148, 68.03882022736}, .n_rows = 80});
    release.check_parameters("LArParametersAnlA.yaml", {{"beamExposure", 13.8},
                                                        {"distanceToTarget", 27.5},
                                                        {"fiducialMass", 24.4},
                                                        {"larQF", 0.246},
                                                        {"larQF", 0.00078},
                                                        {"neutrinosPerProton", 0.09},
                                                        {"cevnsPredictionNormalization", 128},
                                                        {"promptBeamRelatedNeutronPredictionNormalization", 497},
                                                        {"delayedBeamRelatedNeutronPredictionNormalization", 33},
                                                        {"ssBackgroundPredictionNormalization", 3154},
                                                        {"energyResolution", 0.58},
                                                        {"snsPOTTraceTiming", 440},
                                                        {"snsPOTTraceTiming", 150}});
    r.checks = release.checks();
    r.steady_state = scaled(r.steady_state, 3154);
    return r;
}

// ---- tables ---------------------------------------------------------------------------------------------------------

const std::string comment = "COHERENT CENNS-10 2020, analysis A, data release arXiv:2006.12659. ";

//! The centres of all bins, then columns of counts
std::string table(const std::string& what, const std::vector<CsvColumn>& counts) {
    std::vector<CsvColumn> columns{{"energy_keV", {}}, {"F90", {}}, {"time_us", {}}};
    for (std::size_t b = 0; b < n_bins; ++b) {
        columns[0].values.push_back(energy(b / (f90.n * time_us.n)));
        columns[1].values.push_back(f90(b / time_us.n % f90.n));
        columns[2].values.push_back(time_us(b % time_us.n));
    }
    columns.insert(columns.end(), counts.begin(), counts.end());
    return csv_text(comment + what, columns);
}

//! The same of the sums over F90 and time
std::string energy_table(const std::string& what, const std::vector<CsvColumn>& counts) {
    std::vector<CsvColumn> columns{{"energy_keV", {}}, {"time_us", Values(energy.n, 2.4)}};
    for (std::size_t e = 0; e < energy.n; ++e) {
        columns[0].values.push_back(energy(e));
    }
    columns.insert(columns.end(), counts.begin(), counts.end());
    return csv_text(comment + what, columns);
}

/// What part of an energy bin falls into each bin of F90, from the predicted counts. Above the recoils that neutrinos
/// of the beam can give nothing is predicted: the highest bin that has counts holds on.
std::string f90_shares(const Values& cevns) {
    const Values counts = projected(cevns, time_us.n);
    std::vector<CsvColumn> columns{{"energy_keV", {}}};
    for (std::size_t f = 0; f < f90.n; ++f) {
        columns.push_back({fmt::format("{:.2f}-{:.2f}", f90.edge(f), f90.edge(f + 1)), {}});
    }
    Values shares(f90.n);
    for (std::size_t e = 0; e < energy.n; ++e) {
        const auto first = counts.begin() + static_cast<long>(e * f90.n);
        const double sum = std::accumulate(first, first + static_cast<long>(f90.n), 0.);
        if (sum > 0) {
            std::transform(first, first + static_cast<long>(f90.n), shares.begin(), [=](double n) { return n / sum; });
        }
        columns[0].values.push_back(energy(e));
        for (std::size_t f = 0; f < f90.n; ++f) {
            columns[f + 1].values.push_back(shares[f]);
        }
    }
    return csv_text(comment +
                        "Share of each bin of F90 in the predicted\ncounts (cevnspdf) of an energy bin; from 60 keV "
                        "on that of the bin below.",
                    columns);
}

std::string efficiency_table(const LarRelease& r) {
    return csv_text(comment + "Acceptance over the reconstructed energy.",
                    {{"energy_keV", r.efficiency[0]}, {"efficiency", r.efficiency[2]}});
}

// ---- experiment files -----------------------------------------------------------------------------------------------

const std::string citation =
    "COHERENT collaboration, Phys. Rev. Lett. 126, 012002 (2021), arXiv:2003.10630; data release arXiv:2006.12659";

//! What neutrinos of the beam give. \param share keys of further variables in the channel
std::string signal(const std::string& share) {
    return fmt::format(R"(couplings = "radiative"

[exposure]
mass = "24.4 kg"
live_time = "1 yr" # takes no part: the protons are those of the whole exposure

[target]
element = "Ar"

[[channel]]
scattering = "nucleus"
form_factor = "helm"
quenching = {{ coefficients = [0.246, "0.00078 keV^-1"] }}
{}
[response]
resolution = {{ sqrt = "0.58 keV^1/2" }}
efficiency = {{ table = "efficiency.csv", extrapolate = true }}
efficiency_in = "reconstructed"

[[source]]
type = "pion-decay-at-rest"
name = "sns"
protons_on_target = 13.8e22
neutrinos_per_proton = 0.09
baseline = "27.5 m"
pulse = {{ sigma = "150 ns", onset = "440 ns" }}

[signal]
uncertainty = 0.134
)",
                       share);
}

const char* const bins = R"(
[bins]
min = 0
max = "120 keV"
number = 12
counts = { table = "counts.csv", column = "observed" }

[[bins.further]]
name = "F90"
min = 0.5
max = 0.9
number = 8

[[bins.further]]
name = "time"
min = "-0.1 us"
max = "4.9 us"
number = 10
)";

const char* const energy_bins = R"(
[bins]
min = 0
max = "120 keV"
number = 12
counts = { table = "counts.csv", column = "observed" }
sigma = { table = "counts.csv", column = "sigma" }

[[bins.further]] # one bin: what arrives later is not in the counts
name = "time"
edges = ["-0.1 us", "4.9 us"]
)";

std::string background(const std::string& name, const std::string& file, const std::string& column,
                       const std::string& uncertainty) {
    return fmt::format("\n[[background]]\nname = \"{}\"\ncounts = {{ table = \"{}\", column = \"{}\" }}\n"
                       "uncertainty = {}\n",
                       name, file, column, uncertainty);
}

//! A shape: the template's columns NAME_plus and, unless its other side is the mirror image, NAME_minus
std::string shape(const std::string& name, const std::string& of, const std::string& file, const std::string& column,
                  bool minus) {
    std::string text = fmt::format("\n[[systematic]]\nname = \"{}\"\nof = \"{}\"\n", name, of);
    if (of == "signal") {
        text += fmt::format("nominal = {{ table = \"{}\", column = \"nominal\" }}\n", file);
    }
    text += fmt::format("plus = {{ table = \"{}\", column = \"{}_plus\" }}\n", file, column);
    if (minus) {
        text += fmt::format("minus = {{ table = \"{}\", column = \"{}_minus\" }}\n", file, column);
    }
    return text;
}

std::string head(const std::string& name, const std::string& title, const std::string& statistic) {
    return fmt::format("# README.md says where each figure comes from.\nname = \"{}\"\ntitle = \"{}\"\n"
                       "citation = \"{}\"\nstatistic = \"{}\"\n",
                       name, title, citation, statistic);
}

std::string brn_backgrounds() {
    return background("brn", "counts.csv", "brn", "0.32") + background("brn-delayed", "counts.csv", "brn_delayed", "1");
}

std::string steady_state_background() {
    return background("steady-state", "counts.csv", "steady_state", fmt::format("{:.5f}", 25. / 3154));
}

//! \param cevns what the templates of CEvNS are shapes of: "signal", or the background "cevns"
std::string shapes(const std::string& cevns) {
    return shape("cevns-f90", cevns, "cevns.csv", "f90", true) +
           shape("cevns-timing", cevns, "cevns.csv", "timing", false) +
           shape("brn-energy", "brn", "brn.csv", "energy", true) +
           shape("brn-timing", "brn", "brn.csv", "timing", true) + shape("brn-width", "brn", "brn.csv", "width", false);
}

// ---- README.md ------------------------------------------------------------------------------------------------------

std::string readme(const std::string& title, const std::string& text, const LarRelease& r) {
    return fmt::format(R"(# {}

Written by `nuscan import coherent-lar` from the data release of COHERENT's liquid argon detector CENNS-10, analysis A:
D. Akimov et al., Phys. Rev. Lett. 126, 012002 (2021), [arXiv:2003.10630](https://arxiv.org/abs/2003.10630); release
[arXiv:2006.12659](https://arxiv.org/abs/2006.12659), {}.

{}
## Checked when it was imported

Each row of counts stands at the centre of its bin, all numbers are finite, and columns add up to what they do in the
release (to 1e-9).

| file | rows | sums of its columns of figures |
|---|---|---|
{})",
                       title, origin, text, r.checks);
}

const char* const data_rows =
    R"(| counts | 12 × 8 × 10 bins: 0 to 120 keVee, F90 0.5 to 0.9, time −0.1 to 4.9 µs | `datanobkgsub.txt`: 3752 events. Edges lie half a bin width from the centres that the release gives |
| `brn` | 497 prompt neutrons of the beam, ± 32 % (497 ± 160) | `brnpdf.txt`, `LArParametersAnlA.yaml` |
| `brn-delayed` | 33 ± 100 % | `delbrnpdf.txt`, `LArParametersAnlA.yaml` |
| `steady-state` | 3154 ± 25 | shape of `bkgpdf.txt`, which adds up to 3152, scaled to what `LArParametersAnlA.yaml` says |
| `brn-energy`, `brn-timing`, `brn-width` | shapes of `brn` | `brnpdf±1sigEnergy.txt`, `brnpdf±1sigBRNTimingMean.txt`, `brnpdfBRNTimingWidthSyst.txt`, scaled to the sum of `brnpdf.txt` (one of them adds up to 523.7) |
)";

const char* const signal_rows =
    R"(| beam | 13.8e22 protons, 0.09 neutrinos of each flavour a proton, 27.5 m, protons spread by 150 ns about 440 ns | `LArParametersAnlA.yaml` |
| target | 24.4 kg of natural argon | `LArParametersAnlA.yaml`; the release does not speak of isotopes, the argon was atmospheric |
| quenching, resolution | 0.246 + 0.00078 T/keV; σ = 0.58 √(E/keV) | `LArParametersAnlA.yaml` |
| efficiency | over the reconstructed energy, constant beyond its table | `CENNS10AnlAEfficiency.txt` |
| uncertainty of the signal | 13.4 % | as fits in the literature take it; the release has 128 ± 17 |
| couplings | with radiative corrections | as fits in the literature take them |
)";

ExperimentFolder first_principles(const LarRelease& r) {
    const std::string name = "coherent-lar-2020";
    const std::string text =
        fmt::format(R"(Nuclear recoils on argon in energy, F90 and time, predicted from first principles.

| what | value | from |
|---|---|---|
{}{}| shares of F90 (`f90.csv`) | by energy | `cevnspdf.txt`, summed over time |
| `cevns-f90`, `cevns-timing` | shapes of the signal, relative to `cevnspdf.txt` | `cevnspdf±1sigF90.txt`, `cevnspdfCEvNSTimingMeanSyst.txt` (one side: the other is its mirror image) |

The standard model predicts 134.7 events over all times, of which 120.8 fall into the bins; the release has 128 ± 17,
without saying how late neutrinos are counted.
)",
                    data_rows, signal_rows);
    return {name,
            {{"experiment.toml", head(name, "COHERENT CENNS-10 2020, argon in energy, F90 and time", "poisson") +
                                     signal("share = { F90 = \"f90.csv\" }\n") + bins + brn_backgrounds() +
                                     steady_state_background() + shapes("signal")},
             {"counts.csv", table("Events and nominal backgrounds.", {{"observed", r.observed},
                                                                      {"brn", r.brn},
                                                                      {"brn_delayed", r.delayed_brn},
                                                                      {"steady_state", r.steady_state}})},
             {"brn.csv", table("Neutrons of the beam with one thing\nchanged.", {{"energy_plus", r.brn_energy_plus},
                                                                                 {"energy_minus", r.brn_energy_minus},
                                                                                 {"timing_plus", r.brn_timing_plus},
                                                                                 {"timing_minus", r.brn_timing_minus},
                                                                                 {"width_plus", r.brn_width}})},
             {"cevns.csv", table("The release's prediction of the signal,\nand with one thing changed.",
                                 {{"nominal", r.cevns},
                                  {"f90_plus", r.cevns_f90_plus},
                                  {"f90_minus", r.cevns_f90_minus},
                                  {"timing_plus", r.cevns_timing}})},
             {"f90.csv", f90_shares(r.cevns)},
             {"efficiency.csv", efficiency_table(r)},
             {"README.md", readme("COHERENT 2020, liquid argon", text, r)}}};
}

ExperimentFolder templates(const LarRelease& r, const ExperimentFolder& first_principles) {
    const std::string name = "coherent-lar-2020-templates";
    const std::string text = fmt::format(
        R"(The release's own fit: its templates of coherent scattering and of the backgrounds, without a prediction of
neutrinos.

| what | value | from |
|---|---|---|
{}| `cevns` | 128, free | `cevnspdf.txt` |
| `cevns-f90`, `cevns-timing` | shapes of `cevns` | `cevnspdf±1sigF90.txt`, `cevnspdfCEvNSTimingMeanSyst.txt` (one side: the other is its mirror image) |

The release's best fit has 159 ± 43 events of coherent scattering, 553 ± 34 prompt and 10 ± 11 delayed neutrons and 3131
± 23 of the steady-state background.
)",
        data_rows);
    return {name,
            {{"experiment.toml", head(name, "COHERENT CENNS-10 2020, the release's templates", "poisson") + bins +
                                     background("cevns", "cevns.csv", "nominal", "\"free\"") + brn_backgrounds() +
                                     steady_state_background() + shapes("cevns")},
             {"counts.csv", first_principles.files.at("counts.csv")},
             {"brn.csv", first_principles.files.at("brn.csv")},
             {"cevns.csv", first_principles.files.at("cevns.csv")},
             {"README.md", readme("COHERENT 2020, liquid argon: templates", text, r)}}};
}

ExperimentFolder energy_alone(const LarRelease& r) {
    const std::string name = "coherent-lar-2020-energy";
    const std::string text = fmt::format(
        R"(Nuclear recoils on argon in energy alone, without the steady-state background, predicted from first
principles.

| what | value | from |
|---|---|---|
{}| counts, errors | 12 bins, 0 to 120 keVee; time −0.1 to 4.9 µs | `energydata1d.txt`: data less steady-state background, statistical errors |
| `brn` | 497 prompt neutrons of the beam, ± 32 % (497 ± 160) | `brnpdf.txt`, summed; `LArParametersAnlA.yaml` |
| `brn-delayed` | 33 ± 100 % | `delbrnpdf.txt`, summed; `LArParametersAnlA.yaml` |
| `brn-energy`, `cevns-f90` | shapes | `brnpdf±1sigEnergy.txt`, `cevnspdf±1sigF90.txt`, summed |

The steady-state background has been taken out at its best fit, whose error (25 of 3154) is not added.
)",
        signal_rows);
    return {name,
            {{"experiment.toml", head(name, "COHERENT CENNS-10 2020, argon in energy", "gaussian") + signal("") +
                                     energy_bins + brn_backgrounds() +
                                     shape("cevns-f90", "signal", "cevns.csv", "f90", true) +
                                     shape("brn-energy", "brn", "brn.csv", "energy", true)},
             {"counts.csv", energy_table("Counts without steady-state\nbackground, their errors, nominal backgrounds.",
                                         {{"observed", r.energy_projection[0]},
                                          {"sigma", r.energy_projection[1]},
                                          {"brn", onto_energy(r.brn)},
                                          {"brn_delayed", onto_energy(r.delayed_brn)}})},
             {"brn.csv", energy_table("Neutrons of the beam with one thing\nchanged.",
                                      {{"energy_plus", onto_energy(r.brn_energy_plus)},
                                       {"energy_minus", onto_energy(r.brn_energy_minus)}})},
             {"cevns.csv", energy_table("The release's prediction of the signal,\nand with one thing changed.",
                                        {{"nominal", onto_energy(r.cevns)},
                                         {"f90_plus", onto_energy(r.cevns_f90_plus)},
                                         {"f90_minus", onto_energy(r.cevns_f90_minus)}})},
             {"efficiency.csv", efficiency_table(r)},
             {"README.md", readme("COHERENT 2020, liquid argon: energy alone", text, r)}}};
}

} // namespace

std::vector<ExperimentFolder> import_coherent_lar(const std::string& folder) {
    const LarRelease release = read_release(folder);
    const ExperimentFolder full = first_principles(release);
    return {full, templates(release, full), energy_alone(release)};
}

} // namespace nuscan
