// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo::messaging::sqlite {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// A message's headers as the `headers` column has them: `[["name","value"],…]`, empty for none.
/// Fails (`usage`) where a name or value is not UTF-8.
[[nodiscard]] Result<std::string> headers_to_text(const Headers& headers);

/// The reverse. Text that is not of that shape gives no headers: they are an addition, and a
/// message must not be lost for them.
[[nodiscard]] Headers headers_from_text(std::string_view text);

}  // namespace rococo::messaging::sqlite
