// SPDX-License-Identifier: Apache-2.0
#pragma once

//! Marks a function that runs on the host and, when compiled by nvcc, on the device.
#if defined(__CUDACC__)
#define NUSCAN_HOST_DEVICE __host__ __device__
#else
#define NUSCAN_HOST_DEVICE
#endif

//! The same for what is seldom called, so that it takes no registers from what calls it
#define NUSCAN_HOST_DEVICE_NOINLINE NUSCAN_HOST_DEVICE __attribute__((noinline))
