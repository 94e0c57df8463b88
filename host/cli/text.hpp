// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <fmt/format.h>

#include "nuscan/constants.hpp"

/// Numbers as a terminal shows them.
namespace nuscan::cli {

//! 641601 → "642k"
inline std::string scaled(double value) {
    static constexpr const char* suffixes[] = {"", "k", "M", "G", "T"};
    int power = 0;
    for (; value >= 1000 && power < 4; ++power) {
        value /= 1000;
    }
    return fmt::format("{:.3g}{}", value, suffixes[power]);
}

inline std::string duration(double seconds) {
    if (seconds < 60) {
        return fmt::format("{:.1f} s", seconds);
    }
    const auto whole = static_cast<long long>(seconds);
    if (whole < 3600) {
        return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    }
    return whole < 100 * 86400LL ? fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60)
                                 : fmt::format("{} days", whole / 86400);
}

//! " = 12.345678", or in words why there is no number
inline std::string chi2_text(double chi2) {
    if (chi2 < constants::infinity) {
        return fmt::format(" = {:.6f}", chi2);
    }
    return chi2 == constants::infinity ? " is infinite (a bin with counts is predicted to have none)"
                                       : " is not a number";
}

} // namespace nuscan::cli
