// SPDX-License-Identifier: Apache-2.0
#include "scan/scan.hpp"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/error.hpp"
#include "experiments/uncertainty.hpp"
#include "nuscan/version.hpp"
#include "output/crc32c.hpp"
#include "output/journal.hpp"
#include "output/result_file.hpp"
#include "output/undo_file.hpp"
#include "scan/background_queue.hpp"
#include "scan/domain.hpp"
#include "scan/point.hpp"
#include "scan/polish.hpp"
#include "scan/tables_ahead.hpp"
#include "scan/unit_record.hpp"
#include "scan/verification.hpp"

namespace nuscan {

namespace {

//! Keeps the better of each kept point
void merge(UnitResult& best, const UnitResult& other) {
    for (std::size_t i = 0; i < best.chi2.size(); ++i) {
        const Minimum candidate{other.chi2[i], other.profile_index[i]};
        if (candidate.beats({best.chi2[i], best.profile_index[i]})) {
            best.chi2[i] = other.chi2[i];
            best.profile_index[i] = other.profile_index[i];
            best.status[i] = other.status[i];
        }
    }
}

//! How many points have a status that is not ok
struct Flagged {
    std::uint64_t points = 0;                   //!< with any status
    std::uint64_t all = 0;                      //!< of them, those that are not ok
    std::uint64_t failed = 0;                   //!< of those, all that are not +inf by definition
    double lowest_failed = constants::infinity; //!< χ² of these, where it is a number

    void add(double chi2, std::uint8_t status) {
        ++all;
        if (status != static_cast<std::uint8_t>(PointStatus::empty_prediction)) {
            ++failed;
            lowest_failed = chi2 < lowest_failed ? chi2 : lowest_failed;
        }
    }
    void add(const Flagged& other) {
        points += other.points;
        all += other.all;
        failed += other.failed;
        lowest_failed = std::min(lowest_failed, other.lowest_failed);
    }
};

struct TileSummary {
    std::uint32_t checksum = 0;
    double smallest = constants::infinity; //!< χ², never NaN
    std::size_t near_smallest = 0;         //!< a point not far before the first that has it
    Flagged flagged;

    explicit TileSummary(const ResultTile& tile) {
        // Both in one pass, piece by piece: reading a tile takes longer than what is done with it.
        constexpr std::size_t most = 6144;
        for (std::size_t first = 0; first < tile.chi2.size(); first += most) {
            const double* chi2 = tile.chi2.data() + first;
            const std::size_t n = std::min(most, tile.chi2.size() - first);
            checksum = crc32c(chi2, n * sizeof(double), checksum);
            double least = smallest;
#pragma omp simd reduction(min : least)
            for (std::size_t i = 0; i < n; ++i) {
                least = chi2[i] < least ? chi2[i] : least;
            }
            near_smallest = least < smallest ? first : near_smallest;
            smallest = least;
        }
        checksum = crc32c(tile.status.data(), tile.status.size(), checksum);
        for (const std::vector<double>& values : tile.profiled) {
            checksum = crc32c(values.data(), values.size() * sizeof(double), checksum);
        }
        flagged.points = tile.status.size();
        const auto is_flagged = [](std::uint8_t s) { return s != static_cast<std::uint8_t>(PointStatus::ok); };
        for (auto s = tile.status.begin(); (s = std::find_if(s, tile.status.end(), is_flagged)) != tile.status.end();
             ++s) {
            flagged.add(tile.chi2[static_cast<std::size_t>(s - tile.status.begin())], *s);
        }
    }

