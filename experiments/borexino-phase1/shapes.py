#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes signal.csv: ``shapes.py [--program build/cpu/nuscan]``.

The signal that nuscan predicts in the standard model, with the energy scale and the resolution of experiment.toml, and
with each of them moved by a standard deviation up and down.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SCALE, RESOLUTION = 1.0114, 0.0472  # as in experiment.toml
SCALE_ERROR, RESOLUTION_ERROR = 0.015, 0.04
BACKGROUNDS = {"Bi210", "Kr85", "Po210", "C11", "rest"}


def signal(program: str, scale: float, resolution: float) -> list[float]:
    """Events a bin with other factors on the visible energy and on its resolution."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copy(HERE / "counts.csv", folder)
        text = (HERE / "experiment.toml").read_text().split("[[systematic]]")[0]
        for old, new in ((f"[{SCALE}]", f"[{scale:.10f}]"), (f"{RESOLUTION} MeV^1/2", f"{resolution:.10f} MeV^1/2")):
            assert old in text, old
            text = text.replace(old, new)
        (folder / "experiment.toml").write_text(text)
        scan = folder / "scan.toml"
        scan.write_text('title = "signal"\n[[experiment]]\nfile = "experiment.toml"\nsystematics.signal = "fixed"\n')
        run = subprocess.run([program, "point", scan, "--json"], capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(run.stderr)
    components = json.loads(run.stdout)["experiments"][0]["components"]
    return [sum(bins) for bins in zip(*(counts for name, counts in components.items() if name not in BACKGROUNDS))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default="nuscan")
    program = parser.parse_args().program
    columns = {"nominal": signal(program, SCALE, RESOLUTION)}
    for name, sign in (("plus", 1), ("minus", -1)):
        columns[f"scale_{name}"] = signal(program, SCALE * (1 + sign * SCALE_ERROR), RESOLUTION)
    for name, sign in (("plus", 1), ("minus", -1)):
        columns[f"resolution_{name}"] = signal(program, SCALE, RESOLUTION * (1 + sign * RESOLUTION_ERROR))
    with (HERE / "signal.csv").open("w") as file:
        file.write("# The standard-model signal in events a bin, as drawn and with the energy scale moved by 1.5 % and the "
                   "resolution by 4 %:\n# written by shapes.py from nuscan's own prediction.\n")
        file.write("energy_keV," + ",".join(columns) + "\n")
        for b, counts in enumerate(zip(*columns.values())):
            file.write(f"{275 + 10 * b}," + ",".join(f"{n:.6g}" for n in counts) + "\n")


if __name__ == "__main__":
    main()
