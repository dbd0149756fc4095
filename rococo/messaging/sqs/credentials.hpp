// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "rococo/base/clock.hpp"

namespace rococo::messaging::sqs {

/// What a request is signed with. Never logged: only `source` and `access_key_id` are for people.
struct Credentials {
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token;             ///< Empty for long-lived keys.
    std::optional<SystemTime> expires_at;  ///< None for those that do not expire.
    std::string source;                    ///< Where they are from: `profile default`.
};

}  // namespace rococo::messaging::sqs
