// SPDX-License-Identifier: Apache-2.0
#include "kernels.cuh"

#include <cub/warp/warp_reduce.cuh>

#include <algorithm>

#include "kernels.hpp"

namespace nuscan::kernels {

namespace {

constexpr int block_size = 128;
constexpr int warp_size = 32;

//! The best of a warp, in its first thread. Ordered completely, winners come out the same in whatever order they meet.
__device__ Winner best_of_warp(const Winner& mine) {
    using Reduce = cub::WarpReduce<Winner>;
    __shared__ typename Reduce::TempStorage storage[block_size / warp_size];
    return Reduce(storage[threadIdx.x / warp_size]).Reduce(mine, [](Winner a, const Winner& b) {
        a.offer(b);
        return a;
    });
}

//! Calls work(row, segment) for the segments of a batch, each of which has a warp
template <class Work>
__device__ void for_each_segment(const UnitView& unit, const RowLayout& rows, const PlaneBatch& batch,
                                 const Work& work) {
    const auto segments = static_cast<std::uint32_t>(rows.n_segments);
    const auto n = static_cast<std::uint32_t>(batch.n_planes * unit.n_rows) * segments;
    const std::uint32_t n_warps = blockDim.x / warp_size;
    for (std::uint32_t i = blockIdx.x * n_warps + threadIdx.x / warp_size; i < n; i += gridDim.x * n_warps) {
        const std::uint32_t row = i / segments;
        work(row, static_cast<int>(i - row * segments));
    }
}

__global__ void __launch_bounds__(block_size)
    plane_features_kernel(const __grid_constant__ PlanView plan, const __grid_constant__ UnitView unit,
                          PlaneBatch batch, double* features, PlanePlace* places) {
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * block_size + threadIdx.x;
    if (i < batch.n_planes) {
        plane_features(plan, unit, batch.first_plane + i, features + i * plan.n_features * n_plane_coefficients);
        places[i] = plane_place(plan, unit, batch.first_plane + i);
    }
}

__global__ void __launch_bounds__(block_size)
    plane_coefficients_kernel(const __grid_constant__ PlanView plan, PlaneBatch batch, const double* features,
                              double* out) {
    const int per_plane = n_plane_coefficients * plan.n_columns;
    for (std::int64_t p = blockIdx.x; p < batch.n_planes; p += gridDim.x) {
        for (int i = static_cast<int>(threadIdx.x); i < per_plane; i += block_size) {
            out[p * per_plane + i] = plane_coefficient(plan, features + p * plan.n_features * n_plane_coefficients, i);
        }
    }
}

//! A row's coefficients lie in shared memory, or in \p staging
template <class Bins, bool in_shared_memory>
__global__ void __launch_bounds__(block_size)
    rows_kernel(const __grid_constant__ PlanView plan, const __grid_constant__ UnitView unit,
                const __grid_constant__ RowLayout rows, PlaneBatch batch, const PlanePlace* places,
                const double* coefficients, double* staging, WinnerArrays out) {
    extern __shared__ double shared[];
    const int warp = static_cast<int>(threadIdx.x) / warp_size, thread = static_cast<int>(threadIdx.x) % warp_size;
    const std::size_t place = in_shared_memory ? warp : blockIdx.x * (blockDim.x / warp_size) + warp;
    double* mine = (in_shared_memory ? shared : staging) + place * 3 * plan.n_columns;
    for_each_segment(unit, rows, batch, [&](std::uint32_t r, int segment) {
        const Row row = row_of(plan, unit, rows, places, r, segment);
        const RowTeam<Bins> team{plan, unit, rows, row, thread, warp_size, mine};
        team.stage(coefficients + row.plane * n_plane_coefficients * plan.n_columns);
        __syncwarp();
        Winner best = team.evaluate(out);
        if (rows.line_profiled) {
            best = best_of_warp(best);
            if (thread == 0) {
                store_segment(rows, row, best, out);
            }
        }
        __syncwarp();
    });
}

template <bool pulled>
__global__ void __launch_bounds__(block_size)
    collapse_kernel(const __grid_constant__ PlanView plan, PlaneBatch batch, double* coefficients, double* collapsed) {
    const int n_columns = pulled ? plan.n_columns : plan.n_bins; // the same, but for the compiler
    const int n_numbers = pulled ? n_plane_numbers(plan) : n_collapsed;
    for (std::int64_t p = blockIdx.x; p < batch.n_planes; p += gridDim.x) {
        double* plane = coefficients + p * n_plane_coefficients * plan.n_columns;
        for (int c = static_cast<int>(threadIdx.x); c < n_columns; c += block_size) {
            centre_column(plan, plane, c);
        }
        __syncthreads();
        if constexpr (pulled) {
            for (int b = static_cast<int>(threadIdx.x); b < plan.n_bins; b += block_size) {
                move_bin(plan, plane, b);
            }
            __syncthreads();
        }
        for (int i = static_cast<int>(threadIdx.x); i < n_numbers; i += block_size) {
            collapsed[p * n_numbers + i] = pulled ? plane_number(plan, plane, i) : collapsed_number(plan, plane, i);
        }
    }
}

template <AxisShape shape>
__global__ void __launch_bounds__(block_size)
    collapsed_rows_kernel(const __grid_constant__ PlanView plan, const __grid_constant__ UnitView unit,
                          const __grid_constant__ RowLayout rows, PlaneBatch batch, const PlanePlace* places,
                          const double* coefficients, const double* collapsed, WinnerArrays out) {
    __shared__ double numbers[block_size / warp_size][n_row_numbers];
    for_each_segment(unit, rows, batch, [&](std::uint32_t r, int segment) {
        const Row row = row_of(plan, unit, rows, places, r, segment);
        const CollapsedTeam team{plan,
                                 unit,
                                 rows,
                                 row,
                                 static_cast<int>(threadIdx.x) % warp_size,
                                 warp_size,
                                 numbers[threadIdx.x / warp_size]};
        team.stage(collapsed + row.plane * n_collapsed);
        __syncwarp();
        team.evaluate<shape>(coefficients + row.plane * n_plane_coefficients * plan.n_columns, out);
        __syncwarp();
    });
}

//! Blocks along y share the segments of a row, blocks along x the rows
template <AxisShape shape>
__global__ void __launch_bounds__(block_size)
    collapsed_minima_kernel(const __grid_constant__ PlanView plan, const __grid_constant__ UnitView unit,
                            const __grid_constant__ RowLayout rows, PlaneBatch batch, const PlanePlace* places,
                            const double* coefficients, const double* collapsed, WinnerArrays slots) {
    using Minima = CollapsedMinima<shape>;
    __shared__ LineSegment<shape> line;
    const int segment = static_cast<int>(blockIdx.y), thread = static_cast<int>(threadIdx.x);
    const bool prior = line.stage(plan, unit, static_cast<std::int64_t>(segment) * segment_points, thread, block_size);
    const bool has_prior = __syncthreads_or(prior) != 0;
    line.stage_extents(thread, block_size);
    __syncthreads();
    const Minima minima{plan, unit, line, has_prior};
    const auto n = static_cast<std::uint32_t>(batch.n_planes * unit.n_rows);
    for (std::uint32_t r = (blockIdx.x * block_size + threadIdx.x) * Minima::n_rows; r < n;
         r += gridDim.x * block_size * Minima::n_rows) {
        Row mine[Minima::n_rows];
        Winner winners[Minima::n_rows];
        for (int k = 0; k < Minima::n_rows; ++k) { // beyond the end the last row is done twice
            mine[k] = row_of(plan, unit, rows, places, r + k < n ? r + k : n - 1, segment);
        }
        minima.evaluate(mine, collapsed, coefficients, winners);
        for (int k = 0; k < Minima::n_rows; ++k) {
            store_segment(rows, mine[k], winners[k], slots);
        }
    }
}

//! Rows with signals that pulls act on
template <AxisShape shape>
__global__ void __launch_bounds__(block_size)
    pulled_rows_kernel(const __grid_constant__ PlanView plan, const __grid_constant__ UnitView unit,
                       const __grid_constant__ RowLayout rows, PlaneBatch batch, const PlanePlace* places,
                       const double* coefficients, const double* collapsed, WinnerArrays out) {
    __shared__ double numbers[block_size / warp_size][PulledTeam::n_numbers];
    const int warp = static_cast<int>(threadIdx.x) / warp_size, thread = static_cast<int>(threadIdx.x) % warp_size;
    for_each_segment(unit, rows, batch, [&](std::uint32_t r, int segment) {
        const Row row = row_of(plan, unit, rows, places, r, segment);
        const PulledTeam team{plan, unit, rows, row, thread, warp_size, numbers[warp]};
        team.stage(collapsed + row.plane * n_plane_numbers(plan));
        __syncwarp();
        Winner best = team.evaluate<shape>(coefficients + row.plane * n_plane_coefficients * plan.n_columns, out);
        if (rows.line_profiled) {
            best = best_of_warp(best);
            if (thread == 0) {
                store_segment(rows, row, best, out);
            }
        }
        __syncwarp();
    });
}

__global__ void __launch_bounds__(block_size)
    couplings_kernel(const __grid_constant__ PlanView plan, const __grid_constant__ UnitView unit, PlaneBatch batch,
                     PlaneCouplings* couplings, PlanePlace* places) {
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * block_size + threadIdx.x;
    if (i < batch.n_planes) {
        couplings[i] = plane_couplings(plan.parameters, plan.layout, unit, batch.first_plane + i);
        places[i] = plane_place(plan, unit, batch.first_plane + i);
    }
}

__global__ void __launch_bounds__(block_size)
    direct_kernel(const __grid_constant__ PlanView plan, const __grid_constant__ UnitView unit, PlaneBatch batch,
                  const PlaneCouplings* couplings, double* columns) {
    constexpr int n_rates = 2048;
    __shared__ double rates[n_rates];
    for (std::int64_t i = blockIdx.x; i < batch.n_planes; i += gridDim.x) {
        const DirectTeam team{
            plan,    unit,  batch.first_plane + i,       static_cast<int>(threadIdx.x), block_size, couplings[i],
            n_rates, rates, columns + i * plan.n_columns};
        for (int e = 0; e < plan.n_experiments; ++e) {
            const ExperimentView& experiment = plan.experiments[e];
            team.start_bins(experiment); // a thread's own bins: no barrier before it adds to them
            for (int c = 0; c < experiment.n_contributions; ++c) {
                const ContributionView& contribution = experiment.contributions[c];
                for (int first = 0; first < contribution.n_recoils; first += n_rates) {
                    team.evaluate_rates(contribution, first);
                    __syncthreads();
                    team.add_bins(experiment, contribution, first);
                    __syncthreads();
                }
            }
            team.finish_bins(experiment);
        }
        team.evaluate_columns();
    }
}

template <PullCount count>
__global__ void __launch_bounds__(block_size)
    direct_chi2_kernel(const __grid_constant__ PlanView plan, const __grid_constant__ UnitView unit,
                       const __grid_constant__ RowLayout rows, PlaneBatch batch, const PlanePlace* places,
                       const double* columns, WinnerArrays out) {
    const std::uint32_t i = blockIdx.x * block_size + threadIdx.x;
    if (i < batch.n_planes) {
        const Row row = row_of(plan, unit, rows, places, i, 0);
        const Chi2 chi2 = direct_chi2<count>(plan, columns + static_cast<std::size_t>(i) * plan.n_columns, row.penalty);
        store_point(unit, rows, row, 0, chi2, out);
    }
}

//! A warp to each chunk of each kept point
__global__ void __launch_bounds__(block_size)
    winners_kernel(const __grid_constant__ PlanView plan, const __grid_constant__ UnitView unit,
                   const __grid_constant__ RowLayout rows, PlaneBatch batch, std::int64_t n_chunks,
                   WinnerArrays partial) {
    const int thread = static_cast<int>(threadIdx.x) % warp_size;
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * (block_size / warp_size) + threadIdx.x / warp_size;
    if (i >= unit.n_kept * n_chunks) {
        return;
    }
    const std::int64_t kept = i / n_chunks;
    const Winner best =
        best_of_warp(best_slot(plan, unit, rows, batch, kept, i - kept * n_chunks, n_chunks, thread, warp_size));
    if (thread == 0) {
        partial.store(i, best);
    }
}

//! A warp to each kept point
__global__ void __launch_bounds__(block_size)
    merge_kernel(std::int64_t n_kept, std::int64_t n_chunks, WinnerArrays partial, bool first, WinnerArrays winners) {
    const int thread = static_cast<int>(threadIdx.x) % warp_size;
    const std::int64_t kept =
        static_cast<std::int64_t>(blockIdx.x) * (block_size / warp_size) + threadIdx.x / warp_size;
    if (kept >= n_kept) {
        return;
    }
    Winner best;
    for (std::int64_t i = thread; i < n_chunks; i += warp_size) {
        best.offer(partial.load(kept * n_chunks + i));
    }
    best = best_of_warp(best);
    if (thread == 0) {
        if (!first) {
            best.offer(winners.load(kept));
        }
        winners.store(kept, best);
    }
}

//! A block to each source
__global__ void __launch_bounds__(block_size) flux_integrals_kernel(const __grid_constant__ SignalsView signals) {
    const SpectrumTeam team{signals.spectra[blockIdx.x], static_cast<int>(threadIdx.x), block_size};
    team.integrate();
    __syncthreads();
    team.add_up();
}

//! Blocks along y to the scatterers
__global__ void __launch_bounds__(block_size) nuclei_kernel(const __grid_constant__ SignalsView signals) {
    evaluate_nuclei(signals, static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.x * block_size + threadIdx.x));
}

//! Blocks along y to the contributions
__global__ void __launch_bounds__(block_size) rates_kernel(const __grid_constant__ SignalsView signals) {
    evaluate_rates(signals, static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.x * block_size + threadIdx.x));
}

