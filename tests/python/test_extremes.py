# SPDX-License-Identifier: Apache-2.0
"""Numbers too large or too small for chi2: refused with a reason where they are read, or carried to a finite end."""

import json
import os
import pathlib
import re
import subprocess

import h5py
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = os.environ.get("NUSCAN_PROGRAM", str(ROOT / "build" / "nuscan"))

POISSON = """name = "toy"
title = "toy"
citation = "made up"
statistic = "poisson"
[exposure]
mass = "{mass} kg"
live_time = "{live_time} d"
[target]
element = "Ge"
[[channel]]
scattering = "electron"
atomic = "free"
[response]
resolution = {{ constant = "{resolution} keV" }}
[bins]
min = "{bin_min} keV"
max = "{bin_max} keV"
number = 3
counts = [{count}, 10, 7]
{errors}
[[source]]
type = "reactor"
name = "core"
spectrum = "huber-mueller"
low_energy = "vogel-engel"
flux = "{flux} cm^-2 s^-1"
[signal]
uncertainty = {signal_uncertainty}
[[background]]
name = "flat"
counts = [{background}, 5, 4]
uncertainty = {uncertainty}
[[background]]
name = "line"
function = "peaks"
total = {total}
width = "{width} keV"
peaks = [ {{ energy = "{energy} keV", area = {area} }} ]
uncertainty = 0.2
{systematic}
"""
SHAPE = """[[systematic]]
name = "tilt"
of = "flat"
plus = [{plus}, 5, 4.1]
minus = [9, 5, 3.9]
rate = true
uncertainty = {shape_uncertainty}
"""
SCAN = """title = "extremes"
[[experiment]]
file = "experiment.toml"
[parameters]
"anapole.ee" = "{anapole} cm^2"
[[axis]]
parameter = "magnetic_moment.ee"
min = "{axis_min} mu_B"
max = "{axis_max} mu_B"
points = 3
[[axis]]
parameter = "charge.ee"
min = 0
max = "1e-12 e"
points = 2
"""
USUAL = {
    "mass": 3, "live_time": 200, "resolution": 0.1, "bin_min": 2, "bin_max": 8, "count": 12, "flux": 2.7e13,
    "signal_uncertainty": 0.1, "background": 10, "uncertainty": 0.3, "total": 6, "width": 0.2, "energy": 3, "area": 1,
    "plus": 12, "shape_uncertainty": 1, "anapole": 1e-33, "axis_min": 0, "axis_max": 3e-11,
    "errors": "", "systematic": "",
}  # fmt: skip
TINY, HUGE = ("1e-308", "1e-160", "1e-90"), ("1e90", "1e160", "1e300")


def run(folder, *arguments):
    return subprocess.run(
        [PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, timeout=600, env={**os.environ}
    )


def write(folder, **values):
    values = {**USUAL, **values}
    values["systematic"] = values["systematic"].format(**values)
    (folder / "experiment.toml").write_text(POISSON.format(**values))
    (folder / "scan.toml").write_text(SCAN.format(**values))


def check(folder):
    """A refusal with file, line and reason; or finite numbers. Never a number that is none."""
    done = run(folder, "scan", "scan.toml", "-o", "o.h5", "--overwrite", "--parity-points", "2")
    printed = done.stdout + done.stderr
    assert not re.search(r"\b(nan|inf)\b", printed, re.IGNORECASE), printed
    if done.returncode == 2:
        assert re.search(r"^[\w./-]+(:\d+)?: .+ \(.+\)", printed, re.MULTILINE), printed
        return "refused"
    assert done.returncode in (0, 1), printed
    with h5py.File(folder / "o.h5") as result:
        chi2, status = result["chi2"][...], result["status"][...]
    assert np.all(np.isfinite(chi2) | (status != 0)), (chi2, status)
    assert np.all((chi2 < np.inf) | (status != 2)), (chi2, status)
    point = run(folder, "point", "scan.toml", "--json")
    assert point.returncode in (0, 2), point.stderr
    assert "nan" not in run(folder, "point", "scan.toml").stdout
    if done.returncode == 1:
        assert "do not trust" in printed, printed
        return "distrusted"
    return "finite"


KEYS = [key for key in USUAL if key not in ("errors", "systematic", "count", "plus", "shape_uncertainty")]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", [*TINY, *HUGE])
def test_extremes_of_each_key_are_refused_or_carried(tmp_path, key, value):
    write(tmp_path, **{key: value})
    assert check(tmp_path) in ("refused", "finite")


@pytest.mark.parametrize("key", ["plus", "shape_uncertainty", "uncertainty", "background", "axis_max", "mass"])
@pytest.mark.parametrize("value", [*TINY, *HUGE])
def test_extremes_beside_a_shape_are_refused_or_carried(tmp_path, key, value):
    write(tmp_path, systematic=SHAPE, **{key: value})
    assert check(tmp_path) in ("refused", "finite")


@pytest.mark.parametrize("sigma", [*TINY, *HUGE])
def test_extremes_of_gaussian_errors_are_refused_or_carried(tmp_path, sigma):
    write(tmp_path, errors=f"sigma = [{sigma}, 3, 3]")
    text = (tmp_path / "experiment.toml").read_text()
    (tmp_path / "experiment.toml").write_text(text.replace('"poisson"', '"gaussian"'))
    assert check(tmp_path) in ("refused", "finite")


def test_the_reason_is_that_of_the_number(tmp_path):
    for values, error in [
        ({"uncertainty": "1e-308"}, r"experiment.toml:32: uncertainty = 1e-308 is out of range \(quantities reach from"),
        ({"uncertainty": "1e-12"}, r"experiment.toml:32: uncertainty = 1e-12 is too small \(.+\) write \"fixed\"\?"),
        ({"uncertainty": "1e12"}, r"experiment.toml:32: uncertainty = 1.* is too large \(.+\) write \"free\"\?"),
        ({"background": "2e15"}, r"experiment.toml:\d+: counts\[0\] = 2(e\+15|0{15}) is too large \(chi2 has its precision up"),
        ({"count": "2000000000000000"}, r"experiment.toml:\d+: counts\[0\] = 2(e\+15|0{15}) is too large \(chi2 has its"),
        ({"axis_max": "1e7"}, r"scan.toml:\d+: max = 1.*mu_B is out of range \(form factors reach to"),
        ({"total": "1e-20"}, r"background \"line\" has 1e-20 counts in all bins \(.+\) write \"fixed\"\?"),
    ]:
        write(tmp_path, **values)
        done = run(tmp_path, "scan", "scan.toml", "-o", "o.h5")
        assert done.returncode == 2, done.stderr
        assert re.search(error, done.stderr), done.stderr


@pytest.mark.parametrize("counts", [10**6, 10**9, 10**12, 10**15])
def test_counts_of_any_size_have_a_chi2_that_is_not_negative(tmp_path, counts):
    write(tmp_path, count=counts, background=f"{counts - 20}.0", uncertainty='"fixed"', signal_uncertainty='"fixed"')
    done = run(tmp_path, "scan", "scan.toml", "-o", "o.h5")
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "o.h5") as result:
        assert result["chi2"][...].min() >= 0
        assert result.attrs["verdict"] == "ok"


