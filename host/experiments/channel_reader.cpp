// SPDX-License-Identifier: Apache-2.0
#include "experiments/channel_reader.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "experiments/axial_structure.hpp"
#include "experiments/photoabsorption.hpp"
#include "experiments/response_reader.hpp"
#include "nuscan/kinematics.hpp"

namespace nuscan {
namespace {

const std::vector<std::string> electron_keys{"atomic", "photoabsorption", "interference", "correction"};
const std::vector<std::string> nucleus_keys{"form_factor", "axial"};
const std::vector<std::string> common_keys{"name", "scattering", "quenching", "efficiency", "share"};

constexpr const char* unit = " MeV"; // of recoil energies

class ChannelReader {
public:
    ChannelReader(const TomlTable& experiment, const TargetInput& target, const std::vector<Source>& sources,
                  const std::vector<BinAxis>& axes, const EnergyResponse& response, ExperimentTables& tables,
                  std::vector<std::string>& notes)
        : experiment_(experiment), target_(target), axes_(axes), tables_(tables), notes_(notes),
          visible_(visible_range(axes[0], response)), highest_energy_(highest_neutrino_energy(sources)),
          efficiency_of_all_(read_recoil_efficiency(experiment, tables)) {}

    std::vector<Channel> read() {
        std::vector<Channel> channels;
        const TomlTable target = experiment_.table("target");
        if (!experiment_.has("channel")) {
            Channel channel;
            channel.name = "electron";
            channel.where = target.where();
            read_atomic(target, channel);
            read_efficiency(target, channel);
            return {channel};
        }
        for (const char* key : {"atomic", "interference"}) {
            if (target.has(key)) {
                throw InputError(target.where(key),
                                 fmt::format("\"{}\" stands in [target], but the file has channels", key),
                                 "it is a key of electron channels", "move it to their [[channel]]?");
            }
        }
        for (const TomlTable& table : experiment_.tables("channel")) {
            Channel channel = read_channel(table);
            for (const Channel& other : channels) {
                if (other.name == channel.name) {
                    throw InputError(table.where("name"), fmt::format("there are two channels \"{}\"", other.name), "",
                                     table.has("name") ? "" : "give them a \"name\" each");
                }
            }
            channels.push_back(std::move(channel));
        }
        if (channels.empty()) {
            throw InputError(experiment_.where("channel"), "the list of channels is empty");
        }
        return channels;
    }

private:
    Channel read_channel(const TomlTable& table) {
        Channel channel;
        const std::string scattering = table.choice("scattering", {"electron", "nucleus"});
        channel.target = scattering == "electron" ? Target::electron : Target::nucleus;
        check_keys(table, channel.target);
        channel.name = table.has("name") ? identifier(table, "name") : scattering;
        channel.where = table.where("quenching");
        if (table.has("quenching")) {
            channel.quenching = read_quenching(table, channel.target);
        }
        if (channel.target == Target::electron) {
            read_atomic(table, channel);
        } else {
            read_nucleus(table, channel);
        }
        read_efficiency(table, channel);
        read_shares(table, channel);
        return channel;
    }

    static void check_keys(const TomlTable& table, Target target) {
        const bool electron = target == Target::electron;
        for (const std::string& key : electron ? nucleus_keys : electron_keys) {
            if (table.has(key)) {
                throw InputError(table.where(key),
                                 fmt::format("\"{}\" is a key of {} channels", key, electron ? "nucleus" : "electron"),
                                 fmt::format("scattering is \"{}\"", electron ? "electron" : "nucleus"));
            }
        }
        std::vector<std::string> keys = common_keys;
        const std::vector<std::string>& own = electron ? electron_keys : nucleus_keys;
        keys.insert(keys.end(), own.begin(), own.end());
        table.allow_only(keys);
    }

    // ---- recoil energies ----

    double highest_recoil(Target target) const {
        double mass = constants::electron_mass;
        if (target == Target::nucleus) {
            mass = constants::infinity;
            for (const TargetNuclide& nuclide : target_.material.nuclides) {
                mass = std::min(mass, nuclide.nuclide.mass);
            }
        }
        return max_recoil(highest_energy_, mass);
    }

    /// Recoil energies that a table over them must cover: all there are, unless none is quenched, when those beyond the
    /// bins matter no more.
    Range needed_recoils(const Channel& channel) const {
        const double highest = highest_recoil(channel.target);
        if (channel.quenching.model != Quenching::Model::none) {
            return {min_recoil, highest};
        }
        return {std::max(min_recoil, visible_.low), std::min(visible_.high, highest)};
    }

