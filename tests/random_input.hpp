// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

/// Random scan files with their experiments, as text, so that readers are exercised and what fails can be kept.
namespace nuscan::testing {

/// A stream of random numbers that depends on a seed and a number alone (SplitMix64 from a hashed state), the same on
/// every platform.
class Draw {
public:
    Draw(std::uint64_t seed, std::uint64_t number) : state_(mixed(mixed(seed) ^ (number * 0xD1B54A32D192ED03ull))) {}

    std::uint64_t bits() { return mixed(state_ += 0x9E3779B97F4A7C15ull); }
    double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
    double uniform(double low, double high) { return low + (high - low) * uniform(); }
    double log_uniform(double low, double high) { return low * std::exp(uniform() * std::log(high / low)); }
    int below(int n) { return static_cast<int>(bits() % static_cast<std::uint64_t>(n)); }
    int between(int low, int high) { return low + below(high - low + 1); }
    bool chance(double probability) { return uniform() < probability; }
    double sign() { return chance(0.5) ? -1 : 1; }
    double normal() { return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(2 * 3.14159265358979 * uniform()); }

    template <class T>
    T pick(const std::vector<T>& from) {
        return from[bits() % from.size()];
    }
    std::string word(const std::vector<std::string>& from) { return pick(from); }

    //! A whole number around \p mean with about Poisson's spread
    double counts(double mean) {
        if (mean > 50) {
            return std::max(0., std::round(mean + std::sqrt(mean) * normal()));
        }
        double n = 0;
        for (double left = std::exp(-mean), product = uniform(); product > left; product *= uniform()) {
            ++n;
        }
        return n;
    }

private:
    static std::uint64_t mixed(std::uint64_t x) {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
        return x ^ (x >> 31);
    }
    std::uint64_t state_;
};

inline std::string quoted(double value, const std::string& unit) {
    return unit == "1" ? fmt::format("{}", value) : fmt::format("\"{} {}\"", value, unit);
}

inline std::string list_of(const std::vector<double>& values) { return fmt::format("[{}]", fmt::join(values, ", ")); }

using Files = std::map<std::string, std::string>; //!< path relative to the folder of the scan → text

/// A parameter that may be fixed or put on an axis.
struct RandomParameter {
    std::string name, unit;
    double low, high;      //!< range in which it makes sense
    double truth;          //!< where counts are drawn; what it is fixed at
    bool slow = false;     //!< few points
    bool circle = false;   //!< low to high is a full circle
    bool positive = false; //!< a logarithmic axis makes sense
};

/// One experiment: what is drawn once, and the text made of it when the signal is known.
class RandomExperiment {
public:
    RandomExperiment(Draw& draw, const std::string& name) : name_(name) {
        electrons_ = draw.chance(0.6);
        has_source_ = draw.chance(0.97);
        gaussian_ = draw.chance(0.4);
        draw_target(draw);
        draw_bins(draw);
        draw_sources(draw);
        n_bins_ = static_cast<int>(edges_.size()) - 1;
        n_all_ = n_bins_;
        if (draw.chance(0.08)) {
            n_inner_ = draw.between(2, 3);
            further_ = fmt::format("[[bins.further]]\nname = \"depth\"\nmin = 0\nmax = 1\nnumber = {}\n", n_inner_);
            n_all_ *= n_inner_;
        }
        couplings_ = draw.chance(0.4) ? "radiative" : "tree";
    }

    const std::string& name() const { return name_; }
    bool electrons() const { return electrons_; }
    bool has_source() const { return has_source_; }
    bool radiative() const { return couplings_ == "radiative"; }
    //! A typical recoil energy [keV], on which the size of form factors that matter depends
    double recoil() const { return recoil_; }
    int n_bins() const { return n_all_; }
    bool only_short() const { return only_short_; }
    bool has_exact() const { return has_exact_; }
    bool has_solar() const { return has_solar_; }
    bool baseline_matters() const { return baseline_matters_; }
    double baseline() const { return baseline_; }
    const std::vector<std::string>& nuclides() const { return nuclides_; }
    bool unity() const { return unity_; }
    const std::set<char>& flavours() const { return flavours_; }

    //! Without backgrounds, one day of a kilogram, nothing counted
    Files bare(const std::string& folder) const {
        Files files = tables_;
        const std::vector<double> ones(static_cast<std::size_t>(n_all_), 1);
        files["experiment.toml"] = head(1, false) + bins(std::vector<double>(ones.size(), 0), {});
        if (!has_source_) { // something there must be
            files["experiment.toml"] +=
                fmt::format("\n[[background]]\nname = \"b\"\ncounts = {}\nuncertainty = \"fixed\"\n", list_of(ones));
        }
        return in(folder, files);
    }

