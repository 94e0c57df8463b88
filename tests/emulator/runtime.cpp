// SPDX-License-Identifier: Apache-2.0
// Memory, streams and errors of the emulated device.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "emulator.hpp"
#include "fibre.hpp"
#include "grid.hpp"

#if !defined(EMULATOR_ADDRESS_SANITIZER) && !defined(EMULATOR_THREAD_SANITIZER)
#include <csignal>
#define EMULATOR_CATCHES_SIGNALS // sanitizers have handlers of their own, and say more
#endif

struct CUstream_st {
    int device = 0;
    std::deque<std::function<void()>> work;
};

struct CUevent_st {
    std::optional<std::chrono::steady_clock::time_point> time;
};

namespace emulator {

namespace {

using Address = std::uintptr_t;
Address address(const void* p) { return reinterpret_cast<Address>(p); }
std::size_t page_size() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

/// An array on the device: it ends where a page begins that nothing may touch, but for some bytes of alignment. Freed
/// ones keep their addresses for a while, so that who still uses them is found out.
class DeviceArray {
public:
    DeviceArray(int device, std::size_t size) : device_(device), size_(size) {
        constexpr std::size_t alignment = 16;
        const std::size_t page = page_size(), used = GuardedMemory::guard + size;
        pages_ = (used + alignment + page - 1) / page * page;
        void* mapped =
            mmap(nullptr, pages_ + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapped == MAP_FAILED) {
            return;
        }
        begin_ = static_cast<std::byte*>(mapped);
        mprotect(begin_ + pages_, page, PROT_NONE);
        data_ = begin_ + (pages_ - size) / alignment * alignment;
        slack_ = static_cast<std::size_t>(begin_ + pages_ - data_) - size;
        GuardedMemory::fill(data_ - GuardedMemory::guard, size, slack_);
    }
    DeviceArray(const DeviceArray&) = delete;
    DeviceArray& operator=(const DeviceArray&) = delete;
    ~DeviceArray() {
        if (begin_ != nullptr) {
            GuardedMemory::release(data_ - GuardedMemory::guard, size_, slack_);
            munmap(begin_, pages_ + page_size());
        }
    }

    int device() const { return device_; }
    std::byte* data() const { return data_; }
    std::size_t size() const { return size_; }
    bool is_freed() const { return is_freed_; }
    bool is_intact() const { return GuardedMemory::is_intact(data_ - GuardedMemory::guard, size_, slack_); }
    bool holds(const void* p, std::size_t size) const {
        return !is_freed_ && address(p) >= address(data_) && address(p) + size <= address(data_) + size_;
    }
    //! Whether an address is of its pages, or of the one behind
    bool is_near(Address at) const { return at >= address(begin_) && at < address(begin_) + pages_ + page_size(); }

    void open() const { mprotect(begin_, pages_, PROT_READ | PROT_WRITE); }
    void close() const { mprotect(begin_, pages_, PROT_NONE); }
    void free() {
        is_freed_ = true;
        madvise(begin_, pages_, MADV_DONTNEED);
        close();
    }

private:
    int device_;
    std::size_t size_, pages_ = 0, slack_ = 0;
    std::byte *begin_ = nullptr, *data_ = nullptr;
    bool is_freed_ = false;
};

thread_local int current_device = 0;

/// The devices, as one process sees them.
struct Devices {
    std::mutex mutex;
    std::list<DeviceArray> arrays;                                    // those that have been freed first
    std::map<Address, std::size_t> pinned;                            // sizes
    std::list<CUstream_st> streams;                                   // that have a name
    std::map<int, CUstream_st> unnamed;                               // one a device
    std::map<std::pair<int, const void*>, std::size_t> shared_memory; // that kernels have asked for on a device
    cudaError_t last_error = cudaSuccess;

