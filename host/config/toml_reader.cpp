// SPDX-License-Identifier: Apache-2.0
#include "config/toml_reader.hpp"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

namespace nuscan {
namespace {

const char* type_name(toml::node_type type) {
    switch (type) {
    case toml::node_type::table:
        return "a table";
    case toml::node_type::array:
        return "an array";
    case toml::node_type::string:
        return "a string";
    case toml::node_type::integer:
        return "an integer";
    case toml::node_type::floating_point:
        return "a number";
    case toml::node_type::boolean:
        return "a boolean";
    default:
        return "a date or time";
    }
}

//! What a table reads that is not there
const toml::table no_table;

} // namespace

std::string did_you_mean(const std::string& name, const std::vector<std::string>& known) {
    const std::string nearest = nearest_name(name, known);
    return nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest);
}

std::string quoted_list(const std::vector<std::string>& words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        out += (i == 0 ? "" : (i + 1 == words.size() ? " or " : ", ")) + fmt::format("\"{}\"", words[i]);
    }
    return out;
}

std::string read_text_file(const std::string& path, const InputLocation& where) {
    const InputLocation at = where.file.empty() ? InputLocation{path, 0} : where;
    const std::string subject = where.file.empty() ? "cannot be read" : fmt::format("cannot read \"{}\"", path);
    std::error_code ignored; // a path that cannot be looked at cannot be opened either
    if (std::filesystem::is_directory(path, ignored)) {
        throw InputError(at, subject, "it is a folder");
    }
    errno = 0;
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    if (in && in.peek() != std::ifstream::traits_type::eof()) {
        text << in.rdbuf();
    }
    if (!in.is_open() || in.bad() || text.fail()) {
        throw InputError(at, subject, std::strerror(errno));
    }
    return text.str();
}

toml::table parse_toml(const std::string& text, const std::string& path) {
    try {
        return toml::parse(text, path);
    } catch (const toml::parse_error& error) {
        throw InputError({path, static_cast<int>(error.source().begin.line)}, "not valid TOML",
                         std::string(error.description()));
    }
}

void TomlTable::allow_only(const std::vector<std::string>& keys) const {
    for (const auto& [key, node] : *table_) {
        const std::string name(key.str());
        bool known = false;
        for (const std::string& k : keys) {
            known = known || name == k;
        }
        if (!known) {
            const std::string suggestion = did_you_mean(name, keys);
            throw InputError(where(node), fmt::format("unknown key \"{}\" in {}", name, name_),
                             suggestion.empty() && !keys.empty() ? "its keys are " + quoted_list(keys) : "",
                             suggestion);
        }
    }
}

InputLocation TomlTable::where(const toml::node& node) const {
    const int line = static_cast<int>(node.source().begin.line);
    return line > 0 ? InputLocation{file_, line} : InputLocation{"command line", 0};
}

InputLocation TomlTable::where(const std::string& key) const {
    const toml::node* node = table_->get(key);
    return node ? where(*node) : where_;
}

std::vector<std::string> TomlTable::keys() const {
    std::vector<std::string> out;
    for (const auto& [key, node] : *table_) {
        out.emplace_back(key.str());
    }
    return out;
}

const toml::node& TomlTable::at(const std::string& key) const {
    const toml::node* node = table_->get(key);
    if (!node && table_ == &no_table) {
        throw InputError(where_, fmt::format("the table {} is missing", name_), fmt::format("it holds \"{}\"", key));
    }
    if (!node) {
        throw InputError(where_, fmt::format("{} has no \"{}\"", name_, key));
    }
    return *node;
}

void TomlTable::wrong_type(const toml::node& node, const std::string& what, const std::string& expected) const {
    throw InputError(where(node), fmt::format("{} is {}", what, type_name(node.type())), "expected " + expected);
}

std::string TomlTable::string(const std::string& key) const {
    const toml::node& node = at(key);
    if (!node.is_string()) {
        wrong_type(node, key, "a string");
    }
    return node.as_string()->get();
}

std::string TomlTable::string(const std::string& key, const std::string& otherwise) const {
    return has(key) ? string(key) : otherwise;
}

std::vector<std::string> TomlTable::strings(const std::string& key) const {
    const toml::node& node = at(key);
    if (!node.is_array()) {
        return {string(key)};
    }
    std::vector<std::string> out;
    for (const toml::node& element : *node.as_array()) {
        if (!element.is_string()) {
            wrong_type(element, fmt::format("{}[{}]", key, out.size()), "a string");
        }
        out.push_back(element.as_string()->get());
    }
    return out;
}

