// SPDX-License-Identifier: MIT
#include "ack_timing.hpp"

#include <algorithm>
#include <thread>

#include "rococo/base/try.hpp"

namespace rococo::messaging {
namespace {

using std::chrono::milliseconds;

// An acknowledgement behind a slower delivery waits this long for the gap to close.
constexpr milliseconds kStragglerPatience{20};
// Acknowledgements are sent at the latest when they are a quarter of the prefetch: the broker has
// the other three quarters to go on with.
constexpr std::size_t kFlushShare = 4;
// While messages come fast, fewer wait so long for others to go with.
constexpr milliseconds kAckPatience{2};
// How often the broker is asked whether acknowledgements have arrived.
constexpr milliseconds kReceiptEvery{100};
// How long a quorum queue is given for the last acknowledgements.
constexpr milliseconds kSinkIn{250};

}  // namespace

AmqpResult<void> AckTiming::flush(ConsumerLink& link, SteadyTime now, bool about_to_wait,
                                  bool stopping) {
    if (link.acks_wanted() > 0) ROCOCO_TRY(send(link, now, about_to_wait, stopping));
    const bool asks = now >= receipt_due_ || (about_to_wait && stopping);
    if (link.acks_on_their_way() == 0 || link.receipt_asked() || !asks) return {};
    receipt_due_ = now + kReceiptEvery;
    return link.ask_for_receipt();
}

AmqpResult<void> AckTiming::send(ConsumerLink& link, SteadyTime now, bool about_to_wait,
                                 bool stopping) {
    const auto many = std::max<std::size_t>(link.prefetch() / kFlushShare, 1);
    const bool waited = wanted_since_ != SteadyTime{} && now - wanted_since_ >= kAckPatience;
    if (!about_to_wait && !waited && link.acks_wanted() < many) {
        if (wanted_since_ == SteadyTime{}) wanted_since_ = now;
        return {};
    }
    wanted_since_ = {};
    const bool overdue =
        stragglers_since_ != SteadyTime{} && now - stragglers_since_ >= kStragglerPatience;
    auto sent = link.flush(overdue || link.in_hand() == 0 || stopping);
    sent_at_ = now;
    if (!sent || link.acks_wanted() == 0) {
        stragglers_since_ = {};
        return sent;
    }
    if (stragglers_since_ == SteadyTime{}) stragglers_since_ = now;
    return link.acks_wanted() >= many ? link.flush(true) : sent;
}

SteadyTime AckTiming::due(const ConsumerLink& link) const {
    auto due = SteadyTime::max();
    if (stragglers_since_ != SteadyTime{}) due = stragglers_since_ + kStragglerPatience;
    if (link.acks_on_their_way() > 0 && !link.receipt_asked()) due = std::min(due, receipt_due_);
    return due;
}

// A quorum queue takes acknowledgements in behind the channel, and forgets those that it has not
// when the channel closes (rabbitmq-server#10327): their messages would come again.
AmqpResult<void> AckTiming::flush_at_close(ConsumerLink& link, const Clock& clock) {
    const auto now = clock.steady_now();
    if (link.acks_wanted() > 0) sent_at_ = now;
    auto flushed = link.flush(true);
    if (flushed && link.traits().quorum && sent_at_ != SteadyTime{} && now < sent_at_ + kSinkIn)
        std::this_thread::sleep_for(sent_at_ + kSinkIn - now);
    return flushed;
}

}  // namespace rococo::messaging
