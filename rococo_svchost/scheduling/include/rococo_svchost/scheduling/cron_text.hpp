// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo_svchost/scheduling/cron_expression.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

/// Cuts the text of `CRON_EXPRESSIONS` into expressions.
///
/// `;` and ends of lines always separate; a line that begins with `#` is a comment. A comma
/// separates, as in the original, where only one reading makes whole expressions of all parts:
/// `0 9 * * *,0 17 * * *` are two, `0,30 * * * *` is one. A text with two readings
/// (`0 9 * * 1,3,0 17 * * *`) is a failure (configuration) that asks for `;`.
///
/// The expressions need not be right: `CronExpression::parse` tells what is wrong with each. None
/// are returned for a text of white space and separators only.
[[nodiscard]] Result<std::vector<std::string>> split_expressions(std::string_view text,
                                                                 const CronOptions& options = {});

/// What an expression means, as an English phrase: "at 09:30 on weekdays".
[[nodiscard]] std::string explain(const CronExpression& expression);

/// The same with the zone: "at 09:30 on weekdays, Europe/Berlin".
[[nodiscard]] std::string explain(const CronExpression& expression, const TimeZone& zone);

/// What about an expression may surprise its author, one sentence each: `* */15 * * * *` fires
/// every second, `*/7` is uneven at the hour's end, numeric weekdays, `31` in short months, … None
/// of it is an error.
[[nodiscard]] std::vector<std::string> lint(const CronExpression& expression);

}  // namespace rococo::svchost
