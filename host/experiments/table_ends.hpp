// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/toml_reader.hpp"
#include "experiments/experiment.hpp"

namespace nuscan {

/// Notes on the tables of an experiment that end while they still matter: an efficiency over the recoil or the visible
/// energy, or a response matrix, whose last row is not zero, beyond which the sources have recoils, and from whose end
/// smearing still reaches into the bins (5 standard deviations). What lies beyond is lost without an error: the note
/// says what part of the standard model's signal it is if the table went on with its last row, and is left out below
/// 0.001.
std::vector<std::string> notes_on_table_ends(const TomlTable& file, const Experiment& experiment);

//! The highest energy [MeV] that recoils from the sources make visible, in any channel
double highest_visible_energy(const Experiment& experiment);

} // namespace nuscan
