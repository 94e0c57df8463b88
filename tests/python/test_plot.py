# SPDX-License-Identifier: Apache-2.0
"""Result files as ``nuscan scan`` writes them, read and plotted."""

import json
import os
import pathlib
import subprocess

import h5py
import matplotlib.figure
import numpy as np
import pytest
import scipy.stats

from nuscan import Axis, InputError, delta_chi2_threshold, read_result
from nuscan.labels import label, power_of_ten, symbol
from nuscan.limits import End, intervals, read_limits
from nuscan.plot import PUBLISHED_LIMITS, main, plot

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = os.environ.get("NUSCAN_PROGRAM", str(ROOT / "build" / "nuscan"))
MOMENT = ("magnetic_moment.universal", "mu_B", np.linspace(0, 3e-11, 61))
CHARGE = ("charge.universal", "e", np.linspace(-6e-13, 6e-13, 81))
ANGLE = ("theta23", "rad", np.linspace(0.6, 0.9, 5))


def write_result(
    path: pathlib.Path, axes, chi2: np.ndarray, profiled=(), title: str = "a scan", domains=(), **attributes
) -> str:
    """A result file in the layout of nuscan; domains: attributes valid_min, valid_max, period … of its axes."""
    with h5py.File(path, "w") as file:
        scales = []
        for name, unit, values in axes:
            file[name] = values
            file[name].make_scale(name)
            file[name].attrs["units"] = unit
            file[name].attrs["long_name"] = name
            scales.append(file[name])
        for scale, domain in zip(scales, domains):
            scale.attrs.update(domain)
        variables = {"chi2": chi2, "status": np.zeros(chi2.shape, np.uint8), **{name: 0 * chi2 for name in profiled}}
        for name, values in variables.items():
            file[name] = values
            for dimension, scale in zip(file[name].dims, scales):
                dimension.attach_scale(scale)
        file["chi2"].attrs["profiled"] = " ".join(profiled)
        file.attrs["title"] = title
        file.attrs["chi2_min"] = np.min(chi2[np.isfinite(chi2)], initial=np.inf)
        file.attrs.update(attributes)
    return str(path)


def scan_2d(path: pathlib.Path, **options) -> str:
    mu, e = np.meshgrid(MOMENT[2] / 1e-11, CHARGE[2] / 1e-13, indexing="ij")
    options = {"domains": [{"valid_min": 0.0}], **options}
    return write_result(path, [MOMENT, CHARGE], 17 + (mu**2 - 0.3) ** 2 + 0.4 * e**2, **options)


def png_size(path: pathlib.Path) -> tuple:
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def test_reads_a_result(tmp_path):
    result = read_result(scan_2d(tmp_path / "lz.h5", profiled=["theta23"]))
    assert [axis.name for axis in result.axes] == ["magnetic_moment.universal", "charge.universal"]
    assert [axis.unit for axis in result.axes] == ["mu_B", "e"]
    assert result.chi2.shape == (61, 81)
    assert list(result.profiled) == ["theta23"]
    assert result.delta_chi2.min() == 0


def test_projects_by_the_minimum(tmp_path):
    chi2 = np.arange(61.0 * 81 * 5).reshape(61, 81, 5)
    chi2[3, 4, 2] = -1
    chi2[5, :, :] = np.nan
    chi2[5, 7, 1] = 9
    chi2[6, :, :] = np.nan
    result = read_result(write_result(tmp_path / "r.h5", [MOMENT, CHARGE, ANGLE], chi2))
    profile = result.project("magnetic_moment.universal")
    assert profile.chi2[3] == -1
    assert profile.chi2[5] == 9
    assert profile.chi2[6] == np.inf
    swapped = result.project("charge.universal", "magnetic_moment.universal")
    assert swapped.chi2.shape == (81, 61)
    assert swapped.chi2[4, 3] == -1
    assert [axis.name for axis in swapped.axes] == ["charge.universal", "magnetic_moment.universal"]


