// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

/// Functions of the reconstructed energy that backgrounds may have instead of counts: their integrals over bins, one
/// for each two neighbours of \p edges [MeV], up to a common factor.
namespace nuscan {

std::vector<double> constant_integrals(const std::vector<double>& edges);

//! Of exp(−E/scale), \p scale in MeV
std::vector<double> exponential_integrals(const std::vector<double>& edges, double scale);

//! A Gaussian peak
struct Peak {
    double energy; //!< [MeV]
    double width;  //!< σ [MeV]
    double area;   //!< relative to that of other peaks, with what lies beyond the bins
};

std::vector<double> peak_integrals(const std::vector<double>& edges, const std::vector<Peak>& peaks);

} // namespace nuscan
