// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "experiments/experiment_tables.hpp"

namespace nuscan {

/// A nuclide that captures an electron and emits monoenergetic ν_e.
struct ElectronCaptureIsotope {
    std::string name; //!< "51Cr"
    std::vector<SpectralLine> lines;
};

/// ⁵¹Cr (J. N. Abdurashitov et al., Phys. Rev. C 59, 2246 (1999)) and ³⁷Ar (J. N. Abdurashitov et al., Phys. Rev. C 73,
/// 045805 (2006)): captures from the K and from higher shells, for ⁵¹Cr to the ground state and to the 320-keV state of
/// ⁵¹V. Fractions add up to 1.
const std::vector<ElectronCaptureIsotope>& electron_capture_isotopes();

//! Reads a `[[source]]` with type = "electron-capture"
Source read_electron_capture(const TomlTable& table, ExperimentTables& tables);

} // namespace nuscan
