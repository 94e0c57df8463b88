// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace nuscan {

/// A nuclide as a target.
struct Nuclide {
    std::string name; //!< "Ar40"
    int Z, A;
    double mass;           //!< of the bare nucleus [MeV]
    double abundance;      //!< natural atom fraction
    double spin;           //!< J
    double proton_radius;  //!< rms [fm]
    double neutron_radius; //!< rms [fm]
};

} // namespace nuscan
