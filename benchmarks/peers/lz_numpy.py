#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""LZ 2022 the way a careful physicist would scan it in numpy: a yardstick for nuscan's speed, and a check of its χ².

Universal magnetic moment μ against universal millicharge q; all solar neutrinos with their MSW weights, stepping
approximation for bound electrons, Poisson χ² with one pull on the background. Two ways:

* ``integrated``: dσ/dT on a grid of neutrino and recoil energies for every point, folded with precomputed fluxes and
  response, then χ² with the pull minimised;
* ``templates``: counts are exactly N0 + μ² N_μ + q N_q + q² N_qq, so four spectra are computed once, and χ² is
  vectorised over points.

Uses nuscan's experiment file and nothing else of it. Formulas: K. Kouzakov, A. Studenikin, Phys. Rev. D 95, 055013
(2017) with erratum. Energies in keV, charges in e, magnetic moments in μ_B, lengths in cm.
"""
import argparse
import json
import math
import subprocess
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

G_FERMI = 1.1663788e-17  # keV^-2
ALPHA = 1 / 137.035999084
M_E = 510.99895  # keV
HBAR_C = 197.3269804e-10  # keV cm
SIN2_THETA_W = 0.23863
AVOGADRO = 6.02214076e23
THETA12, THETA13 = np.radians([33.68, 8.56])  # NuFIT 6.0 values, as quoted

WEAK = G_FERMI**2 * M_E / (2 * math.pi) * HBAR_C**2  # cm²/keV
MAGNETIC = math.pi * ALPHA**2 / M_E**2 * HBAR_C**2  # cm²
CHARGE = math.sqrt(2) * math.pi * ALPHA / (G_FERMI * M_E)  # keV: the charge q adds −CHARGE q / T to g_V
G_V, G_A = 2 * SIN2_THETA_W - 0.5, -0.5
C12, S12, C13, S13 = np.cos(THETA12), np.sin(THETA12), np.cos(THETA13), np.sin(THETA13)
DM21 = 7.49e-5  # eV²
MATTER = 2 * math.sqrt(2) * G_FERMI * AVOGADRO * HBAR_C**3 * 1e6  # eV² for mol/cm³ and keV

# B16-GS98: flux [cm^-2 s^-1] and mean electron density where they are made [mol/cm³]; lines [keV] with their fractions.
SUN = {"pp": (5.98e10, 67.9), "pep": (1.44e8, 73.8), "hep": (7.98e3, 70.0), "7Be": (4.93e9, 81.5),
       "8B": (5.46e6, 92.5), "13N": (2.78e8, 61.7), "15O": (2.05e8, 67.0), "17F": (5.29e6, 67.3)}
SOLAR_LINES = {"pep": [(1442.0, 1)], "7Be": [(861.3, 0.896), (384.3, 0.104)]}

# Electrons and binding energies [keV] of xenon's shells, K to O3 (xraylib 4).
XENON = [(2, 34.5644), (2, 5.4528), (2, 5.1037), (4, 4.7822), (2, 1.1487), (2, 1.0021), (4, 0.9406), (4, 0.6894),
         (6, 0.6767), (2, 0.2133), (2, 0.1455), (4, 0.1455), (4, 0.0695), (6, 0.0675), (2, 0.0234), (2, 0.0134),
         (4, 0.0121)]
XENON_WEIGHT = 131.293  # g/mol

# (μ [μ_B], q [e]) at which χ² is printed, for comparison with other codes.
CHECK_POINTS = [(0, 0), (5e-12, 0), (1.2e-11, 0), (3e-11, 0), (0, 3e-13), (0, -3e-13), (0, 6e-13), (0, -6e-13),
                (1e-11, 2e-13), (1e-11, -2e-13), (2e-11, 5e-13), (2e-11, -5e-13)]


@dataclass
class Experiment:
    edges: np.ndarray  # bins of reconstructed energy [keV]
    counts: np.ndarray
    background: np.ndarray  # per bin, published: with the standard solar neutrinos in it
    efficiency: tuple  # reconstructed energy [keV], efficiency
    resolution: float  # σ = resolution √E, in √keV
    spectra: list  # continuous sources: (E [keV], shape, flux [cm^-2 s^-1], electron density [mol/cm³])
    lines: list  # (E [keV], flux [cm^-2 s^-1], electron density [mol/cm³])
    shells: list  # (electrons, binding energy [keV])
    atoms: float
    seconds: float


def read_table(path):
    """Columns of a CSV file with comments and a line of names."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(zip(lines[0].split(","), np.loadtxt(lines[1:], delimiter=",", unpack=True, ndmin=2)))


