// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/scan_config.hpp"

namespace nuscan::cli {

//! Splits `--set KEY=VALUE` arguments. \throws InputError where one has no '='
inline std::vector<Override> split_overrides(const std::vector<std::string>& arguments) {
    std::vector<Override> overrides;
    for (const std::string& argument : arguments) {
        const std::size_t equals = argument.find('=');
        if (equals == std::string::npos || equals == 0) {
            throw InputError({"command line", 0}, "--set " + argument + " has no value", "it reads KEY=VALUE",
                             "write --set '" + argument + "=…'?");
        }
        overrides.emplace_back(argument.substr(0, equals), argument.substr(equals + 1));
    }
    return overrides;
}

} // namespace nuscan::cli
