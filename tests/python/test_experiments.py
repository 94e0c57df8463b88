# SPDX-License-Identifier: Apache-2.0
"""``nuscan experiments``, plots of experiments, and expected counts."""

import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

from nuscan import InputError, explain
from nuscan.asimov import main as asimov
from nuscan.plot import main, plot_experiment

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = os.environ.get("NUSCAN_PROGRAM", str(ROOT / "build" / "nuscan"))
NAMES = ["borexino-phase1", "conus-plus", "darwin", "gemma-ii", "lz-2022", "xenonnt-sr0"]

TOY = """name = "toy"
title = "A \\"toy\\""
citation = "None"
statistic = "gaussian"
[exposure]
mass = "10 kg"
live_time = "100 d"
[target]
element = "Ar"
[[channel]]
scattering = "electron"
[[channel]]
scattering = "nucleus"
quenching = { model = "lindhard" }
[bins]
edges = ["1 keV", "3 keV", "10 keV"]
counts = { table = "expected.csv", column = "expected" }
[[source]]
type = "electron-capture"
name = "chromium"
isotope = "51Cr"
activity = "3 MCi"
baseline = "1 m"
[[background]]
name = "flat"
counts = [200, 700]
uncertainty = 0.1
"""


@pytest.fixture(autouse=True)
def program(monkeypatch):
    monkeypatch.setenv("NUSCAN_PROGRAM", PROGRAM)


def nuscan(*arguments, cwd=None):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=600)


def test_list():
    run = nuscan("experiments")
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [line.split()[0] for line in lines if line.split()[0] in NAMES] == NAMES
    lz = next(line for line in lines if line.startswith("lz-2022"))
    assert lz.split()[1:] == "LUX-ZEPLIN 2022, electron recoils 19 bins poisson pp pep hep 7Be 8B 13N 15O 17F".split()
    listed = json.loads(nuscan("experiments", "--json").stdout)
    (lz,) = [entry for entry in listed if entry["name"] == "lz-2022"]
    assert (lz["bins"], lz["statistic"], len(lz["sources"])) == (19, "poisson", 8)
    assert pathlib.Path(lz["file"]).name == "experiment.toml"


def test_explanation_of_lz():
    run = nuscan("experiments", "lz-2022")
    assert run.returncode == 0, run.stderr
    words = " ".join(run.stdout.split())
    for expected in (
        "lz-2022: LUX-ZEPLIN 2022, electron recoils",
        "5.5 t x 60 d = 3.3e+05 kg d",
        "formula units of 54 electrons",
        "7Be nu_e 4.93e+09 cm^-2 s^-1; line 0.8613 MeV (89.6 %), line 0.3843 MeV (10.4 %); matter of the Sun",
        "electron bound electrons, stepping",
        "Gaussian, sigma 1.069 keV at 10.5 keV; efficiency",
        "19 in energy from 1 to 20 keV",
        "background normalisation +- 0.13 best fit 1.",
        "signal normalisation of all neutrinos fixed",
        "suspicious nothing",
    ):
        assert expected in words
    report = explain("lz-2022")
    assert report["mass_kg"] == pytest.approx(5500, rel=1e-4)
    observed, nominal = sum(report["observed"]), sum(sum(c["nominal"]) for c in report["components"])
    assert observed == 471
    assert f"observed {observed}" in words
    assert nominal == pytest.approx(463.4 - 0.1, abs=0.1), "the published background holds the solar neutrinos"
    signal = {c["name"]: sum(c["nominal"]) for c in report["components"] if c["kind"] == "signal"}
    readme = (ROOT / "experiments" / "lz-2022" / "README.md").read_text()
    assert f"| pp | {signal['pp']:.1f} |" in readme
    assert f"| ⁷Be | {signal['7Be']:.2f} |" in readme
    assert report["warnings"] == []


def test_check_of_a_file(tmp_path):
    file = tmp_path / "toy.toml"
    file.write_text(TOY)
    (tmp_path / "expected.csv").write_text("energy_keV,expected\n2,0.5\n6.5,800\n")
    run = nuscan("experiments", "--check", file, "--json")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["title"] == 'A "toy"'
    assert [c["name"] for c in report["components"]] == ["chromium (electron)", "chromium (nucleus)", "flat"]
    assert [c["kind"] for c in report["components"]] == ["signal", "signal", "background"]
    assert [n["name"] for n in report["nuclides"]] == ["Ar36", "Ar38", "Ar40"]
    assert report["systematics"][0]["sigma"] == 0.1 and report["systematics"][1]["sigma"] == 0
    assert any("fewer than 10 counts in bin 1 (1 to 3 keV)" in warning for warning in report["warnings"])
    assert any("above the counts in bin 1" in warning for warning in report["warnings"])
    text = nuscan("experiments", "--check", file).stdout
    for warning in report["warnings"]:
        assert warning in text


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["experiments", "lz-2023"], 'nuscan: unknown experiment "lz-2023" (known are '),
        (["experiments", "lz-2023"], ') did you mean "lz-2022"?\n'),
        (["experiments", "--check", "nowhere.toml"], "nowhere.toml: cannot be read (No such file or directory)\n"),
        (["experiments", "lz-2022", "--check", "toy.toml"], "name excludes --check"),
    ],
)
def test_bad_input(tmp_path, arguments, message):
    run = nuscan(*arguments, cwd=tmp_path)
    assert run.returncode == 2
    assert message in run.stderr
    assert run.stdout == ""


