# SPDX-License-Identifier: Apache-2.0
"""Best fit, intervals and contours of a result, as ``nuscan limits`` finds them: the program alone knows the rules."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Optional

import numpy as np

from nuscan.result import InputError, Result, delta_chi2_threshold


class ProgramMissing(InputError):
    """The program nuscan cannot be run."""


@dataclass
class End:
    """An end of an interval.

    ``kind`` is "crossing", "physical" (the parameter ends there), "range" (the axis ends there, what is allowed may go
    on) or None (a full circle has no ends). ``at`` is None where the grid is too coarse to place a crossing, which is
    then somewhere in ``between``.
    """

    kind: Optional[str]
    at: Optional[float]
    between: Optional[tuple[float, float]] = None


@dataclass
class Interval:
    """Allowed values of a parameter; on a circle ``high`` may be beyond the axis by less than a period."""

    low: End
    high: End


def _end(interval: dict, side: str) -> End:
    between = interval[f"{side}_between"]
    return End(interval[f"{side}_end"], interval[side], tuple(between) if between else None)


def intervals(limits: dict, name: str) -> list[Interval]:
    """Intervals of the axis ``name`` in what :func:`read_limits` gives."""
    (axis,) = [axis for axis in limits["axes"] if axis["name"] == name]
    return [Interval(_end(interval, "low"), _end(interval, "high")) for interval in axis["intervals"] or []]


def read_limits(path: str, confidence_level: float = 0.9, program: str = "") -> dict:
    """What ``nuscan limits --json`` says of a result.

    ``program`` is that of nuscan, by default ``$NUSCAN_PROGRAM`` or the one on the path. Raises :class:`InputError`
    with the program's own words where there are no limits, and :class:`ProgramMissing` where it cannot be run.
    """
    program = program or os.environ.get("NUSCAN_PROGRAM", "nuscan")
    try:
        run = subprocess.run(
            [program, "limits", path, "--cl", repr(confidence_level), "--json"], capture_output=True, text=True
        )
    except OSError as error:
        question = "install it, or set NUSCAN_PROGRAM to where it is?"
        raise ProgramMissing(program, "cannot run it", error.strerror or str(error), question) from None
    if run.returncode != 0:
        raise InputError(path, "nuscan has no limits", run.stderr.strip())
    return json.loads(run.stdout)


def grid_of(result: Result, confidence_level: float = 0.9) -> dict:
    """What a figure needs of :func:`read_limits` where the program is not there: Δχ² on the grid, and no intervals."""
    chi2_min = float(np.min(result.chi2[np.isfinite(result.chi2)]))
    best = np.unravel_index(np.nanargmin(np.where(np.isfinite(result.chi2), result.chi2, np.nan)), result.chi2.shape)
    warnings = ["the program nuscan is not there: intervals and its warnings are missing (set NUSCAN_PROGRAM?)"]
    return {
        "warnings": ([result.warning] if result.warning else []) + warnings,
        "confidence_level": confidence_level,
        "delta_chi2": delta_chi2_threshold(confidence_level, 1),
        "chi2_min": chi2_min,
        "best_fit": {axis.name: {"value": float(axis.values[i])} for axis, i in zip(result.axes, best)},
        "axes": [
            {
                "name": axis.name,
                "period": None,
                "best_fit": float(axis.values[i]),
                "intervals": None,
                "values": axis.values.tolist(),
                "delta_chi2_profile": (result.project(axis.name).chi2 - chi2_min).tolist(),
            }
            for axis, i in zip(result.axes, best)
        ],
        "contours": [],
    }
