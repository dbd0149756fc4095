// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "rococo/abi.h"

namespace rococo::detail {

/// The properties of a call's message; null if the host's version does not provide them.
inline const rococo_properties* properties_of(const rococo_call& call, std::size_t index) {
    const bool covered =
        call.struct_size >= offsetof(rococo_call, properties) + sizeof(rococo_call::properties);
    return covered && call.properties != nullptr ? call.properties[index] : nullptr;
}

/// The prefix of queue names. Hosts before 1.2 do not pass it, but they export their settings to
/// the environment.
inline std::string_view queue_prefix_of(const rococo_call& call) {
    constexpr std::size_t kCovering =
        offsetof(rococo_call, queue_prefix) + sizeof(rococo_call::queue_prefix);
    if (call.struct_size >= kCovering) return {call.queue_prefix.data, call.queue_prefix.size};
    const char* prefix = std::getenv("QUEUE_NAME_PREFIX");
    return prefix == nullptr ? std::string_view() : std::string_view(prefix);
}

}  // namespace rococo::detail