    Table over_recoils(const TabulatedFunction& function, const Channel& channel, double outside = 0) const {
        const bool quenched = channel.quenching.model != Quenching::Model::none;
        return function.over(needed_recoils(channel), {0, highest_recoil(channel.target)},
                             quenched ? "recoils" : "recoils in the bins", unit, outside);
    }

    // ---- keys of both ----

    void read_efficiency(const TomlTable& table, Channel& channel) {
        const bool own = table.has("efficiency");
        if (own && efficiency_of_all_) {
            throw InputError(table.where("efficiency"), "there are two efficiencies over the recoil energy",
                             "[response] has one for all channels");
        }
        if (own || efficiency_of_all_) {
            channel.efficiency =
                over_recoils(own ? tables_.probability(table, "efficiency") : *efficiency_of_all_, channel);
        }
    }

    Quenching read_quenching(const TomlTable& channel, Target target) {
        if (const auto* text = channel.raw().get("quenching")->as_string()) {
            const bool model = text->get() == "lindhard" || text->get() == "none";
            throw InputError(
                channel.where("quenching"), "quenching is a string", "expected a table",
                fmt::format("write quenching = {{ {} = \"{}\" }}?", model ? "model" : "table", text->get()));
        }
        const TomlTable table = channel.table("quenching");
        table.allow_only({"model", "k", "coefficients", "table", "column", "extrapolate"});
        int ways = 0;
        for (const char* key : {"model", "coefficients", "table"}) {
            ways += table.has(key);
        }
        if (ways != 1) {
            throw InputError(table.where(), fmt::format("quenching has {} of its keys", ways == 0 ? "none" : "several"),
                             "expected one of \"model\", \"coefficients\" and \"table\"");
        }
        Quenching quenching;
        const bool lindhard = table.choice("model", {"none", "lindhard"}, "none") == "lindhard";
        if (lindhard && target == Target::electron) {
            throw InputError(table.where("model"), "electrons have no Lindhard quenching",
                             "it is that of nuclei slowing down");
        }
        const auto belongs_to = [&](const char* key, bool present, const char* what) {
            if (table.has(key) && !present) {
                throw InputError(table.where(key), fmt::format("\"{}\" belongs to {}", key, what));
            }
        };
        belongs_to("k", lindhard, "model = \"lindhard\"");
        belongs_to("column", table.has("table"), "a \"table\"");
        belongs_to("extrapolate", table.has("table"), "a \"table\"");
        if (lindhard) {
            quenching.model = Quenching::Model::lindhard;
            quenching.lindhard_k = table.has("k") ? positive(table, "k", Dimension::dimensionless) : 0;
        } else if (table.has("coefficients")) {
            quenching.model = Quenching::Model::polynomial;
            quenching.coefficients = read_coefficients(table, highest_recoil(target));
        } else if (table.has("table")) {
            quenching.model = Quenching::Model::table;
            TabulatedFunction factor = tables_.function(channel, "quenching");
            factor.name = "quenching factor";
            const double highest = highest_recoil(target);
            quenching.factor = factor.over({min_recoil, highest}, {0, highest}, "recoils", unit);
            check_positive(factor.table, channel);
        }
        return quenching;
    }

    //! The factor may vanish at the ends of its table, where it sets in or breaks off
    void check_positive(const Table& factor, const TomlTable& channel) {
        for (std::size_t i = 1; i < factor.y.size(); ++i) {
            if (factor.y[i] == 0 && (i + 1 < factor.y.size() || factor.y[i - 1] == 0)) {
                const TableReference file =
                    read_table_reference(channel, "quenching", {.column = true, .extrapolate = true});
                throw InputError(tables_.csv(file.file, file.where).where(i),
                                 fmt::format("the quenching factor is 0 at {:.4g} keV", factor.x[i] * 1e3),
                                 "recoils between the ends of the table must give something visible",
                                 "begin or end the table there?");
            }
        }
    }

