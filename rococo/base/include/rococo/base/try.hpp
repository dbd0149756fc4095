// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "rococo/base/result.hpp"

/// \file
/// Pass errors on by one word, in functions that return a `Result` (or another `tl::expected` with
/// the same error). For `.cpp` files only: headers that users include define no macros.

/// Evaluates an expression whose value nobody needs, and returns its error if it failed:
/// `ROCOCO_TRY(file.flush());`. It is one statement, also below an `if` without braces. The value
/// is gone at once: what does its work by living, such as a lock, wants a name (see below).
#define ROCOCO_TRY(...)                                      \
    do {                                                     \
        if (auto tried = (__VA_ARGS__); !tried) {            \
            return tl::unexpected(std::move(tried.error())); \
        }                                                    \
    } while (false)

/// Declares or assigns what an expression yields, or returns its error:
/// `ROCOCO_ASSIGN_OR_RETURN(const auto port, parse_port(text));`. It is several statements, so not
/// for an `if` without braces.
#define ROCOCO_ASSIGN_OR_RETURN(target, ...) \
    ROCOCO_DETAIL_ASSIGN(ROCOCO_DETAIL_NAME(result_, __COUNTER__), target, __VA_ARGS__)

#define ROCOCO_DETAIL_ASSIGN(result, target, ...)                  \
    auto result = (__VA_ARGS__);                                   \
    if (!result) return tl::unexpected(std::move(result.error())); \
    target = *std::move(result) /* NOLINT(bugprone-macro-parentheses) */

// Two steps, so that the counter becomes a number before it is glued to the name.
#define ROCOCO_DETAIL_NAME(name, number) ROCOCO_DETAIL_GLUE(name, number)
#define ROCOCO_DETAIL_GLUE(name, number) name##number
