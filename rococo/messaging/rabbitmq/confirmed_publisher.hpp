// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "amqp_link.hpp"
#include "background_task.hpp"
#include "publication.hpp"
#include "rococo/base/backoff.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/random.hpp"
#include "rococo/base/wake_event.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"
#include "target_queues.hpp"
#include "unconfirmed.hpp"

namespace rococo::messaging {

/// Publishes with confirms and `mandatory`, with up to a thousand unconfirmed messages, on its own
/// connection and thread.
///
/// It needs its own thread because a broker in alarm stops reading from publishers, and rabbitmq-c
/// then blocks within the call.
///
/// The thread starts and connects with the first message. It reconnects while there is something to
/// publish, and publishes unconfirmed messages again.
///
/// The broker rejects some messages by closing the channel and losing everything in flight (a body
/// above `max_message_size`). Those messages are then published one by one to find the culprit,
/// which is retried only after minutes. An unavailable queue is retried after a pause that grows to
/// a minute, with one log line a minute about the messages waiting for it.
///
/// **Thread-safety**: `submit` may be called from any thread.
/// **Ownership**: the destructor waits for the thread and drops unconfirmed messages.
class ConfirmedPublisher {
public:
    /// Told from the thread: why the broker takes no messages for now; nothing: it does again.
    using TellBlocked = std::function<void(std::string_view reason)>;

    ConfirmedPublisher(RabbitMqSettings settings, const Clock& clock, Logger logger,
                       RandomSource random, std::string role, TellBlocked tell_blocked = {});
    ~ConfirmedPublisher();

    using Publications = std::vector<std::unique_ptr<Publication>>;
    void submit(Publications publications);

    /// Whether there ever was a connection. From any thread.
    [[nodiscard]] bool was_connected() const { return was_connected_.load(); }

private:
    struct Waiting {
        std::unique_ptr<Publication> publication;
        SteadyTime not_before{};
        unsigned refusals = 0;  ///< Of this very message.
    };
    void run(const std::stop_token& stop);
    void take_submissions();
    void connect();
    void connected(AmqpResult<std::unique_ptr<AmqpLink>> result);
    void lose_link(const AmqpFailure& failure);
    void blame(std::vector<Unconfirmed::Entry>& unconfirmed, const AmqpFailure& failure);
    void put_off(Waiting waiting, const AmqpFailure& failure);
    [[nodiscard]] bool may_say_lost();
    void tell_waiting(const Error& error);
    void publish_ready();
    [[nodiscard]] AmqpResult<void> publish(Waiting& waiting);
    void try_later(std::unique_ptr<Publication> publication, const Error& error);
    [[nodiscard]] SteadyTime not_before(const Waiting& waiting) const;
    [[nodiscard]] std::size_t most_in_flight() const;
    [[nodiscard]] AmqpResult<void> leave_what_refuses() const;
    void wait(const std::stop_token& stop);
    [[nodiscard]] int wait_milliseconds() const;
    void read_frames();
    [[nodiscard]] AmqpResult<void> handle(const amqp_frame_t& frame);
    [[nodiscard]] AmqpResult<void> handle_method(const amqp_frame_t& frame);
    void finish(Unconfirmed::Entry entry, bool accepted);
    void set_blocked(bool blocked, std::string_view reason);
    void remember_fd(int fd);

    const RabbitMqSettings settings_;
    const Clock& clock_;
    const Logger logger_;
    const std::string role_;
    const TellBlocked tell_blocked_;
    RandomSource random_;
    Backoff backoff_;
    std::shared_ptr<WakeEvent> wake_ = std::make_shared<WakeEvent>();

    std::atomic<bool> was_connected_{false};
    std::mutex mutex_;  // Guards the next five.
    Publications submitted_;
    std::jthread thread_;
    int open_fd_ = -1;
    bool finished_ = false;
    std::condition_variable finished_changed_;

    // The rest belongs to the thread.
    std::vector<RabbitMqAddress> addresses_;
    std::size_t next_address_ = 0;
    BackgroundTask<AmqpResult<std::unique_ptr<AmqpLink>>> connecting_;
    std::unique_ptr<AmqpLink> link_;
    TargetQueues queues_;
    SteadyTime connect_not_before_{};
    SteadyTime ask_not_before_{};  // For queues; the epoch: nothing was published yet.
    SteadyTime say_lost_not_before_{};
    std::deque<Waiting> waiting_;
    Unconfirmed in_flight_;
    /// How many messages are still to go one by one, one of which makes the broker close the
    /// channel.
    std::size_t suspects_ = 0;
    bool blocked_ = false;
};

}  // namespace rococo::messaging
