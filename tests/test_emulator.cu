// SPDX-License-Identifier: Apache-2.0
// The emulated device by itself: kernels that are right give what a device gives, and those that are wrong are caught.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "cuda_backend.hpp"
#include "device_memory.hpp"
#include "emulator.hpp"
#include "fibre.hpp"
#include "packed_plan.hpp"
#include "scan/plan.hpp"
#include "toy_experiment.hpp"

namespace nuscan {
namespace {

using emulator::Order;

#ifdef EMULATOR_ADDRESS_SANITIZER
constexpr bool has_address_sanitizer = true;
#else
constexpr bool has_address_sanitizer = false;
#endif

template <class T>
std::vector<T> download(const DeviceArray<T>& device, const Stream& stream) {
    std::vector<T> host(device.size());
    NUSCAN_CUDA_CHECK(
        cudaMemcpyAsync(host.data(), device.data(), host.size() * sizeof(T), cudaMemcpyDeviceToHost, stream));
    return host;
}

template <class T>
DeviceArray<T> upload(const std::vector<T>& host, const Stream& stream) {
    DeviceArray<T> device(host.size());
    NUSCAN_CUDA_CHECK(
        cudaMemcpyAsync(device.data(), host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice, stream));
    return device;
}

std::vector<int> numbers_up_to(int n) {
    std::vector<int> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    return all;
}

class Emulator : public ::testing::Test {
protected:
    void TearDown() override {
        emulator::settings() = {};
        emulator::forget_fault();
        cudaSetDevice(0);
        cudaGetLastError();
    }

    //! Waits for a launch that does something wrong: the error says what
    void expect_fault(const std::string& what) {
        EXPECT_EQ(cudaStreamSynchronize(stream_), cudaErrorLaunchFailure);
        EXPECT_NE(std::string(cudaGetErrorString(cudaErrorLaunchFailure)).find(what), std::string::npos)
            << cudaGetErrorString(cudaErrorLaunchFailure);
    }
    //! The same of an address that may not be used
    void expect_bad_address(const std::string& what) {
        if (has_address_sanitizer) {
            EXPECT_DEATH(cudaStreamSynchronize(stream_), "AddressSanitizer");
            emulator::forget_fault();
        } else {
            expect_fault(what);
        }
    }
    //! What threads leave in an array of \p size numbers, in each order
    template <class Launch>
    std::set<std::vector<int>> outcomes(std::size_t size, const Launch& launch) {
        std::set<std::vector<int>> all;
        for (const Order order : {Order::forwards, Order::backwards, Order::shuffled}) {
            emulator::settings().order = order;
            const DeviceArray<int> out(size);
            launch(out.data());
            NUSCAN_CUDA_CHECK(cudaGetLastError());
            all.insert(download(out, stream_));
        }
        return all;
    }

