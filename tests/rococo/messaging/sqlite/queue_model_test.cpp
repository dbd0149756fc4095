// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

/// What the embedded queue promises, in the simplest words: who has each message, and the line.
class Model {
public:
    struct Entry {
        int holder = kNobody;  ///< Which consumer has it.
        std::uint32_t attempts = 0;
        SystemTime due{};   ///< The epoch for what was never in hand or was given back.
        bool fresh = true;  ///< Was never in hand.
    };
    static constexpr int kNobody = -1;

    void send(int id) { live_[id]; }

    /// The ids that a consumer with so much room must get, in this order.
    std::vector<int> take(int consumer, std::size_t room, SystemTime now) {
        std::vector<int> waiting;
        std::vector<int> fresh;
        for (const auto& [id, entry] : live_) {
            if (entry.holder != kNobody) continue;
            if (entry.fresh) fresh.push_back(id);
            if (!entry.fresh && entry.due <= now) waiting.push_back(id);
        }
        std::stable_sort(waiting.begin(), waiting.end(),
                         [&](int a, int b) { return live_[a].due < live_[b].due; });
        waiting.insert(waiting.end(), fresh.begin(), fresh.end());
        if (waiting.size() > room) waiting.resize(room);
        for (const int id : waiting) {
            live_[id].holder = consumer;
            live_[id].fresh = false;
        }
        return waiting;
    }

    void settle(int id, Verdict verdict, SystemTime due) {
        auto& entry = live_.at(id);
        if (verdict == Verdict::dead_letter) dead_.push_back(id);
        if (verdict == Verdict::ack || verdict == Verdict::dead_letter) {
            live_.erase(id);
            return;
        }
        entry.holder = kNobody;
        if (verdict == Verdict::retry) {
            ++entry.attempts;
            entry.due = due;
        }
    }

    void leave(int consumer) {
        for (auto& [id, entry] : live_) {
            if (entry.holder == consumer) entry.holder = kNobody;
        }
    }

    /// Moves all dead letters back; they get new ids of the model, since they stand at the end.
    std::deque<int>& dead() { return dead_; }

    [[nodiscard]] bool empty_but_for(int consumer) const {
        return std::all_of(live_.begin(), live_.end(),
                           [&](const auto& each) { return each.second.holder == consumer; });
    }
    [[nodiscard]] std::uint32_t attempts(int id) const { return live_.at(id).attempts; }

private:
    std::map<int, Entry> live_;  ///< By id, which grows in the order of sending.
    std::deque<int> dead_;
};

class QueueModelTest : public QueueFixture, public ::testing::WithParamInterface<unsigned> {
protected:
    struct Peer {
        std::unique_ptr<SqliteConnection> connection;
        Deliveries in_hand;
        std::vector<int> ids;  ///< The model's ids of those in hand, beside them.
        std::size_t prefetch = 1;
    };

    void send_some() {
        std::vector<OutgoingMessage> messages(1 + random_() % 5);
        for (auto& each : messages) {
            each = message(std::string(random_() % 3000, 'b'), std::to_string(next_));
            ids_[std::to_string(next_)] = next_;
            model_.send(next_++);
        }
        ASSERT_TRUE(sender().send("work", messages));
    }

    void settle_some(int number) {
        auto& peer = peers_[number];
        const std::size_t count = peer.in_hand.empty() ? 0 : random_() % (peer.in_hand.size() + 1);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = random_() % peer.in_hand.size();
            constexpr std::array kVerdicts{Verdict::ack,   Verdict::ack,     Verdict::ack,
                                           Verdict::retry, Verdict::release, Verdict::dead_letter};
            const auto verdict = kVerdicts[random_() % kVerdicts.size()];
            const std::chrono::milliseconds delay(random_() % 5000);
            settle(*peer.connection, std::move(peer.in_hand[at]), verdict, delay, "error");
            model_.settle(peer.ids[at], verdict, clock_.now() + delay);
            peer.in_hand.erase(peer.in_hand.begin() + static_cast<std::ptrdiff_t>(at));
            peer.ids.erase(peer.ids.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }

    void receive_some(int number) {
        auto& peer = peers_[number];
        peer.prefetch = 1 + random_() % 20;
        peer.connection->limit({.deliveries = peer.prefetch});
        const std::size_t room = peer.prefetch - std::min(peer.prefetch, peer.in_hand.size());
        const auto expected = model_.take(number, room, clock_.now());
        auto got = receive(*peer.connection);
        std::vector<int> got_ids;
        for (const auto& delivery : got) got_ids.push_back(ids_.at(std::string(delivery->id)));
        ASSERT_EQ(got_ids, expected);
        for (auto& delivery : got) {
            const int id = ids_.at(std::string(delivery->id));
            ASSERT_EQ(delivery->attempt, model_.attempts(id) + 1);
            peer.ids.push_back(id);
            peer.in_hand.push_back(std::move(delivery));
        }
        EXPECT_EQ(is_empty(*peer.connection), model_.empty_but_for(number));
    }

    void reopen(int number) {
        auto& peer = peers_[number];
        peer.connection->close();
        model_.leave(number);
        peer.in_hand.clear();
        peer.ids.clear();
        ASSERT_TRUE(peer.connection->open());
    }

    void requeue_dead() {
        auto store = dead_letters();
        ASSERT_EQ(store->count().value(), model_.dead().size());
        const auto moved = store->requeue({});
        ASSERT_TRUE(moved);
        ASSERT_EQ(*moved, model_.dead().size());
        for (const int dead : model_.dead()) {
            const auto name = std::find_if(ids_.begin(), ids_.end(), [&](const auto& each) {
                                  return each.second == dead;
                              })->first;
            ids_[name] = next_;
            model_.send(next_++);
        }
        model_.dead().clear();
    }

    std::mt19937 random_{GetParam()};
    Model model_;
    std::map<std::string, int>
        ids_;  ///< A message's id to the model's, which is its place in line.
    int next_ = 0;
    std::array<Peer, 3> peers_;
};

TEST_P(QueueModelTest, DoesWhatTheModelDoes) {
    for (auto& peer : peers_) peer.connection = connect(1);
    for (int step = 0; step < 400 && !HasFatalFailure(); ++step) {
        clock_.advance(std::chrono::milliseconds(random_() % 1000));
        const int number = static_cast<int>(random_() % peers_.size());
        const auto choice = random_() % 100;
        if (choice < 30) send_some();
        // What is settled is written by the next receive, so the two go together.
        if (choice >= 30 && choice < 95) {
            settle_some(number);
            receive_some(number);
        }
        if (choice >= 95 && choice < 98) reopen(number);
        if (choice >= 98) requeue_dead();
        if (HasFailure()) FAIL() << "in step " << step;
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, QueueModelTest, ::testing::Range(1U, 5U));

}  // namespace
}  // namespace rococo::messaging::testing
