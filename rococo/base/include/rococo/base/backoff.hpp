// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "rococo/base/random.hpp"

namespace rococo {

/// How long to wait before the next try: the first pause, then twice as long after each failure, up
/// to the longest one. Where many hosts fail together, jitter keeps them from coming back together.
class Backoff {
public:
    using Pause = std::chrono::milliseconds;

    Backoff(Pause first, Pause longest) : first_(first), longest_(longest) {}

    /// The next pause, without jitter.
    [[nodiscard]] Pause next() {
        const auto doublings = std::min(failures_++, 20U);
        return std::min(longest_, first_ * (std::int64_t{1} << doublings));
    }
    /// The next pause, drawn evenly between zero and all of it ("full jitter", AWS Architecture
    /// Blog): for calls of a service that many share.
    [[nodiscard]] Pause next_from_zero(const RandomSource& random) {
        return drawn(Pause(0), next(), random);
    }
    /// The next pause, drawn evenly between half and all of it: where trying again at once would be
    /// in vain, as with a broker that is restarting.
    [[nodiscard]] Pause next_from_half(const RandomSource& random) {
        const Pause whole = next();
        return drawn(whole / 2, whole, random);
    }
    /// It worked: the next pause is the first one.
    void reset() { failures_ = 0; }
    /// How many pauses there were since then.
    [[nodiscard]] unsigned failures() const { return failures_; }

private:
    [[nodiscard]] static Pause drawn(Pause least, Pause most, const RandomSource& random) {
        const auto spread = static_cast<std::uint64_t>((most - least).count()) + 1;
        return least + Pause(static_cast<std::int64_t>(random() % spread));
    }

    Pause first_;
    Pause longest_;
    unsigned failures_ = 0;
};

}  // namespace rococo
