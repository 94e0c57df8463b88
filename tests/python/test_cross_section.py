# SPDX-License-Identifier: Apache-2.0
"""The cross-section command against closed forms written out here: electrons, atoms, nuclei, the Sun, and its errors."""

import json
import math
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = os.environ.get("NUSCAN_PROGRAM", str(ROOT / "build" / "nuscan"))

M_E, G_F, ALPHA, HBAR_C = 0.51099895, 1.1663788e-11, 1 / 137.035999084, 197.3269804e-13  # MeV, MeV^-2, MeV cm
SIN2 = 0.23863
KAPPA = 2 * math.sqrt(2) * math.pi * ALPHA / G_F  # MeV^2
MOMENT = math.pi * ALPHA**2 / M_E**2 * HBAR_C**2  # cm^2
T12, T13, T23, DM21 = math.radians(33.68), math.radians(8.56), math.radians(43.3), 7.49e-5
SM_RADII = {
    flavour: -G_F / (2 * math.sqrt(2) * math.pi**2) * (3 - 2 * math.log((mass / 80377) ** 2)) * HBAR_C**2
    for flavour, mass in {"e": M_E, "mu": 105.6583755, "tau": 1776.86}.items()
}  # cm^2
RADIATIVE_PROTON = {"e": 0.0382, "mu": 0.0300, "tau": 0.0256}
RADIATIVE_ELECTRON = {"e": (0.9521, 0.4938), "mu": (-0.0397, -0.5062), "tau": (-0.0353, -0.5062)}
MASS_AR40 = 37215.5407  # MeV, AME2020: 39.962383122 u less 18 electrons, plus what binds them, 14.5 keV


def close(value, rel):
    """Relative closeness alone: cross-sections lie below pytest's default absolute tolerance of 1e-12."""
    return pytest.approx(value, rel=rel, abs=0)


@pytest.fixture
def command(tmp_path):
    """Runs the command on a scan file of the given text, or on none: the completed process."""

    def run(*arguments, scan=""):
        file = tmp_path / "point.toml"
        words = [PROGRAM, "cross-section", *map(str, arguments)]
        if scan is not None:
            file.write_text(scan)
            words.insert(2, str(file))
        return subprocess.run(words, capture_output=True, text=True, timeout=600)

    return run


@pytest.fixture
def points(command):
    """Objects for several recoils; nothing on stderr."""

    def run(target, flavour, E, recoils, *options, scan="", **parameters):
        settings = [x for name, value in parameters.items() for x in ("--set", f"{name.replace('__', '.')}={value}")]
        recoils = [x for T in recoils for x in ("--recoil", T)]
        done = command("--target", target, "--flavour", flavour, "--energy", E, *recoils, *options, *settings, "--json",
                       scan=scan)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)

    return run


def electron(E, T, gV, gA, s=1, mu2=0.0, charge=0.0, radius=0.0):
    """dσ/dT on a free electron, all matrices diagonal in flavour."""
    V = gV + KAPPA * (charge / (-2 * M_E * T) + radius / HBAR_C**2 / 6)
    left, right = (V + s * gA) ** 2, (V - s * gA) ** 2
    weak = G_F**2 * M_E / (2 * math.pi) * (left + right * (1 - T / E) ** 2 + (gA**2 - V**2) * M_E * T / E**2)
    return weak * HBAR_C**2 + MOMENT * mu2 * (1 / T - 1 / E)


def coherent(E, T, M, F1, ZF, mu2=0.0, charge=0.0, radius=0.0):
    """dσ/dT on a nucleus, all matrices diagonal in flavour."""
    W = F1 - ZF * KAPPA * (charge / (-2 * M * T) + radius / HBAR_C**2 / 6)
    weak = G_F**2 * M / math.pi * (1 - T / E - M * T / (2 * E**2)) * W**2 * HBAR_C**2
    return weak + MOMENT * mu2 * ZF**2 * (1 - T / (2 * E)) ** 2 / T


def helm(q, radius):
    k, s = q / (HBAR_C * 1e13), 0.9
    x = k * math.sqrt(5 / 3 * (radius**2 - 3 * s**2))
    return 3 * (math.sin(x) - x * math.cos(x)) / x**3 * math.exp(-((k * s) ** 2) / 2)


