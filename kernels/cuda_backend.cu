// SPDX-License-Identifier: Apache-2.0
#include "cuda_backend.hpp"

#include <algorithm>
#include <optional>

#include "backends/backend.hpp"
#include "cuda_device.hpp"
#include "device_plan.hpp"
#include "kernels.cuh"

namespace nuscan {

namespace {

/// Winners on the device.
class DeviceWinners {
public:
    DeviceWinners() = default;
    DeviceWinners(std::int64_t size, bool profiled)
        : chi2_(count(size)), profile_(profiled ? count(size) : 0), status_(count(size)) {}
    kernels::WinnerArrays arrays() const { return {chi2_.data(), profile_.data(), status_.data()}; }

private:
    static std::size_t count(std::int64_t size) { return static_cast<std::size_t>(size); }
    DeviceArray<double> chi2_;
    DeviceArray<std::int64_t> profile_;
    DeviceArray<unsigned char> status_;
};

class CudaBackend final : public Backend {
public:
    //! The device is that of the calling thread.
    CudaBackend(const Plan& plan, CudaDevice device, const CudaLimits& limits)
        : method_(plan.method()), device_(std::move(device)), plan_(plan), limits_(limits) {
        // The first unit is the largest one: buffers are made once, for it.
        const WorkUnit largest = plan.unit(0);
        tables_ = plan.tables(largest);
        device_plan_.assign(tables_->view(), stream_);
        if (method_ != Method::direct && !plan.slow_axes().empty()) {
            signals_.emplace(plan, device_plan_, stream_);
        }
        const PlanView& view = tables_->view();
        const UnitView unit = largest.view();
        const kernels::RowLayout rows = kernels::row_layout(view.layout, unit);
        const auto n_axes = std::max<std::size_t>(largest.ranges.size(), 1);
        ranges_ = DeviceArray<AxisRange>(n_axes);
        kept_ = DeviceWinners(unit.n_kept, unit.profiled);
        chi2_ = PinnedArray<double>(static_cast<std::size_t>(unit.n_kept));
        profile_ = PinnedArray<std::int64_t>(unit.profiled ? static_cast<std::size_t>(unit.n_kept) : 0);
        status_ = PinnedArray<unsigned char>(static_cast<std::size_t>(unit.n_kept));

        const std::int64_t slots = unit.profiled ? unit.n_rows * rows.slots_per_row : 0; // of a plane
        const std::size_t winner_bytes = sizeof(double) + sizeof(std::int64_t) + sizeof(unsigned char);
        const auto n_columns = static_cast<std::size_t>(view.n_columns);
        std::size_t plane_bytes = sizeof(kernels::PlanePlace) + static_cast<std::size_t>(slots) * winner_bytes;
        std::size_t features = 0, coefficients = 0, forms = 0;
        if (method_ == Method::direct) {
            plane_bytes += sizeof(PlaneCouplings) + n_columns * sizeof(double);
        } else {
            features = static_cast<std::size_t>(view.n_features) * n_plane_coefficients;
            coefficients = n_columns * n_plane_coefficients;
            forms = method_ == Method::collapsed ? static_cast<std::size_t>(n_plane_numbers(view)) : 0;
            plane_bytes += (features + coefficients + forms) * sizeof(double);
        }
        // Rows and segments of a batch are counted in 32 bits.
        const std::int64_t most = (std::int64_t{1} << 30) / (unit.n_rows * rows.n_segments);
        const auto fit = static_cast<std::int64_t>(limits.batch_bytes / plane_bytes);
        batch_ = std::clamp<std::int64_t>(std::min(fit, most), 1, unit.n_planes);
        const auto n = static_cast<std::size_t>(batch_);
        places_ = DeviceArray<kernels::PlanePlace>(n);
        slots_ = DeviceWinners(batch_ * slots, true);
        if (unit.profiled) {
            n_chunks_ = kernels::winner_chunks(view, unit, limits);
            partial_ = DeviceWinners(unit.n_kept * n_chunks_, true);
        }
        if (method_ == Method::direct) {
            couplings_ = DeviceArray<PlaneCouplings>(n);
            columns_ = DeviceArray<double>(n * n_columns);
        } else {
            features_ = DeviceArray<double>(n * features);
            coefficients_ = DeviceArray<double>(n * coefficients);
            forms_ = DeviceArray<double>(n * forms);
            staging_ = DeviceArray<double>(method_ == Method::moments ? kernels::rows_staging(view, limits) : 0);
        }
    }

    std::string name() const override { return "cuda"; }
    std::string device() const override { return device_.name; }

    void prepare(const WorkUnit& work) const override {
        if (signals_) {
            plan_.setting(work);
        } else {
            plan_.tables(work);
        }
    }

