#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures nuscan against what users would write themselves, in one run on one machine.

LZ 2022, universal magnetic moment × universal charge, Poisson χ² with one pull: nuscan's methods on one core and on
all, with the peers of benchmarks/peers. Writes <name>.json and <name>.md to benchmarks/results. Compares every χ² of a
small grid before it measures anything.

    benchmarks/run.py build/cpu/nuscan
"""
import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
EXPERIMENT = ROOT / "experiments/lz-2022/experiment.toml"
PEER_FLAGS = ["-O3", "-march=native", "-ffast-math"]
SCAN = """
title = "Benchmark: LZ 2022, magnetic moment against millicharge"
[[experiment]]
use = "lz-2022"
systematics.background = 0.13
[[axis]]
parameter = "magnetic_moment.universal"
min = 0
max = "3e-11 mu_B"
points = {mu}
[[axis]]
parameter = "charge.universal"
min = "-6e-13 e"
max = "6e-13 e"
points = {q}
"""


class Nuscan:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def scan(self, mu, q, threads, backend, method):
        """Scans a grid of ``mu`` × ``q`` points. Returns the result's attributes with wall_seconds, and χ²."""
        config, output = self.folder / "scan.toml", self.folder / "result.h5"
        config.write_text(SCAN.format(mu=mu, q=q))
        command = [self.program, "scan", config, "-o", output, "--overwrite", "--backend", backend, "--method", method]
        start = time.perf_counter()
        run = subprocess.run(command, capture_output=True, text=True, env=environment(threads))
        wall = time.perf_counter() - start
        if run.returncode:
            raise SystemExit(f"{' '.join(map(str, command))}\n{run.stderr}")
        with h5py.File(output) as file:
            return dict(file.attrs) | {"wall_seconds": wall}, file["chi2"][...]

    def measure(self, threads, backend, method, seconds):
        """Throughput of a square grid that keeps nuscan busy for about ``seconds``."""
        n = 33
        while True:
            attributes, _ = self.scan(n, n, threads, backend, method)
            elapsed = float(attributes["elapsed_seconds"])
            if elapsed > seconds or n >= 4097:
                break
            n = min(4097, int(n * min(16, 1.3 * np.sqrt(seconds / max(elapsed, 1e-9)))) | 1)
        attributes = max((self.scan(n, n, threads, backend, method)[0] for _ in range(3)),
                         key=lambda a: a["points_per_second"])
        return {
            "code": f"nuscan {backend}, {method}",
            "threads": threads,
            "points": n * n,
            "points_per_second": float(attributes["points_per_second"]),
            "points_per_second_end_to_end": n * n / attributes["wall_seconds"],
            "device": attributes.get("device", ""),
        }

    def time_to_first_point(self, backend, method):
        """Seconds from the command line to a finished result of four points: the best of five."""
        return min(self.scan(2, 2, 1, backend, method)[0]["wall_seconds"] for _ in range(5))