# ---- electrons --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", ["e", "mu", "tau"])
@pytest.mark.parametrize("antineutrino", [False, True])
@pytest.mark.parametrize("couplings", ["tree", "radiative"])
def test_free_electron(points, flavour, antineutrino, couplings):
    charged = flavour == "e"
    gV, gA = RADIATIVE_ELECTRON[flavour] if couplings == "radiative" else (2 * SIN2 - 0.5 + charged, -0.5 + charged)
    options = ["--couplings", couplings, *["--antineutrino"] * antineutrino]
    E, recoils = 2.5, [0.003, 1.1]
    found = points("electron", flavour, E, recoils, *options, charge__universal="8e-13 e",
                   magnetic_moment__universal="2e-11 mu_B", charge_radius__universal="3e-32 cm^2")  # fmt: skip
    for T, point in zip(recoils, found):
        # An antineutrino has the opposite charge and radius, and opposite couplings: their product does not change.
        expected = electron(E, T, gV, gA, -1 if antineutrino else 1, 4e-22, 8e-13, 3e-32)
        assert list(point) == ["recoil", "C1", "C2", "C3", "mu2", "dsigma_dT"]
        assert point["dsigma_dT"] == close(expected, rel=1e-12)
        assert point["C2"] == close(gA**2, rel=1e-12)
        assert point["mu2"] == close(4e-22, rel=1e-12)


def test_charge_and_moment_of_equal_size_on_electrons(points):
    """e = μ √(T/2m_e): GEMMA's 2.9e-11 μ_B at its threshold of 2.8 keV is 1.5e-12 e."""
    T, E = 2.8e-3, 1e6  # so far above T that 1/E and T/E drop out
    e = 2.9e-11 * math.sqrt(T / (2 * M_E))
    assert e == close(1.52e-12, rel=2e-3)
    (nothing,) = points("electron", "mu", E, [T])
    (moment,) = points("electron", "mu", E, [T], magnetic_moment__universal="2.9e-11 mu_B")
    both = [points("electron", "mu", E, [T], charge__universal=f"{sign * e} e")[0]["dsigma_dT"] for sign in (1, -1)]
    charge = sum(both) / 2 - nothing["dsigma_dT"]  # without the interference
    assert charge == close(moment["dsigma_dT"] - nothing["dsigma_dT"], rel=1e-6)


@pytest.mark.parametrize("symbol, Z, K", [("Ge", 32, 11.103e-3), ("Xe", 54, 34.561e-3)])
def test_atoms_count_the_electrons_that_a_recoil_frees(points, symbol, Z, K):
    E, recoils = 1.0, [0.99 * K, 1.01 * K, 0.2]
    free, stepping, default = (
        points("electron", "e", E, recoils, "--atom", symbol, *model)
        for model in (["--atomic", "free"], ["--atomic", "stepping"], [])
    )
    one = points("electron", "e", E, recoils)
    assert default == stepping
    for i in range(3):
        assert free[i]["dsigma_dT"] == close(Z * one[i]["dsigma_dT"], rel=1e-12)
        assert stepping[i]["dsigma_dT"] == close((Z - 2 * (i == 0)) * one[i]["dsigma_dT"], rel=1e-12)
        assert {**free[i], "dsigma_dT": 0} == {**one[i], "dsigma_dT": 0}
    (nothing,) = points("electron", "e", E, [2e-6], "--atom", symbol)
    assert nothing["dsigma_dT"] == 0


