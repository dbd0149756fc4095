// SPDX-License-Identifier: MIT
#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "queue_under_test.hpp"

namespace rococo::messaging::contract {

using namespace std::chrono_literals;

/// How long a test waits for what must happen. No test passes faster for it.
inline constexpr auto kDeadline = 240s;
/// How long it waits for what must not happen.
inline constexpr auto kQuiet = 400ms;

/// An adapter and what it told: keeps it going, and holds it to what must be true at any time. Each
/// number is given once, and never zero; each event is about a delivery that was handed out, is the
/// only one about it, and says the verdict that was given; a state is told where it changes only.
class Reader {
public:
    explicit Reader(std::unique_ptr<MessageAdapter> adapter, Limits limits = {});

    [[nodiscard]] MessageAdapter& adapter() { return *adapter_; }
    Reader& open();
    /// Receives once. Deliveries end up in `in_hand`.
    void turn(std::chrono::milliseconds at_most = 50ms);
    /// Receives until the condition holds; whether it came to that.
    bool until(const std::function<bool()>& condition,
               std::chrono::milliseconds within = kDeadline);
    /// Receives for a moment, so that what should not come has had the time to.
    void quiet();
    /// Receives until so many are in hand, and gives them away. Throws where they do not come.
    Deliveries take(std::size_t count);
    std::unique_ptr<Delivery> take_one();
    void settle(std::unique_ptr<Delivery> delivery, Verdict verdict,
                std::chrono::milliseconds delay = {},
                std::optional<std::uint32_t> attempts = std::nullopt);
    void settle_all(Deliveries deliveries, Verdict verdict);
    /// Receives until every verdict has its event. Throws where that does not come about.
    void settle_down();
    [[nodiscard]] bool empty();

    Deliveries in_hand;
    std::vector<Events::Settled> settled;
    std::vector<Events::Lost> lost;
    std::vector<Events::State> states;

private:
    void end(std::uint64_t number);

    std::unique_ptr<MessageAdapter> adapter_;
    std::set<std::uint64_t> numbers_;
    std::set<std::uint64_t> ended_;
    std::map<std::uint64_t, Verdict> said_;
};

/// A queue of the kind that the test was given.
class ContractTest : public testing::TestWithParam<QueueKind> {
protected:
    ContractTest() : queue_(GetParam().make()) {}

    [[nodiscard]] QueueUnderTest& queue() { return *queue_; }
    [[nodiscard]] std::unique_ptr<Reader> reader(Limits limits = {}) {
        return std::make_unique<Reader>(queue_->adapter(), limits);
    }
    [[nodiscard]] std::unique_ptr<Reader> opened(Limits limits = {}) {
        auto made = reader(limits);
        made->open();
        return made;
    }
    /// Sends messages with the bodies and ids `1`, `2` and so on.
    void send(std::size_t count);
    void send(OutgoingMessage message);

private:
    std::unique_ptr<QueueUnderTest> queue_;
};

// One for each file of the suite.
class LifeTest : public ContractTest {};
class LimitsTest : public ContractTest {};
class WaitingTest : public ContractTest {};
class VerdictTest : public ContractTest {};
class DeadLetterTest : public ContractTest {};
class CountsTest : public ContractTest {};
class LossTest : public ContractTest {};
class MessageTest : public ContractTest {};
class StateTest : public ContractTest {};
class PauseTest : public ContractTest {};

[[nodiscard]] std::multiset<std::string> bodies(const Deliveries& deliveries);

/// Skips a test that asks for what the queue cannot do.
#define SKIP_WHERE(reason)                               \
    do {                                                 \
        const std::string skipping = (reason);           \
        if (!skipping.empty()) GTEST_SKIP() << skipping; \
    } while (false)

/// Runs the whole suite over these kinds of queue: in the file of each.
#define CONTRACT_TESTS(...)                                              \
    const auto kKinds = testing::Values(__VA_ARGS__);                    \
    const auto kName = [](const auto& info) { return info.param.name; }; \
    INSTANTIATE_TEST_SUITE_P(Contract, LifeTest, kKinds, kName);         \
    INSTANTIATE_TEST_SUITE_P(Contract, LimitsTest, kKinds, kName);       \
    INSTANTIATE_TEST_SUITE_P(Contract, WaitingTest, kKinds, kName);      \
    INSTANTIATE_TEST_SUITE_P(Contract, VerdictTest, kKinds, kName);      \
    INSTANTIATE_TEST_SUITE_P(Contract, DeadLetterTest, kKinds, kName);   \
    INSTANTIATE_TEST_SUITE_P(Contract, CountsTest, kKinds, kName);       \
    INSTANTIATE_TEST_SUITE_P(Contract, LossTest, kKinds, kName);         \
    INSTANTIATE_TEST_SUITE_P(Contract, MessageTest, kKinds, kName);      \
    INSTANTIATE_TEST_SUITE_P(Contract, StateTest, kKinds, kName);        \
    INSTANTIATE_TEST_SUITE_P(Contract, PauseTest, kKinds, kName)

}  // namespace rococo::messaging::contract
