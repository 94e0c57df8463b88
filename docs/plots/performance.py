#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the plots and writes the tables of docs/performance.md: ``docs/plots/performance.py [--results FILE]``.

Every number comes from the JSON of benchmarks/run.py. A table stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

import matplotlib  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from nuscan.style import BLUE, ORANGE, STYLE  # noqa: E402

GREEN = "#3d7a3f"
H200 = 1.5e13  # FP64 instructions a second: 132 multiprocessors × 64 lanes × 1.78 GHz
STUDIES = {"bins": "bins", "features": "features of the sources", "axes": "axes", "pulls": "pulls"}
METHODS = {
    ("poisson", "moments"): ("Poisson, bins", BLUE),
    ("gaussian", "moments"): ("Gaussian, bins", GREEN),
    ("gaussian", "collapsed"): ("Gaussian, collapsed", ORANGE),
}


def tiers(report: dict) -> dict[str, dict]:
    return {
        "direct: LZ 2022": report["lz"]["direct"],
        "moments, Poisson: LZ 2022": report["lz"]["moments"],
        "moments, Gaussian": report["gaussian"]["moments"],
        "moments, Poisson: three experiments, eight pulls together": report["together"]["bench"],
        "collapsed": report["gaussian"]["collapsed"],
        "collapsed, a pull on the signal": report["gaussian"]["signal_pull"],
        "collapsed: six axes": report["six_axes"]["bench"],
    }


def best(bench: dict, threads: int) -> float:
    return max(row["points_per_second"] for row in bench["throughput"] if row["threads"] == threads)


def figure_of(rows: int, columns: int, size: tuple[float, float], **options):
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, **options)


def batches(report: dict) -> Figure:
    """Points a second against the points of a call, beside the limits."""
    figure, ax = figure_of(1, 1, (6.8, 4.8))
    names = ("moments, Poisson: LZ 2022", "moments, Gaussian", "collapsed")
    for name, colour in zip(names, (BLUE, GREEN, ORANGE)):
        bench = tiers(report)[name]
        for limits, style, marker in zip(bench["machine"], ("-", (0, (5, 1.8))), ("o", "s")):
            threads = limits["threads"]
            rows = [row for row in bench["throughput"] if row["threads"] == threads]
            ax.plot([row["points"] for row in rows], [row["points_per_second"] for row in rows], marker, ls=style, ms=4,
                    color=colour, lw=1.5, label=f"{name.split(':')[0]}, threads: {threads}")  # fmt: skip
            ax.axhline(limits["limit_points_per_second"], color=colour, lw=0.8, ls=style, alpha=0.5)
    ax.set(xscale="log", yscale="log")
    ax.set_xlabel("points a call")
    ax.set_ylabel("points/s (level lines: what the operations allow)")
    ax.legend(loc="lower right")
    return figure


def scaling(report: dict) -> Figure:
    """Nanoseconds a point against size: measured, and what the counted operations take at least."""
    figure, panels = figure_of(2, 2, (8.2, 6.4), sharey=True)
    for ax, (study, label) in zip(panels.flat, STUDIES.items()):
        for (statistic, method), (name, colour) in METHODS.items():
            rows = [row for row in report["scaling"]
                    if (row["study"], row["statistic"], row["method"]) == (study, statistic, method)]  # fmt: skip
            sizes = [row["size"] for row in rows]
            ax.plot(sizes, [row["nanoseconds"] for row in rows], "o-", ms=4, color=colour, lw=1.5, label=name)
            ax.plot(sizes, [row["limit_nanoseconds"] for row in rows], color=colour, lw=1, ls=(0, (5, 1.8)))
        ax.set_yscale("log")
        if study in ("bins", "features"):
            ax.set_xscale("log")
            ax.set_xticks(sizes, [str(size) for size in sizes])
            ax.minorticks_off()
        else:
            ax.set_xticks(sizes)
        ax.set_xlabel(label)
    for row in panels:
        row[0].set_ylabel("ns a point, one thread")
    panels[0][0].legend(loc="upper left", title="dashed: counted", title_fontsize=8.5)
    return figure


