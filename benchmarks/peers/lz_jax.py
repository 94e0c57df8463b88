#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""LZ 2022 from templates in JAX: χ² of one point, vmapped and jitted, in float64.

Runs on the GPU where JAX finds one, else on all cores. Reads what ``lz_numpy.py --problem`` writes; prints χ² of its
check points and points per second as JSON.
"""
import argparse
import json
import os

import jax
import jax.numpy as jnp
import numpy as np
from lz_numpy import rate

jax.config.update("jax_enable_x64", True)


def chi2_of(problem):
    n, B, T = (jnp.asarray(problem[name]) for name in ("counts", "background", "templates"))
    weight = 1 / problem["sigma"] ** 2
    saturated = jnp.sum(jnp.where(n > 0, n * jnp.log(jnp.maximum(n, 1)), 0) - n)

    def chi2(mu, q):
        S = jnp.stack([jnp.ones_like(mu), mu**2, q, q**2]) @ T

        xi = jnp.zeros_like(mu)
        for _ in range(6):  # Newton's method for the pull, unrolled: XLA then fuses all of a point
            r = B / (S + (1 + xi) * B)
            slope = xi * weight + jnp.sum(B - n * r)
            xi = jnp.maximum(xi - slope / (weight + jnp.sum(n * r * r)), (xi - 1) / 2)
        N = S + (1 + xi) * B
        return 2 * (jnp.sum(N - jnp.where(n > 0, n * jnp.log(N), 0)) + saturated) + xi**2 * weight

    return jax.jit(jax.vmap(chi2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problem", type=argparse.FileType())
    parser.add_argument("--seconds", type=float, default=2, help="time for each measurement")
    parser.add_argument("--points", type=int, default=401, help="an axis")
    arguments = parser.parse_args()
    problem = {name: np.asarray(value) for name, value in json.load(arguments.problem).items()}
    chi2 = chi2_of(problem)

    def grid(mu, q):
        return (jnp.asarray(x.ravel()) for x in np.meshgrid(mu, q, indexing="ij"))

    check = chi2(*grid(problem["check_mu"], problem["check_charge"]))
    mu, q = grid(*(np.linspace(problem[name][0], problem[name][-1], arguments.points) for name in ("mu", "charge")))
    device = jax.devices()[0]
    print(json.dumps({
        "chi2": check.reshape(len(problem["check_mu"]), -1).tolist(),
        "points_per_second": {
            os.cpu_count() if device.platform == "cpu" else device.device_kind:
                rate(lambda: chi2(mu, q).block_until_ready(), len(mu), arguments.seconds)},
        "version": f"jax {jax.__version__}",
    }))  # fmt: skip


if __name__ == "__main__":
    main()
