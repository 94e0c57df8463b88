# SPDX-License-Identifier: Apache-2.0
"""Tables of 100 000 rows: of a straight line they say what its two ends do, and take no longer than a moment."""

import json

import numpy as np
import pytest

from test_cli import nuscan

ROWS = 100_000

EXPERIMENT = """
name = "toy"
title = "toy"
citation = "made up"
[exposure]
mass = "3 kg"
live_time = "200 d"
[target]
element = "Ge"
[[channel]]
{channel}
[response]
{response}
[bins]
{bins}
[[source]]
{source}
[[background]]
name = "flat"
counts = {background}
uncertainty = 0.1
"""
SCAN = 'title = "t"\n[[experiment]]\nfile = "experiment.toml"\n[parameters]\n"magnetic_moment.ee" = "1e-11 mu_B"\n'

ELECTRONS = 'scattering = "electron"\natomic = "free"'
NUCLEI = 'scattering = "nucleus"\nquenching = { table = "t.csv", extrapolate = true }'
REACTOR = 'type = "reactor"\nname = "core"\nspectrum = "huber-mueller"\nlow_energy = "vogel-engel"\nflux = "2.7e13 cm^-2 s^-1"'
LINE = 'name = "core"\nflavour = "e"\nneutrino = "{}"\nflux = "2.7e13 cm^-2 s^-1"\n{}\nlines = [{{energy = "2 MeV", fraction = 1}}]'
BINS = 'min = "{} keV"\nmax = "{} keV"\nnumber = 3\ncounts = [5, 4, 3]'
PHOTOELECTRONS = 'variable = "photoelectrons"\nmin = 2\nmax = 8\nnumber = 3\ncounts = [5, 4, 3]'
TIMES = BINS.format(2, 8).replace("[5, 4, 3]", "[5, 4, 3, 6, 5, 4, 3, 2, 1]") + (
    '\n[[bins.further]]\nname = "time"\nmin = 0\nmax = "6 us"\nnumber = 3'
)


def efficiency(where, response=""):
    return {"response": f'{response}\nefficiency = {{ table = "t.csv", extrapolate = true }}\nefficiency_in = "{where}"'}


# kind: (header, ends of the variable, ends of every other column, what of the experiment is not the usual)
EFFICIENCY = ("energy_keV,eff", (1, 10), [(0.5, 0.9)])
KINDS = {
    "efficiency, sharp": (*EFFICIENCY, efficiency("reconstructed")),
    "efficiency, smeared": (*EFFICIENCY, efficiency("reconstructed", 'resolution = { sqrt = "0.3 keV^1/2" }')),
    "efficiency, finely": (*EFFICIENCY, efficiency("reconstructed", 'resolution = { constant = "10 eV" }')),
    "efficiency, visible": (*EFFICIENCY, efficiency("visible", 'resolution = { sqrt = "0.3 keV^1/2" }')),
    "efficiency, recoil": (*EFFICIENCY, efficiency("recoil")),
    "efficiency, poisson": ("photoelectrons,eff", (1, 10), [(0.5, 0.9)], {
        **efficiency("reconstructed", 'smearing = "poisson"\nlight_yield = "1 keV^-1"'), "bins": PHOTOELECTRONS}),
    "efficiency, gamma": ("photoelectrons,eff", (1, 10), [(0.5, 0.9)], {
        **efficiency("reconstructed", 'smearing = "gamma"\nlight_yield = "1 keV^-1"\ngamma_shape = "2 keV^-1"'),
        "bins": PHOTOELECTRONS}),
    "quenching": ("energy_keV,q", (0.001, 20), [(0.2, 0.3)], {"channel": NUCLEI, "bins": BINS.format(0.2, 0.8)}),
    "spectrum": ("energy_MeV,s", (0.1, 10), [(1, 0)], {
        "source": 'name = "core"\nflavour = "e"\nneutrino = "antineutrino"\npropagation = "short"\n'
                  'flux = "2.7e13 cm^-2 s^-1"\nspectrum = "t.csv"'}),
    "spectra of fission": ("energy_MeV,per_fission_MeV", (0, 10), [(1, 0)], {
        "source": 'type = "reactor"\nname = "core"\nflux = "2.7e13 cm^-2 s^-1"\ncapture = 0\n'
                  'spectra = { U235 = "t.csv", U238 = "t.csv", Pu239 = "t.csv", Pu241 = "t.csv" }'}),
    "matrix": ("energy_keV,1,2,3", (0.5, 20), [(0.3, 0), (0.1, 0), (0.05, 0)], {
        "response": 'smearing = "matrix"\nmatrix = "t.csv"'}),
    "photoabsorption": ("energy_keV,cm2", (0.03, 30), [(1e-18, 1e-20)], {
        "channel": 'scattering = "electron"\natomic = "epa"\nphotoabsorption = "t.csv"'}),
    "correction": ("energy_keV,w", (0.5, 20), [(0.9, 1)], {
        "channel": 'scattering = "electron"\ncorrection = { weak = { table = "t.csv", extrapolate = true } }'}),
    "arrival": ("time_us,p", (0, 6), [(1, 0)], {
        "source": LINE.format("neutrino", 'propagation = "short"\narrival = "t.csv"'), "bins": TIMES, "background": [1] * 9}),
    "time efficiency": ("time_us,p", (0, 6), [(1, 0.2)], {
        "response": 'time_efficiency = "t.csv"', "bins": TIMES, "background": [1] * 9}),
}


