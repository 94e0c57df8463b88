// SPDX-License-Identifier: Apache-2.0
#include "experiments/nuclides.hpp"

#include <cmath>
#include <numeric>

#include "nuscan/constants.hpp"

namespace nuscan {
namespace {

const std::vector<Nuclide>& nuclides() {
    static const std::vector<Nuclide> table = [] {
        const char* const published = "radii that COHERENT's data are fitted with";
        const char* const from_charge_radius = "measured charge radius, empirical neutron skin";
        const char* const estimated = "charge radius of the neighbouring isotopes, empirical neutron skin";
        return std::vector<Nuclide>{
#include "experiments/nuclides.inc"
        };
    }();
    return table;
}

std::string symbol_of(const Nuclide& nuclide) {
    return nuclide.name.substr(0, nuclide.name.find_first_of("0123456789"));
}

} // namespace

double electron_binding(int Z) { return (14.4381 * std::pow(Z, 2.39) + 1.55468e-6 * std::pow(Z, 5.35)) * 1e-6; }

double atomic_mass(const Nuclide& nuclide) {
    return nuclide.mass + nuclide.Z * constants::electron_mass - electron_binding(nuclide.Z);
}

std::optional<Nuclide> find_nuclide(const std::string& name) {
    for (const Nuclide& nuclide : nuclides()) {
        if (nuclide.name == name) {
            return nuclide;
        }
    }
    return {};
}

std::string symbol_first(const std::string& name) {
    const std::size_t symbol = name.find_first_not_of("0123456789"), dash = name.find('-');
    if (dash != std::string::npos) {
        return name.substr(0, dash) + name.substr(dash + 1);
    }
    return symbol == std::string::npos ? name : name.substr(symbol) + name.substr(0, symbol);
}

std::vector<Nuclide> natural_isotopes(const std::string& symbol) {
    std::vector<Nuclide> isotopes;
    for (const Nuclide& nuclide : nuclides()) {
        if (nuclide.abundance > 0 && symbol_of(nuclide) == symbol) {
            isotopes.push_back(nuclide);
        }
    }
    const double sum =
        std::accumulate(isotopes.begin(), isotopes.end(), 0.0,
                        [](double partial, const Nuclide& isotope) { return partial + isotope.abundance; });
    for (Nuclide& isotope : isotopes) {
        isotope.abundance /= sum;
    }
    return isotopes;
}

std::vector<std::string> nuclide_names() {
    std::vector<std::string> names;
    for (const Nuclide& nuclide : nuclides()) {
        names.push_back(nuclide.name);
    }
    return names;
}

} // namespace nuscan
