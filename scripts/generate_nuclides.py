#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write host/experiments/nuclides.inc: mass, abundance, spin and radii of all natural isotopes.

    scripts/generate_nuclides.py > host/experiments/nuclides.inc

Needs the Python packages periodictable 2.1.0 and great-tables 1.1.0 (PyPI; in a virtual environment, as Debian's
python3-periodictable 1.6 has older masses).

Masses: atomic ones from AME2020 (M. Wang et al., Chin. Phys. C 45, 030003 (2021)) by way of periodictable, less Z m_e,
plus the electrons' binding energy 14.4381 Z^2.39 + 1.55468e-6 Z^5.35 eV (D. Lunney, J. M. Pearson, C. Thibault, Rev.
Mod. Phys. 75, 1021 (2003), Eq. A4). periodictable rounds to the digits of the uncertainty, which for all but iodine
changes a mass by less than 2e-9 of it; MASSES has iodine's as it was published.

Abundances: periodictable's, which are CIAAW's. ABUNDANCES replaces two: for lithium the centre of CIAAW's interval is
no composition anyone has (its mean weight is 0.4 % off the conventional one), and uranium is missing.

Spins: periodictable's, even-even nuclei 0 by rule. SPINS corrects the one that is wrong there.

Charge radii R_ch: great-tables' data set `nuclides`, which has the evaluation of I. Angeli, K. P. Marinova, At. Data
Nucl. Data Tables 99, 69 (2013); the proton's is r_p. Isotopes without one take R_ch = 0.836 A^(1/3) + 0.570 fm (W. R.
Johnson, G. Soff, At. Data Nucl. Data Tables 33, 405 (1985)), shifted to agree with the nearest measured isotopes of the
element.

Radii of form factors: as in analyses of coherent scattering (M. Cadeddu et al., Phys. Rev. D 102, 015030 (2020)), the
rms radii of the distributions in space of the protons' and of the neutrons' charge, with the nucleon's own size inside:

    R_p^2 = R_ch^2 - (N/Z) r_n^2
    R_n^2 = (sqrt(R_p^2 - r_p^2 - 3/(4 m_N^2)) + skin)^2 + r_p^2 + 3/(4 m_N^2)

