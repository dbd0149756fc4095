// SPDX-License-Identifier: MIT
#include "../contract_test.hpp"
#include "example_queue.hpp"

namespace rococo::messaging::contract {
namespace {

class ExampleUnderTest final : public QueueUnderTest {
public:
    [[nodiscard]] Traits traits() const override {
        const char* const kInMemory = "it is in the process's own memory";
        return {.is_never_blocked = kInMemory,
                .has_no_connection = kInMemory,
                .outlives_its_ruin = kInMemory,
                .counts_nothing = "an adapter need not be able to"};
    }
    [[nodiscard]] std::string name() const override { return "orders"; }
    [[nodiscard]] std::unique_ptr<MessageAdapter> adapter() override {
        return std::make_unique<example::ExampleAdapter>(broker_, name());
    }
    [[nodiscard]] MessageSender& sender() override { return broker_; }
    [[nodiscard]] std::unique_ptr<DeadLetterStore> dead_letters() override {
        return std::make_unique<example::ExampleDeadLetters>(broker_, name());
    }
    [[nodiscard]] bool exists() override {
        const std::lock_guard lock(broker_.mutex);
        return broker_.queues.contains(name());
    }
    [[nodiscard]] std::size_t waiting() override {
        const std::lock_guard lock(broker_.mutex);
        std::size_t ready = 0;
        for (const auto& [key, stored] : broker_.queues[name()])
            if (stored.holder == 0 && stored.due <= broker_.clock.steady_now()) ++ready;
        return ready;
    }
    void begin_loss() override {
        const std::lock_guard lock(broker_.mutex);
        for (auto& [key, stored] : broker_.queues[name()])
            if (std::exchange(stored.holder, 0) != 0) stored.came_back = true;
    }

private:
    example::Broker broker_;
};

CONTRACT_TESTS(QueueKind{"Example", [] { return std::make_unique<ExampleUnderTest>(); }});

}  // namespace
}  // namespace rococo::messaging::contract
