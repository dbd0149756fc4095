// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "rococo/base/result.hpp"

/// What people are told besides results: on standard error, made safe for a terminal.
namespace rococo::svchost::cli {

/// Prints a warning.
void print_warning(std::string_view text);

/// Prints a failure and returns its exit code.
int print_error(const Error& error);

}  // namespace rococo::svchost::cli
