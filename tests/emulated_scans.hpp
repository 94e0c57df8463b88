// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/backend.hpp"
#include "cuda_backend.hpp"
#include "toy_experiment.hpp"

/// Small scans that pass every barrier of every kernel more than once, as launches are bounded: a block and its warps
/// take several planes, rows and segments one after the other.
namespace nuscan::testing {

struct EmulatedScan {
    std::string name;
    Method method;
    CudaLimits limits;
    ScanConfig config;
};

inline std::vector<EmulatedScan> emulated_scans() {
    const CudaLimits one_block{.batch_bytes = 300000, .blocks = 1, .winner_warps = 8};
    const CudaLimits staged{
        .batch_bytes = 300000, .blocks = 1, .staging_blocks = 1, .shared_memory = 0, .winner_warps = 8};
    // None has the standard model's value, about which planes are expanded: each is moved there first.
    const Axis row = axis("charge_radius.emu.im", range(-3e-31, 4e-31, 11));
    const auto line = [](bool profiled) { return axis("charge.emu.abs", range(1e-14, 1e-12, 40), profiled); };
    const Axis outer = axis("theta23", {0.7, 0.8}, true);

    std::vector<EmulatedScan> all;
    const ScanConfig kept = toy_scan({outer, row, line(false)}), profiled = toy_scan({outer, row, line(true)});
    all.push_back({"rows", Method::moments, one_block, kept});
    all.push_back({"profiled rows", Method::moments, one_block, profiled});
    all.push_back({"staged rows", Method::moments, staged, kept});
    for (const bool is_pulled : {false, true}) {
        for (const ScanConfig& config : {kept, profiled}) {
            EmulatedScan scan{is_pulled ? "collapsed, pulled" : "collapsed", Method::collapsed, one_block, config};
            scan.config.experiments[0] = gaussian(toy_experiment());
            scan.config.experiments[0].signal_sigma = is_pulled ? 0.134 : 0;
            all.push_back(scan);
        }
    }
    EmulatedScan prior = all.back(); // of which not every thread has one to tell of
    prior.config = toy_scan({row, axis("toy.signal", range(0.9, 1.1, 11), true)});
    prior.config.experiments[0] = gaussian(toy_experiment());
    prior.config.experiments[0].signal_sigma = 0.2;
    prior.name = "collapsed, with a prior";
    all.push_back(prior);
    all.push_back({"direct", Method::direct, one_block,
                   toy_scan({axis("charge_radius.emu.im", {-3e-31, 3e-31}), axis("charge.emu.abs", {0, 1e-12})})});
    EmulatedScan slow{"slow axis", Method::moments, one_block,
                      pulsed_scan({axis("theta12", {0.5, 0.7}, true), axis("charge.ee", range(-1e-10, 3e-10, 3))})};
    slow.config.experiments = {gaussian(pulsed_experiment())};
    slow.config.experiments[0].backgrounds[0].sigma = 0.3;
    all.push_back(slow);
    return all;
}

//! Results of all units, one after the other
inline UnitResult evaluate_all(const Plan& plan, const CudaLimits& limits) {
    std::string why_not;
    const std::unique_ptr<Backend> backend = make_cuda_backend(plan, why_not, {}, limits);
    UnitResult all, one;
    for (std::uint64_t u = 0; u < plan.n_units(); ++u) {
        backend->evaluate(plan.unit(u), one);
        all.chi2.insert(all.chi2.end(), one.chi2.begin(), one.chi2.end());
        all.status.insert(all.status.end(), one.status.begin(), one.status.end());
        all.profile_index.insert(all.profile_index.end(), one.profile_index.begin(), one.profile_index.end());
    }
    return all;
}

} // namespace nuscan::testing
