// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// A position that grows, held by one of several processes at a time: the broker sees to it.
///
/// The position is the body of a persistent message, the token, in a durable queue. Who holds the
/// token is the queue's exclusive consumer, of which the broker allows one; it keeps the message
/// unacknowledged, so that it returns to the queue, and goes to the next holder, when the holder's
/// connection ends in whatever way. `advance` publishes the next token, and acknowledges the old
/// one only when the broker has confirmed that the new one is safe: a crash in between leaves two,
/// of which the higher counts.
///
/// **Why nobody who lost it can advance it**: an advance counts when its confirm has been read, and
/// confirms come over the same connection as the token. A holder that was paused (SIGSTOP, a frozen
/// virtual machine) until the broker gave the token to another one wakes to a connection that the
/// broker has closed, so that its next advance fails. If it was paused between the broker's confirm
/// and reading it, the position was in the queue before the token went on, so its successor has
/// that position, and goes on after it.
///
/// All of this binds those that advance by `advance`, which refuses what is not beyond the
/// position.
///
/// A classic queue, since quorum queues have no exclusive consumers. In a cluster it lives on one
/// node: while that node is down, nobody holds the token.
///
/// **Thread-safety**: none; one thread at a time. Heartbeats are sent by `acquire` and `keep`
/// alone: call one of them every half heartbeat.
/// **Ownership**: `clock` must outlive it. Destroying it releases the token.
/// **Errors**: unavailable where the broker cannot be reached or does not answer in time;
/// configuration for wrong credentials, a lack of permissions, or a queue that is not a token's.
class RabbitMqLeaderToken {
public:
    /// `settings.heartbeat` says how soon a holder that hangs is found out; its time limits bound
    /// how long calls take. `queue` is made where absent.
    RabbitMqLeaderToken(RabbitMqSettings settings, std::string queue, const Clock& clock);
    ~RabbitMqLeaderToken();
    RabbitMqLeaderToken(const RabbitMqLeaderToken&) = delete;
    RabbitMqLeaderToken& operator=(const RabbitMqLeaderToken&) = delete;

    /// Takes the token if nobody holds it, connecting first if need be. True where it is held.
    [[nodiscard]] Result<bool> acquire();

    /// Looks after the connection. False where the token is not held any more.
    [[nodiscard]] Result<bool> keep();

    /// The position when it was last known; none where the queue never had a token.
    [[nodiscard]] std::optional<std::int64_t> position() const;

    /// Moves the position on, if the token is held and `to` is beyond the position. False
    /// otherwise. After a failure the token is not held any more, and the move may have taken
    /// place.
    [[nodiscard]] Result<bool> advance(std::int64_t to);

    /// The same for a position that is not beyond the present one: for a holder that knows that one
    /// to be wrong.
    [[nodiscard]] Result<bool> set_back(std::int64_t to);

    /// Gives the token back, so that another process may take it.
    void release() noexcept;

private:
    class Session;

    [[nodiscard]] Result<void> connect();
    [[nodiscard]] Result<bool> set(std::int64_t to);
    Error lose(Error error);

    const RabbitMqSettings settings_;
    const std::string queue_;
    const Clock& clock_;
    std::unique_ptr<Session> session_;
    std::optional<std::int64_t> position_;
};

}  // namespace rococo::messaging
