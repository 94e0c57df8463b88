// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "config/error.hpp"
#include "experiments/nuclides.hpp"
#include "nuscan/couplings.hpp"
#include "nuscan/mixing.hpp"
#include "nuscan/nuclear_form_factor.hpp"

/// What an experiment file says, in internal units: MeV, m, s, cm^-2 s^-1.
namespace nuscan {

/// A function tabulated at increasing x, linear in between and zero outside.
struct Table {
    std::vector<double> x, y;

    bool empty() const { return x.empty(); }
};

// ---- sources ----------------------------------------------------------------------------------------------------

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
    double flux = 0;     //!< total at the detector [cm^-2 s^-1]
    //! The flux was worked out for the baseline (from a power, or from protons on target), and falls with 1/L² when the
    //! baseline is scanned
    bool flux_follows_baseline = false;
    Table spectrum; //!< continuous part: shape over E [MeV], normalised so that it and the lines integrate to 1
    std::vector<SpectralLine> lines;
    std::vector<ProductionZone> zones; //!< of solar propagation; fractions add up to 1
    Table arrival;                     //!< probability density of the arrival time [1/s] over t [s]; empty: not pulsed
    InputLocation where;               //!< of its `[[source]]`

    //! As the core sees it; refers to this source's zones
    Beam beam() const {
        return {flavour, antineutrino, propagation, baseline, zones.data(), static_cast<int>(zones.size())};
    }
};

// ---- target -----------------------------------------------------------------------------------------------------

/// A shell of an atom: electrons that can be freed once the recoil energy exceeds the binding energy.
struct Shell {
    double electrons;      //!< may be fractional in open shells
    double binding_energy; //!< [MeV]
};

/// A nuclide of the target.
struct TargetNuclide {
    Nuclide nuclide;
    double number; //!< per formula unit
};

/// Recoils below this energy [MeV] are not counted: 1 eV.
///
/// Where electrons are free (bound by 0) and on nuclei the charge and magnetic terms, ∝ 1/T² and 1/T, would make the
/// first bin's integral over the recoil energy diverge at T → 0. It starts at the larger of this and the lowest binding
/// energy (or the beginning of the photoabsorption table, if that is lower).
inline constexpr double min_recoil = 1e-6;

/// What is scattered on, counted per formula unit ("Xe", "CsI").
struct TargetMaterial {
    std::string formula;
    double units = 0;                    //!< formula units in the fiducial volume
    std::vector<Shell> shells;           //!< of all atoms of a formula unit, for stepping
    double n_electrons = 0;              //!< of a formula unit, for free electrons
    std::vector<TargetNuclide> nuclides; //!< of a formula unit
};

// ---- channels ---------------------------------------------------------------------------------------------------

/// From the energy of a recoil to the visible (electron-equivalent) energy it gives.
struct Quenching {
    enum class Model {
        none,       //!< all of it is visible
        lindhard,   //!< f T, f = kg/(1 + kg), g = 3ε^0.15 + 0.7ε^0.6 + ε, ε = 11.5 Z^(−7/3) T[keV]
        polynomial, //!< Σ_n c_n T^n, n ≥ 1
        table,      //!< f T, f tabulated
    };
    Model model = Model::none;
    double lindhard_k = 0;            //!< 0: 0.133 Z^(2/3) A^(−1/2) of the nuclide
    std::vector<double> coefficients; //!< c_1, c_2, … [MeV^(1−n)]
    Table factor;                     //!< f over T [MeV]
};

/// How bound electrons scatter.
enum class AtomicModel {
    free_electrons,
    stepping,          //!< an electron counts once the recoil energy exceeds its binding energy (KS17 Eq. 34)
    equivalent_photon, //!< stepping, with the |charge|² term from photoabsorption where that is larger
};

