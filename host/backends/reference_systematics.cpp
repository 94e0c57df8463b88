// SPDX-License-Identifier: Apache-2.0
#include "backends/reference_systematics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <Eigen/Dense>
#include <boost/math/special_functions/log1p.hpp>

namespace nuscan {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double infinity = std::numeric_limits<double>::infinity();

// ---------------------------------------------------------------------------------------------------------------------
// Predictions

//! A function of one number, with its derivatives
struct Expansion {
    double value, slope, curvature;
};

//! h(x) of shapes
Expansion bend(double x) {
    if (std::abs(x) >= 1) {
        return {std::abs(x), x < 0 ? -1. : 1., 0};
    }
    const double x2 = x * x;
    return {x2 * (15 + x2 * (-10 + 3 * x2)) / 8, x * (30 + x2 * (-40 + 18 * x2)) / 8, (30 + x2 * (-120 + 90 * x2)) / 8};
}

//! Keys' kernel at a distance of d knots
Expansion convolution_kernel(double d) {
    const double a = std::abs(d), sign = d < 0 ? -1 : 1;
    if (a < 1) {
        return {1 + a * a * (-2.5 + 1.5 * a), sign * a * (-5 + 4.5 * a), -5 + 9 * a};
    }
    if (a < 2) {
        return {2 + a * (-4 + a * (2.5 - 0.5 * a)), sign * (-4 + a * (5 - 1.5 * a)), 5 - 3 * a};
    }
    return {0, 0, 0};
}

//! An experiment as its x see it
struct Member {
    const Experiment* experiment;
    std::vector<VectorXd> components;    // nominal counts: backgrounds, then the signal
    std::vector<Systematic> systematics; // those of the experiment, then the normalisations of its components
    VectorXd x;                          // where no pull moves them
    std::vector<double> errors;          // empty where the statistic is Poisson's
    VectorXd softness_units;             // counts, or those predicted where there are none, one at least
};

//! What an effect adds to a component in every bin, with derivatives in its x
struct Addition {
    std::size_t component;
    Index systematic;
    VectorXd value, slope, curvature; // empty for a normalisation

    bool is_normalisation() const { return value.size() == 0; }
};

std::vector<Addition> additions(const Member& member, const VectorXd& x) {
    std::vector<Addition> all;
    for (std::size_t m = 0; m < member.systematics.size(); ++m) {
        const Systematic& systematic = member.systematics[m];
        const auto weights = reference_knot_weights(systematic, x[static_cast<Index>(m)]);
        for (const SystematicEffect& effect : systematic.effects) {
            Addition addition{effect.component, static_cast<Index>(m), {}, {}, {}};
            if (systematic.kind != Systematic::Kind::normalisation) {
                MatrixXd added =
                    Eigen::Map<const MatrixXd>(effect.added.data(), member.experiment->n_bins(), systematic.n_knots);
                if (effect.component == member.experiment->backgrounds.size()) { // factors
                    added = (member.components.back().asDiagonal() * added).eval();
                }
                addition.value = added * weights.value;
                addition.slope = added * weights.slope;
                addition.curvature = added * weights.curvature;
            }
            all.push_back(std::move(addition));
        }
    }
    return all;
}

//! N_b = Σ_c (1 + Σ_k x_k) (T_cb + Σ_s added_sb(x_s)), its slopes by the x, and the parts of its components
struct Prediction {
    struct Part {
        double scale;
        VectorXd counts;
    };
    std::vector<Part> parts;
    VectorXd N;
    MatrixXd slopes; // bins × x
};

Prediction prediction(const Member& member, const std::vector<Addition>& all, const VectorXd& x) {
    const Index n_bins = member.experiment->n_bins();
    Prediction p{{}, VectorXd::Zero(n_bins), MatrixXd::Zero(n_bins, x.size())};
    for (const VectorXd& nominal : member.components) {
        p.parts.push_back({1, nominal});
    }
    for (const Addition& addition : all) {
        Prediction::Part& part = p.parts[addition.component];
        if (addition.is_normalisation()) {
            part.scale += x[addition.systematic];
        } else {
            part.counts += addition.value;
        }
    }
    for (const Prediction::Part& part : p.parts) {
        p.N += part.scale * part.counts;
    }
    for (const Addition& addition : all) {
        const Prediction::Part& part = p.parts[addition.component];
        if (addition.is_normalisation()) {
            p.slopes.col(addition.systematic) += part.counts;
        } else {
            p.slopes.col(addition.systematic) += part.scale * addition.slope;
        }
    }
    return p;
}

// ---------------------------------------------------------------------------------------------------------------------
// χ²

/// A bin's term as Poisson has it, with max(0, N) for N, or softened so that it has derivatives everywhere.
///
/// Without counts max(0, N) is p = (N + √(N² + ε²))/2, which is between 0 and ε/2 more, with p' = p/√(N² + ε²). With
/// counts what is below ε is a parabola, with the value and the derivatives at ε. Where softness is zero, the value
/// alone has a meaning.
Expansion poisson_term(double N, double n, double softness) {
    if (!(n > 0)) {
        const double root = std::hypot(N, softness);
        const double p = N > 0 ? (N + root) / 2 : softness * softness / (2 * std::max(root - N, 1e-300));
        return {2 * p, 2 * p / root, softness * softness / (root * root * root)};
    }
    const double from = std::max(N, softness), below = N - from; // NaN stays
    const double value = from > 0.1 * n ? -n * boost::math::log1pmx((from - n) / n)
                                        : from - n + (from > 0 ? n * std::log(n / from) : infinity);
    const double slope = 1 - n / from, curvature = n / (from * from);
    return {2 * value + (below < 0 ? below * (2 * slope + curvature * below) : 0), 2 * (slope + curvature * below),
            2 * curvature};
}

Expansion gaussian_term(double N, double n, double sigma) {
    const double r = (N - n) / sigma;
    return {r * r, 2 * r / sigma, 2 / (sigma * sigma)};
}

//! A function of several numbers
struct Surface {
    double value = 0;
    VectorXd gradient;
    MatrixXd hessian;

