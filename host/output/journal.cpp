// SPDX-License-Identifier: Apache-2.0
#include "output/journal.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <limits>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/error.hpp"
#include "output/crc32c.hpp"
#include "output/durable.hpp"

static_assert(std::endian::native == std::endian::little, "journals are written in memory order");

namespace nuscan {

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::string_view magic = "nuscan journal\r\n"; // the line end shows a transfer that rewrote line ends
constexpr std::uint32_t format_version = 1;
constexpr std::size_t record_head = sizeof(std::uint64_t) + sizeof(std::uint32_t);

template <class T>
void put(Bytes& bytes, const T& value) {
    const auto* first = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), first, first + sizeof value);
}

void put(Bytes& bytes, std::string_view text) {
    const auto* first = reinterpret_cast<const std::byte*>(text.data());
    bytes.insert(bytes.end(), first, first + text.size());
}

template <class T>
T get(const std::byte* bytes) {
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

Bytes make_header(const std::string& plan_hash, std::uint64_t n_units) {
    Bytes header;
    put(header, magic);
    put(header, format_version);
    put(header, static_cast<std::uint32_t>(plan_hash.size()));
    put(header, std::string_view(plan_hash));
    put(header, n_units);
    put(header, crc32c(header.data(), header.size()));
    return header;
}

//! Reads \p size bytes at \p offset; fewer only where the file ends
std::size_t read_at(int file, std::uint64_t offset, std::byte* bytes, std::size_t size, const std::string& path) {
    std::size_t done = 0;
    while (done < size) {
        const ssize_t n = ::pread(file, bytes + done, size - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            throw_errno(path, "read the journal");
        }
        if (n == 0) {
            break;
        }
        done += static_cast<std::size_t>(n);
    }
    return done;
}

std::uint64_t size_of(int file, const std::string& path) {
    struct stat status {};
    if (::fstat(file, &status) != 0) {
        throw_errno(path, "read the journal");
    }
    return static_cast<std::uint64_t>(status.st_size);
}

/// Calls visit(unit, offset of the payload, its length) for every whole record from \p begin on.
///
/// Returns where the last one ends; what follows is torn or damaged.
template <class Visit>
std::uint64_t for_each_record(int file, std::uint64_t begin, std::uint64_t n_units, const std::string& path,
                              const Visit& visit) {
    const std::uint64_t file_size = size_of(file, path);
    std::uint64_t end = begin;
    while (file_size - end >= record_head + sizeof(std::uint32_t)) {
        std::byte head[record_head];
        if (read_at(file, end, head, sizeof head, path) != sizeof head) {
            break;
        }
        const auto unit = get<std::uint64_t>(head);
        const auto length = get<std::uint32_t>(head + sizeof unit);
        const std::uint64_t record_size = record_head + std::uint64_t{length} + sizeof(std::uint32_t);
        // The length is checked before it is believed: a damaged one must not ask for gigabytes.
        if (unit >= n_units || record_size > file_size - end) {
            break;
        }
        Bytes payload(length + sizeof(std::uint32_t));
        if (read_at(file, end + record_head, payload.data(), payload.size(), path) != payload.size()) {
            break;
        }
        const auto checksum = get<std::uint32_t>(payload.data() + length);
        if (crc32c(payload.data(), length, crc32c(head, sizeof head)) != checksum) {
            break;
        }
        visit(unit, end + record_head, length);
        end += record_size;
    }
    return end;
}

InputError not_a_journal(const std::string& path) {
    return {{path, 0}, "not a journal", "the file begins differently", "remove the file, or use another output file"};
}

} // namespace

bool is_journal(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    Bytes begin(magic.size());
    return file >= 0 && read_at(file, 0, begin.data(), begin.size(), path) == begin.size() &&
           std::memcmp(begin.data(), magic.data(), begin.size()) == 0;
}

JournalState journal_state(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file < 0) {
        throw InputError({path, 0}, "cannot open the journal", std::generic_category().message(errno));
    }
    struct stat status {};
    if (::fstat(file, &status) != 0) {
        throw_errno(path, "read the journal");
    }
    JournalState state;
    state.age = std::max(0., std::difftime(std::time(nullptr), status.st_mtime));

    const std::size_t hash_at = magic.size() + sizeof format_version + sizeof(std::uint32_t);
    Bytes begin(hash_at);
    begin.resize(read_at(file, 0, begin.data(), begin.size(), path));
    if (std::memcmp(begin.data(), magic.data(), std::min(begin.size(), magic.size())) != 0) {
        throw not_a_journal(path);
    }
    if (begin.size() == hash_at) {
        const auto hash_size = get<std::uint32_t>(begin.data() + hash_at - sizeof(std::uint32_t));
        const std::uint64_t units_at = hash_at + std::uint64_t{hash_size};
        Bytes units(sizeof(std::uint64_t) + sizeof(std::uint32_t)); // and the header's checksum
        if (read_at(file, units_at, units.data(), units.size(), path) == units.size()) {
            state.n_units = get<std::uint64_t>(units.data());
            std::set<std::uint64_t> done;
            for_each_record(file, units_at + units.size(), state.n_units, path,
                            [&](std::uint64_t unit, std::uint64_t, std::uint32_t) { done.insert(unit); });
            state.done = done.size();
        }
    }
    return state;
}

