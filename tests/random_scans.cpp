// SPDX-License-Identifier: Apache-2.0
// Random scans: each is drawn from a seed and its number, written as files, read, run by every method that applies and
// compared with the literal reference and with brute force. scripts/random-scans runs it.
#include <omp.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <regex>
#include <sstream>

#include <CLI/CLI.hpp>
#include <Eigen/Dense>

#include "backends/backend.hpp"
#include "backends/reference_model.hpp"
#include "backends/reference_systematics.hpp"
#include "config/error.hpp"
#include "config/scan_config.hpp"
#include "output/limits.hpp"
#include "output/result_file.hpp"
#include "random_input.hpp"
#include "scan/between_points.hpp"
#include "scan/plan.hpp"
#include "scan/point.hpp"
#include "scan/scan.hpp"

namespace nuscan {
namespace {

using testing::Draw;
using testing::Files;
using testing::RandomScan;

namespace fs = std::filesystem;

//! What does not hold of a scan: its kind, a word, and the figures
struct Failure {
    std::string kind, details;
};

// ---------------------------------------------------------------------------------------------------------------------
// Grids

//! χ² and status of every point of the grid that the axes span, row-major in their order
struct Grid {
    std::vector<double> chi2;
    std::vector<std::uint8_t> status;
    std::vector<std::size_t> shape;

    std::vector<std::size_t> indices(std::size_t flat) const {
        std::vector<std::size_t> at(shape.size());
        for (std::size_t i = shape.size(); i-- > 0;) {
            at[i] = flat % shape[i];
            flat /= shape[i];
        }
        return at;
    }
};

std::vector<double> values_at(const ScanConfig& config, const std::vector<std::size_t>& indices) {
    std::vector<double> values;
    for (std::size_t i = 0; i < indices.size(); ++i) {
        values.push_back(config.axes[i].values[indices[i]]);
    }
    return values;
}

Grid evaluate_grid(ScanConfig config, Method method, const std::string& instruction_set = "") {
    Grid grid;
    std::size_t n = 1;
    for (Axis& axis : config.axes) {
        axis.profile = false;
        grid.shape.push_back(axis.values.size());
        n *= axis.values.size();
    }
    grid.chi2.assign(n, constants::not_a_number);
    grid.status.assign(n, 255);
    const Plan plan(std::move(config), method);
    const auto backend = instruction_set.empty() ? make_cpu_backend(plan) : make_cpu_backend(plan, instruction_set);
    UnitResult result;
    for (std::uint64_t u = 0; u < plan.n_units(); ++u) {
        const WorkUnit unit = plan.unit(u);
        backend->evaluate(unit, result);
        for (std::size_t k = 0; k < result.chi2.size(); ++k) {
            std::size_t flat = 0;
            for (std::size_t i = 0; i < grid.shape.size(); ++i) {
                const AxisRange& range = unit.ranges[i];
                const std::int64_t index = range.begin + static_cast<std::int64_t>(k) / range.kept_stride % range.count;
                flat = flat * grid.shape[i] + static_cast<std::size_t>(index);
            }
            grid.chi2[flat] = result.chi2[k];
            grid.status[flat] = result.status[k];
        }
    }
    return grid;
}

//! S_n of the data alone: √Σ(n/σ)²
double size_of_data(const ScanConfig& config) {
    double sum = 0;
    for (const Experiment& x : config.experiments) {
        const std::vector<double> errors = x.statistic == Statistic::gaussian ? x.errors() : std::vector<double>();
        for (std::size_t b = 0; b < x.counts.size(); ++b) {
            sum += errors.empty() ? x.counts[b] : x.counts[b] * x.counts[b] / (errors[b] * errors[b]);
        }
    }
    return std::sqrt(sum);
}

//! What two methods may differ by: 1e-9 + 1e-12 (χ² + √χ² S), S being at most that of the data and √χ² together
double method_tolerance(double chi2, double of_data) {
    const double root = std::sqrt(std::max(chi2, 0.));
    return 1e-9 + 1e-12 * (2 * chi2 + root * of_data);
}

// ---------------------------------------------------------------------------------------------------------------------
// A literal χ² at given values of all pulls

/// Σ over bins and priors of one experiment, as docs/physics.md writes them.
struct LiteralExperiment {
    const Experiment& experiment;
    const std::vector<std::vector<double>>& backgrounds;
    std::vector<double> signal;

    //! Counts at normalisations (backgrounds, then the signal) and x of systematics
    std::vector<double> prediction(const std::vector<double>& normalisations, const std::vector<double>& x) const {
        const std::size_t n_bins = signal.size(), n_backgrounds = backgrounds.size();
        std::vector<double> N(n_bins, 0);
        for (std::size_t c = 0; c <= n_backgrounds; ++c) {
            double scale = normalisations[c];
            std::vector<double> counts = c < n_backgrounds ? backgrounds[c] : signal;
            const std::vector<double> nominal = counts;
            for (std::size_t m = 0; m < x.size(); ++m) {
                const Systematic& systematic = experiment.systematics[m];
                for (const SystematicEffect& effect : systematic.effects) {
                    if (effect.component != c) {
                        continue;
                    }
                    if (systematic.kind == Systematic::Kind::normalisation) {
                        scale += x[m];
                        continue;
                    }
                    const Eigen::VectorXd weight = reference_knot_weights(systematic, x[m]).value;
                    for (std::size_t j = 0; j < static_cast<std::size_t>(systematic.n_knots); ++j) {
                        for (std::size_t b = 0; b < n_bins; ++b) {
                            counts[b] += weight[static_cast<Eigen::Index>(j)] * effect.added[j * n_bins + b] *
                                         (c == n_backgrounds ? nominal[b] : 1);
                        }
                    }
                }
            }
            for (std::size_t b = 0; b < n_bins; ++b) {
                N[b] += scale * counts[b];
            }
        }
        return N;
    }

    double chi2(const std::vector<double>& N) const {
        const std::vector<double>& n = experiment.counts;
        if (!experiment.covariance.empty()) {
            return residuals(N).dot(solved(N));
        }
        double sum = 0;
        const bool gaussian = experiment.statistic == Statistic::gaussian;
        const std::vector<double> errors = gaussian ? experiment.errors() : std::vector<double>();
        for (std::size_t b = 0; b < N.size(); ++b) {
            if (gaussian) {
                sum += std::pow((N[b] - n[b]) / errors[b], 2);
                continue;
            }
            const double positive = std::max(N[b], 0.);
            if (n[b] == 0) {
                sum += 2 * positive;
                continue;
            }
            const double d = (positive - n[b]) / n[b]; // d − ln(1 + d) without cancellation where d is small
            sum +=
                2 * n[b] * (std::abs(d) < 1e-4 ? d * d * (0.5 - d * (1. / 3 - d * (0.25 - d / 5))) : d - std::log1p(d));
        }
        return sum;
    }

