// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "scan/plan.hpp"

namespace nuscan {

/// Operations that χ² of a point takes, on average.
struct Operations {
    double arithmetic =
        0; //!< fused multiply-adds, sums, products, minima, comparisons, selections: one instruction each
    double divisions = 0;  //!< and square roots
    double logarithms = 0; //!< and sines, cosines: with divisions what takes longer than an instruction
};

/// Counts them by running the bodies of the plan's method, at random points, on a number that counts what is done with
/// it; what a row and a plane share is divided by their points. Of the direct method, whose bodies know only `double`,
/// the matrix products at its nodes. All is counted from below, so that a time that follows from it is a limit: planes
/// without their features, the direct method without its quadrature's trigonometry.
Operations operations_per_point(const Plan& plan);

//! What a point leaves in the result, on average [bytes]: χ², status and minimising values of the kept ones
double result_bytes_per_point(const Plan& plan);

} // namespace nuscan
