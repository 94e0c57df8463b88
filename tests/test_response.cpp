// SPDX-License-Identifier: Apache-2.0
// Quadrature nodes, acceptance and moments against adaptive quadrature and closed forms.
#include <gtest/gtest.h>

#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>

#include "backends/reference_model.hpp"
#include "experiments/experiment_file.hpp"
#include "response/quadrature.hpp"
#include "response/response.hpp"
#include "scan/plan.hpp"
#include "toy_experiment.hpp"

namespace nuscan {
namespace {

using testing::fix;

TEST(Quadrature, is_exact_for_polynomials) {
    for (int n = 1; n <= 32; ++n) {
        for (int power = 0; power < 2 * n; ++power) {
            double sum = 0;
            for (const Node& node : gauss_legendre(n)) {
                sum += node.weight * std::pow(node.x, power);
            }
            EXPECT_NEAR(sum, power % 2 ? 0 : 2. / (power + 1), 1e-13) << n << " points, x^" << power;
        }
    }
}

TEST(Quadrature, places_nodes_for_the_asked_tolerance) {
    // 1/x² on [1e-4, 1]: the distance to its singularity is x.
    for (const double tolerance : {1e-4, 1e-7, 1e-10}) {
        std::vector<Node> nodes;
        append_nodes(
            1e-4, 1, [](double x) { return x; }, tolerance, nodes);
        double sum = 0, last = 0;
        for (const Node& node : nodes) {
            sum += node.weight / (node.x * node.x);
            EXPECT_GT(node.x, last);
            last = node.x;
        }
        EXPECT_NEAR(sum, 9999, 9999 * tolerance);
        EXPECT_LT(nodes.size(), 400u);
    }
}

TEST(Acceptance, is_the_integral_of_efficiency_times_gaussian) {
    const EnergyResponse response = testing::toy_experiment().response;
    for (const double T : {3e-4, 1e-3, 2.1e-3, 7e-3, 1.9e-2}) {
        const double sigma = response.sqrt_term * std::sqrt(T) + response.constant_term;
        for (const auto& [low, high] : {std::pair{0., 1e-3}, {1e-3, 3e-3}, {1.8e-3, 2.2e-3}, {3e-3, 4.5e-2}}) {
            const auto efficiency = [&](double E) {
                const Table& t = response.efficiency;
                for (std::size_t i = 0; i + 1 < t.x.size(); ++i) {
                    if (E >= t.x[i] && E <= t.x[i + 1]) {
                        return t.y[i] + (t.y[i + 1] - t.y[i]) * (E - t.x[i]) / (t.x[i + 1] - t.x[i]);
                    }
                }
                return 0.;
            };
            // Midpoints, finely: crude, and independent of everything.
            const int n = 400000;
            double sum = 0;
            for (int i = 0; i < n; ++i) {
                const double E = low + (high - low) * (i + 0.5) / n;
                sum += efficiency(E) * std::exp(-0.5 * std::pow((E - T) / sigma, 2));
            }
            sum *= (high - low) / n / (sigma * std::sqrt(2 * constants::pi));
            EXPECT_NEAR(acceptance(response, T, low, high), sum, 1e-7) << T << " in " << low << " to " << high;
        }
    }
}

TEST(Acceptance, without_resolution_is_a_step) {
    EnergyResponse response;
    EXPECT_EQ(acceptance(response, 1.5e-3, 1e-3, 2e-3), 1);
    EXPECT_EQ(acceptance(response, 2e-3, 1e-3, 2e-3), 0);
    response.efficiency = {{0, 4e-3}, {0, 1}};
    EXPECT_DOUBLE_EQ(acceptance(response, 1e-3, 0, 4e-3), 0.25);
    response.efficiency_of_true_energy = true;
    EXPECT_DOUBLE_EQ(acceptance(response, 3e-3, 0, 4e-3), 0.75);
    EXPECT_EQ(acceptance(response, 5e-3, 0, 9e-3), 0);
}

//! Signal of an experiment at a point, by features and moments
std::vector<double> signal(const ScanConfig& config) {
    const Plan plan(config, Method::moments);
    const ExperimentView& x = plan.view().experiments[0];
    const WorkUnit work = plan.point_unit({});
    std::vector<double> features(static_cast<std::size_t>(plan.view().n_features) * n_plane_coefficients);
    plane_features(plan.view(), work.view(), 0, features.data());
    std::vector<double> counts;
    for (int b = 0; b < x.n_bins; ++b) {
        double sum = 0;
        for (int f = 0; f < x.n_features - x.n_backgrounds; ++f) {
            sum += x.moments[f * x.n_bins + b] * features[static_cast<std::size_t>(f * n_plane_coefficients)];
        }
        counts.push_back(sum);
    }
    return counts;
}

void expect_every_bin(const ScanConfig& config) {
    const std::vector<double> ours = signal(config);
    const ReferencePoint point = reference_point(config.neutrino, config.fixed, {});
    const std::vector<double> arbiter = reference_signal(config.experiments[0], point);
    ASSERT_EQ(ours.size(), arbiter.size());
    for (std::size_t b = 0; b < ours.size(); ++b) {
        EXPECT_NEAR(ours[b], arbiter[b], 1e-8 * arbiter[b]) << "bin " << b;
    }
}

TEST(Moments, reach_1e_8_of_every_bin_of_every_shipped_experiment) {
    for (const std::string& name : experiment_names()) {
        SCOPED_TRACE(name);
        ScanConfig config;
        config.experiments = {read_experiment(find_experiment(name, {}))};
        // The weak, magnetic and charge terms weigh recoil energies by T^0, 1/T and 1/T²: each by itself.
        expect_every_bin(config);
        config.fixed = {fix("magnetic_moment.emu.abs", 1e-9), fix("magnetic_moment.emu.arg", 0.7)};
        expect_every_bin(config);
        config.fixed = {fix("charge.etau.re", 1e-10), fix("charge.etau.im", -2e-10), fix("charge.mumu", 1e-10)};
        expect_every_bin(config);
    }
}

TEST(Moments, reach_1e_8_with_exact_phases_sharp_bins_and_free_electrons) {
    const ScanConfig toy = testing::toy_scan({});
    expect_every_bin(toy);

    ScanConfig sharp = toy; // steps at the bin edges
    sharp.experiments[0].response.sqrt_term = sharp.experiments[0].response.constant_term = 0;
    expect_every_bin(sharp);

    ScanConfig narrow = toy; // far narrower than a bin: panels must find the edges
    narrow.experiments[0].response.sqrt_term = 0;
    narrow.experiments[0].response.constant_term = 2e-6;
    expect_every_bin(narrow);

    ScanConfig free_electrons = toy;
    free_electrons.experiments[0].target.shells = {{8, 0}};
    free_electrons.experiments[0].response.efficiency_of_true_energy = true;
    expect_every_bin(free_electrons);

    ScanConfig far = toy; // many turns of the phase
    far.experiments[0].sources = {toy.experiments[0].sources[1]};
    far.experiments[0].sources[0].baseline = 5000;
    expect_every_bin(far);
}

} // namespace
} // namespace nuscan
