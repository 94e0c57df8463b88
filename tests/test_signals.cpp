// SPDX-License-Identifier: Apache-2.0
// Moments for other values of slow parameters: those that the kernels make, on the emulated device, and the response
// that all values share.
#include <gtest/gtest.h>

#include <numeric>
#include <optional>

#include "device_plan.hpp"
#include "kernels.cuh"
#include "toy_experiment.hpp"

namespace nuscan {
namespace {

using testing::axis;
using testing::pulsed_experiment;
using testing::pulsed_scan;
using testing::range;
using testing::toy_scan;

std::vector<double> moments_of(const ExperimentView& x) {
    return {x.moments, x.moments + static_cast<std::ptrdiff_t>(x.n_features) * x.n_bins};
}

std::vector<double> whitened_moments_of(const ExperimentView& x) {
    const double* const first = x.gaussian.moments;
    return {first, first + static_cast<std::ptrdiff_t>(x.n_features) * x.gaussian.n_bins};
}

/// Moments on the device, as the CUDA back end keeps them.
class DeviceMoments {
public:
    explicit DeviceMoments(const Plan& plan) : plan_(plan) {
        device_plan_.assign(plan.tables(plan.unit(0))->view(), stream_);
        signals_.emplace(plan, device_plan_, stream_);
    }
    void update(const WorkUnit& unit) {
        const auto setting = plan_.setting(unit);
        kernels::launch_signals(signals_->update(*setting, stream_), stream_);
    }
    std::vector<double> of(std::size_t e) const {
        const ExperimentView& x = device_plan_.packed().experiments()[e];
        return download(x.moments, x.n_features * x.n_bins);
    }
    std::vector<double> whitened_of(std::size_t e) const {
        const ExperimentView& x = device_plan_.packed().experiments()[e];
        return download(x.gaussian.moments, x.n_features * x.gaussian.n_bins);
    }

private:
    std::vector<double> download(const double* device, int size) const {
        std::vector<double> host(static_cast<std::size_t>(size));
        NUSCAN_CUDA_CHECK(
            cudaMemcpyAsync(host.data(), device, host.size() * sizeof(double), cudaMemcpyDeviceToHost, stream_));
        stream_.synchronize();
        return host;
    }

