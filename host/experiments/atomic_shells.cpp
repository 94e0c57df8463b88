// SPDX-License-Identifier: Apache-2.0
#include "experiments/atomic_shells.hpp"

namespace nuscan {
namespace {

const std::vector<Element>& elements() {
    static const std::vector<Element> table = [] {
        std::vector<Element> rows = {
#include "experiments/atomic_shells.inc"
        };
        for (Element& element : rows) {
            for (Shell& shell : element.shells) {
                shell.binding_energy /= 1e3; // the table is in keV, as xraylib's
            }
        }
        return rows;
    }();
    return table;
}

} // namespace

std::optional<Element> find_element(const std::string& symbol) {
    for (const Element& element : elements()) {
        if (element.symbol == symbol) {
            return element;
        }
    }
    return {};
}

std::vector<std::string> element_symbols() {
    std::vector<std::string> symbols;
    for (const Element& element : elements()) {
        symbols.push_back(element.symbol);
    }
    return symbols;
}

} // namespace nuscan
