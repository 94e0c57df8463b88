// SPDX-License-Identifier: Apache-2.0
#include <cub/block/block_reduce.cuh>

#include "kernels.cuh"
#include "kernels.hpp"

namespace nuscan::kernels {

namespace {

constexpr int block_size = 128;

struct Better {
    __device__ Winner operator()(Winner a, const Winner& b) const {
        a.offer(b);
        return a;
    }
};

__global__ void __launch_bounds__(block_size)
    plane_features_kernel(PlanView plan, UnitView unit, std::int64_t first_plane, std::int64_t n_planes, double* out) {
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * block_size + threadIdx.x;
    if (i < n_planes) {
        plane_features(plan, unit, first_plane + i, out + i * plan.n_features * n_plane_coefficients);
    }
}

__global__ void __launch_bounds__(block_size)
    plane_coefficients_kernel(PlanView plan, std::int64_t n_planes, const double* features, double* out) {
    const int per_plane = n_plane_coefficients * plan.n_columns;
    for (std::int64_t p = blockIdx.x; p < n_planes; p += gridDim.x) {
        for (int i = static_cast<int>(threadIdx.x); i < per_plane; i += block_size) {
            out[p * per_plane + i] = plane_coefficient(plan, features + p * plan.n_features * n_plane_coefficients, i);
        }
    }
}

//! Teams of blockDim.x threads, blockDim.y teams a block, one row each
__global__ void __launch_bounds__(block_size)
    rows_kernel(PlanView plan, UnitView unit, std::int64_t first_plane, std::int64_t n_planes,
                const double* coefficients, PointOutput output) {
    extern __shared__ double row_coefficients[];
    const std::int64_t n_rows = n_planes * unit.n_rows;
    // Every thread of a block makes the same number of turns, so that all reach the barriers.
    for (std::int64_t start = static_cast<std::int64_t>(blockIdx.x) * blockDim.y; start < n_rows;
         start += static_cast<std::int64_t>(gridDim.x) * blockDim.y) {
        const std::int64_t r = start + threadIdx.y;
        const std::int64_t plane = r / unit.n_rows;
        const RowTeam team{plan,
                           unit,
                           first_plane + plane,
                           r - plane * unit.n_rows,
                           static_cast<int>(threadIdx.x),
                           static_cast<int>(blockDim.x),
                           row_coefficients + threadIdx.y * 3 * plan.n_columns};
        if (r < n_rows) {
            team.stage(coefficients + plane * n_plane_coefficients * plan.n_columns);
        }
        __syncthreads();
        if (r < n_rows) {
            team.evaluate(output);
        }
        __syncthreads();
    }
}

__global__ void __launch_bounds__(block_size)
    collapse_kernel(PlanView plan, std::int64_t n_planes, double* coefficients, double* collapsed) {
    for (std::int64_t p = blockIdx.x; p < n_planes; p += gridDim.x) {
        double* plane = coefficients + p * n_plane_coefficients * plan.n_columns;
        for (int b = static_cast<int>(threadIdx.x); b < plan.n_bins; b += block_size) {
            centre_bin(plan, plane, b);
        }
        __syncthreads();
        for (int i = static_cast<int>(threadIdx.x); i < n_collapsed; i += block_size) {
            collapsed[p * n_collapsed + i] = collapsed_number(plan, plane, i);
        }
    }
}

//! Teams as those of rows_kernel
__global__ void __launch_bounds__(block_size)
    collapsed_rows_kernel(PlanView plan, UnitView unit, std::int64_t first_plane, std::int64_t n_planes,
                          const double* coefficients, const double* collapsed, PointOutput output) {
    constexpr int n_numbers = n_products + 3;
    __shared__ double row_numbers[n_numbers * block_size / 32];
    const std::int64_t n_rows = n_planes * unit.n_rows;
    for (std::int64_t start = static_cast<std::int64_t>(blockIdx.x) * blockDim.y; start < n_rows;
         start += static_cast<std::int64_t>(gridDim.x) * blockDim.y) {
        const std::int64_t r = start + threadIdx.y;
        const std::int64_t plane = r / unit.n_rows;
        const CollapsedTeam team{plan,
                                 unit,
                                 first_plane + plane,
                                 r - plane * unit.n_rows,
                                 static_cast<int>(threadIdx.x),
                                 static_cast<int>(blockDim.x),
                                 row_numbers + threadIdx.y * n_numbers,
                                 coefficients + plane * n_plane_coefficients * plan.n_columns};
        if (r < n_rows) {
            team.stage(collapsed + plane * n_collapsed);
        }
        __syncthreads();
        if (r < n_rows) {
            team.evaluate(output);
        }
        __syncthreads();
    }
}

__global__ void __launch_bounds__(block_size)
    direct_kernel(PlanView plan, UnitView unit, int n_rates, PointOutput output) {
    extern __shared__ double scratch[];
    __shared__ alignas(PlaneCouplings) unsigned char couplings[sizeof(PlaneCouplings)];
    for (std::int64_t point = blockIdx.x; point < unit.n_planes; point += gridDim.x) {
        const DirectTeam team{plan,       unit,
                              point,      static_cast<int>(threadIdx.x),
                              block_size, *reinterpret_cast<PlaneCouplings*>(couplings),
                              scratch,    scratch + n_rates};
        team.stage_couplings();
        __syncthreads();
        for (int e = 0; e < plan.n_experiments; ++e) {
            const ExperimentView& experiment = plan.experiments[e];
            team.start_bins(experiment); // a thread's own bins: no barrier before it adds to them
            for (int c = 0; c < experiment.n_contributions; ++c) {
                team.evaluate_rates(experiment.contributions[c]);
                __syncthreads();
                team.add_bins(experiment, experiment.contributions[c]);
                __syncthreads();
            }
            team.finish_bins(experiment);
            __syncthreads();
        }
        team.evaluate_chi2(output);
        __syncthreads();
    }
}

__global__ void __launch_bounds__(block_size)
    winners_kernel(PlanView plan, UnitView unit, PointOutput points, WinnerOutput output) {
    using Reduce = cub::BlockReduce<Winner, block_size>;
    __shared__ typename Reduce::TempStorage storage;
    for (std::int64_t kept = blockIdx.x; kept < unit.n_kept; kept += gridDim.x) {
        const Winner mine = best_candidate(plan, unit, points, kept, static_cast<int>(threadIdx.x), block_size);
        const Winner best = Reduce(storage).Reduce(mine, Better{});
        if (threadIdx.x == 0) {
            output.chi2[kept] = best.minimum.chi2;
            output.profile[kept] = best.minimum.index;
            output.status[kept] = static_cast<unsigned char>(best.status);
        }
        __syncthreads();
    }
}

//! Enough blocks for \p n pieces of work, within what a grid may have; the kernels stride over the rest
unsigned int grid_size(std::int64_t n) {
    constexpr std::int64_t most = 1 << 20;
    return static_cast<unsigned int>(n < most ? (n > 0 ? n : 1) : most);
}

void use_shared_memory(const void* kernel, std::size_t bytes) {
    if (bytes > 48 * 1024) {
        NUSCAN_CUDA_CHECK(
            cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)));
    }
}

} // namespace

