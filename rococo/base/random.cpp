// SPDX-License-Identifier: MIT
#include "rococo/base/random.hpp"

#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <random>

namespace rococo {

RandomSource machine_random() {
    struct Generator {
        std::mutex mutex;
        std::mt19937_64 engine;
    };
    auto generator = std::make_shared<Generator>();
    std::random_device device;
    generator->engine.seed((std::uint64_t{device()} << 32U) ^ device());
    return [generator] {
        const std::scoped_lock lock(generator->mutex);
        return generator->engine();
    };
}

// splitmix64, by Sebastiano Vigna.
RandomSource fork_random(const RandomSource& random) {
    return [state = random()]() mutable {
        state += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31);
    };
}

double to_fraction(std::uint64_t bits) {
    // The 53 bits that a double holds exactly.
    return static_cast<double>(bits >> 11U) / static_cast<double>(std::uint64_t{1} << 53U);
}

std::string random_uuid(const RandomSource& random) {
    const std::uint64_t high = (random() & 0xffffffffffff0fffU) | 0x0000000000004000U;
    const std::uint64_t low = (random() & 0x3fffffffffffffffU) | 0x8000000000000000U;
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffffU,
                       high & 0xffffU, low >> 48, low & 0xffffffffffffU);
}

}  // namespace rococo
