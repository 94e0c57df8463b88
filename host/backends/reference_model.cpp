// SPDX-License-Identifier: Apache-2.0
#include "backends/reference_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>

#include <Eigen/Dense>
#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <boost/math/tools/roots.hpp>

namespace nuscan {
namespace {

using std::complex;
using namespace std::complex_literals;
using Eigen::ArrayXd;
using Eigen::Matrix3cd;

constexpr double pi = constants::pi;
constexpr double alpha = constants::alpha;
constexpr double G_F = constants::fermi;         // MeV^-2
constexpr double hbar_c = constants::hbar_c;     // MeV cm
constexpr double m_e = constants::electron_mass; // MeV

//! Where a Gaussian is cut, in standard deviations: e^{−9²/2} = 2.6e-18
constexpr double gaussian_reach = 9;

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

// ---------------------------------------------------------------------------------------------------------------------
// Cross-section

/// What multiplies the amplitudes ψ_k of the mass states, at one recoil energy: ν_k + e → ν_j + e.
struct Vertices {
    Matrix3cd V;  //!< g'_V + Q̃(T)
    Matrix3cd A;  //!< g'_A
    Matrix3cd mu; //!< μ − iε [μ_B]
};

/// KS17 Eqs. (17)-(21): V_jk = g'_V,jk + κ [e_jk/q² + ⟨r²_ν⟩_jk/6], q² = −2 m_e T, κ = 2√2 π α / G_F.
Vertices vertices(const ReferencePoint& point, bool antineutrino, double T) {
    const Matrix3cd& U = point.U;
    const double g_V = 2 * point.sin2_theta_w - 0.5;
    const double g_A = -0.5;
    Matrix3cd g_V_prime = g_V * Matrix3cd::Identity();
    Matrix3cd g_A_prime = g_A * Matrix3cd::Identity();
    for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 3; ++k) {
            g_V_prime(j, k) += std::conj(U(0, j)) * U(0, k);
            g_A_prime(j, k) += std::conj(U(0, j)) * U(0, k);
        }
    }
    Matrix3cd e = point.charge;
    Matrix3cd r2 = point.charge_radius - 6.0 * point.anapole; // γ⁵ → −1
    Matrix3cd mu = point.magnetic - 1i * point.electric;
    if (antineutrino) {
        g_V_prime = (-g_V_prime.conjugate()).eval();
        g_A_prime = (-g_A_prime.conjugate()).eval();
        e = (-e.transpose()).eval();
        r2 = (-r2.transpose()).eval();
        mu = (-mu.conjugate()).eval();
    }
    const double kappa = 2 * std::sqrt(2.0) * pi * alpha / G_F; // MeV²
    const double q2 = -2 * m_e * T;                             // MeV²
    const Matrix3cd Q_tilde = kappa * (e / q2 + r2 / (6 * hbar_c * hbar_c));
    return {g_V_prime + Q_tilde, g_A_prime, mu};
}

/// ψ_k(E, L) = U*_{ℓk} exp(−i m_k² L / 2E), U → U* for antineutrinos; without the phase unless propagation is exact.
std::array<complex<double>, 3> amplitudes(const ReferencePoint& point, const ReferenceBeam& beam, double E) {
    const double m2[3] = {0, point.mixing.dm21, point.mixing.dm31}; // eV²
    std::array<complex<double>, 3> psi;
    for (int k = 0; k < 3; ++k) {
        const complex<double> U_lk = point.U(static_cast<int>(beam.flavour), k);
        psi[k] = beam.antineutrino ? U_lk : std::conj(U_lk);
        if (beam.propagation == Propagation::exact) {
            // eV² m / MeV → 1: 1e-12 MeV²/eV², 100 cm/m, 1/ħc
            psi[k] *= std::exp(-1i * (m2[k] * 1e-12 * beam.baseline * 100 / (2 * E * hbar_c)));
        }
    }
    return psi;
}