    Stream stream_;
};

// ---- kernels that are right

__global__ void number_threads(int* out) {
    const unsigned int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const unsigned int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    const unsigned int number = block * (blockDim.x * blockDim.y * blockDim.z) + thread;
    out[number] = static_cast<int>(number);
}

TEST_F(Emulator, gives_every_thread_its_place) {
    const auto all = outcomes(3 * 2 * 5 * 4 * 3 * 2,
                              [&](int* out) { number_threads<<<dim3(3, 2, 5), dim3(4, 3, 2), 0, stream_>>>(out); });
    EXPECT_EQ(all, std::set{numbers_up_to(720)});
    EXPECT_EQ(emulator::kernels().at("number_threads").most_blocks, 30u);
}

//! Turns the numbers of a block round, by shared memory of both kinds
template <int block_size, bool is_dynamic>
__global__ void __launch_bounds__(block_size) turn_round(const int* in, int* out) {
    extern __shared__ int dynamic[];
    __shared__ int fixed[block_size];
    int* const shared = is_dynamic ? dynamic : fixed;
    const unsigned int first = blockIdx.x * block_size;
    shared[threadIdx.x] = in[first + threadIdx.x];
    __syncthreads();
    out[first + threadIdx.x] = shared[block_size - 1 - threadIdx.x];
}

TEST_F(Emulator, shares_memory_in_a_block) {
    const DeviceArray<int> in = upload(numbers_up_to(192), stream_);
    std::vector<int> turned = numbers_up_to(192);
    std::reverse(turned.begin(), turned.begin() + 96);
    std::reverse(turned.begin() + 96, turned.end());
    const auto fixed = outcomes(192, [&](int* out) { turn_round<96, false><<<2, 96, 0, stream_>>>(in.data(), out); });
    const auto kernel = turn_round<96, true>;
    const auto dynamic = outcomes(192, [&](int* out) { kernel<<<2, 96, 96 * sizeof(int), stream_>>>(in.data(), out); });
    EXPECT_EQ(fixed, std::set{turned});
    EXPECT_EQ(dynamic, std::set{turned});
}

__global__ void talk_in_a_warp(int* out) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    int* mine = out + 10 * threadIdx.x;
    mine[0] = __shfl_sync(~0u, 10 * lane, 3);
    mine[1] = __shfl_down_sync(~0u, lane, 5u);
    mine[2] = __shfl_up_sync(~0u, lane, 5u);
    mine[3] = __shfl_xor_sync(~0u, lane, 6);
    mine[4] = static_cast<int>(__ballot_sync(~0u, lane == 1 || lane == 4));
    mine[5] = __any_sync(~0u, lane == 31) + 2 * __all_sync(~0u, lane > 0);
    if (lane < 8) { // halves that do not wait for each other
        mine[6] = __shfl_xor_sync(0xffu, lane, 7);
        __syncwarp(0xff);
    } else {
        mine[6] = static_cast<int>(__ballot_sync(0xffffff00u, lane % 2));
    }
    __syncthreads();
    mine[7] = __syncthreads_or(threadIdx.x == 50);
    mine[8] = __syncthreads_and(threadIdx.x != 50);
    mine[9] = __syncthreads_count(threadIdx.x < 50);
}

TEST_F(Emulator, lets_lanes_talk_and_vote) {
    std::vector<int> expected;
    for (int i = 0; i < 64; ++i) {
        const int lane = i % 32;
        expected.insert(expected.end(), {30, lane + 5 < 32 ? lane + 5 : lane, lane < 5 ? lane : lane - 5, lane ^ 6,
                                         0b10010, 1, lane < 8 ? lane ^ 7 : static_cast<int>(0xaaaaaa00u), 1, 0, 50});
    }
    EXPECT_EQ(outcomes(640, [&](int* out) { talk_in_a_warp<<<1, 64, 0, stream_>>>(out); }), std::set{expected});
}

__global__ void leave_early(int* out) {
    if (threadIdx.x >= 40) {
        return; // a block's barrier is for those that are left
    }
    __syncthreads();
    out[threadIdx.x] = 1;
}

TEST_F(Emulator, waits_for_those_that_are_left) {
    EXPECT_EQ(outcomes(40, [&](int* out) { leave_early<<<1, 64, 0, stream_>>>(out); }),
              std::set{std::vector<int>(40, 1)});
}

__global__ void add(const double* x, double* sum) { *sum = x[0] + x[1]; }

TEST_F(Emulator, copies_as_the_driver_does) {
    std::vector<double> pageable{1, 2};
    const DeviceArray<double> x = upload(pageable, stream_);
    pageable = {5, 7}; // too late
    const DeviceArray<double> sum(1);
    add<<<1, 1, 0, stream_>>>(x.data(), sum.data());
    EXPECT_EQ(download(sum, stream_)[0], 3);

    const PinnedArray<double> pinned(2);
    pinned.data()[0] = pinned.data()[1] = 4;
    NUSCAN_CUDA_CHECK(cudaMemcpyAsync(x.data(), pinned.data(), 16, cudaMemcpyHostToDevice, stream_));
    pinned.data()[1] = 10; // nobody has waited: a race that the copy loses here
    add<<<1, 1, 0, stream_>>>(x.data(), sum.data());
    EXPECT_EQ(download(sum, stream_)[0], 14);
}

__global__ void take_a_while(double* x) {
    for (int i = 0; i < 100000; ++i) {
        x[0] = std::sqrt(x[0] + 1);
    }
}

TEST_F(Emulator, has_the_times_of_events_once_they_are_over) {
    const DeviceArray<double> x = upload(std::vector<double>{1}, stream_);
    cudaEvent_t begin = nullptr, between = nullptr, end = nullptr;
    for (cudaEvent_t* event : {&begin, &between, &end}) {
        NUSCAN_CUDA_CHECK(cudaEventCreate(event));
    }
    NUSCAN_CUDA_CHECK(cudaEventRecord(begin, stream_));
    take_a_while<<<1, 1, 0, stream_>>>(x.data());
    NUSCAN_CUDA_CHECK(cudaEventRecord(between, stream_));
    NUSCAN_CUDA_CHECK(cudaEventRecord(end, stream_));
    float first = -1, second = -1;
    EXPECT_EQ(cudaEventElapsedTime(&first, begin, between), cudaErrorNotReady);
    EXPECT_EQ(cudaGetLastError(), cudaErrorNotReady);
    stream_.synchronize();
    NUSCAN_CUDA_CHECK(cudaEventElapsedTime(&first, begin, between));
    NUSCAN_CUDA_CHECK(cudaEventElapsedTime(&second, between, end));
    EXPECT_GT(first, 0.01F); // no machine takes as many roots in less [ms]
    EXPECT_GE(second, 0);
    for (const cudaEvent_t event : {begin, between, end}) {
        NUSCAN_CUDA_CHECK(cudaEventDestroy(event));
    }
}

// ---- kernels, and hosts, that are wrong

//! What turn_round() does, without its barrier
__global__ void forget_a_barrier(const int* in, int* out) {
    __shared__ int shared[64];
    shared[threadIdx.x] = in[threadIdx.x];
    out[threadIdx.x] = shared[63 - threadIdx.x];
}

TEST_F(Emulator, shows_a_missing_barrier) {
    const DeviceArray<int> in = upload(numbers_up_to(64), stream_);
    std::vector<int> turned = numbers_up_to(64);
    std::reverse(turned.begin(), turned.end());
    const auto all = outcomes(64, [&](int* out) { forget_a_barrier<<<1, 64, 0, stream_>>>(in.data(), out); });
    EXPECT_EQ(all.count(turned), 0u);

    // The same of a kernel that has one
    const auto before = emulator::barriers();
    const auto turn = [&](int* out) { turn_round<64, false><<<1, 64, 0, stream_>>>(in.data(), out); };
    EXPECT_EQ(outcomes(64, turn), std::set{turned});
    for (const auto& [name, count] : emulator::barriers()) {
        if (before.count(name) == 0 || before.at(name) < count) {
            EXPECT_EQ(name.substr(0, 23), "tests/test_emulator.cu:");
            emulator::settings().missing = name;
        }
    }
    EXPECT_EQ(outcomes(64, turn).count(turned), 0u);
}

__global__ void race(int* out) {
    out[0] = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); // whose is it?
}