    //! |∂χ²/∂N_b|
    std::vector<double> slopes(const std::vector<double>& N) const {
        const std::vector<double>& n = experiment.counts;
        std::vector<double> slopes(N.size());
        const bool gaussian = experiment.statistic == Statistic::gaussian;
        const std::vector<double> errors = gaussian ? experiment.errors() : std::vector<double>();
        Eigen::VectorXd correlated;
        if (!experiment.covariance.empty()) {
            correlated = solved(N);
        }
        for (std::size_t b = 0; b < N.size(); ++b) {
            slopes[b] = correlated.size() > 0  ? 2 * std::abs(correlated[static_cast<Eigen::Index>(b)])
                        : gaussian             ? 2 * std::abs(N[b] - n[b]) / (errors[b] * errors[b])
                        : n[b] > 0 && N[b] > 0 ? 2 * std::abs(1 - n[b] / N[b])
                                               : 2;
        }
        return slopes;
    }

    //! (N_b/σ_b)² summed, σ² being N for Poisson
    double size(const std::vector<double>& N) const {
        double sum = 0;
        const bool gaussian = experiment.statistic == Statistic::gaussian;
        const std::vector<double> errors = gaussian ? experiment.errors() : std::vector<double>();
        for (std::size_t b = 0; b < N.size(); ++b) {
            sum += gaussian ? std::pow(N[b] / errors[b], 2) : std::abs(N[b]) + experiment.counts[b];
        }
        return sum;
    }

private:
    Eigen::VectorXd residuals(const std::vector<double>& N) const {
        return Eigen::Map<const Eigen::VectorXd>(N.data(), static_cast<Eigen::Index>(N.size())) -
               Eigen::Map<const Eigen::VectorXd>(experiment.counts.data(),
                                                 static_cast<Eigen::Index>(experiment.counts.size()));
    }
    Eigen::VectorXd solved(const std::vector<double>& N) const {
        const auto n = static_cast<Eigen::Index>(N.size());
        return Eigen::Map<const Eigen::MatrixXd>(experiment.covariance.data(), n, n).llt().solve(residuals(N));
    }
};

/// A point as the reference sees it, with what its χ² may be off by as quadratures go.
struct Arbiter {
    ReferenceResult result;
    double tolerance;         //!< for χ²
    double literal;           //!< χ² worked out anew at the values of the pulls that the reference found
    bool is_negative = false; //!< whether a signal is
    double brute;             //!< the smallest χ² that a search from there and from other starts sees
};

class Arbitration {
public:
    explicit Arbitration(const ScanConfig& config) : config_(config), model_(config) {}

    Arbiter operator()(const std::vector<double>& values, Draw& draw, bool search) const {
        const ReferencePoint point = model_.point(values);
        Arbiter arbiter{model_(values), 0, 0, false, constants::infinity};
        const ReferenceResult& r = arbiter.result;
        if (!std::isfinite(r.chi2)) {
            arbiter.literal = r.chi2;
            return arbiter;
        }
        double of_quadrature = 0, size = 0, fits = 0;
        std::vector<LiteralExperiment> literals;
        std::vector<std::vector<double>> scaled;
        for (std::size_t e = 0; e < config_.experiments.size(); ++e) {
            const Experiment& x = config_.experiments[e];
            literals.push_back({x, model_.backgrounds()[e], r.signal[e]});
            const std::vector<double> N = literals[e].prediction(r.normalisations[e], r.systematics[e]);
            fits += literals[e].chi2(N);
            size += literals[e].size(N);
            const std::vector<double> slope = literals[e].slopes(N);
            const double scale = std::abs(r.normalisations[e].back()) + 1;
            const double total = std::accumulate(r.signal[e].begin(), r.signal[e].end(), 0.);
            const std::vector<double> errors = x.errors();
            for (const double counts : r.signal[e]) {
                arbiter.is_negative = arbiter.is_negative || counts < -1e-12 * std::abs(total);
            }
            for (std::size_t b = 0; b < N.size(); ++b) {
                const double change = scale * (quadrature * std::abs(r.signal[e][b]) + 1e-12 * std::abs(total));
                of_quadrature += slope[b] * change;
                const double variance = x.statistic == Statistic::gaussian
                                            ? errors[b] * errors[b]
                                            : std::max(N[b] * N[b] / std::max(x.counts[b], 1e-300), 1e-300);
                of_quadrature += change * change / variance;
            }
        }
        arbiter.literal = fits + priors(point, r.normalisations, r.systematics);
        arbiter.tolerance = 1e-9 + 1e-12 * (r.chi2 + std::sqrt(std::max(r.chi2, 0.) * size)) + of_quadrature;
        if (search) {
            arbiter.brute = search_pulls(point, r, literals, draw);
        }
        return arbiter;
    }

private:
    static constexpr double quadrature = 1e-8; //!< of every bin

    //! The values of pulls that the point leaves free, with what they are of
    struct Free {
        std::size_t experiment, place;
        bool systematic;
        double low, step;
    };

    std::vector<Free> free_pulls(const ReferencePoint& point) const {
        std::vector<Free> free;
        if (!config_.shared.empty()) {
            return free; // several move as one
        }
        for (std::size_t e = 0; e < config_.experiments.size(); ++e) {
            const Experiment& x = config_.experiments[e];
            const double lowest = x.statistic == Statistic::poisson ? 0 : -constants::infinity;
            for (std::size_t k = 0; k <= x.backgrounds.size(); ++k) {
                const bool signal = k == x.backgrounds.size();
                const double sigma = signal ? x.signal_sigma : x.backgrounds[k].sigma;
                const std::string name = signal ? Experiment::signal : x.backgrounds[k].name;
                if (sigma > 0 && point.normalisations.count({x.name, name}) == 0) {
                    free.push_back({e, k, false, lowest, std::isfinite(sigma) ? sigma : 0.3});
                }
            }
            for (std::size_t m = 0; m < x.systematics.size(); ++m) {
                const Systematic& s = x.systematics[m];
                if (s.sigma > 0 && point.systematics.count({x.name, s.name}) == 0) {
                    const double low = s.kind == Systematic::Kind::normalisation ? std::max(s.low, -1.) : s.low;
                    free.push_back({e, m, true, low, std::isfinite(s.sigma) ? s.sigma : 0.3});
                }
            }
        }
        return free;
    }