def quantity(text, unit):
    value, _, found = text.partition(" ")
    if found != unit:
        raise ValueError(f"{text!r} (expected {unit})")
    return float(value)


def read_experiment(path):
    """The experiment of a nuscan experiment file: as much of the format as LZ 2022 uses."""
    path = Path(path)
    file = tomllib.loads(path.read_text())
    bins, response = file["bins"], file["response"]
    counts = read_table(path.parent / bins["counts"]["table"])
    (background,) = file["background"]
    spectra, lines = [], []
    (sun,) = file["source"]
    if sun != {"type": "solar", "components": "all"}:
        raise ValueError(f"source {sun} (this script knows the whole Sun)")
    for name, (flux, density) in SUN.items():
        if name in SOLAR_LINES:
            lines += [(energy, flux * fraction, density) for energy, fraction in SOLAR_LINES[name]]
        else:
            table = read_table(path.parent / f"../solar/{name}.csv")
            spectra.append((1e3 * table["energy_MeV"], table["per_MeV"], flux, density))
    edges = np.linspace(bins["min"], quantity(bins["max"], "keV"), bins["number"] + 1)
    first = np.searchsorted(edges, quantity(bins["fit_min"], "keV") if "fit_min" in bins else edges[0])
    return Experiment(
        edges=edges[first:],
        counts=counts[bins["counts"]["column"]][first:],
        background=counts[background["counts"]["column"]][first:],
        efficiency=tuple(read_table(path.parent / response["efficiency"]).values()),
        resolution=quantity(response["resolution"]["sqrt"], "keV^1/2"),
        spectra=spectra,
        lines=lines,
        shells=XENON,
        atoms=1e6 * quantity(file["exposure"]["mass"], "t") / XENON_WEIGHT * AVOGADRO,
        seconds=86400 * quantity(file["exposure"]["live_time"], "d"),
    )


def gauss_legendre(edges, n):
    """Nodes and weights of n points in each interval of sorted ``edges`` (along the last axis)."""
    x, w = np.polynomial.legendre.leggauss(n)
    low, width = edges[..., :-1, None], np.diff(edges)[..., None]
    shape = edges.shape[:-1] + (-1,)
    return (low + width * (1 + x) / 2).reshape(shape), (width / 2 * w).reshape(shape)


def min_neutrino_energy(T):
    return (T + np.sqrt(T * (T + 2 * M_E))) / 2


def survival_probability(E, electron_density):
    """P_ee of ν_e from the Sun, Σ_k P_k(E) |U_ek|², adiabatic in matter."""
    beta = MATTER * electron_density * C13**2 * E / DM21
    cos_2theta = C12**2 - S12**2
    cos_2theta_m = (cos_2theta - beta) / np.hypot(cos_2theta - beta, 2 * S12 * C12)
    return C13**4 * (1 + cos_2theta * cos_2theta_m) / 2 + S13**4


