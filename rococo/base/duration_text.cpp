// SPDX-License-Identifier: MIT
#include "rococo/base/duration_text.hpp"

#include <fmt/format.h>

#include <string_view>

namespace rococo {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

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

std::string format_roughly(microseconds duration) {
    if (duration < microseconds(0)) return "-" + format_roughly(-duration);
    if (duration == microseconds(0)) return "0 s";
    if (duration < seconds(1)) return format_duration(std::chrono::ceil<milliseconds>(duration));
    microseconds rest = std::chrono::round<seconds>(duration);
    for (const microseconds unit : {microseconds(hours(24)), microseconds(hours(1)),
                                    microseconds(minutes(1)), microseconds(seconds(1))}) {
        if (rest < unit) continue;
        // A day's second unit is hours, and so on.
        const microseconds second = unit == hours(24)  ? microseconds(hours(1))
                                    : unit == hours(1) ? microseconds(minutes(1))
                                                       : microseconds(seconds(1));
        return format_duration(rest - rest % second);
    }
    return format_duration(rest);
}

}  // namespace rococo
