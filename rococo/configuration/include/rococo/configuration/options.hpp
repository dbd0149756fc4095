// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rococo {

/// What an option's value is.
enum class OptionType {
    text,      ///< Any UTF-8 text without control characters.
    integer,   ///< A decimal integer between `minimum` and `maximum`.
    decimal,   ///< A decimal number between `minimum` and `maximum`, such as `0.5`.
    boolean,   ///< `1`, `true`, `yes`, `on` or `0`, `false`, `no`, `off`, in any case.
    choice,    ///< One of `choices`; another case is accepted and means the same.
    duration,  ///< `250ms`, `30s`, `5m`, `2h`, `1d`; a bare number is seconds.
    path,      ///< A file or folder; a relative one counts from the service's folder.
};

/// Under which heading an option is shown.
enum class OptionGroup { general, reliability, logging, sqlite, rabbitmq, sqs, schedules };

/// One row of the table of options: all that validation, `svchost config`, `docs/CONFIGURATION.md`
/// and "did you mean" know of a variable.
struct Option {
    /// The variable. A row whose name begins with `<ProcessorType>` stands for all variables with
    /// that ending.
    std::string_view name;
    OptionGroup group = OptionGroup::general;
    OptionType type = OptionType::text;
    /// The value where none is given, written as a user would; empty: there is none.
    std::string_view fallback = {};
    /// `choice`: what is allowed, separated by `|`. For numbers and durations: words allowed beside
    /// them, such as `auto`.
    std::string_view choices = {};
    /// The least value allowed. Durations: in milliseconds.
    double minimum = 0;
    /// The greatest value allowed. Durations: in milliseconds.
    double maximum = std::numeric_limits<double>::max();
    bool secret = false;      ///< Shown as `***`, everywhere.
    bool original = false;    ///< Known to the Python original, with the same meaning.
    bool multi_line = false;  ///< May hold line breaks and tabs.
    std::string_view help = {};

    /// Whether the row stands for many variables.
    [[nodiscard]] bool is_pattern() const { return name.starts_with('<'); }
};

/// The whole table, in the order in which it is shown.
[[nodiscard]] std::span<const Option> options();

/// The row for a variable, those of patterns included; null where there is none.
[[nodiscard]] const Option* find_option(std::string_view variable);

/// `choices` taken apart.
[[nodiscard]] std::vector<std::string_view> choices_of(const Option& option);

/// What is allowed, for people: `an integer from 1 to 1024, or auto`.
[[nodiscard]] std::string allowed_text(const Option& option);

/// The group's heading: `RabbitMQ`.
[[nodiscard]] std::string_view heading(OptionGroup group);

}  // namespace rococo
