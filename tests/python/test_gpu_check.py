# SPDX-License-Identifier: Apache-2.0
"""scripts/gpu-check without a GPU: what it makes of steps that fail, take too long or are refused, and a rehearsal."""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import stat
import subprocess
import sys
import tarfile
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = pathlib.Path(os.environ.get("NUSCAN_PROGRAM", ROOT / "build" / "nuscan"))
BENCHMARKS = PROGRAM.parent / "benchmarks" / "nuscan_benchmarks"  # on the emulated device, where there is no nvcc


@pytest.fixture(scope="module")
def check():
    loader = importlib.machinery.SourceFileLoader("gpu_check", str(ROOT / "scripts" / "gpu-check"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def step(function):
    function.__doc__ = "What it is about."
    return function


def archived(folder):
    with tarfile.open(folder / "gpu-check.tar.gz") as archive:
        return {member.name: archive.extractfile(member).read().decode() for member in archive if member.isfile()}


def test_goes_on_whatever_steps_do(check, tmp_path):
    run = check.Run(tmp_path / "bin", tmp_path / "out", budget=60)
    pid = tmp_path / "pid"
    before = {}

    def slow(run):
        before.update(archived(run.folder))  # what an end at any time would leave
        run.command("slow.log", "sh", "-c", f"echo so far; sleep 300 & echo $! > {pid}; wait")

    def uses_up_the_time(run):
        run.end = time.monotonic()
        return "done", {}

    def wrong(run):
        raise check.Failed("χ² | differ", {"largest": 1})

    def fault(run):
        return {}["missing"]

    steps = {
        "fine": (step(lambda run: ("all is well", {"n": 3})), 10),
        "wrong": (step(wrong), 10),
        "fault": (step(fault), 10),
        "ends badly": (step(lambda run: run.command("bad.log", "sh", "-c", "echo why; exit 3")), 10),
        "slow": (step(slow), 1),
        "refused": (step(lambda run: run.tool("no-such-tool")), 10),
        "last": (step(uses_up_the_time), 10),
        "too late": (step(lambda run: ("never", {})), 10),
    }
    report = check.run_steps(run, list(steps), steps)
    saw = {name: (x["verdict"], x["saw"]) for name, x in report["steps"].items()}
    assert saw == {
        "fine": ("passed", "all is well"),
        "wrong": ("FAILED", "χ² | differ"),
        "fault": ("FAILED", "KeyError: 'missing'"),
        "ends badly": ("FAILED", "sh ended with 3: why"),
        "slow": ("FAILED", "sh was ended after 1 s, its time"),
        "refused": ("left out", "no-such-tool is not here"),
        "last": ("passed", "done"),
        "too late": ("left out", "the time for all steps is over"),
    }
    assert report["steps"]["wrong"]["numbers"] == {"largest": 1}
    status = pathlib.Path(f"/proc/{pid.read_text().strip()}/stat")
    assert not status.exists() or status.read_text().split()[2] == "Z"  # what the step started has ended with it
    assert json.loads((tmp_path / "out" / "gpu-check.json").read_text()) == report
    table = (tmp_path / "out" / "gpu-check.md").read_text()
    assert "| wrong: What it is about | FAILED | 0 | χ² \\| differ |" in table
    assert set(json.loads(before["gpu-check/gpu-check.json"])["steps"]) == {"fine", "wrong", "fault", "ends badly"}
    files = archived(tmp_path / "out")
    assert files["gpu-check/slow.log"] == "so far\n"
    assert files["gpu-check/gpu-check.md"] == table
    assert not list((tmp_path / "out").glob("*.partial"))


LOG = """[ RUN      ] All/Backends.A/cuda_moments
[       OK ] All/Backends.A/cuda_moments (12 ms)
[ RUN      ] All/Backends.B/cuda_direct
tests/test_backends.cpp:386: Skipped
{}
[  SKIPPED ] All/Backends.B/cuda_direct (0 ms)
"""


@pytest.mark.parametrize(
    ("log", "status", "verdict", "saw"),
    [
        (LOG.format("is of Poisson"), 0, "passed", "1 passed, 0 failed, 1 skipped"),
        (LOG.format("needs a GPU"), 0, "FAILED", "a test that was skipped needs a GPU; 1 passed, 0 failed, 1 skipped"),
        (
            "[==========] Running 0 tests\n",
            0,
            "FAILED",
            "no test of the CUDA back end has run; 0 passed, 0 failed, 0 skipped",
        ),
        (LOG.format("is of Poisson").replace("      OK", " FAILED "), 1, "FAILED", "nuscan_tests ended with 1: "),
        (LOG.format("is of Poisson"), 139, "FAILED", "nuscan_tests ended with 139: "),
    ],
    ids=["passed", "needs a GPU", "no tests", "failed", "crashed"],
)
def test_a_test_that_did_not_run_is_a_failure(check, tmp_path, log, status, verdict, saw):
    (tmp_path / "log").write_text(log)
    write_program(tmp_path / "bin" / "nuscan_tests", f"cat {tmp_path / 'log'}; exit {status}\n")
    run = check.Run(tmp_path / "bin", tmp_path / "out")
    report = check.run_steps(run, ["tests"])["steps"]["tests"]
    assert report["verdict"] == verdict
    assert report["saw"].startswith(saw)


def test_what_a_host_refuses_is_left_out(check, tmp_path, monkeypatch):
    write_program(tmp_path / "bin" / "nuscan_benchmarks", "exit 0\n")
    write_program(tmp_path / "bin" / "nuscan_tests", f"cat {tmp_path / 'log'}\n")
    (tmp_path / "log").write_text(LOG.format("is of Poisson"))
    tool = write_program(tmp_path / "tools" / "compute-sanitizer", "echo '========= Error: 999'; exit 1\n")
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    run = check.Run(tmp_path / "bin", tmp_path / "out")
    report = check.run_steps(run, ["memcheck"])["steps"]["memcheck"]
    assert report["verdict"] == "left out"
    assert report["saw"] == "an empty kernel is too much for it here: ========= Error: 999"
    write_program(tool.with_name("ncu"), "echo '==ERROR== ERR_NVGPUCTRPERM - no permission'\n")
    report = check.run_steps(run, ["counters"])["steps"]["counters"]
    assert report["verdict"] == "left out"
    assert report["saw"].endswith("==ERROR== ERR_NVGPUCTRPERM - no permission")
    write_program(tool, "echo killed; exit 9\n")
    report = check.run_steps(run, ["initcheck"])["steps"]["initcheck"]
    assert report["saw"].endswith("compute-sanitizer ended with 9: killed")
    # Where an empty kernel runs under the tool, what it finds in ours is a failure.
    write_program(tool, 'shift 4; case $1 in *tests) "$@"; echo "== Race"; exit 1;; *) exec "$@";; esac\n')
    report = check.run_steps(run, ["racecheck"])["steps"]["racecheck"]
    assert report["verdict"] == "FAILED"
    assert report["saw"] == "compute-sanitizer ended with 1: == Race; 1 passed, 0 failed, 1 skipped"
    write_program(tool, 'shift 4; exec "$@"\n')
    assert check.run_steps(run, ["racecheck"])["steps"]["racecheck"]["verdict"] == "passed"


def test_counters_are_those_of_the_first_launch(check):
    text = """==PROF== Connected to process 7
"ID","Kernel Name","Section Name","Metric Name","Metric Unit","Metric Value"
"0","rows_kernel(PlanView, UnitView)","GPU Speed Of Light Throughput","Duration","us","1,234.5"
"0","rows_kernel(PlanView, UnitView)","Occupancy","Achieved Occupancy","%","18.7"
"1","rows_kernel(PlanView, UnitView)","Occupancy","Achieved Occupancy","%","9"
"""
    assert check.metrics(text) == {"rows_kernel": {"ID": "0", "Duration": "1,234.5 us", "Achieved Occupancy": "18.7 %"}}


def test_rates_are_held_against_goals(check):
    row = {
        "row": "poisson",
        "what": "Poisson",
        "goal_points_per_second": 2e10,
        "goal_of_fp64": 0,
        "kernel_points_per_second": 1e10,
        "wall_points_per_second": 5e9,
        "multiply_adds_per_point": 100,
        "kernels": {"rows_kernel": {"launches": 1, "seconds": 3.0}, "merge_kernel": {"launches": 1, "seconds": 1.0}},
    }
    direct = row | {"what": "direct", "goal_points_per_second": 0, "goal_of_fp64": 0.5}
    numbers = {"rows": [row, direct], "device": {"fp64_multiply_adds_per_second": 4e12}}
    seen = {"what": "w", "verdict": "passed", "seconds": 1, "saw": "s", "numbers": numbers}
    table = check.markdown({"about": "", "steps": {"benchmarks": seen}})
    assert "| Poisson | 2.00e+10 | 1.00e+10 | 50% | 25% | 5.00e+09 | 25% | rows_kernel, 75% |" in table
    assert "| direct | 2.00e+10 | 1.00e+10 | 50% | 25% |" in table


def test_benchmarks_that_are_cut_off_or_wrong(check, tmp_path):
    row = {
        "row": "lz",
        "what": "LZ",
        "goal_points_per_second": 0,
        "goal_of_fp64": 0,
        "multiply_adds_per_point": 1,
        "kernel_points_per_second": 2,
        "wall_points_per_second": 1,
        "kernels": {"k": {"launches": 1, "seconds": 1}},
    }
    lines = [json.dumps(row | {"chi2_difference": difference}) for difference in (1e-12, None)]
    program = write_program(
        tmp_path / "bin" / "nuscan_benchmarks", f"echo '{lines[0]}'; echo '{lines[0][:-9]}'; kill -9 $$\n"
    )
    run = check.Run(tmp_path / "bin", tmp_path / "out")
    report = check.run_steps(run, ["benchmarks"])["steps"]["benchmarks"]
    assert len(report["numbers"]["rows"]) == 1
    assert report["saw"].startswith("nuscan_benchmarks ended with -9: ")
    write_program(program, f"echo '{lines[1]}'\n")
    report = check.run_steps(run, ["benchmarks"])["steps"]["benchmarks"]
    assert report["verdict"] == "FAILED"
    assert report["saw"].startswith("χ² differ from the CPU's by inf (1 + χ²)")


@pytest.mark.skipif(not BENCHMARKS.exists(), reason="benchmarks were not built")
def test_rehearsal_measures_every_scan(tmp_path):
    command = [
        sys.executable,
        "-I",
        ROOT / "scripts" / "gpu-check",
        "run",
        tmp_path / "out",
        "card",
        "benchmarks",
        "counters",
    ]
    run = subprocess.run(
        [*map(str, command), "--rehearse", "--programs", str(BENCHMARKS.parent)],
        capture_output=True,
        text=True,
        timeout=600,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    steps = json.loads((tmp_path / "out" / "gpu-check.json").read_text())["steps"]
    assert steps["card"]["saw"].startswith("emulated on the host")
    rows = {row["row"]: row for row in steps["benchmarks"]["numbers"]["rows"]}
    assert {
        "collapsed-32001",
        "collapsed-pull-4001",
        "gaussian-8001",
        "poisson-8001",
        "lz-801",
        "medium-axes",
        "systematics-401",
        "planes",
        "slow-axis",
        "direct-101",
    } <= set(rows)
    for name, row in rows.items():
        assert row["chi2_difference"] < 1e-12, name
        assert row["kernel_points_per_second"] > 0 and row["wall_points_per_second"] > 0, name
    assert "direct_kernel" in rows["direct-101"]["kernels"]
    assert "flux_integrals_kernel" in rows["slow-axis"]["kernels"]
    assert {"winners_kernel", "plane_features_kernel"} <= set(rows["planes"]["kernels"])
    assert steps["counters"]["verdict"] == "left out"


def test_peers_on_the_gpu_work_out_the_same_chi2(tmp_path):
    """Of CuPy, which needs a GPU, with numpy in its place: the same lines."""
    peers = ROOT / "benchmarks" / "peers"
    problem = tmp_path / "problem.json"
    numpy = [sys.executable, peers / "lz_numpy.py", ROOT / "experiments/lz-2022/experiment.toml", "--seconds", 0]
    subprocess.run([*map(str, numpy), "--problem", str(problem)], check=True, capture_output=True)
    cupy = [sys.executable, peers / "lz_cupy.py", problem, "--numpy", "--seconds", 0]
    run = subprocess.run([str(word) for word in cupy], check=True, capture_output=True, text=True)
    expected, found = json.loads(problem.read_text())["check_chi2"], json.loads(run.stdout)["chi2"]
    for ours, theirs in zip(expected, found, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-9)


def test_whole_commands_are_timed_though_one_fails(check, tmp_path):
    text = 'case "$*" in *--method*) echo "no device memory"; exit 1;; esac; echo "9 points in 0.5 s: 18 points/s"\n'
    write_program(tmp_path / "bin" / "nuscan", text)
    report = check.run_steps(check.Run(tmp_path / "bin", tmp_path / "out"), ["answers"])["steps"]["answers"]
    assert report["verdict"] == "FAILED"
    assert report["saw"].startswith("the same, method moments: nuscan ended with 1: no device memory; README's map")
    rows = report["numbers"]["answers"]
    assert [row["what"] for row in rows if "wall_seconds" not in row] == [
        "COHERENT CsI, 401 × 401, four pulls",  # its data were not at hand
        "the same, method moments",
    ]
    assert rows[0]["evaluation"] == "points in 0.5 s: 18 points/s"
    table = (tmp_path / "out" / "gpu-check.md").read_text()
    assert (
        "| COHERENT CsI, 401 × 401, four pulls | 3 | its data release was not there when programs were built |" in table
    )
    assert "| the same, method moments |  | nuscan ended with 1: no device memory |" in table
