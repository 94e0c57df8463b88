// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nuscan/constants.hpp"
#include "nuscan/matrix3.hpp"

namespace nuscan {

enum class Basis : int { flavour, mass };

/// The five Hermitian matrices of electromagnetic form factors at q² = 0 (KS17 Eqs. 5-8), 3×3 in either basis.
struct FormFactors {
    Matrix3 charge;        //!< e_jk [e]
    Matrix3 charge_radius; //!< ⟨r²⟩_jk [cm²]
    Matrix3 anapole;       //!< a_jk [cm²]
    Matrix3 magnetic;      //!< μ_jk [μ_B]
    Matrix3 electric;      //!< ε_jk [μ_B]
};

//! X in the mass basis from X_{ℓ'ℓ} = Σ_jk U_{ℓ'j} U*_{ℓk} X_jk in the flavour basis: X_mass = U† X_flavour U
NUSCAN_HOST_DEVICE constexpr Matrix3 to_mass_basis(const Matrix3& flavour, const Matrix3& U) {
    return adjoint(U) * flavour * U;
}

//! X_flavour = U X_mass U†
NUSCAN_HOST_DEVICE constexpr Matrix3 to_flavour_basis(const Matrix3& mass, const Matrix3& U) {
    return U * mass * adjoint(U);
}

//! ⟨r²_ν⟩ = ⟨r²⟩ − 6a [cm²]: what a left-handed neutrino (γ⁵ → −1) shows (KS17 Eq. 21)
NUSCAN_HOST_DEVICE constexpr Matrix3 effective_charge_radius(const FormFactors& f) {
    return f.charge_radius + Complex(-6) * f.anapole;
}

//! μ_ν = μ − iε [μ_B] (KS17 Eq. 27)
NUSCAN_HOST_DEVICE constexpr Matrix3 effective_moment(const FormFactors& f) {
    return f.magnetic + Complex(0, -1) * f.electric;
}

} // namespace nuscan
