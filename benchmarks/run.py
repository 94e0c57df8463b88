#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures nuscan on this machine, in one run: against its limits, against what users write themselves, against size.

    benchmarks/run.py build/cpu/nuscan

Writes performance.json, and performance.md with its tables, to benchmarks/results; docs/plots/performance.py makes
the plots and tables of docs/performance.md from them. χ² is compared before anything is timed. Peers in numba and JAX
run in the virtual environment build/peers (benchmarks/peers/requirements.txt says how to make it), or are left out.
"""
import argparse
import datetime
import itertools
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks/peers"
EXPERIMENT = ROOT / "experiments/lz-2022/experiment.toml"
SIX_AXES = ROOT / "examples/six-axes.toml"
PEER_PYTHON = ROOT / "build/peers/bin/python"
PEER_FLAGS = ["-O3", "-march=native", "-ffast-math"]
THREADS = os.cpu_count()


def axis(parameter, low, high, points, profile=False):
    """An axis of a scan file; ends with their units, as TOML."""
    return (f'[[axis]]\nparameter = "{parameter}"\nmin = {low}\nmax = {high}\npoints = {points}\n'
            + "profile = true\n" * profile)


LZ = f'[[experiment]]\nfile = "{EXPERIMENT}"\nsystematics.background = 0.13\n'


def lz_map(mu, q):
    return LZ + axis("magnetic_moment.universal", 0, '"3e-11 mu_B"', mu) + axis(
        "charge.universal", '"-6e-13 e"', '"6e-13 e"', q)


def lz_six_elements():
    """Six elements, three of them complex with both modulus and phase on axes; the two longest axes innermost."""
    transitions = [axis(f"{element}.abs", 0, f'"{size}"', 3) + axis(f"{element}.arg", '"-180 deg"', '"120 deg"', 4)
                   for element, size in [("magnetic_moment.emu", "2e-11 mu_B"), ("magnetic_moment.etau", "2e-11 mu_B"),
                                         ("charge.emu", "4e-13 e")]]
    return LZ + "".join(transitions) + axis("magnetic_moment.mumu", 0, '"2e-11 mu_B"', 3) + axis(
        "charge.mumu", '"-6e-13 e"', '"6e-13 e"', 101) + axis("charge.ee", '"-6e-13 e"', '"6e-13 e"', 401)


FLAVOURS = tuple((flavour, "short") for flavour in ("e", "mu", "tau"))


def synthetic(folder, statistic="gaussian", bins=40, sources=FLAVOURS, pulls=1, axes=2, profile=True,
              signal="fixed"):
    """Writes an experiment of so many bins, sources and pulls with a scan over so many axes; returns the scan file.

    One neutrino line of each source on the free electrons of germanium between 1 and 41 keV; counts wiggle about what
    is expected. ``short`` and ``decohered`` sources have 7 features each, ``solar`` ones 21, ``exact`` ones 49.
    """
    rng = np.random.default_rng(1)
    counts = rng.integers(400, 600, bins).tolist()
    text = f"""name = "synthetic"
title = "synthetic"
citation = "none"
statistic = "{statistic}"
[exposure]
mass = "1 t"
live_time = "100 d"
[target]
element = "Ge"
atomic = "free"
[bins]
min = "1 keV"
max = "41 keV"
number = {bins}
counts = {counts}
"""
    for number, (flavour, propagation) in enumerate(sources):
        text += f"""[[source]]