    //! All of it, with counts around \p signal per kilogram and day
    Files complete(Draw& draw, std::vector<double> signal, const std::string& folder) {
        const double total = std::accumulate(signal.begin(), signal.end(), 0.);
        const double wanted = draw.chance(0.05)   ? draw.log_uniform(1e-6, 1e-1)
                              : draw.chance(0.03) ? draw.log_uniform(1e7, 1e10)
                                                  : draw.pick<double>({0.5, 3, 30, 1e2, 1e3, 1e4, 1e6});
        const bool can_scale = has_source_ && total > 0 && std::isfinite(total) && wanted / total < 1e250;
        const double exposure = can_scale ? wanted / total : 1;
        for (double& s : signal) {
            s *= exposure;
        }
        Files files = tables_;
        std::string text;
        std::vector<double> prediction = signal;
        covariance_ = gaussian_ && draw.chance(0.15);
        draw_backgrounds(draw, wanted, text, prediction);
        if (has_source_ && draw.chance(0.35)) {
            text += fmt::format("\n[signal]\nuncertainty = {}\n", uncertainty(draw, "signal", true));
        }
        if (covariance_) {
            shareable_.clear();
        } else {
            draw_systematics(draw, signal, text);
        }
        const std::vector<double> counts = draw_counts(draw, prediction);
        std::string errors;
        if (gaussian_) {
            std::vector<double> sigma;
            for (const double n : counts) {
                sigma.push_back(std::sqrt(std::max(std::abs(n), 1.)) * draw.log_uniform(0.5, 2));
            }
            if (covariance_) {
                errors = "covariance = \"covariance.csv\"\n";
                files["covariance.csv"] = covariance_table(draw, sigma);
            } else {
                errors = fmt::format("sigma = {}\n", list_of(sigma));
            }
        }
        files["experiment.toml"] = head(exposure, gaussian_) + bins(counts, errors) + text;
        return in(folder, files);
    }

    //! Normalisations, shapes and scales of this experiment that a scan may name
    const std::vector<RandomParameter>& nuisances() const { return nuisances_; }
    //! Of them, those that can be shared: with a standard deviation
    const std::vector<std::string>& shareable() const { return shareable_; }

private:
    static Files in(const std::string& folder, const Files& files) {
        Files moved;
        for (const auto& [name, text] : files) {
            moved[folder + "/" + name] = text;
        }
        return moved;
    }

    void draw_target(Draw& draw) {
        if (electrons_) {
            const std::string atomic = draw.word({"stepping", "stepping", "free", "epa"});
            target_ = draw.word({"element = \"C\"", "element = \"Ne\"", "element = \"Ar\"", "element = \"Ge\"",
                                 "element = \"Si\"", "element = \"Xe\"", "formula = \"CsI\""});
            channel_ = fmt::format("scattering = \"electron\"\natomic = \"{}\"\n", atomic);
            if (atomic == "epa" && draw.chance(0.85)) { // few rows, which the reference takes less time for
                channel_ += "photoabsorption = \"photons.csv\"\n";
                std::string table = "energy_keV,cm2\n";
                double sigma = draw.log_uniform(1e-20, 1e-17);
                for (const double T : {0.03, 0.3, 1.2, 1.201, 8., 40., 300.}) {
                    sigma *= T == 1.201 ? draw.uniform(1, 8) : 1;
                    table += fmt::format("{},{}\n", T, sigma);
                    sigma *= T == 0.03 ? 0.1 : draw.log_uniform(2e-3, 0.2);
                }
                tables_["photons.csv"] = table;
            }
            if (draw.chance(0.12)) {
                channel_ +=
                    "correction = { weak = { table = \"correction.csv\", column = \"weak\" }, magnetic = { table = "
                    "\"correction.csv\", column = \"magnetic\" } }\n";
                std::string table = "energy_keV,weak,magnetic\n";
                for (const double T : {0.05, 1., 5., 30., 1000.}) {
                    table += fmt::format("{},{},{}\n", T, T > 900 ? 1 : draw.uniform(0.3, 1.3),
                                         T > 900 ? 1 : draw.uniform(0, 1.3));
                }
                tables_["correction.csv"] = table;
            }
            return;
        }
        const std::string material = draw.word({"Ar40", "Ge", "CsI", "Si", "Ge76"});
        const bool nuclide = std::isdigit(static_cast<unsigned char>(material.back())) != 0;
        target_ = fmt::format("{} = \"{}\"", nuclide ? "nuclide" : material == "CsI" ? "formula" : "element", material);
        nuclides_ = material == "Ar40"   ? std::vector<std::string>{"Ar40"}
                    : material == "CsI"  ? std::vector<std::string>{"Cs133", "I127"}
                    : material == "Ge"   ? std::vector<std::string>{"Ge70", "Ge74"}
                    : material == "Ge76" ? std::vector<std::string>{"Ge76"}
                                         : std::vector<std::string>{"Si28"};
        mass_ = material == "Ar40" ? 37.2e3 : material == "CsI" ? 121e3 : material == "Si" ? 26e3 : 68e3;
        const std::string form = draw.word({"helm", "symmetrised-fermi", "klein-nystrand", "unity"});
        unity_ = form == "unity";
        channel_ = fmt::format("scattering = \"nucleus\"\nform_factor = \"{}\"\n", form);
        if ((material == "CsI" || material == "Ge") && draw.chance(0.3)) {
            channel_ += "axial = true\n";
        }
        switch (draw.below(5)) {
        case 0:
            channel_ += "quenching = { model = \"lindhard\" }\n";
            quenching_ = 0.2;
            break;
        case 1:
            channel_ += "quenching = { coefficients = [0.2, \"0.0003 keV^-1\"] }\n";
            quenching_ = 0.2;
            break;
        default:
            break;
        }
    }

