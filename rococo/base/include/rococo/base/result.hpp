// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace rococo {

/// The kind of failure, which decides what a caller or operator does about it. The host turns each
/// into an exit code (see `exit_code`).
enum class ErrorKind {
    usage,          ///< The command line is wrong: 64.
    unavailable,    ///< A broker, file or network that may come back later: 69.
    internal,       ///< A bug of ours: 70.
    service,        ///< The service's library cannot be loaded or used: 70.
    configuration,  ///< A wrong value, including credentials, that no retry can fix: 78.
};

/// A failure, with a message for people: what happened, which value, what was expected, what to do.
struct Error {
    ErrorKind kind = ErrorKind::internal;
    std::string message;
};

/// A value, or the error why there is none. Expected failures (network, configuration, loading) are
/// returned this way; exceptions are for bugs.
template <typename T>
using Result = tl::expected<T, Error>;

/// The failure side of a `Result`: `return failure(ErrorKind::unavailable, "…")`.
[[nodiscard]] inline tl::unexpected<Error> failure(ErrorKind kind, std::string message) {
    return tl::unexpected<Error>(Error{kind, std::move(message)});
}

/// The exit code for this kind of failure (BSD's sysexits).
[[nodiscard]] constexpr int exit_code(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::usage:
            return 64;
        case ErrorKind::unavailable:
            return 69;
        case ErrorKind::configuration:
            return 78;
        case ErrorKind::internal:
        case ErrorKind::service:
            break;
    }
    return 70;
}

}  // namespace rococo
