// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo_svchost/scheduling/cron_expression.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

/// Splits the text of `CRON_EXPRESSIONS` into expressions.
///
/// `;` and line ends always separate; a line that starts with `#` is a comment. A comma separates,
/// as in the original, if there is only one way to split the text into complete expressions: `0 9 *
/// * *,0 17 * * *` are two, `0,30 * * * *` is one. An ambiguous text (`0 9 * * 1,3,0 17 * * *`) is
/// a failure (configuration) that asks for `;`.
///
/// The expressions are not validated; `CronExpression::parse` does that. A text of only white space
/// and separators yields none.
[[nodiscard]] Result<std::vector<std::string>> split_expressions(std::string_view text,
                                                                 const CronOptions& options = {});

/// An expression as an English phrase: "at 09:30 on weekdays".
[[nodiscard]] std::string explain(const CronExpression& expression);

/// The same with the zone: "at 09:30 on weekdays, Europe/Berlin".
[[nodiscard]] std::string explain(const CronExpression& expression, const TimeZone& zone);

/// Warnings about what may surprise the author of an expression, one sentence each: `* */15 * * *
/// *` fires every second, `*/7` is uneven at the hour's end, numeric weekdays, `31` in short
/// months, … None of these is an error.
[[nodiscard]] std::vector<std::string> lint(const CronExpression& expression);

}  // namespace rococo::svchost
