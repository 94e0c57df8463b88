// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/experiment.hpp"

namespace nuscan {

/// Visible energy [MeV] of a recoil of energy \p T [MeV].
///
/// Lindhard: J. Lindhard et al., Mat. Fys. Medd. Dan. Vid. Selsk. 33, 10 (1963); see Quenching for all the models. A
/// recoil outside the range of a table gives nothing.
/// \param nuclide may be null where the model does not ask for it
double visible_energy(const Quenching& quenching, const Nuclide* nuclide, double T);

/// Recoil energy [MeV] between \p low and \p high from which on the visible energy is at least \p visible, to rounding.
///
/// \p low or \p high where that is all along or never so. The visible energy must rise, see quenching_turns().
double recoil_energy(const Quenching& quenching, const Nuclide* nuclide, double visible, double low, double high);

/// A recoil energy [MeV] in [low, high] at which the visible energy does not rise (or is not positive), else NaN.
///
/// Tables are only looked at where they say something.
double quenching_turns(const Quenching& quenching, const Nuclide* nuclide, double low, double high);

} // namespace nuscan
