// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "experiments/experiment.hpp"

namespace nuscan {

/// From visible energy to energy bins: smearing and efficiency, in closed form.
///
/// For a distribution p(x; v) of the reconstructed energy (or of photoelectrons) x and an efficiency ε that is linear
/// between its knots,
///
///     R_b(v) = Σ_pieces ∫ ε(x) p(x; v) dx = Σ_pieces ε(⟨x⟩) P(a ≤ x < b) + ε' [D(a) − D(b)],
///
/// where ε(⟨x⟩) extends the piece [a, b) as a line and ∫_a^b (x − ⟨x⟩) p dx = D(a) − D(b) with
///
/// | smearing | P(x < a) | D(a) |
/// |---|---|---|
/// | Gaussian | Φ(z), z = (a − v)/σ | σ φ(z) |
/// | gamma, shape k, mean kθ | P(k, a/θ) | kθ (a/θ)^k e^{−a/θ}/Γ(k+1) |
/// | Poisson, mean μ, n = ⌈a⌉ | Q(n, μ) | n μ^n e^{−μ}/n! |
///
/// P and Q being the regularised incomplete gamma functions. A Poisson bin [a, b) holds the integers in it. A matrix is
/// linear between its visible energies and zero beyond.
class EnergyAcceptance {
public:
    /// Refers to \p experiment. \throws InputError for a matrix with an efficiency over the reconstructed energy, of
    /// which a matrix says nothing.
    explicit EnergyAcceptance(const Experiment& experiment);

    /// R_b for all energy bins, to \p row (n_energy numbers). \param visible [MeV]; nothing is seen where it is not
    /// positive.
    void evaluate(double visible, double* row) const;

    /// Visible energies between which a bin may see something, the higher one at most \p highest; empty (low >= high)
    /// where none does.
    struct Range {
        double low, high;
    };
    Range visible_range(double highest) const;

    //! Visible energies at which R_b has a step or a kink, beyond those of visible_range()
    const std::vector<double>& kinks() const { return kinks_; }

    /// Scale over which R_b varies at a visible energy [MeV]: a Gaussian's σ, infinite where R_b is constant or linear;
    /// and how far above and below that holds.
    struct Scale {
        double width, above, below;
    };
    Scale scale(double visible) const;

private:
    //! Of the distribution at a knot x: the smaller of P(x' < x) and P(x' ≥ x), and D(x)
    struct Tail {
        double probability;
        bool below; //!< it is P(x' < x)
        double moment;
    };
    //! Part of a bin in which ε is linear: between knots first and first + 1
    struct Piece {
        std::size_t first;
        std::size_t bin;
        double origin, efficiency, slope; //!< ε(x) = efficiency + slope (x − origin)
    };

    Tail tail(double x, double visible) const;
    //! The pieces where the distribution is not exactly zero, and perhaps some more
    std::span<const Piece> pieces_near(double visible) const;
    double sigma(double visible) const; //!< of the distribution, in visible energy
    double below(double x, double visible) const;

    const Experiment& experiment_;
    double per_energy_;         //!< of the bins' variable: the light yield [1/MeV], or 1
    std::vector<double> knots_; //!< in the bins' variable, increasing
    std::vector<Piece> pieces_;
    std::vector<double> kinks_;
};

/// R_b(T): probability that a recoil of energy T [MeV] on the target of a channel is reconstructed in energy bin b and
/// accepted, for all energy bins: efficiency of the channel × of the visible energy × EnergyAcceptance.
/// \param nuclide may be null for electrons
std::vector<double> acceptance(const Experiment& experiment, const Channel& channel, const Nuclide* nuclide, double T);

//! The same into a row of n_energy numbers, for many recoil energies
void acceptance(const Experiment& experiment, const EnergyAcceptance& energy, const Channel& channel,
                const Nuclide* nuclide, double T, double* row);

} // namespace nuscan
