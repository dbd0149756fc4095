// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "rococo/messaging/rabbitmq_connection.hpp"

namespace rococo::messaging {

/// A random source for another thread, seeded from `random` (splitmix64, by Sebastiano Vigna).
[[nodiscard]] inline RandomSource fork_random(const RandomSource& random) {
    return [state = random()]() mutable {
        state += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31);
    };
}

}  // namespace rococo::messaging
