// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <tuple>

#include <Eigen/Dense>

#include "backends/reference_model.hpp"
#include "nuscan/prediction.hpp"
#include "random_physics.hpp"
#include "scan/whitening.hpp"
#include "statistic_sample.hpp"

/// Gaussian χ² with pulls folded into V against V⁻¹ itself, against explicit minimisation and in closed form.
namespace nuscan::testing {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

struct GaussianSample : Sample {
    std::vector<double> errors;
    std::vector<double> covariance{}; // in place of the errors

    Whitening whitening() const { return make_whitening(errors, flat_templates(), sigmas, covariance); }
    ReferenceFit reference() const {
        return reference_gaussian_fit(counts, errors, signal, templates, sigmas, covariance);
    }
    std::vector<double> pulls() const {
        return gaussian_pulls(counts, whitening(), nominal(), flat_templates(), sigmas);
    }
    //! C, without pulls
    Eigen::MatrixXd covariance_matrix() const {
        const auto n = static_cast<Eigen::Index>(counts.size());
        if (!covariance.empty()) {
            return Eigen::Map<const Eigen::MatrixXd>(covariance.data(), n, n);
        }
        return Eigen::Map<const Eigen::VectorXd>(errors.data(), n).cwiseAbs2().asDiagonal();
    }
};

//! Positive definite, with correlations of either sign
std::vector<double> random_covariance(Random& random, int n_bins) {
    Eigen::MatrixXd A(n_bins, n_bins);
    for (double& a : A.reshaped()) {
        a = random.uniform(-2, 2);
    }
    const Eigen::MatrixXd C = A * A.transpose() + Eigen::MatrixXd::Identity(n_bins, n_bins);
    return {C.data(), C.data() + C.size()};
}

GaussianSample random_gaussian_sample(Random& random, int n_bins, int n_pulls, bool correlated = false) {
    GaussianSample s;
    for (int b = 0; b < n_bins; ++b) {
        s.counts.push_back(random.uniform(0, 100));
        s.errors.push_back(random.uniform(0.5, 12));
        s.signal.push_back(random.uniform(0, 20));
    }
    for (int k = 0; k < n_pulls; ++k) {
        std::vector<double> B;
        for (int b = 0; b < n_bins; ++b) {
            B.push_back(random.uniform(0, 30));
        }
        s.templates.push_back(B);
        s.sigmas.push_back(random.integer(0, 2) == 0 ? inf : random.uniform(0.01, 2));
    }
    if (correlated) {
        s.covariance = random_covariance(random, n_bins);
    }
    return s;
}

//! As a scan's tables hold it: whitened prediction and data apart
double whitened_chi2(const GaussianSample& s) {
    const Whitening w = s.whitening();
    std::vector<double> N = s.nominal(), n = s.counts;
    whiten(w.view(s.counts), N.data());
    whiten(w.view(s.counts), n.data());
    double chi2 = 0;
    for (std::size_t b = 0; b < n.size(); ++b) {
        chi2 += (N[b] - n[b]) * (N[b] - n[b]);
    }
    return chi2;
}

double folded_chi2(const GaussianSample& s) {
    const Whitening w = s.whitening();
    const std::vector<double> N = s.nominal();
    return gaussian_chi2(TabulatedPrediction{N.data()}, nullptr, w.view(s.counts));
}

//! rᵀ V⁻¹ r with V as a matrix
double chi2_by_covariance(const GaussianSample& s) {
    const auto n = static_cast<Eigen::Index>(s.counts.size());
    Eigen::MatrixXd V = s.covariance_matrix();
    Eigen::VectorXd r(n);
    const std::vector<double> N = s.nominal();
    for (Eigen::Index b = 0; b < n; ++b) {
        const auto i = static_cast<std::size_t>(b);
        r[b] = N[i] - s.counts[i];
    }
    for (std::size_t k = 0; k < s.sigmas.size(); ++k) {
        const Eigen::Map<const Eigen::VectorXd> B(s.templates[k].data(), n);
        V += s.sigmas[k] * s.sigmas[k] * B * B.transpose();
    }
    return r.dot(V.ldlt().solve(r));
}

double chi2_at(const GaussianSample& s, const std::vector<double>& xi) {
    const auto n = static_cast<Eigen::Index>(s.counts.size());
    Eigen::VectorXd r = Eigen::Map<const Eigen::VectorXd>(s.signal.data(), n);
    r -= Eigen::Map<const Eigen::VectorXd>(s.counts.data(), n);
    double chi2 = 0;
    for (std::size_t k = 0; k < xi.size(); ++k) {
        r += (1 + xi[k]) * Eigen::Map<const Eigen::VectorXd>(s.templates[k].data(), n);
        chi2 += std::pow(xi[k] / s.sigmas[k], 2);
    }
    return chi2 + r.dot(s.covariance_matrix().ldlt().solve(r));
}

//! χ² is a sum of squares of differences: what rounding leaves is relative to the terms, not to the sum
double size_of(const GaussianSample& s) {
    const auto n = static_cast<Eigen::Index>(s.counts.size());
    const Eigen::MatrixXd weights = s.covariance_matrix().ldlt().solve(Eigen::MatrixXd::Identity(n, n));
    double size = 1;
    const std::vector<double> N = s.nominal();
    for (std::size_t b = 0; b < N.size(); ++b) {
        const auto i = static_cast<Eigen::Index>(b);
        size += std::pow(N[b] + s.counts[b], 2) * weights(i, i);
    }
    return size;
}

//! Number of pulls, and whether the errors are correlated
class GaussianPulls : public ::testing::TestWithParam<std::tuple<int, bool>> {
protected:
    static int n_pulls() { return std::get<0>(GetParam()); }
    static bool correlated() { return std::get<1>(GetParam()); }
};

TEST_P(GaussianPulls, folded_is_minimised) {
    Random random(60);
    for (int i = 0; i < 100; ++i) {
        SCOPED_TRACE(i);
        const GaussianSample s =
            random_gaussian_sample(random, random.integer(n_pulls() + 1, 30), n_pulls(), correlated());
        const ReferenceFit reference = s.reference();
        expect_close(folded_chi2(s), reference.chi2, size_of(s), 1e-13, "chi2");
        expect_close(whitened_chi2(s), reference.chi2, size_of(s), 1e-13, "whitened");
        const std::vector<double> xi = s.pulls();
        ASSERT_EQ(xi.size(), s.sigmas.size());
        expect_close(chi2_at(s, xi), reference.chi2, size_of(s), 1e-13, "chi2 at the pulls");
        for (std::size_t k = 0; k < xi.size(); ++k) {
            for (const double step : {-1e-2, 1e-2}) {
                std::vector<double> neighbour = xi;
                neighbour[k] += step;
                EXPECT_GT(chi2_at(s, neighbour), reference.chi2) << "pull " << k;
            }
            EXPECT_NEAR(1 + xi[k], reference.normalisations[k], 1e-7 * (1 + std::abs(xi[k])));
        }
    }
}

TEST_P(GaussianPulls, folded_is_the_covariance) {
    Random random(61);
    for (int i = 0; i < 50; ++i) {
        GaussianSample s = random_gaussian_sample(random, 15, n_pulls(), correlated());
        for (double& sigma : s.sigmas) {
            sigma = random.uniform(0.01, 2);
        }
        const double expected = chi2_by_covariance(s);
        EXPECT_NEAR(folded_chi2(s), expected, 1e-10 * (1 + expected));
    }
}

TEST_P(GaussianPulls, a_free_normalisation_is_the_limit) {
    Random random(62);
    for (int i = 0; i < 20; ++i) {
        GaussianSample free = random_gaussian_sample(random, 20, n_pulls(), correlated()), wide = free;
        free.sigmas.assign(free.sigmas.size(), inf);
        wide.sigmas.assign(wide.sigmas.size(), 1e5);
        EXPECT_NEAR(folded_chi2(free), folded_chi2(wide), 1e-7 * (1 + folded_chi2(free)));
    }
}

INSTANTIATE_TEST_SUITE_P(Statistic, GaussianPulls,
                         ::testing::Combine(::testing::Values(0, 1, 2, 3, max_pulls), ::testing::Bool()));

TEST(GaussianStatistic, one_bin_in_closed_form) {
    // (S + B − n)²/(σ² + σ_k² B²), and ξ = −σ_k² B r/(σ² + σ_k² B²)
    const double n = 12.5, error = 3, S = 4, B = 20, sigma = 0.3, r = S + B - n;
    const double variance = error * error + sigma * sigma * B * B;
    const GaussianSample s{{{n}, {S}, {{B}}, {sigma}}, {error}};
    EXPECT_NEAR(folded_chi2(s), r * r / variance, 1e-14 * r * r);
    EXPECT_NEAR(whitened_chi2(s), r * r / variance, 1e-13 * r * r);
    EXPECT_NEAR(s.reference().chi2, r * r / variance, 1e-13 * r * r);
    EXPECT_NEAR(s.pulls()[0], -sigma * sigma * B * r / variance, 1e-14);
    const GaussianSample free{{{n}, {S}, {{B}}, {inf}}, {error}};
    EXPECT_NEAR(folded_chi2(free), 0, 1e-25);
    EXPECT_NEAR(free.pulls()[0], -r / B, 1e-14);
    const GaussianSample none{{{n}, {S}, {}, {}}, {error}};
    EXPECT_DOUBLE_EQ(folded_chi2(none), std::pow((S - n) / error, 2));
}

TEST(GaussianStatistic, pulls_may_make_a_background_negative) {
    const GaussianSample s{{{1}, {30}, {{10}}, {10}}, {0.1}};
    EXPECT_LT(s.pulls()[0], -2);
    EXPECT_LT(s.reference().normalisations[0], -1);
    expect_close(folded_chi2(s), s.reference().chi2, size_of(s), 1e-13, "chi2");
}

TEST(GaussianStatistic, two_correlated_bins_in_closed_form) {
    // r = (2, −1), errors 0.5 and 3, ρ = −0.6: (x² − 2ρxy + y²)/(1 − ρ²) with x, y = r/σ
    const double rho = -0.6, x = 4, y = -1. / 3;
    const GaussianSample s{{{10, 20}, {12, 19}, {}, {}}, {0.5, 3}, {0.25, -0.9, -0.9, 9}};
    const double expected = (x * x - 2 * rho * x * y + y * y) / (1 - rho * rho);
    EXPECT_NEAR(folded_chi2(s), expected, 1e-13 * expected);
    EXPECT_NEAR(whitened_chi2(s), expected, 1e-12 * expected);
    EXPECT_NEAR(s.reference().chi2, expected, 1e-13 * expected);
}

TEST(GaussianStatistic, a_diagonal_covariance_is_errors) {
    Random random(63);
    for (int i = 0; i < 20; ++i) {
        const GaussianSample s = random_gaussian_sample(random, 12, 3);
        GaussianSample diagonal = s;
        const Eigen::MatrixXd C = s.covariance_matrix();
        diagonal.covariance.assign(C.data(), C.data() + C.size());
        expect_close(folded_chi2(diagonal), folded_chi2(s), size_of(s), 1e-14, "chi2");
        expect_close(diagonal.reference().chi2, s.reference().chi2, size_of(s), 1e-14, "reference");
    }
}

//! Any invertible map of the bins leaves χ² as it is: n → A n and so on, C → A C Aᵀ
TEST(GaussianStatistic, bins_may_be_mixed) {
    Random random(64);
    for (int i = 0; i < 30; ++i) {
        constexpr int n = 9;
        const GaussianSample s = random_gaussian_sample(random, n, 3, i % 2 == 0);
        Eigen::MatrixXd A = 3 * Eigen::MatrixXd::Identity(n, n); // keeps predictions positive
        for (double& a : A.reshaped()) {
            a += random.uniform(0, 1);
        }
        const auto map = [&](std::vector<double>& x) {
            const Eigen::VectorXd mapped = A * Eigen::Map<const Eigen::VectorXd>(x.data(), n);
            x.assign(mapped.begin(), mapped.end());
        };
        GaussianSample mixed = s;
        map(mixed.counts);
        map(mixed.signal);
        std::for_each(mixed.templates.begin(), mixed.templates.end(), map);
        const Eigen::MatrixXd C = A * s.covariance_matrix() * A.transpose();
        mixed.covariance.assign(C.data(), C.data() + C.size());
        expect_close(folded_chi2(mixed), folded_chi2(s), size_of(mixed), 1e-13, "chi2");
        expect_close(mixed.reference().chi2, s.reference().chi2, size_of(mixed), 1e-13, "reference");
        const std::vector<double> xi = s.pulls(), mixed_xi = mixed.pulls();
        for (std::size_t k = 0; k < xi.size(); ++k) {
            EXPECT_NEAR(mixed_xi[k], xi[k], 1e-8 * (1 + std::abs(xi[k]))) << "pull " << k;
        }
    }
}

//! The normalisation of the signal is a pull on one more template
TEST(GaussianStatistic, a_pull_on_the_signal_beside_correlated_errors) {
    Random random(65);
    for (int i = 0; i < 30; ++i) {
        GaussianSample s = random_gaussian_sample(random, 11, random.integer(0, 3), true);
        const double sigma = i % 3 == 0 ? inf : random.uniform(0.05, 1);
        const Whitening w = s.whitening();
        GaussianView view = w.view(s.counts);
        view.signal_weight = 1 / (sigma * sigma);
        const std::vector<double> N = s.nominal(), S = s.signal;
        double xi;
        const double chi2 = gaussian_chi2(TabulatedPrediction{N.data()}, S.data(), view, &xi);
        GaussianSample all = s;
        all.templates.push_back(S);
        all.sigmas.push_back(sigma);
        all.signal.assign(S.size(), 0);
        expect_close(chi2, all.reference().chi2, size_of(all), 1e-13, "chi2");
        EXPECT_NEAR(1 + xi, all.reference().normalisations.back(), 1e-7);
    }
}

//! Two equal free templates: only their sum is determined
TEST(GaussianStatistic, degenerate_templates) {
    const GaussianSample one{{{12, 9, 20}, {1, 2, 3}, {{8, 6, 14}}, {inf}}, {3, 3, 4}};
    const GaussianSample two{{{12, 9, 20}, {1, 2, 3}, {{4, 3, 7}, {4, 3, 7}}, {inf, inf}}, {3, 3, 4}};
    EXPECT_NEAR(folded_chi2(two), folded_chi2(one), 1e-12);
    EXPECT_NEAR(two.reference().chi2, folded_chi2(one), 1e-12);
    EXPECT_NEAR(chi2_at(two, two.pulls()), folded_chi2(one), 1e-12);
}

//! A pulled template like a free one adds nothing: the free one takes it up
TEST(GaussianStatistic, a_pull_along_a_free_template) {
    const GaussianSample one{{{12, 9, 20}, {1, 2, 3}, {{8, 6, 14}}, {inf}}, {3, 3, 4}};
    const GaussianSample two{{{12, 9, 20}, {1, 2, 3}, {{4, 3, 7}, {4, 3, 7}}, {inf, 0.2}}, {3, 3, 4}};
    EXPECT_NEAR(folded_chi2(two), folded_chi2(one), 1e-12);
    EXPECT_NEAR(two.reference().chi2, folded_chi2(one), 1e-12);
}

TEST(GaussianStatistic, NaN_says_so) {
    GaussianSample s{{{12, 9}, {1, std::numeric_limits<double>::quiet_NaN()}, {{8, 6}}, {0.2}}, {3, 3}};
    EXPECT_NE(folded_chi2(s), folded_chi2(s));
    EXPECT_EQ(s.reference().status, PointStatus::not_a_number);
}

} // namespace
} // namespace nuscan::testing
