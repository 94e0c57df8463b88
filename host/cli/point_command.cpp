// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/json.hpp"
#include "cli/text.hpp"
#include "cli/waiting.hpp"
#include "scan/point.hpp"

namespace nuscan::cli {

namespace {

//! A value is relative to nominal, in standard deviations, in MeV or a relative deviation
std::string json_pulls(const std::vector<PulledValue>& pulls) {
    static constexpr const char* units[] = {"nominal", "sigma", "MeV", "relative"};
    std::string text = "[";
    for (const PulledValue& pull : pulls) {
        text +=
            fmt::format("{}{{\"name\": \"{}\", \"value\": {}, \"error\": {}, \"unit\": \"{}\", \"status\": \"{}\"}}",
                        text.size() > 1 ? ", " : "", pull.name, json_number(pull.value), json_number(pull.error),
                        units[static_cast<int>(pull.kind)], status_name(pull.status));
    }
    return text + "]";
}

void print_json(const PointReport& report) {
    fmt::print("{{\n  \"chi2\": {},\n  \"experiments\": [", json_number(report.chi2));
    for (std::size_t e = 0; e < report.experiments.size(); ++e) {
        const ExperimentPoint& x = report.experiments[e];
        fmt::print("{}\n    {{\n      \"name\": \"{}\",\n      \"chi2\": {},\n      \"status\": {},\n", e ? "," : "",
                   x.name, json_number(x.chi2.value), static_cast<int>(x.chi2.status));
        fmt::print("      \"bin_edges_{}\": {},\n", x.photoelectrons ? "PE" : "MeV", json_array(x.bin_edges));
        for (const BinVariable& variable : x.further) {
            fmt::print("      \"{}_edges{}\": {},\n", variable.name, variable.name == "time" ? "_s" : "",
                       json_array(variable.edges));
        }
        fmt::print("      \"observed\": {},\n      \"predicted\": {},\n", json_array(x.observed),
                   json_array(x.predicted));
        fmt::print("      \"components\": {{");
        for (std::size_t i = 0; i < x.components.size(); ++i) {
            fmt::print("{}\n        \"{}\": {}", i ? "," : "", x.components[i].name,
                       json_array(x.components[i].counts));
        }
        fmt::print("\n      }},\n      \"pulls\": {}\n    }}", json_pulls(x.pulls));
    }
    std::string degeneracies;
    for (const std::string& degeneracy : report.degeneracies) {
        degeneracies += (degeneracies.empty() ? "" : ", ") + json_string(degeneracy);
    }
    fmt::print("\n  ],\n  \"shared\": {},\n  \"degenerate_pulls\": [{}]\n}}\n", json_pulls(report.shared),
               degeneracies);
}

//! A line a bin: its edges in every variable, then the counts
void print_bins(const ExperimentPoint& x, std::size_t width) {
    struct Column {
        std::string unit;
        double scale;
        const std::vector<double>* edges;
    };
    std::vector<Column> columns{{x.photoelectrons ? "PE" : "keV", x.photoelectrons ? 1. : 1e3, &x.bin_edges}};
    for (const BinVariable& variable : x.further) {
        const bool time = variable.name == "time";
        columns.push_back({time ? "us" : variable.name, time ? 1e6 : 1., &variable.edges});
    }
    fmt::print(" ");
    for (const Column& column : columns) {
        fmt::print(" {:>8} {:>8}", "from " + column.unit, "to " + column.unit);
    }
    fmt::print(" {:>9} {:>10}", "observed", "predicted");
    for (const Component& component : x.components) {
        fmt::print("{:>{}}", component.name, width);
    }
    fmt::print("\n");
    for (std::size_t b = 0; b < x.observed.size(); ++b) {
        fmt::print(" ");
        std::size_t inner = x.observed.size(), rest = b; // the energy is outermost
        for (const Column& column : columns) {
            inner /= column.edges->size() - 1;
            const std::size_t i = rest / inner;
            rest %= inner;
            fmt::print(" {:8.4g} {:8.4g}", column.scale * (*column.edges)[i], column.scale * (*column.edges)[i + 1]);
        }
        fmt::print(" {:9g} {:10.4f}", x.observed[b], x.predicted[b]);
        for (const Component& component : x.components) {
            fmt::print("{:>{}.4f}", component.counts[b], width);
        }
        fmt::print("\n");
    }
}

void print_pulls(const std::vector<PulledValue>& pulls) {
    for (const PulledValue& pull : pulls) {
        static constexpr const char* units[] = {" of nominal", " sigma", " keV", " relative to nominal"};
        const char* what = units[static_cast<int>(pull.kind)];
        const double scale = pull.kind == PulledValue::Kind::energy ? 1e3 : 1;
        switch (pull.status) {
        case PulledValue::Status::not_determined:
            fmt::print("  {}: not determined (counts are those at {:.5f}{})\n", pull.name, scale * pull.value, what);
            break;
        case PulledValue::Status::fitted:
            fmt::print("  {}: {:.5f} ± {:.5f}{}\n", pull.name, scale * pull.value, scale * pull.error, what);
            break;
        case PulledValue::Status::held:
        case PulledValue::Status::at_bound:
            fmt::print("  {}: {:.5f} ({}){}\n", pull.name, scale * pull.value, status_name(pull.status), what);
        }
    }
}

void print_text(const PointReport& report) {
    for (const ExperimentPoint& x : report.experiments) {
        fmt::print("{}: chi2{} with {} bins\n", x.name, chi2_text(x.chi2.value), x.observed.size());
        print_pulls(x.pulls);
        std::size_t width = 10;
        for (const Component& component : x.components) {
            width = std::max(width, component.name.size() + 2);
        }
        print_bins(x, width);
    }
    if (!report.shared.empty()) {
        fmt::print("shared by several experiments:\n");
        print_pulls(report.shared);
    }
    for (const std::string& degeneracy : report.degeneracies) {
        fmt::print("{}\n", degeneracy);
    }
    fmt::print("total chi2{}\n", chi2_text(report.chi2));
}

} // namespace

void add_point_command(CLI::App& app) {
    struct Arguments {
        std::string file;
        std::vector<std::string> set;
        bool json = false;
    };
    auto* command = app.add_subcommand("point", "Spectrum and chi2 of one point: a scan file without its axes");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("file", arguments->file, "Scan file (TOML)")->required();
    command->add_option("--set", arguments->set, "KEY=VALUE: a parameter or a key of the scan file; repeatable")
        ->allow_extra_args(false);
    command->add_flag("--json", arguments->json, "Print JSON");
    command->callback([arguments] {
        Waiting waiting;
        waiting.at("reading " + arguments->file + " and its experiments");
        const ScanConfig config = read_point_config(arguments->file, split_overrides(arguments->set), true);
        waiting.end();
        print_notes(config);
        waiting.at("working out the response of the experiments and the point");
        const PointReport report = evaluate_point(config);
        waiting.end();
        if (arguments->json) {
            print_json(report);
        } else {
            print_text(report);
        }
    });
}

} // namespace nuscan::cli
