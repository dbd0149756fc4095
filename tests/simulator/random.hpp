// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace rococo::simulator {

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers with every compiler and library, which
/// the standard's distributions do not promise.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31U);
    }
    /// From `low` to `high`, both included.
    std::uint64_t between(std::uint64_t low, std::uint64_t high) {
        return low + next() % (high - low + 1);
    }
    std::chrono::microseconds between(std::chrono::microseconds low,
                                      std::chrono::microseconds high) {
        return std::chrono::microseconds(between(static_cast<std::uint64_t>(low.count()),
                                                 static_cast<std::uint64_t>(high.count())));
    }
    /// True so many times in a thousand.
    bool per_mille(unsigned times) { return next() % 1000 < times; }
    /// In [0, 1).
    double fraction() { return static_cast<double>(next() >> 11U) * 0x1p-53; }

private:
    std::uint64_t state_;
};

}  // namespace rococo::simulator