    void draw_bins(Draw& draw) {
        const double m = electrons_ ? 0.511 : mass_;
        energy_ = electrons_ ? draw.log_uniform(0.3, 10) : draw.log_uniform(5, 60);
        const double largest = 1e3 * 2 * energy_ * energy_ / (m + 2 * energy_) * quenching_; // keV
        const double low = electrons_ ? draw.log_uniform(0.06, 5) : largest * draw.log_uniform(3e-3, 0.3);
        const double high = std::min(low * draw.log_uniform(1.5, 60), largest * draw.pick<double>({0.5, 1, 1, 2}));
        const int n = draw.between(1, 12);
        recoil_ = low / quenching_;
        edges_ = {low};
        for (int b = 0; b < n; ++b) {
            edges_.push_back(low + (std::max(high, 1.2 * low) - low) * (b + 1) / n);
        }
        if (draw.chance(0.3)) { // uneven
            for (int b = 1; b < n; ++b) {
                const double share = static_cast<double>(b) / n;
                edges_[static_cast<std::size_t>(b)] = low + (edges_.back() - low) * share * share;
            }
        }
        const double width = edges_.back() - low;
        switch (draw.below(7)) {
        case 0:
            response_ = fmt::format("resolution = {{ sqrt = \"{} keV^1/2\" }}\n",
                                    draw.log_uniform(0.02, 0.5) * width / std::sqrt(edges_.back()));
            break;
        case 1:
            response_ = fmt::format("resolution = {{ constant = \"{} keV\", linear = {}, in_quadrature = {} }}\n",
                                    draw.log_uniform(0.01, 0.5) * width, draw.uniform(0, 0.1), draw.chance(0.5));
            break;
        case 2:
            light_yield_ = draw.log_uniform(0.5, 20) * n / width;
            response_ = fmt::format("smearing = \"{}\"\nlight_yield = \"{} keV^-1\"\n", draw.word({"poisson", "gamma"}),
                                    light_yield_);
            if (response_.find("gamma") != std::string::npos) {
                response_ += fmt::format("gamma_shape = \"{} keV^-1\"\n", draw.log_uniform(0.3, 3) * light_yield_);
            }
            for (double& edge : edges_) {
                edge = std::round(edge * light_yield_ * 2) / 2;
            }
            for (std::size_t b = 1; b < edges_.size(); ++b) {
                edges_[b] = std::max(edges_[b], edges_[b - 1] + 1);
            }
            break;
        default:
            break;
        }
        if (draw.chance(0.35)) {
            const std::string of = light_yield_ > 0 ? "visible" : draw.word({"reconstructed", "visible", "recoil"});
            response_ += fmt::format("efficiency = {{ table = \"efficiency.csv\", extrapolate = true }}\n"
                                     "efficiency_in = \"{}\"\n",
                                     of);
            std::string table = "energy_keV,efficiency\n";
            for (int k = 0; k < 4; ++k) {
                table += fmt::format("{},{}\n", low * 0.5 * (k + 1), k == 0 && draw.chance(0.5) ? 0 : draw.uniform());
            }
            tables_["efficiency.csv"] = table;
        }
    }

    void draw_sources(Draw& draw) {
        const int n = !has_source_ ? 0 : draw.chance(0.7) ? 1 : draw.between(2, 3);
        baseline_ = energy_ * draw.log_uniform(2, 300);
        for (int s = 0; s < n; ++s) {
            sources_ += fmt::format("\n[[source]]\nname = \"s{}\"\n", s);
            const double kind = draw.uniform();
            if (kind < 0.08 && electrons_) {
                sources_ += fmt::format("type = \"electron-capture\"\nisotope = \"{}\"\nactivity = \"1 MCi\"\n"
                                        "baseline = \"{} m\"\n",
                                        draw.word({"51Cr", "37Ar"}), baseline_);
                baseline_matters_ = true;
                flavours_.insert('e');
                continue;
            }
            if (kind < 0.09 && electrons_) {
                sources_ +=
                    fmt::format("type = \"reactor\"\nspectrum = \"huber-mueller\"\nlow_energy = \"vogel-engel\"\n"
                                "power = \"3 GW\"\nbaseline = \"{} m\"\n",
                                baseline_);
                baseline_matters_ = true;
                flavours_.insert('e');
                continue;
            }
            std::string propagation = draw.word({"short", "short", "short", "decohered", "exact", "solar"});
            if (propagation == "solar" && !electrons_ && draw.chance(0.5)) {
                propagation = "decohered";
            }
            const bool solar = propagation == "solar";
            const std::string flavour = solar ? "e" : draw.word({"e", "e", "mu", "tau"});
            flavours_.insert(flavour[0]);
            sources_ += fmt::format(
                "flavour = \"{}\"\nneutrino = \"{}\"\npropagation = \"{}\"\nflux = \"{} cm^-2 s^-1\"\n", flavour,
                solar || draw.chance(0.5) ? "neutrino" : "antineutrino", propagation, draw.log_uniform(1e6, 1e13));
            only_short_ = only_short_ && propagation == "short";
            if (propagation == "exact") {
                sources_ += fmt::format("baseline = \"{} m\"\n", baseline_);
                has_exact_ = baseline_matters_ = true;
            }
            if (solar) {
                sources_ += fmt::format("electron_density = \"{} mol/cm^3\"\n", draw.pick<double>({0, 60, 92.5}));
                has_solar_ = true;
            }
            if (draw.chance(0.7)) {
                const int lines = draw.between(1, 3);
                sources_ += "lines = [ ";
                for (int l = 0; l < lines; ++l) {
                    sources_ += fmt::format("{}{{ energy = \"{} MeV\", fraction = {} }}", l > 0 ? ", " : "",
                                            l == 0 ? energy_ : energy_ * draw.uniform(0.3, 1),
                                            l + 1 == lines ? 1 - 0.25 * l : 0.25);
                }
                sources_ += " ]\n";
            } else {
                sources_ += fmt::format("spectrum = \"spectrum{}.csv\"\n", s);
                std::string table = "energy_MeV,per_MeV\n";
                const int knots = draw.between(2, 5);
                for (int k = 0; k <= knots; ++k) {
                    table += fmt::format("{},{}\n", energy_ * (0.2 + 0.8 * k / knots),
                                         k == knots ? 0 : draw.uniform(0.1, 1));
                }
                tables_[fmt::format("spectrum{}.csv", s)] = table;
            }
        }
    }