# ---- plots ------------------------------------------------------------------------------------------------------


def test_plot_of_an_experiment(tmp_path, capsys):
    output = tmp_path / "lz.png"
    assert main(["--experiment", "lz-2022", "-o", str(output)]) == 0
    assert output.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert capsys.readouterr().out == f"{output}\n"


def test_what_a_plot_of_an_experiment_shows():
    report = explain("lz-2022")
    ax, residuals = plot_experiment(report).axes
    assert ax.get_title("left") == report["title"]
    assert ax.get_ylabel() == "counts per 1 keV"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["pp", "7Be", "13N", "5 others", "background", "best fit", "observed"]
    fit = np.sum([component["fit"] for component in report["components"]], axis=0)
    pulls = residuals.lines[1].get_ydata()
    np.testing.assert_allclose(pulls, (np.array(report["observed"]) - fit) / np.sqrt(fit), rtol=1e-12)


@pytest.mark.parametrize(
    "first, width, widening, energy, counts, edges",
    [
        (500, 500, 2, "GeV", "counts per GeV", (0.5, 1, 2)),  # the first two bins are of 0.5 and 1 GeV
        (500, 500, 1, "GeV", "counts per 500 MeV", (0.5, 1, 1.5)),
        (1, 0.25, 1, "MeV", "counts per 250 keV", (1, 1.25, 1.5)),
        (0.27, 0.01, 1, "keV", "counts per 10 keV", (270, 280, 290)),
        (1e-3, 1e-3, 1, "keV", "counts per 1 keV", (1, 2, 3)),
        (1e-5, 1e-5, 1, "eV", "counts per 10 eV", (10, 20, 30)),
        (0, 1e-8, 1, "eV", "counts per 0.01 eV", (0, 0.01, 0.02)),
    ],
)
def test_unit_of_energy_is_that_of_the_range(first, width, widening, energy, counts, edges):
    report = explain("lz-2022")
    n = len(report["observed"])
    widths = width * np.array([1, widening] + [1] * (n - 2))
    report["bin_edges_MeV"] = [first, *(first + np.cumsum(widths))]
    ax, residuals = plot_experiment(report).axes
    assert (residuals.get_xlabel(), ax.get_ylabel()) == (f"energy [{energy}]", counts)
    assert ax.get_xlim()[0] == pytest.approx(edges[0])
    total = np.sum([component["fit"] for component in report["components"]], axis=0)
    drawn = next(patch for patch in ax.patches if patch.get_label() == "best fit").get_data()
    np.testing.assert_allclose(drawn.edges[:3], edges, rtol=1e-12)
    np.testing.assert_allclose(drawn.values[:2], total[:2] / ([0.5, 1] if widening > 1 else 1), rtol=1e-12)


def test_legend_of_an_experiment_covers_nothing():
    figure = plot_experiment(explain("lz-2022"))
    figure.draw_without_rendering()
    ax = figure.axes[0]
    legend, frame = ax.get_legend().get_window_extent(), ax.get_window_extent()
    assert frame.x1 < legend.x0 and legend.x1 < figure.bbox.x1
    assert frame.y0 < legend.y0 and legend.y1 < figure.bbox.y1


def test_plot_wants_one_thing(capsys):
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "command line: one of OUT and --experiment is needed (see --help)\n"
    assert main(["--experiment", "nothing-2022", "-o", "x.png"]) == 2
    assert "nothing-2022: nuscan cannot explain it (nuscan: unknown experiment" in capsys.readouterr().err


def test_explain_without_the_program(monkeypatch):
    monkeypatch.setenv("NUSCAN_PROGRAM", "/no/such/nuscan")
    with pytest.raises(InputError, match="/no/such/nuscan: cannot run it .* set NUSCAN_PROGRAM to where it is"):
        explain("lz-2022")


# ---- expected counts --------------------------------------------------------------------------------------------


def test_expected_counts(tmp_path, capsys):
    file = tmp_path / "toy.toml"
    file.write_text(TOY)
    assert asimov([str(file)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'expected.csv'}\n"
    report = explain(str(file))
    expected = np.sum([component["nominal"] for component in report["components"]], axis=0)
    np.testing.assert_allclose(report["observed"], expected, rtol=1e-9)
    assert report["observed"][0] > 200
    assert report["chi2"]["fit"] < 1e-12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["expected.csv", "toy.toml"]


def test_expected_counts_change_their_column_alone(tmp_path):
    file, table = tmp_path / "toy.toml", tmp_path / "data" / "on-off.csv"
    file.write_text(TOY.replace("counts = [200, 700]", 'counts = { table = "expected.csv", column = "off" }'))
    table.parent.mkdir()
    # Line endings of Windows, letters of no known encoding, blanks, no end of the last line
    before = b"# Z\xe4hler\r\nenergy_keV, expected ,off,on\r\n\r\n2, 0 ,200,230\r\n # half\r\n6.5,1,700, 800 "
    table.write_bytes(before)
    table.chmod(0o640)
    (tmp_path / "expected.csv").symlink_to("data/on-off.csv")
    assert asimov([str(file)]) == 0
    first, second = explain(str(file))["observed"]
    assert first > 200 and second > 700
    after = f"2, {first:.10g} ,200,230\r\n # half\r\n6.5,{second:.10g},700, 800 ".encode()
    assert table.read_bytes() == before[: before.index(b"2, 0")] + after
    assert (tmp_path / "expected.csv").is_symlink() and table.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in table.parent.iterdir()] == ["on-off.csv"]
    assert asimov([str(file)]) == 0
    assert table.read_bytes().endswith(after)