    const Plan& plan_;
    DevicePlan device_plan_;
    std::optional<DeviceSignals> signals_;
    Stream stream_;
};

//! The kernels' moments are the host's, bit for bit, at every value of the slow parameters and in any order of these
void expect_moments_of_the_host(const ScanConfig& config, Method method = Method::moments) {
    const Plan plan(config, method);
    ASSERT_GT(plan.n_units(), 1u);
    DeviceMoments device(plan);
    std::vector<double> before;
    for (std::uint64_t u = plan.n_units(); u-- > 0;) { // what is there at first is that of the first unit
        const WorkUnit unit = plan.unit(u);
        device.update(unit);
        const auto tables = plan.tables(unit);
        std::vector<double> all;
        for (std::size_t e = 0; e < config.experiments.size(); ++e) {
            const ExperimentView& host = tables->view().experiments[e];
            EXPECT_EQ(device.of(e), moments_of(host)) << host.n_bins << " bins, unit " << u;
            EXPECT_EQ(device.whitened_of(e), whitened_moments_of(host)) << "unit " << u;
            const std::vector<double> here = moments_of(host);
            all.insert(all.end(), here.begin(), here.end());
        }
        EXPECT_NE(all, before);
        before = all;
    }
}

TEST(Signals, of_a_far_source_follow_a_splitting) {
    ScanConfig config = toy_scan({axis("dm31", {2.4e-3, 2.5e-3, 2.7e-3}), axis("charge.emu.re", {0, 1e-12})});
    config.neutrino.mixing.delta = 1.3;
    Source& reactor = config.experiments[0].sources[1];
    ASSERT_EQ(reactor.propagation, Propagation::exact);
    reactor.baseline = 250000;                                                     // 8000 rad at 0.2 MeV
    EXPECT_GT(EnergyPanels(reactor, config.neutrino.mixing).view().n_panels, 128); // than a block has threads
    expect_moments_of_the_host(config);
}

TEST(Signals, of_the_sun_follow_a_mixing_angle) {
    expect_moments_of_the_host(pulsed_scan({axis("theta12", range(0.5, 0.7, 3)), axis("charge.ee", {0, 1e-10})}));
}

TEST(Signals, of_nuclei_follow_a_radius) {
    expect_moments_of_the_host(
        pulsed_scan({axis("neutron_radius.Y133", {4.7, 5.3}), axis("proton_radius.X40", {3.3, 3.6}, true)}));
}

TEST(Signals, are_whitened_where_pulls_are_gaussian) {
    ScanConfig config = pulsed_scan({axis("pulsed.baseline", {2e4, 3.1e4}), axis("charge.mumu", {0, 1e-10})});
    config.experiments[0] = testing::gaussian(pulsed_experiment());
    config.experiments[0].backgrounds.push_back({"slope", {1, 2, 3, 4, 5, 6}, false, 0.3});
    expect_moments_of_the_host(config);
    expect_moments_of_the_host(config, Method::collapsed);
    config.experiments[0] = testing::correlated(pulsed_experiment());
    config.experiments.push_back(testing::toy_experiment()); // which the baseline leaves alone
    expect_moments_of_the_host(config);
}

TEST(Signals, are_made_anew_only_where_a_slow_axis_moves_them) {
    ScanConfig config = pulsed_scan({axis("neutron_radius.X40", {3.3, 3.6}), axis("theta12", {0.5, 0.6})});
    config.experiments.push_back(testing::toy_experiment());
    const Plan plan(config, Method::moments);
    EXPECT_FALSE(plan.is_constant(0));
    EXPECT_TRUE(plan.is_constant(1));
    const auto first = plan.setting(plan.unit(0)), last = plan.setting(plan.unit(plan.n_units() - 1));
    EXPECT_NE(first, last);
    EXPECT_EQ(&first->inputs[0]->response(), &last->inputs[0]->response());
    EXPECT_NE(first->inputs[0], last->inputs[0]);
    EXPECT_EQ(first->inputs[1], last->inputs[1]);
    EXPECT_EQ(first, plan.setting(plan.unit(0)));
}

//! The largest deviation between moments, relative to the first component, which has no phases that cancel; bins that
//! hold next to nothing beside the others have fewer digits
double deviation(const MomentInputs& ours, const MomentInputs& theirs, const Experiment& experiment) {
    const auto all = contribution_moments(ours), others = contribution_moments(theirs);
    const auto n_bins = static_cast<std::size_t>(experiment.n_bins());
    double largest = 0;
    for (std::size_t c = 0; c < all.size(); ++c) {
        const std::size_t n_features = all[c].size() / n_bins, components = n_features / n_feature_matrices;
        for (std::size_t f = 0; f < n_features; ++f) {
            const double* first = others[c].data() + f / components * components * n_bins;
            const double sum =
                std::accumulate(first, first + n_bins, 0.0, [](double a, double b) { return a + std::abs(b); });
            for (std::size_t b = 0; b < n_bins; ++b) {
                const double difference = all[c][f * n_bins + b] - others[c][f * n_bins + b];
                largest = std::max(largest, std::abs(difference) / (std::abs(first[b]) + 1e-4 * sum));
            }
        }
    }
    return largest;
}

TEST(Signals, of_largest_values_have_nodes_for_all_others) {
    Experiment largest = pulsed_experiment(), other = largest;
    Mixing most;
    most.dm31 = 2.9e-3;
    largest.sources[1].baseline = 3e5; // 200 rad at 10 MeV
    largest.target.nuclides[0].nuclide.neutron_radius = 4.5;
    const auto for_largest = std::make_shared<const Response>(make_response(largest, most));
    const auto for_other = std::make_shared<const Response>(make_response(other, Mixing{}));
    EXPECT_LT(deviation({other, Mixing{}, for_largest}, {other, Mixing{}, for_other}, other), 1e-8);
    EXPECT_GT(deviation({largest, most, for_other}, {largest, most, for_largest}, other), 1e-8);
}

} // namespace
} // namespace nuscan