def number(value: float) -> str:
    """Three digits, as 5.2e9 or 312."""
    if 0.01 <= abs(value) < 1e4 or value == 0:
        return f"{value:.3g}"
    return re.sub(r"e([+-])0*(\d)", r"e\1\2", f"{value:.2e}").replace("e+", "e")


def machine_text(report: dict) -> list[str]:
    hard, bench = report["hardware"], report["lz"]["moments"]
    lines = [
        f"{report['date']}: {hard['cpu']}, {hard['cores']} cores, {bench['clock_MHz']} MHz.",
        f"nuscan {bench['nuscan_version']} ({bench['nuscan_commit']}), {bench['compiler']}, {bench['instruction_set']}.",
        f"Load before the run: {hard['load_before']:.1f}.",
    ]
    if hard["gpu"]:
        lines.append(f"GPU: {hard['gpu']}.")
    if hard["load_before"] > 0.5:
        lines += ["**Other programs were running**: several threads waited for each other, and for the disk;",
                  "only what one thread does in memory can be trusted."]  # fmt: skip
    lines += ["", "| threads | multiply-adds/s | divisions/s | B/s copied |"]
    lines += ["|---" * 4 + "|"]
    keys = "multiply_adds", "divisions", "copied_bytes"
    for row in bench["machine"]:
        lines.append(f"| {row['threads']} | " + " | ".join(number(row[f"{key}_per_second"]) for key in keys) + " |")
    return lines


def asked_table(report: dict) -> list[str]:
    return ["| | asked | measured | holds |", "|---|---|---|---|",
            *(f"| {row['what']} | {row['asked']} | {row['measured']} | {'yes' if row['holds'] else '**no**'} |"
              for row in report["asked"])]  # fmt: skip


def tiers_table(report: dict) -> list[str]:
    heads = ["method", "bins × features", "instructions, divisions, logarithms a point", "result [B]", "limit, 1 thread",
             "measured", "of it", "all threads", "with the file"]  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, bench in tiers(report).items():
        operations, one, threads = bench["operations_per_point"], bench["machine"][0], bench["machine"][-1]["threads"]
        limit, rate = one["limit_points_per_second"], best(bench, 1)
        whole = bench["end_to_end_points_per_second"]
        counts = ", ".join(number(operations[key]) for key in ("instructions", "divisions", "logarithms"))
        cells = [name, f"{bench['bins']} × {bench['features']}", counts, number(bench["result_bytes_per_point"]),
                 number(limit), number(rate), f"{100 * rate / limit:.0f} %", number(best(bench, threads)),
                 number(whole) if whole else ""]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def gpu_table(report: dict) -> list[str]:
    lines = ["| method | limit at 1.5e13 instructions/s | measured |", "|---|---|---|"]
    measured = report.get("cuda", {})
    for name, bench, key in (("direct: LZ 2022", report["lz"]["direct"], None),
                             ("moments, Poisson: LZ 2022", report["lz"]["moments"], "lz"),
                             ("moments, Gaussian", report["gaussian"]["moments"], "moments"),
                             ("collapsed", report["gaussian"]["collapsed"], "collapsed"),
                             ("collapsed, a pull on the signal", report["gaussian"]["signal_pull"], None)):  # fmt: skip
        rates = [row["points_per_second"] for row in measured.get(key, {"throughput": []})["throughput"]]
        found = number(max(rates)) if rates else "not measured"
        lines.append(f"| {name} | {number(H200 / sum(bench['operations_per_point'].values()))} | {found} |")
    return lines


def peers_table(report: dict) -> list[str]:
    rows = sorted(report["lz"]["rates"], key=lambda row: row["points_per_second"])
    lines = ["| code | threads | points/s |", "|---|---|---|"]
    lines += [f"| {row['code']} | {row['threads']} | {number(row['points_per_second'])} |" for row in rows]
    difference = max(report["lz"]["largest_chi2_difference"].values())
    notes = " ".join(report["lz"]["notes"])
    return lines + ["", f"χ² of all of them agrees to {difference:.0e} on the grid that is compared first. {notes}"]


