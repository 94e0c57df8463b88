# SPDX-License-Identifier: Apache-2.0
"""Pages of docs/ that a script writes: their numbers are those of the files that they come from."""

import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def test_tables_of_performance_are_those_of_the_measurement(tmp_path):
    page = ROOT / "docs" / "performance.md"
    shutil.copy(page, tmp_path)
    command = [sys.executable, ROOT / "docs" / "plots" / "performance.py", "--output", tmp_path]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    assert (tmp_path / "performance.md").read_text() == page.read_text()
    assert (tmp_path / "performance-scaling.png").stat().st_size > 0