/// C1 = Σ_j |Σ_k V_jk ψ_k|², C2 the same of A, C3 = Σ_j (Σ_k A_jk ψ_k)* (Σ_k V_jk ψ_k), |μ_ν|² = Σ_j |Σ_k μ_jk ψ_k|²;
/// without coherence the mass states add in probability (KS17 Eqs. 23-25, 27, 42-45, with the factor of the last sum of
/// C3 in (44) as it follows from (25)).
ReferenceCoefficients coefficients(const Vertices& v, const ReferencePoint& point, const ReferenceBeam& beam,
                                   double E) {
    ReferenceCoefficients C;
    if (beam.propagation == Propagation::decohered) {
        for (int k = 0; k < 3; ++k) {
            const double P_k = std::norm(point.U(static_cast<int>(beam.flavour), k));
            for (int j = 0; j < 3; ++j) {
                C.C1 += P_k * std::norm(v.V(j, k));
                C.C2 += P_k * std::norm(v.A(j, k));
                C.C3 += P_k * std::conj(v.A(j, k)) * v.V(j, k);
                C.mu2 += P_k * std::norm(v.mu(j, k));
            }
        }
        return C;
    }
    const std::array<complex<double>, 3> psi = amplitudes(point, beam, E);
    for (int j = 0; j < 3; ++j) {
        complex<double> vector = 0, axial = 0, magnetic = 0;
        for (int k = 0; k < 3; ++k) {
            vector += v.V(j, k) * psi[k];
            axial += v.A(j, k) * psi[k];
            magnetic += v.mu(j, k) * psi[k];
        }
        C.C1 += std::norm(vector);
        C.C2 += std::norm(axial);
        C.C3 += std::conj(axial) * vector;
        C.mu2 += std::norm(magnetic);
    }
    return C;
}

/// KS17 Eqs. (22), (26) with the erratum; s = +1 for neutrinos, −1 for antineutrinos.
double cross_section(const ReferenceCoefficients& C, bool antineutrino, double E, double T) {
    const double s = antineutrino ? -1 : 1;
    const double y = T / E;
    const double weak = G_F * G_F * m_e / (2 * pi) *
                        (C.C1 + C.C2 + 2 * s * C.C3.real() + (C.C1 + C.C2 - 2 * s * C.C3.real()) * (1 - y) * (1 - y) +
                         (C.C2 - C.C1) * m_e * T / (E * E));
    const double magnetic = pi * alpha * alpha / (m_e * m_e) * C.mu2 * (1 / T - 1 / E);
    return (weak + magnetic) * hbar_c * hbar_c;
}

double T_max(double E) { return 2 * E * E / (m_e + 2 * E); }
double E_min(double T) { return (T + std::sqrt(T * (T + 2 * m_e))) / 2; }

// ---------------------------------------------------------------------------------------------------------------------
// Integrals

/// ∫_a^b f dx, adaptive Gauss-Kronrod.
///
/// On [−1, 1], because Boost 1.74 compares the error of the mapped integral with the estimate of the unmapped one.
template <class F>
double integral(const F& f, double a, double b) {
    const double middle = (a + b) / 2, half = (b - a) / 2;
    const auto mapped = [&](double x) { return f(middle + half * x); };
    return half * boost::math::quadrature::gauss_kronrod<double, 15>::integrate(mapped, -1.0, 1.0, 12, 1e-12);
}

//! ∫_a^b f dx for a function that is smooth between the \p kinks only
template <class F>
double integral(const F& f, double a, double b, const std::vector<double>& kinks) {
    double sum = 0;
    double left = a;
    for (auto kink = std::upper_bound(kinks.begin(), kinks.end(), a); kink != kinks.end() && *kink < b; ++kink) {
        sum += integral(f, left, *kink);
        left = *kink;
    }
    return left < b ? sum + integral(f, left, b) : sum;
}