def environment(threads):
    return os.environ | {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def hardware():
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    load = os.getloadavg()[0]
    return {
        "cpu": model[1] if model else platform.processor(),
        "cores": os.cpu_count(),
        "gpu": output_of("nvidia-smi", "--query-gpu=name,clocks.max.sm,driver_version", "--format=csv,noheader"),
        "system": platform.platform(),
        "load_before": load,
        "compiler": output_of("c++", "--version").splitlines()[0],
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def check(nuscan, backend, method, tolerance):
    """Largest difference in χ² between nuscan and numpy integrating per point, over 31 × 13 points, or 3 × 3 directly."""
    sys.path.insert(0, str(ROOT / "benchmarks/peers"))
    import lz_numpy

    experiment = lz_numpy.read_experiment(EXPERIMENT)
    prediction = lz_numpy.Prediction(experiment)
    background = experiment.background - prediction.solar_counts(0, 0)
    n_mu, n_q = (3, 3) if method == "direct" else (31, 13)  # eight spectra of the Sun: seconds a point
    expected = [[lz_numpy.chi2(prediction.solar_counts(mu, q), background, experiment.counts, 0.13)[0]
                 for q in np.linspace(-6e-13, 6e-13, n_q)] for mu in np.linspace(0, 3e-11, n_mu)]
    _, chi2 = nuscan.scan(n_mu, n_q, 1, backend, method)
    difference = float(np.abs(chi2 - expected).max())
    if not difference < tolerance:
        raise SystemExit(f"{backend}, {method}: chi2 differs by {difference:.2e} from numpy's (at most {tolerance})")
    return difference


def peers(folder, seconds):
    loop = folder / "lz_templates"
    source = ROOT / "benchmarks/peers/lz_templates.cpp"
    subprocess.run(["c++", "-std=c++20", *PEER_FLAGS, source, "-o", loop], check=True)
    run = subprocess.run([sys.executable, ROOT / "benchmarks/peers/lz_numpy.py", EXPERIMENT, "--loop", loop, "--seconds",
                          str(seconds)], capture_output=True, text=True, check=True, env=environment(1))
    return json.loads(run.stdout)


def table(report):
    rows = ["| code | threads | points/s | end to end | against the C++ template loop |", "|---|---|---|---|---|"]
    reference = next(r["points_per_second"] for r in report["rates"] if r["code"].startswith("C++"))
    for r in report["rates"]:
        end_to_end = r.get("points_per_second_end_to_end")
        rows.append(f"| {r['code']} | {r['threads']} | {r['points_per_second']:.2g} | "
                    f"{f'{end_to_end:.2g}' if end_to_end else ''} | {r['points_per_second'] / reference:.2g} |")
    machine = report["hardware"]
    first = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in report["time_to_first_point"].items())
    return "\n".join([
        f"# LZ 2022: magnetic moment × charge, {report['bins']} bins, Poisson χ², one pull", "",
        f"{report['date']}, nuscan {report['nuscan_version']} ({report['nuscan_commit']}, {report['instruction_set']}), {machine['cpu']}, "
        f"{machine['cores']} cores, GPU: {machine['gpu']}, {machine['compiler']}, numpy {machine['numpy']}; load before the "
        f"run {machine['load_before']:.2f}.", "", *rows, "",
        f"From the command line to the first result: {first}. Largest difference in χ² from numpy integrating per point, "
        f"over 403 points (9 of the direct method): {max(report['largest_chi2_difference'].values()):.1e}. The C++ loop was compiled with "
        f"{' '.join(PEER_FLAGS)}. \"End to end\" counts the program's whole run, with the result file.", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nuscan", type=Path, help="program to measure")
    parser.add_argument("--backends", default="cpu", help="comma-separated: cpu, cuda")
    parser.add_argument("--methods", default="direct,moments", help="comma-separated, as of nuscan scan --method")
    parser.add_argument("--seconds", type=float, default=2, help="time for each measurement")
    parser.add_argument("--name", default="lz-2022", help="of the results")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks/results", help="folder for the results")
    arguments = parser.parse_args()

    report = {"date": datetime.date.today().isoformat(), "hardware": hardware(), "largest_chi2_difference": {},
              "time_to_first_point": {}, "rates": []}
    with tempfile.TemporaryDirectory() as folder:
        nuscan = Nuscan(arguments.nuscan.resolve(), Path(folder))
        backends, methods = arguments.backends.split(","), arguments.methods.split(",")
        for backend in backends:
            for method in methods:
                report["largest_chi2_difference"][f"{backend}, {method}"] = check(nuscan, backend, method, 1e-5)
        attributes, _ = nuscan.scan(2, 2, 1, backends[0], methods[0])
        report |= {key: str(attributes[key]) for key in ("nuscan_version", "nuscan_commit", "instruction_set", "bins")}
        report["peers"] = peers(Path(folder), arguments.seconds)
        report["rates"] = [{"code": code, "threads": 1, "points_per_second": rate}
                           for code, rate in report["peers"]["points_per_second"].items()]
        for backend in backends:
            report["time_to_first_point"][backend] = nuscan.time_to_first_point(backend, methods[-1])
            for method in methods:
                for threads in sorted({1, os.cpu_count()} if backend == "cpu" else {1}):
                    report["rates"].append(nuscan.measure(threads, backend, method, arguments.seconds))

    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / f"{arguments.name}.json").write_text(json.dumps(report, indent=4) + "\n")
    text = table(report)
    (arguments.output / f"{arguments.name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
