// SPDX-License-Identifier: Apache-2.0
#include "sources/source_keys.hpp"

#include <fmt/format.h>

#include "nuscan/constants.hpp"

namespace nuscan {

double sphere(double baseline) {
    const double cm = baseline * cm_per_m;
    return 4 * constants::pi * cm * cm;
}

void read_propagation(const TomlTable& table, Source& source, Propagation otherwise) {
    source.propagation = otherwise;
    if (table.has("propagation")) {
        const std::string propagation = table.choice("propagation", {"exact", "short", "decohered"});
        source.propagation = propagation == "exact"
                                 ? Propagation::exact
                                 : (propagation == "short" ? Propagation::short_baseline : Propagation::decohered);
    }
    if (table.has("baseline")) {
        source.baseline = positive(table, "baseline", Dimension::length);
    } else if (source.propagation == Propagation::exact) {
        throw InputError(table.where("propagation"), "source has no \"baseline\"", "exact propagation needs one",
                         "add one, like baseline = \"12 m\"?");
    }
}

void require_baseline(const TomlTable& table, Source& source, const std::string& because) {
    if (!table.has("baseline")) {
        throw InputError(table.where(), fmt::format("source \"{}\" has no \"baseline\"", source.name), because,
                         "add one, like baseline = \"12 m\"?");
    }
    source.baseline = positive(table, "baseline", Dimension::length);
}

void refuse_together(const TomlTable& table, const std::string& key, const std::string& other, const std::string& why) {
    if (table.has(key) && table.has(other)) {
        throw InputError(table.where(key), fmt::format("\"{}\" does not go with \"{}\"", key, other), why);
    }
}

} // namespace nuscan
