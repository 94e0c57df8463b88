// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "scan/plan.hpp"

namespace nuscan::cli {

namespace {

struct Arguments {
    std::string file, target, flavour, propagation = "short";
    bool antineutrino = false;
    double energy = 0;
    std::vector<double> recoils;
    std::optional<double> baseline; //!< [m]
    bool json = false;
    std::vector<std::string> set;
};

void run(const Arguments& arguments) {
    if (arguments.target != "electron") {
        throw InputError({"--target", 0}, "unknown target \"" + arguments.target + "\"",
                         "this version knows free electrons", "write --target electron?");
    }
    const auto flavour = choose<Flavour>("--flavour", arguments.flavour,
                                         {{"e", Flavour::e}, {"mu", Flavour::mu}, {"tau", Flavour::tau}});
    const auto propagation = choose<Propagation>(
        "--propagation", arguments.propagation,
        {{"short", Propagation::short_baseline}, {"exact", Propagation::exact}, {"decohered", Propagation::decohered}});
    if (propagation == Propagation::exact && !arguments.baseline) {
        throw InputError({"--baseline", 0}, "missing", "exact propagation needs the distance",
                         "write --baseline METRES?");
    }
    const double baseline = arguments.baseline.value_or(0);
    if (!(baseline >= 0)) {
        throw InputError({"--baseline", 0}, fmt::format("{} m is no distance", baseline), "it must not be negative");
    }
    ScanConfig config = read_point_config(arguments.file, split_overrides(arguments.set), false);
    config.experiments.clear(); // no experiment sees this point
    if (!(arguments.energy > 0)) {
        throw InputError({"--energy", 0}, fmt::format("{} MeV is no neutrino energy", arguments.energy),
                         "it must be positive");
    }
    const double highest = max_electron_recoil(arguments.energy);
    for (const double T : arguments.recoils) {
        if (!(T > 0)) {
            throw InputError({"--recoil", 0}, fmt::format("{} MeV is no recoil energy", T), "it must be positive");
        }
        if (T > highest) {
            throw InputError({"--recoil", 0}, fmt::format("{} MeV is above the kinematic limit", T),
                             fmt::format("an electron at rest gets at most {:.6g} MeV from a neutrino of {} MeV",
                                         highest, arguments.energy));
        }
    }

    const Plan plan(std::move(config), Method::direct);
    const WorkUnit work = plan.point_unit({});
    const UnitView unit = work.view();
    const ParameterView& parameters = plan.view().parameters;
    const PlaneCouplings point = plane_couplings(parameters, plan.view().layout, unit, 0);
    const ElectronCouplings couplings = arguments.antineutrino ? antineutrino_couplings(point.base) : point.base;
    const Matrix3 rho = density_matrix(point.U, mixing_of(parameters, unit, 0), flavour, arguments.antineutrino,
                                       propagation, baseline, arguments.energy);

    std::string separator;
    if (arguments.json) {
        fmt::print("[");
    } else {
        fmt::print("{:>14} {:>15} {:>15} {:>15} {:>15} {:>15} {:>15}\n", "recoil [MeV]", "C1", "C2", "Re C3", "Im C3",
                   "mu2 [mu_B^2]", "dsigma_dT [cm^2/MeV]");
    }
    for (const double T : arguments.recoils) {
        const ScatteringCoefficients c = scattering_coefficients(rho, couplings, T);
        const double sigma = electron_cross_section(c, arguments.energy, T, arguments.antineutrino ? -1 : 1);
        if (arguments.json) {
            fmt::print("{}\n  {{\"recoil\": {}, \"C1\": {}, \"C2\": {}, \"C3\": [{}, {}], "
                       "\"mu2\": {}, \"dsigma_dT\": {}}}",
                       separator, T, c.C1, c.C2, c.C3.re, c.C3.im, c.mu2, sigma);
            separator = ",";
        } else {
            fmt::print("{:14.6g} {:15.8e} {:15.8e} {:15.8e} {:15.8e} {:15.8e} {:15.8e}\n", T, c.C1, c.C2, c.C3.re,
                       c.C3.im, c.mu2, sigma);
        }
    }
    if (arguments.json) {
        fmt::print("\n]\n");
    }
}

} // namespace

void add_cross_section_command(CLI::App& app) {
    auto* command =
        app.add_subcommand("cross-section", "C1, C2, C3, |mu|^2 and dsigma/dT at given energies, for the parameters "
                                            "of a scan file");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("file", arguments->file, "Scan file (TOML); its axes and experiments are not used")->required();
    command->add_option("--target", arguments->target, "electron")->required();
    command->add_option("--flavour", arguments->flavour, "e, mu or tau: flavour at the source")->required();
    command->add_flag("--antineutrino", arguments->antineutrino, "Antineutrinos instead of neutrinos");
    command->add_option("--energy", arguments->energy, "Neutrino energy [MeV]")->required();
    command->add_option("--recoil", arguments->recoils, "Recoil energy [MeV]; repeatable")
        ->required()
        ->allow_extra_args(false);
    command->add_option("--baseline", arguments->baseline, "Source to detector [m]");
    command->add_option("--propagation", arguments->propagation, "short (default), exact or decohered");
    command->add_option("--set", arguments->set, "KEY=VALUE: a parameter or a key of the scan file; repeatable")
        ->allow_extra_args(false);
    command->add_flag("--json", arguments->json, "Print a list with one object a recoil energy");
    command->callback([arguments] { run(*arguments); });
}

} // namespace nuscan::cli