    bool is_array_of(int device, const void* p, std::size_t size) const {
        return std::any_of(arrays.begin(), arrays.end(),
                           [&](const DeviceArray& x) { return x.device() == device && x.holds(p, size); });
    }
    std::size_t used_memory() const {
        std::size_t sum = 0;
        for (const DeviceArray& x : arrays) {
            sum += x.is_freed() ? 0 : x.size();
        }
        return sum;
    }
    bool is_pinned(const void* p, std::size_t size) const {
        auto at = pinned.upper_bound(address(p));
        return at != pinned.begin() && address(p) + size <= (--at)->first + at->second;
    }
    cudaError_t error(cudaError_t code) {
        if (code != cudaSuccess) {
            last_error = code;
        }
        return code;
    }
    //! What every call returns once a kernel has done something wrong
    cudaError_t status() const { return fault().empty() ? cudaSuccess : cudaErrorLaunchFailure; }
    CUstream_st& stream(cudaStream_t named) {
        if (named != nullptr) {
            return *named;
        }
        CUstream_st& one = unnamed[current_device];
        one.device = current_device;
        return one;
    }
    void run(CUstream_st& stream);
    void run_all() {
        for (CUstream_st& x : streams) {
            run(x);
        }
        for (auto& [number, x] : unnamed) {
            run(x);
        }
    }
};

Devices& devices() {
    static Devices all;
    return all;
}

#ifdef EMULATOR_CATCHES_SIGNALS
//! What is at an address that may not be used
std::string describe(Address at) {
    const Devices& d = devices();
    for (const DeviceArray& x : d.arrays) {
        if (x.is_near(at)) {
            const auto byte = static_cast<std::ptrdiff_t>(at - address(x.data()));
            return fmt::format("byte {} of an array of {} bytes{}", byte, x.size(),
                               x.is_freed() ? " that has been freed" : "");
        }
    }
    return "an address that is nobody's";
}

void on_segmentation_fault(int, siginfo_t* info, void*) {
    const std::string what = describe(address(info->si_addr));
    if (Fibre::is_running()) {
        record_fault(Fibre::is_below_stack(info->si_addr) ? "uses more memory of its own than there is"
                                                          : fmt::format("uses {}", what));
        Fibre::leave(); // for good
    }
    std::fprintf(stderr, "the host uses %s on the device\n", what.c_str());
    std::signal(SIGSEGV, SIG_DFL); // and again, on return
}

//! Has the handler run on a stack of its own, as a fibre may be at the end of its
void catch_signals() {
    thread_local std::vector<std::byte> stack;
    if (stack.empty()) {
        stack.resize(std::size_t{1} << 16);
        const stack_t alternative{stack.data(), 0, stack.size()};
        sigaltstack(&alternative, nullptr);
        struct sigaction action {};
        action.sa_sigaction = on_segmentation_fault;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigaction(SIGSEGV, &action, nullptr);
    }
}
#else
void catch_signals() {}
#endif

void Devices::run(CUstream_st& stream) {
    if (stream.work.empty()) {
        return;
    }
    catch_signals();
    const auto is_open = [&](const DeviceArray& x) { return !x.is_freed() && x.device() == stream.device; };
    for (const DeviceArray& x : arrays) {
        if (is_open(x)) {
            x.open();
        }
    }
    while (!stream.work.empty() && fault().empty()) {
        stream.work.front()();
        stream.work.pop_front();
    }
    stream.work.clear();
    for (const DeviceArray& x : arrays) {
        if (is_open(x)) {
            if (fault().empty() && !x.is_intact()) {
                record_fault(fmt::format("something was written before or after an array of {} bytes", x.size()));
            }
            x.close();
        }
    }
}

bool is_device(int number) { return number >= 0 && number < settings().n_devices; }

/// A stretch of memory of this process, as Linux lists it.
struct Mapping {
    Address begin = 0, end = 0;
    bool is_readable = false;
    std::string name; //!< of a file, or what it is for
};

std::vector<Mapping> mappings() {
    std::vector<Mapping> all;
    std::ifstream file("/proc/self/maps");
    for (std::string line; std::getline(file, line);) {
        Mapping x;
        char mode = '-';
        int name = 0;
        if (std::sscanf(line.c_str(), "%zx-%zx %c%*s %*s %*s %*s %n", &x.begin, &x.end, &mode, &name) == 3) {
            x.is_readable = mode == 'r';
            x.name = line.substr(std::min(static_cast<std::size_t>(name), line.size()));
            all.push_back(std::move(x));
        }
    }
    return all;
}

} // namespace

std::string find_host_pointer(const void* bytes, std::size_t size) {
    // Where Linux has a program and what it allocates, above all that is but a number. Device memory is shut here, and
    // so is not readable. A number beside padding, in which anything may stand, is small.
    constexpr Address lowest = Address{0x5400} << 32, highest = Address{0x8000} << 32, most_counted = 1 << 24;
    std::optional<std::vector<Mapping>> memory;
    for (std::size_t offset = 0; offset + sizeof(Address) <= size; offset += sizeof(Address)) {
        Address word;
        std::memcpy(&word, static_cast<const std::byte*>(bytes) + offset, sizeof word);
        if (word < lowest || word >= highest || (word & 0xffffffff) < most_counted) {
            continue;
        }
        if (!memory) {
            memory = mappings();
        }
        for (const Mapping& x : *memory) {
            if (x.is_readable && x.begin <= word && word < x.end) {
                return fmt::format("has a pointer to memory of the host at byte {} ({:#x}{}{})", offset, word,
                                   x.name.empty() ? "" : ", ", x.name);
            }
        }
    }
    return {};
}

void enqueue(Launch launch) {
    Devices& d = devices();
    const std::lock_guard lock(d.mutex);
    if (d.status() != cudaSuccess) {
        d.error(d.status());
        return;
    }
    CUstream_st& stream = d.stream(launch.configuration.stream);
    if (stream.device != current_device) {
        d.error(cudaErrorInvalidResourceHandle);
        return;
    }
    const dim3 &grid = launch.configuration.grid, &block = launch.configuration.block;
    const auto wanted = d.shared_memory.find({current_device, launch.kernel});
    const std::size_t most_shared = wanted == d.shared_memory.end() ? limits.shared_memory : wanted->second;
    const std::uint64_t n_threads = std::uint64_t{block.x} * block.y * block.z;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > limits.grid_x || grid.y > limits.grid_yz ||
        grid.z > limits.grid_yz || n_threads == 0 || n_threads > limits.block_threads || block.x > limits.block_xy ||
        block.y > limits.block_xy || block.z > limits.block_z) {
        d.error(cudaErrorInvalidConfiguration);
        return;
    }
    if (launch.configuration.shared_memory > most_shared || launch.argument_bytes > limits.argument_bytes) {
        d.error(cudaErrorInvalidValue);
        return;
    }
    stream.work.emplace_back([launch = std::move(launch)] {
        if (!launch.host_pointer.empty()) {
            return record_fault(fmt::format("{}: {}", launch.name, launch.host_pointer));
        }
        run_grid(launch);
    });
}

} // namespace emulator