    std::string head(double exposure, bool gaussian) const {
        std::string text =
            fmt::format("name = \"{}\"\ntitle = \"random\"\ncitation = \"made up\"\nstatistic = \"{}\"\n", name_,
                        gaussian ? "gaussian" : "poisson");
        if (!has_source_) {
            return text;
        }
        text +=
            fmt::format("couplings = \"{}\"\n\n[exposure]\nmass = \"{} kg\"\nlive_time = \"1 d\"\n\n[target]\n{}\n\n"
                        "[[channel]]\n{}",
                        couplings_, exposure, target_, channel_);
        return text + (response_.empty() ? "" : "\n[response]\n" + response_);
    }

    std::string bins(const std::vector<double>& counts, const std::string& errors) const {
        std::vector<std::string> edges;
        for (const double edge : edges_) {
            edges.push_back(light_yield_ > 0 && has_source_ ? fmt::format("{}", edge) : quoted(edge, "keV"));
        }
        return fmt::format("\n[bins]\n{}edges = [{}]\ncounts = {}\n{}{}{}",
                           light_yield_ > 0 && has_source_ ? "variable = \"photoelectrons\"\n" : "",
                           fmt::join(edges, ", "), list_of(counts), errors, further_.empty() ? "" : "\n" + further_,
                           sources_);
    }

    //! A template over the bins
    std::vector<double> shape(Draw& draw) const {
        std::vector<double> y(static_cast<std::size_t>(n_all_), 0);
        const int kind = draw.below(6);
        const std::size_t peak = draw.bits() % y.size();
        for (std::size_t b = 0; b < y.size(); ++b) {
            const double x = static_cast<double>(b) / static_cast<double>(y.size());
            switch (kind) {
            case 0:
            case 1:
                y[b] = 1 + draw.uniform(-0.2, 0.2);
                break;
            case 2:
                y[b] = std::exp(-5 * x);
                break;
            case 3:
                y[b] = b == peak ? 1 : 0;
                break;
            case 4: // a peak whose tails nearly vanish
                y[b] = b == peak ? 1 : std::pow(10., -300 * draw.uniform());
                break;
            default:
                y[b] = draw.chance(0.3) ? 0 : draw.log_uniform(1e-3, 1);
            }
        }
        if (!(std::accumulate(y.begin(), y.end(), 0.) > 0)) {
            y[peak] = 1;
        }
        return y;
    }

    //! As a file has it, and what an axis of it would be
    std::string uncertainty(Draw& draw, const std::string& name, bool is_signal) {
        RandomParameter parameter{name_ + "." + name, "1", 0, 3, draw.pick<double>({1, 1, 0.6, 1.4})};
        nuisances_.push_back(parameter);
        const double kind = draw.uniform();
        if (kind < 0.25) {
            return "\"fixed\"";
        }
        if (kind < 0.45) {
            return "\"free\"";
        }
        if (!is_signal || draw.chance(0.5)) {
            shareable_.push_back(name_ + "." + name);
        }
        return fmt::format("{}", draw.log_uniform(0.003, 3));
    }

