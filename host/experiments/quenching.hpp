// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "experiments/experiment.hpp"

namespace nuscan {

/// Visible energy [MeV] of a recoil of energy \p T [MeV].
///
/// Lindhard: J. Lindhard et al., Mat. Fys. Medd. Dan. Vid. Selsk. 33, 10 (1963); see Quenching for all the models. A
/// recoil outside the range of a table gives nothing.
/// \param nuclide may be null where the model does not ask for it
double visible_energy(const Quenching& quenching, const Nuclide* nuclide, double T);

/// The visible energy over an interval of recoil energies, and its inverse.
///
/// It may rise and fall (published tables do): the interval is cut where it turns, and on each of the pieces there is
/// at most one recoil energy to a visible one.
class VisibleEnergy {
public:
    /// Between recoil energies \p low and \p high [MeV], or what of that a table covers. Refers to \p quenching and
    /// \p nuclide.
    VisibleEnergy(const Quenching& quenching, const Nuclide* nuclide, double low, double high);

    double operator()(double T) const { return visible_energy(quenching_, nuclide_, T); }

    //! Nothing is covered
    bool empty() const { return !(turns_.front() < turns_.back()); }
    //! Recoil energies [MeV]: the lower end, those at which the visible energy turns, the upper end
    const std::vector<double>& turns() const { return turns_; }
    //! The largest visible energy [MeV]
    double largest() const;
    //! All recoil energies [MeV] at which the visible energy crosses \p visible [MeV], to rounding, increasing
    std::vector<double> crossings(double visible) const;
    /// Those of several visible energies, which increase, at most \p most of them: a table that turns often crosses
    /// each of them often.
    std::vector<double> crossings(const std::vector<double>& visible, std::size_t most) const;
    /// Recoil energy [MeV] up to which, from \p T on, the visible energy stays between \p low and \p high [MeV]: \p end
    /// or the upper end where it does so until then. Infinite limits are none.
    double stays_until(double T, double low, double high, double end = std::numeric_limits<double>::infinity()) const;
    //! |dE/dT| at \p T; of tables the largest one from there to the next knot
    double slope(double T) const;

private:
    double crossing(double a, double b, double visible) const;

    const Quenching& quenching_;
    const Nuclide* nuclide_;
    std::vector<double> turns_;
    std::vector<double> visible_; //!< at the turns [MeV]
};

} // namespace nuscan
