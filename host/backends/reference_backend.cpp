// SPDX-License-Identifier: Apache-2.0
#include "backends/backend.hpp"

#include <limits>

#include "backends/reference_model.hpp"

namespace nuscan {
namespace {

/// Every point of a unit by the literal model, one after the other.
class ReferenceBackend : public Backend {
public:
    explicit ReferenceBackend(const Plan& plan) : plan_(plan), model_(plan.config()) {}

    std::string name() const override { return "reference"; }
    std::string device() const override { return "CPU, one thread"; }

    void evaluate(const WorkUnit& unit, UnitResult& result) override {
        const std::vector<Axis>& axes = plan_.config().axes;
        const auto n_kept = static_cast<std::size_t>(unit.view().n_kept);
        // NaN is beaten by every number, and among NaN the lowest index stays.
        const Minimum none{std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<std::int64_t>::max()};
        std::vector<Minimum> best(n_kept, none);
        result.status.assign(n_kept, static_cast<std::uint8_t>(PointStatus::not_a_number));

        // Count through the box like an odometer, the last axis fastest.
        std::vector<std::int64_t> offset(axes.size(), 0);
        std::vector<double> values(axes.size());
        for (bool more = true; more;) {
            std::int64_t kept = 0, profile = 0;
            for (std::size_t i = 0; i < axes.size(); ++i) {
                const AxisRange& range = unit.ranges[i];
                const std::int64_t index = range.begin + offset[i];
                values[i] = axes[i].values[static_cast<std::size_t>(index)];
                kept += offset[i] * range.kept_stride;
                profile += index * range.profile_stride;
            }
            const ReferenceResult point = model_(values);
            Minimum& winner = best[static_cast<std::size_t>(kept)];
            const Minimum candidate{point.chi2, profile};
            const bool first_of_nothing = candidate.chi2 != candidate.chi2 && winner.chi2 != winner.chi2;
            if (candidate.beats(winner) || (first_of_nothing && candidate.index < winner.index)) {
                winner = candidate;
                result.status[static_cast<std::size_t>(kept)] = static_cast<std::uint8_t>(point.status);
            }

            more = false;
            for (std::size_t i = axes.size(); i-- > 0 && !more;) {
                more = ++offset[i] < unit.ranges[i].count;
                if (!more) {
                    offset[i] = 0;
                }
            }
        }
        result.chi2.resize(n_kept);
        for (std::size_t i = 0; i < n_kept; ++i) {
            result.chi2[i] = best[i].chi2;
        }
        result.profile_index.clear();
        if (!plan_.profiled_axes().empty()) {
            for (const Minimum& winner : best) {
                result.profile_index.push_back(winner.index);
            }
        }
    }

private:
    const Plan& plan_;
    ReferenceModel model_;
};

} // namespace

std::unique_ptr<Backend> make_reference_backend(const Plan& plan) { return std::make_unique<ReferenceBackend>(plan); }

} // namespace nuscan
