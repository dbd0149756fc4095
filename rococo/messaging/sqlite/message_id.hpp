// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "rococo/messaging/sqlite_settings.hpp"

namespace rococo::messaging::sqlite {

/// A random UUID (RFC 4122, version 4) in its usual 36 characters.
[[nodiscard]] std::string make_message_id(const RandomSource& random);

}  // namespace rococo::messaging::sqlite