bool TomlTable::boolean(const std::string& key, bool otherwise) const {
    if (!has(key)) {
        return otherwise;
    }
    const toml::node& node = at(key);
    if (!node.is_boolean()) {
        wrong_type(node, key, "true or false");
    }
    return node.as_boolean()->get();
}

std::int64_t TomlTable::integer(const std::string& key) const {
    const toml::node& node = at(key);
    if (const auto* number = node.as_floating_point()) {
        const double value = number->get();
        const bool whole = std::abs(value) < 1e15 && value == std::floor(value);
        const std::string written = whole ? fmt::format("{:.1f}", value) : fmt::format("{}", value);
        throw InputError(where(node), fmt::format("{} = {} is not an integer", key, written), "",
                         whole ? fmt::format("write {}?", static_cast<std::int64_t>(value)) : "");
    }
    if (!node.is_integer()) {
        wrong_type(node, key, "an integer");
    }
    return node.as_integer()->get();
}

std::string TomlTable::choice(const std::string& key, const std::vector<std::string>& words) const {
    const std::string word = string(key);
    for (const std::string& w : words) {
        if (word == w) {
            return word;
        }
    }
    throw InputError(where(key), fmt::format("{} = \"{}\" is unknown", key, word), "expected " + quoted_list(words),
                     did_you_mean(word, words));
}

std::string TomlTable::choice(const std::string& key, const std::vector<std::string>& words,
                              const std::string& otherwise) const {
    return has(key) ? choice(key, words) : otherwise;
}

double TomlTable::quantity_of(const toml::node& node, Dimension dimension, const std::string& what,
                              const std::string& measured) const {
    if (const auto* text = node.as_string()) {
        return parse_quantity(text->get(), dimension, where(node), what, measured);
    }
    if (const auto* integer = node.as_integer()) {
        return check_bare_number(static_cast<double>(integer->get()), dimension, where(node), what, measured);
    }
    if (const auto* number = node.as_floating_point()) {
        return check_bare_number(number->get(), dimension, where(node), what, measured);
    }
    wrong_type(node, what,
               dimension == Dimension::dimensionless
                   ? std::string("a number")
                   : fmt::format("a number with a unit, like \"1.5 {}\"", unit_name(dimension)));
}

double TomlTable::quantity(const std::string& key, Dimension dimension, const std::string& measured) const {
    return quantity_of(at(key), dimension, key, measured);
}

double TomlTable::quantity_called(const std::string& what, const std::string& key, Dimension dimension) const {
    return quantity_of(at(key), dimension, what, "");
}

double TomlTable::quantity(const std::string& key, Dimension dimension, double otherwise) const {
    return has(key) ? quantity(key, dimension) : otherwise;
}

std::vector<double> TomlTable::quantities(const std::string& key, Dimension dimension,
                                          const std::string& measured) const {
    const toml::node& node = at(key);
    if (!node.is_array()) {
        wrong_type(node, key, "an array");
    }
    std::vector<double> out;
    for (const toml::node& element : *node.as_array()) {
        out.push_back(quantity_of(element, dimension, fmt::format("{}[{}]", key, out.size()), measured));
    }
    return out;
}

TomlTable TomlTable::table(const std::string& key) const {
    const std::string name = fmt::format(
        "[{}]", name_.front() == '[' && name_[1] != '[' ? name_.substr(1, name_.size() - 2) + "." + key : key);
    if (!has(key)) {
        return {no_table, file_, name, where_};
    }
    const toml::node& node = at(key);
    if (!node.is_table()) {
        wrong_type(node, key, "a table");
    }
    return {*node.as_table(), file_, name, where(node)};
}

std::vector<TomlTable> TomlTable::tables(const std::string& key) const {
    std::vector<TomlTable> out;
    if (!has(key)) {
        return out;
    }
    const toml::node& node = at(key);
    if (node.is_table()) {
        throw InputError(where(node), fmt::format("{} is a single table", key), "there may be several of them",
                         fmt::format("write [[{}]]?", key));
    }
    if (!node.is_array()) {
        wrong_type(node, key, "an array of tables");
    }
    for (const toml::node& element : *node.as_array()) {
        if (!element.is_table()) {
            wrong_type(element, fmt::format("{}[{}]", key, out.size()), "a table");
        }
        out.push_back({*element.as_table(), file_, fmt::format("[[{}]]", key), where(element)});
    }
    return out;
}

} // namespace nuscan
