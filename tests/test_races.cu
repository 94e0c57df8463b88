// SPDX-License-Identifier: Apache-2.0
// Kernels on the emulated device under ThreadSanitizer: every thread of a block is a thread of its own to it, and
// barriers, shuffles, and the begin and end of a grid are all that orders them; blocks are not ordered at all.
#include <gtest/gtest.h>
#include <omp.h>

#include <set>
#include <stdexcept>
#include <string>

#include "device_memory.hpp"
#include "emulated_scans.hpp"
#include "emulator.hpp"

// Races are meant in part: each is reported, and the program goes on.
extern "C" const char* __tsan_default_options() { return "exitcode=0:suppress_equal_stacks=0"; }

namespace nuscan {
namespace {

class Races : public ::testing::Test {
protected:
    static void SetUpTestSuite() { omp_set_num_threads(1); } // OpenMP's threads are none of its business
    void TearDown() override { emulator::settings() = {}; }

    //! Whether threads had a race; forgets it
    bool is_race() {
        static_cast<void>(cudaStreamSynchronize(stream_));
        const std::string fault = emulator::fault();
        emulator::forget_fault();
        cudaGetLastError();
        EXPECT_TRUE(fault.empty() || fault.find("a race, of which ThreadSanitizer tells") != std::string::npos)
            << fault;
        return !fault.empty();
    }

    Stream stream_;
};

__global__ void write_in_turn(int* out, int distance, bool waits) {
    out[threadIdx.x] = 1;
    if (waits) {
        __syncthreads();
    }
    out[(threadIdx.x + static_cast<unsigned int>(distance)) % blockDim.x] = 2;
}
__global__ void write_in_warps(int* out, bool waits) {
    const unsigned int lane = threadIdx.x % 32;
    out[threadIdx.x] = 1;
    if (waits) {
        __syncwarp();
    }
    out[threadIdx.x - lane + (lane + 1) % 32] = 2;
}
__global__ void write_in_blocks(int* out, unsigned int distance) { out[blockIdx.x * distance] = 1; }

TEST_F(Races, are_seen_between_threads) {
    const DeviceArray<int> out(64);
    write_in_turn<<<1, 64, 0, stream_>>>(out.data(), 1, true);
    write_in_turn<<<1, 64, 0, stream_>>>(out.data(), 0, false);
    write_in_warps<<<1, 64, 0, stream_>>>(out.data(), true);
    EXPECT_FALSE(is_race());
    write_in_turn<<<1, 64, 0, stream_>>>(out.data(), 1, false);
    EXPECT_TRUE(is_race());
    write_in_warps<<<1, 64, 0, stream_>>>(out.data(), false);
    EXPECT_TRUE(is_race());
}

TEST_F(Races, are_seen_between_blocks) {
    const DeviceArray<int> out(8);
    write_in_blocks<<<8, 1, 0, stream_>>>(out.data(), 1);
    EXPECT_FALSE(is_race());
    write_in_blocks<<<8, 1, 0, stream_>>>(out.data(), 0);
    EXPECT_TRUE(is_race());
}

TEST_F(Races, are_none_in_scans_and_one_without_any_barrier) {
    std::set<std::string> all, needed;
    for (const testing::EmulatedScan& scan : testing::emulated_scans()) {
        SCOPED_TRACE(scan.name);
        const Plan plan(scan.config, scan.method);
        const auto before = emulator::barriers();
        testing::evaluate_all(plan, {});
        testing::evaluate_all(plan, scan.limits);
        const auto after = emulator::barriers();
        for (const auto& [name, count] : after) {
            if (before.count(name) > 0 && before.at(name) == count) {
                continue;
            }
            all.insert(name);
            if (needed.count(name) > 0) {
                continue;
            }
            emulator::settings().missing = name;
            EXPECT_TRUE(emulator::fault().empty());
            try {
                testing::evaluate_all(plan, scan.limits);
            } catch (const std::runtime_error&) {
                if (is_race()) {
                    needed.insert(name);
                }
            }
            emulator::settings().missing.clear();
        }
    }
    EXPECT_GT(all.size(), 12u);
    EXPECT_EQ(needed, all);
}

} // namespace
} // namespace nuscan
