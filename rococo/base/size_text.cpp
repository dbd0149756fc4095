// SPDX-License-Identifier: MIT
#include "rococo/base/size_text.hpp"

#include <array>
#include <limits>

#include "rococo/base/text.hpp"

namespace rococo {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};

constexpr std::uint64_t kKibi = 1024;
constexpr std::uint64_t kKilo = 1000;
constexpr std::array kBinary{Unit{"TiB", kKibi* kKibi* kKibi* kKibi},
                             Unit{"GiB", kKibi* kKibi* kKibi}, Unit{"MiB", kKibi* kKibi},
                             Unit{"KiB", kKibi}};
constexpr std::array kDecimal{Unit{"TB", kKilo* kKilo* kKilo* kKilo},
                              Unit{"GB", kKilo* kKilo* kKilo},
                              Unit{"MB", kKilo* kKilo},
                              Unit{"KB", kKilo},
                              Unit{"B", 1},
                              Unit{"", 1}};

std::optional<std::uint64_t> unit_named(std::string_view name) {
    const std::string wanted = to_lower(name);
    for (const Unit& unit : kBinary)
        if (to_lower(unit.name) == wanted) return unit.bytes;
    for (const Unit& unit : kDecimal)
        if (to_lower(unit.name) == wanted) return unit.bytes;
    return std::nullopt;
}

}  // namespace

std::string format_size(std::uint64_t bytes) {
    for (const Unit& unit : kBinary) {
        if (bytes < unit.bytes) continue;
        const std::uint64_t tenths = bytes / (unit.bytes / kKibi) * 10 / kKibi;
        const std::string decimal = tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10);
        return std::to_string(tenths / 10) + decimal + " " + std::string(unit.name);
    }
    return std::to_string(bytes) + " B";
}

std::string size_setting(std::uint64_t bytes) {
    for (const Unit& unit : kBinary) {
        if (bytes != 0 && bytes % unit.bytes == 0)
            return std::to_string(bytes / unit.bytes) + std::string(unit.name);
    }
    return std::to_string(bytes);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    const auto number = parse_number<std::uint64_t>(text.substr(0, digits));
    const auto unit = unit_named(text.substr(digits));
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    if (!number || !unit || *number > kMost / *unit) return std::nullopt;
    return *number * *unit;
}

}  // namespace rococo