void launch_planes(const PlanView& plan, const UnitView& unit, std::int64_t first_plane, std::int64_t n_planes,
                   double* features, double* coefficients, cudaStream_t stream) {
    plane_features_kernel<<<grid_size((n_planes + block_size - 1) / block_size), block_size, 0, stream>>>(
        plan, unit, first_plane, n_planes, features);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
    plane_coefficients_kernel<<<grid_size(n_planes), block_size, 0, stream>>>(plan, n_planes, features, coefficients);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

void launch_rows(const PlanView& plan, const UnitView& unit, std::int64_t first_plane, std::int64_t n_planes,
                 const double* coefficients, const PointOutput& output, cudaStream_t stream) {
    // Long rows take a whole block; short ones a warp, so that fewer lanes idle.
    const dim3 block = unit.row_length >= block_size ? dim3(block_size, 1) : dim3(32, block_size / 32);
    const std::size_t shared = block.y * 3 * static_cast<std::size_t>(plan.n_columns) * sizeof(double);
    use_shared_memory(reinterpret_cast<const void*>(rows_kernel), shared);
    rows_kernel<<<grid_size((n_planes * unit.n_rows + block.y - 1) / block.y), block, shared, stream>>>(
        plan, unit, first_plane, n_planes, coefficients, output);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

void launch_collapse(const PlanView& plan, std::int64_t n_planes, double* coefficients, double* collapsed,
                     cudaStream_t stream) {
    collapse_kernel<<<grid_size(n_planes), block_size, 0, stream>>>(plan, n_planes, coefficients, collapsed);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

void launch_collapsed_rows(const PlanView& plan, const UnitView& unit, std::int64_t first_plane, std::int64_t n_planes,
                           const double* coefficients, const double* collapsed, const PointOutput& output,
                           cudaStream_t stream) {
    const dim3 block = unit.row_length >= block_size ? dim3(block_size, 1) : dim3(32, block_size / 32);
    collapsed_rows_kernel<<<grid_size((n_planes * unit.n_rows + block.y - 1) / block.y), block, 0, stream>>>(
        plan, unit, first_plane, n_planes, coefficients, collapsed, output);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

void launch_direct(const PlanView& plan, const UnitView& unit, int n_rates, const PointOutput& output,
                   cudaStream_t stream) {
    const std::size_t shared = static_cast<std::size_t>(n_rates + plan.n_columns) * sizeof(double);
    use_shared_memory(reinterpret_cast<const void*>(direct_kernel), shared);
    direct_kernel<<<grid_size(unit.n_planes), block_size, shared, stream>>>(plan, unit, n_rates, output);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

void launch_winners(const PlanView& plan, const UnitView& unit, const PointOutput& points, const WinnerOutput& output,
                    cudaStream_t stream) {
    winners_kernel<<<grid_size(unit.n_kept), block_size, 0, stream>>>(plan, unit, points, output);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

} // namespace nuscan::kernels
