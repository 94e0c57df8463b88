// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "import/import.hpp"
#include "import/release.hpp"

namespace nuscan {
namespace {

using Values = std::vector<double>;

const std::string origin = "https://arxiv.org/src/2110.07730/anc";
const std::string comment = "COHERENT CsI[Na] 2021, ancillary files of arXiv:2110.07730. ";

const Values pe_edges{8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60};
//! [us] fine where the pulse of the protons is (0.55 us), a neutrino from a muon lives 2.2 us
const Values time_edges{0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 6};
const std::size_t n_pe = pe_edges.size() - 1, n_time = time_edges.size() - 1;

//! Efficiency of the selection of events at a time [us] (arXiv:2110.07730)
double time_efficiency(double t) { return t < 0.52 ? 1 : std::exp(-0.0494 * (t - 0.52)); }

//! Photoelectrons × time of events in the region of the fit
Values histogram(const std::vector<Values>& events) {
    const auto bin = [](const Values& edges, double x) {
        return static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), x) - edges.begin()) - 1;
    };
    Values counts(n_pe * n_time);
    for (std::size_t i = 0; i < events[0].size(); ++i) {
        const std::size_t p = bin(pe_edges, events[0][i]), t = bin(time_edges, events[1][i]);
        if (p < n_pe && t < n_time) {
            counts[p * n_time + t] += 1;
        }
    }
    return counts;
}

//! The product of both projections, with the same sum
Values product_of_projections(const Values& counts) {
    Values pe(n_pe), time(n_time);
    for (std::size_t i = 0; i < counts.size(); ++i) {
        pe[i / n_time] += counts[i];
        time[i % n_time] += counts[i];
    }
    const double sum = std::accumulate(pe.begin(), pe.end(), 0.);
    Values product;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        product.push_back(pe[i / n_time] * time[i % n_time] / sum);
    }
    return product;
}

//! Counts of narrow bins in wider ones, those on an edge shared out, × weight(x)
template <class Weight>
Values rebinned(const BinCentres& bins, const Values& counts, const Values& edges, const Weight& weight) {
    Values sums(edges.size() - 1);
    for (std::size_t i = 0; i < counts.size(); ++i) {
        for (std::size_t b = 0; b < sums.size(); ++b) {
            const double low = std::max(bins.edge(i), edges[b]), high = std::min(bins.edge(i + 1), edges[b + 1]);
            if (low < high) {
                sums[b] += counts[i] * (high - low) / bins.step * weight((low + high) / 2);
            }
        }
    }
    return sums;
}

/// Neutrons: counts by time × the share of each bin in photoelectrons. The release's spectrum reaches to 250, its
/// counts are those of all of it, which gives the 18.4 and 5.6 events from 8 to 60 photoelectrons of the publication.
Values neutrons(Release& release, const std::string& name, double sum_of_pe, double sum_of_time) {
    const BinCentres pe{"the number of photoelectrons", 0.5, 1, 250}, time{"the time [us]", -0.245, 0.01, 650};
    const Values spectrum = release.read({name + "PE.txt", {pe}, {sum_of_pe}}).front();
    const Values times = release.read({name + "Trec.txt", {time}, {sum_of_time}}).front();
    const double sum = std::accumulate(spectrum.begin(), spectrum.end(), 0.);
    const Values shares = rebinned(pe, spectrum, pe_edges, [=](double) { return 1 / sum; });
    const Values counts = rebinned(time, times, time_edges, time_efficiency);
    Values product;
    for (const double share : shares) {
        for (const double n : counts) {
            product.push_back(share * n);
        }
    }
    return product;
}

//! The centres of all bins, then columns of counts
std::string table(const std::vector<CsvColumn>& counts) {
    std::vector<CsvColumn> columns{{"photoelectrons", {}}, {"time_us", {}}};
    for (std::size_t p = 0; p < n_pe; ++p) {
        for (std::size_t t = 0; t < n_time; ++t) {
            columns[0].values.push_back((pe_edges[p] + pe_edges[p + 1]) / 2);
            columns[1].values.push_back((time_edges[t] + time_edges[t + 1]) / 2);
        }
    }
    columns.insert(columns.end(), counts.begin(), counts.end());
    return csv_text(comment + "Events in coincidence\nwith the beam, and nominal backgrounds.", columns);
}

