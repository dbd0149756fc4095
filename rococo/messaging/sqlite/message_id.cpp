// SPDX-License-Identifier: MIT
#include "message_id.hpp"

#include <cstdint>
#include <string_view>

namespace rococo::messaging::sqlite {

std::string make_message_id(const RandomSource& random) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    constexpr std::uint64_t kVersion = 0x4000;
    constexpr std::uint64_t kVariant = 0x8000000000000000;
    const std::uint64_t high = (random() & ~std::uint64_t{0xf000}) | kVersion;
    const std::uint64_t low = (random() & ~(std::uint64_t{3} << 62)) | kVariant;
    std::string id;
    id.reserve(36);
    for (int nibble = 0; nibble < 32; ++nibble) {
        if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) id.push_back('-');
        const std::uint64_t half = nibble < 16 ? high : low;
        id.push_back(kDigits[(half >> (60 - 4 * (nibble % 16))) & 0xf]);
    }
    return id;
}

}  // namespace rococo::messaging::sqlite
