// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace rococo {

/// Why something failed, as far as a caller or an operator acts on it differently.
/// The host turns each into an exit code (see `exit_code`).
enum class ErrorKind {
    usage,          ///< The command line is wrong: 64.
    unavailable,    ///< A broker, a file or a network that may be back later: 69.
    internal,       ///< Our own fault: 70.
    service,        ///< The service's library cannot be loaded or used: 70.
    configuration,  ///< A value that no retry can mend: 78. Wrong credentials are among them.
};

/// A failure, told to a person: what happened, with which value, what was expected, what to do.
struct Error {
    ErrorKind kind = ErrorKind::internal;
    std::string message;
};

/// A value, or the reason why there is none.
/// Expected failures (network, configuration, loading) travel in it; exceptions are for bugs.
template <typename T>
using Result = tl::expected<T, Error>;

/// The failure side of a `Result`: `return failure(ErrorKind::unavailable, "…")`.
[[nodiscard]] inline tl::unexpected<Error> failure(ErrorKind kind, std::string message) {
    return tl::unexpected<Error>(Error{kind, std::move(message)});
}

/// The exit code of a process that ends with such a failure (BSD's sysexits).
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
