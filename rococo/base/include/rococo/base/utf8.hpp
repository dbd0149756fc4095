// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace rococo {

/// A decoded UTF-8 character. If the input is invalid (truncated, overlong, a surrogate, or above
/// U+10FFFF), `bytes` is 1 and `valid` is false.
struct Utf8Character {
    char32_t code = 0;
    std::size_t bytes = 1;
    bool valid = false;
};

/// The first character of a text that is not empty.
[[nodiscard]] constexpr Utf8Character utf8_character(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return {first, 1, true};
    const std::size_t bytes = first < 0xC2   ? 0
                              : first < 0xE0 ? 2
                              : first < 0xF0 ? 3
                              : first < 0xF5 ? 4
                                             : 0;
    if (bytes == 0 || bytes > text.size()) return {first, 1, false};
    constexpr std::array<char32_t, 5> kFirstBits{0, 0, 0x1F, 0x0F, 0x07};
    constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
    char32_t code = first & kFirstBits.at(bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return {first, 1, false};
        code = (code << 6U) | (byte(i) & 0x3FU);
    }
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < kLeast.at(bytes) || code > 0x10FFFF || surrogate) return {first, 1, false};
    return {code, bytes, true};
}

/// Where the text stops being UTF-8; empty if all of it is.
[[nodiscard]] constexpr std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto character = utf8_character(text.substr(i));
        if (!character.valid) return i;
        i += character.bytes;
    }
    return std::nullopt;
}

/// The text cut to at most this many bytes, never within a character.
[[nodiscard]] inline std::string_view beginning(std::string_view text, std::size_t most_bytes) {
    if (text.size() <= most_bytes) return text;
    constexpr std::size_t kMostContinuations = 3;
    std::size_t end = most_bytes;
    for (std::size_t i = 0; i < kMostContinuations && end > 0; ++i, --end) {
        if ((static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U) break;
    }
    return text.substr(0, end);
}

}  // namespace rococo
