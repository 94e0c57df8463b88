// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda_runtime.h"

namespace cub {

/// The library's reduction of a whole warp, by shuffles: five steps, in each of which a lane takes what the lane 1, 2,
/// 4, … further has. The result is that of the first lane.
template <class T>
class WarpReduce {
public:
    struct TempStorage {};
    explicit WarpReduce(TempStorage& storage) { static_cast<void>(storage); }

    template <class Operation>
    T Reduce(T x, Operation operation) {
        constexpr int warp_size = 32;
        const int lane = emulator::here().lane;
        for (int offset = 1; offset < warp_size; offset *= 2) {
            const T other = __shfl_down_sync(~0u, x, static_cast<unsigned int>(offset));
            if (lane + offset < warp_size) {
                x = operation(x, other);
            }
        }
        return x;
    }
};

} // namespace cub
