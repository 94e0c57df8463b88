// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "nuscan/features.hpp"

namespace nuscan {

/// Functions of the neutrino energy of which all kernels of dσ/dT are sums at a given recoil energy: 1, 1/E, 1/E² and,
/// of the equivalent photons, ln(E/m_ν).
struct EnergyBasis {
    static constexpr int size = 4;
    double value[size];
};
NUSCAN_HOST_DEVICE inline EnergyBasis energy_basis(double E) {
    constexpr double neutrino_mass = 1e-6; // m_ν of equivalent_photon_kernel() [MeV]
    return {{1, 1 / E, 1 / (E * E), std::log(E / neutrino_mass)}};
}

/// feature_kernels() at recoil energy T as sums over the EnergyBasis: kernel m = Σ_i c[m][i] basis_i(E).
///
/// So that the integrals over the neutrino energy need not be done anew for each recoil energy.
struct KernelExpansion {
    static constexpr int charge2 = 2; //!< the feature matrix V1†V1
    double c[n_feature_matrices][EnergyBasis::size];
    double photons[EnergyBasis::size]; //!< of V1†V1 in place of c where equivalent photons give more than stepping
};

NUSCAN_HOST_DEVICE inline KernelExpansion kernel_expansion(const BoundElectrons& atom, double T, double s) {
    const double m = constants::electron_mass, weak = constants::weak_cross_section * atom.electrons * atom.weak;
    const double interference = weak * atom.interference;
    const double magnetic = constants::magnetic_cross_section * atom.electrons * atom.magnetic;
    const double free = constants::weak_cross_section * atom.electrons;
    const double C1[3] = {2, -2 * T, T * T - m * T}; // 1 + (1 − T/E)² − m_e T/E²
    const double C2[3] = {2, -2 * T, T * T + m * T};
    const double C3[3] = {0, 4 * s * T, -2 * s * T * T}; // 2s [1 − (1 − T/E)²]
    const double mu2[3] = {1 / T, -1, 0};
    KernelExpansion k{};
    for (int i = 0; i < 3; ++i) {
        k.c[0][i] = weak * C1[i];
        k.c[1][i] = interference * C1[i] / T;
        k.c[2][i] = free * C1[i] / (T * T);
        k.c[3][i] = weak * C2[i];
        k.c[4][i] = weak * C3[i];
        k.c[5][i] = interference * C3[i] / T;
        k.c[6][i] = magnetic * mu2[i];
    }
    constexpr double charge2 = constants::charge_coupling * constants::charge_coupling;
    k.photons[3] = 2 * constants::alpha / constants::pi * atom.photon_area / (T * charge2);
    return k;
}

NUSCAN_HOST_DEVICE inline KernelExpansion kernel_expansion(const NucleusAtRecoil& nucleus, double T,
                                                           double neutron_coupling) {
    const double M = nucleus.mass, p = nucleus.proton, n = nucleus.neutron;
    const double weak = constants::coherent_cross_section * M;
    const double per_T = constants::electron_mass / (M * T);
    const double axial = weak * nucleus.axial / (neutron_coupling * neutron_coupling);
    const double C_V[3] = {weak, -weak * T, -weak * M * T / 2}; // 1 − T/E − M T/2E²
    const double mu2[3] = {1 / T, -1, T / 4};
    KernelExpansion k{};
    for (int i = 0; i < 3; ++i) {
        k.c[0][i] = C_V[i] * p * p;
        k.c[1][i] = C_V[i] * p * p * per_T;
        k.c[2][i] = C_V[i] * p * p * per_T * per_T;
        k.c[3][i] = C_V[i] * n * n;
        k.c[4][i] = 2 * C_V[i] * p * n;
        k.c[5][i] = 2 * C_V[i] * p * n * per_T;
        k.c[6][i] = constants::magnetic_cross_section * mu2[i] * p * p;
    }
    k.c[3][0] += axial; // × (1 + M T/2E²)
    k.c[3][2] += axial * M * T / 2;
    return k;
}

} // namespace nuscan
