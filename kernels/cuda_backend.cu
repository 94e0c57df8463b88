// SPDX-License-Identifier: Apache-2.0
#include "cuda_backend.hpp"

#include <algorithm>
#include <optional>

#include "backends/backend.hpp"
#include "device_plan.hpp"
#include "kernels.cuh"

namespace nuscan {

namespace {

//! Device memory for features and coefficients of planes; a unit with more planes goes through it in batches
constexpr std::size_t plane_bytes = std::size_t{256} << 20;

class CudaBackend final : public Backend {
public:
    CudaBackend(const Plan& plan, std::string device)
        : direct_(plan.method() == Method::direct), collapsed_(plan.method() == Method::collapsed),
          device_(std::move(device)), plan_(plan) {
        // The first unit is the largest one: buffers are made once, for it.
        const WorkUnit largest = plan.unit(0);
        const PlanView& view = use_tables(largest);
        const UnitView unit = largest.view();
        const auto n_points = static_cast<std::size_t>(largest.n_points());
        const auto n_kept = static_cast<std::size_t>(unit.n_kept);
        ranges_ = DeviceArray<AxisRange>(std::max<std::size_t>(largest.ranges.size(), 1));
        chi2_ = DeviceArray<double>(n_points);
        status_ = DeviceArray<unsigned char>(n_points);
        if (unit.profiled) {
            winner_chi2_ = DeviceArray<double>(n_kept);
            winner_profile_ = DeviceArray<std::int64_t>(n_kept);
            winner_status_ = DeviceArray<unsigned char>(n_kept);
        }
        if (!direct_) {
            const auto features = static_cast<std::size_t>(view.n_features) * n_plane_coefficients;
            const auto coefficients = static_cast<std::size_t>(view.n_columns) * n_plane_coefficients;
            const std::size_t fit = plane_bytes / ((features + coefficients) * sizeof(double));
            batch_ = std::clamp<std::int64_t>(static_cast<std::int64_t>(fit), 1, unit.n_planes);
            features_ = DeviceArray<double>(static_cast<std::size_t>(batch_) * features);
            coefficients_ = DeviceArray<double>(static_cast<std::size_t>(batch_) * coefficients);
            forms_ = DeviceArray<double>(collapsed_ ? static_cast<std::size_t>(batch_) * n_collapsed : 0);
        }
    }

    std::string name() const override { return "cuda"; }
    std::string device() const override { return device_; }

    void evaluate(const WorkUnit& work, UnitResult& result) override {
        UnitView unit = work.view();
        NUSCAN_CUDA_CHECK(cudaMemcpyAsync(ranges_.data(), work.ranges.data(), work.ranges.size() * sizeof(AxisRange),
                                          cudaMemcpyHostToDevice, stream_));
        unit.ranges = ranges_.data();
        const PlanView& plan = use_tables(work);
        const kernels::PointOutput points{chi2_.data(), status_.data()};
        if (direct_) {
            kernels::launch_direct(plan, unit, n_rates_, points, stream_);
        } else {
            for (std::int64_t first = 0; first < unit.n_planes; first += batch_) {
                const std::int64_t n = std::min(batch_, unit.n_planes - first);
                kernels::launch_planes(plan, unit, first, n, features_.data(), coefficients_.data(), stream_);
                if (collapsed_) {
                    kernels::launch_collapse(plan, n, coefficients_.data(), forms_.data(), stream_);
                    kernels::launch_collapsed_rows(plan, unit, first, n, coefficients_.data(), forms_.data(), points,
                                                   stream_);
                } else {
                    kernels::launch_rows(plan, unit, first, n, coefficients_.data(), points, stream_);
                }
            }
        }
        const auto n_kept = static_cast<std::size_t>(unit.n_kept);
        result.chi2.resize(n_kept);
        result.status.resize(n_kept);
        result.profile_index.assign(n_kept, 0);
        if (unit.profiled) {
            kernels::launch_winners(plan, unit, points,
                                    {winner_chi2_.data(), winner_profile_.data(), winner_status_.data()}, stream_);
            download(result.chi2, winner_chi2_);
            download(result.status, winner_status_);
            download(result.profile_index, winner_profile_);
        } else {
            download(result.chi2, chi2_);
            download(result.status, status_);
        }
        stream_.synchronize();
    }

private:
    //! The tables of a unit's slow parameters, uploaded anew where they differ from those of the last unit
    const PlanView& use_tables(const WorkUnit& work) {
        const std::shared_ptr<const Tables> tables = plan_.tables(work);
        if (tables != tables_) {
            device_plan_.emplace(tables->view());
            n_rates_ = max_recoil_nodes(tables->view());
            tables_ = tables;
        }
        return device_plan_->view();
    }

    template <class T>
    void download(std::vector<T>& host, const DeviceArray<T>& device) {
        NUSCAN_CUDA_CHECK(
            cudaMemcpyAsync(host.data(), device.data(), host.size() * sizeof(T), cudaMemcpyDeviceToHost, stream_));
    }

    bool direct_, collapsed_;
    std::string device_;
    const Plan& plan_;
    std::shared_ptr<const Tables> tables_; // those on the device
    std::optional<DevicePlan> device_plan_;
    Stream stream_;
    std::int64_t batch_ = 0;
    int n_rates_ = 0;
    DeviceArray<AxisRange> ranges_;
    DeviceArray<double> features_, coefficients_, forms_, chi2_, winner_chi2_;
    DeviceArray<unsigned char> status_, winner_status_;
    DeviceArray<std::int64_t> winner_profile_;
};

} // namespace

std::unique_ptr<Backend> make_cuda_backend(const Plan& plan, std::string& why_not) {
    int n_devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&n_devices);
    if (status != cudaSuccess || n_devices == 0) {
        cudaGetLastError(); // forget it: the program goes on without CUDA
        why_not = status == cudaSuccess ? "no CUDA device" : cudaGetErrorString(status);
        return nullptr;
    }
    cudaDeviceProp properties{};
    NUSCAN_CUDA_CHECK(cudaGetDeviceProperties(&properties, 0));
    return std::make_unique<CudaBackend>(plan, properties.name);
}

} // namespace nuscan
