// SPDX-License-Identifier: Apache-2.0
#include "experiments/experiment_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "experiments/atomic_shells.hpp"
#include "experiments/experiment_tables.hpp"
#include "experiments/source_reader.hpp"
#include "experiments/uncertainty.hpp"
#include "nuscan/constants.hpp"

namespace nuscan {
namespace {

namespace fs = std::filesystem;

/// Reads one experiment file; collects what goes into the digest on the way.
class ExperimentReader {
public:
    explicit ExperimentReader(const std::string& path)
        : text_(read_text_file(path)), toml_(parse_toml(text_, path)), root_(toml_, path), tables_(path, text_) {}

    Experiment read() {
        root_.allow_only({"name", "title", "citation", "statistic", "couplings", "source", "target", "exposure",
                          "response", "bins", "background"});
        Experiment experiment;
        experiment.name = identifier(root_, "name");
        experiment.title = root_.string("title");
        experiment.citation = root_.string("citation");
        root_.choice("statistic", {"poisson"}, "poisson");
        experiment.couplings = root_.choice("couplings", {"tree", "radiative"}, "tree") == "tree"
                                   ? CouplingScheme::tree
                                   : CouplingScheme::radiative;
        experiment.sources = read_sources(root_, tables_);
        const double mass = read_exposure(experiment);
        read_target(mass, experiment);
        read_bins(experiment);
        read_response(experiment);
        experiment.backgrounds = read_backgrounds(experiment.bin_edges);
        keep_fitted_bins(experiment);
        experiment.digest = tables_.digest();
        return experiment;
    }

private:
    //! Sets the live time and returns the mass [kg]
    double read_exposure(Experiment& experiment) {
        const TomlTable table = root_.table("exposure");
        table.allow_only({"mass", "live_time"});
        experiment.live_time = positive(table, "live_time", Dimension::time);
        return positive(table, "mass", Dimension::mass);
    }

    void read_target(double mass, Experiment& experiment) {
        const TomlTable table = root_.table("target");
        table.allow_only({"element", "atomic"});
        const std::string symbol = table.string("element");
        const std::optional<Element> element = find_element(symbol);
        if (!element) {
            throw InputError(table.where("element"), fmt::format("element = \"{}\" is unknown", symbol),
                             "expected a symbol", "write, e.g., \"Xe\"?");
        }
        experiment.target = {symbol,
                             mass * 1e3 / element->atomic_weight * constants::avogadro,
                             element->shells,
                             static_cast<double>(element->Z),
                             {}};
        Channel electrons;
        electrons.name = "electron";
        if (table.choice("atomic", {"stepping", "free"}, "stepping") == "free") {
            electrons.atomic = AtomicModel::free_electrons;
        }
        experiment.channels = {electrons};
    }

    void read_response(Experiment& experiment) {
        const std::vector<double>& bin_edges = experiment.bin_edges;
        const TomlTable table = root_.table("response");
        table.allow_only({"resolution", "efficiency", "efficiency_in"});
        const TomlTable resolution = table.table("resolution");
        resolution.allow_only({"sqrt", "constant", "linear"});
        EnergyResponse& response = experiment.response;
        response.sqrt_term = not_negative(resolution, "sqrt", Dimension::root_energy);
        response.constant_term = not_negative(resolution, "constant", Dimension::energy);
        response.linear_term = not_negative(resolution, "linear", Dimension::dimensionless);
        if (!table.has("efficiency")) {
            if (table.has("efficiency_in")) {
                throw InputError(table.where("efficiency_in"), "there is no \"efficiency\"",
                                 "efficiency_in says in which energy it is given");
            }
            return;
        }
        const bool of_recoil = table.choice("efficiency_in", {"reconstructed", "true"}) == "true";
        Table& efficiency = of_recoil ? experiment.channels[0].efficiency : response.efficiency;
        efficiency = tables_.energy_table(table, "efficiency");
        const std::vector<double>& x = efficiency.x;
        const std::vector<double>& y = efficiency.y;
        const CsvTable& rows = tables_.csv(table.string("efficiency"), table.where("efficiency"));
        for (std::size_t i = 0; i < y.size(); ++i) {
            if (y[i] > 1) {
                throw InputError(rows.where(i), fmt::format("{} = {} is above 1", rows.columns[1], y[i]));
            }
        }
        // Outside the table the efficiency is zero: a table that breaks off inside the bins would go unnoticed.
        if (!of_recoil && ((y.back() > 0 && x.back() < bin_edges.back() * (1 - 1e-12)) ||
                           (y.front() > 0 && x.front() > bin_edges.front() * (1 + 1e-12)))) {
            throw InputError(table.where("efficiency"),
                             fmt::format("the efficiency reaches from {} to {} MeV, the bins from {} to {} MeV",
                                         x.front(), x.back(), bin_edges.front(), bin_edges.back()),
                             "outside its table it is zero", "extend the table, or end it with a zero");
        }
    }

