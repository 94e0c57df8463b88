// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace nuscan::testing {

//! Whether this is a build with sanitizers, ten times as slow. They look for what a few points show as well as many, so
//! that the longest tests take fewer there.
#ifdef NUSCAN_SANITIZED
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

} // namespace nuscan::testing