//! Value and error of an integral of many functions at once
struct Estimate {
    ArrayXd value, error;
};

using ManyFunctions = std::function<ArrayXd(double)>;

//! One 15-point Gauss-Kronrod rule on [a, b]; the error is the difference from the 7-point Gauss rule inside it
Estimate gauss_kronrod(const ManyFunctions& f, double a, double b) {
    using Kronrod = boost::math::quadrature::gauss_kronrod<double, 15>;
    using Gauss = boost::math::quadrature::gauss<double, 7>;
    const double middle = (a + b) / 2, half = (b - a) / 2;
    const ArrayXd centre = f(middle);
    ArrayXd kronrod = centre * Kronrod::weights()[0];
    ArrayXd gauss = centre * Gauss::weights()[0];
    for (std::size_t i = 1; i < Kronrod::abscissa().size(); ++i) {
        const double x = half * Kronrod::abscissa()[i];
        const ArrayXd pair = f(middle - x) + f(middle + x);
        kronrod += pair * Kronrod::weights()[i];
        if (i % 2 == 0) {
            gauss += pair * Gauss::weights()[i / 2];
        }
    }
    return {half * kronrod, half * (kronrod - gauss).abs()};
}

//! Halves [a, b] until no error exceeds what is \p allowed, or rounding
ArrayXd refine(const ManyFunctions& f, double a, double b, const Estimate& whole, const ArrayXd& allowed, int depth) {
    if (depth == 0 || (whole.error <= allowed.max(1e-14 * whole.value.abs())).all()) {
        return whole.value;
    }
    const double middle = (a + b) / 2;
    return refine(f, a, middle, gauss_kronrod(f, a, middle), allowed, depth - 1) +
           refine(f, middle, b, gauss_kronrod(f, middle, b), allowed, depth - 1);
}

/// Integrals of many functions between consecutive \p limits, each to \p tolerance relative to the sum.
ArrayXd integrals(const ManyFunctions& f, const std::vector<double>& limits, int n_functions, double tolerance) {
    std::vector<Estimate> first;
    ArrayXd sum = ArrayXd::Zero(n_functions);
    for (std::size_t i = 0; i + 1 < limits.size(); ++i) {
        first.push_back(gauss_kronrod(f, limits[i], limits[i + 1]));
        sum += first.back().value;
    }
    // A function that is next to nothing beside the others need not be known to its last digits.
    const ArrayXd allowed = tolerance * sum.abs().max(1e-12 * sum.abs().sum());
    ArrayXd result = ArrayXd::Zero(n_functions);
    for (std::size_t i = 0; i < first.size(); ++i) {
        result += refine(f, limits[i], limits[i + 1], first[i], allowed, 30);
    }
    return result;
}

void sort_unique(std::vector<double>& x) {
    std::sort(x.begin(), x.end());
    x.erase(std::unique(x.begin(), x.end()), x.end());
}

// ---------------------------------------------------------------------------------------------------------------------
// Experiments

//! Linear between the knots, zero outside
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

double efficiency(const EnergyResponse& response, double energy) {
    return response.efficiency.x.empty() ? 1 : interpolate(response.efficiency, energy);
}

double resolution(const EnergyResponse& response, double T) {
    return response.sqrt_term * std::sqrt(T) + response.constant_term + response.linear_term * T;
}

