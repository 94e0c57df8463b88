# SPDX-License-Identifier: Apache-2.0
"""Nuisance parameters as the program reports them, and what it finds suspicious in an experiment file."""

import json
import re

import numpy as np
import pytest

from test_cli import dataset, nuscan, scan

EXPERIMENT = """name = "toy"
title = "toy"
citation = "made up"
[exposure]
mass = "3 kg"
live_time = "200 d"
[target]
element = "Ge"
[[channel]]
scattering = "electron"
atomic = "free"
[bins]
min = "2 keV"
max = "8 keV"
number = 3
counts = [50, 40, 30]
[[source]]
type = "reactor"
name = "core"
spectrum = "huber-mueller"
low_energy = "vogel-engel"
power = "3 GW"
baseline = "20 m"
"""
BACKGROUND = '[[background]]\nname = "{}"\ncounts = {}\nuncertainty = {}\n'
SCAN = """title = "t"
[[experiment]]
file = "experiment.toml"
[[axis]]
parameter = "{}"
min = {}
max = {}
points = 31
"""
MOMENT = SCAN.format("magnetic_moment.ee", 0, '"3e-11 mu_B"')


def write(folder, experiment, scan_file=MOMENT):
    (folder / "experiment.toml").write_text(experiment)
    (folder / "scan.toml").write_text(scan_file)
    return folder / "scan.toml"


@pytest.mark.parametrize(
    "b, statistic, combination",
    [
        ([10, 10, 10], "poisson", "2 toy.a + toy.b"),
        ([10, 10, 10], "gaussian", "2 toy.a + toy.b"),
        ([60, 60, 60], "poisson", "toy.a + 3 toy.b"),
    ],
)
def test_degenerate_backgrounds_have_no_errors(tmp_path, b, statistic, combination):
    backgrounds = BACKGROUND.format("a", [20, 20, 20], '"free"') + BACKGROUND.format("b", b, '"free"')
    file = write(tmp_path, f'statistic = "{statistic}"\n' + EXPERIMENT + backgrounds)
    said = f"toy.a and toy.b are degenerate: only {combination} is determined"
    scan(file, tmp_path / "o.h5", "--threads", "2")
    result = dataset(tmp_path / "o.h5")
    assert result.attrs["degenerate_pulls"] == said
    for name in ("toy.a", "toy.b"):
        assert f"pull_error.{name}" not in result.attrs
        assert result.attrs[f"pull_status.{name}"] == "not determined"
    text = nuscan("limits", tmp_path / "o.h5").stdout
    assert "pulls     toy.a not determined, toy.b not determined\n" in text
    assert said in text
    limits = json.loads(nuscan("limits", tmp_path / "o.h5", "--json").stdout)
    assert limits["degenerate_pulls"] == said
    assert limits["goodness_of_fit"]["degrees_of_freedom"] == 1  # three bins, a moment, and one number of two backgrounds
    assert {pull["error"] for pull in limits["pulls"].values()} == {None}
    assert {pull["status"] for pull in limits["pulls"].values()} == {"not determined"}
    point = ["point", file, "--set", "magnetic_moment.ee=0"]
    text = nuscan(*point).stdout
    assert said in text and "±" not in text
    report = json.loads(nuscan(*point, "--json").stdout)
    assert report["degenerate_pulls"] == [said]
    pulls = report["experiments"][0]["pulls"]
    assert [(pull["error"], pull["status"]) for pull in pulls] == [(None, "not determined")] * 2
    text = nuscan("experiments", "--check", tmp_path / "experiment.toml").stdout
    assert len(re.findall("best fit not determined", text)) == 2


def test_a_pull_at_its_bound_and_one_that_is_held(tmp_path):
    backgrounds = BACKGROUND.format("a", [1, 1, 40], '"free"') + BACKGROUND.format("b", [30, 20, 10], 0.2)
    file = write(tmp_path, EXPERIMENT.replace("[50, 40, 30]", "[50, 40, 2]") + backgrounds)
    text = nuscan("point", file, "--set", "magnetic_moment.ee=0", "--set", "toy.b=1").stdout
    assert "  a: 0.00000 (at its bound) of nominal\n" in text and "  b:" not in text
    scan(file, tmp_path / "o.h5", "--threads", "2")
    assert "toy.a 0 (at its bound), toy.b " in nuscan("limits", tmp_path / "o.h5").stdout
    pulls = json.loads(nuscan("limits", tmp_path / "o.h5", "--json").stdout)["pulls"]
    assert pulls["toy.a"] == {"value": 0, "error": None, "status": "at its bound", "unit": "1"}
    assert pulls["toy.b"]["status"] == "fitted" and 0 < pulls["toy.b"]["error"] < 0.2


