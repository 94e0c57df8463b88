// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "output/journal.hpp"
#include "scan/scan.hpp"

/// A scan shared out over processes, one for each GPU or node: every shard evaluates its units into a journal of its
/// own, and when all have, they are merged into one result.
namespace nuscan {

/// Shard \c number of \c count: the units whose number is number − 1 modulo count.
struct Shard {
    std::uint64_t number = 1, count = 1;

    //! Of \p all units of the plan
    std::uint64_t n_units(std::uint64_t all) const { return (all + count - number) / count; }
    //! Of the result at \p output
    std::string journal_path(const std::string& output) const;
};

//! The shards whose journals lie beside a result: by count, then by number
std::vector<Shard> shards_beside(const std::string& output);

//! Reads "K/N". \throws InputError unless 1 <= K <= N.
Shard parse_shard(const std::string& text);

/// Evaluates the units of a shard that its journal does not have yet.
///
/// \c finished of what it returns says whether it has them all now; nothing is compared with the reference.
/// \throws InputError where the journal belongs to another scan, or is in use.
ScanOutcome run_shard(const Plan& plan, Backend& backend, const Shard& shard, const ScanOptions& options);

/// The units that shards have evaluated, as a back end. Points that are no unit of the plan go to another one.
class MergedShards final : public Backend {
public:
    /// \param output path of the result whose shards are merged
    /// \param other evaluates single points, for the comparison with the reference
    /// \throws InputError where shards are missing, not finished, of another scan, or of several divisions
    MergedShards(const Plan& plan, const std::string& output, Backend& other);

    std::string name() const override { return names_; }
    std::string device() const override { return devices_; }
    std::string instruction_set() const override { return instruction_sets_; }
    void evaluate(const WorkUnit& unit, UnitResult& result) override;

    //! Removes the journals: what they have is in the result
    void remove();

private:
    const Plan& plan_;
    Backend& other_;
    std::vector<std::unique_ptr<Journal>> journals_; // shard by shard
    std::string names_, devices_, instruction_sets_; // of all shards, each once
};

} // namespace nuscan
