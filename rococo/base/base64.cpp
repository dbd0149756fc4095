// SPDX-License-Identifier: MIT
#include "rococo/base/base64.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace rococo {

namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 64;

constexpr std::array<std::uint8_t, 256> kValues = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(kNoDigit);
    for (std::size_t i = 0; i < kDigits.size(); ++i)
        values.at(static_cast<unsigned char>(kDigits[i])) = static_cast<std::uint8_t>(i);
    return values;
}();

std::uint32_t byte_of(std::string_view data, std::size_t at) {
    return at < data.size() ? static_cast<unsigned char>(data[at]) : 0;
}

}  // namespace

std::string base64_encode(std::string_view data) {
    std::string text;
    text.reserve((data.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < data.size(); at += 3) {
        const std::uint32_t bits =
            byte_of(data, at) << 16U | byte_of(data, at + 1) << 8U | byte_of(data, at + 2);
        text += kDigits[bits >> 18U];
        text += kDigits[(bits >> 12U) & 0x3FU];
        text += at + 1 < data.size() ? kDigits[(bits >> 6U) & 0x3FU] : '=';
        text += at + 2 < data.size() ? kDigits[bits & 0x3FU] : '=';
    }
    return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    std::string data;
    data.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned count = 0;  // of bits that are not yet a byte
    for (const char c : text) {
        const std::uint8_t value = kValues.at(static_cast<unsigned char>(c));
        if (value == kNoDigit) return std::nullopt;
        bits = bits << 6U | value;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        data += static_cast<char>((bits >> count) & 0xFFU);
    }
    return data;
}

}  // namespace rococo
