// SPDX-License-Identifier: Apache-2.0
// The loop a physicist writes in C++ once it is clear that counts are N0 + μ² N_μ + q N_q + q² N_qq: one thread.
// Reads what lz_numpy.py writes; prints points per second and the smallest χ².
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <vector>

std::vector<double> read(int n) {
    std::vector<double> values(n);
    for (double& value : values) {
        std::cin >> value;
    }
    return values;
}

int main() {
    int n_bins, n_mu, n_q;
    double sigma;
    std::cin >> n_bins >> sigma;
    const auto n = read(n_bins), B = read(n_bins), N0 = read(n_bins), Nmu = read(n_bins), Nq = read(n_bins),
               Nqq = read(n_bins);
    std::cin >> n_mu;
    const auto mus = read(n_mu);
    std::cin >> n_q;
    const auto qs = read(n_q);
    double best_time = 1e300, minimum = 1e300;
    std::vector<double> S(n_bins);
    for (int repeat = 0; repeat < 100; ++repeat) {
        const auto start = std::chrono::steady_clock::now();
        for (double mu : mus) {
            for (double q : qs) {
                for (int b = 0; b < n_bins; ++b) {
                    S[b] = N0[b] + mu * mu * Nmu[b] + q * (Nq[b] + q * Nqq[b]);
                }
                double xi = 0;
                for (int iteration = 0; iteration < 20; ++iteration) { // Newton's method for the pull
                    double slope = xi / (sigma * sigma), curvature = 1 / (sigma * sigma);
                    for (int b = 0; b < n_bins; ++b) {
                        const double r = B[b] / (S[b] + (1 + xi) * B[b]);
                        slope += B[b] - n[b] * r;
                        curvature += n[b] * r * r;
                    }
                    xi = std::max(xi - slope / curvature, (xi - 1) / 2);
                    if (slope * slope < 1e-12 * curvature) {
                        break;
                    }
                }
                double chi2 = xi * xi / (sigma * sigma);
                for (int b = 0; b < n_bins; ++b) {
                    const double N = S[b] + (1 + xi) * B[b];
                    chi2 += 2 * (N - n[b] + (n[b] > 0 ? n[b] * std::log(n[b] / N) : 0));
                }
                minimum = std::min(minimum, chi2);
            }
        }
        best_time =
            std::min(best_time, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    std::printf("%.6g %.15g\n", n_mu * double(n_q) / best_time, minimum);
}
