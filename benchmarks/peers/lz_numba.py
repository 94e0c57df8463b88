#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""LZ 2022 from templates in numba: the loop over points compiled, on one thread or on all.

Reads what ``lz_numpy.py --problem`` writes; prints χ² of its check points and points per second as JSON.
"""
import argparse
import json
import math

import numba
import numpy as np
from lz_numpy import rate


def chi2_of_point(S, n, B, weight):
    """χ² of one point with the signal S, minimised over the pull; also compiled for GPUs (lz_numba_cuda.py)."""
    xi = 0.0
    for _ in range(20):  # Newton's method for the pull
        slope, curvature = xi * weight, weight
        for b in range(len(n)):
            r = B[b] / (S[b] + (1 + xi) * B[b])
            slope += B[b] - n[b] * r
            curvature += n[b] * r * r
        xi = max(xi - slope / curvature, (xi - 1) / 2)
        if slope * slope < 1e-12 * curvature:
            break
    chi2 = xi * xi * weight
    for b in range(len(n)):
        N = S[b] + (1 + xi) * B[b]
        chi2 += 2 * (N - n[b])
        if n[b] > 0:
            chi2 += 2 * n[b] * math.log(n[b] / N)
    return chi2


compiled_chi2 = numba.njit(fastmath=True, inline="always")(chi2_of_point)


@numba.njit(fastmath=True, parallel=True)
def scan(mus, qs, n, B, N0, Nmu, Nq, Nqq, weight):
    chi2 = np.empty((len(mus), len(qs)))
    for i in numba.prange(len(mus)):
        S = np.empty(len(n))
        for j in range(len(qs)):
            mu, q = mus[i], qs[j]
            for b in range(len(n)):
                S[b] = N0[b] + mu * mu * Nmu[b] + q * (Nq[b] + q * Nqq[b])
            chi2[i, j] = compiled_chi2(S, n, B, weight)
    return chi2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problem", type=argparse.FileType())
    parser.add_argument("--seconds", type=float, default=2, help="time for each measurement")
    arguments = parser.parse_args()
    problem = {name: np.asarray(value) for name, value in json.load(arguments.problem).items()}
    fixed = (problem["counts"], problem["background"], *problem["templates"], 1 / problem["sigma"] ** 2)
    mu, q = problem["mu"], problem["charge"]
    report = {"chi2": scan(problem["check_mu"], problem["check_charge"], *fixed).tolist(), "points_per_second": {}}
    for threads in sorted({1, numba.config.NUMBA_NUM_THREADS}):
        numba.set_num_threads(threads)
        report["points_per_second"][threads] = rate(lambda: scan(mu, q, *fixed), len(mu) * len(q), arguments.seconds)
    report["version"] = f"numba {numba.__version__}"
    print(json.dumps(report))


if __name__ == "__main__":
    main()
