// SPDX-License-Identifier: MIT
#include "confirmed_publisher.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <utility>

#include "delay_queue.hpp"

namespace rococo::messaging {
namespace {

constexpr amqp_channel_t kPublishChannel = 1;
constexpr amqp_channel_t kDeclareChannel = 2;
constexpr std::size_t kMostInFlight = 1000;
constexpr std::chrono::seconds kTryAgainAfter{1};
constexpr std::chrono::minutes kPassedOverFor{10};
// Room in a header frame for what the broker adds when it dead-letters from a delay queue.
constexpr std::size_t kHeaderSlackBytes = 4096;

AmqpResult<std::unique_ptr<AmqpLink>> connect_publisher(const RabbitMqSettings& settings,
                                                        const RabbitMqAddress& address,
                                                        const std::string& role) {
    auto link = AmqpLink::connect(settings, address, role);
    if (!link) return link;
    auto opened = (*link)->open_channel(kPublishChannel);
    if (!opened) return tl::make_unexpected(std::move(opened.error()));
    amqp_connection_state_t state = (*link)->state();
    if (amqp_confirm_select(state, kPublishChannel) == nullptr) {
        return tl::make_unexpected(
            failure_of(state, kPublishChannel, amqp_get_rpc_reply(state), "confirm messages"));
    }
    return link;
}

}  // namespace

ConfirmedPublisher::ConfirmedPublisher(RabbitMqSettings settings, const Clock& clock, Logger logger,
                                       RandomSource random, std::string role)
    : settings_(std::move(settings)),
      clock_(clock),
      logger_(logger),
      role_(std::move(role)),
      backoff_(settings_, std::move(random)) {}

ConfirmedPublisher::~ConfirmedPublisher() {
    std::unique_lock lock(mutex_);
    if (!thread_.joinable()) return;
    thread_.request_stop();
    wake_->notify();
    // It may be waiting in a write to a broker that does not read. Closing is given three seconds,
    // then the socket is shut, which ends every wait on it.
    if (!finished_changed_.wait_for(lock, std::chrono::seconds(3), [this] { return finished_; }) &&
        open_fd_ >= 0)
        ::shutdown(open_fd_, SHUT_RDWR);
    lock.unlock();
    thread_.join();
}

void ConfirmedPublisher::submit(Publications publications) {
    {
        const std::lock_guard lock(mutex_);
        submitted_.insert(submitted_.end(), std::make_move_iterator(publications.begin()),
                          std::make_move_iterator(publications.end()));
        if (!thread_.joinable())
            thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    wake_->notify();
}

void ConfirmedPublisher::run(const std::stop_token& stop) {
    if (auto addresses = rabbitmq_addresses(settings_)) addresses_ = std::move(*addresses);
    while (!stop.stop_requested()) {
        take_submissions();
        if (!link_) connect();
        if (link_) publish_ready();
        wait(stop);
        if (link_) read_frames();
    }
    remember_fd(-1);
    // Copies that nobody waits for any more need no good-bye; confirmed ones are safe already.
    if (link_ && in_flight_.empty()) link_->close();
    link_.reset();
    const std::lock_guard lock(mutex_);
    finished_ = true;
    finished_changed_.notify_all();
}

void ConfirmedPublisher::take_submissions() {
    Publications taken;
    {
        const std::lock_guard lock(mutex_);
        taken.swap(submitted_);
    }
    for (auto& publication : taken) waiting_.push_back({std::move(publication), {}});
}

void ConfirmedPublisher::remember_fd(int fd) {
    const std::lock_guard lock(mutex_);
    open_fd_ = fd;
}

void ConfirmedPublisher::connect() {
    if (auto result = connecting_.take()) {
        connected(std::move(*result));
        return;
    }
    if (connecting_.running() || addresses_.empty()) return;
    std::erase_if(waiting_, [](const Waiting& entry) { return !entry.publication->wanted(); });
    if (waiting_.empty() || clock_.steady_now() < connect_not_before_) return;
    const auto address = addresses_[next_address_++ % addresses_.size()];
    connecting_.start([settings = settings_, address,
                       role = role_] { return connect_publisher(settings, address, role); },
                      wake_);
}

void ConfirmedPublisher::connected(AmqpResult<std::unique_ptr<AmqpLink>> result) {
    if (!result) {
        connect_not_before_ = clock_.steady_now() + backoff_.next();
        logger_.warning("Publishing to RabbitMQ: {}; trying again", result.error().error.message);
        tell_waiting(result.error().error);
        return;
    }
    link_ = std::move(*result);
    declarer_ = std::make_unique<QueueDeclarer>(*link_, kDeclareChannel);
    remember_fd(link_->fd());
    next_sequence_ = 1;
    backoff_.reset();
}

void ConfirmedPublisher::tell_waiting(const Error& error) {
    std::erase_if(waiting_, [&error](Waiting& entry) { return !entry.publication->failed(error); });
}

void ConfirmedPublisher::lose_link(const Error& error) {
    remember_fd(-1);
    declarer_.reset();
    link_.reset();
    declared_.clear();
    return_.reset();
    blocked_ = false;
    connect_not_before_ = clock_.steady_now() + backoff_.next();
    // To the front and in their order: nobody knows which of them the broker still took.
    while (!in_flight_.empty()) {
        auto& last = in_flight_.back();
        if (!last.settled) waiting_.push_front({std::move(last.publication), {}});
        in_flight_.pop_back();
    }
    if (!waiting_.empty())
        logger_.warning("Lost the connection that publishes to RabbitMQ: {}", error.message);
    tell_waiting(error);
}

AmqpResult<void> ConfirmedPublisher::ensure_queue(const QueueSpec& spec) {
    const auto now = clock_.steady_now();
    const auto known = declared_.find(spec.name);
    if (known != declared_.end() &&
        (spec.role != QueueRole::delay || now - known->second < kDelayQueueRefresh))
        return {};
    auto ensured = declarer_->ensure(spec);
    if (ensured) declared_[spec.name] = now;
    return ensured;
}

void ConfirmedPublisher::publish_ready() {
    const auto now = clock_.steady_now();
    // Those that must wait are passed over; they keep their place for later.
    for (std::size_t left = waiting_.size();
         left > 0 && link_ && !blocked_ && in_flight_.size() < kMostInFlight; --left) {
        Waiting entry = std::move(waiting_.front());
        waiting_.pop_front();
        if (!entry.publication->wanted()) continue;
        if (entry.not_before > now) {
            waiting_.push_back(std::move(entry));
            continue;
        }
        if (!publish(entry)) return;
    }
}

bool ConfirmedPublisher::publish(Waiting& waiting) {
    auto& publication = *waiting.publication;
    pass_over_refusing(publication.queue);
    auto ensured = ensure_queue(publication.queue);
    if (!ensured) {
        const auto failure = std::move(ensured.error());
        if (failure.channel_only) {
            try_later(std::move(waiting.publication), failure.error);
            return true;
        }
        waiting_.push_front(std::move(waiting));
        lose_link(failure.error);
        return false;
    }
    const auto frame_bytes = static_cast<std::size_t>(amqp_get_frame_max(link_->state()));
    publication.message->fit_into(frame_bytes - std::min(frame_bytes / 2, kHeaderSlackBytes));
    const int status = amqp_basic_publish(
        link_->state(), kPublishChannel, amqp_empty_bytes, bytes_of(publication.queue.name),
        /*mandatory=*/1, /*immediate=*/0, &publication.message->properties(),
        bytes_of(publication.message->body()));
    if (status != AMQP_STATUS_OK) {
        waiting_.push_front(std::move(waiting));
        lose_link(failure_of_status(status, "publish").error);
        return false;
    }
    in_flight_.push_back({next_sequence_++, std::move(waiting.publication)});
    return true;
}

void ConfirmedPublisher::try_later(std::unique_ptr<Publication> publication, const Error& error) {
    logger_.warning("Cannot publish to '{}': {}", publication->queue.name, error.message);
    declared_.erase(publication->queue.name);
    if (publication->failed(error))
        waiting_.push_back({std::move(publication), clock_.steady_now() + kTryAgainAfter});
}

bool ConfirmedPublisher::refuses(const QueueSpec& queue) const {
    const auto known = refusing_.find(queue.name);
    return known != refusing_.end() && known->second > clock_.steady_now();
}

// RabbitMQ (3.10) that is killed right after it has declared a quorum queue brings it back without
// a leader, for ever: each message for it holds up the channel for a minute and is refused.
void ConfirmedPublisher::pass_over_refusing(QueueSpec& queue) const {
    while (queue.role == QueueRole::delay && refuses(queue)) {
        const auto longer = round_up_delay(queue.delay + std::chrono::milliseconds(1));
        if (longer == queue.delay) return;
        queue.delay = longer;
        queue.name = delay_queue_name(queue.returns_to, longer);
    }
}

// What is on its way to a queue that refuses would be refused as well, one after the other, and
// hold up what comes behind: it is taken elsewhere, by another connection.
AmqpResult<void> ConfirmedPublisher::leave_what_refuses() const {
    const auto held_up = std::ranges::find_if(in_flight_, [this](const InFlight& entry) {
        return !entry.settled && refuses(entry.publication->queue);
    });
    if (held_up == in_flight_.end()) return {};
    return amqp_failure(
        ErrorKind::unavailable,
        fmt::format("'{}' refuses messages; those on their way to it go to the next delay queue",
                    held_up->publication->queue.name));
}

int ConfirmedPublisher::wait_milliseconds() const {
    if (connecting_.running()) return -1;
    const auto now = clock_.steady_now();
    auto until = SteadyTime::max();
    if (!link_) {
        if (!waiting_.empty()) until = connect_not_before_;
    } else {
        // rabbitmq-c sends heartbeats and misses those of the broker only when it is called.
        if (const int heartbeat = amqp_get_heartbeat(link_->state()); heartbeat > 0)
            until = now + std::chrono::milliseconds(heartbeat * 500);
        if (!blocked_ && in_flight_.size() < kMostInFlight)
            for (const auto& entry : waiting_) until = std::min(until, entry.not_before);
    }
    if (until == SteadyTime::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void ConfirmedPublisher::wait(const std::stop_token& stop) {
    std::array<pollfd, 2> fds{
        pollfd{.fd = wake_->fd(), .events = POLLIN, .revents = 0},
        pollfd{.fd = link_ ? link_->fd() : -1, .events = POLLIN, .revents = 0}};
    const bool may_wait =
        wake_->begin_wait() && !stop.stop_requested() && !(link_ && link_->has_buffered_input());
    ::poll(fds.data(), fds.size(), may_wait ? wait_milliseconds() : 0);
    wake_->end_wait((fds[0].revents & POLLIN) != 0);
    [[maybe_unused]] const bool woken = wake_->take();
}

void ConfirmedPublisher::read_frames() {
    while (link_) {
        amqp_frame_t frame;
        timeval zero{};
        const int status = amqp_simple_wait_frame_noblock(link_->state(), &frame, &zero);
        if (status == AMQP_STATUS_TIMEOUT) return;
        if (status != AMQP_STATUS_OK) {
            lose_link(failure_of_status(status, "read").error);
            return;
        }
        auto handled = handle(frame);
        if (!handled) {
            lose_link(handled.error().error);
            return;
        }
        amqp_maybe_release_buffers_on_channel(link_->state(), frame.channel);
    }
}

AmqpResult<void> ConfirmedPublisher::handle(const amqp_frame_t& frame) {
    if (frame.frame_type == AMQP_FRAME_METHOD) return handle_method(frame);
    if (!return_ || frame.channel != kPublishChannel) return {};
    if (frame.frame_type == AMQP_FRAME_HEADER) {
        const auto* properties =
            static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
        return_->body_left = frame.payload.properties.body_size;
        finish_return(view(properties->message_id),
                      (properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0);
        if (return_->body_left == 0) return_.reset();
    } else if (frame.frame_type == AMQP_FRAME_BODY) {
        return_->body_left -=
            std::min<std::uint64_t>(return_->body_left, frame.payload.body_fragment.len);
        if (return_->body_left == 0) return_.reset();
    }
    return {};
}

AmqpResult<void> ConfirmedPublisher::handle_method(const amqp_frame_t& frame) {
    const auto& method = frame.payload.method;
    switch (method.id) {
        case AMQP_BASIC_ACK_METHOD: {
            const auto* ack = static_cast<const amqp_basic_ack_t*>(method.decoded);
            settle(ack->delivery_tag, ack->multiple != 0, true);
            return {};
        }
        case AMQP_BASIC_NACK_METHOD: {
            const auto* nack = static_cast<const amqp_basic_nack_t*>(method.decoded);
            settle(nack->delivery_tag, nack->multiple != 0, false);
            return leave_what_refuses();
        }
        case AMQP_BASIC_RETURN_METHOD: {
            const auto* returned = static_cast<const amqp_basic_return_t*>(method.decoded);
            return_ = std::make_unique<Return>();
            return_->queue = view(returned->routing_key);
            return_->reason = view(returned->reply_text);
            return {};
        }
        case AMQP_CONNECTION_BLOCKED_METHOD:
            set_blocked(
                true, view(static_cast<const amqp_connection_blocked_t*>(method.decoded)->reason));
            return {};
        case AMQP_CONNECTION_UNBLOCKED_METHOD:
            set_blocked(false, {});
            return {};
        case AMQP_CHANNEL_CLOSE_METHOD:
        case AMQP_CONNECTION_CLOSE_METHOD:
            return tl::make_unexpected(
                failure_of_close(link_->state(), frame.channel, method, "publish"));
        default:
            return {};
    }
}

void ConfirmedPublisher::set_blocked(bool blocked, std::string_view reason) {
    blocked_ = blocked;
    if (blocked) {
        logger_.warning("RabbitMQ takes no messages for now ({}): retries and dead letters wait",
                        reason);
    } else {
        // The queues may have expired meanwhile.
        declared_.clear();
        logger_.info("RabbitMQ takes messages again");
    }
}

// The broker returns a message before it confirms it, but a return names no sequence number: it is
// found by its queue and its id. Where that fits several, all of them count as returned; one
// message too many is published again, none is lost.
void ConfirmedPublisher::finish_return(std::string_view message_id, bool has_id) {
    for (auto& entry : in_flight_) {
        if (entry.settled || entry.publication->queue.name != return_->queue) continue;
        const auto& properties = entry.publication->message->properties();
        const bool entry_has_id = (properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0;
        if (has_id != entry_has_id || (has_id && view(properties.message_id) != message_id))
            continue;
        entry.returned = true;
    }
}

void ConfirmedPublisher::finish(InFlight& entry, bool accepted) {
    entry.settled = true;
    if (accepted && !entry.returned) {
        // A delay queue that was declared too long ago must not expire before the message does.
        const auto known = declared_.find(entry.publication->queue.name);
        if (entry.publication->queue.role == QueueRole::delay &&
            (known == declared_.end() ||
             clock_.steady_now() - known->second > kDelayQueueRefresh * 5)) {
            declared_.erase(entry.publication->queue.name);
            // A failure shows with the connection's next use.
            [[maybe_unused]] const auto refreshed = ensure_queue(entry.publication->queue);
        }
        entry.publication->confirmed();
        entry.publication.reset();
        return;
    }
    const char* why = "the broker refused the message";
    if (entry.returned) {
        why = "the queue does not exist";
    } else if (entry.publication->queue.role == QueueRole::delay) {
        why = "the broker refused the message: it takes the next delay queue";
        refusing_[entry.publication->queue.name] = clock_.steady_now() + kPassedOverFor;
    }
    try_later(std::move(entry.publication), Error{ErrorKind::unavailable, why});
}

void ConfirmedPublisher::settle(std::uint64_t sequence, bool multiple, bool accepted) {
    if (in_flight_.empty()) return;
    const auto first = in_flight_.front().sequence;
    if (sequence < first || sequence - first >= in_flight_.size()) return;
    const std::size_t last = sequence - first;
    for (std::size_t at = multiple ? 0 : last; at <= last; ++at)
        if (!in_flight_[at].settled) finish(in_flight_[at], accepted);
    while (!in_flight_.empty() && in_flight_.front().settled) in_flight_.pop_front();
}

}  // namespace rococo::messaging
