// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/experiment.hpp"

/// When neutrinos of a pulsed beam arrive: the pulse, smeared by the lifetimes of what decays. Times in s.
namespace nuscan {

/// Largest error of a tabulated arrival density between its points, relative to its peak.
inline constexpr double arrival_tolerance = 1e-5;

/// Density [1/s] of t = Gaussian(mean, sigma) + Exp(lifetime): the exponentially modified Gaussian
///
///     G_τ(t) = 1/(2τ) exp(σ²/2τ² − (t − μ)/τ) erfc(z),   z = (σ/τ − (t − μ)/σ)/√2,
///
/// with exp(−(t − μ)²/2σ²) erfcx(z) in place of the last two factors where z > 0, so that nothing overflows.
double delayed_gaussian(double t, double mean, double sigma, double lifetime);

/// Density [1/s] of t = Gaussian(mean, sigma) + Exp(lifetime_1) + Exp(lifetime_2) = (τ_2 G_τ2 − τ_1 G_τ1)/(τ_2 − τ_1).
/// The lifetimes differ.
double delayed_gaussian(double t, double mean, double sigma, double lifetime_1, double lifetime_2);

//! Both of them as tables, normalised to 1 over all t
Table gaussian_arrival(double mean, double sigma, double lifetime);
Table gaussian_arrival(double mean, double sigma, double lifetime_1, double lifetime_2);

/// The same for a tabulated pulse (normalised to 1), of which each linear piece has a closed form; \p lifetime_2 = 0:
/// only one decay. Points far behind the pulse are cut off where a part in 1e9 is left.
Table pulse_arrival(const Table& pulse, double lifetime_1, double lifetime_2 = 0);

} // namespace nuscan