    //! A unit's record where the unit is all there is of its tile
    std::vector<std::byte> record() const {
        std::vector<std::byte> bytes(sizeof checksum);
        std::memcpy(bytes.data(), &checksum, sizeof checksum);
        return bytes;
    }
};

std::string long_name_of_systematic(const Parameter& parameter, const ScanConfig& config) {
    const std::string name = "systematic " + parameter.background;
    for (const Experiment& experiment : config.experiments) {
        if (experiment.name == parameter.experiment) {
            const std::string of = name + " of " + experiment.name;
            switch (uncertainty_of(experiment, parameter.background).kind) {
            case Systematic::Kind::normalisation:
                return of + ", relative to nominal";
            case Systematic::Kind::shape:
                return of + ", in standard deviations";
            case Systematic::Kind::parameter:
                return of;
            }
        }
    }
    for (const SharedSystematic& shared : config.shared) {
        if (shared.name == parameter.name) {
            std::string of;
            for (const SharedSystematic::Member& member : shared.members) {
                of += (of.empty() ? "" : ", ") + config.experiments[member.experiment].name + "." + member.name;
            }
            const SharedSystematic::Member& first = shared.members[0];
            const Uncertainty uncertainty = uncertainty_of(config.experiments[first.experiment], first.name);
            const bool in_deviations = std::isfinite(uncertainty.sigma) || uncertainty.kind == Systematic::Kind::shape;
            return name + " shared by " + of +
                   (in_deviations ? ", in standard deviations" : ", relative deviation from nominal");
        }
    }
    return name;
}

std::string long_name(const Parameter& parameter, const ScanConfig& config) {
    switch (parameter.kind) {
    case Parameter::Kind::normalisation:
        return "normalisation of " + std::string(parameter.background == Experiment::signal ? "the " : "") +
               parameter.background + " in " + parameter.experiment + ", relative to nominal";
    case Parameter::Kind::sin2_theta_w:
        return "sine squared of the weak mixing angle at zero momentum transfer";
    case Parameter::Kind::mixing:
        return "neutrino mixing parameter " + parameter.name;
    case Parameter::Kind::majorana_moment:
        return "neutrino Majorana magnetic moment Lambda" +
               parameter.name.substr(parameter.name.find('.')).replace(0, 1, ", ");
    case Parameter::Kind::systematic:
        return long_name_of_systematic(parameter, config);
    case Parameter::Kind::baseline:
        return "distance from the sources to " + parameter.experiment;
    case Parameter::Kind::proton_radius:
        return "rms radius of the protons in " + parameter.nuclide;
    case Parameter::Kind::neutron_radius:
        return "rms radius of the neutrons in " + parameter.nuclide;
    case Parameter::Kind::element:
        break;
    }
    static constexpr const char* names[] = {"charge", "charge radius", "anapole moment", "magnetic moment",
                                            "electric dipole moment"};
    return std::string("neutrino ") + names[static_cast<int>(parameter.form_factor)] +
           parameter.name.substr(parameter.name.find('.')).replace(0, 1, ", ");
}

Variable variable_of(const Axis& axis, const ScanConfig& config) {
    Variable variable{axis.parameter.name,
                      unit_name(axis.parameter.dimension),
                      long_name(axis.parameter, config),
                      {},
                      domain_of(axis, config),
                      {},
                      null_value_of(axis.parameter, config)};
    if (axis.profile) {
        variable.scanned = Span{axis.values.front(), axis.values.back()};
    } else {
        variable.values = axis.values;
    }
    return variable;
}

//! Over which of the profiled axes the minimum is one of a grid, and over which it is polished
std::string profile_description(const Plan& plan) {
    std::string polished, grid;
    for (const int a : plan.profiled_axes()) {
        const bool is_polished = std::count(plan.polished_axes().begin(), plan.polished_axes().end(), a) > 0;
        std::string& names = is_polished ? polished : grid;
        names += " " + plan.config().axes[static_cast<std::size_t>(a)].parameter.name;
    }
    return polished.empty() ? "grid minimum"
                            : "polished minimum over" + polished + (grid.empty() ? "" : ", grid minimum over" + grid);
}

ResultLayout layout_of(const Plan& plan, const Backend& backend) {
    ResultLayout layout;
    const ScanConfig& config = plan.config();
    for (const int axis : plan.kept_axes()) {
        layout.kept.push_back(variable_of(config.axes[static_cast<std::size_t>(axis)], config));
    }
    for (const int axis : plan.profiled_axes()) {
        layout.profiled.push_back(variable_of(config.axes[static_cast<std::size_t>(axis)], config));
    }
    layout.chunk = plan.tile_shape();
    std::string experiments, digests, couplings, statistics; // one word an experiment
    for (const Experiment& experiment : config.experiments) {
        const char* space = experiments.empty() ? "" : " ";
        experiments += space + experiment.name;
        digests += space + experiment.digest;
        couplings += std::string(space) + (experiment.couplings == CouplingScheme::tree ? "tree" : "radiative");
        statistics += std::string(space) + (experiment.statistic == Statistic::poisson ? "poisson" : "gaussian");
    }
    int n_bins = 0;
    for (const auto& experiment : config.experiments) {
        n_bins += experiment.n_bins();
    }
    layout.attributes = {
        {"Conventions", "CF-1.8"},
        {"title", config.title},
        {"source", std::string("nuscan ") + version + " (" + commit + ")"},
        {"nuscan_version", version},
        {"nuscan_commit", commit},
        {"scan", config.text},
        {"plan_hash", plan.hash()},
        {"experiments", experiments},
        {"experiment_digests", digests},
        {"backend", backend.name()},
        {"device", backend.device()},
        {"instruction_set", backend.instruction_set()},
        {"method", method_name(plan.method())},
        {"precision", "float64"},
        {"basis", config.neutrino.basis == Basis::flavour ? "flavour" : "mass"},
        {"mass_ordering", config.neutrino.inverted_ordering ? "inverted" : "normal"},
        {"nature", config.neutrino.majorana ? "majorana" : "dirac"},
        {"charge_radius_mode", config.neutrino.charge_radius_mode == ChargeRadiusMode::total ? "total" : "beyond_sm"},
        {"couplings", couplings},
        {"statistic", statistics},
        {"pulls", "minimised over"},
        {"minimum", "smallest chi2 on the scanned grid"},
        {"profile", profile_description(plan)},
        {"bins", static_cast<std::int64_t>(n_bins)},
        {"kept_axes", static_cast<std::int64_t>(layout.kept.size())},
        {"points", static_cast<std::int64_t>(plan.n_points())},
    };
    return layout;
}

/// The files of a scan in progress, and what is in them already.
class Output {
public:
    Output(const Plan& plan, const Backend& backend, const ScanOptions& options)
        : plan_(plan), path_(options.output), journal_path_(Journal::path_beside(path_)),
          partial_path_(ResultWriter::partial_path(path_)) {
        namespace fs = std::filesystem;
        const fs::path folder = fs::absolute(path_).parent_path();
        if (!fs::is_directory(folder)) {
            throw InputError({path_, 0}, "no such folder: " + folder.string(), "the result is written there",
                             "make it first?");
        }
        // First of all: nothing of a scan that is running may be removed, and no result of one that ends just now.
        LockedFile locked(journal_path_);
        if (options.overwrite) {
            if (fs::exists(path_) && !is_hdf5(path_)) {
                throw InputError({path_, 0}, "not a result", "only results are replaced", "-o with another name?");
            }
            fs::remove(partial_path_);
        } else if (fs::exists(path_)) {
            // A kill after the result got its name leaves what belonged to the unfinished one.
            if (!fs::exists(partial_path_) && is_journal(journal_path_)) {
                discard_undo(partial_path_);
                locked.remove();
            }
            throw InputError({path_, 0}, "there already", "a finished result is not replaced unasked",
                             "use --overwrite, or -o with another name?");
        }
        const ResultLayout layout = layout_of(plan, backend);
        if (!fs::exists(partial_path_)) {
            require_space(bytes_of(layout));
        }
        // The journal goes before the result: it refuses a scan that is not the one it belongs to.
        journal_ = std::make_unique<Journal>(std::move(locked), plan.hash(), plan.n_units(), options.overwrite);
        const bool resume = fs::exists(partial_path_) && journal_->size() > 0;
        if (!resume && journal_->size() > 0) { // what it speaks of is gone
            journal_->clear();
        }
        try {
            writer_ = std::make_unique<ResultWriter>(path_, layout, resume);
        } catch (...) {
            if (!resume) { // nothing has come of it
                journal_->remove();
            }
            throw;
        }
    }