    void read_bins(Experiment& experiment) {
        const TomlTable table = root_.table("bins");
        table.allow_only({"variable", "edges", "min", "max", "number", "counts", "fit_min", "fit_max"});
        table.choice("variable", {"energy"}, "energy");
        std::vector<double>& edges = experiment.bin_edges;
        if (table.has("edges")) {
            for (const char* key : {"min", "max", "number"}) {
                if (table.has(key)) {
                    throw InputError(table.where(key), fmt::format("\"{}\" does not go with \"edges\"", key),
                                     "bins are given by edges, or by min, max and number");
                }
            }
            edges = table.quantities("edges", Dimension::energy);
            if (edges.size() < 2) {
                throw InputError(table.where("edges"), fmt::format("there are {} edges", edges.size()),
                                 "a bin has two");
            }
            for (std::size_t i = 0; i < edges.size(); ++i) {
                if (i == 0 ? edges[i] < 0 : !(edges[i] > edges[i - 1])) {
                    throw InputError(table.where("edges"),
                                     fmt::format("edges[{}] = {} MeV is out of order", i, edges[i]),
                                     "edges increase, from zero or above");
                }
            }
        } else {
            const double min = not_negative(table, "min", Dimension::energy);
            const double max = table.quantity("max", Dimension::energy);
            const std::int64_t number = table.integer("number");
            if (!(max > min)) {
                throw InputError(table.where("max"), fmt::format("max = {} MeV is not above min = {} MeV", max, min));
            }
            if (number < 1 || number > 1000000) {
                throw InputError(table.where("number"), fmt::format("number = {} is not a number of bins", number),
                                 "from 1 to 1000000");
            }
            for (std::int64_t i = 0; i <= number; ++i) {
                edges.push_back((min * static_cast<double>(number - i) + max * static_cast<double>(i)) /
                                static_cast<double>(number));
            }
            edges.back() = max;
        }
        experiment.counts = read_counts(table, "bins", edges);
        for (std::size_t b = 0; b < experiment.counts.size(); ++b) {
            if (experiment.counts[b] != std::floor(experiment.counts[b])) {
                throw InputError(table.where("counts"),
                                 fmt::format("counts[{}] = {} is not a whole number", b, experiment.counts[b]),
                                 "the statistic is Poisson");
            }
        }
    }

    //! Drops the bins outside fit_min … fit_max, which the analysis leaves out
    void keep_fitted_bins(Experiment& experiment) {
        const TomlTable table = root_.table("bins");
        const std::vector<double>& edges = experiment.bin_edges;
        const auto edge = [&](const char* key, std::size_t otherwise) {
            if (!table.has(key)) {
                return otherwise;
            }
            const double value = table.quantity(key, Dimension::energy);
            for (std::size_t i = 0; i < edges.size(); ++i) {
                if (std::abs(edges[i] - value) <= 1e-12 * edges.back()) {
                    return i;
                }
            }
            throw InputError(table.where(key), fmt::format("{} = {} MeV is no edge of a bin", key, value),
                             "the fit takes or leaves whole bins");
        };
        const std::size_t first = edge("fit_min", 0), last = edge("fit_max", edges.size() - 1);
        if (!(first < last)) {
            throw InputError(table.where(table.has("fit_max") ? "fit_max" : "fit_min"), "no bin is left to fit",
                             "fit_min must be below fit_max");
        }
        const auto keep = [&](std::vector<double>& values, std::size_t end) {
            values = std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(first),
                                         values.begin() + static_cast<std::ptrdiff_t>(end));
        };
        keep(experiment.counts, last);
        for (Background& background : experiment.backgrounds) {
            keep(background.counts, last);
        }
        keep(experiment.bin_edges, last + 1);
    }

    //! One number per bin: an array, or { table = "file.csv", column = "name" }
    std::vector<double> read_counts(const TomlTable& table, const std::string& owner,
                                    const std::vector<double>& bin_edges) {
        const std::size_t n_bins = bin_edges.size() - 1;
        std::vector<double> counts;
        std::string source = "counts";
        const toml::node* node = table.raw().get("counts");
        if (node && node->is_table()) {
            const TomlTable reference = table.table("counts");
            reference.allow_only({"table", "column"});
            const CsvTable& rows = tables_.csv(reference.string("table"), reference.where("table"));
            const std::vector<double> energies = energy_column(rows);
            counts = column(rows, reference.string("column"), reference.where("column"));
            source = fmt::format("\"{}\"", rows.path);
            for (std::size_t b = 0; b < std::min(n_bins, energies.size()); ++b) {
                if (energies[b] < bin_edges[b] || energies[b] > bin_edges[b + 1]) {
                    throw InputError(rows.where(b),
                                     fmt::format("{} = {} is not in bin {}", rows.columns[0], rows.values[0][b], b + 1),
                                     fmt::format("which is {} to {} MeV", bin_edges[b], bin_edges[b + 1]));
                }
            }
        } else {
            counts = table.quantities("counts", Dimension::dimensionless);
            for (std::size_t b = 0; b < counts.size(); ++b) {
                if (counts[b] < 0) {
                    throw InputError(table.where("counts"), fmt::format("counts[{}] = {} is negative", b, counts[b]));
                }
            }
        }
        if (counts.size() != n_bins) {
            throw InputError(table.where("counts"),
                             fmt::format("{} of {} has {} entries", source, owner, counts.size()),
                             fmt::format("there are {} bins", n_bins));
        }
        return counts;
    }