def test_equivalent_photons_replace_the_charge_term_alone(points):
    E, T, e = 0.9, 5e-3, 3e-12
    sm, plus, minus = (
        {
            model: points("electron", "e", E, [T], "--atom", "Xe", "--atomic", model, charge__universal=f"{value} e",
                          magnetic_moment__universal="1e-11 mu_B")[0]["dsigma_dT"]
            for model in ("stepping", "epa")
        }
        for value in (0, e, -e)
    )  # fmt: skip
    assert sm["epa"] == sm["stepping"]
    interference = {model: (plus[model] - minus[model]) / 2 for model in sm}
    square = {model: (plus[model] + minus[model]) / 2 - sm[model] for model in sm}
    assert interference["epa"] == close(interference["stepping"], rel=1e-10)
    # Stepping: all electrons but K, L1 and L2, each with 2πα²/(m T²) e² up to kinematics.
    kinematics = (1 + (1 - T / E) ** 2 - M_E * T / E**2) / 2
    stepping = 48 * 2 * math.pi * ALPHA**2 * HBAR_C**2 / (M_E * T**2) * e**2 * kinematics
    assert square["stepping"] == close(stepping, rel=1e-8)
    # Photons: (2α/π)(σ_γ/T) ln(E/m_ν) e². X-rays of 5 keV, between the edges L3 and L2, are absorbed with some 650 cm²/g.
    sigma = square["epa"] * math.pi / (2 * ALPHA) * T / (math.log(E / 1e-6) * e**2)
    assert 550 < sigma * 6.02214076e23 / 131.29 < 750
    # The logarithm is the only dependence on E.
    for other in (0.2, 8.0):
        values = [points("electron", "e", other, [T], "--atom", "Xe", "--atomic", "epa", charge__universal=f"{value} e")
                  for value in (0, e, -e)]  # fmt: skip
        zero, up, down = (value[0]["dsigma_dT"] for value in values)
        ratio = ((up + down) / 2 - zero) / square["epa"]
        assert ratio == close(math.log(other / 1e-6) / math.log(E / 1e-6), rel=1e-8)


@pytest.mark.parametrize("symbol, E", [("Xe", 0.4), ("Ge", 0.862), ("Cs", 3.0)])
def test_no_cross_section_is_negative(points, symbol, E):
    recoils = [0.002, 0.005, 0.010, 0.015, 0.020, 0.025, 0.0295]
    for model in ("epa", "stepping", "free"):
        for charge in (1e-12, 5e-12, -5e-12, 2e-11, 1e-10):
            for point in points("electron", "e", E, recoils, "--atom", symbol, "--atomic", model,
                                charge__ee=f"{charge} e"):  # fmt: skip
                assert point["dsigma_dT"] > 0, (model, charge, point)


def test_equivalent_photons_stand_where_they_are_more(points):
    """On xenon they fall below the free electrons at 14 keV."""
    recoils = [0.013, 0.015, 0.025]
    epa, stepping = (
        [p["dsigma_dT"] for p in points("electron", "e", 0.4, recoils, "--atom", "Xe", "--atomic", model,
                                        charge__universal="1e-11 e")]
        for model in ("epa", "stepping")
    )  # fmt: skip
    assert epa[0] > 1.01 * stepping[0]
    assert epa[1:] == stepping[1:]


@pytest.mark.parametrize("atom", [[], ["--atom", "Xe", "--atomic", "epa"], ["--atom", "Ge"]])
def test_the_interference_may_be_left_out(points, atom):
    def at(charge, *options):
        return points("electron", "e", 0.9, [5e-3], *atom, *options, charge__universal=f"{charge} e",
                      charge_radius__universal="1e-32 cm^2")[0]  # fmt: skip

    plus, minus, none = (at(charge)["dsigma_dT"] for charge in (2e-12, -2e-12, 0))
    assert abs(plus - minus) > 0.1 * none
    for charge in (2e-12, -2e-12):
        alone = at(charge, "--interference", "none")
        assert alone["dsigma_dT"] == close((plus + minus) / 2, rel=1e-10)
        assert alone["C1"] == at(charge)["C1"]
    assert at(0, "--interference", "none")["dsigma_dT"] == none


def test_equivalent_photons_outside_their_table_are_said_once(command):
    words = ["--target", "electron", "--atom", "Xe", "--flavour", "e", "--energy", 2,
             "--recoil", 0.04, "--recoil", 0.05, "--json", "--set", "charge.universal=1e-12 e"]  # fmt: skip
    photons, stepping = command(*words, "--atomic", "epa"), command(*words, "--atomic", "stepping")
    assert photons.returncode == 0
    assert photons.stdout == stepping.stdout
    assert re.fullmatch(
        r"--atomic: no equivalent photons at 40 keV \(the photoabsorption of Xe is tabulated from [0-9.e-]+ to 30 keV\): "
        r"stepping there\n",
        photons.stderr,
    )


# ---- the Sun ----------------------------------------------------------------------------------------------------


