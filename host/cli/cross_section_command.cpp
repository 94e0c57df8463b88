// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "experiments/atomic_shells.hpp"
#include "experiments/axial_structure.hpp"
#include "experiments/nuclides.hpp"
#include "experiments/photoabsorption.hpp"
#include "nuscan/electron_scattering.hpp"
#include "nuscan/nuclear_scattering.hpp"
#include "scan/plan.hpp"

namespace nuscan::cli {

namespace {

struct Arguments {
    std::string file, target, flavour, propagation = "short", couplings = "tree";
    bool antineutrino = false;
    double energy = 0;
    std::vector<double> recoils;
    std::optional<double> baseline;                        //!< [m]
    std::optional<double> electron_density;                //!< [mol/cm³]
    std::optional<std::string> atom, atomic, interference; // of electrons
    std::optional<std::string> form_factor;                // of nuclei
    std::optional<double> proton_radius, neutron_radius;   //!< [fm]
    bool axial = false;
    bool json = false;
    std::vector<std::string> set;
};

/// A neutrino of the energy asked for, as it arrives.
struct Arrival {
    Matrix3 rho;
    Couplings couplings;
    double energy; //!< [MeV]
    double s;      //!< +1 for neutrinos, −1 for antineutrinos
};

/// An isotope of the target.
struct Isotope {
    Nuclide nuclide;
    double share; //!< of the target's nuclei
};

// ---- what the flags say -----------------------------------------------------------------------------------------

//! \throws InputError for a flag of the other kind of target
void refuse(bool given, const std::string& flag, const std::string& why) {
    if (given) {
        throw InputError({flag, 0}, "does not go with this target", why);
    }
}

Beam beam_of(const Arguments& arguments, ProductionZone& zone) {
    Beam beam{choose<Flavour>("--flavour", arguments.flavour,
                              {{"e", Flavour::e}, {"mu", Flavour::mu}, {"tau", Flavour::tau}}),
              arguments.antineutrino,
              choose<Propagation>("--propagation", arguments.propagation,
                                  {{"short", Propagation::short_baseline},
                                   {"exact", Propagation::exact},
                                   {"decohered", Propagation::decohered},
                                   {"solar", Propagation::solar}})};
    beam.baseline = arguments.baseline.value_or(0);
    if (beam.propagation == Propagation::exact && !arguments.baseline) {
        throw InputError({"--baseline", 0}, "missing", "exact propagation needs the distance",
                         "write --baseline METRES?");
    }
    if (!(beam.baseline >= 0)) {
        throw InputError({"--baseline", 0}, fmt::format("{} m is no distance", beam.baseline),
                         "it must not be negative");
    }
    if (beam.propagation == Propagation::solar) {
        if (beam.flavour != Flavour::e || beam.antineutrino) {
            throw InputError({"--propagation", 0}, "solar is for electron neutrinos", "the Sun makes no others",
                             "write --flavour e?");
        }
        if (!arguments.electron_density) {
            throw InputError({"--electron-density", 0}, "missing", "solar propagation starts in the matter of the Sun",
                             "write --electron-density MOL_PER_CM3, e.g. 92.5 for 8B?");
        }
        zone = {*arguments.electron_density, 1};
        beam.zones = &zone;
        beam.n_zones = 1;
    }
    if (arguments.electron_density && !(*arguments.electron_density >= 0)) {
        throw InputError({"--electron-density", 0},
                         fmt::format("{} mol/cm^3 is no density", *arguments.electron_density),
                         "it must not be negative");
    }
    return beam;
}

CouplingScheme scheme_of(const Arguments& arguments, const NeutrinoConfig& neutrino) {
    const auto scheme = choose<CouplingScheme>(
        "--couplings", arguments.couplings, {{"tree", CouplingScheme::tree}, {"radiative", CouplingScheme::radiative}});
    if (neutrino.charge_radius_mode == ChargeRadiusMode::beyond_sm) {
        return scheme;
    }
    if (scheme == CouplingScheme::tree) {
        throw InputError({"--couplings", 0}, "tree couplings have no total charge radius",
                         "they do not contain that of the SM, which charge_radius_mode = \"total\" takes out",
                         "write --couplings radiative?");
    }
    return CouplingScheme::flavour_blind;
}

std::vector<Isotope> isotopes_of(const std::string& target) {
    if (const std::optional<Nuclide> nuclide = find_nuclide(target)) {
        return {{*nuclide, 1}};
    }
    std::vector<Isotope> isotopes;
    for (const Nuclide& nuclide : natural_isotopes(target)) {
        isotopes.push_back({nuclide, nuclide.abundance});
    }
    if (isotopes.empty()) {
        std::vector<std::string> known = nuclide_names();
        const std::vector<std::string> elements = element_symbols();
        known.insert(known.end(), elements.begin(), elements.end());
        known.emplace_back("electron");
        const std::string nearest = nearest_name(symbol_first(target), known);
        throw InputError({"--target", 0}, "unknown target \"" + target + "\"",
                         "it is electron, an isotope that occurs in nature (Ar40), or an element with such (Xe)",
                         nearest.empty() || nearest == target ? "" : "did you mean \"" + nearest + "\"?");
    }
    return isotopes;
}

//! \p whose: what gets at most \p highest
void check_recoils(const Arguments& arguments, double highest, const std::string& whose) {
    for (const double T : arguments.recoils) {
        if (!(T > 0)) {
            throw InputError({"--recoil", 0}, fmt::format("{} MeV is no recoil energy", T), "it must be positive");
        }
        if (T > highest) {
            throw InputError({"--recoil", 0}, fmt::format("{} MeV is above the kinematic limit", T),
                             fmt::format("{} at rest gets at most {:.6g} MeV from a neutrino of {} MeV", whose, highest,
                                         arguments.energy));
        }
    }
}

// ---- output -----------------------------------------------------------------------------------------------------

/// Rows of one table: aligned columns, or a list of JSON objects.
class Rows {
public:
    Rows(bool json, const std::vector<std::string>& titles) : json_(json) {
        if (json_) {
            return;
        }
        for (std::size_t i = 0; i < titles.size(); ++i) {
            fmt::print("{}{:>{}}", i ? " " : "", titles[i], i ? 15 : 14);
        }
        fmt::print("\n");
    }
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;