    void draw_backgrounds(Draw& draw, double wanted, std::string& text, std::vector<double>& prediction) {
        const int n = has_source_ && draw.chance(0.12) ? 0 : draw.between(1, 4);
        for (int k = 0; k < n; ++k) {
            const std::string name = fmt::format("b{}", k);
            const double total = std::clamp(wanted, 1e-2, 1e7) * draw.log_uniform(0.03, 30);
            text += fmt::format("\n[[background]]\nname = \"{}\"\n", name);
            if (light_yield_ == 0 && draw.chance(0.2)) {
                const std::string function = draw.word({"constant", "exponential", "peaks"});
                text += fmt::format("function = \"{}\"\ntotal = {}\nuncertainty = {}\n", function, total,
                                    uncertainty(draw, name, false));
                const double low = edges_.front(), high = edges_.back();
                std::function<double(double)> integral = [](double E) { return E; };
                if (function == "exponential") {
                    const double scale = (high - low) * draw.log_uniform(0.1, 2);
                    text += fmt::format("scale = \"{} keV\"\n", scale);
                    integral = [=](double E) { return -std::exp(-(E - low) / scale); };
                    if (!covariance_ && draw.chance(0.5)) {
                        text += fmt::format("scale_range = [\"{} keV\", \"{} keV\"]\n", scale * 0.4, scale * 3);
                        nuisances_.push_back({name_ + "." + name + "-scale", "keV", scale * 0.4, scale * 3, scale});
                    }
                } else if (function == "peaks") {
                    const double width = (high - low) * draw.log_uniform(0.005, 0.3), at = draw.uniform(low, high);
                    text +=
                        fmt::format("width = \"{} keV\"\npeaks = [ {{ energy = \"{} keV\", area = 1 }} ]\n", width, at);
                    integral = [=](double E) { return std::erf((E - at) / (width * std::sqrt(2))); };
                }
                for (std::size_t b = 0; b < prediction.size(); ++b) {
                    const std::size_t i = b / static_cast<std::size_t>(n_inner_);
                    prediction[b] += total * (integral(edges_[i + 1]) - integral(edges_[i])) /
                                     (integral(high) - integral(low)) / n_inner_;
                }
                continue;
            }
            std::vector<double> y = shape(draw);
            const double sum = std::accumulate(y.begin(), y.end(), 0.);
            for (std::size_t b = 0; b < y.size(); ++b) {
                y[b] *= total / sum;
                prediction[b] += y[b];
            }
            text += fmt::format("counts = {}\nuncertainty = {}\n", list_of(y), uncertainty(draw, name, false));
            templates_.emplace_back(name, y);
        }
    }

    void draw_systematics(Draw& draw, const std::vector<double>& signal, std::string& text) {
        const int n = draw.chance(0.5) ? 0 : draw.between(1, 3);
        for (int k = 0; k < n; ++k) {
            const std::string name = fmt::format("n{}", k);
            const bool of_signal = has_source_ && (templates_.empty() || draw.chance(0.3));
            if (templates_.empty() && !of_signal) {
                return;
            }
            const std::pair<std::string, std::vector<double>> component =
                of_signal ? std::pair<std::string, std::vector<double>>{"signal", signal} : draw.pick(templates_);
            std::vector<double> nominal = component.second;
            if (draw.chance(0.3)) { // a normalisation of one or two components
                std::string of = "\"" + component.first + "\"";
                if (has_source_ && !of_signal && draw.chance(0.6)) {
                    of += ", \"signal\"";
                }
                text += fmt::format("\n[[systematic]]\nname = \"{}\"\nof = [{}]\nuncertainty = {}\n", name, of,
                                    draw.log_uniform(0.01, 1));
                nuisances_.push_back({name_ + "." + name, "1", 0, 3, 1});
                shareable_.push_back(name_ + "." + name);
                continue;
            }
            const double strength = draw.pick<double>({0.05, 0.3, 0.9, 2});
            std::vector<double> plus, minus;
            for (std::size_t b = 0; b < nominal.size(); ++b) {
                nominal[b] = std::isfinite(nominal[b]) ? nominal[b] : 0;
                plus.push_back(nominal[b] * std::max(0., 1 + strength * draw.uniform(-1, 1)));
                minus.push_back(nominal[b] * std::max(0., 1 + strength * draw.uniform(-1, 1)));
            }
            for (std::vector<double>* counts : {&plus, &minus}) {
                const double sum = std::accumulate(counts->begin(), counts->end(), 0.);
                *counts = sum > 0 ? *counts : nominal;
            }
            text += fmt::format("\n[[systematic]]\nname = \"{}\"\nof = \"{}\"\n", name, component.first);
            if (of_signal) {
                text += fmt::format("nominal = {}\n", list_of(nominal));
            }
            text += fmt::format("plus = {}\n", list_of(plus));
            if (draw.chance(0.7) || strength > 0.5) {
                text += fmt::format("minus = {}\n", list_of(minus));
            }
            const double least = 1e-6 * std::accumulate(nominal.begin(), nominal.end(), 0.);
            const auto n_nominal = std::count_if(nominal.begin(), nominal.end(), [=](double y) { return y > least; });
            if (n_nominal < 2 || draw.chance(0.5)) {
                text += "rate = true\n";
            }
            if (draw.chance(0.5)) {
                text += fmt::format("uncertainty = {}\n", draw.pick<double>({0.3, 1, 2, 5}));
            }
            nuisances_.push_back({name_ + "." + name, "1", -3, 3, draw.pick<double>({0, 0, 0.5, -0.8})});
            shareable_.push_back(name_ + "." + name);
        }
    }

    std::vector<double> draw_counts(Draw& draw, const std::vector<double>& prediction) const {
        std::vector<double> counts;
        const double kind = draw.uniform();
        const double off = draw.log_uniform(0.2, 5);
        for (const double N : prediction) {
            const double mean = std::isfinite(N) ? std::min(N, 1e12) : 0;
            const bool few = mean < 1e3;
            double n = kind < 0.65   ? draw.counts(mean)
                       : kind < 0.78 ? std::round(mean)
                       : kind < 0.86 ? draw.counts(few ? mean * off : mean + 10 * off * std::sqrt(mean))
                       : kind < 0.92 ? draw.counts(mean * (few ? draw.log_uniform(0.3, 3) : 1))
                       : kind < 0.95 ? draw.counts(mean * off)
                       : kind < 0.98 ? draw.counts(mean / 30)
                                     : 0;
            if (gaussian_ && draw.chance(0.2)) {
                n += draw.uniform(-0.5, 0.5);
            }
            counts.push_back(n);
        }
        return counts;
    }