def solar_probabilities(E, density):
    c13 = math.cos(T13) ** 2
    matter = 2 * math.sqrt(2) * G_F * 6.02214076e23 * HBAR_C**3 * 1e12  # eV² per mol/cm³ and MeV
    x = math.cos(2 * T12) - matter * density * c13 * E / DM21
    cosine = x / math.hypot(x, math.sin(2 * T12))
    return [c13 * (1 + cosine) / 2, c13 * (1 - cosine) / 2, 1 - c13]


@pytest.mark.parametrize("E, density", [(0.3, 67.9), (0.8613, 81.5), (10.0, 92.5)])
def test_solar_neutrinos_arrive_as_mass_states(points, E, density):
    P = solar_probabilities(E, density)
    U_e = [math.cos(T12) ** 2 * math.cos(T13) ** 2, math.sin(T12) ** 2 * math.cos(T13) ** 2, math.sin(T13) ** 2]
    survival = sum(p * u for p, u in zip(P, U_e))
    (point,) = points("electron", "e", E, [0.01], "--propagation", "solar", "--electron-density", density)
    gV = 2 * SIN2 - 0.5
    assert point["C1"] == close(survival * (gV + 1) ** 2 + (1 - survival) * gV**2, rel=1e-12)
    assert point["C2"] == close(0.25, rel=1e-12)
    # Majorana moments, one Λ_l at a time: |μ_ν|² = |Λ_l|² (1 − P_l).
    for l in range(3):
        (point,) = points("electron", "e", E, [0.01], "--propagation", "solar", "--electron-density", density,
                          scan='[neutrino]\nnature = "majorana"\nbasis = "mass"\n',
                          **{f"majorana_moment__{l + 1}__re": "1e-11 mu_B"})  # fmt: skip
        assert point["mu2"] == close(1e-22 * (1 - P[l]), rel=1e-12)


def test_without_matter_the_sun_is_decoherence(points):
    solar = points("electron", "e", 5, [0.01], "--propagation", "solar", "--electron-density", 0)
    decohered = points("electron", "e", 5, [0.01], "--propagation", "decohered")
    assert solar[0]["C1"] == close(decohered[0]["C1"], rel=1e-12)
    assert solar[0]["dsigma_dT"] == close(decohered[0]["dsigma_dT"], rel=1e-12)


# ---- nuclei -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", ["e", "mu", "tau"])
@pytest.mark.parametrize("antineutrino", [False, True])
@pytest.mark.parametrize("couplings", ["tree", "radiative"])
def test_point_like_argon(points, flavour, antineutrino, couplings):
    proton, neutron = (RADIATIVE_PROTON[flavour], -0.5117) if couplings == "radiative" else (0.5 - 2 * SIN2, -0.5)
    E, recoils = 30.0, [1e-6, 2e-4, 0.04]
    found = points("Ar40", flavour, E, recoils, "--form-factor", "unity", "--couplings", couplings,
                   *["--antineutrino"] * antineutrino, charge__universal="2e-12 e",
                   magnetic_moment__universal="5e-10 mu_B", charge_radius__universal="-3e-32 cm^2")  # fmt: skip
    F1 = 18 * proton + 22 * neutron
    for T, point in zip(recoils, found):
        assert list(point) == ["recoil", "C_V", "mu2", "dsigma_dT"]
        expected = coherent(E, T, MASS_AR40, F1, 18, 25e-20, 2e-12, -3e-32)
        assert point["dsigma_dT"] == close(expected, rel=1e-7)  # the mass is good to that
        assert point["mu2"] == close(25e-20, rel=1e-12)


def test_transition_elements_add_without_interference(points):
    """Short baseline: C_V = (F_1 − ZQ_ee)² + Z² Σ_{ℓ≠e} |Q_ℓe|²."""
    T, E = 1e-4, 40.0
    (sm,) = points("Ar40", "e", E, [T], "--form-factor", "unity")
    (emu,) = points("Ar40", "e", E, [T], "--form-factor", "unity", charge_radius__emu__re="2e-31 cm^2",
                    charge_radius__emu__im="-1e-31 cm^2", charge_radius__mutau__re="9e-31 cm^2")  # fmt: skip
    Q2 = (KAPPA / 6 / HBAR_C**2) ** 2 * (4e-62 + 1e-62)
    assert emu["C_V"] - sm["C_V"] == close(18**2 * Q2, rel=1e-8)


