# SPDX-License-Identifier: Apache-2.0
"""Parameter names and units as papers write them."""

from __future__ import annotations

import math
import re

import numpy as np

_FORM_FACTORS = {
    "charge": "e",
    "charge_radius": r"\langle r^2\rangle",
    "anapole": "a",
    "magnetic_moment": r"\mu",
    "electric_moment": r"\epsilon",
}
_ELEMENTS = {
    "universal": r"\nu",
    "ee": "ee",
    "emu": r"e\mu",
    "etau": r"e\tau",
    "mumu": r"\mu\mu",
    "mutau": r"\mu\tau",
    "tautau": r"\tau\tau",
}
_PARTS = {"re": r"\mathrm{{Re}}\,{0}", "im": r"\mathrm{{Im}}\,{0}", "abs": r"\left|{0}\right|", "arg": r"\arg {0}"}
_OTHERS = {
    "sin2_theta_w": r"\sin^2\theta_W",
    "theta12": r"\theta_{12}",
    "theta13": r"\theta_{13}",
    "theta23": r"\theta_{23}",
    "delta": r"\delta",
    "alpha21": r"\alpha_{21}",
    "alpha31": r"\alpha_{31}",
    "dm21": r"\Delta m^2_{21}",
    "dm31": r"\Delta m^2_{31}",
}
_RADII = {"proton_radius": "p", "neutron_radius": "n"}
_UNITS = {"mu_B": r"\mu_\mathrm{B}", "e": "e", "cm^2": r"\mathrm{cm}^2", "eV^2": r"\mathrm{eV}^2"}


def symbol(name: str) -> str:
    """``magnetic_moment.universal`` as ``$\\mu_{\\nu}$``; names without a symbol as plain words.

    Baselines are ``$L$`` with the experiment, radii ``$R_n$`` with the nuclide, components of Majorana moments
    ``$\\Lambda_l$``.
    """
    if name in _OTHERS:
        return f"${_OTHERS[name]}$"
    head, _, rest = name.partition(".")
    nuclide = re.fullmatch(r"([A-Z][a-z]?)(\d+)", rest)
    if head in _RADII and nuclide:
        return rf"$R_{_RADII[head]}(^{{{nuclide[2]}}}\mathrm{{{nuclide[1]}}})$"
    if rest == "baseline":
        return f"$L$ ({head})"
    element, _, part = rest.partition(".")
    if head == "majorana_moment" and element in ("1", "2", "3"):
        text = rf"\Lambda_{element}"
    elif head in _FORM_FACTORS and element:
        text = f"{_FORM_FACTORS[head]}_{{{_ELEMENTS.get(element, element)}}}"
    else:
        text = ""
    if not text or (part and part not in _PARTS):
        return name.replace("_", " ").replace(".", " ")
    return f"${_PARTS[part].format(text)}$" if part else f"${text}$"


def power_of_ten(values: np.ndarray) -> int:
    """The exponent to take out of tick labels; 0 where numbers read well as they are."""
    largest = float(np.max(np.abs(values[np.isfinite(values)]), initial=0))
    exponent = math.floor(math.log10(largest)) if largest > 0 else 0
    return 0 if -2 <= exponent <= 3 else exponent


def _unit(unit: str, exponent: int) -> str:
    """Power of ten and unit, without dollars; nothing for 1."""
    parts = [f"10^{{{exponent}}}"] if exponent else []
    if unit != "1":
        parts.append(_UNITS.get(unit, rf"\mathrm{{{unit}}}"))
    return r"\,".join(parts)


def label(name: str, unit: str, exponent: int) -> str:
    """Axis label, e.g. ``$\\mu_{\\nu}$  [$10^{-11}$ $\\mu_B$]``."""
    joined = _unit(unit, exponent)
    return symbol(name) + (f"  [${joined}$]" if joined else "")


def factor(unit: str, exponent: int) -> str:
    """What stands behind a number: `` $\\times\\,10^{-11}\\,\\mu_B$``, a unit alone, or nothing."""
    joined = _unit(unit, exponent)
    times = r"\times\," if exponent else ""
    return f" ${times}{joined}$" if joined else ""
