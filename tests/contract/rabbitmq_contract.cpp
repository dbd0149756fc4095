// SPDX-License-Identifier: MIT
#include "broker.hpp"
#include "contract_test.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_dead_letters.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_inspector.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_sender.hpp"

namespace rococo::messaging::contract {
namespace {

class RabbitMqUnderTest final : public QueueUnderTest {
public:
    explicit RabbitMqUnderTest(RabbitMqQueueType type)
        : settings_(tests::settings_for(tests::fresh_queue())) {
        settings_.queue_type = type;
    }
    ~RabbitMqUnderTest() override {
        tests::OtherClient client;
        client.delete_queue(settings_.queue);
        client.delete_queue(settings_.queue + ".dead-letter");
    }

    [[nodiscard]] Traits traits() const override {
        return {
            .empty_misses_delayed = "AMQP counts one queue; retries wait in others",
            .empty_misses_others = "AMQP tells how many messages are ready, not how many are held",
            .lowered_limit_comes_late = "AMQP binds new subscriptions only to a new prefetch",
            .outlives_its_ruin = "a queue that was deleted is made again",
            .counts_none_in_hand = "AMQP tells how many messages are ready, not how many are held",
        };
    }
    [[nodiscard]] std::string name() const override { return settings_.queue; }
    [[nodiscard]] std::unique_ptr<MessageAdapter> adapter() override {
        return std::make_unique<RabbitMqConnection>(settings_, clock_, log_.logger(),
                                                    seeded_random());
    }
    [[nodiscard]] MessageSender& sender() override {
        if (!sender_)
            sender_ =
                std::make_unique<RabbitMqSender>(settings_, clock_, log_.logger(), seeded_random());
        return *sender_;
    }
    [[nodiscard]] std::unique_ptr<DeadLetterStore> dead_letters() override {
        return std::make_unique<RabbitMqDeadLetters>(settings_, clock_, log_.logger(),
                                                     seeded_random());
    }
    [[nodiscard]] Result<QueueCounts> counts() override { return inspector_.counts(name()); }
    [[nodiscard]] bool exists() override { return tests::OtherClient().ready(name()) >= 0; }
    [[nodiscard]] std::size_t waiting() override {
        return static_cast<std::size_t>(std::max(tests::OtherClient().ready(name()), 0));
    }
    void begin_loss() override { tests::broker().command("ctl close_all_connections test"); }
    void begin_cut() override { begin_loss(); }
    void begin_block() override {
        tests::broker().command("ctl set_vm_memory_high_watermark 0.00000001");
    }
    void end_block() override { tests::broker().command("ctl set_vm_memory_high_watermark 0.6"); }

private:
    RealClock clock_;
    tests::RecordingLog log_;
    RabbitMqSettings settings_;
    std::unique_ptr<RabbitMqSender> sender_;
    RabbitMqInspector inspector_{settings_, std::make_shared<DelayQueuesInUse>(), clock_};
};

CONTRACT_TESTS(QueueKind{"RabbitMqClassic",
                         [] {
                             return std::make_unique<RabbitMqUnderTest>(RabbitMqQueueType::classic);
                         }},
               QueueKind{"RabbitMqQuorum", [] {
                             return std::make_unique<RabbitMqUnderTest>(RabbitMqQueueType::quorum);
                         }});

}  // namespace
}  // namespace rococo::messaging::contract
