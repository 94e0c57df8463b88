# SPDX-License-Identifier: Apache-2.0
"""Examples: the numbers that they state, and that their scans are right."""

import json
import os
import pathlib
import subprocess

import numpy as np
import pytest
import xarray

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = os.environ.get("NUSCAN_PROGRAM", str(ROOT / "build" / "nuscan"))


def test_projection_of_gemma_ii(tmp_path):
    result = tmp_path / "out.h5"
    scan = [PROGRAM, "scan", ROOT / "examples" / "gemma-ii.toml", "-o", result]
    subprocess.run(scan, check=True, capture_output=True, timeout=600)
    limits = subprocess.run([PROGRAM, "limits", result, "--json"], check=True, capture_output=True, text=True).stdout
    (interval,) = json.loads(limits)["axes"][0]["intervals"]
    assert interval["low"] == 0
    assert 5.8e-12 < interval["high"] < 5.95e-12
    readme = (ROOT / "experiments" / "gemma-ii" / "README.md").read_text()
    assert f"{1e12 * interval['high']:.2f}e-12 μ_B" in readme


SIX_AXES = ROOT / "examples" / "six-axes.toml"
UNITS = {"charge": "e", "charge_radius": "cm^2", "magnetic_moment": "mu_B"}


def small_scan(output, points, *arguments):
    sizes = [word for axis, n in enumerate(points) for word in ("--set", f"axis.{axis}.points={n}")]
    command = [PROGRAM, "scan", SIX_AXES, "-o", output, *sizes, *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    with xarray.open_dataset(output, engine="h5netcdf") as opened:
        return opened.load()


def test_six_axes_without_bins_agree_with_the_bins_and_with_the_reference(tmp_path):
    points = (4, 5, 3, 4, 5, 5)
    collapsed = small_scan(tmp_path / "collapsed.h5", points)
    bins = small_scan(tmp_path / "bins.h5", points, "--method", "moments")
    assert (collapsed.attrs["method"], bins.attrs["method"]) == ("collapsed", "moments")
    assert np.allclose(collapsed["chi2"], bins["chi2"], rtol=1e-11, atol=1e-9)
    assert np.ptp(collapsed["chi2"].values) > 1, "the axes matter"
    assert collapsed.attrs["parity_points"] > 0
    assert collapsed.attrs["parity_largest_deviation"] < 1e-8

    best = collapsed.isel(collapsed["chi2"].argmin(...))
    file = tmp_path / "minimum.toml"
    names = [*collapsed.coords, *collapsed["chi2"].attrs["profiled"].split()]
    assert len(names) == 6
    fixed = "".join(f'"{name}" = {quantity(name, best[name].item())}\n' for name in names[:-1])
    at = best[names[-1]].item()
    file.write_text(f"""[parameters]
{fixed}
[[experiment]]
use = "gemma-ii"
[[axis]]
parameter = "{names[-1]}"
values = [{quantity(names[-1], at)}, {quantity(names[-1], at + 1e-31)}]
""")
    output = tmp_path / "minimum.h5"
    run = [PROGRAM, "scan", file, "-o", output, "--backend", "reference"]
    subprocess.run(run, check=True, capture_output=True, timeout=600)
    with xarray.open_dataset(output, engine="h5netcdf") as reference:
        assert reference["chi2"][0].item() == pytest.approx(best["chi2"].item(), rel=1e-8, abs=1e-8)


def quantity(name, value):
    return repr(value) if name.endswith(".arg") else f'"{value!r} {UNITS[name.split(".")[0]]}"'