    void add(double recoil, const std::string& object, const std::vector<double>& columns) {
        if (json_) {
            fmt::print("{}\n  {{\"recoil\": {}, {}}}", empty_ ? "[" : ",", recoil, object);
        } else {
            fmt::print("{:14.6g}", recoil);
            for (const double x : columns) {
                fmt::print(" {:15.8e}", x);
            }
            fmt::print("\n");
        }
        empty_ = false;
    }
    void finish() const {
        if (json_) {
            fmt::print("\n]\n");
        }
    }

private:
    bool json_;
    bool empty_ = true;
};

// ---- targets ----------------------------------------------------------------------------------------------------

/// The electrons that a recoil of energy T meets, by the model that the flags name.
class ElectronTarget {
public:
    explicit ElectronTarget(const Arguments& arguments)
        : interferes_(choose<bool>("--interference", arguments.interference.value_or("full"),
                                   {{"full", true}, {"none", false}})) {
        if (!arguments.atom) {
            if (arguments.atomic) {
                throw InputError({"--atomic", 0}, "without an atom", "a free electron has no shells",
                                 "write --atom SYMBOL?");
            }
            return;
        }
        atom_ = find_element(*arguments.atom);
        if (!atom_) {
            const std::string nearest = nearest_name(*arguments.atom, element_symbols());
            throw InputError({"--atom", 0}, "unknown element \"" + *arguments.atom + "\"", "it is a chemical symbol",
                             nearest.empty() ? "" : "did you mean \"" + nearest + "\"?");
        }
        model_ = choose<AtomicModel>("--atomic", arguments.atomic.value_or("stepping"),
                                     {{"free", AtomicModel::free_electrons},
                                      {"stepping", AtomicModel::stepping},
                                      {"epa", AtomicModel::equivalent_photon}});
        if (model_ == AtomicModel::equivalent_photon) {
            table_ = photoabsorption(*arguments.atom);
            if (!table_) {
                throw InputError({"--atomic", 0}, "no photoabsorption table of " + *arguments.atom, "epa works from it",
                                 "write --atomic stepping?");
            }
        }
    }