TEST_F(Emulator, shows_a_race) {
    EXPECT_EQ(outcomes(1, [&](int* out) { race<<<2, 64, 0, stream_>>>(out); }).size(), 3u);
}

__global__ void diverge_at_a_shuffle(int* out) {
    if (threadIdx.x < 16) {
        out[threadIdx.x] = __shfl_xor_sync(~0u, static_cast<int>(threadIdx.x), 1);
    }
}
__global__ void shuffle_at_two_places(int* out) {
    if (threadIdx.x < 16) {
        out[threadIdx.x] = __shfl_xor_sync(~0u, 1, 1);
    } else {
        out[threadIdx.x] = __shfl_xor_sync(~0u, 2, 1);
    }
}
__global__ void give_the_mask_of_others(int* out) { out[threadIdx.x] = __shfl_sync(0xffff0000u, 1, 20); }
__global__ void diverge_at_a_barrier(int* out) {
    if (threadIdx.x < 32) {
        __syncthreads();
        out[0] = 1;
    } else {
        __syncthreads();
        out[1] = 1;
    }
}
__global__ void wait_for_each_other(int* out) {
    if (threadIdx.x == 0) {
        __syncthreads();
    } else {
        __syncwarp();
    }
    out[threadIdx.x] = 1;
}
__global__ void take_from_outside_the_mask(int* out) {
    if (threadIdx.x < 16) {
        out[threadIdx.x] = __shfl_sync(0xffffu, 7, 20);
    } else {
        __syncwarp(0xffff0000u);
    }
}

