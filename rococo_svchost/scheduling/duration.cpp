// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/duration.hpp"

#include <fmt/format.h>

#include "pointed_error.hpp"
#include "rococo/configuration/duration.hpp"

namespace rococo::svchost {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr std::string_view kAllowed =
    "a duration such as 500ms, 90s, 1m30s, 1.5h, 2d or 1w, up to 100 years; a number alone is "
    "seconds";

}  // namespace

Result<microseconds> parse_duration(std::string_view text) {
    const auto length = read_duration(text);
    if (length) return *length;
    const DurationMistake& mistake = length.error();
    return tl::unexpected(
        pointed_error(text, {mistake.begin, mistake.size}, mistake.what, kAllowed));
}

std::string format_duration(microseconds duration) {
    if (duration < microseconds(0)) return "-" + format_duration(-duration);
    if (duration < milliseconds(1)) return fmt::format("{} µs", duration.count());
    if (duration < seconds(1))
        return fmt::format("{:g} ms", static_cast<double>(duration.count()) / 1e3);
    std::string result;
    const auto take = [&result, &duration](microseconds unit, std::string_view name) {
        const auto count = duration / unit;
        if (count == 0) return;
        duration -= count * unit;
        result += fmt::format("{}{} {}", result.empty() ? "" : " ", count, name);
    };
    const bool fine = duration < minutes(1) && duration % seconds(1) != microseconds(0);
    if (fine) return fmt::format("{:g} s", static_cast<double>(duration.count()) / 1e6);
    take(hours(24), "d");
    take(hours(1), "h");
    take(minutes(1), "min");
    take(seconds(1), "s");
    take(milliseconds(1), "ms");
    return result;
}

}  // namespace rococo::svchost
