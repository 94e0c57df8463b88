// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace nuscan {

/// The append-only, checksummed record of finished work units that makes a scan resumable after kill -9.
///
/// A header (magic, format version, plan hash, number of units) and then one record a unit: unit number, payload
/// length, payload, checksum of all three. Nothing is overwritten: a tail that a crash left torn is cut off when the
/// journal is opened again, and the unit it belonged to is done anew.
class Journal {
public:
    /// Opens the journal at \p path, creating it where there is none.
    /// \param plan_hash hex hash of the plan. \throws InputError where the file is a journal of another plan, or none.
    Journal(const std::string& path, const std::string& plan_hash, std::uint64_t n_units);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    //! Payloads of the units finished so far, by unit number
    const std::map<std::uint64_t, std::vector<std::byte>>& records() const { return records_; }

    /// Appends the record of a unit and brings it to disk before it returns.
    void append(std::uint64_t unit, const std::vector<std::byte>& payload);

private:
    std::string path_;
    int file_ = -1;
    std::map<std::uint64_t, std::vector<std::byte>> records_;
};

} // namespace nuscan
