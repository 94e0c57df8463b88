// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "output/locked_file.hpp"

namespace nuscan {

/// The append-only, checksummed record of finished work units that makes a scan resumable after kill -9.
///
/// A header (magic, format version, plan hash, number of units) and then one record a unit: unit number (u64), payload
/// length (u32), payload, CRC-32C of all three; little-endian. Nothing is overwritten: from the first record that is
/// torn or damaged on, the file is cut off when it is opened again, and the units that stood there are done anew.
/// Where a unit has several records the first counts. One process at a time can have a journal open.
class Journal {
public:
    /// Goes on with a journal, or begins one in a file that is empty.
    /// \param plan_hash hex hash of the plan.
    /// \param afresh drops what stands in the journal, which may be one of another plan
    /// \throws InputError where the file is a journal of another plan, or none.
    Journal(LockedFile file, const std::string& plan_hash, std::uint64_t n_units, bool afresh = false);
    Journal(const std::string& path, const std::string& plan_hash, std::uint64_t n_units)
        : Journal(LockedFile(path), plan_hash, n_units) {}
    //! Of the scan that writes the result \p output
    static std::string path_beside(const std::string& output) { return output + ".journal"; }

    //! Units that have a record
    std::size_t size() const { return records_.size(); }
    bool contains(std::uint64_t unit) const { return records_.contains(unit); }
    //! What the record of a unit holds, read from the file. \throws std::runtime_error where that fails.
    std::vector<std::byte> payload(std::uint64_t unit) const;

    /// Appends the record of a unit, which survives the end of this process from then on, and that of the machine from
    /// the next sync on; a unit that has a record keeps it.
    ///
    /// \throws std::runtime_error with path and reason where the disk refuses; the unit is then not recorded, and what
    /// was written of it is taken back.
    void append(std::uint64_t unit, const std::vector<std::byte>& payload);

    //! Drops all records
    void clear();
    //! Removes the file, as the last thing that is done with it
    void remove() const { file_.remove(); }

    //! Brings all records to disk. \throws std::runtime_error where that fails; the journal then takes no more.
    void sync();

private:
    void create(const std::vector<std::byte>& header);
    void read_records();
    void write(const std::vector<std::byte>& bytes);
    void refuse_if_damaged() const;

    LockedFile file_;
    std::uint64_t n_units_ = 0;
    std::uint64_t header_size_ = 0; //!< [bytes]
    std::uint64_t size_ = 0;        //!< [bytes] of header and whole records
    bool damaged_ = false; //!< a failed write could not be taken back, and further records would be lost behind it, or
                           //!< a sync failed
    struct Place {
        std::uint64_t offset; //!< of the payload in the file
        std::uint32_t length;
    };
    std::map<std::uint64_t, Place> records_; //!< by unit
};

/// How far the scan is that a journal belongs to.
struct JournalState {
    std::uint64_t n_units = 0; //!< of the plan; 0 while the journal is being made
    std::uint64_t done = 0;    //!< of them, those that have a record
    double age = 0;            //!< [s] since it was written to
};

//! Whether a file begins as journals do
bool is_journal(const std::string& path);

//! Reads a journal that a scan may be writing meanwhile, which does not notice. \throws InputError where it is none.
JournalState journal_state(const std::string& path);

} // namespace nuscan
