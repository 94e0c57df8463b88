// SPDX-License-Identifier: Apache-2.0
// Headers, library and version of an installed nuscan, as a stranger's program uses them.
#include <cmath>
#include <cstdio>

#include "experiments/experiment_file.hpp"
#include "nuscan/electron_scattering.hpp"
#include "nuscan/mixing.hpp"
#include "nuscan/version.hpp"

int main() {
    using namespace nuscan;
    const Mixing mixing;
    const Matrix3 U = mixing_matrix(mixing);
    const Matrix3 rho = density_matrix(U, mixing, {Flavour::e, false, Propagation::short_baseline}, 1);
    const Couplings weak = weak_couplings({Target::electron, CouplingScheme::tree}, U, constants::sin2_theta_w);
    const ScatteringCoefficients c = scattering_coefficients(rho, weak, 0.1);
    const double g_V = electron_vector_coupling(constants::sin2_theta_w);
    std::printf("nuscan %s (%s): C1 = %.6f, %zu folders of experiments\n", version, commit, c.C1,
                experiment_folders().size());
    return std::abs(c.C1 - (g_V + 1) * (g_V + 1)) < 1e-12 ? 0 : 1; // KS17 Eq. 38
}