    //! c_n of the quenching factor Σ c_n T^n, n ≥ 0 [MeV^-n]
    static std::vector<double> read_coefficients(const TomlTable& table, double highest) {
        const toml::node* node = table.raw().get("coefficients");
        const char* example = "write, e.g., [0.246, \"0.00078 keV^-1\"]?";
        if (!node->is_array()) {
            throw InputError(table.where("coefficients"), "coefficients is no array",
                             "expected those of 1, T, T^2, ... in the quenching factor", example);
        }
        std::vector<double> coefficients;
        constexpr std::size_t most = 5;
        if (node->as_array()->empty() || node->as_array()->size() > most) {
            throw InputError(table.where("coefficients"),
                             fmt::format("there are {} coefficients", node->as_array()->size()),
                             fmt::format("from 1 to {}", most));
        }
        for (const toml::node& entry : *node->as_array()) {
            const Dimension dimension = inverse_energy(static_cast<int>(coefficients.size()));
            const std::string what = fmt::format("coefficients[{}]", coefficients.size());
            const InputLocation where = table.where(entry);
            if (const auto* text = entry.as_string()) {
                coefficients.push_back(parse_quantity(text->get(), dimension, where, what));
            } else if (const auto number = entry.value<double>()) {
                coefficients.push_back(check_bare_number(*number, dimension, where, what));
            } else {
                throw InputError(where, what + " is not a number",
                                 "expected those of 1, T, T^2, ... in the quenching factor", example);
            }
        }
        // Where it rises throughout, the factor is not negative either.
        constexpr int n_checks = 10000;
        for (int i = 1; i <= n_checks; ++i) {
            const double T = highest * i / n_checks;
            double rise = 0; // of the visible energy
            for (std::size_t n = coefficients.size(); n-- > 0;) {
                rise = rise * T + static_cast<double>(n + 1) * coefficients[n];
            }
            if (!(rise > 0)) {
                throw InputError(
                    table.where("coefficients"),
                    fmt::format("the visible energy does not rise at a recoil energy of {:.4g} keV", T * 1e3),
                    fmt::format("recoils reach {:.4g} keV, and beyond what it was fitted to a polynomial means nothing",
                                highest * 1e3),
                    "check the units, or give a table?");
            }
        }
        return coefficients;
    }

    void read_shares(const TomlTable& table, Channel& channel) {
        channel.shares.resize(axes_.size() - 1);
        const TomlTable shares = table.table("share");
        for (const std::string& name : shares.keys()) {
            std::vector<std::string> names;
            for (std::size_t a = 1; a < axes_.size(); ++a) {
                names.push_back(axes_[a].name);
            }
            const auto at = std::find(names.begin(), names.end(), name);
            if (at == names.end()) {
                throw InputError(shares.where(name), fmt::format("there is no further variable \"{}\"", name),
                                 names.empty() ? "the bins are in one variable" : "there are " + quoted_list(names),
                                 did_you_mean(name, names));
            }
            if (name == "time") {
                throw InputError(shares.where(name), "time has no shares",
                                 "arrival times belong to the sources and time_efficiency to [response]");
            }
            const auto further = static_cast<std::size_t>(at - names.begin());
            channel.shares[further] = read_share(shares, name, axes_[further + 1].n_bins());
        }
    }

    //! n_energy rows × n_bins: the centre of the energy bin, then what part of its counts falls into each bin
    std::vector<double> read_share(const TomlTable& shares, const std::string& name, std::size_t n_bins) {
        const TableReference reference = read_table_reference(shares, name, {.column = false, .extrapolate = false});
        const CsvTable& rows = tables_.csv(reference.file, reference.where);
        const InputLocation header{rows.path, rows.header_line};
        if (rows.columns.size() != n_bins + 1) {
            throw InputError(header, fmt::format("the table has {} columns", rows.columns.size()),
                             fmt::format("expected the {} and {} bins of {}", axes_[0].name, n_bins, name));
        }
        bins_of_rows(rows, {axes_[0]}, reference.where, "share");
        return rows_of_probabilities(rows, "the shares");
    }

    // ---- keys of electron channels ----

    void read_atomic(const TomlTable& table, Channel& channel) {
        const std::string atomic = table.choice("atomic", {"stepping", "free", "epa"}, "stepping");
        channel.atomic = atomic == "stepping"
                             ? AtomicModel::stepping
                             : (atomic == "free" ? AtomicModel::free_electrons : AtomicModel::equivalent_photon);
        const bool epa = channel.atomic == AtomicModel::equivalent_photon;
        if (table.has("photoabsorption") && !epa) {
            throw InputError(table.where("photoabsorption"), "\"photoabsorption\" belongs to atomic = \"epa\"",
                             fmt::format("atomic is \"{}\"", atomic));
        }
        if (epa) {
            TabulatedFunction absorption =
                table.has("photoabsorption")
                    ? tables_.function(table, "photoabsorption")
                    : TabulatedFunction{photoabsorption_of(target_.parts, table.where("atomic")),
                                        fmt::format("photoabsorption of {}", target_.material.formula),
                                        table.where("atomic"), false};
            channel.photoabsorption = read_photoabsorption(absorption, needed_recoils(channel).high);
        }
        channel.charge_interferes = table.choice("interference", {"full", "none"}, "full") == "full";
        const TomlTable correction = table.table("correction");
        correction.allow_only({"weak", "magnetic"});
        for (const auto& [key, factor] :
             {std::pair("weak", &Channel::weak_correction), std::pair("magnetic", &Channel::magnetic_correction)}) {
            if (correction.has(key)) {
                TabulatedFunction function = tables_.function(correction, key);
                function.name = fmt::format("{} correction", key);
                channel.*factor = over_recoils(function, channel, 1);
            }
        }
    }

