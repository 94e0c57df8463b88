// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/experiment.hpp"

namespace nuscan {

/// A chemical element with its shells in the ground state of the free atom.
struct Element {
    std::string symbol;
    int Z;
    double atomic_weight; //!< [g/mol]
    std::vector<Shell> shells;
};

/// The element of that symbol ("Xe"), or nothing. Shell populations and binding energies come from xraylib 4
/// (Schoonjans et al., Spectrochim. Acta B 66, 776 (2011)).
std::optional<Element> find_element(const std::string& symbol);

//! Symbols of all elements in the table, in order of Z
std::vector<std::string> element_symbols();

} // namespace nuscan