    static std::string covariance_table(Draw& draw, const std::vector<double>& sigma) {
        const double correlation = draw.uniform(-0.7, 0.7);
        std::string text = "bin";
        for (std::size_t b = 0; b < sigma.size(); ++b) {
            text += fmt::format(",b{}", b + 1);
        }
        for (std::size_t a = 0; a < sigma.size(); ++a) {
            text += fmt::format("\n{}", a + 1);
            for (std::size_t b = 0; b < sigma.size(); ++b) {
                const double distance = std::abs(static_cast<double>(a) - static_cast<double>(b));
                // one product whatever the order, so that the table is symmetric
                const double scale = std::min(sigma[a], sigma[b]) * std::max(sigma[a], sigma[b]);
                text += fmt::format(",{}", scale * std::pow(correlation, distance));
            }
        }
        return text + "\n";
    }

    std::string name_, target_, channel_, response_, sources_, further_, couplings_;
    Files tables_;
    std::vector<double> edges_;
    std::vector<std::string> nuclides_, shareable_;
    std::vector<std::pair<std::string, std::vector<double>>> templates_;
    std::vector<RandomParameter> nuisances_;
    std::set<char> flavours_;
    bool electrons_, has_source_, gaussian_, unity_ = false, covariance_ = false;
    bool only_short_ = true, has_exact_ = false, has_solar_ = false, baseline_matters_ = false;
    double mass_ = 0, quenching_ = 1, energy_ = 0, recoil_ = 1, light_yield_ = 0, baseline_ = 0;
    int n_bins_ = 0, n_all_ = 0, n_inner_ = 1;
};

/// A scan of up to three experiments.
class RandomScan {
public:
    RandomScan(std::uint64_t seed, std::uint64_t number) : draw_(seed, number) {
        const int n = draw_.chance(0.6) ? 1 : draw_.chance(0.7) ? 2 : 3;
        for (int e = 0; e < n; ++e) {
            experiments_.emplace_back(draw_, fmt::format("x{}", e));
        }
        draw_neutrino();
        draw_parameters();
    }

    std::size_t n_experiments() const { return experiments_.size(); }

    //! What predicts the signals at the truth: experiments without counts, everything fixed
    Files bare() const {
        Files files;
        std::string scan = neutrino_;
        for (const RandomExperiment& x : experiments_) {
            files.merge(x.bare(x.name()));
            scan += fmt::format("\n[[experiment]]\nfile = \"{}/experiment.toml\"\n", x.name());
        }
        scan += "\n[parameters]\n";
        for (const RandomParameter& p : parameters_) {
            if (p.name.find("_radius.") == std::string::npos || p.name.find("charge") == 0) {
                scan += fmt::format("{} = {}\n", p.name, quoted(p.truth, p.unit));
            }
        }
        files["scan.toml"] = scan;
        return files;
    }

    //! The scan, given the signals (per kilogram and day) of every experiment at the truth
    Files complete(const std::vector<std::vector<double>>& signals) {
        Files files;
        std::string scan = neutrino_;
        std::vector<RandomParameter> nuisances;
        for (std::size_t e = 0; e < experiments_.size(); ++e) {
            RandomExperiment& x = experiments_[e];
            files.merge(x.complete(draw_, signals[e], x.name()));
            scan += fmt::format("\n[[experiment]]\nfile = \"{}/experiment.toml\"\n", x.name());
            nuisances.insert(nuisances.end(), x.nuisances().begin(), x.nuisances().end());
        }
        share(scan, nuisances);
        choose_axes(nuisances);
        scan += "\n[parameters]\n";
        for (const RandomParameter& p : parameters_) {
            if (on_axis_.count(p.name) == 0 && p.name.find("theta") != 0 && !p.slow) {
                scan += fmt::format("{} = {}\n", p.name, quoted(p.truth, p.unit));
            }
        }
        for (const RandomParameter& p : nuisances) {
            if (on_axis_.count(p.name) == 0 && draw_.chance(0.08)) {
                scan += fmt::format("{} = {}\n", p.name, quoted(p.truth, p.unit));
            }
        }
        files["scan.toml"] = scan + axes_;
        return files;
    }

private:
    void draw_neutrino() {
        majorana_ = draw_.chance(0.2);
        mass_basis_ = majorana_ ? draw_.chance(0.8) : draw_.chance(0.3);
        bool total = !mass_basis_ && draw_.chance(0.15);
        for (const RandomExperiment& x : experiments_) {
            total = total && (x.radiative() || !x.has_source());
        }
        inverted_ = draw_.chance(0.2);
        neutrino_ = fmt::format("title = \"random\"\n\n[neutrino]\nnature = \"{}\"\nbasis = \"{}\"\nordering = \"{}\"\n"
                                "charge_radius_mode = \"{}\"\n",
                                majorana_ ? "majorana" : "dirac", mass_basis_ ? "mass" : "flavour",
                                inverted_ ? "inverted" : "normal", total ? "total" : "beyond_sm");
        if (draw_.chance(0.3)) {
            neutrino_ +=
                fmt::format("mixing.alpha21 = {}\nmixing.alpha31 = {}\n", draw_.uniform(-3, 3), draw_.uniform(-3, 3));
        }
    }

