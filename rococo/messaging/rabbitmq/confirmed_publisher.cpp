// SPDX-License-Identifier: MIT
#include "confirmed_publisher.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "rococo/base/poll_timeout.hpp"
#include "rococo/base/try.hpp"
#include "rococo/messaging/message_name.hpp"

namespace rococo::messaging {
namespace {

constexpr amqp_channel_t kPublishChannel = 1;
constexpr amqp_channel_t kDeclareChannel = 2;
constexpr std::size_t kMostInFlight = 1000;
constexpr std::chrono::minutes kSayAgainAfter{1};
// A message that the broker refuses by closing the channel.
constexpr std::chrono::minutes kRefusedPause{1};
constexpr unsigned kMostRefusedDoublings = 5;  // About half an hour.
// A broker in alarm says so after the first message of a connection, and answers nothing after it:
// other queues are asked for only then.
constexpr std::chrono::milliseconds kAlarmIsTold{200};
// Room in a header frame for what the broker adds when it dead-letters from a delay queue.
constexpr std::size_t kHeaderSlackBytes = 4096;

}  // namespace

ConfirmedPublisher::ConfirmedPublisher(RabbitMqSettings settings, const Clock& clock, Logger logger,
                                       RandomSource random, std::string role,
                                       TellBlocked tell_blocked)
    : settings_(std::move(settings)),
      clock_(clock),
      logger_(logger),
      role_(std::move(role)),
      tell_blocked_(std::move(tell_blocked)),
      random_(std::move(random)),
      backoff_(settings_.backoff_first, settings_.backoff_limit),
      queues_(clock, logger, settings_.warn_of_new_queues) {}

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
        std::ranges::move(publications, std::back_inserter(submitted_));
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
    // Abandoned copies need no clean close; confirmed ones are already safe.
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
    connecting_.start(
        [settings = settings_, address, role = role_] {
            return AmqpLink::connect(settings, address, role, kPublishChannel, true);
        },
        wake_);
}

void ConfirmedPublisher::connected(AmqpResult<std::unique_ptr<AmqpLink>> result) {
    if (!result) {
        connect_not_before_ = clock_.steady_now() + backoff_.next_from_half(random_);
        // First: whoever does not wait any longer reports the error, and nothing is tried again.
        tell_waiting(result.error().error);
        if (may_say_lost())
            logger_.warning("Publishing to RabbitMQ ({} waiting): {}; trying again",
                            waiting_.size(), result.error().error.message);
        return;
    }
    was_connected_.store(true);
    link_ = std::move(*result);
    queues_.begin_connection(*link_, kDeclareChannel);
    ask_not_before_ = {};
    remember_fd(link_->fd());
}

bool ConfirmedPublisher::may_say_lost() {
    const auto now = clock_.steady_now();
    if (waiting_.empty() || now < say_lost_not_before_) return false;
    say_lost_not_before_ = now + kSayAgainAfter;
    return true;
}

void ConfirmedPublisher::tell_waiting(const Error& error) {
    std::erase_if(waiting_, [&error](Waiting& entry) { return !entry.publication->failed(error); });
}

void ConfirmedPublisher::lose_link(const AmqpFailure& failure) {
    remember_fd(-1);
    queues_.end_connection();
    link_.reset();
    if (std::exchange(blocked_, false) && tell_blocked_) tell_blocked_({});
    connect_not_before_ = clock_.steady_now() + backoff_.next_from_half(random_);
    auto unconfirmed = in_flight_.take_all();
    blame(unconfirmed, failure);
    // Back to the front, in order, because it is unknown which of them the broker accepted.
    for (; !unconfirmed.empty(); unconfirmed.pop_back())
        waiting_.push_front(
            {std::move(unconfirmed.back().publication), {}, unconfirmed.back().refusals});
    if (may_say_lost())
        logger_.warning("Lost the connection that publishes to RabbitMQ ({} waiting): {}",
                        waiting_.size(), failure.error.message);
    tell_waiting(failure.error);
}

