// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "rococo/configuration/options.hpp"

namespace rococo {

/// The value in the table's own spelling (`cron` becomes `CRON`, `Yes` becomes `true`), or what is
/// wrong with it and what is allowed, to be put behind the variable's name and value.
[[nodiscard]] tl::expected<std::string, std::string> check_value(const Option& option,
                                                                 std::string_view value);

/// Whether the value is one of the option's words, such as `auto`, in the table's spelling.
[[nodiscard]] bool is_word(const Option& option, std::string_view value);

/// Digits only, with a `-` before them: no blanks, no `+`, no exponent. None for anything else and
/// for what does not fit.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
/// The same with a decimal point and digits after it.
[[nodiscard]] std::optional<double> parse_decimal(std::string_view text);
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);

/// The value as errors show it: `***` for a secret, control characters and what is not UTF-8
/// escaped, cut after 100 bytes.
[[nodiscard]] std::string shown_value(const Option& option, std::string_view value);

}  // namespace rococo
