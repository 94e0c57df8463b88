// SPDX-License-Identifier: Apache-2.0
// Kernels on the emulated device under AddressSanitizer, which knows where their arrays end: in device memory, in
// shared memory, and, unlike the emulated device by itself, on the stacks of threads.
#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>

#include "device_memory.hpp"
#include "emulated_scans.hpp"

namespace nuscan {
namespace {

class Overruns : public ::testing::Test {
protected:
    static void SetUpTestSuite() { omp_set_num_threads(1); } // programs that die are copies of this one

    //! What a launch of one thread does that goes from 0 to \p n in its arrays
    template <class Kernel>
    void launch(Kernel* kernel, int n) {
        const DeviceArray<double> x(3);
        kernel<<<1, 1, 3 * sizeof(double), stream_>>>(x.data(), n);
        stream_.synchronize();
    }

    Stream stream_;
};

__global__ void fill_device_memory(double* x, int n) {
    for (int i = 0; i < n; ++i) {
        x[i] = i;
    }
}
__global__ void fill_shared_memory(double* x, int n) {
    extern __shared__ double shared[];
    for (int i = 0; i < n; ++i) {
        shared[i] = i;
    }
    x[0] = shared[0];
}
__global__ void fill_stack(double* x, int n) {
    double own[3];
    for (int i = 0; i < n; ++i) {
        const_cast<volatile double*>(own)[i] = i;
    }
    x[0] = own[n / 2];
}

TEST_F(Overruns, are_seen) {
    launch(fill_device_memory, 3);
    launch(fill_shared_memory, 3);
    launch(fill_stack, 3);
    EXPECT_DEATH(launch(fill_device_memory, 4), "AddressSanitizer: use-after-poison");
    EXPECT_DEATH(launch(fill_shared_memory, 4), "AddressSanitizer: use-after-poison");
    EXPECT_DEATH(launch(fill_stack, 4), "AddressSanitizer: stack-buffer-overflow");
}

TEST_F(Overruns, are_none_in_scans) {
    for (const testing::EmulatedScan& scan : testing::emulated_scans()) {
        SCOPED_TRACE(scan.name);
        const Plan plan(scan.config, scan.method);
        const UnitResult usual = testing::evaluate_all(plan, {}), bounded = testing::evaluate_all(plan, scan.limits);
        ASSERT_FALSE(usual.chi2.empty());
        EXPECT_EQ(usual.chi2, bounded.chi2);
        for (const double chi2 : usual.chi2) {
            EXPECT_TRUE(std::isfinite(chi2));
        }
    }
}

} // namespace
} // namespace nuscan
