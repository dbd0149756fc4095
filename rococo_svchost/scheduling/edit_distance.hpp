// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

namespace rococo::svchost {

/// How many letters must be changed, added or dropped to make one word of the other
/// (Levenshtein's distance), for "did you mean". `limit` where it is that or more.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

}  // namespace rococo::svchost
