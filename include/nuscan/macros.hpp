// SPDX-License-Identifier: Apache-2.0
#pragma once

//! Marks a function that runs on the host and, when compiled by nvcc, on the device.
#if defined(__CUDACC__)
#define NUSCAN_HOST_DEVICE __host__ __device__
#else
#define NUSCAN_HOST_DEVICE
#endif
