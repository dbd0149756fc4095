// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// Where jitter and ids come from: 64 uniformly distributed bits a call. Called from one thread at
/// a time.
using RandomSource = std::function<std::uint64_t()>;

/// Consumes one RabbitMQ queue.
///
/// The dispatcher's thread is the only one that touches the consuming connection; it keeps the
/// heartbeats too, so `receive` must be called at least every half heartbeat. Copies for retries
/// and dead letters are published by a thread of the adapter's own, on a connection of its own,
/// with `mandatory` and confirms: a broker that stops reading publishers (a memory alarm) thus
/// never holds up acknowledgements. A message whose copy is not confirmed stays in the queue.
///
/// Retries wait in `<queue>.retry.<milliseconds>`, dead letters in `<queue>.dead-letter`, both
/// declared when first needed.
///
/// After a change of the prefetch, the adapter subscribes again on the same channel, since
/// `basic.qos` binds new consumers only; for as long as the deliveries of the old subscription are
/// in hand, there may be old plus new of them.
///
/// **Ownership**: `clock` and the logger's sink must outlive it.
class RabbitMqConnection final : public MessageAdapter {
public:
    RabbitMqConnection(RabbitMqSettings settings, const Clock& clock, Logger logger,
                       RandomSource random);
    ~RabbitMqConnection() override;
    RabbitMqConnection(const RabbitMqConnection&) = delete;
    RabbitMqConnection& operator=(const RabbitMqConnection&) = delete;

    [[nodiscard]] Result<void> open() override;
    void set_prefetch(std::size_t deliveries) override;
    [[nodiscard]] Result<void> receive(SteadyTime deadline, Deliveries& out) override;
    [[nodiscard]] Result<void> settle(Settlements settlements) override;
    [[nodiscard]] std::size_t unsettled() const override;
    void stop_receiving() override;
    [[nodiscard]] Result<bool> empty() override;
    void close() override;
    void wake() noexcept override;
    [[nodiscard]] std::string endpoint() const override;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging
