// SPDX-License-Identifier: MIT
#include "rabbitmq_consumer.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "rococo/base/poll_timeout.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostPerReceive = 1024;
constexpr std::chrono::seconds kTimeoutCheckEvery{1};
// From so many returns on, a quorum queue with a limit might drop a message at one of the next.
constexpr std::uint32_t kReturnsByCopy = 1;   // Given back as a copy.
constexpr std::uint32_t kReturnsToRenew = 2;  // Replaced by a copy as soon as it arrives.

}  // namespace

RabbitMqConsumer::RabbitMqConsumer(RabbitMqSettings settings, const Clock& clock, Logger logger,
                                   RandomSource random, std::shared_ptr<DelayQueuesInUse> in_use)
    : settings_(std::move(settings)),
      clock_(clock),
      logger_(logger),
      random_(std::move(random)),
      search_(settings_, clock_, logger_, fork_random(random_), wake_, states_),
      delayed_(settings_),
      in_use_(std::move(in_use)),
      desk_(settings_, clock_, logger_, fork_random(random_), wake_, "copies"),
      retired_delays_(settings_, clock_, logger_, fork_random(random_), wake_) {}

// ---- Connecting -------------------------------------------------------------------------------

Result<std::vector<std::string>> RabbitMqConsumer::check() {
    ROCOCO_TRY(search_.begin());
    return search_.check();
}

Result<void> RabbitMqConsumer::open() {
    ROCOCO_TRY(search_.begin());
    ROCOCO_ASSIGN_OR_RETURN(auto link, search_.first(terms()));
    connected(std::move(link));
    return {};
}

void RabbitMqConsumer::connected(std::unique_ptr<ConsumerLink> link) {
    link_ = std::move(link);
    desk_.begin_epoch(++epoch_);
    first_number_ = last_number_;
    connected_at_ = clock_.steady_now();
    read_due_ = {};
    warned_tag_ = 0;
    subscribed_anew_ = false;
    ack_timing_.begin_connection();
    read_pace_.begin_connection();
    room_.begin_connection();
    retired_delays_.begin(search_.address());
    states_.connected(connected_at_);
    logger_.info("Consuming '{}' at {}", settings_.queue, endpoint());
    warn_of_delivery_limit();
    // It may have been connecting when that was asked for.
    if (states_.is_paused()) return pause();
    resume();
}

void RabbitMqConsumer::warn_of_delivery_limit() {
    const auto& traits = link_->traits();
    if (!traits.quorum || traits.unlimited_returns ||
        link_->server_version_major() < kFirstVersionWithLimit ||
        std::exchange(warned_of_limit_, true))
        return;
    logger_.warning(
        "RabbitMQ drops a message of the quorum queue '{}' that is returned more often than its "
        "delivery limit (20 unless set). Set a policy for it with a high delivery-limit, such as "
        "1000000; see docs/UPGRADING.md",
        settings_.queue);
}

void RabbitMqConsumer::lose_link(const AmqpFailure& failure) {
    if (!link_) return;  // One call can fail twice: when it reads, and when it gives back.
    for (const auto& delivery : std::exchange(kept_, {}))
        room_.remove(static_cast<const RabbitMqDelivery&>(*delivery).bytes());
    for (const auto tag : link_->open_tags())
        if (!unheard_of_.contains(first_number_ + tag))
            lost_.push_back({first_number_ + tag, failure.consumer_timeout});
    unheard_of_.clear();
    link_.reset();
    // From here on nothing that came by the old channel may be settled.
    desk_.begin_epoch(++epoch_);
    delayed_.forget();
    states_.lost(clock_.steady_now(), failure.error.message);
    if (!stopping_) search_.lost(connected_at_, failure.error.message);
}

Result<void> RabbitMqConsumer::look_for_link() {
    if (stopping_) return {};
    ROCOCO_ASSIGN_OR_RETURN(auto found, search_.next(terms()));
    if (found) connected(std::move(found));
    return {};
}

void RabbitMqConsumer::keep(const AmqpResult<void>& outcome) {
    if (!outcome) lose_link(outcome.error());
}

// ---- Receiving --------------------------------------------------------------------------------

void RabbitMqConsumer::limit(const Limits& limits) {
    room_.limit(limits);
    if (link_) mind_the_room(clock_.steady_now());
}

Result<void> RabbitMqConsumer::receive(SteadyTime deadline, Events& out) {
    const std::size_t before = out.count();
    bool may_read = link_ && link_->has_buffered_input();
    while (true) {
        collect_copies();
        if (!link_) {
            if (auto tried = look_for_link(); !tried) {
                states_.tell(out);
                return tried;
            }
        }
        const auto now = clock_.steady_now();
        if (link_ && may_read) read(now, out);
        if (link_) mind_the_room(now);
        if (link_ && !stopping_) retired_delays_.step();
        warn_of_consumer_timeout();
        collect_events(out);
        if (out.count() > before) {
            flush_acks(false);
            return {};
        }
        if (woken_.exchange(false) || now >= deadline) {
            flush_acks(now >= deadline || !waits_for_more(now));
            collect_events(out);
            return {};
        }
        may_read = wait(deadline);
    }
}

