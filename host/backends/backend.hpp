// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scan/plan.hpp"

namespace nuscan {

/// What a back end returns of a work unit: one entry per kept point of its tile, row-major.
struct UnitResult {
    std::vector<double> chi2;
    std::vector<std::uint8_t> status; //!< PointStatus of the winner
    std::vector<std::int64_t>
        profile_index; //!< flat index over the profiled axes of the winner; empty where there are none
};

/// Evaluates work units of the plan it was made with. Interchangeable: reference, cpu and cuda give the same results
/// within rounding, and each gives the same bytes for a unit however often and in whatever order it is asked.
class Backend {
public:
    virtual ~Backend() = default;
    virtual std::string name() const = 0;   //!< "reference", "cpu" or "cuda"
    virtual std::string device() const = 0; //!< what it runs on
    //! Of the host code that decides the bytes of results, as -march
    virtual std::string instruction_set() const;
    //! Makes the tables that a unit will need, on any thread, while another unit is evaluated
    virtual void prepare(const WorkUnit&) const {}
    virtual void evaluate(const WorkUnit& unit, UnitResult& result) = 0;
};

//! Literal triple sums by adaptive quadrature, one thread: the arbiter. Ignores the plan's method.
std::unique_ptr<Backend> make_reference_backend(const Plan& plan);

/// The shared bodies on all cores, in vectors of the best instruction set, or of the one that the environment variable
/// NUSCAN_INSTRUCTION_SET names. \throws InputError where it names none of cpu_instruction_sets().
std::unique_ptr<Backend> make_cpu_backend(const Plan& plan);
std::unique_ptr<Backend> make_cpu_backend(const Plan& plan, const std::string& instruction_set);
//! Instruction sets this build has vector code for and this machine runs, best first
std::vector<std::string> cpu_instruction_sets();

enum class BackendChoice { automatic, cpu, cuda, reference };

/// A back end as the user names it.
struct BackendRequest {
    BackendChoice choice = BackendChoice::automatic;
    std::optional<int> device = {}; //!< number of a CUDA device, among those that are visible
};

/// Makes the back end asked for; automatic is the GPU where there is one that this build's kernels run on, else the
/// CPU. \param notice one line for the user where automatic falls back to the CPU in a build that has CUDA; else empty.
/// \throws InputError where CUDA or a device is asked for by name and this build or machine has none.
std::unique_ptr<Backend> make_backend(const BackendRequest& request, const Plan& plan, std::string& notice);

} // namespace nuscan