//! Σ_sources ∫ dE flux(E) dσ/dT(E, T) [cm²/MeV cm^-2 s^-1]
double rate_per_electron(const Experiment& experiment, const ReferencePoint& point, double T) {
    double rate = 0;
    for (const Source& source : experiment.sources) {
        const ReferenceBeam beam{source.flavour, source.antineutrino, source.propagation, source.baseline};
        const Vertices v = vertices(point, beam.antineutrino, T);
        // Only exact phases depend on energy.
        const bool depends_on_energy = beam.propagation == Propagation::exact;
        const ReferenceCoefficients constant =
            depends_on_energy ? ReferenceCoefficients{} : coefficients(v, point, beam, 0);
        const auto dsigma_dT = [&](double E) {
            return cross_section(depends_on_energy ? coefficients(v, point, beam, E) : constant, beam.antineutrino, E,
                                 T);
        };
        for (const SpectralLine& line : source.lines) {
            if (T <= T_max(line.energy)) {
                rate += source.flux * line.fraction * dsigma_dT(line.energy);
            }
        }
        if (!source.spectrum.x.empty()) {
            const double low = std::max(E_min(T), source.spectrum.x.front());
            const double high = source.spectrum.x.back();
            if (low < high) {
                const auto integrand = [&](double E) { return interpolate(source.spectrum, E) * dsigma_dT(E); };
                rate += source.flux * integral(integrand, low, high, source.spectrum.x);
            }
        }
    }
    return rate;
}

double electrons(const ElectronTarget& target, double T) {
    double sum = 0;
    for (const Shell& shell : target.shells) {
        if (T > shell.binding_energy) {
            sum += shell.electrons;
        }
    }
    return sum;
}

//! Highest recoil energy that the sources give
double highest_recoil(const Experiment& experiment) {
    double high = 0;
    for (const Source& source : experiment.sources) {
        for (const SpectralLine& line : source.lines) {
            high = std::max(high, T_max(line.energy));
        }
        if (!source.spectrum.x.empty()) {
            high = std::max(high, T_max(source.spectrum.x.back()));
        }
    }
    return high;
}

/// Limits of the intervals in recoil energy between which the integrand is smooth, in order.
std::vector<double> recoil_limits(const Experiment& experiment) {
    const EnergyResponse& response = experiment.response;
    double low = std::numeric_limits<double>::infinity();
    for (const Shell& shell : experiment.target.shells) {
        low = std::min(low, shell.binding_energy);
    }
    low = std::max(low, min_recoil);

    double high = highest_recoil(experiment);
    const double last_edge = experiment.bin_edges.back();
    // Beyond this energy, nothing is reconstructed in the last bin. T − 9σ(T) may have a root or not (wide resolution).
    const auto out_of_reach = [&](double T) { return T - gaussian_reach * resolution(response, T) > last_edge; };
    if (high > last_edge && out_of_reach(high)) {
        double inside = last_edge, outside = high;
        for (int i = 0; i < 60; ++i) {
            const double middle = (inside + outside) / 2;
            (out_of_reach(middle) ? outside : inside) = middle;
        }
        high = outside;
    }

    std::vector<double> limits{low, high};
    for (const Shell& shell : experiment.target.shells) {
        limits.push_back(shell.binding_energy);
    }
    for (const Source& source : experiment.sources) {
        for (const SpectralLine& line : source.lines) {
            limits.push_back(T_max(line.energy));
        }
        for (const double E : source.spectrum.x) {
            limits.push_back(T_max(E));
        }
    }
    // R_b(T) rises over a few σ about the edges of a bin.
    for (const double edge : experiment.bin_edges) {
        const double sigma = resolution(response, edge);
        limits.insert(limits.end(), {edge - gaussian_reach * sigma, edge, edge + gaussian_reach * sigma});
    }
    // A kink of the efficiency is smoothed away unless it applies to T itself or the resolution is finer than its
    // table.
    const std::vector<double>& knots = response.efficiency.x;
    for (std::size_t i = 0; i < knots.size(); ++i) {
        const double spacing = i + 1 < knots.size() ? knots[i + 1] - knots[i] : std::numeric_limits<double>::infinity();
        if (response.efficiency_of_true_energy || resolution(response, knots[i]) < spacing / 4) {
            limits.push_back(knots[i]);
        }
    }
    std::erase_if(limits, [&](double T) { return !(T >= low && T <= high); });
    sort_unique(limits);
    return limits;
}

