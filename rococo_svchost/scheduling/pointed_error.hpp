// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// A part of a text: its position and length, in bytes.
struct TextRange {
    std::size_t begin = 0;
    std::size_t size = 0;
};

/// An error that underlines the wrong part of a text:
///
///     hour 25 is out of range
///         0 25 * * *
///           ^^
///     allowed: 0 to 23, …
[[nodiscard]] Error pointed_error(std::string_view text, TextRange where, std::string_view what,
                                  std::string_view allowed);

}  // namespace rococo::svchost
