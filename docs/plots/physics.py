#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the plots of docs/physics.md: ``docs/plots/physics.py [--program build/nuscan] [--output docs]``.

Every number comes from ``nuscan cross-section --json``.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

import matplotlib  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from nuscan.style import BLUE, ORANGE, STYLE  # noqa: E402

GREY = "0.45"


class CrossSections:
    """The command, on an empty scan file."""

    def __init__(self, program: str):
        self._program = program
        self._folder = tempfile.TemporaryDirectory()
        self._file = pathlib.Path(self._folder.name) / "empty.toml"
        self._file.write_text("")

    def __call__(self, target, flavour, energy, recoils, *options, key="dsigma_dT", **parameters) -> np.ndarray:
        """One value for each recoil [MeV]; parameters as ``charge__universal="1e-12 e"``."""
        words = ["--target", target, "--flavour", flavour, "--energy", f"{energy:.17g}", "--json", *options]
        for T in recoils:
            words += ["--recoil", f"{T:.17g}"]
        for name, value in parameters.items():
            words += ["--set", f"{name.replace('__', '.')}={value}"]
        run = subprocess.run([self._program, "cross-section", str(self._file), *words], capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(run.stderr)
        return np.array([point[key] for point in json.loads(run.stdout)])

    def square_of_charge(self, target, flavour, energy, recoils, *options, charge=1e-12) -> np.ndarray:
        """The term quadratic in a universal charge [e]: the mean of both signs, less what is there without it."""
        plus, minus, zero = (
            self(target, flavour, energy, recoils, *options, charge__universal=f"{e:.17g} e")
            for e in (charge, -charge, 0.0)
        )
        return (plus + minus) / 2 - zero


def figure_of(rows: int, columns: int, size: tuple[float, float], **options):
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, **options)


def kls21_figure_1(cross_section: CrossSections) -> Figure:
    """Ratio to the SM of ν on ⁴⁰Ar at 50 MeV with a charge of either sign."""
    T = np.geomspace(1e-6, 0.13, 200)
    sm = cross_section("Ar40", "mu", 50, T)
    figure, (ratio, change) = figure_of(2, 1, (6.0, 5.6), sharex=True, height_ratios=[3, 2])
    ratio.axhline(1, color=GREY, lw=0.9, ls=(0, (1, 1.5)))
    for e, colour in ((1.5e-12, BLUE), (-1.5e-12, ORANGE)):
        values = cross_section("Ar40", "mu", 50, T, charge__mumu=f"{e} e") / sm
        sign = "+" if e > 0 else "\N{MINUS SIGN}"
        ratio.plot(1e3 * T, values, color=colour, lw=1.8, label=rf"$e_{{\nu}} = {sign}1.5\times10^{{-12}}\,e$")
        change.plot(1e3 * T, 100 * np.abs(values - 1), color=colour, lw=1.8)
    guide = np.array([1e-5, 1e-1])
    change.plot(1e3 * guide, 0.15e-3 / guide, color=GREY, lw=0.9, ls=(0, (5, 2.5)))
    change.annotate(r"$\propto 1/T$", (1, 0.15), xytext=(6, 6), textcoords="offset points", color=GREY)
    ratio.set_ylabel("d$\\sigma$/d$T$ / SM")
    ratio.set_ylim(0.6, 1.5)
    ratio.legend(loc="upper right")
    ratio.set_title(r"$\nu_\mu$ on $^{40}$Ar, $E$ = 50 MeV", loc="left", pad=8)
    change.set(xscale="log", yscale="log", xlim=(1e-3, 130), ylim=(1e-4, 100))
    change.set_ylabel("|change| [%]")
    change.set_xlabel("recoil energy $T$ [keV]")
    return figure


def atomic_models(cross_section: CrossSections) -> Figure:
    """The term quadratic in the charge: stepping and equivalent photons over free electrons."""
    figure, panels = figure_of(1, 2, (8.2, 3.9), sharey=True)
    T = np.geomspace(1.3e-5, 0.03, 600)
    for ax, (symbol, name) in zip(panels, (("Ge", "germanium"), ("Xe", "xenon"))):
        terms = {
            model: cross_section.square_of_charge("electron", "e", 1.0, T, "--atom", symbol, "--atomic", model)
            for model in ("free", "stepping", "epa")
        }
        ax.axhline(1, color=GREY, lw=0.9, ls=(0, (1, 1.5)))
        ax.plot(1e3 * T, terms["stepping"] / terms["free"], color=BLUE, lw=1.6, label="stepping")
        ax.plot(1e3 * T, terms["epa"] / terms["free"], color=ORANGE, lw=1.6, label="equivalent photons")
        ax.set(xscale="log", yscale="log", xlim=(1.3e-2, 30))
        ax.set_xlabel("energy transfer $T$ [keV]")
        ax.set_title(f"{name}, $E$ = 1 MeV", loc="left", pad=8)
    panels[0].set_ylabel(r"$|e_\nu|^2$ term / that of $Z$ free electrons")
    panels[0].legend(loc="lower right")
    return figure


