// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backends/backend.hpp"

/// The suite that every back end passes (test_backends.cpp), and whom it is for in the program that it is linked into.
namespace nuscan::testing {

struct Implementation {
    std::string name;
    Method method;
    std::function<std::unique_ptr<Backend>(const Plan&)> make; //!< null where the machine lacks what it needs
    std::string needs;
};
inline void PrintTo(const Implementation& i, std::ostream* out) { *out << i.name; }

//! Those of the program: of each, one for each method
std::vector<Implementation> implementations();

struct Scan {
    std::string name;
    ScanConfig config;
};

//! Scans whose axes are of every kind and in every role: line, row, outer; kept, profiled; fast, medium
std::vector<Scan> scans();
//! The scan by a method; collapsed ones are made Gaussian, and their systematics left out
ScanConfig config_for(const Scan& scan, Method method);

inline std::unique_ptr<Backend> make_baseline(const Plan& plan) {
    return make_cpu_backend(plan, cpu_instruction_sets().back());
}

} // namespace nuscan::testing
