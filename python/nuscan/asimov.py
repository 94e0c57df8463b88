# SPDX-License-Identifier: Apache-2.0
"""Expected counts of a projection: ``python -m nuscan.asimov EXPERIMENT.toml``.

Writes what an experiment file predicts in the standard model, systematics at their nominal values, into the table that
``counts`` of its ``[bins]`` names, where it then stands for data. Expected counts are not whole, which is why the
statistic of a projection is Gaussian. Needs Python 3.11.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import sys
import tempfile
import tomllib
from typing import Optional, Sequence

from nuscan.experiment import explain
from nuscan.result import InputError


def _bins(experiment: pathlib.Path, text: str) -> dict:
    try:
        bins = tomllib.loads(text)["bins"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise InputError(str(experiment), "there are no [bins] to read", str(error)) from None
    for key in ("further", "fit_min", "fit_max"):
        if key in bins:
            why = "expected counts are written for all bins, in energy alone"
            raise InputError(str(experiment), f'"{key}" is in [bins]', why)
    if not isinstance(bins.get("counts"), dict):
        suggestion = 'write counts = { table = "expected.csv", column = "expected" }?'
        raise InputError(str(experiment), "counts of [bins] name no table", "they are written there", suggestion)
    return bins


def expect(experiment: pathlib.Path) -> pathlib.Path:
    """Writes the expected counts of an experiment file; returns the path of their table."""
    try:
        text = experiment.read_text()
    except OSError as error:
        raise InputError(str(experiment), "cannot be read", error.strerror or str(error)) from None
    bins = _bins(experiment, text)
    number = bins["number"] if "number" in bins else len(bins["edges"]) - 1
    # What is expected does not depend on what is observed, so that any counts make the file readable.
    head, tail = re.split(r"(?m)^(?=\[bins\])", text, maxsplit=1)
    tail = re.sub(r"(?m)^counts\s*=.*$", f"counts = {[1] * number}", tail, count=1)
    with tempfile.NamedTemporaryFile("w", suffix=".toml", dir=experiment.parent) as file:
        file.write(head + tail)
        file.flush()
        report = explain(file.name)
    edges = [1e3 * edge for edge in report["bin_edges_MeV"]]
    counts = [sum(bin) for bin in zip(*(component["nominal"] for component in report["components"]))]
    table = experiment.parent / bins["counts"]["table"]
    lines = ["# Expected in the standard model; python3 -m nuscan.asimov wrote this"]
    lines.append(f"energy_keV,{bins['counts']['column']}")
    lines += [f"{(low + high) / 2:.6g},{count:.10g}" for low, high, count in zip(edges, edges[1:], counts)]
    table.write_text("\n".join(lines) + "\n")
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
