// SPDX-License-Identifier: Apache-2.0
#include "scan/shards.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/error.hpp"
#include "scan/background_queue.hpp"
#include "scan/tables_ahead.hpp"
#include "scan/unit_record.hpp"

namespace nuscan {

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

//! What a unit ran on, as a line each, before the result in its record
std::string origin_of(const Backend& backend) {
    return backend.name() + '\n' + backend.device() + '\n' + backend.instruction_set() + '\n';
}

Bytes pack(const std::string& origin, const UnitResult& result) {
    const auto* first = reinterpret_cast<const std::byte*>(origin.data());
    Bytes bytes(first, first + origin.size());
    const Bytes packed = pack_unit(result);
    bytes.insert(bytes.end(), packed.begin(), packed.end());
    return bytes;
}

//! Cuts the origin off
std::string take_origin(Bytes& bytes) {
    auto end = bytes.begin();
    for (int lines = 0; lines < 3; ++lines) {
        end = std::find(end, bytes.end(), std::byte{'\n'});
        if (end == bytes.end()) {
            throw std::runtime_error("a journal record does not say what it ran on");
        }
        ++end;
    }
    std::string origin(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(end - bytes.begin()));
    bytes.erase(bytes.begin(), end);
    return origin;
}

//! Whether all of \p text is a number, which goes to \p value
bool read_number(std::string_view text, std::uint64_t& value) {
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && rest == text.data() + text.size();
}

//! Whether \p text is K, \p between, N with 1 <= K <= N
bool read_shard(std::string_view text, std::string_view between, Shard& shard) {
    const std::size_t at = text.find(between);
    return at != text.npos && read_number(text.substr(0, at), shard.number) &&
           read_number(text.substr(at + between.size()), shard.count) && shard.number >= 1 &&
           shard.number <= shard.count;
}

//! Adds \p word to a list unless it is there
void add_once(std::string& list, const std::string& word) {
    if ((" + " + list + " + ").find(" + " + word + " + ") == std::string::npos) {
        list += (list.empty() ? "" : " + ") + word;
    }
}

} // namespace

std::string Shard::journal_path(const std::string& output) const {
    return fmt::format("{}.shard-{}-of-{}", output, number, count);
}

std::vector<Shard> shards_beside(const std::string& output) {
    std::vector<Shard> found;
    const fs::path path = fs::absolute(output);
    const std::string name = path.filename().string() + ".shard-";
    std::error_code no_such_folder;
    for (const fs::directory_entry& entry : fs::directory_iterator(path.parent_path(), no_such_folder)) {
        const std::string file = entry.path().filename().string();
        Shard shard;
        if (file.rfind(name, 0) == 0 && read_shard(std::string_view(file).substr(name.size()), "-of-", shard)) {
            found.push_back(shard);
        }
    }
    std::sort(found.begin(), found.end(), [](const Shard& a, const Shard& b) {
        return std::pair(a.count, a.number) < std::pair(b.count, b.number);
    });
    return found;
}

Shard parse_shard(const std::string& text) {
    Shard shard;
    if (!read_shard(text, "/", shard)) {
        throw InputError({"--shard", 0}, fmt::format("\"{}\" is no shard", text),
                         "expected K/N with 1 <= K <= N, like 2/8");
    }
    return shard;
}

