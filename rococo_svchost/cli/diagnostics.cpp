// SPDX-License-Identifier: MIT
#include "diagnostics.hpp"

#include <unistd.h>

#include <iostream>
#include <string>

#include "rococo/base/printable.hpp"
#include "rococo_svchost/observability/host_log.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

constexpr const char* kRed = "\x1b[1;31m";
constexpr const char* kYellow = "\x1b[33m";

/// Prints a message to fit the terminal, its prefix in colour if there are colours.
void say(std::string_view who, const char* colour, std::string_view text) {
    std::string message = fitted_message(std::string(who) + " " + std::string(text));
    if (has_colours(STDERR_FILENO)) message.insert(who.size(), "\x1b[0m").insert(0, colour);
    std::cerr << message << '\n';
}

}  // namespace

int print_error(const Error& error) {
    say("svchost:", kRed, printable(error.message, LineBreaks::keep));
    return exit_code(error.kind);
}

void print_warning(std::string_view text) { say("svchost: warning:", kYellow, printable(text)); }

}  // namespace rococo::svchost::cli