    double priors(const ReferencePoint& point, const std::vector<std::vector<double>>& normalisations,
                  const std::vector<std::vector<double>>& systematics) const {
        double sum = 0;
        std::set<std::pair<std::size_t, std::string>> members;
        const auto prior = [](double x, double sigma) {
            return sigma > 0 && std::isfinite(sigma) ? std::pow(x / sigma, 2) : 0;
        };
        for (const SharedSystematic& shared : config_.shared) {
            const bool given = point.systematics.count({"", shared.name}) > 0;
            const bool counts = !given || point.scanned.count({"", shared.name}) > 0;
            const SharedSystematic::Member& first = shared.members[0];
            if (counts) {
                sum += given ? shared_prior(point.systematics.at({"", shared.name}), first)
                             : member_prior(first, normalisations, systematics);
            }
            for (const SharedSystematic::Member& member : shared.members) {
                members.insert({member.experiment, member.name});
            }
        }
        for (std::size_t e = 0; e < config_.experiments.size(); ++e) {
            const Experiment& x = config_.experiments[e];
            for (std::size_t k = 0; k <= x.backgrounds.size(); ++k) {
                const bool signal = k == x.backgrounds.size();
                const std::string name = signal ? Experiment::signal : x.backgrounds[k].name;
                const auto given = point.normalisations.find({x.name, name});
                if (members.count({e, name}) > 0 ||
                    (given != point.normalisations.end() && point.scanned.count({x.name, name}) == 0)) {
                    continue;
                }
                const double y = given != point.normalisations.end() ? given->second : normalisations[e][k];
                sum += prior(y - 1, signal ? x.signal_sigma : x.backgrounds[k].sigma);
            }
            for (std::size_t m = 0; m < x.systematics.size(); ++m) {
                const Systematic& s = x.systematics[m];
                const bool given = point.systematics.count({x.name, s.name}) > 0;
                if (members.count({e, s.name}) == 0 && (!given || point.scanned.count({x.name, s.name}) > 0)) {
                    sum += prior(systematics[e][m], s.sigma);
                }
            }
        }
        return sum;
    }

    double sigma_of(const SharedSystematic::Member& member) const {
        const Experiment& x = config_.experiments[member.experiment];
        for (const Systematic& s : x.systematics) {
            if (s.name == member.name) {
                return s.sigma;
            }
        }
        for (const Background& b : x.backgrounds) {
            if (b.name == member.name) {
                return b.sigma;
            }
        }
        return x.signal_sigma;
    }
    double shared_prior(double z, const SharedSystematic::Member& member) const {
        return std::isinf(sigma_of(member)) ? 0 : z * z;
    }
    double member_prior(const SharedSystematic::Member& member, const std::vector<std::vector<double>>& normalisations,
                        const std::vector<std::vector<double>>& systematics) const {
        const Experiment& x = config_.experiments[member.experiment];
        double deviation = normalisations[member.experiment].back() - 1;
        for (std::size_t m = 0; m < x.systematics.size(); ++m) {
            deviation = x.systematics[m].name == member.name ? systematics[member.experiment][m] : deviation;
        }
        for (std::size_t k = 0; k < x.backgrounds.size(); ++k) {
            deviation = x.backgrounds[k].name == member.name ? normalisations[member.experiment][k] - 1 : deviation;
        }
        const double sigma = sigma_of(member);
        return std::isfinite(sigma) ? std::pow(deviation / sigma, 2) : 0;
    }

    //! A compass search from what the reference found, from nominal and from random values
    double search_pulls(const ReferencePoint& point, const ReferenceResult& r,
                        const std::vector<LiteralExperiment>& literals, Draw& draw) const {
        const std::vector<Free> free = free_pulls(point);
        if (free.empty()) {
            return constants::infinity;
        }
        std::vector<std::vector<double>> normalisations = r.normalisations, systematics = r.systematics;
        const auto value = [&](const std::vector<double>& z) {
            for (std::size_t i = 0; i < free.size(); ++i) {
                if (z[i] < free[i].low || (free[i].systematic && z[i] > high_of(free[i]))) {
                    return constants::infinity;
                }
                (free[i].systematic ? systematics : normalisations)[free[i].experiment][free[i].place] = z[i];
            }
            double chi2 = priors(point, normalisations, systematics);
            for (std::size_t e = 0; e < literals.size(); ++e) {
                chi2 += literals[e].chi2(literals[e].prediction(normalisations[e], systematics[e]));
            }
            return std::isnan(chi2) ? constants::infinity : chi2;
        };
        double least = constants::infinity;
        for (int start = 0; start < 3; ++start) {
            std::vector<double> z;
            for (const Free& f : free) {
                const double found = (f.systematic ? r.systematics : r.normalisations)[f.experiment][f.place];
                const double nominal = f.systematic ? 0 : 1;
                z.push_back(start == 0 ? found : nominal + (start == 1 ? 0 : f.step * draw.normal()));
            }
            double here = value(z);
            std::vector<double> step;
            for (const Free& f : free) {
                step.push_back(start == 0 ? 1e-3 * f.step : f.step);
            }
            for (int round = 0; round < 40; ++round) {
                for (std::size_t i = 0; i < z.size(); ++i) {
                    bool moved = false;
                    for (const double side : {-1., 1.}) {
                        std::vector<double> other = z;
                        other[i] += side * step[i];
                        const double there = value(other);
                        if (there < here) {
                            z = other;
                            here = there;
                            moved = true;
                            break;
                        }
                    }
                    step[i] *= moved ? 1.7 : 0.4;
                }
            }
            least = std::min(least, here);
        }
        return least;
    }

    double high_of(const Free& f) const { return config_.experiments[f.experiment].systematics[f.place].high; }

    const ScanConfig& config_;
    ReferenceModel model_;
};

// ---------------------------------------------------------------------------------------------------------------------
// One scan

struct Options {
    std::uint64_t seed = 1, first = 0, count = 200;
    std::optional<std::uint64_t> only;
    std::set<std::uint64_t> except;
    std::string journal, keep;
    bool verbose = false, intervals = false;
};

//! A number that a text prints which is none
std::string not_a_number_in(const std::string& text) {
    static const std::regex word("(^|[^A-Za-z_])[-+]?(nan|inf)([^A-Za-z_]|$)", std::regex::icase);
    std::smatch match;
    return std::regex_search(text, match, word)
               ? text.substr(static_cast<std::size_t>(std::max<std::ptrdiff_t>(match.position() - 40, 0)), 80)
               : "";
}

class Trial {
    //! Integrands that the reference may ask for, of a scan
    static constexpr double patience = 3e5;

public:
    Trial(const Options& options, std::uint64_t number, const std::string& folder)
        : seed_(options.seed), strict_(options.intervals), folder_(folder), verbose_(options.verbose), number_(number),
          scan_(options.seed, number) {}

