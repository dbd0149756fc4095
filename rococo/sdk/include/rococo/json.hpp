// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "rococo/errors.hpp"
#include "rococo/messaging/message.hpp"

namespace rococo {

/// JSON as the nlohmann library has it.
using Json = nlohmann::json;

namespace detail {

/// Refuses documents that nest deeper than any honest one, before the parser's value grows with
/// them: destroying and printing a value recurse.
class DepthLimit {
public:
    static constexpr int kMaxDepth = 512;

    bool operator()(int depth, Json::parse_event_t event, const Json& /*parsed*/) const {
        const bool opens =
            event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
        if (opens && depth >= kMaxDepth) {
            throw PermanentError("the body nests more than " + std::to_string(kMaxDepth) +
                                 " levels deep");
        }
        return true;
    }
};

}  // namespace detail

/// The message's body as JSON.
///
/// **Errors**: throws `PermanentError` where the body is not JSON (no retry can help), with the
/// place; or where it nests deeper than 512 levels.
[[nodiscard]] inline Json json(const messaging::Message& message) {
    const std::string_view body = message.body();
    try {
        return Json::parse(body.begin(), body.end(), detail::DepthLimit{});
    } catch (const Json::parse_error& error) {
        throw PermanentError(std::string("the body is not JSON: ") + error.what());
    }
}

}  // namespace rococo