    void evaluate(const WorkUnit& work, UnitResult& result) override {
        NUSCAN_CUDA_CHECK(cudaSetDevice(device_.number)); // which is each thread's own
        const UnitView unit = work.view();
        use_tables(work);
        const kernels::RowLayout rows = kernels::row_layout(tables_->view().layout, unit);
        NUSCAN_CUDA_CHECK(cudaMemcpyAsync(ranges_.data(), work.ranges.data(), work.ranges.size() * sizeof(AxisRange),
                                          cudaMemcpyHostToDevice, stream_));
        UnitView device_unit = unit;
        device_unit.ranges = ranges_.data();
        const kernels::UnitLaunch launch{device_plan_.view(), device_unit, rows, limits_, stream_};
        for (std::int64_t first = 0; first < unit.n_planes; first += batch_) {
            const kernels::PlaneBatch batch{first, std::min(batch_, unit.n_planes - first), slots_.arrays()};
            evaluate_batch(launch, batch, unit.profiled ? batch.slots : kept_.arrays());
            if (unit.profiled) {
                // A smaller unit may have fewer planes than chunks: the chunks beyond find nothing.
                kernels::launch_winners(launch, batch, n_chunks_, partial_.arrays(), kept_.arrays());
            }
        }
        const auto n_kept = static_cast<std::size_t>(unit.n_kept);
        const kernels::WinnerArrays kept = kept_.arrays();
        download(chi2_, kept.chi2, n_kept);
        download(status_, kept.status, n_kept);
        if (unit.profiled) {
            download(profile_, kept.profile, n_kept);
        }
        stream_.synchronize();
        result.chi2.assign(chi2_.data(), chi2_.data() + n_kept);
        result.status.assign(status_.data(), status_.data() + n_kept);
        if (unit.profiled) {
            result.profile_index.assign(profile_.data(), profile_.data() + n_kept);
        } else {
            result.profile_index.clear();
        }
    }

private:
    void evaluate_batch(const kernels::UnitLaunch& launch, const kernels::PlaneBatch& batch,
                        const kernels::WinnerArrays& out) {
        const PlanView& plan = tables_->view(); // on the host
        if (method_ == Method::direct) {
            kernels::launch_couplings(launch, batch, couplings_.data(), places_.data());
            kernels::launch_direct(launch, batch, couplings_.data(), places_.data(), columns_.data(), out);
            return;
        }
        kernels::launch_planes(launch, batch, features_.data(), places_.data(), coefficients_.data());
        if (method_ == Method::collapsed) {
            const bool pulled = n_pulled_signals(plan) > 0;
            kernels::launch_collapse(launch, batch, pulled, coefficients_.data(), forms_.data());
            kernels::launch_collapsed_rows(launch, batch, axis_shape(plan, plan.layout.line_axis), pulled,
                                           places_.data(), coefficients_.data(), forms_.data(), out);
        } else {
            kernels::launch_rows(launch, batch, kernels::bins_kind(plan), places_.data(), coefficients_.data(),
                                 staging_.data(), out);
        }
    }

    /// Has the tables of a unit's slow parameters on the device, where these differ from the last unit's: the device
    /// makes the moments, but nodes of the direct method are uploaded.
    void use_tables(const WorkUnit& work) {
        if (signals_) {
            std::shared_ptr<const Setting> setting = plan_.setting(work);
            if (setting != setting_) {
                kernels::launch_signals(signals_->update(*setting, stream_), stream_);
                setting_ = std::move(setting);
            }
        } else if (method_ == Method::direct) {
            std::shared_ptr<const Tables> tables = plan_.tables(work);
            if (tables != tables_) {
                device_plan_.assign(tables->view(), stream_);
                tables_ = std::move(tables);
            }
        }
    }

    template <class T>
    void download(const PinnedArray<T>& host, const T* device, std::size_t size) {
        NUSCAN_CUDA_CHECK(cudaMemcpyAsync(host.data(), device, size * sizeof(T), cudaMemcpyDeviceToHost, stream_));
    }

    Method method_;
    CudaDevice device_;
    const Plan& plan_;
    CudaLimits limits_;
    std::shared_ptr<const Tables> tables_;   // of the direct method those on the device, else of any unit
    std::shared_ptr<const Setting> setting_; // whose moments are on the device, where it makes them
    DevicePlan device_plan_;
    std::optional<DeviceSignals> signals_;
    Stream stream_;
    std::int64_t batch_ = 0;    // planes
    std::int64_t n_chunks_ = 0; // of a kept point's planes
    DeviceArray<AxisRange> ranges_;
    DeviceArray<kernels::PlanePlace> places_;
    DeviceArray<PlaneCouplings> couplings_;
    DeviceArray<double> features_, coefficients_, forms_, staging_, columns_;
    DeviceWinners slots_, partial_, kept_;
    PinnedArray<double> chi2_;
    PinnedArray<std::int64_t> profile_;
    PinnedArray<unsigned char> status_;
};

} // namespace

std::unique_ptr<Backend> make_cuda_backend(const Plan& plan, std::string& why_not, std::optional<int> device,
                                           const CudaLimits& limits) {
    const std::optional<CudaDevice> chosen = choose_cuda_device(device, why_not);
    if (!chosen) {
        return nullptr;
    }
    try {
        return std::make_unique<CudaBackend>(plan, *chosen, limits);
    } catch (const CudaError& error) {
        if (error.status() != cudaErrorMemoryAllocation) {
            throw;
        }
        cudaGetLastError(); // forget it: the program goes on without CUDA
        why_not = chosen->name + ": out of memory";
        return nullptr;
    }
}

} // namespace nuscan
