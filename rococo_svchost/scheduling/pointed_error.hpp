// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// A part of a text: where it begins and how long it is, in bytes.
struct TextRange {
    std::size_t begin = 0;
    std::size_t size = 0;
};

/// What is wrong with a text, shown so that the eye finds it:
///
///     hour 25 is out of range
///         0 25 * * *
///           ^^
///     allowed: 0 to 23, …
[[nodiscard]] Error pointed_error(std::string_view text, TextRange where, std::string_view what,
                                  std::string_view allowed);

}  // namespace rococo::svchost
