// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace rococo::svchost::child {

/// Appends a text as a JSON string. What is not UTF-8 becomes the character for that, as JSON can
/// say nothing else.
void append_json(std::string& out, std::string_view text);

}  // namespace rococo::svchost::child
