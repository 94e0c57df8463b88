// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "nuscan/features.hpp"
#include "nuscan/grid.hpp"
#include "nuscan/prediction.hpp"
#include "random_physics.hpp"

/// Features, plane coefficients and the grid: that a prediction factorises exactly.
namespace nuscan::testing {
namespace {

constexpr double L = 3e4; // m

//! Weights of Term, as the couplings are defined: V0 = … + K (⟨r²⟩ − 6a), V1 = −(κ/2m_e) e, M = μ − iε
struct TermKind {
    Coupling coupling;
    Complex weight;
    double size; // of a parameter that matters at T = 1 keV
};
const TermKind charge{Coupling::V1, -constants::charge_coupling, 1e-13};
const TermKind charge_radius{Coupling::V0, constants::radius_coupling, 2e-31};
const TermKind anapole{Coupling::V0, -6 * constants::radius_coupling, 4e-32};
const TermKind magnetic{Coupling::M, 1, 4e-12};
const TermKind electric{Coupling::M, Complex(0, -1), 4e-12};
const TermKind sin2_theta_w{Coupling::V0, 2, 0.3}; // g_V = 2 sin²θ_W − 1/2, with the reference value 0

//! Interactions that may go together: complete couplings, or flavour-blind ones
std::vector<Interaction> complete_couplings() {
    std::vector<Interaction> some;
    for (const Interaction& interaction : all_interactions()) {
        if (interaction.scheme != CouplingScheme::flavour_blind) {
            some.push_back(interaction);
        }
    }
    return some;
}
std::vector<Interaction> flavour_blind_couplings() {
    return {{Target::electron, CouplingScheme::flavour_blind}, {Target::nucleus, CouplingScheme::flavour_blind}};
}

/// A grid built by hand: axes, terms and mixing, and the views that the core reads.
class Grid {
public:
    MixingScalars mixing{};
    Basis basis = Basis::flavour;
    double sin2 = 0.23;
    std::vector<Interaction> interactions = complete_couplings();
    std::vector<Term> terms;

    int add_axis(std::vector<double> values, AxisShape shape) {
        Table& t = tables_.emplace_back();
        t.value = std::move(values);
        for (const double x : t.value) {
            t.u.push_back(shape == AxisShape::linear ? x : std::cos(x));
            t.v.push_back(shape == AxisShape::linear ? x * x : std::sin(x));
        }
        t.penalty.assign(t.value.size(), 0);
        axes_.push_back({t.value.data(), t.u.data(), t.v.data(), t.penalty.data(),
                         static_cast<std::int64_t>(t.value.size()), shape});
        return static_cast<int>(axes_.size()) - 1;
    }
    void add(const TermKind& kind, Pattern pattern, Part part, int row, int column, Scalar value,
             Scalar argument = {}) {
        terms.push_back({kind.coupling, kind.weight, pattern, part, row, column, value, argument});
    }
    const std::vector<AxisView>& axes() const { return axes_; }
    ParameterView view() const {
        ParameterView view{};
        view.axes = axes_.data();
        view.n_axes = static_cast<int>(axes_.size());
        view.mixing = mixing;
        view.basis = basis;
        view.sin2_theta_w = sin2;
        for (const Interaction& interaction : interactions) {
            view.interactions[view.n_interactions++] = interaction;
        }
        view.terms = terms.data();
        view.n_terms = static_cast<int>(terms.size());
        return view;
    }

