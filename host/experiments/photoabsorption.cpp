// SPDX-License-Identifier: Apache-2.0
#include "experiments/photoabsorption.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include <fmt/format.h>

namespace nuscan {
namespace {

struct Point {
    double energy;        // [eV]
    double cross_section; // [barn]
};

struct Row {
    const char* symbol;
    std::initializer_list<Point> points;
};

constexpr Row rows[] = {
#include "experiments/photoabsorption.inc"
};

constexpr double eV = 1e-6;    // [MeV]
constexpr double barn = 1e-24; // [cm^2]

constexpr double step_width = 1e-9; // relative, of the step where an element's table begins
constexpr double tolerance = 0.9e-4;

struct Term {
    PhotoabsorptionTable table;
    double count;
};

double sum_at(const std::vector<Term>& terms, double E) {
    double sum = 0;
    for (const Term& term : terms) {
        sum += term.count * term.table.at(E);
    }
    return sum;
}

/// Energies at which the sum must be tabulated, whatever the interpolation in between.
std::vector<double> all_energies(const std::vector<Term>& terms) {
    std::vector<double> energies;
    for (const Term& term : terms) {
        energies.insert(energies.end(), term.table.energy.begin(), term.table.energy.end());
    }
    const double lowest = *std::min_element(energies.begin(), energies.end());
    for (const Term& term : terms) {
        if (term.table.energy[0] > lowest) {
            energies.push_back(term.table.energy[0] * (1 - step_width));
        }
    }
    std::sort(energies.begin(), energies.end());
    energies.erase(std::unique(energies.begin(), energies.end()), energies.end());
    return energies;
}

/// Appends the points inside (a, b) that linear interpolation needs, and b.
void append_until(const std::vector<Term>& terms, double b, double y_b, Table& table) {
    const double a = table.x.back();
    const double y_a = table.y.back();
    const double ratio = b / a;
    if (ratio > 1 + 2 * step_width) {
        for (const double fraction : {0.5, 0.25, 0.75}) {
            const double E = a * std::pow(ratio, fraction);
            const double y = sum_at(terms, E);
            const double linear = y_a + (y_b - y_a) * ((E - a) / (b - a));
            if (!(std::abs(linear - y) < tolerance * y)) {
                const double middle = a * std::sqrt(ratio);
                append_until(terms, middle, sum_at(terms, middle), table);
                append_until(terms, b, y_b, table);
                return;
            }
        }
    }
    table.x.push_back(b);
    table.y.push_back(y_b);
}

} // namespace

double PhotoabsorptionTable::at(double E) const {
    if (!(E >= energy.front() && E <= energy.back())) {
        return 0;
    }
    const auto above = std::upper_bound(energy.begin(), energy.end(), E);
    const std::size_t i = static_cast<std::size_t>(above - energy.begin()) - 1;
    if (E == energy[i]) {
        return cross_section[i];
    }
    const double fraction = std::log(E / energy[i]) / std::log(energy[i + 1] / energy[i]);
    return cross_section[i] * std::pow(cross_section[i + 1] / cross_section[i], fraction);
}

std::optional<PhotoabsorptionTable> photoabsorption(const std::string& symbol) {
    for (const Row& row : rows) {
        if (row.symbol == symbol) {
            PhotoabsorptionTable table;
            for (const Point& point : row.points) {
                table.energy.push_back(point.energy * eV);
                table.cross_section.push_back(point.cross_section * barn);
            }
            return table;
        }
    }
    return {};
}

Table photoabsorption_of(const std::vector<FormulaPart>& parts, const InputLocation& where) {
    std::vector<Term> terms;
    for (const FormulaPart& part : parts) {
        const auto table = photoabsorption(part.element.symbol);
        if (!table) {
            throw InputError(where, fmt::format("there is no photoabsorption table of {}", part.element.symbol),
                             "elements up to uranium have one");
        }
        terms.push_back({*table, part.count});
    }
    Table sum;
    if (terms.empty()) {
        return sum;
    }
    for (const double E : all_energies(terms)) {
        const double y = sum_at(terms, E);
        if (sum.x.empty()) {
            sum.x.push_back(E);
            sum.y.push_back(y);
        } else {
            append_until(terms, E, y, sum);
        }
    }
    return sum;
}

} // namespace nuscan