/// One way in which neutrinos are seen: scattering on electrons, or on nuclei.
struct Channel {
    std::string name; //!< "electron" or "nucleus", unless the file gives another
    Target target = Target::electron;
    Quenching quenching;
    Table efficiency; //!< over the recoil energy [MeV]; empty: 1

    AtomicModel atomic = AtomicModel::stepping;
    //! Terms in which the charge interferes with weak amplitudes and the charge radius; without them |charge|² alone
    bool charge_interferes = true;
    Table photoabsorption;     //!< σ_γ [cm² per formula unit] over T [MeV], of the equivalent-photon model
    Table weak_correction;     //!< factor on the weak terms over T [MeV]; empty or outside: 1. Its root, where it is
                               //!< above 1, on the interference
    Table magnetic_correction; //!< factor on the magnetic term over T [MeV]; empty or outside: 1

    NuclearFormFactor form_factor = NuclearFormFactor::helm;
    bool axial = false; //!< with the axial term of nuclei that have spin and a known structure

    //! What part of the counts in an energy bin falls into each bin of a further variable: for each variable (in the
    //! order of Bins::further) n_energy × its number of bins, rows adding up to at most 1. Empty for a variable:
    //! evenly.
    std::vector<std::vector<double>> shares;

    InputLocation where = {}; //!< of its quenching, or of its `[[channel]]`
};

// ---- response and bins ------------------------------------------------------------------------------------------

/// From visible energy to reconstructed energy, or to photoelectrons, with the efficiency.
struct EnergyResponse {
    enum class Smearing {
        gaussian, //!< σ(E) from the terms below; no smearing where all are zero
        poisson,  //!< of the photoelectrons
        gamma,    //!< gamma distribution of the photoelectrons, of mean light_yield × E and shape 1 + gamma_shape × E
        matrix,   //!< tabulated probability of each energy bin
    };
    Smearing smearing = Smearing::gaussian;
    double sqrt_term = 0;         //!< [√MeV]: σ(E) = sqrt_term √E + constant_term + linear_term E, or
    double constant_term = 0;     //!< [MeV]
    double linear_term = 0;       //!< the three added in quadrature
    bool in_quadrature = false;   //!< σ² = sqrt_term² E + constant_term² + linear_term² E²
    double light_yield = 0;       //!< photoelectrons per visible energy [1/MeV]; 0: bins are in energy
    double gamma_shape = 0;       //!< [1/MeV]
    std::vector<double> matrix_x; //!< visible energies of the tabulated matrix [MeV], increasing
    std::vector<double> matrix;   //!< matrix_x × n_energy probabilities, linear in between and zero outside

    //! Over visible energy [MeV], or over reconstructed energy [MeV] (photoelectrons where there is a light yield); 1
    //! where the table is empty
    Table efficiency;
    enum class EfficiencyOf { visible, reconstructed } efficiency_of = EfficiencyOf::reconstructed;
    Table time_efficiency; //!< over the arrival time [s]; 1 where the table is empty

    //! σ [MeV] of the Gaussian at a visible energy
    double gaussian_sigma(double E) const {
        return in_quadrature ? std::sqrt(sqrt_term * sqrt_term * E + constant_term * constant_term +
                                         linear_term * linear_term * E * E)
                             : sqrt_term * std::sqrt(E) + constant_term + linear_term * E;
    }
};

/// Bins of a variable other than energy.
struct BinVariable {
    std::string name;          //!< "time", or what the file calls it
    std::vector<double> edges; //!< increasing; time in s
};

/// A background component: nominal counts per bin and what its normalisation may do.
struct Background {
    std::string name;
    std::vector<double> counts;
    bool includes_solar = false; //!< the counts contain the standard solar-neutrino signal, which is taken out once
    //! Relative uncertainty of the normalisation: 0 = fixed, +inf = free
    double sigma = 0;
    InputLocation where = {}; //!< of its uncertainty
};