    //! Whether a unit need not be evaluated: it has a record, and what the record speaks of is in the file
    bool has(std::uint64_t unit) {
        if (!journal_->contains(unit)) {
            return false;
        }
        if (plan_.n_slices() > 1) {
            return true;
        }
        ResultTile tile = empty_tile(plan_.unit(unit));
        writer_->read(tile);
        const TileSummary summary(tile);
        if (summary.record() != journal_->payload(unit)) {
            return false;
        }
        account(tile, summary);
        return true;
    }

    //! Writes a result, then its record: both survive the end of this process, and about once a second go to disk.
    //! After the end of the machine a record may speak of a tile that is not there; \ref has finds that out.
    void add(const WorkUnit& unit, UnitResult& result) {
        if (plan_.n_slices() > 1) {
            journal_->append(unit.number, pack_unit(result));
        } else {
            ResultTile tile = tile_of(unit, std::move(result));
            writer_->write(tile);
            const TileSummary summary(tile);
            journal_->append(unit.number, summary.record());
            account(tile, summary);
            result = {std::move(tile.chi2), std::move(tile.status), {}}; // the next result takes their memory
        }
        if (std::chrono::steady_clock::now() - last_sync_ > std::chrono::seconds(1)) {
            sync();
        }
    }

    //! Brings all that was added to disk
    void sync() {
        writer_->sync();
        journal_->sync();
        last_sync_ = std::chrono::steady_clock::now();
    }