    BoundElectrons at(double T) {
        BoundElectrons electrons{atom_ ? 0. : 1.};
        electrons.interference = interferes_ ? 1 : 0;
        if (!atom_) {
            return electrons;
        }
        for (const Shell& shell : atom_->shells) {
            if (model_ == AtomicModel::free_electrons || T >= shell.binding_energy) {
                electrons.electrons += shell.electrons;
            }
        }
        if (table_) {
            if (T >= table_->energy.front() && T <= table_->energy.back()) {
                electrons.photon_area = table_->at(T);
            } else {
                say_once(T);
            }
        }
        return electrons;
    }

private:
    void say_once(double T) {
        if (!said_) {
            fmt::print(stderr,
                       "--atomic: no equivalent photons at {:.6g} keV (the photoabsorption of {} is tabulated from "
                       "{:.6g} to {:.6g} keV): stepping there\n",
                       1e3 * T, atom_->symbol, 1e3 * table_->energy.front(), 1e3 * table_->energy.back());
            said_ = true;
        }
    }

    bool interferes_;
    std::optional<Element> atom_;
    AtomicModel model_ = AtomicModel::free_electrons;
    std::optional<PhotoabsorptionTable> table_;
    bool said_ = false;
};

void print_electron(const Arguments& arguments, ElectronTarget& target, const Arrival& neutrino) {
    Rows rows(arguments.json, {"recoil [MeV]", "C1", "C2", "Re C3", "Im C3", "mu2 [mu_B^2]", "dsigma_dT [cm^2/MeV]"});
    for (const double T : arguments.recoils) {
        const ScatteringCoefficients c = scattering_coefficients(neutrino.rho, neutrino.couplings, T);
        const BoundElectrons electrons = target.at(T);
        const double sigma = atomic_cross_section(
            electrons, scattering_coefficients(neutrino.rho, neutrino.couplings, T, electrons.interference),
            neutrino.energy, T, neutrino.s);
        rows.add(T,
                 fmt::format("\"C1\": {}, \"C2\": {}, \"C3\": [{}, {}], \"mu2\": {}, \"dsigma_dT\": {}", c.C1, c.C2,
                             c.C3.re, c.C3.im, c.mu2, sigma),
                 {c.C1, c.C2, c.C3.re, c.C3.im, c.mu2, sigma});
    }
    rows.finish();
}

/// The nuclei of the target, by the flags.
class NuclearTarget {
public:
    explicit NuclearTarget(const Arguments& arguments)
        : isotopes_(isotopes_of(arguments.target)),
          form_factor_(choose<NuclearFormFactor>("--form-factor", arguments.form_factor.value_or("helm"),
                                                 {{"helm", NuclearFormFactor::helm},
                                                  {"symmetrised-fermi", NuclearFormFactor::symmetrised_fermi},
                                                  {"klein-nystrand", NuclearFormFactor::klein_nystrand},
                                                  {"unity", NuclearFormFactor::unity}})),
          axial_(arguments.axial) {
        set_radius("--proton-radius", arguments.proton_radius, &Nuclide::proton_radius);
        set_radius("--neutron-radius", arguments.neutron_radius, &Nuclide::neutron_radius);
        for (const Isotope& isotope : isotopes_) {
            const double smallest = std::min(isotope.nuclide.proton_radius, isotope.nuclide.neutron_radius);
            if (!(smallest > min_radius(form_factor_))) {
                throw InputError({"--form-factor", 0},
                                 fmt::format("cannot describe {}, of radius {} fm", isotope.nuclide.name, smallest),
                                 fmt::format("its surface alone makes {:.4g} fm", min_radius(form_factor_)),
                                 "write --form-factor unity?");
            }
        }
        if (axial_ && std::all_of(isotopes_.begin(), isotopes_.end(),
                                  [](const Isotope& x) { return axial_structure(x.nuclide) == 0; })) {
            throw InputError({"--axial", 0}, "no axial term of " + arguments.target,
                             "it has no spin, or its spin structure is not known");
        }
    }

