// SPDX-License-Identifier: Apache-2.0
#include <omp.h>

#include <cstdlib>
#include <fstream>

#include "backends/backend.hpp"
#include "backends/cpu_worker.hpp"
#include "config/error.hpp"

namespace nuscan {

namespace {

std::string processor_name() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.rfind("model name", 0) == 0) {
            return line.substr(line.find(':') + 2);
        }
    }
    return "CPU";
}

struct InstructionSet {
    std::string name;
    EvaluateUnit* evaluate_unit;
};

//! Those of this build that the processor has and the operating system lets programs use, best first
std::vector<InstructionSet> instruction_sets() {
    std::vector<InstructionSet> sets;
#ifdef NUSCAN_HAVE_X86_64_V4
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        sets.push_back({"x86-64-v4", x86_64_v4::evaluate_unit});
    }
#endif
    sets.push_back({NUSCAN_INSTRUCTION_SET, baseline::evaluate_unit});
    return sets;
}

InstructionSet find_instruction_set(const std::string& name) {
    for (const InstructionSet& set : instruction_sets()) {
        if (name == set.name || name.empty()) {
            return set;
        }
    }
    std::string list;
    for (const std::string& known : cpu_instruction_sets()) {
        list += (list.empty() ? "" : " and ") + known;
    }
    throw InputError({"$NUSCAN_INSTRUCTION_SET", 0}, "no instruction set \"" + name + "\"",
                     "this build has " + list + " for this processor", "leave it unset for the fastest?");
}

class CpuBackend final : public Backend {
public:
    CpuBackend(const Plan& plan, InstructionSet set) : plan_(plan), set_(std::move(set)) {}

    std::string name() const override { return "cpu"; }
    std::string device() const override {
        return processor_name() + ", " + std::to_string(omp_get_max_threads()) + " threads";
    }
    std::string instruction_set() const override { return set_.name; }

    void prepare(const WorkUnit& work) const override { plan_.tables(work); }

    void evaluate(const WorkUnit& work, UnitResult& result) override {
        const std::shared_ptr<const Tables> tables = plan_.tables(work);
        const UnitView unit = work.view();
        const auto n_kept = static_cast<std::size_t>(unit.n_kept);
        result.chi2.resize(n_kept);
        result.profile_index.resize(unit.profiled ? n_kept : 0);
        result.status.resize(n_kept);
        // Kept points that are not profiled belong to one thread each; only profiled ones need a copy per thread.
        std::vector<Winner> winners(unit.profiled ? static_cast<std::size_t>(omp_get_max_threads()) * n_kept : 0);
        FirstException failure;
        set_.evaluate_unit(tables->view(), unit, plan_.method(), winners.data(), result, failure);
        failure.rethrow();
        for (std::size_t i = 0; unit.profiled && i < n_kept; ++i) {
            Winner best;
            for (std::size_t copy = i; copy < winners.size(); copy += n_kept) {
                best.offer(winners[copy]);
            }
            result.chi2[i] = best.minimum.chi2;
            result.profile_index[i] = best.minimum.index;
            result.status[i] = static_cast<std::uint8_t>(best.status);
        }
    }

private:
    const Plan& plan_;
    InstructionSet set_;
};

} // namespace

std::vector<std::string> cpu_instruction_sets() {
    std::vector<std::string> names;
    for (const InstructionSet& set : instruction_sets()) {
        names.push_back(set.name);
    }
    return names;
}

std::unique_ptr<Backend> make_cpu_backend(const Plan& plan) {
    const char* name = std::getenv("NUSCAN_INSTRUCTION_SET");
    return make_cpu_backend(plan, name ? name : "");
}

std::unique_ptr<Backend> make_cpu_backend(const Plan& plan, const std::string& instruction_set) {
    return std::make_unique<CpuBackend>(plan, find_instruction_set(instruction_set));
}

} // namespace nuscan