    //! Elements, fixed or on axes, with a truth
    void draw_parameters() {
        const RandomExperiment& x = experiments_.front();
        const double T = x.recoil(), to_nuclei = x.electrons() ? 1 : 7.3e4;
        const std::vector<std::pair<std::string, double>> sizes = {
            {"charge", 1.8e-13 * T * to_nuclei},
            {"charge_radius", 4e-31},
            {"anapole", 7e-32},
            {"magnetic_moment", 4e-12 * std::sqrt(T) * (x.electrons() ? 1 : 250)},
            {"electric_moment", 4e-12 * std::sqrt(T) * (x.electrons() ? 1 : 250)}};
        const std::map<std::string, std::string> units = {{"charge", "e"},
                                                          {"charge_radius", "cm^2"},
                                                          {"anapole", "cm^2"},
                                                          {"magnetic_moment", "mu_B"},
                                                          {"electric_moment", "mu_B"}};
        const int n = draw_.between(1, 4);
        std::set<std::string> taken;
        for (int i = 0; i < n; ++i) {
            auto [form_factor, size] = draw_.pick(sizes);
            bool re = false, im = false, diagonal = false, universal = false, polar = false;
            if (majorana_ && mass_basis_ && draw_.chance(0.35)) {
                form_factor = "majorana_moment";
                size = sizes[3].second;
            }
            std::string element;
            const bool lambda = form_factor == "majorana_moment";
            if (lambda) {
                element = draw_.word({"1", "2", "3"});
                (draw_.chance(0.5) ? polar : draw_.chance(0.5) ? re : im) = true;
            } else if (majorana_ && mass_basis_) {
                if (form_factor == "anapole") {
                    (draw_.chance(0.3) ? universal : draw_.chance(0.5) ? diagonal : re) = true;
                } else {
                    im = true;
                }
            } else {
                if (majorana_ && form_factor != "charge_radius" && form_factor != "anapole") {
                    form_factor = draw_.word({"charge_radius", "anapole"});
                    size = form_factor == "anapole" ? 7e-32 : 4e-31;
                }
                const double kind = draw_.uniform();
                (kind < 0.2 ? universal : kind < 0.5 ? diagonal : kind < 0.75 ? polar : kind < 0.9 ? re : im) = true;
            }
            if (universal) {
                element = "universal";
            } else if (diagonal) {
                element = mass_basis_ ? draw_.word({"11", "22", "33"}) : diagonal_element(x);
            } else if (!lambda) {
                element = mass_basis_ ? draw_.word({"12", "13", "23"}) : draw_.word({"emu", "etau", "mutau"});
            }
            const std::string name = form_factor + "." + element;
            const bool moments_apart =
                (form_factor == "magnetic_moment" || form_factor == "electric_moment") && taken.count("majorana") > 0;
            const bool lambda_apart = lambda && taken.count("moment") > 0;
            if (moments_apart || lambda_apart || !taken.insert(name).second) {
                continue;
            }
            if (lambda) {
                taken.insert("majorana");
            }
            if (form_factor == "magnetic_moment" || form_factor == "electric_moment") {
                taken.insert("moment");
            }
            const std::string unit = lambda ? "mu_B" : units.at(form_factor);
            const double truth = draw_.chance(0.5) ? 0 : size * draw_.log_uniform(0.1, 10) * draw_.sign();
            const double width = size * draw_.log_uniform(0.1, 60);
            RandomParameter p{name, unit, -width, width, truth};
            if (draw_.chance(0.35)) {
                p.low = 0;
            } else if (draw_.chance(0.2)) {
                p.low = truth - width / 3;
                p.high = truth + width;
            }
            p.positive = true;
            if (re || im) {
                p.name += re ? ".re" : ".im";
            }
            if (polar) {
                p.name += ".abs";
                p.low = std::max(p.low, 0.);
                p.high = std::max(p.high, p.low + width / 10);
                p.truth = std::abs(p.truth);
                RandomParameter arg{name + ".arg", "deg", -180, 180, std::round(draw_.uniform(-170, 170))};
                arg.circle = true;
                if (draw_.chance(0.3)) {
                    arg.low = 0;
                    arg.high = 360;
                } else if (draw_.chance(0.3)) {
                    arg.circle = false;
                    arg.low = draw_.uniform(-170, 0);
                    arg.high = draw_.uniform(10, 170);
                }
                parameters_.push_back(arg);
            }
            parameters_.push_back(p);
        }
    }

    std::string diagonal_element(const RandomExperiment& x) {
        const char flavour = x.flavours().empty() ? 'e' : *x.flavours().begin();
        const std::string own = flavour == 'e' ? "ee" : flavour == 'm' ? "mumu" : "tautau";
        return draw_.chance(0.6) ? own : draw_.word({"ee", "mumu", "tautau"});
    }

    void share(std::string& scan, std::vector<RandomParameter>& nuisances) {
        if (experiments_.size() < 2 || !draw_.chance(0.3) || experiments_[0].shareable().empty() ||
            experiments_[1].shareable().empty()) {
            return;
        }
        const std::string a = draw_.pick(experiments_[0].shareable()), b = draw_.pick(experiments_[1].shareable());
        scan += fmt::format("\n[[shared]]\nname = \"common\"\nsystematics = [\"{}\", \"{}\"]\n", a, b);
        std::erase_if(nuisances, [&](const RandomParameter& p) { return p.name == a || p.name == b; });
        nuisances.push_back({"common", "1", -0.3, 2, 0.4});
    }

