// SPDX-License-Identifier: Apache-2.0
#include "config/error.hpp"

#include <algorithm>
#include <limits>

namespace nuscan {
namespace {

/// Edits from a to b: insertions, deletions, substitutions and swaps of neighbours, each letter edited once (the
/// restricted Damerau-Levenshtein distance).
std::size_t edit_distance(const std::string& a, const std::string& b) {
    std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        previous[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            current[j] =
                std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                current[j] = std::min(current[j], before[j - 2] + 1);
            }
        }
        std::swap(before, previous);
        std::swap(previous, current);
    }
    return previous[b.size()];
}

} // namespace

std::string input_message(const InputLocation& where, const std::string& problem, const std::string& why,
                          const std::string& suggestion) {
    std::string text = where.file;
    if (where.line > 0) {
        text.append(":").append(std::to_string(where.line));
    }
    text.append(text.empty() ? "" : ": ").append(problem);
    if (!why.empty()) {
        text.append(" (").append(why).append(")");
    }
    if (!suggestion.empty()) {
        text.append(" ").append(suggestion);
    }
    return text;
}

InputError::InputError(const InputLocation& where, const std::string& problem, const std::string& why,
                       const std::string& suggestion)
    : std::runtime_error(input_message(where, problem, why, suggestion)) {}

std::string nearest_name(const std::string& name, const std::vector<std::string>& known) {
    // A third of the letters may be wrong: enough for any slip of the finger, too few to offer an unrelated name.
    std::size_t smallest = std::max<std::size_t>(1, name.size() / 3) + 1;
    std::string nearest;
    for (const std::string& candidate : known) {
        const std::size_t distance = edit_distance(name, candidate);
        if (distance < smallest && distance < candidate.size()) {
            smallest = distance;
            nearest = candidate;
        }
    }
    return nearest;
}

} // namespace nuscan
