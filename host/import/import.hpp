// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "import/experiment_folder.hpp"

/// Experiment folders from the data releases of large experiments, which users have as their authors publish them.
///
/// Each function reads the files of a release in \p folder, checks that they are complete and unchanged, and returns
/// what is to be written. \throws InputError, see Release
namespace nuscan {

/// COHERENT CENNS-10, liquid argon: D. Akimov et al., Phys. Rev. Lett. 126, 012002 (2021), arXiv:2003.10630, release
/// arXiv:2006.12659. coherent-lar-2020 in energy, F90 and time from first principles, -templates with the release's own
/// prediction, -energy with the projection onto energy.
std::vector<ExperimentFolder> import_coherent_lar(const std::string& folder);

/// COHERENT CsI[Na], complete data: D. Akimov et al., Phys. Rev. Lett. 129, 081801 (2022), arXiv:2110.07730 with its
/// ancillary files. coherent-csi-2021.
std::vector<ExperimentFolder> import_coherent_csi(const std::string& folder);

/// Dresden-II, germanium at a reactor: J. Colaresi et al., Phys. Rev. Lett. 129, 211802 (2022), arXiv:2202.09672 with
/// its ancillary files. dresden-ii-fef, -ybe and -lindhard, by quenching.
std::vector<ExperimentFolder> import_dresden_ii(const std::string& folder);

} // namespace nuscan