    /// Merges the tiles that several units make up; all units have been added.
    ///
    /// Returns false where \p stop (may be null) was set meanwhile: the journal still has what it takes.
    bool merge_slices(const std::atomic<bool>* stop) {
        for (std::uint64_t first = 0; plan_.n_slices() > 1 && first < plan_.n_units(); first += plan_.n_slices()) {
            if (stop && *stop) {
                return false;
            }
            const WorkUnit unit = plan_.unit(first);
            const auto n_kept = static_cast<std::size_t>(unit.view().n_kept);
            UnitResult best = unpack_unit(journal_->payload(first), n_kept);
            for (std::uint64_t i = 1; i < plan_.n_slices(); ++i) {
                merge(best, unpack_unit(journal_->payload(first + i), n_kept));
            }
            const ResultTile tile = tile_of(unit, std::move(best));
            writer_->write(tile);
            account(tile, TileSummary(tile));
        }
        return true;
    }

    void finish(const Attributes& attributes) {
        writer_->finish(attributes);
        writer_.reset();
        journal_->remove();
        journal_.reset();
    }

    double chi2_min() const { return chi2_min_; }
    //! Value of each axis at the minimum; empty where no χ² is finite
    const std::vector<double>& best_fit() const { return best_fit_; }
    const Flagged& flagged() const { return flagged_; }

private:
    ResultTile empty_tile(const WorkUnit& unit) const {
        ResultTile tile;
        for (const int axis : plan_.kept_axes()) {
            tile.begin.push_back(unit.ranges[static_cast<std::size_t>(axis)].begin);
            tile.count.push_back(unit.ranges[static_cast<std::size_t>(axis)].count);
        }
        return tile;
    }

    //! What the file gets: minima polished
    ResultTile tile_of(const WorkUnit& unit, UnitResult&& result) const {
        ResultTile tile = empty_tile(unit);
        tile.chi2 = std::move(result.chi2);
        tile.status = std::move(result.status);
        tile.profiled = plan_.profiled_values(result.profile_index);
        polish(plan_, unit, result.profile_index, tile);
        return tile;
    }

    //! Of all axes at point \p i of a tile
    std::vector<double> values_at(const ResultTile& tile, std::size_t i) const {
        const std::vector<Axis>& axes = plan_.config().axes;
        std::vector<double> values(axes.size());
        for (std::size_t k = tile.count.size(); k-- > 0;) {
            const auto axis = static_cast<std::size_t>(plan_.kept_axes()[k]);
            const auto n = static_cast<std::size_t>(tile.count[k]);
            values[axis] = axes[axis].values[static_cast<std::size_t>(tile.begin[k]) + i % n];
            i /= n;
        }
        return values;
    }

    void account(const ResultTile& tile, const TileSummary& summary) {
        flagged_.add(summary.flagged);
        if (!(summary.smallest < chi2_min_)) {
            return;
        }
        chi2_min_ = summary.smallest;
        std::size_t i = summary.near_smallest;
        while (tile.chi2[i] != chi2_min_) {
            ++i;
        }
        best_fit_ = values_at(tile, i);
        for (std::size_t k = 0; k < tile.profiled.size(); ++k) {
            best_fit_[static_cast<std::size_t>(plan_.profiled_axes()[k])] = tile.profiled[k][i];
        }
    }

    //! Asks before the file is made, which takes all of its space at once
    void require_space(std::uint64_t bytes) const {
        std::error_code unknown;
        const auto space = std::filesystem::space(std::filesystem::absolute(path_).parent_path(), unknown);
        if (!unknown && bytes > space.available) {
            constexpr double giga = 1e9;
            throw InputError({path_, 0}, fmt::format("the result takes {:.3g} GB", static_cast<double>(bytes) / giga),
                             fmt::format("{:.3g} GB are free there", static_cast<double>(space.available) / giga),
                             "fewer points, or profile = true for some axes?");
        }
    }

