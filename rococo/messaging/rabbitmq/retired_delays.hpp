// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "amqp_link.hpp"
#include "background_task.hpp"
#include "copy_desk.hpp"
#include "queue_declaration.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/wake_event.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"

namespace rococo::messaging {

/// Moves messages from the delay queues of version 1.0.0 to the current ones, because the old
/// queues expire together with their messages (rabbitmq-server#5894). A moved message waits its
/// whole delay again.
///
/// It checks twice, at startup and a quarter of an hour later, because hosts of the old version
/// keep using their queues until an upgrade is complete. It does not check more often because the
/// broker logs an error for each query of a missing queue.
///
/// Messages are moved in small steps between other work, on a separate connection: while rabbitmq-c
/// waits for an answer, it buffers everything that arrives, which on the consuming connection could
/// exceed the memory. An original is removed when its copy is confirmed. If the connection is lost,
/// the broker returns everything and moving starts again.
///
/// **Thread-safety**: none.
class RetiredDelays {
public:
    RetiredDelays(const RabbitMqSettings& settings, const Clock& clock, Logger logger,
                  RandomSource random, std::shared_ptr<WakeEvent> wake);
    ~RetiredDelays();

    /// The broker at this address is there, and its queue is consumed.
    void begin(RabbitMqAddress address);
    /// When there is something to do; `wake` is notified where it cannot know beforehand.
    [[nodiscard]] SteadyTime due() const { return due_; }
    /// Does a little of it. Waits for the broker, for a few answers at most.
    void step();
    /// Ends; what is not yet moved stays where it is.
    void close();

private:
    void connect(SteadyTime now);
    [[nodiscard]] AmqpResult<void> work(SteadyTime now);
    [[nodiscard]] AmqpResult<void> look();
    [[nodiscard]] AmqpResult<void> move_some();
    [[nodiscard]] AmqpResult<bool> move_one();
    [[nodiscard]] AmqpResult<void> acknowledge_safe();
    void begin_anew(SteadyTime due);
    void end_round(SteadyTime now);

    const RabbitMqSettings& settings_;
    const Clock& clock_;
    const Logger logger_;
    std::shared_ptr<WakeEvent> wake_;
    RabbitMqAddress address_;
    BackgroundTask<AmqpResult<std::unique_ptr<AmqpLink>>> connecting_;
    std::unique_ptr<AmqpLink> link_;
    CopyDesk desk_;
    std::uint64_t epoch_ = 0;
    SteadyTime due_ = SteadyTime::max();
    unsigned rounds_ = 0;        // Ended.
    std::size_t next_step_ = 0;  // To be looked at.
    std::uint32_t left_ = 0;     // In the one that was looked at last.
    std::size_t moved_ = 0;
};

}  // namespace rococo::messaging
