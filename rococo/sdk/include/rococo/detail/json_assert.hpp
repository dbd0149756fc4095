// SPDX-License-Identifier: MIT
#pragma once

/// Makes nlohmann's assertions throw, in every build type. By default, reading a missing key of a
/// const value aborts the process, or is undefined behaviour with NDEBUG. Must be included before
/// the library, which uses an existing definition of the assertion.

#include <string>

#include "rococo/errors.hpp"

namespace rococo::detail {

/// Called when an assertion in the JSON library fails.
[[noreturn]] inline void json_assertion_failed(const char* assertion) {
    throw JsonError(std::string("the JSON does not hold what was asked of it (") + assertion + ")");
}

}  // namespace rococo::detail

#ifndef JSON_ASSERT
#define JSON_ASSERT(assertion) \
    ((assertion) ? static_cast<void>(0) : ::rococo::detail::json_assertion_failed(#assertion))
#endif
