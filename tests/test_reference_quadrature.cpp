// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>

#include "backends/reference_detail.hpp"
#include "backends/reference_spectrum.hpp"

/// What the points of a scan share in the reference's integrals: rules for a spectrum, acceptances.
namespace nuscan::testing {
namespace {

namespace c = constants;
using reference::SpectrumIntegral;

//! A smooth spectrum that begins at 0, in pieces of many lengths; then nothing, a step, and a peak
Table spectrum_of_all_kinds() {
    Table spectrum;
    for (int i = 0; i <= 60; ++i) {
        const double E = 9 * std::pow(i / 60., 2);
        spectrum.x.push_back(E);
        spectrum.y.push_back(E * E * (9 - E) / 100);
    }
    const Table rest{{10, 10, 11, 11.5, 12, 12.001, 12.002, 13}, {0, 0.3, 0.4, 0, 0, 5, 0, 0}};
    spectrum.x.insert(spectrum.x.end(), rest.x.begin(), rest.x.end());
    spectrum.y.insert(spectrum.y.end(), rest.y.begin(), rest.y.end());
    return spectrum;
}

//! Piece by piece, where S is a line: for E^n in closed form, in which much cancels
double closed_form(const Table& spectrum, int n, double low, double high) {
    using Long = long double;
    const auto power = [](int k, Long a, Long b) {
        return k == -1 ? std::log(b / a) : (std::pow(b, Long(k + 1)) - std::pow(a, Long(k + 1))) / (k + 1);
    };
    Long sum = 0;
    for (std::size_t i = 0; i + 1 < spectrum.x.size(); ++i) {
        const Long a = std::max(low, spectrum.x[i]), b = std::min(high, spectrum.x[i + 1]);
        if (a < b) {
            const Long x = spectrum.x[i], y = spectrum.y[i];
            const Long slope = (spectrum.y[i + 1] - y) / (spectrum.x[i + 1] - x);
            sum += (y - slope * x) * power(n, a, b) + slope * power(n + 1, a, b);
        }
    }
    return static_cast<double>(sum);
}

//! Piece by piece, by Gauss-Kronrod rules of the product
template <class F>
double piece_by_piece(const Table& spectrum, const F& f, double low, double high, std::vector<double> kinks) {
    kinks.insert(kinks.end(), spectrum.x.begin(), spectrum.x.end());
    std::sort(kinks.begin(), kinks.end());
    return reference::integral([&](double E) { return reference::interpolate(spectrum, E) * f(E); }, low, high, kinks);
}

TEST(ReferenceQuadrature, a_spectrum_with_powers_of_the_energy) {
    const Table spectrum = spectrum_of_all_kinds();
    const SpectrumIntegral integral(spectrum);
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> energy(1e-3, 13);
    for (int i = 0; i < 100; ++i) {
        const double a = i == 0 ? 1e-3 : energy(random), b = i == 0 ? 13 : energy(random);
        const double low = std::min(a, b), high = std::max(a, b);
        for (const int n : {0, -1, -2}) {
            const double expected = closed_form(spectrum, n, low, high);
            EXPECT_NEAR(integral([n](double E) { return std::pow(E, n); }, low, high, {}, 1e-10), expected,
                        1e-13 * closed_form(spectrum, n, 1e-3, 13))
                << n << " from " << low << " to " << high;
        }
    }
    EXPECT_EQ(SpectrumIntegral(Table{})([](double) { return 1; }, 1, 2, {}, 1e-10), 0);
    EXPECT_EQ(integral([](double) { return 1; }, 9.2, 9.9, {}, 1e-10), 0) << "where there is nothing";
}

TEST(ReferenceQuadrature, a_spectrum_with_phases_logarithms_and_kinks) {
    const Table spectrum = spectrum_of_all_kinds();
    const SpectrumIntegral integral(spectrum);
    for (const double phase : {0.1, 3., 80., 2000.}) { // Δm² L/2E at 1 MeV
        const auto f = [phase](double E) { return std::pow(std::cos(phase / E), 2) / (E * E); };
        EXPECT_NEAR(integral(f, 0.7, 13, {}, 1e-11) / piece_by_piece(spectrum, f, 0.7, 13, {}), 1, 1e-11) << phase;
    }
    const auto logarithm = [](double E) { return std::log(E / 1e-6); };
    EXPECT_NEAR(integral(logarithm, 0.01, 12.5, {}, 1e-11) / piece_by_piece(spectrum, logarithm, 0.01, 12.5, {}), 1,
                1e-12);
    const std::vector<double> kinks{0.5, 3.3, 3.3, 12.0004}; // 0.5 is outside
    const auto kinked = [](double E) { return std::max(1 / 3.3, 1 / E) + std::abs(E - 12.0004); };
    EXPECT_NEAR(integral(kinked, 2, 13, kinks, 1e-11) / piece_by_piece(spectrum, kinked, 2, 13, kinks), 1, 1e-12);
}

//! Free electrons and stepping, solar zones, and a smeared response
Experiment electrons_in_the_sun(const Table& spectrum) {
    Experiment x;
    x.name = "sun";
    Source source;
    source.flavour = Flavour::e;
    source.propagation = Propagation::solar;
    source.zones = {{0.6, 60}, {0.4, 100}};
    source.flux = 1e10;
    source.spectrum = spectrum;
    x.sources = {source};
    x.target.units = 1e28;
    x.target.shells = {{2, 0.0346}, {8, 0.005}, {44, 0.0001}};
    Channel channel;
    channel.name = "electron";
    channel.atomic = AtomicModel::stepping;
    x.channels = {channel};
    x.live_time = 1e7;
    x.response.sqrt_term = 0.33 * std::sqrt(1e-3);
    x.bin_edges = {0.001, 0.003, 0.03, 0.4, 2, 9};
    x.counts = {1, 2, 3, 4, 5};
    return x;
}

ReferencePoint point_with_phases(double charge) {
    NeutrinoConfig neutrino;
    neutrino.mixing.delta = 1.3;
    const auto element = [](FormFactor form_factor, Parameter::Part part) {
        Parameter p;
        p.form_factor = form_factor;
        p.part = part;
        p.row = 0;
        p.column = part == Parameter::Part::diagonal ? 0 : 2;
        return p;
    };
    return reference_point(neutrino,
                           {{element(FormFactor::charge, Parameter::Part::re), charge},
                            {element(FormFactor::charge, Parameter::Part::im), charge / 3},
                            {element(FormFactor::charge_radius, Parameter::Part::diagonal), 3e-32},
                            {element(FormFactor::magnetic_moment, Parameter::Part::im), 2e-11}},
                           {});
}

//! Counts are linear in the spectrum. Those of a narrow peak are found where a fine table surrounds it, too.
TEST(ReferenceQuadrature, a_peak_among_many_knots) {
    Table smooth, both;
    for (int i = 0; i <= 400; ++i) {
        const double E = 0.025 * i;
        smooth.x.push_back(E);
        smooth.y.push_back(E * E * std::sqrt(std::max(0.0, 10 - E)));
    }
    const ReferencePoint p = point_with_phases(1e-12);
    const std::vector<double> without = ReferenceSpectrum(electrons_in_the_sun(smooth))(p);
    for (const double at : {0.3012, 2.0121, 7.9761}) { // beside knots, and at the ends of parts
        const Table peak{{at - 1e-4, at, at + 1e-4}, {0, 1e5, 0}};
        both = smooth;
        for (std::size_t i = 0; i < 3; ++i) {
            const auto next = std::upper_bound(both.x.begin(), both.x.end(), peak.x[i]);
            const double y = reference::interpolate(smooth, peak.x[i]);
            both.y.insert(both.y.begin() + (next - both.x.begin()), y + peak.y[i]);
            both.x.insert(next, peak.x[i]);
        }
        const std::vector<double> of_peak = ReferenceSpectrum(electrons_in_the_sun(peak))(p),
                                  of_both = ReferenceSpectrum(electrons_in_the_sun(both))(p);
        for (std::size_t b = 0; b < without.size(); ++b) {
            EXPECT_NEAR(of_both[b] / (without[b] + of_peak[b]), 1, 1e-10) << at << " MeV, bin " << b;
        }
    }
}

//! What is kept of earlier points decides nothing, whichever these were, and on whatever thread.
TEST(ReferenceQuadrature, points_do_not_know_of_each_other) {
    const Experiment x = electrons_in_the_sun(spectrum_of_all_kinds());
    const std::vector<double> charges{0, 1e-13, -4e-12};
    const auto fresh = [&](double charge) { return ReferenceSpectrum(x)(point_with_phases(charge)); };
    const ReferenceSpectrum shared(x);
    std::vector<std::vector<double>> one_way(3), other_way(3);
    std::thread beside([&] {
        for (std::size_t i = 0; i < 3; ++i) {
            one_way[i] = shared(point_with_phases(charges[i]));
        }
    });
    for (std::size_t i = 3; i-- > 0;) {
        other_way[i] = shared(point_with_phases(charges[i]));
    }
    beside.join();
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(one_way[i], fresh(charges[i]));
        EXPECT_EQ(other_way[i], one_way[i]);
    }
}

} // namespace
} // namespace nuscan::testing
