// SPDX-License-Identifier: Apache-2.0
#include "experiments/axial_structure.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace nuscan {

namespace {

constexpr double axial_charge = 1.2754; // g_A of the nucleon

struct SpinContent {
    std::string_view nuclide;
    double protons, neutrons; //!< ⟨S_p⟩, ⟨S_n⟩
};
constexpr std::array<SpinContent, 9> spins{{{"H1", 0.5, 0},
                                            {"F19", 0.478, -0.002},
                                            {"Na23", 0.224, 0.024},
                                            {"Al27", 0.326, 0.038},
                                            {"Si29", 0.016, 0.156},
                                            {"Ge73", 0.031, 0.439},
                                            {"I127", 0.342, 0.031},
                                            {"Xe129", 0.010, 0.329},
                                            {"Xe131", -0.009, -0.272}}};

} // namespace

double axial_structure(const Nuclide& nuclide) {
    const auto* const found =
        std::find_if(spins.begin(), spins.end(), [&](const SpinContent& x) { return x.nuclide == nuclide.name; });
    if (found == spins.end() || !(nuclide.spin > 0)) {
        return 0;
    }
    const double a = axial_charge * (found->protons - found->neutrons);
    return (nuclide.spin + 1) / (3 * nuclide.spin) * a * a;
}

} // namespace nuscan
