// SPDX-License-Identifier: MIT
#include "queue_watch.hpp"

#include <utility>

namespace rococo::svchost {

QueueWatch::QueueWatch(QueueKind& kind, std::string queue, std::chrono::milliseconds interval,
                       const Clock& clock, const Logger& logger)
    : kind_(kind),
      queue_(std::move(queue)),
      interval_(interval),
      clock_(clock),
      logger_(logger),
      thread_([this] { watch(); }) {}

QueueWatch::~QueueWatch() {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    stop_.notify_one();
}

std::optional<QueueDepth> QueueWatch::depth() const {
    const std::scoped_lock lock(mutex_);
    return depth_;
}

void QueueWatch::watch() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        ask();
        lock.lock();
        stop_.wait_for(lock, interval_, [this] { return stopping_; });
    }
}

// A queue that cannot be asked has an unknown depth, not the last one.
void QueueWatch::ask() {
    const auto counts = kind_.counts(queue_);
    const SystemTime now = clock_.now();
    const std::scoped_lock lock(mutex_);
    if (counts) {
        depth_ = {.ready = counts->ready,
                  .in_hand = counts->in_hand,
                  .retry = counts->retry,
                  .dead_letters = counts->dead_letters,
                  .at = now};
    } else {
        depth_.reset();
    }
    if (std::exchange(failing_, !counts.has_value()) || counts) return;
    logger_.debug("Queue {} cannot be asked how many messages it has: {}", queue_,
                  counts.error().message);
}

}  // namespace rococo::svchost
