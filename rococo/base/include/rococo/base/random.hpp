// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace rococo {

/// A source of random numbers, for jitter and ids, not for secrets: 64 uniformly distributed bits
/// per call. Called from one thread at a time, unless its maker says more.
using RandomSource = std::function<std::uint64_t()>;

/// A source seeded by the machine. **Thread-safety**: it and its copies draw from one generator and
/// may be called from any thread.
[[nodiscard]] RandomSource machine_random();

/// A source for another thread, seeded from `random`.
[[nodiscard]] RandomSource fork_random(const RandomSource& random);

/// A number in [0, 1) from uniformly distributed bits.
[[nodiscard]] double to_fraction(std::uint64_t bits);

/// A random UUID (RFC 4122, version 4) in its usual 36 characters.
[[nodiscard]] std::string random_uuid(const RandomSource& random);

}  // namespace rococo