    //! The isotope that recoils furthest
    const Nuclide& lightest() const {
        return std::min_element(isotopes_.begin(), isotopes_.end(),
                                [](const Isotope& a, const Isotope& b) { return a.nuclide.mass < b.nuclide.mass; })
            ->nuclide;
    }

    void print(const Arguments& arguments, const Arrival& neutrino) const {
        Rows rows(arguments.json, {"recoil [MeV]", "C_V", "mu2 [mu_B^2]", "dsigma_dT [cm^2/MeV]"});
        for (const double T : arguments.recoils) {
            NuclearCoefficients mean;
            double sigma = 0;
            for (const Isotope& isotope : isotopes_) {
                const NucleusAtRecoil nucleus = at(isotope.nuclide, T);
                const NuclearCoefficients c = nuclear_coefficients(neutrino.rho, neutrino.couplings, nucleus, T);
                mean.C_V += isotope.share * c.C_V;
                mean.mu2 = c.mu2;
                if (T <= max_recoil(neutrino.energy, nucleus.mass)) {
                    sigma += isotope.share * nuclear_cross_section(nucleus, c, neutrino.energy, T);
                }
            }
            rows.add(T, fmt::format("\"C_V\": {}, \"mu2\": {}, \"dsigma_dT\": {}", mean.C_V, mean.mu2, sigma),
                     {mean.C_V, mean.mu2, sigma});
        }
        rows.finish();
    }

private:
    void set_radius(const std::string& flag, const std::optional<double>& radius, double Nuclide::*which) {
        if (!radius) {
            return;
        }
        if (isotopes_.size() > 1) {
            throw InputError({flag, 0}, "one radius for several isotopes", "each has its own",
                             "name one of them, e.g. --target " + isotopes_.front().nuclide.name + "?");
        }
        if (!(*radius > min_radius(form_factor_))) {
            throw InputError({flag, 0}, fmt::format("{} fm is no radius for this form factor", *radius),
                             fmt::format("it must be above {:.4g} fm", min_radius(form_factor_)));
        }
        isotopes_.front().nuclide.*which = *radius;
    }

    NucleusAtRecoil at(const Nuclide& nuclide, double T) const {
        const double q = std::sqrt(2 * nuclide.mass * T);
        const double F_p = form_factor(form_factor_, q, nuclide.proton_radius);
        const double F_n = form_factor(form_factor_, q, nuclide.neutron_radius);
        return {nuclide.mass, nuclide.Z * F_p, (nuclide.A - nuclide.Z) * F_n,
                axial_ ? axial_structure(nuclide) * F_p * F_p : 0};
    }