//! NuFIT 6.0 values of the ordering, as quoted
Mixing nominal_mixing(bool inverted_ordering) {
    constexpr double degree = pi / 180;
    Mixing mixing;
    mixing.theta12 = 33.68 * degree;
    mixing.dm21 = 7.49e-5;
    if (inverted_ordering) {
        mixing.theta13 = 8.59 * degree;
        mixing.theta23 = 47.9 * degree;
        mixing.delta = 274 * degree;
        mixing.dm31 = -2.484e-3 + mixing.dm21; // Δm²31 = Δm²32 + Δm²21
    } else {
        mixing.theta13 = 8.56 * degree;
        mixing.theta23 = 43.3 * degree;
        mixing.delta = 212 * degree;
        mixing.dm31 = 2.513e-3;
    }
    return mixing;
}

// ---------------------------------------------------------------------------------------------------------------------
// χ²

double baker_cousins(double N, double n) { return n > 0 ? 2 * (N - n + n * std::log(n / N)) : 2 * N; }

using Eigen::MatrixXd;
using Eigen::VectorXd;

struct Counts {
    const std::vector<double>& observed;
    const std::vector<double>& fixed;
    const std::vector<std::vector<double>>& templates;
    const std::vector<double>& sigmas;

    double prediction(const VectorXd& y, std::size_t b) const {
        double N = fixed[b];
        for (std::size_t k = 0; k < templates.size(); ++k) {
            N += y[static_cast<Eigen::Index>(k)] * templates[k][b];
        }
        return N;
    }

    double chi2(const VectorXd& y) const {
        double sum = 0;
        for (std::size_t b = 0; b < observed.size(); ++b) {
            sum += baker_cousins(prediction(y, b), observed[b]);
        }
        for (std::size_t k = 0; k < sigmas.size(); ++k) {
            sum += std::pow((y[static_cast<Eigen::Index>(k)] - 1) / sigmas[k], 2);
        }
        return sum;
    }
};

//! Root of the derivative of χ² in one normalisation, which rises everywhere; zero where it is positive there
double fit_one(const Counts& c) {
    const auto derivative = [&](double y) {
        double slope = 2 * (y - 1) / (c.sigmas[0] * c.sigmas[0]);
        for (std::size_t b = 0; b < c.observed.size(); ++b) {
            const double B = c.templates[0][b];
            const double N = c.fixed[b] + y * B;
            if (B != 0) {
                slope += 2 * B - (c.observed[b] > 0 ? 2 * B * c.observed[b] / N : 0);
            }
        }
        return slope;
    };
    if (derivative(0) >= 0) { // −inf where a bin with counts is empty at y = 0
        return 0;
    }
    double low = 0, high = 1;
    while (derivative(high) < 0 && high < 1e200) {
        low = high;
        high *= 2;
    }
    while (low == 0 && derivative(high / 2) > 0 && high > 1e-200) {
        high /= 2;
    }
    low = std::max(low, high / 2);
    if (derivative(low) >= 0) {
        return low;
    }
    std::uintmax_t iterations = 300;
    const auto bracket = boost::math::tools::toms748_solve(
        derivative, low, high, [](double a, double b) { return std::abs(a - b) <= 4e-16 * std::abs(b); }, iterations);
    return (bracket.first + bracket.second) / 2;
}