//! A block to each feature
__global__ void __launch_bounds__(block_size) moments_kernel(const __grid_constant__ SignalsView signals) {
    const FeatureTeam team{signals, static_cast<int>(blockIdx.x), static_cast<int>(threadIdx.x), block_size};
    team.sum_bins();
    __syncthreads();
    team.whiten();
}

unsigned int blocks_for(std::int64_t n, std::int64_t per_block) {
    return static_cast<unsigned int>((n + per_block - 1) / per_block);
}

//! The same for kernels that stride over what a grid of this size leaves
unsigned int striding_blocks(const CudaLimits& limits, std::int64_t n, std::int64_t per_block) {
    return std::min(blocks_for(n, per_block), limits.blocks);
}

std::size_t most_shared_memory(const CudaLimits& limits) {
    int device = 0, bytes = 0;
    NUSCAN_CUDA_CHECK(cudaGetDevice(&device));
    NUSCAN_CUDA_CHECK(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
    const std::size_t left = static_cast<std::size_t>(bytes) - 1024; // by static arrays of the kernels
    return std::min(left, limits.shared_memory);
}

template <class Kernel>
void use_shared_memory(Kernel* kernel, std::size_t bytes) {
    if (bytes > 48 * 1024) {
        NUSCAN_CUDA_CHECK(
            cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)));
    }
}

