// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/duration.hpp"

#include "pointed_error.hpp"
#include "rococo/configuration/duration.hpp"

namespace rococo::svchost {

namespace {

constexpr std::string_view kAllowed =
    "a duration such as 500ms, 90s, 1m30s, 1.5h, 2d or 1w, up to 100 years; a number alone is "
    "seconds";

}  // namespace

Result<std::chrono::microseconds> parse_duration(std::string_view text) {
    const auto length = read_duration(text);
    if (length) return *length;
    const DurationMistake& mistake = length.error();
    return tl::unexpected(
        pointed_error(text, {mistake.begin, mistake.size}, mistake.what, kAllowed));
}

}  // namespace rococo::svchost