def test_thresholds():
    assert delta_chi2_threshold(0.9, 1) == pytest.approx(2.705543454095404)
    assert delta_chi2_threshold(0.9, 2) == pytest.approx(4.605170185988091)
    for confidence_level in (0.01, 0.6827, 0.9, 0.9999):
        for degrees_of_freedom in (1, 2, 3, 4, 7, 40):
            expected = scipy.stats.chi2.ppf(confidence_level, degrees_of_freedom)
            assert delta_chi2_threshold(confidence_level, degrees_of_freedom) == pytest.approx(expected, rel=1e-9)
    for bad in ((0.9, 0), (0.9, 1.5), (1, 1), (90, 2), (float("nan"), 1)):
        with pytest.raises(ValueError):
            delta_chi2_threshold(*bad)


def test_limits_are_those_of_the_program(tmp_path):
    x = 1e-11 * np.linspace(0, 3, 61)
    path = write_result(tmp_path / "r.h5", [("magnetic_moment.ee", "mu_B", x)], (x / 1e-11) ** 2, domains=[{"valid_min": 0.0}])
    (found,) = intervals(read_limits(path), "magnetic_moment.ee")
    assert (found.low, found.high.kind) == (End("physical", 0), "crossing")
    assert found.high.at == pytest.approx(1.644854e-11)
    path = write_result(tmp_path / "coarse.h5", [("charge.ee", "e", np.arange(4.0))], 100 * np.arange(4.0) ** 2)
    (found,) = intervals(read_limits(path), "charge.ee")
    assert (found.low, found.high) == (End("range", 0), End("crossing", None, (0, 1)))


def test_plots_two_axes(tmp_path, capsys):
    path = scan_2d(tmp_path / "lz.h5")
    assert main([path]) == 0
    assert capsys.readouterr().out == str(tmp_path / "lz.png") + "\n"
    width, height = png_size(tmp_path / "lz.png")
    assert width > 1000 and height > 700


def test_a_bad_verdict_is_on_the_figure(tmp_path, capsys):
    path = scan_2d(tmp_path / "lz.h5")
    assert plot(read_result(path))._suptitle is None
    with h5py.File(path, "r+") as file:
        file.attrs["verdict"] = "9 of 10 points failed"
    for axes in (None, ["charge.universal"]):
        figure = plot(read_result(path), axes=axes)
        assert figure._suptitle.get_text() == "do not trust this result: 9 of 10 points failed"
    assert main([path]) == 0
    assert capsys.readouterr().err == f"{path}: do not trust this result: 9 of 10 points failed\n"


def test_refuses_what_is_not_finished(tmp_path):
    path = scan_2d(tmp_path / "lz.h5")
    with h5py.File(path, "r+") as file:
        file["status"][3, :7] = 255
        del file.attrs["chi2_min"]
    with pytest.raises(InputError, match=r"not finished \(it lacks 7 of 4941 points and the attribute chi2_min\)"):
        read_result(path)


def test_what_two_axes_show(tmp_path):
    figure = plot(read_result(scan_2d(tmp_path / "lz.h5")), 0.9)
    ax, bar = figure.axes
    assert ax.get_title("left") == "a scan"
    assert ax.get_xlabel() == r"$\mu_{\nu}$  [$10^{-11}\,\mu_\mathrm{B}$]"
    assert ax.get_ylabel() == r"$e_{\nu}$  [$10^{-13}\,e$]"
    assert [text.get_text() for text in bar.get_yticklabels()] == ["0", "2.30", "4.61", "6.18"]
    assert [text.get_text() for text in bar.texts] == ["68.27%", "90%", "95.45%"]
    star = ax.lines[0]
    assert star.get_xdata()[0] == pytest.approx(0.55) and star.get_ydata()[0] == pytest.approx(0)
    # Published limits stand at their values: two on the moment, one with both signs on the charge.
    assert [text.get_text() for text in ax.texts] == ["XENONnT", "LZ 2022", "LZ 2022"]
    assert [line.get_xdata()[0] for line in ax.lines[1:3]] == pytest.approx([0.64, 1.1])
    assert [line.get_ydata()[0] for line in ax.lines[3:5]] == pytest.approx([1.5, -1.5])
    assert "arXiv:2207.11330" in figure._supxlabel.get_text()
    figure = plot(read_result(str(tmp_path / "lz.h5")), 0.99)
    assert [text.get_text() for text in figure.axes[1].texts][-1] == "99%"


