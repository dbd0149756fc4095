// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/utc_text.hpp"
#include "rococo/base/utf8.hpp"

/// Reads fields of what a host answered, for people: a field that is missing or of the wrong type
/// is empty.
namespace rococo::svchost::cli::json_fields {

using Json = nlohmann::ordered_json;

/// The value of a field; `null` if it is missing.
[[nodiscard]] inline const Json& field(const Json& object, std::string_view name) {
    static const Json kNull;
    if (!object.is_object()) return kNull;
    const auto found = object.find(name);
    return found == object.end() ? kNull : *found;
}

/// Safe to print, and cut to what a line should hold.
[[nodiscard]] inline std::string text(const Json& object, std::string_view name) {
    constexpr std::size_t kMostBytes = 400;
    const Json& value = field(object, name);
    if (!value.is_string()) return {};
    return printable(beginning(value.get_ref<const std::string&>(), kMostBytes));
}

[[nodiscard]] inline bool flag(const Json& object, std::string_view name) {
    const Json& value = field(object, name);
    return value.is_boolean() && value.get<bool>();
}

[[nodiscard]] inline std::optional<std::uint64_t> count(const Json& object, std::string_view name) {
    const Json& value = field(object, name);
    if (!value.is_number_unsigned()) return std::nullopt;
    return value.get<std::uint64_t>();
}

/// A number that is not negative and not beyond measure.
[[nodiscard]] inline std::optional<double> number(const Json& object, std::string_view name) {
    constexpr double kMost = 1e9;
    const Json& value = field(object, name);
    if (!value.is_number()) return std::nullopt;
    const auto read = value.get<double>();
    if (!std::isfinite(read) || read < 0 || read > kMost) return std::nullopt;
    return read;
}

[[nodiscard]] inline std::optional<std::chrono::duration<double>> seconds(const Json& object,
                                                                          std::string_view name) {
    const auto read = number(object, name);
    if (!read) return std::nullopt;
    return std::chrono::duration<double>(*read);
}

[[nodiscard]] inline std::optional<SystemTime> time(const Json& object, std::string_view name) {
    const Json& value = field(object, name);
    if (!value.is_string()) return std::nullopt;
    return parse_utc(value.get_ref<const std::string&>());
}

}  // namespace rococo::svchost::cli::json_fields
