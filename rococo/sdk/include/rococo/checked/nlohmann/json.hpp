// SPDX-License-Identifier: MIT
#pragma once
#pragma GCC system_header  // include_next is an extension

/// Services find this header before nlohmann's own, so that a missing key in a const value throws
/// in all of their sources, whether they include <rococo/json.hpp> or <nlohmann/json.hpp>. If the
/// sources differed, they would violate the one-definition rule.

// Order matters: the assertion comes before nlohmann's header, the specialisations after it.
// clang-format off
#include "rococo/detail/json_assert.hpp"
#include_next <nlohmann/json.hpp>
#include "rococo/detail/json_access.hpp"
