// SPDX-License-Identifier: MIT
#include "rococo/configuration/options.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "option_rows.hpp"
#include "rococo/base/size_text.hpp"
#include "rococo/base/text.hpp"
#include "rococo/configuration/duration.hpp"

namespace rococo {
namespace {

std::vector<Option> whole_table() {
    std::vector<Option> table;
    const auto add = [&table](OptionGroup group, std::span<const Option> rows) {
        for (const Option& row : rows) table.emplace_back(row).group = group;
    };
    add(OptionGroup::general, option_rows::general());
    add(OptionGroup::reliability, option_rows::reliability());
    add(OptionGroup::logging, option_rows::logging());
    add(OptionGroup::sqlite, option_rows::sqlite());
    add(OptionGroup::rabbitmq, option_rows::rabbitmq());
    add(OptionGroup::sqs, option_rows::sqs());
    add(OptionGroup::schedules, option_rows::schedules());
    add(OptionGroup::operations, option_rows::operations());
    add(OptionGroup::operations, option_rows::dashboard());
    return table;
}

/// A bound without trailing zeros: `0.001`, `65535`.
std::string number_text(double number) {
    if (number == std::floor(number)) return std::to_string(static_cast<std::int64_t>(number));
    std::string text = std::to_string(number);
    text.erase(text.find_last_not_of('0') + 1);
    return text;
}

std::string duration_text(double milliseconds) {
    return duration_setting(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds)));
}

std::string joined_choices(const Option& option) {
    std::string text;
    for (const std::string_view word : choices_of(option)) {
        if (!text.empty()) text += ", ";
        text += word;
    }
    return text;
}

}  // namespace

std::span<const Option> options() {
    static const auto kTable = whole_table();
    return kTable;
}

const Option* find_option(std::string_view variable) {
    for (const Option& option : options()) {
        if (!option.is_pattern()) {
            if (option.name == variable) return &option;
            continue;
        }
        const std::string_view ending = option.name.substr(option.name.find('>') + 1);
        if (variable.size() > ending.size() && variable.ends_with(ending)) return &option;
    }
    return nullptr;
}

std::vector<std::string_view> choices_of(const Option& option) {
    if (option.choices.empty()) return {};
    return split(option.choices, '|');
}

std::string allowed_text(const Option& option) {
    std::string text;
    switch (option.type) {
        case OptionType::text:
            return "text";
        case OptionType::path:
            return "a path";
        case OptionType::boolean:
            return "true or false";
        case OptionType::choice:
            return "one of " + joined_choices(option);
        case OptionType::integer:
            text = "an integer from " + number_text(option.range.minimum) + " to " +
                   number_text(option.range.maximum);
            break;
        case OptionType::decimal:
            text = "a number from " + number_text(option.range.minimum) + " to " +
                   number_text(option.range.maximum);
            break;
        case OptionType::duration:
            text = "a duration from " + duration_text(option.range.minimum) + " to " +
                   duration_text(option.range.maximum) + " (250ms, 30s, 5m, 2h)";
            break;
        case OptionType::size:
            text = "a size from " + size_setting(static_cast<std::uint64_t>(option.range.minimum)) +
                   " to " + size_setting(static_cast<std::uint64_t>(option.range.maximum)) +
                   " (65536, 512KiB, 64MiB, 2GiB)";
            break;
    }
    if (!option.choices.empty()) text += ", or " + joined_choices(option);
    return text;
}

std::string_view heading(OptionGroup group) {
    static constexpr std::array<std::string_view, 8> kHeadings{"General",   "Failures and shutdown",
                                                               "Logging",   "Embedded queue",
                                                               "RabbitMQ",  "AWS SQS",
                                                               "Schedules", "Operations"};
    return kHeadings[static_cast<std::size_t>(group)];
}

}  // namespace rococo
