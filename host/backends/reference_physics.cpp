// SPDX-License-Identifier: Apache-2.0
#include "backends/reference_physics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <Eigen/Dense>
#include <boost/math/special_functions/bessel.hpp>

#include "backends/reference_detail.hpp"

namespace nuscan {

using namespace reference;

namespace reference {

double interpolate(const Table& table, double x) {
    if (table.x.empty() || x < table.x.front() || x > table.x.back()) {
        return 0;
    }
    const auto right = std::upper_bound(table.x.begin(), table.x.end(), x);
    if (right == table.x.end()) {
        return table.y.back();
    }
    const auto i = static_cast<std::size_t>(right - table.x.begin());
    const double t = (x - table.x[i - 1]) / (table.x[i] - table.x[i - 1]);
    return (1 - t) * table.y[i - 1] + t * table.y[i];
}

bool covers(const Table& table, double x) { return !table.x.empty() && x >= table.x.front() && x <= table.x.back(); }

double largest_recoil(double E, double M) { return 2 * E * E / (M + 2 * E); }
double smallest_energy(double T, double M) { return (T + std::sqrt(T * (T + 2 * M))) / 2; }

} // namespace reference

namespace {

using std::complex;
using namespace std::complex_literals;
using Eigen::Matrix3cd;
using Eigen::Vector3cd;

constexpr double pi = constants::pi;
constexpr double alpha = constants::alpha;
constexpr double G_F = constants::fermi;         // MeV^-2
constexpr double hbar_c = constants::hbar_c;     // MeV cm
constexpr double m_e = constants::electron_mass; // MeV

const double kappa = 2 * std::sqrt(2.0) * pi * alpha / G_F; // MeV²

// ---------------------------------------------------------------------------------------------------------------------
// Parameters

//! The Hermitian matrices of a point, in the basis of the scan, and its complex elements given by modulus and argument
struct Elements {
    Matrix3cd matrix = Matrix3cd::Zero();
    std::map<std::pair<int, int>, std::pair<double, double>> polar; // (row, column) → (abs, arg)
};

void set_mixing(Mixing& mixing, Parameter::MixingName name, double value) {
    switch (name) {
    case Parameter::MixingName::theta12:
        mixing.theta12 = value;
        break;
    case Parameter::MixingName::theta13:
        mixing.theta13 = value;
        break;
    case Parameter::MixingName::theta23:
        mixing.theta23 = value;
        break;
    case Parameter::MixingName::delta:
        mixing.delta = value;
        break;
    case Parameter::MixingName::alpha21:
        mixing.alpha21 = value;
        break;
    case Parameter::MixingName::alpha31:
        mixing.alpha31 = value;
        break;
    case Parameter::MixingName::dm21:
        mixing.dm21 = value;
        break;
    case Parameter::MixingName::dm31:
        mixing.dm31 = value;
        break;
    }
}

void set_element(Elements& elements, const Parameter& parameter, double value) {
    Matrix3cd& X = elements.matrix;
    const int j = parameter.row, k = parameter.column;
    switch (parameter.part) {
    case Parameter::Part::universal:
        X += value * Matrix3cd::Identity();
        break;
    case Parameter::Part::diagonal:
        X(j, j) += value;
        break;
    case Parameter::Part::re:
        X(j, k) += value;
        X(k, j) += value;
        break;
    case Parameter::Part::im:
        X(j, k) += 1i * value;
        X(k, j) -= 1i * value;
        break;
    case Parameter::Part::abs:
        elements.polar[{j, k}].first = value;
        break;
    case Parameter::Part::arg:
        elements.polar[{j, k}].second = value;
        break;
    }
}

Matrix3cd hermitian_matrix(const Elements& elements) {
    Matrix3cd X = elements.matrix;
    for (const auto& [position, value] : elements.polar) {
        const complex<double> z = value.first * std::exp(1i * value.second);
        X(position.first, position.second) += z;
        X(position.second, position.first) += std::conj(z);
    }
    return X;
}

//! Λ_l, l = 0, 1, 2, given by parts
struct MajoranaMoments {
    Vector3cd Lambda = Vector3cd::Zero();
    std::map<int, std::pair<double, double>> polar; // l → (abs, arg)
};

void set_majorana(MajoranaMoments& moments, const Parameter& parameter, double value) {
    const int l = parameter.row;
    switch (parameter.part) {
    case Parameter::Part::universal:
    case Parameter::Part::diagonal:
    case Parameter::Part::re:
        moments.Lambda[l] += value;
        break;
    case Parameter::Part::im:
        moments.Lambda[l] += 1i * value;
        break;
    case Parameter::Part::abs:
        moments.polar[l].first = value;
        break;
    case Parameter::Part::arg:
        moments.polar[l].second = value;
        break;
    }
}

//! (μ − iε)_jk = Σ_l ε_jkl Λ_l
Matrix3cd antisymmetric_matrix(const MajoranaMoments& moments) {
    Vector3cd Lambda = moments.Lambda;
    for (const auto& [l, value] : moments.polar) {
        Lambda[l] += value.first * std::exp(1i * value.second);
    }
    Matrix3cd M = Matrix3cd::Zero();
    for (const auto& [j, k, l] : {std::array{0, 1, 2}, std::array{1, 2, 0}, std::array{2, 0, 1}}) {
        M(j, k) += Lambda[l];
        M(k, j) -= Lambda[l];
    }
    return M;
}

// ---------------------------------------------------------------------------------------------------------------------
// The neutrino at the detector

/// A mixture of pure states that do not interfere with each other.
struct Mixture {
    struct State {
        double probability;
        Vector3cd psi; // amplitudes of the mass states
    };
    std::array<State, 3> states;
    int size = 0;