name = "source{number}"
flavour = "{flavour}"
neutrino = "neutrino"
propagation = "{propagation}"
flux = "1e12 cm^-2 s^-1"
lines = [{{ energy = "900 keV", fraction = 1 }}]
""" + {"exact": 'baseline = "40 km"\n', "solar": 'electron_density = "80 mol/cm^3"\n'}.get(propagation, "")
    for number in range(pulls):
        shape = (400 / pulls * (1 + 0.5 * np.sin((number + 1) * np.arange(bins) / bins * 3))).tolist()
        text += f'[[background]]\nname = "b{number}"\ncounts = {shape}\nuncertainty = 0.1\n'
    (folder / "experiment.toml").write_text(text)
    outer = [axis("charge.emu.abs", 0, '"2e-13 e"', 8), axis("charge.emu.arg", '"-180 deg"', '"120 deg"', 8),
             axis("magnetic_moment.ee", 0, '"2e-11 mu_B"', 8), axis("charge.etau.arg", '"-180 deg"', '"120 deg"', 8)]
    inner = [axis("charge_radius.ee", '"-1e-31 cm^2"', '"1e-31 cm^2"', 501),
             axis("charge.ee", '"-3e-13 e"', '"3e-13 e"', 2001 if axes > 1 else 100001, profile)]
    chosen = outer[: max(0, axes - 2)] + inner[-axes:]
    fixed = '[parameters]\n"charge.etau.abs" = "1e-13 e"\n' if axes == 6 else ""
    file = folder / "synthetic.toml"
    file.write_text(f'title = "synthetic"\n{fixed}[[experiment]]\nfile = "experiment.toml"\n'
                    f"systematics.signal = {json.dumps(signal)}\n" + "".join(chosen))
    return file


class Nuscan:
    def __init__(self, program, folder, seconds):
        self.program, self.folder, self.seconds = program, folder, seconds

    def run(self, *arguments, threads=THREADS):
        command = [str(word) for word in (self.program, *arguments)]
        start = time.perf_counter()
        run = subprocess.run(command, capture_output=True, text=True, env=environment(threads))
        if run.returncode:
            raise SystemExit(f"{' '.join(command)}\n{run.stderr}")
        return time.perf_counter() - start

    def file(self, text):
        path = self.folder / "scan.toml"
        path.write_text(text)
        return path

    def scan(self, file, *arguments, threads=THREADS):
        """Scans a file. Returns the attributes of the result with the wall time, and its variables."""
        output = self.folder / "result.h5"
        wall = self.run("scan", file, "-o", output, "--overwrite", *arguments, threads=threads)
        with h5py.File(output) as result:
            attributes = {name: value.item() if isinstance(value, np.generic) else value
                          for name, value in result.attrs.items()}
            return attributes | {"wall_seconds": wall}, {name: values[...] for name, values in result.items()}

    def bench(self, file, method, backend="cpu", threads=THREADS, seconds=None):
        output = self.folder / "bench.json"
        self.run("bench", file, "--method", method, "--backend", backend, "--seconds", seconds or self.seconds,
                 "--json", output, threads=threads)
        report = json.loads(output.read_text())
        report["title"] = ""  # of a temporary file
        return report


def best(report, threads=1):
    """Points a second on so many threads, with the batch that suits best."""
    return max(row["points_per_second"] for row in report["throughput"] if row["threads"] == threads)


def machine(report, threads=1):
    return next(row for row in report["machine"] if row["threads"] == threads)


def environment(threads):
    names = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"
    return os.environ | {name: str(threads) for name in names}


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def hardware():
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return {
        "cpu": model[1] if model else platform.processor(),
        "cores": THREADS,
        "gpu": output_of("nvidia-smi", "--query-gpu=name,clocks.max.sm,driver_version", "--format=csv,noheader"),
        "system": platform.platform(),
        "load_before": os.getloadavg()[0],
        "compiler": output_of("c++", "--version").splitlines()[0],
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def check(problem, code, chi2, tolerance=1e-5):
    """Largest difference of χ² on the check grid, or a part of it, from numpy integrating per point."""
    expected = np.asarray(problem["check_chi2"])
    chi2 = np.asarray(chi2)
    expected = expected[:: (len(expected) - 1) // (len(chi2) - 1), :: (expected.shape[1] - 1) // (chi2.shape[1] - 1)]
    difference = float(np.abs(chi2 - expected).max())
    if not difference < tolerance:
        raise SystemExit(f"{code}: chi2 differs by {difference:.2e} from numpy's (at most {tolerance})")
    return difference


def peers(nuscan):
    """Rates of the peers on LZ 2022, each compared with numpy integrating per point; notes on those left out."""
    loop, file = nuscan.folder / "lz_templates", nuscan.folder / "problem.json"
    subprocess.run(["c++", "-std=c++20", *PEER_FLAGS, PEERS / "lz_templates.cpp", "-o", loop], check=True)

    def report_of(*command, threads=1):
        run = subprocess.run([*map(str, command), "--seconds", str(nuscan.seconds)], capture_output=True, text=True,
                             env=environment(threads))
        if run.returncode:
            raise SystemExit(f"{command}\n{run.stderr}")
        return json.loads(run.stdout)

    report = report_of(sys.executable, PEERS / "lz_numpy.py", EXPERIMENT, "--loop", loop, "--problem", file)
    problem = json.loads(file.read_text())
    rates = [{"code": code, "threads": 1, "points_per_second": rate}
             for code, rate in report["points_per_second"].items()]
    differences, notes = {}, []
    for name in ("numba", "jax"):
        probe = [PEER_PYTHON, "-c", f"import {name}"]
        if not PEER_PYTHON.exists() or subprocess.run(probe, capture_output=True).returncode:
            notes.append(f"{name} is left out: it is not in {PEER_PYTHON.parent.parent.relative_to(ROOT)}")
            print(notes[-1], file=sys.stderr)
            continue
        found = report_of(PEER_PYTHON, PEERS / f"lz_{name}.py", file, threads=THREADS)
        differences[name] = check(problem, name, found["chi2"])
        rates += [{"code": f"{found['version']}, templates", "threads": int(threads) if threads.isdigit() else threads,
                   "points_per_second": rate}
                  for threads, rate in found["points_per_second"].items()]
    return problem, rates, differences, notes


def lz(nuscan):
    problem, rates, differences, notes = peers(nuscan)
    for method, n_mu, n_q in (("moments", 31, 13), ("direct", 3, 3)):
        attributes, result = nuscan.scan(nuscan.file(lz_map(n_mu, n_q)), "--backend", "cpu", "--method", method)
        differences[f"nuscan, {method}"] = check(problem, method, result["chi2"])
    report = {method: nuscan.bench(nuscan.file(lz_map(2049, 2049)), method) for method in ("moments", "direct")}
    for method, bench in report.items():
        rates += [{"code": f"nuscan, {method}", "threads": threads, "points_per_second": best(bench, threads)}
                  for threads in sorted({1, THREADS})]
    return report | {"rates": rates, "largest_chi2_difference": differences, "notes": notes,
                     "six_elements": nuscan.bench(nuscan.file(lz_six_elements()), "moments"),
                     "parity_largest_deviation": attributes["parity_largest_deviation"]}


def write_raw(path, variables):
    """Writes chunks as they are, then one fsync. Returns seconds of the wall, those of the fsync, and of a core.

    \param variables shape, type, shape of a chunk, and the chunks by place, of each
    """
    start, core = time.perf_counter(), time.process_time()
    with h5py.File(path, "w", libver=("earliest", "v108")) as file:
        for name, (shape, dtype, chunk, chunks) in variables.items():
            dataset = file.create_dataset(name, shape, dtype, chunks=chunk)
            for place, content in chunks:
                dataset.id.write_direct_chunk(place, content)
        file.flush()
        written = time.perf_counter()
        os.fsync(file.id.get_vfd_handle())
        end = time.perf_counter()
        return end - start, end - written, time.process_time() - core


def chunks_of(values, shape):
    """The bytes of each chunk by its place; what lies beyond the array is zero."""
    for place in itertools.product(*(range(0, n, step) for n, step in zip(values.shape, shape))):
        chunk = values[tuple(slice(i, i + n) for i, n in zip(place, shape))]
        padded = np.zeros(shape, values.dtype)
        padded[tuple(slice(0, n) for n in chunk.shape)] = chunk
        yield place, padded.tobytes()


def stream_map(nuscan, file, method, repetitions):
    """A dense map to its file and, by turns, the same chunks written raw from memory: the best of each."""
    scans, raws, raw = [], [], {}
    for _ in range(repetitions):
        attributes, result = nuscan.scan(file, "--backend", "cpu", "--method", method)
        scans.append(attributes)
        if not raw:
            with h5py.File(nuscan.folder / "result.h5") as found:
                raw = {name: (found[name].shape, found[name].dtype, found[name].chunks,
                              list(chunks_of(result[name], found[name].chunks))) for name in ("chi2", "status")}
            n_bytes = sum(result[name].nbytes for name in raw)
        (nuscan.folder / "result.h5").unlink()  # so that either finds as much memory free for its file
        raws.append(write_raw(nuscan.folder / "raw.h5", raw))
        (nuscan.folder / "raw.h5").unlink()
    wall, sync, core = (min(seconds) for seconds in zip(*raws))
    points = scans[0]["points"]
    return {"bytes": n_bytes, "points": points, "raw_bytes_per_second": n_bytes / wall,
            "bytes_per_second": n_bytes / min(float(scan["elapsed_seconds"]) for scan in scans),
            "whole_program_bytes_per_second": n_bytes / min(scan["wall_seconds"] for scan in scans),
            "raw_core_seconds": core, "raw_sync_seconds": sync,
            "evaluation_core_seconds": points / best(nuscan.bench(file, method))}


def stream(nuscan):
    """Dense maps: of collapsed lines, where the stream is all there is, and Poisson's, where a point takes longer."""
    size = 4096
    dense = synthetic(nuscan.folder, profile=False)
    text = dense.read_text()
    dense.write_text(text.replace("points = 501", f"points = {size}").replace("points = 2001", f"points = {size}"))
    return stream_map(nuscan, dense, "collapsed", 8) | {
        "poisson": stream_map(nuscan, nuscan.file(lz_map(size, size)), "moments", 3)}