/// χ² − t Σ ln y_k along t → 0. Both parts are self-concordant, so that Newton's method converges from anywhere inside,
/// and the minimum of χ² is less than K t below.
VectorXd fit_many(const Counts& c) {
    const auto K = static_cast<Eigen::Index>(c.templates.size());
    VectorXd y = VectorXd::Ones(K);
    const auto objective = [&](const VectorXd& at, double t) { return c.chi2(at) - t * at.array().log().sum(); };
    for (double t = 1; t > 1e-14; t /= 4) {
        for (int iteration = 0; iteration < 200; ++iteration) {
            VectorXd gradient = -t * y.cwiseInverse();
            MatrixXd hessian = (t * y.array().square().inverse()).matrix().asDiagonal();
            for (Eigen::Index k = 0; k < K; ++k) {
                const double weight = 2 / (c.sigmas[k] * c.sigmas[k]);
                gradient[k] += weight * (y[k] - 1);
                hessian(k, k) += weight;
            }
            for (std::size_t b = 0; b < c.observed.size(); ++b) {
                VectorXd B(K);
                for (Eigen::Index k = 0; k < K; ++k) {
                    B[k] = c.templates[k][b];
                }
                const double N = c.prediction(y, b), n = c.observed[b];
                gradient += n > 0 ? VectorXd(2 * (1 - n / N) * B) : VectorXd(2 * B);
                if (n > 0) {
                    hessian += 2 * n / (N * N) * B * B.transpose();
                }
            }
            // In units of y, where all pivots are of the size of t or larger
            const VectorXd step =
                -(y.asDiagonal() *
                  (MatrixXd(y.asDiagonal() * hessian * y.asDiagonal()).ldlt().solve(y.asDiagonal() * gradient)));
            const double decrement = -gradient.dot(step);
            double length = 1;
            while ((y + length * step).minCoeff() <= 0) {
                length /= 2;
            }
            const double before = objective(y, t);
            for (int halving = 0; halving < 60; ++halving, length /= 2) {
                const double after = objective(y + length * step, t);
                if (after <= before - 0.1 * length * decrement + 1e-15 * std::abs(before)) {
                    break;
                }
            }
            y += length * step;
            if (!(decrement > 1e-3 * t)) {
                break;
            }
        }
    }
    return y;
}

} // namespace

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

ReferencePoint reference_point(const NeutrinoConfig& neutrino, const std::vector<FixedParameter>& fixed,
                               const std::vector<std::pair<Parameter, double>>& axis_values) {
    ReferencePoint point;
    point.mixing = neutrino.mixing;
    point.sin2_theta_w = neutrino.sin2_theta_w;
    std::map<FormFactor, Elements> elements;
    const auto set = [&](const Parameter& parameter, double value) {
        switch (parameter.kind) {
        case Parameter::Kind::element:
            set_element(elements[parameter.form_factor], parameter, value);
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
        }
    };
    for (const FixedParameter& f : fixed) {
        set(f.parameter, f.value);
    }
    for (const auto& [parameter, value] : axis_values) {
        set(parameter, value);
        if (parameter.kind == Parameter::Kind::normalisation) {
            point.scanned.insert({parameter.experiment, parameter.background});
        }
    }
    point.U = reference_mixing_matrix(point.mixing);
    const auto in_mass_basis = [&](FormFactor form_factor) -> Matrix3cd {
        const Matrix3cd X = hermitian_matrix(elements[form_factor]);
        if (neutrino.basis == Basis::mass) {
            return X;
        }
        // X_{ℓ'ℓ} = Σ_jk U_{ℓ'j} U*_{ℓk} X_jk, turned round
        return point.U.adjoint() * X * point.U;
    };
    point.charge = in_mass_basis(FormFactor::charge);
    point.charge_radius = in_mass_basis(FormFactor::charge_radius);
    point.anapole = in_mass_basis(FormFactor::anapole);
    point.magnetic = in_mass_basis(FormFactor::magnetic_moment);
    point.electric = in_mass_basis(FormFactor::electric_moment);
    return point;
}

ReferenceCoefficients reference_coefficients(const ReferencePoint& point, const ReferenceBeam& beam, double E,
                                             double T) {
    return coefficients(vertices(point, beam.antineutrino, T), point, beam, E);
}

double reference_cross_section(const ReferencePoint& point, const ReferenceBeam& beam, double E, double T) {
    if (!(T > 0 && T <= T_max(E))) {
        return 0;
    }
    return cross_section(reference_coefficients(point, beam, E, T), beam.antineutrino, E, T);
}

