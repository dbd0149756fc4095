// SPDX-License-Identifier: MIT
// Verdicts of the dispatcher without another try, and what waits until they are safe.
#include <utility>

#include "rococo/base/counted.hpp"
#include "rococo/messaging/message_name.hpp"
#include "rococo_svchost/runtime/dispatcher.hpp"
#include "verdicts.hpp"

namespace rococo::svchost {

using messaging::Delivery;
using messaging::Settlement;

namespace {

// How long a message that killed the host may take to become a dead letter before others begin.
constexpr std::chrono::seconds kRefusalWait{10};

}  // namespace

void Dispatcher::refuse(Job job) {
    Settlement verdict = lost_.overdue_attempts(job.identity) > 0 ? judge_overdue(job.attempt - 1)
                                                                  : judge_crashed(job.attempt - 1);
    parts_.logger.error("Message {} goes to the dead letters: {}",
                        messaging::message_name(*job.delivery), verdict.error);
    decide(std::move(job.delivery), job.identity, std::move(verdict));
}

// A verdict without another try.
void Dispatcher::decide(std::unique_ptr<Delivery> delivery, MessageIdentity identity,
                        Settlement verdict) {
    const bool refused = verdict.reason == kReasonCrash;
    unsafe_[delivery->number] = {.identity = identity,
                                 .refused = refused,
                                 .cause = cause_of(verdict),
                                 .verdict = without_delivery(verdict)};
    verdict.delivery = std::move(delivery);
    decided_.push_back(std::move(verdict));
    if (!refused) return;
    ++unsafe_refusals_;
    hold_until_refusals_are_safe();
}

Result<void> Dispatcher::settle_decided() {
    if (decided_.empty()) return {};
    return parts_.adapter.settle(std::exchange(decided_, {}));
}

// What killed the host is safe among the dead letters before another message gets the chance to
// kill it again: its crashes would be forgotten, and the two would keep each other in the queue.
void Dispatcher::hold_until_refusals_are_safe() {
    held_until_ = parts_.clock.steady_now() + kRefusalWait;
    hold_workers();
}

void Dispatcher::release_hold() {
    if (!held_until_) return;
    if (unsafe_refusals_ > 0) {
        if (parts_.clock.steady_now() < *held_until_) return;
        parts_.logger.warning(
            "{} given up after crashes: not confirmed among the dead letters within {} s; other "
            "messages go on",
            counted(unsafe_refusals_, "message"), kRefusalWait.count());
    }
    held_until_.reset();
    hold_workers();
}

}  // namespace rococo::svchost
