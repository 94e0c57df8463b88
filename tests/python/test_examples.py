# SPDX-License-Identifier: Apache-2.0
"""Examples whose README states a number."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = os.environ.get("NUSCAN_PROGRAM", str(ROOT / "build" / "nuscan"))


def test_projection_of_gemma_ii(tmp_path):
    folder = ROOT / "examples" / "gemma-ii-projection"
    result = tmp_path / "out.h5"
    subprocess.run([PROGRAM, "scan", folder / "scan.toml", "-o", result], check=True, capture_output=True, timeout=300)
    limits = subprocess.run([PROGRAM, "limits", result, "--json"], check=True, capture_output=True, text=True).stdout
    (interval,) = json.loads(limits)["axes"][0]["intervals"]
    assert interval["low"] == 0
    assert 5.8e-12 < interval["high"] < 5.95e-12
    assert f"{1e12 * interval['high']:.2f}e-12 μ_B" in (folder / "README.md").read_text()
