// SPDX-License-Identifier: MIT
#include "target_queues.hpp"

#include <algorithm>
#include <utility>

#include "delay_queue.hpp"

namespace rococo::messaging {
namespace {

// A queue that cannot be published to is tried again after the first, doubling up to the second.
constexpr std::chrono::seconds kTryAgainAfter{1};
constexpr std::chrono::seconds kTryAgainAtLatest{60};
constexpr std::chrono::minutes kSayAgainAfter{1};
constexpr std::chrono::minutes kPassedOverFor{10};

}  // namespace

AmqpResult<void> TargetQueues::ensure(const QueueSpec& spec) {
    if (knows(spec)) return {};
    auto ensured = make(spec);
    if (ensured) declared_.insert(spec.name);
    return ensured;
}

// Warn about a newly created queue: a typo in its name creates one that nobody reads. The host's
// own queues are not typed by hand.
AmqpResult<void> TargetQueues::make(const QueueSpec& spec) {
    if (spec.role != QueueRole::work || !warn_of_new_) return declarer_->ensure(spec);
    auto known = declarer_->inspect(spec.name);
    if (known) return {};
    if (!known.error().channel_only) return tl::unexpected(std::move(known.error()));
    auto ensured = declarer_->ensure(spec);
    if (ensured && known.error().reply_code == kNotFound)
        logger_.warning("Queue '{}' did not exist: made it", spec.name);
    return ensured;
}

SteadyTime TargetQueues::not_before(const std::string& name) const {
    const auto trouble = troubles_.find(name);
    return trouble == troubles_.end() ? SteadyTime::min() : trouble->second.not_before;
}

bool TargetQueues::failed(const std::string& name) {
    const auto now = clock_.steady_now();
    auto& trouble = troubles_[name];
    if (trouble.not_before > now) return false;  // One of many that were on their way.
    trouble.pause =
        std::clamp<std::chrono::milliseconds>(trouble.pause * 2, kTryAgainAfter, kTryAgainAtLatest);
    trouble.not_before = now + trouble.pause;
    if (now < trouble.say_not_before) return false;
    trouble.say_not_before = now + kSayAgainAfter;
    return true;
}

bool TargetQueues::refused(const QueueSpec& queue) {
    if (queue.role != QueueRole::delay) return false;
    refusing_[queue.name] = clock_.steady_now() + kPassedOverFor;
    return true;
}

bool TargetQueues::refuses(const QueueSpec& queue) const {
    const auto known = refusing_.find(queue.name);
    return known != refusing_.end() && known->second > clock_.steady_now();
}

// If RabbitMQ (3.10) is killed right after declaring a quorum queue, the queue stays leaderless
// forever: each message to it blocks the channel for a minute and is rejected.
void TargetQueues::pass_over_refusing(QueueSpec& queue) const {
    while (queue.role == QueueRole::delay && refuses(queue)) {
        const auto longer = round_up_delay(queue.delay + std::chrono::milliseconds(1));
        if (longer == queue.delay) return;
        queue.delay = longer;
        queue.name = delay_queue_name(queue.returns_to, longer);
    }
}

}  // namespace rococo::messaging
