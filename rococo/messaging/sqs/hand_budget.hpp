// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include "rococo/messaging/message_adapter.hpp"
#include "sqs_message.hpp"

namespace rococo::messaging::sqs {

/// How many messages may be asked for, within the limits of deliveries and bytes.
///
/// A poll says how many messages it takes at most, not how large they are: it is sized by the mean
/// of those seen lately. What comes may be larger than that; polls then pause until enough is given
/// back. One message passes whatever its size, where nothing else is in hand.
class HandBudget {
public:
    void limit(const Limits& limits) {
        limits_ = {std::max<std::size_t>(limits.deliveries, 1),
                   std::max<std::size_t>(limits.bytes, 1)};
    }

    void took(std::size_t bytes) {
        held_bytes_ += bytes;
        // A mean that forgets: the last thirty messages or so make most of it.
        mean_bytes_ = std::max<std::size_t>((mean_bytes_ * 15 + bytes) / 16, 1);
    }
    void let_go(std::size_t bytes) { held_bytes_ -= std::min(bytes, held_bytes_); }

    /// For how many more messages there is room, with so many in hand and so many asked for.
    [[nodiscard]] std::size_t room(std::size_t in_hand, std::size_t asked) const {
        const auto taken = in_hand + asked;
        if (taken >= limits_.deliveries) return 0;
        const auto places = limits_.deliveries - taken;
        if (limits_.bytes == kUnlimited) return places;
        const auto reserved = held_bytes_ + asked * mean_bytes_;
        const auto fit = reserved >= limits_.bytes ? 0 : (limits_.bytes - reserved) / mean_bytes_;
        if (fit == 0) return held_bytes_ == 0 && asked == 0 ? 1 : 0;
        return std::min(places, fit);
    }

    /// Half-empty polls cost as much as full ones: how many places should be free together.
    [[nodiscard]] std::size_t worth_asking() const {
        const auto most = std::min(limits_.deliveries, limits_.bytes / mean_bytes_);
        return std::clamp<std::size_t>(most / 2, 1, kMaxBatch);
    }

private:
    static constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();
    /// Before the first message: few enough of them that ten large ones are no surprise.
    static constexpr std::size_t kFirstGuess = std::size_t{64} * 1024;

    Limits limits_{1, kUnlimited};
    std::size_t held_bytes_ = 0;
    std::size_t mean_bytes_ = kFirstGuess;
};

}  // namespace rococo::messaging::sqs