/// What a systematic does to one component of the prediction.
struct SystematicEffect {
    std::size_t component = 0; //!< place among the backgrounds; their number for the signal
    //! What it adds at each of its knots, n_knots × n_bins: counts of a background, factors on the signal. Empty for a
    //! normalisation
    std::vector<double> added;
};

/// A systematic uncertainty: a number x, zero where nothing is changed, that moves components of the prediction. It is
/// profiled with (x/σ)² added to χ², unless something fixes it.
///
/// With the normalisations x_k of a component, its counts T_b and what its shapes add, N_b = (1 + Σ_k x_k) (T_b + Σ_s
/// added_sb(x_s)).
struct Systematic {
    enum class Kind {
        normalisation, //!< x is relative
        shape,         //!< knots +1 and −1, in standard deviations: linear beyond, a smooth polynomial in between
        parameter,     //!< of a background function: x = ln(value/nominal), knots evenly in x, cubic in between
    };
    std::string name;
    Kind kind = Kind::normalisation;
    double sigma = 0; //!< of x: 0 = fixed, +inf = free
    double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity(); //!< of x
    double nominal = 0;                      //!< of a parameter [MeV]
    double first_knot = 0, knot_spacing = 0; //!< of a parameter: from one knot below `low` to one above `high`
    int n_knots = 0;                         //!< 0, 2, or those of a parameter
    std::vector<SystematicEffect> effects;
    InputLocation where = {}; //!< of its uncertainty
};

//! How counts are compared with a prediction
enum class Statistic {
    poisson,  //!< Baker-Cousins
    gaussian, //!< squares of residuals over errors
};

/// One experiment as its file describes it.
struct Experiment {
    static constexpr const char* signal = "signal"; //!< what the signal is called among backgrounds

    std::string name; //!< e.g. "lz-2022"
    std::string title;
    std::string citation;
    CouplingScheme couplings = CouplingScheme::tree; //!< tree or radiative
    Statistic statistic = Statistic::poisson;
    std::vector<Source> sources;
    TargetMaterial target;
    std::vector<Channel> channels;
    double live_time = 0; //!< [s]
    EnergyResponse response;
    //! Edges of the bins in reconstructed energy [MeV], or in photoelectrons: n_energy + 1, increasing
    std::vector<double> bin_edges;
    std::vector<BinVariable> further; //!< time and other variables: bins are their product, energy outermost
    std::vector<double> counts;       //!< observed, n_bins
    std::vector<double> sigma;        //!< their errors where the file gives them, for Gaussian statistic
    std::vector<double> covariance;   //!< n_bins × n_bins, of Gaussian statistic, where the file gives it instead
    //! Relative uncertainty of the signal's normalisation: 0 = fixed, +inf = free
    double signal_sigma = 0;
    std::vector<Background> backgrounds;
    std::vector<Systematic> systematics; //!< beyond the uncertainties of backgrounds and of the signal
    std::vector<std::string> notes;      //!< what is no error, but a user should be told once
    //! Where the file has them
    struct Places {
        InputLocation exposure, response, signal; //!< `[signal]`: its uncertainty
    } where;
    std::string digest; //!< SHA-256 of the experiment file and of every table it names, hex

    int n_bins() const { return static_cast<int>(counts.size()); }
    int n_energy_bins() const { return static_cast<int>(bin_edges.size()) - 1; }
    int n_inner_bins() const { return n_bins() / n_energy_bins(); }
    //! σ_b of the Gaussian statistic: those of the file, else √n_b
    std::vector<double> errors() const {
        std::vector<double> errors = sigma;
        for (std::size_t b = 0; b < counts.size() && !covariance.empty(); ++b) {
            errors.push_back(std::sqrt(covariance[b * (counts.size() + 1)]));
        }
        if (!covariance.empty()) {
            return errors;
        }
        for (std::size_t b = 0; b < counts.size() && sigma.empty(); ++b) {
            errors.push_back(std::sqrt(counts[b]));
        }
        return errors;
    }
};

} // namespace nuscan