    std::vector<Background> read_backgrounds(const std::vector<double>& bin_edges) {
        std::vector<Background> backgrounds;
        for (const TomlTable& table : root_.tables("background")) {
            table.allow_only({"name", "counts", "includes_solar", "uncertainty"});
            Background background;
            background.name = identifier(table, "name");
            for (const Background& other : backgrounds) {
                if (other.name == background.name) {
                    throw InputError(table.where("name"), fmt::format("there are two backgrounds \"{}\"", other.name));
                }
            }
            background.counts = read_counts(table, fmt::format("background \"{}\"", background.name), bin_edges);
            background.includes_solar = table.boolean("includes_solar", false);
            background.sigma = read_uncertainty(table, "uncertainty");
            check_uncertainty(background, table.where("uncertainty"));
            backgrounds.push_back(std::move(background));
        }
        return backgrounds;
    }

    std::string text_;
    toml::table toml_;
    TomlTable root_;
    ExperimentTables tables_;
};

fs::path program_folder() {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    return error ? fs::path() : program.parent_path();
}

} // namespace

double read_uncertainty(const TomlTable& table, const std::string& key) {
    const toml::node* node = table.raw().get(key);
    if (node && node->is_string()) {
        const std::string word = node->as_string()->get();
        if (word == "fixed") {
            return 0;
        }
        if (word == "free") {
            return std::numeric_limits<double>::infinity();
        }
        throw InputError(table.where(key), fmt::format("{} = \"{}\" is unknown", key, word),
                         "expected \"fixed\", \"free\" or a relative standard deviation like 0.13",
                         did_you_mean(word, {"fixed", "free"}));
    }
    const double sigma = table.quantity(key, Dimension::dimensionless);
    if (!(sigma > 0)) {
        throw InputError(table.where(key), fmt::format("{} = {} is not positive", key, sigma),
                         "expected \"fixed\", \"free\" or a relative standard deviation like 0.13",
                         sigma == 0 ? "did you mean \"fixed\"?" : "");
    }
    return sigma;
}

void check_uncertainty(const Background& background, const InputLocation& where) {
    const bool empty =
        std::all_of(background.counts.begin(), background.counts.end(), [](double count) { return count == 0; });
    if (empty && background.sigma != 0) {
        throw InputError(where, fmt::format("background \"{}\" is zero in every bin", background.name),
                         "its normalisation has nothing to scale", "write \"fixed\"?");
    }
}

std::vector<std::string> experiment_folders() {
    std::vector<std::string> folders;
    if (const char* variable = std::getenv("NUSCAN_EXPERIMENTS")) {
        const std::string list = variable;
        for (std::size_t begin = 0; begin <= list.size();) {
            const std::size_t end = std::min(list.find(':', begin), list.size());
            const std::string folder = list.substr(begin, end - begin);
            if (!folder.empty()) {
                if (!fs::is_directory(folder)) {
                    throw InputError({"$NUSCAN_EXPERIMENTS", 0}, fmt::format("there is no folder \"{}\"", folder),
                                     "folders are separated by colons");
                }
                folders.push_back(folder);
            }
            begin = end + 1;
        }
    }
    const fs::path program = program_folder();
    if (!program.empty()) {
        const fs::path installed = (program / "../share/nuscan/experiments").lexically_normal();
        if (fs::is_directory(installed)) {
            folders.push_back(installed.string());
        }
    }
    if (fs::is_directory(NUSCAN_SOURCE_EXPERIMENTS)) {
        folders.push_back(NUSCAN_SOURCE_EXPERIMENTS);
    }
    return folders;
}

std::vector<std::string> experiment_names() {
    std::vector<std::string> names;
    for (const std::string& folder : experiment_folders()) {
        for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
            if (fs::is_regular_file(entry.path() / "experiment.toml")) {
                names.push_back(entry.path().filename().string());
            }
        }
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::string find_experiment(const std::string& name, const InputLocation& where) {
    const std::vector<std::string> names = experiment_names();
    if (std::find(names.begin(), names.end(), name) != names.end()) {
        for (const std::string& folder : experiment_folders()) {
            const fs::path path = fs::path(folder) / name / "experiment.toml";
            if (fs::is_regular_file(path)) {
                return path.string();
            }
        }
    }
    const std::string suggestion = did_you_mean(name, names);
    throw InputError(where, fmt::format("unknown experiment \"{}\"", name),
                     names.empty() ? "there are none: set NUSCAN_EXPERIMENTS to the folder that holds them"
                                   : "known are " + fmt::format("{}", fmt::join(names, ", ")),
                     suggestion);
}

Experiment read_experiment(const std::string& path) { return ExperimentReader(path).read(); }

} // namespace nuscan
