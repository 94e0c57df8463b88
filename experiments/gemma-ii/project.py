#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of README.md: limits for three masses and two thresholds, ``project.py [--program build/nuscan]``.

Each is a scan of expected counts. ``--write`` writes those of experiment.toml to counts.csv.
"""

from __future__ import annotations

import argparse
import itertools
import json
import pathlib
import re
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BACKGROUND = 0.2  # per keV, kg and day
FIRST, WIDTH, NUMBER = 0.3, 0.1, 100  # bins [keV]
SLIDES = {0.4: {4.5: 5.8, 10: 4.7, 20: 4.0}, 0.3: {4.5: 5.6, 10: 4.6, 20: 3.9}}  # 1e-12 μ_B


def nuscan(program: str, *arguments: object) -> str:
    run = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    return run.stdout


def write_counts(folder: pathlib.Path, background: float, expected: list[float]) -> None:
    # Whole numbers whose sums over neighbouring bins are right to one half: all bins rounded the same way would be a
    # signal, or its opposite.
    sums = [round(total) for total in itertools.accumulate(expected, initial=0)]
    whole = [after - before for before, after in zip(sums, sums[1:])]
    rows = [f"{FIRST + (i + 0.5) * WIDTH:.2f},{n},{background:.6g}" for i, n in enumerate(whole)]
    head = "# Expected without a magnetic moment, in whole numbers, and the background in it; project.py wrote this"
    (folder / "counts.csv").write_text("\n".join([head, "energy_keV,expected,background", *rows]) + "\n")


def prepare(program: str, folder: pathlib.Path, mass: float, threshold: float, atomic: str, pull: str) -> None:
    """An experiment with the counts that it expects."""
    text = (HERE / "experiment.toml").read_text()
    days = float(re.search(r'live_time = "([\d.]+) d"', text)[1])
    for old, new in {
        'mass = "4.5 kg"': f'mass = "{mass} kg"',
        'atomic = "free"': f'atomic = "{atomic}"',
        'uncertainty = "fixed"': f'uncertainty = "{pull}"',
        'fit_min = "0.4 keV"': f'fit_min = "{FIRST} keV"',
    }.items():
        if old not in text:
            raise SystemExit(f"experiment.toml: no {old}")
        text = text.replace(old, new)
    experiment = folder / "experiment.toml"
    experiment.write_text(text)
    (folder / "scan.toml").write_text((HERE / "scan.toml").read_text())
    background = BACKGROUND * WIDTH * mass * days
    write_counts(folder, background, [background] * NUMBER)
    point = json.loads(nuscan(program, "point", folder / "scan.toml", "--json"))
    write_counts(folder, background, point["experiments"][0]["predicted"])
    experiment.write_text(text.replace(f'fit_min = "{FIRST} keV"', f'fit_min = "{threshold} keV"'))


def limit(program: str, mass: float, threshold: float, atomic: str, pull: str) -> float:
    """90 % CL [1e-12 μ_B]"""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prepare(program, folder, mass, threshold, atomic, pull)
        nuscan(program, "scan", folder / "scan.toml", "-o", folder / "out.h5")
        (axis,) = json.loads(nuscan(program, "limits", folder / "out.h5", "--json"))["axes"]
        return 1e12 * axis["intervals"][-1]["high"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Projected limits of GEMMA-II on the magnetic moment.")
    parser.add_argument("--program", default="nuscan")
    parser.add_argument("--write", action="store_true", help="write counts.csv beside experiment.toml, and stop")
    options = parser.parse_args()
    if options.write:
        with tempfile.TemporaryDirectory() as name:
            prepare(options.program, pathlib.Path(name), 4.5, 0.3, "free", "fixed")
            (HERE / "counts.csv").write_text((pathlib.Path(name) / "counts.csv").read_text())
        return
    models = [("free", "fixed"), ("stepping", "fixed"), ("free", "free")]
    print("| threshold | mass | slides | free electrons | stepping | free electrons, background free |")
    print("|---|---|---|---|---|---|")
    for threshold, masses in SLIDES.items():
        for mass, slides in masses.items():
            found = " | ".join(f"{limit(options.program, mass, threshold, *model):.2f}" for model in models)
            print(f"| {threshold} keV | {mass} kg | {slides} | {found} |", flush=True)


if __name__ == "__main__":
    main()