//! ε = a/(1 + e^(−b (x − c))) + d, where it is positive
std::string efficiency_table(const std::vector<Values>& coefficients) {
    const double a = coefficients[0][0], b = coefficients[1][0], c = coefficients[2][0], d = coefficients[3][0];
    CsvColumn photoelectrons{"photoelectrons", {}}, efficiency{"efficiency", {}};
    for (int i = 0; i <= 4 * 52; ++i) {
        const double x = pe_edges.front() + i / 4.;
        photoelectrons.values.push_back(x);
        efficiency.values.push_back(std::max(0., a / (1 + std::exp(-b * (x - c))) + d));
    }
    return csv_text(comment + "Efficiency: a/(1 + exp(-b (x - c))) + d with\n" +
                        fmt::format("a, b, c, d = {}, {}, {}, {}.", a, b, c, d),
                    {photoelectrons, efficiency});
}

std::string time_efficiency_table() {
    CsvColumn time{"time_us", {0}}, efficiency{"efficiency", {1}};
    const int n = 100;
    for (int i = 0; i <= n; ++i) {
        time.values.push_back(0.52 + (6 - 0.52) * i / n);
        efficiency.values.push_back(time_efficiency(time.values.back()));
    }
    return csv_text("COHERENT CsI[Na] 2021, arXiv:2110.07730: exp(-0.0494 (t/us - 0.52)) after 0.52 us.",
                    {time, efficiency});
}

std::string experiment_file(const std::vector<Values>& response) {
    return fmt::format(R"(# README.md says where each figure comes from.
name = "coherent-csi-2021"
title = "COHERENT CsI[Na] 2021, photoelectrons and time"
citation = "COHERENT collaboration, Phys. Rev. Lett. 129, 081801 (2022), arXiv:2110.07730, with its ancillary files"
statistic = "poisson"
couplings = "radiative"

[exposure]
mass = "14.6 kg"
live_time = "1 yr" # takes no part: the protons are those of the whole exposure

[target]
formula = "CsI"
proton_radius = {{ Cs133 = "4.821 fm", I127 = "4.766 fm" }}
neutron_radius = {{ Cs133 = "5.09 fm", I127 = "5.03 fm" }}

[[channel]]
scattering = "nucleus"
form_factor = "helm"
quenching = {{ coefficients = [{}, "{} MeV^-1", "{} MeV^-2", "{} MeV^-3"] }}

[response]
smearing = "gamma"
light_yield = "13.35 keV^-1"
gamma_shape = "9.56 keV^-1"
efficiency = "efficiency.csv"
efficiency_in = "reconstructed"
time_efficiency = "time-efficiency.csv"

[bins]
variable = "photoelectrons"
min = {}
max = {}
number = {}
counts = {{ table = "counts.csv", column = "observed" }}

[[bins.further]]
name = "time"
edges = ["{} us"]

[[source]]
type = "pion-decay-at-rest"
name = "sns"
protons_on_target = 3.198e23
neutrinos_per_proton = 0.0848
baseline = "19.3 m"
pulse = {{ sigma = "0.15 us", onset = "0.55 us" }}

[signal]
uncertainty = 0.12

[[background]]
name = "steady-state"
counts = {{ table = "counts.csv", column = "steady_state" }}
uncertainty = 0.021

[[background]]
name = "brn"
counts = {{ table = "counts.csv", column = "brn" }}
uncertainty = 0.25

[[background]]
name = "nin"
counts = {{ table = "counts.csv", column = "nin" }}
uncertainty = 0.35
)",
                       response[0][0], response[1][0], response[2][0], response[3][0], pe_edges.front(),
                       pe_edges.back(), n_pe, fmt::join(time_edges, " us\", \""));
}

