// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// A growing position that only one of several processes can hold at a time, enforced by the
/// broker.
///
/// The position is the body of a persistent message, the token, in a durable queue. The holder is
/// the queue's exclusive consumer, of which the broker allows only one, and leaves the message
/// unacknowledged. However the holder's connection ends, the token returns to the queue and goes to
/// the next holder. `advance` publishes the next token and acknowledges the old one only after the
/// broker has confirmed the new one. A crash in between leaves two tokens, of which the higher one
/// is valid.
///
/// **Why a former holder cannot advance it**: an advance succeeds only once its confirm has been
/// read, and confirms arrive on the same connection as the token. If a holder is paused (SIGSTOP, a
/// frozen virtual machine) until the broker gives the token to another process, the broker has
/// closed its connection by the time it resumes, and its next advance fails. If it was paused after
/// the broker's confirm but before reading it, the new position was in the queue before the token
/// moved on, so its successor continues after that position.
///
/// This holds for processes that use `advance`, which refuses positions that are not higher.
///
/// The user needs permission to configure and read the queue and to write to the default exchange
/// (`amq.default`). All are checked when connecting.
///
/// It is a classic queue, because quorum queues have no exclusive consumers, and does not expire.
/// In a cluster it lives on one node; while that node is down, nobody holds the token.
///
/// **Thread-safety**: none; use it from one thread at a time. Only `acquire` and `keep` send
/// heartbeats: call one of them every half heartbeat.
/// **Ownership**: `clock` must outlive it. Destroying it releases the token.
/// **Errors**: unavailable if the broker cannot be reached or does not answer in time;
/// configuration for wrong credentials, missing permissions, or a queue that holds something else.
class RabbitMqLeaderToken {
public:
    /// `settings.heartbeat` determines how soon a hanging holder is detected; the timeouts in
    /// `settings` limit how long calls take. `queue` is created if it does not exist.
    RabbitMqLeaderToken(RabbitMqSettings settings, std::string queue, const Clock& clock);
    ~RabbitMqLeaderToken();

    /// Checks whether `acquire` would work, as far as possible without creating the queue or taking
    /// the token.
    [[nodiscard]] Result<void> check() const;

    /// Takes the token if nobody holds it, connecting first if necessary. True if this process
    /// holds it.
    [[nodiscard]] Result<bool> acquire();

    /// Keeps the connection alive. False if the token has been lost.
    [[nodiscard]] Result<bool> keep();

    /// The last known position; empty if the queue never had a token.
    [[nodiscard]] std::optional<std::int64_t> position() const;

    /// Moves the position to `to` if the token is held and `to` is higher; otherwise returns false.
    /// After a failure the token is no longer held, and the move may have happened.
    [[nodiscard]] Result<bool> advance(std::int64_t to);

    /// The same without requiring a higher position, for a holder that knows the current one to be
    /// wrong.
    [[nodiscard]] Result<bool> set_back(std::int64_t to);

    /// Releases the token, so that another process can take it.
    void release() noexcept;

private:
    class Session;

    [[nodiscard]] Result<bool> set(std::int64_t to);
    Error lose(Error error);

    const RabbitMqSettings settings_;
    const std::string queue_;
    const Clock& clock_;
    std::unique_ptr<Session> session_;
    std::optional<std::int64_t> position_;
};

}  // namespace rococo::messaging
