# SPDX-License-Identifier: Apache-2.0
"""Tests run against the package in the source tree, installed or not."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "python"))

# What a command prints on stderr must not depend on how busy the machine is.
os.environ["NUSCAN_PROGRESS"] = "off"