void RabbitMqConsumer::collect_events(Events& out) {
    if (link_) {
        for (const auto& settled : link_->take_settled())
            if (unheard_of_.erase(first_number_ + settled.tag) == 0)
                out.settled.push_back({first_number_ + settled.tag, settled.verdict});
    }
    out.lost.insert(out.lost.end(), lost_.begin(), lost_.end());
    lost_.clear();
    if (!states_.is_paused()) {
        for (auto& delivery : std::exchange(kept_, {})) {
            unheard_of_.erase(delivery->number);
            out.deliveries.push_back(std::move(delivery));
        }
    }
    states_.tell(out);
}

void RabbitMqConsumer::read(SteadyTime now, Events& out) {
    const auto heartbeat = link_->heartbeat();
    read_due_ = heartbeat.count() > 0 ? now + heartbeat / 2 : SteadyTime::max();
    if (!room_.may_read(now)) {
        // rabbitmq-c sends heartbeats, and misses the broker's, where it reads only.
        if (heartbeat.count() > 0) keep(link_->send_heartbeat());
        return;
    }
    Deliveries arrived;
    const auto read = link_->read(now, kMostPerReceive, room_.bytes_left(), arrived);
    read_pace_.note_read(now, arrived.size());
    if (!arrived.empty()) {
        search_.worked();
        subscribed_anew_ = false;
    }
    for (auto& delivery : arrived) take_in(std::move(delivery), out);
    desk_.publish();
    keep(read);
}

void RabbitMqConsumer::take_in(std::unique_ptr<Delivery> delivery, Events& out) {
    auto& arrived = static_cast<RabbitMqDelivery&>(*delivery);
    arrived.number = last_number_ = first_number_ + arrived.tag;
    room_.add(arrived.bytes());
    if (!link_) {  // Lost with the others of its connection, which is told with it.
        out.deliveries.push_back(std::move(delivery));
        return;
    }
    const bool may_be_left = link_->subscription().may_be_left();
    const bool no_room = room_.must_give_back() && may_be_left;
    if (stopping_ || no_room || may_be_dropped(arrived, kReturnsToRenew)) {
        unheard_of_.insert(arrived.number);
        give_back(std::move(delivery));
    } else if (states_.is_paused() && !may_be_left) {
        unheard_of_.insert(arrived.number);
        kept_.push_back(std::move(delivery));
    } else {
        out.deliveries.push_back(std::move(delivery));
    }
}

SteadyTime RabbitMqConsumer::next_duty(SteadyTime deadline) const {
    auto until = deadline;
    if (!link_) return stopping_ ? until : std::min(until, search_.due());
    until = std::min({until, read_due_, room_.next_look(), ack_timing_.due(*link_)});
    if (link_->in_hand() > 0) until = std::min(until, timeout_checked_ + kTimeoutCheckEvery);
    if (!stopping_) until = std::min(until, retired_delays_.due());
    return until;
}

SteadyTime RabbitMqConsumer::read_at(SteadyTime now) const {
    if (!link_ || !room_.may_read(now)) return SteadyTime::max();
    if (stopping_ || link_->has_buffered_input()) return now;
    return std::max(now, read_pace_.next_read(link_->prefetch()));
}

bool RabbitMqConsumer::waits_for_more(SteadyTime now) const {
    const auto next_read = read_at(now);
    return next_read > now && next_read != SteadyTime::max();
}

bool RabbitMqConsumer::wait(SteadyTime deadline) {
    const auto now = clock_.steady_now();
    const auto next_read = read_at(now);
    const bool reads_now = next_read <= now;
    std::array<pollfd, 2> fds{
        pollfd{.fd = wake_->fd(), .events = POLLIN, .revents = 0},
        pollfd{.fd = reads_now ? link_->fd() : -1, .events = POLLIN, .revents = 0}};
    if (link_ && (link_->acks_wanted() > 0 || link_->acks_on_their_way() > 0)) {
        // With input there already or soon, acknowledgements are better sent with those that follow
        // from it.
        if (reads_now && ::poll(&fds[1], 1, 0) > 0) {
            flush_acks(false);
            return true;
        }
        flush_acks(!waits_for_more(now));
        if (!link_) return false;
    }
    const auto until = reads_now ? next_duty(deadline) : std::min(next_duty(deadline), next_read);
    const bool has_input = reads_now && link_->has_buffered_input();
    const bool may_wait = wake_->begin_wait() && !has_input;
    const auto timeout = may_wait ? poll_timespec(until, clock_.steady_now()) : timespec{};
    ::ppoll(fds.data(), fds.size(), &timeout, nullptr);
    wake_->end_wait((fds[0].revents & POLLIN) != 0);
    [[maybe_unused]] const bool notified = wake_->take();
    const auto woken_at = clock_.steady_now();
    return fds[1].revents != 0 || has_input || woken_at >= read_due_ ||
           (!reads_now && woken_at >= next_read);
}

