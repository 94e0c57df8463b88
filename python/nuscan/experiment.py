# SPDX-License-Identifier: Apache-2.0
"""What an experiment file means, as ``nuscan experiments`` tells it."""

from __future__ import annotations

import json
import os
import subprocess

from nuscan.result import InputError


def explain(experiment: str, program: str = "") -> dict:
    """What ``nuscan experiments --json`` says of an experiment file, or of a shipped experiment by its name.

    ``program`` is that of nuscan, by default ``$NUSCAN_PROGRAM`` or the one on the path. Raises :class:`InputError`
    with the program's own words where the file is not in order.
    """
    program = program or os.environ.get("NUSCAN_PROGRAM", "nuscan")
    is_file = os.path.exists(experiment) or experiment.endswith(".toml")
    command = [program, "experiments", *(["--check"] if is_file else []), experiment, "--json"]
    try:
        run = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        question = "install it, or set NUSCAN_PROGRAM to where it is?"
        raise InputError(program, "cannot run it", error.strerror or str(error), question) from None
    if run.returncode != 0:
        raise InputError(experiment, "nuscan cannot explain it", run.stderr.strip())
    return json.loads(run.stdout)