with r_p = 0.8409 fm, r_n^2 = -0.1161 fm^2, and the skin -0.04 + 1.01 (N - Z)/A fm that antiprotonic atoms of 40Ca to
238U follow (A. Trzcinska et al., Phys. Rev. Lett. 87, 082501 (2001); +- 0.03 +- 0.15 (N - Z)/A; an extrapolation below
A = 40). A neutron's weak charge is spread as a proton's electric one. PUBLISHED holds radii that are taken as they are.
"""
import csv
import importlib.resources
import math
import sys
from fractions import Fraction

import periodictable

ATOMIC_MASS_UNIT = 931.49410242  # MeV
ELECTRON_MASS = 0.51099895  # MeV
PROTON_RADIUS_SQUARED = 0.8409**2  # fm^2
NEUTRON_RADIUS_SQUARED = -0.1161  # fm^2
DARWIN_FOLDY = 0.75 * (197.3269804 / 938.918754) ** 2  # 3/(4 m_N^2), fm^2

# Atomic masses [u] of AME2020. I127: 126.904472592 +- 0.000003887, 126.904473 in periodictable.
MASSES = {"I127": 126.904472592}

# Atom fractions. Li: M. Berglund, M. E. Wieser, Pure Appl. Chem. 83, 397 (2011). U: J. Meija et al., Pure Appl. Chem.
# 88, 293 (2016).
ABUNDANCES = {
    "Li": {6: 0.0759, 7: 0.9241},
    "U": {234: 0.000054, 235: 0.007204, 238: 0.992742},
}

# B. Singh, Nucl. Data Sheets 108, 79 (2007).
SPINS = {"Hg199": Fraction(1, 2)}

# (R_p, R_n) [fm] that fits of COHERENT's data use, R_n from the nuclear shell model (M. Hoferichter, J. Menendez,
# A. Schwenk, Phys. Rev. D 102, 074018 (2020)): M. Atzori Corona et al., JHEP 09, 164 (2022).
PUBLISHED = {"Ar40": (3.448, 3.55), "I127": (4.766, 5.03), "Cs133": (4.821, 5.09)}


def measured_charge_radii():
    """R_ch [fm] by (Z, A)."""
    path = importlib.resources.files("great_tables") / "data" / "16-nuclides.csv"
    with path.open() as file:
        return {
            (int(row["z"]), int(row["z"]) + int(row["n"])): float(row["radius"])
            for row in csv.DictReader(file)
            if row["radius"]
        }


CHARGE_RADII = measured_charge_radii()
CHARGE_RADII[1, 1] = math.sqrt(PROTON_RADIUS_SQUARED)  # the evaluation is older than the muonic atoms' radius


def smooth_charge_radius(A):
    return 0.836 * math.cbrt(A) + 0.570


def charge_radius(Z, A):
    """R_ch [fm] and whether it was measured."""
    if (Z, A) in CHARGE_RADII:
        return CHARGE_RADII[Z, A], True
    measured = [a for z, a in CHARGE_RADII if z == Z]
    distance = min((abs(a - A) for a in measured), default=0)
    shifts = [CHARGE_RADII[Z, a] - smooth_charge_radius(a) for a in measured if abs(a - A) == distance]
    return smooth_charge_radius(A) + (sum(shifts) / len(shifts) if shifts else 0), False


def radii(name, Z, A):
    """R_p, R_n [fm] and the name of their origin."""
    if name in PUBLISHED:
        return *PUBLISHED[name], "published"
    R_ch, measured = charge_radius(Z, A)
    N = A - Z
    Rp2 = R_ch**2 - N / Z * NEUTRON_RADIUS_SQUARED
    nucleon2 = PROTON_RADIUS_SQUARED + DARWIN_FOLDY
    skin = -0.04 + 1.01 * (N - Z) / A
    R_n = math.sqrt((math.sqrt(Rp2 - nucleon2) + skin) ** 2 + nucleon2) if N > 0 else math.sqrt(Rp2)
    return math.sqrt(Rp2), R_n, "from_charge_radius" if measured else "estimated"


def nuclear_mass(name, isotope, Z):
    binding = (14.4381 * Z**2.39 + 1.55468e-6 * Z**5.35) * 1e-6
    return MASSES.get(name, isotope.mass) * ATOMIC_MASS_UNIT - Z * ELECTRON_MASS + binding


def spin(name, isotope, Z, A):
    if Z % 2 == 0 and A % 2 == 0:
        return Fraction(0)
    if name in SPINS:
        return SPINS[name]
    isotope.neutron  # periodictable sets nuclear_spin when it reads this table
    return abs(Fraction(isotope.nuclear_spin))  # a sign there is the parity


def number(value):
    """Shortest C++ literal that keeps a double."""
    return repr(int(value)) if value == int(value) else repr(float(value))


def abundances(element):
    """Atom fraction by A, of the isotopes that have one."""
    if element.symbol in ABUNDANCES:
        return ABUNDANCES[element.symbol]
    return {A: element[A].abundance / 100 for A in element.isotopes if element[A].abundance > 0}


def main():
    print("// SPDX-License-Identifier: Apache-2.0")
    print(f"// Written by scripts/generate_nuclides.py from periodictable {periodictable.__version__}: do not edit.")
    print("// {name, Z, A, mass of the nucleus [MeV], abundance, spin, R_p [fm], R_n [fm], their origin}")
    print("// clang-format off")
    n_rows = 0
    for element in periodictable.elements:
        Z = element.number
        for A, abundance in sorted(abundances(element).items()) if Z > 0 else ():
            name = f"{element.symbol}{A}"
            R_p, R_n, origin = radii(name, Z, A)
            mass = number(round(nuclear_mass(name, element[A], Z), 5))
            print(
                f'{{"{name}", {Z}, {A}, {mass}, {number(round(abundance, 9))}, '
                f"{number(spin(name, element[A], Z, A))}, {R_p:.4f}, {R_n:.4f}, {origin}}},"
            )
            n_rows += 1
    print("// clang-format on")
    print(f"{n_rows} isotopes", file=sys.stderr)


if __name__ == "__main__":
    main()
