// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string_view>

#include "rococo/base/duration_text.hpp"
#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// Like `rococo::read_duration`, but a failure (configuration) underlines the wrong part and says
/// what is allowed.
[[nodiscard]] Result<std::chrono::microseconds> parse_duration(std::string_view text);

}  // namespace rococo::svchost