def xenon_components(cross_section: CrossSections) -> Figure:
    """Reactor antineutrinos on xenon: electrons and nuclei, with the SM, a moment and a charge."""
    E, options = 4.0, ["--antineutrino"]
    electron = ["--atom", "Xe", "--atomic", "epa", *options]
    moment, charge = {"magnetic_moment__universal": "1e-11 mu_B"}, 1e-12
    figure, ax = figure_of(1, 1, (6.4, 4.8))
    T = np.geomspace(1.3e-5, 0.03, 500)
    highest = 2 * E**2 / (115_500 + 2 * E)
    T_n = np.geomspace(2e-6, 0.999 * highest, 300)
    lines = []
    for target, recoils, words, style in (("electron", T, electron, "-"), ("Xe", T_n, options, (0, (5, 1.8)))):
        sm = cross_section(target, "e", E, recoils, *words)
        mu = cross_section(target, "e", E, recoils, *words, **moment) - sm
        e2 = cross_section.square_of_charge(target, "e", E, recoils, *words, charge=charge)
        where = "electrons" if target == "electron" else "nuclei"
        for values, colour, name in ((sm, "0.2", "SM"), (mu, BLUE, r"$\mu_\nu = 10^{-11}\,\mu_\mathrm{B}$"),
                                     (e2, ORANGE, r"$e_\nu = 10^{-12}\,e$, square")):  # fmt: skip
            shown = np.where(values > 0, values, np.nan) / 1e3  # per keV
            lines += ax.plot(1e3 * recoils, shown, color=colour, ls=style, lw=1.6, label=f"{where}: {name}")
    ax.set(xscale="log", yscale="log", xlim=(2e-3, 30), ylim=(1e-47, 1e-36))
    ax.set_xlabel("recoil energy $T$ [keV]")
    ax.set_ylabel(r"d$\sigma$/d$T$ per atom [cm$^2$/keV]")
    ax.set_title(r"$\bar\nu_e$ on xenon, $E$ = 4 MeV", loc="left", pad=8)
    ax.legend(loc="upper right", ncols=2)
    return figure


def solar_survival(cross_section: CrossSections) -> Figure:
    """P_ee(E) out of C1 = P (g_V + 1)² + (1 − P) g_V², for the densities at which neutrinos of the Sun are made."""
    g_V = 2 * 0.23863 - 0.5

    def survival(energies, *options):
        C1 = [cross_section("electron", "e", E, [1e-3], *options, key="C1")[0] for E in energies]
        return (np.array(C1) - g_V**2) / ((g_V + 1) ** 2 - g_V**2)

    figure, ax = figure_of(1, 1, (6.4, 4.4))
    vacuum = survival([1.0], "--propagation", "decohered")[0]
    ax.axhline(vacuum, color=GREY, lw=0.9, ls=(0, (1, 1.5)))
    ax.annotate("vacuum", (15, vacuum), xytext=(0, 3), textcoords="offset points", ha="right", color=GREY, fontsize=9)
    for name, density, low, high, colour in (("pp", 67.9, 0.05, 0.42, BLUE), ("$^8$B", 92.5, 0.1, 16.0, ORANGE)):
        E = np.geomspace(low, high, 80)
        ax.plot(E, survival(E, "--propagation", "solar", "--electron-density", str(density)), color=colour, lw=1.8,
                label=rf"{name}, $n_e$ = {density} mol/cm$^3$")  # fmt: skip
    for name, density, E in ((r"$^7$Be", 81.5, 0.3843), (r"$^7$Be", 81.5, 0.8613), ("pep", 73.8, 1.442)):
        P = survival([E], "--propagation", "solar", "--electron-density", str(density))[0]
        ax.plot(E, P, "o", ms=5, mfc="white", mec="black", mew=0.9)
        ax.annotate(name, (E, P), xytext=(-4, -15), textcoords="offset points", ha="right", fontsize=9)
    ax.set(xscale="log", xlim=(0.05, 16), ylim=(0.28, 0.6))
    ax.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
    ax.set_xlabel("neutrino energy $E$ [MeV]")
    ax.set_ylabel(r"survival probability $P_{ee}$")
    ax.set_title("Solar neutrinos, NuFIT 6.0 mixing", loc="left", pad=8)
    ax.legend(loc="lower left")
    return figure


PLOTS = {
    "kls21-figure-1": kls21_figure_1,
    "atomic-models": atomic_models,
    "xenon-components": xenon_components,
    "solar-survival": solar_survival,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the plots of docs/physics.md.")
    parser.add_argument("--program", default=str(ROOT / "build" / "nuscan"), help="nuscan (default: build/nuscan)")
    parser.add_argument("--output", default=str(ROOT / "docs"), help="folder (default: docs)")
    options = parser.parse_args()
    cross_section = CrossSections(options.program)
    with matplotlib.rc_context(STYLE):
        for name, draw in PLOTS.items():
            path = pathlib.Path(options.output) / f"{name}.png"
            draw(cross_section).savefig(path)
            print(path)


if __name__ == "__main__":
    main()