Journal::Journal(LockedFile file, const std::string& plan_hash, std::uint64_t n_units, bool afresh)
    : file_(std::move(file)), n_units_(n_units) {
    const Bytes header = make_header(plan_hash, n_units);
    header_size_ = header.size();
    Bytes found(header.size());
    found.resize(read_at(file_, 0, found.data(), found.size(), file_.path()));

    const bool is_journal = std::memcmp(found.data(), magic.data(), std::min(found.size(), magic.size())) == 0;
    const bool is_cut_short = found.size() < header.size() && std::equal(found.begin(), found.end(), header.begin());
    if (is_cut_short || (is_journal && afresh)) { // new, or its creation was cut short
        create(header);
    } else if (found == header) {
        size_ = header.size();
        read_records();
    } else if (is_journal && found.size() >= magic.size()) {
        throw InputError({file_.path(), 0}, "the journal belongs to another scan",
                         "its plan differs: the scan file, its data, the method or the version of nuscan changed",
                         "remove the journal to start over, or use another output file");
    } else {
        throw not_a_journal(file_.path());
    }
}

void Journal::create(const Bytes& header) {
    if (::ftruncate(file_, 0) != 0) {
        throw_errno(file_.path(), "create the journal");
    }
    write(header);
    sync();
    sync_folder_of(file_.path());
}

void Journal::clear() {
    refuse_if_damaged();
    if (::ftruncate(file_, static_cast<off_t>(header_size_)) != 0) {
        throw_errno(file_.path(), "empty the journal");
    }
    size_ = header_size_;
    records_.clear();
    sync();
}

void Journal::read_records() {
    const std::uint64_t file_size = size_of(file_, file_.path());
    size_ = for_each_record(file_, size_, n_units_, file_.path(),
                            [&](std::uint64_t unit, std::uint64_t at, std::uint32_t n) {
                                records_.emplace(unit, Place{at, n});
                            });
    if (size_ < file_size && (::ftruncate(file_, static_cast<off_t>(size_)) != 0 || ::fdatasync(file_) != 0)) {
        throw_errno(file_.path(), "cut off the torn end of the journal");
    }
}

void Journal::append(std::uint64_t unit, const Bytes& payload) {
    if (unit >= n_units_ || payload.size() > std::numeric_limits<std::uint32_t>::max()) {
        throw std::invalid_argument(file_.path() + ": no record can hold unit " + std::to_string(unit) + " with " +
                                    std::to_string(payload.size()) + " bytes");
    }
    if (records_.contains(unit)) {
        return;
    }
    Bytes record;
    record.reserve(record_head + payload.size() + sizeof(std::uint32_t));
    put(record, unit);
    put(record, static_cast<std::uint32_t>(payload.size()));
    record.insert(record.end(), payload.begin(), payload.end());
    put(record, crc32c(record.data(), record.size()));
    const Place place{size_ + record_head, static_cast<std::uint32_t>(payload.size())};
    write(record);
    records_.emplace(unit, place);
}

Bytes Journal::payload(std::uint64_t unit) const {
    const Place place = records_.at(unit);
    Bytes payload(place.length);
    if (read_at(file_, place.offset, payload.data(), payload.size(), file_.path()) != payload.size()) {
        throw std::runtime_error(file_.path() + ": the journal has become shorter");
    }
    return payload;
}

void Journal::write(const Bytes& bytes) {
    refuse_if_damaged();
    std::size_t done = 0;
    bool written = true;
    while (done < bytes.size() && written) {
        const ssize_t n = ::write(file_, bytes.data() + done, bytes.size() - done);
        if (n >= 0) {
            done += static_cast<std::size_t>(n);
        } else {
            written = errno == EINTR;
        }
    }
    if (written) {
        size_ += bytes.size();
        return;
    }
    const int error = errno;
    damaged_ = ::ftruncate(file_, static_cast<off_t>(size_)) != 0;
    errno = error;
    throw_errno(file_.path(), "write the journal");
}

void Journal::sync() {
    refuse_if_damaged();
    if (::fdatasync(file_) != 0) {
        damaged_ = true; // nobody knows what is on the disk
        throw_errno(file_.path(), "bring the journal to disk");
    }
}

void Journal::refuse_if_damaged() const {
    if (damaged_) {
        throw std::runtime_error(file_.path() + ": cannot write the journal (an earlier write failed)");
    }
}

} // namespace nuscan