    //! Draws, reads and checks; \throws InputError where a reader refuses what was drawn
    void run() {
        stage("bare");
        write(scan_.bare());
        std::vector<std::vector<double>> signals;
        {
            const ScanConfig bare = read_scan_config(folder_ + "/scan.toml", {}, true, false);
            const PointReport report = evaluate_point(bare);
            for (const ExperimentPoint& x : report.experiments) {
                signals.push_back(x.predicted);
            }
        }
        stage("read");
        write(scan_.complete(signals));
        config_ = read_scan_config(folder_ + "/scan.toml");
        of_data_ = size_of_data(config_);
        stage("points");
        check_points();
        stage("scan");
        check_scan();
        stage("bytes");
        if (number_ % 16 == 0) {
            check_bytes();
        }
        stage("");
    }

    //! Random numbers of a check, whatever others have drawn
    Draw draw(std::uint64_t check) const { return {seed_ + 0x5EED * check, number_}; }

    const std::vector<Failure>& failures() const { return failures_; }
    const std::vector<std::string>& remarks() const { return remarks_; }
    std::string sizes() const {
        std::string text;
        for (const Experiment& x : config_.experiments) {
            text += fmt::format("{}{}{} bins, {} backgrounds, {} systematics", text.empty() ? "" : "; ",
                                x.statistic == Statistic::gaussian ? "G " : "P ", x.n_bins(), x.backgrounds.size(),
                                x.systematics.size());
        }
        for (const Axis& axis : config_.axes) {
            text += fmt::format("; {}{} × {}", axis.parameter.name, axis.profile ? "*" : "", axis.values.size());
        }
        return text;
    }
    const std::string& at_stage() const { return stage_; }
    //! About how many integrands a point of the reference takes
    double cost_of_reference() const {
        double cost = 0;
        for (const Experiment& x : config_.experiments) {
            double energies = 0;
            for (const Source& source : x.sources) {
                const double knots = static_cast<double>(source.spectrum.x.size());
                energies += static_cast<double>(source.lines.size()) +
                            knots * (source.propagation == Propagation::exact ? 60 : 15);
            }
            for (const Channel& channel : x.channels) {
                const bool nuclear = channel.target == Target::nucleus;
                const std::size_t kinks =
                    x.bin_edges.size() + (nuclear ? 10 : x.target.shells.size()) + channel.photoabsorption.x.size();
                cost += energies * 30 * static_cast<double>(kinks) *
                        (nuclear ? static_cast<double>(x.target.nuclides.size()) : 1);
            }
        }
        return cost;
    }
    const std::string& times() const { return times_; }
    double reference_seconds() const { return reference_seconds_; }

private:
    void stage(const std::string& name) {
        const double now = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
        times_ += stage_.empty() ? "" : fmt::format(" {} {:.3f}", stage_, now - stage_began_);
        stage_ = name;
        stage_began_ = now;
    }
    template <class... Args>
    void fail(const std::string& kind, fmt::format_string<Args...> format, Args&&... args) {
        failures_.push_back({kind, fmt::format(format, std::forward<Args>(args)...)});
    }

    void write(const Files& files) const {
        for (const auto& [name, text] : files) {
            fs::create_directories(fs::path(folder_ + "/" + name).parent_path());
            std::ofstream(folder_ + "/" + name) << text;
        }
    }

    std::string described(const std::vector<double>& values) const {
        std::string text;
        for (std::size_t a = 0; a < values.size(); ++a) {
            text += fmt::format("{}{}={:.17g}", a > 0 ? " " : "", config_.axes[a].parameter.name, values[a]);
        }
        return text;
    }

    //! Methods with one another on the whole grid, and with the reference at some of its points
    void check_points() {
        moments_ = evaluate_grid(config_, Method::moments);
        std::optional<Grid> collapsed, direct;
        if (automatic_method(config_) == Method::collapsed) {
            collapsed = evaluate_grid(config_, Method::collapsed);
            compare("collapsed", *collapsed, 0);
        }
        if (moments_.chi2.size() <= 60 && number_ % 2 == 0) {
            direct = evaluate_grid(config_, Method::direct);
            compare("direct", *direct, 1e-8);
        }
        if (number_ % 8 == 1 && cpu_instruction_sets().size() > 1) {
            const Grid other = evaluate_grid(config_, Method::moments, cpu_instruction_sets().back());
            compare("instruction set", other, 0);
        }
        arbitration_.emplace(config_);
        std::set<std::size_t> chosen;
        const auto best = std::min_element(moments_.chi2.begin(), moments_.chi2.end(),
                                           [](double a, double b) { return a < b || (a == a && b != b); });
        chosen.insert(static_cast<std::size_t>(best - moments_.chi2.begin()));
        Draw draw = this->draw(1);
        for (int i = 0; i < 3; ++i) {
            chosen.insert(draw.bits() % moments_.chi2.size());
        }
        for (const std::size_t flat : chosen) {
            const std::vector<double> values = values_at(config_, moments_.indices(flat));
            if (!has_patience()) {
                break;
            }
            const Arbiter arbiter = arbitrate(values, draw, true);
            const ReferenceResult& r = arbiter.result;
            const double ours = moments_.chi2[flat];
            const std::string details =
                fmt::format("moments {:.17g}, reference {:.17g} (literal {:.17g}, brute {:.17g}), tolerance {:.2g}, "
                            "status {} {}, at {}",
                            ours, r.chi2, arbiter.literal, arbiter.brute, arbiter.tolerance, moments_.status[flat],
                            static_cast<int>(r.status), described(values));
            const std::string kind = disagreement(ours, static_cast<PointStatus>(moments_.status[flat]), arbiter);
            if (kind.rfind("reference", 0) == 0) {
                remarks_.push_back(kind + ": " + details);
            } else if (!kind.empty()) {
                failures_.push_back({kind, details});
            }
            if (std::isfinite(r.chi2) && !(std::abs(arbiter.literal - r.chi2) <= 10 * arbiter.tolerance)) {
                fail("literal", "reference {:.17g}, its pulls in the formula {:.17g}, at {}", r.chi2, arbiter.literal,
                     described(values));
            }
            if (r.status == PointStatus::ok && arbiter.brute < r.chi2 - 10 * arbiter.tolerance - 1e-8 * (1 + r.chi2)) {
                fail("pulls", "a search finds {:.17g} below the reference {:.17g} and moments {:.17g}, at {}",
                     arbiter.brute, r.chi2, ours, described(values));
            }
            if (ours < -1e-9) {
                fail("negative", "χ² {:.17g} at {}", ours, described(values));
            }
        }
    }