def six_axes(nuscan):
    """1e10 points with four axes minimised away, their smallest χ² compared with the reference there."""
    sizes = ("--set", "axis.0.points=10", "--set", "axis.1.points=10")
    attributes, result = nuscan.scan(SIX_AXES, *sizes, "--method", "collapsed")
    place = np.unravel_index(result["chi2"].argmin(), result["chi2"].shape)
    units = {"charge": " e", "charge_radius": " cm^2", "magnetic_moment": " mu_B"}
    best_fit = {"charge_radius.ee": result["charge_radius.ee"][place[0]], "charge.ee": result["charge.ee"][place[1]]}
    best_fit |= {name: result[name][place] for name in ("charge.emu.abs", "charge.emu.arg", "magnetic_moment.ee")}
    radius = result["charge_radius.emu.re"][place]
    text = "[parameters]\n"
    for name, value in best_fit.items():
        unit = " rad" if name.endswith("arg") else units[name.split(".")[0]]
        text += f'"{name}" = "{float(value)!r}{unit}"\n'
    text += f"""[[experiment]]
use = "gemma-ii"
[[axis]]
parameter = "charge_radius.emu.re"
values = ["{float(radius)!r} cm^2", "{float(radius) + 1e-31!r} cm^2"]
"""
    _, reference = nuscan.scan(nuscan.file(text), "--backend", "reference")
    difference = abs(float(reference["chi2"][0]) - float(result["chi2"].min()))
    if not difference < 1e-8:
        raise SystemExit(f"six axes: the smallest chi2 differs by {difference:.2e} from the reference's")
    return {name: attributes[name] for name in
            ("points", "elapsed_seconds", "wall_seconds", "parity_points", "parity_largest_deviation")} | {
        "minimum_difference": difference, "bench": nuscan.bench(SIX_AXES, "collapsed")}