ScanOutcome run_shard(const Plan& plan, Backend& backend, const Shard& shard, const ScanOptions& options) {
    const std::string path = shard.journal_path(options.output);
    const fs::path folder = fs::absolute(path).parent_path();
    if (!fs::is_directory(folder)) {
        throw InputError({options.output, 0}, "no such folder: " + folder.string(), "the shard is written there",
                         "make it first?");
    }
    LockedFile locked(path); // first: what another process is writing stays, and so does a merge that ends just now
    if (!options.overwrite && fs::exists(options.output)) {
        throw InputError({options.output, 0}, "there already", "a finished result is not replaced unasked",
                         "use --overwrite, or -o with another name?");
    }
    Journal journal(std::move(locked), plan.hash(), plan.n_units(), options.overwrite);
    const std::string origin = origin_of(backend);

    struct Evaluated {
        std::uint64_t unit = 0;
        UnitResult result;
    };
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    auto last_sync = start;
    BackgroundQueue<Evaluated> written([&](Evaluated& e) {
        journal.append(e.unit, pack(origin, e.result));
        if (Clock::now() - last_sync > std::chrono::seconds(1)) {
            journal.sync();
            last_sync = Clock::now();
        }
    });
    std::vector<std::uint64_t> left;
    ScanOutcome outcome;
    ScanProgress& progress = outcome.progress;
    for (std::uint64_t unit = shard.number - 1; unit < plan.n_units(); unit += shard.count) {
        const std::uint64_t n_points = plan.unit(unit).n_points();
        progress.points_total += n_points;
        if (journal.contains(unit)) {
            progress.points_done += n_points;
        } else {
            left.push_back(unit);
        }
    }
    TablesAhead tables_ahead(plan, backend);
    outcome.finished = true;
    Evaluated next;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (options.stop && *options.stop) {
            outcome.finished = false;
            break;
        }
        if (i + 1 < left.size()) {
            tables_ahead.begin(left[i + 1]);
        }
        const WorkUnit unit = plan.unit(left[i]);
        next.unit = left[i];
        backend.evaluate(unit, next.result);
        next = written.push(std::move(next));
        progress.points_now += unit.n_points();
        progress.points_done += unit.n_points();
        progress.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        if (options.progress) {
            options.progress(progress);
        }
    }
    written.finish();
    journal.sync();
    return outcome;
}

MergedShards::MergedShards(const Plan& plan, const std::string& output, Backend& other) : plan_(plan), other_(other) {
    const std::vector<Shard> found = shards_beside(output);
    if (found.empty()) {
        throw InputError({output, 0}, "there are no shards to merge", "none is called " + output + ".shard-K-of-N",
                         "run scan --shard K/N first?");
    }
    const std::uint64_t count = found.front().count;
    if (found.back().count != count) {
        throw InputError({output, 0}, "its shards are of several divisions",
                         fmt::format("into {} and into {}", count, found.back().count),
                         "remove those that do not belong");
    }
    for (std::uint64_t number = 1; number <= count; ++number) {
        if (number > found.size() || found[number - 1].number != number) {
            throw InputError({Shard{number, count}.journal_path(output), 0},
                             fmt::format("shard {} of {} is missing", number, count), "",
                             fmt::format("run scan --shard {}/{}", number, count));
        }
    }
    for (std::uint64_t number = 1; number <= count; ++number) {
        const Shard shard{number, count};
        const std::string path = shard.journal_path(output);
        journals_.push_back(std::make_unique<Journal>(LockedFile(path, false), plan.hash(), plan.n_units()));
        const Journal& journal = *journals_.back();
        if (journal.size() != shard.n_units(plan.n_units())) {
            throw InputError({path, 0}, fmt::format("shard {} of {} is not finished", number, count),
                             fmt::format("it has {} of {} units", journal.size(), shard.n_units(plan.n_units())),
                             fmt::format("run scan --shard {}/{} again", number, count));
        }
        if (journal.size() > 0) {
            Bytes first = journal.payload(number - 1);
            const std::string origin = take_origin(first);
            const std::size_t device = origin.find('\n') + 1, set = origin.find('\n', device) + 1;
            add_once(names_, origin.substr(0, device - 1));
            add_once(devices_, origin.substr(device, set - device - 1));
            add_once(instruction_sets_, origin.substr(set, origin.size() - set - 1));
        }
    }
}

void MergedShards::evaluate(const WorkUnit& unit, UnitResult& result) {
    const auto same = [](const AxisRange& a, const AxisRange& b) { return a.begin == b.begin && a.count == b.count; };
    const std::vector<AxisRange> ranges =
        unit.number < plan_.n_units() ? plan_.unit(unit.number).ranges : std::vector<AxisRange>{};
    if (!std::equal(ranges.begin(), ranges.end(), unit.ranges.begin(), unit.ranges.end(), same)) {
        other_.evaluate(unit, result);
        return;
    }
    Bytes record = journals_[unit.number % journals_.size()]->payload(unit.number);
    take_origin(record);
    result = unpack_unit(record, static_cast<std::size_t>(unit.view().n_kept));
}

void MergedShards::remove() {
    for (const std::unique_ptr<Journal>& journal : journals_) {
        journal->remove();
    }
    journals_.clear();
}

} // namespace nuscan