class Prediction:
    """Recoil spectra in bins, with everything that no parameter changes computed once."""

    def __init__(self, experiment):
        self.experiment = experiment
        top = experiment.edges[-1] + 6 * experiment.resolution * math.sqrt(experiment.edges[-1])
        bindings = sorted({b for _, b in experiment.shells if b < top})
        start = bindings[0] if bindings else 1e-3
        steps = [max(start, 1e-3)]  # as fine as the resolution, and broken where another shell can be ionised
        while steps[-1] < top:
            steps.append(steps[-1] + experiment.resolution * math.sqrt(steps[-1]))
        self.T, weight = gauss_legendre(np.unique(steps + bindings), 4)
        electrons = sum(n * (self.T > b) for n, b in experiment.shells)
        self.response = (self.acceptance(self.T) * weight * electrons * experiment.atoms * experiment.seconds).T

        # Neutrino energies for every recoil energy: from the kinematic limit up, piece by piece of the tabulated flux.
        self.E, self.flux, self.P_ee = [], [], []
        for energy, shape, flux, density in experiment.spectra:
            shape = shape / ((shape[1:] + shape[:-1]) / 2 @ np.diff(energy))  # a trapezium rule in every numpy
            E, w = gauss_legendre(np.maximum(energy, min_neutrino_energy(self.T)[:, None]), 2)
            self.E.append(E)
            self.flux.append(flux * w * np.interp(E, energy, shape))
            self.P_ee.append(survival_probability(E, density))
        for energy, flux, density in experiment.lines:
            self.E.append(np.full((len(self.T), 1), energy))
            self.flux.append(np.where(energy > min_neutrino_energy(self.T), flux, 0)[:, None])
            self.P_ee.append(survival_probability(self.E[-1], density))
        self.E, self.flux, self.P_ee = np.hstack(self.E), np.hstack(self.flux), np.hstack(self.P_ee)
        used = (self.flux > 0).any(axis=0)
        self.E, self.flux, self.P_ee = (np.ascontiguousarray(x[:, used]) for x in (self.E, self.flux, self.P_ee))

    def acceptance(self, T):
        """Probability that a recoil T is reconstructed in each bin and accepted, (bins, T): exact integrals of the
        piecewise linear efficiency over a Gaussian."""
        x, y = self.experiment.efficiency
        edges = self.experiment.edges
        knots = np.unique(np.concatenate([x, edges]))
        knots = knots[(knots >= edges[0]) & (knots <= edges[-1]) & (knots >= x[0]) & (knots <= x[-1])]
        sigma = self.experiment.resolution * np.sqrt(T)
        z = (knots[:, None] - T) / sigma
        cdf = np.vectorize(math.erf)(z / math.sqrt(2)) / 2
        pdf = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        value = np.interp(knots, x, y)
        slope = (np.diff(value) / np.diff(knots))[:, None]
        pieces = (value[:-1, None] + slope * (T - knots[:-1, None])) * np.diff(cdf, axis=0) - slope * sigma * np.diff(
            pdf, axis=0)
        bins = np.searchsorted(edges, (knots[:-1] + knots[1:]) / 2) - 1
        result = np.zeros((len(edges) - 1, len(T)))
        np.add.at(result, bins, pieces)
        return result

    def cross_section(self, mu, q):
        """dσ/dT [cm²/keV] on the grid of (T, E), of solar neutrinos on a free electron."""
        T, E, P = self.T[:, None], self.E, self.P_ee
        Q = -CHARGE * q / T
        C1 = G_V**2 + (2 * G_V + 1) * P + 2 * (G_V + P) * Q + Q**2
        C2 = G_A**2 + (2 * G_A + 1) * P
        C3 = G_V * G_A + (G_V + G_A + 1) * P + (G_A + P) * Q
        return (WEAK * (C1 + C2 + 2 * C3 + (C1 + C2 - 2 * C3) * (1 - T / E) ** 2 + (C2 - C1) * M_E * T / E**2)
                + MAGNETIC * mu**2 * (1 / T - 1 / E))

    def solar_counts(self, mu, q):
        return (self.cross_section(mu, q) * self.flux).sum(axis=1) @ self.response


def chi2(signal, background, counts, sigma):
    """Poisson χ² (Baker-Cousins) minimised over the background's normalisation 1 + ξ, for one or many signals.

    ``signal`` is (..., bins); ``sigma`` the relative uncertainty, 0 for a fixed and inf for a free normalisation.
    Newton's method on ξ, which rises to the minimum from the left without overshooting. Returns χ² and ξ.
    """
    filled = counts > 0
    n, b, rest = counts[filled], background[filled], background.sum()
    s = signal[..., filled]
    xi = np.zeros(signal.shape[:-1])
    if sigma > 0:
        weight = 1 / sigma**2
        for _ in range(50):
            r = b / (s + (1 + xi)[..., None] * b)
            slope = rest + xi * weight - r @ n
            curvature = (r * r) @ n + weight
            step = -slope / curvature
            xi = np.maximum(xi + step, (xi - 1) / 2)  # never to −1 and beyond
            if np.all(step * step * curvature < 1e-12):
                break
    total = signal.sum(axis=-1) + (1 + xi) * rest
    value = 2 * (total - n.sum() + (n * np.log(n)).sum() - np.log(s + (1 + xi)[..., None] * b) @ n)
    return (value + xi**2 / sigma**2 if sigma > 0 else value), xi


class Templates:
    """The four spectra of which every prediction is a sum."""

    def __init__(self, prediction, mu=1e-11, q=1e-12):
        at = prediction.solar_counts
        self.constant = at(0, 0)
        plus, minus = at(0, q), at(0, -q)
        self.mu2 = (at(mu, 0) - self.constant) / mu**2
        self.q = (plus - minus) / (2 * q)
        self.q2 = (plus + minus - 2 * self.constant) / (2 * q**2)
        self.stack = np.array([self.constant, self.mu2, self.q, self.q2])

    def solar_counts(self, mu, q):
        return np.stack([np.ones_like(mu), mu**2, q, q**2], axis=-1) @ self.stack