    void add(double probability, const Vector3cd& psi) {
        states[static_cast<std::size_t>(size++)] = {probability, psi};
    }
    const State* begin() const { return states.data(); }
    const State* end() const { return states.data() + size; }
};

//! Adiabatic conversion of ν_e in the Sun: what does not hang on the energy is worked out once.
class SolarConversion {
public:
    explicit SolarConversion(const Mixing& mixing)
        : cos2_13_(std::pow(std::cos(mixing.theta13), 2)), sin2_13_(std::pow(std::sin(mixing.theta13), 2)),
          cos_2theta_(std::cos(2 * mixing.theta12)), sin_2theta_(std::sin(2 * mixing.theta12)),
          dm21_(mixing.dm21 * 1e-12) {} // eV² → MeV²

    //! β/E of a zone [MeV^-1]
    double potential(const ProductionZone& zone) const {
        // mol/cm³ → cm^-3 → MeV³
        const double n_e = zone.electron_density * constants::avogadro * (hbar_c * hbar_c * hbar_c);
        return 2 * std::sqrt(2.0) * G_F * cos2_13_ * n_e / dm21_;
    }

    //! β = cos 2θ at the resonance [MeV]; none where it is not positive
    double resonance(const ProductionZone& zone) const { return cos_2theta_ / potential(zone); }
    //! [MeV]
    double width(const ProductionZone& zone) const { return std::abs(sin_2theta_ / potential(zone)); }

