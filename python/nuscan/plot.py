# SPDX-License-Identifier: Apache-2.0
"""Plots a result: ``python -m nuscan.plot OUT.h5 [-o FILE.png] [--cl 0.9] [--axes X [Y]]``, or the counts of an
experiment, ``python -m nuscan.plot --experiment NAME``.

One axis gives Δχ² with the allowed interval, two give the allowed regions (2 degrees of freedom) with the best fit.
Further axes are minimised over. Intervals, the best fit and warnings are those of ``nuscan limits``; where the program
is not there ($NUSCAN_PROGRAM, or on the path) the figure says so, and shows the grid. Published limits on the parameters shown are overlaid.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from dataclasses import dataclass
from typing import NoReturn, Optional, Sequence

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import AutoMinorLocator, LogLocator

from nuscan.experiment import explain
from nuscan.labels import factor, label, power_of_ten, symbol
from nuscan.limits import End, Interval, ProgramMissing, grid_of, intervals, read_limits
from nuscan.result import Axis, InputError, Result, delta_chi2_threshold, read_result
from nuscan.style import BLUE, ORANGE, STYLE, WARNING


@dataclass
class PublishedLimit:
    """A published 90 % CL limit on the absolute value of one parameter, all others at zero."""

    experiment: str
    value: float  # in the unit of result files
    citation: str


PUBLISHED_LIMITS = {
    "magnetic_moment.universal": [
        PublishedLimit("XENONnT", 6.4e-12, "arXiv:2207.11330"),
        PublishedLimit("LZ 2022", 1.1e-11, "arXiv:2207.05036"),
    ],
    "charge.universal": [
        PublishedLimit("LZ 2022", 1.5e-13, "arXiv:2207.05036"),
    ],
}

_REGION_LEVELS = (0.6827, 0.90, 0.9545)


def _scale(axis: Axis) -> str:
    return "log" if axis.is_geometric else "linear"


def _exponent(axis: Axis) -> int:
    """The power of ten that the axis carries in its label; a logarithmic one has them at its ticks."""
    return 0 if axis.is_geometric else power_of_ten(axis.values)


def _percent(confidence_level: float) -> str:
    return f"{100 * confidence_level:.4g}%"


def _allowed_text(axis: Axis, allowed: Sequence[Interval]) -> str:
    """What is allowed, as ``nuscan limits`` words it: one-sided where the parameter itself ends."""
    if not allowed:
        return "nothing is allowed at the points of the grid (grid too coarse)"
    first, last = allowed[0].low, allowed[-1].high
    ends = [end for interval in allowed for end in (interval.low, interval.high)]
    if len(allowed) == 1 and first.kind is None:
        return "no limit: the whole circle is allowed"
    if len(allowed) == 1 and "crossing" not in (first.kind, last.kind):
        return "no limit on this axis"
    numbers = [number for end in ends for number in ([end.at] if end.between is None else end.between)]
    exponent = power_of_ten(np.array(numbers, dtype=float))
    power = factor(axis.unit, exponent)

    def place(end: End) -> str:
        words = [f"{number / 10.0**exponent:.3g}" for number in ([end.at] if end.between is None else end.between)]
        return words[0] if len(words) == 1 else f"between {words[0]} and {words[1]}"

    if len(allowed) == 1 and first.kind == "physical":
        text = f"< {place(last)}"
    elif len(allowed) == 1 and last.kind == "physical":
        text = f"> {place(first)}"
    else:
        ranges = r" $\cup$ ".join(f"[{place(i.low)}, {place(i.high)}]" for i in allowed)
        text = r"$\in$ " + (f"({ranges})" if len(allowed) > 1 and power else ranges)
    beyond = " (may go on beyond the axis)" if "range" in (first.kind, last.kind) else ""
    coarse = " (grid too coarse)" if any(end.between for end in ends) else ""
    return f"{symbol(axis.name)} " + text.replace("-", "\N{MINUS SIGN}") + power + beyond + coarse


def _finish_axes(ax, title: str, pad: float = 8) -> None:
    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "linear":
            axis.set_minor_locator(AutoMinorLocator())
    ax.tick_params(which="both", top=True, right=True)
    if title:
        ax.set_title(title, loc="left", pad=pad)


def _draw_warnings(figure: Figure, limits: dict) -> None:
    """What ``nuscan limits`` warns of, above the plot."""
    if limits["warnings"]:
        lines = [line for text in limits["warnings"] for line in textwrap.wrap(text, 105, subsequent_indent="    ")]
        figure.suptitle("\n".join(lines), x=0.02, ha="left", fontsize=7.5, color=WARNING)


def _draw_published_limits(ax, axes: Sequence[Axis], exponents: Sequence[int]) -> None:
    """Draws published limits on the axes shown as lines with their names, and cites them below the plot."""
    halo = [withStroke(linewidth=2.2, foreground="white")]
    sources = []
    for direction, (axis, exponent) in enumerate(zip(axes, exponents)):
        inside = axis.values.min(), axis.values.max()
        for limit in PUBLISHED_LIMITS.get(axis.name, []):
            places = [v / 10.0**exponent for v in (limit.value, -limit.value) if inside[0] < v < inside[1]]
            for number, place in enumerate(places):
                (ax.axhline if direction else ax.axvline)(place, color=ORANGE, lw=1.1, ls=(0, (5, 2.5)), zorder=4)
                if number > 0:
                    continue
                style = dict(fontsize=8.5, color=ORANGE, textcoords="offset points", path_effects=halo, zorder=6)
                if direction:
                    at = dict(xy=(0.985, place), xycoords=("axes fraction", "data"), xytext=(0, 3), ha="right")
                else:
                    at = dict(xy=(place, 0.98), xycoords=("data", "axes fraction"), xytext=(3, 0), va="top")
                    style["rotation"] = 90
                ax.annotate(limit.experiment, **at, **style)
            source = f"{limit.experiment} ({limit.citation})"
            if places and source not in sources:
                sources.append(source)
    if sources:
        text = "Dashed: published 90% CL limits on one parameter, " + ", ".join(sources)
        ax.figure.supxlabel(text, x=0.02, ha="left", fontsize=7.5, color="0.35")


def _profile(axis: dict, allowed: Sequence[Interval], limits: dict) -> tuple[np.ndarray, np.ndarray]:
    """Δχ² along an axis, with what is known between the points of its grid: the best fit and the ends of intervals."""
    points = dict(zip(axis["values"], (np.nan if d is None else d for d in axis["delta_chi2_profile"])))
    points.setdefault(axis["best_fit"], 0.0)
    for end in (end for interval in allowed for end in (interval.low, interval.high)):
        if end.kind == "crossing" and end.between is None:
            turn = axis["period"] if end.at > axis["values"][-1] else 0
            points.setdefault(end.at - turn, limits["delta_chi2"])
    x = np.array(sorted(points))
    return x, np.array([points[value] for value in x])


def _spans(axis: dict, interval: Interval) -> list[tuple[float, float]]:
    """The surely allowed parts of the axis: two where an interval goes through the seam of a circle."""
    low = interval.low.at if interval.low.between is None else interval.low.between[1]
    high = interval.high.at if interval.high.between is None else interval.high.between[0]
    first, last = axis["values"][0], axis["values"][-1]
    if axis["period"] and high > last:
        return [(low, last), (first, high - axis["period"])]
    return [(max(low, first), min(high, last))]


def _plot_1d(figure: Figure, result: Result, limits: dict) -> None:
    axis, confidence_level = result.axes[0], limits["confidence_level"]
    (found,) = [axis_limits for axis_limits in limits["axes"] if axis_limits["name"] == axis.name]
    allowed, threshold = intervals(limits, axis.name), limits["delta_chi2"]
    exponent = _exponent(axis)
    scale = 10.0**exponent
    x, delta_chi2 = _profile(found, allowed, limits)
    x = x / scale
    highest = float(delta_chi2[np.isfinite(delta_chi2)].max())
    top = min(max(3.5 * threshold, 8), max(1.15 * highest, 1.3 * threshold))

    ax = figure.add_subplot()
    for interval in allowed:
        for low, high in _spans(found, interval):
            ax.axvspan(low / scale, high / scale, color="#d5e3f0", lw=0, zorder=0)
    ax.axhline(threshold, color="0.35", lw=0.9, ls=(0, (1, 1.5)), zorder=1)
    note = dict(textcoords="offset points", ha="right", va="bottom", fontsize=8.5, color="0.25", zorder=6)
    halo = [withStroke(linewidth=2.2, foreground="white")]
    threshold_text = rf"{_percent(confidence_level)} CL ($\Delta\chi^2 = {threshold:.2f}$)"
    at_threshold = dict(xycoords=("axes fraction", "data"), xytext=(0, 3), path_effects=halo)
    ax.annotate(threshold_text, (0.985, threshold), **at_threshold, **note)
    # Between the frame and the title, where no curve is
    if found["intervals"] is not None:
        text = f"{_percent(confidence_level)} CL: {_allowed_text(axis, allowed)}"
        ax.annotate(text, (1, 1), xycoords="axes fraction", xytext=(0, 4), **note)
    points = dict(marker="o", ms=3.5) if len(x) < 30 else {}  # a coarse grid is shown as one
    ax.plot(x, np.where(np.isfinite(delta_chi2), delta_chi2, np.nan), color=BLUE, lw=1.8, zorder=3, **points)
    _draw_published_limits(ax, [axis], [exponent])
    ax.set_xscale(_scale(axis))
    ax.set_xlim(axis.values[0] / scale, axis.values[-1] / scale)
    ax.set_ylim(0, top)
    ax.set_xlabel(label(axis.name, axis.unit, exponent))
    ax.set_ylabel(r"$\Delta\chi^2$")
    _finish_axes(ax, str(result.attributes.get("title", "")), pad=20)


def _draw_contours(ax, limits: dict, names: Sequence[str], scales: Sequence[float]) -> bool:
    """Draws the contours of ``nuscan limits`` where it has those of the axes shown, and tells whether it has."""
    periods = {axis["name"]: axis["period"] for axis in limits["axes"]}
    drawn = []
    for contour in limits["contours"]:
        if {contour["x"], contour["y"]} != set(names):
            return False
        order = [0, 1] if contour["x"] == names[0] else [1, 0]
        for line in contour["lines"]:
            points = np.array(line)[:, order] / scales
            turns = [[0.0, periods[name] / scale, -periods[name] / scale] if periods[name] else [0.0]
                     for name, scale in zip(names, scales)]  # fmt: skip
            drawn += [points + [dx, dy] for dx in turns[0] for dy in turns[1]]
    ax.add_collection(LineCollection(drawn, colors=[BLUE], linewidths=0.8, zorder=2), autolim=False)
    return bool(limits["contours"])


def _plot_2d(figure: Figure, result: Result, limits: dict) -> None:
    axes, confidence_level = result.axes, limits["confidence_level"]
    delta_chi2 = result.chi2 - limits["chi2_min"]
    exponents = [_exponent(axis) for axis in axes]
    scales = [10.0**exponent for exponent in exponents]
    x, y = (axis.values / scale for axis, scale in zip(axes, scales))
    confidence_levels = sorted({*_REGION_LEVELS, confidence_level})
    levels = [delta_chi2_threshold(level, 2) for level in confidence_levels]

    # Contours need numbers: +inf (no counts predicted where some were seen) becomes a wall, NaN a hole.
    wall = 1e3 * levels[-1]
    z = np.ma.masked_invalid(np.where(np.isnan(delta_chi2), np.nan, np.minimum(delta_chi2, wall))).T
    shades = matplotlib.colormaps["Blues"](np.linspace(0.78, 0.2, len(levels)))
    colours, norm = ListedColormap(shades), BoundaryNorm([0, *levels], len(levels))

    ax = figure.add_subplot()
    regions = ax.contourf(x, y, z, levels=[0, *levels], cmap=colours, norm=norm)
    best = [limits["best_fit"][axis.name]["value"] / scale for axis, scale in zip(axes, scales)]
    star = dict(ms=11, mfc="white", mec="black", mew=0.8, ls="none", label="best fit", zorder=5, clip_on=False)
    ax.plot(*best, "*", **star)
    if not _draw_contours(ax, limits, [axis.name for axis in axes], scales):
        ax.contour(x, y, z, levels=levels, colors=[BLUE], linewidths=0.8)
    _draw_published_limits(ax, axes, exponents)
    ax.set_xscale(_scale(axes[0]))
    ax.set_yscale(_scale(axes[1]))
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(y[0], y[-1])
    ax.set_xlabel(label(axes[0].name, axes[0].unit, exponents[0]))
    ax.set_ylabel(label(axes[1].name, axes[1].unit, exponents[1]))
    _finish_axes(ax, str(result.attributes.get("title", "")))

    bar = figure.colorbar(regions, ax=ax, spacing="uniform", ticks=[0, *levels], pad=0.03, fraction=0.06, aspect=24)
    bar.ax.set_yticklabels(["0", *(f"{level:.2f}" for level in levels)])
    bar.ax.tick_params(length=0)
    bar.set_label(r"$\Delta\chi^2$ (2 degrees of freedom)")
    for k, level in enumerate(confidence_levels):
        bar.ax.text(
            0.5,
            (k + 0.5) / len(levels),
            _percent(level),
            transform=bar.ax.transAxes,
            ha="center",
            va="center",
            rotation=90,
            fontsize=8.5,
            color="white" if k < len(levels) / 2 else "black",
        )
    ax.legend(loc="best")


def plot(result: Result, confidence_level: float = 0.9, axes: Optional[Sequence[str]] = None) -> Figure:
    """Draws a result on one or two of its axes (by default the first two), minimised over all others.

    Raises :class:`InputError` for results without axes or limits, and for unknown axes.
    """
    names = [axis.name for axis in result.axes]
    for name in axes or []:
        if name not in names:
            known = f"one of: {', '.join(names)}?"
            raise InputError(result.path, f'no axis "{name}"', "it was profiled or fixed", known)
    shown = list(axes or names[:2])
    if not shown:
        raise InputError(result.path, "nothing to plot", "every axis was profiled", "keep one or two axes in the scan")
    if len(shown) > 2 or len(set(shown)) != len(shown):
        raise InputError(result.path, f"cannot plot {' '.join(shown)}", "one axis, or two different ones")
    for axis in result.axes:
        if axis.name in shown and len(axis.values) < 2:
            problem = f'cannot plot "{axis.name}"'
            raise InputError(result.path, problem, "the axis has one value", "choose others by --axes")
    if not np.isfinite(result.chi2).any():
        raise InputError(result.path, "nothing to plot", "no point has a finite chi2")

    try:
        limits = read_limits(result.path, confidence_level)
    except ProgramMissing:
        limits = grid_of(result, confidence_level)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.6) if len(shown) == 2 else (6.0, 4.2), layout="constrained")
        FigureCanvasAgg(figure)
        (_plot_2d if len(shown) == 2 else _plot_1d)(figure, result.project(*shown), limits)
        _draw_warnings(figure, limits)
    return figure


_MOST_OF_A_KIND = 4  # neutrinos, or backgrounds, drawn one by one: more shades of a colour are hard to tell apart


def _largest(report: dict, kind: str, n_energy: int) -> list[tuple[str, np.ndarray]]:
    """Components of a kind at the best fit, over energy, by size; the smallest together where there are many."""
    components = [
        (component["name"], np.reshape(component["fit"], (n_energy, -1)).sum(axis=1))
        for component in report["components"]
        if component["kind"] == kind
    ]
    components.sort(key=lambda component: -component[1].sum())
    if len(components) <= _MOST_OF_A_KIND:
        return components
    shown, rest = components[: _MOST_OF_A_KIND - 1], components[_MOST_OF_A_KIND - 1 :]
    return [*shown, (f"{len(rest)} others", sum(counts for _, counts in rest))]


_ENERGY_UNITS = {"GeV": 1e3, "MeV": 1, "keV": 1e-3, "eV": 1e-6}  # MeV


def _energy_unit(energy: float) -> str:
    """The largest unit in which an energy [MeV] is at least 1."""
    return next((unit for unit, size in _ENERGY_UNITS.items() if energy >= (1 - 1e-9) * size), "eV")


def plot_experiment(report: dict) -> Figure:
    """Draws what :func:`nuscan.experiment.explain` says: counts, components at the best fit stacked, and residuals.

    Neutrinos are at the bottom, backgrounds above. Variables beyond the energy are summed over. The unit of energy is
    that of the middle of the range, and that of equal bins the one of their width.
    """
    if "bin_edges_PE" in report:
        edges, sizes = np.asarray(report["bin_edges_PE"]), {"PE": 1}
        unit = unit_of_width = "PE"
    else:
        edges, sizes = np.asarray(report["bin_edges_MeV"]), _ENERGY_UNITS
        unit, unit_of_width = _energy_unit((edges[0] + edges[-1]) / 2), _energy_unit(edges[1] - edges[0])
    widths, per = np.diff(edges), unit
    n, scale = len(widths), widths / sizes[unit]
    if np.ptp(widths) < 1e-9 * widths[0]:
        scale, per = np.ones(n), f"{widths[0] / sizes[unit_of_width]:.4g} {unit_of_width}"
    edges = edges / sizes[unit]
    centres = (edges[:-1] + edges[1:]) / 2
    observed = np.reshape(report["observed"], (n, -1)).sum(axis=1)
    neutrinos, backgrounds = (_largest(report, kind, n) for kind in ("signal", "background"))
    total = sum(counts for _, counts in neutrinos + backgrounds)
    errors = np.sqrt((np.reshape(report["errors"], (n, -1)) ** 2).sum(axis=1))
    scatter = errors if report["statistic"] == "gaussian" else np.sqrt(np.maximum(total, 1e-12))

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 4.8), layout="constrained")
        FigureCanvasAgg(figure)
        ax, residuals = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (3.2, 1)})
        colours = [
            matplotlib.colormaps[name](shade)
            for name, drawn in (("Oranges", neutrinos), ("Blues", backgrounds))
            for shade in np.linspace(0.7, 0.2, len(drawn))
        ]
        below = np.zeros(n)
        for (name, counts), colour in zip(neutrinos + backgrounds, colours):
            bottom, below = below, below + counts
            ax.stairs(below / scale, edges, baseline=bottom / scale, fill=True, color=colour, label=name)
        ax.stairs(total / scale, edges, color=BLUE, lw=1.1, label="best fit")
        bars = dict(fmt="o", ms=2.6, lw=0.8, color="black", label="observed")
        ax.errorbar(centres, observed / scale, errors / scale, **bars)
        lowest, highest = np.min((total / scale)[total > 0], initial=np.inf), np.max(total / scale)
        if highest > 100 * lowest and np.all(observed >= 0):
            ax.set_yscale("log")
            ax.set_ylim(0.3 * lowest, 3 * highest)
        elif np.all(observed >= 0):
            ax.set_ylim(0, None)
        if np.max(widths) > 10 * np.min(widths) and edges[0] > 0:
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.xaxis.set_major_formatter("{x:g}")
        ax.set_xlim(edges[0], edges[-1])
        ax.set_ylabel(f"counts per {per}")
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)  # beside the counts, to cover none
        residuals.axhline(0, color=BLUE, lw=1)
        pulls = (observed - total) / scatter
        residuals.plot(centres, pulls, "o", ms=2.6, color="black")
        residuals.set_ylim(*(sign * max(3, 1.1 * np.max(np.abs(pulls))) for sign in (-1, 1)))
        residuals.set_xlabel("photoelectrons" if unit == "PE" else f"energy [{unit}]")
        residuals.set_ylabel(r"$(n - N)/\sigma$")
        for axes, title in ((ax, report["title"]), (residuals, "")):
            _finish_axes(axes, title)
    return figure


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"command line: {message} (see --help)\n")


def _confidence_level(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f'"{text}" is not between 0 and 1')
    return value


def _plot_file(path: str, confidence_level: float, axes: Optional[Sequence[str]]) -> Figure:
    """A result file drawn; says on stderr what is minimised over, and what speaks against it."""
    result = read_result(path)
    if result.warning:
        print(f"{path}: {result.warning}", file=sys.stderr)
    figure = plot(result, confidence_level, axes)
    shown = axes or [axis.name for axis in result.axes[:2]]
    others = [axis.name for axis in result.axes if axis.name not in shown]
    if others:
        print(f"{path}: minimised over {', '.join(others)} (--axes chooses what is shown)", file=sys.stderr)
    return figure


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The command line. Returns the exit status: 2 for bad input."""
    parser = _Parser(prog="python -m nuscan.plot", description="Plot a result of nuscan, or an experiment.")
    parser.add_argument("result", metavar="OUT", nargs="?", help="result file of a finished scan")
    parser.add_argument("--experiment", metavar="NAME", help="instead: a shipped experiment, or an experiment file")
    parser.add_argument("-o", "--output", metavar="FILE", help="PNG, PDF or SVG to write (default: OUT or NAME, .png)")
    parser.add_argument("--cl", type=_confidence_level, default=0.9, help="confidence level (default 0.9)")
    parser.add_argument("--axes", nargs="+", metavar="NAME", help="one or two axes to show, the others minimised over")
    options = parser.parse_args(arguments)
    if (options.result is None) == (options.experiment is None):
        parser.error("one of OUT and --experiment is needed")
    output = options.output or os.path.splitext(options.result or os.path.basename(options.experiment))[0] + ".png"
    try:
        if os.path.splitext(output)[1].lower() not in (".png", ".pdf", ".svg"):
            raise InputError(output, "cannot write this format", "plots are PNG, PDF or SVG", "name it .png or .pdf?")
        if options.experiment is not None:
            figure = plot_experiment(explain(options.experiment))
        else:
            figure = _plot_file(options.result, options.cl, options.axes)
        try:
            with matplotlib.rc_context(STYLE):
                figure.savefig(output)
        except OSError as error:
            raise InputError(output, "cannot write the plot", error.strerror or str(error)) from None
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
