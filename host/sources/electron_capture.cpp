// SPDX-License-Identifier: Apache-2.0
#include "sources/electron_capture.hpp"

#include <fmt/format.h>

#include "sources/source_keys.hpp"
#include "sources/tabulated.hpp"

namespace nuscan {

const std::vector<ElectronCaptureIsotope>& electron_capture_isotopes() {
    static const std::vector<ElectronCaptureIsotope> isotopes = {
        {"51Cr", {{0.747, 0.816}, {0.427, 0.090}, {0.752, 0.085}, {0.432, 0.009}}},
        {"37Ar", {{0.811, 0.902}, {0.813, 0.098}}},
    };
    return isotopes;
}

Source read_electron_capture(const TomlTable& table, ExperimentTables& tables) {
    table.allow_only({"type", "name", "isotope", "propagation", "baseline", "flux", "activity", "arrival"});
    Source source;
    source.name = identifier(table, "name");
    std::vector<std::string> names;
    for (const ElectronCaptureIsotope& isotope : electron_capture_isotopes()) {
        names.push_back(isotope.name);
    }
    const std::string name = table.choice("isotope", names);
    for (const ElectronCaptureIsotope& isotope : electron_capture_isotopes()) {
        if (isotope.name == name) {
            source.lines = isotope.lines;
        }
    }
    read_propagation(table, source, Propagation::short_baseline);
    refuse_together(table, "activity", "flux", "the flux is given, or follows from the activity");
    if (table.has("activity")) {
        const double activity = positive(table, "activity", Dimension::activity);
        require_baseline(table, source, "the flux follows from the activity");
        source.flux = activity / sphere(source.baseline);
        source.flux_follows_baseline = true;
    } else if (table.has("flux")) {
        source.flux = positive(table, "flux", Dimension::flux);
    } else {
        throw InputError(table.where(), fmt::format("source \"{}\" has no \"activity\"", source.name),
                         "the flux is given, or follows from the activity", "add activity and baseline, or flux?");
    }
    if (table.has("arrival")) {
        source.arrival = time_density(table, "arrival", tables);
    }
    return source;
}

} // namespace nuscan
