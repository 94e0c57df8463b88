// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace nuscan {

/// Where a piece of input stands; line 0 where there is no line (a flag, an environment variable, a whole file).
struct InputLocation {
    std::string file; //!< path as the user gave it, or "command line"
    int line = 0;
};

/// The text of a message about a piece of input, `file:line: problem (why) suggestion?`, for errors and notes alike.
std::string input_message(const InputLocation& where, const std::string& problem, const std::string& why = "",
                          const std::string& suggestion = "");

/// Bad input: reported as `file:line: problem (why) suggestion?`, after which the program exits with status 2.
class InputError : public std::runtime_error {
public:
    /// \param problem what is wrong, with the offending value; \param why the rule it breaks; \param suggestion what to
    /// write instead, as a question or an instruction, or empty.
    InputError(const InputLocation& where, const std::string& problem, const std::string& why = "",
               const std::string& suggestion = "");
};

/// The name in \p known closest to \p name by edit distance, or "" where none is close.
std::string nearest_name(const std::string& name, const std::vector<std::string>& known);

} // namespace nuscan