TEST_F(Emulator, catches_threads_that_wait_for_others_in_vain) {
    const DeviceArray<int> out(64);
    diverge_at_a_shuffle<<<1, 32, 0, stream_>>>(out.data());
    expect_fault("diverge_at_a_shuffle: thread 15 waits at tests/test_emulator.cu:");
    expect_fault("but lane 16 has left the kernel"); // it says so for ever
    EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
    int* memory = nullptr;
    EXPECT_EQ(cudaMalloc(&memory, 8), cudaErrorLaunchFailure);
    cudaFree(memory);
    emulator::forget_fault();
    shuffle_at_two_places<<<1, 32, 0, stream_>>>(out.data());
    expect_fault("for a shuffle by mask 0xffffffff, thread");
    emulator::forget_fault();
    give_the_mask_of_others<<<1, 32, 0, stream_>>>(out.data());
    expect_fault("leaves out the lane that gives it");
    emulator::forget_fault();
    diverge_at_a_barrier<<<1, 64, 0, stream_>>>(out.data());
    expect_fault("for the block, thread 32 waits at");
    emulator::forget_fault();
    wait_for_each_other<<<1, 32, 0, stream_>>>(out.data());
    expect_fault("nobody can go on, thread 0 waits at");
    emulator::forget_fault();
    take_from_outside_the_mask<<<1, 32, 0, stream_>>>(out.data());
    EXPECT_EQ(download(out, stream_)[3], -1);
}

__global__ void write(double* x, int n, int first) {
    for (int i = first + static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) {
        x[i] = i;
    }
}
__global__ void count_up(double* x, int n, int first) {
    for (int i = first + static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) {
        x[i] += 1;
    }
}
__global__ void overrun_shared_memory(double* x, int n) {
    __shared__ double shared[3];
    for (int i = 0; i < n; ++i) {
        shared[i] = i;
    }
    x[0] = shared[0];
}

TEST_F(Emulator, catches_an_overrun) {
    const DeviceArray<double> even(4), odd(3);
    write<<<1, 32, 0, stream_>>>(even.data(), 5, 0);
    expect_bad_address("write: uses byte 32 of an array of 32 bytes, block (0, 0, 0) thread (4, 0, 0)");
    emulator::forget_fault();
    write<<<1, 32, 0, stream_>>>(odd.data(), 4, 0); // up to where the page ends
    expect_bad_address("something was written before or after an array of 24 bytes");
}

TEST_F(Emulator, catches_an_overrun_the_other_way) {
    const DeviceArray<double> x(4);
    write<<<1, 32, 0, stream_>>>(x.data(), 2, -1);
    expect_bad_address("something was written before or after an array of 32 bytes");
}

TEST_F(Emulator, catches_an_overrun_of_shared_memory) {
    const DeviceArray<double> x(4);
    overrun_shared_memory<<<1, 1, 0, stream_>>>(x.data(), 4);
    expect_bad_address("overrun_shared_memory: something was written before or after 24 bytes of shared memory");
}

TEST_F(Emulator, catches_the_use_of_what_has_been_freed) {
    double* freed = nullptr;
    {
        const DeviceArray<double> x(4);
        freed = x.data();
    }
    count_up<<<1, 1, 0, stream_>>>(freed, 1, 0);
    expect_bad_address("count_up: uses byte 0 of an array of 32 bytes that has been freed");
    emulator::forget_fault();
    EXPECT_EQ(cudaFree(freed), cudaErrorInvalidValue);
}

TEST_F(Emulator, has_nan_in_what_nobody_has_written) {
    const DeviceArray<double> x(4);
    count_up<<<1, 4, 0, stream_>>>(x.data(), 4, 0);
    for (const double value : download(x, stream_)) {
        EXPECT_TRUE(std::isnan(value));
    }
}

__global__ void read_shared_memory(double* out) {
    extern __shared__ double dynamic[];
    __shared__ double fixed[2];
    out[0] = fixed[1];
    out[1] = dynamic[0];
    fixed[1] = dynamic[0] = 1;
}

TEST_F(Emulator, has_nan_in_shared_memory_at_the_begin_of_each_block) {
    const DeviceArray<double> out(2);
    read_shared_memory<<<3, 1, sizeof(double), stream_>>>(out.data());
    for (const double value : download(out, stream_)) {
        EXPECT_TRUE(std::isnan(value));
    }
}