def test_helm_form_factor_and_radii(points):
    E, T = 50.0, 0.06
    proton, neutron = 0.5 - 2 * SIN2, -0.5
    q = math.sqrt(2 * MASS_AR40 * T)
    (point,) = points("Ar40", "e", E, [T], "--proton-radius", 3.5, "--neutron-radius", 3.7)
    W = 18 * proton * helm(q, 3.5) + 22 * neutron * helm(q, 3.7)
    assert point["C_V"] == close(W**2, rel=1e-6)
    shapes = {
        name: points("Ar40", "e", E, [T], "--form-factor", name)[0]["C_V"]
        for name in ("helm", "symmetrised-fermi", "klein-nystrand", "unity")
    }
    assert shapes["helm"] == points("Ar40", "e", E, [T])[0]["C_V"]
    assert shapes["symmetrised-fermi"] == close(shapes["helm"], rel=0.01)
    assert shapes["klein-nystrand"] == close(shapes["helm"], rel=0.01)
    assert shapes["unity"] > 1.5 * shapes["helm"]


def test_natural_element_is_the_mean_over_its_isotopes(points):
    """Boron: two isotopes, which the kinematic limit tells apart."""
    E = 10.0
    T_10, T_11 = (2 * E**2 / (M + 2 * E) for M in (9324.436, 10252.547))
    recoils = [1e-3, (T_10 + T_11) / 2]
    natural = points("B", "e", E, recoils)
    light = points("B10", "e", E, recoils)
    (heavy,) = points("B11", "e", E, recoils[:1])
    share = (natural[0]["dsigma_dT"] - heavy["dsigma_dT"]) / (light[0]["dsigma_dT"] - heavy["dsigma_dT"])
    assert 0.18 < share < 0.21  # of 10B in nature
    assert natural[1]["dsigma_dT"] == close(share * light[1]["dsigma_dT"], rel=1e-9)
    assert natural[0]["C_V"] == close(share * light[0]["C_V"] + (1 - share) * heavy["C_V"], rel=1e-12)


def test_axial_term(points):
    """F-19: J = 1/2, ⟨S_p⟩ = 0.478, ⟨S_n⟩ = −0.002 (Klos et al.); a proton: (g_A/2)²."""
    E, T, g_A = 20.0, 1e-3, 1.2754
    for target, M, spins, options in (("F19", 17692.302, 0.48, []), ("H1", 938.27209, 0.5, ["--form-factor", "unity"])):
        (without,) = points(target, "mu", E, [T], *options)
        (with_axial,) = points(target, "mu", E, [T], *options, "--axial")
        q, radius = math.sqrt(2 * M * T), 2.9
        F = 1 if options else helm(q, radius)  # 2.9 fm is good enough at this q
        structure = 1.5 / 1.5 * (g_A * spins) ** 2 * F**2
        expected = G_F**2 * M / (2 * math.pi) * (2 + M * T / E**2) * structure * HBAR_C**2
        assert with_axial["dsigma_dT"] - without["dsigma_dT"] == close(expected, rel=2e-3)
        assert with_axial["C_V"] == without["C_V"]
    # Xenon: only the two odd isotopes have one.
    (without,), (with_axial,) = points("Xe", "mu", E, [T]), points("Xe", "mu", E, [T], "--axial")
    assert 1 < with_axial["dsigma_dT"] / without["dsigma_dT"] < 1.001


@pytest.mark.parametrize("element", ["charge__universal", "charge__mumu"])
def test_figure_1_of_Kouzakov_Lazarev_Studenikin(points, element):
    """⁴⁰Ar, E = 50 MeV, e = ±1.5e-12: the ratio to the SM."""
    recoils = [1e-3, 1e-4, 1e-6]
    sm = points("Ar40", "mu", 50, recoils)
    for sign, percent in ((1, [-0.04, -0.4, -34]), (-1, [0.04, 0.4, 42])):
        found = points("Ar40", "mu", 50, recoils, **{element: f"{sign * 1.5e-12} e"})
        change = [100 * (a["dsigma_dT"] / b["dsigma_dT"] - 1) for a, b in zip(found, sm)]
        assert change == close(percent, rel=0.06)
    other = points("Ar40", "mu", 50, recoils[:1], charge__ee="1.5e-12 e")
    assert other[0]["dsigma_dT"] == close(sm[0]["dsigma_dT"], rel=1e-12)


