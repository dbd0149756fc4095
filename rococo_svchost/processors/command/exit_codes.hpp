// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string_view>

#include "rococo/base/result.hpp"

namespace rococo::svchost::command {

/// What a program's exit code says of its message.
enum class Verdict { ack, retry, dead_letter };

/// What each exit code means: 0 that it is done, 65 (EX_DATAERR) that no retry can help, every
/// other that it is to be tried again, unless PROCESSOR_EXIT_CODES says otherwise.
class ExitCodes {
public:
    ExitCodes();
    /// Reads `3=dead-letter,4=retry,5=ack`. **Errors**: kind `configuration`, with the part that is
    /// wrong and what is allowed.
    [[nodiscard]] static Result<ExitCodes> parse(std::string_view text);

    /// Of a code from 0 to 255.
    [[nodiscard]] Verdict of(int code) const;

private:
    std::array<Verdict, 256> verdicts_{};
};

}  // namespace rococo::svchost::command
