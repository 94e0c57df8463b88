#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write host/experiments/atomic_shells.inc: the shells of all elements that xraylib knows.

    scripts/generate_atomic_shells.py > host/experiments/atomic_shells.inc

Needs xraylib's Python bindings (Debian: python3-xraylib, run with /usr/bin/python3).

Populations and binding energies (absorption edges) are xraylib's ElectronConfig and EdgeEnergy: T. Schoonjans et al.,
Spectrochim. Acta B 66, 776 (2011). xraylib spreads an open subshell over its two j levels by their degeneracy, so that
populations can be fractional (Ge 4p: 2/3 and 4/3); the printed decimals are put back to the fractions they round.
A populated shell without an edge (Cs 6s and other valence shells) gets 0: its electrons count as free.

Atomic weights are the IUPAC standard ones (T. Prohaska et al., Pure Appl. Chem. 94, 573 (2022), abridged to five
digits where that is enough, conventional values for intervals), as xraylib's are older (Ge 72.59); elements without a
standard weight keep xraylib's.
"""
import sys
from fractions import Fraction

import xraylib

ATOMIC_WEIGHTS = {
    "H": 1.008, "He": 4.0026, "Li": 6.94, "Be": 9.0122, "B": 10.81, "C": 12.011, "N": 14.007, "O": 15.999,
    "F": 18.998, "Ne": 20.180, "Na": 22.990, "Mg": 24.305, "Al": 26.982, "Si": 28.085, "P": 30.974, "S": 32.06,
    "Cl": 35.45, "Ar": 39.95, "K": 39.098, "Ca": 40.078, "Sc": 44.956, "Ti": 47.867, "V": 50.942, "Cr": 51.996,
    "Mn": 54.938, "Fe": 55.845, "Co": 58.933, "Ni": 58.693, "Cu": 63.546, "Zn": 65.38, "Ga": 69.723, "Ge": 72.630,
    "As": 74.922, "Se": 78.971, "Br": 79.904, "Kr": 83.798, "Rb": 85.468, "Sr": 87.62, "Y": 88.906, "Zr": 91.224,
    "Nb": 92.906, "Mo": 95.95, "Ru": 101.07, "Rh": 102.91, "Pd": 106.42, "Ag": 107.87, "Cd": 112.41, "In": 114.82,
    "Sn": 118.71, "Sb": 121.76, "Te": 127.60, "I": 126.90447, "Xe": 131.293, "Cs": 132.90545, "Ba": 137.33,
    "La": 138.91, "Ce": 140.12, "Pr": 140.91, "Nd": 144.24, "Sm": 150.36, "Eu": 151.96, "Gd": 157.25, "Tb": 158.93,
    "Dy": 162.50, "Ho": 164.93, "Er": 167.26, "Tm": 168.93, "Yb": 173.05, "Lu": 174.97, "Hf": 178.49, "Ta": 180.95,
    "W": 183.84, "Re": 186.21, "Os": 190.23, "Ir": 192.22, "Pt": 195.08, "Au": 196.97, "Hg": 200.59, "Tl": 204.38,
    "Pb": 207.2, "Bi": 208.98, "Th": 232.04, "Pa": 231.04, "U": 238.03,
}

SHELLS = [
    getattr(xraylib, name + "_SHELL")
    for name in "K L1 L2 L3 M1 M2 M3 M4 M5 N1 N2 N3 N4 N5 N6 N7 O1 O2 O3 O4 O5 O6 O7 P1 P2 P3 P4 P5 Q1 Q2 Q3".split()
]


def lookup(function, *arguments):
    """The tabulated number, or 0 where xraylib has none."""
    try:
        return function(*arguments)
    except ValueError:
        return 0.0


def number(value):
    """Shortest C++ literal that keeps a double."""
    return repr(int(value)) if value == int(value) else repr(float(value))


def element_row(Z):
    """One row of the table, or None where the populations do not add up to Z (xraylib's table has ended)."""
    symbol = xraylib.AtomicNumberToSymbol(Z)
    populations = [Fraction(lookup(xraylib.ElectronConfig, Z, shell)).limit_denominator(50) for shell in SHELLS]
    if sum(populations) != Z:
        return None
    shells = ", ".join(
        f"{{{number(population)}, {number(lookup(xraylib.EdgeEnergy, Z, shell))}}}"
        for shell, population in zip(SHELLS, populations)
        if population > 0
    )
    weight = ATOMIC_WEIGHTS.get(symbol) or xraylib.AtomicWeight(Z)
    return f'{{"{symbol}", {Z}, {number(round(weight, 6))}, {{{shells}}}}},'


def main():
    print("// SPDX-License-Identifier: Apache-2.0")
    print("// Written by scripts/generate_atomic_shells.py from xraylib " + xraylib.__version__ + ": do not edit.")
    print("// {symbol, Z, atomic weight [g/mol], {{electrons, binding energy [keV]}, ...}}")
    print("// clang-format off")
    Z = 1
    while row := element_row(Z):
        print(row)
        Z += 1
    print("// clang-format on")
    print(f"Z = 1 to {Z - 1}", file=sys.stderr)


if __name__ == "__main__":
    main()