def write(folder, rows, header, ends, columns, parts):
    x = np.linspace(*ends, rows)
    at = (x - x[0]) / (x[-1] - x[0])
    np.savetxt(folder / "t.csv", np.column_stack([x] + [a + (b - a) * at for a, b in columns]), fmt="%.17g", delimiter=",",
               header=header, comments="")
    usual = {"channel": ELECTRONS, "response": "", "bins": BINS.format(2, 8), "source": REACTOR, "background": [4, 4, 3]}
    (folder / "experiment.toml").write_text(EXPERIMENT.format(**{**usual, **parts}))
    (folder / "scan.toml").write_text(SCAN)


def predicted(folder):
    run = nuscan("point", "scan.toml", "--json", cwd=folder)
    assert run.returncode == 0, run.stderr
    return np.array(json.loads(run.stdout)["experiments"][0]["predicted"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_of_many_rows_is_a_line(tmp_path, kind):
    write(tmp_path, 2, *KINDS[kind])
    two = predicted(tmp_path)
    assert np.all(two > 0)
    write(tmp_path, ROWS, *KINDS[kind])
    np.testing.assert_allclose(predicted(tmp_path), two, rtol=1e-9)


def test_profiles_of_the_sun(tmp_path):
    radius = np.linspace(0, 0.3, ROWS)
    for name, column, values in (("p", "production", 1 - 3 * radius), ("n", "electrons_mol_per_cm3", 100 * np.exp(-10 * radius))):
        np.savetxt(tmp_path / f"{name}.csv", np.column_stack([radius, values]), fmt="%.17g", delimiter=",",
                   header=f"r_over_R,{column}", comments="")
    solar = LINE.format("neutrino", 'propagation = "solar"\nproduction_profile = "p.csv"\nelectron_density_profile = "n.csv"')
    usual = {"channel": ELECTRONS, "response": "", "bins": BINS.format(2, 8), "source": solar, "background": [4, 4, 3]}
    (tmp_path / "experiment.toml").write_text(EXPERIMENT.format(**usual))
    (tmp_path / "scan.toml").write_text(SCAN)
    assert np.all(predicted(tmp_path) > 4)


@pytest.mark.parametrize("statistic", ["poisson", "gaussian"])
def test_many_bins(tmp_path, statistic):
    edges = np.linspace(2, 8, ROWS + 1)
    np.savetxt(tmp_path / "t.csv", np.column_stack([(edges[1:] + edges[:-1]) / 2, np.full(ROWS, 4), np.full(ROWS, 3.5)]),
               fmt="%.17g", delimiter=",", header="energy_keV,observed,background", comments="")
    bins = f'min = "2 keV"\nmax = "8 keV"\nnumber = {ROWS}\ncounts = {{ table = "t.csv", column = "observed" }}'
    parts = {"channel": ELECTRONS, "response": 'resolution = { sqrt = "0.3 keV^1/2" }', "bins": bins, "source": REACTOR,
             "background": '{ table = "t.csv", column = "background" }'}
    text = EXPERIMENT.format(**parts)
    (tmp_path / "experiment.toml").write_text(text.replace("[exposure]", f'statistic = "{statistic}"\n[exposure]', 1))
    (tmp_path / "scan.toml").write_text(SCAN)
    assert len(predicted(tmp_path)) == ROWS

    # Without smearing every edge is a kink in the recoil energy, and every bin has a number at each.
    (tmp_path / "experiment.toml").write_text(text.replace(parts["response"], ""))
    run = nuscan("point", "scan.toml", cwd=tmp_path)
    assert run.returncode == 2
    assert "toy: the response of 100000 energy bins needs" in run.stderr
    assert "(with so many bins at most 2500) fewer bins" in run.stderr


def test_many_columns(tmp_path):
    n = 20_000
    bins = f'min = "2 keV"\nmax = "8 keV"\nnumber = {n}\ncounts = {[1] * n}'
    rows = np.column_stack([[0.5, 20, 40], np.array([[0.5], [0.5], [0]]) * np.ones(n) / n])
    np.savetxt(tmp_path / "t.csv", rows, fmt="%.6g", delimiter=",", header="energy_keV," + ",".join(map(str, range(n))),
               comments="")
    parts = {"channel": ELECTRONS, "response": 'smearing = "matrix"\nmatrix = "t.csv"', "bins": bins, "source": REACTOR,
             "background": [0.5] * n}
    (tmp_path / "experiment.toml").write_text(EXPERIMENT.format(**parts))
    (tmp_path / "scan.toml").write_text(SCAN)
    assert len(predicted(tmp_path)) == n
