// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "rococo/configuration/options.hpp"

namespace rococo {

/// The value in the table's spelling (`cron` becomes `CRON`, `Yes` becomes `true`), or what is
/// wrong with it and what is allowed, to be appended to the variable's name and value.
[[nodiscard]] tl::expected<std::string, std::string> check_value(const Option& option,
                                                                 std::string_view value);

/// Digits with an optional leading `-` and one decimal point between them; no spaces, `+` or
/// exponent. Empty for anything else or if out of range.
[[nodiscard]] std::optional<double> parse_decimal(std::string_view text);
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);

/// The value with `***` instead of user name and password, if it is a URL that contains them.
[[nodiscard]] std::string without_user_information(std::string_view value);

/// The value as shown in errors: `***` for a secret, control characters and invalid UTF-8 escaped,
/// cut after 100 bytes.
[[nodiscard]] std::string shown_value(const Option& option, std::string_view value);

}  // namespace rococo