def answers_table(report: dict) -> list[str]:
    run = report.get("time_to_answer")  # runs of before do not know it
    if run is None:
        return ["Not measured."]
    hard = run["hardware"]
    lines = [f"{run['date']}: {hard['cpu']}, {hard['cores']} cores, load before {hard['load_before']:.1f}.", "",
             "| command | | s | s of a core |", "|---|---|---|---|"]  # fmt: skip
    for row in run["rows"]:
        lines.append(f"| `{row['command']}` | {row['what']} | {row['wall_seconds']:.2f} | {row['core_seconds']:.2f} |")
    return lines


def six_axes_text(report: dict) -> list[str]:
    run = report["six_axes"]
    return [
        f"{run['points']:.0e} points in {run['elapsed_seconds']:.1f} s on {report['hardware']['cores']} cores, journal and file",
        f"included. The smallest χ² is {run['minimum_difference']:.0e} from the reference's at the same point,",
        f"{run['parity_points']} random points at most {run['parity_largest_deviation']:.0e} (relative to 1 + χ²).",
    ]


def together_text(report: dict) -> list[str]:
    run, cores = report["together"], report["hardware"]["cores"]
    polish = run["elapsed_seconds"] - run["grid_elapsed_seconds"]
    return [
        f"{run['points']} points, of which {run['kept_points']} are kept, take {run['elapsed_seconds']:.2f} s on {cores} cores. The grid is",
        f"{run['grid_elapsed_seconds']:.2f} s of it, Newton's method between its points {1e3 * polish * cores / run['kept_points']:.2f} ms of a core for each that is kept.",
        f"It lowers χ² by up to {run['largest_gain']:.2f}. {run['flagged_points'] or 'No'} points are flagged. Random points agree with the",
        f"reference to {run['parity_largest_deviation']:.0e} (relative to 1 + χ²).",
    ]


def stream_text(report: dict) -> list[str]:
    """Both maps where the run has them; runs of before know rates of the first alone."""
    cores = report["hardware"]["cores"]
    heads = ["map", "B", "B/s of results", "B/s counting the whole program", "B/s of raw chunks", "of them"]
    lines, counted = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"], []
    for name, run in (("collapsed lines", report["stream"]), ("LZ 2022, Poisson", report["stream"].get("poisson"))):
        if run is None:
            continue
        results, raw = run["bytes_per_second"], run["raw_bytes_per_second"]
        rates = " | ".join(number(rate) for rate in (results, run["whole_program_bytes_per_second"], raw))
        lines.append(f"| {name} | {number(run['bytes'])} | {rates} | {100 * results / raw:.0f} % |")
        if "raw_core_seconds" in run:
            evaluation, writing = run["evaluation_core_seconds"], run["raw_core_seconds"]
            least = max(writing, run["raw_sync_seconds"], (evaluation + writing) / cores)
            counted += ["", f"{name}: evaluating takes {number(evaluation)} s of a core, writing raw {number(writing)} s,",
                        f"and the disk {number(run['raw_sync_seconds'])} s: on {cores} cores no less than "
                        f"{number(least)} s, {100 * run['bytes'] / least / raw:.0f} % of the raw rate."]  # fmt: skip
    return lines + counted


TEXTS = {"machine": machine_text, "answers": answers_table, "asked": asked_table, "tiers": tiers_table, "gpu": gpu_table, "peers": peers_table,
         "six-axes": six_axes_text, "together": together_text, "stream": stream_text}  # fmt: skip
PLOTS = {"performance-batches": batches, "performance-scaling": scaling}


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the plots and write the tables of docs/performance.md.")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "benchmarks/results/performance.json")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "docs", help="folder of performance.md")
    options = parser.parse_args()
    report = json.loads(options.results.read_text())
    page = options.output / "performance.md"
    text = page.read_text()
    for name, lines in TEXTS.items():
        block = f"<!-- {name} -->\n" + "\n".join(line.rstrip() for line in lines(report)) + f"\n<!-- /{name} -->"
        text, found = re.subn(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _: block, text, flags=re.DOTALL)
        if found != 1:
            raise SystemExit(f"{page}: {found} places for the table {name} (there must be one)")
    page.write_text(text)
    with matplotlib.rc_context(STYLE):
        for name, draw in PLOTS.items():
            path = options.output / f"{name}.png"
            draw(report).savefig(path, dpi=130)
            print(path)


if __name__ == "__main__":
    main()