std::size_t row_bytes(const PlanView& plan) { return 3 * static_cast<std::size_t>(plan.n_columns) * sizeof(double); }

template <class Bins>
void launch_rows_of(const UnitLaunch& x, const PlaneBatch& batch, const PlanePlace* places, const double* coefficients,
                    double* staging, const WinnerArrays& out) {
    const std::int64_t n_segments = batch.n_planes * x.unit.n_rows * x.rows.n_segments;
    if (staging != nullptr) {
        const unsigned int blocks = std::min(x.limits.staging_blocks, blocks_for(n_segments, block_size / warp_size));
        rows_kernel<Bins, false>
            <<<blocks, block_size, 0, x.stream>>>(x.plan, x.unit, x.rows, batch, places, coefficients, staging, out);
    } else {
        const std::size_t warps =
            std::min<std::size_t>(most_shared_memory(x.limits) / row_bytes(x.plan), block_size / warp_size);
        const std::size_t bytes = warps * row_bytes(x.plan);
        use_shared_memory(rows_kernel<Bins, true>, bytes);
        rows_kernel<Bins, true><<<striding_blocks(x.limits, n_segments, static_cast<std::int64_t>(warps)),
                                  static_cast<unsigned int>(warps) * warp_size, bytes, x.stream>>>(
            x.plan, x.unit, x.rows, batch, places, coefficients, staging, out);
    }
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

template <AxisShape shape>
void launch_collapsed_rows_of(const UnitLaunch& x, const PlaneBatch& batch, bool pulled, const PlanePlace* places,
                              const double* coefficients, const double* collapsed, const WinnerArrays& out) {
    const std::int64_t n_rows = batch.n_planes * x.unit.n_rows;
    const unsigned int blocks = striding_blocks(x.limits, n_rows * x.rows.n_segments, block_size / warp_size);
    if (pulled) {
        pulled_rows_kernel<shape>
            <<<blocks, block_size, 0, x.stream>>>(x.plan, x.unit, x.rows, batch, places, coefficients, collapsed, out);
    } else if (x.rows.line_profiled) {
        const dim3 grid(striding_blocks(x.limits, n_rows, block_size * CollapsedMinima<shape>::n_rows),
                        static_cast<unsigned int>(x.rows.n_segments));
        collapsed_minima_kernel<shape>
            <<<grid, block_size, 0, x.stream>>>(x.plan, x.unit, x.rows, batch, places, coefficients, collapsed, out);
    } else {
        collapsed_rows_kernel<shape>
            <<<blocks, block_size, 0, x.stream>>>(x.plan, x.unit, x.rows, batch, places, coefficients, collapsed, out);
    }
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

} // namespace

cudaError_t find_code() {
    cudaFuncAttributes attributes{};
    return cudaFuncGetAttributes(&attributes, rates_kernel);
}

void launch_signals(const SignalsView& signals, cudaStream_t stream) {
    if (signals.n_contributions == 0) {
        return; // no sources
    }
    flux_integrals_kernel<<<static_cast<unsigned int>(signals.n_spectra), block_size, 0, stream>>>(signals);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
    if (signals.most_recoils > 0) {
        const unsigned int blocks = blocks_for(signals.most_recoils, block_size);
        nuclei_kernel<<<dim3(blocks, static_cast<unsigned int>(signals.n_scatterers)), block_size, 0, stream>>>(
            signals);
        NUSCAN_CUDA_CHECK(cudaGetLastError());
        rates_kernel<<<dim3(blocks, static_cast<unsigned int>(signals.n_contributions)), block_size, 0, stream>>>(
            signals);
        NUSCAN_CUDA_CHECK(cudaGetLastError());
    }
    moments_kernel<<<static_cast<unsigned int>(signals.n_features), block_size, 0, stream>>>(signals);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

void launch_planes(const UnitLaunch& x, const PlaneBatch& batch, double* features, PlanePlace* places,
                   double* coefficients) {
    plane_features_kernel<<<blocks_for(batch.n_planes, block_size), block_size, 0, x.stream>>>(x.plan, x.unit, batch,
                                                                                               features, places);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
    plane_coefficients_kernel<<<striding_blocks(x.limits, batch.n_planes, 1), block_size, 0, x.stream>>>(
        x.plan, batch, features, coefficients);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

std::size_t rows_staging(const PlanView& plan, const CudaLimits& limits) {
    const std::size_t rows = std::size_t{limits.staging_blocks} * (block_size / warp_size);
    return row_bytes(plan) <= most_shared_memory(limits) ? 0 : rows * 3 * static_cast<std::size_t>(plan.n_columns);
}

void launch_rows(const UnitLaunch& x, const PlaneBatch& batch, BinsKind kind, const PlanePlace* places,
                 const double* coefficients, double* staging, const WinnerArrays& out) {
    switch (kind) {
    case BinsKind::gaussian:
        return launch_rows_of<GaussianBins>(x, batch, places, coefficients, staging, out);
    case BinsKind::one_pull:
        return launch_rows_of<OnePullBins>(x, batch, places, coefficients, staging, out);
    case BinsKind::many_pulls:
        return launch_rows_of<ManyPullsBins>(x, batch, places, coefficients, staging, out);
    case BinsKind::systematics:
        return launch_rows_of<SystematicsBins>(x, batch, places, coefficients, staging, out);
    }
}

void launch_collapse(const UnitLaunch& x, const PlaneBatch& batch, bool pulled, double* coefficients,
                     double* collapsed) {
    const auto kernel = pulled ? collapse_kernel<true> : collapse_kernel<false>;
    kernel<<<striding_blocks(x.limits, batch.n_planes, 1), block_size, 0, x.stream>>>(x.plan, batch, coefficients,
                                                                                      collapsed);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

void launch_collapsed_rows(const UnitLaunch& x, const PlaneBatch& batch, AxisShape line_shape, bool pulled,
                           const PlanePlace* places, const double* coefficients, const double* collapsed,
                           const WinnerArrays& out) {
    if (line_shape == AxisShape::linear) {
        launch_collapsed_rows_of<AxisShape::linear>(x, batch, pulled, places, coefficients, collapsed, out);
    } else {
        launch_collapsed_rows_of<AxisShape::circular>(x, batch, pulled, places, coefficients, collapsed, out);
    }
}

void launch_couplings(const UnitLaunch& x, const PlaneBatch& batch, PlaneCouplings* couplings, PlanePlace* places) {
    couplings_kernel<<<blocks_for(batch.n_planes, block_size), block_size, 0, x.stream>>>(x.plan, x.unit, batch,
                                                                                          couplings, places);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

void launch_direct(const UnitLaunch& x, const PlaneBatch& batch, const PlaneCouplings* couplings,
                   const PlanePlace* places, double* predictions, const WinnerArrays& out) {
    direct_kernel<<<striding_blocks(x.limits, batch.n_planes, 1), block_size, 0, x.stream>>>(x.plan, x.unit, batch,
                                                                                             couplings, predictions);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
    const auto chi2_kernel =
        x.plan.n_systematics > 0 ? direct_chi2_kernel<PullCount::any> : direct_chi2_kernel<PullCount::several>;
    chi2_kernel<<<blocks_for(batch.n_planes, block_size), block_size, 0, x.stream>>>(x.plan, x.unit, x.rows, batch,
                                                                                     places, predictions, out);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

std::int64_t winner_chunks(const PlanView& plan, const UnitView& unit, const CudaLimits& limits) {
    return std::clamp<std::int64_t>(limits.winner_warps / unit.n_kept, 1, n_profiled_planes(unit, plan.layout));
}

void launch_winners(const UnitLaunch& x, const PlaneBatch& batch, std::int64_t n_chunks, const WinnerArrays& partial,
                    const WinnerArrays& winners) {
    constexpr int n_warps = block_size / warp_size;
    winners_kernel<<<blocks_for(x.unit.n_kept * n_chunks, n_warps), block_size, 0, x.stream>>>(
        x.plan, x.unit, x.rows, batch, n_chunks, partial);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
    merge_kernel<<<blocks_for(x.unit.n_kept, n_warps), block_size, 0, x.stream>>>(x.unit.n_kept, n_chunks, partial,
                                                                                  batch.first_plane == 0, winners);
    NUSCAN_CUDA_CHECK(cudaGetLastError());
}

} // namespace nuscan::kernels