def together(nuscan):
    """Three solar experiments that share the uncertainty of the flux, eight pulls at once, three elements minimised away:
    from the grid alone, and refined between its points."""
    names = ("lz-2022", "xenonnt-sr0", "borexino-phase1")
    text = "".join(f'[[experiment]]\nuse = "{name}"\nsystematics.signal = 0.1\n' for name in names)
    text += 'systematics.energy-scale = "fixed"\nsystematics.resolution = "fixed"\n'  # of the last
    text += f'[[shared]]\nname = "flux"\nsystematics = {[f"{name}.signal" for name in names]}\n'
    text += axis("magnetic_moment.universal", 0, '"3e-11 mu_B"', 41)
    text += axis("charge.universal", '"-6e-13 e"', '"6e-13 e"', 41)
    for element in ("ee", "mumu", "tautau"):
        text += axis(f"charge_radius.{element}", '"-1e-31 cm^2"', '"1e-31 cm^2"', 3, profile=True)
    file = nuscan.file(text)
    refined, minima = nuscan.scan(file)
    grid, lowest = nuscan.scan(file, "--set", "output.polish=false")
    return {"bench": nuscan.bench(file, "moments"), "points": refined["points"], "kept_points": minima["chi2"].size,
            "elapsed_seconds": refined["elapsed_seconds"], "grid_elapsed_seconds": grid["elapsed_seconds"],
            "flagged_points": int((minima["status"] != 0).sum() + (lowest["status"] != 0).sum()),
            "largest_gain": float((lowest["chi2"] - minima["chi2"]).max()),
            "parity_largest_deviation": refined["parity_largest_deviation"]}


