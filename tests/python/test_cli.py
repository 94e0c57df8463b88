# SPDX-License-Identifier: Apache-2.0
"""The program as a user runs it: output, exit statuses, error texts, limits, and what kill -9 leaves."""

import cmath
import json
import math
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest
import xarray

from nuscan import InputError, read_result

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = os.environ.get("NUSCAN_PROGRAM", str(ROOT / "build" / "nuscan"))
LZ = ROOT / "examples" / "lz-magnetic-moment.toml"
LZ_MAP = ROOT / "examples" / "lz-magnetic-moment-charge.toml"
NOT_CHECKED = "not checked: nothing was compared with the reference"
SMALL = ["--set", "axis.0.points=12", "--set", "axis.1.points=9", "--parity-points", "0"]
PATIENCE = 600  # s, for what always happens: a ceiling, not an expectation


def nuscan(*arguments, cwd=None, environment=None):
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=PATIENCE,
        env={**os.environ, **(environment or {})},
    )


def scan(file, output, *arguments):
    run = nuscan("scan", file, "-o", output, *arguments)
    assert run.returncode == 0, run.stderr
    return run


def dataset(path):
    with xarray.open_dataset(path, engine="h5netcdf") as opened:
        return opened.load()


def test_imports_of_what_is_not_there_write_nothing(tmp_path):
    run = nuscan("import", "coherent-la", tmp_path)
    assert run.returncode == 2
    assert run.stderr == (
        'import: unknown value "coherent-la" (it is one of coherent-csi, coherent-lar, dresden-ii) '
        'did you mean "coherent-lar"?\n'
    )
    run = nuscan("import", "dresden-ii", ".", "-o", "out", cwd=tmp_path)
    assert run.returncode == 2
    assert run.stderr == (
        "./data_release.txt: the file is missing (the release has it) take it from "
        "https://arxiv.org/src/2202.09672/anc?\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_shards_of_a_scan_are_merged_to_what_it_is_in_one_piece(tmp_path):
    file, output = LZ_MAP, tmp_path / "out.h5"
    grid = ["--set", "axis.0.points=12", "--set", "axis.1.points=9"]
    for shard in ("1/2", "2/2"):
        status = nuscan("status", output)
        if shard == "1/2":
            assert (status.returncode, status.stdout) == (2, "")
            assert status.stderr == f"{output}: no such file (no scan has begun to write it)\n"
        else:
            assert status.returncode == 0
            assert re.fullmatch(r"shard 1/2: 1 of 1 units, 100 %, written .* ago\nshard 2/2: not begun\n", status.stdout)
        assert not output.exists()
        run = scan(file, output, *grid, "--shard", shard)
        assert re.search(rf"shard {shard}: .* points, .* of them now; nuscan merge \S+ -o \S+ once all", run.stderr)
    run = nuscan("merge", file, "-o", output, *grid)
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.h5"]
    scan(file, tmp_path / "whole.h5", *grid)
    merged, whole = dataset(output), dataset(tmp_path / "whole.h5")
    np.testing.assert_array_equal(merged.chi2, whole.chi2)
    assert merged.attrs["device"] == whole.attrs["device"]
    run = nuscan("scan", file, "-o", tmp_path / "other.h5", *grid, "--shard", "3/2")
    assert (run.returncode, run.stderr) == (
        2, '--shard: "3/2" is no shard (expected K/N with 1 <= K <= N, like 2/8)\n'
    )  # fmt: skip


# ---- cross-section ----------------------------------------------------------------------------------------------


def mixing_matrix(t12, t13, t23, delta):
    """PDG, as a product of three rotations (nuscan writes the elements out)."""
    c, s = math.cos, math.sin
    r23 = np.array([[1, 0, 0], [0, c(t23), s(t23)], [0, -s(t23), c(t23)]], complex)
    r13 = np.array([[c(t13), 0, s(t13) * cmath.exp(-1j * delta)], [0, 1, 0], [-s(t13) * cmath.exp(1j * delta), 0, c(t13)]])
    r12 = np.array([[c(t12), s(t12), 0], [-s(t12), c(t12), 0], [0, 0, 1]], complex)
    return r23 @ r13 @ r12


@pytest.mark.parametrize("flavour", ["e", "mu", "tau"])
@pytest.mark.parametrize("antineutrino", [False, True])
@pytest.mark.parametrize("propagation", ["short", "exact", "decohered"])
def test_cross_section_is_that_of_the_formulas(tmp_path, flavour, antineutrino, propagation):
    file = tmp_path / "point.toml"
    file.write_text(
        """
[neutrino]
basis = "mass"
sin2_theta_w = 0.235
[neutrino.mixing]
theta12 = 0.59
theta13 = "8.6 deg"
theta23 = 0.8
delta = 3.9
dm21 = "7.4e-5 eV^2"
dm31 = "2.5e-3 eV^2"
[parameters]
"charge.12.re" = "1.3e-12 e"
"charge.12.im" = "-0.7e-12 e"
"charge.33" = "0.4e-12 e"
"charge_radius.13.abs" = "3e-32 cm^2"
"charge_radius.13.arg" = 0.8
"anapole.22" = "-1e-32 cm^2"
"magnetic_moment.universal" = "2e-11 mu_B"
"magnetic_moment.23.im" = "3e-11 mu_B"
"electric_moment.13.re" = "1.5e-11 mu_B"
"""
    )
    E, baseline, recoils = 0.9, 31000.0, [0.002, 0.4]
    run = nuscan(
        "cross-section", file, "--target", "electron", "--flavour", flavour, *(["--antineutrino"] * antineutrino),
        "--energy", E, *(x for T in recoils for x in ("--recoil", T)), "--baseline", baseline,
        "--propagation", propagation, "--json",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    points = json.loads(run.stdout)
    assert len(points) == len(recoils)

    m, G, alpha, hc = 0.51099895, 1.1663788e-11, 1 / 137.035999084, 197.3269804e-13
    kappa = 2 * math.sqrt(2) * math.pi * alpha / G  # MeV^2
    U = mixing_matrix(0.59, math.radians(8.6), 0.8, 3.9)
    hermitian = lambda M: M + M.conj().T - np.diag(np.diag(M))
    e = np.zeros((3, 3), complex)
    r, a, mu, eps = e.copy(), e.copy(), 2e-11 * np.eye(3, dtype=complex), e.copy()
    e[0, 1], e[2, 2] = 1.3e-12 - 0.7e-12j, 0.4e-12
    r[0, 2] = 3e-32 * cmath.exp(0.8j)
    a[1, 1] = -1e-32
    mu[1, 2] = 3e-11j
    eps[0, 2] = 1.5e-11
    e, r, a, mu, eps = map(hermitian, (e, r, a, mu, eps))
    radius, moment = (r - 6 * a) / hc**2, mu - 1j * eps  # natural units, mu_B
    charged = np.outer(U[0].conj(), U[0])
    gV, gA = (2 * 0.235 - 0.5) * np.eye(3) + charged, -0.5 * np.eye(3) + charged
    s, row = 1, U[["e", "mu", "tau"].index(flavour)]
    if antineutrino:
        s, row = -1, row.conj()
        e, radius, moment, gV, gA = -e.T, -radius.T, -moment.conj(), -gV.conj(), -gA.conj()
    phase = 1e-12 * np.array([0, 7.4e-5, 2.5e-3]) * baseline * 100 / hc / (2 * E)
    psi = row.conj() * np.exp(-1j * phase * (propagation == "exact"))
    rho = np.outer(psi, psi.conj())
    if propagation == "decohered":
        rho = np.diag(np.diag(rho))
    for T, point in zip(recoils, points):
        assert list(point) == ["recoil", "C1", "C2", "C3", "mu2", "dsigma_dT"]
        V = gV + kappa * (e / (-2 * m * T) + radius / 6)
        C1, C2, C3 = (np.trace(rho @ X) for X in (V.conj().T @ V, gA.conj().T @ gA, gA.conj().T @ V))
        mu2 = np.trace(rho @ moment.conj().T @ moment).real
        plus, minus = C1 + C2 + 2 * s * C3.real, C1 + C2 - 2 * s * C3.real
        weak = G**2 * m / (2 * math.pi) * (plus + minus * (1 - T / E) ** 2 + (C2 - C1) * m * T / E**2).real * hc**2
        sigma = weak + math.pi * alpha**2 / m**2 * hc**2 * mu2 * (1 / T - 1 / E)
        assert point["recoil"] == T
        assert point["C1"] == pytest.approx(C1.real, rel=1e-11)
        assert point["C2"] == pytest.approx(C2.real, rel=1e-11)
        assert complex(*point["C3"]) == pytest.approx(C3, rel=1e-10)
        assert point["mu2"] == pytest.approx(mu2, rel=1e-11, abs=0)
        assert point["dsigma_dT"] == pytest.approx(sigma, rel=1e-11, abs=0)  # below the default abs


def test_cross_section_without_parameters_is_the_standard_model(tmp_path):
    file = tmp_path / "empty.toml"
    file.write_text("")
    run = nuscan("cross-section", file, "--target", "electron", "--flavour", "e", "--energy", 1, "--recoil", 0.3, "--json")
    (point,) = json.loads(run.stdout)
    gV, gA = 2 * 0.23863 + 0.5, 0.5
    assert point["C1"] == pytest.approx(gV**2)
    assert point["C3"] == [pytest.approx(gV * gA), pytest.approx(0, abs=1e-15)]
    assert point["mu2"] == 0
    text = nuscan("cross-section", file, "--target", "electron", "--flavour", "e", "--energy", 1, "--recoil", 0.3).stdout
    assert text.split("\n")[0].endswith("dsigma_dT [cm^2/MeV]")


# ---- scans and limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("background, low, high", [("free", 1.3e-11, 1.5e-11), ("fixed", 1.1e-11, 1.3e-11)])
def test_lz_limit_on_the_magnetic_moment(tmp_path, background, low, high):
    file = tmp_path / "lz.toml"
    file.write_text(LZ.read_text().replace("systematics.background = 0.13", f'systematics.background = "{background}"'))
    scan(file, tmp_path / "lz.h5")
    limits = json.loads(nuscan("limits", tmp_path / "lz.h5", "--json").stdout)
    (axis,) = limits["axes"]
    assert axis["name"] == "magnetic_moment.universal"
    (interval,) = axis["intervals"]
    assert interval["low"] == 0
    assert low < interval["high"] < high


def test_scan_says_how_many_points_were_compared(tmp_path):
    small = ["--set", "axis.0.points=21", "--set", "axis.1.points=31", "-o", tmp_path / "a.h5", "--overwrite"]
    found = re.search(r"parity: (\d+) random points and the best fit agree with the reference to \S+ in chi2/\(1 \+ chi2\)\n",
                      nuscan("scan", LZ_MAP, *small).stderr)  # fmt: skip
    assert 4 <= int(found[1]) <= 16
    # However short: four, and what is left is said.
    text = nuscan("scan", LZ_MAP, *small, "--parity-points", "100000").stderr
    found = re.search(r"parity: (\d+) random points and .*\n  (\d+) more were left out, to stay below 5 % of the scan's time", text)
    assert int(found[1]) >= 4 and int(found[1]) + int(found[2]) == 100000
    assert "3 random points and the best fit" in nuscan("scan", LZ_MAP, *small, "--parity-points", "3").stderr
    assert "four always" in " ".join(nuscan("scan", "--help").stdout.split())


def test_says_what_it_waits_for(tmp_path):
    pipe = tmp_path / "scan.toml"
    os.mkfifo(pipe)
    environment = {name: value for name, value in os.environ.items() if name != "NUSCAN_PROGRESS"}
    command = subprocess.Popen([PROGRAM, "point", pipe], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    # It goes on waiting until somebody writes: however busy the machine is, the line comes first.
    assert re.fullmatch(rf"reading {pipe} and its experiments \.\.\. \d+\.\d s\n", command.stderr.readline())
    pipe.write_text('[[experiment]]\nuse = "lz-2022"\n')
    output, _ = command.communicate(timeout=600)
    assert command.returncode == 0 and "chi2" in output


def test_result_opens_in_xarray_and_says_what_ran(tmp_path):
    scan(LZ_MAP, tmp_path / "map.h5", "--set", "axis.0.points=21", "--set", "axis.1.points=31")
    result = dataset(tmp_path / "map.h5")
    assert result.chi2.dims == ("magnetic_moment.universal", "charge.universal")
    assert result.chi2.shape == result.status.shape == (21, 31)
    assert result["charge.universal"].attrs["units"] == "e"
    assert float(result["magnetic_moment.universal"][-1]) == 2.4e-11
    assert result.attrs["chi2_min"] == float(result.chi2.min())
    assert 4 <= result.attrs["parity_points"] <= 16  # as many as the time for them allows
    assert result.attrs["parity_points"] + result.attrs["parity_points_left"] == 16
    assert result.attrs["parity_best_fit"] == 1
    assert result.attrs["parity_largest_deviation"] < 1e-8
    for name in ["title", "scan", "plan_hash", "experiment_digests", "nuscan_commit", "backend", "device", "method",
                 "instruction_set", "precision", "minimum", "charge_radius_mode", "couplings"]:  # fmt: skip
        assert result.attrs[name], name
    # Without any form factor a point of the map is the point command's.
    zero = nuscan("point", LZ_MAP, "--set", "charge.universal=0", "--set", "magnetic_moment.universal=1.2e-12 mu_B", "--json")
    point = json.loads(zero.stdout)
    near = result.chi2.interp({"magnetic_moment.universal": 1.2e-12, "charge.universal": 0})
    assert point["chi2"] == pytest.approx(float(near), abs=2e-3)
    # The pull of the background, at that point and at the best fit of the map
    (pull,) = point["experiments"][0]["pulls"]
    assert (pull["name"], pull["unit"], point["shared"]) == ("background", "nominal", [])
    assert 0 < pull["error"] < 0.13 and abs(pull["value"] - 1) < 0.13
    assert result.attrs["chi2_min.lz-2022"] == pytest.approx(result.attrs["chi2_min"], abs=1e-7)
    assert 0 < result.attrs["pull_error.lz-2022.background"] < 0.13
    scan(LZ_MAP, tmp_path / "two.h5", "--set", "axis.0.points=2", "--set", "axis.1.points=2", "--parity-points", "2")
    assert 1 <= dataset(tmp_path / "two.h5").attrs["parity_points"] <= 2
    limits = nuscan("limits", tmp_path / "map.h5").stdout
    best = json.loads(nuscan("limits", tmp_path / "map.h5", "--json").stdout)["chi2_min"] # between the points
    assert best < result.attrs["chi2_min"]
    assert f"\nof which  lz-2022 {best:.2f}\npulls     lz-2022.background " in limits


LZ_TEXT = '[[experiment]]\nuse = "lz-2022"\n'


def limits_of(folder, text, *axes, cl=0.9, name="case"):
    """Limits of a scan given by its text and the tables of its axes: what ``--json`` says, and the text."""
    file = folder / f"{name}.toml"
    file.write_text(text + "".join(f"[[axis]]\n{axis}\n" for axis in axes))
    scan(file, folder / f"{name}.h5", "--parity-points", "0", "--overwrite")
    found = json.loads(nuscan("limits", folder / f"{name}.h5", "--cl", cl, "--json").stdout)
    return found, nuscan("limits", folder / f"{name}.h5", "--cl", cl).stdout


def axis_of(parameter, low, high, points, more=""):
    return f'parameter = "{parameter}"\nmin = "{low}"\nmax = "{high}"\npoints = {points}\n{more}'


@pytest.mark.parametrize("modulus, argument", [('charge.mutau.abs = "1e-12 e"', "charge.mutau.arg"),
                                               ('charge_radius.emu.abs = "3e-31 cm^2"', "charge_radius.emu.arg")])  # fmt: skip
@pytest.mark.parametrize("begin", [-180, 0])
def test_an_interval_through_the_seam_is_one(tmp_path, modulus, argument, begin):
    text = f"{LZ_TEXT}[parameters]\n{modulus}\n"
    found, printed = limits_of(tmp_path, text, axis_of(argument, f"{begin} deg", f"{begin + 360} deg", 91), cl=0.1)
    (interval,) = found["axes"][0]["intervals"]
    assert (interval["low_end"], interval["high_end"]) == ("crossing", "crossing")
    assert 0 < interval["high"] - interval["low"] < found["axes"][0]["period"]
    assert "go on" not in printed and "scan further" not in printed
    # Rotated, the same interval of the same length
    other = axis_of(argument, f"{begin + 180 if begin < 0 else -180} deg", f"{begin + 540 if begin < 0 else 180} deg", 91)
    (again,) = limits_of(tmp_path, text, other, cl=0.1, name="again")[0]["axes"][0]["intervals"]
    assert again["high"] - again["low"] == pytest.approx(interval["high"] - interval["low"], rel=1e-4)


def test_a_full_circle_has_no_ends(tmp_path):
    text = f'{LZ_TEXT}[parameters]\ncharge.emu.abs = "1e-14 e"\n'
    found, printed = limits_of(tmp_path, text, axis_of("charge.emu.arg", "-180 deg", "180 deg", 37))
    (interval,) = found["axes"][0]["intervals"]
    assert (interval["low_end"], interval["high_end"]) == (None, None)
    assert "(the whole circle is allowed)" in printed and "go on" not in printed


@pytest.mark.parametrize("profile", ["profile = true\n", ""])
@pytest.mark.parametrize("low, high, end", [("-1e-14 e", "1e-14 e", "upper"), ("6e-13 e", "1e-12 e", "lower")])
def test_an_axis_at_the_end_of_its_range_is_named(tmp_path, profile, low, high, end):
    moment = axis_of("magnetic_moment.universal", "0 mu_B", "3e-11 mu_B", 61)
    found, printed = limits_of(tmp_path, LZ_TEXT, moment, axis_of("charge.universal", low, high, 11, profile))
    named = [text for text in found["warnings"] if "charge.universal" in text]
    if profile:
        assert f"charge.universal is at the {end} end of its range" in named[0] and named[0] in printed
        assert "at the best fit" in named[0] and "where the interval of magnetic_moment.universal ends" in named[0]
    else:
        assert "the best fit lies at the end of the axis charge.universal" in named[0]
    wide = axis_of("charge.universal", "-2e-12 e", "2e-12 e", 11, profile)
    assert limits_of(tmp_path, LZ_TEXT, moment, wide, name="wide")[0]["warnings"] == [NOT_CHECKED]


@pytest.mark.parametrize(
    "parameter, low, high",
    [("magnetic_moment.universal", "1e-14 mu_B", "1e-9 mu_B"), ("charge.emu.abs", "1e-17 e", "1e-10 e"),
     ("magnetic_moment.emu.abs", "1e-13 mu_B", "1e-10 mu_B")],
)  # fmt: skip
def test_a_logarithmic_axis_gives_an_upper_limit(tmp_path, parameter, low, high):
    found, printed = limits_of(tmp_path, LZ_TEXT, axis_of(parameter, low, high, 61, 'spacing = "log"'))
    (interval,) = found["axes"][0]["intervals"]
    assert (interval["low"], interval["low_end"], interval["high_end"]) == (0, "physical", "crossing")
    assert re.search(rf"{parameter} +< [0-9.e-]+ \w+ \(0 is allowed as the lower end of the axis is\)\n", printed), printed
    zero, unit = f"0 {low.split()[1]}", low.split()[1]
    linear = axis_of(parameter, zero, f"{3 * interval['high']} {unit}", 201)
    (again,) = limits_of(tmp_path, LZ_TEXT, linear, name="linear")[0]["axes"][0]["intervals"]
    assert interval["high"] == pytest.approx(again["high"], rel=1e-4)


def test_a_coarse_grid_has_the_limits_of_a_fine_one(tmp_path):
    def ends(found):
        return [[interval[end] for axis in found["axes"] for interval in axis["intervals"]] for end in ("low", "high")]

    def scans(points, name):
        moment = axis_of("magnetic_moment.universal", "0 mu_B", "3e-10 mu_B", points[0])
        charge = axis_of("charge.universal", "-5e-12 e", "7e-12 e", points[1])
        radius = axis_of("charge_radius.ee", "-2e-30 cm^2", "3e-30 cm^2", points[1])
        return [limits_of(tmp_path, LZ_TEXT, *axes, name=name)[0] for axes in ([moment, charge], [charge], [radius])]

    for coarse, fine in zip(scans((6, 7), "coarse"), scans((501, 601), "fine")):
        assert coarse["minimum"] == "exact"
        assert coarse["chi2_min"] == pytest.approx(fine["chi2_min"], abs=1e-6)
        for found, expected in zip(ends(coarse), ends(fine)):
            assert found == pytest.approx(expected, rel=2e-4, abs=0)


def test_without_its_experiments_a_coarse_grid_gives_brackets(tmp_path):
    experiment = tmp_path / "mine"
    shutil.copytree(ROOT / "experiments" / "lz-2022", experiment)
    text = '[[experiment]]\nfile = "mine/experiment.toml"\n'
    moment = axis_of("magnetic_moment.universal", "0 mu_B", "3e-10 mu_B", 11)
    found, printed = limits_of(tmp_path, text, moment)
    assert found["axes"][0]["intervals"][0]["high"] == pytest.approx(1.3282e-11, rel=1e-3)
    assert "ends of intervals are exact" in printed
    shutil.move(experiment, tmp_path / "elsewhere")
    for change in (None, "changed"):
        if change:
            shutil.move(tmp_path / "elsewhere", experiment)
            (experiment / "experiment.toml").write_text((experiment / "experiment.toml").read_text() + "\n# changed\n")
        found = json.loads(nuscan("limits", tmp_path / "case.h5", "--json").stdout)
        (interval,) = found["axes"][0]["intervals"]
        assert (found["minimum"], interval["high"], interval["high_end"]) == ("grid", None, "crossing")
        assert interval["high_between"] == pytest.approx([0, 3e-11])
        printed = nuscan("limits", tmp_path / "case.h5").stdout
        assert "< between 0 and 3e-11 mu_B (grid too coarse" in printed
        assert "ends of intervals" in printed and "mine/experiment.toml" in printed or "is not what it was" in printed


def test_instruction_set_of_the_environment(tmp_path):
    small = ["--set", "axis.0.points=3", "--set", "axis.1.points=3", "--backend", "cpu"]
    run = nuscan("scan", LZ_MAP, "-o", tmp_path / "map.h5", *small, environment={"NUSCAN_INSTRUCTION_SET": "avx3"})
    assert run.returncode == 2
    found = re.search(r'\$NUSCAN_INSTRUCTION_SET: no instruction set "avx3" \(this build has (.*) for this processor\)', run.stderr)
    assert found, run.stderr
    assert not list(tmp_path.iterdir())
    for name in found[1].split(" and "):
        output = tmp_path / f"{name}.h5"
        run = nuscan("scan", LZ_MAP, "-o", output, *small, environment={"NUSCAN_INSTRUCTION_SET": name})
        assert run.returncode == 0, run.stderr
        assert dataset(output).attrs["instruction_set"] == name


def test_methods_and_backends_agree(tmp_path):
    few = ["--set", "axis.0.points=3", "--set", "axis.1.points=3"]
    chi2 = {}
    for name, options in {
        "moments": ["--method", "moments"],
        "direct": ["--method", "direct"],
        "reference": ["--backend", "reference"],
    }.items():
        scan(LZ_MAP, tmp_path / f"{name}.h5", *few, *options)
        chi2[name] = dataset(tmp_path / f"{name}.h5").chi2.values
    np.testing.assert_allclose(chi2["direct"], chi2["moments"], rtol=1e-11)
    np.testing.assert_allclose(chi2["reference"], chi2["moments"], rtol=1e-8)


def test_profile_keeps_the_minimising_value(tmp_path):
    file = tmp_path / "profile.toml"
    file.write_text(LZ_MAP.read_text().replace('max = "1.2e-12 e"', 'max = "1.2e-12 e"\nprofile = true'))
    grid = ["--set", "axis.0.points=11", "--set", "axis.1.points=41"]
    scan(file, tmp_path / "profile.h5", *grid, "--set", "output.polish=false")
    scan(LZ_MAP, tmp_path / "map.h5", *grid)
    profile, full = dataset(tmp_path / "profile.h5"), dataset(tmp_path / "map.h5")
    assert profile.chi2.dims == ("magnetic_moment.universal",)
    assert profile.attrs["profile"] == "grid minimum"
    np.testing.assert_array_equal(profile.chi2, full.chi2.min("charge.universal"))
    np.testing.assert_array_equal(profile["charge.universal"], full["charge.universal"][full.chi2.argmin("charge.universal")])

    scan(file, tmp_path / "polished.h5", *grid)
    scan(file, tmp_path / "fine.h5", *grid, "--set", "axis.1.points=40001", "--set", "output.polish=false")
    polished, fine = dataset(tmp_path / "polished.h5"), dataset(tmp_path / "fine.h5")
    assert polished.attrs["profile"] == "polished minimum over charge.universal"
    assert (polished.chi2 <= fine.chi2).all()
    np.testing.assert_allclose(polished.chi2, fine.chi2, rtol=0, atol=1e-6)
    np.testing.assert_allclose(polished["charge.universal"], fine["charge.universal"], rtol=0, atol=6e-17)


# 1e14 points, of which 11 are kept: no machine comes to the end of this scan while a test looks at it.
ENDLESS = '''title = "endless"
[[experiment]]
use = "lz-2022"
[[axis]]
parameter = "magnetic_moment.universal"
min = 0
max = "2.4e-11 mu_B"
points = 11
[[axis]]
parameter = "charge.universal"
min = "-8e-13 e"
max = "1.2e-12 e"
points = 3000001
profile = true
[[axis]]
parameter = "charge_radius.universal"
min = "-2e-31 cm^2"
max = "2e-31 cm^2"
points = 3000001
profile = true
'''


@pytest.fixture
def endless(tmp_path):
    """The start of a scan that does not end by itself: returns the process once its journal holds another unit"""
    file, processes = tmp_path / "endless.toml", []
    file.write_text(ENDLESS)

    def start(output):
        journal = pathlib.Path(f"{output}.journal")
        before = journal.stat().st_size if journal.exists() else 0
        process = subprocess.Popen([PROGRAM, "scan", str(file), "-o", str(output)], stderr=subprocess.PIPE, text=True)
        processes.append(process)
        give_up = time.monotonic() + PATIENCE
        while not journal.exists() or journal.stat().st_size <= max(before, 200):  # the header takes some 100 bytes
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < give_up
            time.sleep(0.01)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def units_done(output):
    status = nuscan("status", output)
    pattern = r'not finished: (\d+) of (\d+) units, \d+ %, written .+ ago; the same "nuscan scan" goes on where it stopped\n'
    found = re.fullmatch(pattern, status.stdout)
    assert found, status
    return int(found[1])


def test_explain_plans_what_no_machine_would_hold(tmp_path):
    """Six axes of 100 values, four of them minimised away: 1e12 points, in units of a few million."""
    axes = ["magnetic_moment.ee", "magnetic_moment.mumu", "charge.ee", "charge.mumu", "charge.emu.abs", "charge.emu.arg"]
    text = '[[experiment]]\nuse = "lz-2022"\n'
    for i, name in enumerate(axes):
        top = "1e-11 mu_B" if "moment" in name else "3.1 rad" if name.endswith(".arg") else "1e-12 e"
        text += f'[[axis]]\nparameter = "{name}"\nmin = 0\nmax = "{top}"\npoints = 100\nprofile = {str(i > 1).lower()}\n'
    (tmp_path / "six.toml").write_text(text)
    run = nuscan("explain", "six.toml", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    words = " ".join(run.stdout.split())
    assert "1T points, of which 10k are kept, each the best of 100M" in words
    assert "charge.emu.arg 100 values minimised fast: along the lines 0 to 3.1 rad" in words
    assert "result of 410kB" in words
    duration = r"(\d+\.\d s|\d+ min \d\d s|\d+ h \d\d min|\d+ days)"
    assert re.search(rf"{duration} at \S+ points/s", words)
    assert re.search(rf"about {duration} to polish the minima of kept points, at \S+ ms each on a core", words)
    assert not list(tmp_path.glob("*.h5*"))


def test_explain_says_what_points_fit(tmp_path):
    (tmp_path / "map.toml").write_text('[[experiment]]\nuse = "lz-2022"\nstatistic = "gaussian"\n' + """
systematics.signal = 0.1
[[axis]]
parameter = "charge.ee"
min = 0
max = "1e-12 e"
points = 100
""")
    for fitted, ending in (("0.1", "; signals that pulls move: 1"), ('"fixed"', "")):
        run = nuscan("explain", "map.toml", "--set", f"experiment.0.systematics.signal={fitted}", cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert re.search(f"^  method collapsed: [0-9]+ features of 19 bins{ending}$", run.stdout, re.M), run.stdout


def test_kill_9_and_sigterm_lose_nothing_but_the_unit_in_hand(tmp_path, endless):
    output = tmp_path / "endless.h5"
    done = 0
    for ending in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        process = endless(output)
        process.send_signal(ending)
        _, messages = process.communicate()
        assert process.returncode == (-9 if ending == signal.SIGKILL else 75), messages
        assert ("the same command goes on from there" in messages) == (ending != signal.SIGKILL)
        assert not output.exists()
        before, done = done, units_done(output)
        assert done > before
    refused = nuscan("limits", f"{output}.partial")
    assert refused.returncode == 2
    assert "not finished" in refused.stderr
    other = nuscan("scan", LZ_MAP, "-o", output)
    assert other.returncode == 2
    assert "endless.h5.journal: the journal belongs to another scan" in other.stderr
    scan(LZ_MAP, output, *SMALL, "--overwrite")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["endless.h5", "endless.toml"]


def test_an_output_has_one_writer_at_a_time(tmp_path, endless):
    output = tmp_path / "out.h5"
    process = endless(output)
    for arguments in (["scan"], ["scan", "--overwrite"]):
        run = nuscan(arguments[0], LZ_MAP, "-o", output, *SMALL, *arguments[1:])
        assert (run.returncode, run.stdout) == (2, "")
        assert re.search(
            rf"out.h5.journal: in use \((process {process.pid} on \S+|another process) is writing it\) "
            "wait for it to end, or use another output file\n$",
            run.stderr,
        ), run.stderr
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, messages = process.communicate()
    assert process.returncode == 75, messages
    assert units_done(output) > 0, "nothing of it was lost"
    scan(LZ_MAP, output, *SMALL, "--overwrite")
    assert nuscan("status", output).stdout.startswith(
        "finished: LZ 2022: magnetic moment against millicharge\n108 points kept; method moments, back end "
    )
    run = nuscan("scan", tmp_path / "endless.toml", "-o", output)
    assert run.returncode == 2
    assert "there already (a finished result is not replaced unasked)" in run.stderr


def test_a_full_disk_ends_with_1_and_leaves_nothing(tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))

    command = [PROGRAM, "scan", str(LZ_MAP), "-o", "out.h5", *SMALL]
    run = subprocess.run(command, preexec_fn=limit, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert run.returncode == 1, run.stderr
    assert re.search(r"nuscan: out.h5.partial.new: cannot .*File too large", run.stderr), run.stderr
    assert list(tmp_path.iterdir()) == []


# ---- results that are not to be trusted, or not results ----------------------------------------------------------


@pytest.fixture(scope="module")
def small_result(tmp_path_factory):
    output = tmp_path_factory.mktemp("small") / "out.h5"
    scan(LZ_MAP, output, *SMALL)
    return output


READERS = [["limits"], ["limits", "--json"], ["verify"], ["status"]]


@pytest.mark.parametrize(
    "change, lacks",
    [
        (lambda file: file["status"].__setitem__((3, slice(2, 6)), 255), "4 of 108 points"),
        (lambda file: file.attrs.__delitem__("chi2_min"), "the attribute chi2_min"),
    ],
)  # fmt: skip
def test_readers_refuse_what_is_not_finished(tmp_path, small_result, change, lacks):
    output = tmp_path / "named-like-a-result.h5"
    shutil.copy(small_result, output)
    with h5py.File(output, "r+") as file:
        change(file)
    message = f"{output}: not finished (it lacks {lacks}) run the scan again, with --overwrite?"
    for command, *options in READERS:
        run = nuscan(command, output, *options)
        assert (run.returncode, run.stdout, run.stderr) == (2, "", message + "\n")
    with pytest.raises(InputError, match=re.escape(message)):
        read_result(str(output))


def crc32c(data):
    """The checksum of journal records, bit by bit"""
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ (0x82F63B78 if remainder & 1 else 0)
    return remainder ^ 0xFFFFFFFF


def test_a_bad_verdict_is_repeated_by_every_reader(tmp_path):
    """Merges a shard whose fits, according to its journal, have not converged."""
    output = tmp_path / "out.h5"
    scan(LZ_MAP, output, *SMALL, "--shard", "1/1")
    journal = tmp_path / "out.h5.shard-1-of-1"
    content = journal.read_bytes()
    hash_size = int.from_bytes(content[20:24], "little")
    begin = 24 + hash_size + 12
    length = int.from_bytes(content[begin + 8 : begin + 12], "little")
    record = bytearray(content[begin : begin + 12 + length])
    assert len(content) == begin + len(record) + 4 and crc32c(record) == int.from_bytes(content[-4:], "little")
    assert record[-108:] == bytes(108)
    record[-108:] = bytes([2]) * 108
    journal.write_bytes(content[:begin] + record + crc32c(record).to_bytes(4, "little"))

    run = nuscan("merge", LZ_MAP, "-o", output, *SMALL)
    assert run.returncode == 1
    verdict = "108 of 108 points failed (see the variable status), one of them only 0 above the smallest chi2"
    assert run.stderr.endswith(f"warning: do not trust this result: {verdict}\n")
    assert dataset(output).attrs["verdict"] == verdict
    assert read_result(str(output)).verdict == verdict
    limits = nuscan("limits", output)
    assert limits.returncode == 0
    assert f"\nwarning   do not trust this result: {verdict}\n" in limits.stdout
    assert json.loads(nuscan("limits", output, "--json").stdout)["verdict"] == verdict
    assert nuscan("status", output).stdout.endswith(f"\ndo not trust this result: {verdict}\n")
    run = nuscan("verify", output, "--points", "1")
    assert run.returncode == 1
    assert run.stderr == f"{output}: do not trust this result: {verdict}\n"


def test_a_result_that_was_not_checked_says_so(tmp_path):
    output, said = tmp_path / "out.h5", NOT_CHECKED
    run = nuscan("scan", LZ_MAP, *SMALL, "-o", output)  # with --parity-points 0
    assert run.returncode == 0
    assert f"\n{said} (--parity-points 0)\n" in run.stderr and "do not trust" not in run.stderr
    result = read_result(str(output))
    assert (result.verdict, result.warning) == (said, said)
    limits = json.loads(nuscan("limits", output, "--json").stdout)
    assert limits["verdict"] == said and said in limits["warnings"]
    assert f"\nwarning   {said}\n" in nuscan("limits", output).stdout
    assert nuscan("status", output).stdout.endswith(f"\n{said}\n")
    run = nuscan("verify", output, "--points", "1")  # which makes up for it
    assert (run.returncode, run.stderr) == (0, "")


def test_a_journal_left_beside_a_finished_result(tmp_path):
    """As a kill between the result's last name and the journal's end leaves it."""
    output = tmp_path / "out.h5"
    scan(LZ_MAP, output, *SMALL, "--shard", "1/1")
    (tmp_path / "out.h5.shard-1-of-1").rename(tmp_path / "out.h5.journal")
    content = (tmp_path / "out.h5.journal").read_bytes()
    (tmp_path / "out.h5.journal").unlink()
    scan(LZ_MAP, output, *SMALL)
    result = output.read_bytes()
    (tmp_path / "out.h5.journal").write_bytes(content)
    (tmp_path / "out.h5.partial.undo").write_bytes(b"left over")
    assert nuscan("status", output).stdout.startswith("finished: ")
    run = nuscan("scan", LZ_MAP, *SMALL, "-o", output)
    assert run.returncode == 2 and "there already" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5"]
    assert output.read_bytes() == result


# ---- verify -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """A result with a profiled axis, and its scan file in another folder, with an experiment of its own"""
    folder = tmp_path_factory.mktemp("verify")
    shutil.copytree(ROOT / "experiments" / "lz-2022", folder / "scans" / "mine")
    text = LZ_MAP.read_text().replace('use = "lz-2022"', 'file = "mine/experiment.toml"')
    text = text.replace('max = "1.2e-12 e"', 'max = "1.2e-12 e"\nprofile = true').replace("801", "21")
    (folder / "scans" / "lz.toml").write_text(text)
    scan(folder / "scans" / "lz.toml", folder / "lz.h5")
    return folder


def changed(folder, name, change):
    """A copy of the result after change(file), an h5py file"""
    copy = folder / f"{name}.h5"
    shutil.copy(folder / "lz.h5", copy)
    with h5py.File(copy, "r+") as file:
        change(file)
    return copy


def test_verify_works_points_out_anew(profile):
    run = nuscan("verify", profile / "lz.h5", "--folder", profile / "scans", "--points", "6")
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    found = re.fullmatch(
        r"LZ 2022: magnetic moment against millicharge\n"
        r"6 of 21 points compared with the reference, ([3-6]) of them within delta chi2 = 25 of the best fit\n"
        r"largest difference (\S+) in chi2/\(1 \+ chi2\), at\n"
        r"  magnetic_moment.universal = (\S+) mu_B\n  charge.universal = (\S+) e\n",
        run.stdout,
    )
    assert found, run.stdout
    assert float(found[2]) < 1e-8
    # The minimising charge is the one beside it in the file, not one of the grid.
    result = dataset(profile / "lz.h5")
    at = int(np.argmin(np.abs(result["magnetic_moment.universal"].values - float(found[3]))))
    assert float(result["charge.universal"][at]) == pytest.approx(float(found[4]), rel=1e-5)
    every = nuscan("verify", profile / "lz.h5", "--folder", profile / "scans", "--points", "100", "--seed", "2")
    assert "\n21 of 21 points compared" in every.stdout


def test_verify_finds_a_chi2_that_is_wrong(profile):
    def raise_the_last(file):
        file["chi2"][-1] += 1e-4 * (1 + file["chi2"][-1])

    file = changed(profile, "wrong", raise_the_last)
    run = nuscan("verify", file, "--folder", profile / "scans", "--points", "21")
    assert run.returncode == 1
    assert "\nlargest difference 1.0e-04 in chi2/(1 + chi2), at\n  magnetic_moment.universal = 2.4e-11 mu_B\n" in run.stdout
    assert run.stderr == (
        f"{file}: chi2 of 1 points is not that of the reference (rounding and quadrature explain 1e-06) "
        "do not trust this result\n"
    )


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda file: file.attrs.__setitem__("experiment_digests", "0" * 64),
         "lz-2022 is not what it was (its file or its tables have changed since the scan ran) scan again, or take the "
         "version of then?"),
        (lambda file: file.attrs.__setitem__("experiments", "xenonnt-sr0"),
         "its experiments are not those of its scan file was the file changed?"),
        (lambda file: file["magnetic_moment.universal"].__setitem__(3, 1e-12),
         "its axis magnetic_moment.universal is not that of its scan file was the file changed, or written by another "
         "version?"),
        (lambda file: file.attrs.__delitem__("scan"),
         'it has no attribute "scan" (nuscan writes one) was the file changed?'),
    ],
)  # fmt: skip
def test_verify_refuses_what_is_not_the_scan_that_ran(profile, change, message):
    file = changed(profile, "changed", change)
    run = nuscan("verify", file, "--folder", profile / "scans")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"{file}: {message}\n"


def test_status_of_a_changed_file(profile):
    file = changed(profile, "untitled", lambda file: file.attrs.__delitem__("title"))
    run = nuscan("status", file)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f'{file}: it has no attribute "title" (nuscan writes one) was the file changed?\n'


def test_verify_says_which_experiment_it_lacks(profile):
    run = nuscan("verify", profile / "lz.h5")
    assert (run.returncode, run.stdout) == (2, "")
    assert re.match(rf"{profile}/lz.h5:\d+: .*{profile}/mine/experiment.toml", run.stderr), run.stderr


# ---- errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["scan", "nowhere.toml"], "nowhere.toml: cannot be read (No such file or directory)\n"),
        (["scan", LZ, "--set", "charge.emuu.re=1"], 'command line: unknown parameter "charge.emuu.re" did you mean "charge.emu.re"?\n'),
        (["scan", LZ, "--backend", "gpu"], "--backend"),
        (["scan", LZ, "--backend", "cpu", "--device", "1"],
         "--device: it does not go with --backend cpu or reference (it chooses a CUDA device) leave out one of the two?\n"),
        (["explain", LZ, "--device", "1000"], "--device: 1000 cannot be used ("),
        (["scan", LZ, "--device", "-1"], "--device"),
        (["scan", LZ, "--threads", "0"], "--threads"),
        (["scan", LZ, "--parity-points", "-1"], "--parity-points"),
        (["scan", LZ, "--set", "nonsense"], "command line: --set nonsense has no value (it reads KEY=VALUE) write --set 'nonsense=…'?\n"),
        (["scam", LZ], 'nuscan: unknown command "scam" did you mean "scan"?\n'),
        (["limits", LZ], "lz-magnetic-moment.toml"),
        (["cross-section", LZ, "--target", "electron", "--flavour", "e", "--energy", "1", "--recoil", "0.9"],
         "--recoil: 0.9 MeV is above the kinematic limit (an electron at rest gets at most 0.796496 MeV from a neutrino of 1 MeV)\n"),
        (["cross-section", LZ, "--target", "electron", "--flavour", "e", "--energy", "1", "--recoil", "-1"],
         "--recoil: -1 MeV is no recoil energy (it must be positive)\n"),
        (["cross-section", LZ, "--target", "electron", "--flavour", "e", "--energy", "0", "--recoil", "1"],
         "--energy: 0 MeV is no neutrino energy (it must be positive)\n"),
        (["cross-section", LZ, "--target", "electron", "--flavour", "e", "--energy", "1", "--recoil", "0.1", "--propagation", "exact"],
         "--baseline: missing (exact propagation needs the distance) write --baseline METRES?\n"),
        (["bench", "--set", "title=x"],
         "command line: --set without a scan file (it changes what the file says) name one: nuscan bench FILE --set …?\n"),
        (["bench", "--json", "/no/such/folder/b.json"],
         "--json: no such folder: /no/such/folder (the numbers are written there) make it first?\n"),
        (["bench", LZ, "--method", "collapsed", "--json", "b.json"],
         '--method: "collapsed" does not go with lz-2022 (its statistic is Poisson, which needs every bin) use "moments"?\n'),
        (["bench", "--seconds", "0"], "--seconds: Value 0 not in range"),
    ],
)  # fmt: skip
def test_bad_input_exits_with_2_and_says_why(tmp_path, arguments, message):
    run = nuscan(*arguments, cwd=tmp_path)
    assert run.returncode == 2, run.stderr
    assert message in run.stderr
    assert run.stdout == ""
    assert list(tmp_path.iterdir()) == [], "nothing half-written"