def own_chi2(fixed, template, sigma, n):
    """Baker-Cousins over the pull of one template, by golden sections: χ² is convex in it."""

    def chi2(x):
        N = fixed + x * template
        return 2 * np.sum(N - n + np.where(n > 0, n * np.log(np.maximum(n, 1) / N), 0)) + ((x - 1) / sigma) ** 2

    low, high, golden = 1e-9, 20, (5**0.5 - 1) / 2
    for _ in range(100):
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, b) if chi2(a) < chi2(b) else (a, high)
    return chi2((low + high) / 2)


FEW = {"background": 8, "uncertainty": '"fixed"', "signal_uncertainty": '"fixed"', "resolution": 0.01}


@pytest.mark.parametrize(
    "values, counts",
    [
        ({"bin_max": 2.9, "energy": 2.85, "width": 0.0155}, None),  # 1e-277 and 1e-58 in the first two bins
        ({"bin_max": 2.6, "energy": 2.57, "width": 0.0105}, None),
        ({"width": 0.05, "energy": 2.7}, None),  # 1e-149 in the second one, and none in the third
        ({}, [1e-59, 6, 2]),
        ({}, [9, 1e-58, 1e-30]),
    ],
)
def test_a_pulled_background_that_vanishes_in_bins_beside_a_fixed_one(tmp_path, values, counts):
    write(tmp_path, **FEW, **values)
    if counts:
        text = (tmp_path / "experiment.toml").read_text()
        line = text[text.index('function = "peaks"') : text.rindex("uncertainty = 0.2")]
        (tmp_path / "experiment.toml").write_text(text.replace(line, f"counts = {counts}\n"))
    done = run(tmp_path, "scan", "scan.toml", "-o", "o.h5")
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "o.h5") as result:
        found, status = result["chi2"][...], result["status"][...]
        moments, charges = result["magnetic_moment.ee"][...], result["charge.ee"][...]
    assert np.all(status == 0)
    for i, moment in enumerate(moments):
        for j, charge in enumerate(charges):
            at = ["--set", f"magnetic_moment.ee={moment} mu_B", "--set", f"charge.ee={charge} e", "--json"]
            (point,) = json.loads(run(tmp_path, "point", "scan.toml", *at).stdout)["experiments"]
            pull = next(pull["value"] for pull in point["pulls"] if pull["name"] == "line")
            parts = {name: np.array(value) for name, value in point["components"].items()}
            line = parts.pop("line") / pull
            assert line.min() < 1e-50 and line.max() > 1
            expected = own_chi2(sum(parts.values()), line, 0.2, np.array(point["observed"]))
            assert found[i, j] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_where_nothing_is_predicted_no_number_is_printed(tmp_path):
    write(tmp_path, bin_min=20000, bin_max=80000)  # beyond the largest recoil
    text = (tmp_path / "experiment.toml").read_text().replace("[10, 5, 4]", "[0, 5, 4]")
    (tmp_path / "experiment.toml").write_text(text[: text.index('[[background]]\nname = "line"')])
    done = run(tmp_path, "scan", "scan.toml", "-o", "o.h5")
    assert "no point has a finite chi2" in done.stderr, done.stderr
    assert not re.search(r"\b(nan|inf)\b", done.stderr)
    assert "chi2 is infinite (a bin with counts is predicted to have none)" in run(tmp_path, "point", "scan.toml").stdout
    assert json.loads(run(tmp_path, "point", "scan.toml", "--json").stdout)["chi2"] is None
