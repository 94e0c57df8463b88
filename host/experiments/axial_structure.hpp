// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/nuclides.hpp"

namespace nuscan {

/// Structure of a nucleus's axial current at q = 0, F_A(0)/4 of NucleusAtRecoil::axial:
///
///     (J+1)/(3J) [g_A (⟨S_p⟩ − ⟨S_n⟩)]²,   g_A = 1.2754
///
/// Spin expectation values: P. Klos, J. Menéndez, D. Gazit, A. Schwenk, Phys. Rev. D 88, 083516 (2013), Table I. The
/// square of the spin summed over directions is (J+1)/J ⟨S⟩², of which F_A/4 is a third; a free proton has g_A²/4,
/// which is exact. At larger q it is taken to fall as F_p(q)² does, with the protons' distribution: an estimate.
///
/// Zero for nuclei without spin, and for those the table has not: of F, Na, Al, Si, Ge, I, Xe it has all isotopes with
/// spin that occur in nature, and 1H is added; Cs, Ar, W and others are left out.
double axial_structure(const Nuclide& nuclide);

} // namespace nuscan