def test_what_one_axis_shows(tmp_path):
    mu = MOMENT[2] / 1e-11
    result = read_result(write_result(tmp_path / "r.h5", [MOMENT], 5 + mu**2, domains=[{"valid_min": 0.0}]))
    ax = plot(result, 0.9).axes[0]
    texts = [text.get_text() for text in ax.texts]
    assert r"90% CL ($\Delta\chi^2 = 2.71$)" in texts
    assert r"90% CL: $\mu_{\nu}$ < 1.64 $\times\,10^{-11}\,\mu_\mathrm{B}$" in texts
    np.testing.assert_allclose(ax.patches[0].get_xy()[:, 0], [0, 0, 1.644854, 1.644854, 0], rtol=1e-6)
    assert main([result.path, "-o", str(tmp_path / "r.pdf"), "--cl", "0.95"]) == 0
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    "axis, shape, text",
    [
        (("magnetic_moment.ee", "mu_B", 1e-8 * np.linspace(0, 1, 41)), lambda x: (20 * x) ** 2,
         r"$\mu_{ee}$ < 8.22 $\times\,10^{-10}\,\mu_\mathrm{B}$"),
        (("charge.ee", "e", 1e-13 * np.linspace(-1, 0, 41)), lambda x: (2 * x) ** 2,
         "$e_{ee}$ > \N{MINUS SIGN}8.22 $\\times\\,10^{-14}\\,e$"),
        (("charge.ee", "e", 1e-13 * np.linspace(-1, 1, 41)), lambda x: (20 * x) ** 2,
         "$e_{ee}$ $\\in$ [\N{MINUS SIGN}8.22, 8.22] $\\times\\,10^{-15}\\,e$"),
        (("charge_radius.ee", "cm^2", 1e-32 * np.linspace(-3, 3, 61)), lambda x: 10 * (x**2 - 4) ** 2,
         r"$\langle r^2\rangle_{ee}$ $\in$ ([−2.13, −1.87] $\cup$ [1.87, 2.13]) $\times\,10^{-32}\,\mathrm{cm}^2$"),
        (("theta23", "rad", np.linspace(0.6, 0.9, 31)), lambda x: 1e3 * (x - 0.7) ** 2,
         r"$\theta_{23}$ $\in$ [0.648, 0.752] $\mathrm{rad}$"),
        (("sin2_theta_w", "1", np.linspace(0.2, 0.3, 31)), lambda x: 1e3 * (x - 0.2) ** 2,
         r"$\sin^2\theta_W$ $\in$ [0.2, 0.252] (may go on beyond the axis)"),
        (("magnetic_moment.ee", "mu_B", 1e-8 * np.linspace(0, 1, 41)), lambda x: x,
         "no limit on this axis"),
        (("magnetic_moment.ee", "mu_B", 1e-8 * np.linspace(0, 1, 11)), lambda x: (20 * x) ** 4,
         r"$\mu_{ee}$ < between 0 and 1 $\times\,10^{-9}\,\mu_\mathrm{B}$ (grid too coarse)"),
        (("magnetic_moment.ee", "mu_B", np.geomspace(1e-12, 1e-8, 41)), lambda x: (20 * x) ** 2,
         r"$\mu_{ee}$ < 8.22 $\times\,10^{-10}\,\mu_\mathrm{B}$"),
    ],
)  # fmt: skip
def test_limits_have_powers_and_units(tmp_path, axis, shape, text):
    x = axis[2] / 10.0 ** power_of_ten(axis[2])
    ends = {"magnetic_moment.ee": {"valid_min": 0.0}, "charge.ee": {"valid_max": 0.0} if axis[2][-1] == 0 else {}}
    result = read_result(write_result(tmp_path / "r.h5", [axis], shape(x), domains=[ends.get(axis[0], {})]))
    assert f"90% CL: {text}" in [drawn.get_text() for drawn in plot(result, 0.9).axes[0].texts]