    explicit Surface(Index n) : gradient(VectorXd::Zero(n)), hessian(MatrixXd::Zero(n, n)) {}
};

//! χ² of an experiment as a function of its x; softness is in units of a bin's counts
Surface chi2_of(const Member& member, const VectorXd& x, double softness) {
    const std::vector<double>& counts = member.experiment->counts;
    const std::vector<Addition> all = additions(member, x);
    const Prediction p = prediction(member, all, x);
    Surface chi2(x.size());
    VectorXd first(p.N.size()), second(p.N.size());
    for (Index b = 0; b < p.N.size(); ++b) {
        const auto i = static_cast<std::size_t>(b);
        const Expansion term = member.errors.empty()
                                   ? poisson_term(p.N[b], counts[i], softness * member.softness_units[b])
                                   : gaussian_term(p.N[b], counts[i], member.errors[i]);
        chi2.value += term.value;
        first[b] = term.slope;
        second[b] = term.curvature;
    }
    chi2.gradient = p.slopes.transpose() * first;
    chi2.hessian = p.slopes.transpose() * second.asDiagonal() * p.slopes;
    for (const Addition& shape : all) {
        if (shape.is_normalisation()) {
            continue;
        }
        chi2.hessian(shape.systematic, shape.systematic) += p.parts[shape.component].scale * first.dot(shape.curvature);
        for (const Addition& other : all) {
            if (other.component == shape.component && other.is_normalisation()) {
                const double mixed = first.dot(shape.slope);
                chi2.hessian(shape.systematic, other.systematic) += mixed;
                chi2.hessian(other.systematic, shape.systematic) += mixed;
            }
        }
    }
    return chi2;
}

//! A number z that is fitted, with z² added to χ² unless it is free: x = scale × z of all that it moves
struct Pull {
    bool free = false;
    bool bends = false; // whether anything is not a normalisation
    double low = -infinity, high = infinity;
    struct Target {
        std::size_t member;
        Index systematic;
        double scale;
    };
    std::vector<Target> targets;

    void add(const std::vector<Member>& members, std::size_t e, std::size_t m) {
        const Systematic& systematic = members[e].systematics[m];
        const double scale = std::isinf(systematic.sigma) ? 1 : systematic.sigma;
        targets.push_back({e, static_cast<Index>(m), scale});
        if (scale > 0) {
            low = std::max(low, systematic.low / scale);
            high = std::min(high, systematic.high / scale);
        }
        bends = bends || systematic.kind != Systematic::Kind::normalisation;
        free = std::isinf(systematic.sigma);
    }
};

/// χ² of all experiments as a function of the pulls.
class JointChi2 {
public:
    JointChi2(const std::vector<Member>& members, const std::vector<Pull>& pulls) : members_(members), pulls_(pulls) {
        for (const Member& member : members) {
            by_pull_.push_back(MatrixXd::Zero(member.x.size(), n_pulls()));
        }
        for (std::size_t k = 0; k < pulls.size(); ++k) {
            for (const Pull::Target& target : pulls[k].targets) {
                by_pull_[target.member](target.systematic, static_cast<Index>(k)) = target.scale;
            }
        }
    }

