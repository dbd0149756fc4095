// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rococo {

/// The type of an option's value.
enum class OptionType {
    text,      ///< Any UTF-8 text without control characters.
    integer,   ///< A decimal integer within `range`.
    decimal,   ///< A decimal number within `range`, such as `0.5`.
    boolean,   ///< `1`, `true`, `yes`, `on` or `0`, `false`, `no`, `off`, in any case.
    choice,    ///< One of `choices`, in upper or lower case.
    duration,  ///< `250ms`, `30s`, `5m`, `2h`, `1d`; a bare number is seconds.
    size,      ///< A number of bytes: `65536`, `512KiB`, `64MiB`, `2GiB`.
    path,      ///< A file or folder; relative to the service's folder unless absolute.
};

/// The heading that an option is listed under.
enum class OptionGroup {
    general,
    reliability,
    logging,
    sqlite,
    rabbitmq,
    sqs,
    schedules,
    operations,
};

/// The values allowed for a number; in milliseconds for durations, in bytes for sizes.
struct OptionRange {
    double minimum = 0;
    double maximum = std::numeric_limits<double>::max();
};

/// One row of the option table, which validation, `svchost config`, `docs/CONFIGURATION.md` and
/// "did you mean" are based on.
struct Option {
    /// The variable. A name that starts with `<ProcessorType>` is a pattern: it matches all
    /// variables with that ending.
    std::string_view name;
    OptionGroup group = OptionGroup::general;
    OptionType type = OptionType::text;
    /// The default, in the notation users write; empty if there is none.
    std::string_view fallback = {};
    /// For `choice`, the allowed values, separated by `|`. For numbers and durations, words that
    /// are also allowed, such as `auto`.
    std::string_view choices = {};
    OptionRange range = {};
    bool secret = false;      ///< Shown as `***`, everywhere.
    bool original = false;    ///< Exists in the Python original, with the same meaning.
    bool multi_line = false;  ///< May hold line breaks and tabs.
    std::string_view help = {};

    /// Whether the row is a pattern for many variables.
    [[nodiscard]] bool is_pattern() const { return name.starts_with('<'); }
};

/// The whole table, in display order.
[[nodiscard]] std::span<const Option> options();

/// The row for a variable, which may be a pattern; null if there is none.
[[nodiscard]] const Option* find_option(std::string_view variable);

/// `choices` as a list.
[[nodiscard]] std::vector<std::string_view> choices_of(const Option& option);

/// The allowed values, for messages: `an integer from 1 to 1024, or auto`.
[[nodiscard]] std::string allowed_text(const Option& option);

/// The group's heading: `RabbitMQ`.
[[nodiscard]] std::string_view heading(OptionGroup group);

}  // namespace rococo