std::string readme(const std::string& checks) {
    return fmt::format(R"(# COHERENT 2021, CsI[Na]

Written by `nuscan import coherent-csi` from the complete data of COHERENT's CsI[Na] detector: D. Akimov et al., Phys.
Rev. Lett. 129, 081801 (2022), [arXiv:2110.07730](https://arxiv.org/abs/2110.07730), with its ancillary files, {}.

| what | value | from |
|---|---|---|
| counts | 1567 events, 8 to 60 photoelectrons, 0 to 6 µs | `dataBeamOnC.txt`, an event list |
| bins | 13 in photoelectrons, 17 in time | the release prescribes none: 4 photoelectrons wide; 0.125 µs wide up to 1 µs, 0.25 to 2, 0.5 to 3, 1 to 6 |
| `steady-state` | 1291 ± 2.1 % | `dataBeamOnAC.txt`: the product of the projections of its events in the same bins |
| `brn` | 18.3 neutrons of the beam, ± 25 % | `brnPE.txt`, `brnTrec.txt` × the efficiency in time |
| `nin` | 5.2 neutrons made by neutrinos, ± 35 % | `ninPE.txt`, `ninTrec.txt` × the efficiency in time |
| uncertainties of the backgrounds | | arXiv:2110.07730 |
| beam | 3.198e23 protons, 0.0848 neutrinos of each flavour a proton, 19.3 m | arXiv:2110.07730 |
| pulse | protons spread by 0.15 µs about 0.55 µs | as fits in the literature take it, for the release's file of the flux (`snsFlux2D.root`), which is not read |
| target | 14.6 kg of CsI | arXiv:2110.07730 |
| radii | R_p 4.821 and 4.766 fm, R_n 5.09 and 5.03 fm (¹³³Cs, ¹²⁷I) | M. Atzori Corona et al., JHEP 09, 164 (2022), [arXiv:2205.09484](https://arxiv.org/abs/2205.09484) |
| quenching | polynomial | `scintRespCoefficients.txt`, its first row |
| photoelectrons | 13.35 per keVee; gamma distribution of shape 1 + 9.56 E/keVee | arXiv:2110.07730 |
| efficiency | tabulated from 8 to 60 photoelectrons by 0.25 | `effCoefficients.txt`, its first row |
| efficiency in time | 1, exp(−0.0494 (t/µs − 0.52)) after 0.52 µs | arXiv:2110.07730 |
| uncertainty of the signal | 12 % | as fits in the literature take it |
| couplings | with radiative corrections | as fits in the literature take them |

Spectra of neutrons (`brnPE.txt`, `ninPE.txt`) reach to 250 photoelectrons, and the counts in time are those of all of
them. From 8 to 60 photoelectrons that is 18.4 and 5.6 events before the efficiency in time, the figures of the
publication.

The standard model predicts 366.6 events over all times, and 316.1 in the bins with the efficiency in time; the publication
has 341 ± 42.

## Checked when it was imported

Spectra and times stand at the centres of their bins, all numbers are finite, and columns add up to what they do in the
release (to 1e-9).

| file | rows | sums of its columns of figures |
|---|---|---|
{})",
                       origin, checks);
}

} // namespace

std::vector<ExperimentFolder> import_coherent_csi(const std::string& folder) {
    Release release(folder, origin);
    const auto events = [&](const std::string& name, std::size_t n_rows, double pe, double time) {
        return histogram(release.read({.name = name, .sums = {pe, time}, .n_rows = n_rows}));
    };
    const Values observed = events("dataBeamOnC.txt", 5142, 594665.68474, 14201.448);
    const Values anticoincident = events("dataBeamOnAC.txt", 4890, 600348.45589, 14085.406);
    const Values brn = neutrons(release, "brn", 1.497777822, 27.63200922974);
    const Values nin = neutrons(release, "nin", 1.333957278, 7.564846239112);
    const std::vector<Values> efficiency =
        release.read({.name = "effCoefficients.txt", .sums = {3.96135, 0.857937, 32.59376, -0.999966}, .n_rows = 3});
    const std::vector<Values> response = release.read(
        {.name = "scintRespCoefficients.txt", .sums = {0.277314, 21.53405, -558.5333, 4201.918}, .n_rows = 5});
    return {{"coherent-csi-2021",
             {{"experiment.toml", experiment_file(response)},
              {"counts.csv", table({{"observed", observed},
                                    {"steady_state", product_of_projections(anticoincident)},
                                    {"brn", brn},
                                    {"nin", nin}})},
              {"efficiency.csv", efficiency_table(efficiency)},
              {"time-efficiency.csv", time_efficiency_table()},
              {"README.md", readme(release.checks())}}}};
}

} // namespace nuscan