TEST_F(Emulator, refuses_what_a_driver_refuses) {
    const DeviceArray<int> x(1);
    const auto error_of = [&](dim3 grid, dim3 block, std::size_t shared) {
        race<<<grid, block, shared, stream_>>>(x.data());
        return cudaGetLastError();
    };
    EXPECT_EQ(error_of(dim3(1, 65535), 1, 0), cudaSuccess);
    EXPECT_EQ(error_of(dim3(1, 65536), 1, 0), cudaErrorInvalidConfiguration);
    EXPECT_EQ(error_of(dim3(1, 1, 65536), 1, 0), cudaErrorInvalidConfiguration);
    EXPECT_EQ(error_of(dim3(0x80000000u), 1, 0), cudaErrorInvalidConfiguration);
    EXPECT_EQ(error_of(0, 1, 0), cudaErrorInvalidConfiguration);
    EXPECT_EQ(error_of(1, 1024, 0), cudaSuccess);
    EXPECT_EQ(error_of(1, 1025, 0), cudaErrorInvalidConfiguration);
    EXPECT_EQ(error_of(1, dim3(1, 1, 65), 0), cudaErrorInvalidConfiguration);
    EXPECT_EQ(error_of(1, 1, 48 << 10), cudaSuccess);
    EXPECT_EQ(error_of(1, 1, (48 << 10) + 1), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFuncSetAttribute(race, cudaFuncAttributeMaxDynamicSharedMemorySize, 100 << 10), cudaSuccess);
    EXPECT_EQ(error_of(1, 1, 100 << 10), cudaSuccess);
    EXPECT_EQ(cudaFuncSetAttribute(race, cudaFuncAttributeMaxDynamicSharedMemorySize, 228 << 10),
              cudaErrorInvalidValue);
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemcpyAsync(x.data(), x.data(), 5, cudaMemcpyDeviceToDevice, stream_), cudaErrorInvalidValue);
}

struct Big {
    double x[4096];
};
__global__ void take_much(Big big, int* out) { *out = static_cast<int>(big.x[0]); }

TEST_F(Emulator, refuses_arguments_beyond_constant_memory) {
    const DeviceArray<int> out(1);
    take_much<<<1, 1, 0, stream_>>>(Big{}, out.data());
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
}

TEST_F(Emulator, shows_that_nobody_has_waited) {
    const DeviceArray<double> x = upload(std::vector<double>{1}, stream_);
    const PinnedArray<double> result(1);
    result.data()[0] = 2;
    count_up<<<1, 1, 0, stream_>>>(x.data(), 1, 0);
    NUSCAN_CUDA_CHECK(cudaMemcpyAsync(result.data(), x.data(), sizeof(double), cudaMemcpyDeviceToHost, stream_));
    EXPECT_TRUE(std::isnan(result.data()[0]));
    Stream().synchronize(); // not this one
    EXPECT_TRUE(std::isnan(result.data()[0]));
    stream_.synchronize();
    EXPECT_EQ(result.data()[0], 2);
}

TEST_F(Emulator, refuses_the_stream_of_another_device) {
    emulator::settings().n_devices = 2;
    const DeviceArray<int> out(1);
    EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
    NUSCAN_CUDA_CHECK(cudaSetDevice(1));
    cudaGetLastError();
    number_threads<<<1, 1, 0, stream_>>>(out.data());
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidResourceHandle);
    NUSCAN_CUDA_CHECK(cudaSetDevice(0));
}

TEST_F(Emulator, keeps_devices_out_of_the_memory_of_others) {
    emulator::settings().n_devices = 2;
    const DeviceArray<double> x(4);
    NUSCAN_CUDA_CHECK(cudaSetDevice(1));
    count_up<<<1, 4>>>(x.data(), 4, 0);
    NUSCAN_CUDA_CHECK(cudaSetDevice(0));
    cudaStreamSynchronize(stream_); // of the first device, which has nothing to do
    EXPECT_EQ(emulator::fault(), "");
    NUSCAN_CUDA_CHECK(cudaSetDevice(1));
    EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaErrorLaunchFailure);
    EXPECT_NE(emulator::fault().find("count_up: uses byte 0 of an array of 32 bytes"), std::string::npos)
        << emulator::fault();
}

