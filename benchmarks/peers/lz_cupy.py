#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""LZ 2022 from templates in CuPy: arrays of points × bins on the GPU, in float64.

Reads what ``lz_numpy.py --problem`` writes; prints χ² of its check points and points per second as JSON. ``--numpy``
runs the same lines on the CPU.
"""

import argparse
import json

import numpy
from lz_numpy import rate


def chi2_of(xp, problem, mu, q):
    """χ² of points, an array of them; `xp` is cupy, or numpy."""
    n, B, T = (xp.asarray(problem[name], dtype=float) for name in ("counts", "background", "templates"))
    weight = 1 / problem["sigma"] ** 2
    S = xp.stack([xp.ones_like(mu), mu**2, q, q**2], axis=-1) @ T
    xi = xp.zeros((len(mu), 1))
    for _ in range(6):  # Newton's method for the pull
        r = B / (S + (1 + xi) * B)
        slope = xi * weight + (B - n * r).sum(axis=1, keepdims=True)
        xi = xp.maximum(xi - slope / (weight + (n * r * r).sum(axis=1, keepdims=True)), (xi - 1) / 2)
    N = S + (1 + xi) * B
    filled = xp.maximum(n, 1)  # where n = 0 its logarithm is multiplied by zero
    return 2 * (N - n + n * xp.log(filled / N)).sum(axis=1) + xi[:, 0] ** 2 * weight


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problem", type=argparse.FileType())
    parser.add_argument("--seconds", type=float, default=2, help="time for each measurement")
    parser.add_argument("--points", type=int, default=401, help="an axis")
    parser.add_argument("--numpy", action="store_true", help="on the CPU, as a check of these lines")
    arguments = parser.parse_args()
    problem = json.load(arguments.problem)
    if arguments.numpy:
        xp, device, synchronize = numpy, "numpy", lambda: None
    else:
        import cupy as xp

        device = xp.cuda.runtime.getDeviceProperties(0)["name"].decode()
        synchronize = xp.cuda.Device().synchronize

    def grid(mu, q):
        return (xp.asarray(x.ravel()) for x in numpy.meshgrid(mu, q, indexing="ij"))

    check = chi2_of(xp, problem, *grid(problem["check_mu"], problem["check_charge"])).tolist()
    columns = len(problem["check_charge"])
    mu, q = grid(*(numpy.linspace(problem[name][0], problem[name][-1], arguments.points) for name in ("mu", "charge")))

    def evaluate():
        chi2_of(xp, problem, mu, q)
        synchronize()

    print(
        json.dumps(
            {
                "chi2": [check[i : i + columns] for i in range(0, len(check), columns)],
                "points_per_second": {device: rate(evaluate, len(mu), arguments.seconds)},
                "version": f"{xp.__name__} {xp.__version__}, arrays",
            }
        )
    )


if __name__ == "__main__":
    main()
