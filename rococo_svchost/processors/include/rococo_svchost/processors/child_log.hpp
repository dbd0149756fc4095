// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace rococo::svchost {

/// Where goes what a processor's process logs and prints.
///
/// **Thread-safety**: all members may be called from any thread.
class ChildLog {
public:
    virtual ~ChildLog() = default;

    /// A line of its logger, with a level of Python's names; `text` may have several lines, such as
    /// a traceback.
    virtual void log(std::string_view level, std::string_view module, unsigned line,
                     std::string_view text) = 0;

    /// A line that it printed to `stdout` or `stderr`, without its end.
    virtual void pass_on(std::string_view stream, std::string_view line) = 0;
};

}  // namespace rococo::svchost
