// SPDX-License-Identifier: Apache-2.0
#include "scan/operations.hpp"

#include <cmath>
#include <random>

#include "backends/kept_ratios.hpp"
#include "nuscan/collapsed_signals.hpp"

namespace nuscan {

namespace {

/// A Real of the shared bodies that counts.
struct Counted {
    double value = 0;

    Counted() = default;
    explicit Counted(double x) : value(x) {}

    static thread_local Operations done;

    static Counted arithmetic(double x) {
        ++done.arithmetic;
        return Counted(x);
    }
    static bool comparison(bool truth) {
        ++done.arithmetic;
        return truth;
    }
    static Counted division(double x) {
        ++done.divisions;
        return Counted(x);
    }

    friend Counted operator-(Counted x) { return Counted(-x.value); } // these two are part of what comes next
    friend Counted fabs(Counted x) { return Counted(std::fabs(x.value)); }
    friend Counted operator+(Counted x, Counted y) { return arithmetic(x.value + y.value); }
    friend Counted operator-(Counted x, Counted y) { return arithmetic(x.value - y.value); }
    friend Counted operator*(Counted x, Counted y) { return arithmetic(x.value * y.value); }
    friend Counted operator/(Counted x, Counted y) { return division(x.value / y.value); }
    friend bool operator<(Counted x, Counted y) { return comparison(x.value < y.value); }
    friend bool operator>(Counted x, Counted y) { return comparison(x.value > y.value); }
    friend bool operator<=(Counted x, Counted y) { return comparison(x.value <= y.value); }
    friend bool operator>=(Counted x, Counted y) { return comparison(x.value >= y.value); }