    //! Probabilities of the mass states
    Eigen::Vector3d operator()(const Beam& beam, double E) const {
        Eigen::Vector3d P(0, 0, sin2_13_);
        for (int i = 0; i < beam.n_zones; ++i) {
            const double beta = potential(beam.zones[i]) * E;
            // The mixing angle in matter: tan 2θ_m = sin 2θ / (cos 2θ − β), 2θ_m from 0 to π
            const double cos_2theta_m = (cos_2theta_ - beta) / std::hypot(sin_2theta_, cos_2theta_ - beta);
            P[0] += beam.zones[i].fraction * cos2_13_ * (1 + cos_2theta_m) / 2; // cos² θ_m
            P[1] += beam.zones[i].fraction * cos2_13_ * (1 - cos_2theta_m) / 2; // sin² θ_m
        }
        return P;
    }

private:
    double cos2_13_, sin2_13_, cos_2theta_, sin_2theta_, dm21_;
};

/// One pure state ψ_k(E, L) = U*_{ℓk} exp(−i m_k² L / 2E), U → U* for antineutrinos, without the phase unless
/// propagation is exact; or the three mass states, with |U_ℓk|² or the probabilities of the Sun.
Mixture states(const ReferencePoint& point, const Beam& beam, double E) {
    const int l = static_cast<int>(beam.flavour);
    Mixture mixture;
    if (beam.propagation == Propagation::decohered || beam.propagation == Propagation::solar) {
        Eigen::Vector3d P = point.U.row(l).cwiseAbs2();
        if (beam.propagation == Propagation::solar) {
            P = SolarConversion(point.mixing)(beam, E);
        }
        for (int k = 0; k < 3; ++k) {
            mixture.add(P[k], Vector3cd::Unit(k));
        }
        return mixture;
    }
    const double m2[3] = {0, point.mixing.dm21, point.mixing.dm31}; // eV²
    Vector3cd psi;
    for (int k = 0; k < 3; ++k) {
        psi[k] = beam.antineutrino ? point.U(l, k) : std::conj(point.U(l, k));
        if (beam.propagation == Propagation::exact) {
            // eV² m / MeV → 1: 1e-12 MeV²/eV², 100 cm/m, 1/ħc
            psi[k] *= std::exp(-1i * (m2[k] * 1e-12 * beam.baseline * 100 / (2 * E * hbar_c)));
        }
    }
    mixture.add(1, psi);
    return mixture;
}

// ---------------------------------------------------------------------------------------------------------------------
// Couplings

//! One number per flavour
using ByFlavour = std::array<double, 3>;

//! U† diag(g_e, g_μ, g_τ) U
Matrix3cd in_mass_basis(const ByFlavour& g, const Matrix3cd& U) {
    Matrix3cd X = Matrix3cd::Zero();
    for (int l = 0; l < 3; ++l) {
        X += g[static_cast<std::size_t>(l)] * U.row(l).adjoint() * U.row(l);
    }
    return X;
}

//! What a charge radius adds to g_V of the electron, per cm²: K = √2 π α / (3 G_F)
double radius_coupling() { return std::sqrt(2.0) * pi * alpha / (3 * G_F * hbar_c * hbar_c); }

//! Diagonal g_V and g_A of neutrino-electron scattering, the charged current of ν_e included
void electron_couplings(CouplingScheme scheme, double sin2_theta_w, ByFlavour& g_V, ByFlavour& g_A) {
    if (scheme == CouplingScheme::tree) {
        const double neutral = 2 * sin2_theta_w - 0.5;
        g_V = {neutral + 1, neutral, neutral};
        g_A = {-0.5 + 1, -0.5, -0.5};
        return;
    }
    g_V = {0.9521, -0.0397, -0.0353};
    g_A = {0.4938, -0.5062, -0.5062};
    for (std::size_t l = 0; l < 3; ++l) {
        g_V[l] += 2 * (sin2_theta_w - 0.23863);
        if (scheme == CouplingScheme::flavour_blind) {
            g_V[l] -= radius_coupling() * reference_standard_radius(static_cast<Flavour>(l));
        }
    }
}

//! g_V of the proton by flavour, and of the neutron
void nucleon_couplings(CouplingScheme scheme, double sin2_theta_w, ByFlavour& g_p, double& g_n) {
    if (scheme == CouplingScheme::tree) {
        g_p.fill(0.5 - 2 * sin2_theta_w);
        g_n = -0.5;
        return;
    }
    g_p = {0.0382, 0.0300, 0.0256};
    g_n = -0.5117;
    for (std::size_t l = 0; l < 3; ++l) {
        g_p[l] -= 2 * (sin2_theta_w - 0.23863);
        if (scheme == CouplingScheme::flavour_blind) {
            g_p[l] += radius_coupling() * reference_standard_radius(static_cast<Flavour>(l));
        }
    }
}

//! Form factors as a neutrino, or an antineutrino, shows them (γ⁵ → −1)
struct EffectiveFormFactors {
    Matrix3cd e, r2, mu; // e_ν [e], ⟨r²_ν⟩ [cm²], μ_ν [μ_B]
};

EffectiveFormFactors effective_form_factors(const ReferencePoint& point, bool antineutrino) {
    EffectiveFormFactors f{point.charge, point.charge_radius - 6.0 * point.anapole,
                           point.magnetic - 1i * point.electric};
    if (antineutrino) {
        f.e = (-f.e.transpose()).eval();
        f.r2 = (-f.r2.transpose()).eval();
        f.mu = (-f.mu.conjugate()).eval();
    }
    return f;
}

//! κ [e/q² + ⟨r²⟩/6], q² = −2mT < 0 [MeV²]
Matrix3cd photon_exchange(const EffectiveFormFactors& f, double q2) {
    return kappa * (f.e / q2 + f.r2 / (6 * hbar_c * hbar_c));
}

// ---------------------------------------------------------------------------------------------------------------------
// Electrons

/// What multiplies the amplitudes ψ_k of the mass states, at one recoil energy: ν_k + e → ν_j + e.
struct Vertices {
    Matrix3cd V;  //!< g'_V + Q̃(T)
    Matrix3cd A;  //!< g'_A
    Matrix3cd mu; //!< μ − iε [μ_B]
    Matrix3cd e;  //!< [e]
    Matrix3cd Q;  //!< κ e/q²: what the charge has in V
};

/// KS17 Eqs. (17)-(21): V_jk = g'_V,jk + κ [e_jk/q² + ⟨r²_ν⟩_jk/6], q² = −2 m_e T, κ = 2√2 π α / G_F.
Vertices vertices(const ReferencePoint& point, CouplingScheme scheme, bool antineutrino, double T) {
    ByFlavour g_V, g_A;
    electron_couplings(scheme, point.sin2_theta_w, g_V, g_A);
    Matrix3cd g_V_prime = in_mass_basis(g_V, point.U);
    Matrix3cd g_A_prime = in_mass_basis(g_A, point.U);
    if (antineutrino) {
        g_V_prime = (-g_V_prime.conjugate()).eval();
        g_A_prime = (-g_A_prime.conjugate()).eval();
    }
    const EffectiveFormFactors f = effective_form_factors(point, antineutrino);
    const double q2 = -2 * m_e * T;
    return {g_V_prime + photon_exchange(f, q2), g_A_prime, f.mu, f.e, kappa / q2 * f.e};
}

/// C1 = Σ_j |Σ_k V_jk ψ_k|², C2 the same of A, C3 = Σ_j (Σ_k A_jk ψ_k)* (Σ_k V_jk ψ_k), |μ_ν|² = Σ_j |Σ_k μ_jk ψ_k|²
/// (KS17 Eqs. 23-25, 27); states that do not interfere add in probability (KS17 Eqs. 42-45, with the factor of the last
/// sum of C3 in (44) as it follows from (25)). Of C1 and C3 the terms that are linear in the charge stand by themselves
/// too.
ReferenceCoefficients coefficients(const Vertices& v, const Mixture& neutrino) {
    ReferenceCoefficients C;
    for (const Mixture::State& state : neutrino) {
        for (int j = 0; j < 3; ++j) {
            complex<double> vector = 0, axial = 0, magnetic = 0, charge = 0, charge_in_vector = 0;
            for (int k = 0; k < 3; ++k) {
                vector += v.V(j, k) * state.psi[k];
                axial += v.A(j, k) * state.psi[k];
                magnetic += v.mu(j, k) * state.psi[k];
                charge += v.e(j, k) * state.psi[k];
                charge_in_vector += v.Q(j, k) * state.psi[k];
            }
            C.C1 += state.probability * std::norm(vector);
            C.C2 += state.probability * std::norm(axial);
            C.C3 += state.probability * std::conj(axial) * vector;
            C.mu2 += state.probability * std::norm(magnetic);
            C.e2 += state.probability * std::norm(charge);
            // |w + q|² = |w|² + 2 Re w*q + |q|²
            C.C1_interference +=
                state.probability * 2 * std::real(std::conj(vector - charge_in_vector) * charge_in_vector);
            C.C3_interference += state.probability * std::conj(axial) * charge_in_vector;
        }
    }
    return C;
}

//! Coefficients of three states that add with probabilities P
ReferenceCoefficients sum(double P1, const ReferenceCoefficients& a, double P2, const ReferenceCoefficients& b,
                          double P3, const ReferenceCoefficients& c) {
    return {P1 * a.C1 + P2 * b.C1 + P3 * c.C1,
            P1 * a.C2 + P2 * b.C2 + P3 * c.C2,
            P1 * a.C3 + P2 * b.C3 + P3 * c.C3,
            P1 * a.mu2 + P2 * b.mu2 + P3 * c.mu2,
            P1 * a.e2 + P2 * b.e2 + P3 * c.e2,
            P1 * a.C1_interference + P2 * b.C1_interference + P3 * c.C1_interference,
            P1 * a.C3_interference + P2 * b.C3_interference + P3 * c.C3_interference};
}

/// The two parts of KS17 Eqs. (22) and (26), with the erratum, on a free electron [cm²/MeV].
struct FreeElectron {
    double weak; //!< with charge and radius
    double magnetic;
};

//! s = +1 for neutrinos, −1 for antineutrinos
FreeElectron free_electron(const ReferenceCoefficients& C, bool antineutrino, double E, double T) {
    const double s = antineutrino ? -1 : 1;
    const double y = T / E;
    const double weak = G_F * G_F * m_e / (2 * pi) *
                        (C.C1 + C.C2 + 2 * s * C.C3.real() + (C.C1 + C.C2 - 2 * s * C.C3.real()) * (1 - y) * (1 - y) +
                         (C.C2 - C.C1) * m_e * T / (E * E));
    const double magnetic = pi * alpha * alpha / (m_e * m_e) * C.mu2 * (1 / T - 1 / E);
    return {weak * hbar_c * hbar_c, magnetic * hbar_c * hbar_c};
}

//! Electrons of a formula unit that a recoil of energy T frees
double free_electrons(const TargetMaterial& target, AtomicModel model, double T) {
    if (model == AtomicModel::free_electrons) {
        return target.n_electrons;
    }
    double sum = 0;
    for (const Shell& shell : target.shells) {
        if (T > shell.binding_energy) {
            sum += shell.electrons;
        }
    }
    return sum;
}

//! Equivalent photons: dσ/dT = (2α/π)(σ_γ(T)/T) ln(E/m_ν) |e_ν|²; what stands before the logarithm
double photon_absorption(const Channel& channel, double T) {
    if (channel.atomic != AtomicModel::equivalent_photon || !covers(channel.photoabsorption, T)) {
        return 0;
    }
    return 2 * alpha / pi * interpolate(channel.photoabsorption, T) / T;
}

double photon_logarithm(double E) {
    constexpr double m_nu = 1e-6; // MeV
    return std::log(E / m_nu);
}

double correction(const Table& table, double T) { return covers(table, T) ? interpolate(table, T) : 1; }

double atomic_cross_section(const ReferenceCoefficients& C, bool antineutrino, const TargetMaterial& target,
                            const Channel& channel, double E, double T) {
    // The term of C1 that is quadratic in the charge: what is left of C1 + … when only Q̃ = κ e/q² is there
    const double q2 = -2 * m_e * T;
    ReferenceCoefficients quadratic, linear;
    quadratic.C1 = kappa * kappa / (q2 * q2) * C.e2;
    linear.C1 = C.C1_interference;
    linear.C3 = C.C3_interference;
    const FreeElectron all = free_electron(C, antineutrino, E, T);
    const double charge = free_electron(quadratic, antineutrino, E, T).weak;
    const double interference = free_electron(linear, antineutrino, E, T).weak;
    const double weak = all.weak - charge - interference;

    const double n = free_electrons(target, channel.atomic, T);
    const double of_weak = correction(channel.weak_correction, T);
    // At most the geometric mean with that of stepping's |charge|², which is 1
    const double of_interference = channel.charge_interferes ? std::min(of_weak, std::sqrt(of_weak * 1)) : 0;
    const double of_magnetic = correction(channel.magnetic_correction, T);
    const double photons = photon_absorption(channel, T) * photon_logarithm(E) * C.e2;
    return n * (of_weak * weak + of_interference * interference + of_magnetic * all.magnetic) +
           std::max(n * charge, photons);
}

// ---------------------------------------------------------------------------------------------------------------------
// Nuclei

//! A nucleus at one recoil energy
struct Nucleus {
    double Z, N, M;
    double F_p, F_n, axial;
};

Nucleus nucleus_at(const Nuclide& nuclide, const Channel& channel, double T) {
    Nucleus x{static_cast<double>(nuclide.Z), static_cast<double>(nuclide.A - nuclide.Z), nuclide.mass, 0, 0, 0};
    const double q = std::sqrt(2 * nuclide.mass * T);
    x.F_p = reference_form_factor(channel.form_factor, q, nuclide.proton_radius);
    x.F_n = reference_form_factor(channel.form_factor, q, nuclide.neutron_radius);
    x.axial = channel.axial ? reference_axial_structure(nuclide) * x.F_p * x.F_p : 0;
    return x;
}

//! W = F_1 − Z F_ch Q with F_1 = Z g_V^p F_p + N g_V^n F_n; for antineutrinos F_1 → −F_1*, Q → −Q*
struct NuclearVertices {
    Matrix3cd W, mu;
};

NuclearVertices nuclear_vertices(const ReferencePoint& point, CouplingScheme scheme, bool antineutrino,
                                 const Nucleus& nucleus, double T) {
    ByFlavour g_p;
    double g_n = 0;
    nucleon_couplings(scheme, point.sin2_theta_w, g_p, g_n);
    ByFlavour F_1;
    for (std::size_t l = 0; l < 3; ++l) {
        F_1[l] = nucleus.Z * g_p[l] * nucleus.F_p + nucleus.N * g_n * nucleus.F_n;
    }
    Matrix3cd weak = in_mass_basis(F_1, point.U);
    if (antineutrino) {
        weak = (-weak.conjugate()).eval();
    }
    const EffectiveFormFactors f = effective_form_factors(point, antineutrino);
    return {weak - nucleus.Z * nucleus.F_p * photon_exchange(f, -2 * nucleus.M * T), f.mu};
}

//! C_V = Σ_j |Σ_k W_jk ψ_k|²
ReferenceNuclearCoefficients nuclear_coefficients(const NuclearVertices& v, const Mixture& neutrino) {
    ReferenceNuclearCoefficients C;
    for (const Mixture::State& state : neutrino) {
        C.C_V += state.probability * (v.W * state.psi).squaredNorm();
        C.mu2 += state.probability * (v.mu * state.psi).squaredNorm();
    }
    return C;
}

ReferenceNuclearCoefficients sum(double P1, const ReferenceNuclearCoefficients& a, double P2,
                                 const ReferenceNuclearCoefficients& b, double P3,
                                 const ReferenceNuclearCoefficients& c) {
    return {P1 * a.C_V + P2 * b.C_V + P3 * c.C_V, P1 * a.mu2 + P2 * b.mu2 + P3 * c.mu2};
}

/// dσ/dT = (G_F² M/π)(1 − T/E − M T/2E²) C_V + (G_F² M/2π)(2 + M T/E²) × axial
///         + (π α²/m_e²) |μ_ν|² Z² F_ch² (1/T − 1/E + T/4E²)
double nuclear_cross_section(const Nucleus& x, const ReferenceNuclearCoefficients& C, double E, double T) {
    const double vector = G_F * G_F * x.M / pi * (1 - T / E - x.M * T / (2 * E * E)) * C.C_V;
    const double axial = G_F * G_F * x.M / (2 * pi) * (2 + x.M * T / (E * E)) * x.axial;
    const double magnetic =
        pi * alpha * alpha / (m_e * m_e) * C.mu2 * x.Z * x.Z * x.F_p * x.F_p * (1 / T - 1 / E + T / (4 * E * E));
    return (vector + axial + magnetic) * hbar_c * hbar_c;
}

/// Coefficients as a function of the neutrino energy, from those of a mixture of states.
///
/// Mass states that add in probability have coefficients of their own, which do not depend on energy; in the Sun their
/// probabilities do.
template <class Coefficients, class OfMixture>
std::function<Coefficients(double)> by_energy(const ReferencePoint& point, const Beam& beam, const OfMixture& of) {
    if (beam.propagation == Propagation::exact) {
        return [&point, beam, of](double E) { return of(states(point, beam, E)); };
    }
    if (beam.propagation != Propagation::solar) {
        return [C = of(states(point, beam, 0))](double) { return C; };
    }
    std::array<Coefficients, 3> of_state;
    for (int k = 0; k < 3; ++k) {
        Mixture pure;
        pure.add(1, Vector3cd::Unit(k));
        of_state[static_cast<std::size_t>(k)] = of(pure);
    }
    return [beam, of_state, probabilities = SolarConversion(point.mixing)](double E) {
        const Eigen::Vector3d P = probabilities(beam, E);
        return sum(P[0], of_state[0], P[1], of_state[1], P[2], of_state[2]);
    };
}

} // namespace

namespace reference {

CrossSection electron_cross_section_at(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam,
                                       const TargetMaterial& target, const Channel& channel, double T) {
    const auto C = by_energy<ReferenceCoefficients>(
        point, beam, [v = vertices(point, scheme, beam.antineutrino, T)](const Mixture& neutrino) {
            return coefficients(v, neutrino);
        });
    return [=, &target, &channel](double E) {
        return atomic_cross_section(C(E), beam.antineutrino, target, channel, E, T);
    };
}

std::vector<double> solar_landmarks(const Mixing& mixing, const Beam& beam) {
    std::vector<double> landmarks;
    if (beam.propagation != Propagation::solar) {
        return landmarks;
    }
    const SolarConversion sun(mixing);
    for (int i = 0; i < beam.n_zones; ++i) {
        const double resonance = sun.resonance(beam.zones[i]), width = sun.width(beam.zones[i]);
        if (!(resonance > 0 && std::isfinite(resonance) && width < resonance / 4)) { // adaptive rules see it anyway
            continue;
        }
        landmarks.push_back(resonance);
        for (double beside = std::max(width, 1e-10 * resonance); beside < resonance; beside *= 8) {
            landmarks.insert(landmarks.end(), {resonance - beside, resonance + beside});
        }
    }
    std::sort(landmarks.begin(), landmarks.end());
    landmarks.erase(std::unique(landmarks.begin(), landmarks.end()), landmarks.end());
    return landmarks;
}

CrossSection photon_excess(const TargetMaterial& target, const Channel& channel, double T) {
    const double q2 = -2 * m_e * T;
    ReferenceCoefficients unit_charge;
    unit_charge.C1 = kappa * kappa / (q2 * q2);
    const double photons = photon_absorption(channel, T), n = free_electrons(target, channel.atomic, T);
    return [=](double E) { return photons * photon_logarithm(E) - n * free_electron(unit_charge, false, E, T).weak; };
}

CrossSection nuclear_cross_section_at(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam,
                                      const Nuclide& nuclide, const Channel& channel, double T) {
    const Nucleus x = nucleus_at(nuclide, channel, T);
    const auto C = by_energy<ReferenceNuclearCoefficients>(
        point, beam, [v = nuclear_vertices(point, scheme, beam.antineutrino, x, T)](const Mixture& neutrino) {
            return nuclear_coefficients(v, neutrino);
        });
    return [=](double E) { return nuclear_cross_section(x, C(E), E, T); };
}

} // namespace reference

CouplingScheme ReferencePoint::scheme(const Experiment& experiment) const {
    // A fit of the whole radius takes the SM part out of the couplings, and has it in the matrix.
    return charge_radius_mode == ChargeRadiusMode::total ? CouplingScheme::flavour_blind : experiment.couplings;
}

Eigen::Matrix3cd reference_mixing_matrix(const Mixing& mixing) {
    const auto rotation = [](int i, int j, double angle) {
        Matrix3cd R = Matrix3cd::Identity();
        R(i, i) = R(j, j) = std::cos(angle);
        R(i, j) = std::sin(angle);
        R(j, i) = -std::sin(angle);
        return R;
    };
    const auto phases = [](double second, double third) {
        Matrix3cd P = Matrix3cd::Identity();
        P(1, 1) = std::exp(1i * second);
        P(2, 2) = std::exp(1i * third);
        return P;
    };
    return rotation(1, 2, mixing.theta23) * phases(0, mixing.delta) * rotation(0, 2, mixing.theta13) *
           phases(0, -mixing.delta) * rotation(0, 1, mixing.theta12) * phases(mixing.alpha21 / 2, mixing.alpha31 / 2);
}

double reference_standard_radius(Flavour flavour) {
    const double masses[] = {constants::electron_mass, constants::muon_mass, constants::tau_mass};
    const double m = masses[static_cast<int>(flavour)], m_W = constants::w_mass;
    return -G_F / (2 * std::sqrt(2.0) * pi * pi) * (3 - 2 * std::log(m * m / (m_W * m_W))) * hbar_c * hbar_c;
}

ReferencePoint reference_point(const NeutrinoConfig& neutrino, const std::vector<FixedParameter>& fixed,
                               const std::vector<std::pair<Parameter, double>>& axis_values) {
    ReferencePoint point;
    point.mixing = neutrino.mixing;
    point.sin2_theta_w = neutrino.sin2_theta_w;
    point.charge_radius_mode = neutrino.charge_radius_mode;
    std::map<FormFactor, Elements> elements;
    MajoranaMoments majorana;
    std::set<int> given_radii; // rows of the diagonal elements of the charge radius
    const auto set = [&](const Parameter& parameter, double value) {
        switch (parameter.kind) {
        case Parameter::Kind::element:
            set_element(elements[parameter.form_factor], parameter, value);
            if (parameter.form_factor == FormFactor::charge_radius && parameter.part == Parameter::Part::diagonal) {
                given_radii.insert(parameter.row);
            }
            break;
        case Parameter::Kind::majorana_moment:
            set_majorana(majorana, parameter, value);
            break;
        case Parameter::Kind::sin2_theta_w:
            point.sin2_theta_w = value;
            break;
        case Parameter::Kind::mixing:
            set_mixing(point.mixing, parameter.mixing, value);
            break;
        case Parameter::Kind::normalisation:
            point.normalisations[{parameter.experiment, parameter.background}] = value;
            break;
        case Parameter::Kind::systematic:
            point.systematics[{parameter.experiment, parameter.background}] = value;
            break;
        case Parameter::Kind::baseline:
            point.baselines[parameter.experiment] = value;
            break;
        case Parameter::Kind::proton_radius:
            point.proton_radii[parameter.nuclide] = value;
            break;
        case Parameter::Kind::neutron_radius:
            point.neutron_radii[parameter.nuclide] = value;
            break;
        }
    };
    for (const FixedParameter& f : fixed) {
        set(f.parameter, f.value);
    }
    for (const auto& [parameter, value] : axis_values) {
        set(parameter, value);
        if (parameter.kind == Parameter::Kind::normalisation || parameter.kind == Parameter::Kind::systematic) {
            point.scanned.insert({parameter.experiment, parameter.background});
        }
    }
    point.U = reference_mixing_matrix(point.mixing);
    const auto mass_matrix = [&](FormFactor form_factor) -> Matrix3cd {
        const Matrix3cd X = hermitian_matrix(elements[form_factor]);
        if (neutrino.basis == Basis::mass) {
            return X;
        }
        // X_{ℓ'ℓ} = Σ_jk U_{ℓ'j} U*_{ℓk} X_jk, turned round
        return point.U.adjoint() * X * point.U;
    };
    point.charge = mass_matrix(FormFactor::charge);
    point.charge_radius = mass_matrix(FormFactor::charge_radius);
    point.anapole = mass_matrix(FormFactor::anapole);
    point.magnetic = mass_matrix(FormFactor::magnetic_moment);
    point.electric = mass_matrix(FormFactor::electric_moment);
    if (neutrino.charge_radius_mode == ChargeRadiusMode::total) {
        // The diagonal in the flavour basis starts at the SM values, unless given.
        ByFlavour standard;
        for (int l = 0; l < 3; ++l) {
            const bool given = neutrino.basis == Basis::flavour && given_radii.count(l) > 0;
            standard[static_cast<std::size_t>(l)] = given ? 0 : reference_standard_radius(static_cast<Flavour>(l));
        }
        point.charge_radius += in_mass_basis(standard, point.U);
    }
    // M = μ − iε with Hermitian μ and ε: μ = (M + M†)/2, ε = i (M − M†)/2
    const Matrix3cd M = antisymmetric_matrix(majorana);
    point.magnetic += (M + M.adjoint()) / 2.0;
    point.electric += 1i * (M - M.adjoint()) / 2.0;
    return point;
}

Eigen::Vector3d reference_solar_weights(const Mixing& mixing, const Beam& beam, double E) {
    return SolarConversion(mixing)(beam, E);
}

ReferenceCoefficients reference_coefficients(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam,
                                             double E, double T) {
    return coefficients(vertices(point, scheme, beam.antineutrino, T), states(point, beam, E));
}

double reference_cross_section(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam, double E,
                               double T) {
    if (!(T > 0 && T <= largest_recoil(E, m_e))) {
        return 0;
    }
    const FreeElectron sigma =
        free_electron(reference_coefficients(point, scheme, beam, E, T), beam.antineutrino, E, T);
    return sigma.weak + sigma.magnetic;
}

double reference_atomic_cross_section(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam,
                                      const TargetMaterial& target, const Channel& channel, double E, double T) {
    if (!(T > 0 && T <= largest_recoil(E, m_e))) {
        return 0;
    }
    return electron_cross_section_at(point, scheme, beam, target, channel, T)(E);
}

double reference_form_factor(NuclearFormFactor shape, double q, double radius) {
    const double k = q / (hbar_c * 1e13); // fm^-1
    const auto sphere = [&](double R) { return 3 * boost::math::sph_bessel(1, k * R) / (k * R); };
    switch (shape) {
    case NuclearFormFactor::helm: {
        const double s = 0.9;
        return sphere(std::sqrt(5.0 / 3 * (radius * radius - 3 * s * s))) * std::exp(-k * k * s * s / 2);
    }
    case NuclearFormFactor::klein_nystrand: {
        const double a = 0.7;
        return sphere(std::sqrt(5.0 / 3 * (radius * radius - 6 * a * a))) / (1 + k * k * a * a);
    }
    case NuclearFormFactor::symmetrised_fermi: {
        // D. W. L. Sprung, J. Martorell, J. Phys. A 30, 6525 (1997), in long double for what cancels at small q
        const long double pi_a = 3.14159265358979323846L * 0.523L;
        const long double c = std::sqrt((5.0L * radius * radius - 7 * pi_a * pi_a) / 3);
        const long double x = k * c, y = k * pi_a;
        return static_cast<double>(3 / (x * (x * x + y * y)) * y / std::sinh(y) *
                                   (y * std::cosh(y) / std::sinh(y) * std::sin(x) - x * std::cos(x)));
    }
    case NuclearFormFactor::unity:
        break;
    }
    return 1;
}

double reference_axial_structure(const Nuclide& nuclide) {
    struct Spins {
        double proton, neutron;
    };
    static const std::map<std::string, Spins> known{
        {"H1", {0.5, 0}},         {"F19", {0.478, -0.002}},  {"Na23", {0.224, 0.024}},
        {"Al27", {0.326, 0.038}}, {"Si29", {0.016, 0.156}},  {"Ge73", {0.031, 0.439}},
        {"I127", {0.342, 0.031}}, {"Xe129", {0.010, 0.329}}, {"Xe131", {-0.009, -0.272}}};
    const auto spins = known.find(nuclide.name);
    if (spins == known.end() || nuclide.spin == 0) {
        return 0;
    }
    const double g_A = 1.2754, J = nuclide.spin;
    return (J + 1) / (3 * J) * std::pow(g_A * (spins->second.proton - spins->second.neutron), 2);
}

ReferenceNuclearCoefficients reference_nuclear_coefficients(const ReferencePoint& point, CouplingScheme scheme,
                                                            const Beam& beam, const Nuclide& nuclide,
                                                            const Channel& channel, double E, double T) {
    const Nucleus x = nucleus_at(nuclide, channel, T);
    return nuclear_coefficients(nuclear_vertices(point, scheme, beam.antineutrino, x, T), states(point, beam, E));
}

double reference_nuclear_cross_section(const ReferencePoint& point, CouplingScheme scheme, const Beam& beam,
                                       const Nuclide& nuclide, const Channel& channel, double E, double T) {
    if (!(T > 0 && T <= largest_recoil(E, nuclide.mass))) {
        return 0;
    }
    return nuclear_cross_section_at(point, scheme, beam, nuclide, channel, T)(E);
}

} // namespace nuscan