# ---- the total charge radius ------------------------------------------------------------------------------------

TOTAL = '[neutrino]\ncharge_radius_mode = "total"\n'


@pytest.mark.parametrize("flavour", ["e", "mu", "tau"])
@pytest.mark.parametrize("target", ["electron", "Ar40"])
def test_total_radius_is_that_beyond_the_SM_shifted(points, flavour, target):
    E, T, beyond = 20.0, 2e-3, 4e-32
    name = f"charge_radius__{flavour * 2}"
    options = ["--couplings", "radiative"]
    nothing = points(target, flavour, E, [T], *options)
    assert points(target, flavour, E, [T], *options, scan=TOTAL)[0]["dsigma_dT"] == close(
        nothing[0]["dsigma_dT"], rel=1e-12
    )
    shifted = points(target, flavour, E, [T], *options, **{name: f"{beyond} cm^2"})
    total = points(target, flavour, E, [T], *options, scan=TOTAL, **{name: f"{beyond + SM_RADII[flavour]} cm^2"})
    assert total[0]["dsigma_dT"] == close(shifted[0]["dsigma_dT"], rel=1e-11)
    # Without any radius the flavour-blind couplings are left.
    blind = points(target, flavour, E, [T], *options, scan=TOTAL, **{name: "0"})[0]
    if target == "electron":
        g = RADIATIVE_ELECTRON[flavour][0] - KAPPA / 6 / HBAR_C**2 * SM_RADII[flavour]
        assert g - (flavour == "e") == pytest.approx(-0.0282, abs=1e-4)
        assert blind["C1"] == close(g**2, rel=1e-11)
    else:
        g = RADIATIVE_PROTON[flavour] + KAPPA / 6 / HBAR_C**2 * SM_RADII[flavour]
        assert g == pytest.approx(0.01854, abs=4e-5)
        (point_like,) = points(target, flavour, E, [T], *options, "--form-factor", "unity", scan=TOTAL, **{name: "0"})
        assert point_like["C_V"] == close((18 * g - 22 * 0.5117) ** 2, rel=1e-11)


# ---- output and errors ------------------------------------------------------------------------------------------


def test_a_scan_file_is_not_needed(command):
    words = "--target Ar40 --flavour mu --energy 30 --recoil 0.01 --json --set".split()
    with_file, without = (command(*words, "charge.mumu=1e-12 e", scan=scan) for scan in ("", None))
    assert json.loads(without.stdout) == json.loads(with_file.stdout)
    wrong = command(*words, "charge.muu=1e-12 e", scan=None)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith('command line: unknown parameter "charge.muu"')


def test_text_has_a_title_for_each_column(command):
    text = command("--target", "Xe", "--flavour", "mu", "--energy", 30, "--recoil", 0.001, "--recoil", 0.01).stdout
    title, *rows, end = text.split("\n")
    assert title.split("]") == ["  recoil [MeV", "             C_V    mu2 [mu_B^2", " dsigma_dT [cm^2/MeV", ""]
    assert [float(row.split()[0]) for row in rows] == [0.001, 0.01]
    assert {len(row.split()) for row in rows} == {4}
    assert end == ""