    //! Where the table ends below the recoils that are seen, stepping takes over.
    Table read_photoabsorption(const TabulatedFunction& absorption, double highest_seen) {
        const double last = absorption.table.x.back();
        if (absorption.extrapolate) { // below the first shell nothing is absorbed
            const Range table{absorption.table.x.front(), last};
            return absorption.over(table, {table.low, highest_recoil(Target::electron)}, "", unit);
        }
        if (last < highest_seen) {
            notes_.push_back(input_message(
                absorption.where, fmt::format("no equivalent photons above {:.6g} keV: stepping there", last * 1e3),
                fmt::format("the {} ends, recoils in the bins reach {:.6g} keV", absorption.name, highest_seen * 1e3)));
        }
        return absorption.table;
    }

    // ---- keys of nucleus channels ----

    void read_nucleus(const TomlTable& table, Channel& channel) {
        if (target_.material.nuclides.empty()) {
            throw InputError(table.where("scattering"), fmt::format("{} has no nuclides", target_.material.formula),
                             "no isotope occurs in nature");
        }
        const std::string shape =
            table.choice("form_factor", {"helm", "symmetrised-fermi", "klein-nystrand", "unity"}, "helm");
        channel.form_factor = shape == "helm"                ? NuclearFormFactor::helm
                              : shape == "symmetrised-fermi" ? NuclearFormFactor::symmetrised_fermi
                              : shape == "klein-nystrand"    ? NuclearFormFactor::klein_nystrand
                                                             : NuclearFormFactor::unity;
        const double smallest = min_radius(channel.form_factor);
        for (const TargetNuclide& target : target_.material.nuclides) {
            const Nuclide& nuclide = target.nuclide;
            for (const auto& [kind, radius] :
                 {std::pair("proton", nuclide.proton_radius), std::pair("neutron", nuclide.neutron_radius)}) {
                if (!(radius > smallest)) {
                    throw InputError(table.where("form_factor"),
                                     fmt::format("the form factor \"{}\" cannot describe {}", shape, nuclide.name),
                                     fmt::format("the {} radius is {:.4g} fm, its surface alone makes {:.4g} fm", kind,
                                                 radius, smallest),
                                     fmt::format("use another form_factor, or give {}_radius in [target]", kind));
                }
            }
        }
        channel.axial = table.boolean("axial", false);
        const bool spin = std::any_of(target_.material.nuclides.begin(), target_.material.nuclides.end(),
                                      [](const TargetNuclide& target) { return target.nuclide.spin > 0; });
        if (channel.axial && !spin) {
            throw InputError(table.where("axial"), fmt::format("{} has no axial term", target_.material.formula),
                             "none of its nuclides has spin");
        }
        if (channel.axial) {
            note_unknown_spins(table.where("axial"));
        }
    }

    void note_unknown_spins(const InputLocation& where) {
        std::vector<std::string> names;
        for (const TargetNuclide& target : target_.material.nuclides) {
            if (target.nuclide.spin > 0 && axial_structure(target.nuclide) == 0) {
                names.push_back(target.nuclide.name);
            }
        }
        if (!names.empty()) {
            notes_.push_back(input_message(where, fmt::format("no axial term of {}", fmt::join(names, ", ")),
                                           names.size() == 1 ? "its spin structure is not known"
                                                             : "their spin structure is not known"));
        }
    }

    TomlTable experiment_;
    const TargetInput& target_;
    const std::vector<BinAxis>& axes_;
    ExperimentTables& tables_;
    std::vector<std::string>& notes_;
    Range visible_;         //!< [MeV]
    double highest_energy_; //!< of a neutrino [MeV]
    std::optional<TabulatedFunction> efficiency_of_all_;
};

} // namespace

std::vector<Channel> read_channels(const TomlTable& experiment, const TargetInput& target,
                                   const std::vector<Source>& sources, const std::vector<BinAxis>& axes,
                                   const EnergyResponse& response, ExperimentTables& tables,
                                   std::vector<std::string>& notes) {
    return ChannelReader(experiment, target, sources, axes, response, tables, notes).read();
}

} // namespace nuscan