using emulator::current_device;
using emulator::devices;
using Lock = std::lock_guard<std::mutex>;

const char* cudaGetErrorName(cudaError_t error) {
    switch (error) {
    case cudaSuccess:
        return "cudaSuccess";
    case cudaErrorInvalidValue:
        return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
        return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
        return "cudaErrorInvalidConfiguration";
    case cudaErrorDevicesUnavailable:
        return "cudaErrorDevicesUnavailable";
    case cudaErrorInvalidDeviceFunction:
        return "cudaErrorInvalidDeviceFunction";
    case cudaErrorNoDevice:
        return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
        return "cudaErrorInvalidDevice";
    case cudaErrorNoKernelImageForDevice:
        return "cudaErrorNoKernelImageForDevice";
    case cudaErrorInvalidResourceHandle:
        return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
        return "cudaErrorNotReady";
    case cudaErrorLaunchFailure:
        return "cudaErrorLaunchFailure";
    }
    return "cudaErrorUnknown";
}

const char* cudaGetErrorString(cudaError_t error) {
    static std::string text;
    switch (error) {
    case cudaSuccess:
        return "no error";
    case cudaErrorInvalidValue:
        return "invalid argument";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorInvalidConfiguration:
        return "invalid configuration argument";
    case cudaErrorDevicesUnavailable:
        return "CUDA-capable device(s) is/are busy or unavailable";
    case cudaErrorInvalidDeviceFunction:
        return "invalid device function";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
        return "invalid device ordinal";
    case cudaErrorNoKernelImageForDevice:
        return "no kernel image is available for execution on the device";
    case cudaErrorInvalidResourceHandle:
        return "invalid resource handle";
    case cudaErrorNotReady:
        return "device not ready";
    case cudaErrorLaunchFailure:
        text = emulator::fault();
        return text.c_str();
    }
    return "unknown error";
}

