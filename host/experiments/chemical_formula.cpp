// SPDX-License-Identifier: Apache-2.0
#include "experiments/chemical_formula.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "config/toml_reader.hpp"
#include "experiments/nuclides.hpp"

namespace nuscan {
namespace {

constexpr double max_count = 1e6;

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A symbol that may have been meant: one with the same first letter if there is one.
std::string suggested_symbol(const std::string& symbol) {
    const std::vector<std::string> symbols = element_symbols();
    std::vector<std::string> alike;
    std::copy_if(symbols.begin(), symbols.end(), std::back_inserter(alike),
                 [&](const std::string& candidate) { return candidate[0] == symbol[0]; });
    const std::string suggestion = did_you_mean(symbol, alike);
    return suggestion.empty() ? did_you_mean(symbol, symbols) : suggestion;
}

/// Reads a formula from left to right; what stands between brackets is gathered apart until its bracket closes.
class FormulaReader {
public:
    FormulaReader(const std::string& formula, const InputLocation& where) : formula_(formula), where_(where) {}

    std::vector<FormulaPart> read() {
        std::vector<std::vector<FormulaPart>> groups(1); // the innermost open one last
        std::vector<std::size_t> opened;                 // where their brackets are
        while (at_ < formula_.size()) {
            const char c = formula_[at_];
            if (c == '(') {
                opened.push_back(at_++);
                groups.emplace_back();
            } else if (c == ')') {
                ++at_;
                if (groups.size() == 1) {
                    fail("a bracket closes that was never opened");
                }
                const std::vector<FormulaPart> group = std::move(groups.back());
                groups.pop_back();
                if (group.empty()) {
                    fail("there is nothing between two brackets");
                }
                if (at_ == formula_.size() || !is_digit(formula_[at_])) {
                    refuse_uncounted(opened.back(), group);
                }
                opened.pop_back();
                const double count = read_count();
                for (const FormulaPart& part : group) {
                    add(groups.back(), part.element, part.count * count);
                }
            } else if (is_upper(c)) {
                const Element element = read_element();
                add(groups.back(), element, read_count());
            } else if (is_lower(c)) {
                std::string symbol = rest().substr(0, 2);
                symbol[0] = static_cast<char>(c - 'a' + 'A');
                fail(fmt::format("symbols begin with a capital letter, \"{}\" does not", rest()),
                     suggested_symbol(symbol));
            } else if (is_digit(c)) {
                const std::string nuclide = symbol_first(formula_);
                fail(fmt::format("the number in \"{}\" counts nothing", rest()),
                     find_nuclide(nuclide) ? fmt::format("write nuclide = \"{}\"?", nuclide)
                                           : "write it behind a symbol or \")\"");
            } else if (c == ':' && at_ > 0) {
                fail(fmt::format("\"{}\" is not one per formula unit, as dopants are not", rest()),
                     fmt::format("write \"{}\"?", formula_.substr(0, at_)));
            } else {
                fail(fmt::format("\"{}\" begins with neither a symbol nor a bracket", rest()));
            }
        }
        if (groups.size() > 1) {
            fail("a bracket is never closed");
        }
        if (groups[0].empty()) {
            fail("it is empty");
        }
        return groups[0];
    }

private:
    std::string rest() const { return formula_.substr(at_); }

    [[noreturn]] void fail(const std::string& why, const std::string& suggestion = "") const {
        throw InputError(where_, fmt::format("\"{}\" is no chemical formula", formula_), why,
                         suggestion.empty() ? "write it like \"Xe\", \"CaWO4\" or \"(NH4)2SO4\"" : suggestion);
    }

    //! A group without a number is a dopant: CsI(Tl) would be one atom of thallium for each of caesium.
    [[noreturn]] void refuse_uncounted(std::size_t opened, const std::vector<FormulaPart>& group) const {
        const std::string before = formula_.substr(0, opened), bracket = formula_.substr(opened, at_ - opened);
        const bool dopant = group.size() == 1 && opened > 0;
        fail(fmt::format("\"{}\" has no number{}", bracket, dopant ? ", and a dopant is not one per formula unit" : ""),
             fmt::format("write \"{}\"?", before + (dopant ? "" : bracket.substr(1, bracket.size() - 2)) + rest()));
    }

    Element read_element() {
        const std::size_t begin = at_++;
        while (at_ < formula_.size() && is_lower(formula_[at_])) {
            ++at_;
        }
        const std::string symbol = formula_.substr(begin, at_ - begin);
        const auto element = find_element(symbol);
        if (!element) {
            fail(fmt::format("there is no element \"{}\"", symbol), suggested_symbol(symbol));
        }
        return *element;
    }

    /// The number here, or 1 where there is none.
    double read_count() {
        const char* const begin = formula_.data() + at_;
        const char* const end = formula_.data() + formula_.size();
        if (begin == end || !is_digit(*begin)) {
            return 1;
        }
        double count = 0;
        const auto [stop, error] = std::from_chars(begin, end, count, std::chars_format::fixed);
        const std::string text(begin, stop);
        if (error != std::errc() || count > max_count) {
            fail(fmt::format("the count {} is above {}", text, max_count));
        }
        if (!(count > 0)) {
            fail(fmt::format("the count {} is not positive", text));
        }
        at_ += text.size();
        return count;
    }

    void add(std::vector<FormulaPart>& parts, const Element& element, double count) const {
        auto part = std::find_if(parts.begin(), parts.end(),
                                 [&](const FormulaPart& candidate) { return candidate.element.Z == element.Z; });
        if (part == parts.end()) {
            part = parts.insert(part, {element, 0});
        }
        part->count += count;
        if (part->count > max_count) {
            fail(fmt::format("it has more than {} atoms of {}", max_count, element.symbol));
        }
    }

    const std::string& formula_;
    const InputLocation& where_;
    std::size_t at_ = 0;
};

} // namespace

std::vector<FormulaPart> parse_formula(const std::string& formula, const InputLocation& where) {
    return FormulaReader(formula, where).read();
}

double formula_weight(const std::vector<FormulaPart>& parts) {
    double weight = 0;
    for (const FormulaPart& part : parts) {
        weight += part.count * part.element.atomic_weight;
    }
    return weight;
}

} // namespace nuscan
