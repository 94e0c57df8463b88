#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""LZ 2022 from templates in numba: a CUDA kernel of a thread a point, in float64.

Reads what ``lz_numpy.py --problem`` writes; prints χ² of its check points and points per second as JSON. With
NUMBA_ENABLE_CUDASIM=1 in the environment it runs on numba's simulator, without a GPU.
"""

import argparse
import json

import numba
import numpy as np
from lz_numba import chi2_of_point
from lz_numpy import rate
from numba import cuda

MOST_BINS = 64
compiled_chi2 = cuda.jit(device=True)(chi2_of_point)


@cuda.jit
def scan(mus, qs, n, B, T, weight, chi2):
    point = cuda.grid(1)
    if point >= len(mus) * len(qs):
        return
    mu, q = mus[point // len(qs)], qs[point % len(qs)]
    S = cuda.local.array(MOST_BINS, numba.float64)
    for b in range(len(n)):
        S[b] = T[0, b] + mu * mu * T[1, b] + q * (T[2, b] + q * T[3, b])
    chi2[point] = compiled_chi2(S, n, B, weight)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problem", type=argparse.FileType())
    parser.add_argument("--seconds", type=float, default=2, help="time for each measurement")
    parser.add_argument("--points", type=int, default=401, help="an axis")
    arguments = parser.parse_args()
    problem = {name: np.asarray(value, dtype=float) for name, value in json.load(arguments.problem).items()}
    names = "counts", "background", "templates"
    fixed = (*(cuda.to_device(problem[name]) for name in names), float(1 / problem["sigma"] ** 2))

    def evaluate(mu, q):
        """A function that works out χ² of a grid, and where it leaves it."""
        mus, qs, chi2 = cuda.to_device(mu), cuda.to_device(q), cuda.device_array(len(mu) * len(q))
        block = 128

        def once():
            scan[-(-chi2.size // block), block](mus, qs, *fixed, chi2)
            cuda.synchronize()

        return once, chi2

    once, chi2 = evaluate(problem["check_mu"], problem["check_charge"])
    once()
    check = chi2.copy_to_host().reshape(len(problem["check_mu"]), -1).tolist()
    once, chi2 = evaluate(
        *(np.linspace(problem[name][0], problem[name][-1], arguments.points) for name in ("mu", "charge"))
    )
    device = "simulator" if numba.config.ENABLE_CUDASIM else cuda.get_current_device().name
    name = device.decode() if isinstance(device, bytes) else device
    print(
        json.dumps(
            {
                "chi2": check,
                "points_per_second": {name: rate(once, chi2.size, arguments.seconds)},
                "version": f"numba {numba.__version__}, CUDA kernel",
            }
        )
    )


if __name__ == "__main__":
    main()