void RabbitMqConsumer::warn_of_consumer_timeout() {
    const auto now = clock_.steady_now();
    if (!link_ || now - timeout_checked_ < kTimeoutCheckEvery) return;
    timeout_checked_ = now;
    const auto arrived = link_->oldest_arrival();
    if (!arrived || settings_.consumer_timeout.count() == 0) return;
    if (now - *arrived < settings_.consumer_timeout * 4 / 5 || link_->oldest_tag() == warned_tag_)
        return;
    warned_tag_ = link_->oldest_tag();
    logger_.warning(
        "A message of '{}' is in hand for {} s. RabbitMQ closes the channel after its "
        "consumer_timeout ({} s here) and redelivers the message: raise the timeout on the broker, "
        "or shorten the work",
        settings_.queue, std::chrono::floor<std::chrono::seconds>(now - *arrived).count(),
        std::chrono::floor<std::chrono::seconds>(settings_.consumer_timeout).count());
}

// ---- Settling ---------------------------------------------------------------------------------

Result<void> RabbitMqConsumer::settle(Settlements settlements) {
    for (auto& settlement : settlements) settle_one(std::move(settlement));
    desk_.publish();
    return {};
}

void RabbitMqConsumer::settle_one(Settlement settlement) {
    const auto& delivery = static_cast<const RabbitMqDelivery&>(*settlement.delivery);
    room_.remove(delivery.bytes());
    if (!link_ || delivery.epoch != epoch_) return;
    switch (settlement.verdict) {
        case Verdict::ack:
            link_->acknowledge(delivery.tag, Verdict::ack);
            return;
        case Verdict::release:
            if (may_be_dropped(delivery, kReturnsByCopy)) {
                desk_.add(std::move(settlement));
            } else {
                keep(link_->release(delivery.tag));
            }
            return;
        case Verdict::retry:
        case Verdict::dead_letter:
            desk_.add(std::move(settlement));
            return;
    }
}

void RabbitMqConsumer::give_back(std::unique_ptr<Delivery> delivery) {
    Settlement settlement;
    settlement.verdict = Verdict::release;
    settlement.delivery = std::move(delivery);
    settle_one(std::move(settlement));
}

bool RabbitMqConsumer::may_be_dropped(const RabbitMqDelivery& delivery,
                                      std::uint32_t returns) const {
    return delivery.returns >= returns && !(link_ && link_->traits().unlimited_returns);
}

void RabbitMqConsumer::collect_copies() {
    for (auto& copy : desk_.take_safe()) {
        if (link_) link_->acknowledge(copy.tag, copy.verdict);
        if (copy.delay_queue.empty()) continue;
        if (in_use_) in_use_->add(copy.delay_queue);
        delayed_.add(std::move(copy.delay_queue));
    }
    states_.blocked(clock_.steady_now(), desk_.blocked());
}

void RabbitMqConsumer::flush_acks(bool about_to_wait) {
    if (link_) keep(ack_timing_.flush(*link_, clock_.steady_now(), about_to_wait, stopping_));
}

// ---- Leaving ----------------------------------------------------------------------------------

void RabbitMqConsumer::stop_receiving() {
    if (std::exchange(stopping_, true)) return;
    search_.end();
    retired_delays_.close();
    for (auto& delivery : std::exchange(kept_, {})) give_back(std::move(delivery));
    desk_.publish();
    if (link_) keep(link_->subscription().stop());
}

void RabbitMqConsumer::close() {
    stopping_ = true;
    search_.end();
    retired_delays_.close();
    if (link_) keep(ack_timing_.flush_at_close(*link_, clock_));
    if (link_) link_->close();
    link_.reset();
    kept_.clear();
    // Copies that are not confirmed by now are given up; their originals are in the queue.
    desk_.close();
}

Result<bool> RabbitMqConsumer::empty() {
    // A copy on its way is in no queue yet.
    if (!link_ || desk_.waiting() > 0 || !kept_.empty()) return false;
    auto ready = link_->messages_ready(settings_.queue);
    if (!ready) {
        lose_link(ready.error());
        return false;
    }
    return *ready && **ready == 0 && known(delayed_.none(*link_)) &&
           known(link_->nothing_on_its_way());
}

// An answer of the broker; no, where it cannot be had.
bool RabbitMqConsumer::known(const AmqpResult<bool>& answer) {
    if (!answer) lose_link(answer.error());
    return answer && *answer;
}

}  // namespace rococo::messaging