def test_what_is_in_geometric_progression_is_drawn_so(tmp_path):
    moments = ("magnetic_moment.mutau.abs", "mu_B", 1e-12 * (1e-8 / 1e-12) ** (np.arange(41) / 40))
    # Its limit is in the middle of the axis on paper.
    one = read_result(write_result(tmp_path / "one.h5", [moments], 2.71 * (moments[2] / 1e-10) ** 2))
    (ax,) = plot(one).axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert ax.get_xlim() == (1e-12, 1e-8)
    assert ax.get_xlabel() == r"$\left|\mu_{\mu\tau}\right|$  [$\mu_\mathrm{B}$]"
    right = ax.transAxes.inverted().transform(ax.transData.transform((ax.patches[0].get_xy()[2, 0], 0)))[0]
    assert right == pytest.approx(0.5, abs=1e-3)
    grid = np.add.outer((CHARGE[2] / 1e-13) ** 2, (moments[2] / 1e-10) ** 2)
    ax = plot(read_result(write_result(tmp_path / "two.h5", [CHARGE, moments], grid))).axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    assert ax.get_ylim() == (1e-12, 1e-8)
    ax = plot(read_result(str(tmp_path / "two.h5")), axes=[moments[0], CHARGE[0]]).axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")


def test_a_circle_is_drawn_without_ends(tmp_path):
    x = np.linspace(-np.pi, np.pi, 181)
    phase = ("charge.emu.arg", "rad", x)
    circle = {"domains": [{"period": 2 * np.pi}]}
    ax = plot(read_result(write_result(tmp_path / "r.h5", [phase], 20 * (1 + np.cos(x)), **circle))).axes[0]
    assert r"90% CL: $\arg e_{e\mu}$ $\in$ [2.62, 3.67] $\mathrm{rad}$" in [text.get_text() for text in ax.texts]
    spans = [(patch.get_xy()[0, 0], patch.get_xy()[2, 0]) for patch in ax.patches]
    assert spans == [pytest.approx((2.6155, np.pi), abs=1e-3), pytest.approx((-np.pi, -2.6155), abs=1e-3)]
    ax = plot(read_result(write_result(tmp_path / "all.h5", [phase], 1 + np.cos(x), **circle))).axes[0]
    assert "90% CL: no limit: the whole circle is allowed" in [text.get_text() for text in ax.texts]
    # A region about (0.55, π): one contour, drawn on both sides of the seam
    mu, t = np.meshgrid(MOMENT[2] / 1e-11, x, indexing="ij")
    path = write_result(tmp_path / "two.h5", [MOMENT, phase], 9 * (mu - 1) ** 2 + 20 * (1 + np.cos(t)), domains=[{}, *circle["domains"]])
    limits = read_limits(path)
    assert [contour["closed"] for contour in limits["contours"]] == [[True]] * 3
    assert plot(read_result(path)).axes[0].lines


def test_warnings_stand_above_the_plot(tmp_path):
    attributes = {"verdict": "chi2 is not that of the reference: do not trust this result"}
    zero = {"domains": [{"valid_min": 0.0, "null_value": 0.0}]}
    mu = MOMENT[2] / 1e-11
    path = write_result(tmp_path / "r.h5", [MOMENT], 5 * (mu - 1.5) ** 2, **zero, **attributes)
    figure = plot(read_result(path))
    text = " ".join(figure._suptitle.get_text().split())
    assert "do not trust this result" in text
    assert "magnetic_moment.universal = 0 mu_B is excluded at 90% CL" in text
    two = write_result(tmp_path / "two.h5", [MOMENT, CHARGE], np.add.outer(5 * (mu - 1.5) ** 2, (CHARGE[2] / 1e-13) ** 2), **attributes)
    assert "do not trust this result" in plot(read_result(two))._suptitle.get_text()
    assert plot(read_result(scan_2d(tmp_path / "lz.h5")))._suptitle is None


