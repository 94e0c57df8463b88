#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write host/experiments/photoabsorption.inc: photoabsorption cross-sections of the elements up to uranium.

    scripts/generate_photoabsorption.py > host/experiments/photoabsorption.inc

Needs the Python packages numpy and periodictable 2.1.0 (PyPI; in a virtual environment), which has the tables of atomic
scattering factors f2(E) of B. L. Henke, E. M. Gullikson, J. C. Davis, At. Data Nucl. Data Tables 54, 181 (1993), with
their authors' later updates. The cross-section is sigma = 2 r_e lambda f2.

From 10 eV, or the first ionisation energy of a gas where that is higher, to 30 keV. The tables have some 500 points on
a logarithmic mesh and two points, 0.2 eV apart, at each edge. A point is dropped where interpolation between those
that stay, linear in log(sigma) against log(E), gives it to better than 1e-3.
"""
import sys

import numpy as np
import periodictable
import periodictable.xsf

TWO_RE_HC = 2 * 2.8179403262e-13 * 1.239841984e-4 * 1e24  # 2 r_e h c [barn eV]
E_MIN = 10.0  # eV: below, only a few solids are tabulated
TOLERANCE = 1e-3
NO_ABSORPTION = 1e-3  # gases have f2 ~ 1e-15 below their first ionisation energy, and a step of a few points above it


def rounded(x, digits):
    return np.array([float(f"{value:.{digits}g}") for value in x])


def cross_section(symbol):
    """Energies [eV] and cross-sections [barn] of the table, energies increasing."""
    E, _, f2 = np.array(periodictable.elements.symbol(symbol).xray.sftable)  # E in keV
    # One pair of an edge is in the wrong order (Si: 1838.8, 1839.0, 1838.9 eV, while f2 increases).
    E = np.sort(rounded(1e3 * E, 6))
    # Where two sources meet there is a point of each (Mg, Pt): their mean.
    energies = np.unique(E)
    f2 = np.array([f2[E == energy].mean() for energy in energies])
    above = energies >= E_MIN
    energies, f2 = energies[above], f2[above]
    first = np.argmax(f2 > NO_ABSORPTION)
    return energies[first:], TWO_RE_HC * f2[first:] / energies[first:]


def thinned(E, sigma):
    """Indices of points that stay: from each one the longest step over points that interpolation reproduces."""
    log_E, log_sigma, log_kept = np.log(E), np.log(sigma), np.log(rounded(sigma, 5))
    kept = [0]
    while (i := kept[-1]) < len(E) - 1:
        best = i + 1
        for j in range(i + 2, len(E)):
            inside = slice(i + 1, j)
            slope = (log_kept[j] - log_kept[i]) / (log_E[j] - log_E[i])
            error = np.abs(np.expm1(log_kept[i] + slope * (log_E[inside] - log_E[i]) - log_sigma[inside]))
            if error.max() < TOLERANCE:
                best = j
            elif error.max() > 100 * TOLERANCE:
                break
        kept.append(best)
    return kept


def literal(value, digits):
    """Shortest literal of that many digits."""
    texts = (f"{value:.{digits}g}", f"{value:.{digits - 1}e}")
    texts = [text.replace("e+0", "e").replace("e+", "e").replace("e-0", "e-") for text in texts]
    mantissa, _, exponent = texts[1].partition("e")
    texts[1] = (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa) + "e" + exponent
    return min((text for text in texts if float(text) == float(f"{value:.{digits}g}")), key=len)


def main():
    print("// SPDX-License-Identifier: Apache-2.0")
    version = periodictable.__version__
    print(f"// Written by scripts/generate_photoabsorption.py from periodictable {version}: do not edit.")
    print("// {symbol, {{energy [eV], cross-section [barn per atom]}, ...}}")
    print("// clang-format off")
    n_points = n_tabulated = 0
    for element in periodictable.elements:
        if not 1 <= element.number <= 92:
            continue
        E, sigma = cross_section(element.symbol)
        kept = thinned(E, sigma)
        points = ",".join(f"{{{literal(E[i], 6)},{literal(sigma[i], 5)}}}" for i in kept)
        print(f'{{"{element.symbol}", {{{points}}}}},')
        n_points += len(kept)
        n_tabulated += len(E)
    print("// clang-format on")
    print(f"{n_points} of {n_tabulated} points", file=sys.stderr)


if __name__ == "__main__":
    main()