    //! How a method and the reference differ; "" where they do not
    static std::string disagreement(double ours, PointStatus status, const Arbiter& arbiter) {
        const ReferenceResult& r = arbiter.result;
        if (arbiter.is_negative) {
            return "negative signal";
        }
        if (std::isnan(ours) || std::isnan(r.chi2)) {
            return std::isnan(ours) && std::isnan(r.chi2) ? "" : std::isnan(ours) ? "nan" : "reference nan";
        }
        if (std::isinf(ours) || std::isinf(r.chi2)) {
            return ours == r.chi2 ? "" : std::isinf(ours) ? "infinite" : "finite";
        }
        const bool unsettled = r.status == PointStatus::not_converged;
        if (ours > std::min(r.chi2, arbiter.brute + 1e-8 * (1 + r.chi2)) + arbiter.tolerance) {
            return status == PointStatus::not_converged ? "not converged" : "missed";
        }
        if (ours < r.chi2 - arbiter.tolerance) {
            return unsettled ? "reference not converged, above" : "below";
        }
        return status == r.status ? "" : unsettled ? "reference not converged" : "status";
    }

    //! Whether the reference is asked for one more point
    bool has_patience() {
        asked_ += cost_of_reference();
        return asked_ < patience || asked_ == cost_of_reference();
    }
    Arbiter arbitrate(const std::vector<double>& values, Draw& draw, bool search) {
        const auto start = std::clock();
        const Arbiter arbiter = (*arbitration_)(values, draw, search);
        reference_seconds_ += static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
        return arbiter;
    }

    void compare(const std::string& what, const Grid& other, double of_counts) {
        for (std::size_t i = 0; i < moments_.chi2.size(); ++i) {
            const double a = moments_.chi2[i], b = other.chi2[i];
            const double root = std::sqrt(std::max(a, 0.));
            const double allowed = method_tolerance(a, of_data_) + of_counts * (1 + root) * (root + of_data_);
            const bool same = a == b || std::abs(a - b) <= allowed || (std::isnan(a) && std::isnan(b));
            if (!same || moments_.status[i] != other.status[i]) {
                fail(what, "{:.17g} status {}, moments {:.17g} status {}, tolerance {:.2g}, at {}", b, other.status[i],
                     a, moments_.status[i], allowed, described(values_at(config_, moments_.indices(i))));
                return;
            }
        }
    }

    Result run(const ScanConfig& config, Method method, const std::vector<std::uint64_t>& order = {},
               std::optional<std::int64_t> unit_points = {}) const {
        const Plan plan(config, method, unit_points);
        const auto backend = make_cpu_backend(plan);
        ScanOptions options;
        options.output = folder_ + "/result.h5";
        options.overwrite = true;
        options.parity_points = 0;
        options.order = order;
        run_scan(plan, *backend, options);
        return read_result(options.output);
    }

    //! Values of every axis at a kept point of a result
    static std::vector<double> values_of(const ScanConfig& config, const Result& result, std::size_t point) {
        std::vector<double> values(config.axes.size());
        std::size_t rest = point, profiled = result.profiled.size();
        for (std::size_t a = config.axes.size(); a-- > 0;) {
            if (config.axes[a].profile) {
                values[a] = result.profiled_at[--profiled][point];
            } else {
                values[a] = config.axes[a].values[rest % config.axes[a].values.size()];
                rest /= config.axes[a].values.size();
            }
        }
        return values;
    }

    //! Profiles, their polish, and limits
    void check_scan() {
        const Result result = run(config_, automatic_method(config_));
        check_profiles(result);
        const double level = draw(3).pick<double>({0.9, 0.9, 0.6827, 0.95, 0.3, 0.99});
        const bool any = std::any_of(result.chi2.begin(), result.chi2.end(), [](double x) { return std::isfinite(x); });
        BetweenPoints between;
        std::string why_grid;
        try {
            between = between_points(result, folder_);
        } catch (const InputError& error) {
            why_grid = error.what();
        }
        std::optional<Limits> limits;
        try {
            limits = compute_limits(result, level, between.minimiser);
        } catch (const InputError& error) {
            if (any) {
                fail("no limits", "{}", error.what());
            }
            return;
        }
        for (const std::string& text : {limits_text(*limits, result, why_grid), limits_json(*limits, result)}) {
            const std::string bad = not_a_number_in(text);
            if (!bad.empty()) {
                fail("printed", "…{}…", bad);
            }
        }
        for (const auto& [name, attribute] : result.attributes) {
            const double* number = std::get_if<double>(&attribute);
            if (number != nullptr && !std::isfinite(*number)) {
                fail("attribute", "{} = {}", name, *number);
            }
        }
        if (verbose_) {
            std::cout << limits_text(*limits, result, why_grid);
        }
        stage("limits");
        if (limits->is_exact && !limits->axes.empty()) {
            check_intervals(limits->axes[draw(4).bits() % limits->axes.size()], *limits);
        }
    }

    /// χ² over values of one axis, minimised over all others: those that moments leave alone continuously from the
    /// lowest point of a grid of twice the density, others over their values.
    std::vector<double> profile(std::size_t axis, const std::vector<double>& values) const {
        ScanConfig config = config_;
        const std::vector<int> slow = Plan(config_, Method::moments).slow_axes();
        for (std::size_t a = 0; a < config.axes.size(); ++a) {
            config.axes[a].profile = a != axis;
            std::vector<double>& x = config.axes[a].values;
            if (a == axis) {
                x = values;
            } else if (std::count(slow.begin(), slow.end(), static_cast<int>(a)) == 0 && x.size() < 40) {
                std::vector<double> denser{x[0]};
                for (std::size_t i = 1; i < x.size(); ++i) {
                    denser.push_back((x[i - 1] + x[i]) / 2);
                    denser.push_back(x[i]);
                }
                x = denser;
            }
        }
        return run(config, Method::moments).chi2;
    }

