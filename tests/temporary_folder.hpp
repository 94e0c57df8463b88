// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "config/error.hpp"

namespace nuscan::test {

/// A folder that is gone with the object.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "nuscan-test-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }

    //! Writes a file, with the folders it is in; returns its path
    std::string write(const std::string& name, const std::string& text) const {
        const std::filesystem::path file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        return file.string();
    }

    //! The message of the InputError that \p action throws, with paths relative to this folder; "" if none
    template <class Action>
    std::string error_of(const Action& action) const {
        try {
            action();
        } catch (const InputError& error) {
            std::string message = error.what();
            const std::string prefix = path_.string() + "/";
            for (std::size_t at; (at = message.find(prefix)) != std::string::npos;) {
                message.erase(at, prefix.size());
            }
            return message;
        }
        return "";
    }

private:
    std::filesystem::path path_;
};

} // namespace nuscan::test