def test_a_free_signal_beside_an_axis_that_scales_it(tmp_path):
    free = EXPERIMENT + '[signal]\nuncertainty = "free"\n' + BACKGROUND.format("a", [20, 20, 20], 0.1)
    file = write(tmp_path, free, SCAN.format("toy.baseline", '"10 m"', '"40 m"'))
    scan(file, tmp_path / "o.h5", "--threads", "2")
    text = nuscan("limits", tmp_path / "o.h5").stdout
    assert "toy.signal not determined" in text
    assert "toy.signal and toy.baseline are degenerate: no more than combinations are determined" in text
    assert re.search(r"toy\.a 0\.\d+ ± 0\.\d+", text)
    text = nuscan("point", file, "--set", "toy.baseline=20 m").stdout  # where it is given, the signal is determined
    assert "degenerate" not in text and re.search(r"signal: \d\.\d+ ± \d\.\d+", text)


NOTE = (
    'experiment.toml:27: the uncertainty of background "flat" is 34 times its size (uncertainties are relative to nominal) '
    'write 0.0205 for 34 counts, 0.34 for 34 %, or "free"?\n'
)


@pytest.mark.parametrize(
    "old, new, counts, why",
    [
        ("none", "", None, ""),
        ('"3 kg"', '"3 g"', "0.0104", "less than 0.0001 of the 1659 of the backgrounds"),
        ('"20 m"', '"20 km"', "1.04e-05", "fewer than 0.01"),
    ],
)
def test_scans_and_explanations_say_once_what_is_suspicious(tmp_path, old, new, counts, why):
    write(tmp_path, (EXPERIMENT + BACKGROUND.format("flat", [553] * 3, 34)).replace(old, new))
    notes = NOTE
    if counts:
        notes += (
            f"experiment.toml:4: the standard model gives {counts} counts of neutrinos in all bins ({why}) check mass, "
            "flux, baseline and the unit of the bins?\n"
        )
    for arguments in (["scan", "scan.toml", "--threads", "2"], ["explain", "scan.toml"]):
        run = nuscan(*arguments, cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert run.stderr.startswith(notes) and run.stderr.count("experiment.toml:") == notes.count("\n")
    text = nuscan("experiments", "--check", "experiment.toml", cwd=tmp_path).stdout
    listed = text.split("suspicious\n")[1]
    assert listed.startswith("".join(f"  {note}\n" for note in notes.splitlines()))
    warnings = json.loads(nuscan("experiments", "--check", "experiment.toml", "--json", cwd=tmp_path).stdout)["warnings"]
    assert warnings[: notes.count("\n")] == notes.splitlines()


def least_over_shape(fixed, template, added, sigma, n):
    """The smallest χ² over z of N = fixed + max(0, template + z added), negative predictions being zero: a fine grid
    that has all kinks, and golden sections about each of its minima."""

    def chi2(z):
        N = np.maximum(fixed + template + np.multiply.outer(z, added), 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = N - n + np.where(n > 0, n * np.log(np.maximum(n, 1) / N), 0)
        return 2 * terms.sum(axis=-1) + (z / sigma) ** 2

    kinks = -(fixed + template)[added != 0] / added[added != 0]
    grid = np.sort(np.concatenate([np.linspace(-30, 30, 20001), kinks]))
    values = chi2(grid)
    least = np.nanmin(values)
    for i in np.flatnonzero((values[1:-1] < values[:-2]) & (values[1:-1] <= values[2:])) + 1:
        low, high, golden = grid[i - 1], grid[i + 1], (5**0.5 - 1) / 2
        for _ in range(80):
            a, b = high - golden * (high - low), low + golden * (high - low)
            low, high = (low, b) if chi2(a) < chi2(b) else (a, high)
        least = min(least, chi2((low + high) / 2))
    return least


@pytest.mark.parametrize(
    "counts, template, plus, sigma",
    [
        ([120, 9, 0], [100, 100, 100], [110, 60, 20], 1),
        ([100, 12, 0], [100, 60, 30], [100, 30, 0], '"free"'),
        ([0, 30, 20], [4, 30, 20], [0.5, 33, 25], 1),  # the kink lies beyond nominal's other side
        ([0, 0, 40], [5, 20, 40], [2, 39, 40], '"free"'),
    ],
)
def test_a_shape_that_empties_bins(tmp_path, counts, template, plus, sigma):
    shape = f'[[systematic]]\nname = "tilt"\nof = "flat"\nplus = {plus}\nrate = true\nuncertainty = {sigma}\n'
    experiment = EXPERIMENT.replace("[50, 40, 30]", str(counts)) + BACKGROUND.format("flat", template, '"fixed"') + shape
    file = write(tmp_path, experiment, MOMENT.replace("points = 31", "points = 7"))
    scan(file, tmp_path / "o.h5", "--threads", "2")  # the reference agrees, or it exits with 1
    result = dataset(tmp_path / "o.h5")
    assert np.all(result["status"] == 0)
    for moment, found in zip(result["magnetic_moment.ee"].values, result["chi2"].values):
        run = nuscan("point", file, "--json", "--set", f"magnetic_moment.ee={moment} mu_B", "--set", "toy.tilt=0")
        signal = np.array(json.loads(run.stdout)["experiments"][0]["components"]["core"])
        added = np.subtract(plus, template)
        width = np.inf if sigma == '"free"' else sigma
        expected = least_over_shape(signal, np.array(template), added, width, np.array(counts))
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_names_of_systematics_on_axes(tmp_path):
    systematics = (
        '[[systematic]]\nname = "tilt"\nof = "a"\nplus = [22, 20, 18]\n'
        '[[systematic]]\nname = "rate"\nof = ["a", "signal"]\nuncertainty = 0.1\n'
        '[[background]]\nname = "e"\nfunction = "exponential"\ntotal = 10\nscale = "2 keV"\nscale_range = ["1 keV", "4 keV"]\n'
    )
    experiment = EXPERIMENT + BACKGROUND.format("a", [20, 20, 20], 0.1) + systematics
    names = {
        "toy.tilt": ("systematic tilt of toy, in standard deviations", -1, 1),
        "toy.rate": ("systematic rate of toy, relative to nominal", 0.8, 1.2),
        "toy.e-scale": ("systematic e-scale of toy", '"1.5 keV"', '"3 keV"'),
        "toy.a": ("normalisation of a in toy, relative to nominal", 0.8, 1.2),
        "toy.baseline": ("distance from the sources to toy", '"10 m"', '"30 m"'),
    }
    for name, (long_name, low, high) in names.items():
        file = write(tmp_path, experiment, SCAN.format(name, low, high))
        scan(file, tmp_path / "o.h5", "--threads", "2", "--overwrite", "--parity-points", "0")
        assert dataset(tmp_path / "o.h5")[name].attrs["long_name"] == long_name
    shared = '[[shared]]\nname = "both"\nsystematics = ["toy.rate", "toy.a"]\n'
    file = write(tmp_path, experiment, SCAN.format("both", -1, 1) + shared)
    scan(file, tmp_path / "o.h5", "--threads", "2", "--overwrite", "--parity-points", "0")
    expected = "systematic both shared by toy.rate, toy.a, in standard deviations"
    assert dataset(tmp_path / "o.h5")["both"].attrs["long_name"] == expected


def test_a_negative_signal_is_refused_as_one(tmp_path):
    file = write(tmp_path, EXPERIMENT + '[signal]\nuncertainty = 0.1\n' + BACKGROUND.format("a", [20, 20, 20], 0.1))
    for name, of in (("signal", "signal"), ("a", "background")):
        run = nuscan("point", file, "--set", "magnetic_moment.ee=0", "--set", f"toy.{name}=-1")
        assert run.returncode == 2
        assert run.stderr == (
            f"command line: toy.{name} = -1 is negative (toy.{name} is relative to the nominal {of}, 1)\n"
        )