cudaError_t cudaGetLastError() {
    const Lock lock(devices().mutex);
    const cudaError_t error = std::exchange(devices().last_error, cudaSuccess);
    return error == cudaSuccess ? devices().status() : error;
}

cudaError_t cudaGetDeviceCount(int* count) {
    *count = emulator::settings().n_devices;
    return *count == 0 ? cudaErrorNoDevice : cudaSuccess;
}

cudaError_t cudaGetDevice(int* number) {
    *number = current_device;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int number) {
    const Lock lock(devices().mutex);
    if (!emulator::is_device(number)) {
        return devices().error(cudaErrorInvalidDevice);
    }
    if (emulator::settings().busy.count(number) > 0) {
        return devices().error(cudaErrorDevicesUnavailable);
    }
    current_device = number;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int number) {
    std::snprintf(properties->name, sizeof properties->name, "emulated on the host");
    return emulator::is_device(number) ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaDeviceGetPCIBusId(char* address, int size, int number) {
    std::snprintf(address, static_cast<std::size_t>(size), "0000:%02x:00.0", static_cast<unsigned int>(number));
    return emulator::is_device(number) ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int number) {
    switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor:
        *value = 9;
        break;
    case cudaDevAttrComputeCapabilityMinor:
        *value = 0;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = static_cast<int>(emulator::limits.shared_memory_opt_in);
        break;
    }
    return emulator::is_device(number) ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
    const Lock lock(devices().mutex);
    *attributes = {};
    if (kernel == nullptr) {
        return devices().error(cudaErrorInvalidDeviceFunction);
    }
    return devices().error(emulator::settings().without_code.count(current_device) > 0 ? cudaErrorNoKernelImageForDevice
                                                                                       : devices().status());
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
    const Lock lock(devices().mutex);
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
        static_cast<std::size_t>(value) > emulator::limits.shared_memory_opt_in) {
        return devices().error(cudaErrorInvalidValue);
    }
    devices().shared_memory[{current_device, kernel}] = static_cast<std::size_t>(value);
    return devices().status();
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags) {
    const Lock lock(devices().mutex);
    static_cast<void>(flags); // no stream waits for another here
    *stream = &devices().streams.emplace_back(CUstream_st{current_device, {}});
    return devices().status();
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    const Lock lock(devices().mutex);
    devices().run(*stream);
    devices().streams.remove_if([=](const CUstream_st& x) { return &x == stream; });
    return devices().status();
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    const Lock lock(devices().mutex);
    devices().run(devices().stream(stream));
    return devices().error(devices().status());
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
    *event = new CUevent_st;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    const Lock lock(devices().mutex);
    event->time.reset();
    devices().stream(stream).work.emplace_back([=] { event->time = std::chrono::steady_clock::now(); });
    return devices().error(devices().status());
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
    const Lock lock(devices().mutex);
    if (!from->time || !to->time) {
        return devices().error(cudaErrorNotReady);
    }
    *milliseconds = std::chrono::duration<float, std::milli>(*to->time - *from->time).count();
    return cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, std::size_t size) {
    const Lock lock(devices().mutex);
    if (size > emulator::settings().memory || devices().used_memory() > emulator::settings().memory - size) {
        *memory = nullptr;
        return devices().error(cudaErrorMemoryAllocation);
    }
    devices().arrays.emplace_back(current_device, size);
    *memory = devices().arrays.back().data();
    if (*memory == nullptr) {
        devices().arrays.pop_back();
        return devices().error(cudaErrorMemoryAllocation);
    }
    devices().arrays.back().close();
    return devices().error(devices().status());
}