    //! The whole grid as one unit, planes in row-major order of the axes that the layout does not span
    struct Unit {
        std::vector<AxisRange> ranges;
        UnitView view{};
    };
    Unit unit(const PlaneLayout& layout) const {
        Unit unit;
        unit.ranges.resize(axes_.size());
        std::int64_t planes = 1;
        for (std::size_t i = axes_.size(); i-- > 0;) {
            AxisRange& range = unit.ranges[i];
            range = {0, axes_[i].size, 0, 0, 0};
            if (!layout.spans(static_cast<int>(i))) {
                range.plane_stride = planes;
                planes *= axes_[i].size;
            }
        }
        const auto size = [&](int axis) { return axis < 0 ? 1 : axes_[static_cast<std::size_t>(axis)].size; };
        unit.view = {unit.ranges.data(),
                     static_cast<int>(axes_.size()),
                     planes,
                     size(layout.row_axis),
                     size(layout.line_axis),
                     1,
                     false};
        return unit;
    }
    //! Index on every axis of a point of a plane
    std::vector<std::int64_t> indices(const Unit& unit, const PlaneLayout& layout, std::int64_t plane, std::int64_t row,
                                      std::int64_t column) const {
        std::vector<std::int64_t> at;
        for (int i = 0; i < static_cast<int>(axes_.size()); ++i) {
            at.push_back(i == layout.line_axis  ? column
                         : i == layout.row_axis ? row
                                                : plane / unit.ranges[i].plane_stride % unit.ranges[i].count);
        }
        return at;
    }
    //! A unit of one point, for a layout that spans nothing
    static Unit point(const std::vector<std::int64_t>& indices) {
        Unit unit;
        for (const std::int64_t i : indices) {
            unit.ranges.push_back({i, 1, 1, 0, 0});
        }
        unit.view = {unit.ranges.data(), static_cast<int>(unit.ranges.size()), 1, 1, 1, 1, false};
        return unit;
    }

private:
    struct Table {
        std::vector<double> value, u, v, penalty;
    };
    std::deque<Table> tables_; // stays where it is
    std::vector<AxisView> axes_;
};

MixingScalars scalars(const Mixing& m) {
    return {{m.theta12, -1}, {m.theta13, -1}, {m.theta23, -1}, {m.delta, -1},
            {m.alpha21, -1}, {m.alpha31, -1}, {m.dm21, -1},    {m.dm31, -1}};
}

//! Every flavour and propagation: what a group of features is, but for the interaction
std::vector<FeatureGroup> all_groups(int interaction) {
    std::vector<FeatureGroup> groups{{Flavour::e, Propagation::solar, interaction}};
    for (const Flavour flavour : {Flavour::e, Flavour::mu, Flavour::tau}) {
        for (const Propagation propagation :
             {Propagation::exact, Propagation::short_baseline, Propagation::decohered}) {
            groups.push_back({flavour, propagation, interaction});
        }
    }
    return groups;
}

std::string describe_group(const FeatureGroup& group) {
    return "flavour " + std::to_string(static_cast<int>(group.flavour)) + " propagation " +
           std::to_string(static_cast<int>(group.propagation)) + " interaction " + std::to_string(group.interaction);
}

//! Fixed elements everywhere, so that every term interferes with others
void add_everything(Grid& grid, Random& random) {
    for (const TermKind* kind : {&charge, &charge_radius, &anapole, &magnetic, &electric}) {
        const auto value = [&] { return Scalar{random.uniform(-1, 1) * kind->size}; };
        for (int j = 0; j < 3; ++j) {
            grid.add(*kind, Pattern::hermitian, Part::real, j, j, value());
            for (int k = j + 1; k < 3; ++k) {
                grid.add(*kind, Pattern::hermitian, Part::real, j, k, value());
                grid.add(*kind, Pattern::hermitian, Part::imaginary, j, k, value());
            }
        }
    }
}

std::vector<double> features(const ParameterView& view, const PlaneCouplings& plane, const FeatureGroup& group,
                             AxisShape line, AxisShape row) {
    const int stride = n_components(group.propagation) * n_plane_coefficients;
    std::vector<double> out(static_cast<std::size_t>(n_feature_matrices * stride), 0.0);
    for (int m = 0; m < n_feature_matrices; ++m) {
        feature_coefficients(view, plane, group, m, line, row, out.data() + m * stride);
    }
    return out;
}

//! Σ_m Σ_c φ_mc K_m w_c, and the size of its terms
struct Sum {
    double value = 0, size = 0;
};
Sum factorised(const std::vector<double>& phi, const FeatureKernels& kernels, const Mixing& mixing, const Beam& beam,
               double E) {
    const int n = n_components(beam.propagation);
    const ComponentWeights weights = component_weights(mixing, beam, E);
    Sum sum;
    for (int m = 0; m < n_feature_matrices; ++m) {
        for (int component = 0; component < n; ++component) {
            const double term = phi[static_cast<std::size_t>((m * n + component) * n_plane_coefficients)] *
                                kernels.value[m] * weights.value[component];
            sum.value += term;
            sum.size += std::abs(term);
        }
    }
    return sum;
}

// ---------------------------------------------------------------------------------------------------------------------

//! Σ_m Σ_c φ_mc K_m(E, T) w_c(E) = dσ/dT: what the moments integrate is the cross-section of the reference
TEST(Features, with_kernels_give_the_cross_section_on_electrons) {
    Random random(21);
    for (int i = 0; i < 30; ++i) {
        const double T = std::exp(random.uniform(std::log(2e-4), std::log(0.2)));
        const double E = min_neutrino_energy(T, constants::electron_mass) + random.uniform(0.01, 3);
        const ReferencePoint p = random_point(random, T);
        const double n = random.uniform(1, 40);
        TargetMaterial target;
        target.shells = {{n, 0.5 * T}};
        Channel channel;
        BoundElectrons atom{n};
        if (i % 2 == 1) {
            const double weak = i % 4 == 1 ? 0.6 : 1.7;
            channel.charge_interferes = i % 3 > 0;
            channel.weak_correction = {{0.5 * T, 2 * T}, {weak, weak}};
            channel.magnetic_correction = {{0.5 * T, 2 * T}, {0.8, 0.8}};
            channel.photoabsorption = {{0.5 * T, 2 * T}, {1e-20, 1e-20}};
            channel.atomic = AtomicModel::equivalent_photon;
            atom = BoundElectrons{n, weak, 0.8, channel.charge_interferes ? largest_interference(weak) : 0, 1e-20};
        }
        const std::vector<Interaction> interactions = all_interactions();
        for (std::size_t k = 0; k < 3; ++k) {
            Grid grid;
            grid.interactions = {interactions[k]};
            const ParameterView view = grid.view();
            PlaneCouplings plane{};
            plane.U = mixing_matrix(p.mixing);
            plane.base[0] = core_couplings(p, interactions[k], false);
            for (const Beam& beam : all_beams(L)) {
                SCOPED_TRACE(describe(beam) + describe(interactions[k]));
                const FeatureGroup group{beam.flavour, beam.propagation, 0};
                const std::vector<double> phi = features(view, plane, group, AxisShape::linear, AxisShape::linear);
                const Sum sum =
                    factorised(phi, feature_kernels(atom, E, T, beam.antineutrino ? -1 : 1), p.mixing, beam, E);
                expect_close(sum.value,
                             reference_atomic_cross_section(p, interactions[k].scheme, beam, target, channel, E, T),
                             sum.size, 3e-13 + phase_tolerance(p.mixing, beam, E));
            }
        }
    }
}

TEST(Features, with_kernels_give_the_cross_section_on_nuclei) {
    Random random(28);
    const Nuclide x = test_nuclide();
    const std::vector<Interaction> interactions = all_interactions();
    for (int i = 0; i < 30; ++i) {
        const double E = random.uniform(1, 50), T = max_recoil(E, x.mass) * random.uniform(1e-3, 1);
        const ReferencePoint p = random_nuclear_point(random, T, x.mass);
        const Channel channel = nuclear_channel(NuclearFormFactor::klein_nystrand, i % 2 == 1);
        const NucleusAtRecoil nucleus = core_nucleus(x, channel, T);
        for (std::size_t k = 3; k < 6; ++k) {
            Grid grid;
            grid.interactions = {interactions[k]};
            const ParameterView view = grid.view();
            PlaneCouplings plane{};
            plane.U = mixing_matrix(p.mixing);
            plane.base[0] = core_couplings(p, interactions[k], false);
            const double g_n = neutron_vector_coupling(interactions[k].scheme);
            for (const Beam& beam : all_beams(L)) {
                SCOPED_TRACE(describe(beam) + describe(interactions[k]));
                const FeatureGroup group{beam.flavour, beam.propagation, 0};
                const std::vector<double> phi = features(view, plane, group, AxisShape::linear, AxisShape::linear);
                const Sum sum = factorised(phi, feature_kernels(nucleus, E, T, g_n), p.mixing, beam, E);
                expect_close(sum.value,
                             reference_nuclear_cross_section(p, interactions[k].scheme, beam, x, channel, E, T),
                             sum.size, 1e-12 + phase_tolerance(p.mixing, beam, E));
            }
        }
    }
}

TEST(Features, terms_fill_the_matrices_of_form_factors) {
    Random random(22);
    for (const Basis basis : {Basis::flavour, Basis::mass}) {
        const Mixing mixing = random.mixing();
        const Matrix3 U = mixing_matrix(mixing);
        FormFactors given{};
        Grid grid;
        grid.mixing = scalars(mixing);
        grid.basis = basis;
        const std::pair<const TermKind*, Matrix3*> all[] = {{&charge, &given.charge},
                                                            {&charge_radius, &given.charge_radius},
                                                            {&anapole, &given.anapole},
                                                            {&magnetic, &given.magnetic},
                                                            {&electric, &given.electric}};
        for (const auto& [kind, matrix] : all) {
            const double universal = random.uniform(-1, 1) * kind->size;
            const double diagonal = random.uniform(-1, 1) * kind->size;
            const double re = random.uniform(-1, 1) * kind->size, im = random.uniform(-1, 1) * kind->size;
            const double abs = random.uniform(0, 1) * kind->size, arg = random.uniform(0, 6);
            grid.add(*kind, Pattern::universal, Part::real, 0, 0, {universal});
            grid.add(*kind, Pattern::hermitian, Part::real, 1, 1, {diagonal});
            grid.add(*kind, Pattern::hermitian, Part::real, 0, 2, {re});
            grid.add(*kind, Pattern::hermitian, Part::imaginary, 0, 2, {im});
            grid.add(*kind, Pattern::hermitian, Part::polar, 0, 1, {abs}, {arg});
            Matrix3cd X = universal * Matrix3cd::Identity();
            X(1, 1) += diagonal;
            X(0, 2) = Complexd(re, im);
            X(2, 0) = Complexd(re, -im);
            X(0, 1) = std::polar(abs, arg);
            X(1, 0) = std::polar(abs, -arg);
            *matrix = from_eigen(basis == Basis::mass ? X : Matrix3cd(to_eigen(U).adjoint() * X * to_eigen(U)));
        }
        const Grid::Unit unit = Grid::point({});
        const auto compare = [](const Matrix3& found, const Matrix3& wanted) {
            EXPECT_LE((to_eigen(found) - to_eigen(wanted)).norm(), 1e-14 * to_eigen(wanted).norm());
        };
        for (const std::vector<Interaction>& together : {complete_couplings(), flavour_blind_couplings()}) {
            grid.interactions = together;
            const PlaneCouplings plane = plane_couplings(grid.view(), PlaneLayout{}, unit.view, 0);
            EXPECT_EQ(plane.n_directions, 0);
            for (std::size_t k = 0; k < together.size(); ++k) {
                const Couplings expected = couplings(together[k], given, U, grid.sin2);
                compare(plane.base[k].V0, expected.V0);
                compare(plane.base[k].V1, expected.V1);
                compare(plane.base[k].A, expected.A);
                compare(plane.base[k].M, expected.M);
            }
        }
    }
}

//! M_jk = ε_jkl Λ_l by antisymmetric terms, against the reference's map from Λ to μ and ε
TEST(Features, antisymmetric_terms_are_Majorana_moments) {
    Random random(29);
    const std::pair<int, int> places[] = {{1, 2}, {2, 0}, {0, 1}};
    NeutrinoConfig neutrino;
    neutrino.majorana = true;
    neutrino.basis = Basis::mass;
    neutrino.mixing = random.mixing();
    Grid grid;
    grid.mixing = scalars(neutrino.mixing);
    grid.basis = Basis::mass;
    std::vector<FixedParameter> fixed;
    const auto give = [&](int l, Parameter::Part part, double value) {
        Parameter p;
        p.kind = Parameter::Kind::majorana_moment;
        p.row = l;
        p.part = part;
        fixed.push_back({p, value});
    };
    for (int l = 0; l < 3; ++l) {
        const auto [row, column] = places[l];
        const double a = random.uniform(-1e-11, 1e-11), b = random.uniform(-1e-11, 1e-11);
        if (l == 1) {
            give(l, Parameter::Part::abs, std::abs(a));
            give(l, Parameter::Part::arg, 1e11 * b);
            grid.add(magnetic, Pattern::antisymmetric, Part::polar, row, column, {std::abs(a)}, {1e11 * b});
        } else {
            give(l, Parameter::Part::re, a);
            give(l, Parameter::Part::im, b);
            grid.add(magnetic, Pattern::antisymmetric, Part::real, row, column, {a});
            grid.add(magnetic, Pattern::antisymmetric, Part::imaginary, row, column, {b});
        }
    }
    const ReferencePoint p = reference_point(neutrino, fixed, {});
    const Matrix3cd M = p.magnetic - Complexd(0, 1) * p.electric;
    const Grid::Unit unit = Grid::point({});
    const PlaneCouplings plane = plane_couplings(grid.view(), PlaneLayout{}, unit.view, 0);
    for (std::size_t k = 0; k < grid.interactions.size(); ++k) {
        EXPECT_LE((to_eigen(plane.base[k].M) - M).norm(), 1e-14 * M.norm());
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Planes: every kind of fast axis along lines and rows

struct FastAxis {
    const char* name;
    //! Adds the axis and its terms; both axes of a plane are added before their terms
    std::function<int(Grid&, Random&)> add;
};

std::vector<double> values(Random& random, int n, double low, double high) {
    std::vector<double> v(static_cast<std::size_t>(n));
    for (double& x : v) {
        x = random.uniform(low, high);
    }
    return v;
}

int add_linear(Grid& grid, Random& random, const TermKind& kind, Pattern pattern, Part part, int row, int column,
               Scalar argument = {}) {
    const bool modulus = part == Part::polar;
    const int axis = grid.add_axis(values(random, 4, modulus ? 0 : -kind.size, kind.size), AxisShape::linear);
    grid.add(kind, pattern, part, row, column, {0, axis}, argument);
    return axis;
}

int add_argument(Grid& grid, Random& random, const TermKind& kind, Pattern pattern, int row, int column) {
    const int axis = grid.add_axis(values(random, 5, 0, 6.28), AxisShape::circular);
    grid.add(kind, pattern, Part::polar, row, column, {random.uniform(0.3, 1) * kind.size}, {0, axis});
    return axis;
}

std::vector<FastAxis> fast_axes() {
    return {
        {"charge.universal",
         [](Grid& g, Random& r) { return add_linear(g, r, charge, Pattern::universal, Part::real, 0, 0); }},
        {"magnetic.universal",
         [](Grid& g, Random& r) { return add_linear(g, r, magnetic, Pattern::universal, Part::real, 0, 0); }},
        {"radius.22",
         [](Grid& g, Random& r) { return add_linear(g, r, charge_radius, Pattern::hermitian, Part::real, 1, 1); }},
        {"electric.33",
         [](Grid& g, Random& r) { return add_linear(g, r, electric, Pattern::hermitian, Part::real, 2, 2); }},
        {"charge.12.re",
         [](Grid& g, Random& r) { return add_linear(g, r, charge, Pattern::hermitian, Part::real, 0, 1); }},
        {"anapole.13.im",
         [](Grid& g, Random& r) { return add_linear(g, r, anapole, Pattern::hermitian, Part::imaginary, 0, 2); }},
        {"electric.23.im",
         [](Grid& g, Random& r) { return add_linear(g, r, electric, Pattern::hermitian, Part::imaginary, 1, 2); }},
        {"charge.23.abs",
         [](Grid& g, Random& r) { return add_linear(g, r, charge, Pattern::hermitian, Part::polar, 1, 2, {1.1}); }},
        {"magnetic.12.abs",
         [](Grid& g, Random& r) { return add_linear(g, r, magnetic, Pattern::hermitian, Part::polar, 0, 1, {2.1}); }},
        {"charge.13.arg", [](Grid& g, Random& r) { return add_argument(g, r, charge, Pattern::hermitian, 0, 2); }},
        {"radius.12.arg",
         [](Grid& g, Random& r) { return add_argument(g, r, charge_radius, Pattern::hermitian, 0, 1); }},
        {"anapole.12.arg", [](Grid& g, Random& r) { return add_argument(g, r, anapole, Pattern::hermitian, 0, 1); }},
        {"magnetic.13.arg", [](Grid& g, Random& r) { return add_argument(g, r, magnetic, Pattern::hermitian, 0, 2); }},
        {"electric.12.arg", [](Grid& g, Random& r) { return add_argument(g, r, electric, Pattern::hermitian, 0, 1); }},
        {"majorana_moment.1.re",
         [](Grid& g, Random& r) { return add_linear(g, r, magnetic, Pattern::antisymmetric, Part::real, 1, 2); }},
        {"majorana_moment.2.im",
         [](Grid& g, Random& r) { return add_linear(g, r, magnetic, Pattern::antisymmetric, Part::imaginary, 2, 0); }},
        {"majorana_moment.3.abs",
         [](Grid& g, Random& r) {
             return add_linear(g, r, magnetic, Pattern::antisymmetric, Part::polar, 0, 1, {1.7});
         }},
        {"majorana_moment.3.arg",
         [](Grid& g, Random& r) { return add_argument(g, r, magnetic, Pattern::antisymmetric, 0, 1); }},
        {"sin2_theta_w",
         [](Grid& g, Random& r) {
             g.sin2 = 0;
             return add_linear(g, r, sin2_theta_w, Pattern::universal, Part::real, 0, 0);
         }},
    };
}

//! Σ_ij c_ij w_i w_j = φ, feature by feature
void expect_same_features(const std::vector<double>& c, const std::vector<double>& phi,
                          const std::array<double, 3>& line, const std::array<double, 3>& rows, int components,
                          const std::string& what) {
    const std::size_t matrix = static_cast<std::size_t>(components) * n_plane_coefficients;
    for (std::size_t f = 0; f < c.size(); f += n_plane_coefficients) {
        double sum = 0, size = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            for (std::size_t j = 0; j < 3; ++j) {
                const double term = c[f + 3 * i + j] * line[i] * rows[j];
                sum += term;
                size += std::abs(term);
            }
        }
        // Off-diagonal features of the pure standard couplings are zero up to rounding.
        expect_close(sum, phi[f], size + std::abs(phi[f - f % matrix]), 1e-12, what.c_str());
        for (std::size_t i = 1; i < n_plane_coefficients; ++i) {
            EXPECT_EQ(phi[f + i], 0) << "a point has no slope";
        }
    }
}

//! Σ_ij c_ij w_i w_j on a plane = the features of the single point, for all groups and interactions
void expect_planes_equal_points(const Grid& grid, const PlaneLayout& layout, Random& random) {
    const ParameterView view = grid.view();
    const Grid::Unit unit = grid.unit(layout);
    const auto shape = [&](int axis) { return axis < 0 ? AxisShape::linear : view.axes[axis].shape; };
    for (int trial = 0; trial < 3; ++trial) {
        const std::int64_t plane = random.integer(0, static_cast<int>(unit.view.n_planes) - 1);
        const std::int64_t row = random.integer(0, static_cast<int>(unit.view.n_rows) - 1);
        const std::int64_t column = random.integer(0, static_cast<int>(unit.view.row_length) - 1);
        const PlaneCouplings couplings = plane_couplings(view, layout, unit.view, plane);
        const Grid::Unit point = Grid::point(grid.indices(unit, layout, plane, row, column));
        const PlaneCouplings at_point = plane_couplings(view, PlaneLayout{}, point.view, 0);
        ASSERT_EQ(at_point.n_directions, 0);

        const auto factors = [&](int axis, std::int64_t index) {
            return axis < 0 ? std::array<double, 3>{1, 0, 0}
                            : std::array<double, 3>{1, view.axes[axis].u[index], view.axes[axis].v[index]};
        };
        const std::array<double, 3> line = factors(layout.line_axis, column), rows = factors(layout.row_axis, row);
        for (int i = 0; i < view.n_interactions; ++i) {
            for (const FeatureGroup& group : all_groups(i)) {
                const std::vector<double> c =
                    features(view, couplings, group, shape(layout.line_axis), shape(layout.row_axis));
                const std::vector<double> phi = features(view, at_point, group, AxisShape::linear, AxisShape::linear);
                expect_same_features(c, phi, line, rows, n_components(group.propagation), describe_group(group));
            }
        }
    }
}

TEST(Planes, every_pair_of_fast_axes) {
    Random random(23);
    const std::vector<FastAxis> kinds = fast_axes();
    for (const FastAxis& line : kinds) {
        for (const FastAxis& row : kinds) {
            if (line.name == row.name) {
                continue;
            }
            for (const Basis basis : {Basis::flavour, Basis::mass}) {
                SCOPED_TRACE(std::string(line.name) + " × " + row.name + (basis == Basis::mass ? ", mass" : ""));
                Grid grid;
                grid.basis = basis;
                if (random.integer(0, 1) == 1) {
                    grid.interactions = flavour_blind_couplings();
                }
                grid.mixing = scalars(random.mixing());
                add_everything(grid, random);
                // Outer axes: mixing and an element
                grid.mixing.delta.axis = grid.add_axis(values(random, 3, 0.1, 6), AxisShape::linear);
                const int line_axis = line.add(grid, random);
                grid.mixing.theta23.axis = grid.add_axis(values(random, 2, 0.2, 1.2), AxisShape::linear);
                const int row_axis = row.add(grid, random);
                add_linear(grid, random, charge, Pattern::hermitian, Part::real, 2, 2);
                expect_planes_equal_points(grid, {line_axis, row_axis}, random);
                if (::testing::Test::HasFailure()) {
                    return; // one pair says enough
                }
            }
        }
    }
}

TEST(Planes, modulus_and_argument_of_one_element) {
    Random random(24);
    for (const TermKind* kind : {&charge, &charge_radius, &anapole, &magnetic, &electric}) {
        for (const Basis basis : {Basis::flavour, Basis::mass}) {
            Grid grid;
            grid.basis = basis;
            grid.mixing = scalars(random.mixing());
            add_everything(grid, random);
            const int abs = grid.add_axis(values(random, 4, 0, kind->size), AxisShape::linear);
            const int arg = grid.add_axis(values(random, 4, 0, 6.28), AxisShape::circular);
            const int outer = grid.add_axis(values(random, 3, 0, 6.28), AxisShape::circular);
            grid.add(*kind, Pattern::hermitian, Part::polar, 0, 1, {0, abs}, {0, arg});
            grid.add(charge, Pattern::hermitian, Part::polar, 1, 2, {1e-13}, {0, outer});
            for (const PlaneLayout layout : {PlaneLayout{abs, arg}, PlaneLayout{arg, abs}, PlaneLayout{abs, -1},
                                             PlaneLayout{arg, -1}, PlaneLayout{outer, arg}, PlaneLayout{abs, outer}}) {
                SCOPED_TRACE(std::to_string(layout.line_axis) + " × " + std::to_string(layout.row_axis));
                expect_planes_equal_points(grid, layout, random);
            }
        }
    }
}

TEST(Planes, standard_model_without_any_element) {
    Random random(25);
    Grid grid;
    grid.mixing = scalars(random.mixing());
    const int line = add_linear(grid, random, charge, Pattern::universal, Part::real, 0, 0);
    const int row = add_linear(grid, random, magnetic, Pattern::universal, Part::real, 0, 0);
    expect_planes_equal_points(grid, {line, row}, random);
    expect_planes_equal_points(grid, {row, line}, random);
    expect_planes_equal_points(grid, {row, -1}, random);
}

TEST(Planes, mixing_axes_give_the_mixing_of_the_point) {
    Grid grid;
    Random random(26);
    const Mixing m = random.mixing();
    grid.mixing = scalars(m);
    Scalar* const all[] = {&grid.mixing.theta12, &grid.mixing.theta13, &grid.mixing.theta23, &grid.mixing.delta,
                           &grid.mixing.alpha21, &grid.mixing.alpha31, &grid.mixing.dm21,    &grid.mixing.dm31};
    std::vector<std::int64_t> indices;
    for (std::size_t i = 0; i < 8; ++i) {
        all[i]->axis = grid.add_axis({0.1 * static_cast<double>(i), 0.2 + static_cast<double>(i)}, AxisShape::linear);
        indices.push_back(static_cast<std::int64_t>(i % 2));
    }
    const Grid::Unit unit = Grid::point(indices);
    const Mixing at = mixing_of(grid.view(), unit.view, 0);
    const double expected[] = {0, 1.2, 0.2, 3.2, 0.4, 5.2, 0.6000000000000001, 7.2};
    const double found[] = {at.theta12, at.theta13, at.theta23, at.delta, at.alpha21, at.alpha31, at.dm21, at.dm31};
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(found[i], expected[i]) << i;
    }
}

//! plane_features: groups one after the other, then the normalisations of backgrounds, in every place they may stand
TEST(Planes, normalisations_are_features) {
    Random random(27);
    Grid grid;
    grid.mixing = scalars(random.mixing());
    add_everything(grid, random);
    const int element = add_linear(grid, random, charge, Pattern::universal, Part::real, 0, 0);
    const int first = grid.add_axis({0.5, 0.9, 1.4}, AxisShape::linear);
    const int second = grid.add_axis({0.7, 1.1}, AxisShape::linear);
    const FeatureGroup groups[] = {{Flavour::mu, Propagation::decohered, 3}, {Flavour::e, Propagation::exact, 0}};
    const Scalar normalisations[] = {{1, -1}, {1, first}, {1, second}};
    ExperimentView experiment{};
    experiment.groups = groups;
    experiment.n_groups = 2;
    experiment.signal_normalisation = {0.83, -1};
    experiment.normalisations = normalisations;
    experiment.n_backgrounds = 3;
    experiment.n_features = 7 + 49 + 3;
    for (const PlaneLayout layout : {PlaneLayout{element, first}, PlaneLayout{first, second},
                                     PlaneLayout{second, element}, PlaneLayout{first, -1}, PlaneLayout{}}) {
        PlanView plan{};
        plan.parameters = grid.view();
        plan.layout = layout;
        plan.experiments = &experiment;
        plan.n_experiments = 1;
        plan.n_features = experiment.n_features;
        const Grid::Unit unit = grid.unit(layout);
        const std::int64_t plane = unit.view.n_planes - 1, row = unit.view.n_rows - 1, column = 0;
        std::vector<double> c(static_cast<std::size_t>(plan.n_features) * n_plane_coefficients, -1);
        plane_features(plan, unit.view, plane, c.data());
        const std::vector<std::int64_t> at = grid.indices(unit, layout, plane, row, column);
        const AxisFactors x = axis_factors(plan, unit.view, layout.line_axis, column);
        const AxisFactors y = axis_factors(plan, unit.view, layout.row_axis, row);
        const auto value = [&](int feature) {
            const double* f = c.data() + feature * n_plane_coefficients;
            const auto c_line = [&](int i) { return row_coefficient(f, 1, i, 0, y); };
            return c_line(0) + c_line(1) * x.u + c_line(2) * x.v;
        };
        EXPECT_EQ(value(56), 1);
        EXPECT_EQ(value(57), grid.axes()[static_cast<std::size_t>(first)].value[at[static_cast<std::size_t>(first)]]);
        EXPECT_EQ(value(58), grid.axes()[static_cast<std::size_t>(second)].value[at[static_cast<std::size_t>(second)]]);
        // Signal features by the other route: the point alone
        const PlaneCouplings at_point = plane_couplings(grid.view(), PlaneLayout{}, Grid::point(at).view, 0);
        const std::vector<double> phi =
            features(grid.view(), at_point, groups[1], AxisShape::linear, AxisShape::linear);
        for (int f = 0; f < 49; ++f) {
            const double expected = phi[static_cast<std::size_t>(f) * n_plane_coefficients];
            const double size = std::abs(phi[static_cast<std::size_t>(f - f % 7) * n_plane_coefficients]);
            expect_close(value(7 + f), 0.83 * expected, size, 1e-12);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Grid

TEST(Grid, addresses_of_points) {
    // Axes a (3, kept), b (4, profiled), c (5, kept, line), d (2, profiled, row); the unit starts at b = 1, a = 1.
    const PlaneLayout layout{2, 3};
    const AxisRange ranges[] = {{1, 2, 3, 5, 0}, {1, 3, 1, 0, 2}, {0, 5, 0, 1, 0}, {0, 2, 0, 0, 1}};
    const UnitView unit{ranges, 4, 6, 2, 5, 10, true};
    for (std::int64_t plane = 0; plane < 6; ++plane) {
        const std::int64_t a = 1 + plane / 3, b = 1 + plane % 3;
        EXPECT_EQ(outer_index(unit, 0, plane), a);
        EXPECT_EQ(outer_index(unit, 1, plane), b);
        for (std::int64_t row = 0; row < 2; ++row) {
            const PointAddress at = row_address(unit, layout, plane, row);
            EXPECT_EQ(at.kept, (a - 1) * 5);
            EXPECT_EQ(at.profile, b * 2 + row);
        }
    }
}

TEST(Grid, a_line_axis_that_starts_inside_its_range_counts_in_the_profile_index) {
    const PlaneLayout layout{0, -1};
    const AxisRange ranges[] = {{7, 3, 0, 0, 1}};
    const UnitView unit{ranges, 1, 1, 1, 3, 1, true};
    EXPECT_EQ(row_address(unit, layout, 0, 0).profile, 7);
    EXPECT_EQ(row_address(unit, layout, 0, 0).kept, 0);
}

TEST(Grid, minimum_breaks_ties_by_index_and_NaN_never_wins) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    constexpr double inf = std::numeric_limits<double>::infinity();
    const auto beats = [](Minimum a, Minimum b) { return a.beats(b); };
    EXPECT_TRUE(beats({1, 9}, {2, 0}));
    EXPECT_FALSE(beats({2, 0}, {1, 9}));
    EXPECT_TRUE(beats({1, 0}, {1, 9}));
    EXPECT_FALSE(beats({1, 9}, {1, 0}));
    EXPECT_FALSE(beats({1, 3}, {1, 3}));
    EXPECT_TRUE(beats({0.0, 0}, {-0.0, 9}));
    EXPECT_FALSE(beats({nan, 0}, {1, 9}));
    EXPECT_FALSE(beats({nan, 0}, {inf, 9}));
    EXPECT_TRUE(beats({1, 9}, {nan, 0}));
    EXPECT_TRUE(beats({inf, 9}, {nan, 0}));
    EXPECT_TRUE(beats({nan, 0}, {nan, 9})); // among themselves by index, so that the winner is always the same
    EXPECT_TRUE(beats({inf, 0}, {inf, 9}));
    // The winner does not depend on the order of comparison.
    const std::vector<Minimum> points{{nan, 0}, {3, 1}, {2, 2}, {nan, 3}, {2, 4}, {inf, 5}};
    for (std::size_t shift = 0; shift < points.size(); ++shift) {
        Minimum best{nan, 99};
        for (std::size_t i = 0; i < points.size(); ++i) {
            const Minimum& next = points[(i + shift) % points.size()];
            best = next.beats(best) ? next : best;
        }
        EXPECT_EQ(best.index, 2);
    }
}

} // namespace
} // namespace nuscan::testing