// If the broker closed the channel or connection, one of the unconfirmed messages may be the cause.
// If all were published together again, they would fail with it forever.
void ConfirmedPublisher::blame(std::vector<Unconfirmed::Entry>& unconfirmed,
                               const AmqpFailure& failure) {
    // A broker that shuts down, or a right that is missing, has nothing to do with one message.
    const bool broker_refused = failure.reply_code != 0 &&
                                failure.reply_code != kConnectionForced &&
                                failure.reply_code != kAccessRefused;
    if (!broker_refused || unconfirmed.empty()) return;
    if (unconfirmed.size() > 1) {
        suspects_ = unconfirmed.size();
        return;
    }
    suspects_ = suspects_ > 0 ? suspects_ - 1 : 0;
    // It is the message and not the broker: the others need not wait.
    backoff_.reset();
    connect_not_before_ = {};
    auto& culprit = unconfirmed.front();
    put_off({std::move(culprit.publication), {}, culprit.refusals + 1}, failure);
    unconfirmed.clear();
}

void ConfirmedPublisher::put_off(Waiting waiting, const AmqpFailure& failure) {
    const auto& message = *waiting.publication->message;
    const auto pause =
        kRefusedPause * (1U << std::min(waiting.refusals - 1, kMostRefusedDoublings));
    const Error error{ErrorKind::usage,
                      fmt::format("RabbitMQ refuses message {} of {} bytes for '{}': {}",
                                  message_name(message.id(), message.body()), message.body().size(),
                                  waiting.publication->queue.name, failure.error.message)};
    waiting.not_before = clock_.steady_now() + pause;
    if (!waiting.publication->failed(error)) return;
    logger_.error("{} It stays where it is; next try in {} min", error.message, pause.count());
    waiting_.push_back(std::move(waiting));
}

SteadyTime ConfirmedPublisher::not_before(const Waiting& waiting) const {
    const auto& queue = waiting.publication->queue;
    const auto ask = queues_.knows(queue) ? SteadyTime::min() : ask_not_before_;
    return std::max({waiting.not_before, queues_.not_before(queue.name), ask});
}

std::size_t ConfirmedPublisher::most_in_flight() const { return suspects_ > 0 ? 1 : kMostInFlight; }

void ConfirmedPublisher::publish_ready() {
    const auto now = clock_.steady_now();
    // Those that must wait are passed over; they keep their place for later.
    for (std::size_t left = waiting_.size();
         left > 0 && link_ && !blocked_ && in_flight_.size() < most_in_flight(); --left) {
        Waiting entry = std::move(waiting_.front());
        waiting_.pop_front();
        if (!entry.publication->wanted()) {
            if (suspects_ > 0) --suspects_;
            continue;
        }
        if (not_before(entry) > now) {
            waiting_.push_back(std::move(entry));
            continue;
        }
        if (auto published = publish(entry); !published) {
            waiting_.push_front(std::move(entry));
            return lose_link(published.error());
        }
    }
}

AmqpResult<void> ConfirmedPublisher::publish(Waiting& waiting) {
    auto& publication = *waiting.publication;
    queues_.pass_over_refusing(publication.queue);
    auto ensured = queues_.ensure(publication.queue);
    if (!ensured && ensured.error().channel_only) {
        try_later(std::move(waiting.publication), ensured.error().error);
        return {};
    }
    if (!ensured) return ensured;
    const auto frame_bytes = static_cast<std::size_t>(amqp_get_frame_max(link_->state()));
    publication.message->fit_into(frame_bytes - std::min(frame_bytes / 2, kHeaderSlackBytes));
    const int status = amqp_basic_publish(
        link_->state(), kPublishChannel, amqp_empty_bytes, bytes_of(publication.queue.name),
        /*mandatory=*/1, /*immediate=*/0, &publication.message->properties(),
        bytes_of(publication.message->body()));
    ROCOCO_TRY(result_of(status, "publish"));
    in_flight_.add(std::move(waiting.publication), waiting.refusals);
    if (ask_not_before_ == SteadyTime{}) ask_not_before_ = clock_.steady_now() + kAlarmIsTold;
    return {};
}

// The queue is in trouble, not the message: all that waits for it waits together.
void ConfirmedPublisher::try_later(std::unique_ptr<Publication> publication, const Error& error) {
    const auto name = publication->queue.name;
    queues_.declare_again(name);
    if (!publication->failed(error)) return;
    waiting_.push_back({std::move(publication), {}});
    if (!queues_.failed(name)) return;
    const auto waiting = std::ranges::count_if(
        waiting_, [&name](const Waiting& entry) { return entry.publication->queue.name == name; });
    logger_.warning("Cannot publish to '{}' ({} waiting): {}", name, waiting, error.message);
}