def scaling(nuscan):
    """Nanoseconds a point on one thread against a scan's size, beside what the counted operations take at least."""
    distant = [(flavour, "exact") for flavour, _ in FLAVOURS]
    studies = {
        "bins": [({"bins": n}, n) for n in (10, 20, 40, 80, 160, 320)],
        "features": [({"sources": s}, n) for s, n in ((FLAVOURS[:1], 7), (FLAVOURS[:2], 14), (FLAVOURS, 21),
                                                      (distant[:1], 49), (distant, 147))],
        "axes": [({"axes": n}, n) for n in (1, 2, 3, 4, 5, 6)],
        "pulls": [({"pulls": n}, n) for n in (0, 1, 2, 4, 8)],
    }
    rows = []
    for study, cases in studies.items():
        for statistic, method in (("poisson", "moments"), ("gaussian", "moments"), ("gaussian", "collapsed")):
            for options, size in cases:
                report = nuscan.bench(synthetic(nuscan.folder, statistic, **options), method, threads=1, seconds=0.02)
                rows.append({"study": study, "size": size, "statistic": statistic, "method": method,
                             "features": report["features"], "nanoseconds": 1e9 / best(report),
                             "limit_nanoseconds": 1e9 / machine(report)["limit_points_per_second"]})
    return rows


def time_to_first_point(nuscan):
    """Seconds from the command line to the χ² and the spectrum of a point of LZ 2022: the best of five."""
    file = nuscan.file(LZ)
    return min(nuscan.run("point", file, "--json", threads=1) for _ in range(5))


def readme_scan():
    """The scan file that README.md shows."""
    lines = (ROOT / "README.md").read_text().split("    # lz.toml\n")[1].split("\nThen\n")[0].splitlines()
    return "\n".join(line[4:] for line in lines) + "\n"


CSI = '[[experiment]]\nuse = "coherent-csi-2021"\n' + axis(
    "charge_radius.ee", '"-8e-31 cm^2"', '"4e-31 cm^2"', 401) + axis(
    "charge_radius.mumu", '"-8e-31 cm^2"', '"4e-31 cm^2"', 401)


