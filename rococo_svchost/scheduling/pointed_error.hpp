// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// An error that underlines the wrong part of a text. `part` points into `text`, and may be empty:
///
///     hour 25 is out of range
///         0 25 * * *
///           ^^
///     allowed: 0 to 23, …
[[nodiscard]] Error pointed_error(std::string_view text, std::string_view part,
                                  std::string_view what, std::string_view allowed);

}  // namespace rococo::svchost
