// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace rococo::svchost::cli {

/// The terminal as a screen of its own, in the place of the shell's lines, as long as this object
/// exists: the alternate screen, without a cursor, and with keys that come as they are pressed.
///
/// The terminal is given back as it was on every way out: by the destructor; by SIGINT, SIGTERM,
/// SIGHUP and SIGQUIT, which end `wait`; before Ctrl-Z stops the process; and if the process
/// crashes.
///
/// **Thread-safety**: none; one at a time in a process.
class Screen {
public:
    /// Whether there is a terminal on both sides: for keys, and to draw on.
    [[nodiscard]] static bool is_possible();

    Screen();
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    struct Size {
        std::size_t rows = 24;
        std::size_t columns = 80;
    };
    [[nodiscard]] static Size size();

    /// Shows these lines, which must fit, and nothing else.
    void draw(std::string_view lines) const;

    /// What ended a wait.
    struct Event {
        std::optional<char> key;  ///< Empty: the time is up, or the screen must be drawn anew.
        int signal = 0;           ///< The signal by which the process was asked to end.
    };
    [[nodiscard]] Event wait(std::chrono::milliseconds time) const;
};

}  // namespace rococo::svchost::cli
