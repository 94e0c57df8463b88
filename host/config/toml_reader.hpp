// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "config/error.hpp"
#include "config/quantity.hpp"

namespace nuscan {

/// The text of a file. \throws InputError at \p where, or at the file itself where that is empty.
std::string read_text_file(const std::string& path, const InputLocation& where = {});

/// Parses TOML. \throws InputError with the parser's words.
toml::table parse_toml(const std::string& text, const std::string& path);

/// A table of a TOML file, read with types, units and positions checked.
///
/// Nodes without a position were put there by `--set`: their errors are reported against the command line. All readers
/// throw InputError; those without a default refuse a missing key.
class TomlTable {
public:
    //! The root table of a file
    TomlTable(const toml::table& table, const std::string& file)
        : table_(&table), file_(file), name_("the file"), where_{file, 0} {}

    //! Refuses keys that are not in \p keys, with the nearest that is
    void allow_only(const std::vector<std::string>& keys) const;

    bool has(const std::string& key) const { return table_->contains(key); }
    const toml::table& raw() const { return *table_; }
    const InputLocation& where() const { return where_; }
    //! Where a key's value stands, or the table where there is no such key
    InputLocation where(const std::string& key) const;
    InputLocation where(const toml::node& node) const;
    std::vector<std::string> keys() const;

    std::string string(const std::string& key) const;
    std::string string(const std::string& key, const std::string& otherwise) const;
    //! A string, or each of an array of them
    std::vector<std::string> strings(const std::string& key) const;
    bool boolean(const std::string& key, bool otherwise) const;
    std::int64_t integer(const std::string& key) const;
    //! One of a few words
    std::string choice(const std::string& key, const std::vector<std::string>& words) const;
    std::string choice(const std::string& key, const std::vector<std::string>& words,
                       const std::string& otherwise) const;

    //! A number with its unit, converted; \p measured as in parse_quantity
    double quantity(const std::string& key, Dimension dimension, const std::string& measured = "") const;
    double quantity(const std::string& key, Dimension dimension, double otherwise) const;
    //! The same under another name in error messages
    double quantity_called(const std::string& what, const std::string& key, Dimension dimension) const;
    std::vector<double> quantities(const std::string& key, Dimension dimension, const std::string& measured = "") const;

    //! A table inside this one; an empty one where it is absent
    TomlTable table(const std::string& key) const;
    //! An array of tables; empty where it is absent
    std::vector<TomlTable> tables(const std::string& key) const;

private:
    TomlTable(const toml::table& table, const std::string& file, const std::string& name, const InputLocation& where)
        : table_(&table), file_(file), name_(name), where_(where) {}

    const toml::node& at(const std::string& key) const;
    double quantity_of(const toml::node& node, Dimension dimension, const std::string& what,
                       const std::string& measured) const;
    [[noreturn]] void wrong_type(const toml::node& node, const std::string& what, const std::string& expected) const;

    const toml::table* table_;
    std::string file_;
    std::string name_; //!< as error messages call it, e.g. "[[axis]]"
    InputLocation where_;
};

//! `did you mean "…"?` for the nearest of \p known, or "" where none is near
std::string did_you_mean(const std::string& name, const std::vector<std::string>& known);

//! `"a", "b" or "c"`
std::string quoted_list(const std::vector<std::string>& words);

} // namespace nuscan
