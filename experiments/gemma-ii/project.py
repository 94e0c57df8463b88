#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of README.md: limits for three masses and two thresholds, ``project.py [--program build/nuscan]``.

Each is a scan of expected counts. Needs the package in python/.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pathlib
import subprocess
import tempfile

from nuscan.asimov import expect

HERE = pathlib.Path(__file__).resolve().parent
BACKGROUND, DAYS = 0.2, 500  # per keV, kg and day
WIDTH, LAST = 0.1, 10.3  # bins [keV]
SLIDES = {0.4: {4.5: 5.8, 10: 4.7, 20: 4.0}, 0.3: {4.5: 5.6, 10: 4.6, 20: 3.9}}  # 1e-12 μ_B
MODELS = [("free", "fixed"), ("stepping", "fixed"), ("free", "free")]

SCAN = """[[experiment]]
file = "experiment.toml"
[[axis]]
parameter = "magnetic_moment.universal"
min = 0
max = "1.2e-11 mu_B"
points = 601
"""


def nuscan(*arguments: object) -> str:
    run = subprocess.run([os.environ["NUSCAN_PROGRAM"], *map(str, arguments)], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    return run.stdout


def prepare(folder: pathlib.Path, mass: float, threshold: float, atomic: str, uncertainty: str) -> None:
    """An experiment with the counts that it expects, and its scan."""
    number = round((LAST - threshold) / WIDTH)
    text = (HERE / "experiment.toml").read_text()
    for old, new in {
        'mass = "4.5 kg"': f'mass = "{mass} kg"',
        'atomic = "free"': f'atomic = "{atomic}"',
        'uncertainty = "fixed"': f'uncertainty = "{uncertainty}"',
        'min = "0.4 keV"': f'min = "{threshold} keV"',
        "number = 99": f"number = {number}",
        "total = 4455": f"total = {BACKGROUND * WIDTH * number * mass * DAYS}",
    }.items():
        if old not in text:
            raise SystemExit(f"experiment.toml: no {old}")
        text = text.replace(old, new)
    (folder / "experiment.toml").write_text(text)
    (folder / "scan.toml").write_text(SCAN)
    expect(folder / "experiment.toml")


def limit(*settings: object) -> float:
    """90 % CL [1e-12 μ_B]"""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prepare(folder, *settings)
        nuscan("scan", folder / "scan.toml", "-o", folder / "out.h5")
        (axis,) = json.loads(nuscan("limits", folder / "out.h5", "--json"))["axes"]
        last = axis["intervals"][-1]
        if last["high_end"] != "crossing" or last["high"] is None:
            raise SystemExit(f"{axis['name']}: no upper limit for {settings} (grid too coarse, or too short): {last}")
        return 1e12 * last["high"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Projected limits of GEMMA-II on the magnetic moment.")
    parser.add_argument("--program", default=os.environ.get("NUSCAN_PROGRAM", "nuscan"))
    os.environ["NUSCAN_PROGRAM"] = parser.parse_args().program
    print("| threshold | mass | slides | free electrons | stepping | free electrons, background free |")
    print("|---|---|---|---|---|---|")
    for threshold, mass in itertools.product(SLIDES, SLIDES[0.4]):
        found = " | ".join(f"{limit(mass, threshold, *model):.2f}" for model in MODELS)
        print(f"| {threshold} keV | {mass} kg | {SLIDES[threshold][mass]} | {found} |", flush=True)


if __name__ == "__main__":
    main()
