// SPDX-License-Identifier: Apache-2.0
#include "sources/fission.hpp"

#include <cmath>

#include "sources/tabulated.hpp"

namespace nuscan {

const char* name(FissionIsotope isotope) {
    static constexpr const char* names[] = {"U235", "U238", "Pu239", "Pu241"};
    return names[static_cast<int>(isotope)];
}

double energy_per_fission(FissionIsotope isotope) {
    static constexpr double energies[] = {202.36, 205.99, 211.12, 214.26};
    return energies[static_cast<int>(isotope)];
}

double huber_mueller(FissionIsotope isotope, double E) {
    static constexpr double alpha[4][6] = {
        {4.367, -4.577, 2.100, -5.294e-1, 6.186e-2, -2.777e-3},          // U235
        {4.833e-1, 1.927e-1, -1.283e-1, -6.762e-3, 2.233e-3, -1.536e-4}, // U238
        {4.757, -5.392, 2.563, -6.596e-1, 7.820e-2, -3.536e-3},          // Pu239
        {2.990, -2.882, 1.278, -3.343e-1, 3.905e-2, -1.754e-3},          // Pu241
    };
    if (!(E >= huber_mueller_lowest && E <= huber_mueller_highest)) {
        return 0;
    }
    const double* a = alpha[static_cast<int>(isotope)];
    return std::exp(a[0] + E * (a[1] + E * (a[2] + E * (a[3] + E * (a[4] + E * a[5])))));
}

Table huber_mueller_table(FissionIsotope isotope) {
    const double tolerance = 1e-5;
    return tabulate([=](double E) { return huber_mueller(isotope, E); }, {huber_mueller_lowest, huber_mueller_highest},
                    tolerance);
}

} // namespace nuscan
