# SPDX-License-Identifier: Apache-2.0
"""Result files of nuscan."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from statistics import NormalDist

import h5py
import numpy as np


class InputError(Exception):
    """Bad input, reported as ``file: problem (why) suggestion``."""

    def __init__(self, where: str, problem: str, why: str = "", suggestion: str = ""):
        reason, hint = f" ({why})" if why else "", f" {suggestion}" if suggestion else ""
        super().__init__(f"{where}: {problem}{reason}{hint}")


@dataclass
class Axis:
    """A kept axis: parameter name, unit ("1" where dimensionless) and values."""

    name: str
    unit: str
    values: np.ndarray

    @property
    def is_geometric(self) -> bool:
        """Whether the values are in geometric progression, as ``spacing = "log"`` makes them; needs three of them.

        Result files say nothing else of it.
        """
        if len(self.values) < 3 or not self.values[0] > 0:
            return False
        steps = np.diff(np.log(self.values))
        return bool(np.ptp(steps) < 1e-6 * np.mean(steps))


@dataclass
class Result:
    """A finished scan: χ² and status on the kept axes (slowest first), and the minimising profiled parameters."""

    path: str
    axes: list[Axis]
    chi2: np.ndarray
    status: np.ndarray
    profiled: dict[str, np.ndarray] = field(default_factory=dict)
    attributes: dict[str, object] = field(default_factory=dict)

    @property
    def delta_chi2(self) -> np.ndarray:
        """χ² above the smallest one on the grid."""
        return self.chi2 - np.nanmin(np.where(np.isfinite(self.chi2), self.chi2, np.nan))

    @property
    def verdict(self) -> str:
        """What the scan found when it checked this result: "ok", a sentence that says why not to trust it, or one that
        begins with "not checked" where nothing was compared with the reference."""
        return _text(self.attributes.get("verdict", "ok"))

    @property
    def warning(self) -> str:
        """What every reader says of the verdict; empty where it is "ok"."""
        verdict = self.verdict
        if verdict == "ok" or verdict.startswith("not checked"):
            return "" if verdict == "ok" else verdict
        return f"do not trust this result: {verdict}"

    def project(self, *names: str) -> "Result":
        """The profile on some of the kept axes, in the order given: χ² minimised over all others."""
        order = [[axis.name for axis in self.axes].index(name) for name in names]
        others = tuple(i for i in range(len(self.axes)) if i not in order)
        # NaN never wins; +inf stands for "no number at all" and stays that.
        chi2 = np.where(np.isnan(self.chi2), np.inf, self.chi2).min(axis=others) if others else self.chi2
        kept = sorted(order)
        chi2 = chi2.transpose([kept.index(i) for i in order])
        axes, status = [self.axes[i] for i in order], np.zeros(chi2.shape, np.uint8)
        return Result(self.path, axes, chi2, status, {}, self.attributes)


_UNWRITTEN = 255  # the status of points that no scan has come to


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def read_result(path: str) -> Result:
    """Reads a finished result.

    Raises :class:`InputError` for a missing, foreign or unfinished file: one called ``.partial``, and one of any name
    with points that are not written, or without what finishing writes.
    """
    if not os.path.exists(path):
        unfinished = os.path.exists(path + ".partial")
        raise InputError(
            path,
            "no such file",
            f"only {path}.partial is there" if unfinished else "",
            'run the same "nuscan scan" again to resume it?' if unfinished else "",
        )
    if path.endswith(".partial"):
        raise InputError(
            path, "not finished", "a scan stopped before its end", 'run the same "nuscan scan" again to resume?'
        )
    question = 'is this the file a "nuscan scan" wrote?'
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(path, "cannot read it as HDF5", str(error), question) from None
    with file:
        for name in ("chi2", "status"):
            if not isinstance(file.get(name), h5py.Dataset):
                raise InputError(path, "not a result of nuscan", f'it has no variable "{name}"', question)
        chi2 = file["chi2"]
        axes = []
        for i, dimension in enumerate(chi2.dims):
            if len(dimension) == 0:
                raise InputError(path, "not a result of nuscan", f"dimension {i + 1} of chi2 has no axis", question)
            scale = dimension[0]
            axes.append(Axis(scale.name.lstrip("/"), _text(scale.attrs.get("units", "1")), scale[...].astype(float)))
        names = _text(chi2.attrs.get("profiled", "")).split()
        for name in names:
            if name not in file:
                raise InputError(path, "not a result of nuscan", f'it has no variable "{name}"', question)
        status = np.asarray(file["status"][...])
        unwritten = int(np.count_nonzero(status == _UNWRITTEN))
        missing = [f"{unwritten} of {status.size} points"] if unwritten > 0 else []
        missing += [] if "chi2_min" in file.attrs else ["the attribute chi2_min"]
        if missing:
            reason = f"it lacks {' and '.join(missing)}"
            raise InputError(path, "not finished", reason, "run the scan again, with --overwrite?")
        return Result(
            path,
            axes,
            np.asarray(chi2[...], dtype=float),
            status,
            {name: np.asarray(file[name][...], dtype=float) for name in names},
            dict(file.attrs),
        )


def _chi2_survival(chi2: float, degrees_of_freedom: int) -> float:
    """P(χ² > chi2), by Q(a + 1, x) = Q(a, x) + x^a e^(−x)/Γ(a + 1) from Q(1/2, x) = erfc(√x) or Q(1, x) = e^(−x)."""
    x = chi2 / 2
    a, total = (1.0, math.exp(-x)) if degrees_of_freedom % 2 == 0 else (0.5, math.erfc(math.sqrt(x)))
    while 2 * a < degrees_of_freedom:
        total += math.exp(a * math.log(x) - x - math.lgamma(a + 1)) if x > 0 else 0
        a += 1
    return total


def delta_chi2_threshold(confidence_level: float, degrees_of_freedom: int) -> float:
    """Δχ² of a confidence level: 2.71, 4.61 and 6.25 at 90 % for 1, 2 and 3 degrees of freedom.

    Raises ValueError unless 0 < confidence_level < 1 and there are degrees of freedom.
    """
    if not 0 < confidence_level < 1:
        raise ValueError(f"confidence level {confidence_level} is not between 0 and 1")
    if degrees_of_freedom != int(degrees_of_freedom) or degrees_of_freedom < 1:
        raise ValueError(f"{degrees_of_freedom} degrees of freedom: at least one is needed")
    if degrees_of_freedom == 1:
        return NormalDist().inv_cdf((1 + confidence_level) / 2) ** 2
    if degrees_of_freedom == 2:
        return -2 * math.log1p(-confidence_level)
    low, high = 0.0, 1.0
    while _chi2_survival(high, int(degrees_of_freedom)) > 1 - confidence_level:
        high *= 2
    while low < (middle := (low + high) / 2) < high:
        if _chi2_survival(middle, int(degrees_of_freedom)) > 1 - confidence_level:
            low = middle
        else:
            high = middle
    return middle