ELECTRON = ["--target", "electron", "--flavour", "e", "--energy", "1", "--recoil", "0.01"]
NUCLEUS = ["--flavour", "e", "--energy", "1", "--recoil", "1e-6", "--target"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([*NUCLEUS, "Ar41"], '--target: unknown target "Ar41" (it is electron, an isotope that occurs in nature (Ar40), or '
                             'an element with such (Xe)) did you mean "Ar40"?\n'),
        ([*NUCLEUS, "Xf"], 'did you mean "X'),
        ([*NUCLEUS, "electrons"], 'did you mean "electron"?\n'),
        ([*NUCLEUS, "Tc"], 'unknown target "Tc" (it is electron, an isotope that occurs in nature (Ar40), or an element '
                           "with such (Xe))\n"),
        ([*NUCLEUS, "Xe", "--atom", "Xe"], "--atom: does not go with this target (it is for electrons: --target electron)\n"),
        ([*NUCLEUS, "Xe", "--atomic", "epa"], "--atomic: does not go with this target (it is for electrons: --target electron)\n"),
        ([*NUCLEUS, "Xe", "--form-factor", "helmet"], '--form-factor: unknown value "helmet" (it is one of helm, '
                                                      'klein-nystrand, symmetrised-fermi, unity) did you mean "helm"?\n'),
        ([*NUCLEUS, "H1"], "--form-factor: cannot describe H1, of radius 0.8409 fm (its surface alone makes 1.559 fm) "
                           "write --form-factor unity?\n"),
        ([*NUCLEUS, "Ar40", "--proton-radius", "1.5"], "--proton-radius: 1.5 fm is no radius for this form factor (it must "
                                                       "be above 1.559 fm)\n"),
        ([*NUCLEUS, "Ar40", "--neutron-radius", "nan"], "--neutron-radius: nan fm is no radius for this form factor"),
        ([*NUCLEUS, "Xe", "--neutron-radius", "5"], "--neutron-radius: one radius for several isotopes (each has its own) "
                                                    "name one of them, e.g. --target Xe124?\n"),
        ([*NUCLEUS, "Ar40", "--axial"], "--axial: no axial term of Ar40 (it has no spin, or its spin structure is not known)\n"),
        ([*ELECTRON, "--axial"], "--axial: does not go with this target (that of electrons is always there)\n"),
        ([*ELECTRON, "--form-factor", "helm"], "--form-factor: does not go with this target (electrons have none)\n"),
        ([*ELECTRON, "--atomic", "epa"], "--atomic: without an atom (a free electron has no shells) write --atom SYMBOL?\n"),
        ([*ELECTRON, "--atom", "Gee"], '--atom: unknown element "Gee" (it is a chemical symbol) did you mean "Ge"?\n'),
        ([*ELECTRON, "--atom", "Ge", "--atomic", "bound"], '--atomic: unknown value "bound" (it is one of epa, free, stepping)'),
        ([*ELECTRON, "--couplings", "loop"], '--couplings: unknown value "loop" (it is one of radiative, tree)'),
        ([*ELECTRON, "--set", "neutrino.charge_radius_mode=total"],
         "--couplings: tree couplings have no total charge radius (they do not contain that of the SM, which "
         'charge_radius_mode = "total" takes out) write --couplings radiative?\n'),
        ([*ELECTRON, "--propagation", "solar"],
         "--electron-density: missing (solar propagation starts in the matter of the Sun) write --electron-density "
         "MOL_PER_CM3, e.g. 92.5 for 8B?\n"),
        ([*ELECTRON, "--propagation", "solar", "--electron-density", "-1"],
         "--electron-density: -1 mol/cm^3 is no density (it must not be negative)\n"),
        ([*ELECTRON, "--propagation", "solar", "--electron-density", "60", "--antineutrino"],
         "--propagation: solar is for electron neutrinos (the Sun makes no others) write --flavour e?\n"),
        ([*ELECTRON, "--propagation", "exact"],
         "--baseline: missing (exact propagation needs the distance) write --baseline METRES?\n"),
    ],
)  # fmt: skip
def test_errors_say_what_and_why(command, arguments, message):
    run = command(*arguments)
    assert run.returncode == 2
    assert message in run.stderr
    assert run.stdout == ""


def test_recoils_above_the_kinematic_limit_are_refused(command):
    words = ["--flavour", "e", "--energy", 50]
    run = command("--target", "Ar40", *words, "--recoil", 0.14)
    assert run.returncode == 2
    assert re.fullmatch(
        r"--recoil: 0.14 MeV is above the kinematic limit "
        r"\(Ar40 at rest gets at most 0.13399\d* MeV from a neutrino of 50 MeV\)\n",
        run.stderr,
    )
    run = command("--target", "Xe", *words, "--recoil", 0.05)
    assert "(Xe124 at rest gets at most" in run.stderr, "of a natural element the lightest goes furthest"
    assert command("--target", "electron", *words, "--recoil", 49.9).returncode == 2
    assert command("--target", "Ar40", *words, "--recoil", -1).stderr == (
        "--recoil: -1 MeV is no recoil energy (it must be positive)\n"
    )