    void choose_axes(const std::vector<RandomParameter>& nuisances) {
        bool only_short = true, exact = false, solar = false;
        std::vector<RandomParameter> others;
        std::set<std::string> nuclides;
        for (const RandomExperiment& x : experiments_) {
            only_short = only_short && (x.only_short() || !x.has_source());
            exact = exact || (x.has_exact() && x.has_source());
            solar = solar || (x.has_solar() && x.has_source());
            if (x.baseline_matters() && x.has_source()) {
                others.push_back({x.name() + ".baseline", "m", x.baseline() * 0.7, x.baseline() * 1.4, 0, true});
            }
            for (const std::string& nuclide : x.nuclides()) {
                if (!x.unity() && x.has_source() && nuclides.insert(nuclide).second) {
                    const double R = nuclide == "Si28" ? 3.1 : nuclide == "Ar40" ? 3.4 : nuclide[0] == 'G' ? 4.1 : 4.9;
                    others.push_back(
                        {draw_.word({"proton", "neutron"}) + "_radius." + nuclide, "fm", R * 0.9, R * 1.1, 0, true});
                }
            }
        }
        std::vector<RandomParameter> mixing;
        if (!only_short || mass_basis_) {
            for (const std::string name : {"theta12", "theta13", "theta23"}) {
                const bool whole = draw_.chance(0.5);
                mixing.push_back({name, "deg", whole ? 0. : 5., whole ? 90. : 50., 0, solar && name != "theta23"});
            }
            mixing.push_back({"delta", "deg", 0, 360, 0, false, true});
        }
        if (mass_basis_) {
            mixing.push_back({"alpha21", "deg", -360, 360, 0, false, true});
            mixing.push_back({"alpha31", "deg", 0, 360, 0, false, false});
        }
        if (exact || solar) {
            mixing.push_back({"dm21", "eV^2", 6e-5, 9e-5, 0, true});
        }
        if (exact) {
            mixing.push_back({"dm31", "eV^2", inverted_ ? -2.6e-3 : 2.4e-3, inverted_ ? -2.3e-3 : 2.7e-3, 0, true});
        }
        RandomParameter weak{"sin2_theta_w", "1", 0.1, 0.4, 0.2386};
        if (draw_.chance(0.3)) {
            weak.low = 0;
            weak.high = 1;
        }
        const int wanted = draw_.chance(0.4) ? 1 : draw_.chance(0.55) ? 2 : draw_.between(3, 4);
        for (int attempt = 0; attempt < 12 && static_cast<int>(on_axis_.size()) < wanted; ++attempt) {
            const double kind = draw_.uniform();
            RandomParameter p = weak;
            if (kind < 0.6 || (nuisances.empty() && others.empty() && mixing.empty())) {
                p = draw_.pick(parameters_);
            } else if (kind < 0.78 && !nuisances.empty()) {
                p = draw_.pick(nuisances);
            } else if (kind < 0.9 && !mixing.empty()) {
                p = draw_.pick(mixing);
            } else if (kind < 0.94 && !others.empty()) {
                p = draw_.pick(others);
            }
            if (on_axis_.insert(p.name).second) {
                add_axis(p, wanted);
            }
        }
    }

    void add_axis(const RandomParameter& p, int wanted) {
        int most = wanted == 1 ? 41 : wanted == 2 ? 13 : wanted == 3 ? 6 : 4;
        if (p.slow) {
            most = 3;
        }
        const int points = draw_.between(2, most);
        std::string range;
        const bool log = p.positive && p.high > 0 && draw_.chance(p.low >= 0 ? 0.25 : 0.05);
        const double low = log ? std::max(p.low, p.high * draw_.log_uniform(1e-4, 1e-1)) : p.low;
        if (!log && draw_.chance(0.1) && points > 2) { // a list, unevenly spaced
            std::vector<std::string> values;
            for (int i = 0; i < points; ++i) {
                const double share = static_cast<double>(i) / (points - 1);
                values.push_back(quoted(low + (p.high - low) * share * share, p.unit));
            }
            range = fmt::format("values = [{}]\n", fmt::join(values, ", "));
        } else {
            range = fmt::format("min = {}\nmax = {}\npoints = {}\n{}", quoted(low, p.unit), quoted(p.high, p.unit),
                                points, log ? "spacing = \"log\"\n" : "");
        }
        n_kept_ += draw_.chance(wanted == 1 ? 0.93 : 0.5) ? 1 : 0;
        const bool profile = kept_ == n_kept_;
        kept_ = n_kept_;
        axes_ += fmt::format("\n[[axis]]\nparameter = \"{}\"\n{}{}", p.name, range, profile ? "profile = true\n" : "");
    }

    Draw draw_;
    std::vector<RandomExperiment> experiments_;
    std::vector<RandomParameter> parameters_;
    std::string neutrino_, axes_;
    std::set<std::string> on_axis_;
    bool majorana_ = false, mass_basis_ = false, inverted_ = false;
    int n_kept_ = 0, kept_ = 0;
};

} // namespace nuscan::testing
