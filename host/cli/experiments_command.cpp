// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cli/commands.hpp"
#include "cli/json.hpp"
#include "cli/text.hpp"
#include "cli/waiting.hpp"
#include "experiments/experiment_file.hpp"
#include "scan/experiment_report.hpp"

namespace nuscan::cli {

namespace {

using Counts = std::vector<double>;

constexpr double keV = 1e-3;              // [MeV]
constexpr double day = 86400;             // [s]
constexpr double kilogram = 5.6095886e29; // [MeV]

const char* statistic_name(Statistic statistic) { return statistic == Statistic::poisson ? "poisson" : "gaussian"; }

bool in_photoelectrons(const Experiment& x) { return x.response.light_yield > 0; }

// ---- the list ---------------------------------------------------------------------------------------------------

struct Listed {
    std::string path;
    Experiment experiment;
};

std::vector<Listed> shipped_experiments() {
    std::vector<Listed> list;
    for (const std::string& name : experiment_names()) {
        const std::string path = find_experiment(name, {"nuscan", 0});
        list.push_back({path, read_experiment(path)});
    }
    return list;
}

std::vector<std::string> names_of_sources(const Experiment& x) {
    std::vector<std::string> names;
    for (const Source& source : x.sources) {
        names.push_back(source.name);
    }
    return names;
}

void print_list(const std::vector<Listed>& list) {
    std::size_t name = 0, title = 0;
    for (const Listed& listed : list) {
        name = std::max(name, listed.experiment.name.size());
        title = std::max(title, listed.experiment.title.size());
    }
    for (const auto& [path, x] : list) {
        fmt::print("{:<{}}  {:<{}}  {:>5} bins  {:<8}  {}\n", x.name, name, x.title, title, x.n_bins(),
                   statistic_name(x.statistic), fmt::join(names_of_sources(x), " "));
    }
}

void print_list_json(const std::vector<Listed>& list) {
    fmt::print("[");
    for (std::size_t i = 0; i < list.size(); ++i) {
        const Experiment& x = list[i].experiment;
        std::vector<std::string> sources;
        for (const std::string& source : names_of_sources(x)) {
            sources.push_back(json_string(source));
        }
        fmt::print(
            "{}\n  {{\"name\": {}, \"title\": {}, \"file\": {}, \"bins\": {}, \"statistic\": \"{}\", \"sources\": "
            "[{}]}}",
            i ? "," : "", json_string(x.name), json_string(x.title), json_string(list[i].path), x.n_bins(),
            statistic_name(x.statistic), fmt::join(sources, ", "));
    }
    fmt::print("\n]\n");
}

// ---- what an experiment file means ------------------------------------------------------------------------------

//! Mass of the target [kg], electrons included
double mass_of(const TargetMaterial& target) {
    double unit = target.n_electrons * constants::electron_mass;
    for (const TargetNuclide& isotope : target.nuclides) {
        unit += isotope.number * isotope.nuclide.mass;
    }
    return target.units * unit / kilogram;
}

std::string mass_text(double kg) {
    return kg < 1000 ? fmt::format("{:.4g} kg", kg) : fmt::format("{:.4g} t", kg / 1000);
}

//! keV for recoils and bins, MeV for neutrinos
std::string energy_text(double MeV) {
    return MeV < 1e-3 ? fmt::format("{:.4g} eV", MeV / 1e-6) : fmt::format("{:.4g} keV", MeV / keV);
}

std::string neutrino_name(const Source& source) {
    static constexpr const char* flavours[] = {"e", "mu", "tau"};
    return fmt::format("nu{}_{}", source.antineutrino ? "bar" : "", flavours[static_cast<int>(source.flavour)]);
}

std::string energies_of(const Source& source) {
    std::string text;
    if (!source.spectrum.empty()) {
        text = fmt::format("{:.4g} to {:.4g} MeV", source.spectrum.x.front(), source.spectrum.x.back());
    }
    for (const SpectralLine& line : source.lines) {
        text += fmt::format("{}{:.4g} MeV ({:.3g} %)", text.empty() ? "line " : ", line ", line.energy,
                            100 * line.fraction);
    }
    return text;
}

std::string propagation_of(const Source& source) {
    switch (source.propagation) {
    case Propagation::exact:
        return fmt::format("phases kept over {:.6g} m", source.baseline);
    case Propagation::short_baseline:
        return "as produced" + (source.baseline > 0 ? fmt::format(", {:.6g} m away", source.baseline) : "");
    case Propagation::decohered:
        return "phases averaged out";
    case Propagation::solar:
        break;
    }
    return source.zones.size() == 1
               ? fmt::format("matter of the Sun, n_e = {:.4g} mol/cm^3", source.zones[0].electron_density)
               : fmt::format("matter of the Sun, {} zones", source.zones.size());
}

std::string quenching_of(const Channel& channel) {
    const Quenching& q = channel.quenching;
    switch (q.model) {
    case Quenching::Model::none:
        return "all energy visible";
    case Quenching::Model::lindhard:
        return q.lindhard_k > 0 ? fmt::format("quenching by Lindhard, k = {:.4g}", q.lindhard_k)
                                : "quenching by Lindhard, k of each nuclide";
    case Quenching::Model::polynomial:
        return fmt::format("quenching by a polynomial of {} terms", q.coefficients.size());
    case Quenching::Model::table:
        break;
    }
    return fmt::format("quenching from a table, factor {:.3g} at {} to {:.3g} at {}", q.factor.y.front(),
                       energy_text(q.factor.x.front()), q.factor.y.back(), energy_text(q.factor.x.back()));
}

std::string describe_channel(const Channel& channel) {
    std::string text;
    if (channel.target == Target::electron) {
        text = channel.atomic == AtomicModel::free_electrons ? "free electrons"
               : channel.atomic == AtomicModel::stepping     ? "bound electrons, stepping"
                                                             : "bound electrons, stepping and equivalent photons";
        text += channel.charge_interferes ? "" : ", charge without interference";
        text += channel.quenching.model == Quenching::Model::none ? "" : ", " + quenching_of(channel);
        text += channel.weak_correction.empty() ? "" : ", table on weak terms";
        text += channel.magnetic_correction.empty() ? "" : ", table on the magnetic term";
    } else {
        static constexpr const char* names[] = {"helm", "symmetrised-fermi", "klein-nystrand", "unity"};
        text = fmt::format("nuclei, form factor {}, {}", names[static_cast<int>(channel.form_factor)],
                           quenching_of(channel));
        text += channel.axial ? ", with the axial term" : "";
    }
    return text + (channel.efficiency.empty() ? "" : ", efficiency over the recoil energy");
}

//! In the middle of the bins, what the response does
std::string describe_response(const Experiment& x) {
    const EnergyResponse& r = x.response;
    const double middle = (x.bin_edges.front() + x.bin_edges.back()) / 2;
    std::string text;
    switch (r.smearing) {
    case EnergyResponse::Smearing::gaussian: {
        const double E = in_photoelectrons(x) ? middle / r.light_yield : middle;
        const double sigma = r.gaussian_sigma(E);
        text = sigma > 0 ? fmt::format("Gaussian, sigma {} at {}", energy_text(sigma), energy_text(E)) : "no smearing";
        break;
    }
    case EnergyResponse::Smearing::poisson:
        text = fmt::format("Poisson, {:.4g} photoelectrons per keV", r.light_yield * keV);
        break;
    case EnergyResponse::Smearing::gamma:
        text = fmt::format("gamma, {:.4g} photoelectrons per keV", r.light_yield * keV);
        break;
    case EnergyResponse::Smearing::matrix:
        text = fmt::format("matrix of {} visible energies", r.matrix_x.size());
        break;
    }
    if (!r.efficiency.empty()) {
        const auto [least, most] = std::minmax_element(r.efficiency.y.begin(), r.efficiency.y.end());
        text += fmt::format("; efficiency {:.3g} to {:.3g} over the {} energy", *least, *most,
                            r.efficiency_of == EnergyResponse::EfficiencyOf::visible ? "visible" : "reconstructed");
    }
    return text + (r.time_efficiency.empty() ? "" : "; efficiency over time");
}

struct SystematicLine {
    std::string name, what;
    double sigma;
    const PulledValue* fitted; //!< null where it is held
};

std::vector<SystematicLine> systematics_of(const Experiment& x, const ExperimentPoint& fit) {
    const auto fitted = [&](const std::string& name) -> const PulledValue* {
        const auto found = std::find_if(fit.pulls.begin(), fit.pulls.end(),
                                        [&](const PulledValue& pull) { return pull.name == name; });
        return found == fit.pulls.end() ? nullptr : &*found;
    };
    std::vector<SystematicLine> lines;
    for (const Background& background : x.backgrounds) {
        lines.push_back({background.name, "normalisation", background.sigma, fitted(background.name)});
    }
    if (!x.sources.empty()) {
        lines.push_back(
            {Experiment::signal, "normalisation of all neutrinos", x.signal_sigma, fitted(Experiment::signal)});
    }
    for (const Systematic& systematic : x.systematics) {
        std::vector<std::string> of;
        for (const SystematicEffect& effect : systematic.effects) {
            of.push_back(effect.component < x.backgrounds.size() ? x.backgrounds[effect.component].name
                                                                 : Experiment::signal);
        }
        const char* kind = systematic.kind == Systematic::Kind::normalisation ? "normalisation"
                           : systematic.kind == Systematic::Kind::shape       ? "shape"
                                                                              : "parameter";
        lines.push_back({systematic.name, fmt::format("{} of {}", kind, fmt::join(of, ", ")), systematic.sigma,
                         fitted(systematic.name)});
    }
    return lines;
}

std::string uncertainty_text(double sigma) {
    return sigma == 0 ? "fixed" : sigma < constants::infinity ? fmt::format("+- {:.4g}", sigma) : "free";
}

//! Normalisations are relative to nominal, shapes in standard deviations, energies in keV
std::string fitted_text(const PulledValue* pull) {
    if (!pull) {
        return "";
    }
    const bool energy = pull->kind == PulledValue::Kind::energy;
    const double unit = energy ? keV : 1;
    if (pull->status == PulledValue::Status::not_determined) {
        return std::string(" best fit ") + status_name(pull->status);
    }
    const std::string error = pull->status == PulledValue::Status::fitted
                                  ? fmt::format("+- {:.2g}", pull->error / unit)
                                  : fmt::format("({})", status_name(pull->status));
    return fmt::format(" best fit {:.4g} {}{}", pull->value / unit, error,
                       energy                                        ? " keV"
                       : pull->kind == PulledValue::Kind::deviations ? " standard deviations"
                                                                     : "");
}

// ---- rates by energy --------------------------------------------------------------------------------------------

//! Energy bins that a column of the table of rates takes together: from first to last, exclusive
struct Range {
    std::size_t first, last;
};

//! At most four ranges of about as many bins each, after the range of all
std::vector<Range> energy_ranges(const Experiment& x) {
    const auto n = static_cast<std::size_t>(x.n_energy_bins());
    const std::size_t parts = std::min<std::size_t>(4, n);
    std::vector<Range> ranges{{0, n}};
    for (std::size_t i = 0; i < parts && parts > 1; ++i) {
        ranges.push_back({i * n / parts, (i + 1) * n / parts});
    }
    return ranges;
}

double sum_over(const Experiment& x, const Counts& counts, const Range& range) {
    const auto inner = static_cast<std::ptrdiff_t>(x.n_inner_bins());
    return std::accumulate(counts.begin() + static_cast<std::ptrdiff_t>(range.first) * inner,
                           counts.begin() + static_cast<std::ptrdiff_t>(range.last) * inner, 0.);
}

void print_rates(const Experiment& x, const ExperimentReport& report) {
    const std::vector<Range> ranges = energy_ranges(x);
    std::size_t width = std::string("all neutrinos").size();
    for (const Component& component : report.nominal.components) {
        width = std::max(width, component.name.size());
    }
    const double unit = in_photoelectrons(x) ? 1 : keV;
    fmt::print("counts in the standard model, systematics at nominal\n  {:<{}}  {:>12}",
               in_photoelectrons(x) ? "PE" : "keV", width, "all");
    for (std::size_t r = 1; r < ranges.size(); ++r) {
        fmt::print("  {:>14}", fmt::format("{:.4g}-{:.4g}", x.bin_edges[ranges[r].first] / unit,
                                           x.bin_edges[ranges[r].last] / unit));
    }
    fmt::print("\n");
    const auto row = [&](const std::string& name, const Counts& counts) {
        fmt::print("  {:<{}}", name, width);
        for (std::size_t r = 0; r < ranges.size(); ++r) {
            fmt::print("  {:>{}.6g}", sum_over(x, counts, ranges[r]), r ? 14 : 12);
        }
        fmt::print("\n");
    };
    for (std::size_t i = 0; i < report.nominal.components.size(); ++i) {
        if (i == report.n_signal && i > 1) {
            row("all neutrinos", report.signal());
        }
        row(report.nominal.components[i].name, report.nominal.components[i].counts);
    }
    row("predicted", report.nominal.predicted);
    row("best fit", report.fit.predicted);
    row("observed", x.counts);
}

void print_target(const Experiment& x) {
    const TargetMaterial& target = x.target;
    fmt::print("target\n  {}: {:.4g} formula units of {:g} electrons", target.formula, target.units,
               target.n_electrons);
    if (!target.shells.empty()) {
        const auto [least, most] =
            std::minmax_element(target.shells.begin(), target.shells.end(),
                                [](const Shell& a, const Shell& b) { return a.binding_energy < b.binding_energy; });
        fmt::print(", bound by {} to {}", energy_text(least->binding_energy), energy_text(most->binding_energy));
    }
    fmt::print("\n");
    for (const TargetNuclide& isotope : target.nuclides) {
        const Nuclide& nuclide = isotope.nuclide;
        fmt::print("  {:<6} {:>9.4f} a unit  {:>9.3f} GeV  R_p {:.3f} fm  R_n {:.3f} fm\n", nuclide.name,
                   isotope.number, nuclide.mass / 1e3, nuclide.proton_radius, nuclide.neutron_radius);
    }
}

void print_explanation(const Experiment& x, const std::string& path, const ExperimentReport& report) {
    fmt::print("{}: {}\n  {}\n  {}\n", x.name, x.title, x.citation, path);
    if (!x.sources.empty()) {
        const double kg = mass_of(x.target), days = x.live_time / day;
        fmt::print("exposure\n  {} x {:.5g} d = {:.4g} kg d\n", mass_text(kg), days, kg * days);
        print_target(x);
        fmt::print("sources\n");
        for (const Source& source : x.sources) {
            fmt::print("  {:<14} {:<9} {:.4g} cm^-2 s^-1; {}; {}{}\n", source.name, neutrino_name(source), source.flux,
                       energies_of(source), propagation_of(source), source.arrival.empty() ? "" : "; pulsed");
        }
        fmt::print("channels, couplings {}\n",
                   x.couplings == CouplingScheme::tree ? "at tree level" : "with radiative corrections");
        for (const Channel& channel : x.channels) {
            fmt::print("  {:<14} {}\n", channel.name, describe_channel(channel));
        }
        fmt::print("response\n  {}\n", describe_response(x));
    }
    const double unit = in_photoelectrons(x) ? 1 : keV;
    fmt::print("bins, statistic {}\n  {} in energy from {:.6g} to {:.6g} {}", statistic_name(x.statistic),
               x.n_energy_bins(), x.bin_edges.front() / unit, x.bin_edges.back() / unit,
               in_photoelectrons(x) ? "PE" : "keV");
    for (const BinVariable& variable : x.further) {
        const bool time = variable.name == "time";
        fmt::print(", {} in {} from {:.6g} to {:.6g}{}", variable.edges.size() - 1, variable.name,
                   variable.edges.front() * (time ? 1e6 : 1), variable.edges.back() * (time ? 1e6 : 1),
                   time ? " us" : "");
    }
    fmt::print("\n");
    print_rates(x, report);
    fmt::print("systematics\n");
    for (const SystematicLine& line : systematics_of(x, report.fit)) {
        fmt::print("  {:<14} {:<32} {:<10}{}\n", line.name, line.what, uncertainty_text(line.sigma),
                   fitted_text(line.fitted));
    }
    const double nominal = report.nominal.chi2.value, fitted = report.fit.chi2.value;
    if (nominal < constants::infinity && fitted < constants::infinity) {
        fmt::print("chi2 with {} bins\n  {:.4f} with nominal systematics, {:.4f} at the best fit\n", x.n_bins(),
                   nominal, fitted);
    } else {
        fmt::print("chi2 with {} bins\n  chi2 with nominal systematics{}\n  chi2 at the best fit{}\n", x.n_bins(),
                   chi2_text(nominal), chi2_text(fitted));
    }
    fmt::print("suspicious\n");
    for (const std::string& note : x.notes) {
        fmt::print("  {}\n", note);
    }
    for (const std::string& warning : report.warnings) {
        fmt::print("  {}\n", warning);
    }
    if (x.notes.empty() && report.warnings.empty()) {
        fmt::print("  nothing\n");
    }
}

void print_explanation_json(const Experiment& x, const std::string& path, const ExperimentReport& report) {
    fmt::print("{{\n  \"name\": {},\n  \"title\": {},\n  \"citation\": {},\n  \"file\": {},\n", json_string(x.name),
               json_string(x.title), json_string(x.citation), json_string(path));
    fmt::print("  \"statistic\": \"{}\",\n  \"couplings\": \"{}\",\n", statistic_name(x.statistic),
               x.couplings == CouplingScheme::tree ? "tree" : "radiative");
    fmt::print("  \"mass_kg\": {},\n  \"live_time_s\": {},\n  \"formula\": {},\n  \"formula_units\": {},\n",
               mass_of(x.target), x.live_time, json_string(x.target.formula), x.target.units);
    const auto list = [](const char* key, const auto& items, const auto& text, const char* end) {
        fmt::print("  \"{}\": [", key);
        for (std::size_t i = 0; i < items.size(); ++i) {
            fmt::print("{}\n    {}", i ? "," : "", text(items[i]));
        }
        fmt::print("{}]{}\n", items.empty() ? "" : "\n  ", end);
    };
    list(
        "nuclides", x.target.nuclides,
        [](const TargetNuclide& t) {
            return fmt::format("{{\"name\": \"{}\", \"number\": {}, \"mass_MeV\": {}, \"proton_radius_fm\": {}, "
                               "\"neutron_radius_fm\": {}}}",
                               t.nuclide.name, t.number, t.nuclide.mass, t.nuclide.proton_radius,
                               t.nuclide.neutron_radius);
        },
        ",");
    list(
        "sources", x.sources,
        [](const Source& s) {
            return fmt::format("{{\"name\": {}, \"neutrino\": \"{}\", \"flux_cm2_s\": {}, \"energies\": \"{}\", "
                               "\"propagation\": \"{}\", \"pulsed\": {}}}",
                               json_string(s.name), neutrino_name(s), s.flux, energies_of(s), propagation_of(s),
                               !s.arrival.empty());
        },
        ",");
    list(
        "channels", x.channels,
        [](const Channel& c) {
            return fmt::format("{{\"name\": {}, \"description\": \"{}\"}}", json_string(c.name), describe_channel(c));
        },
        ",");
    fmt::print("  \"response\": \"{}\",\n  \"bin_edges_{}\": {},\n", describe_response(x),
               in_photoelectrons(x) ? "PE" : "MeV", json_array(x.bin_edges));
    list(
        "further", x.further,
        [](const BinVariable& v) {
            return fmt::format("{{\"name\": {}, \"edges{}\": {}}}", json_string(v.name), v.name == "time" ? "_s" : "",
                               json_array(v.edges));
        },
        ",");
    fmt::print("  \"observed\": {},\n  \"errors\": {},\n", json_array(x.counts), json_array(x.errors()));
    std::vector<std::size_t> components(report.nominal.components.size());
    std::iota(components.begin(), components.end(), std::size_t{0});
    list(
        "components", components,
        [&](std::size_t i) {
            const Component& nominal = report.nominal.components[i];
            return fmt::format("{{\"name\": {}, \"kind\": \"{}\",\n     \"nominal\": {},\n     \"fit\": {}}}",
                               json_string(nominal.name), i < report.n_signal ? "signal" : "background",
                               json_array(nominal.counts), json_array(report.fit.components[i].counts));
        },
        ",");
    list(
        "systematics", systematics_of(x, report.fit),
        [](const SystematicLine& line) {
            const std::string sigma = line.sigma < constants::infinity ? fmt::format("{}", line.sigma) : "\"free\"";
            return fmt::format("{{\"name\": {}, \"what\": \"{}\", \"sigma\": {}, \"fit\": {}, \"error\": {}, "
                               "\"status\": \"{}\"}}",
                               json_string(line.name), line.what, sigma,
                               line.fitted ? json_number(line.fitted->value) : "null",
                               line.fitted ? json_number(line.fitted->error) : "null",
                               status_name(line.fitted ? line.fitted->status : PulledValue::Status::held));
        },
        ",");
    fmt::print("  \"chi2\": {{\"nominal\": {}, \"fit\": {}}},\n", json_number(report.nominal.chi2.value),
               json_number(report.fit.chi2.value));
    list(
        "warnings", report.warnings, [](const std::string& warning) { return json_string(warning); }, "");
    fmt::print("}}\n");
}

} // namespace

void add_experiments_command(CLI::App& app) {
    struct Arguments {
        std::string name, file;
        bool json = false;
    };
    auto* command = app.add_subcommand("experiments", "Lists the experiments that are there, or explains one");
    auto arguments = std::make_shared<Arguments>();
    auto* name = command->add_option("name", arguments->name, "One of the list, to explain");
    command->add_option("--check", arguments->file, "Experiment file (TOML) to explain instead")->excludes(name);
    command->add_flag("--json", arguments->json, "Print JSON");
    command->callback([arguments] {
        if (arguments->name.empty() && arguments->file.empty()) {
            (arguments->json ? print_list_json : print_list)(shipped_experiments());
            return;
        }
        const std::string path =
            arguments->file.empty() ? find_experiment(arguments->name, {"nuscan", 0}) : arguments->file;
        Waiting waiting;
        waiting.at("reading " + path);
        const Experiment experiment = read_experiment(path);
        waiting.end();
        for (const std::string& note : experiment.notes) {
            if (arguments->json) { // text has them among what is suspicious
                fmt::print(stderr, "{}\n", note);
            }
        }
        waiting.at("working out the response and what it expects");
        const ExperimentReport report = report_experiment(experiment);
        waiting.end();
        (arguments->json ? print_explanation_json : print_explanation)(experiment, path, report);
    });
}

} // namespace nuscan::cli
