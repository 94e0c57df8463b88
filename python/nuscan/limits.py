# SPDX-License-Identifier: Apache-2.0
"""Allowed intervals of one parameter, to the last digits those of ``nuscan limits``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


ROUGH = 0.05
"""Of an interval, what a straight line between two points may be off before its end counts as rough."""


@dataclass
class Interval:
    """Values of a parameter that are allowed; an open end is that of the axis, beyond which more may be allowed.

    A rough end is one that the grid is too coarse to place.
    """

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False
    low_rough: bool = False
    high_rough: bool = False


def _crossing(x: np.ndarray, delta_chi2: np.ndarray, k: int, threshold: float) -> tuple[float, float]:
    """Where Δχ² crosses the threshold between grid points k and k + 1, of which one is above it and one is not; and the
    distance from where a straight line between them crosses.

    It is where the cubic through the nearest four grid points with finite Δχ² that adjoin one another (two on each
    side; the next ones of the other side at the end of the axis, and fewer where there are none) is at the threshold,
    found by halving the cell, and the point inside where the one outside has no finite Δχ². That is
    ``crossing`` of host/output/limits.cpp, operation by operation.
    """
    finite = np.isfinite(delta_chi2)
    if not (finite[k] and finite[k + 1]):
        return float(x[k] if finite[k] else x[k + 1]), float(x[k + 1] - x[k])

    def usable(i: int) -> bool:
        return 0 <= i < len(x) and bool(finite[i])

    first, last = k, k + 1
    for one_side in (False, True):
        if last - first < 3 and usable(first - 1) and (k - first < 1 or one_side):
            first -= 1
        if last - first < 3 and usable(last + 1) and (last - k < 2 or one_side):
            last += 1
    # In units of the cell, so that products of small steps do not underflow.
    start, step = float(x[k]), float(x[k + 1] - x[k])
    places = [(float(value) - start) / step for value in x[first : last + 1]]
    heights = [float(value) - threshold for value in delta_chi2[first : last + 1]]

    def polynomial(s: float) -> float:
        total = 0.0
        for i, height in enumerate(heights):
            weight = 1.0
            for j, place in enumerate(places):
                if j != i:
                    weight *= (s - place) / (places[i] - place)
            total += weight * height
        return total

    starts_above = delta_chi2[k] > threshold
    low, high = 0.0, 1.0
    for _ in range(52):
        middle = (low + high) / 2
        if (polynomial(middle) > 0) == starts_above:
            low = middle
        else:
            high = middle
    at = (low + high) / 2
    on_a_line = (threshold - float(delta_chi2[k])) / float(delta_chi2[k + 1] - delta_chi2[k])
    return start + at * step, abs(on_a_line - at) * step


def find_intervals(x: np.ndarray, delta_chi2: np.ndarray, threshold: float) -> list[Interval]:
    """Where Δχ² on the grid points x (in increasing order) is at most the threshold; values that are NaN are not."""
    allowed, n = np.asarray(delta_chi2) <= threshold, len(x)
    intervals = []
    for k in np.flatnonzero(allowed):
        if k > 0 and allowed[k - 1]:
            continue  # inside the last one
        end = k
        while end + 1 < n and allowed[end + 1]:
            end += 1
        low, low_off = _crossing(x, delta_chi2, k - 1, threshold) if k > 0 else (float(x[0]), 0.0)
        high, high_off = _crossing(x, delta_chi2, end, threshold) if end + 1 < n else (float(x[-1]), 0.0)
        allowed_off = ROUGH * (high - low)
        intervals.append(
            Interval(low, high, k == 0, end + 1 == n, low_off > allowed_off, high_off > allowed_off)
        )
    return intervals
