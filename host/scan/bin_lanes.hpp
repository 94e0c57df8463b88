// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <numeric>

#include "backends/batch.hpp"
#include "nuscan/prediction.hpp"

namespace nuscan {

/// Several bins of one point in SIMD lanes, where OneBin has points: for what evaluates one point after the other.
/// Members as there.
struct BinLanes {
    using Point = double;
    using Bin = Batch;
    static constexpr int width = static_cast<int>(Batch::size);

    static Bin load(const double* x, int left) {
        if (left >= width) {
            return Batch::load(x);
        }
        double bins[width] = {};
        std::copy_n(x, left, bins);
        return Batch::load(bins);
    }
    static Bin column(const TabulatedPoint& at, int column, int left) { return load(at.values + column, left); }
    static Bin first(double x) {
        const double bins[width] = {x};
        return Batch::load(bins);
    }
    static double total(const Bin& sum) {
        double bins[width];
        sum.store(bins);
        return std::accumulate(bins, bins + width, 0.);
    }
    static void store(const Bin& x, double* to, int left) {
        if (left >= width) {
            x.store(to);
            return;
        }
        double bins[width];
        x.store(bins);
        std::copy_n(bins, left, to);
    }
    static double largest(const Bin& x) {
        double bins[width];
        x.store(bins);
        return *std::max_element(bins, bins + width);
    }
};

} // namespace nuscan
