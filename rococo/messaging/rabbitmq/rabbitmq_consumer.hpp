// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ack_timing.hpp"
#include "consumer_link.hpp"
#include "copy_desk.hpp"
#include "delayed_messages.hpp"
#include "host_search.hpp"
#include "rabbitmq_delivery.hpp"
#include "read_pace.hpp"
#include "retired_delays.hpp"
#include "rococo/base/wake_event.hpp"
#include "rococo/messaging/connection_states.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"
#include "room_in_hand.hpp"

namespace rococo::messaging {

/// What does the work of `RabbitMqConnection`: one consumer of one queue, over one connection after
/// the other. Each has an epoch, and a verdict counts only in the epoch of its delivery.
class RabbitMqConsumer final : public MessageAdapter {
public:
    RabbitMqConsumer(RabbitMqSettings settings, const Clock& clock, Logger logger,
                     RandomSource random, std::shared_ptr<DelayQueuesInUse> in_use);
    ~RabbitMqConsumer() override { RabbitMqConsumer::close(); }

    [[nodiscard]] Result<std::vector<std::string>> check() override;
    [[nodiscard]] Result<void> open() override;
    void limit(const Limits& limits) override;
    [[nodiscard]] Result<void> receive(SteadyTime deadline, Events& out) override;
    [[nodiscard]] Result<void> settle(Settlements settlements) override;
    [[nodiscard]] std::size_t unsettled() const override {
        return desk_.waiting() + (link_ ? link_->acks_wanted() + link_->acks_on_their_way() : 0);
    }
    void pause() override;
    void resume() override;
    [[nodiscard]] bool awaits_messages() const override;
    void reconnect(const std::string& reason) override;
    void stop_receiving() override;
    [[nodiscard]] Result<bool> empty() override;
    void close() override;
    void wake() noexcept override {
        woken_.store(true);
        wake_->notify();
    }
    [[nodiscard]] std::string endpoint() const override { return search_.endpoint(); }

private:
    [[nodiscard]] ConsumerLink::Terms terms() const {
        return {room_.affordable_deliveries(), epoch_ + 1, !states_.is_paused()};
    }
    void connected(std::unique_ptr<ConsumerLink> link);
    void warn_of_delivery_limit();
    void lose_link(const AmqpFailure& failure);
    [[nodiscard]] Result<void> look_for_link();
    void keep(const AmqpResult<void>& outcome);
    [[nodiscard]] bool known(const AmqpResult<bool>& answer);
    void settle_one(Settlement settlement);
    void give_back(std::unique_ptr<Delivery> delivery);
    [[nodiscard]] bool may_be_dropped(const RabbitMqDelivery& delivery,
                                      std::uint32_t returns) const;
    void collect_copies();
    void collect_events(Events& out);
    void read(SteadyTime now, Events& out);
    void take_in(std::unique_ptr<Delivery> delivery, Events& out);
    void mind_the_room(SteadyTime now);
    void flush_acks(bool about_to_wait);
    void warn_of_consumer_timeout();
    /// True where reading may yield something, or is due for the heartbeat's sake.
    /// When the socket is to be read: now, soon, or for now not at all.
    [[nodiscard]] SteadyTime read_at(SteadyTime now) const;
    /// Whether a read soon brings more, with whose acknowledgements others may go.
    [[nodiscard]] bool waits_for_more(SteadyTime now) const;
    [[nodiscard]] bool wait(SteadyTime deadline);
    [[nodiscard]] SteadyTime next_duty(SteadyTime deadline) const;

    const RabbitMqSettings settings_;
    const Clock& clock_;
    const Logger logger_;
    RandomSource random_;
    std::shared_ptr<WakeEvent> wake_ = std::make_shared<WakeEvent>();
    std::atomic<bool> woken_{false};

    ConnectionStates states_;
    HostSearch search_;
    std::unique_ptr<ConsumerLink> link_;
    std::uint64_t epoch_ = 0;
    std::uint64_t first_number_ = 0;  // Of a delivery of this epoch, less its tag.
    std::uint64_t last_number_ = 0;
    SteadyTime connected_at_{};
    bool stopping_ = false;
    bool warned_of_limit_ = false;
    bool subscribed_anew_ = false;  // On this link, by `reconnect`, and nothing has come since.

    RoomInHand room_;
    AckTiming ack_timing_;
    ReadPace read_pace_;
    std::vector<Events::Lost> lost_;  // Not yet told.
    Deliveries kept_;                 // Arrived in a pause by a subscription that may not be left.
    std::set<std::uint64_t> unheard_of_;  // Kept or given back, never handed out.
    SteadyTime read_due_{};
    SteadyTime timeout_checked_{};
    std::uint64_t warned_tag_ = 0;

    DelayedMessages delayed_;
    const std::shared_ptr<DelayQueuesInUse> in_use_;
    CopyDesk desk_;
    RetiredDelays retired_delays_;
};

}  // namespace rococo::messaging