    Index n_pulls() const { return static_cast<Index>(pulls_.size()); }
    VectorXd x(std::size_t e, const VectorXd& z) const { return members_[e].x + by_pull_[e] * z; }

    Surface operator()(const VectorXd& z, double softness) const {
        Surface chi2(n_pulls());
        for (std::size_t e = 0; e < members_.size(); ++e) {
            const Surface part = chi2_of(members_[e], x(e, z), softness);
            chi2.value += part.value;
            chi2.gradient += by_pull_[e].transpose() * part.gradient;
            chi2.hessian += by_pull_[e].transpose() * part.hessian * by_pull_[e];
        }
        for (Index k = 0; k < n_pulls(); ++k) {
            if (!pulls_[static_cast<std::size_t>(k)].free) {
                chi2.value += z[k] * z[k];
                chi2.gradient[k] += 2 * z[k];
                chi2.hessian(k, k) += 2;
            }
        }
        return chi2;
    }

private:
    const std::vector<Member>& members_;
    const std::vector<Pull>& pulls_;
    std::vector<MatrixXd> by_pull_; // ∂x/∂z
};

// ---------------------------------------------------------------------------------------------------------------------
// Minimisation

//! One bound of a pull, distance = sign × (z − at) > 0
struct Bound {
    Index pull;
    double at, sign;
    double distance(const VectorXd& z) const { return sign * (z[pull] - at); }
};

std::vector<Bound> bounds_of(const std::vector<Pull>& pulls) {
    std::vector<Bound> bounds;
    for (std::size_t k = 0; k < pulls.size(); ++k) {
        if (std::isfinite(pulls[k].low)) {
            bounds.push_back({static_cast<Index>(k), pulls[k].low, 1});
        }
        if (std::isfinite(pulls[k].high)) {
            bounds.push_back({static_cast<Index>(k), pulls[k].high, -1});
        }
    }
    return bounds;
}

//! A step down, −|H|⁻¹ g: the eigenvalues of H in units in which its diagonal is ±1, and their moduli
VectorXd descent(const Surface& f) {
    const VectorXd unit = f.hessian.diagonal().cwiseAbs().cwiseMax(1e-12).cwiseSqrt().cwiseInverse();
    const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(unit.asDiagonal() * f.hessian * unit.asDiagonal());
    const VectorXd inverse = solver.eigenvalues().cwiseAbs().cwiseMax(1e-13).cwiseInverse();
    const MatrixXd& Q = solver.eigenvectors();
    const VectorXd along = Q.transpose() * (unit.asDiagonal() * f.gradient);
    return -(unit.asDiagonal() * (Q * (inverse.asDiagonal() * along)));
}

/// χ² + t Σ (d − ln d) over the distances d to the bounds, with predictions softened by t.
class SoftChi2 {
public:
    SoftChi2(const JointChi2& chi2, const std::vector<Pull>& pulls) : chi2_(chi2), bounds_(bounds_of(pulls)) {}

    double value(const VectorXd& z) const { return chi2_(z, 0).value; }

    //! Newton's method from \p z, which it moves; whether no step is left that lowers the sum by more than \p last
    bool descend(double t, double last, VectorXd& z) const {
        Surface here = at(z, t);
        for (int iteration = 0; iteration < 200; ++iteration) {
            const VectorXd step = descent(here);
            const double decrement = -here.gradient.dot(step);
            if (!(decrement > last)) {
                return true;
            }
            double length = 1;
            for (const Bound& bound : bounds_) {
                const double d = bound.distance(z), left = d + bound.sign * step[bound.pull];
                length = left < 0.05 * d ? std::min(length, 0.95 * d / (d - left)) : length;
            }
            const double rounding = 1e-14 * std::abs(here.value);
            bool lower = false;
            for (int halving = 0; halving < 40 && !lower; ++halving, length /= 2) {
                const VectorXd there = z + length * step;
                Surface next = at(there, t);
                if (next.value <= here.value - 1e-4 * length * decrement + rounding) {
                    lower = true;
                    z = there;
                    here = std::move(next);
                }
            }
            if (!lower) { // none can be told from rounding: of χ², which is a sum of many terms
                return decrement < 1e-10 + 1e-12 * std::abs(here.value);
            }
        }
        return false;
    }

private:
    Surface at(const VectorXd& z, double t) const {
        Surface f = chi2_(z, t);
        for (const Bound& bound : bounds_) {
            const double d = bound.distance(z);
            f.value += t * (d - std::log(d));
            f.gradient[bound.pull] += bound.sign * t * (1 - 1 / d);
            f.hessian(bound.pull, bound.pull) += t / (d * d);
        }
        return f;
    }