    //! Every end of an interval is a crossing of the profile, and the profile crosses nowhere else.
    void check_intervals(const AxisLimits& found, const Limits& limits) {
        std::size_t axis = 0;
        while (config_.axes[axis].parameter.name != found.axis.name) {
            ++axis;
        }
        const std::vector<int> slow = Plan(config_, Method::moments).slow_axes();
        if (std::count(slow.begin(), slow.end(), static_cast<int>(axis)) > 0) {
            return; // known at its grid points alone
        }
        const std::vector<double>& grid = config_.axes[axis].values;
        const double first = grid.front(), last = grid.back();
        std::set<double> values(grid.begin(), grid.end());
        constexpr int n = 24;
        for (int i = 1; i < n; ++i) {
            values.insert(first + (last - first) * i / n);
            if (first > 0) {
                values.insert(first * std::pow(last / first, static_cast<double>(i) / n));
            }
        }
        struct Side {
            double inside, outside;
        };
        const double period = found.axis.domain.period;
        const auto on_axis = [&](double x) {
            x -= period > 0 && x > last ? period : 0;
            x += period > 0 && x < first ? period : 0;
            return std::clamp(x, first, last);
        };
        std::vector<Side> ends;
        for (const Interval& interval : found.intervals) {
            const double width = interval.high.at - interval.low.at;
            const auto near = [&](const End& end, double side) {
                if (end.kind != End::Kind::crossing) {
                    return;
                }
                const double distance = std::max(1e-3 * width, 1e-4 * std::abs(end.at));
                ends.push_back(
                    {on_axis(end.at - side * std::min(distance, width / 2)), on_axis(end.at + side * distance)});
                values.insert({ends.back().inside, ends.back().outside});
            };
            if (!(width >= 0)) {
                interval_failure("bracket", found, "an end that is not known though χ² is");
                return;
            }
            near(interval.low, -1);
            near(interval.high, 1);
        }
        values.erase(values.upper_bound(last), values.end());
        std::map<double, double> chi2;
        const auto add = [&](const std::set<double>& more) {
            const std::vector<double> list(more.begin(), more.end());
            const std::vector<double> found_there = profile(axis, list);
            for (std::size_t i = 0; i < list.size(); ++i) {
                chi2[list[i]] = found_there[i];
            }
        };
        add(values);
        const auto lowest = [&] {
            return std::min_element(chi2.begin(), chi2.end(), [](const auto& a, const auto& b) {
                return a.second < b.second || (a.second == a.second && b.second != b.second);
            });
        };
        for (int zoom = 0; zoom < 2; ++zoom) {
            const auto best = lowest();
            const double low = best == chi2.begin() ? best->first : std::prev(best)->first;
            const double high = std::next(best) == chi2.end() ? best->first : std::next(best)->first;
            std::set<double> between;
            for (int i = 1; i < 10; ++i) {
                between.insert(low + (high - low) * i / 10);
            }
            add(between);
        }
        const double least = lowest()->second, margin = 1e-6 * (1 + least) + 2e-3 * limits.threshold;
        const auto is_in = [&](double x) {
            return std::any_of(found.intervals.begin(), found.intervals.end(), [&](const Interval& interval) {
                const double turned = x + (x < interval.low.at ? period : 0);
                return turned >= interval.low.at && turned <= interval.high.at;
            });
        };
        if (limits.chi2_min > least + margin) {
            interval_failure(
                "minimum", found,
                fmt::format("{:.9g}, brute force {:.9g} at {:.9g}", limits.chi2_min, least, lowest()->first));
            return;
        }
        for (const Side& end : ends) {
            const double inside = chi2[end.inside] - least, outside = chi2[end.outside] - least;
            if (!(inside <= limits.threshold + margin) || outside < limits.threshold - margin) {
                interval_failure("end", found,
                                 fmt::format("Δχ² {:.6g} at {:.9g} inside, {:.6g} at {:.9g} outside, "
                                             "threshold {:.6g}",
                                             inside, end.inside, outside, end.outside, limits.threshold));
                return;
            }
        }
        for (const auto& [x, value] : chi2) {
            const double delta = value - least;
            const bool at_end = std::any_of(ends.begin(), ends.end(), [&](const Side& end) {
                return x >= std::min(end.inside, end.outside) && x <= std::max(end.inside, end.outside);
            });
            if (!at_end && (is_in(x) ? delta > limits.threshold + margin : delta < limits.threshold - margin)) {
                interval_failure(is_in(x) ? "too wide" : "missed", found,
                                 fmt::format("Δχ² {:.6g} at {:.9g}, threshold {:.6g}", delta, x, limits.threshold));
                return;
            }
        }
    }

    void interval_failure(const std::string& kind, const AxisLimits& found, const std::string& details) {
        static constexpr const char* kinds[] = {"crossing", "physical", "range", "none"};
        std::string intervals;
        for (const Interval& i : found.intervals) {
            intervals += fmt::format(" [{:.9g} {}, {:.9g} {}]", i.low.at, kinds[static_cast<int>(i.low.kind)],
                                     i.high.at, kinds[static_cast<int>(i.high.kind)]);
        }
        const std::string text = fmt::format("{}{}: {};", found.axis.name, intervals, details);
        if (strict_) {
            failures_.push_back({"interval " + kind, text});
        } else {
            remarks_.push_back("interval " + kind + ": " + text);
        }
    }

    //! χ² over the grid of the profiled axes is not below the polished one, nor is a fine grid about it
    void check_profiles(const Result& result) {
        const bool any_profiled = !result.profiled.empty();
        // The grid's minimum at every kept point
        std::vector<double> least(result.chi2.size(), constants::infinity);
        for (std::size_t flat = 0; flat < moments_.chi2.size(); ++flat) {
            const std::vector<std::size_t> at = moments_.indices(flat);
            std::size_t kept = 0;
            for (std::size_t a = 0; a < at.size(); ++a) {
                kept = config_.axes[a].profile ? kept : kept * moments_.shape[a] + at[a];
            }
            least[kept] = std::fmin(least[kept], moments_.chi2[flat]);
        }
        for (std::size_t k = 0; k < least.size(); ++k) {
            const double polished = result.chi2[k];
            const double allowed = 2 * method_tolerance(least[k], of_data_);
            if (std::isfinite(least[k]) && !(polished <= least[k] + allowed)) {
                fail("above grid", "kept point {}: {:.17g}, grid {:.17g}", k, polished, least[k]);
            }
            if (!any_profiled && std::isfinite(least[k]) && !(polished >= least[k] - allowed)) {
                fail("below grid", "kept point {}: {:.17g}, grid {:.17g}", k, polished, least[k]);
            }
        }
        if (!any_profiled) {
            return;
        }
        Draw draw = this->draw(2);
        const auto best =
            static_cast<std::size_t>(std::min_element(result.chi2.begin(), result.chi2.end()) - result.chi2.begin());
        for (const std::size_t k : std::set<std::size_t>{best, draw.bits() % result.chi2.size()}) {
            if (!std::isfinite(result.chi2[k]) || !has_patience()) {
                continue;
            }
            const std::vector<double> values = values_of(config_, result, k);
            const Arbiter arbiter = arbitrate(values, draw, false);
            const double there = arbiter.result.chi2, here = result.chi2[k];
            if (!(std::abs(there - here) <= 2 * arbiter.tolerance + 1e-9 * (1 + here))) {
                fail("polished", "{:.17g}, reference {:.17g}, tolerance {:.2g}, status {}, at {}", here, there,
                     arbiter.tolerance, result.status[k], described(values));
            }
            check_minimum(values, here, arbiter.tolerance);
        }
    }

