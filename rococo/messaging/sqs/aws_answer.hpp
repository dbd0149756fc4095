// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "aws_caller.hpp"
#include "credentials.hpp"
#include "event_loop.hpp"
#include "rococo/base/clock.hpp"

namespace rococo::messaging::sqs {

/// What an answer belongs to, for the words of an error.
struct CallSubject {
    std::string action;
    std::string queue;
    std::string endpoint;
    std::string region;
    std::string access_key_id;
    std::string credentials_source;
};

/// Understands an answer of the JSON protocol: the document, or why there is none.
[[nodiscard]] CallResult read_answer(const HttpAnswer& answer, const CallSubject& subject);

/// The service's time in the answer's `Date` header (RFC 9110); none where it has none.
[[nodiscard]] std::optional<SystemTime> answer_date(const HttpAnswer& answer);

/// Whether a failure of that code may come from a clock that is off.
[[nodiscard]] bool may_be_clock_skew(const std::string& code);

/// Whether that code says that temporary credentials have expired.
[[nodiscard]] bool is_expired_token(const std::string& code);

/// Whether this code means that the key is unknown: deleted, replaced, or expired.
[[nodiscard]] bool is_unknown_key(const std::string& code);

}  // namespace rococo::messaging::sqs