# ---- bench ------------------------------------------------------------------------------------------------------


def test_bench_measures_and_says_what_the_limit_is(tmp_path):
    file = tmp_path / "bench.json"
    run = nuscan("bench", LZ, "--set", "axis.0.points=300", "--seconds", 0.1, "--json", file, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    for line in ("this machine", "a point", "throughput", "first point", "memory"):
        assert f"\n{line}" in run.stdout
    report = json.loads(file.read_text())
    assert (report["method"], report["bins"], report["pulls"]) == ("moments", 19, 1)
    assert report["result_bytes_per_point"] == 9
    batches = [row["points"] for row in report["throughput"] if row["threads"] == 1]
    assert batches == [1, 16, 150, 300][: len(batches)]  # fewer where the machine is busy
    operations = report["operations_per_point"]
    # Two multiply-adds a bin and point at least, and a division for two bins in each of the pull's two or three steps
    assert operations["instructions"] > 2 * 19
    assert 2 * 10 <= operations["divisions"] <= 4 * 12
    assert operations["logarithms"] == 1
    one = report["machine"][0]
    assert one["limit_points_per_second"] == pytest.approx(
        1 / max((operations["instructions"] + 1) / one["multiply_adds_per_second"],
                operations["divisions"] / one["divisions_per_second"]), rel=1e-4)  # fmt: skip
    assert 0 < report["first_point_seconds"]["moments"] < report["first_point_seconds"]["total"]
    assert report["end_to_end_points_per_second"] is None or report["end_to_end_points_per_second"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench.json"]


EXPERIMENT = """name = "toy"
title = "Toy"
citation = "None"
[exposure]
mass = "1 kg"
live_time = "1 yr"
[target]
formula = "CsI"
[[channel]]
scattering = "nucleus"
axial = true
[[channel]]
scattering = "electron"
atomic = "epa"
[bins]
edges = ["1 keV", "20 keV", "60 keV"]
counts = [3, 2]
[[source]]
type = "electron-capture"
name = "chromium"
isotope = "51Cr"
activity = "3 MCi"
baseline = "1 m"
"""

CHROMIUM = 'type = "electron-capture"\nname = "chromium"\nisotope = "51Cr"\nactivity = "3 MCi"\nbaseline = "1 m"\n'
FAR_REACTOR = """type = "reactor"
name = "core"
spectrum = "huber-mueller"
low_energy = "vogel-engel"
flux = "1e9 cm^-2 s^-1"
baseline = "4000 km"
propagation = "exact"
"""

SCAN = """[[experiment]]
file = "experiment.toml"
[[axis]]
parameter = "charge.ee"
min = 0
max = "1e-11 e"
points = 3
"""


def test_notes_are_said_once(tmp_path):
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    (tmp_path / "scan.toml").write_text(SCAN)
    notes = [
        "experiment.toml:11: no axial term of Cs133 (its spin structure is not known)\n",
        "experiment.toml:14: no equivalent photons above 30 keV: stepping there (the photoabsorption of CsI ends, recoils "
        "in the bins reach 60 keV)\n",
    ]
    for arguments in (["scan", "scan.toml", "--threads", "2"], ["point", "scan.toml", "--json"]):
        run = nuscan(*arguments, cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert [run.stderr.count(note) for note in notes] == [1, 1]
        assert run.stderr.startswith("".join(notes))


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        ("experiment", CHROMIUM, FAR_REACTOR, r'experiment.toml:18: source "core": over 4e\+06 m a phase of .* rad cannot '
         r'be resolved \(at .* MeV\) \(the largest is 20000 rad\) set propagation = "decohered"\?\n'),
        ("experiment", "3 MCi", "-3 MCi", r"experiment.toml:22: activity = -\S+ is not positive\n"),
        ("experiment", "CsI", "CsJ", r'experiment.toml:8: "CsJ" is no chemical formula \(there is no element "J"\) .*\n'),
        ("scan", "charge.ee", "charge.mumu", r"scan.toml:4: an axis of charge.mumu changes no prediction \(no source is of its "
         r"flavour, and none oscillates\) leave it out\?\n"),
        ("scan", "charge.ee", "alpha31", r"scan.toml:4: an axis of alpha31 changes no prediction \(Majorana phases belong to "
         r"elements of the mass basis\) leave it out\?\n"),
    ],
)  # fmt: skip
def test_bad_physics_leaves_nothing_behind(tmp_path, file, old, new, message):
    texts = {"experiment": EXPERIMENT, "scan": SCAN}
    assert old in texts[file]
    texts[file] = texts[file].replace(old, new)
    for name, text in texts.items():
        (tmp_path / f"{name}.toml").write_text(text)
    run = nuscan("scan", "scan.toml", "-o", "out.h5", cwd=tmp_path)
    assert run.returncode == 2, run.stderr
    assert re.fullmatch(message, run.stderr.split("keV)\n")[-1]), run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["experiment.toml", "scan.toml"], "nothing half-written"


def test_a_missing_experiments_folder_is_bad_input(tmp_path):
    run = nuscan("scan", LZ, cwd=tmp_path, environment={"NUSCAN_EXPERIMENTS": "/no/such/folder"})
    assert run.returncode == 2
    assert "NUSCAN_EXPERIMENTS" in run.stderr


def test_help_exits_with_0():
    for arguments in (["--help"], ["scan", "--help"], ["--version"]):
        run = nuscan(*arguments)
        assert run.returncode == 0
        assert "nuscan" in run.stdout or "scan" in run.stdout
