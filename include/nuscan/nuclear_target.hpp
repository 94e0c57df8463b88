// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/nuclear_form_factor.hpp"
#include "nuscan/nuclear_scattering.hpp"

namespace nuscan {

/// A nuclide as a channel sees it.
struct NuclearTarget {
    double mass;              //!< M [MeV]
    double protons, neutrons; //!< Z, N
    NuclearFormFactor form_factor;
    double proton_radius, neutron_radius; //!< rms [fm], above min_radius()
    double axial;                         //!< NucleusAtRecoil::axial at q = 0; it falls with q as F_p² does
};

//! At recoil energy \p T [MeV], where q² = 2MT
NUSCAN_HOST_DEVICE inline NucleusAtRecoil nucleus_at_recoil(const NuclearTarget& x, double T) {
    const double q = std::sqrt(2 * x.mass * T);
    const double F_p = form_factor(x.form_factor, q, x.proton_radius);
    return {x.mass, x.protons * F_p, x.neutrons * form_factor(x.form_factor, q, x.neutron_radius), x.axial * F_p * F_p};
}

} // namespace nuscan
