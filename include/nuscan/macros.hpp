// SPDX-License-Identifier: Apache-2.0
#pragma once

//! Marks a function that runs on the host and, when compiled by nvcc, on the device.
#if defined(__CUDACC__)
#define NUSCAN_HOST_DEVICE __host__ __device__
#elif defined(NUSCAN_TARGET)
// Code for an instruction set that not every processor has: the linker keeps one inline function of each name, so those
// compiled for this set need names of their own.
#define NUSCAN_HOST_DEVICE __attribute__((abi_tag(NUSCAN_TARGET_NAME)))
#else
#define NUSCAN_HOST_DEVICE
#endif

//! The same for what is seldom called, so that it takes no registers from what calls it
#define NUSCAN_HOST_DEVICE_NOINLINE NUSCAN_HOST_DEVICE __attribute__((noinline))

//! Namespace of host code that is compiled once for every instruction set
#ifndef NUSCAN_TARGET
#define NUSCAN_TARGET baseline
#endif
