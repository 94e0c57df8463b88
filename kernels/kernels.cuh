// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device_memory.hpp"
#include "kernels.hpp"

/// Launchers: one per step of a work unit. All pointers are to device memory, all work goes to \p stream.
namespace nuscan::kernels {

//! The best candidate of every kept point
struct WinnerOutput {
    double* chi2;
    std::int64_t* profile;
    unsigned char* status;
};

//! Features (n_features × 9 a plane), then plane coefficients (9 × n_bins a plane)
void launch_planes(const PlanView& plan, const UnitView& unit, std::int64_t first_plane, std::int64_t n_planes,
                   double* features, double* coefficients, cudaStream_t stream);

//! χ² of all points of the planes
void launch_rows(const PlanView& plan, const UnitView& unit, std::int64_t first_plane, std::int64_t n_planes,
                 const double* coefficients, const PointOutput& output, cudaStream_t stream);

//! Centres plane coefficients, then collapses them: n_collapsed numbers a plane
void launch_collapse(const PlanView& plan, std::int64_t n_planes, double* coefficients, double* collapsed,
                     cudaStream_t stream);

//! χ² of all points of collapsed planes
void launch_collapsed_rows(const PlanView& plan, const UnitView& unit, std::int64_t first_plane, std::int64_t n_planes,
                           const double* coefficients, const double* collapsed, const PointOutput& output,
                           cudaStream_t stream);

//! χ² of all points by the direct method; \p n_rates is the largest number of recoil nodes of a contribution
void launch_direct(const PlanView& plan, const UnitView& unit, int n_rates, const PointOutput& output,
                   cudaStream_t stream);

//! Minimises over the profiled points of the unit
void launch_winners(const PlanView& plan, const UnitView& unit, const PointOutput& points, const WinnerOutput& output,
                    cudaStream_t stream);

} // namespace nuscan::kernels