double reference_acceptance(const EnergyResponse& response, double T, double low, double high) {
    const double sigma = resolution(response, T);
    const double accepted = response.efficiency_of_true_energy ? efficiency(response, T) : 1;
    const auto efficiency_at = [&](double reconstructed) {
        return response.efficiency_of_true_energy ? 1 : efficiency(response, reconstructed);
    };
    if (sigma == 0) {
        return T > low && T < high ? accepted * efficiency_at(T) : 0;
    }
    // In z = (E_rec − T)/σ, which keeps its digits where σ is small
    const auto in_sigmas = [&](double reconstructed) { return (reconstructed - T) / sigma; };
    const double z_low = std::max(in_sigmas(low), -gaussian_reach);
    const double z_high = std::min(in_sigmas(high), gaussian_reach);
    if (!(z_low < z_high) || accepted == 0) {
        return 0;
    }
    std::vector<double> kinks{-6.5, -4.5, -2.5, -1.0, 1.0, 2.5, 4.5, 6.5};
    if (!response.efficiency_of_true_energy) {
        const std::vector<double>& knots = response.efficiency.x;
        std::transform(std::upper_bound(knots.begin(), knots.end(), low),
                       std::lower_bound(knots.begin(), knots.end(), high), std::back_inserter(kinks), in_sigmas);
        sort_unique(kinks);
    }
    const auto integrand = [&](double z) {
        return efficiency_at(T + z * sigma) * std::exp(-z * z / 2) / std::sqrt(2 * pi);
    };
    return accepted * integral(integrand, z_low, z_high, kinks);
}

std::vector<double> reference_signal(const Experiment& experiment, const ReferencePoint& point, double tolerance) {
    const int n_bins = experiment.n_bins();
    // In x = ln T, as the charge term goes with 1/T²: dT = T dx.
    const ManyFunctions integrand = [&](double x) -> ArrayXd {
        const double T = std::exp(x);
        ArrayXd accepted(n_bins);
        for (int b = 0; b < n_bins; ++b) {
            accepted[b] =
                reference_acceptance(experiment.response, T, experiment.bin_edges[b], experiment.bin_edges[b + 1]);
        }
        if ((accepted == 0).all()) {
            return accepted;
        }
        return accepted * (T * electrons(experiment.target, T) * rate_per_electron(experiment, point, T));
    };
    std::vector<double> limits = recoil_limits(experiment);
    for (double& limit : limits) {
        limit = std::log(limit);
    }
    sort_unique(limits);
    const ArrayXd signal =
        experiment.target.atoms * experiment.live_time * integrals(integrand, limits, n_bins, tolerance);
    return {signal.begin(), signal.end()};
}

ReferenceFit reference_fit(const std::vector<double>& counts, const std::vector<double>& fixed,
                           const std::vector<std::vector<double>>& templates, const std::vector<double>& sigmas) {
    ReferenceFit fit;
    for (std::size_t b = 0; b < counts.size(); ++b) {
        double possible = fixed[b];
        for (const std::vector<double>& B : templates) {
            possible += B[b];
        }
        if (std::isnan(possible)) {
            fit.status = PointStatus::not_a_number;
        } else if (!(possible > 0) && counts[b] > 0 && fit.status != PointStatus::not_a_number) {
            fit.status = PointStatus::empty_prediction;
        }
    }
    fit.normalisations.assign(templates.size(), 1);
    if (fit.status != PointStatus::ok) {
        fit.chi2 = fit.status == PointStatus::not_a_number ? std::numeric_limits<double>::quiet_NaN()
                                                           : std::numeric_limits<double>::infinity();
        return fit;
    }
    const Counts c{counts, fixed, templates, sigmas};
    VectorXd y = VectorXd::Ones(static_cast<Eigen::Index>(templates.size()));
    if (templates.size() == 1) {
        y[0] = fit_one(c);
    } else if (templates.size() > 1) {
        y = fit_many(c);
    }
    fit.chi2 = c.chi2(y);
    fit.normalisations.assign(y.begin(), y.end());
    return fit;
}

