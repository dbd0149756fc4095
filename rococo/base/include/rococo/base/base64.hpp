// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rococo {

/// Bytes as base64 (RFC 4648, with padding).
[[nodiscard]] std::string base64_encode(std::string_view data);

/// The bytes behind a base64 text; none where it is not base64.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace rococo