    friend Counted fma(Counted x, Counted y, Counted z) { return arithmetic(std::fma(x.value, y.value, z.value)); }
    friend Counted min(Counted x, Counted y) { return arithmetic(nuscan::min(x.value, y.value)); }
    friend Counted max(Counted x, Counted y) { return arithmetic(nuscan::max(x.value, y.value)); }
    friend Counted select(bool condition, Counted yes, Counted no) {
        return arithmetic(nuscan::select(condition, yes.value, no.value));
    }
    friend Counted sqrt(Counted x) { return division(std::sqrt(x.value)); }
    friend Counted log(Counted x) {
        ++done.logarithms;
        return Counted(std::log(x.value));
    }
    friend Counted log1p(Counted x) {
        ++done.logarithms;
        return Counted(std::log1p(x.value));
    }
    friend Counted take_exponent(Counted& x) { return arithmetic(nuscan::take_exponent(x.value)); }
};

thread_local Operations Counted::done;

//! A point of a row by the method `moments`; \p row as in row_fit()
void count_bins(const PlanView& plan, const double* row, const AxisFactors& line) {
    const Counted u(line.u), v(line.v);
    std::vector<Counted> kept(static_cast<std::size_t>(plan.n_columns));
    const KeptPoints<Counted, RowPoint<Counted>> at{{row, plan.n_columns, u, v}, kept.data()};
    for (int e = 0; e < plan.n_experiments; ++e) {
        const ExperimentView& x = plan.experiments[e];
        Counted xi[max_pulls];
        if (x.is_gaussian()) {
            gaussian_term(x, at(x));
        } else if (!x.pulled_with_others) {
            poisson_fit(at(x), x.statistic, xi);
        }
    }
    for (int i = 0; i < plan.n_systematics; ++i) {
        Counted z[max_systematics];
        systematics_fit<OneBin<Counted>>(plan.systematics[i], at.columns(), z);
    }
}

//! A point of a row by the method `collapsed`: whatever the numbers of the row are, it takes the same
template <AxisShape shape>
void count_collapsed(const PlanView& plan, const AxisFactors& line) {
    const double signals[max_collapsed_signals * n_row_signal] = {};
    const PulledRow row{{}, signals, n_pulled_signals(plan)};
    const Counted u(line.u), v(line.v);
    const Counted chi2 =
        row.n_signals > 0 ? pulled_chi2<shape>(row, u, v).value : collapsed_chi2<shape>(row.bins, u, v);
    min(chi2, chi2); // with the best so far, or with zero
}

/// Number of multiply-adds at all nodes of the direct method, and over its bins.
///
/// At a node: V, X†Y for the five pairs of scattering_coefficients(), tr(ρ X†Y) of each, and the sum of five kernels.
double direct_arithmetic(const PlanView& plan) {
    constexpr double complex_product = 4, matrix_product = 27 * complex_product, trace_of_product = 9 * 2;
    constexpr double per_node = 9 * 2 + 5 * (matrix_product + trace_of_product) + 5;
    double sum = 0;
    for (int e = 0; e < plan.n_experiments; ++e) {
        const ExperimentView& x = plan.experiments[e];
        for (int c = 0; c < x.n_contributions; ++c) {
            const ContributionView& contribution = x.contributions[c];
            sum += per_node * contribution.first_node[contribution.n_recoils];
            sum += static_cast<double>(contribution.n_recoils) * x.n_bins;
        }
    }
    return sum;
}

//! Multiply-adds that make the form and the norms of a plane (collapsed_number), a bin
int collapsed_products() {
    int n = n_plane_coefficients;
    for (int i = 0; i < n_products * n_products; ++i) {
        const Product line = product(i / n_products), row = product(i % n_products);
        n += line.i != line.k && row.i != row.k ? 2 : 1;
    }
    return n;
}

//! What rows and planes of a unit add to each of its points
double shared_arithmetic(const Plan& plan, const PlanView& view) {
    const WorkUnit work = plan.unit(0);
    const UnitView unit = work.view();
    const auto points_of_row = static_cast<double>(unit.row_length);
    const double points_of_plane = points_of_row * static_cast<double>(unit.n_rows);
    double plane = 0;
    for (int e = 0; e < view.n_experiments; ++e) { // prediction_coefficient
        const ExperimentView& x = view.experiments[e];
        const int n_features = x.n_features + (x.has_signal_column() ? x.n_features - x.n_backgrounds : 0);
        plane += n_plane_coefficients * static_cast<double>(n_features) * x.n_bins;
    }
    double row = 3 * 2 * view.n_columns; // row_coefficient
    if (plan.method() == Method::collapsed) {
        constexpr int form = n_products * 5, norms = 3 * 2; // collapsed_row_number
        const int n_signals = n_pulled_signals(view);
        plane += collapsed_products() * static_cast<double>(view.n_bins);
        for (int s = 0; s < n_signals; ++s) { // x·s takes two sums for each of the products' one
            plane += (3 * collapsed_products() - 2 * n_plane_coefficients) *
                     static_cast<double>(pulled_experiment(view, s).n_bins);
        }
        row = form + norms + n_signals * (2 * form + norms);
    }
    return row / points_of_row + plane / points_of_plane;
}

} // namespace

Operations operations_per_point(const Plan& plan) {
    const WorkUnit first = plan.unit(0);
    const std::shared_ptr<const Tables> tables = plan.tables(first);
    const PlanView& view = tables->view();
    if (plan.method() == Method::direct) {
        return {direct_arithmetic(view), 0, 0};
    }
    const auto n_columns = static_cast<std::size_t>(view.n_columns);
    std::vector<double> features(static_cast<std::size_t>(view.n_features) * n_plane_coefficients),
        plane(n_columns * n_plane_coefficients), row(n_columns * 3);
    constexpr int n_samples = 64; // steps of a pull differ from point to point
    std::mt19937_64 generator(1);
    Counted::done = {};
    for (int sample = 0; sample < n_samples; ++sample) {
        std::vector<std::int64_t> indices;
        for (const Axis& axis : plan.config().axes) {
            indices.push_back(static_cast<std::int64_t>(generator() % axis.values.size()));
        }
        for (const int axis : plan.slow_axes()) { // those of the tables
            indices[static_cast<std::size_t>(axis)] = first.ranges[static_cast<std::size_t>(axis)].begin;
        }
        const WorkUnit work = plan.point_unit(indices);
        const UnitView unit = work.view();
        const AxisFactors line = axis_factors(view, unit, view.layout.line_axis, 0);
        if (plan.method() == Method::collapsed) {
            const bool circular = axis_shape(view, view.layout.line_axis) == AxisShape::circular;
            circular ? count_collapsed<AxisShape::circular>(view, line)
                     : count_collapsed<AxisShape::linear>(view, line);
            continue;
        }
        plane_features(view, unit, 0, features.data());
        for (int i = 0; i < n_plane_coefficients; ++i) {
            for (int c = 0; c < view.n_columns; ++c) {
                plane[static_cast<std::size_t>(i) * n_columns + static_cast<std::size_t>(c)] =
                    column_coefficient(view, features.data(), c, i);
            }
        }
        const AxisFactors factors = axis_factors(view, unit, view.layout.row_axis, 0);
        for (int i = 0; i < 3; ++i) {
            for (int c = 0; c < view.n_columns; ++c) {
                row[static_cast<std::size_t>(i) * n_columns + static_cast<std::size_t>(c)] =
                    row_coefficient(plane.data(), view.n_columns, i, c, factors);
            }
        }
        count_bins(view, row.data(), line);
    }
    return {Counted::done.arithmetic / n_samples + shared_arithmetic(plan, view), Counted::done.divisions / n_samples,
            Counted::done.logarithms / n_samples};
}

double result_bytes_per_point(const Plan& plan) {
    double per_kept = sizeof(double) + 1, points_of_kept = 1;
    for (const int axis : plan.profiled_axes()) {
        per_kept += sizeof(double);
        points_of_kept *= static_cast<double>(plan.config().axes[static_cast<std::size_t>(axis)].values.size());
    }
    return per_kept / points_of_kept;
}

} // namespace nuscan
