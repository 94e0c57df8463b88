// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "nuscan/constants.hpp"

/// Values as JSON writes them.
namespace nuscan::cli {

//! null for what JSON cannot say: infinite numbers and those that are none
inline std::string json_number(double value) {
    return value < constants::infinity && value > -constants::infinity ? fmt::format("{}", value) : "null";
}

inline std::string json_array(const std::vector<double>& values) {
    std::string text = "[";
    for (std::size_t i = 0; i < values.size(); ++i) {
        text += (i ? ", " : "") + json_number(values[i]);
    }
    return text + "]";
}

inline std::string json_string(const std::string& text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
        }
        quoted +=
            static_cast<unsigned char>(c) < 0x20 ? fmt::format("\\u{:04x}", static_cast<int>(c)) : std::string(1, c);
    }
    return quoted + "\"";
}

} // namespace nuscan::cli
