# SPDX-License-Identifier: Apache-2.0
"""Pages of docs/ that a script writes: their numbers are those of the files that they come from."""

import importlib.util
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def validation():
    spec = importlib.util.spec_from_file_location("validation", ROOT / "docs" / "plots" / "validation.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["validation"] = module
    spec.loader.exec_module(module)
    return module


def limits(parts, at_zero):
    intervals = [{"low": low, "high": high} for low, high in parts]
    return {"axes": [{"intervals": intervals, "delta_chi2_profile": [at_zero, 0, 9]}]}


def test_validation_takes_no_interval_for_a_limit(validation):
    row = validation.upper_limit("moment", "5.4", limits([(0, 5.65e-11)], 0.964), 1e-11, 5.4)
    assert (row.ours, row.compared, row.remark) == ("< 5.65", "1.05", "Δχ²(0) = 1.0")
    row = validation.upper_limit("moment", "5.4", limits([(4.0e-11, 8.7e-11)], 6.2), 1e-11, 5.4)
    assert (row.ours, row.compared) == ("[4.00, 8.70]", "")
    assert row.remark == "Δχ²(0) = 6.2: zero is excluded"
    with pytest.raises(SystemExit, match=r"moment: < 8.70 is no limit, as \[4.00, 8.70\] excludes zero"):
        validation.Row("moment", "5.4", "< 8.70", parts=[(4.0, 8.7)])
    with pytest.raises(SystemExit, match="of what intervals"):
        validation.Row("moment", "5.4", "< 8.70")


def test_validation_separates_regressions_from_reproductions(validation, tmp_path):
    rows = [validation.Row("a", "1", "1.1", "1.10"), validation.Row("b", "", "2", remark="x", regression=True)]
    validation.write([validation.Case("Title", "Text.", rows)], tmp_path)
    page = (tmp_path / "validation.md").read_text()
    before, after = page.split("## Regression tests")
    assert "| a | 1 | 1.1 | 1.10 |  |" in before and "| b |" not in before
    assert "| Title | b | 2 | x |" in after and "| a |" not in after


def test_tables_of_performance_are_those_of_the_measurement(tmp_path):
    page = ROOT / "docs" / "performance.md"
    shutil.copy(page, tmp_path)
    command = [sys.executable, ROOT / "docs" / "plots" / "performance.py", "--output", tmp_path]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    assert (tmp_path / "performance.md").read_text() == page.read_text()
    assert (tmp_path / "performance-scaling.png").stat().st_size > 0