@pytest.mark.parametrize(
    "statistic, content, message",
    [
        ("gaussian", "# on and off\nenergy_keV,on,off\n2,1,1\n6.5,1,1\n",
         'expected.csv:2: the table has no column "expected" (counts of [bins] name it; the columns are energy_keV, '
         "on, off) add it, or name another table?\n"),
        ("gaussian", "energy_keV,expected\n2,1\n",
         "expected.csv: the table has 1 rows (there are 2 bins) move it away, to have one made?\n"),
        ("gaussian", "", "expected.csv: the table has 0 rows (there are 2 bins) move it away, to have one made?\n"),
        ("gaussian", "energy_keV,expected,on\n2,1,7\n6.5,1\n",
         "expected.csv:3: the row has 2 cells (the header names 3 columns)\n"),
        ("gaussian", "energy_keV,expected\n2,1\n16.5,1\n",
         "toy.toml: nuscan cannot explain it (expected.csv:3: energy_keV = 16.5 is not in bin 2 (which is 0.003 to "
         "0.01 MeV))\n"),
        ("poisson", "energy_keV,expected\n2,1\n6.5,1\n", " is not a whole number (the statistic is Poisson) round counts that were "
         'digitised, multiply a rate up to counts, or write statistic = "gaussian", with sigma in [bins]?)\n'),
    ],
)  # fmt: skip
def test_expected_counts_leave_a_table_that_does_not_fit(tmp_path, monkeypatch, capsys, statistic, content, message):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("toy.toml").write_text(TOY.replace('"gaussian"', f'"{statistic}"'))
    pathlib.Path("expected.csv").write_text(content)
    assert asimov(["toy.toml"]) == 2
    error = capsys.readouterr().err
    assert error.endswith(message) and error.startswith(("expected.csv", "toy.toml")) and error.count("\n") == 1
    assert "partial" not in error
    assert pathlib.Path("expected.csv").read_text() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["expected.csv", "toy.toml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_expected_counts_leave_a_table_that_is_protected(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("toy.toml").write_text(TOY)
    pathlib.Path("expected.csv").write_text("energy_keV,expected\n2,1\n6.5,1\n")
    pathlib.Path("expected.csv").chmod(0o444)
    assert asimov(["toy.toml"]) == 2
    assert capsys.readouterr().err == "expected.csv: cannot be written (Permission denied)\n"


def test_expected_counts_where_no_table_can_be(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("toy.toml").write_text(TOY)
    pathlib.Path("expected.csv").mkdir()
    assert asimov(["toy.toml"]) == 2
    assert capsys.readouterr().err == "expected.csv: cannot be written (Is a directory)\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["expected.csv", "toy.toml"]


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('counts = { table = "expected.csv", column = "expected" }', "counts = [1, 2]",
         'toy.toml: counts of [bins] name no table (they are written there) write counts = { table = "expected.csv", '
         'column = "expected" }?\n'),
        ("edges = [", 'fit_min = "3 keV"\nedges = [',
         'toy.toml: "fit_min" is in [bins] (expected counts are written for all bins, in energy alone)\n'),
        ("[bins]", "[bin]", "toy.toml: there are no [bins] to read ('bins')\n"),
        ('{ table = "expected.csv", column = "expected" }', '{ table = "expected.csv" }',
         'toy.toml: counts of [bins] name no table (they are written there) write counts = { table = "expected.csv", '
         'column = "expected" }?\n'),
        ('counts = { table = "expected.csv", column = "expected" }',
         'counts.table = "expected.csv"\ncounts.column = "expected"',
         "toy.toml: counts of [bins] cannot be found (they are on no line of their own below [bins]) write counts = "
         '{ table = "expected.csv", column = "expected" }?\n'),
        ('edges = ["1 keV", "3 keV", "10 keV"]', 'number = "two"\nmin = 0\nmax = "1 keV"',
         'toy.toml: nuscan cannot explain it (toy.toml:16: number is a string (expected an integer))\n'),
    ],
)  # fmt: skip
def test_expected_counts_of_what_has_none(tmp_path, monkeypatch, capsys, old, new, message):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("toy.toml").write_text(TOY.replace(old, new))
    assert asimov(["toy.toml"]) == 2
    assert capsys.readouterr().err == message
    assert [path.name for path in tmp_path.iterdir()] == ["toy.toml"]