cudaError_t cudaFree(void* memory) {
    const Lock lock(devices().mutex);
    if (memory == nullptr) {
        return cudaSuccess;
    }
    emulator::Devices& d = devices();
    d.run_all();
    const auto at = std::find_if(d.arrays.begin(), d.arrays.end(),
                                 [=](const auto& x) { return x.data() == memory && !x.is_freed(); });
    if (at == d.arrays.end()) {
        return d.error(cudaErrorInvalidValue);
    }
    at->free();
    d.arrays.splice(d.arrays.begin(), d.arrays, at);
    constexpr std::ptrdiff_t most_freed = 64;
    const auto first_live = std::find_if(d.arrays.begin(), d.arrays.end(), [](const auto& x) { return !x.is_freed(); });
    if (std::distance(d.arrays.begin(), first_live) > most_freed) {
        d.arrays.erase(std::prev(first_live));
    }
    return d.error(d.status());
}

cudaError_t cudaMallocHost(void** memory, std::size_t size) {
    const Lock lock(devices().mutex);
    *memory = std::malloc(size);
    if (*memory == nullptr) {
        return devices().error(cudaErrorMemoryAllocation);
    }
    std::memset(*memory, emulator::unwritten, size);
    devices().pinned[emulator::address(*memory)] = size;
    return devices().error(devices().status());
}

cudaError_t cudaFreeHost(void* memory) {
    const Lock lock(devices().mutex);
    if (memory == nullptr) {
        return cudaSuccess;
    }
    devices().run_all();
    if (devices().pinned.erase(emulator::address(memory)) == 0) {
        return devices().error(cudaErrorInvalidValue);
    }
    std::free(memory);
    return devices().error(devices().status());
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t size, cudaMemcpyKind kind, cudaStream_t stream) {
    const Lock lock(devices().mutex);
    emulator::Devices& d = devices();
    if (d.status() != cudaSuccess || size == 0) {
        return d.error(d.status());
    }
    CUstream_st& ordered = d.stream(stream);
    if ((kind != cudaMemcpyHostToDevice && !d.is_array_of(ordered.device, from, size)) ||
        (kind != cudaMemcpyDeviceToHost && !d.is_array_of(ordered.device, to, size))) {
        return d.error(cudaErrorInvalidValue);
    }
    if (kind == cudaMemcpyHostToDevice) {
        const std::string found = emulator::find_host_pointer(from, size);
        if (!found.empty()) {
            emulator::record_fault(fmt::format("a copy to the device {}", found));
            return d.error(d.status());
        }
    }
    const auto queue = [&](auto work) { ordered.work.emplace_back(std::move(work)); };
    if (kind == cudaMemcpyHostToDevice && !d.is_pinned(from, size)) { // the driver takes what is there now
        const auto* const first = static_cast<const std::byte*>(from);
        queue([to, now = std::vector<std::byte>(first, first + size)] { std::memcpy(to, now.data(), now.size()); });
        return cudaSuccess;
    }
    if (kind == cudaMemcpyDeviceToHost) {
        std::memset(to, emulator::unwritten, size); // what is there before the copy is nobody's
    }
    queue([=] { std::memcpy(to, from, size); });
    if (kind == cudaMemcpyDeviceToHost && !d.is_pinned(to, size)) { // it waits
        d.run(ordered);
    }
    return d.error(d.status());
}
