# SPDX-License-Identifier: Apache-2.0
"""Expected counts of a projection: ``python -m nuscan.asimov EXPERIMENT.toml``.

Writes what an experiment file predicts in the standard model, systematics at their nominal values, into the column that
``counts`` of its ``[bins]`` names, where it then stands for data; all else in the table stays as it is, and a table
that is missing is made. Expected counts are not whole, which is why the statistic of a projection is Gaussian. Needs
Python 3.11.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import tomllib
from typing import Iterator, Optional, Sequence

from nuscan.experiment import explain
from nuscan.result import InputError

_SUGGESTION = 'write counts = { table = "expected.csv", column = "expected" }?'


def _bins(experiment: pathlib.Path, text: str) -> dict:
    try:
        bins = tomllib.loads(text)["bins"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise InputError(str(experiment), "there are no [bins] to read", str(error)) from None
    for key in ("further", "fit_min", "fit_max"):
        if key in bins:
            why = "expected counts are written for all bins, in energy alone"
            raise InputError(str(experiment), f'"{key}" is in [bins]', why)
    counts = bins.get("counts")
    if not isinstance(counts, dict) or not all(isinstance(counts.get(key), str) for key in ("table", "column")):
        raise InputError(str(experiment), "counts of [bins] name no table", "they are written there", _SUGGESTION)
    return bins


def _with_counts(experiment: pathlib.Path, text: str, counts: str) -> str:
    """An experiment file with other counts, given as TOML."""
    # A function, since a backslash in a table's name is none of the pattern's.
    changed = re.sub(r"(?ms)(^\[bins\].*?^counts\s*=)[^\n]*$", lambda found: f"{found[1]} {counts}", text, count=1)
    if changed == text or tomllib.loads(changed)["bins"]["counts"] != tomllib.loads(f"counts = {counts}")["counts"]:
        why = "they are on no line of their own below [bins]"
        raise InputError(str(experiment), "counts of [bins] cannot be found", why, _SUGGESTION)
    return changed


@contextlib.contextmanager
def _called(path: pathlib.Path, other: object) -> Iterator[None]:
    """Errors inside are about the file that the user knows, not about the one that stands for it."""
    try:
        yield
    except InputError as error:
        error.args = (str(error).replace(str(other), str(path)),)
        raise


def _explain(experiment: pathlib.Path, text: str) -> dict:
    """What nuscan says of a text in an experiment file's place."""
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".toml", dir=experiment.parent) as file:
            file.write(text)
            file.flush()
            with _called(experiment, file.name):
                return explain(file.name)
    except OSError as error:
        raise InputError(str(experiment.parent), "cannot be written", error.strerror or str(error)) from None


def _new_table(column: str, counts: Sequence[str], report: dict) -> str:
    if "bin_edges_PE" in report:
        variable, edges = "photoelectrons", report["bin_edges_PE"]
    else:
        variable, edges = "energy_keV", [1e3 * edge for edge in report["bin_edges_MeV"]]
    lines = ["# Expected in the standard model; python3 -m nuscan.asimov wrote this", f"{variable},{column}"]
    lines += [f"{(low + high) / 2:.6g},{count}" for low, high, count in zip(edges, edges[1:], counts)]
    return "\n".join(lines) + "\n"


def _with_column(table: pathlib.Path, text: str, column: str, counts: Sequence[str]) -> str:
    """A table with other numbers in one of its columns; all else stays, to the blanks and line endings."""
    lines, names, row = text.split("\n"), [], 0
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where, cells = f"{table}:{number}", line.split(",")
        if not names:
            names = [cell.strip() for cell in cells]
            if column not in names:
                why = f"counts of [bins] name it; the columns are {', '.join(names)}"
                raise InputError(where, f'the table has no column "{column}"', why, "add it, or name another table?")
            continue
        if len(cells) != len(names):
            raise InputError(where, f"the row has {len(cells)} cells", f"the header names {len(names)} columns")
        if row < len(counts):
            place = names.index(column)
            before, after = re.fullmatch(r"([ \t]*).*?(\s*)", cells[place]).groups()
            cells[place] = before + counts[row] + after
            lines[number - 1] = ",".join(cells)
        row += 1
    if row != len(counts):
        question = "move it away, to have one made?"
        raise InputError(str(table), f"the table has {row} rows", f"there are {len(counts)} bins", question)
    return "\n".join(lines)


@contextlib.contextmanager
def _beside(table: pathlib.Path, text: str) -> Iterator[pathlib.Path]:
    """A file in the table's folder, which goes away in the end unless it has been renamed."""
    path = table.with_name(f"{table.name}.{os.getpid()}.partial")
    try:
        with open(path, "x", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
        if table.exists():
            shutil.copymode(table, path)
        yield path
    finally:
        path.unlink(missing_ok=True)


def expect(experiment: pathlib.Path) -> pathlib.Path:
    """Writes the expected counts of an experiment file; returns the path of their table.

    The table is as it was, or as nuscan reads it with the new counts: another one never stands in its place. Raises
    :class:`InputError` where it does not fit the bins, and where nuscan refuses the experiment with the new counts.
    """
    try:
        text = experiment.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(experiment), "cannot be read", getattr(error, "strerror", None) or str(error)) from None
    bins = _bins(experiment, text)
    number = len(bins["edges"]) - 1 if isinstance(bins.get("edges"), list) else bins.get("number")
    # What is expected does not depend on what is observed, so that any counts make the file readable.
    any_counts = [1] * number if isinstance(number, int) else []
    report = _explain(experiment, _with_counts(experiment, text, str(any_counts)))
    counts = [f"{sum(bin):.10g}" for bin in zip(*(component["nominal"] for component in report["components"]))]
    table, column = experiment.parent / bins["counts"]["table"], bins["counts"]["column"]
    target = pathlib.Path(os.path.realpath(table))  # a link stays one
    try:
        try:
            # "r+", so that a table that is protected is not replaced either
            with open(target, "r+", encoding="utf-8", errors="surrogateescape", newline="") as file:
                changed = _with_column(table, file.read(), column, counts)
        except FileNotFoundError:
            changed = _new_table(column, counts, report)
        with _beside(target, changed) as written:
            names = (json.dumps(str(name), ensure_ascii=False) for name in (written, column))
            with _called(table, written):
                _explain(experiment, _with_counts(experiment, text, "{{ table = {}, column = {} }}".format(*names)))
            os.replace(written, target)
    except OSError as error:
        raise InputError(str(table), "cannot be written", error.strerror or str(error)) from None
    return table


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The command line. Returns the exit status: 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m nuscan.asimov", description="Expected counts of a projection.")
    parser.add_argument("experiment", metavar="EXPERIMENT.toml", type=pathlib.Path)
    options = parser.parse_args(arguments)
    try:
        print(expect(options.experiment))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