// What is on its way to a queue that refuses would be refused as well, one after the other, and
// hold up what comes behind: it is taken elsewhere, by another connection.
AmqpResult<void> ConfirmedPublisher::leave_what_refuses() const {
    const auto* held_up = in_flight_.find(
        [this](const Publication& publication) { return queues_.refuses(publication.queue); });
    if (held_up == nullptr) return {};
    return amqp_failure(
        ErrorKind::unavailable,
        fmt::format("'{}' refuses messages; those on their way to it go to the next delay queue",
                    held_up->queue.name));
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
        if (!blocked_ && in_flight_.size() < most_in_flight())
            for (const auto& entry : waiting_) until = std::min(until, not_before(entry));
    }
    if (until == SteadyTime::max()) return -1;
    return poll_timeout(until, now);
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
        if (status != AMQP_STATUS_OK) return lose_link(failure_of_status(status, "read"));
        if (auto handled = handle(frame); !handled) return lose_link(handled.error());
        amqp_maybe_release_buffers_on_channel(link_->state(), frame.channel);
    }
}

AmqpResult<void> ConfirmedPublisher::handle(const amqp_frame_t& frame) {
    if (frame.frame_type == AMQP_FRAME_METHOD) return handle_method(frame);
    if (frame.channel != kPublishChannel) return {};
    if (frame.frame_type == AMQP_FRAME_HEADER) {
        const auto& header = frame.payload.properties;
        in_flight_.return_header(*static_cast<const amqp_basic_properties_t*>(header.decoded),
                                 header.body_size);
    } else if (frame.frame_type == AMQP_FRAME_BODY) {
        in_flight_.return_body(frame.payload.body_fragment.len);
    }
    return {};
}

AmqpResult<void> ConfirmedPublisher::handle_method(const amqp_frame_t& frame) {
    const auto& method = frame.payload.method;
    switch (method.id) {
        case AMQP_BASIC_ACK_METHOD: {
            const auto* ack = static_cast<const amqp_basic_ack_t*>(method.decoded);
            for (auto& entry : in_flight_.take(ack->delivery_tag, ack->multiple != 0))
                finish(std::move(entry), true);
            return {};
        }
        case AMQP_BASIC_NACK_METHOD: {
            const auto* nack = static_cast<const amqp_basic_nack_t*>(method.decoded);
            for (auto& entry : in_flight_.take(nack->delivery_tag, nack->multiple != 0))
                finish(std::move(entry), false);
            return leave_what_refuses();
        }
        case AMQP_BASIC_RETURN_METHOD: {
            const auto* returned = static_cast<const amqp_basic_return_t*>(method.decoded);
            in_flight_.return_begins(std::string(view(returned->routing_key)));
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
            return tl::unexpected(
                failure_of_close(link_->state(), frame.channel, method, "publish"));
        default:
            return {};
    }
}

void ConfirmedPublisher::set_blocked(bool blocked, std::string_view reason) {
    blocked_ = blocked;
    if (tell_blocked_) tell_blocked_(reason);
    if (!blocked) return logger_.info("RabbitMQ takes messages again");
    logger_.warning("RabbitMQ takes no messages for now ({}): retries and dead letters wait",
                    reason);
}

void ConfirmedPublisher::finish(Unconfirmed::Entry entry, bool accepted) {
    if (suspects_ > 0) --suspects_;
    const auto& queue = entry.publication->queue;
    if (accepted && !entry.returned) {
        queues_.worked(queue.name);
        // Not when connected: a broker that lets us in may still refuse what we came for.
        backoff_.reset();
        entry.publication->confirmed();
        return;
    }
    const char* why = "the broker refused the message";
    if (entry.returned) {
        why = "the queue does not exist";
    } else if (queues_.refused(queue)) {
        why = "the broker refused the message: it takes the next delay queue";
    }
    try_later(std::move(entry.publication), Error{ErrorKind::unavailable, why});
}

}  // namespace rococo::messaging
