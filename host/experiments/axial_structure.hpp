// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/nuclides.hpp"
#include "nuscan/nuclear_form_factor.hpp"

namespace nuscan {

/// Structure of a nucleus's axial current at momentum transfer \p q [MeV], F_A(q)/4 of NucleusAtRecoil::axial:
///
///     (J+1)/(3J) [g_A (⟨S_p⟩ − ⟨S_n⟩)]² F_p(q)²,   g_A = 1.2754
///
/// Spin expectation values: P. Klos, J. Menéndez, D. Gazit, A. Schwenk, Phys. Rev. D 88, 083516 (2013), Table I. The
/// square of the spin summed over directions is (J+1)/J ⟨S⟩², of which F_A/4 is a third; a free proton has g_A²/4,
/// which is exact. The decrease with q is that of the protons' distribution, an estimate.
///
/// Zero for nuclei without spin, and for those the table has not: of F, Na, Al, Si, Ge, I, Xe it has all isotopes with
/// spin that occur in nature, and 1H is added; Cs, Ar, W and others are left out.
double axial_structure(const Nuclide& nuclide, NuclearFormFactor shape, double q);

} // namespace nuscan
