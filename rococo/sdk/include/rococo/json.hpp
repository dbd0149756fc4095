// SPDX-License-Identifier: MIT
#pragma once

// Order matters: the assertion comes before nlohmann's header, the specialisations after it.
// clang-format off
#include "rococo/detail/json_assert.hpp"
#include <nlohmann/json.hpp>
#include "rococo/detail/json_access.hpp"
// clang-format on

#include <cstddef>
#include <string>
#include <string_view>

#include "rococo/errors.hpp"
#include "rococo/messaging/message.hpp"

namespace rococo {

/// nlohmann's JSON type, with one difference: `[]` on a const value throws if the key or index is
/// missing, like `.at()`, in every build type.
///
/// `json.at("price")` always throws if there is no price. On a value that is not const,
/// `json["price"]` inserts a null.
///
/// **Errors**: a `nlohmann::json::exception` that leaves `process` makes the message a dead letter
/// at once, because no retry can fix its content. If the JSON came from somewhere else (another
/// service's response, a file), catch the exception and throw one that suits the case.
using Json = nlohmann::json;

namespace detail {

/// Rejects deeply nested documents while parsing, because nlohmann destroys and prints values
/// recursively and would overflow the stack.
class DepthLimit {
public:
    static constexpr int kMaxDepth = 512;

    bool operator()(int depth, Json::parse_event_t event, const Json& /*parsed*/) const {
        const bool opens =
            event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
        if (opens && depth >= kMaxDepth) {
            throw JsonError("the body nests more than " + std::to_string(kMaxDepth) +
                            " levels deep");
        }
        return true;
    }
};

}  // namespace detail

/// The message's body as JSON.
///
/// **Errors**: throws `JsonError`, a `PermanentError`, if the body is not JSON (the text says
/// where) or nests deeper than 512 levels.
[[nodiscard]] inline Json json(const messaging::Message& message) {
    const std::string_view body = message.body();
    try {
        return Json::parse(body.begin(), body.end(), detail::DepthLimit{});
    } catch (const Json::exception& error) {  // not just parse_error: numbers too large for a
                                              // double throw another type
        throw JsonError(std::string("the body is not JSON: ") + error.what());
    }
}

}  // namespace rococo