    const JointChi2& chi2_;
    std::vector<Bound> bounds_;
};

struct LocalMinimum {
    VectorXd z;
    double chi2 = infinity;
    bool converged = true;
};

/// From z, along the minima with less and less softness. Kinks become too narrow for Newton's method, so that from
/// where χ² is known to 1e-10 of a bin's counts on, what is lower is kept, and nothing else changes.
LocalMinimum follow(const SoftChi2& f, double softness, VectorXd z) {
    constexpr double precise = 2e-10, least = 5e-14;
    LocalMinimum minimum{z, f.value(z), z.size() == 0};
    for (double t = softness; t > least && z.size() > 0; t /= 10) {
        const bool settled = f.descend(t, 1e-2 * t, z);
        const double chi2 = f.value(z);
        if (t > precise / 10) {
            minimum = {z, chi2, settled};
        } else if (chi2 < minimum.chi2) {
            minimum.z = z;
            minimum.chi2 = chi2;
        }
    }
    return minimum;
}

//! Term \p i of van der Corput's sequence in base \p base, between 0 and 1
double radical_inverse(int i, int base) {
    double sum = 0, digit = 1;
    for (; i > 0; i /= base) {
        digit /= base;
        sum += digit * (i % base);
    }
    return sum;
}

/// Where to begin, after nominal: along each pull that is not a mere normalisation, in pairs of them to either side,
/// and on Halton's points, within 1.5, 4 and 12 standard deviations, and as far as \p chi2, that of a minimum, leaves
/// room for the priors of another.
std::vector<VectorXd> starts(const std::vector<Pull>& pulls, double chi2) {
    constexpr int primes[] = {2,  3,  5,  7,  11, 13, 17, 19, 23, 29, 31, 37,
                              41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89};
    constexpr int n_halton = 64;
    const auto n = static_cast<Index>(pulls.size());
    std::vector<Index> bent;
    for (Index k = 0; k < n; ++k) {
        if (pulls[static_cast<std::size_t>(k)].bends) {
            bent.push_back(k);
        }
    }
    std::vector<VectorXd> all;
    if (bent.empty()) {
        return all; // χ² is convex
    }
    const VectorXd nominal = VectorXd::Zero(n);
    for (std::size_t i = 0; i < bent.size(); ++i) {
        for (const double side : {-1., 1., -3., 3.}) {
            all.push_back(nominal);
            all.back()[bent[i]] = side;
            for (std::size_t j = 0; j < i && std::abs(side) == 1; ++j) {
                for (const double other : {-1., 1.}) {
                    all.push_back(nominal);
                    all.back()[bent[i]] = side;
                    all.back()[bent[j]] = other;
                }
            }
        }
    }
    const double room = std::clamp(std::sqrt(chi2) / 2, 12., 1e4);
    for (int i = 1; i <= n_halton; ++i) {
        const double ranges[] = {1.5, 4, 12, room};
        VectorXd z(n);
        for (Index k = 0; k < n; ++k) {
            const bool bends = pulls[static_cast<std::size_t>(k)].bends;
            z[k] = (bends ? ranges[i % 4] : 1.5) * (2 * radical_inverse(i, primes[k % 24]) - 1);
        }
        all.push_back(z);
    }
    return all;
}

//! The point nearest to \p z that is a little inside of all bounds
VectorXd inside(const std::vector<Pull>& pulls, VectorXd z) {
    for (std::size_t k = 0; k < pulls.size(); ++k) {
        const double low = pulls[k].low, high = pulls[k].high, room = std::min(0.1, 0.1 * (high - low));
        z[static_cast<Index>(k)] = std::clamp(z[static_cast<Index>(k)], low + room, high - room);
    }
    return z;
}

LocalMinimum lowest_minimum(const JointChi2& chi2, const std::vector<Pull>& pulls) {
    constexpr double rough = 1e-3, margin = 1e-2; // softness of a first look; what that may be off, of 1 + χ²
    const SoftChi2 f(chi2, pulls);
    LocalMinimum lowest = follow(f, 0.1, inside(pulls, VectorXd::Zero(chi2.n_pulls())));
    if (std::isnan(lowest.chi2)) {
        return lowest;
    }
    for (const VectorXd& start : starts(pulls, lowest.chi2)) {
        VectorXd z = inside(pulls, start);
        f.descend(rough, rough, z);
        const double first = chi2(z, rough).value;
        const bool is_known = (z - lowest.z).norm() < 1e-3 * (1 + z.norm()) && lowest.converged;
        if (is_known || !(first < lowest.chi2 + margin * (1 + lowest.chi2))) {
            continue;
        }
        const LocalMinimum found = follow(f, rough, z);
        const double rounding = 1e-10 + 1e-12 * lowest.chi2;
        if (found.chi2 < lowest.chi2 - rounding ||
            (found.converged && !lowest.converged && found.chi2 < lowest.chi2 + rounding)) {
            lowest = found;
        }
    }
    return lowest;
}

// ---------------------------------------------------------------------------------------------------------------------
// From a scan

//! x of a value that the scan gives a systematic
double x_of(const Systematic& systematic, double value) {
    switch (systematic.kind) {
    case Systematic::Kind::normalisation:
        return value - 1;
    case Systematic::Kind::shape:
        break;
    case Systematic::Kind::parameter:
        return std::log(value / systematic.nominal);
    }
    return value;
}

Member make_member(const Experiment& experiment, const std::vector<std::vector<double>>& components) {
    Member member{&experiment, {}, experiment.systematics, {}, {}, {}};
    for (Systematic& systematic : member.systematics) {
        if (systematic.kind == Systematic::Kind::normalisation) {
            systematic.low = std::max(systematic.low, -1.);
        }
    }
    for (std::size_t c = 0; c < components.size(); ++c) {
        const bool signal = c == experiment.backgrounds.size();
        member.components.emplace_back(
            Eigen::Map<const VectorXd>(components[c].data(), static_cast<Index>(components[c].size())));
        Systematic own;
        own.name = signal ? Experiment::signal : experiment.backgrounds[c].name;
        own.sigma = signal ? experiment.signal_sigma : experiment.backgrounds[c].sigma;
        own.low = experiment.statistic == Statistic::poisson ? -1 : -infinity;
        own.effects = {{c, {}}};
        member.systematics.push_back(own);
    }
    member.x = VectorXd::Zero(static_cast<Index>(member.systematics.size()));
    if (experiment.statistic == Statistic::gaussian) {
        member.errors = experiment.errors();
    }
    member.softness_units = VectorXd::Zero(experiment.n_bins());
    for (const VectorXd& component : member.components) {
        member.softness_units += component;
    }
    for (Index b = 0; b < experiment.n_bins(); ++b) {
        const double n = experiment.counts[static_cast<std::size_t>(b)];
        member.softness_units[b] = n > 0 ? n : std::max(1., std::abs(member.softness_units[b]));
    }
    return member;
}

} // namespace

