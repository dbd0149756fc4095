// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <mutex>
#include <random>

#include "rococo/base/random.hpp"

namespace rococo {

/// A random source that gives the same numbers in every run. **Thread-safety**: as
/// `machine_random`.
[[nodiscard]] inline RandomSource seeded_random(std::uint64_t seed = 20261124) {
    auto mutex = std::make_shared<std::mutex>();
    return [mutex, engine = std::make_shared<std::mt19937_64>(seed)] {
        const std::scoped_lock lock(*mutex);
        return (*engine)();
    };
}

}  // namespace rococo
