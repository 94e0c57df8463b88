// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <vector>

namespace nuscan::testing {

//! A bin's term of Poisson's χ²: 2 [N − n + n ln(n/N)]
inline double poisson_term(double N, double n) { return n > 0 ? 2 * (N - n + n * std::log(n / N)) : 2 * N; }

//! An experiment's numbers, whatever its statistic
struct Sample {
    std::vector<double> counts;                 // n_b
    std::vector<double> signal;                 // and whatever has a fixed normalisation
    std::vector<std::vector<double>> templates; // B_kb
    std::vector<double> sigmas;
    double signal_sigma = 0; // of a pull on the signal

    std::vector<double> flat_templates() const {
        std::vector<double> flat;
        for (const std::vector<double>& B : templates) {
            flat.insert(flat.end(), B.begin(), B.end());
        }
        return flat;
    }
    std::vector<double> nominal() const {
        std::vector<double> N = signal;
        for (const std::vector<double>& B : templates) {
            for (std::size_t b = 0; b < N.size(); ++b) {
                N[b] += B[b];
            }
        }
        return N;
    }
};

} // namespace nuscan::testing
