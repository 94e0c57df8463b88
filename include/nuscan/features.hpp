// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/electron_scattering.hpp"
#include "nuscan/grid.hpp"
#include "nuscan/mixing.hpp"
#include "nuscan/nuclear_scattering.hpp"

/// The features φ_f of a point: the handful of real numbers in which a binned prediction is linear,
/// N_b = Σ_f M_bf φ_f.
///
/// With V(T) = V0 + V1/T, the seven Hermitian matrices
///
///     V0†V0,   V0†V1 + h.c.,   V1†V1,   A†A,   (A†V0 + h.c.)/2,   (A†V1 + h.c.)/2,   M†M,
///
/// contracted with ρ, carry everything a point says about scattering, on electrons and on nuclei; fluxes, kernels and
/// response are in the moments M. Along two fast axes at once a feature is Σ_ij c_ij w_i(t1) w_j(t2) with w = (1, u,
/// v): nine plane coefficients.
namespace nuscan {

inline constexpr int n_feature_matrices = 7;
inline constexpr int n_plane_coefficients = 9;

/// What multiplies tr(ρ H_m) of each feature matrix in dσ/dT: cm²/MeV × MeV^n for the n powers of V1 in H_m, per μ_B²
/// for the last.
struct FeatureKernels {
    double value[n_feature_matrices];
};

//! dσ/dT per atom, by feature; s = +1 for neutrinos, −1 for antineutrinos
NUSCAN_HOST_DEVICE inline FeatureKernels feature_kernels(const BoundElectrons& atom, double E, double T, double s) {
    const ElectronKernels k = electron_kernels(E, T, s);
    const double weak = atom.electrons * atom.weak, interference = weak * atom.interference;
    return {{weak * k.C1, interference * k.C1 / T, charge_kernel(atom, k.C1, E, T) / (T * T), weak * k.C2, weak * k.C3,
             interference * k.C3 / T, atom.electrons * atom.magnetic * k.mu2}};
}

/// dσ/dT per nucleus, by feature. W†W = Z²F_p² V†V + 2 ZF_p NF_n (A†V + h.c.)/2 + N²F_n² A†A, and the axial term, which
/// no parameter moves, goes with A†A, whose features are all tr(ρ) (g_V^n)².
NUSCAN_HOST_DEVICE constexpr FeatureKernels feature_kernels(const NucleusAtRecoil& nucleus, double E, double T,
                                                            double neutron_coupling) {
    const NuclearKernels k = nuclear_kernels(E, T, nucleus.mass);
    const double p = nucleus.proton, n = nucleus.neutron;
    const double per_T = constants::electron_mass / (nucleus.mass * T);
    return {{k.C_V * p * p, k.C_V * p * p * per_T, k.C_V * p * p * per_T * per_T,
             k.C_V * n * n + k.axial * nucleus.axial / (neutron_coupling * neutron_coupling), 2 * k.C_V * p * n,
             2 * k.C_V * p * n * per_T, k.mu2 * p * p}};
}

/// Neutrinos that share features: one flavour, one kind of propagation, one interaction.
///
/// Antineutrinos need no features of their own: with X → −X* and U → U*, tr(ρ̄ X̄†X̄') is the complex conjugate of
/// tr(ρ X†X') with the propagation phases reversed, so only the signs of the phase and of s in the moments change.
struct FeatureGroup {
    Flavour flavour;
    Propagation propagation;
    int interaction; //!< place in ParameterView::interactions
};

/// Components of a group: how many real numbers tr(ρ H) splits into, so that the energy dependence is in the moments.
///
/// 1 where ρ does not depend on energy; 3 for the Sun, one per mass state; 7 with exact phases: Σ_k ρ_kk H_kk, then for
/// each pair k < k' the factors of cos and sin of Δ_kk' = (m_k² − m_k'²) L / 2E.
NUSCAN_HOST_DEVICE constexpr int n_components(Propagation propagation) {
    return propagation == Propagation::exact ? 7 : (propagation == Propagation::solar ? 3 : 1);
}

//! The pair (k, k') of components 1 + 2p and 2 + 2p, p = 0, 1, 2
struct StatePair {
    int k, k_prime;
};
NUSCAN_HOST_DEVICE constexpr StatePair state_pair(int p) { return p == 0 ? StatePair{0, 1} : StatePair{p - 1, 2}; }

inline constexpr int max_components = 7;

/// Energy dependence of the components, which the moments carry: 1; P_k of the mass states; or 1 and cos and sin of
/// each Δ (of −Δ for antineutrinos).
struct ComponentWeights {
    double value[max_components];
};
NUSCAN_HOST_DEVICE inline ComponentWeights component_weights(const Mixing& mixing, const Beam& beam, double energy) {
    ComponentWeights w{{1}};
    if (beam.propagation == Propagation::solar) {
        const MassProbabilities P = solar_weights(mixing, beam, energy);
        for (int k = 0; k < 3; ++k) {
            w.value[k] = P.P[k];
        }
    } else if (beam.propagation == Propagation::exact) {
        for (int p = 0; p < 3; ++p) {
            const StatePair pair = state_pair(p);
            const double splitting = mass_squared(mixing, pair.k) - mass_squared(mixing, pair.k_prime);
            const double phase = propagation_phase(beam.antineutrino ? -splitting : splitting, beam.baseline, energy);
            w.value[1 + 2 * p] = std::cos(phase);
            w.value[2 + 2 * p] = std::sin(phase);
        }
    }
    return w;
}

/// Contracts (X†Y + Y†X)/2 with ρ of a group: adds scale × tr(ρ H), component by component, to out[c · stride].
///
/// tr(ρ H) = Σ_kk' ρ_kk' H_k'k; with ρ_kk' = z_kk' e^{−iΔ_kk'}, z_kk' = U*_{ℓk} U_{ℓk'}, a pair gives
/// 2 cosΔ Re(z_kk' H_k'k) + 2 sinΔ Im(z_kk' H_k'k).
NUSCAN_HOST_DEVICE inline void contract(const FeatureGroup& group, const Matrix3& U, const Matrix3& X, const Matrix3& Y,
                                        double scale, double* out, int stride) {
    const int l = static_cast<int>(group.flavour);
    if (group.propagation == Propagation::short_baseline) {
        // A pure state: tr(ρ H) = Re ⟨Xψ, Yψ⟩ with ψ_k = U*_{ℓk}.
        double sum = 0;
        for (int j = 0; j < 3; ++j) {
            Complex x, y;
            for (int k = 0; k < 3; ++k) {
                x += X(j, k) * conj(U(l, k));
                y += Y(j, k) * conj(U(l, k));
            }
            sum += real_inner(x, y);
        }
        out[0] += scale * sum;
        return;
    }
    double diagonal = 0;
    for (int k = 0; k < 3; ++k) {
        double column = 0; // H_kk
        for (int j = 0; j < 3; ++j) {
            column += real_inner(X(j, k), Y(j, k));
        }
        if (group.propagation == Propagation::solar) {
            out[k * stride] += scale * column;
        }
        diagonal += norm(U(l, k)) * column;
    }
    if (group.propagation == Propagation::solar) {
        return;
    }
    out[0] += scale * diagonal;
    if (group.propagation != Propagation::exact) {
        return;
    }
    for (int p = 0; p < 3; ++p) {
        const StatePair pair = state_pair(p);
        Complex h; // H_k'k
        for (int j = 0; j < 3; ++j) {
            h += conj(X(j, pair.k_prime)) * Y(j, pair.k) + conj(Y(j, pair.k_prime)) * X(j, pair.k);
        }
        const Complex z = conj(U(l, pair.k)) * U(l, pair.k_prime) * h; // twice the pair's z H, as H has a 1/2
        out[(1 + 2 * p) * stride] += scale * z.re;
        out[(2 + 2 * p) * stride] += scale * z.im;
    }
}

/// Which of the couplings a parameter moves.
enum class Coupling : int { V0, V1, M };

/// Where a parameter's value z stands in its matrix.
enum class Pattern : int {
    universal,     //!< z × 1
    hermitian,     //!< z E_jk + z* E_kj, or z E_jj on the diagonal
    antisymmetric, //!< z E_jk − z E_kj: a Majorana moment (KS17 §II)
};

/// How z follows from the value of a parameter.
enum class Part : int {
    real,      //!< value
    imaginary, //!< i × value
    polar,     //!< value × e^{i·argument}
};

/// One parameter's contribution to the couplings: weight × pattern(z), in the basis of the scan. What goes into V0 and
/// V1 counts for electrons, and with the opposite sign for nuclei.
struct Term {
    Coupling coupling;
    Complex weight; //!< from the unit of the parameter to the unit of the coupling
    Pattern pattern;
    Part part;
    int row, column;
    Scalar value;
    Scalar argument; //!< of polar terms [rad]
};

/// Mixing parameters of which each may be an axis; angles and phases [rad], splittings [eV²].
struct MixingScalars {
    Scalar theta12, theta13, theta23, delta, alpha21, alpha31, dm21, dm31;
};

/// What the couplings of a point depend on: the same for all experiments of a scan.
struct ParameterView {
    const AxisView* axes;
    int n_axes;
    MixingScalars mixing;
    Basis basis;
    double sin2_theta_w; //!< the reference value that V0 starts from; terms shift it
    Interaction interactions[max_interactions];
    int n_interactions;
    const Term* terms;
    int n_terms;
};

/// A part of a coupling that is multiplied by w_i of the line axis and w_j of the row axis, w = (1, u, v).
struct Direction {
    Coupling coupling;
    Matrix3 matrix;
    int line_factor, row_factor;
};

/// The couplings on a plane, by interaction: V0 = base.V0 + vector_sign × Σ (directions of V0), the same for V1;
/// M = base.M + Σ (directions of M); A does not vary on a plane.
struct PlaneCouplings {
    Matrix3 U;
    Couplings base[max_interactions];
    Direction directions[4];
    int n_directions;
};

NUSCAN_HOST_DEVICE constexpr double value_of(const Scalar& s, const ParameterView& p, const UnitView& unit,
                                             std::int64_t plane) {
    return s.axis < 0 ? s.fixed : p.axes[s.axis].value[outer_index(unit, s.axis, plane)];
}

NUSCAN_HOST_DEVICE constexpr Mixing mixing_of(const ParameterView& p, const UnitView& unit, std::int64_t plane) {
    const MixingScalars& m = p.mixing;
    return {value_of(m.theta12, p, unit, plane), value_of(m.theta13, p, unit, plane),
            value_of(m.theta23, p, unit, plane), value_of(m.delta, p, unit, plane),
            value_of(m.alpha21, p, unit, plane), value_of(m.alpha31, p, unit, plane),
            value_of(m.dm21, p, unit, plane),    value_of(m.dm31, p, unit, plane)};
}

//! A term's pattern filled with \p z, × weight, in the mass basis
NUSCAN_HOST_DEVICE constexpr Matrix3 pattern_matrix(const Term& term, Complex z, const Matrix3& U, Basis basis) {
    if (term.pattern == Pattern::universal) {
        return term.weight * scalar_matrix(z);
    }
    Matrix3 m{};
    m(term.row, term.column) = z;
    if (term.row != term.column) {
        m(term.column, term.row) = term.pattern == Pattern::hermitian ? conj(z) : -z;
    }
    return term.weight * (basis == Basis::flavour ? to_mass_basis(m, U) : m);
}

NUSCAN_HOST_DEVICE constexpr Matrix3& coupling_matrix(Couplings& c, Coupling which) {
    return which == Coupling::V0 ? c.V0 : (which == Coupling::V1 ? c.V1 : c.M);
}

//! Sign with which a coupling's terms count for a target
NUSCAN_HOST_DEVICE constexpr double coupling_sign(Coupling which, Target target) {
    return which == Coupling::M ? 1 : vector_sign(target);
}

/// Couplings of plane \p plane: interprets the terms once, so that rows and points see only numbers.
///
/// With a \p layout that spans no axis this gives the couplings of a single point.
NUSCAN_HOST_DEVICE inline PlaneCouplings plane_couplings(const ParameterView& p, const PlaneLayout& layout,
                                                         const UnitView& unit, std::int64_t plane) {
    PlaneCouplings out{};
    out.U = mixing_matrix(mixing_of(p, unit, plane));
    for (int i = 0; i < p.n_interactions; ++i) {
        out.base[i] = weak_couplings(p.interactions[i], out.U, p.sin2_theta_w);
    }
    const auto add_direction = [&](const Term& term, Complex z, int value_factor, int argument_factor) {
        Direction& d = out.directions[out.n_directions++];
        d = {term.coupling, pattern_matrix(term, z, out.U, p.basis), 0, 0};
        if (layout.spans(term.value.axis)) {
            (term.value.axis == layout.line_axis ? d.line_factor : d.row_factor) = value_factor;
        }
        if (layout.spans(term.argument.axis)) {
            (term.argument.axis == layout.line_axis ? d.line_factor : d.row_factor) = argument_factor;
        }
    };
    for (int i = 0; i < p.n_terms; ++i) {
        const Term& term = p.terms[i];
        const bool value_varies = layout.spans(term.value.axis);
        const bool argument_varies = layout.spans(term.argument.axis);
        const double value = value_varies ? 1 : value_of(term.value, p, unit, plane);
        if (argument_varies) { // r (cos α + i sin α)
            add_direction(term, Complex(value), 1, 1);
            add_direction(term, Complex(0, value), 1, 2);
            continue;
        }
        Complex z(value);
        if (term.part == Part::imaginary) {
            z = Complex(0, value);
        } else if (term.part == Part::polar) {
            z = polar(value, value_of(term.argument, p, unit, plane));
        }
        if (value_varies) {
            add_direction(term, z, 1, 0);
        } else {
            const Matrix3 m = pattern_matrix(term, z, out.U, p.basis);
            for (int n = 0; n < p.n_interactions; ++n) {
                coupling_matrix(out.base[n], term.coupling) +=
                    Complex(coupling_sign(term.coupling, p.interactions[n].target)) * m;
            }
        }
    }
    return out;
}

/// The factor w_k that w_i · w_j makes on an axis, or −1 where the product does not contribute.
///
/// Linear: 1·u = u, u·u = v. Circular: an element r e^{iα} gives X_c cos α + X_s sin α, Hermitian or antisymmetric,
/// with X_c†X_c = X_s†X_s and X_c†X_s + X_s†X_c = 0, so cos² and sin² add up to the constant X_c†X_c, counted at
/// cos·cos.
NUSCAN_HOST_DEVICE constexpr int product_factor(AxisShape shape, int i, int j) {
    if (i == 0 || j == 0) {
        return i + j;
    }
    if (shape == AxisShape::linear) {
        return 2;
    }
    return i == 1 && j == 1 ? 0 : -1;
}

/// Plane coefficients of one feature matrix of one group: c[component][3 · line factor + row factor], added to \p out.
///
/// out has n_components(group) × 9 numbers, zero on entry.
NUSCAN_HOST_DEVICE inline void feature_coefficients(const ParameterView& p, const PlaneCouplings& plane,
                                                    const FeatureGroup& group, int m, AxisShape line_shape,
                                                    AxisShape row_shape, double* out) {
    const Couplings& base = plane.base[group.interaction];
    const double vector = vector_sign(p.interactions[group.interaction].target);
    struct Factor {
        const Matrix3& base;
        int coupling; // of the directions that belong to it; −1 for A, which has none
        double sign;  // of these directions
    };
    const Factor V0{base.V0, static_cast<int>(Coupling::V0), vector},
        V1{base.V1, static_cast<int>(Coupling::V1), vector}, M{base.M, static_cast<int>(Coupling::M), 1},
        A{base.A, -1, 0};
    const Factor& left = m <= 1 ? V0 : (m == 2 ? V1 : (m <= 5 ? A : M));
    const Factor& right = m == 0 || m == 4 ? V0 : (m == 1 || m == 2 || m == 5 ? V1 : (m == 3 ? A : M));
    const double scale = m == 1 ? 2 : 1; // the sum with h.c., where the others are halved or have it inside

    for (int i = -1; i < plane.n_directions; ++i) {
        if (i >= 0 && static_cast<int>(plane.directions[i].coupling) != left.coupling) {
            continue;
        }
        const Matrix3& X = i < 0 ? left.base : plane.directions[i].matrix;
        const int line_i = i < 0 ? 0 : plane.directions[i].line_factor;
        const int row_i = i < 0 ? 0 : plane.directions[i].row_factor;
        for (int j = -1; j < plane.n_directions; ++j) {
            if (j >= 0 && static_cast<int>(plane.directions[j].coupling) != right.coupling) {
                continue;
            }
            const Matrix3& Y = j < 0 ? right.base : plane.directions[j].matrix;
            const int line = product_factor(line_shape, line_i, j < 0 ? 0 : plane.directions[j].line_factor);
            const int row = product_factor(row_shape, row_i, j < 0 ? 0 : plane.directions[j].row_factor);
            if (line >= 0 && row >= 0) {
                const double sign = (i < 0 ? 1 : left.sign) * (j < 0 ? 1 : right.sign);
                contract(group, plane.U, X, Y, sign * scale, out + 3 * line + row, n_plane_coefficients);
            }
        }
    }
}

} // namespace nuscan