    const Plan& plan_;
    std::string path_, journal_path_, partial_path_;
    std::unique_ptr<Journal> journal_;
    std::unique_ptr<ResultWriter> writer_;
    double chi2_min_ = constants::infinity;
    std::vector<double> best_fit_;
    Flagged flagged_;
    std::chrono::steady_clock::time_point last_sync_ = std::chrono::steady_clock::now();
};

/// The threads that evaluate: all, or one less where writing takes longer, as the thread that writes needs a core then.
/// A thread that has none holds up the others, which OpenMP lets spin meanwhile.
class EvaluationThreads {
public:
    EvaluationThreads() = default;
    EvaluationThreads(const EvaluationThreads&) = delete;
    EvaluationThreads& operator=(const EvaluationThreads&) = delete;
    ~EvaluationThreads() { omp_set_num_threads(all_); }

    void leave_one_out(bool yes) { omp_set_num_threads(yes ? std::max(1, all_ - 1) : all_); }

private:
    int all_ = omp_get_max_threads();
};

/// "ok", or what speaks against the result: it is not that of the reference, or points have failed where limits come
/// from, or in number; where nothing does, but nothing was compared either, that.
std::string verdict_on(const Parity& parity, const Flagged& flagged, double chi2_min) {
    constexpr double too_many = 0.01; // of all points
    std::string against;
    if (!(parity.largest < largest_explained_deviation)) {
        against = fmt::format("chi2 differs from the reference by {:.1e} of 1 + chi2, where rounding and quadrature "
                              "explain {:.0e}",
                              parity.largest, largest_explained_deviation);
    }
    if (!(chi2_min < constants::infinity)) {
        return (against.empty() ? "" : against + "; ") + "no point has a finite chi2";
    }
    const double above = flagged.lowest_failed - chi2_min;
    const bool is_near = above < near_best_fit;
    if (is_near || static_cast<double>(flagged.failed) > too_many * static_cast<double>(flagged.points)) {
        against += fmt::format("{}{} of {} points failed (see the variable status){}", against.empty() ? "" : "; ",
                               flagged.failed, flagged.points,
                               is_near ? fmt::format(", one of them only {:.2g} above the smallest chi2", above) : "");
    }
    if (!against.empty()) {
        return against;
    }
    return parity.points == 0 && !parity.best_fit ? verdict_of_no_check : "ok";
}

//! Bins of Poisson statistic whose prediction is so small that χ² there is not distributed as its name says
std::int64_t bins_with_few_counts(const ScanConfig& config, const PointReport& report) {
    constexpr double few = 5;
    std::int64_t n = 0;
    for (std::size_t e = 0; e < config.experiments.size(); ++e) {
        const std::vector<double>& predicted = report.experiments[e].predicted;
        n += config.experiments[e].statistic != Statistic::poisson
                 ? 0
                 : std::count_if(predicted.begin(), predicted.end(), [](double count) { return count < few; });
    }
    return n;
}

//! Parameters that no prior constrains, without those that a bound holds: these fit nothing
std::int64_t n_fitted_parameters(const ScanConfig& config, const PointReport& report) {
    const std::vector<std::string> names = fitted_parameters(config);
    return std::count_if(names.begin(), names.end(), [&](const std::string& name) {
        const PulledValue* pull = report.find(name);
        return pull == nullptr || pull->status != PulledValue::Status::at_bound;
    });
}

} // namespace

Attributes attributes_of_best_fit(const Plan& plan, const std::vector<double>& values) {
    Attributes attributes;
    if (values.empty()) {
        return attributes;
    }
    const PointReport report = evaluate_best_fit(plan.config(), values);
    attributes["bins_with_few_counts"] = bins_with_few_counts(plan.config(), report);
    attributes["fitted_parameters"] = n_fitted_parameters(plan.config(), report);
    const auto add_pull = [&](const std::string& name, const PulledValue& pull) {
        attributes["pull." + name] = pull.value;
        if (std::isfinite(pull.error)) {
            attributes["pull_error." + name] = pull.error;
        }
        attributes["pull_status." + name] = std::string(status_name(pull.status));
        if (pull.kind == PulledValue::Kind::energy) {
            attributes["pull_unit." + name] = std::string("MeV");
        }
    };
    for (const ExperimentPoint& experiment : report.experiments) {
        attributes["chi2_min." + experiment.name] = experiment.chi2.value;
        for (const PulledValue& pull : experiment.pulls) {
            add_pull(experiment.name + "." + pull.name, pull);
        }
    }
    for (const PulledValue& pull : report.shared) {
        add_pull(pull.name, pull);
    }
    if (!report.degeneracies.empty()) {
        attributes["degenerate_pulls"] = fmt::format("{}", fmt::join(report.degeneracies, "; "));
        attributes["flat_directions"] = static_cast<std::int64_t>(report.flat_directions);
    }
    return attributes;
}

ScanOutcome run_scan(const Plan& plan, Backend& backend, const ScanOptions& options) {
    ScanOutcome outcome;
    outcome.progress.points_total = plan.n_points();
    Output output(plan, backend, options);

    std::vector<std::uint64_t> order = options.order;
    if (order.empty()) {
        order.resize(plan.n_units());
        std::iota(order.begin(), order.end(), std::uint64_t{0});
    }
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto done = [&](const WorkUnit& unit) {
        outcome.progress.points_done += unit.n_points();
        outcome.progress.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        if (options.progress) {
            options.progress(outcome.progress);
        }
    };
    // HDF5 is for one thread at a time: what is there already is read before anything is written.
    std::erase_if(order, [&](std::uint64_t number) {
        const bool there = output.has(number);
        if (there) {
            done(plan.unit(number));
        }
        return there;
    });
    struct Evaluated {
        WorkUnit unit;
        UnitResult result;
    };
    ReferenceCheck check(plan, options.parity_points, options.parity_share, options.stop);
    BackgroundQueue<Evaluated> written([&](Evaluated& e) { output.add(e.unit, e.result); });
    TablesAhead tables_ahead(plan, backend);
    bool stopped = false;
    EvaluationThreads threads;
    Evaluated next;
    for (std::size_t i = 0; i < order.size(); ++i) {
        stopped = options.stop && *options.stop;
        if (stopped) {
            break;
        }
        if (i + 1 < order.size()) {
            tables_ahead.begin(order[i + 1]);
        }
        const WorkUnit unit = plan.unit(order[i]);
        next.unit = unit;
        backend.evaluate(unit, next.result);
        // Still writing the units before: that takes longer than evaluating.
        threads.leave_one_out(written.is_busy() || check.is_busy());
        outcome.progress.points_now += unit.n_points();
        next = written.push(std::move(next));
        done(unit);
    }
    threads.leave_one_out(false);
    const auto stage = [&](const std::string& what) {
        if (options.stage) {
            options.stage(what);
        }
    };
    stage(plan.polished_axes().empty() ? "writing" : "polishing minima and writing");
    written.finish();
    output.sync();
    if (stopped) {
        return outcome;
    }
    if (plan.n_slices() > 1) {
        stage("merging slices of the profiled axes");
    }
    if (!output.merge_slices(options.stop)) {
        return outcome;
    }
    outcome.progress.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    outcome.chi2_min = output.chi2_min();
    outcome.flagged = output.flagged().all;

    stage("comparing with the reference");
    outcome.parity = check.finish(backend, output.best_fit(), outcome.chi2_min, outcome.progress.seconds);
    if (outcome.parity.stopped) {
        return outcome; // all is in the journal but this comparison
    }
    outcome.verdict = verdict_on(outcome.parity, output.flagged(), outcome.chi2_min);
    stage("finishing the file");
    const ScanProgress& progress = outcome.progress;
    Attributes attributes = attributes_of_best_fit(plan, output.best_fit());
    attributes.merge(
        Attributes{{"chi2_min", outcome.chi2_min},
                   {"flagged_points", static_cast<std::int64_t>(outcome.flagged)},
                   {"parity_points", static_cast<std::int64_t>(outcome.parity.points)},
                   {"parity_points_left", static_cast<std::int64_t>(outcome.parity.left)},
                   {"parity_best_fit", static_cast<std::int64_t>(outcome.parity.best_fit)},
                   {"parity_largest_deviation", outcome.parity.largest},
                   {"verdict", outcome.verdict},
                   {"elapsed_seconds", progress.seconds},
                   {"points_per_second",
                    progress.seconds > 0 ? static_cast<double>(progress.points_now) / progress.seconds : 0.}});
    output.finish(attributes);
    outcome.finished = true;
    return outcome;
}

} // namespace nuscan
