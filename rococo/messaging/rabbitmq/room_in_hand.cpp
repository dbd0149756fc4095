// SPDX-License-Identifier: MIT
#include "room_in_hand.hpp"

#include <algorithm>

namespace rococo::messaging {
namespace {

constexpr std::chrono::seconds kPatience{5};

}  // namespace

void RoomInHand::limit(const Limits& limits) {
    limits_ = limits;
    limits_.deliveries = std::max<std::size_t>(limits_.deliveries, 1);
    limits_.bytes = std::max<std::size_t>(limits_.bytes, 1);
}

void RoomInHand::begin_connection() {
    over_since_ = {};
    left_subscription_ = false;
    advised_for_ = limits_.deliveries;
}

void RoomInHand::add(std::size_t bytes) {
    bytes_ += bytes;
    if (bytes > typical_bytes_) {
        typical_bytes_ += (bytes - typical_bytes_ + 1) / 2;
    } else {
        typical_bytes_ -= (typical_bytes_ - bytes) / 32;
    }
}

void RoomInHand::remove(std::size_t bytes) { bytes_ -= std::min(bytes, bytes_); }

std::size_t RoomInHand::affordable_deliveries() const {
    if (typical_bytes_ == 0) return limits_.deliveries;
    return std::clamp<std::size_t>(limits_.bytes / typical_bytes_, 1, limits_.deliveries);
}

bool RoomInHand::may_read(SteadyTime now) const {
    return !is_over() || left_subscription_ ||
           (over_since_ != SteadyTime{} && now - over_since_ >= kPatience);
}

RoomInHand::Advice RoomInHand::advice(SteadyTime now, std::size_t prefetch, bool subscribed) {
    if (is_over()) {
        if (over_since_ == SteadyTime{}) over_since_ = now;
        if (now - over_since_ < kPatience || left_subscription_) return Advice::go_on;
        left_subscription_ = true;
        return Advice::unsubscribe;
    }
    over_since_ = {};
    if (left_subscription_) {
        if (used() > limits_.bytes / 2) return Advice::go_on;
        left_subscription_ = false;
        return Advice::subscribe;
    }
    if (!subscribed) return Advice::go_on;
    // Subscribing again has its price. Where others ask for it, changes of less than a fifth are
    // let pass; where the size of messages does, those of less than half.
    const auto wanted = affordable_deliveries();
    const auto change = wanted > prefetch ? wanted - prefetch : prefetch - wanted;
    const bool asked = limits_.deliveries != advised_for_;
    advised_for_ = limits_.deliveries;
    const bool enough =
        asked ? change * 5 >= prefetch : wanted * 2 <= prefetch || wanted >= prefetch * 2;
    return change > 0 && enough ? Advice::change_prefetch : Advice::go_on;
}

SteadyTime RoomInHand::next_look() const {
    return over_since_ == SteadyTime{} || left_subscription_ ? SteadyTime::max()
                                                             : over_since_ + kPatience;
}

}  // namespace rococo::messaging
