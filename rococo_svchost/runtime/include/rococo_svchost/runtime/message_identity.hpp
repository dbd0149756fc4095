// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "rococo/messaging/delivery.hpp"

namespace rococo::svchost {

/// What identifies a message across deliveries: a hash of its queue, its id and the beginning of
/// its body, or of the whole body where it has no id. Never zero.
using MessageIdentity = std::uint64_t;

[[nodiscard]] MessageIdentity identify(const messaging::Delivery& delivery);

}  // namespace rococo::svchost