ReferenceKnotWeights reference_knot_weights(const Systematic& systematic, double x) {
    ReferenceKnotWeights w;
    for (VectorXd* part : {&w.value, &w.slope, &w.curvature}) {
        part->setZero(systematic.n_knots);
    }
    if (systematic.kind == Systematic::Kind::shape) {
        const Expansion h = bend(x);
        w.value << (h.value + x) / 2, (h.value - x) / 2;
        w.slope << (h.slope + 1) / 2, (h.slope - 1) / 2;
        w.curvature << h.curvature / 2, h.curvature / 2;
    } else if (systematic.kind == Systematic::Kind::parameter) {
        const double spacing = systematic.knot_spacing;
        for (Index j = 0; j < systematic.n_knots; ++j) {
            const Expansion kernel = convolution_kernel((x - systematic.first_knot) / spacing - static_cast<double>(j));
            w.value[j] = kernel.value;
            w.slope[j] = kernel.slope / spacing;
            w.curvature[j] = kernel.curvature / (spacing * spacing);
        }
    }
    return w;
}

std::vector<std::vector<std::size_t>> reference_groups(const ScanConfig& config) {
    // The group of an experiment is named after its first one; npos where it is in none.
    constexpr auto none = static_cast<std::size_t>(-1);
    std::vector<std::size_t> group;
    for (std::size_t e = 0; e < config.experiments.size(); ++e) {
        group.push_back(config.experiments[e].systematics.empty() ? none : e);
    }
    for (const SharedSystematic& shared : config.shared) {
        for (const SharedSystematic::Member& member : shared.members) {
            group[member.experiment] = std::min(group[member.experiment], member.experiment);
        }
        for (const SharedSystematic::Member& member : shared.members) {
            const std::size_t a = group[shared.members[0].experiment], b = group[member.experiment];
            std::replace(group.begin(), group.end(), std::max(a, b), std::min(a, b));
        }
    }
    std::vector<std::vector<std::size_t>> groups;
    for (std::size_t first = 0; first < group.size(); ++first) {
        std::vector<std::size_t> members;
        for (std::size_t e = first; e < group.size(); ++e) {
            if (group[e] == first) {
                members.push_back(e);
            }
        }
        if (!members.empty()) {
            groups.push_back(members);
        }
    }
    return groups;
}