def rate(evaluate, n_points, seconds):
    """Points per second of ``evaluate()``, which does ``n_points``: the best of repeats over ``seconds``."""
    best, end = math.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        evaluate()
        best = min(best, time.perf_counter() - start)
    return n_points / best


def upper_limit(templates, background, counts, sigma):
    """Where χ² of the magnetic moment alone has risen by 2.71 from its minimum over μ ≥ 0 [μ_B]."""
    mu = np.linspace(0, 5e-11, 50001)
    value, _ = chi2(templates.solar_counts(mu, np.zeros_like(mu)), background, counts, sigma)
    best = value.argmin()
    return float(np.interp(2.71, value[best:] - value[best], mu[best:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", help="experiments/lz-2022/experiment.toml")
    parser.add_argument("--sigma", type=float, default=0.13, help="relative uncertainty of the background")
    parser.add_argument("--points", type=int, default=101, help="grid points an axis")
    parser.add_argument("--seconds", type=float, default=2, help="time for each measurement")
    parser.add_argument("--loop", help="program of lz_templates.cpp, to be measured as well")
    parser.add_argument("--problem", help="file for what the other peers need, with χ² to compare theirs with")
    arguments = parser.parse_args()

    experiment = read_experiment(arguments.experiment)
    start = time.perf_counter()
    prediction = Prediction(experiment)
    templates = Templates(prediction)
    set_up = time.perf_counter() - start
    counts, sigma = experiment.counts, arguments.sigma
    solar = templates.constant
    background = experiment.background - solar  # the published one has the standard solar neutrinos in it

    mu_axis, q_axis = np.linspace(0, 3e-11, arguments.points), np.linspace(-6e-13, 6e-13, arguments.points)
    mu, q = (x.ravel() for x in np.meshgrid(mu_axis, q_axis, indexing="ij"))

    few = range(0, len(mu), len(mu) // 10)

    def integrated():
        for i in few:
            chi2(prediction.solar_counts(mu[i], q[i]), background, counts, sigma)

    def vectorised():
        for part in range(0, len(mu), 2048):  # what fits into the cache
            points = slice(part, part + 2048)
            chi2(templates.solar_counts(mu[points], q[points]), background, counts, sigma)

    report = {
        "solar_counts": solar.tolist(),
        "limits_mu_B": {name: upper_limit(templates, background, counts, s)
                        for name, s in [("fixed", 0), ("13 %", 0.13), ("free", math.inf)]},
        "chi2": [{"mu": m, "charge": e, "value": float(chi2(prediction.solar_counts(m, e), background, counts, sigma)[0])}
                 for m, e in CHECK_POINTS],
        "set_up_seconds": set_up,
        "nodes": list(prediction.E.shape),
        "points_per_second": {
            "numpy, integrating per point": rate(integrated, len(few), arguments.seconds),
            "numpy, templates": rate(vectorised, len(mu), arguments.seconds),
        },
    }
    if arguments.problem:
        check_mu, check_q = np.linspace(0, 3e-11, 31), np.linspace(-6e-13, 6e-13, 13)
        problem = {"counts": counts, "background": background, "templates": templates.stack, "sigma": sigma,
                   "mu": mu_axis, "charge": q_axis, "check_mu": check_mu, "check_charge": check_q,
                   "check_chi2": [[chi2(prediction.solar_counts(m, e), background, counts, sigma)[0] for e in check_q]
                                  for m in check_mu]}
        Path(arguments.problem).write_text(json.dumps(problem, default=lambda array: array.tolist()))
    if arguments.loop:
        numbers = [len(counts), sigma, *counts, *background, *templates.stack.ravel(), len(mu_axis), *mu_axis, len(q_axis),
                   *q_axis]
        text = "\n".join(repr(float(x)) if isinstance(x, float) else str(x) for x in numbers)
        run = subprocess.run([arguments.loop], input=text, capture_output=True, text=True, check=True)
        points_per_second, minimum = map(float, run.stdout.split())
        expected = min(chi2(templates.solar_counts(np.full_like(q_axis, m), q_axis), background, counts, sigma)[0].min()
                       for m in mu_axis)
        assert abs(minimum - expected) < 1e-9, (minimum, expected)
        report["points_per_second"]["C++, templates"] = points_per_second
    print(json.dumps(report, indent=4))


if __name__ == "__main__":
    main()
