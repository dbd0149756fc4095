// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo::svchost::programs {

/// Splits a command as a shell does: words at blanks, kept together by single and double quotes and
/// backslashes. Nothing is expanded: `$`, `*` and `~` stand for themselves.
///
/// **Errors**: kind `configuration`: a quote or a backslash without its end.
[[nodiscard]] Result<std::vector<std::string>> shell_words(std::string_view text);

}  // namespace rococo::svchost::programs
