// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rococo {

/// Formats a count with its noun, given in the singular: `1 attempt`, `2 attempts`.
[[nodiscard]] inline std::string counted(std::size_t number, std::string_view thing) {
    return std::to_string(number).append(" ").append(thing).append(number == 1 ? "" : "s");
}

}  // namespace rococo