    std::vector<Isotope> isotopes_;
    NuclearFormFactor form_factor_;
    bool axial_;
};

void run(const Arguments& arguments) {
    const bool electron = arguments.target == "electron";
    if (electron) {
        const std::string why = "electrons have none";
        refuse(arguments.form_factor.has_value(), "--form-factor", why);
        refuse(arguments.proton_radius.has_value(), "--proton-radius", why);
        refuse(arguments.neutron_radius.has_value(), "--neutron-radius", why);
        refuse(arguments.axial, "--axial", "that of electrons is always there");
    } else {
        const std::string why = "it is for electrons: --target electron";
        refuse(arguments.atom.has_value(), "--atom", why);
        refuse(arguments.atomic.has_value(), "--atomic", why);
        refuse(arguments.interference.has_value(), "--interference", why);
    }
    if (!(arguments.energy > 0)) {
        throw InputError({"--energy", 0}, fmt::format("{} MeV is no neutrino energy", arguments.energy),
                         "it must be positive");
    }
    ProductionZone zone{};
    const Beam beam = beam_of(arguments, zone);
    ScanConfig config = read_point_config(arguments.file, split_overrides(arguments.set), false);
    config.experiments.clear(); // no experiment sees this point
    const Interaction interaction{electron ? Target::electron : Target::nucleus, scheme_of(arguments, config.neutrino)};

    const Plan plan(std::move(config), Method::direct);
    const WorkUnit work = plan.point_unit({});
    ParameterView parameters = plan.parameters();
    parameters.interactions[0] = interaction;
    parameters.n_interactions = 1;
    const PlaneCouplings point = plane_couplings(parameters, plan.layout(), work.view(), 0);
    const Arrival neutrino{
        density_matrix(point.U, mixing_of(parameters, work.view(), 0), beam, arguments.energy),
        arguments.antineutrino ? antineutrino_couplings(point.base[0]) : point.base[0],
        arguments.energy,
        arguments.antineutrino ? -1. : 1.,
    };

    if (electron) {
        ElectronTarget target(arguments);
        check_recoils(arguments, max_recoil(arguments.energy, constants::electron_mass), "an electron");
        print_electron(arguments, target, neutrino);
    } else {
        const NuclearTarget target(arguments);
        const Nuclide& lightest = target.lightest();
        check_recoils(arguments, max_recoil(arguments.energy, lightest.mass), lightest.name);
        target.print(arguments, neutrino);
    }
}

} // namespace

void add_cross_section_command(CLI::App& app) {
    auto* command = app.add_subcommand(
        "cross-section",
        "dsigma/dT at given energies with what it is made of (C1, C2, C3 of electrons, C_V of nuclei, |mu|^2), for the "
        "parameters of a scan file");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("file", arguments->file,
                        "Scan file (TOML), for its [neutrino] and [parameters]; without one, the Standard Model");
    command
        ->add_option("--target", arguments->target,
                     "electron; an isotope, e.g. Ar40; or an element, e.g. Xe: the mean over its natural isotopes")
        ->required();
    command->add_option("--flavour", arguments->flavour, "e, mu or tau: flavour at the source")->required();
    command->add_flag("--antineutrino", arguments->antineutrino, "Antineutrinos instead of neutrinos");
    command->add_option("--energy", arguments->energy, "Neutrino energy [MeV]")->required();
    command->add_option("--recoil", arguments->recoils, "Recoil energy [MeV]; repeatable")
        ->required()
        ->allow_extra_args(false);
    command->add_option("--propagation", arguments->propagation, "short (default), exact, decohered or solar");
    command->add_option("--baseline", arguments->baseline, "Source to detector [m], of exact propagation");
    command->add_option("--electron-density", arguments->electron_density,
                        "Where in the Sun the neutrino is made [mol/cm^3], of solar propagation");
    command->add_option("--couplings", arguments->couplings, "tree (default) or radiative");
    command->add_option("--atom", arguments->atom, "The electrons of an atom, e.g. Xe: dsigma/dT per atom");
    command->add_option("--atomic", arguments->atomic,
                        "Electrons of the atom: free, stepping (default), or epa: stepping, with equivalent photons in "
                        "the term quadratic in the charge");
    command->add_option("--interference", arguments->interference,
                        "Of the charge with weak amplitudes and the charge radius: full (default) or none");
    command->add_option("--form-factor", arguments->form_factor,
                        "Of nuclei: helm (default), symmetrised-fermi, klein-nystrand or unity");
    command->add_option("--proton-radius", arguments->proton_radius, "rms radius of an isotope's protons [fm]");
    command->add_option("--neutron-radius", arguments->neutron_radius, "rms radius of an isotope's neutrons [fm]");
    command->add_flag("--axial", arguments->axial, "With the axial term of nuclei that have spin");
    command->add_option("--set", arguments->set, "KEY=VALUE: a parameter or a key of the scan file; repeatable")
        ->allow_extra_args(false);
    command->add_flag("--json", arguments->json, "Print a list with one object a recoil energy");
    command->callback([arguments] { run(*arguments); });
}

} // namespace nuscan::cli