    //! Fine grids about a profile's minimum, and one of all the ranges
    void check_minimum(const std::vector<double>& values, double chi2, double tolerance) {
        ScanConfig fine = config_;
        std::size_t n_profiled = 0;
        const Plan plan(config_, Method::moments);
        const std::set<int> polished(plan.polished_axes().begin(), plan.polished_axes().end());
        n_profiled = polished.size();
        if (n_profiled == 0 || !config_.polish) {
            return;
        }
        const int over_all = n_profiled == 1 ? 60 : n_profiled == 2 ? 12 : 4;
        for (std::size_t a = 0; a < fine.axes.size(); ++a) {
            Axis& axis = fine.axes[a];
            const double at = values[a], low = axis.values.front(), high = axis.values.back();
            if (polished.count(static_cast<int>(a)) == 0) {
                axis.values = {at};
                continue;
            }
            const double step = (high - low) / static_cast<double>(axis.values.size() - 1);
            std::set<double> all{at};
            for (const double share : {1e-3, 3e-2, 0.5}) {
                for (const double side : {-1., 1.}) {
                    all.insert(std::clamp(at + side * share * step, low, high));
                }
            }
            for (int i = 0; i <= over_all; ++i) {
                all.insert(low + (high - low) * i / over_all);
            }
            axis.values.assign(all.begin(), all.end());
        }
        const Grid grid = evaluate_grid(fine, Method::moments);
        std::size_t lowest = 0;
        double nearby = constants::infinity;
        std::size_t nearest = 0;
        for (std::size_t i = 0; i < grid.chi2.size(); ++i) {
            if (grid.chi2[i] < grid.chi2[lowest] || std::isnan(grid.chi2[lowest])) {
                lowest = i;
            }
            const std::vector<double> v = values_at(fine, grid.indices(i));
            bool close = true;
            for (const int a : polished) {
                const auto axis = static_cast<std::size_t>(a);
                const std::vector<double>& range = config_.axes[axis].values;
                const double step = (range.back() - range.front()) / static_cast<double>(range.size() - 1);
                close = close && std::abs(v[axis] - values[axis]) <= 0.04 * step;
            }
            if (close && grid.chi2[i] < nearby) {
                nearby = grid.chi2[i];
                nearest = i;
            }
        }
        const double allowed = 2 * tolerance + 1e-7 * (1 + chi2);
        if (nearby < chi2 - allowed) {
            fail("polish", "no local minimum: {:.17g} at {}, near it {:.17g} at {}", chi2, described(values), nearby,
                 described(values_at(fine, grid.indices(nearest))));
        } else if (grid.chi2[lowest] < chi2 - allowed) {
            remarks_.push_back(fmt::format("valley: {:.9g} at {}, elsewhere {:.9g} at {}", chi2, described(values),
                                           grid.chi2[lowest], described(values_at(fine, grid.indices(lowest)))));
        }
    }

    //! The same bytes in small units, in reverse, on two threads
    void check_bytes() {
        const Method method = automatic_method(config_);
        const Result all = run(config_, method, {}, 64);
        std::vector<std::uint64_t> order(Plan(config_, method, 64).n_units());
        std::iota(order.rbegin(), order.rend(), std::uint64_t{0});
        omp_set_num_threads(2);
        const Result reversed = run(config_, method, order, 64);
        omp_set_num_threads(1);
        const auto same = [](const std::vector<double>& a, const std::vector<double>& b) {
            return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
        };
        bool equal = same(all.chi2, reversed.chi2) && all.status == reversed.status;
        for (std::size_t p = 0; p < all.profiled_at.size(); ++p) {
            equal = equal && same(all.profiled_at[p], reversed.profiled_at[p]);
        }
        if (!equal) {
            fail("bytes", "they depend on the order of {} units or on threads", order.size());
        }
    }

