// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rococo/messaging/delivery.hpp"

namespace rococo::messaging {

/// A message's name as shown to people, in the log and in `dead-letters`, whatever the adapter: its
/// id or, if it has none, `body-` and 16 hex digits of a hash of its body (FNV-1a). The name is the
/// same on every machine and after a restart. Messages without an id and with equal bodies share a
/// name.
[[nodiscard]] inline std::string message_name(std::string_view id, std::string_view body) {
    if (!id.empty()) return std::string(id);
    constexpr std::uint64_t kOffset = 14'695'981'039'346'656'037U;
    constexpr std::uint64_t kPrime = 1'099'511'628'211U;
    std::uint64_t digest = kOffset;
    for (const char byte : body) digest = (digest ^ static_cast<unsigned char>(byte)) * kPrime;
    constexpr std::string_view kDigits = "0123456789abcdef";
    constexpr int kBits = 64;
    constexpr int kDigitBits = 4;
    std::string name = "body-";
    for (int shift = kBits - kDigitBits; shift >= 0; shift -= kDigitBits) {
        name += kDigits[(digest >> static_cast<unsigned>(shift)) & 0xFU];
    }
    return name;
}

[[nodiscard]] inline std::string message_name(const Delivery& delivery) {
    return message_name(delivery.id, delivery.body);
}

}  // namespace rococo::messaging
