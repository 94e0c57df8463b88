# SPDX-License-Identifier: Apache-2.0
"""Read and plot the results of nuscan.

Results are HDF5 files that ``xarray.open_dataset(path, engine="h5netcdf")`` opens too; :func:`read_result` needs h5py
only, and checks that the scan was finished.
"""

from nuscan.experiment import explain
from nuscan.result import Axis, InputError, Result, delta_chi2_threshold, read_result

__all__ = ["Axis", "InputError", "Result", "delta_chi2_threshold", "explain", "read_result"]