ReferenceJointFit reference_joint_fit(const ScanConfig& config, const ReferencePoint& point,
                                      const std::vector<std::size_t>& group,
                                      const std::vector<std::vector<std::vector<double>>>& components) {
    ReferenceJointFit fit;
    std::vector<Member> members;
    for (std::size_t i = 0; i < group.size(); ++i) {
        members.push_back(make_member(config.experiments[group[i]], components[i]));
    }
    std::vector<std::vector<bool>> settled; // whether x is given, or moved by a shared pull
    for (Member& member : members) {
        settled.emplace_back(member.systematics.size(), false);
        for (std::size_t m = 0; m < member.systematics.size(); ++m) {
            const Systematic& systematic = member.systematics[m];
            const ReferencePoint::BackgroundName name{member.experiment->name, systematic.name};
            const bool own = m >= member.experiment->systematics.size();
            const auto& values = own ? point.normalisations : point.systematics;
            const auto given = values.find(name);
            if (given == values.end()) {
                continue;
            }
            settled.back()[m] = true;
            const double x = x_of(systematic, given->second);
            member.x[static_cast<Index>(m)] = x;
            if (point.scanned.count(name) && systematic.sigma > 0) {
                fit.chi2 += std::pow(x / systematic.sigma, 2); // nothing where it is free
            }
        }
    }
    std::vector<Pull> pulls;
    for (const SharedSystematic& shared : config.shared) {
        Pull pull;
        for (const SharedSystematic::Member& wanted : shared.members) {
            const auto place = std::find(group.begin(), group.end(), wanted.experiment);
            if (place == group.end()) {
                continue; // nor are the others of this group
            }
            const auto e = static_cast<std::size_t>(place - group.begin());
            const auto& systematics = members[e].systematics;
            const auto m = static_cast<std::size_t>(
                std::find_if(systematics.begin(), systematics.end(),
                             [&](const Systematic& systematic) { return systematic.name == wanted.name; }) -
                systematics.begin());
            pull.add(members, e, m);
            settled[e][m] = true;
        }
        if (pull.targets.empty()) {
            continue;
        }
        const ReferencePoint::BackgroundName name{"", shared.name};
        const auto given = point.systematics.find(name);
        if (given == point.systematics.end()) {
            pulls.push_back(pull);
            continue;
        }
        for (const Pull::Target& target : pull.targets) {
            members[target.member].x[target.systematic] = target.scale * given->second;
        }
        if (point.scanned.count(name) && !pull.free) {
            fit.chi2 += given->second * given->second;
        }
    }
    for (std::size_t e = 0; e < members.size(); ++e) {
        for (std::size_t m = 0; m < members[e].systematics.size(); ++m) {
            if (!settled[e][m] && members[e].systematics[m].sigma > 0) {
                pulls.emplace_back().add(members, e, m);
            }
        }
    }

    const JointChi2 chi2(members, pulls);
    const LocalMinimum lowest = lowest_minimum(chi2, pulls);
    fit.chi2 += lowest.chi2;
    fit.status = std::isnan(fit.chi2)   ? PointStatus::not_a_number
                 : std::isinf(fit.chi2) ? PointStatus::empty_prediction
                 : lowest.converged     ? PointStatus::ok
                                        : PointStatus::not_converged;
    for (std::size_t e = 0; e < members.size(); ++e) {
        const VectorXd x = chi2.x(e, lowest.z);
        fit.x.emplace_back(x.begin(), x.end());
    }
    return fit;
}

} // namespace nuscan