def time_to_answer(nuscan):
    """Seconds that a user waits for everyday commands, from the command line to its end, and those of all cores: of the
    run that took least of three. CsI is imported from the data release below NUSCAN_TEST_DATA, or left out."""
    folder = nuscan.folder / "answers"
    folder.mkdir()
    scan, result, six, csi = (folder / name for name in ("lz.toml", "lz.h5", "six.h5", "csi.toml"))
    scan.write_text(readme_scan())
    few = ["--set", "axis.0.points=10", "--set", "axis.1.points=10"]
    program, plot = [nuscan.program], [sys.executable, "-m", "nuscan.plot"]
    commands = [
        ("nuscan scan lz.toml", "README's, 801 × 801 points", [*program, "scan", scan, "-o", result, "--overwrite"]),
        ("nuscan scan csi.toml", "COHERENT CsI, 401 × 401 points, four pulls",
         [*program, "scan", csi, "-o", folder / "csi.h5", "--overwrite"]),
        ("nuscan scan six-axes.toml", "1e10 points, four axes profiled",
         [*program, "scan", SIX_AXES, "-o", six, "--overwrite", *few]),
        ("nuscan limits lz.h5", "", [*program, "limits", result]),
        ("nuscan point lz.toml", "", [*program, "point", scan]),
        ("nuscan explain lz.toml", "", [*program, "explain", scan]),
        ("nuscan verify lz.h5", "16 points by the reference", [*program, "verify", result]),
        ("nuscan cross-section", "xenon's electrons, one energy",
         [*program, "cross-section", "--target", "electron", "--atom", "Xe", "--flavour", "e", "--energy", "0.4", "--recoil", "0.01"]),
        ("nuscan experiments lz-2022", "", [*program, "experiments", "lz-2022"]),
        ("python3 -m nuscan.plot lz.h5", "PNG", [*plot, result, "-o", folder / "lz.png"]),
    ]
    release = Path(os.environ.get("NUSCAN_TEST_DATA", "/nowhere")) / "coherent_csi_2021"
    shelves = [str(ROOT / "experiments"), str(folder)]
    variables = environment(THREADS) | {"NUSCAN_EXPERIMENTS": ":".join(shelves), "PYTHONPATH": str(ROOT / "python")}
    if release.is_dir():
        csi.write_text(CSI)
        subprocess.run([*program, "import", "coherent-csi", release, "-o", folder], check=True, capture_output=True)
    rows = []
    for name, what, command in commands:
        if csi in command and not csi.exists():
            continue
        runs = []
        for _ in range(3):
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run([str(word) for word in command], check=True, capture_output=True, env=variables)
            wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            runs.append((wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
        wall, cores = min(runs)
        rows.append({"command": name, "what": what, "wall_seconds": wall, "core_seconds": cores})
    return {"date": datetime.date.today().isoformat(), "hardware": hardware(), "rows": rows}


def gaussian(nuscan):
    """40 bins and 22 features, the line axis profiled: bins summed for every point, and collapsed, without and with a pull on the
    signal."""
    file = synthetic(nuscan.folder)
    report = {method: nuscan.bench(file, method) for method in ("moments", "collapsed")}
    return report | {"signal_pull": nuscan.bench(synthetic(nuscan.folder, signal=0.1), "collapsed")}


def cuda(nuscan):
    file = synthetic(nuscan.folder)
    return {method: nuscan.bench(file, method, "cuda") for method in ("moments", "collapsed")} | {
        "lz": nuscan.bench(nuscan.file(lz_map(8193, 8193)), "moments", "cuda")}


PARTS = {"time_to_first_point": time_to_first_point, "time_to_answer": time_to_answer, "lz": lz, "gaussian": gaussian, "stream": stream,
         "six_axes": six_axes, "together": together, "scaling": scaling}


def asked(report):
    """What was asked for of two cores, what was measured, and whether it holds.

    Scripts run on one thread; nuscan is compared on one, and on all that there are, as a user has it.
    """
    rates = {row["code"]: row["points_per_second"] for row in report["lz"]["rates"] if row["threads"] == 1}
    ours = rates["nuscan, moments"]
    threads, of_all = max((row["threads"], row["points_per_second"]) for row in report["lz"]["rates"]
                          if row["code"] == "nuscan, moments")
    gaussian, collapsed = report["gaussian"]["moments"], report["gaussian"]["collapsed"]

    def part_of_limit(bench):
        return best(bench) / machine(bench)["limit_points_per_second"]

    ratio = ours / best(report["lz"]["six_elements"])
    streamed = report["stream"]["bytes_per_second"] / report["stream"]["raw_bytes_per_second"]
    first = report["time_to_first_point"]
    deviation = report["lz"]["parity_largest_deviation"]
    rows = [
        (f"{name}, part of the measured multiply-adds", f">= {100 * least:.0f} %", f"{100 * part_of_limit(bench):.0f} %",
         part_of_limit(bench) >= least)
        for name, bench, least in (("Gaussian bin lines", gaussian, 0.6), ("Gaussian collapsed lines", collapsed, 0.4))
    ]
    for name, factor in (("C++, templates", 4), ("numpy, templates", 30), ("numpy, integrating per point", 1e5)):
        alone, together = ours / rates[name], of_all / rates[name]
        rows.append((f"LZ 2022, Poisson, one pull, against {name}", f">= {factor:g} ×",
                     f"{together:.3g} × on {threads} threads, {alone:.3g} × on one", together >= factor))
    rows += [
        ("the same with six elements and phases on axes, a point", "<= 2 ×", f"{ratio:.2f} ×", ratio <= 2),
        ("dense stream to HDF5, against raw chunks", ">= 80 %", f"{100 * streamed:.0f} %", streamed >= 0.8),
        ("start-up: from the command line to χ² of a point of LZ 2022", "<= 0.3 s", f"{first:.2f} s", first <= 0.3),
        ("χ² against the reference's adaptive quadrature, relative to 1 + χ²", "<= 1e-8", f"{deviation:.1e}",
         deviation <= 1e-8),
    ]
    return [{"what": what, "asked": wanted, "measured": found, "holds": bool(holds)}
            for what, wanted, found, holds in rows]


def table(report):
    """performance.md: the short version."""
    hard, bench, six = report["hardware"], report["lz"]["moments"], report["six_axes"]
    lines = [
        "# Performance", "",
        f"{report['date']}, nuscan {bench['nuscan_version']} ({bench['nuscan_commit']}, {bench['compiler']}, "
        f"{bench['instruction_set']}), {hard['cpu']}, {hard['cores']} cores, {bench['clock_MHz']:.0f} MHz, "
        f"GPU: {hard['gpu'] or 'none'}, numpy {hard['numpy']}; load before the run {hard['load_before']:.2f}; it took "
        f"{report['run_seconds']:.0f} s. C++ peer: {' '.join(PEER_FLAGS)}.", "",
        "| | asked | measured | holds |", "|---|---|---|---|",
        *(f"| {row['what']} | {row['asked']} | {row['measured']} | {'yes' if row['holds'] else 'no'} |"
          for row in report["asked"]), "",
        f"## LZ 2022: magnetic moment × charge, {bench['bins']} bins, Poisson χ², one pull", "",
        "| code | threads | points/s |", "|---|---|---|",
        *(f"| {row['code']} | {row['threads']} | {row['points_per_second']:.2g} |"
          for row in report["lz"]["rates"]), "",
        f"Largest difference in χ² from numpy integrating per point, over 403 points (9 of the direct method): "
        f"{max(report['lz']['largest_chi2_difference'].values()):.1e}. {' '.join(report['lz']['notes'])}", "",
        "## Six axes", "",
        f"{six['points']:.0e} points, four axes minimised away, in {six['elapsed_seconds']:.1f} s on {hard['cores']} "
        f"cores; smallest χ² {six['minimum_difference']:.1e} from the reference's, {six['parity_points']} random points "
        f"{six['parity_largest_deviation']:.1e}.",
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nuscan", type=Path, help="program to measure")
    parser.add_argument("--backends", default="cpu", help="comma-separated: cpu, cuda")
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each measurement")
    parser.add_argument("--parts", help=f"comma-separated, of {', '.join(PARTS)}: what to measure anew in a run that is there")
    parser.add_argument("--name", default="performance", help="of the results")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks/results", help="folder for the results")
    arguments = parser.parse_args()

    arguments.output.mkdir(parents=True, exist_ok=True)
    raw = arguments.output / f"{arguments.name}.json"
    start = time.perf_counter()
    chosen = arguments.parts.split(",") if arguments.parts else list(PARTS)
    report = json.loads(raw.read_text()) if arguments.parts else {
        "date": datetime.date.today().isoformat(), "hardware": hardware()}
    with tempfile.TemporaryDirectory() as folder:
        nuscan = Nuscan(arguments.nuscan.resolve(), Path(folder), arguments.seconds)
        for name in chosen:
            print(f"{time.perf_counter() - start:4.0f} s: {name}", file=sys.stderr)
            report[name] = PARTS[name](nuscan)
            raw.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")  # what there is, should a part fail
        if "cuda" in arguments.backends.split(","):
            report["cuda"] = cuda(nuscan)
    report["asked"] = asked(report)
    if not arguments.parts:
        report["run_seconds"] = time.perf_counter() - start

    raw.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    text = table(report)
    (arguments.output / f"{arguments.name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
