// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/message_identity.hpp"

#define XXH_INLINE_ALL  // the header alone, without its library
#include <xxhash.h>

#include <cstddef>
#include <string_view>

namespace rococo::svchost {

MessageIdentity identify(const messaging::Delivery& delivery) {
    // Senders exist that give every message the same id, so the beginning of the body counts too;
    // the whole of a large one would cost more than the rest of a message's way.
    constexpr std::size_t kEnoughOfBody = 256;
    const auto hash = [](std::string_view text) { return XXH3_64bits(text.data(), text.size()); };
    std::uint64_t identity = 0;
    const auto add = [&](std::uint64_t part) {
        identity = (identity ^ part) * 0x9E3779B97F4A7C15U;
        identity ^= identity >> 32U;
    };
    add(hash(delivery.queue));
    add(hash(delivery.id));
    add(delivery.body.size());
    add(hash(delivery.id.empty() ? delivery.body : delivery.body.substr(0, kEnoughOfBody)));
    return identity == 0 ? 1 : identity;  // zero is an empty note
}

}  // namespace rococo::svchost