TEST_F(Emulator, keeps_the_host_out_of_device_memory) {
    const DeviceArray<double> x = upload(std::vector<double>{1}, stream_);
    stream_.synchronize();
    EXPECT_DEATH(std::printf("%g", *x.data()), has_address_sanitizer
                                                   ? "AddressSanitizer"
                                                   : "the host uses byte 0 of an array of 8 bytes on the device");
}

struct Table {
    double weight;
    const double* values;
};
__global__ void read_table(Table table, double* out) { *out = table.weight * table.values[0]; }
__global__ void read_tables(const Table* tables, double* out) { *out = tables[1].values[0]; }

TEST_F(Emulator, catches_a_pointer_to_the_host) {
    const std::vector<double> values{3};
    const DeviceArray<double> out(1), there = upload(values, stream_);
    read_table<<<1, 1, 0, stream_>>>(Table{2, there.data()}, out.data());
    EXPECT_EQ(download(out, stream_)[0], 6);
    read_table<<<1, 1, 0, stream_>>>(Table{2, values.data()}, out.data());
    expect_fault("read_table: argument 0 has a pointer to memory of the host at byte 8");
    emulator::forget_fault();

    // One that packing forgets: nothing else would tell, as the host's memory is at hand.
    DeviceArray<Table> tables(2);
    const auto error_of = [&](const Table& second) {
        const Table host[] = {{1, there.data()}, second};
        return cudaMemcpyAsync(tables.data(), host, sizeof host, cudaMemcpyHostToDevice, stream_);
    };
    EXPECT_EQ(error_of({1, there.data()}), cudaSuccess);
    read_tables<<<1, 1, 0, stream_>>>(tables.data(), out.data());
    EXPECT_EQ(download(out, stream_)[0], 3);
    EXPECT_EQ(error_of({1, values.data()}), cudaErrorLaunchFailure);
    expect_fault("a copy to the device has a pointer to memory of the host at byte 24");
}

//! Of a plan's tables, as packed for a device: no word of it is a pointer to the host
TEST_F(Emulator, finds_no_pointer_to_the_host_in_packed_tables) {
    ScanConfig config =
        testing::pulsed_scan({testing::axis("theta12", {0.5, 0.7}), testing::axis("charge.ee", {0, 1})});
    config.experiments.push_back(testing::with_systematics(testing::toy_experiment()));
    config.experiments.push_back(testing::correlated(testing::pulsed_experiment("third")));
    for (const Method method : {Method::moments, Method::direct}) {
        const Plan plan(config, method);
        const auto tables = plan.tables(plan.unit(0));
        PackedPlan packed;
        packed.pack(tables->view(), nullptr);
        const DeviceArray<std::byte> device(packed.packed().bytes().size());
        packed.pack(tables->view(), device.data());
        const auto& bytes = packed.packed().bytes();
        EXPECT_EQ(emulator::find_host_pointer(bytes.data(), bytes.size()), "");
        EXPECT_EQ(emulator::find_host_pointer(&packed.view(), sizeof(PlanView)), "");
        // Each of the host's own tables has some.
        EXPECT_NE(emulator::find_host_pointer(&tables->view(), sizeof(PlanView)), "");
        EXPECT_NE(emulator::find_host_pointer(tables->view().experiments, sizeof(ExperimentView)), "");
        EXPECT_NE(emulator::find_host_pointer(tables->view().systematics, sizeof(SystematicsView)), "");
    }
}

__global__ void recurse(int* out, int depth) {
    volatile char frame[4096];
    frame[0] = static_cast<char>(depth);
    if (depth > 0) {
        recurse(out, depth - 1);
    }
    *out = frame[0];
}

TEST_F(Emulator, catches_a_stack_that_overflows) {
    const DeviceArray<int> out(1);
    recurse<<<1, 1, 0, stream_>>>(out.data(), 50);
    EXPECT_EQ(download(out, stream_)[0], 50);
    recurse<<<1, 1, 0, stream_>>>(out.data(), 1000);
    expect_bad_address("recurse: uses more memory of its own than there is");
}

} // namespace
} // namespace nuscan
