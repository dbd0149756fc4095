// SPDX-License-Identifier: MIT
#include "pointed_error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rococo::svchost {

namespace {

// Longer texts are cut down to the surroundings of the mistake, to fit on a line.
constexpr std::size_t kLongest = 100;

/// Prints exactly one column per byte, so that the carets stay below the mistake whatever the
/// terminal does with tabs, control characters and invalid UTF-8.
std::string printable(std::string_view text) {
    std::string result(text);
    std::ranges::replace_if(
        result, [](unsigned char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
    std::ranges::replace_if(
        result, [](unsigned char c) { return c < 0x20 || c >= 0x7F; }, '?');
    return result;
}

}  // namespace

Error pointed_error(std::string_view text, std::string_view part, std::string_view what,
                    std::string_view allowed) {
    const auto begin = static_cast<std::size_t>(part.data() - text.data());
    const std::size_t first =
        text.size() > kLongest && begin > kLongest / 2 ? begin - kLongest / 2 : 0;
    const std::string shown = printable(text.substr(first, kLongest));
    const std::size_t column = std::min(begin - first, shown.size());
    const std::size_t width =
        std::clamp<std::size_t>(part.size(), 1, std::max<std::size_t>(1, shown.size() - column));
    return Error{ErrorKind::configuration,
                 fmt::format("{}\n    {}\n    {:{}}{:^<{}}\nallowed: {}", what, shown, "", column,
                             "", width, allowed)};
}

}  // namespace rococo::svchost
