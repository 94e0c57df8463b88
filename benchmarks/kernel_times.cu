// SPDX-License-Identifier: Apache-2.0
#include "kernel_times.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <regex>
#include <vector>

#include "device_memory.hpp"

namespace nuscan::benchmarks {

namespace {

class Event {
public:
    Event() { NUSCAN_CUDA_CHECK(cudaEventCreate(&event_)); }
    Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
    ~Event() {
        if (event_ != nullptr) {
            cudaEventDestroy(event_);
        }
    }
    operator cudaEvent_t() const { return event_; }

private:
    cudaEvent_t event_ = nullptr;
};

struct TimedLaunch {
    std::string kernel; //!< as the compiler calls it
    Event begin, end;
};

std::vector<TimedLaunch>* launches = nullptr; // of the KernelTimes that exists

//! `rows_kernel<GaussianBins, true>` from a mangled name
std::string readable(const std::string& name) {
    int status = 0;
    char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
    std::string out = status == 0 ? text : name;
    std::free(text);
    out =
        std::regex_replace(out, std::regex(R"(\(anonymous namespace\)::|nuscan::|kernels::|benchmarks::|^void )"), "");
    out = std::regex_replace(out, std::regex(R"(\(AxisShape\)0)"), "linear");
    out = std::regex_replace(out, std::regex(R"(\(AxisShape\)1)"), "circular");
    return out.substr(0, out.find('('));
}

//! Launches between two events, where these are asked for; a kernel's name is looked up only then
template <class Name, class Launch>
auto timed(const Name& name, cudaStream_t stream, const Launch& launch) {
    if (launches == nullptr) {
        return launch();
    }
    launches->push_back({name(), {}, {}});
    struct AtEnd {
        cudaStream_t stream;
        ~AtEnd() { cudaEventRecord(launches->back().end, stream); }
    };
    NUSCAN_CUDA_CHECK(cudaEventRecord(launches->back().begin, stream));
    const AtEnd at_end{stream};
    return launch();
}

} // namespace

KernelTimes::KernelTimes() { launches = new std::vector<TimedLaunch>; }
KernelTimes::~KernelTimes() { delete std::exchange(launches, nullptr); }

std::map<std::string, KernelTime> KernelTimes::by_name() const {
    std::map<std::string, KernelTime> times;
    for (const TimedLaunch& x : *launches) {
        float milliseconds = 0;
        NUSCAN_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, x.begin, x.end));
        KernelTime& time = times[readable(x.kernel)];
        time.seconds += 1e-3 * static_cast<double>(milliseconds);
        ++time.launches;
    }
    return times;
}

double total(const std::map<std::string, KernelTime>& times) {
    double seconds = 0;
    for (const auto& [name, time] : times) {
        seconds += time.seconds;
    }
    return seconds;
}

} // namespace nuscan::benchmarks

#ifdef __CUDACC__
// What <<<>>> calls, with what follows --wrap before its name. Since CUDA 13 it has handles of kernels.
#if CUDART_VERSION >= 13000
#define LAUNCH(prefix) prefix##__cudaLaunchKernel
using Kernel = cudaKernel_t;
#else
#define LAUNCH(prefix) prefix##cudaLaunchKernel
using Kernel = const void*;
#endif

extern "C" cudaError_t LAUNCH(__real_)(Kernel, dim3, dim3, void**, std::size_t, cudaStream_t);
extern "C" cudaError_t LAUNCH(__wrap_)(Kernel kernel, dim3 grid, dim3 block, void** arguments, std::size_t shared,
                                       cudaStream_t stream) {
    const auto name = [=]() -> std::string {
        const char* text = nullptr;
        if (cudaFuncGetName(&text, reinterpret_cast<const void*>(kernel)) != cudaSuccess) {
            cudaGetLastError(); // forget it: times without a name are better than none
            return "unknown";
        }
        return text;
    };
    return nuscan::benchmarks::timed(name, stream,
                                     [&] { return LAUNCH(__real_)(kernel, grid, block, arguments, shared, stream); });
}
#else
// The emulator's, which has the names that kernels have in their source.
void real_enqueue(emulator::Launch launch) asm("__real__ZN8emulator7enqueueENS_6LaunchE");
void wrap_enqueue(emulator::Launch launch) asm("__wrap__ZN8emulator7enqueueENS_6LaunchE");
void wrap_enqueue(emulator::Launch launch) {
    const cudaStream_t stream = launch.configuration.stream;
    const std::string name = launch.name;
    nuscan::benchmarks::timed([&] { return name; }, stream, [&] { real_enqueue(std::move(launch)); });
}
#endif
