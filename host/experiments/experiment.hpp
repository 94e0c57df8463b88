// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "nuscan/mixing.hpp"

namespace nuscan {

/// A function tabulated at increasing x, linear in between and zero outside.
struct Table {
    std::vector<double> x, y;
};

//! A monoenergetic part of a source
struct SpectralLine {
    double energy;   //!< [MeV]
    double fraction; //!< of the source's flux
};

/// A neutrino source: flux at the detector and how the neutrinos got there.
struct Source {
    std::string name;
    Flavour flavour = Flavour::e;
    bool antineutrino = false;
    Propagation propagation = Propagation::short_baseline;
    double baseline = 0; //!< L [m], used by exact propagation
    double flux = 0;     //!< total [cm^-2 s^-1]
    Table spectrum;      //!< continuous part: shape over E [MeV], normalised so that it and the lines integrate to 1
    std::vector<SpectralLine> lines;
};

/// A shell of an atom: electrons that can be freed once the recoil energy exceeds the binding energy.
struct Shell {
    double electrons;      //!< may be fractional in open shells
    double binding_energy; //!< [MeV]
};

/// Recoils below this energy [MeV] are not counted: 1 eV.
///
/// Where electrons are free (bound by 0) the charge and magnetic terms, ∝ 1/T² and 1/T, would make the first bin's
/// integral over the recoil energy diverge at T → 0. It starts at the larger of this and the lowest binding energy.
inline constexpr double min_recoil = 1e-6;

/// Target electrons, counted per atom.
struct ElectronTarget {
    double atoms = 0;          //!< in the fiducial volume
    std::vector<Shell> shells; //!< stepping (KS17 Eq. 34); free electrons are one shell bound by 0
};

/// From recoil energy to reconstructed energy: a Gaussian of width σ(T), then the efficiency.
///
/// σ(T) = sqrt_term √T + constant_term + linear_term T, all in MeV.
struct EnergyResponse {
    double sqrt_term = 0;     //!< [√MeV]
    double constant_term = 0; //!< [MeV]
    double linear_term = 0;
    Table efficiency;                       //!< against energy [MeV]; 1 everywhere where the table is empty
    bool efficiency_of_true_energy = false; //!< applied to the recoil energy instead of the reconstructed one
};

/// A background component: nominal counts per bin and what its normalisation may do.
struct Background {
    std::string name;
    std::vector<double> counts;
    bool includes_solar = false; //!< the counts contain the standard solar-neutrino signal, which is taken out once
    //! Relative uncertainty of the normalisation: 0 = fixed, +inf = free
    double sigma = 0;
};

/// One experiment as its file describes it, in internal units (MeV, m, s, cm^-2 s^-1).
struct Experiment {
    std::string name; //!< e.g. "lz-2022"
    std::string title;
    std::string citation;
    std::vector<Source> sources;
    ElectronTarget target;
    double live_time = 0; //!< [s]
    EnergyResponse response;
    std::vector<double> bin_edges; //!< reconstructed energy [MeV], n_bins + 1, increasing
    std::vector<double> counts;    //!< observed, n_bins
    std::vector<Background> backgrounds;
    std::string digest; //!< SHA-256 of the experiment file and of every table it names, hex

    int n_bins() const { return static_cast<int>(counts.size()); }
};

} // namespace nuscan
