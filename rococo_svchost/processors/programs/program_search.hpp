// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo::svchost::programs {

/// The program of PROCESSOR_COMMAND and its arguments.
struct Program {
    std::filesystem::path path;
    std::vector<std::string> arguments;  ///< The first is its name, as it was given.
};

/// Finds the program: relative to the service's folder if its name has a slash, else in `PATH`.
///
/// **Errors**: kind `configuration` for a command that cannot be split, kind `service` for a
/// program that is missing or cannot be executed; both name the variable, its value and what to do.
[[nodiscard]] Result<Program> find_program(const std::filesystem::path& folder,
                                           std::string_view command);

/// `OrderMailerServiceProcessor` from a folder `order-mailer`; empty where the folder's name does
/// not begin with a letter.
[[nodiscard]] std::string processor_type_of(const std::filesystem::path& folder);

}  // namespace rococo::svchost::programs
