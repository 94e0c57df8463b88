// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda_backend.hpp"
#include "device_memory.hpp"
#include "kernels.hpp"
#include "signals.hpp"

/// Launchers: one per step of a batch of planes. All pointers are to device memory, all work goes to one stream.
namespace nuscan::kernels {

/// What every step of a work unit takes.
struct UnitLaunch {
    const PlanView& plan;
    const UnitView& unit;
    const RowLayout& rows;
    const CudaLimits& limits;
    cudaStream_t stream;
};

//! Whether the calling thread's device runs the kernels of this build: success, or what stands against it
cudaError_t find_code();

//! Integrals of fluxes, form factors, rates, then moments in all bins, whitened where they are asked for so
void launch_signals(const SignalsView& signals, cudaStream_t stream);

//! Features (n_features × 9 a plane) and places, then plane coefficients (9 × n_columns a plane)
void launch_planes(const UnitLaunch& unit, const PlaneBatch& batch, double* features, PlanePlace* places,
                   double* coefficients);

//! Numbers of global memory that launch_rows() needs where shared memory does not hold a row's coefficients; else 0.
//! \p plan may be on the host.
std::size_t rows_staging(const PlanView& plan, const CudaLimits& limits);

//! χ² of all points of the planes, to the slots or, where nothing is profiled, to \p out
void launch_rows(const UnitLaunch& unit, const PlaneBatch& batch, BinsKind kind, const PlanePlace* places,
                 const double* coefficients, double* staging, const WinnerArrays& out);

//! Centres plane coefficients, then collapses them: n_plane_numbers() a plane; \p pulled is whether pulls act on
//! signals
void launch_collapse(const UnitLaunch& unit, const PlaneBatch& batch, bool pulled, double* coefficients,
                     double* collapsed);

//! As launch_rows(), of collapsed planes; \p line_shape is that of the line axis
void launch_collapsed_rows(const UnitLaunch& unit, const PlaneBatch& batch, AxisShape line_shape, bool pulled,
                           const PlanePlace* places, const double* coefficients, const double* collapsed,
                           const WinnerArrays& out);

//! Couplings and places of a batch's points, each a plane of its own
void launch_couplings(const UnitLaunch& unit, const PlaneBatch& batch, PlaneCouplings* couplings, PlanePlace* places);

//! χ² of its points by the direct method; \p columns takes n_columns a point
void launch_direct(const UnitLaunch& unit, const PlaneBatch& batch, const PlaneCouplings* couplings,
                   const PlanePlace* places, double* columns, const WinnerArrays& out);

//! Parts into which the planes of a kept point are divided, so that few kept points fill a device too; \p plan and
//! \p unit are on the host
std::int64_t winner_chunks(const PlanView& plan, const UnitView& unit, const CudaLimits& limits);

/// Merges the slots of a batch into the winners of the kept points; the first batch finds none there.
/// \p partial takes winner_chunks() a kept point.
void launch_winners(const UnitLaunch& unit, const PlaneBatch& batch, std::int64_t n_chunks, const WinnerArrays& partial,
                    const WinnerArrays& winners);

} // namespace nuscan::kernels