def test_without_the_program_the_grid_is_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("NUSCAN_PROGRAM", str(tmp_path / "none"))
    path = scan_2d(tmp_path / "lz.h5", verdict="do not trust this result")
    for axes in (None, ["charge.universal"]):
        text = plot(read_result(path), axes=axes)._suptitle.get_text()
        assert "do not trust this result" in text and "the program nuscan is not there" in text


@pytest.mark.parametrize(
    "values, is_geometric",
    [
        (np.geomspace(1e-12, 1e-8, 5), True),
        (1e-12 * 1e3 ** (np.arange(1000001) / 1e6), True),
        ([1, 2, 4], True),
        ([1, 2, 3], False),
        (np.linspace(0.6, 0.9, 100001), False),
        ([0, 1e-12, 1e-11, 1e-10], False),
        ([-4, -2, -1], False),
        ([1e-12, 1e-8], False),
    ],
)
def test_geometric_progressions(values, is_geometric):
    assert Axis("theta23", "rad", np.array(values, dtype=float)).is_geometric == is_geometric


def test_minimises_over_further_axes(tmp_path, capsys):
    chi2 = np.random.default_rng(3).chisquare(3, (61, 81, 5))
    path = write_result(tmp_path / "r.h5", [MOMENT, CHARGE, ANGLE], chi2)
    assert main([path]) == 0
    assert capsys.readouterr().err == f"{path}: minimised over theta23 (--axes chooses what is shown)\n"
    assert main([path, "--axes", "theta23"]) == 0
    assert "minimised over magnetic_moment.universal, charge.universal" in capsys.readouterr().err


def test_stands_infinite_and_missing_chi2(tmp_path):
    mu, e = np.meshgrid(MOMENT[2] / 1e-11, CHARGE[2] / 1e-13, indexing="ij")
    chi2 = mu**2 + e**2
    chi2[e > 3] = np.inf
    chi2[60, 0] = np.nan
    path = write_result(tmp_path / "r.h5", [MOMENT, CHARGE], chi2)
    assert main([path]) == 0
    assert main([path, "--axes", "charge.universal"]) == 0


def test_restores_the_users_style(tmp_path):
    before = dict(matplotlib.rcParams)
    plot(read_result(scan_2d(tmp_path / "lz.h5")))
    assert dict(matplotlib.rcParams) == before


def errors_of(capsys, *arguments: str) -> str:
    assert main(list(arguments)) == 2
    return capsys.readouterr().err


def test_refuses_what_is_no_finished_result(tmp_path, capsys):
    path = scan_2d(tmp_path / "lz.h5.partial")
    assert errors_of(capsys, path) == (
        f'{path}: not finished (a scan stopped before its end) run the same "nuscan scan" again to resume?\n'
    )
    finished = str(tmp_path / "lz.h5")
    assert errors_of(capsys, finished) == (
        f'{finished}: no such file (only {path} is there) run the same "nuscan scan" again to resume it?\n'
    )
    assert errors_of(capsys, str(tmp_path / "none.h5")) == f"{tmp_path / 'none.h5'}: no such file\n"
    (tmp_path / "text.h5").write_text("no HDF5")
    assert f"{tmp_path / 'text.h5'}: cannot read it as HDF5 (" in errors_of(capsys, str(tmp_path / "text.h5"))
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["chi2"] = [1.0, 2.0]
    assert '(it has no variable "status")' in errors_of(capsys, str(tmp_path / "other.h5"))
    with h5py.File(tmp_path / "other.h5", "a") as file:
        file["status"] = [0, 0]
    assert "(dimension 1 of chi2 has no axis)" in errors_of(capsys, str(tmp_path / "other.h5"))
    assert not list(tmp_path.glob("*.png"))


