// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "amqp_link.hpp"
#include "background_task.hpp"
#include "message_copy.hpp"
#include "queue_declaration.hpp"
#include "reconnect_backoff.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/rabbitmq_connection.hpp"
#include "wake_event.hpp"

namespace rococo::messaging {

/// One message to publish, and what becomes of it. The members are called by the publisher's
/// thread.
class Publication {
public:
    virtual ~Publication() = default;
    Publication(const Publication&) = delete;
    Publication& operator=(const Publication&) = delete;

    /// Whether it is still to be published; asked before each try.
    [[nodiscard]] virtual bool wanted() const = 0;
    /// The broker has it, in its queue. The last call.
    virtual void confirmed() = 0;
    /// A try failed, or the connection. True asks for another try; false makes this the last call.
    [[nodiscard]] virtual bool failed(const Error& error) = 0;

    /// Declared before, if need be; reached by the default exchange. Of a delay queue that refuses
    /// messages, the publisher makes one with a longer delay.
    QueueSpec queue;
    std::unique_ptr<MessageCopy> message;

protected:
    Publication() = default;
};

/// Publishes with confirms and `mandatory`, up to a thousand messages ahead of the confirms, on a
/// connection and in a thread of its own.
///
/// A thread of its own, because a broker in alarm stops reading from publishers, and rabbitmq-c
/// then waits within the call: nobody else must wait with it.
///
/// The thread starts, and connects, with the first message. A lost connection is made again for as
/// long as there is something to publish; what was not confirmed is published again.
///
/// **Thread-safety**: `submit` from any thread.
/// **Ownership**: destroying it waits for the thread; what is not confirmed is dropped.
class ConfirmedPublisher {
public:
    ConfirmedPublisher(RabbitMqSettings settings, const Clock& clock, Logger logger,
                       RandomSource random, std::string role);
    ~ConfirmedPublisher();
    ConfirmedPublisher(const ConfirmedPublisher&) = delete;
    ConfirmedPublisher& operator=(const ConfirmedPublisher&) = delete;

    using Publications = std::vector<std::unique_ptr<Publication>>;
    void submit(Publications publications);

private:
    struct Waiting {
        std::unique_ptr<Publication> publication;
        SteadyTime not_before{};
    };
    struct InFlight {
        std::uint64_t sequence;
        std::unique_ptr<Publication> publication;
        bool settled = false;
        bool returned = false;
    };
    /// A `basic.return` whose header and body are still to come.
    struct Return {
        std::string queue;
        std::string reason;
        std::uint64_t body_left = 0;
        bool header_seen = false;
    };

    void run(const std::stop_token& stop);
    void take_submissions();
    void connect();
    void connected(AmqpResult<std::unique_ptr<AmqpLink>> result);
    void lose_link(const Error& error);
    void tell_waiting(const Error& error);
    void publish_ready();
    [[nodiscard]] bool publish(Waiting& waiting);
    [[nodiscard]] AmqpResult<void> ensure_queue(const QueueSpec& spec);
    void try_later(std::unique_ptr<Publication> publication, const Error& error);
    [[nodiscard]] bool refuses(const QueueSpec& queue) const;
    void pass_over_refusing(QueueSpec& queue) const;
    [[nodiscard]] AmqpResult<void> leave_what_refuses() const;
    void wait(const std::stop_token& stop);
    [[nodiscard]] int wait_milliseconds() const;
    void read_frames();
    [[nodiscard]] AmqpResult<void> handle(const amqp_frame_t& frame);
    [[nodiscard]] AmqpResult<void> handle_method(const amqp_frame_t& frame);
    void settle(std::uint64_t sequence, bool multiple, bool accepted);
    void finish(InFlight& entry, bool accepted);
    void finish_return(std::string_view message_id, bool has_id);
    void set_blocked(bool blocked, std::string_view reason);
    void remember_fd(int fd);

    const RabbitMqSettings settings_;
    const Clock& clock_;
    const Logger logger_;
    const std::string role_;
    ReconnectBackoff backoff_;
    std::shared_ptr<WakeEvent> wake_ = std::make_shared<WakeEvent>();

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
    std::unique_ptr<QueueDeclarer> declarer_;
    SteadyTime connect_not_before_{};
    std::map<std::string, SteadyTime, std::less<>> declared_;
    /// Delay queues that refused a message, and until when they are passed over.
    std::map<std::string, SteadyTime, std::less<>> refusing_;
    std::deque<Waiting> waiting_;
    std::deque<InFlight> in_flight_;
    std::uint64_t next_sequence_ = 1;
    std::unique_ptr<Return> return_;
    bool blocked_ = false;
};

}  // namespace rococo::messaging