    std::uint64_t seed_;
    bool strict_;
    std::string folder_, stage_, times_;
    double stage_began_ = 0;
    bool verbose_;
    std::uint64_t number_;
    RandomScan scan_;
    ScanConfig config_;
    std::optional<Arbitration> arbitration_;
    double of_data_ = 0, reference_seconds_ = 0, asked_ = 0;
    Grid moments_;
    std::vector<Failure> failures_;
    std::vector<std::string> remarks_;
};

// ---------------------------------------------------------------------------------------------------------------------
// All scans

//! Of a message, what does not depend on the numbers in it
std::string kind_of_message(const std::string& message) {
    std::string text = message.substr(std::min(message.find(": "), message.size()));
    text = std::regex_replace(text, std::regex("[-+]?[0-9][-+.e0-9]*"), "#");
    return text.substr(0, 150);
}

std::uint64_t running = 0;
int journal_descriptor = -1;

//! The number of the scan that ended the process goes into the journal, so that it is not begun again.
void note_crash(int signal) {
    std::array<char, 64> line{};
    const int n = std::snprintf(line.data(), line.size(), "%llu crash signal %d\n",
                                static_cast<unsigned long long>(running), signal);
    if (journal_descriptor >= 0) {
        [[maybe_unused]] const auto written = ::write(journal_descriptor, line.data(), static_cast<std::size_t>(n));
    }
    [[maybe_unused]] const auto told = ::write(2, line.data(), static_cast<std::size_t>(n));
    std::_Exit(1);
}

//! A scan takes milliseconds: minutes of processor time are a loop that does not end
void limit_time() {
    const itimerval limit{{0, 0}, {120, 0}};
    setitimer(ITIMER_PROF, &limit, nullptr);
}

int run_all(const Options& options) {
    omp_set_num_threads(1);
    const fs::path memory = "/dev/shm"; // where files cost no wait for a disk
    const std::string folder = (::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path()) /
                               fmt::format("random-scans-{}", ::getpid());
    std::set<std::uint64_t> done;
    std::uint64_t failed = 0;
    if (!options.journal.empty()) {
        std::ifstream before(options.journal);
        const std::string head = fmt::format("seed {}", options.seed);
        std::string line;
        if (std::getline(before, line) && line != head) {
            std::cerr << options.journal << ": belongs to " << line << "\n";
            return 2;
        }
        while (std::getline(before, line)) {
            done.insert(std::stoull(line));
            failed += line.find(" ok") == std::string::npos && line.find(" refused") == std::string::npos ? 1 : 0;
        }
        const bool fresh = line.empty() && done.empty() && !fs::exists(options.journal);
        std::FILE* file = std::fopen(options.journal.c_str(), "a");
        if (file == nullptr) {
            std::cerr << options.journal << ": cannot be written\n";
            return 2;
        }
        journal_descriptor = fileno(file);
        if (fresh) {
            std::fprintf(file, "%s\n", head.c_str());
            std::fflush(file);
        }
    }
#ifndef NUSCAN_SANITIZED
    for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGPROF}) {
        std::signal(signal, note_crash);
    }
#endif
    const std::uint64_t first = options.only.value_or(options.first);
    const std::uint64_t last = options.only ? first + 1 : first + options.count;
    std::map<std::string, std::uint64_t> kinds, refusals, remarks;
    std::uint64_t n = 0, refused = 0;
    const auto start = std::chrono::steady_clock::now();
    auto told = start;
    double reference_seconds = 0;
    for (std::uint64_t number = first; number < last; ++number) {
        if (done.count(number) > 0 || options.except.count(number) > 0) {
            continue;
        }
        running = number;
        limit_time();
        fs::remove_all(folder);
        fs::create_directories(folder);
        std::string outcome = "ok";
        std::vector<Failure> failures;
        Trial trial(options, number, folder);
        try {
            trial.run();
            failures = trial.failures();
        } catch (const InputError& error) {
            if (trial.at_stage() == "bare" || trial.at_stage() == "read" || trial.at_stage() == "points") {
                outcome = "refused";
                ++refused;
                ++refusals[kind_of_message(error.what())];
                if (options.only) {
                    std::cout << error.what() << "\n";
                }
            } else {
                failures.push_back({"refused in " + trial.at_stage(), error.what()});
            }
        } catch (const std::exception& error) {
            failures.push_back({"exception in " + trial.at_stage(), error.what()});
        }
        ++n;
        if (options.verbose) {
            std::cerr << fmt::format("TIME {}{} reference {:.3f} cost {:.3g}\n", number, trial.times(),
                                     trial.reference_seconds(), trial.cost_of_reference());
        }
        reference_seconds += trial.reference_seconds();
        for (const std::string& remark : trial.remarks()) {
            ++remarks[remark.substr(0, remark.find(':'))];
            if (options.only) {
                std::cout << remark << "\n";
            }
        }
        if (!failures.empty()) {
            ++failed;
            outcome = "fail";
            std::set<std::string> of_scan;
            for (const Failure& failure : failures) {
                if (of_scan.insert(failure.kind).second) {
                    outcome += fmt::format(" [{}]", failure.kind);
                    ++kinds[failure.kind];
                    std::cout << fmt::format("FAIL {} {}: {} | {}\n", number, failure.kind, failure.details,
                                             trial.sizes());
                }
            }
            std::cout.flush();
        }
        if (!options.keep.empty() && (outcome.find("fail") == 0 || options.only)) {
            const std::string kept = fmt::format("{}/{}-{}", options.keep, options.seed, number);
            fs::remove_all(kept);
            fs::create_directories(options.keep);
            fs::copy(folder, kept, fs::copy_options::recursive);
            fs::remove(kept + "/result.h5");
        }
        if (journal_descriptor >= 0) {
            const std::string line = fmt::format("{} {}\n", number, outcome);
            [[maybe_unused]] const auto written = ::write(journal_descriptor, line.data(), line.size());
        }
        const auto now = std::chrono::steady_clock::now();
        if (now - told > std::chrono::seconds(20)) {
            told = now;
            std::cerr << fmt::format("{} of {}: {} failed, {} refused, {:.1f} s\n", number + 1 - first, last - first,
                                     failed, refused, std::chrono::duration<double>(now - start).count());
        }
    }
    fs::remove_all(folder);
    std::cout << fmt::format("seed {}: {} scans, {} failed, {} refused; {:.1f} s, of which the reference {:.1f} s\n",
                             options.seed, n, failed, refused,
                             std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
                             reference_seconds);
    for (const auto& [kind, times] : kinds) {
        std::cout << fmt::format("  {:5} {}\n", times, kind);
    }
    for (const auto& [kind, times] : remarks) {
        std::cout << fmt::format("  {:5} remark: {}\n", times, kind);
    }
    if (options.verbose) {
        for (const auto& [kind, times] : refusals) {
            std::cout << fmt::format("  {:5} refused{}\n", times, kind);
        }
    }
    return failed > 0 ? 1 : 0;
}

} // namespace
} // namespace nuscan

int main(int argc, char** argv) {
    nuscan::Options options;
    CLI::App app("Random scans, compared with the literal reference and with brute force");
    std::uint64_t only = 0;
    std::vector<std::uint64_t> except;
    app.add_option("--seed", options.seed, "of all that is drawn")->capture_default_str();
    app.add_option("--count", options.count, "number of scans")->capture_default_str();
    app.add_option("--first", options.first, "number of the first one")->capture_default_str();
    CLI::Option* one = app.add_option("--only", only, "this number alone");
    app.add_option("--except", except, "numbers that are left out");
    app.add_option("--journal", options.journal, "file in which outcomes are kept: what it has is not done again");
    app.add_option("--keep", options.keep, "folder for the files of scans that fail");
    app.add_flag("--intervals", options.intervals,
                 "an interval that brute force does not find is a failure, not a remark");
    app.add_flag("--verbose", options.verbose, "also say what was refused, and print limits");
    CLI11_PARSE(app, argc, argv);
    if (*one) {
        options.only = only;
    }
    options.except = {except.begin(), except.end()};
    return nuscan::run_all(options);
}