ReferenceModel::ReferenceModel(const ScanConfig& config) : config_(config) {
    NeutrinoConfig standard;
    standard.mixing = nominal_mixing(config.neutrino.inverted_ordering);
    const ReferencePoint standard_model = reference_point(standard, {}, {});
    for (const Experiment& experiment : config.experiments) {
        std::vector<std::vector<double>> counts;
        std::vector<double> solar;
        for (const Background& background : experiment.backgrounds) {
            counts.push_back(background.counts);
            if (background.includes_solar) {
                if (solar.empty()) {
                    solar = reference_signal(experiment, standard_model);
                }
                for (std::size_t b = 0; b < solar.size(); ++b) {
                    // A published background below the solar signal leaves nothing, not less than nothing.
                    counts.back()[b] = std::max(counts.back()[b] - solar[b], 0.0);
                }
            }
        }
        backgrounds_.push_back(std::move(counts));
    }
}

ReferencePoint ReferenceModel::point(const std::vector<double>& axis_values) const {
    std::vector<std::pair<Parameter, double>> values;
    for (std::size_t i = 0; i < config_.axes.size(); ++i) {
        values.emplace_back(config_.axes[i].parameter, axis_values.at(i));
    }
    return reference_point(config_.neutrino, config_.fixed, values);
}

std::vector<std::vector<double>> ReferenceModel::signals(const ReferencePoint& point) const {
    std::vector<std::vector<double>> signals;
    for (const Experiment& experiment : config_.experiments) {
        signals.push_back(reference_signal(experiment, point));
    }
    return signals;
}

ReferenceResult ReferenceModel::fit(const ReferencePoint& point, std::vector<std::vector<double>> signals) const {
    ReferenceResult result;
    for (std::size_t e = 0; e < config_.experiments.size(); ++e) {
        const Experiment& experiment = config_.experiments[e];
        std::vector<double> fixed = signals[e];
        std::vector<std::vector<double>> templates;
        std::vector<double> sigmas;
        std::vector<std::size_t> fitted; // which background each template is
        std::vector<double> normalisations;
        for (std::size_t k = 0; k < experiment.backgrounds.size(); ++k) {
            const Background& background = experiment.backgrounds[k];
            const ReferencePoint::BackgroundName name{experiment.name, background.name};
            const auto given = point.normalisations.find(name);
            const double y = given == point.normalisations.end() ? 1 : given->second;
            normalisations.push_back(y);
            if (given == point.normalisations.end() && background.sigma > 0) {
                templates.push_back(backgrounds_[e][k]);
                sigmas.push_back(background.sigma);
                fitted.push_back(k);
                continue;
            }
            for (std::size_t b = 0; b < fixed.size(); ++b) {
                fixed[b] += y * backgrounds_[e][k][b];
            }
            if (point.scanned.count(name) && background.sigma > 0 && std::isfinite(background.sigma)) {
                result.chi2 += std::pow((y - 1) / background.sigma, 2);
            }
        }
        const ReferenceFit fit = reference_fit(experiment.counts, fixed, templates, sigmas);
        for (std::size_t k = 0; k < fitted.size(); ++k) {
            normalisations[fitted[k]] = fit.normalisations[k];
        }
        result.chi2 += fit.chi2;
        result.status = std::max(result.status, fit.status);
        result.normalisations.push_back(std::move(normalisations));
    }
    result.signal = std::move(signals);
    return result;
}

ReferenceResult ReferenceModel::operator()(const std::vector<double>& axis_values) const {
    const ReferencePoint at = point(axis_values);
    return fit(at, signals(at));
}

} // namespace nuscan