def test_refuses_what_cannot_be_plotted(tmp_path, capsys):
    path = scan_2d(tmp_path / "lz.h5")
    assert "lz.eps: cannot write this format (plots are PNG, PDF or SVG)" in errors_of(
        capsys, path, "-o", str(tmp_path / "lz.eps")
    )
    assert f"{tmp_path}/none/lz.png: cannot write the plot (No such file or directory)\n" == errors_of(
        capsys, path, "-o", f"{tmp_path}/none/lz.png"
    )
    assert errors_of(capsys, path, "--axes", "charge") == (
        f'{path}: no axis "charge" (it was profiled or fixed) one of: magnetic_moment.universal, charge.universal?\n'
    )
    assert "two different ones" in errors_of(capsys, path, "--axes", "charge.universal", "charge.universal")
    scalar = write_result(tmp_path / "scalar.h5", [], np.array(3.0), profiled=["theta23"])
    assert errors_of(capsys, scalar) == (
        f"{scalar}: nothing to plot (every axis was profiled) keep one or two axes in the scan\n"
    )
    empty = write_result(tmp_path / "nan.h5", [MOMENT], np.full(61, np.nan))
    assert "no point has a finite chi2" in errors_of(capsys, empty)


@pytest.mark.parametrize("arguments", [["lz.h5", "--cl", "90"], ["lz.h5", "--cl", "high"], []])
def test_refuses_bad_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert capsys.readouterr().err.startswith("command line: ")


def test_raises_input_errors(tmp_path):
    with pytest.raises(InputError):
        read_result(str(tmp_path / "none.h5"))


def test_labels():
    assert symbol("charge_radius.emu.re") == r"$\mathrm{Re}\,\langle r^2\rangle_{e\mu}$"
    assert symbol("charge.12.abs") == r"$\left|e_{12}\right|$"
    assert symbol("dm31") == r"$\Delta m^2_{31}$"
    assert symbol("lz-2022.background") == "lz-2022 background"
    assert symbol("majorana_moment.1.abs") == r"$\left|\Lambda_1\right|$"
    assert symbol("majorana_moment.3.arg") == r"$\arg \Lambda_3$"
    assert symbol("magnetic_moment.23.im") == r"$\mathrm{Im}\,\mu_{23}$"
    assert symbol("lz.baseline") == "$L$ (lz)"
    assert symbol("neutron_radius.Cs133") == r"$R_n(^{133}\mathrm{Cs})$"
    assert symbol("proton_radius.Cs") == "proton radius Cs"
    assert symbol("majorana_moment.4.re") == "majorana moment 4 re"
    assert power_of_ten(np.array([-6e-13, 1e-13])) == -13
    assert power_of_ten(np.array([0.0, 250.0])) == 0
    assert power_of_ten(np.zeros(3)) == 0
    assert label("anapole.mumu", "cm^2", -33) == r"$a_{\mu\mu}$  [$10^{-33}\,\mathrm{cm}^2$]"
    assert label("sin2_theta_w", "1", 0) == r"$\sin^2\theta_W$"
    assert label("majorana_moment.1.abs", "mu_B", -11) == (
        r"$\left|\Lambda_1\right|$  [$10^{-11}\,\mu_\mathrm{B}$]"
    )
    assert label("proton_radius.Ar40", "fm", 0) == r"$R_p(^{40}\mathrm{Ar})$  [$\mathrm{fm}$]"
    assert label("lz-2022.baseline", "m", 0) == r"$L$ (lz-2022)  [$\mathrm{m}$]"
    assert label("dm31", "eV^2", -3) == r"$\Delta m^2_{31}$  [$10^{-3}\,\mathrm{eV}^2$]"


def test_every_label_can_be_drawn(tmp_path):
    names = [f"{f}.{e}" for f in ("charge", "charge_radius", "anapole", "magnetic_moment", "electric_moment")
             for e in ("universal", "ee", "emu.re", "etau.im", "mumu", "mutau.abs", "tautau", "12.arg")]
    names += ["sin2_theta_w", "theta12", "delta", "alpha21", "dm21", "lz-2022.background_rate", "lz-2022.baseline",
              "proton_radius.Ar40", "neutron_radius.Cs133", "majorana_moment.1.abs", "majorana_moment.2.arg"]
    figure = matplotlib.figure.Figure()
    for name in names:
        figure.text(0.5, 0.5, label(name, "mu_B", -11))
    figure.savefig(tmp_path / "labels.png")


def test_published_limits_are_cited():
    for limits in PUBLISHED_LIMITS.values():
        assert all(limit.value > 0 and limit.citation for limit in limits)
