// SPDX-License-Identifier: MIT
#include "contract_test.hpp"

#include <stdexcept>
#include <utility>

namespace rococo::messaging::contract {
namespace {

SteadyTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

Reader::Reader(std::unique_ptr<MessageAdapter> adapter, Limits limits)
    : adapter_(std::move(adapter)) {
    adapter_->limit(limits);
}

Reader& Reader::open() {
    const auto opened = adapter_->open();
    if (!opened) throw std::runtime_error(opened.error().message);
    return *this;
}

void Reader::end(std::uint64_t number) {
    EXPECT_TRUE(numbers_.contains(number))
        << "an event about what was never handed out: " << number;
    EXPECT_TRUE(ended_.insert(number).second) << "a second event about " << number;
}

void Reader::turn(std::chrono::milliseconds at_most) {
    Events events;
    const auto received = adapter_->receive(now() + at_most, events);
    for (auto& delivery : events.deliveries) {
        EXPECT_NE(delivery->number, 0U);
        EXPECT_TRUE(numbers_.insert(delivery->number).second)
            << "given twice: " << delivery->number;
        in_hand.push_back(std::move(delivery));
    }
    for (const auto& event : events.settled) {
        end(event.delivery);
        const auto said = said_.find(event.delivery);
        if (said == said_.end()) {
            ADD_FAILURE() << "settled without a verdict: " << event.delivery;
        } else {
            EXPECT_EQ(event.verdict, said->second);
        }
        settled.push_back(event);
    }
    for (const auto& event : events.lost) {
        end(event.delivery);
        lost.push_back(event);
    }
    for (auto& change : events.states) {
        const auto before = states.empty() ? ConnectionState::connecting : states.back().state;
        EXPECT_NE(change.state, before) << "told twice: " << change.reason;
        states.push_back(std::move(change));
    }
    if (!received) throw std::runtime_error(received.error().message);
}

bool Reader::until(const std::function<bool()>& condition, std::chrono::milliseconds within) {
    const auto deadline = now() + within;
    while (!condition()) {
        if (now() >= deadline) return false;
        turn();
    }
    return true;
}

void Reader::quiet() {
    const auto deadline = now() + kQuiet;
    while (now() < deadline) turn();
}

Deliveries Reader::take(std::size_t count) {
    if (!until([&] { return in_hand.size() >= count; }))
        throw std::runtime_error(std::to_string(in_hand.size()) + " of " + std::to_string(count) +
                                 " deliveries came");
    return std::exchange(in_hand, {});
}

std::unique_ptr<Delivery> Reader::take_one() {
    auto taken = take(1);
    if (taken.size() != 1) throw std::runtime_error("more than one delivery came");
    return std::move(taken.front());
}

void Reader::settle(std::unique_ptr<Delivery> delivery, Verdict verdict,
                    std::chrono::milliseconds delay, std::optional<std::uint32_t> attempts) {
    if (!ended_.contains(delivery->number)) said_[delivery->number] = verdict;
    Settlement settlement;
    settlement.verdict = verdict;
    settlement.delay = delay;
    settlement.attempts = attempts.value_or(delivery->attempt);
    settlement.error = "it went wrong";
    if (verdict == Verdict::dead_letter) settlement.reason = "permanent-error";
    settlement.delivery = std::move(delivery);
    Settlements settlements;
    settlements.push_back(std::move(settlement));
    const auto done = adapter_->settle(std::move(settlements));
    if (!done) throw std::runtime_error(done.error().message);
}

void Reader::settle_all(Deliveries deliveries, Verdict verdict) {
    for (auto& delivery : deliveries) settle(std::move(delivery), verdict);
}

void Reader::settle_down() {
    const bool done = until([&] {
        if (adapter_->unsettled() != 0) return false;
        for (const auto& [number, verdict] : said_)
            if (!ended_.contains(number)) return false;
        return true;
    });
    if (!done) throw std::runtime_error("verdicts that no event answers");
}

bool Reader::empty() {
    const auto empty = adapter_->empty();
    if (!empty) throw std::runtime_error(empty.error().message);
    return *empty;
}

void ContractTest::send(std::size_t count) {
    std::vector<OutgoingMessage> messages;
    for (std::size_t i = 1; i <= count; ++i) {
        OutgoingMessage message;
        message.body = message.id = std::to_string(i);
        messages.push_back(queue().prepared(std::move(message)));
    }
    const auto sent = queue().sender().send(queue().name(), messages);
    if (!sent) throw std::runtime_error(sent.error().message);
}

void ContractTest::send(OutgoingMessage message) {
    const auto sent = queue().sender().send(queue().name(), queue().prepared(std::move(message)));
    if (!sent) throw std::runtime_error(sent.error().message);
}

std::multiset<std::string> bodies(const Deliveries& deliveries) {
    std::multiset<std::string> all;
    for (const auto& delivery : deliveries) all.emplace(delivery->body);
    return all;
}

}  // namespace rococo::messaging::contract
